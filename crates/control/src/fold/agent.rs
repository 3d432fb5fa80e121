//! Agents in the fold.

use serde::{Deserialize, Serialize};
use writ_model::{
    Actor, AgentId, Fingerprint, FingerprintPart, Human, LifecycleMove, LifecycleReason, LifecycleState,
    Registration, Timestamp,
};

use super::{FoldError, State};

/// An agent and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agent {
    pub id: AgentId,
    /// With the review date as it was last moved.
    pub registration: Registration,
    pub state: LifecycleState,
    pub reason: LifecycleReason,
    /// Since when it is in that state.
    pub since: Timestamp,
    pub registered_at: Timestamp,
    pub approved_by: Option<Human>,
    pub accepted: Option<Fingerprint>,
    pub changed: Option<Changed>,
    /// It, or its owner, was revoked, and nobody resumed it since.
    pub revoked: bool,
    /// Its owner is gone, and nobody took it over: until when its deputy can.
    pub orphan_until: Option<Timestamp>,
}

/// A fingerprint that differs from the accepted one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    pub seen: Fingerprint,
    pub parts: Vec<FingerprintPart>,
    pub seen_at: Timestamp,
}

// === impl State ===

impl State {
    pub(super) fn register(
        &mut self,
        id: AgentId,
        registration: Registration,
        at: Timestamp,
    ) -> Result<(), FoldError> {
        if self.agents.contains_key(&id) {
            return Err(FoldError::AgentExists(id));
        }
        if self.names.contains_key(&registration.name) {
            return Err(FoldError::NameTaken(registration.name));
        }
        if registration.review_by <= at {
            return Err(FoldError::ReviewNotAhead);
        }
        self.names.insert(registration.name.clone(), id);
        let agent = Agent {
            id,
            registration,
            state: LifecycleState::Discovered,
            reason: LifecycleReason::Registered,
            since: at,
            registered_at: at,
            approved_by: None,
            accepted: None,
            changed: None,
            revoked: false,
            orphan_until: None,
        };
        self.agents.insert(id, agent);
        Ok(())
    }

    pub(super) fn move_agent(
        &mut self,
        id: AgentId,
        step: LifecycleMove,
        reason: LifecycleReason,
        by: &Actor,
        at: Timestamp,
    ) -> Result<(), FoldError> {
        let agent = self.agent_mut(id)?;
        agent.state = agent.state.step(step)?;
        agent.reason = reason;
        agent.since = at;
        match step {
            // A person has looked again.
            LifecycleMove::Resume | LifecycleMove::Activate => agent.revoked = false,
            LifecycleMove::Approve => {
                agent.approved_by = match by {
                    Actor::Human(human) => Some(human.clone()),
                    Actor::Supervisor(_) | Actor::ControlPlane => None,
                };
            }
            LifecycleMove::Retire => {
                let name = agent.registration.name.clone();
                self.names.remove(&name);
            }
            LifecycleMove::Request | LifecycleMove::Suspend | LifecycleMove::Quarantine => {}
        }
        Ok(())
    }

    pub(super) fn orphan(&mut self, id: AgentId, answer_by: Timestamp) -> Result<(), FoldError> {
        self.agent_mut(id)?.orphan_until = Some(answer_by);
        Ok(())
    }

    pub(super) fn take_over(&mut self, id: AgentId, owner: &Human) -> Result<(), FoldError> {
        let agent = self.agent_mut(id)?;
        agent.orphan_until = None;
        // Nobody is their own deputy.
        if agent.registration.deputy.as_ref() == Some(owner) {
            agent.registration.deputy = None;
        }
        agent.registration.owner = owner.clone();
        Ok(())
    }

    pub(super) fn review(
        &mut self,
        id: AgentId,
        review_by: Timestamp,
        at: Timestamp,
    ) -> Result<(), FoldError> {
        let agent = self.agent_mut(id)?;
        if review_by <= at {
            return Err(FoldError::ReviewNotAhead);
        }
        agent.registration.review_by = review_by;
        Ok(())
    }
}

// === impl Agent ===

impl Agent {
    /// Whether it may be given authority at `now`, going by its own dates too.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.state == LifecycleState::Active && !self.revoked && self.lapsed(now).is_none()
    }

    /// The date that has passed, if one has.
    pub fn lapsed(&self, now: Timestamp) -> Option<LifecycleReason> {
        self.lapsed_by_date(now)
            .or_else(|| self.orphan_until.is_some_and(|at| at <= now).then_some(LifecycleReason::Orphaned))
    }

    /// The same of the dates that it was registered with.
    pub fn lapsed_by_date(&self, now: Timestamp) -> Option<LifecycleReason> {
        if self.registration.expires_at.is_some_and(|at| at <= now) {
            return Some(LifecycleReason::Expired);
        }
        (self.registration.review_by <= now).then_some(LifecycleReason::ReviewLapsed)
    }

    pub(super) fn accept(&mut self, fingerprint: &Fingerprint) {
        self.accepted = Some(fingerprint.clone());
        self.changed = None;
    }

    /// A sight without change fills in what was not known before; one with a change waits for a person.
    pub(super) fn see(&mut self, seen: &Fingerprint, parts: &[FingerprintPart], at: Timestamp) {
        if parts.is_empty() {
            let filled = self.accepted.as_ref().map_or_else(|| seen.clone(), |known| known.filled_from(seen));
            self.accepted = Some(filled);
        } else {
            self.changed = Some(Changed { seen: seen.clone(), parts: parts.to_vec(), seen_at: at });
        }
    }
}
