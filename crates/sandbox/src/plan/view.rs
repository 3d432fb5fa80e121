//! Which paths a profile means on this host, and the mounts that follow from them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::Access;

use super::mounts::{self, MountEntry};
use super::{Mount, PlanError, Target, devices};

/// What is to be seen and not seen, on the mounts of this host.
pub(super) struct View {
    table: Vec<MountEntry>,
    hidden: Vec<PathBuf>,
    keep: Vec<PathBuf>,
    /// Wishes that cannot be fulfilled because there is nothing to hide.
    pub absent: Vec<PathBuf>,
}

// === impl View ===

impl View {
    /// Finds what the paths of a profile really are on this host.
    pub(super) fn survey(
        hide: &[PathBuf],
        hide_if_present: Vec<PathBuf>,
        keep: &[PathBuf],
    ) -> Result<Self, PlanError> {
        let table = mounts::table().map_err(PlanError::MountTable)?;
        let mut hidden = all_real("hide", hide)?;
        let mut absent = Vec::new();
        for path in hide_if_present {
            match real("hide", &path) {
                Ok(found) => drop(hidden.insert(found)),
                Err(PlanError::Unreachable { source, .. }) if is_out_of_reach(&source) => absent.push(path),
                Err(error) => return Err(error),
            }
        }
        let hidden = outermost(with_other_names(&table, hidden)?);
        Ok(Self { table, hidden, keep: outermost(all_real("keep", keep)?), absent })
    }

    /// The steps in order: pin, hide, bring back, pin inside what came back, protect.
    pub(super) fn steps(
        &self,
        cwd: &Path,
        read_only: &[PathBuf],
        as_root: bool,
    ) -> Result<Vec<Mount>, PlanError> {
        let read_only = all_real("protect from writing", read_only)?;
        for path in &self.keep {
            if self.hidden_by(path).is_none_or(|hidden| hidden == path) {
                return Err(PlanError::KeepsWhatIsNotHidden(path.clone()));
            }
        }
        for path in read_only.iter().map(PathBuf::as_path).chain([cwd]) {
            if let Some(hidden) = self.hidden_by(path).filter(|_| !self.is_kept(path)) {
                return Err(PlanError::HidesWhatIsNeeded {
                    path: path.to_owned(),
                    hidden: hidden.to_owned(),
                });
            }
        }
        let above: BTreeSet<&Path> = self
            .hidden
            .iter()
            .chain(&read_only)
            .flat_map(|path| path.ancestors().skip(1))
            .filter(|path| self.can_be_renamed(path))
            .collect();
        let (inside, outside): (Vec<&Path>, Vec<&Path>) =
            above.into_iter().partition(|path| self.hidden_by(path).is_some());

        let mut steps = Vec::new();
        for path in outside {
            steps.push(Mount::Pin(Target::at(path.to_owned())?));
        }
        let devices = if as_root { devices::dangerous() } else { Vec::new() };
        for path in self.hidden.iter().chain(&devices) {
            let target = Target::at(path.clone())?;
            steps.push(if path.is_dir() { Mount::HideDirectory(target) } else { Mount::HideFile(target) });
        }
        for path in &self.keep {
            steps.push(Mount::Keep(Target::at(path.clone())?));
        }
        for path in inside.into_iter().filter(|path| self.is_kept(path)) {
            steps.push(Mount::Pin(Target::at(path.to_owned())?));
        }
        for path in read_only {
            steps.push(Mount::ReadOnly(Target::at(path)?));
        }
        if as_root && mounts::is_mount_point(&self.table, Path::new("/sys")) {
            steps.push(Mount::ReadOnly(Target::at(PathBuf::from("/sys"))?));
        }
        Ok(steps)
    }

    fn hidden_by(&self, path: &Path) -> Option<&Path> {
        self.hidden.iter().map(PathBuf::as_path).find(|hidden| path.starts_with(hidden))
    }

    fn is_kept(&self, path: &Path) -> bool {
        self.keep.iter().any(|kept| path.starts_with(kept))
    }

    /// Whether the user could move the directory `path` away and put another in its place.
    fn can_be_renamed(&self, path: &Path) -> bool {
        let Some(parent) = path.parent() else { return false };
        if mounts::is_mount_point(&self.table, path) || self.keep.iter().any(|kept| kept == path) {
            return false;
        }
        let owned =
            fs::metadata(parent).is_ok_and(|found| found.uid() == rustix::process::geteuid().as_raw());
        owned || rustix::fs::access(parent, Access::WRITE_OK).is_ok()
    }
}

fn all_real(wish: &'static str, paths: &[PathBuf]) -> Result<BTreeSet<PathBuf>, PlanError> {
    paths.iter().map(|path| real(wish, path)).collect()
}

/// The path without links, so that what is mounted over is what was meant.
pub(super) fn real(wish: &'static str, path: &Path) -> Result<PathBuf, PlanError> {
    if !matches!(path.components().next(), Some(Component::RootDir)) {
        return Err(PlanError::Relative(path.to_owned()));
    }
    let found = fs::canonicalize(path).map_err(|source| PlanError::Unreachable {
        wish,
        path: path.to_owned(),
        source,
    })?;
    if wish == "hide" && found.parent().is_none() {
        return Err(PlanError::HidesEverything);
    }
    Ok(found)
}

/// Not there, or behind a directory that this user may not enter, nor will the client.
fn is_out_of_reach(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied
    )
}

/// Adds every other name of a hidden path, and every process table that is mounted in a second place.
fn with_other_names(table: &[MountEntry], hidden: BTreeSet<PathBuf>) -> Result<BTreeSet<PathBuf>, PlanError> {
    let mut all = hidden.clone();
    for path in &hidden {
        let meant = Target::at(path.clone())?;
        for name in mounts::other_names(table, path) {
            let is_mount = mounts::is_mount_point(table, &name);
            let Ok(found) = fs::symlink_metadata(&name) else { continue };
            let same = (found.dev(), found.ino()) == (meant.device, meant.inode);
            if same || (is_mount && found.dev() == meant.device) {
                all.insert(name);
            }
        }
    }
    for mount in table.iter().filter(|mount| mount.kind == b"proc" && !mount.point.starts_with("/proc")) {
        let shown = fs::symlink_metadata(mount.point.join("self")).is_ok_and(|found| found.is_symlink());
        if shown {
            all.insert(mount.point.clone());
        }
    }
    Ok(all)
}

/// Leaves out what lies inside something that is hidden anyway.
fn outermost(paths: BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let mut kept: Vec<PathBuf> = Vec::new();
    for path in paths {
        if !kept.iter().any(|outer| path.starts_with(outer)) {
            kept.push(path);
        }
    }
    kept
}
