//! Why the kernel says no: the rule behind a refusal, in our words, with what the caller sees where that differs.

use crate::illumos::abi::Errno;
use crate::illumos::event::{Call, KernelEvent, Return, Signal};
use crate::illumos::process::Touched;
use crate::sim::answer::{BareAnswer, IllumosAnswer, XenAnswer};
use crate::sim::op::{Dom0Op, GuestOp, OutsideOp};
use crate::sim::{Act, Answer, Event, Op};
use crate::trace::Halt;
use crate::view::calls::{address, frame, rights};
use crate::view::look::Look;
use crate::view::names::Names;
use crate::view::text::{Line, plain};
use crate::x86::addr::Mfn;
use crate::xen::abi::DomId;
use crate::xen::guest::EndAccess;

/// The rule behind a refusal or a halt; none where the answer is neither. `look` is the machine before the op.
pub fn rule(look: Option<Look<'_>>, op: &Op, answer: &Answer, events: &[Event]) -> Line {
    plain(match answer {
        Answer::Halted(halt) => halted(halt, events),
        Answer::Dead { since } => format!("The machine's kernel panicked at op {since}. Go back and act before it."),
        Answer::NotThere(_) => "The op names something this world has not. Nothing happened.".to_owned(),
        Answer::Bare(BareAnswer::Raised(_)) => {
            "The processor raises an exception; nothing is set in the tables.".to_owned()
        }
        Answer::Bare(BareAnswer::Forbidden(rule)) => format!("The processor refuses: {rule}."),
        Answer::Bare(BareAnswer::Done | BareAnswer::Accessed { .. }) => String::new(),
        Answer::Illumos(answer) => illumos(look, op, answer, events),
        Answer::Xen(answer) => xen(look, op, answer),
        Answer::Recorded(answer) => answer.not_here().unwrap_or_default(),
    })
}

fn halted(halt: &Halt, events: &[Event]) -> String {
    let deepest = innermost(events).map(|call| crate::view::calls::kernel_call(call).function);
    match halt {
        Halt::Panic(panic) => match (panic.assert_in, deepest) {
            (Some(function), _) => format!("{function} asserts: {}. dom0 is down.", panic.words),
            (None, Some(function)) => format!("{function} panics: {}. dom0 is down.", panic.words),
            (None, None) => format!("{}. dom0 is down.", panic.words),
        },
        Halt::Wild { function, index } => {
            format!(
                "{function} reaches index {index}, far outside its array: what comes next is not for a model to say."
            )
        }
        Halt::Fuel => String::new(),
    }
}

/// The innermost call of the kernel that never came back.
fn innermost(events: &[Event]) -> Option<&Call> {
    let mut open = Vec::new();
    for event in events {
        match event {
            Event::Kernel(KernelEvent::Called(call)) => open.push(call),
            Event::Kernel(KernelEvent::Returned(_)) => drop(open.pop()),
            Event::Kernel(_) | Event::Xen(_) | Event::Pte(_) | Event::Mock(_) => {}
        }
    }
    open.last().copied()
}

fn illumos(look: Option<Look<'_>>, op: &Op, answer: &IllumosAnswer, events: &[Event]) -> String {
    match answer {
        IllumosAnswer::Errno(errno) | IllumosAnswer::Batch { errno, .. } if errno.is_error() => {
            errno_rule(look, op, *errno, events)
        }
        IllumosAnswer::Fault(code) if code.0 != 0 => {
            "segmf_fault maps nothing on demand: it answers FC_OBJERR with EFAULT, whatever is asked.".to_owned()
        }
        IllumosAnswer::Touched(Touched::Signal(signal)) => signalled(*signal),
        IllumosAnswer::Errno(_)
        | IllumosAnswer::Batch { .. }
        | IllumosAnswer::Fault(_)
        | IllumosAnswer::Touched(Touched::Reached { .. })
        | IllumosAnswer::Space(_)
        | IllumosAnswer::Seg(_)
        | IllumosAnswer::Void
        | IllumosAnswer::Resident { .. } => String::new(),
    }
}

