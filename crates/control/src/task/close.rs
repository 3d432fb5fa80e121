//! The end of a task: its approvals expire, its grants end, its writs are void, and both logs are signed for whoever keeps the result.

use writ_ledger::Stream;
use writ_model::{
    Actor, AgentId, ApprovalState, CloseCause, ControlEvent, GrantEnd, Human, LifecycleMove, LifecycleReason,
    LifecycleState, TaskId, TaskState,
};

use crate::api::message::{Checkpoint, TaskClose, TaskClosed, TaskEnd};
use crate::fold::{State, TaskRecord};
use crate::identity::out_of_service;
use crate::office::{Change, Desk, Office, OfficeError};

use super::TaskError;

// === impl Office ===

impl Office {
    /// `task.close`, by a person.
    pub fn task_close(&self, by: &Human, ask: &TaskClose) -> Result<TaskClosed, OfficeError> {
        let mut desk = self.desk();
        self.close_task(&mut desk, ask.task, CloseCause::ByPerson, Actor::Human(by.clone()))
    }

    /// `task.end`, by its supervisor. One that has ended already is answered with how it ended. One that ends for an incident
    /// takes its agent out of service, until a person resumes it, and all that the agent does elsewhere ends too.
    pub fn task_end(&self, ask: &TaskEnd) -> Result<TaskClosed, OfficeError> {
        let mut desk = self.desk();
        let now = self.now();
        let (task, events) = {
            let state = self.state();
            let record = self.task_of(&state, &ask.writ, now)?;
            let is_active =
                state.agent(record.task.agent).is_some_and(|agent| agent.state == LifecycleState::Active);
            let suspends =
                ask.cause == CloseCause::Incident && record.state != TaskState::Closed && is_active;
            let (task, agent) = (record.task.id, record.task.agent);
            let events = suspends.then(|| suspended(&state, task, agent));
            (task, events)
        };
        if let Some(events) = events {
            self.commit(&mut desk, Change::new(now, Actor::Supervisor(task), events))?;
        }
        self.close_task(&mut desk, task, ask.cause, Actor::Supervisor(task))
    }

    pub(crate) fn close_task(
        &self,
        desk: &mut Desk,
        task: TaskId,
        cause: CloseCause,
        by: Actor,
    ) -> Result<TaskClosed, OfficeError> {
        let now = self.now();
        let (events, cause) = {
            let state = self.state();
            let record = state.task(task).ok_or(TaskError::Unknown(task))?;
            match record.state {
                TaskState::Open | TaskState::Suspended => (closing(record, cause), cause),
                TaskState::Closed => (Vec::new(), record.cause.unwrap_or(cause)),
            }
        };
        if !events.is_empty() {
            self.commit(desk, Change::new(now, by, events))?;
        }
        self.forget_supervisor(task);
        Ok(TaskClosed { task, cause, checkpoints: self.checkpoints() })
    }

    /// Signed checkpoints of both logs as of their last sync.
    pub fn checkpoints(&self) -> Vec<Checkpoint> {
        let of = |stream: Stream| {
            let head = self.ledger().head(stream);
            Checkpoint { log: stream.into(), size: head.size, note: head.checkpoint }
        };
        Stream::ALL.into_iter().map(of).collect()
    }
}

/// The events that suspend an agent for an incident of a task. Its other tasks end because it is suspended.
fn suspended(state: &State, task: TaskId, agent: AgentId) -> Vec<ControlEvent> {
    let mut events = out_of_service(state, agent, LifecycleMove::Suspend, LifecycleReason::Incident);
    for event in &mut events {
        if let ControlEvent::TaskClosed { task: closed, cause } = event
            && *closed == task
        {
            *cause = CloseCause::Incident;
        }
    }
    events
}

/// The events that end a live task.
pub(crate) fn closing(record: &TaskRecord, cause: CloseCause) -> Vec<ControlEvent> {
    let live = record.approvals.values().filter(|approval| match approval.state {
        ApprovalState::Pending | ApprovalState::Approved => true,
        ApprovalState::Consumed | ApprovalState::Refused | ApprovalState::Expired => false,
    });
    let expired = live.map(|approval| ControlEvent::ApprovalExpired { approval: approval.id });
    let granted = record.grants.values().filter(|grant| grant.ended.is_none());
    let ended = granted.map(|grant| ControlEvent::GrantEnded {
        grant: grant.id,
        task: record.task.id,
        cause: GrantEnd::TaskClosed,
    });
    expired.chain(ended).chain([ControlEvent::TaskClosed { task: record.task.id, cause }]).collect()
}
