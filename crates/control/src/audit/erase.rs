//! Erasure: the key of a task's texts is destroyed, and that it was is recorded.

use writ_model::{ControlEvent, Human, Label, TaskState};

use crate::api::message::{AuditErase, Erased};
use crate::identity::person;
use crate::office::{Change, Office, OfficeError, subject_of};
use crate::task::TaskError;

use super::AuditError;

// === impl Office ===

impl Office {
    /// `audit.erase`: only for a closed task. Repeating it does no harm.
    pub fn audit_erase(&self, by: &Human, ask: &AuditErase) -> Result<Erased, OfficeError> {
        let mut desk = self.desk();
        match self.state().task(ask.task).map(|record| record.state) {
            Some(TaskState::Open | TaskState::Suspended) => {
                return Err(AuditError::NotClosed(ask.task).into());
            }
            Some(TaskState::Closed) => {}
            None => return Err(TaskError::Unknown(ask.task).into()),
        }
        self.ledger().erase(&subject_of(&ask.task)?)?;
        let subject = Label::lossy(&ask.task.to_string());
        let events = vec![ControlEvent::PayloadsErased { subject }];
        self.commit(&mut desk, Change::new(self.now(), person(by), events))?;
        Ok(Erased { task: ask.task })
    }
}
