//! The arguments of an operation: prefilled from the selection, edited as text, and read back into an op.

use crate::illumos::abi::{AsId, Dev, FaultType, SegRw};
use crate::illumos::inject::Target;
use crate::illumos::privcmd::MmapEntry;
use crate::sim::op::{Dom0Op, GuestOp, OutsideOp};
use crate::sim::setup::FrameRange;
use crate::sim::{Act, MachineId, Op};
use crate::view::actions::Input;
use crate::view::kinds::Kind;
use crate::view::look::Look;
use crate::view::names::pages;
use crate::view::reading;
use crate::view::text::Hex;
use crate::word::Word;
use crate::x86::addr::{Mfn, Va};
use crate::x86::fault::Access;
use crate::xen::abi::{DomId, GrantRef, Handle};

/// Where a form is filled in: who acts, and what is selected.
#[derive(Clone, Copy)]
pub struct Desk<'m> {
    /// The machine.
    pub look: Look<'m>,
    /// Its number.
    pub machine: MachineId,
    /// Who acts.
    pub space: Option<AsId>,
    /// The selected page.
    pub va: Option<Va>,
    /// The selected frame.
    pub mfn: Option<Mfn>,
    /// The selected grant.
    pub grant: Option<(DomId, GrantRef)>,
}

/// A field as it stands before anyone types.
#[derive(Clone, PartialEq, Debug)]
pub struct Blank {
    /// Its name.
    pub label: &'static str,
    /// What it is prefilled with.
    pub value: String,
    /// What from.
    pub origin: Option<String>,
    /// How it is filled in.
    pub input: Input,
}

const RIGHTS: [&str; 6] = ["r--", "rw-", "r-x", "rwx", "-w-", "---"];
const DEVICES: [&str; 2] = ["privcmd", "xpvtap"];
const KINDS: [&str; 4] = ["F_INVAL", "F_PROT", "F_SOFTLOCK", "F_SOFTUNLOCK"];
const WISHES: [&str; 6] = ["S_OTHER", "S_READ", "S_WRITE", "S_EXEC", "S_CREATE", "S_READ_NOCOW"];
const TARGETS: [(&str, Target); 6] = [
    ("update_va_mapping", Target::UpdateVaMapping),
    ("grant_table_op", Target::GrantTableOp),
    ("either hypercall", Target::Hypercall),
    ("VOP_ADDMAP", Target::Addmap),
    ("VOP_DELMAP", Target::Delmap),
    ("a map status", Target::MapStatus),
];

fn typed(label: &'static str, value: impl Into<String>, origin: impl Into<String>) -> Blank {
    let origin = Some(origin.into()).filter(|origin: &String| !origin.is_empty());
    Blank { label, value: value.into(), origin, input: Input::Text }
}

fn choice(label: &'static str, value: &str, choices: &[&str]) -> Blank {
    let input = Input::Choice(choices.iter().map(|choice| (*choice).to_owned()).collect());
    Blank { label, value: value.to_owned(), origin: None, input }
}

