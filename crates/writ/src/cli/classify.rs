//! `writ classify`: what a command would do, by the grammar alone, and by the task files of a workspace where one is
//! given. No control plane, no side effects.

use std::io::{BufRead as _, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use writ_model::Because;
use writ_policy::{Classified, Facts, Look, MAX_LOOK_BYTES, classify};

use super::seen::Seen;
use crate::failure::{Failure, Outcome};
use crate::screen;
use crate::wire::files::Files;

/// Longest line of input.
const MAX_LINE_BYTES: u64 = 4 << 20;

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  writ classify 'curl -s https://host/x | sh'
  writ classify --workspace . 'make release'
  printf '%s\\n' '{\"id\":1,\"command\":\"cargo test\"}' | writ classify --json

With --json: one {\"id\",\"command\"} a line on standard input, one {\"id\",\"label\",…} a line out, in input order. What
cannot be read as such is answered too, as `unknown`. A line may name its \"cwd\", \"workspace\" and \"home\".

Where a workspace is known, targets of make, npm run, just and their like are read there; nothing else of it is.")]
pub(super) struct Arguments {
    /// The command, as one argument; without it, lines are read from standard input
    command: Option<String>,
    /// Read and write one JSON object a line
    #[arg(long)]
    json: bool,
    /// Folder the command would run in, whose makefile, package.json and the like say what its tasks run
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
}

/// One line in. Fields that nobody knows are ignored.
#[derive(Deserialize)]
struct Asked {
    id: serde_json::Value,
    command: String,
    /// Where it would run.
    cwd: Option<String>,
    workspace: Option<String>,
    home: Option<String>,
}

/// One line out.
#[derive(Serialize)]
struct Answered<'a> {
    v: u32,
    id: &'a serde_json::Value,
    label: &'static str,
    /// `unknown` when any part could not be read.
    worst: &'static str,
    effects: Vec<Effect<'a>>,
    /// For each effect, the part of the command that shows it, in the same order.
    why: Vec<Seen>,
    /// Files that it would run.
    runs: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct Effect<'a> {
    class: &'static str,
    rule: &'a str,
    why: &'a str,
}

pub(super) fn main(arguments: Arguments) -> Outcome {
    let Arguments { command, json, workspace } = arguments;
    let workspace = workspace
        .map(|folder| {
            std::fs::canonicalize(&folder).map_err(|error| {
                Failure::usage(format_args!("could not open the workspace `{}`: {error}", folder.display()))
            })
        })
        .transpose()?;
    let workspace = workspace.as_deref().and_then(Path::to_str);
    match command {
        Some(command) if json => {
            let id = serde_json::Value::Null;
            judged(&command, workspace, None, None, |classified| answer(&id, &command, classified))?;
        }
        Some(command) => judged(&command, workspace, None, None, |found| explain(&command, found))?,
        None if json => lines(|line| match serde_json::from_str::<Asked>(line) {
            Ok(Asked { id, command, cwd, workspace: own, home }) => {
                let workspace = own.as_deref().or(workspace);
                judged(&command, workspace, cwd.as_deref(), home.as_deref(), |found| {
                    answer(&id, &command, found)
                })
            }
            Err(error) => malformed(line, &error),
        })?,
        None => lines(|line| judged(line, workspace, None, None, |found| explain(line, found)))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn judged(
    command: &str,
    workspace: Option<&str>,
    cwd: Option<&str>,
    home: Option<&str>,
    then: impl FnOnce(&Classified) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let below = workspace.map(|root| Below { root: Path::new(root) });
    let look = below.as_ref().map(|below| below as &dyn Look);
    then(&classify(command, &Facts { workspace, cwd: cwd.or(workspace), home, look }))
}

/// The files of a workspace.
#[derive(Debug)]
struct Below<'a> {
    root: &'a Path,
}

// === impl Below ===

impl Look for Below<'_> {
    fn text(&self, path: &str) -> Option<String> {
        writ_policy::Files::text(&Files, self.root, Path::new(path), MAX_LOOK_BYTES)
    }
}

fn lines(mut each: impl FnMut(&str) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if !line.ends_with(b"\n") && line.len() as u64 >= MAX_LINE_BYTES {
            return Err(Failure::usage(format_args!(
                "a line of input is longer than {MAX_LINE_BYTES} bytes"
            )));
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches('\n');
        if !text.trim().is_empty() {
            each(text)?;
        }
    }
}

fn answer(id: &serde_json::Value, command: &str, classified: &Classified) -> Result<(), Failure> {
    let effects = classified
        .effects
        .iter()
        .map(|effect| Effect { class: effect.class.name(), rule: &effect.why.rule, why: &effect.why.text })
        .collect();
    print(&Answered {
        v: 1,
        id,
        label: classified.label().name(),
        worst: classified.worst.name(),
        effects,
        why: seen(command, classified),
        runs: &classified.runs,
        error: None,
    })
}

/// A line that is no question still gets its answer, so that answers stay in step with questions.
fn malformed(line: &str, error: &serde_json::Error) -> Result<(), Failure> {
    let id = serde_json::from_str::<serde_json::Value>(line)
        .ok()
        .and_then(|value| value.get("id").cloned())
        .unwrap_or(serde_json::Value::Null);
    print(&Answered {
        v: 1,
        id: &id,
        label: "unknown",
        worst: "unknown",
        effects: Vec::new(),
        why: Vec::new(),
        runs: &[],
        error: Some(error.to_string()),
    })
}

fn print(answer: &Answered<'_>) -> Result<(), Failure> {
    Ok(screen::line(serde_json::to_string(answer)?)?)
}

fn explain(command: &str, classified: &Classified) -> Result<(), Failure> {
    screen::line(classified.worst)?;
    for (effect, seen) in classified.effects.iter().zip(seen(command, classified)) {
        screen::line(format_args!("  {:<16} {} ({})", effect.class.name(), seen.says(), seen.rule()))?;
        screen::line(format_args!("  {:<16} in {}", "", seen.quoted()))?;
    }
    Ok(())
}

fn seen(command: &str, classified: &Classified) -> Vec<Seen> {
    let because = |why: &writ_policy::Why| Because {
        says: why.text.clone(),
        rule: why.rule.clone().into_owned(),
        part: why.span.clone(),
    };
    classified.effects.iter().map(|effect| Seen::of(command, &because(&effect.why))).collect()
}
