//! How a task stands, and whether a writ still speaks for it.

use writ_model::{CloseCause, Label, LifecycleReason, LifecycleState, TaskState, Timestamp};

use crate::api::message::{Standing, WritToken};
use crate::fold::{Agent, State, TaskRecord};

use super::{Office, OfficeError, lock};

/// The writ or its task has no authority now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StandingError {
    #[error("agent `{name}` is {state}, not active")]
    AgentNotActive { name: Label, state: LifecycleState },
    #[error("the review date of agent `{0}` has passed")]
    ReviewLapsed(Label),
    #[error("the owner of agent `{0}` is gone, and nobody took it over")]
    Orphaned(Label),
    #[error("agent `{0}` has expired")]
    Expired(Label),
    #[error("the fingerprint of agent `{0}` changed and nobody accepted it")]
    FingerprintChanged(Label),
    #[error("agent, task or owner was revoked")]
    Revoked,
    #[error("the task is {0}")]
    TaskNotOpen(TaskState),
    #[error("the task reached its limit (`{}`)", .0.name())]
    LimitReached(CloseCause),
    #[error("this control plane knows no such writ")]
    UnknownWrit,
    #[error("another supervisor took the task over")]
    StaleEpoch,
    #[error("the task has a living supervisor")]
    SecondSupervisor,
}

// === impl Office ===

impl Office {
    /// The task that a token speaks for, if its writ is known, in force and of the present epoch.
    ///
    /// A closed task is given too: its supervisor may still have an end to record. What may be done is up to the
    /// caller.
    pub(crate) fn task_of<'s>(
        &self,
        state: &'s State,
        token: &WritToken,
        now: Timestamp,
    ) -> Result<&'s TaskRecord, OfficeError> {
        let claims = self.writs().verify(token, now)?;
        let record = state.task(claims.task).ok_or(StandingError::UnknownWrit)?;
        if record.task.agent != claims.sub {
            return Err(StandingError::UnknownWrit.into());
        }
        if claims.epoch != record.epoch {
            return Err(StandingError::StaleEpoch.into());
        }
        if !record.writs.contains_key(&claims.jti) {
            return Err(StandingError::UnknownWrit.into());
        }
        Ok(record)
    }

    /// As [`Self::task_of`], for what only an open task may do.
    pub(crate) fn open_task_of<'s>(
        &self,
        state: &'s State,
        token: &WritToken,
        now: Timestamp,
    ) -> Result<&'s TaskRecord, OfficeError> {
        let record = self.task_of(state, token, now)?;
        match record.state {
            TaskState::Open => Ok(record),
            TaskState::Suspended | TaskState::Closed => Err(StandingError::TaskNotOpen(record.state).into()),
        }
    }

    /// Whether something may be allowed under this task at `now`. Dates count from the moment they pass, whether or
    /// not anybody has recorded it yet.
    pub(crate) fn in_force(
        &self,
        state: &State,
        record: &TaskRecord,
        now: Timestamp,
    ) -> Result<(), StandingError> {
        if self.is_revoked(record) {
            return Err(StandingError::Revoked);
        }
        match record.state {
            TaskState::Open => {}
            TaskState::Suspended | TaskState::Closed => return Err(StandingError::TaskNotOpen(record.state)),
        }
        if now >= record.deadline() {
            return Err(StandingError::LimitReached(CloseCause::TimeLimit));
        }
        let agent = state.agent(record.task.agent).ok_or(StandingError::UnknownWrit)?;
        self.agent_in_force(agent, now)
    }

    pub(crate) fn agent_in_force(&self, agent: &Agent, now: Timestamp) -> Result<(), StandingError> {
        let name = || agent.registration.name.clone();
        if agent.revoked || lock(&self.ended).agents.contains(&agent.id) {
            return Err(StandingError::Revoked);
        }
        if agent.changed.is_some() {
            return Err(StandingError::FingerprintChanged(name()));
        }
        match agent.lapsed(now) {
            None => {}
            Some(LifecycleReason::Expired) => return Err(StandingError::Expired(name())),
            Some(LifecycleReason::Orphaned) => return Err(StandingError::Orphaned(name())),
            Some(_) => return Err(StandingError::ReviewLapsed(name())),
        }
        match agent.state {
            LifecycleState::Active => Ok(()),
            state => Err(StandingError::AgentNotActive { name: name(), state }),
        }
    }

    fn is_revoked(&self, record: &TaskRecord) -> bool {
        if record.revoked || record.cause == Some(CloseCause::Revoked) {
            return true;
        }
        let ended = lock(&self.ended);
        ended.tasks.contains(&record.task.id) || ended.agents.contains(&record.task.agent)
    }

    pub(crate) fn standing(&self, state: &State, record: &TaskRecord) -> Standing {
        let agent = state.agent(record.task.agent);
        Standing {
            task: record.task.id,
            // An agent that nobody knows has no authority.
            agent_state: agent.map_or(LifecycleState::Retired, |agent| agent.state),
            task_state: record.state,
            cause: record.cause,
            writ_expires_at: record.writ_expires_at().unwrap_or(record.task.opened_at),
            deadline_at: record.deadline(),
            revoked: self.is_revoked(record) || agent.is_none_or(|agent| agent.revoked),
            fingerprint_changed: agent.is_some_and(|agent| agent.changed.is_some()),
            control_size: state.size(),
            epoch: record.epoch,
            grants: self.grants_in_force(record),
            givable: self.people().givable(),
        }
    }
}
