//! Reading: entries, tiles, bundles, payloads, snapshots, and the tail from which the tree is rebuilt.

use std::sync::PoisonError;

use rusqlite::{Connection, OptionalExtension, params};
use writ_ledger::entry::BundleEntries;
use writ_ledger::storage::ReadError;
use writ_ledger::tile::{TILE_WIDTH, TileId};
use writ_ledger::vault::WrappedKey;
use writ_ledger::{Commitment, Hash, Stream, SubjectId, Tree};

use super::{Shared, StoredSnapshot, engine, schema, signed, unsigned};

/// Idle connections kept for later readers.
const MAX_IDLE_READERS: usize = 4;
/// Bytes after which a read returns what it has.
const MAX_READ_BYTES: usize = 16 * 1024 * 1024;

pub(super) enum StoredKey {
    Absent,
    Erased,
    Present(WrappedKey),
}

pub(super) struct StoredPayload {
    pub subject: SubjectId,
    pub erased: bool,
    pub ciphertext: Vec<u8>,
}

/// The last row of a stream: what the tree is checked against at start-up.
pub(super) struct Tail {
    pub tree: Tree,
    pub root: Hash,
    pub signature: Vec<u8>,
}

impl Shared {
    /// Runs `read` on a connection of its own.
    pub fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, ReadError>) -> Result<T, ReadError> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let reader = match idle {
            Some(reader) => reader,
            None => schema::connect_reader(&self.directory).map_err(failed)?,
        };
        let outcome = read(&reader);
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < MAX_IDLE_READERS {
            readers.push(reader);
        }
        outcome
    }
}

pub(super) fn failed(error: rusqlite::Error) -> ReadError {
    ReadError::Engine(engine(error))
}

/// Up to `max` entries from `from` on.
pub(super) fn entries(
    reader: &Connection,
    stream: Stream,
    from: u64,
    max: usize,
) -> Result<Vec<(u64, Vec<u8>)>, ReadError> {
    let mut found = Vec::new();
    let mut bytes = 0;
    walk_entries(reader, stream, from, u64::MAX, |index, entry| {
        if found.len() >= max || bytes >= MAX_READ_BYTES {
            return false;
        }
        bytes += entry.len();
        found.push((index, entry.to_vec()));
        true
    })?;
    Ok(found)
}

/// The entries below part of a level-0 tile, as a bundle.
pub(super) fn bundle(
    reader: &Connection,
    stream: Stream,
    index: u64,
    width: u16,
) -> Result<Vec<u8>, ReadError> {
    let from = index * TILE_WIDTH as u64;
    let to = from + u64::from(width);
    let (mut bundle, mut next) = (Vec::new(), from);
    walk_entries(reader, stream, from, to, |_, entry| {
        let length = u16::try_from(entry.len()).unwrap_or(u16::MAX);
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(entry);
        next += 1;
        true
    })?;
    if next == to { Ok(bundle) } else { Err(ReadError::Damaged { stream, index: next }) }
}

/// Calls `each` with every entry in `from..to` until it returns `false`; stops at the end of the stream.
fn walk_entries(
    reader: &Connection,
    stream: Stream,
    from: u64,
    to: u64,
    mut each: impl FnMut(u64, &[u8]) -> bool,
) -> Result<(), ReadError> {
    let mut statement = reader.prepare_cached(schema::row_sql(stream).entries).map_err(failed)?;
    let mut rows = statement.query(params![signed(from), signed(to)]).map_err(failed)?;
    let mut expected = None;
    while let Some(row) = rows.next().map_err(failed)? {
        let first = unsigned(row.get(0).map_err(failed)?);
        if expected.is_some_and(|expected| expected != first) {
            return Err(ReadError::Damaged { stream, index: first });
        }
        let stored = row.get_ref(1).map_err(failed)?;
        let bundle = stored.as_blob().map_err(|_| ReadError::Damaged { stream, index: first })?;
        let mut index = first;
        for entry in BundleEntries::new(bundle) {
            let entry = entry.map_err(|_| ReadError::Damaged { stream, index })?;
            if index >= to || (index >= from && !each(index, entry)) {
                return Ok(());
            }
            index += 1;
        }
        expected = Some(index);
    }
    Ok(())
}

/// The first `width` hashes of a tile, whose existence the caller has checked.
pub(super) fn tile(
    reader: &Connection,
    stream: Stream,
    id: TileId,
    width: u16,
) -> Result<Vec<u8>, ReadError> {
    let bytes = usize::from(width) * Hash::LEN;
    if let Some(mut stored) = stored_tile(reader, stream, id).map_err(failed)?
        && stored.len() >= bytes
    {
        stored.truncate(bytes);
        return Ok(stored);
    }
    let from = id.index * TILE_WIDTH as u64;
    if id.level > 0 {
        let span = 256_u64.saturating_pow(id.level.into());
        return Err(ReadError::Damaged { stream, index: from.saturating_mul(span) });
    }
    let leaves = leaves(reader, stream, from, from + u64::from(width))?;
    Ok(Hash::join_bytes(&leaves))
}

/// A tile as it is stored, of whatever width.
pub(super) fn stored_tile(
    reader: &Connection,
    stream: Stream,
    id: TileId,
) -> Result<Option<Vec<u8>>, rusqlite::Error> {
    let mut statement =
        reader.prepare_cached("SELECT hashes FROM tile WHERE stream = ? AND level = ? AND n = ?")?;
    let found =
        statement.query_row(params![schema::number(stream), id.level, signed(id.index)], |row| row.get(0));
    found.optional()
}

