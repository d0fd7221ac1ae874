//! The person at the page: the session, and what stands over, beside and around it. Commands change it; the page is made of it.

use std::collections::BTreeMap;

use crate::illumos::abi::AsId;
use crate::sim::answer::IllumosAnswer;
use crate::sim::{Answer, MachineId, Op, StepId, World, scenarios};
use crate::view::actions::Ends;
use crate::view::breaks::Breaks;
use crate::view::command::{Command, Dialog, Place, Sheet, Tab, Verb};
use crate::view::forms::Desk;
use crate::view::glyph::Glyph;
use crate::view::kinds::Kind;
use crate::view::look::Look;
use crate::view::named::named;
use crate::view::names::Names;
use crate::view::offers::{self, Offered};
use crate::view::opened::Opened;
use crate::view::search::search;
use crate::view::session::{Msg, Position, Selection, Session};
use crate::view::strip::Standing;
use crate::view::{settings, touched, words};

/// What a command asks of the browser, beside what it changed here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// The other theme.
    Theme,
    /// Remember the switch for single letters.
    KeepLetters(bool),
    /// Bring the rights of the selection into view.
    Explain,
    /// The map looks at the selection.
    Focus,
    /// The map looks at everything.
    Fit,
    /// Put the focus into the form.
    FocusForm,
}

/// What forecasts depend on: the step, who acts, and what is selected.
type Here = (StepId, Option<AsId>, Option<Selection>);

/// What can be done here, with what would come of it.
#[derive(Clone, Default)]
pub(super) struct AtHand {
    /// By the actor.
    pub also: Vec<Offered>,
    /// By the other side.
    pub others: Vec<Offered>,
    /// The verbs that would be refused as prefilled.
    pub refused: Vec<Verb>,
}

/// The page's state.
pub struct Bench {
    pub(super) session: Session,
    pub(super) scenario: Option<usize>,
    pub(super) tab: Tab,
    pub(super) over: Option<Dialog>,
    pub(super) typed: String,
    pub(super) kind: Option<Kind>,
    pub(super) edits: BTreeMap<usize, String>,
    pub(super) actor: Option<AsId>,
    pub(super) sheet: Sheet,
    pub(super) drawer: bool,
    pub(super) form_open: bool,
    pub(super) armed: bool,
    pub(super) letters: bool,
    pub(super) first_visit: bool,
    pub(super) opened: Opened,
    pub(super) pending: Option<Session>,
    pub(super) seek_complaint: Option<String>,
    pub(super) invariant: Option<usize>,
    serial: u32,
    version: u64,
    trail: Vec<Selection>,
    told: BTreeMap<StepId, (String, Glyph)>,
    touched: Option<((Selection, StepId), Vec<u64>)>,
    breaks: Breaks,
    offered: Option<(Here, AtHand)>,
}

impl Bench {
    /// A page on a session.
    pub fn new(session: Session, letters: bool) -> Bench {
        let scenario = scenarios::all().iter().position(|story| story.title == session.title());
        Bench {
            breaks: Breaks::new(&session),
            session,
            scenario,
            tab: Tab::Map,
            over: None,
            typed: String::new(),
            kind: None,
            edits: BTreeMap::new(),
            actor: None,
            sheet: Sheet::Story,
            drawer: false,
            form_open: false,
            armed: false,
            letters,
            first_visit: false,
            opened: Opened::Nothing,
            pending: None,
            seek_complaint: None,
            invariant: None,
            serial: 0,
            version: 0,
            trail: Vec::new(),
            told: BTreeMap::new(),
            touched: None,
            offered: None,
        }
    }

    /// A page on a story, at its start; none where there is no such story.
    pub fn of_story(index: usize, letters: bool) -> Option<Bench> {
        let story = scenarios::all().into_iter().nth(index)?;
        Session::of_scenario(&story).ok().map(|session| Bench::new(session, letters))
    }

    /// Plays the first story by itself until somebody takes over.
    pub fn first_visit(&mut self) {
        self.first_visit = true;
        self.session.update(Msg::Play(true));
    }

    /// Whether the first story still plays by itself.
    pub fn is_first_visit(&self) -> bool {
        self.first_visit
    }

    /// Whether the next letter is a verb.
    pub fn is_armed(&self) -> bool {
        self.armed
    }

    /// Whether single letters are shortcuts.
    pub fn letters(&self) -> bool {
        self.letters
    }

