//! A picture made ready for painting: a flat list of rectangles, lines, glyphs and words with their places.
//!
//! Colours are names of tokens, textures and dashes are names too; how they look on a canvas is the painter's.

use std::rc::Rc;

use super::Glyph;

/// A rectangle in CSS pixels of the chart.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Rect {
    /// Left edge.
    pub x: f32,
    /// Upper edge.
    pub y: f32,
    /// Width.
    pub w: f32,
    /// Height.
    pub h: f32,
}

impl Rect {
    /// A rectangle from its left upper corner and size.
    pub const fn new(x: f32, y: f32, w: f32, h: f32) -> Rect {
        Rect { x, y, w, h }
    }

    /// Whether a point is inside.
    pub fn holds(&self, x: f32, y: f32) -> bool {
        x >= self.x && x < self.x + self.w && y >= self.y && y < self.y + self.h
    }

    /// The right edge.
    pub fn right(&self) -> f32 {
        self.x + self.w
    }

    /// The lower edge.
    pub fn bottom(&self) -> f32 {
        self.y + self.h
    }

    /// Smaller by `by` on every side.
    pub fn inset(&self, by: f32) -> Rect {
        Rect::new(self.x + by, self.y + by, (self.w - 2.0 * by).max(0.0), (self.h - 2.0 * by).max(0.0))
    }
}

macro_rules! inks {
    ($($(#[$doc:meta])* $ink:ident = $token:literal,)*) => {
        /// A colour, by the name of its token.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Ink { $($(#[$doc])* $ink,)* }

        impl Ink {
            /// Every colour.
            pub const ALL: &[Ink] = &[$(Ink::$ink,)*];

            /// The CSS custom property it is read from.
            pub const fn token(self) -> &'static str {
                match self { $(Ink::$ink => $token,)* }
            }
        }
    };
}

inks! {
    /// The surface.
    Panel = "--panel",
    /// The surface of the gutter.
    Panel2 = "--panel2",
    /// A sunken surface: strips, the opened column.
    Well = "--well",
    /// Hair lines.
    Line = "--line",
    /// Lines that mean something.
    Line2 = "--line2",
    /// Words, selection, arrows.
    Ink = "--ink",
    /// Quieter words.
    Ink2 = "--ink2",
    /// The quietest words.
    Ink3 = "--ink3",
    /// Words on ink.
    OnInk = "--onink",
    /// The focus ring.
    Focus = "--focus",
    /// The playhead.
    Now = "--now",
    /// Foreign: mark.
    Mfn = "--mfn",
    /// Foreign: pale.
    MfnT = "--mfn-t",
    /// Foreign: strong.
    MfnS = "--mfn-s",
    /// Granted: mark.
    Gref = "--gref",
    /// Granted: pale.
    GrefT = "--gref-t",
    /// Granted: strong.
    GrefS = "--gref-s",
    /// Own memory: mark.
    Own = "--own",
    /// Own memory: pale.
    OwnT = "--own-t",
    /// Own memory: strong.
    OwnS = "--own-s",
    /// Leaked: mark.
    Leak = "--leak",
    /// Leaked: pale.
    LeakT = "--leak-t",
    /// Leaked: strong.
    LeakS = "--leak-s",
    /// A broken rule, a panic of the kernel.
    Bad = "--bad",
    /// Words on a broken rule.
    OnBad = "--onbad",
    /// Placeholder: mark.
    Hold = "--hold",
    /// Placeholder: pale.
    HoldT = "--hold-t",
    /// Placeholder: strong.
    HoldS = "--hold-s",
}

/// What covers a rectangle over its fill.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Texture {
    /// Placeholders: dots.
    Dots,
    /// Refused: grey hatch.
    Hatch,
    /// Leaked: cross-hatch.
    Cross,
    /// Waiting for the mapper: bars.
    Bars,
}

impl Texture {
    /// Every texture.
    pub const ALL: &[Texture] = &[Texture::Dots, Texture::Hatch, Texture::Cross, Texture::Bars];

    /// The colour of its marks.
    pub const fn ink(self) -> Ink {
        match self {
            Texture::Dots => Ink::Hold,
            Texture::Hatch => Ink::Line2,
            Texture::Cross => Ink::Leak,
            Texture::Bars => Ink::Gref,
        }
    }
}

