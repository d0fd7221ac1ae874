//! A rule that does not hold: at which place, and with which values.

use super::rule::InvariantId;
use crate::illumos::abi::{AsId, Errno, FaultType, SegId, prot};
use crate::sim::MachineId;
use crate::word::Word;
use crate::x86::addr::{Ma, Mfn, Va};
use crate::x86::pte::Pte;
use crate::xen::abi::{DomId, GrantRef, Handle};
use serde::Serialize;

/// Where a rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A page of an address space.
    Page {
        /// On which machine.
        machine: MachineId,
        /// In which address space.
        space: AsId,
        /// Its first byte.
        va: Va,
    },
    /// A whole segment.
    Segment {
        /// On which machine.
        machine: MachineId,
        /// In which address space.
        space: AsId,
        /// Which.
        seg: SegId,
    },
    /// A page table of an address space.
    Table {
        /// On which machine.
        machine: MachineId,
        /// Whose.
        space: AsId,
        /// The first address under it.
        base: Va,
        /// Its frame.
        table: Mfn,
    },
    /// A mapping of a grant that dom0 holds.
    Grant {
        /// On which machine.
        machine: MachineId,
        /// Whose grant.
        granter: DomId,
        /// Which.
        gref: GrantRef,
        /// The handle.
        handle: Handle,
    },
    /// A whole address space.
    Space {
        /// On which machine.
        machine: MachineId,
        /// Which.
        space: AsId,
    },
}

/// What was found where a rule is broken, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the fields are the numbers of the sentence that `words` makes of them")]
pub enum Why {
    /// I1: tagged MFN, and nothing is mapped.
    TagWithoutEntry { frame: Word },
    /// I1: tagged MFN, and the entry is another.
    TagOverOtherEntry { frame: Word, entry: Pte },
    /// I1: a foreign frame is mapped, and the tag does not say so.
    EntryWithoutTag { entry: Pte },
    /// I2: the page claims a handle that Xen does not hold for that grant.
    HandleNotHeld { handle: Handle, gref: GrantRef },
    /// I2: the handle is held, and the entry does not map the granted frame.
    GrantNotMapped { gref: GrantRef, entry: Pte },
    /// I2: the entry maps a granted frame, and the driver has no mapped GREF there.
    EntryWithoutGrant { entry: Pte },
    /// I3, I4, I5: a count and what a recount finds.
    Counted { counted: u64, found: u64 },
    /// I6: so many pages claim the handle.
    HandleShared { handle: Handle, pages: u64 },
    /// I8: the registered word, and where the page's entry stands, if its table exists.
    NotItsEntry { word: Word, own: Option<Ma> },
    /// I9: bound, and nothing is mapped.
    NothingMapped { domid: DomId },
    /// I11: dom0's own frame is mapped.
    OwnFrame { frame: Mfn, writable: bool },
    /// I12: Xen holds a handle that no page claims.
    HandleForgotten { handle: Handle },
    /// I12: an entry is left where no segment is.
    EntryLeft { entry: Pte },
    /// I13: rights as `PROT_*` bits, of the processor and of the segment.
    MoreRights { allowed: u32, prot: u8 },
    /// I7: what is the first of the things that stayed changed, and how many others did.
    Left { call: JudgedCall, answer: CallError, first: Leftover, others: u64 },
    /// I10: a page index outside the segment or outside the request.
    Outside { call: JudgedCall, index: u64, pages: u64, first: u64, count: u64 },
    /// I14: so many pages were said to be resident and are not; the first of them is the place.
    SaidResident { pages: u64 },
    /// I14: a live page was answered with an object error.
    SaidObjectError { fault: FaultType },
}

/// The calls whose conduct is judged, by their names in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are the kernel's own")]
pub enum JudgedCall {
    AsMap,
    AsUnmap,
    AsDup,
    AsFault,
    AsSetprot,
    IoctlMmap,
    IoctlMmapbatch,
    TapRegister,
    SegmfUnmap,
    SegmfFault,
    SegmfSetprot,
    SegmfAddMfns,
    SegmfAddGrefs,
    SegmfReleaseGrefs,
    SegmfAddGrefPte,
}

