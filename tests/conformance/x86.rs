//! The judge of the processor: makes every recorded access on a processor of ours and compares what it reaches or raises, and what
//! it leaves in the tables; then makes sure that it can tell a difference.
//!
//! What a vector holds is written down beside the recordings' source: control state, the entries a walk uses, and one access or a
//! sequence. `free` bits are those that the architecture leaves open; where entries are edited without a flush, `legal` has every result
//! that the architecture permits.

use crate::files::{Found, folder, list};
use crate::native::Tally;
use mapscope::trace::Silent;
use mapscope::word::Word;
use mapscope::x86::addr::{Ma, Va};
use mapscope::x86::control::{Boot, Forbidden};
use mapscope::x86::cpu::Cpu;
use mapscope::x86::fault::{Access, Exception, Mode};
use mapscope::x86::memory::Memory;
use mapscope::x86::model::{CpuModel, Features};
use mapscope::x86::paging::Format;
use mapscope::x86::pte::Pte;
use mapscope::x86::regs::{Cr0, Cr4, Efer, KeyRights};
use mapscope::x86::rights::Request;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

const MAX_TEXT_BYTES: usize = 64 << 20;
const HALTS: &str = "a silent trace never halts";

/// Runs all recordings of the folder.
pub fn judge() -> Tally {
    let folder = folder("x86");
    let all = match list(&folder) {
        Ok(files) => files,
        Err(error) => {
            println!("x86: {}: {error}", folder.display());
            return Tally::of(1, 1);
        }
    };
    let mut vectors = Vec::new();
    let mut unreadable = 0;
    for file in &all {
        for (line, read) in read(file) {
            match read {
                Ok(vector) => vectors.push((file, vector)),
                Err(reason) => {
                    println!("{}: line {line}: {reason}", file.path.display());
                    unreadable += 1;
                }
            }
        }
    }
    if vectors.is_empty() {
        println!("x86: no recording in {}", folder.display());
        return Tally::of(1 + unreadable, 1 + unreadable);
    }
    let mut counts: BTreeMap<(bool, ModeName), Counts> = BTreeMap::new();
    for (file, vector) in &vectors {
        let counts = counts.entry((vector.is_advisory(), vector.mode)).or_default();
        let differences = vector.differences();
        counts.vectors += 1;
        counts.accesses += vector.accesses();
        counts.differ += u64::from(!differences.is_empty());
        for difference in differences {
            println!("{}: {} {difference}", file.path.display(), vector.id);
        }
    }
    for ((advisory, mode), Counts { vectors, accesses, differ }) in &counts {
        let kind = if *advisory { ", edited without a flush" } else { "" };
        println!("x86: {mode:?}{kind}: {vectors} vectors, {accesses} accesses, {differ} differ");
    }
    let own = tell_differences(vectors.iter().map(|(_, vector)| vector));
    let total = |of: fn(&Counts) -> u64| counts.values().map(of).sum::<u64>();
    let (scenarios, steps, differ) =
        (total(|counts| counts.vectors), total(|counts| counts.accesses), total(|counts| counts.differ));
    println!("x86: {scenarios} scenarios (0 variants), {steps} steps, {differ} differ");
    Tally::of(scenarios + unreadable, differ + unreadable).and(own)
}

fn read(file: &Found) -> Vec<(usize, Result<Vector, String>)> {
    let text = match file.text(MAX_TEXT_BYTES) {
        Ok(text) if text.len() > MAX_TEXT_BYTES => return vec![(0, Err("the file is too long".to_owned()))],
        Ok(text) => text,
        Err(error) => return vec![(0, Err(error.to_string()))],
    };
    let parse = |line: &[u8]| serde_json::from_slice(line).map_err(|error| error.to_string());
    if !file.by_lines {
        return match serde_json::from_slice::<Vec<Vector>>(&text) {
            Ok(all) => all.into_iter().enumerate().map(|(i, vector)| (i, Ok(vector))).collect(),
            Err(error) => vec![(0, Err(error.to_string()))],
        };
    }
    let lines = text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty());
    lines.map(|(i, line)| (i + 1, parse(line))).collect()
}

