//! Laws that hold for every script of ops: a step inside is the op cut short, seeking is replaying, a session comes back as it was.

#![cfg(not(target_arch = "wasm32"))]

mod worlds;

use mapscope::illumos::abi::{AsId, Dev, FaultType, KernelBuild, SegId, SegRw};
use mapscope::illumos::event::KernelEvent;
use mapscope::illumos::inject::Target;
use mapscope::illumos::privcmd::MmapEntry;
use mapscope::mock::{DomainSetup, GrantSetup, MockEvent, SegName, SegmfOp, Setup, SpaceName, StackFill};
use mapscope::sim::file::{SessionFile, lines, open, write};
use mapscope::sim::machine::XenMachine;
use mapscope::sim::op::{Dom0Op, GuestOp, OutsideOp};
use mapscope::sim::setup::RecordedSetup;
use mapscope::sim::{Act, Answer, Event, History, Machine, MachineSetup, Op, StepId, World};
use mapscope::trace::Halt;
use mapscope::word::Word;
use mapscope::x86::PteEvent;
use mapscope::x86::addr::{Mfn, Va};
use mapscope::x86::fault::Access;
use mapscope::x86::walk::Walk;
use mapscope::xen::abi::{DomId, GrantRef, Handle};
use mapscope::xen::event::XenEvent;
use mapscope::xen::{Era, XenBuild};
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::Config as ProptestConfig;
use proptest::{collection, option, prop_assert, prop_assert_eq, proptest};
use worlds::{MACHINE, dom0, guest, outside, range, xen_setup};

const WINDOW: u64 = 0x8000_0000;

/// Some addresses in and round the windows of the scripts, aligned or not.
fn addr() -> BoxedStrategy<u64> {
    let pages = (0_u64..7).prop_map(|page| WINDOW - 0x1000 + page * 0x1000);
    let odd = select(vec![0, 0x7ff_ffff_f000, WINDOW + 0x123, WINDOW + 0x20_0000, 0x8000_0000_0000, u64::MAX - 0xfff]);
    prop_oneof![8 => pages, 1 => odd].boxed()
}

fn va() -> impl Strategy<Value = Va> {
    addr().prop_map(Va)
}

fn len() -> impl Strategy<Value = Word> {
    prop_oneof![8 => (0_u64..6).prop_map(|pages| pages * 0x1000), 1 => select(vec![1, 0xfff, u64::MAX, 1 << 40])]
        .prop_map(Word)
}

fn frame() -> impl Strategy<Value = Word> {
    let known = prop_oneof![0x1000_u64..0x1009, 0x2000_u64..0x2005];
    prop_oneof![8 => known, 1 => select(vec![0, 0x100, 0xa341, u64::MAX, 0x7f_ffff])].prop_map(Word)
}

fn domid() -> impl Strategy<Value = DomId> {
    prop_oneof![8 => select(vec![5, 7]), 1 => select(vec![0, 9, 0x7ff0, 0x7ff1, 0x7ff2])].prop_map(DomId)
}

fn gref() -> impl Strategy<Value = GrantRef> {
    prop_oneof![8 => 8_u32..12, 1 => select(vec![0, 511, 512, u32::MAX])].prop_map(GrantRef)
}

fn grefs() -> impl Strategy<Value = Vec<GrantRef>> {
    prop_oneof![8 => collection::vec(gref(), 0..4), 1 => collection::vec(gref(), 15..19)]
}

fn space() -> impl Strategy<Value = AsId> {
    (0_u32..3).prop_map(AsId)
}

fn seg() -> impl Strategy<Value = SegId> {
    (0_u32..4).prop_map(SegId)
}

fn target() -> impl Strategy<Value = Target> {
    select(vec![
        Target::UpdateVaMapping,
        Target::GrantTableOp,
        Target::Hypercall,
        Target::Addmap,
        Target::Delmap,
        Target::MapStatus,
    ])
}

