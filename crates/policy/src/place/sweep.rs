//! What a program comes across when it reads a folder with everything below it.
//!
//! Bounded: a look at a tree must not take longer than the reading it judges. The upper folders come first, which is
//! where credentials of a project lie; what is beyond the bound is not looked at. Trees that a package manager or a
//! build made, and folders of tests and examples, hold keys that are nobody's.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use writ_model::Place;

use super::fold::fold;
use super::{Entry, Files, Workspace, pattern};

/// How many names are looked at in all.
const NAMES: usize = 4_096;

/// How many folders are opened.
const FOLDERS: usize = 512;

/// How many credentials are enough to know.
const FOUND: usize = 16;

/// Folders whose keys open nothing, by a part of their name.
const SHOWN: &[&str] = &[
    "test",
    "tests",
    "testdata",
    "__tests__",
    "fixtures",
    "fixture",
    "examples",
    "example",
    "mocks",
    "spec",
    "docs",
];

/// The files with credentials below a real folder, of those that the patterns choose.
pub(crate) fn secrets_below(
    workspace: &Workspace,
    files: &dyn Files,
    folder: &Path,
    only: &[String],
    except: &[String],
) -> Vec<PathBuf> {
    let chosen = Chosen::new(only, except);
    let mut found = Vec::new();
    if !is_worth_a_look(workspace, folder) {
        return found;
    }
    let mut ahead = VecDeque::from([folder.to_owned()]);
    let (mut names, mut folders) = (NAMES, FOLDERS);
    while let Some(folder) = ahead.pop_front() {
        if names == 0 || folders == 0 {
            break;
        }
        folders -= 1;
        let listed = files.names(&folder, names);
        names -= listed.len().min(names);
        for entry in listed {
            let path = folder.join(&entry.name);
            if entry.is_folder {
                let name = fold(&entry.name);
                let is_left_out = crate::classify::is_rebuilt(&name)
                    || SHOWN.contains(&name.as_ref())
                    || matches!(name.as_ref(), ".git" | ".hg" | ".svn" | ".jj")
                    || chosen.leaves_out(&entry.name);
                if !is_left_out {
                    ahead.push_back(path);
                }
            } else if chosen.takes(&entry.name)
                && workspace.place_of(&path) == Place::Secret
                && !files.is_blank(&path)
            {
                found.push(path);
                if found.len() == FOUND {
                    return found;
                }
            }
        }
    }
    found
}

/// The listed files in one folder that a pattern of the shell stands for, links among them.
pub(crate) fn caught_in(
    workspace: &Workspace,
    files: &dyn Files,
    folder: &Path,
    part: &str,
    matters: fn(Place) -> bool,
) -> Vec<PathBuf> {
    let listed = files.names(folder, NAMES);
    let caught = listed.into_iter().filter(|entry| !entry.is_folder && catches(part, &entry.name));
    caught
        .map(|entry| folder.join(entry.name))
        .filter(|path| matters(workspace.place_of(path)))
        .take(FOUND)
        .collect()
}

/// Whether a pattern of the shell stands for empty files, and beside them for ones alone that are no credentials: each that it
/// could mean is listed, and there are not more.
pub(crate) fn catches_only_blanks(
    workspace: &Workspace,
    files: &dyn Files,
    folder: &Path,
    part: &str,
) -> bool {
    let listed = files.names(folder, NAMES);
    if listed.len() >= NAMES {
        return false;
    }
    let caught: Vec<PathBuf> = listed
        .into_iter()
        .filter(|entry| catches(part, &entry.name))
        .map(|entry| folder.join(entry.name))
        .collect();
    let is_plain = |path: &PathBuf| {
        files.entry(path) == Entry::Plain
            && matches!(workspace.place_of(path), Place::Workspace | Place::Binding)
    };
    caught.iter().any(|path| files.is_blank(path))
        && caught.iter().all(|path| files.is_blank(path) || is_plain(path))
}

/// Whether a pattern of the shell stands for a name: hidden ones are left to patterns that start with the dot.
fn catches(part: &str, name: &str) -> bool {
    pattern::alternatives(part).iter().any(|pattern| {
        (!name.starts_with('.') || pattern.starts_with(['.', '['])) && pattern::matches(pattern, name)
    })
}

/// Reading elsewhere is asked for as it is.
fn is_worth_a_look(workspace: &Workspace, folder: &Path) -> bool {
    let in_built =
        |below: &Path| below.iter().any(|name| crate::classify::is_rebuilt(&fold(&name.to_string_lossy())));
    match workspace.place_of(folder) {
        Place::Workspace | Place::Binding => !folder.strip_prefix(&workspace.root).is_ok_and(in_built),
        Place::Scratch => true,
        Place::Outside => folder.starts_with("/etc"),
        Place::Own | Place::Secret => false,
    }
}

/// Which names a program was told to take.
struct Chosen {
    only: Vec<String>,
    except: Vec<String>,
}

// === impl Chosen ===

impl Chosen {
    fn new(only: &[String], except: &[String]) -> Self {
        // A pattern of paths is tried on the name alone: it may then take more than the program would.
        let last = |list: &[String], folders: bool| {
            list.iter()
                .flat_map(|pattern| pattern::alternatives(pattern))
                .filter_map(|pattern| {
                    let plain = pattern.trim_end_matches("/**").trim_end_matches("/*").trim_end_matches('/');
                    let plain = if folders { plain } else { pattern.as_str() };
                    let name = plain.rsplit('/').next().unwrap_or(plain);
                    // What leaves out by a longer path leaves out less than its last name says.
                    let is_sure =
                        !folders || !plain.trim_start_matches("**/").trim_start_matches("./").contains('/');
                    is_sure.then(|| name.to_owned())
                })
                .collect()
        };
        Self { only: last(only, false), except: last(except, true) }
    }

    fn takes(&self, name: &str) -> bool {
        let is_taken =
            self.only.is_empty() || self.only.iter().any(|pattern| pattern::matches(pattern, name));
        is_taken && !self.leaves_out(name)
    }

    fn leaves_out(&self, name: &str) -> bool {
        self.except.iter().any(|pattern| pattern::matches(pattern, name))
    }
}
