//! The top bar: the name, what is open, on which machine, where in it, and the tools.

use std::rc::Rc;

use yew::{AttrValue, Callback, Html, classes, html};

use crate::ui::icon::{Icon, icon, logo};
use crate::ui::menu::{Menu, Picked, pick};
use crate::ui::roving;
use crate::ui::transport::transport;
use crate::view::command::{Command, Dialog};
use crate::view::top::{Setting, Top};

/// The top bar; `complaint` is why the last typed place was not gone to.
pub fn top_bar(top: &Rc<Top>, complaint: Option<&AttrValue>, send: &Callback<Command>) -> Html {
    let tool = |name: &'static str, sign: Icon, command: Command, class: &'static str| {
        let onclick = send.reform(move |_| command.clone());
        html! { <button type="button" class={classes!("tbtn", class)} aria-label={name} title={name} {onclick}>{ icon(sign, "") }</button> }
    };
    let scenario = Picked {
        label: "Scenario",
        choices: &top.scenarios,
        chosen: top.scenario,
        title: &top.title,
        class: "scn",
        ..Picked::default()
    };
    let machine_face = html! { <><span class="txt">{ &top.machine_words }</span>{ icon(Icon::Down, "s") }</> };
    html! {
        <header class="top" data-region="1" aria-label="Top bar">
            <h1 class="brand">{ logo() }<span class="txt">{ "mapscope" }</span></h1>
            <span class="sep"></span>
            { pick(&scenario, send.reform(Command::Scenario)) }
            if let Some(driver) = &top.driver {
                <span class="wide-only">{ segments(0, driver, send) }</span>
            }
            if !top.machine.is_empty() {
                <span class="wide-only">
                    <Menu label="Machine" class="pick" left=true face={machine_face}>{ machine(top, send) }</Menu>
                </span>
            }
            <span class="sep"></span>
            { transport(top, complaint, send) }
            if !top.branches.is_empty() { <span class="wide-only">{ branches(top, send) }</span> }
            <button type="button" class="findbtn" aria-label="Find or do" onclick={send.reform(|_| Command::Over(Dialog::Find))}>
                { icon(Icon::Find, "m") }<span class="txt">{ "Address, frame, grant, step" }</span><kbd>{ "/" }</kbd>
            </button>
            <div class="group not-phone">
                { tool("Open a session or recording", Icon::Open, Command::Over(Dialog::Open), "") }
                { tool("Share", Icon::Share, Command::Over(Dialog::Share), "") }
                { tool("Theme", Icon::Theme, Command::Theme, "wide-only") }
                { tool("Help", Icon::Help, Command::Over(Dialog::Keys), "wide-only") }
            </div>
            <div class="only-menu">
                <Menu label="Menu" class="tbtn" face={icon(Icon::Menu, "")}>
                    if let Some(driver) = &top.driver {
                        <div class="row"><span class="lbl">{ &driver.name }</span>{ segments(0, driver, send) }</div>
                    }
                    { machine(top, send) }
                    if !top.branches.is_empty() {
                        <div class="row"><span class="lbl">{ "Branch" }</span>{ branches(top, send) }</div>
                    }
                    <hr />
                    { item("Open a session or recording", Icon::Open, Command::Over(Dialog::Open), send) }
                    { item("Share", Icon::Share, Command::Over(Dialog::Share), send) }
                    { item("Light or dark", Icon::Theme, Command::Theme, send) }
                    { item("Keys", Icon::Help, Command::Over(Dialog::Keys), send) }
                </Menu>
            </div>
        </header>
    }
}

fn item(name: &'static str, sign: Icon, command: Command, send: &Callback<Command>) -> Html {
    let onclick = send.reform(move |_| command.clone());
    html! { <button type="button" class="item" {onclick}>{ icon(sign, "") }{ name }</button> }
}

fn branches(top: &Top, send: &Callback<Command>) -> Html {
    let branches = Picked {
        label: "Branch",
        choices: &top.branches,
        chosen: Some(top.branch),
        sign: Some(Icon::Branch),
        ..Picked::default()
    };
    pick(&branches, send.reform(Command::Branch))
}

/// The settings of the machine. Changing one replays the steps from the start.
fn machine(top: &Top, send: &Callback<Command>) -> Html {
    let row = |(index, setting): (usize, &Setting)| {
        html! {
            <div class="row">
                <span class="lbl">{ &setting.name }</span>
                { segments(index + 1, setting, send) }
            </div>
        }
    };
    html! {
        <>
            { for top.machine.iter().enumerate().map(row) }
            <p class="note">{ "The same steps are played again on the machine you choose." }</p>
        </>
    }
}

/// Two to four choices, one taken. `index` says which setting it is.
fn segments(index: usize, setting: &Setting, send: &Callback<Command>) -> Html {
    let choice = |(at, name): (usize, &String)| {
        let is_chosen = at == setting.chosen;
        let onclick = send.reform(move |_| Command::Set(index, at));
        html! {
            <button type="button" role="radio" aria-checked={if is_chosen { "true" } else { "false" }} data-rove=""
                tabindex={roving::stop(is_chosen)} {onclick}>{ name }</button>
        }
    };
    html! {
        <div class="seg" role="radiogroup" aria-label={setting.name.clone()} data-arrows="" onkeydown={roving::keys()} onfocusin={roving::stops()}>
            { for setting.choices.iter().enumerate().map(choice) }
        </div>
    }
}
