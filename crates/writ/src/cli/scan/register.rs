//! `writ scan --register`: what was found beside what is registered. What nobody registered is recorded as discovered, and
//! never more than that; of what is registered, it says where somebody should look, and what each agent really did.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use writ_control::api::client::Client as Office;
use writ_control::api::message::{AgentDiscover, AgentList, AgentView, TaskList, TaskView};
use writ_model::{Label, LifecycleState};
use writ_scan::finding::{Finding, Look as Why};
use writ_scan::report;

use super::Whole;
use crate::cli::agent::me;
use crate::failure::Failure;
use crate::screen;
use crate::wire::{self, now};

mod acted;
mod people;
mod registry;
mod shadow;

use acted::Acted;
use registry::Look;
use shadow::Found;

/// Until when somebody is to look at what was found.
const LOOK_WITHIN: Duration = Duration::from_secs(30 * 86_400);

/// The answer.
#[derive(Serialize)]
struct Told {
    v: u32,
    found: Vec<Found>,
    registry: Vec<Look>,
    agents: Vec<Acted>,
}

/// What was found beside the registry, not yet told.
pub(super) struct Registered(Told);

/// Compares and records. Rights that were not used for `unused_after` are called unused.
pub(super) fn compare(whole: &Whole, unused_after: Duration) -> Result<Registered, Failure> {
    let context = crate::cli::context()?;
    let commits = whole.repository.as_deref().map(shadow::in_commits).unwrap_or_default();
    let mut found = shadow::found(whole, &commits);
    // Of folders that were named, what lies elsewhere is not known.
    let is_whole = whole.repository.is_some();
    let (live, mut registry) = wire::block_on(async {
        let office = crate::cli::serve::connect_or_start(&context.state).await?;
        let (live, mut looks) = known(&office, &mut found).await?;
        let tasks = office.call(TaskList::default()).await?;
        let mut of_agent: BTreeMap<_, Vec<&TaskView>> = BTreeMap::new();
        for task in &tasks.tasks {
            of_agent.entry(task.agent).or_default().push(task);
        }
        let is_compared = |agent: &&AgentView| {
            is_whole || found.iter().any(|one| one.registered.as_ref() == Some(&agent.name))
        };
        for agent in live.iter().filter(is_compared) {
            let tasks = of_agent.remove(&agent.id).unwrap_or_default();
            looks.extend(registry::looks(&office, agent, &tasks, &found).await?);
        }
        Ok((live, looks))
    })?;
    let mut agents = Vec::new();
    // What an agent did is compared with all settings that it has, and those are read without a folder alone.
    let active = live.iter().filter(|agent| is_whole && agent.state == LifecycleState::Active);
    for agent in active {
        let acted = acted::of(&context, agent, whole, unused_after)?;
        registry.extend(acted.looks());
        agents.push(acted);
    }
    Ok(Registered(Told { v: 1, found, registry, agents }))
}

// === impl Registered ===

impl Registered {
    /// What somebody should look at, in the form of all findings.
    pub(super) fn findings(&self) -> impl Iterator<Item = Finding> {
        self.0.registry.iter().map(Look::finding)
    }

    /// One object, with all findings of the scan that count.
    pub(super) fn json(&self, findings: &[Finding]) -> Result<(), Failure> {
        let mut object = serde_json::to_value(&self.0)?;
        if let serde_json::Value::Object(object) = &mut object {
            object.insert("findings".to_owned(), findings.iter().map(report::placed).collect());
        }
        screen::line(report::printed(&object))?;
        Ok(())
    }
}

/// Says of each tool which live agent it is, and records those that are none, but for what a person retired and that has
/// not acted since. The live agents, the new ones among them, and what acted though it was retired.
async fn known(office: &Office, found: &mut [Found]) -> Result<(Vec<AgentView>, Vec<Look>), Failure> {
    let agents = office.call(AgentList::default()).await?.agents;
    let (retired, mut live): (Vec<AgentView>, Vec<AgentView>) =
        agents.into_iter().partition(|agent| agent.state == LifecycleState::Retired);
    let mut looks = Vec::new();
    for one in found {
        let name = one.name();
        let fits = |agent: &&AgentView| one.is(agent);
        if let Some(agent) = live.iter().find(fits) {
            one.registered = Some(agent.name.clone());
            continue;
        }
        if let Some(last) = retired.iter().filter(fits).max_by_key(|agent| agent.since) {
            let Some(acted) = one.acted_after(last.since) else {
                one.retired_at = Some(last.since);
                continue;
            };
            let says = format!("it was retired at {}, and since then {acted}", last.since);
            let subject = last.id.to_string();
            looks.push(Look { agent: last.name.clone(), why: Why::ActsThoughRetired, says, subject });
        }
        let evidence: String =
            format!("Found by a scan: {}", one.evidence.join("; ")).chars().take(1_000).collect();
        let view = office
            .call(AgentDiscover {
                name,
                client: one.client,
                owner: me(),
                evidence,
                environment: Label::lossy(one.place.environment()),
                function: Label::lossy("coding"),
                review_by: now().after(LOOK_WITHIN),
            })
            .await?;
        one.registered = Some(view.name.clone());
        one.recorded = true;
        live.push(view);
    }
    Ok((live, looks))
}

/// What is here, as a table.
pub(super) fn show(registered: &Registered) -> Result<(), Failure> {
    let Registered(told) = registered;
    let rows = told.found.iter().map(|one| {
        let registered = one.registered.as_ref().map(ToString::to_string).unwrap_or_default();
        let state = match (one.recorded, one.retired_at) {
            (true, _) => "recorded as discovered".to_owned(),
            (false, Some(at)) => format!("retired at {at}, and not at work since"),
            (false, None) => "known".to_owned(),
        };
        [one.tool.to_owned(), registered, state, super::summary::plain(&one.evidence.join("; "))]
    });
    screen::line(screen::table(["TOOL", "AGENT", "REGISTRY", "SEEN BY"], rows))?;
    acted::show(&told.agents)?;
    if told.found.iter().any(|one| one.recorded) {
        screen::say(
            "a discovered agent may do nothing: `writ agent approve NAME` takes it in, `writ agent retire NAME` ends it",
        );
    }
    screen::line("").map_err(Into::into)
}
