//! The component: events come in, a window over the picture changes, a frame is asked for.

use std::rc::Rc;

use gloo_events::EventListener;
use gloo_render::{AnimationFrame, request_animation_frame};
use gloo_timers::callback::Timeout;
use wasm_bindgen::JsCast;
use web_sys::{
    CanvasRenderingContext2d, Element, Event, HtmlCanvasElement, HtmlElement, KeyboardEvent, PointerEvent, WheelEvent,
};
use yew::{Callback, Component, Context, Html, NodeRef, Properties, TargetCast, html};

use super::card::CardBody;
use super::keys::{Key, shortcut};
use super::paint::Painter;
use super::palette::Palette;
use super::place::beside;
use super::watch::{Size, Theme, firmly};
use crate::view::chart::{
    Axis, Card, Effect, Face, Hand, Measures, Moment, Picture, Rect, RowId, Scale, SpokenRow, Stage, Window, card,
    layout, neighbour, spoken_rows,
};

/// What a person did on the chart.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ChartEvent {
    /// The playhead was moved to a moment.
    Seek(Moment),
    /// A place was chosen: go to the moment, and select the row if there is one.
    Pick {
        /// The row, unless empty space was chosen.
        row: Option<RowId>,
        /// The moment.
        at: Moment,
    },
}

/// What a button outside the chart can ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// Show all steps.
    Fit,
    /// Bring the selection and the playhead into the window.
    Focus,
    /// Nearer in time.
    ZoomIn,
    /// Farther in time.
    ZoomOut,
}

/// What the chart is made from; see the module's first lines.
#[derive(Clone, Properties)]
pub struct Props {
    /// What to show.
    pub picture: Rc<Picture>,
    /// Hears what a person did.
    pub on_event: Callback<ChartEvent>,
    /// Whether single-key shortcuts work.
    #[prop_or(true)]
    pub keys: bool,
    /// A command with its number; a new number does it once.
    #[prop_or_default]
    pub command: Option<(u32, Command)>,
}

// By hand: a picture is the same only if it is the very same one, since comparing a large one would cost more than drawing it.
impl PartialEq for Props {
    fn eq(&self, other: &Props) -> bool {
        Rc::ptr_eq(&self.picture, &other.picture)
            && self.on_event == other.on_event
            && self.keys == other.keys
            && self.command == other.command
    }
}

/// What reaches the component.
pub enum Msg {
    /// The chart has a new size.
    Sized,
    /// Colours have changed.
    Themed,
    /// A frame may be drawn.
    Frame,
    /// Moving has stopped: say it in words.
    Settled,
    /// A pointer came down.
    Down(PointerEvent),
    /// A pointer moved.
    Moved(PointerEvent),
    /// A pointer went up, or was taken away.
    Up(PointerEvent, bool),
    /// A pointer left.
    Left,
    /// The wheel turned.
    Wheel(WheelEvent),
    /// A shortcut was pressed somewhere on the page.
    Shortcut(KeyboardEvent),
    /// A key was pressed on the chart.
    Pressed(KeyboardEvent),
    /// The chart got or lost the focus.
    Focused(bool),
}

/// The timeline.
pub struct Chart {
    host: NodeRef,
    canvas: NodeRef,
    line: NodeRef,
    card_box: NodeRef,
    window: Window,
    hand: Hand,
    painter: Option<Painter>,
    frame: Option<AnimationFrame>,
    settle: Option<Timeout>,
    /// The person has zoomed or panned: new steps no longer change the width of columns.
    taken: bool,
    pointer: Option<(f32, f32)>,
    card: Option<((Moment, Option<RowId>), Card)>,
    spoken: Rc<Vec<SpokenRow>>,
    cursor: Option<RowId>,
    listeners: Vec<EventListener>,
    _size: Option<Size>,
    _theme: Option<Theme>,
}

/// Rows said in words at once; more are reached by walking on.
const SPOKEN: usize = 60;

impl Component for Chart {
    type Message = Msg;
    type Properties = Props;

