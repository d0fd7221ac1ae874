//! The HAT: page tables that are born and freed, what it counts in them, and the entries it writes (`i86pc/vm/{hat_i86,htable}.c`).
//!
//! Under Xen a process has two top tables, one for each mode, and every table is read-only to the kernel: leaves change by writes that Xen
//! emulates, upper entries by `mmu_update`. What Xen writes into a leaf on its own (grants, foreign frames) goes behind the HAT's back.

use super::abi::{AsId, KernelBuild, hat_flag, prot, pt_soft};
use super::dom0::{Dom0, KernelTrace};
use super::event::{Call, KernelEvent, Return, TableCounter};
use super::ports::{HatPort, KernelPort, Ports};
use crate::trace::Halt;
use crate::word::Word;
use crate::x86::PteEvent;
use crate::x86::addr::{Level, Ma, Mfn, PAGE_SIZE, Pfn, Va};
use crate::x86::pte::Pte;
use crate::xen::abi::{DomId, XenErrno, uvmf};
use imbl::OrdMap;

/// What an entry that points at a lower table carries: valid, writable, user, referenced.
const TABLE_ENTRY: u64 = Pte::PRESENT | Pte::WRITABLE | Pte::USER | Pte::ACCESSED;
/// The marker in a page frame number that stands for a frame with no local page.
const PFN_IS_FOREIGN: u64 = 1 << 51;

/// `htable_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Htable {
    /// `ht_level`.
    pub level: Level,
    /// `ht_vaddr`: the first address under it.
    pub base: Va,
    /// `ht_parent`.
    pub parent: Mfn,
    /// `ht_busy`: holds, of which each child keeps one.
    pub busy: u32,
    /// `ht_valid_cnt`: entries the HAT counts as valid.
    pub valid: u32,
    /// `ht_lock_cnt`: locks, for the whole table.
    pub lock: u32,
}

/// `struct hat`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hat {
    /// The top table of kernel mode.
    pub kernel_top: Mfn,
    /// The top table of user mode, from which a process's accesses are walked.
    pub user_top: Mfn,
    /// Every table below the top, by its frame.
    pub tables: OrdMap<Mfn, Htable>,
    /// HAT_FREEING: entries are cleared by hypercall and nothing is shot down.
    pub freeing: bool,
}

impl Hat {
    /// The address that an entry of a table of leaves translates.
    #[must_use]
    pub fn va_of(&self, at: Ma) -> Option<Va> {
        let table = self.tables.get(&at.frame()).filter(|table| table.level == Level::LEAF)?;
        Some(table.base.page_after(at.offset() / 8))
    }
}

