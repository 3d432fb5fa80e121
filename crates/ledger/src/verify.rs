//! The whole-log verifier: offline, over stored rows and tiles, against the ledger's public key and any checkpoint
//! that somebody kept.
//!
//! Each entry is hashed and compared with the leaf hash stored apart from it; the leaf hashes are grown into the tree,
//! whose root must be the stored one after every row and the signed one at the end; tiles are recomputed. Whoever
//! changes the store cannot sign, so after a change one of these disagrees. The rest of the module is about saying
//! *which* entry it was: the leaf hashes that lead to a signed root are the true ones, wherever they are found (beside
//! the row, by hashing its entries, in the level-0 tile, in a row that was put elsewhere), and the entry that does not
//! fit its true hash is named.
//!
//! What cannot be seen from the store alone is a tail cut off with all its traces. That shows against a checkpoint
//! that the verifier holds.

pub mod fault;
mod leaves;
mod walk;

use crate::checkpoint::Checkpoint;
use crate::note::VerifyingKey;
use crate::stream::Stream;
use crate::tile::TileId;
use crate::tree::Hash;

pub use fault::Fault;

/// Most faults a report lists.
pub const MAX_FAULTS: usize = 1000;

/// A row as it is found in the store; every field is suspect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredRow {
    pub first: u64,
    pub count: u64,
    pub leaves: Vec<u8>,
    pub root: Vec<u8>,
    pub signature: Vec<u8>,
    pub bundle: Vec<u8>,
}

/// Where the verifier reads from.
pub trait LogSource {
    type Error;

    /// Up to `max` rows in rising order of `first`, beginning at the first that is not below `from`. None at the end.
    fn rows(&mut self, stream: Stream, from: u64, max: usize) -> Result<Vec<StoredRow>, Self::Error>;

    /// The stored bytes of a tile, of whatever width, or `None`.
    fn tile(&mut self, stream: Stream, id: TileId) -> Result<Option<Vec<u8>>, Self::Error>;
}

/// What the verifier believes without the store.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The key of this stream's checkpoints; its name is the stream's origin line.
    pub key: VerifyingKey,
    /// Checkpoints of this stream that were kept elsewhere, their signatures already checked.
    pub held: Vec<Checkpoint>,
}

/// What was found in one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub stream: Stream,
    /// Entries the store holds or held, as far as the store tells.
    pub size: u64,
    /// The root of all entries; `None` if the true leaf hashes could not be established.
    pub root: Option<Hash>,
    pub rows: u64,
    /// In the order of the log, at most [`MAX_FAULTS`].
    pub faults: Vec<Fault>,
}

// === impl Report ===

impl Report {
    /// Whether the stream is as it was signed.
    pub const fn is_intact(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Verifies one stream.
///
/// # Errors
/// Only those of reading; whatever is wrong with what was read is in the report.
pub fn verify_stream<S: LogSource>(
    source: &mut S,
    stream: Stream,
    trust: &Trust,
) -> Result<Report, S::Error> {
    let report = walk::Walk::new(source, stream, trust, false).run()?;
    if report.is_intact() { Ok(report) } else { walk::Walk::new(source, stream, trust, true).run() }
}

#[cfg(test)]
mod tests;
