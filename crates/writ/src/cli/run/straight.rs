//! What lies at a path, without a link on the way.
//!
//! A task writes in the workspace. It can put a link in the place of a folder at any time, so whoever outside makes or takes
//! away something there by its path would do so wherever that link leads. Here the folder is opened first, without following
//! any link, and everything is done in the folder that was opened.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags};
use serde::{Deserialize, Serialize};

/// A name in a folder that is open.
#[derive(Debug)]
pub(super) struct Place {
    folder: OwnedFd,
    name: OsString,
}

/// What a file or folder is known by. One that takes the inode of another that is gone was made later.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    /// When it was made, in nanoseconds since 1970, where the file system keeps that.
    born: Option<u64>,
}

// === impl Place ===

impl Place {
    /// The place of an absolute path.
    ///
    /// # Errors
    /// When the folder around it is not there, or is reached by a link.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let (Some(around), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::openat2(CWD, around, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)?;
        Ok(Self { folder, name: name.to_owned() })
    }

    /// Opens what lies there, which may be anything but a link; nothing is waited for.
    ///
    /// # Errors
    /// When it is not there, is a link, or may not be opened so.
    pub(super) fn open(&self, how: OFlags) -> io::Result<File> {
        let flags = how | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.folder, &self.name, flags, Mode::empty())?.into())
    }

    /// Makes a folder, as a person's own program would.
    ///
    /// # Errors
    /// When something is there, or nothing may be made.
    pub(super) fn make_folder(&self) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(&self.folder, &self.name, Mode::from_raw_mode(0o777))?)
    }

    /// Makes a file.
    ///
    /// # Errors
    /// When something is there, or nothing may be made.
    pub(super) fn make_file(&self) -> io::Result<File> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.folder, &self.name, flags, Mode::from_raw_mode(0o666))?.into())
    }

    /// Takes away a file, or a folder with nothing in it.
    ///
    /// # Errors
    /// When it is no such thing, or may not be taken away.
    pub(super) fn remove(&self, is_folder: bool) -> io::Result<()> {
        let flags = if is_folder { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        Ok(rustix::fs::unlinkat(&self.folder, &self.name, flags)?)
    }
}

// === impl Identity ===

impl Identity {
    pub(super) fn of(file: &File) -> Option<Self> {
        let found = file.metadata().ok()?;
        let born = found.created().ok().and_then(|born| born.duration_since(UNIX_EPOCH).ok());
        let born = born.and_then(|born| u64::try_from(born.as_nanos()).ok());
        Some(Self { device: found.dev(), inode: found.ino(), born })
    }
}

/// The text of a file at an absolute path without links, of at most `limit` bytes; nothing when it is no such file.
pub(super) fn text(path: &Path, limit: u64) -> Option<String> {
    let file = Place::of(path).and_then(|place| place.open(OFlags::RDONLY)).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    let count = file.take(limit.saturating_add(1)).read_to_string(&mut text).ok()?;
    (u64::try_from(count).unwrap_or(u64::MAX) <= limit).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_a_link_in_the_place_of_a_folder_leads_nowhere() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("real/empty")).unwrap();
        std::fs::write(root.join("real/file"), "text").unwrap();
        std::os::unix::fs::symlink("real", root.join("link")).unwrap();
        std::os::unix::fs::symlink("file", root.join("real/other")).unwrap();
        assert!(Place::of(&root.join("link/empty")).is_err());
        assert_eq!(text(&root.join("link/file"), 9), None);
        assert_eq!(text(&root.join("real/other"), 9), None);
        assert_eq!(text(&root.join("real/file"), 3), None);
        assert_eq!(text(&root.join("real/file"), 4).as_deref(), Some("text"));
        // What was opened stays what it is.
        let place = Place::of(&root.join("real/empty")).unwrap();
        std::fs::rename(root.join("real"), root.join("moved")).unwrap();
        std::fs::create_dir_all(root.join("real/empty")).unwrap();
        place.remove(true).unwrap();
        assert!(root.join("real/empty").exists() && !root.join("moved/empty").exists());
    }

    #[test]
    fn what_is_made_anew_is_another_one() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("folder");
        let made = || {
            std::fs::create_dir(&path).unwrap();
            let identity = Identity::of(&File::open(&path).unwrap()).unwrap();
            std::fs::remove_dir(&path).unwrap();
            identity
        };
        let first = made();
        // The kernel's clock for files moves in steps.
        let start = std::time::Instant::now();
        while start.elapsed() < std::time::Duration::from_millis(20) {
            std::thread::yield_now();
        }
        assert!(first.born.is_none() || first != made());
    }
}
