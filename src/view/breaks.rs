//! The breaks of a path: which rule was broken by which step, for how long, and inside which step it was broken in passing.
//!
//! The verdicts on whole steps grow with the path. A break *inside* a step is found by doing the step again up to each of its stops;
//! that is done for the step under the cursor, and for every step of a path that is short, unless the step itself is long. A rule
//! about somebody's books that is out of step while they hold the lock of the segment, or the address space for themselves, is not
//! counted as broken in passing: nobody can see it so.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::illumos::abi::AsId;
use crate::illumos::event::{KernelEvent, Lock};
use crate::sim::invariants::{Breach, Checker, InvariantId, Place};
use crate::sim::{Event, MachineId, Op, Outcome, StepId, World};
use crate::view::session::{Session, stops};
use crate::xen::abi::DomId;

/// The insides of so many first steps are looked at without being asked for.
const SHORT_PATH: usize = 256;
/// A step whose stops together have so many events is looked into without being asked for.
const SHORT_STEP: usize = 20_000;
/// So many stops of a step are looked at.
const MOST_STOPS: usize = 64;
/// Each of them does the step again: of a long step fewer are looked at, so that all of them together run through so many events.
const MOST_EVENTS: usize = 120_000;
/// But never fewer than this.
const FEWEST_STOPS: usize = 4;

/// Whose lane of the map a break stands in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Home {
    /// A process's.
    Space(MachineId, AsId),
    /// A domain's grants.
    Grants(MachineId, DomId),
}

impl Home {
    /// The lane of a place.
    pub fn of(place: Place) -> Home {
        match place {
            Place::Page { machine, space, .. }
            | Place::Segment { machine, space, .. }
            | Place::Table { machine, space, .. }
            | Place::Space { machine, space } => Home::Space(machine, space),
            Place::Grant { machine, granter, .. } => Home::Grants(machine, granter),
        }
    }
}

/// A rule that is broken after a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Broken {
    /// Which.
    pub id: InvariantId,
    /// The step that broke it, counted along the path.
    pub since: u32,
    /// In how many places it is broken.
    pub places: usize,
    /// The first of them.
    pub first: Breach,
    /// At a stop inside a step: out of step under a lock, so that nobody can see it.
    pub under_lock: bool,
}

/// Where a step broke a rule that was whole in that lane before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fresh {
    /// Which rule.
    pub id: InvariantId,
    /// In which lane.
    pub home: Home,
    /// The first place there.
    pub first: Place,
    /// The last place there.
    pub last: Place,
}

/// A rule that was broken inside a step only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Passing {
    /// The stop at which it was first seen broken.
    pub stop: u16,
    /// Where and how.
    pub breach: Breach,
}

/// What happened to the rules inside a step.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Inside {
    /// From which stop to which each rule was seen broken that was whole before, as far as stops were looked at.
    pub spans: BTreeMap<InvariantId, Vec<(u16, u16)>>,
    /// Rules that were broken for some stops only.
    pub passing: Vec<Passing>,
}

/// The rules after one step of the path.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StepBreaks {
    /// What is broken, by rule.
    pub broken: Rc<Vec<Broken>>,
    /// Where the step broke something.
    pub fresh: Vec<Fresh>,
    /// What calls of this step did or said wrong.
    pub calls: Vec<Breach>,
    /// What happened inside; none where nobody looked.
    pub inside: Option<Rc<Inside>>,
    /// Of rules that were broken before, and of those that calls broke: the last step that was so.
    pub last: Rc<BTreeMap<InvariantId, u32>>,
}

impl StepBreaks {
    /// Whether there is anything to draw of it.
    fn is_news(&self) -> bool {
        !self.fresh.is_empty() || self.inside.as_ref().is_some_and(|inside| !inside.passing.is_empty())
    }
}

/// The breaks along one path through a history.
#[derive(Clone, Debug)]
pub struct Breaks {
    path: Vec<StepId>,
    steps: Vec<StepBreaks>,
    news: Vec<u32>,
    world: World,
    checker: Checker,
    /// After each of the first steps: a short path costs no recount.
    kept: Vec<Checker>,
    homes: BTreeMap<(Home, InvariantId), usize>,
    opened: Option<(StepId, Rc<Inside>)>,
    at_stop: Option<((StepId, u16), Vec<Broken>)>,
    here: Option<((StepId, Option<u16>), Checker)>,
}

