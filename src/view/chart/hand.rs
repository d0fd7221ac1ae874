//! What pointers on the chart mean: one finger or a held button drags, two fingers pinch, a short press is a click.
//!
//! Where a press began decides: on the overview it moves the window, on the ruler it moves the playhead, on a lane's
//! strip it folds the lane, anywhere else it drags the picture.

use super::{LaneId, Moment, Picture, RowId, Scale, Stage, Window, overview_step};

/// A press that moves less than this many pixels is a click.
const STILL: f32 = 4.0;

/// What came of a pointer's move.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Effect {
    /// Nothing.
    None,
    /// The window stands elsewhere.
    Window(Scale),
    /// The playhead goes to a moment.
    Seek(Moment),
    /// A place was chosen: a moment, and the row if there is one.
    Pick(Moment, Option<RowId>),
    /// A lane folds or unfolds.
    Fold(LaneId),
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Grip {
    Overview,
    Ruler,
    Strip(LaneId),
    Lanes,
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Finger {
    id: i32,
    x: f32,
    y: f32,
}

/// The pointers that are down, and what they hold.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Hand {
    fingers: Vec<Finger>,
    grip: Option<Grip>,
    start: (f32, f32),
    moved: bool,
}

impl Hand {
    /// Whether the picture is being dragged or pinched.
    pub fn drags(&self) -> bool {
        self.moved || self.fingers.len() > 1
    }

    /// Whether any pointer is down.
    pub fn holds(&self) -> bool {
        !self.fingers.is_empty()
    }

    /// Pointer `id` comes down.
    pub fn down(&mut self, picture: &Picture, window: &Window, id: i32, x: f32, y: f32) -> Effect {
        self.fingers.retain(|finger| finger.id != id);
        self.fingers.push(Finger { id, x, y });
        if self.fingers.len() > 1 {
            self.moved = true;
            return Effect::None;
        }
        let stage = Stage::new(picture, window);
        self.start = (x, y);
        self.moved = false;
        let grip = if y < stage.m.overview {
            Grip::Overview
        } else if y < stage.m.body() {
            Grip::Ruler
        } else {
            stage.strip_under(y).map_or(Grip::Lanes, Grip::Strip)
        };
        self.grip = Some(grip);
        match grip {
            Grip::Overview => Effect::Window(centre(&stage, x)),
            Grip::Ruler => Effect::Seek(on_ruler(&stage, x)),
            Grip::Strip(_) | Grip::Lanes => Effect::None,
        }
    }

    /// Pointer `id` moves to a place.
    pub fn moves(&mut self, picture: &Picture, window: &Window, id: i32, x: f32, y: f32) -> Effect {
        let Some(i) = self.fingers.iter().position(|finger| finger.id == id) else { return Effect::None };
        let before = self.fingers[i];
        let stage = Stage::new(picture, window);
        if let [a, b] = self.fingers[..] {
            self.fingers[i] = Finger { id, x, y };
            let other = if i == 0 { b } else { a };
            return Effect::Window(pinch(&stage, other, before, self.fingers[i]));
        }
        self.moved |= (x - self.start.0).abs() > STILL || (y - self.start.1).abs() > STILL;
        match self.grip {
            Some(Grip::Overview) => {
                self.fingers[i] = Finger { id, x, y };
                Effect::Window(centre(&stage, x))
            }
            Some(Grip::Ruler) => {
                self.fingers[i] = Finger { id, x, y };
                Effect::Seek(on_ruler(&stage, x))
            }
            Some(Grip::Strip(_) | Grip::Lanes) if self.moved => {
                self.fingers[i] = Finger { id, x, y };
                Effect::Window(stage.clamp(window.scale.pan(before.x - x, before.y - y)))
            }
            Some(Grip::Strip(_) | Grip::Lanes) | None => Effect::None,
        }
    }

    /// Pointer `id` goes up; `lost` when the browser took it away.
    pub fn up(&mut self, picture: &Picture, window: &Window, id: i32, lost: bool) -> Effect {
        let held = self.fingers.len();
        self.fingers.retain(|finger| finger.id != id);
        if held != 1 || lost || self.moved || !self.fingers.is_empty() {
            return Effect::None;
        }
        let stage = Stage::new(picture, window);
        let (x, y) = self.start;
        match self.grip.take() {
            Some(Grip::Strip(lane)) => Effect::Fold(lane),
            Some(Grip::Lanes) => {
                let at = if x < stage.m.gutter { picture.cursor } else { stage.moment(x) };
                Effect::Pick(at, stage.row_under(y))
            }
            Some(Grip::Overview | Grip::Ruler) | None => Effect::None,
        }
    }
}

