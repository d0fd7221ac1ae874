//! The rules that judge calls: a failed call leaves nothing behind (I7), a call keeps to its request (I10), a report is true (I14).
//!
//! A change is judged by its net: what a call did and took back does not count. What an inner failed call was blamed for is not
//! blamed on the outer one again. Some things are not state to a driver and do not count either: the accessed and dirty bits, the
//! fields of an EMPTY record (except a registered entry address), tables that were needed, locks that are held while a call runs.

use super::breach::{Breach, CallError, JudgedCall, Leftover, Place, Why};
use super::records::Records;
use super::rule::InvariantId;
use super::touched::{Span, Touched};
use super::witness::Witness;
use crate::illumos::abi::{AsId, Dev, FaultCode, FaultKind, FaultType, SegId};
use crate::illumos::event::{Call, KernelEvent, Return, TableCounter, VnodeCounts};
use crate::illumos::seg_mf::{MapEntry, Tag};
use crate::mock::MockEvent;
use crate::sim::{Event, MachineId};
use crate::x86::PteEvent;
use crate::x86::addr::{Level, Mfn, PAGE_SHIFT, PAGE_SIZE, Va};
use crate::x86::pte::Pte;
use crate::xen::abi::{DomId, Handle};
use crate::xen::event::XenEvent;
use std::collections::{BTreeMap, BTreeSet};

/// Judges the calls among `events`, which start where `before` stands and end in the world of `witness`.
pub(super) fn judge(machine: MachineId, witness: Witness<'_>, before: &Records, events: &[Event]) -> Vec<Breach> {
    let mut judge = Judge { machine, witness, records: before.clone(), open: Vec::new(), found: Vec::new() };
    for event in events {
        Touched::default().note(event, &mut judge.records, witness);
        judge.take(event);
    }
    judge.found
}

/// What can change, the more telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    Handle(Handle),
    Bound(SegId),
    Mapping(AsId, Va),
    Record(SegId, u64),
    SoftLocks(SegId),
    Segment(SegId),
    RowLocks(AsId, Va),
    Locks(Mfn),
    Valid(Mfn),
    Device(Dev),
}

/// What stands in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Held(bool),
    Domain(DomId),
    Entry(Pte),
    Record(MapEntry),
    Count(u64),
    Lives(bool),
    Device(VnodeCounts),
}

type Change = (Slot, Content, Content);

/// A call that has not returned.
struct Open {
    judged: Option<Judged>,
    changes: BTreeMap<Slot, (Content, Content)>,
    blamed: BTreeSet<Slot>,
}

/// A call whose conduct is judged.
#[derive(Clone, Copy)]
struct Judged {
    call: JudgedCall,
    place: Place,
    request: Option<Request>,
}

/// The pages a call was asked for.
#[derive(Clone, Copy)]
struct Request {
    seg: SegId,
    first: u64,
    count: u64,
}

/// A question to the driver whose answer may be untrue.
#[derive(Clone, Copy)]
enum Question {
    Resident { space: AsId, addr: Va, len: u64 },
    Fault { space: AsId, addr: Va, fault: FaultType },
}

struct Judge<'w> {
    machine: MachineId,
    witness: Witness<'w>,
    records: Records,
    open: Vec<(Open, Option<Question>)>,
    found: Vec<Breach>,
}

