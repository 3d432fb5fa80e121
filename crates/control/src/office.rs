//! The office: one place that decides every change of state, records it, and tells those it concerns.
//!
//! Synchronous, and given its clock, randomness and ledger. Every operation reads state, decides, appends to the
//! control log, and only then changes state by folding what it appended: what is not recorded has not happened. The
//! one exception is revocation, which acts first (`ended`).
//!
//! Locks, in the order in which they may be taken:
//!
//! | lock | guards | held for |
//! |---|---|---|
//! | `desk` | the right to append to the control log, so that a decision still holds when it is recorded | one operation, its sync included |
//! | `streams` | who listens | computing and handing over what changed |
//! | `passing` | activity between look and append, so that an answered revocation has nothing behind it | one append, never with the desk |
//! | `state` | the fold | one look; for writing, one fold of what was appended. Never while the disk is waited for |
//! | `meter`, `ended`, `presence`, `sessions`, `terms` | counters, revocations not yet recorded, living supervisors, hooked sessions, terms of grants | one look-up |

mod commit;
mod deadlines;
mod ended;
mod error;
mod past;
mod people;
mod presence;
mod snapshots;
mod standing;
mod streams;
mod time;
mod vault;

pub(crate) use commit::Change;
pub use deadlines::SWEEP_EVERY;
pub(crate) use ended::End;
pub use error::OfficeError;
pub use people::People;
pub use presence::Presence;
pub use standing::StandingError;
pub use streams::StandingStream;
pub use time::{BootTime, Random, RandomFailed, SystemBoot, SystemClock, SystemRandom};
pub(crate) use vault::subject_of;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use writ_ledger::note::{SigningKey, SigningSeed, VerifyingKey};
use writ_ledger::storage::{ReadError, StoreSnapshotError};
use writ_ledger::{Origin, Storage, Stream};
use writ_model::{
    ActivityEntry, Actor, ApprovalId, Client, Clock, ControlEntry, ControlEvent, Digest, GrantId, GrantTerms,
    Label, TaskId, Timestamp,
};

use crate::api::message::Used;
use crate::fold::{self, ActivityState, FoldError, State};
use crate::keys::Keys;
use crate::taint::NameKey;
use crate::writ::{WritError, WritSigner};

use ended::Ended;
use presence::Supervisors;
use streams::Streams;
use time::OfficeTime;

/// Entries that are read from the ledger at once.
const READ_AT_ONCE: usize = 4_096;

/// What an office is opened with.
pub struct Equipment {
    pub ledger: Arc<dyn Storage>,
    /// The ledger's base name, as it was opened.
    pub origin: Origin,
    pub clock: Arc<dyn Clock>,
    pub boot: Arc<dyn BootTime>,
    pub random: Arc<dyn Random>,
    pub people: People,
}

/// The control plane's core. Share it behind an `Arc`.
pub struct Office {
    ledger: Arc<dyn Storage>,
    origin: Origin,
    writs: WritSigner,
    verifying: [VerifyingKey; 2],
    time: OfficeTime,
    random: Arc<dyn Random>,
    people: People,
    desk: Mutex<Desk>,
    state: RwLock<State>,
    streams: Streams,
    /// What live tasks used, texts beside the log included. Those are counted from the last start on.
    meter: Mutex<HashMap<TaskId, Used>>,
    /// Revoked, and not recorded yet. It counts from the moment it stands here.
    ended: Mutex<Ended>,
    supervisors: Supervisors,
    /// Held for reading by whoever records; taken for writing, and let go at once, to see the last of them off.
    passing: RwLock<()>,
    /// Keys of digests that stand for workspaces, files and conversations.
    names: NameKey,
    /// Tasks of sessions that were started without a supervisor of their own.
    sessions: Mutex<HashMap<(Client, Digest), TaskId>>,
    /// The terms of grants of live tasks, as they lie in the vault.
    terms: Mutex<HashMap<GrantId, GrantTerms>>,
}

