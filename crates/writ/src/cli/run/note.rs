//! Notes of runs on what several of them rely on: the first writes down what it was, each holds a lock on the note as long as
//! it lives, and the last one takes it away.
//!
//! A note lies beside the folders of runs, where no task sees it. A lock on the thing itself would be worth nothing: whoever
//! can open a file or a folder to read can hold a lock on it, an agent too.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::digest;
use rustix::fs::{FlockOperation, flock};

/// What the name of a note ends in.
const ENDING: &str = "note";
/// Longest text of a note.
const MAX_BYTES: u64 = 1 << 20;
/// How often a lock is tried that others hold for moments only.
const MOST_TRIES: usize = 500;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(10);
/// Most notes that one run goes through.
const MOST_NOTES: usize = 10_000;

/// What a note is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sort {
    Login,
    StandIn,
}

/// Somebody who relies on something, and says so as long as this lives.
#[derive(Debug)]
pub(super) struct Note {
    file: File,
    path: PathBuf,
}

/// What of one is held while it is found out who is the first and who the last.
#[derive(Debug)]
pub(super) struct Guard {
    _file: File,
}

// === impl Note ===

impl Note {
    /// Takes part in the note on a path, and tells whether nobody else does. Notes are kept in `runs`.
    ///
    /// # Errors
    /// When it cannot be written or read.
    pub(super) fn take(runs: &Path, sort: Sort, about: &Path) -> io::Result<(Self, bool)> {
        let path = place(runs, sort, about);
        let file =
            File::options().create(true).truncate(false).read(true).write(true).mode(0o600).open(&path)?;
        let is_first = flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
        if is_first {
            // What a run wrote that was killed is older than anybody knows.
            file.set_len(0)?;
        }
        flock(&file, FlockOperation::NonBlockingLockShared)?;
        Ok((Self { file, path }, is_first))
    }

    /// Whether some run relies on a path.
    pub(super) fn is_held(runs: &Path, sort: Sort, about: &Path) -> bool {
        let Ok(file) = File::open(place(runs, sort, about)) else { return false };
        flock(&file, FlockOperation::NonBlockingLockExclusive).is_err()
    }

    /// Writes down what the thing is, in place of what stood there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }

    /// What the first of those who rely on it wrote down.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(&mut self) -> io::Result<String> {
        let mut text = String::new();
        self.file.rewind()?;
        (&self.file).take(MAX_BYTES).read_to_string(&mut text)?;
        Ok(text)
    }

    /// Whether nobody else relies on it any more. Then the note is gone.
    pub(super) fn is_last(&self) -> bool {
        let is_last = flock(&self.file, FlockOperation::NonBlockingLockExclusive).is_ok();
        if is_last {
            drop(fs::remove_file(&self.path));
        }
        is_last
    }
}

// === impl Guard ===

impl Guard {
    /// Waits for moments.
    ///
    /// # Errors
    /// When the lock cannot be made, or when somebody keeps it.
    pub(super) fn hold(runs: &Path) -> io::Result<Self> {
        let path = runs.with_file_name("notes.lock");
        let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(path)?;
        for _ in 0..MOST_TRIES {
            if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
                return Ok(Self { _file: file });
            }
            std::thread::sleep(PAUSE);
        }
        Err(io::ErrorKind::WouldBlock.into())
    }
}

/// Takes away the notes of runs that were killed.
pub(super) fn tidy(runs: &Path) {
    let Ok(_guard) = Guard::hold(runs) else { return };
    let entries = fs::read_dir(runs).into_iter().flatten().flatten().map(|entry| entry.path());
    let notes = entries.filter(|path| path.extension().is_some_and(|ending| ending == ENDING));
    for path in notes.take(MOST_NOTES) {
        let Some(file) = crate::config::open_regular(&path) else { continue };
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            drop(fs::remove_file(path));
        }
    }
}

fn place(runs: &Path, sort: Sort, about: &Path) -> PathBuf {
    let sort = match sort {
        Sort::Login => "login",
        Sort::StandIn => "stand-in",
    };
    let digest = digest::digest(&digest::SHA256, about.as_os_str().as_encoded_bytes());
    let name: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    runs.join(format!("{sort}-{name}.{ENDING}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_writes_and_the_last_takes_away() {
        let root = tempfile::tempdir().unwrap();
        let runs = root.path().join("run");
        fs::create_dir(&runs).unwrap();
        let about = Path::new("/some/thing");
        let take = || Note::take(&runs, Sort::StandIn, about).unwrap();
        let (mut first, is_first) = take();
        assert!(is_first);
        first.write("longer than what comes after").unwrap();
        first.write("known").unwrap();
        let (mut second, is_first) = take();
        assert!(!is_first && second.read().unwrap() == "known");
        assert!(Note::is_held(&runs, Sort::StandIn, about) && !Note::is_held(&runs, Sort::Login, about));
        tidy(&runs);
        assert!(!first.is_last());
        drop(first);
        assert_eq!(fs::read_dir(&runs).unwrap().count(), 1);
        assert!(second.is_last());
        assert_eq!(fs::read_dir(&runs).unwrap().count(), 0);
        // One that was killed leaves what it wrote, and nobody goes by that.
        drop(second);
        take().0.write("old").unwrap();
        let (mut next, is_first) = take();
        assert!(is_first && next.read().unwrap().is_empty());
        drop(next);
        tidy(&runs);
        assert_eq!(fs::read_dir(&runs).unwrap().count(), 0);
    }
}
