//! Space kept back so that a full disk cannot stop the recording of a revocation.
//!
//! The reserve is a file of allocated blocks beside the ledger. When a revocation does not fit, the file is emptied
//! and the commit tried again. From then on only revocations are taken, until the reserve could be filled again: what
//! it freed must not be eaten by ordinary entries.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

/// Enough for thousands of revocations, each a few pages of the write-ahead log.
pub(super) const RESERVE_BYTES: u64 = 8 * 1024 * 1024;
const RESERVE: &str = "reserve";

pub(super) struct Reserve {
    file: File,
    bytes: u64,
    filled: bool,
}

impl Reserve {
    /// Opens the reserve and fills it if there is room.
    pub fn open(directory: &Path, bytes: u64) -> io::Result<Self> {
        let path = directory.join(RESERVE);
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
        let mut reserve = Self { file, bytes, filled: false };
        reserve.fill();
        Ok(reserve)
    }

    /// Whether the space is there to be released.
    pub const fn is_filled(&self) -> bool {
        self.filled
    }

    /// Tries to take the space; says whether it is there now.
    pub fn fill(&mut self) -> bool {
        if !self.filled {
            self.filled = self.allocate().is_ok();
            if !self.filled {
                // Half a reserve would only take room from the revocations to come.
                let _ = self.file.set_len(0);
            }
        }
        self.filled
    }

    /// Gives the space back to the file system.
    pub fn release(&mut self) -> io::Result<()> {
        self.filled = false;
        self.file.set_len(0)?;
        self.file.sync_all()
    }

    fn allocate(&self) -> io::Result<()> {
        match fallocate(&self.file, FallocateFlags::empty(), 0, self.bytes) {
            Ok(()) => self.file.sync_all(),
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.write_zeros(),
            Err(error) => Err(error.into()),
        }
    }

    /// For file systems that cannot allocate: real blocks, really written.
    fn write_zeros(&self) -> io::Result<()> {
        let zeros = [0; 64 * 1024];
        let mut at = 0;
        while at < self.bytes {
            let part = usize::try_from(self.bytes - at).unwrap_or(usize::MAX).min(zeros.len());
            self.file.write_all_at(zeros.get(..part).unwrap_or(&zeros), at)?;
            at += part as u64;
        }
        self.file.sync_all()
    }
}
