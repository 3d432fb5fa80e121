//! Credentials that an agent could use as this user: their kind, place, age, end and reach. Never their value.
//!
//! ```text
//! let seen = credentials(&Places { home, machine, repository, environment }, &marker);
//! let findings = findings(&seen, now);
//! ```
//!
//! Files are read and nothing is asked: no keychain is opened, no helper is run, no host is called. Of a value, only a
//! keyed mark leaves this module: equal marks are equal values.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use writ_model::Timestamp;

use crate::home::{Moved, moved};
use crate::secret::Marker;
use crate::walk::{Note, NoteKind, ReadError, read_regular};

mod cloud;
mod document;
mod end;
mod finding;
mod forge;
mod hard_coded;
mod history;
mod key;
mod lines;
mod place;
mod service;
mod start;

#[cfg(test)]
mod tests;

pub use end::jwt_end;
pub use finding::findings;
pub use hard_coded::of_found;
pub use key::private_key;
pub(crate) use place::files;

/// Longest file of credentials that is read, in bytes.
const MAX_FILE_BYTES: usize = 4 << 20;
/// Most credentials of one file.
const MAX_OF_FILE: usize = 1_000;
/// Most files looked at in one folder.
const MAX_IN_FOLDER: usize = 2_000;

/// Where to look. All of it is named by the caller; this crate reads no environment.
#[derive(Debug)]
pub struct Places<'a> {
    pub home: &'a Path,
    /// The root of the machine, if what lies beside the home folder counts.
    pub machine: Option<&'a Path>,
    /// The working copy around, if there is one: its settings, and the files at its top.
    pub repository: Option<&'a Path>,
    /// Variables of the environment: what an agent would inherit.
    pub environment: &'a [(String, Vec<u8>)],
}

/// How long a credential opens what it opens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Life {
    /// Until somebody revokes it.
    Long,
    /// Short, but it fetches its successor.
    Renewing,
    /// It ends by itself within hours.
    Short,
    /// The place does not say.
    Unknown,
}

/// What stands between the credential and whoever can run programs as this user.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Guard {
    /// A keyring, an agent or a helper gives it out on request.
    Keeper,
    /// Nothing: reading the place is enough.
    None,
    /// A passphrase.
    Passphrase,
}

/// One credential.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credential {
    /// The group: `cloud-aws`, `ssh`, `git` and so on.
    pub kind: &'static str,
    /// What it is, as `access key`.
    pub what: &'static str,
    /// Where it stands: `~/…`, a path in the working copy, or `environment`.
    pub place: PathBuf,
    /// From 1; zero where there are no lines.
    pub line: u32,
    /// Profile, host, registry, user or variable that it belongs to.
    pub name: String,
    /// What it opens, in words.
    pub opens: String,
    /// When the file was written last.
    pub changed_at: Option<Timestamp>,
    /// When the file was made, where the file system knows.
    pub made_at: Option<Timestamp>,
    /// When it ends, where the place says so.
    pub expires_at: Option<Timestamp>,
    pub life: Life,
    pub guard: Guard,
    /// A keyed mark: 16 hexadecimal digits, equal for equal values under one key.
    pub mark: Option<String>,
    /// Others on this machine can read the file.
    pub others_read: bool,
    /// A form of short life that exists in its place.
    pub instead: Option<&'static str>,
}

/// What was found, and what could not be read.
#[derive(Debug, Default)]
pub struct Seen {
    /// By place and line.
    pub credentials: Vec<Credential>,
    pub notes: Vec<Note>,
}

/// One file that is being read, and what is known of everything in it.
struct Page<'a> {
    kind: &'static str,
    opens: &'static str,
    instead: Option<&'static str>,
    shown: PathBuf,
    changed_at: Option<Timestamp>,
    made_at: Option<Timestamp>,
    others_read: bool,
    marker: &'a Marker,
    found: Vec<Credential>,
}

/// One credential of a page, before what the page knows is added. Dropped when it has been added.
struct Draft<'a> {
    what: &'static str,
    name: &'a str,
    line: u32,
    value: Option<&'a [u8]>,
    opens: Option<String>,
    expires_at: Option<Timestamp>,
    life: Life,
    guard: Guard,
    instead: Option<Option<&'static str>>,
}

/// What the readers of all places make of these bytes, whatever they are.
pub fn of_bytes(bytes: &[u8], marker: &Marker) -> Vec<Credential> {
    let mut found = Vec::new();
    for entry in place::OF_USER {
        let mut page = Page::blank(entry, PathBuf::new(), marker);
        entry.read.read(Path::new("file"), bytes, &mut page);
        found.append(&mut page.found);
    }
    found
}

