//! From a picture and a window to a scene. What is out of sight costs nothing.
//!
//! Back to front: the plot's grid and opened column, runs, links and glyphs, red edges, selection, focus; then strips,
//! the gutter, the ruler and the overview; the playhead over all of them.

use super::links::{edges, focus, links, selection};
use super::overview::overview;
use super::pen::Pen;
use super::rows::rows;
use super::ruler::ruler;
use super::strips::{gutter, strips};
use super::{Dash, Ink, Moment, Picture, Rect, Scene, Stage, Stroke, Window};

/// What to paint for `picture` seen through `window`. A pure function; its cost follows what can be seen.
pub fn layout(picture: &Picture, window: &Window) -> Scene {
    let stage = Stage::new(picture, window);
    let mut layers = Vec::new();
    let whole = Rect::new(0.0, 0.0, window.width, window.height);

    let mut back = Pen::new(stage.plot(), &stage.m);
    grid(&stage, &mut back);
    layers.push(back.layer);

    let mut body = Pen::new(stage.plot(), &stage.m);
    rows(&stage, &mut body);
    layers.push(body.layer);

    let mut below = Pen::new(Rect { x: 0.0, w: window.width, ..stage.plot() }, &stage.m);
    gutter(&stage, &mut below);
    strips(&stage, &mut below, false);
    layers.push(below.layer);

    let mut above = Pen::new(stage.plot(), &stage.m);
    links(&stage, &mut above);
    edges(&stage, &mut above);
    selection(&stage, &mut above);
    focus(&stage, &mut above);
    layers.push(above.layer);

    let mut top = Pen::new(whole, &stage.m);
    strips(&stage, &mut top, true);
    ruler(&stage, &mut top);
    overview(&stage, &mut top);
    layers.push(top.layer);

    let mut front = Pen::new(stage.plot(), &stage.m);
    playhead(&stage, &mut front);
    layers.push(front.layer);
    Scene { layers }
}

/// The opened column, the current micro-step in it, and a hair line for each step.
fn grid(stage: &Stage, pen: &mut Pen) {
    let plot = stage.plot();
    pen.fill(plot, Ink::Panel);
    if let Some((step, micros)) = stage.axis.opened() {
        let x = stage.x(Moment::step(step));
        pen.wash(Rect { x, w: stage.x(Moment::step(step + 1)) - x, ..plot }, Ink::Well, 0.75);
        let column = |i| stage.axis.micro(i).map_or(x, |at| stage.x(at));
        let now = stage.axis.micro_of(stage.picture.last_of(stage.picture.cursor));
        if let Some(i) = now.filter(|i| i + 1 < micros) {
            pen.wash(Rect { x: column(i), w: column(i + 1) - column(i), ..plot }, Ink::Panel, 0.9);
        }
        if stage.step_px() >= 16.0 {
            for i in 1..micros {
                let x = column(i).round() + 0.5;
                pen.line(&[(x, plot.y), (x, plot.bottom())], Stroke::dashed(Ink::Line, 1.0, Dash::Dots));
            }
        }
    }
    let every = grid_every(stage);
    let (from, to) = stage.seen();
    for step in (from.step.next_multiple_of(every)..to.step).step_by(every as usize) {
        let x = stage.x(Moment::step(step)).round();
        pen.wash(Rect::new(x, plot.y, 1.0, plot.h), Ink::Line, 0.6);
    }
}

/// How many steps apart numbers and lines stand so that they do not crowd: 1, 2, 5, 10, 20, 50 ...
pub(super) fn grid_every(stage: &Stage) -> u32 {
    let digits = stage.axis.tip().max(1).ilog10() + 1;
    let room = (digits as f32 * stage.m.mono + 10.0).max(20.0);
    let fits = |every: &u32| *every as f32 * stage.step_px() >= room;
    (0..9).flat_map(|zeros| [1, 2, 5].map(|n| n * 10u32.pow(zeros))).find(fits).unwrap_or(1_000_000_000)
}

fn playhead(stage: &Stage, pen: &mut Pen) {
    let x = playhead_x(stage);
    let plot = stage.plot();
    pen.fill(Rect::new(x - 0.75, plot.y, 1.5, plot.h), Ink::Now);
}

/// Where the playhead stands.
pub(super) fn playhead_x(stage: &Stage) -> f32 {
    stage.x(stage.picture.last_of(stage.picture.cursor)).round()
}
