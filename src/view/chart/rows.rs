//! The rows that can be seen: each run by itself where it is wide enough, merged into columns where it is not.

use std::ops::Range;

use super::pen::{Pen, saw};
use super::run::{draw_run, pale, strong};
use super::{Align, Column, Dash, Face, Ink, Lane, Moment, Rect, Row, RowId, Run, Stage, State, Stroke, What};

/// Runs narrower than this are merged.
const NARROW: f32 = 3.0;
/// Rows flatter than this, and runs slimmer than that, show their colour alone.
const FLAT: f32 = 8.0;
const SLIM: f32 = 7.0;
/// How far apart the counts of merged runs stand.
const CHIP_EVERY: f32 = 220.0;

pub(super) fn rows(stage: &Stage, pen: &mut Pen) {
    for (y, lane) in stage.lanes() {
        for i in stage.rows(lane, y) {
            row(stage, pen, lane, i, stage.row_rect(lane, y, i));
        }
    }
}

fn row(stage: &Stage, pen: &mut Pen, lane: &Lane, i: usize, rect: Rect) {
    let row = &lane.rows()[i];
    if row.key.what == What::Tear {
        let points = saw(rect.x, rect.right(), (rect.y + rect.h / 2.0).round());
        pen.line(&points, Stroke::solid(Ink::Line2, 0.7));
        return;
    }
    let (from, to) = stage.seen();
    let seen = row.runs.between(from, to);
    let peak = peak_count(row, &seen);
    if seen.len() as f32 * NARROW <= rect.w {
        for run in stage.picture.runs_with_inside(lane, i, from, to) {
            one(stage, pen, row, &run, rect, peak);
        }
    } else {
        many(stage, pen, row, seen.clone(), rect, peak);
    }
    if stage.step_px() >= 9.0 && rect.h >= 10.0 {
        marks(stage, pen, lane, row, rect, from..to);
    }
}

/// The largest count the row shows, so that its bars share one height.
fn peak_count(row: &Row, seen: &Range<usize>) -> u32 {
    if row.key.what != What::Frame {
        return 0;
    }
    let counts = row.runs.all()[seen.clone()].iter().take(4096).map(|run| match run.state {
        State::Count(count) => count,
        State::Empty
        | State::Placeholder
        | State::Live(..)
        | State::ZeroCounted
        | State::Refused
        | State::TagOnly(_)
        | State::Leaked
        | State::Region(_)
        | State::Copied(_)
        | State::Absent
        | State::Offered
        | State::Mapped(_)
        | State::Waiting => 0,
    });
    counts.max().unwrap_or(0)
}

fn one(stage: &Stage, pen: &mut Pen, row: &Row, run: &Run, rect: Rect, peak: u32) {
    let (left, right) = (stage.x(run.from), stage.x(run.to));
    // Edges far outside the window stay outside, but near enough for a canvas to be exact.
    let (left, right) = (left.max(rect.x - 20.0), right.min(rect.right() + 20.0));
    if right > rect.x && left < rect.right() {
        if rect.h < FLAT || right - left < SLIM {
            return slim(pen, run, Rect::new(left, rect.y, right - left, rect.h));
        }
        draw_run(stage, pen, row, run, Rect::new(left, rect.y, (right - left).max(1.0), rect.h), peak);
    }
}

/// A run with no room for texture or words: its colour, and a thread where nothing is behind it.
fn slim(pen: &mut Pen, run: &Run, rect: Rect) {
    let rect = Rect { w: (rect.w - if rect.w > 2.0 { 0.5 } else { 0.0 }).max(1.0), ..rect };
    let rect = match thread_of(run.state) {
        Some(_) => Rect { y: (rect.y + rect.h / 2.0).floor(), h: 1.0, ..rect },
        None => rect,
    };
    pen.column(Column { rect, ink: fill_of(run.state), cap: None });
}

