//! The rules of the house that the compiler does not hold: which room may use which, and what no room may use at all.
//!
//! The rooms and their arrows are drawn in `ARCHITECTURE.md`. A file is read as tokens, so what stands in a comment or in a
//! string does not count and what stands in a macro's braces does. Each complaint names file and line, and the reason.

#![cfg(not(target_arch = "wasm32"))]

use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A room, the rooms it may use beside itself, and why no others.
struct Room {
    name: &'static str,
    may_use: &'static [&'static str],
    because: &'static str,
}

const ROOMS: &[Room] = &[
    Room { name: "word", may_use: &[], because: "the words of the hardware know nobody" },
    Room { name: "trace", may_use: &["word"], because: "how a layer reports must not know who reports or who listens" },
    Room { name: "x86", may_use: &["word", "trace"], because: "the processor knows no hypervisor and no kernel" },
    Room { name: "xen", may_use: &["word", "trace", "x86"], because: "the hypervisor knows no kernel that runs on it" },
    Room {
        name: "illumos",
        may_use: &["word", "trace", "x86", "xen"],
        because: "a driver reaches the machine through its ports, and never learns that it is simulated or recorded",
    },
    Room { name: "mach", may_use: &["word", "trace", "x86"], because: "Mach runs on the bare machine, beside illumos" },
    Room {
        name: "mock",
        may_use: &["word", "trace", "x86", "xen", "illumos", "mach"],
        because: "a recorded machine stands beside the simulated one, and knows no history",
    },
    Room {
        name: "sim",
        may_use: &["word", "trace", "x86", "xen", "illumos", "mach", "mock"],
        because: "a world knows neither who looks at it nor where its ops come from",
    },
    Room { name: "import", may_use: &["word", "sim"], because: "an importer makes ops, and no picture" },
    Room {
        name: "view",
        may_use: &["word", "trace", "x86", "xen", "illumos", "mach", "mock", "sim"],
        because: "a picture is a pure function of a history, of whatever machine, and knows no element",
    },
    Room {
        name: "ui",
        may_use: &["word", "sim", "import", "view"],
        because: "ui paints what view decides, and computes nothing of a kernel",
    },
    // The native program. It replays recordings itself, variants included.
    Room {
        name: "bin",
        may_use: &["word", "illumos", "mock", "sim", "import", "view"],
        because: "the program is a thin shell around the library",
    },
    Room { name: "lib", may_use: &[], because: "the top file names the rooms, and nothing else" },
];

/// Names that some rooms must not say, and why: a word (`HashMap`), a part of the standard library (`std::time`), or a crate
/// (`rand::`).
struct Ban {
    rooms: fn(&str) -> bool,
    names: &'static [&'static str],
    because: &'static str,
}

fn below_ui(room: &str) -> bool {
    !matches!(room, "ui" | "bin")
}

const BANS: &[Ban] = &[
    Ban {
        rooms: |_| true,
        names: &["HashMap", "HashSet"],
        because: "hash order must never be seen, and worlds are compared: use ordered maps",
    },
    Ban {
        rooms: below_ui,
        names: &[
            "std::time",
            "std::fs",
            "std::env",
            "std::net",
            "std::thread",
            "std::process",
            "rand::",
            "getrandom::",
        ],
        because: "there is no clock, storage or dice below ui: the same ops give the same world everywhere",
    },
    Ban {
        rooms: |room| room != "ui",
        names: &[
            "yew::",
            "web_sys::",
            "js_sys::",
            "wasm_bindgen::",
            "gloo_events::",
            "gloo_render::",
            "gloo_storage::",
        ],
        because: "only ui knows the browser",
    },
    Ban {
        rooms: |room| below_ui(room) && room != "mach",
        names: &["async", "await"],
        because: "nothing sleeps below ui, save a Mach thread",
    },
];

/// One word or sign of a source file. A sign is one character; `::` is joined.
struct Token {
    text: String,
    line: usize,
    /// How many inline modules stand around it.
    inner: usize,
    /// Whether one of those is a test module.
    in_tests: bool,
}

/// The tokens of a file in reading order, groups opened.
fn tokens(source: &str) -> Vec<Token> {
    let stream: TokenStream = source.parse().expect("the compiler reads it, too");
    let mut out = Vec::new();
    flatten(stream, 0, false, &mut out);
    out
}

