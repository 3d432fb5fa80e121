//! The history of somebody's repository, read through an empty one of ours that borrows its objects: none of its
//! configuration, hooks, attributes or helpers is ever in force.

use std::path::{Path, PathBuf};
use std::time::Duration;

use writ_gateway::git::GitError;
use writ_scan::provenance::Commit;

use super::clean::clean;
use super::run::{Input, Run};

/// Most bytes that are read of a history.
const MAX_BYTES: usize = 512 << 20;
/// Longest file of names.
const MAX_REFS_BYTES: u64 = 64 << 20;
/// Most links that a name may go through.
const MAX_LINKS: usize = 5;
/// Highest folder above that may be the repository.
const MAX_ABOVE: usize = 64;

/// One commit.
pub(crate) struct Entry {
    pub(crate) id: String,
    /// The day that its author named, as `2026-01-31`.
    pub(crate) time: String,
    pub(crate) author_name: String,
    pub(crate) author_email: String,
    pub(crate) committer_name: String,
    pub(crate) committer_email: String,
    pub(crate) message: String,
}

/// Commits from the newest on.
pub(crate) struct History {
    commits: Vec<Entry>,
    is_cut: bool,
}

// === impl Entry ===

impl Entry {
    /// What tells who made it.
    pub(crate) fn as_commit(&self) -> Commit<'_> {
        Commit {
            author_name: &self.author_name,
            author_email: &self.author_email,
            committer_name: &self.committer_name,
            committer_email: &self.committer_email,
            message: &self.message,
        }
    }
}

// === impl History ===

impl History {
    pub(crate) fn commits(&self) -> &[Entry] {
        &self.commits
    }

    /// Whether there is more.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }
}

/// Reads no more than `number` commits from what is checked out in the repository that a folder belongs to.
pub(crate) async fn read(folder: &Path, number: u32, within: Duration) -> Result<History, GitError> {
    let Borrowed { room: _room, ours, head, common, .. } = Borrowed::of(folder, within).await?;
    let mut log = clean(
        &ours,
        &["PATH"],
        &["log.showSignature=false", "log.mailmap=false", "i18n.logOutputEncoding=UTF-8"],
        "none",
    );
    let most = format!("--max-count={}", number.saturating_add(1));
    log.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", common.join("objects")).args([
        "log",
        "-z",
        "--no-color",
        "--no-notes",
        "--no-show-signature",
        "--no-ext-diff",
        "--no-textconv",
        "--no-decorate",
        "--date=short",
        "--format=%H%x1f%ad%x1f%an%x1f%ae%x1f%cn%x1f%ce%x1f%B",
        &most,
        &head,
        "--",
    ]);
    let ended = Run::new("log", within).answers(MAX_BYTES).of(log, Input::Nothing).await?.good()?;
    let mut commits: Vec<Entry> = ended.answer.split(|byte| *byte == 0).filter_map(entry).collect();
    let wanted = usize::try_from(number).unwrap_or(usize::MAX);
    let is_cut = ended.is_cut || commits.len() > wanted;
    commits.truncate(wanted);
    Ok(History { commits, is_cut })
}

/// An empty repository of ours beside somebody's, whose objects it borrows.
pub(super) struct Borrowed {
    /// Ends with its owner, and the repository in it.
    pub(super) room: Room,
    pub(super) ours: PathBuf,
    /// The commit that is checked out there.
    pub(super) head: String,
    /// Their repository: its own files, and those that it shares with other work trees.
    pub(super) git: PathBuf,
    pub(super) common: PathBuf,
}

// === impl Borrowed ===

impl Borrowed {
    /// Beside the repository that a folder belongs to.
    pub(super) async fn of(folder: &Path, within: Duration) -> Result<Self, GitError> {
        let (git, common) = place(folder).ok_or_else(|| {
            GitError::Unavailable(format!("`{}` is in no git repository", folder.display()))
        })?;
        let Some(head) = head(&git, &common) else {
            return Err(GitError::Unavailable(
                "nothing is checked out that a branch's file names".to_owned(),
            ));
        };
        let format = if head.len() == 64 { "sha256" } else { "sha1" };
        let room = Room::new()
            .map_err(|error| GitError::Unavailable(format!("could not make a folder: {error}")))?;
        let ours = room.path().join("room.git");
        let format = format!("--object-format={format}");
        let mut init = clean(&ours, &["PATH"], &[], "none");
        init.args(["init", "--quiet", "--bare", "--template=", &format]);
        Run::new("init", within).of(init, Input::Nothing).await?.good()?;
        Ok(Self { room, ours, head, git, common })
    }