    fn create(_: &Context<Chart>) -> Chart {
        Chart {
            host: NodeRef::default(),
            canvas: NodeRef::default(),
            line: NodeRef::default(),
            card_box: NodeRef::default(),
            window: Window::new(0.0, 0.0, Measures::DESK),
            hand: Hand::default(),
            painter: None,
            frame: None,
            settle: None,
            taken: false,
            pointer: None,
            card: None,
            spoken: Rc::default(),
            cursor: None,
            listeners: Vec::new(),
            _size: None,
            _theme: None,
        }
    }

    fn update(&mut self, ctx: &Context<Chart>, msg: Msg) -> bool {
        match msg {
            Msg::Sized => self.resize(ctx),
            Msg::Themed => self.retune(ctx),
            Msg::Frame => return self.draw(ctx),
            Msg::Settled => {
                self.settle = None;
                return self.speak(ctx);
            }
            Msg::Down(event) => {
                let (x, y) = self.place(&event);
                if event.button() > 0 {
                    return false;
                }
                if let Some(element) = event.target_dyn_into::<Element>() {
                    let _ = element.set_pointer_capture(event.pointer_id());
                }
                let effect = self.hand.down(&ctx.props().picture, &self.window, event.pointer_id(), x, y);
                self.act(ctx, effect);
            }
            Msg::Moved(event) => {
                let (x, y) = self.place(&event);
                let hovers = event.pointer_type() == "mouse" || event.pointer_type() == "pen";
                self.pointer = (hovers && !self.hand.drags()).then_some((x, y));
                let effect = self.hand.moves(&ctx.props().picture, &self.window, event.pointer_id(), x, y);
                self.act(ctx, effect);
                self.ask(ctx);
            }
            Msg::Up(event, lost) => {
                let effect = self.hand.up(&ctx.props().picture, &self.window, event.pointer_id(), lost);
                self.act(ctx, effect);
            }
            Msg::Left => {
                self.pointer = None;
                self.ask(ctx);
            }
            Msg::Wheel(event) => self.wheel(ctx, &event),
            Msg::Shortcut(event) => {
                if ctx.props().keys
                    && let Some(key) = shortcut(&event)
                {
                    event.prevent_default();
                    self.key(ctx, key);
                }
            }
            Msg::Pressed(event) => return self.pressed(ctx, &event),
            Msg::Focused(yes) => {
                let seen = yes
                    && self
                        .host
                        .cast::<Element>()
                        .is_some_and(|host| host.query_selector(".chart-list:focus-visible").ok().flatten().is_some());
                self.window.focus = if seen { self.cursor } else { None };
                self.ask(ctx);
            }
        }
        false
    }

    fn changed(&mut self, ctx: &Context<Chart>, old: &Props) -> bool {
        let (now, props) = (ctx.props().picture.clone(), ctx.props());
        if props.command != old.command
            && let Some((_, command)) = props.command
        {
            self.key(
                ctx,
                match command {
                    Command::Fit => Key::Fit,
                    Command::Focus => Key::Focus,
                    Command::ZoomIn => Key::ZoomIn,
                    Command::ZoomOut => Key::ZoomOut,
                },
            );
        }
        if !Rc::ptr_eq(&now, &old.picture) {
            self.follow(&now, &old.picture);
            self.settle_soon(ctx);
        }
        self.ask(ctx);
        true
    }

