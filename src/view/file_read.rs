//! A file somebody chose: what it is, what it holds, and whether it can be opened. It is a stranger's, and read as such.

use serde::Deserialize;

use crate::mock::{Recording, read_lines, read_recordings};
use crate::sim::StepId;
use crate::sim::file::{FORMAT, FileError, MAX_BYTES, Verdict};
use crate::view::opened::{self, Complaint, Difference, Opened};
use crate::view::session::Session;
use crate::view::text::{Span, grouped, plain};
use crate::view::words;
use crate::word::json::Misread;

/// The most verdicts that are listed; those that differ come first.
const MOST_VERDICTS: usize = 200;

/// A file that is too large is refused before it is read.
pub fn too_large(name: &str, bytes: u64) -> Option<Opened> {
    (bytes > MAX_BYTES as u64).then(|| {
        let what =
            format!("it has {} bytes, and {} are the most that is read.", grouped(bytes), grouped(MAX_BYTES as u64));
        refused(name, what, "The whole file.".to_owned())
    })
}

fn refused(name: &str, what: String, place: String) -> Opened {
    Opened::Refused { name: name.to_owned(), complaint: Complaint { what, place } }
}

/// Reads a file. What can be opened comes beside what is said of it.
pub fn read(name: &str, bytes: &[u8]) -> (Opened, Option<Session>) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let place = match std::str::from_utf8(bytes) {
            Err(error) => format!("Byte {}.", grouped(error.valid_up_to() as u64)),
            Ok(_) => String::new(),
        };
        return (refused(name, "it is no text.".to_owned(), place), None);
    };
    match format_of(text) {
        Some(format) if format.starts_with("segmf-vectors-") => recording(name, text, name.ends_with(".jsonl")),
        Some(_) | None => session(name, text),
    }
}

/// The word a file says of itself, on its first line or in the whole.
fn format_of(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Head {
        format: String,
    }
    let first = text.lines().find(|line| !line.trim().is_empty())?;
    let head = serde_json::from_str::<Head>(first).or_else(|_| serde_json::from_str::<Head>(text));
    head.ok().map(|head| head.format)
}

fn session(name: &str, text: &str) -> (Opened, Option<Session>) {
    match Session::open(text) {
        Err(error) => (complaint(name, &error), None),
        Ok(session) => {
            let mut about = plain(format!(
                "“{}”, {} steps on {} branches.",
                session.title(),
                grouped(u64::from(session.history().len())),
                session.tips().len()
            ));
            if let Some(step) = session.differs() {
                about.push(Span::Plain(format!(
                    " Step {} answers otherwise here than the file says; everything can be opened all the same.",
                    session.history().depth(step)
                )));
            }
            (Opened::Session { name: name.to_owned(), about }, Some(session))
        }
    }
}

fn complaint(name: &str, error: &FileError) -> Opened {
    let (what, place) = match error {
        FileError::TooLarge(_) | FileError::TooManySteps(_) | FileError::Machines(_) | FileError::Setup { .. } => {
            (error.to_string(), "The whole file.".to_owned())
        }
        FileError::Form(Misread { line, column, path, why }) => {
            let field = if path == "." { String::new() } else { format!(", at `{path}`") };
            (why.clone(), format!("Line {line}, column {column}{field}."))
        }
        FileError::Format(found) => (
            format!("it says it is `{found}`."),
            format!("The field `format`; this page reads `{FORMAT}` and recordings `segmf-vectors-1`."),
        ),
        FileError::NoSuchStep { field, step } => {
            (format!("step {step} is not there yet."), format!("The field `{field}`."))
        }
    };
    refused(name, what, place)
}

fn recording(name: &str, text: &str, is_lines: bool) -> (Opened, Option<Session>) {
    let read = if is_lines { read_lines(text.as_bytes()) } else { read_recordings(text.as_bytes()) };
    let all = match read {
        Ok(all) => all,
        Err(error) => {
            let line = error.line.map(|line| format!("Line {line}")).unwrap_or_else(|| "The file".to_owned());
            let field = if error.path.is_empty() { String::new() } else { format!(", at `{}`", error.path) };
            return (refused(name, error.reason, format!("{line}{field}.")), None);
        }
    };
    let Some(first) = all.first() else {
        return (refused(name, "it holds no recording.".to_owned(), "The whole file.".to_owned()), None);
    };
    match Session::of_recording(first, &first.main) {
        Err(error) => (refused(name, error.to_string(), "The field `setup`.".to_owned()), None),
        Ok(session) => (replayed(name, first, all.len(), &session), Some(session)),
    }
}

fn replayed(name: &str, first: &Recording, of: usize, session: &Session) -> Opened {
    let mut about = plain(format!("recording “{}”. {}", first.name, first.about));
    if of > 1 {
        about.push(Span::Dim(format!(" The first of {of} in this file.")));
    }
    let (agree, _) = session.verdicts().unwrap_or_default();
    let mut verdicts: Vec<opened::Verdict> =
        (1..).zip(session.path().iter().skip(1)).filter_map(|(number, step)| verdict(session, number, *step)).collect();
    verdicts.sort_by_key(|verdict| (verdict.differs.is_none(), verdict.step));
    verdicts.truncate(MOST_VERDICTS);
    Opened::Recording { name: name.to_owned(), about, agree: agree as u64, verdicts }
}

fn verdict(session: &Session, number: u64, step: StepId) -> Option<opened::Verdict> {
    let op = session.history().op(step)?;
    let differs = match session.verdict(step)? {
        Verdict::Agrees => None,
        Verdict::Differs { path, expected, found } => {
            Some(Difference { place: path.clone(), recorded: expected.clone(), model: found.clone() })
        }
    };
    let names = crate::view::names::Names::new(session.names());
    Some(opened::Verdict { step: number, call: words::deed(&names, op), differs })
}

#[cfg(test)]
mod tests {
    use super::{read, too_large};
    use crate::sim::{file, scenarios};
    use crate::view::opened::Opened;
    use crate::view::session::Session;

    fn complaint(text: &str) -> (String, String) {
        match read("some.json", text.as_bytes()) {
            (Opened::Refused { complaint, .. }, None) => (complaint.what, complaint.place),
            (other, _) => panic!("this should not be opened: {other:?}"),
        }
    }

    fn saved() -> String {
        let session = Session::of_scenario(&scenarios::all()[0]).expect("the first story can be built");
        file::write(&session.to_file())
    }

    #[test]
    fn a_session_comes_back_and_says_what_it_holds() {
        let (opened, session) = read("a.json", saved().as_bytes());
        assert!(matches!(opened, Opened::Session { .. }), "{opened:?}");
        assert_eq!(session.map(|session| session.last()), Some(12));
    }

    #[test]
    fn what_is_wrong_is_named_by_place_and_reason() {
        let broken = saved().replacen("\"spawn\"", "\"spawm\"", 1);
        let (what, place) = complaint(&broken);
        assert!(what.contains("spawm"), "{what}");
        assert!(place.contains("Line ") && place.contains("steps[0].op"), "{place}");
        let (what, place) = complaint(&saved().replacen("mapscope-session-1", "mapscope-session-9", 1));
        assert!(what.contains("mapscope-session-9") && place.contains("`format`"), "{what} {place}");
        let (_, place) = complaint("{\n\"format\": oh}");
        assert!(place.starts_with("Line 2"), "{place}");
        assert!(matches!(read("x", &[0xFF, 0xFE]), (Opened::Refused { .. }, None)));
        assert!(too_large("x", 1 << 40).is_some() && too_large("x", 5).is_none());
    }
}
