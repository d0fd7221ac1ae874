//! What one step touched, read off its events: only that is looked at again.
//!
//! The events name pages by segment and index, by machine address of an entry, or by table. A table may have gone within the
//! step, so both worlds are asked, the one before and the one after, and the births among the events.

use std::collections::{BTreeMap, BTreeSet};

use crate::illumos::abi::{AsId, SegId};
use crate::illumos::event::{Call, KernelEvent, Return, TableCounter};
use crate::sim::Event;
use crate::view::look::Look;
use crate::x86::PteEvent;
use crate::x86::addr::{Level, Ma, Mfn, Va};
use crate::xen::abi::{DomId, GrantRef};
use crate::xen::event::XenEvent;

/// Addresses of one space, from the first to before the second.
pub(super) type Range = (AsId, Va, Va);

/// The things a step touched on one machine.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Touched {
    /// Pages by name.
    pub(super) pages: BTreeSet<(AsId, Va)>,
    /// Pages in these ranges, as far as anything is known of them.
    pub(super) ranges: BTreeSet<Range>,
    /// Spaces whose regions, or whose own life, may read otherwise now.
    pub(super) spaces: BTreeSet<AsId>,
    /// Machine frames.
    pub(super) frames: BTreeSet<Mfn>,
    /// Grants.
    pub(super) grants: BTreeSet<(DomId, GrantRef)>,
    /// Pages for which Xen refused a frame, whose frame, and after how many events it was known.
    pub(super) refused: Vec<RefusedFrame>,
}

/// A frame Xen would not map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RefusedFrame {
    pub(super) domid: DomId,
    pub(super) mfn: Mfn,
    pub(super) va: Va,
    /// How many events had happened when the answer was in.
    pub(super) events: usize,
}

/// Reads a step's events; `before` and `after` are the machine around it.
pub(super) fn touched(before: Option<Look>, after: Option<Look>, events: &[Event]) -> Touched {
    let mut reader = Reader { before, after, born: Born::default(), touched: Touched::default(), open: Vec::new() };
    for (i, event) in events.iter().enumerate() {
        match event {
            Event::Pte(event) => reader.pte(event),
            Event::Xen(event) => reader.xen(event),
            Event::Kernel(event) => reader.kernel(event, i),
            // A recording's mock kernel has no address space to draw.
            Event::Mock(_) => {}
        }
    }
    reader.touched
}

/// What came to be, and perhaps went, within the step.
#[derive(Default)]
struct Born {
    segs: BTreeMap<SegId, Range>,
    tables: BTreeMap<Mfn, (AsId, Level, Va)>,
}

struct Reader<'m> {
    before: Option<Look<'m>>,
    after: Option<Look<'m>>,
    born: Born,
    touched: Touched,
    /// Calls that have not returned: a frame that is asked for, or anything else.
    open: Vec<Option<(DomId, Mfn, Va)>>,
}

impl<'m> Reader<'m> {
    fn worlds(&self) -> impl Iterator<Item = Look<'m>> + use<'m> {
        self.after.into_iter().chain(self.before)
    }

    fn seg(&self, seg: SegId) -> Option<Range> {
        let known = self.worlds().find_map(|look| look.kernel.seg(seg).map(|s| (s.space, s.base, s.end())));
        known.or_else(|| self.born.segs.get(&seg).copied())
    }

