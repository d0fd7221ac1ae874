//! The slots of the vector. Most of them are a constant: the driver's manners rather than its work.

use super::map::{EntryMap, SegmfData};
use super::{data, round};
use crate::illumos::abi::{Dev, Errno, FaultCode, FaultType, MAP_SHARED, SegId, SegRw, hat_flag};
use crate::illumos::event::{Call, FreedBy, KernelEvent, Return};
use crate::illumos::ports::{Mapped, Ports};
use crate::illumos::seg::{Behind, MemId, SegOps};
use crate::trace::Halt;
use crate::x86::addr::{PAGE_OFFSET, PAGE_SIZE, Va};
use crate::xen::abi::DomId;

/// `segmf_ops`.
#[derive(Clone, Copy, Debug)]
pub struct SegMf;

/// `segmf_data_zalloc`: attaches zeroed private data with the given array.
pub(super) fn attach(ports: &mut impl Ports, seg: SegId, new: SegmfData) -> Result<(), Halt> {
    ports.emit(KernelEvent::SegAttached { seg })?;
    ports.seg_mut(seg).behind = Behind::Mf(new);
    Ok(())
}

/// The whole segment, as `VOP_ADDMAP` and `VOP_DELMAP` are told of it.
pub(super) fn whole(ports: &impl Ports, seg: SegId, function: &'static str) -> Result<Mapped, Halt> {
    let (prot, maxprot) = data(ports, seg, function).map(|d| (d.prot, d.maxprot))?;
    let seg = ports.seg(seg);
    Ok(Mapped { space: seg.space, off: 0, addr: seg.base, len: seg.size, prot, maxprot })
}

impl<P: Ports> SegOps<P> for SegMf {
    /// `segmf_dup`: copies tags, frames, handles and PTE addresses bit for bit; entries of page tables it copies none (D07).
    fn dup(ports: &mut P, seg: SegId, newseg: SegId) -> Result<Errno, Halt> {
        ports.called(Call::SegmfDup { seg, newseg })?;
        let pages = ports.seg(newseg).pages();
        let parent = data(ports, seg, "segmf_dup")?.clone();
        attach(
            ports,
            newseg,
            SegmfData { softlockcnt: 0, domid: DomId(0), map: EntryMap::created(pages), ..parent.clone() },
        )?;
        ports.vn_hold(parent.dev)?;
        if parent.domid != DomId(0) {
            ports.emit(KernelEvent::Bound { seg: newseg, old: DomId(0), new: parent.domid })?;
            super::data_mut(ports, newseg).domid = parent.domid;
        }
        for (index, new) in parent.map.copied(pages).written() {
            super::change_entry(ports, newseg, index, "segmf_dup", |entry| *entry = *new)?;
        }
        let at = whole(ports, newseg, "segmf_dup")?;
        let error = ports.addmap(parent.dev, at)?;
        ports.returned(Return::Errno(error))?;
        Ok(error)
    }

    /// `segmf_unmap`: the whole segment or nothing; grants still mapped are not released (D08).
    fn unmap(ports: &mut P, seg: SegId, addr: Va, len: u64) -> Result<Errno, Halt> {
        ports.called(Call::SegmfUnmap { seg, addr, len })?;
        let at = whole(ports, seg, "segmf_unmap")?;
        let end = at.addr.plus(at.len);
        if addr < at.addr || addr.plus(len) > end || len & PAGE_OFFSET != 0 || addr.offset() != 0 {
            return Err(Halt::panic("segmf_unmap"));
        }
        let error = if addr != at.addr || len != at.len {
            Errno::ENOTSUP
        } else {
            ports.hat_unload(at.space, addr, len, hat_flag::UNLOAD_UNMAP | hat_flag::UNLOAD_UNLOCK)?;
            let dev = data(ports, seg, "segmf_unmap")?.dev;
            // ASSERT(data->vp != NULL) stands here; a vnode always is.
            let _ignored = ports.delmap(dev, at)?;
            ports.seg_free(seg, FreedBy::Driver)?;
            Errno::OK
        };
        ports.returned(Return::Errno(error))?;
        Ok(error)
    }

    /// `segmf_free`: forgets everything, live grants too. The data goes with the segment, whose end `seg_free` tells right after.
    fn free(ports: &mut P, seg: SegId) -> Result<(), Halt> {
        ports.called(Call::SegmfFree { seg })?;
        let dev = data(ports, seg, "segmf_free")?.dev;
        ports.vn_rele(dev)?;
        ports.returned(Return::Void)
    }

