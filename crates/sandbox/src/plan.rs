//! The exact steps of one yard on this host: drawn from a [`Profile`], printable, then applied as they stand.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::group::GroupPlan;
use crate::layer::Layer;
use crate::limits;
use crate::profile::{Danger, Profile};
use view::{Texts, View, Wishes, real};

mod devices;
pub(crate) mod layers;
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
    /// Every mount is read-only but for what may be written.
    pub(crate) system_read_only: bool,
    /// What may be written, and where programs may lie.
    #[serde(with = "text::list")]
    pub(crate) write: Vec<PathBuf>,
    #[serde(with = "text::list")]
    pub(crate) run: Vec<PathBuf>,
    pub(crate) listen: Vec<u16>,
    pub(crate) hear: Vec<u16>,
    pub(crate) recorded: bool,
    /// The control group around all of it, where this machine delegates one.
    pub(crate) group: Option<GroupPlan>,
    pub(crate) danger: BTreeSet<Danger>,
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
    /// Mounts an empty read-only file over it.
    HideFile(Target),
    /// Mounts it at its own path again, inside what was hidden.
    Keep(Target),
    /// Mounts a link on itself, because a mount point cannot be removed.
    PinLink(Target),
    /// Mounts it on itself, read-only, with all below.
    ReadOnly(Target),
    /// Mounts an empty directory over it that the client may fill.
    Private(Target),
    /// Makes a directory inside what is private.
    Make(Made),
    /// Makes a directory inside what is hidden, and mounts an empty one over it that the client may fill.
    MakePrivate(Made),
    /// Makes a directory inside what is private, and mounts an empty read-only one over it.
    HideMade(Made),
    /// Makes a directory inside what is private, and mounts it on itself.
    PinMade(Made),
    /// Mounts another file over it, read-only.
    Replace(Replaced),
    /// Mounts it on itself, read-only, inside a copy.
    ReadOnlyCopy(Made),
    /// Puts a file with the same text, or another's, at its own path.
    CopyFile(Replaced),
    /// Writes a text into what is private.
    Note(Noted),
    /// Mounts it at its own path with a layer over it that takes what is changed.
    Copy(Copied),
    /// Mounts a directory over `/dev` that holds these nodes and terminals of its own.
    Devices(Devices),
}

/// Device nodes that stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Devices {
    pub nodes: Vec<Target>,
}

/// A directory that does not exist on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Made {
    #[serde(with = "text")]
    pub path: PathBuf,
}

/// A file that shows the text of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replaced {
    pub target: Target,
    pub with: Target,
}

/// A text for the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Noted {
    #[serde(with = "text")]
    pub path: PathBuf,
    pub text: String,
}

