//! The walk: CR3, entry, entry, entry, frame; in every paging mode.
//!
//! It reads and judges nothing but the entries themselves: what an access makes of it is in [`super::rights`], and the bits the
//! processor sets on the way in [`super::cpu`]. An entry that points at its own table or at memory that is not there is legal
//! machine state: the walk goes down one level an entry, whatever it meets.

use super::addr::{Level, Ma, Mfn, Va};
use super::fault::{Access, ErrorCode, Exception, Mode};
use super::memory::Memory;
use super::paging::{Format, Paging};
use super::pte::Pte;
use super::regs::Registers;
use super::rights::{Request, Rights, Translation};
use serde::{Serialize, Serializer};
use std::ops::Deref;

/// One entry met on the way down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Rung {
    /// The level of the table it stands in.
    pub level: Level,
    /// Its index there.
    pub index: u64,
    /// Where it is. PAE's page-directory-pointer entries are in registers; this is where they were loaded from.
    pub at: Ma,
    /// What it is.
    pub entry: Pte,
}

/// The entries of a walk, from the top table down.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Rungs {
    // In place: a walk is made for every access, and costs no allocation.
    all: [Rung; Rungs::MOST],
    len: u8,
}

/// The way from CR3 to a page, or to the first entry that leads no further.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Walk {
    /// The mode it was made in.
    pub paging: Paging,
    /// From the top table down; never empty.
    pub rungs: Rungs,
    /// Why it ended with the last of them.
    pub end: End,
}

/// Why a walk ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The last entry maps a page.
    Page(Translation),
    /// The last entry is not present.
    NotPresent,
    /// The last entry is present and has bits set that its format reserves.
    Reserved {
        /// Which.
        bits: u64,
    },
}

impl Walk {
    /// Walks 4-level tables under `top` for `va` as a 64-bit PV guest runs: CR0.WP and EFER.NXE set. Reads only.
    #[must_use]
    pub fn new(memory: &Memory, top: Mfn, va: Va) -> Walk {
        Walk::through(memory, &Registers::paravirtual(top), va).expect("a PV guest runs with paging on")
    }

    /// Walks for `va` as the registers say, canonical or not; none while paging is off. Reads only.
    #[must_use]
    #[inline]
    pub fn through(memory: &Memory, regs: &Registers, va: Va) -> Option<Walk> {
        let format = Format::of(regs)?;
        let mut rungs = Rungs::default();
        let end = descend(memory, regs, &format, va, |rung| rungs.push(rung));
        Some(Walk { paging: format.paging, rungs, end })
    }

    /// The page alone, without a record of the way to it, if every entry on it has A set already, and the leaf D if `dirty` asks for
    /// it; none where a whole walk has more to say.
    #[must_use]
    #[inline]
    pub fn warm(memory: &Memory, regs: &Registers, va: Va, dirty: bool) -> Option<Translation> {
        let format = Format::of(regs)?;
        let mut accessed = !0;
        let end = descend(memory, regs, &format, va, |rung| {
            accessed &= if format.paging.has_rights(rung.level) { rung.entry.0 } else { !0 };
        });
        match end {
            End::Page(page) if Pte(accessed).has(Pte::ACCESSED) && (!dirty || page.leaf.has(Pte::DIRTY)) => Some(page),
            End::Page(_) | End::NotPresent | End::Reserved { .. } => None,
        }
    }

    /// The last entry met.
    #[must_use]
    pub fn last(&self) -> Rung {
        *self.rungs.last().expect("a walk has at least the top entry")
    }

    /// The leaf entry, if the walk reached a page.
    #[must_use]
    pub fn leaf(&self) -> Option<Rung> {
        self.page().map(|_| self.last())
    }

    /// The page, if the walk reached one.
    #[must_use]
    pub fn page(&self) -> Option<Translation> {
        match self.end {
            End::Page(page) => Some(page),
            End::NotPresent | End::Reserved { .. } => None,
        }
    }

    /// What the levels together allow; none where nothing is mapped.
    #[must_use]
    pub fn rights(&self) -> Option<Rights> {
        self.page().map(|page| page.rights)
    }

    /// The page an access reaches under `regs`, or the error code of the page fault it raises.
    ///
    /// # Errors
    /// The error code.
    #[inline]
    pub fn verdict(&self, regs: &Registers, request: Request) -> Result<Translation, ErrorCode> {
        match self.end {
            End::Page(page) => regs.refuses(&page, request).map_or(Ok(page), Err),
            End::NotPresent => Err(regs.code_of(request)),
            End::Reserved { .. } => Err(regs.code_of(request) | ErrorCode::PRESENT | ErrorCode::RESERVED),
        }
    }

