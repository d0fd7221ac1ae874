//! What breaks which rule, told step by step.
//!
//! `BROKEN` is a rule that a step broke and left so, `inside` one that was broken at some stop of the step and holds at its end,
//! `whole` one that holds again. `call` is a rule that a call broke by what it did or said. A place more than one is counted.

use crate::ops::{dom0, is_long};
use crate::worlds::{CHILD, FIRST, offer, outside, range, world, xen_setup};
use expect_test::{Expect, expect};
use mapscope::illumos::abi::{Dev, SegId};
use mapscope::illumos::inject::Target;
use mapscope::illumos::privcmd::MmapEntry;
use mapscope::sim::invariants::{Breach, Checker, Invariant, InvariantId, Place};
use mapscope::sim::op::{Dom0Op, OutsideOp};
use mapscope::sim::{Op, World, scenarios};
use mapscope::view::names::Names;
use mapscope::view::session::stops;
use mapscope::view::words::step as sentence;
use mapscope::word::Word;
use mapscope::x86::addr::{PAGE_SIZE, Va};
use mapscope::x86::fault::Access;
use mapscope::xen::abi::{DomId, GrantRef};
use std::collections::{BTreeMap, BTreeSet};

const WINDOW: Va = Va(0x8000_0000);
const SEG: SegId = SegId(0);

fn place(place: Place) -> String {
    match place {
        Place::Page { space, va, .. } => format!("{space:?} {:X}", va.0),
        Place::Segment { seg, .. } => format!("{seg:?}"),
        Place::Table { table, .. } => format!("table {:X}", table.0),
        Place::Grant { granter, gref, .. } => format!("ref {:X} of domain {granter}", gref.0),
        Place::Space { space, .. } => format!("{space:?}"),
    }
}

fn clause(first: Breach, count: usize) -> String {
    let more = if count > 1 { format!(" (and at {} more)", count - 1) } else { String::new() };
    format!("{}: {} {}{more}", first.id, place(first.place), first.why.words())
}

/// The rules broken, each with its first place and how many places there are.
fn broken(checker: &Checker) -> BTreeMap<InvariantId, (Breach, usize)> {
    let of = |rule: &Invariant| Some((rule.id, (checker.breaches(rule.id).next()?, checker.count(rule.id))));
    Invariant::ALL.iter().filter_map(of).collect()
}

fn tell(world: &mut World, ops: &[Op]) -> String {
    let mut told = String::new();
    let mut checker = Checker::new(world);
    for op in ops {
        let before = world.clone();
        let outcome = world.apply(op);
        told += &format!("{}\n", sentence(&Names::default(), op, &outcome.answer));
        let after = checker.after(world, op.machine, &outcome.events);
        let (was, now) = (broken(&checker), broken(&after));
        let mut inside = BTreeMap::new();
        for events in stops(&outcome.events).into_iter().filter(|_| !is_long(op)) {
            let mut within = before.clone();
            let _ = within.apply_with_fuel(op, events);
            inside.extend(broken(&checker.after(&within, op.machine, &outcome.events[..events])));
        }
        for (first, count) in
            inside.iter().filter(|(id, _)| !was.contains_key(id) && !now.contains_key(id)).map(|(_, b)| b)
        {
            told += &format!("    inside {}\n", clause(*first, *count));
        }
        for (first, count) in now.iter().filter(|(id, now)| was.get(id) != Some(now)).map(|(_, b)| b) {
            told += &format!("    BROKEN {}\n", clause(*first, *count));
        }
        for id in was.keys().filter(|id| !now.contains_key(id)) {
            told += &format!("    whole  {id}\n");
        }
        for breach in checker.calls(world, op.machine, &outcome.events) {
            told += &format!("    call   {}\n", clause(breach, 1));
        }
        checker = after;
    }
    told
}

fn check(world: &mut World, ops: &[Op], expected: &Expect) {
    expected.assert_eq(&tell(world, ops));
}

