//! The end of everything at once: revocation, or the end of the run.

use tokio::sync::watch;

/// Becomes due once and stays so. A sender that is gone means the same.
#[derive(Clone, Debug)]
pub(super) struct Cut(watch::Receiver<bool>);

// === impl Cut ===

impl Cut {
    pub(super) const fn new(receiver: watch::Receiver<bool>) -> Self {
        Self(receiver)
    }

    /// Returns when it is due.
    pub(super) async fn called(&mut self) {
        let _ = self.0.wait_for(|is_due| *is_due).await;
    }
}
