//! The card beside the pointer: what the state would be there.

use yew::{Html, Properties, component, html};

use crate::view::chart::Card;

/// What the card is made from.
#[derive(Clone, PartialEq, Properties)]
pub(super) struct CardProps {
    pub(super) card: Card,
}

/// The words of the card; its place is set by the chart.
#[component]
pub(super) fn CardBody(props: &CardProps) -> Html {
    let card = &props.card;
    html! {
        <>
            <div class="chart-card-head">
                <b>{ &card.title }</b>
                <span>{ if card.preview { "preview" } else { "now" } }</span>
            </div>
            <p>{ &card.sentence }</p>
            if !card.facts.is_empty() {
                <dl>
                    { for card.facts.iter().map(|(name, value)| html! { <><dt>{ name }</dt><dd>{ value }</dd></> }) }
                </dl>
            }
            if !card.breaks.is_empty() {
                <div class="chart-card-breaks">
                    { for card.breaks.iter().map(|rule| html! { <b>{ rule }</b> }) }
                    <span>{ if card.breaks.len() == 1 { "breaks here" } else { "break here" } }</span>
                </div>
            }
        </>
    }
}
