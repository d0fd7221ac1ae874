//! What an access asks for, and what the processor says when it is refused.

use bitflags::bitflags;
use serde::{Deserialize, Serialize};

/// What an access wants to do with a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Load.
    Read,
    /// Store.
    Write,
    /// Fetch an instruction.
    Execute,
}

/// The privilege an access is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// CPL 3.
    User,
    /// CPL below 3.
    Supervisor,
}

bitflags! {
    /// The error code of a page fault.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
    #[serde(transparent)]
    pub struct ErrorCode: u32 {
        /// P: the translation was present, a right was missing.
        const PRESENT = 1;
        /// W/R: the access was a write.
        const WRITE = 1 << 1;
        /// U/S: the access was made with user privilege.
        const USER = 1 << 2;
        /// RSVD: a reserved bit was set in an entry.
        const RESERVED = 1 << 3;
        /// I/D: the access was an instruction fetch.
        const FETCH = 1 << 4;
        /// PK: the page's protection key forbids it.
        const KEY = 1 << 5;
    }
}

impl ErrorCode {
    /// The bits that describe the access itself, where fetches are told apart ([`super::regs::Registers::code_of`] knows where).
    #[must_use]
    pub fn of(access: Access, mode: Mode) -> ErrorCode {
        let access = match access {
            Access::Read => ErrorCode::empty(),
            Access::Write => ErrorCode::WRITE,
            Access::Execute => ErrorCode::FETCH,
        };
        let mode = match mode {
            Mode::User => ErrorCode::USER,
            Mode::Supervisor => ErrorCode::empty(),
        };
        access | mode
    }
}

/// Why the processor did not make an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Exception {
    /// #PF with its error code.
    PageFault(ErrorCode),
    /// #GP: the address is not canonical, or the value is one that a register does not take.
    GeneralProtection,
    /// #SS: the address is not canonical, and was formed through SS.
    StackFault,
    /// #UD: the processor has not, or was not told to have, this instruction.
    InvalidOpcode,
}
