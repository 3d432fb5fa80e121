//! The exact steps of one yard on this host: drawn from a [`Profile`], printable, then applied as they stand.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::profile::Profile;
use view::{View, real};

mod devices;
mod mounts;
mod text;
mod view;

/// What the yard will do, in order. Nothing in it has happened yet.
///
/// It is passed to the yard's own stages, which open each path without following links and compare inodes with what
/// was seen here, so a path swapped in between is refused and not followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub(crate) client: Client,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) as_root: bool,
    pub(crate) danger_no_namespaces: bool,
    #[serde(with = "text::list")]
    absent: Vec<PathBuf>,
}

/// The program to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Client {
    #[serde(with = "text")]
    pub command: OsString,
    #[serde(with = "text::list")]
    pub args: Vec<OsString>,
    #[serde(with = "text::pairs")]
    pub env: Vec<(OsString, OsString)>,
    #[serde(with = "text")]
    pub cwd: PathBuf,
}

/// One change of the file system view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mount {
    /// Mounts a directory on itself, because a mount point cannot be renamed.
    Pin(Target),
    /// Mounts an empty read-only directory over it.
    HideDirectory(Target),
    /// Mounts the null device over it.
    HideFile(Target),
    /// Mounts it at its own path again, inside what was hidden.
    Keep(Target),
    /// Mounts it on itself, read-only, with all below.
    ReadOnly(Target),
}

/// A path with the identity of what was found there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    #[serde(with = "text")]
    pub path: PathBuf,
    pub device: u64,
    pub inode: u64,
}

/// Why no plan could be drawn.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A string cannot be given to a program.
    #[error("{what} `{}` cannot be passed to a program", .value.display())]
    Unpassable {
        /// What kind of string.
        what: &'static str,
        /// The string.
        value: OsString,
    },
    /// A path is relative.
    #[error("path `{}` of the yard is not absolute", .0.display())]
    Relative(PathBuf),
    /// A path cannot be looked at.
    #[error("cannot look at `{}`, which the yard is asked to {wish}", .path.display())]
    Unreachable {
        /// What the profile wants done with it.
        wish: &'static str,
        /// The path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The root directory was asked to be hidden.
    #[error("the yard cannot hide `/`")]
    HidesEverything,
    /// A path to keep lies outside every hidden one.
    #[error("`{}` is to be kept visible, but nothing around it is hidden", .0.display())]
    KeepsWhatIsNotHidden(PathBuf),
    /// A path that must be visible is hidden.
    #[error("`{}` must be visible in the yard, but `{}` is hidden; keep it or choose another place", .path.display(), .hidden.display())]
    HidesWhatIsNeeded {
        /// The path that is needed.
        path: PathBuf,
        /// What hides it.
        hidden: PathBuf,
    },
    /// The mount table cannot be read, so other names of hidden paths cannot be found.
    #[error("cannot read the mount table")]
    MountTable(#[source] io::Error),
}

// === impl Plan ===

impl Plan {
    /// Looks at the host and fixes every step.
    ///
    /// # Errors
    /// When a path to hide does not exist, when a path the client needs would be hidden, or when the host cannot be
    /// looked at. Nothing is changed either way.
    pub fn draw(profile: Profile) -> Result<Self, PlanError> {
        let Profile { command, args, env, cwd, hide, hide_if_present, keep, read_only, danger_no_namespaces } =
            profile;
        let client = Client::parse(command, args, env, cwd)?;
        let as_root = rustix::process::geteuid().is_root();
        if danger_no_namespaces {
            return Ok(Self {
                client,
                mounts: Vec::new(),
                as_root,
                danger_no_namespaces,
                absent: Vec::new(),
            });
        }
        let view = View::survey(&hide, hide_if_present, &keep)?;
        let mounts = view.steps(&client.cwd, &read_only, as_root)?;
        let absent = view.absent;
        Ok(Self { client, mounts, as_root, danger_no_namespaces, absent })
    }

    /// Paths of [`Profile::hide_if_present`] that do not exist now and would be visible if somebody made them.
    #[must_use]
    pub fn absent(&self) -> &[PathBuf] {
        &self.absent
    }

    /// Whether the plan gives up the boundary.
    #[must_use]
    pub const fn is_danger_no_namespaces(&self) -> bool {
        self.danger_no_namespaces
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, mounts, as_root, danger_no_namespaces, absent } = self;
        if *danger_no_namespaces {
            writeln!(
                f,
                "DANGER no namespaces: nothing is hidden, the client can reach all that its user can"
            )?;
        } else {
            writeln!(f, "unshare user, mount, pid and ipc namespaces; map only the user's own id")?;
        }
        let (devices, mounts): (Vec<_>, Vec<_>) =
            mounts.iter().partition(|mount| mount.target().path.starts_with("/dev"));
        for mount in mounts {
            writeln!(f, "{mount}")?;
        }
        if !devices.is_empty() {
            writeln!(f, "hide {} device nodes under /dev that open without a capability", devices.len())?;
        }
        for path in absent {
            writeln!(f, "absent {} (cannot be hidden until it exists)", path.display())?;
        }
        writeln!(f, "join an empty keyring; no new privileges; empty bounding set")?;
        if !danger_no_namespaces {
            writeln!(f, "mount a fresh /proc{}", if *as_root { ", its settings read-only" } else { "" })?;
            writeln!(f, "drop every capability; try each layer from inside")?;
        }
        writeln!(f, "environment {} variables", client.env.len())?;
        writeln!(f, "in {}", client.cwd.display())?;
        write!(f, "start {}", client.command.display())?;
        if !client.args.is_empty() {
            write!(f, " with {} arguments", client.args.len())?;
        }
        Ok(())
    }
}

// === impl Client ===

impl Client {
    fn parse(
        command: OsString,
        args: Vec<OsString>,
        env: Vec<(OsString, OsString)>,
        cwd: PathBuf,
    ) -> Result<Self, PlanError> {
        let unpassable = |what, value: &OsStr| PlanError::Unpassable { what, value: value.to_owned() };
        let nul = |value: &OsStr| value.as_bytes().contains(&0);
        if command.is_empty() || nul(&command) {
            return Err(unpassable("command", &command));
        }
        for arg in &args {
            if nul(arg) {
                return Err(unpassable("argument", arg));
            }
        }
        for (name, value) in &env {
            if name.is_empty() || nul(name) || name.as_bytes().contains(&b'=') || nul(value) {
                return Err(unpassable("environment variable", name));
            }
        }
        Ok(Self { command, args, env, cwd: real("start the client in", &cwd)? })
    }
}

// === impl Mount ===

impl Mount {
    pub(crate) const fn target(&self) -> &Target {
        match self {
            Self::Pin(target)
            | Self::HideDirectory(target)
            | Self::HideFile(target)
            | Self::Keep(target)
            | Self::ReadOnly(target) => target,
        }
    }
}

impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self {
            Self::Pin(_) => "pin",
            Self::HideDirectory(_) => "hide directory",
            Self::HideFile(_) => "hide file",
            Self::Keep(_) => "keep",
            Self::ReadOnly(_) => "read-only",
        };
        write!(f, "{verb} {}", self.target().path.display())
    }
}

// === impl Target ===

impl Target {
    fn at(path: PathBuf) -> Result<Self, PlanError> {
        match fs::symlink_metadata(&path) {
            Ok(found) => Ok(Self { path, device: found.dev(), inode: found.ino() }),
            Err(source) => Err(PlanError::Unreachable { wish: "look at", path, source }),
        }
    }
}
