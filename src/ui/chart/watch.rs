//! What the chart must notice without being told: its size, the theme, keys anywhere on the page, the wheel.

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, Event, MutationObserver, MutationObserverInit, ResizeObserver};

/// Calls back when an element's size changes, until dropped.
pub(super) struct Size {
    observer: ResizeObserver,
    _call: Closure<dyn FnMut()>,
}

impl Size {
    pub(super) fn of(element: &Element, call: impl FnMut() + 'static) -> Option<Size> {
        let call = Closure::<dyn FnMut()>::new(call);
        let observer = ResizeObserver::new(call.as_ref().unchecked_ref()).ok()?;
        observer.observe(element);
        Some(Size { observer, _call: call })
    }
}

impl Drop for Size {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// Calls back when the theme changes: by an attribute of the root, or by what the system prefers.
pub(super) struct Theme {
    observer: MutationObserver,
    _call: Closure<dyn FnMut()>,
    _prefers: Vec<EventListener>,
}

impl Theme {
    pub(super) fn watch(call: impl Fn() + Clone + 'static) -> Option<Theme> {
        let closure = Closure::<dyn FnMut()>::new(call.clone());
        let observer = MutationObserver::new(closure.as_ref().unchecked_ref()).ok()?;
        let what = MutationObserverInit::new();
        what.set_attributes(true);
        let root = gloo_utils::document().document_element()?;
        observer.observe_with_options(&root, &what).ok()?;
        let queries = ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "(forced-colors: active)"];
        let prefers = queries.into_iter().filter_map(|query| {
            let list = gloo_utils::window().match_media(query).ok().flatten()?;
            let call = call.clone();
            Some(EventListener::new(&list, "change", move |_| call()))
        });
        Some(Theme { observer, _call: closure, _prefers: prefers.collect() })
    }
}

impl Drop for Theme {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// Listens in a way that may keep the browser from doing its own thing.
pub(super) fn firmly(element: &Element, name: &'static str, call: impl FnMut(&Event) + 'static) -> EventListener {
    EventListener::new_with_options(element, name, EventListenerOptions::enable_prevent_default(), call)
}