/// A directory whose changes stay inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Copied {
    pub target: Target,
    /// What does not show, below it.
    #[serde(with = "text::list")]
    pub absent: Vec<PathBuf>,
    /// This kernel can lay a layer over it.
    pub writable: bool,
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
        let Profile {
            command,
            args,
            env,
            cwd,
            hide,
            hide_if_present,
            leave_out,
            keep,
            read_only,
            links,
            replace,
            private,
            show,
            copies,
            copy_as,
            notes,
            write,
            run,
            listen,
            hear,
            recorded,
            danger,
        } = profile;
        let client = Client::parse(command, args, env, cwd)?;
        let as_root = rustix::process::geteuid().is_root();
        if danger.contains(&Danger::NoNamespaces) {
            return Ok(Self {
                client,
                mounts: Vec::new(),
                as_root,
                system_read_only: false,
                write: Vec::new(),
                run: Vec::new(),
                listen: Vec::new(),
                hear: Vec::new(),
                recorded: false,
                group: GroupPlan::of_host(),
                danger,
                absent: Vec::new(),
            });
        }
        let view = View::survey(Wishes {
            hide: &hide,
            hide_if_present,
            leave_out: &leave_out,
            keep: &keep,
            show: &show,
            private: &private,
            copies: &copies,
            notes: &notes,
        })?;
        let texts = Texts { replace: &replace, copy_as: &copy_as };
        let mounts = view.steps(&client.cwd, &read_only, &texts, &links, as_root)?;
        let write = view.within_reach(&[write, copies].concat(), true)?;
        let run = view.within_reach(&run, false)?;
        let (listen, hear) =
            if danger.contains(&Danger::OpenNetwork) { Default::default() } else { (listen, hear) };
        let recorded = recorded && !danger.contains(&Danger::AllCalls);
        let absent = view.absent;
        let system_read_only = !danger.contains(&Danger::AllFiles);
        let group = GroupPlan::of_host();
        Ok(Self {
            client,
            mounts,
            as_root,
            system_read_only,
            write,
            run,
            listen,
            hear,
            recorded,
            group,
            danger,
            absent,
        })
    }

    /// Paths of [`Profile::hide_if_present`] that do not exist now and would be visible if somebody made them.
    #[must_use]
    pub fn absent(&self) -> &[PathBuf] {
        &self.absent
    }

    /// Whether the plan gives up the boundary.
    #[must_use]
    pub fn is_danger_no_namespaces(&self) -> bool {
        self.gives_up(Danger::NoNamespaces)
    }

    /// Names of the client's variables.
    pub fn variables(&self) -> impl Iterator<Item = &OsStr> {
        self.client.env.iter().map(|(name, _)| name.as_os_str())
    }

    /// What the plan gives up.
    pub fn danger(&self) -> impl Iterator<Item = Danger> {
        self.danger.iter().copied()
    }

    /// The layers that this plan puts on, in order.
    #[must_use]
    pub fn layers(&self) -> Vec<Layer> {
        if self.is_danger_no_namespaces() {
            return Layer::WITHOUT_NAMESPACES.into();
        }
        let given_up = |layer| match layer {
            Layer::FileRights => self.gives_up(Danger::AllFiles),
            Layer::Network => self.gives_up(Danger::OpenNetwork),
            Layer::SystemCalls => self.gives_up(Danger::AllCalls),
            _ => false,
        };
        Layer::ALL.into_iter().filter(|layer| !given_up(*layer)).collect()
    }

    pub(crate) fn gives_up(&self, danger: Danger) -> bool {
        self.danger.contains(&danger)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            client,
            mounts,
            as_root,
            system_read_only,
            write,
            run,
            listen,
            hear,
            recorded,
            group,
            danger,
            absent,
        } = self;
        for danger in danger {
            writeln!(f, "DANGER {}: {}", danger.name().replace('-', " "), danger.lost())?;
        }
        let bounded = !self.is_danger_no_namespaces();
        let unbound = *as_root && group.is_none() && (!bounded || !limits::numbers_are_own());
        let processes =
            if unbound { "any number of".to_owned() } else { format!("at most {}", limits::PROCESSES) };
        writeln!(f, "no core dumps; {processes} processes; the first to go when memory runs out")?;
        match group.as_ref().map(|group| group.memory_bytes) {
            Some(Some(bytes)) => writeln!(f, "a control group: at most {} MiB of memory", bytes >> 20)?,
            Some(None) => writeln!(f, "a control group, which does not count memory here")?,
            None => writeln!(f, "no control group: none is delegated here, so memory is not bounded")?,
        }
        if bounded {
            writeln!(f, "unshare user, mount, pid, ipc and uts namespaces; map only the user's own id")?;
        }
        if bounded && !self.gives_up(Danger::OpenNetwork) {
            writeln!(f, "unshare the network namespace: loopback and nothing else")?;
            for port in listen {
                writeln!(f, "listen at port {port} of the loopback address inside, for the supervisor")?;
            }
            for port in hear {
                writeln!(
                    f,
                    "hear datagrams at port {port} of the loopback address inside, for the supervisor"
                )?;
            }
        }
        for mount in mounts {
            writeln!(f, "{mount}")?;
        }
        if *system_read_only {
            writeln!(f, "make all that is mounted read-only, but for what may be written")?;
        }
        for path in absent {
            writeln!(f, "absent {} (cannot be hidden until it exists)", path.display())?;
        }
        writeln!(f, "join an empty keyring; no new privileges; empty bounding set")?;
        if bounded {
            writeln!(f, "mount a fresh /proc{}", if *as_root { ", its settings read-only" } else { "" })?;
            writeln!(f, "drop every capability")?;
        }
        if bounded && !self.gives_up(Danger::AllFiles) {
            for path in write {
                writeln!(f, "may write below {}", path.display())?;
            }
            for path in run {
                writeln!(f, "may run programs below {}", path.display())?;
            }
        }
        if bounded && !self.gives_up(Danger::AllCalls) {
            writeln!(
                f,
                "refuse {} system calls, newer ones, and those of 32-bit programs",
                crate::filter::rows().count()
            )?;
        }
        if *recorded {
            writeln!(f, "record the start of each program")?;
        }
        if bounded {
            writeln!(f, "try each layer from inside")?;
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
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Pin(target)
            | Self::HideDirectory(target)
            | Self::HideFile(target)
            | Self::Keep(target)
            | Self::Private(target)
            | Self::CopyFile(Replaced { target, .. })
            | Self::Copy(Copied { target, .. })
            | Self::PinLink(target)
            | Self::Replace(Replaced { target, .. })
            | Self::ReadOnly(target) => &target.path,
            Self::Devices(_) => Path::new(devices::DEVICES),
            Self::Note(note) => &note.path,
            Self::Make(made)
            | Self::HideMade(made)
            | Self::MakePrivate(made)
            | Self::PinMade(made)
            | Self::ReadOnlyCopy(made) => &made.path,
        }
    }

    /// Whether a mount of ours stands there that a client may write in.
    pub(crate) const fn mounts(&self) -> bool {
        match self {
            Self::Pin(_)
            | Self::Keep(_)
            | Self::Private(_)
            | Self::MakePrivate(_)
            | Self::PinMade(_)
            | Self::Copy(Copied { writable: true, .. }) => true,
            Self::Devices(_)
            | Self::HideDirectory(_)
            | Self::HideFile(_)
            | Self::HideMade(_)
            | Self::PinLink(_)
            | Self::ReadOnly(_)
            | Self::ReadOnlyCopy(_)
            | Self::Replace(_)
            | Self::Make(_)
            | Self::Note(_)
            | Self::CopyFile(_)
            | Self::Copy(Copied { writable: false, .. }) => false,
        }
    }
}

impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self {
            Self::Devices(_) => "own device nodes and terminals at",
            Self::Pin(_) | Self::PinMade(_) => "pin",
            Self::PinLink(_) => "pin link",
            Self::HideDirectory(_) | Self::HideMade(_) => "hide directory",
            Self::HideFile(_) => "hide file",
            Self::Keep(_) => "keep",
            Self::Replace(_) => "read-only, without credentials,",
            Self::ReadOnly(_) | Self::ReadOnlyCopy(_) => "read-only",
            Self::Private(_) => "private",
            Self::Note(_) => "tell what is absent in",
            Self::Make(_) | Self::MakePrivate(_) => "private, new",
            Self::CopyFile(_) | Self::Copy(Copied { writable: true, .. }) => {
                "copy, changes end with the task,"
            }
            Self::Copy(Copied { writable: false, .. }) => "read-only, this kernel has no layers for it,",
        };
        write!(f, "{verb} {}", self.path().display())?;
        if let Self::Copy(Copied { absent, .. }) = self
            && !absent.is_empty()
        {
            write!(
                f,
                ", without {}",
                absent.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
            )?;
        }
        Ok(())
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
