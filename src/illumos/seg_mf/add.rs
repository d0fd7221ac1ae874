//! What the driver exports: create a segment, put foreign frames or grants into it, take grants out.

use super::map::{EntryMap, MapEntry, SegmfData, Tag, gflags};
use super::slots::{attach, whole};
use super::{GREF_WR, MAX_GREFS, change_entry, change_softlocks, data, data_mut, round};
use crate::illumos::abi::{AsId, Dev, Errno, FaultCode, FaultType, SegId, SegRw, hat_flag, prot, pt_soft};
use crate::illumos::event::{Call, KernelEvent, Lock, Return};
use crate::illumos::ports::Ports;
use crate::trace::Halt;
use crate::word::Word;
use crate::x86::addr::{PAGE_SHIFT, PAGE_SIZE, Pfn, Va};
use crate::x86::pte::Pte;
use crate::xen::abi::{DomId, GntStatus, GrantRef, Handle, MapGrantRef, UnmapGrantRef, gntmap, uvmf};

/// `struct segmf_crargs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CreateArgs {
    /// The device.
    pub dev: Dev,
    /// Protection of every page, for good.
    pub prot: u8,
    /// The greatest it could have.
    pub maxprot: u8,
}

/// `segmf_create`: makes a segment ours; nothing is mapped yet. On an error `as_map` frees the segment.
///
/// # Errors
/// Only a halt, here and below.
pub fn create(ports: &mut impl Ports, seg: SegId, args: CreateArgs) -> Result<Errno, Halt> {
    let CreateArgs { dev, prot, maxprot } = args;
    ports.called(Call::SegmfCreate { seg, dev, prot: prot.into(), maxprot: maxprot.into() })?;
    let (space, base, size) = (ports.seg(seg).space, ports.seg(seg).base, ports.seg(seg).size);
    let map = EntryMap::created(ports.seg(seg).pages());
    ports.hat_map(space, base, size, hat_flag::LOAD)?;
    attach(ports, seg, SegmfData { dev, prot, maxprot, softlockcnt: 0, domid: DomId(0), map })?;
    ports.specfind(dev)?;
    let at = whole(ports, seg, "segmf_create")?;
    let error = ports.addmap(dev, at)?;
    if error.is_error() {
        ports.hat_unload(space, base, size, hat_flag::UNLOAD_UNMAP)?;
    }
    ports.returned(Return::Errno(error))?;
    Ok(error)
}

/// `segmf_add_mfns`: maps `count` foreign frames from `mfn` on, and holds them. All or none, the driver means; see D04.
///
/// # Errors
/// Only a halt.
pub fn add_mfns(
    ports: &mut impl Ports,
    seg: SegId,
    addr: Va,
    mfn: Word,
    count: u64,
    domid: DomId,
) -> Result<Errno, Halt> {
    ports.called(Call::SegmfAddMfns { seg, addr, mfn, count, domid })?;
    let error = match may_add(ports, seg, domid) {
        Some(refusal) => refusal,
        None => {
            ports.enter(Lock::SegmfData(seg))?;
            let error = match bind(ports, seg, domid)? {
                Some(refusal) => refusal,
                None => add_frames(ports, seg, addr, mfn, count)?,
            };
            ports.exit(Lock::SegmfData(seg))?;
            error
        }
    };
    ports.returned(Return::Errno(error))?;
    Ok(error)
}

/// `segmf_add_grefs`: maps grants at the entries whose addresses were registered with [`add_gref_pte`].
///
/// # Errors
/// Only a halt.
pub fn add_grefs(
    ports: &mut impl Ports,
    seg: SegId,
    addr: Va,
    flags: u32,
    grefs: &[GrantRef],
    domid: DomId,
) -> Result<Errno, Halt> {
    ports.called(Call::SegmfAddGrefs { seg, addr, flags, grefs: grefs.into(), domid })?;
    let error = match may_add(ports, seg, domid) {
        Some(refusal) => refusal,
        None => {
            ports.enter(Lock::SegmfData(seg))?;
            let error = match bind(ports, seg, domid)? {
                Some(refusal) => refusal,
                None => add_references(ports, seg, addr, flags, grefs)?,
            };
            ports.exit(Lock::SegmfData(seg))?;
            error
        }
    };
    ports.returned(Return::Errno(error))?;
    Ok(error)
}

