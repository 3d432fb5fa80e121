//! The end of a task: its approvals expire, its grants end, its writs are void, and both logs are signed for whoever keeps the result.

use writ_ledger::Stream;
use writ_model::{Actor, ApprovalState, CloseCause, ControlEvent, GrantEnd, Human, TaskId, TaskState};

use crate::api::message::{Checkpoint, TaskClose, TaskClosed, TaskEnd};
use crate::fold::TaskRecord;
use crate::office::{Change, Desk, Office, OfficeError};

use super::TaskError;

// === impl Office ===

impl Office {
    /// `task.close`, by a person.
    pub fn task_close(&self, by: &Human, ask: &TaskClose) -> Result<TaskClosed, OfficeError> {
        let mut desk = self.desk();
        self.close_task(&mut desk, ask.task, CloseCause::ByPerson, Actor::Human(by.clone()))
    }

    /// `task.end`, by its supervisor. One that has ended already is answered with how it ended.
    pub fn task_end(&self, ask: &TaskEnd) -> Result<TaskClosed, OfficeError> {
        let mut desk = self.desk();
        let task = self.task_of(&self.state(), &ask.writ, self.now())?.task.id;
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
