//! What an approver is shown: our reading of the call beside the agent's claim, which cannot pass for anything else.

use std::fmt::Write as _;

use serde_json::{Value, json};
use writ_model::{Action, Digest, GrantTerms, Label, Operation};
use writ_policy::StepUp;

use crate::port::TaskFacts;

/// Longest claim, in characters.
const MAX_CLAIM_CHARS: usize = 8_192;
/// Most reasons that are told.
const MAX_REASONS: usize = 16;
/// Most actions and files that are listed.
const MAX_LISTED: usize = 64;

/// The JSON that stands in an approval request: `v`, `agent`, `owner`, `task`, `intent`, `needs`, `held` (why it waits, in the
/// words of the policies, with what the session has read; those that tell of it first), `more_held` (so many further reasons), `guardrails` (those that a yes lifts), `would` (our reading), `why` (for
/// each action that waits, the part of the command that shows it and the rule), `runs` (files with their digests), `claims` (what
/// the client sent, quoted), and `grant`: what a grant would cover, where one may. Every text in it is [`plain`], but those of
/// `grant`, which are compared with calls to come.
pub(crate) fn shown(
    facts: &TaskFacts,
    held: &StepUp,
    runs: &[(String, Option<Digest>)],
    offer: Option<&GrantTerms>,
) -> Vec<u8> {
    let ruling = held.ruling();
    let call = &ruling.call;
    let would: Vec<Value> = ruling
        .actions
        .iter()
        .take(MAX_LISTED)
        .map(|action| {
            json!({
                "effect": action.effect.name(),
                "on": format!("{} {}", action.resource.kind(), plain(&action.resource.name(), 512)),
                "because": plain(&action.because.to_string(), 512),
            })
        })
        .collect();
    let command = match &call.operation {
        Operation::Shell { command } => command.as_str(),
        Operation::Fetch { .. }
        | Operation::Mcp { .. }
        | Operation::Notes
        | Operation::Push(_)
        | Operation::Read { .. }
        | Operation::Request(_)
        | Operation::Search { .. }
        | Operation::Spawn { .. }
        | Operation::Unknown { .. }
        | Operation::WebSearch { .. }
        | Operation::Write { .. } => "",
    };
    let why: Vec<Value> =
        held.held().iter().take(MAX_LISTED).filter_map(|action| part(command, action)).collect();
    let reasons: Vec<String> =
        held.reasons().iter().take(MAX_REASONS).map(|reason| plain(reason, 1_024)).collect();
    let guardrails: Vec<&str> = held.guardrails().map(Label::as_str).collect();
    let runs: Vec<Value> = runs
        .iter()
        .take(MAX_LISTED)
        .map(|(path, digest)| {
            let digest = digest.map_or_else(|| "not readable".to_owned(), |digest| digest.to_string());
            json!({ "path": plain(path, 512), "sha256": digest })
        })
        .collect();
    let mut value = json!({
        "v": 1,
        "agent": facts.agent_name.as_str(),
        "owner": facts.agent_owner.to_string(),
        "task": facts.task.kind.name(),
        "intent": plain(&facts.intent, 2_000),
        "needs": held.level().name(),
        "held": reasons,
        "more_held": held.reasons().len().saturating_sub(MAX_REASONS),
        "guardrails": guardrails,
        "why": why,
        "would": would,
        "more_actions": ruling.actions.len().saturating_sub(MAX_LISTED),
        "runs": runs,
        "claims": {
            "client": call.client.name(),
            "tool": call.tool.as_str(),
            "subagent": call.subagent.as_ref().map(|label| label.as_str()),
            "cwd": plain(&call.cwd, 1_024),
            "arguments": quoted(&call.arguments),
        },
    });
    if let (Some(offer), Some(fields)) = (offer, value.as_object_mut()) {
        fields.insert("grant".to_owned(), json!(offer));
    }
    value.to_string().into_bytes()
}

/// Which part of a command is why an action is one, by which rule.
fn part(command: &str, action: &Action) -> Option<Value> {
    let because = &action.because;
    let text = because.quoted(command)?;
    let range = because.part.clone()?;
    Some(json!({
        "start": range.start,
        "end": range.end,
        "text": plain(text, 512),
        "rule": because.rule,
        "says": plain(&because.says, 512),
    }))
}

/// The arguments, with each text in them made plain. Together at most [`MAX_CLAIM_CHARS`].
fn quoted(arguments: &Value) -> Value {
    let whole = arguments.to_string();
    if whole.chars().nth(MAX_CLAIM_CHARS).is_some() {
        return Value::String(plain(&whole, MAX_CLAIM_CHARS));
    }
    each_text(arguments)
}

fn each_text(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        Value::String(text) => Value::String(plain(text, MAX_CLAIM_CHARS)),
        Value::Array(items) => Value::Array(items.iter().map(each_text).collect()),
        Value::Object(fields) => Value::Object(
            fields.iter().map(|(name, value)| (plain(name, MAX_CLAIM_CHARS), each_text(value))).collect(),
        ),
    }
}

/// A text of an agent's in which nothing hides: control, bidirectional and invisible characters are written out as
/// `\u{202e}`, and what is longer than `limit` characters is cut, with the number of characters that are missing.
pub fn plain(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len().min(limit));
    let mut rest = text.chars();
    for c in rest.by_ref().take(limit) {
        if is_hidden(c) {
            // Writing to a string does not fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    match rest.count() {
        0 => {}
        more => {
            let _ = write!(out, " … and {more} more characters");
        }
    }
    out
}

/// Characters that change how their neighbours look, or that are not seen. Line feeds and tabs are left: they are
/// escaped by whatever prints one line.
fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' | ' ' => false,
        c if c.is_control() || c.is_whitespace() => true,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' => true,
        c => matches!(u32::from(c),
            0x180b..=0x180f | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfe00..=0xfe0f
            | 0xfff0..=0xfffb | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe000..=0xf8ff | 0xe0000..=0xe0fff
            | 0xf0000..=0x10_ffff),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hides_in_a_plain_text() {
        for (text, told) in [
            ("rm -rf ./build", "rm -rf ./build"),
            ("line\nnext\tcell", "line\nnext\tcell"),
            ("safe\u{202e}drowssap", "safe\\u{202e}drowssap"),
            ("a\u{200b}b\u{feff}c", "a\\u{200b}b\\u{feff}c"),
            ("\u{1b}[2Kgone\r", "\\u{1b}[2Kgone\\u{d}"),
            ("tag\u{e0041}", "tag\\u{e0041}"),
            ("no\u{a0}break", "no\\u{a0}break"),
            ("grüße 漢字", "grüße 漢字"),
        ] {
            assert_eq!(plain(text, 100), told);
        }
        assert_eq!(plain("abcdef", 4), "abcd … and 2 more characters");
    }
}
