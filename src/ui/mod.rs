//! The page: components that match the pictures of `view` to elements. wasm32 only.

use wasm_bindgen::prelude::wasm_bindgen;

pub mod action_panel;
pub mod app;
pub mod banner;
pub mod bridge;
pub mod chart;
pub mod dialog;
#[cfg(feature = "fixture")]
pub mod drawn;
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
pub mod sheets;
pub mod stopped;
pub mod stored;
pub mod story;
pub mod strip;
pub mod tabs;
pub mod top_bar;
pub mod transport;
pub mod views;
pub mod words;
pub mod workbench;

/// Starts the page when the module is loaded, in the element that holds the loading picture.
#[wasm_bindgen(start)]
pub fn start() {
    stopped::tell_last_words();
    match gloo_utils::document().get_element_by_id("page") {
        #[cfg(feature = "fixture")]
        Some(root) => drop(yew::Renderer::<drawn::Drawn>::with_root(root).render()),
        #[cfg(not(feature = "fixture"))]
        Some(root) => drop(yew::Renderer::<app::App>::with_root(root).render()),
        // A test page brings its own root.
        None => {}
    }
}
