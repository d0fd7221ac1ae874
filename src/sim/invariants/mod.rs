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
use imbl::ordmap::DiffItem;
use state::State;
use witness::Witness;

/// Where rules came to be broken, and where they hold again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// New breaches.
    pub broke: Vec<Breach>,
    /// Breaches that are no more.
    pub whole: Vec<Breach>,
}

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

    /// The rules that are broken anywhere, in order of their names.
    pub fn broken(&self) -> impl Iterator<Item = InvariantId> + '_ {
        Invariant::ALL.iter().map(|rule| rule.id).filter(|id| self.is_broken(*id))
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

    /// What changed since `before`, which shares most of what it has with this checker: only the rest is looked at.
    #[must_use]
    pub fn since(&self, before: &Checker) -> Changed {
        let mut changed = Changed::default();
        let (none, nowhere) = (State::default(), OrdMap::new());
        for (machine, state) in &self.machines {
            let old = before.machines.get(machine).unwrap_or(&none);
            for rule in &Invariant::ALL {
                let places = |state: &State| state.breaches.get(&rule.id).cloned().unwrap_or_else(|| nowhere.clone());
                for difference in places(old).diff(&places(state)) {
                    let breach = |place: &Place, why: &Why| Breach { id: rule.id, place: *place, why: *why };
                    match difference {
                        DiffItem::Add(place, why) => changed.broke.push(breach(place, why)),
                        DiffItem::Remove(place, why) => changed.whole.push(breach(place, why)),
                        DiffItem::Update { .. } => {}
                    }
                }
            }
        }
        changed
    }

    /// Every breach, by rule and place.
    pub fn all(&self) -> impl Iterator<Item = Breach> + '_ {
        Invariant::ALL.iter().flat_map(|rule| self.breaches(rule.id))
    }
}