impl Desk<'_> {
    /// The segment under the selected page, or else the actor's first.
    fn segment(&self) -> Option<(Va, u64)> {
        let space = self.look.kernel.space(self.space?)?;
        let here = self.va.and_then(|va| self.look.segment_at(self.space?, va));
        let seg = match here {
            Some((_, seg)) => seg,
            None => self.look.kernel.seg(*space.segs.values().next()?)?,
        };
        Some((seg.base, seg.size))
    }

    fn address(&self) -> Blank {
        let (base, size) = self.segment().unwrap_or((Va(0x8000_0000), 0x1000));
        let va = self.va.map_or(base, Va::page);
        let inside = va.0.wrapping_sub(base.0) < size;
        let origin = if inside { format!("page {}", (va.0 - base.0) >> 12) } else { "selected".to_owned() };
        typed("address", Hex::address(va.0).to_string(), origin)
    }

    fn whole(&self) -> [Blank; 2] {
        let (base, size) = self.segment().unwrap_or((Va(0x8000_0000), 0x4000));
        [
            typed("address", Hex::address(base.0).to_string(), "the segment"),
            typed("length", format!("0x{size:X}"), pages(size)),
        ]
    }

    /// The selected page, or the segment whole where none is selected.
    fn range(&self) -> [Blank; 2] {
        match self.va {
            Some(_) => [self.address(), typed("length", "0x1000", "1 page")],
            None => self.whole(),
        }
    }

    /// A free place after the actor's segments.
    fn free_place(&self) -> Blank {
        let space = self.space.and_then(|space| self.look.kernel.space(space));
        let last = space.and_then(|space| space.segs.values().next_back()).and_then(|seg| self.look.kernel.seg(*seg));
        match last {
            None => typed("address", Hex::address(0x8000_0000).to_string(), "free"),
            Some(seg) => {
                let mib = 0x10_0000;
                typed("address", Hex::address((seg.end().0 / mib + 1) * mib).to_string(), "free")
            }
        }
    }

    /// A foreign domain: that of the selection, of the segment, or the first there is.
    fn domain(&self, with_grants: bool) -> DomId {
        let of_frame = self.mfn.and_then(|mfn| self.look.xen.frame(mfn).owner);
        let of_segment = self.va.and_then(|va| Some(self.look.segment_at(self.space?, va)?.1.mf()?.domid));
        let offers = |dom: DomId| {
            (0..self.look.xen.grant_entries(dom)).any(|gref| {
                self.look.xen.shared_entry(self.look.memory, dom, GrantRef(gref)).is_some_and(|entry| entry.flags != 0)
            })
        };
        let known = [self.grant.map(|(dom, _)| dom), of_frame, of_segment];
        let foreign = |dom: &DomId| *dom != DomId::DOM0 && self.look.xen.domain(*dom).is_some();
        let all: Vec<DomId> = self.look.xen.domains().map(|domain| domain.id).filter(foreign).collect();
        let named = known.into_iter().flatten().find(foreign);
        let granter = all.iter().copied().find(|dom| with_grants && offers(*dom));
        let first = granter.or(all.first().copied());
        named.or(first).unwrap_or(DomId(5))
    }

    fn domain_field(&self, with_grants: bool) -> Blank {
        let dom = self.domain(with_grants);
        let origin = match self.look.xen.domain(dom) {
            Some(domain) => format!("{} frames", domain.tot_pages),
            None => "not there".to_owned(),
        };
        typed("domain", dom.0.to_string(), origin)
    }

    /// The first frames of a domain, or the selected one.
    fn frames(&self, count: usize) -> String {
        let first = self.mfn.filter(|mfn| self.look.xen.frame(*mfn).owner != Some(DomId::DOM0));
        let dom = self.domain(false);
        let all = self.look.xen.domain(dom).into_iter().flat_map(|domain| domain.p2m.values().copied());
        let usable = all.filter(|mfn| {
            let info = self.look.xen.frame(*mfn);
            !info.xen_heap && !matches!(info.typ.kind, crate::xen::page_info::PageType::Table(_))
        });
        let list: Vec<String> = match first {
            Some(mfn) => vec![format!("{:X}", mfn.0)],
            None => usable.take(count).map(|mfn| format!("{:X}", mfn.0)).collect(),
        };
        list.join(", ")
    }

    /// The grants a domain offers and nobody has mapped.
    fn offered(&self, most: usize) -> String {
        if let Some((_, gref)) = self.grant {
            return format!("{:X}", gref.0);
        }
        let dom = self.domain(true);
        let free = (0..self.look.xen.grant_entries(dom)).map(GrantRef).filter(|gref| {
            let offered =
                self.look.xen.shared_entry(self.look.memory, dom, *gref).is_some_and(|entry| entry.flags != 0);
            offered && self.look.xen.active(dom, *gref).is_none()
        });
        free.take(most).map(|gref| format!("{:X}", gref.0)).collect::<Vec<_>>().join(", ")
    }

    fn unused_ref(&self) -> String {
        let dom = self.domain(false);
        let free = (8..self.look.xen.grant_entries(dom)).find(|gref| {
            self.look.xen.shared_entry(self.look.memory, dom, GrantRef(*gref)).is_some_and(|entry| entry.flags == 0)
        });
        format!("{:X}", free.unwrap_or(8))
    }

    /// The fields of an operation as they stand before anyone types.
    pub fn blanks(&self, kind: Kind) -> Vec<Blank> {
        match kind {
            Kind::Spawn | Kind::Fork | Kind::Exit => Vec::new(),
            Kind::Mmap => vec![
                self.free_place(),
                typed("length", "0x4000", "4 pages"),
                choice("rights", "r--", &RIGHTS),
                choice("device", "privcmd", &DEVICES),
            ],
            Kind::MmapBatch => {
                let left = self.segment().map_or(4, |(base, size)| {
                    let from = self.va.map_or(base, Va::page);
                    (base.0.wrapping_add(size).saturating_sub(from.0) >> 12).clamp(1, 4)
                });
                let count = if self.va.is_some() { 1 } else { left as usize };
                vec![self.domain_field(false), self.address(), typed("frames", self.frames(count), "")]
            }
            Kind::IoctlMmap | Kind::AddMfns => vec![
                self.domain_field(false),
                self.address(),
                typed("frame", self.frames(1), "the first"),
                typed("pages", "1", ""),
            ],
            Kind::RegisterPtes => {
                let count = self.segment().map_or(1, |(_, size)| size >> 12);
                let [address, _] = self.whole();
                vec![address, typed("pages", count.to_string(), "the segment")]
            }
            Kind::AddGrefPte => vec![self.address(), typed("entry at", "0", "machine")],
            Kind::AddGrefs => vec![
                self.domain_field(true),
                self.address(),
                typed("refs", self.offered(3), "offered"),
                choice("access", "writable", &["writable", "read only"]),
            ],
            Kind::Read | Kind::Write | Kind::Run => vec![self.address()],
            Kind::Fault => {
                let [address, length] = self.range();
                vec![address, length, choice("type", "F_INVAL", &KINDS), choice("access", "S_READ", &WISHES)]
            }
            Kind::Munmap => self.range().to_vec(),
            Kind::Mprotect => {
                let [address, length] = self.range();
                vec![address, length, choice("rights", "r--", &RIGHTS)]
            }
            Kind::Mincore => self.whole().to_vec(),
            Kind::ReleaseGrefs => vec![self.address(), typed("grants", "1", "")],
            Kind::UnmapGrant => {
                let held = self.look.xen.maptrack(DomId::DOM0).and_then(|track| track.held().next());
                let handle = held.map_or(0, |(handle, _)| handle.0);
                vec![typed("handle", handle.to_string(), ""), typed("host addr", "0", "the entry, or 0")]
            }
            Kind::GrantAccess => vec![
                self.domain_field(false),
                typed("ref", self.unused_ref(), "unused"),
                typed("frame", self.frames(1), "its own"),
                typed("to", "dom0", ""),
                choice("access", "writable", &["writable", "read only"]),
            ],
            Kind::EndAccess | Kind::RevokeGrant => {
                let gref = self.grant.map_or_else(|| self.in_use(), |(_, gref)| format!("{:X}", gref.0));
                vec![self.domain_field(true), typed("ref", gref, "")]
            }
            Kind::GiveBack => vec![self.domain_field(false), typed("frame", self.frames(1), "its own")],
            Kind::KillDomain => vec![self.domain_field(false)],
            Kind::CreateDomain => {
                let free = (5..).map(DomId).find(|dom| self.look.xen.domain(*dom).is_none()).unwrap_or(DomId(9));
                vec![
                    typed("domain", free.0.to_string(), "unused"),
                    typed("frames from", "60000", ""),
                    typed("count", "8", ""),
                ]
            }
            Kind::Inject => {
                let names = TARGETS.map(|(name, _)| name);
                vec![choice("call", names[0], &names), typed("nth", "1", "the next"), typed("answer", "-22", "EINVAL")]
            }
            Kind::FaultpageDebug => vec![typed("lines", "1", "")],
        }
    }

    /// The first grant of a domain that is offered at all.
    fn in_use(&self) -> String {
        let dom = self.domain(true);
        let first = (0..self.look.xen.grant_entries(dom)).find(|gref| {
            self.look.xen.shared_entry(self.look.memory, dom, GrantRef(*gref)).is_some_and(|entry| entry.flags != 0)
        });
        format!("{:X}", first.unwrap_or(8))
    }

    /// The op that the fields say, or what is wrong with which of them.
    pub fn read(&self, kind: Kind, values: &[String]) -> Result<Op, Vec<(usize, String)>> {
        let mut read = Reader { values, wrong: Vec::new() };
        let act = self.act(kind, &mut read);
        match (act, read.wrong.is_empty()) {
            (Some(act), true) => Ok(Op { machine: self.machine, act }),
            (None, true) => Err(vec![(0, "Nobody is there to do this: start a process first.".to_owned())]),
            (_, false) => Err(read.wrong),
        }
    }

    fn act(&self, kind: Kind, read: &mut Reader<'_>) -> Option<Act> {
        match kind {
            Kind::GrantAccess => Some(Act::Guest(GuestOp::GrantAccess {
                domid: read.domain(0),
                gref: GrantRef(read.small(1)),
                frame: read.small(2),
                to: read.domain(3),
                readonly: read.value(4) == "read only",
            })),
            Kind::EndAccess => {
                Some(Act::Guest(GuestOp::EndAccess { domid: read.domain(0), gref: GrantRef(read.small(1)) }))
            }
            Kind::RevokeGrant => {
                Some(Act::Guest(GuestOp::RevokeGrant { domid: read.domain(0), gref: GrantRef(read.small(1)) }))
            }
            Kind::GiveBack => {
                Some(Act::Guest(GuestOp::GiveBack { domid: read.domain(0), mfn: Mfn(read.hex(1, "a frame")) }))
            }
            Kind::KillDomain => Some(Act::Outside(OutsideOp::KillDomain { domid: read.domain(0) })),
            Kind::CreateDomain => {
                let frames = vec![FrameRange { first: Mfn(read.hex(1, "a frame")), count: read.count(2, 4096) as u32 }];
                Some(Act::Outside(OutsideOp::CreateDomain { domid: read.domain(0), frames }))
            }
            Kind::Inject => {
                let what = TARGETS
                    .iter()
                    .find(|(name, _)| *name == read.value(0))
                    .map_or(Target::Hypercall, |(_, what)| *what);
                let nth = read.count(1, u64::from(u32::MAX)) as u32;
                Some(Act::Outside(OutsideOp::Inject { what, nth, ret: read.signed(2) }))
            }
            Kind::FaultpageDebug => {
                Some(Act::Outside(OutsideOp::FaultpageDebug { lines: read.signed(0).clamp(-1, 1 << 20) as i32 }))
            }
            Kind::Spawn => Some(Act::Dom0(Dom0Op::Spawn {})),
            Kind::UnmapGrant => {
                let handle = Handle(read.count(0, u64::from(u32::MAX)) as u32);
                Some(Act::Dom0(Dom0Op::UnmapGrant { handle, host_addr: Word(read.hex(1, "an address")) }))
            }
            Kind::Mmap
            | Kind::MmapBatch
            | Kind::IoctlMmap
            | Kind::AddMfns
            | Kind::RegisterPtes
            | Kind::AddGrefPte
            | Kind::AddGrefs
            | Kind::Read
            | Kind::Write
            | Kind::Run
            | Kind::Fault
            | Kind::Fork
            | Kind::Munmap
            | Kind::ReleaseGrefs
            | Kind::Exit
            | Kind::Mprotect
            | Kind::Mincore => self.dom0_act(kind, self.space?, read).map(Act::Dom0),
        }
    }

    fn dom0_act(&self, kind: Kind, space: AsId, read: &mut Reader<'_>) -> Option<Dom0Op> {
        let access = match kind {
            Kind::Write => Access::Write,
            Kind::Run => Access::Execute,
            _ => Access::Read,
        };
        Some(match kind {
            Kind::Read | Kind::Write | Kind::Run => Dom0Op::Touch { space, addr: read.address(0), access },
            Kind::Fork => Dom0Op::Fork { space },
            Kind::Exit => Dom0Op::Exit { space },
            Kind::Mmap => Dom0Op::Mmap {
                space,
                addr: read.address(0),
                len: Word(read.count(1, u64::MAX)),
                prot: read.rights(2),
                maxprot: 0xF,
                dev: Dev(if read.value(3) == "xpvtap" { 2 } else { 1 }),
            },
            Kind::MmapBatch => {
                let mfns = read.list(2, "a frame", 1024).into_iter().map(Word).collect();
                Dom0Op::IoctlMmapbatch { space, domid: read.domain(0), addr: read.address(1), mfns }
            }
            Kind::IoctlMmap => {
                let (va, mfn, npages) = (read.address(1), Word(read.hex(2, "a frame")), Word(read.count(3, u64::MAX)));
                Dom0Op::IoctlMmap { space, domid: read.domain(0), entries: vec![MmapEntry { va, mfn, npages }] }
            }
            Kind::Munmap => Dom0Op::Munmap { space, addr: read.address(0), len: Word(read.count(1, u64::MAX)) },
            Kind::Mprotect => Dom0Op::Mprotect {
                space,
                addr: read.address(0),
                len: Word(read.count(1, u64::MAX)),
                prot: u32::from(read.rights(2)),
            },
            Kind::Mincore => Dom0Op::Mincore { space, addr: read.address(0), len: Word(read.count(1, u64::MAX)) },
            Kind::Fault => Dom0Op::Fault {
                space,
                addr: read.address(0),
                len: Word(read.count(1, u64::MAX)),
                kind: FaultType(read.index(2, &KINDS)),
                rw: SegRw(read.index(3, &WISHES)),
            },
            _ => return self.driver_act(kind, read),
        })
    }

    /// The driver's own doors name a segment: the one around the address.
    fn driver_act(&self, kind: Kind, read: &mut Reader<'_>) -> Option<Dom0Op> {
        let place = match kind {
            Kind::AddMfns | Kind::AddGrefs => 1,
            _ => 0,
        };
        let addr = read.address(place);
        let Some((seg, _)) = self.space.and_then(|space| self.look.segment_at(space, addr)) else {
            read.wrong.push((place, "No segment contains this address.".to_owned()));
            return None;
        };
        Some(match kind {
            Kind::AddMfns => {
                let (mfn, count) = (Word(read.hex(2, "a frame")), Word(read.count(3, u64::MAX)));
                Dom0Op::AddMfns { seg, addr, mfn, count, domid: read.domain(0) }
            }
            Kind::RegisterPtes => Dom0Op::RegisterPtes { seg, addr, npages: Word(read.count(1, u64::MAX)) },
            Kind::AddGrefPte => Dom0Op::AddGrefPte { seg, addr, pte_ma: Word(read.hex(1, "a machine address")) },
            Kind::AddGrefs => {
                let grefs = read.list(2, "a reference", 64).into_iter().map(|gref| GrantRef(gref as u32)).collect();
                let flags = u32::from(read.value(3) == "writable");
                Dom0Op::AddGrefs { seg, addr, flags, grefs, domid: read.domain(0) }
            }
            Kind::ReleaseGrefs => Dom0Op::ReleaseGrefs { seg, addr, count: read.count(1, u64::from(u32::MAX)) as u32 },
            _ => return None,
        })
    }

    /// An op with everything as prefilled, if that can be read.
    pub fn prefilled(&self, kind: Kind) -> Option<Op> {
        let values: Vec<String> = self.blanks(kind).into_iter().map(|blank| blank.value).collect();
        self.read(kind, &values).ok()
    }
}