fn dom0_op() -> impl Strategy<Value = Op> {
    let mapping = prop_oneof![
        2 => Just(Dom0Op::Spawn {}),
        4 => (space(), va(), len(), 0_u8..8, 1_u32..3).prop_map(|(space, addr, len, prot, dev)| Dom0Op::Mmap {
            space, addr, len, prot, maxprot: 0xf, dev: Dev(dev)
        }),
        3 => (space(), domid(), collection::vec((va(), frame(), 0_u64..4), 0..3)).prop_map(|(space, domid, entries)| {
            let entry = |(va, mfn, npages)| MmapEntry { va, mfn, npages: Word(npages) };
            Dom0Op::IoctlMmap { space, domid, entries: entries.into_iter().map(entry).collect() }
        }),
        3 => (space(), domid(), va(), collection::vec(frame(), 0..4))
            .prop_map(|(space, domid, addr, mfns)| Dom0Op::IoctlMmapbatch { space, domid, addr, mfns }),
        3 => (seg(), va(), frame(), 0_u64..4, domid()).prop_map(|(seg, addr, mfn, count, domid)| Dom0Op::AddMfns {
            seg, addr, mfn, count: Word(count), domid
        }),
    ];
    let granting = prop_oneof![
        3 => (seg(), va(), 0_u64..5).prop_map(|(seg, addr, n)| Dom0Op::RegisterPtes { seg, addr, npages: Word(n) }),
        1 => (seg(), va(), 0xa34_0000_u64..0xa34_8000)
            .prop_map(|(seg, addr, ma)| Dom0Op::AddGrefPte { seg, addr, pte_ma: Word(ma & !7) }),
        4 => (seg(), va(), 0_u32..2, grefs(), domid())
            .prop_map(|(seg, addr, flags, grefs, domid)| Dom0Op::AddGrefs { seg, addr, flags, grefs, domid }),
        3 => (seg(), va(), 0_u32..18).prop_map(|(seg, addr, count)| Dom0Op::ReleaseGrefs { seg, addr, count }),
        1 => (0_u32..4, addr())
            .prop_map(|(handle, at)| Dom0Op::UnmapGrant { handle: Handle(handle), host_addr: Word(at) }),
    ];
    let living = prop_oneof![
        4 => (space(), va(), select(vec![Access::Read, Access::Write, Access::Execute]))
            .prop_map(|(space, addr, access)| Dom0Op::Touch { space, addr, access }),
        1 => (space(), va(), len(), 0_u32..5, 0_u32..7).prop_map(|(space, addr, len, kind, rw)| Dom0Op::Fault {
            space, addr, len, kind: FaultType(kind), rw: SegRw(rw)
        }),
        2 => space().prop_map(|space| Dom0Op::Fork { space }),
        3 => (space(), va(), len()).prop_map(|(space, addr, len)| Dom0Op::Munmap { space, addr, len }),
        1 => (space(), va(), len(), 0_u32..16)
            .prop_map(|(space, addr, len, prot)| Dom0Op::Mprotect { space, addr, len, prot }),
        1 => (space(), va(), len()).prop_map(|(space, addr, len)| Dom0Op::Mincore { space, addr, len }),
        1 => space().prop_map(|space| Dom0Op::Exit { space }),
    ];
    prop_oneof![4 => mapping, 4 => granting, 3 => living].prop_map(dom0)
}

fn other_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (gref(), frame(), any::<bool>()).prop_map(|(gref, frame, readonly)| guest(GuestOp::GrantAccess {
            domid: DomId(7), gref, to: DomId(0), frame: frame.0 as u32, readonly
        })),
        2 => (domid(), gref()).prop_map(|(domid, gref)| guest(GuestOp::EndAccess { domid, gref })),
        1 => (domid(), gref()).prop_map(|(domid, gref)| guest(GuestOp::RevokeGrant { domid, gref })),
        1 => (domid(), frame()).prop_map(|(domid, mfn)| guest(GuestOp::GiveBack { domid, mfn: Mfn(mfn.0) })),
        1 => domid().prop_map(|domid| outside(OutsideOp::KillDomain { domid })),
        2 => (target(), 0_u32..4, select(vec![0_i64, -1, -22, 12]))
            .prop_map(|(what, nth, ret)| outside(OutsideOp::Inject { what, nth, ret })),
        1 => (0_i32..3).prop_map(|lines| outside(OutsideOp::FaultpageDebug { lines })),
    ]
}

/// An op of a Xen machine; now and then one that this machine does not have.
fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![20 => dom0_op(), 8 => other_op(), 1 => recorded_op()]
}

