//! The form of the chosen operation: arguments, what it would answer, the button that does it.

use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlInputElement, HtmlSelectElement, InputEvent, KeyboardEvent, SubmitEvent};
use yew::{Callback, Html, classes, html};

use crate::ui::{icon, words};
use crate::view::actions::{Field, Forecast, Form, Input};
use crate::view::command::Command;
use crate::view::glyph::Glyph;
use crate::view::text::Span;

/// The form.
pub fn form_view(form: &Form, send: &Callback<Command>) -> Html {
    let onsubmit = {
        let send = send.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            send.emit(Command::Commit);
        })
    };
    html! {
        <form class="form" {onsubmit} autocomplete="off" aria-label="Arguments">
            { for form.fields.iter().enumerate().map(|(index, field)| row(index, field, send)) }
            if let Some(forecast) = &form.forecast { { hint(forecast) } }
            <button type="submit" class="go" disabled={form.forecast.is_none()}>
                <span>{ &form.commit }</span><kbd aria-hidden="true">{ "Enter" }</kbd>
            </button>
        </form>
    }
}

fn row(index: usize, field: &Field, send: &Callback<Command>) -> Html {
    let id = format!("arg-{index}");
    let wrong = format!("arg-{index}-wrong");
    let invalid = field.complaint.as_ref().map(|_| "true");
    let control = match &field.input {
        Input::Fixed => html! { <span class="txt" id={id.clone()}>{ &field.value }</span> },
        Input::Text => {
            let oninput = send.reform(move |event: InputEvent| {
                let value = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
                Command::Edit(index, value.map(|field| field.value()).unwrap_or_default())
            });
            html! {
                <input id={id.clone()} value={field.value.clone()} {oninput} spellcheck="false" autocapitalize="off"
                    aria-invalid={invalid} aria-describedby={invalid.map(|_| wrong.clone())} />
            }
        }
        Input::Choice(choices) => {
            let onchange = send.reform(move |event: Event| {
                let value = event.target().and_then(|target| target.dyn_into::<HtmlSelectElement>().ok());
                Command::Edit(index, value.map(|list| list.value()).unwrap_or_default())
            });
            // Enter in a list does it, as in a field.
            let onkeydown = {
                let send = send.clone();
                Callback::from(move |event: KeyboardEvent| {
                    if event.key() == "Enter" {
                        event.prevent_default();
                        send.emit(Command::Commit);
                    }
                })
            };
            let option = |choice: &String| {
                html! { <option value={choice.clone()} selected={*choice == field.value}>{ choice }</option> }
            };
            html! { <select id={id.clone()} {onchange} {onkeydown}>{ for choices.iter().map(option) }</select> }
        }
    };
    let label = match field.input {
        Input::Fixed => html! { <span class="lbl">{ &field.label }</span> },
        Input::Text | Input::Choice(_) => html! { <label for={id}>{ &field.label }</label> },
    };
    html! {
        <div class="fld" key={index}>
            { label }
            <div class="v">
                { control }
                if let Some(origin) = &field.origin { <span class="from">{ origin }</span> }
            </div>
            if let Some(complaint) = &field.complaint { <p class="wrong" id={wrong}>{ complaint }</p> }
        </div>
    }
}

fn hint(forecast: &Forecast) -> Html {
    let (sign, class, says, word, rule) = match forecast {
        Forecast::Answer { word, remark } => (None, "plain", "would answer ", word, remark),
        Forecast::Refusal { word, rule } => (Some(Glyph::Refused), "", "would be refused: ", word, rule),
        Forecast::Panic { word, rule } => (Some(Glyph::Panic), "panic", "would end in: ", word, rule),
    };
    let rule: &[Span] = rule;
    html! {
        <div class={classes!("hint", class)} role="status">
            { for sign.map(icon::glyph) }
            <div>
                <p>{ says }<span class="word">{ word }</span></p>
                if !rule.is_empty() { <p>{ words::line(rule) }</p> }
            </div>
        </div>
    }
}
