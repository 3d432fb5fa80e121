//! Compares the judge with Cedar on random policies and requests: `identity [REQUESTS] [SEED]`, a million by default.
//!
//! Prints one JSON object; exits with 1 at the first difference, after saying what it was.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a measuring program, not part of the judge"
)]

use std::process::ExitCode;

#[path = "../tests/it/random.rs"]
mod random;

use random::{Counts, Dice, compare, load, policies, scope_of};

/// Requests for each task.
const EACH: usize = 500;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let requests = arguments.next().and_then(Result::ok).unwrap_or(1_000_000);
    let seed = arguments.next().and_then(Result::ok).unwrap_or(1);
    let mut dice = Dice(seed);
    let mut counts = Counts::default();
    let (mut done, mut sets) = (0_u64, 0);
    while done < requests {
        // A few large ones, so that every way of filing is met with company.
        let size = if dice.roll(10) == 0 { 200 + dice.roll(800) } else { 1 + dice.roll(40) };
        let at = dice.0;
        let engine = match load(policies(&mut dice, size)) {
            Ok(engine) => engine,
            Err(error) => {
                eprintln!("seed {at}: {error}");
                return ExitCode::FAILURE;
            }
        };
        for _ in 0..4 {
            let compared = match engine.for_task(scope_of(&mut dice)) {
                Ok(judge) => compare(&judge, &mut dice, EACH, &mut counts),
                Err(error) => Err(error.to_string()),
            };
            if let Err(difference) = compared {
                eprintln!("seed {at}: {difference}");
                return ExitCode::FAILURE;
            }
            done += EACH as u64;
        }
        sets += 1;
    }
    println!(
        "{{\"requests\":{done},\"policy_sets\":{sets},\"seed\":{seed},\"differences\":0,\"counts\":\"{counts:?}\"}}"
    );
    ExitCode::SUCCESS
}
