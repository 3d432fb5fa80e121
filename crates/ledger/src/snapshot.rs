//! A fold's saved state, bound to the log it was folded from.
//!
//! The state of a fold is a few kilobytes to megabytes that only its own version of the fold can read. What the ledger
//! adds is the binding: sizes and roots of both streams, the fold's version and the digest of the body, signed with the
//! ledger's key. A snapshot that does not fit is not used; the log is replayed instead. A snapshot may hold what leaves
//! may hold (ids, enums, commitments) and never a payload, since erasing does not reach into it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use crate::note::{Note, NoteError, SigningKey, VerifyingKey};
use crate::stream::Origin;
use crate::tree::Hash;

/// Longest body of a snapshot.
pub const MAX_SNAPSHOT_BYTES: usize = 256 * 1024 * 1024;

/// How far one stream was folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub size: u64,
    pub root: Hash,
}

/// The state of a fold at a position of both streams.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Version of the fold that wrote, and can read, the body.
    pub fold_version: u32,
    pub activity: Position,
    pub control: Position,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SnapshotError {
    #[error("a snapshot of {0} bytes is longer than {MAX_SNAPSHOT_BYTES}")]
    TooLong(usize),
    #[error("the snapshot's signature is not acceptable")]
    Note(#[from] NoteError),
    #[error("the snapshot's signature is of another state than the one stored")]
    OtherState,
}

// === impl Snapshot ===

impl Snapshot {
    /// The text that is signed: what the snapshot is of, line by line.
    ///
    /// Its first line is no origin of ours, so it can never pass for a checkpoint, nor a checkpoint for it.
    pub fn statement(&self, origin: &Origin) -> String {
        let encode = |hash: &Hash| STANDARD.encode(hash.as_bytes());
        format!(
            "writ snapshot v1\n{}\nfold {}\nactivity {} {}\ncontrol {} {}\nbody {}\n",
            origin.as_str(),
            self.fold_version,
            self.activity.size,
            encode(&self.activity.root),
            self.control.size,
            encode(&self.control.root),
            encode(&Hash::of(&self.body)),
        )
    }

    /// Signs the statement into a note.
    pub fn sign(&self, origin: &Origin, key: &SigningKey) -> Result<String, SnapshotError> {
        if self.body.len() > MAX_SNAPSHOT_BYTES {
            return Err(SnapshotError::TooLong(self.body.len()));
        }
        Ok(key.sign_note(&self.statement(origin))?)
    }

    /// Checks a stored snapshot against its signed statement.
    pub fn verify(&self, origin: &Origin, note: &[u8], key: &VerifyingKey) -> Result<(), SnapshotError> {
        let note = Note::parse(note)?;
        let (text, _) = note.verify(std::slice::from_ref(key))?;
        if text == self.statement(origin) { Ok(()) } else { Err(SnapshotError::OtherState) }
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("fold_version", &self.fold_version)
            .field("activity", &self.activity.size)
            .field("control", &self.control.size)
            .field("body", &self.body.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::SigningSeed;

    fn snapshot() -> Snapshot {
        let at = |size, leaf: &[u8]| Position { size, root: Hash::leaf(leaf) };
        Snapshot { fold_version: 3, activity: at(5, b"a"), control: at(9, b"c"), body: b"state".to_vec() }
    }

    #[test]
    fn every_part_is_bound() {
        let origin = Origin::new("writ.example/1").unwrap();
        let key = SigningKey::new("writ.example/1", SigningSeed::from_bytes([1; 32])).unwrap();
        let note = snapshot().sign(&origin, &key).unwrap();
        let verify = |snapshot: Snapshot| snapshot.verify(&origin, note.as_bytes(), &key.verifying_key());
        assert_eq!(verify(snapshot()), Ok(()));
        let changes: [fn(&mut Snapshot); 6] = [
            |s| s.fold_version += 1,
            |s| s.activity.size += 1,
            |s| s.activity.root = Hash::EMPTY,
            |s| s.control.size -= 1,
            |s| s.control.root = Hash::EMPTY,
            |s| s.body.push(b'!'),
        ];
        for change in changes {
            let mut changed = snapshot();
            change(&mut changed);
            assert_eq!(verify(changed), Err(SnapshotError::OtherState));
        }
        let other = Origin::new("writ.example/2").unwrap();
        assert_eq!(
            snapshot().verify(&other, note.as_bytes(), &key.verifying_key()),
            Err(SnapshotError::OtherState)
        );
        assert!(crate::checkpoint::Checkpoint::parse_text(&snapshot().statement(&origin)).is_err());
    }
}
