//! A step in one sentence: who, what, and what came of it. A new op gets its arm here.

use crate::illumos::event::Signal;
use crate::illumos::privcmd::PFINFO_XTAB;
use crate::illumos::process::Touched;
use crate::sim::answer::{BareAnswer, IllumosAnswer, NotThere, XenAnswer};
use crate::sim::op::{BareOp, Dom0Op, GuestOp, OutsideOp, Touch};
use crate::sim::{Act, Answer, MachineId, Op};
use crate::trace::Halt;
use crate::view::calls::{address, frame, reference, rights};
use crate::view::glyph::Glyph;
use crate::view::names::{Names, counted, pages};
use crate::view::recorded_words;
use crate::word::Word;
use crate::x86::fault::{Access, Exception, Mode};
use crate::x86::regs::ControlRegister;
use crate::xen::guest::EndAccess;

/// The sentence of a step: at most 90 characters for ordinary arguments.
pub fn step(names: &Names, op: &Op, answer: &Answer) -> String {
    format!("{}{}", deed(names, op), came_of(names, op, answer))
}

/// Who does what.
pub fn deed(names: &Names, op: &Op) -> String {
    match &op.act {
        Act::Bare(act) => bare(act),
        Act::Dom0(act) => dom0(names, op.machine, act),
        Act::Guest(act) => guest(act),
        Act::Outside(act) => outside(act),
        Act::Recorded(act) => recorded_words::deed(act),
    }
}

fn bare(op: &BareOp) -> String {
    match op {
        BareOp::Write { at, value } => format!("the entry at {:X} becomes {:X}", at.0, value.0),
        BareOp::LoadCr0 { value } => format!("CR0 becomes {:X}", value.0),
        BareOp::LoadCr3 { value } => format!("CR3 becomes {:X}", value.0),
        BareOp::LoadCr4 { value } => format!("CR4 becomes {:X}", value.0),
        BareOp::LoadEfer { value } => format!("EFER becomes {:X}", value.0),
        BareOp::LoadPkru { keys } => format!("PKRU becomes {:X}", keys.0),
        BareOp::LoadPkrs { keys } => format!("IA32_PKRS becomes {:X}", keys.0),
        BareOp::Touch(touch) => touched(touch),
        BareOp::Invlpg { va } => format!("invlpg {}", address(*va)),
        BareOp::Invpcid { kind, pcid, va } => match kind.0 {
            0 => format!("invpcid forgets {} under PCID {}", address(*va), pcid.0),
            1 => format!("invpcid forgets PCID {}", pcid.0),
            2 => "invpcid forgets everything".to_owned(),
            3 => "invpcid forgets everything that is not global".to_owned(),
            kind => format!("invpcid of type {kind}"),
        },
    }
}

fn touched(touch: &Touch) -> String {
    let who = match (touch.implicit, touch.mode) {
        (true, Mode::User | Mode::Supervisor) => "the processor itself",
        (false, Mode::User) => "user mode",
        (false, Mode::Supervisor) => "supervisor mode",
    };
    let bytes = match touch.bytes.get() {
        1 => String::new(),
        bytes => format!("{bytes} bytes at "),
    };
    let through = if touch.stack { " through the stack segment" } else { "" };
    let ac = if touch.ac { " with AC set" } else { "" };
    format!("{who} {} {bytes}{}{through}{ac}", verb(touch.access), address(touch.va))
}

/// A control register by its name in the manual.
pub fn register(register: ControlRegister) -> &'static str {
    match register {
        ControlRegister::Cr0 => "CR0",
        ControlRegister::Cr4 => "CR4",
        ControlRegister::Efer => "EFER",
        ControlRegister::Pkru => "PKRU",
        ControlRegister::Pkrs => "IA32_PKRS",
    }
}

fn verb(access: Access) -> &'static str {
    match access {
        Access::Read => "reads",
        Access::Write => "writes",
        Access::Execute => "runs",
    }
}

