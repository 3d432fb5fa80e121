//! Reading one file that may be anything by now: a pipe, a device, a gigabyte, or changing.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use thiserror::Error;

/// Why a file was not read.
#[derive(Debug, Error)]
pub enum ReadError {
    #[error("the file changed while it was read")]
    Changed,
    #[error("this is no regular file")]
    NotRegular,
    #[error("the file is longer than {0} bytes")]
    TooLong(usize),
    #[error("could not read the file")]
    Unreadable(#[source] std::io::Error),
}

/// Reads a regular file of at most `most` bytes as it was at one moment.
///
/// Opening waits for nobody, so a pipe in the file's place does no harm; what is opened is looked at before it is read.
///
/// # Errors
///
/// [`ReadError`]; a file that is written to meanwhile is not guessed at.
pub fn read_regular(path: &Path, most: usize) -> Result<Vec<u8>, ReadError> {
    let bytes = read_head(path, most.saturating_add(1))?;
    if bytes.len() > most { Err(ReadError::TooLong(most)) } else { Ok(bytes) }
}

/// The same of at most the first `most` bytes of a file, however long it is.
///
/// # Errors
///
/// [`ReadError`], but never [`ReadError::TooLong`].
pub fn read_head(path: &Path, most: usize) -> Result<Vec<u8>, ReadError> {
    let (mut file, before) = open_regular(path)?;
    let expected = usize::try_from(before.len()).unwrap_or(usize::MAX).min(most);
    let mut bytes = Vec::with_capacity(expected);
    file.by_ref().take(most as u64).read_to_end(&mut bytes).map_err(ReadError::Unreadable)?;
    let after = file.metadata().map_err(ReadError::Unreadable)?;
    let moment = |facts: &std::fs::Metadata| (facts.len(), facts.mtime(), facts.mtime_nsec());
    if moment(&before) != moment(&after) {
        return Err(ReadError::Changed);
    }
    Ok(bytes)
}

/// Opens a regular file to read, without waiting for anybody, and tells what was opened.
pub(crate) fn open_regular(path: &Path) -> Result<(File, Metadata), ReadError> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened =
        rustix::fs::open(path, flags, Mode::empty()).map_err(|error| ReadError::Unreadable(error.into()))?;
    let file = File::from(opened);
    let found = file.metadata().map_err(ReadError::Unreadable)?;
    if found.is_file() { Ok((file, found)) } else { Err(ReadError::NotRegular) }
}
