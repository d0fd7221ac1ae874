//! The inspector's facts of a page, a segment, a frame and a grant, read from the machine at the cursor.

use crate::illumos::abi::{AsId, SegId};
use crate::illumos::seg::Seg;
use crate::illumos::seg_mf::{SegmfData, Tag};
use crate::sim::{MachineId, World};
use crate::view::calls::{address, frame, reference, rights};
use crate::view::changes::{flag_words, pin_words, shared_words, tag_word, type_words};
use crate::view::inspector::{Fact, Inspector, Section};
use crate::view::look::{Backing, Look, PageLook};
use crate::view::names::{Names, counted};
use crate::view::session::Selection;
use crate::view::text::{Chip, Hex, Line, Span, Tone, plain};
use crate::view::walked;
use crate::x86::addr::{Level, Mfn, Va};
use crate::x86::pte::Pte;
use crate::xen::abi::{DomId, GrantRef};
use crate::xen::domain::Life;

/// How many pages of a segment are listed by their tags.
const TAGS_SHOWN: u64 = 16;

/// Everything about the selection at the cursor; none where it is not there any more, or not yet.
pub fn inspect(world: &World, names: &Names, selection: Selection) -> Option<Inspector> {
    match selection {
        Selection::Page { machine, space, va } => page(Look::of(world, machine)?, names, machine, space, va),
        Selection::Segment { machine, seg } => segment(Look::of(world, machine)?, names, machine, seg),
        Selection::Frame { machine, mfn } => Some(of_frame(Look::of(world, machine)?, names, machine, mfn)),
        Selection::Grant { machine, granter, gref } => grant(Look::of(world, machine)?, names, machine, granter, gref),
    }
}

fn mono(name: &str, value: impl Into<String>) -> Fact {
    Fact::new(name, vec![Span::Mono(value.into())])
}

fn words(name: &str, value: impl Into<String>) -> Fact {
    Fact::new(name, plain(value))
}

fn page(look: Look<'_>, names: &Names, machine: MachineId, space: AsId, va: Va) -> Option<Inspector> {
    let page = look.page(space, va)?;
    let mut crumb = vec![names.space(machine, space)];
    if let (Some(data), Some((_, seg))) = (page.data, page.seg) {
        crumb.push(format!("seg_mf {}", Names::device(data.dev)));
        crumb.push(format!("page {} of {}", page.index, seg.pages()));
    }
    let owner = page.frame().map(|mfn| owner_words(look, mfn)).unwrap_or_default();
    let mut chips = vec![Chip::new(page.backing.letter(), page.backing.tone())];
    match page.backing {
        Backing::Leaked => chips.push(Chip::new("leaked", Tone::Leaked)),
        Backing::TagOnly(_) => chips.push(Chip::new("no PTE", Tone::Fact)),
        Backing::Nothing
        | Backing::Empty
        | Backing::Placeholder
        | Backing::Counted
        | Backing::Foreign
        | Backing::Granted => {}
    }
    if let Some(rights) = page.walk.rights() {
        let letter = |is_given, letter| if is_given { letter } else { '-' };
        let all = ['r', letter(rights.write, 'w'), letter(rights.execute, 'x')];
        let user = if rights.user { " user" } else { "" };
        chips.push(Chip::new(format!("{}{user}", all.iter().collect::<String>()), Tone::Fact));
    }
    let mut sections = vec![Section::Rights { rungs: walked::rungs(&page, &owner), whys: walked::whys(&page) }];
    if page.walk.last().level == Level::LEAF {
        sections.push(entry_section(look, &page));
    }
    if let Some(mfn) = page.frame() {
        let facts = frame_facts(look, names, machine, mfn, Some((space, page.va)));
        sections.push(Section::Followed { title: format!("Frame {}", frame(mfn)), facts });
    }
    if let (Some(data), Some((_, seg))) = (page.data, page.seg) {
        if page.entry.is_some_and(|entry| entry.tag == Tag::Gref) {
            sections.push(grant_section(look, &page, data));
        }
        sections.push(Section::Facts {
            title: "Segment data".to_owned(),
            note: "counted / recounted".to_owned(),
            facts: segment_facts(look, seg, data, Some(page.index)),
        });
    }
    Some(Inspector {
        crumb,
        title: vec![Span::Hex(Hex { prefixed: true, ..Hex::address(page.va.0) })],
        chips,
        about: about_page(&page, &owner),
        sections,
    })
}

