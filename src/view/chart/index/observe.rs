//! What a place is in now, as a run would show it: read from the machine, nothing is remembered here.

use crate::illumos::abi::{AsId, Dev};
use crate::illumos::seg::Seg;
use crate::illumos::seg_mf::Tag;
use crate::view::calls;
use crate::view::chart::{Backing, Moment, Rights, Run, State};
use crate::view::look::{self, Look, PageLook};
use crate::view::names::Names;
use crate::x86::addr::{Level, Mfn, Va};
use crate::x86::pte::Pte;
use crate::xen::abi::{DomId, GrantRef, gtf};
use crate::xen::grant::Pins;

/// A state with its words, before it has a place in time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Seen {
    pub(super) state: State,
    pub(super) locked: bool,
    pub(super) text: Option<String>,
}

impl Seen {
    fn new(state: State, text: impl Into<Option<String>>) -> Option<Seen> {
        Some(Seen { state, locked: false, text: text.into() })
    }

    /// The run that begins at `from` and lasts.
    pub(super) fn since(&self, from: Moment) -> Run {
        Run { locked: self.locked, text: self.text.as_deref().map(Into::into), ..Run::new(from, self.state) }
    }

    /// Whether `run` shows the same.
    pub(super) fn is(&self, run: &Run) -> bool {
        self.state == run.state && self.locked == run.locked && self.text.as_deref() == run.text.as_deref()
    }
}

/// A page of a process.
pub(super) fn page(look: Look, space: AsId, va: Va) -> Option<Seen> {
    let page = look.page(space, va)?;
    let write = page.walk.rights().is_some_and(|rights| rights.write);
    let rights = if write { Rights::Writable } else { Rights::ReadOnly };
    let live = |backing| {
        let locked = locks(look, space, va) > 0;
        Some(Seen { state: State::Live(backing, rights), locked, text: entry(&page) })
    };
    match page.backing {
        look::Backing::Nothing => page.seg.and_then(|_| Seen::new(State::Empty, None)),
        look::Backing::Empty => Seen::new(State::Empty, None),
        look::Backing::Placeholder => Seen::new(State::Placeholder, "pfn 0".to_owned()),
        look::Backing::Counted => Seen::new(State::ZeroCounted, "PTE 0".to_owned()),
        look::Backing::Foreign => live(Backing::Foreign),
        look::Backing::Granted => live(Backing::Granted),
        look::Backing::TagOnly(Tag::Gref) => Seen::new(State::TagOnly(Backing::Granted), "no PTE".to_owned()),
        look::Backing::TagOnly(Tag::Mfn | Tag::Empty | Tag::Unset) => {
            Seen::new(State::TagOnly(Backing::Foreign), "no PTE".to_owned())
        }
        look::Backing::Leaked => Seen::new(State::Leaked, entry(&page).map(|entry| format!("{entry} leaked"))),
    }
}

/// Frame and low bits of an entry: `4C0F1 …705`.
fn entry(page: &PageLook) -> Option<String> {
    page.walk.leaf().map(|leaf| short_entry(leaf.entry))
}

pub(super) fn short_entry(entry: Pte) -> String {
    format!("{} …{:03X}", calls::frame(entry.frame()), entry.0 & 0xFFF)
}

/// Locks of the HAT on the table of leaves over an address.
fn locks(look: Look, space: AsId, va: Va) -> u32 {
    table_counts(look, space, va).map_or(0, |(lock, _)| lock)
}

fn table_counts(look: Look, space: AsId, va: Va) -> Option<(u32, u32)> {
    let tables = &look.kernel.space(space)?.hat.tables;
    let covers = |base: Va| va.0.wrapping_sub(base.0) < Level::LEAF.table_span();
    tables.values().find(|t| t.level == Level::LEAF && covers(t.base)).map(|t| (t.lock, t.valid))
}

/// The block-tap driver's device: what it maps are grants, also before the first one.
const XPVTAP: Dev = Dev(2);

/// The header of a region, with the facts that hold now.
pub(super) fn region(look: Look, seg: &Seg, copied: bool) -> (Seen, String) {
    let Some(data) = seg.mf() else {
        return (
            Seen { state: State::Region(Backing::Own), locked: false, text: Some("segment".to_owned()) },
            String::new(),
        );
    };
    let backing =
        if data.map.written().any(|(_, entry)| entry.tag == Tag::Gref) || data.dev == XPVTAP || is_window(look, seg) {
            Backing::Granted
        } else {
            Backing::Foreign
        };
    let pages = seg.pages();
    let many = if pages > super::space::SMALL { format!(" · ×{pages}") } else { String::new() };
    let name = Names::device(data.dev);
    let text = format!("seg_mf {name} · {}{many}", calls::rights(data.prot.into()));
    let reached = |va| look.page(seg.space, va).is_some_and(|page| page.leaf().is_present());
    let is_hollow = copied && !data.map.written().any(|(index, _)| reached(seg.base.page_after(index)));
    let state = if is_hollow { State::Copied(backing) } else { State::Region(backing) };
    let text = if is_hollow { format!("{name}, copied{many}") } else { text };
    let counts = table_counts(look, seg.space, seg.base);
    let counts = counts.map_or_else(String::new, |(lock, valid)| format!(" · lock {lock} · valid {valid}"));
    let bound = if data.domid == DomId(0) { "not bound".to_owned() } else { format!("domid {}", data.domid) };
    (Seen { state, locked: false, text: Some(text) }, format!("{bound} · soft {}{counts}", data.softlockcnt))
}

/// Whether the block-tap driver has this segment as its window.
fn is_window(look: Look, seg: &Seg) -> bool {
    let tap = look.kernel.space(seg.space).and_then(|space| space.tap.as_ref());
    tap.and_then(|tap| look.kernel.seg(tap.seg)).is_some_and(|window| window == seg)
}

/// A frame in the lane of a domain.
pub(super) fn frame(look: Look, owner: DomId, mfn: Mfn) -> Seen {
    let info = look.xen.frame(mfn);
    let count = u32::try_from(info.count).unwrap_or(u32::MAX);
    let state = if info.owner == Some(owner) { State::Count(count) } else { State::Absent };
    Seen { state, locked: false, text: None }
}

/// A grant: nothing while the entry says nothing and nobody maps it.
pub(super) fn grant(look: Look, granter: DomId, gref: GrantRef) -> Option<Seen> {
    let shared = look.xen.shared_entry(look.memory, granter, gref).unwrap_or_default();
    let offered = shared.flags & gtf::TYPE_MASK != 0;
    let Some(active) = look.xen.active(granter, gref) else {
        return if offered { Seen::new(State::Offered, pins(Pins::default())) } else { None };
    };
    let handles = look.xen.domains().filter_map(|domain| look.xen.maptrack(domain.id)).flat_map(|track| track.held());
    let mine = handles.filter(|(_, mapping)| mapping.granter == granter && mapping.gref == gref);
    let held: String = mine.map(|(handle, _)| format!(" h{}", handle.0)).collect();
    let rights = if active.pins.writable() { Rights::Writable } else { Rights::ReadOnly };
    let state = if offered { State::Mapped(rights) } else { State::Waiting };
    Seen::new(state, format!("{} {held}", pins(active.pins)))
}

/// The four pins in the order of the lane's strip.
fn pins(pins: Pins) -> String {
    format!("{} {} {} {}", pins.host_write, pins.host_read, pins.device_write, pins.device_read)
}
