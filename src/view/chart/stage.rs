//! Where things are in the window: lanes under each other, rows in lanes, moments in the plot.

use std::collections::BTreeSet;

use super::{Axis, Lane, LaneId, Measures, Moment, Picture, Rect, RowId, Scale, What};

/// What part of a picture is asked for, and in what form.
#[derive(Clone, PartialEq, Debug)]
pub struct Window {
    /// Width of the chart in pixels.
    pub width: f32,
    /// Height of the chart in pixels.
    pub height: f32,
    /// Sizes.
    pub measures: Measures,
    /// Place and zoom.
    pub scale: Scale,
    /// Lanes folded to their strip.
    pub folded: BTreeSet<LaneId>,
    /// The row the keys stand on, while they are in use.
    pub focus: Option<RowId>,
}

impl Window {
    /// A window over the start of a picture.
    pub fn new(width: f32, height: f32, measures: Measures) -> Window {
        Window { width, height, measures, scale: Scale::START, folded: BTreeSet::new(), focus: None }
    }

    /// Width of the plot, right of the gutter.
    pub fn plot(&self) -> f32 {
        (self.width - self.measures.gutter).max(1.0)
    }

    /// Height of the lanes' part.
    pub fn body(&self) -> f32 {
        (self.height - self.measures.body()).max(1.0)
    }
}

/// A picture and a window, and the arithmetic between them.
pub struct Stage<'a> {
    /// The picture.
    pub picture: &'a Picture,
    /// The window.
    pub window: &'a Window,
    /// The steps.
    pub axis: Axis,
    /// Sizes, rows as high as the window wants them.
    pub m: Measures,
}

/// Room below the last row of a lane.
const LANE_END: f32 = 4.0;

