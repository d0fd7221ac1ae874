//! The root of the page: the one component with effects. It keeps the bench, hands commands to it, and paints what comes of them.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_events::EventListener;
use gloo_timers::callback::{Interval, Timeout};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DragEvent, File, HtmlElement};
use yew::platform::spawn_local;
use yew::{AttrValue, Component, Context, Html, html};

use crate::ui::bridge;
use crate::ui::keyboard;
use crate::ui::stored::{self, LETTERS, SESSION, THEME, VISITED};
use crate::ui::story::reveal_current;
use crate::ui::views;
use crate::ui::workbench::Workbench;
use crate::view::bench::{Bench, Effect};
use crate::view::command::{Command, Dialog};
use crate::view::file_read;
use crate::view::session::{Position, Session};

/// A step of a playing session, in milliseconds; slower while a newcomer reads.
const TICK: u32 = 900;
const FIRST_TICK: u32 = 3_200;
/// How long after a change the session is kept, in milliseconds: long enough for a burst of keys to be one write.
const KEEP_AFTER: u32 = 250;

/// What the root hears.
pub enum Msg {
    /// Somebody asks for something.
    Do(Command),
    /// The clock of a playing session struck.
    Tick,
    /// Any key or press: whoever was watching the first story is in charge now.
    TakeOver,
    /// A file was chosen or dropped.
    Chosen(File),
    /// It was read.
    Read(String, Vec<u8>),
    /// A script on the page changed the session.
    Scripted,
    /// The moment to keep the session has come.
    Keep,
    /// A file hangs over the page, or no longer.
    Hover(bool),
}

/// The root.
pub struct App {
    bench: Rc<RefCell<Bench>>,
    clock: Option<(u32, Interval)>,
    keep: Option<Timeout>,
    views: views::Views,
    hover: bool,
    shown: Option<Position>,
    _listeners: Vec<EventListener>,
}

impl Component for App {
    type Message = Msg;
    type Properties = ();

    fn create(ctx: &Context<Self>) -> App {
        let letters = stored::read(LETTERS).unwrap_or(true);
        let bench = Rc::new(RefCell::new(first_bench(letters)));
        bridge::install(bench.clone(), ctx.link().callback(|()| Msg::Scripted));
        let asked = bench.clone();
        let keys = keyboard::listen(
            move || (asked.borrow().is_armed(), asked.borrow().letters()),
            ctx.link().callback(Msg::Do),
        );
        let mut app = App {
            bench,
            clock: None,
            keep: None,
            views: views::Views::default(),
            hover: false,
            shown: None,
            _listeners: listeners(ctx, keys),
        };
        app.wind(ctx);
        app
    }

    fn update(&mut self, ctx: &Context<Self>, msg: Msg) -> bool {
        match msg {
            Msg::Do(command) => {
                let effect = self.bench.borrow_mut().update(command);
                if let Some(effect) = effect {
                    self.act(effect);
                }
                self.keep_soon(ctx);
            }
            Msg::Tick => self.bench.borrow_mut().tick(),
            Msg::TakeOver => {
                if !self.bench.borrow().is_first_visit() {
                    return false;
                }
                self.bench.borrow_mut().update(Command::TakeOver);
                self.keep_soon(ctx);
            }
            Msg::Chosen(file) => {
                self.hover = false;
                self.read(ctx, file);
            }
            Msg::Read(name, bytes) => {
                let (opened, session) = file_read::read(&name, &bytes);
                self.bench.borrow_mut().offer(opened, session);
            }
            Msg::Scripted => self.keep_soon(ctx),
            Msg::Keep => {
                self.keep = None;
                bridge::keep(&self.bench.borrow());
                return false;
            }
            Msg::Hover(is_over) => {
                let changed = self.hover != is_over;
                self.hover = is_over;
                return changed;
            }
        }
        self.wind(ctx);
        true
    }

    fn rendered(&mut self, _ctx: &Context<Self>, _first: bool) {
        let at = self.bench.borrow().session().at();
        if self.shown != Some(at) {
            self.shown = Some(at);
            reveal_current();
        }
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let send = ctx.link().callback(Msg::Do);
        let mut bench = self.bench.borrow_mut();
        let page = bench.page();
        let shares = page.over == Some(Dialog::Share);
        let text = if shares { AttrValue::from(bridge::text(&bench)) } else { AttrValue::default() };
        let view = self.views.view(&bench, page.tab, &send);
        html! {
            <>
                <Workbench {page} tabs={views::TABS.to_vec()} {view} {text} name={file_name(bench.session().title())}
                    on_file={ctx.link().callback(Msg::Chosen)} {send} />
                if self.hover { <div class="page-drop"><span>{ "Drop a session or a recording" }</span></div> }
            </>
        }
    }
}

impl App {
    /// Lets the clock run at the right pace, or stand.
    fn wind(&mut self, ctx: &Context<Self>) {
        let bench = self.bench.borrow();
        let pace = match (bench.session().playing(), bench.is_first_visit()) {
            (false, _) => None,
            (true, true) => Some(FIRST_TICK),
            (true, false) => Some(TICK),
        };
        if pace == self.clock.as_ref().map(|(pace, _)| *pace) {
            return;
        }
        let link = ctx.link().clone();
        self.clock = pace.map(|pace| (pace, Interval::new(pace, move || link.send_message(Msg::Tick))));
    }

