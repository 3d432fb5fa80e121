//! `writ task …`: what people asked for, how it stands, and its end.

mod marks;

use std::process::ExitCode;

use clap::Subcommand;
use writ_control::api::client::Client as Office;
use writ_control::api::message::{TaskClose, TaskClosed, TaskList, TaskShow, TaskView};
use writ_model::{TaskId, TaskState, Timestamp};

use super::Context;
use super::measure::{by_id, past};
use crate::failure::{Failure, Outcome};
use crate::screen::{self, Quoted};
use crate::wire::{self, now};

#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  writ task list                 those that are open
  writ task list --all
  writ task show 4f2a            an id may be shortened
  writ task close 4f2a           its client is stopped
  writ task marks                files here that hold what strangers wrote
  writ task clear-mark x.sh      you have looked at it; agents may run it

A task is opened by `writ run`.")]
pub(super) enum Command {
    /// List tasks, newest first
    List(List),
    /// Show one task
    Show(Show),
    /// Close a task and stop its client
    Close(Close),
    /// List the files of a workspace that were written from untrusted input, private data or secrets
    Marks(marks::List),
    /// Clear the mark of a file that you have looked at
    ClearMark(marks::Clear),
}

#[derive(clap::Args)]
pub(super) struct List {
    /// Name or id
    #[arg(long)]
    agent: Option<String>,
    /// Closed ones too
    #[arg(long)]
    all: bool,
    /// As it was at a past moment, as `2026-01-31T12:00:00Z` or `2h ago`
    #[arg(long, value_name = "TIME", value_parser = past)]
    at: Option<Timestamp>,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct Show {
    /// Id, or enough of it
    task: String,
    /// As it was at a past moment, as `2026-01-31T12:00:00Z` or `2h ago`
    #[arg(long, value_name = "TIME", value_parser = past)]
    at: Option<Timestamp>,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct Close {
    /// Id, or enough of it
    task: String,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(super) fn main(context: &Context, command: Command) -> Outcome {
    wire::block_on(async {
        let office = wire::connect(&context.state).await?;
        match command {
            Command::Marks(arguments) => marks::list(&office, arguments).await,
            Command::ClearMark(arguments) => marks::clear(&office, arguments).await,
            Command::List(arguments) => list(&office, arguments).await,
            Command::Show(Show { task, at, json }) => {
                let task = identified(&office, &task).await?;
                let view = office.call(TaskShow { task, at }).await?;
                if json {
                    screen::json(&view)?;
                } else {
                    screen::line(card(&view))?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Command::Close(Close { task, json }) => {
                let task = identified(&office, &task).await?;
                let closed = office.call(TaskClose { task }).await?;
                if json {
                    screen::json(&closed)?;
                } else {
                    screen::line(ending(&closed))?;
                }
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}

async fn list(office: &Office, arguments: List) -> Outcome {
    let List { agent, all, at, json } = arguments;
    let state = (!all).then_some(TaskState::Open);
    let tasks = office.call(TaskList { agent, state, at }).await?;
    if json {
        screen::json(&tasks)?;
        return Ok(ExitCode::SUCCESS);
    }
    if tasks.tasks.is_empty() {
        let open = if all { "" } else { " is open" };
        screen::say(format_args!("no task{open}; `writ run` opens one"));
        return Ok(ExitCode::SUCCESS);
    }
    let now = now();
    screen::line(screen::table(
        ["TASK", "AGENT", "KIND", "STATE", "AGE", "CALLS", "WAITING", "INTENT"],
        tasks.tasks.iter().map(|task| {
            [
                task.id.to_string(),
                task.agent_name.to_string(),
                task.kind.to_string(),
                task.cause
                    .map_or_else(|| task.state.to_string(), |cause| format!("{} ({cause})", task.state)),
                screen::span(task.opened_at, now),
                task.used.map_or_else(String::new, |used| used.calls.to_string()),
                task.pending_approvals.to_string(),
                task.intent
                    .as_deref()
                    .map_or_else(|| "erased".to_owned(), |intent| Quoted(intent).to_string()),
            ]
        }),
    ))?;
    if tasks.more {
        screen::say("there are more; narrow it with --agent");
    }
    Ok(ExitCode::SUCCESS)
}

/// The task that a person's shortened id means.
pub(super) async fn identified(office: &Office, wanted: &str) -> Result<TaskId, Failure> {
    if let Ok(task) = wanted.parse() {
        return Ok(task);
    }
    let tasks = office.call(TaskList::default()).await?.tasks;
    by_id(tasks, |task| task.id.to_string(), TaskId::PREFIX, wanted)
        .map(|task| task.id)
        .map_err(|problem| Failure::usage(problem).hint("`writ task list --all` lists them"))
}

/// The end of a task and what to keep of it.
pub(super) fn ending(closed: &TaskClosed) -> String {
    let mut lines = vec![format!("{} is closed: {}", closed.task, closed.cause)];
    for checkpoint in &closed.checkpoints {
        lines.push(format!(
            "checkpoint of the {} log at {}:",
            screen::word(&checkpoint.log),
            checkpoint.size
        ));
        lines.extend(checkpoint.note.lines().map(|line| format!("  {line}")));
    }
    lines.join("\n")
}

/// What the requester named, one line for each part.
fn named(bounds: &writ_model::Bounds) -> Vec<String> {
    let Ok(serde_json::Value::Object(parts)) = serde_json::to_value(bounds) else { return Vec::new() };
    let entry = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => Quoted(text).to_string(),
        other => Quoted(&other.to_string()).to_string(),
    };
    parts
        .iter()
        .map(|(part, value)| {
            let shown = match value {
                serde_json::Value::Array(entries) if entries.is_empty() => "none".to_owned(),
                serde_json::Value::Array(entries) => entries.iter().map(entry).collect::<Vec<_>>().join(", "),
                other => entry(other),
            };
            format!("  bounds       {part}: {shown}")
        })
        .collect()
}

fn card(task: &TaskView) -> String {
    let cause = task.cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
    let text = |text: &Option<String>| {
        text.as_deref().map_or_else(|| "erased".to_owned(), |text| Quoted(text).to_string())
    };
    let labels =
        |labels: &[writ_model::Label]| labels.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let mut lines = vec![
        format!("{}  {}{cause}", task.id, task.state),
        format!("  intent       {}", text(&task.intent)),
        format!("  kind         {}, {}", task.kind, task.supervision),
        format!("  agent        {} ({}), owner {}", task.agent_name, task.client, task.agent_owner),
        format!("  requester    {}", task.requester),
        format!("  workspace    {}", text(&task.workspace)),
        format!("  branches     {}", task.branch_prefix),
        format!("  opened       {}", task.opened_at),
        format!(
            "  limits       {} s, {} calls, {} denials, {} bytes recorded, {} approvals waiting",
            task.limits.seconds,
            task.limits.calls,
            task.limits.denials,
            task.limits.recorded_bytes,
            task.limits.pending_approvals
        ),
        format!("  waiting      {}", task.pending_approvals),
    ];
    if let Some(most) = task.limits.outward_calls {
        lines.push(format!("               {most} calls that reach out"));
    }
    if let Some(most) = task.limits.files_written {
        lines.push(format!("               {most} files changed"));
    }
    match (&task.bounds, task.bounds_commitment) {
        (Some(bounds), _) => lines.extend(named(bounds)),
        (None, Some(_)) => lines.push("  bounds       erased".to_owned()),
        (None, None) => {}
    }
    for grant in &task.grants {
        let what = grant.terms.as_ref().map_or_else(|| "unreadable".to_owned(), super::grant::in_short);
        let until = match grant.ended {
            None => format!("until {}", grant.expires_at),
            Some(cause) => format!("ended ({cause})"),
        };
        lines.push(format!("  granted      {what}, {until}, {}", grant.id));
    }
    if let Some(used) = task.used {
        lines.push(format!(
            "  used         {} calls, {} denials, {} bytes recorded",
            used.calls, used.denials, used.recorded_bytes
        ));
    }
    for source in &task.touched {
        lines.push(format!(
            "  has read     {} ({}) {} in {}",
            source.source,
            source.source.touch(),
            text(&source.what),
            source.call
        ));
    }
    if let Some(expires_at) = task.writ_expires_at {
        lines.push(format!("  writ until   {expires_at}"));
    }
    if !task.handed_over.is_empty() {
        lines.push(format!("  handed over  {}", labels(&task.handed_over)));
    }
    if !task.lent.is_empty() {
        lines.push(format!("  lent         {}", labels(&task.lent)));
    }
    if !task.weakened.is_empty() {
        lines.push(format!("  switched off {}", labels(&task.weakened)));
    }
    if let Some(by) = &task.client_sandbox_off {
        lines.push(format!("  its sandbox  off, by {by}"));
    }
    if let Some(closed_at) = task.closed_at {
        lines.push(format!("  closed       {closed_at}"));
    }
    lines.join("\n")
}
