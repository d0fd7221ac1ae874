//! What became of a file someone opened: a session, a recording with its verdicts, or a complaint. Nothing that was open is
//! lost before the reader agrees.

use crate::view::text::Line;

/// Why a file cannot be opened.
#[derive(Clone, PartialEq, Debug)]
pub struct Complaint {
    /// What is wrong, in a sentence.
    pub what: String,
    /// Where: the line, the field.
    pub place: String,
}

/// A step of a recording against the model's answer.
#[derive(Clone, PartialEq, Debug)]
pub struct Verdict {
    /// The step of the recording.
    pub step: u64,
    /// What was called.
    pub call: String,
    /// Where they differ, what the recording holds and what the model answers; none when they agree.
    pub differs: Option<Difference>,
}

/// A difference between a recording and the model.
#[derive(Clone, PartialEq, Debug)]
pub struct Difference {
    /// Which value.
    pub place: String,
    /// What was recorded.
    pub recorded: String,
    /// What the model says.
    pub model: String,
}

/// What a file turned out to be.
#[derive(Clone, PartialEq, Debug)]
pub enum Opened {
    /// Nothing was chosen yet.
    Nothing,
    /// It cannot be opened.
    Refused {
        /// The file.
        name: String,
        /// Why.
        complaint: Complaint,
    },
    /// A session, ready to be opened.
    Session {
        /// The file.
        name: String,
        /// What it holds, in a sentence.
        about: Line,
    },
    /// A recording, replayed.
    Recording {
        /// The file.
        name: String,
        /// What it holds, in a sentence.
        about: Line,
        /// How many steps agree.
        agree: u64,
        /// Every step that differs, and as many that agree as fit.
        verdicts: Vec<Verdict>,
    },
}
