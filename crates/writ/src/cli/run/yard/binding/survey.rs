//! One walk through a workspace, level by level, for names that bind and for repositories.
//!
//! It is bounded by a number of names in all and in one folder, so that what lies deep or in crowds cannot push out what
//! lies near; whoever asks is told when something was not looked at.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsStr;
use std::fs::FileType;
use std::path::{Path, PathBuf};

use writ_model::Binding;
use writ_policy::{FolderNames, tells};

use super::super::index::Index;
use super::super::repository::Repository;
use super::super::walk::{Closed, Entry, Nobody, Reader, entries, is_closed, walk};
use super::lead;

/// How a workspace is looked through before a task: it delays the start.
const BEFORE: Bounds = Bounds { names: 100_000, built: 0, folder: 20_000, depth: 16, units: 2_000 };
/// And after it.
const AFTER: Bounds = Bounds { names: 300_000, built: 100_000, folder: 50_000, depth: 32, units: 20_000 };

/// Folders in that of a repository where no tool looks for what binds, and where names are many.
const OF_REPOSITORY: [&str; 4] = ["logs", "modules", "objects", "refs"];

/// Folders that hold what installing made, wherever they lie: no project uses these names for anything else.
const INSTALLED: [&str; 3] = ["__pycache__", "node_modules", "site-packages"];

/// Where cargo builds.
const CARGO: &str = "target";
/// What marks such a folder as cargo's (the convention of cache directory tags).
const CARGO_TAG: &str = "CACHEDIR.TAG";
/// What cargo calls the folders that it makes in there, or one deeper: for another machine, or another profile.
const OF_CARGO: [&str; 9] =
    [".fingerprint", "build", "debug", "deps", "doc", "incremental", "package", "release", "tmp"];
/// So far below the marked folder they are known.
const CARGO_DEPTH: u8 = 2;

/// A file or folder that binds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli::run) struct Unit {
    /// Relative to the workspace.
    pub(in crate::cli::run) path: PathBuf,
    pub(in crate::cli::run) binding: Binding,
    /// It lies in a folder of dependencies.
    pub(in crate::cli::run) built: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(in crate::cli::run) struct Survey {
    /// Those nearest to the workspace's root first.
    pub(in crate::cli::run) units: Vec<Unit>,
    /// Folders of repositories below the workspace's own: `sub/.git`, or a bare one. Relative.
    pub(in crate::cli::run) repositories: Vec<PathBuf>,
    /// Files below the root that tell git where a repository is. Relative.
    pub(in crate::cli::run) pointers: Vec<PathBuf>,
    /// Everything was looked at, but for folders of dependencies.
    pub(in crate::cli::run) complete: bool,
    /// Folders that could not be looked into. Relative.
    pub(in crate::cli::run) closed: Vec<PathBuf>,
    /// Folders in which cargo may build, and whether they are marked so. Relative.
    pub(in crate::cli::run) cargo: BTreeMap<PathBuf, bool>,
    /// So many of each sort were found, taken or not.
    counts: BTreeMap<Binding, usize>,
}

struct Bounds {
    names: usize,
    /// Names in folders of dependencies.
    built: usize,
    folder: usize,
    depth: usize,
    /// Units of one sort.
    units: usize,
}

/// A folder that is still to be looked at.
struct Open {
    path: PathBuf,
    spot: Spot,
}

/// A walk that looks for what binds.
pub(in crate::cli::run) struct Surveying<'a> {
    workspace: &'a Path,
    /// Git's index, as it is and as it was: what it has files in was written by people, whatever it looks like.
    indexes: &'a [&'a Index],
    bounds: &'a Bounds,
    left: usize,
    found: Survey,
    /// Folders of dependencies, for when all else was looked at.
    built: VecDeque<Open>,
}

/// What is known of a folder before it is looked at.
#[derive(Clone, Copy)]
pub(in crate::cli::run) struct Spot {
    depth: usize,
    built: bool,
    /// So many levels from here on can be folders that cargo made.
    cargo: u8,
}

// === impl Spot ===

impl Spot {
    /// The workspace's own.
    pub(in crate::cli::run) const ROOT: Self = Self { depth: 0, built: false, cargo: 0 };
}

// === impl Surveying ===

