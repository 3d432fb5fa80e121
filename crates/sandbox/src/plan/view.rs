//! Which paths a profile means on this host, and the mounts that follow from them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::Access;

use super::mounts::{self, MountEntry};
use super::{Copied, Made, Mount, Noted, PlanError, Replaced, Target, devices, layers};

/// The parts of a profile that say what is seen where.
pub(super) struct Wishes<'a> {
    pub hide: &'a [PathBuf],
    pub hide_if_present: Vec<PathBuf>,
    pub leave_out: &'a [PathBuf],
    pub keep: &'a [PathBuf],
    pub show: &'a [PathBuf],
    pub private: &'a [PathBuf],
    pub copies: &'a [PathBuf],
    pub notes: &'a [(PathBuf, String)],
}

/// What becomes of a directory or file, with all below, until something deeper says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cover {
    /// Empty, for good.
    Hide,
    /// Empty, and the client's own.
    Private,
    /// As on the host.
    Keep,
    /// As on the host, while changes stay inside.
    Copy,
    /// The device nodes that every program needs, and nothing else.
    Devices,
}

/// What is to be seen and not seen, on the mounts of this host.
pub(super) struct View {
    table: Vec<MountEntry>,
    covers: BTreeMap<PathBuf, Cover>,
    /// Hidden folders that nobody may make anew where they are absent.
    firm: BTreeSet<PathBuf>,
    notes: Vec<Noted>,
    /// Wishes that cannot be fulfilled because there is nothing to hide.
    pub absent: Vec<PathBuf>,
}

/// Files that show another file's text, as pairs of place and text.
pub(super) struct Texts<'a> {
    pub replace: &'a [(PathBuf, PathBuf)],
    pub copy_as: &'a [(PathBuf, PathBuf)],
}

// === impl View ===

impl View {
    /// Finds what the paths of a profile really are on this host.
    pub(super) fn survey(wishes: Wishes<'_>) -> Result<Self, PlanError> {
        let Wishes { hide, hide_if_present, leave_out, keep, show, private, copies, notes } = wishes;
        let table = mounts::table().map_err(PlanError::MountTable)?;
        let mut hidden = all_real("hide", hide)?;
        let firm: BTreeSet<PathBuf> = hidden.iter().filter(|path| path.is_dir()).cloned().collect();
        let mut absent = Vec::new();
        for path in hide_if_present {
            match real("hide", &path) {
                Ok(found) => drop(hidden.insert(found)),
                Err(PlanError::Unreachable { source, .. }) if is_out_of_reach(&source) => absent.push(path),
                Err(error) => return Err(error),
            }
        }
        let private: BTreeSet<PathBuf> =
            private.iter().map(|path| real_or_to_be(path)).collect::<Result<_, _>>()?;
        let also = with_other_names(&table, &private)?;
        let hidden = {
            let also = also.into_iter().filter(|path| !private.contains(path));
            let mut hidden = with_other_names(&table, &hidden)?;
            hidden.extend(also);
            hidden
        };
        let mut covers: BTreeMap<PathBuf, Cover> =
            private.into_iter().map(|path| (path, Cover::Private)).collect();
        covers.insert(PathBuf::from(devices::DEVICES), Cover::Devices);
        covers.extend(all_present("copy", copies)?.into_iter().map(|path| (path, Cover::Copy)));
        covers.extend(all_present("show", show)?.into_iter().map(|path| (path, Cover::Keep)));
        for path in hidden {
            // What a profile asks to see by its name is seen, unless it asks to hide it by its name too.
            if firm.contains(&path) || hide.contains(&path) {
                covers.insert(path, Cover::Hide);
            } else {
                covers.entry(path).or_insert(Cover::Hide);
            }
        }
        for path in leave_out.iter().filter(|path| is_itself(path)) {
            covers.entry(path.clone()).or_insert(Cover::Hide);
        }
        for path in all_real("keep", keep)? {
            if !covers.iter().any(|(outer, cover)| {
                matches!(cover, Cover::Hide | Cover::Private | Cover::Devices)
                    && path.starts_with(outer)
                    && path != *outer
            }) {
                return Err(PlanError::KeepsWhatIsNotHidden(path));
            }
            covers.insert(path, Cover::Keep);
        }
        let notes = notes
            .iter()
            .filter_map(|(path, text)| Some(Noted { path: real_or_to_be(path).ok()?, text: text.clone() }))
            .collect();
        let mut view = Self { table, covers, firm, notes, absent };
        view.leave_out_what_is_gone_anyway();
        // What is not there in an empty directory will not appear in it either.
        let absent =
            view.absent.iter().filter(|path| real_or_to_be(path).is_ok_and(|path| view.shows(&path)));
        let absent = absent.cloned().collect();
        Ok(Self { absent, ..view })
    }

