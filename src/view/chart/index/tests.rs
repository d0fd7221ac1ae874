//! The index against the worlds it tells of, and the stories as pictures.

use expect_test::expect;
use proptest::prelude::{Strategy, any, proptest};

use super::place::LaneKey;
use super::{Index, moment, observe};
use crate::illumos::abi::{AsId, Dev, SegId};
use crate::sim::op::{Dom0Op, GuestOp};
use crate::sim::scenarios::{self, Scenario};
use crate::sim::{Act, MachineId, Op};
use crate::view::chart::sketch::sketch;
use crate::view::chart::{Measures, Moment, Picture, State, What, Window};
use crate::view::look::Look;
use crate::view::session::{Msg, Position, Selection, Session};
use crate::word::Word;
use crate::x86::addr::{Mfn, Va};
use crate::x86::fault::Access;
use crate::xen::abi::{DomId, GrantRef, Handle};

const MACHINE: MachineId = MachineId(0);

fn story(id: &str) -> Session {
    let stories: Vec<Scenario> = scenarios::all();
    let story = stories.iter().find(|story| story.id == id).expect("the story comes with the program");
    Session::of_scenario(story).expect("a story that comes with the program can be built")
}

fn drawn(picture: &Picture) -> String {
    sketch(picture, &Window::new(980.0, 700.0, Measures::DESK))
}

fn at(step: u32, stop: Option<u16>) -> Msg {
    Msg::Seek(Position { step, stop })
}

