//! `seg_mf`: the segment driver that lets a dom0 process map pages of other domains (`i86xpv/vm/seg_mf.c`).
//!
//! Callers hand it machine frames or grant references; it maps them at once, because demand faults come too late for those who
//! must know *now* that a frame is bad. It runs here as it is written, defects included. The HAT and Xen are not here: they are
//! behind the ports.

mod add;
mod map;
mod slots;

pub use add::{CreateArgs, add_gref_pte, add_grefs, add_mfns, create, release_grefs};
pub use map::{EntryMap, MapEntry, SegmfData, Tag, gflags};
pub use slots::SegMf;

use super::abi::SegId;
use super::event::KernelEvent;
use super::ports::Ports;
use super::seg::Behind;
use crate::trace::Halt;

/// `SEGMF_MAX_GREFS`: the most references one call can map or release.
pub const MAX_GREFS: u32 = 16;
/// `SEGMF_GREF_WR`: the caller wants the grants writable.
pub const GREF_WR: u32 = 1;
/// A loop past this many rounds is [`Halt::Wild`].
const MAX_ROUNDS: u64 = 1 << 20;

/// The private data of a segment that must be ours: who calls with another driver's segment has confused types (D16), and
/// what a kernel makes of the other driver's bytes is not for a model to say.
fn data<'p>(ports: &'p impl Ports, seg: SegId, function: &'static str) -> Result<&'p SegmfData, Halt> {
    match &ports.seg(seg).behind {
        Behind::Mf(data) => Ok(data),
        Behind::Nothing | Behind::Other => Err(Halt::Wild { function: function.into(), index: 0 }),
    }
}

/// The same, to change it.
fn data_mut(ports: &mut impl Ports, seg: SegId) -> &mut SegmfData {
    match &mut ports.seg_mut(seg).behind {
        Behind::Mf(data) => data,
        Behind::Nothing | Behind::Other => unreachable!("{seg:?} was read as a seg_mf segment before it is changed"),
    }
}

/// Changes the entry at `index`, near or in the array.
fn change_entry(
    ports: &mut impl Ports,
    seg: SegId,
    index: u64,
    function: &'static str,
    change: impl FnOnce(&mut MapEntry),
) -> Result<(), Halt> {
    let old = data(ports, seg, function)?.map.get(index, function)?;
    let mut new = old;
    change(&mut new);
    if new != old {
        ports.emit(KernelEvent::Entry { seg, index, old, new })?;
        data_mut(ports, seg).map.set(index, new);
    }
    Ok(())
}

/// Adds to `softlockcnt`, which wraps as the machine's word does.
fn change_softlocks(ports: &mut impl Ports, seg: SegId, by: i64, function: &'static str) -> Result<(), Halt> {
    let old = data(ports, seg, function)?.softlockcnt;
    let new = old.wrapping_add_signed(by);
    ports.emit(KernelEvent::SoftLocks { seg, old, new })?;
    data_mut(ports, seg).softlockcnt = new;
    Ok(())
}

/// Fails a loop that has run too long to be told.
fn round(function: &'static str, done: u64) -> Result<(), Halt> {
    if done < MAX_ROUNDS { Ok(()) } else { Err(Halt::Wild { function: function.into(), index: done }) }
}