/// `segmf_release_grefs`: has Xen take the grants back. Statuses of the batch are not looked at (D14); no lock is taken (D20).
/// Answers 0 or a raw -1.
///
/// # Errors
/// Only a halt.
pub fn release_grefs(ports: &mut impl Ports, seg: SegId, addr: Va, count: u32) -> Result<Errno, Halt> {
    const HERE: &str = "segmf_release_grefs";
    ports.called(Call::SegmfReleaseGrefs { seg, addr, count })?;
    let answer = if count > MAX_GREFS {
        Errno(-1)
    } else {
        let first = low_half(ports.seg(seg).page_of(addr));
        let mut ops = Vec::new();
        for index in (0..u64::from(count)).map(|i| first + i) {
            let entry = data(ports, seg, HERE)?.map.get(index, HERE)?;
            ports.assert(entry.tag != Tag::Mfn, "map[i].t_type != SEGMF_MAP_MFN", HERE)?;
            if entry.is_mapped_grant() {
                let (handle, host_addr) = (entry.handle, entry.word);
                ops.push(UnmapGrantRef { host_addr, dev_bus_addr: Word(0), handle, status: GntStatus::OKAY });
            }
            change_entry(ports, seg, index, HERE, |entry| entry.tag = Tag::Empty)?;
        }
        let refused = !ops.is_empty() && ports.unmap_grant_refs(&mut ops)? != 0;
        if refused { Errno(-1) } else { Errno::OK }
    };
    ports.returned(Return::Errno(answer))?;
    Ok(answer)
}

/// `segmf_add_gref_pte`: registers the machine address of the entry that maps `addr`. Nothing is checked (D09, D16).
///
/// # Errors
/// Only a halt.
pub fn add_gref_pte(ports: &mut impl Ports, seg: SegId, addr: Va, pte_ma: Word) -> Result<(), Halt> {
    ports.called(Call::SegmfAddGrefPte { seg, addr, pte_ma })?;
    let index = low_half(ports.seg(seg).page_of(addr));
    change_entry(ports, seg, index, "segmf_add_gref_pte", |entry| entry.word = pte_ma)?;
    ports.returned(Return::Void)
}

/// The page index of functions that keep it in 32 bits (D13).
fn low_half(index: u64) -> u64 {
    index & 0xffff_ffff
}

/// What both add functions refuse before they look at anything: another driver's segment, dom0's own pages.
fn may_add(ports: &impl Ports, seg: SegId, domid: DomId) -> Option<Errno> {
    if ports.seg(seg).mf().is_none() {
        return Some(Errno::EINVAL);
    }
    (domid == DomId::DOM0 || domid == DomId::SELF).then_some(Errno::EACCES)
}

/// Binds a segment to the first domain it is used for, for good (D12); refuses any other.
fn bind(ports: &mut impl Ports, seg: SegId, domid: DomId) -> Result<Option<Errno>, Halt> {
    let bound = data(ports, seg, "segmf_add_mfns")?.domid;
    if bound == DomId(0) {
        ports.emit(KernelEvent::Bound { seg, old: bound, new: domid })?;
        data_mut(ports, seg).domid = domid;
    }
    Ok((bound != DomId(0) && bound != domid).then_some(Errno::EINVAL))
}

/// The body of `segmf_add_mfns` under the lock: tags first, then the faults, and tags back if one of them failed.
fn add_frames(ports: &mut impl Ports, seg: SegId, addr: Va, mfn: Word, count: u64) -> Result<Errno, Halt> {
    const HERE: &str = "segmf_add_mfns";
    let base = ports.seg(seg).page_of(addr);
    for i in 0..count {
        round(HERE, i)?;
        let word = Word(mfn.0.wrapping_add(i));
        change_entry(ports, seg, base.wrapping_add(i), HERE, |e| *e = MapEntry { tag: Tag::Mfn, word, ..*e })?;
    }
    let len = count.wrapping_mul(PAGE_SIZE);
    let code = fault_range(ports, seg, addr, len, FaultType::F_SOFTLOCK, SegRw::S_OTHER)?;
    if code != FaultCode::OK {
        for i in 0..count {
            change_entry(ports, seg, base.wrapping_add(i), HERE, |entry| entry.tag = Tag::Empty)?;
        }
    }
    Ok(code.decode())
}

