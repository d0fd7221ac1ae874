//! The hypervisor as a list: who owns which frames, who granted what to whom, which handles live.
//!
//! Nothing is counted or pinned here; the real rules are in `xen`.

use super::event::MockEvent;
use super::hat::Row;
use super::ports::MockPorts;
use super::setup::{DomainSetup, GrantSetup};
use crate::illumos::event::{Call, KernelEvent, Return};
use crate::illumos::inject::Target;
use crate::illumos::ports::{HypercallPort, Ports};
use crate::trace::{Emit, Halt};
use crate::word::Word;
use crate::x86::addr::{Mfn, Va};
use crate::x86::pte::Pte;
use crate::xen::abi::{DomId, GntStatus, GrantRef, Handle, MapGrantRef, UnmapGrantRef, XenErrno, gntmap};
use imbl::OrdMap;
use serde::Serialize;
use std::sync::Arc;

/// A domain other than the caller's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Domain {
    /// Dead ones refuse whatever is new; what is mapped stays.
    pub alive: bool,
    /// Runs of frames it owns: the first, and how many.
    pub owns: Arc<[(Mfn, u64)]>,
    /// Its grant table.
    pub grants: OrdMap<GrantRef, Grant>,
}

/// An entry of a grant table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    /// The frame.
    pub mfn: Mfn,
    /// Not to be mapped writable.
    pub readonly: bool,
    /// Who may map it.
    pub to: DomId,
    /// Taken back: no new mapping.
    pub revoked: bool,
}

/// A live grant mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Mapping {
    /// Whose grant.
    pub dom: DomId,
    /// Which.
    pub gref: GrantRef,
    /// Its frame.
    pub mfn: Mfn,
    /// How it was mapped.
    pub readonly: bool,
    /// Where: the machine address of the entry.
    pub host_addr: Word,
}

impl Domain {
    pub(super) fn new(setup: &DomainSetup) -> Domain {
        let grant =
            |&GrantSetup { gref, mfn, readonly, to }: &GrantSetup| (gref, Grant { mfn, readonly, to, revoked: false });
        Domain { alive: true, owns: setup.owns.as_slice().into(), grants: setup.grants.iter().map(grant).collect() }
    }

    /// Whether the frame is among its own.
    #[must_use]
    pub fn owns(&self, frame: Mfn) -> bool {
        self.owns.iter().any(|(first, count)| frame.0.checked_sub(first.0).is_some_and(|i| i < *count))
    }
}

impl<T: Emit<KernelEvent> + Emit<MockEvent>> MockPorts<'_, T> {
    fn live_domain(&self, dom: DomId) -> Option<&Domain> {
        self.kernel.domains.get(&dom).filter(|domain| domain.alive)
    }

    /// The rules of `update_va_mapping_otherdomain`: what it answers before it writes.
    fn may_update(&self, va: Va, pte: Pte, dom: DomId) -> XenErrno {
        match self.live_domain(dom) {
            None => XenErrno::ESRCH,
            Some(domain) if !domain.owns(pte.frame()) => XenErrno::EINVAL,
            Some(_) if !self.row(self.current, va).pte.is_present() => XenErrno::EINVAL,
            Some(_) => XenErrno::OK,
        }
    }

    /// The rules of one map operation: the mapping it would make, or its status.
    fn may_map(&self, op: &MapGrantRef) -> Result<Mapping, GntStatus> {
        let domain = self.live_domain(op.dom).ok_or(GntStatus::BAD_DOMAIN)?;
        let grant = domain.grants.get(&op.gref).ok_or(GntStatus::BAD_GNTREF)?;
        let readonly = op.flags & gntmap::READONLY != 0;
        if grant.revoked || grant.to != DomId::DOM0 || grant.readonly && !readonly {
            return Err(GntStatus::GENERAL_ERROR);
        }
        Ok(Mapping { dom: op.dom, gref: op.gref, mfn: grant.mfn, readonly, host_addr: op.host_addr })
    }

    /// One map operation. One that fails keeps the handle it came with.
    fn map_one(&mut self, index: u64, op: &mut MapGrantRef) -> Result<(), Halt> {
        let decided = match self.injected(&[Target::MapStatus])? {
            Some(ret) => Err(status_of(ret)),
            None => self.may_map(op),
        };
        match decided {
            Ok(mapping) => {
                let handle = Handle(self.kernel.last_handle.0.wrapping_add(1));
                self.trace.emit(MockEvent::HandleBorn { handle, mapping })?;
                self.kernel.last_handle = handle;
                self.kernel.mappings.insert(handle, mapping);
                self.set_pte_ma(op.host_addr, Some(handle))?;
                self.trace.emit(MockEvent::GrantOpDone { index, status: GntStatus::OKAY })?;
                (op.status, op.handle) = (GntStatus::OKAY, handle);
            }
            Err(status) => {
                self.trace.emit(MockEvent::GrantOpDone { index, status })?;
                op.status = status;
            }
        }
        Ok(())
    }

    /// One unmap operation: the handle must live and be mapped where the caller says.
    fn unmap_one(&mut self, index: u64, op: &mut UnmapGrantRef) -> Result<(), Halt> {
        let found = self.kernel.mappings.get(&op.handle).copied();
        let status = match found.filter(|mapping| mapping.host_addr == op.host_addr) {
            Some(mapping) => {
                let handle = op.handle;
                self.trace.emit(MockEvent::HandleDied { handle, mapping })?;
                self.kernel.mappings.remove(&handle);
                if self.kernel.pte_ma.get(&op.host_addr) == Some(&handle) {
                    self.set_pte_ma(op.host_addr, None)?;
                }
                GntStatus::OKAY
            }
            None => GntStatus::BAD_HANDLE,
        };
        self.trace.emit(MockEvent::GrantOpDone { index, status })?;
        op.status = status;
        Ok(())
    }

    fn set_pte_ma(&mut self, ma: Word, new: Option<Handle>) -> Result<(), Halt> {
        let old = self.kernel.pte_ma.get(&ma).copied();
        self.trace.emit(MockEvent::PteMa { ma, old, new })?;
        match new {
            Some(handle) => self.kernel.pte_ma.insert(ma, handle),
            None => self.kernel.pte_ma.remove(&ma),
        };
        Ok(())
    }

    /// Leaves a hypercall or a vnode operation, saying so if an injection gave its result.
    pub(super) fn returned_from(&mut self, injected: bool, with: Return) -> Result<(), Halt> {
        if injected {
            self.trace.emit(KernelEvent::Injected)?;
        }
        self.returned(with)
    }
}

