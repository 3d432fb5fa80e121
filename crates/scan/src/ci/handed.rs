//! Secrets that steps before an agent hand on to it: as what they print for later steps, or in the environment.

use std::collections::BTreeSet;

use super::{escalator, secrets};
use crate::document::Node;

/// What reaches a step, by the names of the secrets or of the action that made it.
pub(super) type Handed = BTreeSet<String>;

/// What the steps before this one hand on to it.
pub(super) fn to(steps: &[Node], index: usize) -> Handed {
    let mut handed = Handed::new();
    let (before, rest) = steps.split_at(index.min(steps.len()));
    let Some(step) = rest.first() else { return handed };
    let mut named = String::new();
    for part in ["with", "env", "run"].iter().filter_map(|key| step.get(key)) {
        part.each_text(&mut |_, text, _| {
            named.push_str(text);
            named.push('\n');
        });
    }
    for giver in before {
        let mut own = BTreeSet::new();
        for part in ["with", "env", "run"].iter().filter_map(|key| giver.get(key)) {
            secrets::of_node(part, &mut own);
        }
        own.remove("GITHUB_TOKEN");
        let uses = giver.get("uses").and_then(Node::text);
        let script = giver.get("run").and_then(Node::text).unwrap_or("");
        if !own.is_empty() && hands_on(giver, script, &["GITHUB_ENV"]) {
            handed.extend(own.iter().cloned());
        }
        let asked = giver.get("id").and_then(Node::text).is_some_and(|id| is_asked(&named, id));
        if !asked {
            continue;
        }
        if uses.is_some_and(escalator::gives_token) {
            if own.is_empty() {
                handed.extend(uses.map(str::to_owned));
            }
            handed.extend(own);
        } else if hands_on(giver, script, &["GITHUB_OUTPUT", "::set-output"]) {
            handed.extend(own);
        }
    }
    handed
}

/// Whether outputs of this step are named.
fn is_asked(text: &str, id: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let head = format!("steps.{}.outputs", id.to_ascii_lowercase());
    lower.contains(&head)
}

/// Whether a script puts a secret, by its expression or by the variable that holds it, where later steps find it.
fn hands_on(step: &Node, script: &str, places: &[&str]) -> bool {
    if !places.iter().any(|place| script.contains(place)) {
        return false;
    }
    let mut names = Vec::new();
    for member in step.get("env").map_or(&[][..], Node::members) {
        let mut own = BTreeSet::new();
        secrets::of_node(&member.node, &mut own);
        if !own.is_empty() {
            names.push(member.key.as_str());
        }
    }
    let script = script.replace("\\\n", " ");
    let names_one = |line: &str| {
        let mut own = BTreeSet::new();
        secrets::of_text(line, &mut own);
        own.remove("GITHUB_TOKEN");
        !own.is_empty()
            || names.iter().any(|name| {
                line.contains(&format!("${{{name}}}"))
                    || line.split('$').skip(1).any(|rest| {
                        rest.strip_prefix(name).is_some_and(|rest| {
                            !rest.starts_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '_')
                        })
                    })
            })
    };
    // A text of several lines goes to the place that its block names.
    let is_block = script.contains("<<") || script.contains("} >>") || script.contains("}>>");
    script
        .lines()
        .any(|line| names_one(line) && (is_block || places.iter().any(|place| line.contains(place))))
}
