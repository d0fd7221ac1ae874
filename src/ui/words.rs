//! Lines of words as elements.

use yew::{Html, classes, html};

use crate::view::text::{Chip, Hex, Span, Tone};

/// A line.
pub fn line(line: &[Span]) -> Html {
    line.iter().map(span).collect()
}

fn span(span: &Span) -> Html {
    match span {
        Span::Plain(text) => html! { {text} },
        Span::Dim(text) => html! { <span class="dim">{ text }</span> },
        Span::Mono(text) => html! { <span class="mono">{ text }</span> },
        Span::Word(text) => html! { <span class="word">{ text }</span> },
        Span::Bad(text) => html! { <span class="red">{ text }</span> },
        Span::Hex(number) => hex(number),
        Span::Chip(mark) => chip(mark),
    }
}

/// A number in groups of four, its leading zeros dimmed.
pub fn hex(number: &Hex) -> Html {
    html! {
        <span class="hx">
            if number.prefixed { <span class="dim">{ "0x" }</span> }
            { for number.leading.iter().map(|group| html! { <i class="z">{ group }</i> }) }
            { for number.groups.iter().map(|group| html! { <i>{ group }</i> }) }
        </span>
    }
}

/// A small framed mark.
pub fn chip(chip: &Chip) -> Html {
    html! { <span class={classes!("chip", tone(chip.tone))}>{ &chip.text }</span> }
}

/// The class of a tone.
pub fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Foreign => "mfn",
        Tone::Granted => "gref",
        Tone::Own => "own",
        Tone::Leaked => "leak",
        Tone::Held => "hold",
        Tone::Fact => "fact",
        Tone::Current => "ink",
        Tone::Broken => "bad",
    }
}