impl<T: KernelTrace> Dom0<'_, T> {
    /// Gives a new process its two top tables, the kernel's half copied into one of them.
    pub(super) fn hat_alloc(&mut self) -> Result<Option<Hat>, Halt> {
        let Some(kernel_top) = self.new_table_page()? else { return Ok(None) };
        let Some(user_top) = self.new_table_page()? else {
            self.free_table_page(kernel_top)?;
            return Ok(None);
        };
        for slot in 272..512 {
            let entry = Pte(self.memory.word(self.kernel.kas_top.entry(slot)));
            if entry.is_present() {
                self.trace.emit(PteEvent::Written { at: kernel_top.entry(slot), old: Pte::NONE, new: entry })?;
                self.memory.store_word(kernel_top.entry(slot), entry.0);
            }
        }
        for top in [kernel_top, user_top] {
            self.protect_page(top, false)?;
            self.called(Call::PinTable { table: top, level: Level::TOP })?;
            let pinned = self.xen().pin_table(DomId::DOM0, top, Level::TOP)?;
            self.returned(Return::Hypercall(pinned.0))?;
            assert_eq!(pinned, XenErrno::OK, "a fresh top table of dom0 is refused: {top:?}");
        }
        Ok(Some(Hat { kernel_top, user_top, tables: OrdMap::new(), freeing: false }))
    }

    /// A zeroed page of dom0 for a table; none when the pool is empty.
    fn new_table_page(&mut self) -> Result<Option<Mfn>, Halt> {
        let Some(pfn) = self.kernel.pool.pop_front() else { return Ok(None) };
        Ok(Some(self.mfn_of(pfn)?))
    }

    fn free_table_page(&mut self, mfn: Mfn) -> Result<(), Halt> {
        self.memory.clear(mfn);
        let pfn = self.pfn_of(mfn);
        assert!(pfn.0 & PFN_IS_FOREIGN == 0, "a page table at {mfn:?} is no page of dom0");
        self.kernel.pool.push_front(pfn);
        Ok(())
    }

    /// Makes a page of dom0 writable, or not, in the kernel's own map of it.
    fn protect_page(&mut self, mfn: Mfn, writable: bool) -> Result<(), Halt> {
        let pfn = self.pfn_of(mfn);
        let va = self.xen.domain(DomId::DOM0).map(|domain| domain.direct_map.page_after(pfn.0)).unwrap_or_default();
        let write = if writable { Pte::WRITABLE } else { 0 };
        let pte = Pte::new(mfn, Pte::PRESENT | write);
        self.called(Call::UpdateVaMapping { va, pte: Word(pte.0), flags: uvmf::INVLPG })?;
        let done = self.xen().update_va_mapping(DomId::DOM0, va, pte, uvmf::INVLPG)?;
        self.returned(Return::Hypercall(done.0))?;
        assert_eq!(done, XenErrno::OK, "dom0 cannot change the rights of its own page {mfn:?}");
        Ok(())
    }

    /// `mfn_list[pfn]`, or the frame that a foreign page frame number carries.
    fn mfn_of(&self, pfn: Pfn) -> Result<Mfn, Halt> {
        if pfn.0 & PFN_IS_FOREIGN != 0 {
            return Ok(Mfn(pfn.0 & !PFN_IS_FOREIGN));
        }
        let known = self.xen.domain(DomId::DOM0).and_then(|domain| domain.p2m.get(&pfn)).copied();
        known.ok_or_else(|| Halt::panic("pfn_to_mfn: the page has no machine frame"))
    }

    /// `mfn_to_pfn`: dom0's own number, or the frame with the foreign mark.
    pub(super) fn pfn_of(&self, mfn: Mfn) -> Pfn {
        let listed = |pfn: &Pfn| self.xen.domain(DomId::DOM0).and_then(|domain| domain.p2m.get(pfn)) == Some(&mfn);
        self.xen.m2p(mfn).filter(listed).unwrap_or(Pfn(mfn.0 | PFN_IS_FOREIGN))
    }

    fn hat(&self, space: AsId) -> &Hat {
        &self.kernel.spaces[&space].hat
    }

    fn table(&self, space: AsId, table: Mfn) -> Htable {
        self.hat(space).tables[&table]
    }

    fn count(
        &mut self,
        space: AsId,
        table: Mfn,
        counter: TableCounter,
        change: impl Fn(u32) -> u32,
    ) -> Result<u32, Halt> {
        let old = self.table(space, table).counter(counter);
        let new = change(old);
        self.trace.emit(KernelEvent::TableCount { space, table, counter, old, new })?;
        *self.kernel.spaces[&space].hat.tables[&table].counter_mut(counter) = new;
        Ok(new)
    }

    /// The table of leaves over `va`, if there is one.
    fn leaf_table(&self, space: AsId, va: Va) -> Option<Mfn> {
        let hat = self.hat(space);
        let mut table = hat.user_top;
        for level in [3, 2, 1].map(Level) {
            let entry = Pte(self.memory.word(table.entry(va.index(level))));
            table = Some(entry).filter(|entry| entry.is_present())?.frame();
        }
        hat.tables.contains_key(&table).then_some(table)
    }

    /// `htable_create`: the table of leaves over `va`, with those above it where they are missing; one hold more.
    fn create_table(&mut self, space: AsId, va: Va) -> Result<Option<Mfn>, Halt> {
        let mut parent = self.hat(space).user_top;
        for level in [3, 2, 1].map(Level) {
            let below = level.below().expect("levels 3 to 1 have one below");
            let entry = Pte(self.memory.word(parent.entry(va.index(level))));
            parent = if entry.is_present() {
                entry.frame()
            } else {
                let Some(table) = self.new_table_page()? else { return Ok(None) };
                self.protect_page(table, false)?;
                self.link(space, parent, va, level, Pte::new(table, TABLE_ENTRY))?;
                let base = Va(va.0 & !(below.table_span() - 1));
                self.trace.emit(KernelEvent::TableBorn { space, table, level: below, base })?;
                let new = Htable { level: below, base, parent, busy: 0, valid: 0, lock: 0 };
                self.kernel.spaces[&space].hat.tables.insert(table, new);
                if level != Level::TOP {
                    self.count(space, parent, TableCounter::Valid, |n| n + 1)?;
                    self.count(space, parent, TableCounter::Busy, |n| n + 1)?;
                }
                table
            };
        }
        self.count(space, parent, TableCounter::Busy, |n| n + 1)?;
        Ok(Some(parent))
    }

    /// Writes an upper entry through `mmu_update`, at the top into both tables.
    fn link(&mut self, space: AsId, parent: Mfn, va: Va, level: Level, entry: Pte) -> Result<(), Halt> {
        let hat = self.hat(space);
        let parents = if level == Level::TOP { vec![hat.user_top, hat.kernel_top] } else { vec![parent] };
        for table in parents {
            let ptr = table.entry(va.index(level));
            self.called(Call::MmuUpdate { ptr: Word(ptr.0), val: Word(entry.0) })?;
            let done = self.xen().mmu_update(DomId::DOM0, ptr, entry)?;
            self.returned(Return::Hypercall(done.0))?;
            assert_eq!(done, XenErrno::OK, "Xen refuses the upper entry {entry:?} at {ptr:?}");
        }
        Ok(())
    }

    /// `htable_release`: one hold less; a table that nobody holds and that has no valid entry is unlinked and freed, and then its parent released.
    fn release_table(&mut self, space: AsId, table: Mfn) -> Result<(), Halt> {
        let busy = self.count(space, table, TableCounter::Busy, |n| n.wrapping_sub(1))?;
        let Htable { level, base, parent, valid, .. } = self.table(space, table);
        if busy > 0 || valid > 0 {
            return Ok(());
        }
        let above = Level(level.0 + 1);
        self.link(space, parent, base, above, Pte::NONE)?;
        self.drop_table(space, table)?;
        if above != Level::TOP {
            self.count(space, parent, TableCounter::Valid, |n| n - 1)?;
            self.release_table(space, parent)?;
        }
        Ok(())
    }

    fn drop_table(&mut self, space: AsId, table: Mfn) -> Result<(), Halt> {
        self.trace.emit(KernelEvent::TableGone { space, table })?;
        self.kernel.spaces[&space].hat.tables.remove(&table);
        self.protect_page(table, true)?;
        self.free_table_page(table)
    }

    /// Changes a leaf: by a write that Xen emulates, or by hypercall while the address space is being freed.
    fn write_leaf(&mut self, space: AsId, at: Ma, new: Pte) -> Result<(), Halt> {
        let (ptr, val) = (Word(at.0), Word(new.0));
        let freeing = self.hat(space).freeing;
        self.called(if freeing { Call::MmuUpdate { ptr, val } } else { Call::PtwrEmulate { ptr, val } })?;
        let done = if freeing {
            self.xen().mmu_update(DomId::DOM0, at, new)?
        } else {
            self.xen().emulated_write(DomId::DOM0, at, new)?
        };
        self.returned(Return::Hypercall(done.0))?;
        if done == XenErrno::OK { Ok(()) } else { Err(Halt::panic("a write to a page table was refused by Xen")) }
    }

    /// `hati_pte_map`: locks first, whatever is there; then the entry; then the counts (`illumos.md` 4.4).
    fn install(&mut self, space: AsId, table: Mfn, va: Va, new: Pte, flags: u32) -> Result<(), Halt> {
        if flags & hat_flag::LOAD_LOCK != 0 {
            self.count(space, table, TableCounter::Lock, |n| n.wrapping_add(1))?;
        }
        let at = table.entry(va.index(Level::LEAF));
        let old = Pte(self.memory.word(at));
        let same_frame = old.is_present() && old.frame() == new.frame();
        let kept = if same_frame { old.0 & (Pte::ACCESSED | Pte::DIRTY) } else { 0 };
        self.write_leaf(space, at, new.with(kept))?;
        if !old.is_present() {
            self.count(space, table, TableCounter::Valid, |n| n.wrapping_add(1))?;
            return Ok(());
        }
        if !same_frame && flags & hat_flag::LOAD_REMAP == 0 {
            return Err(Halt::panic("hati_pte_map: the entry is valid and maps another frame"));
        }
        let may_differ = Pte::FRAME
            | Pte::NO_EXECUTE
            | Pte::WRITABLE
            | Pte::WRITE_THROUGH
            | Pte::NO_CACHE
            | Pte::ACCESSED
            | Pte::DIRTY
            | IGNORED_BY_XPV;
        if (old.0 ^ new.0) & !may_differ != 0 {
            return Err(Halt::panic("hati_pte_map: the entry is valid and differs in more than its rights"));
        }
        self.forget(space, va)
    }

    fn forget(&mut self, space: AsId, va: Va) -> Result<(), Halt> {
        if self.cpu.cr3() == self.hat(space).user_top { self.cpu.forget(va, self.trace) } else { Ok(()) }
    }

    /// Takes one valid entry away (`hat_pte_unmap`).
    fn unload_entry(&mut self, space: AsId, table: Mfn, va: Va, flags: u32) -> Result<(), Halt> {
        let at = table.entry(va.index(Level::LEAF));
        let old = Pte(self.memory.word(at));
        if !old.is_present() {
            return Ok(());
        }
        if flags & hat_flag::UNLOAD_UNLOCK != 0 {
            let locked = self.table(space, table).lock > 0;
            if self.build() == KernelBuild::Debug && !locked {
                return Err(Halt::assertion("ht->ht_lock_cnt > 0", "hat_pte_unmap"));
            }
            self.count(space, table, TableCounter::Lock, |n| n.wrapping_sub(1))?;
        }
        if old.0 & Pte::SOFTWARE < pt_soft::NOCONSIST && self.pfn_of(old.frame()).0 & PFN_IS_FOREIGN != 0 {
            return Err(Halt::panic("no page_t, not NOCONSIST"));
        }
        self.write_leaf(space, at, Pte::NONE)?;
        self.count(space, table, TableCounter::Valid, |n| n.wrapping_sub(1))?;
        if old.0 & (Pte::ACCESSED | Pte::DIRTY) != 0 { self.forget(space, va) } else { Ok(()) }
    }

    /// The pages of a range that lie under tables of leaves, table by table: what has no table costs nothing.
    fn tables_in(&self, space: AsId, addr: Va, len: u64) -> Vec<(Mfn, Va, u64)> {
        let (start, end) = (addr.page(), addr.plus(len));
        let mut tables: Vec<(Mfn, Va, u64)> = self
            .hat(space)
            .tables
            .iter()
            .filter(|(_, table)| table.level == Level::LEAF)
            .filter_map(|(mfn, table)| {
                let first = table.base.max(start);
                let last = Va(table.base.0.saturating_add(Level::LEAF.table_span())).min(end);
                (first < last).then(|| (*mfn, first, (last.0 - first.0).div_ceil(PAGE_SIZE)))
            })
            .collect();
        tables.sort_by_key(|(_, first, _)| *first);
        tables
    }

    /// `hat_prepare_mapping`: makes sure that the table exists and keeps it; answers the machine address of the entry.
    ///
    /// # Errors
    /// Only a halt.
    pub fn hat_prepare_mapping(&mut self, space: AsId, addr: Va) -> Result<Option<Ma>, Halt> {
        self.called(Call::HatPrepareMapping { space, addr })?;
        let table = self.create_table(space, addr)?;
        self.returned(Return::Void)?;
        Ok(table.map(|table| table.entry(addr.index(Level::LEAF))))
    }

    /// `hat_release_mapping`: lets go what [`Dom0::hat_prepare_mapping`] kept.
    ///
    /// # Errors
    /// Only a halt.
    pub fn hat_release_mapping(&mut self, space: AsId, addr: Va) -> Result<(), Halt> {
        self.called(Call::HatReleaseMapping { space, addr })?;
        if let Some(table) = self.leaf_table(space, addr) {
            self.release_table(space, table)?;
        }
        self.returned(Return::Void)
    }

    /// `hat_free_start`.
    pub(super) fn hat_free_start(&mut self, space: AsId) -> Result<(), Halt> {
        self.called(Call::HatFreeStart { space })?;
        self.kernel.spaces[&space].hat.freeing = true;
        self.returned(Return::Void)
    }

    /// `hat_free_end`: unpins the top tables and frees every table that is left, whatever its counters say.
    pub(super) fn hat_free_end(&mut self, space: AsId) -> Result<(), Halt> {
        self.called(Call::HatFreeEnd { space })?;
        let Hat { kernel_top, user_top, .. } = *self.hat(space);
        if self.cpu.cr3() == user_top {
            let kas_top = self.kernel.kas_top;
            let done = self.xen().new_bases(DomId::DOM0, kas_top, None)?;
            assert_eq!(done, XenErrno::OK, "the kernel's own top table is refused");
        }
        for top in [kernel_top, user_top] {
            self.called(Call::UnpinTable { table: top })?;
            let done = self.xen().unpin_table(DomId::DOM0, top)?;
            self.returned(Return::Hypercall(done.0))?;
        }
        let left: Vec<Mfn> = self.hat(space).tables.keys().copied().collect();
        for table in left {
            self.drop_table(space, table)?;
        }
        for top in [user_top, kernel_top] {
            self.protect_page(top, true)?;
            self.free_table_page(top)?;
        }
        self.returned(Return::Void)
    }
}