impl<'a> Surveying<'a> {
    /// As it is before a task. Folders of dependencies are left out: what lies there is written by installing, and no tool
    /// looks there by itself for what it runs, but for the code of the project's own tools.
    pub(in crate::cli::run) fn before(workspace: &'a Path, indexes: &'a [&'a Index]) -> Self {
        Self::within(workspace, indexes, &BEFORE)
    }

    fn within(workspace: &'a Path, indexes: &'a [&'a Index], bounds: &'a Bounds) -> Self {
        let found = Survey { complete: true, ..Survey::default() };
        Self { workspace, indexes, bounds, left: bounds.names, found, built: VecDeque::new() }
    }

    /// What was found, with what lies in folders of dependencies.
    pub(in crate::cli::run) fn end(mut self) -> Survey {
        self.left = self.bounds.built;
        while let Some(folder) = self.built.pop_front().filter(|_| self.left > 0) {
            // Installing makes more than anybody looks at.
            let entries = entries(&self.workspace.join(&folder.path), self.most()).unwrap_or_else(|Closed| {
                self.found.closed.push(folder.path.clone());
                Vec::new()
            });
            let (_, open) = self.look(&folder, &entries);
            let inner = open
                .into_iter()
                .filter_map(|(at, spot)| Some(Open { path: folder.path.join(&entries.get(at)?.0), spot }));
            self.built.extend(inner.collect::<Vec<_>>());
        }
        let mut found = self.found;
        found.order();
        found
    }

    /// Takes note of folders that the walk could not look into.
    pub(in crate::cli::run) fn closed(&mut self, folders: &[PathBuf]) {
        self.found.closed.extend(folders.iter().cloned());
    }

    /// Looks at one folder: whether at all of it, and where it goes on.
    fn look(&mut self, folder: &Open, entries: &[Entry]) -> (bool, Vec<(usize, Spot)>) {
        let most = self.most();
        let whole = entries.len() <= most;
        let entries = entries.get(..most.saturating_add(1)).unwrap_or(entries);
        self.left = self.left.saturating_sub(entries.len());
        let has = |name: &str| entries.iter().any(|(found, _)| found == name);
        if self.is_built(folder) {
            self.left = self.left.saturating_add(entries.len());
            self.built
                .push_back(Open { path: folder.path.clone(), spot: Spot { built: true, ..folder.spot } });
            return (true, Vec::new());
        }
        let mut below = Spot { cargo: folder.spot.cargo.saturating_sub(1), ..folder.spot };
        if !folder.spot.built && folder.path.file_name().is_some_and(|name| name == CARGO) {
            let is_marked = has(CARGO_TAG);
            self.found.cargo.insert(folder.path.clone(), is_marked);
            below.cargo = if is_marked { CARGO_DEPTH } else { 0 };
        }
        // As git looks: by these names alone, at the root as well, and there is no need of a `.git`.
        let taken = has("HEAD") && (has("commondir") || (has("objects") && has("refs")));
        if taken {
            self.found.repositories.push(folder.path.clone());
        }
        let around = folder.path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let names = FolderNames::of(Some(around).filter(|name| !name.is_empty()));
        let mut open = Vec::new();
        let whole = entries.iter().enumerate().fold(whole, |whole, (at, (name, kind))| {
            if taken && OF_REPOSITORY.iter().any(|own| name == *own) {
                return whole;
            }
            // Most names are neither, and cost nothing more.
            let binding = name.to_str().and_then(|name| {
                // What ordinary work writes is no part of any other sort, so that no crowd of it pushes that out.
                let told = || {
                    (!kind.is_dir() && tells(around, name, folder.spot.built)).then_some(Binding::BuildScript)
                };
                names.binds(name).or_else(told)
            });
            let binds = binding.is_some();
            let is_own = matches!(name.to_str(), Some(".direnv" | ".git" | ".hg" | ".jj" | ".svn"));
            if !binds && !kind.is_dir() && !is_own {
                return whole;
            }
            let way = Way { workspace: self.workspace, bounds: self.bounds, below };
            match self.found.take(folder, name, *kind, binding, &way) {
                Next::Done(is_whole) => is_whole && whole,
                Next::Into(spot) => {
                    open.push((at, spot));
                    whole
                }
            }
        });
        (whole, open)
    }

    /// Whether a folder holds what installing and building made.
    ///
    /// A task can put any marker anywhere. So a marker counts only together with the names of the folders around a file, which
    /// no task can change where that file is kept, and never for what git's index has files in.
    fn is_built(&self, folder: &Open) -> bool {
        let Spot { depth, built, cargo } = folder.spot;
        let Some(name) = folder.path.file_name().and_then(OsStr::to_str) else { return false };
        let is_named = INSTALLED.contains(&name) || (cargo > 0 && OF_CARGO.contains(&name));
        depth > 0 && !built && is_named && !self.indexes.iter().any(|index| index.has_below(&folder.path))
    }
}

impl Reader for Surveying<'_> {
    type Place = Spot;

    fn most(&self) -> usize {
        self.left.min(self.bounds.folder)
    }

    fn read(&mut self, path: &Path, spot: Spot, entries: &[Entry]) -> Vec<(usize, Spot)> {
        if self.left == 0 {
            self.found.complete = false;
            return Vec::new();
        }
        let (whole, open) = self.look(&Open { path: path.to_owned(), spot }, entries);
        self.found.complete &= whole;
        open
    }
}

/// Where a walk is.
struct Way<'a> {
    workspace: &'a Path,
    bounds: &'a Bounds,
    /// What is known of the folders in there.
    below: Spot,
}

/// What becomes of a name.
enum Next {
    /// It was looked at, all of it or not.
    Done(bool),
    Into(Spot),
}

