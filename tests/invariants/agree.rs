//! The property: by whatever way one comes to a world, the verdicts on it are those of a full recount, and so are those on the calls
//! of the next step.

use crate::ops;
use mapscope::sim::invariants::{Breach, Checker};
use mapscope::sim::{Op, World, scenarios};
use proptest::prelude::{ProptestConfig, proptest};

/// Does `ops` one by one and compares after each, and after each event inside each.
pub fn compare_all_the_way(mut world: World, ops: &[Op]) {
    let mut checker = Checker::new(&world);
    for (number, op) in ops.iter().enumerate() {
        let before = world.clone();
        let events = world.apply(op).events;
        let after = checker.after(&world, op.machine, &events);
        compare(&after, &world, || format!("after op {number}, {op:?}"));
        let recounted = Checker::new(&before);
        let calls = |checker: &Checker| checker.calls(&world, op.machine, &events);
        assert_eq!(calls(&checker), calls(&recounted), "the calls of op {number}, {op:?}");
        let mut creeping = checker.clone();
        for k in 0..=events.len() {
            let mut inside = before.clone();
            let _ = inside.apply_with_fuel(op, k);
            let leap = checker.after(&inside, op.machine, &events[..k]);
            let what =
                || format!("inside op {number}, {op:?}, after event {k}: {:?}", k.checked_sub(1).map(|k| &events[k]));
            compare(&leap, &inside, what);
            creeping = creeping.after(&inside, op.machine, &events[k.saturating_sub(1)..k]);
            compare(&creeping, &inside, || format!("creeping, {}", what()));
        }
        checker = after;
    }
}

fn compare(found: &Checker, world: &World, place: impl Fn() -> String) {
    let breaches = |checker: &Checker| checker.all().collect::<Vec<Breach>>();
    let (found, recounted) = (breaches(found), breaches(&Checker::new(world)));
    let missing: Vec<_> = recounted.iter().filter(|breach| !found.contains(breach)).collect();
    let invented: Vec<_> = found.iter().filter(|breach| !recounted.contains(breach)).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "{}\n  a recount finds, and the checker does not: {missing:#?}\n  the checker says, and a recount does not: {invented:#?}",
        place()
    );
}

#[test]
fn on_every_story() {
    for story in scenarios::all() {
        let ops: Vec<Op> = story.steps.iter().map(|(op, _)| op.clone()).collect();
        // A registration of 352 pages has some 20,000 events; a recount after each of them is for the random worlds.
        let short: Vec<Op> = ops.into_iter().filter(|op| !ops::is_long(op)).collect();
        compare_all_the_way(World::build(&story.machines).expect("a story can be built"), &short);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn on_random_worlds((setup, ops) in ops::worlds()) {
        compare_all_the_way(World::build(&[setup]).expect("the set-up is sound"), &ops);
    }
}
