//! Opening a ledger for writing: lock, recover, check, and only then start the writer.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, RwLock};

use rusqlite::{Connection, params};
use rustix::fs::{FlockOperation, fdatasync, flock};
use rustix::io::Errno;
use thiserror::Error;
use writ_ledger::note::KeyError;
use writ_ledger::storage::ReadError;
use writ_ledger::vault::{DataKey, VaultError, WrappedKey};
use writ_ledger::{Head, Stream, SubjectId, Tree};

use super::reserve::{RESERVE_BYTES, Reserve};
use super::writer::Writer;
use super::{Shared, SqliteLedger, checkpointer, is_full, read, schema};
use crate::store::fault::FaultHook;
use crate::store::keys::{LedgerKeys, PerStream, Signers};
use crate::store::queue::Queue;
use crate::store::subject::KeyCache;

const LOCK: &str = "ledger.lock";
/// Subject under which a key is wrapped only to recognise the master key again. No task is called so.
const MASTER_CHECK: &str = "writ/master-check";

/// How a ledger is opened; `default()` is right but in tests.
#[derive(Clone, Default)]
pub struct Options {
    /// Told of every fault point of the writer.
    pub fault: Option<Arc<dyn FaultHook>>,
    /// Upper bound of the database in pages, to make it full without a full disk.
    pub max_pages: Option<u32>,
    /// Size of the reserve for revocations, if not the usual one.
    pub reserve_bytes: Option<u64>,
}