fn flatten(stream: TokenStream, inner: usize, in_tests: bool, out: &mut Vec<Token>) {
    let push = |text: String, line: usize, out: &mut Vec<Token>| out.push(Token { text, line, inner, in_tests });
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::None => ("", ""),
                };
                let module = open == "{" && out.len() >= 2 && out[out.len() - 2].text == "mod";
                let tests = in_tests || (module && out.last().is_some_and(|name| name.text == "tests"));
                push(open.to_owned(), line, out);
                flatten(group.stream(), inner + usize::from(module), tests, out);
                push(close.to_owned(), group.span_close().end().line, out);
            }
            TokenTree::Punct(sign) => match (sign.as_char(), out.last_mut()) {
                (':', Some(last)) if last.text == ":" && last.line == line => last.text = "::".to_owned(),
                (sign, _) => push(sign.to_string(), line, out),
            },
            TokenTree::Ident(word) => push(word.to_string(), line, out),
            TokenTree::Literal(literal) => push(literal.to_string(), line, out),
        }
    }
}

/// The room a file below `src` belongs to, and how many modules stand around its items.
fn place(path: &str) -> (&str, usize) {
    let parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
    let depth = if matches!(parts.last(), Some(&"mod" | &"lib" | &"main")) { parts.len() - 1 } else { parts.len() };
    (parts[0], depth)
}

/// Every broken rule in one file: where, what and why.
fn complaints(path: &str, source: &str) -> Vec<String> {
    let (name, depth) = place(path);
    let Some(room) = ROOMS.iter().find(|room| room.name == name) else {
        return vec![format!(
            "src/{path}: the room {name} is not in the table: draw its arrows in ARCHITECTURE.md, then add it here"
        )];
    };
    let tokens = tokens(source);
    let mut out = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        for used in rooms_named(&tokens, at, depth) {
            if used != room.name && !room.may_use.contains(&used) && ROOMS.iter().any(|other| other.name == used) {
                out.push(format!("src/{path}:{}: {name} may not use {used}: {}", token.line, room.because));
            }
        }
        if token.text == "*" && at > 0 && tokens[at - 1].text == "::" && !token.in_tests && !path.ends_with("tests.rs")
        {
            out.push(format!(
                "src/{path}:{}: a glob import hides where a name comes from: name what you use",
                token.line
            ));
        }
        for ban in BANS.iter().filter(|ban| (ban.rooms)(room.name)) {
            for banned in ban.names.iter().filter(|banned| says(&tokens, at, banned)) {
                out.push(format!(
                    "src/{path}:{}: {name} may not say {}: {}",
                    token.line,
                    banned.trim_end_matches("::"),
                    ban.because
                ));
            }
        }
    }
    out
}

/// The first names after the crate's root in a path that starts at this token: one, or all of a group in braces.
fn rooms_named(tokens: &[Token], at: usize, depth: usize) -> Vec<&str> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    if at > 0 && text(at - 1) == "::" {
        return Vec::new();
    }
    let start = match text(at) {
        "crate" | "mapscope" if text(at + 1) == "::" => at + 2,
        "super" => {
            let ups = (0..).take_while(|up| text(at + 2 * up) == "super" && text(at + 2 * up + 1) == "::").count();
            if ups == 0 || ups < depth + tokens[at].inner {
                return Vec::new();
            }
            at + 2 * ups
        }
        _ => return Vec::new(),
    };
    named_after(tokens, start)
}

/// The name at this token, or the first names of a group in braces.
fn named_after(tokens: &[Token], start: usize) -> Vec<&str> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    if text(start) != "{" {
        return vec![text(start)];
    }
    let mut named = Vec::new();
    let mut open = 0;
    for here in start..tokens.len() {
        match text(here) {
            "{" => open += 1,
            "}" => open -= 1,
            _ => {}
        }
        if open == 0 {
            break;
        }
        if open == 1 && matches!(text(here), "{" | ",") {
            named.push(text(here + 1));
        }
    }
    named
}

