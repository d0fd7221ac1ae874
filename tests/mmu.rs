//! The processor by its laws, over random tables, and by the manual where no recording reaches: identifiers, low addresses, wide CR3.

#![cfg(not(target_arch = "wasm32"))]

use mapscope::trace::{Recorder, Silent};
use mapscope::word::Word;
use mapscope::x86::PteEvent;
use mapscope::x86::addr::{Ma, Mfn, Va};
use mapscope::x86::control::{Boot, Forbidden};
use mapscope::x86::cpu::{Cpu, Invpcid};
use mapscope::x86::fault::{Access, ErrorCode, Exception, Mode};
use mapscope::x86::memory::Memory;
use mapscope::x86::model::{CpuModel, Features};
use mapscope::x86::paging::{Format, PageSize, Paging};
use mapscope::x86::pte::Pte;
use mapscope::x86::regs::{ControlRegister, Cr0, Cr4, Efer, KeyRights, Registers};
use mapscope::x86::rights::Request;
use mapscope::x86::tlb::Owner;
use mapscope::x86::walk::{End, Walk};
use mapscope::x86::why::{Change, why};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{select, subsequence};
use proptest::test_runner::Config as ProptestConfig;
use proptest::{collection, prop_assert, prop_assert_eq, proptest};

const HALTS: &str = "a silent trace never halts";
/// Frames that random tables are made of: few, so that loops and self-maps are common.
const FRAMES: u64 = 4;

/// A processor, its tables and what is asked of it.
#[derive(Clone, Debug)]
struct Case {
    boot: Boot,
    /// Frame, index, raw entry.
    entries: Vec<(u64, u64, u64)>,
    asks: Vec<(Va, Request)>,
}

fn modes() -> impl Strategy<Value = (u64, u64)> {
    let (long, pae) = (Efer::LME.bits(), Cr4::PAE.bits());
    select(vec![(0, 0), (0, pae), (long, pae), (long, pae | Cr4::LA57.bits())])
}

fn boot() -> impl Strategy<Value = Boot> {
    let optional = [Cr4::PSE, Cr4::PGE, Cr4::SMEP, Cr4::SMAP, Cr4::PKE, Cr4::PKS].map(|bit| bit.bits()).to_vec();
    let cr4 = subsequence(optional, 0..=6).prop_map(|bits| bits.into_iter().fold(0, |all, bit| all | bit));
    let width = select(vec![32_u8, 36, 40, 46, 52]);
    (modes(), cr4, any::<[bool; 3]>(), any::<[u32; 2]>(), width).prop_map(
        |((lme, mode), cr4, [wp, nxe, gib], [pkru, pkrs], address_bits)| {
            let on = |is_on: bool, bits: u64| if is_on { bits } else { 0 };
            let without = if gib { Features::empty() } else { Features::PAGE_1GB };
            Boot {
                cr0: Word((Cr0::PG | Cr0::PE).bits() | on(wp, Cr0::WP.bits())),
                cr3: Word(0),
                cr4: Word(mode | cr4),
                efer: Word(lme | on(nxe, Efer::NXE.bits())),
                pkru: KeyRights(pkru),
                pkrs: KeyRights(pkrs),
                model: CpuModel { address_bits, features: Features::all() - without },
            }
        },
    )
}

/// Mostly present and into the few frames, with some flags; sometimes anything at all.
fn entry() -> impl Strategy<Value = u64> {
    // Bits 62:59, the protection key, and now and then XD above it.
    let high = prop_oneof![4 => 0_u64..16, 1 => 16_u64..32];
    let flags = (0_u64..0x1000, high).prop_map(|(low, high)| low | high << 59);
    let sane = (0..FRAMES, flags, prop_oneof![4 => Just(0x7_u64), 1 => Just(0)])
        .prop_map(|(frame, flags, always)| frame << 12 | flags & !0x80 | always);
    let large = (0_u64..4, 0_u64..0x80).prop_map(|(page, flags)| page << 30 | flags | 0x81);
    prop_oneof![6 => sane, 2 => large, 1 => any::<u64>()]
}

