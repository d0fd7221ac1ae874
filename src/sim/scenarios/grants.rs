//! The tap: a disk back end that maps granted pages by the addresses of its own page table entries.

use super::Scenario;
use super::stage::{
    FIRST, SEG, TAP_WINDOW, TAPS_POOL, domain_7, end_access, exit, guest, map_grants, release, tap_is_ready, touch,
    xen_machine,
};
use crate::sim::op::GuestOp;
use crate::x86::fault::Access;
use crate::xen::abi::{DomId, GrantRef};

/// `illumos.md` 7.3.
pub fn three_grants() -> Scenario {
    let mut steps = tap_is_ready();
    steps.extend([
        (
            map_grants(0, &[8, 9, 0x2f]),
            "Xen pins the three entries, gives a handle for each, and writes the page table entries itself.",
        ),
        (touch(FIRST, TAP_WINDOW, Access::Write), "The back end writes into domain 7's page."),
        (
            end_access(8),
            "Domain 7 wants its frame back: the entry says that it is in use, so it has to wait for the mapper.",
        ),
        (
            release(SEG, 0, 3),
            "The back end releases. Xen leaves 0 in the entries; the kernel still counts them as valid.",
        ),
        (end_access(8), "Now domain 7 can end the grant."),
        (exit(FIRST), "The back end ends; its callback unregisters the window first."),
    ]);
    Scenario {
        id: "three-grants",
        title: "Block tap: three grants of domain 7, mapped and released",
        about: "A disk back end maps three granted pages by the machine addresses of its own page table entries. Xen writes those entries behind the kernel's back.",
        machines: vec![xen_machine(TAPS_POOL, vec![domain_7()])],
        steps,
        names: vec![("back end", FIRST)],
    }
}

/// A granter that does not wait, beside one that does.
pub fn end_access_waits() -> Scenario {
    let mut steps = tap_is_ready();
    steps.extend([
        (map_grants(0, &[8, 9]), "Two of the three grants are mapped."),
        (end_access(0x2f), "The grant nobody mapped ends at once."),
        (end_access(8), "A mapped one does not: Xen's mark in the entry says that it is in use. The protocol is to ask again later."),
        (
            guest(GuestOp::RevokeGrant { domid: DomId(7), gref: GrantRef(9) }),
            "Nothing enforces the protocol: domain 7 zeroes the other entry. The pins and the mapping stay as they were.",
        ),
        (touch(FIRST, TAP_WINDOW.page_after(1), Access::Write), "The back end still writes to the page that domain 7 believes it has back."),
        (release(SEG, 0, 2), "The release lets both go, whatever the entries say."),
        (end_access(8), "Now the patient one ends."),
    ]);
    Scenario {
        id: "end-access-waits",
        title: "End access has to wait for the mapper",
        about: "Who may take a granted frame back, and when: the entry's own marks against a granter that does not look.",
        machines: vec![xen_machine(TAPS_POOL, vec![domain_7()])],
        steps,
        names: vec![("back end", FIRST)],
    }
}
