//! Lane strips, which stick to the top while their lane is in view, and the gutter with its addresses.

use super::pen::Pen;
use super::{Align, Face, Ink, Lane, Rect, RowId, Stage, What};

/// Draws the strips where they stand (`stuck` false), or the one that sticks to the top (`stuck` true).
pub(super) fn strips(stage: &Stage, pen: &mut Pen, stuck: bool) {
    let body = stage.m.body();
    let lanes = stage.lanes();
    for (i, (y, lane)) in lanes.iter().enumerate() {
        if stuck && *y < body {
            // The next lane pushes the strip out.
            let next = lanes.get(i + 1).map_or(f32::MAX, |(next, _)| *next);
            if next > body {
                strip(stage, pen, lane, body.min(next - stage.m.strip));
            }
        } else if !stuck && *y >= body - stage.m.strip {
            strip(stage, pen, lane, *y);
        }
    }
}

fn strip(stage: &Stage, pen: &mut Pen, lane: &Lane, y: f32) {
    let rect = Rect::new(0.0, y, stage.window.width, stage.m.strip);
    pen.fill(rect, Ink::Well);
    pen.fill(Rect { h: 1.0, ..rect }, Ink::Line);
    pen.fill(Rect { y: rect.bottom() - 1.0, h: 1.0, ..rect }, Ink::Line);
    let middle = y + stage.m.strip / 2.0;
    let mark = if stage.window.folded.contains(&lane.id) {
        vec![(10.0, middle - 3.0), (14.0, middle), (10.0, middle + 3.0)]
    } else {
        vec![(9.0, middle - 2.0), (15.0, middle - 2.0), (12.0, middle + 2.0)]
    };
    pen.item(super::Item::Shape { points: mark, ink: Ink::Ink3 });
    pen.words(21.0, middle + 4.0, &lane.name, Face::Name, Ink::Ink, Align::Start);
    let x = (21.0 + pen.width(&lane.name, Face::Name) + 10.0).max(stage.m.gutter + 6.0);
    if let Some(facts) = pen.cut(&lane.facts, Face::Mono, rect.w - x - 8.0) {
        pen.words(x, middle + 3.5, &facts, Face::Mono, Ink::Ink3, Align::Start);
    }
}

/// Addresses, right aligned; where rows are too flat for words, only as many as fit.
pub(super) fn gutter(stage: &Stage, pen: &mut Pen) {
    let m = &stage.m;
    pen.fill(Rect::new(0.0, m.body(), m.gutter, stage.window.body()), Ink::Panel2);
    pen.fill(Rect::new(m.gutter - 1.0, m.body(), 1.0, stage.window.body()), Ink::Line);
    let selected = stage.picture.selection.map(|selection| selection.row);
    let x = m.gutter - 6.0;
    for (y, lane) in stage.lanes() {
        let mut free = y.max(m.body()) + m.strip - 2.0;
        for i in stage.rows(lane, y) {
            let row = &lane.rows()[i];
            let rect = stage.row_rect(lane, y, i);
            let middle = rect.y + rect.h / 2.0;
            let mine = selected.is_some_and(|row| row.lane == lane.id && lane.covering(row.key) == Some(i));
            if row.label.is_empty() || (!mine && middle - 5.0 < free) {
                continue;
            }
            free = middle + 5.0;
            let (face, ink) = match row.key.what {
                What::Tear => (Face::Mono, Ink::Ink3),
                What::Region | What::Page | What::Frame | What::Grant if mine => (Face::MonoBold, Ink::Ink),
                What::Page if row.pages > 1 => (Face::Mono, Ink::Ink3),
                What::Region | What::Page | What::Frame | What::Grant => (Face::Mono, Ink::Ink2),
            };
            pen.say(x, middle + 3.6, short(&row.label, m.gutter, m.mono), face, ink, Align::End);
        }
    }
}

/// The last group of an address where the whole has no room: neighbours share the rest.
fn short(label: &str, gutter: f32, letter: f32) -> &str {
    let fits = label.chars().count() as f32 * letter <= gutter - 8.0;
    if fits { label } else { label.rsplit(' ').next().unwrap_or(label) }
}

/// The name of a row for links and cards: its lane and what the gutter says.
pub(super) fn row_name(stage: &Stage, id: RowId) -> Option<(String, String)> {
    let (_, lane) = stage.picture.lane(id.lane)?;
    let row = &lane.rows()[lane.covering(id.key)?];
    Some((lane.name.to_string(), row.label.to_string()))
}
