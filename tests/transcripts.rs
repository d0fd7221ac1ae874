//! The worked examples of the reference on the whole machine, entry by entry: what a process's pages map, what the driver
//! believes, what the HAT counts, after every change of a page.
//!
//! A row shows, for each page, the entry as it stands in memory and the driver's tag; then softlockcnt, the counters of the
//! table of leaves as the kernel prints them (lock, valid) and how many entries are there in truth, and the domain bound.

#![cfg(not(target_arch = "wasm32"))]

mod worlds;

use expect_test::expect;
use mapscope::illumos::abi::{AsId, Dev, SegId};
use mapscope::illumos::privcmd::MmapEntry;
use mapscope::illumos::seg_mf::Tag;
use mapscope::sim::answer::IllumosAnswer;
use mapscope::sim::op::Dom0Op;
use mapscope::sim::{Answer, Op, World};
use mapscope::view::look::Look;
use mapscope::view::names::Names;
use mapscope::view::words::step as sentence;
use mapscope::word::Word;
use mapscope::x86::addr::{Level, Mfn, Va};
use mapscope::x86::fault::Access;
use mapscope::xen::abi::{DomId, GrantRef};
use mapscope::xen::{Era, XenBuild};
use worlds::{CHILD, FIRST, MACHINE, dom0, offer, range, world, xen_setup};

const WINDOW: Va = Va(0x8000_0000);
const TAP_WINDOW: Va = Va(0x8040_0000);
const SEG: SegId = SegId(0);

/// Does the ops one by one; of each, tells its sentence and every state of the pages on the way that differs from the one before.
fn tell(world: &mut World, pages: &[(AsId, Va)], ops: &[Op]) -> String {
    let names = Names::default();
    let mut told = String::new();
    for op in ops {
        let before = world.clone();
        let outcome = world.apply(op);
        told += &format!("{}\n", sentence(&names, op, &outcome.answer));
        let mut last = row(&before, pages);
        for fuel in 1..=outcome.events.len() {
            let mut within = before.clone();
            let _ = within.apply_with_fuel(op, fuel);
            let now = row(&within, pages);
            if now != last {
                told += &now;
            }
            last = now;
        }
    }
    told
}

/// Does the ops and tells what the pages are after each.
fn tell_ends(world: &mut World, pages: &[(AsId, Va)], ops: &[Op]) -> String {
    let names = Names::default();
    let mut told = String::new();
    for op in ops {
        let outcome = world.apply(op);
        told += &format!("{}\n{}", sentence(&names, op, &outcome.answer), row(world, pages));
    }
    told
}

fn row(world: &World, pages: &[(AsId, Va)]) -> String {
    let look = Look::of(world, MACHINE).expect("a Xen machine");
    let mut entries = Vec::new();
    let mut tail = String::new();
    for (space, va) in pages {
        let Some(page) = look.page(*space, *va) else { continue };
        let letter = page.entry.map_or('-', |entry| match entry.tag {
            Tag::Empty => 'E',
            Tag::Mfn => 'M',
            Tag::Gref => 'G',
            Tag::Unset => '?',
        });
        let leaf = page.leaf().0;
        entries.push(if leaf == 0 { format!("{letter} 0") } else { format!("{letter} {leaf:016X}") });
        if let Some(data) = page.data {
            tail = format!("soft {} {} dom {}", data.softlockcnt, counters(&look, *space, *va), data.domid);
        }
    }
    format!("    {} | {tail}\n", entries.join("  "))
}

fn counters(look: &Look<'_>, space: AsId, va: Va) -> String {
    let spaces = look.kernel.space(space).expect("the space was just looked at");
    let leaves =
        spaces.hat.tables.iter().find(|(_, table)| {
            table.level == Level::LEAF && va.0.wrapping_sub(table.base.0) < Level::LEAF.table_span()
        });
    leaves.map_or("no table".to_owned(), |(mfn, table)| {
        let (lock, valid) = (table.lock as i32, table.valid as i32);
        format!("table {:05X} lock {lock} valid {valid} present {}", mfn.0, look.present_entries(*mfn))
    })
}

