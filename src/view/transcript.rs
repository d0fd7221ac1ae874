//! A step as text: what was asked, what was answered, and between them the tree of calls with what each changed.
//!
//! One formatter for the command line, the tests' worked examples and whoever wants to copy a step out of the page. The words are
//! those of the page.

use crate::illumos::event::KernelEvent;
use crate::sim::{Event, Op, Outcome};
use crate::view::calls::{CallWords, kernel_call, kernel_return, xen_call, xen_return};
use crate::view::changes::{Places, of_event};
use crate::view::rules::rule;
use crate::view::story::{Change, ChangeRow};
use crate::view::text::spoken;
use crate::view::words::{answer_word, step};
use crate::xen::event::XenEvent;
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// A piece of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A function is entered.
    Opens(CallWords),
    /// The innermost function still open is left, with its return value if it has one.
    Closes(Option<String>),
    /// Something changed.
    Says(String),
}

/// A whole step: its sentence, the act with its raw arguments and the answer, the rule behind a refusal, the tree of calls.
#[must_use]
pub fn block(places: Places<'_>, op: &Op, outcome: &Outcome) -> String {
    let sentence = step(places.names, op, &outcome.answer);
    let mut said = format!("{sentence}\n  {} => {}\n", act_words(&op.act), answer_word(&outcome.answer));
    let why = spoken(&rule(places.before, op, &outcome.answer, &outcome.events));
    if !why.is_empty() {
        said += &format!("  {why}\n");
    }
    said + &tree(outcome.events.iter().flat_map(|event| pieces(places, event)))
}

/// An event as pieces: a call, a return, or a line for each thing it changed.
#[must_use]
pub fn pieces(places: Places<'_>, event: &Event) -> Vec<Piece> {
    match event {
        Event::Kernel(KernelEvent::Called(call)) => vec![Piece::Opens(kernel_call(call))],
        Event::Kernel(KernelEvent::Returned(with)) => vec![Piece::Closes(kernel_return(with))],
        Event::Xen(XenEvent::Called(call)) => vec![Piece::Opens(xen_call(call))],
        Event::Xen(XenEvent::Returned(with)) => vec![Piece::Closes(xen_return(*with))],
        Event::Kernel(_) | Event::Xen(_) | Event::Pte(_) | Event::Mock(_) => {
            of_event(places, event).into_iter().map(|row| Piece::Says(change_words(&row))).collect()
        }
    }
}

/// A change in one line.
fn change_words(ChangeRow { what, is_name: _, change, note }: &ChangeRow) -> String {
    let change = match change {
        Change::Became { old, new } => format!("{old} -> {new}"),
        Change::New(new) => format!("new, {new}"),
        Change::Gone(old) if old.is_empty() => "gone".to_owned(),
        Change::Gone(old) => format!("{old}, gone"),
        Change::Said(word) => word.clone(),
    };
    let note = note.as_ref().map_or_else(String::new, |note| format!(" ({note})"));
    format!("{what}: {change}{note}")
}

/// The tree of calls, a line each, two spaces a level; a function that was never left ends in `...`.
#[must_use]
pub fn tree(pieces: impl IntoIterator<Item = Piece>) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for piece in pieces {
        let indent = "  ".repeat(open.len() + 1);
        match piece {
            Piece::Opens(CallWords { function, arguments }) => {
                open.push(lines.len());
                lines.push(format!("{indent}{function}({arguments})"));
            }
            Piece::Closes(with) => {
                if let (Some(index), Some(with)) = (open.pop(), with) {
                    lines[index] += &format!(" = {with}");
                }
            }
            Piece::Says(words) => lines.push(format!("{indent}{words}")),
        }
    }
    for index in open {
        lines[index] += " ...";
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// What is done, as its name and its arguments: the form of the session file without its punctuation.
///
/// # Panics
/// When `act` is not plain data.
#[must_use]
pub fn act_words(act: &impl Serialize) -> String {
    let json = serde_json::value::to_raw_value(act).expect("what is done is plain data");
    words_of(&json)
}

/// Objects in the order they were written: `{"dom0":{"touch":{"space":0}}}` is `dom0 touch space=0`.
fn words_of(json: &RawValue) -> String {
    let Ok(Members(members)) = serde_json::from_str(json.get()) else {
        return json.get().trim_matches('"').to_owned();
    };
    let word = |(name, value): &(String, Box<RawValue>)| {
        let text = value.get();
        if name == "op" {
            text.trim_matches('"').to_owned()
        } else if text.starts_with('{') {
            format!("{name} {}", words_of(value)).trim_end().to_owned()
        } else {
            format!("{name}={}", text.replace('"', ""))
        }
    };
    members.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// The members of an object, in the order of the text.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::{Piece, act_words, tree};
    use crate::illumos::abi::AsId;
    use crate::sim::op::{Act, Dom0Op};
    use crate::view::calls::CallWords;
    use crate::word::Word;
    use crate::x86::addr::Va;

    fn opens(function: &'static str) -> Piece {
        Piece::Opens(CallWords { function, arguments: "1".to_owned() })
    }

    #[test]
    fn calls_nest_and_show_what_they_returned() {
        let pieces =
            [opens("f"), Piece::Says("x".into()), opens("g"), Piece::Closes(Some("0".into())), Piece::Closes(None)];
        assert_eq!(tree(pieces), "  f(1)\n    x\n    g(1) = 0\n");
    }

    #[test]
    fn a_call_cut_short_says_so() {
        assert_eq!(tree([opens("f"), opens("g")]), "  f(1) ...\n    g(1) ...\n");
    }

    #[test]
    fn an_act_is_its_name_and_arguments() {
        let act = Act::Dom0(Dom0Op::Munmap { space: AsId(1), addr: Va(0x8000_0000), len: Word(0x4000) });
        assert_eq!(act_words(&act), "dom0 munmap space=1 addr=0x80000000 len=0x4000");
        assert_eq!(act_words(&Act::Dom0(Dom0Op::Spawn {})), "dom0 spawn");
    }
}
