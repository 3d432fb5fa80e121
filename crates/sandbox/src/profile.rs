//! What a caller wants of the yard, before the host has been looked at.

use std::ffi::OsString;
use std::path::PathBuf;

/// The wishes of one run. [`crate::Plan::draw`] turns them into the exact steps on this host.
///
/// All paths are absolute. Nothing is inherited: the client sees exactly `env`, and the three standard streams.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    /// Program to start: a path, or a name looked up in the `PATH` of `env`, inside the yard.
    pub command: OsString,
    /// Its arguments, without the program's own name.
    pub args: Vec<OsString>,
    /// The whole environment of the client.
    pub env: Vec<(OsString, OsString)>,
    /// Working directory of the client. Must be visible inside.
    pub cwd: PathBuf,
    /// Directories and files that are empty inside. Each must exist: what is not there cannot be masked, and would
    /// appear when somebody makes it.
    pub hide: Vec<PathBuf>,
    /// As `hide`, but a path that does not exist now, or that this user cannot reach, is only reported
    /// ([`crate::Plan::absent`]). [`crate::ways_out`] knows some.
    pub hide_if_present: Vec<PathBuf>,
    /// Directories or files inside hidden ones that stay visible at their own path, writable as outside.
    pub keep: Vec<PathBuf>,
    /// Directories and files that can be read and not written, with all below; inside a kept directory too, and a kept
    /// directory itself. A socket in a read-only directory can be connected to and not be replaced.
    pub read_only: Vec<PathBuf>,
    /// Starts the client without any namespace: nothing is hidden, nothing is read-only, and a client that wants to
    /// can end its own helper. Only the environment, the descriptors, the empty keyring, "no new privileges" and
    /// the death of the process tree remain.
    pub danger_no_namespaces: bool,
}
