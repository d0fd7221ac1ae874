//! What an event changed, as rows: the old value struck out, the new one after it.

use std::collections::BTreeMap;

use crate::illumos::event::{KernelEvent, Lock, TableCounter};
use crate::illumos::ports::KMEM_FILL;
use crate::illumos::seg_mf::{MapEntry, Tag, gflags};
use crate::mock::{MockEvent, Row};
use crate::sim::{Event, MachineId};
use crate::view::calls::{address, domain, entry, frame, reference};
use crate::view::look::Look;
use crate::view::names::Names;
use crate::view::story::{Change, ChangeRow};
use crate::view::words::{register, signal_word};
use crate::word::Word;
use crate::x86::PteEvent;
use crate::x86::addr::{Ma, Mfn};
use crate::x86::tlb::Scope;
use crate::xen::abi::Handle;
use crate::xen::event::XenEvent;
use crate::xen::grant::{Pins, SharedEntry};
use crate::xen::page_info::{PageType, TypeWord};

/// Who can say which page an entry of a table belongs to: the machine before the step and after it, since a table may be
/// born or fall in between.
#[derive(Clone, Copy)]
pub struct Places<'m> {
    /// The names of the session.
    pub names: &'m Names,
    /// Which machine.
    pub machine: MachineId,
    /// Before the step.
    pub before: Option<Look<'m>>,
    /// After it.
    pub after: Option<Look<'m>>,
}

impl Places<'_> {
    fn entry_at(&self, at: Ma) -> String {
        let known = [self.after, self.before].into_iter().flatten().find_map(|look| look.kernel.translated_by(at));
        match known {
            Some((_, va)) if self.is_alone() => format!("PTE {}", address(va)),
            Some((space, va)) => format!("PTE {} of {}", address(va), self.names.space(self.machine, space)),
            None => format!("entry at {}", entry(at.0)),
        }
    }
}

impl Places<'_> {
    /// Whether there is one process at most: then an address says all.
    fn is_alone(&self) -> bool {
        [self.before, self.after].into_iter().flatten().all(|look| look.kernel.spaces().count() < 2)
    }
}

/// Whether a row is worth showing for a whole step, or only while one walks through it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Step,
    Detail,
}

/// What one event changed; nothing for calls and returns.
pub fn of_event(places: Places<'_>, event: &Event) -> Vec<ChangeRow> {
    rows(places, event).into_iter().map(|(_, row)| row).collect()
}

/// What a whole step changed: the value before it against the value after it, whatever happened in between.
pub fn of_step(places: Places<'_>, events: &[Event]) -> Vec<ChangeRow> {
    let mut order: Vec<ChangeRow> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for event in events {
        for (weight, row) in rows(places, event) {
            if weight == Weight::Detail {
                continue;
            }
            match known.get(&row.what) {
                Some(&at) => order[at].change = joined(&order[at].change, row.change),
                None => {
                    known.insert(row.what.clone(), order.len());
                    order.push(row);
                }
            }
        }
    }
    order.retain(|row| !is_nothing(&row.change));
    by_rank(&order)
}

/// The rows with what a reader looks for first at the top, else in their order.
fn by_rank(rows: &[ChangeRow]) -> Vec<ChangeRow> {
    // A sort would be compiled for this one list alone; there are five ranks.
    (0..=RANKS.len()).flat_map(|wanted| rows.iter().filter(move |row| rank(&row.what) == wanted).cloned()).collect()
}

/// What a reader looks for first comes first: pages and tags, then the driver's counters, then frames, then its words.
const RANKS: [&[&str]; 4] = [
    &["PTE ", "tag ", "arr[", "signal", "#PF", "as ", "seg ", "domain ", "ref ", "pins ", "handle "],
    &["softlockcnt", "ht_lock_cnt", "ht_valid_cnt", "domid", "pages of", "AS_"],
    &["count of", "frame "],
    &["m_mfn", "g_"],
];

fn rank(what: &str) -> usize {
    RANKS.iter().position(|starts| starts.iter().any(|start| what.starts_with(start))).unwrap_or(RANKS.len())
}

/// Two changes of one thing, one after the other.
fn joined(first: &Change, then: Change) -> Change {
    let was = match first {
        Change::Became { old, .. } | Change::Gone(old) => Some(old.clone()),
        Change::New(_) | Change::Said(_) => None,
    };
    match (was, then) {
        (Some(old), Change::Became { new, .. } | Change::New(new)) => Change::Became { old, new },
        (Some(old), Change::Gone(_)) => Change::Gone(old),
        (None, Change::Became { new, .. } | Change::New(new)) => Change::New(new),
        // New and gone again within one step: as good as never there.
        (None, Change::Gone(gone)) => Change::Became { old: gone.clone(), new: gone },
        (_, Change::Said(word)) => Change::Said(word),
    }
}

