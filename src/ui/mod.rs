//! The page: components that match the pictures of `view` to elements. wasm32 only.

use wasm_bindgen::prelude::wasm_bindgen;
use yew::{Html, component, html};

/// The root of the page.
#[component]
pub fn App() -> Html {
    html! { <main><h1>{ "mapscope" }</h1></main> }
}

/// Starts the page when the module is loaded.
#[wasm_bindgen(start)]
pub fn start() {
    yew::Renderer::<App>::new().render();
}
