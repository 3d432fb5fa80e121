//! Registration: nothing without owner, purpose and review date.

use writ_model::{AgentId, ControlEvent, Human, LifecycleMove, LifecycleReason, Registration};

use crate::api::message::{AgentDiscover, AgentRegister, AgentView, MAX_PURPOSE_BYTES};
use crate::office::{Change, Office, OfficeError};

use super::{IdentityError, check_review, person};

// === impl Office ===

impl Office {
    /// `agent.discover`: the agent is then discovered, and goes no further until a person approves it.
    pub fn agent_discover(&self, by: &Human, ask: AgentDiscover) -> Result<AgentView, OfficeError> {
        let AgentDiscover { name, client, owner, evidence, environment, function, review_by } = ask;
        let ask = AgentRegister {
            name,
            client,
            owner: Some(owner),
            deputy: None,
            purpose: Some(evidence),
            environment,
            function,
            review_by: Some(review_by),
            expires_at: None,
        };
        self.enter(by, ask, false)
    }

    /// `agent.register`: the agent is then requested, and waits for a person's approval.
    pub fn agent_register(&self, by: &Human, ask: AgentRegister) -> Result<AgentView, OfficeError> {
        self.enter(by, ask, true)
    }

    fn enter(&self, by: &Human, ask: AgentRegister, requested: bool) -> Result<AgentView, OfficeError> {
        let AgentRegister {
            name,
            client,
            owner,
            deputy,
            purpose,
            environment,
            function,
            review_by,
            expires_at,
        } = ask;
        let owner = owner.ok_or(IdentityError::NoOwner)?;
        let purpose = purpose.ok_or(IdentityError::NoPurpose)?;
        let purpose = purpose.trim();
        if purpose.is_empty() {
            return Err(IdentityError::NoPurpose.into());
        }
        if purpose.len() > MAX_PURPOSE_BYTES {
            return Err(IdentityError::PurposeTooLong.into());
        }
        let review_by = review_by.ok_or(IdentityError::NoReviewDate)?;
        if name.as_str().starts_with(AgentId::PREFIX) {
            return Err(IdentityError::NameLikeId(name).into());
        }

        let mut desk = self.desk();
        let now = self.now();
        check_review(review_by, now)?;
        if expires_at.is_some_and(|at| at <= now) {
            return Err(IdentityError::ExpiryPast.into());
        }
        if self.state().agent_named(&name).is_some() {
            return Err(IdentityError::NameTaken(name).into());
        }
        let agent = self.fresh(now, AgentId::new)?;
        let (purpose, payload) = self.seal(&agent, purpose)?;
        let registration = Registration {
            name,
            client,
            owner,
            deputy,
            purpose,
            environment,
            function,
            review_by,
            expires_at,
        };
        let mut events = vec![ControlEvent::AgentRegistered { agent, registration }];
        if requested {
            events.push(ControlEvent::AgentMoved {
                agent,
                step: LifecycleMove::Request,
                reason: LifecycleReason::Registered,
            });
        }
        let change = Change { payloads: vec![payload], ..Change::new(now, person(by), events) };
        self.commit(&mut desk, change)?;
        drop(desk);
        self.agent_view_of(agent)
    }
}