/// Walks from pixel column to pixel column; wide runs between narrow ones are still drawn by themselves.
fn many(stage: &Stage, pen: &mut Pen, row: &Row, seen: Range<usize>, rect: Rect, peak: u32) {
    let all = row.runs.all();
    let (mut i, mut zone) = (seen.start, Zone::default());
    while i < seen.end {
        let run = &all[i];
        let (left, right) = (stage.x(run.from), stage.x(run.to));
        if right - left >= NARROW {
            zone.end(pen, rect);
            one(stage, pen, row, run, rect, peak);
            i += 1;
            continue;
        }
        let column = (left / NARROW).floor() * NARROW;
        let edge = stage.window.scale.column(column + NARROW - stage.m.gutter);
        let next = i + gallop(&all[i..seen.end], |run| stage.axis.column(run.from) < edge).max(1);
        // A wide run that starts in this column speaks for itself.
        let next = if next - i > 1 && stage.x(all[next - 1].to) - stage.x(all[next - 1].from) >= NARROW {
            next - 1
        } else {
            next
        };
        let sum = row.runs.sum(i..next);
        let steps = f64::from(NARROW) / stage.window.scale.step_px;
        let share = ((sum.used as f64 / steps) as f32).clamp(0.0, 1.0);
        zone.add(pen, Rect::new(column, rect.y, NARROW, rect.h), share, sum.worst, sum.count);
        i = next;
    }
    zone.end(pen, rect);
}

/// `partition_point`, for an answer that is most often near the start.
fn gallop<T>(sorted: &[T], is_before: impl Fn(&T) -> bool) -> usize {
    let mut step = 1;
    while step < sorted.len() && is_before(&sorted[step]) {
        step *= 2;
    }
    let start = step / 2;
    start + sorted[start..sorted.len().min(step + 1)].partition_point(is_before)
}

/// Neighbouring columns: one count stands for many of them.
#[derive(Default)]
struct Zone {
    from: f32,
    to: f32,
    count: u32,
    last: Option<Column>,
}

impl Zone {
    fn add(&mut self, pen: &mut Pen, cell: Rect, share: f32, worst: State, count: u32) {
        if self.count > 0 && (cell.x > self.to + NARROW || cell.right() - self.from > CHIP_EVERY) {
            self.end(pen, cell);
        }
        if self.count == 0 {
            self.from = cell.x;
        }
        self.count += count;
        self.to = cell.right();
        let height = if share > 0.0 { (cell.h * share).max(1.0).round() } else { 1.0 };
        let rect = Rect::new(cell.x, cell.bottom() - height, cell.w, height);
        let column = Column { rect, ink: fill_of(worst), cap: (cell.h >= 8.0 && share > 0.0).then(|| mark_of(worst)) };
        match &mut self.last {
            Some(last) if last.rect.right() == rect.x && last.rect.y == rect.y && same_look(last, &column) => {
                last.rect.w += rect.w;
            }
            Some(_) | None => {
                if let Some(done) = self.last.replace(column) {
                    pen.column(done);
                }
            }
        }
    }

    fn end(&mut self, pen: &mut Pen, row: Rect) {
        if let Some(last) = self.last.take() {
            pen.column(last);
        }
        if self.count > 1 && row.h >= 12.0 {
            let said = format!("×{}", super::ruler::grouped(self.count));
            let width = pen.width(&said, Face::MonoBold) + 6.0;
            if self.to - self.from >= width + 4.0 {
                let middle = (self.from + self.to) / 2.0;
                let chip = Rect::new((middle - width / 2.0).round(), row.y + row.h / 2.0 - 6.0, width, 12.0);
                pen.fill(chip, Ink::Panel);
                pen.outline(chip, Stroke::solid(Ink::Line, 1.0), 2.0);
                pen.say(middle, row.y + row.h / 2.0 + 3.6, &said, Face::MonoBold, Ink::Ink, Align::Middle);
            }
        }
        *self = Zone::default();
    }
}

fn same_look(a: &Column, b: &Column) -> bool {
    a.ink == b.ink && a.cap == b.cap && a.rect.h == b.rect.h
}

