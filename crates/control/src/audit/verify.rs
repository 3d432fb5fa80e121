//! Verifying the whole record offline: not only that nothing was changed, but that it follows its own rules.
//!
//! The ledger's verifier looks at bytes: hashes, tiles, signatures, checkpoints that somebody kept. This one goes on:
//! every entry must be one, the control log must fold, every decision must name a control log that existed when it
//! was made, and a kept snapshot must be what the fold gives.

use writ_ledger::checkpoint::CheckpointError;
use writ_ledger::note::VerifyingKey;
use writ_ledger::storage::ReadError;
use writ_ledger::verify::{Fault, LogSource, Report, Trust, verify_stream};
use writ_ledger::{Checkpoint, Stream};
use writ_model::{ActivityEntry, ControlEntry, Timestamp};

use crate::fold::{self, ActivityState, State};
use crate::store::SqliteAudit;

/// Entries that are read at once.
const CHUNK: usize = 4_096;
/// Most findings beside the ledger's own.
const MAX_FINDINGS: usize = 1_000;

/// A stored ledger, opened for reading only.
pub trait AuditSource: LogSource {
    /// Up to `max` entries from `from` on, unverified.
    fn entries(&mut self, stream: Stream, from: u64, max: usize) -> Result<Vec<(u64, Vec<u8>)>, ReadError>;

    /// The newest snapshot of this fold version: sizes of the activity and the control log, and its body.
    fn snapshot(&mut self, fold_version: u32) -> Result<Option<(u64, u64, Vec<u8>)>, ReadError>;
}

impl AuditSource for SqliteAudit {
    fn entries(&mut self, stream: Stream, from: u64, max: usize) -> Result<Vec<(u64, Vec<u8>)>, ReadError> {
        self.read(stream, from, max)
    }

    fn snapshot(&mut self, fold_version: u32) -> Result<Option<(u64, u64, Vec<u8>)>, ReadError> {
        self.newest_snapshot(fold_version)
    }
}

/// A checkpoint that the verifier kept elsewhere, as a signed note.
#[derive(Clone, Debug)]
pub struct HeldCheckpoint(pub Vec<u8>);

/// What was found.
#[derive(Clone, Debug)]
pub struct Verified {
    pub activity: Report,
    pub control: Report,
    /// What is wrong with what the entries say, in the order of the logs.
    pub findings: Vec<Finding>,
}

/// An entry, or the snapshot, does not say what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `control:N`, `activity:N` or `snapshot`.
    pub place: String,
    pub what: String,
}

