//! What the hypervisor reports: the work it does inside a hypercall, and every count, type, pin and handle that changes.

use super::abi::{DomId, GntStatus, GrantRef, Handle, XenErrno};
use super::grant::{Pins, SharedEntry};
use super::page_info::TypeWord;
use crate::trace::Emit;
use crate::word::Word;
use crate::x86::PteEvent;
use crate::x86::addr::{Level, Ma, Mfn, Va};
use crate::x86::pte::Pte;
use serde::Serialize;

/// Who listens to Xen hears the tables, too.
pub trait XenTrace: Emit<PteEvent> + Emit<XenEvent> {}
impl<T: Emit<PteEvent> + Emit<XenEvent>> XenTrace for T {}

/// One thing that happened in the hypervisor.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum XenEvent {
    /// An inner function was entered; its `Returned` closes it.
    Called(XenCall),
    /// The innermost function still open returned.
    Returned(XenReturn),
    /// The general count of a frame changed.
    Count {
        /// Which frame.
        mfn: Mfn,
        /// Before.
        old: u64,
        /// After.
        new: u64,
    },
    /// The type, or the type count, of a frame changed.
    Type {
        /// Which frame.
        mfn: Mfn,
        /// Before.
        old: TypeWord,
        /// After.
        new: TypeWord,
    },
    /// A page table was pinned or unpinned.
    TablePinned {
        /// Which frame.
        mfn: Mfn,
        /// Pinned, else unpinned.
        pinned: bool,
    },
    /// The owner let go its allocation reference; whoever holds a count keeps the frame.
    Released {
        /// Which frame.
        mfn: Mfn,
        /// Whose.
        owner: DomId,
    },
    /// The last count went: the frame is nobody's.
    Freed {
        /// Which frame.
        mfn: Mfn,
        /// Whose it was.
        owner: DomId,
    },
    /// A shared entry of a grant table changed, by whichever side.
    Shared {
        /// Whose table.
        granter: DomId,
        /// Which entry.
        gref: GrantRef,
        /// Before.
        old: SharedEntry,
        /// After.
        new: SharedEntry,
    },
    /// The pins of an active grant changed.
    Pins {
        /// Whose table.
        granter: DomId,
        /// Which entry.
        gref: GrantRef,
        /// The frame it stands for.
        mfn: Mfn,
        /// Before.
        old: Pins,
        /// After.
        new: Pins,
    },
    /// A handle came into use.
    HandleTaken {
        /// Who maps.
        mapper: DomId,
        /// Which handle.
        handle: Handle,
        /// Whose grant.
        granter: DomId,
        /// Which grant.
        gref: GrantRef,
    },
    /// A handle went out of use.
    HandleFreed {
        /// Who had mapped.
        mapper: DomId,
        /// Which handle.
        handle: Handle,
    },
    /// A domain began to die.
    DomainDying {
        /// Which.
        dom: DomId,
    },
    /// The last page of a dying domain went, and the domain with it.
    DomainGone {
        /// Which.
        dom: DomId,
    },
}

/// An inner function of the hypervisor with its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the fields are the parameters of the functions named")]
pub enum XenCall {
    ModL1Entry { at: Ma, new: Pte, owner: DomId },
    ModUpperEntry { at: Ma, new: Pte, level: Level },
    MapGrantRef { host_addr: Word, gref: GrantRef, dom: DomId, flags: u32 },
    UnmapGrantRef { host_addr: Word, handle: Handle },
    DecreaseReservation { dom: DomId, mfn: Mfn },
    GuestUpdate { dom: DomId, va: Va },
    DomainKill { dom: DomId },
    GrantAccess { dom: DomId, gref: GrantRef },
    EndAccess { dom: DomId, gref: GrantRef },
}

/// What an inner function came back with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum XenReturn {
    /// Nothing.
    Void,
    /// 0 or an errno negated.
    Errno(XenErrno),
    /// The status of one grant operation, and its handle.
    Status(GntStatus, Handle),
}