    /// Which session this is: another number, another history.
    pub fn serial(&self) -> u32 {
        self.serial
    }

    /// Grows whenever anything may have changed.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The machine that forms and offers speak of: that of the selection, else the first.
    pub(super) fn machine(&self) -> MachineId {
        match self.session.selection() {
            Some(
                Selection::Page { machine, .. }
                | Selection::Segment { machine, .. }
                | Selection::Frame { machine, .. }
                | Selection::Grant { machine, .. },
            ) => machine,
            None => MachineId(0),
        }
    }

    /// What people call things here.
    pub fn names(&self) -> Names {
        Names::new(self.session.names())
    }

    /// Who acts: the one chosen while they live, else the owner of the selection, else the first process.
    pub(super) fn actor(&self) -> Option<AsId> {
        let look = Look::of(self.session.whole_world(), self.machine())?;
        let alive = |space: &AsId| look.kernel.space(*space).is_some();
        let selected = match self.session.selection() {
            Some(Selection::Page { space, .. }) => Some(space),
            Some(Selection::Segment { seg, .. }) => look.kernel.seg(seg).map(|seg| seg.space),
            Some(Selection::Frame { .. } | Selection::Grant { .. }) | None => None,
        };
        let first = || look.kernel.spaces().next().map(|(space, _)| space);
        self.actor.filter(alive).or(selected.filter(alive)).or_else(first)
    }

