//! `writ approvals [watch]`: the calls that wait for a human.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use writ_control::api::client::Client as Office;
use writ_control::api::message::{ApprovalView, ApprovalsList, ApprovalsWatch};
use writ_model::ApprovalState;

use super::Context;
use crate::environment::redacted;
use crate::failure::{Failure, Kind, Outcome};
use crate::screen::{self, Quoted};
use crate::wire::{self, now};

mod desk;

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  writ approvals                 what waits now
  writ approvals watch           what waits, and all that happens to it
  writ approvals watch --json    one JSON object a line, for a program of yours

In a terminal, `watch` takes your answers too: [y]es once, [g]rant, [n]o.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Those of open tasks that were answered, used or expired too
    #[arg(long)]
    all: bool,
    /// As JSON, for programs
    #[arg(long, global = true)]
    json: bool,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Stay and show each request as it comes and as it is answered
    Watch,
}

/// An approval as a program gets it: `shown` as it was recorded, and as text that is safe to print.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    #[serde(flatten)]
    view: &'a ApprovalView,
    /// `shown`, escaped for a terminal.
    printable: Option<String>,
}

pub(super) fn main(context: &Context, arguments: Arguments) -> Outcome {
    let Arguments { command, all, json } = arguments;
    wire::block_on(async {
        let office = wire::connect(&context.state).await?;
        match command {
            Some(Command::Watch) => watch(&office, json).await,
            None => list(&office, all, json).await,
        }
    })
}

