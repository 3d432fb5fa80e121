//! `writ scan --register`: what was found beside what is registered. What nobody registered is recorded as discovered, and
//! never more than that; of what is registered, it says where somebody should look.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use writ_control::api::client::Client as Office;
use writ_control::api::message::{AgentDiscover, AgentList, AgentSuspend, AgentView, TaskList, TaskView};
use writ_model::{Client, Human, Label, LifecycleState, Timestamp};
use writ_scan::provenance::{Commit, classify};
use writ_scan::survey::Level;
use writ_scan::walk::read_regular;

use super::Whole;
use crate::cli::agent::me;
use crate::config::State;
use crate::failure::{Failure, Outcome};
use crate::git::history;
use crate::screen;
use crate::wire::{self, now};

/// Until when somebody is to look at what was found.
const LOOK_WITHIN: Duration = Duration::from_secs(30 * 86_400);
/// Without a task for so long, an agent's rights are called unused.
const UNUSED_AFTER: Duration = Duration::from_secs(90 * 86_400);
/// Commits looked at, from the newest.
const MAX_COMMITS: u32 = 10_000;
/// Longest time that git may take.
const WITHIN: Duration = Duration::from_secs(120);
/// Longest table of users that is read, in bytes.
const MAX_USERS_BYTES: usize = 8 << 20;

/// One agent that was found, and by what.
#[derive(Serialize)]
struct Found {
    tool: &'static str,
    client: Client,
    evidence: Vec<String>,
    /// The live agent that it belongs to.
    registered: Option<Label>,
    /// It was recorded now.
    recorded: bool,
}

/// Something of the registry to look at.
#[derive(Serialize)]
struct Look {
    agent: Label,
    why: &'static str,
    says: String,
    suspended: bool,
}

#[derive(Serialize)]
struct Told {
    v: u32,
    found: Vec<Found>,
    registry: Vec<Look>,
}

pub(super) fn main(whole: &Whole, json: bool) -> Outcome {
    let state = State::of(|name| std::env::var_os(name))?;
    let acted = whole.repository.as_deref().map(in_commits).unwrap_or_default();
    let told = wire::block_on(async {
        let office = crate::cli::serve::connect_or_start(&state).await?;
        reconcile(&office, found(whole, &acted)).await
    })?;
    if json {
        screen::json(&told)?;
    } else {
        show(&told)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Agents in commits of the working copy: how many commits each disclosed. A folder without history has none.
fn in_commits(folder: &Path) -> BTreeMap<&'static str, u64> {
    let mut acted = BTreeMap::new();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return acted;
    };
    let Ok(read) = runtime.block_on(history::read(folder, MAX_COMMITS, WITHIN)) else { return acted };
    for entry in read.commits() {
        let said = classify(&Commit {
            author_name: &entry.author_name,
            author_email: &entry.author_email,
            committer_name: &entry.committer_name,
            committer_email: &entry.committer_email,
            message: &entry.message,
        });
        for agent in said.agents {
            *acted.entry(if agent == "copilot" { "github-copilot" } else { agent }).or_default() += 1;
        }
    }
    acted
}

/// Tools that are really there: a program, an extension, a process, settings of this user, or what they did. Files that a
/// project brings show that somebody uses a tool, and not that this user does.
fn found(whole: &Whole, acted: &BTreeMap<&'static str, u64>) -> Vec<Found> {
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
            Found { tool, client: client(tool), evidence, registered: None, recorded: false }
        })
        .collect()
}

fn client(tool: &str) -> Client {
    match tool {
        "github-copilot" => Client::CopilotCli,
        "vscode-copilot" => Client::VsCode,
        tool => tool.parse().unwrap_or(Client::Other),
    }
}

async fn reconcile(office: &Office, mut found: Vec<Found>) -> Result<Told, Failure> {
    let agents = office.call(AgentList::default()).await?;
    let live: Vec<&AgentView> =
        agents.agents.iter().filter(|agent| agent.state != LifecycleState::Retired).collect();
    for one in &mut found {
        let name = Label::lossy(&format!("found-{}", one.tool));
        let known = live.iter().find(|agent| {
            agent.name == name
                || if one.client == Client::Other {
                    agent.name.as_str() == one.tool
                } else {
                    agent.client == one.client
                }
        });
        if let Some(agent) = known {
            one.registered = Some(agent.name.clone());
            continue;
        }
        let evidence: String =
            format!("Found by a scan: {}", one.evidence.join("; ")).chars().take(1_000).collect();
        let view = office
            .call(AgentDiscover {
                name,
                client: one.client,
                owner: me(),
                evidence,
                environment: Label::lossy("local"),
                function: Label::lossy("coding"),
                review_by: now().after(LOOK_WITHIN),
            })
            .await?;
        one.registered = Some(view.name);
        one.recorded = true;
    }
    let tasks = office.call(TaskList::default()).await?;
    let users = users();
    let mut registry = Vec::new();
    for agent in live {
        let of_agent: Vec<&TaskView> = tasks.tasks.iter().filter(|task| task.agent == agent.id).collect();
        let mut looks = looks(agent, &of_agent, tasks.more, users.as_ref(), now());
        for look in looks.iter_mut().filter(|look| look.why == "orphan-without-deputy") {
            if agent.state == LifecycleState::Active {
                office.call(AgentSuspend { agent: agent.id.to_string() }).await?;
                look.suspended = true;
            }
        }
        registry.extend(looks);
    }
    Ok(Told { v: 1, found, registry })
}

