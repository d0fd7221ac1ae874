//! Which steps touched a selection: read from the events of each.

use crate::illumos::event::KernelEvent;
use crate::sim::{Event, MachineId, World};
use crate::view::look::Look;
use crate::view::session::{Selection, Session};
use crate::x86::PteEvent;
use crate::x86::addr::Mfn;
use crate::x86::pte::Pte;
use crate::xen::event::XenEvent;

/// The most steps that are replayed to find out.
const MOST: usize = 20_000;

/// The steps of the path that touched the selection, by their number on it. On very long paths only the first 20 000 are asked.
pub fn steps(session: &Session, selection: Selection) -> Vec<u64> {
    let Some(start) = session.path().first() else { return Vec::new() };
    let mut world = session.history().world_at(*start);
    let mut found = Vec::new();
    for (number, step) in (1_u64..).zip(session.path().iter().skip(1).take(MOST)) {
        let Some(op) = session.history().op(*step) else { break };
        let before = world.clone();
        let outcome = world.apply(op);
        if op.machine == machine(selection) && touches(selection, &outcome.events, &before, &world) {
            found.push(number);
        }
    }
    found
}

fn machine(selection: Selection) -> MachineId {
    match selection {
        Selection::Page { machine, .. }
        | Selection::Segment { machine, .. }
        | Selection::Frame { machine, .. }
        | Selection::Grant { machine, .. } => machine,
    }
}

fn touches(selection: Selection, events: &[Event], before: &World, after: &World) -> bool {
    let looks: Vec<Look<'_>> =
        [after, before].into_iter().filter_map(|world| Look::of(world, machine(selection))).collect();
    events.iter().any(|event| match event {
        Event::Pte(event) => table_event(selection, event, &looks),
        Event::Xen(event) => xen_event(selection, event),
        Event::Kernel(event) => kernel_event(selection, event, &looks),
        Event::Mock(_) => false,
    })
}

fn table_event(selection: Selection, event: &PteEvent, looks: &[Look<'_>]) -> bool {
    let (at, old, new) = match event {
        PteEvent::Written { at, old, new } | PteEvent::Marked { at, old, new } => (*at, *old, *new),
        PteEvent::Faulted { va, .. } => {
            // The address alone does not say whose; the step's own process is the likely one.
            return matches!(selection, Selection::Page { va: page, .. } if page == va.page());
        }
        PteEvent::Cached { .. }
        | PteEvent::Forgot { .. }
        | PteEvent::ForgotAll
        | PteEvent::ForgotNonGlobal { .. }
        | PteEvent::Control { .. }
        | PteEvent::Cr3 { .. } => return false,
    };
    match selection {
        Selection::Page { space, va, .. } => {
            looks.iter().any(|look| look.kernel.translated_by(at) == Some((space, va)))
        }
        Selection::Frame { mfn, .. } => [old, new].iter().any(|entry: &Pte| entry.is_present() && entry.frame() == mfn),
        Selection::Segment { .. } | Selection::Grant { .. } => false,
    }
}

fn xen_event(selection: Selection, event: &XenEvent) -> bool {
    let is_frame = |touched: Mfn| matches!(selection, Selection::Frame { mfn, .. } if mfn == touched);
    match event {
        XenEvent::Count { mfn, .. }
        | XenEvent::Type { mfn, .. }
        | XenEvent::TablePinned { mfn, .. }
        | XenEvent::Released { mfn, .. }
        | XenEvent::Freed { mfn, .. } => is_frame(*mfn),
        XenEvent::Shared { granter, gref, .. } | XenEvent::HandleTaken { granter, gref, .. } => {
            matches!(selection, Selection::Grant { granter: of, gref: which, .. } if (of, which) == (*granter, *gref))
        }
        XenEvent::Pins { granter, gref, mfn, .. } => {
            is_frame(*mfn)
                || matches!(selection, Selection::Grant { granter: of, gref: which, .. } if (of, which) == (*granter, *gref))
        }
        XenEvent::Called(_)
        | XenEvent::Returned(_)
        | XenEvent::HandleFreed { .. }
        | XenEvent::DomainDying { .. }
        | XenEvent::DomainGone { .. } => false,
    }
}

fn kernel_event(selection: Selection, event: &KernelEvent, looks: &[Look<'_>]) -> bool {
    let (seg, index) = match event {
        KernelEvent::Entry { seg, index, .. } => (*seg, Some(*index)),
        KernelEvent::Bound { seg, .. }
        | KernelEvent::SoftLocks { seg, .. }
        | KernelEvent::SegBorn { seg, .. }
        | KernelEvent::SegGone { seg } => (*seg, None),
        _ => return false,
    };
    let is_life = matches!(event, KernelEvent::SegBorn { .. } | KernelEvent::SegGone { .. });
    match selection {
        Selection::Segment { seg: selected, .. } => selected == seg,
        Selection::Page { space, va, .. } => looks.iter().filter_map(|look| look.kernel.seg(seg)).any(|known| {
            let is_same = match index {
                Some(index) => known.base.page_after(index) == va,
                None => is_life && known.contains(va),
            };
            known.space == space && is_same
        }),
        Selection::Frame { .. } | Selection::Grant { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::steps;
    use crate::illumos::abi::AsId;
    use crate::sim::{MachineId, scenarios};
    use crate::view::session::{Selection, Session};
    use crate::x86::addr::{Mfn, Va};

    #[test]
    fn the_steps_that_touched_a_page_and_its_frame() {
        let session = Session::of_scenario(&scenarios::all()[0]).expect("the first story can be built");
        let machine = MachineId(0);
        let page = Selection::Page { machine, space: AsId(0), va: Va(0x8000_1000) };
        assert_eq!(steps(&session, page), [2, 3, 10], "mapped, filled, unmapped whole");
        let frame = Selection::Frame { machine, mfn: Mfn(0x4_C0F1) };
        assert_eq!(steps(&session, frame), [3, 10]);
    }
}
