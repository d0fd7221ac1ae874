//! A row's life as it grows: one observation a step at most, and back again when another branch is taken.

use std::rc::Rc;

use super::observe::Seen;
use crate::view::chart::{Moment, Row, RowMark};

/// Notes what the row is in after step `step`.
pub(super) fn note(row: &mut Rc<Row>, step: u32, now: Option<&Seen>) {
    let at = Moment::step(step);
    if row.runs.open().is_some() == now.is_some() && row.runs.open().zip(now).is_none_or(|(run, now)| now.is(run)) {
        return;
    }
    let row = Rc::make_mut(row);
    row.runs.close(at);
    if let Some(now) = now {
        row.runs.push(now.since(at));
    }
}

/// Notes the facts of a header after step `step`.
pub(super) fn note_facts(row: &mut Rc<Row>, step: u32, facts: &str) {
    if row.facts.last().is_none_or(|(_, last)| &**last != facts) {
        Rc::make_mut(row).facts.push((Moment::step(step), facts.into()));
    }
}

/// Puts a glyph on the row.
pub(super) fn mark(row: &mut Rc<Row>, mark: RowMark) {
    if row.marks.last().is_none_or(|last| last.at != mark.at) {
        Rc::make_mut(row).marks.push(mark);
    }
}

/// Forgets what came after step `step`; whether anything is left.
pub(super) fn cut(row: &mut Rc<Row>, step: u32) -> bool {
    let late = |at: Moment| at.step > step;
    let touched = row.runs.all().last().is_some_and(|run| late(run.from) || late(run.to))
        || row.marks.last().is_some_and(|mark| late(mark.at))
        || row.facts.last().is_some_and(|(at, _)| late(*at));
    if touched {
        let row = Rc::make_mut(row);
        row.runs.truncate(step);
        row.marks.retain(|mark| !late(mark.at));
        row.facts.retain(|(at, _)| !late(*at));
    }
    !row.runs.all().is_empty() || !row.marks.is_empty()
}
