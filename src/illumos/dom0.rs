//! The simulated machine behind the ports: an illumos dom0 on Xen.

use super::abi::{AsId, Dev, Errno, KernelBuild, SegId};
use super::address_space::AddressSpace;
use super::event::{Call, FreedBy, KernelEvent, Return, VnodeCounts};
use super::inject::{Injections, Target};
use super::ports::{HypercallPort, KernelPort, Mapped, Ports, SpacePort, VnodePort};
use super::seg::{Behind, Seg, SegOps};
use super::seg_mf::SegMf;
use crate::trace::{Emit, Halt};
use crate::word::Word;
use crate::x86::addr::{Mfn, Pfn, Va};
use crate::x86::cpu::Cpu;
use crate::x86::memory::Memory;
use crate::x86::pte::Pte;
use crate::xen::abi::{DomId, GntStatus, MapGrantRef, UnmapGrantRef};
use crate::xen::event::XenTrace;
use crate::xen::{Hypervisor, Xen};
use imbl::{OrdMap, Vector};

/// Who listens to dom0's kernel hears Xen and the tables, too.
pub trait KernelTrace: XenTrace + Emit<KernelEvent> {}
impl<T: XenTrace + Emit<KernelEvent>> KernelTrace for T {}

/// What the kernel knows: processes, segments, devices. Its page tables are in the machine's memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Kernel {
    /// With ASSERTs or without.
    pub build: KernelBuild,
    pub(super) faultpage_debug: i32,
    pub(super) spaces: OrdMap<AsId, AddressSpace>,
    pub(super) segs: OrdMap<SegId, Seg>,
    pub(super) vnodes: OrdMap<Dev, VnodeCounts>,
    pub(super) injections: Injections,
    /// Pages that may become page tables.
    pub(super) pool: Vector<Pfn>,
    /// The top table of the kernel's own address space.
    pub(super) kas_top: Mfn,
    pub(super) next_space: u32,
    pub(super) next_seg: u32,
}

impl Kernel {
    /// A kernel that has just booted: no process, and `pool` to make page tables of.
    #[must_use]
    pub fn booted(build: KernelBuild, kas_top: Mfn, pool: impl IntoIterator<Item = Pfn>) -> Kernel {
        Kernel {
            build,
            faultpage_debug: 0,
            spaces: OrdMap::new(),
            segs: OrdMap::new(),
            vnodes: OrdMap::new(),
            injections: Injections::default(),
            pool: pool.into_iter().collect(),
            kas_top,
            next_space: 0,
            next_seg: 0,
        }
    }

    /// Arranges a failure of a port: the `nth` matching call from now answers `ret`.
    pub fn inject(&mut self, target: Target, nth: u64, ret: i64) {
        self.injections.arrange(target, nth, ret);
    }

    /// A process's address space.
    #[must_use]
    pub fn space(&self, id: AsId) -> Option<&AddressSpace> {
        self.spaces.get(&id)
    }

    /// Every address space in order of birth.
    pub fn spaces(&self) -> impl Iterator<Item = (AsId, &AddressSpace)> + '_ {
        self.spaces.iter().map(|(id, space)| (*id, space))
    }

    /// A segment.
    #[must_use]
    pub fn seg(&self, id: SegId) -> Option<&Seg> {
        self.segs.get(&id)
    }

    /// Every segment in order of birth.
    pub fn segs(&self) -> impl Iterator<Item = (SegId, &Seg)> + '_ {
        self.segs.iter().map(|(id, seg)| (*id, seg))
    }

    /// Holds on a device and bytes mapped of it.
    #[must_use]
    pub fn vnode(&self, dev: Dev) -> VnodeCounts {
        self.vnodes.get(&dev).copied().unwrap_or(VnodeCounts { holds: 1, mapped: 0 })
    }

    /// The address, and whose, that an entry at a machine address translates, if it stands in a table of leaves of some process.
    #[must_use]
    pub fn translated_by(&self, at: crate::x86::addr::Ma) -> Option<(AsId, Va)> {
        self.spaces.iter().find_map(|(id, space)| space.hat.va_of(at).map(|va| (*id, va)))
    }
}

