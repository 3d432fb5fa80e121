//! What a run puts on this machine for its time: on a list before it is put, so that the next run can take away what a
//! supervisor that was killed has left.
//!
//! Each run holds a lock on its list. A list that nobody holds is that of a run that ended without a word.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};
use serde::{Deserialize, Serialize};

use super::note::{self, Note, Sort};
use super::straight::{Identity, Place};
use crate::config::{open_regular, read_text};

/// What the name of a list ends in; before it stands the name of the run's folder.
const ENDING: &str = "put";
/// Largest list that is read.
const MAX_BYTES: u64 = 16 << 20;
/// Most lists that one run goes through.
const MOST_LISTS: usize = 1000;
/// How often a list is begun anew because another run takes its predecessor away.
const MOST_TRIES: usize = 20;
/// Longest text of a file that is put.
const MAX_TEXT_BYTES: u64 = 64;
/// How much later than its line what was never told as made can have been made.
const TOLERANCE_SECONDS: i64 = 1;

/// The list of one run, held as long as this lives.
#[derive(Debug)]
pub(super) struct Inventory {
    file: File,
    path: PathBuf,
}

/// One line: something that is about to be put, or that was.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    path: PathBuf,
    /// The text of a file; nothing for a folder.
    text: Option<String>,
    /// What it is known by; nothing while it is not there yet.
    identity: Option<Identity>,
}

// === impl Inventory ===

impl Inventory {
    /// Begins the list of a run whose folder lies in `runs` by this name.
    ///
    /// # Errors
    /// When the list cannot be made, or when somebody else holds it.
    pub(super) fn begin(runs: &Path, name: &str) -> std::io::Result<Self> {
        let path = runs.join(name).with_extension(ENDING);
        for _ in 0..MOST_TRIES {
            let file = File::options().create(true).append(true).mode(0o600).open(&path)?;
            // Between the two, another run may take it for one that nobody holds.
            if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() && is_at(&file, &path) {
                return Ok(Self { file, path });
            }
        }
        Err(std::io::ErrorKind::WouldBlock.into())
    }

    /// Notes what is about to be put. Where there is no room for a note, it is put all the same: it is what protects.
    pub(super) fn announce(&self, path: &Path, text: Option<&str>) {
        self.note(path, text, None);
    }

    /// Notes what was put, or is relied on.
    pub(super) fn know(&self, path: &Path, text: Option<&str>, identity: Identity) {
        self.note(path, text, Some(identity));
    }

    /// The folder that it lies in, with the notes of runs.
    pub(super) fn runs(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// A path that is no text gets no line.
    fn note(&self, path: &Path, text: Option<&str>, identity: Option<Identity>) {
        let line = Line { path: path.to_owned(), text: text.map(str::to_owned), identity };
        if let Ok(mut line) = serde_json::to_vec(&line) {
            line.push(b'\n');
            let _ = (&self.file).write_all(&line);
        }
    }

    /// Ends the list of a run that has put everything away.
    pub(super) fn end(&self) {
        drop(fs::remove_file(&self.path));
    }
}

/// Takes away what runs have left that were killed: what stood in, as far as it is still what was put, and their folders.
pub(super) fn tidy(runs: &Path) {
    let entries = fs::read_dir(runs).into_iter().flatten().flatten().map(|entry| entry.path());
    let lists = entries.filter(|path| path.extension().is_some_and(|ending| ending == ENDING));
    for list in lists.take(MOST_LISTS) {
        let Some(file) = open_regular(&list) else { continue };
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() || !is_at(&file, &list) {
            continue;
        }
        if !put_away(runs, &list, &file) {
            continue;
        }
        for folder in ["", "home"].map(|ending| list.with_extension(ending)) {
            drop(fs::remove_dir_all(folder));
        }
        drop(fs::remove_file(&list));
    }
    note::tidy(runs);
}

/// Whether everything that was put is gone, or a person's own by now. What another run relies on is left to it.
fn put_away(runs: &Path, list: &Path, file: &File) -> bool {
    let text = read_text(list, MAX_BYTES).unwrap_or_default();
    // The last line may be half of one: of what stands in it, nothing was made yet.
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    let mut last: BTreeMap<PathBuf, Line> = BTreeMap::new();
    for line in lines {
        last.insert(line.path.clone(), line);
    }
    let written_at = file.metadata().map_or(0, |found| found.mtime());
    let mut is_all = true;
    // What lies in a folder comes after it.
    for line in last.into_values().rev() {
        is_all &= line.put_away(runs, written_at);
    }
    is_all
}

/// Whether a path still leads to this very file.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(held), Ok(there)) = (file.metadata(), path.symlink_metadata()) else { return false };
    (held.dev(), held.ino()) == (there.dev(), there.ino())
}

// === impl Line ===

