//! `/dev/xen/privcmd`: the ioctls that put foreign frames into a segment (`i86xpv/io/privcmd.c`).
//!
//! The caller's array of frames is an argument here and comes back in the answer as the driver left it.

use super::abi::{AsId, Errno, SegId};
use super::dom0::{Dom0, KernelTrace};
use super::event::{Call, KernelEvent, Lock, Return};
use super::ports::{Ports, SpacePort};
use super::seg_mf;
use crate::trace::{Emit, Halt};
use crate::word::Word;
use crate::x86::addr::{PAGE_SIZE, Va};
use crate::xen::abi::DomId;
use serde::{Deserialize, Serialize};

/// `XEN_DOMCTL_PFINFO_XTAB`: what the driver ORs into the word of a frame it could not map.
pub const PFINFO_XTAB: u64 = 0xf000_0000;
/// `MFN_INVALID`.
const MFN_INVALID: u64 = u64::MAX;

/// `privcmd_mmap_entry_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MmapEntry {
    /// Where.
    pub va: Va,
    /// The first frame.
    pub mfn: Word,
    /// How many pages.
    pub npages: Word,
}

impl<T: KernelTrace> Dom0<'_, T> {
    /// `IOCTL_PRIVCMD_MMAP`: entry by entry, up to the first error; what was mapped before it stays (C03).
    ///
    /// # Errors
    /// Only a halt, here and below.
    pub fn ioctl_mmap(&mut self, space: AsId, dom: DomId, entries: &[MmapEntry]) -> Result<Errno, Halt> {
        self.called(Call::IoctlMmap { space, dom, entries: entries.len() as u64 })?;
        let mut error = if dom == DomId::SELF { Errno::ENOTSUP } else { Errno::OK };
        if !error.is_error() {
            self.run(space)?;
            for entry in entries {
                error = self.mmap_entry(space, dom, entry)?;
                if error.is_error() {
                    break;
                }
            }
        }
        self.returned(Return::Errno(error))?;
        Ok(error)
    }

    fn mmap_entry(&mut self, space: AsId, dom: DomId, entry: &MmapEntry) -> Result<Errno, Halt> {
        if entry.mfn.0 == MFN_INVALID {
            return Ok(Errno::EINVAL);
        }
        self.enter(Lock::AsReader(space))?;
        let error = match self.segment_for(space, entry.va, entry.npages.0) {
            Some(seg) => seg_mf::add_mfns(self, seg, entry.va, entry.mfn, entry.npages.0, dom)?,
            None => Errno::EINVAL,
        };
        self.exit(Lock::AsReader(space))?;
        Ok(error)
    }

    /// The segment an ioctl takes for its range. It is found by `as_findseg`, and the end of the range may wrap (C01, C02).
    fn segment_for(&self, space: AsId, addr: Va, pages: u64) -> Option<SegId> {
        let seg = self.findseg(space, addr)?;
        (addr.plus(pages.wrapping_mul(PAGE_SIZE)) <= self.seg(seg).end()).then_some(seg)
    }

    /// `IOCTL_PRIVCMD_MMAPBATCH`: page by page; a page that cannot be mapped is marked in the caller's array, and the ioctl answers 0 all the same.
    ///
    /// # Errors
    /// Only a halt.
    pub fn ioctl_mmapbatch(
        &mut self,
        space: AsId,
        dom: DomId,
        addr: Va,
        mut mfns: Vec<Word>,
    ) -> Result<(Errno, Vec<Word>), Halt> {
        let num = mfns.len() as u64;
        self.called(Call::IoctlMmapBatch { space, dom, addr, num })?;
        let found = if dom == DomId::SELF { Err(Errno::ENOTSUP) } else { Ok(()) };
        let found = found.and_then(|()| self.segment_for(space, addr, num).ok_or(Errno::EINVAL));
        let error = match found {
            Err(error) => error,
            Ok(seg) => {
                self.run(space)?;
                self.enter(Lock::AsReader(space))?;
                for (i, word) in (0_u64..).zip(mfns.iter_mut()).filter(|(_, word)| word.0 != MFN_INVALID) {
                    if seg_mf::add_mfns(self, seg, addr.page_after(i), *word, 1, dom)?.is_error() {
                        let new = Word(word.0 | PFINFO_XTAB);
                        self.emit(KernelEvent::ArrayWritten { index: i, old: *word, new })?;
                        *word = new;
                    }
                }
                self.exit(Lock::AsReader(space))?;
                Errno::OK
            }
        };
        self.returned(Return::Errno(error))?;
        Ok((error, mfns))
    }
}
