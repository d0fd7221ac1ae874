//! What other domains do: offer and end grants, give frames back, die.
//!
//! `xen.md` 3.2 is the granter's protocol; nothing enforces it, so a granter may also scribble.

use super::abi::{DomId, GrantRef, XenErrno, gntmap, gtf};
use super::domain::Life;
use super::event::{XenCall, XenEvent, XenReturn, XenTrace};
use super::grant::{Active, SharedEntry};
use super::{Hypervisor, Xen};
use crate::trace::Halt;
use crate::x86::addr::Mfn;
use crate::x86::pte::Pte;

/// What came of a granter's wish to end a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndAccess {
    /// The entry is free again.
    Ended,
    /// Xen's marks say that it is in use: the granter must ask again later and leave the frame alone.
    InUse,
    /// The table has no such entry, or there is no such domain.
    NoEntry,
}

impl<T: XenTrace> Xen<'_, T> {
    /// The guest offers a frame: domain and frame first, the flags last. Whether the frame is its own is looked at when it is mapped.
    ///
    /// # Errors
    /// Only a halt, here and below.
    pub fn grant_access(
        &mut self,
        dom: DomId,
        gref: GrantRef,
        to: DomId,
        frame: u32,
        readonly: bool,
    ) -> Result<bool, Halt> {
        let Some(old) = self.state.shared_entry(self.memory, dom, gref) else { return Ok(false) };
        self.trace.emit(XenEvent::Called(XenCall::GrantAccess { dom, gref }))?;
        self.write_shared(dom, gref, SharedEntry { domid: to, frame, ..old })?;
        let flags = gtf::PERMIT_ACCESS | if readonly { gtf::READONLY } else { 0 };
        self.write_shared(dom, gref, SharedEntry { flags, domid: to, frame })?;
        self.trace.emit(XenEvent::Returned(XenReturn::Void))?;
        Ok(true)
    }

    /// The guest ends a grant by the protocol: only if Xen's marks say that nobody uses it.
    ///
    /// # Errors
    /// Only a halt.
    pub fn end_access(&mut self, dom: DomId, gref: GrantRef) -> Result<EndAccess, Halt> {
        let Some(old) = self.state.shared_entry(self.memory, dom, gref) else { return Ok(EndAccess::NoEntry) };
        self.trace.emit(XenEvent::Called(XenCall::EndAccess { dom, gref }))?;
        let ended = if old.in_use() {
            EndAccess::InUse
        } else {
            self.write_shared(dom, gref, SharedEntry { flags: 0, ..old })?;
            EndAccess::Ended
        };
        self.trace.emit(XenEvent::Returned(XenReturn::Void))?;
        Ok(ended)
    }

    /// The guest zeroes the flags whatever they say. It unmaps nothing.
    ///
    /// # Errors
    /// Only a halt.
    pub fn revoke(&mut self, dom: DomId, gref: GrantRef) -> Result<bool, Halt> {
        let Some(old) = self.state.shared_entry(self.memory, dom, gref) else { return Ok(false) };
        self.write_shared(dom, gref, SharedEntry { flags: 0, ..old })?;
        Ok(true)
    }

    /// The guest withdraws a frame: it takes its own mapping away and calls `XENMEM_decrease_reservation`. Who else maps the frame keeps it.
    ///
    /// # Errors
    /// Only a halt.
    pub fn give_back(&mut self, dom: DomId, mfn: Mfn) -> Result<XenErrno, Halt> {
        let info = self.state.frame(mfn);
        if info.owner != Some(dom) || !info.allocated || info.xen_heap {
            return Ok(XenErrno::EINVAL);
        }
        if let Some(va) = self.state.kernel_va(mfn)
            && let Some(at) = self.leaf_of(dom, va)
        {
            self.trace.emit(XenEvent::Called(XenCall::GuestUpdate { dom, va }))?;
            self.mod_l1_entry(at, Pte::NONE, dom, dom)?.ok();
            self.trace.emit(XenEvent::Returned(XenReturn::Void))?;
        }
        self.trace.emit(XenEvent::Called(XenCall::DecreaseReservation { dom, mfn }))?;
        self.release_allocation(mfn, dom)?;
        self.trace.emit(XenEvent::Returned(XenReturn::Errno(XenErrno::OK)))?;
        Ok(XenErrno::OK)
    }

    /// Lets go the owner's own reference.
    fn release_allocation(&mut self, mfn: Mfn, owner: DomId) -> Result<(), Halt> {
        self.trace.emit(XenEvent::Released { mfn, owner })?;
        let mut info = self.state.frame(mfn);
        info.allocated = false;
        self.state.frames.insert(mfn, info);
        if let Some(domain) = self.state.domains.get_mut(&owner) {
            let pfn = self.state.m2p.get(&mfn);
            if let Some(pfn) = pfn.filter(|pfn| domain.p2m.get(pfn) == Some(&mfn)) {
                domain.p2m.remove(pfn);
            }
        }
        self.put_page(mfn)
    }

    /// The toolstack destroys a domain: its mappings of grants go, its page tables fall, its frames lose their owner's reference. What others
    /// map lives on, still the domain's, which stays as a zombie.
    ///
    /// # Errors
    /// Only a halt.
    pub fn kill_domain(&mut self, dom: DomId) -> Result<XenErrno, Halt> {
        match self.state.domain(dom) {
            None => return Ok(XenErrno::ESRCH),
            Some(domain) if domain.is_control || domain.life == Life::Dying => return Ok(XenErrno::EINVAL),
            Some(_) => {}
        }
        self.trace.emit(XenEvent::Called(XenCall::DomainKill { dom }))?;
        self.trace.emit(XenEvent::DomainDying { dom })?;
        self.state.domains[&dom].life = Life::Dying;
        self.release_mappings_of(dom)?;
        self.tear_down_tables(dom)?;
        let owned = |state: &Hypervisor| -> Vec<Mfn> {
            state.frames().filter(|(_, info)| info.owner == Some(dom) && info.allocated).map(|(mfn, _)| mfn).collect()
        };
        for mfn in owned(self.state) {
            if !self.state.frame(mfn).xen_heap {
                self.release_allocation(mfn, dom)?;
            }
        }
        self.trace.emit(XenEvent::Returned(XenReturn::Void))?;
        Ok(XenErrno::OK)
    }

    /// `gnttab_release_mappings`: the pins of a dying mapper; the counts of its host mappings go with its page tables.
    fn release_mappings_of(&mut self, mapper: DomId) -> Result<(), Halt> {
        let held: Vec<_> =
            self.state.maptrack(mapper).into_iter().flat_map(|t| t.held().map(|(h, m)| (h, *m))).collect();
        for (handle, mapping) in held {
            let Some(mut active) = self.state.active(mapping.granter, mapping.gref).copied() else { continue };
            let readonly = mapping.flags & gntmap::READONLY != 0;
            if mapping.flags & gntmap::HOST_MAP != 0 {
                *active.pins.host(readonly) -= 1;
            }
            if mapping.flags & gntmap::DEVICE_MAP != 0 {
                *active.pins.device(readonly) -= 1;
            }
            self.set_pins(mapping.granter, mapping.gref, Active { ..active })?;
            self.trace.emit(XenEvent::HandleFreed { mapper, handle })?;
            self.state.maptracks.entry(mapper).or_default().give_back(handle, false);
        }
        Ok(())
    }

    /// Drops the base of the domain's kernel and every pin: its tables fall from the top.
    fn tear_down_tables(&mut self, dom: DomId) -> Result<(), Halt> {
        let Some(top) = self.running(dom).top else { return Ok(()) };
        if self.state.frame(top).pinned {
            self.unpin_table(dom, top)?;
        }
        self.state.domains[&dom].top = None;
        self.put_type(top)?;
        self.put_page(top)
    }
}
