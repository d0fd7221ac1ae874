//! The one door: a world of machines, and what an op does to it.

use super::answer::{Answer, NotThere};
use super::event::Event;
use super::machine::Machine;
use super::op::{MachineId, Op};
use super::setup::{MachineSetup, SetupError};
use crate::trace::{Halt, Recorder};
use crate::word::json;
use imbl::OrdMap;
use siphasher::sip::SipHasher13;
use std::hash::Hasher as _;

/// What one op did: its answer, and everything that happened on the way. A refusal has events, too.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[must_use]
pub struct Outcome {
    /// The answer.
    pub answer: Answer,
    /// The events in order; the op's micro-steps are the positions between them.
    pub events: Vec<Event>,
}

/// A fingerprint of an answer, the same on every machine that runs this model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest(pub u64);

impl Outcome {
    /// The fingerprint of the answer, taken of its JSON so that neither word size nor compiler is part of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hasher = SipHasher13::new();
        hasher.write(json::text(&self.answer).as_bytes());
        Digest(hasher.finish())
    }
}

/// One machine, and since which op of the world its kernel is dead.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Slot {
    machine: Machine,
    dead_since: Option<u64>,
}

/// An ordered map of machines. Cheap to clone, compare and hash: what two worlds share, they share in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct World {
    machines: OrdMap<MachineId, Slot>,
    applied: u64,
}

impl World {
    /// Builds the machines of a session, numbered in order from 0.
    ///
    /// # Errors
    /// The first machine that cannot be built.
    pub fn build(setups: &[MachineSetup]) -> Result<World, SetupError> {
        let mut machines = OrdMap::new();
        for (id, setup) in (0..).zip(setups) {
            machines.insert(MachineId(id), Slot { machine: Machine::build(setup)?, dead_since: None });
        }
        Ok(World { machines, applied: 0 })
    }

    /// A machine.
    #[must_use]
    pub fn machine(&self, id: MachineId) -> Option<&Machine> {
        self.machines.get(&id).map(|slot| &slot.machine)
    }

    /// Every machine in order.
    pub fn machines(&self) -> impl Iterator<Item = (MachineId, &Machine)> + '_ {
        self.machines.iter().map(|(id, slot)| (*id, &slot.machine))
    }

    /// The op, counted from 1, at which a machine's kernel panicked.
    #[must_use]
    pub fn dead_since(&self, id: MachineId) -> Option<u64> {
        self.machines.get(&id).and_then(|slot| slot.dead_since)
    }

    /// How many ops were applied since the world was built.
    #[must_use]
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// Does `op`: total and deterministic, whatever the op.
    pub fn apply(&mut self, op: &Op) -> Outcome {
        self.run(op, Recorder::unlimited())
    }

    /// Does `op` up to its micro-step `fuel`: what is left is the world after that many of its events. With as many as the op
    /// has, or more, it is the same as [`World::apply`].
    pub fn apply_with_fuel(&mut self, op: &Op, fuel: usize) -> Outcome {
        self.run(op, Recorder::with_fuel(fuel))
    }

    fn run(&mut self, op: &Op, mut recorder: Recorder<Event>) -> Outcome {
        self.applied += 1;
        let id = op.machine;
        let Some(slot) = self.machines.get_mut(&id) else {
            return Outcome { answer: Answer::NotThere(NotThere::Machine(id)), events: Vec::new() };
        };
        if let Some(since) = slot.dead_since {
            return Outcome { answer: Answer::Dead { since }, events: Vec::new() };
        }
        let answer = slot.machine.apply(id, &op.act, &mut recorder).unwrap_or_else(|halt| {
            if matches!(halt, Halt::Panic(_) | Halt::Wild { .. }) {
                slot.dead_since = Some(self.applied);
            }
            Answer::Halted(halt)
        });
        Outcome { answer, events: recorder.into_events() }
    }
}
