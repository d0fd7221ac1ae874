//! What a run of events touched: the places that have to be looked at again, and no others.
//!
//! Events name what changed; this turns their names into places. The records it keeps on the way (which segments there are, which
//! frame is whose table) follow the events one by one, because a frame may be a table of one process and then of another in one step.

use super::records::{Records, TableRecord};
use super::witness::Witness;
use crate::illumos::abi::{AsId, SegId};
use crate::illumos::event::{Call, KernelEvent};
use crate::illumos::seg_mf::MapEntry;
use crate::mock::MockEvent;
use crate::sim::Event;
use crate::x86::PteEvent;
use crate::x86::addr::{Level, Ma, Mfn, PAGE_SHIFT, Va};
use crate::xen::abi::{DomId, GrantRef, Handle};
use crate::xen::event::XenEvent;
use std::collections::{BTreeMap, BTreeSet};

/// A range of pages of an address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub space: AsId,
    pub first: Va,
    pub pages: u64,
}

impl Span {
    /// Whether a page at or above the first is one of them.
    pub(super) fn contains(&self, va: Va) -> bool {
        va.0.checked_sub(self.first.0).is_some_and(|above| above >> PAGE_SHIFT < self.pages)
    }
}

/// The places to look at again.
#[derive(Clone, Debug, Default)]
pub(super) struct Touched {
    pub pages: BTreeSet<(AsId, Va)>,
    /// Ranges in which only those pages count that something is known or written of.
    pub spans: BTreeSet<Span>,
    pub segs: BTreeMap<SegId, AsId>,
    pub tables: BTreeSet<(Mfn, TableRecord)>,
    pub handles: BTreeSet<Handle>,
    pub grefs: BTreeSet<GrantRef>,
}

impl Touched {
    /// Takes one event; `records` goes on to what is after it.
    pub(super) fn note(&mut self, event: &Event, records: &mut Records, witness: Witness<'_>) {
        match event {
            Event::Pte(event) => self.note_pte(event, records),
            Event::Xen(event) => self.note_xen(event),
            Event::Kernel(event) => self.note_kernel(event, records, witness),
            Event::Mock(event) => self.note_mock(event),
        }
    }

    fn note_pte(&mut self, event: &PteEvent, records: &Records) {
        match *event {
            PteEvent::Written { at, .. } => self.note_entry(at, records),
            // No rule looks at the accessed and dirty bits, but what is said of a leaf quotes it whole.
            PteEvent::Marked { at, .. } => {
                if records.tables.get(&at.frame()).is_some_and(|table| table.level == Level::LEAF) {
                    self.note_entry(at, records);
                }
            }
            // Nor does any look at what the processor remembers.
            PteEvent::Cached { .. }
            | PteEvent::Forgot { .. }
            | PteEvent::ForgotAll
            | PteEvent::ForgotNonGlobal { .. }
            | PteEvent::Control { .. }
            | PteEvent::Cr3 { .. }
            | PteEvent::Faulted { .. } => {}
        }
    }

    /// An entry of a table: one page, or all that an upper entry leads to.
    fn note_entry(&mut self, at: Ma, records: &Records) {
        let Some(&record) = records.tables.get(&at.frame()) else { return };
        let TableRecord { space, level, base } = record;
        let first = base.plus((at.offset() / 8).wrapping_mul(level.span()));
        self.tables.insert((at.frame(), record));
        if level == Level::LEAF {
            self.pages.insert((space, first));
        } else {
            self.spans.insert(Span { space, first, pages: level.span() >> PAGE_SHIFT });
        }
    }

    fn note_xen(&mut self, event: &XenEvent) {
        match *event {
            XenEvent::Pins { gref, .. } => {
                self.grefs.insert(gref);
            }
            XenEvent::HandleTaken { mapper: DomId::DOM0, handle, .. }
            | XenEvent::HandleFreed { mapper: DomId::DOM0, handle } => {
                self.handles.insert(handle);
            }
            XenEvent::Called(_)
            | XenEvent::Returned(_)
            | XenEvent::Count { .. }
            | XenEvent::Type { .. }
            | XenEvent::TablePinned { .. }
            | XenEvent::Released { .. }
            | XenEvent::Freed { .. }
            | XenEvent::Shared { .. }
            | XenEvent::HandleTaken { .. }
            | XenEvent::HandleFreed { .. }
            | XenEvent::DomainDying { .. }
            | XenEvent::DomainGone { .. } => {}
        }
    }

