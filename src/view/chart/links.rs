//! What goes across rows: links, red edges, the frame of the selection and the ring of the keys.

use super::pen::Pen;
use super::run::mark;
use super::{Align, Backing, Dash, Face, Ink, LinkKind, Rect, Stage, Stroke};

/// Links: page to frame solid, page to grant dotted, dup an arrow of ink.
pub(super) fn links(stage: &Stage, pen: &mut Pen) {
    for link in &stage.picture.links {
        let (Some(from), Some(to)) = (stage.find(link.from), stage.find(link.to)) else { continue };
        let at = stage.x(link.at);
        let (down, up) = (to.y >= from.y, if to.y >= from.y { (from.bottom(), to.y) } else { (from.y, to.bottom()) });
        match link.kind {
            LinkKind::Frame(backing) => {
                let x = at + 1.5;
                pen.line(&[(x, up.0), (x, up.1 + 4.0)], Stroke::solid(mark(backing), 1.3));
                pen.fill(Rect::new(x - 2.0, up.0 - 2.0, 4.0, 4.0), mark(backing));
                pen.ring(x, up.1 + if down { 4.0 } else { -4.0 }, mark(backing));
            }
            LinkKind::Grant => {
                let x = at + 1.5;
                pen.line(&[(x, up.0), (x, up.1)], Stroke::dashed(Ink::Gref, 1.3, Dash::Fine));
                pen.fill(Rect::new(x - 2.0, up.0 - 2.0, 4.0, 4.0), mark(Backing::Granted));
                pen.ring(x, up.1, Ink::Gref);
            }
            LinkKind::Dup => dup(pen, at - 9.0, from.bottom(), to.y + to.h / 2.0),
        }
    }
}

fn dup(pen: &mut Pen, x: f32, from: f32, to: f32) {
    let line = Stroke::solid(Ink::Ink, 1.5);
    let bend = if to > from { -5.0 } else { 5.0 };
    pen.line(&[(x, from), (x, to + bend), (x + 1.5, to + bend * 0.3), (x + 4.0, to), (x + 6.0, to)], line);
    pen.item(super::Item::Shape {
        points: vec![(x + 4.0, to - 4.0), (x + 10.0, to), (x + 4.0, to + 4.0)],
        ink: Ink::Ink,
    });
    pen.ring(x, from, Ink::Ink);
    let width = pen.width("dup", Face::SansBold);
    pen.wash(Rect::new(x - 7.0 - width, to - 6.0, width + 3.0, 12.0), Ink::Panel, 0.85);
    pen.say(x - 5.0, to + 3.5, "dup", Face::SansBold, Ink::Ink, Align::End);
}

/// A red edge with a notch at the first step that broke a rule; a thin dashed one if it passed within the step.
pub(super) fn edges(stage: &Stage, pen: &mut Pen) {
    let (from, to) = stage.seen();
    for (y, lane) in stage.lanes() {
        let start = lane.edges.partition_point(|edge| edge.at < from);
        let end = lane.edges.partition_point(|edge| edge.at < to);
        let mut last = (f32::MIN, f32::MIN, f32::MIN);
        for edge in &lane.edges[start..end] {
            let x = stage.x(edge.at);
            let (top, bottom) = if stage.window.folded.contains(&lane.id) {
                (y, y + stage.m.strip)
            } else {
                let (Some(first), Some(end)) = (lane.covering(edge.first), lane.covering(edge.last)) else { continue };
                (stage.row_rect(lane, y, first).y, stage.row_rect(lane, y, end).bottom())
            };
            // One edge a pixel and place is as red as many.
            if (x.round(), top, bottom) == last || bottom < stage.m.body() || top > stage.window.height {
                continue;
            }
            last = (x.round(), top, bottom);
            if edge.passing {
                pen.line(&[(x, top), (x, bottom)], Stroke::dashed(Ink::Bad, 1.2, Dash::Short));
            } else {
                pen.fill(Rect::new(x - 1.5, top - 2.0, 3.0, bottom - top + 2.0), Ink::Bad);
                let notch = vec![(x - 5.0, top - 3.0), (x + 5.0, top - 3.0), (x, top + 3.0)];
                pen.item(super::Item::Shape { points: notch, ink: Ink::Bad });
            }
        }
    }
}

/// The frame round what is selected, for as long as it lives.
pub(super) fn selection(stage: &Stage, pen: &mut Pen) {
    let Some(selection) = stage.picture.selection else { return };
    let Some(row) = stage.find(selection.row) else { return };
    let left = stage.x(selection.from).max(row.x - 10.0);
    let right = stage.x(selection.to).min(row.right() + 10.0);
    if right > left {
        let rect = Rect::new(left - 2.0, row.y - 1.5, right - left + 3.0, row.h + 3.0);
        pen.outline(rect, Stroke::solid(Ink::Ink, 1.5), 2.0);
    }
}

/// The ring round the row the keys stand on.
pub(super) fn focus(stage: &Stage, pen: &mut Pen) {
    let Some(row) = stage.window.focus.and_then(|id| stage.find(id)) else { return };
    let rect = Rect::new(row.x + 1.0, row.y - 3.0, row.w - 2.0, row.h + 6.0);
    pen.outline(rect, Stroke::solid(Ink::Focus, 2.0), 4.0);
}