    fn table(&self, table: Mfn) -> Option<(AsId, Level, Va)> {
        let of = |look: Look<'m>| {
            look.kernel.spaces().find_map(|(id, space)| space.hat.tables.get(&table).map(|t| (id, t.level, t.base)))
        };
        self.worlds().find_map(of).or_else(|| self.born.tables.get(&table).copied())
    }

    fn entry(&mut self, at: Ma) {
        if let Some((space, level, base)) = self.table(at.frame()) {
            let va = base.plus(at.offset() / 8 * level.span());
            if level == Level::LEAF {
                self.touched.pages.insert((space, va));
            } else {
                self.touched.ranges.insert((space, va, va.plus(level.span())));
            }
        }
    }

    fn pte(&mut self, event: &PteEvent) {
        match event {
            PteEvent::Written { at, .. } | PteEvent::Marked { at, .. } => self.entry(*at),
            PteEvent::Cached { .. }
            | PteEvent::Forgot { .. }
            | PteEvent::ForgotAll
            | PteEvent::ForgotNonGlobal { .. }
            | PteEvent::Control { .. }
            | PteEvent::Cr3 { .. }
            | PteEvent::Faulted { .. } => {}
        }
    }

    fn xen(&mut self, event: &XenEvent) {
        match event {
            XenEvent::Count { mfn, .. } | XenEvent::Released { mfn, .. } | XenEvent::Freed { mfn, .. } => {
                self.touched.frames.insert(*mfn);
            }
            XenEvent::Shared { granter, gref, .. }
            | XenEvent::Pins { granter, gref, .. }
            | XenEvent::HandleTaken { granter, gref, .. } => {
                self.touched.grants.insert((*granter, *gref));
            }
            XenEvent::HandleFreed { mapper, handle } => {
                let held = self.before.and_then(|look| look.xen.maptrack(*mapper)?.get(*handle).copied());
                self.touched.grants.extend(held.map(|mapping| (mapping.granter, mapping.gref)));
            }
            XenEvent::Called(_) => self.open.push(None),
            XenEvent::Returned(_) => drop(self.open.pop()),
            XenEvent::Type { .. }
            | XenEvent::TablePinned { .. }
            | XenEvent::DomainDying { .. }
            | XenEvent::DomainGone { .. } => {}
        }
    }

    fn kernel(&mut self, event: &KernelEvent, i: usize) {
        match event {
            KernelEvent::Called(call) => self.called(call),
            KernelEvent::Returned(with) => {
                let asked = self.open.pop().flatten();
                if let (Some((domid, mfn, va)), Return::Hypercall(ret)) = (asked, with)
                    && *ret != 0
                {
                    self.touched.refused.push(RefusedFrame { domid, mfn, va, events: i + 1 });
                }
            }
            KernelEvent::Entry { seg, index, .. } => {
                if let Some((space, base, _)) = self.seg(*seg) {
                    self.touched.pages.insert((space, base.page_after(*index)));
                    self.touched.spaces.insert(space);
                }
            }
            KernelEvent::SegBorn { seg, space, base, size, .. } => {
                self.born.segs.insert(*seg, (*space, *base, base.plus(*size)));
                self.segment(*seg);
            }
            KernelEvent::Bound { seg, .. }
            | KernelEvent::SoftLocks { seg, .. }
            | KernelEvent::SegAttached { seg }
            | KernelEvent::SegGone { seg } => self.segment(*seg),
            KernelEvent::SpaceBorn { space, .. } | KernelEvent::SpaceGone { space } => {
                self.touched.spaces.insert(*space);
                self.touched.ranges.insert((*space, Va(0), Va(u64::MAX)));
            }
            KernelEvent::TableBorn { space, table, level, base } => {
                self.born.tables.insert(*table, (*space, *level, *base));
                self.under(*table);
            }
            KernelEvent::TableGone { table, .. } => self.under(*table),
            KernelEvent::TableCount { space, table, counter, old, new } => {
                self.touched.spaces.insert(*space);
                if *counter == TableCounter::Lock && (*old == 0 || *new == 0) {
                    self.under(*table);
                }
            }
            KernelEvent::Injected
            | KernelEvent::Lock { .. }
            | KernelEvent::Vnode { .. }
            | KernelEvent::UnmapWait { .. }
            | KernelEvent::ArrayWritten { .. }
            | KernelEvent::Signalled { .. } => {}
        }
    }

    fn called(&mut self, call: &Call) {
        let asked = match call {
            Call::UpdateVaMappingOtherdomain { va, pte, domid, .. } => {
                Some((*domid, crate::x86::pte::Pte(pte.0).frame(), va.page()))
            }
            _ => None,
        };
        if let Call::TapRegister { seg, .. } = call {
            self.segment(*seg);
        }
        self.open.push(asked);
    }

    fn segment(&mut self, seg: SegId) {
        if let Some(range) = self.seg(seg) {
            self.touched.ranges.insert(range);
            self.touched.spaces.insert(range.0);
        }
    }

    fn under(&mut self, table: Mfn) {
        if let Some((space, level, base)) = self.table(table) {
            self.touched.ranges.insert((space, base, base.plus(level.table_span())));
        }
    }
}
