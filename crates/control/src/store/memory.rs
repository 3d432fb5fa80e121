//! A ledger in memory: for tests, and to keep the conformance suite honest by being a second engine.
//!
//! Nothing it holds survives the process, so its `Synced` is worth as much as its `Written`. Everything else is as the
//! trait says, by other means than in the embedded engine where that is simple: tiles are cut from the leaf hashes when
//! they are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::rand;
use writ_ledger::append::plan;
use writ_ledger::note::KeyError;
use writ_ledger::snapshot::{Position, Snapshot};
use writ_ledger::storage::{
    self, AppendError, PayloadError, ReadError, Sizes, StoreSnapshotError, check_batch,
};
use writ_ledger::tile::{TILE_WIDTH, TileId};
use writ_ledger::tree::subtree_root;
use writ_ledger::vault::{DataKey, Opened, Salt, VaultError};
use writ_ledger::{
    Append, Commitment, Durability, Entry, Expected, Hash, Head, Payload, Receipt, Storage, Stream,
    SubjectId, Tree,
};

use super::keys::{LedgerKeys, PerStream, Signers};

/// The in-memory engine.
pub struct MemoryLedger {
    signers: Signers,
    /// Guards everything for the time of one call; nothing in a call waits.
    state: Mutex<State>,
}

struct State {
    logs: PerStream<Log>,
    keys: BTreeMap<SubjectId, DataKey>,
    erased: BTreeSet<SubjectId>,
    payloads: BTreeMap<Commitment, Payload>,
    snapshots: Vec<(Snapshot, String)>,
}

struct Log {
    tree: Tree,
    entries: Vec<Entry>,
    head: Head,
}

// === impl MemoryLedger ===

