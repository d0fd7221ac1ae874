//! The invariant strip: every named invariant with how it stands at the cursor.

use crate::sim::invariants::{Breach, Invariant as Rule, InvariantId, Judges, Place};
use crate::sim::{Machine, World};
use crate::view::breaks::{Breaks, Broken, Passing};
use crate::view::calls::{address, frame};
use crate::view::chart::Moment;
use crate::view::names::{Names, counted};
use crate::view::session::Session;
use crate::view::text::{Line, Span, plain};

/// How an invariant stands at the cursor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It holds.
    Holds,
    /// It is broken.
    Broken,
    /// It was broken for some micro-steps of the open step and holds at its end.
    BrokenInside,
    /// Nothing here can keep or break it.
    NotAsked,
}

impl Standing {
    /// The word for those who cannot see the colour.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Holds => "holds",
            Standing::Broken => "broken",
            Standing::BrokenInside => "broken inside this step",
            Standing::NotAsked => "not asked here",
        }
    }
}

/// A cell of the strip.
#[derive(Clone, PartialEq, Debug)]
pub struct Invariant {
    /// Its short name: `I13`.
    pub name: String,
    /// How it stands.
    pub standing: Standing,
    /// The sentence that is true while it holds.
    pub rule: Line,
    /// What broke it, since when and where; its reference section when it holds.
    pub remark: Line,
}

/// The strip.
#[derive(Clone, PartialEq, Debug)]
pub struct Strip {
    /// The invariants in the order of their names.
    pub cells: Vec<Invariant>,
    /// The cell whose sentence is shown.
    pub shown: usize,
}

impl Strip {
    /// The strip at the session's cursor, which `breaks` have followed. Until a cell is `chosen` the one broken last is shown.
    pub fn of(session: &Session, breaks: &Breaks, names: &Names, chosen: Option<usize>) -> Strip {
        let broken = breaks.at(session);
        let cell = |rule: &Rule| {
            let is_asked = session.world().machines().any(|(_, machine)| rule.id.is_asked_of(machine));
            let found = broken.iter().find(|broken| broken.id == rule.id);
            let passing = breaks.inside(session.at().step).filter(|_| session.at().stop.is_none());
            let passing = passing.and_then(|inside| inside.passing.iter().find(|passing| passing.breach.id == rule.id));
            let (standing, remark) = match (is_asked, found, passing) {
                (false, ..) => (Standing::NotAsked, plain(not_asked(session.world()))),
                (true, Some(broken), _) if broken.under_lock => {
                    (Standing::BrokenInside, said_under_lock(session, names, broken))
                }
                (true, Some(broken), _) => (Standing::Broken, said_of_broken(session, breaks, names, broken)),
                (true, None, Some(passing)) => (Standing::BrokenInside, said_of_passing(session, names, passing)),
                (true, None, None) => (Standing::Holds, said_of_whole(session, breaks, rule)),
            };
            Invariant { name: rule.id.to_string(), standing, rule: plain(rule.sentence), remark }
        };
        let cells: Vec<Invariant> = Rule::ALL.iter().map(cell).collect();
        let place = |id: InvariantId| Rule::ALL.iter().position(|rule| rule.id == id);
        // The youngest break tells most; of several, the first.
        let youngest = broken.iter().rev().filter(|broken| !broken.under_lock).max_by_key(|broken| broken.since);
        let passing = || cells.iter().position(|cell| cell.standing == Standing::BrokenInside);
        let telling = || youngest.and_then(|broken| place(broken.id)).or_else(passing).unwrap_or(0);
        let shown = chosen.filter(|chosen| *chosen < cells.len()).unwrap_or_else(telling);
        Strip { cells, shown }
    }

    /// The cell whose sentence is shown.
    pub fn current(&self) -> Option<&Invariant> {
        self.cells.get(self.shown)
    }
}

fn not_asked(world: &World) -> &'static str {
    if world.machines().all(|(_, machine)| matches!(machine, Machine::Bare(_))) {
        "Not asked here: there is no driver on a bare machine."
    } else {
        "Not asked here: a recording does not show what this rule speaks of."
    }
}

fn said_of_broken(session: &Session, breaks: &Breaks, names: &Names, broken: &Broken) -> Line {
    let Broken { id, since, places, first, under_lock: _ } = *broken;
    let more = match places {
        0 | 1 => ".".to_owned(),
        n => format!("; {}.", counted(n as u64 - 1, "place more", "places more")),
    };
    let said = said(session.world(), names, first);
    let words = match id.rule().judges {
        Judges::Calls => format!("Broken by a call of step {since}: {said}{more}"),
        Judges::States => format!("Broken since {}: {said}{more}", when(session, breaks, id, since)),
    };
    plain(words)
}

