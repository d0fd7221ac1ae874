//! The page with the numbers of the drawn reference, for looking at the panels without a session.

use yew::{Callback, Html, component, html, use_state};

use crate::ui::workbench::Workbench;
use crate::view::command::{Command, Dialog, Tab};
use crate::view::fixture;

/// The root of that page.
#[component]
pub fn Drawn() -> Html {
    let page = use_state(fixture::page);
    let send = {
        let page = page.clone();
        Callback::from(move |command: Command| {
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