#[test]
fn saving_domain_5_inside_the_batch() {
    let mut session = story("save-domain-5");
    session.update(at(3, Some(8)));
    session.update(Msg::Select(Some(Selection::Page { machine: MACHINE, space: AsId(0), va: Va(0x8000_1000) })));
    let picture = Index::new(&session).picture(&session);
    expect![[r#"
        ▏                                     ▓▓▓▓▓▓▓▓▓▓▓|▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
        ▏     12 steps ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓|▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
        ▏         step  0     1    2      3 privcmd_ioctl, opened: 19 micro-steps                                                            4    5     6     7     8    9
        ▏         main  •     •     ■                                                                  ⊖                                     ▼     ⊖    ⊖     Y     ⊖     ⊖
        ▏                                                                   3.8
        ▏   saver       address space 0 · CR3 0A342 · born at step 1 · ended |t step 12
        ▏        2 GiB                                                       |
        ▏                           ░seg_mf privcmd · r--░░░░░░░░░░░░░░░░░░░░|░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░domid 5 · soft 3 · lock 3 · valid 3░
        ▏    8000 0000               E·········M no PTE  ▌R ::▌M░4C0F0 …705░░|░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░▌M░░░░░░░░░⊖░4C0F0 …725░░░░░░░░
        ▏    8000 1000               E····························· M no PTE | R:::▌M░4C0F1 …705░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░⊖░
        ▏                                                                    |                                                                       SIGBUS
        ▏    8000 2000               E·······································|·········· M no PTE ▌ Rpfn 0 :: M   /⊖ frame 7FFFFF//////////// E····⊖       ·················
        ▏    8000 3000               E·······································|········································· M no PTE ▌ R::▌░M4C0F7 …705░░░░░░░░░░░░░░░░░░░░░░░░
        ▏      128 TiB                                                       |
        ▏   child       address space 1 · CR3 0A347 · born at step 7 · ended |t step 11
        ▏        2 GiB                                                       |
        ▏                                                                    |                                                                           dup   privcmd, c…
        ▏    8000 0000                                                       |                                                                                 M    ⊖
        ▏    8000 1000                                                       |                                                                                 M no PTE
        ▏    8000 2000                                                       |                                                                                 E············
        ▏    8000 3000                                                       |                                                                                 M no PTE
        ▏      128 TiB                                                       |
        ▏   domain 5 frames     bar height = general count                   |
        ▏        4C0F0                                                       |
        ▏               ░2░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░3░░░░░░░░░░░░░|░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
        ▏        4C0F1                                                       |
        ▏               ░2░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░|░░░░░░3░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
        ▏        4C0F7  ░2░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░|░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░3░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
        ▏       7FFFFF  ·····················································|·························⊖· not domain 5’s····················································
    "#]].assert_eq(&drawn(&picture));
}

#[test]
fn saving_domain_5_after_all() {
    let mut session = story("save-domain-5");
    session.update(at(12, None));
    let picture = Index::new(&session).picture(&session);
    expect![[r#"
        ▏                                     ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓                      |
        ▏     12 steps ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓|▓▓▓▓▓▓▓▓▓▓
        ▏         step  0     1    2     3     4     5    6     7     8     9    10    11     12
        ▏         main  •     •     ■    ■     ▼     ⊖     ⊖    Y     ⊖     ⊖     □    ×
        ▏                                                                                         12
        ▏   saver       address space 0 · CR3 0A342 · born at step 1 · ended at step 12           |
        ▏        2 GiB                                                                            |
        ▏                           ░seg_mf privcmd · r--░░░░░░░░░░░░░░░░░░░░░░░░░                |
        ▏    8000 0000               E···▌░M░░░▌M░░░░░░░░░░⊖░4C0F0 …725░░░░░░░░░░░                |
        ▏    8000 1000               E···▌░M4C0F1 …705░░░░░░░░░░░░░░░░░░░░░░⊖░░░░░                |
        ▏                                              SIGBUS                                     |
        ▏    8000 2000               E···⊖···········⊖       ·····················                |
        ▏    8000 3000               E···▌░M4C0F7 …705░░░░░░░░░░░░░░░░░░░░░░░░░░░░                |
        ▏      128 TiB                                                                            |
        ▏   child       address space 1 · CR3 0A347 · born at step 7 · ended at step 11           |
        ▏        2 GiB                                                                            |
        ▏                                                  dup    privcmd, copied                 |
        ▏    8000 0000                                           M    ⊖ no PTE                    |
        ▏    8000 1000                                           M no PTE                         |
        ▏    8000 2000                                          ·E ····················           |
        ▏    8000 3000                                           M no PTE                         |
        ▏      128 TiB                                                                            |
        ▏   domain 5 frames     bar height = general count                                        |
        ▏        4C0F0                                                                            |
        ▏               ░2░░░░░░░░░░░░░░░░3░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░2░░░░░░░░░░░░░░|░░░░░░
        ▏        4C0F1                                                                            |
        ▏               ░2░░░░░░░░░░░░░░░░3░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░2░░░░░░░░░░░░░░|░░░░░░
        ▏        4C0F7  ░2░░░░░░░░░░░░░░░░3░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░2░░░░░░░░░░░░░░|░░░░░░
        ▏       7FFFFF  ·················⊖·not domain 5’s·········································|······
    "#]].assert_eq(&drawn(&picture));
}

#[test]
fn three_grants() {
    let mut session = story("three-grants");
    session.update(at(1, None));
    let picture = Index::new(&session).picture(&session);
    expect![[r#"
        ▏                          |          ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
        ▏     12 steps ▓▓▓▓▓▓▓▓▓▓▓▓|▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
        ▏                          |                                                                  ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
        ▏         step  0      1 HYPERVISOR_update_va_mapping 2     3    4     5     6     7    8     9    10    11    12
        ▏         main  •                                     ■     ○     ◇    ◇     ◇     ◆     ▼    ⊖     □     □     ×
        ▏                                              1
        ▏   back end    address space 0 · CR3 0A35D · bo|n at step 1 · ended at step 12
        ▏        2 GiB                                  |
        ▏                                               |     ░seg_mf xpvtap · rw- · ×352░░░░░░░░░░░░not bound · soft 0░
        ▏    8040 0000                                  |      E···· R pfn 0:::::::::::::::▌G▓51234 …167▓▓▓▓ Z PTE 0----
        ▏    8040 1000                                  |      E···· R pfn 0:::::::::::::::▌G▓51777 …167▓▓▓▓ Z PTE 0----
        ▏    8040 2000                                  |      E···· R pfn 0:::::::::::::::▌G▓5200A …167▓▓▓▓ Z PTE 0----
        ▏         +349                                  |      E···· R pfn 0::::::::::::::::::::::::::::::::::::::::::::
        ▏      128 TiB                                  |
        ▏   domain 7 frames     bar height = general cou|t
        ▏        51234  ░2░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░|░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░3░░░░░░░░░░░░░░░░2░░░░░░░░░░░░░░░░
        ▏        51777                                  |
        ▏               ░2░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░|░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░3░░░░░░░░░░░░░░░░2░░░░░░░░░░░░░░░░
        ▏        5200A   2                              |                                  ░3░░░░░░░░░░░░░░░░2
        ▏               ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░|░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░                 ░░░░░░░░░░░░░░░░░░
        ▏   domain 7 grants     pins host-w host-r dev-w|dev-r, then the mapper’s handle
        ▏        ref 8                                  |                  0 0 0 0         ▌▓▓▓▓▓▓▓▓▓▓⊖▓▓▓▓▓
        ▏        ref 9                                  |                       0 0 0 0    ▌1 0 0 0  h1▓▓▓▓▓ 0 0 0 0
        ▏       ref 2F                                  |                                  ▌1 0 0 0  h2▓▓▓▓▓ 0 0 0 0
    "#]].assert_eq(&drawn(&picture));
}

#[test]
fn a_branch_leaves_the_other_future_dashed() {
    let mut session = story("save-domain-5");
    session.update(at(3, None));
    let exit = Op { machine: MACHINE, act: Act::Dom0(Dom0Op::Exit { space: AsId(0) }) };
    session.update(Msg::Do(exit));
    let picture = Index::new(&session).picture(&session);
    let undone = picture.undone.expect("the story's own future was left");
    assert_eq!((undone.from, undone.steps.len(), picture.steps.len()), (3, 9, 5));
}

#[test]
fn what_is_selected_finds_its_row_and_back() {
    let mut session = story("save-domain-5");
    session.update(at(4, None));
    let mut index = Index::new(&session);
    let picture = index.picture(&session);
    let mut found = 0;
    for lane in &picture.lanes {
        for row in lane.rows().iter().filter(|row| row.key.what != What::Tear) {
            let id = crate::view::chart::RowId { lane: lane.id, key: row.key };
            let selection = index.selection_of(id, 4).expect("a row that is no tear can be selected");
            assert_eq!(index.row_of(selection, 4), Some(id));
            found += 1;
        }
    }
    assert!(found > 6, "{found} rows");
}

/// What every row shows at every step is what the world was then: nothing a step touched was missed.
fn check_against_worlds(session: &Session, index: &mut Index) {
    let picture = index.picture(session);
    let untold = |state: State| state == State::Refused;
    for (step, id) in (0..).zip(session.path()) {
        let world = session.history().world_at(*id);
        let Some(look) = Look::of(&world, MACHINE) else { continue };
        for lane in &picture.lanes {
            let key = index.lanes.key(lane.id).expect("a lane of the picture is known");
            for row in lane.rows() {
                let run = row.runs.at(Moment::step(step));
                let pages = (0..row.pages.min(40)).map(|n| row.key.number + n * 0x1000);
                match (key, row.key.what) {
                    (LaneKey::Space(_, space), What::Page) => {
                        for va in pages {
                            let now = observe::page(look, space, Va(va));
                            let same = match (&now, run) {
                                (None, None) => true,
                                (Some(now), Some(run)) => now.is(run) && !untold(run.state),
                                (None, Some(_)) | (Some(_), None) => false,
                            };
                            assert!(same, "step {step}, {space:?} {va:x}: the world is {now:?}, the row says {run:?}");
                        }
                    }
                    (LaneKey::Frames(_, dom), What::Frame) => {
                        let now = observe::frame(look, dom, Mfn(row.key.number));
                        let same = run.is_none_or(|run| now.is(run));
                        assert!(same, "step {step}, {row:?}: the world is {now:?}, the row says {run:?}");
                    }
                    (LaneKey::Grants(_, dom), What::Grant) => {
                        let now = observe::grant(look, dom, GrantRef(row.key.number as u32));
                        let same = now.as_ref().map(|now| now.state) == run.map(|run| run.state)
                            && now.as_ref().zip(run).is_none_or(|(now, run)| now.is(run));
                        assert!(same, "step {step}, {row:?}: the world is {now:?}, the row says {run:?}");
                    }
                    (LaneKey::Space(..) | LaneKey::Frames(..) | LaneKey::Grants(..), _) => {}
                }
            }
        }
        for (space, known) in look.kernel.spaces() {
            let rows = index.spaces.get(&(MACHINE, space)).expect("every address space has a lane");
            for (base, seg) in &known.segs {
                assert!(rows.region_at(*base, step).is_some_and(|region| region.seg == *seg), "no region for {seg:?}");
            }
        }
    }
}

#[test]
fn the_stories_are_told_as_they_were() {
    for story in scenarios::all() {
        let session = Session::of_scenario(&story).expect("a story that comes with the program can be built");
        check_against_worlds(&session, &mut Index::new(&session));
    }
}

fn some_op() -> impl Strategy<Value = Op> {
    (0u8..14, 0u32..2, 0u64..5, any::<u16>(), any::<bool>()).prop_map(|(verb, who, n, dice, flag)| {
        let space = AsId(if dice % 4 == 0 { who } else { 0 });
        let addr = Va(0x8000_0000).page_after(n);
        let frames =
            |i: u64| Word(0x4_c0f0 + (u64::from(dice) >> (4 * i) & 0xF) + if dice % 5 == 0 { 0x10_0000 } else { 0 });
        let gref = GrantRef(8 + u32::from(dice % 3));
        let window = Va(0x8040_0000);
        let dom0 = |op| Op { machine: MACHINE, act: Act::Dom0(op) };
        let guest = |op| Op { machine: MACHINE, act: Act::Guest(op) };
        match verb {
            0 => dom0(Dom0Op::Spawn {}),
            1 => dom0(Dom0Op::Mmap { space, addr, len: Word(0x4000), prot: 3, maxprot: 0xf, dev: Dev(1) }),
            2 => dom0(Dom0Op::Mmap { space, addr: window, len: Word(0x1_8000), prot: 3, maxprot: 0xf, dev: Dev(2) }),
            3 | 4 => dom0(Dom0Op::IoctlMmapbatch {
                space,
                domid: DomId(if flag { 5 } else { 7 }),
                addr,
                mfns: (0..=n % 4).map(frames).collect(),
            }),
            5 => dom0(Dom0Op::Touch { space, addr, access: if flag { Access::Read } else { Access::Write } }),
            6 => dom0(Dom0Op::Fork { space }),
            7 => dom0(Dom0Op::Munmap { space, addr, len: Word(if flag { 0x4000 } else { 0x1000 }) }),
            8 => dom0(Dom0Op::RegisterPtes { seg: SegId(u32::from(dice % 3)), addr: window, npages: Word(24) }),
            9 => dom0(Dom0Op::AddGrefs {
                seg: SegId(u32::from(dice % 3)),
                addr: window,
                flags: 1,
                grefs: vec![gref],
                domid: DomId(7),
            }),
            10 => {
                dom0(Dom0Op::ReleaseGrefs { seg: SegId(u32::from(dice % 3)), addr: window, count: 1 + u32::from(flag) })
            }
            11 => guest(GuestOp::GrantAccess {
                domid: DomId(7),
                gref,
                to: DomId(0),
                frame: 0x5_1000 + u32::from(dice % 3),
                readonly: flag,
            }),
            12 if flag => guest(GuestOp::EndAccess { domid: DomId(7), gref }),
            12 => guest(GuestOp::GiveBack { domid: DomId(5), mfn: Mfn(frames(0).0) }),
            _ if flag => dom0(Dom0Op::UnmapGrant { handle: Handle(u32::from(dice % 3)), host_addr: Word(0) }),
            _ => dom0(Dom0Op::Exit { space }),
        }
    })
}

/// A process with a segment for frames and a window for grants, so that what comes next has something to work on.
fn beginning() -> [Op; 4] {
    let (space, len) = (AsId(0), Word(0x1_8000));
    let mmap = |addr, len, dev| Dom0Op::Mmap { space, addr: Va(addr), len, prot: 3, maxprot: 0xf, dev: Dev(dev) };
    [
        Dom0Op::Spawn {},
        mmap(0x8000_0000, Word(0x4000), 1),
        mmap(0x8040_0000, len, 2),
        Dom0Op::RegisterPtes { seg: SegId(1), addr: Va(0x8040_0000), npages: Word(24) },
    ]
    .map(|op| Op { machine: MACHINE, act: Act::Dom0(op) })
}

/// A machine with domains 5 and 7.
fn machine() -> Session {
    let stories = scenarios::all();
    let empty = stories.iter().find(|story| story.id == "free-play").unwrap_or(&stories[2]);
    Session::new("random", empty.machines.clone()).expect("an empty machine can be built")
}

proptest! {
    #[test]
    fn an_index_grown_over_branches_equals_one_made_from_scratch(
        ops in proptest::collection::vec((some_op(), any::<u8>()), 1..14)
    ) {
        let mut session = machine();
        let mut grown = Index::new(&session);
        for op in beginning() {
            session.update(Msg::Do(op));
        }
        for (op, dice) in ops {
            if dice < 40 {
                // Back into the past: what is done next opens a branch.
                session.update(at(u32::from(dice) % (session.last() + 1), None));
            }
            session.update(Msg::Do(op));
            let _ = grown.picture(&session);
        }
        let (grown_picture, fresh) = (grown.picture(&session), Index::new(&session).picture(&session));
        let told = |picture: &Picture| picture.lanes.iter().map(|lane| (lane.name.clone(), lane.rows().to_vec())).collect::<Vec<_>>();
        assert_eq!(told(&grown_picture), told(&fresh));
        assert_eq!(grown_picture.steps, fresh.steps);
        check_against_worlds(&session, &mut grown);
    }
}

#[test]
fn every_step_of_every_story_can_be_drawn_whole_and_inside() {
    for story in scenarios::all() {
        let mut session = Session::of_scenario(&story).expect("a story that comes with the program can be built");
        let mut index = Index::new(&session);
        for step in 0..=session.last() {
            for stop in [None, Some(1), Some(7)] {
                session.update(at(step, stop));
                let picture = index.picture(&session);
                assert_eq!(picture.cursor, moment(session.at()), "{} at {step}", story.id);
                assert!(drawn(&picture).contains("step"), "{} at {step}", story.id);
            }
        }
    }
}
