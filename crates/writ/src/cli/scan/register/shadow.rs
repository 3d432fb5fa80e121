//! Tools that are really there, whoever registered them: what a scan saw of each.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use writ_model::{Client, Label};
use writ_scan::provenance::classify;
use writ_scan::survey::Level;
use writ_scan::tool::client_of;

use crate::cli::scan::Whole;
use crate::git::history;

/// Commits looked at, from the newest.
const MAX_COMMITS: u32 = 10_000;
/// Longest time that git may take.
const WITHIN: Duration = Duration::from_secs(120);

/// One agent that was found, and by what.
#[derive(Serialize)]
pub(super) struct Found {
    pub(super) tool: &'static str,
    pub(super) client: Client,
    pub(super) evidence: Vec<String>,
    /// A process of it runs.
    pub(super) running: bool,
    /// The live agent that it belongs to.
    pub(super) registered: Option<Label>,
    /// It was recorded now.
    pub(super) recorded: bool,
}

/// Agents in commits of the working copy: how many commits each disclosed. A folder without history has none.
pub(super) fn in_commits(folder: &Path) -> BTreeMap<&'static str, u64> {
    let mut acted = BTreeMap::new();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return acted;
    };
    let Ok(read) = runtime.block_on(history::read(folder, MAX_COMMITS, WITHIN)) else { return acted };
    for entry in read.commits() {
        let said = classify(&entry.as_commit());
        for agent in said.agents {
            *acted.entry(if agent == "copilot" { "github-copilot" } else { agent }).or_default() += 1;
        }
    }
    acted
}

/// Tools that are really there: a program, an extension, a process, settings of this user, or what they did. Files that a
/// project brings show that somebody uses a tool, and not that this user does.
pub(super) fn found(whole: &Whole, acted: &BTreeMap<&'static str, u64>) -> Vec<Found> {
    let mut by_tool: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for program in &whole.programs {
        by_tool.entry(program.tool).or_default().push("installed".to_owned());
    }
    for extension in &whole.extensions {
        by_tool.entry(extension.tool).or_default().push(format!("extension {}", extension.id));
    }
    for process in &whole.processes {
        by_tool.entry(process.tool).or_default().push("running".to_owned());
    }
    for file in whole.found.iter().filter(|file| file.level == Level::User) {
        if !["agents-md", "generic-mcp", "git"].contains(&file.tool) {
            by_tool.entry(file.tool).or_default().push("settings of this user".to_owned());
        }
    }
    for one in &whole.sessions {
        let here = if one.here { " here" } else { "" };
        let text = format!("{} sessions{here}, the last at {}", one.count, one.last_at);
        by_tool.entry(one.tool).or_default().push(text);
    }
    for (tool, commits) in acted {
        by_tool.entry(tool).or_default().push(format!("{commits} commits here disclose it"));
    }
    by_tool
        .into_iter()
        .map(|(tool, mut evidence)| {
            evidence.sort();
            evidence.dedup();
            let running = whole.processes.iter().any(|process| process.tool == tool);
            Found { tool, client: client_of(tool), evidence, running, registered: None, recorded: false }
        })
        .collect()
}