fn xen_machine() -> impl Strategy<Value = MachineSetup> {
    let era = select(vec![Era::V3_3, Era::Today]);
    let xen = select(vec![XenBuild::Release, XenBuild::Debug]);
    let kernel = select(vec![KernelBuild::Production, KernelBuild::Debug]);
    (era, xen, kernel, select(vec![12_u32, 40])).prop_map(|(era, xen, kernel, pool)| {
        let mut setup = xen_setup(range(0xa341, pool), &[(5, &[range(0x1000, 8)]), (7, &[range(0x2000, 4)])]);
        (setup.era, setup.xen, setup.kernel) = (era, xen, kernel);
        MachineSetup::Xen(setup)
    })
}

/// A process with a segment of four pages, so that the ops of a script have something to meet.
fn opening() -> Vec<Op> {
    let mmap = Dom0Op::Mmap { space: AsId(0), addr: Va(WINDOW), len: Word(0x4000), prot: 3, maxprot: 0xf, dev: Dev(1) };
    let mut ops = vec![dom0(Dom0Op::Spawn {}), dom0(mmap)];
    ops.extend((8..11).map(|gref| worlds::offer(gref, 0x2000 + gref - 8, gref == 10)));
    ops
}

fn script() -> impl Strategy<Value = (MachineSetup, Vec<Op>)> {
    let xen = (xen_machine(), collection::vec(any_op(), 1..14)).prop_map(|(setup, ops)| {
        let script = opening().into_iter().chain(ops).collect();
        (setup, script)
    });
    let recorded = (recorded_machine(), collection::vec(recorded_op(), 1..20));
    prop_oneof![3 => xen, 2 => recorded]
}

fn recorded_machine() -> impl Strategy<Value = MachineSetup> {
    let kernel = select(vec![KernelBuild::Production, KernelBuild::Debug]);
    (kernel, select(vec![StackFill::Zero, StackFill::Nonzero])).prop_map(|(kernel, stack)| {
        let grant = |gref: u32| GrantSetup {
            gref: GrantRef(gref),
            mfn: Mfn(u64::from(0x2000 + gref)),
            readonly: gref == 10,
            to: DomId(u16::from(gref == 11)),
        };
        let domain = |id, first| DomainSetup {
            id: DomId(id),
            owns: vec![(Mfn(first), 8)],
            grants: (8..12).map(grant).collect(),
        };
        let setup = Setup {
            address_spaces: ["A", "B"].map(space_name).to_vec(),
            devices: vec![Dev(1), Dev(2)],
            domains: vec![domain(5, 0x1000), domain(7, 0x2000)],
        };
        MachineSetup::Recorded(RecordedSetup { setup, kernel, stack })
    })
}

fn space_name(name: &str) -> SpaceName {
    SpaceName::try_from(name.to_owned()).expect("a short name")
}

fn seg_name() -> impl Strategy<Value = SegName> {
    select(vec!["s0", "s0", "s1", "s2"]).prop_map(|name| SegName::try_from(name.to_owned()).expect("a short name"))
}

fn recorded_op() -> impl Strategy<Value = Op> {
    let named = || select(vec!["A", "B", "C"]).prop_map(space_name);
    let word = || addr().prop_map(Word);
    let lives = prop_oneof![
        6 => (seg_name(), named(), 0_u64..6, 0_u8..8, 1_u32..4).prop_map(|(seg, space, npages, prot, dev)| {
            SegmfOp::Create { seg, space, base: Word(WINDOW), npages, prot, maxprot: 15, dev: Dev(dev) }
        }),
        2 => (seg_name(), seg_name(), named()).prop_map(|(seg, newseg, space)| SegmfOp::Dup { seg, newseg, space }),
        1 => (seg_name(), named()).prop_map(|(seg, space)| SegmfOp::CreateOther { seg, space, base: Word(WINDOW), npages: 2 }),
        2 => (seg_name(), word(), len()).prop_map(|(seg, addr, len)| SegmfOp::Unmap { seg, addr, len }),
        1 => (seg_name(), word(), len()).prop_map(|(seg, addr, len)| SegmfOp::Getprot { seg, addr, len }),
        1 => (seg_name(), word(), len()).prop_map(|(seg, addr, len)| SegmfOp::Incore { seg, addr, len }),
        1 => (seg_name(), word()).prop_map(|(seg, addr)| SegmfOp::Getmemid { seg, addr }),
        1 => (seg_name(), word(), any::<i64>()).prop_map(|(seg, addr, delta)| SegmfOp::Kluster { seg, addr, delta }),
    ];
    let adds = prop_oneof![
        5 => (seg_name(), word(), frame(), 0_u64..5, domid())
            .prop_map(|(seg, addr, mfn, count, domid)| SegmfOp::AddMfns { seg, addr, mfn, count, domid }),
        5 => (seg_name(), word(), 0_u32..2, domid(), grefs())
            .prop_map(|(seg, addr, flags, domid, grefs)| SegmfOp::AddGrefs { seg, addr, flags, domid, grefs }),
        4 => (seg_name(), word(), 0_u32..18)
            .prop_map(|(seg, addr, count)| SegmfOp::ReleaseGrefs { seg, addr, count }),
        4 => (seg_name(), word(), 0x7f_0000_u64..0x7f_0020)
            .prop_map(|(seg, addr, ma)| SegmfOp::AddGrefPte { seg, addr, pte_ma: Word(ma & !7) }),
    ];
    let controls = prop_oneof![
        1 => domid().prop_map(|domid| SegmfOp::KillDomain { domid }),
        1 => (domid(), gref()).prop_map(|(domid, gref)| SegmfOp::RevokeGrant { domid, gref }),
        1 => named().prop_map(|space| SegmfOp::SetUnmapwait { space }),
        2 => (target(), 0_u64..4, select(vec![0_i64, -1, -22, 12]))
            .prop_map(|(what, nth, ret)| SegmfOp::Inject { what, nth, ret }),
    ];
    let act = prop_oneof![4 => lives, 5 => adds, 1 => controls];
    act.prop_map(|op| Op { machine: MACHINE, act: Act::Recorded(op) })
}

