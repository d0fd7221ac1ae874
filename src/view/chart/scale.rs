//! The one type that knows both steps and pixels, rows and pixels.
//!
//! ```text
//!              left                                  left + plot / step_px       (in columns)
//!   | gutter |lead|--0--|--1--|--2.1-2.2-2.3-...-|--3--|
//! ```
//!
//! A column is one step wide; the opened step takes nine tenths of a column for each micro-step and a little air.

use std::rc::Rc;

use super::{Moment, Opened, Picture, What};

/// Fixed sizes in CSS pixels; a phone has taller rows and a narrower gutter.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Measures {
    /// Width of the gutter with the addresses.
    pub gutter: f32,
    /// Height of the overview; 0 leaves it out.
    pub overview: f32,
    /// Height of the ruler.
    pub ruler: f32,
    /// Height of a lane's strip.
    pub strip: f32,
    /// Height of a tear.
    pub tear: f32,
    /// Height of a region's header, with its gap.
    pub region: f32,
    /// Height of a page row, a frame row and a grant row at their usual size, with the gap.
    pub page: f32,
    /// Height of a frame row.
    pub frame: f32,
    /// Height of a grant row.
    pub grant: f32,
    /// Width of one letter of the small monospaced face.
    pub mono: f32,
    /// Mean width of one letter of the small sans face.
    pub sans: f32,
    /// Whether labels are cut to what a phone has room for.
    pub narrow: bool,
}

impl Measures {
    /// For a pointer and a wide window.
    pub const DESK: Measures = Measures {
        gutter: 86.0,
        overview: 26.0,
        ruler: 58.0,
        strip: 17.0,
        tear: 14.0,
        region: 16.0,
        page: 15.0,
        frame: 16.0,
        grant: 17.0,
        mono: 6.02,
        sans: 5.4,
        narrow: false,
    };

    /// For a finger and a narrow window.
    pub const PHONE: Measures = Measures {
        gutter: 58.0,
        overview: 0.0,
        ruler: 46.0,
        strip: 18.0,
        tear: 16.0,
        region: 22.0,
        page: 24.0,
        frame: 24.0,
        grant: 24.0,
        narrow: true,
        ..Measures::DESK
    };

    /// The same measures with rows `tall` times as high; headers and strips keep their size.
    pub fn tall(self, tall: f32) -> Measures {
        Measures { page: self.page * tall, frame: self.frame * tall, grant: self.grant * tall, ..self }
    }

    /// The height of a row, its gap included.
    pub const fn row(&self, what: What) -> f32 {
        match what {
            What::Tear => self.tear,
            What::Region => self.region,
            What::Page => self.page,
            What::Frame => self.frame,
            What::Grant => self.grant,
        }
    }

    /// Where the lanes begin.
    pub const fn body(&self) -> f32 {
        self.overview + self.ruler
    }
}

/// The steps that have a column, and the one that is opened.
#[derive(Clone, PartialEq, Debug)]
pub struct Axis {
    tip: u32,
    opened: Option<(u32, Rc<[u32]>)>,
}

/// Width of a micro-step, in columns.
pub const MICRO: f64 = 0.9;
/// Air at the end of the opened column, in columns.
const AIR: f64 = 0.2;

impl Axis {
    /// The axis of a picture.
    pub fn of(picture: &Picture) -> Axis {
        let opened = picture.opened.as_ref().filter(|opened| opened.micros.len() > 1);
        let micros = |opened: &Opened| opened.micros.iter().map(|micro| micro.at).collect();
        Axis { tip: picture.tip(), opened: opened.map(|opened| (opened.step, micros(opened))) }
    }

    fn extra(&self) -> f64 {
        self.opened.as_ref().map_or(0.0, |(_, micros)| micros.len() as f64 * MICRO + AIR - 1.0)
    }

    /// How many columns there are.
    pub fn columns(&self) -> f64 {
        f64::from(self.tip) + 1.0 + self.extra()
    }

    /// Where a moment is, in columns; a moment past the tip is at the end.
    pub fn column(&self, at: Moment) -> f64 {
        if at.step > self.tip {
            return self.columns();
        }
        let step = f64::from(at.step);
        match &self.opened {
            Some((opened, _)) if at.step > *opened => step + self.extra(),
            Some((opened, micros)) if at.step == *opened => step + index(micros, at.micro) as f64 * MICRO,
            Some(_) | None => step,
        }
    }

