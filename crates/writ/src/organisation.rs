//! Where the policies in force come from: the shipped ones, a folder of the organisation's, or a commit of its git
//! repository. They are taken whole or not at all.
//!
//! *Trusted: who can write the folder, or push to the ref that the configuration names, decides what agents may do.*
//! So nothing is taken from where an agent or another user can write; links are refused, and so is anything beyond the
//! bounds here. Of a repository, only blobs of one commit are read: nothing of it is ever checked out or run.

use std::fmt;
use std::path::PathBuf;

use writ_model::Label;
use writ_policy::{PolicySources, SourceFile};

use crate::config::{Config, Organisation, State};

pub(crate) mod folder;
pub(crate) mod git;

/// Most files of one set of policies, tests beside them included.
const MAX_FILES: usize = 10_000;
/// Largest file that is read.
const MAX_FILE_BYTES: u64 = 4 << 20;
/// Most bytes of one set.
const MAX_BYTES: u64 = 64 << 20;
/// How deep folders may lie in one another.
const MAX_DEPTH: usize = 8;

/// How the name of a file of policies ends.
pub(crate) const POLICIES: &str = ".cedar";
/// How the name of a file of tests beside them ends.
pub(crate) const TESTS: &str = ".tests.toml";

/// A set of policies, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Loaded {
    pub(crate) sources: PolicySources,
    pub(crate) origin: Origin,
    /// The tests that lie beside them; not looked into.
    pub(crate) tests: Vec<SourceFile>,
    /// It was fetched just now, and nobody found it valid yet.
    fresh: bool,
}

/// The organisation's files as they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) policies: Vec<SourceFile>,
    pub(crate) tests: Vec<SourceFile>,
}

/// Where a set of policies comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The profiles that come with Writ.
    Shipped,
    Folder(PathBuf),
    Commit {
        url: String,
        reference: String,
        commit: git::Commit,
    },
}

/// There is no usable set of policies. Nothing of it is used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OrganisationError {
    #[error("could not read `{}`", .path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("`{}` is a link; policies are read only from plain files", .0.display())]
    Link(PathBuf),
    #[error("`{}` can be written by others; run `chmod -R go-w` on the folder of policies", .0.display())]
    OthersCanWrite(PathBuf),
    #[error("`{}` belongs to neither you nor root", .0.display())]
    ForeignOwner(PathBuf),
    #[error("`{0}` holds no `{POLICIES}` file")]
    Empty(String),
    #[error("`{0}` holds more than {MAX_FILES} files")]
    TooMany(String),
    #[error("`{0}` has folders nested deeper than {MAX_DEPTH}")]
    TooDeep(String),
    #[error("`{0}` is larger than {MAX_FILE_BYTES} bytes")]
    TooLarge(String),
    #[error("the policies in `{0}` are larger than {MAX_BYTES} bytes together")]
    TooMuch(String),
    #[error("`{0}` is no text")]
    NoText(String),
    #[error(transparent)]
    Git(#[from] git::GitError),
}

/// The policies in force for this user.
///
/// Of a repository, this takes the commit that was fetched last and asks the network only where nothing was fetched
/// yet; [`refresh`] fetches.
pub(crate) fn load(config: &Config, state: &State) -> Result<Loaded, OrganisationError> {
    match &config.organisation {
        None => Ok(Loaded::shipped()),
        Some(Organisation::Folder(path)) => {
            Ok(Loaded::of(folder::trusted(path)?, Origin::Folder(path.clone())))
        }
        Some(Organisation::Git(source)) => {
            let mirror = git::Mirror::of(state, source)?;
            match mirror.in_force()? {
                Some(commit) => Ok(Loaded::of(mirror.read(&commit)?, origin(source, commit))),
                None => fetched(&mirror, source),
            }
        }
    }
}

