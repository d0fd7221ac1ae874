//! The chart alone: over a story, a picture told by hand (`?drawn`) or a million runs (`?large`). Only with the feature
//! `fixture`; `?story=ID&step=N&stop=K` says which story and where.

use std::cell::RefCell;
use std::rc::Rc;

use yew::{Callback, Html, component, html, use_memo, use_state};

use super::{Chart, ChartEvent};
use crate::sim::scenarios;
use crate::view::chart::fixture::{large, workbench};
use crate::view::chart::index::{Index, position};
use crate::view::chart::{Moment, Picture, Selection};
use crate::view::session::{Msg, Position, Session};

fn asked(name: &str) -> Option<String> {
    let search = gloo_utils::window().location().search().unwrap_or_default();
    let parts = search.trim_start_matches('?').split('&').map(|part| part.split_once('=').unwrap_or((part, "")));
    parts.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

/// The chart the address asks for.
#[component]
pub fn Demo() -> Html {
    if asked("large").is_some() || asked("drawn").is_some() {
        html! { <Drawn /> }
    } else {
        html! { <Story /> }
    }
}

/// A session and its index, changed in place.
#[component]
fn Story() -> Html {
    let state = use_memo((), |()| {
        let stories = scenarios::all();
        let wanted = asked("story").unwrap_or_else(|| "save-domain-5".to_owned());
        let story = stories.iter().find(|story| story.id == wanted).unwrap_or(&stories[0]);
        let mut session = Session::of_scenario(story).expect("a story that comes with the program can be built");
        let number = |name| asked(name).and_then(|said| said.parse().ok());
        session.update(Msg::Seek(Position { step: number("step").unwrap_or(3), stop: None }));
        if let Some(stop) = number("stop") {
            session.update(Msg::Seek(Position { stop: u16::try_from(stop).ok(), ..session.at() }));
        }
        let index = Index::new(&session);
        RefCell::new((session, index))
    });
    let picture = use_state(|| {
        let (session, index) = &mut *state.borrow_mut();
        Rc::new(index.picture(session))
    });
    let shown = Rc::clone(&picture);
    let on_event = Callback::from(move |event| {
        let (session, index) = &mut *state.borrow_mut();
        match event {
            ChartEvent::Seek(at) => session.update(Msg::Seek(position(at))),
            ChartEvent::Pick { row, at } => {
                session.update(Msg::Seek(position(at)));
                if let Some(selection) = row.and_then(|row| index.selection_of(row, at.step)) {
                    session.update(Msg::Select(Some(selection)));
                }
            }
        }
        picture.set(Rc::new(index.picture(session)));
    });
    html! { <Chart picture={shown} {on_event} /> }
}

/// A picture without a session.
#[component]
fn Drawn() -> Html {
    let cursor = use_state(|| Moment::micro(2, 5));
    let selection = use_state(|| workbench().selection);
    let base = use_memo((), |()| if asked("large").is_some() { large(1000, 1000) } else { workbench() });
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
