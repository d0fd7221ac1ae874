//! The inspector: everything that is known of the selection.

use yew::{Callback, Html, classes, html};

use crate::ui::strip::standing;
use crate::ui::{icon, roving, words};
use crate::view::command::{Command, Place};
use crate::view::inspector::{BitCell, BitTone, Fact, Inspector, Right, Rung, Section, Stand, Why};
use crate::view::strip::Standing;
use crate::view::text::{Tone, spoken};

/// The inspector; `open` says whether it is, where it is a drawer.
pub fn inspector_panel(inspector: Option<&Inspector>, open: bool, send: &Callback<Command>) -> Html {
    let close = html! {
        <button type="button" class="tbtn only-drawer" aria-label="Close the inspector" onclick={send.reform(|_| Command::Drawer)}>
            { icon::icon(icon::Icon::Close, "") }
        </button>
    };
    let shown = match inspector {
        None => html! {
            <div class="empty">
                <h2>{ "Nothing selected" }</h2>
                <p>{ "Choose a page, a frame or a grant in the map, or look for one." }</p>
                <button type="button" class="btn" onclick={send.reform(|_| Command::Over(crate::view::command::Dialog::Find))}>{ "Find" }<kbd>{ "/" }</kbd></button>
            </div>
        },
        Some(inspector) => html! {
            <>
                <div class="sec">
                    <div class="crumb">{ inspector.crumb.join(" › ") }</div>
                    <h2 class="ttl">{ words::line(&inspector.title) }{ for inspector.chips.iter().map(words::chip) }</h2>
                    <p class="about">{ words::line(&inspector.about) }</p>
                </div>
                { for inspector.sections.iter().map(|shown| section(shown, send)) }
            </>
        },
    };
    html! {
        <aside class="insp" aria-label="Inspector" data-region="5" data-open={if open { "true" } else { "false" }}>
            { close }
            { shown }
        </aside>
    }
}

fn section(section: &Section, send: &Callback<Command>) -> Html {
    let head = |title: &str, side: Html| html! { <div class="sech"><h3 class="cap">{ title }</h3><span class="side">{ side }</span></div> };
    match section {
        Section::Rights { rungs, whys } => html! {
            <section class="sec" aria-label="Rights, level by level" id="rights" tabindex="-1">
                { head("Rights, level by level", key_button("explain", "X", Command::Explain, send)) }
                { ladder(rungs) }
                if !whys.is_empty() { <div class="why">{ for whys.iter().map(why) }</div> }
            </section>
        },
        Section::Bits { cells, note, facts } => html! {
            <section class="sec" aria-label="Entry, bit by bit">
                { head("Entry, bit by bit", html! { {note} }) }
                <ul class="bits">{ for cells.iter().map(bit) }</ul>
                { fact_list(facts) }
            </section>
        },
        Section::Facts { title, note, facts } => html! {
            <section class="sec" aria-label={title.clone()}>{ head(title, html! { {note} }) }{ fact_list(facts) }</section>
        },
        Section::Followed { title, facts } => html! {
            <section class="sec" aria-label={title.clone()}>
                { head(title, html! { <>{ "follow" }{ key_button("", "[", Command::FollowBack, send) }{ key_button("", "]", Command::FollowFrame, send) }</> }) }
                { fact_list(facts) }
            </section>
        },
        Section::Touched { places, now } => html! {
            <section class="sec" aria-label="Steps that touched it">
                { head("Steps that touched it", html! { <>{ key_button("", ",", Command::TouchBefore, send) }{ key_button("", ".", Command::TouchAfter, send) }</> }) }
                <div class="chips" data-arrows="" onkeydown={roving::keys()} onfocusin={roving::stops()}>
                    { for places.iter().enumerate().map(|(at, place)| touched(at, *place, *now, send)) }
                </div>
            </section>
        },
        Section::Named { invariants } => html! {
            <section class="sec" aria-label="Invariants that name it">
                { head("Invariants that name it", Html::default()) }
                <div class="chips" data-arrows="" onkeydown={roving::keys()} onfocusin={roving::stops()}>
                    { for invariants.iter().enumerate().map(|(at, (index, name, stands))| named(at, *index, name, *stands, send)) }
                </div>
            </section>
        },
    }
}

