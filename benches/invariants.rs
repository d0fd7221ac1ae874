//! What it costs to watch the invariants of a world with 10,000 mapped pages: by the events of one step, and by a full recount.

#![allow(missing_docs, reason = "criterion's macros")]

use criterion::{Criterion, criterion_group, criterion_main};
use mapscope::illumos::abi::{AsId, Dev, KernelBuild, SegId};
use mapscope::sim::invariants::Checker;
use mapscope::sim::op::Dom0Op;
use mapscope::sim::setup::{DomainSetup, FrameRange, XenSetup};
use mapscope::sim::{Act, MachineId, MachineSetup, Op, World};
use mapscope::word::Word;
use mapscope::x86::addr::{Mfn, Va};
use mapscope::x86::fault::Access;
use mapscope::xen::abi::DomId;
use mapscope::xen::{Era, XenBuild};
use std::hint::black_box;

const PAGES: u64 = 10_000;
const FIRST: u64 = 0x10_0000;
const WINDOW: Va = Va(0x8000_0000);
const SPACE: AsId = AsId(0);

fn dom0(op: Dom0Op) -> Op {
    Op { machine: MachineId(0), act: Act::Dom0(op) }
}

fn add(page: u64, count: u64) -> Op {
    let (addr, mfn) = (WINDOW.page_after(page), Word(FIRST + page));
    dom0(Dom0Op::AddMfns { seg: SegId(0), addr, mfn, count: Word(count), domid: DomId(5) })
}

/// A process with twice as many pages as are mapped.
fn large_world() -> World {
    let machine = MachineSetup::Xen(XenSetup {
        era: Era::V3_3,
        xen: XenBuild::Release,
        kernel: KernelBuild::Production,
        pool: vec![FrameRange { first: Mfn(0xa341), count: 96 }],
        domains: vec![DomainSetup {
            id: DomId(5),
            frames: vec![FrameRange { first: Mfn(FIRST), count: 2 * PAGES as u32 }],
        }],
    });
    let mut world = World::build(&[machine]).expect("the set-up is sound");
    let len = Word(2 * PAGES * 0x1000);
    let mmap = Dom0Op::Mmap { space: SPACE, addr: WINDOW, len, prot: 1, maxprot: 0xf, dev: Dev(1) };
    for op in [dom0(Dom0Op::Spawn {}), dom0(mmap), add(0, PAGES)] {
        let _ = world.apply(&op);
    }
    world
}

fn watching(c: &mut Criterion) {
    let world = large_world();
    let checker = Checker::new(&world);
    c.bench_function("a full recount of 10,000 mapped pages", |b| b.iter(|| black_box(Checker::new(&world))));
    let steps = [
        ("a touch", dom0(Dom0Op::Touch { space: SPACE, addr: WINDOW, access: Access::Read })),
        ("one page more", add(PAGES, 1)),
        ("four pages more", add(PAGES, 4)),
        ("a fork of 10,000 tags", dom0(Dom0Op::Fork { space: SPACE })),
    ];
    for (name, op) in steps {
        let mut after = world.clone();
        let events = after.apply(&op).events;
        c.bench_function(&format!("after {name}, beside 10,000 mapped pages"), |b| {
            b.iter(|| black_box(checker.after(&after, op.machine, &events)));
        });
    }
}

criterion_group!(benches, watching);
criterion_main!(benches);