/// The step, and the stop where somebody looked inside.
fn when(session: &Session, breaks: &Breaks, id: InvariantId, since: u32) -> Moment {
    let here = session.at().stop.filter(|_| session.at().step == since);
    match breaks.inside(since).and_then(|inside| inside.since(id, here)).or(here) {
        Some(stop) => Moment::micro(since, stop.into()),
        None => Moment::step(since),
    }
}

fn said_under_lock(session: &Session, names: &Names, broken: &Broken) -> Line {
    plain(format!("Out of step while a lock is held: {}.", said(session.world(), names, broken.first)))
}

fn said_of_passing(session: &Session, names: &Names, passing: &Passing) -> Line {
    let at = Moment::micro(session.at().step, passing.stop.into());
    plain(format!("Broken at {at} only: {}.", said(session.world(), names, passing.breach)))
}

fn said_of_whole(session: &Session, breaks: &Breaks, rule: &Rule) -> Line {
    let mut line = Line::new();
    // Inside a step, what its end will be is not yet.
    let over = session.at().step.checked_sub(session.at().stop.is_some().into());
    if let Some(step) = over.and_then(|over| breaks.last_broken(rule.id, over)) {
        let by = match rule.judges {
            Judges::States => "Broken up to step",
            Judges::Calls => "A call broke it at step",
        };
        line.push(Span::Plain(format!("{by} {step}. ")));
    }
    line.push(Span::Dim(rule.source.to_owned()));
    line
}

/// Where a rule is broken, and what was found there: "page 8000 0000 of saver allows r-x, and the segment r--".
pub fn said(world: &World, names: &Names, breach: Breach) -> String {
    format!("{} {}", place(world, names, breach.place), breach.why.words())
}

/// A place in words.
pub fn place(world: &World, names: &Names, place: Place) -> String {
    match place {
        Place::Page { machine, space, va } => format!("page {} of {}", address(va), names.space(machine, space)),
        Place::Segment { machine, space, seg } => {
            let base = match world.machine(machine) {
                Some(Machine::Xen(machine)) => machine.kernel.seg(seg).map(|seg| seg.base),
                Some(Machine::Recorded(kernel)) => kernel.seg(seg).map(|seg| seg.base),
                Some(Machine::Bare(_)) | None => None,
            };
            let which = base.map_or_else(|| seg.to_string(), |base| format!("at {}", address(base)));
            format!("the segment {which} of {}", names.space(machine, space))
        }
        Place::Table { machine, space, table, .. } => {
            format!("table {} of {}", frame(table), names.space(machine, space))
        }
        Place::Grant { granter, gref, .. } => format!("ref {:X} of {}", gref.0, Names::domain(granter)),
        Place::Space { machine, space } => names.space(machine, space),
    }
}

#[cfg(test)]
mod tests {
    use super::{Standing, Strip};
    use crate::sim::scenarios;
    use crate::view::breaks::Breaks;
    use crate::view::names::Names;
    use crate::view::session::{Msg, Position, Session};
    use crate::view::text::spoken;
    use expect_test::{Expect, expect};

    fn check(story: &str, step: u32, stop: Option<u16>, expected: &Expect) {
        let all = scenarios::all();
        let story = all.iter().find(|known| known.id == story).expect("the story is there");
        let mut session = Session::of_scenario(story).expect("a story can be built");
        session.update(Msg::Seek(Position { step, stop }));
        let breaks = Breaks::new(&session);
        let strip = Strip::of(&session, &breaks, &Names::new(session.names()), None);
        let told: String = strip
            .cells
            .iter()
            .filter(|cell| cell.standing != Standing::Holds || spoken(&cell.remark).contains("step"))
            .map(|cell| format!("{} {}: {}\n", cell.name, cell.standing.word(), spoken(&cell.remark)))
            .collect();
        expected.assert_eq(&told);
    }

