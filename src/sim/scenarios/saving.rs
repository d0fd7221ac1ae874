//! The saver: a process that maps foreign frames to write a domain out.

use super::Scenario;
use super::stage::{
    FIRST, SAVERS_POOL, SECOND, WINDOW, domain, exit, fork, guest, map_batch, map_frames, mmap, munmap, outside, range,
    spawn, touch, xen_machine,
};
use crate::sim::op::{GuestOp, OutsideOp};
use crate::x86::addr::Mfn;
use crate::x86::fault::Access;
use crate::xen::abi::DomId;

/// Four foreign pages of domain 5, one bad (`illumos.md` 7.1 and the beginning of 7.2).
pub fn save_domain_5() -> Scenario {
    let page = |n| WINDOW.page_after(n);
    Scenario {
        id: "save-domain-5",
        title: "Save domain 5: four foreign pages, one bad",
        about: "A process of dom0 maps four frames of domain 5. One of them is not domain 5's: its page is taken back, and the call still answers 0.",
        machines: vec![xen_machine(SAVERS_POOL, vec![domain(5, vec![range(0x4_c0f0, 16)])])],
        steps: vec![
            (spawn(), "The saver starts. Xen sees two page tables of it: one for each mode."),
            (
                mmap(WINDOW, 4, 1, 1),
                "It maps four pages of the privcmd device. Nothing is behind them yet: every tag is EMPTY.",
            ),
            (
                map_batch(5, WINDOW, &[0x4_c0f0, 0x4_c0f1, 0x7f_ffff, 0x4_c0f7]),
                "One frame of four is not domain 5's. Its page is taken back; the other three stay live.",
            ),
            (
                touch(FIRST, page(0), Access::Read),
                "Page 0 can be read: the processor walks four tables and marks the entry as used.",
            ),
            (
                touch(FIRST, page(2), Access::Read),
                "Page 2 cannot. The driver never maps a page on demand, so the saver gets SIGBUS.",
            ),
            (
                touch(FIRST, page(0), Access::Write),
                "A write to a read-only foreign page is SIGBUS too, where other memory gives SIGSEGV.",
            ),
            (
                fork(),
                "fork copies the driver's tags, but not one entry of a page table: the child believes in pages it cannot reach.",
            ),
            (
                touch(SECOND, page(0), Access::Read),
                "The child touches page 0: its tag says MFN, its page table says nothing. SIGBUS.",
            ),
            (munmap(page(1), 1), "One page cannot be unmapped alone: the driver takes the whole segment or nothing."),
            (
                munmap(WINDOW, 4),
                "The whole of it can. Three references to domain 5's frames are dropped, and the page tables fall.",
            ),
            (exit(SECOND), "The child ends. It held nothing."),
            (exit(FIRST), "So does the saver. Domain 5's frames are its own again."),
        ],
        names: vec![("saver", FIRST), ("child", SECOND)],
    }
}

/// A frame that its owner gives back while it is mapped.
pub fn frame_given_back() -> Scenario {
    let give_back = |mfn| guest(GuestOp::GiveBack { domid: DomId(5), mfn: Mfn(mfn) });
    Scenario {
        id: "frame-given-back",
        title: "A frame is given back while it is mapped",
        about: "Domain 5 balloons out a frame that the saver maps. Xen keeps it, still domain 5's, until the saver lets go.",
        machines: vec![xen_machine(SAVERS_POOL, vec![domain(5, vec![range(0x4_c0f0, 16)])])],
        steps: vec![
            (spawn(), "The saver starts."),
            (mmap(WINDOW, 4, 1, 1), "It maps four pages of the privcmd device."),
            (map_frames(FIRST, 5, WINDOW, 0x4_c0f0, 2), "It maps two frames of domain 5."),
            (
                give_back(0x4_c0f1),
                "Domain 5 gives one of them back to Xen: its own map of it goes, its own reference goes, and one stays.",
            ),
            (touch(FIRST, WINDOW.page_after(1), Access::Read), "The saver still reads the frame. Nothing told it."),
            (give_back(0x4_c0f8), "A frame that nobody maps goes at once."),
            (
                map_frames(FIRST, 5, WINDOW.page_after(2), 0x4_c0f8, 1),
                "That one cannot be mapped any more: this is why errors must come frame by frame, when they are mapped.",
            ),
            (munmap(WINDOW, 4), "The saver unmaps: now the first frame is free, too."),
        ],
        names: vec![("saver", FIRST)],
    }
}

/// A domain that dies while its frames are mapped (D36).
pub fn zombie() -> Scenario {
    Scenario {
        id: "zombie",
        title: "A domain dies while it is being saved",
        about: "A mapped frame outlives its domain: what is left of domain 5 stays a zombie for as long as the saver keeps the page.",
        machines: vec![xen_machine(SAVERS_POOL, vec![domain(5, vec![range(0x4_c0f0, 16)])])],
        steps: vec![
            (spawn(), "The saver starts."),
            (mmap(WINDOW, 4, 1, 1), "It maps four pages of the privcmd device."),
            (map_frames(FIRST, 5, WINDOW, 0x4_c0f0, 1), "It maps one frame of domain 5."),
            (
                outside(OutsideOp::KillDomain { domid: DomId(5) }),
                "Domain 5 is destroyed. Its page tables fall, its frames lose their owner's reference, all but one are freed.",
            ),
            (touch(FIRST, WINDOW, Access::Read), "The saver still reads the dead domain's page."),
            (exit(FIRST), "When it ends, the last frame is freed, and only then is the domain gone."),
        ],
        names: vec![("saver", FIRST)],
    }
}
