//! The walk over a tree that may be large, changing or hostile: bounded, on two threads, and never into a file. Of links
//! to folders it follows those that have the name of a tool's folder and stay in the tree, one on any way.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use crate::tool::Catalogue;

pub mod cache;
pub mod exclude;
pub mod ignored;
mod read;

#[cfg(test)]
mod tests;

pub(crate) use read::open_regular;
pub use read::{ReadError, read_head, read_regular};

/// Deepest folder that is entered, counted from the root.
pub const MAX_DEPTH: usize = 200;
/// Most entries looked at in one walk.
pub const MAX_ENTRIES: u64 = 50_000_000;
/// Most files of tools taken from one walk.
pub const MAX_HITS: usize = 1_000_000;
/// Most links to folders that are followed, and most entries looked at behind them: each shows folders again that the
/// walk sees anyway.
const MAX_LINKS: u64 = 1_000;
const MAX_LINKED_ENTRIES: u64 = 500_000;
/// Most notes kept; the rest is counted.
const MAX_NOTES: usize = 1_000;
/// More threads than this find no more to do on a disk that two keep busy.
const THREADS: usize = 2;
/// Folders of version control, which hold no configuration of tools but their own.
const CONTROL: &[&str] = &[".git", ".hg", ".jj", ".svn"];
/// Folders of fetched packages: their files are no one's who works here.
const VENDORED: &[&str] = &["node_modules", "site-packages"];

/// What a walk may do.
#[derive(Clone, Debug, Default)]
pub struct WalkOptions {
    /// Enter folders of fetched packages too.
    pub vendored: bool,
    /// What is passed by without a note.
    pub exclude: exclude::Exclude,
    /// Take every file of YAML and JSON for one that could make identities, whatever it is called.
    pub data: bool,
}

/// A file that the scan wants to read.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Hit {
    /// Below the root.
    pub relative: PathBuf,
    /// The names on the way, the file's last; what is no UTF-8 shows as replacement characters.
    pub parts: Vec<String>,
}

/// Something that was passed by, and why.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Note {
    pub relative: PathBuf,
    pub why: NoteKind,
}

/// Why something was passed by.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum NoteKind {
    /// It changed while it was read.
    Changed,
    /// Deeper than [`MAX_DEPTH`].
    Deep,
    /// A link to a folder, which leads out of the tree, in a circle, or behind another one.
    Link,
    /// It has the name of a tool's file, and is no regular file.
    NotRegular,
    /// The walk had its fill.
    TooMany,
    /// It is longer than is read.
    TooLong,
    Unreadable(String),
    /// It is not what its name says.
    Unparsable(String),
}

/// What a walk found.
#[derive(Debug, Default)]
pub struct Walked {
    /// Sorted by path.
    pub hits: Vec<Hit>,
    /// Working copies: folders that hold a `.git`. Sorted.
    pub repositories: Vec<PathBuf>,
    pub notes: Vec<Note>,
    pub notes_left_out: u64,
    pub entries: u64,
    pub folders: u64,
    /// Folders and wanted files that a person wanted left out.
    pub left_out: u64,
}

/// One folder to look at.
struct Folder {
    path: PathBuf,
    parts: Vec<String>,
    /// Some folder on the way is one that patterns speak of.
    marked: bool,
    /// Some folder on the way is a link.
    linked: bool,
}

/// What one folder gave, without what it holds that nobody asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listing {
    pub(crate) folders: Vec<OsString>,
    /// Links with names of tools' folders, wherever they lead.
    pub(crate) links: Vec<OsString>,
    pub(crate) hits: Vec<OsString>,
    pub(crate) is_repository: bool,
    pub(crate) notes: Vec<(OsString, NoteKind)>,
    pub(crate) entries: u64,
}

struct Queue {
    waiting: VecDeque<Folder>,
    /// Folders that a thread is looking at.
    busy: usize,
    /// Threads that wait for more.
    idle: usize,
}

struct Shared<'a> {
    root: &'a Path,
    options: &'a WalkOptions,
    queue: Mutex<Queue>,
    more: Condvar,
    entries: AtomicU64,
    /// The root without links on the way to it.
    real_root: Option<PathBuf>,
    links: AtomicU64,
    linked_entries: AtomicU64,
    found: Mutex<Walked>,
    cache: Option<&'a cache::Cache>,
    progress: Option<&'a (dyn Fn(u64) + Sync)>,
}

