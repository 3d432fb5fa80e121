//! The system's clock, read in one place.

use writ_model::{Clock, Timestamp};

/// The wall clock of this machine. It may jump; deadlines are kept by the control plane.
pub(crate) struct SystemClock;

/// The present moment, by the system's clock.
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::EPOCH.after(since)
}

// === impl SystemClock ===

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        now()
    }
}
