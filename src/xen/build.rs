//! Building a domain before the first step: its frames, a kernel map of all of them in real page tables, its grant table.
//!
//! The tables are written as bytes and then pinned, so every count a step starts from was taken by the same rules that steps follow.

use super::abi::DomId;
use super::domain::{Domain, Life};
use super::page_info::{PageInfo, PageType, TypeWord};
use super::{Hypervisor, Xen};
use crate::trace::Silent;
use crate::x86::addr::{Level, Mfn, Pfn, Va};
use crate::x86::cpu::Cpu;
use crate::x86::memory::Memory;
use crate::x86::pte::Pte;

/// Frames that Xen takes for itself and for the tables of guests it builds start here; no recording or story names them.
const BUILDERS_FRAMES: Mfn = Mfn(0x70_0000);
/// Frames of a grant table at the start, in the 3.x era.
const GRANT_FRAMES: u32 = 4;

/// A domain to build.
#[derive(Clone, Debug)]
pub struct DomainPlan {
    /// Its id.
    pub id: DomId,
    /// A control domain may map any other's frames.
    pub is_control: bool,
    /// Where its kernel maps all its frames.
    pub direct_map: Va,
    /// Its frames, in the order of its own numbers.
    pub frames: Vec<Mfn>,
}

/// A domain that cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The id is in use or reserved.
    #[error("domain id {0} is taken or reserved")]
    Id(DomId),
    /// A frame is in use, is not RAM, or lies where the builder takes its own.
    #[error("frame {0} is taken or outside 0x100..0x700000")]
    Frame(Mfn),
    /// Too many frames for one machine.
    #[error("{0} frames are more than the {1} a domain may have here")]
    TooMany(usize, usize),
}

/// The most frames one domain is built with.
pub const MAX_FRAMES: usize = 1 << 16;

impl Hypervisor {
    /// Builds a domain and answers nothing: it runs from then on.
    ///
    /// # Errors
    /// Says which id or frame cannot be had; nothing is left behind then that matters, since the machine is not used.
    pub fn build_domain(&mut self, memory: &mut Memory, plan: &DomainPlan) -> Result<(), BuildError> {
        if plan.id >= DomId::SELF || self.domain(plan.id).is_some() {
            return Err(BuildError::Id(plan.id));
        }
        if plan.frames.len() > MAX_FRAMES {
            return Err(BuildError::TooMany(plan.frames.len(), MAX_FRAMES));
        }
        for mfn in &plan.frames {
            if *mfn < super::LOW_END || *mfn >= BUILDERS_FRAMES || self.frames.contains_key(mfn) {
                return Err(BuildError::Frame(*mfn));
            }
            self.frames.insert(*mfn, PageInfo::allocated_to(plan.id));
        }
        let grant_frame = self.take_grant_frames(plan.id);
        let tables = self.write_direct_map(memory, plan);
        for (mfn, pfn) in plan.frames.iter().zip(0..) {
            self.m2p.insert(*mfn, Pfn(pfn));
        }
        let p2m = plan.frames.iter().zip(0..).map(|(mfn, pfn)| (Pfn(pfn), *mfn)).collect();
        let tot_pages = plan.frames.len() as u64 + tables.len() as u64;
        let top = tables[0];
        self.domains.insert(
            plan.id,
            Domain {
                id: plan.id,
                life: Life::Live,
                is_control: plan.is_control,
                tot_pages,
                top: Some(top),
                user_top: None,
                direct_map: plan.direct_map,
                p2m,
                grant_frame,
                grant_frames: GRANT_FRAMES,
            },
        );
        self.stand_on(memory, plan.id, top);
        Ok(())
    }

    fn own_frame(&mut self) -> Mfn {
        let mfn = BUILDERS_FRAMES.after(self.next_own_frame);
        self.next_own_frame += 1;
        assert!(mfn < super::RAM_END, "the builder's frames ran out: a plan's bounds are too wide");
        mfn
    }