fn key_button(words: &'static str, key: &'static str, command: Command, send: &Callback<Command>) -> Html {
    let name = match &command {
        Command::Explain => "Explain the rights",
        Command::FollowBack => "Follow back",
        Command::FollowFrame => "Follow to the frame",
        Command::TouchBefore => "Previous step that touched it",
        Command::TouchAfter => "Next step that touches it",
        other => unreachable!("no button of the inspector asks for {other:?}"),
    };
    let onclick = send.reform(move |_| command.clone());
    html! { <button type="button" class="lnkbtn" aria-label={name} title={name} {onclick}>{ words }<kbd>{ key }</kbd></button> }
}

fn ladder(rungs: &[Rung]) -> Html {
    html! {
        <table class="lad">
            <thead><tr>
                <th scope="col">{ "level" }</th><th scope="col">{ "entry as stored" }</th>
                { for [("r", "read"), ("w", "write"), ("x", "execute"), ("u", "user")].map(|(letter, word)| html! {
                    <th scope="col" class="q" abbr={word}>{ letter }</th>
                }) }
            </tr></thead>
            <tbody>{ for rungs.iter().map(rung) }</tbody>
        </table>
    }
}

fn rung(rung: &Rung) -> Html {
    let class = rung.leaf.map(|leaf| classes!("hit", words::tone(leaf)));
    html! {
        <tr {class}>
            <th scope="row">{ &rung.level }</th><td>{ words::line(&rung.entry) }</td>
            { for rung.rights.iter().map(right) }
            { for (rung.rights.len()..4).map(|_| html! { <td class="q gone">{ "·" }</td> }) }
        </tr>
    }
}

fn right(right: &Right) -> Html {
    let (class, letter, said) = stand(*right);
    html! { <td class={classes!("q", class)} aria-label={said}>{ letter }</td> }
}

fn stand(right: Right) -> (&'static str, char, String) {
    let letter = right.letter;
    match right.stand {
        Stand::Given => ("", letter, format!("{letter} given")),
        Stand::Cut => ("cut", letter, format!("{letter} taken here")),
        Stand::Gone => ("gone", '–', format!("{letter} gone")),
        Stand::Violates => ("viol", letter, format!("{letter} given, against a rule")),
    }
}

fn why(why: &Why) -> Html {
    let (class, _, _) = stand(why.right);
    html! { <><span class={classes!("k", class)}>{ why.right.letter }</span><span>{ words::line(&why.text) }</span></> }
}

fn bit(cell: &BitCell) -> Html {
    let class = match cell.tone {
        BitTone::Set => classes!("one"),
        BitTone::Clear => classes!("off"),
        BitTone::Cut => classes!("cut"),
        BitTone::Violates => classes!("viol"),
        BitTone::Field(tone) => classes!("field", words::tone(tone)),
    };
    let said = format!("{}, {}: {}", cell.label, cell.position, cell.value);
    html! { <li {class} title={cell.position.clone()} aria-label={said}><span class="l">{ &cell.label }</span>{ &cell.value }</li> }
}

fn fact_list(facts: &[Fact]) -> Html {
    html! {
        <dl class="kv">
            { for facts.iter().map(|fact| html! { <><dt>{ &fact.name }</dt><dd aria-label={spoken(&fact.value)}>{ words::line(&fact.value) }</dd></> }) }
        </dl>
    }
}

fn touched(at: usize, place: Place, now: Place, send: &Callback<Command>) -> Html {
    let is_now = place == now;
    let class = classes!("chip", is_now.then_some(words::tone(Tone::Current)));
    html! {
        <button type="button" {class} data-rove="" tabindex={roving::stop(at == 0)} aria-current={is_now.then_some("step")}
            aria-label={format!("Step {place}")} onclick={send.reform(move |_| Command::GoTo(place))}>{ place.to_string() }</button>
    }
}

fn named(at: usize, index: usize, name: &str, stands: Standing, send: &Callback<Command>) -> Html {
    html! {
        <button type="button" class={classes!("iv", standing(stands))} data-rove="" tabindex={roving::stop(at == 0)}
            aria-label={format!("{name}, {}", stands.word())} onclick={send.reform(move |_| Command::Invariant(index))}>{ name }</button>
    }
}
