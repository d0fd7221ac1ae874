//! Why an access is refused: the entries and bits that take the right away, and every single change that would give it back.
//!
//! A change is found by trying: each bit of each entry on the way, each setting that a rule of access asks for. So a change that is
//! offered is one that works, in whatever tables, those included that are entries of themselves.

use super::addr::{Ma, Va};
use super::fault::{Access, ErrorCode};
use super::memory::Memory;
use super::paging::Format;
use super::pte::Pte;
use super::regs::{ControlRegister, Cr0, Cr4, KeyRights, Registers};
use super::rights::{Objections, Request, Translation};
use super::walk::{End, Rung, Walk};
use crate::word::Word;

/// A refused access, explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The way to the entry that decides.
    pub walk: Walk,
    /// The error code of the page fault.
    pub code: ErrorCode,
    /// Every entry that has a part in it, from the top down.
    pub culprits: Vec<Culprit>,
    /// Every single change that lets the access through, the nearest first: entries from the page up, then registers, then the
    /// access itself.
    pub changes: Vec<Change>,
}

/// An entry that stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Culprit {
    /// The entry.
    pub rung: Rung,
    /// Its bits that do.
    pub bits: u64,
    /// What they do.
    pub because: Because,
}

/// How an entry stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// P is clear.
    NotPresent,
    /// Bits are set that its format reserves.
    Reserved,
    /// A rule of access refuses what it says.
    Rule(Objections),
}

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// An entry in memory.
    Entry {
        /// Where it is.
        at: Ma,
        /// What it is.
        old: Pte,
        /// What it would be.
        new: Pte,
    },
    /// A register.
    Register {
        /// Which.
        register: ControlRegister,
        /// What it holds.
        old: Word,
        /// What it would hold.
        new: Word,
    },
    /// EFLAGS.AC set for the access.
    Ac,
}

/// Explains an access; none if it goes through, if paging is off, or if the address is not canonical: then no entry decides.
#[must_use]
pub fn why(memory: &Memory, regs: &Registers, va: Va, request: Request) -> Option<Why> {
    let walk = Walk::through(memory, regs, va)?;
    if !walk.paging.is_canonical(va) {
        return None;
    }
    let code = walk.verdict(regs, request).err()?;
    let culprits = culprits(&walk, regs, request);
    let entries = entry_changes(memory, regs, &walk, va, request);
    let registers = register_changes(&walk, regs, request);
    let with_ac = Request { ac: true, ..request };
    let ac = walk.verdict(regs, with_ac).is_ok().then_some(Change::Ac);
    Some(Why { walk, code, culprits, changes: entries.into_iter().chain(registers).chain(ac).collect() })
}

fn culprits(walk: &Walk, regs: &Registers, request: Request) -> Vec<Culprit> {
    let last = walk.last();
    match walk.end {
        End::NotPresent => vec![Culprit { rung: last, bits: Pte::PRESENT, because: Because::NotPresent }],
        End::Reserved { bits } => vec![Culprit { rung: last, bits, because: Because::Reserved }],
        End::Page(page) => {
            let objections = regs.objections(&page, request);
            let rungs = walk.rungs.iter().filter(|rung| walk.paging.has_rights(rung.level));
            rungs.flat_map(|rung| objections.iter().filter_map(|rule| culprit(rung, rule, *rung == last))).collect()
        }
    }
}

/// The part of one entry in one refusal.
fn culprit(rung: &Rung, rule: Objections, is_leaf: bool) -> Option<Culprit> {
    let set = |bit| rung.entry.has(bit).then_some(bit);
    let clear = |bit| (!rung.entry.has(bit)).then_some(bit);
    let bits = match rule {
        Objections::SUPERVISOR_PAGE => clear(Pte::USER),
        Objections::READ_ONLY => clear(Pte::WRITABLE),
        Objections::NO_EXECUTE => set(Pte::NO_EXECUTE),
        Objections::SMEP | Objections::SMAP => set(Pte::USER),
        // The only rule left: the key of the page, which may be 0.
        _ => is_leaf.then_some(Translation::KEY),
    }?;
    Some(Culprit { rung: *rung, bits, because: Because::Rule(rule) })
}

/// Entries with one bit turned round, or with all their reserved bits cleared. PAE's top entries are registers: an edit would need a load
/// of CR3 beside it.
fn entry_changes(memory: &Memory, regs: &Registers, walk: &Walk, va: Va, request: Request) -> Vec<Change> {
    let Some(format) = Format::of(regs) else { return Vec::new() };
    let reserved = match walk.end {
        End::Reserved { bits } => Some(bits),
        End::Page(_) | End::NotPresent => None,
    };
    let mut changes = Vec::new();
    for rung in walk.rungs.iter().rev().filter(|rung| walk.paging.has_rights(rung.level)) {
        let masks = [Pte::PRESENT, Pte::WRITABLE, Pte::USER, Pte::NO_EXECUTE].into_iter().chain(reserved);
        for mask in masks {
            let new = Pte(rung.entry.0 ^ mask);
            let mut edited = memory.clone();
            format.store(&mut edited, rung.at, new);
            let stored = format.read(&edited, rung.at) == new;
            let passes = Walk::through(&edited, regs, va).is_some_and(|walk| walk.verdict(regs, request).is_ok());
            let change = Change::Entry { at: rung.at, old: rung.entry, new };
            if stored && passes && !changes.contains(&change) {
                changes.push(change);
            }
        }
    }
    changes
}

