//! A written path becomes a real one: links, `..` and the doors of `/proc` are followed, as the kernel would.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use super::{Entry, Files, PATH_BYTES, Unplaceable};

/// How many links are followed before a path counts as a circle.
const LINKS: usize = 40;

/// The path with links and `..` resolved, for as far as it exists. What does not exist keeps its text, so a link to a
/// missing file leads to where that file would be made. `root` is real already; only what lies below it needs a look.
pub(super) fn real(files: &dyn Files, root: &Path, cwd: &str, path: &Path) -> Result<PathBuf, Unplaceable> {
    let (mut real, rest) = match path.strip_prefix(root) {
        Ok(rest) => (root.to_owned(), rest),
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
        // Links below /proc lead elsewhere for every process that looks, so they are not read. Two of them lead where
        // the command itself is; the others are judged by their text.
        if real.starts_with("/proc") {
            match door(&real) {
                Some(Door::Root) => real = PathBuf::from("/"),
                Some(Door::WorkingDirectory) if cwd.starts_with('/') => {
                    links += 1;
                    real = PathBuf::from("/");
                    steps(Path::new(cwd), &mut ahead, true);
                }
                Some(Door::WorkingDirectory) | None => {}
            }
            if links > LINKS {
                return Err(Unplaceable::Circle);
            }
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

/// `..` resolved by text alone.
pub(super) fn without_dots(path: &Path) -> PathBuf {
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

/// A link of `/proc` whose end is known without looking at a process.
enum Door {
    Root,
    WorkingDirectory,
}

/// `/proc/self/root`, `/proc/thread-self/cwd`, `/proc/self/task/7/cwd`. What the number of another process leads to is
/// not known here.
fn door(path: &Path) -> Option<Door> {
    let mut names = path.strip_prefix("/proc").ok()?.iter();
    let process = names.next()?;
    if process != "self" && process != "thread-self" {
        return None;
    }
    let mut name = names.next()?;
    if name == "task" {
        names.next()?;
        name = names.next()?;
    }
    if names.next().is_some() {
        return None;
    }
    if name == OsStr::new("root") {
        Some(Door::Root)
    } else if name == OsStr::new("cwd") {
        Some(Door::WorkingDirectory)
    } else {
        None
    }
}

enum Step {
    Root,
    Up,
    Down(OsString),
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
