//! Asking: one waiting request for one action, and not too many at once.

use std::time::Duration;

use writ_model::{Actor, ApprovalId, ApprovalState, ControlEvent, Digest};

use crate::api::message::{ApprovalAsk, ApprovalAsked};
use crate::office::{Change, Office, OfficeError};

use super::{ApprovalError, MAX_SHOWN_BYTES};

/// How long a request and the approval of it last.
pub const APPROVAL_LIFE: Duration = Duration::from_secs(15 * 60);

// === impl Office ===

impl Office {
    /// `approval.ask`: names the request that waits already for the same action at the same level.
    pub fn approval_ask(&self, ask: ApprovalAsk) -> Result<ApprovalAsked, OfficeError> {
        let ApprovalAsk { writ, call, action, level, shown } = ask;
        let mut desk = self.desk();
        let now = self.now();
        let task = {
            let state = self.state();
            let record = self.open_task_of(&state, &writ, now)?;
            self.in_force(&state, record, now)?;
            if !self.people().givable().contains(&level) {
                return Err(ApprovalError::NobodyCan(level).into());
            }
            let live = |a: &&crate::fold::Approval| !a.is_overdue(now);
            let same = record.pending().filter(live).find(|a| a.action == action && a.level == level);
            if let Some(waiting) = same {
                return Ok(ApprovalAsked { approval: waiting.id, expires_at: waiting.expires_at });
            }
            let most = record.task.limits.pending_approvals;
            if record.pending().filter(live).count() >= usize::try_from(most).unwrap_or(usize::MAX) {
                return Err(ApprovalError::Full(most).into());
            }
            record.task.id
        };
        let salt = <[u8; 32]>::try_from(shown.salt.0.as_slice()).map_err(|_| ApprovalError::Shown)?;
        let fits = (1..=MAX_SHOWN_BYTES).contains(&shown.bytes.0.len());
        let payload = self.seal_with(&task, salt, &shown.bytes.0)?;
        if !fits || Digest::new(*payload.commitment().as_bytes()) != shown.commitment {
            return Err(ApprovalError::Shown.into());
        }
        let approval = self.fresh(now, ApprovalId::new)?;
        let expires_at = now.after(APPROVAL_LIFE);
        let shown = shown.commitment;
        let event =
            ControlEvent::ApprovalRequested { approval, task, call, action, level, shown, expires_at };
        let change =
            Change { payloads: vec![payload], ..Change::new(now, Actor::Supervisor(task), vec![event]) };
        self.commit(&mut desk, change)?;
        Ok(ApprovalAsked { approval, expires_at })
    }

    /// How an approval stands now. One that state has forgotten can no longer be used, so it counts as expired.
    pub fn approval_state(&self, approval: ApprovalId) -> ApprovalState {
        let now = self.now();
        match self.state().approval(approval) {
            Some((approval, _)) if approval.is_overdue(now) => ApprovalState::Expired,
            Some((approval, _)) => approval.state,
            None => ApprovalState::Expired,
        }
    }

    /// Whether an approval is of the task that the writ speaks for.
    pub fn approval_is_of(
        &self,
        writ: &crate::api::message::WritToken,
        approval: ApprovalId,
    ) -> Result<(), OfficeError> {
        let state = self.state();
        let task = self.task_of(&state, writ, self.now())?.task.id;
        match state.approval(approval) {
            Some((_, record)) if record.task.id == task => Ok(()),
            Some(_) | None => Err(ApprovalError::Unknown(approval).into()),
        }
    }
}
