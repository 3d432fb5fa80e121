//! The moves of an agent's life, as people make them and as dates make them.

use writ_model::{
    Actor, AgentId, CloseCause, ControlEvent, Human, LifecycleMove, LifecycleReason, LifecycleState,
    Timestamp,
};

use crate::api::message::{
    AgentApprove, AgentQuarantine, AgentResume, AgentRetire, AgentReview, AgentSuspend, AgentView,
};
use crate::fold::{Agent, State};
use crate::office::{Change, Desk, Office, OfficeError};
use crate::task::closing;

use super::{IdentityError, check_review, find, person};

// === impl Office ===

impl Office {
    /// `agent.approve`: from requested to active.
    pub fn agent_approve(&self, by: &Human, ask: &AgentApprove) -> Result<AgentView, OfficeError> {
        self.change_agent(by, &ask.agent, |_, agent, now| {
            check_dates(agent, now)?;
            let moved = |step| moved(agent.id, step, LifecycleReason::ByPerson);
            // One that was approved and never activated goes on from there.
            let approve = (agent.state != LifecycleState::Approved).then(|| moved(LifecycleMove::Approve));
            // Who approves what a scan found asks for it as well: there is nobody else who did.
            let request = (agent.state == LifecycleState::Discovered).then(|| moved(LifecycleMove::Request));
            Ok(request.into_iter().chain(approve).chain([moved(LifecycleMove::Activate)]).collect())
        })
    }

    /// `agent.suspend`: its tasks are closed.
    pub fn agent_suspend(&self, by: &Human, ask: &AgentSuspend) -> Result<AgentView, OfficeError> {
        self.change_agent(by, &ask.agent, |state, agent, _| {
            Ok(out_of_service(state, agent.id, LifecycleMove::Suspend, LifecycleReason::ByPerson))
        })
    }

    /// `agent.resume`: only when nothing stands against it any more.
    pub fn agent_resume(&self, by: &Human, ask: &AgentResume) -> Result<AgentView, OfficeError> {
        self.change_agent(by, &ask.agent, |_, agent, now| {
            check_dates(agent, now)?;
            if agent.changed.is_some() {
                return Err(IdentityError::FingerprintChanged(agent.registration.name.clone()).into());
            }
            Ok(vec![moved(agent.id, LifecycleMove::Resume, LifecycleReason::ByPerson)])
        })
    }

    /// `agent.review`: sets the next date; one that was suspended for want of it goes on.
    pub fn agent_review(&self, by: &Human, ask: &AgentReview) -> Result<AgentView, OfficeError> {
        self.change_agent(by, &ask.agent, |_, agent, now| {
            check_review(ask.review_by, now)?;
            let lapsed = agent.state == LifecycleState::Suspended
                && agent.reason == LifecycleReason::ReviewLapsed
                && agent.changed.is_none()
                && agent.orphan_until.is_none_or(|until| until > now)
                && !agent.revoked;
            let resumed = lapsed.then(|| moved(agent.id, LifecycleMove::Resume, LifecycleReason::Reviewed));
            let reviewed = ControlEvent::AgentReviewed { agent: agent.id, review_by: ask.review_by };
            Ok([reviewed].into_iter().chain(resumed).collect())
        })
    }

    /// `agent.retire`: for good; its name is free again.
    pub fn agent_retire(&self, by: &Human, ask: &AgentRetire) -> Result<AgentView, OfficeError> {
        self.change_agent(by, &ask.agent, |state, agent, _| {
            Ok(out_of_service(state, agent.id, LifecycleMove::Retire, LifecycleReason::ByPerson))
        })
    }

    /// `agent.quarantine`: from here it can only be retired.
    pub fn agent_quarantine(&self, by: &Human, ask: &AgentQuarantine) -> Result<AgentView, OfficeError> {
        self.change_agent(by, &ask.agent, |state, agent, _| {
            Ok(out_of_service(state, agent.id, LifecycleMove::Quarantine, LifecycleReason::ByPerson))
        })
    }

    /// Suspends agents whose review date or expiry has passed. True if there was one.
    pub(crate) fn suspend_lapsed(&self, desk: &mut Desk) -> Result<bool, OfficeError> {
        let now = self.now();
        let events: Vec<ControlEvent> = {
            let state = self.state();
            let lapsed = state.agents().filter(|agent| agent.state == LifecycleState::Active);
            let lapsed = lapsed.filter_map(|agent| agent.lapsed(now).map(|reason| (agent.id, reason)));
            lapsed
                .flat_map(|(id, reason)| out_of_service(&state, id, LifecycleMove::Suspend, reason))
                .collect()
        };
        if events.is_empty() {
            return Ok(false);
        }
        self.commit(desk, Change::new(now, Actor::ControlPlane, events))?;
        Ok(true)
    }

    pub(super) fn change_agent(
        &self,
        by: &Human,
        agent: &str,
        decide: impl FnOnce(&State, &Agent, Timestamp) -> Result<Vec<ControlEvent>, OfficeError>,
    ) -> Result<AgentView, OfficeError> {
        let mut desk = self.desk();
        let now = self.now();
        let (id, events) = {
            let state = self.state();
            let agent = find(&state, agent)?;
            (agent.id, decide(&state, agent, now)?)
        };
        if !events.is_empty() {
            self.commit(&mut desk, Change::new(now, person(by), events))?;
        }
        drop(desk);
        self.agent_view_of(id)
    }
}

pub(super) const fn moved(agent: AgentId, step: LifecycleMove, reason: LifecycleReason) -> ControlEvent {
    ControlEvent::AgentMoved { agent, step, reason }
}

/// A move that ends the agent's tasks.
pub(crate) fn out_of_service(
    state: &State,
    agent: AgentId,
    step: LifecycleMove,
    reason: LifecycleReason,
) -> Vec<ControlEvent> {
    let cause = match reason {
        LifecycleReason::Revoked => CloseCause::Revoked,
        LifecycleReason::ByPerson
        | LifecycleReason::ReviewLapsed
        | LifecycleReason::Expired
        | LifecycleReason::FingerprintChanged
        | LifecycleReason::Orphaned
        | LifecycleReason::TakenOver
        | LifecycleReason::FingerprintAccepted
        | LifecycleReason::Incident
        | LifecycleReason::Reviewed
        | LifecycleReason::Registered => CloseCause::AgentSuspended,
    };
    let tasks = state.live_tasks().filter(|record| record.task.agent == agent);
    let closing = tasks.flat_map(|record| closing(record, cause));
    [moved(agent, step, reason)].into_iter().chain(closing).collect()
}

fn check_dates(agent: &Agent, now: Timestamp) -> Result<(), IdentityError> {
    let name = || agent.registration.name.clone();
    match agent.lapsed(now) {
        None => Ok(()),
        Some(LifecycleReason::Expired) => Err(IdentityError::Expired(name())),
        Some(LifecycleReason::Orphaned) => Err(IdentityError::Orphaned(name())),
        Some(_) => Err(IdentityError::ReviewLapsed(name())),
    }
}
