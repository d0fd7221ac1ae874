//! Everything a person can do to a world, as one value each.
//!
//! Arguments are raw words of the ABI's width: what is nonsense in them is for the kernel to refuse.

use super::setup::FrameRange;
use crate::illumos::abi::{AsId, Dev, FaultType, SegId, SegRw};
use crate::illumos::inject::Target;
use crate::illumos::privcmd::MmapEntry;
use crate::mock::SegmfOp;
use crate::word::{Word, small_id};
use crate::x86::addr::{Ma, Mfn, Va};
use crate::x86::fault::{Access, Mode};
use crate::x86::regs::KeyRights;
use crate::xen::abi::{DomId, GrantRef, Handle};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU8;

small_id!(
    /// A machine of the world, by its place in the session's list.
    MachineId(u32), "machine:"
);

/// One step: what is done, and on which machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Op {
    /// The machine.
    pub machine: MachineId,
    /// What is done there.
    #[serde(rename = "do")]
    pub act: Act,
}

/// What is done, by the kind of machine that understands it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// On a processor alone.
    Bare(BareOp),
    /// On a Xen machine: dom0's processes, drivers and kernel.
    Dom0(Dom0Op),
    /// On a Xen machine: what another domain does.
    Guest(GuestOp),
    /// On a Xen machine: what comes from outside.
    Outside(OutsideOp),
    /// On a recording's mock kernel.
    Recorded(SegmfOp),
}

/// On a machine with a processor and tables, and no kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are the arguments of the instructions named")]
pub enum BareOp {
    /// Stores an entry at a machine address: 8 bytes with CR4.PAE, else 4, of which the upper half of `value` is no part.
    Write { at: Ma, value: Word },
    /// `mov cr0`.
    LoadCr0 { value: Word },
    /// `mov cr3`.
    LoadCr3 { value: Word },
    /// `mov cr4`.
    LoadCr4 { value: Word },
    /// `wrmsr` to `IA32_EFER`.
    LoadEfer { value: Word },
    /// `wrpkru`.
    LoadPkru { keys: KeyRights },
    /// `wrmsr` to `IA32_PKRS`.
    LoadPkrs { keys: KeyRights },
    /// Makes an access.
    Touch(Touch),
    /// `invlpg`.
    Invlpg { va: Va },
    /// `invpcid` of a type, with its descriptor.
    Invpcid { kind: Word, pcid: Word, va: Va },
}

/// An access on a processor alone. What is left out is the ordinary case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Touch {
    /// The linear address of its first byte.
    pub va: Va,
    /// What it wants.
    pub access: Access,
    /// Whose code runs.
    pub mode: Mode,
    /// How many bytes; one unless said.
    #[serde(default = "one_byte", skip_serializing_if = "is_one_byte")]
    pub bytes: NonZeroU8,
    /// The processor makes it on its own, with supervisor privilege.
    #[serde(default, skip_serializing_if = "is_false")]
    pub implicit: bool,
    /// EFLAGS.AC.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ac: bool,
    /// Through the stack segment.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stack: bool,
}

impl Touch {
    /// An explicit access of one byte, EFLAGS.AC clear.
    #[must_use]
    pub const fn new(va: Va, access: Access, mode: Mode) -> Touch {
        Touch { va, access, mode, bytes: NonZeroU8::MIN, implicit: false, ac: false, stack: false }
    }
}

fn one_byte() -> NonZeroU8 {
    NonZeroU8::MIN
}

fn is_one_byte(bytes: &NonZeroU8) -> bool {
    *bytes == NonZeroU8::MIN
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// What dom0's processes, drivers and kernel do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are the arguments of the calls named")]
pub enum Dom0Op {
    /// A process starts, with an empty address space.
    Spawn {},
    /// A process maps a device of `seg_mf` at a fixed address: `as_map`, `segmf_create`.
    Mmap { space: AsId, addr: Va, len: Word, prot: u8, maxprot: u8, dev: Dev },
    /// `IOCTL_PRIVCMD_MMAP`.
    IoctlMmap { space: AsId, domid: DomId, entries: Vec<MmapEntry> },
    /// `IOCTL_PRIVCMD_MMAPBATCH`.
    IoctlMmapbatch { space: AsId, domid: DomId, addr: Va, mfns: Vec<Word> },
    /// `segmf_add_mfns`, called straight.
    AddMfns { seg: SegId, addr: Va, mfn: Word, count: Word, domid: DomId },
    /// The tap driver registers the entries of a range: `segmf_add_gref_pte` for each page.
    RegisterPtes { seg: SegId, addr: Va, npages: Word },
    /// `segmf_add_gref_pte`, called straight, with any address.
    AddGrefPte { seg: SegId, addr: Va, pte_ma: Word },
    /// `segmf_add_grefs`.
    AddGrefs { seg: SegId, addr: Va, flags: u32, grefs: Vec<GrantRef>, domid: DomId },
    /// `segmf_release_grefs`.
    ReleaseGrefs { seg: SegId, addr: Va, count: u32 },
    /// A process touches an address.
    Touch { space: AsId, addr: Va, access: Access },
    /// `as_fault`, as a kernel path calls it.
    Fault { space: AsId, addr: Va, len: Word, kind: FaultType, rw: SegRw },
    /// A process forks: `as_dup`.
    Fork { space: AsId },
    /// A process unmaps a range: `as_unmap`.
    Munmap { space: AsId, addr: Va, len: Word },
    /// A process changes rights: `as_setprot`.
    Mprotect { space: AsId, addr: Va, len: Word, prot: u32 },
    /// A process asks what is resident: `as_incore`.
    Mincore { space: AsId, addr: Va, len: Word },
    /// A process ends: `as_free`.
    Exit { space: AsId },
    /// dom0's kernel unmaps a grant by handle and address, past the driver.
    UnmapGrant { handle: Handle, host_addr: Word },
}

/// What another domain does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are the arguments of the calls named")]
pub enum GuestOp {
    /// A guest offers a frame.
    GrantAccess { domid: DomId, gref: GrantRef, to: DomId, frame: u32, readonly: bool },
    /// A guest ends a grant by the protocol.
    EndAccess { domid: DomId, gref: GrantRef },
    /// A guest zeroes the flags of a grant, whatever they say.
    RevokeGrant { domid: DomId, gref: GrantRef },
    /// A guest gives a frame back to Xen.
    GiveBack { domid: DomId, mfn: Mfn },
}

/// What comes from outside: the toolstack, the weather, a debugger.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are the arguments of the calls named")]
pub enum OutsideOp {
    /// The toolstack destroys a domain.
    KillDomain { domid: DomId },
    /// A failure is arranged: the `nth` call from now answers `ret`.
    Inject { what: Target, nth: u32, ret: i64 },
    /// The driver's debug lines: how many to print.
    FaultpageDebug { lines: i32 },
    /// A new domain with these frames comes to be.
    CreateDomain { domid: DomId, frames: Vec<FrameRange> },
}
