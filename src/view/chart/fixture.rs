//! A picture that holds every mark, told by hand: a saver maps four frames of domain 5, one of them bad, opens a
//! window of grants of domain 7, and forks. For tests and for looking at; no simulator stands behind it.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{
    Backing, BreakMark, Edge, Glyph, Key, Lane, LaneId, Link, LinkKind, Micro, Moment, Opened, Picture, Rights, Row,
    RowId, RowMark, Run, Selection, State, StepMark, Undone, What,
};

const SAVER: LaneId = LaneId(0);
const CHILD: LaneId = LaneId(1);
const DOM5: LaneId = LaneId(2);
const DOM7: LaneId = LaneId(3);

const MFN: State = State::Live(Backing::Foreign, Rights::ReadOnly);
const GREF_W: State = State::Live(Backing::Granted, Rights::Writable);

fn at(step: u32) -> Moment {
    Moment::step(step)
}

fn run(from: u32, to: u32, state: State) -> Run {
    Run::new(at(from), state).until(at(to))
}

fn since(from: u32, state: State) -> Run {
    Run::new(at(from), state)
}

fn row(what: What, number: u64, label: &str, runs: impl IntoIterator<Item = Run>) -> Row {
    Row { runs: runs.into_iter().collect(), ..Row::new(Key::new(what, number), label) }
}

fn page(number: u64, runs: impl IntoIterator<Item = Run>) -> Row {
    let label = format!("{:04X} {:04X}", number >> 16, number & 0xFFFF);
    row(What::Page, number, &label, runs)
}

fn refused(step: u32, word: Option<&str>) -> RowMark {
    RowMark { at: at(step), glyph: Glyph::Refused, word: word.map(Into::into) }
}

fn id(lane: LaneId, what: What, number: u64) -> RowId {
    RowId { lane, key: Key::new(what, number) }
}

fn saver() -> Lane {
    let head = Row {
        facts: [(1, "domid 0 · soft 0"), (2, "domid 5 · soft 3 · lock 3 · valid 3")]
            .map(|(k, f)| (at(k), f.into()))
            .into(),
        ..row(
            What::Region,
            0x8000_0000,
            "",
            [
                run(1, 15, State::Region(Backing::Foreign)).text("seg_mf privcmd · r--"),
                run(17, 23, State::Region(Backing::Foreign)).text("seg_mf privcmd · r--"),
            ],
        )
    };
    let window = Row {
        facts: vec![(at(5), "domid 7".into())],
        ..row(What::Region, 0x8040_0000, "", [since(5, State::Region(Backing::Granted)).text("xpvtap · rw- · ×352")])
    };
    let granted = |i: u64, frame: &str| {
        let end = if i == 0 { since(13, State::ZeroCounted).text("PTE 0") } else { since(13, State::ZeroCounted) };
        page(
            0x8040_0000 + i * 0x1000,
            [
                run(5, 6, State::Empty),
                run(6, 8, State::Placeholder).text("pfn 0"),
                run(8, 13, GREF_W).text(&format!("{frame} …167")),
                end,
            ],
        )
    };
    let rest = Row {
        pages: 349,
        label: "+349".into(),
        ..page(
            0x8040_3000,
            [run(5, 6, State::Empty), since(6, State::Placeholder).text("×349 pages: dom0’s pfn 0, writable")],
        )
    };
    let rows = vec![
        Row::tear(0x8000_0000, "2 GiB"),
        head,
        page(
            0x8000_0000,
            [
                run(1, 2, State::Empty),
                run(2, 3, MFN).text("4C0F0 …705").locked(),
                run(3, 15, MFN).text("4C0F0 …725").locked(),
            ],
        ),
        Row {
            marks: vec![refused(14, None)],
            ..page(0x8000_1000, [run(1, 2, State::Empty), run(2, 15, MFN).text("4C0F1 …705").locked()])
        },
        Row {
            marks: vec![
                refused(2, Some("EFAULT")),
                refused(4, Some("SIGBUS when touched; the caller’s array[2] holds F07F FFFF")),
            ],
            ..page(0x8000_2000, [run(1, 15, State::Empty)])
        },
        page(0x8000_3000, [run(1, 2, State::Empty), run(2, 15, MFN).text("4C0F7 …705").locked()]),
        Row::tear(0x8040_0000, "3.98 MiB"),
        window,
        granted(0, "51234"),
        granted(1, "51777"),
        granted(2, "5200A"),
        rest,
        Row::tear(0x8000_0000_0000, "128 TiB"),
    ];
    let edge = |at, first, last, rules: &str, passing| Edge {
        at,
        first: Key::new(What::Page, first),
        last: Key::new(What::Page, last),
        rules: rules.into(),
        passing,
    };
    Lane::new(
        SAVER,
        "saver",
        "pid 211 · as ffffff01 4c8f 2d60 · CR3 0A340 · 2 segments",
        rows.into_iter().map(Rc::new).collect(),
    )
    .broken(vec![
        edge(Moment::micro(2, 1), 0x8000_0000, 0x8000_0000, "I11", true),
        edge(Moment::micro(2, 2), 0x8000_0000, 0x8000_0000, "I13", false),
        edge(Moment::micro(2, 4), 0x8000_2000, 0x8000_2000, "I11", true),
        edge(at(6), 0x8040_0000, 0x8040_3000, "I11", false),
        edge(at(13), 0x8040_0000, 0x8040_2000, "I5", false),
    ])
}