/// `segmf_fault_range`: page by page; what was done is unlocked, not unloaded, when a later page fails (D04).
fn fault_range(
    ports: &mut impl Ports,
    seg: SegId,
    addr: Va,
    len: u64,
    kind: FaultType,
    rw: SegRw,
) -> Result<FaultCode, Halt> {
    const HERE: &str = "segmf_fault_range";
    let prot = u32::from(data(ports, seg, HERE)?.prot);
    if prot & wanted(rw) == 0 {
        return Ok(FaultCode::PROT);
    }
    let end = addr.plus(len);
    let mut at = addr;
    let mut rounds = 0;
    while at < end {
        round(HERE, rounds)?;
        let code = faultpage(ports, seg, at, kind, prot)?;
        if code != FaultCode::OK {
            let done = at.0 - addr.0;
            if kind == FaultType::F_SOFTLOCK && done > 0 {
                softunlock(ports, seg, addr, done)?;
            }
            return Ok(code);
        }
        at = at.plus(PAGE_SIZE);
        rounds += 1;
    }
    Ok(FaultCode::OK)
}

/// `seg_rw_to_prot`.
fn wanted(rw: SegRw) -> u32 {
    match rw {
        SegRw::S_READ => prot::READ,
        SegRw::S_WRITE => prot::WRITE,
        SegRw::S_EXEC => prot::EXEC,
        _ => prot::READ | prot::WRITE | prot::EXEC,
    }
}

/// `segmf_faultpage`: a throwaway mapping to page 0 makes the HAT build its tables and count; Xen then replaces the entry.
fn faultpage(ports: &mut impl Ports, seg: SegId, addr: Va, kind: FaultType, prot: u32) -> Result<FaultCode, Halt> {
    const HERE: &str = "segmf_faultpage";
    ports.called(Call::SegmfFaultpage { seg, addr, fault: kind, prot })?;
    let space = ports.seg(seg).space;
    let index = low_half(ports.seg(seg).page_of(addr));
    let entry = data(ports, seg, HERE)?.map.get(index, HERE)?;
    ports.assert(entry.tag == Tag::Mfn, "map->t_type == SEGMF_MAP_MFN", HERE)?;
    let domid = data(ports, seg, HERE)?.domid;

    let held = kind == FaultType::F_SOFTLOCK;
    if held {
        ports.enter(Lock::Freemem)?;
        change_softlocks(ports, seg, 1, HERE)?;
        ports.exit(Lock::Freemem)?;
    }
    debug_line(ports, addr, domid, entry.word, prot)?;

    let lock = if held { hat_flag::LOAD_LOCK } else { hat_flag::LOAD };
    let attr = prot::READ | hat_flag::UNORDERED_OK;
    ports.hat_devload(space, addr, PAGE_SIZE, Pfn(0), attr, hat_flag::LOAD_NOCONSIST | lock)?;

    let writable = if prot & prot::WRITE != 0 { Pte::WRITABLE } else { 0 };
    let pte = entry.word.0 << PAGE_SHIFT | Pte::PRESENT | Pte::USER | pt_soft::FOREIGN | writable;
    let refused = ports.update_va_mapping_otherdomain(addr, Word(pte), uvmf::INVLPG | uvmf::ALL, domid)? != 0;
    let code = if refused {
        take_back(ports, seg, space, addr, held)?;
        FaultCode::object_error(Errno::EFAULT)
    } else {
        FaultCode::OK
    };
    ports.returned(Return::Fault(code))?;
    Ok(code)
}

/// Undoes the throwaway mapping of a page whose frame Xen refused.
fn take_back(ports: &mut impl Ports, seg: SegId, space: AsId, addr: Va, held: bool) -> Result<(), Halt> {
    let mut flags = hat_flag::UNLOAD_UNMAP;
    if held {
        flags |= hat_flag::UNLOAD_UNLOCK;
        ports.enter(Lock::Freemem)?;
        change_softlocks(ports, seg, -1, "segmf_faultpage")?;
        ports.exit(Lock::Freemem)?;
    }
    ports.hat_unload(space, addr, PAGE_SIZE, flags)
}

/// The line of `segmf_faultpage_debug`, which counts itself down.
fn debug_line(ports: &mut impl Ports, addr: Va, domid: DomId, mfn: Word, prot: u32) -> Result<(), Halt> {
    let left = ports.faultpage_debug();
    if left > 0 {
        ports.called(Call::Uprintf { addr, domid, mfn, prot })?;
        ports.set_faultpage_debug(left - 1);
        ports.returned(Return::Void)?;
    }
    Ok(())
}