#[derive(Debug, Error)]
pub enum OpenError {
    #[error("`{}` cannot be used as the ledger's directory; it must be there or be creatable, and be writable", .path.display())]
    Directory {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the ledger in `{}` is already open in another process; stop it first", .0.display())]
    Locked(PathBuf),
    #[error("`{}` is not a ledger (application id `{found:#x}`)", .path.display())]
    NotALedger { path: PathBuf, found: i32 },
    #[error("the ledger has schema version {found}, this writ knows {known}; use the newer writ")]
    NewerSchema { found: i32, known: i32 },
    #[error("the ledger was made as `{stored}` and is opened as `{given}`")]
    OtherOrigin { stored: String, given: String },
    #[error("the ledger was signed with another key than the one given; put the right key file back")]
    OtherKey,
    #[error(
        "the vault's keys were wrapped with another master key than the one given; put the right key file back"
    )]
    OtherMasterKey,
    #[error("the signing key is unusable")]
    Key(#[from] KeyError),
    #[error("the end of the log of `{stream}` does not lead to its stored root; run `writ audit verify`")]
    Damaged { stream: Stream },
    #[error("the last checkpoint of `{stream}` is not signed by the ledger's key; run `writ audit verify`")]
    Unsigned { stream: Stream },
    #[error("the end of the log could not be read")]
    Read(#[from] ReadError),
    #[error("the vault refused")]
    Vault(#[from] VaultError),
    #[error("the ledger's database could not be opened")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the ledger's files could not be synced")]
    Sync(#[source] io::Error),
}

pub(super) fn open(directory: &Path, keys: LedgerKeys, options: Options) -> Result<SqliteLedger, OpenError> {
    let unusable = |source| OpenError::Directory { path: directory.to_path_buf(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(unusable)?;
    let lock = lock(directory)?;
    // SQLite gives its other files the permissions of this one.
    private_file(&directory.join(schema::DATABASE)).map_err(unusable)?;

    let signers = Signers::new(&keys)?;
    let mut reserve =
        Reserve::open(directory, options.reserve_bytes.unwrap_or(RESERVE_BYTES)).map_err(unusable)?;
    let opened = match connect(directory, &keys, &signers) {
        // SQLite needs some room to open, and on a full disk revocations must be possible still.
        Err(OpenError::Sqlite(error)) if is_full(&error) && reserve.release().is_ok() => {
            connect(directory, &keys, &signers)
        }
        other => other,
    };
    let (connection, wal) = opened?;
    if let Some(pages) = options.max_pages {
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    let (activity, activity_head) = recover(&connection, Stream::Activity, &signers)?;
    let (control, control_head) = recover(&connection, Stream::Control, &signers)?;

    let shared = Arc::new(Shared {
        queue: Queue::new(),
        signers,
        master: keys.vault_master,
        tips: PerStream {
            activity: AtomicU64::new(activity_head.size),
            control: AtomicU64::new(control_head.size),
        },
        heads: RwLock::new(PerStream { activity: activity_head, control: control_head }),
        readers: Mutex::new(Vec::new()),
        keys: KeyCache::default(),
        directory: directory.to_path_buf(),
    });
    let trees = PerStream { activity, control };
    let writer = Writer::new(Arc::clone(&shared), connection, wal, lock, reserve, trees, options.fault)?;
    let writer = std::thread::Builder::new().name("ledger-writer".to_owned()).spawn(move || writer.run());
    Ok(SqliteLedger { shared, writer: Some(writer.map_err(unusable)?) })
}

/// The lock lives as long as the file is open; the system frees it when the process dies, however it dies.
fn lock(directory: &Path) -> Result<File, OpenError> {
    let file = private_file(&directory.join(LOCK))
        .map_err(|source| OpenError::Directory { path: directory.to_path_buf(), source })?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(Errno::WOULDBLOCK) => Err(OpenError::Locked(directory.to_path_buf())),
        Err(error) => Err(OpenError::Directory { path: directory.to_path_buf(), source: error.into() }),
    }
}

fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)
}

/// Opens the database and its log, and makes what is in them stay.
fn connect(directory: &Path, keys: &LedgerKeys, signers: &Signers) -> Result<(Connection, File), OpenError> {
    let mut connection = schema::connect_writer(directory)?;
    create_or_check(&mut connection, directory, keys, signers)?;
    let wal = OpenOptions::new()
        .read(true)
        .write(true)
        .open(directory.join(schema::WAL))
        .map_err(OpenError::Sync)?;
    if checkpointer::lengthen(&wal).is_err() {
        // No room for more than there is; the log then grows as it is written, or says that it cannot.
        tracing::warn!("no room to lengthen the ledger's write-ahead log");
    }
    // What a killed process had written but not synced is part of the log now, so it has to be made to stay.
    fdatasync(&wal).map_err(|e| OpenError::Sync(e.into()))?;
    File::open(directory).and_then(|dir| dir.sync_all()).map_err(OpenError::Sync)?;
    Ok((connection, wal))
}

fn create_or_check(
    connection: &mut Connection,
    directory: &Path,
    keys: &LedgerKeys,
    signers: &Signers,
) -> Result<(), OpenError> {
    let (identifier, version) = schema::identity(connection)?;
    let public = signers.ledger.verifying_key().to_text();
    let check = SubjectId::new(MASTER_CHECK)?;
    if identifier == 0 && version == 0 && is_empty(connection)? {
        let wrapped =
            keys.vault_master.wrap(&check, &DataKey::from_bytes(super::random()?), super::random()?)?;
        let transaction = connection.transaction()?;
        schema::create(&transaction)?;
        let sql = "INSERT INTO ledger (id, origin, key, master_check) VALUES (1, ?, ?, ?)";
        transaction.execute(sql, params![keys.origin.as_str(), public, wrapped.as_bytes()])?;
        transaction.commit()?;
        return Ok(());
    }
    if identifier != schema::APPLICATION_ID {
        return Err(OpenError::NotALedger { path: directory.to_path_buf(), found: identifier });
    }
    if version != schema::VERSION {
        return Err(OpenError::NewerSchema { found: version, known: schema::VERSION });
    }
    let sql = "SELECT origin, key, master_check FROM ledger WHERE id = 1";
    let (origin, key, wrapped): (String, String, Vec<u8>) =
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    if origin != keys.origin.as_str() {
        return Err(OpenError::OtherOrigin { stored: origin, given: keys.origin.as_str().to_owned() });
    }
    if key != public {
        return Err(OpenError::OtherKey);
    }
    let wrapped = WrappedKey::from_stored(&wrapped).ok_or(OpenError::OtherMasterKey)?;
    keys.vault_master.unwrap(&check, &wrapped).map_err(|_| OpenError::OtherMasterKey)?;
    // The log's file must exist before it is opened for syncing, also when a clean close removed it.
    connection.execute_batch("BEGIN IMMEDIATE; COMMIT;")?;
    Ok(())
}

fn is_empty(connection: &Connection) -> Result<bool, rusqlite::Error> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}

/// Rebuilds a stream's tree and checks it against the signature of its last row.
fn recover(connection: &Connection, stream: Stream, signers: &Signers) -> Result<(Tree, Head), OpenError> {
    let tail = match read::tail(connection, stream) {
        Err(ReadError::Damaged { stream, .. }) => return Err(OpenError::Damaged { stream }),
        other => other?,
    };
    let (tree, stored) = match tail {
        None => (Tree::default(), None),
        Some(read::Tail { tree, root, .. }) if tree.root() != root => {
            return Err(OpenError::Damaged { stream });
        }
        Some(read::Tail { tree, signature, .. }) => (tree, Some(signature)),
    };
    // Ed25519 is deterministic: signing again must give the stored signature.
    let (signature, head) =
        signers.sign(stream, tree.size(), tree.root()).ok_or(OpenError::Unsigned { stream })?;
    if stored.is_some_and(|stored| stored != signature) {
        return Err(OpenError::Unsigned { stream });
    }
    Ok((tree, head))
}
