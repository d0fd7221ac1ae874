//! Worked stories: machines, steps and a caption for each step that needs one.

use super::op::{Act, Dom0Op, GuestOp, MachineId, Op};
use super::setup::{DomainSetup, FrameRange, MachineSetup, XenSetup};
use crate::illumos::abi::{AsId, Dev, KernelBuild, SegId};
use crate::word::Word;
use crate::x86::addr::{Mfn, Va};
use crate::x86::fault::Access;
use crate::xen::abi::{DomId, GrantRef};
use crate::xen::{Era, XenBuild};

/// A story that comes with the program.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name in links.
    pub id: &'static str,
    /// What a person calls it.
    pub title: &'static str,
    /// What to look at.
    pub about: &'static str,
    /// The machines.
    pub machines: Vec<MachineSetup>,
    /// The steps, one after the other, each with what it shows.
    pub steps: Vec<(Op, &'static str)>,
    /// Names of address spaces.
    pub names: Vec<(&'static str, AsId)>,
}

/// All stories, the first visit's first.
#[must_use]
pub fn all() -> Vec<Scenario> {
    vec![save_domain_5(), three_grants(), empty_xen()]
}

const SAVER: AsId = AsId(0);
const WINDOW: Va = Va(0x8000_0000);

fn dom0(op: Dom0Op) -> Op {
    Op { machine: MachineId(0), act: Act::Dom0(op) }
}

fn guest(op: GuestOp) -> Op {
    Op { machine: MachineId(0), act: Act::Guest(op) }
}

fn range(first: u64, count: u32) -> FrameRange {
    FrameRange { first: Mfn(first), count }
}

fn xen_machine(pool: u64, domains: Vec<DomainSetup>) -> MachineSetup {
    MachineSetup::Xen(XenSetup {
        era: Era::V3_3,
        xen: XenBuild::Release,
        kernel: KernelBuild::Production,
        pool: vec![range(pool, 64)],
        domains,
    })
}

/// Four foreign pages of domain 5, one bad (`illumos.md` 7.1): the saver's tables come out at the frames of that example.
fn save_domain_5() -> Scenario {
    let frames = [0x4_c0f0, 0x4_c0f1, 0x7f_ffff, 0x4_c0f7].map(Word).to_vec();
    let page = |n| WINDOW.page_after(n);
    let touch = |n, access| dom0(Dom0Op::Touch { space: SAVER, addr: page(n), access });
    Scenario {
        id: "save-domain-5",
        title: "Save domain 5: four foreign pages, one bad",
        about: "A process of dom0 maps four frames of domain 5. One of them is not domain 5's: its page is taken back, and the call still answers 0.",
        machines: vec![xen_machine(0xa341, vec![DomainSetup { id: DomId(5), frames: vec![range(0x4_c0f0, 16)] }])],
        steps: vec![
            (dom0(Dom0Op::Spawn {}), "The saver starts. Xen sees two page tables of it: one for each mode."),
            (
                dom0(Dom0Op::Mmap {
                    space: SAVER,
                    addr: WINDOW,
                    len: Word(0x4000),
                    prot: 1,
                    maxprot: 0xf,
                    dev: Dev(1),
                }),
                "It maps four pages of the privcmd device. Nothing is behind them yet: every tag is EMPTY.",
            ),
            (
                dom0(Dom0Op::IoctlMmapbatch { space: SAVER, domid: DomId(5), addr: WINDOW, mfns: frames }),
                "One frame of four is not domain 5's. Its page is taken back; the other three stay live.",
            ),
            (
                touch(0, Access::Read),
                "Page 0 can be read: the processor walks four tables and marks the entry as used.",
            ),
            (
                touch(2, Access::Read),
                "Page 2 cannot. The driver never maps a page on demand, so the saver gets SIGBUS.",
            ),
            (
                touch(0, Access::Write),
                "A write to a read-only foreign page is SIGBUS too, where other memory gives SIGSEGV.",
            ),
            (
                dom0(Dom0Op::Fork { space: SAVER }),
                "fork copies the driver's tags, but not one entry of a page table: the child believes in pages it cannot reach.",
            ),
            (
                dom0(Dom0Op::Touch { space: AsId(1), addr: page(0), access: Access::Read }),
                "The child touches page 0: its tag says MFN, its page table says nothing. SIGBUS.",
            ),
            (
                dom0(Dom0Op::Munmap { space: SAVER, addr: page(1), len: Word(0x1000) }),
                "One page cannot be unmapped alone: the driver takes the whole segment or nothing.",
            ),
            (
                dom0(Dom0Op::Munmap { space: SAVER, addr: WINDOW, len: Word(0x4000) }),
                "The whole of it can. Three references to domain 5's frames are dropped, and the page tables fall.",
            ),
            (dom0(Dom0Op::Exit { space: AsId(1) }), "The child ends. It held nothing."),
            (dom0(Dom0Op::Exit { space: SAVER }), "So does the saver. Domain 5's frames are its own again."),
        ],
        names: vec![("saver", SAVER), ("child", AsId(1))],
    }
}

/// Three grants of domain 7 (`illumos.md` 7.3), in a window that starts 2 MiB further up.
fn three_grants() -> Scenario {
    const TAP: AsId = AsId(0);
    const TAP_WINDOW: Va = Va(0x8040_0000);
    let seg = SegId(0);
    let offer = |gref, frame| {
        guest(GuestOp::GrantAccess { domid: DomId(7), gref: GrantRef(gref), to: DomId(0), frame, readonly: false })
    };
    let grefs = [8, 9, 0x2f].map(GrantRef).to_vec();
    Scenario {
        id: "three-grants",
        title: "Block tap: three grants of domain 7, mapped and released",
        about: "A disk back end maps three granted pages by the machine addresses of its own page table entries. Xen writes those entries behind the kernel's back.",
        machines: vec![xen_machine(
            0xa35c,
            vec![DomainSetup {
                id: DomId(7),
                frames: vec![range(0x5_1234, 1), range(0x5_1777, 1), range(0x5_200a, 1)],
            }],
        )],
        steps: vec![
            (dom0(Dom0Op::Spawn {}), "The back end starts."),
            (
                dom0(Dom0Op::Mmap {
                    space: TAP,
                    addr: TAP_WINDOW,
                    len: Word(352 * 0x1000),
                    prot: 3,
                    maxprot: 0xf,
                    dev: Dev(2),
                }),
                "It maps its grant window: 32 requests of 11 pages each.",
            ),
            (
                dom0(Dom0Op::RegisterPtes { seg, addr: TAP_WINDOW, npages: Word(352) }),
                "The first request registers every page: until its first grant, each one maps dom0's own page 0, writable.",
            ),
            (offer(8, 0x5_1234), "Domain 7 offers a frame: it writes an entry of its grant table. Xen is not asked."),
            (offer(9, 0x5_1777), "A second one."),
            (offer(0x2f, 0x5_200a), "And a third, at another place of the table."),
            (
                dom0(Dom0Op::AddGrefs { seg, addr: TAP_WINDOW, flags: 1, grefs, domid: DomId(7) }),
                "Xen pins the three entries, gives a handle for each, and writes the page table entries itself.",
            ),
            (
                dom0(Dom0Op::Touch { space: TAP, addr: TAP_WINDOW, access: Access::Write }),
                "The back end writes into domain 7's page.",
            ),
            (
                guest(GuestOp::EndAccess { domid: DomId(7), gref: GrantRef(8) }),
                "Domain 7 wants its frame back: the entry says that it is in use, so it has to wait for the mapper.",
            ),
            (
                dom0(Dom0Op::ReleaseGrefs { seg, addr: TAP_WINDOW, count: 3 }),
                "The back end releases. Xen leaves 0 in the entries; the kernel still counts them as valid.",
            ),
            (guest(GuestOp::EndAccess { domid: DomId(7), gref: GrantRef(8) }), "Now domain 7 can end the grant."),
            (dom0(Dom0Op::Exit { space: TAP }), "The back end ends; its callback unregisters the window first."),
        ],
        names: vec![("blktap", TAP)],
    }
}

/// A machine to play with.
fn empty_xen() -> Scenario {
    Scenario {
        id: "free-play",
        title: "Free play: a process, domain 5 with frames, domain 7 with grants",
        about: "One process of dom0 with an empty segment of eight pages; 32 frames of domain 5 from 4C0F0, and three grants of domain 7.",
        machines: vec![xen_machine(
            0xa341,
            vec![
                DomainSetup { id: DomId(5), frames: vec![range(0x4_c0f0, 32)] },
                DomainSetup { id: DomId(7), frames: vec![range(0x5_1000, 16)] },
            ],
        )],
        steps: [8, 9, 10]
            .map(|gref| {
                let frame = 0x5_1000 + gref - 8;
                let offer = GuestOp::GrantAccess {
                    domid: DomId(7),
                    gref: GrantRef(gref),
                    to: DomId(0),
                    frame,
                    readonly: gref == 10,
                };
                (guest(offer), "Domain 7 offers a frame.")
            })
            .into_iter()
            .chain([
                (dom0(Dom0Op::Spawn {}), "A process starts."),
                (
                    dom0(Dom0Op::Mmap {
                        space: SAVER,
                        addr: WINDOW,
                        len: Word(0x8000),
                        prot: 3,
                        maxprot: 0xf,
                        dev: Dev(1),
                    }),
                    "It maps eight pages of a device of seg_mf. What comes next is yours.",
                ),
            ])
            .collect(),
        names: vec![("process", SAVER)],
    }
}
