//! The mapping hypercalls: how a guest has its page tables changed.
//!
//! `xen/arch/x86/mm.c`: do_update_va_mapping(_otherdomain), do_mmu_update, do_mmuext_op, ptwr_emulated_update, mod_l1_entry.

use super::abi::{DomId, XenErrno, uvmf};
use super::domain::Domain;
use super::event::{XenCall, XenEvent, XenReturn, XenTrace};
use super::page_info::PageType;
use super::{Agreed, Era, Xen};
use crate::trace::{Halt, agreed};
use crate::x86::addr::{Level, Ma, Mfn, Va};
use crate::x86::pte::Pte;
use crate::x86::walk::Walk;

/// Where a guest's own half above Xen's begins.
const GUEST_KERNEL_BASE: Va = Va(0xffff_8800_0000_0000);
/// Where a guest's lower half ends.
const LOWER_END: Va = Va(1 << 47);
/// Bits that may change without a look at frame or owner (`mod_l1_entry`, fast path).
const FAST_PATH: u64 =
    Pte::NO_EXECUTE | 0x7ff0_0000_0000_0000 | Pte::SOFTWARE | Pte::GLOBAL | Pte::DIRTY | Pte::ACCESSED | Pte::USER;

impl<T: XenTrace> Xen<'_, T> {
    /// `update_va_mapping_otherdomain(va, val, flags, domid)`, called by `caller`.
    ///
    /// # Errors
    /// Only a halt, here and in all the hypercalls below.
    pub fn update_va_mapping_otherdomain(
        &mut self,
        caller: DomId,
        va: Va,
        val: Pte,
        flags: u64,
        domid: DomId,
    ) -> Result<XenErrno, Halt> {
        match self.page_owner(caller, domid) {
            Ok(owner) => self.update_va(caller, va, val, flags, owner),
            Err(errno) => Ok(errno),
        }
    }

    /// `update_va_mapping(va, val, flags)`: the frame is the caller's own.
    ///
    /// # Errors
    /// Only a halt.
    pub fn update_va_mapping(&mut self, caller: DomId, va: Va, val: Pte, flags: u64) -> Result<XenErrno, Halt> {
        self.update_va(caller, va, val, flags, caller)
    }

    /// `get_pg_owner`, and the right to name it.
    fn page_owner(&self, caller: DomId, domid: DomId) -> Result<DomId, XenErrno> {
        if domid == caller {
            return Err(XenErrno::ESRCH);
        }
        if domid == DomId::SELF {
            return Ok(caller);
        }
        let is_known = domid == DomId::IO || domid == DomId::XEN || self.state.domain(domid).is_some();
        if !is_known {
            return Err(XenErrno::ESRCH);
        }
        if self.state.domain(caller).is_some_and(|domain| domain.is_control) {
            return Ok(domid);
        }
        Err(match self.state.era {
            Era::V3_3 => XenErrno::ESRCH,
            Era::Today => XenErrno::EPERM,
        })
    }

    fn update_va(&mut self, caller: DomId, va: Va, val: Pte, flags: u64, from: DomId) -> Result<XenErrno, Halt> {
        let Some(at) = self.leaf_of(caller, va) else { return Ok(XenErrno::EINVAL) };
        if !self.is_leaf_table_of(caller, at.frame()) {
            return Ok(XenErrno::EINVAL);
        }
        if let Err(errno) = self.mod_l1_entry(at, val, caller, from)? {
            return Ok(self.entry_errno(errno));
        }
        match flags & uvmf::FLUSHTYPE_MASK {
            uvmf::TLB_FLUSH => self.cpu.forget_all(self.trace)?,
            uvmf::INVLPG => self.cpu.forget(va, self.trace)?,
            _ => {}
        }
        Ok(XenErrno::OK)
    }

    /// Where the leaf entry of a guest address is, if tables reach down to it.
    #[must_use]
    pub fn leaf_of(&self, caller: DomId, va: Va) -> Option<Ma> {
        let top = if va < LOWER_END {
            self.cpu.cr3()
        } else if va >= GUEST_KERNEL_BASE {
            self.state.domain(caller).and_then(|domain| domain.top)?
        } else {
            return None;
        };
        let last = Walk::new(self.memory, top, va).last();
        (last.level == Level::LEAF).then_some(last.at)
    }

    /// Whether a frame is, right now, a validated table of leaves that belongs to `owner`.
    pub(super) fn is_leaf_table_of(&self, owner: DomId, mfn: Mfn) -> bool {
        let info = self.state.frame(mfn);
        let is_leaf_table = info.typ.kind == PageType::Table(Level::LEAF) && info.typ.validated && info.typ.count > 0;
        info.owner == Some(owner) && info.count > 0 && is_leaf_table
    }

    /// `mmu_update` with one `MMU_NORMAL_PT_UPDATE` request on the caller's own table.
    ///
    /// # Errors
    /// Only a halt.
    pub fn mmu_update(&mut self, caller: DomId, ptr: Ma, val: Pte) -> Result<XenErrno, Halt> {
        if ptr.0 & 7 != 0 {
            return Ok(XenErrno::ENOSYS);
        }
        let info = self.state.frame(ptr.frame());
        if info.owner != Some(caller) || info.count == 0 {
            return Ok(XenErrno::EINVAL);
        }
        let done = match info.typ.kind {
            PageType::Table(Level::LEAF) if info.typ.count > 0 => self.mod_l1_entry(ptr, val, caller, caller)?,
            PageType::Table(level) if info.typ.count > 0 => self.mod_upper_entry(ptr, val, level, caller)?,
            PageType::None | PageType::Writable | PageType::Table(_) => {
                self.write_entry(ptr, val)?;
                Ok(())
            }
        };
        Ok(done.err().unwrap_or(XenErrno::OK))
    }

    /// `ptwr_emulated_update`: the guest wrote to a table of leaves as if it were memory, and Xen makes the write for it.
    ///
    /// # Errors
    /// Only a halt.
    pub fn emulated_write(&mut self, caller: DomId, at: Ma, val: Pte) -> Result<XenErrno, Halt> {
        if !self.is_leaf_table_of(caller, at.frame()) {
            return Ok(XenErrno::EINVAL);
        }
        let done = self.mod_l1_entry(at, val, caller, caller)?;
        Ok(done.err().unwrap_or(XenErrno::OK))
    }

    /// `mod_l1_entry`: takes the new entry's references, writes it, lets go the old one's.
    pub(super) fn mod_l1_entry(&mut self, at: Ma, new: Pte, owner: DomId, from: DomId) -> Agreed<()> {
        self.trace.emit(XenEvent::Called(XenCall::ModL1Entry { at, new, owner: from }))?;
        let done = self.change_leaf(at, new, owner, from)?;
        self.trace.emit(XenEvent::Returned(XenReturn::Errno(done.err().unwrap_or(XenErrno::OK))))?;
        Ok(done)
    }

    fn change_leaf(&mut self, at: Ma, new: Pte, owner: DomId, from: DomId) -> Agreed<()> {
        let old = Pte(self.memory.word(at));
        if !new.is_present() {
            self.write_entry(at, new)?;
            self.put_leaf(old, owner)?;
            return Ok(Ok(()));
        }
        let completed = super::references::completed(new);
        if old.is_present() && (old.0 ^ completed.0) & !FAST_PATH == 0 {
            self.write_entry(at, completed)?;
            return Ok(Ok(()));
        }
        let stored = agreed!(self.get_entry(new, Level::LEAF, owner, from));
        self.write_entry(at, stored)?;
        self.put_leaf(old, owner)?;
        Ok(Ok(()))
    }

    fn mod_upper_entry(&mut self, at: Ma, new: Pte, level: Level, owner: DomId) -> Agreed<()> {
        self.trace.emit(XenEvent::Called(XenCall::ModUpperEntry { at, new, level }))?;
        let done = self.change_upper(at, new, level, owner)?;
        self.trace.emit(XenEvent::Returned(XenReturn::Errno(done.err().unwrap_or(XenErrno::OK))))?;
        Ok(done)
    }

    fn change_upper(&mut self, at: Ma, new: Pte, level: Level, owner: DomId) -> Agreed<()> {
        let old = Pte(self.memory.word(at));
        let stored = if new.is_present() { agreed!(self.get_entry(new, level, owner, owner)) } else { new };
        self.write_entry(at, stored)?;
        if old.is_present() {
            self.put_entry(old, level, owner)?;
            self.cpu.forget_all(self.trace)?;
        }
        Ok(Ok(()))
    }

    /// `MMUEXT_PIN_Lx_TABLE`: has a table validated and keeps it so.
    ///
    /// # Errors
    /// Only a halt.
    pub fn pin_table(&mut self, caller: DomId, mfn: Mfn, level: Level) -> Result<XenErrno, Halt> {
        if self.state.frame(mfn).pinned || !self.get_page(mfn, caller)? {
            return Ok(XenErrno::EINVAL);
        }
        if let Err(errno) = self.get_type(mfn, PageType::Table(level))? {
            self.put_page(mfn)?;
            return Ok(errno);
        }
        self.set_pinned(mfn, true)?;
        Ok(XenErrno::OK)
    }

    /// `MMUEXT_UNPIN_TABLE`.
    ///
    /// # Errors
    /// Only a halt.
    pub fn unpin_table(&mut self, caller: DomId, mfn: Mfn) -> Result<XenErrno, Halt> {
        let info = self.state.frame(mfn);
        if info.owner != Some(caller) || !info.pinned {
            return Ok(XenErrno::EINVAL);
        }
        self.set_pinned(mfn, false)?;
        self.put_type(mfn)?;
        self.put_page(mfn)?;
        Ok(XenErrno::OK)
    }

    /// `MMUEXT_NEW_BASEPTR` and `MMUEXT_NEW_USER_BASEPTR`: the processor of `caller` stands on other tables, and forgets what it remembered.
    ///
    /// # Errors
    /// Only a halt.
    pub fn new_bases(&mut self, caller: DomId, kernel: Mfn, user: Option<Mfn>) -> Result<XenErrno, Halt> {
        for table in std::iter::once(kernel).chain(user) {
            if !self.get_page(table, caller)? {
                return Ok(XenErrno::EINVAL);
            }
            if self.get_type(table, PageType::Table(Level::TOP))?.is_err() {
                self.put_page(table)?;
                return Ok(XenErrno::EINVAL);
            }
        }
        self.cpu.switch_to(user.unwrap_or(kernel), self.trace)?;
        let domain = &mut self.state.domains[&caller];
        let old = [domain.top.replace(kernel), std::mem::replace(&mut domain.user_top, user)];
        for table in old.into_iter().flatten() {
            self.put_type(table)?;
            self.put_page(table)?;
        }
        Ok(XenErrno::OK)
    }

    fn set_pinned(&mut self, mfn: Mfn, pinned: bool) -> Result<(), Halt> {
        self.trace.emit(XenEvent::TablePinned { mfn, pinned })?;
        let mut info = self.state.frame(mfn);
        info.pinned = pinned;
        self.state.frames.insert(mfn, info);
        Ok(())
    }

    /// The domain a call is made for, which exists while it runs.
    pub(super) fn running(&self, id: DomId) -> &Domain {
        self.state.domain(id).expect("only a domain that exists makes a hypercall")
    }
}
