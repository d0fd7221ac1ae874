//! Keys: which command a key asks for, and the sheet that lists them.
//!
//! Letters are physical positions (`KeyboardEvent.code`), marks such as `?` and `[` are what the key writes. Nothing fires
//! while someone types, and nothing that the browser itself uses is taken. Zooming and panning belong to the map.

use crate::view::command::{Command, Dialog, Tab, Verb};

/// A key as the browser reports it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Press<'a> {
    /// The position: `KeyN`, `ArrowLeft`.
    pub code: &'a str,
    /// What it writes: `n`, `?`.
    pub key: &'a str,
    /// Shift is held.
    pub shift: bool,
    /// Control or Command is held.
    pub control: bool,
    /// Alt is held.
    pub alt: bool,
}

/// What a key means depends on this much.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mode {
    /// The focus is in a field that takes text.
    pub typing: bool,
    /// The focus is on a control that uses arrows, Home, End, Space and Enter itself.
    pub in_control: bool,
    /// Something lies over the page.
    pub covered: bool,
    /// N was pressed: the next letter is a verb.
    pub armed: bool,
    /// Single letters are shortcuts.
    pub letters: bool,
}

/// The command of a key, if it has one here.
pub fn command(press: Press<'_>, mode: Mode) -> Option<Command> {
    if press.control {
        return held(press, mode);
    }
    if press.code == "Escape" {
        // A dialog closes itself, and tells.
        return (!mode.covered).then_some(Command::Leave);
    }
    if mode.typing || mode.covered || press.alt {
        return None;
    }
    if mode.armed {
        return Verb::ALL.into_iter().find(|verb| is_letter(press, verb.letter())).map(Command::Choose);
    }
    walking(press, mode).or_else(|| if mode.letters { letter(press) } else { None })
}

/// With Control or Command: undo and redo, which the browser keeps for fields.
fn held(press: Press<'_>, mode: Mode) -> Option<Command> {
    if mode.typing || mode.covered || press.alt {
        return None;
    }
    match (press.code, press.shift) {
        ("KeyZ", false) => Some(Command::Undo),
        ("KeyZ", true) => Some(Command::Redo),
        _ => None,
    }
}

/// Keys that write nothing: always on, but left to a control that uses them itself.
fn walking(press: Press<'_>, mode: Mode) -> Option<Command> {
    if mode.in_control {
        return None;
    }
    match (press.code, press.shift) {
        ("ArrowLeft", false) => Some(Command::Back),
        ("ArrowRight", false) => Some(Command::Forward),
        ("ArrowLeft", true) => Some(Command::TenBack),
        ("ArrowRight", true) => Some(Command::TenForward),
        ("Home", false) => Some(Command::First),
        ("End", false) => Some(Command::Last),
        ("Space", false) => Some(Command::Play),
        _ => None,
    }
}

/// Single characters: these can be switched off.
fn letter(press: Press<'_>) -> Option<Command> {
    let written = match press.key {
        "?" => Some(Command::Over(Dialog::Keys)),
        "/" => Some(Command::Over(Dialog::Find)),
        ">" => Some(Command::Palette),
        "." => Some(Command::TouchAfter),
        "," => Some(Command::TouchBefore),
        "[" => Some(Command::FollowBack),
        "]" => Some(Command::FollowFrame),
        _ => None,
    };
    if written.is_some() || press.shift {
        return written;
    }
    match press.code {
        "KeyJ" => Some(Command::MicroBack),
        "KeyK" => Some(Command::MicroForward),
        "KeyF" => Some(Command::Focus),
        "Digit0" | "Numpad0" => Some(Command::Fit),
        "KeyM" => Some(Command::Mark),
        "KeyX" => Some(Command::Explain),
        "KeyN" => Some(Command::ActionMenu),
        "Digit1" | "Digit2" | "Digit3" | "Digit4" => {
            Tab::ALL.get(usize::from(press.code.as_bytes()[5] - b'1')).copied().map(Command::Show)
        }
        _ => None,
    }
}

fn is_letter(press: Press<'_>, letter: char) -> bool {
    press.code.strip_prefix("Key").is_some_and(|key| key.chars().eq([letter]))
}

/// A line of the sheet: what it does, the keys for it, whether it needs single-letter shortcuts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Help {
    /// What it does.
    pub what: &'static str,
    /// The keys, each drawn as one.
    pub keys: &'static [&'static str],
    /// Whether it is a single character, and off when those are off.
    pub letter: bool,
}

/// A column of the sheet.
pub type Column = &'static [(&'static str, &'static [Help])];

