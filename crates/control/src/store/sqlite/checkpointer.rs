//! Copies the write-ahead log back into the database, away from the path of acknowledgements.
//!
//! SQLite lets one connection copy while another appends. When the copy has caught up, the next commit starts the log
//! anew at its beginning, where the file has its blocks already; syncing is then faster than when it grows.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::schema;

/// What the log may grow to before a copy is started.
pub(super) const START_AT_BYTES: u64 = 8 * 1024 * 1024;
/// What the log may grow to before the writer stops and waits for a copy that catches up.
pub(super) const STOP_AT_BYTES: u64 = 128 * 1024 * 1024;

pub(super) struct Checkpointer {
    wake: Option<SyncSender<()>>,
    /// Held for the time of one checkpoint, by whoever makes it.
    checkpointing: Arc<Mutex<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub fn start(directory: &Path) -> Result<Self, rusqlite::Error> {
        let connection = schema::connect_writer(directory)?;
        let (wake, woken) = sync_channel(1);
        let checkpointing = Arc::new(Mutex::new(()));
        let gate = Arc::clone(&checkpointing);
        let thread = std::thread::Builder::new()
            .name("ledger-checkpoint".to_owned())
            .spawn(move || run(&connection, &woken, &gate))
            // Without the thread the writer makes every checkpoint itself.
            .ok();
        Ok(Self { wake: Some(wake), checkpointing, thread })
    }

    /// Asks for a checkpoint soon; one that is under way or asked for already will do.
    pub fn request(&self) {
        if let Some(wake) = &self.wake {
            match wake.try_send(()) {
                Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => (),
            }
        }
    }

    /// Runs `checkpoint` on the caller's thread when no other is under way.
    pub fn alone<T>(&self, checkpoint: impl FnOnce() -> T) -> T {
        let _gate = self.checkpointing.lock().unwrap_or_else(PoisonError::into_inner);
        checkpoint()
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            // A checkpoint that failed loses nothing: the log still has what it did not copy.
            let _ = thread.join();
        }
    }
}

fn run(connection: &Connection, woken: &Receiver<()>, gate: &Mutex<()>) {
    while woken.recv().is_ok() {
        let _gate = gate.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = copy(connection) {
            tracing::warn!(%error, "the ledger's write-ahead log could not be copied back; it is tried again later");
        }
    }
}

/// Copies what can be copied without waiting for anybody. Returns whether all was.
pub(super) fn copy(connection: &Connection) -> Result<bool, rusqlite::Error> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
        let (busy, in_log, copied): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(busy == 0 && in_log == copied)
    })
}

/// Copies everything, waits for readers a bounded time, and cuts the log to nothing. Returns whether that was done.
pub(super) fn truncate(connection: &Connection) -> Result<bool, rusqlite::Error> {
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(busy == 0)
}
