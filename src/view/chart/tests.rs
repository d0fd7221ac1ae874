//! What the timeline looks like, as text.

use expect_test::expect;

use super::fixture::{large, workbench};
use super::sketch::{size, sketch};
use super::{Axis, Measures, Moment, Scale, Stage, Window, card, layout, spoken_rows};

fn desk() -> Window {
    Window::new(888.0, 600.0, Measures::DESK)
}

#[test]
fn the_workbench() {
    expect![[r#""#]].assert_eq(&sketch(&workbench(), &desk()));
}

#[test]
fn zoomed_out_runs_merge_and_red_stays() {
    let mut window = desk();
    window.scale = Scale { step_px: 1.0, ..Scale::START };
    let text = sketch(&workbench(), &window);
    assert!(text.contains('!'), "no red edge in\n{text}");
}

#[test]
fn a_large_picture_costs_what_can_be_seen() {
    let picture = large(1000, 1000);
    let mut window = Window::new(1200.0, 700.0, Measures::DESK);
    window.scale = Scale { tall: 0.27, ..Scale::fit(&Axis::of(&picture), window.plot()) };
    let (items, columns) = size(&layout(&picture, &window));
    let most = 700 / 4 * (1200 / 3);
    assert!(columns <= most, "{columns} columns for at most {most} places");
    assert!(columns > 1000 && items < 8000, "{columns} columns, {items} items");
}

#[test]
fn the_rows_can_be_heard() {
    let (picture, window) = (workbench(), desk());
    let stage = Stage::new(&picture, &window);
    let heard: Vec<String> = spoken_rows(&stage, 6).into_iter().map(|row| row.sentence).collect();
    expect![[r#""#]].assert_eq(&heard.join("\n"));
}

#[test]
fn the_card_says_what_would_be_there() {
    let (picture, window) = (workbench(), desk());
    let stage = Stage::new(&picture, &window);
    let row = stage.row_under(stage.find(picture.selection.unwrap().row).unwrap().y + 3.0);
    expect![[r#""#]].assert_debug_eq(&card(&stage, Moment::step(11), row));
}
