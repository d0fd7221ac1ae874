//! Defects of the driver, each by its shortest way, as written (`illumos.md` 6.2, 6.3).

use super::Scenario;
use super::stage::{
    FIRST, REQUEST, SAVERS_POOL, SECOND, SEG, TAP_PAGES, TAP_WINDOW, TAPS_POOL, WINDOW, domain, domain_7, end_access,
    exit, fork, map_frames, map_grants, mmap, munmap, range, release, spawn, tap_is_ready, touch, xen_machine,
};
use crate::illumos::abi::SegId;
use crate::sim::Op;
use crate::x86::fault::Access;

fn saver(id: &'static str, title: &'static str, about: &'static str, steps: Vec<(Op, &'static str)>) -> Scenario {
    let machines = vec![xen_machine(
        SAVERS_POOL,
        vec![domain(5, vec![range(0x4_c0f0, 2), range(0x4_c0f8, 4)]), domain(6, vec![range(0x6_0000, 4)])],
    )];
    let mut all =
        vec![(spawn(), "The saver starts."), (mmap(WINDOW, 4, 1, 1), "It maps four pages of the privcmd device.")];
    all.extend(steps);
    Scenario { id, title, about, machines, steps: all, names: vec![("saver", FIRST)] }
}

fn tap(id: &'static str, title: &'static str, about: &'static str, steps: Vec<(Op, &'static str)>) -> Scenario {
    let mut all = tap_is_ready();
    all.extend(steps);
    let machines = vec![xen_machine(TAPS_POOL, vec![domain_7()])];
    Scenario { id, title, about, machines, steps: all, names: vec![("back end", FIRST), ("child", SECOND)] }
}

/// D04.
pub fn partial_failure() -> Scenario {
    saver(
        "d04-partial-failure",
        "D04: an error that leaves its pages mapped",
        "One call asks for four frames in a row; the third is bad. It answers EFAULT, and two pages stay live with no tag to tell of them.",
        vec![
            (
                map_frames(FIRST, 5, WINDOW, 0x4_c0f0, 4),
                "Frames 4C0F2 and 4C0F3 are not domain 5's: EFAULT. The pages done are unlocked, not unloaded; all tags go to EMPTY.",
            ),
            (touch(FIRST, WINDOW, Access::Read), "The process reads a page that the call said it has not."),
            (
                munmap(WINDOW, 4),
                "Unmapping takes the lock count of the table below zero: on a production kernel it wraps.",
            ),
        ],
    )
}

/// D05.
pub fn page_added_twice() -> Scenario {
    saver(
        "d05-page-added-twice",
        "D05: a page added twice panics dom0",
        "The driver maps over whatever is there. The HAT finds a valid entry for another frame and gives up.",
        vec![
            (map_frames(FIRST, 5, WINDOW, 0x4_c0f0, 1), "Page 0 maps frame 4C0F0."),
            (
                map_frames(FIRST, 5, WINDOW, 0x4_c0f8, 1),
                "Page 0 again, with another frame: the placeholder has already replaced the live entry when the HAT panics.",
            ),
        ],
    )
}

/// D01.
pub fn wrong_entries_cleared() -> Scenario {
    tap(
        "d01-wrong-entries-cleared",
        "D01: the error path clears another request's entries",
        "A failed request at page 11 wipes entries 0 to 2, which belong to a request that is live.",
        vec![
            (map_grants(0, &[8, 9, 0x2f]), "Request 0: three grants at pages 0 to 2."),
            (
                map_grants(REQUEST, &[100, 101, 102]),
                "Request 1, at pages 11 to 13, names grants that were never offered: EFAULT, and the clean-up starts at entry 0.",
            ),
            (
                release(SEG, 0, 3),
                "Request 0 is answered. Its entries are EMPTY, so there is nothing to release, says the driver: 0.",
            ),
            (end_access(8), "Domain 7 never gets its frame back: pinned, and nobody knows the handle."),
            (
                map_grants(0, &[9]),
                "The next request at page 0 overwrites a live entry: Xen drops that page's reference, the pin stays.",
            ),
        ],
    )
}

