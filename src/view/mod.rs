//! What the page shows, as plain data: sentences, rows, cells and forms, each a pure function of the session.
//!
//! Nothing here knows an element, a browser or a clock, so every panel is tested natively. `ui` matches these data to
//! elements and does no arithmetic of its own.

pub mod actions;
pub mod bench;
pub mod breaks;
pub mod calls;
pub mod changes;
pub mod chart;
pub mod command;
pub mod facts;
pub mod file_read;
pub mod find;
#[cfg(any(test, feature = "fixture"))]
pub mod fixture;
pub mod forms;
pub mod glyph;
pub mod inspector;
pub mod keys;
pub mod kinds;
pub mod look;
pub mod named;
pub mod names;
pub mod offers;
pub mod opened;
pub mod page;
pub mod paged;
pub mod reading;
pub mod recorded_words;
pub mod rules;
pub mod search;
pub mod seek;
pub mod session;
pub mod settings;
pub mod sheets;
pub mod state;
pub mod story;
pub mod strip;
pub mod telling;
pub mod text;
pub mod top;
pub mod touched;
pub mod transcript;
pub mod walked;
pub mod words;
