//! One walk through a workspace, level by level, for names that bind and for repositories.
//!
//! It is bounded by a number of names in all and in one folder, so that what lies deep or in crowds cannot push out what
//! lies near; whoever asks is told when something was not looked at.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::FileType;
use std::path::{Path, PathBuf};

use writ_model::Binding;
use writ_policy::{FolderNames, tells};

use super::lead;

/// How a workspace is looked through before a task: it delays the start.
const BEFORE: Bounds = Bounds { names: 100_000, built: 0, folder: 20_000, depth: 16, units: 2_000 };
/// And after it.
const AFTER: Bounds = Bounds { names: 300_000, built: 100_000, folder: 50_000, depth: 32, units: 20_000 };

/// Folders in that of a repository where no tool looks for what binds, and where names are many.
const OF_REPOSITORY: [&str; 4] = ["logs", "modules", "objects", "refs"];

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
    depth: usize,
    built: bool,
}

/// What is still to be looked at, and how much of it.
struct Way<'a> {
    workspace: &'a Path,
    bounds: &'a Bounds,
    open: VecDeque<Open>,
    /// Folders of dependencies, for when all else was looked at.
    built: VecDeque<Open>,
}

// === impl Survey ===

impl Survey {
    /// As it is before a task. Folders of dependencies are left out: what lies there is written by installing, and no tool
    /// looks there by itself for what it runs, but for the code of the project's own tools.
    pub(in crate::cli::run) fn before(workspace: &Path) -> Self {
        Self::walk(workspace, &BEFORE)
    }

    /// As it is after a task.
    pub(in crate::cli::run) fn after(workspace: &Path) -> Self {
        Self::walk(workspace, &AFTER)
    }

    fn walk(workspace: &Path, bounds: &Bounds) -> Self {
        let mut found = Self { complete: true, ..Self::default() };
        let root = Open { path: PathBuf::new(), depth: 0, built: false };
        let mut way = Way { workspace, bounds, open: VecDeque::from([root]), built: VecDeque::new() };
        let mut left = bounds.names;
        while let Some(folder) = way.open.pop_front() {
            found.complete &= left > 0 && found.look(folder, &mut way, &mut left);
        }
        let mut left = bounds.built;
        while let Some(folder) = way.built.pop_front().filter(|_| left > 0) {
            // Installing makes more than anybody looks at.
            let _ = found.look(folder, &mut way, &mut left);
        }
        let led = lead::led(workspace, &found.units);
        found.complete &= led.complete;
        found.units.extend(led.units);
        // The same workspace is told in the same way every time, what is nearest to its root first.
        found.units.sort_by_cached_key(|unit| (unit.path.components().count(), unit.path.clone()));
        found
    }

    /// Looks at one folder; `false` when not at all of it.
    fn look(&mut self, folder: Open, way: &mut Way<'_>, left: &mut usize) -> bool {
        let entries = std::fs::read_dir(way.workspace.join(&folder.path)).into_iter().flatten().flatten();
        let most = (*left).min(way.bounds.folder);
        let entries: Vec<(OsString, FileType)> = entries
            .take(most.saturating_add(1))
            .filter_map(|entry| Some((entry.file_name(), entry.file_type().ok()?)))
            .collect();
        let whole = entries.len() <= most;
        *left = left.saturating_sub(entries.len());
        let has = |name: &str| entries.iter().any(|(found, _)| found == name);
        if folder.depth > 0 && !folder.built && is_built(&folder.path, &has) {
            *left = left.saturating_add(entries.len());
            way.built.push_back(Open { built: true, ..folder });
            return true;
        }
        // As git looks: by these names alone, at the root as well, and there is no need of a `.git`.
        let taken = has("HEAD") && (has("commondir") || (has("objects") && has("refs")));
        if taken {
            self.repositories.push(folder.path.clone());
        }
        let around = folder.path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let names = FolderNames::of(Some(around).filter(|name| !name.is_empty()));
        entries.into_iter().fold(whole, |whole, (name, kind)| {
            if taken && OF_REPOSITORY.iter().any(|own| name == *own) {
                return whole;
            }
            // Most names are neither, and cost nothing more.
            let binding = name.to_str().and_then(|name| {
                // What ordinary work writes is no part of any other sort, so that no crowd of it pushes that out.
                let told =
                    || (!kind.is_dir() && tells(around, name, folder.built)).then_some(Binding::BuildScript);
                names.binds(name).or_else(told)
            });
            let binds = binding.is_some();
            let is_own = matches!(name.to_str(), Some(".direnv" | ".git" | ".hg" | ".jj" | ".svn"));
            if !binds && !kind.is_dir() && !is_own {
                return whole;
            }
            self.take(&folder, &name, kind, binding, way) && whole
        })
    }

    /// Takes note of one name; `false` when what lies below it is not looked at.
    fn take(
        &mut self,
        folder: &Open,
        name: &OsStr,
        kind: FileType,
        binding: Option<Binding>,
        way: &mut Way<'_>,
    ) -> bool {
        let path = folder.path.join(name);
        let built = folder.built;
        let settings: &[&str] = match name.to_str() {
            Some(".git") => {
                if folder.depth > 0 {
                    let list = if kind.is_file() { &mut self.pointers } else { &mut self.repositories };
                    list.push(path);
                }
                return true;
            }
            Some(".hg") => &["hgrc", "hgrc-not-shared"],
            Some(".jj") => &["repo/config.toml", "workspace-config.toml"],
            Some(".svn") => &[],
            Some(".direnv") => return self.take_environments(folder, &path, way),
            _ => {
                if let Some(binding) = binding {
                    return self.unit(Unit { path, binding, built }, way.bounds);
                }
                if !kind.is_dir() {
                    return true;
                }
                let depth = folder.depth.saturating_add(1);
                if depth <= way.bounds.depth {
                    let open = if built { &mut way.built } else { &mut way.open };
                    open.push_back(Open { path, depth, built });
                }
                return depth <= way.bounds.depth;
            }
        };
        settings.iter().map(|name| path.join(name)).fold(true, |whole, path| {
            let is_there = way.workspace.join(&path).symlink_metadata().is_ok();
            let unit = Unit { path, binding: Binding::GitConfig, built };
            (!is_there || self.unit(unit, way.bounds)) && whole
        })
    }

    /// What shells read again without asking, of what they wrote down; the rest of such a folder is built.
    fn take_environments(&mut self, around: &Open, folder: &Path, way: &Way<'_>) -> bool {
        let entries = std::fs::read_dir(way.workspace.join(folder)).into_iter().flatten().flatten();
        let names = entries.take(way.bounds.folder).map(|entry| PathBuf::from(entry.file_name()));
        let names = names.filter(|name| name.extension().is_some_and(|ending| ending == "rc"));
        names.fold(true, |whole, name| {
            let path = folder.join(name);
            self.unit(Unit { path, binding: Binding::Environment, built: around.built }, way.bounds) && whole
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

/// Whether a folder holds what installing and building made. Its name alone says so only where no project uses that name.
fn is_built(folder: &Path, has: &dyn Fn(&str) -> bool) -> bool {
    match folder.file_name().and_then(OsStr::to_str) {
        Some("node_modules" | "__pycache__") => true,
        Some("target") => has("CACHEDIR.TAG"),
        Some(".venv" | "env" | "venv") => has("pyvenv.cfg"),
        Some(_) | None => false,
    }
}
