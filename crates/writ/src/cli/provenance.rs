//! `writ provenance`: which agents acted in commits, by what the commits disclose.

use std::io::{BufRead as _, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use writ_scan::provenance::{Commit, classify};

use crate::failure::{Failure, Outcome};
use crate::screen;

mod log;

/// Longest line of input.
const MAX_LINE_BYTES: u64 = 16 << 20;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Tell what commits disclose: lines of JSON in, one answer a line out
    #[command(after_help = "\
Example:
  writ provenance classify --json < commits.jsonl

A line has \"id\", \"author_name\", \"author_email\", \"committer_name\", \"committer_email\" and \"message\". The label is
agent-authored, agent-assisted, automation, automation-with-agent or human-or-undisclosed: what is disclosed, never that
a person wrote it.")]
    Classify(Classify),
    /// List the agents that acted in the history of a repository
    #[command(after_help = "\
Examples:
  writ provenance log                  the repository around you
  writ provenance log app --commits
  writ provenance log --json . | jq -r .label | sort | uniq -c

Reads commits with git, and nothing of the repository's own configuration.")]
    Log(Log),
}

#[derive(clap::Args)]
pub(super) struct Classify {
    /// Read and write one JSON object a line
    #[arg(long, required = true)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct Log {
    /// A repository, or a folder in one
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Most commits to look at, from the newest
    #[arg(long, short = 'n', default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    number: u32,
    /// Show each commit in which an agent or a program acted
    #[arg(long)]
    commits: bool,
    /// One JSON object a line and a commit
    #[arg(long)]
    json: bool,
}

/// One line in. Fields that nobody knows are ignored.
#[derive(Deserialize)]
struct Asked {
    id: serde_json::Value,
    #[serde(default)]
    author_name: Option<String>,
    #[serde(default)]
    author_email: Option<String>,
    #[serde(default)]
    committer_name: Option<String>,
    #[serde(default)]
    committer_email: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

/// One line out.
#[derive(Serialize)]
struct Answered<'a> {
    id: &'a serde_json::Value,
    label: &'static str,
    agents: &'a [&'static str],
    because: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub(super) fn main(command: Command) -> Outcome {
    match command {
        Command::Classify(Classify { json: _ }) => lines(),
        Command::Log(Log { folder, number, commits, json }) => log::main(&folder, number, commits, json),
    }
}

fn lines() -> Outcome {
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
        if length == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        if length as u64 >= MAX_LINE_BYTES {
            return Err(Failure::usage(format_args!("a line is longer than {MAX_LINE_BYTES} bytes")));
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice::<Asked>(&line) {
            Ok(asked) => {
                let text = |field: &'_ Option<String>| field.clone().unwrap_or_default();
                let (author_name, author_email) = (text(&asked.author_name), text(&asked.author_email));
                let (committer_name, committer_email) =
                    (text(&asked.committer_name), text(&asked.committer_email));
                let message = text(&asked.message);
                let said = classify(&Commit {
                    author_name: &author_name,
                    author_email: &author_email,
                    committer_name: &committer_name,
                    committer_email: &committer_email,
                    message: &message,
                });
                let (label, agents, because) = (said.label.word(), &said.agents, &said.because);
                screen::json(&Answered { id: &asked.id, label, agents, because, error: None })?;
            }
            Err(error) => {
                let id = serde_json::Value::Null;
                let error = Some(format!("not a line of JSON with `id`: {error}"));
                screen::json(&Answered { id: &id, label: "unknown", agents: &[], because: &[], error })?;
            }
        }
    }
}
