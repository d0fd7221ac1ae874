//! From the events of a step to its call tree: who called whom, what came back, and what was changed on the way.

use crate::illumos::event::{Call, KernelEvent, Return};
use crate::mock::MockEvent;
use crate::sim::Event;
use crate::view::calls::{self, CallWords, kernel_call, kernel_return, xen_call, xen_return};
use crate::view::changes::{Places, of_event, of_step};
use crate::view::names::Names;
use crate::view::rules::refused_frame_words;
use crate::view::session::opens;
use crate::view::story::{CallRow, Change, ChangeRow, When};
use crate::view::text::{Line, plain};
use crate::x86::PteEvent;
use crate::x86::pte::Pte;
use crate::xen::event::XenEvent;

/// How many rows of the tree are shown round the current one.
const WINDOW: usize = 240;

/// A node of the tree: a call, or a change worth a row of its own.
struct Node {
    /// The number of its event, counted from 1: after so many events it has begun.
    begins: usize,
    depth: usize,
    /// The door it lies inside, as a node: such rows are shown only while the cursor is in there.
    door: Option<usize>,
    words: CallWords,
    statement: Option<String>,
    /// After how many events it has returned, and with what.
    returned: Option<(usize, Option<String>)>,
}

/// The tree of a step, as much of it as fits, and how many rows lie before and after that.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Tree {
    /// Rows left out before.
    pub before: u64,
    /// The rows.
    pub rows: Vec<CallRow>,
    /// Rows left out after.
    pub after: u64,
}

/// The tree of a step's events. `stops` are the places one can stand in, as numbers of events; the cursor is after stop `at`,
/// counted from 1, or none when the step is over.
pub fn tree(places: Places<'_>, events: &[Event], stops: &[usize], at: Option<u16>) -> Tree {
    let all = nodes(places, events);
    let labels = labels(&all, stops);
    let current = at.and_then(|at| labels.iter().position(|label| *label == Some(u32::from(at))));
    let seen: Vec<usize> = (0..all.len()).filter(|node| is_seen(&all[*node], current)).collect();
    let trees = branches(seen.iter().map(|node| all[*node].depth));
    let middle = current.and_then(|current| seen.iter().position(|node| *node == current)).unwrap_or(0);
    let first = middle.saturating_sub(WINDOW / 2);
    let last = (first + WINDOW).min(seen.len());
    let done = at.and_then(|at| stops.get(usize::from(at) - 1)).copied().unwrap_or(usize::MAX);
    let row = |place: usize| {
        let (at, node) = (seen[place], &all[seen[place]]);
        let answer = node.returned.as_ref().filter(|(when, _)| *when <= done).and_then(|(_, answer)| answer.clone());
        let when = match current {
            Some(current) if at == current => When::Now,
            _ if node.begins > done => When::Later,
            _ => When::Past,
        };
        let arguments = if node.statement.is_some() { String::new() } else { format!("({})", node.words.arguments) };
        let function = node.statement.clone().unwrap_or_else(|| node.words.function.to_owned());
        CallRow { micro: labels[at], tree: trees[place].clone(), function, arguments, answer, when }
    };
    Tree { before: first as u64, rows: (first..last).map(row).collect(), after: (seen.len() - last) as u64 }
}

/// What happens behind a door is shown while the cursor is at that door.
fn is_seen(node: &Node, current: Option<usize>) -> bool {
    node.door.is_none() || node.door == current
}

/// The stop of each node: a stop belongs to the last door or change before it that is not behind a door itself.
fn labels(nodes: &[Node], stops: &[usize]) -> Vec<Option<u32>> {
    let mut labels = vec![None; nodes.len()];
    for (stop, events) in (1_u32..).zip(stops) {
        if let Some(node) = (0..nodes.len()).rfind(|node| nodes[*node].begins <= *events && nodes[*node].door.is_none())
        {
            labels[node] = Some(stop);
        }
    }
    labels
}