    fn view(&self, ctx: &Context<Chart>) -> Html {
        let link = ctx.link();
        let picture = &ctx.props().picture;
        let active = self.cursor.map(dom_id).filter(|id| self.spoken.iter().any(|row| dom_id(row.id) == *id));
        let label = format!("Map at step {}: regions, pages, frames and grants", picture.cursor);
        html! {
            <div class="chart" ref={&self.host}>
                <canvas class="chart-canvas" ref={&self.canvas} aria-hidden="true"></canvas>
                <div class="chart-hover" ref={&self.line} hidden=true></div>
                <div
                    class="chart-list"
                    role="listbox"
                    tabindex="0"
                    aria-label={label}
                    aria-activedescendant={active}
                    onpointerdown={link.callback(Msg::Down)}
                    onpointermove={link.callback(Msg::Moved)}
                    onpointerup={link.callback(|event| Msg::Up(event, false))}
                    onpointercancel={link.callback(|event| Msg::Up(event, true))}
                    onpointerleave={link.callback(|_| Msg::Left)}
                    onkeydown={link.callback(Msg::Pressed)}
                    onfocus={link.callback(|_| Msg::Focused(true))}
                    onblur={link.callback(|_| Msg::Focused(false))}
                >
                    { lanes(&self.spoken) }
                </div>
                <div class="chart-card" ref={&self.card_box} hidden={self.card.is_none()} aria-hidden="true">
                    if let Some((_, card)) = &self.card {
                        <CardBody card={card.clone()} />
                    }
                </div>
                if picture.is_empty() {
                    <p class="chart-empty">{ "There is no map to draw here yet. Map something or open a story, and it appears step by step." }</p>
                }
            </div>
        }
    }

    fn rendered(&mut self, ctx: &Context<Chart>, first: bool) {
        if first {
            self.start(ctx);
        }
        self.set_card(ctx);
    }
}

/// The rows in words, in groups by lane.
fn lanes(spoken: &[SpokenRow]) -> Html {
    let mut groups: Vec<(&str, Vec<&SpokenRow>)> = Vec::new();
    for row in spoken {
        match (&row.lane, groups.last_mut()) {
            (Some(lane), _) => groups.push((lane, vec![row])),
            (None, Some((_, rows))) => rows.push(row),
            (None, None) => groups.push(("", vec![row])),
        }
    }
    let option = |row: &&SpokenRow| {
        html! {
            <div key={dom_id(row.id)} id={dom_id(row.id)} role="option" aria-selected={row.selected.to_string()}>
                { &row.sentence }
            </div>
        }
    };
    let group = |(lane, rows): &(&str, Vec<&SpokenRow>)| {
        html! { <div role="group" aria-label={lane.to_string()}>{ for rows.iter().map(option) }</div> }
    };
    html! { <div class="chart-said" role="presentation">{ for groups.iter().map(group) }</div> }
}

fn dom_id(row: RowId) -> String {
    format!("row-{}-{:?}-{:x}", row.lane.0, row.key.what, row.key.number)
}

impl Chart {
    fn start(&mut self, ctx: &Context<Chart>) {
        let (Some(host), Some(canvas)) = (self.host.cast::<HtmlElement>(), self.canvas.cast::<HtmlCanvasElement>())
        else {
            return;
        };
        let context =
            canvas.get_context("2d").ok().flatten().and_then(|any| any.dyn_into::<CanvasRenderingContext2d>().ok());
        if let Some(context) = context {
            let dpr = gloo_utils::window().device_pixel_ratio();
            let palette = Palette::read(&host, &context, dpr);
            self.painter = Some(Painter::new(context, palette, dpr));
        }
        let link = ctx.link().clone();
        self._size = Size::of(&host, move || link.send_message(Msg::Sized));
        let link = ctx.link().clone();
        self._theme = Theme::watch(move || link.send_message(Msg::Themed));
        let link = ctx.link().clone();
        self.listeners.push(firmly(&host, "wheel", move |event: &Event| {
            if let Some(event) = event.dyn_ref::<WheelEvent>() {
                event.prevent_default();
                link.send_message(Msg::Wheel(event.clone()));
            }
        }));
        let link = ctx.link().clone();
        if let Some(root) = gloo_utils::document().document_element() {
            self.listeners.push(firmly(&root, "keydown", move |event: &Event| {
                if let Some(event) = event.dyn_ref::<KeyboardEvent>() {
                    link.send_message(Msg::Shortcut(event.clone()));
                }
            }));
        }
        self.retune(ctx);
        self.resize(ctx);
    }