/// Addresses whose every index is one of a few, so that they meet the entries.
fn va() -> impl Strategy<Value = Va> {
    let index = || select(vec![0_u64, 1, 2, 511]);
    let cut = (index(), index(), index(), index(), index(), 0_u64..0x1000);
    prop_oneof![
        6 => cut.prop_map(|(a, b, c, d, e, offset)| {
            let raw = a << 48 | b << 39 | c << 30 | d << 21 | e << 12 | offset;
            Va((raw as i64 >> 56 << 56) as u64 | raw)
        }),
        3 => (0_u64..4, 0_u64..4, 0_u64..0x1000).prop_map(|(a, b, offset)| Va(a << 22 | b << 12 | offset)),
        1 => any::<u64>().prop_map(Va),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    let access = select(vec![Access::Read, Access::Write, Access::Execute]);
    (access, select(vec![Mode::User, Mode::Supervisor]), any::<[bool; 3]>()).prop_map(
        |(access, mode, [ac, implicit, stack])| {
            let implicit = implicit && access != Access::Execute;
            Request { access, mode, implicit, ac, stack }
        },
    )
}

fn case() -> impl Strategy<Value = Case> {
    let index = select(vec![0_u64, 1, 2, 3, 511]);
    let entries = collection::vec((0..FRAMES, index, entry()), 4..24);
    (boot(), entries, collection::vec((va(), request()), 1..12)).prop_map(|(boot, entries, asks)| Case {
        boot,
        entries,
        asks,
    })
}

impl Case {
    /// The processor on its tables; none where PAE's top entries are refused.
    fn build(&self) -> Option<(Cpu, Memory)> {
        let mut memory = Memory::default();
        let blank = Cpu::booted(&self.boot, &memory).expect("the set-ups are sound");
        let format = Format::of(blank.regs()).expect("with paging on");
        for (frame, index, entry) in &self.entries {
            let at = Ma((frame << 12) + index * format.paging.entry_bytes());
            // Only P, PWT, PCD and the frame may be set in PAE's top entries, which are in frame 0.
            let is_top = format.paging == Paging::Pae && *frame == 0 && *index < 4;
            let entry = if is_top { entry & 0xffff_f019 } else { *entry };
            format.store(&mut memory, at, Pte(entry));
        }
        let cpu = Cpu::booted(&self.boot, &memory);
        cpu.ok().map(|cpu| (cpu, memory))
    }
}

/// What an access comes to: where it arrives, or what it raises.
fn reach(cpu: &mut Cpu, memory: &mut Memory, va: Va, request: Request) -> Result<Ma, Exception> {
    cpu.reach(memory, va, request, &mut Silent).expect(HALTS).map(|reached| reached.at)
}

/// Whether the levels of a walk let an access through, asked one entry after the other and straight from the manual's sentences.
fn each_level_allows(regs: &Registers, walk: &Walk, request: Request) -> bool {
    let End::Page(page) = walk.end else { return false };
    let asked = walk.rungs.iter().filter(|rung| !(walk.paging == Paging::Pae && rung.level.0 == 2));
    let entries: Vec<u64> = asked.map(|rung| rung.entry.0).collect();
    let user_page = entries.iter().all(|entry| entry & 4 != 0);
    let read_only = entries.iter().any(|entry| entry & 2 == 0);
    let no_code = entries.iter().any(|entry| entry >> 63 != 0);
    let by_user = request.mode == Mode::User && !request.implicit;
    let (write, fetch) = (request.access == Access::Write, request.access == Access::Execute);
    let checks_writes = by_user || regs.cr0.contains(Cr0::WP);
    let (keys, keyed) =
        if user_page { (regs.pkru.0, regs.cr4.contains(Cr4::PKE)) } else { (regs.pkrs.0, regs.cr4.contains(Cr4::PKS)) };
    let key = keys >> (2 * (page.leaf.0 >> 59 & 15)) & 3;
    let locked = walk.paging.is_long() && keyed && !fetch && (key & 1 != 0 || key & 2 != 0 && write && checks_writes);
    let exempt = request.ac && !request.implicit;
    let forbidden = by_user && !user_page
        || write && read_only && checks_writes
        || fetch && no_code
        || fetch && !by_user && user_page && regs.cr4.contains(Cr4::SMEP)
        || !fetch && !by_user && user_page && regs.cr4.contains(Cr4::SMAP) && !exempt
        || locked;
    !forbidden
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

    /// The walk, the rights it leaves and an access without memory of earlier ones say the same; a refused access changes no table, one
    /// that goes through sets A on its way and D in the leaf it writes to, and nothing else.
    #[test]
    fn walk_rights_and_access_agree(case in case()) {
        let Some((cpu, memory)) = case.build() else { return Ok(()) };
        for (va, request) in &case.asks {
            let (mut cpu, mut after) = (cpu.clone(), memory.clone());
            let found = reach(&mut cpu, &mut after, *va, *request);
            let paging = cpu.paging().expect("paging is on");
            if !paging.is_canonical(*va) {
                let expected = if request.stack { Exception::StackFault } else { Exception::GeneralProtection };
                prop_assert_eq!(found, Err(expected));
                prop_assert_eq!(&after, &memory);
                continue;
            }
            let va = paging.linear(*va);
            let walk = Walk::through(&memory, cpu.regs(), va).expect("paging is on");
            let verdict = walk.verdict(cpu.regs(), *request);
            prop_assert_eq!(verdict.is_ok(), each_level_allows(cpu.regs(), &walk, *request), "{:?}", walk);
            prop_assert_eq!(found, verdict.map(|page| page.reach(va)).map_err(Exception::PageFault));
            let mut expected = memory.clone();
            if verdict.is_ok() {
                let format = Format::of(cpu.regs()).expect("paging is on");
                for (i, rung) in walk.rungs.iter().enumerate().filter(|(_, rung)| paging.has_rights(rung.level)) {
                    let writes = i + 1 == walk.rungs.len() && request.access == Access::Write;
                    let entry = format.read(&expected, rung.at).with(if writes { 0x60 } else { 0x20 });
                    format.store(&mut expected, rung.at, entry);
                }
            } else {
                prop_assert_eq!(cpu.regs().cr2, va);
            }
            prop_assert_eq!(&after, &expected);
        }
    }

    /// Whatever is refused is explained, and every single change that is offered lets the access through.
    #[test]
    fn an_offered_change_works(case in case()) {
        let Some((cpu, memory)) = case.build() else { return Ok(()) };
        for (va, request) in &case.asks {
            let found = reach(&mut cpu.clone(), &mut memory.clone(), *va, *request);
            let Some(told) = why(&memory, cpu.regs(), *va, *request) else {
                prop_assert!(!matches!(found, Err(Exception::PageFault(_))), "{found:?} is not explained");
                continue;
            };
            prop_assert_eq!(found, Err(Exception::PageFault(told.code)));
            prop_assert!(!told.culprits.is_empty());
            for change in told.changes {
                let (mut cpu, mut memory, mut request) = (cpu.clone(), memory.clone(), *request);
                match change {
                    Change::Entry { at, old, new } => {
                        let format = Format::of(cpu.regs()).expect("paging is on");
                        prop_assert_eq!(format.read(&memory, at), old);
                        format.store(&mut memory, at, new);
                    }
                    Change::Register { register: ControlRegister::Cr0, new, .. } => {
                        prop_assert_eq!(cpu.load_cr0(new.0, &memory, &mut Silent).expect(HALTS), Ok(()));
                    }
                    Change::Register { register: ControlRegister::Cr4, new, .. } => {
                        prop_assert_eq!(cpu.load_cr4(new.0, &memory, &mut Silent).expect(HALTS), Ok(()));
                    }
                    Change::Register { register: ControlRegister::Pkru, new, .. } => {
                        prop_assert_eq!(cpu.load_pkru(KeyRights(new.0 as u32), &mut Silent).expect(HALTS), Ok(()));
                    }
                    Change::Register { register: ControlRegister::Pkrs, new, .. } => {
                        prop_assert_eq!(cpu.load_pkrs(KeyRights(new.0 as u32), &mut Silent).expect(HALTS), Ok(()));
                    }
                    Change::Register { register: ControlRegister::Efer, .. } => prop_assert!(false, "no rule asks EFER"),
                    Change::Ac => request.ac = true,
                }
                let now = reach(&mut cpu, &mut memory, *va, request);
                prop_assert!(now.is_ok(), "{change:?} leaves {now:?}");
            }
        }
    }

    /// As long as nobody edits a table, what is remembered changes no answer and no entry.
    #[test]
    fn memory_of_translations_is_invisible_until_tables_are_edited(case in case()) {
        let Some((mut cpu, mut memory)) = case.build() else { return Ok(()) };
        let (fresh, mut fresh_memory) = (cpu.clone(), memory.clone());
        for (va, request) in case.asks.iter().chain(&case.asks) {
            let expected = reach(&mut fresh.clone(), &mut fresh_memory, *va, *request);
            prop_assert_eq!(reach(&mut cpu, &mut memory, *va, *request), expected);
            prop_assert_eq!(&memory, &fresh_memory);
            prop_assert_eq!(cpu.stale(&memory).count(), 0);
        }
    }

    /// After an edit, `invlpg` of an address is enough for that address; and what is stale is what differs from a new walk.
    #[test]
    fn an_edited_entry_counts_once_it_is_flushed(case in case(), frame in 0..FRAMES, index in 0_u64..4, new in entry()) {
        let Some((mut cpu, mut memory)) = case.build() else { return Ok(()) };
        let format = Format::of(cpu.regs()).expect("paging is on");
        let at = Ma((frame << 12) + index * format.paging.entry_bytes());
        for (va, request) in &case.asks {
            let _ = reach(&mut cpu, &mut memory, *va, *request);
        }
        format.store(&mut memory, at, Pte(new));
        for (va, request) in &case.asks {
            let mut flushed = cpu.clone();
            flushed.forget(*va, &mut Silent).expect(HALTS);
            let mut empty = cpu.clone();
            empty.forget_all(&mut Silent).expect(HALTS);
            let expected = reach(&mut empty, &mut memory.clone(), *va, *request);
            prop_assert_eq!(reach(&mut flushed, &mut memory.clone(), *va, *request), expected);
            let unflushed = reach(&mut cpu.clone(), &mut memory.clone(), *va, *request);
            if unflushed != expected {
                let around = |slot: &mapscope::x86::tlb::Slot| slot.size.first(format.paging.linear(*va)) == slot.va;
                prop_assert!(cpu.stale(&memory).any(|(slot, _, _)| around(slot)));
            }
        }
    }
}

const READ: Request = Request::new(Access::Read, Mode::Supervisor);

/// A processor in long mode with 4 levels that maps page `va` through tables in frames 1 to 4.
fn long_mode(cr4: Cr4, va: Va, leaf: u64) -> (Cpu, Memory) {
    let mut memory = Memory::default();
    map(&mut memory, 1, va, leaf);
    let cr4 = Word((Cr4::PAE | Cr4::PGE | cr4).bits());
    let boot = Boot { cr3: Word(0x1000), cr4, ..Boot::default() };
    (Cpu::booted(&boot, &memory).expect("the set-up is sound"), memory)
}

/// Maps a page through four tables in the frames from `top` on.
fn map(memory: &mut Memory, top: u64, va: Va, leaf: u64) {
    for level in 1..4 {
        let at = Mfn(top + 3 - level).entry(Paging::FourLevel.index(va, mapscope::x86::addr::Level(level as u8)));
        memory.store_word(at, Pte::new(Mfn(top + 4 - level), 0x27).0);
    }
    memory.store_word(Mfn(top + 3).entry(va.0 >> 12 & 0x1ff), leaf);
}

fn mov_cr3(cpu: &mut Cpu, memory: &Memory, word: u64) -> Result<(), Forbidden> {
    cpu.load_cr3(word, memory, &mut Silent).expect(HALTS)
}

fn invpcid(cpu: &mut Cpu, kind: u64, pcid: u64, va: Va) -> Result<(), Forbidden> {
    cpu.invpcid(Invpcid { kind, pcid, va }, &mut Silent).expect(HALTS)
}

/// SDM vol. 3, "Process-context identifiers": a translation is found under the identifier it was made under.
#[test]
fn an_identifier_keeps_its_translations_apart() {
    let va = Va(0x7000);
    let (mut cpu, mut memory) = long_mode(Cr4::PCIDE, va, 0xa_a027);
    map(&mut memory, 0x11, va, 0xb_b027);
    let at = |cpu: &mut Cpu, memory: &mut Memory| reach(cpu, memory, va, READ).map(|at| at.0);
    assert_eq!(mov_cr3(&mut cpu, &memory, 0x1001), Ok(()));
    assert_eq!(at(&mut cpu, &mut memory), Ok(0xa_a000));
    assert_eq!(mov_cr3(&mut cpu, &memory, 0x11002), Ok(()));
    assert_eq!(at(&mut cpu, &mut memory), Ok(0xb_b000));
    // Both leaves go; bit 63 says to keep what is remembered, and is no part of CR3.
    memory.store_word(Mfn(4).entry(7), 0);
    memory.store_word(Mfn(0x14).entry(7), 0);
    assert_eq!(mov_cr3(&mut cpu, &memory, 1 << 63 | 0x1001), Ok(()));
    assert_eq!(cpu.regs().cr3.0, 0x1001);
    assert_eq!(at(&mut cpu, &mut memory), Ok(0xa_a000));
    // Without it, what the identifier named remembers is forgotten, and nobody else's.
    assert_eq!(mov_cr3(&mut cpu, &memory, 0x1001), Ok(()));
    assert_eq!(at(&mut cpu, &mut memory), Err(Exception::PageFault(ErrorCode::empty())));
    assert_eq!(mov_cr3(&mut cpu, &memory, 1 << 63 | 0x11002), Ok(()));
    assert_eq!(at(&mut cpu, &mut memory), Ok(0xb_b000));
}

/// SDM vol. 3, "Operations that invalidate TLBs": what each type of `invpcid` drops, global translations aside or not.
#[test]
fn invpcid_drops_what_its_type_says() {
    let (local, global) = (Va(0x7000), Va(0x8000));
    let filled = || {
        let (mut cpu, mut memory) = long_mode(Cr4::PCIDE, local, 0xa_a027);
        memory.store_word(Mfn(4).entry(8), 0xc_c127);
        for pcid in [1, 2] {
            mov_cr3(&mut cpu, &memory, 0x1000 | pcid).expect("a sound CR3");
            for va in [local, global] {
                reach(&mut cpu, &mut memory, va, READ).expect("mapped");
            }
        }
        cpu
    };
    let kept = |cpu: &Cpu| cpu.remembered().map(|(slot, _)| (slot.va.0, slot.owner)).collect::<Vec<_>>();
    let of = |pcid| (0x7000, Owner::Pcid(mapscope::x86::regs::Pcid(pcid)));
    let everybodys = (0x8000, Owner::Global);
    assert_eq!(kept(&filled()), [of(1), of(2), everybodys]);
    for (kind, pcid, va, expected) in [
        (0, 1, local, vec![of(2), everybodys]),
        (0, 1, global, vec![of(1), of(2), everybodys]),
        (1, 2, local, vec![of(1), everybodys]),
        (2, 0, local, vec![]),
        (3, 0, local, vec![everybodys]),
    ] {
        let mut cpu = filled();
        assert_eq!(invpcid(&mut cpu, kind, pcid, va), Ok(()));
        assert_eq!(kept(&cpu), expected, "invpcid {kind} {pcid} {va:?}");
    }
    let mut cpu = filled();
    cpu.forget(global, &mut Silent).expect(HALTS);
    assert_eq!(kept(&cpu), [of(1), of(2)], "invlpg drops a global translation");
    for (kind, pcid, va, rule) in [
        (4, 0, local, Forbidden::InvpcidType),
        (0, 0x1000, local, Forbidden::InvpcidReserved),
        (0, 1, Va(0x8000_0000_0000), Forbidden::InvpcidAddress),
    ] {
        assert_eq!(invpcid(&mut cpu, kind, pcid, va), Err(rule));
    }
}

/// SDM vol. 3, "MOV to CR4" among the operations that invalidate: the end of identifiers drops everything.
#[test]
fn identifiers_begin_on_clear_low_bits_and_end_with_a_flush() {
    let va = Va(0x7000);
    let (mut cpu, mut memory) = long_mode(Cr4::empty(), va, 0xa_a127);
    reach(&mut cpu, &mut memory, va, READ).expect("mapped");
    let with = (cpu.regs().cr4 | Cr4::PCIDE).bits();
    let without = cpu.regs().cr4.bits();
    mov_cr3(&mut cpu, &memory, 0x1008).expect("PWT is a bit of CR3");
    assert_eq!(cpu.load_cr4(with, &memory, &mut Silent).expect(HALTS), Err(Forbidden::PcidsOnLowBits));
    mov_cr3(&mut cpu, &memory, 0x1000).expect("a sound CR3");
    assert_eq!(cpu.load_cr4(with, &memory, &mut Silent).expect(HALTS), Ok(()));
    assert!(cpu.remembers(va).is_some());
    assert_eq!(cpu.load_cr4(without, &memory, &mut Silent).expect(HALTS), Ok(()));
    assert!(cpu.remembers(va).is_none());
    assert_eq!(invpcid(&mut cpu, 1, 1, va), Err(Forbidden::InvpcidWithoutPcids));
}

/// SDM vol. 2, "MOV to and from control registers": #GP(0) for bits of CR3 at or above MAXPHYADDR; outside long mode it has 32.
#[test]
fn cr3_is_as_wide_as_machine_addresses() {
    let memory = Memory::default();
    for bits in [36_u8, 40, 46, 52] {
        let model = CpuModel { address_bits: bits, ..CpuModel::default() };
        let mut cpu = Cpu::booted(&Boot { model, ..Boot::default() }, &memory).expect("the set-up is sound");
        assert_eq!(mov_cr3(&mut cpu, &memory, 1 << (bits - 1)), Ok(()));
        assert_eq!(mov_cr3(&mut cpu, &memory, 1 << bits), Err(Forbidden::Cr3TooWide));
        assert_eq!(mov_cr3(&mut cpu, &memory, 1 << 63), Err(Forbidden::Cr3TooWide), "bit 63 without identifiers");
        assert_eq!(cpu.regs().cr3.0, 1 << (bits - 1), "a refused load changes nothing");
    }
    assert_eq!(Forbidden::Cr3TooWide.exception(), Exception::GeneralProtection);
}

/// Addresses that the recordings' own program lived at: page 0 and its neighbours, in 32-bit and PAE paging.
#[test]
fn low_addresses_are_addresses() {
    let boot = |cr4: Cr4| Boot {
        cr0: Word((Cr0::PG | Cr0::PE).bits()),
        cr3: Word(0x1000),
        cr4: Word(cr4.bits()),
        efer: Word(0),
        ..Boot::default()
    };
    let mut memory = Memory::default();
    memory.store(Ma(0x1000), &0x2007_u32.to_le_bytes());
    memory.store(Ma(0x2000), &0xa_a007_u32.to_le_bytes());
    memory.store(Ma(0x2004), &0xb_b007_u32.to_le_bytes());
    let mut cpu = Cpu::booted(&boot(Cr4::empty()), &memory).expect("the set-up is sound");
    assert_eq!(reach(&mut cpu, &mut memory, Va(0), READ), Ok(Ma(0xa_a000)));
    assert_eq!(reach(&mut cpu, &mut memory, Va(0x1fff), READ), Ok(Ma(0xb_bfff)));
    assert_eq!(reach(&mut cpu, &mut memory, Va(0x1_0000_0123), READ), Ok(Ma(0xa_a123)), "bits above 31 do not exist");
    let both = cpu.reach_bytes(&mut memory, Va(0xffe), 4, READ, &mut Silent).expect(HALTS).expect("both are mapped");
    assert_eq!((both.0.at, both.1.map(|second| second.at)), (Ma(0xa_affe), Some(Ma(0xb_b000))));

    let mut memory = Memory::default();
    memory.store_word(Ma(0x1000), 0x2001);
    memory.store_word(Ma(0x2000), 0x3007);
    memory.store_word(Ma(0x3000), 0xa_a007);
    let mut cpu = Cpu::booted(&boot(Cr4::PAE), &memory).expect("the set-up is sound");
    assert_eq!(reach(&mut cpu, &mut memory, Va(0x123), READ), Ok(Ma(0xa_a123)));
    // The top entries are registers: an edit counts from the next load of CR3 on.
    memory.store_word(Ma(0x1000), 0);
    cpu.forget_all(&mut Silent).expect(HALTS);
    assert_eq!(reach(&mut cpu, &mut memory, Va(0x123), READ), Ok(Ma(0xa_a123)));
    mov_cr3(&mut cpu, &memory, 0x1000).expect("nothing reserved");
    assert_eq!(reach(&mut cpu, &mut memory, Va(0x123), READ), Err(Exception::PageFault(ErrorCode::empty())));
}

/// Without paging a linear address is a machine address; switched on, the tables count.
#[test]
fn paging_is_switched_on_step_by_step() {
    let mut memory = Memory::default();
    let boot = Boot { cr0: Word(1), cr3: Word(0x1000), cr4: Word(0), efer: Word(0), ..Boot::default() };
    let mut cpu = Cpu::booted(&boot, &memory).expect("protected mode");
    assert_eq!(cpu.paging(), None);
    assert_eq!(reach(&mut cpu, &mut memory, Va(0x9_1234_5678), READ), Ok(Ma(0x1234_5678)));
    let on = cpu.regs().cr0.bits() | Cr0::PG.bits();
    cpu.load_efer(Efer::LME.bits(), &mut Silent).expect(HALTS).expect("paging is off");
    assert_eq!(cpu.load_cr0(on, &memory, &mut Silent).expect(HALTS), Err(Forbidden::LongModeWithoutPae));
    cpu.load_cr4(Cr4::PAE.bits(), &memory, &mut Silent).expect(HALTS).expect("the processor has it");
    assert_eq!(cpu.load_cr0(on, &memory, &mut Silent).expect(HALTS), Ok(()));
    assert_eq!(cpu.paging(), Some(Paging::FourLevel));
    assert_eq!(reach(&mut cpu, &mut memory, Va(0x5000), READ), Err(Exception::PageFault(ErrorCode::empty())));
    assert_eq!(cpu.regs().cr2, Va(0x5000));
    for (loaded, rule) in [
        (cpu.load_cr0(1, &memory, &mut Silent), Forbidden::PagingOffInLongMode),
        (cpu.load_cr4(0, &memory, &mut Silent), Forbidden::PaeOffInLongMode),
        (cpu.load_cr4((Cr4::PAE | Cr4::LA57).bits(), &memory, &mut Silent), Forbidden::LevelsInLongMode),
        (cpu.load_efer(0, &mut Silent), Forbidden::LongModeWhilePaging),
        (cpu.load_pkru(KeyRights(4), &mut Silent), Forbidden::NoUserKeys),
    ] {
        assert_eq!(loaded.expect(HALTS), Err(rule));
    }
}

/// A state that no processor can be in is refused by the rule that forbids it.
#[test]
fn forbidden_set_ups_are_refused() {
    let good = Boot::default();
    let without = |features| CpuModel { features: Features::all() - features, ..CpuModel::default() };
    for (boot, rule) in [
        (Boot { cr0: Word(Cr0::PG.bits()), ..good }, Forbidden::PagingUnprotected),
        (Boot { cr0: Word(Cr0::PE.bits() | Cr0::NW.bits()), ..good }, Forbidden::WriteThroughAlone),
        (Boot { cr0: Word(1 << 32 | 1), ..good }, Forbidden::Cr0High),
        (Boot { cr4: Word(0), ..good }, Forbidden::LongModeWithoutPae),
        (Boot { cr4: Word(1 << 40), ..good }, Forbidden::Cr4Unsupported),
        (Boot { model: without(Features::PGE), ..good }, Forbidden::Cr4Unsupported),
        (Boot { model: without(Features::NX), ..good }, Forbidden::EferUnsupported),
        (Boot { efer: Word(2), ..good }, Forbidden::EferUnsupported),
        (Boot { efer: Word(0), cr4: Word((Cr4::PAE | Cr4::PCIDE).bits()), ..good }, Forbidden::PcidsOutsideLongMode),
        (Boot { cr3: Word(1 << 52), ..good }, Forbidden::Cr3TooWide),
        (Boot { model: CpuModel { address_bits: 64, ..CpuModel::default() }, ..good }, Forbidden::AddressBits),
        (Boot { model: CpuModel { address_bits: 0, ..CpuModel::default() }, ..good }, Forbidden::AddressBits),
    ] {
        assert_eq!(Cpu::booted(&boot, &Memory::default()), Err(rule));
    }
    let pae = Boot { efer: Word(0), ..good };
    let mut memory = Memory::default();
    memory.store_word(Ma(8), 0x3);
    assert_eq!(Cpu::booted(&pae, &memory), Err(Forbidden::PdpteReserved));
}

/// The operand of an access has an address as a whole, or none: the canonical edge comes before any page fault.
#[test]
fn an_access_over_the_canonical_edge_is_no_page_fault() {
    let (mut cpu, mut memory) = long_mode(Cr4::empty(), Va(0), 0);
    let last = Va(0x7fff_ffff_fffc);
    let crossing = cpu.reach_bytes(&mut memory, last, 8, READ, &mut Silent).expect(HALTS);
    assert_eq!(crossing, Err(Exception::GeneralProtection));
    let stack = Request { stack: true, ..READ };
    assert_eq!(cpu.reach_bytes(&mut memory, last, 8, stack, &mut Silent).expect(HALTS), Err(Exception::StackFault));
    let inside = cpu.reach_bytes(&mut memory, last, 4, READ, &mut Silent).expect(HALTS);
    assert_eq!(inside, Err(Exception::PageFault(ErrorCode::empty())));
    assert_eq!(cpu.regs().cr2, last);
}

/// A processor believes what it remembers, beside what the tables say; `invlpg` anywhere in a large page forgets all of it.
#[test]
fn a_large_page_is_stale_until_any_of_it_is_flushed() {
    let mut memory = Memory::default();
    memory.store_word(Ma(0x1000), 0x2027);
    memory.store_word(Ma(0x2000), 0x3027);
    memory.store_word(Ma(0x3008), 0x40_00a7);
    let mut cpu = Cpu::booted(&Boot { cr3: Word(0x1000), ..Boot::default() }, &memory).expect("the set-up is sound");
    let va = Va(0x20_1234);
    assert_eq!(reach(&mut cpu, &mut memory, va, READ), Ok(Ma(0x40_1234)));
    memory.store_word(Ma(0x3008), 0x4027);
    memory.store_word(Ma(0x4008), 0xa_a027);
    assert_eq!(reach(&mut cpu, &mut memory, va, READ), Ok(Ma(0x40_1234)), "still remembered");
    let stale: Vec<_> =
        cpu.stale(&memory).map(|(slot, kept, walk)| (slot.size, kept.leaf.0, walk.last().entry.0)).collect();
    // The walk from the first address of the large page finds no small page there.
    assert_eq!(stale, [(PageSize::Mib2, 0x40_00a7, 0)]);
    let mut told: Recorder<PteEvent> = Recorder::unlimited();
    cpu.forget(Va(0x3f_f000), &mut told).expect(HALTS);
    assert_eq!(told.events(), [PteEvent::Forgot { va: Va(0x20_0000) }]);
    assert_eq!(reach(&mut cpu, &mut memory, va, READ), Ok(Ma(0xa_a234)));
}

/// The caching of a page is chosen by PAT, PCD and PWT; a large leaf has its PAT bit elsewhere.
#[test]
fn the_pat_index_is_read_where_the_leaf_has_it() {
    let (cpu, memory) = long_mode(Cr4::empty(), Va(0x7000), 0xa_a027 | 1 << 7 | 1 << 3);
    let page =
        |memory: &Memory, va| Walk::through(memory, cpu.regs(), va).and_then(|walk| walk.page()).expect("mapped");
    assert_eq!(page(&memory, Va(0x7000)).pat_index(), 5);
    let mut memory = memory;
    memory.store_word(Mfn(3).entry(1), 0x40_00a7 | 1 << 12 | 1 << 4);
    assert_eq!(page(&memory, Va(0x20_0000)).pat_index(), 6);
}
