//! Where Writ keeps its state, and the one configuration file.
//!
//! The state directory is chosen by the environment alone, so that the hook process needs no file to find its socket.
//! The file is the user's (`$XDG_CONFIG_HOME/writ/config.toml`): never one in a tree that an agent can write, and
//! whoever else could write it is refused. It is read raw, then checked. *Trusted: who owns it chooses the
//! organisation's policy and what is passed to agents.*

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use writ_model::Limits;
use writ_policy::{PrivateData, Zone};

use crate::organisation::git;

/// Largest file that is read.
const MAX_CONFIG_BYTES: u64 = 1 << 20;
/// Names whose addresses are told.
const MAX_HOSTS: usize = 64;
/// What fits into a unix socket's address, without its closing zero.
const MAX_SOCKET_PATH_BYTES: usize = 107;

/// Names of the environment variables that Writ itself reads.
pub(crate) mod variable {
    /// What the names of the task's own branches begin with, for the agent.
    pub(crate) const BRANCH_PREFIX: &str = "WRIT_BRANCH_PREFIX";
    /// The hook socket of the run that a hook process belongs to.
    pub(crate) const HOOK_SOCKET: &str = "WRIT_HOOK_SOCKET";
    /// The state directory.
    pub(crate) const STATE_DIR: &str = "WRIT_STATE_DIR";
}

/// Why there is no usable configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error(
        "cannot tell where to keep state: none of WRIT_STATE_DIR, XDG_STATE_HOME and HOME is set; set one of them"
    )]
    NoStateDir,
    #[error("`{variable}` is `{}`, which is no absolute path", .path.display())]
    Relative { variable: &'static str, path: PathBuf },
    #[error("`{}` is too long for a socket's address; set WRIT_STATE_DIR to a shorter path", .0.display())]
    SocketPathTooLong(PathBuf),
    #[error("could not read `{}`", .path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("`{}` is larger than {MAX_CONFIG_BYTES} bytes", .0.display())]
    TooLarge(PathBuf),
    #[error("`{}` can be written by others; run `chmod go-w` on it", .0.display())]
    OthersCanWrite(PathBuf),
    #[error("`{}` belongs to neither you nor root", .0.display())]
    ForeignOwner(PathBuf),
    #[error("`{}` lies inside the workspace `{}`, which the agent can write; move it out", .path.display(), .workspace.display())]
    InWorkspace { path: PathBuf, workspace: PathBuf },
    #[error("`{}` is no configuration of Writ", .path.display())]
    Malformed { path: PathBuf, source: Box<toml::de::Error> },
    #[error("`{key}` in `{}`: {problem}", .path.display())]
    Invalid { path: PathBuf, key: &'static str, problem: &'static str },
}

/// The checked configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// Where it came from; `None` when there is no file.
    pub(crate) path: Option<PathBuf>,
    /// What new tasks may use up at most.
    pub(crate) limits: Limits,
    /// How long a held call waits for a human; `None`: until shortly before the hook's deadline.
    pub(crate) hold: Option<Duration>,
    /// Where the public pages are served.
    pub(crate) listen: Option<SocketAddr>,
    /// The organisation's policies, instead of the shipped profiles.
    pub(crate) organisation: Option<Organisation>,
    /// Variables that reach the agent although they look like credentials.
    pub(crate) danger_pass: Vec<String>,
    /// What counts as private data beside what always does.
    pub(crate) private: PrivateData,
    /// Where names lead, for what leaves a task, instead of what a resolver says; these may be near by.
    pub(crate) hosts: Vec<(String, IpAddr)>,
}

/// Where the organisation's policies lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Organisation {
    Folder(PathBuf),
    Git(git::Source),
}

/// The paths below the state directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    root: PathBuf,
}

