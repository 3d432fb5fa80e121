//! Reads `{"id":…,"command":…}` lines on standard input and writes `{"id":…,"label":…,"why":[…]}` lines.

use std::io::{BufRead, Write};

use serde_json::{Value, json};
use writ_policy::{Facts, classify};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stdin = std::io::stdin();
    let mut stdout = std::io::stdout().lock();
    for line in stdin.lock().lines() {
        let case: Value = serde_json::from_str(&line?)?;
        let command = case.get("command").and_then(Value::as_str).unwrap_or_default();
        let answer = classify(command, &Facts::default());
        let why: Vec<Value> = answer
            .effects
            .iter()
            .map(|effect| json!({ "class": effect.class, "rule": effect.why.rule, "text": effect.why.text }))
            .collect();
        writeln!(stdout, "{}", json!({ "id": case.get("id"), "label": answer.label(), "why": why }))?;
    }
    Ok(())
}
