//! Applies the mounts of a plan in this process's own mount namespace.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, MoveMountFlags,
    OpenTreeFlags,
};

use super::blank::Blank;
use super::devices;
use crate::layer::{Layer, Refusal};
use crate::limits::{PRIVATE_BYTES, PRIVATE_FILES};
use crate::plan::{Copied, Made, Mount, Noted, Plan, Replaced, Target};
use crate::sys;

/// Options of the empty directory over a hidden one. It holds the directories down to kept paths and nothing else.
const EMPTY_OPTIONS: &std::ffi::CStr = c"mode=0755,size=64k,nr_inodes=1k";

/// Largest file that is copied.
const MAX_COPY_BYTES: u64 = 64 << 20;

/// Settings of the kernel inside `/proc` that belong to the system's root user, whatever capabilities it has lost.
const ROOT_SETTINGS: [&str; 5] = ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs"];

/// Cuts the exchange of mounts with the outside.
pub(super) fn make_private() -> Result<(), Refusal> {
    rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .map_err(|error| Layer::PrivateMounts.refused("cannot make mounts private", &error.into()))
}

/// Applies the steps in order. `input` is what the client will read. What is returned holds changes to copies, and is taken
/// down when it is dropped.
pub(super) fn apply(plan: &Plan, input: BorrowedFd<'_>) -> Result<Option<OwnedFd>, Refusal> {
    let steps = &plan.mounts;
    let kept = open_kept(steps)?;
    let Laid { mut copies, shelf } = lay_over(steps, &kept)?;
    let mut empty: Vec<&Path> = Vec::new();
    let mut blank = Blank::default();
    let mut is_open = !plan.system_read_only;
    for step in steps {
        if !is_open
            && matches!(
                step,
                Mount::PinLink(_) | Mount::ReadOnly(_) | Mount::ReadOnlyCopy(_) | Mount::Replace(_)
            )
        {
            close_the_rest(plan)?;
            is_open = true;
        }
        let failed = |error: &io::Error| layer_of(step).refused(&format!("cannot {step}"), error);
        match step {
            Mount::Pin(target) => bind_on_itself(target, false).map_err(|error| failed(&error))?,
            Mount::ReadOnly(target) => bind_on_itself(target, true).map_err(|error| failed(&error))?,
            Mount::PinLink(target) => pin_link(target).map_err(|error| failed(&error))?,
            Mount::HideDirectory(target) => {
                hide_directory(target).map_err(|error| failed(&error))?;
                empty.push(&target.path);
            }
            Mount::HideFile(target) => open_meant(target)
                .and_then(|meant| blank.put_on(&meant, &plan.client.cwd))
                .map_err(|error| failed(&error))?,
            Mount::Keep(target) => {
                let source =
                    kept.get(&target.path).ok_or_else(|| layer_of(step).broken("a step is missing"))?;
                bring_back(source, &target.path).map_err(|error| failed(&error))?;
            }
            Mount::Replace(Replaced { target, with }) => {
                let source =
                    kept.get(&with.path).ok_or_else(|| layer_of(step).broken("a step is missing"))?;
                bind(source.as_fd(), &target.path)
                    .and_then(|()| open(&target.path, OFlags::empty()))
                    .and_then(|bound| sys::set_read_only(bound.as_fd(), true))
                    .map_err(|error| failed(&error))?;
            }
            Mount::ReadOnlyCopy(Made { path }) => open(path, OFlags::empty())
                .and_then(|meant| bind(meant.as_fd(), path))
                .and_then(|()| open(path, OFlags::empty()))
                .and_then(|bound| sys::set_read_only(bound.as_fd(), true))
                .map_err(|error| failed(&error))?,
            Mount::CopyFile(Replaced { target, with }) => {
                let source =
                    kept.get(&with.path).ok_or_else(|| layer_of(step).broken("a step is missing"))?;
                copy_file(source, &target.path).map_err(|error| failed(&error))?;
            }
            Mount::Note(Noted { path, text }) => {
                let write = || {
                    if let Some(parent) = path.parent() {
                        fs::create_dir_all(parent)?;
                    }
                    fs::write(path, text)
                };
                write().map_err(|error| failed(&error))?;
            }
            Mount::Devices(nodes) => devices::put_on(nodes, input).map_err(|error| failed(&error))?,
            Mount::Private(target) => own_directory(target).map_err(|error| failed(&error))?,
            Mount::Make(Made { path }) => fs::create_dir_all(path).map_err(|error| failed(&error))?,
            Mount::HideMade(Made { path }) => {
                fs::create_dir_all(path)
                    .and_then(|()| hide_under(&open(path, OFlags::DIRECTORY)?))
                    .map_err(|error| failed(&error))?;
                empty.push(path);
            }
            Mount::MakePrivate(Made { path }) => fs::create_dir_all(path)
                .and_then(|()| empty_directory(&open(path, OFlags::DIRECTORY)?, 0o700))
                .map_err(|error| failed(&error))?,
            Mount::PinMade(Made { path }) => fs::create_dir_all(path)
                .and_then(|()| bind(open(path, OFlags::DIRECTORY)?.as_fd(), path))
                .map_err(|error| failed(&error))?,
            Mount::Copy(Copied { target, .. }) => {
                let source =
                    kept.get(&target.path).ok_or_else(|| layer_of(step).broken("a step is missing"))?;
                match copies.remove(&target.path) {
                    Some(copy) => put(&copy, &target.path),
                    None => bring_back(source, &target.path).and_then(|()| {
                        let bound = open(&target.path, OFlags::empty())?;
                        sys::set_read_only(bound.as_fd(), true)
                    }),
                }
                .map_err(|error| failed(&error))?;
            }
        }
    }
    if !is_open {
        close_the_rest(plan)?;
    }
    for path in empty {
        let directory = open(path, OFlags::DIRECTORY)
            .map_err(|error| Layer::Masks.refused("cannot open a mask", &error))?;
        sys::set_read_only(directory.as_fd(), false)
            .map_err(|error| Layer::Masks.refused("cannot make a mask read-only", &error))?;
    }
    Ok(shelf)
}

