//! The views beside the map, as plain tables: the page tables of the selection, the frames somebody touched, the grants.

use crate::sim::MachineId;
use crate::view::calls::{frame, reference};
use crate::view::changes::{pin_words, shared_words, type_words};
use crate::view::command::{Command, Place};
use crate::view::look::{Look, PageLook};
use crate::view::names::Names;
use crate::view::session::{Position, Selection, Session};
use crate::view::text::{Chip, Hex, Line, Span, Tone, plain};
use crate::x86::addr::{Level, Mfn};
use crate::x86::pte::Pte;
use crate::xen::abi::{DomId, GrantRef};
use crate::xen::page_info::PageType;

/// The most rows of one table.
const MOST: usize = 400;

/// A row: its cells, what choosing it does, and whether it is the selection's.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// The cells.
    pub cells: Vec<Line>,
    /// What choosing it does.
    pub command: Option<Command>,
    /// What backs the selection, if this is its row.
    pub selected: Option<Tone>,
}

/// A table with its heading.
#[derive(Clone, PartialEq, Debug)]
pub struct Sheet {
    /// The heading.
    pub title: String,
    /// A few words beside it.
    pub note: String,
    /// The names of the columns.
    pub columns: Vec<&'static str>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A view of tables, or what to say when there is none.
#[derive(Clone, PartialEq, Debug)]
pub struct Sheets {
    /// The tables.
    pub sheets: Vec<Sheet>,
    /// What is said when there is no table.
    pub nothing: &'static str,
}

/// A position of the session as a place of the page.
pub fn place(at: Position) -> Place {
    Place { step: u64::from(at.step), micro: at.stop.map(u32::from) }
}

fn mono(text: impl Into<String>) -> Line {
    vec![Span::Mono(text.into())]
}

/// The tables on the way to the selected page, from the top down.
pub fn tables(session: &Session, names: &Names) -> Sheets {
    let nothing = "Select a page in the map: its page tables are shown here, from CR3 down.";
    let Some(Selection::Page { machine, space, va }) = session.selection() else {
        return Sheets { sheets: Vec::new(), nothing };
    };
    let page = Look::of(session.world(), machine).and_then(|look| Some((look, look.page(space, va)?)));
    let Some((look, page)) = page else { return Sheets { sheets: Vec::new(), nothing } };
    let whose = names.space(machine, space);
    let sheets =
        page.walk.rungs.iter().map(|rung| table(look, &page, machine, rung.level, rung.at.frame(), &whose)).collect();
    Sheets { sheets, nothing }
}

fn table(look: Look<'_>, page: &PageLook<'_>, machine: MachineId, level: Level, mfn: Mfn, whose: &str) -> Sheet {
    let here = page.va.index(level);
    let info = look.xen.frame(mfn);
    let counts = look.kernel.space(page.space).and_then(|space| space.hat.tables.get(&mfn));
    let counted = counts.map(|table| {
        format!(" · lock {} · valid {} / {}", table.lock as i32, table.valid as i32, look.present_entries(mfn))
    });
    let mut rows = Vec::new();
    let mut empty = 0_u64;
    for index in 0..512 {
        let entry = Pte(look.memory.word(mfn.entry(index)));
        if entry.0 == 0 && index != here {
            empty += 1;
            continue;
        }
        fold(&mut rows, &mut empty);
        rows.push(entry_row(look, page, machine, level, index, entry));
    }
    fold(&mut rows, &mut empty);
    rows.truncate(MOST);
    Sheet {
        title: format!("L{} of {whose}", level.0 + 1),
        note: format!(
            "{} · count {} · {}{}",
            frame(mfn),
            info.count,
            type_words(info.typ),
            counted.unwrap_or_default()
        ),
        columns: vec!["index", "entry", "bits", "what stands there"],
        rows,
    }
}

/// Empty entries in a row become one line.
fn fold(rows: &mut Vec<Row>, empty: &mut u64) {
    if *empty > 0 {
        let text = format!("×{empty} empty");
        rows.push(Row {
            cells: vec![Line::new(), Line::new(), Line::new(), vec![Span::Dim(text)]],
            command: None,
            selected: None,
        });
        *empty = 0;
    }
}

fn bits(entry: Pte) -> String {
    let letter = |bit, letter| if entry.has(bit) { letter } else { "–" };
    [
        letter(Pte::NO_EXECUTE, "NX"),
        letter(Pte::GLOBAL, "G"),
        letter(Pte::DIRTY, "D"),
        letter(Pte::ACCESSED, "A"),
        letter(Pte::USER, "U"),
        letter(Pte::WRITABLE, "W"),
        letter(Pte::PRESENT, "P"),
    ]
    .join(" ")
}

fn entry_row(look: Look<'_>, page: &PageLook<'_>, machine: MachineId, level: Level, index: u64, entry: Pte) -> Row {
    let is_here = page.va.index(level) == index;
    let mut what = Line::new();
    let mut command = None;
    if level == Level::LEAF {
        let base = crate::x86::addr::Va(page.va.0 & !(level.table_span() - 1));
        let va = base.page_after(index);
        if let Some(at) = look.page(page.space, va) {
            what.push(Span::Chip(Chip::new(at.backing.letter(), at.backing.tone())));
            what.push(Span::Plain(" ".to_owned()));
        }
        what.push(Span::Hex(Hex::address(va.0)));
        if entry.is_present() {
            let owner = look.xen.frame(entry.frame()).owner.map_or_else(|| "nobody".to_owned(), Names::domain);
            what.push(Span::Dim(format!("  frame {} of {owner}", frame(entry.frame()))));
        }
        command = Some(Command::Select(Selection::Page { machine, space: page.space, va }));
    } else if entry.is_present() {
        what.push(Span::Plain(format!("the L{} table at {}", level.0, frame(entry.frame()))));
    } else {
        what.push(Span::Dim("no table".to_owned()));
    }
    Row {
        cells: vec![mono(index.to_string()), vec![Span::Hex(Hex::bare(entry.0, 16))], mono(bits(entry)), what],
        command,
        selected: is_here.then(|| page.backing.tone()),
    }
}

/// Frames of other domains that somebody holds beside their owner, or that were given back and still live.
pub fn frames(session: &Session, names: &Names) -> Sheets {
    let mut sheets = Vec::new();
    for (machine, _) in session.world().machines() {
        let Some(look) = Look::of(session.world(), machine) else { continue };
        for dom in look.xen.domains().map(|domain| domain.id).filter(|dom| *dom != DomId::DOM0) {
            sheets.push(domain_frames(look, session, names, machine, dom));
        }
    }
    Sheets { sheets, nothing: "This machine has no frames to show: it is a recording, or a processor alone." }
}

fn domain_frames(look: Look<'_>, session: &Session, names: &Names, machine: MachineId, dom: DomId) -> Sheet {
    let selected = session.selection();
    let is_data = |kind| !matches!(kind, PageType::Table(_));
    let all = look.xen.frames().filter(|(_, info)| info.owner == Some(dom) && !info.xen_heap && is_data(info.typ.kind));
    let rows = all
        .take(MOST)
        .map(|(mfn, info)| {
            let mut mapped = Line::new();
            for (space, va, entry) in look.mappers(mfn).into_iter().take(4) {
                mapped.push(Span::Plain(format!("{} ", names.space(machine, space))));
                mapped.push(Span::Hex(Hex::address(va.0)));
                mapped.push(Span::Dim(if entry.has(Pte::WRITABLE) { " rw  " } else { " r-  " }.to_owned()));
            }
            let owner = if info.allocated { plain("held") } else { plain("given back") };
            let this = Selection::Frame { machine, mfn };
            Row {
                cells: vec![mono(frame(mfn)), mono(info.count.to_string()), plain(type_words(info.typ)), owner, mapped],
                command: Some(Command::Select(this)),
                selected: (selected == Some(this)).then_some(Tone::Foreign),
            }
        })
        .collect();
    Sheet {
        title: format!("Frames of {}", Names::domain(dom)),
        note: "page tables and Xen’s own left out".to_owned(),
        columns: vec!["frame", "count", "type", "by its owner", "mapped in dom0 by"],
        rows,
    }
}

/// Every grant that is offered or mapped.
pub fn grants(session: &Session, _names: &Names) -> Sheets {
    let mut sheets = Vec::new();
    for (machine, _) in session.world().machines() {
        let Some(look) = Look::of(session.world(), machine) else { continue };
        for dom in look.xen.domains().map(|domain| domain.id).filter(|dom| *dom != DomId::DOM0) {
            let sheet = domain_grants(look, session, machine, dom);
            if !sheet.rows.is_empty() {
                sheets.push(sheet);
            }
        }
    }
    Sheets {
        sheets,
        nothing: "No domain offers a grant at this step. A domain does so with grant_access, in the palette (>).",
    }
}

fn domain_grants(look: Look<'_>, session: &Session, machine: MachineId, granter: DomId) -> Sheet {
    let selected = session.selection();
    let held: Vec<_> = look.xen.maptrack(DomId::DOM0).into_iter().flat_map(|track| track.held()).collect();
    let row = |gref: GrantRef| {
        let shared = look.xen.shared_entry(look.memory, granter, gref)?;
        let active = look.xen.active(granter, gref);
        if shared.flags == 0 && active.is_none() {
            return None;
        }
        let handles: Vec<String> = held
            .iter()
            .filter(|(_, mapping)| mapping.granter == granter && mapping.gref == gref)
            .map(|(handle, _)| handle.0.to_string())
            .collect();
        let pins = active.map_or_else(|| "0 0 0 0".to_owned(), |active| pin_words(active.pins));
        let this = Selection::Grant { machine, granter, gref };
        Some(Row {
            cells: vec![mono(reference(gref)), mono(shared_words(shared)), mono(pins), mono(handles.join(", "))],
            command: Some(Command::Select(this)),
            selected: (selected == Some(this)).then_some(Tone::Granted),
        })
    };
    Sheet {
        title: format!("Grants of {}", Names::domain(granter)),
        note: "pins: host w, host r, device w, device r".to_owned(),
        columns: vec!["grant", "shared entry", "pins", "dom0’s handles"],
        rows: (0..look.xen.grant_entries(granter)).map(GrantRef).filter_map(row).take(MOST).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{frames, grants, tables};
    use crate::illumos::abi::AsId;
    use crate::sim::{MachineId, scenarios};
    use crate::view::names::Names;
    use crate::view::session::{Msg, Position, Selection, Session};
    use crate::view::text::spoken;
    use crate::x86::addr::Va;

    fn at(story: usize, step: u32) -> Session {
        let mut session = Session::of_scenario(&scenarios::all()[story]).expect("a story can be built");
        session.update(Msg::Seek(Position { step, stop: None }));
        session
    }

    #[test]
    fn the_selected_page_has_four_tables_and_its_row_is_marked() {
        let mut session = at(0, 3);
        assert!(tables(&session, &Names::default()).sheets.is_empty());
        let (machine, space, va) = (MachineId(0), AsId(0), Va(0x8000_1000));
        session.update(Msg::Select(Some(Selection::Page { machine, space, va })));
        let shown = tables(&session, &Names::default());
        assert_eq!(shown.sheets.len(), 4);
        let marked: Vec<String> =
            shown.sheets[3].rows.iter().filter(|row| row.selected.is_some()).map(|row| spoken(&row.cells[1])).collect();
        assert_eq!(marked, ["0000 0000 4C0F 1705"]);
    }

    #[test]
    fn frames_say_who_maps_them_and_grants_who_holds_them() {
        let shown = frames(&at(0, 3), &Names::default());
        let row =
            shown.sheets[0].rows.iter().find(|row| spoken(&row.cells[0]) == "4C0F1").expect("the frame is domain 5's");
        assert_eq!(spoken(&row.cells[1]), "3");
        assert!(spoken(&row.cells[4]).starts_with("process 0 8000 1000"));
        let offered = grants(&at(1, 6), &Names::default());
        assert_eq!(offered.sheets[0].rows.len(), 3);
    }
}
