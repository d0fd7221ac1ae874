//! The rules of one page: what the driver notes of it, what the tables say, and where the two part.

use super::breach::Why;
use super::rule::InvariantId;
use super::witness::{Leaf, Window, Witness};
use crate::illumos::abi::{AsId, SegId, prot, pt_soft};
use crate::illumos::seg_mf::{MapEntry, SegmfData, Tag};
use crate::x86::addr::Va;
use crate::x86::pte::Pte;
use crate::x86::rights::Rights;
use crate::xen::abi::{GrantRef, Handle};

/// A page as a segment's, or as nobody's where an entry stands outside all segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Spot {
    pub space: AsId,
    pub va: Va,
    pub seg: Option<SegId>,
}

/// What is known of a page: enough to add it up, and to find it again when a handle changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Tagged MFN.
    pub tagged: bool,
    /// Something of another domain is mapped.
    pub live: bool,
    /// Claimed as the mapping of a grant.
    pub claim: Option<(Handle, GrantRef)>,
}

/// A page, looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page<'w> {
    witness: Witness<'w>,
    spot: Spot,
    leaf: Option<Leaf>,
    /// The driver's record and its segment's data; none outside all segments.
    record: Option<(MapEntry, &'w SegmfData)>,
}

impl<'w> Page<'w> {
    pub(super) fn look(witness: Witness<'w>, spot: Spot) -> Page<'w> {
        let leaf = witness.leaf(spot.space, spot.va);
        let seg = spot.seg.and_then(|seg| witness.seg(seg));
        let record = seg.and_then(|seg| seg.mf().map(|data| (data.map.peek(seg.page_of(spot.va)), data)));
        Page { witness, spot, leaf, record }
    }

    pub(super) fn facts(&self) -> Facts {
        let Some((record, _)) = self.record else { return Facts::default() };
        let claim = record.is_mapped_grant().then_some((record.handle, record.gref));
        let foreign = self.leaf.is_some_and(|leaf| !self.is_own(leaf));
        let live = match self.witness {
            Witness::Xen(_) => foreign,
            // A recording's grants are not in its rows.
            Witness::Recorded(_) => foreign || claim.is_some_and(|(handle, _)| self.witness.held(handle).is_some()),
        };
        Facts { tagged: record.tag == Tag::Mfn, live, claim }
    }

    /// A mapping to a frame of dom0: what the driver puts there before it has anything better.
    fn is_own(&self, leaf: Leaf) -> bool {
        match self.witness {
            Witness::Xen(_) => self.witness.is_dom0s(leaf.entry.frame()),
            Witness::Recorded(_) => soft(leaf.entry) < pt_soft::FOREIGN,
        }
    }

    /// Every rule of a page that is broken here. `claimants` says how many pages claim the handle that this one claims.
    pub(super) fn judge(&self, window: Option<Window>, claimants: u64) -> Vec<(InvariantId, Why)> {
        let Some((record, data)) = self.record else { return self.judge_outside() };
        [
            (InvariantId::I1, self.tag_and_entry(record)),
            (InvariantId::I2, self.grant_and_entry(record)),
            (InvariantId::I4, self.row_locks()),
            (InvariantId::I6, shared_handle(record, claimants)),
            (InvariantId::I8, self.registered_entry(record, window)),
            (InvariantId::I11, self.own_frame()),
            (InvariantId::I13, self.leaf.and_then(|leaf| more_rights(leaf.rights, data.prot))),
        ]
        .into_iter()
        .filter_map(|(id, why)| Some((id, why?)))
        .collect()
    }

    fn judge_outside(&self) -> Vec<(InvariantId, Why)> {
        let left = self.leaf.map(|leaf| (InvariantId::I12, Why::EntryLeft { entry: leaf.entry }));
        let locks = self.row_locks().map(|why| (InvariantId::I4, why));
        left.into_iter().chain(locks).collect()
    }

    /// I1.
    fn tag_and_entry(&self, record: MapEntry) -> Option<Why> {
        let frame = record.word;
        match (record.tag == Tag::Mfn, self.leaf) {
            (true, None) => Some(Why::TagWithoutEntry { frame }),
            (true, Some(Leaf { entry, .. })) => {
                let agrees = soft(entry) >= pt_soft::FOREIGN && entry.frame().0 == frame.0;
                (!agrees).then_some(Why::TagOverOtherEntry { frame, entry })
            }
            (false, Some(Leaf { entry, .. })) => {
                (soft(entry) == pt_soft::FOREIGN).then_some(Why::EntryWithoutTag { entry })
            }
            (false, None) => None,
        }
    }

    /// I2.
    fn grant_and_entry(&self, record: MapEntry) -> Option<Why> {
        if record.is_mapped_grant() {
            let (handle, gref) = (record.handle, record.gref);
            return match self.witness.held(handle) {
                Some(held) if held.gref == gref => {
                    let entry = self.leaf.map_or(Pte::NONE, |leaf| leaf.entry);
                    let maps = self.witness.maps_grant(self.leaf, record.word, handle, held);
                    (!maps).then_some(Why::GrantNotMapped { gref, entry })
                }
                Some(_) | None => Some(Why::HandleNotHeld { handle, gref }),
            };
        }
        match self.witness {
            // What maps another domain's frame and bears no mark of the driver's own is an entry that Xen wrote for a grant.
            Witness::Xen(_) => {
                let Leaf { entry, .. } = self.leaf.filter(|leaf| !self.is_own(*leaf))?;
                (soft(entry) != pt_soft::FOREIGN).then_some(Why::EntryWithoutGrant { entry })
            }
            Witness::Recorded(_) => None,
        }
    }

    /// I4, where locks are counted by page.
    fn row_locks(&self) -> Option<Why> {
        let counted = self.witness.locks(self.spot.space, self.spot.va)?;
        let found = u64::from(self.leaf.is_some());
        (counted != found).then_some(Why::Counted { counted, found })
    }

    /// I8. An address is registered for every page of the block-tap window, and for every page that has, or had, a grant.
    fn registered_entry(&self, record: MapEntry, window: Option<Window>) -> Option<Why> {
        match self.witness {
            Witness::Recorded(_) => return None,
            Witness::Xen(_) => {}
        }
        let in_window = window.is_some_and(|window| {
            Some(window.seg) == self.spot.seg && (self.spot.va.0.wrapping_sub(window.base.0)) >> 12 < window.pages
        });
        if record.tag != Tag::Gref && !in_window {
            return None;
        }
        let own = self.witness.entry_of(self.spot.space, self.spot.va);
        (own.map(|at| at.0) != Some(record.word.0)).then_some(Why::NotItsEntry { word: record.word, own })
    }

    /// I11.
    fn own_frame(&self) -> Option<Why> {
        let leaf = self.leaf.filter(|leaf| self.witness.is_dom0s(leaf.entry.frame()))?;
        Some(Why::OwnFrame { frame: leaf.entry.frame(), writable: leaf.rights.write })
    }
}

/// The ordered software field of an entry.
fn soft(entry: Pte) -> u64 {
    entry.0 & Pte::SOFTWARE
}

/// I6.
fn shared_handle(record: MapEntry, claimants: u64) -> Option<Why> {
    (record.is_mapped_grant() && claimants > 1).then_some(Why::HandleShared { handle: record.handle, pages: claimants })
}

/// I13. The processor cannot write or run what it may not read, so any right of the segment lets it read.
fn more_rights(rights: Rights, segment: u8) -> Option<Why> {
    if !rights.user {
        return None;
    }
    let of = |granted: bool, bit: u32| if granted { bit } else { 0 };
    let allowed = prot::READ | of(rights.write, prot::WRITE) | of(rights.execute, prot::EXEC);
    let mut may = u32::from(segment) & (prot::READ | prot::WRITE | prot::EXEC);
    if may != 0 {
        may |= prot::READ;
    }
    (allowed & !may != 0).then_some(Why::MoreRights { allowed, prot: segment })
}

#[cfg(test)]
mod tests {
    use super::{Rights, Why, more_rights};

    #[test]
    fn a_readable_page_of_a_writable_segment_is_within_its_rights() {
        let rights = |write, execute| Rights { write, user: true, execute };
        assert_eq!(more_rights(rights(true, false), 2), None);
        assert_eq!(more_rights(rights(false, true), 1), Some(Why::MoreRights { allowed: 5, prot: 1 }));
        assert_eq!(more_rights(rights(false, false), 0), Some(Why::MoreRights { allowed: 1, prot: 0 }));
        assert_eq!(more_rights(Rights { user: false, ..rights(true, true) }, 1), None, "not for the process");
    }
}
