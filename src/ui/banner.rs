//! The banner of the first visit: a story plays, and any key or click puts the person in charge.

use yew::{Callback, Html, Properties, component, html};

use crate::view::page::Banner;

/// What the component is given.
#[derive(PartialEq, Properties)]
pub struct Props {
    /// What it says.
    pub banner: Banner,
    /// Asked when the person takes over.
    pub on_take: Callback<()>,
}

/// The banner.
#[component]
pub fn FirstVisit(props: &Props) -> Html {
    let banner = &props.banner;
    html! {
        <aside class="banner fade" aria-label="First visit">
            <div class="rowx">
                <p class="say">{ &banner.sentence }</p>
                <button type="button" class="btn take" onclick={props.on_take.reform(|_| ())}>{ "Take over" }</button>
            </div>
            <div class="ticks" aria-hidden="true">{ for (0..banner.of).map(|tick| html! { <i class={(tick < banner.told).then_some("done")}></i> }) }</div>
            <div class="foot">
                <span>{ format!("A {}-step story is playing. Any key or click stops it, and you are in charge.", banner.of) }</span>
                <span>{ format!("{} of {}", banner.told, banner.of) }</span>
            </div>
        </aside>
    }
}
