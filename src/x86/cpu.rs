//! One processor: its registers, what it remembers, and the accesses it makes.
//!
//! A remembered translation is used without looking at the tables again; what forgets it is an event. A remembered right that is
//! missing is never trusted: the tables are walked again before a fault is raised, as the architecture allows.

use super::PteEvent;
use super::addr::{Ma, Mfn, PAGE_SIZE, Va};
use super::control::{Boot, Forbidden};
use super::fault::{Access, ErrorCode, Exception, Mode};
use super::memory::Memory;
use super::model::Features;
use super::paging::{Format, Paging};
use super::pte::Pte;
use super::regs::{ControlRegister, Cr0, Cr3, Cr4, KeyRights, Pcid, Registers};
use super::rights::{Request, Translation};
use super::tlb::{Owner, Scope, Slot, Tlb};
use super::walk::Walk;
use crate::trace::{Emit, Halt, agreed};
use crate::word::Word;

/// A processor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cpu {
    regs: Registers,
    tlb: Tlb,
}

/// Where an access arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reached {
    /// The machine address of its first byte.
    pub at: Ma,
    /// The page it went through; none while paging is off.
    pub page: Option<Translation>,
}

/// How the processor comes to a translation, before it changes anything.
enum Found {
    /// Paging is off.
    Plain,
    /// Remembered, and it allows the access.
    Remembered(Translation),
    /// By a walk that allows it and has nothing to mark.
    Warm(Translation),
    /// By a walk that allows it.
    Walked(Walk, Translation),
    /// The walk refuses it.
    Refused(ErrorCode),
    /// No such address.
    NotCanonical,
}

/// What `invpcid` forgets, by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Invpcid {
    /// 0 one address, 1 one context, 2 everything, 3 everything that is not global.
    pub kind: u64,
    /// The first quadword of its descriptor: the PCID.
    pub pcid: u64,
    /// The second one: the address.
    pub va: Va,
}

impl Cpu {
    /// A processor that starts with these words and remembers nothing.
    ///
    /// # Errors
    /// The rule that its state would break.
    pub fn booted(boot: &Boot, memory: &Memory) -> Result<Cpu, Forbidden> {
        Ok(Cpu { regs: Registers::booted(boot, memory)?, tlb: Tlb::default() })
    }

    /// Its registers.
    #[must_use]
    pub fn regs(&self) -> &Registers {
        &self.regs
    }

    /// The frame of the table it walks from.
    #[must_use]
    pub fn cr3(&self) -> Mfn {
        self.regs.cr3.frame()
    }

    /// The mode it translates in; none while paging is off.
    #[must_use]
    pub fn paging(&self) -> Option<Paging> {
        Paging::of(&self.regs)
    }

    /// What it remembers of a page under the present identifier.
    #[must_use]
    pub fn remembers(&self, va: Va) -> Option<Translation> {
        self.tlb.find(va, self.regs.pcid()).copied()
    }