    #[test]
    fn the_batch_of_the_first_story() {
        check(
            "save-domain-5",
            3,
            None,
            &expect![[r#"
                I11 broken inside this step: Broken at 3.4 only: page 8000 0000 of saver maps dom0’s frame 100, read-only.
                I13 broken: Broken since 3.5: page 8000 0000 of saver is r-x, its segment r--; 2 places more.
            "#]],
        );
        check(
            "save-domain-5",
            3,
            Some(2),
            &expect![[r#"
                I1 broken inside this step: Out of step while a lock is held: page 8000 0000 of saver is tagged MFN 4C0F0, without a valid entry.
                I3 broken inside this step: Out of step while a lock is held: the segment at 8000 0000 of saver counted 0, recounted 1.
                I9 broken inside this step: Out of step while a lock is held: the segment at 8000 0000 of saver is bound to domain 5 and maps nothing of it.
            "#]],
        );
    }

    #[test]
    fn the_rule_broken_last_is_shown_until_another_is_chosen() {
        let mut session = Session::of_scenario(&scenarios::all()[1]).expect("a story can be built");
        session.update(Msg::Seek(Position { step: 7, stop: None }));
        let (breaks, names) = (Breaks::new(&session), Names::default());
        let shown = |chosen| Strip::of(&session, &breaks, &names, chosen).current().map(|cell| cell.name.clone());
        assert_eq!(shown(None).as_deref(), Some("I13"), "I11 is broken since step 3");
        assert_eq!(shown(Some(2)).as_deref(), Some("I3"));
        assert_eq!(shown(Some(99)).as_deref(), Some("I13"), "a cell that is not there");
    }

    #[test]
    fn every_story_has_a_strip_at_every_stop() {
        for story in scenarios::all() {
            let mut session = Session::of_scenario(&story).expect("a story can be built");
            let mut breaks = Breaks::new(&session);
            let names = Names::new(session.names());
            while session.at().step < session.last() || session.at().stop.is_some() {
                let far = session.at().stop.is_some_and(|stop| stop > 12);
                session.update(if far { Msg::By(1) } else { Msg::StopForward });
                breaks.follow(&session);
                let strip = Strip::of(&session, &breaks, &names, None);
                assert!(strip.cells.iter().all(|cell| cell.standing != Standing::NotAsked && !cell.remark.is_empty()));
            }
        }
    }

    #[test]
    fn after_the_fork() {
        check(
            "save-domain-5",
            7,
            None,
            &expect![[r#"
                I1 broken: Broken since 7.10: page 8000 0000 of child is tagged MFN 4C0F0, without a valid entry; 2 places more.
                I3 broken: Broken since 7.10: the segment at 8000 0000 of child counted 0, recounted 3.
                I9 broken: Broken since 7.10: the segment at 8000 0000 of child is bound to domain 5 and maps nothing of it.
                I13 broken: Broken since 3.5: page 8000 0000 of saver is r-x, its segment r--; 2 places more.
                I14 holds: A call broke it at step 6. illumos.md 6.1; seg_mf.c, segmf_incore and segmf_fault
            "#]],
        );
        check(
            "save-domain-5",
            12,
            None,
            &expect![[r#"
            I1 holds: Broken up to step 10. illumos.md 6.1; seg_mf.c, segmf_faultpage
            I3 holds: Broken up to step 10. illumos.md 6.1; seg_mf.c, segmf_faultpage and segmf_softunlock
            I9 holds: Broken up to step 10. illumos.md 6.1; seg_mf.c, segmf_add_mfns and segmf_add_grefs
            I13 holds: Broken up to step 9. illumos.md 6.1; seg_mf.c, segmf_faultpage
            I14 holds: A call broke it at step 6. illumos.md 6.1; seg_mf.c, segmf_incore and segmf_fault
        "#]],
        );
    }

    #[test]
    fn after_a_release_of_grants() {
        check(
            "three-grants",
            10,
            None,
            &expect![[r#"
                I2 broken inside this step: Broken at 10.1 only: page 8040 0000 of back end maps granted frame 51234, its tag no mapped GREF.
                I4 broken: Broken since 10.2: table 0A360 of back end counted 352, recounted 349.
                I5 broken: Broken since 10.2: table 0A360 of back end counted 352, recounted 349.
                I9 broken: Broken since 10.2: the segment at 8040 0000 of back end is bound to domain 7 and maps nothing of it.
                I11 broken: Broken since 3: page 8040 3000 of back end maps dom0’s frame 100, writable; 348 places more.
                I12 broken inside this step: Broken at 10.1 only: ref 8 of domain 7 is mapped by handle 0, which no page claims.
                I13 holds: Broken up to step 9. illumos.md 6.1; seg_mf.c, segmf_faultpage
            "#]],
        );
    }
}
