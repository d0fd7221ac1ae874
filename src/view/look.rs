//! What a page of a simulated dom0 is at one moment, read straight from the machine's words: no second copy of the truth.

use crate::illumos::abi::{AsId, SegId, pt_soft};
use crate::illumos::dom0::Kernel;
use crate::illumos::seg::Seg;
use crate::illumos::seg_mf::{MapEntry, SegmfData, Tag};
use crate::sim::{Machine, MachineId, World};
use crate::view::text::Tone;
use crate::x86::addr::{Level, Mfn, Va};
use crate::x86::cpu::Cpu;
use crate::x86::memory::Memory;
use crate::x86::pte::Pte;
use crate::x86::walk::Walk;
use crate::xen::Hypervisor;
use crate::xen::abi::DomId;

/// A machine one may look at.
#[derive(Clone, Copy)]
pub struct Look<'m> {
    /// What the kernel of dom0 knows.
    pub kernel: &'m Kernel,
    /// What the hypervisor knows.
    pub xen: &'m Hypervisor,
    /// The machine's memory, page tables included.
    pub memory: &'m Memory,
    /// The processor.
    pub cpu: &'m Cpu,
}

/// What is behind a page: the state machine of `illumos.md` 9.1, with what a fork and a refused call can leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backing {
    /// No segment there, or another driver's.
    Nothing,
    /// Tag EMPTY, no entry.
    Empty,
    /// Dom0's own page stands in the entry.
    Placeholder,
    /// Tag EMPTY, registered for grants, entry zero and still counted.
    Counted,
    /// Tag MFN, entry live.
    Foreign,
    /// Tag GREF, entry live.
    Granted,
    /// A tag without an entry, as a fork leaves it.
    TagOnly(Tag),
    /// An entry nobody remembers.
    Leaked,
}

impl Backing {
    /// The letter on the page.
    pub fn letter(self) -> &'static str {
        match self {
            Backing::Nothing => "–",
            Backing::Empty | Backing::Leaked => "E",
            Backing::Placeholder => "R",
            Backing::Counted => "Z",
            Backing::Foreign | Backing::TagOnly(Tag::Mfn) => "M",
            Backing::Granted | Backing::TagOnly(Tag::Gref) => "G",
            Backing::TagOnly(Tag::Empty | Tag::Unset) => "?",
        }
    }

    /// Its colour.
    pub fn tone(self) -> Tone {
        match self {
            Backing::Nothing | Backing::Empty | Backing::Counted | Backing::TagOnly(_) => Tone::Fact,
            Backing::Placeholder => Tone::Held,
            Backing::Foreign => Tone::Foreign,
            Backing::Granted => Tone::Granted,
            Backing::Leaked => Tone::Leaked,
        }
    }
}

/// A page with everything that is read of it in one go.
pub struct PageLook<'m> {
    /// The address space.
    pub space: AsId,
    /// The first byte.
    pub va: Va,
    /// The segment around it.
    pub seg: Option<(SegId, &'m Seg)>,
    /// The driver's private data.
    pub data: Option<&'m SegmfData>,
    /// The page's number in the segment.
    pub index: u64,
    /// The driver's entry.
    pub entry: Option<MapEntry>,
    /// The walk from the top table for user mode.
    pub walk: Walk,
    /// What is behind it.
    pub backing: Backing,
}

impl PageLook<'_> {
    /// The entry of the page itself, zero where the walk ends above.
    pub fn leaf(&self) -> Pte {
        let last = self.walk.last();
        if last.level == Level::LEAF { last.entry } else { Pte::NONE }
    }

    /// The frame that is mapped.
    pub fn frame(&self) -> Option<Mfn> {
        self.walk.leaf().map(|rung| rung.entry.frame())
    }
}

impl<'m> Look<'m> {
    /// A Xen machine of the world; none where there is another kind.
    pub fn of(world: &'m World, machine: MachineId) -> Option<Look<'m>> {
        match world.machine(machine)? {
            Machine::Bare(_) | Machine::Recorded(_) => None,
            Machine::Xen(xen) => Some(Look { kernel: &xen.kernel, xen: &xen.xen, memory: &xen.memory, cpu: &xen.cpu }),
        }
    }

    /// The page around `va`; none when there is no such address space.
    pub fn page(&self, space: AsId, va: Va) -> Option<PageLook<'m>> {
        let va = va.page();
        let known = self.kernel.space(space)?;
        let walk = Walk::new(self.memory, known.hat.user_top, va);
        let seg = self.segment_at(space, va);
        let data = seg.and_then(|(_, seg)| seg.mf());
        let index = seg.map_or(0, |(_, seg)| seg.page_of(va));
        let entry = data.map(|data| data.map.peek(index));
        let mut page = PageLook { space, va, seg, data, index, entry, walk, backing: Backing::Nothing };
        page.backing = self.backing(&page);
        Some(page)
    }

    /// The segment that contains an address.
    pub fn segment_at(&self, space: AsId, va: Va) -> Option<(SegId, &'m Seg)> {
        let (_, id) = self.kernel.space(space)?.segs.range(..=va).next_back()?;
        let seg = self.kernel.seg(*id)?;
        seg.contains(va).then_some((*id, seg))
    }

    fn backing(&self, page: &PageLook<'_>) -> Backing {
        let leaf = page.leaf();
        let owner = page.frame().and_then(|frame| self.xen.frame(frame).owner);
        let is_own = leaf.is_present() && leaf.0 & Pte::SOFTWARE < pt_soft::FOREIGN && owner == Some(DomId::DOM0);
        let Some(entry) = page.entry else {
            return if leaf.is_present() && !is_own { Backing::Leaked } else { Backing::Nothing };
        };
        match (entry.tag, leaf.is_present()) {
            (Tag::Mfn | Tag::Gref, true) if is_own => Backing::Placeholder,
            (Tag::Mfn, true) => Backing::Foreign,
            (Tag::Gref, true) => Backing::Granted,
            (Tag::Empty | Tag::Unset, true) if is_own => Backing::Placeholder,
            (Tag::Empty | Tag::Unset, true) => Backing::Leaked,
            (Tag::Mfn | Tag::Gref, false) => Backing::TagOnly(entry.tag),
            (Tag::Empty | Tag::Unset, false) if self.is_registered(page) => Backing::Counted,
            (Tag::Empty | Tag::Unset, false) => Backing::Empty,
        }
    }

    /// Whether the block-tap driver has registered the page for grants.
    fn is_registered(&self, page: &PageLook<'_>) -> bool {
        let tap = self.kernel.space(page.space).and_then(|space| space.tap.as_ref());
        tap.is_some_and(|tap| {
            Some(tap.seg) == page.seg.map(|(id, _)| id) && page.va.0.wrapping_sub(tap.base.0) >> 12 < tap.pages
        })
    }

    /// Every page of every process that maps a frame.
    pub fn mappers(&self, frame: Mfn) -> Vec<(AsId, Va, Pte)> {
        let mut found = Vec::new();
        for (space, known) in self.kernel.spaces() {
            for (table, about) in known.hat.tables.iter().filter(|(_, about)| about.level == Level::LEAF) {
                for slot in 0..512 {
                    let entry = Pte(self.memory.word(table.entry(slot)));
                    if entry.is_present() && entry.frame() == frame {
                        found.push((space, about.base.page_after(slot), entry));
                    }
                }
            }
        }
        found
    }

    /// How many present entries stand in a table.
    pub fn present_entries(&self, table: Mfn) -> u32 {
        (0..512).map(|slot| u32::from(Pte(self.memory.word(table.entry(slot))).is_present())).sum()
    }
}