/// `segmf_softunlock`: lets go `len` bytes and, at the last, wakes whoever waits to unmap.
fn softunlock(ports: &mut impl Ports, seg: SegId, addr: Va, len: u64) -> Result<(), Halt> {
    const HERE: &str = "segmf_softunlock";
    ports.called(Call::SegmfSoftunlock { seg, addr, len })?;
    let space = ports.seg(seg).space;
    ports.hat_unlock(space, addr, len)?;
    let pages = len.div_ceil(PAGE_SIZE);
    ports.enter(Lock::Freemem)?;
    let count = data(ports, seg, HERE)?.softlockcnt;
    ports.assert(count >= pages, "data->softlockcnt >= btopr(len)", HERE)?;
    change_softlocks(ports, seg, -(pages as i64), HERE)?;
    ports.exit(Lock::Freemem)?;
    if data(ports, seg, HERE)?.softlockcnt == 0 && ports.unmap_wait(space) {
        ports.enter(Lock::AsContents(space))?;
        ports.clear_unmap_wait(space)?;
        ports.cv_broadcast(space)?;
        ports.exit(Lock::AsContents(space))?;
    }
    ports.returned(Return::Void)
}

/// The body of `segmf_add_grefs` under the lock. On an error it is the *first* entries of the segment that are wiped, not
/// those of the request (D01).
fn add_references(ports: &mut impl Ports, seg: SegId, addr: Va, flags: u32, grefs: &[GrantRef]) -> Result<Errno, Halt> {
    const HERE: &str = "segmf_add_grefs";
    let first = low_half(ports.seg(seg).page_of(addr));
    let wr = if flags & GREF_WR != 0 { gflags::WR } else { 0 };
    for (i, gref) in (0_u64..).zip(grefs) {
        change_entry(ports, seg, first + i, HERE, |e| {
            *e = MapEntry { tag: Tag::Gref, word: e.word, gref: *gref, flags: wr, handle: Handle(0) };
        })?;
    }
    let code = fault_gref_range(ports, seg, first, grefs.len() as u64)?;
    if code != FaultCode::OK {
        for index in 0..grefs.len() as u64 {
            change_entry(ports, seg, index, HERE, |entry| entry.tag = Tag::Empty)?;
        }
    }
    Ok(code.decode())
}

/// `segmf_fault_gref_range`: one batch for all references; only the first status decides (D02, D03).
fn fault_gref_range(ports: &mut impl Ports, seg: SegId, first: u64, count: u64) -> Result<FaultCode, Halt> {
    const HERE: &str = "segmf_fault_gref_range";
    if count > u64::from(MAX_GREFS) {
        return Ok(FaultCode::RAW_MINUS_ONE);
    }
    let tag = data(ports, seg, HERE)?.map.get(first, HERE)?.tag;
    ports.assert(tag == Tag::Gref, "map->t_type == SEGMF_MAP_GREF", HERE)?;
    let dom = data(ports, seg, HERE)?.domid;
    let mut ops = Vec::new();
    for index in first..first + count {
        let entry = data(ports, seg, HERE)?.map.get(index, HERE)?;
        let readonly = if entry.flags & gflags::WR == 0 { gntmap::READONLY } else { 0 };
        let flags = gntmap::HOST_MAP | gntmap::APPLICATION_MAP | gntmap::CONTAINS_PTE | readonly;
        let (host_addr, gref) = (entry.word, entry.gref);
        ops.push(MapGrantRef { host_addr, flags, gref, dom, status: GntStatus::OKAY, handle: Handle(0) });
    }
    let answer = ports.map_grant_refs(&mut ops, true)?;
    // With no operation at all the driver reads a status that nothing wrote.
    let status = ops.first().map_or_else(|| ports.never_written_status(), |op| op.status);
    if answer != 0 || status != GntStatus::OKAY {
        return Ok(FaultCode::object_error(Errno::EFAULT));
    }
    for (index, op) in (first..).zip(&ops) {
        ports.assert(op.status == GntStatus::OKAY, "mapop[i].status == GNTST_okay", HERE)?;
        change_entry(ports, seg, index, HERE, |e| {
            *e = MapEntry { handle: op.handle, flags: e.flags | gflags::MAPPED, ..*e };
        })?;
    }
    Ok(FaultCode::OK)
}
