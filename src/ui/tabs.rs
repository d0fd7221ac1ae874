//! The views of the middle, and the parts of a narrow screen's sheet.

use yew::{AttrValue, Callback, Html, html};

use crate::ui::roving;
use crate::view::command::{Command, Sheet, Tab};

/// The views there are, the one shown, and tools of it at the right.
pub fn views(tabs: &[Tab], shown: Tab, tools: &Html, send: &Callback<Command>) -> Html {
    let tab = |(at, tab): (usize, &Tab)| {
        let tab = *tab;
        let is_shown = tab == shown;
        html! {
            <button type="button" role="tab" class="tab" id={format!("tab-{}", tab.name())} aria-selected={if is_shown { "true" } else { "false" }}
                aria-controls="view" data-rove="" tabindex={roving::stop(is_shown)} onclick={send.reform(move |_| Command::Show(tab))}>
                <span class="k" aria-hidden="true">{ at + 1 }</span>{ tab.name() }
            </button>
        }
    };
    html! {
        <div class="tabs">
            <div role="tablist" aria-label="Views" data-arrows="" onkeydown={roving::keys()} onfocusin={roving::stops()}>
                { for tabs.iter().enumerate().map(tab) }
            </div>
            <span class="grow"></span>
            { tools.clone() }
        </div>
    }
}

/// The sheet's parts; drawn on a narrow screen only. `page` is what the inspector's tab is called, `on_height` asks for the next of
/// three heights.
pub fn sheet_parts(shown: Sheet, page: &AttrValue, on_height: &Callback<()>, send: &Callback<Command>) -> Html {
    let tab = |(sheet, name): (Sheet, AttrValue)| {
        let is_shown = sheet == shown;
        html! {
            <button type="button" role="tab" class="tab" aria-selected={if is_shown { "true" } else { "false" }} data-rove=""
                tabindex={roving::stop(is_shown)} onclick={send.reform(move |_| Command::Turn(sheet))}>{ name }</button>
        }
    };
    let parts = [(Sheet::Story, "Story".into()), (Sheet::Page, page.clone()), (Sheet::Act, "Act".into())];
    html! {
        <div class="sheet-tabs only-phone">
            <button type="button" class="grab" aria-label="Height of the sheet" onclick={on_height.reform(|_| ())}></button>
            <div role="tablist" aria-label="Sheet" class="group" data-arrows="" onkeydown={roving::keys()} onfocusin={roving::stops()}>
                { for parts.into_iter().map(tab) }
            </div>
        </div>
    }
}
