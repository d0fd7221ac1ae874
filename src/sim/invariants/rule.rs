//! The rules themselves: a name, a sentence that is true while the rule holds, and where it comes from.

use crate::sim::Machine;
use serde::Serialize;

/// The name of an invariant. The numbers are those of the audit of `seg_mf`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[allow(missing_docs, reason = "each is described by its sentence in `Invariant::ALL`")]
pub enum InvariantId {
    I1,
    I2,
    I3,
    I4,
    I5,
    I6,
    I7,
    I8,
    I9,
    I10,
    I11,
    I12,
    I13,
    I14,
}

/// What a rule judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Judges {
    /// The world as it stands: broken until the world is put right.
    States,
    /// What a call did or said: broken in the step that did it, and in no other.
    Calls,
}

/// An invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invariant {
    /// Its name.
    pub id: InvariantId,
    /// True while it holds; it goes on from the name.
    pub sentence: &'static str,
    /// Where it is stated, and the kernel's code it binds.
    pub source: &'static str,
    /// Whether it judges what is, or what was done.
    pub judges: Judges,
}

const fn rule(id: InvariantId, judges: Judges, sentence: &'static str, source: &'static str) -> Invariant {
    Invariant { id, sentence, source, judges }
}

impl Invariant {
    /// Every invariant, in the order of their names.
    pub const ALL: [Invariant; 14] = {
        use InvariantId::{I1, I2, I3, I4, I5, I6, I7, I8, I9, I10, I11, I12, I13, I14};
        use Judges::{Calls, States};
        [
            rule(
                I1,
                States,
                "tag MFN ⇔ the page’s entry is valid, foreign, and maps that frame.",
                "illumos.md 6.1; seg_mf.c, segmf_faultpage",
            ),
            rule(
                I2,
                States,
                "tag GREF, mapped ⇔ Xen holds its handle and the entry maps the granted frame.",
                "illumos.md 6.1; seg_mf.c, segmf_fault_gref_range; grant_table.c, map_grant_ref",
            ),
            rule(
                I3,
                States,
                "softlockcnt = pages of the segment tagged MFN.",
                "illumos.md 6.1; seg_mf.c, segmf_faultpage and segmf_softunlock",
            ),
            rule(
                I4,
                States,
                "ht_lock_cnt = locks that somebody will let go: one for each valid entry.",
                "illumos.md 6.1; htable.h, ht_lock_cnt; hat_i86.c, hat_pte_unmap",
            ),
            rule(I5, States, "ht_valid_cnt = valid entries of the table.", "illumos.md 6.1; htable.h, ht_valid_cnt"),
            rule(
                I6,
                States,
                "a grant handle belongs to one page of one address space.",
                "illumos.md 6.1; seg_mf.c, segmf_dup",
            ),
            rule(
                I7,
                Calls,
                "a call that answers an error leaves everything as it was.",
                "illumos.md 6.1; seg_mf.c, segmf_add_mfns and segmf_add_grefs; vm_as.c, as_unmap",
            ),
            rule(
                I8,
                States,
                "the entry address registered for a page is that of its own entry.",
                "illumos.md 6.1; seg_mf.c, segmf_add_gref_pte",
            ),
            rule(
                I9,
                States,
                "a segment that is bound to a domain maps something of it.",
                "illumos.md 6.1; seg_mf.c, segmf_add_mfns and segmf_add_grefs",
            ),
            rule(
                I10,
                Calls,
                "a call changes only pages of its segment and of its request.",
                "illumos.md 6.1; seg_mf.c, segmf_add_grefs",
            ),
            rule(
                I11,
                States,
                "no user address maps one of dom0’s own frames.",
                "illumos.md 6.1; seg_mf.c, segmf_faultpage; xpvtap.c, xpvtap_user_map_register",
            ),
            rule(
                I12,
                States,
                "what Xen holds because of a segment, a live segment knows.",
                "illumos.md 6.1; seg_mf.c, segmf_unmap and segmf_release_grefs",
            ),
            rule(
                I13,
                States,
                "hardware permissions ⊆ segment protection.",
                "illumos.md 6.1; seg_mf.c, segmf_faultpage",
            ),
            rule(
                I14,
                Calls,
                "what the driver reports is true.",
                "illumos.md 6.1; seg_mf.c, segmf_incore and segmf_fault",
            ),
        ]
    };
}

impl InvariantId {
    /// The rule of this name.
    #[must_use]
    pub fn rule(self) -> &'static Invariant {
        &Invariant::ALL[self as usize]
    }

    /// Whether the rule is about the driver's and the kernel's books, which are out of step while whoever writes them holds their
    /// lock. What the processor lets a process do is not: it asks for no lock.
    #[must_use]
    pub fn is_of_the_books(self) -> bool {
        match self {
            InvariantId::I1
            | InvariantId::I2
            | InvariantId::I3
            | InvariantId::I4
            | InvariantId::I5
            | InvariantId::I6
            | InvariantId::I8
            | InvariantId::I9
            | InvariantId::I12 => true,
            InvariantId::I7 | InvariantId::I10 | InvariantId::I11 | InvariantId::I13 | InvariantId::I14 => false,
        }
    }

    /// Whether a machine of this kind has what the rule speaks of.
    ///
    /// A bare machine has no driver. A recording's mock kernel has no page tables that count their entries (I5), none whose
    /// entries stand at addresses of their own (I8), and knows no frame of dom0 (I11).
    #[must_use]
    pub fn is_asked_of(self, machine: &Machine) -> bool {
        match machine {
            Machine::Bare(_) => false,
            Machine::Xen(_) => true,
            Machine::Recorded(_) => match self {
                InvariantId::I5 | InvariantId::I8 | InvariantId::I11 => false,
                InvariantId::I1
                | InvariantId::I2
                | InvariantId::I3
                | InvariantId::I4
                | InvariantId::I6
                | InvariantId::I7
                | InvariantId::I9
                | InvariantId::I10
                | InvariantId::I12
                | InvariantId::I13
                | InvariantId::I14 => true,
            },
        }
    }
}

impl std::fmt::Display for InvariantId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// A set of invariants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct IdSet(u16);

impl IdSet {
    pub(super) fn insert(&mut self, id: InvariantId) {
        self.0 |= 1 << id as u16;
    }

    pub(super) fn iter(self) -> impl Iterator<Item = InvariantId> {
        Invariant::ALL.iter().map(|rule| rule.id).filter(move |id| self.0 & 1 << *id as u16 != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::Invariant;

    #[test]
    fn a_name_finds_its_own_rule() {
        assert!(Invariant::ALL.iter().all(|rule| rule.id.rule() == rule));
        let names: Vec<String> = Invariant::ALL.iter().map(|rule| rule.id.to_string()).collect();
        assert_eq!(names.first().zip(names.last()), Some((&"I1".to_owned(), &"I14".to_owned())));
    }
}