/// Everything in these places.
pub fn credentials(places: &Places<'_>, marker: &Marker) -> Seen {
    let mut seen = Seen::default();
    let moved = moved(places.home, places.environment);
    of_home(places.home, Path::new("~"), &moved, marker, &mut seen);
    for (variable, below, of) in place::NAMED_BY_VARIABLE {
        let named = places.environment.iter().find(|(name, _)| name == variable);
        let Some((_, value)) = named else { continue };
        let Ok(text) = std::str::from_utf8(value) else { continue };
        let Some(entry) = place::OF_USER.iter().find(|entry| entry.path == *of) else { continue };
        // KUBECONFIG names several.
        for path in text.split(':').filter(|path| path.starts_with('/')).take(place::MAX_NAMED) {
            let path = Path::new(path).join(below);
            let shown = path.strip_prefix(places.home).map_or(path.clone(), |rest| Path::new("~").join(rest));
            look_once(&path, shown, entry, marker, &mut seen);
        }
    }
    for entry in place::OF_MACHINE.iter().filter(|_| places.machine.is_some()) {
        let root = places.machine.unwrap_or(Path::new("/"));
        for (path, shown) in place::files(root, Path::new("/"), entry.path) {
            // What is closed to this user is no credential of theirs.
            if rustix::fs::access(&path, rustix::fs::Access::READ_OK).is_ok() {
                look_once(&path, shown, entry, marker, &mut seen);
            }
        }
    }
    for (variable, entry) in place::SOCKETS {
        let named = places.environment.iter().find(|(name, _)| name == variable);
        let Some(folder) = named.and_then(|(_, value)| std::str::from_utf8(value).ok()) else { continue };
        let folder = Path::new(folder);
        for (path, shown) in place::files(folder, folder, entry.path) {
            if folder.is_absolute() {
                look_once(&path, shown, entry, marker, &mut seen);
            }
        }
    }
    if let Some(repository) = places.repository.filter(|repository| *repository != places.home) {
        look(&repository.join(GIT), PathBuf::from(GIT), &place::OF_WORKING_COPY, marker, &mut seen);
        for (path, shown) in place::files(repository, Path::new(""), "*") {
            let name = shown.to_str().filter(|name| is_of_tree(name));
            if let Some(entry) = name.and_then(place::of_name) {
                look(&path, shown, entry, marker, &mut seen);
            }
        }
    }
    seen.credentials.extend(service::of_environment(places.environment, marker));
    key::name_hosts(places.home, &mut seen.credentials);
    seen.order();
    seen
}

/// The settings of a working copy.
const GIT: &str = ".git/config";
/// Most files of one tree that are opened for credentials.
const MAX_OF_TREE: usize = 200_000;

/// Whether a file of this name in a tree may hold a credential.
pub(crate) fn is_of_tree(name: &str) -> bool {
    place::may_be_of_tree(name) && place::of_name(name).is_some() && !place::is_template(Path::new(name))
}

/// What lies in a tree: in files that a walk found ([`crate::survey::Scan::credential_files`]), in settings of its working
/// copies, and where a home folder has it, for the case that the tree is one. Places are below the root.
pub fn of_tree(root: &Path, files: &[PathBuf], repositories: &[PathBuf], marker: &Marker) -> Seen {
    let mut seen = Seen::default();
    of_home(root, Path::new(""), &[], marker, &mut seen);
    let known: BTreeSet<PathBuf> = seen.credentials.iter().map(|one| one.place.clone()).collect();
    for file in files.iter().take(MAX_OF_TREE).filter(|file| !known.contains(*file)) {
        let entry = file.file_name().and_then(|name| name.to_str()).and_then(place::of_name);
        if let Some(entry) = entry {
            look(&root.join(file), file.clone(), entry, marker, &mut seen);
        }
    }
    if let Some(file) = files.get(MAX_OF_TREE) {
        seen.notes.push(Note { relative: file.clone(), why: NoteKind::TooMany });
    }
    for repository in repositories {
        let shown = repository.join(GIT);
        look(&root.join(&shown), shown, &place::OF_WORKING_COPY, marker, &mut seen);
    }
    key::name_hosts(root, &mut seen.credentials);
    seen.order();
    seen
}

fn of_home(home: &Path, before: &Path, moved: &[Moved], marker: &Marker, seen: &mut Seen) {
    for entry in place::OF_USER {
        for (path, shown) in place::files(home, before, entry.path) {
            look(&path, shown, entry, marker, seen);
        }
        for (moved, rest) in moved.iter().filter_map(|moved| Some((moved, moved.rest(entry.path)?))) {
            for (path, shown) in place::files(&moved.to, &moved.shown, rest) {
                look_once(&path, shown, entry, marker, seen);
            }
        }
    }
}

/// Two variables may name one file.
fn look_once(path: &Path, shown: PathBuf, entry: &place::Entry, marker: &Marker, seen: &mut Seen) {
    if !seen.credentials.iter().any(|credential| credential.place == shown) {
        look(path, shown, entry, marker, seen);
    }
}