    /// Every page it remembers, under whatever identifier.
    pub fn remembered(&self) -> impl Iterator<Item = (&Slot, &Translation)> + '_ {
        self.tlb.iter()
    }

    /// Every remembered page that the tables no longer translate so, beside the walk that says otherwise; A and D bits aside. Pages of
    /// another identifier are left out: which tables they belong to, the processor does not know.
    pub fn stale<'c>(&'c self, memory: &'c Memory) -> impl Iterator<Item = (&'c Slot, &'c Translation, Walk)> {
        let here = Owner::Pcid(self.regs.pcid());
        let current = self.tlb.iter().filter(move |(slot, _)| slot.owner == here || slot.owner == Owner::Global);
        current.filter_map(move |(slot, kept)| {
            let walk = Walk::through(memory, &self.regs, slot.va)?;
            let harvested = Pte::ACCESSED | Pte::DIRTY;
            let agrees = walk.page().is_some_and(|page| {
                page.leaf.without(harvested) == kept.leaf.without(harvested)
                    && (page.rights, page.base, page.size) == (kept.rights, kept.base, kept.size)
            });
            (!agrees).then_some((slot, kept, walk))
        })
    }

    /// Stands on another top table and forgets everything, global or not, as Xen does when it switches address spaces.
    ///
    /// # Errors
    /// Only a halt.
    pub fn switch_to(&mut self, top: Mfn, trace: &mut impl Emit<PteEvent>) -> Result<(), Halt> {
        if self.cr3() == top {
            return Ok(());
        }
        let new = Cr3(top.base().0);
        trace.emit(PteEvent::Cr3 { old: Word(self.regs.cr3.0), new: Word(new.0) })?;
        self.regs.cr3 = new;
        self.forget_all(trace)
    }

    /// `mov cr3`: forgets what is not global, of the identifier it names; nothing if told so by bit 63 under CR4.PCIDE.
    ///
    /// # Errors
    /// Outside, a halt; inside, the rule against it.
    pub fn load_cr3(
        &mut self,
        word: u64,
        memory: &Memory,
        trace: &mut impl Emit<PteEvent>,
    ) -> Result<Result<(), Forbidden>, Halt> {
        let new = agreed!(Ok(self.regs.with_cr3(word, memory)));
        trace.emit(PteEvent::Cr3 { old: Word(self.regs.cr3.0), new: Word(new.cr3.0) })?;
        self.regs = new;
        let keeps = self.regs.cr4.contains(Cr4::PCIDE) && word & Cr3::NO_FLUSH != 0;
        if !keeps {
            self.forget_in(Scope::Context(self.regs.pcid()), trace)?;
        }
        Ok(Ok(()))
    }

    /// `mov cr0`: switching paging off forgets everything.
    ///
    /// # Errors
    /// Outside, a halt; inside, the rule against it.
    pub fn load_cr0(
        &mut self,
        word: u64,
        memory: &Memory,
        trace: &mut impl Emit<PteEvent>,
    ) -> Result<Result<(), Forbidden>, Halt> {
        let new = agreed!(Ok(self.regs.with_cr0(word, memory)));
        let switches_off = (self.regs.cr0 - new.cr0).contains(Cr0::PG);
        self.load(new, (ControlRegister::Cr0, self.regs.cr0.bits(), new.cr0.bits()), trace)?;
        if switches_off {
            self.forget_all(trace)?;
        }
        Ok(Ok(()))
    }

    /// `mov cr4`: a change of PGE, or the end of PCIDs, forgets everything; a change of PAE and the start of SMEP what belongs to
    /// the present identifier. Here the latter forget everything, too: which global translations belong to it is not recorded, and to
    /// forget more is always allowed.
    ///
    /// # Errors
    /// Outside, a halt; inside, the rule against it.
    pub fn load_cr4(
        &mut self,
        word: u64,
        memory: &Memory,
        trace: &mut impl Emit<PteEvent>,
    ) -> Result<Result<(), Forbidden>, Halt> {
        let old = self.regs.cr4;
        let new = agreed!(Ok(self.regs.with_cr4(word, memory)));
        self.load(new, (ControlRegister::Cr4, old.bits(), new.cr4.bits()), trace)?;
        let changes = (old ^ new.cr4).intersects(Cr4::PGE | Cr4::PAE);
        let ends = (old - new.cr4).contains(Cr4::PCIDE);
        let starts = (new.cr4 - old).contains(Cr4::SMEP);
        if changes || ends || starts {
            self.forget_all(trace)?;
        }
        Ok(Ok(()))
    }

    /// `wrmsr` to `IA32_EFER`: forgets nothing.
    ///
    /// # Errors
    /// Outside, a halt; inside, the rule against it.
    pub fn load_efer(&mut self, word: u64, trace: &mut impl Emit<PteEvent>) -> Result<Result<(), Forbidden>, Halt> {
        let new = agreed!(Ok(self.regs.with_efer(word)));
        self.load(new, (ControlRegister::Efer, self.regs.efer.bits(), new.efer.bits()), trace)?;
        Ok(Ok(()))
    }

    /// `wrpkru`: forgets nothing, and counts from the next access on.
    ///
    /// # Errors
    /// Outside, a halt; inside, the rule against it.
    pub fn load_pkru(
        &mut self,
        keys: KeyRights,
        trace: &mut impl Emit<PteEvent>,
    ) -> Result<Result<(), Forbidden>, Halt> {
        let new = agreed!(Ok(self.regs.with_pkru(keys)));
        self.load(new, (ControlRegister::Pkru, self.regs.pkru.0.into(), keys.0.into()), trace)?;
        Ok(Ok(()))
    }

    /// `wrmsr` to `IA32_PKRS`: forgets nothing, and counts from the next access on.
    ///
    /// # Errors
    /// Outside, a halt; inside, the rule against it.
    pub fn load_pkrs(
        &mut self,
        keys: KeyRights,
        trace: &mut impl Emit<PteEvent>,
    ) -> Result<Result<(), Forbidden>, Halt> {
        let new = agreed!(Ok(self.regs.with_pkrs(keys)));
        self.load(new, (ControlRegister::Pkrs, self.regs.pkrs.0.into(), keys.0.into()), trace)?;
        Ok(Ok(()))
    }

    fn load(
        &mut self,
        new: Registers,
        (register, old, word): (ControlRegister, u64, u64),
        trace: &mut impl Emit<PteEvent>,
    ) -> Result<(), Halt> {
        if new != self.regs {
            trace.emit(PteEvent::Control { register, old: Word(old), new: Word(word) })?;
            self.regs = new;
        }
        Ok(())
    }

    /// `invlpg`: the page around an address, under the present identifier or global, large or small.
    ///
    /// # Errors
    /// Only a halt.
    pub fn forget(&mut self, va: Va, trace: &mut impl Emit<PteEvent>) -> Result<(), Halt> {
        self.forget_in(Scope::Page(self.linear(va), self.regs.pcid()), trace)
    }

    /// A flush of the whole TLB.
    ///
    /// # Errors
    /// Only a halt.
    pub fn forget_all(&mut self, trace: &mut impl Emit<PteEvent>) -> Result<(), Halt> {
        self.forget_in(Scope::All, trace)
    }

    /// `invpcid`.
    ///
    /// # Errors
    /// Outside, a halt; inside, the rule against it.
    pub fn invpcid(
        &mut self,
        Invpcid { kind, pcid, va }: Invpcid,
        trace: &mut impl Emit<PteEvent>,
    ) -> Result<Result<(), Forbidden>, Halt> {
        if !self.regs.model.has(Features::INVPCID) {
            return Ok(Err(Forbidden::NoInvpcid));
        }
        if pcid > Cr3::LOW {
            return Ok(Err(Forbidden::InvpcidReserved));
        }
        let named = Pcid(pcid as u16);
        let scope = match kind {
            0 | 1 if named != Pcid(0) && !self.regs.cr4.contains(Cr4::PCIDE) => {
                return Ok(Err(Forbidden::InvpcidWithoutPcids));
            }
            0 if self.paging().is_some_and(|paging| !paging.is_canonical(va)) => {
                return Ok(Err(Forbidden::InvpcidAddress));
            }
            0 => Scope::PageOf(self.linear(va), named),
            1 => Scope::Context(named),
            2 => Scope::All,
            3 => Scope::NonGlobal,
            _ => return Ok(Err(Forbidden::InvpcidType)),
        };
        self.forget_in(scope, trace)?;
        Ok(Ok(()))
    }

    /// Forgets page by page where pages are named, else all in one.
    fn forget_in(&mut self, scope: Scope, trace: &mut impl Emit<PteEvent>) -> Result<(), Halt> {
        let covered = self.tlb.covered(scope);
        match scope {
            _ if covered.is_empty() => {}
            Scope::All => {
                trace.emit(PteEvent::ForgotAll)?;
                self.tlb.clear();
            }
            Scope::Context(_) | Scope::NonGlobal => {
                trace.emit(PteEvent::ForgotNonGlobal { scope })?;
                covered.iter().for_each(|slot| self.tlb.remove(slot));
            }
            Scope::Page(..) | Scope::PageOf(..) => {
                for slot in covered {
                    trace.emit(PteEvent::Forgot { va: slot.va })?;
                    self.tlb.remove(&slot);
                }
            }
        }
        Ok(())
    }

    /// Makes an access of one byte as a PV guest does, and answers the leaf used. CR2 is not kept: Xen takes the fault and hands its
    /// address to the guest (`vcpu_info.arch.cr2`), so that machines which differ in nothing else are equal.
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
        let request = Request::new(access, mode);
        let found = self.find(memory, va, request);
        let reached = agreed!(self.settle(memory, va, request, found, trace));
        Ok(Ok(reached.page.expect("a PV guest runs with paging on").leaf))
    }

    /// Makes an access of one byte: a remembered translation first, else a walk that sets A and D on the way, as the processor
    /// does. An access that is refused sets nothing in the tables.
    ///
    /// # Errors
    /// Outside, a halt; inside, the exception the processor raises.
    pub fn reach(
        &mut self,
        memory: &mut Memory,
        va: Va,
        request: Request,
        trace: &mut impl Emit<PteEvent>,
    ) -> Result<Result<Reached, Exception>, Halt> {
        let va = self.linear(va);
        let found = self.find(memory, va, request);
        let reached = self.settle(memory, va, request, found, trace)?;
        self.note_fault(va, reached.err());
        Ok(reached)
    }

    /// Makes an access of `bytes` bytes, 1 to 4096. One that crosses into a second page is two translations, and neither sets
    /// anything unless both go through.
    ///
    /// # Errors
    /// Outside, a halt; inside, the exception the processor raises, for the first page that raises one.
    ///
    /// # Panics
    /// When `bytes` is no length of an access.
    pub fn reach_bytes(
        &mut self,
        memory: &mut Memory,
        va: Va,
        bytes: u64,
        request: Request,
        trace: &mut impl Emit<PteEvent>,
    ) -> Result<Result<(Reached, Option<Reached>), Exception>, Halt> {
        assert!((1..=PAGE_SIZE).contains(&bytes), "an access has 1 to 4096 bytes, not {bytes}");
        let va = self.linear(va);
        let last = self.linear(va.plus(bytes - 1));
        if last.page() == va.page() {
            let reached = agreed!(self.reach(memory, va, request, trace));
            return Ok(Ok((reached, None)));
        }
        let (first, second) = (self.find(memory, va, request), self.find(memory, last.page(), request));
        // Whether the whole operand has an address is asked before any of it is translated.
        let mut both = [(va, &first), (last.page(), &second)];
        both.sort_by_key(|(_, found)| !matches!(found, Found::NotCanonical));
        for (at, found) in both {
            if let Some(exception) = self.exception(found, request) {
                self.raise(at, exception, trace)?;
                self.note_fault(at, Some(exception));
                return Ok(Err(exception));
            }
        }
        let first = agreed!(self.settle(memory, va, request, first, trace));
        let second = agreed!(self.settle(memory, last.page(), request, second, trace));
        Ok(Ok((first, Some(second))))
    }

    /// The address as the processor forms it: 32 bits outside long mode.
    fn linear(&self, va: Va) -> Va {
        if self.regs.is_long() { va } else { Va(va.0 & 0xffff_ffff) }
    }

    #[inline]
    fn find(&self, memory: &Memory, va: Va, request: Request) -> Found {
        let Some(paging) = self.paging() else { return Found::Plain };
        if !paging.is_canonical(va) {
            return Found::NotCanonical;
        }
        if let Some(kept) = self.tlb.find(va, self.regs.pcid())
            && self.regs.refuses(kept, request).is_none()
            && (request.access != Access::Write || kept.leaf.has(Pte::DIRTY))
        {
            return Found::Remembered(*kept);
        }
        if let Some(page) = Walk::warm(memory, &self.regs, va, request.access == Access::Write)
            && self.regs.refuses(&page, request).is_none()
        {
            return Found::Warm(page);
        }
        let walk = Walk::through(memory, &self.regs, va).expect("paging is on");
        match walk.verdict(&self.regs, request) {
            Ok(page) => Found::Walked(walk, page),
            Err(code) => Found::Refused(code),
        }
    }

    fn exception(&self, found: &Found, request: Request) -> Option<Exception> {
        match found {
            Found::Plain | Found::Remembered(_) | Found::Warm(_) | Found::Walked(..) => None,
            Found::Refused(code) => Some(Exception::PageFault(*code)),
            Found::NotCanonical if request.stack => Some(Exception::StackFault),
            Found::NotCanonical => Some(Exception::GeneralProtection),
        }
    }

    #[inline]
    fn settle(
        &mut self,
        memory: &mut Memory,
        va: Va,
        request: Request,
        found: Found,
        trace: &mut impl Emit<PteEvent>,
    ) -> Result<Result<Reached, Exception>, Halt> {
        if let Some(exception) = self.exception(&found, request) {
            self.raise(va, exception, trace)?;
            return Ok(Err(exception));
        }
        let page = match found {
            Found::Plain | Found::Refused(_) | Found::NotCanonical => {
                return Ok(Ok(Reached { at: Ma(va.0), page: None }));
            }
            Found::Remembered(page) => page,
            Found::Warm(page) => {
                self.forget(va, trace)?;
                self.keep(va, page, trace)?;
                page
            }
            Found::Walked(walk, page) => {
                self.forget(va, trace)?;
                let page = self.mark(memory, &walk, page, request.access, trace)?;
                self.keep(va, page, trace)?;
                page
            }
        };
        Ok(Ok(Reached { at: page.reach(va), page: Some(page) }))
    }

    /// A page fault leaves its address in CR2.
    fn note_fault(&mut self, va: Va, exception: Option<Exception>) {
        if let Some(Exception::PageFault(_)) = exception {
            self.regs.cr2 = va;
        }
    }

    /// A page fault forgets what is remembered of the page.
    fn raise(&mut self, va: Va, exception: Exception, trace: &mut impl Emit<PteEvent>) -> Result<(), Halt> {
        match exception {
            Exception::PageFault(code) => {
                self.forget(va, trace)?;
                trace.emit(PteEvent::Faulted { va, code })?;
            }
            Exception::GeneralProtection | Exception::StackFault | Exception::InvalidOpcode => {}
        }
        Ok(())
    }

    /// Sets A in every entry that has one and, for a write, D in the leaf.
    fn mark(
        &self,
        memory: &mut Memory,
        walk: &Walk,
        page: Translation,
        access: Access,
        trace: &mut impl Emit<PteEvent>,
    ) -> Result<Translation, Halt> {
        let format = Format::of(&self.regs).expect("a walk was made, so paging is on");
        let dirty = if access == Access::Write { Pte::DIRTY } else { 0 };
        let leaf = walk.rungs.len() - 1;
        for (i, rung) in walk.rungs.iter().enumerate() {
            let flags = Pte::ACCESSED | if i == leaf { dirty } else { 0 };
            if rung.entry.has(flags) || !format.paging.has_rights(rung.level) {
                continue;
            }
            // An entry may serve two levels: what it is now, not what it was on the way down.
            let old = format.read(memory, rung.at);
            let new = old.with(flags);
            if new != old {
                trace.emit(PteEvent::Marked { at: rung.at, old, new })?;
                format.store(memory, rung.at, new);
            }
        }
        Ok(Translation { leaf: page.leaf.with(Pte::ACCESSED | dirty), ..page })
    }

    fn keep(&mut self, va: Va, page: Translation, trace: &mut impl Emit<PteEvent>) -> Result<(), Halt> {
        let is_global = page.leaf.has(Pte::GLOBAL) && self.regs.cr4.contains(Cr4::PGE);
        let owner = if is_global { Owner::Global } else { Owner::Pcid(self.regs.pcid()) };
        let slot = Slot { va: page.size.first(va), size: page.size, owner };
        trace.emit(PteEvent::Cached { va: slot.va, entry: page.leaf })?;
        self.tlb.insert(slot, page);
        Ok(())
    }
}