/// The window with the step under a pixel of the overview in its middle.
fn centre(stage: &Stage, x: f32) -> Scale {
    let scale = stage.window.scale;
    let column = stage.axis.column(Moment::step(overview_step(stage, x)));
    let half = f64::from(stage.window.plot() / 2.0) / scale.step_px;
    stage.clamp(Scale { left: column - half, ..scale })
}

/// On the ruler the nearest step counts, since its glyph stands at the column's left edge.
fn on_ruler(stage: &Stage, x: f32) -> Moment {
    let half = (stage.step_px() / 2.0).min(14.0);
    stage.moment(x + half)
}

fn pinch(stage: &Stage, still: Finger, before: Finger, now: Finger) -> Scale {
    let apart = |a: Finger, b: Finger| (a.x - b.x).hypot(a.y - b.y).max(16.0);
    let factor = apart(still, now) / apart(still, before);
    let middle = (still.x + now.x) / 2.0 - stage.m.gutter;
    let scale = stage.window.scale.zoom_time(&stage.axis, stage.window.plot(), middle, f64::from(factor));
    stage.clamp(scale.pan((before.x - now.x) / 2.0, (before.y - now.y) / 2.0))
}

#[cfg(test)]
mod tests {
    use super::{Effect, Hand};
    use crate::view::chart::fixture::workbench;
    use crate::view::chart::{LaneId, Measures, Moment, Stage, Window};

    fn window() -> Window {
        Window::new(600.0, 400.0, Measures::DESK)
    }

    #[test]
    fn a_short_press_picks_the_row_and_the_moment_under_it() {
        let (picture, window, mut hand) = (workbench(), window(), Hand::default());
        let stage = Stage::new(&picture, &window);
        let row = picture.selection.unwrap().row;
        let (x, y) = (stage.x(Moment::step(3)) + 5.0, stage.find(row).unwrap().y + 4.0);
        assert_eq!(hand.down(&picture, &window, 1, x, y), Effect::None);
        assert_eq!(hand.moves(&picture, &window, 1, x + 2.0, y), Effect::None);
        assert_eq!(hand.up(&picture, &window, 1, false), Effect::Pick(Moment::step(3), Some(row)));
    }

    #[test]
    fn a_drag_pans_and_picks_nothing() {
        let (picture, window, mut hand) = (workbench(), window(), Hand::default());
        hand.down(&picture, &window, 1, 300.0, 200.0);
        let Effect::Window(scale) = hand.moves(&picture, &window, 1, 200.0, 180.0) else { panic!("a drag pans") };
        assert!(scale.left > 2.0 && scale.top == 20.0, "{scale:?}");
        assert_eq!(hand.up(&picture, &window, 1, false), Effect::None);
    }

    #[test]
    fn the_ruler_scrubs_and_a_strip_folds() {
        let (picture, window, mut hand) = (workbench(), window(), Hand::default());
        let stage = Stage::new(&picture, &window);
        let glyph = stage.x(Moment::step(4));
        assert_eq!(hand.down(&picture, &window, 1, glyph - 4.0, 50.0), Effect::Seek(Moment::step(4)));
        hand.up(&picture, &window, 1, false);
        hand.down(&picture, &window, 1, 30.0, window.measures.body() + 5.0);
        assert_eq!(hand.up(&picture, &window, 1, false), Effect::Fold(LaneId(0)));
    }

    #[test]
    fn two_fingers_apart_zoom_in() {
        let (picture, window, mut hand) = (workbench(), window(), Hand::default());
        hand.down(&picture, &window, 1, 200.0, 200.0);
        hand.down(&picture, &window, 2, 300.0, 200.0);
        let Effect::Window(scale) = hand.moves(&picture, &window, 2, 400.0, 200.0) else { panic!("a pinch zooms") };
        assert!((scale.step_px / window.scale.step_px - 2.0).abs() < 1e-3);
    }
}