fn mmap(addr: Va, pages: u64, prot: u8, dev: u32) -> Op {
    let len = Word(pages * 0x1000);
    dom0(Dom0Op::Mmap { space: FIRST, addr, len, prot, maxprot: 0xf, dev: Dev(dev) })
}

fn ioctl_mmap(space: AsId, domid: u16, mfn: u64, npages: u64) -> Op {
    let entries = vec![MmapEntry { va: WINDOW, mfn: Word(mfn), npages: Word(npages) }];
    dom0(Dom0Op::IoctlMmap { space, domid: DomId(domid), entries })
}

fn munmap(space: AsId, addr: Va, pages: u64) -> Op {
    dom0(Dom0Op::Munmap { space, addr, len: Word(pages * 0x1000) })
}

fn touch(space: AsId, addr: Va, access: Access) -> Op {
    dom0(Dom0Op::Touch { space, addr, access })
}

fn batch() -> Op {
    let mfns = [0x4_c0f0, 0x4_c0f1, 0x7f_ffff, 0x4_c0f7].map(Word).to_vec();
    dom0(Dom0Op::IoctlMmapbatch { space: FIRST, domid: DomId(5), addr: WINDOW, mfns })
}

/// The saver's machine: the level-0 table will lie at frame 0xA345.
fn saver() -> World {
    world(xen_setup(range(0xa341, 64), &[(5, &[range(0x4_c0f0, 16)]), (6, &[range(0x6_0000, 4)])]))
}

fn pages_of(space: AsId, first: Va, count: u64) -> Vec<(AsId, Va)> {
    (0..count).map(|n| (space, first.page_after(n))).collect()
}

