//! Loading a control register: raw words in, and what the architecture forbids refused with its rule.
//!
//! Nothing is loaded when a rule stands against it. The rules are those of the Intel SDM: `mov` to and from control registers in
//! vol. 2, "Paging-mode enabling" and "State transitions with PCIDs" in vol. 3. What a load forgets is in [`super::cpu`].

use super::addr::Ma;
use super::fault::Exception;
use super::memory::Memory;
use super::model::{CpuModel, Features};
use super::paging::{Format, Paging};
use super::pte::Pte;
use super::regs::{Cr0, Cr3, Cr4, Efer, KeyRights, Registers};
use crate::word::Word;
use serde::{Deserialize, Serialize};

/// Why a register does not take a value, or an instruction is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Forbidden {
    /// CPUID names no such width.
    #[error("machine addresses are 32 to 52 bits wide")]
    AddressBits,
    /// Bits 63:32 of CR0.
    #[error("bits 63 to 32 of CR0 are reserved")]
    Cr0High,
    /// CR0.PG without CR0.PE.
    #[error("CR0.PG needs CR0.PE: only protected mode has paging")]
    PagingUnprotected,
    /// CR0.NW without CR0.CD.
    #[error("CR0.NW needs CR0.CD")]
    WriteThroughAlone,
    /// CR0.PG with EFER.LME and without CR4.PAE.
    #[error("long mode needs CR4.PAE: its entries have 8 bytes")]
    LongModeWithoutPae,
    /// CR0.PG cleared in long mode.
    #[error("64-bit code cannot switch paging off")]
    PagingOffInLongMode,
    /// A bit of CR4 the processor has not.
    #[error("CR4 has a bit set for something that this processor has not")]
    Cr4Unsupported,
    /// CR4.PAE cleared in long mode.
    #[error("CR4.PAE cannot be cleared in long mode")]
    PaeOffInLongMode,
    /// CR4.LA57 changed in long mode.
    #[error("CR4.LA57 cannot change in long mode: the top table would be read as one of another level")]
    LevelsInLongMode,
    /// CR4.PCIDE set outside long mode.
    #[error("CR4.PCIDE can be set in long mode only")]
    PcidsOutsideLongMode,
    /// CR4.PCIDE set while CR3 has low bits.
    #[error("CR4.PCIDE can be set only while bits 11 to 0 of CR3 are clear")]
    PcidsOnLowBits,
    /// A bit of EFER the processor has not.
    #[error("EFER has a bit set for something that this processor has not")]
    EferUnsupported,
    /// EFER.LME changed while paging.
    #[error("EFER.LME cannot change while paging is on")]
    LongModeWhilePaging,
    /// CR3 points beyond memory.
    #[error("CR3 has a bit set at or above the width of machine addresses")]
    Cr3TooWide,
    /// A page-directory-pointer entry of PAE paging has a reserved bit set.
    #[error("a present page-directory-pointer entry has a reserved bit set")]
    PdpteReserved,
    /// `wrpkru` without CR4.PKE.
    #[error("wrpkru needs CR4.PKE")]
    NoUserKeys,
    /// `IA32_PKRS` is not there.
    #[error("this processor has no IA32_PKRS")]
    NoSupervisorKeys,
    /// `invpcid` is not there.
    #[error("this processor has no invpcid")]
    NoInvpcid,
    /// A PCID of more than 12 bits in the descriptor of `invpcid`.
    #[error("the descriptor of invpcid has a reserved bit set")]
    InvpcidReserved,
    /// A PCID other than 0 while CR4.PCIDE is clear.
    #[error("invpcid names a PCID while CR4.PCIDE is clear")]
    InvpcidWithoutPcids,
    /// An address that is not canonical, for `invpcid` of one page.
    #[error("invpcid names an address that is not canonical")]
    InvpcidAddress,
    /// A type above 3.
    #[error("invpcid has types 0 to 3")]
    InvpcidType,
}

impl Forbidden {
    /// The exception that says so.
    #[must_use]
    pub const fn exception(self) -> Exception {
        match self {
            Forbidden::NoUserKeys | Forbidden::NoInvpcid => Exception::InvalidOpcode,
            Forbidden::AddressBits
            | Forbidden::Cr0High
            | Forbidden::PagingUnprotected
            | Forbidden::WriteThroughAlone
            | Forbidden::LongModeWithoutPae
            | Forbidden::PagingOffInLongMode
            | Forbidden::Cr4Unsupported
            | Forbidden::PaeOffInLongMode
            | Forbidden::LevelsInLongMode
            | Forbidden::PcidsOutsideLongMode
            | Forbidden::PcidsOnLowBits
            | Forbidden::EferUnsupported
            | Forbidden::LongModeWhilePaging
            | Forbidden::Cr3TooWide
            | Forbidden::PdpteReserved
            | Forbidden::NoSupervisorKeys
            | Forbidden::InvpcidReserved
            | Forbidden::InvpcidWithoutPcids
            | Forbidden::InvpcidAddress
            | Forbidden::InvpcidType => Exception::GeneralProtection,
        }
    }
}

