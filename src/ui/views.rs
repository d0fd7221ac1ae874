//! What stands in the middle: the map, and the views beside it.

use std::cell::RefCell;
use std::rc::Rc;

use yew::{Callback, Html, html};

use crate::ui::chart::{self, Chart, ChartEvent};
use crate::ui::sheets::sheets;
use crate::view::bench::Bench;
use crate::view::chart::Picture;
use crate::view::chart::index::{Index, position};
use crate::view::command::{Command, Tab};
use crate::view::sheets as data;

/// The views there are.
pub const TABS: &[Tab] = &Tab::ALL;

/// The views' own state: what the timeline knows of the session, and what was asked of the map.
#[derive(Default)]
pub struct Views {
    known: RefCell<Option<Known>>,
    asked: Option<(u32, chart::Command)>,
}

struct Known {
    /// Which session the index is of.
    serial: u32,
    /// What of it the picture shows.
    version: u64,
    index: Rc<RefCell<Index>>,
    picture: Rc<Picture>,
}

impl Views {
    /// The view of a tab.
    pub fn view(&self, bench: &Bench, tab: Tab, send: &Callback<Command>) -> Html {
        match tab {
            Tab::Map => {
                let (picture, index) = self.picture(bench);
                let send = send.clone();
                let on_event = Callback::from(move |event| send.emit(command(&index.borrow(), event)));
                html! { <Chart {picture} {on_event} keys={bench.letters()} command={self.asked} /> }
            }
            Tab::Tables => sheets(&data::tables(bench.session(), &bench.names()), send),
            Tab::Frames => sheets(&data::frames(bench.session(), &bench.names()), send),
            Tab::Grants => sheets(&data::grants(bench.session(), &bench.names()), send),
        }
    }

    /// The picture of the session: the same one as long as nothing changed.
    fn picture(&self, bench: &Bench) -> (Rc<Picture>, Rc<RefCell<Index>>) {
        let mut known = self.known.borrow_mut();
        let index = match known.as_ref().filter(|known| known.serial == bench.serial()) {
            Some(known) if known.version == bench.version() => return (known.picture.clone(), known.index.clone()),
            Some(known) => known.index.clone(),
            None => Rc::new(RefCell::new(Index::new(bench.session()))),
        };
        let picture = index.borrow_mut().picture(bench.session());
        let picture = Rc::new(index.borrow().with_breaks(picture, bench.breaks()));
        *known = Some(Known {
            serial: bench.serial(),
            version: bench.version(),
            index: index.clone(),
            picture: picture.clone(),
        });
        (picture, index)
    }

    /// The map looks at the selection.
    pub fn look_at_selection(&mut self) {
        self.ask(chart::Command::Focus);
    }

    /// The map looks at everything.
    pub fn look_at_everything(&mut self) {
        self.ask(chart::Command::Fit);
    }

    fn ask(&mut self, command: chart::Command) {
        let number = self.asked.map_or(1, |(number, _)| number + 1);
        self.asked = Some((number, command));
    }
}

fn command(index: &Index, event: ChartEvent) -> Command {
    match event {
        ChartEvent::Seek(at) => Command::GoTo(data::place(position(at))),
        ChartEvent::Pick { row, at } => {
            let selection = row.and_then(|row| index.selection_of(row, at.step));
            Command::Pick(selection, data::place(position(at)))
        }
    }
}
