//! The index: what the timeline knows of a session. It grows with each step by what the step touched, and is cut back to the
//! common step when another branch is taken.
//!
//! ```text
//!   path    start -- 1 -- 2 -- 3 -- 4          follow: keep what both have in common,
//!                          \-- 5               cut the rest, apply what is new
//! ```
//!
//! A property test says that an index grown step by step, branches and all, equals one made from scratch, and that every row
//! shows at every step what the world was then.

mod broken;
mod inside;
mod life;
mod observe;
mod place;
mod recorded;
mod space;
#[cfg(test)]
mod tests;
mod touched;
mod xen;

use std::collections::BTreeMap;
use std::rc::Rc;

use space::{Region, Space};
use touched::{Touched, touched};
use xen::XenRows;

use super::{Glyph, Link, LinkKind, Moment, Opened, Picture, RowMark, StepMark, Undone};
use crate::illumos::abi::AsId;
use crate::illumos::event::KernelEvent;
use crate::sim::file::SpaceName;
use crate::sim::op::{Dom0Op, GuestOp};
use crate::sim::{Act, Event, Machine, MachineId, Op, Outcome, StepId, World};
use crate::view::look::Look;
use crate::view::names::Names;
use crate::view::session::{Position, Session};
use crate::view::words;

use place::{LaneKey, Lanes};

/// The moment a position of a session is drawn at.
pub fn moment(at: Position) -> Moment {
    Moment { step: at.step, micro: at.stop.map_or(0, u32::from) }
}

/// The position of a session that a moment of the chart names.
pub fn position(at: Moment) -> Position {
    Position { step: at.step, stop: u16::try_from(at.micro).ok().filter(|stop| *stop > 0) }
}

/// So many steps of another future are drawn.
const LONGEST_UNDONE: usize = 64;

/// What the timeline knows of one path through a history.
#[derive(Clone, Debug)]
pub struct Index {
    path: Vec<StepId>,
    steps: Rc<Vec<StepMark>>,
    genesis: World,
    world: World,
    spaces: BTreeMap<(MachineId, AsId), Space>,
    xen: BTreeMap<MachineId, XenRows>,
    lanes: Lanes,
    called: Vec<SpaceName>,
    names: Names,
    undone: Option<(StepId, u32, Option<Rc<Undone>>)>,
    inside: Option<(StepId, Option<Rc<Opened>>)>,
}

impl Index {
    /// An index of a session's beginning; [`Index::picture`] brings it up to date.
    pub fn new(session: &Session) -> Index {
        let genesis = session.history().world_at(StepId::START);
        let start = StepMark { glyph: Glyph::Start, sentence: "The machines as they start.".into() };
        Index {
            path: vec![StepId::START],
            steps: Rc::new(vec![start]),
            world: genesis.clone(),
            genesis,
            spaces: BTreeMap::new(),
            xen: BTreeMap::new(),
            lanes: Lanes::default(),
            called: Vec::new(),
            names: Names::default(),
            undone: None,
            inside: None,
        }
    }

    /// The picture of the session as it is now. Costs what changed since the last one.
    pub fn picture(&mut self, session: &Session) -> Picture {
        self.follow(session);
        let cursor = moment(session.at());
        let opened = self.inside(session);
        let lanes = self.lanes();
        let selection = session.selection();
        let picture = Picture {
            steps: self.steps.clone(),
            breaks: Rc::default(),
            undone: self.undone(session),
            opened,
            lanes,
            links: Vec::new(),
            cursor,
            selection: None,
        };
        let row = selection.and_then(|selection| self.row_of(selection, cursor.step));
        let links = self.links(&picture, session);
        Picture { selection: row.and_then(|row| place::life_of(&picture, row)), links, ..picture }
    }

    /// Brings the index to the session's path.
    fn follow(&mut self, session: &Session) {
        let history = session.history();
        let path = session.path();
        let same = self.path.iter().zip(path).take_while(|(mine, now)| mine == now).count();
        if same < self.path.len() {
            self.cut(same as u32 - 1);
            self.world = history.world_at(path[same - 1]);
        }
        for step in &path[same..] {
            if let Some(op) = history.op(*step) {
                self.grow(session, *step, op);
            }
        }
    }

    /// Learns what the spaces of a world are called.
    fn learn_names(&mut self, session: &Session, machine: MachineId) {
        let spaces: Vec<AsId> = match self.world.machine(machine) {
            Some(Machine::Xen(xen)) => xen.kernel.spaces().map(|(space, _)| space).collect(),
            Some(Machine::Recorded(kernel)) => kernel.spaces().map(|(space, _)| space).collect(),
            Some(Machine::Bare(_)) | None => return,
        };
        let known = self.called.len();
        for space in spaces {
            if !self.called.iter().any(|name| name.machine == machine && name.space == space) {
                self.called.push(SpaceName { machine, space, name: session.name_of(machine, space) });
            }
        }
        if self.called.len() != known {
            self.names = Names::new(&self.called);
        }
    }

