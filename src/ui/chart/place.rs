//! Where the card goes: beside the pointer, over nothing that is selected, inside the chart.

use crate::view::chart::Rect;

/// The left upper corner of a card of this size for a pointer at `(x, y)`: the first of four places that fits and does
/// not touch `keep`; the last resort is the lower right.
pub(super) fn beside(x: f32, y: f32, size: (f32, f32), area: Rect, keep: Option<Rect>) -> (f32, f32) {
    const AWAY: f32 = 14.0;
    let (w, h) = size;
    let right = (x + AWAY, y + AWAY);
    let places = [right, (x - AWAY - w, y + AWAY), (x + AWAY, y - AWAY - h), (x - AWAY - w, y - AWAY - h)];
    let inside = |&(left, top): &(f32, f32)| {
        left >= area.x && top >= area.y && left + w <= area.right() && top + h <= area.bottom()
    };
    let clear = |&(left, top): &(f32, f32)| {
        keep.is_none_or(|keep| left + w < keep.x || left > keep.right() || top + h < keep.y || top > keep.bottom())
    };
    let best = places.iter().find(|place| inside(place) && clear(place)).or_else(|| places.iter().find(|p| inside(p)));
    best.copied().unwrap_or(((area.right() - w).max(area.x).min(right.0), (area.bottom() - h).max(area.y).min(right.1)))
}
