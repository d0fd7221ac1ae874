//! The walk as a ladder: what stands at each level, which rights are left below it, and which bit took each of them away.

use crate::illumos::abi::prot;
use crate::view::calls;
use crate::view::inspector::{BitCell, BitTone, Right, Rung, Stand, Why};
use crate::view::look::PageLook;
use crate::view::text::{Hex, Line, Span, Tone};
use crate::x86::addr::Level;
use crate::x86::pte::Pte;
use crate::x86::walk;

const LETTERS: [char; 4] = ['r', 'w', 'x', 'u'];

/// Which of r, w, x, u an entry leaves.
fn leaves(entry: Pte) -> [bool; 4] {
    let present = entry.is_present();
    [
        present,
        present && entry.has(Pte::WRITABLE),
        present && !entry.has(Pte::NO_EXECUTE),
        present && entry.has(Pte::USER),
    ]
}

/// Which rights the page has though its segment does not give them (I13).
fn beyond(page: &PageLook<'_>) -> [bool; 4] {
    let (Some(data), Some(rights)) = (page.data, page.walk.rights()) else { return [false; 4] };
    let given = u32::from(data.prot);
    [false, rights.write && given & prot::WRITE == 0, rights.execute && given & prot::EXEC == 0, false]
}

/// The level as the field counts it: L4 at the top, L1 the leaves.
fn level_name(level: Level) -> String {
    format!("L{}", level.0 + 1)
}

/// The rungs, from CR3 down to the frame.
pub fn rungs(page: &PageLook<'_>, frame_owner: &str) -> Vec<Rung> {
    let beyond = beyond(page);
    let mut left = [true; 4];
    let row = |level: String, entry: Line, stands: [Stand; 4], leaf: Option<Tone>| {
        let rights = LETTERS.into_iter().zip(stands).map(|(letter, stand)| Right { letter, stand }).collect();
        Rung { level, entry, rights, leaf }
    };
    let top = page.walk.rungs[0].at.frame();
    let cr3 = vec![Span::Dim("top table ".to_owned()), Span::Mono(calls::frame(top))];
    let mut rungs = vec![row("CR3".to_owned(), cr3, [Stand::Given; 4], None)];
    for rung in &page.walk.rungs {
        let is_leaf = page.walk.leaf() == Some(*rung);
        let stands = std::array::from_fn(|at| match (left[at], leaves(rung.entry)[at]) {
            (false, _) => Stand::Gone,
            (true, false) => Stand::Cut,
            (true, true) if is_leaf && beyond[at] => Stand::Violates,
            (true, true) => Stand::Given,
        });
        let entry = vec![Span::Hex(Hex::prefixed(rung.entry.0, 16))];
        let leaf = (rung.level == Level::LEAF).then(|| page.backing.tone());
        rungs.push(row(format!("{} [{}]", level_name(rung.level), rung.index), entry, stands, leaf));
        left = std::array::from_fn(|at| left[at] && leaves(rung.entry)[at]);
    }
    if let Some(frame) = page.frame() {
        let stands = std::array::from_fn(|at| match (left[at], beyond[at]) {
            (false, _) => Stand::Gone,
            (true, true) => Stand::Violates,
            (true, false) => Stand::Given,
        });
        let entry = vec![Span::Mono(calls::frame(frame)), Span::Dim(format!(" of {frame_owner}"))];
        rungs.push(row("frame".to_owned(), entry, stands, None));
    }
    rungs
}

/// Why each right is gone, or is there against the segment's will.
pub fn whys(page: &PageLook<'_>) -> Vec<Why> {
    let segment = page.data.map(|data| calls::rights(u32::from(data.prot)));
    let mut said = Vec::new();
    for (at, letter) in LETTERS.into_iter().enumerate() {
        let taken = page.walk.rungs.iter().find(|rung| !leaves(rung.entry)[at]);
        match taken {
            Some(rung) if !rung.entry.is_present() && letter == 'r' => {
                said.push(Why { right: Right { letter, stand: Stand::Cut }, text: not_present(rung) });
            }
            // Said once, of the right to read.
            Some(rung) if !rung.entry.is_present() => {}
            Some(rung) => {
                let text = taken_at(letter, rung, segment.as_deref());
                said.push(Why { right: Right { letter, stand: Stand::Cut }, text });
            }
            None if beyond(page)[at] => {
                let text = never_taken(letter, segment.as_deref().unwrap_or_default());
                said.push(Why { right: Right { letter, stand: Stand::Violates }, text });
            }
            None => {}
        }
    }
    said
}

