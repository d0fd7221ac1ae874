//! The picture of a history as plain data: what there is to see, before anyone asks how large the window is.
//!
//! A picture shares its lanes: it costs little to make one at every step. It knows no simulator; `index` fills it.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Backing, Glyph, Key, Lane, LaneId, Moment, RowId, RowMark, Run};

/// One step of the path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepMark {
    /// Its shape.
    pub glyph: Glyph,
    /// Its sentence.
    pub sentence: Rc<str>,
}

/// A first break, in the breaks row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BreakMark {
    /// The step that broke it.
    pub at: Moment,
    /// The rules' names: `I13`, or `I1 +3` when more than one broke here.
    pub rules: Rc<str>,
    /// Broken only inside the step.
    pub passing: bool,
}

/// One micro-step of the opened step that has a column of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Micro {
    /// Its number among the stops of the step, counted from 1.
    pub at: u32,
    /// A shape of its own, for refusals and the like; a small square otherwise.
    pub glyph: Option<Glyph>,
}

/// The step whose inside is shown.
#[derive(Clone, PartialEq, Debug)]
pub struct Opened {
    /// Which step.
    pub step: u32,
    /// What its column says, without its number.
    pub title: Rc<str>,
    /// Its micro-steps that have a column, in order; the last one leaves what the whole step leaves.
    pub micros: Vec<Micro>,
    /// What the touched rows went through, from the start of the step to its end.
    pub inside: BTreeMap<RowId, Vec<Run>>,
    /// Where inside it glyphs stand on rows; the rows' own glyphs of this step are not drawn.
    pub marks: BTreeMap<RowId, Vec<RowMark>>,
}

/// A future that was left: another branch that parts from the path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Undone {
    /// The last step both have in common.
    pub from: u32,
    /// The branch's name.
    pub name: Rc<str>,
    /// Its steps after that.
    pub steps: Vec<Glyph>,
}

/// What a link says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LinkKind {
    /// A page and the frame behind it.
    Frame(Backing),
    /// A page and the grant it came by.
    Grant,
    /// A region and the copy dup made of it.
    Dup,
}

/// A line between two rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link {
    /// What it says.
    pub kind: LinkKind,
    /// When it came about.
    pub at: Moment,
    /// The row it starts from.
    pub from: RowId,
    /// The row it leads to.
    pub to: RowId,
}

/// What is selected, and for how long that lived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Selection {
    /// The row.
    pub row: RowId,
    /// First moment of the framed part.
    pub from: Moment,
    /// End of the framed part; [`Moment::OPEN`] while it lives.
    pub to: Moment,
}

/// Everything the timeline shows of one path through the history.
#[derive(Clone, PartialEq, Debug)]
pub struct Picture {
    /// The steps of the path; the first is the world before anything happened.
    pub steps: Rc<Vec<StepMark>>,
    /// First breaks along the path, in order.
    pub breaks: Rc<Vec<BreakMark>>,
    /// The futures that were left, at most one is drawn.
    pub undone: Option<Rc<Undone>>,
    /// The step that is opened.
    pub opened: Option<Rc<Opened>>,
    /// The lanes, from top to bottom.
    pub lanes: Vec<Rc<Lane>>,
    /// Lines that are drawn: those of the selection, and the arrows of dup.
    pub links: Vec<Link>,
    /// Where the playhead is.
    pub cursor: Moment,
    /// What every view speaks of.
    pub selection: Option<Selection>,
}

impl Picture {
    /// The number of the last step.
    pub fn tip(&self) -> u32 {
        (self.steps.len() as u32).saturating_sub(1)
    }

    /// Whether there is nothing but the start.
    pub fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// The lane with this name and its place.
    pub fn lane(&self, id: LaneId) -> Option<(usize, &Rc<Lane>)> {
        self.lanes.iter().enumerate().find(|(_, lane)| lane.id == id)
    }

    /// The runs of row `i` of `lane` that touch `[from, to)`, with the inside of the opened step put in its place.
    ///
    /// ```text
    ///   |--- E ---|------ M ------------------|     the row, by whole steps
    ///             |E|-R-|-M-|                        inside the opened step
    ///   |----- E ---|-R-|------- M -----------|     what is drawn
    /// ```
    pub fn runs_with_inside(&self, lane: &Lane, i: usize, from: Moment, to: Moment) -> Vec<Run> {
        let row = &lane.rows()[i];
        let outside = || row.runs.all()[row.runs.between(from, to)].iter();
        let id = RowId { lane: lane.id, key: row.key };
        let Some((step, inside)) = self.inside_of(id) else { return outside().cloned().collect() };
        let (start, end) = (Moment::step(step), Moment::step(step + 1));
        let before = outside().filter(|run| run.from < start).map(|run| Run { to: run.to.min(start), ..run.clone() });
        let after = outside().filter(|run| run.to > end).map(|run| Run { from: run.from.max(end), ..run.clone() });
        let mut joined: Vec<Run> = Vec::new();
        for run in before.chain(inside.iter().cloned()).chain(after) {
            match joined.last_mut() {
                Some(last) if last.goes_on_as(&run) => last.to = run.to,
                Some(_) | None => joined.push(run),
            }
        }
        joined
    }

    /// What row `id` is in at `at`.
    pub fn run_at(&self, id: RowId, at: Moment) -> Option<Run> {
        let (_, lane) = self.lane(id.lane)?;
        let i = lane.covering(id.key)?;
        let at = self.last_of(at);
        // One step more on both sides, so that a run is found whole where the inside of a step joins it.
        let (from, to) = (Moment::step(at.step.saturating_sub(1)), Moment::step(at.step.saturating_add(2)));
        self.runs_with_inside(lane, i, from, to).into_iter().find(|run| run.from <= at && at < run.to)
    }

    /// A whole opened step is over when its last micro-step is.
    pub fn last_of(&self, at: Moment) -> Moment {
        match &self.opened {
            Some(opened) if at == Moment::step(opened.step) => {
                opened.micros.last().map_or(at, |last| Moment::micro(at.step, last.at))
            }
            Some(_) | None => at,
        }
    }

    fn inside_of(&self, id: RowId) -> Option<(u32, &Vec<Run>)> {
        let opened = self.opened.as_ref()?;
        Some((opened.step, opened.inside.get(&id)?))
    }

    /// A row by its lane and key, if the picture has it.
    pub fn has(&self, lane: LaneId, key: Key) -> bool {
        self.lane(lane).is_some_and(|(_, lane)| lane.covering(key).is_some())
    }
}
