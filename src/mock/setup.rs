//! The world before the first operation, as a recording writes it down.

use super::name::SpaceName;
use crate::illumos::abi::Dev;
use crate::x86::addr::Mfn;
use crate::xen::abi::{DomId, GntStatus, GrantRef};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Address spaces, devices and domains; no segment yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// Each has an empty HAT table.
    pub address_spaces: Vec<SpaceName>,
    /// Each has a vnode held once and a common vnode with nothing mapped.
    pub devices: Vec<Dev>,
    /// All alive. The caller is domain 0 and not among them.
    pub domains: Vec<DomainSetup>,
}

/// A domain.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomainSetup {
    /// Its id.
    pub id: DomId,
    /// Its frames: the first of a run, and how many.
    pub owns: Vec<(Mfn, u64)>,
    /// Its grant table, none revoked.
    pub grants: Vec<GrantSetup>,
}

/// An entry of a grant table.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantSetup {
    /// Its index.
    pub gref: GrantRef,
    /// The frame.
    pub mfn: Mfn,
    /// Not to be mapped writable.
    pub readonly: bool,
    /// Who may map it.
    pub to: DomId,
}

/// What automatic variables read as that were never written. With `Nonzero` the driver's answer is as indeterminate as with
/// `Zero`; a recording shows both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StackFill {
    /// Zero bytes.
    #[default]
    Zero,
    /// Bytes of 0xfe.
    Nonzero,
}

impl StackFill {
    /// A status of a grant operation that nothing wrote.
    #[must_use]
    pub fn status(self) -> GntStatus {
        match self {
            StackFill::Zero => GntStatus::OKAY,
            StackFill::Nonzero => GntStatus(i16::from_ne_bytes([0xfe; 2])),
        }
    }
}

impl Setup {
    /// What is named twice, if anything is: such a set-up means two things.
    #[must_use]
    pub fn ambiguity(&self) -> Option<String> {
        let spaces = twice(&self.address_spaces).map(|name| format!("address space `{name}` is there twice"));
        let devices = twice(&self.devices).map(|dev| format!("device {dev} is there twice"));
        let ids: Vec<DomId> = self.domains.iter().map(|domain| domain.id).collect();
        let domains = twice(&ids).map(|id| format!("domain {id} is there twice"));
        let grants = self.domains.iter().find_map(|domain| {
            let grefs: Vec<GrantRef> = domain.grants.iter().map(|grant| grant.gref).collect();
            twice(&grefs).map(|gref| format!("grant {gref} of domain {} is there twice", domain.id))
        });
        spaces.or(devices).or(domains).or(grants)
    }
}

/// The first that was seen before.
fn twice<T: Ord>(all: &[T]) -> Option<&T> {
    let mut seen = BTreeSet::new();
    all.iter().find(|one| !seen.insert(*one))
}
