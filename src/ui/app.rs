//! The root of the page: the one component with effects.

use yew::{Html, component, html};

/// The root of the page.
#[cfg(not(feature = "fixture"))]
#[component]
pub fn App() -> Html {
    html! { <main><h1>{ "mapscope" }</h1></main> }
}

/// The root of the page, with the numbers of the drawn reference.
#[cfg(feature = "fixture")]
#[component]
pub fn App() -> Html {
    use crate::ui::workbench::Workbench;
    use crate::view::command::{Command, Dialog, Tab};
    let page = yew::use_state(crate::view::fixture::page);
    let send = {
        let page = page.clone();
        yew::Callback::from(move |command: Command| {
            let mut next = (*page).clone();
            match command {
                Command::Over(dialog) => next.over = Some(dialog),
                Command::Palette => next.over = Some(Dialog::Find),
                Command::Leave => next.over = None,
                Command::Turn(sheet) => next.sheet = sheet,
                Command::Show(tab) => next.tab = tab,
                other => web_sys::console::log_1(&format!("{other:?}").into()),
            }
            page.set(next);
        })
    };
    html! { <Workbench page={(*page).clone()} tabs={Tab::ALL.to_vec()} view={html! { <crate::ui::chart::Demo /> }} {send} /> }
}
