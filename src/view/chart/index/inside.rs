//! The inside of the step under the cursor: the op done again up to each of its stops, and what the touched rows were in.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::observe::{self, Seen};
use super::place::LaneKey;
use super::touched::touched;
use super::{Index, dom0_address, dom0_space, moment};
use crate::illumos::event::KernelEvent;
use crate::sim::{Act, Event, StepId, World};
use crate::view::calls;
use crate::view::chart::{Glyph, Key, Micro, Moment, Opened, RowId, RowMark, Run, State, What};
use crate::view::look::Look;
use crate::view::session::Session;
use crate::view::words;
use crate::xen::event::XenEvent;

/// So many stops get a column; of more, only every so many.
const COLUMNS: usize = 40;
/// Each column does the op again: of a long op fewer are shown, so that all of them together emit about so many events.
const EVENTS: usize = 120_000;
/// But never fewer columns than this.
const LEAST: usize = 6;

impl Index {
    /// The opened step; none where a step has no inside to show.
    pub(super) fn inside(&mut self, session: &Session) -> Option<Rc<Opened>> {
        let (id, step) = (session.cursor(), moment(session.at()).step);
        if self.inside.as_ref().is_none_or(|(of, _)| *of != id) {
            self.inside = Some((id, self.open(session, id, step).map(Rc::new)));
        }
        self.inside.as_ref().and_then(|(_, opened)| opened.clone())
    }

    fn open(&self, session: &Session, id: StepId, step: u32) -> Option<Opened> {
        let (history, stops) = (session.history(), session.stops());
        let (op, outcome) = (history.op(id)?, session.outcome()?);
        if stops.len() < 2 {
            return None;
        }
        let before = history.world_at(history.parent(id)?);
        let shown = columns(stops.len(), outcome.events.len());
        let worlds: Vec<World> = shown
            .iter()
            .map(|stop| {
                let mut world = before.clone();
                let _ = world.apply_with_fuel(op, stops[*stop - 1]);
                world
            })
            .collect();
        let machine = op.machine;
        let was = Look::of(&before, machine);
        let touched = touched(was, Look::of(session.whole_world(), machine), &outcome.events);
        let refused_at = |events: usize| stops.partition_point(|stop| *stop < events) + 1;
        let column = |stop: usize| shown[shown.partition_point(|shown| *shown < stop).min(shown.len() - 1)];
        let mut inside = BTreeMap::new();
        let mut marks = BTreeMap::new();
        let mut put = |lane: LaneKey, key: Key, see: &dyn Fn(Look) -> Option<Seen>, refused: Option<(u32, String)>| {
            let Some(lane) = self.lanes.known(lane) else { return };
            let runs = runs(step, &shown, was, &worlds, machine, see, refused);
            inside.insert(RowId { lane, key }, runs);
        };
        for ((of, space), rows) in self.spaces.iter().filter(|((of, _), _)| *of == machine) {
            for va in rows.touched_pages(&touched) {
                let refused = touched.refused.iter().find(|refused| refused.va == va);
                let refused = refused.map(|r| (column(refused_at(r.events)) as u32, format!("frame {:X}", r.mfn.0)));
                put(
                    LaneKey::Space(*of, *space),
                    Key::new(What::Page, va.0),
                    &|look| observe::page(look, *space, va),
                    refused,
                );
            }
        }
        let xen = self.xen.get(&machine);
        for (dom, mfn) in xen.into_iter().flat_map(|rows| rows.known_frames(&touched)) {
            let see = |look: Look| Some(observe::frame(look, dom, mfn));
            put(LaneKey::Frames(machine, dom), Key::new(What::Frame, mfn.0), &see, None);
        }
        for (granter, gref) in &touched.grants {
            let see = |look: Look| observe::grant(look, *granter, *gref);
            put(LaneKey::Grants(machine, *granter), Key::new(What::Grant, gref.0.into()), &see, None);
        }
        for refused in &touched.refused {
            let at = Moment::micro(step, column(refused_at(refused.events)) as u32);
            let told = xen.and_then(|rows| rows.frame_mark((refused.domid, refused.mfn), step));
            let Some(mark) = told.map(|mark| RowMark { at, ..mark.clone() }) else { continue };
            if let Some(lane) = self.lanes.known(LaneKey::Frames(machine, refused.domid)) {
                let key = Key::new(What::Frame, refused.mfn.0);
                marks.insert(RowId { lane, key }, vec![mark]);
            }
        }
        // A call that was refused as a whole shows it at its end.
        let end = Moment::micro(step, stops.len() as u32);
        if let Act::Dom0(act) = &op.act
            && let (Some(space), Some(addr)) = (dom0_space(act, was), dom0_address(act))
            && let Some(lane) = self.lanes.known(LaneKey::Space(machine, space))
            && let Some(mark) = self.spaces.get(&(machine, space)).and_then(|rows| rows.mark_at(addr.page(), step))
            && !touched.refused.iter().any(|refused| refused.va == addr.page())
        {
            let key = Key::new(What::Page, addr.page().0);
            marks.insert(RowId { lane, key }, vec![RowMark { at: end, ..mark.clone() }]);
        }
        let last = match words::glyph(op, &outcome.answer) {
            ended @ (Glyph::Refused | Glyph::Panic) => Some(ended),
            Glyph::Start
            | Glyph::Map
            | Glyph::Unmap
            | Glyph::Fault
            | Glyph::Dup
            | Glyph::Offer
            | Glyph::Grant
            | Glyph::Exit
            | Glyph::Ask => None,
        };
        let is_refused = |stop: usize| touched.refused.iter().any(|refused| column(refused_at(refused.events)) == stop);
        let micros = shown.iter().map(|stop| Micro {
            at: *stop as u32,
            glyph: last.filter(|_| *stop == stops.len()).or(is_refused(*stop).then_some(Glyph::Refused)),
        });
        let many = if shown.len() < stops.len() {
            format!("{} of {}", shown.len(), stops.len())
        } else {
            stops.len().to_string()
        };
        let title = format!("{}, opened: {many} micro-steps", title_of(&outcome.events));
        Some(Opened { step, title: title.into(), micros: micros.collect(), inside, marks })
    }
}