const fn always(what: &'static str, keys: &'static [&'static str]) -> Help {
    Help { what, keys, letter: false }
}

const fn single(what: &'static str, keys: &'static [&'static str]) -> Help {
    Help { what, keys, letter: true }
}

/// The sheet, in three columns.
pub const SHEET: [Column; 3] = [
    &[(
        "Time",
        &[
            always("Step", &["Left", "Right"]),
            always("Ten steps", &["Shift", "Left/Right"]),
            single("Micro-step", &["J", "K"]),
            always("First, last", &["Home", "End"]),
            always("Play, pause", &["Space"]),
            single("Event on the selection", &[",", "."]),
            always("Undo, redo", &["Ctrl+Z", "Ctrl+Shift+Z"]),
        ],
    )],
    &[
        (
            "View",
            &[
                single("Zoom time", &["W", "S"]),
                single("Pan time", &["A", "D"]),
                single("Focus on the selection", &["F"]),
                single("Fit everything", &["0"]),
                single("The views", &["1", "–", "4"]),
            ],
        ),
        (
            "Selection",
            &[
                always("Page, region, lane", &["Arrows"]),
                single("Follow to the frame, and back", &["]", "["]),
                single("Explain", &["X"]),
                single("Mark this step", &["M"]),
            ],
        ),
    ],
    &[
        (
            "Act",
            &[
                single("Action menu", &["N"]),
                single("Map", &["N", "M"]),
                single("Fault", &["N", "F"]),
                single("Dup", &["N", "D"]),
                single("Unmap", &["N", "U"]),
                single("Every operation", &[">"]),
                always("Do it", &["Enter"]),
            ],
        ),
        (
            "Everywhere",
            &[
                single("Go to or do", &["/"]),
                always("Next, previous pane", &["F6", "Shift+F6"]),
                single("This sheet", &["?"]),
                always("Leave, then clear the selection", &["Esc"]),
            ],
        ),
    ],
];

#[cfg(test)]
mod tests {
    use super::{Mode, Press, command};
    use crate::view::command::{Command, Dialog, Tab, Verb};

    const HERE: Mode = Mode { typing: false, in_control: false, covered: false, armed: false, letters: true };

    fn key<'a>(code: &'a str, key: &'a str) -> Press<'a> {
        Press { code, key, ..Press::default() }
    }

    #[test]
    fn letters_are_positions_and_marks_are_what_is_written() {
        assert_eq!(command(key("KeyJ", "o"), HERE), Some(Command::MicroBack));
        assert_eq!(command(Press { shift: true, ..key("Minus", "?") }, HERE), Some(Command::Over(Dialog::Keys)));
        assert_eq!(command(key("Digit2", "é"), HERE), Some(Command::Show(Tab::Tables)));
    }

    #[test]
    fn nothing_fires_while_someone_types() {
        let typing = Mode { typing: true, ..HERE };
        for press in [key("KeyX", "x"), key("ArrowLeft", "ArrowLeft"), key("Slash", "/"), key("Space", " ")] {
            assert_eq!(command(press, typing), None, "{press:?}");
        }
        assert_eq!(command(key("Escape", "Escape"), typing), Some(Command::Leave));
    }

    #[test]
    fn the_browser_keeps_what_it_uses() {
        for code in ["KeyF", "KeyN", "KeyD", "Digit0", "KeyM", "Digit1", "ArrowLeft"] {
            assert_eq!(command(Press { control: true, ..key(code, "") }, HERE), None, "Ctrl+{code}");
            assert_eq!(command(Press { alt: true, ..key(code, "") }, HERE), None, "Alt+{code}");
        }
        let undo = Press { control: true, ..key("KeyZ", "z") };
        assert_eq!(command(undo, HERE), Some(Command::Undo));
        assert_eq!(command(Press { shift: true, ..undo }, HERE), Some(Command::Redo));
    }

    #[test]
    fn a_control_keeps_its_arrows_and_its_space() {
        let in_control = Mode { in_control: true, ..HERE };
        assert_eq!(command(key("ArrowLeft", "ArrowLeft"), in_control), None);
        assert_eq!(command(key("Space", " "), in_control), None);
        assert_eq!(command(key("KeyK", "k"), in_control), Some(Command::MicroForward));
    }

    #[test]
    fn single_letters_can_be_switched_off_and_arrows_stay() {
        let off = Mode { letters: false, ..HERE };
        assert_eq!(command(key("KeyX", "x"), off), None);
        assert_eq!(command(key("Slash", "/"), off), None);
        assert_eq!(command(key("ArrowRight", "ArrowRight"), off), Some(Command::Forward));
    }

    #[test]
    fn after_n_a_letter_is_a_verb_and_nothing_else() {
        let armed = Mode { armed: true, ..HERE };
        assert_eq!(command(key("KeyD", "d"), armed), Some(Command::Choose(Verb::Dup)));
        assert_eq!(command(key("KeyM", "m"), armed), Some(Command::Choose(Verb::Map)));
        assert_eq!(command(key("KeyX", "x"), armed), None);
    }
}
