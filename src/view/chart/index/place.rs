//! Lanes by what they stand for, and the way between a session's selection and a row of the picture.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Index;
use crate::illumos::abi::AsId;
use crate::sim::MachineId;
use crate::view::calls;
use crate::view::chart::{Backing, Key, Lane, LaneId, Link, LinkKind, Moment, Picture, RowId, Run, State, What};
use crate::view::look::Look;
use crate::view::names::Names;
use crate::view::session::Selection;
use crate::x86::addr::{Mfn, Va};
use crate::xen::abi::{DomId, GrantRef};

/// A lane of a Xen machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum XenLane {
    /// Frames a domain owns.
    Frames(DomId),
    /// A domain's grant table.
    Grants(DomId),
}

impl XenLane {
    pub(super) fn on(self, machine: MachineId) -> LaneKey {
        match self {
            XenLane::Frames(dom) => LaneKey::Frames(machine, dom),
            XenLane::Grants(dom) => LaneKey::Grants(machine, dom),
        }
    }
}

/// What a lane stands for; the order is the order of lanes: processes, then frames, then grants.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum LaneKey {
    /// A process's address space.
    Space(MachineId, AsId),
    /// A domain's frames.
    Frames(MachineId, DomId),
    /// A domain's grant table.
    Grants(MachineId, DomId),
}

/// Lanes keep their number when they are built anew.
#[derive(Clone, Debug, Default)]
pub(super) struct Lanes {
    built: BTreeMap<LaneKey, (LaneId, Option<Rc<Lane>>)>,
}

impl Lanes {
    /// The lane must be built anew.
    pub(super) fn spoil(&mut self, key: LaneKey) {
        self.id(key);
        if let Some((_, lane)) = self.built.get_mut(&key) {
            *lane = None;
        }
    }

    /// Every lane must be built anew.
    pub(super) fn spoil_all(&mut self) {
        self.built.values_mut().for_each(|(_, lane)| *lane = None);
    }

    fn id(&mut self, key: LaneKey) -> LaneId {
        let next = LaneId(self.built.len() as u32);
        self.built.entry(key).or_insert((next, None)).0
    }

    pub(super) fn known(&self, key: LaneKey) -> Option<LaneId> {
        self.built.get(&key).map(|(id, _)| *id)
    }

    pub(super) fn key(&self, id: LaneId) -> Option<LaneKey> {
        self.built.iter().find(|(_, (known, _))| *known == id).map(|(key, _)| *key)
    }

    fn get(&mut self, key: LaneKey, build: impl FnOnce(LaneId) -> Lane) -> Rc<Lane> {
        let id = self.id(key);
        let slot = self.built.get_mut(&key).map(|(_, lane)| lane).expect("a lane with a number has a place");
        slot.get_or_insert_with(|| Rc::new(build(id))).clone()
    }
}

impl Index {
    /// The lanes, built anew where something happened.
    pub(super) fn lanes(&mut self) -> Vec<Rc<Lane>> {
        let Index { spaces, xen, lanes, names, .. } = self;
        let mut keys: Vec<LaneKey> = spaces.keys().map(|(machine, space)| LaneKey::Space(*machine, *space)).collect();
        keys.extend(xen.iter().flat_map(|(machine, rows)| rows.lanes().into_iter().map(|lane| lane.on(*machine))));
        keys.sort();
        let build = |key: LaneKey| {
            lanes.get(key, |id| match key {
                LaneKey::Space(machine, space) => {
                    let rows = &spaces[&(machine, space)];
                    let gone = rows.gone.map_or_else(String::new, |gone| format!(" · ended at step {gone}"));
                    let facts = match rows.top {
                        Some(top) => {
                            let top = calls::frame(top);
                            format!("address space {space} · CR3 {top} · born at step {}{gone}", rows.born)
                        }
                        None => format!("address space {space} of a recording: entries stand in its mock’s table"),
                    };
                    Lane::new(id, &names.space(machine, space), &facts, rows.rows())
                }
                LaneKey::Frames(machine, dom) => {
                    let rows = xen[&machine].rows(XenLane::Frames(dom));
                    Lane::new(id, &format!("{} frames", Names::domain(dom)), "bar height = general count", rows)
                }
                LaneKey::Grants(machine, dom) => {
                    let rows = xen[&machine].rows(XenLane::Grants(dom));
                    let facts = "pins host-w host-r dev-w dev-r, then the mapper’s handle";
                    Lane::new(id, &format!("{} grants", Names::domain(dom)), facts, rows)
                }
            })
        };
        keys.into_iter().map(build).collect()
    }

    /// The row of a selection, if it has one.
    pub fn row_of(&self, selection: Selection, step: u32) -> Option<RowId> {
        let row = |lane: LaneKey, key: Key| Some(RowId { lane: self.lanes.known(lane)?, key });
        match selection {
            Selection::Page { machine, space, va } => row(LaneKey::Space(machine, space), Key::new(What::Page, va.0)),
            Selection::Segment { machine, seg } => {
                let mine = self.spaces.iter().filter(|((of, _), _)| *of == machine);
                let found = mine.flat_map(|((_, id), space)| space.regions.iter().map(move |region| (*id, region)));
                let lives = |born: u32, gone: Option<u32>| born <= step && gone.is_none_or(|gone| gone > step);
                let mut found: Vec<_> = found.filter(|(_, region)| region.seg == seg).collect();
                found.sort_by_key(|(_, region)| !lives(region.born, region.gone));
                let (space, region) = found.first()?;
                self.region_row(machine, *space, region.base)
            }
            Selection::Frame { machine, mfn } => {
                let rows = self.xen.get(&machine)?;
                let dom = rows.owner_of(mfn)?;
                row(LaneKey::Frames(machine, dom), Key::new(What::Frame, mfn.0))
            }
            Selection::Grant { machine, granter, gref } => {
                row(LaneKey::Grants(machine, granter), Key::new(What::Grant, gref.0.into()))
            }
        }
    }

