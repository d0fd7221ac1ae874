//! Replaying a recorded run on the mock kernel, step by step, with a verdict on each.

use super::MockKernel;
use super::answer::SegAnswer;
use super::event::MockEvent;
use super::log::Noted;
use super::recording::{Ends, RecordedStep, Recording, Run};
use super::verdict::Difference;
use crate::illumos::event::KernelEvent;
use crate::trace::{Halt, Recorder};
use serde_json::json;

/// An event of a step: of the driver and its kernel, or of the mocks below.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StepEvent {
    /// Of the driver and its kernel.
    Kernel(KernelEvent),
    /// Of the mocks below.
    Mock(MockEvent),
}

impl From<KernelEvent> for StepEvent {
    fn from(event: KernelEvent) -> StepEvent {
        StepEvent::Kernel(event)
    }
}

impl From<MockEvent> for StepEvent {
    fn from(event: MockEvent) -> StepEvent {
        StepEvent::Mock(event)
    }
}

impl StepEvent {
    /// The event, borrowed.
    #[must_use]
    pub fn noted(&self) -> Noted<'_> {
        match self {
            StepEvent::Kernel(event) => Noted::Kernel(event),
            StepEvent::Mock(event) => Noted::Mock(event),
        }
    }
}

/// What became of a step that was replayed.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// What it answered, or how it halted.
    pub outcome: Result<SegAnswer, Halt>,
    /// What happened, in order.
    pub events: Vec<StepEvent>,
    /// Where it differs from the recording; none if it does not.
    pub difference: Option<Difference>,
}

/// Carries out one recorded step and judges it.
pub fn replay_step(kernel: &mut MockKernel, step: &RecordedStep) -> Replayed {
    let mut recorder: Recorder<StepEvent> = Recorder::unlimited();
    let outcome = kernel.apply(&step.op, &mut recorder);
    let events = recorder.into_events();
    let noted: Vec<Noted<'_>> = events.iter().map(StepEvent::noted).collect();
    let difference = step.expected.judge(kernel, &outcome, &noted);
    Replayed { outcome, events, difference }
}

/// Replays a run up to its first difference: the index of that step, counted from the first of the scenario, and the difference.
/// None: the run went and ended as recorded.
#[must_use]
pub fn replay(recording: &Recording, run: &Run) -> Option<(usize, Difference)> {
    let mut kernel = recording.kernel(run);
    let mut ended = Ends::Normal;
    let mut count = 0;
    for (index, step) in recording.steps(run).enumerate() {
        if ended == Ends::Panic {
            return Some((index, ends_differ(Ends::Normal, ended)));
        }
        let replayed = replay_step(&mut kernel, step);
        if let Some(difference) = replayed.difference {
            return Some((index, difference));
        }
        ended = if replayed.outcome.is_err() { Ends::Panic } else { Ends::Normal };
        count = index;
    }
    (ended != run.ends).then(|| (count, ends_differ(run.ends, ended)))
}

fn ends_differ(expected: Ends, found: Ends) -> Difference {
    let word = |ends| match ends {
        Ends::Normal => json!("normal"),
        Ends::Panic => json!("panic"),
    };
    Difference { path: "ends".to_owned(), expected: Some(word(expected)), found: Some(word(found)) }
}