/// The fill of merged runs in this state.
fn fill_of(state: State) -> Ink {
    match state {
        State::Empty | State::Absent | State::ZeroCounted => Ink::Line2,
        State::Refused => Ink::HoldT,
        State::Placeholder => Ink::HoldS,
        State::Leaked => Ink::LeakS,
        State::Live(backing, super::Rights::Writable) => strong(backing),
        State::Live(backing, super::Rights::ReadOnly) | State::TagOnly(backing) => pale(backing),
        State::Region(backing) | State::Copied(backing) => pale(backing),
        State::Count(_) => Ink::MfnT,
        State::Offered | State::Mapped(super::Rights::ReadOnly) => Ink::GrefT,
        State::Mapped(super::Rights::Writable) | State::Waiting => Ink::GrefS,
    }
}

/// The mark of a state: its bar, its cap, its frame.
pub(super) fn mark_of(state: State) -> Ink {
    match state {
        State::Empty | State::Absent | State::Refused => Ink::Line2,
        State::Placeholder | State::ZeroCounted => Ink::Hold,
        State::Leaked => Ink::Leak,
        State::Live(backing, _) | State::TagOnly(backing) | State::Region(backing) | State::Copied(backing) => {
            super::run::mark(backing)
        }
        State::Count(_) => Ink::Mfn,
        State::Offered | State::Mapped(_) | State::Waiting => Ink::Gref,
    }
}

/// Glyphs on the row, with their words where the row says nothing else.
fn marks(stage: &Stage, pen: &mut Pen, lane: &Lane, row: &Row, rect: Rect, seen: Range<Moment>) {
    let start = row.marks.partition_point(|mark| mark.at < seen.start);
    let end = row.marks.partition_point(|mark| mark.at < seen.end);
    let opened = stage.picture.opened.as_ref();
    let inside = opened.and_then(|opened| opened.marks.get(&RowId { lane: lane.id, key: row.key }));
    let outside = row.marks[start..end].iter().filter(|mark| opened.is_none_or(|o| o.step != mark.at.step));
    let mut shown: Vec<_> = outside.chain(inside.into_iter().flatten()).collect();
    shown.sort_by_key(|mark| mark.at);
    let middle = (rect.y + rect.h / 2.0).round();
    for (i, mark) in shown.iter().enumerate() {
        let x = stage.x(mark.at);
        // Words stand only where the row says nothing else, and whole or not at all.
        let is_free = row.runs.at(mark.at).is_none_or(|run| thread_of(run.state).is_some());
        if let Some(word) = mark.word.as_ref().filter(|_| is_free) {
            let next = shown.get(i + 1).map_or(rect.right(), |next| stage.x(next.at) - 8.0);
            let width = pen.width(word, Face::Sans);
            if width <= next - x - 14.0 {
                pen.fill(Rect::new(x + 9.0, rect.y + 1.0, width + 4.0, rect.h - 2.0), Ink::Panel);
                pen.words(x + 11.0, middle + 3.5, word, Face::Sans, Ink::Ink3, Align::Start);
            }
        }
        pen.glyph(mark.glyph, x, middle, if stage.m.narrow { 16.0 } else { 12.0 }, super::ruler::glyph_ink(mark.glyph));
    }
}

/// A dotted or dashed thread for what is not there but still spoken of.
pub(super) fn thread_of(state: State) -> Option<(Ink, Dash)> {
    match state {
        State::Empty | State::Absent => Some((Ink::Line2, Dash::Dots)),
        State::ZeroCounted => Some((Ink::Hold, Dash::DashDot)),
        State::Placeholder
        | State::Live(..)
        | State::Refused
        | State::TagOnly(_)
        | State::Leaked
        | State::Region(_)
        | State::Copied(_)
        | State::Count(_)
        | State::Offered
        | State::Mapped(_)
        | State::Waiting => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::gallop;

    proptest! {
        #[test]
        fn galloping_finds_what_halving_finds(mut sorted in proptest::collection::vec(0u32..100, 0..60), edge in 0u32..110) {
            sorted.sort_unstable();
            assert_eq!(gallop(&sorted, |n| *n < edge), sorted.partition_point(|n| *n < edge));
        }
    }
}