    /// The steps in order: parents before children, so that each lands in what is there by then; what is read-only
    /// comes last, with all that is below it by then.
    pub(super) fn steps(
        &self,
        cwd: &Path,
        read_only: &[PathBuf],
        texts: &Texts<'_>,
        links: &[PathBuf],
        as_root: bool,
    ) -> Result<Vec<Mount>, PlanError> {
        let mut read_only = all_real("protect from writing", read_only)?;
        let mut replaced = Vec::new();
        for (place, with) in texts.replace {
            let place = real("show another text at", place)?;
            let with = Target::at(real("show", with)?)?;
            replaced.push(Mount::Replace(Replaced { target: Target::at(place.clone())?, with }));
            // So that nothing around it can be moved away.
            read_only.insert(place);
        }
        let mut begun = BTreeMap::new();
        for (place, with) in texts.copy_as {
            let Some(place) = real("copy to", place).ok().filter(|place| place.is_file()) else { continue };
            let with = Target::at(real("copy", with)?)?;
            let target = Target::at(place.clone())?;
            match self.cover_of(&place) {
                Some((around, Cover::Copy)) if around.is_dir() && !self.can_be_layered(around) => {
                    replaced.push(Mount::Replace(Replaced { target, with }));
                    read_only.insert(place);
                }
                Some((_, Cover::Copy)) => drop(begun.insert(place, Replaced { target, with })),
                // It does not show, or was asked for as it is.
                Some(_) | None => {}
            }
        }
        for path in read_only.iter().map(PathBuf::as_path).chain([cwd]) {
            if let Some((hidden, Cover::Hide | Cover::Private | Cover::Devices)) = self.cover_of(path)
                && (hidden != path || self.covers.get(path) == Some(&Cover::Hide))
            {
                return Err(PlanError::HidesWhatIsNeeded {
                    path: path.to_owned(),
                    hidden: hidden.to_owned(),
                });
            }
        }
        let links: Vec<PathBuf> = links.iter().filter_map(|path| self.link(path)).collect();
        let mut steps: BTreeMap<(PathBuf, u8), Mount> = BTreeMap::new();
        let mut hidden: Vec<&Path> = Vec::new();
        for (path, cover) in &self.covers {
            let around = self.cover_above(path).map(|(_, cover)| cover);
            let shows = !matches!(around, Some(Cover::Hide | Cover::Private | Cover::Devices));
            let step = match cover {
                Cover::Hide if around == Some(Cover::Private) && self.firm.contains(path) => {
                    hidden.push(path);
                    Mount::HideMade(Made { path: path.clone() })
                }
                Cover::Hide if !shows || self.is_left_out_of_a_layer(path) => continue,
                Cover::Hide => {
                    hidden.push(path);
                    hide(path)?
                }
                Cover::Private if shows && path.is_dir() => Mount::Private(Target::at(path.clone())?),
                Cover::Private if around == Some(Cover::Private) => Mount::Make(Made { path: path.clone() }),
                Cover::Private => Mount::MakePrivate(Made { path: path.clone() }),
                Cover::Keep if matches!(around, None | Some(Cover::Keep)) => continue,
                Cover::Keep => Mount::Keep(Target::at(path.clone())?),
                Cover::Copy if path.is_dir() => self.copy(path)?,
                Cover::Copy if shows => continue,
                Cover::Copy => match begun.remove(path) {
                    Some(other) => Mount::CopyFile(other),
                    None => {
                        let target = Target::at(path.clone())?;
                        Mount::CopyFile(Replaced { with: target.clone(), target })
                    }
                },
                Cover::Devices => Mount::Devices(devices::of_host()?),
            };
            steps.insert((path.clone(), 0), step);
        }
        let above = hidden.into_iter().chain(read_only.iter().chain(&links).map(PathBuf::as_path));
        for path in above.flat_map(|path| path.ancestors().skip(1)) {
            if steps.contains_key(&(path.to_owned(), 0)) {
                continue;
            }
            let pin = match self.cover_of(path).map(|(_, cover)| cover) {
                Some(Cover::Hide | Cover::Copy | Cover::Devices) => continue,
                Some(Cover::Private) => Mount::PinMade(Made { path: path.to_owned() }),
                Some(Cover::Keep) | None if self.can_be_renamed(path) => {
                    Mount::Pin(Target::at(path.to_owned())?)
                }
                Some(Cover::Keep) | None => continue,
            };
            steps.insert((path.to_owned(), 1), pin);
        }
        for (path, other) in begun {
            steps.insert((path, 2), Mount::CopyFile(other));
        }
        for note in &self.notes {
            if let Some((_, Cover::Private)) = self.cover_of(&note.path) {
                steps.insert((note.path.clone(), 2), Mount::Note(note.clone()));
            }
        }
        let mut steps: Vec<Mount> = steps.into_values().collect();
        for path in read_only {
            let copied = matches!(self.cover_of(&path), Some((_, Cover::Copy)));
            steps.push(if copied {
                Mount::ReadOnlyCopy(Made { path })
            } else {
                Mount::ReadOnly(Target::at(path)?)
            });
        }
        for path in links {
            steps.push(Mount::PinLink(Target::at(path)?));
        }
        steps.extend(replaced);
        if as_root && mounts::is_mount_point(&self.table, Path::new("/sys")) {
            steps.push(Mount::ReadOnly(Target::at(PathBuf::from("/sys"))?));
        }
        Ok(steps)
    }