fn is_nothing(change: &Change) -> bool {
    matches!(change, Change::Became { old, new } if old == new)
}

fn row(what: impl Into<String>, is_name: bool, change: Change) -> (Weight, ChangeRow) {
    (Weight::Step, ChangeRow { what: what.into(), is_name, change, note: None })
}

fn detail(what: impl Into<String>, change: Change) -> (Weight, ChangeRow) {
    (Weight::Detail, ChangeRow { what: what.into(), is_name: false, change, note: None })
}

fn became(old: impl ToString, new: impl ToString) -> Change {
    Change::Became { old: old.to_string(), new: new.to_string() }
}

fn rows(places: Places<'_>, event: &Event) -> Vec<(Weight, ChangeRow)> {
    match event {
        Event::Pte(event) => table_rows(places, event),
        Event::Xen(event) => xen_rows(event),
        Event::Kernel(event) => kernel_rows(places, event),
        Event::Mock(event) => mock_rows(event),
    }
}

fn table_rows(places: Places<'_>, event: &PteEvent) -> Vec<(Weight, ChangeRow)> {
    vec![match event {
        PteEvent::Written { at, old, new } | PteEvent::Marked { at, old, new } => {
            row(places.entry_at(*at), false, became(entry(old.0), entry(new.0)))
        }
        PteEvent::Cached { va, entry: kept } => detail(format!("TLB {}", address(*va)), Change::New(entry(kept.0))),
        PteEvent::Forgot { va } => detail(format!("TLB {}", address(*va)), Change::Gone(String::new())),
        PteEvent::ForgotAll => detail("TLB", Change::Said("forgets everything".to_owned())),
        PteEvent::ForgotNonGlobal { scope } => detail("TLB", Change::Said(forgotten(*scope))),
        PteEvent::Control { register: which, old, new } => detail(register(*which), became(entry(old.0), entry(new.0))),
        PteEvent::Cr3 { old, new } => detail("CR3", became(entry(old.0), entry(new.0))),
        PteEvent::Faulted { va, code } => {
            row(format!("#PF {}", address(*va)), false, Change::Said(format!("code {:X}", code.bits())))
        }
    }]
}

/// What the TLB forgets at once, beside everything.
fn forgotten(scope: Scope) -> String {
    match scope {
        Scope::Context(pcid) => format!("forgets everything under PCID {pcid} that is not global"),
        Scope::NonGlobal => "forgets everything that is not global".to_owned(),
        Scope::All => "forgets everything".to_owned(),
        Scope::Page(va, _) | Scope::PageOf(va, _) => format!("forgets {}", address(va)),
    }
}

/// What changed below the driver on a recorded machine.
fn mock_rows(event: &MockEvent) -> Vec<(Weight, ChangeRow)> {
    vec![match event {
        MockEvent::Row { space: _, va, old, new } => {
            let words = |row: Option<Row>| {
                row.map_or_else(|| "none".to_owned(), |row| format!("{} locks {}", entry(row.pte.0), row.locks))
            };
            row(format!("HAT row {}", address(*va)), false, became(words(*old), words(*new)))
        }
        MockEvent::DevloadOverValid { va, old_pte, .. } => row(
            format!("HAT row {}", address(*va)),
            false,
            Change::Said(format!("devload over a valid entry {}", entry(old_pte.0))),
        ),
        MockEvent::LockMissing { by, va, .. } => {
            row(format!("HAT row {}", address(*va)), false, Change::Said(format!("{}: no lock to let go", by.name())))
        }
        MockEvent::LockRemains { va, locks, .. } => {
            row(format!("HAT row {}", address(*va)), false, Change::Said(format!("entry gone, locks {locks} remain")))
        }
        MockEvent::GrantOpDone { index, status } => {
            row(format!("op {index}"), false, Change::Said(format!("{status:?}")))
        }
        MockEvent::HandleBorn { handle, .. } => row(format!("handle {handle}"), false, Change::New("live".to_owned())),
        MockEvent::HandleDied { handle, .. } => row(format!("handle {handle}"), false, Change::Gone("live".to_owned())),
        MockEvent::PteMa { ma, old, new } => {
            let words =
                |handle: Option<Handle>| handle.map_or_else(|| "none".to_owned(), |handle| format!("handle {handle}"));
            detail(format!("entry at {:X}", ma.0), became(words(*old), words(*new)))
        }
        MockEvent::DomainKilled { dom } => row(format!("domain {dom}"), false, Change::Said("dies".to_owned())),
        MockEvent::GrantRevoked { dom, gref } => {
            row(format!("grant {gref} of domain {dom}"), false, Change::Said("is revoked".to_owned()))
        }
        MockEvent::InjectionArranged { what, nth, ret } => {
            row("injection", false, Change::New(format!("{what:?}, call {nth} from now answers {ret}")))
        }
        MockEvent::InjectionCounted { .. } | MockEvent::NameGiven { .. } | MockEvent::NameGone { .. } => {
            return Vec::new();
        }
    }]
}

