//! One run on its row: fill, texture, edge, letter, words. Every state differs in shape as well as in colour.

use std::rc::Rc;

use super::layout::playhead_x;
use super::pen::Pen;
use super::rows::{mark_of, thread_of};
use super::{Align, Backing, Dash, Face, Glyph, Ink, Moment, Rect, Rights, Row, Run, Stage, State, Stroke, Texture};

/// The pale colour of a backing: not writable.
pub(super) fn pale(backing: Backing) -> Ink {
    match backing {
        Backing::Foreign => Ink::MfnT,
        Backing::Granted => Ink::GrefT,
        Backing::Own => Ink::OwnT,
    }
}

/// The strong colour of a backing: writable.
pub(super) fn strong(backing: Backing) -> Ink {
    match backing {
        Backing::Foreign => Ink::MfnS,
        Backing::Granted => Ink::GrefS,
        Backing::Own => Ink::OwnS,
    }
}

/// The mark of a backing: bars, frames, links.
pub(super) fn mark(backing: Backing) -> Ink {
    match backing {
        Backing::Foreign => Ink::Mfn,
        Backing::Granted => Ink::Gref,
        Backing::Own => Ink::Own,
    }
}

/// How a state is drawn.
struct Look {
    fill: Option<Ink>,
    texture: Option<Texture>,
    /// A bar along the left edge: something begins here and is real.
    bar: bool,
    frame: Option<Dash>,
    /// Words stand on this where there is a texture or a thread behind them.
    behind: Option<Ink>,
}

const PLAIN: Look = Look { fill: None, texture: None, bar: false, frame: None, behind: None };

fn look(state: State) -> Look {
    let live = |fill| Look { fill: Some(fill), bar: true, ..PLAIN };
    let hollow = |dash| Look { fill: Some(Ink::Panel), frame: Some(dash), ..PLAIN };
    match state {
        State::Empty | State::Absent | State::ZeroCounted => Look { behind: Some(Ink::Panel), ..PLAIN },
        State::Placeholder => Look { texture: Some(Texture::Dots), behind: Some(Ink::Panel), ..live(Ink::HoldT) },
        State::Live(backing, Rights::ReadOnly) => live(pale(backing)),
        State::Live(backing, Rights::Writable) => live(strong(backing)),
        State::Refused => {
            Look { texture: Some(Texture::Hatch), frame: Some(Dash::Solid), behind: Some(Ink::Panel), ..PLAIN }
        }
        State::TagOnly(_) | State::Copied(_) => hollow(Dash::Short),
        State::Leaked => Look {
            texture: Some(Texture::Cross),
            frame: Some(Dash::Solid),
            behind: Some(Ink::LeakT),
            ..live(Ink::LeakT)
        },
        State::Region(backing) => Look { fill: Some(pale(backing)), frame: Some(Dash::Solid), ..PLAIN },
        State::Count(_) => PLAIN,
        State::Offered => hollow(Dash::Solid),
        State::Mapped(Rights::ReadOnly) => live(Ink::GrefT),
        State::Mapped(Rights::Writable) => live(Ink::GrefS),
        State::Waiting => Look {
            texture: Some(Texture::Bars),
            frame: Some(Dash::Solid),
            behind: Some(Ink::GrefT),
            ..live(Ink::GrefT)
        },
    }
}

/// Draws one run into `rect`, which may stick out of the window on both sides. `peak` is the row's largest count.
pub(super) fn draw_run(stage: &Stage, pen: &mut Pen, row: &Row, run: &Run, rect: Rect, peak: u32) {
    // One pixel of air before the next run.
    let rect = Rect { w: (rect.w - 1.0).max(1.0), ..rect };
    if let State::Count(count) = run.state {
        return count_bar(stage, pen, rect, count, peak, run.from);
    }
    let look = look(run.state);
    let ink = mark_of(run.state);
    if let Some((ink, dash)) = thread_of(run.state) {
        pen.thread(rect.x, rect.right(), (rect.y + rect.h / 2.0).floor() + 0.5, ink, dash);
    }
    if let Some(fill) = look.fill {
        pen.fill(rect, fill);
    }
    if let Some(texture) = look.texture {
        pen.texture(rect, texture);
    }
    if look.bar {
        pen.fill(Rect { w: rect.w.min(3.0), ..rect }, ink);
    }
    if let Some(dash) = look.frame {
        pen.outline(rect, Stroke::dashed(ink, 1.0, dash), 0.0);
    }
    if run.locked && rect.h >= 6.0 {
        pen.fill(Rect::new(rect.x + 3.0, rect.bottom() - 1.5, rect.w - 3.0, 1.5), ink);
    }
    if rect.h >= 10.0 {
        if matches!(run.state, State::Region(_) | State::Copied(_)) {
            header(stage, pen, row, run, rect);
        } else {
            labels(stage, pen, row, run, rect, &look);
        }
    }
}

