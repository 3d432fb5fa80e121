//! `writ provenance log`: the history of a repository, read with git through a repository of our own.
//!
//! A repository's configuration can name programs to run. So git is never started in it: an empty one in a folder of ours
//! borrows its objects, and its head is read from its files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use writ_scan::provenance::{Label, Provenance, classify};

use crate::failure::{Failure, Kind, Outcome};
use crate::git::history;
use crate::screen;

/// Longest time that git may take.
const WITHIN: Duration = Duration::from_secs(120);

/// One commit, for programs.
#[derive(Serialize)]
struct Shown<'a> {
    commit: &'a str,
    time: &'a str,
    author: &'a str,
    subject: &'a str,
    label: &'static str,
    agents: &'a [&'static str],
    because: &'a [String],
}

pub(super) fn main(folder: &Path, number: u32, commits: bool, json: bool) -> Outcome {
    let folder: PathBuf = std::fs::canonicalize(folder)
        .map_err(|error| Failure::usage(format_args!("could not open `{}`: {error}", folder.display())))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let read = runtime
        .block_on(history::read(&folder, number, WITHIN))
        .map_err(|error| Failure::new(Kind::Broken, format_args!("could not read the history: {error}")))?;
    let mut labels: BTreeMap<Label, u64> = BTreeMap::new();
    let mut agents: BTreeMap<&'static str, (u64, String)> = BTreeMap::new();
    for entry in read.commits() {
        let said = classify(&entry.as_commit());
        let Provenance { label, agents: acting, because } = &said;
        *labels.entry(*label).or_default() += 1;
        for agent in acting {
            agents.entry(agent).or_insert_with(|| (0, entry.time.clone())).0 += 1;
        }
        let subject = entry.message.lines().next().unwrap_or_default();
        if json {
            screen::json(&Shown {
                commit: &entry.id,
                time: &entry.time,
                author: &entry.author_name,
                subject,
                label: label.word(),
                agents: acting,
                because,
            })?;
        } else if commits && *label != Label::HumanOrUndisclosed {
            let short = entry.id.get(..12).unwrap_or(&entry.id);
            let who = if acting.is_empty() { "-".to_owned() } else { acting.join(", ") };
            screen::line(format_args!(
                "{short}  {}  {}  {who}  {}",
                entry.time,
                label.word(),
                screen::Quoted(subject)
            ))?;
        }
    }
    if !json {
        if commits && !labels.is_empty() {
            screen::line("")?;
        }
        for (label, count) in &labels {
            screen::line(format_args!("{count:>7}  {}", label.word()))?;
        }
        if agents.is_empty() {
            screen::line("no commit names an agent")?;
        }
        for (agent, (count, last)) in &agents {
            screen::line(format_args!("{count:>7}  {agent}, last on {last}"))?;
        }
        if read.is_cut() {
            screen::say("the history goes on: these are its newest commits (see --number)");
        }
    }
    Ok(ExitCode::SUCCESS)
}
