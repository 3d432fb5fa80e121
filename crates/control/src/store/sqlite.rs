//! The embedded engine: one directory, one SQLite database, one writer thread.
//!
//! **Layout.** One row holds a batch: first index, count, leaf hashes, root, signature, entries. Appending one entry so
//! touches one page; start-up reads the last row, the leaf hashes since the last full tile, and one unfinished tile for
//! each level above. Full tiles have a table of their own. Both streams, the payloads and their keys are in the same
//! database, because an entry and its payloads must be committed together, and SQLite's write-ahead log is atomic only
//! within one file.
//!
//! **Group commit.** Callers queue; the writer takes all that waits, plans one row per stream, commits once, and calls
//! `fdatasync` on the write-ahead log once. `Written` callers are answered after the commit, `Synced` callers after the
//! sync. What only `Written` callers committed is synced by a timer. Copying the log back into the database happens on
//! another thread.
//!
//! **Erasure.** Rows of keys and payloads are only ever added at the end of their tables and overwritten in place with
//! zeros of the same length: SQLite moves rows between pages when rows are deleted, and leaves copies of the moved ones
//! behind in unused parts of pages, even with `secure_delete`. After overwriting, the write-ahead log is truncated.
//!
//! Locks: `queue` (see there), `heads` and `readers` (both for the time of a copy or a pop), `checkpointing` (for the
//! time of one checkpoint; only the writer and the checkpointer take it). None is held while another is taken, but that
//! the writer publishes heads while it holds none.

pub mod audit;
mod checkpointer;
mod commit;
pub mod open;
mod read;
mod reserve;
mod schema;
mod writer;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use aws_lc_rs::rand;
use rusqlite::{Connection, ErrorCode, ffi};
use writ_ledger::snapshot::{Position, Snapshot};
use writ_ledger::storage::{
    self, AppendError, EngineError, PayloadError, ReadError, Sizes, StoreSnapshotError, check_batch,
};
use writ_ledger::tile::TileId;
use writ_ledger::vault::{DataKey, MasterKey, Opened, Salt, VaultError};
use writ_ledger::{
    Append, Commitment, Durability, Expected, Head, Payload, Receipt, Storage, Stream, SubjectId,
};

use super::keys::{LedgerKeys, PerStream, Signers};
use super::queue::{Done, DoneWith, Job, Queue, StoredSnapshot, Submission};
use super::subject::KeyCache;
use open::{OpenError, Options};

/// A ledger open for writing. One process at a time; dropped, it finishes what was submitted and closes the database.
pub struct SqliteLedger {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

/// What callers and the writer share.
struct Shared {
    queue: Queue,
    signers: Signers,
    master: MasterKey,
    heads: RwLock<PerStream<Head>>,
    tips: PerStream<AtomicU64>,
    readers: Mutex<Vec<Connection>>,
    keys: KeyCache,
    directory: std::path::PathBuf,
}

// === impl SqliteLedger ===

impl SqliteLedger {
    /// Opens the ledger in `directory`, making both if they are not there.
    ///
    /// What a crash left behind is recovered first: the log ends with the last whole commit. The state at the end of
    /// the log is recomputed and must be the signed one.
    ///
    /// # Errors
    /// Each variant of [`OpenError`].
    pub fn open(directory: &Path, keys: LedgerKeys, options: Options) -> Result<Self, OpenError> {
        open::open(directory, keys, options)
    }

    /// As [`Storage::append`].
    ///
    /// # Errors
    /// As there.
    pub fn append(
        &self,
        batch: Vec<Append>,
        expected: Option<Expected>,
        durability: Durability,
    ) -> Result<Vec<Receipt>, AppendError> {
        self.submit_and_wait(Submission { batch, expected, durability, revocation: false })
    }