fn owner_words(look: Look<'_>, mfn: Mfn) -> String {
    look.xen.frame(mfn).owner.map_or_else(|| "nobody".to_owned(), Names::domain)
}

fn about_page(page: &PageLook<'_>, owner: &str) -> Line {
    plain(match page.backing {
        Backing::Nothing => "No segment of seg_mf is here.".to_owned(),
        Backing::Empty => "Nothing is mapped; a touch is SIGBUS.".to_owned(),
        Backing::Placeholder => "dom0’s own page stands here, in place of what will come.".to_owned(),
        Backing::Counted => "Registered for grants; the entry is zero and still counted as valid.".to_owned(),
        Backing::Foreign => format!("Foreign page of {owner}, live"),
        Backing::Granted => format!("Granted page of {owner}, live"),
        Backing::TagOnly(tag) => format!("The driver says {}, the page table says nothing.", tag_word(tag)),
        Backing::Leaked => format!("A page of {owner} that the driver no longer knows of."),
    })
}

fn entry_section(look: Look<'_>, page: &PageLook<'_>) -> Section {
    let leaf = page.leaf();
    let mut facts = vec![Fact::new("stored", vec![Span::Hex(Hex::prefixed(leaf.0, 16))])];
    let stands_here = look.kernel.space(page.space).is_some_and(|space| space.hat.user_top == look.cpu.cr3());
    let kept = look.cpu.remembers(page.va).filter(|_| stands_here);
    if let Some(kept) = kept {
        let note = if kept.leaf.0 == leaf.0 { " the same" } else { " stale" };
        facts
            .push(Fact::new("in the TLB", vec![Span::Hex(Hex::prefixed(kept.leaf.0, 16)), Span::Dim(note.to_owned())]));
    }
    let at = page.walk.last().at;
    facts.push(Fact::new("stored at", vec![Span::Hex(Hex::bare(at.0, 0)), Span::Dim(" machine".to_owned())]));
    Section::Bits { cells: walked::bits(page), note: walked::soft_words(leaf), facts }
}

fn frame_facts(look: Look<'_>, names: &Names, machine: MachineId, mfn: Mfn, but: Option<(AsId, Va)>) -> Vec<Fact> {
    let info = look.xen.frame(mfn);
    let mut facts = vec![words("owner", owner_words(look, mfn))];
    let held = match (info.owner, info.allocated) {
        (None, _) => String::new(),
        (Some(_), true) => ", one of them its owner’s".to_owned(),
        (Some(owner), false) => format!(", given back by {}", Names::domain(owner)),
    };
    facts.push(words("count", format!("{}{held}", info.count)));
    facts.push(words("type", type_words(info.typ)));
    if info.pinned {
        facts.push(words("pinned", "as a page table"));
    }
    let mappers: Vec<_> = look.mappers(mfn).into_iter().filter(|(space, va, _)| but != Some((*space, *va))).collect();
    let title = if but.is_some() { "also mapped by" } else { "mapped by" };
    for (space, va, entry) in mappers.iter().take(8) {
        let how = if entry.has(Pte::WRITABLE) { "writable" } else { "read only" };
        let mut line = vec![
            Span::Plain(format!("{} at ", names.space(machine, *space))),
            Span::Hex(Hex::address(va.0)),
            Span::Dim(format!(" {how} ")),
        ];
        if look.page(*space, *va).is_some_and(|page| page.backing == Backing::Leaked) {
            line.push(Span::Chip(Chip::new("leaked", Tone::Leaked)));
        }
        facts.push(Fact::new(title, line));
    }
    if mappers.len() > 8 {
        facts.push(words(title, format!("{} more", mappers.len() - 8)));
    }
    if mappers.is_empty() {
        facts.push(Fact::new(title, vec![Span::Dim("nobody in dom0".to_owned())]));
    }
    facts
}

