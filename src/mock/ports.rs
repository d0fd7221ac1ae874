//! The mock kernel as the driver meets it: one borrow of the kernel and of who listens, behind all the ports.

use super::event::MockEvent;
use super::{MockKernel, SegName};
use crate::illumos::abi::{AsId, KernelBuild, SegId};
use crate::illumos::event::{Call, FreedBy, KernelEvent, Return};
use crate::illumos::inject::Target;
use crate::illumos::ports::{KernelPort, Ports, SpacePort};
use crate::illumos::seg::{Behind, Seg, SegOps};
use crate::illumos::seg_mf::SegMf;
use crate::trace::{Emit, Halt};
use crate::x86::addr::Va;
use crate::xen::abi::GntStatus;

/// Lends the kernel to one operation.
#[derive(Debug)]
pub(super) struct MockPorts<'m, T> {
    pub(super) kernel: &'m mut MockKernel,
    pub(super) trace: &'m mut T,
    /// The address space that is current: where `update_va_mapping_otherdomain` writes.
    pub(super) current: AsId,
}

impl<T: Emit<KernelEvent>> Emit<KernelEvent> for MockPorts<'_, T> {
    fn emit(&mut self, event: KernelEvent) -> Result<(), Halt> {
        self.trace.emit(event)
    }
}

impl<T: Emit<KernelEvent> + Emit<MockEvent>> MockPorts<'_, T> {
    /// Counts a call that each of `targets` matches; the result, if an injection gives it.
    pub(super) fn injected(&mut self, targets: &[Target]) -> Result<Option<i64>, Halt> {
        let mut after = self.kernel.injections.clone();
        let ret = after.due(targets);
        if after != self.kernel.injections {
            self.trace.emit(MockEvent::InjectionCounted { ret })?;
            self.kernel.injections = after;
        }
        Ok(ret)
    }

    /// A new segment with nothing behind it, under a name that is free.
    pub(super) fn seg_alloc(&mut self, name: &SegName, seg: Seg, from: Option<SegId>) -> Result<SegId, Halt> {
        let id = SegId(self.kernel.next_seg);
        self.trace.emit(MockEvent::NameGiven { seg: id, name: name.clone() })?;
        self.kernel.names.insert(id, name.clone());
        self.kernel.next_seg += 1;
        let Seg { space, base, size, behind: _ } = seg;
        self.trace.emit(KernelEvent::SegBorn { seg: id, space, base, size, from })?;
        self.kernel.segs.insert(id, seg);
        Ok(id)
    }

    /// Sets or clears the mark of one who waits for an unmap.
    pub(super) fn set_unmap_wait(&mut self, space: AsId, set: bool) -> Result<(), Halt> {
        if self.kernel.unmap_wait(space) != set {
            self.trace.emit(KernelEvent::UnmapWait { space, set })?;
            self.kernel.space_mut(space).unmap_wait = set;
        }
        Ok(())
    }
}

impl<T: Emit<KernelEvent> + Emit<MockEvent>> SpacePort for MockPorts<'_, T> {
    fn seg(&self, seg: SegId) -> &Seg {
        self.kernel.segs.get(&seg).unwrap_or_else(|| panic!("{seg:?} was freed before its driver was done with it"))
    }

    fn seg_mut(&mut self, seg: SegId) -> &mut Seg {
        self.kernel.segs.get_mut(&seg).unwrap_or_else(|| panic!("{seg:?} was freed before its driver was done with it"))
    }

    fn seg_free(&mut self, seg: SegId, by: FreedBy) -> Result<(), Halt> {
        self.called(Call::SegFree { seg, by })?;
        match self.seg(seg).behind {
            Behind::Mf(_) => SegMf::free(self, seg)?,
            Behind::Nothing | Behind::Other => {}
        }
        self.trace.emit(KernelEvent::SegGone { seg })?;
        self.kernel.segs.remove(&seg);
        let name = self.kernel.name_of(seg).clone();
        self.trace.emit(MockEvent::NameGone { seg, name })?;
        self.kernel.names.remove(&seg);
        self.returned(Return::Void)
    }

    fn unmap_wait(&self, space: AsId) -> bool {
        self.kernel.unmap_wait(space)
    }

    fn clear_unmap_wait(&mut self, space: AsId) -> Result<(), Halt> {
        self.set_unmap_wait(space, false)
    }

    /// Nobody waits: it is logged only.
    fn cv_broadcast(&mut self, space: AsId) -> Result<(), Halt> {
        self.called(Call::CvBroadcast { space })?;
        self.returned(Return::Void)
    }
}

impl<T> KernelPort for MockPorts<'_, T> {
    fn build(&self) -> KernelBuild {
        self.kernel.build
    }

    fn never_written_status(&self) -> GntStatus {
        self.kernel.stack.status()
    }

    fn faultpage_debug(&self) -> i32 {
        self.kernel.faultpage_debug
    }

    fn set_faultpage_debug(&mut self, lines: i32) {
        self.kernel.faultpage_debug = lines;
    }
}

impl<T> MockPorts<'_, T> {
    /// The range of a segment of `npages` from `base` on, as `seg_alloc` takes it.
    pub(super) fn range(space: AsId, base: Va, npages: u64) -> Seg {
        Seg::new(space, base, npages.wrapping_mul(crate::x86::addr::PAGE_SIZE))
    }
}