/// `illumos.md` 7.1.
#[test]
fn saving_four_foreign_pages_one_bad() {
    let mut world = saver();
    let pages = pages_of(FIRST, WINDOW, 4);
    let ops = [dom0(Dom0Op::Spawn {}), mmap(WINDOW, 4, 1, 1), batch(), touch(FIRST, WINDOW, Access::Read)];
    let told = tell(&mut world, &pages, &ops);
    expect![[r#"
        a process starts: process 0
            - 0  - 0  - 0  - 0 | 
        process 0 maps 4 pages of privcmd at 8000 0000, r--
            E 0  E 0  E 0  E 0 | soft 0 no table dom 0
        process 0 asks for 4 frames of domain 5: 3 live, page 2 refused, answer still 0
            E 0  E 0  E 0  E 0 | soft 0 no table dom 5
            M 0  E 0  E 0  E 0 | soft 0 no table dom 5
            M 0  E 0  E 0  E 0 | soft 1 no table dom 5
            M 0  E 0  E 0  E 0 | soft 1 table 0A345 lock 0 valid 0 present 0 dom 5
            M 0  E 0  E 0  E 0 | soft 1 table 0A345 lock 1 valid 0 present 0 dom 5
            M 8010000000100465  E 0  E 0  E 0 | soft 1 table 0A345 lock 1 valid 0 present 1 dom 5
            M 8010000000100465  E 0  E 0  E 0 | soft 1 table 0A345 lock 1 valid 1 present 1 dom 5
            M 000000004C0F0705  E 0  E 0  E 0 | soft 1 table 0A345 lock 1 valid 1 present 1 dom 5
            M 000000004C0F0705  M 0  E 0  E 0 | soft 1 table 0A345 lock 1 valid 1 present 1 dom 5
            M 000000004C0F0705  M 0  E 0  E 0 | soft 2 table 0A345 lock 1 valid 1 present 1 dom 5
            M 000000004C0F0705  M 0  E 0  E 0 | soft 2 table 0A345 lock 2 valid 1 present 1 dom 5
            M 000000004C0F0705  M 8010000000100465  E 0  E 0 | soft 2 table 0A345 lock 2 valid 1 present 2 dom 5
            M 000000004C0F0705  M 8010000000100465  E 0  E 0 | soft 2 table 0A345 lock 2 valid 2 present 2 dom 5
            M 000000004C0F0705  M 000000004C0F1705  E 0  E 0 | soft 2 table 0A345 lock 2 valid 2 present 2 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 0  E 0 | soft 2 table 0A345 lock 2 valid 2 present 2 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 0  E 0 | soft 3 table 0A345 lock 2 valid 2 present 2 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 0  E 0 | soft 3 table 0A345 lock 3 valid 2 present 2 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 8010000000100465  E 0 | soft 3 table 0A345 lock 3 valid 2 present 3 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 8010000000100465  E 0 | soft 3 table 0A345 lock 3 valid 3 present 3 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 8010000000100465  E 0 | soft 2 table 0A345 lock 3 valid 3 present 3 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 8010000000100465  E 0 | soft 2 table 0A345 lock 2 valid 3 present 3 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 0  E 0 | soft 2 table 0A345 lock 2 valid 3 present 2 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 0  E 0 | soft 2 table 0A345 lock 2 valid 2 present 2 dom 5
            M 000000004C0F0705  M 000000004C0F1705  E 0  E 0 | soft 2 table 0A345 lock 2 valid 2 present 2 dom 5
            M 000000004C0F0705  M 000000004C0F1705  E 0  M 0 | soft 2 table 0A345 lock 2 valid 2 present 2 dom 5
            M 000000004C0F0705  M 000000004C0F1705  E 0  M 0 | soft 3 table 0A345 lock 2 valid 2 present 2 dom 5
            M 000000004C0F0705  M 000000004C0F1705  E 0  M 0 | soft 3 table 0A345 lock 3 valid 2 present 2 dom 5
            M 000000004C0F0705  M 000000004C0F1705  E 0  M 8010000000100465 | soft 3 table 0A345 lock 3 valid 2 present 3 dom 5
            M 000000004C0F0705  M 000000004C0F1705  E 0  M 8010000000100465 | soft 3 table 0A345 lock 3 valid 3 present 3 dom 5
            M 000000004C0F0705  M 000000004C0F1705  E 0  M 000000004C0F7705 | soft 3 table 0A345 lock 3 valid 3 present 3 dom 5
        process 0 reads 8000 0000: frame 4C0F0
            M 000000004C0F0725  M 000000004C0F1705  E 0  M 000000004C0F7705 | soft 3 table 0A345 lock 3 valid 3 present 3 dom 5
    "#]].assert_eq(&told);
}

/// The array that 7.1's batch leaves, and the entry of the level-1 table while the level-0 table lives.
#[test]
fn the_batch_marks_the_bad_frame_and_answers_0() {
    let mut world = saver();
    for op in [dom0(Dom0Op::Spawn {}), mmap(WINDOW, 4, 1, 1)] {
        let _ = world.apply(&op);
    }
    let outcome = world.apply(&batch());
    let Answer::Illumos(IllumosAnswer::Batch { errno, mfns }) = outcome.answer else {
        panic!("a batch answers with its array, not with {:?}", outcome.answer)
    };
    assert_eq!((errno.0, mfns[2]), (0, Word(0xf07f_ffff)));
    let look = Look::of(&world, MACHINE).expect("a Xen machine");
    let page = look.page(FIRST, WINDOW).expect("the saver lives");
    let upper = page.walk.rungs.iter().find(|rung| rung.level == Level(1)).expect("the walk passes level 1");
    assert_eq!(upper.entry.0, 0x0000_0000_0a34_5027);
}

/// `illumos.md` 7.1, the same work by MMAP: three contiguous frames, the third bad, and the munmap that follows (D04).
#[test]
fn mmap_of_many_pages_unlocks_but_does_not_unload() {
    let mut world = world(xen_setup(range(0xa341, 64), &[(5, &[range(0x4_c0f0, 2)])]));
    let pages = pages_of(FIRST, WINDOW, 4);
    let ops =
        [dom0(Dom0Op::Spawn {}), mmap(WINDOW, 4, 1, 1), ioctl_mmap(FIRST, 5, 0x4_c0f0, 4), munmap(FIRST, WINDOW, 4)];
    let told = tell(&mut world, &pages, &ops);
    expect![[r#"
        a process starts: process 0
            - 0  - 0  - 0  - 0 | 
        process 0 maps 4 pages of privcmd at 8000 0000, r--
            E 0  E 0  E 0  E 0 | soft 0 no table dom 0
        process 0 asks for 4 frames of domain 5: EFAULT
            E 0  E 0  E 0  E 0 | soft 0 no table dom 5
            M 0  E 0  E 0  E 0 | soft 0 no table dom 5
            M 0  M 0  E 0  E 0 | soft 0 no table dom 5
            M 0  M 0  M 0  E 0 | soft 0 no table dom 5
            M 0  M 0  M 0  M 0 | soft 0 no table dom 5
            M 0  M 0  M 0  M 0 | soft 1 no table dom 5
            M 0  M 0  M 0  M 0 | soft 1 table 0A345 lock 0 valid 0 present 0 dom 5
            M 0  M 0  M 0  M 0 | soft 1 table 0A345 lock 1 valid 0 present 0 dom 5
            M 8010000000100465  M 0  M 0  M 0 | soft 1 table 0A345 lock 1 valid 0 present 1 dom 5
            M 8010000000100465  M 0  M 0  M 0 | soft 1 table 0A345 lock 1 valid 1 present 1 dom 5
            M 000000004C0F0705  M 0  M 0  M 0 | soft 1 table 0A345 lock 1 valid 1 present 1 dom 5
            M 000000004C0F0705  M 0  M 0  M 0 | soft 2 table 0A345 lock 1 valid 1 present 1 dom 5
            M 000000004C0F0705  M 0  M 0  M 0 | soft 2 table 0A345 lock 2 valid 1 present 1 dom 5
            M 000000004C0F0705  M 8010000000100465  M 0  M 0 | soft 2 table 0A345 lock 2 valid 1 present 2 dom 5
            M 000000004C0F0705  M 8010000000100465  M 0  M 0 | soft 2 table 0A345 lock 2 valid 2 present 2 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 0  M 0 | soft 2 table 0A345 lock 2 valid 2 present 2 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 0  M 0 | soft 3 table 0A345 lock 2 valid 2 present 2 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 0  M 0 | soft 3 table 0A345 lock 3 valid 2 present 2 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 8010000000100465  M 0 | soft 3 table 0A345 lock 3 valid 2 present 3 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 8010000000100465  M 0 | soft 3 table 0A345 lock 3 valid 3 present 3 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 8010000000100465  M 0 | soft 2 table 0A345 lock 3 valid 3 present 3 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 8010000000100465  M 0 | soft 2 table 0A345 lock 2 valid 3 present 3 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 0  M 0 | soft 2 table 0A345 lock 2 valid 3 present 2 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 0  M 0 | soft 2 table 0A345 lock 2 valid 2 present 2 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 0  M 0 | soft 2 table 0A345 lock 1 valid 2 present 2 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 0  M 0 | soft 2 table 0A345 lock 0 valid 2 present 2 dom 5
            M 000000004C0F0705  M 000000004C0F1705  M 0  M 0 | soft 0 table 0A345 lock 0 valid 2 present 2 dom 5
            E 000000004C0F0705  M 000000004C0F1705  M 0  M 0 | soft 0 table 0A345 lock 0 valid 2 present 2 dom 5
            E 000000004C0F0705  E 000000004C0F1705  M 0  M 0 | soft 0 table 0A345 lock 0 valid 2 present 2 dom 5
            E 000000004C0F0705  E 000000004C0F1705  E 0  M 0 | soft 0 table 0A345 lock 0 valid 2 present 2 dom 5
            E 000000004C0F0705  E 000000004C0F1705  E 0  E 0 | soft 0 table 0A345 lock 0 valid 2 present 2 dom 5
        process 0 unmaps 4 pages at 8000 0000
            E 000000004C0F0705  E 000000004C0F1705  E 0  E 0 | soft 0 table 0A345 lock -1 valid 2 present 2 dom 5
            E 0  E 000000004C0F1705  E 0  E 0 | soft 0 table 0A345 lock -1 valid 2 present 1 dom 5
            E 0  E 000000004C0F1705  E 0  E 0 | soft 0 table 0A345 lock -1 valid 1 present 1 dom 5
            E 0  E 000000004C0F1705  E 0  E 0 | soft 0 table 0A345 lock -2 valid 1 present 1 dom 5
            E 0  E 0  E 0  E 0 | soft 0 table 0A345 lock -2 valid 1 present 0 dom 5
            E 0  E 0  E 0  E 0 | soft 0 table 0A345 lock -2 valid 0 present 0 dom 5
            E 0  E 0  E 0  E 0 | soft 0 no table dom 5
            - 0  - 0  - 0  - 0 | 
    "#]].assert_eq(&told);
}

/// `illumos.md` 7.2.
#[test]
fn the_saver_forks_and_both_end() {
    let mut world = saver();
    for op in [dom0(Dom0Op::Spawn {}), mmap(WINDOW, 4, 1, 1), batch()] {
        let _ = world.apply(&op);
    }
    let parent = pages_of(FIRST, WINDOW, 4);
    let child = pages_of(CHILD, WINDOW, 4);
    let incore = |space| dom0(Dom0Op::Mincore { space, addr: WINDOW, len: Word(0x4000) });
    let ops = [
        dom0(Dom0Op::Fork { space: FIRST }),
        incore(FIRST),
        incore(CHILD),
        touch(CHILD, WINDOW, Access::Read),
        ioctl_mmap(CHILD, 5, 0x4_c0f0, 1),
        ioctl_mmap(CHILD, 6, 0x6_0000, 1),
    ];
    let told = tell_ends(&mut world, &child, &ops);
    let held = |world: &World| {
        let look = Look::of(world, MACHINE).expect("a Xen machine");
        let counts = [0x4_c0f0, 0x4_c0f1, 0x4_c0f7].map(|mfn| look.xen.frame(Mfn(mfn)).count);
        format!("{}    mapped 0x{:X}, counts {counts:?}\n", row(world, &parent), look.kernel.vnode(Dev(1)).mapped)
    };
    let mut after = held(&world);
    for space in [CHILD, FIRST] {
        let _ = world.apply(&dom0(Dom0Op::Exit { space }));
        after += &held(&world);
    }
    expect![[r#"
        process 0 forks: process 1 is born
            M 0  M 0  E 0  M 0 | soft 0 no table dom 5
        process 0 asks which of 4 pages at 8000 0000 are resident: all 4, says the driver
            M 0  M 0  E 0  M 0 | soft 0 no table dom 5
        process 1 asks which of 4 pages at 8000 0000 are resident: all 4, says the driver
            M 0  M 0  E 0  M 0 | soft 0 no table dom 5
        process 1 reads 8000 0000: SIGBUS
            M 0  M 0  E 0  M 0 | soft 0 no table dom 5
        process 1 asks for 1 frame of domain 5
            M 000000004C0F0705  M 0  E 0  M 0 | soft 1 table 0A34A lock 1 valid 1 present 1 dom 5
        process 1 asks for 1 frame of domain 6: EINVAL
            M 000000004C0F0705  M 0  E 0  M 0 | soft 1 table 0A34A lock 1 valid 1 present 1 dom 5
            M 000000004C0F0705  M 000000004C0F1705  E 0  M 000000004C0F7705 | soft 3 table 0A345 lock 3 valid 3 present 3 dom 5
            mapped 0x8000, counts [4, 3, 3]
            M 000000004C0F0705  M 000000004C0F1705  E 0  M 000000004C0F7705 | soft 3 table 0A345 lock 3 valid 3 present 3 dom 5
            mapped 0x4000, counts [3, 3, 3]
             | 
            mapped 0x0, counts [2, 2, 2]
    "#]].assert_eq(&(told + &after));
}

/// The block-tap machine: the level-0 table will lie at frame 0xA360.
fn tap(era: Era, build: XenBuild) -> World {
    let frames = [range(0x5_1234, 1), range(0x5_1777, 1), range(0x5_200a, 1)];
    let mut setup = xen_setup(range(0xa35c, 64), &[(7, &frames)]);
    (setup.era, setup.xen) = (era, build);
    let mut world = world(setup);
    for op in [offer(8, 0x5_1234, false), offer(9, 0x5_1777, false), offer(0x2f, 0x5_200a, false)] {
        let _ = world.apply(&op);
    }
    for op in [dom0(Dom0Op::Spawn {}), mmap(TAP_WINDOW, 352, 3, 2)] {
        let _ = world.apply(&op);
    }
    world
}

fn register() -> Op {
    dom0(Dom0Op::RegisterPtes { seg: SEG, addr: TAP_WINDOW, npages: Word(352) })
}

fn add_grefs(page: u64, grefs: &[u32]) -> Op {
    let grefs = grefs.iter().map(|gref| GrantRef(*gref)).collect();
    dom0(Dom0Op::AddGrefs { seg: SEG, addr: TAP_WINDOW.page_after(page), flags: 1, grefs, domid: DomId(7) })
}

fn release(page: u64, count: u32) -> Op {
    dom0(Dom0Op::ReleaseGrefs { seg: SEG, addr: TAP_WINDOW.page_after(page), count })
}

/// `illumos.md` 7.3.
#[test]
fn three_grants_of_domain_7() {
    let mut world = tap(Era::V3_3, XenBuild::Release);
    let mut pages = pages_of(FIRST, TAP_WINDOW, 3);
    pages.push((FIRST, TAP_WINDOW.page_after(351)));
    let registered = tell_ends(&mut world, &pages, &[register()]);
    let told = tell(&mut world, &pages, &[add_grefs(0, &[8, 9, 0x2f]), release(0, 3), add_grefs(0, &[9])]);
    expect![[r#"
        the tap driver registers 352 pages at 8040 0000
            E 8000000000100567  E 8000000000100567  E 8000000000100567  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 352 dom 0
        the tap driver maps 3 grants of domain 7 at 8040 0000
            E 8000000000100567  E 8000000000100567  E 8000000000100567  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 352 dom 7
            G 8000000000100567  E 8000000000100567  E 8000000000100567  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 352 dom 7
            G 8000000000100567  G 8000000000100567  E 8000000000100567  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 352 dom 7
            G 8000000000100567  G 8000000000100567  G 8000000000100567  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 352 dom 7
            G 0000000051234167  G 8000000000100567  G 8000000000100567  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 352 dom 7
            G 0000000051234167  G 0000000051777167  G 8000000000100567  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 352 dom 7
            G 0000000051234167  G 0000000051777167  G 000000005200A167  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 352 dom 7
        the tap driver releases 3 grants at 8040 0000
            E 0000000051234167  G 0000000051777167  G 000000005200A167  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 352 dom 7
            E 0000000051234167  E 0000000051777167  G 000000005200A167  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 352 dom 7
            E 0000000051234167  E 0000000051777167  E 000000005200A167  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 352 dom 7
            E 0  E 0000000051777167  E 000000005200A167  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 351 dom 7
            E 0  E 0  E 000000005200A167  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 350 dom 7
            E 0  E 0  E 0  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 349 dom 7
        the tap driver maps 1 grant of domain 7 at 8040 0000
            G 0  E 0  E 0  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 349 dom 7
            G 0000000051777167  E 0  E 0  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 350 dom 7
    "#]].assert_eq(&(registered + &told));
}

/// The addresses that registering hands to the driver: 0xA360000 and every 8 bytes.
#[test]
fn every_page_of_the_window_knows_its_entry() {
    let mut world = tap(Era::V3_3, XenBuild::Release);
    let _ = world.apply(&register());
    let look = Look::of(&world, MACHINE).expect("a Xen machine");
    for n in 0..352 {
        let entry =
            look.page(FIRST, TAP_WINDOW.page_after(n)).and_then(|page| page.entry).expect("a page of the window");
        assert_eq!(entry.word, Word(0x0a36_0000 + 8 * n), "page {n}");
    }
}

/// `illumos.md` 7.3: what other builds of Xen store for the same grants.
#[test]
fn other_xens_mark_grant_entries_otherwise() {
    let mut told = String::new();
    for (era, build) in [(Era::V3_3, XenBuild::Debug), (Era::Today, XenBuild::Release)] {
        let mut world = tap(era, build);
        let pages = pages_of(FIRST, TAP_WINDOW, 3);
        told += &format!(
            "{era:?} {build:?}\n{}",
            tell_ends(&mut world, &pages, &[register(), add_grefs(0, &[8, 9, 0x2f])])
        );
    }
    expect![[r#"
        V3_3 Debug
        the tap driver registers 352 pages at 8040 0000
            E 8000000000100567  E 8000000000100567  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 352 dom 0
        the tap driver maps 3 grants of domain 7 at 8040 0000
            G 0000000051234967  G 0000000051777967  G 000000005200A967 | soft 0 table 0A360 lock 352 valid 352 present 352 dom 7
        Today Release
        the tap driver registers 352 pages at 8040 0000
            E 8000000000100567  E 8000000000100567  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 352 dom 0
        the tap driver maps 3 grants of domain 7 at 8040 0000
            G 8000000051234167  G 8000000051777167  G 800000005200A167 | soft 0 table 0A360 lock 352 valid 352 present 352 dom 7
    "#]].assert_eq(&told);
}

/// `illumos.md` 7.3, the failure variants: D02, then D03 with D01, then D01 on somebody else's pages.
#[test]
fn a_bad_reference_is_forgotten_or_wipes_the_wrong_pages() {
    let mut told = String::new();
    for ops in [
        vec![add_grefs(0, &[8, 10, 0x2f])],
        vec![add_grefs(0, &[10, 9, 0x2f])],
        vec![add_grefs(0, &[8, 9]), add_grefs(2, &[10, 0x2f]), release(0, 2)],
    ] {
        let mut world = tap(Era::V3_3, XenBuild::Release);
        let _ = world.apply(&register());
        let pages = pages_of(FIRST, TAP_WINDOW, 4);
        told += &tell_ends(&mut world, &pages, &ops);
        let look = Look::of(&world, MACHINE).expect("a Xen machine");
        let held: Vec<String> = look
            .xen
            .maptrack(DomId::DOM0)
            .map(|all| all.held().map(|(handle, mapping)| format!("{handle:?} {:?}", mapping.gref)).collect())
            .unwrap_or_default();
        told += &format!("    Xen holds {}\n", held.join(", "));
    }
    expect![[r#"
        the tap driver maps 3 grants of domain 7 at 8040 0000
            G 0000000051234167  G 8000000000100567  G 000000005200A167  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 352 dom 7
            Xen holds handle:0 gref:8, handle:1 gref:47
        the tap driver maps 3 grants of domain 7 at 8040 0000: EFAULT
            E 8000000000100567  E 0000000051777167  E 000000005200A167  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 352 dom 7
            Xen holds handle:0 gref:9, handle:1 gref:47
        the tap driver maps 2 grants of domain 7 at 8040 0000
            G 0000000051234167  G 0000000051777167  E 8000000000100567  E 8000000000100567 | soft 0 table 0A360 lock 352 valid 352 present 352 dom 7
        the tap driver maps 2 grants of domain 7 at 8040 2000: EFAULT
            E 0000000051234167  E 0000000051777167  G 8000000000100567  G 000000005200A167 | soft 0 table 0A360 lock 352 valid 352 present 352 dom 7
        the tap driver releases 2 grants at 8040 0000
            E 0000000051234167  E 0000000051777167  G 8000000000100567  G 000000005200A167 | soft 0 table 0A360 lock 352 valid 352 present 352 dom 7
            Xen holds handle:0 gref:8, handle:1 gref:9, handle:2 gref:47
    "#]].assert_eq(&told);
}