fn dom0(names: &Names, machine: MachineId, op: &Dom0Op) -> String {
    let who = |space| names.space(machine, space);
    match op {
        Dom0Op::Spawn {} => "a process starts".to_owned(),
        Dom0Op::Mmap { space, addr, len, prot, maxprot: _, dev } => {
            let rights = rights(u32::from(*prot));
            format!("{} maps {} of {} at {}, {rights}", who(*space), pages(len.0), Names::device(*dev), address(*addr))
        }
        Dom0Op::IoctlMmap { space, domid, entries } => {
            let count = entries.iter().map(|entry| entry.npages.0).fold(0, u64::saturating_add);
            format!("{} asks for {} of {}", who(*space), counted(count, "frame", "frames"), Names::domain(*domid))
        }
        Dom0Op::IoctlMmapbatch { space, domid, addr: _, mfns } => {
            let count = counted(mfns.len() as u64, "frame", "frames");
            format!("{} asks for {count} of {}", who(*space), Names::domain(*domid))
        }
        Dom0Op::AddMfns { seg: _, addr, mfn, count, domid } => {
            let from = frame(crate::x86::addr::Mfn(mfn.0));
            let count = counted(count.0, "frame", "frames");
            format!("a driver maps {count} of {} from {from} at {}", Names::domain(*domid), address(*addr))
        }
        Dom0Op::RegisterPtes { seg: _, addr, npages } => {
            format!("the tap driver registers {} at {}", counted(npages.0, "page", "pages"), address(*addr))
        }
        Dom0Op::AddGrefPte { seg: _, addr, pte_ma } => {
            format!("a driver says the entry of {} is at {:X}", address(*addr), pte_ma.0)
        }
        Dom0Op::AddGrefs { seg: _, addr, flags: _, grefs, domid } => {
            let count = counted(grefs.len() as u64, "grant", "grants");
            format!("the tap driver maps {count} of {} at {}", Names::domain(*domid), address(*addr))
        }
        Dom0Op::ReleaseGrefs { seg: _, addr, count } => {
            format!("the tap driver releases {} at {}", counted(u64::from(*count), "grant", "grants"), address(*addr))
        }
        Dom0Op::Touch { space, addr, access } => format!("{} {} {}", who(*space), verb(*access), address(*addr)),
        Dom0Op::Fault { space, addr, len, kind, rw } => {
            format!("the kernel faults {} of {} at {}, {kind:?}, {rw:?}", pages(len.0), who(*space), address(*addr))
        }
        Dom0Op::Fork { space } => format!("{} forks", who(*space)),
        Dom0Op::Munmap { space, addr, len } => format!("{} unmaps {} at {}", who(*space), pages(len.0), address(*addr)),
        Dom0Op::Mprotect { space, addr, len, prot } => {
            format!("{} sets {} at {} to {}", who(*space), pages(len.0), address(*addr), rights(*prot))
        }
        Dom0Op::Mincore { space, addr, len } => {
            format!("{} asks which of {} at {} are resident", who(*space), pages(len.0), address(*addr))
        }
        Dom0Op::Exit { space } => format!("{} exits", who(*space)),
        Dom0Op::UnmapGrant { handle, host_addr } => {
            format!("dom0 unmaps the grant of handle {handle} at {:X}", host_addr.0)
        }
    }
}

fn guest(op: &GuestOp) -> String {
    match op {
        GuestOp::GrantAccess { domid, gref, to, frame, readonly } => {
            let how = if *readonly { ", read only" } else { "" };
            let (who, to) = (Names::domain(*domid), Names::domain(*to));
            format!("{who} offers frame {frame:05X} to {to} as {}{how}", reference(*gref))
        }
        GuestOp::EndAccess { domid, gref } => format!("{} ends {}", Names::domain(*domid), reference(*gref)),
        GuestOp::RevokeGrant { domid, gref } => {
            format!("{} zeroes the flags of {}", Names::domain(*domid), reference(*gref))
        }
        GuestOp::GiveBack { domid, mfn } => format!("{} gives frame {} back", Names::domain(*domid), frame(*mfn)),
    }
}

fn outside(op: &OutsideOp) -> String {
    match op {
        OutsideOp::KillDomain { domid } => format!("the toolstack destroys {}", Names::domain(*domid)),
        OutsideOp::Inject { what, nth, ret } => {
            let what = format!("{what:?}");
            format!("the weather: call {nth} of {what} from now will answer {ret}")
        }
        OutsideOp::FaultpageDebug { lines } => format!("segmf_faultpage_debug becomes {lines}"),
        OutsideOp::CreateDomain { domid, frames } => {
            let count: u64 = frames.iter().map(|range| u64::from(range.count)).sum();
            format!("{} is born with {}", Names::domain(*domid), counted(count, "frame", "frames"))
        }
    }
}