fn child() -> Lane {
    let tag = State::TagOnly(Backing::Foreign);
    let leaked = |frame: &str| run(11, 16, State::Leaked).text(&format!("{frame} …705 leaked"));
    let copied = State::Copied(Backing::Granted);
    let rows = vec![
        Row::tear(0x8000_0000, "2 GiB"),
        Row {
            facts: vec![(at(9), "soft 0".into())],
            ..row(What::Region, 0x8000_0000, "", [run(9, 16, State::Copied(Backing::Foreign)).text("privcmd, copied")])
        },
        Row { marks: vec![refused(10, None)], ..page(0x8000_0000, [run(9, 11, tag), leaked("4C0F0")]) },
        page(0x8000_1000, [run(9, 11, tag).text("no PTE"), leaked("4C0F1")]),
        Row { marks: vec![refused(11, None)], ..page(0x8000_2000, [run(9, 16, State::Empty)]) },
        page(0x8000_3000, [run(9, 11, tag).text("no PTE"), run(11, 16, State::Empty)]),
        Row {
            label: "8040 0000".into(),
            facts: vec![(at(9), "G×3, no PTE".into())],
            ..row(What::Region, 0x8040_0000, "", [run(9, 16, copied).text("xpvtap ×352, copied")])
        },
    ];
    let edge = |step, last, rules: &str| Edge {
        at: at(step),
        first: Key::new(What::Page, 0x8000_0000),
        last,
        rules: rules.into(),
        passing: false,
    };
    Lane::new(
        CHILD,
        "child",
        "pid 214 · as ffffff01 4c90 11e8 · CR3 0A3C2 · born at step 9",
        rows.into_iter().map(Rc::new).collect(),
    )
    .broken(vec![
        edge(9, Key::new(What::Region, 0x8040_0000), "I1 +3"),
        edge(11, Key::new(What::Page, 0x8000_1000), "I7"),
    ])
}

fn domain_5() -> Lane {
    let counts = |number: u64, changes: &[(u32, u32)]| {
        row(What::Frame, number, &format!("{number:X}"), changes.iter().map(|(from, n)| since(*from, State::Count(*n))))
    };
    let absent = |number: u64, mark: RowMark| Row {
        marks: vec![mark],
        ..row(What::Frame, number, &format!("{number:X}"), [since(0, State::Absent)])
    };
    let rows = vec![
        counts(0x4C0F0, &[(0, 2), (2, 3), (11, 4), (15, 3), (16, 2)]),
        counts(0x4C0F1, &[(0, 2), (2, 3), (11, 4), (15, 3), (16, 2)]),
        absent(0x4C0F2, refused(11, Some("given back to Xen"))),
        Row::tear(0x4C0F7, ""),
        counts(0x4C0F7, &[(0, 2), (2, 3), (15, 2)]),
        Row::tear(0x7FFFFF, ""),
        absent(0x7FFFFF, refused(2, Some("never domain 5’s"))),
    ];
    Lane::new(DOM5, "domain 5", "frames, bar height = general count", rows.into_iter().map(Rc::new).collect())
}

fn domain_7() -> Lane {
    let grant = |number: u64, handle: u32, waits: bool| {
        let mapped = State::Mapped(Rights::Writable);
        let pins = format!("1 0 0 0  h{handle}");
        let mut runs = vec![run(7, 8, State::Offered).text("1")];
        if waits {
            runs.extend([run(8, 12, mapped).text(&pins), run(12, 13, State::Waiting)]);
        } else {
            runs.push(run(8, 13, mapped).text(&pins));
        }
        runs.push(since(13, State::Offered).text("0 0 0 0"));
        let marks = if waits { vec![refused(12, None)] } else { Vec::new() };
        Row { marks, ..row(What::Grant, number, &format!("ref {number:X}"), runs) }
    };
    let rows = vec![grant(8, 41, true), grant(9, 42, false), grant(0x2F, 43, false)];
    let facts = "grant table v1 · pins host-w host-r dev-w dev-r · then the mapper’s handle";
    Lane::new(DOM7, "domain 7", facts, rows.into_iter().map(Rc::new).collect())
}

