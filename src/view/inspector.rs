//! The inspector: one selection, and everything that is known of it at the cursor.

use crate::view::{
    command::Place,
    strip::Standing,
    text::{Chip, Line, Tone},
};

/// How a right stands at a level of the walk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stand {
    /// Given, so far.
    Given,
    /// Taken away at this very level.
    Cut,
    /// Taken away higher up.
    Gone,
    /// Given, though a rule says it should have been taken.
    Violates,
}

/// A right at a level: `r`, `w`, `x` or `u`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Right {
    /// Its letter.
    pub letter: char,
    /// How it stands.
    pub stand: Stand,
}

/// A level of the walk, from CR3 down to the frame.
#[derive(Clone, PartialEq, Debug)]
pub struct Rung {
    /// `CR3`, `L4 [0]`, ..., `frame`.
    pub level: String,
    /// What is stored there.
    pub entry: Line,
    /// The rights that are left, in the order r w x u; none when the walk ended above.
    pub rights: Vec<Right>,
    /// Set on the entry of the page itself: what backs it.
    pub leaf: Option<Tone>,
}

/// Why a right is gone, or why it is there and should not be.
#[derive(Clone, PartialEq, Debug)]
pub struct Why {
    /// The right.
    pub right: Right,
    /// The level, the bit, the reason.
    pub text: Line,
}

/// A bit or a field of an entry.
#[derive(Clone, PartialEq, Debug)]
pub struct BitCell {
    /// `NX`, `62-52`, `frame`, ...
    pub label: String,
    /// Its value.
    pub value: String,
    /// How it is drawn.
    pub tone: BitTone,
    /// Where it lies, in words: "bit 63".
    pub position: String,
}

/// How a bit is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BitTone {
    /// One.
    Set,
    /// Zero.
    Clear,
    /// Zero, and this took a right away.
    Cut,
    /// It should be otherwise: an invariant is broken by it.
    Violates,
    /// A field that says what backs the page.
    Field(Tone),
}

/// A named fact.
#[derive(Clone, PartialEq, Debug)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// What it says.
    pub value: Line,
}

impl Fact {
    /// `name` says `value`.
    pub fn new(name: impl Into<String>, value: Line) -> Fact {
        Fact { name: name.into(), value }
    }
}

/// A section of the inspector.
#[derive(Clone, PartialEq, Debug)]
pub enum Section {
    /// The walk, with the rights that are left at each level.
    Rights {
        /// CR3 first.
        rungs: Vec<Rung>,
        /// A line for each right that was taken or should have been.
        whys: Vec<Why>,
    },
    /// The entry of the page, bit by bit.
    Bits {
        /// Highest bit first.
        cells: Vec<BitCell>,
        /// A few words on the software bits.
        note: String,
        /// The word as it was written and as it is stored.
        facts: Vec<Fact>,
    },
    /// Facts under a heading.
    Facts {
        /// The heading.
        title: String,
        /// A few words beside it.
        note: String,
        /// The facts.
        facts: Vec<Fact>,
    },
    /// The frame or grant behind the page: facts, with the keys that follow them.
    Followed {
        /// The heading.
        title: String,
        /// The facts.
        facts: Vec<Fact>,
    },
    /// The steps that touched the selection.
    Touched {
        /// In order.
        places: Vec<Place>,
        /// The cursor.
        now: Place,
    },
    /// The invariants that speak of the selection.
    Named {
        /// Name and standing, with the index in the strip.
        invariants: Vec<(usize, String, Standing)>,
    },
}

/// The inspector with something selected.
#[derive(Clone, PartialEq, Debug)]
pub struct Inspector {
    /// Where it is: "saver", "seg_mf privcmd", "page 1 of 4".
    pub crumb: Vec<String>,
    /// The thing itself.
    pub title: Line,
    /// Its marks.
    pub chips: Vec<Chip>,
    /// What it is, in a sentence.
    pub about: Line,
    /// All that is known.
    pub sections: Vec<Section>,
}
