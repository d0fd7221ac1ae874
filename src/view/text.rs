//! Words with a little typography: what the kernel says is mono, what matters is bold, what is context is dim.

use std::fmt;

/// A hexadecimal number in groups of four digits, so that the eye finds the place and leading zeros step back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hex {
    /// Whether `0x` is written before it.
    pub prefixed: bool,
    /// The groups before the first digit that counts. All zeros.
    pub leading: Vec<String>,
    /// The other groups, at least one.
    pub groups: Vec<String>,
}

impl Hex {
    /// `value` in at least `digits` digits, without `0x`.
    pub fn bare(value: u64, digits: usize) -> Hex {
        let text = format!("{value:0digits$X}");
        let head = text.len() % 4;
        let (first, rest) = text.split_at(head);
        let mut all: Vec<String> = Vec::new();
        if !first.is_empty() {
            all.push(first.to_owned());
        }
        all.extend(rest.as_bytes().chunks(4).map(|four| four.iter().map(|&digit| char::from(digit)).collect()));
        let zeros = all.iter().take(all.len() - 1).take_while(|group| group.bytes().all(|digit| digit == b'0')).count();
        let groups = all.split_off(zeros);
        Hex { prefixed: false, leading: all, groups }
    }

    /// `value` in at least `digits` digits, with `0x` before it.
    pub fn prefixed(value: u64, digits: usize) -> Hex {
        Hex { prefixed: true, ..Hex::bare(value, digits) }
    }

    /// A virtual address: eight digits below 4 GiB, twelve below 2^48, else all sixteen.
    pub fn address(value: u64) -> Hex {
        Hex::bare(value, address_digits(value))
    }
}

/// How many digits show an address without hiding where it is.
fn address_digits(value: u64) -> usize {
    match value {
        0..=0xFFFF_FFFF => 8,
        0x1_0000_0000..=0xFFFF_FFFF_FFFF => 12,
        0x1_0000_0000_0000.. => 16,
    }
}

impl fmt::Display for Hex {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefixed {
            out.write_str("0x")?;
        }
        let all: Vec<&str> = self.leading.iter().chain(&self.groups).map(String::as_str).collect();
        out.write_str(&all.join(" "))
    }
}

/// A piece of a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Span {
    /// Ordinary words.
    Plain(String),
    /// Context, in the third ink.
    Dim(String),
    /// A name or number of the field, mono.
    Mono(String),
    /// A kernel's own word, or a value that counts: mono and bold.
    Word(String),
    /// What a broken invariant is called: red and bold.
    Bad(String),
    /// A number in groups of four.
    Hex(Hex),
    /// A small framed mark.
    Chip(Chip),
}

/// A line of words.
pub type Line = Vec<Span>;

/// Ordinary words as a line.
pub fn plain(words: impl Into<String>) -> Line {
    vec![Span::Plain(words.into())]
}

/// A line as it is read aloud or copied.
pub fn spoken(line: &[Span]) -> String {
    line.iter()
        .map(|span| match span {
            Span::Plain(text) | Span::Dim(text) | Span::Mono(text) | Span::Word(text) | Span::Bad(text) => text.clone(),
            Span::Hex(hex) => hex.to_string(),
            Span::Chip(chip) => chip.text.clone(),
        })
        .collect()
}

/// What backs a page: the one thing colour says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    /// A frame of another domain, mapped as such.
    Foreign,
    /// A frame mapped through a grant.
    Granted,
    /// Memory of its own.
    Own,
    /// An entry or pin nobody remembers.
    Leaked,
    /// Dom0's placeholder, or nothing in particular.
    Held,
    /// A plain fact: no colour.
    Fact,
    /// The current one, inverted.
    Current,
    /// A broken invariant.
    Broken,
}

/// A small framed mark: a tag letter, rights, the word "leaked".
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chip {
    /// What it says.
    pub text: String,
    /// What its frame and fill say.
    pub tone: Tone,
}

impl Chip {
    /// A mark that says `text` in `tone`.
    pub fn new(text: impl Into<String>, tone: Tone) -> Chip {
        Chip { text: text.into(), tone }
    }
}

/// A count in groups of three, a thin space between them: `1 862`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Hex, grouped};

    #[test]
    fn leading_zeros_step_back_and_the_last_group_never_does() {
        let entry = Hex::prefixed(0x4C0F_1705, 16);
        assert_eq!(entry.leading, ["0000", "0000"]);
        assert_eq!(entry.groups, ["4C0F", "1705"]);
        assert_eq!(entry.to_string(), "0x0000 0000 4C0F 1705");
        assert_eq!(Hex::bare(0, 16).groups, ["0000"]);
        assert_eq!(Hex::bare(0x0A340, 5).to_string(), "0 A340");
    }

    #[test]
    fn an_address_shows_as_many_digits_as_its_half_needs() {
        assert_eq!(Hex::address(0x8000_1000).to_string(), "8000 1000");
        assert_eq!(Hex::address(0x7F12_3456_7000).to_string(), "7F12 3456 7000");
        assert_eq!(Hex::address(0xFFFF_8000_0000_0000).to_string(), "FFFF 8000 0000 0000");
    }

    #[test]
    fn counts_are_grouped_by_three() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1862), "1\u{2009}862");
        assert_eq!(grouped(1_000_000), "1\u{2009}000\u{2009}000");
    }
}