impl JudgedCall {
    /// The name in the source.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            JudgedCall::AsMap => "as_map",
            JudgedCall::AsUnmap => "as_unmap",
            JudgedCall::AsDup => "as_dup",
            JudgedCall::AsFault => "as_fault",
            JudgedCall::AsSetprot => "as_setprot",
            JudgedCall::IoctlMmap => "IOCTL_PRIVCMD_MMAP",
            JudgedCall::IoctlMmapbatch => "IOCTL_PRIVCMD_MMAPBATCH",
            JudgedCall::TapRegister => "xpvtap_user_map_register",
            JudgedCall::SegmfUnmap => "segmf_unmap",
            JudgedCall::SegmfFault => "segmf_fault",
            JudgedCall::SegmfSetprot => "segmf_setprot",
            JudgedCall::SegmfAddMfns => "segmf_add_mfns",
            JudgedCall::SegmfAddGrefs => "segmf_add_grefs",
            JudgedCall::SegmfReleaseGrefs => "segmf_release_grefs",
            JudgedCall::SegmfAddGrefPte => "segmf_add_gref_pte",
        }
    }
}

/// The error a judged call answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallError {
    /// An errno, or a raw -1.
    Errno(Errno),
    /// A fault code.
    Fault(i32),
}

/// One thing that a failed call left changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the fields are the numbers of the words that `words` makes of them")]
pub enum Leftover {
    /// A handle came into use, or went out of it.
    Handle { handle: Handle, held: bool },
    /// The domain a segment is bound to.
    Bound { to: DomId },
    /// The entry of a page in the page table, or a row of a recording's table.
    Mapping { va: Va, entry: Pte },
    /// The driver's record of a page.
    Record { index: u64 },
    /// `softlockcnt`.
    SoftLocks { count: u64 },
    /// A counter of a page table, or the locks of a row.
    Locks { count: u64 },
    /// The entries a page table counts as valid.
    Valid { count: u64 },
    /// A segment came or went.
    Segment { seg: SegId, lives: bool },
    /// Holds on a device, or bytes mapped of it.
    Device,
}

/// A rule that is broken at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Breach {
    /// Which rule.
    pub id: InvariantId,
    /// Where.
    pub place: Place,
    /// With what found there.
    pub why: Why,
}

impl Why {
    /// What was found, as a clause that goes on from the name of the place: "`page 0` is tagged MFN 4C0F0, and ...".
    #[must_use]
    pub fn words(&self) -> String {
        match *self {
            Why::TagWithoutEntry { frame } => format!("is tagged MFN {}, without a valid entry", hex(frame.0)),
            Why::TagOverOtherEntry { frame, entry } => {
                format!("is tagged MFN {}, over entry {}", hex(frame.0), hex(entry.0))
            }
            Why::EntryWithoutTag { entry } => {
                format!("maps foreign frame {:X}, its tag not MFN", entry.frame().0)
            }
            Why::HandleNotHeld { handle, gref } => {
                format!("claims handle {handle} for ref {:X}: Xen holds none", gref.0)
            }
            Why::GrantNotMapped { gref, entry: Pte::NONE } => {
                format!("is tagged GREF {:X}, mapped, without a valid entry", gref.0)
            }
            Why::GrantNotMapped { gref, entry } => {
                format!("is tagged GREF {:X}, mapped, over entry {}", gref.0, hex(entry.0))
            }
            Why::EntryWithoutGrant { entry } => {
                format!("maps granted frame {:X}, its tag no mapped GREF", entry.frame().0)
            }
            Why::Counted { counted, found } => format!("counted {}, recounted {found}", signed(counted)),
            Why::HandleShared { handle, pages } => format!("is one of {pages} pages that claim handle {handle}"),
            Why::NotItsEntry { word, own: Some(own) } => {
                format!("has {} registered, its entry stands at {}", hex(word.0), hex(own.0))
            }
            Why::NotItsEntry { word, own: None } => {
                format!("has {} registered, and no table of its own", hex(word.0))
            }
            Why::NothingMapped { domid } => format!("is bound to domain {domid} and maps nothing of it"),
            Why::OwnFrame { frame, writable } => {
                format!("maps dom0’s frame {:X}, {}", frame.0, if writable { "writable" } else { "read-only" })
            }
            Why::HandleForgotten { handle } => format!("is mapped by handle {handle}, which no page claims"),
            Why::EntryLeft { entry } => {
                format!("still maps frame {:X}, no segment being there", entry.frame().0)
            }
            Why::MoreRights { allowed, prot } => {
                format!("is {}, its segment {}", rights(allowed), rights(prot.into()))
            }
            Why::Left { call, answer, first, others } => {
                let more = match others {
                    0 => String::new(),
                    1 => " and one thing more".to_owned(),
                    n => format!(" and {n} things more"),
                };
                format!("{} answered {}, and left {}{more}", call.name(), answer.words(), first.words())
            }
            Why::Outside { call, index, pages, first, count } if index >= pages => {
                format!("{} changed page {index} of {pages}, asked for {count} from {first}", call.name())
            }
            Why::Outside { call, index, first, count, .. } => {
                format!("{} changed page {index}, asked for {count} from {first}", call.name())
            }
            Why::SaidResident { pages: 1 } => "was said to be resident, and is not mapped".to_owned(),
            Why::SaidResident { pages } => {
                format!("and {} more were said to be resident, and are not mapped", pages - 1)
            }
            Why::SaidObjectError { fault } => {
                format!("is live, and {fault:?} was answered with an object error")
            }
        }
    }
}

