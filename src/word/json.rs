//! JSON in and out, each through one reader and one writer: what a stranger wrote is refused with its place, and the page stays small
//! (every further kind of reader would be compiled again for every type).
//!
//! A value that a type's own rule refuses is named by its member, or by the object around it where it stands last in that.

use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::cell::RefCell;
use std::fmt;

/// A text that is not what it should be, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}, at `{path}`: {why}")]
pub struct Misread {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1.
    pub column: usize,
    /// The way to the member, as in `steps[3].op.do`; `.` for the whole.
    pub path: String,
    /// What is wrong there.
    pub why: String,
}

/// Reads a value and nothing after it.
///
/// # Errors
/// The first thing that is wrong, with its line, column and path.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Misread> {
    serde_json::from_str(text).map_err(|error| misread(text, &error))
}

/// Writes a value on one line, members in the order of their declaration.
///
/// # Panics
/// When it is not plain data: a map whose keys are no texts, say.
#[must_use]
pub fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("what is written is plain data")
}

fn misread(text: &str, error: &serde_json::Error) -> Misread {
    let (line, column) = (error.line(), error.column());
    let said = error.to_string();
    let place = format!(" at line {line} column {column}");
    let why = said.strip_suffix(&place).unwrap_or(&said).to_owned();
    let path = path_at(text, offset_of(text, line, column));
    Misread { line, column, path, why }
}

/// The byte that an error's line and column speak of.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut offset = (start + column).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// The way to where a text breaks off at `offset`, by reading it so far and looking where the reader stood.
fn path_at(text: &str, offset: usize) -> String {
    let way = RefCell::new(Vec::new());
    let mut so_far = serde_json::Deserializer::from_str(&text[..offset]);
    // It breaks off, or it was whole up to there; either way the reader stood where it stood.
    let _ = Skim(&way).deserialize(&mut so_far);
    let mut path = String::new();
    for part in way.into_inner() {
        match part {
            Part::Member(name) if path.is_empty() => path = name,
            Part::Member(name) => path = format!("{path}.{name}"),
            Part::Item(index) => path = format!("{path}[{index}]"),
        }
    }
    if path.is_empty() { ".".to_owned() } else { path }
}

enum Part {
    Member(String),
    Item(usize),
}

/// Reads anything and keeps the way to where it is. A part of the way stays until the next one begins: an error is found right after
/// the value it is about.
#[derive(Clone, Copy)]
struct Skim<'w>(&'w RefCell<Vec<Part>>);

impl<'de> DeserializeSeed<'de> for Skim<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

/// An item of a list, which takes the place of the one before it once it begins.
struct SkimItem<'w>(&'w RefCell<Vec<Part>>, usize);

impl<'de> DeserializeSeed<'de> for SkimItem<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        let SkimItem(way, index) = self;
        if index > 0 {
            way.borrow_mut().pop();
        }
        way.borrow_mut().push(Part::Item(index));
        Skim(way).deserialize(from)
    }
}

macro_rules! skim_scalars {
    ($($visit:ident($of:ty)),*) => { $(fn $visit<E>(self, _: $of) -> Result<(), E> { Ok(()) })* };
}

impl<'de> Visitor<'de> for Skim<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    skim_scalars!(visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64), visit_str(&str));

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut read = 0;
        while items.next_element_seed(SkimItem(self.0, read))?.is_some() {
            read += 1;
        }
        if read > 0 {
            self.0.borrow_mut().pop();
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut is_first = true;
        while let Some(name) = members.next_key::<String>()? {
            if !is_first {
                self.0.borrow_mut().pop();
            }
            is_first = false;
            self.0.borrow_mut().push(Part::Member(name));
            members.next_value_seed(self)?;
        }
        if !is_first {
            self.0.borrow_mut().pop();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only what goes wrong is looked at")]
    struct File {
        steps: Vec<Step>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only what goes wrong is looked at")]
    struct Step {
        at: u8,
    }

    fn said(text: &str) -> String {
        read::<File>(text).expect_err("the text is wrong").to_string()
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        assert_eq!(
            said("{\"steps\": [\n {\"at\": 1},\n {\"at\": 300}]}"),
            "line 3, column 11, at `steps[1].at`: invalid value: integer `300`, expected u8"
        );
        assert_eq!(
            said("{\"steps\": [{\"at\": 1, \"on\": 2}]}"),
            "line 1, column 25, at `steps[0].on`: unknown field `on`, expected `at`"
        );
        assert_eq!(
            said("{\"steps\": [{\"at\": \"x\"}]}").split(':').next(),
            Some("line 1, column 21, at `steps[0].at`")
        );
        assert_eq!(said("[]").split(':').next(), Some("line 1, column 2, at `.`"));
        assert_eq!(said("{\"steps\": [").split(':').next(), Some("line 1, column 11, at `steps`"));
    }
}
