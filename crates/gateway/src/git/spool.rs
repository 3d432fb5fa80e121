//! The pack of a push on disk, as it was received: a piece of it is held in memory, and no more. It can be read from its
//! beginning while the rest still arrives.

use std::io;
use std::path::{Path, PathBuf};

use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;

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
    file: File,
    /// Received, and not yet in the file.
    piece: Vec<u8>,
    bytes: u64,
    header: Vec<u8>,
    lies: watch::Sender<Lies>,
}

/// How much of a pack is in its file.
#[derive(Clone, Copy, Debug, Default)]
struct Lies {
    bytes: u64,
    is_whole: bool,
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
        let (piece, header) = (Vec::with_capacity(PIECE_BYTES), Vec::with_capacity(HEADER_BYTES));
        Ok(Self { path, file, piece, bytes: 0, header, lies: watch::Sender::default() })
    }

    pub(super) async fn take(&mut self, mut bytes: &[u8]) -> Result<(), SpoolError> {
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
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PIECE_BYTES - self.piece.len()));
            self.piece.extend_from_slice(now);
            bytes = later;
            if self.piece.len() == PIECE_BYTES {
                self.lay().await?;
            }
        }
        Ok(())
    }

    /// All of it is in the file once this returns.
    pub(super) async fn finish(&mut self) -> Result<(), SpoolError> {
        if self.header.len() < HEADER_BYTES {
            return Err(SpoolError::NoPack);
        }
        self.lay().await?;
        self.lies.send_modify(|lies| lies.is_whole = true);
        Ok(())
    }

    /// Puts into the file what is held.
    async fn lay(&mut self) -> Result<(), SpoolError> {
        self.file.write_all(&self.piece).await.map_err(SpoolError::Disk)?;
        self.file.flush().await.map_err(SpoolError::Disk)?;
        let length = u64::try_from(self.piece.len()).unwrap_or_default();
        self.lies.send_modify(|lies| lies.bytes += length);
        self.piece.clear();
        Ok(())
    }

    /// The pack from its beginning, while it arrives.
    pub(super) async fn arriving(&self) -> Result<Arriving, SpoolError> {
        let file = File::open(&self.path).await.map_err(SpoolError::Disk)?;
        Ok(Arriving { file, at: 0, lies: self.lies.subscribe() })
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

/// Reads what is being received.
#[derive(Debug)]
pub struct Arriving {
    file: File,
    at: u64,
    lies: watch::Receiver<Lies>,
}

// === impl Arriving ===

impl Arriving {
    /// The next bytes, once there are some; none at the end.
    ///
    /// # Errors
    /// When the pack was given up before its end, or the disk fails.
    pub async fn next(&mut self) -> io::Result<Vec<u8>> {
        let at = self.at;
        let lies = self.lies.wait_for(|lies| lies.bytes > at || lies.is_whole).await;
        let lies = *lies.map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let wanted = usize::try_from(lies.bytes - at).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        let mut piece = vec![0; wanted];
        self.file.read_exact(&mut piece).await?;
        self.at += u64::try_from(wanted).unwrap_or_default();
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(length: usize) -> Vec<u8> {
        let mut pack = b"PACK\0\0\0\x02\0\0\0\x01".to_vec();
        pack.extend((pack.len()..length).map(|at| (at % 251) as u8));
        pack
    }

    /// Whatever the pieces and whoever is first, the reader gets all that was received, and nothing before it is there.
    #[tokio::test]
    async fn what_arrives_is_read_as_it_was_received() {
        for (length, piece) in [
            (12, 1),
            (13, 13),
            (PIECE_BYTES, 4_096),
            (PIECE_BYTES + 1, 70_000),
            (3 * PIECE_BYTES + 7, 1 << 20),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let mut spool = Spool::within(folder.path()).await.unwrap();
            let mut arriving = spool.arriving().await.unwrap();
            let reading = tokio::spawn(async move {
                let mut all = Vec::new();
                loop {
                    let piece = arriving.next().await.unwrap();
                    if piece.is_empty() {
                        return all;
                    }
                    all.extend(piece);
                }
            });
            let pack = pack(length);
            for piece in pack.chunks(piece) {
                spool.take(piece).await.unwrap();
            }
            spool.finish().await.unwrap();
            assert_eq!(reading.await.unwrap(), pack, "{length} {piece}");
            assert_eq!(spool.bytes(), length as u64);
        }
    }

    #[tokio::test]
    async fn a_pack_that_is_given_up_has_no_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::within(folder.path()).await.unwrap();
        let mut arriving = spool.arriving().await.unwrap();
        spool.take(&pack(PIECE_BYTES + 100)).await.unwrap();
        assert_eq!(arriving.next().await.unwrap().len(), PIECE_BYTES);
        drop(spool);
        assert!(arriving.next().await.is_err());
    }
}