/// Makes every mount read-only but those that may be written: rights by Landlock say nothing about modes, owners, times
/// and attributes of files.
fn close_the_rest(plan: &Plan) -> Result<(), Refusal> {
    let failed = |what: &str, error: &io::Error| Layer::ReadOnly.refused(&format!("cannot {what}"), error);
    let own: BTreeSet<&Path> = plan.mounts.iter().filter(|step| step.mounts()).map(Mount::path).collect();
    for path in plan.write.iter().filter(|path| !own.contains(path.as_path())) {
        // It may have gone since.
        let Ok(meant) = open(path, OFlags::empty()) else { continue };
        bind(meant.as_fd(), path)
            .map_err(|error| failed(&format!("mount `{}` on itself", path.display()), &error))?;
    }
    let root = open(Path::new("/"), OFlags::DIRECTORY).map_err(|error| failed("open `/`", &error))?;
    sys::set_read_only(root.as_fd(), true).map_err(|error| failed("make the system read-only", &error))?;
    let below = |path: &Path| plan.write.iter().any(|open| path.starts_with(open));
    let writable = plan.mounts.iter().filter(|step| step.mounts() && below(step.path()));
    let writable: BTreeSet<&Path> =
        writable.map(Mount::path).chain(plan.write.iter().map(PathBuf::as_path)).collect();
    for path in writable {
        let Ok(mount) = open(path, OFlags::empty()) else { continue };
        match sys::set_writable(mount.as_fd()) {
            Ok(()) => {}
            // It was read-only outside, and stays so.
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => {}
            Err(error) => return Err(failed(&format!("leave `{}` writable", path.display()), &error)),
        }
    }
    Ok(())
}

/// Mounts a process table of the new namespace over the old one. `settle` is done while its settings can be written.
pub(super) fn mount_process_table(
    as_root: bool,
    settle: impl FnOnce() -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let failed = |what: &str, error: &io::Error| Layer::ProcessTable.refused(what, error);
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    rustix::mount::mount("proc", "/proc", "proc", flags, None)
        .map_err(|error| failed("cannot mount a fresh `/proc`", &error.into()))?;
    settle()?;
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
        Mount::Pin(_) | Mount::PinLink(_) | Mount::PinMade(_) => Layer::Pins,
        Mount::Devices(_)
        | Mount::HideDirectory(_)
        | Mount::HideFile(_)
        | Mount::Keep(_)
        | Mount::Private(_)
        | Mount::Make(_)
        | Mount::MakePrivate(_)
        | Mount::HideMade(_)
        | Mount::CopyFile(_)
        | Mount::Note(_)
        | Mount::Copy(_) => Layer::Masks,
        Mount::Replace(_) | Mount::ReadOnly(_) | Mount::ReadOnlyCopy(_) => Layer::ReadOnly,
    }
}

/// Opens what is to come back before anything is hidden; an open directory stays reachable under a mask.
fn open_kept(steps: &[Mount]) -> Result<BTreeMap<PathBuf, OwnedFd>, Refusal> {
    let mut kept = BTreeMap::new();
    for step in steps {
        if let Mount::Keep(target)
        | Mount::CopyFile(Replaced { with: target, .. })
        | Mount::Copy(Copied { target, .. })
        | Mount::Replace(Replaced { with: target, .. }) = step
        {
            let source = open_meant(target)
                .map_err(|error| Layer::Masks.refused(&format!("cannot {step}"), &error))?;
            kept.insert(target.path.clone(), source);
        }
    }
    Ok(kept)
}

