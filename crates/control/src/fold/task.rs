//! Tasks in the fold.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use writ_model::{
    ApprovalId, CloseCause, GrantId, Label, Task, TaskId, TaskMove, TaskState, Timestamp, WritId,
};

use super::{Approval, FoldError, Granted, MAX_CLOSED_TASKS, State};
use crate::writ::MAX_WRIT_LIFE;

/// A task and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskRecord {
    pub task: Task,
    pub state: TaskState,
    pub cause: Option<CloseCause>,
    pub closed_at: Option<Timestamp>,
    /// 0 before the first supervisor took it.
    pub epoch: u64,
    /// When each writ runs out; those that ran out before the newest was issued are forgotten.
    pub writs: BTreeMap<WritId, Timestamp>,
    /// Empty once the task is closed.
    pub approvals: BTreeMap<ApprovalId, Approval>,
    /// Empty once the task is closed.
    pub grants: BTreeMap<GrantId, Granted>,
    pub handed_over: BTreeSet<Label>,
    /// Sealed credentials that were lent under it.
    pub lent: BTreeSet<Label>,
    pub weakened: BTreeSet<Label>,
    /// What turned the client's own sandbox off.
    pub client_sandbox_off: Option<Label>,
    pub revoked: bool,
}

// === impl State ===

impl State {
    pub(super) fn open_task(&mut self, task: &Task, at: Timestamp) -> Result<(), FoldError> {
        if self.tasks.contains_key(&task.id) {
            return Err(FoldError::TaskExists(task.id));
        }
        let agent = self.agents.get(&task.agent).ok_or(FoldError::UnknownAgent(task.agent))?;
        if !agent.is_in_force(at) || agent.changed.is_some() {
            return Err(FoldError::AgentNotActive(agent.id));
        }
        if agent.registration.client != task.client {
            return Err(FoldError::OtherAgent);
        }
        let record = TaskRecord {
            task: task.clone(),
            state: TaskState::Open,
            cause: None,
            closed_at: None,
            epoch: 0,
            writs: BTreeMap::new(),
            approvals: BTreeMap::new(),
            grants: BTreeMap::new(),
            handed_over: BTreeSet::new(),
            lent: BTreeSet::new(),
            weakened: BTreeSet::new(),
            client_sandbox_off: None,
            revoked: false,
        };
        self.live.insert(task.id);
        self.tasks.insert(task.id, record);
        Ok(())
    }

    pub(super) fn close_task(
        &mut self,
        id: TaskId,
        cause: CloseCause,
        at: Timestamp,
    ) -> Result<(), FoldError> {
        let record = self.task_mut(id)?;
        record.step(TaskMove::Close, at)?;
        record.cause = Some(cause);
        record.grants.clear();
        let approvals = std::mem::take(&mut record.approvals);
        for approval in approvals.keys() {
            self.approvals.remove(approval);
        }
        self.live.remove(&id);
        if self.tasks.len() - self.live.len() > MAX_CLOSED_TASKS {
            let oldest = self.tasks.keys().find(|id| !self.live.contains(id)).copied();
            if let Some(oldest) = oldest {
                self.tasks.remove(&oldest);
            }
        }
        Ok(())
    }
}

// === impl TaskRecord ===

impl TaskRecord {
    /// When it reaches its time limit.
    pub fn deadline(&self) -> Timestamp {
        self.task.opened_at.after(self.task.limits.time())
    }

    /// When the newest writ runs out.
    pub fn writ_expires_at(&self) -> Option<Timestamp> {
        self.writs.values().max().copied()
    }

    /// Approvals that wait for a person.
    pub fn pending(&self) -> impl Iterator<Item = &Approval> {
        self.approvals.values().filter(|approval| approval.is_pending())
    }

    pub(super) fn attach(&mut self, epoch: u64) -> Result<(), FoldError> {
        if Some(epoch) != self.epoch.checked_add(1) {
            return Err(FoldError::Epoch { now: self.epoch, got: epoch });
        }
        self.epoch = epoch;
        self.writs.clear();
        Ok(())
    }

    pub(super) fn step(&mut self, step: TaskMove, at: Timestamp) -> Result<(), FoldError> {
        self.state = self.state.step(step)?;
        if self.state == TaskState::Closed {
            self.closed_at = Some(at);
        }
        Ok(())
    }

    pub(super) fn issue(
        &mut self,
        writ: WritId,
        expires_at: Timestamp,
        at: Timestamp,
    ) -> Result<(), FoldError> {
        let life: Duration = at.until(expires_at);
        if life > MAX_WRIT_LIFE || life.is_zero() || self.writs.contains_key(&writ) {
            return Err(FoldError::Writ);
        }
        self.writs.retain(|_, ends| *ends > at);
        self.writs.insert(writ, expires_at);
        Ok(())
    }
}
