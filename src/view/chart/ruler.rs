//! The ruler: numbers of steps, their glyphs on the line of this branch, first breaks, and the future that was left.

use super::layout::{grid_every, playhead_x};
use super::pen::Pen;
use super::{Align, Dash, Face, Glyph, Ink, Moment, Rect, Stage, Stroke};

/// Where the rows of the ruler are, below its upper edge.
struct Lines {
    numbers: f32,
    steps: f32,
    breaks: f32,
    undone: f32,
}

const DESK: Lines = Lines { numbers: 12.0, steps: 23.5, breaks: 31.0, undone: 50.5 };
const PHONE: Lines = Lines { numbers: 11.0, steps: 23.0, breaks: 0.0, undone: 0.0 };

pub(super) fn ruler(stage: &Stage, pen: &mut Pen) {
    let m = &stage.m;
    let top = m.overview;
    let lines = if m.narrow { PHONE } else { DESK };
    let area = Rect::new(0.0, top, stage.window.width, m.ruler);
    pen.fill(area, Ink::Panel);
    if let Some((step, _)) = stage.axis.opened() {
        opened(stage, pen, step, top, &lines);
    }
    numbers(stage, pen, top + lines.numbers);
    steps(stage, pen, top + lines.steps);
    if !m.narrow {
        undone(stage, pen, top + lines.steps, top + lines.undone);
        breaks(stage, pen, top + lines.breaks);
    }
    flag(stage, pen, area.bottom());
    pen.fill(Rect { w: m.gutter, ..area }, if m.narrow { Ink::Panel } else { Ink::Panel2 });
    if !m.narrow {
        let x = m.gutter - 6.0;
        pen.say(x, top + 12.0, "step", Face::Sans, Ink::Ink3, Align::End);
        pen.say(x, top + 27.0, "main", Face::Sans, Ink::Ink, Align::End);
        if !stage.picture.breaks.is_empty() {
            pen.say(x, top + 40.0, "breaks", Face::Sans, Ink::Bad, Align::End);
        }
        if stage.picture.undone.is_some() {
            pen.say(x, top + 53.0, "undone", Face::Sans, Ink::Ink3, Align::End);
        }
    }
    pen.fill(Rect::new(0.0, area.bottom() - 1.0, area.w, 1.0), Ink::Line);
}

fn numbers(stage: &Stage, pen: &mut Pen, y: f32) {
    let opened = stage.axis.opened().map(|(step, _)| step);
    let every = grid_every(stage);
    let (from, to) = stage.seen();
    for step in (from.step.next_multiple_of(every)..to.step).step_by(every as usize) {
        if Some(step) != opened {
            pen.say(stage.x(Moment::step(step)), y, &grouped(step), Face::Mono, Ink::Ink2, Align::Middle);
        }
    }
}

fn opened(stage: &Stage, pen: &mut Pen, step: u32, top: f32, lines: &Lines) {
    let (start, end) = (stage.x(Moment::step(step)), stage.x(Moment::step(step + 1)));
    pen.fill(Rect::new(start, top, end - start, stage.m.ruler), Ink::Well);
    let x = start.max(stage.m.gutter) + 4.0;
    let number = grouped(step);
    let title = stage.picture.opened.as_ref().map_or("", |opened| &opened.title);
    let after = x + pen.width(&number, Face::MonoBold) + 5.0;
    if end - x > pen.width(&number, Face::MonoBold) {
        pen.say(x, top + lines.numbers, &number, Face::MonoBold, Ink::Ink, Align::Start);
    }
    // The number of the next step stands half over the column's end.
    let room = end - after - 12.0;
    let short = title.split(',').next().unwrap_or(title);
    let title = if pen.width(title, Face::Sans) <= room { title } else { short };
    if let Some(title) = pen.cut(title, Face::Sans, room) {
        pen.words(after, top + lines.numbers, &title, Face::Sans, Ink::Ink2, Align::Start);
    }
}

/// The line of this branch: a glyph a step where they fit, else a tick where something was refused or panicked.
fn steps(stage: &Stage, pen: &mut Pen, y: f32) {
    let (from, to) = stage.seen();
    let start = stage.x(from).max(stage.m.gutter);
    let end = stage.x(Moment::step(stage.axis.tip())).min(stage.window.width);
    pen.fill(Rect::new(start, y - 0.75, end - start, 1.5), Ink::Line2);
    let opened = stage.axis.opened();
    if stage.step_px() < 9.0 {
        return;
    }
    let (size, room) = (if stage.m.narrow { 13.0 } else { 12.0 }, 7.0);
    for step in from.step..to.step.min(stage.axis.tip() + 1) {
        let Some(mark) = stage.picture.steps.get(step as usize) else { continue };
        if opened.is_some_and(|(opened, _)| opened == step) {
            micros(stage, pen, step, y, size);
            continue;
        }
        let x = stage.x(Moment::step(step));
        // Air in the line on both sides of the glyph.
        pen.fill(Rect::new(x - room, y - 1.0, 2.0 * room, 2.0), Ink::Panel);
        pen.glyph(mark.glyph, x, y, size.min(stage.step_px()), glyph_ink(mark.glyph));
    }
}

