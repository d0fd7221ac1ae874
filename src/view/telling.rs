//! From the events of a step to its call tree: who called whom, what came back, and what was changed on the way.

use crate::illumos::event::{Call, KernelEvent, Return};
use crate::mock::MockEvent;
use crate::sim::{Event, Op};
use crate::view::calls::{self, CallWords, kernel_call, kernel_return, xen_call, xen_return};
use crate::view::changes::{Places, of_event};
use crate::view::command::Place;
use crate::view::rules::refused_frame_words;
use crate::view::story::{CallRow, Change, When};
use crate::view::text::{Line, plain};
use crate::x86::PteEvent;
use crate::x86::pte::Pte;
use crate::xen::event::XenEvent;

/// How many rows of the tree are shown round the current one.
const WINDOW: usize = 240;

/// A node of the tree: a call, or a change worth a row of its own.
struct Node {
    /// The index of its event, counted from 1: the micro-step after which it has begun.
    begins: u32,
    depth: usize,
    words: CallWords,
    statement: Option<String>,
    /// The micro-step at which it returned, and with what.
    returned: Option<(u32, Option<String>)>,
}

/// The tree of a step, as much of it as fits, and how many rows lie before and after that.
#[derive(Clone, PartialEq, Debug)]
pub struct Tree {
    /// Rows left out before.
    pub before: u64,
    /// The rows.
    pub rows: Vec<CallRow>,
    /// Rows left out after.
    pub after: u64,
}

/// The tree of a step's events with the cursor after `micro` of them; none means that the step is over.
pub fn tree(places: Places<'_>, events: &[Event], micro: Option<u32>) -> Tree {
    let nodes = nodes(places, events);
    let current = micro.and_then(|micro| nodes.iter().rposition(|node| node.begins <= micro));
    let middle = current.unwrap_or(0);
    let first = middle.saturating_sub(WINDOW / 2);
    let last = (first + WINDOW).min(nodes.len());
    let trees = branches(&nodes);
    let done = micro.unwrap_or(u32::MAX);
    let row = |(at, node): (usize, &Node)| {
        let answer = node.returned.as_ref().filter(|(when, _)| *when <= done).and_then(|(_, answer)| answer.clone());
        let when = match current {
            Some(current) if at == current => When::Now,
            _ if node.begins > done => When::Later,
            _ => When::Past,
        };
        let arguments = match node.statement {
            Some(_) => String::new(),
            None => format!("({})", node.words.arguments),
        };
        let function = node.statement.clone().unwrap_or_else(|| node.words.function.to_owned());
        CallRow { micro: Some(node.begins), tree: trees[at].clone(), function, arguments, answer, when }
    };
    let rows = nodes.iter().enumerate().skip(first).take(last - first).map(row).collect();
    Tree { before: first as u64, rows, after: (nodes.len() - last) as u64 }
}

fn nodes(places: Places<'_>, events: &[Event]) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for (begins, event) in (1_u32..).zip(events) {
        let called = match event {
            Event::Kernel(KernelEvent::Called(call)) => Some(kernel_call(call)),
            Event::Xen(XenEvent::Called(call)) => Some(xen_call(call)),
            Event::Kernel(_) | Event::Xen(_) | Event::Pte(_) | Event::Mock(_) => None,
        };
        let returned = match event {
            Event::Kernel(KernelEvent::Returned(with)) => Some(kernel_return(with)),
            Event::Xen(XenEvent::Returned(with)) => Some(xen_return(*with)),
            Event::Kernel(_) | Event::Xen(_) | Event::Pte(_) | Event::Mock(_) => None,
        };
        if let Some(words) = called {
            nodes.push(Node { begins, depth: open.len(), words, statement: None, returned: None });
            open.push(nodes.len() - 1);
        } else if let Some(answer) = returned {
            if let Some(at) = open.pop() {
                nodes[at].returned = Some((begins, answer));
            }
        } else if is_worth_a_row(event) {
            let statement = of_event(places, event).first().map(|row| statement(&row.what, &row.change));
            let words = CallWords { function: "", arguments: String::new() };
            nodes.push(Node { begins, depth: open.len(), words, statement, returned: None });
        }
    }
    nodes
}