/// What came of it, with the colon before it; nothing where there is nothing to say.
fn came_of(names: &Names, op: &Op, answer: &Answer) -> String {
    match (&op.act, answer) {
        (
            Act::Dom0(Dom0Op::IoctlMmapbatch { mfns: asked, .. }),
            Answer::Illumos(IllumosAnswer::Batch { errno, mfns }),
        ) if !errno.is_error() => batch(asked, mfns),
        (Act::Dom0(Dom0Op::Fork { .. }), Answer::Illumos(IllumosAnswer::Space(child))) => {
            format!(": {} is born", names.space(op.machine, *child))
        }
        (Act::Dom0(Dom0Op::Spawn {}), Answer::Illumos(IllumosAnswer::Space(space))) => {
            format!(": {}", names.space(op.machine, *space))
        }
        (_, Answer::Illumos(IllumosAnswer::Touched(Touched::Reached { mfn, word: _ }))) => {
            format!(": frame {}", frame(*mfn))
        }
        (_, Answer::Illumos(IllumosAnswer::Resident { pages })) => {
            format!(": all {pages}, says the driver")
        }
        (Act::Guest(GuestOp::EndAccess { .. }), Answer::Xen(XenAnswer::EndAccess(EndAccess::InUse))) => {
            ": still in use".to_owned()
        }
        // Its last words are told beside the step.
        (_, Answer::Halted(Halt::Panic(_))) => ": the kernel panics".to_owned(),
        (_, Answer::Halted(Halt::Wild { .. } | Halt::Fuel)) => format!(": {}", answer_word(answer)),
        (_, answer) if answer.is_refusal() => format!(": {}", answer_word(answer)),
        (_, _) => String::new(),
    }
}

/// What a batch came to: the call answers 0 even if every page was refused, so the array must be read.
fn batch(asked: &[Word], left: &[Word]) -> String {
    let is_refused = |(asked, left): &(&Word, &Word)| asked != left && left.0 & PFINFO_XTAB == PFINFO_XTAB;
    let refused: Vec<usize> =
        asked.iter().zip(left).enumerate().filter(|(_, pair)| is_refused(pair)).map(|(page, _)| page).collect();
    let live = asked.len() - refused.len();
    match refused.as_slice() {
        [] => format!(": all {live} live"),
        [one] => format!(": {live} live, page {one} refused, answer still 0"),
        many => format!(": {live} live, {} refused, answer still 0", many.len()),
    }
}

/// An answer in the kernel's own word.
pub fn answer_word(answer: &Answer) -> String {
    match answer {
        Answer::Bare(BareAnswer::Done) => "done".to_owned(),
        Answer::Bare(BareAnswer::Accessed { at, second: None }) => format!("at {:X}", at.0),
        Answer::Bare(BareAnswer::Accessed { at, second: Some(second) }) => format!("at {:X} and {:X}", at.0, second.0),
        Answer::Bare(BareAnswer::Forbidden(rule)) => exception_word(rule.exception()),
        Answer::Bare(BareAnswer::Raised(exception)) => exception_word(*exception),
        Answer::Illumos(answer) => illumos_word(answer),
        Answer::Xen(answer) => xen_word(answer),
        Answer::Recorded(answer) => recorded_words::answer_word(answer),
        Answer::NotThere(missing) => not_there(*missing),
        Answer::Dead { since } => format!("down since op {since}"),
        Answer::Halted(Halt::Panic(panic)) => format!("panic: {}", panic.words),
        Answer::Halted(Halt::Wild { function, index }) => format!("{function} runs wild at {index}"),
        Answer::Halted(Halt::Fuel) => "not over yet".to_owned(),
    }
}

fn exception_word(exception: Exception) -> String {
    match exception {
        Exception::PageFault(code) => format!("#PF, code {:X}", code.bits()),
        Exception::GeneralProtection => "#GP".to_owned(),
        Exception::StackFault => "#SS".to_owned(),
        Exception::InvalidOpcode => "#UD".to_owned(),
    }
}

