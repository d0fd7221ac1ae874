//! The session file: JSON, versioned, and read as what it is, a stranger's.
//!
//! A history is written as its steps in order of birth, each with its parent, so that every parent stands before its children. On
//! loading, all steps are done again; a step that answers differently from what the file says is reported, not refused.

use super::history::{History, StepId};
use super::op::{MachineId, Op};
use super::setup::{MachineSetup, SetupError};
use super::world::World;
use crate::illumos::abi::AsId;
use crate::word::Word;
use crate::word::json::{self, Misread};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The only version so far.
pub const FORMAT: &str = "mapscope-session-1";
/// The longest text that is looked at.
pub const MAX_BYTES: usize = 64 << 20;
/// The most steps.
pub const MAX_STEPS: usize = 1_000_000;
/// The most machines.
pub const MAX_MACHINES: usize = 16;

/// A session as it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionFile {
    /// [`FORMAT`].
    pub format: String,
    /// What a person calls it.
    pub title: String,
    /// The machines, numbered from 0.
    pub machines: Vec<MachineSetup>,
    /// Every step of every branch; step n of the file is step n of the history, from 1.
    pub steps: Vec<StepLine>,
    /// Where the cursor stands.
    #[serde(default)]
    pub cursor: StepId,
    /// The last step of the branch the cursor is on.
    #[serde(default)]
    pub tip: StepId,
    /// Names of branches, by their last step.
    #[serde(default)]
    pub branches: BTreeMap<String, StepId>,
    /// Marked steps.
    #[serde(default)]
    pub marks: Vec<StepId>,
    /// Names of address spaces, for people.
    #[serde(default)]
    pub names: Vec<SpaceName>,
    /// What a step is said to show, in a story.
    #[serde(default)]
    pub captions: BTreeMap<StepId, String>,
    /// Of a recording that was opened: how each of its steps compares with what was recorded.
    #[serde(default)]
    pub verdicts: BTreeMap<StepId, Verdict>,
}

/// How a step of a recording compares with what was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Verdict {
    /// It answers and leaves what was recorded.
    Agrees,
    /// It does not.
    Differs {
        /// The way to the first difference, as in `out.log[2].ret`.
        path: String,
        /// What was recorded there.
        expected: String,
        /// What was found.
        found: String,
    },
}

/// What a person calls an address space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpaceName {
    /// On which machine.
    pub machine: MachineId,
    /// Which.
    pub space: AsId,
    /// Its name.
    pub name: String,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepLine {
    /// The step it follows, 0 for the start.
    pub parent: StepId,
    /// What is done.
    pub op: Op,
    /// The fingerprint of the answer, when it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Word>,
}

/// A session text that cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Longer than [`MAX_BYTES`].
    #[error("the file has {0} bytes; a session may have {MAX_BYTES}")]
    TooLarge(usize),
    /// Not JSON, or not of this form.
    #[error(transparent)]
    Form(Misread),
    /// A version this program does not know.
    #[error("the file says it is `{0}`; this program reads `{FORMAT}`")]
    Format(String),
    /// More steps than [`MAX_STEPS`].
    #[error("the file has {0} steps; a session may have {MAX_STEPS}")]
    TooManySteps(usize),
    /// No machine, or more than [`MAX_MACHINES`].
    #[error("the file has {0} machines; a session has 1 to {MAX_MACHINES}")]
    Machines(usize),
    /// A step, cursor, branch or mark names a step that is not before it or not there.
    #[error("`{field}` names step {step}, which is not there yet")]
    NoSuchStep {
        /// Where.
        field: String,
        /// Which.
        step: StepId,
    },
    /// A machine cannot be built.
    #[error("machines[{index}]: {why}")]
    Setup {
        /// Which.
        index: usize,
        /// Why.
        why: SetupError,
    },
}

/// A session that was opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The file as it was read.
    pub file: SessionFile,
    /// Its history, every step done again.
    pub history: History,
    /// The first step that answered otherwise than the file says.
    pub differs: Option<StepId>,
}

/// Reads a session and does its steps again.
///
/// # Errors
/// What is wrong and where; nothing is opened then.
pub fn open(text: &str) -> Result<Opened, FileError> {
    let file = parse(text)?;
    let mut worlds: BTreeMap<StepId, World> = BTreeMap::new();
    let genesis = build(&file.machines)?;
    let mut history = History::new(genesis.clone());
    let mut at = (StepId::START, genesis);
    let mut differs = None;
    for line in &file.steps {
        if at.0 != line.parent {
            let world = worlds.remove(&line.parent).unwrap_or_else(|| history.world_at(line.parent));
            at = (line.parent, world);
        }
        let (id, outcome) = history.push(line.parent, line.op.clone(), &mut at.1);
        at.0 = id;
        if line.digest.is_some_and(|digest| digest.0 != outcome.digest().0) {
            differs = differs.or(Some(id));
        }
    }
    Ok(Opened { file, history, differs })
}

/// Writes a session.
#[must_use]
pub fn write(file: &SessionFile) -> String {
    // One step a line: a file of many steps stays one that can be looked at.
    json::text(file).replace("{\"parent\":", "\n{\"parent\":")
}

/// The steps of a history as lines.
#[must_use]
pub fn lines(history: &History) -> Vec<StepLine> {
    (1..=history.len())
        .map(StepId)
        .filter_map(|step| {
            let (parent, op) = (history.parent(step)?, history.op(step)?.clone());
            Some(StepLine { parent, op, digest: history.digest(step).map(|digest| Word(digest.0)) })
        })
        .collect()
}

fn build(setups: &[MachineSetup]) -> Result<World, FileError> {
    World::build(setups).map_err(|why| {
        let broken = |setup: &MachineSetup| World::build(std::slice::from_ref(setup)).is_err();
        let index = setups.iter().position(broken).unwrap_or_default();
        FileError::Setup { index, why }
    })
}

fn parse(text: &str) -> Result<SessionFile, FileError> {
    if text.len() > MAX_BYTES {
        return Err(FileError::TooLarge(text.len()));
    }
    // The version first: a newer file has fields that are unknown here, and its version is the better word.
    #[derive(Deserialize)]
    struct Version {
        format: String,
    }
    let version: Version = json::read(text).map_err(FileError::Form)?;
    if version.format != FORMAT {
        return Err(FileError::Format(version.format.chars().take(60).collect()));
    }
    check(json::read(text).map_err(FileError::Form)?)
}

/// What the form alone does not say: sizes, and that every step named is there.
fn check(file: SessionFile) -> Result<SessionFile, FileError> {
    if file.steps.len() > MAX_STEPS {
        return Err(FileError::TooManySteps(file.steps.len()));
    }
    if file.machines.is_empty() || file.machines.len() > MAX_MACHINES {
        return Err(FileError::Machines(file.machines.len()));
    }
    let there = |field: String, step: StepId, last: usize| {
        if step.0 as usize <= last { Ok(()) } else { Err(FileError::NoSuchStep { field, step }) }
    };
    for (i, line) in file.steps.iter().enumerate() {
        there(format!("steps[{i}].parent"), line.parent, i)?;
    }
    let last = file.steps.len();
    there("cursor".to_owned(), file.cursor, last)?;
    there("tip".to_owned(), file.tip, last)?;
    for (name, step) in &file.branches {
        there(format!("branches.{name}"), *step, last)?;
    }
    for (i, step) in file.marks.iter().enumerate() {
        there(format!("marks[{i}]"), *step, last)?;
    }
    Ok(file)
}
