//! A domain: its life, its pages, the tables its own kernel runs on.

use super::abi::DomId;
use crate::x86::addr::{Mfn, Pfn, Va};
use imbl::OrdMap;
use serde::Serialize;

/// Where a domain is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// It runs.
    Live,
    /// It was killed; somebody else still holds a page of it, so it stays as a zombie.
    Dying,
}

/// `struct domain`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Domain {
    /// Its id.
    pub id: DomId,
    /// Where it is in its life.
    pub life: Life,
    /// A control domain may name any other in the mapping calls.
    pub is_control: bool,
    /// `tot_pages`: frames it owns, Xen's own not counted.
    pub tot_pages: u64,
    /// The top table its processor stands on in kernel mode; none once it is torn down.
    pub top: Option<Mfn>,
    /// The top table for user mode, where the guest set one.
    pub user_top: Option<Mfn>,
    /// Where its kernel maps all its frames, in the order of its own numbers.
    pub direct_map: Va,
    /// Its own numbers for its frames.
    pub p2m: OrdMap<Pfn, Mfn>,
    /// The first frame of its grant table, Xen's memory.
    pub grant_frame: Mfn,
    /// How many frames the table has.
    pub grant_frames: u32,
}
