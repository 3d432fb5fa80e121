//! Lines of commits in, what they disclose out: for trying the table on labelled commits without the whole program.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a developer's tool")]
use std::io::BufRead as _;
use writ_scan::provenance::{Commit, classify};
fn main() {
    for line in std::io::stdin().lock().lines() {
        let asked: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let text = |name: &str| asked.get(name).and_then(|text| text.as_str()).unwrap_or_default();
        let said = classify(&Commit {
            author_name: text("author_name"),
            author_email: text("author_email"),
            committer_name: text("committer_name"),
            committer_email: text("committer_email"),
            message: text("message"),
        });
        println!(
            "{}",
            serde_json::json!({"id": text("id"), "label": said.label.word(), "agents": said.agents})
        );
    }
}