#[derive(Default)]
struct Counts {
    vectors: u64,
    accesses: u64,
    differ: u64,
}

/// The paging mode of a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
enum ModeName {
    #[serde(rename = "32bit")]
    Bits32,
    #[serde(rename = "pae")]
    Pae,
    #[serde(rename = "4level")]
    FourLevel,
    #[serde(rename = "5level")]
    FiveLevel,
}

/// One line.
#[derive(Clone, Deserialize)]
struct Vector {
    id: String,
    mode: ModeName,
    mp: u8,
    #[serde(default)]
    no1g: u8,
    ctl: Control,
    cr3: Word,
    /// Level, address, value.
    e: Vec<(u8, Ma, Word)>,
    steps: Option<Vec<Step>>,
    #[serde(flatten)]
    only: Option<AccessStep>,
    after: Option<Vec<Word>>,
    #[serde(default)]
    free: Vec<(usize, Word)>,
}

/// The control state: what is left out is clear.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Control {
    wp: u8,
    pse: u8,
    pge: u8,
    smep: u8,
    smap: u8,
    pke: u8,
    pks: u8,
    nxe: u8,
    pkru: Word,
    pkrs: Word,
}

/// An access, with every answer that is right.
#[derive(Clone, Deserialize)]
struct AccessStep {
    acc: Acc,
    cpl: u8,
    #[serde(default)]
    ac: u8,
    #[serde(default)]
    implicit: u8,
    seg: Option<Seg>,
    sz: u64,
    la: Va,
    exp: Option<Answer>,
    legal: Option<Vec<Answer>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Acc {
    R,
    W,
    X,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Seg {
    Ss,
}

/// One step of a sequence.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Step {
    Named(NamedStep),
    Access {
        #[serde(flatten)]
        access: AccessStep,
        after: Option<Vec<Word>>,
        #[serde(default)]
        free: Vec<(usize, Word)>,
    },
    Change(Change),
}

#[derive(Clone, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum NamedStep {
    Access(AccessStep),
    Store { i: usize, v: Word },
    Entry { i: usize, legal: Vec<Word> },
    Invlpg { la: Va },
    MovCr3 { v: Word },
    Cr4(Map<String, Value>),
}

/// A change of control that takes effect at once.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    wp: Option<u8>,
    pkru: Option<Word>,
    pkrs: Option<Word>,
    nxe: Option<u8>,
    #[serde(default)]
    cr4: Map<String, Value>,
}

/// What an access comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    pa: Option<Word>,
    pa2: Option<Word>,
    pf: Option<u32>,
    cr2: Option<Va>,
    gp: Option<u32>,
    ss: Option<u32>,
    at: Option<At>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum At {
    #[serde(rename = "mov_cr3")]
    MovCr3,
}

/// What was found instead of what was expected.
#[derive(Clone, Debug, PartialEq)]
struct Difference {
    step: usize,
    place: String,
    expected: String,
    found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { step, place, expected, found } = self;
        write!(f, "step {step}, {place}: expected {expected}, found {found}")
    }
}

/// A vector being run.
struct Run<'v> {
    vector: &'v Vector,
    memory: Memory,
    cpu: Cpu,
    step: usize,
    differences: Vec<Difference>,
}

impl Vector {
    fn is_advisory(&self) -> bool {
        self.steps.iter().flatten().any(|step| matches!(step, Step::Named(_)))
    }

    fn accesses(&self) -> u64 {
        let Some(steps) = &self.steps else { return 1 };
        steps.iter().filter(|step| matches!(step, Step::Access { .. } | Step::Named(NamedStep::Access(_)))).count()
            as u64
    }

