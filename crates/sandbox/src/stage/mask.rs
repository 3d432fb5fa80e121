//! Applies the mounts of a plan in this process's own mount namespace.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::mount::{MountFlags, MountPropagationFlags};

use crate::layer::{Layer, Refusal};
use crate::plan::{Mount, Target};
use crate::sys;

/// Options of the empty directory over a hidden one. It holds the directories down to kept paths and nothing else.
const EMPTY_OPTIONS: &std::ffi::CStr = c"mode=0755,size=64k,nr_inodes=1k";

/// Settings of the kernel inside `/proc` that belong to the system's root user, whatever capabilities it has lost.
const ROOT_SETTINGS: [&str; 5] = ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs"];

/// Cuts the exchange of mounts with the outside.
pub(super) fn make_private() -> Result<(), Refusal> {
    rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .map_err(|error| Layer::PrivateMounts.refused("cannot make mounts private", &error.into()))
}

/// Applies the steps in order.
pub(super) fn apply(steps: &[Mount]) -> Result<(), Refusal> {
    let kept = open_kept(steps)?;
    let mut empty: Vec<&Path> = Vec::new();
    for step in steps {
        let failed = |error: &io::Error| layer_of(step).refused(&format!("cannot {step}"), error);
        match step {
            Mount::Pin(target) => bind_on_itself(target, false).map_err(|error| failed(&error))?,
            Mount::ReadOnly(target) => bind_on_itself(target, true).map_err(|error| failed(&error))?,
            Mount::HideDirectory(target) => {
                hide_directory(target).map_err(|error| failed(&error))?;
                empty.push(&target.path);
            }
            Mount::HideFile(target) => hide_file(target).map_err(|error| failed(&error))?,
            Mount::Keep(target) => {
                let source =
                    kept.get(&target.path).ok_or_else(|| layer_of(step).broken("a step is missing"))?;
                bring_back(source, &target.path).map_err(|error| failed(&error))?;
            }
        }
    }
    for path in empty {
        let directory = open(path, OFlags::DIRECTORY)
            .map_err(|error| Layer::Masks.refused("cannot open a mask", &error))?;
        sys::set_read_only(directory.as_fd(), false)
            .map_err(|error| Layer::Masks.refused("cannot make a mask read-only", &error))?;
    }
    Ok(())
}

/// Mounts a process table of the new namespace over the old one.
pub(super) fn mount_process_table(as_root: bool) -> Result<(), Refusal> {
    let failed = |what: &str, error: &io::Error| Layer::ProcessTable.refused(what, error);
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    rustix::mount::mount("proc", "/proc", "proc", flags, None)
        .map_err(|error| failed("cannot mount a fresh `/proc`", &error.into()))?;
    if !as_root {
        return Ok(());
    }
    for path in ROOT_SETTINGS.map(Path::new) {
        if !path.exists() {
            continue;
        }
        open(path, OFlags::empty())
            .and_then(|setting| bind(setting.as_fd(), path))
            .and_then(|()| open(path, OFlags::empty()))
            .and_then(|bound| sys::set_read_only(bound.as_fd(), true))
            .map_err(|error| failed(&format!("cannot make `{}` read-only", path.display()), &error))?;
    }
    Ok(())
}

/// The layer a step belongs to.
pub(super) const fn layer_of(step: &Mount) -> Layer {
    match step {
        Mount::Pin(_) => Layer::Pins,
        Mount::HideDirectory(_) | Mount::HideFile(_) | Mount::Keep(_) => Layer::Masks,
        Mount::ReadOnly(_) => Layer::ReadOnly,
    }
}

/// Opens what is to come back before anything is hidden; an open directory stays reachable under a mask.
fn open_kept(steps: &[Mount]) -> Result<BTreeMap<PathBuf, OwnedFd>, Refusal> {
    let mut kept = BTreeMap::new();
    for step in steps {
        if let Mount::Keep(target) = step {
            let source = open_meant(target)
                .map_err(|error| Layer::Masks.refused(&format!("cannot {step}"), &error))?;
            kept.insert(target.path.clone(), source);
        }
    }
    Ok(kept)
}

fn bind_on_itself(target: &Target, read_only: bool) -> io::Result<()> {
    let meant = open_meant(target)?;
    bind(meant.as_fd(), &target.path)?;
    if read_only {
        let bound = open(&target.path, OFlags::empty())?;
        sys::set_read_only(bound.as_fd(), true)?;
    }
    Ok(())
}

fn hide_directory(target: &Target) -> io::Result<()> {
    let meant = open_meant(target)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    rustix::mount::mount("writ-yard", by_descriptor(meant.as_fd()), "tmpfs", flags, EMPTY_OPTIONS)?;
    Ok(())
}

fn hide_file(target: &Target) -> io::Result<()> {
    let meant = open_meant(target)?;
    rustix::mount::mount_bind("/dev/null", by_descriptor(meant.as_fd()))?;
    Ok(())
}

fn bring_back(source: &OwnedFd, path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let kind = FileType::from_raw_mode(rustix::fs::fstat(source)?.st_mode);
    if kind == FileType::Directory {
        fs::create_dir(path)?;
    } else {
        drop(fs::File::create_new(path)?);
    }
    bind(source.as_fd(), path)
}

/// Binds with everything mounted below: without it the kernel refuses, because it would uncover what those hide.
fn bind(source: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let place = open(path, OFlags::empty())?;
    rustix::mount::mount_bind_recursive(by_descriptor(source), by_descriptor(place.as_fd()))?;
    Ok(())
}

/// Opens the very file or directory that the plan saw.
fn open_meant(target: &Target) -> io::Result<OwnedFd> {
    let opened = open(&target.path, OFlags::empty())?;
    let found = rustix::fs::fstat(&opened)?;
    if (found.st_dev, found.st_ino) == (target.device, target.inode) {
        Ok(opened)
    } else {
        Err(io::Error::other("it is not what was there when the plan was drawn"))
    }
}

fn open(path: &Path, also: OFlags) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC | also;
    Ok(rustix::fs::openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)?)
}

/// The path of an open file, which leads to exactly that file and follows no name.
fn by_descriptor(descriptor: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", descriptor.as_raw_fd())
}
