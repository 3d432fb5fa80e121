//! What ends by itself: reviews, approvals, tasks, writs, and supervisors that went away.

use std::time::Duration;

use writ_model::{Actor, CloseCause, ControlEvent, TaskId, Timestamp};

use crate::fold::State;

use super::{Change, Desk, Office, OfficeError};

/// How often the caller should sweep. Whatever has passed its date counts as passed before it is swept, too.
pub const SWEEP_EVERY: Duration = Duration::from_millis(500);
const SECOND: Duration = Duration::from_secs(1);

// === impl Office ===

impl Office {
    /// Ends what is over. Called every [`SWEEP_EVERY`].
    ///
    /// # Errors
    /// The first change that could not be recorded; it is tried again at the next call.
    pub fn sweep(&self) -> Result<(), OfficeError> {
        let mut desk = self.desk();
        self.record_waiting(&mut desk);
        self.suspend_lapsed(&mut desk)?;
        self.expire_approvals(&mut desk)?;
        self.expire_grants(&mut desk)?;
        self.erase_given_up(&mut desk)?;
        let now = self.now();
        let lost = self.supervisors.lost(self.time.since_boot());
        let over: Vec<(TaskId, CloseCause)> = {
            let state = self.state();
            over(&state, &lost, now)
        };
        for (task, cause) in over {
            self.close_task(&mut desk, task, cause, Actor::ControlPlane)?;
        }
        for task in lost {
            self.supervisors.forget(task);
        }
        Ok(())
    }

    fn expire_approvals(&self, desk: &mut Desk) -> Result<(), OfficeError> {
        let now = self.now();
        let overdue: Vec<ControlEvent> = {
            let state = self.state();
            let overdue = state.approvals().filter(|(approval, _)| approval.is_overdue(now));
            overdue.map(|(approval, _)| ControlEvent::ApprovalExpired { approval: approval.id }).collect()
        };
        if overdue.is_empty() {
            return Ok(());
        }
        self.commit(desk, Change::new(now, Actor::ControlPlane, overdue)).map(drop)
    }
}

/// Live tasks whose time, writ or supervisor is gone.
fn over(state: &State, lost: &[TaskId], now: Timestamp) -> Vec<(TaskId, CloseCause)> {
    let cause = |record: &crate::fold::TaskRecord| {
        if now >= record.deadline() {
            Some(CloseCause::TimeLimit)
        } else if lost.contains(&record.task.id) {
            Some(CloseCause::SupervisorLost)
        } else if record.writ_expires_at().is_none_or(|ends| ends <= now) {
            // A writ ends at a whole second: the last one ends up to a second before its task.
            let last = record.writ_expires_at().is_some_and(|ends| ends.until(record.deadline()) < SECOND);
            Some(if last { CloseCause::TimeLimit } else { CloseCause::WritLapsed })
        } else {
            None
        }
    };
    state.live_tasks().filter_map(|record| cause(record).map(|cause| (record.task.id, cause))).collect()
}
