//! What fork makes of pages that only the driver can map.

use super::Scenario;
use super::stage::{
    FIRST, SAVERS_POOL, SECOND, TAP_WINDOW, TAPS_POOL, WINDOW, domain, domain_7, exit, fork, map_batch, map_frames,
    map_grants, mincore, mmap, range, spawn, tap_is_ready, touch, xen_machine,
};
use crate::x86::fault::Access;

/// `illumos.md` 7.2.
pub fn fork_of_the_saver() -> Scenario {
    Scenario {
        id: "fork-of-the-saver",
        title: "Fork of the saver: tags without pages",
        about: "D07. The child inherits what the driver believes, not what the processor sees. It can even map pages of its own with it.",
        machines: vec![xen_machine(
            SAVERS_POOL,
            vec![domain(5, vec![range(0x4_c0f0, 16)]), domain(6, vec![range(0x6_0000, 4)])],
        )],
        steps: vec![
            (spawn(), "The saver starts."),
            (mmap(WINDOW, 4, 1, 1), "It maps four pages of the privcmd device."),
            (
                map_batch(5, WINDOW, &[0x4_c0f0, 0x4_c0f1, 0x7f_ffff, 0x4_c0f7]),
                "Three frames of domain 5 are live, one is bad.",
            ),
            (fork(), "fork: the child's tags are M M E M, its domain is 5, its page table is empty."),
            (mincore(SECOND, WINDOW, 4), "mincore in the child says that all four pages are resident. None is."),
            (touch(SECOND, WINDOW, Access::Read), "A touch says otherwise: SIGBUS, si_errno 14."),
            (
                map_frames(SECOND, 5, WINDOW, 0x4_c0f0, 1),
                "But the child may map the frame itself: it has the descriptor and the binding.",
            ),
            (
                map_frames(SECOND, 6, WINDOW.page_after(1), 0x6_0000, 1),
                "Of domain 6 it may not: the binding was inherited, too.",
            ),
            (exit(SECOND), "The child ends: its one page is unloaded by hypercall."),
            (exit(FIRST), "The saver ends: three entries, three locks, three references."),
        ],
        names: vec![("saver", FIRST), ("child", SECOND)],
    }
}

/// `illumos.md` 7.4.
pub fn fork_with_live_grants() -> Scenario {
    let mut steps = tap_is_ready();
    steps.extend([
        (map_grants(0, &[8, 9, 0x2f]), "Three grants are mapped."),
        (fork(), "fork: the child's entries hold the parent's handles, and the addresses of the parent's page table entries."),
        (touch(SECOND, TAP_WINDOW, Access::Read), "The child has no page there: SIGBUS."),
        (exit(SECOND), "The child ends. It has no callback, and nothing is sent to Xen: the parent's grants are intact."),
        (
            exit(FIRST),
            "The parent ends: its callback releases the three grants and unregisters 352 pages, of which three were cleared behind the kernel's back.",
        ),
    ]);
    Scenario {
        id: "fork-with-live-grants",
        title: "Fork with three grants live",
        about: "Handles and entry addresses are copied bit for bit. As long as nobody releases in the child, nothing happens; see what does in “The child releases”.",
        machines: vec![xen_machine(TAPS_POOL, vec![domain_7()])],
        steps,
        names: vec![("back end", FIRST), ("child", SECOND)],
    }
}
