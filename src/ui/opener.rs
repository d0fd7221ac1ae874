//! Opening a session or a recording: what the file is, what it says, and only then the question whether to open it.

use std::rc::Rc;

use web_sys::{DragEvent, File, HtmlElement, HtmlInputElement};
use yew::{Callback, Event, Html, Properties, TargetCast, classes, component, html, use_node_ref, use_state};

use crate::ui::dialog::Dialog;
use crate::ui::{icon, words};
use crate::view::command::Command;
use crate::view::glyph::Glyph;
use crate::view::opened::{Complaint, Opened, Verdict};
use crate::view::text::grouped;

/// What the component is given.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// What became of the file.
    pub opened: Rc<Opened>,
    /// A file was chosen or dropped.
    pub on_file: Callback<File>,
    /// What is asked for.
    pub send: Callback<Command>,
}

/// The dialog.
#[component]
pub fn Opener(props: &Props) -> Html {
    let over = use_state(|| false);
    let picker = use_node_ref();
    let onchange = {
        let on_file = props.on_file.clone();
        Callback::from(move |event: Event| {
            if let Some(file) = event.target_unchecked_into::<HtmlInputElement>().files().and_then(|files| files.get(0))
            {
                on_file.emit(file);
            }
        })
    };
    let pick = {
        let picker = picker.clone();
        Callback::from(move |_| {
            if let Some(picker) = picker.cast::<HtmlElement>() {
                picker.click();
            }
        })
    };
    let ondragover = {
        let over = over.clone();
        Callback::from(move |event: DragEvent| {
            event.prevent_default();
            over.set(true);
        })
    };
    let ondragleave = {
        let over = over.clone();
        Callback::from(move |_: DragEvent| over.set(false))
    };
    let ondrop = {
        let (over, on_file) = (over.clone(), props.on_file.clone());
        Callback::from(move |event: DragEvent| {
            event.prevent_default();
            event.stop_propagation();
            over.set(false);
            if let Some(file) = event.data_transfer().and_then(|data| data.files()).and_then(|files| files.get(0)) {
                on_file.emit(file);
            }
        })
    };
    let ready = match &*props.opened {
        Opened::Nothing | Opened::Refused { .. } => None,
        Opened::Session { .. } => Some("Open this session"),
        Opened::Recording { .. } => Some("Open this recording"),
    };
    html! {
        <Dialog label="Open" title={html! { {"Open a session or a recording"} }} class={classes!("w620", (*over).then_some("dropping"))}
            on_close={props.send.reform(|()| Command::Leave)}>
            <div class="db" {ondragover} {ondragleave} {ondrop}>
                <div class="drop">
                    <span>{ "Drop a file here, or choose one. It stays on this machine." }</span>
                    <input ref={picker} type="file" class="unseen" tabindex="-1" aria-label="File" accept=".json,.jsonl,application/json" {onchange} />
                    <button type="button" class="btn" onclick={pick}>{ "Choose a file" }</button>
                </div>
                { result(&props.opened) }
            </div>
            <div class="df">
                <span>{ "What is open stays as it is until you open the file." }</span>
                <span class="end">
                    <button type="button" class="btn q" onclick={props.send.reform(|_| Command::Leave)}>{ "Cancel" }</button>
                    if let Some(words) = ready {
                        <button type="button" class="btn pri" onclick={props.send.reform(|_| Command::Accept)}>{ words }</button>
                    }
                </span>
            </div>
        </Dialog>
    }
}

fn result(opened: &Opened) -> Html {
    match opened {
        Opened::Nothing => Html::default(),
        Opened::Refused { name, complaint } => refused(name, complaint),
        Opened::Session { name, about } => {
            html! { <p class="small told"><b>{ name }</b>{ ": " }{ words::line(about) }</p> }
        }
        Opened::Recording { name, about, agree, verdicts } => html! {
            <>
                <p class="small told"><b>{ name }</b>{ ": " }{ words::line(about) }</p>
                <p class="small mut" role="status">{ format!("{} steps agree, {} differ.", grouped(*agree), verdicts.iter().filter(|verdict| verdict.differs.is_some()).count()) }</p>
                <table class="verdicts">
                    <thead><tr><th scope="col">{ "step" }</th><th scope="col">{ "call" }</th><th scope="col">{ "verdict" }</th></tr></thead>
                    <tbody>{ for verdicts.iter().map(verdict) }</tbody>
                </table>
            </>
        },
    }
}

fn refused(name: &str, complaint: &Complaint) -> Html {
    html! {
        <div class="complaint" role="alert">
            { icon::glyph(Glyph::Refused) }
            <div><p><b>{ name }</b>{ " was not opened: " }{ &complaint.what }</p><p>{ &complaint.place }</p></div>
        </div>
    }
}

fn verdict(verdict: &Verdict) -> Html {
    let said = match &verdict.differs {
        None => html! { {"agrees"} },
        Some(differs) => html! {
            <>{ "differs at " }<span class="mono">{ &differs.place }</span>{ ": recorded " }<span class="boxed">{ &differs.recorded }</span>{ ", here " }<span class="boxed">{ &differs.model }</span></>
        },
    };
    html! { <tr><td class="mono">{ verdict.step }</td><td class="mono">{ &verdict.call }</td><td>{ said }</td></tr> }
}
