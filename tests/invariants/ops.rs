//! Random ops on a small Xen machine: few addresses, few frames, few references, so that they meet.

use mapscope::illumos::abi::{AsId, Dev, FaultType, KernelBuild, SegId, SegRw};
use mapscope::illumos::inject::Target;
use mapscope::illumos::privcmd::MmapEntry;
use mapscope::sim::op::{Dom0Op, GuestOp, OutsideOp};
use mapscope::sim::setup::{DomainSetup, FrameRange, XenSetup};
use mapscope::sim::{Act, MachineId, MachineSetup, Op};
use mapscope::word::Word;
use mapscope::x86::addr::{Mfn, PAGE_SIZE, Va};
use mapscope::x86::fault::Access;
use mapscope::xen::abi::{DomId, GrantRef, Handle};
use mapscope::xen::{Era, XenBuild};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

/// The first byte of every window: the last pages of one table, so that a window reaches into the next.
pub const BASE: Va = Va(0x8000_0000 - 3 * PAGE_SIZE);
const PAGES: u64 = 6;

/// Whether an op has so many events that no one wants a recount after each.
pub fn is_long(op: &Op) -> bool {
    matches!(&op.act, Act::Dom0(Dom0Op::RegisterPtes { npages, .. }) if npages.0 > 64)
}

pub fn range(first: u64, count: u32) -> FrameRange {
    FrameRange { first: Mfn(first), count }
}

pub fn machine(era: Era, xen: XenBuild, kernel: KernelBuild) -> MachineSetup {
    let domains = vec![
        DomainSetup { id: DomId(5), frames: vec![range(0x4_c0f0, 6)] },
        DomainSetup { id: DomId(7), frames: vec![range(0x5_1000, 4)] },
    ];
    MachineSetup::Xen(XenSetup { era, xen, kernel, pool: vec![range(0xa341, 40)], domains })
}

/// A machine, and ops that begin with a process, a window, its registration and some grants.
pub fn worlds() -> impl Strategy<Value = (MachineSetup, Vec<Op>)> {
    let era = prop_oneof![3 => Just(Era::V3_3), 1 => Just(Era::Today)];
    let xen = prop_oneof![3 => Just(XenBuild::Release), 1 => Just(XenBuild::Debug)];
    let kernel = prop_oneof![3 => Just(KernelBuild::Production), 1 => Just(KernelBuild::Debug)];
    let setup = (era, xen, kernel).prop_map(|(era, xen, kernel)| machine(era, xen, kernel));
    let begun = (0_u8..8, any::<bool>()).prop_map(|(prot, register)| beginning(prot, register));
    (setup, begun, vec(op(), 1..14)).prop_map(|(setup, mut ops, more)| {
        ops.extend(more);
        (setup, ops)
    })
}

pub fn dom0(op: Dom0Op) -> Op {
    Op { machine: MachineId(0), act: Act::Dom0(op) }
}

pub fn offer(gref: u32) -> Op {
    let frame = 0x5_1000 + gref % 4;
    let offer =
        GuestOp::GrantAccess { domid: DomId(7), gref: GrantRef(gref), to: DomId(0), frame, readonly: gref == 3 };
    Op { machine: MachineId(0), act: Act::Guest(offer) }
}

pub fn beginning(prot: u8, register: bool) -> Vec<Op> {
    let space = AsId(0);
    let mut ops = vec![
        dom0(Dom0Op::Spawn {}),
        dom0(Dom0Op::Mmap { space, addr: BASE, len: Word(PAGES * PAGE_SIZE), prot, maxprot: 0xf, dev: Dev(1) }),
        offer(1),
        offer(2),
        offer(3),
    ];
    if register {
        ops.push(dom0(Dom0Op::RegisterPtes { seg: SegId(0), addr: BASE, npages: Word(PAGES) }));
    }
    ops
}

fn space() -> impl Strategy<Value = AsId> {
    (0_u32..3).prop_map(AsId)
}

fn seg() -> impl Strategy<Value = SegId> {
    (0_u32..3).prop_map(SegId)
}

/// A page of the window, or just outside it.
fn page() -> impl Strategy<Value = Va> {
    prop_oneof![9 => 0..PAGES, 1 => PAGES..PAGES + 3].prop_map(|n| BASE.page_after(n))
}

fn domid() -> impl Strategy<Value = DomId> {
    prop_oneof![6 => Just(5), 4 => Just(7), 1 => Just(0), 1 => Just(9)].prop_map(DomId)
}

/// A frame of domain 5 or 7, or nobody's.
fn frame() -> impl Strategy<Value = Word> {
    prop_oneof![6 => 0x4_c0f0_u64..0x4_c0f6, 2 => 0x5_1000_u64..0x5_1004, 1 => Just(0x7f_ffff)].prop_map(Word)
}

fn grefs() -> impl Strategy<Value = Vec<GrantRef>> {
    vec((1_u32..5).prop_map(GrantRef), 0..4)
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => mapping(),
        6 => granting(),
        6 => life(),
        3 => others(),
    ]
}

