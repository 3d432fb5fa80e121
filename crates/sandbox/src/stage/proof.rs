//! The canary: each layer tried from inside, with exactly the powers the client will have.
//!
//! A layer counts as in force because it held here, not because a call returned success.

use std::fs;
use std::io;
use std::net::UdpSocket;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, MemfdFlags, StatVfsMountFlags, StatxAttributes, StatxFlags};
use rustix::mount::UnmountFlags;
use rustix::net::{AddressFamily, SocketType};
use rustix::process::Resource;
use rustix::thread::UnshareFlags;

use super::mask::layer_of;
use crate::layer::{Layer, Refusal};
use crate::plan::{Copied, Devices, Mount, Plan, Replaced, Target};
use crate::profile::Danger;
use crate::sys;

/// File system number of an in-memory file system (`TMPFS_MAGIC`, linux/magic.h).
const IN_MEMORY: u64 = 0x0102_1994;
/// File system number of one directory laid over another (`OVERLAYFS_SUPER_MAGIC`, linux/magic.h).
const LAYERED: u64 = 0x794c_7630;

/// Tries the layers that hide and protect, while nothing else stands in the way of who would take them off.
pub(super) fn mounts_hold(plan: &Plan) -> Result<(), Refusal> {
    privileges()?;
    process_table()?;
    if plan.system_read_only && !plan.write.iter().any(|path| path == Path::new("/")) {
        read_only(Path::new("/")).map_err(|reason| Layer::ReadOnly.broken(format!("`/`: {reason}")))?;
    }
    for step in &plan.mounts {
        let outcome = match step {
            Mount::Pin(target) => pinned(&target.path),
            Mount::PinMade(made) => pinned(&made.path),
            Mount::PinLink(target) => pinned(&target.path),
            Mount::HideDirectory(target) => empty_directory(&target.path, &plan.mounts),
            Mount::HideMade(made) => empty_directory(&made.path, &plan.mounts),
            Mount::HideFile(target) => blank(&target.path),
            // Something else is to show there, which its own step tries.
            Mount::Keep(target) if is_replaced(&plan.mounts, &target.path) => Ok(()),
            Mount::Keep(target) => same_as_outside(target).and_then(|()| kept_as_planned(plan, target)),
            Mount::Replace(Replaced { target, with }) => {
                same_as_outside(&Target { path: target.path.clone(), ..with.clone() })
                    .and_then(|()| read_only(&target.path))
            }
            Mount::ReadOnly(target) => read_only(&target.path),
            Mount::ReadOnlyCopy(made) => read_only(&made.path),
            Mount::CopyFile(copied) => is_apart(&copied.target.path, &[IN_MEMORY, LAYERED]),
            Mount::Note(note) => in_memory(&note.path),
            Mount::Private(target) => own_directory(target),
            Mount::Make(made) | Mount::MakePrivate(made) => in_memory(&made.path),
            Mount::Copy(copied) => copy(copied, &plan.mounts),
            Mount::Devices(nodes) => own_devices(nodes),
        };
        outcome.map_err(|reason| layer_of(step).broken(format!("after `{step}`: {reason}")))?;
    }
    Ok(())
}

fn is_replaced(steps: &[Mount], path: &Path) -> bool {
    steps.iter().any(|step| matches!(step, Mount::Replace(replaced) if replaced.target.path == path))
}

/// Tries all the others, with every layer on.
pub(super) fn all_hold(plan: &Plan) -> Result<(), Refusal> {
    if rustix::process::getrlimit(Resource::Core).current != Some(0) {
        return Err(Layer::Limits.broken("core dumps are possible"));
    }
    if rustix::process::getppid().is_some() {
        return Err(Layer::ProcessTable.broken("a process outside can be named"));
    }
    if !plan.gives_up(Danger::OpenNetwork) {
        network().map_err(|reason| Layer::Network.broken(reason))?;
    }
    if !plan.gives_up(Danger::AllFiles) {
        file_rights().map_err(|reason| Layer::FileRights.broken(reason))?;
    }
    if !plan.gives_up(Danger::AllCalls) {
        system_calls().map_err(|reason| Layer::SystemCalls.broken(reason))?;
    }
    Ok(())
}

