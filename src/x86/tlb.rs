//! The translations a processor remembers, and which of them an instruction makes it forget.
//!
//! One entry a page, however large, until something drops it: the architecture lets a processor keep as much. It also lets one keep
//! upper entries; this one does not, so that an edited upper entry is seen by the next walk. What drops what is the Intel SDM's,
//! vol. 3, "Invalidation of TLBs and paging-structure caches".

use super::addr::Va;
use super::paging::PageSize;
use super::regs::Pcid;
use super::rights::Translation;
use imbl::OrdMap;
use serde::Serialize;

/// Under which identifier a translation is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// Found under one identifier only.
    Pcid(Pcid),
    /// Found under every identifier: G was set in the leaf, and CR4.PGE.
    Global,
}

/// What a remembered translation is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Slot {
    /// The first address of the page.
    pub va: Va,
    /// How large it is.
    pub size: PageSize,
    /// Under which identifier.
    pub owner: Owner,
}

/// What is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything.
    All,
    /// Everything but global translations, under every identifier.
    NonGlobal,
    /// Everything but global translations, under one identifier.
    Context(Pcid),
    /// The page around an address, under one identifier or global: `invlpg`.
    Page(Va, Pcid),
    /// The page around an address under one identifier, unless it is global: `invpcid`.
    PageOf(Va, Pcid),
}

impl Scope {
    /// Whether a translation found by `slot` is forgotten.
    #[must_use]
    pub fn covers(self, slot: &Slot) -> bool {
        let own = |pcid| slot.owner == Owner::Pcid(pcid);
        let around = |va| slot.size.first(va) == slot.va;
        match self {
            Scope::All => true,
            Scope::NonGlobal => slot.owner != Owner::Global,
            Scope::Context(pcid) => own(pcid),
            Scope::Page(va, pcid) => around(va) && (own(pcid) || slot.owner == Owner::Global),
            Scope::PageOf(va, pcid) => around(va) && own(pcid),
        }
    }
}

/// The remembered translations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tlb {
    // Apart, as in hardware, so that a machine without large pages never looks for one.
    small: OrdMap<Slot, Translation>,
    large: OrdMap<Slot, Translation>,
}

impl Tlb {
    /// The translation of an address under an identifier, the smallest page first.
    #[must_use]
    pub fn find(&self, va: Va, pcid: Pcid) -> Option<&Translation> {
        slots(va, PageSize::Kib4, pcid).into_iter().find_map(|slot| self.small.get(&slot)).or_else(|| {
            if self.large.is_empty() {
                return None;
            }
            let mut around = PageSize::LARGE.into_iter().flat_map(|size| slots(va, size, pcid));
            around.find_map(|slot| self.large.get(&slot))
        })
    }

    /// Everything that is remembered, small pages first, each in order of address.
    pub fn iter(&self) -> impl Iterator<Item = (&Slot, &Translation)> {
        self.small.iter().chain(self.large.iter())
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.small.is_empty() && self.large.is_empty()
    }

    pub(super) fn insert(&mut self, slot: Slot, translation: Translation) {
        self.map_of(slot.size).insert(slot, translation);
    }

    pub(super) fn remove(&mut self, slot: &Slot) {
        self.map_of(slot.size).remove(slot);
    }

    /// What `scope` covers, in order.
    pub(super) fn covered(&self, scope: Scope) -> Vec<Slot> {
        match scope {
            Scope::Page(va, pcid) | Scope::PageOf(va, pcid) => [PageSize::Kib4]
                .into_iter()
                .chain(PageSize::LARGE)
                .flat_map(|size| slots(va, size, pcid))
                .filter(|slot| scope.covers(slot) && (self.small.contains_key(slot) || self.large.contains_key(slot)))
                .collect(),
            Scope::All | Scope::NonGlobal | Scope::Context(_) => {
                self.iter().map(|(slot, _)| *slot).filter(|slot| scope.covers(slot)).collect()
            }
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Tlb::default();
    }

    fn map_of(&mut self, size: PageSize) -> &mut OrdMap<Slot, Translation> {
        match size {
            PageSize::Kib4 => &mut self.small,
            PageSize::Mib2 | PageSize::Mib4 | PageSize::Gib1 => &mut self.large,
        }
    }
}

/// Where the page of one size around an address would be found.
fn slots(va: Va, size: PageSize, pcid: Pcid) -> [Slot; 2] {
    let va = size.first(va);
    [Owner::Pcid(pcid), Owner::Global].map(|owner| Slot { va, size, owner })
}
