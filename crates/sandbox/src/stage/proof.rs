//! The canary: each layer tried from inside, with exactly the powers the client will have.
//!
//! A layer counts as in force because it held here, not because a call returned success.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, StatVfsMountFlags, StatxAttributes, StatxFlags};
use rustix::mount::UnmountFlags;

use super::mask::layer_of;
use crate::layer::{Layer, Refusal};
use crate::plan::{Mount, Plan, Target};

/// File system number of an in-memory file system (`TMPFS_MAGIC`, linux/magic.h).
const IN_MEMORY: u64 = 0x0102_1994;
/// Device number of `/dev/null`.
const NULL_DEVICE: (u32, u32) = (1, 3);

/// Tries every layer.
pub(super) fn hold(plan: &Plan) -> Result<(), Refusal> {
    privileges()?;
    process_table()?;
    for step in &plan.mounts {
        let outcome = match step {
            Mount::Pin(target) => pinned(target),
            Mount::HideDirectory(target) => empty_directory(target, &plan.mounts),
            Mount::HideFile(target) => null_device(target),
            Mount::Keep(target) => same_as_outside(target),
            Mount::ReadOnly(target) => read_only(target),
        };
        outcome.map_err(|reason| layer_of(step).broken(format!("after `{step}`: {reason}")))?;
    }
    Ok(())
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

fn pinned(target: &Target) -> Result<(), String> {
    let found = rustix::fs::statx(CWD, &target.path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty());
    match found {
        Ok(found) if found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT) => Ok(()),
        Ok(_) => Err("it can be renamed".to_owned()),
        Err(error) => unreachable_or(error.into()),
    }
}

fn empty_directory(target: &Target, steps: &[Mount]) -> Result<(), String> {
    match rustix::fs::statfs(&target.path) {
        Ok(found) if u64::try_from(found.f_type) == Ok(IN_MEMORY) => {}
        Ok(_) => return Err("the directory shows".to_owned()),
        Err(error) => return unreachable_or(error.into()),
    }
    let entries = fs::read_dir(&target.path).map_err(|error| error.to_string())?;
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        let leads_to_kept =
            steps.iter().any(|step| matches!(step, Mount::Keep(kept) if kept.path.starts_with(&path)));
        if !leads_to_kept {
            return Err(format!("`{}` shows", path.display()));
        }
    }
    match fs::create_dir(target.path.join("canary")) {
        Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => cannot_unmount(&target.path),
        Err(error) => Err(format!("writing into it failed for another reason: {error}")),
        Ok(()) => Err("it can be written into".to_owned()),
    }
}

fn null_device(target: &Target) -> Result<(), String> {
    match fs::symlink_metadata(&target.path) {
        Ok(found) => {
            let device = (rustix::fs::major(found.rdev()), rustix::fs::minor(found.rdev()));
            if device != NULL_DEVICE {
                return Err("the file shows".to_owned());
            }
            cannot_unmount(&target.path)
        }
        Err(error) => unreachable_or(error),
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

fn read_only(target: &Target) -> Result<(), String> {
    match rustix::fs::statvfs(&target.path) {
        Ok(found) if found.f_flag.contains(StatVfsMountFlags::RDONLY) => cannot_unmount(&target.path),
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
