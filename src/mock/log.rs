//! The log of a step: the calls the driver made to the world outside it, read off the events.

use super::MockKernel;
use super::event::MockEvent;
use super::name::SegName;
use crate::illumos::abi::{AsId, Dev, MAP_SHARED, SegId};
use crate::illumos::event::{Call, FreedBy, KernelEvent, Return};
use crate::word::Word;
use crate::xen::abi::{MapGrantRef, UnmapGrantRef};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// An event of an operation on the mock kernel, borrowed from whatever sum it was recorded in.
#[derive(Clone, Copy, Debug)]
pub enum Noted<'e> {
    /// Of the driver and its kernel.
    Kernel(&'e KernelEvent),
    /// Of the mocks below.
    Mock(&'e MockEvent),
}

/// Resolves ids to the names a recording uses, also of segments that came and went during the step.
pub(super) struct Names<'a> {
    kernel: &'a MockKernel,
    passing: BTreeMap<SegId, &'a SegName>,
}

impl<'a> Names<'a> {
    /// Names after the step whose events are given.
    pub(super) fn after(kernel: &'a MockKernel, events: &[Noted<'a>]) -> Names<'a> {
        let passing = events.iter().filter_map(|event| match event {
            Noted::Mock(MockEvent::NameGiven { seg, name } | MockEvent::NameGone { seg, name }) => Some((*seg, name)),
            Noted::Mock(_) | Noted::Kernel(_) => None,
        });
        Names { kernel, passing: passing.collect() }
    }

    pub(super) fn seg(&self, seg: SegId) -> String {
        let live = || self.kernel.names.get(&seg);
        self.passing.get(&seg).copied().or_else(live).map_or_else(|| format!("{seg:?}"), SegName::to_string)
    }

    pub(super) fn space(&self, space: AsId) -> String {
        self.kernel.space(space).map_or_else(|| format!("{space:?}"), |space| space.name.to_string())
    }
}

/// The name of a device's vnode.
pub(super) fn vnode(dev: Dev) -> String {
    format!("dev{dev}")
}

/// The name of a device's common vnode.
pub(super) fn common(dev: Dev) -> String {
    format!("dev{dev}.common")
}

/// The outgoing calls of a step in order, as a recording's `log` writes them. `kernel` is the world after the step.
#[must_use]
pub fn log_of(kernel: &MockKernel, events: &[Noted<'_>]) -> Value {
    let names = Names::after(kernel, events);
    let mut log: Vec<Value> = Vec::new();
    let mut open: Vec<Option<usize>> = Vec::new();
    let mut injected = false;
    for event in events {
        match event {
            Noted::Kernel(KernelEvent::Called(call)) => {
                let line = line_of(call, &names);
                open.push(line.is_some().then_some(log.len()));
                log.extend(line);
            }
            Noted::Kernel(KernelEvent::Injected) => injected = true,
            Noted::Kernel(KernelEvent::Returned(with)) => {
                let line = open.pop().flatten().and_then(|index| log.get_mut(index)).and_then(Value::as_object_mut);
                if let Some(line) = line {
                    close(line, with, injected);
                }
                injected = false;
            }
            Noted::Kernel(_) | Noted::Mock(_) => {}
        }
    }
    Value::Array(log)
}

/// The members a line gets when its call returns.
fn close(line: &mut Map<String, Value>, with: &Return, injected: bool) {
    match with {
        Return::Errno(errno) => {
            line.insert("ret".into(), json!(errno));
        }
        Return::Hypercall(ret) => {
            line.insert("ret".into(), json!(ret));
        }
        Return::MapGrantRefs(ret, ops) => {
            line.insert("ops".into(), ops.iter().map(map_op).collect());
            line.insert("ret".into(), json!(ret));
        }
        Return::UnmapGrantRefs(ret, ops) => {
            line.insert("ops".into(), ops.iter().map(unmap_op).collect());
            line.insert("ret".into(), json!(ret));
        }
        Return::Void | Return::Fault(_) | Return::Value(_) => {}
    }
    if injected {
        line.insert("injected".into(), json!(true));
    }
}

fn map_op(op: &MapGrantRef) -> Value {
    let MapGrantRef { host_addr, flags, gref, dom, status, handle } = op;
    json!({"host_addr": host_addr, "flags": flags, "ref": gref, "dom": dom, "status": status, "handle": handle})
}

fn unmap_op(op: &UnmapGrantRef) -> Value {
    let UnmapGrantRef { host_addr, dev_bus_addr, handle, status } = op;
    json!({"host_addr": host_addr, "dev_bus_addr": dev_bus_addr, "handle": handle, "status": status})
}

fn freed_by(by: FreedBy) -> &'static str {
    match by {
        FreedBy::Driver => "driver",
        FreedBy::AsMap => "as_map",
        FreedBy::AsDup => "as_dup",
    }
}

