//! The rows of a recording's machine. Its mock kernel keeps a table of entries where a processor would walk; a recording is
//! short, so each step looks at all of it.

use std::collections::BTreeSet;

use super::Index;
use super::observe::{Seen, short_entry};
use super::place::LaneKey;
use super::space::{Region, Space};
use crate::illumos::abi::AsId;
use crate::illumos::seg::Seg;
use crate::illumos::seg_mf::Tag;
use crate::mock::MockKernel;
use crate::sim::MachineId;
use crate::view::calls;
use crate::view::chart::{Backing, Rights, State};
use crate::view::names::Names;
use crate::x86::addr::{Mfn, Va};
use crate::x86::pte::Pte;
use crate::xen::abi::DomId;

impl Index {
    /// Looks at a recording's machine after step `step`.
    pub(super) fn grow_recorded(&mut self, machine: MachineId, step: u32, kernel: &MockKernel) {
        for (id, _) in kernel.spaces() {
            // The spaces of a recording are there from its start.
            let space = self.spaces.entry((machine, id)).or_insert_with(|| Space::new(id, None, None, 0));
            for (seg, _, known) in kernel.segs().filter(|(_, _, seg)| seg.space == id) {
                if !space.regions.iter().any(|region| region.seg == seg && region.gone.is_none()) {
                    let (base, end) = (known.base, known.end());
                    space.region_born(Region { seg, from: None, base, end, born: step, gone: None });
                }
            }
            let gone = space.regions.iter().filter(|region| region.gone.is_none() && kernel.seg(region.seg).is_none());
            for seg in gone.map(|region| region.seg).collect::<Vec<_>>() {
                space.region_gone(seg, step);
            }
            let mut pages: BTreeSet<Va> = space.known_pages().chain(kernel.rows(id).map(|(va, _)| va)).collect();
            for (_, _, seg) in kernel.segs().filter(|(_, _, seg)| seg.space == id) {
                let written = seg.mf().into_iter().flat_map(|data| data.map.written().map(|(index, _)| index));
                pages.extend(written.map(|index| seg.base.page_after(index)));
            }
            let head = |region: &Region| kernel.seg(region.seg).map(|seg| header(kernel, seg, region));
            space.observe_with(step, &pages, &|va| page(kernel, id, va), &head);
            self.lanes.spoil(LaneKey::Space(machine, id));
        }
    }
}

fn page(kernel: &MockKernel, space: AsId, va: Va) -> Option<Seen> {
    let seg = kernel.segs().map(|(_, _, seg)| seg).find(|seg| seg.space == space && seg.contains(va));
    let row = kernel.row(space, va).unwrap_or_default();
    let entry = seg.and_then(|seg| Some(seg.mf()?.map.peek(seg.page_of(va))));
    let rights = if row.pte.has(Pte::WRITABLE) { Rights::Writable } else { Rights::ReadOnly };
    let seen = |state, text: Option<String>| Some(Seen { state, locked: false, text });
    let live = |backing| {
        let text = Some(short_entry(row.pte));
        Some(Seen { state: State::Live(backing, rights), locked: row.locks > 0, text })
    };
    let tag = entry.map_or(Tag::Unset, |entry| entry.tag);
    let is_own = row.pte.is_present() && row.pte.frame() == Mfn(0);
    match (tag, row.pte.is_present()) {
        (_, true) if is_own => seen(State::Placeholder, Some("pfn 0".to_owned())),
        (Tag::Mfn, true) => live(Backing::Foreign),
        (Tag::Gref, true) => live(Backing::Granted),
        (Tag::Empty | Tag::Unset, true) => seen(State::Leaked, Some(format!("{} leaked", short_entry(row.pte)))),
        (Tag::Mfn, false) => seen(State::TagOnly(Backing::Foreign), Some("no PTE".to_owned())),
        (Tag::Gref, false) => seen(State::TagOnly(Backing::Granted), Some("no PTE".to_owned())),
        (Tag::Empty | Tag::Unset, false) => seg.and_then(|_| seen(State::Empty, None)),
    }
}

fn header(kernel: &MockKernel, seg: &Seg, region: &Region) -> (Seen, String) {
    let seen = |state, text: String| Seen { state, locked: false, text: Some(text) };
    let Some(data) = seg.mf() else { return (seen(State::Region(Backing::Own), "segment".to_owned()), String::new()) };
    let is_granted = data.map.written().any(|(_, entry)| entry.tag == Tag::Gref);
    let backing = if is_granted { Backing::Granted } else { Backing::Foreign };
    let text = format!("seg_mf {} · {}", Names::device(data.dev), calls::rights(data.prot.into()));
    let bound = if data.domid == DomId(0) { "not bound".to_owned() } else { format!("domid {}", data.domid) };
    let reached = |index| kernel.row(seg.space, seg.base.page_after(index)).is_some_and(|row| row.pte.is_present());
    let is_hollow = region.from.is_some() && !data.map.written().any(|(index, _)| reached(index));
    let state = if is_hollow { State::Copied(backing) } else { State::Region(backing) };
    (seen(state, text), format!("{bound} · soft {}", data.softlockcnt))
}

#[cfg(test)]
mod tests {
    use super::page;
    use crate::mock::read_recordings;
    use crate::sim::{Machine, MachineId};
    use crate::view::chart::index::Index;
    use crate::view::chart::{Moment, What};
    use crate::view::session::Session;
    use crate::x86::addr::Va;

    #[test]
    fn every_row_of_a_recording_is_what_its_kernel_was() {
        let files: [(&str, &[u8]); 3] = [
            ("lifecycle", include_bytes!("../../../../tests/vectors/segmf/lifecycle-block-tap.json")),
            ("two spaces", include_bytes!("../../../../tests/vectors/segmf/two-address-spaces.json")),
            ("leak", include_bytes!("../../../../tests/vectors/segmf/add-grefs-over-mapped-leaks-handle.json")),
        ];
        let mut checked = 0;
        for (file, text) in files {
            for recording in read_recordings(text).expect("a recording") {
                let Some(run) = recording.runs().next() else { continue };
                let session = Session::of_recording(&recording, run).expect("a recording's machine");
                let mut index = Index::new(&session);
                let picture = index.picture(&session);
                for (step, id) in (0..).zip(session.path()).skip(1) {
                    let world = session.history().world_at(*id);
                    let Some(Machine::Recorded(kernel)) = world.machine(MachineId(0)) else { continue };
                    for lane in &picture.lanes {
                        let space =
                            index.spaces.values().find(|s| index.space_lane(s.id) == Some(lane.id)).expect("a lane").id;
                        for row in lane.rows().iter().filter(|row| row.key.what == What::Page) {
                            let (now, run) = (page(kernel, space, Va(row.key.number)), row.runs.at(Moment::step(step)));
                            let same =
                                now.is_some() == run.is_some() && now.as_ref().zip(run).is_none_or(|(n, r)| n.is(r));
                            assert!(same, "{file}, step {step}: the kernel has {now:?}, the row says {run:?}");
                            checked += 1;
                        }
                    }
                }
            }
        }
        assert!(checked > 200, "{checked} rows were compared");
    }
}
