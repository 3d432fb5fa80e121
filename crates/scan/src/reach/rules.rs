//! The rules.

use super::facts::Facts;
use super::{Fact, Place, Refused, Step};

ascent::ascent! {
    struct Closure;

    relation agent(Place);
    relation pushes(Fact);
    relation edits_workflows(bool);
    relation job(String, Fact);
    relation starts_on_branch(String, Fact);
    relation gated(String, Fact);
    relation holds(String, Place, Fact);
    relation has(Place, Place, Fact);
    relation calls(String, String, bool, Fact);

    // A job that sees the secrets that it names: a called one only if its caller hands them on.
    relation sees(String);
    relation reached(Place);
    relation step(Place, Place, Fact);

    reached(place) <-- agent(place);
    reached(to) <-- step(_, to, _);

    step(from, Place::Branch, fact) <-- agent(from), pushes(fact);
    // What is on the branch runs in every job that starts there.
    step(Place::Branch, Place::Job(job.clone()), fact) <--
        reached(Place::Branch), starts_on_branch(job, fact), !gated(job, _);
    // Who edits workflows makes a job start there that did not, and takes its gate away; only what the forge keeps behind the
    // gate stays there, and no file tells what that is.
    step(Place::Branch, Place::Job(job.clone()), fact) <--
        reached(Place::Branch), edits_workflows(true), job(job, fact);
    step(Place::Job(caller.clone()), Place::Job(called.clone()), fact) <--
        calls(caller, called, _, fact), reached(Place::Job(caller.clone())), !gated(called, _);
    sees(job) <-- step(Place::Branch, to, _), if let Place::Job(job) = to;
    sees(job) <-- agent(from), has(from, to, _), if let Place::Job(job) = to;
    sees(called) <--
        calls(caller, called, true, _), sees(caller), reached(Place::Job(called.clone()));
    step(place, what, fact) <--
        reached(place), if let Place::Job(job) = place, holds(job, what, fact),
        if !matches!(what, Place::Secret(_));
    step(place, what, fact) <--
        reached(place), if let Place::Job(job) = place, sees(job), holds(job, what, fact),
        if matches!(what, Place::Secret(_));
    step(place, what, fact) <-- reached(place), has(place, what, fact);
}

/// Every step that follows, and the gates that stopped one.
pub(super) fn close(agent: &str, facts: &Facts, refused: Refused) -> (Vec<Step>, Vec<Fact>) {
    let own = |owner: &str| owner == agent;
    let in_ci = facts.ci.keys().any(|(name, _)| name == agent);
    let mut closure = Closure {
        agent: vec![(Place::Agent(agent.to_owned()),)],
        pushes: if refused.push || in_ci {
            Vec::new()
        } else {
            facts.pushes.iter().cloned().map(|fact| (fact,)).collect()
        },
        edits_workflows: if refused.edit_workflows { Vec::new() } else { vec![(true,)] },
        job: facts.jobs.clone(),
        starts_on_branch: facts.starts_on_branch.clone(),
        gated: facts.gated.clone(),
        holds: facts.holds.clone(),
        calls: facts.calls.clone(),
        has: facts
            .has
            .iter()
            .filter(|(owner, _, _)| own(owner))
            .filter(|(_, what, _)| !(refused.servers && matches!(what, Place::Server(_) | Place::Host(_))))
            .map(|(owner, what, fact)| (Place::Agent(owner.clone()), what.clone(), fact.clone()))
            .chain(facts.opens.iter().cloned())
            .collect(),
        ..Closure::default()
    };
    closure.run();
    let mut steps: Vec<Step> =
        closure.step.into_iter().map(|(from, to, fact)| Step { from, to, fact }).collect();
    steps.sort();
    let gates = if refused.push || in_ci {
        Vec::new()
    } else {
        facts.gated.iter().map(|(_, fact)| fact.clone()).collect()
    };
    (steps, gates)
}
