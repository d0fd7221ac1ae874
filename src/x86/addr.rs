//! One type for each space of addresses and frame numbers.

use crate::word::hex_word;

/// Bytes in a page or frame.
pub const PAGE_SIZE: u64 = 0x1000;
/// `log2(PAGE_SIZE)`.
pub const PAGE_SHIFT: u32 = 12;
/// The part of an address inside its page.
pub const PAGE_OFFSET: u64 = PAGE_SIZE - 1;

hex_word!(
    /// A linear address as a kernel carries it: any 64-bit value. The MMU asks [`Va::is_canonical`] before it walks.
    Va, "va:"
);
hex_word!(
    /// A machine address: what CR3 and page table entries speak of.
    Ma, "ma:"
);
hex_word!(
    /// A machine frame number: a machine address without its offset.
    Mfn, "mfn:"
);
hex_word!(
    /// A frame number of a guest's own pseudo-physical memory.
    Pfn, "pfn:"
);

impl Va {
    /// Whether bits 63:47 are all equal, as 4-level paging requires.
    #[must_use]
    pub fn is_canonical(self) -> bool {
        let top = self.0 as i64 >> 47;
        top == 0 || top == -1
    }

    /// The first byte of the page.
    #[must_use]
    pub fn page(self) -> Va {
        Va(self.0 & !PAGE_OFFSET)
    }

    /// The offset inside the page.
    #[must_use]
    pub fn offset(self) -> u64 {
        self.0 & PAGE_OFFSET
    }

    /// The address `bytes` further up, wrapping as a kernel's pointer arithmetic does.
    #[must_use]
    pub fn plus(self, bytes: u64) -> Va {
        Va(self.0.wrapping_add(bytes))
    }

    /// The address of the n-th page after this one.
    #[must_use]
    pub fn page_after(self, n: u64) -> Va {
        self.plus(n.wrapping_mul(PAGE_SIZE))
    }

    /// The index of this address in a table of `level`, 0 for the table of leaf entries.
    #[must_use]
    pub fn index(self, level: Level) -> u64 {
        self.0 >> level.shift() & 0x1ff
    }
}

impl Mfn {
    /// The machine address of its first byte.
    #[must_use]
    pub fn base(self) -> Ma {
        Ma(self.0 << PAGE_SHIFT)
    }

    /// The machine address of the n-th 8-byte entry, when the frame is a page table.
    #[must_use]
    pub fn entry(self, n: u64) -> Ma {
        Ma((self.0 << PAGE_SHIFT) + n * 8)
    }

    /// The n-th frame after this one.
    #[must_use]
    pub fn after(self, n: u64) -> Mfn {
        Mfn(self.0.wrapping_add(n))
    }
}

impl Ma {
    /// The frame it lies in.
    #[must_use]
    pub fn frame(self) -> Mfn {
        Mfn(self.0 >> PAGE_SHIFT)
    }

    /// The offset inside that frame.
    #[must_use]
    pub fn offset(self) -> u64 {
        self.0 & PAGE_OFFSET
    }
}

/// A level of the tree of tables, 0 for the tables of leaf entries, as the illumos HAT counts. A value, not a type parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Level(pub u8);

impl Level {
    /// The tables of leaf entries.
    pub const LEAF: Level = Level(0);
    /// What CR3 points at under 4-level paging.
    pub const TOP: Level = Level(3);

    /// How many address bits lie below an entry of this level.
    #[must_use]
    pub fn shift(self) -> u32 {
        PAGE_SHIFT + 9 * u32::from(self.0)
    }

    /// Bytes of address space under one entry.
    #[must_use]
    pub fn span(self) -> u64 {
        1 << self.shift()
    }

    /// Bytes of address space under one whole table.
    #[must_use]
    pub fn table_span(self) -> u64 {
        self.span() << 9
    }

    /// The level below; none below the leaves.
    #[must_use]
    pub fn below(self) -> Option<Level> {
        self.0.checked_sub(1).map(Level)
    }
}

#[cfg(test)]
mod tests {
    use super::{Level, Va};

    #[test]
    fn indices_of_the_savers_first_page() {
        let va = Va(0x8000_0000);
        assert_eq!([3, 2, 1, 0].map(|l| va.index(Level(l))), [0, 2, 0, 0]);
    }

    #[test]
    fn the_hole_is_not_canonical() {
        assert!(Va(0x7fff_ffff_ffff).is_canonical());
        assert!(!Va(0x8000_0000_0000).is_canonical());
        assert!(Va(0xffff_8000_0000_0000).is_canonical());
    }
}
