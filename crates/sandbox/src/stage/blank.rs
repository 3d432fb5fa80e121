//! The empty file that shows in place of hidden ones.
//!
//! A device would swallow what is written to it, and tools that go through folders stop at one. This is a file like any
//! other, but empty and read-only: whoever writes to it is told.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags};

use super::mask::{by_descriptor, open};
use crate::sys;

/// How the file is called where it lies, which no path leads to.
const NAME: &str = "empty";
/// So that its owner is refused by the mount alone, in the words for that.
const MODE: Mode = Mode::from_raw_mode(0o644);

/// The empty file, made when the first file is hidden.
#[derive(Default)]
pub(super) struct Blank(Option<OwnedFd>);

// === impl Blank ===

impl Blank {
    /// Mounts the file over what `meant` is open on. `shelf` is any folder.
    pub(super) fn put_on(&mut self, meant: &OwnedFd, shelf: &Path) -> io::Result<()> {
        match &self.0 {
            Some(mounted) => {
                rustix::mount::mount_bind(by_descriptor(mounted.as_fd()), by_descriptor(meant.as_fd()))?;
            }
            None => {
                let file = empty_file(shelf)?;
                sys::set_read_only(file.as_fd(), false)?;
                let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
                rustix::mount::move_mount(&file, "", meant, "", flags)?;
                self.0 = Some(file);
            }
        }
        Ok(())
    }
}

/// An empty file by itself, as a mount that is nowhere yet.
fn empty_file(shelf: &Path) -> io::Result<OwnedFd> {
    let context = rustix::mount::fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let context = context.as_fd();
    for (key, value) in [("size", "4k"), ("nr_inodes", "4"), ("mode", "755")] {
        rustix::mount::fsconfig_set_string(context, key, value)?;
    }
    rustix::mount::fsconfig_create(context)?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let folder = rustix::mount::fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?;
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDONLY | OFlags::CLOEXEC;
    drop(rustix::fs::openat(&folder, NAME, flags, MODE)?);
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    match rustix::mount::open_tree(&folder, NAME, flags) {
        // Before Linux 6.15 only what is mounted somewhere could be taken.
        Err(rustix::io::Errno::INVAL) => {}
        taken => return Ok(taken?),
    }
    let place = open(shelf, OFlags::DIRECTORY)?;
    let both = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    rustix::mount::move_mount(&folder, "", &place, "", both)?;
    let taken = rustix::mount::open_tree(&folder, NAME, flags);
    rustix::mount::unmount(by_descriptor(folder.as_fd()), UnmountFlags::DETACH)?;
    Ok(taken?)
}
