//! What folders held at the last scan, so that the next one reads only folders that changed.
//!
//! A folder's modification time changes whenever a name in it comes, goes or is replaced. Trusted: no more than the tree
//! itself; whoever can write the cache can hide a file from a scan, as whoever can write the tree can, so it lies in the
//! state folder, readable and writable by its owner alone.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::{Listing, NoteKind};

/// A folder that changed this shortly before the scan may change again without showing it in its time.
const SETTLED_SECONDS: i64 = 2;
/// Longest cache that is read, in bytes.
pub const MAX_CACHE_BYTES: usize = 256 << 20;
const HEAD: &[u8] = b"writ scan 3\n";

/// When a folder was as it is listed: device, inode, and its times of modification and change in nanoseconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Moment {
    device: u64,
    inode: u64,
    modified: i128,
    changed: i128,
}

/// By the bytes of their paths: to compare paths part by part takes longer than all else here.
type Folders = HashMap<Vec<u8>, (Moment, Arc<Listing>)>;

/// Folders as they were, and as they are.
#[derive(Debug, Default)]
pub struct Cache {
    before: Folders,
    now: Mutex<Folders>,
    /// Seconds of the clock at the start of the scan.
    started: i64,
}

// === impl Cache ===

impl Cache {
    /// A cache out of what [`Cache::bytes`] gave; anything else is as good as none. `now` is the time of the clock, in
    /// seconds.
    pub fn new(bytes: &[u8], now: i64) -> Self {
        Self { before: read(bytes).unwrap_or_default(), now: Mutex::default(), started: now }
    }

    /// What to keep for the next scan.
    pub fn bytes(&self) -> Vec<u8> {
        let now = self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut out = HEAD.to_vec();
        let mut now: Vec<_> = now.iter().collect();
        now.sort_unstable_by_key(|(path, _)| *path);
        for (path, (moment, listing)) in now {
            field(&mut out, path);
            for number in [moment.device, moment.inode, listing.entries, u64::from(listing.is_repository)] {
                out.extend(number.to_le_bytes());
            }
            out.extend(moment.modified.to_le_bytes());
            out.extend(moment.changed.to_le_bytes());
            for names in [&listing.folders, &listing.links, &listing.hits] {
                out.extend((names.len() as u64).to_le_bytes());
                names.iter().for_each(|name| field(&mut out, name.as_bytes()));
            }
        }
        out
    }

    /// The folder's listing: as kept when the folder has not changed since, else read anew.
    pub(super) fn listing(
        &self,
        relative: &Path,
        path: &Path,
        read: impl FnOnce() -> std::io::Result<Listing>,
    ) -> std::io::Result<Arc<Listing>> {
        let facts = std::fs::metadata(path)?;
        let moment = Moment {
            device: facts.dev(),
            inode: facts.ino(),
            modified: i128::from(facts.mtime()) * 1_000_000_000 + i128::from(facts.mtime_nsec()),
            changed: i128::from(facts.ctime()) * 1_000_000_000 + i128::from(facts.ctime_nsec()),
        };
        let relative = relative.as_os_str().as_bytes();
        let listing = match self.before.get(relative) {
            Some((then, listing)) if *then == moment => Arc::clone(listing),
            _ => Arc::new(read()?),
        };
        let settled = facts.ctime().max(facts.mtime()) < self.started - SETTLED_SECONDS;
        // What has notes is looked at again each time, so that they are told each time.
        if settled && listing.notes.is_empty() {
            let mut now = self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            now.insert(relative.to_owned(), (moment, Arc::clone(&listing)));
        }
        Ok(listing)
    }
}

fn field(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u64).to_le_bytes());
    out.extend(bytes);
}

fn read(bytes: &[u8]) -> Option<Folders> {
    let mut rest = bytes.strip_prefix(HEAD)?;
    let mut folders = Folders::new();
    while !rest.is_empty() {
        let path = name(&mut rest)?.into_vec();
        let (device, inode) = (number(&mut rest)?, number(&mut rest)?);
        let (entries, is_repository) = (number(&mut rest)?, number(&mut rest)? == 1);
        let (modified, changed) = (wide(&mut rest)?, wide(&mut rest)?);
        let moment = Moment { device, inode, modified, changed };
        let folders_in = names(&mut rest)?;
        let links = names(&mut rest)?;
        let hits = names(&mut rest)?;
        let notes: Vec<(OsString, NoteKind)> = Vec::new();
        let listing = Listing { folders: folders_in, links, hits, is_repository, notes, entries };
        folders.insert(path, (moment, Arc::new(listing)));
    }
    Some(folders)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(take(rest, 8)?.try_into().ok()?))
}

fn wide(rest: &mut &[u8]) -> Option<i128> {
    Some(i128::from_le_bytes(take(rest, 16)?.try_into().ok()?))
}

fn name(rest: &mut &[u8]) -> Option<OsString> {
    let length = usize::try_from(number(rest)?).ok()?;
    Some(OsString::from_vec(take(rest, length)?.to_vec()))
}

fn names(rest: &mut &[u8]) -> Option<Vec<OsString>> {
    let count = number(rest)?;
    let mut names = Vec::new();
    for _ in 0..count {
        names.push(name(rest)?);
    }
    Some(names)
}
