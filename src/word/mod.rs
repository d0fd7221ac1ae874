//! Raw words of an ABI, and their one form in JSON.
//!
//! A 64-bit quantity is a hex string in all our JSON (`"0x80000000"`), because a number there loses bits above 2^53.
//! What a word *means* is not here: addresses, frames and entries get types where the kernel itself checks them.

pub mod json;

use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

/// Parses `"0x1f"`: lower or upper case digits, at most 64 bits, the prefix required.
///
/// # Errors
/// Says which text is not such a word.
pub fn parse_hex(text: &str) -> Result<u64, NotAWord> {
    let digits = text.strip_prefix("0x").filter(|d| !d.is_empty() && !d.starts_with('+'));
    digits.and_then(|d| u64::from_str_radix(d, 16).ok()).ok_or_else(|| NotAWord(text.chars().take(40).collect()))
}

/// A text that is not a 64-bit word in hex.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a 64-bit word: write it as \"0x\" and up to 16 hex digits")]
pub struct NotAWord(String);

/// Writes a word as [`parse_hex`] reads it.
///
/// # Errors
/// Only those of the serializer.
pub fn serialize<S: Serializer>(word: u64, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{word:#x}"))
}

/// Reads a word as [`serialize`] writes it.
///
/// # Errors
/// A text that is no 64-bit hex word.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
    parse_hex(&text).map_err(D::Error::custom)
}

/// Declares a 64-bit newtype with its own name in `Debug` and hex in JSON and `Display`.
macro_rules! hex_word {
    ($(#[$doc:meta])* $name:ident, $label:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($label, "{:#x}"), self.0)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{:#x}", self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                $crate::word::serialize(self.0, to)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::word::deserialize(from).map(Self)
            }
        }
    };
}
pub(crate) use hex_word;

hex_word!(
    /// A raw 64-bit word, before anything gave it a meaning.
    Word, ""
);

/// Declares a small identifier: a number in JSON, its label in `Debug`.
macro_rules! small_id {
    ($(#[$doc:meta])* $name:ident($of:ty), $label:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $of);

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($label, "{}"), self.0)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}
pub(crate) use small_id;

#[cfg(test)]
mod tests {
    use super::{Word, parse_hex};

    #[test]
    fn words_survive_json_whole() {
        for raw in [0, 1, 0x8010_0000_0010_0465, u64::MAX] {
            let json = serde_json::to_string(&Word(raw)).expect("words serialize");
            assert_eq!(serde_json::from_str::<Word>(&json).expect("and come back"), Word(raw));
        }
    }

    #[test]
    fn what_is_not_a_word_is_named() {
        for bad in ["", "10", "0x", "0x+1", "0x10000000000000000", "0xzz"] {
            assert!(parse_hex(bad).is_err(), "{bad} was taken for a word");
        }
        assert!(parse_hex("ten").expect_err("no word").to_string().contains("`ten`"));
    }
}