/// The leaf hashes of a range, from the rows.
fn leaves(reader: &Connection, stream: Stream, from: u64, to: u64) -> Result<Vec<Hash>, ReadError> {
    let mut statement = reader.prepare_cached(schema::row_sql(stream).leaves).map_err(failed)?;
    let mut rows = statement.query(params![signed(from), signed(to)]).map_err(failed)?;
    let mut found = Vec::new();
    let mut next = from;
    while let Some(row) = rows.next().map_err(failed)? {
        let first = unsigned(row.get(0).map_err(failed)?);
        let stored = row.get_ref(1).map_err(failed)?.as_blob().ok().and_then(Hash::split_bytes);
        let hashes = stored.ok_or(ReadError::Damaged { stream, index: first })?;
        for (index, hash) in (first..).zip(hashes).filter(|(index, _)| (from..to).contains(index)) {
            if index != next {
                return Err(ReadError::Damaged { stream, index });
            }
            found.push(hash);
            next += 1;
        }
    }
    if next == to { Ok(found) } else { Err(ReadError::Damaged { stream, index: next }) }
}

/// Rebuilds the tree from the last row, the leaf hashes after the last full tile, and the unfinished tiles above.
/// `None` for a stream without rows.
pub(super) fn tail(reader: &Connection, stream: Stream) -> Result<Option<Tail>, ReadError> {
    let mut statement = reader.prepare_cached(schema::row_sql(stream).last).map_err(failed)?;
    let last = statement
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, Vec<u8>>(2)?, row.get(3)?)))
        .optional()
        .map_err(failed)?;
    let Some((first, count, root, signature)) = last else { return Ok(None) };
    let size = unsigned(first).saturating_add(unsigned(count));
    let damaged = || ReadError::Damaged { stream, index: size.saturating_sub(1) };
    let root = Hash::from_slice(&root).ok_or_else(damaged)?;
    let mut edges = vec![leaves(reader, stream, size - size % TILE_WIDTH as u64, size)?];
    for level in 1..u8::try_from(Tree::levels(size)).unwrap_or(0) {
        let index = size.checked_shr(8 * (u32::from(level) + 1)).unwrap_or(0);
        let width = Tree::edge_width(size, level);
        let stored = if width == 0 {
            None
        } else {
            stored_tile(reader, stream, TileId { level, index }).map_err(failed)?
        };
        edges.push(Hash::split_bytes(&stored.unwrap_or_default()).ok_or_else(damaged)?);
    }
    let tree = Tree::from_edges(size, edges).map_err(|_| damaged())?;
    Ok(Some(Tail { tree, root, signature }))
}

/// The stored key of a subject.
pub(super) fn wrapped_key(reader: &Connection, subject: &SubjectId) -> Result<StoredKey, ReadError> {
    let mut statement =
        reader.prepare_cached("SELECT wrapped FROM subject WHERE name = ?").map_err(failed)?;
    let found =
        statement.query_row([subject.as_str()], |row| row.get::<_, Vec<u8>>(0)).optional().map_err(failed)?;
    Ok(match found {
        None => StoredKey::Absent,
        Some(bytes) => WrappedKey::from_stored(&bytes).map_or(StoredKey::Erased, StoredKey::Present),
    })
}

/// Looks a payload up by the first eight bytes of its commitment, then by all of it.
pub(super) fn payload(
    reader: &Connection,
    commitment: &Commitment,
) -> Result<Option<StoredPayload>, ReadError> {
    let sql = "SELECT subject.name, subject.wrapped, payload.ciphertext FROM payload JOIN subject ON subject.id = payload.subject \
               WHERE payload.tag = ? AND payload.commitment = ? LIMIT 1";
    let mut statement = reader.prepare_cached(sql).map_err(failed)?;
    let found = statement
        .query_row(params![tag(commitment), commitment.as_bytes()], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?, row.get(2)?))
        })
        .optional()
        .map_err(failed)?;
    let Some((name, wrapped, ciphertext)) = found else { return Ok(None) };
    let subject = SubjectId::new(&name).map_err(|error| ReadError::Engine(std::sync::Arc::new(error)))?;
    let erased = WrappedKey::from_stored(&wrapped).is_none();
    Ok(Some(StoredPayload { subject, erased, ciphertext }))
}

/// What the payload index is ordered by; short, because it is touched at random places.
pub(super) fn tag(commitment: &Commitment) -> i64 {
    let bytes = commitment.as_bytes().first_chunk().copied().unwrap_or_default();
    i64::from_be_bytes(bytes)
}

/// The snapshots of one fold version, newest first.
pub(super) fn snapshots(reader: &Connection, fold_version: u32) -> Result<Vec<StoredSnapshot>, ReadError> {
    let sql = "SELECT activity, control, note, body FROM snapshot WHERE fold_version = ? ORDER BY id DESC";
    let mut statement = reader.prepare_cached(sql).map_err(failed)?;
    let rows = statement.query_map([fold_version], |row| {
        Ok(StoredSnapshot {
            fold_version,
            activity: unsigned(row.get(0)?),
            control: unsigned(row.get(1)?),
            note: row.get(2)?,
            body: row.get(3)?,
        })
    });
    rows.map_err(failed)?.collect::<Result<_, _>>().map_err(failed)
}