/// Changes a reader of the source would name: entries, tags, the caller's array, signals. Counters are for the column beside it.
fn is_worth_a_row(event: &Event) -> bool {
    match event {
        Event::Pte(PteEvent::Written { .. } | PteEvent::Marked { .. } | PteEvent::Faulted { .. }) => true,
        Event::Pte(PteEvent::Cached { .. } | PteEvent::Forgot { .. } | PteEvent::ForgotAll | PteEvent::Cr3 { .. }) => {
            false
        }
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
fn branches(nodes: &[Node]) -> Vec<String> {
    let mut follows: Vec<bool> = Vec::new();
    let mut drawn: Vec<String> = nodes
        .iter()
        .rev()
        .map(|node| {
            follows.truncate(node.depth + 1);
            follows.resize(node.depth + 1, false);
            let mut text = String::new();
            for level in 1..=node.depth {
                let sibling = follows[level];
                text.push_str(match (level == node.depth, sibling) {
                    (true, true) => "├ ",
                    (true, false) => "└ ",
                    (false, true) => "│ ",
                    (false, false) => "  ",
                });
            }
            follows[node.depth] = true;
            text
        })
        .collect();
    drawn.reverse();
    drawn
}

/// The sentence of a micro-step: what just happened, and why.
pub fn micro_sentence(places: Places<'_>, op: &Op, events: &[Event], micro: u32) -> Line {
    let Some(event) = (micro as usize).checked_sub(1).and_then(|at| events.get(at)) else {
        return plain(format!("{}: it begins.", crate::view::words::deed(places.names, op)));
    };
    let done = &events[..micro as usize];
    plain(match event {
        Event::Kernel(KernelEvent::Called(call)) => call_sentence(places, call, &done[..done.len() - 1]),
        Event::Xen(XenEvent::Called(call)) => format!("Inside Xen: {}.", said(xen_call(call))),
        Event::Kernel(KernelEvent::Returned(_)) | Event::Xen(XenEvent::Returned(_)) => return_sentence(done),
        Event::Kernel(_) | Event::Xen(_) | Event::Pte(_) | Event::Mock(_) => {
            let rows = of_event(places, event);
            let all: Vec<String> = rows.iter().map(|row| change_sentence(&row.what, &row.change)).collect();
            all.join("; ") + "."
        }
    })
}

fn said(words: CallWords) -> String {
    format!("{}({})", words.function, words.arguments)
}

fn change_sentence(what: &str, change: &Change) -> String {
    match change {
        Change::Became { old, new } => format!("{what} was {old} and becomes {new}"),
        Change::New(new) => format!("{what} comes to be: {new}"),
        Change::Gone(_) => format!("{what} is gone"),
        Change::Said(word) => format!("{what}: {word}"),
    }
}

/// A call with its reason, where this driver's reason is known.
fn call_sentence(places: Places<'_>, call: &Call, before: &[Event]) -> String {
    let inside = innermost(before);
    let is_faultpage = matches!(inside, Some(Call::SegmfFaultpage { .. }));
    match call {
        Call::HatDevload { pfn, .. } if is_faultpage => {
            format!("A throwaway entry of dom0’s own page {:X} makes the page table exist and locks it.", pfn.0)
        }
        Call::UpdateVaMappingOtherdomain { va, pte, domid, .. } => {
            let mfn = calls::frame(Pte(pte.0).frame());
            format!("seg_mf asks Xen to put frame {mfn} of {} at {}.", calls::domain(*domid), calls::address(*va))
        }
        Call::HatUnload { addr, .. } if is_faultpage => match refusal(before) {
            Some((mfn, domid)) => {
                let why = refused_frame_words(places.before, mfn, domid);
                format!("{why} So seg_mf takes the page at {} back.", calls::address(*addr))
            }
            None => format!("seg_mf takes the page at {} back.", calls::address(*addr)),
        },
        Call::SegmfFaultpage { addr, .. } => {
            format!("seg_mf maps the page at {} now: a fault later would come too late.", calls::address(*addr))
        }
        _ => format!("{} is called.", said(kernel_call(call))),
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

fn return_sentence(done: &[Event]) -> String {
    let mut open: Vec<CallWords> = Vec::new();
    let mut last = None;
    for event in done {
        match event {
            Event::Kernel(KernelEvent::Called(call)) => open.push(kernel_call(call)),
            Event::Xen(XenEvent::Called(call)) => open.push(xen_call(call)),
            Event::Kernel(KernelEvent::Returned(with)) => last = open.pop().map(|call| (call, kernel_return(with))),
            Event::Xen(XenEvent::Returned(with)) => last = open.pop().map(|call| (call, xen_return(*with))),
            Event::Kernel(_) | Event::Xen(_) | Event::Pte(_) | Event::Mock(_) => {}
        }
    }
    match last {
        Some((call, Some(answer))) => format!("{} answers {answer}.", call.function),
        Some((call, None)) => format!("{} returns.", call.function),
        None => "A function returns.".to_owned(),
    }
}

/// How the cursor's place is said in a heading.
pub fn place_words(place: Place) -> String {
    match place.micro {
        Some(_) => place.to_string(),
        None => format!("step {place}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{micro_sentence, tree};
    use crate::sim::World;
    use crate::sim::scenarios::all;
    use crate::view::changes::{Places, of_step};
    use crate::view::look::Look;
    use crate::view::names::Names;
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
        let tree = tree(places(&names, &before, &after, &op), &events, None);
        let kernel = |name: &str| !name.starts_with("mod_l") && !name.starts_with("PTE") && !name.starts_with("entry");
        let text: Vec<String> = tree
            .rows
            .iter()
            .filter(|row| kernel(&row.function))
            .map(|row| {
                let answer = row.answer.as_deref().map(|answer| format!(" = {answer}")).unwrap_or_default();
                format!("{:4} {}{}{}{answer}", row.micro.unwrap_or_default(), row.tree, row.function, row.arguments)
            })
            .collect();
        expect![[r#"
               1 privcmd_ioctl(IOCTL_PRIVCMD_MMAPBATCH, 8000 0000, num 4, dom 5) = 0
              10 ├ segmf_add_mfns(8000 0000, 4C0F0, 1, dom 5) = 0
              13 │ ├ tag of page 0 = MFN
              14 │ └ segmf_faultpage(8000 0000, F_SOFTLOCK, r--) = 0
              18 │   ├ hat_devload(8000 0000, pfn 0, 0x101, LOCK|NOCONSIST)
              19 │   │ ├ HYPERVISOR_update_va_mapping(FFFF FE00 0000 3000, A34 3001, INVLPG) = 0
              27 │   │ ├ HYPERVISOR_mmu_update(A34 2000, A34 3027) = 0
              35 │   │ ├ HYPERVISOR_mmu_update(A34 1000, A34 3027) = 0
              43 │   │ ├ HYPERVISOR_update_va_mapping(FFFF FE00 0000 4000, A34 4001, INVLPG) = 0
              51 │   │ ├ HYPERVISOR_mmu_update(A34 3010, A34 4027) = 0
              62 │   │ ├ HYPERVISOR_update_va_mapping(FFFF FE00 0000 5000, A34 5001, INVLPG) = 0
              70 │   │ ├ HYPERVISOR_mmu_update(A34 4000, A34 5027) = 0
              83 │   │ └ ptwr_emulated_update(A34 5000, 8000 0000 0010 0461) = 0
              92 │   └ HYPERVISOR_update_va_mapping_otherdomain(8000 0000, 4C0F 0605, INVLPG|ALL, dom 5) = 0
             102 ├ segmf_add_mfns(8000 1000, 4C0F1, 1, dom 5) = 0
             104 │ ├ tag of page 1 = MFN
             105 │ └ segmf_faultpage(8000 1000, F_SOFTLOCK, r--) = 0
             109 │   ├ hat_devload(8000 1000, pfn 0, 0x101, LOCK|NOCONSIST)
             112 │   │ └ ptwr_emulated_update(A34 5008, 8000 0000 0010 0461) = 0
             121 │   └ HYPERVISOR_update_va_mapping_otherdomain(8000 1000, 4C0F 1605, INVLPG|ALL, dom 5) = 0
             131 ├ segmf_add_mfns(8000 2000, 7FFFFF, 1, dom 5) = EFAULT
             133 │ ├ tag of page 2 = MFN
             134 │ ├ segmf_faultpage(8000 2000, F_SOFTLOCK, r--) = FC_OBJERR EFAULT
             138 │ │ ├ hat_devload(8000 2000, pfn 0, 0x101, LOCK|NOCONSIST)
             141 │ │ │ └ ptwr_emulated_update(A34 5010, 8000 0000 0010 0461) = 0
             150 │ │ ├ HYPERVISOR_update_va_mapping_otherdomain(8000 2000, 7 FFFF F605, INVLPG|ALL, dom 5) = -22, refused
             157 │ │ └ hat_unload(8000 2000, 0x1000, UNMAP|UNLOCK)
             160 │ │   └ ptwr_emulated_update(A34 5010, 0) = 0
             170 │ └ tag of page 2 = EMPTY
             173 ├ arr[2] = F07F FFFF
             174 └ segmf_add_mfns(8000 3000, 4C0F7, 1, dom 5) = 0
             176   ├ tag of page 3 = MFN
             177   └ segmf_faultpage(8000 3000, F_SOFTLOCK, r--) = 0
             181     ├ hat_devload(8000 3000, pfn 0, 0x101, LOCK|NOCONSIST)
             184     │ └ ptwr_emulated_update(A34 5018, 8000 0000 0010 0461) = 0
             193     └ HYPERVISOR_update_va_mapping_otherdomain(8000 3000, 4C0F 7605, INVLPG|ALL, dom 5) = 0
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
            PTE 8000 0000 of process 0: 0 -> 4C0F 0705
            tag of page 1: EMPTY -> MFN
            PTE 8000 1000 of process 0: 0 -> 4C0F 1705
            arr[2]: 7F FFFF -> F07F FFFF
            tag of page 3: EMPTY -> MFN
            PTE 8000 3000 of process 0: 0 -> 4C0F 7705
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
            m_mfn of page 0: BADD CAFE BADD CAFE -> 4 C0F0
            m_mfn of page 1: BADD CAFE BADD CAFE -> 4 C0F1
            m_mfn of page 2: BADD CAFE BADD CAFE -> 7F FFFF
            m_mfn of page 3: BADD CAFE BADD CAFE -> 4 C0F7
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
    fn the_current_row_is_the_last_that_began_and_answers_come_when_they_come() {
        let (before, after, op, events) = batch();
        let names = Names::default();
        let places = places(&names, &before, &after, &op);
        for micro in 1..=events.len() as u32 {
            let tree = tree(places, &events, Some(micro));
            let current: Vec<_> = tree.rows.iter().filter(|row| row.when == When::Now).collect();
            assert_eq!(current.len(), 1, "at {micro}");
            assert!(current[0].micro.is_some_and(|begins| begins <= micro));
            assert_eq!(tree.rows[0].answer.is_some(), micro as usize == events.len(), "the outermost call at {micro}");
            assert!(!spoken(&micro_sentence(places, &op, &events, micro)).is_empty());
        }
    }

    #[test]
    fn the_reason_is_said_where_the_page_is_taken_back() {
        let (before, after, op, events) = batch();
        let names = Names::default();
        let places = places(&names, &before, &after, &op);
        let all: Vec<String> =
            (1..=events.len() as u32).map(|micro| spoken(&micro_sentence(places, &op, &events, micro))).collect();
        let wanted = "Frame 7FFFFF is not domain 5’s: it is nobody’s. So seg_mf takes the page at 8000 2000 back.";
        assert!(all.iter().any(|sentence| sentence == wanted), "{all:#?}");
    }
}