fn nodes(places: Places<'_>, events: &[Event]) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut door: Option<usize> = None;
    for (begins, event) in (1..).zip(events) {
        if let Some(words) = called(event) {
            nodes.push(Node { begins, depth: open.len(), door, words, statement: None, returned: None });
            open.push(nodes.len() - 1);
            if door.is_none() && opens(event) == Some(true) {
                door = open.last().copied();
            }
        } else if let Some(answer) = returned(event) {
            if let Some(at) = open.pop() {
                nodes[at].returned = Some((begins, answer));
                door = door.filter(|door| *door != at);
            }
        } else if is_worth_a_row(event) {
            let statement = of_event(places, event).first().map(|row| statement(&row.what, &row.change));
            let words = CallWords { function: "", arguments: String::new() };
            nodes.push(Node { begins, depth: open.len(), door, words, statement, returned: None });
        }
    }
    nodes
}

fn called(event: &Event) -> Option<CallWords> {
    match event {
        Event::Kernel(KernelEvent::Called(call)) => Some(kernel_call(call)),
        Event::Xen(XenEvent::Called(call)) => Some(xen_call(call)),
        Event::Kernel(_) | Event::Xen(_) | Event::Pte(_) | Event::Mock(_) => None,
    }
}

fn returned(event: &Event) -> Option<Option<String>> {
    match event {
        Event::Kernel(KernelEvent::Returned(with)) => Some(kernel_return(with)),
        Event::Xen(XenEvent::Returned(with)) => Some(xen_return(*with)),
        Event::Kernel(_) | Event::Xen(_) | Event::Pte(_) | Event::Mock(_) => None,
    }
}

/// Changes a reader of the source would name: entries, tags, the caller's array, signals. Counters are for the column beside it.
fn is_worth_a_row(event: &Event) -> bool {
    match event {
        Event::Pte(PteEvent::Written { .. } | PteEvent::Marked { .. } | PteEvent::Faulted { .. }) => true,
        Event::Pte(
            PteEvent::Cached { .. }
            | PteEvent::Forgot { .. }
            | PteEvent::ForgotAll
            | PteEvent::ForgotNonGlobal { .. }
            | PteEvent::Control { .. }
            | PteEvent::Cr3 { .. },
        ) => false,
        Event::Kernel(
            KernelEvent::Entry { .. }
            | KernelEvent::ArrayWritten { .. }
            | KernelEvent::Signalled { .. }
            | KernelEvent::Injected,
        ) => true,
        Event::Kernel(_) => false,
        Event::Xen(
            XenEvent::Shared { .. }
            | XenEvent::DomainDying { .. }
            | XenEvent::DomainGone { .. }
            | XenEvent::Freed { .. },
        ) => true,
        Event::Xen(_) => false,
        Event::Mock(event) => !matches!(
            event,
            MockEvent::InjectionCounted { .. } | MockEvent::NameGiven { .. } | MockEvent::NameGone { .. }
        ),
    }
}

/// A change in one line.
fn statement(what: &str, change: &Change) -> String {
    match change {
        Change::Became { old: _, new } => format!("{what} = {new}"),
        Change::New(new) => format!("+ {what}: {new}"),
        Change::Gone(_) => format!("{what} is gone"),
        Change::Said(word) => format!("{what}: {word}"),
    }
}

/// The lines before each row, from its depth and whether a sibling follows.
fn branches(depths: impl DoubleEndedIterator<Item = usize>) -> Vec<String> {
    let mut follows: Vec<bool> = Vec::new();
    let mut drawn: Vec<String> = depths
        .rev()
        .map(|depth| {
            follows.truncate(depth + 1);
            follows.resize(depth + 1, false);
            let lines: String = (1..=depth)
                .map(|level| match (level == depth, follows[level]) {
                    (true, true) => "├ ",
                    (true, false) => "└ ",
                    (false, true) => "│ ",
                    (false, false) => "  ",
                })
                .collect();
            follows[depth] = true;
            lines
        })
        .collect();
    drawn.reverse();
    drawn
}