fn story(id: &str) -> (World, Vec<Op>) {
    let story = scenarios::all().into_iter().find(|story| story.id == id).expect("the story is there");
    let world = World::build(&story.machines).expect("a story can be built");
    (world, story.steps.into_iter().map(|(op, _)| op).collect())
}

/// A process with a window of eight pages, and domains 5 and 7.
fn begun(prot: u8) -> (World, Vec<Op>) {
    let setup = xen_setup(
        range(0xa341, 40),
        &[(5, &[range(0x4_c0f0, 8)]), (6, &[range(0x4_d000, 8)]), (7, &[range(0x5_1000, 4)])],
    );
    let len = Word(8 * PAGE_SIZE);
    let mut world = world(setup);
    for op in [
        dom0(Dom0Op::Spawn {}),
        dom0(Dom0Op::Mmap { space: FIRST, addr: WINDOW, len, prot, maxprot: 0xf, dev: Dev(1) }),
    ] {
        let _ = world.apply(&op);
    }
    (world, Vec::new())
}

fn mmap(mfn: u64, npages: u64, dom: u16) -> Op {
    let entries = vec![MmapEntry { va: WINDOW, mfn: Word(mfn), npages: Word(npages) }];
    dom0(Dom0Op::IoctlMmap { space: FIRST, domid: DomId(dom), entries })
}

fn register() -> Op {
    dom0(Dom0Op::RegisterPtes { seg: SEG, addr: WINDOW, npages: Word(8) })
}

fn add_grefs(page: u64, grefs: &[u32]) -> Op {
    let (addr, grefs) = (WINDOW.page_after(page), grefs.iter().copied().map(GrantRef).collect());
    dom0(Dom0Op::AddGrefs { seg: SEG, addr, flags: 1, grefs, domid: DomId(7) })
}

fn release(page: u64, count: u32) -> Op {
    dom0(Dom0Op::ReleaseGrefs { seg: SEG, addr: WINDOW.page_after(page), count })
}

