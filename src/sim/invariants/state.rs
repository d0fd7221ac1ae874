//! The verdicts on one machine, kept from step to step.

use super::breach::{Place, Why};
use super::page::{Facts, Page, Spot};
use super::records::{Records, TableRecord};
use super::rule::{IdSet, InvariantId};
use super::touched::{Span, Touched};
use super::witness::{Held, Window, Witness};
use crate::illumos::abi::{AsId, SegId};
use crate::sim::{Event, MachineId};
use crate::x86::addr::{Level, Mfn, Va};
use crate::xen::abi::{DomId, GrantRef, Handle};
use imbl::{OrdMap, OrdSet};
use std::collections::{BTreeMap, BTreeSet};

/// The verdicts on one machine; a clone shares all it has.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    machine: MachineId,
    pub(super) records: Records,
    /// Pages of which there is anything to know.
    known: OrdMap<Spot, Facts>,
    /// Pages that break a rule.
    broken: OrdMap<(AsId, Va), IdSet>,
    /// Handles that no page claims.
    forgotten: OrdMap<Handle, Place>,
    claims: OrdMap<Handle, OrdSet<Spot>>,
    by_gref: OrdMap<GrantRef, OrdSet<Spot>>,
    pub(super) breaches: OrdMap<InvariantId, OrdMap<Place, Why>>,
}

impl State {
    /// Looks at everything there is.
    pub(super) fn recount(machine: MachineId, witness: Witness<'_>) -> State {
        let mut state = State { machine, ..State::default() };
        let mut touched = Touched::default();
        for (seg, segment) in witness.segs() {
            state.records.add_seg(seg, segment.space, segment.base, segment.size);
            touched.segs.insert(seg, segment.space);
            touched.spans.insert(Span { space: segment.space, first: segment.base, pages: segment.pages() });
        }
        for space in witness.spaces() {
            state.records.add_space(space, witness);
            touched.spans.insert(Span { space, first: Va(0), pages: u64::MAX >> 12 });
        }
        for (table, record) in witness.tables() {
            state.records.add_table(table, record);
            touched.tables.insert((table, record));
        }
        touched.handles.extend(witness.handles());
        state.settle(witness, touched);
        state
    }

    /// Looks again at what `events` touched.
    pub(super) fn after(&self, witness: Witness<'_>, events: &[Event]) -> State {
        let mut state = self.clone();
        let mut touched = Touched::default();
        for event in events {
            touched.note(event, &mut state.records, witness);
        }
        state.settle(witness, touched);
        state
    }

    fn settle(&mut self, witness: Witness<'_>, mut touched: Touched) {
        self.settle_windows(witness, &mut touched);
        self.settle_attachments(witness, &mut touched);
        for span in std::mem::take(&mut touched.spans) {
            self.spread(witness, span, &mut touched.pages);
        }
        let mut pages = std::mem::take(&mut touched.pages);
        for (space, va) in &pages {
            self.note_page(witness, *space, *va, &mut touched);
        }
        // Who claims a handle or a reference is judged by what became of it.
        let by_handle = touched.handles.iter().filter_map(|handle| self.claims.get(handle)).flatten();
        let by_gref = touched.grefs.iter().filter_map(|gref| self.by_gref.get(gref)).flatten();
        let claimants: BTreeSet<(AsId, Va)> = by_handle.chain(by_gref).map(|spot| (spot.space, spot.va)).collect();
        for (space, va) in claimants {
            self.note_page(witness, space, va, &mut touched);
            pages.insert((space, va));
        }
        for (space, va) in pages {
            self.judge_page(witness, space, va);
        }
        for handle in touched.handles {
            self.judge_handle(witness, handle);
        }
        for (seg, space) in touched.segs {
            self.judge_seg(witness, seg, space);
        }
        for (table, record) in touched.tables {
            self.judge_table(witness, table, record);
        }
    }

    /// Windows come and go without an event of their own, so they are compared.
    fn settle_windows(&mut self, witness: Witness<'_>, touched: &mut Touched) {
        let now: OrdMap<AsId, Window> = witness.windows().into_iter().collect();
        if now == self.records.windows {
            return;
        }
        let was = std::mem::replace(&mut self.records.windows, now.clone());
        for (mine, other) in [(&was, &now), (&now, &was)] {
            for (space, window) in mine.iter().filter(|(space, window)| other.get(space) != Some(window)) {
                touched.pages.extend((0..window.pages).map(|i| (*space, window.base.page_after(i))));
            }
        }
    }

