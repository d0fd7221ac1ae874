//! One operation on the mock kernel, from the names in it to its answer.
//!
//! Every operation has an answer in every world: a name that is nobody's is said to be so.

use super::MockKernel;
use super::answer::SegAnswer;
use super::event::MockEvent;
use super::name::{SegName, SpaceName};
use super::op::SegmfOp;
use super::ports::MockPorts;
use crate::illumos::abi::{AsId, Errno, FaultCode, SegId};
use crate::illumos::event::{Call, FreedBy, KernelEvent, Return};
use crate::illumos::inject::Target;
use crate::illumos::ports::{Ports, SpacePort};
use crate::illumos::seg::{Behind, SegOps};
use crate::illumos::seg_mf::{self, CreateArgs, SegMf};
use crate::trace::{Emit, Halt};
use crate::word::Word;
use crate::x86::addr::Va;
use crate::xen::abi::{DomId, GrantRef};

impl MockKernel {
    /// Carries out `op`, reporting to `trace`.
    ///
    /// # Errors
    /// The halt that stopped the kernel in the middle; what it had done stays to be looked at.
    pub fn apply<T>(&mut self, op: &SegmfOp, trace: &mut T) -> Result<SegAnswer, Halt>
    where
        T: Emit<KernelEvent> + Emit<MockEvent>,
    {
        let p = &mut MockPorts { kernel: self, trace, current: AsId(0) };
        match op {
            SegmfOp::Create { seg, space, base, npages, prot, maxprot, dev } => {
                let args = CreateArgs { dev: *dev, prot: *prot, maxprot: *maxprot };
                p.create(seg, space, Va(base.0), *npages, args)
            }
            SegmfOp::Dup { seg, newseg, space } => p.slot(seg, |p, seg| p.dup(seg, newseg, space)),
            SegmfOp::CreateOther { seg, space, base, npages } => p.create_other(seg, space, Va(base.0), *npages),
            SegmfOp::Unmap { seg, addr, len } => p.slot(seg, |p, s| errno(SegMf::unmap(p, s, va(addr), len.0))),
            SegmfOp::Fault { seg, addr, len, fault: kind, rw } => {
                p.slot(seg, |p, s| fault(SegMf::fault(p, s, va(addr), len.0, *kind, *rw)))
            }
            SegmfOp::Faulta { seg, addr } => p.slot(seg, |p, s| fault(SegMf::faulta(p, s, va(addr)))),
            SegmfOp::Setprot { seg, addr, len, prot } => {
                p.slot(seg, |p, s| errno(SegMf::setprot(p, s, va(addr), len.0, *prot)))
            }
            SegmfOp::Checkprot { seg, addr, len, prot } => {
                p.slot(seg, |p, s| errno(SegMf::checkprot(p, s, va(addr), len.0, *prot)))
            }
            SegmfOp::Kluster { seg, addr, delta } => p.slot(seg, |p, s| errno(SegMf::kluster(p, s, va(addr), *delta))),
            SegmfOp::Sync { seg, addr, len, attr, flags } => {
                p.slot(seg, |p, s| errno(SegMf::sync(p, s, va(addr), len.0, attr.cast_unsigned(), *flags)))
            }
            SegmfOp::Incore { seg, addr, len } => p.slot(seg, |p, s| p.incore(s, va(addr), len.0)),
            SegmfOp::Lockop { seg, addr, len, attr, lop, pos: _ } => p.slot(seg, |p, s| {
                errno(SegMf::lockop(p, s, va(addr), len.0, attr.cast_unsigned(), lop.cast_unsigned()))
            }),
            SegmfOp::Getprot { seg, addr, len } => p.slot(seg, |p, s| {
                SegMf::getprot(p, s, va(addr), len.0).map(|(errno, words)| SegAnswer::Protections(errno, words))
            }),
            SegmfOp::Getoffset { seg, addr } => {
                p.slot(seg, |p, s| SegMf::getoffset(p, s, va(addr)).map(|offset| SegAnswer::Offset(Word(offset))))
            }
            SegmfOp::Gettype { seg, addr } => p.slot(seg, |p, s| SegMf::gettype(p, s, va(addr)).map(SegAnswer::Type)),
            SegmfOp::Getvp { seg, addr } => {
                p.slot(seg, |p, s| SegMf::getvp(p, s, va(addr)).map(|(errno, vnode)| SegAnswer::Vnode(errno, vnode)))
            }
            SegmfOp::Advise { seg, addr, len, behav } => {
                p.slot(seg, |p, s| errno(SegMf::advise(p, s, va(addr), len.0, *behav)))
            }
            SegmfOp::Dump { seg } => p.slot(seg, |p, s| SegMf::dump(p, s).map(|()| SegAnswer::Void)),
            SegmfOp::Pagelock { seg, addr, len, lock, rw } => {
                p.slot(seg, |p, s| errno(SegMf::pagelock(p, s, va(addr), len.0, *lock, *rw)))
            }
            SegmfOp::Setpagesize { seg, addr, len, szc } => {
                p.slot(seg, |p, s| errno(SegMf::setpagesize(p, s, va(addr), len.0, *szc)))
            }
            SegmfOp::Getmemid { seg, addr } => {
                p.slot(seg, |p, s| SegMf::getmemid(p, s, va(addr)).map(|(errno, memid)| SegAnswer::MemId(errno, memid)))
            }
            SegmfOp::Getpolicy { seg, addr } => p.slot(seg, |p, s| {
                SegMf::getpolicy(p, s, va(addr)).map(|policy| SegAnswer::Policy { is_some: policy.is_some() })
            }),
            SegmfOp::Capable { seg, capability } => {
                p.slot(seg, |p, s| SegMf::capable(p, s, *capability).map(SegAnswer::Capable))
            }
            SegmfOp::Inherit { seg, addr, len, behav } => {
                p.slot(seg, |p, s| errno(SegMf::inherit(p, s, va(addr), len.0, *behav)))
            }
            SegmfOp::AddMfns { seg, addr, mfn, count, domid } => {
                p.entry(seg, |p, s| errno(seg_mf::add_mfns(p, s, va(addr), *mfn, *count, *domid)))
            }
            SegmfOp::AddGrefs { seg, addr, flags, domid, grefs } => {
                p.entry(seg, |p, s| errno(seg_mf::add_grefs(p, s, va(addr), *flags, grefs, *domid)))
            }
            SegmfOp::ReleaseGrefs { seg, addr, count } => {
                p.entry(seg, |p, s| errno(seg_mf::release_grefs(p, s, va(addr), *count)))
            }
            SegmfOp::AddGrefPte { seg, addr, pte_ma } => {
                p.entry(seg, |p, s| seg_mf::add_gref_pte(p, s, va(addr), *pte_ma).map(|()| SegAnswer::Void))
            }
            SegmfOp::KillDomain { domid } => p.kill_domain(*domid),
            SegmfOp::RevokeGrant { domid, gref } => p.revoke_grant(*domid, *gref),
            SegmfOp::SetUnmapwait { space } => p.let_wait(space),
            SegmfOp::Inject { what, nth, ret } => p.inject(*what, *nth, *ret),
        }
    }
}