    /// Whether a PV guest's access goes through, or the exception it raises.
    ///
    /// # Errors
    /// The page fault with its error code.
    pub fn allows(&self, access: Access, mode: Mode) -> Result<(), Exception> {
        let verdict = self.verdict(&Registers::default(), Request::new(access, mode));
        verdict.map(|_| ()).map_err(Exception::PageFault)
    }
}

/// Goes down one level an entry, and shows each to `meet`.
#[inline]
fn descend(memory: &Memory, regs: &Registers, format: &Format, va: Va, mut meet: impl FnMut(Rung)) -> End {
    let paging = format.paging;
    let mut level = paging.top();
    let mut table = regs.cr3.frame().base();
    // R/W and U/S are kept by every level that has them, XD takes the right away at any.
    let (mut all, mut any) = (!0, 0);
    loop {
        let index = paging.index(va, level);
        let in_registers = !paging.has_rights(level);
        let (at, entry) = if in_registers {
            (Ma(regs.cr3.pdpt().0 + index * 8), regs.pdptes[index as usize])
        } else {
            let at = Ma(table.0 + index * paging.entry_bytes());
            (at, format.read(memory, at))
        };
        meet(Rung { level, index, at, entry });
        if !entry.is_present() {
            return End::NotPresent;
        }
        if !in_registers {
            let reserved = entry.0 & format.reserved(level, entry);
            if reserved != 0 {
                return End::Reserved { bits: reserved };
            }
            (all, any) = (all & entry.0, any | entry.0);
            if let Some(size) = format.page(level, entry) {
                let rights = Rights {
                    write: Pte(all).has(Pte::WRITABLE),
                    user: Pte(all).has(Pte::USER),
                    execute: !Pte(any).has(Pte::NO_EXECUTE),
                };
                return End::Page(Translation { leaf: entry, rights, base: format.base(entry, size), size });
            }
        }
        table = format.table(entry);
        level = level.below().expect("an entry of the lowest level that is present maps a page");
    }
}

impl Rungs {
    /// As many as the deepest mode has levels.
    const MOST: usize = 5;

    fn push(&mut self, rung: Rung) {
        self.all[usize::from(self.len)] = rung;
        self.len += 1;
    }
}

impl Default for Rungs {
    fn default() -> Self {
        let none = Rung { level: Level::LEAF, index: 0, at: Ma(0), entry: Pte::NONE };
        Rungs { all: [none; Rungs::MOST], len: 0 }
    }
}

impl Deref for Rungs {
    type Target = [Rung];
    fn deref(&self) -> &[Rung] {
        &self.all[..usize::from(self.len)]
    }
}

impl<'r> IntoIterator for &'r Rungs {
    type Item = &'r Rung;
    type IntoIter = std::slice::Iter<'r, Rung>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl std::fmt::Debug for Rungs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl Serialize for Rungs {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, ErrorCode, Exception, Memory, Mfn, Mode, Pte, Va, Walk};

    const VA: Va = Va(0x8000_0000);

    fn mapped(leaf: u64) -> Memory {
        let mut memory = Memory::default();
        for (table, next) in [(1_u64, 2_u64), (2, 3), (3, 4)] {
            let index = VA.index(super::Level(4 - table as u8));
            memory.store_word(Mfn(table).entry(index), Pte::new(Mfn(next), 0x27).0);
        }
        memory.store_word(Mfn(4).entry(0), leaf);
        memory
    }

    #[test]
    fn a_read_only_foreign_page_refuses_a_write_and_runs() {
        let walk = Walk::new(&mapped(0x4c0f_0705), Mfn(1), VA);
        assert_eq!(walk.allows(Access::Read, Mode::User), Ok(()));
        assert_eq!(walk.allows(Access::Execute, Mode::User), Ok(()));
        let code = ErrorCode::PRESENT | ErrorCode::WRITE | ErrorCode::USER;
        assert_eq!(walk.allows(Access::Write, Mode::User), Err(Exception::PageFault(code)));
    }

    #[test]
    fn a_missing_leaf_is_not_present() {
        let walk = Walk::new(&mapped(0), Mfn(1), VA);
        assert_eq!(walk.allows(Access::Read, Mode::User), Err(Exception::PageFault(ErrorCode::USER)));
        assert_eq!(walk.rungs.len(), 4);
    }

    #[test]
    fn a_table_that_is_its_own_entry_ends_at_the_leaves() {
        let mut memory = Memory::default();
        memory.store_word(Mfn(1).entry(0), Pte::new(Mfn(1), 0x27).0);
        assert_eq!(Walk::new(&memory, Mfn(1), Va(0)).leaf().map(|leaf| leaf.entry.frame()), Some(Mfn(1)));
    }
}
