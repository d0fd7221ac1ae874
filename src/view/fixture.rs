//! The numbers of the drawn reference (step 2.5 of "Save domain 5"), for looking at the panels without a session.

use std::rc::Rc;

use crate::view::{
    actions::{Actions, Field, Forecast, Form, Input, Offer, VerbButton},
    command::{Choice, Place, Sheet, Tab, Verb},
    find::Palette,
    glyph::Glyph,
    inspector::{BitCell, BitTone, Fact, Inspector, Right, Rung, Section, Stand, Why},
    opened::Opened,
    page::Page,
    story::{CallRow, Change, ChangeRow, Story, StoryRow, When},
    strip::{Invariant, Standing, Strip},
    text::{Chip, Hex, Line, Span, Tone, plain},
    top::{Setting, Top},
};

/// The whole page.
pub fn page() -> Page {
    Page {
        top: Rc::new(top()),
        actions: Rc::new(actions()),
        inspector: Some(Rc::new(inspector())),
        strip: Some(Rc::new(strip())),
        story: Rc::new(story()),
        tab: Tab::Map,
        over: None,
        palette: Rc::new(Palette::default()),
        opened: Rc::new(Opened::Nothing),
        sheet: Sheet::Story,
        drawer: false,
        form_open: false,
        armed: false,
        letters: true,
        banner: None,
        seek_complaint: None,
    }
}

fn top() -> Top {
    let setting = |name: &str, choices: [&str; 2]| Setting {
        name: name.to_owned(),
        choices: choices.map(str::to_owned).to_vec(),
        chosen: 0,
    };
    Top {
        scenarios: vec![Choice::new("Save domain 5: four foreign pages, one bad", "24 steps")],
        scenario: Some(0),
        title: "Save domain 5: four foreign pages, one bad".to_owned(),
        driver: Some(setting("Driver", ["As written", "Repaired"])),
        machine: vec![
            setting("illumos", ["production", "DEBUG"]),
            setting("Xen", ["3.3", "today"]),
            setting("Xen build", ["release", "debug"]),
        ],
        machine_words: "production · Xen 3.3".to_owned(),
        at: Place::micro(2, 5),
        last: 24,
        micros: 8,
        playing: false,
        branches: vec![Choice::new("main", "24 steps"), Choice::new("release first", "14 steps")],
        branch: 0,
    }
}

fn actions() -> Actions {
    let field = |label: &str, value: &str, origin: Option<&str>, input| Field {
        label: label.to_owned(),
        value: value.to_owned(),
        origin: origin.map(str::to_owned),
        complaint: None,
        input,
    };
    let answer = |name: &str, word: &str| Offer {
        name: name.to_owned(),
        forecast: Forecast::Answer { word: word.to_owned(), remark: Line::new() },
    };
    let refused = |name: &str, word: &str| Offer {
        name: name.to_owned(),
        forecast: Forecast::Refusal { word: word.to_owned(), rule: Line::new() },
    };
    let panics = Offer {
        name: "IOCTL_PRIVCMD_MMAP".to_owned(),
        forecast: Forecast::Panic { word: "panic D05".to_owned(), rule: Line::new() },
    };
    Actions {
        actors: vec![Choice::new("saver", "pid 211"), Choice::new("child", "pid 214")],
        actor: 0,
        verbs: Verb::ALL
            .into_iter()
            .map(|verb| VerbButton { verb, chosen: verb == Verb::Unmap, refused: false, not_here: None })
            .collect(),
        form: Some(Form {
            fields: vec![
                field("call", "munmap", None, Input::Fixed),
                field("address", "8000 1000", Some("page 1"), Input::Text),
                field("length", "0x1000", Some("1 page"), Input::Text),
            ],
            forecast: Some(Forecast::Refusal {
                word: "ENOTSUP".to_owned(),
                rule: plain("segmf_unmap takes the whole segment or nothing. munmap reports EINVAL."),
            }),
            commit: "Unmap anyway".to_owned(),
        }),
        also: vec![
            answer("read p1", "data"),
            refused("write p1", "SIGBUS"),
            refused("mprotect", "EINVAL"),
            answer("mincore", "1 1 1 1"),
            panics,
            answer("fork", "0"),
        ],
        others: vec![
            answer("dom5 give back 4C0F1", "0"),
            answer("dom7 grant_access", "ref 8"),
            answer("dom5 destroy", "zombie"),
        ],
        all: 61,
    }
}

fn rights(stands: [Stand; 4]) -> Vec<Right> {
    ['r', 'w', 'x', 'u'].into_iter().zip(stands).map(|(letter, stand)| Right { letter, stand }).collect()
}

