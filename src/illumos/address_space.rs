//! The address-space layer: segments in order, and the verbs that reach their drivers (`common/vm/vm_as.c`).

use super::abi::{AsId, Errno, FaultCode, FaultType, SegId, SegRw};
use super::dom0::{Dom0, KernelTrace};
use super::event::{Call, FreedBy, KernelEvent, Lock, Return};
use super::hat::Hat;
use super::ports::{Ports, SpacePort};
use super::seg::{Behind, Seg, SegOps};
use super::seg_mf::{self, CreateArgs, SegMf};
use super::xpvtap::Tap;
use crate::trace::{Emit, Halt};
use crate::x86::addr::{PAGE_OFFSET, PAGE_SIZE, Va};
use imbl::OrdMap;

/// The end of a 64-bit process's addresses under Xen.
pub const USER_LIMIT: Va = Va(0x7fff_ffe0_0000);

/// `struct as`, one to one with a process here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AddressSpace {
    /// The process whose fork it is.
    pub parent: Option<AsId>,
    /// `a_segtree`: segments by their first byte.
    pub segs: OrdMap<Va, SegId>,
    /// `a_hat`.
    pub hat: Hat,
    /// AS_UNMAPWAIT.
    pub unmap_wait: bool,
    /// The grant window of the block-tap driver, with its callback, if one is registered.
    pub tap: Option<Tap>,
}

/// The result of `as_unmap`: -1 stands for every error of a driver but EAGAIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unmapped {
    /// 0.
    Done,
    /// -1: a segment's driver refused; lower segments of the range are gone already.
    Refused,
}

