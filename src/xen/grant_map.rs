//! `grant_table_op`: mapping a grant and letting it go (`xen/common/grant_table.c`: map_grant_ref, unmap_common).
//!
//! A batch answers 0 whatever became of its operations; each has a status of its own.

use super::abi::{DomId, GntStatus, GrantRef, Handle, MapGrantRef, UnmapGrantRef, gntmap, gtf};
use super::event::{XenCall, XenEvent, XenReturn, XenTrace};
use super::grant::{Active, Mapping, Pins, SharedEntry};
use super::page_info::PageType;
use super::references::{GRANT_MARK, GRANT_MARK_3_3, completed, is_device_frame};
use super::{Era, Xen, XenBuild};
use crate::trace::Halt;
use crate::word::Word;
use crate::x86::addr::{Ma, Mfn, Va};
use crate::x86::pte::Pte;

/// A pin counter that has reached this takes no more.
const PIN_LIMIT: u8 = 0x80;

/// The status of one operation that was refused.
type Refused = GntStatus;

/// What pass 1 of an unmap did to a mapping, for pass 2.
struct Undone {
    mapping: Mapping,
    host: bool,
    device: bool,
}

impl<T: XenTrace> Xen<'_, T> {
    /// `GNTTABOP_map_grant_ref`.
    ///
    /// # Errors
    /// Only a halt.
    pub fn map_grant_ref(&mut self, caller: DomId, op: &mut MapGrantRef) -> Result<(), Halt> {
        let MapGrantRef { host_addr, flags, gref, dom, .. } = *op;
        self.trace.emit(XenEvent::Called(XenCall::MapGrantRef { host_addr, gref, dom, flags }))?;
        op.status = match self.map_one(caller, host_addr, flags, gref, dom)? {
            Ok(handle) => {
                op.handle = handle;
                GntStatus::OKAY
            }
            Err(status) => status,
        };
        self.trace.emit(XenEvent::Returned(XenReturn::Status(op.status, op.handle)))
    }

    fn map_one(
        &mut self,
        caller: DomId,
        host_addr: Word,
        flags: u32,
        gref: GrantRef,
        granter: DomId,
    ) -> Result<Result<Handle, Refused>, Halt> {
        if flags & (gntmap::HOST_MAP | gntmap::DEVICE_MAP) == 0 {
            return Ok(Err(GntStatus::BAD_GNTREF));
        }
        if self.state.domain(granter).is_none() {
            return Ok(Err(GntStatus::BAD_DOMAIN));
        }
        let Some(handle) = self.state.maptracks.entry(caller).or_default().take() else {
            return Ok(Err(match self.state.era {
                Era::V3_3 => GntStatus::NO_DEVICE_SPACE,
                Era::Today => GntStatus::NO_SPACE,
            }));
        };
        let mapped = match self.pin_for(caller, flags, gref, granter)? {
            Ok(active) => self.map_pinned(caller, host_addr, flags, gref, granter, active)?,
            Err(status) => Err(status),
        };
        if let Err(status) = mapped {
            let to_head = self.state.era == Era::V3_3;
            self.state.maptracks.entry(caller).or_default().give_back(handle, to_head);
            return Ok(Err(status));
        }
        self.trace.emit(XenEvent::HandleTaken { mapper: caller, handle, granter, gref })?;
        let mapping = Mapping { granter, gref, flags: flags & 0x1f };
        self.state.maptracks.entry(caller).or_default().record(handle, mapping);
        Ok(Ok(handle))
    }

    /// Steps 6 to 10: looks at the entry, marks it, pins it. Answers the active entry with its new pins.
    fn pin_for(
        &mut self,
        caller: DomId,
        flags: u32,
        gref: GrantRef,
        granter: DomId,
    ) -> Result<Result<Active, Refused>, Halt> {
        let Some(shared) = self.state.shared_entry(self.memory, granter, gref) else {
            return Ok(Err(GntStatus::BAD_GNTREF));
        };
        let readonly = flags & gntmap::READONLY != 0;
        let before = self.state.active(granter, gref).copied();
        let pins = before.map(|active| active.pins).unwrap_or_default();
        if before.is_some_and(|active| active.domid != caller) || self.pins_full(pins, flags) {
            return Ok(Err(GntStatus::GENERAL_ERROR));
        }
        if before.is_none() || (!readonly && !pins.writable()) {
            match marked_in_use(shared, caller, readonly, before.is_some()) {
                Some(marked) => self.write_shared(granter, gref, marked)?,
                None => return Ok(Err(GntStatus::GENERAL_ERROR)),
            }
        }
        let mfn = before.map_or(Mfn(shared.frame.into()), |active| active.mfn);
        if is_device_frame(mfn) || !self.get_page(mfn, granter)? {
            self.reduce_status(granter, gref)?;
            let status = if before.is_some() { GntStatus::GENERAL_ERROR } else { GntStatus::BAD_PAGE };
            return Ok(Err(status));
        }
        let active = Active { pins: with_pins(pins, flags, |n| n + 1), domid: caller, mfn };
        self.set_pins(granter, gref, active)?;
        Ok(Ok(active))
    }

    /// Steps 11 to 14: takes the counts and writes the entry, or undoes all of it.
    fn map_pinned(
        &mut self,
        caller: DomId,
        host_addr: Word,
        flags: u32,
        gref: GrantRef,
        granter: DomId,
        active: Active,
    ) -> Result<Result<(), Refused>, Halt> {
        let mfn = active.mfn;
        let writable = flags & gntmap::READONLY == 0;
        let (device, host) = (flags & gntmap::DEVICE_MAP != 0, flags & gntmap::HOST_MAP != 0);
        // The first part uses the count taken when the entry was pinned; a second needs its own.
        let mut taken: Vec<bool> = Vec::new();
        for _part in [device, host].into_iter().filter(|asked| *asked) {
            if !taken.is_empty() && !self.get_page(mfn, granter)? {
                return self.undo_map(granter, gref, flags, active, &taken);
            }
            let typed = writable && self.get_type(mfn, PageType::Writable)?.is_ok();
            taken.push(typed);
            if writable && !typed {
                return self.undo_map(granter, gref, flags, active, &taken);
            }
        }
        if host && self.write_grant_entry(caller, host_addr, flags, mfn)?.is_err() {
            return self.undo_map(granter, gref, flags, active, &taken);
        }
        Ok(Ok(()))
    }

    fn undo_map(
        &mut self,
        granter: DomId,
        gref: GrantRef,
        flags: u32,
        active: Active,
        taken: &[bool],
    ) -> Result<Result<(), Refused>, Halt> {
        for typed in taken {
            if *typed {
                self.put_type(active.mfn)?;
            }
            self.put_page(active.mfn)?;
        }
        self.set_pins(granter, gref, Active { pins: with_pins(active.pins, flags, |n| n - 1), ..active })?;
        self.reduce_status(granter, gref)?;
        Ok(Err(GntStatus::GENERAL_ERROR))
    }

    fn pins_full(&self, mut pins: Pins, flags: u32) -> bool {
        if self.state.era == Era::V3_3 {
            return pins.fullest() >= PIN_LIMIT;
        }
        let readonly = flags & gntmap::READONLY != 0;
        (flags & gntmap::HOST_MAP != 0 && *pins.host(readonly) >= PIN_LIMIT)
            || (flags & gntmap::DEVICE_MAP != 0 && *pins.device(readonly) >= PIN_LIMIT)
    }

    /// `reduce_status_for_pin`: takes back the marks that no pin stands for.
    fn reduce_status(&mut self, granter: DomId, gref: GrantRef) -> Result<(), Halt> {
        let pins = self.state.active(granter, gref).map(|active| active.pins).unwrap_or_default();
        let Some(shared) = self.state.shared_entry(self.memory, granter, gref) else { return Ok(()) };
        let mut flags = shared.flags;
        if pins.is_zero() {
            flags &= !gtf::READING;
        }
        if !pins.writable() {
            flags &= !gtf::WRITING;
        }
        self.write_shared(granter, gref, SharedEntry { flags, ..shared })
    }

    /// `create_grant_pv_mapping`: the entry that stands for the grant, at whatever place the caller names in a table of its own.
    fn write_grant_entry(
        &mut self,
        caller: DomId,
        host_addr: Word,
        flags: u32,
        mfn: Mfn,
    ) -> Result<Result<(), Refused>, Halt> {
        let Some(at) = self.grant_entry_at(caller, host_addr, flags) else { return Ok(Err(GntStatus::GENERAL_ERROR)) };
        let old = Pte(self.memory.word(at));
        self.write_entry(at, self.grant_entry(mfn, flags))?;
        self.put_leaf(old, caller)?;
        Ok(Ok(()))
    }

    /// Where the entry is, if it lies in a table of leaves that the caller owns.
    fn grant_entry_at(&self, caller: DomId, host_addr: Word, flags: u32) -> Option<Ma> {
        let at =
            if flags & gntmap::CONTAINS_PTE != 0 { Ma(host_addr.0) } else { self.leaf_of(caller, Va(host_addr.0))? };
        let aligned = at.0 & 7 == 0 || self.state.era == Era::V3_3;
        (aligned && self.is_leaf_table_of(caller, at.frame())).then_some(at)
    }

    fn grant_entry(&self, mfn: Mfn, flags: u32) -> Pte {
        let debug = self.state.build == XenBuild::Debug;
        let era = match self.state.era {
            Era::V3_3 => u64::from(debug) * GRANT_MARK_3_3,
            Era::Today => Pte::NO_EXECUTE | (u64::from(debug) * GRANT_MARK),
        };
        let user = if flags & gntmap::APPLICATION_MAP != 0 { Pte::USER } else { 0 };
        let write = if flags & gntmap::READONLY == 0 { Pte::WRITABLE } else { 0 };
        completed(Pte::new(mfn, Pte::PRESENT | Pte::ACCESSED | Pte::DIRTY | user | write | era))
    }

    /// `GNTTABOP_unmap_grant_ref` on a whole batch: entries go first, then the TLB is flushed, then the counts.
    ///
    /// # Errors
    /// Only a halt.
    pub fn unmap_grant_refs(&mut self, caller: DomId, ops: &mut [UnmapGrantRef]) -> Result<(), Halt> {
        for batch in ops.chunks_mut(32) {
            let mut undone = Vec::new();
            for op in batch {
                let (host_addr, handle) = (op.host_addr, op.handle);
                self.trace.emit(XenEvent::Called(XenCall::UnmapGrantRef { host_addr, handle }))?;
                op.status = match self.unmap_one(caller, op)? {
                    Ok(done) => {
                        undone.push(done);
                        GntStatus::OKAY
                    }
                    Err(status) => status,
                };
                self.trace.emit(XenEvent::Returned(XenReturn::Status(op.status, handle)))?;
            }
            self.cpu.forget_all(self.trace)?;
            for done in undone {
                self.drop_counts(done)?;
            }
        }
        Ok(())
    }

    fn unmap_one(&mut self, caller: DomId, op: &UnmapGrantRef) -> Result<Result<Undone, Refused>, Halt> {
        let Some(mapping) = self.state.maptrack(caller).and_then(|track| track.get(op.handle)).copied() else {
            return Ok(Err(GntStatus::BAD_HANDLE));
        };
        let Some(active) = self.state.active(mapping.granter, mapping.gref).copied() else {
            return Ok(Err(GntStatus::BAD_HANDLE));
        };
        let device = op.dev_bus_addr.0 != 0 && mapping.flags & gntmap::DEVICE_MAP != 0;
        if device && op.dev_bus_addr.0 != active.mfn.base().0 {
            return Ok(Err(match self.state.era {
                Era::V3_3 => GntStatus::GENERAL_ERROR,
                Era::Today => GntStatus::BAD_DEV_ADDR,
            }));
        }
        let host = op.host_addr.0 != 0 && mapping.flags & gntmap::HOST_MAP != 0;
        if host && self.clear_grant_entry(caller, op.host_addr, mapping.flags, active.mfn)?.is_err() {
            return Ok(Err(GntStatus::GENERAL_ERROR));
        }
        let done = if host { gntmap::HOST_MAP } else { 0 } | if device { gntmap::DEVICE_MAP } else { 0 };
        let flags = mapping.flags & !done;
        if done != 0 && flags & (gntmap::HOST_MAP | gntmap::DEVICE_MAP) == 0 {
            self.trace.emit(XenEvent::HandleFreed { mapper: caller, handle: op.handle })?;
            let to_head = self.state.era == Era::V3_3;
            self.state.maptracks.entry(caller).or_default().give_back(op.handle, to_head);
        } else {
            self.state.maptracks.entry(caller).or_default().record(op.handle, Mapping { flags, ..mapping });
        }
        Ok(Ok(Undone { mapping, host, device }))
    }

    /// `destroy_grant_pv_mapping`: any entry of the caller that maps the frame will do; it becomes 0, not what it was before.
    fn clear_grant_entry(
        &mut self,
        caller: DomId,
        host_addr: Word,
        flags: u32,
        mfn: Mfn,
    ) -> Result<Result<(), Refused>, Halt> {
        let Some(at) = self.grant_entry_at(caller, host_addr, flags) else { return Ok(Err(GntStatus::GENERAL_ERROR)) };
        let entry = Pte(self.memory.word(at));
        let readonly = flags & gntmap::READONLY != 0;
        let same_rights = entry.is_present() && entry.has(Pte::WRITABLE) != readonly;
        let accepted = entry.frame() == mfn && (same_rights || self.state.era == Era::V3_3);
        if !accepted {
            return Ok(Err(GntStatus::GENERAL_ERROR));
        }
        self.write_entry(at, Pte::NONE)?;
        Ok(Ok(()))
    }

    /// Pass 2: the counts and pins of what pass 1 took away.
    fn drop_counts(&mut self, done: Undone) -> Result<(), Halt> {
        let Mapping { granter, gref, flags } = done.mapping;
        let readonly = flags & gntmap::READONLY != 0;
        let Some(mut active) = self.state.active(granter, gref).copied() else { return Ok(()) };
        for (part, is_host) in [(done.device, false), (done.host, true)] {
            if !part {
                continue;
            }
            if !readonly {
                self.put_type(active.mfn)?;
            }
            self.put_page(active.mfn)?;
            let pin = if is_host { active.pins.host(readonly) } else { active.pins.device(readonly) };
            *pin = pin.saturating_sub(1);
            self.set_pins(granter, gref, active)?;
        }
        self.reduce_status(granter, gref)
    }
}

/// Step 8: the entry with the marks of a new use, if it permits that use to `mapper`.
fn marked_in_use(shared: SharedEntry, mapper: DomId, readonly: bool, pinned: bool) -> Option<SharedEntry> {
    let permits = shared.flags & (gtf::TYPE_MASK | gtf::SUB_PAGE) == gtf::PERMIT_ACCESS && shared.domid == mapper;
    if (!pinned && !permits) || (!readonly && shared.flags & gtf::READONLY != 0) {
        return None;
    }
    let writing = if readonly { 0 } else { gtf::WRITING };
    Some(SharedEntry { flags: shared.flags | gtf::READING | writing, ..shared })
}

/// The pins with one more, or less, of what `flags` ask for.
fn with_pins(mut pins: Pins, flags: u32, change: impl Fn(u8) -> u8) -> Pins {
    let readonly = flags & gntmap::READONLY != 0;
    if flags & gntmap::HOST_MAP != 0 {
        *pins.host(readonly) = change(*pins.host(readonly));
    }
    if flags & gntmap::DEVICE_MAP != 0 {
        *pins.device(readonly) = change(*pins.device(readonly));
    }
    pins
}
