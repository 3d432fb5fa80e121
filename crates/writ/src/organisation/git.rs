//! Policies from a commit of a git repository.
//!
//! The repository is fetched into a bare mirror of our own below the state directory, which agents do not see. Nothing
//! is checked out: only blobs of one commit are read. Git runs without the configuration of system, user and
//! repository, without hooks, over an allow-list of protocols, and within bounds of time and size. What people need to
//! reach a private repository still works: `ssh` with its own configuration and agent, and `.netrc` for HTTPS.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use super::{Belongs, Found, MAX_BYTES, MAX_DEPTH, MAX_FILE_BYTES, MAX_FILES, OrganisationError};
use crate::config::State;
use crate::wire::sha256;

mod process;

use process::{Bounds, Git};

/// What a fetch may take, and what anything else may.
const FETCH_WITHIN: Duration = Duration::from_secs(60);
const LOOK_WITHIN: Duration = Duration::from_secs(20);
/// Most bytes a mirror may have.
const MAX_MIRROR_BYTES: u64 = 512 << 20;
/// Most bytes of a listing.
const MAX_LISTING_BYTES: u64 = 16 << 20;
/// The ref of the mirror that names the commit in force.
const IN_FORCE: &str = "refs/writ/in-force";
/// The ref that a fetch writes.
const FETCHED: &str = "refs/writ/fetched";

/// A repository as the configuration names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) url: String,
    /// A full name, as `refs/heads/main`.
    pub(crate) reference: String,
    /// The folder of the policies in the repository; empty for its root.
    pub(crate) path: String,
    /// The one commit that may be in force, where one is pinned.
    pub(crate) commit: Option<Commit>,
}

/// The id of a commit: 40 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commit(String);

/// The text is no full id of a commit.
#[derive(Debug, thiserror::Error)]
#[error("a commit is named by all its 40 hexadecimal digits, in lower case")]
pub(crate) struct InvalidCommit;

/// Why a repository gives no policies.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    #[error("could not start `git`; policies from a repository need it on PATH")]
    Start(#[source] std::io::Error),
    #[error("could not use `{}`", .path.display())]
    Mirror { path: PathBuf, source: std::io::Error },
    #[error("`git {what}` took longer than {within:?}")]
    Late { what: &'static str, within: Duration },
    #[error("`git {what}` brought more than {limit} bytes")]
    TooMuch { what: &'static str, limit: u64 },
    #[error("`git {what}` failed: {said}")]
    Failed { what: &'static str, said: String },
    #[error("`git {0}` answered with something else than expected")]
    Answer(&'static str),
    #[error("commit {pinned} is pinned, and `{url}` does not have it")]
    NotThere { pinned: Commit, url: String },
    #[error("`{0}` is a link or another repository in the commit; policies are read only from plain files")]
    NoFile(String),
}

/// Our own bare copy of a repository.
pub(crate) struct Mirror {
    folder: PathBuf,
    git: Git,
    source: Source,
    /// Held as long as the mirror is used, so that two commands do not fetch into it at once.
    _lock: File,
}

// === impl Commit ===

impl FromStr for Commit {
    type Err = InvalidCommit;

    fn from_str(text: &str) -> Result<Self, InvalidCommit> {
        let fits = text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidCommit) }
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl Source ===

impl Source {
    /// The folder on this machine that it is fetched from, where it is one.
    pub(crate) fn place(&self) -> Option<&Path> {
        let path = self.url.strip_prefix("file://").unwrap_or(&self.url);
        path.starts_with('/').then(|| Path::new(path))
    }

    /// What is wrong with the address, if anything is.
    pub(crate) fn problem_of_url(url: &str) -> Option<&'static str> {
        let is_remote = |scheme: &str| {
            url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['-', '/']))
        };
        // `git@host:path`, as people copy it from a forge.
        let is_short = || {
            url.split_once(':').is_some_and(|(host, path)| {
                let host = host.rsplit('@').next().unwrap_or(host);
                !path.starts_with([':', '/', '-'])
                    && !host.is_empty()
                    && !host.starts_with('-')
                    && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
            })
        };
        if url.chars().any(|c| c.is_control() || c.is_whitespace()) || url.starts_with('-') {
            Some("holds characters that no address has")
        } else if url.contains("::") {
            Some("must be fetched by git itself, not by a helper program")
        } else if url.starts_with('/')
            || url.starts_with("file:///")
            || is_remote("https://")
            || is_remote("ssh://")
            || is_short()
        {
            None
        } else {
            Some("must be an absolute path, or an address of https:// or ssh://, or user@host:path")
        }
    }

    /// What is wrong with the name of the ref, if anything is.
    pub(crate) fn problem_of_reference(reference: &str) -> Option<&'static str> {
        let fits = reference.starts_with("refs/")
            && reference.len() <= 200
            && reference.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte))
            && reference.split('/').all(|part| {
                !part.is_empty()
                    && !part.starts_with(['.', '-'])
                    && !part.ends_with(['.'])
                    && !part.ends_with(".lock")
            })
            && !reference.contains("..");
        if fits { None } else { Some("must be the full name of a ref, as refs/heads/main") }
    }

    /// What is wrong with the folder in the repository, if anything is.
    pub(crate) fn problem_of_path(path: &str) -> Option<&'static str> {
        let fits = path.is_empty()
            || path.split('/').all(|part| {
                !part.is_empty()
                    && part != "."
                    && part != ".."
                    && !part.chars().any(|c| c.is_control() || c == ':' || c == '\\')
            });
        if fits { None } else { Some("must be a path below the repository's root, as policies/agents") }
    }
}

