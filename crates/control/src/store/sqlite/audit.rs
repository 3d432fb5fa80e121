//! Reading a ledger without opening it for writing: for `verify`, with or without a server running.
//!
//! Reads in short transactions, so that neither the writer's log nor an erasure waits for a long verification. Nothing
//! that is read is trusted, not even the types of columns.

use std::path::{Path, PathBuf};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row, params};
use thiserror::Error;
use writ_ledger::Stream;
use writ_ledger::storage::ReadError;
use writ_ledger::tile::TileId;
use writ_ledger::verify::{LogSource, StoredRow};

use super::{read, schema, signed};

/// A ledger's stored rows and tiles, read-only.
#[derive(Debug)]
pub struct SqliteAudit {
    connection: Connection,
}

#[derive(Debug, Error)]
pub enum AuditError {
    #[error("there is no ledger in `{}`", .0.display())]
    Missing(PathBuf),
    #[error("`{}` is not a ledger of a version known here (`{identifier:#x}`, version {version}); use the newer writ", .path.display())]
    Unknown { path: PathBuf, identifier: i32, version: i32 },
    /// Without a place for its index, the write-ahead log cannot be read; leaving it out would leave out entries.
    #[error("`{}` has an unfinished write-ahead log and cannot be written to; copy it to a writable place first", .0.display())]
    NeedsRecovery(PathBuf),
    #[error("the ledger could not be read")]
    Sqlite(#[source] rusqlite::Error),
}

// === impl SqliteAudit ===

impl SqliteAudit {
    /// Opens the ledger in `directory` for reading.
    ///
    /// # Errors
    /// Each variant of [`AuditError`].
    pub fn open(directory: &Path) -> Result<Self, AuditError> {
        let path = directory.join(schema::DATABASE);
        if !path.is_file() {
            return Err(AuditError::Missing(directory.to_path_buf()));
        }
        let beside = schema::connect_reader(directory).and_then(|c| schema::identity(&c).map(|id| (c, id)));
        let (connection, (identifier, version)) = match beside {
            Ok(opened) => opened,
            // A read-only place: the index of the write-ahead log cannot be made there.
            Err(error) if is_unwritable(&error) => Self::open_immutable(directory, &path)?,
            Err(error) => return Err(AuditError::Sqlite(error)),
        };
        if (identifier, version) != (schema::APPLICATION_ID, schema::VERSION) {
            return Err(AuditError::Unknown { path: directory.to_path_buf(), identifier, version });
        }
        Ok(Self { connection })
    }

    fn open_immutable(directory: &Path, path: &Path) -> Result<(Connection, (i32, i32)), AuditError> {
        let log = std::fs::metadata(directory.join(schema::WAL)).map_or(0, |meta| meta.len());
        let text = path.to_str().filter(|text| log == 0 && !text.contains(['?', '#', '%']));
        let text = text.ok_or_else(|| AuditError::NeedsRecovery(directory.to_path_buf()))?;
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let opened = Connection::open_with_flags(format!("file:{text}?immutable=1"), flags);
        opened.and_then(|c| schema::identity(&c).map(|id| (c, id))).map_err(AuditError::Sqlite)
    }

    /// The origin under which the ledger says it was made. Not to be trusted: compare it with the keys one has.
    ///
    /// # Errors
    /// `Sqlite`.
    pub fn claimed_origin(&self) -> Result<String, AuditError> {
        let found = self.connection.query_row("SELECT origin FROM ledger", [], |row| row.get(0));
        found.map_err(AuditError::Sqlite)
    }

    /// Up to `max` entries from `from` on, unverified.
    ///
    /// # Errors
    /// As `Storage::read`.
    pub fn read(&self, stream: Stream, from: u64, max: usize) -> Result<Vec<(u64, Vec<u8>)>, ReadError> {
        read::entries(&self.connection, stream, from, max)
    }

    /// The newest snapshot of a fold version, unverified: sizes of the activity and the control log, and its body.
    ///
    /// # Errors
    /// `Engine`.
    pub fn newest_snapshot(&self, fold_version: u32) -> Result<Option<(u64, u64, Vec<u8>)>, ReadError> {
        let newest = read::snapshots(&self.connection, fold_version)?.into_iter().next();
        Ok(newest.map(|snapshot| (snapshot.activity, snapshot.control, snapshot.body)))
    }
}

impl LogSource for SqliteAudit {
    type Error = AuditError;

    fn rows(&mut self, stream: Stream, from: u64, max: usize) -> Result<Vec<StoredRow>, AuditError> {
        let mut statement =
            self.connection.prepare_cached(schema::row_sql(stream).whole).map_err(AuditError::Sqlite)?;
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![signed(from), max]).map_err(AuditError::Sqlite)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(AuditError::Sqlite)? {
            found.push(StoredRow {
                first: number(row, 0),
                count: number(row, 1),
                root: bytes(row, 2),
                signature: bytes(row, 3),
                leaves: bytes(row, 4),
                bundle: bytes(row, 5),
            });
        }
        Ok(found)
    }

    fn tile(&mut self, stream: Stream, id: TileId) -> Result<Option<Vec<u8>>, AuditError> {
        read::stored_tile(&self.connection, stream, id).map_err(AuditError::Sqlite)
    }
}

/// A column of another type than it should have counts as empty, which the verifier then finds at fault.
fn bytes(row: &Row<'_>, column: usize) -> Vec<u8> {
    match row.get_ref(column) {
        Ok(ValueRef::Blob(bytes)) => bytes.to_vec(),
        Ok(ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_)) | Err(_) => {
            Vec::new()
        }
    }
}

fn number(row: &Row<'_>, column: usize) -> u64 {
    row.get::<_, i64>(column).ok().and_then(|n| u64::try_from(n).ok()).unwrap_or(u64::MAX)
}

fn is_unwritable(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode;
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}