fn xen_rows(event: &XenEvent) -> Vec<(Weight, ChangeRow)> {
    vec![match event {
        XenEvent::Called(_) | XenEvent::Returned(_) => return Vec::new(),
        XenEvent::Count { mfn, old, new } => row(format!("count of {}", frame(*mfn)), false, became(old, new)),
        XenEvent::Type { mfn, old, new } => {
            row(format!("type of {}", frame(*mfn)), false, became(type_words(*old), type_words(*new)))
        }
        XenEvent::TablePinned { mfn, pinned } => {
            let said = if *pinned { "pinned" } else { "unpinned" };
            detail(format!("table {}", frame(*mfn)), Change::Said(said.to_owned()))
        }
        XenEvent::Released { mfn, owner } => {
            row(format!("frame {}", frame(*mfn)), false, Change::Said(format!("given back by {}", domain(*owner))))
        }
        XenEvent::Freed { mfn, owner } => row(format!("frame {}", frame(*mfn)), false, Change::Gone(domain(*owner))),
        XenEvent::Shared { granter, gref, old, new } => {
            let what = format!("{} of {}", reference(*gref), domain(*granter));
            row(what, false, became(shared_words(*old), shared_words(*new)))
        }
        XenEvent::Pins { granter, gref, mfn: _, old, new } => {
            let what = format!("pins of {}, {}", reference(*gref), domain(*granter));
            row(what, false, became(pin_words(*old), pin_words(*new)))
        }
        XenEvent::HandleTaken { mapper: _, handle, granter, gref } => {
            row(format!("handle {handle}"), false, Change::New(format!("{} of {}", reference(*gref), domain(*granter))))
        }
        XenEvent::HandleFreed { mapper: _, handle } => {
            row(format!("handle {handle}"), false, Change::Gone("held".to_owned()))
        }
        XenEvent::DomainDying { dom } => row(domain(*dom), false, became("live", "dying")),
        XenEvent::DomainGone { dom } => row(domain(*dom), false, Change::Gone("dying".to_owned())),
    }]
}

fn kernel_rows(places: Places<'_>, event: &KernelEvent) -> Vec<(Weight, ChangeRow)> {
    vec![match event {
        KernelEvent::Called(_) | KernelEvent::Returned(_) => return Vec::new(),
        KernelEvent::Injected => detail("answer", Change::Said("arranged by an injection".to_owned())),
        KernelEvent::Entry { seg: _, index, old, new } => return entry_rows(*index, old, new),
        KernelEvent::Bound { seg: _, old, new } => row("domid", true, became(old.0, new.0)),
        KernelEvent::SoftLocks { seg: _, old, new } => row("softlockcnt", true, became(old, new)),
        KernelEvent::Lock { lock, taken } => {
            detail(lock_words(*lock), Change::Said(if *taken { "taken" } else { "dropped" }.to_owned()))
        }
        KernelEvent::SegBorn { seg, space, base, size, from: _ } => {
            let whose = places.names.space(places.machine, *space);
            row(format!("seg {seg}"), false, Change::New(format!("{}, 0x{size:X}, {whose}", address(*base))))
        }
        KernelEvent::SegAttached { seg } => {
            detail(format!("seg {seg}"), Change::Said("has its driver’s data".to_owned()))
        }
        KernelEvent::SegGone { seg } => row(format!("seg {seg}"), false, Change::Gone("segment".to_owned())),
        KernelEvent::SpaceBorn { space, parent: _ } => {
            row(format!("as {space}"), false, Change::New(places.names.space(places.machine, *space)))
        }
        KernelEvent::SpaceGone { space } => {
            row(format!("as {space}"), false, Change::Gone(places.names.space(places.machine, *space)))
        }
        KernelEvent::Vnode { dev, old, new } => {
            if old.mapped == new.mapped {
                detail(format!("holds of {}", Names::device(*dev)), became(old.holds, new.holds))
            } else {
                let pages = |bytes: u64| bytes >> 12;
                row(format!("pages of {}", Names::device(*dev)), false, became(pages(old.mapped), pages(new.mapped)))
            }
        }
        KernelEvent::UnmapWait { space: _, set } => row("AS_UNMAPWAIT", true, became(u8::from(!*set), u8::from(*set))),
        KernelEvent::TableBorn { space: _, table, level, base } => row(
            format!("table {}", frame(*table)),
            false,
            Change::New(format!("L{} from {}", level.0 + 1, address(*base))),
        ),
        KernelEvent::TableGone { space: _, table } => {
            row(format!("table {}", frame(*table)), false, Change::Gone("page table".to_owned()))
        }
        KernelEvent::TableCount { space: _, table, counter, old, new } => match counter {
            TableCounter::Busy => detail(format!("ht_busy of {}", frame(*table)), became(old, new)),
            // A lock count is a signed word to the kernel: below 0 it is broken, and is shown so.
            TableCounter::Lock => {
                row(format!("ht_lock_cnt of {}", frame(*table)), false, became(*old as i32, *new as i32))
            }
            TableCounter::Valid => {
                row(format!("ht_valid_cnt of {}", frame(*table)), false, became(*old as i32, *new as i32))
            }
        },
        KernelEvent::ArrayWritten { index, old, new } => {
            row(format!("arr[{index}]"), true, became(entry(old.0), entry(new.0)))
        }
        KernelEvent::Signalled { space, signal } => row(
            format!("signal to {}", places.names.space(places.machine, *space)),
            false,
            Change::Said(signal_word(*signal).to_owned()),
        ),
    }]
}