fn signalled(signal: Signal) -> String {
    match signal {
        Signal::BusObject(errno) => format!(
            "segmf_fault maps nothing on demand and answers FC_OBJERR for every fault: BUS_OBJERR with si_errno {errno:?}."
        ),
        Signal::BusAddress => "The address cannot be reached: BUS_ADRERR.".to_owned(),
        Signal::BusAlignment => "The address is not aligned: BUS_ADRALN.".to_owned(),
        Signal::SegvAccess => "The segment does not allow this access: SEGV_ACCERR.".to_owned(),
        Signal::SegvMapping => "No segment contains the address: SEGV_MAPERR.".to_owned(),
    }
}

fn errno_rule(look: Option<Look<'_>>, op: &Op, errno: Errno, events: &[Event]) -> String {
    let Act::Dom0(act) = &op.act else { return String::new() };
    match act {
        Dom0Op::Spawn {} | Dom0Op::Fork { .. } => "No page of dom0 is left for page tables.".to_owned(),
        Dom0Op::Mmap { addr, len, .. } => format!(
            "seg_alloc finds no room for 0x{:X} bytes at {}: not whole pages, taken, or beyond the process’s addresses.",
            len.0,
            address(*addr)
        ),
        Dom0Op::Munmap { .. } => match refused_by(events) {
            Some(errno) => {
                format!("segmf_unmap takes the whole segment or nothing and answers {errno:?}; munmap reports EINVAL.")
            }
            None => "The range is no range: munmap reports EINVAL.".to_owned(),
        },
        Dom0Op::Mprotect { .. } if errno == Errno::EINVAL => {
            "segmf_setprot refuses every change of rights, even to what they are.".to_owned()
        }
        Dom0Op::Mprotect { .. } | Dom0Op::Mincore { .. } => "No segment covers the range.".to_owned(),
        Dom0Op::AddMfns { mfn, domid, .. } => frames_rule(look, errno, *domid, &[*mfn], events),
        Dom0Op::IoctlMmap { domid, entries, .. } => {
            let frames: Vec<_> = entries.iter().map(|entry| entry.mfn).collect();
            frames_rule(look, errno, *domid, &frames, events)
        }
        Dom0Op::IoctlMmapbatch { domid, mfns, .. } => frames_rule(look, errno, *domid, mfns, events),
        Dom0Op::RegisterPtes { .. } => "The range does not lie in a segment of seg_mf.".to_owned(),
        Dom0Op::AddGrefs { grefs, domid, .. } => grants_rule(errno, grefs.len(), *domid, events),
        Dom0Op::ReleaseGrefs { count, .. } if *count > 16 => "seg_mf takes at most 16 references at a time.".to_owned(),
        Dom0Op::ReleaseGrefs { .. } => "The hypercall was refused; the tags are EMPTY all the same.".to_owned(),
        Dom0Op::AddGrefPte { .. }
        | Dom0Op::Touch { .. }
        | Dom0Op::Fault { .. }
        | Dom0Op::Exit { .. }
        | Dom0Op::UnmapGrant { .. } => String::new(),
    }
}

/// What the driver's own unmap answered.
fn refused_by(events: &[Event]) -> Option<Errno> {
    let start =
        events.iter().position(|event| matches!(event, Event::Kernel(KernelEvent::Called(Call::SegmfUnmap { .. }))))?;
    events[start..].iter().find_map(|event| match event {
        Event::Kernel(KernelEvent::Returned(Return::Errno(errno))) if errno.is_error() => Some(*errno),
        Event::Kernel(_) | Event::Xen(_) | Event::Pte(_) | Event::Mock(_) => None,
    })
}

fn frames_rule(
    look: Option<Look<'_>>,
    errno: Errno,
    domid: DomId,
    mfns: &[crate::word::Word],
    events: &[Event],
) -> String {
    match errno {
        Errno::ENOTSUP => "privcmd does not take DOMID_SELF.".to_owned(),
        Errno::EACCES if domid == DomId::DOM0 || domid == DomId::SELF => {
            "seg_mf takes frames of other domains only.".to_owned()
        }
        Errno::EACCES => "The segment’s protection is none, so there is nothing to map.".to_owned(),
        Errno::EINVAL => {
            "The range does not lie in one segment of seg_mf, or the segment is bound to another domain.".to_owned()
        }
        _ => match refused_frame(events).or(mfns.first().map(|mfn| Mfn(mfn.0))) {
            Some(mfn) => refused_frame_words(look, mfn, domid),
            None => "Xen refuses the frame.".to_owned(),
        },
    }
}