    /// Those of `paths` that are there and show inside, and what is private where `private` says so.
    pub(super) fn within_reach(&self, paths: &[PathBuf], private: bool) -> Result<Vec<PathBuf>, PlanError> {
        let own = self.covers.iter().filter(|(_, cover)| private && **cover == Cover::Private);
        let mut all: BTreeSet<PathBuf> = own.map(|(path, _)| path.clone()).collect();
        for path in paths {
            let path = real_or_to_be(path)?;
            let there = match self.cover_of(&path) {
                Some((_, Cover::Hide | Cover::Devices)) => false,
                Some((outer, Cover::Private)) => outer == path,
                Some((_, Cover::Keep | Cover::Copy)) | None => path.symlink_metadata().is_ok(),
            };
            if there {
                all.insert(path);
            }
        }
        Ok(all.into_iter().collect())
    }

    /// What is to be hidden in something empty is absent without a mask of its own, and nothing begins there.
    fn leave_out_what_is_gone_anyway(&mut self) {
        let hidden = self.covers.iter().filter(|(_, cover)| **cover == Cover::Hide);
        let hidden: Vec<PathBuf> = hidden.map(|(path, _)| path.clone()).collect();
        for path in hidden.into_iter().filter(|path| !self.firm.contains(path)) {
            if let Some((_, Cover::Hide | Cover::Private | Cover::Devices)) = self.cover_above(&path) {
                self.covers.remove(&path);
            }
        }
    }

    /// Whether a layer is laid around it, in which it is marked as absent. Where none can be, it needs a mask.
    fn is_left_out_of_a_layer(&self, path: &Path) -> bool {
        matches!(self.cover_above(path), Some((around, Cover::Copy)) if around.is_dir() && self.can_be_layered(around))
    }

