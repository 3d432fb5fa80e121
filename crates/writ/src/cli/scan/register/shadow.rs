//! Tools that are really there, whoever registered them: what a scan saw of each.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use writ_control::api::message::AgentView;
use writ_model::{Client, Label, Timestamp};
use writ_scan::provenance::classify;
use writ_scan::survey::Level;
use writ_scan::tool::client_of;

use crate::cli::scan::Whole;
use crate::git::history;

mod elsewhere;

/// Heads of names of agents that were found in pipelines, and in settings of repositories.
const OF_PIPELINE: &str = "found-ci-";
const OF_PROJECT: &str = "found-project-";
/// Commits looked at, from the newest.
const MAX_COMMITS: u32 = 10_000;
/// Longest time that git may take.
const WITHIN: Duration = Duration::from_secs(120);

/// Where an agent was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// With this user.
    Here,
    /// In pipelines of a repository, by its name.
    Pipeline(String),
    /// In settings of a repository that was named.
    Project(String),
}

/// One agent that was found, and by what.
#[derive(Serialize)]
pub(super) struct Found {
    pub(super) tool: &'static str,
    pub(super) client: Client,
    #[serde(flatten)]
    pub(super) place: Place,
    pub(super) evidence: Vec<String>,
    /// A process of it runs.
    pub(super) running: bool,
    /// The live agent that it belongs to.
    pub(super) registered: Option<Label>,
    /// It was recorded now.
    pub(super) recorded: bool,
    /// When its agent was retired, where a person did that and nobody registered it since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retired_at: Option<Timestamp>,
    #[serde(skip)]
    acted: Acted,
}

/// When a tool was last at work, as far as it can be told.
#[derive(Clone, Debug, Default)]
struct Acted {
    session_at: Option<Timestamp>,
    /// The day of the newest commit that discloses it, as its author named it: `2026-01-31`.
    commit_day: Option<String>,
}

/// Commits that disclose one agent.
#[derive(Debug, Default)]
pub(super) struct Commits {
    number: u64,
    last_day: String,
}

/// Agents in commits of the working copy: how many commits each disclosed. A folder without history has none.
pub(super) fn in_commits(folder: &Path) -> BTreeMap<&'static str, Commits> {
    let mut acted = BTreeMap::new();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return acted;
    };
    let Ok(read) = runtime.block_on(history::read(folder, MAX_COMMITS, WITHIN)) else { return acted };
    for entry in read.commits() {
        let said = classify(&entry.as_commit());
        for agent in said.agents {
            let of: &mut Commits =
                acted.entry(if agent == "copilot" { "github-copilot" } else { agent }).or_default();
            of.number += 1;
            if of.last_day < entry.time {
                of.last_day.clone_from(&entry.time);
            }
        }
    }
    acted
}

/// Tools that are really there: a program, an extension, a process, settings of this user, or what they did. Files that a
/// project brings show that somebody uses a tool, and not that this user does.
pub(super) fn found(whole: &Whole, acted: &BTreeMap<&'static str, Commits>) -> Vec<Found> {
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
        by_tool.entry(tool).or_default().push(format!("{} commits here disclose it", commits.number));
    }
    let here = by_tool.into_iter().map(|(tool, mut evidence)| {
        evidence.sort();
        evidence.dedup();
        let running = whole.processes.iter().any(|process| process.tool == tool);
        let acted = Acted {
            session_at: whole.sessions.iter().filter(|of| of.tool == tool).map(|of| of.last_at).max(),
            commit_day: acted.get(tool).map(|of| of.last_day.clone()),
        };
        Found { running, acted, ..Found::new(tool, Place::Here, evidence) }
    });
    here.chain(elsewhere::found(whole)).collect()
}

// === impl Place ===

impl Place {
    /// The environment that an agent there is registered for.
    pub(super) fn environment(&self) -> &'static str {
        match self {
            Self::Pipeline(_) => "ci",
            Self::Here | Self::Project(_) => "local",
        }
    }
}

impl Serialize for Place {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("environment", self.environment())?;
        match self {
            Self::Here => {}
            Self::Pipeline(repository) | Self::Project(repository) => {
                map.serialize_entry("repository", repository)?;
            }
        }
        map.end()
    }
}

// === impl Found ===

impl Found {
    fn new(tool: &'static str, place: Place, evidence: Vec<String>) -> Self {
        Self {
            tool,
            client: client_of(tool),
            place,
            evidence,
            running: false,
            registered: None,
            recorded: false,
            retired_at: None,
            acted: Acted::default(),
        }
    }

    /// The name under which it is recorded where nobody registered it.
    pub(super) fn name(&self) -> Label {
        let tool = self.tool;
        Label::lossy(&match &self.place {
            Place::Here => format!("found-{tool}"),
            Place::Pipeline(repository) => format!("{OF_PIPELINE}{tool}-{repository}"),
            Place::Project(repository) => format!("{OF_PROJECT}{tool}-{repository}"),
        })
    }

    /// Whether a registered agent is this one. Of a pipeline it must say so: by the environment, and the repository at the
    /// end of its name.
    pub(super) fn is(&self, agent: &AgentView) -> bool {
        let name = agent.name.as_str();
        let is_of_client = match self.client {
            // Writ knows no such client.
            Client::Other => name == self.tool,
            client => agent.client == client,
        };
        let in_pipelines = agent.environment.as_str() == "ci";
        let was_found = name.starts_with(OF_PIPELINE) || name.starts_with(OF_PROJECT);
        let fits = match &self.place {
            Place::Here | Place::Project(_) => is_of_client && !in_pipelines && !was_found,
            Place::Pipeline(repository) => {
                let is_named = agent.client == self.client && name.ends_with(&format!("-{repository}"));
                is_named && in_pipelines && !was_found
            }
        };
        agent.name == self.name() || fits
    }

    /// What shows that it acted after a moment; nothing where only its files are still there. A commit counts from the
    /// day after: its author names the day alone.
    pub(super) fn acted_after(&self, at: Timestamp) -> Option<String> {
        if self.running {
            return Some("it runs".to_owned());
        }
        if let Some(session) = self.acted.session_at.filter(|session| *session > at) {
            return Some(format!("it had a session at {session}"));
        }
        let day: String = at.to_string().chars().take("2026-01-31".len()).collect();
        let commit = self.acted.commit_day.as_ref().filter(|commit| commit.as_str() > day.as_str());
        commit.map(|commit| format!("a commit of {commit} here discloses it"))
    }
}
