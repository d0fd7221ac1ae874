//! The page's components in a real browser, without the site around them.

#![cfg(target_arch = "wasm32")]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use mapscope::ui::action_panel::action_panel;
use mapscope::ui::app::App;
use mapscope::ui::find_box::FindBox;
use mapscope::ui::inspector::inspector_panel;
use mapscope::view::actions::{Actions, Field, Forecast, Form, Input, VerbButton};
use mapscope::view::command::{Choice, Command, Verb};
use mapscope::view::find::{Entry, Group, Palette, marked};
use mapscope::view::glyph::Glyph;
use mapscope::view::inspector::{Inspector, Right, Rung, Section, Stand};
use mapscope::view::text::plain;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{Element, HtmlElement, HtmlInputElement};
use yew::{AppHandle, BaseComponent, Callback, Renderer};

wasm_bindgen_test_configure!(run_in_browser);

/// A component in an element of its own, and the commands it asked for.
struct Stage<C: BaseComponent> {
    root: Element,
    app: Option<AppHandle<C>>,
    asked: Rc<RefCell<Vec<Command>>>,
}

impl<C: BaseComponent> Stage<C> {
    /// Shows a component; `props` gets the callback that notes commands.
    async fn show(props: impl FnOnce(Callback<Command>) -> C::Properties) -> Stage<C> {
        // What the test before showed goes asynchronously, and would hear this test's keys until then.
        tick().await;
        let root = gloo_utils::document().create_element("div").expect("an element");
        gloo_utils::body().append_child(&root).expect("a body that takes it");
        let asked = Rc::new(RefCell::new(Vec::new()));
        let noted = asked.clone();
        let send = Callback::from(move |command| noted.borrow_mut().push(command));
        let app = Renderer::<C>::with_root_and_props(root.clone(), props(send)).render();
        tick().await;
        Stage { root, app: Some(app), asked }
    }

    fn all(&self, selector: &str) -> Vec<HtmlElement> {
        let found = self.root.query_selector_all(selector).expect("a selector");
        (0..found.length()).filter_map(|at| found.item(at)?.dyn_into().ok()).collect()
    }

    fn one(&self, selector: &str) -> HtmlElement {
        let found = self.all(selector);
        assert_eq!(found.len(), 1, "{selector} stands for one element");
        found.into_iter().next().expect("it was counted")
    }

    fn text(&self, selector: &str) -> String {
        self.one(selector).text_content().unwrap_or_default()
    }

    /// Waits until an element says this: a page draws when it gets to it.
    async fn says(&self, selector: &str, text: &str) {
        for _ in 0..50 {
            if self.all(selector).first().and_then(|found| found.text_content()).as_deref() == Some(text) {
                return;
            }
            tick().await;
        }
        assert_eq!(self.text(selector), text, "two seconds were not enough");
    }

    fn asked(&self) -> Vec<Command> {
        self.asked.take()
    }
}

impl<C: BaseComponent> Drop for Stage<C> {
    fn drop(&mut self) {
        if let Some(app) = self.app.take() {
            app.destroy();
        }
        self.root.remove();
    }
}

async fn tick() {
    gloo_timers::future::sleep(Duration::from_millis(40)).await;
}

fn press(target: &HtmlElement, code: &str, key: &str) {
    let body = "target.dispatchEvent(new KeyboardEvent('keydown', { code, key, bubbles: true, cancelable: true }))";
    let send = js_sys::Function::new_with_args("target, code, key", body);
    send.call3(&JsValue::NULL, target, &code.into(), &key.into()).expect("an element hears keys");
}

fn field(label: &str, value: &str, complaint: Option<&str>) -> Field {
    Field {
        label: label.to_owned(),
        value: value.to_owned(),
        origin: None,
        complaint: complaint.map(str::to_owned),
        input: Input::Text,
    }
}

fn actions(form: Form) -> Actions {
    let button = |verb| VerbButton { verb, chosen: verb == Verb::Unmap, refused: false, not_here: None };
    Actions {
        actors: vec![Choice::new("saver", "as 0")],
        actor: 0,
        verbs: Verb::ALL.into_iter().map(button).collect(),
        form: Some(form),
        also: Vec::new(),
        others: Vec::new(),
        all: 27,
    }
}

/// Something drawn once.
#[derive(PartialEq, yew::Properties)]
struct Drawn {
    what: yew::Html,
}

#[yew::component]
fn Shown(props: &Drawn) -> yew::Html {
    props.what.clone()
}

async fn panel(form: Form) -> Stage<Shown> {
    Stage::show(|send| Drawn { what: action_panel(&actions(form), false, true, &send) }).await
}

#[wasm_bindgen_test]
async fn a_verb_carries_its_name_and_asks_for_its_form() {
    let form = Form { fields: vec![field("address", "8000 1000", None)], forecast: None, commit: "Unmap".to_owned() };
    let stage = panel(form).await;
    let names: Vec<Option<String>> = stage.all(".verb").iter().map(|verb| verb.get_attribute("aria-label")).collect();
    assert_eq!(names, ["Map", "Fault", "Dup", "Unmap"].map(|name| Some(name.to_owned())));
    assert_eq!(stage.one(".verb[aria-pressed=true]").get_attribute("aria-label").as_deref(), Some("Unmap"));
    stage.one(".verb[aria-label=Dup]").click();
    assert_eq!(stage.asked(), [Command::Choose(Verb::Dup)]);
}