    /// The driver's data come after the segment and go before it.
    fn settle_attachments(&mut self, witness: Witness<'_>, touched: &mut Touched) {
        let ask: BTreeSet<SegId> = touched.segs.keys().chain(&self.records.leaving).copied().collect();
        for seg in ask {
            let Some(record) = self.records.segs.get_mut(&seg) else { continue };
            let attached = witness.seg(seg).is_some_and(|segment| segment.mf().is_some());
            if attached != record.attached {
                record.attached = attached;
                touched.segs.insert(seg, record.space);
                touched.spans.insert(Span { space: record.space, first: record.base, pages: record.pages() });
            }
        }
    }

    /// The pages of a range of which anything is known, written or mapped.
    fn spread(&self, witness: Witness<'_>, span: Span, pages: &mut BTreeSet<(AsId, Va)>) {
        let Span { space, first, .. } = span;
        let known = self.known.range(Spot { space, va: first, seg: None }..).map(|(spot, _)| (spot.space, spot.va));
        pages.extend(known.take_while(|(owner, va)| *owner == space && span.contains(*va)));
        let broken = self.broken.range((space, first)..).map(|(page, _)| *page);
        pages.extend(broken.take_while(|(owner, va)| *owner == space && span.contains(*va)));
        pages.extend(self.records.mapped_in(span, witness).into_iter().map(|va| (space, va)));
        for seg in self.records.overlapping(span) {
            let Some(segment) = witness.seg(seg) else { continue };
            let Some(data) = segment.mf() else { continue };
            let inside = data.map.written().map(|(index, _)| index).filter(|index| *index < data.map.pages());
            let vas = inside.map(|index| segment.base.page_after(index)).filter(|va| span.contains(*va));
            pages.extend(vas.map(|va| (space, va)));
        }
    }

    /// As whose a page counts: each segment's that covers it, or nobody's.
    fn spots(&self, witness: Witness<'_>, space: AsId, va: Va) -> Vec<Spot> {
        let covering = self.records.covering(space, va, witness);
        if covering.is_empty() {
            return vec![Spot { space, va, seg: None }];
        }
        covering.into_iter().map(|seg| Spot { space, va, seg: Some(seg) }).collect()
    }

    /// Brings up to date what is known of a page, the sums it is part of, and who claims what.
    fn note_page(&mut self, witness: Witness<'_>, space: AsId, va: Va, touched: &mut Touched) {
        let now = self.spots(witness, space, va);
        let before = self.known.range(Spot { space, va, seg: None }..).map(|(spot, _)| *spot);
        let gone: Vec<Spot> =
            before.take_while(|spot| spot.space == space && spot.va == va).filter(|spot| !now.contains(spot)).collect();
        for spot in gone {
            self.note(spot, Facts::default(), touched);
        }
        for spot in now {
            self.note(spot, Page::look(witness, spot).facts(), touched);
        }
    }

    fn note(&mut self, spot: Spot, facts: Facts, touched: &mut Touched) {
        let old = self.known.get(&spot).copied().unwrap_or_default();
        if old == facts {
            return;
        }
        if facts == Facts::default() {
            self.known.remove(&spot);
        } else {
            self.known.insert(spot, facts);
        }
        if let Some((seg, record)) = spot.seg.and_then(|seg| Some((seg, self.records.segs.get_mut(&seg)?))) {
            record.tagged = record.tagged + u64::from(facts.tagged) - u64::from(old.tagged);
            record.live = record.live + u64::from(facts.live) - u64::from(old.live);
            touched.segs.insert(seg, spot.space);
        }
        if old.claim != facts.claim {
            if let Some((handle, gref)) = old.claim {
                leave(&mut self.claims, handle, spot);
                leave(&mut self.by_gref, gref, spot);
                touched.handles.insert(handle);
            }
            if let Some((handle, gref)) = facts.claim {
                self.claims.entry(handle).or_default().insert(spot);
                self.by_gref.entry(gref).or_default().insert(spot);
                touched.handles.insert(handle);
            }
        }
    }