impl Breaks {
    /// The breaks of a session's path.
    pub fn new(session: &Session) -> Breaks {
        let world = session.history().world_at(StepId::START);
        let checker = Checker::new(&world);
        let start = StepBreaks { broken: Rc::new(broken(&checker, 0, &[])), ..StepBreaks::default() };
        let mut breaks = Breaks {
            path: vec![StepId::START],
            steps: vec![start],
            news: Vec::new(),
            homes: homes(&checker),
            world,
            kept: vec![checker.clone()],
            checker,
            opened: None,
            at_stop: None,
            here: None,
        };
        breaks.follow(session);
        breaks
    }

    /// Goes on to the session's path and cursor.
    pub fn follow(&mut self, session: &Session) {
        let path = session.path();
        let same = self.path.iter().zip(path).take_while(|(mine, now)| mine == now).count();
        if same < self.path.len() {
            self.path.truncate(same);
            self.steps.truncate(same);
            self.news.retain(|step| (*step as usize) < same);
            self.kept.truncate(same);
            self.world = session.history().world_at(path[same - 1]);
            self.checker = self.after(same as u32 - 1, &self.world);
            self.homes = homes(&self.checker);
        }
        for step in &path[same..] {
            if let Some(op) = session.history().op(*step) {
                self.grow(*step, op);
            }
        }
        self.open(session);
    }

    fn grow(&mut self, id: StepId, op: &Op) {
        let number = self.path.len() as u32;
        let before = self.world.clone();
        let Outcome { events, .. } = self.world.apply(op);
        let was = std::mem::take(&mut self.checker);
        self.checker = was.after(&self.world, op.machine, &events);
        let old = self.steps.last().map(|step| step.broken.clone()).unwrap_or_default();
        let new = broken(&self.checker, number, &old);
        let calls = was.calls(&self.world, op.machine, &events);
        let fresh = self.fresh(&was, &calls);
        let stops = stops(&events);
        let short = self.path.len() <= SHORT_PATH && stops.len() * events.len() <= SHORT_STEP;
        let inside = (short && stops.len() > 1)
            .then(|| Rc::new(Inside::look(&before, op, &events, &stops, &was, &self.checker)));
        let last = self.last(&old, &new, &calls);
        let broken = if *old == new { old } else { Rc::new(new) };
        let step = StepBreaks { broken, fresh, calls, inside, last };
        if step.is_news() {
            self.news.push(number);
        }
        self.path.push(id);
        self.steps.push(step);
        if self.kept.len() < SHORT_PATH {
            self.kept.push(self.checker.clone());
        }
    }

    /// The verdicts after a step of the path, which left `world`.
    fn after(&self, step: u32, world: &World) -> Checker {
        self.kept.get(step as usize).cloned().unwrap_or_else(|| Checker::new(world))
    }

    /// The last steps, with those that this step ends.
    fn last(&self, old: &[Broken], new: &[Broken], calls: &[Breach]) -> Rc<BTreeMap<InvariantId, u32>> {
        let number = self.path.len() as u32;
        let mut last = self.steps.last().map(|step| step.last.clone()).unwrap_or_default();
        let whole = old.iter().filter(|old| !new.iter().any(|new| new.id == old.id)).map(|old| (old.id, number - 1));
        for (id, step) in whole.chain(calls.iter().map(|breach| (breach.id, number))) {
            Rc::make_mut(&mut last).insert(id, step);
        }
        last
    }

    /// Where a rule broke in a lane in which it was whole, and the calls to blame, each in its lane.
    fn fresh(&mut self, was: &Checker, calls: &[Breach]) -> Vec<Fresh> {
        let changed = self.checker.since(was);
        let whole_before: BTreeSet<(Home, InvariantId)> = changed
            .broke
            .iter()
            .map(|breach| (Home::of(breach.place), breach.id))
            .filter(|home| !self.homes.contains_key(home))
            .collect();
        for breach in &changed.broke {
            *self.homes.entry((Home::of(breach.place), breach.id)).or_default() += 1;
        }
        for breach in &changed.whole {
            let home = (Home::of(breach.place), breach.id);
            let left = self.homes.get(&home).map_or(0, |count| count - 1);
            if left == 0 {
                self.homes.remove(&home);
            } else {
                self.homes.insert(home, left);
            }
        }
        let states = changed.broke.iter().filter(|breach| whole_before.contains(&(Home::of(breach.place), breach.id)));
        let mut found: BTreeMap<(Home, InvariantId), Fresh> = BTreeMap::new();
        for breach in states.chain(calls) {
            let (id, home, place) = (breach.id, Home::of(breach.place), breach.place);
            found.entry((home, id)).or_insert(Fresh { id, home, first: place, last: place }).last = place;
        }
        found.into_values().collect()
    }

