//! What the stories share: the machine they play on, and their words for its ops.

use super::Scenario;
use crate::illumos::abi::{AsId, Dev, KernelBuild, SegId};
use crate::illumos::privcmd::MmapEntry;
use crate::sim::op::{Act, Dom0Op, GuestOp, MachineId, Op, OutsideOp};
use crate::sim::setup::{DomainSetup, FrameRange, MachineSetup, XenSetup};
use crate::word::Word;
use crate::x86::addr::{Mfn, Va};
use crate::x86::fault::Access;
use crate::xen::abi::{DomId, GrantRef};
use crate::xen::{Era, XenBuild};

/// The process that each story begins with.
pub const FIRST: AsId = AsId(0);
/// The first child or second process.
pub const SECOND: AsId = AsId(1);
/// The first segment.
pub const SEG: SegId = SegId(0);
/// Where the saver's window stands.
pub const WINDOW: Va = Va(0x8000_0000);
/// Where the tap's window stands.
pub const TAP_WINDOW: Va = Va(0x8040_0000);
/// Pages of a tap window: 32 requests of 11 pages.
pub const TAP_PAGES: u64 = 352;
/// Pages of one request.
pub const REQUEST: u64 = 11;
/// Where the frames of page tables begin for a saver, so that its table of leaves is A345 as in `illumos.md` 7.1.
pub const SAVERS_POOL: u64 = 0xa341;
/// The same for a tap, whose table is A360 in 7.3.
pub const TAPS_POOL: u64 = 0xa35c;

pub fn dom0(op: Dom0Op) -> Op {
    Op { machine: MachineId(0), act: Act::Dom0(op) }
}

pub fn guest(op: GuestOp) -> Op {
    Op { machine: MachineId(0), act: Act::Guest(op) }
}

pub fn outside(op: OutsideOp) -> Op {
    Op { machine: MachineId(0), act: Act::Outside(op) }
}

pub fn range(first: u64, count: u32) -> FrameRange {
    FrameRange { first: Mfn(first), count }
}

pub fn domain(id: u16, frames: Vec<FrameRange>) -> DomainSetup {
    DomainSetup { id: DomId(id), frames }
}

/// Xen 3.3, release, under a production kernel: the driver's own time.
pub fn xen_machine(pool: u64, domains: Vec<DomainSetup>) -> MachineSetup {
    MachineSetup::Xen(XenSetup {
        era: Era::V3_3,
        xen: XenBuild::Release,
        kernel: KernelBuild::Production,
        pool: vec![range(pool, 64)],
        domains,
    })
}

pub fn spawn() -> Op {
    dom0(Dom0Op::Spawn {})
}

pub fn mmap(addr: Va, pages: u64, prot: u8, dev: u32) -> Op {
    dom0(Dom0Op::Mmap { space: FIRST, addr, len: Word(pages * 0x1000), prot, maxprot: 0xf, dev: Dev(dev) })
}

pub fn munmap(addr: Va, pages: u64) -> Op {
    dom0(Dom0Op::Munmap { space: FIRST, addr, len: Word(pages * 0x1000) })
}

/// `IOCTL_PRIVCMD_MMAP` with one entry.
pub fn map_frames(space: AsId, domid: u16, va: Va, mfn: u64, pages: u64) -> Op {
    let entries = vec![MmapEntry { va, mfn: Word(mfn), npages: Word(pages) }];
    dom0(Dom0Op::IoctlMmap { space, domid: DomId(domid), entries })
}

/// `IOCTL_PRIVCMD_MMAPBATCH`.
pub fn map_batch(domid: u16, addr: Va, mfns: &[u64]) -> Op {
    let mfns = mfns.iter().map(|mfn| Word(*mfn)).collect();
    dom0(Dom0Op::IoctlMmapbatch { space: FIRST, domid: DomId(domid), addr, mfns })
}

pub fn touch(space: AsId, addr: Va, access: Access) -> Op {
    dom0(Dom0Op::Touch { space, addr, access })
}

pub fn fork() -> Op {
    dom0(Dom0Op::Fork { space: FIRST })
}

pub fn exit(space: AsId) -> Op {
    dom0(Dom0Op::Exit { space })
}

pub fn mincore(space: AsId, addr: Va, pages: u64) -> Op {
    dom0(Dom0Op::Mincore { space, addr, len: Word(pages * 0x1000) })
}

pub fn register() -> Op {
    dom0(Dom0Op::RegisterPtes { seg: SEG, addr: TAP_WINDOW, npages: Word(TAP_PAGES) })
}

/// Domain 7 offers a frame to dom0.
pub fn offer(gref: u32, frame: u32) -> Op {
    guest(GuestOp::GrantAccess { domid: DomId(7), gref: GrantRef(gref), to: DomId::DOM0, frame, readonly: false })
}

pub fn end_access(gref: u32) -> Op {
    guest(GuestOp::EndAccess { domid: DomId(7), gref: GrantRef(gref) })
}

/// A request of domain 7 at page `page` of the tap window, writable.
pub fn map_grants(page: u64, grefs: &[u32]) -> Op {
    let grefs = grefs.iter().map(|gref| GrantRef(*gref)).collect();
    let addr = TAP_WINDOW.page_after(page);
    dom0(Dom0Op::AddGrefs { seg: SEG, addr, flags: 1, grefs, domid: DomId(7) })
}

pub fn release(seg: SegId, page: u64, count: u32) -> Op {
    dom0(Dom0Op::ReleaseGrefs { seg, addr: TAP_WINDOW.page_after(page), count })
}

/// Domain 7 with the three frames of `illumos.md` 7.3.
pub fn domain_7() -> DomainSetup {
    domain(7, vec![range(0x5_1234, 1), range(0x5_1777, 1), range(0x5_200a, 1)])
}

/// The steps up to a registered tap window and three offers: refs 8, 9 and 2F.
pub fn tap_is_ready() -> Vec<(Op, &'static str)> {
    vec![
        (spawn(), "The back end starts."),
        (mmap(TAP_WINDOW, TAP_PAGES, 3, 2), "It maps its grant window: 32 requests of 11 pages each."),
        (
            register(),
            "The first request registers every page: until its first grant, each one maps dom0's own page 0, writable.",
        ),
        (offer(8, 0x5_1234), "Domain 7 offers a frame: it writes an entry of its grant table. Xen is not asked."),
        (offer(9, 0x5_1777), "A second one."),
        (offer(0x2f, 0x5_200a), "And a third, at another place of the table."),
    ]
}

/// A machine to play with.
pub fn free_play() -> Scenario {
    let offer = |gref: u32| {
        let frame = 0x5_1000 + gref - 8;
        let (gref, readonly) = (GrantRef(gref), gref == 10);
        (
            guest(GuestOp::GrantAccess { domid: DomId(7), gref, to: DomId::DOM0, frame, readonly }),
            "Domain 7 offers a frame.",
        )
    };
    Scenario {
        id: "free-play",
        title: "Free play: a process, domain 5 with frames, domain 7 with grants",
        about: "One process of dom0 with an empty segment of eight pages; 32 frames of domain 5 from 4C0F0, and three grants of domain 7.",
        machines: vec![xen_machine(
            SAVERS_POOL,
            vec![domain(5, vec![range(0x4_c0f0, 32)]), domain(7, vec![range(0x5_1000, 16)])],
        )],
        steps: vec![
            offer(8),
            offer(9),
            offer(10),
            (spawn(), "A process starts."),
            (mmap(WINDOW, 8, 3, 1), "It maps eight pages of a device of seg_mf. What comes next is yours."),
        ],
        names: vec![("process", FIRST)],
    }
}