    /// The moment whose column covers `column`, held inside the axis. Inside the opened step it names a micro-step.
    pub fn moment(&self, column: f64) -> Moment {
        let column = column.clamp(0.0, self.columns());
        let whole = |column: f64| Moment::step((column.floor() as u32).min(self.tip));
        let Some((opened, micros)) = &self.opened else { return whole(column) };
        let inside = column - f64::from(*opened);
        if inside < 0.0 {
            whole(column)
        } else if inside < 1.0 + self.extra() {
            Moment::micro(*opened, micros[((inside / MICRO) as usize).min(micros.len() - 1)])
        } else {
            whole(column - self.extra())
        }
    }

    /// The opened step, if it has an inside to show, and how many micro-steps have a column.
    pub fn opened(&self) -> Option<(u32, usize)> {
        self.opened.as_ref().map(|(step, micros)| (*step, micros.len()))
    }

    /// When the column of micro-step `i` of the opened step begins; after the last one, when the next step does.
    pub fn micro(&self, i: usize) -> Option<Moment> {
        let (step, micros) = self.opened.as_ref()?;
        Some(micros.get(i).map_or(Moment::step(step + 1), |at| Moment::micro(*step, *at)))
    }

    /// Which column of the opened step shows `at`.
    pub fn micro_of(&self, at: Moment) -> Option<usize> {
        let (step, micros) = self.opened.as_ref()?;
        (at.step == *step && at.micro > 0).then(|| index(micros, at.micro))
    }

    /// The last step.
    pub fn tip(&self) -> u32 {
        self.tip
    }
}

/// The column of the last micro-step up to number `micro`; the first one before that.
fn index(micros: &[u32], micro: u32) -> usize {
    micros.partition_point(|at| *at <= micro).saturating_sub(1)
}

/// Where the window stands over the picture, and how large things are.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Scale {
    /// Pixels a column is wide.
    pub step_px: f64,
    /// First column in the window.
    pub left: f64,
    /// How many times their usual height rows are.
    pub tall: f32,
    /// How far the lanes are scrolled up, in pixels.
    pub top: f32,
}

/// Room before the first column, in pixels.
pub const LEAD: f32 = 8.0;

impl Scale {
    /// Each column wide enough for its number.
    pub const START: Scale = Scale { step_px: 34.6, left: 0.0, tall: 1.0, top: 0.0 };
    const WIDEST: f64 = 400.0;
    const TALLEST: f32 = 4.0;
    const FLATTEST: f32 = 0.27;

    /// The window in which every step can be seen, no wider than a comfortable column.
    pub fn fit(axis: &Axis, plot: f32) -> Scale {
        let room = f64::from((plot - LEAD - 8.0).max(1.0));
        Scale { step_px: (room / axis.columns()).min(72.0), ..Scale::START }
    }

    /// The width of columns before a person chooses one: wide enough for a number, and no wider than leaves room for all steps
    /// and the inside of one. It depends on the number of steps alone, so that opening a step moves nothing else.
    pub fn resting(axis: &Axis, plot: f32) -> f64 {
        const INSIDE: f64 = 7.0;
        let room = f64::from((plot - LEAD - 8.0).max(1.0));
        (room / (f64::from(axis.tip) + 1.0 + INSIDE)).clamp(Scale::START.step_px, 72.0)
    }

    /// The pixel, counted from the left edge of the plot, of a moment.
    pub fn x(&self, axis: &Axis, at: Moment) -> f32 {
        LEAD + ((axis.column(at) - self.left) * self.step_px).clamp(-1.0e6, 1.0e6) as f32
    }

    /// The column under a pixel of the plot.
    pub fn column(&self, x: f32) -> f64 {
        self.left + f64::from(x - LEAD) / self.step_px
    }

    /// The moment under a pixel of the plot.
    pub fn moment(&self, axis: &Axis, x: f32) -> Moment {
        axis.moment(self.column(x))
    }

