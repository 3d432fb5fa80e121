//! The writer thread: takes what waits, commits it, syncs it, answers.

use std::fs::File;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use rusqlite::{Connection, params};
use rustix::fs::fdatasync;
use writ_ledger::storage::{AppendError, PayloadError, WRITTEN_SYNCED_WITHIN};
use writ_ledger::vault::WRAPPED_KEY_BYTES;
use writ_ledger::{Head, Stream, SubjectId, Tree};

use super::checkpointer::{self, Checkpointer, LogGauge, Tend};
use super::commit::{Group, Subjects};
use super::reserve::Reserve;
use super::{Shared, engine};
use crate::store::fault::{FaultHook, FaultPoint};
use crate::store::keys::PerStream;
use crate::store::queue::{DoneWith, Job, Taken};

pub(super) struct Writer {
    pub shared: Arc<Shared>,
    pub connection: Connection,
    wal: File,
    pub reserve: Reserve,
    pub trees: PerStream<Tree>,
    pub subjects: Subjects,
    checkpointer: Checkpointer,
    fault: Option<Arc<dyn FaultHook>>,
    /// Heads that are committed and not yet synced.
    unsynced: PerStream<Option<Head>>,
    /// When the oldest unsynced commit has to be synced.
    sync_by: Option<Instant>,
    log: LogGauge,
    /// Bytes of the last group.
    wrote: u64,
    /// Nothing can be said of the disk's state any more.
    broken: bool,
    /// Kept for its lock.
    _lock: File,
}

/// When the writer ends, by a panic in a callback too, nobody may wait for it any longer.
struct Leave(Arc<Shared>);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.queue.abandon();
    }
}

impl Writer {
    pub fn new(
        shared: Arc<Shared>,
        connection: Connection,
        wal: File,
        lock: File,
        reserve: Reserve,
        trees: PerStream<Tree>,
        fault: Option<Arc<dyn FaultHook>>,
    ) -> Result<Self, rusqlite::Error> {
        let checkpointer = Checkpointer::start(&shared.directory)?;
        Ok(Self {
            shared,
            connection,
            wal,
            reserve,
            trees,
            subjects: Subjects::default(),
            checkpointer,
            fault,
            unsynced: PerStream::default(),
            sync_by: None,
            log: LogGauge::default(),
            wrote: 0,
            broken: false,
            _lock: lock,
        })
    }

