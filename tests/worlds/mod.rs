//! Machines and ops that several tests start from.

#![allow(dead_code, reason = "each test takes what it needs")]

use mapscope::illumos::abi::{AsId, KernelBuild};
use mapscope::sim::op::{Dom0Op, GuestOp, OutsideOp};
use mapscope::sim::setup::{DomainSetup, FrameRange, XenSetup};
use mapscope::sim::{Act, MachineId, MachineSetup, Op, World};
use mapscope::x86::addr::Mfn;
use mapscope::xen::abi::{DomId, GrantRef};
use mapscope::xen::{Era, XenBuild};

/// The machine every world here has.
pub const MACHINE: MachineId = MachineId(0);

/// An op of dom0.
pub fn dom0(op: Dom0Op) -> Op {
    Op { machine: MACHINE, act: Act::Dom0(op) }
}

/// An op of a guest.
pub fn guest(op: GuestOp) -> Op {
    Op { machine: MACHINE, act: Act::Guest(op) }
}

/// An op from outside.
pub fn outside(op: OutsideOp) -> Op {
    Op { machine: MACHINE, act: Act::Outside(op) }
}

/// Domain 7 offers a frame to dom0.
pub fn offer(gref: u32, frame: u32, readonly: bool) -> Op {
    guest(GuestOp::GrantAccess { domid: DomId(7), gref: GrantRef(gref), to: DomId(0), frame, readonly })
}

/// Frames in a row.
pub fn range(first: u64, count: u32) -> FrameRange {
    FrameRange { first: Mfn(first), count }
}

/// A Xen machine whose page tables come out of `pool`, with some domains: id, and runs of frames.
pub fn xen_setup(pool: FrameRange, domains: &[(u16, &[FrameRange])]) -> XenSetup {
    let domains = domains.iter().map(|(id, frames)| DomainSetup { id: DomId(*id), frames: frames.to_vec() }).collect();
    XenSetup { era: Era::V3_3, xen: XenBuild::Release, kernel: KernelBuild::Production, pool: vec![pool], domains }
}

/// A world of one such machine.
pub fn world(setup: XenSetup) -> World {
    World::build(&[MachineSetup::Xen(setup)]).expect("a set-up of the tests can be built")
}

/// The first process.
pub const FIRST: AsId = AsId(0);
/// Its first fork.
pub const CHILD: AsId = AsId(1);
