//! The mock kernel of the `seg_mf` recordings: the driver's own code above, tables of plain rows below.
//!
//! It follows the rules the recordings were made by, to the letter: a HAT that is a table of rows, grants that are handles, vnodes
//! that are two counts, and failures arranged in advance. It is *not* a kernel: what it does differently from one (nothing panics
//! at a lock too many, grant mappings are not in the table) is part of the rules. The rules are those of the recordings' README.

mod answer;
mod apply;
mod event;
mod hat;
mod hypervisor;
mod json;
mod log;
mod name;
mod op;
mod ports;
mod recording;
mod replay;
mod setup;
#[cfg(test)]
mod tests;
mod verdict;
mod vnodes;

pub use answer::SegAnswer;
pub use event::{HatCall, MockEvent};
pub use hat::Row;
pub use hypervisor::{Domain, Grant, Mapping};
pub use json::{out_json, state_json};
pub use log::{Noted, log_of};
pub use name::{SegName, SpaceName};
pub use op::SegmfOp;
pub use recording::{
    Ends, MAX_STEPS, MAX_TEXT_BYTES, ReadError, RecordedStep, Recording, Run, read_lines, read_recordings,
};
pub use replay::{Replayed, StepEvent, replay, replay_step};
pub use setup::{DomainSetup, GrantSetup, Setup, StackFill};
pub use verdict::{Difference, Expectation, compare};

use crate::illumos::abi::{AsId, Dev, KernelBuild, SegId};
use crate::illumos::event::VnodeCounts;
use crate::illumos::inject::Injections;
use crate::illumos::seg::Seg;
use crate::word::Word;
use crate::x86::addr::Va;
use crate::xen::abi::{DomId, Handle};
use imbl::{OrdMap, Vector};

/// The mock kernel: everything a recording's `state` shows, and what decides later answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MockKernel {
    build: KernelBuild,
    stack: StackFill,
    spaces: Vector<Space>,
    names: OrdMap<SegId, SegName>,
    segs: OrdMap<SegId, Seg>,
    next_seg: u32,
    devices: OrdMap<Dev, VnodeCounts>,
    domains: OrdMap<DomId, Domain>,
    mappings: OrdMap<Handle, Mapping>,
    last_handle: Handle,
    pte_ma: OrdMap<Word, Handle>,
    injections: Injections,
    faultpage_debug: i32,
}

/// An address space: a name, a HAT table, the mark of one who waits for an unmap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Space {
    name: SpaceName,
    rows: OrdMap<Va, Row>,
    unmap_wait: bool,
}

impl MockKernel {
    /// The world before the first operation.
    #[must_use]
    pub fn new(setup: &Setup, build: KernelBuild, stack: StackFill) -> MockKernel {
        let space = |name: &SpaceName| Space { name: name.clone(), rows: OrdMap::new(), unmap_wait: false };
        MockKernel {
            build,
            stack,
            spaces: setup.address_spaces.iter().map(space).collect(),
            names: OrdMap::new(),
            segs: OrdMap::new(),
            next_seg: 0,
            devices: setup.devices.iter().map(|dev| (*dev, VnodeCounts { holds: 1, mapped: 0 })).collect(),
            domains: setup.domains.iter().map(|domain| (domain.id, Domain::new(domain))).collect(),
            mappings: OrdMap::new(),
            last_handle: Handle(0),
            pte_ma: OrdMap::new(),
            injections: Injections::default(),
            faultpage_debug: 0,
        }
    }

    /// With ASSERTs or without.
    #[must_use]
    pub fn build(&self) -> KernelBuild {
        self.build
    }

    /// What automatic variables nobody wrote read as.
    #[must_use]
    pub fn stack(&self) -> StackFill {
        self.stack
    }

    /// The address spaces in the order of the set-up; they neither come nor go.
    pub fn spaces(&self) -> impl Iterator<Item = (AsId, &SpaceName)> + '_ {
        (0..).map(AsId).zip(self.spaces.iter().map(|space| &space.name))
    }

    /// The rows of one HAT table, in order of address; none for a space that is not.
    pub fn rows(&self, space: AsId) -> impl Iterator<Item = (Va, Row)> + '_ {
        let rows = self.space(space).map(|space| &space.rows);
        rows.into_iter().flat_map(|rows| rows.iter().map(|(va, row)| (*va, *row)))
    }

    /// Whether somebody waits for an unmap in this address space.
    #[must_use]
    pub fn unmap_wait(&self, space: AsId) -> bool {
        self.space(space).is_some_and(|space| space.unmap_wait)
    }

    /// The live segments in the order of their creation.
    pub fn segs(&self) -> impl Iterator<Item = (SegId, &SegName, &Seg)> + '_ {
        self.segs.iter().map(|(id, seg)| (*id, self.name_of(*id), seg))
    }

    /// A live segment.
    #[must_use]
    pub fn seg(&self, id: SegId) -> Option<&Seg> {
        self.segs.get(&id)
    }

    /// The row of a page, if there is one.
    #[must_use]
    pub fn row(&self, space: AsId, va: Va) -> Option<Row> {
        self.space(space)?.rows.get(&va).copied()
    }

    /// A live grant mapping.
    #[must_use]
    pub fn mapping(&self, handle: Handle) -> Option<&Mapping> {
        self.mappings.get(&handle)
    }

    /// The mapping last written to the entry at a machine address.
    #[must_use]
    pub fn written_at(&self, ma: Word) -> Option<Handle> {
        self.pte_ma.get(&ma).copied()
    }

    /// The live segment of that name.
    #[must_use]
    pub fn seg_named(&self, name: &SegName) -> Option<SegId> {
        self.names.iter().find(|(_, known)| *known == name).map(|(id, _)| *id)
    }

    /// The address space of that name.
    #[must_use]
    pub fn space_named(&self, name: &SpaceName) -> Option<AsId> {
        self.spaces().find(|(_, known)| *known == name).map(|(id, _)| id)
    }

    /// The devices, with the holds on their vnodes and the bytes mapped of their common vnodes.
    pub fn devices(&self) -> impl Iterator<Item = (Dev, VnodeCounts)> + '_ {
        self.devices.iter().map(|(dev, counts)| (*dev, *counts))
    }

    /// The domains, dead ones too.
    pub fn domains(&self) -> impl Iterator<Item = (DomId, &Domain)> + '_ {
        self.domains.iter().map(|(id, domain)| (*id, domain))
    }

    /// The live grant mappings in order of handle.
    pub fn mappings(&self) -> impl Iterator<Item = (Handle, &Mapping)> + '_ {
        self.mappings.iter().map(|(handle, mapping)| (*handle, mapping))
    }

    /// The entries that grants were mapped at, by machine address, with the mapping last written there.
    pub fn pte_ma(&self) -> impl Iterator<Item = (Word, Handle)> + '_ {
        self.pte_ma.iter().map(|(ma, handle)| (*ma, *handle))
    }

    /// The failures still to come.
    #[must_use]
    pub fn injections(&self) -> &Injections {
        &self.injections
    }

    fn space(&self, space: AsId) -> Option<&Space> {
        self.spaces.get(usize::try_from(space.0).ok()?)
    }

    fn space_mut(&mut self, space: AsId) -> &mut Space {
        let found = usize::try_from(space.0).ok().and_then(|index| self.spaces.get_mut(index));
        found.unwrap_or_else(|| panic!("{space:?} was looked up by name before anything changed in it"))
    }

    fn name_of(&self, seg: SegId) -> &SegName {
        let name = self.names.get(&seg);
        name.unwrap_or_else(|| panic!("{seg:?} lives without a name: a name is given first and taken last"))
    }
}