#[wasm_bindgen_test]
async fn a_wrong_field_keeps_what_was_typed_and_says_why_beside_it() {
    let form = Form {
        fields: vec![field("address", "zz", Some("“zz” is not hexadecimal."))],
        forecast: None,
        commit: "Unmap".to_owned(),
    };
    let stage = panel(form).await;
    let input = stage.one(".fld input").unchecked_into::<HtmlInputElement>();
    assert_eq!(input.value(), "zz");
    let described = input.get_attribute("aria-describedby").expect("the field is described");
    assert_eq!(stage.text(&format!("#{described}")), "“zz” is not hexadecimal.");
    assert!(stage.one(".go").has_attribute("disabled"), "nothing wrong can be done");
}

#[wasm_bindgen_test]
async fn a_refusal_is_foretold_with_its_rule_and_can_be_done_anyway() {
    let forecast = Forecast::Refusal { word: "EINVAL".to_owned(), rule: plain("The whole segment or nothing.") };
    let fields = vec![field("address", "8000 1000", None)];
    let stage = panel(Form { fields, forecast: Some(forecast), commit: "Unmap anyway".to_owned() }).await;
    assert_eq!(stage.text(".hint"), "would be refused: EINVALThe whole segment or nothing.");
    stage.one(".go").click();
    assert_eq!(stage.asked(), [Command::Commit]);
}

#[wasm_bindgen_test]
async fn the_ladder_marks_the_level_that_took_a_right() {
    let rights = vec![Right { letter: 'r', stand: Stand::Given }, Right { letter: 'w', stand: Stand::Cut }];
    let rung = Rung { level: "L1 [1]".to_owned(), entry: plain("4C0F 1705"), rights, leaf: None };
    let inspector = Inspector {
        crumb: vec!["saver".to_owned()],
        title: plain("8000 1000"),
        chips: Vec::new(),
        about: plain("Foreign page"),
        sections: vec![Section::Rights { rungs: vec![rung], whys: Vec::new() }],
    };
    let stage: Stage<Shown> = Stage::show(|send| Drawn { what: inspector_panel(Some(&inspector), true, &send) }).await;
    let cut = stage.one(".lad td.cut");
    assert_eq!(
        (cut.text_content().as_deref(), cut.get_attribute("aria-label").as_deref()),
        (Some("w"), Some("w taken here"))
    );
}

#[wasm_bindgen_test]
async fn the_find_box_is_walked_by_arrows_and_taken_by_enter() {
    let entry = |name: &str| Entry {
        glyph: Glyph::Map,
        name: marked(name, "4C"),
        note: String::new(),
        side: String::new(),
        command: Command::Fit,
    };
    let groups = vec![Group { title: "Frame".to_owned(), entries: vec![entry("4C0F0"), entry("4C0F1")] }];
    let palette = Palette { typed: "4C".to_owned(), groups, nothing: None };
    let stage: Stage<FindBox> =
        Stage::show(|send| mapscope::ui::find_box::Props { palette: Rc::new(palette), send }).await;
    let input = stage.one("input");
    assert_eq!(gloo_utils::document().active_element(), Some(input.clone().unchecked_into()), "one can type at once");
    press(&input, "ArrowDown", "ArrowDown");
    stage.says("[role=option][aria-selected=true] .nm", "4C0F1").await;
    press(&input, "Enter", "Enter");
    assert_eq!(stage.asked(), [Command::Take(1)]);
    assert_eq!(stage.all("mark").len(), 2, "what was looked for is marked in both");
}

/// The whole page, with nothing kept from before.
async fn whole_page() -> Stage<App> {
    gloo_utils::window()
        .local_storage()
        .ok()
        .flatten()
        .expect("a browser with storage")
        .clear()
        .expect("it can be cleared");
    Stage::show(|_| ()).await
}

fn script(code: &str) -> JsValue {
    js_sys::eval(code).expect("a script that runs")
}

#[wasm_bindgen_test]
async fn the_first_visit_plays_until_a_key_takes_over() {
    let page = whole_page().await;
    assert_eq!(page.text("h1"), "mapscope");
    assert_eq!(page.text(".banner .take"), "Take over");
    press(&gloo_utils::body(), "ArrowRight", "ArrowRight");
    page.says(".st[aria-current] .n", "1").await;
    assert!(page.all(".banner").is_empty(), "the person is in charge");
    assert_eq!(script("mapscope.state().playing"), JsValue::FALSE);
}

#[wasm_bindgen_test]
async fn what_is_done_by_keys_is_what_a_script_sees() {
    let page = whole_page().await;
    script("mapscope.seek(3)");
    page.says(".st[aria-current] .n", "3").await;
    for (code, key) in [("KeyN", "n"), ("KeyD", "d")] {
        press(&gloo_utils::body(), code, key);
        tick().await;
    }
    page.says(".fld .v", "fork").await;
    page.one(".go").click();
    tick().await;
    page.says(".st[aria-current] .n", "4").await;
    assert_eq!(script("mapscope.state().machines[0].spaces.length").as_f64(), Some(2.0));
    assert_eq!(script("mapscope.state().branches").as_f64(), Some(2.0), "the old future stays");
    let again = script("mapscope.load(JSON.stringify(mapscope.save())); mapscope.state().step");
    assert_eq!(again.as_f64(), Some(4.0), "what was saved can be loaded");
}

#[wasm_bindgen_test]
async fn what_a_script_says_wrong_is_thrown_and_changes_nothing() {
    let _page = whole_page().await;
    let said =
        script("try { mapscope.apply({ machine: 0, do: { dom0: { forc: {} } } }); 'done' } catch (e) { e.message }");
    assert!(said.as_string().is_some_and(|said| said.contains("forc")), "{said:?}");
    assert_eq!(script("mapscope.state().step").as_f64(), Some(0.0));
}