fn not_present(rung: &walk::Rung) -> Line {
    vec![Span::Plain(format!(
        "everything taken at {}: bit 0 is clear, no {} stands there",
        level_name(rung.level),
        if rung.level == Level::LEAF { "entry" } else { "table" }
    ))]
}

fn taken_at(letter: char, rung: &walk::Rung, segment: Option<&str>) -> Line {
    let bit = match letter {
        'w' => "bit 1 is clear",
        'x' => "bit 63 is set",
        _ => "bit 2 is clear",
    };
    let mut line = vec![Span::Plain(format!("taken at {}: {bit}", level_name(rung.level)))];
    if let Some(segment) = segment.filter(|_| letter == 'w' || letter == 'x') {
        line.push(Span::Plain(", the segment is ".to_owned()));
        line.push(Span::Word(segment.to_owned()));
    }
    line
}

fn never_taken(letter: char, segment: &str) -> Line {
    let (bit, defect) = if letter == 'x' { ("NX is not set", ", D26") } else { ("W is set", "") };
    vec![
        Span::Plain(format!("never taken: {bit} though the segment is ")),
        Span::Word(segment.to_owned()),
        Span::Plain(". ".to_owned()),
        Span::Bad("I13".to_owned()),
        Span::Mono(defect.to_owned()),
    ]
}

/// The entry of the page, bit by bit, highest first.
pub fn bits(page: &PageLook<'_>) -> Vec<BitCell> {
    let leaf = page.leaf();
    let beyond = beyond(page);
    let field = BitTone::Field(page.backing.tone());
    let bit = |label: &str, mask: u64, number: u32| BitCell {
        label: label.to_owned(),
        value: if leaf.has(mask) { "1" } else { "0" }.to_owned(),
        tone: if leaf.has(mask) { BitTone::Set } else { BitTone::Clear },
        position: format!("bit {number}"),
    };
    let wide = |label: &str, value: u64, tone: BitTone, position: &str| BitCell {
        label: label.to_owned(),
        value: format!("{value:X}"),
        tone: if value == 0 { BitTone::Clear } else { tone },
        position: position.to_owned(),
    };
    let mut cells = vec![
        bit("NX", Pte::NO_EXECUTE, 63),
        wide("62–52", leaf.0 >> 52 & 0x7FF, BitTone::Set, "bits 62 to 52"),
        wide("frame", leaf.frame().0, field, "bits 51 to 12"),
        wide("soft", (leaf.0 & Pte::SOFTWARE) >> 9, field, "bits 11 to 9"),
        bit("G", Pte::GLOBAL, 8),
        bit("PAT", Pte::PAGE_SIZE, 7),
        bit("D", Pte::DIRTY, 6),
        bit("A", Pte::ACCESSED, 5),
        bit("CD", Pte::NO_CACHE, 4),
        bit("WT", Pte::WRITE_THROUGH, 3),
        bit("U", Pte::USER, 2),
        bit("W", Pte::WRITABLE, 1),
        bit("P", Pte::PRESENT, 0),
    ];
    for cell in &mut cells {
        let (taken, against) = match cell.label.as_str() {
            "NX" => (leaf.is_present() && leaf.has(Pte::NO_EXECUTE), beyond[2]),
            "W" => (leaf.is_present() && !leaf.has(Pte::WRITABLE), beyond[1]),
            "P" => (!leaf.is_present() && page.walk.last().level == Level::LEAF, false),
            _ => (false, false),
        };
        if against {
            cell.tone = BitTone::Violates;
        } else if taken {
            cell.tone = BitTone::Cut;
        }
    }
    cells
}

/// What the software bits mean to the HAT (`hat_pte.h`: an ordered field).
pub fn soft_words(leaf: Pte) -> String {
    let soft = (leaf.0 & Pte::SOFTWARE) >> 9;
    let meaning = match soft {
        0 => "ordinary",
        1 => "no sync",
        2 => "no reverse mapping",
        _ => "foreign",
    };
    format!("soft {soft} = {meaning}")
}
