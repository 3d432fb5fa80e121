//! The judge leaves out what cannot matter. Its answers must be those of Cedar with nothing left out.

use crate::random::{Counts, Dice, compare, load, policies, scope_of};

/// Random policies, under observation and not; random tasks, circumstances, grants and requests. The same program, with
/// millions of requests, is `cargo run --release -p writ-policy --example identity`.
#[test]
fn the_judge_answers_as_cedar_does_with_all_policies() {
    let mut dice = Dice(7);
    let mut counts = Counts::default();
    for round in 0..40 {
        let seed = dice.0;
        let size = 1 + dice.roll(24);
        let engine = load(policies(&mut dice, size)).unwrap_or_else(|error| panic!("round {round}: {error}"));
        for _ in 0..5 {
            let judge = engine.for_task(scope_of(&mut dice)).expect("the task has a judge");
            compare(&judge, &mut dice, 100, &mut counts)
                .unwrap_or_else(|difference| panic!("round {round}, seed {seed}: {difference}"));
        }
    }
    // Each sort of answer was among them.
    for count in [counts.allowed, counts.granted, counts.held, counts.denied, counts.observed] {
        assert!(count > 50, "{counts:?}");
    }
}
