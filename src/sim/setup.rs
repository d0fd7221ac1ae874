//! What a world starts from, as a session writes it down; and building it.

use crate::illumos::abi::KernelBuild;
use crate::illumos::dom0::Kernel;
use crate::mock::StackFill;
use crate::word::Word;
use crate::x86::addr::{Ma, Mfn, Pfn, Va};
use crate::x86::control::{Boot, Forbidden};
use crate::x86::memory::Memory;
use crate::xen::abi::DomId;
use crate::xen::build::{BuildError, DomainPlan, MAX_FRAMES};
use crate::xen::{Era, Hypervisor, XenBuild};
use serde::{Deserialize, Serialize};

/// Where illumos maps all of dom0's pages (`segkpm`).
const KPM_BASE: Va = Va(0xffff_fe00_0000_0000);
/// Where a guest's kernel maps all of its own.
const GUEST_BASE: Va = Va(0xffff_8800_0000_0000);
/// The frame of dom0's page 0.
pub const DOM0_PAGE_0: Mfn = Mfn(0x100);

/// Frames in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameRange {
    /// The first.
    pub first: Mfn,
    /// How many.
    pub count: u32,
}

/// A machine to build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MachineSetup {
    /// A processor alone.
    Bare(BareSetup),
    /// Xen with illumos in dom0.
    Xen(XenSetup),
    /// A recording's mock kernel.
    Recorded(RecordedSetup),
}

/// A recording's mock kernel: the recording's own set-up, and the kernel and stack of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedSetup {
    /// Address spaces, devices and domains.
    pub setup: crate::mock::Setup,
    /// With ASSERTs or without.
    pub kernel: KernelBuild,
    /// What variables nobody wrote read as.
    pub stack: StackFill,
}

/// A processor alone. Unless said otherwise it is in long mode with 4 levels, and its memory holds zeros.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BareSetup {
    /// Its registers, and what kind it is.
    pub processor: Boot,
    /// Entries that are in memory before it starts, 8 bytes with CR4.PAE, else 4.
    pub entries: Vec<EntrySetup>,
}

/// An entry that is in memory before a processor starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntrySetup {
    /// Where.
    pub at: Ma,
    /// What it is.
    pub value: Word,
}

/// A Xen machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct XenSetup {
    /// Which Xen.
    #[serde(default)]
    pub era: Era,
    /// Which build of it.
    #[serde(default)]
    pub xen: XenBuild,
    /// Which build of the illumos kernel.
    #[serde(default)]
    pub kernel: KernelBuild,
    /// dom0's frames after its page 0 (which is always frame 0x100): what page tables are made of, in this order.
    pub pool: Vec<FrameRange>,
    /// The other domains.
    pub domains: Vec<DomainSetup>,
}

/// A domain and its frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomainSetup {
    /// Its id.
    pub id: DomId,
    /// Its frames in the order of its own numbers.
    pub frames: Vec<FrameRange>,
}

/// A set-up that cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// Of one domain.
    #[error("domain {id}: {why}")]
    Domain {
        /// Which.
        id: DomId,
        /// Why.
        why: BuildError,
    },
    /// The processor cannot be in such a state.
    #[error("the processor cannot start so: {0}")]
    Forbidden(#[from] Forbidden),
    /// A recording's set-up names something twice.
    #[error("{0}")]
    Ambiguous(String),
}

/// What a Xen machine starts as.
pub(super) struct Built {
    pub memory: Memory,
    pub xen: Hypervisor,
    pub kernel: Kernel,
}

impl XenSetup {
    /// Builds the hypervisor, dom0 and the other domains.
    ///
    /// # Errors
    /// The first domain that cannot be built.
    pub(super) fn build(&self) -> Result<Built, SetupError> {
        let mut memory = Memory::default();
        let mut xen = Hypervisor::booted(self.era, self.xen);
        let mut dom0 = vec![DOM0_PAGE_0];
        dom0.extend(frames(DomId::DOM0, &self.pool)?);
        let pool = (1..dom0.len() as u64).map(Pfn);
        build_one(&mut xen, &mut memory, DomId::DOM0, dom0.clone())?;
        for domain in &self.domains {
            build_one(&mut xen, &mut memory, domain.id, frames(domain.id, &domain.frames)?)?;
        }
        let kas_top = xen.domain(DomId::DOM0).and_then(|domain| domain.top).expect("dom0 was just built");
        let kernel = Kernel::booted(self.kernel, kas_top, pool);
        Ok(Built { memory, xen, kernel })
    }
}

/// Builds one domain with the given frames.
///
/// # Errors
/// Why it cannot be built.
pub(super) fn build_one(
    xen: &mut Hypervisor,
    memory: &mut Memory,
    id: DomId,
    frames: Vec<Mfn>,
) -> Result<(), SetupError> {
    let is_control = id == DomId::DOM0;
    let direct_map = if is_control { KPM_BASE } else { GUEST_BASE };
    let plan = DomainPlan { id, is_control, direct_map, frames };
    xen.build_domain(memory, &plan).map_err(|why| SetupError::Domain { id, why })
}

/// The frames of some ranges, one by one.
///
/// # Errors
/// More than a domain may have.
pub(super) fn frames(id: DomId, ranges: &[FrameRange]) -> Result<Vec<Mfn>, SetupError> {
    let total: u64 = ranges.iter().map(|range| u64::from(range.count)).sum();
    if total > MAX_FRAMES as u64 {
        let why = BuildError::TooMany(usize::try_from(total).unwrap_or(usize::MAX), MAX_FRAMES);
        return Err(SetupError::Domain { id, why });
    }
    Ok(ranges.iter().flat_map(|range| (0..u64::from(range.count)).map(|i| range.first.after(i))).collect())
}