fn segment_facts(look: Look<'_>, seg: &Seg, data: &SegmfData, index: Option<u64>) -> Vec<Fact> {
    let bound = if data.domid == DomId::DOM0 { "not bound".to_owned() } else { Names::domain(data.domid) };
    let live = data.map.written().filter(|(at, entry)| *at < seg.pages() && entry.tag == Tag::Mfn).count();
    let mut facts = vec![
        mono("base, size", format!("{}  0x{:X}", address(seg.base), seg.size)),
        mono("prot, maxprot", format!("{} / {}", rights(u32::from(data.prot)), rights(u32::from(data.maxprot)))),
        words("domid", bound),
        Fact::new("tags", tags(seg, data, index)),
        mono("softlockcnt", format!("{} / {live}", data.softlockcnt)),
    ];
    let outside = data.map.written().filter(|(at, _)| *at >= seg.pages()).count() as u64;
    if outside > 0 {
        facts.push(words("out of bounds", counted(outside, "entry written", "entries written")));
    }
    if let Some(space) = look.kernel.space(seg.space) {
        let covering = space.hat.tables.iter().filter(|(_, table)| {
            let end = table.base.plus(table.level.table_span());
            table.level == Level::LEAF && table.base < seg.end() && end > seg.base
        });
        for (mfn, table) in covering.take(4) {
            let counts =
                format!("lock {}  valid {} / {}", table.lock as i32, table.valid as i32, look.present_entries(*mfn));
            facts.push(mono(&format!("table {}", frame(*mfn)), counts));
        }
    }
    facts
}

/// The tags round a page, the page itself bold.
fn tags(seg: &Seg, data: &SegmfData, index: Option<u64>) -> Line {
    let letter = |tag| match tag {
        Tag::Empty => "E",
        Tag::Mfn => "M",
        Tag::Gref => "G",
        Tag::Unset => "?",
    };
    let first = index.unwrap_or(0).saturating_sub(TAGS_SHOWN / 2).min(seg.pages().saturating_sub(TAGS_SHOWN));
    let last = (first + TAGS_SHOWN).min(seg.pages());
    let mut line = Line::new();
    if first > 0 {
        line.push(Span::Dim("… ".to_owned()));
    }
    for page in first..last {
        let text = format!("{} ", letter(data.map.peek(page).tag));
        line.push(if index == Some(page) { Span::Word(text) } else { Span::Mono(text) });
    }
    if last < seg.pages() {
        line.push(Span::Dim(format!("… of {}", seg.pages())));
    }
    line
}

fn grant_section(look: Look<'_>, page: &PageLook<'_>, data: &SegmfData) -> Section {
    let Some(entry) = page.entry else { unreachable!("a grant section is of an entry with the tag GREF") };
    let granter = data.domid;
    let mut facts = vec![
        words("granter", Names::domain(granter)),
        mono("flags", flag_words(entry.flags)),
        mono("handle", if entry.is_mapped_grant() { entry.handle.0.to_string() } else { "none".to_owned() }),
        mono("entry at", Hex::bare(entry.word.0, 0).to_string()),
    ];
    facts.extend(table_facts(look, granter, entry.gref));
    Section::Facts { title: format!("Grant {}", reference(entry.gref)), note: Names::domain(granter), facts }
}

fn table_facts(look: Look<'_>, granter: DomId, gref: GrantRef) -> Vec<Fact> {
    let mut facts = Vec::new();
    match look.xen.shared_entry(look.memory, granter, gref) {
        Some(shared) => facts.push(mono("shared entry", shared_words(shared))),
        None => facts.push(words("shared entry", "the table does not reach so far")),
    }
    match look.xen.active(granter, gref) {
        Some(active) => {
            let pins = Fact::new(
                "pins",
                vec![Span::Mono(pin_words(active.pins)), Span::Dim("  host w, host r, device w, device r".to_owned())],
            );
            facts.push(pins);
            facts.push(mono("frame", frame(active.mfn)));
            facts.push(words("mapped by", Names::domain(active.domid)));
        }
        None => facts.push(Fact::new("pins", vec![Span::Mono("0 0 0 0".to_owned())])),
    }
    let held = look.xen.maptrack(DomId::DOM0).into_iter().flat_map(|track| track.held());
    let handles: Vec<String> = held
        .filter(|(_, mapping)| mapping.granter == granter && mapping.gref == gref)
        .map(|(handle, _)| handle.0.to_string())
        .collect();
    if !handles.is_empty() {
        facts.push(mono("handles", handles.join(", ")));
    }
    facts
}

