//! One group: put into order, planned, written in one transaction.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use writ_ledger::append::{Plan, plan};
use writ_ledger::storage::AppendError;
use writ_ledger::vault::WrappedKey;
use writ_ledger::{Durability, Hash, Head, Receipt, Stream, SubjectId};

use super::writer::Writer;
use super::{engine, is_full, read, schema, signed};
use crate::store::fault::FaultPoint;
use crate::store::keys::PerStream;
use crate::store::queue::{Done, DoneWith, Job, StoredSnapshot, Submission};

/// Snapshots that are kept; an older one is only good for a fold version nobody runs any more.
const KEPT_SNAPSHOTS: i64 = 4;
/// Subjects whose row numbers the writer remembers.
const MAX_SUBJECTS: usize = 1024;
/// What a commit adds to the write-ahead log beside its content, roughly.
const LOG_OVERHEAD_BYTES: u64 = 4096;

/// The jobs of one commit.
pub(super) struct Group {
    appends: Vec<Appending>,
    keys: Vec<MakingKey>,
    snapshots: Vec<(Box<StoredSnapshot>, DoneWith<(), AppendError>)>,
}

struct Appending {
    submission: Submission,
    done: Option<Done>,
    /// Where this append's first entry of each stream goes.
    starts: PerStream<u64>,
    /// Not to be committed.
    refused: Option<AppendError>,
}

struct MakingKey {
    subject: SubjectId,
    wrapped: WrappedKey,
    stored: Option<WrappedKey>,
    done: Option<DoneWith<Option<WrappedKey>, AppendError>>,
    refused: Option<AppendError>,
}

/// Row numbers of subjects, `None` if erased.
#[derive(Default)]
pub(super) struct Subjects(BTreeMap<SubjectId, Option<i64>>);

/// What a transaction is about to make true.
struct Planned {
    plan: Plan,
    head: Head,
    signature: [u8; 64],
}

// === impl Subjects ===

impl Subjects {
    pub fn forget(&mut self, subject: &SubjectId) {
        self.0.remove(subject);
    }

    /// The subject's row number; the outer `None` if the store does not know the subject.
    fn find(
        &mut self,
        connection: &Connection,
        subject: &SubjectId,
    ) -> Result<Option<Option<i64>>, rusqlite::Error> {
        if let Some(known) = self.0.get(subject) {
            return Ok(Some(*known));
        }
        let mut statement = connection.prepare_cached("SELECT id, wrapped FROM subject WHERE name = ?")?;
        let found = statement
            .query_row([subject.as_str()], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)))
            .optional()?;
        let Some((id, wrapped)) = found else { return Ok(None) };
        let id = WrappedKey::from_stored(&wrapped).map(|_| id);
        while self.0.len() >= MAX_SUBJECTS {
            self.0.pop_first();
        }
        self.0.insert(subject.clone(), id);
        Ok(Some(id))
    }
}

// === impl Group ===

impl Group {
    pub fn new(jobs: Vec<Job>) -> Self {
        let mut group =
            Self { appends: Vec::with_capacity(jobs.len()), keys: Vec::new(), snapshots: Vec::new() };
        for job in jobs {
            match job {
                Job::Append { submission, done } => group.appends.push(Appending {
                    submission,
                    done: Some(done),
                    starts: PerStream::default(),
                    refused: None,
                }),
                Job::MakeKey { subject, wrapped, done } => {
                    group.keys.push(MakingKey {
                        subject,
                        wrapped,
                        stored: None,
                        done: Some(done),
                        refused: None,
                    });
                }
                Job::PutSnapshot { snapshot, done } => group.snapshots.push((snapshot, done)),
                // The queue hands erasures out alone.
                Job::Erase { done, .. } => done(Err(AppendError::Closed.into())),
            }
        }
        group
    }

    fn accepted(&self) -> impl Iterator<Item = &Appending> + Clone {
        self.appends.iter().filter(|a| a.refused.is_none())
    }

    fn has_revocations(&self) -> bool {
        self.accepted().any(|a| a.submission.revocation)
    }

    fn has_ordinary(&self) -> bool {
        self.accepted().any(|a| !a.submission.revocation)
            || self.keys.iter().any(|k| k.refused.is_none())
            || !self.snapshots.is_empty()
    }

    fn has_anything(&self) -> bool {
        self.has_revocations() || self.has_ordinary()
    }

    fn refuse_ordinary(&mut self, error: &AppendError) {
        for append in self.appends.iter_mut().filter(|a| a.refused.is_none() && !a.submission.revocation) {
            append.refused = Some(error.clone());
        }
        self.refuse_rest(error);
    }

    fn refuse_all(&mut self, error: &AppendError) {
        for append in self.appends.iter_mut().filter(|a| a.refused.is_none()) {
            append.refused = Some(error.clone());
        }
        self.refuse_rest(error);
    }

    fn refuse_rest(&mut self, error: &AppendError) {
        for key in self.keys.iter_mut().filter(|k| k.refused.is_none()) {
            key.refused = Some(error.clone());
        }
        for (_, done) in self.snapshots.drain(..) {
            done(Err(error.clone()));
        }
    }

