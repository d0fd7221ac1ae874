//! The world at the cursor as JSON, for scripts on the page and tests: 64-bit values are hex strings.

use serde_json::{Value, json};

use crate::sim::{Machine, World};
use crate::view::look::Look;
use crate::view::names::Names;
use crate::view::session::Session;
use crate::view::words::answer_word;
use crate::word::Word;
use crate::x86::addr::Level;
use crate::xen::abi::{DomId, GrantRef};

/// Where the session is, what the step answered, and every machine.
pub fn state(session: &Session) -> Value {
    let at = session.at();
    json!({
        "title": session.title(),
        "step": at.step,
        "stop": at.stop,
        "stops": session.stops().len(),
        "last": session.last(),
        "steps": session.history().len(),
        "branches": session.tips().len(),
        "playing": session.playing(),
        "answer": session.outcome().map(|outcome| &outcome.answer),
        "answer_word": session.outcome().map(|outcome| answer_word(&outcome.answer)),
        "refused": session.outcome().is_some_and(|outcome| outcome.answer.is_refusal()),
        "machines": machines(session.world(), &Names::new(session.names())),
    })
}

fn machines(world: &World, names: &Names) -> Vec<Value> {
    world
        .machines()
        .map(|(id, machine)| match (machine, Look::of(world, id)) {
            (Machine::Xen(_), Some(look)) => {
                json!({ "kind": "xen", "down_since": world.dead_since(id), "spaces": spaces(look, |space| names.space(id, space)), "domains": domains(look) })
            }
            (Machine::Bare(bare), _) => json!({ "kind": "bare", "cr3": Word(bare.cpu.cr3().0) }),
            (Machine::Recorded(_), _) => json!({ "kind": "recorded" }),
            (Machine::Xen(_), None) => unreachable!("a Xen machine can be looked at"),
        })
        .collect()
}

fn spaces(look: Look<'_>, name: impl Fn(crate::illumos::abi::AsId) -> String) -> Vec<Value> {
    let one = |(id, space): (_, &crate::illumos::address_space::AddressSpace)| {
        let segments: Vec<Value> = space.segs.values().filter_map(|seg| segment(look, id, *seg)).collect();
        json!({ "space": id, "name": name(id), "cr3": Word(space.hat.user_top.0), "segments": segments })
    };
    look.kernel.spaces().map(one).collect()
}

/// At most 512 pages of a segment are listed.
fn segment(look: Look<'_>, space: crate::illumos::abi::AsId, id: crate::illumos::abi::SegId) -> Option<Value> {
    let seg = look.kernel.seg(id)?;
    let data = seg.mf()?;
    let page = |index: u64| {
        let page = look.page(space, seg.base.page_after(index))?;
        let entry = page.entry?;
        Some(json!({ "va": page.va, "tag": entry.tag, "pte": Word(page.leaf().0), "state": page.backing.letter() }))
    };
    let tables: Vec<Value> = look
        .kernel
        .space(space)?
        .hat
        .tables
        .iter()
        .filter(|(_, table)| table.level == Level::LEAF)
        .map(|(mfn, table)| json!({ "mfn": mfn, "base": table.base, "valid": table.valid, "lock": table.lock }))
        .collect();
    Some(json!({
        "seg": id, "base": seg.base, "size": Word(seg.size), "prot": data.prot, "domid": data.domid,
        "softlockcnt": data.softlockcnt, "pages": (0..seg.pages().min(512)).filter_map(page).collect::<Vec<_>>(), "tables": tables,
    }))
}

fn domains(look: Look<'_>) -> Vec<Value> {
    let one = |dom: DomId| {
        let frames: Vec<Value> = look
            .xen
            .frames()
            .filter(|(_, info)| info.owner == Some(dom) && dom != DomId::DOM0)
            .take(512)
            .map(|(mfn, info)| json!({ "mfn": mfn, "count": info.count, "allocated": info.allocated }))
            .collect();
        let grants: Vec<Value> = (0..look.xen.grant_entries(dom).min(512))
            .filter_map(|gref| {
                let gref = GrantRef(gref);
                let shared = look.xen.shared_entry(look.memory, dom, gref).filter(|shared| shared.flags != 0)?;
                let pins = look.xen.active(dom, gref).map(|active| active.pins);
                Some(json!({ "ref": gref, "flags": shared.flags, "frame": shared.frame, "pins": pins }))
            })
            .collect();
        json!({ "id": dom, "frames": frames, "grants": grants })
    };
    look.xen.domains().map(|domain| one(domain.id)).collect()
}

#[cfg(test)]
mod tests {
    use super::state;
    use crate::sim::scenarios;
    use crate::view::session::{Msg, Position, Session};

    #[test]
    fn the_batch_of_the_first_story_as_a_script_sees_it() {
        let mut session = Session::of_scenario(&scenarios::all()[0]).expect("the first story can be built");
        session.update(Msg::Seek(Position { step: 3, stop: None }));
        let state = state(&session);
        let pages = &state["machines"][0]["spaces"][0]["segments"][0]["pages"];
        assert_eq!(pages[0]["pte"], "0x4c0f0705");
        assert_eq!((pages[2]["pte"].as_str(), pages[2]["tag"].as_str()), (Some("0x0"), Some("EMPTY")));
        assert_eq!(state["answer_word"], "0");
        assert_eq!((state["step"].as_u64(), state["last"].as_u64()), (Some(3), Some(12)));
    }
}
