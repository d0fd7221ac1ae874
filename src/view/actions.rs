//! The action panel: four verbs, the form of the chosen one, what else can be done here, what the other side can do.

use crate::view::{
    command::{Choice, Verb},
    text::Line,
};

/// What an operation would answer if it were done now. Always taken from the operation itself, run on a copy.
#[derive(Clone, PartialEq, Debug)]
pub enum Forecast {
    /// It goes through.
    Answer {
        /// What the caller sees.
        word: String,
        /// What else is worth saying.
        remark: Line,
    },
    /// The kernel says no.
    Refusal {
        /// The kernel's word.
        word: String,
        /// The rule, in our words.
        rule: Line,
    },
    /// The simulated kernel panics.
    Panic {
        /// What it says.
        word: String,
        /// Why.
        rule: Line,
    },
}

/// How a forecast ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ends {
    /// Done.
    Well,
    /// Refused.
    Refused,
    /// Panicked.
    Panics,
}

impl Forecast {
    /// How it ends.
    pub fn ends(&self) -> Ends {
        match self {
            Forecast::Answer { .. } => Ends::Well,
            Forecast::Refusal { .. } => Ends::Refused,
            Forecast::Panic { .. } => Ends::Panics,
        }
    }

    /// The answer in the kernel's word.
    pub fn word(&self) -> &str {
        match self {
            Forecast::Answer { word, .. } | Forecast::Refusal { word, .. } | Forecast::Panic { word, .. } => word,
        }
    }
}

/// A verb that is always at hand.
#[derive(Clone, PartialEq, Debug)]
pub struct VerbButton {
    /// Which.
    pub verb: Verb,
    /// Whether its form is open.
    pub chosen: bool,
    /// Whether it would be refused as prefilled.
    pub refused: bool,
    /// Why it cannot be asked for here at all.
    pub not_here: Option<String>,
}

/// How a field is filled in.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// Nothing to choose: it says what will be called.
    Fixed,
    /// Typed.
    Text,
    /// One of a few.
    Choice(Vec<String>),
}

/// An argument of the chosen operation.
#[derive(Clone, PartialEq, Debug)]
pub struct Field {
    /// Its name.
    pub label: String,
    /// What it says: as prefilled, or as typed.
    pub value: String,
    /// What it was prefilled from; none once edited.
    pub origin: Option<String>,
    /// What is wrong with what was typed.
    pub complaint: Option<String>,
    /// How it is filled in.
    pub input: Input,
}

/// The form of the chosen operation.
#[derive(Clone, PartialEq, Debug)]
pub struct Form {
    /// The arguments in order.
    pub fields: Vec<Field>,
    /// What it would answer; none while a field is wrong.
    pub forecast: Option<Forecast>,
    /// What the button says.
    pub commit: String,
}

/// An operation offered in a line of its own.
#[derive(Clone, PartialEq, Debug)]
pub struct Offer {
    /// The operation, by the field's own name.
    pub name: String,
    /// What it would answer.
    pub forecast: Forecast,
}

/// The panel.
#[derive(Clone, PartialEq, Debug)]
pub struct Actions {
    /// Who can act.
    pub actors: Vec<Choice>,
    /// Who acts.
    pub actor: usize,
    /// Map, Fault, Dup, Unmap.
    pub verbs: Vec<VerbButton>,
    /// The open form.
    pub form: Option<Form>,
    /// What else the actor can do here.
    pub also: Vec<Offer>,
    /// What the other domains can do.
    pub others: Vec<Offer>,
    /// How many operations there are in all.
    pub all: usize,
}
