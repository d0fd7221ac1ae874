//! The sheet of keys, and the switch for single letters.

use web_sys::HtmlInputElement;
use yew::{Callback, Event, Html, Properties, TargetCast, classes, component, html};

use crate::ui::dialog::Dialog;
use crate::view::command::Command;
use crate::view::keys::{Column, Help, SHEET};

/// What the component is given.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// Whether single letters are shortcuts.
    pub letters: bool,
    /// What is asked for.
    pub send: Callback<Command>,
}

/// The sheet.
#[component]
pub fn KeysSheet(props: &Props) -> Html {
    let onchange = props.send.reform(|event: Event| {
        Command::Letters(event.target_dyn_into::<HtmlInputElement>().is_some_and(|switch| switch.checked()))
    });
    let title = html! { <>{ "Keys that work here" }</> };
    html! {
        <Dialog label="Keys" {title} class="w880" on_close={props.send.reform(|()| Command::Leave)}>
            <div class="db keys">{ for SHEET.iter().map(|shown| column(shown, props.letters)) }</div>
            <div class="df">
                <span>{ "Letters are physical positions: on AZERTY, W S A D are Z S Q D. Nothing fires while you type." }</span>
                <label class="check end"><input type="checkbox" checked={props.letters} {onchange} />{ "Single-key shortcuts" }</label>
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
