//! The HAT as a table: page -> entry and locks, for each address space.
//!
//! Locks are counted per page and nothing stops at an oddity: it is noted and the call goes on. (The real HAT counts per page table
//! and panics or asserts at most of them.) Grant mappings are not here; they go by machine address.

use super::event::{HatCall, MockEvent};
use super::ports::MockPorts;
use crate::illumos::abi::{AsId, hat_flag, prot, pt_soft};
use crate::illumos::event::{Call, KernelEvent, Return};
use crate::illumos::ports::{HatPort, Ports};
use crate::trace::{Emit, Halt};
use crate::x86::addr::{Mfn, PAGE_SIZE, Pfn, Va};
use crate::x86::pte::Pte;
use serde::Serialize;

/// A row: an entry, 0 for none, and the locks on its page. A row with neither is no row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Row {
    /// The entry.
    pub pte: Pte,
    /// Locks of `HAT_LOAD_LOCK`.
    pub locks: u64,
}

/// The entry `hat_devload` makes, as the x86 HAT encodes it (`hat_i86.c`).
fn devload_pte(frame: Mfn, attr: u32, flags: u32) -> Pte {
    let bits = [
        (attr & prot::WRITE != 0, Pte::WRITABLE),
        (attr & prot::USER != 0, Pte::USER),
        (attr & prot::EXEC == 0, Pte::NO_EXECUTE),
        (attr & hat_flag::ORDER_MASK == 0, Pte::NO_CACHE),
        (flags & hat_flag::LOAD_NOCONSIST != 0, pt_soft::NOCONSIST | Pte::ACCESSED | Pte::DIRTY),
    ];
    let set = bits.iter().filter(|(wanted, _)| *wanted).fold(Pte::PRESENT, |all, (_, bit)| all | bit);
    Pte::new(frame, set)
}

/// How many pages a loop in steps of a page visits from `addr` on; none when the end wraps.
fn pages_touched(addr: Va, len: u64) -> u64 {
    addr.0.checked_add(len).map_or(0, |_| len.div_ceil(PAGE_SIZE))
}

impl<T: Emit<KernelEvent> + Emit<MockEvent>> MockPorts<'_, T> {
    /// The row of a page; an empty one where there is none.
    pub(super) fn row(&self, space: AsId, va: Va) -> Row {
        self.kernel.space(space).and_then(|space| space.rows.get(&va.page())).copied().unwrap_or_default()
    }

    /// Writes the row of a page; an empty one goes.
    pub(super) fn set_row(&mut self, space: AsId, va: Va, row: Row) -> Result<(), Halt> {
        let va = va.page();
        let old = self.kernel.space(space).and_then(|space| space.rows.get(&va)).copied();
        let new = (row != Row::default()).then_some(row);
        if old == new {
            return Ok(());
        }
        self.trace.emit(MockEvent::Row { space, va, old, new })?;
        let rows = &mut self.kernel.space_mut(space).rows;
        match new {
            Some(row) => rows.insert(va, row),
            None => rows.remove(&va),
        };
        Ok(())
    }

    /// One lock less, or a note that there is none.
    fn one_lock_less(&mut self, by: HatCall, space: AsId, va: Va, locks: u64) -> Result<u64, Halt> {
        if locks == 0 {
            self.trace.emit(MockEvent::LockMissing { by, space, va: va.page() })?;
        }
        Ok(locks.saturating_sub(1))
    }

    fn unload_page(&mut self, space: AsId, va: Va, flags: u32) -> Result<(), Halt> {
        let mut locks = self.row(space, va).locks;
        if flags & hat_flag::UNLOAD_UNLOCK != 0 {
            locks = self.one_lock_less(HatCall::HatUnload, space, va, locks)?;
        }
        if locks > 0 {
            self.trace.emit(MockEvent::LockRemains { space, va, locks })?;
        }
        self.set_row(space, va, Row { pte: Pte::NONE, locks })
    }
}

