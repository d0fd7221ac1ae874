//! The closed set of machines, and what each makes of its ops.

use super::answer::{Answer, BareAnswer, IllumosAnswer, NotThere, XenAnswer};
use super::op::{Act, BareOp, Dom0Op, GuestOp, MachineId, OutsideOp, Touch};
use super::setup::{BareSetup, Built, MachineSetup, RecordedSetup, SetupError, build_one, frames};
use crate::illumos::abi::{AsId, Errno, SegId};
use crate::illumos::address_space::Unmapped;
use crate::illumos::dom0::{Dom0, Kernel, KernelTrace};
use crate::illumos::ports::{KernelPort, SpacePort};
use crate::illumos::seg_mf::{self, CreateArgs};
use crate::mock::{MockEvent, MockKernel};
use crate::trace::{Emit, Halt};
use crate::word::Word;
use crate::x86::PteEvent;
use crate::x86::addr::Ma;
use crate::x86::cpu::{Cpu, Invpcid};
use crate::x86::memory::Memory;
use crate::x86::pte::Pte;
use crate::x86::regs::Cr4;
use crate::x86::rights::Request;
use crate::xen::Hypervisor;
use crate::xen::abi::{DomId, GntStatus, UnmapGrantRef};
use crate::xen::domain::Life;

/// An answer, or what the op named in vain; the halt outside.
type Found = Result<Result<Answer, NotThere>, Halt>;

/// A machine of the world.
#[allow(clippy::large_enum_variant, reason = "a world has a handful of machines, and nearly all are of the large kind")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Machine {
    /// A processor and its tables.
    Bare(BareMachine),
    /// Xen with illumos in dom0.
    Xen(XenMachine),
    /// A recording's mock kernel.
    Recorded(MockKernel),
}

/// Who listens to a machine of any kind.
pub trait MachineTrace: KernelTrace + Emit<MockEvent> {}
impl<T: KernelTrace + Emit<MockEvent>> MachineTrace for T {}

/// A processor and its tables.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BareMachine {
    /// Its memory.
    pub memory: Memory,
    /// Its processor.
    pub cpu: Cpu,
}

/// Xen with illumos in dom0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct XenMachine {
    /// The machine's memory.
    pub memory: Memory,
    /// Its processor.
    pub cpu: Cpu,
    /// What the hypervisor knows.
    pub xen: Hypervisor,
    /// What dom0's kernel knows.
    pub kernel: Kernel,
}

impl Machine {
    /// Builds a machine.
    ///
    /// # Errors
    /// What in the set-up cannot be built.
    pub fn build(setup: &MachineSetup) -> Result<Machine, SetupError> {
        Ok(match setup {
            MachineSetup::Bare(setup) => Machine::Bare(BareMachine::build(setup)?),
            MachineSetup::Xen(setup) => {
                let Built { memory, xen, kernel } = setup.build()?;
                Machine::Xen(XenMachine { memory, cpu: Cpu::default(), xen, kernel })
            }
            MachineSetup::Recorded(RecordedSetup { setup, kernel, stack }) => match setup.ambiguity() {
                Some(why) => return Err(SetupError::Ambiguous(why)),
                None => Machine::Recorded(MockKernel::new(setup, *kernel, *stack)),
            },
        })
    }

    /// Does one act; what is not for this kind of machine is answered as such.
    ///
    /// # Errors
    /// Only a halt.
    pub fn apply(&mut self, id: MachineId, act: &Act, trace: &mut impl MachineTrace) -> Result<Answer, Halt> {
        let answer = match (self, act) {
            (Machine::Bare(machine), Act::Bare(op)) => return machine.apply(op, trace).map(Answer::Bare),
            (Machine::Xen(machine), Act::Dom0(op)) => machine.do_dom0(op, trace)?,
            (Machine::Xen(machine), Act::Guest(op)) => machine.do_guest(op, trace)?,
            (Machine::Xen(machine), Act::Outside(op)) => machine.do_outside(op, trace)?,
            (Machine::Recorded(kernel), Act::Recorded(op)) => return kernel.apply(op, trace).map(Answer::Recorded),
            (Machine::Bare(_), Act::Dom0(_) | Act::Guest(_) | Act::Outside(_) | Act::Recorded(_))
            | (Machine::Xen(_), Act::Bare(_) | Act::Recorded(_))
            | (Machine::Recorded(_), Act::Bare(_) | Act::Dom0(_) | Act::Guest(_) | Act::Outside(_)) => {
                Err(NotThere::Kind(id))
            }
        };
        Ok(answer.unwrap_or_else(Answer::NotThere))
    }
}