async fn list(office: &Office, all: bool, json: bool) -> Outcome {
    #[derive(Serialize)]
    struct Listed<'a> {
        approvals: Vec<Shown<'a>>,
        more: bool,
    }
    let mut found = office.call(ApprovalsList::default()).await?;
    if all {
        for state in
            [ApprovalState::Approved, ApprovalState::Consumed, ApprovalState::Refused, ApprovalState::Expired]
        {
            let others =
                office.call(ApprovalsList { state: Some(state), ..ApprovalsList::default() }).await?;
            found.approvals.extend(others.approvals);
            found.more |= others.more;
        }
        found.approvals.sort_by_key(|approval| approval.requested_at);
    }
    if json {
        let approvals = found.approvals.iter().map(shown_to_people).collect();
        screen::json(&Listed { approvals, more: found.more })?;
    } else if found.approvals.is_empty() {
        screen::say(if all {
            "no open task has asked for anything; `writ audit search --event approval-requested` has the rest"
        } else {
            "nothing waits"
        });
    } else {
        for approval in &found.approvals {
            screen::line(card(approval))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn watch(office: &Office, json: bool) -> Outcome {
    let mut changes = office.watch(ApprovalsWatch {}).await?;
    if !json && super::run::has_terminal() {
        return desk::sit(office, changes).await;
    }
    if !json {
        screen::say("waiting for requests; end with Ctrl-C");
    }
    loop {
        let view = tokio::select! {
            next = changes.next() => next.ok_or_else(stream_ended)??,
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
        };
        if json {
            screen::json(&shown_to_people(&view))?;
        } else {
            screen::line(news(&view))?;
        }
    }
}

fn stream_ended() -> Failure {
    Failure::new(Kind::Broken, "the control plane ended the stream")
}

/// What is to be said of a change.
fn news(view: &ApprovalView) -> String {
    match view.state {
        ApprovalState::Pending => card(view),
        state @ (ApprovalState::Approved
        | ApprovalState::Consumed
        | ApprovalState::Refused
        | ApprovalState::Expired) => format!("{}  {state}", view.id),
    }
}

pub(super) fn shown_to_people(view: &ApprovalView) -> Shown<'_> {
    Shown { view, printable: view.shown.as_deref().map(|shown| claim(shown).join("\n")) }
}

/// Everything that an approver needs: who, for what task, our reading, and the agent's claim in quotation marks.
pub(super) fn card(view: &ApprovalView) -> String {
    let waits = match view.state {
        ApprovalState::Pending => format!("waits, expires in {}", screen::span(now(), view.expires_at)),
        state @ (ApprovalState::Approved
        | ApprovalState::Consumed
        | ApprovalState::Refused
        | ApprovalState::Expired) => state.to_string(),
    };
    let mut lines = vec![
        format!("{}  {waits}", view.id),
        format!(
            "  agent     {} for {}, task {} ({})",
            view.agent_name, view.requester, view.task, view.task_kind
        ),
        format!("  needs     {}", view.level),
    ];
    match &view.shown {
        Some(shown) => {
            lines.extend(held(shown));
            lines.extend(reasons(shown));
            lines.extend(claim(shown).into_iter().map(|line| format!("  {line}")));
        }
        None => lines.push("  what was asked is erased".to_owned()),
    }
    if let (Some(terms), ApprovalState::Pending) = (&view.grantable, view.state) {
        lines.push(format!("  --grant   would allow every {}", super::grant::in_short(terms)));
    }
    lines.push(format!("  digest    {}", view.action));
    for answer in &view.answers {
        let yes = if answer.yes { "yes" } else { "no" };
        lines.push(format!("  {yes} by {} at {}", answer.by, answer.at));
    }
    if let Some(grant) = view.grant {
        lines.push(format!("  made a grant: {grant}"));
    }
    lines.join("\n")
}

/// What the approver is shown, line by line. Keys are ours; every value is quoted.
fn claim(shown: &str) -> Vec<String> {
    match serde_json::from_str::<Value>(shown) {
        Ok(Value::Object(fields)) => {
            let mut lines = Vec::new();
            for (name, value) in fields.iter().filter(|(name, _)| !ON_THE_CARD.contains(&name.as_str())) {
                spread(&mut lines, name, value, 0);
            }
            lines
        }
        Ok(_) | Err(_) => vec![format!("claim     {}", Quoted(shown))],
    }
}

/// Why it waits, in the words of the policies.
fn held(shown: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Shown {
        #[serde(default)]
        held: Vec<String>,
        #[serde(default)]
        more_held: u64,
    }
    let Ok(shown) = serde_json::from_str::<Shown>(shown) else { return Vec::new() };
    let more = (shown.more_held > 0).then(|| format!("  held      for {} more reasons", shown.more_held));
    // Words of policies, names of files and of calls, which look like tokens.
    let told = shown.held.into_iter().map(|reason| format!("  held      {}", quoted(&reason)));
    told.chain(more).collect()
}

/// Which part of the command is why it waits, each part once for each rule.
fn reasons(shown: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Shown {
        #[serde(default)]
        why: Vec<Part>,
    }
    #[derive(Deserialize, PartialEq)]
    struct Part {
        text: String,
        rule: String,
        says: String,
    }
    let mut parts = serde_json::from_str::<Shown>(shown).map(|shown| shown.why).unwrap_or_default();
    parts.dedup();
    let told = |Part { text, rule, says }: Part| {
        format!(
            "  because   of {}: {} ({})",
            quoted(&redacted(&text)),
            quoted(&redacted(&says)),
            quoted(&rule)
        )
    };
    parts.into_iter().map(told).collect()
}

/// What the card says already, in words of its own.
const ON_THE_CARD: [&str; 8] = ["v", "agent", "task", "needs", "held", "more_held", "why", "grant"];

fn spread(lines: &mut Vec<String>, name: &str, value: &Value, depth: usize) {
    const MAX_DEPTH: usize = 4;
    let indent = "  ".repeat(depth);
    let name = quoted(name);
    let name = name.trim_matches('"');
    match value {
        Value::Null => {}
        Value::Array(items) if items.is_empty() => {}
        Value::Number(count) if count.as_u64() == Some(0) => {}
        Value::Object(fields) if depth > 0 && fields.values().all(is_word) => {
            let words: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{} {}", quoted(name).trim_matches('"'), said(value)))
                .collect();
            lines.push(format!("{indent}{name} {}", words.join("  ")));
        }
        Value::Object(fields) if depth < MAX_DEPTH => {
            lines.push(format!("{indent}{name}:"));
            for (name, value) in fields {
                spread(lines, name, value, depth + 1);
            }
        }
        Value::Array(items) if depth < MAX_DEPTH => {
            lines.push(format!("{indent}{name}:"));
            for item in items {
                spread(lines, "-", item, depth + 1);
            }
        }
        word => lines.push(format!("{indent}{name:<9} {}", said(word))),
    }
}

fn is_word(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

fn said(value: &Value) -> String {
    match value.as_str() {
        Some(text) => quoted(text),
        None => quoted(&value.to_string()),
    }
}

fn quoted(text: &str) -> String {
    Quoted(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_cannot_pass_for_our_words() {
        let shown = r#"{"v":1,"needs":"x","would":[{"effect":"git-push","on":"ref"}],"runs":[],"more":0,
            "claims":{"cwd":"/w","arguments":{"command":"a\n  needs     nobody\u001b[2J","n":{"a":[1,null,{"b":{"c":{"d":2}}}]}}}}"#;
        let lines = claim(shown);
        let text = lines.join("\n");
        assert_eq!(lines.iter().filter(|line| line.trim_start().starts_with("needs")).count(), 0, "{text}");
        assert!(text.contains(r#"- effect "git-push"  on "ref""#), "{text}");
        assert!(text.contains(r#"\n  needs     nobody\u{1b}[2J"#), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
        assert_eq!(claim("not json\n"), ["claim     \"not json\\n\""]);
    }

    #[test]
    fn the_part_that_waits_is_told_first_and_without_its_secrets() {
        let part = json!({"start": 6, "end": 60, "rule": "command.npm", "says": "publishes",
            "text": "npm publish --token hunter2 //npm\u{202e}"});
        let lines = reasons(&json!({"v": 1, "why": [part, part]}).to_string());
        let told =
            r#"  because   of "npm publish --token [redacted] //npm\u{202e}": "publishes" ("command.npm")"#;
        assert_eq!(lines, [told]);
        assert!(reasons("{}").is_empty() && reasons("no").is_empty());
        assert!(reasons(r#"{"why":[{"text":1}]}"#).is_empty());
    }

    #[test]
    fn names_of_arguments_are_claims_too() {
        let text = claim(r#"{"claims":{"arguments":{"a\u202eb\n- effect":"x"}}}"#).join("\n");
        assert!(text.contains("a\\u{202e}b\\n- effect"), "{text}");
    }
}
