//! Copies the write-ahead log back into the database, away from the path of acknowledgements.
//!
//! SQLite lets one connection copy while another appends. When the copy has caught up, the next commit starts the log
//! anew at its beginning, where the file has its blocks already; syncing is then faster than when it grows.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::schema;

/// What the log may grow to before a copy is started; also its size when it is made.
pub(super) const START_AT_BYTES: u64 = 4 * 1024 * 1024;
/// The same while large groups come in: each copy syncs the database, which is then worth doing less often.
const START_AT_BYTES_BUSY: u64 = 32 * 1024 * 1024;
/// Bytes of a group that make it a large one.
const LARGE_GROUP_BYTES: u64 = 32 * 1024;
/// What the log may grow to before the writer stops and makes a copy itself.
const STOP_AT_BYTES: u64 = 128 * 1024 * 1024;

/// What the writer has put into the log since it began anew, by its own count.
#[derive(Default)]
pub(super) struct LogGauge {
    filled: u64,
    /// `filled` when a copy was last asked for.
    asked_at: u64,
}

/// What the writer has to do about the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tend {
    Nothing,
    /// Have it copied by the other thread.
    Ask,
    /// Copy the rest here and now.
    Copy,
}

pub(super) struct Checkpointer {
    wake: Option<SyncSender<()>>,
    /// Held for the time of one checkpoint, by whoever makes it.
    checkpointing: Arc<Mutex<()>>,
    /// The thread has copied something since the writer last looked.
    copied: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub fn start(directory: &Path) -> Result<Self, rusqlite::Error> {
        let connection = schema::connect_writer(directory)?;
        let (wake, woken) = sync_channel(1);
        let checkpointing = Arc::new(Mutex::new(()));
        let copied = Arc::new(AtomicBool::new(false));
        let (gate, done) = (Arc::clone(&checkpointing), Arc::clone(&copied));
        let thread = std::thread::Builder::new()
            .name("ledger-checkpoint".to_owned())
            .spawn(move || run(&connection, &woken, &gate, &done))
            // Without the thread the writer makes every checkpoint itself.
            .ok();
        Ok(Self { wake: Some(wake), checkpointing, copied, thread })
    }

    /// Asks for a checkpoint soon; one that is under way or asked for already will do.
    pub fn request(&self) {
        if let Some(wake) = &self.wake {
            match wake.try_send(()) {
                Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => (),
            }
        }
    }

    /// Whether a copy was finished since this was last asked.
    pub fn has_copied(&self) -> bool {
        self.copied.swap(false, Ordering::AcqRel)
    }

    /// Runs `checkpoint` on the caller's thread when no other is under way.
    pub fn alone<T>(&self, checkpoint: impl FnOnce() -> T) -> T {
        let _gate = self.checkpointing.lock().unwrap_or_else(PoisonError::into_inner);
        checkpoint()
    }
}

// === impl LogGauge ===

impl LogGauge {
    /// Counts a group and says what is to be done.
    ///
    /// The other thread copies while the writer goes on, so that what it leaves is little; the writer copies that
    /// little itself, and only then can the log begin anew.
    pub fn after(&mut self, group_bytes: u64, copied: bool) -> Tend {
        self.filled = self.filled.saturating_add(group_bytes);
        let start = if group_bytes < LARGE_GROUP_BYTES { START_AT_BYTES } else { START_AT_BYTES_BUSY };
        if copied || self.filled >= STOP_AT_BYTES {
            *self = Self::default();
            return Tend::Copy;
        }
        if self.filled - self.asked_at >= start {
            self.asked_at = self.filled;
            return Tend::Ask;
        }
        Tend::Nothing
    }

    /// The log was emptied.
    pub fn reset(&mut self) {
        *self = Self::default();
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

fn run(connection: &Connection, woken: &Receiver<()>, gate: &Mutex<()>, copied: &AtomicBool) {
    while woken.recv().is_ok() {
        let _gate = gate.lock().unwrap_or_else(PoisonError::into_inner);
        match copy(connection) {
            Ok(_) => copied.store(true, Ordering::Release),
            Err(error) => {
                tracing::warn!(%error, "the ledger's write-ahead log could not be copied back; it is tried again");
            }
        }
    }
}

/// Gives the log its blocks before they are needed: syncing a file that does not grow is markedly faster.
///
/// What follows the last frame is no frame, so to SQLite the log ends where it ended before.
pub(super) fn lengthen(log: &File) -> io::Result<()> {
    let zeros = vec![0; 64 * 1024];
    let mut at = log.metadata()?.len();
    while at < START_AT_BYTES {
        let part = usize::try_from(START_AT_BYTES - at).unwrap_or(usize::MAX).min(zeros.len());
        log.write_all_at(zeros.get(..part).unwrap_or(&zeros), at)?;
        at += part as u64;
    }
    Ok(())
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
