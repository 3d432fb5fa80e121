//! One walk through a workspace for several readers: each folder is read once, and each reader says on its own how far it
//! goes.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::FileType;
use std::io;
use std::path::{Path, PathBuf};

/// Most folders that are told as closed.
const MOST_CLOSED: usize = 4_001;

/// A name in a folder, with what it is; of a link, that it is one.
pub(super) type Entry = (OsString, FileType);

/// Somebody who looks at the folders of a walk.
pub(super) trait Reader {
    /// What it knows of a folder before it looks into it.
    type Place;

    /// How many names of the next folder it would look at.
    fn most(&self) -> usize;

    /// Looks at a folder, by its path below the root, and tells into which of its folders it wants to go, by their place in
    /// the list and in its order.
    fn read(&mut self, path: &Path, place: Self::Place, entries: &[Entry]) -> Vec<(usize, Self::Place)>;
}

/// A folder that is still to be read, by whoever has a place for it.
struct Open<A: Reader, B: Reader> {
    path: PathBuf,
    one: Option<A::Place>,
    other: Option<B::Place>,
}

/// Walks level by level, so that what lies deep or in crowds comes last. Gives folders that could not be looked into, by
/// their paths below the root: nobody knows what is in them, and their owner can open them again at any time.
pub(super) fn walk<A: Reader, B: Reader>(
    root: &Path,
    one: (&mut A, A::Place),
    other: (&mut B, B::Place),
) -> Vec<PathBuf> {
    let mut closed = Vec::new();
    let ((one, at_one), (other, at_other)) = (one, other);
    let mut open: VecDeque<Open<A, B>> =
        VecDeque::from([Open { path: PathBuf::new(), one: Some(at_one), other: Some(at_other) }]);
    while let Some(folder) = open.pop_front() {
        let most = [folder.one.as_ref().map(|_| one.most()), folder.other.as_ref().map(|_| other.most())];
        let most = most.into_iter().flatten().max().unwrap_or_default();
        let entries = entries(&root.join(&folder.path), most).unwrap_or_else(|Closed| {
            if closed.len() < MOST_CLOSED {
                closed.push(folder.path.clone());
            }
            Vec::new()
        });
        let ones = folder.one.map(|place| one.read(&folder.path, place, &entries)).unwrap_or_default();
        let others = folder.other.map(|place| other.read(&folder.path, place, &entries)).unwrap_or_default();
        let (mut ones, mut others) = (ones.into_iter().peekable(), others.into_iter().peekable());
        loop {
            let at = match (ones.peek(), others.peek()) {
                (Some((one, _)), Some((other, _))) => *one.min(other),
                (Some((at, _)), None) | (None, Some((at, _))) => *at,
                (None, None) => break,
            };
            let Some((name, _)) = entries.get(at) else { break };
            open.push_back(Open {
                path: folder.path.join(name),
                one: ones.next_if(|(found, _)| *found == at).map(|(_, place)| place),
                other: others.next_if(|(found, _)| *found == at).map(|(_, place)| place),
            });
        }
    }
    closed
}

/// A folder that this user may not list, or whose names lead to nothing for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Closed;

/// What lies in a folder: at most one name more than are looked at.
///
/// # Errors
/// When not all of that can be looked at. A folder that is gone has nothing.
pub(super) fn entries(folder: &Path, most: usize) -> Result<Vec<Entry>, Closed> {
    let found = listed(folder, most);
    match found {
        Ok(entries) => Ok(entries),
        Err(_) if is_gone(folder) => Ok(Vec::new()),
        Err(_) => Err(Closed),
    }
}

fn listed(folder: &Path, most: usize) -> io::Result<Vec<Entry>> {
    let entries = std::fs::read_dir(folder)?;
    // Names can be listed where nothing of what they lead to can be seen.
    folder.join(".").symlink_metadata()?;
    let mut found = Vec::new();
    for entry in entries.take(most.saturating_add(1)) {
        let entry = entry?;
        match entry.file_type() {
            Ok(kind) => found.push((entry.file_name(), kind)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Whether a folder is there and cannot be looked into.
pub(super) fn is_closed(folder: &Path) -> bool {
    entries(folder, 0).is_err()
}

fn is_gone(folder: &Path) -> bool {
    folder.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// A reader who wants nothing, where there is only one.
pub(super) struct Nobody;

// === impl Nobody ===

impl Reader for Nobody {
    type Place = ();

    fn most(&self) -> usize {
        0
    }

    fn read(&mut self, _: &Path, (): (), _: &[Entry]) -> Vec<(usize, ())> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goes into folders whose name begins with its letter, or with `both`.
    struct Of(char, Vec<String>);

    impl Reader for Of {
        type Place = usize;

        fn most(&self) -> usize {
            3
        }

        fn read(&mut self, path: &Path, depth: usize, entries: &[Entry]) -> Vec<(usize, usize)> {
            self.1.push(format!("{}:{depth}:{}", path.display(), entries.len()));
            let is_mine = |name: &OsString| {
                let name = name.to_string_lossy();
                name.starts_with(self.0) || name.starts_with("both")
            };
            let mine = entries.iter().enumerate().filter(|(_, (name, kind))| kind.is_dir() && is_mine(name));
            mine.map(|(at, _)| (at, depth + 1)).collect()
        }
    }

    #[test]
    fn each_reader_sees_its_own_folders_and_no_more_names_than_it_wants() {
        let root = tempfile::tempdir().unwrap();
        for name in [
            "a/a/x",
            "a/z",
            "both/both/1",
            "both/both/2",
            "both/both/3",
            "both/both/4",
            "both/both/5",
            "z/a/y",
        ] {
            std::fs::create_dir_all(root.path().join(name)).unwrap();
        }
        let (mut a, mut z) = (Of('a', Vec::new()), Of('z', Vec::new()));
        walk(root.path(), (&mut a, 0), (&mut z, 0));
        for (of, mut seen, wanted) in [
            ("a", a.1, vec![":0:3", "a/a:2:1", "a:1:2", "both/both:2:4", "both:1:1"]),
            ("z", z.1, vec![":0:3", "both/both:2:4", "both:1:1", "z:1:1"]),
        ] {
            seen.sort();
            assert_eq!(seen, wanted, "{of}");
        }
        let mut alone = Of('a', Vec::new());
        walk(root.path(), (&mut alone, 0), (&mut Nobody, ()));
        assert_eq!(alone.1.len(), 5);
    }
}