/// The function that was called: the outermost one.
fn title_of(events: &[Event]) -> &'static str {
    let outermost = events.iter().find_map(|event| match event {
        Event::Kernel(KernelEvent::Called(call)) => Some(calls::kernel_call(call).function),
        Event::Xen(XenEvent::Called(call)) => Some(calls::xen_call(call).function),
        Event::Kernel(_) | Event::Xen(_) | Event::Pte(_) | Event::Mock(_) => None,
    });
    outermost.unwrap_or("step")
}

/// The stops that get a column, counted from 1; the last one always does.
fn columns(stops: usize, events: usize) -> Vec<usize> {
    let every = stops.div_ceil((EVENTS / events.max(1)).clamp(LEAST, COLUMNS));
    let mut shown: Vec<usize> = (1..=stops).filter(|stop| stop % every == 0).collect();
    if shown.last() != Some(&stops) {
        shown.push(stops);
    }
    shown
}

/// What a row is in from the start of the step to its end.
fn runs(
    step: u32,
    shown: &[usize],
    was: Option<Look>,
    worlds: &[World],
    machine: crate::sim::MachineId,
    see: &dyn Fn(Look) -> Option<Seen>,
    refused: Option<(u32, String)>,
) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut note = |at: Moment, now: Option<Seen>| {
        if let Some(last) = runs.last_mut().filter(|last| last.to == Moment::OPEN) {
            if now.as_ref().is_some_and(|now| now.is(last)) {
                return;
            }
            last.to = at;
        }
        runs.extend(now.map(|now| now.since(at)));
    };
    note(Moment::step(step), was.and_then(see));
    for (stop, world) in shown.iter().zip(worlds) {
        let mut now = Look::of(world, machine).and_then(see);
        if let (Some((from, word)), Some(seen)) = (&refused, &mut now)
            && *stop as u32 >= *from
            && seen.state == State::Empty
        {
            *seen = Seen { state: State::Refused, locked: false, text: Some(word.clone()) };
        }
        note(Moment::micro(step, *stop as u32), now);
    }
    note(Moment::step(step + 1), None);
    // The first stop stands at the column's start: what was before it takes no room.
    runs.retain(|run| run.from < run.to);
    runs
}
