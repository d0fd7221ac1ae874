//! The words of the illumos kernel that cross its inner borders: ids, errno, fault codes, protections, flags.
//!
//! From `sys/errno.h`, `sys/mman.h`, `vm/faultcode.h`, `vm/seg_enum.h`, `vm/hat.h`, `vm/seg_mf.h`.

use crate::word::small_id;
use serde::{Deserialize, Serialize};

small_id!(
    /// An address space (`struct as`) and, one to one here, its process.
    AsId(u32), "as:"
);
small_id!(
    /// A segment (`struct seg`), never used twice.
    SegId(u32), "seg:"
);
small_id!(
    /// A device number, standing for its vnode as well.
    Dev(u32), "dev:"
);

/// An errno; 0 is none. Negative ones are a driver's own raw answers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Errno(pub i32);

impl Errno {
    /// No error.
    pub const OK: Errno = Errno(0);
    /// No such process or domain.
    pub const ESRCH: Errno = Errno(3);
    /// The device failed.
    pub const EIO: Errno = Errno(5);
    /// No such device or address.
    pub const ENXIO: Errno = Errno(6);
    /// Come again.
    pub const EAGAIN: Errno = Errno(11);
    /// No room, or the range is taken.
    pub const ENOMEM: Errno = Errno(12);
    /// Not allowed.
    pub const EACCES: Errno = Errno(13);
    /// An address that cannot be reached.
    pub const EFAULT: Errno = Errno(14);
    /// An argument makes no sense.
    pub const EINVAL: Errno = Errno(22);
    /// This driver does not do that.
    pub const ENOTSUP: Errno = Errno(48);
    /// No such call.
    pub const ENOSYS: Errno = Errno(89);

    /// The name in `sys/errno.h`; `OK` for 0, none for a number this model never answers.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "OK",
            1 => "EPERM",
            3 => "ESRCH",
            5 => "EIO",
            6 => "ENXIO",
            11 => "EAGAIN",
            12 => "ENOMEM",
            13 => "EACCES",
            14 => "EFAULT",
            22 => "EINVAL",
            48 => "ENOTSUP",
            89 => "ENOSYS",
            _ => return None,
        })
    }

    /// Whether it is an error.
    #[must_use]
    pub fn is_error(self) -> bool {
        self != Errno::OK
    }
}

impl std::fmt::Debug for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

/// A fault code: its kind in the low byte, an errno above (`vm/faultcode.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct FaultCode(pub i32);

impl FaultCode {
    /// No fault.
    pub const OK: FaultCode = FaultCode(0);
    /// `FC_PROT`: the protection forbids the access.
    pub const PROT: FaultCode = FaultCode(4);
    /// `FC_NOMAP`: no segment there.
    pub const NOMAP: FaultCode = FaultCode(5);
    /// A raw -1 where a code was expected; it decodes to EFAULT.
    pub const RAW_MINUS_ONE: FaultCode = FaultCode(-1);

    /// `FC_MAKE_ERR(errno)`: an object error with its errno.
    #[must_use]
    pub fn object_error(errno: Errno) -> FaultCode {
        FaultCode(errno.0 << 8 | 3)
    }

    /// What `as_fault` and the trap handler read out of it.
    #[must_use]
    pub fn kind(self) -> FaultKind {
        match self.0 & 0xff {
            0 => FaultKind::None,
            1 => FaultKind::Hardware,
            2 => FaultKind::Alignment,
            3 => FaultKind::Object(Errno((self.0 as u32 >> 8) as i32)),
            4 => FaultKind::Protection,
            5 => FaultKind::NoMapping,
            6 => FaultKind::NoSupport,
            _ => FaultKind::Unknown,
        }
    }

    /// `fc_decode`: the errno a caller in the kernel makes of it.
    #[must_use]
    pub fn decode(self) -> Errno {
        match self.kind() {
            FaultKind::None => Errno::OK,
            FaultKind::Object(errno) => errno,
            FaultKind::Protection => Errno::EACCES,
            FaultKind::Hardware
            | FaultKind::Alignment
            | FaultKind::NoMapping
            | FaultKind::NoSupport
            | FaultKind::Unknown => Errno::EFAULT,
        }
    }
}