/// What of one agent somebody should look at. `more` says that not all tasks are known.
fn looks(
    agent: &AgentView,
    tasks: &[&TaskView],
    more: bool,
    users: Option<&BTreeSet<u32>>,
    now: Timestamp,
) -> Vec<Look> {
    let mut found = Vec::new();
    let mut add = |why, says: String| {
        found.push(Look { agent: agent.name.clone(), why, says, suspended: false });
    };
    if is_gone(&agent.owner, users) {
        match agent.deputy.as_ref().filter(|deputy| !is_gone(deputy, users)) {
            Some(deputy) => add(
                "orphan",
                format!("its owner {} is gone; {deputy} is to take it over or retire it", agent.owner),
            ),
            None => add(
                "orphan-without-deputy",
                format!("its owner {} is gone, and no deputy answers for it", agent.owner),
            ),
        }
    }
    if agent.review_by <= now {
        add("review-lapsed", format!("nobody looked at it by {}", agent.review_by));
    }
    let environments: BTreeSet<&str> =
        tasks.iter().map(|task| task.environment.as_str()).chain([agent.environment.as_str()]).collect();
    if environments.len() > 1 {
        let named: Vec<&str> = environments.into_iter().collect();
        add("two-environments", format!("one identity worked in {}", named.join(" and ")));
    }
    let newest = tasks.iter().map(|task| task.opened_at).max().unwrap_or(agent.registered_at);
    let known = !more || !tasks.is_empty();
    if agent.state == LifecycleState::Active && known && newest.after(UNUSED_AFTER) <= now {
        add("unused", format!("its rights were not used since {newest}"));
    }
    found
}

/// Whether a user of this machine is there no more. Who cannot be told is not called gone.
fn is_gone(human: &Human, users: Option<&BTreeSet<u32>>) -> bool {
    let id = human.0.as_str().strip_prefix("uid:").and_then(|id| id.parse().ok());
    matches!((id, users), (Some(id), Some(users)) if !users.contains(&id))
}

/// Users of this machine; nothing where others than those in its own table may be users too.
fn users() -> Option<BTreeSet<u32>> {
    let switch = read_regular(Path::new("/etc/nsswitch.conf"), MAX_USERS_BYTES).unwrap_or_default();
    let switch = String::from_utf8_lossy(&switch).into_owned();
    let sources = switch.lines().find_map(|line| line.trim().strip_prefix("passwd:")).unwrap_or("files");
    if sources.split_whitespace().any(|source| !["files", "compat"].contains(&source)) {
        return None;
    }
    let table = read_regular(Path::new("/etc/passwd"), MAX_USERS_BYTES).ok()?;
    let table = String::from_utf8_lossy(&table).into_owned();
    let mut users: BTreeSet<u32> =
        table.lines().filter_map(|line| line.split(':').nth(2)?.parse().ok()).collect();
    // Who runs this is there, whatever the table says.
    users.insert(rustix::process::getuid().as_raw());
    Some(users)
}

fn show(told: &Told) -> Result<(), Failure> {
    let rows = told.found.iter().map(|one| {
        let registered = one.registered.as_ref().map(ToString::to_string).unwrap_or_default();
        let state = if one.recorded { "recorded as discovered" } else { "known" };
        [one.tool.to_owned(), registered, state.to_owned(), super::summary::plain(&one.evidence.join("; "))]
    });
    screen::line(screen::table(["TOOL", "AGENT", "REGISTRY", "SEEN BY"], rows))?;
    for Look { agent, why, says, suspended } in &told.registry {
        let then = if *suspended { "; it is suspended now" } else { "" };
        screen::line(format_args!("{agent}  {why}: {says}{then}"))?;
    }
    if told.found.iter().any(|one| one.recorded) {
        screen::say("a discovered agent may do nothing: `writ agent approve NAME` takes it in");
    }
    Ok(())
}
