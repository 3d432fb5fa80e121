//! Where a path lies, seen from the task. One answer for all: the file a client's own tool would open and the file a
//! shell command names are placed by the same function.
//!
//! A path is a claim until it is resolved: links and `..` decide where it really leads. The judge does no I/O; it walks
//! the path and asks [`Files`] what stands at each step. Names are compared without regard to case and to characters
//! that are not seen, so that the answer is right on a file system that folds them too; where that says too much, it
//! only makes the answer stricter.

mod fold;
mod listed;

use std::collections::VecDeque;
use std::path::{Component, Path, PathBuf};

use writ_model::Place;

use self::fold::fold;
pub(crate) use self::listed::names_anywhere;

/// Longest path that is looked at, in bytes; the kernel takes no longer one.
const PATH_BYTES: usize = 4096;

/// How many links are followed before a path counts as a circle.
const LINKS: usize = 40;

/// What stands at one path, links not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A link, with its target as it is written in it.
    Link(PathBuf),
    /// Nothing.
    Missing,
    /// A file, a folder, or anything else that is no link.
    Plain,
    /// Something that could not be looked at. The path cannot be placed.
    Unreadable,
}

/// Looks at the file system for the judge. An implementation reads one entry and follows nothing.
pub trait Files {
    fn entry(&self, path: &Path) -> Entry;
}

/// A file system without links, for where none can be looked at: paths are resolved by their text alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lexical;

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

impl Files for Lexical {
    fn entry(&self, _path: &Path) -> Entry {
        Entry::Plain
    }
}

// === impl Workspace ===

impl Workspace {
    /// Places a path as a client wrote it, seen from its working directory.
    ///
    /// Usually one answer. Two where `..` stands behind a link: some programs resolve it by text, some by the link, and
    /// nobody knows which will run.
    pub fn place(&self, files: &dyn Files, cwd: &str, path: &str) -> Result<Vec<Placed>, Unplaceable> {
        let written = self.absolute(cwd, path)?;
        if let Some(placed) = device(&written) {
            return Ok(vec![placed]);
        }
        let by_links = self.real(files, &written)?;
        let mut found = vec![self.placed(&by_links)?];
        if written.components().any(|part| part == Component::ParentDir) {
            let by_text = self.real(files, &without_dots(&written))?;
            if by_text != by_links {
                found.push(self.placed(&by_text)?);
            }
        }
        Ok(found)
    }

    /// Where a real path lies.
    pub fn place_of(&self, path: &Path) -> Place {
        let text = path.to_string_lossy();
        let folded = fold(&text);
        let below = |folder: &Path| is_below(&folded, folder);
        if self.own.iter().any(|own| below(own)) {
            return Place::Own;
        }
        let in_workspace = below(&self.root);
        let at_home = self.home.as_deref().and_then(|home| rest_below(&folded, home));
        let home = self.home.as_deref().and_then(Path::to_str);
        if listed::is_secret(&folded, at_home.as_deref(), home) {
            return Place::Secret;
        }
        // The home folder's own files bind the user's shell and tools, also when a task works in the home folder.
        if at_home.as_deref().is_some_and(listed::binds_at_home) {
            return Place::Binding;
        }
        if in_workspace {
            return if listed::binds(&rest_below(&folded, &self.root).unwrap_or_default()) {
                Place::Binding
            } else if path.starts_with(&self.root) {
                Place::Workspace
            } else {
                // The name differs from the workspace in case only: another folder, or the same; nobody knows.
                Place::Outside
            };
        }
        if self.scratch.iter().any(|scratch| path.starts_with(scratch)) {
            return Place::Scratch;
        }
        Place::Outside
    }

    /// The path below the home folder, for a real path that lies there and not in the workspace.
    pub(crate) fn at_home<'p>(&self, path: &'p Path) -> Option<&'p str> {
        if self.holds(path) {
            return None;
        }
        path.strip_prefix(self.home.as_deref()?).ok()?.to_str()
    }

    /// Whether a real path lies in the workspace.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        path.starts_with(&self.root)
    }

    fn placed(&self, path: &Path) -> Result<Placed, Unplaceable> {
        let text = path.to_str().ok_or(Unplaceable::Unreadable)?;
        Ok(Placed { path: text.to_owned(), place: self.place_of(path) })
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

    /// The path with links and `..` resolved, as the kernel would, for as far as it exists. What does not exist keeps
    /// its text, so a link to a missing file leads to where that file would be made.
    fn real(&self, files: &dyn Files, path: &Path) -> Result<PathBuf, Unplaceable> {
        // The workspace itself is real already; only what lies below it needs a look.
        let (mut real, rest) = match path.strip_prefix(&self.root) {
            Ok(rest) => (self.root.clone(), rest),
            Err(_) => (PathBuf::from("/"), path),
        };
        let mut ahead: VecDeque<Step> = VecDeque::new();
        steps(rest, &mut ahead, false);
        let mut links = 0;
        while let Some(step) = ahead.pop_front() {
            let name = match step {
                Step::Root => {
                    real = PathBuf::from("/");
                    continue;
                }
                Step::Up => {
                    real.pop();
                    continue;
                }
                Step::Down(name) => name,
            };
            real.push(&name);
            // Links below /proc lead elsewhere for every process that looks; their text is what can be judged.
            if real.starts_with("/proc") {
                continue;
            }
            match files.entry(&real) {
                Entry::Plain | Entry::Missing => {}
                Entry::Unreadable => return Err(Unplaceable::Unreadable),
                Entry::Link(target) => {
                    links += 1;
                    if links > LINKS || target.as_os_str().len() > PATH_BYTES {
                        return Err(Unplaceable::Circle);
                    }
                    real.pop();
                    steps(&target, &mut ahead, true);
                }
            }
        }
        if real.as_os_str().len() > PATH_BYTES {
            return Err(Unplaceable::TooLong);
        }
        Ok(real)
    }
}

enum Step {
    Root,
    Up,
    Down(std::ffi::OsString),
}

/// Puts the components of `path` behind, or in front of, the steps that lie ahead.
fn steps(path: &Path, ahead: &mut VecDeque<Step>, in_front: bool) {
    let found = path.components().filter_map(|part| match part {
        Component::RootDir => Some(Step::Root),
        Component::ParentDir => Some(Step::Up),
        Component::Normal(name) => Some(Step::Down(name.to_owned())),
        Component::CurDir | Component::Prefix(_) => None,
    });
    if in_front {
        for step in found.collect::<Vec<_>>().into_iter().rev() {
            ahead.push_front(step);
        }
    } else {
        ahead.extend(found);
    }
}

/// `..` resolved by text alone.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) | Component::Normal(_) => plain.push(part),
        }
    }
    plain
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
    harmless.then(|| Placed { path: text.to_owned(), place: Place::Scratch })
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

#[cfg(test)]
mod tests;
