//! A segment: a range of an address space with a driver behind it, and the vector through which it is driven.

use super::abi::{AsId, Dev, Errno, FaultCode, FaultType, SegId, SegRw};
use super::seg_mf::SegmfData;
use crate::trace::Halt;
use crate::x86::addr::{PAGE_SHIFT, Va};

/// `struct seg`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Seg {
    /// `s_as`.
    pub space: AsId,
    /// `s_base`.
    pub base: Va,
    /// `s_size`, bytes.
    pub size: u64,
    /// `s_ops` and `s_data`.
    pub behind: Behind,
}

/// What is behind a segment: the closed set of drivers, with their private data.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Behind {
    /// No driver yet.
    Nothing,
    /// `seg_mf`.
    Mf(SegmfData),
    /// A driver this model knows nothing of.
    Other,
}

impl Seg {
    /// A segment with no driver yet.
    #[must_use]
    pub fn new(space: AsId, base: Va, size: u64) -> Seg {
        Seg { space, base, size, behind: Behind::Nothing }
    }

    /// `seg_pages`.
    #[must_use]
    pub fn pages(&self) -> u64 {
        self.size >> PAGE_SHIFT
    }

    /// `seg_page`: the index of the page of `addr`, which below the base comes out far above it.
    #[must_use]
    pub fn page_of(&self, addr: Va) -> u64 {
        addr.0.wrapping_sub(self.base.0) >> PAGE_SHIFT
    }

    /// The first byte after it.
    #[must_use]
    pub fn end(&self) -> Va {
        self.base.plus(self.size)
    }

    /// Whether `addr` lies in it.
    #[must_use]
    pub fn contains(&self, addr: Va) -> bool {
        addr.0.wrapping_sub(self.base.0) < self.size
    }

    /// The private data of `seg_mf`, where that driver is behind the segment.
    #[must_use]
    pub fn mf(&self) -> Option<&SegmfData> {
        match &self.behind {
            Behind::Mf(data) => Some(data),
            Behind::Nothing | Behind::Other => None,
        }
    }
}

/// What `getmemid` writes: an identity for locks that processes share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub struct MemId {
    /// `val[0]`: the common vnode of this device.
    pub vnode: Dev,
    /// `val[1]`: the index of the page.
    pub page: u64,
}

/// `struct seg_ops` (`vm/seg.h`), slot by slot; the name of the C slot stands in each doc line. `swapout` is an empty slot in
/// every driver here and `as_swapout` skips it.
///
/// All answers are those of a function that ended; its halt goes up beside them.
#[allow(clippy::missing_errors_doc, reason = "every slot errs with a halt alone")]
pub trait SegOps<P> {
    /// `dup`: fills `newseg`, the child's; on an error the half-built child stays for `as_dup` to free.
    fn dup(ports: &mut P, seg: SegId, newseg: SegId) -> Result<Errno, Halt>;
    /// `unmap`: takes a range away.
    fn unmap(ports: &mut P, seg: SegId, addr: Va, len: u64) -> Result<Errno, Halt>;
    /// `free`: lets go the private data.
    fn free(ports: &mut P, seg: SegId) -> Result<(), Halt>;
    /// `fault`: makes a range accessible.
    fn fault(ports: &mut P, seg: SegId, addr: Va, len: u64, kind: FaultType, rw: SegRw) -> Result<FaultCode, Halt>;
    /// `faulta`: begins to.
    fn faulta(ports: &mut P, seg: SegId, addr: Va) -> Result<FaultCode, Halt>;
    /// `setprot`.
    fn setprot(ports: &mut P, seg: SegId, addr: Va, len: u64, prot: u32) -> Result<Errno, Halt>;
    /// `checkprot`.
    fn checkprot(ports: &mut P, seg: SegId, addr: Va, len: u64, prot: u32) -> Result<Errno, Halt>;
    /// `kluster`: whether a neighbour may be read ahead; 0 is yes.
    fn kluster(ports: &mut P, seg: SegId, addr: Va, delta: i64) -> Result<Errno, Halt>;
    /// `sync`.
    fn sync(ports: &mut P, seg: SegId, addr: Va, len: u64, attr: u32, flags: u32) -> Result<Errno, Halt>;
    /// `incore`: bytes covered, and how many bytes of the vector became 1.
    fn incore(ports: &mut P, seg: SegId, addr: Va, len: u64) -> Result<(u64, u64), Halt>;
    /// `lockop`.
    fn lockop(ports: &mut P, seg: SegId, addr: Va, len: u64, attr: u32, op: u32) -> Result<Errno, Halt>;
    /// `getprot`: the words written.
    fn getprot(ports: &mut P, seg: SegId, addr: Va, len: u64) -> Result<(Errno, Vec<u32>), Halt>;
    /// `getoffset`.
    fn getoffset(ports: &mut P, seg: SegId, addr: Va) -> Result<u64, Halt>;
    /// `gettype`: `MAP_*`.
    fn gettype(ports: &mut P, seg: SegId, addr: Va) -> Result<u32, Halt>;
    /// `getvp`: the common vnode of this device.
    fn getvp(ports: &mut P, seg: SegId, addr: Va) -> Result<(Errno, Dev), Halt>;
    /// `advise`.
    fn advise(ports: &mut P, seg: SegId, addr: Va, len: u64, behav: u32) -> Result<Errno, Halt>;
    /// `dump`.
    fn dump(ports: &mut P, seg: SegId) -> Result<(), Halt>;
    /// `pagelock`.
    fn pagelock(ports: &mut P, seg: SegId, addr: Va, len: u64, lock: u32, rw: SegRw) -> Result<Errno, Halt>;
    /// `setpagesize`.
    fn setpagesize(ports: &mut P, seg: SegId, addr: Va, len: u64, szc: u32) -> Result<Errno, Halt>;
    /// `getmemid`.
    fn getmemid(ports: &mut P, seg: SegId, addr: Va) -> Result<(Errno, MemId), Halt>;
    /// `getpolicy`: whether the segment has a memory policy.
    fn getpolicy(ports: &mut P, seg: SegId, addr: Va) -> Result<Option<()>, Halt>;
    /// `capable`.
    fn capable(ports: &mut P, seg: SegId, capability: u32) -> Result<u32, Halt>;
    /// `inherit`.
    fn inherit(ports: &mut P, seg: SegId, addr: Va, len: u64, behav: u32) -> Result<Errno, Halt>;
}
