//! A page table entry: 64 bits, and what each of them says.
//!
//! Software bits 11:9 are a 3-bit *ordered* field to the illumos HAT (`hat_pte.h`); that reading is in `illumos::hat`.

use super::addr::Mfn;
use crate::word::hex_word;

hex_word!(
    /// One entry of a page table, as it stands in memory.
    Pte, "pte:"
);

impl Pte {
    /// No entry.
    pub const NONE: Pte = Pte(0);
    /// Bit 0, P.
    pub const PRESENT: u64 = 1;
    /// Bit 1, R/W.
    pub const WRITABLE: u64 = 1 << 1;
    /// Bit 2, U/S.
    pub const USER: u64 = 1 << 2;
    /// Bit 3, PWT.
    pub const WRITE_THROUGH: u64 = 1 << 3;
    /// Bit 4, PCD.
    pub const NO_CACHE: u64 = 1 << 4;
    /// Bit 5, A: set by the processor at the first use.
    pub const ACCESSED: u64 = 1 << 5;
    /// Bit 6, D: set by the processor at the first write.
    pub const DIRTY: u64 = 1 << 6;
    /// Bit 7: PS above the leaves, PAT in a leaf.
    pub const PAGE_SIZE: u64 = 1 << 7;
    /// Bit 8, G: survives a load of CR3.
    pub const GLOBAL: u64 = 1 << 8;
    /// Bits 11:9, free for software.
    pub const SOFTWARE: u64 = 0xe00;
    /// Bits 51:12, the frame.
    pub const FRAME: u64 = 0x000f_ffff_ffff_f000;
    /// Bit 63, NX.
    pub const NO_EXECUTE: u64 = 1 << 63;

    /// An entry for `frame` with the given flag bits.
    #[must_use]
    pub fn new(frame: Mfn, flags: u64) -> Pte {
        Pte(frame.0 << 12 & Self::FRAME | flags)
    }

    /// Whether every bit of `flags` is set.
    #[must_use]
    pub fn has(self, flags: u64) -> bool {
        self.0 & flags == flags
    }

    /// Whether the processor would use it.
    #[must_use]
    pub fn is_present(self) -> bool {
        self.has(Self::PRESENT)
    }

    /// The frame it names, present or not.
    #[must_use]
    pub fn frame(self) -> Mfn {
        Mfn((self.0 & Self::FRAME) >> 12)
    }

    /// The same entry with `flags` set.
    #[must_use]
    pub fn with(self, flags: u64) -> Pte {
        Pte(self.0 | flags)
    }

    /// The same entry with `flags` clear.
    #[must_use]
    pub fn without(self, flags: u64) -> Pte {
        Pte(self.0 & !flags)
    }
}
