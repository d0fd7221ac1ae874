//! The views of the middle, and the parts of a narrow screen's sheet.

use yew::{AttrValue, Callback, Html, Properties, component, html};

use crate::ui::roving;
use crate::view::command::{Command, Sheet, Tab};

/// What the component is given.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The views there are.
    pub tabs: Vec<Tab>,
    /// The one shown.
    pub shown: Tab,
    /// Tools of the view, at the right.
    #[prop_or_default]
    pub tools: Html,
    /// What is asked for.
    pub send: Callback<Command>,
}

/// The views.
#[component]
pub fn Tabs(props: &Props) -> Html {
    let tab = |(at, tab): (usize, &Tab)| {
        let tab = *tab;
        let is_shown = tab == props.shown;
        html! {
            <button type="button" role="tab" class="tab" id={format!("tab-{}", tab.name())} aria-selected={if is_shown { "true" } else { "false" }}
                aria-controls="view" data-rove="" tabindex={roving::stop(is_shown)} onclick={props.send.reform(move |_| Command::Show(tab))}>
                <span class="k" aria-hidden="true">{ at + 1 }</span>{ tab.name() }
            </button>
        }
    };
    html! {
        <div class="tabs">
            <div role="tablist" aria-label="Views" data-arrows="" onkeydown={roving::keys()} onfocusin={roving::stops()}>
                { for props.tabs.iter().enumerate().map(tab) }
            </div>
            <span class="grow"></span>
            { props.tools.clone() }
        </div>
    }
}

/// What the component is given.
#[derive(PartialEq, Properties)]
pub struct SheetTabsProps {
    /// The part shown.
    pub shown: Sheet,
    /// What the inspector's tab is called.
    pub page: AttrValue,
    /// The next of the sheet's three heights.
    pub on_height: Callback<()>,
    /// What is asked for.
    pub send: Callback<Command>,
}

/// The sheet's parts; drawn on a narrow screen only.
#[component]
pub fn SheetTabs(props: &SheetTabsProps) -> Html {
    let tab = |(sheet, name): (Sheet, AttrValue)| {
        let is_shown = sheet == props.shown;
        html! {
            <button type="button" role="tab" class="tab" aria-selected={if is_shown { "true" } else { "false" }} data-rove=""
                tabindex={roving::stop(is_shown)} onclick={props.send.reform(move |_| Command::Turn(sheet))}>{ name }</button>
        }
    };
    let parts = [(Sheet::Story, "Story".into()), (Sheet::Page, props.page.clone()), (Sheet::Act, "Act".into())];
    html! {
        <div class="sheet-tabs only-phone">
            <button type="button" class="grab" aria-label="Height of the sheet" onclick={props.on_height.reform(|_| ())}></button>
            <div role="tablist" aria-label="Sheet" class="group" data-arrows="" onkeydown={roving::keys()} onfocusin={roving::stops()}>
                { for parts.into_iter().map(tab) }
            </div>
        </div>
    }
}
