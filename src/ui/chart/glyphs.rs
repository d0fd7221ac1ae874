//! The shapes of operations, one each, drawn in a square of twelve units.

use std::f64::consts::TAU;

use web_sys::CanvasRenderingContext2d;

use crate::view::glyph::Glyph;

/// Draws `shape` with its middle at `at`. `hollow` fills what lies inside an octagon.
pub(super) fn glyph(
    context: &CanvasRenderingContext2d,
    shape: Glyph,
    at: (f32, f32),
    size: f32,
    colour: &str,
    hollow: &str,
) {
    context.save();
    let unit = f64::from(size) / 12.0;
    let _ = context.translate(f64::from(at.0), f64::from(at.1));
    let _ = context.scale(unit, unit);
    let _ = context.translate(-6.0, -6.0);
    context.set_fill_style_str(colour);
    context.set_stroke_style_str(colour);
    context.set_line_width(1.5);
    let c = Strokes(context);
    match shape {
        Glyph::Start => c.dot(6.0, 6.0, 3.0),
        Glyph::Map => context.fill_rect(1.5, 1.5, 9.0, 9.0),
        Glyph::Unmap => context.stroke_rect(2.25, 2.25, 7.5, 7.5),
        Glyph::Fault => {
            c.closed(&[(1.0, 2.0), (11.0, 2.0), (6.0, 11.0)]);
            context.fill();
        }
        Glyph::Dup => {
            context.begin_path();
            context.move_to(3.0, 2.0);
            context.line_to(3.0, 10.0);
            context.move_to(3.0, 5.0);
            context.bezier_curve_to(3.0, 8.0, 9.0, 6.0, 9.0, 10.0);
            context.stroke();
            [(3.0, 2.0), (3.0, 10.0), (9.0, 10.0)].into_iter().for_each(|(x, y)| c.dot(x, y, 1.6));
        }
        Glyph::Offer => {
            c.closed(&[(6.0, 1.6), (10.4, 6.0), (6.0, 10.4), (1.6, 6.0)]);
            context.stroke();
        }
        Glyph::Grant => {
            c.closed(&[(6.0, 0.8), (11.2, 6.0), (6.0, 11.2), (0.8, 6.0)]);
            context.fill();
        }
        Glyph::Exit => {
            context.begin_path();
            c.line((2.0, 2.0), (10.0, 10.0));
            c.line((10.0, 2.0), (2.0, 10.0));
            context.stroke();
        }
        Glyph::Refused => {
            c.octagon();
            context.set_fill_style_str(hollow);
            context.fill();
            context.stroke();
            context.begin_path();
            c.line((3.4, 6.0), (8.6, 6.0));
            context.stroke();
        }
        Glyph::Panic => {
            c.octagon();
            context.fill();
        }
        Glyph::Ask => {
            context.begin_path();
            let _ = context.arc(6.0, 6.0, 3.6, 0.0, TAU);
            context.set_fill_style_str(hollow);
            context.fill();
            context.stroke();
        }
    }
    context.restore();
}

struct Strokes<'a>(&'a CanvasRenderingContext2d);

impl Strokes<'_> {
    fn dot(&self, x: f64, y: f64, r: f64) {
        self.0.begin_path();
        let _ = self.0.arc(x, y, r, 0.0, TAU);
        self.0.fill();
    }

    fn line(&self, from: (f64, f64), to: (f64, f64)) {
        self.0.move_to(from.0, from.1);
        self.0.line_to(to.0, to.1);
    }

    fn closed(&self, points: &[(f64, f64)]) {
        self.0.begin_path();
        for (i, &(x, y)) in points.iter().enumerate() {
            if i == 0 {
                self.0.move_to(x, y);
            } else {
                self.0.line_to(x, y);
            }
        }
        self.0.close_path();
    }

    fn octagon(&self) {
        let (a, b, c, d) = (1.0, 3.9, 8.1, 11.0);
        self.closed(&[(b, a), (c, a), (d, b), (d, c), (c, d), (b, d), (a, c), (a, b)]);
    }
}