/// Whether an event tells of something that is not a change of the machine.
fn is_note(event: &Event) -> bool {
    match event {
        Event::Kernel(event) => matches!(
            event,
            KernelEvent::Called(_)
                | KernelEvent::Returned(_)
                | KernelEvent::Injected
                | KernelEvent::Lock { .. }
                | KernelEvent::Signalled { .. }
                | KernelEvent::ArrayWritten { .. }
        ),
        Event::Xen(event) => matches!(event, XenEvent::Called(_) | XenEvent::Returned(_)),
        Event::Pte(event) => matches!(event, PteEvent::Faulted { .. }),
        Event::Mock(event) => matches!(
            event,
            MockEvent::DevloadOverValid { .. }
                | MockEvent::LockMissing { .. }
                | MockEvent::LockRemains { .. }
                | MockEvent::GrantOpDone { .. }
        ),
    }
}

/// What anybody can look at on a machine. Free lists, arranged failures and other bookkeeping of the kernels are left out: those move
/// with the call they belong to.
fn visible(world: &World) -> impl PartialEq + '_ {
    let machine = world.machine(MACHINE).expect("the only machine");
    let xen = match machine {
        Machine::Xen(machine) => Some(machine),
        Machine::Bare(_) | Machine::Recorded(_) => None,
    };
    let xen_part = xen.map(|XenMachine { memory, cpu, xen, kernel }| {
        let walks: Vec<_> = kernel
            .spaces()
            .flat_map(|(_, space)| (0..8).map(|n| Walk::new(memory, space.hat.user_top, Va(WINDOW).page_after(n))))
            .map(|walk| walk.rungs)
            .collect();
        let frames: Vec<_> = xen.frames().collect();
        let held: Vec<_> = xen.maptrack(DomId::DOM0).map(|all| all.held().collect()).unwrap_or_default();
        let lives: Vec<_> = xen.domains().map(|domain| (domain.id, domain.life, domain.tot_pages)).collect();
        let spaces: Vec<_> =
            kernel.spaces().map(|(id, space)| (id, &space.segs, &space.hat.tables, space.unmap_wait)).collect();
        let segs: Vec<_> = kernel.segs().collect();
        let vnodes = [Dev(1), Dev(2)].map(|dev| kernel.vnode(dev));
        (walks, cpu, frames, held, lives, (spaces, segs, vnodes))
    });
    let recorded = match machine {
        Machine::Recorded(kernel) => Some(kernel),
        Machine::Bare(_) | Machine::Xen(_) => None,
    };
    (xen_part, recorded)
}

fn built(setup: &MachineSetup) -> World {
    World::build(std::slice::from_ref(setup)).expect("a set-up of the tests can be built")
}

/// Few cases for every day; `PROPTEST_CASES` asks for more.
fn few(cases: u32) -> ProptestConfig {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let plain = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if asked { plain } else { ProptestConfig { cases, ..plain } }
}

