//! What people call things: processes by the name a story or session gives them, devices and domains by the field's.

use std::collections::BTreeMap;

use crate::illumos::abi::{AsId, Dev};
use crate::sim::MachineId;
use crate::sim::file::SpaceName;
use crate::xen::abi::DomId;

/// The names of a session.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Names {
    spaces: BTreeMap<(MachineId, AsId), String>,
}

impl Names {
    /// The names that a session gives.
    pub fn new(given: &[SpaceName]) -> Names {
        let spaces = given.iter().map(|name| ((name.machine, name.space), name.name.clone())).collect();
        Names { spaces }
    }

    /// An address space, and with it its process.
    pub fn space(&self, machine: MachineId, space: AsId) -> String {
        self.spaces.get(&(machine, space)).cloned().unwrap_or_else(|| format!("process {space}"))
    }

    /// A device of `seg_mf`: the two clients of `illumos.md` 1.1 by name.
    pub fn device(dev: Dev) -> String {
        match dev {
            Dev(1) => "privcmd".to_owned(),
            Dev(2) => "xpvtap".to_owned(),
            Dev(other) => format!("device {other}"),
        }
    }

    /// A domain.
    pub fn domain(dom: DomId) -> String {
        match dom {
            DomId::DOM0 => "dom0".to_owned(),
            DomId::SELF => "DOMID_SELF".to_owned(),
            DomId::IO => "DOMID_IO".to_owned(),
            DomId::XEN => "Xen".to_owned(),
            DomId(id) => format!("domain {id}"),
        }
    }
}

/// `count` of something, in words: "1 page", "4 pages".
pub fn counted(count: u64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{} {many}", crate::view::text::grouped(count)) }
}

/// A length as pages, where it is whole pages.
pub fn pages(len: u64) -> String {
    if len.is_multiple_of(0x1000) { counted(len / 0x1000, "page", "pages") } else { format!("0x{len:X} bytes") }
}
