//! Grants: the shared entry both sides read, the active entry Xen keeps, the handles of a mapper.
//!
//! Version 1 tables. Shared entries are 8 bytes in Xen's own frames, so a granter may scribble on them at any time.

use super::abi::{DomId, GrantRef, Handle, gtf};
use super::{Hypervisor, Xen};
use crate::trace::Halt;
use crate::x86::addr::{Ma, Mfn};
use crate::x86::memory::Memory;
use crate::xen::event::{XenEvent, XenTrace};
use imbl::{OrdMap, Vector};
use serde::Serialize;

/// Entries in one frame of a version 1 table.
pub const ENTRIES_PER_FRAME: u32 = 512;
/// Handles in one frame of a maptrack.
const HANDLES_PER_FRAME: u32 = 256;
/// Frames a maptrack may grow to.
const MAPTRACK_FRAMES: u32 = 1024;

/// `grant_entry_v1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct SharedEntry {
    /// `GTF_*`.
    pub flags: u16,
    /// Who may use it.
    pub domid: DomId,
    /// The frame granted: of a PV granter, a machine frame; 32 bits wide.
    pub frame: u32,
}

impl SharedEntry {
    fn from_bytes(bytes: [u8; 8]) -> SharedEntry {
        let [f0, f1, d0, d1, m0, m1, m2, m3] = bytes;
        SharedEntry {
            flags: u16::from_le_bytes([f0, f1]),
            domid: DomId(u16::from_le_bytes([d0, d1])),
            frame: u32::from_le_bytes([m0, m1, m2, m3]),
        }
    }

    fn to_bytes(self) -> [u8; 8] {
        let ([f0, f1], [d0, d1]) = (self.flags.to_le_bytes(), self.domid.0.to_le_bytes());
        let [m0, m1, m2, m3] = self.frame.to_le_bytes();
        [f0, f1, d0, d1, m0, m1, m2, m3]
    }

    /// Whether Xen marked it as in use.
    #[must_use]
    pub fn in_use(self) -> bool {
        self.flags & (gtf::READING | gtf::WRITING) != 0
    }
}

/// The four counters of `pin`, 8 bits each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Pins {
    /// Writable host mappings.
    pub host_write: u8,
    /// Read-only host mappings.
    pub host_read: u8,
    /// Writable device mappings.
    pub device_write: u8,
    /// Read-only device mappings.
    pub device_read: u8,
}

impl Pins {
    /// Whether nothing is mapped.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self == Pins::default()
    }

    /// Whether somebody may write.
    #[must_use]
    pub fn writable(self) -> bool {
        self.host_write > 0 || self.device_write > 0
    }

    /// The counter of host mappings of one kind.
    pub(super) fn host(&mut self, readonly: bool) -> &mut u8 {
        if readonly { &mut self.host_read } else { &mut self.host_write }
    }

    /// The counter of device mappings of one kind.
    pub(super) fn device(&mut self, readonly: bool) -> &mut u8 {
        if readonly { &mut self.device_read } else { &mut self.device_write }
    }

    /// The fullest of the four.
    pub(super) fn fullest(self) -> u8 {
        self.host_write.max(self.host_read).max(self.device_write).max(self.device_read)
    }
}

/// `struct active_grant_entry`: filled when the first pin is set, kept until the last goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Active {
    /// What is mapped of it.
    pub pins: Pins,
    /// Who maps.
    pub domid: DomId,
    /// The frame, as it was when the first pin was set.
    pub mfn: Mfn,
}

/// One mapping a domain holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Mapping {
    /// Whose grant.
    pub granter: DomId,
    /// Which.
    pub gref: GrantRef,
    /// `GNTMAP_*` bits 0 to 4. No address is recorded.
    pub flags: u32,
}

/// `maptrack`: the handles of one mapping domain on one processor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Maptrack {
    held: OrdMap<Handle, Mapping>,
    free: Vector<Handle>,
    frames: u32,
}

impl Maptrack {
    /// The mapping a handle names.
    #[must_use]
    pub fn get(&self, handle: Handle) -> Option<&Mapping> {
        self.held.get(&handle)
    }

