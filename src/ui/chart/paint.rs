//! Paints a scene on a canvas: matches each thing to calls, and decides nothing.

use wasm_bindgen::{Clamped, JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use super::glyphs::glyph;
use super::palette::Palette;
use crate::view::chart::{Align, Column, Dash, Face, Ink, Item, Layer, Rect, Scene, Stroke};

/// From so many columns on, they are put together as pixels: a canvas takes too long over each rectangle.
const RASTER_FROM: usize = 1500;

/// A canvas and what it needs to paint.
pub(super) struct Painter {
    context: CanvasRenderingContext2d,
    palette: Palette,
    dpr: f64,
    /// Pixels of merged columns, and the canvas they go through.
    raster: Option<(HtmlCanvasElement, CanvasRenderingContext2d)>,
    pixels: Vec<u8>,
}

impl Painter {
    pub(super) fn new(context: CanvasRenderingContext2d, palette: Palette, dpr: f64) -> Painter {
        Painter { context, palette, dpr, raster: None, pixels: Vec::new() }
    }

    pub(super) fn context(&self) -> &CanvasRenderingContext2d {
        &self.context
    }

    pub(super) fn retune(&mut self, palette: Palette, dpr: f64) {
        self.palette = palette;
        self.dpr = dpr;
    }

    pub(super) fn font(&self, face: Face) -> &str {
        self.palette.font(face)
    }

    /// Paints everything, back to front.
    pub(super) fn paint(&mut self, scene: &Scene) {
        for layer in &scene.layers {
            self.context.save();
            // One transform for everything: CSS pixels.
            let _ = self.context.set_transform(self.dpr, 0.0, 0.0, self.dpr, 0.0, 0.0);
            self.context.begin_path();
            let clip = layer.clip;
            self.context.rect(clip.x.into(), clip.y.into(), clip.w.into(), clip.h.into());
            self.context.clip();
            self.columns(layer);
            let mut brush = Brush::new(&self.context, &self.palette, self.dpr);
            layer.items.iter().for_each(|item| brush.item(item));
            self.context.restore();
        }
    }

    fn columns(&mut self, layer: &Layer) {
        if layer.columns.len() >= RASTER_FROM && self.rasterise(&layer.columns, layer.clip).is_ok() {
            return;
        }
        let mut brush = Brush::new(&self.context, &self.palette, self.dpr);
        for column in &layer.columns {
            brush.fill(column.rect, column.ink);
            if let Some(cap) = column.cap {
                brush.fill(Rect { h: 1.2, ..column.rect }, cap);
            }
        }
    }

    /// Sets the columns' pixels in memory and hands them over in one piece.
    fn rasterise(&mut self, columns: &[Column], clip: Rect) -> Result<(), JsValue> {
        let device = |length: f32| (f64::from(length) * self.dpr).round().max(0.0) as usize;
        let (width, height) = (device(clip.w).max(1), device(clip.h).max(1));
        self.pixels.clear();
        self.pixels.resize(width * height * 4, 0);
        let mut block = |rect: Rect, pixel: [u8; 4]| {
            let (left, right) = (device(rect.x - clip.x).min(width), device(rect.right() - clip.x).min(width));
            let (top, bottom) = (device(rect.y - clip.y).min(height), device(rect.bottom() - clip.y).min(height));
            for y in top..bottom {
                let row = &mut self.pixels[(y * width + left) * 4..(y * width + right.max(left)) * 4];
                row.chunks_exact_mut(4).for_each(|place| place.copy_from_slice(&pixel));
            }
        };
        for column in columns {
            block(column.rect, self.palette.pixel(column.ink));
            if let Some(cap) = column.cap {
                block(Rect { h: 1.0, ..column.rect }, self.palette.pixel(cap));
            }
        }
        let (canvas, context) = match &self.raster {
            Some((canvas, context)) => (canvas.clone(), context.clone()),
            None => {
                let canvas: HtmlCanvasElement = gloo_utils::document().create_element("canvas")?.dyn_into()?;
                let context = canvas.get_context("2d")?.ok_or(JsValue::NULL)?;
                let context: CanvasRenderingContext2d = context.dyn_into()?;
                self.raster = Some((canvas.clone(), context.clone()));
                (canvas, context)
            }
        };
        if (canvas.width() as usize, canvas.height() as usize) != (width, height) {
            canvas.set_width(width as u32);
            canvas.set_height(height as u32);
        }
        let image = ImageData::new_with_u8_clamped_array_and_sh(Clamped(&self.pixels), width as u32, height as u32)?;
        context.put_image_data(&image, 0.0, 0.0)?;
        self.context.draw_image_with_html_canvas_element_and_dw_and_dh(
            &canvas,
            clip.x.into(),
            clip.y.into(),
            width as f64 / self.dpr,
            height as f64 / self.dpr,
        )
    }
}

/// Remembers what the canvas is set to, so that runs of the same colour cost one change.
struct Brush<'a> {
    context: &'a CanvasRenderingContext2d,
    palette: &'a Palette,
    dpr: f64,
    ink: Option<Ink>,
    face: Option<Face>,
    align: Option<Align>,
    dash: Dash,
}

