//! What a place is in, for as long as one run lasts: a page's tag and entry, a frame's count, a grant's use.
//!
//! The words are those of the driver and of Xen; colours and textures are not here, they are `scene`'s.

/// What stands behind a page or a region.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Backing {
    /// Frames of another domain, named by frame number.
    Foreign,
    /// Frames another domain granted.
    Granted,
    /// The address space's own memory.
    Own,
}

/// Whether a store goes through.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Rights {
    /// Loads only.
    ReadOnly,
    /// Loads and stores.
    Writable,
}

/// The state a row is in during one run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum State {
    /// A page without tag and without entry.
    Empty,
    /// An entry that maps dom0's own frame while the real one is awaited or was never asked for.
    Placeholder,
    /// A page with tag and entry, or an ordinary mapped page.
    Live(Backing, Rights),
    /// Registered, the entry is 0, and the HAT still counts it.
    ZeroCounted,
    /// Xen said no at this page; lasts until the step that asked is over.
    Refused,
    /// A tag without an entry, as dup leaves it.
    TagOnly(Backing),
    /// An entry without a tag.
    Leaked,
    /// A whole region, in its header row.
    Region(Backing),
    /// A region that dup copied: its tags are there, its entries are not.
    Copied(Backing),
    /// A frame with this general count.
    Count(u32),
    /// A frame that is nobody's here: never granted to this owner, or given back.
    Absent,
    /// A grant that is offered and not mapped.
    Offered,
    /// A grant someone maps.
    Mapped(Rights),
    /// The granter ended access and must wait for the mapper.
    Waiting,
}

impl State {
    /// The letter that stands for the state where there is no colour; none for own memory, frames and grants.
    pub const fn letter(self) -> Option<&'static str> {
        match self {
            State::Empty | State::Leaked => Some("E"),
            State::Placeholder => Some("R"),
            State::Live(Backing::Foreign, _) | State::TagOnly(Backing::Foreign) => Some("M"),
            State::Live(Backing::Granted, _) | State::TagOnly(Backing::Granted) => Some("G"),
            State::ZeroCounted => Some("Z"),
            State::Live(Backing::Own, _)
            | State::TagOnly(Backing::Own)
            | State::Refused
            | State::Region(_)
            | State::Copied(_)
            | State::Count(_)
            | State::Absent
            | State::Offered
            | State::Mapped(_)
            | State::Waiting => None,
        }
    }

    /// The state as a reader hears it.
    pub const fn words(self) -> &'static str {
        match self {
            State::Empty => "empty",
            State::Placeholder => "placeholder of dom0",
            State::Live(Backing::Foreign, Rights::ReadOnly) => "foreign frame, read only",
            State::Live(Backing::Foreign, Rights::Writable) => "foreign frame, writable",
            State::Live(Backing::Granted, Rights::ReadOnly) => "granted frame, read only",
            State::Live(Backing::Granted, Rights::Writable) => "granted frame, writable",
            State::Live(Backing::Own, Rights::ReadOnly) => "own memory, read only",
            State::Live(Backing::Own, Rights::Writable) => "own memory, writable",
            State::ZeroCounted => "entry 0, still counted",
            State::Refused => "refused",
            State::TagOnly(_) => "tag without entry",
            State::Leaked => "leaked, entry without tag",
            State::Region(_) => "region",
            State::Copied(_) => "region copied by dup, no entries",
            State::Count(_) => "general count",
            State::Absent => "not of this domain",
            State::Offered => "offered",
            State::Mapped(Rights::ReadOnly) => "mapped read only",
            State::Mapped(Rights::Writable) => "mapped writable",
            State::Waiting => "end of access waits for the mapper",
        }
    }

    /// Whether memory stands behind the place: what the height of a merged column counts.
    pub const fn in_use(self) -> bool {
        match self {
            State::Empty | State::Absent | State::Refused | State::Offered | State::ZeroCounted => false,
            State::Placeholder
            | State::Live(..)
            | State::TagOnly(_)
            | State::Leaked
            | State::Region(_)
            | State::Copied(_)
            | State::Count(_)
            | State::Mapped(_)
            | State::Waiting => true,
        }
    }

    /// Order in which a merged column picks its state: what an engineer must not miss comes first.
    pub const fn danger(self) -> u8 {
        match self {
            State::Leaked => 9,
            State::Waiting => 8,
            State::ZeroCounted => 7,
            State::Placeholder => 6,
            State::Refused => 5,
            State::TagOnly(_) | State::Copied(_) => 4,
            State::Live(_, Rights::Writable) | State::Mapped(Rights::Writable) => 3,
            State::Live(_, Rights::ReadOnly) | State::Mapped(Rights::ReadOnly) => 2,
            State::Region(_) | State::Count(_) | State::Offered => 1,
            State::Empty | State::Absent => 0,
        }
    }
}