impl BareMachine {
    /// Fills the memory, then starts the processor.
    fn build(setup: &BareSetup) -> Result<BareMachine, SetupError> {
        let mut memory = Memory::default();
        let wide = setup.processor.cr4.0 & Cr4::PAE.bits() != 0;
        setup.entries.iter().for_each(|entry| store(&mut memory, wide, entry.at, entry.value));
        let cpu = Cpu::booted(&setup.processor, &memory)?;
        Ok(BareMachine { memory, cpu })
    }

    fn apply(&mut self, op: &BareOp, trace: &mut impl Emit<PteEvent>) -> Result<BareAnswer, Halt> {
        let BareMachine { memory, cpu } = self;
        let loaded = match *op {
            BareOp::Write { at, value } => {
                let wide = cpu.regs().cr4.contains(Cr4::PAE);
                let (old, new) = if wide {
                    (memory.word(at), value.0)
                } else {
                    (u32::from_le_bytes(memory.bytes(at)).into(), value.0 & 0xffff_ffff)
                };
                trace.emit(PteEvent::Written { at, old: Pte(old), new: Pte(new) })?;
                store(memory, wide, at, value);
                Ok(())
            }
            BareOp::LoadCr0 { value } => cpu.load_cr0(value.0, memory, trace)?,
            BareOp::LoadCr3 { value } => cpu.load_cr3(value.0, memory, trace)?,
            BareOp::LoadCr4 { value } => cpu.load_cr4(value.0, memory, trace)?,
            BareOp::LoadEfer { value } => cpu.load_efer(value.0, trace)?,
            BareOp::LoadPkru { keys } => cpu.load_pkru(keys, trace)?,
            BareOp::LoadPkrs { keys } => cpu.load_pkrs(keys, trace)?,
            BareOp::Invlpg { va } => {
                cpu.forget(va, trace)?;
                Ok(())
            }
            BareOp::Invpcid { kind, pcid, va } => cpu.invpcid(Invpcid { kind: kind.0, pcid: pcid.0, va }, trace)?,
            BareOp::Touch(Touch { va, access, mode, bytes, implicit, ac, stack }) => {
                let request = Request { access, mode, implicit, ac, stack };
                let reached = cpu.reach_bytes(memory, va, u64::from(bytes.get()), request, trace)?;
                return Ok(match reached {
                    Ok((first, second)) => BareAnswer::Accessed { at: first.at, second: second.map(|page| page.at) },
                    Err(exception) => BareAnswer::Raised(exception),
                });
            }
        };
        Ok(match loaded {
            Ok(()) => BareAnswer::Done,
            Err(rule) => BareAnswer::Forbidden(rule),
        })
    }
}

/// Stores an entry of 8 or of 4 bytes.
fn store(memory: &mut Memory, wide: bool, at: Ma, value: Word) {
    if wide { memory.store_word(at, value.0) } else { memory.store(at, &(value.0 as u32).to_le_bytes()) }
}

impl XenMachine {
    fn at_work<'m, T>(&'m mut self, trace: &'m mut T) -> Dom0<'m, T> {
        let XenMachine { memory, cpu, xen, kernel } = self;
        Dom0 { kernel, xen, memory, cpu, trace }
    }

    fn has_space(&self, space: AsId) -> Result<(), NotThere> {
        self.kernel.space(space).map(|_| ()).ok_or(NotThere::Space(space))
    }

    fn has_seg(&self, seg: SegId) -> Result<(), NotThere> {
        self.kernel.seg(seg).map(|_| ()).ok_or(NotThere::Seg(seg))
    }

