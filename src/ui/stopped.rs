//! A panic of ours: its words go to the page, which shows what is safe without any of this.

use wasm_bindgen::JsValue;
use web_sys::{CustomEvent, CustomEventInit};

/// From now on a panic is told to the page as an event before the module stops.
pub fn tell_last_words() {
    std::panic::set_hook(Box::new(|panic| {
        let words =
            format!("{panic}\n  mapscope {}, session format {}", env!("CARGO_PKG_VERSION"), crate::sim::file::FORMAT);
        web_sys::console::error_1(&JsValue::from_str(&words));
        let with = CustomEventInit::new();
        with.set_detail(&JsValue::from_str(&words));
        if let Ok(event) = CustomEvent::new_with_event_init_dict("mapscope-stopped", &with) {
            // Whether anybody listens or not, there is nothing left to do.
            let _ = gloo_utils::window().dispatch_event(&event);
        }
    }));
}
