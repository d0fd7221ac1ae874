//! First, back, play, forward, last, the micro-steps, and the counter one can type into.

use web_sys::{HtmlInputElement, KeyboardEvent};
use yew::{AttrValue, Callback, Html, Properties, component, html, use_effect_with, use_node_ref, use_state};

use crate::ui::icon::{Icon, icon};
use crate::view::{command::Command, text::grouped, top::Top};
use std::rc::Rc;

#[derive(PartialEq, Properties)]
struct Props {
    /// Where we are.
    top: Rc<Top>,
    /// Why the last typed place was not gone to.
    complaint: Option<AttrValue>,
    /// What is asked for.
    send: Callback<Command>,
}

/// The transport and the step counter; `complaint` is why the last typed place was not gone to.
pub fn transport(top: &Rc<Top>, complaint: Option<&AttrValue>, send: &Callback<Command>) -> Html {
    let button = |name: &'static str, sign: Icon, command: Command, possible: bool| {
        let send = send.reform(move |_| command.clone());
        html! {
            <button type="button" class="tbtn" aria-label={name} title={name} disabled={!possible} onclick={send}>{ icon(sign, "") }</button>
        }
    };
    let (play, sign) = if top.playing { ("Pause", Icon::Pause) } else { ("Play", Icon::Play) };
    let (back, forward) = (top.can_go_back(), top.can_go_forward());
    html! {
        <div class="transport group" role="toolbar" aria-label="Transport">
            { button("First", Icon::First, Command::First, back) }
            { button("Back", Icon::Back, Command::Back, back) }
            <button type="button" class="tbtn pri" aria-label={play} title={play} disabled={!forward && !top.playing}
                onclick={send.reform(|_| Command::Play)}>{ icon(sign, "") }</button>
            { button("Forward", Icon::Forward, Command::Forward, forward) }
            <span class="group not-phone">{ button("Last", Icon::Last, Command::Last, forward) }</span>
            <span class="gap not-phone"></span>
            <span class="group not-phone">{ button("Micro-step back", Icon::MicroBack, Command::MicroBack, back) }</span>
            { button("Micro-step forward", Icon::MicroForward, Command::MicroForward, forward) }
            <Counter top={top.clone()} complaint={complaint.cloned()} send={send.clone()} />
        </div>
    }
}

#[component]
fn Counter(props: &Props) -> Html {
    let typing = use_state(|| false);
    let field = use_node_ref();
    {
        let field = field.clone();
        use_effect_with(*typing, move |typing| {
            if let (true, Some(field)) = (*typing, field.cast::<HtmlInputElement>()) {
                let _ = field.focus();
                field.select();
            }
        });
    }
    let top = &props.top;
    let begin = {
        let typing = typing.clone();
        Callback::from(move |_| typing.set(true))
    };
    let onkeydown = {
        let (typing, field, send) = (typing.clone(), field.clone(), props.send.clone());
        Callback::from(move |event: KeyboardEvent| match event.key().as_str() {
            "Enter" => {
                if let Some(field) = field.cast::<HtmlInputElement>() {
                    send.emit(Command::Seek(field.value()));
                }
                typing.set(false);
            }
            "Escape" => {
                event.stop_propagation();
                typing.set(false);
            }
            _ => {}
        })
    };
    let onblur = {
        let typing = typing.clone();
        Callback::from(move |_| typing.set(false))
    };
    let at = top.at.to_string();
    let of = format!("of {}", grouped(top.last));
    html! {
        <>
            if *typing {
                <label class="stepno">
                    <span class="dim lbl">{ "step" }</span>
                    <input ref={field} value={at} aria-label="Go to step: a step, step.micro or a percentage" {onkeydown} {onblur} />
                    <span class="dim">{ of }</span>
                </label>
            } else {
                <button type="button" class="stepno" onclick={begin} aria-label={format!("Step {at} {of}, type to go elsewhere")}
                    title="A step (7), a micro-step (2.5) or a share (50%)">
                    <span class="dim lbl">{ "step" }</span><b>{ at }</b><span class="dim">{ of }</span>
                </button>
            }
            if let Some(complaint) = &props.complaint {
                <span class="stepwrong" role="alert">{ complaint }</span>
            }
        </>
    }
}
