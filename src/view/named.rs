//! Which rules speak of what is selected, and how they stand there: not anywhere else.

use crate::sim::World;
use crate::sim::invariants::{Breach, Checker, Invariant as Rule, InvariantId, Place};
use crate::view::look::Look;
use crate::view::session::Selection;
use crate::view::strip::Standing;
use crate::x86::addr::Level;

/// Rules of every page: those that name it whether they hold or not.
const OF_PAGES: [InvariantId; 6] =
    [InvariantId::I1, InvariantId::I2, InvariantId::I6, InvariantId::I8, InvariantId::I11, InvariantId::I13];
/// Rules of every segment.
const OF_SEGMENTS: [InvariantId; 2] = [InvariantId::I3, InvariantId::I9];
/// Rules of every grant that is mapped.
const OF_GRANTS: [InvariantId; 1] = [InvariantId::I12];

/// The rules that name the selection, by their place in the strip: those of its kind, and any that is broken there or on what it
/// stands in: a page's segment and table, a segment's pages. Nothing where no rule speaks of such a thing.
pub fn named(
    world: &World,
    checker: &Checker,
    calls: &[Breach],
    selection: Selection,
) -> Vec<(usize, String, Standing)> {
    let usual: &[InvariantId] = match selection {
        Selection::Page { machine, space, va } => {
            let in_segment = Look::of(world, machine).and_then(|look| look.segment_at(space, va)).is_some();
            if in_segment { &OF_PAGES } else { &[] }
        }
        Selection::Segment { .. } => &OF_SEGMENTS,
        Selection::Grant { .. } => &OF_GRANTS,
        Selection::Frame { .. } => &[],
    };
    let name = |(index, rule): (usize, &Rule)| {
        let concerns = |breach: &Breach| concerns(world, selection, breach.place);
        let broken = checker.breaches(rule.id).any(|breach| concerns(&breach))
            || calls.iter().any(|breach| breach.id == rule.id && concerns(breach));
        let standing = if broken { Standing::Broken } else { Standing::Holds };
        (broken || usual.contains(&rule.id)).then(|| (index, rule.id.to_string(), standing))
    };
    Rule::ALL.iter().enumerate().filter_map(name).collect()
}

/// Whether what is broken at `place` is said of the selection.
fn concerns(world: &World, selection: Selection, place: Place) -> bool {
    match (selection, place) {
        (Selection::Page { machine, space, va }, Place::Page { machine: on, space: of, va: page }) => {
            (machine, space, va) == (on, of, page)
        }
        (Selection::Page { machine, space, va }, Place::Segment { machine: on, seg, .. }) => {
            let segment = Look::of(world, machine).and_then(|look| look.segment_at(space, va));
            machine == on && segment.is_some_and(|(mine, _)| mine == seg)
        }
        (Selection::Page { machine, space, va }, Place::Table { machine: on, space: of, base, .. }) => {
            (machine, space) == (on, of) && va.0.wrapping_sub(base.0) < Level::LEAF.table_span()
        }
        (Selection::Segment { machine, seg }, Place::Segment { machine: on, seg: which, .. }) => {
            (machine, seg) == (on, which)
        }
        (Selection::Segment { machine, seg }, Place::Page { machine: on, space, va }) => {
            let segment = Look::of(world, machine).and_then(|look| look.kernel.seg(seg));
            machine == on && segment.is_some_and(|segment| segment.space == space && segment.contains(va))
        }
        (
            Selection::Grant { machine, granter, gref },
            Place::Grant { machine: on, granter: whose, gref: which, .. },
        ) => (machine, granter, gref) == (on, whose, which),
        (Selection::Page { .. }, Place::Grant { .. } | Place::Space { .. })
        | (Selection::Segment { .. }, Place::Table { .. } | Place::Grant { .. } | Place::Space { .. })
        | (
            Selection::Grant { .. },
            Place::Page { .. } | Place::Segment { .. } | Place::Table { .. } | Place::Space { .. },
        )
        | (Selection::Frame { .. }, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Selection, Standing, named};
    use crate::illumos::abi::AsId;
    use crate::sim::invariants::Checker;
    use crate::sim::{MachineId, scenarios};
    use crate::view::session::{Msg, Position, Session};
    use crate::x86::addr::Va;

    #[test]
    fn a_rule_that_another_page_breaks_holds_here() {
        let mut session = Session::of_scenario(&scenarios::all()[0]).expect("a story can be built");
        session.update(Msg::Seek(Position { step: 7, stop: None }));
        let checker = Checker::new(session.world());
        let broken = |space: u32, page: u64| -> Vec<String> {
            let va = Va(0x8000_0000).page_after(page);
            let selection = Selection::Page { machine: MachineId(0), space: AsId(space), va };
            let all = named(session.world(), &checker, &[], selection).into_iter();
            all.filter(|(_, _, standing)| *standing == Standing::Broken).map(|(_, name, _)| name).collect()
        };
        assert_eq!(broken(0, 0), ["I13"]);
        assert!(broken(0, 2).is_empty(), "page 2 of the saver was taken back");
        assert_eq!(broken(1, 0), ["I1", "I3", "I9"]);
        assert_eq!(broken(1, 2), ["I3", "I9"], "of its segment, not of the page");
    }
}
