//! What the git door needs of git itself: a mirror of each remote repository, and rooms beside it in which the objects
//! of a push are looked at before they go anywhere. `writ` keeps this port over the real program.

use std::future::Future;
use std::path::Path;

use super::oid::{ObjectFormat, Oid};
use super::spool::Arriving;

/// Why git gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// The pack is not what it says, or holds objects that git forbids. What git said of it.
    #[error("the pack is refused: {0}")]
    Pack(String),
    /// The pack builds on objects that are not here.
    #[error("the pack builds on objects that the mirror does not have")]
    Bases,
    /// An object that is asked for, or one that it needs, is not here.
    #[error("objects are missing: {0}")]
    Missing(String),
    /// A bound of time or size was reached.
    #[error("git was stopped: {0}")]
    Bound(String),
    /// Git could not be run, or the disk, or the remote does not answer.
    #[error("git does not work here: {0}")]
    Unavailable(String),
}

/// Keeps the mirrors.
pub trait Mirrors: Send + Sync + 'static {
    type Room: Room;

    /// Makes an empty room beside the mirror of a remote, and the mirror where there is none. Rooms of one mirror do
    /// not see each other. Dropping the room removes it with all that lies in it.
    fn open(
        &self,
        remote: &str,
        format: ObjectFormat,
    ) -> impl Future<Output = Result<Self::Room, GitError>> + Send;
}

/// The objects of one push, beside those of the remote. They get into the mirror only when the remote took them.
pub trait Room: Send + Sync + 'static {
    /// A folder of this room alone, for the pack as it was received.
    fn folder(&self) -> &Path;

    /// Brings the mirror up to the remote, as far as its branches and tags reach.
    fn refresh(&self) -> impl Future<Output = Result<(), GitError>> + Send;

    /// Takes a pack into the room while it is received: its objects are whole, as many as it says, and none that git
    /// forbids. Time counts from its last byte.
    ///
    /// # Errors
    /// [`GitError::Pack`] when it is broken, [`GitError::Bases`] when it builds on what is not here.
    fn index(&self, pack: Arriving) -> impl Future<Output = Result<(), GitError>> + Send;

    /// Hands the objects to the mirror, so that they need not be fetched back: the remote took them, all of them.
    fn adopt(&self) -> impl Future<Output = Result<(), GitError>> + Send;

    /// Whether the commit `old` is `new` itself or comes before it.
    fn contains(&self, new: Oid, old: Oid) -> impl Future<Output = Result<bool, GitError>> + Send;

    /// The commit of the remote's default branch, where it is known.
    fn default_branch(&self) -> impl Future<Output = Result<Option<Oid>, GitError>> + Send;

    /// What the tips reach and the mirror's refs do not.
    ///
    /// # Errors
    /// [`GitError::Missing`] when the way from the tips down to the remote has gaps.
    fn objects(&self, tips: &[Oid]) -> impl Future<Output = Result<NewObjects, GitError>> + Send;

    /// The commits among them, newest first.
    fn commits(&self, tips: &[Oid]) -> impl Future<Output = Result<NewCommits, GitError>> + Send;

    /// What these commits change against their parents; of a merge, what it has from none of them.
    fn changes_of(&self, commits: &[Oid]) -> impl Future<Output = Result<Changes, GitError>> + Send;

    /// How the files of two tips differ.
    fn changes_between(&self, old: Oid, new: Oid) -> impl Future<Output = Result<Changes, GitError>> + Send;

    /// Reads objects one after another, at most `each` bytes of one and `all` in all, and hands them on in pieces of
    /// at most 64 KiB. Says whether anything was left out.
    fn read(
        &self,
        oids: &[Oid],
        bounds: ReadBounds,
        sink: &mut (dyn FnMut(Piece<'_>) + Send),
    ) -> impl Future<Output = Result<bool, GitError>> + Send;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    Blob,
    Commit,
    Tag,
    Tree,
}

/// A part of an object.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// Which of those asked for.
    pub at: usize,
    pub kind: ObjectKind,
    /// Where in the object it begins.
    pub from: u64,
    /// Empty for an empty object.
    pub bytes: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadBounds {
    pub each: u64,
    pub all: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewObjects {
    /// With the path under which it was met first; empty for commits, tags and roots.
    pub list: Vec<(Oid, Box<str>)>,
    /// There are more than are listed.
    pub is_cut: bool,
    /// How many objects of the pack are new and reached by none of the tips: nobody can say what they are for.
    pub strays: usize,
}

/// A commit that a push brings to its remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedCommit {
    pub oid: Oid,
    /// Name and address, as the commit claims. Cut at 512 characters each.
    pub author: String,
    pub committer: String,
    /// `Key: value` lines at the end of the message. At most 64.
    pub trailers: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewCommits {
    pub list: Vec<PushedCommit>,
    /// There are more than are listed.
    pub is_cut: bool,
}

/// A file that differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Change {
    /// Below the root of the repository.
    pub path: String,
    /// The file's contents before, unless there was none.
    pub old: Option<Oid>,
    /// Its contents now, unless it is gone, or is another repository.
    pub new: Option<Oid>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub list: Vec<Change>,
    /// More files differ than are listed, or one whose name is no text.
    pub is_cut: bool,
}
