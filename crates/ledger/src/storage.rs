//! What a storage engine of the ledger has to do, and what it promises.
//!
//! The trait is small so that one conformance suite can hold every engine to it. It is synchronous: engines block, and
//! callers that must not block use the engine's own asynchronous door. Payloads live behind the same trait because an
//! entry and its payloads are persisted together or not at all.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::entry::Entry;
use crate::proof::{self, ProveError, TileReadError, TileReader};
use crate::receipt::Receipt;
use crate::snapshot::{Snapshot, SnapshotError};
use crate::stream::Stream;
use crate::tile::{TILE_WIDTH, TileId};
use crate::tree::Hash;
use crate::vault::{Commitment, Opened, Payload, Salt, SubjectId, VaultError};

/// A `Written` entry is on stable storage after this at the latest.
pub const WRITTEN_SYNCED_WITHIN: Duration = Duration::from_millis(50);

/// Most entries that one call may append: the unit that is appended whole or not at all.
pub const MAX_BATCH_ENTRIES: usize = 4096;
/// Most bytes, entries and payloads together, that one call may append.
pub const MAX_BATCH_BYTES: usize = 64 * 1024 * 1024;

/// What a receipt promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// Survives the death of the process, and within [`WRITTEN_SYNCED_WITHIN`] the loss of power.
    Written,
    /// Survives the loss of power.
    Synced,
}

/// One entry and the payloads it commits to.
#[derive(Clone, Debug)]
pub struct Append {
    pub stream: Stream,
    pub entry: Entry,
    pub payloads: Vec<Payload>,
}

/// The size a stream must have for the append to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    pub stream: Stream,
    pub size: u64,
}

/// A stream at its last synced checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub size: u64,
    pub root: Hash,
    /// The checkpoint as a signed note.
    pub checkpoint: String,
}

/// The failure of an engine, shared by all callers whose appends it took down.
pub type EngineError = Arc<dyn Error + Send + Sync>;

#[derive(Clone, Debug, Error)]
pub enum AppendError {
    /// Somebody else appended first. Read what is new, decide again, try again.
    #[error("stream `{stream}` has {actual} entries, not the {expected} that the change was decided on")]
    Conflict { stream: Stream, expected: u64, actual: u64 },
    #[error("nothing to append")]
    Empty,
    #[error(
        "an append of {entries} entries and {bytes} bytes is above {MAX_BATCH_ENTRIES} or {MAX_BATCH_BYTES}"
    )]
    TooLarge { entries: usize, bytes: usize },
    /// Nothing was appended. Only revocations are still taken, from reserved space.
    #[error("the disk that holds the ledger is full; free some space, then try again")]
    DiskFull,
    /// Nothing was appended.
    #[error("too many appends are waiting for the ledger; try again later")]
    Overloaded,
    /// Nothing was appended. Payloads are sealed by the ledger that stores them.
    #[error("the payload of subject `{subject}` was not sealed by this ledger")]
    ForeignPayload { subject: String },
    /// Nothing was appended, by this call or any later one.
    #[error("the ledger is closed")]
    Closed,
    /// Whether the entries are on stable storage is unknown, and the engine takes no more. Open the ledger anew.
    #[error("the ledger could not be synced and takes no more entries until it is opened anew")]
    Broken,
    /// Nothing was appended.
    #[error("the ledger's engine failed to append")]
    Engine(#[source] EngineError),
}

