//! What the judge must know of the file system, asked one entry at a time.

use std::path::{Path, PathBuf};

/// What stands at one path, links not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A link, with its target as it is written in it.
    Link(PathBuf),
    /// Nothing.
    Missing,
    /// A file, a folder, or anything else that is no link.
    Plain,
    /// Something that could not be looked at. The path cannot be placed.
    Unreadable,
}

/// Which file stands at a path, by the numbers of the file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Device and inode: two paths with the same pair are one file.
    pub file: (u64, u64),
    /// Under how many names the file is known; 1 for a folder.
    pub names: u64,
    /// Which mount it was reached through.
    pub mount: u64,
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub name: String,
    /// A folder itself, and no link to one.
    pub is_folder: bool,
}

/// Looks at the file system for the judge. An implementation reads one entry and follows nothing.
///
/// Only [`Files::entry`] is needed to place a path. The others find files that are reached by a second name; where an
/// implementation cannot tell, the answer rests on names alone.
pub trait Files {
    fn entry(&self, path: &Path) -> Entry;

    /// Which file stands there, links not followed. `None` where nothing does, or nobody can tell.
    fn status(&self, path: &Path) -> Option<Status> {
        let _ = path;
        None
    }

    /// The other real path of a file that is reached through a mount that shows a folder a second time (a bind mount).
    /// `None` where there is no other, or nobody can tell.
    fn origin(&self, path: &Path) -> Option<PathBuf> {
        let _ = path;
        None
    }

    /// The text of a regular file of at most `most` bytes of UTF-8, reached through no link that leads out of `root`. Never
    /// waits for another process. `None` for everything else, or where nobody can tell.
    fn text(&self, root: &Path, path: &Path, most: u64) -> Option<String> {
        let _ = (root, path, most);
        None
    }

    /// Whether a file, by its real path, is empty where the command runs, whatever stands in it here.
    fn is_blank(&self, path: &Path) -> bool {
        let _ = path;
        false
    }

    /// The names in a folder, at most `most`, in any order. Empty where it cannot be listed.
    fn names(&self, folder: &Path, most: usize) -> Vec<Name> {
        let _ = (folder, most);
        Vec::new()
    }
}

/// A file system without links, for where none can be looked at: paths are resolved by their text alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lexical;

impl Files for Lexical {
    fn entry(&self, _path: &Path) -> Entry {
        Entry::Plain
    }
}
