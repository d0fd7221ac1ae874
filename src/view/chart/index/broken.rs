//! Broken rules in the picture: the flags of the breaks row, and the red edges on the rows they are about.
//!
//! A break stands at its step; in the opened step, at the column of the stop where it was first seen.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Index;
use super::place::LaneKey;
use crate::sim::invariants::{InvariantId, Place};
use crate::view::breaks::{Breaks, Home};
use crate::view::chart::{BreakMark, Edge, Key, Lane, LaneId, Moment, Opened, Picture, What};
use crate::x86::addr::{Level, Va};

/// What is broken in one lane at one moment: the rows from first to last, and the rules.
type Spot = (Key, Key, Vec<InvariantId>);

impl Index {
    /// The picture with the breaks of its path.
    #[must_use]
    pub fn with_breaks(&self, picture: Picture, breaks: &Breaks) -> Picture {
        let opened = picture.opened.clone();
        let mut flags: BTreeMap<(Moment, bool), Vec<InvariantId>> = BTreeMap::new();
        let mut spots: BTreeMap<(LaneId, Moment, bool), Spot> = BTreeMap::new();
        for number in breaks.news() {
            for (at, id, first, last, passing) in self.of_step(breaks, number, opened.as_deref()) {
                let rules = flags.entry((at, passing)).or_default();
                if !rules.contains(&id) {
                    rules.push(id);
                }
                let Some((lane, top, bottom)) = self.rows_between(first, last) else { continue };
                let spot = spots.entry((lane, at, passing)).or_insert((top, bottom, Vec::new()));
                spot.0 = spot.0.min(top);
                spot.1 = spot.1.max(bottom);
                spot.2.push(id);
            }
        }
        let breaks = flags.into_iter().map(|((at, passing), ids)| BreakMark { at, rules: names(ids), passing });
        let mut edges: BTreeMap<LaneId, Vec<Edge>> = BTreeMap::new();
        for ((lane, at, passing), (first, last, ids)) in spots {
            edges.entry(lane).or_default().push(Edge { at, first, last, rules: names(ids), passing });
        }
        let lane = |lane: &Rc<Lane>| match edges.remove(&lane.id) {
            Some(edges) => Rc::new(Lane::clone(lane).broken(edges)),
            None => lane.clone(),
        };
        let breaks = Rc::new(breaks.collect());
        let lanes = picture.lanes.iter().map(lane).collect();
        Picture { breaks, lanes, ..picture }
    }

    /// What step `number` broke: when, which rule, from where to where, and whether in passing. A rule that is broken in another lane
    /// already is news in this one.
    fn of_step(
        &self,
        breaks: &Breaks,
        number: u32,
        opened: Option<&Opened>,
    ) -> Vec<(Moment, InvariantId, Place, Place, bool)> {
        let (Some(step), inside) = (breaks.step(number), breaks.inside(number)) else { return Vec::new() };
        let opened = opened.filter(|opened| opened.step == number);
        let moment = |stop: Option<u16>| match opened.zip(stop) {
            Some((opened, stop)) => column(opened, number, stop),
            None => Moment::step(number),
        };
        let mut found = Vec::new();
        for fresh in &step.fresh {
            let stop = inside.and_then(|inside| inside.since(fresh.id, None));
            found.push((moment(stop), fresh.id, fresh.first, fresh.last, false));
        }
        for passing in inside.into_iter().flat_map(|inside| &inside.passing) {
            let place = passing.breach.place;
            found.push((moment(Some(passing.stop)), passing.breach.id, place, place, true));
        }
        found
    }

    /// The lane of two places, the first row of the first and the last row of the last.
    fn rows_between(&self, first: Place, last: Place) -> Option<(LaneId, Key, Key)> {
        let lane = match Home::of(first) {
            Home::Space(machine, space) => LaneKey::Space(machine, space),
            Home::Grants(machine, granter) => LaneKey::Grants(machine, granter),
        };
        Some((self.lanes.known(lane)?, self.rows_of(first)?.0, self.rows_of(last)?.1))
    }

    /// The rows of a place.
    fn rows_of(&self, place: Place) -> Option<(Key, Key)> {
        let pages = |from: Va, to: Va| (Key::new(What::Page, from.0), Key::new(What::Page, to.0 - 1));
        match place {
            Place::Page { va, .. } => Some(pages(va, va.page_after(1))),
            Place::Grant { gref, .. } => {
                let key = Key::new(What::Grant, gref.0.into());
                Some((key, key))
            }
            Place::Segment { machine, space, seg } => {
                let regions = &self.spaces.get(&(machine, space))?.regions;
                let region = regions.iter().rfind(|region| region.seg == seg)?;
                Some(pages(region.base, region.end))
            }
            Place::Table { machine, space, base, .. } => {
                let end = base.plus(Level::LEAF.table_span());
                let regions = self.spaces.get(&(machine, space))?.regions.iter();
                let under = regions.filter(|region| region.base < end && region.end > base);
                let both = under.map(|region| (region.base.max(base), region.end.min(end)));
                let (from, to) = both.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
                Some(pages(from, to))
            }
            Place::Space { machine, space } => {
                let regions = self.spaces.get(&(machine, space))?.regions.iter();
                let both = regions.map(|region| (region.base, region.end));
                let (from, to) = both.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
                Some(pages(from, to))
            }
        }
    }
}