/// Reads field after field and remembers what was wrong; a wrong field reads as zero and nothing is done with it.
struct Reader<'v> {
    values: &'v [String],
    wrong: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn value(&self, field: usize) -> &str {
        self.values.get(field).map_or("", String::as_str)
    }

    fn or_wrong<T: Default>(&mut self, field: usize, read: Result<T, String>) -> T {
        read.unwrap_or_else(|why| {
            self.wrong.push((field, why));
            T::default()
        })
    }

    fn hex(&mut self, field: usize, what: &str) -> u64 {
        let read = reading::hex(self.value(field), what);
        self.or_wrong(field, read)
    }

    fn address(&mut self, field: usize) -> Va {
        Va(self.hex(field, "an address"))
    }

    fn small(&mut self, field: usize) -> u32 {
        let read = reading::hex(self.value(field), "a number")
            .and_then(|value| u32::try_from(value).map_err(|_| "At most FFFF FFFF fits here.".to_owned()));
        self.or_wrong(field, read)
    }

    fn count(&mut self, field: usize, most: u64) -> u64 {
        let read = reading::count(self.value(field), most);
        self.or_wrong(field, read)
    }

    fn signed(&mut self, field: usize) -> i64 {
        let read = reading::signed(self.value(field));
        self.or_wrong(field, read)
    }

    fn list(&mut self, field: usize, what: &str, most: usize) -> Vec<u64> {
        let read = reading::hex_list(self.value(field), what, most);
        self.or_wrong(field, read)
    }

    fn domain(&mut self, field: usize) -> DomId {
        let read = reading::domain(self.value(field)).map(DomId);
        self.or_wrong(field, read)
    }

    fn rights(&mut self, field: usize) -> u8 {
        let bit = |letter, bit| if self.value(field).contains(letter) { bit } else { 0 };
        bit('r', 1) | bit('w', 2) | bit('x', 4)
    }

    fn index(&mut self, field: usize, names: &[&str]) -> u32 {
        names.iter().position(|name| *name == self.value(field)).unwrap_or(0) as u32
    }
}
