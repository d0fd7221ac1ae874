//! One processor: the table it stands on, and the translations it remembers.
//!
//! A remembered translation is used without looking at the tables again; what forgets it is an event. PCID is not modelled yet.

use super::PteEvent;
use super::addr::{Mfn, Va};
use super::fault::{Access, Exception, Mode};
use super::memory::Memory;
use super::pte::Pte;
use super::walk::{Rights, Walk};
use crate::trace::{Emit, Halt};
use crate::word::Word;
use imbl::OrdMap;

/// A translation the processor remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cached {
    /// The leaf entry as it was when the walk was made.
    pub leaf: Pte,
    /// What all levels allowed then.
    pub rights: Rights,
}

/// CR3 and the TLB.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cpu {
    cr3: Mfn,
    tlb: OrdMap<Va, Cached>,
}

impl Cpu {
    /// The table the processor walks from.
    #[must_use]
    pub fn cr3(&self) -> Mfn {
        self.cr3
    }

    /// What it remembers of a page.
    #[must_use]
    pub fn remembers(&self, va: Va) -> Option<Cached> {
        self.tlb.get(&va.page()).copied()
    }

    /// Every page it remembers, in order.
    pub fn remembered(&self) -> impl Iterator<Item = (Va, Cached)> + '_ {
        self.tlb.iter().map(|(va, cached)| (*va, *cached))
    }

    /// Stands on another top table and forgets everything, global or not, as Xen does when it switches address spaces.
    ///
    /// # Errors
    /// Only a halt.
    pub fn switch_to(&mut self, top: Mfn, trace: &mut impl Emit<PteEvent>) -> Result<(), Halt> {
        if self.cr3 == top {
            return Ok(());
        }
        trace.emit(PteEvent::Cr3 { old: Word(self.cr3.base().0), new: Word(top.base().0) })?;
        self.cr3 = top;
        self.forget_all(trace)
    }

    /// `invlpg`.
    ///
    /// # Errors
    /// Only a halt.
    pub fn forget(&mut self, va: Va, trace: &mut impl Emit<PteEvent>) -> Result<(), Halt> {
        if self.tlb.contains_key(&va.page()) {
            trace.emit(PteEvent::Forgot { va: va.page() })?;
            self.tlb.remove(&va.page());
        }
        Ok(())
    }

    /// A flush of the whole TLB.
    ///
    /// # Errors
    /// Only a halt.
    pub fn forget_all(&mut self, trace: &mut impl Emit<PteEvent>) -> Result<(), Halt> {
        if !self.tlb.is_empty() {
            trace.emit(PteEvent::ForgotAll)?;
            self.tlb.clear();
        }
        Ok(())
    }

    /// Makes an access: remembered translation first, else a walk that sets A and D on the way, as the processor does
    /// (never for a walk that faults). Answers the leaf used.
    ///
    /// # Errors
    /// Outside, a halt; inside, the exception the processor raises.
    pub fn access(
        &mut self,
        memory: &mut Memory,
        va: Va,
        access: Access,
        mode: Mode,
        trace: &mut impl Emit<PteEvent>,
    ) -> Result<Result<Pte, Exception>, Halt> {
        if !va.is_canonical() {
            return Ok(Err(Exception::GeneralProtection));
        }
        if let Some(cached) = self.remembers(va)
            && !cached.rights.refuse(access, mode)
            && (access != Access::Write || cached.leaf.has(Pte::DIRTY))
        {
            return Ok(Ok(cached.leaf));
        }
        self.forget(va, trace)?;
        let walk = Walk::new(memory, self.cr3, va);
        if let Err(exception) = walk.allows(access, mode) {
            if let Exception::PageFault(code) = exception {
                trace.emit(PteEvent::Faulted { va, code })?;
            }
            return Ok(Err(exception));
        }
        mark(memory, &walk, access, trace)?;
        let walk = Walk::new(memory, self.cr3, va);
        let (Some(leaf), Some(rights)) = (walk.leaf(), walk.rights()) else {
            unreachable!("marking A and D took a present leaf away at {va:?}");
        };
        trace.emit(PteEvent::Cached { va: va.page(), entry: leaf.entry })?;
        self.tlb.insert(va.page(), Cached { leaf: leaf.entry, rights });
        Ok(Ok(leaf.entry))
    }
}

/// Sets A at every level and, for a write, D at the leaf.
fn mark(memory: &mut Memory, walk: &Walk, access: Access, trace: &mut impl Emit<PteEvent>) -> Result<(), Halt> {
    for rung in &walk.rungs {
        let is_leaf = Some(*rung) == walk.leaf();
        let dirty = if is_leaf && access == Access::Write { Pte::DIRTY } else { 0 };
        let old = Pte(memory.word(rung.at));
        let new = old.with(Pte::ACCESSED | dirty);
        if new != old {
            trace.emit(PteEvent::Marked { at: rung.at, old, new })?;
            memory.store_word(rung.at, new.0);
        }
    }
    Ok(())
}