/// The step chart of a count: higher is more, with the number where it changes.
fn count_bar(stage: &Stage, pen: &mut Pen, rect: Rect, count: u32, peak: u32, from: Moment) {
    let full = rect.h - 1.0;
    let height = if count == 0 { 1.0 } else { (3.0 + (full - 3.0) * count as f32 / peak.max(4) as f32).round() };
    let bar = Rect { y: rect.bottom() - height, h: height, w: rect.w + 1.0, ..rect };
    pen.fill(bar, Ink::MfnT);
    let line = Stroke::solid(Ink::Mfn, 1.2);
    pen.line(&[(bar.x + 0.6, bar.bottom()), (bar.x + 0.6, bar.y + 0.6), (bar.right(), bar.y + 0.6)], line);
    let x = bar.x.max(pen.clip().x) + 5.0;
    let said = count.to_string();
    if rect.h >= 10.0 && x + pen.width(&said, Face::MonoBold) < rect.right() {
        let face = if from.step == 0 { Face::Mono } else { Face::MonoBold };
        pen.say(aside(stage, x, pen.width(&said, face)), rect.bottom() - 2.2, &said, face, Ink::Ink, Align::Start);
    }
}

/// A region's header: name and rights on the left, the facts at the playhead on the right.
fn header(stage: &Stage, pen: &mut Pen, row: &Row, run: &Run, rect: Rect) {
    let base = rect.y + rect.h / 2.0 + 3.6;
    let (left, right) = (rect.x.max(pen.clip().x) + 6.0, rect.right().min(pen.clip().right()) - 6.0);
    let Some(name) = run.text.as_ref().and_then(|name| pen.cut(name, Face::MonoBold, right - left)) else { return };
    let end = left + pen.width(&name, Face::MonoBold);
    pen.words(left, base, &name, Face::MonoBold, Ink::Ink, Align::Start);
    let at = stage.picture.last_of(stage.picture.cursor).clamp(run.from, run.to);
    if let Some(facts) = row.facts_at(at)
        && right - end - 16.0 >= pen.width(facts, Face::Mono)
    {
        pen.words(right, base, facts, Face::Mono, Ink::Ink, Align::End);
    }
}

/// The letter at the start, then the words; both slide to stay in sight, and go when there is no room.
fn labels(stage: &Stage, pen: &mut Pen, row: &Row, run: &Run, rect: Rect, look: &Look) {
    let base = rect.y + rect.h / 2.0 + 3.6;
    let end = rect.right().min(pen.clip().right());
    let mut x = rect.x.max(pen.clip().x) + if look.bar { 6.0 } else { 4.0 };
    if run.state == State::Refused {
        let size = if stage.m.narrow { 16.0 } else { 12.0 };
        if end - x > size {
            pen.glyph(Glyph::Refused, x + size / 2.0 - 1.0, rect.y + rect.h / 2.0, size, Ink::Ink);
        }
        x += size + 2.0;
    }
    if let Some(letter) = run.state.letter() {
        if end - x < stage.m.mono + 1.0 {
            return;
        }
        let quiet = run.state == State::Empty;
        clear(pen, x, stage.m.mono, rect, look.behind);
        pen.say(
            x,
            base,
            letter,
            if quiet { Face::Mono } else { Face::MonoBold },
            if quiet { Ink::Ink3 } else { Ink::Ink },
            Align::Start,
        );
        x += stage.m.mono + 4.0;
    }
    if let Some(words) = &run.text {
        let face = if run.state == State::Refused { Face::MonoBold } else { Face::Mono };
        let width = pen.width(words, face);
        x = past_marks(stage, row, run, aside(stage, x, width), width);
        if x + width <= end - 1.0 {
            clear(pen, x, width, rect, look.behind);
            let ink = if thread_of(run.state).is_some() || run.state == State::Offered { Ink::Ink3 } else { Ink::Ink };
            pen.words(x, base, words, face, ink, Align::Start);
        }
    }
}

/// Words that would stand under the playhead go to its right.
fn aside(stage: &Stage, x: f32, width: f32) -> f32 {
    let playhead = playhead_x(stage);
    if x < playhead + 3.0 && x + width > playhead - 3.0 { playhead + 6.0 } else { x }
}

/// Words that would stand under a glyph of the row go to its right.
fn past_marks(stage: &Stage, row: &Row, run: &Run, x: f32, width: f32) -> f32 {
    let start = row.marks.partition_point(|mark| mark.at < run.from);
    // The opened step's glyphs stand elsewhere.
    let opened = stage.axis.opened().map(|(step, _)| step);
    let inside = row.marks[start..].iter().take_while(|mark| mark.at < run.to && Some(mark.at.step) != opened);
    inside
        .map(|mark| stage.x(mark.at))
        .fold(x, |x, glyph| if x < glyph + 8.0 && x + width > glyph - 8.0 { glyph + 10.0 } else { x })
}

fn clear(pen: &mut Pen, x: f32, width: f32, rect: Rect, behind: Option<Ink>) {
    if let Some(ink) = behind {
        pen.fill(Rect::new(x - 2.0, rect.y + 1.5, width + 4.0, rect.h - 3.0), ink);
    }
}

/// Words a run would carry; for cards and readers.
pub(super) fn words_of(run: &Run) -> Option<&Rc<str>> {
    run.text.as_ref()
}
