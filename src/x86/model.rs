//! What kind of processor it is: the answers of CPUID that paging depends on.
//!
//! Names and meaning as in the Intel SDM vol. 3, "Enumeration of paging features by CPUID".

use bitflags::bitflags;
use serde::{Deserialize, Serialize};

bitflags! {
    /// What the processor can do, as CPUID reports it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(transparent)]
    pub struct Features: u32 {
        /// 4 MiB pages for 32-bit paging: CR4.PSE may be set.
        const PSE = 1;
        /// PAE paging: CR4.PAE may be set.
        const PAE = 1 << 1;
        /// Global pages: CR4.PGE may be set.
        const PGE = 1 << 2;
        /// A page attribute table: the PAT bit of a leaf is not reserved.
        const PAT = 1 << 3;
        /// 4 MiB pages above 4 GiB.
        const PSE36 = 1 << 4;
        /// Execute-disable: EFER.NXE may be set.
        const NX = 1 << 5;
        /// 1 GiB pages.
        const PAGE_1GB = 1 << 6;
        /// 64-bit mode: EFER.LME may be set.
        const LONG_MODE = 1 << 7;
        /// CR4.SMEP may be set.
        const SMEP = 1 << 8;
        /// CR4.SMAP may be set.
        const SMAP = 1 << 9;
        /// Protection keys for user pages: CR4.PKE may be set.
        const PKU = 1 << 10;
        /// Protection keys for supervisor pages: CR4.PKS may be set.
        const PKS = 1 << 11;
        /// 5-level paging: CR4.LA57 may be set.
        const LA57 = 1 << 12;
        /// Process-context identifiers: CR4.PCIDE may be set.
        const PCID = 1 << 13;
        /// The instruction `invpcid`.
        const INVPCID = 1 << 14;
    }
}

/// A kind of processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CpuModel {
    /// MAXPHYADDR: how many bits a machine address has, 32 to 52.
    pub address_bits: u8,
    /// What it can do.
    pub features: Features,
}

impl CpuModel {
    /// The widest machine addresses that the architecture knows.
    pub const MOST_ADDRESS_BITS: u8 = 52;

    /// Bits 63:MAXPHYADDR.
    #[must_use]
    pub fn beyond_memory(self) -> u64 {
        !0 << self.address_bits
    }

    /// Whether it has all of `features`.
    #[must_use]
    pub fn has(self, features: Features) -> bool {
        self.features.contains(features)
    }
}

impl Default for CpuModel {
    /// Everything this model knows, and machine addresses as wide as the architecture allows.
    fn default() -> Self {
        CpuModel { address_bits: Self::MOST_ADDRESS_BITS, features: Features::all() }
    }
}