/// Walks a tree and gives the files that the scan wants, reading none of them.
///
/// A link to a file is taken for the file; one to a folder is followed where its name is that of a tool's folder and it
/// stays below the root, else it is noted where its name is such, and passed by. `progress` is told the number of entries
/// now and then.
pub fn walk(
    root: &Path,
    options: &WalkOptions,
    cache: Option<&cache::Cache>,
    progress: Option<&(dyn Fn(u64) + Sync)>,
) -> Walked {
    walk_from(root, &[PathBuf::new()], options, cache, progress)
}

/// The same for some files and folders below a root only; what is not there is passed by.
pub fn walk_from(
    root: &Path,
    starts: &[PathBuf],
    options: &WalkOptions,
    cache: Option<&cache::Cache>,
    progress: Option<&(dyn Fn(u64) + Sync)>,
) -> Walked {
    let names = |start: &PathBuf| {
        start.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect()
    };
    let starts: Vec<(PathBuf, Vec<String>)> =
        starts.iter().map(|start| (start.clone(), names(start))).collect();
    walk_as(root, &starts, options, cache, progress)
}

/// The same where a file or folder stands for another: beside each start, the names by which it is looked up.
pub fn walk_as(
    root: &Path,
    starts: &[(PathBuf, Vec<String>)],
    options: &WalkOptions,
    cache: Option<&cache::Cache>,
    progress: Option<&(dyn Fn(u64) + Sync)>,
) -> Walked {
    let mut found = Walked::default();
    let mut waiting = VecDeque::new();
    for (start, parts) in starts {
        let parts = parts.clone();
        match std::fs::metadata(root.join(start)) {
            Ok(facts) if options.exclude.leaves_out_below(start, facts.is_dir()) => found.left_out += 1,
            Ok(facts) if facts.is_dir() => {
                let marked = parts.iter().any(|part| Catalogue::get().is_folder(part));
                waiting.push_back(Folder { path: start.clone(), parts, marked, linked: false });
            }
            Ok(facts) if facts.is_file() => found.hits.push(Hit { relative: start.clone(), parts }),
            Ok(_) => note(&mut found, start, NoteKind::NotRegular),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            // One note says it where the root itself is closed.
            Err(error)
                if error.kind() == std::io::ErrorKind::PermissionDenied
                    && std::fs::metadata(root.join(".")).is_err() =>
            {
                note(&mut found, Path::new(""), NoteKind::Unreadable(error.kind().to_string()));
                break;
            }
            Err(error) => note(&mut found, start, NoteKind::Unreadable(error.kind().to_string())),
        }
    }
    let shared = Shared {
        root,
        options,
        queue: Mutex::new(Queue { waiting, busy: 0, idle: 0 }),
        more: Condvar::new(),
        entries: AtomicU64::new(0),
        real_root: std::fs::canonicalize(root).ok(),
        links: AtomicU64::new(0),
        linked_entries: AtomicU64::new(0),
        found: Mutex::new(found),
        cache,
        progress,
    };
    std::thread::scope(|scope| {
        for _ in 1..THREADS {
            scope.spawn(|| shared.work());
        }
        shared.work();
    });
    let entries = shared.entries.load(Ordering::Relaxed);
    let mut walked = shared.found.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    walked.entries = entries;
    walked.hits.sort();
    walked.hits.dedup();
    walked.repositories.sort();
    walked.notes.sort();
    walked
}

/// Whether a scan would read a file at this path below its root.
pub fn wants(relative: &Path) -> bool {
    let mut parts: Vec<String> =
        relative.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    let Some(name) = parts.pop() else { return false };
    if parts.iter().any(|part| CONTROL.contains(&part.as_str())) {
        return false;
    }
    let catalogue = Catalogue::get();
    let marked = parts.iter().any(|part| catalogue.is_folder(part));
    is_of_agents(catalogue, &name, &parts, marked)
}

// === impl Shared ===