proptest! {
    #![proptest_config(few(48))]

    /// Fuel k leaves the world after k events: the whole op with all of them, and the first k with fewer.
    #[test]
    fn a_micro_step_is_the_op_cut_short((setup, ops) in script()) {
        let mut world = built(&setup);
        for op in &ops {
            let mut whole = world.clone();
            let outcome = whole.apply(op);
            let mut enough = world.clone();
            prop_assert_eq!(&enough.apply_with_fuel(op, outcome.events.len()), &outcome);
            prop_assert_eq!(&enough, &whole);
            for fuel in (0..outcome.events.len()).step_by(1 + outcome.events.len() / 24) {
                let mut within = world.clone();
                let cut = within.apply_with_fuel(op, fuel);
                prop_assert_eq!(&cut.answer, &Answer::Halted(Halt::Fuel));
                prop_assert_eq!(&cut.events[..], &outcome.events[..fuel]);
                prop_assert_eq!(within.dead_since(MACHINE), None, "a stop is not a panic");
            }
            world = whole;
        }
    }

    /// Nothing changes without an event: between two events the machine is still.
    #[test]
    fn what_is_no_change_changes_nothing((setup, ops) in script()) {
        let mut world = built(&setup);
        for op in &ops {
            let mut whole = world.clone();
            let outcome = whole.apply(op);
            for (fuel, event) in outcome.events.iter().enumerate().filter(|(_, event)| is_note(event)) {
                let (mut before, mut after) = (world.clone(), world.clone());
                let _ = before.apply_with_fuel(op, fuel);
                let _ = after.apply_with_fuel(op, fuel + 1);
                prop_assert!(visible(&before) == visible(&after), "{event:?} of {op:?} changed something");
            }
            world = whole;
        }
    }

    /// The same ops in the same world give the same answers, events and world.
    #[test]
    fn a_script_has_one_outcome((setup, ops) in script()) {
        let (mut one, mut two) = (built(&setup), built(&setup));
        for op in &ops {
            prop_assert_eq!(one.apply(op), two.apply(op));
        }
        prop_assert_eq!(one, two);
    }

    /// Whatever is seeked to in a tree of branches is what replaying from the start gives, checkpoints or not.
    #[test]
    fn seeking_is_replaying(setup in xen_machine(), steps in collection::vec((option::weighted(0.05, any::<u32>()), any_op()), 60..160)) {
        let genesis = built(&setup);
        let mut history = History::new(genesis.clone());
        let mut at = StepId::START;
        for op in opening() {
            at = history.push(at, op, &mut history.world_at(at)).0;
        }
        for (jump, op) in steps {
            if let Some(jump) = jump {
                at = StepId(jump % (history.len() + 1));
            }
            at = history.push(at, op, &mut history.world_at(at)).0;
        }
        prop_assert!(history.checkpoints() > 0 || history.depth(at) < 64);
        for step in (0..=history.len()).map(StepId) {
            let mut replayed = genesis.clone();
            for step in history.path(step) {
                let outcome = replayed.apply(history.op(step).expect("a step of the history"));
                prop_assert_eq!(Some(outcome.digest()), history.digest(step));
            }
            prop_assert_eq!(history.world_at(step), replayed, "at {:?}", step);
        }
    }

    /// A session that is written and opened is the same tree with the same answers.
    #[test]
    fn a_session_comes_back((setup, ops) in script(), jumps in collection::vec(any::<u32>(), 14)) {
        let mut history = History::new(built(&setup));
        let mut at = StepId::START;
        for (op, jump) in ops.into_iter().zip(jumps) {
            at = history.push(at, op, &mut history.world_at(at)).0;
            if jump % 4 == 0 {
                at = StepId(jump / 4 % (history.len() + 1));
            }
        }
        let file = SessionFile {
            format: mapscope::sim::file::FORMAT.to_owned(),
            title: "A script".to_owned(),
            machines: vec![setup],
            steps: lines(&history),
            cursor: at,
            tip: at,
            branches: Default::default(),
            marks: Vec::new(),
            names: Vec::new(),
            captions: Default::default(),
            verdicts: Default::default(),
        };
        let opened = open(&write(&file)).expect("what was written can be read");
        prop_assert_eq!(&opened.file, &file);
        prop_assert_eq!(opened.differs, None);
        for step in (0..=history.len()).map(StepId) {
            prop_assert_eq!(opened.history.world_at(step), history.world_at(step));
        }
    }
}