/// Every rule that a story breaks between its steps or by a call, the defects of the museum among them.
#[test]
fn what_every_story_breaks() {
    let mut told = String::new();
    for story in scenarios::all() {
        let mut world = World::build(&story.machines).expect("a story can be built");
        let mut checker = Checker::new(&world);
        let mut broken: BTreeSet<InvariantId> = BTreeSet::new();
        for (op, _) in &story.steps {
            let events = world.apply(op).events;
            let after = checker.after(&world, op.machine, &events);
            broken.extend(after.broken());
            broken.extend(checker.calls(&world, op.machine, &events).iter().map(|breach| breach.id));
            checker = after;
        }
        let names: Vec<String> = broken.iter().map(InvariantId::to_string).collect();
        told += &format!("{}: {}\n", story.id, names.join(" "));
    }
    expect![[r#"
        save-domain-5: I1 I3 I9 I13 I14
        three-grants: I4 I5 I9 I11 I13
        free-play: 
        fork-of-the-saver: I1 I3 I9 I13 I14
        fork-with-live-grants: I2 I6 I8 I9 I11 I13
        frame-given-back: I13
        zombie: I13
        end-access-waits: I4 I5 I9 I11 I13
        d04-partial-failure: I1 I4 I7 I13
        d05-page-added-twice: I1 I3 I4 I9 I11 I13
        d01-wrong-entries-cleared: I2 I7 I10 I11 I12 I13
        d02-only-the-first-status: I2 I4 I5 I6 I9 I11 I13
        d03-batch-not-undone: I2 I7 I11 I12 I13
        d08-unmapped-with-grants: I4 I11 I13
        d12-domain-sticks: I7 I9
        d07-child-releases: I2 I4 I5 I6 I8 I9 I11 I13
    "#]]
    .assert_eq(&told);
}

#[test]
fn saving_domain_5() {
    let (mut world, ops) = story("save-domain-5");
    check(
        &mut world,
        &ops,
        &expect![[r#"
            a process starts: process 0
            process 0 maps 4 pages of privcmd at 8000 0000, r--
            process 0 asks for 4 frames of domain 5: 3 live, page 2 refused, answer still 0
                inside I1: as:0 80003000 is tagged MFN 4C0F7, over entry 8010 0000 0010 0465
                inside I3: seg:0 counted 2, recounted 3
                inside I9: seg:0 is bound to domain 5 and maps nothing of it
                inside I11: as:0 80003000 maps dom0’s frame 100, read-only
                BROKEN I13: as:0 80000000 is r-x, its segment r-- (and at 2 more)
            process 0 reads 8000 0000: frame 4C0F0
            process 0 reads 8000 2000: SIGBUS
            process 0 writes 8000 0000: SIGBUS
                call   I14: as:0 80000000 is live, and F_PROT was answered with an object error
            process 0 forks: process 1 is born
                BROKEN I1: as:1 80000000 is tagged MFN 4C0F0, without a valid entry (and at 2 more)
                BROKEN I3: seg:1 counted 0, recounted 3
                BROKEN I9: seg:1 is bound to domain 5 and maps nothing of it
            process 1 reads 8000 0000: SIGBUS
            process 0 unmaps 1 page at 8000 1000: EINVAL
            process 0 unmaps 4 pages at 8000 0000
                whole  I13
            process 1 exits
                whole  I1
                whole  I3
                whole  I9
            process 0 exits
        "#]],
    );
}

#[test]
fn three_grants() {
    let (mut world, ops) = story("three-grants");
    check(
        &mut world,
        &ops,
        &expect![[r#"
            a process starts: process 0
            process 0 maps 352 pages of xpvtap at 8040 0000, rw-
            the tap driver registers 352 pages at 8040 0000
                BROKEN I11: as:0 80400000 maps dom0’s frame 100, writable (and at 351 more)
            domain 7 offers frame 51234 to dom0 as ref 8
            domain 7 offers frame 51777 to dom0 as ref 9
            domain 7 offers frame 5200A to dom0 as ref 2F
            the tap driver maps 3 grants of domain 7 at 8040 0000
                inside I2: as:0 80400000 maps granted frame 51234, its tag no mapped GREF (and at 2 more)
                inside I9: seg:0 is bound to domain 7 and maps nothing of it
                inside I12: ref 8 of domain 7 is mapped by handle 0, which no page claims (and at 2 more)
                BROKEN I11: as:0 80403000 maps dom0’s frame 100, writable (and at 348 more)
                BROKEN I13: as:0 80400000 is rwx, its segment rw- (and at 2 more)
            process 0 writes 8040 0000: frame 51234
            domain 7 ends ref 8: still in use
            the tap driver releases 3 grants at 8040 0000
                inside I2: as:0 80400000 maps granted frame 51234, its tag no mapped GREF (and at 2 more)
                inside I12: ref 8 of domain 7 is mapped by handle 0, which no page claims (and at 2 more)
                BROKEN I4: table A360 counted 352, recounted 349
                BROKEN I5: table A360 counted 352, recounted 349
                BROKEN I9: seg:0 is bound to domain 7 and maps nothing of it
                whole  I13
            domain 7 ends ref 8
            process 0 exits
                whole  I4
                whole  I5
                whole  I9
                whole  I11
        "#]],
    );
}

/// D04: MMAP of several, the third bad; then munmap lets go locks that nobody holds.
#[test]
fn a_failed_mmap_leaves_pages_mapped_and_not_held() {
    let (mut world, _) = begun(1);
    let ops = [mmap(0x4_c0f6, 4, 5), dom0(Dom0Op::Munmap { space: FIRST, addr: WINDOW, len: Word(8 * PAGE_SIZE) })];
    check(
        &mut world,
        &ops,
        &expect![[r#"
            process 0 asks for 4 frames of domain 5: EFAULT
                inside I3: seg:0 counted 2, recounted 4
                inside I9: seg:0 is bound to domain 5 and maps nothing of it
                inside I11: as:0 80002000 maps dom0’s frame 100, read-only
                BROKEN I1: as:0 80000000 maps foreign frame 4C0F6, its tag not MFN (and at 1 more)
                BROKEN I4: table A345 counted 0, recounted 2
                BROKEN I13: as:0 80000000 is r-x, its segment r-- (and at 1 more)
                call   I7: seg:0 segmf_add_mfns answered EFAULT, and left the segment bound to domain 5 and 5 things more
            process 0 unmaps 8 pages at 8000 0000
                inside I9: seg:0 is bound to domain 5 and maps nothing of it
                whole  I1
                whole  I4
                whole  I13
        "#]],
    );
}

/// D12: the first domain asked for stays, whether anything of it was mapped or not.
#[test]
fn a_segment_stays_bound_to_a_domain_it_maps_nothing_of() {
    let (mut world, _) = begun(5);
    let ops = [mmap(0x7f_ffff, 1, 5), mmap(0x4_d000, 1, 6), mmap(0x4_c0f0, 1, 5)];
    check(
        &mut world,
        &ops,
        &expect![[r#"
            process 0 asks for 1 frame of domain 5: EFAULT
                inside I1: as:0 80000000 is tagged MFN 7FFFFF, without a valid entry
                inside I3: seg:0 counted 0, recounted 1
                inside I11: as:0 80000000 maps dom0’s frame 100, read-only
                BROKEN I9: seg:0 is bound to domain 5 and maps nothing of it
                call   I7: seg:0 segmf_add_mfns answered EFAULT, and left the segment bound to domain 5
            process 0 asks for 1 frame of domain 6: EINVAL
            process 0 asks for 1 frame of domain 5
                inside I1: as:0 80000000 is tagged MFN 4C0F0, over entry 8010 0000 0010 0465
                inside I3: seg:0 counted 0, recounted 1
                inside I11: as:0 80000000 maps dom0’s frame 100, read-only
                whole  I9
        "#]],
    );
}

/// D01: the error path wipes the first entries of the segment, and three grants are nobody's.
#[test]
fn a_failed_request_wipes_another_one() {
    let (mut world, _) = begun(7);
    let ops = [
        offer(1, 0x5_1000, false),
        offer(2, 0x5_1001, false),
        register(),
        add_grefs(0, &[1, 2]),
        add_grefs(3, &[4, 4]),
        release(0, 2),
    ];
    check(
        &mut world,
        &ops,
        &expect![[r#"
            domain 7 offers frame 51000 to dom0 as ref 1
            domain 7 offers frame 51001 to dom0 as ref 2
            the tap driver registers 8 pages at 8000 0000
                BROKEN I11: as:0 80000000 maps dom0’s frame 100, writable (and at 7 more)
            the tap driver maps 2 grants of domain 7 at 8000 0000
                inside I2: as:0 80000000 maps granted frame 51000, its tag no mapped GREF (and at 1 more)
                inside I9: seg:0 is bound to domain 7 and maps nothing of it
                inside I12: ref 1 of domain 7 is mapped by handle 0, which no page claims (and at 1 more)
                BROKEN I11: as:0 80002000 maps dom0’s frame 100, writable (and at 5 more)
            the tap driver maps 2 grants of domain 7 at 8000 3000: EFAULT
                BROKEN I2: as:0 80000000 maps granted frame 51000, its tag no mapped GREF (and at 1 more)
                BROKEN I12: ref 1 of domain 7 is mapped by handle 0, which no page claims (and at 1 more)
                call   I10: as:0 80000000 segmf_add_grefs changed page 0, asked for 2 from 3
                call   I10: as:0 80001000 segmf_add_grefs changed page 1, asked for 2 from 3
                call   I7: seg:0 segmf_add_grefs answered EFAULT, and left the record of page 0 changed and 3 things more
            the tap driver releases 2 grants at 8000 0000
        "#]],
    );
}

/// D02 and D03: only the first status counts.
#[test]
fn one_status_is_read_of_a_batch() {
    let (mut world, _) = begun(7);
    let ops = [offer(1, 0x5_1000, false), register(), add_grefs(0, &[1, 4]), add_grefs(3, &[4, 1])];
    check(
        &mut world,
        &ops,
        &expect![[r#"
            domain 7 offers frame 51000 to dom0 as ref 1
            the tap driver registers 8 pages at 8000 0000
                BROKEN I11: as:0 80000000 maps dom0’s frame 100, writable (and at 7 more)
            the tap driver maps 2 grants of domain 7 at 8000 0000
                inside I9: seg:0 is bound to domain 7 and maps nothing of it
                inside I12: ref 1 of domain 7 is mapped by handle 0, which no page claims
                BROKEN I2: as:0 80001000 claims handle 0 for ref 4: Xen holds none
                BROKEN I6: as:0 80000000 is one of 2 pages that claim handle 0 (and at 1 more)
                BROKEN I11: as:0 80001000 maps dom0’s frame 100, writable (and at 6 more)
            the tap driver maps 2 grants of domain 7 at 8000 3000: EFAULT
                BROKEN I2: as:0 80000000 maps granted frame 51000, its tag no mapped GREF (and at 1 more)
                BROKEN I11: as:0 80001000 maps dom0’s frame 100, writable (and at 5 more)
                BROKEN I12: ref 1 of domain 7 is mapped by handle 0, which no page claims (and at 1 more)
                whole  I6
                call   I10: as:0 80000000 segmf_add_grefs changed page 0, asked for 2 from 3
                call   I10: as:0 80001000 segmf_add_grefs changed page 1, asked for 2 from 3
                call   I7: seg:0 segmf_add_grefs answered EFAULT, and left handle 1 in use and 5 things more
        "#]],
    );
}

/// D06: a frame over a registered page takes the place of the entry's address.
#[test]
fn a_frame_over_a_registered_page_loses_the_address_of_its_entry() {
    let (mut world, _) = begun(7);
    check(
        &mut world,
        &[register(), mmap(0x4_c0f0, 1, 5)],
        &expect![[r#"
            the tap driver registers 8 pages at 8000 0000
                BROKEN I11: as:0 80000000 maps dom0’s frame 100, writable (and at 7 more)
            process 0 asks for 1 frame of domain 5
                inside I1: as:0 80000000 is tagged MFN 4C0F0, over entry 8010 0000 0010 0465
                inside I3: seg:0 counted 0, recounted 1
                inside I9: seg:0 is bound to domain 5 and maps nothing of it
                BROKEN I4: table A345 counted 9, recounted 8
                BROKEN I8: as:0 80000000 has 4C0F0 registered, its entry stands at A34 5000
                BROKEN I11: as:0 80001000 maps dom0’s frame 100, writable (and at 6 more)
        "#]],
    );
}

/// D07 with grants: the child claims the parent's handles and the parent's entries.
#[test]
fn a_fork_claims_its_parents_grants() {
    let (mut world, _) = begun(7);
    let touch = dom0(Dom0Op::Touch { space: CHILD, addr: WINDOW, access: Access::Read });
    let ops = [
        offer(1, 0x5_1000, false),
        register(),
        add_grefs(0, &[1]),
        dom0(Dom0Op::Fork { space: FIRST }),
        touch,
        release(0, 1),
    ];
    check(
        &mut world,
        &ops,
        &expect![[r#"
            domain 7 offers frame 51000 to dom0 as ref 1
            the tap driver registers 8 pages at 8000 0000
                BROKEN I11: as:0 80000000 maps dom0’s frame 100, writable (and at 7 more)
            the tap driver maps 1 grant of domain 7 at 8000 0000
                inside I2: as:0 80000000 maps granted frame 51000, its tag no mapped GREF
                inside I9: seg:0 is bound to domain 7 and maps nothing of it
                inside I12: ref 1 of domain 7 is mapped by handle 0, which no page claims
                BROKEN I11: as:0 80001000 maps dom0’s frame 100, writable (and at 6 more)
            process 0 forks: process 1 is born
                BROKEN I2: as:1 80000000 is tagged GREF 1, mapped, without a valid entry
                BROKEN I6: as:0 80000000 is one of 2 pages that claim handle 0 (and at 1 more)
                BROKEN I8: as:1 80000000 has A34 5000 registered, and no table of its own
                BROKEN I9: seg:1 is bound to domain 7 and maps nothing of it
            process 1 reads 8000 0000: SIGBUS
            the tap driver releases 1 grant at 8000 0000
                BROKEN I2: as:1 80000000 claims handle 0 for ref 1: Xen holds none
                BROKEN I4: table A345 counted 8, recounted 7
                BROKEN I5: table A345 counted 8, recounted 7
                BROKEN I9: seg:0 is bound to domain 7 and maps nothing of it (and at 1 more)
                whole  I6
        "#]],
    );
}

/// D14: a hypercall that fails has its entries forgotten.
#[test]
fn a_refused_release_forgets() {
    let (mut world, _) = begun(7);
    let fails = outside(OutsideOp::Inject { what: Target::GrantTableOp, nth: 1, ret: -1 });
    let ops = [offer(1, 0x5_1000, false), register(), add_grefs(0, &[1]), fails, release(0, 1)];
    check(
        &mut world,
        &ops,
        &expect![[r#"
            domain 7 offers frame 51000 to dom0 as ref 1
            the tap driver registers 8 pages at 8000 0000
                BROKEN I11: as:0 80000000 maps dom0’s frame 100, writable (and at 7 more)
            the tap driver maps 1 grant of domain 7 at 8000 0000
                inside I2: as:0 80000000 maps granted frame 51000, its tag no mapped GREF
                inside I9: seg:0 is bound to domain 7 and maps nothing of it
                inside I12: ref 1 of domain 7 is mapped by handle 0, which no page claims
                BROKEN I11: as:0 80001000 maps dom0’s frame 100, writable (and at 6 more)
            the weather: call 1 of GrantTableOp from now will answer -1
            the tap driver releases 1 grant at 8000 0000: -1
                BROKEN I2: as:0 80000000 maps granted frame 51000, its tag no mapped GREF
                BROKEN I12: ref 1 of domain 7 is mapped by handle 0, which no page claims
                call   I7: seg:0 segmf_release_grefs answered -1, and left the record of page 0 changed
        "#]],
    );
}

/// D24 and D25: what is said of pages that are not what it says.
#[test]
fn reports_that_are_not_true() {
    let (mut world, _) = begun(5);
    let incore = dom0(Dom0Op::Mincore { space: FIRST, addr: WINDOW, len: Word(3 * PAGE_SIZE) });
    let write = dom0(Dom0Op::Touch { space: FIRST, addr: WINDOW, access: Access::Write });
    let setprot = dom0(Dom0Op::Mprotect { space: FIRST, addr: WINDOW, len: Word(PAGE_SIZE), prot: 1 });
    check(
        &mut world,
        &[incore.clone(), mmap(0x4_c0f0, 1, 5), incore, write, setprot],
        &expect![[r#"
            process 0 asks which of 3 pages at 8000 0000 are resident: all 3, says the driver
                call   I14: as:0 80000000 and 2 more were said to be resident, and are not mapped
            process 0 asks for 1 frame of domain 5
                inside I1: as:0 80000000 is tagged MFN 4C0F0, over entry 8010 0000 0010 0465
                inside I3: seg:0 counted 0, recounted 1
                inside I9: seg:0 is bound to domain 5 and maps nothing of it
                inside I11: as:0 80000000 maps dom0’s frame 100, read-only
            process 0 asks which of 3 pages at 8000 0000 are resident: all 3, says the driver
                call   I14: as:0 80001000 and 1 more were said to be resident, and are not mapped
            process 0 writes 8000 0000: SIGBUS
                call   I14: as:0 80000000 is live, and F_PROT was answered with an object error
            process 0 sets 1 page at 8000 0000 to r--: EINVAL
        "#]],
    );
}