/// Why nothing could be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError<E: std::error::Error + 'static> {
    #[error(
        "the checkpoint that was given is of neither log of this ledger, or its signature is not the ledger's"
    )]
    Checkpoint(#[source] CheckpointError),
    #[error("could not read the ledger")]
    Source(#[source] E),
    #[error("could not read the entries")]
    Read(#[from] ReadError),
}

// === impl Verified ===

impl Verified {
    /// Whether nothing at all was found.
    pub fn is_intact(&self) -> bool {
        self.activity.is_intact() && self.control.is_intact() && self.findings.is_empty()
    }

    /// Every fault of both logs, with the log it is in.
    pub fn faults(&self) -> impl Iterator<Item = (Stream, &Fault)> {
        let of = |report: &'_ Report| report.stream;
        let control = self.control.faults.iter().map(move |fault| (of(&self.control), fault));
        control.chain(self.activity.faults.iter().map(move |fault| (of(&self.activity), fault)))
    }
}

/// Verifies both logs against the ledger's public keys and the checkpoints that somebody kept.
///
/// # Errors
/// A held checkpoint is not one of this ledger, or reading failed. What is wrong with the record is in the answer.
pub fn verify<S>(
    source: &mut S,
    keys: &[VerifyingKey; 2],
    held: &[HeldCheckpoint],
) -> Result<Verified, VerifyError<S::Error>>
where
    S: AuditSource,
    S::Error: std::error::Error + 'static,
{
    let [activity_key, control_key] = keys;
    let mut trusts = [
        Trust { key: activity_key.clone(), held: Vec::new() },
        Trust { key: control_key.clone(), held: Vec::new() },
    ];
    for HeldCheckpoint(note) in held {
        place(note, &mut trusts).map_err(VerifyError::Checkpoint)?;
    }
    let [activity_trust, control_trust] = &trusts;
    let activity = verify_stream(source, Stream::Activity, activity_trust).map_err(VerifyError::Source)?;
    let control = verify_stream(source, Stream::Control, control_trust).map_err(VerifyError::Source)?;
    let snapshot = source.snapshot(fold::FOLD_VERSION)?;
    let mut folding = Folding { snapshot, ..Folding::default() };
    folding.control(source)?;
    folding.activity(source)?;
    folding.compare();
    Ok(Verified { activity, control, findings: folding.findings })
}

/// Puts a checkpoint to the log it is of.
fn place(note: &[u8], trusts: &mut [Trust; 2]) -> Result<(), CheckpointError> {
    let mut refused = None;
    for trust in trusts {
        match Checkpoint::verify(note, trust.key.name(), &trust.key) {
            Ok(checkpoint) => {
                trust.held.push(checkpoint);
                return Ok(());
            }
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or(CheckpointError::Lines))
}

/// The fold, done again, with what it stumbles over.
#[derive(Default)]
struct Folding {
    snapshot: Option<(u64, u64, Vec<u8>)>,
    state: State,
    /// State as of the snapshot's size of the control log.
    then: Option<State>,
    counts: ActivityState,
    counts_then: Option<ActivityState>,
    /// When the control log reached each size: the time of entry `size - 1`.
    reached: Vec<Timestamp>,
    broken: bool,
    findings: Vec<Finding>,
}

// === impl Folding ===

impl Folding {
    fn control<S: AuditSource>(&mut self, source: &mut S) -> Result<(), ReadError> {
        self.keep_then();
        read_all(source, Stream::Control, |index, bytes| {
            match ControlEntry::from_bytes(bytes) {
                Ok(entry) => {
                    self.reached.push(entry.at);
                    if !self.broken
                        && let Err(error) = self.state.apply(&entry)
                    {
                        self.find(format!("control:{index}"), error.to_string());
                        // One entry that does not follow makes the next ones unfit too; it is the one to name.
                        self.broken = true;
                    }
                }
                Err(error) => {
                    self.find(format!("control:{index}"), error.to_string());
                    self.broken = true;
                }
            }
            self.keep_then();
        })
    }

    fn activity<S: AuditSource>(&mut self, source: &mut S) -> Result<(), ReadError> {
        self.keep_counts();
        let control_size = u64::try_from(self.reached.len()).unwrap_or(u64::MAX);
        read_all(source, Stream::Activity, |index, bytes| {
            match ActivityEntry::from_bytes(bytes) {
                Ok(entry) => {
                    if entry.control_size > control_size {
                        let what = format!(
                            "decided at {} entries of the control log, which has {control_size}",
                            entry.control_size
                        );
                        self.find(format!("activity:{index}"), what);
                    } else if self.was_later(entry.control_size, entry.at) {
                        let what = "decided on a control log that did not exist yet".to_owned();
                        self.find(format!("activity:{index}"), what);
                    }
                    self.counts.apply(&entry, bytes.len());
                }
                Err(error) => self.find(format!("activity:{index}"), error.to_string()),
            }
            self.keep_counts();
        })
    }

    /// Whether the control log reached this size only after `at`.
    fn was_later(&self, size: u64, at: Timestamp) -> bool {
        let last = size.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        last.and_then(|index| self.reached.get(index)).is_some_and(|reached| *reached > at)
    }

    fn keep_then(&mut self) {
        if self.snapshot.as_ref().is_some_and(|(_, control, _)| *control == self.state.size()) && !self.broken
        {
            self.then = Some(self.state.clone());
        }
    }

    fn keep_counts(&mut self) {
        if self.snapshot.as_ref().is_some_and(|(activity, _, _)| *activity == self.counts.size()) {
            self.counts_then = Some(self.counts.clone());
        }
    }

    fn compare(&mut self) {
        let Some((activity, control, body)) = self.snapshot.take() else { return };
        let folded = match (&self.then, &self.counts_then) {
            (Some(then), Some(counts)) => fold::encode(then, counts).ok(),
            _ => None,
        };
        match folded {
            Some(folded) if folded == body => {}
            Some(_) => {
                self.find("snapshot".to_owned(), "the kept state is not what the entries give".to_owned())
            }
            None => {
                let what = format!(
                    "the kept state is of sizes {activity} and {control}, which the logs do not give"
                );
                self.find("snapshot".to_owned(), what);
            }
        }
    }

    fn find(&mut self, place: String, what: String) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding { place, what });
        }
    }
}

fn read_all<S: AuditSource>(
    source: &mut S,
    stream: Stream,
    mut look: impl FnMut(u64, &[u8]),
) -> Result<(), ReadError> {
    let mut from = 0;
    loop {
        let entries = match source.entries(stream, from, CHUNK) {
            Ok(entries) => entries,
            // The ledger's own verifier has named what is damaged.
            Err(ReadError::Damaged { .. } | ReadError::BeyondEnd { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        if entries.is_empty() {
            return Ok(());
        }
        for (index, bytes) in entries {
            look(index, &bytes);
            from = index + 1;
        }
    }
}