    pub fn wants_sync(&self) -> bool {
        self.accepted().any(|a| a.submission.durability == Durability::Synced)
            || self.keys.iter().any(|k| k.refused.is_none())
            || !self.snapshots.is_empty()
    }

    pub fn answer_written(&mut self) {
        self.answer(Durability::Written, true);
    }

    pub fn answer_synced(&mut self, synced: bool) {
        self.answer(Durability::Synced, synced);
        for key in self.keys.iter_mut().filter(|k| k.refused.is_none()) {
            if let Some(done) = key.done.take() {
                done(if synced { Ok(key.stored.clone()) } else { Err(AppendError::Broken) });
            }
        }
        for (_, done) in self.snapshots.drain(..) {
            done(if synced { Ok(()) } else { Err(AppendError::Broken) });
        }
    }

    pub fn answer_refused(self) {
        for Appending { done, refused, .. } in self.appends {
            if let (Some(done), Some(error)) = (done, refused) {
                done(Err(error));
            }
        }
        for MakingKey { done, refused, .. } in self.keys {
            if let (Some(done), Some(error)) = (done, refused) {
                done(Err(error));
            }
        }
    }

    fn answer(&mut self, durability: Durability, reached: bool) {
        let mut sizes = PerStream::default();
        for append in self.accepted() {
            for stream in Stream::ALL {
                let count = append.submission.batch.iter().filter(|a| a.stream == stream).count() as u64;
                *sizes.get_mut(stream) = append.starts.get(stream) + count;
            }
        }
        let wanted = |a: &&mut Appending| a.refused.is_none() && a.submission.durability == durability;
        for append in self.appends.iter_mut().filter(wanted) {
            let Some(done) = append.done.take() else { continue };
            if !reached {
                done(Err(AppendError::Broken));
                continue;
            }
            let mut next = append.starts;
            let receipts = append.submission.batch.iter().map(|entry| {
                let index = next.get_mut(entry.stream);
                *index += 1;
                Receipt::from_append_path(durability, entry.stream, *index - 1, *sizes.get(entry.stream))
            });
            done(Ok(receipts.collect()));
        }
    }
}

// === impl Writer: committing ===

impl Writer {
    /// Commits what of the group can be committed and refuses the rest; `None` if nothing was committed.
    pub fn commit(&mut self, group: &mut Group) -> Option<PerStream<Option<Head>>> {
        if !self.reserve.is_filled() && group.has_ordinary() && !self.reserve.fill() {
            group.refuse_ordinary(&AppendError::DiskFull);
        }
        loop {
            if let Err(error) = self.put_in_order(group) {
                group.refuse_all(&AppendError::Engine(engine(error)));
            }
            if !group.has_anything() {
                return None;
            }
            let error = match self.write(group) {
                Ok(planned) => return Some(self.adopt(planned)),
                Err(error) => self.failed(error),
            };
            let full = matches!(error, AppendError::DiskFull);
            if full && group.has_revocations() && group.has_ordinary() {
                group.refuse_ordinary(&error);
            } else if full
                && group.has_revocations()
                && self.reserve.is_filled()
                && self.reserve.release().is_ok()
            {
                tracing::warn!("the disk is full; revocations are recorded from the reserve");
            } else {
                group.refuse_all(&error);
            }
        }
    }

    /// Gives each append its place, and refuses those that were decided on another state.
    fn put_in_order(&mut self, group: &mut Group) -> Result<(), rusqlite::Error> {
        let mut next = PerStream { activity: self.trees.activity.size(), control: self.trees.control.size() };
        for append in group.appends.iter_mut().filter(|a| a.refused.is_none()) {
            if let Some(expected) = append.submission.expected
                && *next.get(expected.stream) != expected.size
            {
                let actual = *next.get(expected.stream);
                append.refused =
                    Some(AppendError::Conflict { stream: expected.stream, expected: expected.size, actual });
                continue;
            }
            let mut payloads = append.submission.batch.iter().flat_map(|a| &a.payloads);
            let foreign =
                payloads.find_map(|payload| match self.subjects.find(&self.connection, payload.subject()) {
                    Ok(Some(_)) => None,
                    Ok(None) => Some(Ok(payload.subject().clone())),
                    Err(error) => Some(Err(error)),
                });
            if let Some(subject) = foreign.transpose()? {
                append.refused = Some(AppendError::ForeignPayload { subject: subject.as_str().to_owned() });
                continue;
            }
            append.starts = next;
            for entry in &append.submission.batch {
                *next.get_mut(entry.stream) += 1;
            }
        }
        Ok(())
    }