/// The line of a call that leaves the driver; none for one inside it or above it.
fn line_of(call: &Call, names: &Names<'_>) -> Option<Value> {
    Some(match call {
        Call::HatMap { space, addr, len, flags } => {
            json!({"call": "hat_map", "as": names.space(*space), "addr": addr, "len": Word(*len), "flags": flags})
        }
        Call::HatDevload { space, addr, len, pfn, attr, flags } => json!({
            "call": "hat_devload", "as": names.space(*space), "addr": addr, "len": Word(*len), "pfn": pfn, "attr": attr,
            "flags": flags,
        }),
        Call::HatUnload { space, addr, len, flags } => {
            json!({"call": "hat_unload", "as": names.space(*space), "addr": addr, "len": Word(*len), "flags": flags})
        }
        Call::HatUnlock { space, addr, len } => {
            json!({"call": "hat_unlock", "as": names.space(*space), "addr": addr, "len": Word(*len)})
        }
        Call::UpdateVaMappingOtherdomain { va, pte, flags, domid } => json!({
            "call": "update_va_mapping_otherdomain", "va": va, "pte": pte, "flags": flags, "domid": domid,
        }),
        Call::MapGrantRefs { count } => json!({"call": "grant_table_op", "cmd": "map_grant_ref", "count": count}),
        Call::UnmapGrantRefs { count } => json!({"call": "grant_table_op", "cmd": "unmap_grant_ref", "count": count}),
        Call::Specfind { dev } => json!({"call": "specfind", "dev": dev, "vtype": "VCHR", "vnode": vnode(*dev)}),
        Call::VopAddmap { dev, space, off, addr, len, prot, maxprot } => json!({
            "call": "VOP_ADDMAP", "vnode": common(*dev), "off": off, "as": names.space(*space), "addr": addr,
            "len": Word(*len), "prot": prot, "maxprot": maxprot, "flags": MAP_SHARED,
        }),
        Call::VopDelmap { dev, space, off, addr, len, prot, maxprot } => json!({
            "call": "VOP_DELMAP", "vnode": common(*dev), "off": off, "as": names.space(*space), "addr": addr,
            "len": Word(*len), "prot": prot, "maxprot": maxprot, "flags": MAP_SHARED,
        }),
        Call::VnHold { dev } => json!({"call": "VN_HOLD", "vnode": vnode(*dev)}),
        Call::VnRele { dev } => json!({"call": "VN_RELE", "vnode": vnode(*dev)}),
        Call::SegFree { seg, by } => json!({"call": "seg_free", "seg": names.seg(*seg), "by": freed_by(*by)}),
        Call::CvBroadcast { space } => json!({"call": "cv_broadcast", "as": names.space(*space)}),
        Call::AsMap { .. }
        | Call::AsUnmap { .. }
        | Call::AsFault { .. }
        | Call::AsDup { .. }
        | Call::AsFree { .. }
        | Call::AsSetprot { .. }
        | Call::AsIncore { .. }
        | Call::IoctlMmap { .. }
        | Call::IoctlMmapBatch { .. }
        | Call::TapRegister { .. }
        | Call::SegmfCreate { .. }
        | Call::SegmfDup { .. }
        | Call::SegmfUnmap { .. }
        | Call::SegmfFree { .. }
        | Call::SegmfFault { .. }
        | Call::SegmfFaultpage { .. }
        | Call::SegmfSoftunlock { .. }
        | Call::SegmfSetprot { .. }
        | Call::SegmfIncore { .. }
        | Call::SegmfAddMfns { .. }
        | Call::SegmfAddGrefs { .. }
        | Call::SegmfReleaseGrefs { .. }
        | Call::SegmfAddGrefPte { .. }
        | Call::HatPrepareMapping { .. }
        | Call::HatReleaseMapping { .. }
        | Call::HatFreeStart { .. }
        | Call::HatFreeEnd { .. }
        | Call::MmuUpdate { .. }
        | Call::PtwrEmulate { .. }
        | Call::UpdateVaMapping { .. }
        | Call::PinTable { .. }
        | Call::UnpinTable { .. }
        | Call::Uprintf { .. } => return None,
    })
}
