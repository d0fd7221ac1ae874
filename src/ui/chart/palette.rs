//! Colours, faces and textures as a canvas wants them, read from the style sheet once and again when the theme changes.

use wasm_bindgen::JsCast;
use web_sys::{CanvasPattern, CanvasRenderingContext2d, HtmlCanvasElement, HtmlElement};

use crate::view::chart::{Face, Ink, Texture};

/// What the tokens say now.
pub(super) struct Palette {
    colours: Vec<String>,
    fonts: [String; 5],
    patterns: Vec<Option<CanvasPattern>>,
    dpr: f64,
}

impl Palette {
    /// Reads the tokens as they hold for `host`.
    pub(super) fn read(host: &HtmlElement, context: &CanvasRenderingContext2d, dpr: f64) -> Palette {
        let style = gloo_utils::window().get_computed_style(host).ok().flatten();
        let token = |name: &str, otherwise: &str| {
            let said = style.as_ref().and_then(|style| style.get_property_value(name).ok()).unwrap_or_default();
            if said.trim().is_empty() { otherwise.to_owned() } else { said.trim().to_owned() }
        };
        let colours: Vec<String> = Ink::ALL.iter().map(|ink| token(ink.token(), "#808080")).collect();
        let (mono, sans) = (token("--mono", "monospace"), token("--sans", "sans-serif"));
        let (small, name) = (token("--fs-xs", "10px"), token("--fs-s", "11px"));
        let fonts = [
            format!("{small} {mono}"),
            format!("700 {small} {mono}"),
            format!("{small} {sans}"),
            format!("700 {small} {sans}"),
            format!("600 {name} {sans}"),
        ];
        let mut palette = Palette { colours, fonts, patterns: Vec::new(), dpr };
        palette.patterns = Texture::ALL.iter().map(|&texture| palette.tile(context, texture)).collect();
        palette
    }

    pub(super) fn colour(&self, ink: Ink) -> &str {
        &self.colours[ink as usize]
    }

    /// A colour as red, green, blue and full cover, for pixels; tokens are written as six hex digits.
    pub(super) fn pixel(&self, ink: Ink) -> [u8; 4] {
        let hex = self.colour(ink).trim_start_matches('#');
        let part = |i: usize| hex.get(i..i + 2).and_then(|two| u8::from_str_radix(two, 16).ok()).unwrap_or(128);
        [part(0), part(2), part(4), 255]
    }

    pub(super) fn font(&self, face: Face) -> &str {
        match face {
            Face::Mono => &self.fonts[0],
            Face::MonoBold => &self.fonts[1],
            Face::Sans => &self.fonts[2],
            Face::SansBold => &self.fonts[3],
            Face::Name => &self.fonts[4],
        }
    }

    pub(super) fn pattern(&self, texture: Texture) -> Option<&CanvasPattern> {
        self.patterns.get(texture as usize)?.as_ref()
    }

    /// One tile of a texture in device pixels. Tiles join at their edges: diagonals go from corner to corner.
    fn tile(&self, context: &CanvasRenderingContext2d, texture: Texture) -> Option<CanvasPattern> {
        let size = match texture {
            Texture::Dots => 4.0,
            Texture::Hatch => 7.0,
            Texture::Cross => 9.0,
            Texture::Bars => 8.0,
        };
        let pixels = (size * self.dpr).round().max(2.0);
        let canvas: HtmlCanvasElement = gloo_utils::document().create_element("canvas").ok()?.dyn_into().ok()?;
        canvas.set_width(pixels as u32);
        canvas.set_height(pixels as u32);
        let tile: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        tile.scale(pixels / size, pixels / size).ok()?;
        tile.set_fill_style_str(self.colour(texture.ink()));
        tile.set_stroke_style_str(self.colour(texture.ink()));
        match texture {
            Texture::Dots => tile.fill_rect(1.0, 1.0, 1.2, 1.2),
            Texture::Hatch => diagonal(&tile, size, 1.2, false),
            Texture::Cross => {
                tile.set_global_alpha(0.75);
                diagonal(&tile, size, 1.0, false);
                diagonal(&tile, size, 1.0, true);
            }
            Texture::Bars => diagonal(&tile, size, 2.0, true),
        }
        context.create_pattern_with_html_canvas_element(&canvas, "repeat").ok()?
    }
}

/// A diagonal through a tile, with the corners its neighbours' diagonals reach into.
fn diagonal(tile: &CanvasRenderingContext2d, size: f64, width: f64, falling: bool) {
    tile.set_line_width(width);
    tile.begin_path();
    for shift in [-size, 0.0, size] {
        let (from, to) = if falling { (-1.0, size + 1.0) } else { (size + 1.0, -1.0) };
        tile.move_to(shift - 1.0, from);
        tile.line_to(shift + size + 1.0, to);
    }
    tile.stroke();
}