fn mapping() -> impl Strategy<Value = Op> {
    let entry = (page(), frame(), 0_u64..4).prop_map(|(va, mfn, n)| MmapEntry { va, mfn, npages: Word(n) });
    prop_oneof![
        (space(), domid(), vec(entry, 1..3)).prop_map(|(space, domid, entries)| Dom0Op::IoctlMmap {
            space,
            domid,
            entries
        }),
        (space(), domid(), page(), vec(frame(), 1..4)).prop_map(|(space, domid, addr, mfns)| Dom0Op::IoctlMmapbatch {
            space,
            domid,
            addr,
            mfns
        }),
        (seg(), page(), frame(), 0_u64..4, domid()).prop_map(|(seg, addr, mfn, count, domid)| Dom0Op::AddMfns {
            seg,
            addr,
            mfn,
            count: Word(count),
            domid
        }),
    ]
    .prop_map(dom0)
}

fn granting() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => (seg(), page(), 1..=PAGES)
            .prop_map(|(seg, addr, n)| Dom0Op::RegisterPtes { seg, addr, npages: Word(n) }),
        1 => (seg(), page(), 0_u64..3, 0_u64..512).prop_map(|(seg, addr, table, index)| {
            let pte_ma = Word(((0xa345 + table) << 12) | (index * 8));
            Dom0Op::AddGrefPte { seg, addr, pte_ma }
        }),
        6 => (seg(), page(), 0_u32..2, grefs(), domid())
            .prop_map(|(seg, addr, flags, grefs, domid)| Dom0Op::AddGrefs { seg, addr, flags, grefs, domid }),
        4 => (seg(), page(), 0_u32..5).prop_map(|(seg, addr, count)| Dom0Op::ReleaseGrefs { seg, addr, count }),
        1 => (0_u32..4, page()).prop_map(|(handle, at)| {
            Dom0Op::UnmapGrant { handle: Handle(handle), host_addr: Word(0xa345_0000 | ((at.0 >> 9) & 0xff8)) }
        }),
    ]
    .prop_map(dom0)
}

fn life() -> impl Strategy<Value = Op> {
    let access = prop_oneof![Just(Access::Read), Just(Access::Write), Just(Access::Execute)];
    let len = prop_oneof![3 => Just(PAGES), 1 => 1..PAGES].prop_map(|n| Word(n * PAGE_SIZE));
    prop_oneof![
        3 => space().prop_map(|space| Dom0Op::Fork { space }),
        2 => (space(), len).prop_map(|(space, len)| Dom0Op::Munmap { space, addr: BASE, len }),
        2 => (space(), 0_u8..8).prop_map(|(space, prot)| {
            Dom0Op::Mmap { space, addr: BASE, len: Word(PAGES * PAGE_SIZE), prot, maxprot: 0xf, dev: Dev(1) }
        }),
        2 => (space(), page(), access).prop_map(|(space, addr, access)| Dom0Op::Touch { space, addr, access }),
        1 => (space(), page(), 0_u32..4).prop_map(|(space, addr, kind)| {
            let (kind, rw) = (FaultType(kind), SegRw::S_READ);
            Dom0Op::Fault { space, addr, len: Word(PAGE_SIZE), kind, rw }
        }),
        1 => (space(), page()).prop_map(|(space, addr)| Dom0Op::Mincore { space, addr, len: Word(2 * PAGE_SIZE) }),
        1 => space().prop_map(|space| Dom0Op::Exit { space }),
        1 => Just(Dom0Op::Spawn {}),
    ]
    .prop_map(dom0)
}

fn others() -> impl Strategy<Value = Op> {
    let what = prop_oneof![
        Just(Target::UpdateVaMapping),
        Just(Target::GrantTableOp),
        Just(Target::Hypercall),
        Just(Target::Addmap),
        Just(Target::MapStatus),
    ];
    prop_oneof![
        2 => (1_u32..5).prop_map(offer),
        1 => (1_u32..5).prop_map(|gref| {
            let revoke = GuestOp::RevokeGrant { domid: DomId(7), gref: GrantRef(gref) };
            Op { machine: MachineId(0), act: Act::Guest(revoke) }
        }),
        1 => (0x4_c0f0_u64..0x4_c0f6).prop_map(|mfn| {
            Op { machine: MachineId(0), act: Act::Guest(GuestOp::GiveBack { domid: DomId(5), mfn: Mfn(mfn) }) }
        }),
        1 => prop_oneof![Just(5_u16), Just(7)].prop_map(|dom| {
            Op { machine: MachineId(0), act: Act::Outside(OutsideOp::KillDomain { domid: DomId(dom) }) }
        }),
        3 => (what, 1_u32..4).prop_map(|(what, nth)| {
            Op { machine: MachineId(0), act: Act::Outside(OutsideOp::Inject { what, nth, ret: -1 }) }
        }),
    ]
}
