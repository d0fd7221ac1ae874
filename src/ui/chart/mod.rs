//! The timeline on the page: a canvas that shows a [`Picture`], and a list of real elements that says it in words.
//!
//! ```ignore
//! html! { <Chart picture={picture} on_event={on_event} keys={true} command={None} /> }
//! ```
//!
//! - `picture: Rc<Picture>`: what to show. A new one is recognised by its `Rc`; making one at every step is cheap.
//! - `on_event: Callback<ChartEvent>`: `Seek(moment)` (ruler), `Pick { row, at }` (click or Enter on a row: select it and
//!   go there). `moment.micro` 0 is the whole step.
//! - `keys: bool` (default true): whether W/S zoom, A/D pan, Shift+W/S row height, 0 fit and F focus work, all over the page.
//! - `command: Option<(u32, Command)>` (default none): a new number does the command once; for buttons outside.
//!
//! It fills its parent, which must have a size. It handles Up, Down, Home, End, Enter while it has the focus and leaves Left
//! and Right to the page. Styles are in `www/chart.css`. Nothing is decided here: places are `view::chart`'s.

mod card;
mod component;
#[cfg(feature = "fixture")]
mod demo;
mod glyphs;
mod keys;
mod paint;
mod palette;
mod place;
mod watch;

pub use component::{Chart, ChartEvent, Command, Props};
#[cfg(feature = "fixture")]
pub use demo::Demo;
