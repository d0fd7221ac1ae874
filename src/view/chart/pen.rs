//! Writes into a layer; the one place that knows how wide words are.

use std::rc::Rc;

use super::{Align, Column, Dash, Face, Glyph, Ink, Item, Layer, Measures, Rect, Stroke, Texture};

pub(super) struct Pen {
    pub(super) layer: Layer,
    mono: f32,
    sans: f32,
}

impl Pen {
    pub(super) fn new(clip: Rect, m: &Measures) -> Pen {
        Pen { layer: Layer { clip, ..Layer::default() }, mono: m.mono, sans: m.sans }
    }

    pub(super) fn clip(&self) -> Rect {
        self.layer.clip
    }

    /// How wide words are in a face.
    pub(super) fn width(&self, words: &str, face: Face) -> f32 {
        let letter = match face {
            Face::Mono | Face::MonoBold => self.mono,
            Face::Sans => self.sans,
            Face::SansBold => self.sans * 1.2,
            Face::Name => self.sans * 1.36,
        };
        words.chars().count() as f32 * letter
    }

    /// As much of `words` as `room` holds, cut at its end with an ellipsis; nothing if only a stump would be left.
    pub(super) fn cut(&self, words: &str, face: Face, room: f32) -> Option<Rc<str>> {
        let (letters, width) = (words.chars().count(), self.width(words, face));
        if width <= room {
            return Some(words.into());
        }
        let keep = (room / (width / letters as f32)).floor() as usize;
        (keep >= 8).then(|| words.chars().take(keep - 1).chain(['…']).collect::<String>().into())
    }

    pub(super) fn item(&mut self, item: Item) {
        self.layer.items.push(item);
    }

    pub(super) fn column(&mut self, column: Column) {
        self.layer.columns.push(column);
    }

    pub(super) fn fill(&mut self, rect: Rect, ink: Ink) {
        self.wash(rect, ink, 1.0);
    }

    pub(super) fn wash(&mut self, rect: Rect, ink: Ink, alpha: f32) {
        if rect.w > 0.0 && rect.h > 0.0 {
            self.item(Item::Fill { rect, ink, alpha });
        }
    }

    pub(super) fn texture(&mut self, rect: Rect, texture: Texture) {
        if rect.w > 0.0 && rect.h > 0.0 {
            self.item(Item::Texture { rect, texture });
        }
    }

    pub(super) fn outline(&mut self, rect: Rect, stroke: Stroke, radius: f32) {
        self.item(Item::Outline { rect, stroke, radius });
    }

    pub(super) fn line(&mut self, points: &[(f32, f32)], stroke: Stroke) {
        self.item(Item::Line { points: points.to_vec(), stroke });
    }

    pub(super) fn thread(&mut self, from: f32, to: f32, y: f32, ink: Ink, dash: Dash) {
        if to > from {
            self.line(&[(from, y), (to, y)], Stroke::dashed(ink, 1.0, dash));
        }
    }

    pub(super) fn glyph(&mut self, glyph: Glyph, x: f32, y: f32, size: f32, ink: Ink) {
        self.item(Item::Glyph { glyph, x, y, size, ink });
    }

    pub(super) fn ring(&mut self, x: f32, y: f32, ink: Ink) {
        self.item(Item::Ring { x, y, r: 3.0, ink });
    }

    pub(super) fn words(&mut self, x: f32, y: f32, words: &Rc<str>, face: Face, ink: Ink, align: Align) {
        self.item(Item::Words { x, y, words: words.clone(), face, ink, align });
    }

    pub(super) fn say(&mut self, x: f32, y: f32, words: &str, face: Face, ink: Ink, align: Align) {
        self.words(x, y, &words.into(), face, ink, align);
    }
}

/// How a saw-tooth line goes from `from` to `to` about `y`.
pub(super) fn saw(from: f32, to: f32, y: f32) -> Vec<(f32, f32)> {
    let teeth = ((to - from) / 4.0).ceil().max(1.0) as usize;
    (0..=teeth).map(|i| (from + i as f32 * 4.0, if i % 2 == 0 { y + 1.5 } else { y - 1.5 })).collect()
}