    /// Queues an append and returns at once; `done` is called with the outcome, and not at all if this returns an error.
    ///
    /// # Errors
    /// `Overloaded` if the queue is full, `Empty`, `TooLarge`, `Closed`.
    pub fn submit(&self, submission: Submission, done: Done) -> Result<(), AppendError> {
        check_batch(&submission.batch)?;
        self.shared.queue.push(Job::Append { submission, done }, false)
    }

    fn submit_and_wait(&self, submission: Submission) -> Result<Vec<Receipt>, AppendError> {
        check_batch(&submission.batch)?;
        self.wait_for(|done| Job::Append { submission, done })
    }

    /// Hands a job to the writer and sleeps until it is answered.
    fn wait_for<T: Send + 'static, E: Send + From<AppendError> + 'static>(
        &self,
        job: impl FnOnce(DoneWith<T, E>) -> Job,
    ) -> Result<T, E> {
        let (answer, answered) = sync_channel(1);
        let done = Box::new(move |outcome| {
            // Nobody waits any more only if the caller's thread is gone.
            let _ = answer.send(outcome);
        });
        self.shared.queue.push(job(done), true)?;
        answered.recv().unwrap_or_else(|_| Err(AppendError::Closed.into()))
    }

    /// The subject's data key: from memory, from the store, or made now and synced.
    fn data_key(&self, subject: &SubjectId) -> Result<Arc<DataKey>, PayloadError> {
        if let Some(key) = self.shared.keys.get(subject) {
            return Ok(key);
        }
        let stored = match self.shared.read(|reader| read::wrapped_key(reader, subject))? {
            read::StoredKey::Erased => return Err(VaultError::Erased.into()),
            read::StoredKey::Present(wrapped) => wrapped,
            read::StoredKey::Absent => {
                let (fresh, nonce) = (random()?, random()?);
                let wrapped = self.shared.master.wrap(subject, &DataKey::from_bytes(fresh), nonce)?;
                let subject = subject.clone();
                let made = self.wait_for::<_, AppendError>(|done| Job::MakeKey { subject, wrapped, done });
                made?.ok_or(VaultError::Erased)?
            }
        };
        let key = self.shared.master.unwrap(subject, &stored)?;
        Ok(self.shared.keys.put(subject, key))
    }
}

impl Storage for SqliteLedger {
    fn append(
        &self,
        batch: Vec<Append>,
        expected: Option<Expected>,
        durability: Durability,
    ) -> Result<Vec<Receipt>, AppendError> {
        Self::append(self, batch, expected, durability)
    }

    fn append_revocation(&self, batch: Vec<Append>) -> Result<Vec<Receipt>, AppendError> {
        self.submit_and_wait(Submission {
            batch,
            expected: None,
            durability: Durability::Synced,
            revocation: true,
        })
    }

    fn head(&self, stream: Stream) -> Head {
        self.shared.heads.read().unwrap_or_else(PoisonError::into_inner).get(stream).clone()
    }

    fn tip(&self, stream: Stream) -> u64 {
        self.shared.tips.get(stream).load(Ordering::Acquire)
    }

    fn read(&self, stream: Stream, from: u64, max: usize) -> Result<Vec<(u64, Vec<u8>)>, ReadError> {
        self.shared.read(|reader| read::entries(reader, stream, from, max))
    }

    fn tile(&self, stream: Stream, id: TileId, width: u16) -> Result<Vec<u8>, ReadError> {
        let size = self.tip(stream);
        if width == 0 || id.width(size) < width {
            return Err(ReadError::BeyondEnd { stream, size });
        }
        self.shared.read(|reader| read::tile(reader, stream, id, width))
    }

    fn bundle(&self, stream: Stream, index: u64, width: u16) -> Result<Vec<u8>, ReadError> {
        let size = self.tip(stream);
        if width == 0 || (TileId { level: 0, index }).width(size) < width {
            return Err(ReadError::BeyondEnd { stream, size });
        }
        self.shared.read(|reader| read::bundle(reader, stream, index, width))
    }