fn inspector() -> Inspector {
    use Stand::{Cut, Given, Gone, Violates};
    let full = [Given; 4];
    let rung =
        |level: &str, entry: Line, stands, leaf| Rung { level: level.to_owned(), entry, rights: rights(stands), leaf };
    let word = |value| vec![Span::Hex(Hex::prefixed(value, 16))];
    let cell = |label: &str, value: &str, tone, position: &str| BitCell {
        label: label.to_owned(),
        value: value.to_owned(),
        tone,
        position: position.to_owned(),
    };
    let clear = |label: &str, bit: u32| cell(label, "0", BitTone::Clear, &format!("bit {bit}"));
    let set = |label: &str, bit: u32| cell(label, "1", BitTone::Set, &format!("bit {bit}"));
    let fact = |name: &str, value: &str| Fact::new(name, plain(value));
    let mono = |name: &str, value: &str| Fact::new(name, vec![Span::Mono(value.to_owned())]);
    Inspector {
        crumb: ["saver", "seg_mf privcmd", "page 1 of 4"].map(str::to_owned).to_vec(),
        title: vec![Span::Hex(Hex::prefixed(0x8000_1000, 8))],
        chips: vec![Chip::new("M", Tone::Foreign), Chip::new("r-x user", Tone::Fact)],
        about: plain("Foreign page of domain 5, live since step 2.3"),
        sections: vec![
            Section::Rights {
                rungs: vec![
                    rung("CR3", vec![Span::Dim("top table ".to_owned()), Span::Mono("0A340".to_owned())], full, None),
                    rung("L4 [0]", word(0xA34_1027), full, None),
                    rung("L3 [2]", word(0xA34_3027), full, None),
                    rung("L2 [0]", word(0xA34_5027), full, None),
                    rung("L1 [1]", word(0x4C0F_1705), [Given, Cut, Violates, Given], Some(Tone::Foreign)),
                    rung(
                        "frame",
                        vec![Span::Mono("4C0F1".to_owned()), Span::Dim(" of domain 5".to_owned())],
                        [Given, Gone, Violates, Given],
                        None,
                    ),
                ],
                whys: vec![
                    Why {
                        right: Right { letter: 'w', stand: Cut },
                        text: vec![
                            Span::Plain("taken at L1: bit 1 is clear, the segment is ".to_owned()),
                            Span::Word("r--".to_owned()),
                        ],
                    },
                    Why {
                        right: Right { letter: 'x', stand: Violates },
                        text: vec![
                            Span::Plain("never taken: NX is not set though the segment is ".to_owned()),
                            Span::Word("r--".to_owned()),
                            Span::Plain(". ".to_owned()),
                            Span::Bad("I13".to_owned()),
                            Span::Mono(", D26".to_owned()),
                        ],
                    },
                ],
            },
            Section::Bits {
                cells: vec![
                    cell("NX", "0", BitTone::Violates, "bit 63"),
                    cell("62–52", "0", BitTone::Clear, "bits 62 to 52"),
                    cell("frame", "4C0F1", BitTone::Field(Tone::Foreign), "bits 51 to 12"),
                    cell("soft", "3", BitTone::Field(Tone::Foreign), "bits 11 to 9"),
                    set("G", 8),
                    clear("PS", 7),
                    clear("D", 6),
                    clear("A", 5),
                    clear("CD", 4),
                    clear("WT", 3),
                    set("U", 2),
                    cell("W", "0", BitTone::Cut, "bit 1"),
                    set("P", 0),
                ],
                note: "soft 3 = foreign".to_owned(),
                facts: vec![
                    Fact::new("written", word(0x4C0F_1605)),
                    Fact::new("stored", [word(0x4C0F_1705), vec![Span::Dim(" Xen added G".to_owned())]].concat()),
                ],
            },
            Section::Followed {
                title: "Frame 4C0F1".to_owned(),
                facts: vec![
                    fact("owner", "domain 5"),
                    fact("count", "3 = alloc, domain 5’s kernel, this page"),
                    fact("type", "writable, 1 (domain 5 kernel)"),
                    Fact::new(
                        "also mapped by",
                        vec![
                            Span::Plain("child, from step 11 ".to_owned()),
                            Span::Chip(Chip::new("leaked", Tone::Leaked)),
                        ],
                    ),
                ],
            },
            Section::Facts {
                title: "Segment data".to_owned(),
                note: "counted / recounted".to_owned(),
                facts: vec![
                    mono("base, size", "8000 0000  0x4000"),
                    mono("prot, domid", "r-- / r--  domain 5"),
                    mono("tags", "M M E E"),
                    mono("softlockcnt", "2 / 2"),
                    mono("table 0A345", "lock 2 / 2  valid 2 / 2"),
                    mono("written by", "seg_mf.c, segmf_faultpage"),
                ],
            },
            Section::Touched {
                places: vec![Place::step(1), Place::micro(2, 3), Place::step(9), Place::step(14), Place::step(15)],
                now: Place::micro(2, 3),
            },
            Section::Named {
                invariants: vec![
                    (0, "I1".to_owned(), Standing::Holds),
                    (12, "I13".to_owned(), Standing::Broken),
                    (13, "I14".to_owned(), Standing::NotAsked),
                ],
            },
        ],
    }
}

