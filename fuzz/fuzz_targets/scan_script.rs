//! Any script of a shell is taken apart: as a step before an agent, as the agent's own, and in a pipeline. No panic, an end, and
//! no more than the script holds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_scan::ci::{audit, gitlab};
use writ_scan::document::{Member, Node, Value};

fn node(value: Value) -> Node {
    Node { line: 1, value }
}

fn text(text: &str) -> Node {
    node(Value::Text(text.to_owned()))
}

fn map(members: Vec<(&str, Node)>) -> Node {
    let members = members.into_iter().map(|(key, node)| Member { key: key.to_owned(), line: 1, node });
    node(Value::Map(members.collect()))
}

fuzz_target!(|script: &str| {
    // The first step asks who is there, so that its script is followed.
    let environment = || map(vec![("ACTOR", text("${{ github.actor }}")), ("KEY", text("${{ secrets.KEY }}"))]);
    let step = || map(vec![("id", text("s")), ("env", environment()), ("run", text(script))]);
    let agent = map(vec![("if", text("steps.s.outputs.ok == 'true'")), ("run", text("claude -p x"))]);
    let steps = node(Value::List(vec![step(), step(), agent]));
    let jobs = map(vec![("a", map(vec![("steps", steps)]))]);
    let found = audit(&map(vec![("on", text("issue_comment")), ("jobs", jobs)]), &|_| Some(script.into()));
    assert!(found.is_some_and(|found| (1..=3).contains(&found.agents.len())));
    let _ = gitlab::audit(&map(vec![("a", map(vec![("script", text(script))]))]), &|_| Vec::new());
});
