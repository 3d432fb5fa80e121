//! Agents whose owner is gone: the deputy is asked, and where nobody answers in time, the agent stops.

use std::time::Duration;

use writ_model::{ControlEvent, Human, LifecycleMove, LifecycleReason, LifecycleState};

use crate::api::message::{AgentAdopt, AgentOrphan, AgentView};
use crate::fold::Agent;
use crate::office::{Office, OfficeError};

use super::IdentityError;
use super::lifecycle::{moved, out_of_service};

/// How long a deputy has to take an agent over, before it stops.
const DEPUTY_ANSWERS_WITHIN: Duration = Duration::from_secs(7 * 86_400);

// === impl Office ===

impl Office {
    /// `agent.orphan`: the deputy is asked, once. Where none is there to answer, the agent stops at once.
    pub fn agent_orphan(&self, by: &Human, ask: &AgentOrphan) -> Result<AgentView, OfficeError> {
        self.change_agent(by, &ask.agent, |state, agent, now| {
            if agent.state == LifecycleState::Retired {
                return Err(IdentityError::Unknown(ask.agent.chars().take(80).collect()).into());
            }
            let answers = deputy(agent).is_some() && !ask.deputy_gone;
            let answer_by = if answers { now.after(DEPUTY_ANSWERS_WITHIN) } else { now };
            // A deputy who was asked is not given more time by being asked again.
            let known = agent.orphan_until.is_some_and(|until| until <= answer_by);
            let gone = (!known).then_some(ControlEvent::OwnerGone { agent: agent.id, answer_by });
            let stops = !answers && agent.state == LifecycleState::Active;
            let stop = stops
                .then(|| out_of_service(state, agent.id, LifecycleMove::Suspend, LifecycleReason::Orphaned))
                .into_iter()
                .flatten();
            Ok(gone.into_iter().chain(stop).collect())
        })
    }

    /// `agent.adopt`: the deputy is the owner from then on, or the owner is there again.
    pub fn agent_adopt(&self, by: &Human, ask: &AgentAdopt) -> Result<AgentView, OfficeError> {
        self.change_agent(by, &ask.agent, |_, agent, now| {
            let name = || agent.registration.name.clone();
            if agent.orphan_until.is_none() {
                return Err(IdentityError::NotOrphaned(name()).into());
            }
            if agent.registration.owner != *by && deputy(agent) != Some(by) {
                return Err(IdentityError::NotDeputy(name()).into());
            }
            let only = agent.state == LifecycleState::Suspended
                && agent.reason == LifecycleReason::Orphaned
                && agent.lapsed_by_date(now).is_none()
                && agent.changed.is_none()
                && !agent.revoked;
            let resumed = only.then(|| moved(agent.id, LifecycleMove::Resume, LifecycleReason::TakenOver));
            let taken = ControlEvent::AgentTakenOver { agent: agent.id, owner: by.clone() };
            Ok([taken].into_iter().chain(resumed).collect())
        })
    }
}

/// Who answers for an agent whose owner cannot: somebody else than the owner.
fn deputy(agent: &Agent) -> Option<&Human> {
    agent.registration.deputy.as_ref().filter(|deputy| **deputy != agent.registration.owner)
}