    fn boot(&self) -> Boot {
        let ctl = &self.ctl;
        let cr4 = [
            (Cr4::PAE, self.mode != ModeName::Bits32),
            (Cr4::LA57, self.mode == ModeName::FiveLevel),
            (Cr4::PSE, ctl.pse != 0),
            (Cr4::PGE, ctl.pge != 0),
            (Cr4::SMEP, ctl.smep != 0),
            (Cr4::SMAP, ctl.smap != 0),
            (Cr4::PKE, ctl.pke != 0),
            (Cr4::PKS, ctl.pks != 0),
        ];
        let long = matches!(self.mode, ModeName::FourLevel | ModeName::FiveLevel);
        let efer = [(Efer::LME, long), (Efer::NXE, ctl.nxe != 0)];
        let cr0 = [(Cr0::PG | Cr0::PE | Cr0::NE, true), (Cr0::WP, ctl.wp != 0)];
        let absent = Features::PCID | Features::INVPCID;
        let no_1gb = if self.no1g != 0 { Features::PAGE_1GB } else { Features::empty() };
        Boot {
            cr0: Word(set(cr0).bits()),
            cr3: Word(0),
            cr4: Word(set(cr4).bits()),
            efer: Word(set(efer).bits()),
            pkru: KeyRights(ctl.pkru.0 as u32),
            pkrs: KeyRights(ctl.pkrs.0 as u32),
            model: CpuModel { address_bits: self.mp, features: Features::all() - absent - no_1gb },
        }
    }

    /// Everything that comes out otherwise than recorded.
    fn differences(&self) -> Vec<Difference> {
        let mut memory = Memory::default();
        let cpu = match Cpu::booted(&self.boot(), &memory) {
            Ok(cpu) => cpu,
            Err(rule) => return vec![difference(0, "control state", "a processor", &rule.to_string())],
        };
        let format = Format::of(cpu.regs()).expect("every vector has paging on");
        self.e.iter().for_each(|(_, at, value)| format.store(&mut memory, *at, Pte(value.0)));
        let mut run = Run { vector: self, memory, cpu, step: 0, differences: Vec::new() };
        run.all();
        run.differences
    }
}

fn set<F: FromIterator<F>>(flags: impl IntoIterator<Item = (F, bool)>) -> F {
    flags.into_iter().filter(|(_, is_set)| *is_set).map(|(flag, _)| flag).collect()
}

fn difference(step: usize, place: &str, expected: &str, found: &str) -> Difference {
    Difference { step, place: place.to_owned(), expected: expected.to_owned(), found: found.to_owned() }
}

