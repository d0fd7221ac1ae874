//! The invariants that a correct `seg_mf` would keep, and who breaks them: observed, never enforced.
//!
//! A rule either judges **states** or **calls** ([`Judges`]). A broken state stays broken until it is put right; what a call did
//! wrong is that call's, and only the step that made it is to blame. Both speak of *places* ([`Place`]): a page, a segment, a page
//! table, a grant mapping. [`Checker`] keeps the verdict on every place of a world, and goes from one world to the next by the
//! events between them: it looks again only at what they touched, also when the next world is one inside a step. That it says then
//! what a full recount says is a property test (`tests/invariants.rs`).
//!
//! The page of a recording is asked what it can answer ([`InvariantId::is_asked_of`]); a bare machine has no driver to ask.
//!
//! Rules of the hypervisor alone and of Mach are not here yet. They fit as further names, places and numbers of `Why`.

mod breach;
mod calls;
mod page;
mod records;
mod rule;
mod state;
mod touched;
mod witness;

pub use breach::{Breach, CallError, JudgedCall, Leftover, Place, Why};
pub use rule::{Invariant, InvariantId, Judges};

use super::{Event, MachineId, World};
use imbl::OrdMap;
use state::State;
use witness::Witness;

/// The verdicts of all rules that judge states, on every place of a world. A clone shares all it has with its original.
#[derive(Clone, Debug, Default)]
pub struct Checker {
    machines: OrdMap<MachineId, State>,
}

impl Checker {
    /// Looks at every place of a world: what [`Checker::after`] must agree with.
    #[must_use]
    pub fn new(world: &World) -> Checker {
        let state = |id| Witness::of(world, id).map(|witness| (id, State::recount(id, witness)));
        Checker { machines: world.machines().filter_map(|(id, _)| state(id)).collect() }
    }

    /// The verdicts on `world`, which `events` on one machine lead to from the world this checker knows. The events may be the
    /// first of a step only, and the world the one between them; from there one goes on with the next events of the same step.
    #[must_use]
    pub fn after(&self, world: &World, machine: MachineId, events: &[Event]) -> Checker {
        let state = Witness::of(world, machine).zip(self.machines.get(&machine));
        match state {
            Some((witness, state)) => Checker { machines: self.machines.update(machine, state.after(witness, events)) },
            None => self.clone(),
        }
    }

    /// What the calls among `events` did or said wrong. This checker knows the world before the first of them, `world` is the one
    /// after the last; a call that has not returned yet is judged by what it changed where it must not.
    #[must_use]
    pub fn calls(&self, world: &World, machine: MachineId, events: &[Event]) -> Vec<Breach> {
        let state = Witness::of(world, machine).zip(self.machines.get(&machine));
        state.map_or_else(Vec::new, |(witness, state)| calls::judge(machine, witness, &state.records, events))
    }

    /// Whether a rule is broken anywhere.
    #[must_use]
    pub fn is_broken(&self, id: InvariantId) -> bool {
        self.machines.values().any(|state| state.breaches.contains_key(&id))
    }

    /// How many places break a rule.
    #[must_use]
    pub fn count(&self, id: InvariantId) -> usize {
        self.machines.values().filter_map(|state| state.breaches.get(&id)).map(OrdMap::len).sum()
    }

    /// The places that break a rule, in order.
    pub fn breaches(&self, id: InvariantId) -> impl Iterator<Item = Breach> + '_ {
        let places = self.machines.values().filter_map(move |state| state.breaches.get(&id)).flatten();
        places.map(move |(place, why)| Breach { id, place: *place, why: *why })
    }

    /// Every breach, by rule and place.
    pub fn all(&self) -> impl Iterator<Item = Breach> + '_ {
        Invariant::ALL.iter().flat_map(|rule| self.breaches(rule.id))
    }
}
