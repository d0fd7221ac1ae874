//! The hypervisor: domains, machine frames and who may map them, grants.
//!
//! A 64-bit PV machine with one processor. Every change of a guest's page table goes through here and is validated and counted.
//! What a guest kernel *wants* with its tables is not here.

pub mod abi;
pub mod build;
pub mod domain;
pub mod event;
pub mod grant;
mod grant_map;
pub mod guest;
mod mmu;
pub mod page_info;
mod references;

use crate::trace::Halt;
use crate::x86::addr::{Mfn, Pfn, Va};
use crate::x86::cpu::Cpu;
use crate::x86::memory::Memory;
use abi::{DomId, GrantRef, XenErrno};
use domain::Domain;
use event::XenTrace;
use grant::{Active, Maptrack};
use imbl::OrdMap;
use page_info::PageInfo;
use serde::{Deserialize, Serialize};

/// Frames from here on are not RAM.
pub const RAM_END: Mfn = Mfn(0x80_0000);
/// Frames below 1 MiB belong to `DOMID_IO`.
pub const LOW_END: Mfn = Mfn(0x100);

/// Which Xen is simulated (`xen.md` 3.18 lists what differs).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Era {
    /// Xen 3.3, the driver's own time.
    #[default]
    V3_3,
    /// The baseline of today.
    Today,
}

/// How the hypervisor was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum XenBuild {
    /// Without its own checks.
    #[default]
    Release,
    /// With them: grant entries carry a mark, and clearing one by another way is punished.
    Debug,
}

/// The hypervisor's own state; page tables and shared grant entries are in [`Memory`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hypervisor {
    /// Which Xen.
    pub era: Era,
    /// Which build.
    pub build: XenBuild,
    domains: OrdMap<DomId, Domain>,
    frames: OrdMap<Mfn, PageInfo>,
    m2p: OrdMap<Mfn, Pfn>,
    active: OrdMap<(DomId, GrantRef), Active>,
    maptracks: OrdMap<DomId, Maptrack>,
    next_own_frame: u64,
}

impl Hypervisor {
    /// A hypervisor that has just booted: no domain yet.
    #[must_use]
    pub fn booted(era: Era, build: XenBuild) -> Hypervisor {
        Hypervisor { era, build, ..Hypervisor::default() }
    }

    /// The domain, live or dying.
    #[must_use]
    pub fn domain(&self, id: DomId) -> Option<&Domain> {
        self.domains.get(&id)
    }

    /// Every domain, in order of id.
    pub fn domains(&self) -> impl Iterator<Item = &Domain> + '_ {
        self.domains.values()
    }

    /// The record of a frame; a frame nobody ever owned has an empty one.
    #[must_use]
    pub fn frame(&self, mfn: Mfn) -> PageInfo {
        self.frames.get(&mfn).copied().unwrap_or_default()
    }

    /// Every frame somebody owns or owned, in order.
    pub fn frames(&self) -> impl Iterator<Item = (Mfn, &PageInfo)> + '_ {
        self.frames.iter().map(|(mfn, info)| (*mfn, info))
    }

    /// The machine-to-physical table: what its owner calls a frame.
    #[must_use]
    pub fn m2p(&self, mfn: Mfn) -> Option<Pfn> {
        self.m2p.get(&mfn).copied()
    }

    /// Where the kernel of the frame's owner maps it, while the frame is in its own list.
    #[must_use]
    pub fn kernel_va(&self, mfn: Mfn) -> Option<Va> {
        let domain = self.domain(self.frame(mfn).owner?)?;
        let pfn = self.m2p(mfn).filter(|pfn| domain.p2m.get(pfn) == Some(&mfn))?;
        Some(domain.direct_map.page_after(pfn.0))
    }

    /// The private half of a grant, while it is pinned.
    #[must_use]
    pub fn active(&self, granter: DomId, gref: GrantRef) -> Option<&Active> {
        self.active.get(&(granter, gref))
    }

    /// The mappings a domain holds of grants.
    #[must_use]
    pub fn maptrack(&self, mapper: DomId) -> Option<&Maptrack> {
        self.maptracks.get(&mapper)
    }
}

/// The hypervisor at work: its state, the machine's memory and processor, and who listens.
pub struct Xen<'m, T> {
    /// The hypervisor's own state.
    pub state: &'m mut Hypervisor,
    /// The machine's memory.
    pub memory: &'m mut Memory,
    /// The processor.
    pub cpu: &'m mut Cpu,
    /// Who listens.
    pub trace: &'m mut T,
}

/// An answer of the hypervisor that may be its refusal; the halt goes outside.
type Agreed<A> = Result<Result<A, XenErrno>, Halt>;

impl<T: XenTrace> Xen<'_, T> {
    /// The errno a call answers in this era: before 4.2 every failure to update an entry was EINVAL.
    fn entry_errno(&self, errno: XenErrno) -> XenErrno {
        match self.state.era {
            Era::V3_3 => XenErrno::EINVAL,
            Era::Today => errno,
        }
    }
}