fn illumos_word(answer: &IllumosAnswer) -> String {
    match answer {
        IllumosAnswer::Errno(errno) | IllumosAnswer::Batch { errno, .. } => {
            if errno.is_error() {
                format!("{errno:?}")
            } else {
                "0".to_owned()
            }
        }
        IllumosAnswer::Space(space) => format!("as {space}"),
        IllumosAnswer::Seg(seg) => format!("seg {seg}"),
        IllumosAnswer::Void => "done".to_owned(),
        IllumosAnswer::Fault(code) => crate::view::calls::fault_code(*code),
        IllumosAnswer::Touched(Touched::Reached { mfn: _, word }) => format!("data {:X}", word.0),
        IllumosAnswer::Touched(Touched::Signal(signal)) => signal_word(*signal).to_owned(),
        IllumosAnswer::Resident { pages } => format!("{pages} resident"),
    }
}

/// A signal's name.
pub fn signal_word(signal: Signal) -> &'static str {
    match signal {
        Signal::BusObject(_) | Signal::BusAddress | Signal::BusAlignment => "SIGBUS",
        Signal::SegvAccess | Signal::SegvMapping => "SIGSEGV",
    }
}

fn xen_word(answer: &XenAnswer) -> String {
    match answer {
        XenAnswer::Errno(errno) if errno.0 == 0 => "0".to_owned(),
        XenAnswer::Errno(errno) => format!("{errno:?}"),
        XenAnswer::Status(status) if status.0 == 0 => "0".to_owned(),
        XenAnswer::Status(status) => format!("{status:?}"),
        XenAnswer::EndAccess(EndAccess::Ended) => "ended".to_owned(),
        XenAnswer::EndAccess(EndAccess::InUse) => "in use".to_owned(),
        XenAnswer::EndAccess(EndAccess::NoEntry) | XenAnswer::Guest { entry: false } => "no such entry".to_owned(),
        XenAnswer::Guest { entry: true } | XenAnswer::Arranged => "done".to_owned(),
        XenAnswer::NotBuilt(_) => "not built".to_owned(),
    }
}

fn not_there(missing: NotThere) -> String {
    match missing {
        NotThere::Machine(id) => format!("no machine {id}"),
        NotThere::Kind(_) => "another kind of machine".to_owned(),
        NotThere::Space(space) => format!("no process {space}"),
        NotThere::Seg(seg) => format!("no segment {seg}"),
        NotThere::Domain(dom) => format!("no {}", Names::domain(dom)),
    }
}

/// The shape of a step.
pub fn glyph(op: &Op, answer: &Answer) -> Glyph {
    if let Answer::Halted(_) = answer {
        return Glyph::Panic;
    }
    if answer.is_refusal() {
        return Glyph::Refused;
    }
    match &op.act {
        Act::Bare(BareOp::Touch(_)) => Glyph::Fault,
        Act::Bare(
            BareOp::Write { .. }
            | BareOp::LoadCr0 { .. }
            | BareOp::LoadCr3 { .. }
            | BareOp::LoadCr4 { .. }
            | BareOp::LoadEfer { .. }
            | BareOp::LoadPkru { .. }
            | BareOp::LoadPkrs { .. }
            | BareOp::Invlpg { .. }
            | BareOp::Invpcid { .. },
        ) => Glyph::Ask,
        Act::Dom0(op) => dom0_glyph(op),
        Act::Guest(GuestOp::GrantAccess { .. }) => Glyph::Offer,
        Act::Guest(GuestOp::EndAccess { .. } | GuestOp::RevokeGrant { .. } | GuestOp::GiveBack { .. }) => Glyph::Unmap,
        Act::Outside(OutsideOp::KillDomain { .. }) => Glyph::Exit,
        Act::Outside(OutsideOp::CreateDomain { .. }) => Glyph::Start,
        Act::Outside(OutsideOp::Inject { .. } | OutsideOp::FaultpageDebug { .. }) => Glyph::Ask,
        Act::Recorded(op) => recorded_words::glyph(op),
    }
}