    /// The same place, nearer or farther in time by `factor`, with what is under pixel `x` kept there.
    pub fn zoom_time(self, axis: &Axis, plot: f32, x: f32, factor: f64) -> Scale {
        let narrowest = Scale::fit(axis, plot).step_px.min(Scale::START.step_px);
        let step_px = (self.step_px * factor).clamp(narrowest, Scale::WIDEST);
        let left = self.column(x) - f64::from(x - LEAD) / step_px;
        Scale { step_px, left, ..self }
    }

    /// The same place with rows `factor` times as high.
    pub fn zoom_rows(self, factor: f32) -> Scale {
        Scale { tall: (self.tall * factor).clamp(Scale::FLATTEST, Scale::TALLEST), ..self }
    }

    /// Moved by so many pixels, to the right and down.
    pub fn pan(self, dx: f32, dy: f32) -> Scale {
        Scale { left: self.left + f64::from(dx) / self.step_px, top: self.top + dy, ..self }
    }

    /// Held inside the picture: no empty space before its start, beyond its end, above or below it.
    pub fn clamp(self, axis: &Axis, plot: f32, content: f32, body: f32) -> Scale {
        let seen = f64::from(plot - LEAD - 8.0) / self.step_px;
        let left = self.left.min(axis.columns() - seen).max(0.0);
        Scale { left, top: self.top.min(content - body).max(0.0), ..self }
    }

    /// Moved as little as needed for `at` to stand inside the window with room on both sides.
    pub fn reveal(self, axis: &Axis, plot: f32, at: Moment) -> Scale {
        let (x, room) = (self.x(axis, at), (plot * 0.15).min(96.0));
        let dx = if x < room {
            x - room
        } else if x > plot - room {
            x - (plot - room)
        } else {
            return self;
        };
        self.pan(dx, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::{Axis, Scale};
    use crate::view::chart::Moment;

    fn axis() -> Axis {
        Axis { tip: 20, opened: Some((2, [1, 2, 3, 4, 5, 6, 7, 8].into())) }
    }

    proptest! {
        #[test]
        fn a_moment_is_found_again_under_its_pixel(step in 0u32..=20, micro in 1u32..=8, left in 0.0f64..20.0) {
            let scale = Scale { left, ..Scale::START };
            let at = if step == 2 { Moment::micro(2, micro) } else { Moment::step(step) };
            assert_eq!(scale.moment(&axis(), scale.x(&axis(), at) + 0.1), at);
        }

        #[test]
        fn zooming_keeps_what_is_under_the_pointer(x in 0.0f32..800.0, factor in 0.5f64..2.0) {
            let before = Scale { left: 3.0, ..Scale::START };
            let after = before.zoom_time(&axis(), 800.0, x, factor);
            assert!((before.column(x) - after.column(x)).abs() < 1e-3);
        }
    }

    #[test]
    fn the_opened_step_widens_and_what_follows_moves_right() {
        let x = |at| Scale::START.x(&axis(), at);
        assert_eq!(x(Moment::step(2)), x(Moment::micro(2, 1)));
        assert!(x(Moment::step(3)) - x(Moment::micro(2, 8)) > 31.0);
        assert!((x(Moment::step(4)) - x(Moment::step(3)) - 34.6).abs() < 0.01);
        assert_eq!(x(Moment::OPEN), x(Moment::step(21)));
    }

    #[test]
    fn everything_fits_and_clamping_stays_inside() {
        let scale = Scale::fit(&axis(), 800.0);
        assert!(scale.x(&axis(), Moment::OPEN) <= 800.0);
        let far = Scale { left: 999.0, top: 999.0, ..Scale::START }.clamp(&axis(), 300.0, 200.0, 100.0);
        assert_eq!(far.top, 100.0);
        assert!(far.x(&axis(), Moment::OPEN) <= 300.0);
        assert_eq!(Scale { left: -5.0, top: -5.0, ..Scale::START }.clamp(&axis(), 900.0, 1.0, 2.0), Scale::START);
    }

    #[test]
    fn revealing_moves_only_when_needed() {
        assert_eq!(Scale::START.reveal(&axis(), 900.0, Moment::step(3)), Scale::START);
        let moved = Scale::START.reveal(&axis(), 300.0, Moment::step(20));
        assert!(moved.x(&axis(), Moment::step(20)) < 300.0);
    }
}