/// The column that shows a stop: of those that are there, the first that is not before it.
fn column(opened: &Opened, step: u32, stop: u16) -> Moment {
    let shown = opened.micros.iter().map(|micro| micro.at).find(|at| *at >= stop.into());
    shown.map_or(Moment::step(step), |at| Moment::micro(step, at))
}

/// The names of rules as a flag has room for: the first, and how many more.
fn names(mut ids: Vec<InvariantId>) -> Rc<str> {
    ids.sort();
    ids.dedup();
    match ids.as_slice() {
        [] => "".into(),
        [one] => one.to_string().into(),
        [first, more @ ..] => format!("{first} +{}", more.len()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::Index;
    use crate::sim::scenarios;
    use crate::view::breaks::Breaks;
    use crate::view::chart::Picture;
    use crate::view::session::{Msg, Position, Session};
    use expect_test::{Expect, expect};

    fn told(picture: &Picture) -> String {
        let passing = |passing: bool| if passing { " in passing" } else { "" };
        let flag = |mark: &super::BreakMark| format!("{} {}{}\n", mark.at, mark.rules, passing(mark.passing));
        let edges = picture.lanes.iter().flat_map(|lane| lane.edges.iter().map(move |edge| (lane, edge)));
        let edge = |(lane, edge): (&std::rc::Rc<super::Lane>, &super::Edge)| {
            let row = |key| lane.covering(key).map(|row| lane.rows()[row].label.to_string()).unwrap_or_default();
            let rows = (row(edge.first), row(edge.last));
            format!("{} {}{} on {}, {} to {}\n", edge.at, edge.rules, passing(edge.passing), lane.name, rows.0, rows.1)
        };
        picture.breaks.iter().map(flag).chain(edges.map(edge)).collect()
    }

    fn check(story: &str, step: u32, expected: &Expect) {
        let all = scenarios::all();
        let story = all.iter().find(|known| known.id == story).expect("the story is there");
        let mut session = Session::of_scenario(story).expect("a story can be built");
        session.update(Msg::Seek(Position { step, stop: None }));
        let (mut index, breaks) = (Index::new(&session), Breaks::new(&session));
        let picture = index.picture(&session);
        expected.assert_eq(&told(&index.with_breaks(picture, &breaks)));
    }

    #[test]
    fn in_the_opened_step_a_break_stands_where_it_was_first_seen() {
        check(
            "save-domain-5",
            3,
            &expect![[r#"
            3.4 I11 in passing
            3.5 I13
            6 I14
            7 I1 +2
            3.4 I11 in passing on saver, 8000 0000 to 8000 0000
            3.5 I13 on saver, 8000 0000 to 8000 3000
            6 I14 on saver, 8000 0000 to 8000 0000
            7 I1 +2 on child, 8000 0000 to 8000 3000
        "#]],
        );
    }

    #[test]
    fn a_table_that_counts_wrong_is_red_over_its_segment() {
        check(
            "three-grants",
            9,
            &expect![[r#"
            3 I11
            7 I13
            10 I4 +2
            10 I2 +1 in passing
            3 I11 on back end, 8040 0000 to +349
            7 I13 on back end, 8040 0000 to 8040 2000
            10 I4 +2 on back end, 8040 0000 to +349
            10 I2 in passing on back end, 8040 0000 to 8040 0000
            10 I12 in passing on domain 7 grants, ref 8 to ref 8
        "#]],
        );
    }

    #[test]
    fn breaks_follow_a_session_onto_another_branch() {
        let mut session = Session::of_scenario(&scenarios::all()[0]).expect("a story can be built");
        let mut breaks = Breaks::new(&session);
        session.update(Msg::Seek(Position { step: 5, stop: None }));
        let last = session.history().op(session.tip()).expect("the last step is an op").clone();
        session.update(Msg::Do(last));
        session.update(Msg::By(-2));
        breaks.follow(&session);
        let fresh = Breaks::new(&session);
        assert_eq!(breaks.len(), fresh.len());
        assert_eq!(session.last(), 6, "the other branch ends after its one step");
        for step in 0..breaks.len() as u32 {
            assert_eq!(breaks.step(step), fresh.step(step), "step {step}");
        }
    }
}
