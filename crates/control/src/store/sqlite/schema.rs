//! Tables, their version, and how connections are set up.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use writ_ledger::Stream;

pub(super) const DATABASE: &str = "ledger.sqlite";
pub(super) const WAL: &str = "ledger.sqlite-wal";
/// Marks the file as a ledger: the letters `Writ`.
pub(super) const APPLICATION_ID: i32 = 0x5772_6974;
pub(super) const VERSION: i32 = 1;
const PAGE_BYTES: u32 = 4096;

/// The columns of a row are in the order of their use: leaf hashes can be read without walking through the entries,
/// which spill over many pages in a large row.
const TABLES: &str = "
    CREATE TABLE ledger (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        origin TEXT NOT NULL,
        key TEXT NOT NULL,
        master_check BLOB NOT NULL
    ) STRICT;
    CREATE TABLE activity_row (
        first INTEGER PRIMARY KEY,
        count INTEGER NOT NULL,
        root BLOB NOT NULL,
        signature BLOB NOT NULL,
        leaves BLOB NOT NULL,
        entries BLOB NOT NULL
    ) STRICT;
    CREATE TABLE control_row (
        first INTEGER PRIMARY KEY,
        count INTEGER NOT NULL,
        root BLOB NOT NULL,
        signature BLOB NOT NULL,
        leaves BLOB NOT NULL,
        entries BLOB NOT NULL
    ) STRICT;
    CREATE TABLE tile (
        stream INTEGER NOT NULL,
        level INTEGER NOT NULL,
        n INTEGER NOT NULL,
        hashes BLOB NOT NULL,
        PRIMARY KEY (stream, level, n)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE subject (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        wrapped BLOB NOT NULL
    ) STRICT;
    CREATE TABLE payload (
        id INTEGER PRIMARY KEY,
        subject INTEGER NOT NULL,
        tag INTEGER NOT NULL,
        commitment BLOB NOT NULL,
        ciphertext BLOB NOT NULL
    ) STRICT;
    CREATE INDEX payload_tag ON payload (tag);
    CREATE INDEX payload_subject ON payload (subject);
    CREATE TABLE snapshot (
        id INTEGER PRIMARY KEY,
        fold_version INTEGER NOT NULL,
        activity INTEGER NOT NULL,
        control INTEGER NOT NULL,
        note TEXT NOT NULL,
        body BLOB NOT NULL
    ) STRICT;
";

/// SQL that differs between the streams only in the table's name.
pub(super) struct RowSql {
    pub insert: &'static str,
    pub last: &'static str,
    pub leaves: &'static str,
    pub entries: &'static str,
    pub whole: &'static str,
}

macro_rules! row_sql {
    ($table:literal) => {
        RowSql {
            insert: concat!(
                "INSERT INTO ",
                $table,
                " (first, count, root, signature, leaves, entries) VALUES (?, ?, ?, ?, ?, ?)"
            ),
            last: concat!(
                "SELECT first, count, root, signature FROM ",
                $table,
                " ORDER BY first DESC LIMIT 1"
            ),
            leaves: concat!(
                "SELECT first, leaves FROM ",
                $table,
                " WHERE first < ?2 AND first >= \
                 coalesce((SELECT max(first) FROM ",
                $table,
                " WHERE first <= ?1), 0) ORDER BY first"
            ),
            entries: concat!(
                "SELECT first, entries FROM ",
                $table,
                " WHERE first < ?2 AND first >= \
                 coalesce((SELECT max(first) FROM ",
                $table,
                " WHERE first <= ?1), 0) ORDER BY first"
            ),
            whole: concat!(
                "SELECT first, count, root, signature, leaves, entries FROM ",
                $table,
                " WHERE first >= ?1 ORDER BY first LIMIT ?2"
            ),
        }
    };
}

const ACTIVITY: RowSql = row_sql!("activity_row");
const CONTROL: RowSql = row_sql!("control_row");

pub(super) const fn row_sql(stream: Stream) -> &'static RowSql {
    match stream {
        Stream::Activity => &ACTIVITY,
        Stream::Control => &CONTROL,
    }
}

/// The number a stream has in the tile table.
pub(super) const fn number(stream: Stream) -> i64 {
    match stream {
        Stream::Activity => 1,
        Stream::Control => 2,
    }
}

/// The writer's connection. The file must exist already, with the permissions it is to have.
pub(super) fn connect_writer(directory: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(directory.join(DATABASE), flags)?;
    connection.set_prepared_statement_cache_capacity(32);
    // Nobody else writes. Only cutting the log waits, for readers, and appends wait behind it.
    connection.busy_timeout(std::time::Duration::from_millis(200))?;
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "secure_delete", true)?;
    // Statement journals hold old page contents; they must not reach a file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -32_768)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    // The writer syncs the log itself, once for each group; checkpoints still sync both files.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

/// A connection that only reads, beside the writer's.
pub(super) fn connect_reader(directory: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(directory.join(DATABASE), flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(2))?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Identifier and version of the file; both 0 in a new one.
pub(super) fn identity(connection: &Connection) -> Result<(i32, i32), rusqlite::Error> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    Ok((number("application_id")?, number("user_version")?))
}

/// Makes the tables; part of the caller's transaction.
pub(super) fn create(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.execute_batch(TABLES)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", VERSION)
}
