//! Where somebody should look in the registry: owners that are gone, dates that passed, one identity in two environments,
//! and what runs without authority.

use std::collections::BTreeSet;

use serde::Serialize;
use writ_control::api::client::Client as Office;
use writ_control::api::message::{AgentOrphan, AgentView, TaskView};
use writ_model::{Human, Label, LifecycleState};

use super::people::users;
use super::shadow::Found;
use crate::failure::Failure;
use crate::wire::now;

/// Something of the registry to look at. `why` is a stable word.
#[derive(Serialize)]
pub(super) struct Look {
    pub(super) agent: Label,
    pub(super) why: &'static str,
    pub(super) says: String,
}

/// What of one live agent somebody should look at. An owner who is gone is told to the control plane, which asks the deputy
/// and stops the agent where nobody answers.
pub(super) async fn looks(
    office: &Office,
    agent: &AgentView,
    tasks: &[&TaskView],
    found: &[Found],
) -> Result<Vec<Look>, Failure> {
    let mut looks = Vec::new();
    let mut add = |why, says: String| looks.push(Look { agent: agent.name.clone(), why, says });
    let users = users();
    let gone = |human: &Human| users.as_ref().is_some_and(|users| users.lack(human));
    if gone(&agent.owner) {
        let deputy_gone = agent.deputy.as_ref().is_none_or(gone);
        let asked = office.call(AgentOrphan { agent: agent.id.to_string(), deputy_gone }).await?;
        match (&asked.deputy, asked.orphan_until.filter(|until| *until > now())) {
            (Some(deputy), Some(until)) if !deputy_gone => add(
                "orphan",
                format!(
                    "its owner {} is gone; {deputy} is asked to take it over by {until}, with `writ agent adopt {}`",
                    agent.owner, agent.name
                ),
            ),
            (_, _) => add(
                "orphan-without-deputy",
                format!(
                    "its owner {} is gone, nobody answers for it, and it is {}",
                    agent.owner, asked.state
                ),
            ),
        }
    }
    if agent.review_by <= now() {
        add("review-lapsed", format!("nobody looked at it by {}", agent.review_by));
    }
    let environments: BTreeSet<&str> =
        tasks.iter().map(|task| task.environment.as_str()).chain([agent.environment.as_str()]).collect();
    if environments.len() > 1 {
        let named: Vec<&str> = environments.into_iter().collect();
        add("two-environments", format!("one identity worked in {}", named.join(" and ")));
    }
    let runs = found.iter().any(|one| one.running && one.registered.as_ref() == Some(&agent.name));
    if runs && agent.state != LifecycleState::Active {
        add("runs-without-authority", format!("it runs on this machine, and is {}", agent.state));
    }
    Ok(looks)
}
