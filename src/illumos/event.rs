//! What an illumos kernel reports: the calls it makes, by the source's own names, and what they changed.

use super::abi::{AsId, Dev, Errno, FaultCode, FaultType, SegId, SegRw};
use super::seg_mf::MapEntry;
use crate::word::Word;
use crate::x86::addr::{Level, Mfn, Pfn, Va};
use crate::xen::abi::{DomId, GrantRef, MapGrantRef, UnmapGrantRef};
use serde::Serialize;
use std::sync::Arc;

/// One thing that happened in an illumos kernel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KernelEvent {
    /// A function was entered; its `Returned` closes it.
    Called(Call),
    /// The innermost function still open returned.
    Returned(Return),
    /// The answer of the innermost open call was arranged by an injection.
    Injected,
    /// An entry of a seg_mf map changed. `index` may lie outside the segment.
    Entry {
        /// Whose map.
        seg: SegId,
        /// Page number from the base of the segment.
        index: u64,
        /// Before.
        old: MapEntry,
        /// After.
        new: MapEntry,
    },
    /// A segment was bound to a domain.
    Bound {
        /// Which.
        seg: SegId,
        /// Before; 0 is none.
        old: DomId,
        /// After.
        new: DomId,
    },
    /// `softlockcnt` changed.
    SoftLocks {
        /// Of which segment.
        seg: SegId,
        /// Before.
        old: u64,
        /// After.
        new: u64,
    },
    /// A lock was taken or dropped.
    Lock {
        /// Which.
        lock: Lock,
        /// Taken, else dropped.
        taken: bool,
    },
    /// A segment stands in an address space; a driver's data may come later.
    SegBorn {
        /// Which.
        seg: SegId,
        /// Where.
        space: AsId,
        /// Its first byte.
        base: Va,
        /// Its length in bytes.
        size: u64,
        /// The segment it is a copy of.
        from: Option<SegId>,
    },
    /// A driver put its private data behind a segment.
    SegAttached {
        /// Which.
        seg: SegId,
    },
    /// A segment is gone.
    SegGone {
        /// Which.
        seg: SegId,
    },
    /// A process and its address space came to be.
    SpaceBorn {
        /// Which.
        space: AsId,
        /// Whose fork it is.
        parent: Option<AsId>,
    },
    /// An address space is gone.
    SpaceGone {
        /// Which.
        space: AsId,
    },
    /// Holds on a device's vnode, or bytes mapped of its common vnode, changed.
    Vnode {
        /// Which device.
        dev: Dev,
        /// Holds and mapped bytes before.
        old: VnodeCounts,
        /// Holds and mapped bytes after.
        new: VnodeCounts,
    },
    /// The "somebody waits for an unmap" mark of an address space changed.
    UnmapWait {
        /// Which.
        space: AsId,
        /// Set, else cleared.
        set: bool,
    },
    /// A page table came to be in a HAT.
    TableBorn {
        /// Whose.
        space: AsId,
        /// Its frame.
        table: Mfn,
        /// Its level.
        level: Level,
        /// The first address under it.
        base: Va,
    },
    /// A page table is gone.
    TableGone {
        /// Whose.
        space: AsId,
        /// Its frame.
        table: Mfn,
    },
    /// A counter of a page table changed.
    TableCount {
        /// Whose.
        space: AsId,
        /// Its frame.
        table: Mfn,
        /// Which counter.
        counter: TableCounter,
        /// Before.
        old: u32,
        /// After.
        new: u32,
    },
    /// The word of a caller's array was written back.
    ArrayWritten {
        /// Index in the array.
        index: u64,
        /// Before.
        old: Word,
        /// After.
        new: Word,
    },
    /// A signal was sent to a process.
    Signalled {
        /// To whom.
        space: AsId,
        /// Which, and why.
        signal: Signal,
    },
}

/// The counters of a page table in the HAT (`htable.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TableCounter {
    /// `ht_busy`: pointer holds.
    Busy,
    /// `ht_valid_cnt`: entries the HAT counts as valid.
    Valid,
    /// `ht_lock_cnt`: locks on the whole table.
    Lock,
}

/// Holds on a vnode, and bytes mapped of its common vnode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct VnodeCounts {
    /// Holds.
    pub holds: u64,
    /// Bytes mapped.
    pub mapped: u64,
}

/// The locks that a driver or the address-space layer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lock {
    /// `data->lock` of a seg_mf segment.
    SegmfData(SegId),
    /// The global `freemem_lock`.
    Freemem,
    /// `a_contents` of an address space.
    AsContents(AsId),
    /// `a_lock` as reader.
    AsReader(AsId),
    /// `a_lock` as writer.
    AsWriter(AsId),
}

/// A signal and what goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// SIGBUS, BUS_OBJERR with `si_errno`.
    BusObject(Errno),
    /// SIGBUS, BUS_ADRERR.
    BusAddress,
    /// SIGBUS, BUS_ADRALN.
    BusAlignment,
    /// SIGSEGV, SEGV_ACCERR.
    SegvAccess,
    /// SIGSEGV, SEGV_MAPERR.
    SegvMapping,
}

/// Who had a segment freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FreedBy {
    /// The segment's own driver, in its unmap.
    Driver,
    /// `as_map`, after a create that failed.
    AsMap,
    /// `as_dup`, after a dup that failed.
    AsDup,
}