/// D02.
pub fn only_the_first_status() -> Scenario {
    tap(
        "d02-only-the-first-status",
        "D02: only the first status is looked at",
        "The second of three grants is bad. The call answers 0, and the process is handed a page of dom0 as if it were the guest's.",
        vec![
            (
                map_grants(0, &[8, 100, 0x2f]),
                "Ref 64 was never offered, but only the first operation decides: 0. Entry 1 is MAPPED with handle 0.",
            ),
            (
                touch(FIRST, TAP_WINDOW.page_after(1), Access::Write),
                "The back end writes a block for domain 7 into dom0's own page 0.",
            ),
            (
                release(SEG, 0, 3),
                "The release unmaps handle 0 twice: it belongs to page 0. Refused for page 1, and the driver does not look.",
            ),
        ],
    )
}

/// D03.
pub fn batch_not_undone() -> Scenario {
    tap(
        "d03-batch-not-undone",
        "D03: a failed batch keeps its successes",
        "The first of three grants is bad. The call answers EFAULT; the two that Xen mapped stay mapped, their handles lost.",
        vec![
            (
                map_grants(0, &[100, 9, 0x2f]),
                "Ref 64 was never offered: EFAULT. Refs 9 and 2F are mapped all the same.",
            ),
            (release(SEG, 0, 3), "There is nothing to release, says the driver."),
            (end_access(9), "Domain 7 asks for its frame, in vain."),
            (touch(FIRST, TAP_WINDOW.page_after(1), Access::Write), "And the back end can still write to it."),
        ],
    )
}

/// D08.
pub fn unmapped_with_grants() -> Scenario {
    tap(
        "d08-unmapped-with-grants",
        "D08: unmapping a window with grants live panics dom0",
        "unmap does not release grants, and does not say EAGAIN, so the callback that would is not run. The HAT meets an entry it cannot explain.",
        vec![
            (map_grants(0, &[8, 9, 0x2f]), "Three grants are mapped."),
            (
                munmap(TAP_WINDOW, TAP_PAGES),
                "The process unmaps the window. A grant's entry has no software bits and its frame no local page: panic.",
            ),
        ],
    )
}

/// D12.
pub fn domain_sticks() -> Scenario {
    saver(
        "d12-domain-sticks",
        "D12: a segment stays bound to a domain it never mapped",
        "The binding is made before anything is known to work, and nothing ever takes it back.",
        vec![
            (
                map_frames(FIRST, 5, WINDOW, 0x7f_ffff, 1),
                "The frame is not domain 5's: EFAULT. But the segment is domain 5's from now on.",
            ),
            (
                map_frames(FIRST, 6, WINDOW, 0x6_0000, 1),
                "A good frame of domain 6 is refused: EINVAL, and always will be.",
            ),
            (exit(FIRST), "Only the end of the segment ends it."),
        ],
    )
}

/// D07, the double release that no caller makes yet.
pub fn child_releases() -> Scenario {
    tap(
        "d07-child-releases",
        "D07: a release in the child unmaps the parent's page",
        "After fork both segments hold the same handle and the same entry address: the parent's.",
        vec![
            (map_grants(0, &[8]), "One grant is mapped in the parent."),
            (fork(), "fork copies handle and entry address."),
            (release(SegId(1), 0, 1), "Somebody releases in the child: Xen clears the entry in the *parent's* table."),
            (
                touch(FIRST, TAP_WINDOW, Access::Read),
                "The parent's page is gone under it, while its tag still says GREF.",
            ),
            (
                release(SEG, 0, 1),
                "Its own release is refused by Xen (bad handle), which the driver does not look at: 0.",
            ),
        ],
    )
}