    /// Reads colours, faces and the width of letters again.
    fn retune(&mut self, ctx: &Context<Chart>) {
        let (Some(host), Some(painter)) = (self.host.cast::<HtmlElement>(), &mut self.painter) else { return };
        let dpr = gloo_utils::window().device_pixel_ratio();
        let palette = Palette::read(&host, painter.context(), dpr);
        painter.retune(palette, dpr);
        let width = |face: Face, sample: &str| {
            painter.context().set_font(painter.font(face));
            let wide = painter.context().measure_text(sample).map_or(0.0, |measured| measured.width());
            (wide / sample.chars().count() as f64) as f32
        };
        let mono = width(Face::Mono, "0000000000");
        let sans = width(Face::Sans, "the caller’s array holds what was never asked for") * 1.04;
        if mono > 1.0 && sans > 1.0 {
            self.window.measures.mono = mono;
            self.window.measures.sans = sans;
        }
        self.ask(ctx);
    }

    fn resize(&mut self, ctx: &Context<Chart>) {
        let (Some(host), Some(canvas)) = (self.host.cast::<HtmlElement>(), self.canvas.cast::<HtmlCanvasElement>())
        else {
            return;
        };
        let (width, height) = (host.client_width(), host.client_height());
        let dpr = gloo_utils::window().device_pixel_ratio();
        canvas.set_width((f64::from(width) * dpr).round() as u32);
        canvas.set_height((f64::from(height) * dpr).round() as u32);
        let kept = self.window.measures;
        let base = if width < 600 { Measures::PHONE } else { Measures::DESK };
        self.window.measures = Measures { mono: kept.mono, sans: kept.sans, ..base };
        (self.window.width, self.window.height) = (width as f32, height as f32);
        self.adapt(&ctx.props().picture);
        self.retune(ctx);
        self.settle_soon(ctx);
        // Resizing empties the canvas: paint before the browser shows it.
        self.draw(ctx);
    }

    /// Until a person takes over, columns are as wide as the steps leave room for.
    fn adapt(&mut self, picture: &Picture) {
        let stage = Stage::new(picture, &self.window);
        let mut scale = self.window.scale;
        if !self.taken {
            scale.step_px = Scale::resting(&stage.axis, self.window.plot());
        }
        self.window.scale = stage.clamp(scale);
        self.reveal(picture, picture.last_of(picture.cursor));
    }

    fn reveal(&mut self, picture: &Picture, at: Moment) {
        let stage = Stage::new(picture, &self.window);
        self.window.scale = stage.clamp(self.window.scale.reveal(&stage.axis, self.window.plot(), at));
    }

    /// A new picture came: stay where the person looks, but keep the playhead and a new selection in sight.
    fn follow(&mut self, picture: &Picture, old: &Picture) {
        if picture.tip() != old.tip() || Axis::of(picture) != Axis::of(old) {
            self.adapt(picture);
        }
        if picture.cursor != old.cursor {
            self.reveal(picture, picture.last_of(picture.cursor));
        }
        if picture.selection != old.selection
            && let Some(selection) = picture.selection
        {
            self.cursor = Some(selection.row);
            self.window.scale = Stage::new(picture, &self.window).reveal_row(selection.row);
        }
        self.window.scale = Stage::new(picture, &self.window).clamp(self.window.scale);
        self.card = None;
    }

    fn place(&self, event: &PointerEvent) -> (f32, f32) {
        let Some(host) = self.host.cast::<Element>() else { return (0.0, 0.0) };
        let area = host.get_bounding_client_rect();
        ((f64::from(event.client_x()) - area.left()) as f32, (f64::from(event.client_y()) - area.top()) as f32)
    }