    fn note_kernel(&mut self, event: &KernelEvent, records: &mut Records, witness: Witness<'_>) {
        match *event {
            // The private data goes inside, without an event of its own.
            KernelEvent::Called(Call::SegmfFree { seg }) => {
                records.leaving.insert(seg);
            }
            KernelEvent::Entry { seg, index, old, new } => self.note_record(seg, index, &[old, new], records),
            KernelEvent::Bound { seg, .. } | KernelEvent::SoftLocks { seg, .. } => {
                self.segs.extend(records.segs.get(&seg).map(|segment| (seg, segment.space)));
            }
            KernelEvent::SegBorn { seg, space, base, size, .. } => {
                records.add_seg(seg, space, base, size);
                self.note_seg(seg, records);
            }
            KernelEvent::SegAttached { seg } => self.note_seg(seg, records),
            KernelEvent::SegGone { seg } => {
                self.note_seg(seg, records);
                records.remove_seg(seg);
            }
            KernelEvent::SpaceBorn { space, .. } => records.add_space(space, witness),
            KernelEvent::SpaceGone { space } => records.remove_space(space),
            KernelEvent::TableBorn { space, table, level, base } => {
                records.add_table(table, TableRecord { space, level, base });
                self.note_table(table, TableRecord { space, level, base });
            }
            KernelEvent::TableGone { space: _, table } => {
                if let Some(record) = records.remove_table(table) {
                    self.note_table(table, record);
                }
            }
            KernelEvent::TableCount { table, .. } => {
                self.tables.extend(records.tables.get(&table).map(|record| (table, *record)));
            }
            KernelEvent::Called(_)
            | KernelEvent::Returned(_)
            | KernelEvent::Injected
            | KernelEvent::Lock { .. }
            | KernelEvent::Vnode { .. }
            | KernelEvent::UnmapWait { .. }
            | KernelEvent::ArrayWritten { .. }
            | KernelEvent::Signalled { .. } => {}
        }
    }

    /// The driver's record of a page, and the handles it claimed and claims.
    fn note_record(&mut self, seg: SegId, index: u64, both: &[MapEntry], records: &Records) {
        let Some(segment) = records.segs.get(&seg).filter(|segment| index < segment.pages()) else { return };
        self.pages.insert((segment.space, segment.base.page_after(index)));
        self.handles.extend(both.iter().filter(|entry| entry.is_mapped_grant()).map(|entry| entry.handle));
    }

    fn note_seg(&mut self, seg: SegId, records: &Records) {
        let Some(segment) = records.segs.get(&seg) else { return };
        self.segs.insert(seg, segment.space);
        self.spans.insert(Span { space: segment.space, first: segment.base, pages: segment.pages() });
    }

    fn note_table(&mut self, table: Mfn, record: TableRecord) {
        self.tables.insert((table, record));
        let TableRecord { space, level, base } = record;
        self.spans.insert(Span { space, first: base, pages: level.table_span() >> PAGE_SHIFT });
    }

    fn note_mock(&mut self, event: &MockEvent) {
        match *event {
            MockEvent::Row { space, va, .. } => {
                self.pages.insert((space, va));
            }
            MockEvent::HandleBorn { handle, .. } | MockEvent::HandleDied { handle, .. } => {
                self.handles.insert(handle);
            }
            MockEvent::PteMa { ma: _, old, new } => self.handles.extend(old.into_iter().chain(new)),
            MockEvent::NameGiven { .. }
            | MockEvent::NameGone { .. }
            | MockEvent::DevloadOverValid { .. }
            | MockEvent::LockMissing { .. }
            | MockEvent::LockRemains { .. }
            | MockEvent::GrantOpDone { .. }
            | MockEvent::DomainKilled { .. }
            | MockEvent::GrantRevoked { .. }
            | MockEvent::InjectionArranged { .. }
            | MockEvent::InjectionCounted { .. } => {}
        }
    }
}