    pub fn run(mut self) {
        let _leave = Leave(Arc::clone(&self.shared));
        let mut previous = 0;
        loop {
            match self.shared.queue.take(previous, self.sync_by) {
                Taken::Group(jobs) => {
                    previous = jobs.len();
                    self.commit_and_answer(jobs);
                }
                Taken::Erase { subject, done } => self.erase_and_answer(&subject, done),
                Taken::Idle => previous = 0,
                Taken::Closed => break,
            }
            if self.sync_by.is_some_and(|due| due <= Instant::now()) {
                self.sync();
            }
            self.tend_log();
        }
        self.sync();
        // The readers go first, so that the last connection to close is one that copies the log back.
        self.shared.readers.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn commit_and_answer(&mut self, jobs: Vec<Job>) {
        if self.broken {
            return jobs.into_iter().for_each(|job| job.refuse(&AppendError::Broken));
        }
        let mut group = Group::new(jobs);
        let committed = self.commit(&mut group);
        if let Some(heads) = committed {
            for stream in Stream::ALL {
                if let Some(head) = heads.get(stream) {
                    self.shared.tips.get(stream).store(head.size, Ordering::Release);
                    *self.unsynced.get_mut(stream) = Some(head.clone());
                }
            }
            self.reached(FaultPoint::BeforeSync);
            group.answer_written();
            if group.wants_sync() {
                let synced = self.sync();
                self.reached(FaultPoint::BeforeAcknowledge);
                group.answer_synced(synced);
            } else {
                // Half the promised time, since the sync itself takes some.
                self.sync_by.get_or_insert_with(|| Instant::now() + WRITTEN_SYNCED_WITHIN / 2);
            }
        }
        group.answer_refused();
    }

    /// Syncs the write-ahead log and publishes the heads; says whether that worked.
    fn sync(&mut self) -> bool {
        self.sync_by = None;
        if self.broken {
            return false;
        }
        if let Err(error) = fdatasync(&self.wal) {
            // After a failed sync the system may have dropped what was not written: a second try proves nothing.
            tracing::error!(%error, "the ledger could not be synced and takes no more entries");
            self.broken = true;
            return false;
        }
        let mut heads = self.shared.heads.write().unwrap_or_else(PoisonError::into_inner);
        for stream in Stream::ALL {
            if let Some(head) = self.unsynced.get_mut(stream).take() {
                *heads.get_mut(stream) = head;
            }
        }
        true
    }

    /// Keeps the write-ahead log from growing without end. Runs after the callers were answered.
    fn tend_log(&mut self) {
        let wrote = std::mem::take(&mut self.wrote);
        match self.log.after(wrote, self.checkpointer.has_copied()) {
            Tend::Nothing => (),
            Tend::Ask => self.checkpointer.request(),
            Tend::Copy => {
                let Self { checkpointer, connection, .. } = self;
                if let Err(error) = checkpointer.alone(|| checkpointer::copy(connection)) {
                    tracing::warn!(%error, "the ledger's write-ahead log could not be copied back");
                }
            }
        }
    }

    pub const fn wrote(&mut self, bytes: u64) {
        self.wrote = bytes;
    }

    pub fn reached(&self, point: FaultPoint) {
        if let Some(hook) = &self.fault {
            hook.reached(point);
        }
    }

    fn erase_and_answer(&mut self, subject: &SubjectId, done: DoneWith<u64, PayloadError>) {
        if self.broken {
            return done(Err(PayloadError::Write(AppendError::Broken)));
        }
        // A caller may have cached the key again while this waited.
        self.shared.keys.forget(subject);
        self.subjects.forget(subject);
        let outcome = match self.overwrite(subject) {
            Ok(payloads) => self.cut_log().map(|()| payloads),
            Err(error) => Err(PayloadError::Write(self.failed(error))),
        };
        self.shared.keys.forget(subject);
        done(outcome);
    }

    /// Overwrites a subject's key and payloads with zeros of the same length, in place.
    fn overwrite(&mut self, subject: &SubjectId) -> Result<u64, rusqlite::Error> {
        let transaction = self.connection.transaction()?;
        let name = subject.as_str();
        // A subject that never had a key is marked as erased too, so that it gets none later.
        let sql = "INSERT INTO subject (name, wrapped) VALUES (?1, zeroblob(?2)) \
                   ON CONFLICT (name) DO UPDATE SET wrapped = zeroblob(?2)";
        transaction.execute(sql, params![name, WRAPPED_KEY_BYTES as i64])?;
        let sql = "UPDATE payload SET ciphertext = zeroblob(length(ciphertext)) \
                   WHERE subject = (SELECT id FROM subject WHERE name = ?)";
        let payloads = transaction.execute(sql, [name])?;
        transaction.commit()?;
        Ok(payloads as u64)
    }

    fn cut_log(&mut self) -> Result<(), PayloadError> {
        // Idle readers hold no snapshot, but closing them is cheap and certain.
        self.shared.readers.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let Self { checkpointer, connection, .. } = self;
        match checkpointer.alone(|| checkpointer::truncate(connection)) {
            Ok(true) => {
                // Everything is in the database now, and that was synced.
                self.log.reset();
                self.sync();
                Ok(())
            }
            Ok(false) => Err(PayloadError::StillRead),
            Err(error) => Err(PayloadError::Write(AppendError::Engine(engine(error)))),
        }
    }
}