impl Judge<'_> {
    fn take(&mut self, event: &Event) {
        match event {
            Event::Kernel(KernelEvent::Called(call)) => {
                let open = Open { judged: self.judged(call), changes: BTreeMap::new(), blamed: BTreeSet::new() };
                self.open.push((open, self.question(call)));
            }
            Event::Kernel(KernelEvent::Returned(with)) => self.close(with),
            Event::Kernel(_) | Event::Xen(_) | Event::Pte(_) | Event::Mock(_) => {
                if let Event::Kernel(KernelEvent::Entry { seg, index, .. }) = *event {
                    self.judge_index(seg, index);
                }
                let changes = self.changes(event);
                if let Some((open, _)) = self.open.last_mut() {
                    for (slot, old, new) in changes {
                        open.changes.entry(slot).or_insert((old, new)).1 = new;
                    }
                }
            }
        }
    }

    fn close(&mut self, with: &Return) {
        let Some((mut open, question)) = self.open.pop() else { return };
        if let Some((judged, answer)) = open.judged.zip(error_of(with)) {
            self.judge_failure(judged, answer, &mut open);
        }
        if let Some(question) = question {
            self.judge_answer(question, with);
        }
        if let Some((outer, _)) = self.open.last_mut() {
            for (slot, (old, new)) in open.changes {
                outer.changes.entry(slot).or_insert((old, new)).1 = new;
            }
            outer.blamed.extend(open.blamed);
        }
    }

    /// I7.
    fn judge_failure(&mut self, judged: Judged, answer: CallError, open: &mut Open) {
        let left = open.changes.iter().filter(|(slot, _)| !open.blamed.contains(slot));
        let left: Vec<(Slot, Content)> = left
            .filter(|(slot, (old, new))| !self.same(**slot, *old, *new))
            .map(|(slot, (_, new))| (*slot, *new))
            .collect();
        if let Some((slot, new)) = left.first() {
            let (first, others) = (leftover(*slot, *new), left.len() as u64 - 1);
            let why = Why::Left { call: judged.call, answer, first, others };
            self.found.push(Breach { id: InvariantId::I7, place: judged.place, why });
        }
        open.blamed.extend(left.into_iter().map(|(slot, _)| slot));
    }

    /// I10, of the innermost open call that was asked for pages of this segment.
    fn judge_index(&mut self, seg: SegId, index: u64) {
        let asked = self.open.iter().rev().filter_map(|(open, _)| open.judged).find_map(|judged| {
            let request = judged.request.filter(|request| request.seg == seg)?;
            Some((judged.call, request))
        });
        let Some(((call, Request { first, count, .. }), segment)) = asked.zip(self.records.segs.get(&seg)) else {
            return;
        };
        let pages = segment.pages();
        if index >= pages || index.wrapping_sub(first) >= count {
            let place = if index < pages {
                Place::Page { machine: self.machine, space: segment.space, va: segment.base.page_after(index) }
            } else {
                Place::Segment { machine: self.machine, space: segment.space, seg }
            };
            let breach = Breach { id: InvariantId::I10, place, why: Why::Outside { call, index, pages, first, count } };
            if !self.found.contains(&breach) {
                self.found.push(breach);
            }
        }
    }

    /// I14.
    fn judge_answer(&mut self, question: Question, with: &Return) {
        let (space, va, why) = match (question, with) {
            (Question::Resident { space, addr, len }, Return::Value(_)) => {
                let span = Span { space, first: addr.page(), pages: len.div_ceil(PAGE_SIZE) };
                let mapped = self.records.mapped_in(span, self.witness).into_iter();
                let live: BTreeSet<Va> = mapped.filter(|va| self.witness.leaf(space, *va).is_some()).collect();
                let mut missing = (0..span.pages).map(|i| span.first.page_after(i)).filter(|va| !live.contains(va));
                let Some(first) = missing.next() else { return };
                (space, first, Why::SaidResident { pages: span.pages - live.len() as u64 })
            }
            (Question::Fault { space, addr, fault }, Return::Fault(code)) => {
                // A fault that finds nothing may be an error; one that finds a live page is not an error of the object.
                let asks_a_live_page = fault != FaultType::F_INVAL && self.witness.leaf(space, addr).is_some();
                if !asks_a_live_page || !matches!(code.kind(), FaultKind::Object(_)) {
                    return;
                }
                (space, addr.page(), Why::SaidObjectError { fault })
            }
            (Question::Resident { .. } | Question::Fault { .. }, _) => return,
        };
        let place = Place::Page { machine: self.machine, space, va };
        self.found.push(Breach { id: InvariantId::I14, place, why });
    }

    fn space_of(&self, seg: SegId) -> Option<AsId> {
        self.records.segs.get(&seg).map(|segment| segment.space)
    }

    fn question(&self, call: &Call) -> Option<Question> {
        if let Call::SegmfIncore { seg, addr, len } = *call {
            return Some(Question::Resident { space: self.space_of(seg)?, addr, len });
        }
        if let Call::SegmfFault { seg, addr, fault, .. } = *call {
            return Some(Question::Fault { space: self.space_of(seg)?, addr, fault });
        }
        None
    }

    fn judged(&self, call: &Call) -> Option<Judged> {
        let machine = self.machine;
        let in_space = |call, space| Some(Judged { call, place: Place::Space { machine, space }, request: None });
        let in_seg = |call, seg, request: Option<(Va, u64)>| {
            let segment = self.records.segs.get(&seg)?;
            let index = |addr: Va| addr.0.wrapping_sub(segment.base.0) >> PAGE_SHIFT;
            let request = request.map(|(addr, count)| Request { seg, first: index(addr), count });
            Some(Judged { call, place: Place::Segment { machine, space: segment.space, seg }, request })
        };
        match *call {
            Call::AsMap { space, .. } => in_space(JudgedCall::AsMap, space),
            Call::AsUnmap { space, .. } => in_space(JudgedCall::AsUnmap, space),
            Call::AsDup { space, .. } => in_space(JudgedCall::AsDup, space),
            Call::AsFault { space, .. } => in_space(JudgedCall::AsFault, space),
            Call::AsSetprot { space, .. } => in_space(JudgedCall::AsSetprot, space),
            Call::IoctlMmap { space, .. } => in_space(JudgedCall::IoctlMmap, space),
            Call::IoctlMmapBatch { space, .. } => in_space(JudgedCall::IoctlMmapbatch, space),
            Call::TapRegister { seg, .. } => in_seg(JudgedCall::TapRegister, seg, None),
            Call::SegmfUnmap { seg, .. } => in_seg(JudgedCall::SegmfUnmap, seg, None),
            Call::SegmfFault { seg, .. } => in_seg(JudgedCall::SegmfFault, seg, None),
            Call::SegmfSetprot { seg, .. } => in_seg(JudgedCall::SegmfSetprot, seg, None),
            Call::SegmfAddMfns { seg, addr, count, .. } => in_seg(JudgedCall::SegmfAddMfns, seg, Some((addr, count))),
            Call::SegmfAddGrefs { seg, addr, ref grefs, .. } => {
                in_seg(JudgedCall::SegmfAddGrefs, seg, Some((addr, grefs.len() as u64)))
            }
            Call::SegmfReleaseGrefs { seg, addr, count } => {
                in_seg(JudgedCall::SegmfReleaseGrefs, seg, Some((addr, count.into())))
            }
            Call::SegmfAddGrefPte { seg, addr, .. } => in_seg(JudgedCall::SegmfAddGrefPte, seg, Some((addr, 1))),
            // They answer no error, or what they leave half-built their caller takes down; and the doors are not the driver's.
            Call::AsFree { .. }
            | Call::AsIncore { .. }
            | Call::SegFree { .. }
            | Call::SegmfCreate { .. }
            | Call::SegmfDup { .. }
            | Call::SegmfFree { .. }
            | Call::SegmfFaultpage { .. }
            | Call::SegmfSoftunlock { .. }
            | Call::SegmfIncore { .. }
            | Call::HatMap { .. }
            | Call::HatDevload { .. }
            | Call::HatUnload { .. }
            | Call::HatUnlock { .. }
            | Call::HatPrepareMapping { .. }
            | Call::HatReleaseMapping { .. }
            | Call::HatFreeStart { .. }
            | Call::HatFreeEnd { .. }
            | Call::MmuUpdate { .. }
            | Call::PtwrEmulate { .. }
            | Call::UpdateVaMapping { .. }
            | Call::UpdateVaMappingOtherdomain { .. }
            | Call::MapGrantRefs { .. }
            | Call::UnmapGrantRefs { .. }
            | Call::PinTable { .. }
            | Call::UnpinTable { .. }
            | Call::Specfind { .. }
            | Call::VopAddmap { .. }
            | Call::VopDelmap { .. }
            | Call::VnHold { .. }
            | Call::VnRele { .. }
            | Call::CvBroadcast { .. }
            | Call::Uprintf { .. } => None,
        }
    }

    fn changes(&self, event: &Event) -> Vec<Change> {
        let one = |slot, old, new| vec![(slot, old, new)];
        match *event {
            Event::Pte(PteEvent::Written { at, old, new }) => {
                let table = self.records.tables.get(&at.frame()).filter(|table| table.level == Level::LEAF);
                let page = table.map(|table| (table.space, table.base.page_after(at.offset() / 8)));
                page.map_or_else(Vec::new, |(space, va)| {
                    one(Slot::Mapping(space, va), Content::Entry(old), Content::Entry(new))
                })
            }
            Event::Xen(XenEvent::HandleTaken { mapper: DomId::DOM0, handle, .. })
            | Event::Mock(MockEvent::HandleBorn { handle, .. }) => {
                one(Slot::Handle(handle), Content::Held(false), Content::Held(true))
            }
            Event::Xen(XenEvent::HandleFreed { mapper: DomId::DOM0, handle })
            | Event::Mock(MockEvent::HandleDied { handle, .. }) => {
                one(Slot::Handle(handle), Content::Held(true), Content::Held(false))
            }
            Event::Mock(MockEvent::Row { space, va, old, new }) => {
                let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
                vec![
                    (Slot::Mapping(space, va), Content::Entry(old.pte), Content::Entry(new.pte)),
                    (Slot::RowLocks(space, va), Content::Count(old.locks), Content::Count(new.locks)),
                ]
            }
            Event::Kernel(ref event) => kernel_change(event).into_iter().collect(),
            Event::Pte(_) | Event::Xen(_) | Event::Mock(_) => Vec::new(),
        }
    }

    /// Whether what stands in a slot is to all intents what stood there before.
    fn same(&self, slot: Slot, old: Content, new: Content) -> bool {
        if let (Content::Entry(old), Content::Entry(new)) = (old, new) {
            let marks = Pte::ACCESSED | Pte::DIRTY;
            return old.without(marks) == new.without(marks) || !old.is_present() && !new.is_present();
        }
        if let (Slot::Record(seg, index), Content::Record(old), Content::Record(new)) = (slot, old, new) {
            let segment = self.records.segs.get(&seg);
            let own = segment.and_then(|seg| self.witness.entry_of(seg.space, seg.base.page_after(index)));
            let lost_registration = old.word != new.word && own.is_some_and(|at| at.0 == old.word.0);
            return old == new || old.tag == Tag::Empty && new.tag == Tag::Empty && !lost_registration;
        }
        old == new
    }
}

