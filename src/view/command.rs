//! Everything a key, a button or a line of the palette can ask for. Who asks is forgotten here.

use std::fmt;

use crate::view::kinds::Kind;
use crate::view::session::Selection;

/// A place in the open branch: a step, or a micro-step inside it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Place {
    /// The step; 0 is the machine as it starts.
    pub step: u64,
    /// How many micro-steps of it are done; none once it is over.
    pub micro: Option<u32>,
}

impl Place {
    /// The end of a step.
    pub fn step(step: u64) -> Place {
        Place { step, micro: None }
    }

    /// Inside a step, after `micro` of its micro-steps.
    pub fn micro(step: u64, micro: u32) -> Place {
        Place { step, micro: Some(micro) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.micro {
            Some(micro) => write!(out, "{}.{micro}", self.step),
            None => write!(out, "{}", self.step),
        }
    }
}

/// The four operations that are always at hand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    /// Make a mapping.
    Map,
    /// Touch an address.
    Fault,
    /// Copy an address space.
    Dup,
    /// Take a mapping away.
    Unmap,
}

impl Verb {
    /// All four, in the order of the panel.
    pub const ALL: [Verb; 4] = [Verb::Map, Verb::Fault, Verb::Dup, Verb::Unmap];

    /// Its name on the button.
    pub fn name(self) -> &'static str {
        match self {
            Verb::Map => "Map",
            Verb::Fault => "Fault",
            Verb::Dup => "Dup",
            Verb::Unmap => "Unmap",
        }
    }

    /// The key after N.
    pub fn letter(self) -> char {
        match self {
            Verb::Map => 'M',
            Verb::Fault => 'F',
            Verb::Dup => 'D',
            Verb::Unmap => 'U',
        }
    }
}

/// One of a list: a name and a few words on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Choice {
    /// Its name.
    pub name: String,
    /// Context, in the third ink; may be empty.
    pub note: String,
}

impl Choice {
    /// A choice called `name`, with a few words on it.
    pub fn new(name: impl Into<String>, note: impl Into<String>) -> Choice {
        Choice { name: name.into(), note: note.into() }
    }
}

/// The views of the middle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tab {
    /// Address against time.
    Map,
    /// The page tables of the selection.
    Tables,
    /// Every frame of the machine that has a history.
    Frames,
    /// The grant tables.
    Grants,
}

impl Tab {
    /// The views there are, in order; their keys are 1, 2, ...
    pub const ALL: [Tab; 4] = [Tab::Map, Tab::Tables, Tab::Frames, Tab::Grants];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Tab::Map => "Map",
            Tab::Tables => "Tables",
            Tab::Frames => "Frames",
            Tab::Grants => "Grants",
        }
    }
}

/// What lies over the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialog {
    /// The find box and the palette, one field for both.
    Find,
    /// The keys that work here.
    Keys,
    /// Opening a session or a recording.
    Open,
    /// Saving and sharing.
    Share,
}

/// What the sheet of a narrow screen shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sheet {
    /// The story.
    Story,
    /// The inspector.
    Page,
    /// The form.
    Act,
}

/// What a key, a button or a line of the palette asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// To the start.
    First,
    /// One step back.
    Back,
    /// One step on.
    Forward,
    /// To the end of the branch.
    Last,
    /// Ten steps back.
    TenBack,
    /// Ten steps on.
    TenForward,
    /// One micro-step back.
    MicroBack,
    /// One micro-step on.
    MicroForward,
    /// Play, or stop playing.
    Play,
    /// To the parent step.
    Undo,
    /// To the child last visited.
    Redo,
    /// Where someone typed to: a step, `step.micro`, or a percentage.
    Seek(String),
    /// To a place of this branch.
    GoTo(Place),
    /// To the step before that touched the selection.
    TouchBefore,
    /// To the next step that touches the selection.
    TouchAfter,
    /// Open a story.
    Scenario(usize),
    /// Start an empty session on the same machine.
    StartEmpty,
    /// Open the file that was read.
    Accept,
    /// Stop the story that plays by itself.
    TakeOver,
    /// Take a choice of a setting: index of the setting (0 is the driver), index of the choice.
    Set(usize, usize),
    /// Go to a branch.
    Branch(usize),
    /// Open the form of a verb.
    Choose(Verb),
    /// Act as someone else.
    Actor(usize),
    /// A field of the form was typed into.
    Edit(usize, String),
    /// Open the form of an operation.
    Form(Kind),
    /// Do what the form says.
    Commit,
    /// Do an operation offered for this place.
    Also(usize),
    /// Do an operation offered for the other side.
    Other(usize),
    /// Select what a page maps: a frame.
    FollowFrame,
    /// Select the grant behind a page, or the page behind a frame.
    FollowBack,
    /// Explain the selection: the walk, with the rights each level takes.
    Explain,
    /// Leave a mark at the cursor, or take it away.
    Mark,
    /// Look at something.
    Select(Selection),
    /// A place of the map was chosen: go there, and look at what is there, if anything is.
    Pick(Option<Selection>, Place),
    /// Show a view.
    Show(Tab),
    /// Show the sentence of an invariant.
    Invariant(usize),
    /// Lay something over the page.
    Over(Dialog),
    /// The palette, with commands alone.
    Palette,
    /// What was typed into the find box.
    Find(String),
    /// Take a line of the palette.
    Take(usize),
    /// Take away what lies over the page; else the form; else the selection.
    Leave,
    /// Open the action menu: the next letter is a verb.
    ActionMenu,
    /// Light or dark.
    Theme,
    /// Whether single letters are shortcuts.
    Letters(bool),
    /// The other part of a narrow screen's sheet.
    Turn(Sheet),
    /// Open or close the inspector where it is a drawer.
    Drawer,
    /// Look at the selection in the map.
    Focus,
    /// Look at everything in the map.
    Fit,
}
