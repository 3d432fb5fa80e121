//! Where somebody should look in the registry: owners that are gone, dates that passed, one identity in two environments,
//! what runs without authority, and what nobody took in.

use std::collections::BTreeSet;

use serde::Serialize;
use writ_control::api::client::Client as Office;
use writ_control::api::message::{AgentOrphan, AgentView, TaskView};
use writ_model::{Human, Label, LifecycleState};
use writ_scan::finding::{Finding, Look as Why, of_agent};

use super::people::users;
use super::shadow::Found;
use crate::failure::Failure;
use crate::wire::now;

/// Something of the registry to look at.
#[derive(Serialize)]
pub(super) struct Look {
    pub(super) agent: Label,
    #[serde(serialize_with = "named")]
    pub(super) why: Why,
    pub(super) says: String,
    /// What tells it from others of its kind and agent.
    #[serde(skip)]
    pub(super) subject: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn named<S: serde::Serializer>(why: &Why, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(why.name())
}

// === impl Look ===

impl Look {
    /// In the form of all findings.
    pub(super) fn finding(&self) -> Finding {
        of_agent(self.why, self.agent.as_str(), &self.subject, &self.says)
    }
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
    let mut add = |why, subject: String, says: String| {
        looks.push(Look { agent: agent.name.clone(), why, says, subject });
    };
    let users = users();
    let gone = |human: &Human| users.as_ref().is_some_and(|users| users.lack(human));
    if gone(&agent.owner) {
        let deputy_gone = agent.deputy.as_ref().is_none_or(gone);
        let asked = office.call(AgentOrphan { agent: agent.id.to_string(), deputy_gone }).await?;
        match (&asked.deputy, asked.orphan_until.filter(|until| *until > now())) {
            (Some(deputy), Some(until)) if !deputy_gone => add(
                Why::Orphan,
                agent.owner.to_string(),
                format!(
                    "its owner {} is gone; {deputy} is asked to take it over by {until}, with `writ agent adopt {}`",
                    agent.owner, agent.name
                ),
            ),
            (_, _) => add(
                Why::OrphanWithoutDeputy,
                agent.owner.to_string(),
                format!(
                    "its owner {} is gone, nobody answers for it, and it is {}",
                    agent.owner, asked.state
                ),
            ),
        }
    }
    if agent.review_by <= now() {
        add(
            Why::ReviewLapsed,
            agent.review_by.to_string(),
            format!("nobody looked at it by {}", agent.review_by),
        );
    }
    let environments: BTreeSet<&str> =
        tasks.iter().map(|task| task.environment.as_str()).chain([agent.environment.as_str()]).collect();
    if environments.len() > 1 {
        let named: Vec<&str> = environments.into_iter().collect();
        let named = named.join(" and ");
        add(Why::TwoEnvironments, named.clone(), format!("one identity worked in {named}"));
    }
    let here = found.iter().find(|one| one.registered.as_ref() == Some(&agent.name));
    if here.is_some_and(|one| one.running) && agent.state != LifecycleState::Active {
        add(
            Why::RunsWithoutAuthority,
            String::new(),
            format!("it runs on this machine, and is {}", agent.state),
        );
    }
    if let (Some(one), LifecycleState::Discovered) = (here, agent.state) {
        add(Why::Shadow, String::new(), format!("nobody took it in: {}", one.evidence.join("; ")));
    }
    Ok(looks)
}