fn va(raw: &Word) -> Va {
    Va(raw.0)
}

fn errno(ended: Result<Errno, Halt>) -> Result<SegAnswer, Halt> {
    ended.map(SegAnswer::Errno)
}

fn fault(ended: Result<FaultCode, Halt>) -> Result<SegAnswer, Halt> {
    ended.map(SegAnswer::Fault)
}

impl<T: Emit<KernelEvent> + Emit<MockEvent>> MockPorts<'_, T> {
    /// Calls one of the driver's entries on a segment, whoever is behind it; its address space is current.
    fn entry(
        &mut self,
        name: &SegName,
        run: impl FnOnce(&mut Self, SegId) -> Result<SegAnswer, Halt>,
    ) -> Result<SegAnswer, Halt> {
        let Some(seg) = self.kernel.seg_named(name) else {
            return Ok(SegAnswer::NoSuchSegment(name.clone()));
        };
        self.current = self.seg(seg).space;
        run(self, seg)
    }

    /// Calls through a segment's vector, which must be ours.
    fn slot(
        &mut self,
        name: &SegName,
        run: impl FnOnce(&mut Self, SegId) -> Result<SegAnswer, Halt>,
    ) -> Result<SegAnswer, Halt> {
        self.entry(name, |p, seg| match p.seg(seg).behind {
            Behind::Mf(_) => run(p, seg),
            Behind::Nothing | Behind::Other => Ok(SegAnswer::OtherDriver(name.clone())),
        })
    }

    /// Why a segment of that name cannot come to be in that space.
    fn no_birth(&self, name: &SegName, space: &SpaceName) -> Result<AsId, SegAnswer> {
        match (self.kernel.seg_named(name), self.kernel.space_named(space)) {
            (Some(_), _) => Err(SegAnswer::NameTaken(name.clone())),
            (None, None) => Err(SegAnswer::NoSuchSpace(space.clone())),
            (None, Some(space)) => Ok(space),
        }
    }

    /// `as_map` with `segmf_create`: on an error the segment is freed.
    fn create(
        &mut self,
        name: &SegName,
        space: &SpaceName,
        base: Va,
        npages: u64,
        args: CreateArgs,
    ) -> Result<SegAnswer, Halt> {
        let space = match self.no_birth(name, space) {
            Ok(space) => space,
            Err(answer) => return Ok(answer),
        };
        if !self.kernel.devices.contains_key(&args.dev) {
            return Ok(SegAnswer::NoSuchDevice(args.dev));
        }
        let new = Self::range(space, base, npages);
        self.called(Call::AsMap { space, addr: base, len: new.size })?;
        let seg = self.seg_alloc(name, new, None)?;
        let error = seg_mf::create(self, seg, args)?;
        if error.is_error() {
            self.seg_free(seg, FreedBy::AsMap)?;
        }
        self.returned(Return::Errno(error))?;
        Ok(SegAnswer::Errno(error))
    }

    /// What `as_dup` does for one segment: on an error the child is freed.
    fn dup(&mut self, parent: SegId, name: &SegName, child: &SpaceName) -> Result<SegAnswer, Halt> {
        let child = match self.no_birth(name, child) {
            Ok(space) => space,
            Err(answer) => return Ok(answer),
        };
        let (space, base, pages) = (self.seg(parent).space, self.seg(parent).base, self.seg(parent).pages());
        self.called(Call::AsDup { space, child })?;
        let newseg = self.seg_alloc(name, Self::range(child, base, pages), Some(parent))?;
        let error = SegMf::dup(self, parent, newseg)?;
        if error.is_error() {
            self.seg_free(newseg, FreedBy::AsDup)?;
        }
        self.returned(Return::Errno(error))?;
        Ok(SegAnswer::Errno(error))
    }

    fn create_other(&mut self, name: &SegName, space: &SpaceName, base: Va, npages: u64) -> Result<SegAnswer, Halt> {
        let space = match self.no_birth(name, space) {
            Ok(space) => space,
            Err(answer) => return Ok(answer),
        };
        let mut other = Self::range(space, base, npages);
        other.behind = Behind::Other;
        self.seg_alloc(name, other, None)?;
        Ok(SegAnswer::Done)
    }

    fn incore(&mut self, seg: SegId, addr: Va, len: u64) -> Result<SegAnswer, Halt> {
        let (covered, ones) = SegMf::incore(self, seg, addr, len)?;
        Ok(SegAnswer::Incore { covered, ones })
    }

    /// Later maps and updates fail; what is mapped stays and can be unmapped. A domain that is not there stays so.
    fn kill_domain(&mut self, dom: DomId) -> Result<SegAnswer, Halt> {
        if self.kernel.domains.get(&dom).is_some_and(|domain| domain.alive) {
            self.trace.emit(MockEvent::DomainKilled { dom })?;
            if let Some(domain) = self.kernel.domains.get_mut(&dom) {
                domain.alive = false;
            }
        }
        Ok(SegAnswer::Done)
    }

    /// Later maps of it fail; what is mapped stays.
    fn revoke_grant(&mut self, dom: DomId, gref: GrantRef) -> Result<SegAnswer, Halt> {
        let grant = self.kernel.domains.get(&dom).and_then(|domain| domain.grants.get(&gref));
        if grant.is_some_and(|grant| !grant.revoked) {
            self.trace.emit(MockEvent::GrantRevoked { dom, gref })?;
            if let Some(grant) = self.kernel.domains.get_mut(&dom).and_then(|domain| domain.grants.get_mut(&gref)) {
                grant.revoked = true;
            }
        }
        Ok(SegAnswer::Done)
    }

    fn let_wait(&mut self, space: &SpaceName) -> Result<SegAnswer, Halt> {
        let Some(space) = self.kernel.space_named(space) else {
            return Ok(SegAnswer::NoSuchSpace(space.clone()));
        };
        self.set_unmap_wait(space, true)?;
        Ok(SegAnswer::Done)
    }

    fn inject(&mut self, what: Target, nth: u64, ret: i64) -> Result<SegAnswer, Halt> {
        self.trace.emit(MockEvent::InjectionArranged { what, nth, ret })?;
        self.kernel.injections.arrange(what, nth, ret);
        Ok(SegAnswer::Done)
    }
}
