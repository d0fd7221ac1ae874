//! The drawn signs: icons of the controls on a 16 px field, glyphs of the operations on a 12 px field.

use yew::{Html, classes, html};

use crate::view::{command::Verb, glyph::Glyph};

/// An icon of a control.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// To the start.
    First,
    /// Back.
    Back,
    /// Play.
    Play,
    /// Pause.
    Pause,
    /// Forward.
    Forward,
    /// To the end.
    Last,
    /// A micro-step back.
    MicroBack,
    /// A micro-step on.
    MicroForward,
    /// A list opens here.
    Down,
    /// Find.
    Find,
    /// Branches.
    Branch,
    /// Share.
    Share,
    /// Light and dark.
    Theme,
    /// Help.
    Help,
    /// Close.
    Close,
    /// Download.
    Save,
    /// Menu.
    Menu,
    /// Open a file.
    Open,
}

/// An icon; `class` sets its size.
pub fn icon(icon: Icon, class: &'static str) -> Html {
    let strokes = match icon {
        Icon::First => "M3.5 3.5v9M12 4 6.500 8l5.500 4z",
        Icon::Back => "M10 4 5.500 8l4.500 4",
        Icon::Play => "",
        Icon::Pause => "",
        Icon::Forward => "M6 4l4.500 4L6 12",
        Icon::Last => "M12.500 3.500v9M4 4l5.500 4L4 12z",
        Icon::MicroBack => "M13 7.500H3.500L6 5M13 11.500H8.500",
        Icon::MicroForward => "M3 7.500h9.500L10 5M3 11.500h4.500",
        Icon::Down => "M4 6.500l4 3.500 4-3.500",
        Icon::Find => "M9.800 9.800l3.700 3.700M7 11a4 4 0 1 1 0-8 4 4 0 0 1 0 8z",
        Icon::Branch => {
            "M5 5.500v5M5 8.500h3.500q2 0 2-2.500M5 2.500a1.500 1.500 0 1 1 0 3 1.500 1.500 0 0 1 0-3zM5 10.500a1.500 1.500 0 1 1 0 3 1.500 1.500 0 0 1 0-3zM10.500 3a1.500 1.500 0 1 1 0 3 1.500 1.500 0 0 1 0-3z"
        }
        Icon::Share => "M8 9.500V2.500M5.500 4.500 8 2.300l2.500 2.200M5 7H3.500v6h9V7H11",
        Icon::Theme => "M8 13.200a5.200 5.200 0 1 1 0-10.400 5.200 5.200 0 0 1 0 10.400z",
        Icon::Help => {
            "M8 13.500a5.500 5.500 0 1 1 0-11 5.500 5.500 0 0 1 0 11zM6.300 6.600c0-2.200 3.400-2.100 3.400 0 0 1.300-1.700 1.300-1.700 2.700M8 10.700v.9"
        }
        Icon::Close => "M4 4l8 8M12 4l-8 8",
        Icon::Save => "M8 2.500v7M5.300 7 8 9.700 10.700 7M3 13h10",
        Icon::Menu => "M3 4.500h10M3 8h10M3 11.500h10",
        Icon::Open => "M2.500 12.500v-9h4l1.500 2h5.500v7z",
    };
    let solid = match icon {
        Icon::Play => "M5 3.500v9l7.500-4.500z",
        Icon::Pause => "M4.500 3.500h2.500v9H4.500zM9 3.500h2.500v9H9z",
        Icon::Theme => "M8 2.800a5.200 5.200 0 0 1 0 10.400z",
        _ => "",
    };
    html! {
        <svg class={classes!("ic", class)} viewBox="0 0 16 16" aria-hidden="true">
            if !strokes.is_empty() { <path d={strokes} /> }
            if !solid.is_empty() { <path d={solid} fill="currentColor" stroke="none" /> }
        </svg>
    }
}

/// The name's sign: three bands of a map.
pub fn logo() -> Html {
    html! {
        <svg viewBox="0 0 18 18" aria-hidden="true">
            <path d="M1 3h11v3H1zM4 7.750h13v3H4zM1 12.500h8v3H1z" fill="currentColor" />
        </svg>
    }
}

/// The sign of a verb.
pub fn verb(verb: Verb) -> Html {
    glyph(match verb {
        Verb::Map => Glyph::Map,
        Verb::Fault => Glyph::Fault,
        Verb::Dup => Glyph::Dup,
        Verb::Unmap => Glyph::Unmap,
    })
}

/// The sign of a step; its word is for those who cannot see it, and stands beside it where there is room.
pub fn glyph(glyph: Glyph) -> Html {
    const OCTAGON: &str = "M4 1h4l3 3v4l-3 3H4L1 8V4z";
    let shape = match glyph {
        Glyph::Start => html! { <circle cx="6" cy="6" r="3" fill="currentColor" /> },
        Glyph::Map => html! { <path d="M1.500 1.500h9v9h-9z" fill="currentColor" /> },
        Glyph::Unmap => {
            html! { <path d="M2.200 2.200h7.600v7.600H2.200z" fill="none" stroke="currentColor" stroke-width="1.5" /> }
        }
        Glyph::Fault => html! { <path d="M1 2h10l-5 9z" fill="currentColor" /> },
        Glyph::Dup => html! {
            <>
                <path d="M3 2v8M3 5q0 2 3 2t3 3" fill="none" stroke="currentColor" stroke-width="1.5" />
                <circle cx="3" cy="2" r="1.600" fill="currentColor" />
                <circle cx="3" cy="10" r="1.600" fill="currentColor" />
                <circle cx="9" cy="10" r="1.600" fill="currentColor" />
            </>
        },
        Glyph::Offer => {
            html! { <path d="M6 1.500 10.500 6 6 10.500 1.500 6z" fill="none" stroke="currentColor" stroke-width="1.5" /> }
        }
        Glyph::Grant => html! { <path d="M6 .800 11.200 6 6 11.200 .800 6z" fill="currentColor" /> },
        Glyph::Exit => html! { <path d="M2 2l8 8M10 2l-8 8" fill="none" stroke="currentColor" stroke-width="1.6" /> },
        Glyph::Refused => html! {
            <>
                <path d={OCTAGON} fill="none" stroke="currentColor" stroke-width="1.4" />
                <path d="M3.500 6h5" stroke="currentColor" stroke-width="1.6" />
            </>
        },
        Glyph::Panic => html! { <path d={OCTAGON} fill="currentColor" /> },
        Glyph::Ask => html! { <circle cx="6" cy="6" r="3.500" fill="none" stroke="currentColor" stroke-width="1.5" /> },
    };
    let class = classes!("gl", (glyph == Glyph::Panic).then_some("pan"));
    html! { <svg {class} viewBox="0 0 12 12" aria-hidden="true">{ shape }</svg> }
}
