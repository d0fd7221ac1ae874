//! What the mock kernel changed below the driver, and what its HAT found odd.

use super::hat::Row;
use super::hypervisor::Mapping;
use super::name::SegName;
use crate::illumos::abi::{AsId, SegId};
use crate::illumos::inject::Target;
use crate::word::Word;
use crate::x86::addr::Va;
use crate::x86::pte::Pte;
use crate::xen::abi::{DomId, GntStatus, GrantRef, Handle};
use serde::Serialize;

/// One thing that happened in the mock kernel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MockEvent {
    /// A segment got its name; the segment itself comes right after.
    NameGiven {
        /// Which.
        seg: SegId,
        /// Its name.
        name: SegName,
    },
    /// The name of a freed segment is free.
    NameGone {
        /// Which it was.
        seg: SegId,
        /// Its name.
        name: SegName,
    },
    /// A row of a HAT table changed.
    Row {
        /// Whose table.
        space: AsId,
        /// The page.
        va: Va,
        /// Before, if there was a row.
        old: Option<Row>,
        /// After, if there still is one.
        new: Option<Row>,
    },
    /// Noted only: `hat_devload` over a valid entry. The real HAT would panic when the frame differs.
    DevloadOverValid {
        /// Whose table.
        space: AsId,
        /// The page.
        va: Va,
        /// The entry that is lost.
        old_pte: Pte,
    },
    /// Noted only: a lock was to be let go where none is.
    LockMissing {
        /// By which call.
        by: HatCall,
        /// Whose table.
        space: AsId,
        /// The page.
        va: Va,
    },
    /// Noted only: an entry went while locks on it remain.
    LockRemains {
        /// Whose table.
        space: AsId,
        /// The page.
        va: Va,
        /// How many.
        locks: u64,
    },
    /// The status of one operation of a grant batch is written back.
    GrantOpDone {
        /// Which of the batch, from 0.
        index: u64,
        /// Its status.
        status: GntStatus,
    },
    /// A grant was mapped.
    HandleBorn {
        /// The handle, never used before.
        handle: Handle,
        /// What it stands for.
        mapping: Mapping,
    },
    /// A grant mapping was taken back.
    HandleDied {
        /// The handle, never used again.
        handle: Handle,
        /// What it stood for.
        mapping: Mapping,
    },
    /// The mapping last written to the entry at a machine address changed.
    PteMa {
        /// The address.
        ma: Word,
        /// Before.
        old: Option<Handle>,
        /// After.
        new: Option<Handle>,
    },
    /// A domain died.
    DomainKilled {
        /// Which.
        dom: DomId,
    },
    /// A domain took a grant back.
    GrantRevoked {
        /// Whose.
        dom: DomId,
        /// Which.
        gref: GrantRef,
    },
    /// A failure was arranged.
    InjectionArranged {
        /// Of which calls.
        what: Target,
        /// The how many-th from now.
        nth: u64,
        /// Its result.
        ret: i64,
    },
    /// Arranged failures counted a call.
    InjectionCounted {
        /// The result this one gives, if one was due.
        ret: Option<i64>,
    },
}

/// The two calls that let go locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HatCall {
    /// `hat_unload`.
    HatUnload,
    /// `hat_unlock`.
    HatUnlock,
}

impl HatCall {
    /// The name in the source.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            HatCall::HatUnload => "hat_unload",
            HatCall::HatUnlock => "hat_unlock",
        }
    }
}