fn look(path: &Path, shown: PathBuf, entry: &place::Entry, marker: &Marker, seen: &mut Seen) {
    let Ok(facts) = std::fs::metadata(path) else { return };
    let mut page = Page::new(entry, shown.clone(), &facts, marker);
    if entry.read == place::Read::Presence {
        page.add(Draft { guard: Guard::Keeper, ..Draft::new("keyring", "") });
        seen.credentials.append(&mut page.found);
        return;
    }
    if let place::Read::Socket(guard) = entry.read {
        let writes = || rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok();
        if std::os::unix::fs::FileTypeExt::is_socket(&facts.file_type()) && writes() {
            page.add(Draft { guard, ..Draft::new("socket", "") });
        }
        seen.credentials.append(&mut page.found);
        return;
    }
    if !facts.is_file() {
        return;
    }
    if entry.read == place::Read::Store {
        page.add(Draft::new("store", ""));
        seen.credentials.append(&mut page.found);
        return;
    }
    match read_regular(path, MAX_FILE_BYTES) {
        Ok(bytes) => {
            let bytes = zeroize::Zeroizing::new(bytes);
            entry.read.read(path, &bytes, &mut page);
        }
        Err(error) => {
            let why = match error {
                ReadError::Changed => NoteKind::Changed,
                ReadError::NotRegular => NoteKind::NotRegular,
                ReadError::TooLong(_) => NoteKind::TooLong,
                ReadError::Unreadable(error) => NoteKind::Unreadable(error.kind().to_string()),
            };
            seen.notes.push(Note { relative: shown, why });
        }
    }
    seen.credentials.append(&mut page.found);
}

// === impl Seen ===

impl Seen {
    /// Takes in another one, its places below `before`.
    pub fn take(&mut self, other: Self, before: &Path) {
        self.credentials.extend(other.credentials.into_iter().map(|mut one| {
            one.place = before.join(&one.place);
            one
        }));
        self.notes.extend(other.notes.into_iter().map(|mut note| {
            note.relative = before.join(&note.relative);
            note
        }));
        self.order();
    }

    fn order(&mut self) {
        self.credentials.sort_by(|a, b| (&a.place, a.line, &a.name).cmp(&(&b.place, b.line, &b.name)));
        self.credentials.dedup();
    }
}

// === impl Page ===

impl<'a> Page<'a> {
    fn new(entry: &place::Entry, shown: PathBuf, facts: &std::fs::Metadata, marker: &'a Marker) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let moment = |time: std::io::Result<std::time::SystemTime>| {
            let since = time.ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
            Some(Timestamp::EPOCH.after(since))
        };
        Self {
            changed_at: moment(facts.modified()),
            made_at: moment(facts.created()),
            others_read: facts.permissions().mode() & 0o044 != 0,
            ..Self::blank(entry, shown, marker)
        }
    }

    /// A page of which nothing but its place is known.
    fn blank(entry: &place::Entry, shown: PathBuf, marker: &'a Marker) -> Self {
        Self {
            kind: entry.kind,
            opens: entry.opens,
            instead: entry.instead,
            shown,
            changed_at: None,
            made_at: None,
            others_read: false,
            marker,
            found: Vec::new(),
        }
    }

    fn add(&mut self, draft: Draft<'_>) {
        if self.found.len() >= MAX_OF_FILE {
            return;
        }
        let Draft { what, name, line, value, opens, expires_at, life, guard, instead } = draft;
        let (of_value, end) = value.map_or((Life::Unknown, None), end::of_value);
        let expires_at = expires_at.or(end);
        let life = match (life, of_value) {
            (Life::Unknown, Life::Unknown) if expires_at.is_some() => Life::Short,
            (Life::Unknown, of_value) => of_value,
            (life, _) => life,
        };
        self.found.push(Credential {
            kind: self.kind,
            what,
            place: self.shown.clone(),
            line,
            name: name.chars().take(200).collect(),
            opens: opens.unwrap_or_else(|| self.opens.to_owned()).chars().take(400).collect(),
            changed_at: self.changed_at,
            made_at: self.made_at,
            expires_at,
            life,
            guard,
            mark: value.map(|value| self.marker.mark(value)),
            others_read: self.others_read && guard == Guard::None,
            instead: instead.unwrap_or(self.instead),
        });
    }
}

// === impl Draft ===

impl<'a> Draft<'a> {
    fn new(what: &'static str, name: &'a str) -> Self {
        Self {
            what,
            name,
            line: 0,
            value: None,
            opens: None,
            expires_at: None,
            life: Life::Unknown,
            guard: Guard::None,
            instead: None,
        }
    }

    fn of(what: &'static str, name: &'a str, line: u32, value: &'a str) -> Self {
        Self { line, value: Some(value.as_bytes()), ..Self::new(what, name) }
    }
}

// === impl Life ===

impl Life {
    /// The stable word of reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Renewing => "renewing",
            Self::Short => "short",
            Self::Unknown => "unknown",
        }
    }
}

// === impl Guard ===

impl Guard {
    /// The stable word of reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keeper => "keeper",
            Self::None => "none",
            Self::Passphrase => "passphrase",
        }
    }
}
