//! The yard's own `/dev`: a few nodes that every program opens, and terminals of its own.
//!
//! On the host, every terminal of a user can be opened by that user: whoever reads one takes what is typed there, and
//! whoever writes to one shows what they like to the person in front of it. So the client gets a file system of
//! terminals of its own, and of the host's only the one that it runs in, under the name of the console.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{FileType, OFlags};
use rustix::mount::MountFlags;

use super::mask::{bind, by_descriptor, open, open_meant};
use crate::plan::Devices;

/// Links that programs expect.
const LINKS: [(&str, &str); 5] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/ptmx", "pts/ptmx"),
];

/// Options of the directory.
const OPTIONS: &std::ffi::CStr = c"mode=0755,size=64k,nr_inodes=1k";
/// Options of the terminals: whoever is inside may make some.
const TERMINALS: &std::ffi::CStr = c"newinstance,ptmxmode=0666,mode=0620";

/// Puts the directory on. `input` is what the client will read.
pub(super) fn put_on(devices: &Devices, input: BorrowedFd<'_>) -> io::Result<()> {
    let terminal = terminal(input);
    let nodes: Vec<(&Path, OwnedFd)> = devices
        .nodes
        .iter()
        .map(|node| Ok((node.path.as_path(), open_meant(node)?)))
        .collect::<io::Result<_>>()?;
    let place = open(Path::new("/dev"), OFlags::DIRECTORY)?;
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    rustix::mount::mount("writ-yard", by_descriptor(place.as_fd()), "tmpfs", flags, OPTIONS)?;
    for (path, node) in nodes {
        bind_new(&node, path)?;
    }
    for name in ["/dev/pts", "/dev/shm"] {
        fs::create_dir(name)?;
    }
    rustix::mount::mount("devpts", "/dev/pts", "devpts", flags, TERMINALS)?;
    for (name, target) in LINKS {
        symlink(target, name)?;
    }
    if let Some(terminal) = terminal {
        bind_new(&terminal, Path::new("/dev/console"))?;
    }
    Ok(())
}

/// The terminal that the client runs in, by its name on the host.
fn terminal(input: BorrowedFd<'_>) -> Option<OwnedFd> {
    [input, io::stdout().as_fd(), io::stderr().as_fd()].into_iter().find_map(|stream| {
        if !rustix::termios::isatty(stream) {
            return None;
        }
        let name = fs::read_link(by_descriptor(stream)).ok()?;
        let found = open(&name, OFlags::empty()).ok()?;
        let (named, held) = (rustix::fs::fstat(&found).ok()?, rustix::fs::fstat(stream).ok()?);
        let same = (named.st_dev, named.st_ino, named.st_rdev) == (held.st_dev, held.st_ino, held.st_rdev);
        let is_device = FileType::from_raw_mode(named.st_mode) == FileType::CharacterDevice;
        (same && is_device).then_some(found)
    })
}

fn bind_new(source: &OwnedFd, path: &Path) -> io::Result<()> {
    drop(fs::File::create_new(path)?);
    bind(source.as_fd(), path)
}