    /// Looks into the step under the cursor, and at the stop the cursor is on.
    fn open(&mut self, session: &Session) {
        let (step, at) = (session.cursor(), session.at());
        let known = self.steps.get(at.step as usize).is_some_and(|step| step.inside.is_some());
        let opened = self.opened.as_ref().is_some_and(|(of, _)| *of == step);
        let stop = at.stop.filter(|stop| self.at_stop.as_ref().is_none_or(|(of, _)| *of != (step, *stop)));
        let look_inside = !known && !opened && session.stops().len() > 1;
        if !look_inside && stop.is_none() {
            return;
        }
        let (history, outcome) = (session.history(), session.outcome());
        let (Some(op), Some(parent), Some(outcome)) = (history.op(step), history.parent(step), outcome) else { return };
        let before = history.world_at(parent);
        let was = self.after(at.step - 1, &before);
        if look_inside {
            let now = was.after(session.whole_world(), op.machine, &outcome.events);
            let inside = Inside::look(&before, op, &outcome.events, session.stops(), &was, &now);
            self.opened = Some((step, Rc::new(inside)));
        }
        if let Some(stop) = stop {
            let done = &outcome.events[..session.events_done()];
            let now = was.after(session.world(), op.machine, done);
            let old = at.step.checked_sub(1).and_then(|before| self.steps.get(before as usize));
            let mut broken = broken(&now, at.step, old.map_or(&[], |step| &step.broken));
            let locked = is_locked(done);
            for broken in &mut broken {
                broken.under_lock = locked && broken.since == at.step && broken.id.is_of_the_books();
            }
            let calls = was.calls(session.world(), op.machine, done);
            broken.extend(of_calls(&calls, at.step));
            self.at_stop = Some(((step, stop), broken));
        }
    }

    /// The verdicts on the world at the session's cursor, place by place; kept until the cursor moves.
    pub fn here(&mut self, session: &Session) -> &Checker {
        let key = (session.cursor(), session.at().stop);
        if self.here.as_ref().is_none_or(|(of, _)| *of != key) {
            let checker = match session.at().stop {
                None => self.after(session.at().step, session.world()),
                Some(_) => Checker::new(session.world()),
            };
            self.here = Some((key, checker));
        }
        &self.here.as_ref().expect("it was just looked at").1
    }

    /// The rules after step `step` of the path.
    pub fn step(&self, step: u32) -> Option<&StepBreaks> {
        self.steps.get(step as usize)
    }

    /// How many steps are known, the start included.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Never: the start is always known.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What happened inside a step of the path, as far as anybody looked.
    pub fn inside(&self, step: u32) -> Option<&Inside> {
        let opened = || {
            let (of, inside) = self.opened.as_ref()?;
            (self.path.get(step as usize) == Some(of)).then_some(inside)
        };
        self.step(step)?.inside.as_ref().or_else(opened).map(Rc::as_ref)
    }

    /// What is broken where the session's cursor is: after a step, what calls of it broke included, or at a stop inside it.
    pub fn at(&self, session: &Session) -> Vec<Broken> {
        let at = session.at();
        match (&self.at_stop, at.stop) {
            (Some((of, broken)), Some(stop)) if *of == (session.cursor(), stop) => broken.clone(),
            (Some(_) | None, _) => {
                let step = self.step(at.step);
                let states = step.into_iter().flat_map(|step| step.broken.iter().copied());
                states.chain(step.into_iter().flat_map(|step| of_calls(&step.calls, at.step))).collect()
            }
        }
    }