/// The sentence of stop `at`, counted from 1: what was done there, and why.
pub fn stop_sentence(places: Places<'_>, events: &[Event], stops: &[usize], at: u16) -> Line {
    let all = nodes(places, events);
    let node = labels(&all, stops).iter().position(|label| *label == Some(u32::from(at))).map(|node| &all[node]);
    let Some(node) = node else { return Line::new() };
    let before = &events[..node.begins - 1];
    if opens(&events[node.begins - 1]) == Some(false) {
        // One stands inside this function: what it did since the stop before is the thing to tell.
        let since = usize::from(at).checked_sub(2).and_then(|before| stops.get(before)).copied().unwrap_or(0);
        let until = stops.get(usize::from(at) - 1).copied().unwrap_or(events.len());
        return plain(format!("In {}: {}", node.words.function, first_change(of_step(places, &events[since..until]))));
    }
    plain(match &events[node.begins - 1] {
        Event::Kernel(KernelEvent::Called(call)) => call_sentence(places, call, before, node),
        Event::Xen(XenEvent::Called(_)) => answered(node),
        event @ (Event::Kernel(_) | Event::Xen(_) | Event::Pte(_) | Event::Mock(_)) => {
            first_change(of_event(places, event))
        }
    })
}

/// The first of some changes as a sentence; the column beside it has them all.
fn first_change(rows: Vec<ChangeRow>) -> String {
    rows.first().map(|row| change_sentence(&row.what, &row.change)).unwrap_or_default()
}

fn answered(node: &Node) -> String {
    let said = said(&node.words);
    match &node.returned {
        Some((_, Some(answer))) => format!("{said} answers {answer}."),
        Some((_, None)) => format!("{said} returns."),
        None => format!("{said} does not come back."),
    }
}

fn said(words: &CallWords) -> String {
    format!("{}({})", words.function, words.arguments)
}

fn change_sentence(what: &str, change: &Change) -> String {
    match change {
        Change::Became { old, new } => format!("{what} was {old} and becomes {new}."),
        Change::New(new) => format!("{what} comes to be: {new}."),
        Change::Gone(_) => format!("{what} is gone."),
        Change::Said(word) => format!("{what}: {word}."),
    }
}

/// A call with its reason, where this driver's reason is known.
fn call_sentence(places: Places<'_>, call: &Call, before: &[Event], node: &Node) -> String {
    let is_faultpage = matches!(innermost(before), Some(Call::SegmfFaultpage { .. }));
    let is_refused = matches!(&node.returned, Some((_, Some(answer))) if answer.ends_with("refused"));
    match call {
        Call::HatDevload { pfn, .. } if is_faultpage => {
            format!("A throwaway entry of dom0’s own page {:X} makes the page table exist and locks it.", pfn.0)
        }
        Call::UpdateVaMappingOtherdomain { va, pte, domid, .. } => {
            let (mfn, dom) = (calls::frame(Pte(pte.0).frame()), Names::domain(*domid));
            if is_refused {
                let why = refused_frame_words(places.before, Pte(pte.0).frame(), *domid);
                format!("Xen refuses to put frame {mfn} at {}. {why}", calls::address(*va))
            } else {
                format!("Xen puts frame {mfn} of {dom} at {}, in place of the throwaway entry.", calls::address(*va))
            }
        }
        Call::HatUnload { addr, .. } if is_faultpage => match refusal(before) {
            Some((mfn, domid)) => {
                let why = refused_frame_words(places.before, mfn, domid);
                let why = why.trim_end_matches('.');
                format!("{why}, so seg_mf takes the page at {} back.", calls::address(*addr))
            }
            None => format!("seg_mf takes the page at {} back.", calls::address(*addr)),
        },
        _ => answered(node),
    }
}