// === impl Mirror ===

impl Mirror {
    /// Opens the mirror of a repository, and makes an empty one where there is none.
    pub(crate) fn of(state: &State, source: &Source) -> Result<Self, GitError> {
        let above = state.policies();
        let failed = |path: &Path, source| GitError::Mirror { path: path.to_owned(), source };
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&above)
            .map_err(|error| failed(&above, error))?;
        let name = sha256(format!("{}\n{}", source.url, source.reference).as_bytes()).to_string();
        let name = name.get(..24).unwrap_or(&name).to_owned();
        let lock_path = above.join(format!("{name}.lock"));
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|error| failed(&lock_path, error))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| failed(&lock_path, error.into()))?;
        let folder = above.join(format!("{name}.git"));
        // The only configuration that git gets: a repository on this machine may belong to another user, as root.
        let configuration = above.join(format!("{name}.config"));
        let safe = source.place().map_or(String::new(), |place| {
            format!("[safe]\n\tdirectory = {}\n", quoted(&place.to_string_lossy()))
        });
        std::fs::write(&configuration, safe).map_err(|error| failed(&configuration, error))?;
        let git = Git::new(&folder, &configuration);
        let mirror = Self { folder, git, source: source.clone(), _lock: lock };
        if !mirror.folder.join("HEAD").is_file() {
            mirror.run("init", &["init", "--quiet", "--bare", "--template=", "--initial-branch=none"])?;
        }
        Ok(mirror)
    }

    /// The commit that is in force: the pinned one if it is here, else the one that was accepted last.
    pub(crate) fn in_force(&self) -> Result<Option<Commit>, GitError> {
        match &self.source.commit {
            Some(pinned) => Ok(self.has(pinned)?.then(|| pinned.clone())),
            None => self.resolve(IN_FORCE),
        }
    }

    pub(crate) fn put_in_force(&self, commit: &Commit) -> Result<(), GitError> {
        self.run("update-ref", &["update-ref", IN_FORCE, &commit.0]).map(drop)
    }

    /// Fetches what the ref points to, or the pinned commit.
    pub(crate) fn fetch(&self) -> Result<Commit, GitError> {
        let Some(pinned) = &self.source.commit else {
            self.fetch_ref(&self.source.reference, true)?;
            return self.resolve(FETCHED)?.ok_or(GitError::Answer("fetch"));
        };
        // Not every server gives out a commit by its id; then the ref's history is fetched, and must hold it.
        if !self.has(pinned)? && self.fetch_ref(&pinned.0, true).is_err() {
            self.fetch_ref(&self.source.reference, false)?;
        }
        if self.has(pinned)? {
            Ok(pinned.clone())
        } else {
            Err(GitError::NotThere { pinned: pinned.clone(), url: self.source.url.clone() })
        }
    }

    /// Whether the mirror has this commit.
    pub(crate) fn has(&self, commit: &Commit) -> Result<bool, GitError> {
        Ok(self.resolve(&commit.0)?.is_some())
    }

    /// Reads the files of a commit.
    pub(crate) fn read(&self, commit: &Commit) -> Result<Found, OrganisationError> {
        let tree = if self.source.path.is_empty() {
            commit.0.clone()
        } else {
            format!("{commit}:{}", self.source.path)
        };
        let place = || format!("{} at commit {commit}", self.source.path);
        let listing = self.git.run(
            "ls-tree",
            &["ls-tree", "-r", "-z", "--long", "--full-tree", &tree],
            Vec::new(),
            &Bounds { bytes: MAX_LISTING_BYTES, ..Bounds::within(LOOK_WITHIN) },
        )?;
        let listing = String::from_utf8(listing).map_err(|_| OrganisationError::NoText(place()))?;
        let mut wanted: Vec<(&str, u64, &str)> = Vec::new();
        let mut total = 0_u64;
        for entry in listing.split('\0').filter(|entry| !entry.is_empty()) {
            let (facts, name) = entry.split_once('\t').ok_or(GitError::Answer("ls-tree"))?;
            let mut facts = facts.split_ascii_whitespace();
            let (Some(mode), Some(_kind), Some(id), Some(size)) =
                (facts.next(), facts.next(), facts.next(), facts.next())
            else {
                return Err(GitError::Answer("ls-tree").into());
            };
            if name.split('/').any(|part| part.starts_with('.')) {
                continue;
            }
            if !matches!(mode, "100644" | "100755") {
                return Err(GitError::NoFile(name.to_owned()).into());
            }
            if name.split('/').count() > MAX_DEPTH + 1 {
                return Err(OrganisationError::TooDeep(place()));
            }
            if Belongs::of(name).is_none() {
                continue;
            }
            let size: u64 = size.parse().map_err(|_| GitError::Answer("ls-tree"))?;
            if size > MAX_FILE_BYTES {
                return Err(OrganisationError::TooLarge(name.to_owned()));
            }
            total = total.saturating_add(size);
            wanted.push((id, size, name));
        }
        if wanted.len() > MAX_FILES {
            return Err(OrganisationError::TooMany(place()));
        }
        if total > MAX_BYTES {
            return Err(OrganisationError::TooMuch(place()));
        }
        let mut found = Found::default();
        for (name, text) in self.blobs(&wanted)? {
            found
                .take(name.to_owned(), String::from_utf8(text).map_err(|_| OrganisationError::NoText(name))?);
        }
        found.sorted(place)
    }

    /// The contents of blobs, in the order in which they are asked for.
    fn blobs(&self, wanted: &[(&str, u64, &str)]) -> Result<Vec<(String, Vec<u8>)>, GitError> {
        let ask: String = wanted.iter().flat_map(|(id, ..)| [id, "\n"]).collect();
        let bounds = Bounds { bytes: MAX_BYTES + MAX_LISTING_BYTES, ..Bounds::within(LOOK_WITHIN) };
        let answer = self.git.run("cat-file", &["cat-file", "--batch"], ask.into_bytes(), &bounds)?;
        let mut rest = answer.as_slice();
        let mut blobs = Vec::with_capacity(wanted.len());
        for (id, size, name) in wanted {
            let heading = format!("{id} blob {size}\n");
            let after = rest.strip_prefix(heading.as_bytes()).ok_or(GitError::Answer("cat-file"))?;
            let size = usize::try_from(*size).map_err(|_| GitError::Answer("cat-file"))?;
            let (text, after) = after.split_at_checked(size).ok_or(GitError::Answer("cat-file"))?;
            rest = after.strip_prefix(b"\n").ok_or(GitError::Answer("cat-file"))?;
            blobs.push(((*name).to_owned(), text.to_vec()));
        }
        Ok(blobs)
    }

    fn fetch_ref(&self, what: &str, only_newest: bool) -> Result<(), GitError> {
        let wanted = format!("+{what}:{FETCHED}");
        let mut arguments = vec![
            "fetch",
            "--quiet",
            "--force",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
        ];
        if only_newest {
            arguments.push("--depth=1");
        } else if self.folder.join("shallow").exists() {
            // What was fetched without its history gets it now.
            arguments.push("--unshallow");
        }
        arguments.extend(["--", self.source.url.as_str(), wanted.as_str()]);
        let bounds =
            Bounds { folder: Some((&self.folder, MAX_MIRROR_BYTES)), ..Bounds::within(FETCH_WITHIN) };
        self.git.run("fetch", &arguments, Vec::new(), &bounds).map(drop)
    }

    /// The commit that a name of the mirror stands for, if there is one.
    fn resolve(&self, name: &str) -> Result<Option<Commit>, GitError> {
        let commit = format!("{name}^{{commit}}");
        match self.run("rev-parse", &["rev-parse", "--quiet", "--verify", "--end-of-options", &commit]) {
            Ok(answer) => {
                let answer = String::from_utf8(answer).map_err(|_| GitError::Answer("rev-parse"))?;
                answer.trim().parse().map(Some).map_err(|_| GitError::Answer("rev-parse"))
            }
            Err(GitError::Failed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn run(&self, what: &'static str, arguments: &[&str]) -> Result<Vec<u8>, GitError> {
        self.git.run(what, arguments, Vec::new(), &Bounds::within(LOOK_WITHIN))
    }
}

/// A value as git's configuration files have it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests;