fn kernel_change(event: &KernelEvent) -> Option<Change> {
    Some(match *event {
        KernelEvent::Entry { seg, index, old, new } => {
            (Slot::Record(seg, index), Content::Record(old), Content::Record(new))
        }
        KernelEvent::Bound { seg, old, new } => (Slot::Bound(seg), Content::Domain(old), Content::Domain(new)),
        KernelEvent::SoftLocks { seg, old, new } => (Slot::SoftLocks(seg), Content::Count(old), Content::Count(new)),
        KernelEvent::SegBorn { seg, .. } => (Slot::Segment(seg), Content::Lives(false), Content::Lives(true)),
        KernelEvent::SegGone { seg } => (Slot::Segment(seg), Content::Lives(true), Content::Lives(false)),
        KernelEvent::Vnode { dev, old, new } => (Slot::Device(dev), Content::Device(old), Content::Device(new)),
        KernelEvent::TableCount { table, counter, old, new, .. } => {
            let slot = match counter {
                TableCounter::Busy => return None,
                TableCounter::Valid => Slot::Valid(table),
                TableCounter::Lock => Slot::Locks(table),
            };
            (slot, Content::Count(old.into()), Content::Count(new.into()))
        }
        KernelEvent::Called(_)
        | KernelEvent::Returned(_)
        | KernelEvent::Injected
        | KernelEvent::Lock { .. }
        | KernelEvent::SegAttached { .. }
        | KernelEvent::SpaceBorn { .. }
        | KernelEvent::SpaceGone { .. }
        | KernelEvent::UnmapWait { .. }
        | KernelEvent::TableBorn { .. }
        | KernelEvent::TableGone { .. }
        | KernelEvent::ArrayWritten { .. }
        | KernelEvent::Signalled { .. } => return None,
    })
}