impl Run<'_> {
    fn all(&mut self) {
        let vector = self.vector;
        let loaded = self.cpu.load_cr3(vector.cr3.0, &self.memory, &mut Silent).expect(HALTS);
        match (&vector.steps, &vector.only, loaded) {
            (Some(_), _, Err(rule)) => self.note("control state", "a processor", &rule.to_string()),
            (Some(steps), _, Ok(())) => steps.iter().for_each(|step| {
                self.one(step);
                self.step += 1;
            }),
            (None, Some(access), Err(rule)) => {
                let found = Answer { at: Some(At::MovCr3), ..raised(rule.exception(), Va(0)) };
                self.compare(found, access);
            }
            (None, Some(access), Ok(())) => {
                let found = self.access(access);
                self.compare(found, access);
            }
            (None, None, _) => self.note("vector", "an access", "none"),
        }
        if vector.is_advisory() {
            return;
        }
        let unchanged = || vector.e.iter().map(|(_, _, value)| *value).collect::<Vec<_>>();
        let after = vector.after.clone().unwrap_or_else(unchanged);
        self.compare_entries(&after, &vector.free);
    }

    fn one(&mut self, step: &Step) {
        match step {
            Step::Named(NamedStep::Access(access)) => {
                let found = self.access(access);
                self.compare(found, access);
            }
            Step::Access { access, after, free } => {
                let found = self.access(access);
                self.compare(found, access);
                if let Some(after) = after {
                    self.compare_entries(after, free);
                }
            }
            Step::Named(NamedStep::Store { i, v }) => {
                let at = self.vector.e[*i].1;
                self.format().store(&mut self.memory, at, Pte(v.0));
            }
            Step::Named(NamedStep::Entry { i, legal }) => {
                let found = Word(self.entry(*i));
                if !legal.contains(&found) {
                    self.note(&format!("entry {i}"), &format!("{legal:?}"), &format!("{found:?}"));
                }
            }
            Step::Named(NamedStep::Invlpg { la }) => self.cpu.forget(*la, &mut Silent).expect(HALTS),
            Step::Named(NamedStep::MovCr3 { v }) => {
                let loaded = self.cpu.load_cr3(v.0, &self.memory, &mut Silent).expect(HALTS);
                self.taken(loaded);
            }
            Step::Named(NamedStep::Cr4(bits)) => self.change_cr4(bits),
            Step::Change(Change { wp, pkru, pkrs, nxe, cr4 }) => {
                if let Some(wp) = wp {
                    let mut cr0 = self.cpu.regs().cr0;
                    cr0.set(Cr0::WP, *wp != 0);
                    let loaded = self.cpu.load_cr0(cr0.bits(), &self.memory, &mut Silent).expect(HALTS);
                    self.taken(loaded);
                }
                if let Some(keys) = pkru {
                    let loaded = self.cpu.load_pkru(KeyRights(keys.0 as u32), &mut Silent).expect(HALTS);
                    self.taken(loaded);
                }
                if let Some(keys) = pkrs {
                    let loaded = self.cpu.load_pkrs(KeyRights(keys.0 as u32), &mut Silent).expect(HALTS);
                    self.taken(loaded);
                }
                if let Some(nxe) = nxe {
                    let mut efer = self.cpu.regs().efer;
                    efer.set(Efer::NXE, *nxe != 0);
                    let loaded = self.cpu.load_efer(efer.bits(), &mut Silent).expect(HALTS);
                    self.taken(loaded);
                }
                self.change_cr4(cr4);
            }
        }
    }

    fn change_cr4(&mut self, bits: &Map<String, Value>) {
        let mut cr4 = self.cpu.regs().cr4;
        for (name, value) in bits {
            let bit = match name.as_str() {
                "pse" => Cr4::PSE,
                "pge" => Cr4::PGE,
                "smep" => Cr4::SMEP,
                "smap" => Cr4::SMAP,
                "pke" => Cr4::PKE,
                "pks" => Cr4::PKS,
                _ => return self.note("cr4", "a bit of CR4", name),
            };
            cr4.set(bit, value != 0);
        }
        let loaded = self.cpu.load_cr4(cr4.bits(), &self.memory, &mut Silent).expect(HALTS);
        self.taken(loaded);
    }

    fn taken(&mut self, loaded: Result<(), Forbidden>) {
        if let Err(rule) = loaded {
            self.note("control", "taken", &rule.to_string());
        }
    }

    fn access(&mut self, step: &AccessStep) -> Answer {
        let access = match step.acc {
            Acc::R => Access::Read,
            Acc::W => Access::Write,
            Acc::X => Access::Execute,
        };
        let mode = if step.cpl == 3 { Mode::User } else { Mode::Supervisor };
        let stack = matches!(step.seg, Some(Seg::Ss));
        let request = Request { access, mode, implicit: step.implicit != 0, ac: step.ac != 0, stack };
        let reached = self.cpu.reach_bytes(&mut self.memory, step.la, step.sz, request, &mut Silent).expect(HALTS);
        match reached {
            Ok((first, second)) => {
                let pa2 = second.map(|second| Word(second.at.0));
                Answer { pa: Some(Word(first.at.0)), pa2, ..Answer::default() }
            }
            Err(exception) => raised(exception, self.cpu.regs().cr2),
        }
    }

    fn compare(&mut self, found: Answer, step: &AccessStep) {
        let right = step.legal.clone().unwrap_or_else(|| step.exp.into_iter().collect());
        if !right.contains(&found) {
            self.note("exp", &format!("{right:?}"), &format!("{found:?}"));
        }
    }

    fn compare_entries(&mut self, after: &[Word], free: &[(usize, Word)]) {
        for (i, expected) in after.iter().enumerate() {
            let free = free.iter().filter(|(which, _)| *which == i).fold(0, |all, (_, mask)| all | mask.0);
            let found = self.entry(i);
            if (found ^ expected.0) & !free != 0 {
                self.note(&format!("entry {i}"), &format!("{expected:?}"), &format!("{:?}", Word(found)));
            }
        }
    }

    fn entry(&self, i: usize) -> u64 {
        self.format().read(&self.memory, self.vector.e[i].1).0
    }

    fn format(&self) -> Format {
        Format::of(self.cpu.regs()).expect("every vector has paging on")
    }

    fn note(&mut self, place: &str, expected: &str, found: &str) {
        self.differences.push(difference(self.step, place, expected, found));
    }
}