    fn judge_page(&mut self, witness: Witness<'_>, space: AsId, va: Va) {
        let mut found: BTreeMap<InvariantId, Why> = BTreeMap::new();
        let window = self.records.windows.get(&space).copied();
        for spot in self.spots(witness, space, va) {
            let claim = self.known.get(&spot).and_then(|facts| facts.claim);
            let claimants = claim.and_then(|(handle, _)| self.claims.get(&handle)).map_or(0, |all| all.len() as u64);
            for (id, why) in Page::look(witness, spot).judge(window, claimants) {
                found.entry(id).or_insert(why);
            }
        }
        let place = Place::Page { machine: self.machine, space, va };
        for id in self.broken.get(&(space, va)).copied().unwrap_or_default().iter() {
            if !found.contains_key(&id) {
                self.keep(id, place, None);
            }
        }
        let mut broken = IdSet::default();
        for (id, why) in found {
            broken.insert(id);
            self.keep(id, place, Some(why));
        }
        if broken == IdSet::default() {
            self.broken.remove(&(space, va));
        } else {
            self.broken.insert((space, va), broken);
        }
    }

    /// I12, of a handle: some page claims it for the grant it maps.
    fn judge_handle(&mut self, witness: Witness<'_>, handle: Handle) {
        if let Some(place) = self.forgotten.remove(&handle) {
            self.keep(InvariantId::I12, place, None);
        }
        let Some(Held { granter, gref }) = witness.held(handle) else { return };
        let known = &self.known;
        let claims_it = |spot: &Spot| known.get(spot).is_some_and(|facts| facts.claim == Some((handle, gref)));
        if !self.claims.get(&handle).is_some_and(|claimants| claimants.iter().any(claims_it)) {
            let place = Place::Grant { machine: self.machine, granter, gref, handle };
            self.forgotten.insert(handle, place);
            self.keep(InvariantId::I12, place, Some(Why::HandleForgotten { handle }));
        }
    }

    /// I3 and I9.
    fn judge_seg(&mut self, witness: Witness<'_>, seg: SegId, space: AsId) {
        let data = witness.seg(seg).and_then(|segment| segment.mf());
        let both = data.zip(self.records.segs.get(&seg)).map(|(data, record)| {
            let (counted, found) = (data.softlockcnt, record.tagged);
            let idle = data.domid != DomId(0) && record.live == 0;
            (
                (counted != found).then_some(Why::Counted { counted, found }),
                idle.then_some(Why::NothingMapped { domid: data.domid }),
            )
        });
        let (locks, bound) = both.unwrap_or_default();
        let place = Place::Segment { machine: self.machine, space, seg };
        self.keep(InvariantId::I3, place, locks);
        self.keep(InvariantId::I9, place, bound);
    }

    /// I4 of a table of leaves, and I5 of any but the top.
    fn judge_table(&mut self, witness: Witness<'_>, table: Mfn, record: TableRecord) {
        let TableRecord { space, base, level } = record;
        let is_there = self.records.tables.get(&table) == Some(&record);
        let counts = witness.counts(space, table).filter(|_| is_there);
        let both = counts.map(|(valid, lock)| {
            let found = witness.present(table).len() as u64;
            let compare = |counted: u32| {
                let counted = u64::from(counted);
                (counted != found).then_some(Why::Counted { counted, found })
            };
            (compare(lock).filter(|_| level == Level::LEAF), compare(valid))
        });
        let (lock, valid) = both.unwrap_or_default();
        let place = Place::Table { machine: self.machine, space, base, table };
        self.keep(InvariantId::I4, place, lock);
        self.keep(InvariantId::I5, place, valid);
    }

    /// Notes, or strikes, a breach.
    fn keep(&mut self, id: InvariantId, place: Place, why: Option<Why>) {
        match (why, self.breaches.get_mut(&id)) {
            (Some(why), _) => drop(self.breaches.entry(id).or_default().insert(place, why)),
            (None, Some(places)) => {
                places.remove(&place);
                if places.is_empty() {
                    self.breaches.remove(&id);
                }
            }
            (None, None) => {}
        }
    }
}

fn leave<K: Ord + Clone>(claims: &mut OrdMap<K, OrdSet<Spot>>, key: K, spot: Spot) {
    if let Some(spots) = claims.get_mut(&key) {
        spots.remove(&spot);
        if spots.is_empty() {
            claims.remove(&key);
        }
    }
}