    /// A command of git's that reads their objects.
    pub(super) fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = clean(&self.ours, &["PATH"], &[], "none");
        command.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", self.common.join("objects")).args(arguments);
        command
    }

    /// The object that a name of theirs stands for: `HEAD`, a branch, a branch of a remote, or a tag.
    pub(super) fn named(&self, name: &str) -> Option<String> {
        if name == "HEAD" {
            return Some(self.head.clone());
        }
        if is_id(name) {
            return Some(name.to_owned());
        }
        ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"].iter().find_map(|before| {
            let full = format!("{before}{name}");
            full.starts_with("refs/").then(|| follow(&self.git, &self.common, format!("ref: {full}")))?
        })
    }
}

/// A folder that nobody else can write to, and that ends with its owner.
pub(super) struct Room(PathBuf);

// === impl Room ===

impl Room {
    fn new() -> std::io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        let mut random = [0; 12];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| std::io::Error::other("no randomness"))?;
        let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = std::env::temp_dir().join(format!("writ-history-{name}"));
        // Fails when the name is taken, whatever by.
        std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self(folder))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn entry(bytes: &[u8]) -> Option<Entry> {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.trim_start_matches('\n').splitn(7, '\u{1f}').map(str::to_owned);
    let mut next = || parts.next();
    Some(Entry {
        id: next().filter(|id| is_id(id))?,
        time: next()?,
        author_name: next()?,
        author_email: next()?,
        committer_name: next()?,
        committer_email: next()?,
        message: next()?,
    })
}

/// The repository of a folder: its own files, and those that it shares with other work trees.
pub(crate) fn place(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let git = folder.ancestors().take(MAX_ABOVE).find_map(|folder| {
        let inside = folder.join(".git");
        if inside.is_dir() {
            return Some(inside);
        }
        if inside.is_file() {
            let text = short(&inside)?;
            let named = folder.join(text.strip_prefix("gitdir:")?.trim());
            return named.is_dir().then_some(named);
        }
        (folder.join("HEAD").is_file() && folder.join("objects").is_dir()).then(|| folder.to_owned())
    })?;
    let common = match short(&git.join("commondir")) {
        Some(text) => git.join(text.trim()),
        None => git.clone(),
    };
    let common = std::fs::canonicalize(common).ok()?;
    Some((git, common))
}

/// The commit that is checked out.
fn head(git: &Path, common: &Path) -> Option<String> {
    follow(git, common, short(&git.join("HEAD"))?)
}

/// The object at the end of a file's `ref: …`, which may lead to others.
fn follow(git: &Path, common: &Path, mut text: String) -> Option<String> {
    for _ in 0..MAX_LINKS {
        let line = text.lines().next()?.trim();
        let Some(name) = line.strip_prefix("ref:").map(str::trim) else {
            return is_id(line).then(|| line.to_owned());
        };
        // A name is a path below the repository, and nothing else.
        if !name.starts_with("refs/") || name.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return None;
        }
        text =
            short(&git.join(name)).or_else(|| short(&common.join(name))).or_else(|| packed(common, name))?;
    }
    None
}

/// What the file of packed names says of one.
fn packed(common: &Path, name: &str) -> Option<String> {
    let text = bounded(&common.join("packed-refs"), MAX_REFS_BYTES)?;
    text.lines().find_map(|line| {
        let (id, own) = line.split_once(' ')?;
        (own == name && is_id(id)).then(|| id.to_owned())
    })
}

pub(super) fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn short(path: &Path) -> Option<String> {
    bounded(path, 4 << 10)
}

fn bounded(path: &Path, most: u64) -> Option<String> {
    use std::io::Read as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = std::fs::File::options().read(true).custom_flags(flags).open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    file.take(most).read_to_string(&mut text).ok()?;
    Some(text)
}
