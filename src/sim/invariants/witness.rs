//! What the rules ask of a machine, asked of either kind: the simulated one answers from its page tables, a recording's mock from its rows.

use super::records::TableRecord;
use crate::illumos::abi::{AsId, SegId};
use crate::illumos::hat::Htable;
use crate::illumos::seg::Seg;
use crate::mock::MockKernel;
use crate::sim::machine::XenMachine;
use crate::sim::{Machine, MachineId, World};
use crate::word::Word;
use crate::x86::addr::{Level, Ma, Mfn, PAGE_SHIFT, PAGE_SIZE, Va};
use crate::x86::pte::Pte;
use crate::x86::rights::Rights;
use crate::x86::walk::Walk;
use crate::xen::abi::{DomId, GrantRef, Handle};

/// Looks at one machine that has a driver.
#[derive(Clone, Copy, Debug)]
pub(super) enum Witness<'w> {
    Xen(&'w XenMachine),
    Recorded(&'w MockKernel),
}

/// A page's entry and what all levels above it leave of its rights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf {
    pub entry: Pte,
    pub rights: Rights,
}

/// A grant mapping that Xen holds for dom0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub granter: DomId,
    pub gref: GrantRef,
}

/// The registered window of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub seg: SegId,
    pub base: Va,
    pub pages: u64,
}

impl<'w> Witness<'w> {
    /// None of a machine without a driver.
    pub(super) fn of(world: &'w World, id: MachineId) -> Option<Witness<'w>> {
        match world.machine(id)? {
            Machine::Bare(_) => None,
            Machine::Xen(machine) => Some(Witness::Xen(machine)),
            Machine::Recorded(kernel) => Some(Witness::Recorded(kernel)),
        }
    }

    pub(super) fn segs(self) -> Vec<(SegId, &'w Seg)> {
        match self {
            Witness::Xen(machine) => machine.kernel.segs().collect(),
            Witness::Recorded(kernel) => kernel.segs().map(|(id, _, seg)| (id, seg)).collect(),
        }
    }

    pub(super) fn seg(self, id: SegId) -> Option<&'w Seg> {
        match self {
            Witness::Xen(machine) => machine.kernel.seg(id),
            Witness::Recorded(kernel) => kernel.seg(id),
        }
    }

    /// Whether a recording may put two segments at one address; a kernel never does.
    pub(super) fn may_overlap(self) -> bool {
        match self {
            Witness::Xen(_) => false,
            Witness::Recorded(_) => true,
        }
    }

    /// The table that a process's accesses are walked from.
    pub(super) fn top(self, space: AsId) -> Option<Mfn> {
        match self {
            Witness::Xen(machine) => Some(machine.kernel.space(space)?.hat.user_top),
            Witness::Recorded(_) => None,
        }
    }

    /// Every address space.
    pub(super) fn spaces(self) -> Vec<AsId> {
        match self {
            Witness::Xen(machine) => machine.kernel.spaces().map(|(id, _)| id).collect(),
            Witness::Recorded(kernel) => kernel.spaces().map(|(id, _)| id).collect(),
        }
    }

    /// Every page table below the top.
    pub(super) fn tables(self) -> Vec<(Mfn, TableRecord)> {
        match self {
            Witness::Xen(machine) => {
                let of = |(space, table): (AsId, &'w crate::illumos::address_space::AddressSpace)| {
                    let record = move |(mfn, htable): (&Mfn, &Htable)| {
                        (*mfn, TableRecord { space, level: htable.level, base: htable.base })
                    };
                    table.hat.tables.iter().map(record).collect::<Vec<_>>()
                };
                machine.kernel.spaces().flat_map(of).collect()
            }
            Witness::Recorded(_) => Vec::new(),
        }
    }

    /// The valid entry of a page.
    pub(super) fn leaf(self, space: AsId, va: Va) -> Option<Leaf> {
        match self {
            Witness::Xen(machine) => {
                let top = machine.kernel.space(space)?.hat.user_top;
                let walk = Walk::new(&machine.memory, top, va);
                Some(Leaf { entry: walk.leaf()?.entry, rights: walk.rights()? })
            }
            Witness::Recorded(kernel) => {
                let entry = kernel.row(space, va)?.pte;
                let rights = Rights {
                    write: entry.has(Pte::WRITABLE),
                    user: entry.has(Pte::USER),
                    execute: !entry.has(Pte::NO_EXECUTE),
                };
                entry.is_present().then_some(Leaf { entry, rights })
            }
        }
    }

