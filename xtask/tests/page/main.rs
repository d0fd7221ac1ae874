//! The built page, end to end: what a person sees and does in a browser, under a sub-path and the strict policy.

mod by_hand;
mod offline;
mod visit;

use anyhow::{Context, ensure};
use visit::{built_site, visit};

#[test]
fn the_page_opens_under_a_sub_path_and_asks_nobody_else() {
    visit(&built_site().0, async |visit| visit.open().await);
}

#[test]
fn the_page_fits_a_desk_and_a_hand_by_day_and_by_night() {
    visit(&built_site().0, async |visit| {
        for (width, height) in [(1440, 900), (390, 844)] {
            for theme in ["light", "dark"] {
                visit.look(width, height, theme).await?;
                visit.open().await?;
                let sticks_out = "return document.documentElement.scrollWidth - window.innerWidth";
                let sticks_out = visit.run(sticks_out).await?.as_i64().context("a width")?;
                ensure!(sticks_out <= 0, "at {width} by {height} the page is {sticks_out} pixels too wide");
                visit.shoot(&format!("first-visit-{width}x{height}-{theme}")).await?;
            }
        }
        Ok(())
    });
}
