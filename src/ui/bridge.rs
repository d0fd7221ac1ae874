//! `window.mapscope`: the page for scripts. Texts and JSON go in and out; 64-bit values are hex strings.
//!
//! ```text
//! await mapscope.ready            the page is there
//! mapscope.apply(op)              does an op, gives { answer, refused, events }
//! mapscope.state()                the world at the cursor
//! mapscope.seek(3) .seek("3.2")   goes there, gives the state
//! mapscope.save()                 the session as its file holds it
//! mapscope.load(session)          opens one; what is wrong with it is thrown
//! ```

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{JSON, Object, Promise, Reflect};
use serde_json::Value;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsError, JsValue};
use yew::Callback;

use crate::sim::{Op, file};
use crate::ui::stored::{self, SESSION};
use crate::view::bench::Bench;
use crate::view::command::Command;
use crate::view::session::Session;
use crate::view::state::state;
use crate::view::words::answer_word;
use crate::word::json;

type Shared = Rc<RefCell<Bench>>;
type Answered = Result<JsValue, JsValue>;

/// The session as its file holds it.
pub fn text(bench: &Bench) -> String {
    file::write(&bench.session().to_file())
}

/// Keeps the session in this browser.
pub fn keep(bench: &Bench) {
    stored::keep(SESSION, &text(bench));
}

/// Puts the object on the window. A page of its own for every root: the last one installed is the one scripts see.
pub fn install(bench: Shared, changed: Callback<()>) {
    let object = Object::new();
    let set = |name: &str, value: &JsValue| {
        // A plain object takes every property.
        let _ = Reflect::set(&object, &name.into(), value);
    };
    set("ready", &Promise::resolve(&JsValue::TRUE));
    set("apply", &function(&bench, &changed, apply));
    set("state", &function(&bench, &Callback::noop(), |bench, _| to_js(&state(bench.session()))));
    set("seek", &function(&bench, &changed, seek));
    set("load", &function(&bench, &changed, load));
    set("save", &function(&bench, &Callback::noop(), |bench, _| JSON::parse(&file::write(&bench.session().to_file()))));
    let _ = Reflect::set(&gloo_utils::window(), &"mapscope".into(), &object);
}

fn function(bench: &Shared, changed: &Callback<()>, work: fn(&mut Bench, JsValue) -> Answered) -> JsValue {
    let (bench, changed) = (bench.clone(), changed.clone());
    let closure = Closure::<dyn Fn(JsValue) -> Answered>::new(move |argument: JsValue| {
        let answer = work(&mut bench.borrow_mut(), argument);
        changed.emit(());
        answer
    });
    closure.into_js_value()
}

fn apply(bench: &mut Bench, argument: JsValue) -> Answered {
    let op: Op = read(&argument)?;
    bench.update(Command::TakeOver);
    bench.apply(op);
    let outcome = bench.session().outcome().ok_or_else(|| complaint("nothing was done"))?;
    let (answer, events) = (json::text(&outcome.answer), json::text(&outcome.events));
    let (word, refused) = (json::text(&answer_word(&outcome.answer)), outcome.answer.is_refusal());
    JSON::parse(&format!("{{\"answer\":{answer},\"word\":{word},\"refused\":{refused},\"events\":{events}}}"))
}

fn seek(bench: &mut Bench, argument: JsValue) -> Answered {
    let place = argument.as_string().or_else(|| argument.as_f64().map(|step| format!("{step}")));
    let place = place.ok_or_else(|| complaint("seek takes a step (3), a micro-step (\"3.2\") or a share (\"50%\")"))?;
    crate::view::seek::read(&place, u64::from(bench.session().last())).map_err(|why| complaint(&why))?;
    bench.update(Command::Seek(place));
    to_js(&state(bench.session()))
}

fn load(bench: &mut Bench, argument: JsValue) -> Answered {
    let text = match argument.as_string() {
        Some(text) => text,
        None => written(&argument)?,
    };
    let session = Session::open(&text).map_err(|why| complaint(&why.to_string()))?;
    bench.open(session);
    to_js(&state(bench.session()))
}

fn complaint(why: &str) -> JsValue {
    JsError::new(why).into()
}

/// A value of the page as JSON text.
fn written(value: &JsValue) -> Result<String, JsValue> {
    let text = JSON::stringify(value).ok().and_then(|text| text.as_string());
    text.ok_or_else(|| complaint("this is neither JSON nor a text"))
}

fn read<T: serde::de::DeserializeOwned>(value: &JsValue) -> Result<T, JsValue> {
    let text = match value.as_string() {
        Some(text) => text,
        None => written(value)?,
    };
    json::read(&text).map_err(|why| complaint(&why.to_string()))
}

fn to_js(value: &Value) -> Answered {
    JSON::parse(&value.to_string())
}
