//! What the one box finds: places by number, things by address or name, and everything that can be done.

use crate::view::calls::{frame, reference};
use crate::view::command::{Command, Dialog, Place, Tab};
use crate::view::find::{Entry, Group, Palette, marked};
use crate::view::glyph::Glyph;
use crate::view::kinds::Kind;
use crate::view::look::Look;
use crate::view::names::Names;
use crate::view::session::{Selection, Session};
use crate::view::text::Hex;
use crate::view::{reading, seek};
use crate::x86::addr::{Mfn, Va};
use crate::xen::abi::{DomId, GrantRef};

/// How many lines a group shows.
const MOST: usize = 12;

/// Searches the world at the cursor; a text that begins with `>` searches commands alone.
pub fn search(typed: &str, session: &Session, names: &Names) -> Palette {
    let mut groups = Vec::new();
    match typed.strip_prefix('>') {
        Some(wanted) => groups.extend(commands(wanted.trim())),
        None => {
            let wanted = typed.trim();
            groups.extend(step(wanted, session));
            for (machine, _) in session.world().machines() {
                let Some(look) = Look::of(session.world(), machine) else { continue };
                groups.extend(numbers(wanted, look, machine, names));
                groups.push(processes(wanted, look, machine, names));
            }
            groups.extend(commands(wanted));
        }
    }
    groups.retain(|group| !group.entries.is_empty());
    let nothing = groups.is_empty().then(|| {
        format!("Nothing here is called “{typed}”. Addresses, frames and references are hexadecimal, as in 8000 1000.")
    });
    Palette { typed: typed.to_owned(), groups, nothing }
}

fn entry(glyph: Glyph, name: &str, wanted: &str, note: impl Into<String>, side: &str, command: Command) -> Entry {
    Entry { glyph, name: marked(name, wanted), note: note.into(), side: side.to_owned(), command }
}

fn group(title: &str, entries: Vec<Entry>) -> Group {
    Group { title: title.to_owned(), entries: entries.into_iter().take(MOST).collect() }
}

fn step(wanted: &str, session: &Session) -> Option<Group> {
    let place = seek::read(wanted, u64::from(session.last())).ok()?;
    let name = format!("step {place}");
    let found = entry(Glyph::Start, &name, wanted, place_note(place), "Map", Command::GoTo(place));
    Some(group("Step", vec![found]))
}

fn place_note(place: Place) -> &'static str {
    if place.micro.is_some() { "a micro-step" } else { "of this branch" }
}

fn numbers(wanted: &str, look: Look<'_>, machine: crate::sim::MachineId, names: &Names) -> Vec<Group> {
    let number = wanted.strip_prefix("ref").map_or(wanted, str::trim);
    let Ok(value) = reading::hex(number, "a number") else { return Vec::new() };
    let mut pages = Vec::new();
    for (space, _) in look.kernel.spaces() {
        let va = Va(value).page();
        if let Some((_, seg)) = look.segment_at(space, va) {
            let note = format!("{}, page {} of {}", names.space(machine, space), seg.page_of(va), seg.pages());
            let select = Command::Select(Selection::Page { machine, space, va });
            pages.push(entry(Glyph::Map, &Hex::address(va.0).to_string(), wanted, note, "Map", select));
        }
    }
    let mfn = Mfn(value);
    let info = look.xen.frame(mfn);
    let mut frames = Vec::new();
    let mut mapping = Vec::new();
    if let Some(owner) = info.owner {
        let note = format!("{}, count {}", Names::domain(owner), info.count);
        let select = Command::Select(Selection::Frame { machine, mfn });
        frames.push(entry(Glyph::Grant, &frame(mfn), wanted, note, "Frame", select));
        for (space, va, _) in look.mappers(mfn) {
            let select = Command::Select(Selection::Page { machine, space, va });
            let note = names.space(machine, space);
            mapping.push(entry(Glyph::Map, &Hex::address(va.0).to_string(), wanted, note, "Map", select));
        }
    }
    let mut grants = Vec::new();
    for granter in look.xen.domains().map(|domain| domain.id) {
        let Ok(gref) = u32::try_from(value).map(GrantRef) else { break };
        let shared = look.xen.shared_entry(look.memory, granter, gref);
        if granter != DomId::DOM0 && shared.is_some_and(|shared| shared.flags != 0) {
            let select = Command::Select(Selection::Grant { machine, granter, gref });
            grants.push(entry(Glyph::Offer, &reference(gref), wanted, Names::domain(granter), "Grant", select));
        }
    }
    vec![group("Address", pages), group("Frame", frames), group("Pages that map it", mapping), group("Grant", grants)]
}

fn processes(wanted: &str, look: Look<'_>, machine: crate::sim::MachineId, names: &Names) -> Group {
    let wanted_low = wanted.to_lowercase();
    let found = look.kernel.spaces().filter_map(|(space, known)| {
        let name = names.space(machine, space);
        let seg = look.kernel.seg(*known.segs.values().next()?)?;
        let hit = !wanted_low.is_empty() && name.to_lowercase().contains(&wanted_low);
        let select = Command::Select(Selection::Page { machine, space, va: seg.base });
        hit.then(|| entry(Glyph::Dup, &name, wanted, "its first page", "Map", select))
    });
    group("Process", found.collect())
}

