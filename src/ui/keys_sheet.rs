//! The sheet of keys, and the switch for single letters.

use web_sys::HtmlInputElement;
use yew::{Callback, Event, Html, TargetCast, classes, html};

use crate::ui::dialog::Dialog;
use crate::view::command::Command;
use crate::view::keys::{Column, Help, SHEET};

/// The sheet; `letters` says whether single letters are shortcuts.
pub fn keys_sheet(letters: bool, send: &Callback<Command>) -> Html {
    let onchange = send.reform(|event: Event| {
        Command::Letters(event.target_dyn_into::<HtmlInputElement>().is_some_and(|switch| switch.checked()))
    });
    let title = html! { <>{ "Keys that work here" }</> };
    html! {
        <Dialog label="Keys" {title} class="w880" on_close={send.reform(|()| Command::Leave)}>
            <div class="db keys">{ for SHEET.iter().map(|shown| column(shown, letters)) }</div>
            <div class="df">
                <span>{ "Letters are physical positions: on AZERTY, W S A D are Z S Q D. Nothing fires while you type." }</span>
                <label class="check end"><input type="checkbox" checked={letters} {onchange} />{ "Single-key shortcuts" }</label>
            </div>
        </Dialog>
    }
}

fn column(column: &Column, letters: bool) -> Html {
    html! {
        <div>
            { for column.iter().map(|(title, lines)| html! {
                <section class="kgroup"><h3 class="cap">{ *title }</h3>{ for lines.iter().map(|line| help(line, letters)) }</section>
            }) }
        </div>
    }
}

fn help(help: &Help, letters: bool) -> Html {
    let class = classes!("kr", (help.letter && !letters).then_some("off"));
    html! {
        <div {class}><span>{ help.what }</span><span class="ks">{ for help.keys.iter().map(|key| html! { <kbd>{ *key }</kbd> }) }</span></div>
    }
}
