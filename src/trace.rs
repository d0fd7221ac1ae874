//! How a layer reports without knowing who listens, and how a run of a kernel ends before its time.
//!
//! Every layer has an event type of its own and asks for `Emit<ThatEvent>`. An event is emitted **before** the change it
//! names, and nothing that can halt stands between the two: so a run with fuel k leaves the world exactly after k events.
//! What an event looks like to a person is not here.

use serde::Serialize;
use std::borrow::Cow;

/// Takes the events of one layer.
pub trait Emit<E> {
    /// Notes `event`; the caller makes the change it names right after.
    ///
    /// # Errors
    /// [`Halt::Fuel`] when the run was to stop before this event.
    fn emit(&mut self, event: E) -> Result<(), Halt>;
}

/// Hears nothing and never runs dry: for building a machine before its first step.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl<E> Emit<E> for Silent {
    fn emit(&mut self, _event: E) -> Result<(), Halt> {
        Ok(())
    }
}

/// Why a run stopped in the middle. The only thing `?` carries in the model: a refusal is an ordinary value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Halt {
    /// The simulated kernel panicked; its half-done state stays to be looked at.
    Panic(Panic),
    /// An access far outside an array or a loop past 2^20 rounds: what a real machine does next is not for a model to say.
    Wild {
        /// The function that went astray, by its name in the source.
        function: Cow<'static, str>,
        /// The index or round it had reached.
        index: u64,
    },
    /// The fuel of a micro-step is used up.
    Fuel,
}

/// The last words of a simulated kernel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Panic {
    /// The message of `panic()`, or the expression of the ASSERT.
    pub words: Cow<'static, str>,
    /// The function whose ASSERT it was; none for a call of `panic()`, which every build of a kernel makes.
    pub assert_in: Option<&'static str>,
}

impl Halt {
    /// A call of `panic()`.
    pub fn panic(words: impl Into<Cow<'static, str>>) -> Self {
        Halt::Panic(Panic { words: words.into(), assert_in: None })
    }

    /// An ASSERT that did not hold, on a DEBUG kernel.
    #[must_use]
    pub fn assertion(expression: &'static str, function: &'static str) -> Self {
        Halt::Panic(Panic { words: expression.into(), assert_in: Some(function) })
    }
}

/// Unwraps the agreement in a `Result<Result<T, Refusal>, Halt>`: a halt goes up with `?`, a refusal is returned as the value it is.
#[allow(unused_macros, reason = "used from the hypervisor on")]
macro_rules! agreed {
    ($answer:expr) => {
        match $answer? {
            Ok(value) => value,
            Err(refusal) => return Ok(Err(refusal)),
        }
    };
}
#[allow(unused_imports, reason = "used from the hypervisor on")]
pub(crate) use agreed;

/// Collects what a run of one op emits, as the sum type of the layer that knows all events, up to a given fuel.
#[derive(Clone, Debug)]
pub struct Recorder<E> {
    events: Vec<E>,
    fuel: Option<usize>,
}

impl<E> Recorder<E> {
    /// Records until the run ends by itself.
    #[must_use]
    pub fn unlimited() -> Self {
        Recorder { events: Vec::new(), fuel: None }
    }

    /// Records `fuel` events and halts the run before the next.
    #[must_use]
    pub fn with_fuel(fuel: usize) -> Self {
        Recorder { events: Vec::new(), fuel: Some(fuel) }
    }

    /// What was recorded so far.
    #[must_use]
    pub fn events(&self) -> &[E] {
        &self.events
    }

    /// What was recorded, in order.
    #[must_use]
    pub fn into_events(self) -> Vec<E> {
        self.events
    }
}

impl<E, L: Into<E>> Emit<L> for Recorder<E> {
    fn emit(&mut self, event: L) -> Result<(), Halt> {
        if self.fuel.is_some_and(|fuel| self.events.len() >= fuel) {
            return Err(Halt::Fuel);
        }
        self.events.push(event.into());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Emit, Halt, Recorder};

    #[test]
    fn fuel_is_the_number_of_events() {
        let mut recorder: Recorder<u64> = Recorder::with_fuel(2);
        assert_eq!(recorder.emit(1_u32), Ok(()));
        assert_eq!(recorder.emit(2_u32), Ok(()));
        assert_eq!(recorder.emit(3_u32), Err(Halt::Fuel));
        assert_eq!(recorder.into_events(), [1, 2]);
    }
}