    /// Where the entry of a page stands, if its table exists.
    pub(super) fn entry_of(self, space: AsId, va: Va) -> Option<Ma> {
        match self {
            Witness::Xen(machine) => {
                let last = Walk::new(&machine.memory, machine.kernel.space(space)?.hat.user_top, va).last();
                (last.level == Level::LEAF).then_some(last.at)
            }
            Witness::Recorded(_) => None,
        }
    }

    /// Whether a frame is dom0's own. A recording does not say.
    pub(super) fn is_dom0s(self, mfn: Mfn) -> bool {
        match self {
            Witness::Xen(machine) => machine.xen.frame(mfn).owner == Some(DomId::DOM0),
            Witness::Recorded(_) => false,
        }
    }

    /// The mapping that a handle of dom0 names.
    pub(super) fn held(self, handle: Handle) -> Option<Held> {
        match self {
            Witness::Xen(machine) => {
                let mapping = machine.xen.maptrack(DomId::DOM0)?.get(handle)?;
                Some(Held { granter: mapping.granter, gref: mapping.gref })
            }
            Witness::Recorded(kernel) => {
                kernel.mapping(handle).map(|mapping| Held { granter: mapping.dom, gref: mapping.gref })
            }
        }
    }

    /// Every handle of dom0.
    pub(super) fn handles(self) -> Vec<Handle> {
        match self {
            Witness::Xen(machine) => {
                machine.xen.maptrack(DomId::DOM0).into_iter().flat_map(|track| track.held().map(|(h, _)| h)).collect()
            }
            Witness::Recorded(kernel) => kernel.mappings().map(|(handle, _)| handle).collect(),
        }
    }

    /// Whether the entry at hand maps what a handle stands for: on the machine the page's own entry must map the granted frame, on a
    /// recording the handle must be the one last written to the registered address.
    pub(super) fn maps_grant(self, leaf: Option<Leaf>, registered: Word, handle: Handle, held: Held) -> bool {
        match self {
            Witness::Xen(machine) => {
                let granted = machine.xen.active(held.granter, held.gref).map(|active| active.mfn);
                leaf.is_some_and(|leaf| Some(leaf.entry.frame()) == granted)
            }
            Witness::Recorded(kernel) => kernel.written_at(registered) == Some(handle),
        }
    }

    /// Registered windows, by address space.
    pub(super) fn windows(self) -> Vec<(AsId, Window)> {
        match self {
            Witness::Xen(machine) => {
                let spaces = machine.kernel.spaces();
                let window =
                    |tap: &crate::illumos::xpvtap::Tap| Window { seg: tap.seg, base: tap.base, pages: tap.pages };
                spaces.filter_map(|(id, space)| space.tap.as_ref().map(|tap| (id, window(tap)))).collect()
            }
            Witness::Recorded(_) => Vec::new(),
        }
    }

    /// The counters of a page table: valid entries, and locks.
    pub(super) fn counts(self, space: AsId, table: Mfn) -> Option<(u32, u32)> {
        match self {
            Witness::Xen(machine) => {
                let htable = machine.kernel.space(space)?.hat.tables.get(&table)?;
                Some((htable.valid, htable.lock))
            }
            Witness::Recorded(_) => None,
        }
    }

    /// The locks on a page, where they are counted by page.
    pub(super) fn locks(self, space: AsId, va: Va) -> Option<u64> {
        match self {
            Witness::Xen(_) => None,
            Witness::Recorded(kernel) => Some(kernel.row(space, va).map_or(0, |row| row.locks)),
        }
    }

    /// The present entries of a table, by their index.
    pub(super) fn present(self, table: Mfn) -> Vec<u64> {
        match self {
            Witness::Xen(machine) => {
                let bytes: [u8; PAGE_SIZE as usize] = machine.memory.bytes(table.base());
                let words = bytes.chunks_exact(8).zip(0..);
                words.filter(|(word, _)| u64::from(word[0]) & Pte::PRESENT != 0).map(|(_, index)| index).collect()
            }
            Witness::Recorded(_) => Vec::new(),
        }
    }

    /// The rows of a recording's table in a range; the simulated machine keeps its entries in tables.
    pub(super) fn rows(self, space: AsId, first: Va, pages: u64) -> Vec<Va> {
        match self {
            Witness::Xen(_) => Vec::new(),
            Witness::Recorded(kernel) => {
                let within = |va: &Va| va.0.checked_sub(first.0).is_some_and(|above| above >> PAGE_SHIFT < pages);
                kernel.rows(space).map(|(va, _)| va).filter(within).collect()
            }
        }
    }
}
