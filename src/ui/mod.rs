//! The page: components that match the pictures of `view` to elements. wasm32 only.

use wasm_bindgen::prelude::wasm_bindgen;

pub mod action_panel;
pub mod app;
pub mod banner;
pub mod chart;
pub mod dialog;
pub mod edges;
pub mod find_box;
pub mod form;
pub mod icon;
pub mod inspector;
pub mod keyboard;
pub mod keys_sheet;
pub mod menu;
pub mod opener;
pub mod roving;
pub mod sharer;
pub mod stored;
pub mod story;
pub mod strip;
pub mod tabs;
pub mod top_bar;
pub mod transport;
pub mod words;
pub mod workbench;

/// Starts the page when the module is loaded, in the element that holds the loading picture.
#[wasm_bindgen(start)]
pub fn start() {
    match gloo_utils::document().get_element_by_id("page") {
        Some(root) => yew::Renderer::<app::App>::with_root(root).render(),
        // A test page brings its own root.
        None => return,
    };
}
