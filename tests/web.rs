//! The page's components in a real browser, without the site around them.

#![cfg(target_arch = "wasm32")]

use std::time::Duration;

use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn the_page_shows_its_name() {
    let document = gloo_utils::document();
    let root = document.create_element("div").expect("an element");
    gloo_utils::body().append_child(&root).expect("a body that takes it");
    let app = yew::Renderer::<mapscope::ui::app::App>::with_root(root.clone()).render();
    gloo_timers::future::sleep(Duration::ZERO).await;
    let heading = root.query_selector("h1").expect("a selector").and_then(|heading| heading.text_content());
    assert_eq!(heading.as_deref(), Some("mapscope"));
    app.destroy();
}
