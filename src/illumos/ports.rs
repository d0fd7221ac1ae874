//! The narrow doors through which a segment driver reaches the rest of its kernel.
//!
//! `seg_mf` is written once against these. The simulated machine implements them (`illumos::dom0`), and so does the mock
//! kernel of the recordings (`mock`). A driver cannot reach what is not here.

use super::abi::{AsId, Dev, Errno, KernelBuild, SegId};
use super::event::{Call, FreedBy, KernelEvent, Lock, Return};
use super::seg::Seg;
use crate::trace::{Emit, Halt};
use crate::word::Word;
use crate::x86::addr::{Pfn, Va};
use crate::xen::abi::{DomId, GntStatus, MapGrantRef, UnmapGrantRef};

/// How many never-initialised entries lie before and after a map of entries: an access there reads what was left in the
/// kernel's memory; one further out is [`Halt::Wild`].
pub const SPARE_ENTRIES: u64 = 64;

/// What `kmem_alloc` leaves in memory on a DEBUG kernel, used for every build.
pub const KMEM_FILL: u64 = 0xbadd_cafe_badd_cafe;

/// The hardware address translation layer (`vm/hat.h`).
pub trait HatPort {
    /// `hat_map`.
    ///
    /// # Errors
    /// Only a halt, here and in all the ports below.
    fn hat_map(&mut self, space: AsId, addr: Va, len: u64, flags: u32) -> Result<(), Halt>;
    /// `hat_devload`: maps `len` bytes to frames from `pfn` on.
    fn hat_devload(&mut self, space: AsId, addr: Va, len: u64, pfn: Pfn, attr: u32, flags: u32) -> Result<(), Halt>;
    /// `hat_unload`: takes valid entries away.
    fn hat_unload(&mut self, space: AsId, addr: Va, len: u64, flags: u32) -> Result<(), Halt>;
    /// `hat_unlock`: lets go locks of `HAT_LOAD_LOCK`.
    fn hat_unlock(&mut self, space: AsId, addr: Va, len: u64) -> Result<(), Halt>;
}

/// The hypercalls a driver makes, and the wrapper around one of them.
pub trait HypercallPort {
    /// `HYPERVISOR_update_va_mapping_otherdomain`: 0, or not.
    fn update_va_mapping_otherdomain(&mut self, va: Va, pte: Word, flags: u64, domid: DomId) -> Result<i64, Halt>;
    /// `xen_map_gref(GNTTABOP_map_grant_ref, ..)`; `user` says that the addresses are for a process.
    fn map_grant_refs(&mut self, ops: &mut [MapGrantRef], user: bool) -> Result<i64, Halt>;
    /// `HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, ..)`.
    fn unmap_grant_refs(&mut self, ops: &mut [UnmapGrantRef]) -> Result<i64, Halt>;
}

/// The vnode layer. A device has one vnode, named by the device here, and one common vnode.
pub trait VnodePort {
    /// `specfind(dev, VCHR)`: finds the device's vnode and holds it.
    fn specfind(&mut self, dev: Dev) -> Result<(), Halt>;
    /// `VOP_ADDMAP` on the common vnode.
    fn addmap(&mut self, dev: Dev, at: Mapped) -> Result<Errno, Halt>;
    /// `VOP_DELMAP` on the common vnode.
    fn delmap(&mut self, dev: Dev, at: Mapped) -> Result<Errno, Halt>;
    /// `VN_HOLD`.
    fn vn_hold(&mut self, dev: Dev) -> Result<(), Halt>;
    /// `VN_RELE`.
    fn vn_rele(&mut self, dev: Dev) -> Result<(), Halt>;
}

/// The arguments that `VOP_ADDMAP` and `VOP_DELMAP` share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mapped {
    /// The address space.
    pub space: AsId,
    /// Offset in the device, in whatever unit the caller takes it to be (D32).
    pub off: u64,
    /// First byte.
    pub addr: Va,
    /// Bytes.
    pub len: u64,
    /// Protection.
    pub prot: u8,
    /// Greatest protection.
    pub maxprot: u8,
}

/// Segments and the marks of an address space.
pub trait SpacePort {
    /// The segment.
    fn seg(&self, seg: SegId) -> &Seg;
    /// The segment, to change what a driver owns of it.
    fn seg_mut(&mut self, seg: SegId) -> &mut Seg;
    /// `seg_free`: takes the segment out of its address space and has the driver free what is attached.
    fn seg_free(&mut self, seg: SegId, by: FreedBy) -> Result<(), Halt>;
    /// `AS_ISUNMAPWAIT`.
    fn unmap_wait(&self, space: AsId) -> bool;
    /// `AS_CLRUNMAPWAIT`.
    fn clear_unmap_wait(&mut self, space: AsId) -> Result<(), Halt>;
    /// `cv_broadcast(&as->a_cv)`.
    fn cv_broadcast(&mut self, space: AsId) -> Result<(), Halt>;
}

/// Kernel memory and build: what the language leaves open, the kernel decides.
pub trait KernelPort {
    /// With ASSERTs or without.
    fn build(&self) -> KernelBuild;
    /// What an automatic `status` that was never written reads as.
    fn never_written_status(&self) -> GntStatus;
    /// The settable `segmf_faultpage_debug`.
    fn faultpage_debug(&self) -> i32;
    /// Sets it.
    fn set_faultpage_debug(&mut self, lines: i32);
}

/// Everything `seg_mf` may touch.
pub trait Ports: HatPort + HypercallPort + VnodePort + SpacePort + KernelPort + Emit<KernelEvent> {
    /// Notes that a function was entered.
    ///
    /// # Errors
    /// Only a halt.
    fn called(&mut self, call: Call) -> Result<(), Halt> {
        self.emit(KernelEvent::Called(call))
    }

    /// Notes that it returned.
    ///
    /// # Errors
    /// Only a halt.
    fn returned(&mut self, with: Return) -> Result<(), Halt> {
        self.emit(KernelEvent::Returned(with))
    }

    /// Takes a lock. One thread runs at a time here, so it is always free.
    ///
    /// # Errors
    /// Only a halt.
    fn enter(&mut self, lock: Lock) -> Result<(), Halt> {
        self.emit(KernelEvent::Lock { lock, taken: true })
    }

    /// Drops it.
    ///
    /// # Errors
    /// Only a halt.
    fn exit(&mut self, lock: Lock) -> Result<(), Halt> {
        self.emit(KernelEvent::Lock { lock, taken: false })
    }

    /// `ASSERT`: on a DEBUG kernel an untrue expression panics.
    ///
    /// # Errors
    /// The panic.
    fn assert(&self, holds: bool, expression: &'static str, function: &'static str) -> Result<(), Halt> {
        match self.build() {
            KernelBuild::Debug if !holds => Err(Halt::assertion(expression, function)),
            KernelBuild::Debug | KernelBuild::Production => Ok(()),
        }
    }
}

impl<P: HatPort + HypercallPort + VnodePort + SpacePort + KernelPort + Emit<KernelEvent>> Ports for P {}
