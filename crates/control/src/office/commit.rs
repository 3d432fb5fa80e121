//! Committing: check, append, fold, tell. The only way by which state changes.

use std::sync::PoisonError;

use writ_ledger::storage::{AppendError, ReadError};
use writ_ledger::vault::Payload;
use writ_ledger::{Append, Durability, Entry, Expected, Receipt, Stream};
use writ_model::{Actor, ControlEntry, ControlEvent, ENTRY_VERSION, Timestamp};

use super::{Desk, Office, OfficeError, each};

/// Most events that are appended as one.
const MAX_EVENTS_AT_ONCE: usize = 1_000;

/// One decided change: events of one author at one moment, recorded together.
pub(crate) struct Change {
    pub now: Timestamp,
    pub by: Actor,
    pub events: Vec<ControlEvent>,
    pub payloads: Vec<Payload>,
}

// === impl Office ===

impl Office {
    /// Records a change and folds it. On an error nothing of the change has happened, unless it is found in the log.
    pub(crate) fn commit(&self, desk: &mut Desk, change: Change) -> Result<Vec<Receipt>, OfficeError> {
        let expect = |size| Some(Expected { stream: Stream::Control, size });
        self.commit_by(desk, change, |batch, size| {
            self.ledger.append(batch, expect(size), Durability::Synced)
        })
    }

    /// As [`Self::commit`], from reserved space if there is no other.
    pub(crate) fn commit_revocation(
        &self,
        desk: &mut Desk,
        change: Change,
    ) -> Result<Vec<Receipt>, OfficeError> {
        self.commit_by(desk, change, |batch, _| self.ledger.append_revocation(batch))
    }

    fn commit_by(
        &self,
        desk: &mut Desk,
        change: Change,
        append: impl Fn(Vec<Append>, u64) -> Result<Vec<Receipt>, AppendError>,
    ) -> Result<Vec<Receipt>, OfficeError> {
        if let Some(damage) = &desk.damaged {
            return Err(OfficeError::Damaged(damage.clone()));
        }
        let Change { now, by, events, mut payloads } = change;
        let entries: Vec<ControlEntry> = events
            .into_iter()
            .map(|event| ControlEntry { v: ENTRY_VERSION, at: now, by: by.clone(), event })
            .collect();
        let mut receipts = Vec::with_capacity(entries.len());
        for entries in entries.chunks(MAX_EVENTS_AT_ONCE) {
            let size = {
                let state = self.state();
                state.check(entries)?;
                state.size()
            };
            let mut batch = Vec::with_capacity(entries.len());
            for entry in entries {
                let payloads = std::mem::take(&mut payloads);
                batch.push(Append {
                    stream: Stream::Control,
                    entry: Entry::new(entry.to_bytes()?)?,
                    payloads,
                });
            }
            match append(batch, size) {
                Ok(new) => receipts.extend(new),
                Err(error) => {
                    // It may be in the log all the same; if so, it counts.
                    self.catch_up(desk);
                    return Err(error.into());
                }
            }
            self.fold(desk, entries)?;
        }
        self.publish();
        Ok(receipts)
    }

    fn fold(&self, desk: &mut Desk, entries: &[ControlEntry]) -> Result<(), OfficeError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            if let Err(damage) = state.apply(entry) {
                desk.damaged = Some(damage.clone());
                return Err(OfficeError::Damaged(damage));
            }
        }
        Ok(())
    }

    /// Folds what is in the log beyond state.
    fn catch_up(&self, desk: &mut Desk) {
        let from = self.state().size();
        let mut entries = Vec::new();
        let read = each(&*self.ledger, Stream::Control, from, |_, bytes| {
            entries.extend(ControlEntry::from_bytes(bytes).ok());
            Ok::<_, ReadError>(())
        });
        if read.is_ok() && !entries.is_empty() && self.fold(desk, &entries).is_ok() {
            self.publish();
        }
    }
}

// === impl Change ===

impl Change {
    pub fn new(now: Timestamp, by: Actor, events: Vec<ControlEvent>) -> Self {
        Self { now, by, events, payloads: Vec::new() }
    }
}