/// The innermost call of the kernel that is still open.
fn innermost(events: &[Event]) -> Option<&Call> {
    let mut open = Vec::new();
    for event in events {
        match event {
            Event::Kernel(KernelEvent::Called(call)) => open.push(call),
            Event::Kernel(KernelEvent::Returned(_)) => {
                open.pop();
            }
            Event::Kernel(_) | Event::Xen(_) | Event::Pte(_) | Event::Mock(_) => {}
        }
    }
    open.last().copied()
}

/// The frame and domain of the last mapping hypercall, if it was refused.
fn refusal(events: &[Event]) -> Option<(crate::x86::addr::Mfn, crate::xen::abi::DomId)> {
    let asked = events.iter().rev().find_map(|event| match event {
        Event::Kernel(KernelEvent::Called(Call::UpdateVaMappingOtherdomain { pte, domid, .. })) => {
            Some((Pte(pte.0).frame(), *domid))
        }
        Event::Kernel(_) | Event::Xen(_) | Event::Pte(_) | Event::Mock(_) => None,
    })?;
    let answered = events.iter().rev().find_map(|event| match event {
        Event::Kernel(KernelEvent::Returned(Return::Hypercall(value))) => Some(*value),
        Event::Kernel(_) | Event::Xen(_) | Event::Pte(_) | Event::Mock(_) => None,
    })?;
    (answered != 0).then_some(asked)
}

#[cfg(test)]
mod tests {
    use super::{stop_sentence, tree};
    use crate::sim::World;
    use crate::sim::scenarios::all;
    use crate::view::changes::{Places, of_step};
    use crate::view::look::Look;
    use crate::view::names::Names;
    use crate::view::session::stops;
    use crate::view::story::{Change, When};
    use crate::view::text::spoken;
    use expect_test::expect;

    /// Step 3 of the first story: a batch of four frames, one of them bad.
    fn batch() -> (World, World, crate::sim::Op, Vec<crate::sim::Event>) {
        let story = all().remove(0);
        let mut world = World::build(&story.machines).expect("the first story's machine can be built");
        for (op, _) in &story.steps[..2] {
            let _ = world.apply(op);
        }
        let before = world.clone();
        let op = story.steps[2].0.clone();
        let events = world.apply(&op).events;
        (before, world, op, events)
    }