impl<'a> Brush<'a> {
    fn new(context: &'a CanvasRenderingContext2d, palette: &'a Palette, dpr: f64) -> Brush<'a> {
        Brush { context, palette, dpr, ink: None, face: None, align: None, dash: Dash::Solid }
    }

    fn ink(&mut self, ink: Ink) {
        if self.ink != Some(ink) {
            self.context.set_fill_style_str(self.palette.colour(ink));
            self.ink = Some(ink);
        }
    }

    fn fill(&mut self, rect: Rect, ink: Ink) {
        self.ink(ink);
        self.context.fill_rect(rect.x.into(), rect.y.into(), rect.w.into(), rect.h.into());
    }

    fn stroke(&mut self, stroke: Stroke) {
        self.context.set_stroke_style_str(self.palette.colour(stroke.ink));
        self.context.set_line_width(stroke.width.into());
        if self.dash != stroke.dash {
            let lengths: js_sys::Array =
                stroke.dash.pattern().iter().map(|&length| JsValue::from_f64(length)).collect();
            let _ = self.context.set_line_dash(&lengths);
            self.dash = stroke.dash;
        }
    }

    fn path(&self, points: &[(f32, f32)]) {
        self.context.begin_path();
        for (i, &(x, y)) in points.iter().enumerate() {
            if i == 0 {
                self.context.move_to(x.into(), y.into());
            } else {
                self.context.line_to(x.into(), y.into());
            }
        }
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Fill { rect, ink, alpha } => {
                if *alpha < 1.0 {
                    self.context.set_global_alpha(f64::from(*alpha));
                    self.fill(*rect, *ink);
                    self.context.set_global_alpha(1.0);
                } else {
                    self.fill(*rect, *ink);
                }
            }
            Item::Texture { rect, texture } => {
                let Some(pattern) = self.palette.pattern(*texture) else { return };
                self.context.save();
                // Tiles are device pixels, anchored at the canvas: neighbouring runs share one texture.
                let _ = self.context.set_transform(1.0, 0.0, 0.0, 1.0, 0.0, 0.0);
                self.context.set_fill_style_canvas_pattern(pattern);
                let device = |length: f32| f64::from(length) * self.dpr;
                self.context.fill_rect(device(rect.x), device(rect.y), device(rect.w), device(rect.h));
                self.context.restore();
            }
            Item::Outline { rect, stroke, radius } => {
                self.stroke(*stroke);
                let inner = rect.inset(stroke.width / 2.0);
                self.context.begin_path();
                let (x, y, w, h) = (inner.x.into(), inner.y.into(), inner.w.into(), inner.h.into());
                if *radius > 0.0 {
                    let _ = self.context.round_rect_with_f64(x, y, w, h, (*radius).into());
                } else {
                    self.context.rect(x, y, w, h);
                }
                self.context.stroke();
            }
            Item::Line { points, stroke } => {
                self.stroke(*stroke);
                self.path(points);
                self.context.stroke();
            }
            Item::Shape { points, ink } => {
                self.ink(*ink);
                self.path(points);
                self.context.close_path();
                self.context.fill();
            }
            Item::Ring { x, y, r, ink } => {
                self.ink(Ink::Panel);
                self.stroke(Stroke::solid(*ink, 1.5));
                self.context.begin_path();
                let _ = self.context.arc((*x).into(), (*y).into(), (*r).into(), 0.0, std::f64::consts::TAU);
                self.context.fill();
                self.context.stroke();
            }
            Item::Glyph { glyph: shape, x, y, size, ink } => {
                self.stroke(Stroke::solid(*ink, 1.0));
                glyph(
                    self.context,
                    *shape,
                    (*x, *y),
                    *size,
                    self.palette.colour(*ink),
                    self.palette.colour(Ink::Panel),
                );
                self.ink = None;
            }
            Item::Words { x, y, words, face, ink, align } => {
                self.ink(*ink);
                if self.face != Some(*face) {
                    self.context.set_font(self.palette.font(*face));
                    self.face = Some(*face);
                }
                if self.align != Some(*align) {
                    self.context.set_text_align(match align {
                        Align::Start => "left",
                        Align::Middle => "center",
                        Align::End => "right",
                    });
                    self.align = Some(*align);
                }
                let _ = self.context.fill_text(words, (*x).into(), (*y).into());
            }
        }
    }
}