/// The kernel at work: its state, the machine under it, and who listens.
pub struct Dom0<'m, T> {
    /// What the kernel knows.
    pub kernel: &'m mut Kernel,
    /// What the hypervisor knows.
    pub xen: &'m mut Hypervisor,
    /// The machine's memory.
    pub memory: &'m mut Memory,
    /// The processor.
    pub cpu: &'m mut Cpu,
    /// Who listens.
    pub trace: &'m mut T,
}

impl<T> Dom0<'_, T> {
    /// The hypervisor under this kernel, at work.
    pub fn xen(&mut self) -> Xen<'_, T> {
        Xen { state: self.xen, memory: self.memory, cpu: self.cpu, trace: self.trace }
    }
}

impl<T: KernelTrace> Emit<KernelEvent> for Dom0<'_, T> {
    fn emit(&mut self, event: KernelEvent) -> Result<(), Halt> {
        self.trace.emit(event)
    }
}

impl<T: KernelTrace> HypercallPort for Dom0<'_, T> {
    fn update_va_mapping_otherdomain(&mut self, va: Va, pte: Word, flags: u64, domid: DomId) -> Result<i64, Halt> {
        self.called(Call::UpdateVaMappingOtherdomain { va, pte, flags, domid })?;
        let ret = match self.kernel.injections.due(&[Target::UpdateVaMapping, Target::Hypercall]) {
            Some(ret) => self.injected(ret)?,
            None => self.xen().update_va_mapping_otherdomain(DomId::DOM0, va, Pte(pte.0), flags, domid)?.0,
        };
        self.returned(Return::Hypercall(ret))?;
        Ok(ret)
    }

    fn map_grant_refs(&mut self, ops: &mut [MapGrantRef], _user: bool) -> Result<i64, Halt> {
        self.called(Call::MapGrantRefs { count: ops.len() as u32 })?;
        let ret = match self.kernel.injections.due(&[Target::GrantTableOp, Target::Hypercall]) {
            Some(ret) => self.injected(ret)?,
            None => {
                for op in ops.iter_mut() {
                    match self.kernel.injections.due(&[Target::MapStatus]) {
                        Some(status) => op.status = GntStatus(self.injected(status)? as i16),
                        None => self.xen().map_grant_ref(DomId::DOM0, op)?,
                    }
                }
                0
            }
        };
        self.returned(Return::MapGrantRefs(ret, (&*ops).into()))?;
        Ok(ret)
    }

    fn unmap_grant_refs(&mut self, ops: &mut [UnmapGrantRef]) -> Result<i64, Halt> {
        self.called(Call::UnmapGrantRefs { count: ops.len() as u32 })?;
        let ret = match self.kernel.injections.due(&[Target::GrantTableOp, Target::Hypercall]) {
            Some(ret) => self.injected(ret)?,
            None => {
                self.xen().unmap_grant_refs(DomId::DOM0, ops)?;
                0
            }
        };
        self.returned(Return::UnmapGrantRefs(ret, (&*ops).into()))?;
        Ok(ret)
    }
}

impl<T: KernelTrace> Dom0<'_, T> {
    fn injected(&mut self, ret: i64) -> Result<i64, Halt> {
        self.emit(KernelEvent::Injected)?;
        Ok(ret)
    }

    fn change_vnode(&mut self, dev: Dev, change: impl FnOnce(&mut VnodeCounts)) -> Result<(), Halt> {
        let old = self.kernel.vnode(dev);
        let mut new = old;
        change(&mut new);
        self.emit(KernelEvent::Vnode { dev, old, new })?;
        self.kernel.vnodes.insert(dev, new);
        Ok(())
    }
}

