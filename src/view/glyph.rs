//! One shape for each kind of step, so that a list reads without its words.

/// What a step was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Glyph {
    /// The machine as it starts.
    Start,
    /// Something was mapped.
    Map,
    /// Something was unmapped.
    Unmap,
    /// An address was touched.
    Fault,
    /// An address space was copied.
    Dup,
    /// A grant was offered.
    Offer,
    /// A grant was mapped.
    Grant,
    /// A process or domain ended.
    Exit,
    /// The kernel said no.
    Refused,
    /// The simulated kernel panicked.
    Panic,
    /// A call that asks and changes nothing, or changes settings alone.
    Ask,
}

impl Glyph {
    /// The word for those who cannot see the shape.
    pub fn word(self) -> &'static str {
        match self {
            Glyph::Start => "start",
            Glyph::Map => "map",
            Glyph::Unmap => "unmap",
            Glyph::Fault => "access",
            Glyph::Dup => "dup",
            Glyph::Offer => "grant offered",
            Glyph::Grant => "grant mapped",
            Glyph::Exit => "exit",
            Glyph::Refused => "refused",
            Glyph::Panic => "panic",
            Glyph::Ask => "call",
        }
    }
}