/// Bits of an entry that Xen rewrites, so that a comparison passes over them: 52 to 62, GLOBAL, USER.
const IGNORED_BY_XPV: u64 = 0x7ff0_0000_0000_0000 | Pte::GLOBAL | Pte::USER;

impl Htable {
    fn counter(&self, counter: TableCounter) -> u32 {
        match counter {
            TableCounter::Busy => self.busy,
            TableCounter::Valid => self.valid,
            TableCounter::Lock => self.lock,
        }
    }

    fn counter_mut(&mut self, counter: TableCounter) -> &mut u32 {
        match counter {
            TableCounter::Busy => &mut self.busy,
            TableCounter::Valid => &mut self.valid,
            TableCounter::Lock => &mut self.lock,
        }
    }
}

/// The entry that `hat_devload` writes for a frame (`hati_mkpte`).
fn device_entry(mfn: Mfn, attr: u32, flags: u32) -> Pte {
    let bit = |set: bool, bits: u64| if set { bits } else { 0 };
    Pte::new(
        mfn,
        Pte::PRESENT
            | bit(attr & prot::WRITE != 0, Pte::WRITABLE)
            | bit(attr & prot::USER != 0, Pte::USER)
            | bit(attr & prot::EXEC == 0, Pte::NO_EXECUTE)
            | bit(attr & hat_flag::ORDER_MASK == 0, Pte::NO_CACHE)
            | bit(flags & hat_flag::LOAD_NOCONSIST != 0, pt_soft::NOCONSIST | Pte::ACCESSED | Pte::DIRTY),
    )
}

