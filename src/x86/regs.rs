//! The registers that paging depends on, each with a type; raw words go in through [`super::control`], which refuses what the
//! architecture forbids.
//!
//! Not here: the code segment. Long mode is taken to run 64-bit code.

use super::addr::{Ma, Mfn, Va};
use super::model::CpuModel;
use super::pte::Pte;
use crate::word::{hex_word, small_id};
use bitflags::bitflags;
use serde::Serialize;

bitflags! {
    /// CR0.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct Cr0: u64 {
        /// Protected mode.
        const PE = 1;
        /// Monitor coprocessor.
        const MP = 1 << 1;
        /// Emulate the FPU.
        const EM = 1 << 2;
        /// Task switched.
        const TS = 1 << 3;
        /// Extension type: always set.
        const ET = 1 << 4;
        /// FPU errors raise #MF.
        const NE = 1 << 5;
        /// Supervisor writes heed R/W.
        const WP = 1 << 16;
        /// EFLAGS.AC checks alignment at CPL 3.
        const AM = 1 << 18;
        /// Not write-through.
        const NW = 1 << 29;
        /// Cache disable.
        const CD = 1 << 30;
        /// Paging.
        const PG = 1 << 31;
    }
}

bitflags! {
    /// CR4.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct Cr4: u64 {
        /// Virtual-8086 extensions.
        const VME = 1;
        /// Protected-mode virtual interrupts.
        const PVI = 1 << 1;
        /// Time stamp disable.
        const TSD = 1 << 2;
        /// Debugging extensions.
        const DE = 1 << 3;
        /// 4 MiB pages in 32-bit paging.
        const PSE = 1 << 4;
        /// Entries of 8 bytes: PAE paging, or long mode's.
        const PAE = 1 << 5;
        /// Machine check.
        const MCE = 1 << 6;
        /// Global pages.
        const PGE = 1 << 7;
        /// Performance counters at CPL 3.
        const PCE = 1 << 8;
        /// `fxsave`.
        const OSFXSR = 1 << 9;
        /// SIMD exceptions.
        const OSXMMEXCPT = 1 << 10;
        /// User-mode instruction prevention.
        const UMIP = 1 << 11;
        /// 5-level paging in long mode.
        const LA57 = 1 << 12;
        /// `rdfsbase` and its like.
        const FSGSBASE = 1 << 16;
        /// Process-context identifiers.
        const PCIDE = 1 << 17;
        /// `xsave`.
        const OSXSAVE = 1 << 18;
        /// The supervisor fetches from no user page.
        const SMEP = 1 << 20;
        /// The supervisor touches no user page unless EFLAGS.AC is set.
        const SMAP = 1 << 21;
        /// Protection keys for user pages.
        const PKE = 1 << 22;
        /// Protection keys for supervisor pages.
        const PKS = 1 << 24;
    }
}

bitflags! {
    /// The MSR `IA32_EFER`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct Efer: u64 {
        /// `syscall`.
        const SCE = 1;
        /// Long mode once paging is on.
        const LME = 1 << 8;
        /// Long mode: follows LME and CR0.PG, and is never written.
        const LMA = 1 << 10;
        /// Bit 63 of an entry is XD and not reserved.
        const NXE = 1 << 11;
    }
}

hex_word!(
    /// CR3: the top table, and how to reach it or under which identifier.
    Cr3, "cr3:"
);

small_id!(
    /// A process-context identifier, 12 bits. 0 while CR4.PCIDE is clear.
    Pcid(u16), "pcid:"
);

small_id!(
    /// A protection key, 0 to 15: bits 62:59 of a leaf.
    ProtectionKey(u8), "key:"
);

small_id!(
    /// PKRU or `IA32_PKRS`: two bits for each protection key.
    KeyRights(u32), "keys:"
);

impl Cr3 {
    /// Bits 11:0, a PCID while CR4.PCIDE is set.
    pub const LOW: u64 = 0xfff;
    /// In the word of `mov cr3` with CR4.PCIDE set: forget nothing. Never part of the register.
    pub const NO_FLUSH: u64 = 1 << 63;

    /// The frame of the top table.
    #[must_use]
    pub fn frame(self) -> Mfn {
        Pte(self.0).frame()
    }

    /// Where PAE paging has its four page-directory-pointer entries: 32-byte aligned, below 4 GiB.
    #[must_use]
    pub fn pdpt(self) -> Ma {
        Ma(self.0 & 0xffff_ffe0)
    }
}

impl KeyRights {
    /// Whether data under a key may not be touched (ADi).
    #[must_use]
    pub fn forbids_access(self, key: ProtectionKey) -> bool {
        self.0 >> (2 * u32::from(key.0)) & 1 != 0
    }

    /// Whether data under a key may not be written (WDi).
    #[must_use]
    pub fn forbids_write(self, key: ProtectionKey) -> bool {
        self.0 >> (2 * u32::from(key.0)) & 2 != 0
    }
}

/// Everything a translation depends on beside the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Registers {
    /// What kind of processor it is.
    pub model: CpuModel,
    /// CR0.
    pub cr0: Cr0,
    /// The address of the last page fault.
    pub cr2: Va,
    /// CR3.
    pub cr3: Cr3,
    /// CR4.
    pub cr4: Cr4,
    /// `IA32_EFER`, LMA included.
    pub efer: Efer,
    /// Rights of protection keys on user pages.
    pub pkru: KeyRights,
    /// Rights of protection keys on supervisor pages, `IA32_PKRS`.
    pub pkrs: KeyRights,
    /// The page-directory-pointer entries as they were when CR3 was last loaded under PAE paging: registers of their own.
    pub pdptes: [Pte; 4],
}

impl Registers {
    /// A 64-bit PV guest's view of a processor: 4-level paging with CR0.WP and EFER.NXE, neither SMEP nor SMAP.
    #[must_use]
    pub fn paravirtual(top: Mfn) -> Registers {
        Registers {
            model: CpuModel::default(),
            cr0: Cr0::PE.union(Cr0::ET).union(Cr0::NE).union(Cr0::WP).union(Cr0::PG),
            cr2: Va(0),
            cr3: Cr3(top.base().0),
            cr4: Cr4::PSE.union(Cr4::PAE).union(Cr4::PGE),
            efer: Efer::LME.union(Efer::LMA).union(Efer::NXE),
            pkru: KeyRights(0),
            pkrs: KeyRights(0),
            pdptes: [Pte::NONE; 4],
        }
    }

    /// Whether the processor is in long mode.
    #[must_use]
    pub fn is_long(&self) -> bool {
        self.efer.contains(Efer::LMA)
    }

    /// The identifier translations are remembered under now.
    #[must_use]
    pub fn pcid(&self) -> Pcid {
        let in_use = self.cr4.contains(Cr4::PCIDE);
        Pcid(if in_use { (self.cr3.0 & Cr3::LOW) as u16 } else { 0 })
    }
}

impl Default for Registers {
    /// [`Registers::paravirtual`] on frame 0.
    fn default() -> Self {
        Registers::paravirtual(Mfn(0))
    }
}

/// A register that an instruction loads, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlRegister {
    /// CR0.
    Cr0,
    /// CR4.
    Cr4,
    /// `IA32_EFER`.
    Efer,
    /// PKRU.
    Pkru,
    /// `IA32_PKRS`.
    Pkrs,
}