impl<'a> Stage<'a> {
    /// The stage for a picture and a window.
    pub fn new(picture: &'a Picture, window: &'a Window) -> Stage<'a> {
        let m = window.measures.tall(window.scale.tall);
        Stage { picture, window, axis: Axis::of(picture), m }
    }

    /// The pixel of a moment.
    pub fn x(&self, at: Moment) -> f32 {
        self.m.gutter + self.window.scale.x(&self.axis, at)
    }

    /// The moment under a pixel.
    pub fn moment(&self, x: f32) -> Moment {
        self.window.scale.moment(&self.axis, x - self.m.gutter)
    }

    /// The moments whose columns can be seen: from the first to just after the last.
    pub fn seen(&self) -> (Moment, Moment) {
        let first = self.moment(self.m.gutter);
        let last = self.moment(self.window.width);
        (Moment::step(first.step), Moment::step(last.step + 1))
    }

    /// The width of an ordinary column.
    pub fn step_px(&self) -> f32 {
        self.window.scale.step_px as f32
    }

    /// The part right of the gutter and below the ruler.
    pub fn plot(&self) -> Rect {
        Rect::new(self.m.gutter, self.m.body(), self.window.plot(), self.window.body())
    }

    /// Height of a lane, its strip included.
    pub fn lane_height(&self, lane: &Lane) -> f32 {
        if self.window.folded.contains(&lane.id) {
            self.m.strip
        } else {
            self.m.strip + lane.row_y(lane.rows().len(), &self.m) + LANE_END
        }
    }

    /// Height of all lanes.
    pub fn content(&self) -> f32 {
        self.picture.lanes.iter().map(|lane| self.lane_height(lane)).sum()
    }

    /// The lanes that can be seen, each with the pixel of its upper edge.
    pub fn lanes(&self) -> Vec<(f32, &'a Lane)> {
        let mut y = self.m.body() - self.window.scale.top;
        let mut seen = Vec::new();
        for lane in &self.picture.lanes {
            let bottom = y + self.lane_height(lane);
            if bottom > self.m.body() && y < self.window.height {
                seen.push((y, &**lane));
            }
            y = bottom;
        }
        seen
    }

    /// The rows of a lane that can be seen, with the lane's upper edge at `y`.
    pub fn rows(&self, lane: &Lane, y: f32) -> std::ops::Range<usize> {
        if self.window.folded.contains(&lane.id) {
            return 0..0;
        }
        let first = y + self.m.strip;
        let start = lane.row_at((self.m.body() - first).max(0.0), &self.m);
        let end = lane.row_at((self.window.height - first).max(0.0), &self.m) + 1;
        start..end.min(lane.rows().len()).max(start)
    }

    /// Where row `i` of a lane is, with the lane's upper edge at `y`; without the gap below it.
    pub fn row_rect(&self, lane: &Lane, y: f32, i: usize) -> Rect {
        let top = y + self.m.strip + lane.row_y(i, &self.m);
        let height = self.m.row(lane.rows()[i].key.what);
        let gap = if height >= 6.0 { 1.0 } else { 0.0 };
        Rect::new(self.m.gutter, top, self.window.plot(), height - gap)
    }

    /// Where a row is, on the screen or off it; a row in a folded lane is its lane's strip.
    pub fn find(&self, id: RowId) -> Option<Rect> {
        let mut y = self.m.body() - self.window.scale.top;
        for lane in &self.picture.lanes {
            if lane.id == id.lane {
                if self.window.folded.contains(&lane.id) {
                    return Some(Rect::new(self.m.gutter, y, self.window.plot(), self.m.strip));
                }
                return lane.covering(id.key).map(|i| self.row_rect(lane, y, i));
            }
            y += self.lane_height(lane);
        }
        None
    }

    /// The row under a pixel of the plot or the gutter; a tear is none.
    pub fn row_under(&self, y: f32) -> Option<RowId> {
        if y < self.m.body() {
            return None;
        }
        let (top, lane) = self.lanes().into_iter().rfind(|(top, _)| *top <= y)?;
        let below = y - top - self.m.strip;
        let i = (below >= 0.0 && !self.window.folded.contains(&lane.id)).then(|| lane.row_at(below, &self.m))?;
        let row = lane.rows().get(i).filter(|row| row.key.what != What::Tear)?;
        Some(RowId { lane: lane.id, key: row.key })
    }

    /// The lane whose strip is under a pixel, where it stands or where it sticks.
    pub fn strip_under(&self, y: f32) -> Option<LaneId> {
        let lanes = self.lanes();
        let body = self.m.body();
        if y < body {
            return None;
        }
        let (top, lane) = lanes.into_iter().rfind(|(top, _)| top.max(body) <= y)?;
        (y < top.max(body) + self.m.strip).then_some(lane.id)
    }

    /// The window's scale, moved as little as needed to show a row.
    pub fn reveal_row(&self, id: RowId) -> Scale {
        let scale = self.window.scale;
        let Some(rect) = self.find(id) else { return scale };
        let (top, bottom) = (self.m.body() + self.m.strip, self.window.height);
        let dy = if rect.y < top {
            rect.y - top
        } else if rect.bottom() + 2.0 > bottom {
            rect.bottom() + 2.0 - bottom
        } else {
            0.0
        };
        self.clamp(scale.pan(0.0, dy))
    }

    /// A scale held inside this picture.
    pub fn clamp(&self, scale: Scale) -> Scale {
        scale.clamp(&self.axis, self.window.plot(), self.content(), self.window.body())
    }

    /// Rows `factor` times as high, with what is under pixel `y` kept there.
    pub fn zoom_rows(&self, y: f32, factor: f32) -> Scale {
        let scale = self.window.scale.zoom_rows(factor);
        let anchor = self.row_under(y);
        let window = Window { scale, ..self.window.clone() };
        let after = Stage::new(self.picture, &window);
        let moved = anchor.and_then(|id| {
            let (before, now) = (self.find(id)?, after.find(id)?);
            let share = (y - before.y) / before.h.max(1.0);
            Some(now.y + share * now.h - y)
        });
        after.clamp(scale.pan(0.0, moved.unwrap_or(0.0)))
    }
}