#[derive(Clone, Debug, Error)]
pub enum ReadError {
    #[error("the log of `{stream}` ends at {size}, before what was asked for")]
    BeyondEnd { stream: Stream, size: u64 },
    #[error("the stored rows of `{stream}` are damaged near entry `{index}`; run `writ audit verify`")]
    Damaged { stream: Stream, index: u64 },
    #[error("the ledger's engine failed to read")]
    Engine(#[source] EngineError),
}

#[derive(Clone, Debug, Error)]
pub enum StoreSnapshotError {
    #[error("the log cannot be read at the snapshot's position")]
    Read(#[from] ReadError),
    #[error("the snapshot is not acceptable")]
    Snapshot(#[from] SnapshotError),
    #[error("the snapshot could not be written")]
    Write(#[from] AppendError),
}

#[derive(Clone, Debug, Error)]
pub enum PayloadError {
    #[error("the vault refused")]
    Vault(#[from] VaultError),
    #[error("the vault's store could not be written")]
    Write(#[from] AppendError),
    #[error("the vault's store could not be read")]
    Read(#[from] ReadError),
    /// Key and payloads are overwritten, but a copy remains in the write-ahead log because another process is reading
    /// the ledger. Erase again.
    #[error(
        "the subject is erased but for the write-ahead log, which another process is reading; erase again"
    )]
    StillRead,
}

/// One ledger: two streams, their tiles, their payloads, and the snapshots of folds over them.
///
/// Every method may be called from many threads at once.
pub trait Storage: Send + Sync {
    /// Appends a batch, all of it or nothing, in order, and returns one receipt for each entry.
    ///
    /// *Durability:* returns once every entry and payload has reached `durability`. *Concurrency:* appends of all
    /// callers are put into one order; `expected` is compared at this append's place in it. *Retries:* safe after
    /// [`AppendError::Conflict`] (decide anew), `Overloaded` and `DiskFull`; after `Broken` the caller must first read
    /// back whether the entries are there. A payload whose subject was erased meanwhile is dropped, its entry is not.
    ///
    /// # Errors
    /// Each variant of [`AppendError`].
    fn append(
        &self,
        batch: Vec<Append>,
        expected: Option<Expected>,
        durability: Durability,
    ) -> Result<Vec<Receipt>, AppendError>;

    /// Appends a batch that records a revocation: synced, and where the disk is full, from reserved space.
    ///
    /// # Errors
    /// As [`Self::append`]; `DiskFull` only when the reserve is used up too.
    fn append_revocation(&self, batch: Vec<Append>) -> Result<Vec<Receipt>, AppendError>;

    /// The stream as of its last *synced* commit. Only this is ever published: a checkpoint given away must not be
    /// taken back by a loss of power.
    fn head(&self, stream: Stream) -> Head;

    /// Entries that can be read now, the not yet synced included. The number to expect in the next append.
    fn tip(&self, stream: Stream) -> u64;

    /// Reads up to `max` entries from index `from` on, with their indexes.
    ///
    /// May return fewer; returns none only at the end of the stream (or for `max` 0). Retrying is safe.
    ///
    /// # Errors
    /// `Damaged` if stored rows cannot be parsed, `Engine`.
    fn read(&self, stream: Stream, from: u64, max: usize) -> Result<Vec<(u64, Vec<u8>)>, ReadError>;

    /// The first `width` hashes of a tile, 32 bytes each, full or partial. Immutable once it can be read.
    ///
    /// Tiles are put by [`Self::append`], in the same transaction as the entries that complete them.
    ///
    /// # Errors
    /// `BeyondEnd` if the tile is not that wide yet, `Damaged`, `Engine`.
    fn tile(&self, stream: Stream, id: TileId, width: u16) -> Result<Vec<u8>, ReadError>;

    /// The entries below the first `width` hashes of level-0 tile `index`, as a C2SP entry bundle.
    ///
    /// # Errors
    /// As [`Self::tile`].
    fn bundle(&self, stream: Stream, index: u64, width: u16) -> Result<Vec<u8>, ReadError>;

    /// Keeps the state of a fold at these sizes of the streams; the engine adds roots and signature. Older snapshots
    /// of the same fold version may be dropped. Durable when it returns.
    ///
    /// # Errors
    /// `Read(BeyondEnd)` if a size is above the tip, `Snapshot` if the body is too long, `Write`.
    fn put_snapshot(&self, fold_version: u32, sizes: Sizes, body: Vec<u8>) -> Result<(), StoreSnapshotError>;

    /// The newest snapshot of this fold version that fits the log: signature, sizes and roots are checked, and a
    /// snapshot that does not fit is passed over as if it were not there.
    ///
    /// # Errors
    /// `Read`.
    fn latest_snapshot(&self, fold_version: u32) -> Result<Option<Snapshot>, StoreSnapshotError>;

    /// Encrypts a payload under its subject's key; whoever made the commitment chose the salt. The first call for a
    /// subject makes the key and returns once it is synced; nothing else is stored until the payload is appended.
    ///
    /// # Errors
    /// `Vault(Erased)` for an erased subject, `Vault(TooLong)`, `Write`, `Read`.
    fn seal(&self, subject: &SubjectId, salt: &Salt, bytes: &[u8]) -> Result<Payload, PayloadError>;

    /// Looks a payload up and decrypts it; `None` if there never was one with this commitment.
    ///
    /// # Errors
    /// `Vault` if the stored bytes do not decrypt or do not fit the commitment, `Read`.
    fn payload(&self, commitment: &Commitment) -> Result<Option<Opened>, PayloadError>;

    /// Destroys a subject's key and payloads, so that no file of the ledger holds them; returns how many payloads
    /// went. Final: nothing can be sealed for the subject again. May be repeated.
    ///
    /// # Errors
    /// `StillRead` as described there, `Write`.
    fn erase(&self, subject: &SubjectId) -> Result<u64, PayloadError>;
}

/// A position of both streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    pub activity: u64,
    pub control: u64,
}

/// Checks what every engine checks before it takes a batch.
///
/// # Errors
/// `Empty`, `TooLarge`.
pub fn check_batch(batch: &[Append]) -> Result<usize, AppendError> {
    if batch.is_empty() {
        return Err(AppendError::Empty);
    }
    let payload = |a: &Append| a.payloads.iter().map(|p| p.ciphertext().len()).sum::<usize>();
    let bytes = batch.iter().map(|a| a.entry.bundled_len() + payload(a)).sum();
    if batch.len() > MAX_BATCH_ENTRIES || bytes > MAX_BATCH_BYTES {
        return Err(AppendError::TooLarge { entries: batch.len(), bytes });
    }
    Ok(bytes)
}

/// The root of the first `size` entries.
///
/// # Errors
/// As [`Storage::tile`].
pub fn root_at<S: Storage + ?Sized>(storage: &S, stream: Stream, size: u64) -> Result<Hash, ReadError> {
    proof::root(&mut hashes(storage, stream), size).map_err(|error| tile_error(stream, error))
}

/// The audit path of entry `index` in the tree of `size` entries.
///
/// # Errors
/// `BeyondEnd` if the index is not below the size, or the size above the tip; as [`Storage::tile`].
pub fn inclusion<S: Storage + ?Sized>(
    storage: &S,
    stream: Stream,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, ReadError> {
    proof::inclusion(&mut hashes(storage, stream), index, size)
        .map_err(|error| prove_error(stream, size, error))
}

/// The proof that the tree of `old` entries is a prefix of the tree of `new` entries.
///
/// # Errors
/// `BeyondEnd` if the sizes are reversed, zero or above the tip; as [`Storage::tile`].
pub fn consistency<S: Storage + ?Sized>(
    storage: &S,
    stream: Stream,
    old: u64,
    new: u64,
) -> Result<Vec<Hash>, ReadError> {
    proof::consistency(&mut hashes(storage, stream), old, new)
        .map_err(|error| prove_error(stream, new, error))
}

fn hashes<S: Storage + ?Sized>(
    storage: &S,
    stream: Stream,
) -> TileReader<impl FnMut(TileId, usize) -> Result<Vec<Hash>, ReadError>> {
    TileReader::new(move |id: TileId, wanted: usize| {
        let width = u16::try_from(wanted.min(TILE_WIDTH)).unwrap_or(u16::MAX);
        let bytes = storage.tile(stream, id, width)?;
        let index = id.index.saturating_mul(TILE_WIDTH as u64);
        Hash::split_bytes(&bytes).ok_or(ReadError::Damaged { stream, index })
    })
}

fn prove_error(stream: Stream, size: u64, error: ProveError<TileReadError<ReadError>>) -> ReadError {
    match error {
        ProveError::Request(_) => ReadError::BeyondEnd { stream, size },
        ProveError::Read(error) => tile_error(stream, error),
    }
}

fn tile_error(stream: Stream, error: TileReadError<ReadError>) -> ReadError {
    match error {
        TileReadError::Read(error) => error,
        TileReadError::TooShort { id, .. } => {
            ReadError::Damaged { stream, index: id.index.saturating_mul(TILE_WIDTH as u64) }
        }
    }
}