/// An address by number, which no name and no proxy stands before. Nothing is sent: a datagram socket only looks for
/// the way.
fn network() -> Result<(), String> {
    for address in ["192.0.2.1:53", "[2001:db8::1]:53"] {
        let local = if address.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
        // Without this version of the protocol there is no way either.
        let Ok(socket) = UdpSocket::bind(local) else { continue };
        if socket.connect(address).is_ok() {
            return Err(format!("there is a way to `{address}`"));
        }
    }
    let devices = fs::read_to_string("/proc/self/net/dev").map_err(|error| error.to_string())?;
    match devices
        .lines()
        .skip(2)
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim() != "lo")
    {
        Some((name, _)) => Err(format!("there is a network device `{}`", name.trim())),
        None => Ok(()),
    }
}

/// A file that modes and mounts leave to this process.
fn file_rights() -> Result<(), String> {
    match fs::OpenOptions::new().write(true).open("/proc/self/comm") {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(format!("writing outside failed for another reason: {error}")),
        Ok(_) => Err("a file outside what may be written was opened for writing".to_owned()),
    }
}

/// One call of each kind of answer.
fn system_calls() -> Result<(), String> {
    let wanted = |name: &str, found: io::Result<()>, number: i32| match found {
        Err(error) if error.raw_os_error() == Some(number) => Ok(()),
        Err(error) => Err(format!("`{name}` failed for another reason: {error}")),
        Ok(()) => Err(format!("`{name}` is possible")),
    };
    wanted("unshare", sys::unshare(UnshareFlags::NEWUSER), libc::EPERM)?;
    wanted("keyctl", sys::join_empty_keyring(), libc::EPERM)?;
    let memory = rustix::fs::memfd_create("canary", MemfdFlags::CLOEXEC).map(drop).map_err(io::Error::from);
    wanted("memfd_create", memory, libc::ENOSYS)?;
    let vsock = AddressFamily::VSOCK;
    let socket = rustix::net::socket(vsock, SocketType::STREAM, None).map(drop).map_err(io::Error::from);
    wanted("socket", socket, libc::EAFNOSUPPORT)
}

fn privileges() -> Result<(), Refusal> {
    let status = fs::read_to_string("/proc/self/status")
        .map_err(|error| Layer::Canary.refused("cannot read `/proc/self/status`", &error))?;
    for (name, wanted) in
        [("CapInh", 0), ("CapPrm", 0), ("CapEff", 0), ("CapBnd", 0), ("CapAmb", 0), ("NoNewPrivs", 1)]
    {
        let found = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .and_then(|value| u64::from_str_radix(value.trim(), 16).ok());
        if found != Some(wanted) {
            return Err(Layer::Canary.broken(format!("`{name}` is not {wanted} inside")));
        }
    }
    Ok(())
}

fn process_table() -> Result<(), Refusal> {
    let own = fs::read_link("/proc/self")
        .map_err(|error| Layer::Canary.refused("cannot read `/proc/self`", &error))?;
    if own != Path::new("1") {
        return Err(Layer::ProcessTable.broken("`/proc` shows processes of another namespace"));
    }
    cannot_unmount(Path::new("/proc")).map_err(|reason| Layer::ProcessTable.broken(reason))
}

fn pinned(path: &Path) -> Result<(), String> {
    let found = rustix::fs::statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty());
    match found {
        Ok(found) if found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) => Ok(()),
        Ok(_) => Err("it can be renamed".to_owned()),
        Err(error) => unreachable_or(error.into()),
    }
}

fn empty_directory(path: &Path, steps: &[Mount]) -> Result<(), String> {
    match rustix::fs::statfs(path) {
        Ok(found) if u64::try_from(found.f_type) == Ok(IN_MEMORY) => {}
        Ok(_) => return Err("the directory shows".to_owned()),
        Err(error) => return unreachable_or(error.into()),
    }
    let entries = fs::read_dir(path).map_err(|error| error.to_string())?;
    for entry in entries {
        let entry = entry.map_err(|error| error.to_string())?.path();
        let leads_to_kept = steps.iter().any(|step| {
            !matches!(step, Mount::Pin(_) | Mount::HideDirectory(_) | Mount::HideFile(_))
                && step.path() != path
                && step.path().starts_with(&entry)
        });
        if !leads_to_kept {
            return Err(format!("`{}` shows", entry.display()));
        }
    }
    match fs::create_dir(path.join("canary")) {
        Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => cannot_unmount(path),
        Err(error) => Err(format!("writing into it failed for another reason: {error}")),
        Ok(()) => Err("it can be written into".to_owned()),
    }
}

fn own_directory(target: &Target) -> Result<(), String> {
    in_memory(&target.path)?;
    cannot_unmount(&target.path)
}

