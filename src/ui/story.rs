//! The story: the steps, the calls of the open one, what the current call changed.

use wasm_bindgen::JsCast;
use web_sys::HtmlElement;
use yew::{Callback, Html, classes, html};

use crate::ui::{icon, roving, words};
use crate::view::command::{Command, Place};
use crate::view::story::{CallRow, Change, ChangeRow, Story, StoryRow, When};
use crate::view::text::grouped;

/// Brings the current rows into view, each in its own column; for after a paint.
pub fn reveal_current() {
    let Ok(current) = gloo_utils::document().query_selector_all(".story [aria-current]") else { return };
    for at in 0..current.length() {
        if let Some(row) = current.item(at).and_then(|node| node.dyn_into::<HtmlElement>().ok()) {
            reveal(&row);
        }
    }
}

/// The story.
pub fn story_panel(story: &Story, send: &Callback<Command>) -> Html {
    html! {
        <section class="story" aria-label="Story" data-region="4">
            <div class="scol">
                <div class="col steps" role="group" aria-label="Steps" data-arrows="" onkeydown={roving::keys()} onfocusin={roving::stops()}>
                    if story.before > 0 { <p class="more">{ format!("{} steps before", grouped(story.before)) }</p> }
                    { for story.rows.iter().map(|row| step(row, send)) }
                    if story.after > 0 { <p class="more">{ format!("{} steps after", grouped(story.after)) }</p> }
                </div>
                <div class="col calls" role="group" aria-label={format!("Calls of step {}", story.place.step)} data-arrows="" onkeydown={roving::keys()} onfocusin={roving::stops()}>
                    <p class="sent">{ words::line(&story.sentence) }</p>
                    if story.calls_before > 0 { <p class="more">{ format!("{} rows before", grouped(story.calls_before)) }</p> }
                    { for story.calls.iter().map(|row| call(row, story.place.step, send)) }
                    if story.calls_after > 0 { <p class="more">{ format!("{} rows after", grouped(story.calls_after)) }</p> }
                </div>
                <div class="col changed" role="group" aria-label="What changed">
                    <div class="chgh">
                        <h2 class="cap">{ format!("What {} changed", story.place) }</h2>
                        <span class="dim small">{ "only changes" }</span>
                    </div>
                    if story.changes.is_empty() { <p class="chg dim">{ "Nothing" }</p> }
                    { for story.changes.iter().map(change) }
                    if let Some(remark) = &story.remark { <p class="remark">{ words::line(remark) }</p> }
                </div>
            </div>
        </section>
    }
}

/// Scrolls the row's own column, if that scrolls, and nothing else: on a narrow screen the columns lie in one sheet, and the
/// sheet stays where the reader has it.
fn reveal(row: &HtmlElement) {
    let Ok(Some(column)) = row.closest(".col") else { return };
    let (above, below) = (row.get_bounding_client_rect(), column.get_bounding_client_rect());
    if above.top() < below.top() + 40.0 {
        column.set_scroll_top(column.scroll_top() - (below.top() + 40.0 - above.top()) as i32);
    } else if above.bottom() > below.bottom() {
        column.set_scroll_top(column.scroll_top() + (above.bottom() - below.bottom()) as i32);
    }
}

fn step(row: &StoryRow, send: &Callback<Command>) -> Html {
    let step = row.step;
    let is_now = row.when == When::Now;
    html! {
        <button type="button" class="st" key={step} data-rove="" tabindex={roving::stop(is_now)} aria-current={is_now.then_some("step")}
            onclick={send.reform(move |_| Command::GoTo(Place::step(step)))}>
            { icon::glyph(row.glyph) }<span class="n">{ step }</span><span>{ &row.sentence }</span>
        </button>
    }
}

fn call(row: &CallRow, step: u64, send: &Callback<Command>) -> Html {
    let is_now = row.when == When::Now;
    let class = classes!("ct", (row.when == When::Later).then_some("later"));
    let cells = html! {
        <>
            <span class="m">{ row.micro.map(|micro| Place::micro(step, micro).to_string()).unwrap_or_default() }</span>
            <span class="fn"><span class="tw" aria-hidden="true">{ &row.tree }</span>{ &row.function }<span class="a">{ &row.arguments }</span></span>
            <span class="ret">{ row.answer.as_deref().unwrap_or_default() }</span>
        </>
    };
    match row.micro {
        None => html! { <div {class}>{ cells }</div> },
        Some(micro) => html! {
            <button type="button" {class} data-rove="" tabindex={roving::stop(is_now)} aria-current={is_now.then_some("step")}
                onclick={send.reform(move |_| Command::GoTo(Place::micro(step, micro)))}>{ cells }</button>
        },
    }
}

fn change(row: &ChangeRow) -> Html {
    let value = match &row.change {
        Change::Became { old, new } => html! { <><s>{ old }</s><b>{ new }</b></> },
        Change::New(new) => html! { <b>{ "+ " }{ new }</b> },
        Change::Gone(old) => html! { <><s>{ old }</s><b>{ "gone" }</b></> },
        Change::Said(word) => html! { <b>{ word }</b> },
    };
    html! {
        <dl class="chg">
            <dt class={row.is_name.then_some("mono small")}>{ &row.what }</dt>
            <dd>{ value }if let Some(note) = &row.note { <span class="note">{ note }</span> }</dd>
        </dl>
    }
}