    fn act(&mut self, ctx: &Context<Chart>, effect: Effect) {
        match effect {
            Effect::None => {}
            Effect::Window(scale) => self.go(ctx, scale),
            Effect::Seek(at) => {
                let picture = &ctx.props().picture;
                if picture.last_of(picture.cursor) != at {
                    ctx.props().on_event.emit(ChartEvent::Seek(at));
                }
            }
            Effect::Pick(at, row) => {
                self.cursor = row.or(self.cursor);
                ctx.props().on_event.emit(ChartEvent::Pick { row, at });
            }
            Effect::Fold(lane) => {
                if !self.window.folded.remove(&lane) {
                    self.window.folded.insert(lane);
                }
                let scale = Stage::new(&ctx.props().picture, &self.window).clamp(self.window.scale);
                self.go(ctx, scale);
            }
        }
    }

    /// The window stands elsewhere now.
    fn go(&mut self, ctx: &Context<Chart>, scale: Scale) {
        self.taken |= scale.step_px != self.window.scale.step_px;
        self.window.scale = scale;
        self.settle_soon(ctx);
        self.ask(ctx);
    }

    fn wheel(&mut self, ctx: &Context<Chart>, event: &WheelEvent) {
        let picture = ctx.props().picture.clone();
        let stage = Stage::new(&picture, &self.window);
        let lines = if event.delta_mode() == WheelEvent::DOM_DELTA_LINE { 16.0 } else { 1.0 };
        let (dx, dy) = (event.delta_x() as f32 * lines, event.delta_y() as f32 * lines);
        let area = self.host.cast::<Element>().map(|host| host.get_bounding_client_rect());
        let (x, y) = area.map_or((0.0, 0.0), |area| {
            ((f64::from(event.client_x()) - area.left()) as f32, (f64::from(event.client_y()) - area.top()) as f32)
        });
        let scale = self.window.scale;
        let moved = if event.ctrl_key() || event.meta_key() {
            let factor = (-f64::from(dy) * 0.0025).exp().clamp(0.5, 2.0);
            stage.clamp(scale.zoom_time(&stage.axis, self.window.plot(), x - self.window.measures.gutter, factor))
        } else if event.alt_key() {
            stage.zoom_rows(y, (-dy * 0.0025).exp().clamp(0.5, 2.0))
        } else if event.shift_key() || (dx == 0.0 && stage.content() <= self.window.body()) {
            stage.clamp(scale.pan(dx + dy, 0.0))
        } else {
            stage.clamp(scale.pan(dx, dy))
        };
        self.go(ctx, moved);
    }

    fn key(&mut self, ctx: &Context<Chart>, key: Key) {
        let picture = ctx.props().picture.clone();
        let stage = Stage::new(&picture, &self.window);
        let (scale, plot) = (self.window.scale, self.window.plot());
        // Keys zoom about the playhead where it can be seen, else about the middle.
        let playhead = scale.x(&stage.axis, picture.last_of(picture.cursor));
        let about = if (0.0..plot).contains(&playhead) { playhead } else { plot / 2.0 };
        let moved = match key {
            Key::ZoomIn => stage.clamp(scale.zoom_time(&stage.axis, plot, about, 1.25)),
            Key::ZoomOut => stage.clamp(scale.zoom_time(&stage.axis, plot, about, 0.8)),
            Key::PanLeft => stage.clamp(scale.pan(-plot * 0.12, 0.0)),
            Key::PanRight => stage.clamp(scale.pan(plot * 0.12, 0.0)),
            Key::TallerRows => stage.zoom_rows(self.window.height / 2.0, 1.25),
            Key::FlatterRows => stage.zoom_rows(self.window.height / 2.0, 0.8),
            Key::Fit => {
                self.taken = true;
                let fit = Scale::fit(&stage.axis, plot);
                stage.clamp(Scale { tall: 1.0, top: scale.top, ..fit })
            }
            Key::Focus => {
                let shown = picture.selection.map_or(scale, |selection| stage.reveal_row(selection.row));
                stage.clamp(shown.reveal(&stage.axis, plot, picture.last_of(picture.cursor)))
            }
        };
        self.go(ctx, moved);
    }

