//! The timeline: address x time as one picture, from plain data to a list of things to paint.
//!
//! ```text
//!   index (sim) --> Picture --+--> layout(picture, window) --> Scene --> a painter
//!                    Window --'--> card, spoken rows, hits
//! ```
//!
//! `Picture` says what there is, `Window` which part is asked for; `layout` is a pure function of both and costs what
//! can be seen. No element, no canvas and no colour value is here; `ui::chart` has those.

mod describe;
mod hand;
pub mod index;
mod lane;
mod layout;
mod links;
mod moment;
mod overview;
mod pen;
mod picture;
mod row_walk;
mod rows;
mod ruler;
mod run;
mod runs;
mod scale;
mod scene;
mod stage;
mod state;
mod strips;

#[cfg(any(test, feature = "fixture"))]
pub mod fixture;
#[cfg(test)]
mod sketch;
#[cfg(test)]
mod tests;

pub use crate::view::glyph::Glyph;
pub use describe::{Card, SpokenRow, card, spoken_rows};
pub use hand::{Effect, Hand};
pub use lane::{Edge, Key, Lane, LaneId, Row, RowId, RowMark, What};
pub use layout::layout;
pub use moment::Moment;
pub use overview::overview_step;
pub use picture::{BreakMark, Link, LinkKind, Micro, Opened, Picture, Selection, StepMark, Undone};
pub use row_walk::neighbour;
pub use runs::{Run, Runs, Sum};
pub use scale::{Axis, Measures, Scale};
pub use scene::{Align, Column, Dash, Face, Ink, Item, Layer, Rect, Scene, Stroke, Texture};
pub use stage::{Stage, Window};
pub use state::{Backing, Rights, State};
