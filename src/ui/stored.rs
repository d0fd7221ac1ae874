//! What this browser keeps: the theme, the sizes of the panels, the switch for letters, the session. A browser that refuses
//! storage forgets at the end of the visit, and nothing else.

use gloo_storage::{LocalStorage, Storage};
use serde::{Serialize, de::DeserializeOwned};

/// `light` or `dark`; read by `www/theme.js` before the first paint as well.
pub const THEME: &str = "mapscope.theme";
/// Whether single letters are shortcuts.
pub const LETTERS: &str = "mapscope.letters";
/// Whether this is not the first visit.
pub const VISITED: &str = "mapscope.visited";
/// The session as it was left.
pub const SESSION: &str = "mapscope.session";

/// What was kept under `key`, if it can be read.
pub fn read<T: DeserializeOwned>(key: &str) -> Option<T> {
    LocalStorage::get(key).ok()
}

/// Keeps `value` under `key`. Gives false when the browser refuses: storage is full or not allowed.
pub fn keep<T: Serialize>(key: &str, value: &T) -> bool {
    LocalStorage::set(key, value).is_ok()
}