impl<T: KernelTrace> HatPort for Dom0<'_, T> {
    fn hat_map(&mut self, space: AsId, addr: Va, len: u64, flags: u32) -> Result<(), Halt> {
        self.called(Call::HatMap { space, addr, len, flags })?;
        self.returned(Return::Void)
    }

    fn hat_devload(&mut self, space: AsId, addr: Va, len: u64, pfn: Pfn, attr: u32, flags: u32) -> Result<(), Halt> {
        self.called(Call::HatDevload { space, addr, len, pfn, attr, flags })?;
        for i in 0..len.div_ceil(PAGE_SIZE) {
            let (va, pfn) = (addr.page().page_after(i), Pfn(pfn.0 + i));
            let entry = device_entry(self.mfn_of(pfn)?, attr, flags);
            let Some(table) = self.create_table(space, va)? else {
                return Err(Halt::panic("htable_create: no page left for a page table"));
            };
            self.install(space, table, va, entry, flags)?;
            self.release_table(space, table)?;
        }
        self.returned(Return::Void)
    }

    fn hat_unload(&mut self, space: AsId, addr: Va, len: u64, flags: u32) -> Result<(), Halt> {
        self.called(Call::HatUnload { space, addr, len, flags })?;
        for (table, first, pages) in self.tables_in(space, addr, len) {
            self.count(space, table, TableCounter::Busy, |n| n + 1)?;
            for va in (0..pages).map(|i| first.page_after(i)) {
                self.unload_entry(space, table, va, flags)?;
            }
            self.release_table(space, table)?;
        }
        self.returned(Return::Void)
    }

    fn hat_unlock(&mut self, space: AsId, addr: Va, len: u64) -> Result<(), Halt> {
        self.called(Call::HatUnlock { space, addr, len })?;
        for (table, first, pages) in self.tables_in(space, addr, len) {
            for va in (0..pages).map(|i| first.page_after(i)) {
                if !Pte(self.memory.word(table.entry(va.index(Level::LEAF)))).is_present() {
                    continue;
                }
                if self.table(space, table).lock == 0 {
                    return Err(Halt::panic("hat_unlock(): lock_cnt < 1"));
                }
                self.count(space, table, TableCounter::Lock, |n| n - 1)?;
            }
        }
        self.returned(Return::Void)
    }
}