    fn write(&mut self, group: &mut Group) -> Result<PerStream<Option<Planned>>, rusqlite::Error> {
        let mut planned = PerStream::default();
        for stream in Stream::ALL {
            let entries = group.accepted().flat_map(|a| &a.submission.batch);
            let entries = entries.filter(|a| a.stream == stream).map(|a| &a.entry);
            let Ok(plan) = plan(self.trees.get(stream), entries) else { continue };
            let signed = self.shared.signers.sign(stream, plan.tree.size(), plan.tree.root());
            let (signature, head) = signed.ok_or(rusqlite::Error::InvalidQuery)?;
            *planned.get_mut(stream) = Some(Planned { plan, head, signature });
        }
        self.reached(FaultPoint::BeforeWrite);
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let outcome = self.write_rows(group, &planned).and_then(|bytes| {
            self.reached(FaultPoint::BeforeCommit);
            self.connection.prepare_cached("COMMIT")?.execute([])?;
            Ok(bytes)
        });
        match outcome {
            Ok(bytes) => {
                self.wrote(bytes);
                Ok(planned)
            }
            Err(error) => {
                // SQLite has rolled back by itself after some errors; then there is nothing to roll back.
                if !self.connection.is_autocommit() {
                    let _ = self.connection.execute_batch("ROLLBACK");
                }
                Err(error)
            }
        }
    }

    fn write_rows(
        &mut self,
        group: &mut Group,
        planned: &PerStream<Option<Planned>>,
    ) -> Result<u64, rusqlite::Error> {
        let mut bytes = LOG_OVERHEAD_BYTES;
        for stream in Stream::ALL {
            let Some(Planned { plan, signature, .. }) = planned.get(stream) else { continue };
            let row = &plan.row;
            bytes += (row.bundle.len() + row.leaves.len()) as u64;
            let mut statement = self.connection.prepare_cached(schema::row_sql(stream).insert)?;
            statement.execute(params![
                signed(row.first),
                row.count,
                row.root.as_bytes(),
                signature,
                row.leaves,
                row.bundle
            ])?;
            let sql = "INSERT INTO tile (stream, level, n, hashes) VALUES (?, ?, ?, ?) \
                       ON CONFLICT (stream, level, n) DO UPDATE SET hashes = excluded.hashes";
            for tile in &plan.tiles {
                let hashes = Hash::join_bytes(&tile.hashes);
                bytes += hashes.len() as u64;
                let mut statement = self.connection.prepare_cached(sql)?;
                statement.execute(params![
                    schema::number(stream),
                    tile.id.level,
                    signed(tile.id.index),
                    hashes
                ])?;
            }
        }
        for key in group.keys.iter_mut().filter(|k| k.refused.is_none()) {
            let sql = "INSERT INTO subject (name, wrapped) VALUES (?, ?) ON CONFLICT (name) DO NOTHING";
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.execute(params![key.subject.as_str(), key.wrapped.as_bytes()])?;
            let mut statement =
                self.connection.prepare_cached("SELECT wrapped FROM subject WHERE name = ?")?;
            let stored: Vec<u8> = statement.query_row([key.subject.as_str()], |row| row.get(0))?;
            key.stored = WrappedKey::from_stored(&stored);
        }
        let Self { connection, subjects, .. } = self;
        for payload in group.accepted().flat_map(|a| &a.submission.batch).flat_map(|a| &a.payloads) {
            // Erased meanwhile: the entry stands, and what it commits to is gone already.
            let Some(Some(subject)) = subjects.find(connection, payload.subject())? else { continue };
            let sql = "INSERT INTO payload (subject, tag, commitment, ciphertext) VALUES (?, ?, ?, ?)";
            let commitment = payload.commitment();
            bytes += payload.ciphertext().len() as u64;
            let mut statement = connection.prepare_cached(sql)?;
            statement.execute(params![
                subject,
                read::tag(&commitment),
                commitment.as_bytes(),
                payload.ciphertext()
            ])?;
        }
        for (snapshot, _) in &group.snapshots {
            let StoredSnapshot { fold_version, activity, control, note, body } = &**snapshot;
            bytes += body.len() as u64;
            let sql =
                "INSERT INTO snapshot (fold_version, activity, control, note, body) VALUES (?, ?, ?, ?, ?)";
            connection
                .execute(sql, params![fold_version, signed(*activity), signed(*control), note, body])?;
            let sql = "DELETE FROM snapshot WHERE id <= (SELECT max(id) FROM snapshot) - ?";
            connection.execute(sql, [KEPT_SNAPSHOTS])?;
        }
        Ok(bytes)
    }

    fn adopt(&mut self, planned: PerStream<Option<Planned>>) -> PerStream<Option<Head>> {
        let mut heads = PerStream::default();
        let PerStream { activity, control } = planned;
        for (stream, planned) in [(Stream::Activity, activity), (Stream::Control, control)] {
            if let Some(Planned { plan, head, .. }) = planned {
                *self.trees.get_mut(stream) = plan.tree;
                *heads.get_mut(stream) = Some(head);
            }
        }
        heads
    }

    /// What a failed write means to callers.
    pub fn failed(&self, error: rusqlite::Error) -> AppendError {
        if is_full(&error) { AppendError::DiskFull } else { AppendError::Engine(engine(error)) }
    }
}