/// How a line is broken up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Dash {
    /// Not at all.
    Solid,
    /// A thread of dots.
    Dots,
    /// A line of close dots.
    Fine,
    /// Dash, dot.
    DashDot,
    /// Short dashes: hollow frames, a break that passes.
    Short,
    /// Long dashes: what is not there yet, or no more.
    Long,
}

impl Dash {
    /// Lengths of ink and gap, in pixels.
    pub const fn pattern(self) -> &'static [f64] {
        match self {
            Dash::Solid => &[],
            Dash::Dots => &[1.0, 3.0],
            Dash::Fine => &[1.5, 2.0],
            Dash::DashDot => &[4.0, 2.0, 1.0, 2.0],
            Dash::Short => &[3.0, 2.0],
            Dash::Long => &[3.0, 3.0],
        }
    }
}

/// A type face and size.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Face {
    /// Small, monospaced.
    Mono,
    /// Small, monospaced, bold.
    MonoBold,
    /// Small, sans.
    Sans,
    /// Small, sans, bold.
    SansBold,
    /// A lane's name.
    Name,
}

/// Which point of the words stands at their place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Align {
    /// The left end.
    Start,
    /// The middle.
    Middle,
    /// The right end.
    End,
}

/// A pen for lines.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Stroke {
    /// Its colour.
    pub ink: Ink,
    /// Its width in pixels.
    pub width: f32,
    /// How it is broken up.
    pub dash: Dash,
}

impl Stroke {
    /// An unbroken line.
    pub const fn solid(ink: Ink, width: f32) -> Stroke {
        Stroke { ink, width, dash: Dash::Solid }
    }

    /// A broken line.
    pub const fn dashed(ink: Ink, width: f32, dash: Dash) -> Stroke {
        Stroke { ink, width, dash }
    }
}

/// One thing to paint.
#[derive(Clone, PartialEq, Debug)]
pub enum Item {
    /// A filled rectangle; `alpha` from 0 to 1.
    Fill {
        /// Where.
        rect: Rect,
        /// Its colour.
        ink: Ink,
        /// How much of it covers.
        alpha: f32,
    },
    /// A texture over a rectangle.
    Texture {
        /// Where.
        rect: Rect,
        /// Which.
        texture: Texture,
    },
    /// The frame of a rectangle, drawn inside it.
    Outline {
        /// Where.
        rect: Rect,
        /// With what.
        stroke: Stroke,
        /// Radius of its corners.
        radius: f32,
    },
    /// A line through points.
    Line {
        /// The points, at least two.
        points: Vec<(f32, f32)>,
        /// With what.
        stroke: Stroke,
    },
    /// A filled shape with straight sides.
    Shape {
        /// Its corners.
        points: Vec<(f32, f32)>,
        /// Its colour.
        ink: Ink,
    },
    /// A small ring, filled with the surface.
    Ring {
        /// Its middle.
        x: f32,
        /// Its middle.
        y: f32,
        /// Its radius.
        r: f32,
        /// Its colour.
        ink: Ink,
    },
    /// A glyph.
    Glyph {
        /// Which.
        glyph: Glyph,
        /// Its middle.
        x: f32,
        /// Its middle.
        y: f32,
        /// Width and height.
        size: f32,
        /// Its colour.
        ink: Ink,
    },
    /// Words on one line.
    Words {
        /// Where they stand.
        x: f32,
        /// Their base line.
        y: f32,
        /// What they say.
        words: Rc<str>,
        /// Their face.
        face: Face,
        /// Their colour.
        ink: Ink,
        /// Which point stands at `x`.
        align: Align,
    },
}

/// One column of merged runs.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Column {
    /// Where.
    pub rect: Rect,
    /// Fill.
    pub ink: Ink,
    /// The line along its upper edge; none where rows are too flat for one.
    pub cap: Option<Ink>,
}

/// Things that share a clip, painted in order: columns first.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Layer {
    /// Nothing is painted outside it.
    pub clip: Rect,
    /// Merged runs.
    pub columns: Vec<Column>,
    /// Everything else.
    pub items: Vec<Item>,
}

/// What is to be painted, from back to front.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Scene {
    /// The layers.
    pub layers: Vec<Layer>,
}