/// What a processor starts with: raw words, and what kind it is. EFER.LMA follows from the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Boot {
    /// CR0.
    pub cr0: Word,
    /// CR3.
    pub cr3: Word,
    /// CR4.
    pub cr4: Word,
    /// `IA32_EFER`.
    pub efer: Word,
    /// PKRU.
    pub pkru: KeyRights,
    /// `IA32_PKRS`.
    pub pkrs: KeyRights,
    /// What CPUID says.
    pub model: CpuModel,
}

impl Default for Boot {
    /// [`Registers::default`], in raw words.
    fn default() -> Self {
        let Registers { model, cr0, cr2: _, cr3, cr4, efer, pkru, pkrs, pdptes: _ } = Registers::default();
        let (cr0, cr3, cr4) = (Word(cr0.bits()), Word(cr3.0), Word(cr4.bits()));
        Boot { cr0, cr3, cr4, efer: Word(efer.bits()), pkru, pkrs, model }
    }
}

/// Bits of CR4 that depend on what the processor has; the other ones that are known, every processor here has.
const CR4_NEEDS: [(Cr4, Features); 9] = [
    (Cr4::PSE, Features::PSE),
    (Cr4::PAE, Features::PAE),
    (Cr4::PGE, Features::PGE),
    (Cr4::LA57, Features::LA57),
    (Cr4::PCIDE, Features::PCID),
    (Cr4::SMEP, Features::SMEP),
    (Cr4::SMAP, Features::SMAP),
    (Cr4::PKE, Features::PKU),
    (Cr4::PKS, Features::PKS),
];

impl Registers {
    /// The registers of a processor that starts with these words.
    ///
    /// # Errors
    /// The first rule that a processor in this state would break.
    pub fn booted(boot: &Boot, memory: &Memory) -> Result<Registers, Forbidden> {
        let Boot { cr0, cr3, cr4, efer, pkru, pkrs, model } = *boot;
        if !(32..=CpuModel::MOST_ADDRESS_BITS).contains(&model.address_bits) {
            return Err(Forbidden::AddressBits);
        }
        let efer = known_efer(model, efer.0)? - Efer::LMA;
        let mut regs = Registers {
            cr0: known_cr0(cr0.0)?,
            cr4: known_cr4(model, cr4.0)?,
            efer,
            pkru,
            pkrs,
            model,
            ..Registers::default()
        };
        let long = regs.cr0.contains(Cr0::PG) && efer.contains(Efer::LME);
        regs.efer.set(Efer::LMA, long);
        if long && !regs.cr4.contains(Cr4::PAE) {
            return Err(Forbidden::LongModeWithoutPae);
        }
        if regs.cr4.contains(Cr4::PCIDE) && !long {
            return Err(Forbidden::PcidsOutsideLongMode);
        }
        if long && cr3.0 & model.beyond_memory() != 0 {
            return Err(Forbidden::Cr3TooWide);
        }
        regs.with_cr3(cr3.0, memory)
    }

    /// These registers after `mov cr0`.
    ///
    /// # Errors
    /// The rule against it.
    pub fn with_cr0(mut self, word: u64, memory: &Memory) -> Result<Registers, Forbidden> {
        let (old, new) = (self.cr0, known_cr0(word)?);
        let switches_on = new.contains(Cr0::PG) && !old.contains(Cr0::PG);
        if self.is_long() && !new.contains(Cr0::PG) {
            return Err(Forbidden::PagingOffInLongMode);
        }
        if switches_on && self.efer.contains(Efer::LME) {
            if !self.cr4.contains(Cr4::PAE) {
                return Err(Forbidden::LongModeWithoutPae);
            }
            self.efer |= Efer::LMA;
        }
        self.cr0 = new;
        let reloads = Cr0::CD | Cr0::NW | Cr0::PG;
        if (old ^ new).intersects(reloads) { self.with_pdptes(memory) } else { Ok(self) }
    }

    /// These registers after `mov cr3`. With CR4.PCIDE, bit 63 of the word is no part of the register.
    ///
    /// # Errors
    /// The rule against it.
    pub fn with_cr3(mut self, word: u64, memory: &Memory) -> Result<Registers, Forbidden> {
        let command = if self.cr4.contains(Cr4::PCIDE) { Cr3::NO_FLUSH } else { 0 };
        let kept = word & !command;
        // Outside long mode the operand has 32 bits.
        self.cr3 = Cr3(if self.is_long() { kept } else { kept & 0xffff_ffff });
        if self.cr3.0 & self.model.beyond_memory() != 0 {
            return Err(Forbidden::Cr3TooWide);
        }
        self.with_pdptes(memory)
    }