/// The file as it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawConfig {
    run: RawRun,
    limits: RawLimits,
    serve: RawServe,
    policy: RawPolicy,
    environment: RawEnvironment,
    private: RawPrivate,
    network: RawNetwork,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawNetwork {
    hosts: BTreeMap<String, IpAddr>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawRun {
    hold_seconds: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawLimits {
    seconds: Option<u64>,
    calls: Option<u64>,
    denials: Option<u64>,
    recorded_bytes: Option<u64>,
    pending_approvals: Option<u32>,
    outward_calls: Option<u64>,
    files_written: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawServe {
    listen: Option<SocketAddr>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawPolicy {
    organisation: Option<RawOrganisation>,
}

/// A path, or a table that names a repository.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a path, or a table with `git`, `ref`, `path` and `commit`")]
enum RawOrganisation {
    Folder(PathBuf),
    Git(RawGit),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGit {
    git: String,
    #[serde(rename = "ref")]
    reference: Option<String>,
    path: Option<String>,
    commit: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawEnvironment {
    danger_pass: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawPrivate {
    paths: Vec<String>,
    mcp_servers: Vec<String>,
}

// === impl State ===

impl State {
    /// `$WRIT_STATE_DIR`, else `$XDG_STATE_HOME/writ`, else `$HOME/.local/state/writ`.
    pub(crate) fn of(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
        let absolute = |name: &'static str| match variable(name).filter(|value| !value.is_empty()) {
            None => Ok(None),
            Some(value) if Path::new(&value).is_absolute() => Ok(Some(PathBuf::from(value))),
            Some(value) => Err(ConfigError::Relative { variable: name, path: value.into() }),
        };
        let root = match absolute(variable::STATE_DIR)? {
            Some(root) => root,
            None => match absolute("XDG_STATE_HOME")? {
                Some(home) => home.join("writ"),
                None => absolute("HOME")?.ok_or(ConfigError::NoStateDir)?.join(".local/state/writ"),
            },
        };
        Ok(Self { root })
    }

    pub(crate) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The control plane's own socket.
    pub(crate) fn control_socket(&self) -> PathBuf {
        self.root.join("control.sock")
    }

    /// The per-user socket for sessions that nobody supervises.
    pub(crate) fn hook_socket(&self) -> PathBuf {
        self.root.join("hook.sock")
    }

    /// The ledger's folder, unless another is named.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.root.join("ledger")
    }

    /// The control plane's keys.
    pub(crate) fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// Where the mirrors of remotes lie that pushes are looked at beside.
    pub(crate) fn remotes(&self) -> PathBuf {
        self.root.join("remotes")
    }

    /// Where the folders of the runs lie, one per task.
    pub(crate) fn runs(&self) -> PathBuf {
        self.root.join("run")
    }

    /// Where mirrors of the organisation's policies lie.
    pub(crate) fn policies(&self) -> PathBuf {
        self.root.join("policies")
    }

    /// What a control plane that was started in the background says.
    pub(crate) fn serve_log(&self) -> PathBuf {
        self.root.join("serve.log")
    }
}

/// The socket that a hook process speaks to: the one it was told, that of the run it belongs to, the per-user one.
pub(crate) fn hook_socket(told: Option<&Path>) -> Result<PathBuf, ConfigError> {
    let of_run =
        || std::env::var_os(variable::HOOK_SOCKET).filter(|value| !value.is_empty()).map(PathBuf::from);
    let path = match told.map(Path::to_owned).or_else(of_run) {
        Some(path) => path,
        None => State::of(|name| std::env::var_os(name))?.hook_socket(),
    };
    socket_path(path)
}

/// The path, if it fits into a socket's address.
pub(crate) fn socket_path(path: PathBuf) -> Result<PathBuf, ConfigError> {
    match path.as_os_str().len() {
        0..=MAX_SOCKET_PATH_BYTES => Ok(path),
        _ => Err(ConfigError::SocketPathTooLong(path)),
    }
}

/// The text of a file of at most `limit` bytes; nothing when it is not there, not readable, or no text.
pub(crate) fn read_text(path: &Path, limit: u64) -> Option<String> {
    use std::io::Read as _;
    let mut text = String::new();
    let file = open_regular(path)?;
    let count = file.take(limit + 1).read_to_string(&mut text).ok()?;
    (u64::try_from(count).unwrap_or(u64::MAX) <= limit).then_some(text)
}

/// Opens what may be anything by now, as a file to read: nothing for what is none.
///
/// An agent can put a pipe in a file's place, and opening one waits for a writer, for ever. So nothing is waited for, and
/// what was opened is looked at, not what the name led to before.
pub(crate) fn open_regular(path: &Path) -> Option<std::fs::File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = std::fs::File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    file.metadata().is_ok_and(|found| found.is_file()).then_some(file)
}

/// The bytes of a file of at most `limit` bytes; nothing when it is no file, not readable, or longer.
pub(crate) fn read_bytes(path: &Path, limit: u64) -> Option<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let count = open_regular(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes).ok()?;
    (u64::try_from(count).unwrap_or(u64::MAX) <= limit).then_some(bytes)
}

// === impl Config ===

impl Config {
    /// Reads the user's file, if there is one and there is a place for it.
    pub(crate) fn load(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
        let folder = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")));
        match home.map(|home| home.join("writ/config.toml")) {
            Some(path) => Self::read(path),
            None => Self::checked(None, RawConfig::default()),
        }
    }

    fn read(path: PathBuf) -> Result<Self, ConfigError> {
        use std::os::unix::fs::MetadataExt as _;
        let unreadable = |source| ConfigError::Unreadable { path: path.clone(), source };
        let metadata = match std::fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Self::checked(None, RawConfig::default());
            }
            Err(error) => return Err(unreadable(error)),
        };
        let me = rustix::process::geteuid().as_raw();
        if metadata.uid() != me && metadata.uid() != 0 {
            return Err(ConfigError::ForeignOwner(path));
        }
        if metadata.mode() & 0o022 != 0 {
            return Err(ConfigError::OthersCanWrite(path));
        }
        if metadata.len() > MAX_CONFIG_BYTES {
            return Err(ConfigError::TooLarge(path));
        }
        let text = std::fs::read_to_string(&path).map_err(unreadable)?;
        let raw = toml::from_str(&text)
            .map_err(|source| ConfigError::Malformed { path: path.clone(), source: Box::new(source) })?;
        Self::checked(Some(path), raw)
    }

    fn checked(path: Option<PathBuf>, raw: RawConfig) -> Result<Self, ConfigError> {
        let RawConfig { run, limits, serve, policy, environment, private, network } = raw;
        let RawRun { hold_seconds } = run;
        let RawServe { listen } = serve;
        let RawPolicy { organisation } = policy;
        let RawEnvironment { danger_pass } = environment;
        let RawNetwork { hosts } = network;
        let is_name = |name: &String| {
            writ_gateway::http::Authority::parse(name, Some(1))
                .is_some_and(|to| to.port() == 1 && to.literal().is_none() && to.host() == name)
        };
        let is_one = |address: &IpAddr| {
            !address.is_unspecified()
                && !address.is_multicast()
                && Zone::of(&address.to_canonical().to_string()) != Zone::Metadata
        };
        if hosts.len() > MAX_HOSTS || !hosts.iter().all(|(name, address)| is_name(name) && is_one(address)) {
            let wanted =
                "wants at most 64 names of hosts in lower case, each with the address of one machine";
            return invalid(path, "network.hosts", wanted);
        }
        let hosts = hosts.into_iter().collect();
        let RawPrivate { paths, mcp_servers } = private;
        let odd =
            |path: &String| path.is_empty() || path.split('/').any(|part| part == "..") || path.contains('*');
        if paths.iter().any(odd) {
            let wanted = "takes files and folders without `..` and `*`: absolute, below `~/`, or seen from the workspace";
            return invalid(path, "private.paths", wanted);
        }
        let limits = match checked_limits(limits) {
            Ok(limits) => limits,
            Err((key, problem)) => return invalid(path, key, problem),
        };
        if listen.is_some_and(|address| !address.ip().is_loopback()) {
            return invalid(path, "serve.listen", "must be a loopback address, as 127.0.0.1:8420");
        }
        let organisation = match organisation.map(Organisation::checked).transpose() {
            Ok(organisation) => organisation,
            Err((key, problem)) => return invalid(path, key, problem),
        };
        Ok(Self {
            path,
            limits,
            hold: hold_seconds.map(Duration::from_secs),
            listen,
            organisation,
            danger_pass,
            private: PrivateData { paths, mcp_servers },
            hosts,
        })
    }

    /// The folder on this machine that holds the organisation's policies, or the repository that they come from.
    pub(crate) fn policies(&self) -> Option<&Path> {
        match &self.organisation {
            Some(Organisation::Folder(path)) => Some(path),
            Some(Organisation::Git(source)) => source.place(),
            None => None,
        }
    }

    /// Refuses a file, or policies, that lie where the agent of this workspace can write.
    pub(crate) fn outside_of(&self, workspace: &Path) -> Result<(), ConfigError> {
        for path in self.path.as_deref().into_iter().chain(self.policies()) {
            let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
            if real.starts_with(workspace) {
                return Err(ConfigError::InWorkspace { path: real, workspace: workspace.to_owned() });
            }
        }
        Ok(())
    }
}

// === impl Organisation ===

impl Organisation {
    fn checked(raw: RawOrganisation) -> Result<Self, (&'static str, &'static str)> {
        let RawGit { git, reference, path, commit } = match raw {
            RawOrganisation::Folder(path) if path.is_absolute() => return Ok(Self::Folder(path)),
            RawOrganisation::Folder(_) => return Err(("policy.organisation", "must be an absolute path")),
            RawOrganisation::Git(raw) => raw,
        };
        let reference = reference.unwrap_or_else(|| "refs/heads/main".to_owned());
        let path = path.unwrap_or_default().trim_end_matches('/').to_owned();
        for (key, problem) in [
            ("policy.organisation.git", git::Source::problem_of_url(&git)),
            ("policy.organisation.ref", git::Source::problem_of_reference(&reference)),
            ("policy.organisation.path", git::Source::problem_of_path(&path)),
        ] {
            if let Some(problem) = problem {
                return Err((key, problem));
            }
        }
        let commit = commit.map(|commit| commit.parse::<git::Commit>()).transpose().map_err(|_| {
            ("policy.organisation.commit", "must be a commit's 40 hexadecimal digits, in lower case")
        })?;
        Ok(Self::Git(git::Source { url: git, reference, path, commit }))
    }
}

fn invalid<T>(path: Option<PathBuf>, key: &'static str, problem: &'static str) -> Result<T, ConfigError> {
    Err(ConfigError::Invalid { path: path.unwrap_or_default(), key, problem })
}

fn checked_limits(raw: RawLimits) -> Result<Limits, (&'static str, &'static str)> {
    let RawLimits {
        seconds,
        calls,
        denials,
        recorded_bytes,
        pending_approvals,
        outward_calls,
        files_written,
    } = raw;
    let shipped = Limits::default();
    let limits = Limits {
        seconds: seconds.unwrap_or(shipped.seconds),
        calls: calls.unwrap_or(shipped.calls),
        denials: denials.unwrap_or(shipped.denials),
        recorded_bytes: recorded_bytes.unwrap_or(shipped.recorded_bytes),
        pending_approvals: pending_approvals.unwrap_or(shipped.pending_approvals),
        outward_calls,
        files_written,
    };
    if limits.seconds == 0 {
        return Err(("limits.seconds", "must be at least 1"));
    }
    if limits.seconds > 7 * 86_400 {
        return Err(("limits.seconds", "must be at most a week, 604800"));
    }
    Ok(limits)
}

#[cfg(test)]
mod tests;