/// What only the holder of the desk touches.
pub(crate) struct Desk {
    /// Approvals whose spending failed half-way: never offered again.
    burnt: HashSet<ApprovalId>,
    /// Folded from the activity log, exactly up to its size.
    activity: ActivityState,
    /// Sizes at which the last snapshot was taken.
    kept: (u64, u64),
    /// A fold refused what was appended: nothing more is decided on this state.
    damaged: Option<FoldError>,
}

/// Why the office does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenOfficeError {
    #[error("could not read the ledger")]
    Read(#[from] ReadError),
    #[error("could not look for a snapshot")]
    Snapshot(#[from] StoreSnapshotError),
    #[error("entry `{log}:{index}` is no entry; run `writ audit verify`")]
    Entry {
        log: Stream,
        index: u64,
        #[source]
        source: writ_model::EntryError,
    },
    #[error("entry `control:{index}` does not follow from the ones before it; run `writ audit verify`")]
    Fold {
        index: u64,
        #[source]
        source: FoldError,
    },
    #[error("the key for writs cannot be used")]
    Writ(#[from] WritError),
    #[error("the key for checkpoints cannot be used")]
    Checkpoint(#[from] writ_ledger::note::KeyError),
}

// === impl Office ===

impl Office {
    /// Opens the office over a ledger: takes the newest snapshot that fits and folds what came after it.
    ///
    /// # Errors
    /// The ledger cannot be read, or does not fold.
    pub fn open(equipment: Equipment, keys: &Keys) -> Result<Self, OpenOfficeError> {
        let Equipment { ledger, origin, clock, boot, random, people } = equipment;
        let (state, activity) = restore(&*ledger)?;
        let seed = || SigningSeed::from_bytes(keys.checkpoint_seed());
        let verifying =
            |stream| Ok::<_, OpenOfficeError>(SigningKey::new(&origin.of(stream), seed())?.verifying_key());
        let meter = state.live_tasks().map(|record| {
            let counts = activity.counts(record.task.id);
            let used =
                Used { calls: counts.calls, denials: counts.denials, recorded_bytes: counts.entry_bytes };
            (record.task.id, used)
        });
        let meter = Mutex::new(meter.collect());
        let time = OfficeTime::new(clock, boot, state.last_at().max(activity.last_at()));
        let supervisors = Supervisors::default();
        for record in state.live_tasks() {
            supervisors.expect_after_start(record.task.id, time.since_boot());
        }
        let kept = (activity.size(), state.size());
        let office = Self {
            writs: WritSigner::new(origin.as_str(), keys.writ_pkcs8())?,
            verifying: [verifying(Stream::Activity)?, verifying(Stream::Control)?],
            ledger,
            origin,
            time,
            random,
            people,
            desk: Mutex::new(Desk { burnt: HashSet::new(), activity, kept, damaged: None }),
            state: RwLock::new(state),
            streams: Streams::default(),
            meter,
            ended: Mutex::default(),
            supervisors,
            passing: RwLock::default(),
            names: NameKey::new(keys),
            sessions: Mutex::default(),
            terms: Mutex::default(),
        };
        office.read_terms();
        Ok(office)
    }

    /// The present moment: never before anything that was recorded, and never slower than the machine's own time.
    pub fn now(&self) -> Timestamp {
        self.time.now()
    }

    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The key that a log's checkpoints are checked with.
    pub const fn verifying_key(&self, stream: Stream) -> &VerifyingKey {
        let [activity, control] = &self.verifying;
        match stream {
            Stream::Activity => activity,
            Stream::Control => control,
        }
    }

    /// The public key of writs as a JWK Set.
    pub fn jwks(&self) -> serde_json::Value {
        self.writs.jwks()
    }

    pub fn ledger(&self) -> &dyn Storage {
        &*self.ledger
    }

    /// Records which policy is in force and where it came from, if that is another one than before.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn policy_loaded(&self, version: Digest, source: Option<Label>) -> Result<(), OfficeError> {
        let mut desk = self.desk();
        let is_it = |policy: &fold::Policy| policy.version == version && policy.source == source;
        if self.state().policy().is_some_and(is_it) {
            return Ok(());
        }
        let events = vec![ControlEvent::PolicyLoaded { version, source }];
        self.commit(&mut desk, Change::new(self.now(), Actor::ControlPlane, events)).map(drop)
    }

    pub(crate) const fn meter(&self) -> &Mutex<HashMap<TaskId, Used>> {
        &self.meter
    }

    pub(crate) const fn sessions(&self) -> &Mutex<HashMap<(Client, Digest), TaskId>> {
        &self.sessions
    }

    pub(crate) const fn terms(&self) -> &Mutex<HashMap<GrantId, GrantTerms>> {
        &self.terms
    }

    pub(crate) const fn people(&self) -> People {
        self.people
    }

    pub(crate) const fn names(&self) -> &NameKey {
        &self.names
    }

    pub(crate) const fn writs(&self) -> &WritSigner {
        &self.writs
    }

    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        lock(&self.desk)
    }

    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Held while activity is looked at and appended. No other lock but `state` and the small ones is taken under it.
    pub(crate) fn passing(&self) -> RwLockReadGuard<'_, ()> {
        self.passing.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when everything has passed that was looked at before this was called. Not to be called with the desk.
    pub(crate) fn let_pass(&self) {
        drop(self.passing.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// A new id.
    pub(crate) fn fresh<T>(
        &self,
        now: Timestamp,
        id: impl Fn(Timestamp, [u8; 10]) -> T,
    ) -> Result<T, OfficeError> {
        let mut random = [0; 10];
        self.random.fill(&mut random)?;
        Ok(id(now, random))
    }
}

// === impl Desk ===

impl Desk {
    pub const fn burnt(&self) -> &HashSet<ApprovalId> {
        &self.burnt
    }

    pub fn burn(&mut self, approval: ApprovalId) {
        self.burnt.insert(approval);
    }
}

/// State and counters from the newest snapshot that fits and the entries after it.
fn restore(ledger: &dyn Storage) -> Result<(State, ActivityState), OpenOfficeError> {
    let kept = ledger.latest_snapshot(fold::FOLD_VERSION)?;
    let kept = kept.and_then(|snapshot| {
        let (state, activity) = fold::decode(&snapshot.body).ok()?;
        let fits = state.size() == snapshot.control.size && activity.size() == snapshot.activity.size;
        fits.then_some((state, activity))
    });
    let (mut state, mut activity) = kept.unwrap_or_default();
    each(ledger, Stream::Control, state.size(), |index, bytes| {
        let entry = ControlEntry::from_bytes(bytes);
        let entry = entry.map_err(|source| OpenOfficeError::Entry { log: Stream::Control, index, source })?;
        state.apply(&entry).map_err(|source| OpenOfficeError::Fold { index, source })
    })?;
    advance(ledger, &mut activity)?;
    Ok((state, activity))
}

/// Folds the activity log up to its end.
fn advance(ledger: &dyn Storage, activity: &mut ActivityState) -> Result<(), OpenOfficeError> {
    each(ledger, Stream::Activity, activity.size(), |index, bytes| {
        let entry = ActivityEntry::from_bytes(bytes);
        let entry =
            entry.map_err(|source| OpenOfficeError::Entry { log: Stream::Activity, index, source })?;
        activity.apply(&entry, bytes.len());
        Ok(())
    })
}

/// Calls `look` with every entry from index `from` to the end of the log.
pub(crate) fn each<E: From<ReadError>>(
    ledger: &dyn Storage,
    stream: Stream,
    mut from: u64,
    mut look: impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    loop {
        let entries = ledger.read(stream, from, READ_AT_ONCE)?;
        if entries.is_empty() {
            return Ok(());
        }
        for (index, bytes) in entries {
            look(index, &bytes)?;
            from = index + 1;
        }
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