/// The outermost folder on the way to a file that would count as built, were it not git's.
pub(super) fn could_be_built(file: &Path) -> Option<PathBuf> {
    let parts: Vec<&OsStr> = file.parent()?.iter().collect();
    let is_of_cargo = |at: usize| {
        let around = parts.get(at.saturating_sub(usize::from(CARGO_DEPTH))..at).unwrap_or_default();
        around.iter().any(|name| *name == CARGO)
    };
    let is_built = |at: usize, name: &OsStr| {
        let is = |list: &[&str]| list.iter().any(|known| name == *known);
        is(&INSTALLED) || (is(&OF_CARGO) && is_of_cargo(at))
    };
    let end = parts.iter().enumerate().find(|(at, name)| is_built(*at, name))?.0;
    Some(parts.iter().take(end.saturating_add(1)).collect())
}

// === impl Survey ===

impl Survey {
    /// As it is before a task, by a walk of its own.
    #[cfg(test)]
    pub(in crate::cli::run) fn before(workspace: &Path) -> Self {
        Self::walk(workspace, Surveying::before(workspace, &[]))
    }

    /// As it is after a task, in which git's index had this before and has that now.
    pub(in crate::cli::run) fn after(workspace: &Path, indexes: &[&Index]) -> Self {
        Self::walk(workspace, Surveying::within(workspace, indexes, &AFTER))
    }

    /// Adds what all of it leads to, and what the repository's settings and hooks lead to.
    pub(in super::super) fn lead(&mut self, workspace: &Path, repository: &Repository) {
        let led = lead::led(workspace, &self.units, repository);
        self.complete &= led.complete;
        self.closed.extend(led.closed);
        self.units.extend(led.units);
        self.order();
    }

    /// The same workspace is told in the same way every time, what is nearest to its root first.
    fn order(&mut self) {
        self.closed.sort();
        self.closed.dedup();
        self.units.sort_by_cached_key(|unit| (unit.path.components().count(), unit.path.clone()));
    }

    fn walk(workspace: &Path, mut surveying: Surveying<'_>) -> Self {
        let closed = walk(workspace, (&mut surveying, Spot::ROOT), (&mut Nobody, ()));
        surveying.closed(&closed);
        surveying.end()
    }

    /// Takes note of one name.
    fn take(
        &mut self,
        folder: &Open,
        name: &OsStr,
        kind: FileType,
        binding: Option<Binding>,
        way: &Way<'_>,
    ) -> Next {
        let path = folder.path.join(name);
        let built = folder.spot.built;
        let is_kept_whole = matches!(name.to_str(), Some(".direnv" | ".git" | ".hg" | ".jj" | ".svn"));
        if is_kept_whole && kind.is_dir() && is_closed(&way.workspace.join(&path)) {
            self.closed.push(path.clone());
        }
        let settings: &[&str] = match name.to_str() {
            Some(".git") => {
                if folder.spot.depth > 0 {
                    let list = if kind.is_file() { &mut self.pointers } else { &mut self.repositories };
                    list.push(path);
                }
                return Next::Done(true);
            }
            Some(".hg") => &["hgrc", "hgrc-not-shared"],
            Some(".jj") => &["repo/config.toml", "workspace-config.toml"],
            Some(".svn") => &[],
            Some(".direnv") => return Next::Done(self.take_environments(folder, &path, way)),
            _ => {
                if let Some(binding) = binding {
                    return Next::Done(self.unit(Unit { path, binding, built }, way.bounds));
                }
                if !kind.is_dir() {
                    return Next::Done(true);
                }
                let depth = folder.spot.depth.saturating_add(1);
                let is_near = depth <= way.bounds.depth;
                return if is_near { Next::Into(Spot { depth, ..way.below }) } else { Next::Done(false) };
            }
        };
        let whole = settings.iter().map(|name| path.join(name)).fold(true, |whole, path| {
            let is_there = way.workspace.join(&path).symlink_metadata().is_ok();
            let unit = Unit { path, binding: Binding::GitConfig, built };
            (!is_there || self.unit(unit, way.bounds)) && whole
        });
        Next::Done(whole)
    }

    /// What shells read again without asking, of what they wrote down; the rest of such a folder is built.
    fn take_environments(&mut self, around: &Open, folder: &Path, way: &Way<'_>) -> bool {
        let entries = std::fs::read_dir(way.workspace.join(folder)).into_iter().flatten().flatten();
        let names = entries.take(way.bounds.folder).map(|entry| PathBuf::from(entry.file_name()));
        let names = names.filter(|name| name.extension().is_some_and(|ending| ending == "rc"));
        names.fold(true, |whole, name| {
            let path = folder.join(name);
            self.unit(Unit { path, binding: Binding::Environment, built: around.spot.built }, way.bounds)
                && whole
        })
    }

    /// Takes one, unless there are so many of its sort already.
    fn unit(&mut self, unit: Unit, bounds: &Bounds) -> bool {
        let all = self.counts.entry(unit.binding).or_default();
        *all = all.saturating_add(1);
        let taken = *all <= bounds.units;
        if taken {
            self.units.push(unit);
        }
        taken
    }
}