fn raised(exception: Exception, cr2: Va) -> Answer {
    let none = Answer::default();
    match exception {
        Exception::PageFault(code) => Answer { pf: Some(code.bits()), cr2: Some(cr2), ..none },
        Exception::GeneralProtection => Answer { gp: Some(0), ..none },
        Exception::StackFault => Answer { ss: Some(0), ..none },
        Exception::InvalidOpcode => none,
    }
}

/// Changes one recorded value of every vector, another kind each time, and expects to be told exactly that change.
fn tell_differences<'v>(vectors: impl Iterator<Item = &'v Vector>) -> Tally {
    let (mut turn, mut missed) = (0, 0);
    for vector in vectors {
        if !vector.differences().is_empty() {
            continue;
        }
        let mut changed = vector.clone();
        let expected = if turn % 2 == 0 { change_entry(&mut changed) } else { change_answer(&mut changed) };
        let Some(expected) = expected else { continue };
        turn += 1;
        let found: Vec<(usize, String)> =
            changed.differences().into_iter().map(|difference| (difference.step, difference.place)).collect();
        if found != [expected.clone()] {
            missed += 1;
            println!("{}: changed {expected:?}, was told {found:?}", vector.id);
        }
    }
    println!("x86: {turn} recorded values changed one at a time, {missed} of them not told");
    if turn == 0 { Tally::of(1, 1) } else { Tally::of(turn, missed) }
}

/// Turns round the P bit of the last entry as it should be at the end.
fn change_entry(vector: &mut Vector) -> Option<(usize, String)> {
    if vector.is_advisory() {
        return change_answer(vector);
    }
    let last = vector.e.len().checked_sub(1)?;
    let unchanged = || vector.e.iter().map(|(_, _, value)| *value).collect::<Vec<_>>();
    let mut after = vector.after.clone().unwrap_or_else(unchanged);
    after[last].0 ^= 1;
    vector.after = Some(after);
    Some((vector.steps.as_ref().map_or(0, Vec::len), format!("entry {last}")))
}

/// Gives the last access an address or a code that cannot be.
fn change_answer(vector: &mut Vector) -> Option<(usize, String)> {
    let steps = vector.steps.iter_mut().flatten().enumerate();
    let accesses = steps.filter_map(|(i, step)| match step {
        Step::Access { access, .. } | Step::Named(NamedStep::Access(access)) => Some((i, access)),
        Step::Named(_) | Step::Change(_) => None,
    });
    let (at, access) = accesses.last().or_else(|| vector.only.as_mut().map(|access| (0, access)))?;
    let wrong = |answer: Answer| match answer {
        Answer { pf: Some(code), .. } => Answer { pf: Some(code ^ 1 << 8), ..answer },
        Answer { pa, .. } => Answer { pa: Some(Word(pa.map_or(0, |pa| pa.0 ^ 1 << 60))), ..answer },
    };
    access.exp = access.exp.map(wrong);
    access.legal = access.legal.take().map(|legal| legal.into_iter().map(wrong).collect());
    Some((at, "exp".to_owned()))
}
