//! The action panel: who acts, the four verbs, the open form, and what else can be done.

use yew::{Callback, Html, classes, html};

use crate::ui::form::form_view;
use crate::ui::icon;
use crate::ui::menu::{Picked, pick};
use crate::ui::roving;
use crate::view::actions::{Actions, Ends, Offer, VerbButton};
use crate::view::command::Command;
use crate::view::glyph::Glyph;

/// The action panel. `armed`: N was pressed and the next letter is a verb; `open`: the form lies over the map where the panel is a
/// rail.
pub fn action_panel(actions: &Actions, armed: bool, open: bool, send: &Callback<Command>) -> Html {
    let open = if open { "true" } else { "false" };
    html! {
        <aside class="act" aria-label="Actions" data-region="6" data-open={open}>
            <div class="act-who">{ actors(actions, send) }</div>
            <div class="verbs" role="group" aria-label="Verbs" data-arrows="" onkeydown={roving::keys()} onfocusin={roving::stops()}>
                { for actions.verbs.iter().enumerate().map(|(at, button)| verb(at == 0, button, armed, send)) }
            </div>
            <div class="act-body">
                <div class="only-rail-head">{ actors(actions, send) }</div>
                if let Some(form) = &actions.form { { form_view(form, send) } }
                if !actions.also.is_empty() {
                    <div class="hd">
                        <h2 class="cap">{ "Also here" }</h2>
                        <button type="button" class="lnkbtn" onclick={send.reform(|_| Command::Palette)}>{ format!("all {}", actions.all) }<kbd>{ ">" }</kbd></button>
                    </div>
                    { offers("Also here", &actions.also, Command::Also, send) }
                }
                if !actions.others.is_empty() {
                    <div class="hd"><h2 class="cap">{ "The other side" }</h2></div>
                    { offers("The other side", &actions.others, Command::Other, send) }
                }
            </div>
        </aside>
    }
}

fn actors(actions: &Actions, send: &Callback<Command>) -> Html {
    if actions.actors.is_empty() {
        return html! { <div class="hd"><h2 class="cap">{ "Act" }</h2></div> };
    }
    html! {
        <div class="hd">
            <h2 class="cap">{ "Act as" }</h2>
            { pick(&Picked { label: "Act as", choices: &actions.actors, chosen: Some(actions.actor), with_note: true, ..Picked::default() }, send.reform(Command::Actor)) }
        </div>
    }
}

fn verb(is_first: bool, button: &VerbButton, armed: bool, send: &Callback<Command>) -> Html {
    let verb = button.verb;
    let class = classes!("verb", button.not_here.is_some().then_some("nothere"));
    // The name stays exactly the verb's; what else is known of it is a description.
    let note = match (&button.not_here, button.refused) {
        (Some(reason), _) => reason.clone(),
        (None, true) => "would be refused".to_owned(),
        (None, false) => String::new(),
    };
    html! {
        <button type="button" {class} aria-label={verb.name()} aria-description={note.clone()} title={note} aria-pressed={if button.chosen { "true" } else { "false" }}
            data-rove="" tabindex={roving::stop(is_first)} onclick={send.reform(move |_| Command::Choose(verb))}>
            <span class="n">{ icon::verb(verb) }<span class="txt">{ verb.name() }</span></span>
            <span class="k">{ if armed { verb.letter().to_string() } else { format!("N {}", verb.letter()) } }</span>
            if button.refused { <span class="no">{ icon::glyph(Glyph::Refused) }</span> }
        </button>
    }
}

fn offers(label: &'static str, offers: &[Offer], command: fn(usize) -> Command, send: &Callback<Command>) -> Html {
    let offer = |(at, offer): (usize, &Offer)| {
        let (class, sign, spoken) = match offer.forecast.ends() {
            Ends::Well => (None, None, "would answer"),
            Ends::Refused => (Some("no"), Some(Glyph::Refused), "would be refused:"),
            Ends::Panics => (Some("pan"), Some(Glyph::Panic), "would panic:"),
        };
        html! {
            <button type="button" class="op" data-rove="" tabindex={roving::stop(at == 0)} onclick={send.reform(move |_| command(at))}>
                <span class="nm">{ &offer.name }</span>
                <span class="unseen">{ format!(", {spoken} ") }</span>
                <span class={classes!("ans", class)}>{ for sign.map(icon::glyph) }{ offer.forecast.word() }</span>
            </button>
        }
    };
    html! {
        <div class="ops" role="group" aria-label={label} data-arrows="" onkeydown={roving::keys()} onfocusin={roving::stops()}>
            { for offers.iter().enumerate().map(offer) }
        </div>
    }
}
