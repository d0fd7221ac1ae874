//! The edges one drags: each sets the size of a panel, within its limits, and the browser keeps it.

use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent, PointerEvent};
use yew::{Callback, Html, Properties, component, html, use_effect_with, use_state};

use crate::ui::stored;

/// A panel whose size can be set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The right edge of the action panel.
    Actions,
    /// The left edge of the inspector.
    Inspector,
    /// The upper edge of the story.
    Story,
}

impl Edge {
    fn property(self) -> &'static str {
        match self {
            Edge::Actions => "--act-w",
            Edge::Inspector => "--insp-w",
            Edge::Story => "--story-h",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Edge::Actions => "mapscope.size.actions",
            Edge::Inspector => "mapscope.size.inspector",
            Edge::Story => "mapscope.size.story",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Edge::Actions => "Width of the actions",
            Edge::Inspector => "Width of the inspector",
            Edge::Story => "Height of the story",
        }
    }

    fn usual(self) -> f64 {
        match self {
            Edge::Actions => 216.0,
            Edge::Inspector => 336.0,
            Edge::Story => 190.0,
        }
    }

    fn limits(self, window_height: f64) -> (f64, f64) {
        match self {
            Edge::Actions => (184.0, 320.0),
            Edge::Inspector => (280.0, 520.0),
            Edge::Story => (86.0, (window_height * 0.6).max(120.0)),
        }
    }

    /// The size that puts the edge under the pointer.
    fn under(self, event: &PointerEvent, (width, height): (f64, f64)) -> f64 {
        match self {
            Edge::Actions => f64::from(event.client_x()),
            Edge::Inspector => width - f64::from(event.client_x()),
            Edge::Story => height - f64::from(event.client_y()) - strip_height(),
        }
    }
}

/// The invariant strip, where there is one, lies between the edge and the story.
fn strip_height() -> f64 {
    let strip = gloo_utils::document().query_selector(".inv").ok().flatten();
    strip.map_or(0.0, |strip| strip.get_bounding_client_rect().height())
}

fn window_size() -> (f64, f64) {
    let window = gloo_utils::window();
    let side = |value: Result<wasm_bindgen::JsValue, _>| value.ok().and_then(|value| value.as_f64()).unwrap_or(900.0);
    (side(window.inner_width()), side(window.inner_height()))
}

fn set(edge: Edge, size: f64) {
    let Some(root) = gloo_utils::document().document_element().and_then(|root| root.dyn_into::<HtmlElement>().ok())
    else {
        return;
    };
    // A browser that knows no custom properties keeps the usual sizes.
    let _ = root.style().set_property(edge.property(), &format!("{size}px"));
}

/// What the component is given.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Which.
    pub edge: Edge,
}

/// An edge. Drag it, or walk it with arrows; the story folds with a double click.
#[component]
pub fn EdgeHandle(props: &Props) -> Html {
    let edge = props.edge;
    let size = use_state(|| stored::read::<f64>(edge.key()).unwrap_or(edge.usual()));
    let dragged = use_state(|| false);
    use_effect_with(*size, move |size| set(edge, *size));
    let to = {
        let size = size.clone();
        Callback::from(move |wanted: f64| {
            let (least, most) = edge.limits(window_size().1);
            let folded = edge == Edge::Story && wanted == 0.0;
            let wanted = if folded { 0.0 } else { wanted.clamp(least, most) };
            stored::keep(edge.key(), &wanted);
            size.set(wanted);
        })
    };
    let onpointerdown = {
        let dragged = dragged.clone();
        Callback::from(move |event: PointerEvent| {
            let handle = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
            if let Some(handle) = handle {
                // Without capture the drag ends at the handle's rim: poorer, not wrong.
                let _ = handle.set_pointer_capture(event.pointer_id());
            }
            dragged.set(true);
        })
    };
    let onpointermove = {
        let (dragged, to) = (dragged.clone(), to.clone());
        Callback::from(move |event: PointerEvent| {
            if *dragged {
                to.emit(edge.under(&event, window_size()));
            }
        })
    };
    let release = {
        let dragged = dragged.clone();
        Callback::from(move |_: PointerEvent| dragged.set(false))
    };
    let ondblclick = {
        let (size, to) = (size.clone(), to.clone());
        Callback::from(move |_| {
            if edge == Edge::Story && *size > 0.0 {
                to.emit(0.0);
            } else {
                to.emit(edge.usual());
            }
        })
    };
    let onkeydown = {
        let (size, to) = (size.clone(), to.clone());
        Callback::from(move |event: KeyboardEvent| {
            let grows = match (edge, event.code().as_str()) {
                (Edge::Actions, "ArrowRight") | (Edge::Inspector, "ArrowLeft") | (Edge::Story, "ArrowUp") => 16.0,
                (Edge::Actions, "ArrowLeft") | (Edge::Inspector, "ArrowRight") | (Edge::Story, "ArrowDown") => -16.0,
                _ => return,
            };
            event.prevent_default();
            to.emit(*size + grows);
        })
    };
    let (class, orientation) = match edge {
        Edge::Actions => ("edge v act-edge", "vertical"),
        Edge::Inspector => ("edge v insp-edge", "vertical"),
        Edge::Story => ("edge h story-edge", "horizontal"),
    };
    let (least, most) = edge.limits(window_size().1);
    html! {
        <div {class} role="separator" tabindex="0" aria-orientation={orientation} aria-label={edge.name()} aria-valuenow={format!("{:.0}", *size)}
            aria-valuemin={format!("{least:.0}")} aria-valuemax={format!("{most:.0}")} {onpointerdown} {onpointermove}
            onpointerup={release.clone()} onpointercancel={release} {ondblclick} {onkeydown}></div>
    }
}
