//! Keys of the whole page: what is asked, and the walk through the regions with F6.

use std::rc::Rc;

use gloo_events::{EventListener, EventListenerOptions, EventListenerPhase};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};
use yew::Callback;

use crate::view::command::Command;
use crate::view::keys::{Mode, Press, command};

/// Listens until dropped. `now` says whether the next letter is a verb, and whether single letters are shortcuts: it is asked at
/// each key, so that two quick ones mean what they mean.
pub fn listen(now: impl Fn() -> (bool, bool) + 'static, send: Callback<Command>) -> [EventListener; 2] {
    let now = Rc::new(now);
    let window = gloo_utils::window();
    let (first, to) = (now.clone(), send.clone());
    // After N a letter is a verb before it is anything else: the map would take F and D for itself.
    let before_all = EventListenerOptions { phase: EventListenerPhase::Capture, passive: false };
    let verbs = EventListener::new_with_options(&window, "keydown", before_all, move |event| {
        let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
        let (armed, letters) = first();
        if armed && asked(event, (armed, letters), &to) {
            event.stop_propagation();
        }
    });
    let after_all = EventListenerOptions::enable_prevent_default();
    let others = EventListener::new_with_options(&window, "keydown", after_all, move |event| {
        let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
        if event.default_prevented() || event.is_composing() {
            return;
        }
        if event.code() == "F6" && !event.ctrl_key() && !event.alt_key() && !event.meta_key() {
            event.prevent_default();
            next_region(event.shift_key());
            return;
        }
        if event.key() == "Escape" && left_a_field(event) {
            event.prevent_default();
            return;
        }
        asked(event, now(), &send);
    });
    [verbs, others]
}

/// Asks for what a key means, if it means anything here.
fn asked(event: &KeyboardEvent, (armed, letters): (bool, bool), send: &Callback<Command>) -> bool {
    let (code, key) = (event.code(), event.key());
    let press = Press {
        code: &code,
        key: &key,
        shift: event.shift_key(),
        control: event.ctrl_key() || event.meta_key(),
        alt: event.alt_key(),
    };
    let command = command(press, mode(event, armed, letters));
    if let Some(command) = command.clone() {
        event.prevent_default();
        send.emit(command);
    }
    command.is_some()
}

fn mode(event: &KeyboardEvent, armed: bool, letters: bool) -> Mode {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let within = |selector: &str| target.as_ref().is_some_and(|target| matches!(target.closest(selector), Ok(Some(_))));
    let pressed = event.code() == "Space" && within("button, a, summary, label");
    Mode {
        typing: within("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]"),
        in_control: pressed || within("[data-arrows], [role=separator]"),
        covered: matches!(gloo_utils::document().query_selector("dialog[open]"), Ok(Some(_))),
        armed,
        letters,
    }
}

/// Escape takes the focus out of a field of the page, so that the next key is a shortcut again; a dialog has its own Escape.
fn left_a_field(event: &KeyboardEvent) -> bool {
    let field = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
    let Some(field) = field.filter(|_| mode(event, false, true).typing) else { return false };
    let in_dialog = matches!(field.closest("dialog"), Ok(Some(_)));
    !in_dialog && field.blur().is_ok()
}

/// Puts the focus into the next region that can be seen, in the order of the page.
fn next_region(backwards: bool) {
    let document = gloo_utils::document();
    let Ok(found) = document.query_selector_all("[data-region]") else { return };
    let regions: Vec<HtmlElement> =
        (0..found.length()).filter_map(|at| found.item(at)?.dyn_into::<HtmlElement>().ok()).filter(is_seen).collect();
    if regions.is_empty() {
        return;
    }
    let focused = document.active_element();
    let at = regions.iter().position(|region| region.contains(focused.as_ref().map(AsRef::as_ref)));
    let count = regions.len();
    let next = match (at, backwards) {
        (None, false) => 0,
        (None, true) => count - 1,
        (Some(at), false) => (at + 1) % count,
        (Some(at), true) => (at + count - 1) % count,
    };
    focus_into(&regions[next]);
}

fn is_seen(element: &HtmlElement) -> bool {
    let frame = element.get_bounding_client_rect();
    frame.width() > 0.0 && frame.height() > 0.0
}

fn focus_into(region: &HtmlElement) {
    const FOCUSABLE: &str = "button:not(:disabled):not([tabindex='-1']), select, input, textarea, [tabindex='0']";
    let first = region.query_selector_all(FOCUSABLE).ok().and_then(|found| {
        (0..found.length()).filter_map(|at| found.item(at)?.dyn_into::<HtmlElement>().ok()).find(is_seen)
    });
    let target = first.unwrap_or_else(|| {
        region.set_tab_index(-1);
        region.clone()
    });
    // It was seen a moment ago; if it cannot take the focus, the focus stays.
    let _ = target.focus();
}
