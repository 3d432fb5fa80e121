//! Snapshots: taken every so many entries and when the office closes, so that a start folds only what came after.

use writ_ledger::storage::Sizes;

use crate::fold::{self, State};

use super::{Desk, Office, OfficeError, OpenOfficeError, advance, lock};

/// Entries of either log between two snapshots.
const EVERY: u64 = 20_000;

// === impl Office ===

impl Office {
    /// Takes a snapshot if enough has happened since the last one.
    ///
    /// # Errors
    /// The ledger cannot be read or written. Nothing is lost by it but time at the next start.
    pub fn keep_if_due(&self) -> Result<(), OfficeError> {
        let mut desk = self.desk();
        let grown = self.ledger.tip(writ_ledger::Stream::Activity).saturating_sub(desk.kept.0)
            + self.state().size().saturating_sub(desk.kept.1);
        if grown < EVERY { Ok(()) } else { self.keep(&mut desk) }
    }

    /// Takes a snapshot of everything: the last act before the control plane ends.
    ///
    /// # Errors
    /// As [`Self::keep_if_due`].
    pub fn close(&self) -> Result<(), OfficeError> {
        let mut desk = self.desk();
        let now = (self.ledger.tip(writ_ledger::Stream::Activity), self.state().size());
        if desk.kept == now { Ok(()) } else { self.keep(&mut desk) }
    }

    fn keep(&self, desk: &mut Desk) -> Result<(), OfficeError> {
        if let Some(damage) = &desk.damaged {
            return Err(OfficeError::Damaged(damage.clone()));
        }
        advance(&*self.ledger, &mut desk.activity).map_err(|error| match error {
            OpenOfficeError::Read(error) => OfficeError::Read(error),
            other => OfficeError::Restore(Box::new(other)),
        })?;
        let state: State = self.state().clone();
        // Counters of tasks that state has forgotten are of no use to anybody.
        lock(&self.meter).retain(|task, _| state.task(*task).is_some());
        lock(&self.sessions).retain(|_, task| state.task(*task).is_some());
        let sizes = Sizes { activity: desk.activity.size(), control: state.size() };
        let body = fold::encode(&state, &desk.activity)?;
        self.ledger.put_snapshot(fold::FOLD_VERSION, sizes, body)?;
        desk.kept = (sizes.activity, sizes.control);
        Ok(())
    }
}
