//! The processor: addresses, entries in byte-addressed machine frames, control registers, the walk, rights, the TLB, page faults.
//!
//! All paging modes, as the Intel SDM has them; a PV guest's 4-level tables are one case. What a frame is *for* and who may map it is Xen's business, not the MMU's.

pub mod addr;
pub mod control;
pub mod cpu;
pub mod fault;
pub mod memory;
pub mod model;
pub mod paging;
pub mod pte;
mod radix;
pub mod regs;
pub mod rights;
pub mod tlb;
pub mod walk;
pub mod why;

use crate::word::Word;
use addr::{Ma, Va};
use pte::Pte;
use serde::Serialize;

/// What the processor, or a write to a table, changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PteEvent {
    /// An entry in a page table got another value.
    Written {
        /// Where the entry is.
        at: Ma,
        /// What it was.
        old: Pte,
        /// What it is now.
        new: Pte,
    },
    /// The processor set the accessed or dirty bit of an entry on its own.
    Marked {
        /// Where the entry is.
        at: Ma,
        /// What it was.
        old: Pte,
        /// What it is now.
        new: Pte,
    },
    /// The TLB learnt a translation.
    Cached {
        /// The page.
        va: Va,
        /// The leaf entry it keeps.
        entry: Pte,
    },
    /// The TLB forgot one page (`invlpg`).
    Forgot {
        /// The page.
        va: Va,
    },
    /// The TLB forgot everything it knew.
    ForgotAll,
    /// The TLB forgot what it knew under one identifier or all of them, and kept what is global.
    ForgotNonGlobal {
        /// Under which.
        scope: tlb::Scope,
    },
    /// A register other than CR3 got a new value.
    Control {
        /// Which.
        register: regs::ControlRegister,
        /// What it was.
        old: Word,
        /// What it is now.
        new: Word,
    },
    /// CR3 got a new value.
    Cr3 {
        /// The table before.
        old: Word,
        /// The table now.
        new: Word,
    },
    /// The processor raised #PF; CR2 holds `va`.
    Faulted {
        /// The address that could not be reached.
        va: Va,
        /// The error code it pushed.
        code: fault::ErrorCode,
    },
}
