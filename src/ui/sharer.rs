//! Sharing: the session as a file or as text. Nothing is sent anywhere.

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, HtmlTextAreaElement, Url};
use yew::platform::spawn_local;
use yew::{AttrValue, Callback, Html, Properties, component, html, use_node_ref, use_state};

use crate::ui::dialog::Dialog;
use crate::ui::icon::{Icon, icon};
use crate::view::command::Command;
use crate::view::text::grouped;

/// What the component is given.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// The session as its file holds it.
    pub text: AttrValue,
    /// The name of the file.
    pub name: AttrValue,
    /// What is asked for.
    pub send: Callback<Command>,
}

/// The dialog.
#[component]
pub fn Sharer(props: &Props) -> Html {
    let copied = use_state(|| None::<&'static str>);
    let field = use_node_ref();
    let save = {
        let (name, text) = (props.name.clone(), props.text.clone());
        Callback::from(move |_| download(&name, &text))
    };
    let copy = {
        let (text, copied, field) = (props.text.clone(), copied.clone(), field.clone());
        Callback::from(move |_| {
            let written = gloo_utils::window().navigator().clipboard().write_text(&text);
            let (copied, field) = (copied.clone(), field.clone());
            spawn_local(async move {
                if JsFuture::from(written).await.is_ok() {
                    copied.set(Some("Copied."));
                } else {
                    if let Some(field) = field.cast::<HtmlTextAreaElement>() {
                        field.select();
                    }
                    copied.set(Some(
                        "The browser does not let this page copy: the text is selected, copy it with the keyboard.",
                    ));
                }
            });
        })
    };
    html! {
        <Dialog label="Share" title={html! { {"Share this session"} }} class="w620" on_close={props.send.reform(|()| Command::Leave)}>
            <div class="db">
                <textarea ref={field} class="sharebox" readonly=true aria-label="The session as text" value={props.text.clone()} spellcheck="false" />
            </div>
            <div class="df">
                <span role="status">{ (*copied).map_or_else(|| format!("{} characters. Nothing is sent anywhere.", grouped(props.text.len() as u64)), str::to_owned) }</span>
                <span class="end">
                    <button type="button" class="btn" onclick={copy}>{ "Copy" }</button>
                    <button type="button" class="btn pri" onclick={save}>{ icon(Icon::Save, "m") }{ "Download session" }</button>
                </span>
            </div>
        </Dialog>
    }
}

/// Hands `text` to the person as a file.
pub fn download(name: &str, text: &str) {
    // Each step can only be refused by a browser without files; then nothing happens, and the text can still be copied.
    let Some(address) = as_address(text) else { return };
    let link =
        gloo_utils::document().create_element("a").ok().and_then(|link| link.dyn_into::<HtmlAnchorElement>().ok());
    if let Some(link) = link {
        link.set_href(&address);
        link.set_download(name);
        link.click();
    }
    let _ = Url::revoke_object_url(&address);
}

fn as_address(text: &str) -> Option<String> {
    let kind = BlobPropertyBag::new();
    kind.set_type("application/json");
    let parts = js_sys::Array::of1(&JsValue::from_str(text));
    let blob = Blob::new_with_str_sequence_and_options(&parts, &kind).ok()?;
    Url::create_object_url_with_blob(&blob).ok()
}
