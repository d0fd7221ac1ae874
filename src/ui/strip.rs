//! The invariant strip: a cell for each, and the sentence of one.

use yew::{Callback, Html, classes, html};

use crate::ui::{roving, words};
use crate::view::command::Command;
use crate::view::strip::{Invariant, Standing, Strip};

/// The strip.
pub fn invariant_strip(strip: &Strip, send: &Callback<Command>) -> Html {
    let cell = |(at, invariant): (usize, &Invariant)| {
        let is_shown = at == strip.shown;
        let show = send.reform(move |()| Command::Invariant(at));
        html! {
            <button type="button" class={classes!("iv", standing(invariant.standing))} data-rove="" tabindex={roving::stop(is_shown)}
                aria-current={is_shown.then_some("true")} aria-label={format!("{}, {}", invariant.name, invariant.standing.word())}
                onclick={show.reform(|_| ())} onfocus={show.reform(|_| ())}>{ &invariant.name }</button>
        }
    };
    html! {
        <section class="inv" aria-label="Invariants" data-region="3">
            <h2 class="cap">{ "Invariants" }</h2>
            <div class="cells" data-arrows="" role="group" aria-label="Invariants" onkeydown={roving::keys()} onfocusin={roving::stops()}>
                { for strip.cells.iter().enumerate().map(cell) }
            </div>
            if let Some(shown) = strip.current() {
                <p class="ivtx">
                    <span class={name_class(shown.standing)}>{ &shown.name }</span>{ " " }
                    { words::line(&shown.rule) }{ " " }<span class="mut">{ words::line(&shown.remark) }</span>
                </p>
            }
        </section>
    }
}

fn name_class(standing: Standing) -> &'static str {
    match standing {
        Standing::Broken | Standing::BrokenInside => "red",
        Standing::Holds | Standing::NotAsked => "word",
    }
}

/// The class of a standing.
pub fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Holds => "",
        Standing::Broken => "bad",
        Standing::BrokenInside => "moment",
        Standing::NotAsked => "na",
    }
}