impl<T: KernelTrace> Dom0<'_, T> {
    /// A new process with an empty address space; ENOMEM when no page is left for its tables.
    ///
    /// # Errors
    /// Only a halt, here and below.
    pub fn spawn(&mut self) -> Result<Result<AsId, Errno>, Halt> {
        self.new_space(None)
    }

    fn new_space(&mut self, parent: Option<AsId>) -> Result<Result<AsId, Errno>, Halt> {
        let Some(hat) = self.hat_alloc()? else { return Ok(Err(Errno::ENOMEM)) };
        let space = AsId(self.kernel.next_space);
        self.emit(KernelEvent::SpaceBorn { space, parent })?;
        self.kernel.next_space += 1;
        let new = AddressSpace { parent, segs: OrdMap::new(), hat, unmap_wait: false, tap: None };
        self.kernel.spaces.insert(space, new);
        Ok(Ok(space))
    }

    /// `seg_alloc`: a segment with no driver yet; none where the range is invalid or taken.
    fn seg_alloc(&mut self, space: AsId, base: Va, size: u64, from: Option<SegId>) -> Result<Option<SegId>, Halt> {
        let end = base.0.checked_add(size).map(Va);
        let valid = size > 0 && base.offset() == 0 && size & PAGE_OFFSET == 0 && end.is_some_and(|e| e <= USER_LIMIT);
        if !valid || self.overlapping(space, base, size).next().is_some() {
            return Ok(None);
        }
        let seg = SegId(self.kernel.next_seg);
        self.emit(KernelEvent::SegBorn { seg, space, base, size, from })?;
        self.kernel.next_seg += 1;
        self.kernel.segs.insert(seg, Seg::new(space, base, size));
        self.kernel.spaces[&space].segs.insert(base, seg);
        Ok(Some(seg))
    }

    /// Segments that share a byte with a range, ascending.
    fn overlapping(&self, space: AsId, base: Va, size: u64) -> impl Iterator<Item = SegId> + '_ {
        let end = Va(base.0.saturating_add(size));
        let overlaps = move |seg: &Seg| seg.base < end && seg.end() > base;
        self.kernel.spaces[&space].segs.values().copied().filter(move |seg| overlaps(&self.kernel.segs[seg]))
    }

    /// `as_segat`: the segment that contains an address.
    #[must_use]
    pub fn segat(&self, space: AsId, addr: Va) -> Option<SegId> {
        let (_, seg) = self.kernel.spaces[&space].segs.range(..=addr).next_back()?;
        self.kernel.segs[seg].contains(addr).then_some(*seg)
    }

    /// `as_findseg`: the segment that contains an address, **or else the first one above it** (C01).
    #[must_use]
    pub fn findseg(&self, space: AsId, addr: Va) -> Option<SegId> {
        self.segat(space, addr).or_else(|| self.kernel.spaces[&space].segs.range(addr..).next().map(|(_, seg)| *seg))
    }

    /// `as_map(.., segmf_create, ..)`.
    ///
    /// # Errors
    /// Only a halt.
    pub fn as_map(&mut self, space: AsId, addr: Va, len: u64, args: CreateArgs) -> Result<Result<SegId, Errno>, Halt> {
        self.called(Call::AsMap { space, addr, len })?;
        self.enter(Lock::AsWriter(space))?;
        let mapped = match self.seg_alloc(space, addr, len, None)? {
            None => Err(Errno::ENOMEM),
            Some(seg) => match seg_mf::create(self, seg, args)? {
                Errno::OK => Ok(seg),
                error => {
                    self.seg_free(seg, FreedBy::AsMap)?;
                    Err(error)
                }
            },
        };
        self.exit(Lock::AsWriter(space))?;
        self.returned(Return::Errno(mapped.err().unwrap_or(Errno::OK)))?;
        Ok(mapped)
    }

    /// `as_unmap`: each segment's part of the range, ascending, up to the first refusal.
    ///
    /// # Errors
    /// Only a halt.
    pub fn as_unmap(&mut self, space: AsId, addr: Va, len: u64) -> Result<Unmapped, Halt> {
        self.called(Call::AsUnmap { space, addr, len })?;
        self.enter(Lock::AsWriter(space))?;
        let mut answer = Unmapped::Done;
        let parts: Vec<SegId> = self.overlapping(space, addr, len).collect();
        for seg in parts {
            let whole = self.seg(seg);
            let first = whole.base.max(addr);
            let last = whole.end().min(Va(addr.0.saturating_add(len)));
            if self.drive_unmap(seg, first, last.0 - first.0)?.is_error() {
                answer = Unmapped::Refused;
                break;
            }
        }
        self.exit(Lock::AsWriter(space))?;
        self.returned(Return::Errno(if answer == Unmapped::Done { Errno::OK } else { Errno(-1) }))?;
        Ok(answer)
    }

    fn drive_unmap(&mut self, seg: SegId, addr: Va, len: u64) -> Result<Errno, Halt> {
        match self.seg(seg).behind {
            Behind::Mf(_) => SegMf::unmap(self, seg, addr, len),
            Behind::Nothing | Behind::Other => Ok(Errno::EINVAL),
        }
    }

    /// `as_fault` over one contiguous range; the first code that is not 0 stops it.
    ///
    /// # Errors
    /// Only a halt.
    pub fn as_fault(
        &mut self,
        space: AsId,
        addr: Va,
        len: u64,
        fault: FaultType,
        rw: SegRw,
    ) -> Result<FaultCode, Halt> {
        self.called(Call::AsFault { space, addr, len, fault, rw })?;
        self.enter(Lock::AsReader(space))?;
        let code = match self.segat(space, addr) {
            None => FaultCode::NOMAP,
            Some(seg) => match self.seg(seg).behind {
                Behind::Mf(_) => SegMf::fault(self, seg, addr, len, fault, rw)?,
                Behind::Nothing | Behind::Other => FaultCode::NOMAP,
            },
        };
        self.exit(Lock::AsReader(space))?;
        self.returned(Return::Fault(code))?;
        Ok(code)
    }

    /// `as_setprot`.
    ///
    /// # Errors
    /// Only a halt.
    pub fn as_setprot(&mut self, space: AsId, addr: Va, len: u64, prot: u32) -> Result<Errno, Halt> {
        self.called(Call::AsSetprot { space, addr, len, prot })?;
        self.enter(Lock::AsReader(space))?;
        let error = match self.segat(space, addr) {
            None => Errno::ENOMEM,
            Some(seg) => SegMf::setprot(self, seg, addr, len, prot)?,
        };
        self.exit(Lock::AsReader(space))?;
        self.returned(Return::Errno(error))?;
        Ok(error)
    }

    /// `as_incore`: one byte a page of the vector, or ENOMEM where no segment is.
    ///
    /// # Errors
    /// Only a halt.
    pub fn as_incore(&mut self, space: AsId, addr: Va, len: u64) -> Result<Result<u64, Errno>, Halt> {
        self.called(Call::AsIncore { space, addr, len })?;
        self.enter(Lock::AsReader(space))?;
        let answer = match self.segat(space, addr) {
            Some(seg) if self.seg(seg).end().0.wrapping_sub(addr.0) >= len => {
                Ok(SegMf::incore(self, seg, addr, len)?.0 / PAGE_SIZE)
            }
            Some(_) | None => Err(Errno::ENOMEM),
        };
        self.exit(Lock::AsReader(space))?;
        self.returned(match answer {
            Ok(pages) => Return::Value(pages),
            Err(errno) => Return::Errno(errno),
        })?;
        Ok(answer)
    }

    /// `as_dup`: a child with a copy of every segment. No entry of a page table is copied: `hat_dup` does nothing on x86.
    /// `fork` turns every error but ENOMEM into EAGAIN.
    ///
    /// # Errors
    /// Only a halt.
    pub fn as_dup(&mut self, space: AsId) -> Result<Result<AsId, Errno>, Halt> {
        let child = match self.new_space(Some(space))? {
            Ok(child) => child,
            Err(errno) => return Ok(Err(errno)),
        };
        self.called(Call::AsDup { space, child })?;
        self.enter(Lock::AsWriter(space))?;
        let mut error = Errno::OK;
        let segs: Vec<SegId> = self.kernel.spaces[&space].segs.values().copied().collect();
        for seg in segs {
            let Seg { base, size, .. } = *self.seg(seg);
            let Some(newseg) = self.seg_alloc(child, base, size, Some(seg))? else {
                unreachable!("a child's empty address space has room for a copy of {seg:?}");
            };
            error = SegMf::dup(self, seg, newseg)?;
            if error.is_error() {
                self.seg_free(newseg, FreedBy::AsDup)?;
                break;
            }
        }
        self.exit(Lock::AsWriter(space))?;
        if error.is_error() {
            self.as_free(child)?;
        }
        self.returned(Return::Errno(error))?;
        Ok(if error.is_error() { Err(error) } else { Ok(child) })
    }

    /// `as_free`: callbacks first, then every segment whole, then the HAT.
    ///
    /// # Errors
    /// Only a halt.
    pub fn as_free(&mut self, space: AsId) -> Result<(), Halt> {
        self.called(Call::AsFree { space })?;
        self.run_callbacks(space)?;
        self.enter(Lock::AsWriter(space))?;
        self.hat_free_start(space)?;
        let segs: Vec<SegId> = self.kernel.spaces[&space].segs.values().copied().collect();
        for seg in segs {
            let Seg { base, size, .. } = *self.seg(seg);
            self.drive_unmap(seg, base, size)?;
        }
        self.hat_free_end(space)?;
        self.exit(Lock::AsWriter(space))?;
        self.emit(KernelEvent::SpaceGone { space })?;
        self.kernel.spaces.remove(&space);
        self.returned(Return::Void)
    }
}