fn commands(wanted: &str) -> Vec<Group> {
    let low = wanted.to_lowercase();
    let hit = |name: &str, about: &str| name.to_lowercase().contains(&low) || about.to_lowercase().contains(&low);
    let ops = Kind::ALL.into_iter().filter(|kind| hit(kind.name(), kind.about())).map(|kind| {
        let key = kind.verb().map(|verb| format!("N {}", verb.letter())).unwrap_or_default();
        entry(glyph(kind), kind.name(), wanted, kind.about(), &key, Command::Form(kind))
    });
    let page = [
        ("open a session or recording", "a file of yours", "", Command::Over(Dialog::Open)),
        ("share this session", "as a file or as text", "", Command::Over(Dialog::Share)),
        ("light or dark", "the other theme", "", Command::Theme),
        ("keys", "that work here", "?", Command::Over(Dialog::Keys)),
        ("first step", "", "Home", Command::First),
        ("last step", "", "End", Command::Last),
        ("play", "", "Space", Command::Play),
        ("undo", "", "Ctrl+Z", Command::Undo),
        ("redo", "", "Ctrl+Shift+Z", Command::Redo),
        ("mark this step", "", "M", Command::Mark),
        ("fit everything in the map", "", "0", Command::Fit),
    ];
    let page = page
        .into_iter()
        .filter(|(name, about, _, _)| hit(name, about))
        .map(|(name, about, key, command)| entry(Glyph::Ask, name, wanted, about, key, command));
    let views = (1..).zip(Tab::ALL).filter(|(_, tab)| hit(tab.name(), "view")).map(|(key, tab)| {
        let name = format!("view {}", tab.name());
        entry(Glyph::Ask, &name, wanted, "", &format!("{key}"), Command::Show(tab))
    });
    // All of them: whoever writes `>` wants to see what there is.
    vec![
        Group { title: "Do".to_owned(), entries: ops.collect() },
        Group { title: "Page".to_owned(), entries: page.chain(views).collect() },
    ]
}

fn glyph(kind: Kind) -> Glyph {
    match kind {
        Kind::Spawn | Kind::CreateDomain => Glyph::Start,
        Kind::Mmap | Kind::MmapBatch | Kind::IoctlMmap | Kind::AddMfns => Glyph::Map,
        Kind::AddGrefs => Glyph::Grant,
        Kind::Read | Kind::Write | Kind::Run | Kind::Fault => Glyph::Fault,
        Kind::Fork => Glyph::Dup,
        Kind::Munmap | Kind::ReleaseGrefs | Kind::UnmapGrant | Kind::GiveBack => Glyph::Unmap,
        Kind::Exit | Kind::KillDomain => Glyph::Exit,
        Kind::GrantAccess => Glyph::Offer,
        Kind::RegisterPtes
        | Kind::AddGrefPte
        | Kind::Mprotect
        | Kind::Mincore
        | Kind::EndAccess
        | Kind::RevokeGrant
        | Kind::Inject
        | Kind::FaultpageDebug => Glyph::Ask,
    }
}

#[cfg(test)]
mod tests {
    use super::search;
    use crate::sim::scenarios;
    use crate::view::names::Names;
    use crate::view::session::{Msg, Position, Session};

    fn found(typed: &str) -> Vec<String> {
        let mut session = Session::of_scenario(&scenarios::all()[0]).expect("the first story can be built");
        session.update(Msg::Seek(Position { step: 3, stop: None }));
        let palette = search(typed, &session, &Names::new(&session.to_file().names));
        let line = |title: &str, entry: &super::Entry| {
            let name: String = entry.name.iter().map(|piece| piece.text.as_str()).collect();
            format!("{title}: {name} ({})", entry.note)
        };
        palette.groups.iter().flat_map(|group| group.entries.iter().map(|entry| line(&group.title, entry))).collect()
    }

    #[test]
    fn a_frame_is_found_with_the_pages_that_map_it() {
        assert_eq!(found("4c0f1"), ["Frame: 4C0F1 (domain 5, count 3)", "Pages that map it: 8000 1000 (saver)"]);
    }

    #[test]
    fn an_address_a_step_and_a_name_are_found() {
        assert_eq!(found("8000 2abc"), ["Address: 8000 2000 (saver, page 2 of 4)"]);
        assert_eq!(found("3.2")[0], "Step: step 3.2 (a micro-step)");
        assert!(found("saver").contains(&"Process: saver (its first page)".to_owned()));
        assert!(found("fork").contains(&"Do: fork (as_dup)".to_owned()));
        assert_eq!(found("nowhere to be seen"), Vec::<String>::new());
    }

    #[test]
    fn commands_alone_after_the_mark() {
        assert!(found(">").len() > 30);
        assert!(found("> 4c0f1").is_empty());
    }
}
