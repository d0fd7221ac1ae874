//! What a translation costs, beside the `x86_64` crate's mapped-page-table translation over the same tables.
//!
//! 10,000 pages, 4 levels, every A and D bit set already. Ours walks as the registers say, checks reserved bits at each level, takes the
//! rights of all levels together, asks every rule of access and looks at A and D; the crate's walks and checks presence alone. The crate
//! reaches a table in two ways: by its place in one flat piece of memory, which nothing can beat and which cannot be cloned with a
//! world, and through a persistent map of frames, as a world's memory is reached.

#![allow(missing_docs, reason = "criterion's macros")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use imbl::OrdMap;
use mapscope::trace::Silent;
use mapscope::word::Word;
use mapscope::x86::addr::{Level, Ma, Mfn, PAGE_SIZE, Va};
use mapscope::x86::control::Boot;
use mapscope::x86::cpu::Cpu;
use mapscope::x86::fault::{Access, Mode};
use mapscope::x86::memory::Memory;
use mapscope::x86::pte::Pte;
use mapscope::x86::rights::Request;
use mapscope::x86::walk::Walk;
use std::hint::black_box;
use x86_64::VirtAddr;
use x86_64::structures::paging::mapper::{MappedPageTable, PageTableFrameMapping, Translate, TranslateResult};
use x86_64::structures::paging::{PageTable, PhysFrame};

const PAGES: u64 = 10_000;
const WINDOW: Va = Va(0x8000_0000);
/// The tables: the top one, one a level below it, then the tables of leaves.
const TABLES: u64 = 3 + PAGES.div_ceil(512);
const LEAVES: Mfn = Mfn(3);
const WRITE: Request = Request::new(Access::Write, Mode::User);

/// Memory with 10,000 pages mapped writable for the user, A and D set.
fn tables() -> Memory {
    let mut memory = Memory::default();
    let mut put = |table: Mfn, index, frame| memory.store_word(table.entry(index), Pte::new(frame, 0x67).0);
    put(Mfn(0), WINDOW.index(Level(3)), Mfn(1));
    put(Mfn(1), WINDOW.index(Level(2)), Mfn(2));
    for n in 0..PAGES {
        put(Mfn(2), WINDOW.index(Level(1)) + n / 512, LEAVES.after(n / 512));
        put(LEAVES.after(n / 512), n % 512, Mfn(0x10_0000 + n));
    }
    memory
}

/// Pages in an order that no prefetcher guesses.
fn pages() -> Vec<Va> {
    (0..PAGES).map(|n| WINDOW.page_after(n * 7919 % PAGES).plus(n % PAGE_SIZE)).collect()
}

/// The same tables side by side, as the crate's own type.
fn flat(memory: &Memory) -> Vec<PageTable> {
    let mut tables: Vec<PageTable> = (0..TABLES).map(|_| PageTable::new()).collect();
    for (frame, table) in (0..).map(Mfn).zip(&mut tables) {
        // SAFETY: a page table is 512 entries of 8 bytes, for which any bits are valid.
        let words: &mut [u64; 512] = unsafe { &mut *std::ptr::from_mut(table).cast() };
        (0..).zip(words).for_each(|(i, word)| *word = memory.word(frame.entry(i)));
    }
    tables
}

/// Tables by their place.
struct Flat(*mut PageTable);

// SAFETY: frame n of the tables is the n-th table, and no other frame is asked for.
unsafe impl PageTableFrameMapping for Flat {
    fn frame_to_pointer(&self, frame: PhysFrame) -> *mut PageTable {
        let index = frame.start_address().as_u64() / PAGE_SIZE;
        self.0.wrapping_add(index as usize)
    }
}

/// Tables behind a persistent map, as frames are in a world.
struct Mapped(OrdMap<Mfn, *mut PageTable>);

// SAFETY: as for `Flat`.
unsafe impl PageTableFrameMapping for Mapped {
    fn frame_to_pointer(&self, frame: PhysFrame) -> *mut PageTable {
        self.0[&Ma(frame.start_address().as_u64()).frame()]
    }
}

fn crates_walk(table: &impl Translate, va: Va) -> u64 {
    match table.translate(VirtAddr::new(va.0)) {
        TranslateResult::Mapped { frame, offset, flags: _ } => frame.start_address().as_u64() + offset,
        TranslateResult::NotMapped | TranslateResult::InvalidFrameAddress(_) => panic!("{va:?} is mapped"),
    }
}

fn translations(c: &mut Criterion) {
    let mut memory = tables();
    let boot = Boot { cr3: Word(0), ..Boot::default() };
    let mut cpu = Cpu::booted(&boot, &memory).expect("the set-up is sound");
    let pages = pages();
    let mut theirs = flat(&memory);
    let first = theirs.as_mut_ptr();
    // The top table is reached through the same pointer as all others.
    // SAFETY: the tables outlive both mappers, and only reads follow.
    let by_place = unsafe { MappedPageTable::new(&mut *first, Flat(first)) };
    let map = Mapped((0..TABLES).map(|n| (Mfn(n), first.wrapping_add(n as usize))).collect());
    // SAFETY: as above.
    let by_map = unsafe { MappedPageTable::new(&mut *first, map) };
    for va in &pages {
        let ours = cpu.reach(&mut memory, *va, WRITE, &mut Silent).expect("silent").expect("mapped").at.0;
        assert_eq!((ours, ours), (crates_walk(&by_place, *va), crates_walk(&by_map, *va)));
    }

    let mut group = c.benchmark_group("translate 10,000 warm pages");
    group.throughput(Throughput::Elements(PAGES));
    group.bench_function("walk, checks, A and D", |b| {
        let walked = |va: Va| {
            let page = Walk::warm(&memory, cpu.regs(), va, true).expect("A and D are set");
            assert_eq!(cpu.regs().refuses(&page, WRITE), None);
            page.reach(va).0
        };
        b.iter(|| pages.iter().fold(0, |sum, va| sum ^ walked(black_box(*va))));
    });
    group.bench_function("an access with its TLB", |b| {
        let mut memory = memory.clone();
        let mut reached =
            |va: Va| cpu.reach(&mut memory, va, WRITE, &mut Silent).expect("silent").expect("mapped").at.0;
        b.iter(|| pages.iter().fold(0, |sum, va| sum ^ reached(black_box(*va))));
    });
    group.bench_function("x86_64 crate, tables by their place", |b| {
        b.iter(|| pages.iter().fold(0, |sum, va| sum ^ crates_walk(&by_place, black_box(*va))));
    });
    group.bench_function("x86_64 crate, tables in a persistent map", |b| {
        b.iter(|| pages.iter().fold(0, |sum, va| sum ^ crates_walk(&by_map, black_box(*va))));
    });
    group.finish();
}

criterion_group!(benches, translations);
criterion_main!(benches);