/// Fetches what the configured ref points to now, without putting it in force. `None` where no repository is
/// configured.
pub(crate) fn refresh(config: &Config, state: &State) -> Result<Option<Loaded>, OrganisationError> {
    let Some(Organisation::Git(source)) = &config.organisation else { return Ok(None) };
    fetched(&git::Mirror::of(state, source)?, source).map(Some)
}

/// Makes a commit that was fetched, and was found valid since, the one that [`load`] takes.
pub(crate) fn accept(config: &Config, state: &State, loaded: &Loaded) -> Result<(), OrganisationError> {
    match (&config.organisation, &loaded.origin) {
        (Some(Organisation::Git(source)), Origin::Commit { commit, .. }) if loaded.fresh => {
            Ok(git::Mirror::of(state, source)?.put_in_force(commit)?)
        }
        (_, Origin::Shipped | Origin::Folder(_) | Origin::Commit { .. }) => Ok(()),
    }
}

/// The policies of an earlier commit, where the mirror still has it.
pub(crate) fn of_commit(
    config: &Config,
    state: &State,
    commit: &git::Commit,
) -> Result<Option<Loaded>, OrganisationError> {
    let Some(Organisation::Git(source)) = &config.organisation else { return Ok(None) };
    let mirror = git::Mirror::of(state, source)?;
    if !mirror.has(commit)? {
        return Ok(None);
    }
    Ok(Some(Loaded::of(mirror.read(commit)?, origin(source, commit.clone()))))
}

fn fetched(mirror: &git::Mirror, source: &git::Source) -> Result<Loaded, OrganisationError> {
    let commit = mirror.fetch()?;
    let found = mirror.read(&commit)?;
    Ok(Loaded { fresh: true, ..Loaded::of(found, origin(source, commit)) })
}

fn origin(source: &git::Source, commit: git::Commit) -> Origin {
    Origin::Commit { url: source.url.clone(), reference: source.reference.clone(), commit }
}

// === impl Loaded ===

impl Loaded {
    pub(crate) fn shipped() -> Self {
        Self { sources: PolicySources::shipped(), origin: Origin::Shipped, tests: Vec::new(), fresh: false }
    }

    pub(crate) fn of(found: Found, origin: Origin) -> Self {
        let Found { policies, tests } = found;
        Self { sources: PolicySources::shipped().with_organisation(policies), origin, tests, fresh: false }
    }
}

// === impl Found ===

impl Found {
    /// Takes one file in, if its name says that it belongs.
    fn take(&mut self, name: String, text: String) {
        let file = SourceFile { name, text };
        match Belongs::of(&file.name) {
            Some(Belongs::Policies) => self.policies.push(file),
            Some(Belongs::Tests) => self.tests.push(file),
            None => {}
        }
    }

    /// In the order of names, if there is any policy.
    fn sorted(mut self, place: impl FnOnce() -> String) -> Result<Self, OrganisationError> {
        if self.policies.is_empty() {
            return Err(OrganisationError::Empty(place()));
        }
        self.policies.sort_by(|a, b| a.name.cmp(&b.name));
        self.tests.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(self)
    }
}

/// What a file is, by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Belongs {
    Policies,
    Tests,
}

// === impl Belongs ===

impl Belongs {
    fn of(name: &str) -> Option<Self> {
        if name.ends_with(POLICIES) {
            Some(Self::Policies)
        } else if name.ends_with(TESTS) {
            Some(Self::Tests)
        } else {
            None
        }
    }
}

// === impl Origin ===

impl Origin {
    /// As it is recorded with `policy-loaded`: no path, no address.
    pub(crate) fn label(&self) -> Label {
        match self {
            Self::Shipped => Label::lossy("shipped"),
            Self::Folder(_) => Label::lossy("folder"),
            Self::Commit { commit, .. } => Label::lossy(&format!("git:{commit}")),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shipped => f.write_str("the shipped profiles"),
            Self::Folder(path) => write!(f, "the folder `{}`", path.display()),
            Self::Commit { url, reference, commit } => {
                write!(f, "commit {commit} of `{reference}` at `{}`", url.escape_debug())
            }
        }
    }
}
