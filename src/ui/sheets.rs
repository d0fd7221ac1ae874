//! The views beside the map: tables with rows one can choose.

use yew::{Callback, Html, classes, html};

use crate::ui::{roving, words};
use crate::view::command::Command;
use crate::view::sheets::{Row, Sheet, Sheets as Data};

/// The tables.
pub fn sheets(data: &Data, send: &Callback<Command>) -> Html {
    if data.sheets.is_empty() {
        return html! { <div class="empty"><h2>{ "Nothing to show" }</h2><p>{ data.nothing }</p></div> };
    }
    html! {
        <div class="sheets" data-arrows="" onkeydown={roving::keys()} onfocusin={roving::stops()}>
            { for data.sheets.iter().map(|shown| sheet(shown, send)) }
        </div>
    }
}

fn sheet(sheet: &Sheet, send: &Callback<Command>) -> Html {
    html! {
        <section class="sheet" aria-label={sheet.title.clone()}>
            <div class="sech"><h2>{ &sheet.title }</h2><span class="side mono">{ &sheet.note }</span></div>
            <table class="sheet-table">
                <thead><tr>{ for sheet.columns.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr></thead>
                <tbody>{ for sheet.rows.iter().enumerate().map(|(at, shown)| row(at, shown, send)) }</tbody>
            </table>
        </section>
    }
}

fn row(at: usize, row: &Row, send: &Callback<Command>) -> Html {
    let class =
        classes!(row.selected.map(|tone| classes!("sel", words::tone(tone))), row.command.is_some().then_some("can"));
    let chosen = row.command.clone();
    let to = send.clone();
    let onclick = Callback::from(move |_| chosen.iter().for_each(|command| to.emit(command.clone())));
    let cell = |(column, line): (usize, &Vec<_>)| {
        let text = words::line(line);
        // The first cell is the row's button: keys and readers choose by it, the pointer by the whole row.
        match (&row.command, column) {
            (Some(command), 0) => {
                let command = command.clone();
                let choose = send.reform(move |event: yew::MouseEvent| {
                    event.stop_propagation();
                    command.clone()
                });
                html! { <td class="mono"><button type="button" class="cellbtn" data-rove="" tabindex={roving::stop(at == 0)} aria-pressed={row.selected.map(|_| "true")} onclick={choose}>{ text }</button></td> }
            }
            _ => html! { <td class="mono">{ text }</td> },
        }
    };
    html! { <tr {class} {onclick}>{ for row.cells.iter().enumerate().map(cell) }</tr> }
}
