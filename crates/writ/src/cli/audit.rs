//! `writ audit …`: search, show and prove by the control plane; verify offline.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::Value;
use writ_control::api::client::Client as Office;
use writ_control::api::message::{AuditErase, AuditProve, AuditSearch, AuditShow, EntryView};
use writ_model::{Client, EffectClass, Label, Timestamp, Verdict};

use super::Context;
use super::measure::moment;
use super::task::identified;
use crate::failure::{Failure, Outcome};
use crate::screen::{self, Quoted};
use crate::wire;

mod verify;

#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  writ audit search --denied                     what was refused, and why
  writ audit search --effect git-push --since '12h ago'
  writ audit search --event program-started      what ran inside sandboxes
  writ audit search --commit 3721c6f             which push brought a commit
  writ audit show tsk_…                          the story of a task
  writ audit verify                              every hash, offline
  writ audit verify --checkpoint kept.note       …and nothing was cut off since
  writ audit prove activity:17 > proof.tlog      what a stranger can check")]
pub(super) enum Command {
    /// Find entries, newest first
    Search(Box<Search>),
    /// Show an entry, or the story of a session, task, call, approval or grant, with its texts
    Show(Show),
    /// Check the whole record against its signatures, offline
    Verify(verify::Arguments),
    /// Export the proof that an entry is in the log (C2SP tlog-proof)
    Prove(Prove),
    /// Destroy the texts of a closed task; the log stays verifiable
    Erase(Erase),
}

