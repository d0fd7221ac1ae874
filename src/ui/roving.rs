//! Lists that are one stop of the Tab key: arrows walk inside, Home and End go to the ends.

use wasm_bindgen::JsCast;
use web_sys::{Element, FocusEvent, HtmlElement, KeyboardEvent};
use yew::Callback;

const ITEM: &str = "[data-rove]";

fn items(list: &Element) -> Vec<HtmlElement> {
    let Ok(found) = list.query_selector_all(ITEM) else { return Vec::new() };
    (0..found.length()).filter_map(|index| found.item(index)?.dyn_into().ok()).collect()
}

fn list_of(target: Option<web_sys::EventTarget>) -> Option<Element> {
    target?.dyn_into::<Element>().ok()?.closest("[data-arrows]").ok()?
}

/// Give it to the list's `onkeydown`; the list carries `data-arrows`, its items `data-rove`.
pub fn keys() -> Callback<KeyboardEvent> {
    Callback::from(|event: KeyboardEvent| {
        if event.ctrl_key() || event.meta_key() || event.alt_key() || event.default_prevented() {
            return;
        }
        let Some(list) = list_of(event.target()) else { return };
        let items = items(&list);
        let Some(focused) = gloo_utils::document().active_element() else { return };
        let Some(at) = items.iter().position(|item| item.contains(Some(&focused))) else { return };
        let to = match event.code().as_str() {
            "ArrowDown" | "ArrowRight" => at + 1,
            "ArrowUp" | "ArrowLeft" => at.saturating_sub(1),
            "Home" => 0,
            "End" => items.len() - 1,
            _ => return,
        };
        event.prevent_default();
        if let Some(item) = items.get(to) {
            // An element that cannot take the focus keeps it where it is.
            let _ = item.focus();
        }
    })
}

/// Give it to the list's `onfocusin`: the item that has the focus is the one Tab comes back to.
pub fn stops() -> Callback<FocusEvent> {
    Callback::from(|event: FocusEvent| {
        let Some(list) = list_of(event.target()) else { return };
        let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
        for item in items(&list) {
            item.set_tab_index(if item.contains(Some(&target)) { 0 } else { -1 });
        }
    })
}

/// The tabindex of an item before anybody walked.
pub fn stop(is_current: bool) -> &'static str {
    if is_current { "0" } else { "-1" }
}