fn segment(look: Look<'_>, names: &Names, machine: MachineId, id: SegId) -> Option<Inspector> {
    let seg = look.kernel.seg(id)?;
    let data = seg.mf()?;
    let facts = segment_facts(look, seg, data, None);
    Some(Inspector {
        crumb: vec![names.space(machine, seg.space), format!("segment {id}")],
        title: vec![Span::Plain(format!("seg_mf {}", Names::device(data.dev)))],
        chips: vec![Chip::new(rights(u32::from(data.prot)), Tone::Fact)],
        about: plain(format!("{} from {}", counted(seg.pages(), "page", "pages"), Hex::address(seg.base.0))),
        sections: vec![Section::Facts {
            title: "Segment data".to_owned(),
            note: "counted / recounted".to_owned(),
            facts,
        }],
    })
}

fn of_frame(look: Look<'_>, names: &Names, machine: MachineId, mfn: Mfn) -> Inspector {
    let info = look.xen.frame(mfn);
    let owner = owner_words(look, mfn);
    let mut grants = Vec::new();
    if let Some(granter) = info.owner.filter(|owner| *owner != DomId::DOM0) {
        for gref in (0..look.xen.grant_entries(granter)).map(GrantRef) {
            let offers = look
                .xen
                .shared_entry(look.memory, granter, gref)
                .is_some_and(|entry| entry.flags != 0 && u64::from(entry.frame) == mfn.0);
            if offers {
                grants.push(mono("offered as", reference(gref)));
            }
        }
    }
    let mut sections = vec![Section::Followed {
        title: format!("Frame {}", frame(mfn)),
        facts: frame_facts(look, names, machine, mfn, None),
    }];
    if !grants.is_empty() {
        sections.push(Section::Facts { title: "Grants".to_owned(), note: owner.clone(), facts: grants });
    }
    Inspector {
        crumb: vec![owner.clone(), "machine frame".to_owned()],
        title: vec![Span::Mono(frame(mfn))],
        chips: vec![Chip::new(format!("count {}", info.count), Tone::Fact)],
        about: plain(match info.owner {
            Some(DomId::DOM0) => "One of dom0’s own frames".to_owned(),
            Some(_) => format!("A frame of {owner}"),
            None => "Nobody’s frame".to_owned(),
        }),
        sections,
    }
}

fn grant(look: Look<'_>, names: &Names, machine: MachineId, granter: DomId, gref: GrantRef) -> Option<Inspector> {
    let domain = look.xen.domain(granter)?;
    let active = look.xen.active(granter, gref);
    let shared = look.xen.shared_entry(look.memory, granter, gref);
    let mfn = active.map(|active| active.mfn).or(shared.map(|entry| Mfn(u64::from(entry.frame))));
    let mut sections = vec![Section::Facts {
        title: format!("Grant {}", reference(gref)),
        note: Names::domain(granter),
        facts: table_facts(look, granter, gref),
    }];
    if let Some(mfn) = mfn.filter(|mfn| mfn.0 != 0) {
        let facts = frame_facts(look, names, machine, mfn, None);
        sections.push(Section::Followed { title: format!("Frame {}", frame(mfn)), facts });
    }
    let life = match domain.life {
        Life::Live => "",
        Life::Dying => ", which is dying",
    };
    Some(Inspector {
        crumb: vec![Names::domain(granter), "grant table".to_owned()],
        title: vec![Span::Mono(reference(gref))],
        chips: vec![if active.is_some() {
            Chip::new("mapped", Tone::Granted)
        } else {
            Chip::new("not mapped", Tone::Fact)
        }],
        about: plain(format!("An entry in the grant table of {}{life}", Names::domain(granter))),
        sections,
    })
}