    /// A layer would not show what is mounted below.
    fn can_be_layered(&self, path: &Path) -> bool {
        let has_mounts = self.table.iter().any(|mount| mount.point != path && mount.point.starts_with(path));
        !has_mounts && layers::can_be_laid()
    }

    fn copy(&self, path: &Path) -> Result<Mount, PlanError> {
        let target = Target::at(path.to_owned())?;
        let below: Vec<&PathBuf> = self
            .covers
            .iter()
            .filter(|(inner, cover)| {
                **cover == Cover::Hide && self.cover_above(inner).is_some_and(|(outer, _)| outer == path)
            })
            .map(|(inner, _)| inner)
            .collect();
        let absent: Vec<PathBuf> =
            below.iter().filter_map(|inner| inner.strip_prefix(path).ok()).map(Path::to_owned).collect();
        Ok(Mount::Copy(Copied { target, absent, writable: self.can_be_layered(path) }))
    }

    /// The cover that decides about `path`, and where it begins.
    fn cover_of(&self, path: &Path) -> Option<(&Path, Cover)> {
        path.ancestors().find_map(|above| self.covers.get_key_value(above)).map(|(at, cover)| (&**at, *cover))
    }

    /// The cover that would decide about `path` if it had none of its own.
    fn cover_above(&self, path: &Path) -> Option<(&Path, Cover)> {
        path.parent().and_then(|parent| self.cover_of(parent))
    }

    /// The link at this path by its own name without links above it, where it shows inside.
    fn link(&self, path: &Path) -> Option<PathBuf> {
        let own = fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?);
        let is_link = fs::symlink_metadata(&own).is_ok_and(|found| found.is_symlink());
        let as_outside = matches!(self.cover_of(&own), None | Some((_, Cover::Keep)));
        (is_link && as_outside).then_some(own)
    }

    fn shows(&self, path: &Path) -> bool {
        !matches!(self.cover_of(path), Some((_, Cover::Hide | Cover::Private | Cover::Devices)))
    }

    /// Whether the user could move the directory `path` away and put another in its place.
    fn can_be_renamed(&self, path: &Path) -> bool {
        let Some(parent) = path.parent() else { return false };
        if mounts::is_mount_point(&self.table, path) {
            return false;
        }
        let owned =
            fs::metadata(parent).is_ok_and(|found| found.uid() == rustix::process::geteuid().as_raw());
        owned || rustix::fs::access(parent, Access::WRITE_OK).is_ok()
    }
}

/// Whether the path is there and leads nowhere else.
fn is_itself(path: &Path) -> bool {
    path.parent().is_some() && fs::canonicalize(path).is_ok_and(|found| found == path)
}

fn hide(path: &Path) -> Result<Mount, PlanError> {
    let target = Target::at(path.to_owned())?;
    Ok(if path.is_dir() { Mount::HideDirectory(target) } else { Mount::HideFile(target) })
}

/// Those that are there.
fn all_present(wish: &'static str, paths: &[PathBuf]) -> Result<BTreeSet<PathBuf>, PlanError> {
    let mut found = BTreeSet::new();
    for path in paths {
        match real(wish, path) {
            Ok(path) => drop(found.insert(path)),
            Err(PlanError::Unreachable { source, .. }) if is_out_of_reach(&source) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The path without links as far as it is there, and its rest as it will be.
fn real_or_to_be(path: &Path) -> Result<PathBuf, PlanError> {
    for (up, above) in path.ancestors().enumerate() {
        match real("make private", above) {
            Ok(found) => {
                let rest: Vec<_> = path.components().rev().take(up).collect();
                return Ok(rest.into_iter().rev().fold(found, |path, part| path.join(part)));
            }
            Err(PlanError::Unreachable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(PlanError::Relative(path.to_owned()))
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
fn with_other_names(
    table: &[MountEntry],
    hidden: &BTreeSet<PathBuf>,
) -> Result<BTreeSet<PathBuf>, PlanError> {
    let mut all = hidden.clone();
    for path in hidden.iter().filter(|path| path.symlink_metadata().is_ok()) {
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