fn entry_rows(index: u64, old: &MapEntry, new: &MapEntry) -> Vec<(Weight, ChangeRow)> {
    let mut found = Vec::new();
    if old.tag != new.tag {
        found.push(row(format!("tag of page {index}"), false, became(tag_word(old.tag), tag_word(new.tag))));
    }
    if old.word != new.word {
        let (what, new) =
            if new.tag == Tag::Mfn { ("m_mfn", frame(Mfn(new.word.0))) } else { ("g_ptep", entry(new.word.0)) };
        found.push(row(format!("{what} of page {index}"), false, became(word_as_was(old.word), new)));
    }
    if old.gref != new.gref {
        found.push(row(
            format!("g_gref of page {index}"),
            false,
            became(format!("{:X}", old.gref.0), format!("{:X}", new.gref.0)),
        ));
    }
    if old.flags != new.flags {
        found.push(row(
            format!("g_flags of page {index}"),
            false,
            became(flag_words(old.flags), flag_words(new.flags)),
        ));
    }
    if old.handle != new.handle {
        found.push(row(format!("g_handle of page {index}"), false, became(old.handle.0, new.handle.0)));
    }
    found
}

/// The word of an entry before a change: what the allocator left there is called so.
fn word_as_was(word: Word) -> String {
    if word.0 == KMEM_FILL { "never written".to_owned() } else { entry(word.0) }
}

/// A tag as `seg_mf.h` spells it.
pub fn tag_word(tag: Tag) -> &'static str {
    match tag {
        Tag::Empty => "EMPTY",
        Tag::Mfn => "MFN",
        Tag::Gref => "GREF",
        Tag::Unset => "never written",
    }
}

/// `g_flags` in names.
pub fn flag_words(flags: u32) -> String {
    match flags {
        0 => "0".to_owned(),
        gflags::WR => "WR".to_owned(),
        gflags::MAPPED => "MAPPED".to_owned(),
        both if both == gflags::WR | gflags::MAPPED => "WR|MAPPED".to_owned(),
        other => format!("{other:X}"),
    }
}

/// The four pins: host writable, host read-only, device writable, device read-only.
pub fn pin_words(pins: Pins) -> String {
    format!("{} {} {} {}", pins.host_write, pins.host_read, pins.device_write, pins.device_read)
}

/// A type word: what the frame is used as, and by how many.
pub fn type_words(word: TypeWord) -> String {
    match word.kind {
        PageType::None => "none".to_owned(),
        PageType::Writable => format!("writable, {}", word.count),
        PageType::Table(level) => format!("L{} table, {}", level.0 + 1, word.count),
    }
}

/// A shared entry of a grant table: its flags by name, and for whom.
pub fn shared_words(entry: SharedEntry) -> String {
    use crate::xen::abi::gtf;
    if entry == SharedEntry::default() {
        return "empty".to_owned();
    }
    let names = [(gtf::READONLY, "readonly"), (gtf::READING, "reading"), (gtf::WRITING, "writing")];
    let mut said: Vec<&str> = Vec::new();
    if entry.flags & gtf::TYPE_MASK == gtf::PERMIT_ACCESS {
        said.push("permit_access");
    }
    said.extend(names.iter().filter(|(bit, _)| entry.flags & bit != 0).map(|(_, name)| *name));
    let flags = if said.is_empty() { "invalid".to_owned() } else { said.join("|") };
    format!("{flags}, {:05X} for {}", entry.frame, domain(entry.domid))
}

fn lock_words(lock: Lock) -> String {
    match lock {
        Lock::SegmfData(seg) => format!("data->lock of seg {seg}"),
        Lock::Freemem => "freemem_lock".to_owned(),
        Lock::AsContents(space) => format!("a_contents of as {space}"),
        Lock::AsReader(space) => format!("a_lock of as {space}, reader"),
        Lock::AsWriter(space) => format!("a_lock of as {space}, writer"),
    }
}