/// The frame of the last entry that a mapping hypercall was refused for.
fn refused_frame(events: &[Event]) -> Option<Mfn> {
    let mut asked = None;
    let mut refused = None;
    for event in events {
        match event {
            Event::Kernel(KernelEvent::Called(Call::UpdateVaMappingOtherdomain { pte, .. })) => {
                asked = Some(crate::x86::pte::Pte(pte.0).frame());
            }
            Event::Kernel(KernelEvent::Returned(Return::Hypercall(value))) if *value != 0 => refused = asked,
            Event::Kernel(_) | Event::Xen(_) | Event::Pte(_) | Event::Mock(_) => {}
        }
    }
    refused
}

/// Why Xen does not let dom0 map a frame as another domain's.
pub fn refused_frame_words(look: Option<Look<'_>>, mfn: Mfn, domid: DomId) -> String {
    let (mfn_words, dom) = (frame(mfn), Names::domain(domid));
    let Some(look) = look else { return format!("Xen refuses frame {mfn_words}.") };
    if look.xen.domain(domid).is_none() {
        return format!("There is no {dom}.");
    }
    match look.xen.frame(mfn).owner {
        Some(owner) if owner == domid => {
            format!(
                "Frame {mfn_words} is {dom}’s, but Xen does not let it be mapped as asked: its type is in other use."
            )
        }
        Some(owner) => format!("Frame {mfn_words} is not {dom}’s but {}’s.", Names::domain(owner)),
        None => format!("Frame {mfn_words} is not {dom}’s: it is nobody’s."),
    }
}

fn grants_rule(errno: Errno, count: usize, domid: DomId, events: &[Event]) -> String {
    if count > 16 {
        return "seg_mf takes at most 16 references at a time.".to_owned();
    }
    match errno {
        Errno::EACCES => "seg_mf takes grants of other domains only.".to_owned(),
        Errno::EINVAL => "The segment is not seg_mf’s, or bound to another domain.".to_owned(),
        _ => {
            let status = events.iter().rev().find_map(|event| match event {
                Event::Kernel(KernelEvent::Returned(Return::MapGrantRefs(_, ops))) => {
                    ops.iter().find(|op| op.status.0 != 0).map(|op| (op.gref, op.status))
                }
                Event::Kernel(_) | Event::Xen(_) | Event::Pte(_) | Event::Mock(_) => None,
            });
            match status {
                Some((gref, status)) => {
                    format!("Xen answers {status:?} for ref {:X} of {}.", gref.0, Names::domain(domid))
                }
                None => "The hypercall itself was refused.".to_owned(),
            }
        }
    }
}

fn xen(look: Option<Look<'_>>, op: &Op, answer: &XenAnswer) -> String {
    match (answer, &op.act) {
        (XenAnswer::NotBuilt(why), _) => why.clone(),
        (XenAnswer::EndAccess(EndAccess::InUse), _) => {
            "Xen’s marks in the entry say that a mapper still uses it: the guest must leave the frame alone.".to_owned()
        }
        (XenAnswer::EndAccess(EndAccess::NoEntry) | XenAnswer::Guest { entry: false }, _) => {
            "The domain’s grant table has no such entry.".to_owned()
        }
        (XenAnswer::Errno(errno), Act::Guest(GuestOp::GiveBack { domid, mfn })) if errno.0 != 0 => {
            match look.and_then(|look| look.xen.frame(*mfn).owner) {
                Some(owner) if owner == *domid => format!("Frame {} was given back already.", frame(*mfn)),
                Some(_) | None => format!("Frame {} is not {}’s.", frame(*mfn), Names::domain(*domid)),
            }
        }
        (XenAnswer::Errno(errno), Act::Outside(OutsideOp::KillDomain { domid })) if errno.0 != 0 => {
            format!("{} is dom0, or dying already.", Names::domain(*domid))
        }
        (XenAnswer::Status(status), _) if status.0 != 0 => "Xen knows no such mapping for this caller.".to_owned(),
        (
            XenAnswer::Errno(_)
            | XenAnswer::Status(_)
            | XenAnswer::EndAccess(EndAccess::Ended)
            | XenAnswer::Guest { .. }
            | XenAnswer::Arranged,
            _,
        ) => String::new(),
    }
}

/// The rights of a segment in a few words.
pub fn protection(prot: u8, maxprot: u8) -> String {
    format!("{} / {}", rights(u32::from(prot)), rights(u32::from(maxprot)))
}
