//! What an operation answers: the return value and all it writes back.

use super::name::{SegName, SpaceName};
use crate::illumos::abi::{Dev, Errno, FaultCode};
use crate::illumos::seg::MemId;
use crate::word::Word;
use serde::Serialize;

/// The answer of an operation that ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SegAnswer {
    /// An errno, 0, or the driver's raw -1.
    Errno(Errno),
    /// A fault code.
    Fault(FaultCode),
    /// A void function returned.
    Void,
    /// A control operation on the mocks was carried out.
    Done,
    /// `getprot`: the errno and the words it wrote, from 0.
    Protections(Errno, Vec<u32>),
    /// `incore`: bytes covered, and how many bytes of the vector it set to 1.
    Incore {
        /// The return value.
        covered: u64,
        /// Bytes set.
        ones: u64,
    },
    /// `getoffset`.
    Offset(Word),
    /// `gettype`: `MAP_*`.
    Type(u32),
    /// `getvp`: the common vnode of this device.
    Vnode(Errno, Dev),
    /// `getmemid`.
    MemId(Errno, MemId),
    /// `getpolicy`: whether there is one; NULL if not.
    Policy {
        /// Not NULL.
        is_some: bool,
    },
    /// `capable`.
    Capable(u32),
    /// Not an operation of this world: no live segment has that name.
    NoSuchSegment(SegName),
    /// Not an operation of this world: no address space has that name.
    NoSuchSpace(SpaceName),
    /// Not an operation of this world: there is no such device.
    NoSuchDevice(Dev),
    /// Not an operation of this world: a live segment has that name already.
    NameTaken(SegName),
    /// Another driver is behind the segment, and what it would do is not known here.
    OtherDriver(SegName),
}

impl SegAnswer {
    /// The return value, where the operation could be carried out and its function returns one.
    #[must_use]
    pub fn ret(&self) -> Option<i128> {
        match self {
            SegAnswer::Errno(errno)
            | SegAnswer::Protections(errno, _)
            | SegAnswer::Vnode(errno, _)
            | SegAnswer::MemId(errno, _) => Some(errno.0.into()),
            SegAnswer::Fault(code) => Some(code.0.into()),
            SegAnswer::Incore { covered, ones: _ } => Some((*covered).into()),
            SegAnswer::Offset(offset) => Some(offset.0.into()),
            SegAnswer::Type(word) | SegAnswer::Capable(word) => Some((*word).into()),
            SegAnswer::Policy { is_some } => Some((*is_some).into()),
            SegAnswer::Void
            | SegAnswer::Done
            | SegAnswer::NoSuchSegment(_)
            | SegAnswer::NoSuchSpace(_)
            | SegAnswer::NoSuchDevice(_)
            | SegAnswer::NameTaken(_)
            | SegAnswer::OtherDriver(_) => None,
        }
    }

    /// The name of the return value; none where it is a plain number or nothing.
    #[must_use]
    pub fn sym(&self) -> Option<String> {
        match self {
            SegAnswer::Errno(errno)
            | SegAnswer::Protections(errno, _)
            | SegAnswer::Vnode(errno, _)
            | SegAnswer::MemId(errno, _) => name_of(*errno),
            SegAnswer::Fault(code) => fault_name(*code),
            SegAnswer::Type(word) => (*word == crate::illumos::abi::MAP_SHARED).then(|| "MAP_SHARED".to_owned()),
            SegAnswer::Capable(word) => (*word == 0).then(|| "OK".to_owned()),
            SegAnswer::Policy { is_some } => (!is_some).then(|| "NULL".to_owned()),
            SegAnswer::Incore { .. }
            | SegAnswer::Offset(_)
            | SegAnswer::Void
            | SegAnswer::Done
            | SegAnswer::NoSuchSegment(_)
            | SegAnswer::NoSuchSpace(_)
            | SegAnswer::NoSuchDevice(_)
            | SegAnswer::NameTaken(_)
            | SegAnswer::OtherDriver(_) => None,
        }
    }

    /// Why the operation could not even begin in this world; none where it was carried out.
    #[must_use]
    pub fn not_here(&self) -> Option<String> {
        match self {
            SegAnswer::NoSuchSegment(name) => Some(format!("no live segment is named {name}")),
            SegAnswer::NoSuchSpace(name) => Some(format!("no address space is named {name}")),
            SegAnswer::NoSuchDevice(dev) => Some(format!("there is no device {dev}")),
            SegAnswer::NameTaken(name) => Some(format!("a live segment is named {name} already")),
            SegAnswer::OtherDriver(name) => Some(format!("another driver is behind {name}")),
            SegAnswer::Errno(_)
            | SegAnswer::Fault(_)
            | SegAnswer::Void
            | SegAnswer::Done
            | SegAnswer::Protections(..)
            | SegAnswer::Incore { .. }
            | SegAnswer::Offset(_)
            | SegAnswer::Type(_)
            | SegAnswer::Vnode(..)
            | SegAnswer::MemId(..)
            | SegAnswer::Policy { .. }
            | SegAnswer::Capable(_) => None,
        }
    }
}

/// The name of an errno, or of the raw -1.
fn name_of(errno: Errno) -> Option<String> {
    if errno == Errno(-1) { Some("-1".to_owned()) } else { errno.name().map(str::to_owned) }
}

/// `FC_MAKE_ERR(..)` with the errno's name.
fn fault_name(code: FaultCode) -> Option<String> {
    match code {
        FaultCode::OK => Some("OK".to_owned()),
        FaultCode::RAW_MINUS_ONE => Some("-1".to_owned()),
        FaultCode::PROT => Some("FC_PROT".to_owned()),
        other => {
            let errno = other.decode();
            let name = (FaultCode::object_error(errno) == other).then(|| errno.name()).flatten();
            name.map(|name| format!("FC_MAKE_ERR({name})"))
        }
    }
}
