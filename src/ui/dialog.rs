//! What lies over the page: the browser's own modal dialog, which keeps the focus inside and everything else inert.

use wasm_bindgen::JsCast;
use web_sys::{HtmlDialogElement, HtmlElement, MouseEvent};
use yew::{
    AttrValue, Callback, Children, Classes, Html, Properties, classes, component, html, use_effect_with, use_node_ref,
};

use crate::ui::icon::{Icon, icon};

/// What the component is given.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The accessible name.
    pub label: AttrValue,
    /// The heading; without one there is no head and no close button.
    #[prop_or_default]
    pub title: Html,
    /// Whether there is a head.
    #[prop_or(true)]
    pub headed: bool,
    /// The width class: `w480`, `w620`, `w880`, `w920`.
    pub class: Classes,
    /// Asked once it is closed, by Esc, by the button or by a press outside.
    pub on_close: Callback<()>,
    /// What it holds.
    pub children: Children,
}

/// A dialog that is open as long as it is there. The focus goes back to where it was.
#[component]
pub fn Dialog(props: &Props) -> Html {
    let dialog = use_node_ref();
    {
        let dialog = dialog.clone();
        use_effect_with((), move |()| {
            let before =
                gloo_utils::document().active_element().and_then(|element| element.dyn_into::<HtmlElement>().ok());
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                // Fails only if it is open already, and then there is nothing to do.
                let _ = dialog.show_modal();
            }
            move || {
                if let Some(before) = before.filter(|before| before.is_connected()) {
                    let _ = before.focus();
                }
            }
        });
    }
    let onclick = {
        let (dialog, on_close) = (dialog.clone(), props.on_close.clone());
        Callback::from(move |event: MouseEvent| {
            // Only the scrim has the dialog itself as its target: the content covers the rest.
            let scrim = dialog.cast::<HtmlElement>().map(web_sys::EventTarget::from);
            if scrim.is_some() && event.target() == scrim && is_outside(&event) {
                on_close.emit(());
            }
        })
    };
    html! {
        <dialog ref={dialog} class={classes!("fade", props.class.clone())} aria-label={&props.label} onclose={props.on_close.reform(|_| ())} {onclick}>
            if props.headed {
                <div class="dh">
                    <h2>{ props.title.clone() }</h2>
                    <button type="button" class="tbtn" aria-label="Close" onclick={props.on_close.reform(|_| ())}>{ icon(Icon::Close, "") }</button>
                </div>
            }
            { props.children.clone() }
        </dialog>
    }
}

fn is_outside(event: &MouseEvent) -> bool {
    let Some(dialog) = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok()) else { return false };
    let frame = dialog.get_bounding_client_rect();
    let (x, y) = (f64::from(event.client_x()), f64::from(event.client_y()));
    x < frame.left() || x > frame.right() || y < frame.top() || y > frame.bottom()
}
