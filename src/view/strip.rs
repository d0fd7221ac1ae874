//! The invariant strip: every named invariant with how it stands at the cursor.

use crate::view::text::Line;

/// How an invariant stands at the cursor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It holds.
    Holds,
    /// It is broken.
    Broken,
    /// It was broken for some micro-steps of the open step and holds at its end.
    BrokenInside,
    /// Nothing here can keep or break it.
    NotAsked,
}

impl Standing {
    /// The word for those who cannot see the colour.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Holds => "holds",
            Standing::Broken => "broken",
            Standing::BrokenInside => "broken inside this step",
            Standing::NotAsked => "not asked here",
        }
    }
}

/// A cell of the strip.
#[derive(Clone, PartialEq, Debug)]
pub struct Invariant {
    /// Its short name: `I13`.
    pub name: String,
    /// How it stands.
    pub standing: Standing,
    /// The sentence that is true while it holds.
    pub rule: Line,
    /// What broke it, since when and where; its reference section when it holds.
    pub remark: Line,
}

/// The strip.
#[derive(Clone, PartialEq, Debug)]
pub struct Strip {
    /// The invariants in the order of their names.
    pub cells: Vec<Invariant>,
    /// The cell whose sentence is shown.
    pub shown: usize,
}

impl Strip {
    /// The cell whose sentence is shown.
    pub fn current(&self) -> Option<&Invariant> {
        self.cells.get(self.shown)
    }
}