impl Shared<'_> {
    fn work(&self) {
        let mut mine = Walked::default();
        while let Some(folder) = self.next() {
            let inner = self.look(&folder, &mut mine);
            let mut queue = self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            queue.busy = queue.busy.saturating_sub(1);
            queue.waiting.extend(inner);
            // One that waits is woken for work that this thread will not do itself, or for the end. Nobody else: to wake is a
            // call of the system even where nobody hears it.
            let is_for_others = queue.waiting.len() > 1 || (queue.waiting.is_empty() && queue.busy == 0);
            let wake = queue.idle > 0 && is_for_others;
            drop(queue);
            if wake {
                self.more.notify_all();
            }
        }
        let mut found = self.found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let room = MAX_HITS.saturating_sub(found.hits.len());
        found.hits.extend(mine.hits.into_iter().take(room));
        found.repositories.extend(mine.repositories);
        found.folders += mine.folders;
        found.left_out += mine.left_out;
        for note in mine.notes {
            if found.notes.len() < MAX_NOTES {
                found.notes.push(note);
            } else {
                found.notes_left_out += 1;
            }
        }
        found.notes_left_out += mine.notes_left_out;
    }

    /// The next folder; `None` once nothing waits and no thread can bring more.
    fn next(&self) -> Option<Folder> {
        let mut queue = self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        loop {
            // Last in, first out keeps the queue as short as the tree is deep.
            if let Some(folder) = queue.waiting.pop_back() {
                queue.busy += 1;
                return Some(folder);
            }
            if queue.busy == 0 {
                self.more.notify_all();
                return None;
            }
            queue.idle += 1;
            queue = self.more.wait(queue).unwrap_or_else(std::sync::PoisonError::into_inner);
            queue.idle -= 1;
        }
    }

    fn look(&self, folder: &Folder, found: &mut Walked) -> Vec<Folder> {
        found.folders += 1;
        let seen = self.entries.load(Ordering::Relaxed);
        let too_many_linked =
            folder.linked && self.linked_entries.load(Ordering::Relaxed) > MAX_LINKED_ENTRIES;
        if seen > MAX_ENTRIES || too_many_linked {
            note(found, &folder.path, NoteKind::TooMany);
            return Vec::new();
        }
        let path = self.root.join(&folder.path);
        let listing = match self.cache {
            Some(cache) => cache.listing(&folder.path, &path, || list(&path, folder, self.options.data)),
            None => list(&path, folder, self.options.data).map(Arc::new),
        };
        let listing = match listing {
            Ok(listing) => listing,
            Err(error) => {
                note(found, &folder.path, NoteKind::Unreadable(error.kind().to_string()));
                return Vec::new();
            }
        };
        let listing = self.without_excluded(folder, listing, found);
        let before = self.entries.fetch_add(listing.entries, Ordering::Relaxed);
        if folder.linked {
            self.linked_entries.fetch_add(listing.entries, Ordering::Relaxed);
        }
        if let Some(progress) = self.progress
            && before / 4096 != (before + listing.entries) / 4096
        {
            progress(before + listing.entries);
        }
        for name in &listing.hits {
            if found.hits.len() < MAX_HITS {
                found.hits.push(Hit { relative: folder.path.join(name), parts: with(&folder.parts, name) });
            }
        }
        for (name, why) in &listing.notes {
            note(found, &folder.path.join(name), why.clone());
        }
        if listing.is_repository {
            found.repositories.push(folder.path.clone());
        }
        let mut inner: Vec<(&OsString, bool)> = listing
            .folders
            .iter()
            .filter(|name| self.options.vendored || !VENDORED.iter().any(|vendored| *name == vendored))
            .map(|name| (name, folder.linked))
            .collect();
        for name in &listing.links {
            match self.follows(folder, &path, name) {
                Some(true) => inner.push((name, true)),
                Some(false) => note(found, &folder.path.join(name), NoteKind::Link),
                None => {}
            }
        }
        if folder.parts.len() >= MAX_DEPTH {
            if !inner.is_empty() {
                note(found, &folder.path, NoteKind::Deep);
            }
            return Vec::new();
        }
        inner
            .into_iter()
            .map(|(name, linked)| {
                let parts = with(&folder.parts, name);
                let marked =
                    folder.marked || parts.last().is_some_and(|name| Catalogue::get().is_folder(name));
                Folder { path: folder.path.join(name), parts, marked, linked }
            })
            .collect()
    }

    /// What a folder gave, without what a person wanted left out.
    fn without_excluded(&self, folder: &Folder, listing: Arc<Listing>, found: &mut Walked) -> Arc<Listing> {
        if self.options.exclude.is_empty() {
            return listing;
        }
        let mut listing = Arc::unwrap_or_clone(listing);
        let mut out = |name: &OsString, is_folder| {
            let out = self.options.exclude.leaves_out(&folder.path.join(name), is_folder);
            found.left_out += u64::from(out);
            !out
        };
        listing.folders.retain(|name| out(name, true));
        listing.links.retain(|name| out(name, true));
        listing.hits.retain(|name| out(name, false));
        listing.notes.retain(|(name, _)| out(name, false));
        Arc::new(listing)
    }

    /// Whether a link is followed; `None` when it leads to no folder.
    fn follows(&self, folder: &Folder, path: &Path, name: &std::ffi::OsStr) -> Option<bool> {
        let link = path.join(name);
        if !std::fs::metadata(&link).is_ok_and(|target| target.is_dir()) {
            return None;
        }
        let (Some(root), Ok(target), Ok(here)) =
            (&self.real_root, std::fs::canonicalize(&link), std::fs::canonicalize(path))
        else {
            return Some(false);
        };
        let stays = target.starts_with(root) && !here.starts_with(&target);
        Some(stays && !folder.linked && self.links.fetch_add(1, Ordering::Relaxed) < MAX_LINKS)
    }
}

