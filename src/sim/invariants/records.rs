//! What the checker keeps of a machine to find its places again: where segments lie, whose tables are in which frames.
//!
//! All of it is in the world, too, but there it is sorted for the kernel: an entry at a machine address is found here in one look.

use super::touched::Span;
use super::witness::{Window, Witness};
use crate::illumos::abi::{AsId, SegId};
use crate::x86::addr::{Level, Mfn, PAGE_SHIFT, Va};
use imbl::{OrdMap, OrdSet};

/// Where a segment lies, and what its pages add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegRecord {
    pub space: AsId,
    pub base: Va,
    pub size: u64,
    /// `seg_mf` has its data behind it.
    pub attached: bool,
    /// Pages tagged MFN.
    pub tagged: u64,
    /// Pages that map something of another domain.
    pub live: u64,
}

impl SegRecord {
    pub(super) fn pages(&self) -> u64 {
        self.size >> PAGE_SHIFT
    }

    fn contains(&self, va: Va) -> bool {
        va.0.wrapping_sub(self.base.0) < self.size
    }

    pub(super) fn overlaps(&self, span: Span) -> bool {
        self.contains(span.first) || span.contains(self.base)
    }
}

/// Whose page table a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TableRecord {
    pub space: AsId,
    pub level: Level,
    pub base: Va,
}

/// The records of one machine; a clone shares all it has.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    pub segs: OrdMap<SegId, SegRecord>,
    by_base: OrdSet<(AsId, Va, SegId)>,
    pub tables: OrdMap<Mfn, TableRecord>,
    leaves: OrdMap<(AsId, Va), Mfn>,
    tops: OrdMap<AsId, Mfn>,
    pub windows: OrdMap<AsId, Window>,
    /// Segments that `segmf_free` is at work on.
    pub leaving: OrdSet<SegId>,
}

impl Records {
    pub(super) fn add_seg(&mut self, seg: SegId, space: AsId, base: Va, size: u64) {
        self.segs.insert(seg, SegRecord { space, base, size, attached: false, tagged: 0, live: 0 });
        self.by_base.insert((space, base, seg));
    }

    pub(super) fn remove_seg(&mut self, seg: SegId) {
        self.leaving.remove(&seg);
        if let Some(record) = self.segs.remove(&seg) {
            self.by_base.remove(&(record.space, record.base, seg));
        }
    }

    /// A space that came and went in one run of events is not in the world any more, and needs no record.
    pub(super) fn add_space(&mut self, space: AsId, witness: Witness<'_>) {
        if let Some(top) = witness.top(space) {
            self.tops.insert(space, top);
            self.tables.insert(top, TableRecord { space, level: Level::TOP, base: Va(0) });
        }
    }

    pub(super) fn remove_space(&mut self, space: AsId) {
        if let Some(top) = self.tops.remove(&space) {
            self.tables.remove(&top);
        }
    }

    pub(super) fn add_table(&mut self, table: Mfn, record: TableRecord) {
        self.tables.insert(table, record);
        if record.level == Level::LEAF {
            self.leaves.insert((record.space, record.base), table);
        }
    }

    pub(super) fn remove_table(&mut self, table: Mfn) -> Option<TableRecord> {
        let record = self.tables.remove(&table)?;
        if self.leaves.get(&(record.space, record.base)) == Some(&table) {
            self.leaves.remove(&(record.space, record.base));
        }
        Some(record)
    }

    /// The segments of `seg_mf` over a page.
    pub(super) fn covering(&self, space: AsId, va: Va, witness: Witness<'_>) -> Vec<SegId> {
        let below = self.by_base.range(..=(space, va, SegId(u32::MAX))).rev().take_while(|(owner, ..)| *owner == space);
        let candidates = below.take(if witness.may_overlap() { usize::MAX } else { 1 });
        candidates
            .filter(|(_, _, seg)| self.segs.get(seg).is_some_and(|record| record.attached && record.contains(va)))
            .map(|(_, _, seg)| *seg)
            .collect()
    }

    /// The pages of a range that have an entry: present ones in tables, rows of a recording.
    pub(super) fn mapped_in(&self, span: Span, witness: Witness<'_>) -> Vec<Va> {
        let Span { space, first, pages } = span;
        let table_span = Level::LEAF.table_span();
        let lowest = Va(first.0 & !(table_span - 1));
        let end = u128::from(first.0) + (u128::from(pages) << PAGE_SHIFT);
        let tables = self
            .leaves
            .range((space, lowest)..)
            .take_while(|((owner, base), _)| *owner == space && u128::from(base.0) < end);
        let within = |va: &Va| *va >= first && u128::from(va.0) < end;
        let in_tables = tables.flat_map(|((_, base), table)| {
            witness.present(*table).into_iter().map(|index| base.page_after(index)).collect::<Vec<_>>()
        });
        in_tables.filter(within).chain(witness.rows(space, first, pages)).collect()
    }

    /// The segments that share a page with a range.
    pub(super) fn overlapping(&self, span: Span) -> Vec<SegId> {
        let of_space = self.by_base.range((span.space, Va(0), SegId(0))..);
        let of_space = of_space.take_while(|(space, ..)| *space == span.space).map(|(_, _, seg)| *seg);
        of_space.filter(|seg| self.segs.get(seg).is_some_and(|record| record.overlaps(span))).collect()
    }
}