fn micros(stage: &Stage, pen: &mut Pen, step: u32, y: f32, size: f32) {
    let at = stage.picture.last_of(stage.picture.cursor);
    let Some(opened) = &stage.picture.opened else { return };
    for micro in &opened.micros {
        let here = Moment::micro(step, micro.at);
        let x = stage.x(here);
        match micro.glyph {
            Some(glyph) => {
                pen.fill(Rect::new(x - 7.0, y - 1.0, 14.0, 2.0), Ink::Well);
                pen.glyph(glyph, x, y, size, glyph_ink(glyph));
            }
            None => {
                let ink = if here <= at { Ink::Ink } else { Ink::Line2 };
                pen.fill(Rect::new(x - 2.5, y - 2.5, 5.0, 5.0), ink);
            }
        }
    }
}

/// Red is for panics; every other operation is ink.
pub(super) fn glyph_ink(glyph: Glyph) -> Ink {
    match glyph {
        Glyph::Panic => Ink::Bad,
        Glyph::Start
        | Glyph::Map
        | Glyph::Unmap
        | Glyph::Fault
        | Glyph::Dup
        | Glyph::Offer
        | Glyph::Grant
        | Glyph::Exit
        | Glyph::Refused
        | Glyph::Ask => Ink::Ink,
    }
}

/// A red flag for each first break, which gives way to the next where they crowd but keeps its edge.
fn breaks(stage: &Stage, pen: &mut Pen, y: f32) {
    let (from, to) = stage.seen();
    let all = &stage.picture.breaks;
    let seen = all.partition_point(|mark| mark.at < from)..all.partition_point(|mark| mark.at < to);
    let mut free = f32::MIN;
    for (i, mark) in all[seen.clone()].iter().enumerate() {
        let x = stage.x(mark.at);
        if mark.passing {
            let line = Stroke::dashed(Ink::Bad, 1.2, Dash::Short);
            pen.line(&[(x, y), (x, y + 12.0)], line);
            continue;
        }
        let width = pen.width(&mark.rules, Face::MonoBold) + 7.0;
        let next =
            all[seen.clone()][i + 1..].iter().find(|next| !next.passing).map_or(f32::MAX, |next| stage.x(next.at));
        if x - 1.5 >= free && x + width <= next.max(x + 3.0) + 2.0 {
            pen.fill(Rect::new(x - 1.5, y, width, 12.0), Ink::Bad);
            pen.words(x + 2.0, y + 9.5, &mark.rules, Face::MonoBold, Ink::OnBad, Align::Start);
            free = x - 1.5 + width;
        } else {
            pen.fill(Rect::new(x - 1.5, y, 3.0, 12.0), Ink::Bad);
        }
    }
}

fn undone(stage: &Stage, pen: &mut Pen, main: f32, y: f32) {
    let Some(undone) = stage.picture.undone.as_deref() else { return };
    let at = |i: usize| stage.x(Moment::step(undone.from)) + (i + 1) as f32 * stage.step_px();
    let x = stage.x(Moment::step(undone.from));
    let end = at(undone.steps.len().saturating_sub(1)) + 8.0;
    let line = Stroke::dashed(Ink::Line2, 1.2, Dash::Short);
    pen.line(&[(x, main + 7.0), (x, y - 8.0), (x + 2.0, y - 3.0), (x + 7.0, y), (end, y)], line);
    if stage.step_px() >= 9.0 {
        for (i, glyph) in undone.steps.iter().enumerate().take_while(|(i, _)| at(*i) < stage.window.width) {
            pen.fill(Rect::new(at(i) - 6.0, y - 5.0, 12.0, 10.0), Ink::Panel);
            pen.glyph(*glyph, at(i), y, 10.0, Ink::Line2);
        }
    }
    pen.words(end + 5.0, y + 3.5, &undone.name, Face::Sans, Ink::Ink3, Align::Start);
}

/// The flag of the playhead with the number it stands at, pointing down.
fn flag(stage: &Stage, pen: &mut Pen, bottom: f32) {
    let x = playhead_x(stage);
    let number = if stage.picture.cursor.micro == 0 {
        grouped(stage.picture.cursor.step)
    } else {
        stage.picture.cursor.to_string()
    };
    let half = (pen.width(&number, Face::MonoBold) / 2.0 + 6.0).round();
    let top = bottom - 15.0;
    // At an edge the flag stays whole, and its tip shows where the playhead stands.
    let middle = x.clamp(stage.m.gutter + half, (stage.window.width - half).max(stage.m.gutter + half));
    pen.item(super::Item::Shape {
        points: vec![
            (middle - half, top),
            (middle + half, top),
            (middle + half, top + 11.0),
            (x + 4.0, top + 11.0),
            (x, top + 15.0),
            (x - 4.0, top + 11.0),
            (middle - half, top + 11.0),
        ],
        ink: Ink::Now,
    });
    pen.say(middle, top + 9.0, &number, Face::MonoBold, Ink::OnInk, Align::Middle);
}

/// A count with its digits in groups of three.
pub(super) fn grouped(n: u32) -> String {
    let digits = n.to_string();
    let mut said = String::with_capacity(digits.len() + 3);
    for (i, digit) in digits.char_indices() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            said.push('\u{2009}');
        }
        said.push(digit);
    }
    said
}
