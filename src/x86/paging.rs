//! The paging modes: how each cuts an address, what its entries look like, and which of their bits must be clear.
//!
//! A mode is a value that follows from CR0.PG, CR4.PAE, EFER.LMA and CR4.LA57; nobody sets it. Formats are those of the Intel SDM
//! vol. 3, chapter "Paging". Which rights an entry leaves is in [`super::rights`].

use super::addr::{Level, Ma, PAGE_SHIFT, Va};
use super::memory::Memory;
use super::model::{CpuModel, Features};
use super::pte::Pte;
use super::regs::{Cr0, Cr4, Efer, Registers};
use serde::Serialize;

/// How the processor walks, when paging is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Paging {
    /// Two levels of 4-byte entries.
    Bits32,
    /// Four entries in registers, then two levels of 8-byte entries.
    Pae,
    /// Four levels of 8-byte entries, in long mode.
    FourLevel,
    /// Five levels of 8-byte entries, in long mode.
    FiveLevel,
}

/// How large a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PageSize {
    /// 4 KiB.
    Kib4,
    /// 2 MiB.
    Mib2,
    /// 4 MiB, in 32-bit paging.
    Mib4,
    /// 1 GiB, in long mode.
    Gib1,
}

impl PageSize {
    /// The large ones, smallest first.
    pub const LARGE: [PageSize; 3] = [PageSize::Mib2, PageSize::Mib4, PageSize::Gib1];

    /// How many bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        match self {
            PageSize::Kib4 => 1 << 12,
            PageSize::Mib2 => 1 << 21,
            PageSize::Mib4 => 1 << 22,
            PageSize::Gib1 => 1 << 30,
        }
    }

    /// The first address of the page of this size around `va`.
    #[must_use]
    pub fn first(self, va: Va) -> Va {
        Va(va.0 & !(self.bytes() - 1))
    }

    /// The offset of `va` in its page.
    #[must_use]
    pub fn offset(self, va: Va) -> u64 {
        va.0 & (self.bytes() - 1)
    }
}

impl Paging {
    /// The mode the registers ask for; none while paging is off.
    #[must_use]
    pub fn of(regs: &Registers) -> Option<Paging> {
        if !regs.cr0.contains(Cr0::PG) {
            return None;
        }
        Some(if regs.efer.contains(Efer::LMA) {
            if regs.cr4.contains(Cr4::LA57) { Paging::FiveLevel } else { Paging::FourLevel }
        } else if regs.cr4.contains(Cr4::PAE) {
            Paging::Pae
        } else {
            Paging::Bits32
        })
    }

    /// The level CR3 points at.
    #[must_use]
    pub const fn top(self) -> Level {
        Level(match self {
            Paging::Bits32 => 1,
            Paging::Pae => 2,
            Paging::FourLevel => 3,
            Paging::FiveLevel => 4,
        })
    }

    /// How wide a linear address is.
    #[must_use]
    pub const fn address_bits(self) -> u32 {
        match self {
            Paging::Bits32 | Paging::Pae => 32,
            Paging::FourLevel => 48,
            Paging::FiveLevel => 57,
        }
    }

    /// Whether it is one of long mode's: canonical addresses, protection keys.
    #[must_use]
    pub const fn is_long(self) -> bool {
        matches!(self, Paging::FourLevel | Paging::FiveLevel)
    }

    /// How many address bits lie below an entry of a level.
    #[must_use]
    pub const fn shift(self, level: Level) -> u32 {
        PAGE_SHIFT + self.index_bits() * level.0 as u32
    }

    /// The index of an address in a table of a level.
    #[must_use]
    pub const fn index(self, va: Va, level: Level) -> u64 {
        let wide = (1 << self.index_bits()) - 1;
        let mask = if level.0 == self.top().0 && matches!(self, Paging::Pae) { 3 } else { wide };
        va.0 >> self.shift(level) & mask
    }

    /// Bytes of an entry.
    #[must_use]
    pub const fn entry_bytes(self) -> u64 {
        match self {
            Paging::Bits32 => 4,
            Paging::Pae | Paging::FourLevel | Paging::FiveLevel => 8,
        }
    }