#[derive(clap::Args)]
pub(super) struct Search {
    /// Id, or enough of it
    #[arg(long)]
    task: Option<String>,
    /// Name or id
    #[arg(long)]
    agent: Option<String>,
    #[arg(long)]
    client: Option<Client>,
    /// allow, step_up or deny
    #[arg(long, value_parser = verdict)]
    verdict: Option<Verdict>,
    /// The same as `--verdict deny`
    #[arg(long, conflicts_with = "verdict")]
    denied: bool,
    /// An effect class, as `git-push`
    #[arg(long)]
    effect: Option<EffectClass>,
    /// An event's type, as `call-decided`; `program-started` lists programs, which other searches leave out
    #[arg(long)]
    event: Option<Label>,
    /// A commit, by 7 digits or more: which push brought it, in which task, under which writ. Pushes of it that were refused or
    /// only asked about stand behind those that went, as ones that brought nothing
    #[arg(long, value_name = "SHA")]
    commit: Option<String>,
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// Most entries in the answer
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    /// Goes on where an earlier page ended
    #[arg(long)]
    cursor: Option<String>,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct Show {
    /// `control:N`, `activity:N`, or the id of a session, task, call, approval or grant
    id: String,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct Prove {
    /// `control:N` or `activity:N`
    entry: String,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct Erase {
    /// Id of a closed task, or enough of it
    task: String,
    /// Do not ask again
    #[arg(long)]
    yes: bool,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(super) fn main(context: &Context, command: Command) -> Outcome {
    let command = match command {
        Command::Verify(arguments) => return verify::main(context, arguments),
        online @ (Command::Search(_) | Command::Show(_) | Command::Prove(_) | Command::Erase(_)) => online,
    };
    wire::block_on(async {
        let office = wire::connect(&context.state).await?;
        match command {
            Command::Search(arguments) => search(&office, *arguments).await,
            Command::Show(arguments) => show(&office, arguments).await,
            Command::Prove(arguments) => prove(&office, arguments).await,
            Command::Erase(arguments) => erase(&office, arguments).await,
            Command::Verify(_) => Ok(ExitCode::SUCCESS),
        }
    })
}

async fn search(office: &Office, arguments: Search) -> Outcome {
    let Search {
        task,
        agent,
        client,
        verdict,
        denied,
        effect,
        event,
        commit,
        since,
        until,
        limit,
        cursor,
        json,
    } = arguments;
    let task = match task {
        Some(task) => Some(identified(office, &task).await?),
        None => None,
    };
    let verdict = verdict.or(denied.then_some(Verdict::Deny));
    let limit = Some(limit);
    let is_of_commit = commit.is_some();
    let page = office
        .call(AuditSearch {
            task,
            agent,
            client,
            verdict,
            effect,
            event,
            commit,
            since,
            until,
            limit,
            cursor,
        })
        .await?;
    if json {
        screen::json(&page)?;
        return Ok(ExitCode::SUCCESS);
    }
    for entry in &page.entries {
        if is_of_commit && is_push(entry) && !is_let_through(entry) {
            screen::line("brought nothing, because this did not go:")?;
        }
        tell(entry)?;
    }
    if page.entries.is_empty() {
        screen::say(if page.unsure_pushes == 0 { "nothing fits" } else { "no list of a push names it" });
    }
    if page.unsure_pushes > 0 {
        screen::say(format_args!(
            "{} {}, or had it erased: the commit may be among what they brought; writ audit search --effect git-push \
             --verdict allow",
            page.unsure_pushes,
            if page.unsure_pushes == 1 {
                "push brought more than its record holds"
            } else {
                "pushes brought more than their records hold"
            },
        ));
    }
    if let Some(task) = page.entries.iter().find_map(pushed_by) {
        screen::say(format_args!("the calls that led to it: writ audit show {task}"));
    }
    if let Some(cursor) = page.cursor {
        screen::say(format_args!("older ones with --cursor {cursor}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The task of an entry with a push, as it stands among those of one commit.
fn pushed_by(entry: &EntryView) -> Option<String> {
    let task = entry.entry.get("task").and_then(Value::as_str)?;
    (is_push(entry) && is_let_through(entry) && !entry.texts.is_empty())
        .then(|| Quoted(task).to_string().trim_matches('"').to_owned())
}

fn is_push(entry: &EntryView) -> bool {
    entry.entry.pointer("/event/operation").and_then(Value::as_str) == Some("push")
}

fn is_let_through(entry: &EntryView) -> bool {
    entry.entry.pointer("/event/decision/verdict").and_then(Value::as_str) == Some("allow")
}

async fn show(office: &Office, Show { id, json }: Show) -> Outcome {
    let story = office.call(AuditShow { what: id }).await?;
    if json {
        screen::json(&story)?;
        return Ok(ExitCode::SUCCESS);
    }
    for entry in &story.entries {
        tell(entry)?;
    }
    if story.programs > 0 {
        screen::say(format_args!(
            "{} programs started inside; `writ audit search --event program-started --task …` lists them",
            story.programs
        ));
    }
    if story.more {
        screen::say("the story is longer; search with --task and --cursor");
    }
    Ok(ExitCode::SUCCESS)
}

/// An entry with its texts, as far as they were asked for.
fn tell(entry: &EntryView) -> Result<(), Failure> {
    screen::line(headline(entry))?;
    for text in &entry.texts {
        let shown = text.text.as_deref().map_or_else(|| "erased".to_owned(), |text| Quoted(text).to_string());
        screen::line(format_args!("    {}  {shown}", text.field))?;
    }
    Ok(())
}

async fn prove(office: &Office, Prove { entry, json }: Prove) -> Outcome {
    let proof = office.call(AuditProve { entry }).await?;
    if json {
        screen::json(&proof)?;
        return Ok(ExitCode::SUCCESS);
    }
    screen::line(proof.proof.trim_end_matches('\n'))?;
    screen::say(format_args!("entry: {}", Quoted(&proof.entry)));
    screen::say(format_args!("verifier key: {}", proof.vkey));
    Ok(ExitCode::SUCCESS)
}

async fn erase(office: &Office, Erase { task, yes, json }: Erase) -> Outcome {
    let task = identified(office, &task).await?;
    if !yes && !super::run::confirmed(&format!("Destroy the texts of {task} for good?"))? {
        return Err(
            Failure::new(crate::failure::Kind::Denied, "nothing was destroyed").hint("say --yes to mean it")
        );
    }
    let erased = office.call(AuditErase { task }).await?;
    if json {
        screen::json(&erased)?;
    } else {
        screen::line(format_args!("the texts of {} are gone; the log still verifies", erased.task))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn verdict(text: &str) -> Result<Verdict, String> {
    match text {
        "allow" => Ok(Verdict::Allow),
        "deny" => Ok(Verdict::Deny),
        "step_up" | "step-up" => Ok(Verdict::StepUp),
        other => Err(format!("`{other}` is no verdict; known are allow, step_up, deny")),
    }
}

/// One entry on one line: where it stands, when, what, and the words that tell most.
fn headline(entry: &EntryView) -> String {
    let event = entry.entry.get("event").unwrap_or(&Value::Null);
    let word = |pointer: &str| {
        event
            .pointer(pointer)
            .and_then(Value::as_str)
            .map(|word| Quoted(word).to_string().trim_matches('"').to_owned())
    };
    let mut parts = vec![entry.id.clone(), entry.at.to_string(), word("/type").unwrap_or_default()];
    for pointer in [
        "/decision/verdict",
        "/decision/reason",
        "/tool",
        "/operation",
        "/outcome",
        "/step",
        "/cause",
        "/agent",
        "/approval",
        "/grant",
        "/writ",
        "/call",
        "/name",
    ] {
        parts.extend(word(pointer));
    }
    // Which is another than before is seen by the beginnings.
    if event.get("type").and_then(Value::as_str) == Some("model-asked") {
        parts.extend(word("/model"));
        for name in ["system", "tools"] {
            let digest = event.get(name).and_then(Value::as_str);
            parts.extend(
                digest.map(|digest| format!("{name} {}", digest.chars().take(12).collect::<String>())),
            );
        }
    }
    if let Some(grants) = event.pointer("/decision/grants").and_then(Value::as_array) {
        parts.extend(grants.iter().filter_map(Value::as_str).map(str::to_owned));
    }
    if let Some(effects) = event.get("effects").and_then(Value::as_array) {
        let effects: Vec<_> = effects.iter().filter_map(Value::as_str).collect();
        parts.push(format!("[{}]", effects.join(" ")));
    }
    if let Some(task) = entry.entry.get("task").or_else(|| event.get("task")).and_then(Value::as_str) {
        parts.push(task.to_owned());
    }
    parts.join("  ")
}
