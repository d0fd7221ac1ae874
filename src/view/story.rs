//! The story: one sentence a step, the calls of the step that is open, and what the current one of them changed.

use crate::view::{command::Place, glyph::Glyph, text::Line};

/// Whether something lies before the cursor, at it or behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// It has happened.
    Past,
    /// The cursor stands here.
    Now,
    /// It happens later in this branch.
    Later,
}

/// A step in one sentence.
#[derive(Clone, PartialEq, Debug)]
pub struct StoryRow {
    /// Which step; 0 is the machine as it starts.
    pub step: u64,
    /// Its shape.
    pub glyph: Glyph,
    /// The actor, what it did, what came of it.
    pub sentence: String,
    /// Where it lies from the cursor.
    pub when: When,
}

/// A call of the open step, by the field's own function name.
#[derive(Clone, PartialEq, Debug)]
pub struct CallRow {
    /// The micro-step it is, if it is one: those can be gone to.
    pub micro: Option<u32>,
    /// The lines of the tree before the name, such as `│ └ `.
    pub tree: String,
    /// The function as the source names it.
    pub function: String,
    /// Its arguments as text, with the parentheses.
    pub arguments: String,
    /// What it returned, once it has.
    pub answer: Option<String>,
    /// Where it lies from the cursor.
    pub when: When,
}

/// What became of a value.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// It was `old` and is `new`.
    Became {
        /// The value before.
        old: String,
        /// The value now.
        new: String,
    },
    /// It was not there before.
    New(String),
    /// It is there no longer.
    Gone(String),
    /// It is an answer: nothing was there to change.
    Said(String),
}

/// A value that the open step, or its current call, changed.
#[derive(Clone, PartialEq, Debug)]
pub struct ChangeRow {
    /// What it is.
    pub what: String,
    /// Whether `what` is a name out of the source.
    pub is_name: bool,
    /// What became of it.
    pub change: Change,
    /// A few words on it.
    pub note: Option<String>,
}

/// The three columns of the story.
#[derive(Clone, PartialEq, Debug)]
pub struct Story {
    /// How many steps come before the rows shown.
    pub before: u64,
    /// The steps round the cursor.
    pub rows: Vec<StoryRow>,
    /// How many steps come after them.
    pub after: u64,
    /// The sentence of the place the cursor is at.
    pub sentence: Line,
    /// Where the cursor is.
    pub place: Place,
    /// How many calls come before the rows shown.
    pub calls_before: u64,
    /// The calls of the open step, in order.
    pub calls: Vec<CallRow>,
    /// How many come after them.
    pub calls_after: u64,
    /// What the place the cursor is at changed.
    pub changes: Vec<ChangeRow>,
    /// A remark under the changes.
    pub remark: Option<Line>,
}