    /// Up and Down walk the rows, Enter selects.
    fn pressed(&mut self, ctx: &Context<Chart>, event: &KeyboardEvent) -> bool {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return false;
        }
        let picture = ctx.props().picture.clone();
        let down = match event.key().as_str() {
            "ArrowDown" => true,
            "ArrowUp" => false,
            "Enter" => {
                event.prevent_default();
                ctx.props().on_event.emit(ChartEvent::Pick { row: self.cursor, at: picture.cursor });
                return false;
            }
            _ => return false,
        };
        event.prevent_default();
        let folded = self.window.folded.clone();
        let next = neighbour(&picture, |lane| folded.contains(&lane.id), self.cursor, down);
        if let Some(row) = next {
            self.cursor = Some(row);
            self.window.focus = Some(row);
            self.window.scale = Stage::new(&picture, &self.window).reveal_row(row);
            self.ask(ctx);
        }
        self.speak(ctx);
        true
    }

    fn ask(&mut self, ctx: &Context<Chart>) {
        if self.frame.is_none() {
            let link = ctx.link().clone();
            self.frame = Some(request_animation_frame(move |_| link.send_message(Msg::Frame)));
        }
    }

    fn settle_soon(&mut self, ctx: &Context<Chart>) {
        let link = ctx.link().clone();
        self.settle = Some(Timeout::new(120, move || link.send_message(Msg::Settled)));
    }

    /// Writes the rows that can be seen as real elements; whether they changed.
    fn speak(&mut self, ctx: &Context<Chart>) -> bool {
        let picture = &ctx.props().picture;
        let spoken = spoken_rows(&Stage::new(picture, &self.window), SPOKEN);
        let differs = *self.spoken != spoken;
        if differs {
            self.spoken = Rc::new(spoken);
        }
        differs
    }

    /// Draws one frame; whether the card's words changed.
    fn draw(&mut self, ctx: &Context<Chart>) -> bool {
        self.frame = None;
        let picture = &ctx.props().picture;
        if let Some(painter) = &mut self.painter
            && self.window.width > 0.0
        {
            painter.paint(&layout(picture, &self.window));
        }
        self.hover(ctx)
    }

    /// Moves the dashed line under the pointer, and makes the card for what is there.
    fn hover(&mut self, ctx: &Context<Chart>) -> bool {
        let picture = &ctx.props().picture;
        let stage = Stage::new(picture, &self.window);
        let over = self.pointer.filter(|&(x, y)| stage.plot().holds(x, y) && !self.hand.drags() && !picture.is_empty());
        let Some((x, y)) = over else {
            self.show_line(None);
            return self.card.take().is_some();
        };
        let at = stage.moment(x);
        self.show_line(Some(stage.x(at).max(self.window.measures.gutter)));
        let what = (at, stage.row_under(y));
        let differs = self.card.as_ref().is_none_or(|(shown, _)| *shown != what);
        if differs {
            self.card = Some((what, card(&stage, at, what.1)));
        } else {
            self.set_card(ctx);
        }
        differs
    }

    fn show_line(&self, x: Option<f32>) {
        let Some(line) = self.line.cast::<HtmlElement>() else { return };
        line.set_hidden(x.is_none());
        if let Some(x) = x {
            let style = line.style();
            let _ = style.set_property("transform", &format!("translateX({}px)", x.round()));
            let _ = style.set_property("top", &format!("{}px", self.window.measures.body()));
        }
    }

    fn set_card(&self, ctx: &Context<Chart>) {
        let (Some((x, y)), Some(card), true) = (self.pointer, self.card_box.cast::<HtmlElement>(), self.card.is_some())
        else {
            return;
        };
        let picture = &ctx.props().picture;
        let stage = Stage::new(picture, &self.window);
        let keep = picture.selection.and_then(|selection| stage.find(selection.row));
        let size = (card.offset_width() as f32, card.offset_height() as f32);
        let area = Rect::new(4.0, stage.m.body(), self.window.width - 8.0, self.window.body() - 4.0);
        let (left, top) = beside(x, y, size, area, keep);
        let _ = card.style().set_property("transform", &format!("translate({}px, {}px)", left.round(), top.round()));
    }
}