    /// The last step up to `step` after which a rule was broken, or whose calls broke it.
    pub fn last_broken(&self, id: InvariantId, step: u32) -> Option<u32> {
        let after = self.step(step)?;
        let is_broken = after.broken.iter().any(|broken| broken.id == id);
        if is_broken { Some(step) } else { after.last.get(&id).copied() }
    }

    /// The steps that broke something, in passing or for longer, as far as anybody looked.
    pub fn news(&self) -> BTreeSet<u32> {
        let opened = self.opened.iter().filter_map(|(of, _)| self.path.iter().position(|step| step == of));
        self.news.iter().copied().chain(opened.map(|step| step as u32)).collect()
    }
}

/// The rules that calls broke, each once.
fn of_calls(calls: &[Breach], step: u32) -> Vec<Broken> {
    let mut found: BTreeMap<InvariantId, Broken> = BTreeMap::new();
    for first in calls {
        let new = Broken { id: first.id, since: step, places: 0, first: *first, under_lock: false };
        found.entry(first.id).or_insert(new).places += 1;
    }
    found.into_values().collect()
}

/// The rules a checker finds broken; those that were so already keep their step.
fn broken(checker: &Checker, step: u32, old: &[Broken]) -> Vec<Broken> {
    let ids: Vec<InvariantId> = checker.broken().collect();
    let since = |id| old.iter().find(|broken| broken.id == id).map_or(step, |broken| broken.since);
    let of = |id| {
        Some(Broken {
            id,
            since: since(id),
            places: checker.count(id),
            first: checker.breaches(id).next()?,
            under_lock: false,
        })
    };
    ids.into_iter().filter_map(of).collect()
}

fn homes(checker: &Checker) -> BTreeMap<(Home, InvariantId), usize> {
    let mut homes = BTreeMap::new();
    for breach in checker.all() {
        *homes.entry((Home::of(breach.place), breach.id)).or_default() += 1;
    }
    homes
}

impl Inside {
    /// Does the step up to each of its stops, or to some of them where they are many.
    fn look(before: &World, op: &Op, events: &[Event], stops: &[usize], was: &Checker, now: &Checker) -> Inside {
        let mut inside = Inside::default();
        let every = stops.len().div_ceil((MOST_EVENTS / events.len().max(1)).clamp(FEWEST_STOPS, MOST_STOPS));
        let mut looked_at = 0;
        for (stop, done) in (1..).zip(stops).filter(|(stop, _)| usize::from(*stop) % every == 0) {
            let mut within = before.clone();
            let _ = within.apply_with_fuel(op, *done);
            let checker = was.after(&within, op.machine, &events[..*done]);
            let locked = is_locked(&events[..*done]);
            for id in checker.broken().filter(|id| !was.is_broken(*id)) {
                let spans = inside.spans.entry(id).or_default();
                match spans.last_mut().filter(|(_, to)| *to == looked_at) {
                    Some((_, to)) => *to = stop,
                    None => spans.push((stop, stop)),
                }
                let excused = locked && id.is_of_the_books();
                let told = inside.passing.iter().any(|passing| passing.breach.id == id);
                if !now.is_broken(id) && !excused && !told {
                    let breach = checker.breaches(id).next();
                    inside.passing.extend(breach.map(|breach| Passing { stop, breach }));
                }
            }
            looked_at = stop;
        }
        inside
    }

    /// The stop from which a rule was broken that was so at `stop`, or at the end of the step.
    pub fn since(&self, id: InvariantId, stop: Option<u16>) -> Option<u16> {
        let spans = self.spans.get(&id)?;
        let span = match stop {
            Some(stop) => spans.iter().rfind(|(from, to)| *from <= stop && stop <= *to),
            None => spans.last(),
        };
        span.map(|(from, _)| *from)
    }
}

/// Whether a segment's own lock is held after these events, or an address space as writer.
fn is_locked(events: &[Event]) -> bool {
    let depth = |depth: i32, event: &Event| match event {
        Event::Kernel(KernelEvent::Lock { lock: Lock::SegmfData(_) | Lock::AsWriter(_), taken }) => {
            depth + if *taken { 1 } else { -1 }
        }
        Event::Kernel(_) | Event::Xen(_) | Event::Pte(_) | Event::Mock(_) => depth,
    };
    events.iter().fold(0, depth) > 0
}
