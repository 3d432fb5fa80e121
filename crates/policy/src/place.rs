//! Where a path lies, seen from the task. One answer for all: the file a client's own tool would open and the file a
//! shell command names are placed by the same function.
//!
//! A path is a claim until it is resolved: links and `..` decide where it really leads. The judge does no I/O; it walks
//! the path and asks [`Files`] what stands at each step. Names are compared without regard to case and to characters
//! that are not seen, so that the answer is right on a file system that folds them too; where that says too much, it
//! only makes the answer stricter.

mod binding;
mod files;
mod fold;
pub(crate) mod pattern;
mod resolve;
mod secret;
pub(crate) mod sweep;
mod told;
mod twin;

use std::path::{Component, Path, PathBuf};

use writ_model::{Binding, Place};

pub use self::files::{Entry, Files, Lexical, Name, Status};
pub(crate) use self::fold::fold;
use self::resolve::{real, without_dots};
pub use self::told::tells;

/// Longest path that is looked at, in bytes; the kernel takes no longer one.
const PATH_BYTES: usize = 4096;

/// The folders that a task's places are measured from. All paths are absolute and real.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workspace {
    /// The folder the task works in.
    pub root: PathBuf,
    /// The user's home folder, where there is one.
    pub home: Option<PathBuf>,
    /// Folders for throw-away files, as `/tmp`.
    pub scratch: Vec<PathBuf>,
    /// Writ's state, configuration and sockets, and its program.
    pub own: Vec<PathBuf>,
}

/// A path and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Real path.
    pub path: String,
    pub place: Place,
    /// What runs or obeys it after it was written.
    pub binding: Option<Binding>,
}

/// The path cannot be placed, so nobody knows what the call would touch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unplaceable {
    #[error("the path is empty")]
    Empty,
    #[error("the path is longer than {PATH_BYTES} bytes")]
    TooLong,
    #[error("the path has a zero byte")]
    ZeroByte,
    #[error("the path is relative and the working directory is not known")]
    NoWorkingDirectory,
    #[error("it names the home folder of a user that is not known")]
    UnknownHome,
    #[error("it is an address and no path")]
    Address,
    #[error("it leads in a circle of links")]
    Circle,
    #[error("a part of it cannot be looked at")]
    Unreadable,
}

/// What runs or obeys a file or folder of a workspace by itself, by its path below the workspace; nothing for what ordinary
/// work writes, build scripts and manifests included.
#[must_use]
pub fn binds(below: &str) -> Option<Binding> {
    binding::in_workspace(&fold(below)).filter(|binding| !binding::is_everyday(*binding))
}

/// The names of one folder of a workspace, none of which around it binds: [`binds`] for many of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderNames {
    /// The folder's name, folded, where it matters.
    pair: Option<String>,
}

impl FolderNames {
    /// By the folder's own name; nothing for the workspace itself.
    #[must_use]
    pub fn of(folder: Option<&str>) -> Self {
        Self { pair: folder.map(fold).filter(|name| binding::begins_a_pair(name)).map(Into::into) }
    }

    /// What runs or obeys the file or folder of this name in it.
    #[must_use]
    pub fn binds(&self, name: &str) -> Option<Binding> {
        match &self.pair {
            Some(folder) => binds(&format!("{folder}/{name}")),
            None if binding::could_matter(name) => binds(name),
            None => None,
        }
    }
}

// === impl Workspace ===

impl Workspace {
    /// Places a path as a client wrote it, seen from its working directory.
    ///
    /// Usually one answer. More where `..` stands behind a link (some programs resolve it by text, some by the link, and
    /// nobody knows which will run), and where the file is known under a second name that matters.
    pub fn place(&self, files: &dyn Files, cwd: &str, path: &str) -> Result<Vec<Placed>, Unplaceable> {
        let written = self.absolute(cwd, path)?;
        if let Some(placed) = device(&written) {
            return Ok(vec![placed]);
        }
        let by_links = real(files, &self.root, cwd, &written)?;
        let mut found = vec![self.placed(&by_links)?];
        if written.components().any(|part| part == Component::ParentDir) {
            let by_text = real(files, &self.root, cwd, &without_dots(&written))?;
            if by_text != by_links {
                found.push(self.placed(&by_text)?);
            }
        }
        for other in twin::others(self, files, &by_links) {
            let placed = self.placed(&other)?;
            if !found.contains(&placed) {
                found.push(placed);
            }
        }
        Ok(found)
    }

    /// Where a real path lies.
    pub fn place_of(&self, path: &Path) -> Place {
        self.lies(path).0
    }

