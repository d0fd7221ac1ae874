//! Operations of a recording in words: who calls which function of the driver with what, and what it answered.

use crate::mock::{SegAnswer, SegName, SegmfOp};
use crate::view::calls::{address, rights};
use crate::view::glyph::Glyph;
use crate::view::names::{Names, counted};
use crate::word::Word;
use crate::x86::addr::Va;

/// Who does what.
pub fn deed(op: &SegmfOp) -> String {
    let at = |addr: &Word| address(Va(addr.0));
    let slot = |seg: &SegName| format!("{} of {seg}", op.name());
    match op {
        SegmfOp::Create { seg, space, base, npages, prot, .. } => {
            let count = counted(*npages, "page", "pages");
            format!("{space} maps {seg}: {count} at {}, {}", at(base), rights(u32::from(*prot)))
        }
        SegmfOp::Dup { seg, newseg, space } => format!("fork copies {seg} to {newseg} in {space}"),
        SegmfOp::CreateOther { seg, space, base, .. } => {
            format!("{space} maps {seg} of another driver at {}", at(base))
        }
        SegmfOp::Unmap { seg, addr, len } => format!("unmap {seg}, {:#x} bytes at {}", len.0, at(addr)),
        SegmfOp::Fault { seg, addr, fault, rw, .. } => format!("fault in {seg} at {}: {fault:?}, {rw:?}", at(addr)),
        SegmfOp::AddMfns { seg, addr, mfn, count, domid } => {
            let count = counted(*count, "frame", "frames");
            format!("add {count} of {} from {:X} to {seg} at {}", Names::domain(*domid), mfn.0, at(addr))
        }
        SegmfOp::AddGrefs { seg, addr, domid, grefs, .. } => {
            let count = counted(grefs.len() as u64, "grant", "grants");
            format!("add {count} of {} to {seg} at {}", Names::domain(*domid), at(addr))
        }
        SegmfOp::ReleaseGrefs { seg, addr, count } => {
            format!("release {} of {seg} at {}", counted(u64::from(*count), "grant", "grants"), at(addr))
        }
        SegmfOp::AddGrefPte { seg, addr, pte_ma } => {
            format!("register the entry at {:X} for {seg}, {}", pte_ma.0, at(addr))
        }
        SegmfOp::Faulta { seg, addr }
        | SegmfOp::Setprot { seg, addr, .. }
        | SegmfOp::Checkprot { seg, addr, .. }
        | SegmfOp::Kluster { seg, addr, .. }
        | SegmfOp::Sync { seg, addr, .. }
        | SegmfOp::Incore { seg, addr, .. }
        | SegmfOp::Lockop { seg, addr, .. }
        | SegmfOp::Getprot { seg, addr, .. }
        | SegmfOp::Getoffset { seg, addr }
        | SegmfOp::Gettype { seg, addr }
        | SegmfOp::Getvp { seg, addr }
        | SegmfOp::Advise { seg, addr, .. }
        | SegmfOp::Pagelock { seg, addr, .. }
        | SegmfOp::Setpagesize { seg, addr, .. }
        | SegmfOp::Getmemid { seg, addr }
        | SegmfOp::Getpolicy { seg, addr }
        | SegmfOp::Inherit { seg, addr, .. } => format!("{} at {}", slot(seg), at(addr)),
        SegmfOp::Dump { seg } | SegmfOp::Capable { seg, .. } => slot(seg),
        SegmfOp::KillDomain { domid } => format!("{} dies", Names::domain(*domid)),
        SegmfOp::RevokeGrant { domid, gref } => format!("{} revokes ref {:X}", Names::domain(*domid), gref.0),
        SegmfOp::SetUnmapwait { space } => format!("somebody waits for an unmap in {space}"),
        SegmfOp::Inject { what, nth, ret } => format!("arranged: call {nth} of {what:?} from now answers {ret}"),
    }
}

/// An answer in the driver's own word.
pub fn answer_word(answer: &SegAnswer) -> String {
    match answer.not_here() {
        Some(why) => why,
        None => match (answer.sym(), answer.ret()) {
            (Some(name), _) if name == "OK" => "0".to_owned(),
            (Some(name), _) => name,
            (None, Some(value)) => value.to_string(),
            (None, None) => "done".to_owned(),
        },
    }
}

/// The shape of a step that was not refused.
pub fn glyph(op: &SegmfOp) -> Glyph {
    match op {
        SegmfOp::Create { .. } | SegmfOp::CreateOther { .. } | SegmfOp::AddMfns { .. } => Glyph::Map,
        SegmfOp::Dup { .. } => Glyph::Dup,
        SegmfOp::Unmap { .. } | SegmfOp::ReleaseGrefs { .. } | SegmfOp::RevokeGrant { .. } => Glyph::Unmap,
        SegmfOp::Fault { .. } | SegmfOp::Faulta { .. } => Glyph::Fault,
        SegmfOp::AddGrefs { .. } => Glyph::Grant,
        SegmfOp::KillDomain { .. } => Glyph::Exit,
        SegmfOp::Setprot { .. }
        | SegmfOp::Checkprot { .. }
        | SegmfOp::Kluster { .. }
        | SegmfOp::Sync { .. }
        | SegmfOp::Incore { .. }
        | SegmfOp::Lockop { .. }
        | SegmfOp::Getprot { .. }
        | SegmfOp::Getoffset { .. }
        | SegmfOp::Gettype { .. }
        | SegmfOp::Getvp { .. }
        | SegmfOp::Advise { .. }
        | SegmfOp::Dump { .. }
        | SegmfOp::Pagelock { .. }
        | SegmfOp::Setpagesize { .. }
        | SegmfOp::Getmemid { .. }
        | SegmfOp::Getpolicy { .. }
        | SegmfOp::Capable { .. }
        | SegmfOp::Inherit { .. }
        | SegmfOp::AddGrefPte { .. }
        | SegmfOp::SetUnmapwait { .. }
        | SegmfOp::Inject { .. } => Glyph::Ask,
    }
}
