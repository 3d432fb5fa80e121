//! The control plane's keys, in a directory of their own.
//!
//! Trusted; whoever reads `checkpoint.seed` can sign another history, with `writ.pk8` can speak for any task, and with
//! `vault.key` and the ledger's file can read what was not erased. So the directory is 0700 and the files are 0600,
//! and a key that others could have read or replaced is refused rather than used.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use writ_ledger::note::{SigningKey, SigningSeed};
use writ_ledger::vault::MasterKey;
use writ_ledger::{Hash, Origin};
use zeroize::Zeroizing;

use crate::store::LedgerKeys;

/// Longest key file.
const MAX_KEY_BYTES: u64 = 4 << 10;

const CHECKPOINT: &str = "checkpoint.seed";
const VAULT: &str = "vault.key";
const WRIT: &str = "writ.pk8";

/// The three keys. Zeroed when dropped.
pub struct Keys {
    checkpoint_seed: Zeroizing<[u8; 32]>,
    vault_key: Zeroizing<[u8; 32]>,
    writ_pkcs8: Zeroizing<Vec<u8>>,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("could not {what} `{path}`")]
    Io {
        what: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "`{path}` may be read or changed by others (mode {mode:03o}); run `chmod go-rwx` on it if nobody did"
    )]
    Permissions { path: PathBuf, mode: u32 },
    #[error("`{path}` belongs to another user")]
    Owner { path: PathBuf },
    #[error("`{path}` is no plain file or directory")]
    Kind { path: PathBuf },
    #[error("`{path}` does not hold a key; restore it from a backup")]
    Content { path: PathBuf },
    #[error("`{path}` is missing, but there is a ledger that was signed with it; restore it from a backup")]
    Missing { path: PathBuf },
    #[error("could not make a key")]
    Generate,
}

/// Whether keys may be made where there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenMissing {
    Make,
    /// There is a ledger already: new keys would not fit it.
    Refuse,
}

// === impl Keys ===

impl Keys {
    /// Opens the keys in `directory`, and makes the missing ones if that is allowed.
    ///
    /// # Errors
    /// Wrong owner, permissions, kind or content; a missing key that may not be made; I/O.
    pub fn open(directory: &Path, when_missing: WhenMissing) -> Result<Self, KeyError> {
        prepare(directory)?;
        let checkpoint_seed = fixed(directory, CHECKPOINT, when_missing)?;
        let vault_key = fixed(directory, VAULT, when_missing)?;
        let path = directory.join(WRIT);
        let writ_pkcs8 = load_or_make(&path, when_missing, || {
            let random = SystemRandom::new();
            let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
            Ok(Zeroizing::new(document.map_err(|_| KeyError::Generate)?.as_ref().to_vec()))
        })?;
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &writ_pkcs8)
            .map_err(|_| KeyError::Content { path })?;
        Ok(Self { checkpoint_seed, vault_key, writ_pkcs8 })
    }

    /// The Ed25519 seed that checkpoints are signed with. For the ledger only.
    pub fn checkpoint_seed(&self) -> [u8; 32] {
        *self.checkpoint_seed
    }

    /// The vault's master key. For the ledger only.
    pub fn vault_key(&self) -> [u8; 32] {
        *self.vault_key
    }

    /// The base name of the ledger that these keys sign: made from the public key, so that no two hosts share one and
    /// nothing has to be configured. A public log is given a name of its own.
    ///
    /// # Errors
    /// The seed makes no key.
    pub fn origin(&self) -> Result<Origin, KeyError> {
        let unusable = || KeyError::Generate;
        let key = SigningKey::new("writ", SigningSeed::from_bytes(*self.checkpoint_seed))
            .map_err(|_| unusable())?;
        let name = Hash::of(key.verifying_key().to_text().as_bytes()).to_string();
        let (short, _) = name.split_at_checked(16).ok_or_else(unusable)?;
        Origin::new(&format!("writ.local/{short}")).map_err(|_| unusable())
    }

    /// What the ledger is opened with.
    pub fn ledger_keys(&self, origin: Origin) -> LedgerKeys {
        LedgerKeys {
            origin,
            signer: SigningSeed::from_bytes(*self.checkpoint_seed),
            vault_master: MasterKey::from_bytes(*self.vault_key),
        }
    }

    /// The P-256 key of writs as PKCS#8. For [`crate::writ::WritSigner`] only.
    pub fn writ_pkcs8(&self) -> &[u8] {
        &self.writ_pkcs8
    }
}

fn fixed(directory: &Path, name: &str, when_missing: WhenMissing) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let path = directory.join(name);
    let bytes = load_or_make(&path, when_missing, || {
        let mut fresh = Zeroizing::new(vec![0; 32]);
        SystemRandom::new().fill(&mut fresh).map_err(|_| KeyError::Generate)?;
        Ok(fresh)
    })?;
    let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| KeyError::Content { path })?;
    Ok(Zeroizing::new(key))
}

fn prepare(directory: &Path) -> Result<(), KeyError> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(source) => return Err(io_error("create", directory, source)),
    }
    let found = std::fs::symlink_metadata(directory).map_err(|e| io_error("look at", directory, e))?;
    if !found.is_dir() {
        return Err(KeyError::Kind { path: directory.to_owned() });
    }
    check(directory, &found)
}

fn load_or_make(
    path: &Path,
    when_missing: WhenMissing,
    make: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, KeyError>,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if let Some(key) = load(path)? {
        return Ok(key);
    }
    match when_missing {
        WhenMissing::Refuse => Err(KeyError::Missing { path: path.to_owned() }),
        WhenMissing::Make => {
            store(path, &make()?)?;
            // What counts is what lies there now: somebody else may have been first.
            load(path)?.ok_or_else(|| KeyError::Missing { path: path.to_owned() })
        }
    }
}

fn load(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(io_error("open", path, source)),
    };
    let found = file.metadata().map_err(|e| io_error("look at", path, e))?;
    if !found.is_file() {
        return Err(KeyError::Kind { path: path.to_owned() });
    }
    check(path, &found)?;
    let mut key = Zeroizing::new(Vec::with_capacity(256));
    file.take(MAX_KEY_BYTES).read_to_end(&mut key).map_err(|e| io_error("read", path, e))?;
    Ok(Some(key))
}

/// Puts a key at `path` so that after a crash there is the whole key or none, and never over another key.
fn store(path: &Path, key: &[u8]) -> Result<(), KeyError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(key)?;
        file.sync_all()?;
        match std::fs::hard_link(&draft, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        std::fs::remove_file(&draft)?;
        File::open(directory)?.sync_all()
    })();
    written.map_err(|source| {
        // A draft left behind would be a second copy of the key.
        let _ = std::fs::remove_file(&draft);
        io_error("write", path, source)
    })
}

fn check(path: &Path, found: &std::fs::Metadata) -> Result<(), KeyError> {
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(KeyError::Owner { path: path.to_owned() });
    }
    match found.mode() & 0o777 {
        mode if mode & 0o077 != 0 => Err(KeyError::Permissions { path: path.to_owned(), mode }),
        _ => Ok(()),
    }
}

fn io_error(what: &'static str, path: &Path, source: io::Error) -> KeyError {
    KeyError::Io { what, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
