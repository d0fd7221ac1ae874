//! History is a tree of steps. It keeps what was done and a fingerprint of what came of it; worlds are made again by replay.
//!
//! A step done in the past opens a branch, and the old future stays. Checkpoints make seeking quick; where the person *is* in the tree
//! is not here.

use super::op::Op;
use super::world::{Digest, Outcome, World};
use crate::word::small_id;
use imbl::{OrdMap, Vector};

small_id!(
    /// A step of a history; 0 is the beginning, before any op.
    StepId(u32), "step:"
);

impl StepId {
    /// Before the first op.
    pub const START: StepId = StepId(0);
}

/// Every so many steps down from the start a world is kept.
const CHECKPOINT_EVERY: u32 = 64;

#[derive(Clone, Debug)]
struct Step {
    parent: StepId,
    op: Op,
    digest: Digest,
    depth: u32,
    first_child: Option<StepId>,
    next_sibling: Option<StepId>,
}

/// A tree of steps from one world. A clone shares all it has with its original.
#[derive(Clone, Debug)]
pub struct History {
    genesis: World,
    steps: Vector<Step>,
    first_of_start: Option<StepId>,
    checkpoints: OrdMap<StepId, World>,
}

impl History {
    /// A history in which nothing has happened.
    #[must_use]
    pub fn new(genesis: World) -> History {
        History { genesis, steps: Vector::new(), first_of_start: None, checkpoints: OrdMap::new() }
    }

    /// How many steps there are on all branches.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.steps.len() as u32
    }

    /// Whether nothing has happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// How many worlds are kept to seek from.
    #[must_use]
    pub fn checkpoints(&self) -> usize {
        self.checkpoints.len()
    }

    /// Whether a step exists; the start always does.
    #[must_use]
    pub fn contains(&self, step: StepId) -> bool {
        step.0 <= self.len()
    }

    /// The step before; none before the start.
    #[must_use]
    pub fn parent(&self, step: StepId) -> Option<StepId> {
        self.get(step).map(|s| s.parent)
    }

    /// What was done at a step; nothing at the start.
    #[must_use]
    pub fn op(&self, step: StepId) -> Option<&Op> {
        self.get(step).map(|s| &s.op)
    }

    /// The fingerprint of what was answered.
    #[must_use]
    pub fn digest(&self, step: StepId) -> Option<Digest> {
        self.get(step).map(|s| s.digest)
    }

    /// How many steps lie between the start and this one, it included.
    #[must_use]
    pub fn depth(&self, step: StepId) -> u32 {
        self.get(step).map_or(0, |s| s.depth)
    }

    /// The steps done right after this one, oldest first: one on each branch.
    pub fn children(&self, step: StepId) -> impl Iterator<Item = StepId> + '_ {
        std::iter::successors(self.first_child(step), |child| self.get(*child).and_then(|s| s.next_sibling))
    }

    /// The steps from the start, itself left out, down to and with `step`.
    #[must_use]
    pub fn path(&self, step: StepId) -> Vec<StepId> {
        let mut path: Vec<StepId> =
            std::iter::successors(Some(step), |s| self.parent(*s)).filter(|s| *s != StepId::START).collect();
        path.reverse();
        path
    }

    /// The last step that two steps share.
    #[must_use]
    pub fn common_ancestor(&self, mut a: StepId, mut b: StepId) -> StepId {
        while a != b {
            if self.depth(a) >= self.depth(b) {
                a = self.parent(a).unwrap_or(StepId::START);
            } else {
                b = self.parent(b).unwrap_or(StepId::START);
            }
        }
        a
    }

    /// Does `op` after `at`, in the world that `at` left, which the caller has (and gets back changed). The same op done twice at one place
    /// is one step.
    ///
    /// # Panics
    /// When there is no step `at`.
    pub fn push(&mut self, at: StepId, op: Op, world: &mut World) -> (StepId, Outcome) {
        assert!(self.contains(at), "{at:?} is not one of the {} steps of this history", self.len());
        let outcome = world.apply(&op);
        if let Some(same) = self.children(at).find(|child| self.op(*child) == Some(&op)) {
            return (same, outcome);
        }
        let id = StepId(self.len() + 1);
        let depth = self.depth(at) + 1;
        let digest = outcome.digest();
        self.steps.push_back(Step { parent: at, op, digest, depth, first_child: None, next_sibling: None });
        match self.children(at).last() {
            Some(youngest) => self.get_mut(youngest).next_sibling = Some(id),
            None if at == StepId::START => self.first_of_start = Some(id),
            None => self.get_mut(at).first_child = Some(id),
        }
        if depth.is_multiple_of(CHECKPOINT_EVERY) {
            self.checkpoints.insert(id, world.clone());
        }
        (id, outcome)
    }

    /// The world after a step, replayed from the nearest checkpoint above it.
    ///
    /// # Panics
    /// When there is no such step.
    #[must_use]
    pub fn world_at(&self, step: StepId) -> World {
        assert!(self.contains(step), "{step:?} is not one of the {} steps of this history", self.len());
        let mut todo = Vec::new();
        let mut at = step;
        let mut world = loop {
            if at == StepId::START {
                break self.genesis.clone();
            }
            if let Some(kept) = self.checkpoints.get(&at) {
                break kept.clone();
            }
            todo.push(at);
            at = self.parent(at).unwrap_or(StepId::START);
        };
        for step in todo.into_iter().rev() {
            if let Some(op) = self.op(step) {
                let _ = world.apply(op);
            }
        }
        world
    }

    /// What happened at a step, by doing it again; nothing at the start.
    #[must_use]
    pub fn outcome(&self, step: StepId) -> Option<Outcome> {
        let parent = self.parent(step)?;
        let mut world = self.world_at(parent);
        self.op(step).map(|op| world.apply(op))
    }

    /// The world inside a step: after `events` of its events.
    #[must_use]
    pub fn world_within(&self, step: StepId, events: usize) -> World {
        let mut world = self.world_at(self.parent(step).unwrap_or(StepId::START));
        if let Some(op) = self.op(step) {
            let _ = world.apply_with_fuel(op, events);
        }
        world
    }

    fn get(&self, step: StepId) -> Option<&Step> {
        self.steps.get((step.0 as usize).checked_sub(1)?)
    }

    fn get_mut(&mut self, step: StepId) -> &mut Step {
        &mut self.steps[step.0 as usize - 1]
    }

    fn first_child(&self, step: StepId) -> Option<StepId> {
        if step == StepId::START { self.first_of_start } else { self.get(step).and_then(|s| s.first_child) }
    }
}
