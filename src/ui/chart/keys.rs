//! Which key does what on the chart. Physical keys, so that W, A, S and D lie under the hand on every keyboard.

use wasm_bindgen::JsCast;
use web_sys::{EventTarget, HtmlElement, KeyboardEvent};

/// What a key asks the chart to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Key {
    ZoomIn,
    ZoomOut,
    PanLeft,
    PanRight,
    TallerRows,
    FlatterRows,
    Fit,
    Focus,
}

/// The single-key shortcuts that work all over the page.
pub(super) fn shortcut(event: &KeyboardEvent) -> Option<Key> {
    if event.ctrl_key() || event.meta_key() || event.alt_key() || event.default_prevented() || types(event.target()) {
        return None;
    }
    match (event.code().as_str(), event.shift_key()) {
        ("KeyW", false) => Some(Key::ZoomIn),
        ("KeyS", false) => Some(Key::ZoomOut),
        ("KeyW", true) => Some(Key::TallerRows),
        ("KeyS", true) => Some(Key::FlatterRows),
        ("KeyA", false) => Some(Key::PanLeft),
        ("KeyD", false) => Some(Key::PanRight),
        ("Digit0" | "Numpad0", false) => Some(Key::Fit),
        ("KeyF", false) => Some(Key::Focus),
        _ => None,
    }
}

/// Whether the focus is where letters are typed, or in a dialog that lies over the page.
fn types(target: Option<EventTarget>) -> bool {
    let Some(element) = target.and_then(|target| target.dyn_into::<HtmlElement>().ok()) else { return false };
    let field = matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT");
    field || element.is_content_editable() || element.closest("dialog").ok().flatten().is_some()
}
