//! The whole page at one moment, panel by panel.

use std::rc::Rc;

use crate::view::{
    actions::Actions,
    command::{Dialog, Sheet, Tab},
    find::Palette,
    inspector::Inspector,
    opened::Opened,
    story::Story,
    strip::Strip,
    top::Top,
};

/// The banner over a story that plays by itself at the first visit.
#[derive(Clone, PartialEq, Debug)]
pub struct Banner {
    /// The sentence of the step that is shown.
    pub sentence: String,
    /// Steps told so far.
    pub told: u64,
    /// Steps in all.
    pub of: u64,
}

/// All that is painted, but for the map.
#[derive(Clone, PartialEq, Debug)]
pub struct Page {
    /// The top bar.
    pub top: Rc<Top>,
    /// The action panel.
    pub actions: Rc<Actions>,
    /// The inspector; none when nothing is selected.
    pub inspector: Option<Rc<Inspector>>,
    /// The invariant strip; none where no invariant is watched.
    pub strip: Option<Rc<Strip>>,
    /// The story.
    pub story: Rc<Story>,
    /// The view in the middle.
    pub tab: Tab,
    /// What lies over the page.
    pub over: Option<Dialog>,
    /// What the find box found.
    pub palette: Rc<Palette>,
    /// The file that was opened.
    pub opened: Rc<Opened>,
    /// What the sheet of a narrow screen shows.
    pub sheet: Sheet,
    /// Whether the inspector is open where it is a drawer.
    pub drawer: bool,
    /// Whether the form lies over the map where the panel is a rail.
    pub form_open: bool,
    /// Whether the next letter is a verb.
    pub armed: bool,
    /// Whether single letters are shortcuts.
    pub letters: bool,
    /// The banner, while the first story plays by itself.
    pub banner: Option<Banner>,
    /// Why the last typed place was not gone to.
    pub seek_complaint: Option<String>,
}
