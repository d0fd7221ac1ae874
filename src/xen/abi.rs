//! The words of Xen's interface: domain ids, grant references, handles, statuses, flags (`xen/include/public/{xen,grant_table}.h`).
//!
//! Fields that a caller fills are raw; what they name is checked where the hypervisor checks it.

use crate::word::{Word, small_id};
use serde::Serialize;

small_id!(
    /// A domain id as a caller passes it; see the constants for those that are nobody's.
    DomId(u16), "d"
);
small_id!(
    /// An index into a domain's grant table.
    GrantRef(u32), "gref:"
);
small_id!(
    /// What a successful grant map answers, and what names the mapping from then on; 0 is a valid one.
    Handle(u32), "handle:"
);

impl DomId {
    /// The control domain.
    pub const DOM0: DomId = DomId(0);
    /// The caller itself, and the first id that is no domain's.
    pub const SELF: DomId = DomId(0x7ff0);
    /// The owner of device frames.
    pub const IO: DomId = DomId(0x7ff1);
    /// The owner of Xen-heap pages.
    pub const XEN: DomId = DomId(0x7ff2);
}

/// `GNTST_*`: the status of one operation of a grant batch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct GntStatus(pub i16);

impl GntStatus {
    /// Done.
    pub const OKAY: GntStatus = GntStatus(0);
    /// Refused without a better word.
    pub const GENERAL_ERROR: GntStatus = GntStatus(-1);
    /// No such domain.
    pub const BAD_DOMAIN: GntStatus = GntStatus(-2);
    /// No such entry in the table, or neither a host nor a device mapping was asked for.
    pub const BAD_GNTREF: GntStatus = GntStatus(-3);
    /// No such mapping.
    pub const BAD_HANDLE: GntStatus = GntStatus(-4);
    /// The device address does not belong to the handle.
    pub const BAD_DEV_ADDR: GntStatus = GntStatus(-6);
    /// No handle left, in the words of the 3.x era.
    pub const NO_DEVICE_SPACE: GntStatus = GntStatus(-7);
    /// The security module refused.
    pub const PERMISSION_DENIED: GntStatus = GntStatus(-8);
    /// The granted frame is not the granter's.
    pub const BAD_PAGE: GntStatus = GntStatus(-9);
    /// No handle left.
    pub const NO_SPACE: GntStatus = GntStatus(-13);

    /// The name after `GNTST_`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            0 => "okay",
            -1 => "general_error",
            -2 => "bad_domain",
            -3 => "bad_gntref",
            -4 => "bad_handle",
            -5 => "bad_virt_addr",
            -6 => "bad_dev_addr",
            -7 => "no_device_space",
            -8 => "permission_denied",
            -9 => "bad_page",
            -10 => "bad_copy_arg",
            -11 => "address_too_big",
            -12 => "eagain",
            -13 => "no_space",
            _ => "unknown",
        }
    }
}

impl std::fmt::Debug for GntStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GNTST_{}", self.name())
    }
}

/// `GNTMAP_*`: how a grant is to be mapped.
pub mod gntmap {
    /// For DMA.
    pub const DEVICE_MAP: u32 = 1;
    /// For the processor, at `host_addr`.
    pub const HOST_MAP: u32 = 2;
    /// No write access.
    pub const READONLY: u32 = 4;
    /// Usable by guest user mode.
    pub const APPLICATION_MAP: u32 = 8;
    /// `host_addr` is the machine address of the entry itself.
    pub const CONTAINS_PTE: u32 = 16;
}

/// `UVMF_*`: what `update_va_mapping` flushes.
pub mod uvmf {
    /// The whole TLB.
    pub const TLB_FLUSH: u64 = 1;
    /// The one address.
    pub const INVLPG: u64 = 2;
    /// The bits that say what.
    pub const FLUSHTYPE_MASK: u64 = 3;
    /// On every processor of the domain.
    pub const ALL: u64 = 4;
}

/// `GTF_*`: the flags word of a shared grant entry, version 1.
pub mod gtf {
    /// The two bits that say what the entry is for.
    pub const TYPE_MASK: u16 = 3;
    /// The entry lets a domain map the frame.
    pub const PERMIT_ACCESS: u16 = 1;
    /// The granter allows reading only.
    pub const READONLY: u16 = 4;
    /// Set by Xen while the grant is in use.
    pub const READING: u16 = 8;
    /// Set by Xen while the grant is in writable use.
    pub const WRITING: u16 = 0x10;
    /// Version 2, copy only; blocks a mapping in version 1, too.
    pub const SUB_PAGE: u16 = 0x100;
}

/// `struct gnttab_map_grant_ref`: what goes in and what comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct MapGrantRef {
    /// In: the linear address, or with `CONTAINS_PTE` the machine address of the entry.
    pub host_addr: Word,
    /// In: `GNTMAP_*`.
    pub flags: u32,
    /// In: which grant.
    #[serde(rename = "ref")]
    pub gref: GrantRef,
    /// In: whose.
    pub dom: DomId,
    /// Out.
    pub status: GntStatus,
    /// Out; keeps what the caller left in it when the operation fails.
    pub handle: Handle,
}

/// `struct gnttab_unmap_grant_ref`: what goes in and what comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct UnmapGrantRef {
    /// In: where it was mapped; 0 leaves the host mapping alone.
    pub host_addr: Word,
    /// In: the device address, 0 to leave that part alone.
    pub dev_bus_addr: Word,
    /// In: which mapping.
    pub handle: Handle,
    /// Out.
    pub status: GntStatus,
}

/// The value of a hypercall: 0, or Xen's errno negated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct XenErrno(pub i64);

impl XenErrno {
    /// Done.
    pub const OK: XenErrno = XenErrno(0);
    /// The caller may not do this to that domain.
    pub const EPERM: XenErrno = XenErrno(-1);
    /// No such domain.
    pub const ESRCH: XenErrno = XenErrno(-3);
    /// A pointer outside guest memory.
    pub const EFAULT: XenErrno = XenErrno(-14);
    /// The frame or its type is in other use.
    pub const EBUSY: XenErrno = XenErrno(-16);
    /// Nonsense in an argument, or in the state of a table.
    pub const EINVAL: XenErrno = XenErrno(-22);
    /// No such call.
    pub const ENOSYS: XenErrno = XenErrno(-38);

    /// Its name in Xen's `errno.h`, `OK` for 0.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            0 => "OK",
            -1 => "-EPERM",
            -3 => "-ESRCH",
            -14 => "-EFAULT",
            -16 => "-EBUSY",
            -22 => "-EINVAL",
            -38 => "-ENOSYS",
            _ => "unknown",
        }
    }
}

impl std::fmt::Debug for XenErrno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            "unknown" => write!(f, "{}", self.0),
            name => f.write_str(name),
        }
    }
}
