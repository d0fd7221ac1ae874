//! What would happen: forecasts of ops, and the ops worth offering at a selection. A forecast is the op itself, done to a copy.

use crate::sim::op::{Dom0Op, GuestOp, OutsideOp};
use crate::sim::{Act, Answer, Op, World};
use crate::trace::Halt;
use crate::view::actions::{Forecast, Offer};
use crate::view::calls::{frame, reference};
use crate::view::forms::Desk;
use crate::view::kinds::Kind;
use crate::view::look::Look;
use crate::view::names::Names;
use crate::view::rules::rule;
use crate::view::words::answer_word;
use crate::x86::addr::Va;
use crate::x86::fault::Access;
use crate::xen::abi::{DomId, GrantRef};
use crate::xen::page_info::PageType;

/// How many events a forecast may run through: what takes longer is not done on the page at all.
pub const PATIENCE: usize = 400_000;

/// What `op` would answer in `world`; none when that would take longer than a page should.
pub fn forecast(world: &World, op: &Op) -> Option<Forecast> {
    let mut copy = world.clone();
    let outcome = copy.apply_with_fuel(op, PATIENCE);
    let rule = rule(Look::of(world, op.machine), op, &outcome.answer, &outcome.events);
    let word = answer_word(&outcome.answer);
    Some(match &outcome.answer {
        Answer::Halted(Halt::Fuel) => return None,
        // Its last words are in the rule; a line of the panel has room for one word.
        Answer::Halted(Halt::Panic(_)) => Forecast::Panic { word: "panic".to_owned(), rule },
        Answer::Halted(Halt::Wild { .. }) => Forecast::Panic { word: "runs wild".to_owned(), rule },
        answer if answer.is_refusal() => Forecast::Refusal { word, rule },
        Answer::Bare(_)
        | Answer::Illumos(_)
        | Answer::Xen(_)
        | Answer::Recorded(_)
        | Answer::NotThere(_)
        | Answer::Dead { .. } => Forecast::Answer { word, remark: rule },
    })
}

/// An op with what it is called and what it would answer.
#[derive(Clone, PartialEq, Debug)]
pub struct Offered {
    /// As it is shown.
    pub offer: Offer,
    /// What is done.
    pub op: Op,
}

fn offered(world: &World, name: String, op: Op) -> Option<Offered> {
    forecast(world, &op).map(|forecast| Offered { offer: Offer { name, forecast }, op })
}

/// What else the actor can do at the selection.
pub fn also(world: &World, desk: &Desk<'_>) -> Vec<Offered> {
    let mut found = Vec::new();
    let mut offer = |name: String, op: Option<Op>| found.extend(op.and_then(|op| offered(world, name, op)));
    let Some(space) = desk.space else {
        offer("start a process".to_owned(), desk.prefilled(Kind::Spawn));
        return found;
    };
    let op = |act| Some(Op { machine: desk.machine, act: Act::Dom0(act) });
    if let Some(va) = desk.va {
        let page = desk.look.segment_at(space, va).map_or(0, |(_, seg)| seg.page_of(va));
        let touch = |access| op(Dom0Op::Touch { space, addr: Va(va.0), access });
        offer(format!("read  p{page}"), touch(Access::Read));
        offer(format!("write p{page}"), touch(Access::Write));
        offer(format!("run   p{page}"), touch(Access::Execute));
        offer(format!("MMAPBATCH p{page}"), desk.prefilled(Kind::MmapBatch));
        offer(format!("mprotect p{page}"), desk.prefilled(Kind::Mprotect));
    }
    if desk.look.kernel.space(space).is_some_and(|space| !space.segs.is_empty()) {
        offer("mincore".to_owned(), desk.prefilled(Kind::Mincore));
    }
    offer("fork".to_owned(), op(Dom0Op::Fork { space }));
    offer("exit".to_owned(), op(Dom0Op::Exit { space }));
    found
}

/// What the other domains can do: with the selected frame or grant, or with their first ones.
pub fn others(world: &World, desk: &Desk<'_>) -> Vec<Offered> {
    let mut found = Vec::new();
    let look = desk.look;
    let foreign: Vec<DomId> = look.xen.domains().map(|domain| domain.id).filter(|dom| *dom != DomId::DOM0).collect();
    for dom in foreign.iter().take(3).copied() {
        let op = |act| Op { machine: desk.machine, act };
        let short = format!("dom{dom}");
        if let Some(mfn) = frame_of(desk, dom) {
            let act = Act::Guest(GuestOp::GiveBack { domid: dom, mfn });
            found.extend(offered(world, format!("{short} gives back {}", frame(mfn)), op(act)));
        }
        if let Some(gref) = grant_of(desk, dom) {
            let act = Act::Guest(GuestOp::EndAccess { domid: dom, gref });
            found.extend(offered(world, format!("{short} ends {}", reference(gref)), op(act)));
        }
        let act = Act::Outside(OutsideOp::KillDomain { domid: dom });
        found.extend(offered(world, format!("destroy {}", Names::domain(dom)), op(act)));
    }
    found
}

fn frame_of(desk: &Desk<'_>, dom: DomId) -> Option<crate::x86::addr::Mfn> {
    let look = desk.look;
    let mapped = desk.va.and_then(|va| look.page(desk.space?, va)?.frame());
    let selected = desk.mfn.or(mapped).filter(|mfn| look.xen.frame(*mfn).owner == Some(dom));
    let first = look.xen.domain(dom)?.p2m.values().copied().find(|mfn| {
        let info = look.xen.frame(*mfn);
        info.allocated && !info.xen_heap && !matches!(info.typ.kind, PageType::Table(_))
    });
    selected.or(first)
}

fn grant_of(desk: &Desk<'_>, dom: DomId) -> Option<GrantRef> {
    let look = desk.look;
    let selected = desk.grant.filter(|(granter, _)| *granter == dom).map(|(_, gref)| gref);
    let offers = |gref: &GrantRef| look.xen.shared_entry(look.memory, dom, *gref).is_some_and(|entry| entry.flags != 0);
    selected.or_else(|| (0..look.xen.grant_entries(dom)).map(GrantRef).find(offers))
}
