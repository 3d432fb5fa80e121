//! `writ doctor --ways-out`: what a run tries at its ways out before its client starts, tried now.

use super::{Finding, found};
use crate::cli::{demo, run};

/// One finding for each trial.
pub(super) fn findings() -> Vec<Finding> {
    let ran = match demo::ways_out() {
        Ok(ran) => ran,
        Err(failure) => Err(failure.message()),
    };
    of(&ran)
}

/// A run starts its client once every trial was refused, and stops at the first that was not.
fn of(ran: &Result<(), String>) -> Vec<Finding> {
    let mut is_before = ran.as_ref().is_err_and(|why| run::ways_out().any(|(_, _, asks)| names(why, &asks)));
    run::ways_out()
        .map(|(name, door, asks)| {
            let check = format!("way-out.{name}");
            match ran {
                Ok(()) => found(&check, true, format!("the {door} refuses `{asks}` from inside"), true),
                Err(why) if names(why, &asks) => {
                    is_before = false;
                    found(&check, false, why.clone(), true)
                }
                Err(_) if is_before => {
                    found(&check, true, format!("the {door} refuses `{asks}` from inside"), true)
                }
                Err(why) => found(&check, false, format!("not tried: {why}"), true),
            }
        })
        .collect()
}

/// One address is the beginning of another, so that the marks around it count.
fn names(why: &str, asks: &str) -> bool {
    why.contains(&format!("`{asks}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_refused_is_told_and_what_comes_after_is_not_vouched_for() {
        let marks = |ran: Result<(), String>| of(&ran).iter().map(|finding| finding.ok).collect::<Vec<_>>();
        let (_, door, asks) = run::ways_out().nth(1).unwrap();
        assert_eq!(marks(Ok(())), [true; 4]);
        assert_eq!(marks(Err(format!("the {door} did not refuse `{asks}`: x"))), [true, false, false, false]);
        let (_, door, asks) = run::ways_out().nth(2).unwrap();
        assert_eq!(marks(Err(format!("the {door} did not refuse `{asks}`: x"))), [true, true, false, false]);
        assert_eq!(marks(Err("no namespaces here".to_owned())), [false; 4]);
        let told = of(&Err("no namespaces here".to_owned()));
        assert!(told.iter().all(|finding| finding.detail.contains("not tried: no namespaces")));
    }
}
