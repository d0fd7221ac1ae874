//! The rows of a Xen machine: frames of other domains that anything happened to, and grants.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::life;
use super::observe;
use super::place::XenLane;
use super::touched::Touched;
use crate::view::calls;
use crate::view::chart::{Key, Moment, Row, RowMark, Run, State, What};
use crate::view::look::Look;
use crate::view::names::Names;
use crate::x86::addr::Mfn;
use crate::xen::abi::{DomId, GrantRef};

/// Frames and grants through time.
#[derive(Clone, Debug, Default)]
pub(super) struct XenRows {
    frames: BTreeMap<(DomId, Mfn), Rc<Row>>,
    grants: BTreeMap<(DomId, GrantRef), Rc<Row>>,
    /// The step at which a domain was first seen, if it was not there from the start.
    born: BTreeMap<DomId, u32>,
}

impl XenRows {
    /// Looks again at what the step touched; which lanes read otherwise now.
    pub(super) fn observe(
        &mut self,
        genesis: Option<Look>,
        was: Option<Look>,
        is: Option<Look>,
        step: u32,
        touched: &Touched,
    ) -> BTreeSet<XenLane> {
        let mut changed = BTreeSet::new();
        let (Some(was), Some(is)) = (was, is) else { return changed };
        for domain in is.xen.domains() {
            if was.xen.domain(domain.id).is_none() {
                self.born.entry(domain.id).or_insert(step);
            }
        }
        let from_start = |dom| genesis.is_some_and(|look| look.xen.domain(dom).is_some());
        for (owner, mfn) in self.frames_to_note(was, is, touched) {
            let born = if from_start(owner) { 0 } else { self.born.get(&owner).copied().unwrap_or(step) };
            let new = || {
                let row = Row::new(Key::new(What::Frame, mfn.0), &calls::frame(mfn));
                let before = observe::frame(was, owner, mfn).since(Moment::step(born));
                let before = (born < step).then_some(before);
                Rc::new(Row { runs: before.into_iter().collect(), ..row })
            };
            let row = self.frames.entry((owner, mfn)).or_insert_with(new);
            life::note(row, step, Some(&observe::frame(is, owner, mfn)));
            changed.insert(XenLane::Frames(owner));
        }
        for refused in &touched.refused {
            if let Some(row) = self.frames.get_mut(&(refused.domid, refused.mfn)) {
                let word = if is.xen.frame(refused.mfn).owner == Some(refused.domid) {
                    "refused".into()
                } else {
                    format!("not {}’s", Names::domain(refused.domid)).into()
                };
                let at = Moment::step(step);
                life::mark(row, RowMark { at, glyph: crate::view::glyph::Glyph::Refused, word: Some(word) });
            }
        }
        for (granter, gref) in &touched.grants {
            let now = observe::grant(is, *granter, *gref);
            if let (None, false) = (&now, self.grants.contains_key(&(*granter, *gref))) {
                continue;
            }
            life::note(self.grant_row(*granter, *gref), step, now.as_ref());
            changed.insert(XenLane::Grants(*granter));
        }
        changed
    }

    /// The frames that have a row to note: in the lanes they are in, in the lane of who owns them now, and where a frame was asked
    /// for in vain. Frames of dom0 and of Xen itself have none.
    fn frames_to_note(&self, was: Look, is: Look, touched: &Touched) -> BTreeSet<(DomId, Mfn)> {
        let mut noted = BTreeSet::new();
        for mfn in &touched.frames {
            let owners = [was, is].map(|look| look.xen.frame(*mfn)).into_iter().filter(|info| !info.xen_heap);
            noted.extend(owners.filter_map(|info| info.owner).filter(|dom| *dom != DomId::DOM0).map(|dom| (dom, *mfn)));
            noted.extend(self.frames.keys().filter(|(_, known)| known == mfn));
        }
        let real = |dom: DomId| is.xen.domain(dom).is_some() && dom != DomId::DOM0;
        noted.extend(touched.refused.iter().filter(|r| real(r.domid)).map(|r| (r.domid, r.mfn)));
        noted
    }

    fn grant_row(&mut self, granter: DomId, gref: GrantRef) -> &mut Rc<Row> {
        let new = || Rc::new(Row::new(Key::new(What::Grant, gref.0.into()), &calls::reference(gref)));
        self.grants.entry((granter, gref)).or_insert_with(new)
    }

    /// In whose lane a frame is: of several, where it counts last.
    pub(super) fn owner_of(&self, mfn: Mfn) -> Option<DomId> {
        let mine = self.frames.iter().filter(|((_, known), _)| *known == mfn);
        let counts = |row: &Row| row.runs.open().is_some_and(|run| matches!(run.state, State::Count(_)));
        mine.max_by_key(|(_, row)| counts(row)).map(|((dom, _), _)| *dom)
    }

    /// The rows of touched frames.
    pub(super) fn known_frames(&self, touched: &Touched) -> Vec<(DomId, Mfn)> {
        self.frames.keys().filter(|(_, mfn)| touched.frames.contains(mfn)).copied().collect()
    }

    /// The glyph a step put on a frame.
    pub(super) fn frame_mark(&self, frame: (DomId, Mfn), step: u32) -> Option<&RowMark> {
        self.frames.get(&frame)?.marks.iter().find(|mark| mark.at.step == step)
    }

    /// Puts a glyph on a grant.
    pub(super) fn mark_grant(&mut self, grant: (DomId, GrantRef), step: u32, mark: RowMark) {
        debug_assert_eq!(mark.at.step, step, "a glyph is put on its row in its own step");
        life::mark(self.grant_row(grant.0, grant.1), mark);
    }

    /// Forgets what came after `step`.
    pub(super) fn cut(&mut self, step: u32) {
        self.born.retain(|_, born| *born <= step);
        self.grants.retain(|_, row| life::cut(row, step));
        self.frames.retain(|_, row| life::cut(row, step) && is_touched(row));
    }

    /// The lanes there are.
    pub(super) fn lanes(&self) -> BTreeSet<XenLane> {
        let frames = self.frames.keys().map(|(dom, _)| XenLane::Frames(*dom));
        let grants = self.grants.keys().map(|(dom, _)| XenLane::Grants(*dom));
        frames.chain(grants).collect()
    }

    /// The rows of a lane, in order.
    pub(super) fn rows(&self, lane: XenLane) -> Vec<Rc<Row>> {
        match lane {
            XenLane::Frames(dom) => {
                let mut rows: Vec<Rc<Row>> = Vec::new();
                for (_, row) in self.frames.range((dom, Mfn(0))..=(dom, Mfn(u64::MAX))) {
                    let end = rows.last().map_or(row.key.number, |last| last.key.number + 1);
                    if row.key.number > end {
                        rows.push(Rc::new(Row::tear(row.key.number, "")));
                    }
                    rows.push(row.clone());
                }
                rows
            }
            XenLane::Grants(dom) => {
                let all = self.grants.range((dom, GrantRef(0))..=(dom, GrantRef(u32::MAX)));
                all.map(|(_, row)| row.clone())
                    .filter(|row| !row.runs.all().is_empty() || !row.marks.is_empty())
                    .collect()
            }
        }
    }
}

/// Whether anything happened to a frame that is still told: a change of its count, or a glyph.
fn is_touched(row: &Row) -> bool {
    let first: Option<&Run> = row.runs.all().first();
    let is_new = first.is_some_and(|run| run.from.step > 0 && run.state != State::Absent);
    row.runs.all().len() > 1 || !row.marks.is_empty() || is_new
}
