//! The pack of a push on disk, as it was received: nothing of it is held in memory.

use std::io;
use std::path::{Path, PathBuf};

use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufWriter};

/// Largest pack that is taken, in bytes.
pub const MAX_PACK_BYTES: u64 = 2 << 30;
/// How much is written and handed on at a time: each goes by way of another thread.
pub(super) const PIECE_BYTES: usize = 256 << 10;
/// `PACK`, version, number of objects (gitformat-pack).
const HEADER_BYTES: usize = 12;

#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("the pack is larger than {MAX_PACK_BYTES} bytes; push in parts")]
    TooLarge,
    #[error("could not keep the pack")]
    Disk(#[source] io::Error),
    #[error("what follows the commands is no pack")]
    NoPack,
}

/// A pack that is being received.
#[derive(Debug)]
pub(super) struct Spool {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
    header: Vec<u8>,
}

// === impl Spool ===

impl Spool {
    pub(super) async fn within(folder: &Path) -> Result<Self, SpoolError> {
        let path = folder.join("received.pack");
        let file = File::options()
            .create_new(true)
            .write(true)
            .read(true)
            .mode(0o600)
            .open(&path)
            .await
            .map_err(SpoolError::Disk)?;
        let file = BufWriter::with_capacity(PIECE_BYTES, file);
        Ok(Self { path, file, bytes: 0, header: Vec::with_capacity(HEADER_BYTES) })
    }

    pub(super) async fn take(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        if self.header.len() < HEADER_BYTES {
            let lacking = HEADER_BYTES - self.header.len();
            self.header.extend(bytes.iter().take(lacking));
            if !b"PACK".iter().zip(&self.header).all(|(ours, theirs)| ours == theirs) {
                return Err(SpoolError::NoPack);
            }
        }
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.bytes > MAX_PACK_BYTES {
            return Err(SpoolError::TooLarge);
        }
        self.file.write_all(bytes).await.map_err(SpoolError::Disk)
    }

    /// All of it is in the file once this returns.
    pub(super) async fn finish(&mut self) -> Result<(), SpoolError> {
        if self.header.len() < HEADER_BYTES {
            return Err(SpoolError::NoPack);
        }
        self.file.flush().await.map_err(SpoolError::Disk)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The pack from its beginning.
    pub(super) async fn reader(&self) -> Result<SpoolReader, SpoolError> {
        let file = File::open(&self.path).await.map_err(SpoolError::Disk)?;
        Ok(SpoolReader { file, left: self.bytes })
    }
}

/// Reads what was received.
#[derive(Debug)]
pub(super) struct SpoolReader {
    file: File,
    left: u64,
}

// === impl SpoolReader ===

impl SpoolReader {
    /// The next piece; empty at the end.
    pub(super) async fn next(&mut self) -> Result<Vec<u8>, SpoolError> {
        let wanted = usize::try_from(self.left).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        let mut piece = vec![0; wanted];
        self.file.read_exact(&mut piece).await.map_err(SpoolError::Disk)?;
        self.left -= u64::try_from(wanted).unwrap_or_default();
        Ok(piece)
    }
}