    /// The address as the processor forms it: 32 bits outside long mode, else all of it.
    #[must_use]
    pub const fn linear(self, va: Va) -> Va {
        if self.is_long() { va } else { Va(va.0 & 0xffff_ffff) }
    }

    /// Whether all bits from the topmost translated one up are equal. Every address is, outside long mode.
    #[must_use]
    pub const fn is_canonical(self, va: Va) -> bool {
        let top = va.0 as i64 >> (self.address_bits() - 1);
        !self.is_long() || top == 0 || top == -1
    }

    /// Whether the entries of a level have rights, A and an XD bit; PAE's page-directory-pointer entries have none of them.
    #[must_use]
    pub const fn has_rights(self, level: Level) -> bool {
        !(matches!(self, Paging::Pae) && level.0 == 2)
    }

    const fn index_bits(self) -> u32 {
        match self {
            Paging::Bits32 => 10,
            Paging::Pae | Paging::FourLevel | Paging::FiveLevel => 9,
        }
    }
}

/// The mode with the settings that say what a bit of an entry means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Format {
    /// The mode.
    pub paging: Paging,
    /// CR4.PSE.
    pub large_pages: bool,
    /// EFER.NXE.
    pub no_execute: bool,
    /// What kind of processor it is.
    pub model: CpuModel,
}

/// The bits from `low` to `high`, both included; none where `high` is below.
const fn bits(high: u32, low: u32) -> u64 {
    if high < low { 0 } else { (!0 >> (63 - high)) & (!0 << low) }
}

impl Format {
    /// Bits of a present page-directory-pointer entry of PAE paging that must be clear below MAXPHYADDR: 8:5 and 2:1.
    const PDPTE_LOW: u64 = 0x1e6;

    /// The format the registers ask for; none while paging is off.
    #[must_use]
    pub fn of(regs: &Registers) -> Option<Format> {
        let paging = Paging::of(regs)?;
        let large_pages = regs.cr4.contains(Cr4::PSE);
        let no_execute = regs.efer.contains(Efer::NXE);
        Some(Format { paging, large_pages, no_execute, model: regs.model })
    }

    /// The entry at `at`, as wide as the mode's.
    #[must_use]
    pub fn read(&self, memory: &Memory, at: Ma) -> Pte {
        match self.paging {
            Paging::Bits32 => Pte(u32::from_le_bytes(memory.bytes(at)).into()),
            Paging::Pae | Paging::FourLevel | Paging::FiveLevel => Pte(memory.word(at)),
        }
    }

    /// Stores an entry, as wide as the mode's.
    pub fn store(&self, memory: &mut Memory, at: Ma, entry: Pte) {
        match self.paging {
            Paging::Bits32 => memory.store(at, &(entry.0 as u32).to_le_bytes()),
            Paging::Pae | Paging::FourLevel | Paging::FiveLevel => memory.store_word(at, entry.0),
        }
    }

    /// The page an entry of `level` maps when it is present; none when it names a table.
    #[must_use]
    pub fn page(&self, level: Level, entry: Pte) -> Option<PageSize> {
        let large = entry.has(Pte::PAGE_SIZE);
        match (level.0, self.paging) {
            (0, _) => Some(PageSize::Kib4),
            (1, Paging::Bits32) => (large && self.large_pages).then_some(PageSize::Mib4),
            (1, Paging::Pae | Paging::FourLevel | Paging::FiveLevel) => large.then_some(PageSize::Mib2),
            (2, Paging::FourLevel | Paging::FiveLevel) if self.model.has(Features::PAGE_1GB) => {
                large.then_some(PageSize::Gib1)
            }
            (_, Paging::Bits32 | Paging::Pae | Paging::FourLevel | Paging::FiveLevel) => None,
        }
    }

    /// The table a present entry names.
    #[must_use]
    pub fn table(&self, entry: Pte) -> Ma {
        entry.frame().base()
    }

    /// The first byte of the page of `size` that an entry maps.
    #[must_use]
    pub fn base(&self, entry: Pte, size: PageSize) -> Ma {
        Ma(match size {
            PageSize::Kib4 => entry.0 & Pte::FRAME,
            PageSize::Mib2 | PageSize::Gib1 => entry.0 & Pte::FRAME & !(size.bytes() - 1),
            // PSE-36: bits 20:13 are bits 39:32 of the address.
            PageSize::Mib4 => entry.0 & bits(31, 22) | (entry.0 & bits(20, 13)) << 19,
        })
    }

