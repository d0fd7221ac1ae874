//! What a recording writes down of a step: the answer with all it shows, and the world after it.

use super::answer::SegAnswer;
use super::event::MockEvent;
use super::hypervisor::Mapping;
use super::log::{Names, Noted, common, log_of, vnode};
use super::{MockKernel, SegName};
use crate::illumos::abi::SegId;
use crate::illumos::event::KernelEvent;
use crate::illumos::ports::KMEM_FILL;
use crate::illumos::seg::Seg;
use crate::illumos::seg_mf::{MapEntry, SegmfData, Tag};
use crate::trace::Halt;
use crate::word::Word;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The `out` of a step; `kernel` is the world after it.
#[must_use]
pub fn out_json(kernel: &MockKernel, outcome: &Result<SegAnswer, Halt>, events: &[Noted<'_>]) -> Value {
    let names = Names::after(kernel, events);
    let mut out = Map::new();
    match outcome {
        Ok(answer) => put_answer(&mut out, answer),
        Err(halt) => put_halt(&mut out, halt),
    }
    out.insert("log".into(), log_of(kernel, events));
    let notes: Vec<Value> = events.iter().filter_map(|event| note(event, &names)).collect();
    if !notes.is_empty() {
        out.insert("events".into(), notes.into());
    }
    let outside = changed_outside(kernel, events);
    if !outside.is_empty() {
        out.insert("oob".into(), outside.into_iter().map(|(seg, all)| (names.seg(seg), json!(all))).collect());
    }
    Value::Object(out)
}

fn put_answer(out: &mut Map<String, Value>, answer: &SegAnswer) {
    out.insert("ret".into(), json!(answer.ret().map(|ret| ret.to_string())));
    out.insert("sym".into(), json!(answer.sym()));
    match answer {
        SegAnswer::Protections(_, words) => out.insert("protv".into(), json!(words)),
        SegAnswer::Incore { covered: _, ones } => out.insert("vec_ones".into(), json!(ones)),
        SegAnswer::Vnode(_, dev) => out.insert("vnode".into(), json!(common(*dev))),
        SegAnswer::MemId(_, memid) => out.insert("memid".into(), json!([common(memid.vnode), memid.page.to_string()])),
        SegAnswer::NoSuchSegment(_)
        | SegAnswer::NoSuchSpace(_)
        | SegAnswer::NoSuchDevice(_)
        | SegAnswer::NameTaken(_)
        | SegAnswer::OtherDriver(_) => out.insert("not_here".into(), json!(answer.not_here())),
        SegAnswer::Errno(_)
        | SegAnswer::Fault(_)
        | SegAnswer::Void
        | SegAnswer::Done
        | SegAnswer::Offset(_)
        | SegAnswer::Type(_)
        | SegAnswer::Policy { .. }
        | SegAnswer::Capable(_) => None,
    };
}

fn put_halt(out: &mut Map<String, Value>, halt: &Halt) {
    match halt {
        Halt::Panic(panic) => {
            out.insert("panic".into(), json!(panic.words));
            out.insert("assert".into(), json!(panic.assert_in.is_some()));
            if let Some(function) = panic.assert_in {
                out.insert("in".into(), json!(function));
            }
        }
        Halt::Wild { function, index } => {
            out.insert("wild".into(), json!({"in": function, "index": Word(*index)}));
        }
        Halt::Fuel => {
            out.insert("unfinished".into(), json!(true));
        }
    }
}

/// An inconsistency the HAT mock saw.
fn note(event: &Noted<'_>, names: &Names<'_>) -> Option<Value> {
    match event {
        Noted::Mock(MockEvent::DevloadOverValid { space, va, old_pte }) => {
            Some(json!({"event": "devload_over_valid", "as": names.space(*space), "va": va, "old_pte": old_pte}))
        }
        Noted::Mock(MockEvent::LockMissing { by, space, va }) => {
            Some(json!({"event": "lock_missing", "in": by.name(), "as": names.space(*space), "va": va}))
        }
        Noted::Mock(MockEvent::LockRemains { space, va, locks }) => {
            Some(json!({"event": "lock_remains", "as": names.space(*space), "va": va, "lock": locks}))
        }
        Noted::Mock(_) | Noted::Kernel(_) => None,
    }
}

/// The entries outside their segment that are not at the end of the step what they were at its start.
fn changed_outside(kernel: &MockKernel, events: &[Noted<'_>]) -> BTreeMap<SegId, Vec<u64>> {
    let mut touched: BTreeMap<(SegId, u64), (MapEntry, MapEntry)> = BTreeMap::new();
    for event in events {
        if let Noted::Kernel(KernelEvent::Entry { seg, index, old, new }) = event {
            touched.entry((*seg, *index)).or_insert((*old, *new)).1 = *new;
        }
    }
    let mut outside: BTreeMap<SegId, Vec<u64>> = BTreeMap::new();
    for ((seg, index), (old, new)) in touched {
        let beyond = kernel.segs.get(&seg).is_some_and(|seg| index >= seg.pages());
        if beyond && old != new {
            outside.entry(seg).or_default().push(index);
        }
    }
    outside
}

/// The `state` of a world.
#[must_use]
pub fn state_json(kernel: &MockKernel) -> Value {
    let hats: Map<String, Value> =
        kernel.spaces().map(|(id, name)| (name.to_string(), rows_json(kernel, id))).collect();
    let waiting: Vec<&str> =
        kernel.spaces().filter(|(id, _)| kernel.unmap_wait(*id)).map(|(_, name)| name.as_str()).collect();
    let vnodes: Vec<Value> = kernel
        .devices()
        .map(|(dev, counts)| json!({"name": vnode(dev), "count": counts.holds, "mapped": counts.mapped}))
        .collect();
    json!({
        "segs": kernel.segs().map(|(_, name, seg)| seg_json(kernel, name, seg)).collect::<Vec<_>>(),
        "hat": hats,
        "unmapwait": waiting,
        "grants": kernel.mappings().map(|(handle, mapping)| mapping_json(handle.0, mapping)).collect::<Vec<_>>(),
        "pte_ma": kernel.pte_ma().map(|(ma, handle)| json!([ma, handle])).collect::<Vec<_>>(),
        "vnodes": vnodes,
    })
}

fn rows_json(kernel: &MockKernel, space: crate::illumos::abi::AsId) -> Value {
    kernel.rows(space).map(|(va, row)| json!([va, row.pte, row.locks])).collect()
}

fn mapping_json(handle: u32, mapping: &Mapping) -> Value {
    let Mapping { dom, gref, mfn, readonly, host_addr } = mapping;
    json!({"handle": handle, "dom": dom, "ref": gref, "mfn": mfn, "readonly": readonly, "host_addr": host_addr})
}

fn seg_json(kernel: &MockKernel, name: &SegName, seg: &Seg) -> Value {
    let mut shown = Map::new();
    shown.insert("name".into(), json!(name));
    shown.insert("as".into(), json!(kernel.space(seg.space).map(|space| &space.name)));
    shown.insert("base".into(), json!(seg.base));
    shown.insert("npages".into(), json!(seg.pages()));
    match seg.mf() {
        Some(data) => put_data(&mut shown, data),
        None => {
            shown.insert("driver".into(), json!("other"));
        }
    }
    Value::Object(shown)
}

fn put_data(shown: &mut Map<String, Value>, data: &SegmfData) {
    let SegmfData { dev, prot, maxprot, softlockcnt, domid, map } = data;
    shown.insert("prot".into(), json!(prot));
    shown.insert("maxprot".into(), json!(maxprot));
    shown.insert("domid".into(), json!(domid));
    shown.insert("softlockcnt".into(), json!(softlockcnt));
    shown.insert("vnode".into(), json!(vnode(*dev)));
    let (inside, outside): (Vec<_>, Vec<_>) = map.written().partition(|(index, _)| *index < map.pages());
    shown.insert("map".into(), inside.into_iter().filter(|(_, entry)| is_shown(entry)).map(entry_json).collect());
    if !outside.is_empty() {
        shown.insert("oob_map".into(), outside.into_iter().map(entry_json).collect());
    }
}

/// An entry that is EMPTY and whose word is still the fill is left out, whatever the members nobody shows hold.
fn is_shown(entry: &MapEntry) -> bool {
    entry.tag != Tag::Empty || entry.word != Word(KMEM_FILL)
}

fn entry_json((index, entry): (u64, &MapEntry)) -> Value {
    let MapEntry { tag, word, gref, flags, handle } = entry;
    match tag {
        Tag::Empty | Tag::Unset => json!({"i": index, "type": tag, "ptep": word}),
        Tag::Mfn => json!({"i": index, "type": tag, "mfn": word}),
        Tag::Gref => {
            json!({"i": index, "type": tag, "gref": gref, "ptep": word, "flags": flags, "handle": handle})
        }
    }
}