/// Layered directories, as mounts that are nowhere yet.
#[derive(Default)]
struct Laid {
    copies: BTreeMap<PathBuf, OwnedFd>,
    /// What their upper layers lie in, where that is mounted nowhere either.
    shelf: Option<OwnedFd>,
}

/// Makes the layered directories. What their upper layers lie in is out of reach by any path once this returns.
fn lay_over(steps: &[Mount], sources: &BTreeMap<PathBuf, OwnedFd>) -> Result<Laid, Refusal> {
    let writable: Vec<&Copied> = steps
        .iter()
        .filter_map(|step| match step {
            Mount::Copy(copied) if copied.writable => Some(copied),
            _ => None,
        })
        .collect();
    let Some(first) = writable.first() else { return Ok(Laid::default()) };
    let failed = |(what, error): (String, io::Error)| {
        Layer::Masks.refused(&format!("cannot lay a private layer over {what}"), &error)
    };
    let of_all = |error: io::Error| failed(("directories".to_owned(), error));
    let shelf = memory_nowhere().map_err(of_all)?;
    match lay_all(&writable, sources, &shelf) {
        Ok(copies) => return Ok(Laid { copies, shelf: Some(shelf) }),
        // Before Linux 6.15 a layer had to be mounted somewhere.
        Err((_, error)) if error.raw_os_error() == Some(libc::EINVAL) => drop(shelf),
        Err(error) => return Err(failed(error)),
    }
    let place = &first.target.path;
    own_directory(&first.target).map_err(of_all)?;
    let shelf = open(place, OFlags::DIRECTORY).map_err(of_all)?;
    let copies = lay_all(&writable, sources, &shelf).map_err(failed)?;
    // The kernel lets everybody wait until nobody looks at it any more.
    rustix::mount::unmount(place, rustix::mount::UnmountFlags::DETACH)
        .map_err(|error| of_all(error.into()))?;
    Ok(Laid { copies, shelf: None })
}

fn lay_all(
    copies: &[&Copied],
    sources: &BTreeMap<PathBuf, OwnedFd>,
    shelf: &OwnedFd,
) -> Result<BTreeMap<PathBuf, OwnedFd>, (String, io::Error)> {
    let mut laid = BTreeMap::new();
    for (number, Copied { target, absent, .. }) in copies.iter().enumerate() {
        let mount = match sources.get(&target.path) {
            Some(source) => layer(source, shelf, &number.to_string(), absent),
            None => Err(io::Error::other("a step is missing")),
        };
        let mount = mount.map_err(|error| (format!("`{}`", target.path.display()), error))?;
        laid.insert(target.path.clone(), mount);
    }
    Ok(laid)
}