/// A call, with the arguments the source passes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the fields are the parameters of the functions named, in their order")]
pub enum Call {
    // The address-space layer.
    AsMap {
        space: AsId,
        addr: Va,
        len: u64,
    },
    AsUnmap {
        space: AsId,
        addr: Va,
        len: u64,
    },
    AsFault {
        space: AsId,
        addr: Va,
        len: u64,
        fault: FaultType,
        rw: SegRw,
    },
    AsDup {
        space: AsId,
        child: AsId,
    },
    AsFree {
        space: AsId,
    },
    AsSetprot {
        space: AsId,
        addr: Va,
        len: u64,
        prot: u32,
    },
    AsIncore {
        space: AsId,
        addr: Va,
        len: u64,
    },
    SegFree {
        seg: SegId,
        by: FreedBy,
    },
    // Callers of the driver.
    IoctlMmap {
        space: AsId,
        dom: DomId,
        entries: u64,
    },
    IoctlMmapBatch {
        space: AsId,
        dom: DomId,
        addr: Va,
        num: u64,
    },
    TapRegister {
        seg: SegId,
        addr: Va,
        npages: u64,
    },
    // seg_mf.
    SegmfCreate {
        seg: SegId,
        dev: Dev,
        prot: u32,
        maxprot: u32,
    },
    SegmfDup {
        seg: SegId,
        newseg: SegId,
    },
    SegmfUnmap {
        seg: SegId,
        addr: Va,
        len: u64,
    },
    SegmfFree {
        seg: SegId,
    },
    SegmfFault {
        seg: SegId,
        addr: Va,
        len: u64,
        fault: FaultType,
        rw: SegRw,
    },
    SegmfFaultpage {
        seg: SegId,
        addr: Va,
        fault: FaultType,
        prot: u32,
    },
    SegmfSoftunlock {
        seg: SegId,
        addr: Va,
        len: u64,
    },
    SegmfSetprot {
        seg: SegId,
        addr: Va,
        len: u64,
        prot: u32,
    },
    SegmfIncore {
        seg: SegId,
        addr: Va,
        len: u64,
    },
    SegmfAddMfns {
        seg: SegId,
        addr: Va,
        mfn: Word,
        count: u64,
        domid: DomId,
    },
    SegmfAddGrefs {
        seg: SegId,
        addr: Va,
        flags: u32,
        grefs: Arc<[GrantRef]>,
        domid: DomId,
    },
    SegmfReleaseGrefs {
        seg: SegId,
        addr: Va,
        count: u32,
    },
    SegmfAddGrefPte {
        seg: SegId,
        addr: Va,
        pte_ma: Word,
    },
    // The HAT.
    HatMap {
        space: AsId,
        addr: Va,
        len: u64,
        flags: u32,
    },
    HatDevload {
        space: AsId,
        addr: Va,
        len: u64,
        pfn: Pfn,
        attr: u32,
        flags: u32,
    },
    HatUnload {
        space: AsId,
        addr: Va,
        len: u64,
        flags: u32,
    },
    HatUnlock {
        space: AsId,
        addr: Va,
        len: u64,
    },
    HatPrepareMapping {
        space: AsId,
        addr: Va,
    },
    HatReleaseMapping {
        space: AsId,
        addr: Va,
    },
    HatFreeStart {
        space: AsId,
    },
    HatFreeEnd {
        space: AsId,
    },
    // Hypercalls.
    MmuUpdate {
        ptr: Word,
        val: Word,
    },
    PtwrEmulate {
        ptr: Word,
        val: Word,
    },
    UpdateVaMapping {
        va: Va,
        pte: Word,
        flags: u64,
    },
    UpdateVaMappingOtherdomain {
        va: Va,
        pte: Word,
        flags: u64,
        domid: DomId,
    },
    MapGrantRefs {
        count: u32,
    },
    UnmapGrantRefs {
        count: u32,
    },
    PinTable {
        table: Mfn,
        level: Level,
    },
    UnpinTable {
        table: Mfn,
    },
    // The vnode layer.
    Specfind {
        dev: Dev,
    },
    VopAddmap {
        dev: Dev,
        space: AsId,
        off: u64,
        addr: Va,
        len: u64,
        prot: u32,
        maxprot: u32,
    },
    VopDelmap {
        dev: Dev,
        space: AsId,
        off: u64,
        addr: Va,
        len: u64,
        prot: u32,
        maxprot: u32,
    },
    VnHold {
        dev: Dev,
    },
    VnRele {
        dev: Dev,
    },
    CvBroadcast {
        space: AsId,
    },
    /// The driver's debug line, when `segmf_faultpage_debug` asks for it.
    Uprintf {
        addr: Va,
        domid: DomId,
        mfn: Word,
        prot: u32,
    },
}

/// What a call came back with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Return {
    /// Nothing.
    Void,
    /// An errno.
    Errno(Errno),
    /// A fault code.
    Fault(FaultCode),
    /// A hypercall's value.
    Hypercall(i64),
    /// A count, size or offset.
    Value(u64),
    /// A grant map batch: the value, and each structure after the call.
    MapGrantRefs(i64, Arc<[MapGrantRef]>),
    /// A grant unmap batch likewise.
    UnmapGrantRefs(i64, Arc<[UnmapGrantRef]>),
}
