//! The bounded queue between callers and the writer thread.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use writ_ledger::storage::{AppendError, PayloadError, check_batch};
use writ_ledger::vault::WrappedKey;
use writ_ledger::{Append, Durability, Expected, Receipt, SubjectId};

/// Entries that may wait for the writer.
const MAX_WAITING_ENTRIES: usize = 16_384;
/// Bytes that may wait for the writer; one append of the largest size always fits an empty queue.
const MAX_WAITING_BYTES: usize = 128 * 1024 * 1024;
/// How long a blocking caller waits for room in the queue.
const MAX_WAIT_FOR_ROOM: Duration = Duration::from_secs(5);
/// Most entries and bytes of one commit.
const MAX_GROUP_ENTRIES: usize = 8192;
const MAX_GROUP_BYTES: usize = 32 * 1024 * 1024;
/// How long the writer lets a group gather when the one before it was large.
const GATHER: Duration = Duration::from_micros(200);

/// One append on its way to the writer.
#[derive(Debug)]
pub struct Submission {
    pub batch: Vec<Append>,
    pub expected: Option<Expected>,
    pub durability: Durability,
    /// Records a revocation: may use reserved space.
    pub revocation: bool,
}

/// Called once with an append's outcome, on the writer's thread: it must be quick and must not call the ledger.
pub type Done = Box<dyn FnOnce(Result<Vec<Receipt>, AppendError>) + Send>;

pub(super) type DoneWith<T, E> = Box<dyn FnOnce(Result<T, E>) + Send>;

pub(super) enum Job {
    Append {
        submission: Submission,
        done: Done,
    },
    /// Answers with the key that is stored, which is another one if somebody came first, or nothing if erased.
    MakeKey {
        subject: SubjectId,
        wrapped: WrappedKey,
        done: DoneWith<Option<WrappedKey>, AppendError>,
    },
    PutSnapshot {
        snapshot: Box<StoredSnapshot>,
        done: DoneWith<(), AppendError>,
    },
    Erase {
        subject: SubjectId,
        done: DoneWith<u64, PayloadError>,
    },
}

pub(super) struct StoredSnapshot {
    pub fold_version: u32,
    pub activity: u64,
    pub control: u64,
    pub note: String,
    pub body: Vec<u8>,
}

/// What the writer finds when it looks.
pub(super) enum Taken {
    /// Jobs of one commit.
    Group(Vec<Job>),
    /// An erasure, which is not mixed with anything.
    Erase {
        subject: SubjectId,
        done: DoneWith<u64, PayloadError>,
    },
    /// The time is up and nothing is waiting.
    Idle,
    Closed,
}

/// Guards the waiting jobs for the time of adding or taking; no input or output happens under the lock.
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    left: Condvar,
}

/// A job and its weight in entries and bytes.
struct Waiting {
    job: Job,
    entries: usize,
    bytes: usize,
}

struct State {
    jobs: VecDeque<Waiting>,
    entries: usize,
    bytes: usize,
    /// The writer sleeps until so many jobs wait.
    wanted: usize,
    closed: bool,
}

// === impl Job ===

impl Job {
    /// Entries and bytes, as the bounds count them.
    fn weight(&self) -> (usize, usize) {
        match self {
            Self::Append { submission, .. } => {
                (submission.batch.len(), check_batch(&submission.batch).unwrap_or(0))
            }
            Self::PutSnapshot { snapshot, .. } => (1, snapshot.body.len()),
            Self::MakeKey { .. } | Self::Erase { .. } => (1, 0),
        }
    }

    /// Answers a job that will not be done.
    pub fn refuse(self, error: &AppendError) {
        match self {
            Self::Append { done, .. } => done(Err(error.clone())),
            Self::MakeKey { done, .. } => done(Err(error.clone())),
            Self::PutSnapshot { done, .. } => done(Err(error.clone())),
            Self::Erase { done, .. } => done(Err(PayloadError::Write(error.clone()))),
        }
    }
}