    /// One step more.
    fn grow(&mut self, session: &Session, id: StepId, op: &Op) {
        let before = self.world.clone();
        let outcome = self.world.apply(op);
        self.learn_names(session, op.machine);
        self.path.push(id);
        let step = self.path.len() as u32 - 1;
        let sentence = words::step(&self.names, op, &outcome.answer).into();
        let glyph = words::glyph(op, &outcome.answer);
        Rc::make_mut(&mut self.steps).push(StepMark { glyph, sentence });
        let machine = op.machine;
        let after = self.world.clone();
        let (was, is) = (Look::of(&before, machine), Look::of(&after, machine));
        let touched = touched(was, is, &outcome.events);
        self.births_and_deaths(machine, step, &outcome.events);
        for ((of, space), rows) in &mut self.spaces {
            if *of == machine && (touched.spaces.contains(space) || touched.pages.iter().any(|(id, _)| id == space)) {
                rows.observe(is, step, &touched);
                self.lanes.spoil(LaneKey::Space(machine, *space));
            }
        }
        let genesis = Look::of(&self.genesis, machine);
        let changed = self.xen.entry(machine).or_default().observe(genesis, was, is, step, &touched);
        for key in changed {
            self.lanes.spoil(key.on(machine));
        }
        if let Some(Machine::Recorded(kernel)) = after.machine(machine) {
            self.grow_recorded(machine, step, kernel);
        }
        self.mark_refusals(machine, step, op, &outcome, &touched);
    }

    fn births_and_deaths(&mut self, machine: MachineId, step: u32, events: &[Event]) {
        for event in events {
            let Event::Kernel(event) = event else { continue };
            match event {
                KernelEvent::SpaceBorn { space, parent } => {
                    let known = Look::of(&self.world, machine).and_then(|look| look.kernel.space(*space));
                    let top = known.map(|known| known.hat.user_top);
                    self.spaces.insert((machine, *space), Space::new(*space, *parent, top, step));
                    self.lanes.spoil(LaneKey::Space(machine, *space));
                }
                KernelEvent::SpaceGone { space } => {
                    if let Some(rows) = self.spaces.get_mut(&(machine, *space)) {
                        rows.gone = Some(step);
                        self.lanes.spoil(LaneKey::Space(machine, *space));
                    }
                }
                KernelEvent::SegBorn { seg, space, base, size, from } => {
                    let region =
                        Region { seg: *seg, from: *from, base: *base, end: base.plus(*size), born: step, gone: None };
                    if let Some(rows) = self.spaces.get_mut(&(machine, *space)) {
                        rows.region_born(region);
                    }
                }
                KernelEvent::SegGone { seg } => {
                    for ((of, _), rows) in &mut self.spaces {
                        if *of == machine {
                            rows.region_gone(*seg, step);
                        }
                    }
                }
                KernelEvent::Called(_)
                | KernelEvent::Returned(_)
                | KernelEvent::Injected
                | KernelEvent::Entry { .. }
                | KernelEvent::Bound { .. }
                | KernelEvent::SoftLocks { .. }
                | KernelEvent::Lock { .. }
                | KernelEvent::SegAttached { .. }
                | KernelEvent::Vnode { .. }
                | KernelEvent::UnmapWait { .. }
                | KernelEvent::TableBorn { .. }
                | KernelEvent::TableGone { .. }
                | KernelEvent::TableCount { .. }
                | KernelEvent::ArrayWritten { .. }
                | KernelEvent::Signalled { .. } => {}
            }
        }
    }

    /// Glyphs on rows: where Xen would not map a frame, and where a whole call was refused.
    fn mark_refusals(&mut self, machine: MachineId, step: u32, op: &Op, outcome: &Outcome, touched: &Touched) {
        let mark = |word: &str| RowMark { at: Moment::step(step), glyph: Glyph::Refused, word: Some(word.into()) };
        let Act::Dom0(act) = &op.act else {
            if let (Act::Guest(GuestOp::EndAccess { domid, gref } | GuestOp::RevokeGrant { domid, gref }), true) =
                (&op.act, outcome.answer.is_refusal())
            {
                let rows = self.xen.entry(machine).or_default();
                rows.mark_grant((*domid, *gref), step, mark(&words::answer_word(&outcome.answer)));
                self.lanes.spoil(LaneKey::Grants(machine, *domid));
            }
            return;
        };
        let space = dom0_space(act, Look::of(&self.world, machine));
        for refused in &touched.refused {
            let frame = format!("frame {:X} refused", refused.mfn.0);
            if let Some(rows) = space.and_then(|space| self.spaces.get_mut(&(machine, space))) {
                rows.mark(refused.va, mark(&frame));
            }
        }
        if outcome.answer.is_refusal()
            && let (Some(space), Some(addr)) = (space, dom0_address(act))
            && let Some(rows) = self.spaces.get_mut(&(machine, space))
        {
            rows.mark(addr.page(), mark(&words::answer_word(&outcome.answer)));
        }
        if let Some(space) = space {
            self.lanes.spoil(LaneKey::Space(machine, space));
        }
    }