fn error_of(with: &Return) -> Option<CallError> {
    match with {
        Return::Errno(errno) => errno.is_error().then_some(CallError::Errno(*errno)),
        Return::Fault(code) => (*code != FaultCode::OK).then_some(CallError::Fault(code.0)),
        Return::Void
        | Return::Hypercall(_)
        | Return::Value(_)
        | Return::MapGrantRefs(..)
        | Return::UnmapGrantRefs(..) => None,
    }
}

fn leftover(slot: Slot, new: Content) -> Leftover {
    match (slot, new) {
        (Slot::Handle(handle), Content::Held(held)) => Leftover::Handle { handle, held },
        (Slot::Bound(_), Content::Domain(to)) => Leftover::Bound { to },
        (Slot::Mapping(_, va), Content::Entry(entry)) => Leftover::Mapping { va, entry },
        (Slot::Record(_, index), _) => Leftover::Record { index },
        (Slot::SoftLocks(_), Content::Count(count)) => Leftover::SoftLocks { count },
        (Slot::Segment(seg), Content::Lives(lives)) => Leftover::Segment { seg, lives },
        (Slot::RowLocks(..) | Slot::Locks(_), Content::Count(count)) => Leftover::Locks { count },
        (Slot::Valid(_), Content::Count(count)) => Leftover::Valid { count },
        (Slot::Device(_), _) => Leftover::Device,
        (slot, new) => unreachable!("{slot:?} never holds {new:?}: kernel_change or changes pairs them wrongly"),
    }
}
