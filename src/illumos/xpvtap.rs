//! The grant client: the block-tap driver's window, whose pages are registered by the addresses of their entries (`common/xen/io/xpvtap.c`).
//!
//! So far its registration, its requests and its callback at the end of the process; its ring and its thread are not here.

use super::abi::{AsId, Errno, SegId, hat_flag, prot};
use super::dom0::{Dom0, KernelTrace};
use super::event::{Call, Return};
use super::ports::{HatPort, Ports, SpacePort};
use super::seg_mf;
use crate::trace::Halt;
use crate::word::Word;
use crate::x86::addr::{PAGE_SIZE, Pfn, Va};
use crate::xen::abi::{DomId, GrantRef};
use imbl::OrdMap;

/// What the driver keeps of a registered window.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tap {
    /// The segment.
    pub seg: SegId,
    /// Its first registered page.
    pub base: Va,
    /// Registered pages.
    pub pages: u64,
    /// Requests the guest still waits for: where, and how many references.
    pub requests: OrdMap<Va, u32>,
}

impl<T: KernelTrace> Dom0<'_, T> {
    /// `xpvtap_register`: for each page a table, a writable placeholder to page 0 that holds the table, and the address of the entry
    /// handed to `seg_mf`. EINVAL for a range outside the segment.
    ///
    /// # Errors
    /// Only a halt, here and below.
    pub fn tap_register(&mut self, seg: SegId, addr: Va, npages: u64) -> Result<Errno, Halt> {
        let whole = self.seg(seg);
        let space = whole.space;
        let inside = whole.contains(addr) && addr.offset() == 0 && npages <= whole.pages() - whole.page_of(addr);
        if whole.mf().is_none() || !inside || npages == 0 {
            return Ok(Errno::EINVAL);
        }
        self.called(Call::TapRegister { seg, addr, npages })?;
        for va in (0..npages).map(|i| addr.page_after(i)) {
            let Some(pte_ma) = self.hat_prepare_mapping(space, va)? else {
                return Err(Halt::panic("htable_create: no page left for a page table"));
            };
            let attr = prot::READ | prot::WRITE | prot::USER | hat_flag::UNORDERED_OK;
            let flags = hat_flag::LOAD_NOCONSIST | hat_flag::LOAD_LOCK;
            self.hat_devload(space, va, PAGE_SIZE, Pfn(0), attr, flags)?;
            self.hat_release_mapping(space, va)?;
            seg_mf::add_gref_pte(self, seg, va, Word(pte_ma.0))?;
        }
        self.kernel.spaces[&space].tap = Some(Tap { seg, base: addr, pages: npages, requests: OrdMap::new() });
        self.returned(Return::Errno(Errno::OK))?;
        Ok(Errno::OK)
    }

    /// A request of the guest: its references are mapped, and remembered until they are released.
    ///
    /// # Errors
    /// Only a halt.
    pub fn tap_map(
        &mut self,
        seg: SegId,
        addr: Va,
        flags: u32,
        grefs: &[GrantRef],
        domid: DomId,
    ) -> Result<Errno, Halt> {
        let error = seg_mf::add_grefs(self, seg, addr, flags, grefs, domid)?;
        let space = self.seg(seg).space;
        if let Some(tap) = self.kernel.spaces[&space].tap.as_mut().filter(|tap| tap.seg == seg && !grefs.is_empty()) {
            tap.requests.insert(addr, grefs.len() as u32);
        }
        Ok(error)
    }

    /// The answer to a request: its references are released.
    ///
    /// # Errors
    /// Only a halt.
    pub fn tap_release(&mut self, seg: SegId, addr: Va, count: u32) -> Result<Errno, Halt> {
        let answer = seg_mf::release_grefs(self, seg, addr, count)?;
        let space = self.seg(seg).space;
        if let Some(tap) = self.kernel.spaces[&space].tap.as_mut().filter(|tap| tap.seg == seg) {
            tap.requests.remove(&addr);
        }
        Ok(answer)
    }

    /// The AS_UNMAP_EVENT callback, which only `as_free` runs (D08): outstanding requests are released, every page unregistered.
    pub(super) fn run_callbacks(&mut self, space: AsId) -> Result<(), Halt> {
        let Some(tap) = self.kernel.spaces[&space].tap.take() else { return Ok(()) };
        if self.kernel.seg(tap.seg).is_none() {
            return Ok(());
        }
        for (addr, count) in &tap.requests {
            seg_mf::release_grefs(self, tap.seg, *addr, *count)?;
        }
        for va in (0..tap.pages).map(|i| tap.base.page_after(i)) {
            self.hat_prepare_mapping(space, va)?;
            self.hat_unload(space, va, PAGE_SIZE, hat_flag::UNLOAD_UNLOCK)?;
            self.hat_release_mapping(space, va)?;
        }
        Ok(())
    }
}