impl CallError {
    fn words(self) -> String {
        match self {
            CallError::Errno(errno) => format!("{errno:?}"),
            CallError::Fault(code) => format!("fault code {code:X}"),
        }
    }
}

impl Leftover {
    fn words(self) -> String {
        match self {
            Leftover::Handle { handle, held: true } => format!("handle {handle} in use"),
            Leftover::Handle { handle, held: false } => format!("handle {handle} free"),
            Leftover::Bound { to } => format!("the segment bound to domain {to}"),
            Leftover::Mapping { va, entry } if entry.is_present() => {
                format!("address {} mapping frame {:X}", hex(va.0), entry.frame().0)
            }
            Leftover::Mapping { va, .. } => format!("address {} unmapped", hex(va.0)),
            Leftover::Record { index } => format!("the record of page {index} changed"),
            Leftover::SoftLocks { count } => format!("softlockcnt at {}", signed(count)),
            Leftover::Locks { count } => format!("a lock count of {}", signed(count)),
            Leftover::Valid { count } => format!("a table that counts {} valid entries", signed(count)),
            Leftover::Segment { seg, lives: true } => format!("segment {seg} behind"),
            Leftover::Segment { seg, lives: false } => format!("segment {seg} gone"),
            Leftover::Device => "the device’s counts changed".to_owned(),
        }
    }
}

/// A number in hex; from seven digits on in groups of four, as addresses and entries are written.
fn hex(value: u64) -> String {
    let digits = format!("{value:X}");
    if digits.len() <= 6 {
        return digits;
    }
    let (head, rest) = digits.split_at(digits.len() % 4);
    let fours = (0..rest.len()).step_by(4).map(|at| &rest[at..at + 4]);
    let groups: Vec<&str> = std::iter::once(head).filter(|head| !head.is_empty()).chain(fours).collect();
    groups.join(" ")
}

/// A counter that wrapped reads as the negative number it stands for.
fn signed(count: u64) -> String {
    if count > u64::MAX / 2 {
        return format!("{}", count as i64);
    }
    match u32::try_from(count) {
        Ok(word) if word > u32::MAX / 2 => format!("{}", word as i32),
        Ok(_) | Err(_) => format!("{count}"),
    }
}

fn rights(bits: u32) -> String {
    let letter = |bit, letter| if bits & bit != 0 { letter } else { '-' };
    [letter(prot::READ, 'r'), letter(prot::WRITE, 'w'), letter(prot::EXEC, 'x')].iter().collect()
}

#[cfg(test)]
mod tests {
    use super::{Why, hex, signed};

    #[test]
    fn long_numbers_are_grouped_from_the_right() {
        let said = [0x100, 0x7f_ffff, 0xa34_5000, 0x8000_1000, 0x8010_0000_0010_0465].map(hex);
        assert_eq!(said, ["100", "7FFFFF", "A34 5000", "8000 1000", "8010 0000 0010 0465"]);
    }

    #[test]
    fn a_count_below_zero_reads_as_such() {
        assert_eq!([signed(3), signed(0xffff_fffe), signed(u64::MAX)], ["3", "-2", "-1"]);
        assert_eq!(Why::Counted { counted: 352, found: 349 }.words(), "counted 352, recounted 349");
    }
}
