//! The whole page: panels in their places, and what lies over them.

use web_sys::File;
use yew::{AttrValue, Callback, Html, Properties, component, html, use_effect_with, use_state};

use crate::ui::action_panel::action_panel;
use crate::ui::banner::first_visit;
use crate::ui::edges::{Edge, EdgeHandle};
use crate::ui::find_box::FindBox;
use crate::ui::inspector::inspector_panel;
use crate::ui::keys_sheet::keys_sheet;
use crate::ui::opener::Opener;
use crate::ui::sharer::Sharer;
use crate::ui::story::story_panel;
use crate::ui::strip::invariant_strip;
use crate::ui::tabs;
use crate::ui::top_bar::top_bar;
use crate::view::command::{Command, Dialog, Sheet, Tab};
use crate::view::page::Page;
use crate::view::text::spoken;

/// What the component is given.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// All that is painted.
    pub page: Page,
    /// The views there are.
    pub tabs: Vec<Tab>,
    /// The view in the middle.
    pub view: Html,
    /// Tools of that view.
    #[prop_or_default]
    pub tools: Html,
    /// The session as its file holds it; asked for when it is shared.
    #[prop_or_default]
    pub text: AttrValue,
    /// The name of that file.
    #[prop_or_default]
    pub name: AttrValue,
    /// A file was chosen or dropped.
    #[prop_or_default]
    pub on_file: Callback<File>,
    /// What is asked for.
    pub send: Callback<Command>,
}

/// The three heights of a narrow screen's sheet.
const HEIGHTS: [&str; 3] = ["88px", "45dvh", "70dvh"];

/// The page.
#[component]
pub fn Workbench(props: &Props) -> Html {
    let (page, send) = (&props.page, &props.send);
    let height = use_state(|| 1_usize);
    use_effect_with(*height, |height| {
        use wasm_bindgen::JsCast;
        let root =
            gloo_utils::document().document_element().and_then(|root| root.dyn_into::<web_sys::HtmlElement>().ok());
        if let Some(root) = root {
            let _ = root.style().set_property("--sheet-h", HEIGHTS[*height]);
        }
    });
    let on_height = {
        let height = height.clone();
        Callback::from(move |()| height.set((*height + 1) % HEIGHTS.len()))
    };
    let sheet = match page.sheet {
        Sheet::Story => "story",
        Sheet::Page => "page",
        Sheet::Act => "act",
    };
    let complaint = page.seek_complaint.clone().map(AttrValue::from);
    let selected = page
        .inspector
        .as_ref()
        .map_or_else(|| "Page".into(), |inspector| AttrValue::from(spoken(&inspector.title).replace("0x", "")));
    html! {
        <>
            <div class="app" data-sheet={sheet}>
                { top_bar(&page.top, complaint.as_ref(), send) }
                <main class="main" data-region="2" aria-label="Views">
                    { tabs::views(&props.tabs, page.tab, &props.tools, send) }
                    <div class="pane fill" id="view" role="tabpanel" aria-labelledby={format!("tab-{}", page.tab.name())}>{ props.view.clone() }</div>
                    if let Some(banner) = &page.banner {
                        { first_visit(banner, &send.reform(|()| Command::TakeOver)) }
                    }
                </main>
                if let Some(strip) = &page.strip { { invariant_strip(strip, send) } }
                { tabs::sheet_parts(page.sheet, &selected, &on_height, send) }
                { story_panel(&page.story, send) }
                { inspector_panel(page.inspector.as_deref(), page.drawer, send) }
                { action_panel(&page.actions, page.armed, page.form_open, send) }
                <EdgeHandle edge={Edge::Actions} /><EdgeHandle edge={Edge::Inspector} /><EdgeHandle edge={Edge::Story} />
            </div>
            <p class="unseen" role="status" aria-live="polite">{ format!("Step {}. {}", page.story.place, spoken(&page.story.sentence)) }</p>
            { over(props) }
        </>
    }
}

fn over(props: &Props) -> Html {
    let (page, send) = (&props.page, &props.send);
    match page.over {
        None => Html::default(),
        Some(Dialog::Find) => html! { <FindBox palette={page.palette.clone()} send={send.clone()} /> },
        Some(Dialog::Keys) => keys_sheet(page.letters, send),
        Some(Dialog::Open) => {
            html! { <Opener opened={page.opened.clone()} on_file={props.on_file.clone()} send={send.clone()} /> }
        }
        Some(Dialog::Share) => {
            html! { <Sharer text={props.text.clone()} name={props.name.clone()} send={send.clone()} /> }
        }
    }
}
