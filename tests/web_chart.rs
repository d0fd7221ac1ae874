//! The timeline in a real browser: what it paints, what it says in words, and what keys and pointers come to.

#![cfg(target_arch = "wasm32")]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use mapscope::sim::scenarios;
use mapscope::ui::chart::{Chart, ChartEvent, Props};
use mapscope::view::chart::Picture;
use mapscope::view::chart::index::Index;
use mapscope::view::session::{Msg, Position, Session};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{CanvasRenderingContext2d, Element, HtmlCanvasElement, HtmlElement};
use yew::{AppHandle, Callback};

wasm_bindgen_test_configure!(run_in_browser);

/// A chart on the page, and what it reported.
struct Shown {
    root: Element,
    app: Option<AppHandle<Chart>>,
    heard: Rc<RefCell<Vec<ChartEvent>>>,
}

impl Shown {
    async fn of(picture: Picture) -> Shown {
        let root = gloo_utils::document().create_element("div").expect("an element");
        gloo_utils::body().append_child(&root).expect("a body that takes it");
        let style = root.unchecked_ref::<HtmlElement>().style();
        for (name, value) in
            [("position", "fixed"), ("inset", "0 auto auto 0"), ("width", "900px"), ("height", "500px")]
        {
            style.set_property(name, value).expect("a property");
        }
        let heard = Rc::new(RefCell::new(Vec::new()));
        let into = Rc::clone(&heard);
        let on_event = Callback::from(move |event| into.borrow_mut().push(event));
        let props = Props { picture: Rc::new(picture), on_event, keys: true, command: None };
        let app = yew::Renderer::<Chart>::with_root_and_props(root.clone(), props).render();
        // The style sheet is not part of the test page: what it lays out is set here.
        gloo_timers::future::sleep(Duration::ZERO).await;
        for part in [".chart", ".chart-canvas", ".chart-list"] {
            let part = root.query_selector(part).expect("a selector").expect("a part of the chart");
            let style = part.unchecked_ref::<HtmlElement>().style();
            for (name, value) in [("position", "absolute"), ("width", "900px"), ("height", "500px"), ("inset", "0")] {
                style.set_property(name, value).expect("a property");
            }
        }
        gloo_timers::future::sleep(Duration::from_millis(300)).await;
        Shown { root, app: Some(app), heard }
    }

    fn find(&self, selector: &str) -> Element {
        self.root.query_selector(selector).expect("a selector").unwrap_or_else(|| panic!("nothing is {selector}"))
    }

    fn rows(&self) -> Vec<String> {
        let found = self.root.query_selector_all("[role=option]").expect("a selector");
        (0..found.length()).filter_map(|i| found.get(i)?.text_content()).collect()
    }

    fn press(&self, key: &str) {
        let send = "target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }))";
        let send = js_sys::Function::new_with_args("target, key", send);
        send.call2(&JsValue::NULL, &self.find(".chart-list"), &key.into()).expect("an event that is sent");
    }

    /// How many different colours the canvas shows.
    fn colours(&self) -> usize {
        let canvas: HtmlCanvasElement = self.find("canvas").unchecked_into();
        let context = canvas.get_context("2d").expect("a context").expect("a context");
        let context: CanvasRenderingContext2d = context.unchecked_into();
        let pixels = context.get_image_data(0.0, 0.0, canvas.width().into(), canvas.height().into()).expect("pixels");
        let mut seen: Vec<[u8; 4]> = Vec::new();
        for pixel in pixels.data().0.chunks_exact(4).step_by(7) {
            let pixel = [pixel[0], pixel[1], pixel[2], pixel[3]];
            if !seen.contains(&pixel) {
                seen.push(pixel);
            }
        }
        seen.len()
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some(app) = self.app.take() {
            app.destroy();
        }
        self.root.remove();
    }
}

fn saver(step: u32) -> Picture {
    let mut session = Session::of_scenario(&scenarios::all()[0]).expect("the first story can be built");
    session.update(Msg::Seek(Position { step, stop: None }));
    Index::new(&session).picture(&session)
}

#[wasm_bindgen_test]
async fn the_rows_are_said_in_words_and_painted() {
    let shown = Shown::of(saver(3)).await;
    let rows = shown.rows();
    assert!(rows.iter().any(|row| row.starts_with("8000 1000, M 4C0F1 …705, foreign frame, read only")), "{rows:?}");
    assert!(rows.iter().any(|row| row.starts_with("4C0F1, 3, general count")), "{rows:?}");
    assert!(shown.colours() > 1, "the canvas is empty");
}

#[wasm_bindgen_test]
async fn arrows_walk_the_rows_and_enter_selects() {
    let shown = Shown::of(saver(3)).await;
    shown.press("ArrowDown");
    shown.press("ArrowDown");
    gloo_timers::future::sleep(Duration::from_millis(50)).await;
    let active = shown.find(".chart-list").get_attribute("aria-activedescendant").expect("a row under the keys");
    let said = shown.find(&format!("#{active}")).text_content().unwrap_or_default();
    assert!(said.starts_with("8000 0000"), "{said}");
    shown.press("Enter");
    gloo_timers::future::sleep(Duration::from_millis(50)).await;
    let heard = shown.heard.borrow().clone();
    let [ChartEvent::Pick { row: Some(row), at }] = heard[..] else { panic!("heard {heard:?}") };
    assert_eq!((row.key.number, at.step), (0x8000_0000, 3));
}

#[wasm_bindgen_test]
async fn a_picture_without_lanes_says_what_to_do() {
    let shown = Shown::of(saver(0)).await;
    assert!(shown.root.query_selector(".chart-empty").expect("a selector").is_none(), "a story has lanes");
    let empty = Picture { lanes: Vec::new(), ..saver(0) };
    let shown = Shown::of(empty).await;
    assert!(shown.find(".chart-empty").text_content().unwrap_or_default().contains("Map something"));
}
