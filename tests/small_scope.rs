//! Small worlds, everything in them: breadth first over all ops, so that the first script that breaks a rule is a shortest one.
//!
//! A report says of each rule what broke it, or that nothing did; of each panic, what leads to it. The rules are those of the
//! reference's audit (`illumos.md` 6.1) as far as a look from outside decides them, and the model's own books.

#![cfg(not(target_arch = "wasm32"))]

mod worlds;

use expect_test::expect;
use mapscope::illumos::abi::{AsId, Dev, KernelBuild, SegId};
use mapscope::illumos::privcmd::MmapEntry;
use mapscope::illumos::seg_mf::{MapEntry, SegmfData, Tag};
use mapscope::mock::{DomainSetup, GrantSetup, MockKernel, Setup, SpaceName, StackFill};
use mapscope::sim::machine::XenMachine;
use mapscope::sim::op::{Dom0Op, GuestOp, OutsideOp};
use mapscope::sim::setup::RecordedSetup;
use mapscope::sim::{Act, Answer, Machine, MachineSetup, Op, World};
use mapscope::trace::Halt;
use mapscope::view::transcript::act_words;
use mapscope::word::Word;
use mapscope::x86::addr::{Level, Mfn, Va};
use mapscope::x86::fault::Access;
use mapscope::x86::pte::Pte;
use mapscope::xen::abi::{DomId, GrantRef};
use mapscope::xen::domain::Life;
use std::collections::{BTreeMap, HashSet, VecDeque};
use worlds::{CHILD, FIRST, MACHINE, dom0, guest, offer, outside, range, world, xen_setup};

