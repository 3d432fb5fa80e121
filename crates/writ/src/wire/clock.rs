//! The present moment, by the same clock as the control plane's.

use writ_model::{Clock, Timestamp};

pub(crate) use writ_control::SystemClock;

/// The present moment, by the system's clock.
pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}
