//! What a caller wants of the yard, before the host has been looked at.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

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
    /// Directories and files that do not show unless another wish names them. Other names of them stay as they are, and what
    /// does not exist, or is a link, is passed over: this is for what nobody needs, and not for what is known to be dangerous.
    pub leave_out: Vec<PathBuf>,
    /// Directories or files inside hidden ones that stay visible at their own path, writable as outside.
    pub keep: Vec<PathBuf>,
    /// Directories and files that can be read and not written, with all below; inside a kept directory too, and a kept
    /// directory itself. A socket in a read-only directory can be connected to and not be replaced.
    pub read_only: Vec<PathBuf>,
    /// Links that cannot be removed, renamed or exchanged inside, nor any folder above them. Where they lead is not
    /// looked at. One that is gone or is no link is left out.
    pub links: Vec<PathBuf>,
    /// Files that show another file's text, read-only: the first of each pair is the place, the second what shows there. Both
    /// must exist.
    pub replace: Vec<(PathBuf, PathBuf)>,
    /// Directories that are empty inside and can be written, at most [`crate::PRIVATE_BYTES`] each. What the client makes
    /// there ends with it. One that does not exist is made where it lies in another one.
    pub private: Vec<PathBuf>,
    /// As `keep`, for what may or may not lie in something hidden or private. What does not exist is left out.
    pub show: Vec<PathBuf>,
    /// Directories whose content shows and can be changed inside, while the changes end with the client. What does not
    /// exist is left out. Where this kernel cannot lay one directory over another, they are read-only.
    pub copies: Vec<PathBuf>,
    /// Files of those directories, or such files themselves, that begin with another file's text: the first of each pair is the
    /// place, the second what is copied there. A place that does not exist is left out. Where this kernel has no layers, what
    /// lies in a directory is read-only, as that is.
    pub copy_as: Vec<(PathBuf, PathBuf)>,
    /// Texts that stand in private directories, to tell the client what is not there and why.
    pub notes: Vec<(PathBuf, String)>,
    /// What the client may write, with all below, beside what is private. What does not exist is left out.
    pub write: Vec<PathBuf>,
    /// Where programs may lie that run inside, with all below. What does not exist is left out.
    pub run: Vec<PathBuf>,
    /// Ports of the loopback address inside at which the caller listens: see [`crate::Running::take_listeners`].
    pub listen: Vec<u16>,
    /// The same for datagrams: see [`crate::Running::take_hearers`].
    pub hear: Vec<u16>,
    /// Tell the caller of each program that starts: see [`crate::Running::take_recorder`].
    pub recorded: bool,
    /// What the caller gives up, by name.
    pub danger: BTreeSet<Danger>,
}

/// A layer that a person may give up. Each weakens the yard for good, so each is on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Danger {
    /// The client makes every system call that its user can.
    AllCalls,
    /// The client writes and runs whatever file modes and mounts let it.
    AllFiles,
    /// Starts the client without any namespace: nothing is hidden, nothing is read-only, and a client that wants to
    /// can end its own helper. Only the environment, the descriptors, the empty keyring, limits, "no new privileges" and
    /// the death of the process tree remain.
    NoNamespaces,
    /// The client reaches every host that its user reaches, services on loopback, and abstract sockets.
    OpenNetwork,
}

// === impl Danger ===

impl Danger {
    /// Every one, in the order of the alphabet.
    pub const ALL: [Self; 4] = [Self::AllCalls, Self::AllFiles, Self::NoNamespaces, Self::OpenNetwork];

    /// Stable name, as records have it and flags after `--danger-`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AllCalls => "all-calls",
            Self::AllFiles => "all-files",
            Self::NoNamespaces => "no-namespaces",
            Self::OpenNetwork => "open-network",
        }
    }

    /// What is lost with it, in a sentence.
    #[must_use]
    pub const fn lost(self) -> &'static str {
        match self {
            Self::AllCalls => {
                "no system call is refused: tracing, nested namespaces and rare kernel code are within reach"
            }
            Self::AllFiles => "the client writes and runs whatever file modes and mounts let it",
            Self::NoNamespaces => {
                "nothing is hidden, the client can reach all that its user can, and end its own supervisor"
            }
            Self::OpenNetwork => {
                "the client reaches every host that its user reaches, and services of this machine"
            }
        }
    }
}
