//! The private data of a segment: what the driver knows of each page.
//!
//! An entry is a tag and a union; the frame of an MFN entry and the PTE address of a GREF entry **share one word**, which
//! survives a change of tag. Around the array lies kernel memory nobody wrote: near accesses read and change it, far ones are wild.

use crate::illumos::abi::Dev;
use crate::illumos::ports::{KMEM_FILL, SPARE_ENTRIES};
use crate::trace::Halt;
use crate::word::Word;
use crate::xen::abi::{DomId, GrantRef, Handle};
use imbl::OrdMap;
use serde::Serialize;
use std::borrow::Cow;

/// `segmf_map_type_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Tag {
    /// Nothing is mapped, as far as the driver knows.
    Empty,
    /// A foreign machine frame.
    Mfn,
    /// A grant.
    Gref,
    /// Memory outside the array: the fill of the allocator stands where a tag would be.
    Unset,
}

/// `segmf_map_t`: 32 bytes on amd64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct MapEntry {
    /// `t_type`.
    pub tag: Tag,
    /// `m_mfn` and `g_ptep`, one storage.
    pub word: Word,
    /// `g_gref`.
    pub gref: GrantRef,
    /// `g_flags`: see [`gflags`].
    pub flags: u32,
    /// `g_handle`.
    pub handle: Handle,
}

/// `SEGMF_GFLAGS_*`.
pub mod gflags {
    /// The grant is wanted writable.
    pub const WR: u32 = 1;
    /// Xen mapped it and gave a handle.
    pub const MAPPED: u32 = 2;
}

impl MapEntry {
    /// Memory as the allocator leaves it.
    pub const FILL: MapEntry = MapEntry {
        tag: Tag::Unset,
        word: Word(KMEM_FILL),
        gref: GrantRef(KMEM_FILL as u32),
        flags: KMEM_FILL as u32,
        handle: Handle(KMEM_FILL as u32),
    };
    /// An entry as `segmf_create` leaves it: only the tag was written.
    pub const CREATED: MapEntry = MapEntry { tag: Tag::Empty, ..MapEntry::FILL };

    /// Whether the driver believes that Xen holds a mapping for it.
    #[must_use]
    pub fn is_mapped_grant(&self) -> bool {
        self.tag == Tag::Gref && self.flags & gflags::MAPPED != 0
    }
}

/// The array of entries; only those that differ from what was there at first are kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntryMap {
    pages: u64,
    written: OrdMap<u64, MapEntry>,
}

impl EntryMap {
    /// The array of a fresh segment.
    #[must_use]
    pub fn created(pages: u64) -> EntryMap {
        EntryMap { pages, written: OrdMap::new() }
    }

    /// `bcopy` of the first `pages` entries into a fresh array of as many.
    #[must_use]
    pub fn copied(&self, pages: u64) -> EntryMap {
        EntryMap { pages, written: self.written.iter().filter(|(i, _)| **i < pages).map(|(i, e)| (*i, *e)).collect() }
    }

    /// How many entries the segment has.
    #[must_use]
    pub fn pages(&self) -> u64 {
        self.pages
    }

    /// The entry at `index`, also a little outside the array.
    ///
    /// # Errors
    /// [`Halt::Wild`] far outside, in the name of `function`.
    pub fn get(&self, index: u64, function: &'static str) -> Result<MapEntry, Halt> {
        if index >= self.pages.saturating_add(SPARE_ENTRIES) {
            return Err(Halt::Wild { function: Cow::Borrowed(function), index });
        }
        Ok(self.peek(index))
    }

    /// The entry at `index` for one who looks from outside the kernel; never wild.
    #[must_use]
    pub fn peek(&self, index: u64) -> MapEntry {
        let untouched = if index < self.pages { MapEntry::CREATED } else { MapEntry::FILL };
        self.written.get(&index).copied().unwrap_or(untouched)
    }

    /// Stores an entry that [`EntryMap::get`] could read.
    pub fn set(&mut self, index: u64, entry: MapEntry) {
        let untouched = if index < self.pages { MapEntry::CREATED } else { MapEntry::FILL };
        if entry == untouched {
            self.written.remove(&index);
        } else {
            self.written.insert(index, entry);
        }
    }

    /// The entries that differ from what was there at first, in order; those at `pages()` and above lie outside.
    pub fn written(&self) -> impl Iterator<Item = (u64, &MapEntry)> + '_ {
        self.written.iter().map(|(index, entry)| (*index, entry))
    }
}

/// `struct segmf_data`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SegmfData {
    /// `vp`, by its device.
    pub dev: Dev,
    /// `prot`; never changes.
    pub prot: u8,
    /// `maxprot`; never changes.
    pub maxprot: u8,
    /// `softlockcnt`.
    pub softlockcnt: u64,
    /// `domid`; 0 is "not bound".
    pub domid: DomId,
    /// `map`.
    pub map: EntryMap,
}