    fn keep_soon(&mut self, ctx: &Context<Self>) {
        let link = ctx.link().clone();
        self.keep = Some(Timeout::new(KEEP_AFTER, move || link.send_message(Msg::Keep)));
    }

    fn read(&self, ctx: &Context<Self>, file: File) {
        let name = file.name();
        if let Some(refused) = file_read::too_large(&name, file.size() as u64) {
            self.bench.borrow_mut().offer(refused, None);
            return;
        }
        let link = ctx.link().clone();
        spawn_local(async move {
            // A file that vanished while it was read is as good as an empty one: it is refused by name.
            let bytes =
                JsFuture::from(file.array_buffer()).await.map(|buffer| js_sys::Uint8Array::new(&buffer).to_vec());
            link.send_message(Msg::Read(name, bytes.unwrap_or_default()));
        });
    }

    fn act(&mut self, effect: Effect) {
        match effect {
            Effect::Theme => other_theme(),
            Effect::KeepLetters(on) => {
                stored::keep(LETTERS, &on);
            }
            Effect::Explain => soon(|| focus("#rights")),
            // By finger, the focus would bring up the keyboard over the form.
            Effect::FocusForm if !is_by_finger() => soon(|| focus(".form input, .form select, .form .go")),
            Effect::FocusForm => {}
            Effect::Focus => self.views.look_at_selection(),
            Effect::Fit => self.views.look_at_everything(),
        }
    }
}

/// The session of the last visit; at a first visit the first story, playing.
fn first_bench(letters: bool) -> Bench {
    let kept: Option<String> = stored::read(SESSION);
    if let Some(session) = kept.and_then(|text| Session::open(&text).ok()) {
        return Bench::new(session, letters);
    }
    let mut bench = Bench::of_story(0, letters).expect("the first story comes with the program and can be built");
    if stored::read(VISITED) != Some(true) {
        stored::keep(VISITED, &true);
        bench.first_visit();
    }
    bench
}

fn listeners(ctx: &Context<App>, [verbs, keys]: [EventListener; 2]) -> Vec<EventListener> {
    let window = gloo_utils::window();
    let take_over = |name: &'static str| {
        let link = ctx.link().clone();
        EventListener::new(&window, name, move |_| link.send_message(Msg::TakeOver))
    };
    let options = gloo_events::EventListenerOptions::enable_prevent_default();
    let link = ctx.link().clone();
    let over = EventListener::new_with_options(&window, "dragover", options, move |event| {
        event.prevent_default();
        link.send_message(Msg::Hover(true));
    });
    let link = ctx.link().clone();
    let leave = EventListener::new(&window, "dragleave", move |event| {
        let left = event.dyn_ref::<DragEvent>().is_some_and(|event| event.related_target().is_none());
        if left {
            link.send_message(Msg::Hover(false));
        }
    });
    let link = ctx.link().clone();
    let drop = EventListener::new_with_options(&window, "drop", options, move |event| {
        event.prevent_default();
        let files = event.dyn_ref::<DragEvent>().and_then(DragEvent::data_transfer).and_then(|data| data.files());
        match files.and_then(|files| files.get(0)) {
            Some(file) => link.send_message(Msg::Chosen(file)),
            None => link.send_message(Msg::Hover(false)),
        }
    });
    vec![verbs, keys, take_over("pointerdown"), take_over("keydown"), over, leave, drop]
}

/// A name for the file of a session.
fn file_name(title: &str) -> AttrValue {
    let plain: String = title
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' })
        .collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).take(6).collect();
    let name = if words.is_empty() { "session".to_owned() } else { words.join("-") };
    format!("{name}.mapscope.json").into()
}

/// Whether the page is held in a hand.
fn is_by_finger() -> bool {
    gloo_utils::window().match_media("(pointer: coarse)").ok().flatten().is_some_and(|query| query.matches())
}

fn other_theme() {
    let Some(root) = gloo_utils::document().document_element().and_then(|root| root.dyn_into::<HtmlElement>().ok())
    else {
        return;
    };
    let theme = if root.dataset().get("theme").as_deref() == Some("dark") { "light" } else { "dark" };
    if root.dataset().set("theme", theme).is_ok() {
        stored::keep(THEME, &theme);
    }
}

/// After the next paint: what the command brought may not be there yet.
fn soon(work: impl FnOnce() + 'static) {
    Timeout::new(30, work).forget();
}

fn focus(selector: &str) {
    let Ok(found) = gloo_utils::document().query_selector_all(selector) else { return };
    let seen = (0..found.length())
        .filter_map(|at| found.item(at)?.dyn_into::<HtmlElement>().ok())
        .find(|element| element.get_bounding_client_rect().height() > 0.0);
    if let Some(element) = seen {
        element.scroll_into_view_with_bool(false);
        // What cannot take the focus leaves it where it is.
        let _ = element.focus();
    }
}
