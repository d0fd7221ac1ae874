//! Scenes as text, so that a snapshot can be read: a letter is 6 by 8 pixels.
//!
//! ```text
//!   pale ░   strong ▓   bar or edge ▌   dots :   hatch /   cross x   bars \   thread ·   red !   playhead |
//! ```

use super::{Align, Dash, Glyph, Ink, Item, Picture, Rect, Scene, Texture, Window, layout};

const W: f32 = 6.02;
const H: f32 = 8.0;

/// The part of the chart below the overview, as text.
pub fn sketch(picture: &Picture, window: &Window) -> String {
    let scene = layout(picture, window);
    let mut page = Page::new(window);
    for layer in &scene.layers {
        page.clip = layer.clip;
        for column in &layer.columns {
            page.fill(column.rect, letter(column.ink));
        }
        layer.items.iter().for_each(|item| page.item(item));
    }
    page.text()
}

/// How many things a scene holds, by kind: what a painter has to do.
pub fn size(scene: &Scene) -> (usize, usize) {
    (
        scene.layers.iter().map(|layer| layer.items.len()).sum(),
        scene.layers.iter().map(|layer| layer.columns.len()).sum(),
    )
}

fn letter(ink: Ink) -> char {
    match ink {
        Ink::MfnT | Ink::GrefT | Ink::OwnT | Ink::HoldT | Ink::LeakT => '░',
        Ink::MfnS | Ink::GrefS | Ink::OwnS | Ink::HoldS | Ink::LeakS => '▓',
        Ink::Bad => '!',
        Ink::Now => '|',
        Ink::Mfn | Ink::Gref | Ink::Own | Ink::Leak | Ink::Hold => '▌',
        Ink::Panel | Ink::Panel2 | Ink::Well => ' ',
        Ink::Line | Ink::Line2 | Ink::Ink | Ink::Ink2 | Ink::Ink3 | Ink::OnInk | Ink::Focus | Ink::OnBad => '─',
    }
}

struct Page {
    cells: Vec<Vec<char>>,
    clip: Rect,
}

impl Page {
    fn new(window: &Window) -> Page {
        let (columns, lines) = ((window.width / W) as usize + 1, (window.height / H) as usize + 1);
        Page { cells: vec![vec![' '; columns]; lines], clip: Rect::default() }
    }

    fn put(&mut self, x: f32, y: f32, what: char) {
        if self.clip.holds(x, y) {
            let (column, line) = ((x / W) as usize, (y / H) as usize);
            if let Some(cell) = self.cells.get_mut(line).and_then(|line| line.get_mut(column)) {
                *cell = what;
            }
        }
    }

    /// Fills the cells whose middle is inside; what is thin keeps one cell.
    fn fill(&mut self, rect: Rect, what: char) {
        let hair = what == '─' || (what == '▌' && rect.h < 3.0);
        if hair {
            return;
        }
        let middle = rect.y + rect.h / 2.0;
        let lines: Vec<f32> = if rect.h < 20.0 {
            vec![middle]
        } else {
            (0..(rect.h / H) as usize).map(|i| rect.y + (i as f32 + 0.5) * H).collect()
        };
        for y in lines {
            let mut x = rect.x.max(self.clip.x);
            let end = rect.right().min(self.clip.right());
            while x < end {
                self.put(x, y, what);
                x += W;
            }
        }
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Fill { ink: Ink::Panel | Ink::Well | Ink::Panel2, alpha, .. } if *alpha < 1.0 => {}
            Item::Fill { rect, ink, .. } => self.fill(*rect, letter(*ink)),
            Item::Texture { rect, texture } => {
                let what = match texture {
                    Texture::Dots => ':',
                    Texture::Hatch => '/',
                    Texture::Cross => 'x',
                    Texture::Bars => '\\',
                };
                self.fill(*rect, what);
            }
            Item::Line { points, stroke } if stroke.dash != Dash::Solid => {
                let what = match (stroke.ink, stroke.dash) {
                    (Ink::Bad, _) => '!',
                    (_, Dash::DashDot) => '-',
                    (Ink::Line2 | Ink::Hold, _) => '·',
                    (_, _) => return,
                };
                for pair in points.windows(2) {
                    let ((x, y), (end, _)) = (pair[0], pair[1]);
                    self.fill(Rect::new(x, y - 1.0, (end - x).max(1.0), 2.0), what);
                }
            }
            Item::Glyph { glyph, x, y, .. } => {
                let what = match glyph {
                    Glyph::Start => '•',
                    Glyph::Map => '■',
                    Glyph::Unmap => '□',
                    Glyph::Fault => '▼',
                    Glyph::Dup => 'Y',
                    Glyph::Offer => '◇',
                    Glyph::Grant => '◆',
                    Glyph::Exit => '×',
                    Glyph::Refused => '⊖',
                    Glyph::Panic => '●',
                    Glyph::Ask => '○',
                };
                self.put(*x, *y, what);
            }
            Item::Words { x, y, words, align, .. } => {
                let count = words.chars().count() as f32 * W;
                let start = match align {
                    Align::Start => *x,
                    Align::Middle => x - count / 2.0,
                    Align::End => x - count,
                };
                for (i, c) in words.chars().enumerate() {
                    self.put(start + (i as f32 + 0.3) * W, y - 3.6, c);
                }
            }
            Item::Line { .. } | Item::Outline { .. } | Item::Shape { .. } | Item::Ring { .. } => {}
        }
    }

    fn text(&self) -> String {
        let lines = self.cells.iter().map(|line| line.iter().collect::<String>().trim_end().to_owned());
        // The edge at the left keeps a snapshot from losing its indentation.
        lines.filter(|line| !line.is_empty() && line.trim() != "|").map(|line| format!("▏{line}\n")).collect()
    }
}
