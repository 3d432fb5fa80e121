//! State as it was: the same fold, stopped earlier.

use std::ops::Deref;
use std::sync::RwLockReadGuard;

use writ_ledger::Stream;
use writ_model::{ControlEntry, Timestamp};

use crate::fold::State;

use super::{Office, OfficeError, each};

/// State now, or as it was at some moment.
pub(crate) enum StateThen<'a> {
    Now(RwLockReadGuard<'a, State>),
    Then(Box<State>),
}

/// Ends a walk over the log early, or with an error.
enum Stop {
    Reached,
    Failed(OfficeError),
}

// === impl Office ===

impl Office {
    /// State after everything that was recorded up to and including `at`; as it is now when that lies ahead or is left
    /// out.
    pub(crate) fn state_at(&self, at: Option<Timestamp>) -> Result<StateThen<'_>, OfficeError> {
        let Some(at) = at else { return Ok(StateThen::Now(self.state())) };
        {
            let state = self.state();
            if state.last_at().is_none_or(|last| last <= at) {
                return Ok(StateThen::Now(state));
            }
        }
        let mut then = State::default();
        let walked = each(&*self.ledger, Stream::Control, 0, |_, bytes| {
            let entry = ControlEntry::from_bytes(bytes).map_err(|e| Stop::Failed(e.into()))?;
            if entry.at > at {
                return Err(Stop::Reached);
            }
            then.apply(&entry).map_err(|damage| Stop::Failed(OfficeError::Damaged(damage)))
        });
        match walked {
            Ok(()) | Err(Stop::Reached) => Ok(StateThen::Then(Box::new(then))),
            Err(Stop::Failed(error)) => Err(error),
        }
    }
}

// === impl StateThen ===

impl Deref for StateThen<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        match self {
            Self::Now(state) => state,
            Self::Then(state) => state,
        }
    }
}

// === impl Stop ===

impl From<writ_ledger::storage::ReadError> for Stop {
    fn from(error: writ_ledger::storage::ReadError) -> Self {
        Self::Failed(error.into())
    }
}