    fn take_grant_frames(&mut self, owner: DomId) -> Mfn {
        let typ = TypeWord { kind: PageType::Writable, validated: true, count: 1 };
        let frames: Vec<_> = (0..GRANT_FRAMES).map(|_| self.own_frame()).collect();
        for mfn in &frames {
            self.frames.insert(*mfn, PageInfo { xen_heap: true, typ, ..PageInfo::allocated_to(owner) });
        }
        frames[0]
    }

    /// Writes tables that map the domain's frames, and the tables themselves read-only, from `direct_map` on. Answers the tables, the top first.
    fn write_direct_map(&mut self, memory: &mut Memory, plan: &DomainPlan) -> Vec<Mfn> {
        let mut tables = vec![self.own_frame()];
        let mut mapped: Vec<(Mfn, u64)> = plan.frames.iter().map(|mfn| (*mfn, Pte::WRITABLE)).collect();
        let mut done = 0;
        while done < mapped.len() {
            let (mfn, write) = mapped[done];
            let va = plan.direct_map.page_after(done as u64);
            let mut table = tables[0];
            let mut level = Level::TOP;
            while let Some(below) = level.below() {
                let at = table.entry(va.index(level));
                if Pte(memory.word(at)).is_present() {
                    table = Pte(memory.word(at)).frame();
                } else {
                    let new = self.own_frame();
                    memory.store_word(at, Pte::new(new, Pte::PRESENT | Pte::WRITABLE).0);
                    tables.push(new);
                    table = new;
                }
                level = below;
            }
            memory.store_word(table.entry(va.index(Level::LEAF)), Pte::new(mfn, Pte::PRESENT | write).0);
            done += 1;
            if done == plan.frames.len() {
                // The tables so far become pages of the map, too; those that this makes necessary follow them.
                mapped.extend(tables.iter().map(|table| (*table, 0)));
            } else if done > plan.frames.len() {
                let seen = mapped.len() - plan.frames.len();
                mapped.extend(tables[seen..].iter().map(|table| (*table, 0)).collect::<Vec<_>>());
            }
        }
        for table in &tables {
            self.frames.insert(*table, PageInfo::allocated_to(plan.id));
        }
        tables
    }

    /// Pins the top table and has the domain's processor stand on it: this validates and counts everything below.
    fn stand_on(&mut self, memory: &mut Memory, id: DomId, top: Mfn) {
        let mut xen = Xen { state: self, memory, cpu: &mut Cpu::default(), trace: &mut Silent };
        let pinned = xen.pin_table(id, top, Level::TOP).expect("a silent trace never halts");
        assert_eq!(pinned, super::abi::XenErrno::OK, "the tables just written for {id:?} do not validate");
        assert!(xen.get_page(top, id).expect("a silent trace never halts"), "the top table of {id:?} is its own");
        let held = xen.get_type(top, PageType::Table(Level::TOP)).expect("a silent trace never halts");
        assert_eq!(held, Ok(()), "a pinned top table takes another count");
    }
}

#[cfg(test)]
mod tests {
    use super::{DomId, DomainPlan, Hypervisor, Memory, Mfn, PageType, Va};

    #[test]
    fn a_guests_frame_starts_with_its_owners_count_and_its_kernels() {
        let (mut xen, mut memory) = (Hypervisor::default(), Memory::default());
        let frames = (0..700).map(|i| Mfn(0x4_0000 + i)).collect();
        let plan = DomainPlan { id: DomId(5), is_control: false, direct_map: Va(0xffff_8800_0000_0000), frames };
        xen.build_domain(&mut memory, &plan).expect("the plan is sound");
        let info = xen.frame(Mfn(0x4_0123));
        assert_eq!((info.count, info.typ.kind, info.typ.count), (2, PageType::Writable, 1));
        let top = xen.domain(DomId(5)).and_then(|d| d.top).expect("it runs");
        assert_eq!(
            (xen.frame(top).count, xen.frame(top).typ.count),
            (4, 2),
            "owner, pin, base, kernel's read-only map"
        );
    }
}