    /// These registers after `mov cr4`.
    ///
    /// # Errors
    /// The rule against it.
    pub fn with_cr4(mut self, word: u64, memory: &Memory) -> Result<Registers, Forbidden> {
        let (old, new) = (self.cr4, known_cr4(self.model, word)?);
        let changed = old ^ new;
        if self.is_long() && changed.contains(Cr4::PAE) {
            return Err(Forbidden::PaeOffInLongMode);
        }
        if self.is_long() && changed.contains(Cr4::LA57) {
            return Err(Forbidden::LevelsInLongMode);
        }
        if changed.contains(Cr4::PCIDE) && new.contains(Cr4::PCIDE) {
            if !self.is_long() {
                return Err(Forbidden::PcidsOutsideLongMode);
            }
            if self.cr3.0 & Cr3::LOW != 0 {
                return Err(Forbidden::PcidsOnLowBits);
            }
        }
        self.cr4 = new;
        let reloads = Cr4::PAE | Cr4::PGE | Cr4::PSE | Cr4::SMEP;
        if changed.intersects(reloads) { self.with_pdptes(memory) } else { Ok(self) }
    }

    /// These registers after `wrmsr` to `IA32_EFER`. LMA is not written.
    ///
    /// # Errors
    /// The rule against it.
    pub fn with_efer(mut self, word: u64) -> Result<Registers, Forbidden> {
        let new = (known_efer(self.model, word)? - Efer::LMA) | (self.efer & Efer::LMA);
        if (self.efer ^ new).contains(Efer::LME) && self.cr0.contains(Cr0::PG) {
            return Err(Forbidden::LongModeWhilePaging);
        }
        self.efer = new;
        Ok(self)
    }

    /// These registers after `wrpkru`.
    ///
    /// # Errors
    /// The rule against it.
    pub fn with_pkru(mut self, keys: KeyRights) -> Result<Registers, Forbidden> {
        if !self.cr4.contains(Cr4::PKE) {
            return Err(Forbidden::NoUserKeys);
        }
        self.pkru = keys;
        Ok(self)
    }

    /// These registers after `wrmsr` to `IA32_PKRS`.
    ///
    /// # Errors
    /// The rule against it.
    pub fn with_pkrs(mut self, keys: KeyRights) -> Result<Registers, Forbidden> {
        if !self.model.has(Features::PKS) {
            return Err(Forbidden::NoSupervisorKeys);
        }
        self.pkrs = keys;
        Ok(self)
    }

    /// PAE paging keeps its four page-directory-pointer entries in registers, and refuses reserved bits when it loads them.
    fn with_pdptes(mut self, memory: &Memory) -> Result<Registers, Forbidden> {
        let Some(format) = Format::of(&self).filter(|format| format.paging == Paging::Pae) else { return Ok(self) };
        let pdpt = self.cr3.pdpt();
        self.pdptes = std::array::from_fn(|i| Pte(memory.word(Ma(pdpt.0 + 8 * i as u64))));
        let refused = |entry: &Pte| entry.is_present() && entry.0 & format.reserved_pdpte() != 0;
        if self.pdptes.iter().any(refused) { Err(Forbidden::PdpteReserved) } else { Ok(self) }
    }
}

/// Unknown bits below 32 stay clear, as they do in the processor.
fn known_cr0(word: u64) -> Result<Cr0, Forbidden> {
    let cr0 = Cr0::from_bits_truncate(word) | Cr0::ET;
    if word >> 32 != 0 {
        Err(Forbidden::Cr0High)
    } else if cr0.contains(Cr0::PG) && !cr0.contains(Cr0::PE) {
        Err(Forbidden::PagingUnprotected)
    } else if cr0.contains(Cr0::NW) && !cr0.contains(Cr0::CD) {
        Err(Forbidden::WriteThroughAlone)
    } else {
        Ok(cr0)
    }
}

fn known_cr4(model: CpuModel, word: u64) -> Result<Cr4, Forbidden> {
    let cr4 = Cr4::from_bits(word).ok_or(Forbidden::Cr4Unsupported)?;
    let lacks = CR4_NEEDS.iter().any(|(bit, feature)| cr4.contains(*bit) && !model.has(*feature));
    if lacks { Err(Forbidden::Cr4Unsupported) } else { Ok(cr4) }
}

fn known_efer(model: CpuModel, word: u64) -> Result<Efer, Forbidden> {
    let efer = Efer::from_bits(word).ok_or(Forbidden::EferUnsupported)?;
    let lacks = efer.contains(Efer::NXE) && !model.has(Features::NX)
        || efer.contains(Efer::LME) && !model.has(Features::LONG_MODE);
    if lacks { Err(Forbidden::EferUnsupported) } else { Ok(efer) }
}
