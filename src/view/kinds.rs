//! Every operation a form can be opened for, by the name its system gives it.

use crate::view::command::Verb;

/// An operation, before its arguments.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs, reason = "each is the op of the same name in `sim::op`; Read, Write and Run are its touch")]
pub enum Kind {
    Spawn,
    Mmap,
    MmapBatch,
    IoctlMmap,
    AddMfns,
    RegisterPtes,
    AddGrefPte,
    AddGrefs,
    Read,
    Write,
    Run,
    Fault,
    Fork,
    Munmap,
    ReleaseGrefs,
    UnmapGrant,
    Exit,
    Mprotect,
    Mincore,
    GrantAccess,
    EndAccess,
    RevokeGrant,
    GiveBack,
    KillDomain,
    CreateDomain,
    Inject,
    FaultpageDebug,
}

impl Kind {
    /// All of them, in the order of the palette.
    pub const ALL: [Kind; 27] = [
        Kind::Spawn,
        Kind::Mmap,
        Kind::MmapBatch,
        Kind::IoctlMmap,
        Kind::AddMfns,
        Kind::RegisterPtes,
        Kind::AddGrefPte,
        Kind::AddGrefs,
        Kind::Read,
        Kind::Write,
        Kind::Run,
        Kind::Fault,
        Kind::Fork,
        Kind::Munmap,
        Kind::ReleaseGrefs,
        Kind::UnmapGrant,
        Kind::Exit,
        Kind::Mprotect,
        Kind::Mincore,
        Kind::GrantAccess,
        Kind::EndAccess,
        Kind::RevokeGrant,
        Kind::GiveBack,
        Kind::KillDomain,
        Kind::CreateDomain,
        Kind::Inject,
        Kind::FaultpageDebug,
    ];

    /// Its name in the source or the manual.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Spawn => "start a process",
            Kind::Mmap => "mmap",
            Kind::MmapBatch => "IOCTL_PRIVCMD_MMAPBATCH",
            Kind::IoctlMmap => "IOCTL_PRIVCMD_MMAP",
            Kind::AddMfns => "segmf_add_mfns",
            Kind::RegisterPtes => "xpvtap register",
            Kind::AddGrefPte => "segmf_add_gref_pte",
            Kind::AddGrefs => "segmf_add_grefs",
            Kind::Read => "read",
            Kind::Write => "write",
            Kind::Run => "run",
            Kind::Fault => "as_fault",
            Kind::Fork => "fork",
            Kind::Munmap => "munmap",
            Kind::ReleaseGrefs => "segmf_release_grefs",
            Kind::UnmapGrant => "GNTTABOP_unmap_grant_ref",
            Kind::Exit => "exit",
            Kind::Mprotect => "mprotect",
            Kind::Mincore => "mincore",
            Kind::GrantAccess => "grant_access",
            Kind::EndAccess => "end_access",
            Kind::RevokeGrant => "zero the grant’s flags",
            Kind::GiveBack => "decrease_reservation",
            Kind::KillDomain => "destroy a domain",
            Kind::CreateDomain => "create a domain",
            Kind::Inject => "arrange a failure",
            Kind::FaultpageDebug => "segmf_faultpage_debug",
        }
    }

    /// What it does, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Kind::Spawn => "with an empty address space",
            Kind::Mmap => "a process maps a device of seg_mf",
            Kind::MmapBatch => "frames of a domain, page by page",
            Kind::IoctlMmap => "frames of a domain in a row",
            Kind::AddMfns => "the driver’s own door, called straight",
            Kind::RegisterPtes => "placeholders, and the addresses of their entries",
            Kind::AddGrefPte => "any address, unchecked",
            Kind::AddGrefs => "map grants of a domain",
            Kind::Read | Kind::Write | Kind::Run => "a process touches an address",
            Kind::Fault => "as a path in the kernel calls it",
            Kind::Fork => "as_dup",
            Kind::Munmap => "as_unmap",
            Kind::ReleaseGrefs => "unmap grants",
            Kind::UnmapGrant => "past the driver, by handle",
            Kind::Exit => "as_free",
            Kind::Mprotect => "as_setprot",
            Kind::Mincore => "as_incore",
            Kind::GrantAccess => "a guest offers a frame",
            Kind::EndAccess => "a guest ends a grant by the protocol",
            Kind::RevokeGrant => "a guest does so whoever uses it",
            Kind::GiveBack => "a guest gives a frame back to Xen",
            Kind::KillDomain => "the toolstack does",
            Kind::CreateDomain => "with frames of its own",
            Kind::Inject => "the n-th call from now answers what you say",
            Kind::FaultpageDebug => "how many debug lines the driver prints",
        }
    }

    /// The verb whose form offers it.
    pub fn verb(self) -> Option<Verb> {
        match self {
            Kind::Spawn
            | Kind::Mmap
            | Kind::MmapBatch
            | Kind::IoctlMmap
            | Kind::AddMfns
            | Kind::RegisterPtes
            | Kind::AddGrefPte
            | Kind::AddGrefs => Some(Verb::Map),
            Kind::Read | Kind::Write | Kind::Run | Kind::Fault => Some(Verb::Fault),
            Kind::Fork => Some(Verb::Dup),
            Kind::Munmap | Kind::ReleaseGrefs | Kind::UnmapGrant | Kind::Exit => Some(Verb::Unmap),
            Kind::Mprotect
            | Kind::Mincore
            | Kind::GrantAccess
            | Kind::EndAccess
            | Kind::RevokeGrant
            | Kind::GiveBack
            | Kind::KillDomain
            | Kind::CreateDomain
            | Kind::Inject
            | Kind::FaultpageDebug => None,
        }
    }

    /// The operations of a verb, or, without one, the operation alone.
    pub fn siblings(self) -> Vec<Kind> {
        match self.verb() {
            None => vec![self],
            Some(verb) => Kind::ALL.into_iter().filter(|kind| kind.verb() == Some(verb)).collect(),
        }
    }

    /// What the button says.
    pub fn commit(self) -> String {
        match self.verb() {
            Some(verb) => verb.name().to_owned(),
            None => "Do it".to_owned(),
        }
    }
}
