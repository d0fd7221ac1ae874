//! The banner of the first visit: a story plays, and any key or click puts the person in charge.

use yew::{Callback, Html, html};

use crate::view::page::Banner;

/// The banner; `on_take` is asked when the person takes over.
pub fn first_visit(banner: &Banner, on_take: &Callback<()>) -> Html {
    html! {
        <aside class="banner fade" aria-label="First visit">
            <div class="rowx">
                <p class="say">{ &banner.sentence }</p>
                <button type="button" class="btn take" onclick={on_take.reform(|_| ())}>{ "Take over" }</button>
            </div>
            <div class="ticks" aria-hidden="true">{ for (0..banner.of).map(|tick| html! { <i class={(tick < banner.told).then_some("done")}></i> }) }</div>
            <div class="foot">
                <span>{ format!("A {}-step story is playing. Any key or click stops it, and you are in charge.", banner.of) }</span>
                <span>{ format!("{} of {}", banner.told, banner.of) }</span>
            </div>
        </aside>
    }
}