    /// Forgets everything after step `step`.
    fn cut(&mut self, step: u32) {
        self.path.truncate(step as usize + 1);
        Rc::make_mut(&mut self.steps).truncate(step as usize + 1);
        self.spaces.retain(|_, rows| rows.cut(step));
        self.xen.values_mut().for_each(|rows| rows.cut(step));
        self.lanes.spoil_all();
        self.inside = None;
    }

    /// Arrows from regions to the copies fork made of them, and the lines of what is selected.
    fn links(&self, picture: &Picture, session: &Session) -> Vec<Link> {
        let mut links = Vec::new();
        for ((machine, _), space) in &self.spaces {
            let Some(parent) = space.parent.and_then(|parent| self.spaces.get(&(*machine, parent))) else { continue };
            for region in &space.regions {
                let origin = parent.regions.iter().find(|of| Some(of.seg) == region.from);
                let row = |space: &Space, region: &Region| self.region_row(*machine, space.id, region.base);
                if let Some((from, to)) = origin.and_then(|of| Some((row(parent, of)?, row(space, region)?))) {
                    links.push(Link { kind: LinkKind::Dup, at: Moment::step(region.born), from, to });
                }
            }
        }
        links.extend(session.selection().and_then(|selection| {
            self.link_of(picture, Look::of(session.world(), place::machine_of(selection)), selection)
        }));
        links
    }

    /// The youngest branch that is not the path; found again only when a step was added or the path is another.
    fn undone(&mut self, session: &Session) -> Option<Rc<Undone>> {
        let (tip, steps) = (session.tip(), session.history().len());
        if self.undone.as_ref().is_none_or(|(of, known, _)| (*of, *known) != (tip, steps)) {
            self.undone = Some((tip, steps, self.other_future(session).map(Rc::new)));
        }
        self.undone.as_ref().and_then(|(_, _, undone)| undone.clone())
    }

    fn other_future(&self, session: &Session) -> Option<Undone> {
        let history = session.history();
        let other = session.tips().into_iter().rfind(|tip| *tip != session.tip())?;
        let parting = history.common_ancestor(other, session.tip());
        let from = history.depth(parting);
        let mut world = history.world_at(parting);
        let steps = history.path(other).into_iter().skip(from as usize).take(LONGEST_UNDONE);
        let mut glyph = |op: &Op| words::glyph(op, &world.apply(op).answer);
        let steps = steps.filter_map(|step| history.op(step).map(&mut glyph)).collect();
        let name = session.branches().iter().find(|(_, tip)| **tip == other).map(|(name, _)| name.as_str());
        Some(Undone { from, name: name.unwrap_or("another future").into(), steps })
    }
}

/// The address space a call works on.
fn dom0_space(act: &Dom0Op, look: Option<Look>) -> Option<AsId> {
    match act {
        Dom0Op::Mmap { space, .. }
        | Dom0Op::IoctlMmap { space, .. }
        | Dom0Op::IoctlMmapbatch { space, .. }
        | Dom0Op::Touch { space, .. }
        | Dom0Op::Fault { space, .. }
        | Dom0Op::Fork { space }
        | Dom0Op::Munmap { space, .. }
        | Dom0Op::Mprotect { space, .. }
        | Dom0Op::Mincore { space, .. }
        | Dom0Op::Exit { space } => Some(*space),
        Dom0Op::AddMfns { seg, .. }
        | Dom0Op::RegisterPtes { seg, .. }
        | Dom0Op::AddGrefPte { seg, .. }
        | Dom0Op::AddGrefs { seg, .. }
        | Dom0Op::ReleaseGrefs { seg, .. } => Some(look?.kernel.seg(*seg)?.space),
        Dom0Op::Spawn {} | Dom0Op::UnmapGrant { .. } => None,
    }
}

/// The address a call names.
fn dom0_address(act: &Dom0Op) -> Option<crate::x86::addr::Va> {
    match act {
        Dom0Op::Mmap { addr, .. }
        | Dom0Op::IoctlMmapbatch { addr, .. }
        | Dom0Op::AddMfns { addr, .. }
        | Dom0Op::RegisterPtes { addr, .. }
        | Dom0Op::AddGrefPte { addr, .. }
        | Dom0Op::AddGrefs { addr, .. }
        | Dom0Op::ReleaseGrefs { addr, .. }
        | Dom0Op::Touch { addr, .. }
        | Dom0Op::Fault { addr, .. }
        | Dom0Op::Munmap { addr, .. }
        | Dom0Op::Mprotect { addr, .. }
        | Dom0Op::Mincore { addr, .. } => Some(*addr),
        Dom0Op::IoctlMmap { .. }
        | Dom0Op::Fork { .. }
        | Dom0Op::Exit { .. }
        | Dom0Op::Spawn {}
        | Dom0Op::UnmapGrant { .. } => None,
    }
}