    /// The bits that must be clear in a present entry of `level`. Depends on the entry: a large page has other ones.
    #[must_use]
    #[inline]
    pub fn reserved(&self, level: Level, entry: Pte) -> u64 {
        match self.paging {
            Paging::Bits32 => self.reserved_32bit(self.page(level, entry)),
            Paging::Pae if level == Paging::Pae.top() => self.reserved_pdpte(),
            Paging::Pae => self.beyond(62) | self.reserved_low(level, entry),
            Paging::FourLevel | Paging::FiveLevel => self.beyond(51) | self.reserved_low(level, entry),
        }
    }

    /// The bits that must be clear in a present page-directory-pointer entry of PAE paging when CR3 is loaded.
    #[must_use]
    pub fn reserved_pdpte(&self) -> u64 {
        self.model.beyond_memory() | Self::PDPTE_LOW
    }

    /// PSE-36 has as many address bits as the machine, up to 40; the rest of bits 21:13 are reserved.
    fn reserved_32bit(&self, size: Option<PageSize>) -> u64 {
        let has_pat = self.model.has(Features::PAT);
        match size {
            Some(PageSize::Mib4) => {
                let wide =
                    if self.model.has(Features::PSE36) { u32::from(self.model.address_bits).min(40) } else { 32 };
                bits(21, wide - 19) | if has_pat { 0 } else { bits(12, 12) }
            }
            Some(PageSize::Kib4) if !has_pat => Pte::PAGE_SIZE,
            Some(PageSize::Kib4 | PageSize::Mib2 | PageSize::Gib1) | None => 0,
        }
    }

    /// Address bits that the machine has not, up to bit `top`, and XD unless EFER.NXE is set.
    fn beyond(&self, top: u32) -> u64 {
        let execute_disable = if self.no_execute { 0 } else { Pte::NO_EXECUTE };
        bits(top, self.model.address_bits.into()) | execute_disable
    }

    /// The offset bits of a large page save PAT, and PS where no page can be. Without PS there is neither.
    fn reserved_low(&self, level: Level, entry: Pte) -> u64 {
        if level == Level::LEAF || !entry.has(Pte::PAGE_SIZE) {
            return 0;
        }
        match self.page(level, entry) {
            Some(size) => (size.bytes() - 1) & !0x1fff,
            None => Pte::PAGE_SIZE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, Level, PageSize, Paging, Pte, Va, bits};
    use crate::x86::model::CpuModel;

    #[test]
    fn every_mode_cuts_the_whole_address() {
        let top = Va(0xffff_ffff_ffff_ffff);
        for (paging, expected) in [
            (Paging::Bits32, &[1023, 1023][..]),
            (Paging::Pae, &[511, 511, 3]),
            (Paging::FourLevel, &[511; 4]),
            (Paging::FiveLevel, &[511; 5]),
        ] {
            let cut: Vec<u64> = (0..=paging.top().0).map(|level| paging.index(top, Level(level))).collect();
            assert_eq!(cut, expected, "{paging:?}");
        }
    }

    #[test]
    fn the_hole_shrinks_with_a_fifth_level() {
        let edge = Va(0x0000_8000_0000_0000);
        assert!(!Paging::FourLevel.is_canonical(edge));
        assert!(Paging::FiveLevel.is_canonical(edge));
        assert!(Paging::Pae.is_canonical(edge));
    }

    #[test]
    fn pse36_reserves_what_the_machine_has_not() {
        let format = |address_bits| Format {
            paging: Paging::Bits32,
            large_pages: true,
            no_execute: false,
            model: CpuModel { address_bits, ..CpuModel::default() },
        };
        let page = Pte(Pte::PRESENT | Pte::PAGE_SIZE);
        assert_eq!(format(52).reserved(Level(1), page), bits(21, 21));
        assert_eq!(format(36).reserved(Level(1), page), bits(21, 17));
        assert_eq!(format(52).base(Pte(0x1fe000 | page.0), PageSize::Mib4).0, 0xff_0000_0000);
    }
}