/// Registers with one setting of a rule lifted.
fn register_changes(walk: &Walk, regs: &Registers, request: Request) -> Vec<Change> {
    let Some(page) = walk.page() else { return Vec::new() };
    let mut changes = Vec::new();
    let mut attempt = |edited: Registers, register, old: u64, new: u64| {
        if old != new && edited.refuses(&page, request).is_none() {
            changes.push(Change::Register { register, old: Word(old), new: Word(new) });
        }
    };
    if request.access == Access::Write {
        let cr0 = regs.cr0 - Cr0::WP;
        attempt(Registers { cr0, ..*regs }, ControlRegister::Cr0, regs.cr0.bits(), cr0.bits());
    }
    for lifted in [Cr4::SMEP, Cr4::SMAP, Cr4::PKE, Cr4::PKS] {
        let cr4 = regs.cr4 - lifted;
        attempt(Registers { cr4, ..*regs }, ControlRegister::Cr4, regs.cr4.bits(), cr4.bits());
    }
    let granted = |keys: KeyRights| KeyRights(keys.0 & !(3 << (2 * u32::from(page.key().0))));
    let (pkru, pkrs) = (granted(regs.pkru), granted(regs.pkrs));
    attempt(Registers { pkru, ..*regs }, ControlRegister::Pkru, regs.pkru.0.into(), pkru.0.into());
    attempt(Registers { pkrs, ..*regs }, ControlRegister::Pkrs, regs.pkrs.0.into(), pkrs.0.into());
    changes
}

#[cfg(test)]
mod tests {
    use super::{Because, Change, Memory, Objections, Pte, Registers, Request, Va, why};
    use crate::x86::addr::Mfn;
    use crate::x86::fault::{Access, Mode};
    use crate::x86::regs::{ControlRegister, Cr4};

    /// Four tables in frames 1 to 4, of which the one of `level` has `entry` in its place 0; the page is frame 5.
    fn tables(level: u64, entry: u64) -> Memory {
        let mut memory = Memory::default();
        for at in 1..=4 {
            memory.store_word(Mfn(at).entry(0), if at == 5 - level { entry } else { Pte::new(Mfn(at + 1), 0x27).0 });
        }
        memory
    }

    #[test]
    fn a_right_lost_at_each_level_is_found_there_and_given_back_there() {
        let regs = Registers::paravirtual(Mfn(1));
        for level in 1..=4 {
            let entry = Pte::new(Mfn(6 - level), 0x25);
            let memory = tables(level, entry.0);
            let told = why(&memory, &regs, Va(0), Request::new(Access::Write, Mode::User)).expect("it is read-only");
            let [culprit] = told.culprits[..] else { panic!("one entry decides: {:?}", told.culprits) };
            assert_eq!((culprit.rung.at, culprit.bits), (Mfn(5 - level).entry(0), Pte::WRITABLE));
            assert_eq!(culprit.because, Because::Rule(Objections::READ_ONLY));
            let at = culprit.rung.at;
            assert_eq!(told.changes, [Change::Entry { at, old: entry, new: entry.with(Pte::WRITABLE) }]);
        }
    }

    #[test]
    fn two_things_in_the_way_have_no_single_change() {
        let regs = Registers::paravirtual(Mfn(1));
        let memory = tables(1, Pte::new(Mfn(5), 0x21).0);
        let told = why(&memory, &regs, Va(0), Request::new(Access::Write, Mode::User))
            .expect("neither the user's nor writable");
        assert_eq!(told.culprits.len(), 2);
        assert_eq!(told.changes, []);
    }

    #[test]
    fn smap_is_lifted_in_the_entries_the_register_or_the_flags() {
        let mut regs = Registers::paravirtual(Mfn(1));
        regs.cr4 |= Cr4::SMAP;
        let memory = tables(1, Pte::new(Mfn(5), 0x27).0);
        let told = why(&memory, &regs, Va(0), Request::new(Access::Read, Mode::Supervisor)).expect("a user page");
        let registers = |change: &&Change| matches!(change, Change::Register { register: ControlRegister::Cr4, .. });
        assert_eq!(told.changes.iter().filter(registers).count(), 1);
        assert_eq!(told.changes.len(), 6, "four entries, one register, one flag");
        assert_eq!(told.changes.last(), Some(&Change::Ac));
    }
}
