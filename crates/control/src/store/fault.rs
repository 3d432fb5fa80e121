//! Places where a test may end the process in the middle of an append.
//!
//! The hook is handed in by a constructor; nothing outside the program can set it.

/// A moment in the life of one group commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultPoint {
    /// Entries are sequenced, nothing is written.
    BeforeWrite,
    /// Rows, tiles and payloads are written in an open transaction.
    BeforeCommit,
    /// Committed to the write-ahead log, `Written` callers not yet answered.
    BeforeSync,
    /// On stable storage, `Synced` callers not yet answered.
    BeforeAcknowledge,
}

/// Told of every fault point as the writer comes to it.
pub trait FaultHook: Send + Sync {
    /// May end the process. Called on the writer's thread, so it must not call the ledger.
    fn reached(&self, point: FaultPoint);
}