/// A sentence that is true of a world, or not.
type Rule<M> = (&'static str, fn(&M) -> bool);

/// Everything that `ops` reach from `start` in at most `depth` steps, and what was found on the way.
struct Explored {
    worlds: usize,
    steps: usize,
    broken: BTreeMap<usize, Vec<Op>>,
    panics: BTreeMap<String, Vec<Op>>,
}

fn explore<M>(
    start: &World,
    ops: &[Op],
    depth: usize,
    read: fn(&Machine) -> Option<&M>,
    rules: &[Rule<M>],
) -> Explored {
    let mut found = Explored { worlds: 1, steps: 0, broken: BTreeMap::new(), panics: BTreeMap::new() };
    let machine = |world: &World| world.machine(MACHINE).expect("the only machine").clone();
    let mut seen: HashSet<Machine> = HashSet::from([machine(start)]);
    let mut queue: VecDeque<(World, Vec<usize>)> = VecDeque::from([(start.clone(), Vec::new())]);
    while let Some((world, path)) = queue.pop_front() {
        if path.len() == depth {
            continue;
        }
        for (index, op) in ops.iter().enumerate() {
            let mut next = world.clone();
            let outcome = next.apply(op);
            found.steps += 1;
            let mut path = path.clone();
            path.push(index);
            let script = || path.iter().map(|index| ops[*index].clone()).collect();
            match outcome.answer {
                Answer::Halted(Halt::Panic(panic)) => {
                    found.panics.entry(panic.words.into_owned()).or_insert_with(script);
                    continue;
                }
                Answer::Halted(halt) => panic!("{} ends in {halt:?}", told(&script())),
                _ => {}
            }
            let reached = machine(&next);
            if !seen.insert(reached.clone()) {
                continue;
            }
            found.worlds += 1;
            let machine = read(&reached).expect("the machine stays of its kind");
            for (rule, (_, holds)) in rules.iter().enumerate() {
                if !holds(machine) {
                    found.broken.entry(rule).or_insert_with(script);
                }
            }
            queue.push_back((next, path));
        }
    }
    found
}

fn told(script: &[Op]) -> String {
    script.iter().map(|op| format!("    {}\n", act_words(&op.act))).collect()
}

fn report<M>(found: &Explored, rules: &[Rule<M>]) -> String {
    let mut told_all = format!("{} worlds, {} steps\n", found.worlds, found.steps);
    for (rule, (sentence, _)) in rules.iter().enumerate() {
        told_all += &match found.broken.get(&rule) {
            Some(script) => format!("{sentence}: broken by\n{}", told(script)),
            None => format!("{sentence}: kept\n"),
        };
    }
    for (words, script) in &found.panics {
        told_all += &format!("panic \"{words}\" after\n{}", told(script));
    }
    told_all
}

/// The driver's entries of all segments, with the segment's data and where each page is.
fn entries(kernel: &MockKernel) -> impl Iterator<Item = (AsId, Va, &SegmfData, MapEntry)> {
    kernel.segs().filter_map(|(_, _, seg)| seg.mf().map(|data| (seg, data))).flat_map(|(seg, data)| {
        (0..seg.pages()).map(move |i| (seg.space, seg.base.page_after(i), data, data.map.peek(i)))
    })
}

fn row_frame(kernel: &MockKernel, space: AsId, va: Va) -> Option<Mfn> {
    kernel.rows(space).find(|(at, row)| *at == va && row.pte.is_present()).map(|(_, row)| row.pte.frame())
}

const RECORDED_RULES: &[Rule<MockKernel>] = &[
    ("softlockcnt is the number of MFN entries (I3)", |kernel| {
        kernel.segs().filter_map(|(_, _, seg)| seg.mf()).all(|data| {
            let tags = (0..data.map.pages()).filter(|i| data.map.peek(*i).tag == Tag::Mfn).count();
            data.softlockcnt == tags as u64
        })
    }),
    ("an MFN entry has a valid row with its frame (I1)", |kernel| {
        entries(kernel).all(|(space, va, _, entry)| {
            entry.tag != Tag::Mfn || row_frame(kernel, space, va) == Some(Mfn(entry.word.0))
        })
    }),
    ("a valid row has an MFN entry (I1)", |kernel| {
        kernel.spaces().all(|(space, _)| {
            kernel.rows(space).filter(|(_, row)| row.pte.is_present()).all(|(at, _)| {
                entries(kernel).any(|(of, va, _, entry)| of == space && va == at && entry.tag == Tag::Mfn)
            })
        })
    }),
    ("locks are where valid entries are, one each (I4)", |kernel| {
        kernel
            .spaces()
            .all(|(space, _)| kernel.rows(space).all(|(_, row)| row.locks == u64::from(row.pte.is_present())))
    }),
    ("a mapped GREF entry has a live handle (I2)", |kernel| {
        entries(kernel).all(|(_, _, _, entry)| {
            !entry.is_mapped_grant()
                || kernel.mappings().any(|(handle, mapping)| {
                    handle == entry.handle && mapping.gref == entry.gref && mapping.host_addr == entry.word
                })
        })
    }),
    ("a live handle belongs to one entry (I6, I12)", |kernel| {
        kernel.mappings().all(|(handle, _)| {
            entries(kernel).filter(|(_, _, _, entry)| entry.is_mapped_grant() && entry.handle == handle).count() == 1
        })
    }),
    ("a segment is bound to a domain only while it maps something of it (I9)", |kernel| {
        kernel.segs().filter_map(|(_, _, seg)| seg.mf()).all(|data| {
            data.domid == DomId(0)
                || (0..data.map.pages()).any(|i| {
                    let entry = data.map.peek(i);
                    entry.tag == Tag::Mfn || entry.is_mapped_grant()
                })
        })
    }),
    ("a vnode is held once by itself and once by each segment", |kernel| {
        kernel.devices().all(|(dev, counts)| {
            let segs = kernel.segs().filter(|(_, _, seg)| seg.mf().is_some_and(|data| data.dev == dev)).count();
            counts.holds == 1 + segs as u64
        })
    }),
    ("a device counts the bytes of its segments as mapped", |kernel| {
        kernel.devices().all(|(dev, counts)| {
            let segs = kernel.segs().filter(|(_, _, seg)| seg.mf().is_some_and(|data| data.dev == dev));
            counts.mapped == segs.map(|(_, _, seg)| seg.size).sum::<u64>()
        })
    }),
];

fn recorded_world(kernel: KernelBuild) -> World {
    let space = |name: &str| SpaceName::try_from(name.to_owned()).expect("a short name");
    let grant = |gref, mfn, readonly| GrantSetup { gref: GrantRef(gref), mfn: Mfn(mfn), readonly, to: DomId(0) };
    let domain = DomainSetup {
        id: DomId(5),
        owns: vec![(Mfn(0x1000), 2)],
        grants: vec![grant(8, 0x2000, false), grant(9, 0x2001, true)],
    };
    let setup = Setup { address_spaces: vec![space("A"), space("B")], devices: vec![Dev(1)], domains: vec![domain] };
    let machine = MachineSetup::Recorded(RecordedSetup { setup, kernel, stack: StackFill::Zero });
    World::build(&[machine]).expect("a set-up of the tests can be built")
}

/// Every op of the small recorded world, as a recording would write it.
fn recorded_ops() -> Vec<Op> {
    const OPS: [&str; 18] = [
        r#"{"op": "create", "seg": "s", "as": "A", "base": "0x10000", "npages": 2, "prot": 3, "maxprot": 7, "dev": 1}"#,
        r#"{"op": "dup", "seg": "s", "newseg": "c", "as": "B"}"#,
        r#"{"op": "unmap", "seg": "s", "addr": "0x10000", "len": "0x2000"}"#,
        r#"{"op": "unmap", "seg": "s", "addr": "0x11000", "len": "0x1000"}"#,
        r#"{"op": "unmap", "seg": "c", "addr": "0x10000", "len": "0x2000"}"#,
        r#"{"op": "fault", "seg": "s", "addr": "0x10000", "len": "0x1000", "type": 0, "rw": 1}"#,
        r#"{"op": "add_mfns", "seg": "s", "addr": "0x10000", "mfn": "0x1000", "count": 1, "domid": 5}"#,
        r#"{"op": "add_mfns", "seg": "s", "addr": "0x10000", "mfn": "0x1001", "count": 2, "domid": 5}"#,
        r#"{"op": "add_mfns", "seg": "s", "addr": "0x10000", "mfn": "0x1000", "count": 2, "domid": 5}"#,
        r#"{"op": "add_mfns", "seg": "c", "addr": "0x10000", "mfn": "0x1000", "count": 1, "domid": 5}"#,
        r#"{"op": "add_gref_pte", "seg": "s", "addr": "0x10000", "pte_ma": "0x7f0000"}"#,
        r#"{"op": "add_gref_pte", "seg": "s", "addr": "0x11000", "pte_ma": "0x7f0008"}"#,
        r#"{"op": "add_grefs", "seg": "s", "addr": "0x10000", "flags": 1, "domid": 5, "grefs": [8]}"#,
        r#"{"op": "add_grefs", "seg": "s", "addr": "0x11000", "flags": 1, "domid": 5, "grefs": [9]}"#,
        r#"{"op": "add_grefs", "seg": "s", "addr": "0x10000", "flags": 1, "domid": 5, "grefs": [8, 9]}"#,
        r#"{"op": "release_grefs", "seg": "s", "addr": "0x10000", "count": 2}"#,
        r#"{"op": "release_grefs", "seg": "c", "addr": "0x10000", "count": 1}"#,
        r#"{"op": "kill_domain", "domid": 5}"#,
    ];
    let op = |text: &str| serde_json::from_str(text).expect("an op of the tests is well formed");
    OPS.iter().map(|text| Op { machine: MACHINE, act: Act::Recorded(op(text)) }).collect()
}

fn recorded(machine: &Machine) -> Option<&MockKernel> {
    match machine {
        Machine::Recorded(kernel) => Some(kernel),
        Machine::Bare(_) | Machine::Xen(_) => None,
    }
}

#[test]
fn the_driver_on_the_mock_kernel() {
    let found = explore(&recorded_world(KernelBuild::Production), &recorded_ops(), 5, recorded, RECORDED_RULES);
    expect![[r#"
        4016 worlds, 11952 steps
        softlockcnt is the number of MFN entries (I3): broken by
            recorded create seg=s as=A base=0x10000 npages=2 prot=3 maxprot=7 dev=1
            recorded add_mfns seg=s addr=0x10000 mfn=0x1000 count=1 domid=5
            recorded dup seg=s newseg=c as=B
        an MFN entry has a valid row with its frame (I1): broken by
            recorded create seg=s as=A base=0x10000 npages=2 prot=3 maxprot=7 dev=1
            recorded add_mfns seg=s addr=0x10000 mfn=0x1000 count=1 domid=5
            recorded dup seg=s newseg=c as=B
        a valid row has an MFN entry (I1): broken by
            recorded create seg=s as=A base=0x10000 npages=2 prot=3 maxprot=7 dev=1
            recorded add_mfns seg=s addr=0x10000 mfn=0x1001 count=2 domid=5
        locks are where valid entries are, one each (I4): broken by
            recorded create seg=s as=A base=0x10000 npages=2 prot=3 maxprot=7 dev=1
            recorded add_mfns seg=s addr=0x10000 mfn=0x1001 count=2 domid=5
        a mapped GREF entry has a live handle (I2): broken by
            recorded create seg=s as=A base=0x10000 npages=2 prot=3 maxprot=7 dev=1
            recorded add_grefs seg=s addr=0x10000 flags=1 domid=5 grefs=[8,9]
        a live handle belongs to one entry (I6, I12): broken by
            recorded create seg=s as=A base=0x10000 npages=2 prot=3 maxprot=7 dev=1
            recorded add_grefs seg=s addr=0x10000 flags=1 domid=5 grefs=[8]
            recorded dup seg=s newseg=c as=B
        a segment is bound to a domain only while it maps something of it (I9): broken by
            recorded create seg=s as=A base=0x10000 npages=2 prot=3 maxprot=7 dev=1
            recorded add_mfns seg=s addr=0x10000 mfn=0x1001 count=2 domid=5
        a vnode is held once by itself and once by each segment: kept
        a device counts the bytes of its segments as mapped: kept
    "#]]
    .assert_eq(&report(&found, RECORDED_RULES));
}

/// A DEBUG kernel stops where a production kernel goes on: the same world, and only what ends it.
#[test]
fn the_driver_on_a_debug_kernel() {
    let found = explore(&recorded_world(KernelBuild::Debug), &recorded_ops(), 4, recorded, &[]);
    expect![[r#"
        493 worlds, 1458 steps
        panic "map[i].t_type != SEGMF_MAP_MFN" after
            recorded create seg=s as=A base=0x10000 npages=2 prot=3 maxprot=7 dev=1
            recorded add_mfns seg=s addr=0x10000 mfn=0x1000 count=1 domid=5
            recorded release_grefs seg=s addr=0x10000 count=2
        panic "mapop[i].status == GNTST_okay" after
            recorded create seg=s as=A base=0x10000 npages=2 prot=3 maxprot=7 dev=1
            recorded add_grefs seg=s addr=0x10000 flags=1 domid=5 grefs=[8,9]
    "#]]
    .assert_eq(&report::<MockKernel>(&found, &[]));
}

const WINDOW: Va = Va(0x8000_0000);

/// A process with a segment of two pages, domain 5 with two frames, domain 7 with a grant.
fn xen_world(kernel: KernelBuild) -> World {
    let mut setup = xen_setup(range(0xa341, 40), &[(5, &[range(0x1000, 2)]), (7, &[range(0x2000, 1)])]);
    setup.kernel = kernel;
    let mut world = world(setup);
    let len = Word(0x2000);
    let mmap = Dom0Op::Mmap { space: FIRST, addr: WINDOW, len, prot: 3, maxprot: 0xf, dev: Dev(1) };
    for op in [dom0(Dom0Op::Spawn {}), dom0(mmap), offer(8, 0x2000, false)] {
        let outcome = world.apply(&op);
        assert!(!outcome.answer.is_refusal(), "the small world begins with {:?}", outcome.answer);
    }
    world
}

fn xen_ops() -> Vec<Op> {
    let seg = SegId(0);
    let mmap = |space, mfn, npages| {
        let entries = vec![MmapEntry { va: WINDOW, mfn: Word(mfn), npages: Word(npages) }];
        dom0(Dom0Op::IoctlMmap { space, domid: DomId(5), entries })
    };
    let munmap = |space, pages: u64| dom0(Dom0Op::Munmap { space, addr: WINDOW, len: Word(pages * 0x1000) });
    let touch = |space, access| dom0(Dom0Op::Touch { space, addr: WINDOW, access });
    vec![
        mmap(FIRST, 0x1000, 1),
        mmap(FIRST, 0x1000, 2),
        mmap(FIRST, 0x1001, 2),
        mmap(CHILD, 0x1000, 1),
        dom0(Dom0Op::RegisterPtes { seg, addr: WINDOW, npages: Word(2) }),
        dom0(Dom0Op::AddGrefs { seg, addr: WINDOW, flags: 1, grefs: vec![GrantRef(8)], domid: DomId(7) }),
        dom0(Dom0Op::ReleaseGrefs { seg, addr: WINDOW, count: 1 }),
        touch(FIRST, Access::Write),
        dom0(Dom0Op::Fork { space: FIRST }),
        munmap(FIRST, 2),
        munmap(FIRST, 1),
        dom0(Dom0Op::Exit { space: FIRST }),
        dom0(Dom0Op::Exit { space: CHILD }),
        guest(GuestOp::EndAccess { domid: DomId(7), gref: GrantRef(8) }),
        outside(OutsideOp::KillDomain { domid: DomId(5) }),
    ]
}

fn xen(machine: &Machine) -> Option<&XenMachine> {
    match machine {
        Machine::Xen(machine) => Some(machine),
        Machine::Bare(_) | Machine::Recorded(_) => None,
    }
}

/// The valid leaf entries of dom0's processes: whose, where, and what they map.
fn leaves(machine: &XenMachine) -> Vec<(AsId, Va, Pte)> {
    let tables =
        machine.kernel.spaces().flat_map(|(space, about)| about.hat.tables.iter().map(move |table| (space, table)));
    let leaf_tables = tables.filter(|(_, (_, table))| table.level == Level::LEAF);
    let all = leaf_tables.flat_map(|(space, (mfn, table))| {
        (0..512).map(move |slot| (space, table.base.page_after(slot), Pte(machine.memory.word(mfn.entry(slot)))))
    });
    all.filter(|(_, _, entry)| entry.is_present()).collect()
}

/// The driver's entries of all segments and where each page is.
fn driver_entries(machine: &XenMachine) -> Vec<(AsId, Va, MapEntry)> {
    let segs = machine.kernel.segs().filter_map(|(_, seg)| seg.mf().map(|data| (seg, data)));
    segs.flat_map(|(seg, data)| (0..seg.pages()).map(|i| (seg.space, seg.base.page_after(i), data.map.peek(i))))
        .collect()
}

fn leaf_at(machine: &XenMachine, space: AsId, va: Va) -> Option<Pte> {
    leaves(machine).into_iter().find(|(of, at, _)| *of == space && *at == va).map(|(_, _, entry)| entry)
}

const GUEST_FRAMES: [u64; 3] = [0x1000, 0x1001, 0x2000];
/// A guest's frame at the start: its owner's own reference, and the entry by which its kernel maps it.
const OWN_COUNT: u64 = 2;

const XEN_RULES: &[Rule<XenMachine>] = &[
    ("a guest's frame is held by its owner and by the entries that map it, each once", |machine| {
        GUEST_FRAMES.map(Mfn).into_iter().filter(|mfn| machine.xen.frame(*mfn).allocated).all(|mfn| {
            let mapped = leaves(machine).iter().filter(|(_, _, entry)| entry.frame() == mfn).count() as u64;
            machine.xen.frame(mfn).count == OWN_COUNT + mapped
        })
    }),
    ("ht_valid_cnt is the number of valid entries (I5)", |machine| {
        let tables = machine.kernel.spaces().flat_map(|(_, space)| space.hat.tables.iter());
        tables.filter(|(_, table)| table.level == Level::LEAF).all(|(mfn, table)| {
            let valid = (0..512).filter(|slot| Pte(machine.memory.word(mfn.entry(*slot))).is_present()).count();
            table.valid == valid as u32
        })
    }),
    ("ht_lock_cnt is never below 0 (I4)", |machine| {
        machine.kernel.spaces().flat_map(|(_, space)| space.hat.tables.values()).all(|table| table.lock as i32 >= 0)
    }),
    ("an MFN entry has a page table entry with its frame (I1)", |machine| {
        driver_entries(machine).into_iter().all(|(space, va, entry)| {
            entry.tag != Tag::Mfn || leaf_at(machine, space, va).is_some_and(|leaf| leaf.frame() == Mfn(entry.word.0))
        })
    }),
    ("a page that maps a guest's frame has an entry that says so (I1, I2)", |machine| {
        let known = driver_entries(machine);
        leaves(machine).iter().filter(|(_, _, leaf)| GUEST_FRAMES.contains(&leaf.frame().0)).all(|(space, va, _)| {
            known
                .iter()
                .any(|(of, at, entry)| of == space && at == va && (entry.tag == Tag::Mfn || entry.is_mapped_grant()))
        })
    }),
    ("no page of a process maps a frame of dom0 (I11)", |machine| {
        leaves(machine).iter().all(|(_, _, leaf)| GUEST_FRAMES.contains(&leaf.frame().0))
    }),
    ("a handle belongs to one entry (I6, I12)", |machine| {
        let handles =
            machine.xen.maptrack(DomId::DOM0).into_iter().flat_map(|all| all.held()).map(|(handle, _)| handle);
        let known = driver_entries(machine);
        handles.into_iter().all(|handle| {
            known.iter().filter(|(_, _, entry)| entry.is_mapped_grant() && entry.handle == handle).count() == 1
        })
    }),
    ("when the last process is gone, nothing of a guest is held", |machine| {
        machine.kernel.spaces().next().is_some()
            || GUEST_FRAMES.map(Mfn).into_iter().all(|mfn| {
                let frame = machine.xen.frame(mfn);
                frame.count == if frame.allocated { OWN_COUNT } else { 0 }
            })
    }),
    ("a killed domain is gone at once (I12)", |machine| {
        machine.xen.domain(DomId(5)).is_none_or(|domain| domain.life == Life::Live)
    }),
];

#[test]
fn the_whole_machine() {
    let found = explore(&xen_world(KernelBuild::Production), &xen_ops(), 4, xen, XEN_RULES);
    expect![[r#"
        1249 worlds, 4710 steps
        a guest's frame is held by its owner and by the entries that map it, each once: kept
        ht_valid_cnt is the number of valid entries (I5): broken by
            dom0 register_ptes seg=0 addr=0x80000000 npages=0x2
            dom0 add_grefs seg=0 addr=0x80000000 flags=1 grefs=[8] domid=7
            dom0 release_grefs seg=0 addr=0x80000000 count=1
        ht_lock_cnt is never below 0 (I4): kept
        an MFN entry has a page table entry with its frame (I1): broken by
            dom0 ioctl_mmap space=0 domid=5 entries=[{va:0x80000000,mfn:0x1000,npages:0x1}]
            dom0 fork space=0
        a page that maps a guest's frame has an entry that says so (I1, I2): broken by
            dom0 ioctl_mmap space=0 domid=5 entries=[{va:0x80000000,mfn:0x1001,npages:0x2}]
        no page of a process maps a frame of dom0 (I11): broken by
            dom0 register_ptes seg=0 addr=0x80000000 npages=0x2
        a handle belongs to one entry (I6, I12): broken by
            dom0 register_ptes seg=0 addr=0x80000000 npages=0x2
            dom0 add_grefs seg=0 addr=0x80000000 flags=1 grefs=[8] domid=7
            dom0 add_grefs seg=0 addr=0x80000000 flags=1 grefs=[8] domid=7
        when the last process is gone, nothing of a guest is held: kept
        a killed domain is gone at once (I12): broken by
            dom0 ioctl_mmap space=0 domid=5 entries=[{va:0x80000000,mfn:0x1000,npages:0x1}]
            outside kill_domain domid=5
        panic "hati_pte_map: the entry is valid and maps another frame" after
            dom0 ioctl_mmap space=0 domid=5 entries=[{va:0x80000000,mfn:0x1000,npages:0x1}]
            dom0 ioctl_mmap space=0 domid=5 entries=[{va:0x80000000,mfn:0x1000,npages:0x1}]
        panic "no page_t, not NOCONSIST" after
            dom0 register_ptes seg=0 addr=0x80000000 npages=0x2
            dom0 add_grefs seg=0 addr=0x80000000 flags=1 grefs=[8] domid=7
            dom0 munmap space=0 addr=0x80000000 len=0x2000
    "#]]
    .assert_eq(&report(&found, XEN_RULES));
}