impl<T: KernelTrace> VnodePort for Dom0<'_, T> {
    fn specfind(&mut self, dev: Dev) -> Result<(), Halt> {
        self.called(Call::Specfind { dev })?;
        self.change_vnode(dev, |counts| counts.holds += 1)?;
        self.returned(Return::Void)
    }

    fn addmap(&mut self, dev: Dev, at: Mapped) -> Result<Errno, Halt> {
        let Mapped { space, off, addr, len, prot, maxprot } = at;
        self.called(Call::VopAddmap { dev, space, off, addr, len, prot: prot.into(), maxprot: maxprot.into() })?;
        let error = match self.kernel.injections.due(&[Target::Addmap]) {
            Some(errno) => Errno(self.injected(errno)? as i32),
            None => {
                self.change_vnode(dev, |counts| counts.mapped += len)?;
                Errno::OK
            }
        };
        self.returned(Return::Errno(error))?;
        Ok(error)
    }

    fn delmap(&mut self, dev: Dev, at: Mapped) -> Result<Errno, Halt> {
        let Mapped { space, off, addr, len, prot, maxprot } = at;
        self.called(Call::VopDelmap { dev, space, off, addr, len, prot: prot.into(), maxprot: maxprot.into() })?;
        let error = match self.kernel.injections.due(&[Target::Delmap]) {
            Some(errno) => Errno(self.injected(errno)? as i32),
            None => {
                self.change_vnode(dev, |counts| counts.mapped = counts.mapped.wrapping_sub(len))?;
                Errno::OK
            }
        };
        self.returned(Return::Errno(error))?;
        Ok(error)
    }

    fn vn_hold(&mut self, dev: Dev) -> Result<(), Halt> {
        self.called(Call::VnHold { dev })?;
        self.change_vnode(dev, |counts| counts.holds += 1)?;
        self.returned(Return::Void)
    }

    fn vn_rele(&mut self, dev: Dev) -> Result<(), Halt> {
        self.called(Call::VnRele { dev })?;
        self.change_vnode(dev, |counts| counts.holds = counts.holds.wrapping_sub(1))?;
        self.returned(Return::Void)
    }
}

impl<T: KernelTrace> SpacePort for Dom0<'_, T> {
    fn seg(&self, seg: SegId) -> &Seg {
        &self.kernel.segs[&seg]
    }

    fn seg_mut(&mut self, seg: SegId) -> &mut Seg {
        &mut self.kernel.segs[&seg]
    }

    fn seg_free(&mut self, seg: SegId, by: FreedBy) -> Result<(), Halt> {
        self.called(Call::SegFree { seg, by })?;
        match self.seg(seg).behind {
            Behind::Mf(_) => SegMf::free(self, seg)?,
            Behind::Nothing | Behind::Other => {}
        }
        self.emit(KernelEvent::SegGone { seg })?;
        let Seg { space, base, .. } = *self.seg(seg);
        self.kernel.segs.remove(&seg);
        self.kernel.spaces[&space].segs.remove(&base);
        self.returned(Return::Void)
    }

    fn unmap_wait(&self, space: AsId) -> bool {
        self.kernel.spaces[&space].unmap_wait
    }

    fn clear_unmap_wait(&mut self, space: AsId) -> Result<(), Halt> {
        self.emit(KernelEvent::UnmapWait { space, set: false })?;
        self.kernel.spaces[&space].unmap_wait = false;
        Ok(())
    }

    fn cv_broadcast(&mut self, space: AsId) -> Result<(), Halt> {
        self.called(Call::CvBroadcast { space })?;
        self.returned(Return::Void)
    }
}

impl<T: KernelTrace> KernelPort for Dom0<'_, T> {
    fn build(&self) -> KernelBuild {
        self.kernel.build
    }

    fn never_written_status(&self) -> GntStatus {
        GntStatus::OKAY
    }

    fn faultpage_debug(&self) -> i32 {
        self.kernel.faultpage_debug
    }

    fn set_faultpage_debug(&mut self, lines: i32) {
        self.kernel.faultpage_debug = lines;
    }
}
