//! The one box: an address, a frame, a grant, a step, a name, or a command after `>`.

use crate::view::{command::Command, glyph::Glyph};

/// A piece of a line of the palette.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// What it says.
    pub text: String,
    /// Whether it is the part that was looked for.
    pub found: bool,
}

/// A line of the palette.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// Its shape.
    pub glyph: Glyph,
    /// Its name, with what was looked for marked.
    pub name: Vec<Piece>,
    /// A few words on it.
    pub note: String,
    /// Where it leads, or the key that does the same.
    pub side: String,
    /// What taking it does.
    pub command: Command,
}

/// Lines of one kind.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    /// What they are.
    pub title: String,
    /// The lines.
    pub entries: Vec<Entry>,
}

/// What the palette shows for what was typed.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Palette {
    /// What was typed.
    pub typed: String,
    /// The groups that have anything.
    pub groups: Vec<Group>,
    /// What is near, when nothing was found.
    pub nothing: Option<String>,
}

impl Palette {
    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.groups.iter().map(|group| group.entries.len()).sum()
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The line with this number, counted through all groups.
    pub fn entry(&self, index: usize) -> Option<&Entry> {
        self.groups.iter().flat_map(|group| &group.entries).nth(index)
    }
}

/// `text` cut where `wanted` stands in it, whatever the case.
pub fn marked(text: &str, wanted: &str) -> Vec<Piece> {
    let piece = |text: &str, found| Piece { text: text.to_owned(), found };
    let at = (!wanted.is_empty()).then(|| text.to_ascii_lowercase().find(&wanted.to_ascii_lowercase())).flatten();
    let Some(at) = at else { return vec![piece(text, false)] };
    let (before, rest) = text.split_at(at);
    let (found, after) = rest.split_at(wanted.len());
    [(before, false), (found, true), (after, false)]
        .into_iter()
        .filter(|(text, _)| !text.is_empty())
        .map(|(text, found)| piece(text, found))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::marked;

    fn drawn(text: &str, wanted: &str) -> String {
        marked(text, wanted)
            .iter()
            .map(|piece| if piece.found { format!("[{}]", piece.text) } else { piece.text.clone() })
            .collect()
    }

    #[test]
    fn what_was_looked_for_is_marked_whatever_its_case() {
        assert_eq!(drawn("Map 4C0F1 again", "4c0f1"), "Map [4C0F1] again");
        assert_eq!(drawn("4C0F1", "4C0F1"), "[4C0F1]");
        assert_eq!(drawn("domain 5", "7"), "domain 5");
        assert_eq!(drawn("domain 5", ""), "domain 5");
        assert_eq!(drawn("größer 5", "R 5"), "größe[r 5]");
    }
}