fn own_devices(devices: &Devices) -> Result<(), String> {
    let place = Path::new("/dev");
    in_memory(place)?;
    for entry in fs::read_dir(place).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        let found = path.symlink_metadata().map_err(|error| error.to_string())?;
        let is_own = found.is_dir()
            || found.is_symlink()
            || path == Path::new("/dev/console")
            || devices.nodes.iter().any(|node| node.path == path);
        if !is_own {
            return Err(format!("`{}` shows", path.display()));
        }
    }
    let terminals = fs::read_dir("/dev/pts").map_err(|error| error.to_string())?;
    match terminals.flatten().find(|entry| entry.file_name() != "ptmx") {
        Some(entry) => Err(format!("a terminal outside shows: `{}`", entry.path().display())),
        None => cannot_unmount(place),
    }
}

fn in_memory(path: &Path) -> Result<(), String> {
    is_apart(path, &[IN_MEMORY])
}

fn is_apart(path: &Path, systems: &[u64]) -> Result<(), String> {
    match rustix::fs::statfs(path) {
        Ok(found) if u64::try_from(found.f_type).is_ok_and(|of| systems.contains(&of)) => Ok(()),
        Ok(_) => Err("what is outside shows".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn copy(copied: &Copied, steps: &[Mount]) -> Result<(), String> {
    let path = &copied.target.path;
    if !copied.writable {
        return read_only(path);
    }
    match rustix::fs::statfs(path) {
        Ok(found) if u64::try_from(found.f_type) == Ok(LAYERED) => {}
        Ok(_) => return Err("changes would reach what is outside".to_owned()),
        Err(error) => return Err(error.to_string()),
    }
    for absent in &copied.absent {
        shows_only_kept(&path.join(absent), steps)?;
    }
    cannot_unmount(path)
}

/// Whether nothing is there, or nothing but the way to what was kept in it.
fn shows_only_kept(path: &Path, steps: &[Mount]) -> Result<(), String> {
    let shows = || Err(format!("`{}` shows", path.display()));
    let Ok(found) = path.symlink_metadata() else { return Ok(()) };
    if steps.iter().any(|step| matches!(step, Mount::Keep(_)) && step.path() == path) {
        return Ok(());
    }
    if !found.is_dir() {
        return shows();
    }
    let is_way = steps.iter().any(|step| matches!(step, Mount::Keep(_)) && step.path().starts_with(path));
    if !is_way {
        return shows();
    }
    for entry in fs::read_dir(path).map_err(|error| error.to_string())? {
        shows_only_kept(&entry.map_err(|error| error.to_string())?.path(), steps)?;
    }
    Ok(())
}

/// A file of nothing, which cannot be written and says so.
fn blank(path: &Path) -> Result<(), String> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() && found.len() == 0 => {}
        Ok(_) => return Err("the file shows".to_owned()),
        Err(error) => return unreachable_or(error),
    }
    in_memory(path)?;
    match fs::OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => cannot_unmount(path),
        Err(error) => Err(format!("writing to it failed for another reason: {error}")),
        Ok(_) => Err("it can be written".to_owned()),
    }
}

fn same_as_outside(target: &Target) -> Result<(), String> {
    let found = fs::symlink_metadata(&target.path).map_err(|error| error.to_string())?;
    if (found.dev(), found.ino()) == (target.device, target.inode) {
        Ok(())
    } else {
        Err("something else shows".to_owned())
    }
}

/// What is kept to be read cannot be written.
fn kept_as_planned(plan: &Plan, target: &Target) -> Result<(), String> {
    let writable = plan.write.iter().any(|open| target.path.starts_with(open));
    if !plan.system_read_only || writable { Ok(()) } else { read_only(&target.path) }
}

fn read_only(path: &Path) -> Result<(), String> {
    match rustix::fs::statvfs(path) {
        Ok(found) if found.f_flag.contains(StatVfsMountFlags::RDONLY) => cannot_unmount(path),
        Ok(_) => Err("it can be written".to_owned()),
        Err(error) => unreachable_or(error.into()),
    }
}

fn cannot_unmount(path: &Path) -> Result<(), String> {
    match rustix::mount::unmount(path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
        Err(rustix::io::Errno::PERM) => Ok(()),
        Err(error) => Err(format!("unmounting `{}` failed for another reason: {error}", path.display())),
        Ok(()) => Err(format!("`{}` can be unmounted", path.display())),
    }
}

/// A path that file modes close to the client needs no mask to be out of reach.
fn unreachable_or(error: io::Error) -> Result<(), String> {
    if error.kind() == io::ErrorKind::PermissionDenied { Ok(()) } else { Err(error.to_string()) }
}
