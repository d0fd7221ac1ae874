//! Who holds a frame, and as what: general counts, type counts, and the validation that a change of type brings.
//!
//! `xen/arch/x86/mm.c`: get_page, put_page, _get_page_type, _put_page_type, alloc_l1_table and its like. Validation runs in one go;
//! the preemption of upper levels is not modelled.

use super::abi::{DomId, XenErrno};
use super::domain::Life;
use super::event::{XenEvent, XenTrace};
use super::page_info::{PageInfo, PageType, TypeWord};
use super::{Agreed, Era, Xen, XenBuild};
use crate::trace::{Halt, agreed};
use crate::x86::PteEvent;
use crate::x86::addr::{Level, Ma, Mfn};
use crate::x86::pte::Pte;

/// `_PAGE_GUEST_KERNEL`: Xen's mark on an entry that the guest wrote without the user bit.
pub const GUEST_KERNEL: u64 = 1 << 52;
/// The mark on grant entries of debug builds up to 3.3.
pub const GRANT_MARK_3_3: u64 = 0x800;
/// `_PAGE_GNTTAB`, the mark of debug builds since.
pub const GRANT_MARK: u64 = 1 << 62;
/// Entries of a top table that are Xen's own: the guest's are outside.
const XEN_SLOTS: std::ops::Range<u64> = 256..272;
/// What an entry above the leaves may not carry: PWT, PCD, PSE, GLOBAL.
const UPPER_FORBIDDEN: u64 = Pte::WRITE_THROUGH | Pte::NO_CACHE | Pte::PAGE_SIZE | Pte::GLOBAL;