/// Whether a banned name starts at this token. In `std::{fmt, time}` both are named.
fn says(tokens: &[Token], at: usize, banned: &str) -> bool {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    match banned.split_once("::") {
        None => text(at) == banned,
        Some((name, "")) => text(at) == name && text(at + 1) == "::" && (at == 0 || text(at - 1) != "::"),
        Some((first, second)) => {
            text(at) == first && text(at + 1) == "::" && named_after(tokens, at + 2).contains(&second)
        }
    }
}

fn check_folder(folder: &Path, top: &Path, out: &mut Vec<String>, files: &mut u32) {
    let mut entries: Vec<_> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for file in entries {
        if file.is_dir() {
            check_folder(&file, top, out, files);
        } else if file.extension().is_some_and(|extension| extension == "rs") {
            let path = file.strip_prefix(top).expect("it lies below").to_string_lossy().replace('\\', "/");
            out.extend(complaints(&path, &fs::read_to_string(&file).expect("a readable file")));
            *files += 1;
        }
    }
}

#[test]
fn every_arrow_points_the_right_way() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut out, mut files) = (Vec::new(), 0);
    check_folder(&src, &src, &mut out, &mut files);
    assert!(files > 10, "only {files} files were found below {}", src.display());
    assert!(out.is_empty(), "{} rules of the house are broken:\n{}", out.len(), out.join("\n"));
}

#[test]
fn the_table_is_drawn_without_circles() {
    for (at, room) in ROOMS.iter().enumerate() {
        for used in room.may_use {
            assert!(
                ROOMS[..at].iter().any(|earlier| earlier.name == *used),
                "{} uses {used}, which comes later",
                room.name
            );
        }
    }
}

/// What the checker says about one line in a file, without the reasons.
fn said(path: &str, source: &str) -> Vec<String> {
    complaints(path, source).iter().map(|line| line.splitn(4, ": ").skip(1).take(1).collect()).collect()
}

#[test]
fn the_checker_sees_a_wrong_arrow_however_it_is_written() {
    for source in [
        "use crate::sim::World;",
        "use crate::{word::Mfn, sim::{World, Op}};",
        "fn f() { let _ = crate::sim::World::new(); }",
        "fn f() { assert!(matches!(x, crate::sim::Op::Map)); }",
        "use super::super::sim::World;",
        "mod tests { use super::super::super::sim::World; }",
        "pub(crate) use crate :: sim;",
    ] {
        assert_eq!(said("xen/grant.rs", source), ["xen may not use sim"], "{source}");
    }
    assert_eq!(said("ui/app.rs", "use mapscope::illumos::Seg;"), ["ui may not use illumos"]);
    assert_eq!(said("trace.rs", "use super::x86::Pte;"), ["trace may not use x86"]);
}

#[test]
fn the_checker_lets_right_arrows_pass() {
    let source = "
        //! Words about crate::sim and HashMap do not count.
        use crate::{trace::Emit, word::Mfn, x86::{Pte, walk}};
        use super::domain::Domain;
        fn f() -> &'static str { \"crate::sim HashMap\" }
        struct S { time: u64, rand: u64 }
        fn g(s: &S) -> u64 { s.rand * s.time }
        mod tests { use super::*; use super::super::grant::Grant; }
    ";
    assert_eq!(complaints("xen/grant.rs", source), Vec::<String>::new());
}

#[test]
fn the_checker_sees_what_no_room_may_say() {
    assert_eq!(said("x86/walk.rs", "use crate::word::*;"), ["a glob import hides where a name comes from"]);
    assert_eq!(said("x86/walk.rs", "use std::collections::HashMap;"), ["x86 may not say HashMap"]);
    assert_eq!(said("sim/world.rs", "use std::{fmt, time::Instant};"), ["sim may not say std::time"]);
    assert_eq!(said("sim/world.rs", "fn f() { rand::random() }"), ["sim may not say rand"]);
    assert_eq!(said("view/story.rs", "use yew::Html;"), ["view may not say yew"]);
    assert_eq!(said("illumos/seg.rs", "async fn f() {}"), ["illumos may not say async"]);
    assert_eq!(said("attic/old.rs", ""), ["the room attic is not in the table"]);
    assert!(complaints("mach/fault.rs", "async fn f() { g().await }").is_empty());
}
