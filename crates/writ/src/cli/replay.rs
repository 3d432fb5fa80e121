//! `writ replay`: chains of calls judged as a governed run would judge them, without running anything. No control plane,
//! nothing recorded.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use writ_model::Verdict;
use writ_policy::{Answer, Engine, MAX_CHAIN_BYTES, Scenario};

use super::Context;
use crate::failure::{Failure, Kind, Outcome};
use crate::screen::{self, Quoted};

/// Longest name of a tool, and longest sentence, that the table shows.
const SHOWN: usize = 60;

#[derive(clap::Args)]
#[command(after_help = "\
A chain is one JSON object on one line: an id, what the requester named (`scope`), and the steps in their order. Each
step is judged in the light of those before it, by the policies that `writ run` uses; a step that is not allowed did not
happen for the next. The workspace of a chain is /workspace, the home folder /home/dev.

Example:
  tr -d '\\n' <<'END' | writ replay
  {\"id\":\"try\", \"task\":\"read the docs\",
   \"scope\":{\"read_paths\":[\"./**\"],\"network_hosts\":[]},
   \"steps\":[{\"tool\":\"read_file\",\"args\":{\"path\":\"README.md\"},
             \"output_trust\":\"untrusted\"},
            {\"tool\":\"bash\",\"args\":{\"command\":\"curl https://x.example/\"}}]}
  END

Tools: read_file, write_file, edit_file, bash, web_fetch, git_push, mcp_connect, mcp:SERVER.TOOL, spawn_agent,
render_markdown. Any other is unknown, and asked about.

`scope` must be there and may be empty. It may hold: repo, read_paths, deny_read, write_paths, protected_paths, effects, network_hosts, git_push,
mcp, mcp_calls, secrets, publish, deploy, limits, stop_on. SPECIFICATION.md says what each means.

With --json: one {\"id\",\"decisions\":[\"allow\"|\"deny\"|\"step_up\",…]} a line, in input order. A line that is no chain gives
{\"id\":null,\"error\":…}; the others are answered all the same, and the exit code is 2.")]
pub(super) struct Arguments {
    /// Chains, one a line; without it, standard input
    file: Option<PathBuf>,
    /// Write one JSON object a line
    #[arg(long)]
    json: bool,
}

/// One line out.
#[derive(Serialize)]
struct Answered<'a> {
    v: u32,
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decisions: Option<Vec<Verdict>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<Vec<Step<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct Step<'a> {
    reason: &'static str,
    policies: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    takes: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    told: &'a str,
}

pub(super) fn main(context: &Context, arguments: Arguments) -> Outcome {
    let Arguments { file, json } = arguments;
    let engine = super::run::quiet_engine(context)?;
    let input: Box<dyn BufRead> = match &file {
        Some(path) => {
            let file = File::open(path).map_err(|error| {
                Failure::usage(format_args!("could not open `{}`: {error}", path.display()))
            })?;
            Box::new(BufReader::new(file))
        }
        None => Box::new(std::io::stdin().lock()),
    };
    let mut unread = 0;
    each_line(input, |number, line| {
        let answered = line.and_then(|line| answers(&engine, &line));
        if let Err(problem) = &answered {
            unread += 1;
            screen::say(format_args!("writ: line {number}: {problem}"));
        }
        match (answered, json) {
            (Ok((scenario, answers)), true) => print(&scenario, &answers),
            (Ok((scenario, answers)), false) => tell(&scenario, &answers),
            (Err(problem), true) => print_problem(problem),
            (Err(_), false) => Ok(()),
        }
    })?;
    Ok(if unread == 0 { ExitCode::SUCCESS } else { ExitCode::from(Kind::Usage.code()) })
}

fn answers(engine: &Arc<Engine>, line: &str) -> Result<(Scenario, Vec<Answer>), String> {
    let scenario = Scenario::read(line).map_err(|error| error.to_string())?;
    let answers = scenario.judge(engine).map_err(|error| error.to_string())?;
    Ok((scenario, answers))
}

/// Reads line by line. One that is too long is passed over to its end, and answered as such.
fn each_line(
    mut input: impl BufRead,
    mut each: impl FnMut(usize, Result<String, String>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let most = MAX_CHAIN_BYTES as u64 + 2;
    let mut number = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        number += 1;
        let is_cut = !line.ends_with(b"\n") && line.len() as u64 >= most;
        if is_cut {
            let mut rest = Vec::new();
            loop {
                rest.clear();
                let count = input.by_ref().take(1 << 20).read_until(b'\n', &mut rest)?;
                if count == 0 || rest.ends_with(b"\n") {
                    break;
                }
            }
            each(number, Err(format!("it is longer than {MAX_CHAIN_BYTES} bytes")))?;
            continue;
        }
        match std::str::from_utf8(&line) {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => each(number, Ok(text.trim().to_owned()))?,
            Err(_) => each(number, Err("it is no valid UTF-8".to_owned()))?,
        }
    }
}

fn print(scenario: &Scenario, answers: &[Answer]) -> Result<(), Failure> {
    let steps = answers.iter().map(|answer| Step {
        reason: answer.reason.name(),
        policies: answer.policies.iter().map(writ_model::Label::as_str).collect(),
        takes: answer.takes.as_deref(),
        told: &answer.told,
    });
    let answered = Answered {
        v: 1,
        id: Some(&scenario.id),
        decisions: Some(answers.iter().map(|answer| answer.verdict).collect()),
        steps: Some(steps.collect()),
        error: None,
    };
    Ok(screen::line(serde_json::to_string(&answered)?)?)
}

fn print_problem(problem: String) -> Result<(), Failure> {
    let answered = Answered { v: 1, id: None, decisions: None, steps: None, error: Some(problem) };
    Ok(screen::line(serde_json::to_string(&answered)?)?)
}

/// The chain as a table, and what was refused in words.
fn tell(scenario: &Scenario, answers: &[Answer]) -> Result<(), Failure> {
    screen::line(format_args!("{}  {}", Quoted(&scenario.id), Quoted(&scenario.task)))?;
    let rows = scenario.steps.iter().zip(answers).enumerate().map(|(at, (step, answer))| {
        [
            (at + 1).to_string(),
            answer.verdict.to_string(),
            answer.takes.clone().unwrap_or_default(),
            answer.reason.to_string(),
            shortened(&step.tool),
            shortened(&first_argument(&step.arguments)),
        ]
    });
    screen::line(screen::table(["STEP", "VERDICT", "TAKES", "REASON", "TOOL", "WITH"], rows))?;
    for (at, answer) in answers.iter().enumerate().filter(|(_, answer)| answer.verdict != Verdict::Allow) {
        screen::line(format_args!("  {}: {}", at + 1, answer.told))?;
    }
    for entry in &scenario.unread {
        screen::line(format_args!("  not read, so not named: {}", Quoted(entry)))?;
    }
    screen::line("")?;
    Ok(())
}

/// What a step is about, in its own words.
fn first_argument(arguments: &Value) -> String {
    const TELLING: [&str; 6] = ["command", "path", "url", "branch", "server", "query"];
    let Some(members) = arguments.as_object() else { return String::new() };
    TELLING
        .iter()
        .find_map(|name| members.get(*name))
        .or_else(|| members.values().next())
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .unwrap_or_default()
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    Quoted(&short).to_string()
}