/// The kinds of fault code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// Nothing wrong.
    None,
    /// `FC_HWERR`.
    Hardware,
    /// `FC_ALIGN`.
    Alignment,
    /// `FC_OBJERR` and its errno.
    Object(Errno),
    /// `FC_PROT`.
    Protection,
    /// `FC_NOMAP`.
    NoMapping,
    /// `FC_NOSUPPORT`.
    NoSupport,
    /// A byte that is no kind, as of a raw -1.
    Unknown,
}

/// A raw word that selects one of a fixed set in the kernel, or something else altogether.
macro_rules! raw_choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $value:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl $name {
            $($(#[$vdoc])* #[allow(non_upper_case_globals, reason = "the kernel's own spelling")] pub const $variant: $name = $name($value);)+

            /// The kernel's name, if it has one.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                match self.0 { $($value => Some(stringify!($variant)),)+ _ => None }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() { Some(name) => f.write_str(name), None => write!(f, "{}", self.0) }
            }
        }
    };
}

raw_choice!(
    /// `enum fault_type`.
    FaultType {
        /// Not mapped.
        F_INVAL = 0,
        /// Mapped, but the protection forbids it.
        F_PROT = 1,
        /// Map it and hold it.
        F_SOFTLOCK = 2,
        /// Let go what was held.
        F_SOFTUNLOCK = 3,
    }
);
raw_choice!(
    /// `enum seg_rw`.
    SegRw {
        /// Any access will do.
        S_OTHER = 0,
        /// Load.
        S_READ = 1,
        /// Store.
        S_WRITE = 2,
        /// Instruction fetch.
        S_EXEC = 3,
        /// Store that needs no read before.
        S_CREATE = 4,
        /// Load that must not break copy-on-write.
        S_READ_NOCOW = 5,
    }
);

/// `PROT_*` (`sys/mman.h`).
pub mod prot {
    /// Load.
    pub const READ: u32 = 1;
    /// Store.
    pub const WRITE: u32 = 2;
    /// Fetch.
    pub const EXEC: u32 = 4;
    /// For user mode.
    pub const USER: u32 = 8;
}

/// `MAP_SHARED`.
pub const MAP_SHARED: u32 = 1;

/// `HAT_*` (`vm/hat.h`): attributes above the protection bits, and flags.
pub mod hat_flag {
    /// `HAT_MAP`, `HAT_LOAD`.
    pub const LOAD: u32 = 0;
    /// Hold the mapping.
    pub const LOAD_LOCK: u32 = 1;
    /// Keep no reverse mapping.
    pub const LOAD_NOCONSIST: u32 = 0x20;
    /// Another frame may take the place of the mapped one.
    pub const LOAD_REMAP: u32 = 0x80;
    /// Attribute: the order of stores is free, so the page may be cached.
    pub const UNORDERED_OK: u32 = 0x100;
    /// Attributes that say something about the order of stores.
    pub const ORDER_MASK: u32 = 0x700;
    /// `hat_unload`: let go a lock, too.
    pub const UNLOAD_UNLOCK: u32 = 4;
    /// `hat_unload`: the range is going away.
    pub const UNLOAD_UNMAP: u32 = 0x10;
}

/// Software bits of an entry as the illumos HAT reads them (`hat_pte.h`): an ordered 3-bit field.
pub mod pt_soft {
    /// No reverse mapping is kept from here up.
    pub const NOCONSIST: u64 = 0x400;
    /// The frame has no local page from here up.
    pub const FOREIGN: u64 = 0x600;
}

/// Whether a kernel was built with its ASSERTs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KernelBuild {
    /// ASSERT stops the kernel.
    Debug,
    /// ASSERT is compiled out.
    #[default]
    Production,
}
