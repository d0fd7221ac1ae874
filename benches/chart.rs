//! What a frame of the timeline costs before anything is painted: laying out a million runs, near and far.

use std::hint::black_box;
use std::rc::Rc;

use criterion::{Criterion, criterion_group, criterion_main};
use mapscope::view::chart::{
    Axis, Backing, Glyph, Key, Lane, LaneId, Measures, Moment, Picture, Rights, Row, Run, Scale, Stage, State,
    StepMark, What, Window, layout,
};

const ROWS: u64 = 1000;
const RUNS: u32 = 1000;

fn million_runs() -> Picture {
    let states = [
        State::Empty,
        State::Placeholder,
        State::Live(Backing::Foreign, Rights::ReadOnly),
        State::Live(Backing::Granted, Rights::Writable),
    ];
    let row = |n: u64| {
        let state = |i: u32| states[((u64::from(i) * 7 + n * 13 + u64::from(i) * u64::from(i) % 11) % 4) as usize];
        let runs = (0..RUNS).map(|i| Run::new(Moment::step(i * 4 + (n % 4) as u32), state(i)));
        Rc::new(Row { runs: runs.collect(), ..Row::new(Key::new(What::Page, n * 0x1000), "page") })
    };
    let lane = |lane: u64| {
        let rows = (0..ROWS / 10).map(|n| row(lane * 100 + n)).collect();
        Rc::new(Lane::new(LaneId(lane as u32), "process", "", rows))
    };
    let step = || StepMark { glyph: Glyph::Map, sentence: "a step".into() };
    Picture {
        steps: Rc::new((0..=RUNS * 4).map(|_| step()).collect()),
        breaks: Rc::default(),
        undone: None,
        opened: None,
        lanes: (0..10).map(lane).collect(),
        links: Vec::new(),
        cursor: Moment::step(RUNS),
        selection: None,
    }
}

fn frames(c: &mut Criterion) {
    let picture = million_runs();
    let axis = Axis::of(&picture);
    let window = Window::new(1200.0, 700.0, Measures::DESK);
    let fit = Scale::fit(&axis, window.plot());
    let scales = [
        ("one step a column", Scale::START),
        ("a run a few pixels wide", Scale { step_px: 1.5, ..Scale::START }),
        ("a run a few pixels wide, rows flat", Scale { step_px: 1.5, tall: 0.27, ..Scale::START }),
        ("every step, rows flat", Scale { tall: 0.27, ..fit }),
    ];
    for (name, scale) in scales {
        let mut left = 0.0;
        c.bench_function(&format!("chart/pan a million runs/{name}"), |bench| {
            bench.iter(|| {
                left = if left > 1000.0 { 0.0 } else { left + 7.3 };
                let moved = Window { scale: Scale { left, top: left as f32, ..scale }, ..window.clone() };
                let scale = Stage::new(&picture, &moved).clamp(moved.scale);
                layout(&picture, &Window { scale, ..moved.clone() })
            });
        });
    }
    black_box(picture);
}

criterion_group!(benches, frames);
criterion_main!(benches);