    /// Where a real path lies, and what runs or obeys the file.
    fn lies(&self, path: &Path) -> (Place, Option<Binding>) {
        let text = path.to_string_lossy();
        let folded = fold(&text);
        let below = |folder: &Path| is_below(&folded, folder);
        if self.own.iter().any(|own| below(own)) {
            return (Place::Own, Some(Binding::Own));
        }
        let in_workspace = rest_below(&folded, &self.root);
        let at_home = self.home.as_deref().and_then(|home| rest_below(&folded, home));
        let home = self.home.as_deref().and_then(Path::to_str);
        let bound_at_home = at_home.as_deref().and_then(binding::at_home);
        let bound_here = in_workspace.as_deref().and_then(binding::in_workspace);
        let bound = bound_at_home.or(bound_here).or_else(|| binding::of_machine(&folded));
        if secret::is_secret(&folded, at_home.as_deref(), home) {
            return (Place::Secret, bound);
        }
        // The home folder's own files bind the user's shell and tools, also when a task works in the home folder.
        if bound_at_home.is_some() {
            return (Place::Binding, bound);
        }
        if in_workspace.is_some() {
            return if bound_here.is_some_and(|binding| !binding::is_everyday(binding)) {
                (Place::Binding, bound)
            } else if path.starts_with(&self.root) {
                (Place::Workspace, bound)
            } else {
                // The name differs from the workspace in case only: another folder, or the same; nobody knows.
                (Place::Outside, bound)
            };
        }
        if self.scratch.iter().any(|scratch| path.starts_with(scratch)) {
            return (Place::Scratch, bound);
        }
        (Place::Outside, bound)
    }

    /// The path below the home folder, for a real path that lies there and not in the workspace.
    pub(crate) fn at_home<'p>(&self, path: &'p Path) -> Option<&'p str> {
        if self.holds(path) {
            return None;
        }
        path.strip_prefix(self.home.as_deref()?).ok()?.to_str()
    }

    /// The path below the workspace, for a real path that lies there.
    pub(crate) fn at_root<'p>(&self, path: &'p Path) -> Option<&'p str> {
        path.strip_prefix(&self.root).ok()?.to_str()
    }

    /// Whether a real path lies in the workspace.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        path.starts_with(&self.root)
    }

    fn placed(&self, path: &Path) -> Result<Placed, Unplaceable> {
        let text = path.to_str().ok_or(Unplaceable::Unreadable)?;
        let (place, binding) = self.lies(path);
        Ok(Placed { path: text.to_owned(), place, binding })
    }

    /// The written path with its beginning: home folder, root or working directory.
    fn absolute(&self, cwd: &str, path: &str) -> Result<PathBuf, Unplaceable> {
        if path.is_empty() {
            return Err(Unplaceable::Empty);
        }
        if path.len() > PATH_BYTES || cwd.len() > PATH_BYTES {
            return Err(Unplaceable::TooLong);
        }
        if path.contains('\0') || cwd.contains('\0') {
            return Err(Unplaceable::ZeroByte);
        }
        if path.contains("://") || path.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("file:")) {
            return Err(Unplaceable::Address);
        }
        if let Some(rest) = path.strip_prefix('~') {
            let home = self.home.as_deref().ok_or(Unplaceable::UnknownHome)?;
            return match rest.strip_prefix('/') {
                Some(below) => Ok(home.join(below.trim_start_matches('/'))),
                None if rest.is_empty() => Ok(home.to_owned()),
                None => Err(Unplaceable::UnknownHome),
            };
        }
        if path.starts_with('/') {
            return Ok(PathBuf::from(path));
        }
        if !cwd.starts_with('/') {
            return Err(Unplaceable::NoWorkingDirectory);
        }
        Ok(Path::new(cwd).join(path))
    }
}

/// The devices that everybody writes to and that keep nothing.
fn device(path: &Path) -> Option<Placed> {
    let text = path.to_str()?;
    let harmless = matches!(
        text,
        "/dev/null"
            | "/dev/zero"
            | "/dev/full"
            | "/dev/random"
            | "/dev/urandom"
            | "/dev/stdin"
            | "/dev/stdout"
            | "/dev/stderr"
            | "/dev/tty"
            | "/dev/fd/0"
            | "/dev/fd/1"
            | "/dev/fd/2"
    );
    harmless.then(|| Placed { path: text.to_owned(), place: Place::Scratch, binding: None })
}

fn is_below(folded: &str, folder: &Path) -> bool {
    rest_below(folded, folder).is_some()
}

/// The folded rest of a path below a folder; empty for the folder itself.
fn rest_below(folded: &str, folder: &Path) -> Option<String> {
    let text = folder.to_string_lossy();
    let folder = fold(&text);
    let rest = folded.strip_prefix(folder.trim_end_matches('/'))?;
    match rest.strip_prefix('/') {
        Some(rest) => Some(rest.to_owned()),
        None if rest.is_empty() => Some(String::new()),
        None => None,
    }
}

/// Listed names that can stand in any folder, which a pattern of the shell must not catch unseen.
pub(crate) fn names_anywhere() -> impl Iterator<Item = &'static str> {
    secret::names_caught().chain(binding::guarded_names())
}

#[cfg(test)]
mod tests;
