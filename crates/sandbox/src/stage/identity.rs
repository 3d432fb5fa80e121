//! New namespaces, and the one identity mapped into them.

use std::fs;

use rustix::thread::UnshareFlags;

use crate::layer::{Layer, Refusal};
use crate::sys;

/// Moves this process, and for the process table its future children, into new namespaces.
/// With `networked`, also into a network of its own.
pub(super) fn unshare(networked: bool) -> Result<(), Refusal> {
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    let mut flags = UnshareFlags::NEWUSER
        | UnshareFlags::NEWNS
        | UnshareFlags::NEWPID
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS;
    flags.set(UnshareFlags::NEWNET, networked);
    sys::unshare(flags).map_err(|error| Layer::Namespaces.refused("cannot make namespaces", &error))?;
    // A group may be dropped by nobody who has not been given it; without this the group map is refused.
    write("/proc/self/setgroups", "deny")?;
    write("/proc/self/uid_map", &format!("{uid} {uid} 1"))?;
    write("/proc/self/gid_map", &format!("{gid} {gid} 1"))
}

fn write(path: &str, text: &str) -> Result<(), Refusal> {
    fs::write(path, text).map_err(|error| Layer::Identity.refused(&format!("cannot write `{path}`"), &error))
}