/// Reads one folder, asking nothing of a file whose name nobody wants.
fn list(path: &Path, folder: &Folder, data: bool) -> std::io::Result<Listing> {
    let catalogue = Catalogue::get();
    let mut listing = Listing::default();
    for entry in std::fs::read_dir(path)? {
        // An entry that vanished under the walk is as good as never there.
        let Ok(entry) = entry else { continue };
        listing.entries += 1;
        let name = entry.file_name();
        let Ok(kind) = entry.file_type() else { continue };
        let text = name.to_string_lossy();
        if CONTROL.contains(&text.as_ref()) {
            listing.is_repository |= text == ".git";
            continue;
        }
        if kind.is_dir() {
            listing.folders.push(name);
            continue;
        }
        let may_be_folder = kind.is_symlink() && catalogue.is_part(&text);
        let wanted = is_wanted(catalogue, &text, folder) || data && crate::identity_code::is_data(&text);
        if may_be_folder {
            listing.links.push(name.clone());
        }
        if !wanted {
            continue;
        }
        // Only now is it worth asking what a link leads to.
        let target = if kind.is_symlink() {
            match std::fs::metadata(entry.path()) {
                Ok(target) if target.is_dir() => {
                    if !may_be_folder {
                        listing.notes.push((name, NoteKind::Link));
                    }
                    continue;
                }
                Ok(target) => target.is_file(),
                Err(_) => false,
            }
        } else {
            kind.is_file()
        };
        if target {
            listing.hits.push(name);
        } else {
            listing.notes.push((name, NoteKind::NotRegular));
        }
    }
    Ok(listing)
}

/// Whether a file of this name could be a tool's, or describe what runs on a forge.
fn is_wanted(catalogue: &Catalogue, name: &str, folder: &Folder) -> bool {
    is_of_agents(catalogue, name, &folder.parts, folder.marked) || crate::credential::is_of_tree(name)
}

/// Whether a file is wanted for more than a credential that may stand in it.
pub(crate) fn is_of_agents(catalogue: &Catalogue, name: &str, folders: &[String], marked: bool) -> bool {
    if catalogue.is_name(name) {
        return true;
    }
    if marked {
        let mut parts: Vec<&str> = folders.iter().map(String::as_str).collect();
        parts.push(name);
        if catalogue.of(&parts).is_some() {
            return true;
        }
    }
    crate::ci::is_wanted(folders, name) || crate::identity_code::is_wanted(folders, name)
}

fn note(found: &mut Walked, path: &Path, why: NoteKind) {
    if found.notes.len() < MAX_NOTES {
        found.notes.push(Note { relative: path.to_owned(), why });
    } else {
        found.notes_left_out += 1;
    }
}

fn with(parts: &[String], name: &std::ffi::OsStr) -> Vec<String> {
    parts.iter().cloned().chain([name.to_string_lossy().into_owned()]).collect()
}

// === impl NoteKind ===

impl std::fmt::Display for NoteKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Changed => f.write_str("it changed while it was read"),
            Self::Deep => write!(f, "folders deeper than {MAX_DEPTH} were not entered"),
            Self::Link => f.write_str("a link to a folder was not followed"),
            Self::NotRegular => f.write_str("it is no regular file and was not opened"),
            Self::TooMany => write!(f, "the walk ended after {MAX_ENTRIES} entries"),
            Self::TooLong => f.write_str("it is too long and was not read"),
            Self::Unreadable(why) => write!(f, "it could not be read: {why}"),
            Self::Unparsable(why) => f.write_str(why),
        }
    }
}