fn dom0_glyph(op: &Dom0Op) -> Glyph {
    match op {
        Dom0Op::Spawn {} => Glyph::Start,
        Dom0Op::Mmap { .. } | Dom0Op::IoctlMmap { .. } | Dom0Op::IoctlMmapbatch { .. } | Dom0Op::AddMfns { .. } => {
            Glyph::Map
        }
        Dom0Op::AddGrefs { .. } => Glyph::Grant,
        Dom0Op::ReleaseGrefs { .. } | Dom0Op::Munmap { .. } | Dom0Op::UnmapGrant { .. } => Glyph::Unmap,
        Dom0Op::Touch { .. } | Dom0Op::Fault { .. } => Glyph::Fault,
        Dom0Op::Fork { .. } => Glyph::Dup,
        Dom0Op::Exit { .. } => Glyph::Exit,
        Dom0Op::RegisterPtes { .. } | Dom0Op::AddGrefPte { .. } | Dom0Op::Mprotect { .. } | Dom0Op::Mincore { .. } => {
            Glyph::Ask
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{deed, glyph, step};
    use crate::sim::World;
    use crate::sim::file::SpaceName;
    use crate::sim::scenarios::{Scenario, all};
    use crate::view::look::Look;
    use crate::view::names::Names;
    use crate::view::rules::rule;
    use crate::view::text::spoken;
    use expect_test::expect;

    fn told(scenario: &Scenario) -> String {
        let name = |(name, space): &(&'static str, _)| SpaceName {
            machine: crate::sim::MachineId(0),
            space: *space,
            name: (*name).to_owned(),
        };
        let names = Names::new(&scenario.names.iter().map(name).collect::<Vec<_>>());
        let mut world = World::build(&scenario.machines).expect("a story's machines can be built");
        let mut lines = String::new();
        for (op, _) in &scenario.steps {
            let before = world.clone();
            let outcome = world.apply(op);
            let look = Look::of(&before, op.machine);
            let rule = spoken(&rule(look, op, &outcome.answer, &outcome.events));
            let sentence = step(&names, op, &outcome.answer);
            assert!(sentence.starts_with(&deed(&names, op)));
            assert!(sentence.chars().count() <= 90, "longer than a line: {sentence}");
            lines.push_str(&format!("{:13} {sentence}\n", glyph(op, &outcome.answer).word()));
            if !rule.is_empty() {
                lines.push_str(&format!("              ({rule})\n"));
            }
        }
        lines
    }

    #[test]
    fn the_stories_read_as_stories() {
        let stories: Vec<String> = all().iter().map(told).collect();
        expect![[r#"
            start         a process starts: saver
            map           saver maps 4 pages of privcmd at 8000 0000, r--
            map           saver asks for 4 frames of domain 5: 3 live, page 2 refused, answer still 0
            access        saver reads 8000 0000: frame 4C0F0
            refused       saver reads 8000 2000: SIGBUS
                          (segmf_fault maps nothing on demand and answers FC_OBJERR for every fault: BUS_OBJERR with si_errno EFAULT.)
            refused       saver writes 8000 0000: SIGBUS
                          (segmf_fault maps nothing on demand and answers FC_OBJERR for every fault: BUS_OBJERR with si_errno EFAULT.)
            dup           saver forks: child is born
            refused       child reads 8000 0000: SIGBUS
                          (segmf_fault maps nothing on demand and answers FC_OBJERR for every fault: BUS_OBJERR with si_errno EFAULT.)
            refused       saver unmaps 1 page at 8000 1000: EINVAL
                          (segmf_unmap takes the whole segment or nothing and answers ENOTSUP; munmap reports EINVAL.)
            unmap         saver unmaps 4 pages at 8000 0000
            exit          child exits
            exit          saver exits

            start         a process starts: back end
            map           back end maps 352 pages of xpvtap at 8040 0000, rw-
            call          the tap driver registers 352 pages at 8040 0000
            grant offered domain 7 offers frame 51234 to dom0 as ref 8
            grant offered domain 7 offers frame 51777 to dom0 as ref 9
            grant offered domain 7 offers frame 5200A to dom0 as ref 2F
            grant mapped  the tap driver maps 3 grants of domain 7 at 8040 0000
            access        back end writes 8040 0000: frame 51234
            refused       domain 7 ends ref 8: still in use
                          (Xen’s marks in the entry say that a mapper still uses it: the guest must leave the frame alone.)
            unmap         the tap driver releases 3 grants at 8040 0000
            unmap         domain 7 ends ref 8
            exit          back end exits

            grant offered domain 7 offers frame 51000 to dom0 as ref 8
            grant offered domain 7 offers frame 51001 to dom0 as ref 9
            grant offered domain 7 offers frame 51002 to dom0 as ref A, read only
            start         a process starts: process
            map           process maps 8 pages of privcmd at 8000 0000, rw-

            start         a process starts: saver
            map           saver maps 4 pages of privcmd at 8000 0000, r--
            map           saver asks for 4 frames of domain 5: 3 live, page 2 refused, answer still 0
            dup           saver forks: child is born
            call          child asks which of 4 pages at 8000 0000 are resident: all 4, says the driver
            refused       child reads 8000 0000: SIGBUS
                          (segmf_fault maps nothing on demand and answers FC_OBJERR for every fault: BUS_OBJERR with si_errno EFAULT.)
            map           child asks for 1 frame of domain 5
            refused       child asks for 1 frame of domain 6: EINVAL
                          (The range does not lie in one segment of seg_mf, or the segment is bound to another domain.)
            exit          child exits
            exit          saver exits

            start         a process starts: back end
            map           back end maps 352 pages of xpvtap at 8040 0000, rw-
            call          the tap driver registers 352 pages at 8040 0000
            grant offered domain 7 offers frame 51234 to dom0 as ref 8
            grant offered domain 7 offers frame 51777 to dom0 as ref 9
            grant offered domain 7 offers frame 5200A to dom0 as ref 2F
            grant mapped  the tap driver maps 3 grants of domain 7 at 8040 0000
            dup           back end forks: child is born
            refused       child reads 8040 0000: SIGBUS
                          (segmf_fault maps nothing on demand and answers FC_OBJERR for every fault: BUS_OBJERR with si_errno EFAULT.)
            exit          child exits
            exit          back end exits

            start         a process starts: saver
            map           saver maps 4 pages of privcmd at 8000 0000, r--
            map           saver asks for 2 frames of domain 5
            unmap         domain 5 gives frame 4C0F1 back
            access        saver reads 8000 1000: frame 4C0F1
            unmap         domain 5 gives frame 4C0F8 back
            refused       saver asks for 1 frame of domain 5: EFAULT
                          (Frame 4C0F8 is not domain 5’s: it is nobody’s.)
            unmap         saver unmaps 4 pages at 8000 0000

            start         a process starts: saver
            map           saver maps 4 pages of privcmd at 8000 0000, r--
            map           saver asks for 1 frame of domain 5
            exit          the toolstack destroys domain 5
            access        saver reads 8000 0000: frame 4C0F0
            exit          saver exits

            start         a process starts: back end
            map           back end maps 352 pages of xpvtap at 8040 0000, rw-
            call          the tap driver registers 352 pages at 8040 0000
            grant offered domain 7 offers frame 51234 to dom0 as ref 8
            grant offered domain 7 offers frame 51777 to dom0 as ref 9
            grant offered domain 7 offers frame 5200A to dom0 as ref 2F
            grant mapped  the tap driver maps 2 grants of domain 7 at 8040 0000
            unmap         domain 7 ends ref 2F
            refused       domain 7 ends ref 8: still in use
                          (Xen’s marks in the entry say that a mapper still uses it: the guest must leave the frame alone.)
            unmap         domain 7 zeroes the flags of ref 9
            access        back end writes 8040 1000: frame 51777
            unmap         the tap driver releases 2 grants at 8040 0000
            unmap         domain 7 ends ref 8

            start         a process starts: saver
            map           saver maps 4 pages of privcmd at 8000 0000, r--
            refused       saver asks for 4 frames of domain 5: EFAULT
                          (Frame 4C0F2 is not domain 5’s: it is nobody’s.)
            access        saver reads 8000 0000: frame 4C0F0
            unmap         saver unmaps 4 pages at 8000 0000

            start         a process starts: saver
            map           saver maps 4 pages of privcmd at 8000 0000, r--
            map           saver asks for 1 frame of domain 5
            panic         saver asks for 1 frame of domain 5: the kernel panics
                          (hat_devload panics: hati_pte_map: the entry is valid and maps another frame. dom0 is down.)

            start         a process starts: back end
            map           back end maps 352 pages of xpvtap at 8040 0000, rw-
            call          the tap driver registers 352 pages at 8040 0000
            grant offered domain 7 offers frame 51234 to dom0 as ref 8
            grant offered domain 7 offers frame 51777 to dom0 as ref 9
            grant offered domain 7 offers frame 5200A to dom0 as ref 2F
            grant mapped  the tap driver maps 3 grants of domain 7 at 8040 0000
            refused       the tap driver maps 3 grants of domain 7 at 8040 B000: EFAULT
                          (Xen answers GNTST_general_error for ref 64 of domain 7.)
            unmap         the tap driver releases 3 grants at 8040 0000
            refused       domain 7 ends ref 8: still in use
                          (Xen’s marks in the entry say that a mapper still uses it: the guest must leave the frame alone.)
            grant mapped  the tap driver maps 1 grant of domain 7 at 8040 0000

            start         a process starts: back end
            map           back end maps 352 pages of xpvtap at 8040 0000, rw-
            call          the tap driver registers 352 pages at 8040 0000
            grant offered domain 7 offers frame 51234 to dom0 as ref 8
            grant offered domain 7 offers frame 51777 to dom0 as ref 9
            grant offered domain 7 offers frame 5200A to dom0 as ref 2F
            grant mapped  the tap driver maps 3 grants of domain 7 at 8040 0000
            access        back end writes 8040 1000: frame 00100
            unmap         the tap driver releases 3 grants at 8040 0000

            start         a process starts: back end
            map           back end maps 352 pages of xpvtap at 8040 0000, rw-
            call          the tap driver registers 352 pages at 8040 0000
            grant offered domain 7 offers frame 51234 to dom0 as ref 8
            grant offered domain 7 offers frame 51777 to dom0 as ref 9
            grant offered domain 7 offers frame 5200A to dom0 as ref 2F
            refused       the tap driver maps 3 grants of domain 7 at 8040 0000: EFAULT
                          (Xen answers GNTST_general_error for ref 64 of domain 7.)
            unmap         the tap driver releases 3 grants at 8040 0000
            refused       domain 7 ends ref 9: still in use
                          (Xen’s marks in the entry say that a mapper still uses it: the guest must leave the frame alone.)
            access        back end writes 8040 1000: frame 51777

            start         a process starts: back end
            map           back end maps 352 pages of xpvtap at 8040 0000, rw-
            call          the tap driver registers 352 pages at 8040 0000
            grant offered domain 7 offers frame 51234 to dom0 as ref 8
            grant offered domain 7 offers frame 51777 to dom0 as ref 9
            grant offered domain 7 offers frame 5200A to dom0 as ref 2F
            grant mapped  the tap driver maps 3 grants of domain 7 at 8040 0000
            panic         back end unmaps 352 pages at 8040 0000: the kernel panics
                          (hat_unload panics: no page_t, not NOCONSIST. dom0 is down.)

            start         a process starts: saver
            map           saver maps 4 pages of privcmd at 8000 0000, r--
            refused       saver asks for 1 frame of domain 5: EFAULT
                          (Frame 7FFFFF is not domain 5’s: it is nobody’s.)
            refused       saver asks for 1 frame of domain 6: EINVAL
                          (The range does not lie in one segment of seg_mf, or the segment is bound to another domain.)
            exit          saver exits

            start         a process starts: back end
            map           back end maps 352 pages of xpvtap at 8040 0000, rw-
            call          the tap driver registers 352 pages at 8040 0000
            grant offered domain 7 offers frame 51234 to dom0 as ref 8
            grant offered domain 7 offers frame 51777 to dom0 as ref 9
            grant offered domain 7 offers frame 5200A to dom0 as ref 2F
            grant mapped  the tap driver maps 1 grant of domain 7 at 8040 0000
            dup           back end forks: child is born
            unmap         the tap driver releases 1 grant at 8040 0000
            refused       back end reads 8040 0000: SIGBUS
                          (segmf_fault maps nothing on demand and answers FC_OBJERR for every fault: BUS_OBJERR with si_errno EFAULT.)
            unmap         the tap driver releases 1 grant at 8040 0000
        "#]].assert_eq(&stories.join("\n"));
    }
}