    fn places<'m>(names: &'m Names, before: &'m World, after: &'m World, op: &crate::sim::Op) -> Places<'m> {
        let (before, after) = (Look::of(before, op.machine), Look::of(after, op.machine));
        Places { names, machine: op.machine, before, after }
    }

    #[test]
    fn the_call_tree_of_a_bad_frame() {
        let (before, after, op, events) = batch();
        let names = Names::default();
        let tree = tree(places(&names, &before, &after, &op), &events, &stops(&events), None);
        let text: Vec<String> = tree
            .rows
            .iter()
            .map(|row| {
                let answer = row.answer.as_deref().map(|answer| format!(" = {answer}")).unwrap_or_default();
                let micro = row.micro.map_or("-".to_owned(), |micro| micro.to_string());
                format!("{micro:4} {}{}{}{answer}", row.tree, row.function, row.arguments)
            })
            .collect();
        expect![[r#"
            1    privcmd_ioctl(IOCTL_PRIVCMD_MMAPBATCH, 8000 0000, num 4, dom 5) = 0
            -    ├ segmf_add_mfns(8000 0000, 4C0F0, 1, dom 5) = 0
            2    │ ├ tag of page 0 = MFN
            3    │ └ segmf_faultpage(8000 0000, F_SOFTLOCK, r--) = 0
            4    │   ├ hat_devload(8000 0000, pfn 0, 0x101, LOCK|NOCONSIST)
            5    │   └ HYPERVISOR_update_va_mapping_otherdomain(8000 0000, 4C0F 0605, INVLPG|ALL, dom 5) = 0
            -    ├ segmf_add_mfns(8000 1000, 4C0F1, 1, dom 5) = 0
            6    │ ├ tag of page 1 = MFN
            7    │ └ segmf_faultpage(8000 1000, F_SOFTLOCK, r--) = 0
            8    │   ├ hat_devload(8000 1000, pfn 0, 0x101, LOCK|NOCONSIST)
            9    │   └ HYPERVISOR_update_va_mapping_otherdomain(8000 1000, 4C0F 1605, INVLPG|ALL, dom 5) = 0
            -    ├ segmf_add_mfns(8000 2000, 7FFFFF, 1, dom 5) = EFAULT
            10   │ ├ tag of page 2 = MFN
            11   │ ├ segmf_faultpage(8000 2000, F_SOFTLOCK, r--) = FC_OBJERR EFAULT
            12   │ │ ├ hat_devload(8000 2000, pfn 0, 0x101, LOCK|NOCONSIST)
            13   │ │ ├ HYPERVISOR_update_va_mapping_otherdomain(8000 2000, 7 FFFF F605, INVLPG|ALL, dom 5) = -22, refused
            14   │ │ └ hat_unload(8000 2000, 0x1000, UNMAP|UNLOCK)
            -    │ └ tag of page 2 = EMPTY
            15   ├ arr[2] = F07F FFFF
            -    └ segmf_add_mfns(8000 3000, 4C0F7, 1, dom 5) = 0
            16     ├ tag of page 3 = MFN
            17     └ segmf_faultpage(8000 3000, F_SOFTLOCK, r--) = 0
            18       ├ hat_devload(8000 3000, pfn 0, 0x101, LOCK|NOCONSIST)
            19       └ HYPERVISOR_update_va_mapping_otherdomain(8000 3000, 4C0F 7605, INVLPG|ALL, dom 5) = 0
        "#]].assert_eq(&(text.join("\n") + "\n"));
    }

    #[test]
    fn a_step_shows_what_it_left_changed_and_nothing_that_came_and_went() {
        let (before, after, op, events) = batch();
        let names = Names::default();
        let rows = of_step(places(&names, &before, &after, &op), &events);
        let text: Vec<String> = rows
            .iter()
            .map(|row| match &row.change {
                Change::Became { old, new } => format!("{}: {old} -> {new}", row.what),
                Change::New(new) => format!("{}: + {new}", row.what),
                Change::Gone(old) => format!("{}: {old} gone", row.what),
                Change::Said(word) => format!("{}: {word}", row.what),
            })
            .collect();
        expect![[r#"
            tag of page 0: EMPTY -> MFN
            PTE 8000 0000: 0 -> 4C0F 0705
            tag of page 1: EMPTY -> MFN
            PTE 8000 1000: 0 -> 4C0F 1705
            arr[2]: 7F FFFF -> F07F FFFF
            tag of page 3: EMPTY -> MFN
            PTE 8000 3000: 0 -> 4C0F 7705
            domid: 0 -> 5
            softlockcnt: 0 -> 3
            ht_valid_cnt of 0A343: 0 -> 1
            ht_valid_cnt of 0A344: 0 -> 1
            ht_lock_cnt of 0A345: 0 -> 3
            ht_valid_cnt of 0A345: 0 -> 3
            count of 0A341: 3 -> 4
            count of 0A342: 3 -> 4
            count of 700004: 4 -> 3
            count of 0A343: 2 -> 4
            count of 0A344: 2 -> 3
            count of 0A345: 2 -> 3
            count of 4C0F0: 2 -> 3
            count of 4C0F1: 2 -> 3
            count of 4C0F7: 2 -> 3
            m_mfn of page 0: never written -> 4C0F0
            m_mfn of page 1: never written -> 4C0F1
            m_mfn of page 2: never written -> 7FFFFF
            m_mfn of page 3: never written -> 4C0F7
            type of 0A341: L4 table, 1 -> L4 table, 2
            type of 0A342: L4 table, 1 -> L4 table, 2
            type of 700004: L4 table, 2 -> L4 table, 1
            entry at 7 0000 7018: 10 0000 0A34 3007 -> 10 0000 0A34 3005
            type of 0A343: writable, 1 -> L3 table, 2
            entry at A34 2000: 0 -> A34 3027
            entry at A34 1000: 0 -> A34 3027
            table 0A343: + L3 from 0000 0000
            entry at 7 0000 7020: 10 0000 0A34 4007 -> 10 0000 0A34 4005
            type of 0A344: writable, 1 -> L2 table, 1
            entry at A34 3010: 0 -> A34 4027
            table 0A344: + L2 from 8000 0000
            entry at 7 0000 7028: 10 0000 0A34 5007 -> 10 0000 0A34 5005
            type of 0A345: writable, 1 -> L1 table, 1
            entry at A34 4000: 0 -> A34 5027
            table 0A345: + L1 from 8000 0000
        "#]]
        .assert_eq(&(text.join("\n") + "\n"));
    }

    #[test]
    fn the_current_row_is_the_stop_and_answers_come_when_they_come() {
        let (before, after, op, events) = batch();
        let names = Names::default();
        let places = places(&names, &before, &after, &op);
        let stops = stops(&events);
        for at in 1..=stops.len() as u16 {
            let tree = tree(places, &events, &stops, Some(at));
            let current: Vec<_> = tree.rows.iter().filter(|row| row.when == When::Now).collect();
            assert_eq!(current.len(), 1, "at {at}");
            assert_eq!(current[0].micro, Some(u32::from(at)));
            assert_eq!(tree.rows[0].answer.is_some(), stops[usize::from(at) - 1] == events.len(), "the outermost call");
            assert!(!stop_sentence(places, &events, &stops, at).is_empty());
        }
    }

    #[test]
    fn every_stop_says_what_was_done_and_why() {
        let (before, after, op, events) = batch();
        let names = Names::default();
        let places = places(&names, &before, &after, &op);
        let stops = stops(&events);
        let said: Vec<String> = (1..=stops.len() as u16)
            .map(|at| format!("{at:<2} {}", spoken(&stop_sentence(places, &events, &stops, at))))
            .collect();
        expect![[r#"
            1  In privcmd_ioctl: count of 0A341 was 3 and becomes 4.
            2  tag of page 0 was EMPTY and becomes MFN.
            3  In segmf_faultpage: softlockcnt was 0 and becomes 1.
            4  A throwaway entry of dom0’s own page 0 makes the page table exist and locks it.
            5  Xen puts frame 4C0F0 of domain 5 at 8000 0000, in place of the throwaway entry.
            6  tag of page 1 was EMPTY and becomes MFN.
            7  In segmf_faultpage: softlockcnt was 1 and becomes 2.
            8  A throwaway entry of dom0’s own page 0 makes the page table exist and locks it.
            9  Xen puts frame 4C0F1 of domain 5 at 8000 1000, in place of the throwaway entry.
            10 tag of page 2 was EMPTY and becomes MFN.
            11 In segmf_faultpage: softlockcnt was 2 and becomes 3.
            12 A throwaway entry of dom0’s own page 0 makes the page table exist and locks it.
            13 Xen refuses to put frame 7FFFFF at 8000 2000. Frame 7FFFFF is not domain 5’s: it is nobody’s.
            14 Frame 7FFFFF is not domain 5’s: it is nobody’s, so seg_mf takes the page at 8000 2000 back.
            15 arr[2] was 7F FFFF and becomes F07F FFFF.
            16 tag of page 3 was EMPTY and becomes MFN.
            17 In segmf_faultpage: softlockcnt was 2 and becomes 3.
            18 A throwaway entry of dom0’s own page 0 makes the page table exist and locks it.
            19 Xen puts frame 4C0F7 of domain 5 at 8000 3000, in place of the throwaway entry.
        "#]]
        .assert_eq(&(said.join("\n") + "\n"));
    }
}