    /// Every live mapping in order of handle.
    pub fn held(&self) -> impl Iterator<Item = (Handle, &Mapping)> + '_ {
        self.held.iter().map(|(handle, mapping)| (*handle, mapping))
    }

    /// How many handles exist, used or free.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.frames * HANDLES_PER_FRAME
    }

    /// Takes a handle from the head of the list; the last one is never given out, a new frame comes first.
    pub(super) fn take(&mut self) -> Option<Handle> {
        if self.free.len() > 1 {
            return self.free.pop_front();
        }
        if self.frames >= MAPTRACK_FRAMES {
            return None;
        }
        let first = self.frames * HANDLES_PER_FRAME;
        self.frames += 1;
        for handle in (first + 1..first + HANDLES_PER_FRAME).rev() {
            self.free.push_front(Handle(handle));
        }
        Some(Handle(first))
    }

    /// Gives a handle back: to the tail, or in the 3.x era to the head, where the next map finds it.
    pub(super) fn give_back(&mut self, handle: Handle, to_head: bool) {
        self.held.remove(&handle);
        if to_head {
            self.free.push_front(handle);
        } else {
            self.free.push_back(handle);
        }
    }

    pub(super) fn record(&mut self, handle: Handle, mapping: Mapping) {
        self.held.insert(handle, mapping);
    }
}

impl Hypervisor {
    /// Where a shared entry is, if the domain's table reaches that far.
    #[must_use]
    pub fn shared_entry_at(&self, granter: DomId, gref: GrantRef) -> Option<Ma> {
        let domain = self.domain(granter)?;
        (gref.0 / ENTRIES_PER_FRAME < domain.grant_frames)
            .then(|| Ma(domain.grant_frame.base().0 + u64::from(gref.0) * 8))
    }

    /// A shared entry as either side reads it.
    #[must_use]
    pub fn shared_entry(&self, memory: &Memory, granter: DomId, gref: GrantRef) -> Option<SharedEntry> {
        self.shared_entry_at(granter, gref).map(|at| SharedEntry::from_bytes(memory.bytes(at)))
    }

    /// Entries in a domain's table.
    #[must_use]
    pub fn grant_entries(&self, granter: DomId) -> u32 {
        self.domain(granter).map_or(0, |domain| domain.grant_frames * ENTRIES_PER_FRAME)
    }
}

impl<T: XenTrace> Xen<'_, T> {
    /// Stores a shared entry, if it is another.
    pub(super) fn write_shared(&mut self, granter: DomId, gref: GrantRef, new: SharedEntry) -> Result<(), Halt> {
        let Some(at) = self.state.shared_entry_at(granter, gref) else { return Ok(()) };
        let old = SharedEntry::from_bytes(self.memory.bytes(at));
        if old != new {
            self.trace.emit(XenEvent::Shared { granter, gref, old, new })?;
            self.memory.store(at, &new.to_bytes());
        }
        Ok(())
    }

    pub(super) fn set_pins(&mut self, granter: DomId, gref: GrantRef, active: Active) -> Result<(), Halt> {
        let old = self.state.active(granter, gref).map(|a| a.pins).unwrap_or_default();
        self.trace.emit(XenEvent::Pins { granter, gref, mfn: active.mfn, old, new: active.pins })?;
        if active.pins.is_zero() {
            self.state.active.remove(&(granter, gref));
        } else {
            self.state.active.insert((granter, gref), active);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Handle, Maptrack, SharedEntry};
    use crate::xen::abi::DomId;

    #[test]
    fn a_fresh_domain_gets_handles_from_zero_and_one_frame_serves_255() {
        let mut maptrack = Maptrack::default();
        let first: Vec<_> = (0..255).map(|_| maptrack.take().expect("room").0).collect();
        assert_eq!(first, (0..255).collect::<Vec<_>>());
        assert_eq!(maptrack.take(), Some(Handle(256)), "the sentinel stays, a second frame comes");
    }

    #[test]
    fn a_freed_handle_goes_to_the_tail_today_and_to_the_head_in_the_3_x_era() {
        let mut today = Maptrack::default();
        let (a, _) = (today.take().expect("room"), today.take().expect("room"));
        let mut then = today.clone();
        today.give_back(a, false);
        then.give_back(a, true);
        assert_eq!((today.take(), then.take()), (Some(Handle(2)), Some(a)));
    }

    #[test]
    fn a_shared_entry_is_eight_bytes_little_endian() {
        let entry = SharedEntry { flags: 0x19, domid: DomId(5), frame: 0x51234 };
        assert_eq!(entry.to_bytes(), [0x19, 0, 5, 0, 0x34, 0x12, 5, 0]);
        assert_eq!(SharedEntry::from_bytes(entry.to_bytes()), entry);
    }
}
