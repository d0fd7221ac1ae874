//! The overview above the ruler: the whole history in one glance, with the window, the breaks and the playhead.

use super::pen::Pen;
use super::rows::mark_of;
use super::run::strong;
use super::{Align, Face, Ink, Lane, Moment, Rect, Row, Stage, State, Stroke, What};

/// How many threads the overview has; what is beyond shares the last ones.
const THREADS: usize = 7;
/// Runs narrower than this are drawn together.
const PIXEL: f32 = 1.0;

pub(super) fn overview(stage: &Stage, pen: &mut Pen) {
    let m = &stage.m;
    if m.overview <= 0.0 {
        return;
    }
    let area = Rect::new(0.0, 0.0, stage.window.width, m.overview);
    pen.fill(area, Ink::Panel2);
    let steps = stage.axis.tip();
    let said = format!("{} {}", super::ruler::grouped(steps), if steps == 1 { "step" } else { "steps" });
    pen.say(m.gutter - 6.0, 16.0, &said, Face::Sans, Ink::Ink3, Align::End);
    let mut y = 3.0;
    let rows = picked(stage);
    let every = ((m.overview - 6.0) / rows.len().max(4) as f32).min(4.0);
    for row in rows {
        thread(stage, pen, row, y, (every - 1.0).clamp(1.0, 2.5));
        y += every;
    }
    window(stage, pen);
    for mark in stage.picture.breaks.iter().filter(|mark| !mark.passing) {
        pen.fill(Rect::new(overview_x(stage, mark.at) - 0.75, 2.0, 1.5, m.overview - 5.0), Ink::Bad);
    }
    pen.fill(Rect::new(overview_x(stage, stage.picture.cursor) - 0.75, 0.0, 1.5, m.overview), Ink::Now);
    pen.fill(Rect::new(0.0, m.overview - 1.0, area.w, 1.0), Ink::Line);
}

/// Where a moment stands in the overview. The opened step is an ordinary one here.
pub(super) fn overview_x(stage: &Stage, at: Moment) -> f32 {
    let step = f64::from(at.step.min(stage.axis.tip() + 1));
    stage.m.gutter + 4.0 + (step * per_step(stage)) as f32
}

/// The step under a pixel of the overview.
pub fn overview_step(stage: &Stage, x: f32) -> u32 {
    let step = f64::from(x - stage.m.gutter - 4.0) / per_step(stage);
    (step.max(0.0) as u32).min(stage.axis.tip())
}

fn per_step(stage: &Stage) -> f64 {
    f64::from(stage.window.plot() - 12.0) / (f64::from(stage.axis.tip()) + 1.0)
}

/// The rows that stand for everything: of each lane the headers of regions, or else its first row, and the one among
/// its first rows that an engineer must not miss.
fn picked<'a>(stage: &Stage<'a>) -> Vec<&'a Row> {
    let of = |lane: &'a Lane| {
        let rows = || lane.rows().iter().take(64).map(|row| &**row);
        let regions: Vec<&Row> = rows().filter(|row| row.key.what == What::Region).take(2).collect();
        let things = || rows().filter(|row| !matches!(row.key.what, What::Tear | What::Region));
        let danger = |row: &&Row| row.runs.sum(0..row.runs.all().len()).worst.danger();
        let worst = things().max_by_key(danger).filter(|row| danger(row) >= State::ZeroCounted.danger());
        let first = if regions.is_empty() && worst.is_none() { things().next() } else { None };
        regions.into_iter().chain(worst).chain(first)
    };
    stage.picture.lanes.iter().take(THREADS).flat_map(|lane| of(lane)).take(THREADS).collect()
}

fn thread(stage: &Stage, pen: &mut Pen, row: &Row, y: f32, h: f32) {
    let all = row.runs.all();
    let mut i = 0;
    while i < all.len() {
        let (left, right) = (overview_x(stage, all[i].from), overview_x(stage, all[i].to));
        let next = if right - left >= PIXEL {
            i + 1
        } else {
            i + all[i..].partition_point(|run| overview_x(stage, run.from) < left + PIXEL).max(1)
        };
        let worst = if next - i > 1 { row.runs.sum(i..next).worst } else { all[i].state };
        if worst.in_use() {
            let ink = match worst {
                State::Region(backing) | State::Copied(backing) => strong(backing),
                State::Count(_) => Ink::MfnS,
                State::Mapped(_) | State::Waiting | State::Offered => Ink::GrefS,
                State::Leaked => Ink::LeakS,
                State::Live(backing, _) | State::TagOnly(backing) => strong(backing),
                State::Empty | State::Placeholder | State::ZeroCounted | State::Refused | State::Absent => {
                    mark_of(worst)
                }
            };
            pen.fill(Rect::new(left, y, (right - left).max(PIXEL), h), ink);
        }
        i = next;
    }
}

/// The frame round the steps that can be seen; what is outside is washed out.
fn window(stage: &Stage, pen: &mut Pen) {
    let m = &stage.m;
    let (from, to) = stage.seen();
    let (left, right) = (overview_x(stage, from) - 3.0, overview_x(stage, to) + 3.0);
    let (start, end) = (m.gutter, stage.window.width);
    pen.wash(Rect::new(start, 1.0, left - start, m.overview - 3.0), Ink::Panel2, 0.55);
    pen.wash(Rect::new(right, 1.0, end - right, m.overview - 3.0), Ink::Panel2, 0.55);
    pen.outline(Rect::new(left, 1.0, right - left, m.overview - 3.0), Stroke::solid(Ink::Ink, 1.2), 2.0);
}