    /// `segmf_fault`: never demand-faults, whatever the kind (D24).
    fn fault(ports: &mut P, seg: SegId, addr: Va, len: u64, kind: FaultType, rw: SegRw) -> Result<FaultCode, Halt> {
        ports.called(Call::SegmfFault { seg, addr, len, fault: kind, rw })?;
        let code = FaultCode::object_error(Errno::EFAULT);
        ports.returned(Return::Fault(code))?;
        Ok(code)
    }

    fn faulta(_: &mut P, _: SegId, _: Va) -> Result<FaultCode, Halt> {
        Ok(FaultCode::OK)
    }

    fn setprot(ports: &mut P, seg: SegId, addr: Va, len: u64, prot: u32) -> Result<Errno, Halt> {
        ports.called(Call::SegmfSetprot { seg, addr, len, prot })?;
        ports.returned(Return::Errno(Errno::EINVAL))?;
        Ok(Errno::EINVAL)
    }

    fn checkprot(_: &mut P, _: SegId, _: Va, _: u64, _: u32) -> Result<Errno, Halt> {
        Ok(Errno::EINVAL)
    }

    fn kluster(_: &mut P, _: SegId, _: Va, _: i64) -> Result<Errno, Halt> {
        Ok(Errno(-1))
    }

    fn sync(_: &mut P, _: SegId, _: Va, _: u64, _: u32, _: u32) -> Result<Errno, Halt> {
        Ok(Errno::OK)
    }

    /// `segmf_incore`: says "resident" of every page, mapped or not (D25).
    fn incore(ports: &mut P, seg: SegId, addr: Va, len: u64) -> Result<(u64, u64), Halt> {
        ports.called(Call::SegmfIncore { seg, addr, len })?;
        let covered = len.wrapping_add(PAGE_OFFSET) & !PAGE_OFFSET;
        round("segmf_incore", covered / PAGE_SIZE)?;
        ports.returned(Return::Value(covered))?;
        Ok((covered, covered / PAGE_SIZE))
    }

    fn lockop(_: &mut P, _: SegId, _: Va, _: u64, _: u32, _: u32) -> Result<Errno, Halt> {
        Ok(Errno::OK)
    }

    /// `segmf_getprot`: the page of `addr + len` counts, too (D23).
    fn getprot(ports: &mut P, seg: SegId, addr: Va, len: u64) -> Result<(Errno, Vec<u32>), Halt> {
        let prot = u32::from(data(ports, seg, "segmf_getprot")?.prot);
        let seg = ports.seg(seg);
        let pages = seg.page_of(addr.plus(len)).wrapping_sub(seg.page_of(addr)).wrapping_add(1);
        round("segmf_getprot", pages)?;
        Ok((Errno::OK, (0..pages).map(|_| prot).collect()))
    }

    fn getoffset(ports: &mut P, seg: SegId, addr: Va) -> Result<u64, Halt> {
        Ok(addr.0.wrapping_sub(ports.seg(seg).base.0))
    }

    fn gettype(_: &mut P, _: SegId, _: Va) -> Result<u32, Halt> {
        Ok(MAP_SHARED)
    }

    fn getvp(ports: &mut P, seg: SegId, _: Va) -> Result<(Errno, Dev), Halt> {
        Ok((Errno::OK, data(ports, seg, "segmf_getvp")?.dev))
    }

    fn advise(_: &mut P, _: SegId, _: Va, _: u64, _: u32) -> Result<Errno, Halt> {
        Ok(Errno::OK)
    }

    fn dump(_: &mut P, _: SegId) -> Result<(), Halt> {
        Ok(())
    }

    fn pagelock(_: &mut P, _: SegId, _: Va, _: u64, _: u32, _: SegRw) -> Result<Errno, Halt> {
        Ok(Errno::ENOTSUP)
    }

    fn setpagesize(_: &mut P, _: SegId, _: Va, _: u64, _: u32) -> Result<Errno, Halt> {
        Ok(Errno::ENOTSUP)
    }

    /// `segmf_getmemid`: neither domain nor frame is part of the identity (D22).
    fn getmemid(ports: &mut P, seg: SegId, addr: Va) -> Result<(Errno, MemId), Halt> {
        let vnode = data(ports, seg, "segmf_getmemid")?.dev;
        Ok((Errno::OK, MemId { vnode, page: ports.seg(seg).page_of(addr) }))
    }

    fn getpolicy(_: &mut P, _: SegId, _: Va) -> Result<Option<()>, Halt> {
        Ok(None)
    }

    fn capable(_: &mut P, _: SegId, _: u32) -> Result<u32, Halt> {
        Ok(0)
    }

    /// `seg_inherit_notsup`, the framework's.
    fn inherit(_: &mut P, _: SegId, _: Va, _: u64, _: u32) -> Result<Errno, Halt> {
        Ok(Errno::ENOTSUP)
    }
}