/// An empty file system in memory that is mounted nowhere.
fn memory_nowhere() -> io::Result<OwnedFd> {
    let context = rustix::mount::fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let context = context.as_fd();
    let (bytes, files) = (PRIVATE_BYTES.to_string(), PRIVATE_FILES.to_string());
    for (key, value) in [("size", bytes.as_str()), ("nr_inodes", files.as_str()), ("mode", "700")] {
        rustix::mount::fsconfig_set_string(context, key, value)?;
    }
    rustix::mount::fsconfig_create(context)?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    Ok(rustix::mount::fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}

/// One layered directory: what is in `source`, changes in the folder `name` of `shelf`.
fn layer(source: &OwnedFd, shelf: &OwnedFd, name: &str, absent: &[PathBuf]) -> io::Result<OwnedFd> {
    let folder = Mode::from_raw_mode(0o755);
    rustix::fs::mkdirat(shelf, name, folder)?;
    let place = open_in(shelf, name)?;
    for name in ["upper", "work"] {
        rustix::fs::mkdirat(&place, name, folder)?;
    }
    let (upper, work) = (open_in(&place, "upper")?, open_in(&place, "work")?);
    let mode = rustix::fs::fstat(source)?.st_mode;
    rustix::fs::chmodat(&place, "upper", Mode::from_raw_mode(mode), AtFlags::empty())?;
    for path in absent {
        let around: Vec<&Path> =
            path.ancestors().skip(1).filter(|path| !path.as_os_str().is_empty()).collect();
        for folder_around in around.into_iter().rev() {
            match rustix::fs::mkdirat(&upper, folder_around, folder) {
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // This device stands for "nothing here" in an upper layer.
        rustix::fs::mknodat(&upper, path, FileType::CharacterDevice, Mode::empty(), 0)?;
    }
    let context = rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let context = context.as_fd();
    rustix::mount::fsconfig_set_flag(context, "userxattr")?;
    for (key, directory) in [("lowerdir", source), ("upperdir", &upper), ("workdir", &work)] {
        rustix::mount::fsconfig_set_string(context, key, by_descriptor(directory.as_fd()))?;
    }
    rustix::mount::fsconfig_create(context)?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    Ok(rustix::mount::fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}

/// A folder in one that is open.
fn open_in(folder: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::DIRECTORY;
    Ok(rustix::fs::openat2(folder, name, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)?)
}

/// Writes a file of the same text, owner and modes.
fn copy_file(source: &OwnedFd, path: &Path) -> io::Result<()> {
    let size = rustix::fs::fstat(source)?.st_size;
    if u64::try_from(size).map_or(true, |size| size > MAX_COPY_BYTES) {
        return Err(io::Error::other("it is too large to be copied"));
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::copy(by_descriptor(source.as_fd()), path).map(drop)
}

/// Puts a mount that is nowhere yet at `path`, which is made where it is not there.
fn put(mount: &OwnedFd, path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    let place = open(path, OFlags::DIRECTORY)?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(rustix::mount::move_mount(mount, "", &place, "", flags)?)
}

/// An empty directory of the client's own, with the modes of the one that it covers.
fn own_directory(target: &Target) -> io::Result<()> {
    let meant = open_meant(target)?;
    let mode = rustix::fs::fstat(&meant)?.st_mode & 0o1777;
    empty_directory(&meant, mode)
}

fn empty_directory(place: &OwnedFd, mode: u32) -> io::Result<()> {
    let options =
        std::ffi::CString::new(format!("mode={mode:o},size={PRIVATE_BYTES},nr_inodes={PRIVATE_FILES}"))?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    rustix::mount::mount("writ-yard", by_descriptor(place.as_fd()), "tmpfs", flags, options.as_c_str())?;
    Ok(())
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

/// Mounts a link on itself. By name a mount would land where the link leads, so both ends are descriptors.
fn pin_link(target: &Target) -> io::Result<()> {
    let link = open_link(target)?;
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    let mount = rustix::mount::open_tree(&link, "", flags)?;
    sys::set_read_only(mount.as_fd(), false)?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(rustix::mount::move_mount(&mount, "", &link, "", flags)?)
}

/// The very link that the plan saw, not what it leads to.
pub(super) fn open_link(target: &Target) -> io::Result<OwnedFd> {
    let opened = open(&target.path, OFlags::NOFOLLOW)?;
    let found = rustix::fs::fstat(&opened)?;
    let same = (found.st_dev, found.st_ino) == (target.device, target.inode);
    let is_link = FileType::from_raw_mode(found.st_mode) == FileType::Symlink;
    if same && is_link {
        Ok(opened)
    } else {
        Err(io::Error::other("it is not the link that was there when the plan was drawn"))
    }
}

fn hide_directory(target: &Target) -> io::Result<()> {
    hide_under(&open_meant(target)?)
}

fn hide_under(place: &OwnedFd) -> io::Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    rustix::mount::mount("writ-yard", by_descriptor(place.as_fd()), "tmpfs", flags, EMPTY_OPTIONS)?;
    Ok(())
}

fn bring_back(source: &OwnedFd, path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let kind = FileType::from_raw_mode(rustix::fs::fstat(source)?.st_mode);
    // It is there already where what is around it shows.
    if path.symlink_metadata().is_err() {
        if kind == FileType::Directory {
            fs::create_dir(path)?;
        } else {
            drop(fs::File::create_new(path)?);
        }
    }
    bind(source.as_fd(), path)
}

/// Binds with everything mounted below: without it the kernel refuses, because it would uncover what those hide.
pub(super) fn bind(source: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let place = open(path, OFlags::empty())?;
    rustix::mount::mount_bind_recursive(by_descriptor(source), by_descriptor(place.as_fd()))?;
    Ok(())
}

/// Opens the very file or directory that the plan saw.
pub(super) fn open_meant(target: &Target) -> io::Result<OwnedFd> {
    let opened = open(&target.path, OFlags::empty())?;
    let found = rustix::fs::fstat(&opened)?;
    if (found.st_dev, found.st_ino) == (target.device, target.inode) {
        Ok(opened)
    } else {
        Err(io::Error::other("it is not what was there when the plan was drawn"))
    }
}

pub(super) fn open(path: &Path, also: OFlags) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC | also;
    Ok(rustix::fs::openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)?)
}

/// The path of an open file, which leads to exactly that file and follows no name.
pub(super) fn by_descriptor(descriptor: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", descriptor.as_raw_fd())
}
