//! `writ scan --register`: what was found beside what is registered. What nobody registered is recorded as discovered, and
//! never more than that; of what is registered, it says where somebody should look, and what each agent really did.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use writ_control::api::client::Client as Office;
use writ_control::api::message::{AgentDiscover, AgentList, AgentView, TaskList, TaskView};
use writ_model::{Label, LifecycleState};

use super::Whole;
use crate::cli::agent::me;
use crate::failure::{Failure, Outcome};
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

/// Compares, records and tells. Rights that were not used for `unused_after` are called unused.
pub(super) fn main(whole: &Whole, unused_after: Duration, json: bool) -> Outcome {
    let context = crate::cli::context()?;
    let commits = whole.repository.as_deref().map(shadow::in_commits).unwrap_or_default();
    let mut found = shadow::found(whole, &commits);
    let (live, mut registry) = wire::block_on(async {
        let office = crate::cli::serve::connect_or_start(&context.state).await?;
        let live = known(&office, &mut found).await?;
        let tasks = office.call(TaskList::default()).await?;
        let mut of_agent: BTreeMap<_, Vec<&TaskView>> = BTreeMap::new();
        for task in &tasks.tasks {
            of_agent.entry(task.agent).or_default().push(task);
        }
        let mut looks = Vec::new();
        for agent in &live {
            let tasks = of_agent.remove(&agent.id).unwrap_or_default();
            looks.extend(registry::looks(&office, agent, &tasks, &found).await?);
        }
        Ok((live, looks))
    })?;
    let mut agents = Vec::new();
    for agent in live.iter().filter(|agent| agent.state == LifecycleState::Active) {
        let acted = acted::of(&context, agent, whole, unused_after)?;
        registry.extend(acted.looks());
        agents.push(acted);
    }
    let told = Told { v: 1, found, registry, agents };
    if json {
        screen::json(&told)?;
    } else {
        show(&told)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Says of each tool which live agent it is, and records those that are none. The live agents, the new ones among them.
async fn known(office: &Office, found: &mut [Found]) -> Result<Vec<AgentView>, Failure> {
    let agents = office.call(AgentList::default()).await?.agents;
    let mut live: Vec<AgentView> =
        agents.into_iter().filter(|agent| agent.state != LifecycleState::Retired).collect();
    for one in found {
        let name = Label::lossy(&format!("found-{}", one.tool));
        if let Some(agent) = live.iter().find(|agent| agent.name == name || is_of(agent, one)) {
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
        one.registered = Some(view.name.clone());
        one.recorded = true;
        live.push(view);
    }
    Ok(live)
}

/// Whether an agent is that tool: by its client, or by name where Writ knows no such client.
fn is_of(agent: &AgentView, found: &Found) -> bool {
    if found.client == writ_model::Client::Other {
        agent.name.as_str() == found.tool
    } else {
        agent.client == found.client
    }
}

fn show(told: &Told) -> Result<(), Failure> {
    let rows = told.found.iter().map(|one| {
        let registered = one.registered.as_ref().map(ToString::to_string).unwrap_or_default();
        let state = if one.recorded { "recorded as discovered" } else { "known" };
        [one.tool.to_owned(), registered, state.to_owned(), super::summary::plain(&one.evidence.join("; "))]
    });
    screen::line(screen::table(["TOOL", "AGENT", "REGISTRY", "SEEN BY"], rows))?;
    for Look { agent, why, says } in &told.registry {
        screen::line(format_args!("{agent}  {why}: {says}"))?;
    }
    acted::show(&told.agents)?;
    if told.found.iter().any(|one| one.recorded) {
        screen::say("a discovered agent may do nothing: `writ agent approve NAME` takes it in");
    }
    Ok(())
}
