//! The top bar: what is open, on which machine, and where in it.

use crate::view::command::{Choice, Place};

/// A setting of the machine: a few choices, one of them taken.
#[derive(Clone, PartialEq, Debug)]
pub struct Setting {
    /// What it sets.
    pub name: String,
    /// The choices.
    pub choices: Vec<String>,
    /// The one taken.
    pub chosen: usize,
}

/// The top bar.
#[derive(Clone, PartialEq, Debug)]
pub struct Top {
    /// The stories that can be opened.
    pub scenarios: Vec<Choice>,
    /// The one that is open; none for a file or a session of one's own.
    pub scenario: Option<usize>,
    /// What is open, in words.
    pub title: String,
    /// The driver: as written or repaired.
    pub driver: Option<Setting>,
    /// The other settings of the machine.
    pub machine: Vec<Setting>,
    /// The settings in a few words: "production · Xen 3.3".
    pub machine_words: String,
    /// Where the cursor is.
    pub at: Place,
    /// The last step of this branch.
    pub last: u64,
    /// How many micro-steps the open step has.
    pub micros: u32,
    /// Whether the story is being played.
    pub playing: bool,
    /// The branches.
    pub branches: Vec<Choice>,
    /// The branch the cursor is on.
    pub branch: usize,
}

impl Top {
    /// Whether there is anything before the cursor.
    pub fn can_go_back(&self) -> bool {
        self.at.step > 0
    }

    /// Whether there is anything after the cursor.
    pub fn can_go_forward(&self) -> bool {
        self.at.step < self.last || self.at.micro.is_some_and(|micro| micro < self.micros)
    }
}