fn strip() -> Strip {
    let cells = (1..=14)
        .map(|number| Invariant {
            name: format!("I{number}"),
            standing: match number {
                11 => Standing::BrokenInside,
                13 => Standing::Broken,
                14 => Standing::NotAsked,
                _ => Standing::Holds,
            },
            rule: plain("hardware permissions ⊆ segment protection."),
            remark: plain("Broken since 2.2: page 0 is executable."),
        })
        .collect();
    Strip { cells, shown: 12 }
}

fn story() -> Story {
    let row = |step, glyph, sentence: &str, when| StoryRow { step, glyph, sentence: sentence.to_owned(), when };
    let call = |micro, tree: &str, function: &str, arguments: &str, answer: Option<&str>, when| CallRow {
        micro,
        tree: tree.to_owned(),
        function: function.to_owned(),
        arguments: arguments.to_owned(),
        answer: answer.map(str::to_owned),
        when,
    };
    let became = |what: &str, is_name, old: &str, new: &str| ChangeRow {
        what: what.to_owned(),
        is_name,
        change: Change::Became { old: old.to_owned(), new: new.to_owned() },
        note: None,
    };
    use When::{Later, Now, Past};
    Story {
        before: 0,
        rows: vec![
            row(0, Glyph::Start, "dom0, domain 5 and domain 7 run", Past),
            row(1, Glyph::Map, "saver maps 4 pages of privcmd at 8000 0000, read only", Past),
            row(2, Glyph::Map, "saver asks for 4 frames of domain 5: 3 live, page 2 refused, answer still 0", Now),
            row(3, Glyph::Fault, "saver reads page 0; the MMU sets REF", Later),
            row(4, Glyph::Refused, "saver reads page 2: SIGBUS", Later),
            row(5, Glyph::Map, "saver maps the 352-page grant window", Later),
        ],
        after: 19,
        sentence: vec![
            Span::Plain("Page 2 refused: frame ".to_owned()),
            Span::Mono("7FFFFF".to_owned()),
            Span::Plain(" is not domain 5’s, so seg_mf takes the page back.".to_owned()),
        ],
        place: Place::micro(2, 5),
        calls_before: 0,
        calls_after: 0,
        calls: vec![
            call(None, "", "privcmd_ioctl", "(IOCTL_PRIVCMD_MMAPBATCH, num 4, dom 5)", Some("0"), Past),
            call(Some(1), "├ ", "hat_devload", "(8000 0000, pfn 0, 0x101, 0x21)", None, Past),
            call(Some(2), "├ ", "HYPERVISOR_update_va_mapping_otherdomain", "(…4C0F 0605, 6, 5)", Some("0"), Past),
            call(Some(3), "├ ", "segmf_add_mfns", "(8000 1000, 4C0F1, 1, 5)", Some("0"), Past),
            call(None, "├ ", "segmf_add_mfns", "(8000 2000, 7FFFFF, 1, 5)", Some("EFAULT"), Past),
            call(Some(4), "│ ├ ", "hat_devload", "(8000 2000, pfn 0, 0x101, 0x21)", None, Past),
            call(
                None,
                "│ ├ ",
                "HYPERVISOR_update_va_mapping_otherdomain",
                "(…7 FFFF F605, 6, 5)",
                Some("refused"),
                Past,
            ),
            call(Some(5), "│ └ ", "hat_unload", "(8000 2000, 4096, UNMAP|UNLOCK)", None, Now),
            call(Some(6), "├ ", "suword", "(arr[2], F07F FFFF)", None, Later),
        ],
        changes: vec![
            became("PTE of page 2", false, "8010 0000 0010 0465", "0"),
            became("tag of page 2", false, "MFN", "EMPTY"),
            became("softlockcnt", true, "3", "2"),
            became("ht_lock_cnt", true, "3", "2"),
            ChangeRow {
                what: "answer".to_owned(),
                is_name: false,
                change: Change::Said("EFAULT".to_owned()),
                note: Some("lost: becomes the F nibble".to_owned()),
            },
        ],
        remark: Some(plain("While 2.4 lasted, page 2 mapped dom0’s own pfn 0 (I11, D11).")),
    }
}