    /// A domain that can still act.
    fn has_live_domain(&self, domid: DomId) -> Result<(), NotThere> {
        let live = self.xen.domain(domid).filter(|domain| domain.life == Life::Live);
        live.map(|_| ()).ok_or(NotThere::Domain(domid))
    }

    fn do_dom0(&mut self, op: &Dom0Op, trace: &mut impl KernelTrace) -> Found {
        let found = match op {
            Dom0Op::Mmap { space, .. }
            | Dom0Op::IoctlMmap { space, .. }
            | Dom0Op::IoctlMmapbatch { space, .. }
            | Dom0Op::Touch { space, .. }
            | Dom0Op::Fault { space, .. }
            | Dom0Op::Fork { space }
            | Dom0Op::Munmap { space, .. }
            | Dom0Op::Mprotect { space, .. }
            | Dom0Op::Mincore { space, .. }
            | Dom0Op::Exit { space } => self.has_space(*space),
            Dom0Op::AddMfns { seg, .. }
            | Dom0Op::RegisterPtes { seg, .. }
            | Dom0Op::AddGrefPte { seg, .. }
            | Dom0Op::AddGrefs { seg, .. }
            | Dom0Op::ReleaseGrefs { seg, .. } => self.has_seg(*seg),
            Dom0Op::Spawn {} | Dom0Op::UnmapGrant { .. } => Ok(()),
        };
        Ok(match found {
            Ok(()) => Ok(self.at_work(trace).apply(op)?),
            Err(missing) => Err(missing),
        })
    }

    fn do_guest(&mut self, op: &GuestOp, trace: &mut impl KernelTrace) -> Found {
        let (GuestOp::GrantAccess { domid, .. }
        | GuestOp::EndAccess { domid, .. }
        | GuestOp::RevokeGrant { domid, .. }
        | GuestOp::GiveBack { domid, .. }) = *op;
        if let Err(missing) = self.has_live_domain(domid) {
            return Ok(Err(missing));
        }
        let mut dom0 = self.at_work(trace);
        let mut xen = dom0.xen();
        Ok(Ok(Answer::Xen(match *op {
            GuestOp::GrantAccess { domid, gref, to, frame, readonly } => {
                XenAnswer::Guest { entry: xen.grant_access(domid, gref, to, frame, readonly)? }
            }
            GuestOp::EndAccess { domid, gref } => XenAnswer::EndAccess(xen.end_access(domid, gref)?),
            GuestOp::RevokeGrant { domid, gref } => XenAnswer::Guest { entry: xen.revoke(domid, gref)? },
            GuestOp::GiveBack { domid, mfn } => XenAnswer::Errno(xen.give_back(domid, mfn)?),
        })))
    }

    fn do_outside(&mut self, op: &OutsideOp, trace: &mut impl KernelTrace) -> Found {
        Ok(Ok(Answer::Xen(match op {
            OutsideOp::KillDomain { domid } => XenAnswer::Errno(self.at_work(trace).xen().kill_domain(*domid)?),
            OutsideOp::Inject { what, nth, ret } => {
                self.kernel.inject(*what, (*nth).into(), *ret);
                XenAnswer::Arranged
            }
            OutsideOp::FaultpageDebug { lines } => {
                self.at_work(trace).set_faultpage_debug(*lines);
                XenAnswer::Arranged
            }
            OutsideOp::CreateDomain { domid, frames } => self.create_domain(*domid, frames),
        })))
    }

    /// A domain built while the machine runs comes from outside the model: it appears between two events.
    fn create_domain(&mut self, domid: DomId, ranges: &[super::setup::FrameRange]) -> XenAnswer {
        // Built on copies, so that a refusal leaves nothing behind; both share all they have with the machine's.
        let (mut xen, mut memory) = (self.xen.clone(), self.memory.clone());
        match frames(domid, ranges).and_then(|frames| build_one(&mut xen, &mut memory, domid, frames)) {
            Ok(()) => {
                (self.xen, self.memory) = (xen, memory);
                XenAnswer::Arranged
            }
            Err(why) => XenAnswer::NotBuilt(why.to_string()),
        }
    }
}

