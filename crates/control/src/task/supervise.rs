//! Keeping a task: renewing its writ, and taking it over.

use writ_model::{Actor, ControlEvent, TaskId, TaskState};

use crate::api::message::{TaskAttach, TaskOpened, WritRenew, WritRenewed};
use crate::office::{Change, Desk, Office, OfficeError, StandingError};

// === impl Office ===

impl Office {
    /// `writ.renew`: only while everything is in force. The old writ lasts as long as it says.
    pub fn writ_renew(&self, ask: &WritRenew) -> Result<WritRenewed, OfficeError> {
        let mut desk = self.desk();
        let now = self.now();
        let (task, epoch) = {
            let state = self.state();
            let record = self.open_task_of(&state, &ask.writ, now)?;
            self.in_force(&state, record, now)?;
            (record.task.clone(), record.epoch)
        };
        let (issued, event) = self.issue(&task, epoch, now)?;
        self.commit(&mut desk, Change::new(now, Actor::Supervisor(task.id), vec![event]))?;
        Ok(WritRenewed { writ: issued.token, expires_at: issued.expires_at })
    }

    /// `task.attach`: refused while the first supervisor lives. What it held is worth nothing from here on.
    pub fn task_attach(&self, ask: &TaskAttach) -> Result<TaskOpened, OfficeError> {
        let mut desk = self.desk();
        let now = self.now();
        let (task, epoch) = {
            let state = self.state();
            let record = self.open_task_of(&state, &ask.writ, now)?;
            self.in_force(&state, record, now)?;
            if self.has_supervisor(record.task.id) {
                return Err(StandingError::SecondSupervisor.into());
            }
            (record.task.clone(), record.epoch + 1)
        };
        let (issued, writ) = self.issue(&task, epoch, now)?;
        let events = vec![ControlEvent::TaskAttached { task: task.id, epoch }, writ];
        self.commit(&mut desk, Change::new(now, Actor::Supervisor(task.id), events))?;
        self.expect_supervisor(task.id);
        self.opened(task.id, issued.token)
    }

    /// A fresh writ for a task that the control plane itself supervises; nothing if it is over.
    pub(super) fn reissue(&self, desk: &mut Desk, id: TaskId) -> Result<Option<TaskOpened>, OfficeError> {
        let now = self.now();
        let (task, epoch) = {
            let state = self.state();
            match state.task(id) {
                Some(record) if record.state == TaskState::Open && now < record.deadline() => {
                    self.in_force(&state, record, now)?;
                    (record.task.clone(), record.epoch)
                }
                Some(_) | None => return Ok(None),
            }
        };
        let (issued, event) = self.issue(&task, epoch, now)?;
        self.commit(desk, Change::new(now, Actor::ControlPlane, vec![event]))?;
        self.opened(id, issued.token).map(Some)
    }
}