    /// What a row selects at a step; nothing for a tear.
    pub fn selection_of(&self, row: RowId, step: u32) -> Option<Selection> {
        let number = row.key.number;
        match (self.lanes.key(row.lane)?, row.key.what) {
            (LaneKey::Space(machine, space), What::Page) => Some(Selection::Page { machine, space, va: Va(number) }),
            (LaneKey::Space(machine, space), What::Region) => {
                let region = self.spaces.get(&(machine, space))?.region_at(Va(number), step)?;
                Some(Selection::Segment { machine, seg: region.seg })
            }
            (LaneKey::Frames(machine, _), What::Frame) => Some(Selection::Frame { machine, mfn: Mfn(number) }),
            (LaneKey::Grants(machine, granter), What::Grant) => {
                Some(Selection::Grant { machine, granter, gref: GrantRef(u32::try_from(number).ok()?) })
            }
            (LaneKey::Space(..) | LaneKey::Frames(..) | LaneKey::Grants(..), _) => None,
        }
    }

    /// The lane of an address space of the first machine.
    #[cfg(test)]
    pub(super) fn space_lane(&self, space: AsId) -> Option<LaneId> {
        self.lanes.known(LaneKey::Space(MachineId(0), space))
    }

    pub(super) fn region_row(&self, machine: MachineId, space: AsId, base: Va) -> Option<RowId> {
        let lane = self.lanes.known(LaneKey::Space(machine, space))?;
        Some(RowId { lane, key: Key::new(What::Region, base.0) })
    }

    /// The line from a selected page to the frame or grant behind it, since when that stands there.
    pub(super) fn link_of(&self, picture: &Picture, look: Option<Look>, selection: Selection) -> Option<Link> {
        let Selection::Page { machine, space, va } = selection else { return None };
        let from = self.row_of(selection, picture.cursor.step)?;
        let run = picture.run_at(from, picture.cursor)?;
        let page = look?.page(space, va)?;
        let (kind, to) = match run.state {
            State::Live(Backing::Granted, _) => {
                let (data, entry) = (page.data?, page.entry?);
                let grant = Selection::Grant { machine, granter: data.domid, gref: entry.gref };
                (LinkKind::Grant, self.row_of(grant, picture.cursor.step)?)
            }
            State::Live(backing @ (Backing::Foreign | Backing::Own), _) => {
                (LinkKind::Frame(backing), self.row_of(Selection::Frame { machine, mfn: page.frame()? }, 0)?)
            }
            State::Leaked => {
                (LinkKind::Frame(Backing::Foreign), self.row_of(Selection::Frame { machine, mfn: page.frame()? }, 0)?)
            }
            State::Empty
            | State::Placeholder
            | State::ZeroCounted
            | State::Refused
            | State::TagOnly(_)
            | State::Region(_)
            | State::Copied(_)
            | State::Count(_)
            | State::Absent
            | State::Offered
            | State::Mapped(_)
            | State::Waiting => return None,
        };
        Some(Link { kind, at: since(picture, from, &run), from, to })
    }
}

/// The frame round a selected row: the part of its life without a gap that the playhead is in, else all of it.
pub(super) fn life_of(picture: &Picture, row: RowId) -> Option<crate::view::chart::Selection> {
    let (_, lane) = picture.lane(row.lane)?;
    let runs = lane.rows()[lane.covering(row.key)?].runs.all();
    let at = Moment::step(picture.cursor.step);
    let mut span: Option<(Moment, Moment)> = None;
    for run in runs {
        match &mut span {
            Some((_, to)) if *to == run.from => *to = run.to,
            Some((from, to)) if *from <= at && at < *to => break,
            Some(_) | None => span = Some((run.from, run.to)),
        }
    }
    let (from, to) = span.unwrap_or((Moment::step(0), Moment::OPEN));
    Some(crate::view::chart::Selection { row, from, to })
}

/// Since when the frame of a run stands there: an entry that changed only its low bits is still that mapping.
fn since(picture: &Picture, row: RowId, run: &Run) -> Moment {
    let frame = |run: &Run| run.text.as_ref().and_then(|text| text.split(' ').next().map(str::to_owned));
    let lane = picture.lane(row.lane).and_then(|(_, lane)| Some((lane, lane.covering(row.key)?)));
    let Some((lane, i)) = lane else { return run.from };
    let all = picture.runs_with_inside(lane, i, Moment::step(0), Moment::OPEN);
    let mut from = run.from;
    for earlier in all.iter().rev().skip_while(|earlier| earlier.to > run.from) {
        if earlier.to != from || frame(earlier).is_none() || frame(earlier) != frame(run) {
            break;
        }
        from = earlier.from;
    }
    from
}

/// The machine a selection is on.
pub(super) fn machine_of(selection: Selection) -> MachineId {
    match selection {
        Selection::Page { machine, .. }
        | Selection::Segment { machine, .. }
        | Selection::Frame { machine, .. }
        | Selection::Grant { machine, .. } => machine,
    }
}
