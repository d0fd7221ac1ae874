//! What a world costs: to clone, to step, to seek; and the map of frames under it beside those that lost.
//!
//! The rivals keep 4096-byte frames behind `Arc` in a map by frame number and do the same work: clone the map, store one word into
//! one frame of the clone, drop the original. That is what a step does to a checkpointed world.

#![allow(missing_docs, reason = "criterion's macros")]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use mapscope::illumos::abi::{AsId, Dev, KernelBuild, SegId};
use mapscope::sim::op::Dom0Op;
use mapscope::sim::setup::{DomainSetup, FrameRange, XenSetup};
use mapscope::sim::{Act, History, MachineId, MachineSetup, Op, StepId, World};
use mapscope::word::Word;
use mapscope::x86::addr::{Ma, Mfn, Va};
use mapscope::x86::fault::Access;
use mapscope::x86::memory::Memory;
use mapscope::xen::abi::DomId;
use mapscope::xen::{Era, XenBuild};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

type Frame = Arc<[u64; 512]>;

const PAGES: u64 = 10_000;
const WINDOW: Va = Va(0x8000_0000);

fn dom0(op: Dom0Op) -> Op {
    Op { machine: MachineId(0), act: Act::Dom0(op) }
}

/// A process with a segment of 10,000 pages, all mapped.
fn large_world() -> World {
    let machine = MachineSetup::Xen(XenSetup {
        era: Era::V3_3,
        xen: XenBuild::Release,
        kernel: KernelBuild::Production,
        pool: vec![FrameRange { first: Mfn(0xa341), count: 64 }],
        domains: vec![DomainSetup {
            id: DomId(5),
            frames: vec![FrameRange { first: Mfn(0x10_0000), count: 2 * PAGES as u32 }],
        }],
    });
    let mut world = World::build(&[machine]).expect("the set-up is sound");
    let len = Word(2 * PAGES * 0x1000);
    let (space, seg, domid) = (AsId(0), SegId(0), DomId(5));
    for op in [
        Dom0Op::Spawn {},
        Dom0Op::Mmap { space, addr: WINDOW, len, prot: 3, maxprot: 0xf, dev: Dev(1) },
        Dom0Op::AddMfns { seg, addr: WINDOW, mfn: Word(0x10_0000), count: Word(PAGES), domid },
    ] {
        let _ = world.apply(&dom0(op));
    }
    world
}

fn touch(n: u64) -> Op {
    dom0(Dom0Op::Touch { space: AsId(0), addr: WINDOW.page_after(n % PAGES), access: Access::Read })
}

/// Maps one more page, the n-th after those that are mapped.
fn add_one(n: u64) -> Op {
    dom0(Dom0Op::AddMfns {
        seg: SegId(0),
        addr: WINDOW.page_after(PAGES + n),
        mfn: Word(0x10_0000 + PAGES + n),
        count: Word(1),
        domid: DomId(5),
    })
}

fn worlds(c: &mut Criterion) {
    let world = large_world();
    let mut group = c.benchmark_group("a world of 10,000 mapped pages");
    group.bench_function("clone", |b| b.iter(|| black_box(&world).clone()));
    group.bench_function("clone and compare with itself", |b| b.iter(|| black_box(&world).clone() == world));
    group.bench_function("apply a touch", |b| {
        let mut n = 0;
        b.iter_batched_ref(
            || world.clone(),
            |world| {
                n += 1;
                world.apply(&touch(n))
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("apply an add of one page", |b| {
        b.iter_batched_ref(|| world.clone(), |world| world.apply(&add_one(0)), BatchSize::SmallInput);
    });
    group.finish();

    let mut group = c.benchmark_group("a history of 100,000 steps");
    group.sample_size(20);
    let mut history = History::new(world.clone());
    let mut at = (StepId::START, world);
    for n in 0..100_000 {
        let op = if n % 8 == 0 && n / 8 < PAGES { add_one(n / 8) } else { touch(n * 7) };
        let (step, _) = history.push(at.0, op, &mut at.1);
        at.0 = step;
    }
    println!("100,000 steps: {} checkpoints", history.checkpoints());
    for step in [63_u32, 49_983, 99_999] {
        group.bench_function(format!("seek to step {step}"), |b| b.iter(|| history.world_at(black_box(StepId(step)))));
    }
    group.bench_function("one step inside, to its third event", |b| {
        b.iter(|| history.world_within(black_box(StepId(80_001)), 3));
    });
    group.finish();
}

/// Clone, store one word, drop: what each kind of map makes of it with so many frames.
fn frames(c: &mut Criterion) {
    for count in [100_u64, 10_000] {
        let mut group = c.benchmark_group(format!("clone {count} frames and store a word"));
        let frame: Frame = Arc::new([7; 512]);
        let mut n = 0;
        let mut next = move || {
            n = (n + 7919) % count;
            n
        };

        let mut memory = Memory::default();
        for i in 0..count {
            memory.store_word(Ma(i << 12), 7);
        }
        group.bench_function("Memory, a radix tree", |b| {
            b.iter(|| {
                let mut clone = memory.clone();
                clone.store_word(Ma(next() << 12), 8);
                clone
            });
        });

        group.bench_function("Memory, a word read", |b| b.iter(|| memory.word(Ma(next() << 12))));

        let ordered: imbl::OrdMap<u64, Frame> = (0..count).map(|i| (i, frame.clone())).collect();
        group.bench_function("imbl::OrdMap", |b| {
            b.iter(|| {
                let mut clone = ordered.clone();
                Arc::make_mut(clone.get_mut(&next()).expect("every frame is there"))[0] = 8;
                clone
            });
        });
        group.bench_function("imbl::OrdMap, a word read", |b| {
            b.iter(|| ordered.get(&next()).expect("every frame is there")[0]);
        });

        let plain: BTreeMap<u64, Frame> = (0..count).map(|i| (i, frame.clone())).collect();
        group.bench_function("std BTreeMap", |b| {
            b.iter(|| {
                let mut clone = plain.clone();
                Arc::make_mut(clone.get_mut(&next()).expect("every frame is there"))[0] = 8;
                clone
            });
        });

        let red_black: rpds::RedBlackTreeMapSync<u64, Frame> = (0..count).map(|i| (i, frame.clone())).collect();
        group.bench_function("rpds::RedBlackTreeMapSync", |b| {
            b.iter(|| {
                let mut clone = red_black.clone();
                Arc::make_mut(clone.get_mut(&next()).expect("every frame is there"))[0] = 8;
                clone
            });
        });

        group.bench_function("rpds::RedBlackTreeMapSync, a word read", |b| {
            b.iter(|| red_black.get(&next()).expect("every frame is there")[0]);
        });

        let pages: Vec<Frame> = vec![frame.clone(); count as usize];
        group.bench_function("Vec of Arc, no gaps allowed", |b| {
            b.iter(|| {
                let mut clone = pages.clone();
                Arc::make_mut(&mut clone[next() as usize])[0] = 8;
                clone
            });
        });
        group.finish();
    }
}

criterion_group!(benches, worlds, frames);
criterion_main!(benches);