impl<T: Emit<KernelEvent> + Emit<MockEvent>> HatPort for MockPorts<'_, T> {
    /// Logged only.
    fn hat_map(&mut self, space: AsId, addr: Va, len: u64, flags: u32) -> Result<(), Halt> {
        self.called(Call::HatMap { space, addr, len, flags })?;
        self.returned(Return::Void)
    }

    fn hat_devload(&mut self, space: AsId, addr: Va, len: u64, pfn: Pfn, attr: u32, flags: u32) -> Result<(), Halt> {
        self.called(Call::HatDevload { space, addr, len, pfn, attr, flags })?;
        for i in 0..pages_touched(addr, len) {
            let va = addr.page_after(i).page();
            let old = self.row(space, va);
            if old.pte.is_present() {
                self.trace.emit(MockEvent::DevloadOverValid { space, va, old_pte: old.pte })?;
            }
            let pte = devload_pte(Mfn(pfn.0.wrapping_add(i)), attr, flags);
            let locks = old.locks + u64::from(flags & hat_flag::LOAD_LOCK != 0);
            self.set_row(space, va, Row { pte, locks })?;
        }
        self.returned(Return::Void)
    }

    /// Goes by the rows there are, so that the length of the range costs nothing.
    fn hat_unload(&mut self, space: AsId, addr: Va, len: u64, flags: u32) -> Result<(), Halt> {
        self.called(Call::HatUnload { space, addr, len, flags })?;
        let first = addr.page();
        let pages = pages_touched(addr, len);
        let within = |va: Va| (va.0 - first.0) / PAGE_SIZE < pages;
        let rows = self.kernel.space(space).map(|space| space.rows.clone()).unwrap_or_default();
        let valid = rows.range(first..).take_while(|(va, _)| within(**va)).filter(|(_, row)| row.pte.is_present());
        for (va, _) in valid {
            self.unload_page(space, *va, flags)?;
        }
        self.returned(Return::Void)
    }

    fn hat_unlock(&mut self, space: AsId, addr: Va, len: u64) -> Result<(), Halt> {
        self.called(Call::HatUnlock { space, addr, len })?;
        for i in 0..pages_touched(addr, len) {
            let va = addr.page_after(i);
            let Row { pte, locks } = self.row(space, va);
            let locks = self.one_lock_less(HatCall::HatUnlock, space, va, locks)?;
            self.set_row(space, va, Row { pte, locks })?;
        }
        self.returned(Return::Void)
    }
}

#[cfg(test)]
mod tests {
    use super::{Mfn, Va, devload_pte, pages_touched};
    use crate::illumos::abi::{hat_flag, prot};

    #[test]
    fn the_throwaway_mapping_is_the_one_the_recordings_name() {
        let attr = prot::READ | hat_flag::UNORDERED_OK;
        let flags = hat_flag::LOAD_NOCONSIST | hat_flag::LOAD_LOCK;
        assert_eq!(devload_pte(Mfn(0), attr, flags).0, 0x8000_0000_0000_0461);
    }

    #[test]
    fn every_attribute_has_its_bit() {
        let all = prot::READ | prot::WRITE | prot::EXEC | prot::USER;
        assert_eq!(devload_pte(Mfn(0x1a2), all | hat_flag::UNORDERED_OK, 0).0, 0x1a_2007);
        assert_eq!(devload_pte(Mfn(0x1a2), all, 0).0, 0x1a_2017, "no ordering bit: not cached");
    }

    #[test]
    fn an_unaligned_page_is_one_page() {
        assert_eq!(pages_touched(Va(0x1000_1123), 0x1000), 1);
        assert_eq!(pages_touched(Va(0x1000_1000), 0x1001), 2);
        assert_eq!(pages_touched(Va(0x1000), 0), 0);
        assert_eq!(pages_touched(Va(u64::MAX), 2), 0);
    }
}
