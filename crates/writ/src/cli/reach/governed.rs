//! Agents of the registry, as `writ run` governs them: what policies let them do cuts chains, and what a task gives ends
//! with it.

use std::path::PathBuf;
use std::time::Duration;

use writ_control::api::message::{
    AgentList, AgentView, GrantsList, SecretList, SecretView, TaskList, TaskView,
};
use writ_model::{LifecycleState, TaskKind, TaskState, Verdict};
use writ_scan::reach::facts::Facts;
use writ_scan::reach::{Fact, Place, Reach, Refused, reach};
use writ_scan::tool::client_of;

use super::{Can, Started, Told, lasting};
use crate::cli::check::{Entitlements, Step, entitlements};
use crate::failure::Failure;
use crate::wire;

/// How long a control plane has to say who is registered.
const PATIENCE: Duration = Duration::from_secs(5);
/// Where facts of the registry stand: in no file.
const REGISTRY: &str = "control plane";

/// An active agent of a tool that has settings here.
pub(super) struct Registered {
    pub(super) name: String,
    pub(super) tool: String,
    agent: AgentView,
    secrets: Vec<SecretView>,
    /// Tasks of its that are open, and how many grants they have.
    open: Vec<TaskView>,
    grants: usize,
}

/// Who is registered for the tools of these facts; nobody where no control plane runs.
pub(super) fn registered(facts: &Facts) -> Vec<Registered> {
    let asked = wire::block_on(async {
        let context = crate::cli::context()?;
        let office = wire::connect(&context.state).await?;
        let work = async {
            let agents = office
                .call(AgentList { state: Some(LifecycleState::Active), ..AgentList::default() })
                .await?;
            let secrets = office.call(SecretList::default()).await?;
            let open = TaskList { state: Some(TaskState::Open), ..TaskList::default() };
            let tasks = office.call(open).await?;
            let grants = office.call(GrantsList::default()).await?;
            Ok::<_, Failure>((agents.agents, secrets.secrets, tasks.tasks, grants.grants))
        };
        tokio::time::timeout(PATIENCE, work).await.map_err(anyhow::Error::from)?
    });
    let Ok((agents, secrets, tasks, grants)) = asked else { return Vec::new() };
    let mut found = Vec::new();
    for tool in &facts.agents {
        for agent in agents.iter().filter(|agent| agent.client == client_of(tool)) {
            if agent.client == writ_model::Client::Other {
                continue;
            }
            let lent = |secret: &&SecretView| {
                secret.binding.as_ref().is_some_and(|binding| {
                    secret.intact && (binding.agents.is_empty() || binding.agents.contains(&agent.name))
                })
            };
            let open: Vec<TaskView> = tasks.iter().filter(|task| task.agent == agent.id).cloned().collect();
            let grants = grants.iter().filter(|grant| open.iter().any(|task| task.id == grant.task)).count();
            found.push(Registered {
                name: agent.name.to_string(),
                tool: tool.clone(),
                agent: agent.clone(),
                secrets: secrets.iter().filter(lent).cloned().collect(),
                open,
                grants,
            });
        }
    }
    found
}

/// The answers about one of them; in one kind of work, or in any.
pub(super) fn told(
    registered: &Registered,
    facts: &Facts,
    refused: Refused,
    kind: Option<TaskKind>,
) -> Result<Told, Failure> {
    let Registered { name, tool, agent, secrets, open, grants } = registered;
    let context = crate::cli::context()?;
    let allowed = entitlements(&context, &agent.id.to_string())?;
    let best = |step: Step| best(&allowed, step, kind);
    let passes = |step: Step| best(step) == Verdict::Allow;
    let refused = Refused {
        push: refused.push || !passes(Step::PushOwnBranch),
        edit_workflows: refused.edit_workflows || !passes(Step::EditWorkflows),
        servers: refused.servers || !passes(Step::Tools),
    };
    let mut facts = facts.clone();
    let mut ends = vec!["its writ".to_owned(), "its processes".to_owned(), "its way out".to_owned()];
    for secret in secrets {
        let Some(binding) = &secret.binding else { continue };
        if kind.is_some_and(|kind| !binding.kinds.is_empty() && !binding.kinds.contains(&kind)) {
            continue;
        }
        let fact = |says: String| Fact { path: PathBuf::from(REGISTRY), line: 0, says };
        let credential = Place::Credential(secret.name.to_string());
        let says = format!("sealed credential `{}` is lent to it, and never shown", secret.name);
        facts.has.push((tool.clone(), credential.clone(), fact(says)));
        for host in &binding.hosts {
            let says = format!("sealed credential `{}` opens {host}", secret.name);
            facts.opens.push((credential.clone(), Place::Host(host.to_string()), fact(says)));
        }
        ends.push(format!("the loan of {}", secret.name));
    }
    if *grants > 0 {
        ends.push(format!("{grants} grants"));
    }
    let mut reach = renamed(reach(tool, &facts, refused), name);
    for step in [Step::PushOwnBranch, Step::EditWorkflows, Step::Tools] {
        if best(step) == Verdict::StepUp {
            let says = format!("policy asks a person before `{}`", step.name());
            reach.gates.push(Fact { path: PathBuf::from(REGISTRY), line: 0, says });
        }
    }
    let sealed = |text: &String| {
        secrets.iter().any(|secret| text.strip_prefix("credential ") == Some(secret.name.as_str()))
    };
    let mut stays: Vec<String> = lasting(&reach).into_iter().filter(|text| !sealed(text)).collect();
    let handed = open.iter().flat_map(|task| &task.handed_over);
    stays.extend(handed.map(|name| format!("credential {name}, handed over in an open task")));
    stays.sort();
    stays.dedup();
    let of = |verdict| {
        let fits = Step::ALL.into_iter().filter(|step| best(*step) == verdict);
        fits.map(|step| step.name().to_owned()).collect()
    };
    let can = Can { unasked: of(Verdict::Allow), asked: of(Verdict::StepUp), never: of(Verdict::Deny) };
    Ok(Told {
        agent: name.clone(),
        tool: tool.clone(),
        started: Started::Governed,
        can,
        reach,
        ends,
        stays,
        beyond: None,
    })
}

/// The mildest answer to a step, over the kinds of work that count. No answer is a refusal.
fn best(allowed: &Entitlements, step: Step, kind: Option<TaskKind>) -> Verdict {
    let kinds = allowed.get(&step).into_iter().flatten();
    let counts = kinds.filter(|(name, _)| kind.is_none_or(|kind| kind.name() == **name));
    counts.map(|(_, verdict)| *verdict).min().unwrap_or(Verdict::Deny)
}

/// The same with the registered agent at the beginning, so that a graph tells both apart.
fn renamed(mut reach: Reach, name: &str) -> Reach {
    for step in reach.chains.values_mut().flatten() {
        if let Place::Agent(agent) = &mut step.from {
            *agent = format!("{name}, governed");
        }
    }
    reach
}
