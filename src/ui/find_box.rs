//! The one box: what was typed, what was found, and what can be done with it.

use std::rc::Rc;

use web_sys::{HtmlInputElement, InputEvent, KeyboardEvent};
use yew::{Callback, Html, Properties, TargetCast, component, html, use_effect_with, use_node_ref, use_state};

use crate::ui::dialog::Dialog;
use crate::ui::icon::{self, Icon};
use crate::view::command::Command;
use crate::view::find::{Entry, Palette};
use crate::view::text::grouped;

/// What the component is given.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// What it shows.
    pub palette: Rc<Palette>,
    /// What is asked for.
    pub send: Callback<Command>,
}

/// The box.
#[component]
pub fn FindBox(props: &Props) -> Html {
    let chosen = use_state(|| 0_usize);
    let list = use_node_ref();
    let field = use_node_ref();
    let count = props.palette.len();
    let at = (*chosen).min(count.saturating_sub(1));
    {
        let field = field.clone();
        use_effect_with((), move |()| {
            if let Some(field) = field.cast::<HtmlInputElement>() {
                let _ = field.focus();
            }
        });
    }
    {
        let list = list.clone();
        use_effect_with((at, count), move |_| {
            let chosen = list
                .cast::<web_sys::Element>()
                .and_then(|list| list.query_selector("[aria-selected=true]").ok().flatten());
            if let Some(chosen) = chosen {
                let nearest = web_sys::ScrollIntoViewOptions::new();
                nearest.set_block(web_sys::ScrollLogicalPosition::Nearest);
                chosen.scroll_into_view_with_scroll_into_view_options(&nearest);
            }
        });
    }
    let oninput = {
        let (send, chosen) = (props.send.clone(), chosen.clone());
        Callback::from(move |event: InputEvent| {
            chosen.set(0);
            send.emit(Command::Find(event.target_unchecked_into::<HtmlInputElement>().value()));
        })
    };
    let onkeydown = {
        let (send, chosen, palette) = (props.send.clone(), chosen.clone(), props.palette.clone());
        Callback::from(move |event: KeyboardEvent| {
            match event.code().as_str() {
                "ArrowDown" => chosen.set((at + 1).min(count.saturating_sub(1))),
                "ArrowUp" => chosen.set(at.saturating_sub(1)),
                "Enter" | "NumpadEnter" if count > 0 => send.emit(Command::Take(at)),
                "Tab" if !event.shift_key() && count > 0 => {
                    let name = palette
                        .entry(at)
                        .map(|entry| entry.name.iter().map(|piece| piece.text.as_str()).collect::<String>());
                    send.emit(Command::Find(name.unwrap_or_default()));
                }
                _ => return,
            }
            event.prevent_default();
        })
    };
    let mut index = 0;
    let groups = props.palette.groups.iter().map(|group| {
        let first = index;
        index += group.entries.len();
        html! {
            <section role="group" aria-label={group.title.clone()}>
                <div class="gh" aria-hidden="true"><span class="cap">{ &group.title }</span><span class="cap">{ group.entries.len() }</span></div>
                { for group.entries.iter().enumerate().map(|(place, shown)| entry(first + place, first + place == at, shown, &props.send)) }
            </section>
        }
    });
    html! {
        <Dialog label="Find or do" headed=false class="w620" on_close={props.send.reform(|()| Command::Leave)}>
            <div class="pal-in">
                { icon::icon(Icon::Find, "m") }
                <input ref={field} type="text" role="combobox" aria-label="Address, frame, step, grant, name or > command" aria-expanded="true"
                    aria-controls="found" aria-activedescendant={(count > 0).then(|| format!("found-{at}"))} value={props.palette.typed.clone()}
                    {oninput} {onkeydown} spellcheck="false" autocapitalize="off" autocomplete="off" />
                <span class="side">{ "address, frame, step, grant, name" }<kbd>{ ">" }</kbd>{ "commands" }</span>
            </div>
            <div class="pal" id="found" role="listbox" aria-label="Found" ref={list}>
                { for groups }
                if let Some(nothing) = &props.palette.nothing { <p class="none">{ nothing }</p> }
            </div>
            <div class="df">
                <span><kbd>{ "Up" }</kbd>{ " " }<kbd>{ "Down" }</kbd>{ " choose" }</span><span><kbd>{ "Enter" }</kbd>{ " go" }</span>
                <span><kbd>{ "Tab" }</kbd>{ " fill in" }</span><span><kbd>{ "Esc" }</kbd>{ " close" }</span>
                <span class="end" role="status">{ match count { 1 => "1 result".to_owned(), many => format!("{} results", grouped(many as u64)) } }</span>
            </div>
        </Dialog>
    }
}

fn entry(index: usize, is_chosen: bool, entry: &Entry, send: &Callback<Command>) -> Html {
    html! {
        <div class="pe" role="option" id={format!("found-{index}")} aria-selected={if is_chosen { "true" } else { "false" }}
            onclick={send.reform(move |_| Command::Take(index))}>
            { icon::glyph(entry.glyph) }
            <span class="tx">
                <span class="nm">{ for entry.name.iter().map(|piece| if piece.found { html! { <mark>{ &piece.text }</mark> } } else { html! { {&piece.text} } }) }</span>
                { " " }<span class="mut">{ &entry.note }</span>
            </span>
            <span class="side">{ &entry.side }</span>
        </div>
    }
}
