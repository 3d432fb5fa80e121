//! Spending: at most once, whoever asks, and recorded before the answer.

use writ_model::{Actor, ControlEvent};

use crate::api::message::{ApprovalTake, ApprovalTaken, Taken};
use crate::office::{Change, Office, OfficeError};

// === impl Office ===

impl Office {
    /// `approval.take`: the desk is held from the look to the sync, so that two calls never see the same approval.
    ///
    /// When recording fails half-way it is not known whether the spending stands in the log. Then nobody gets it: it
    /// is not offered again here, and after a restart the log decides.
    pub fn approval_take(&self, ask: &ApprovalTake) -> Result<ApprovalTaken, OfficeError> {
        let mut desk = self.desk();
        let now = self.now();
        let found = {
            let state = self.state();
            let record = self.open_task_of(&state, &ask.writ, now)?;
            self.in_force(&state, record, now)?;
            let burnt = desk.burnt();
            let spendable =
                record.approvals.values().filter(|approval| approval.is_spendable(ask.action, now));
            let mut spendable = spendable.filter(|approval| !burnt.contains(&approval.id));
            spendable.next().map(|approval| (record.task.id, approval.id, approval.level))
        };
        let Some((task, approval, level)) = found else {
            return Ok(ApprovalTaken { taken: None });
        };
        let event = ControlEvent::ApprovalConsumed { approval, call: ask.call };
        let receipts = match self.commit(&mut desk, Change::new(now, Actor::Supervisor(task), vec![event])) {
            Ok(receipts) => receipts,
            Err(error) => {
                desk.burn(approval);
                return Err(error);
            }
        };
        let taken = receipts.first().map(|receipt| Taken { approval, level, receipt: receipt.into() });
        Ok(ApprovalTaken { taken })
    }
}
