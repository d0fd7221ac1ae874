//! What an op answers: everything the call writes back, refusals included.

use super::op::MachineId;
use crate::illumos::abi::{AsId, Errno, FaultCode, SegId};
use crate::illumos::process::Touched;
use crate::mock::SegAnswer;
use crate::trace::Halt;
use crate::word::Word;
use crate::x86::addr::Ma;
use crate::x86::control::Forbidden;
use crate::x86::fault::Exception;
use crate::xen::abi::{DomId, GntStatus, XenErrno};
use crate::xen::guest::EndAccess;
use serde::Serialize;

/// The answer to one op.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Of a processor alone.
    Bare(BareAnswer),
    /// Of dom0's kernel.
    Illumos(IllumosAnswer),
    /// Of the hypervisor or a guest.
    Xen(XenAnswer),
    /// Of a recording's mock kernel.
    Recorded(SegAnswer),
    /// The op names something this world has not. Nothing happened.
    NotThere(NotThere),
    /// The machine's kernel panicked at an earlier op, counted from 1.
    Dead {
        /// Which op of this world it was.
        since: u64,
    },
    /// The run stopped inside.
    Halted(Halt),
}

/// What an op named in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotThere {
    /// No such machine.
    Machine(MachineId),
    /// The machine is of another kind.
    Kind(MachineId),
    /// No such address space.
    Space(AsId),
    /// No such segment.
    Seg(SegId),
    /// No such domain.
    Domain(DomId),
}

/// What a processor alone answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BareAnswer {
    /// Done.
    Done,
    /// The access went through.
    Accessed {
        /// The machine address of its first byte.
        at: Ma,
        /// Where its first byte on a second page is, if it crosses into one.
        #[serde(skip_serializing_if = "Option::is_none")]
        second: Option<Ma>,
    },
    /// It raised this.
    Raised(Exception),
    /// The instruction raised an exception, for this rule.
    Forbidden(Forbidden),
}

/// What dom0's kernel answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IllumosAnswer {
    /// An errno, or a driver's raw -1.
    Errno(Errno),
    /// A new address space.
    Space(AsId),
    /// A new segment.
    Seg(SegId),
    /// Nothing: the function is void.
    Void,
    /// `IOCTL_PRIVCMD_MMAPBATCH`: its errno, and the caller's array as it left it.
    Batch {
        /// The errno.
        errno: Errno,
        /// The array.
        mfns: Vec<Word>,
    },
    /// A fault code.
    Fault(FaultCode),
    /// What a touch came to.
    Touched(Touched),
    /// `mincore`: so many pages, all said to be resident.
    Resident {
        /// How many.
        pages: u64,
    },
}

/// What the hypervisor or a guest answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum XenAnswer {
    /// 0 or an errno negated.
    Errno(XenErrno),
    /// The status of one grant operation.
    Status(GntStatus),
    /// What came of ending a grant.
    EndAccess(EndAccess),
    /// Done by the guest itself; false where its grant table has no such entry.
    Guest {
        /// Whether the entry exists.
        entry: bool,
    },
    /// Arranged from outside; no kernel was asked.
    Arranged,
    /// A domain was not built, and why.
    NotBuilt(String),
}

impl Answer {
    /// Whether a kernel, or the world, said no. A halt is not a no.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Answer::Bare(BareAnswer::Raised(_) | BareAnswer::Forbidden(_))
            | Answer::NotThere(_)
            | Answer::Dead { .. } => true,
            Answer::Bare(BareAnswer::Done | BareAnswer::Accessed { .. }) | Answer::Halted(_) => false,
            Answer::Illumos(answer) => match answer {
                IllumosAnswer::Errno(errno) => errno.is_error(),
                IllumosAnswer::Batch { errno, .. } => errno.is_error(),
                IllumosAnswer::Fault(code) => *code != FaultCode::OK,
                IllumosAnswer::Touched(touched) => matches!(touched, Touched::Signal(_)),
                IllumosAnswer::Space(_)
                | IllumosAnswer::Seg(_)
                | IllumosAnswer::Void
                | IllumosAnswer::Resident { .. } => false,
            },
            Answer::Recorded(answer) => match answer {
                SegAnswer::Errno(errno)
                | SegAnswer::Protections(errno, _)
                | SegAnswer::Vnode(errno, _)
                | SegAnswer::MemId(errno, _) => errno.is_error(),
                SegAnswer::Fault(code) => *code != FaultCode::OK,
                SegAnswer::Void
                | SegAnswer::Done
                | SegAnswer::Incore { .. }
                | SegAnswer::Offset(_)
                | SegAnswer::Type(_)
                | SegAnswer::Policy { .. }
                | SegAnswer::Capable(_) => false,
                SegAnswer::NoSuchSegment(_)
                | SegAnswer::NoSuchSpace(_)
                | SegAnswer::NoSuchDevice(_)
                | SegAnswer::NameTaken(_)
                | SegAnswer::OtherDriver(_) => true,
            },
            Answer::Xen(answer) => match answer {
                XenAnswer::Errno(errno) => *errno != XenErrno::OK,
                XenAnswer::Status(status) => *status != GntStatus::OKAY,
                XenAnswer::EndAccess(end) => *end != EndAccess::Ended,
                XenAnswer::Guest { entry } => !entry,
                XenAnswer::Arranged => false,
                XenAnswer::NotBuilt(_) => true,
            },
        }
    }
}
