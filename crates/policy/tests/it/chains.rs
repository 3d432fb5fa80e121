//! Chains of calls that a governed agent must not complete, each with a twin that it must be let through with. One line
//! of `tests/chains/*.jsonl` is one pair: its scope, the steps of the attack with the step that has to be refused, and
//! the steps of the ordinary work.
//!
//! `before.jsonl` was written before the judge could say anything of bounds, `after.jsonl` when it could, `written.jsonl`
//! before it looked at what a session had written itself.

use std::sync::Arc;

use serde_json::{Value, json};
use writ_model::Verdict;
use writ_policy::{Engine, PolicySources, Scenario};

const BEFORE: &str = include_str!("../chains/before.jsonl");
const AFTER: &str = include_str!("../chains/after.jsonl");
const WRITTEN: &str = include_str!("../chains/written.jsonl");

fn engine() -> Arc<Engine> {
    Arc::new(Engine::load(&PolicySources::shipped()).unwrap())
}

fn answers(engine: &Arc<Engine>, scope: &Value, steps: &Value) -> Vec<(Verdict, String)> {
    let text = json!({ "id": "x", "scope": scope, "steps": steps }).to_string();
    let scenario = Scenario::read(&text).unwrap();
    scenario.judge(engine).unwrap().into_iter().map(|answer| (answer.verdict, answer.told)).collect()
}

/// What is wrong with the answers to one pair; nothing when they are right.
fn wrong(engine: &Arc<Engine>, pair: &Value) -> Vec<String> {
    let attack = answers(engine, &pair["scope"], &pair["attack"]);
    let first = attack.iter().position(|(verdict, _)| *verdict != Verdict::Allow).map(|at| at as u64 + 1);
    let deny = pair["deny"].as_u64();
    let may = pair["may"].as_array().unwrap().iter().map(Value::as_u64);
    let mut wrong = Vec::new();
    if first != deny && !may.into_iter().any(|step| step == first) {
        wrong.push(format!(
            "refused at {first:?} and not at {deny:?}: {:?}",
            first.map(|at| &attack[at as usize - 1])
        ));
    }
    let benign = answers(engine, &pair["benign_scope"], &pair["benign"]);
    for (at, (verdict, told)) in benign.iter().enumerate() {
        if *verdict != Verdict::Allow {
            wrong.push(format!("the twin is stopped at {}: {told}", at + 1));
        }
    }
    wrong
}

#[test]
fn attacks_stop_where_they_begin_and_their_twins_go_through() {
    let engine = engine();
    let mut report = String::new();
    let mut pairs = 0;
    for line in BEFORE.lines().chain(AFTER.lines()).chain(WRITTEN.lines()) {
        let pair: Value = serde_json::from_str(line).unwrap();
        pairs += 1;
        for wrong in wrong(&engine, &pair) {
            report.push_str(&format!("{} ({}): {wrong}\n", pair["id"], pair["violation"]));
        }
    }
    assert!(report.is_empty(), "of {pairs} pairs:\n{report}");
}