impl<T: XenTrace> Xen<'_, T> {
    fn change_frame(&mut self, mfn: Mfn, change: impl FnOnce(&mut PageInfo)) {
        let mut info = self.state.frame(mfn);
        change(&mut info);
        self.state.frames.insert(mfn, info);
    }

    fn set_type(&mut self, mfn: Mfn, new: TypeWord) -> Result<(), Halt> {
        let old = self.state.frame(mfn).typ;
        if old != new {
            self.trace.emit(XenEvent::Type { mfn, old, new })?;
            self.change_frame(mfn, |info| info.typ = new);
        }
        Ok(())
    }

    /// `get_page`: one more holds a frame of `owner`; refuses when it is not theirs or nobody holds it.
    pub(super) fn get_page(&mut self, mfn: Mfn, owner: DomId) -> Result<bool, Halt> {
        let info = self.state.frame(mfn);
        if info.count == 0 || info.owner != Some(owner) {
            return Ok(false);
        }
        self.trace.emit(XenEvent::Count { mfn, old: info.count, new: info.count + 1 })?;
        self.change_frame(mfn, |info| info.count += 1);
        Ok(true)
    }

    /// `put_page`: one less; the last one frees the frame, and the last frame of a dying domain the domain.
    pub(super) fn put_page(&mut self, mfn: Mfn) -> Result<(), Halt> {
        let info = self.state.frame(mfn);
        let (Some(owner), Some(new)) = (info.owner, info.count.checked_sub(1)) else {
            panic!("put_page of {mfn:?}, which nobody holds: a get is missing");
        };
        self.trace.emit(XenEvent::Count { mfn, old: info.count, new })?;
        self.change_frame(mfn, |info| info.count = new);
        if new > 0 {
            return Ok(());
        }
        assert_eq!(info.typ.count, 0, "{mfn:?} is freed while it is still held as {:?}", info.typ.kind);
        self.trace.emit(XenEvent::Freed { mfn, owner })?;
        self.state.frames.remove(&mfn);
        self.state.m2p.remove(&mfn);
        self.memory.clear(mfn);
        let Some(domain) = self.state.domains.get_mut(&owner) else { return Ok(()) };
        if !info.xen_heap {
            domain.tot_pages -= 1;
        }
        if domain.tot_pages == 0 && domain.life == Life::Dying {
            self.trace.emit(XenEvent::DomainGone { dom: owner })?;
            self.state.domains.remove(&owner);
        }
        Ok(())
    }

    /// `_get_page_type`: one more holds the frame as `kind`. The caller holds a general count already.
    pub(super) fn get_type(&mut self, mfn: Mfn, kind: PageType) -> Agreed<()> {
        let old = self.state.frame(mfn).typ;
        if old.count > 0 {
            if old.kind != kind {
                return Ok(Err(XenErrno::EINVAL));
            }
            self.set_type(mfn, TypeWord { count: old.count + 1, ..old })?;
            return Ok(Ok(()));
        }
        let is_table = matches!(kind, PageType::Table(_));
        self.set_type(mfn, TypeWord { kind, validated: !is_table, count: 1 })?;
        if old.kind != kind {
            self.flush_stale(mfn)?;
        }
        if let PageType::Table(level) = kind {
            if let Err(errno) = self.validate(mfn, level)? {
                self.set_type(mfn, TypeWord::default())?;
                return Ok(Err(errno));
            }
            self.set_type(mfn, TypeWord { kind, validated: true, count: 1 })?;
        }
        Ok(Ok(()))
    }

    /// `_put_page_type`: one less; the last one of a table lets go everything its entries hold. The entries stay as bytes.
    pub(super) fn put_type(&mut self, mfn: Mfn) -> Result<(), Halt> {
        let old = self.state.frame(mfn).typ;
        let Some(count) = old.count.checked_sub(1) else {
            panic!("put_page_type of {mfn:?}, which nobody holds as {:?}: a get is missing", old.kind);
        };
        match old.kind {
            PageType::Table(level) if count == 0 => {
                self.set_type(mfn, TypeWord { count, validated: false, ..old })?;
                self.devalidate(mfn, level)
            }
            PageType::None | PageType::Writable | PageType::Table(_) => self.set_type(mfn, TypeWord { count, ..old }),
        }
    }

    /// A change of type flushes the processors that may still use the frame the old way; here, those that do remember it.
    fn flush_stale(&mut self, mfn: Mfn) -> Result<(), Halt> {
        if self.cpu.remembered().any(|(_, cached)| cached.leaf.frame() == mfn) {
            self.cpu.forget_all(self.trace)?;
        }
        Ok(())
    }

    /// Present entries of a table that are the guest's, with their places.
    fn guest_entries(&self, table: Mfn, level: Level) -> Vec<(Ma, Pte)> {
        if self.memory.is_blank(table) {
            return Vec::new();
        }
        (0..512)
            .filter(|slot| level != Level::TOP || !XEN_SLOTS.contains(slot))
            .map(|slot| (table.entry(slot), Pte(self.memory.word(table.entry(slot)))))
            .filter(|(_, entry)| entry.is_present())
            .collect()
    }

    /// Takes the references of every entry of a new table, or none.
    fn validate(&mut self, table: Mfn, level: Level) -> Agreed<()> {
        let Some(owner) = self.state.frame(table).owner else { return Ok(Err(XenErrno::EINVAL)) };
        let mut held: Vec<Pte> = Vec::new();
        for (at, entry) in self.guest_entries(table, level) {
            match self.get_entry(entry, level, owner, owner)? {
                Ok(stored) => {
                    held.push(stored);
                    self.write_entry(at, stored)?;
                }
                Err(errno) => {
                    for entry in held {
                        self.put_entry(entry, level, owner)?;
                    }
                    return Ok(Err(errno));
                }
            }
        }
        Ok(Ok(()))
    }

    fn devalidate(&mut self, table: Mfn, level: Level) -> Result<(), Halt> {
        let owner = self.state.frame(table).owner.unwrap_or(DomId::XEN);
        for (_, entry) in self.guest_entries(table, level) {
            self.put_entry(entry, level, owner)?;
        }
        Ok(())
    }

    /// Takes what a present entry of a table of `level` holds, and answers the entry as Xen stores it. `owner` owns the table,
    /// `from` is whose frame a leaf is said to be.
    pub(super) fn get_entry(&mut self, entry: Pte, level: Level, owner: DomId, from: DomId) -> Agreed<Pte> {
        let Some(below) = level.below() else { return self.get_leaf(entry, owner, from) };
        if entry.0 & UPPER_FORBIDDEN != 0 {
            return Ok(Err(XenErrno::EINVAL));
        }
        let target = entry.frame();
        if !self.get_page(target, owner)? {
            return Ok(Err(XenErrno::EINVAL));
        }
        if let Err(errno) = self.get_type(target, PageType::Table(below))? {
            self.put_page(target)?;
            return Ok(Err(errno));
        }
        let accessed = if level == Level::TOP { Pte::ACCESSED } else { 0 };
        Ok(Ok(entry.with(Pte::USER | accessed)))
    }

    /// Lets go what a present entry of a table of `level` holds.
    pub(super) fn put_entry(&mut self, entry: Pte, level: Level, owner: DomId) -> Result<(), Halt> {
        if level == Level::LEAF {
            return self.put_leaf(entry, owner);
        }
        self.put_type(entry.frame())?;
        self.put_page(entry.frame())
    }

    /// `get_page_from_l1e`.
    fn get_leaf(&mut self, entry: Pte, owner: DomId, from: DomId) -> Agreed<Pte> {
        if entry.0 & self.leaf_forbidden(owner) != 0 {
            return Ok(Err(XenErrno::EINVAL));
        }
        let stored = completed(entry);
        let mfn = stored.frame();
        if is_device_frame(mfn) {
            agreed!(self.may_map_device(owner, from));
            return Ok(Ok(stored));
        }
        if !self.get_page(mfn, from)? {
            return Ok(Err(XenErrno::EBUSY));
        }
        if stored.has(Pte::WRITABLE) && self.get_type(mfn, PageType::Writable)?.is_err() {
            self.put_page(mfn)?;
            return Ok(Err(XenErrno::EBUSY));
        }
        Ok(Ok(stored))
    }

    /// `put_page_from_l1e`.
    pub(super) fn put_leaf(&mut self, entry: Pte, owner: DomId) -> Result<(), Halt> {
        if !entry.is_present() || is_device_frame(entry.frame()) {
            return Ok(());
        }
        self.punish_implicit_unmap(entry, owner)?;
        if entry.has(Pte::WRITABLE) {
            self.put_type(entry.frame())?;
        }
        self.put_page(entry.frame())
    }

    /// A debug build up to 3.3 crashes a domain that clears a grant entry by any way but the grant's own; dom0's crash is the machine's.
    fn punish_implicit_unmap(&mut self, entry: Pte, owner: DomId) -> Result<(), Halt> {
        let marked = self.state.build == XenBuild::Debug && self.state.era == Era::V3_3 && entry.has(GRANT_MARK_3_3);
        if marked && owner == DomId::DOM0 {
            return Err(Halt::panic("Xen: attempt to implicitly unmap a granted frame; domain 0 crashed"));
        }
        Ok(())
    }

    fn leaf_forbidden(&self, owner: DomId) -> u64 {
        let has_io = self.state.domain(owner).is_some_and(|domain| domain.is_control);
        let cache = if has_io { 0 } else { Pte::WRITE_THROUGH | Pte::NO_CACHE | Pte::PAGE_SIZE };
        let mark = match (self.state.build, self.state.era) {
            (XenBuild::Release, Era::V3_3 | Era::Today) => 0,
            (XenBuild::Debug, Era::V3_3) => GRANT_MARK_3_3,
            (XenBuild::Debug, Era::Today) => GRANT_MARK,
        };
        cache | mark
    }

    /// The rule for frames that are no RAM: both the named owner and the caller need rights to them.
    fn may_map_device(&self, owner: DomId, from: DomId) -> Agreed<()> {
        let has_io = |dom| self.state.domain(dom).is_some_and(|domain| domain.is_control);
        let from = if from == DomId::IO { owner } else { from };
        Ok(if has_io(owner) && has_io(from) { Ok(()) } else { Err(XenErrno::EPERM) })
    }

    /// Stores an entry, if it is another.
    pub(super) fn write_entry(&mut self, at: Ma, new: Pte) -> Result<(), Halt> {
        let old = Pte(self.memory.word(at));
        if old != new {
            self.trace.emit(PteEvent::Written { at, old, new })?;
            self.memory.store_word(at, new.0);
        }
        Ok(())
    }
}

/// What Xen makes of a present leaf of a 64-bit guest: without the user bit it is marked as the guest kernel's, without that mark it is global.
#[must_use]
pub fn completed(entry: Pte) -> Pte {
    let marked = if entry.has(Pte::USER) { entry } else { entry.with(GUEST_KERNEL) };
    let global = if marked.has(GUEST_KERNEL) { 0 } else { Pte::GLOBAL };
    marked.with(Pte::USER | global)
}

/// Whether a frame is no RAM, or belongs to `DOMID_IO` for lying below 1 MiB.
#[must_use]
pub fn is_device_frame(mfn: Mfn) -> bool {
    mfn >= super::RAM_END || mfn < super::LOW_END
}

#[cfg(test)]
mod tests {
    use super::{Pte, completed};

    #[test]
    fn xen_marks_what_a_guest_wrote() {
        assert_eq!(completed(Pte(0x4c0f_0605)), Pte(0x4c0f_0705), "a user page becomes global");
        assert_eq!(completed(Pte(0x8000_0000_0010_0461)), Pte(0x8010_0000_0010_0465), "a kernel page gets bit 52");
    }
}