    fn put_snapshot(&self, fold_version: u32, sizes: Sizes, body: Vec<u8>) -> Result<(), StoreSnapshotError> {
        let at =
            |stream, size| Ok::<_, ReadError>(Position { size, root: storage::root_at(self, stream, size)? });
        let snapshot = Snapshot {
            fold_version,
            activity: at(Stream::Activity, sizes.activity)?,
            control: at(Stream::Control, sizes.control)?,
            body,
        };
        let note = snapshot.sign(&self.shared.signers.origin, &self.shared.signers.ledger)?;
        let Snapshot { fold_version, activity, control, body } = snapshot;
        let stored =
            StoredSnapshot { fold_version, activity: activity.size, control: control.size, note, body };
        let job = |done| Job::PutSnapshot { snapshot: Box::new(stored), done };
        Ok(self.wait_for::<(), AppendError>(job)?)
    }

    fn latest_snapshot(&self, fold_version: u32) -> Result<Option<Snapshot>, StoreSnapshotError> {
        for StoredSnapshot { fold_version, activity, control, note, body } in
            self.shared.read(|reader| read::snapshots(reader, fold_version))?
        {
            if activity > self.tip(Stream::Activity) || control > self.tip(Stream::Control) {
                continue;
            }
            let at = |stream, size| {
                Ok::<_, ReadError>(Position { size, root: storage::root_at(self, stream, size)? })
            };
            let (activity, control) = (at(Stream::Activity, activity)?, at(Stream::Control, control)?);
            let snapshot = Snapshot { fold_version, activity, control, body };
            let Signers { origin, ledger, .. } = &self.shared.signers;
            if snapshot.verify(origin, note.as_bytes(), &ledger.verifying_key()).is_ok() {
                return Ok(Some(snapshot));
            }
        }
        Ok(None)
    }

    fn seal(&self, subject: &SubjectId, salt: &Salt, bytes: &[u8]) -> Result<Payload, PayloadError> {
        Ok(self.data_key(subject)?.seal(subject, salt, bytes)?)
    }

    fn payload(&self, commitment: &Commitment) -> Result<Option<Opened>, PayloadError> {
        let Some(stored) = self.shared.read(|reader| read::payload(reader, commitment))? else {
            return Ok(None);
        };
        let read::StoredPayload { subject, erased, ciphertext } = stored;
        if erased {
            return Ok(Some(Opened::Erased));
        }
        let key = match self.data_key(&subject) {
            Err(PayloadError::Vault(VaultError::Erased)) => return Ok(Some(Opened::Erased)),
            other => other?,
        };
        Ok(Some(Opened::Payload(key.open(&subject, commitment, &ciphertext)?)))
    }

    fn erase(&self, subject: &SubjectId) -> Result<u64, PayloadError> {
        self.shared.keys.forget(subject);
        let subject = subject.clone();
        self.wait_for::<u64, PayloadError>(|done| Job::Erase { subject, done })
    }
}

impl Drop for SqliteLedger {
    fn drop(&mut self) {
        self.shared.queue.close();
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has nothing left to finish.
            let _ = writer.join();
        }
    }
}

impl std::fmt::Debug for SqliteLedger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteLedger").field("directory", &self.shared.directory).finish_non_exhaustive()
    }
}

fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| VaultError::Encrypt)?;
    Ok(bytes)
}

/// Whether there was no room, be it for the database, its log or the log's index.
fn is_full(error: &rusqlite::Error) -> bool {
    let extended = error.sqlite_error().map_or(0, |e| e.extended_code);
    error.sqlite_error_code() == Some(ErrorCode::DiskFull) || extended == ffi::SQLITE_IOERR_SHMSIZE
}

fn engine(error: rusqlite::Error) -> EngineError {
    Arc::new(error)
}

/// SQLite's integers are signed; a log of 2^63 entries is out of reach.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