/// The inside of step 2: eight micro-steps, the fifth of them refused.
fn opened() -> Opened {
    let m = |micro| Moment::micro(2, micro);
    let page = |i: u64| id(SAVER, What::Page, 0x8000_0000 + i * 0x1000);
    let within = |from, to, state| Run { to, ..Run::new(from, state) };
    let frame = |micro| vec![within(at(2), m(micro), State::Count(2)), within(m(micro), at(3), State::Count(3))];
    let inside = BTreeMap::from([
        (page(0), vec![within(m(1), m(2), State::Placeholder), within(m(2), at(3), MFN).text("4C0F0 …705").locked()]),
        (page(1), vec![within(at(2), m(3), State::Empty), within(m(3), at(3), MFN).text("4C0F1 …705").locked()]),
        (
            page(2),
            vec![
                within(at(2), m(4), State::Empty),
                within(m(4), m(5), State::Placeholder),
                within(m(5), at(3), State::Refused).text("EFAULT"),
            ],
        ),
        (page(3), vec![within(at(2), m(7), State::Empty), within(m(7), at(3), MFN).text("4C0F7 …705").locked()]),
        (id(DOM5, What::Frame, 0x4C0F0), frame(2)),
        (id(DOM5, What::Frame, 0x4C0F1), frame(3)),
        (id(DOM5, What::Frame, 0x4C0F7), frame(7)),
    ]);
    let never = RowMark { at: m(5), glyph: Glyph::Refused, word: Some("never domain 5’s".into()) };
    let marks = BTreeMap::from([(id(DOM5, What::Frame, 0x7FFFFF), vec![never])]);
    let micros = (1..=8).map(|at| Micro { at, glyph: (at == 5).then_some(Glyph::Refused) }).collect();
    Opened { step: 2, title: "MMAPBATCH, opened: 8 micro-steps".into(), micros, inside, marks }
}

/// The picture.
pub fn workbench() -> Picture {
    use Glyph::{Dup, Exit, Fault, Grant, Map, Offer, Refused, Start, Unmap};
    let glyphs = [
        Start, Map, Map, Fault, Refused, Map, Map, Offer, Grant, Dup, Refused, Refused, Refused, Offer, Refused, Unmap,
        Exit, Map, Map, Fault, Fault, Refused, Fault, Unmap, Exit,
    ];
    let sentence = |step: usize| match step {
        0 => "dom0, domain 5 and domain 7 run",
        2 => "saver asks for 4 frames of domain 5: 3 live, page 2 refused, answer still 0",
        11 => "child asks for 4 frames again: answer EFAULT",
        _ => "saver goes on",
    };
    let steps = glyphs.iter().enumerate().map(|(step, &glyph)| StepMark { glyph, sentence: sentence(step).into() });
    let breaks = [
        (Moment::micro(2, 1), "I11", true),
        (Moment::micro(2, 2), "I13", false),
        (Moment::micro(2, 4), "I11", true),
        (at(6), "I11", false),
        (at(9), "I1 +3", false),
        (at(11), "I7", false),
        (at(13), "I5", false),
    ];
    let breaks = breaks.map(|(at, rules, passing)| BreakMark { at, rules: rules.into(), passing });
    let selected = id(SAVER, What::Page, 0x8000_1000);
    Picture {
        steps: Rc::new(steps.collect()),
        breaks: Rc::new(breaks.into()),
        undone: Some(Rc::new(Undone { from: 11, name: "release first".into(), steps: vec![Offer, Offer, Unmap] })),
        opened: Some(Rc::new(opened())),
        lanes: [saver(), child(), domain_5(), domain_7()].map(Rc::new).into(),
        links: vec![
            Link {
                kind: LinkKind::Frame(Backing::Foreign),
                at: Moment::micro(2, 3),
                from: selected,
                to: id(DOM5, What::Frame, 0x4C0F1),
            },
            Link {
                kind: LinkKind::Grant,
                at: at(8),
                from: id(SAVER, What::Page, 0x8040_0000),
                to: id(DOM7, What::Grant, 8),
            },
            Link {
                kind: LinkKind::Dup,
                at: at(9),
                from: id(SAVER, What::Page, 0x8000_3000),
                to: id(CHILD, What::Region, 0x8000_0000),
            },
        ],
        cursor: Moment::micro(2, 5),
        selection: Some(Selection { row: selected, from: at(1), to: at(15) }),
    }
}

/// A picture of `rows` rows in ten lanes with `runs` runs each: for measuring.
pub fn large(rows: u64, runs: u32) -> Picture {
    const STATES: [State; 4] = [State::Empty, State::Placeholder, MFN, GREF_W];
    let lane = |lane: u32| {
        let pages = (0..rows / 10).map(|n| {
            let states = (0..runs).map(|i| {
                let dice = (u64::from(i) * 7 + n * 13 + u64::from(i) * u64::from(i) % 11) % 4;
                since(i * 4 + (n % 4) as u32, STATES[dice as usize])
            });
            Rc::new(page(0x8000_0000 + n * 0x1000, states))
        });
        Rc::new(Lane::new(LaneId(lane), &format!("process {lane}"), "many pages", pages.collect()))
    };
    let steps = (0..=runs * 4).map(|_| StepMark { glyph: Glyph::Map, sentence: "a step".into() });
    Picture {
        steps: Rc::new(steps.collect()),
        breaks: Rc::new(Vec::new()),
        undone: None,
        opened: None,
        lanes: (0..10).map(lane).collect(),
        links: Vec::new(),
        cursor: at(runs),
        selection: None,
    }
}
