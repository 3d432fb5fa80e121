//! Files that were written from untrusted input, from private data or from secrets.
//!
//! A mark stands under a keyed digest of the path, so that it can be recorded and handed to the next task of the same
//! workspace without the path. A mark on a folder holds for all below it. Marks only come; one goes when its file is
//! gone or a person clears it.

use std::collections::BTreeMap;
use std::path::Path;

use aws_lc_rs::hmac;
use writ_model::{Digest, SourceKind, Touch};

use crate::place::{Entry, Files};

/// Most marked files of a workspace. Beyond, every file counts as marked until a person clears some.
pub const MARKS: usize = 4096;

/// Most folders above a path that are looked up.
const FOLDERS: usize = 64;

/// The secret under which paths of one workspace become digests.
#[derive(Clone)]
pub struct PathKey(hmac::Key);

/// What a file was written from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Where its content came from.
    pub from: SourceKind,
    /// The host, path, package or tool, bounded and safe to show. Empty where that was erased.
    pub what: Box<str>,
    /// The file came in as a whole: it was fetched, unpacked or copied. Otherwise a part of it was written by the agent
    /// after what it had read.
    pub whole: bool,
}

/// A file and what it was written from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    pub file: Digest,
    /// Its real path, where it is known: a mark from an earlier task may have lost it.
    pub path: Option<Box<str>>,
    /// At most one for each [`Touch`].
    pub marks: Vec<Mark>,
}

/// The marked files of one workspace.
pub(crate) struct Marks {
    key: PathKey,
    files: BTreeMap<Digest, Marked>,
    crowded: bool,
}

// === impl PathKey ===

impl PathKey {
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The digest that stands for a real path.
    pub fn digest(&self, path: &str) -> Digest {
        let tag = hmac::sign(&self.0, path.as_bytes());
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        Digest::new(bytes)
    }
}

impl std::fmt::Debug for PathKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PathKey(…)")
    }
}

// === impl Mark ===

impl Mark {
    pub const fn touch(&self) -> Touch {
        self.from.touch()
    }
}

// === impl Marks ===

impl Marks {
    pub const fn new(key: PathKey) -> Self {
        Self { key, files: BTreeMap::new(), crowded: false }
    }

    /// Takes over what is on record, in place of what was here.
    pub fn set(&mut self, marked: impl IntoIterator<Item = Marked>, crowded: bool) {
        self.files.clear();
        self.crowded = crowded;
        for Marked { file, path, marks } in marked {
            for mark in marks {
                self.put(file, path.as_deref(), mark);
            }
        }
    }

    /// Marks a file. What is new about it, or nothing where it was marked so before.
    pub fn mark(&mut self, path: &str, mark: Mark) -> Option<Marked> {
        let file = self.key.digest(path);
        self.put(file, Some(path), mark.clone()).then(|| Marked {
            file,
            path: Some(path.into()),
            marks: vec![mark],
        })
    }

    fn put(&mut self, file: Digest, path: Option<&str>, mark: Mark) -> bool {
        if self.files.len() >= MARKS && !self.files.contains_key(&file) {
            self.crowded = true;
            return false;
        }
        let entry = self.files.entry(file).or_insert_with(|| Marked { file, path: None, marks: Vec::new() });
        if entry.path.is_none() {
            entry.path = path.map(Into::into);
        }
        match entry.marks.iter_mut().find(|other| other.touch() == mark.touch()) {
            // The same again; a file that came in as a whole stays so.
            Some(other) if other.whole || !mark.whole => false,
            Some(other) => {
                *other = mark;
                true
            }
            None => {
                entry.marks.push(mark);
                true
            }
        }
    }

    /// The marks that hold for a path: its own and those of the folders above it. None of its own where nothing stands
    /// there any more.
    pub fn of(&self, path: &str, files: &dyn Files) -> Vec<Mark> {
        let mut found: Vec<Mark> = Vec::new();
        if self.crowded {
            let what = "more files than can be told apart".into();
            found.push(Mark { from: SourceKind::Anything, what, whole: true });
        }
        if self.files.is_empty() {
            return found;
        }
        for (at, folder) in Path::new(path).ancestors().take(FOLDERS).enumerate() {
            let Some(marked) = folder.to_str().and_then(|folder| self.files.get(&self.key.digest(folder)))
            else {
                continue;
            };
            if at == 0 && files.entry(folder) == Entry::Missing {
                continue;
            }
            for mark in &marked.marks {
                match found.iter_mut().find(|other| other.touch() == mark.touch()) {
                    Some(other) => other.whole |= mark.whole,
                    None => found.push(mark.clone()),
                }
            }
        }
        found
    }

    /// Ends the mark of a path at which nothing stands any more.
    pub fn forget_missing(&mut self, path: &str, files: &dyn Files) -> Option<Digest> {
        if self.files.is_empty() || files.entry(Path::new(path)) != Entry::Missing {
            return None;
        }
        self.files.remove(&self.key.digest(path)).map(|marked| marked.file)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Marked> {
        self.files.values()
    }
}
