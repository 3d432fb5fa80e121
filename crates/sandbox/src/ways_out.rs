//! Sockets through which other programs of the same user act outside: service managers, containers, terminals.
//!
//! `tmux send-keys` types into the user's own shells, a container engine runs anything as root, the user bus starts
//! units. A caller adds these to [`crate::Profile::hide_if_present`]. Abstract sockets have no path and stay open until
//! the yard has a network namespace.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Places that do not depend on the user.
const FIXED: [&str; 15] = [
    "/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/dbus/system_bus_socket",
    "/run/docker.sock",
    "/run/libvirt",
    "/run/pcscd/pcscd.comm",
    "/run/podman/podman.sock",
    "/run/screen",
    "/run/snapd-snap.socket",
    "/run/snapd.socket",
    "/run/systemd/private",
    "/tmp/.ICE-unix",
    "/tmp/.X11-unix",
    "/var/lib/incus/unix.socket",
    "/var/lib/lxd/unix.socket",
];

/// How the names of such directories and sockets in `/tmp` begin.
const PREFIXES: [&str; 7] = ["com.google.Chrome", "dbus-", "emacs", "screen-", "ssh-", "tmux-", "vscode-"];

/// Known ways out of the user `uid`, whether they exist now or not.
#[must_use]
pub fn ways_out(uid: u32) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = FIXED.iter().map(PathBuf::from).collect();
    found.push(format!("/run/user/{uid}").into());
    found.push(format!("/tmp/tmux-{uid}").into());
    for entry in fs::read_dir("/tmp").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let named = name.to_str().is_some_and(|name| PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
        // A name that somebody else took could otherwise make the yard hide what it should not.
        if named && is_own(&entry.path(), uid) {
            found.push(entry.path());
        }
    }
    found.sort();
    found.dedup();
    found
}

fn is_own(path: &Path, uid: u32) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.uid() == uid && !found.file_type().is_symlink())
}