impl MemoryLedger {
    /// An empty ledger.
    ///
    /// # Errors
    /// The cryptographic library refuses the signing seed.
    pub fn new(keys: &LedgerKeys) -> Result<Self, KeyError> {
        let signers = Signers::new(keys)?;
        let empty = |stream| {
            let (_, head) = signers.sign(stream, 0, Hash::EMPTY).ok_or(KeyError::Refused)?;
            Ok(Log { tree: Tree::default(), entries: Vec::new(), head })
        };
        let logs = PerStream { activity: empty(Stream::Activity)?, control: empty(Stream::Control)? };
        let state = State {
            logs,
            keys: BTreeMap::new(),
            erased: BTreeSet::new(),
            payloads: BTreeMap::new(),
            snapshots: Vec::new(),
        };
        Ok(Self { signers, state: Mutex::new(state) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The leaf hashes of a range that the caller has checked.
    fn leaves(&self, stream: Stream, from: u64, to: u64) -> Vec<Hash> {
        let state = self.lock();
        let range = as_usize(from)..as_usize(to);
        state.logs.get(stream).entries.get(range).unwrap_or_default().iter().map(Entry::leaf_hash).collect()
    }
}

impl Storage for MemoryLedger {
    fn append(
        &self,
        batch: Vec<Append>,
        expected: Option<Expected>,
        durability: Durability,
    ) -> Result<Vec<Receipt>, AppendError> {
        check_batch(&batch)?;
        let mut guard = self.lock();
        let State { logs, keys, erased, payloads, .. } = &mut *guard;
        if let Some(Expected { stream, size }) = expected
            && logs.get(stream).tree.size() != size
        {
            return Err(AppendError::Conflict {
                stream,
                expected: size,
                actual: logs.get(stream).tree.size(),
            });
        }
        let sealed = batch.iter().flat_map(|a| &a.payloads);
        if let Some(foreign) =
            sealed.map(Payload::subject).find(|s| !keys.contains_key(*s) && !erased.contains(*s))
        {
            return Err(AppendError::ForeignPayload { subject: foreign.as_str().to_owned() });
        }
        let mut next = PerStream { activity: logs.activity.tree.size(), control: logs.control.tree.size() };
        let mut places = Vec::with_capacity(batch.len());
        for append in &batch {
            let index = next.get_mut(append.stream);
            places.push((append.stream, *index));
            *index += 1;
        }
        for stream in Stream::ALL {
            let log = logs.get_mut(stream);
            let Ok(plan) = plan(&log.tree, batch.iter().filter(|a| a.stream == stream).map(|a| &a.entry))
            else {
                continue;
            };
            let signed = self.signers.sign(stream, plan.tree.size(), plan.tree.root());
            log.head = signed.ok_or(AppendError::Broken)?.1;
            log.tree = plan.tree;
        }
        for Append { stream, entry, payloads: sealed } in batch {
            logs.get_mut(stream).entries.push(entry);
            let kept = sealed.into_iter().filter(|p| !erased.contains(p.subject()));
            payloads.extend(kept.map(|p| (p.commitment(), p)));
        }
        let receipt =
            |(stream, index)| Receipt::from_append_path(durability, stream, index, *next.get(stream));
        Ok(places.into_iter().map(receipt).collect())
    }

    fn append_revocation(&self, batch: Vec<Append>) -> Result<Vec<Receipt>, AppendError> {
        self.append(batch, None, Durability::Synced)
    }

    fn head(&self, stream: Stream) -> Head {
        self.lock().logs.get(stream).head.clone()
    }

    fn tip(&self, stream: Stream) -> u64 {
        self.lock().logs.get(stream).tree.size()
    }

    fn read(&self, stream: Stream, from: u64, max: usize) -> Result<Vec<(u64, Vec<u8>)>, ReadError> {
        let state = self.lock();
        let entries = state.logs.get(stream).entries.get(as_usize(from)..).unwrap_or_default();
        Ok((from..).zip(entries.iter().take(max)).map(|(index, e)| (index, e.as_bytes().to_vec())).collect())
    }

    fn tile(&self, stream: Stream, id: TileId, width: u16) -> Result<Vec<u8>, ReadError> {
        let size = self.tip(stream);
        if width == 0 || id.width(size) < width {
            return Err(ReadError::BeyondEnd { stream, size });
        }
        let span = 256_u64.saturating_pow(id.level.into());
        let from = id.index * TILE_WIDTH as u64 * span;
        let leaves = self.leaves(stream, from, from + u64::from(width) * span);
        let hashes: Vec<Hash> = leaves.chunks(as_usize(span)).map(subtree_root).collect();
        Ok(Hash::join_bytes(&hashes))
    }

    fn bundle(&self, stream: Stream, index: u64, width: u16) -> Result<Vec<u8>, ReadError> {
        let size = self.tip(stream);
        if width == 0 || (TileId { level: 0, index }).width(size) < width {
            return Err(ReadError::BeyondEnd { stream, size });
        }
        let from = as_usize(index) * TILE_WIDTH;
        let state = self.lock();
        let entries = state.logs.get(stream).entries.get(from..from + usize::from(width));
        let mut bundle = Vec::new();
        entries.unwrap_or_default().iter().for_each(|entry| entry.push_to(&mut bundle));
        Ok(bundle)
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
        let note = snapshot.sign(&self.signers.origin, &self.signers.ledger)?;
        self.lock().snapshots.push((snapshot, note));
        Ok(())
    }

    fn latest_snapshot(&self, fold_version: u32) -> Result<Option<Snapshot>, StoreSnapshotError> {
        let state = self.lock();
        let mut newest = state.snapshots.iter().rev().filter(|(s, _)| s.fold_version == fold_version);
        Ok(newest.next().map(|(snapshot, _)| snapshot.clone()))
    }

    fn seal(&self, subject: &SubjectId, salt: &Salt, bytes: &[u8]) -> Result<Payload, PayloadError> {
        let mut state = self.lock();
        if state.erased.contains(subject) {
            return Err(VaultError::Erased.into());
        }
        if !state.keys.contains_key(subject) {
            state.keys.insert(subject.clone(), DataKey::from_bytes(random()?));
        }
        let key = state.keys.get(subject).ok_or(VaultError::Erased)?;
        Ok(key.seal(subject, salt, bytes)?)
    }

    fn payload(&self, commitment: &Commitment) -> Result<Option<Opened>, PayloadError> {
        let state = self.lock();
        let Some(payload) = state.payloads.get(commitment) else { return Ok(None) };
        let Some(key) = state.keys.get(payload.subject()) else { return Ok(Some(Opened::Erased)) };
        Ok(Some(Opened::Payload(key.open(payload.subject(), commitment, payload.ciphertext())?)))
    }

    fn erase(&self, subject: &SubjectId) -> Result<u64, PayloadError> {
        let mut state = self.lock();
        state.keys.remove(subject);
        state.erased.insert(subject.clone());
        Ok(state.payloads.values().filter(|p| p.subject() == subject).count() as u64)
    }
}

fn as_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| VaultError::Encrypt)?;
    Ok(bytes)
}
