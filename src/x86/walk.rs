//! The walk: CR3, entry, entry, entry, frame; with the rights each level leaves and the bits the processor sets.
//!
//! 4-level paging, 4 KiB pages, CR0.WP and EFER.NXE set, as a 64-bit PV guest runs. An entry that points at its own table
//! or at memory that is not there is legal machine state: the walk ends at the leaves whatever it meets.

use super::addr::{Level, Ma, Mfn, Va};
use super::fault::{Access, ErrorCode, Exception, Mode};
use super::memory::Memory;
use super::pte::Pte;
use serde::Serialize;

/// One entry met on the way down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Rung {
    /// The level of the table it stands in.
    pub level: Level,
    /// Its index there.
    pub index: u64,
    /// Where it is.
    pub at: Ma,
    /// What it is.
    pub entry: Pte,
}

/// The way from CR3 to a leaf, or to the first entry that is not present.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Walk {
    /// From the top table down; never empty.
    pub rungs: Vec<Rung>,
}

/// What all levels together allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Rights {
    /// R/W is set at every level.
    pub write: bool,
    /// U/S is set at every level.
    pub user: bool,
    /// NX is clear at every level.
    pub execute: bool,
}

impl Walk {
    /// Walks the tables under `top` for `va`; reads only.
    #[must_use]
    pub fn new(memory: &Memory, top: Mfn, va: Va) -> Walk {
        let mut rungs = Vec::with_capacity(4);
        let mut table = top;
        let mut level = Level::TOP;
        loop {
            let index = va.index(level);
            let at = table.entry(index);
            let entry = Pte(memory.word(at));
            rungs.push(Rung { level, index, at, entry });
            match level.below() {
                Some(below) if entry.is_present() => (table, level) = (entry.frame(), below),
                Some(_) | None => return Walk { rungs },
            }
        }
    }

    /// The last entry met.
    #[must_use]
    pub fn last(&self) -> Rung {
        *self.rungs.last().expect("a walk has at least the top entry")
    }

    /// The leaf entry, if the walk reached a present one.
    #[must_use]
    pub fn leaf(&self) -> Option<Rung> {
        Some(self.last()).filter(|rung| rung.level == Level::LEAF && rung.entry.is_present())
    }

    /// What the levels together allow; none where nothing is mapped.
    #[must_use]
    pub fn rights(&self) -> Option<Rights> {
        self.leaf()?;
        let all = |bit| self.rungs.iter().all(|rung| rung.entry.has(bit));
        Some(Rights {
            write: all(Pte::WRITABLE),
            user: all(Pte::USER),
            execute: self.rungs.iter().all(|rung| !rung.entry.has(Pte::NO_EXECUTE)),
        })
    }

    /// Whether the access goes through, or the exception it raises.
    ///
    /// # Errors
    /// The page fault with its error code.
    pub fn allows(&self, access: Access, mode: Mode) -> Result<(), Exception> {
        let code = ErrorCode::of(access, mode);
        let Some(rights) = self.rights() else { return Err(Exception::PageFault(code)) };
        if rights.refuse(access, mode) { Err(Exception::PageFault(code | ErrorCode::PRESENT)) } else { Ok(()) }
    }
}

impl Rights {
    /// Whether an access is against these rights, CR0.WP and EFER.NXE being set.
    #[must_use]
    pub fn refuse(self, access: Access, mode: Mode) -> bool {
        let wrong_mode = mode == Mode::User && !self.user;
        let wrong_access = match access {
            Access::Read => false,
            Access::Write => !self.write,
            Access::Execute => !self.execute,
        };
        wrong_mode || wrong_access
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