// === impl Queue ===

impl Queue {
    pub fn new() -> Self {
        let state = State { jobs: VecDeque::new(), entries: 0, bytes: 0, wanted: 1, closed: false };
        Self { state: Mutex::new(state), arrived: Condvar::new(), left: Condvar::new() }
    }

    /// Adds a job; with `wait`, blocks a bounded time for room.
    ///
    /// # Errors
    /// `Overloaded` or `Closed`; the job is dropped unanswered.
    pub fn push(&self, job: Job, wait: bool) -> Result<(), AppendError> {
        let (entries, bytes) = job.weight();
        let mut state = self.lock();
        if wait && !state.has_room(entries, bytes) {
            let full = |state: &mut State| !state.closed && !state.has_room(entries, bytes);
            let waited = self.left.wait_timeout_while(state, MAX_WAIT_FOR_ROOM, full);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return Err(AppendError::Closed);
        }
        if !state.has_room(entries, bytes) {
            return Err(AppendError::Overloaded);
        }
        state.entries += entries;
        state.bytes += bytes;
        state.jobs.push_back(Waiting { job, entries, bytes });
        let wake = state.jobs.len() >= state.wanted;
        drop(state);
        if wake {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Takes what one commit may hold. Sleeps until something arrives, or `until`.
    ///
    /// After a group of `previous` jobs their callers are about to come back; the writer then waits a moment for most
    /// of them instead of syncing for the first alone.
    pub fn take(&self, previous: usize, until: Option<Instant>) -> Taken {
        let mut state = self.lock();
        if previous >= 8 && !state.closed {
            let wanted = previous - previous / 4;
            if state.jobs.len() < wanted {
                state.wanted = wanted;
                let gathered =
                    self.arrived.wait_timeout_while(state, GATHER, |s| s.jobs.len() < s.wanted && !s.closed);
                (state, _) = gathered.unwrap_or_else(PoisonError::into_inner);
                state.wanted = 1;
            }
        }
        while state.jobs.is_empty() {
            if state.closed {
                return Taken::Closed;
            }
            let Some(until) = until else {
                state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Taken::Idle;
            }
            (state, _) = self.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
        let taken = state.take_group();
        drop(state);
        self.left.notify_all();
        taken
    }

    /// Lets nothing more in; what waits is still done.
    pub fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
        self.left.notify_all();
    }

    /// Lets nothing more in and refuses what waits: the writer is gone, for whatever reason.
    pub fn abandon(&self) {
        self.close();
        let waiting = std::mem::take(&mut self.lock().jobs);
        waiting.into_iter().for_each(|waiting| waiting.job.refuse(&AppendError::Closed));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is changed in single steps that cannot panic half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    fn has_room(&self, entries: usize, bytes: usize) -> bool {
        self.jobs.is_empty()
            || (self.entries + entries <= MAX_WAITING_ENTRIES
                && self.bytes.saturating_add(bytes) <= MAX_WAITING_BYTES)
    }

    fn take_group(&mut self) -> Taken {
        let mut group = Vec::with_capacity(self.jobs.len());
        let (mut entries, mut bytes) = (0, 0);
        while let Some(next) = self.jobs.front() {
            let fits = entries + next.entries <= MAX_GROUP_ENTRIES && bytes + next.bytes <= MAX_GROUP_BYTES;
            let alone = matches!(next.job, Job::Erase { .. });
            if !group.is_empty() && (alone || !fits) {
                break;
            }
            let Some(next) = self.jobs.pop_front() else { break };
            self.entries -= next.entries;
            self.bytes -= next.bytes;
            entries += next.entries;
            bytes += next.bytes;
            match next.job {
                Job::Erase { subject, done } => return Taken::Erase { subject, done },
                job @ (Job::Append { .. } | Job::MakeKey { .. } | Job::PutSnapshot { .. }) => group.push(job),
            }
        }
        Taken::Group(group)
    }
}
