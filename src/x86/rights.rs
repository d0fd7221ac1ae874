//! What a page allows, what an access asks for, and which rule stands between them.
//!
//! The rules are those of the Intel SDM vol. 3, "Determination of access rights" and "Protection keys". All of them are
//! asked, so that every rule in the way can be named; the processor only says that there is one.

use super::addr::{Ma, Va};
use super::fault::{Access, ErrorCode, Mode};
use super::paging::PageSize;
use super::pte::Pte;
use super::regs::{Cr0, Cr4, Efer, KeyRights, ProtectionKey, Registers};
use bitflags::bitflags;
use serde::Serialize;

/// What all levels together allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Rights {
    /// R/W is set at every level.
    pub write: bool,
    /// U/S is set at every level.
    pub user: bool,
    /// NX is clear at every level.
    pub execute: bool,
}

/// Where an address leads and under which rights: all that a walk gives, and all that the TLB keeps of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Translation {
    /// The leaf entry as it was when the walk was made.
    pub leaf: Pte,
    /// What all levels allowed then.
    pub rights: Rights,
    /// The first byte of the page in the machine.
    pub base: Ma,
    /// How large it is.
    pub size: PageSize,
}

impl Translation {
    /// Bits 62:59 of a leaf: its protection key.
    pub const KEY: u64 = 0xf << 59;

    /// Where `va`, an address of this page, is in the machine.
    #[must_use]
    pub fn reach(&self, va: Va) -> Ma {
        Ma(self.base.0 + self.size.offset(va))
    }

    /// The protection key of the leaf: means something in long mode only.
    #[must_use]
    pub fn key(&self) -> ProtectionKey {
        ProtectionKey((self.leaf.0 >> 59 & 0xf) as u8)
    }

    /// Which of the eight entries of the page attribute table says how the page is cached: PAT, PCD and PWT of the leaf.
    #[must_use]
    pub fn pat_index(&self) -> u8 {
        let pat = if self.size == PageSize::Kib4 { 7 } else { 12 };
        ((self.leaf.0 >> pat & 1) << 2 | self.leaf.0 >> 3 & 3) as u8
    }
}

/// An access, with everything about it that a rule asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// What it wants.
    pub access: Access,
    /// Whose code runs.
    pub mode: Mode,
    /// The processor makes it on its own (a descriptor table, a task state): with supervisor privilege, whatever the CPL.
    pub implicit: bool,
    /// EFLAGS.AC: under SMAP, explicit data accesses of the supervisor may touch user pages.
    pub ac: bool,
    /// The address was formed through SS: one that is not canonical raises #SS.
    pub stack: bool,
}

impl Request {
    /// An explicit access through any segment but SS, with EFLAGS.AC clear.
    #[must_use]
    pub const fn new(access: Access, mode: Mode) -> Request {
        Request { access, mode, implicit: false, ac: false, stack: false }
    }

    /// The privilege it is made with.
    #[must_use]
    pub const fn privilege(self) -> Mode {
        if self.implicit { Mode::Supervisor } else { self.mode }
    }
}

bitflags! {
    /// The rules that an access breaks.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
    #[serde(transparent)]
    pub struct Objections: u8 {
        /// U/S: a user-mode access to a supervisor page.
        const SUPERVISOR_PAGE = 1;
        /// R/W: a write to a read-only page, by the user or under CR0.WP.
        const READ_ONLY = 1 << 1;
        /// XD: a fetch from a page that is no code.
        const NO_EXECUTE = 1 << 2;
        /// CR4.SMEP: a fetch by the supervisor from a user page.
        const SMEP = 1 << 3;
        /// CR4.SMAP: data of a user page touched by the supervisor.
        const SMAP = 1 << 4;
        /// PKRU or `IA32_PKRS`: the page's protection key.
        const KEY = 1 << 5;
    }
}

impl Registers {
    /// Every rule that refuses an access to a page; none when it goes through.
    #[must_use]
    pub fn objections(&self, page: &Translation, request: Request) -> Objections {
        let Rights { write, user, execute } = page.rights;
        let by_user = request.privilege() == Mode::User;
        let fetch = request.access == Access::Execute;
        let broken = |rule, is_broken: bool| if is_broken { rule } else { Objections::empty() };
        broken(Objections::SUPERVISOR_PAGE, by_user && !user)
            | broken(Objections::READ_ONLY, request.access == Access::Write && !write && self.heeds_read_only(by_user))
            | broken(Objections::NO_EXECUTE, fetch && !execute)
            | broken(Objections::SMEP, fetch && !by_user && user && self.cr4.contains(Cr4::SMEP))
            | broken(Objections::SMAP, !fetch && !by_user && user && self.smap_applies(request))
            | broken(Objections::KEY, !fetch && self.key_refuses(page, request))
    }

    /// The error code of the page fault that a refused access raises; none when it goes through.
    #[must_use]
    pub fn refuses(&self, page: &Translation, request: Request) -> Option<ErrorCode> {
        let objections = self.objections(page, request);
        if objections.is_empty() {
            return None;
        }
        let key = if objections.contains(Objections::KEY) { ErrorCode::KEY } else { ErrorCode::empty() };
        Some(self.code_of(request) | ErrorCode::PRESENT | key)
    }

    /// The bits of an error code that describe the access itself. I/D says a fetch only where one could be refused as such:
    /// with CR4.SMEP, or with EFER.NXE and 8-byte entries.
    #[must_use]
    pub fn code_of(&self, request: Request) -> ErrorCode {
        let code = ErrorCode::of(request.access, request.privilege());
        let nx = self.efer.contains(Efer::NXE) && self.cr4.contains(Cr4::PAE);
        if nx || self.cr4.contains(Cr4::SMEP) { code } else { code - ErrorCode::FETCH }
    }

    fn heeds_read_only(&self, by_user: bool) -> bool {
        by_user || self.cr0.contains(Cr0::WP)
    }

    fn smap_applies(&self, request: Request) -> bool {
        self.cr4.contains(Cr4::SMAP) && (request.implicit || !request.ac)
    }

    /// Keys guard data, not fetches: PKRU that of user pages against everybody, `IA32_PKRS` that of supervisor pages.
    fn key_refuses(&self, page: &Translation, request: Request) -> bool {
        let (enabled, keys): (Cr4, KeyRights) =
            if page.rights.user { (Cr4::PKE, self.pkru) } else { (Cr4::PKS, self.pkrs) };
        let by_user = request.privilege() == Mode::User;
        let writes = request.access == Access::Write && self.heeds_read_only(by_user);
        self.is_long()
            && self.cr4.contains(enabled)
            && (keys.forbids_access(page.key()) || writes && keys.forbids_write(page.key()))
    }
}