    /// Where forms are filled in: always the world after the whole step, since that is what an op is done to.
    pub(super) fn desk<'w>(&self, world: &'w World) -> Option<Desk<'w>> {
        let machine = self.machine();
        let look = Look::of(world, machine)?;
        let (mut va, mut mfn, mut grant) = (None, None, None);
        let space = self.actor();
        match self.session.selection() {
            Some(Selection::Page { space: owner, va: page, .. }) => va = Some(page).filter(|_| space == Some(owner)),
            Some(Selection::Frame { mfn: selected, .. }) => mfn = Some(selected),
            Some(Selection::Grant { granter, gref, .. }) => grant = Some((granter, gref)),
            Some(Selection::Segment { .. }) | None => {}
        }
        Some(Desk { look, machine, space, va, mfn, grant })
    }

    /// The values of the open form: as typed, else as prefilled.
    pub(super) fn values(&self, desk: &Desk<'_>, kind: Kind) -> Vec<String> {
        let blanks = desk.blanks(kind).into_iter().enumerate();
        blanks.map(|(at, blank)| self.edits.get(&at).cloned().unwrap_or(blank.value)).collect()
    }

    /// The sentence and shape of a step of the path. Answers never change, so each is found out once.
    pub(super) fn tell(&mut self, from: usize, to: usize) -> Vec<(String, Glyph)> {
        let names = self.names();
        let path: Vec<StepId> = self.session.path()[from..to].to_vec();
        let mut world: Option<World> = None;
        let mut told = Vec::new();
        for step in path {
            let Some(op) = self.session.history().op(step) else {
                told.push((start_sentence(self.session.whole_world()), Glyph::Start));
                continue;
            };
            if let Some(known) = self.told.get(&step) {
                told.push(known.clone());
                world = None;
                continue;
            }
            let parent = self.session.history().parent(step).unwrap_or(StepId::START);
            let mut before = world.take().unwrap_or_else(|| self.session.history().world_at(parent));
            let outcome = before.apply(op);
            let pair = (words::step(&names, op, &outcome.answer), words::glyph(op, &outcome.answer));
            self.told.insert(step, pair.clone());
            world = Some(before);
            told.push(pair);
        }
        told
    }

    /// What every step of the path broke, up to where the session is now.
    pub(super) fn follow_breaks(&mut self) -> &Breaks {
        self.breaks.follow(&self.session);
        &self.breaks
    }

    /// The rules that name the selection.
    pub(super) fn named(&mut self, selection: Selection) -> Vec<(usize, String, Standing)> {
        let Bench { breaks, session, .. } = self;
        let step = breaks.step(session.at().step).filter(|_| session.at().stop.is_none());
        let calls = step.map(|step| step.calls.clone()).unwrap_or_default();
        named(session.world(), breaks.here(session), &calls, selection)
    }

    /// What every step of the path broke, as of the last [`Bench::page`].
    pub fn breaks(&self) -> &Breaks {
        &self.breaks
    }

    /// The steps that touched the selection.
    pub(super) fn touched(&mut self) -> Vec<u64> {
        let Some(selection) = self.session.selection() else { return Vec::new() };
        let key = (selection, self.session.tip());
        match &self.touched {
            Some((known, steps)) if *known == key => steps.clone(),
            Some(_) | None => {
                let steps = touched::steps(&self.session, selection);
                self.touched = Some((key, steps.clone()));
                steps
            }
        }
    }

    /// What can be done here, foretold once for each place.
    pub(super) fn at_hand(&mut self) -> AtHand {
        let here = (self.session.cursor(), self.actor(), self.session.selection());
        match &self.offered {
            Some((known, at_hand)) if *known == here => at_hand.clone(),
            Some(_) | None => {
                let at_hand = self.foretell();
                self.offered = Some((here, at_hand.clone()));
                at_hand
            }
        }
    }

    fn foretell(&self) -> AtHand {
        let world = self.session.whole_world();
        let Some(desk) = self.desk(world) else { return AtHand::default() };
        let is_refused = |verb: &Verb| {
            let forecast = desk.prefilled(self.kind_of(*verb)).and_then(|op| offers::forecast(world, &op));
            forecast.is_some_and(|forecast| forecast.ends() != Ends::Well)
        };
        AtHand {
            also: offers::also(world, &desk),
            others: offers::others(world, &desk),
            refused: Verb::ALL.into_iter().filter(is_refused).collect(),
        }
    }

    /// Puts another session in place of this one.
    pub fn open(&mut self, session: Session) {
        let serial = self.serial + 1;
        *self = Bench { tab: self.tab, sheet: self.sheet, serial, ..Bench::new(session, self.letters) };
    }

    /// A file was read: says what it is, and waits for the person to agree. What is open stays open.
    pub fn offer(&mut self, opened: Opened, session: Option<Session>) {
        (self.opened, self.pending) = (opened, session);
        self.over = Some(Dialog::Open);
    }

    /// The clock of a playing session struck.
    pub fn tick(&mut self) {
        self.version += 1;
        self.session.update(Msg::Tick);
        if !self.session.playing() {
            self.first_visit = false;
        }
    }

    /// Does an op here and now; for scripts on the page as well.
    pub fn apply(&mut self, op: Op) {
        self.version += 1;
        self.session.update(Msg::Do(op));
        self.edits.clear();
        // A new segment is what one goes on with.
        let born = match self.session.outcome().map(|outcome| &outcome.answer) {
            Some(Answer::Illumos(IllumosAnswer::Seg(seg))) => Some(*seg),
            _ => None,
        };
        let machine = self.machine();
        let place = born.and_then(|seg| {
            let seg = Look::of(self.session.whole_world(), machine)?.kernel.seg(seg)?;
            Some(Selection::Page { machine, space: seg.space, va: seg.base })
        });
        if place.is_some() {
            self.session.update(Msg::Select(place));
        }
    }

    /// Does what was asked for.
    pub fn update(&mut self, command: Command) -> Option<Effect> {
        self.version += 1;
        self.armed = false;
        self.seek_complaint = None;
        if self.first_visit {
            self.first_visit = false;
            self.session.update(Msg::Play(false));
        }
        match command {
            Command::First => self.seek(Place::step(0)),
            Command::Last => self.seek(Place::step(u64::from(self.session.last()))),
            Command::Back => self.session.update(Msg::By(-1)),
            Command::Forward => self.session.update(Msg::By(1)),
            Command::TenBack => self.session.update(Msg::By(-10)),
            Command::TenForward => self.session.update(Msg::By(10)),
            Command::MicroBack => self.session.update(Msg::StopBack),
            Command::MicroForward => self.session.update(Msg::StopForward),
            Command::Play => self.session.update(Msg::Play(!self.session.playing())),
            Command::Undo => self.session.update(Msg::Undo),
            Command::Redo => self.session.update(Msg::Redo),
            Command::Seek(text) => self.seek_typed(&text),
            Command::GoTo(place) => self.seek(place),
            Command::TouchBefore => self.walk_touched(false),
            Command::TouchAfter => self.walk_touched(true),
            Command::Scenario(index) => {
                let story = scenarios::all().into_iter().nth(index);
                if let Some(session) = story.and_then(|story| Session::of_scenario(&story).ok()) {
                    self.open(session);
                }
            }
            Command::StartEmpty => {
                if let Ok(empty) = Session::new("New session", self.session.machines().to_vec()) {
                    self.open(empty);
                }
            }
            Command::Accept => {
                if let Some(session) = self.pending.take() {
                    self.open(session);
                }
            }
            Command::TakeOver => {}
            Command::Set(setting, choice) => {
                if let Some(session) = settings::changed(&self.session, setting, choice) {
                    let selection = self.session.selection();
                    self.session = session;
                    self.session.update(Msg::Select(selection));
                    self.forget();
                }
            }
            Command::Branch(index) => {
                if let Some(tip) = self.session.tips().get(index) {
                    self.session.update(Msg::GoTo(*tip));
                }
            }
            Command::Choose(verb) => {
                self.open_form(self.kind_of(verb));
                return Some(Effect::FocusForm);
            }
            Command::Form(kind) => {
                self.open_form(kind);
                return Some(Effect::FocusForm);
            }
            Command::Actor(index) => self.actor = self.actors().get(index).copied(),
            Command::Edit(0, name) => {
                if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == name) {
                    self.kind = Some(kind);
                    self.edits.clear();
                }
            }
            Command::Edit(field, text) => {
                self.edits.insert(field - 1, text);
            }
            Command::Commit => {
                if let Some(op) = self.ready() {
                    self.apply(op);
                    self.form_open = false;
                }
            }
            Command::Also(index) => {
                if let Some(offered) = self.at_hand().also.get(index) {
                    self.apply(offered.op.clone());
                }
            }
            Command::Other(index) => {
                if let Some(offered) = self.at_hand().others.get(index) {
                    self.apply(offered.op.clone());
                }
            }
            Command::Select(selection) => self.select(selection),
            Command::Pick(selection, place) => {
                self.seek(place);
                match selection {
                    Some(selection) => self.select(selection),
                    None => self.session.update(Msg::Select(None)),
                }
            }
            Command::FollowFrame => self.follow(),
            Command::FollowBack => {
                let before = self.trail.pop();
                if before.is_some() {
                    self.session.update(Msg::Select(before));
                }
            }
            Command::Explain => {
                (self.drawer, self.sheet) = (true, Sheet::Page);
                return Some(Effect::Explain);
            }
            Command::Mark => self.session.update(Msg::ToggleMark),
            Command::Show(tab) => self.tab = tab,
            Command::Over(dialog) => {
                self.over = Some(dialog);
                self.typed.clear();
            }
            Command::Palette => {
                self.over = Some(Dialog::Find);
                self.typed = ">".to_owned();
            }
            Command::Find(text) => self.typed = text,
            Command::Take(index) => {
                let palette = search(&self.typed, &self.session, &self.names());
                if let Some(entry) = palette.entry(index) {
                    self.over = None;
                    return self.update(entry.command.clone());
                }
            }
            Command::Invariant(index) => self.invariant = Some(index),
            Command::Leave => self.leave(),
            Command::ActionMenu => self.armed = true,
            Command::Theme => return Some(Effect::Theme),
            Command::Letters(on) => {
                self.letters = on;
                return Some(Effect::KeepLetters(on));
            }
            Command::Turn(sheet) => self.sheet = sheet,
            Command::Drawer => self.drawer = !self.drawer,
            Command::Focus => return Some(Effect::Focus),
            Command::Fit => return Some(Effect::Fit),
        }
        None
    }

    fn forget(&mut self) {
        self.serial += 1;
        self.told.clear();
        self.touched = None;
        self.offered = None;
        self.breaks = Breaks::new(&self.session);
        self.edits.clear();
    }

    fn seek(&mut self, place: Place) {
        let stop = place.micro.map(|micro| u16::try_from(micro).unwrap_or(u16::MAX));
        let step = u32::try_from(place.step).unwrap_or(u32::MAX);
        self.session.update(Msg::Seek(Position { step, stop }));
    }

    fn seek_typed(&mut self, text: &str) {
        match crate::view::seek::read(text, u64::from(self.session.last())) {
            Ok(place) => self.seek(place),
            Err(complaint) => self.seek_complaint = Some(complaint),
        }
    }

    fn walk_touched(&mut self, forward: bool) {
        let at = u64::from(self.session.at().step);
        let steps = self.touched();
        let next =
            if forward { steps.iter().find(|step| **step > at) } else { steps.iter().rev().find(|step| **step < at) };
        if let Some(step) = next {
            self.seek(Place::step(*step));
        }
    }

    fn select(&mut self, selection: Selection) {
        if let Some(before) = self.session.selection().filter(|before| *before != selection) {
            self.trail.push(before);
        }
        self.session.update(Msg::Select(Some(selection)));
        self.edits.clear();
        self.drawer = true;
    }

    /// From a page to its frame, from a grant to its frame, from a frame to the first page that maps it.
    fn follow(&mut self) {
        let next = self.session.selection().and_then(|selection| {
            let look = Look::of(self.session.world(), self.machine())?;
            match selection {
                Selection::Page { machine, space, va } => {
                    look.page(space, va)?.frame().map(|mfn| Selection::Frame { machine, mfn })
                }
                Selection::Grant { machine, granter, gref } => {
                    look.xen.active(granter, gref).map(|active| Selection::Frame { machine, mfn: active.mfn })
                }
                Selection::Frame { machine, mfn } => {
                    let (space, va, _) = *look.mappers(mfn).first()?;
                    Some(Selection::Page { machine, space, va })
                }
                Selection::Segment { machine, seg } => {
                    let seg = look.kernel.seg(seg)?;
                    Some(Selection::Page { machine, space: seg.space, va: seg.base })
                }
            }
        });
        if let Some(next) = next {
            self.select(next);
        }
    }

    fn leave(&mut self) {
        if self.over.take().is_some() {
            (self.opened, self.pending) = (Opened::Nothing, None);
        } else if self.kind.take().is_some() {
            self.edits.clear();
            self.form_open = false;
        } else if self.drawer {
            self.drawer = false;
            self.session.update(Msg::Select(None));
        } else {
            self.session.update(Msg::Select(None));
        }
    }

    fn open_form(&mut self, kind: Kind) {
        if self.kind != Some(kind) {
            self.edits.clear();
        }
        self.kind = Some(kind);
        self.form_open = true;
        self.sheet = Sheet::Act;
    }

    /// What a verb means here.
    pub(super) fn kind_of(&self, verb: Verb) -> Kind {
        let Some(desk) = self.desk(self.session.whole_world()) else { return Kind::Spawn };
        match verb {
            Verb::Fault => Kind::Read,
            Verb::Dup => Kind::Fork,
            Verb::Unmap => Kind::Munmap,
            Verb::Map => {
                let Some(space) = desk.space.and_then(|space| desk.look.kernel.space(space)) else {
                    return Kind::Spawn;
                };
                let Some(first) = space.segs.values().next() else { return Kind::Mmap };
                let here = desk.va.and_then(|va| desk.look.segment_at(desk.space?, va)).map(|(_, seg)| seg);
                let seg = here.or_else(|| desk.look.kernel.seg(*first));
                match seg.and_then(|seg| seg.mf()).map(|data| data.dev.0) {
                    Some(2) if space.tap.is_some() => Kind::AddGrefs,
                    Some(2) => Kind::RegisterPtes,
                    Some(_) | None => Kind::MmapBatch,
                }
            }
        }
    }

    /// Who can act.
    pub(super) fn actors(&self) -> Vec<AsId> {
        let look = Look::of(self.session.whole_world(), self.machine());
        look.into_iter().flat_map(|look| look.kernel.spaces().map(|(space, _)| space)).collect()
    }

    /// The op that the open form says, if nothing in it is wrong and it does not take too long.
    fn ready(&self) -> Option<Op> {
        let world = self.session.whole_world();
        let (desk, kind) = (self.desk(world)?, self.kind?);
        let op = desk.read(kind, &self.values(&desk, kind)).ok()?;
        offers::forecast(world, &op).map(|_| op)
    }
}

pub(super) fn start_sentence(world: &World) -> String {
    let Some(look) = world.machines().find_map(|(machine, _)| Look::of(world, machine)) else {
        return "the machine as it starts".to_owned();
    };
    let names: Vec<String> = look.xen.domains().map(|domain| Names::domain(domain.id)).collect();
    match names.split_last() {
        None => "the machine as it starts".to_owned(),
        Some((last, [])) => format!("{last} runs"),
        Some((last, rest)) => format!("{} and {last} run", rest.join(", ")),
    }
}
