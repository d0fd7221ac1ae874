//! The frame record: who owns a machine frame, how many hold it, and as what (`xen/arch/x86/include/asm/mm.h`).

use super::abi::DomId;
use crate::x86::addr::Level;
use serde::Serialize;

/// What a frame is used as while its type count is above 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PageType {
    /// Nothing in particular.
    #[default]
    None,
    /// A page table of the given level, `PGT_l1_page_table` being level 0.
    Table(Level),
    /// A data page somebody may write.
    Writable,
}

/// `type_info`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct TypeWord {
    /// The type, which stays with count 0 until the next use.
    pub kind: PageType,
    /// `PGT_validated`.
    pub validated: bool,
    /// How many hold the frame as this.
    pub count: u64,
}

/// `struct page_info`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct PageInfo {
    /// The owner; none of a free frame.
    pub owner: Option<DomId>,
    /// `PGC_allocated`: the owner still holds its own reference.
    pub allocated: bool,
    /// `PGC_xen_heap`: Xen's own memory, shared with the owner.
    pub xen_heap: bool,
    /// The general count.
    pub count: u64,
    /// `type_info`.
    pub typ: TypeWord,
    /// `PGT_pinned`.
    pub pinned: bool,
}

impl PageInfo {
    /// A frame just given to a domain.
    #[must_use]
    pub fn allocated_to(owner: DomId) -> PageInfo {
        PageInfo { owner: Some(owner), allocated: true, count: 1, ..PageInfo::default() }
    }
}
