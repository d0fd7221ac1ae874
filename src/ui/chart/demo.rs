//! The chart over a picture told by hand, for looking at it alone. Only with the feature `fixture`.

use std::rc::Rc;

use yew::{Callback, Html, component, html, use_memo, use_state};

use super::{Chart, ChartEvent};
use crate::view::chart::fixture::{large, workbench};
use crate::view::chart::{Moment, Picture, Selection};

/// A chart that follows its own events. `?large` in the address shows a million runs.
#[component]
pub fn Demo() -> Html {
    let cursor = use_state(|| Moment::micro(2, 5));
    let selection = use_state(|| workbench().selection);
    let base = use_memo((), |()| {
        let search = gloo_utils::window().location().search().unwrap_or_default();
        if search.contains("large") { large(1000, 1000) } else { workbench() }
    });
    let picture = use_memo((*cursor, *selection, base), |(cursor, selection, base)| Picture {
        cursor: *cursor,
        selection: *selection,
        ..(**base).clone()
    });
    let on_event = Callback::from(move |event| match event {
        ChartEvent::Seek(at) => cursor.set(at),
        ChartEvent::Pick { row, at } => {
            cursor.set(at);
            let framed = |row| Selection { row, from: Moment::step(1), to: Moment::OPEN };
            selection.set(row.map(framed).or(*selection));
        }
    });
    html! { <Chart picture={Rc::clone(&picture)} {on_event} /> }
}