impl<T: KernelTrace> Dom0<'_, T> {
    fn apply(&mut self, op: &Dom0Op) -> Result<Answer, Halt> {
        Ok(Answer::Illumos(match op {
            Dom0Op::Spawn {} => match self.spawn()? {
                Ok(space) => IllumosAnswer::Space(space),
                Err(errno) => IllumosAnswer::Errno(errno),
            },
            Dom0Op::Mmap { space, addr, len, prot, maxprot, dev } => {
                let args = CreateArgs { dev: *dev, prot: *prot, maxprot: *maxprot };
                match self.as_map(*space, *addr, len.0, args)? {
                    Ok(seg) => IllumosAnswer::Seg(seg),
                    Err(errno) => IllumosAnswer::Errno(errno),
                }
            }
            Dom0Op::IoctlMmap { space, domid, entries } => {
                IllumosAnswer::Errno(self.ioctl_mmap(*space, *domid, entries)?)
            }
            Dom0Op::IoctlMmapbatch { space, domid, addr, mfns } => {
                let (errno, mfns) = self.ioctl_mmapbatch(*space, *domid, *addr, mfns.clone())?;
                IllumosAnswer::Batch { errno, mfns }
            }
            Dom0Op::AddMfns { seg, addr, mfn, count, domid } => {
                self.run(self.seg(*seg).space)?;
                IllumosAnswer::Errno(seg_mf::add_mfns(self, *seg, *addr, *mfn, count.0, *domid)?)
            }
            Dom0Op::RegisterPtes { seg, addr, npages } => {
                IllumosAnswer::Errno(self.tap_register(*seg, *addr, npages.0)?)
            }
            Dom0Op::AddGrefPte { seg, addr, pte_ma } => {
                seg_mf::add_gref_pte(self, *seg, *addr, *pte_ma)?;
                IllumosAnswer::Void
            }
            Dom0Op::AddGrefs { seg, addr, flags, grefs, domid } => {
                IllumosAnswer::Errno(self.tap_map(*seg, *addr, *flags, grefs, *domid)?)
            }
            Dom0Op::ReleaseGrefs { seg, addr, count } => IllumosAnswer::Errno(self.tap_release(*seg, *addr, *count)?),
            Dom0Op::Touch { space, addr, access } => IllumosAnswer::Touched(self.touch(*space, *addr, *access)?),
            Dom0Op::Fault { space, addr, len, kind, rw } => {
                IllumosAnswer::Fault(self.as_fault(*space, *addr, len.0, *kind, *rw)?)
            }
            Dom0Op::Fork { space } => match self.as_dup(*space)? {
                Ok(child) => IllumosAnswer::Space(child),
                Err(Errno::ENOMEM) => IllumosAnswer::Errno(Errno::ENOMEM),
                Err(_) => IllumosAnswer::Errno(Errno::EAGAIN),
            },
            Dom0Op::Munmap { space, addr, len } => IllumosAnswer::Errno(match self.as_unmap(*space, *addr, len.0)? {
                Unmapped::Done => Errno::OK,
                Unmapped::Refused => Errno::EINVAL,
            }),
            Dom0Op::Mprotect { space, addr, len, prot } => {
                IllumosAnswer::Errno(self.as_setprot(*space, *addr, len.0, *prot)?)
            }
            Dom0Op::Mincore { space, addr, len } => match self.as_incore(*space, *addr, len.0)? {
                Ok(pages) => IllumosAnswer::Resident { pages },
                Err(errno) => IllumosAnswer::Errno(errno),
            },
            Dom0Op::Exit { space } => {
                self.as_free(*space)?;
                IllumosAnswer::Void
            }
            Dom0Op::UnmapGrant { handle, host_addr } => {
                let (handle, host_addr) = (*handle, *host_addr);
                let mut op = [UnmapGrantRef { host_addr, dev_bus_addr: Word(0), handle, status: GntStatus::OKAY }];
                self.xen().unmap_grant_refs(DomId::DOM0, &mut op)?;
                return Ok(Answer::Xen(XenAnswer::Status(op[0].status)));
            }
        }))
    }
}