impl Line {
    /// Whether nobody needs it any more.
    fn put_away(&self, runs: &Path, written_at: i64) -> bool {
        let Self { path, text, identity } = self;
        if Note::is_held(runs, Sort::StandIn, path) {
            return false;
        }
        let how = match identity {
            Some(identity) => Known::By(*identity),
            None => Known::Before(written_at.saturating_add(TOLERANCE_SECONDS)),
        };
        put_away_one(path, text.as_deref(), how);
        true
    }
}

/// How something is known for what was put.
#[derive(Clone, Copy)]
pub(super) enum Known {
    By(Identity),
    /// It was never told as made, and was there by this second.
    Before(i64),
}

/// Takes away what was put, as far as it is still that: an empty folder, or a file with this text.
pub(super) fn put_away_one(path: &Path, text: Option<&str>, how: Known) {
    // Whoever works there can have put a link in the place of a folder around it.
    let Ok(place) = Place::of(path) else { return };
    let Ok(file) = place.open(OFlags::RDONLY) else { return };
    let Ok(found) = file.metadata() else { return };
    let is_ours = match how {
        Known::By(identity) => Identity::of(&file) == Some(identity),
        Known::Before(second) => found.ctime() <= second,
    };
    let is_kind = if text.is_some() { found.is_file() } else { found.is_dir() };
    if !is_ours || !is_kind {
        return;
    }
    if let Some(text) = text {
        let mut bytes = Vec::new();
        let read = file.take(MAX_TEXT_BYTES.saturating_add(1)).read_to_end(&mut bytes);
        // One that was killed while it wrote has written the beginning.
        let is_begun = matches!(how, Known::Before(_)) && text.as_bytes().starts_with(&bytes);
        if read.is_err() || !(bytes == text.as_bytes() || is_begun) {
            return;
        }
    }
    // Not when something lies in a folder by now.
    let _ = place.remove(text.is_none());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(path: &Path) -> Identity {
        Identity::of(&File::open(path).unwrap()).unwrap()
    }

    #[test]
    fn what_was_left_goes_and_what_is_a_persons_own_stays() {
        let root = tempfile::tempdir().unwrap();
        let (runs, at) = (root.path().join("run"), |name: &str| root.path().join(name));
        fs::create_dir_all(runs.join("tsk_1")).unwrap();
        fs::write(runs.join("tsk_1/x"), "").unwrap();
        let list = Inventory::begin(&runs, "tsk_1").unwrap();
        let folder = |name: &str| {
            list.announce(&at(name), None);
            fs::create_dir(at(name)).unwrap();
            list.know(&at(name), None, identity(&at(name)));
        };
        for name in ["empty", "filled", "busy", "outer", "outer/inner"] {
            folder(name);
        }
        for (name, text) in [("same", ".\n"), ("changed", "")] {
            list.announce(&at(name), Some(text));
            fs::write(at(name), text).unwrap();
            list.know(&at(name), Some(text), identity(&at(name)));
        }
        list.announce(&at("begun"), Some(".\n"));
        fs::write(at("begun"), "").unwrap();
        list.announce(&at("never"), None);
        list.announce(&at("link"), None);
        std::os::unix::fs::symlink(at("filled"), at("link")).unwrap();
        fs::write(at("filled/notes"), "").unwrap();
        fs::write(at("changed"), "mine").unwrap();
        // Exchanged for another of the same look.
        fs::rename(at("same"), at("kept")).unwrap();
        fs::write(at("same"), ".\n").unwrap();
        tidy(&runs);
        assert!(
            at("empty").exists() && runs.join("tsk_1").exists(),
            "nobody takes a run's own while it goes on"
        );
        drop(list);
        let busy = Note::take(&runs, Sort::StandIn, &at("busy")).unwrap();
        // Whoever works there can hold a lock on the thing itself, and that says nothing.
        let locked = File::open(at("empty")).unwrap();
        flock(&locked, FlockOperation::LockShared).unwrap();
        tidy(&runs);
        for name in ["empty", "outer", "begun", "never"] {
            assert!(!at(name).exists(), "{name}");
        }
        for name in ["filled/notes", "busy", "same", "kept", "changed", "link", "run/tsk_1.put"] {
            assert!(at(name).exists(), "{name}");
        }
        drop(busy);
        tidy(&runs);
        assert!(!at("busy").exists());
        assert_eq!(fs::read_dir(&runs).unwrap().count(), 0);
    }

    #[test]
    fn a_list_that_is_no_list_takes_nothing_away() {
        let root = tempfile::tempdir().unwrap();
        let kept = root.path().join("kept");
        fs::create_dir(&kept).unwrap();
        let line = format!("{{\"path\":{kept:?},\"text\":null,\"identity\":[1,2]}}\n{{\"path\":");
        for text in ["", "x", "{}", &line] {
            fs::write(root.path().join("tsk_1.put"), text).unwrap();
            tidy(root.path());
            assert!(kept.exists(), "{text}");
            assert!(!root.path().join("tsk_1.put").exists(), "{text}");
        }
    }
}