/// A status is 16 bits wide.
fn status_of(ret: i64) -> GntStatus {
    GntStatus(ret as i16)
}

impl<T: Emit<KernelEvent> + Emit<MockEvent>> HypercallPort for MockPorts<'_, T> {
    fn update_va_mapping_otherdomain(&mut self, va: Va, pte: Word, flags: u64, domid: DomId) -> Result<i64, Halt> {
        self.called(Call::UpdateVaMappingOtherdomain { va, pte, flags, domid })?;
        let injected = self.injected(&[Target::UpdateVaMapping, Target::Hypercall])?;
        let pte = Pte(pte.0);
        let ret = injected.map_or_else(|| self.may_update(va, pte, domid), XenErrno);
        if injected.is_none() && ret == XenErrno::OK {
            let locks = self.row(self.current, va).locks;
            self.set_row(self.current, va, Row { pte, locks })?;
        }
        self.returned_from(injected.is_some(), Return::Hypercall(ret.0))?;
        Ok(ret.0)
    }

    /// With `user` set, as the driver always does, the wrapper changes nothing in the operations; there is no retry.
    fn map_grant_refs(&mut self, ops: &mut [MapGrantRef], _user: bool) -> Result<i64, Halt> {
        self.called(Call::MapGrantRefs { count: ops.len() as u32 })?;
        let injected = self.injected(&[Target::GrantTableOp, Target::Hypercall])?;
        if injected.is_none() {
            for (index, op) in (0..).zip(ops.iter_mut()) {
                self.map_one(index, op)?;
            }
        }
        let ret = injected.unwrap_or(0);
        self.returned_from(injected.is_some(), Return::MapGrantRefs(ret, (&*ops).into()))?;
        Ok(ret)
    }

    fn unmap_grant_refs(&mut self, ops: &mut [UnmapGrantRef]) -> Result<i64, Halt> {
        self.called(Call::UnmapGrantRefs { count: ops.len() as u32 })?;
        let injected = self.injected(&[Target::GrantTableOp, Target::Hypercall])?;
        if injected.is_none() {
            for (index, op) in (0..).zip(ops.iter_mut()) {
                self.unmap_one(index, op)?;
            }
        }
        let ret = injected.unwrap_or(0);
        self.returned_from(injected.is_some(), Return::UnmapGrantRefs(ret, (&*ops).into()))?;
        Ok(ret)
    }
}

#[cfg(test)]
mod tests {
    use super::{Domain, status_of};
    use crate::mock::setup::{DomainSetup, StackFill};
    use crate::x86::addr::Mfn;
    use crate::xen::abi::{DomId, GntStatus};

    #[test]
    fn a_run_of_frames_has_two_ends() {
        let owns = vec![(Mfn(0x1000), 2), (Mfn(u64::MAX), 1)];
        let domain = Domain::new(&DomainSetup { id: DomId(5), owns, grants: Vec::new() });
        let found = [0xfff, 0x1000, 0x1001, 0x1002, u64::MAX].map(|mfn| domain.owns(Mfn(mfn)));
        assert_eq!(found, [false, true, true, false, true]);
    }

    #[test]
    fn a_status_nobody_wrote_is_an_error_on_a_nonzero_stack() {
        assert_eq!(StackFill::Zero.status(), GntStatus::OKAY);
        assert_eq!(StackFill::Nonzero.status(), status_of(-258));
    }
}
