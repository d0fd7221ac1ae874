//! A button with a panel under it, and a list of choices with the browser's own control under a drawn face.

use wasm_bindgen::JsCast;
use web_sys::{Element, FocusEvent, HtmlElement, HtmlSelectElement, KeyboardEvent};
use yew::{
    AttrValue, Callback, Children, Classes, Event, Html, Properties, classes, component, html, use_node_ref, use_state,
};

use crate::ui::icon::{Icon, icon};
use crate::view::command::Choice;

/// What the component is given.
#[derive(PartialEq, Properties)]
pub struct MenuProps {
    /// The accessible name of the button.
    pub label: AttrValue,
    /// The face of the button.
    pub face: Html,
    /// Classes of the button.
    #[prop_or_default]
    pub class: Classes,
    /// Whether the panel lies to the left edge of the button instead of the right one.
    #[prop_or_default]
    pub left: bool,
    /// What the panel holds.
    pub children: Children,
}

/// A button with a panel: Esc or going elsewhere closes it.
#[component]
pub fn Menu(props: &MenuProps) -> Html {
    let open = use_state(|| false);
    let button = use_node_ref();
    let toggle = {
        let open = open.clone();
        Callback::from(move |_| open.set(!*open))
    };
    let onkeydown = {
        let (open, button) = (open.clone(), button.clone());
        Callback::from(move |event: KeyboardEvent| {
            if event.code() == "Escape" && *open {
                event.prevent_default();
                event.stop_propagation();
                open.set(false);
                if let Some(button) = button.cast::<HtmlElement>() {
                    let _ = button.focus();
                }
            }
        })
    };
    let onfocusout = {
        let open = open.clone();
        Callback::from(move |event: FocusEvent| {
            let here = event.current_target().and_then(|here| here.dyn_into::<Element>().ok());
            let there = event.related_target().and_then(|there| there.dyn_into::<web_sys::Node>().ok());
            let inside = here.is_some_and(|here| here.contains(there.as_ref()));
            if there.is_none() || inside {
                return;
            }
            open.set(false);
        })
    };
    let panel = classes!("menu-panel", "fade", props.left.then_some("left"));
    html! {
        <div class="menu" {onkeydown} {onfocusout}>
            <button ref={button} type="button" class={props.class.clone()} aria-label={&props.label}
                aria-haspopup="true" aria-expanded={if *open { "true" } else { "false" }} onclick={toggle}>
                { props.face.clone() }
            </button>
            if *open {
                <div class={panel} role="group" aria-label={&props.label}>{ props.children.clone() }</div>
            }
        </div>
    }
}

/// What a list of choices shows.
#[derive(Default)]
pub struct Picked<'p> {
    /// The accessible name.
    pub label: &'static str,
    /// The choices.
    pub choices: &'p [Choice],
    /// The one taken; none shows `title` alone.
    pub chosen: Option<usize>,
    /// The face, when none of the choices is taken.
    pub title: &'p str,
    /// Whether the note of the choice stands on the face.
    pub with_note: bool,
    /// An icon before the words.
    pub sign: Option<Icon>,
    /// One more class.
    pub class: &'static str,
}

/// One of a list; asks with the index of the choice.
pub fn pick(picked: &Picked<'_>, on_pick: Callback<usize>) -> Html {
    let onchange = Callback::from(move |event: Event| {
        let chosen = event.target_dyn_into::<HtmlSelectElement>().and_then(|list| list.value().parse().ok());
        if let Some(index) = chosen {
            on_pick.emit(index);
        }
    });
    let face = picked.chosen.and_then(|index| picked.choices.get(index));
    let option = |(index, choice): (usize, &Choice)| {
        let text =
            if choice.note.is_empty() { choice.name.clone() } else { format!("{} — {}", choice.name, choice.note) };
        html! { <option value={index.to_string()} selected={picked.chosen == Some(index)}>{ text }</option> }
    };
    html! {
        <div class={classes!("pick", picked.class)}>
            if let Some(sign) = picked.sign { { icon(sign, "m") } }
            <span class="txt" aria-hidden="true">{ face.map_or(picked.title, |choice| &choice.name) }</span>
            if let (true, Some(choice)) = (picked.with_note, face) {
                <span class="dim" aria-hidden="true">{ &choice.note }</span>
            }
            { icon(Icon::Down, "s") }
            <select aria-label={picked.label} {onchange}>
                if picked.chosen.is_none() { <option value="" selected=true disabled=true>{ picked.title }</option> }
                { for picked.choices.iter().enumerate().map(option) }
            </select>
        </div>
    }
}

trait TargetInto {
    fn target_dyn_into<T: JsCast>(&self) -> Option<T>;
}

impl TargetInto for Event {
    fn target_dyn_into<T: JsCast>(&self) -> Option<T> {
        self.target()?.dyn_into().ok()
    }
}
