//! What stands in the middle: the map, and later views beside it.

use yew::{Callback, Html, html};

use crate::view::bench::Bench;
use crate::view::command::{Command, Tab};

/// The views there are.
pub const TABS: &[Tab] = &[Tab::Map];

/// The views' own state: what the map looks at.
#[derive(Default)]
pub struct Views {}

impl Views {
    /// The view of a tab.
    pub fn view(&self, _bench: &Bench, tab: Tab, _send: &Callback<Command>) -> Html {
        match tab {
            Tab::Map | Tab::Tables | Tab::Frames | Tab::Grants => html! { <div></div> },
        }
    }

    /// The map looks at the selection.
    pub fn look_at_selection(&mut self) {}

    /// The map looks at everything.
    pub fn look_at_everything(&mut self) {}
}
