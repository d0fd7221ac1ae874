//! Names that a recording gives to its segments and address spaces.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The longest name, in characters.
const MAX_CHARS: usize = 64;

fn checked(text: String) -> Result<Arc<str>, String> {
    if text.is_empty() || text.chars().count() > MAX_CHARS || text.chars().any(char::is_control) {
        let shown: String = text.chars().take(40).collect();
        return Err(format!("{shown:?} is not a name: write 1 to {MAX_CHARS} characters, no control characters"));
    }
    Ok(text.into())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            /// Takes 1 to 64 characters, none of them a control character.
            fn try_from(text: String) -> Result<Self, String> {
                checked(text).map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The name of a segment; free for another once the segment is.
    SegName
);
name!(
    /// The name of an address space.
    SpaceName
);

#[cfg(test)]
mod tests {
    use super::SegName;

    #[test]
    fn a_name_is_short_and_printable() {
        assert!(SegName::try_from("s0".to_owned()).is_ok());
        for bad in [String::new(), "a".repeat(65), "a\nb".to_owned()] {
            assert!(SegName::try_from(bad.clone()).is_err(), "{bad:?} was taken for a name");
        }
    }
}
