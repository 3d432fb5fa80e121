//! The layers of the yard, in the order they are put on, and why one may be missing on a host.

use std::fmt;
use std::fs;
use std::io;

use serde::{Deserialize, Serialize};

/// One thing the yard does to the client. All of them are in force before the client starts, or it does not start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// No descriptor but the three standard streams is inherited, and none of those is a directory.
    Descriptors,
    /// The client dies with its supervisor, however that one dies.
    Liveness,
    /// A new, empty session keyring in place of the login's.
    Keyring,
    /// No core dumps, a bound on processes, and the first to go when memory runs out.
    Limits,
    /// Own user, mount, pid, IPC and host-name namespaces.
    Namespaces,
    /// A network of its own, with nothing on it but the loopback address.
    Network,
    /// The user's own identity, and no other, mapped into the user namespace.
    Identity,
    /// Mounts made inside are not seen outside, nor the other way round.
    PrivateMounts,
    /// Directories above a mask cannot be renamed away from under it.
    Pins,
    /// Hidden paths are empty, private ones are the client's own, and what the plan keeps is bound back.
    Masks,
    /// What the plan says may be read is not written.
    ReadOnly,
    /// No new privileges, an empty bounding set.
    Privileges,
    /// A process table that shows the yard's own processes only.
    ProcessTable,
    /// No capability at all.
    Capabilities,
    /// The yard's first process cannot be traced or read by those it looks after.
    Undumpable,
    /// Files are written and programs run only where the plan says so, by Landlock; signals and abstract sockets stay
    /// inside.
    FileRights,
    /// System calls that only a way out needs are refused, by seccomp.
    SystemCalls,
    /// Each of the above tried from inside, as the client will be.
    Canary,
}

/// Why a layer is not in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The layer that could not be put on.
    pub layer: Layer,
    /// What the system said, and what to do about it.
    pub reason: String,
}

// === impl Layer ===

impl Layer {
    /// Every layer, in the order it is put on.
    pub const ALL: [Self; 18] = [
        Self::Descriptors,
        Self::Liveness,
        Self::Keyring,
        Self::Limits,
        Self::Namespaces,
        Self::Identity,
        Self::Network,
        Self::PrivateMounts,
        Self::Pins,
        Self::Masks,
        Self::ReadOnly,
        Self::Privileges,
        Self::ProcessTable,
        Self::Capabilities,
        Self::Undumpable,
        Self::FileRights,
        Self::SystemCalls,
        Self::Canary,
    ];

    /// Layers that stay when a plan gives up namespaces.
    pub const WITHOUT_NAMESPACES: [Self; 5] =
        [Self::Descriptors, Self::Liveness, Self::Keyring, Self::Limits, Self::Privileges];

    /// Stable name, as `writ doctor` prints it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Descriptors => "descriptors",
            Self::Liveness => "liveness",
            Self::Keyring => "keyring",
            Self::Limits => "limits",
            Self::Namespaces => "namespaces",
            Self::Network => "network",
            Self::Identity => "identity",
            Self::PrivateMounts => "private-mounts",
            Self::Pins => "pins",
            Self::Masks => "masks",
            Self::ReadOnly => "read-only",
            Self::Privileges => "privileges",
            Self::ProcessTable => "process-table",
            Self::Capabilities => "capabilities",
            Self::Undumpable => "undumpable",
            Self::FileRights => "file-rights",
            Self::SystemCalls => "system-calls",
            Self::Canary => "canary",
        }
    }

    /// The refusal that says `what` failed with `error`, with a hint where the host's settings explain it.
    pub(crate) fn refused(self, what: &str, error: &io::Error) -> Refusal {
        let hint = self.hint(error).map(|hint| format!("; {hint}")).unwrap_or_default();
        Refusal { layer: self, reason: format!("{what}: {error}{hint}") }
    }

    /// The refusal for something that succeeded but did not hold.
    pub(crate) fn broken(self, reason: impl Into<String>) -> Refusal {
        Refusal { layer: self, reason: reason.into() }
    }

    fn hint(self, error: &io::Error) -> Option<String> {
        match self {
            Self::Namespaces
            | Self::Identity
            | Self::Network
            | Self::PrivateMounts
            | Self::Pins
            | Self::Masks => namespace_hint(error),
            Self::ProcessTable => Some(
                "inside a container the runtime must not mask `/proc` \
                 (Docker: `--security-opt systempaths=unconfined`)"
                    .to_owned(),
            ),
            Self::Descriptors | Self::ReadOnly if error.raw_os_error() == Some(libc::ENOSYS) => {
                Some("Linux 5.12 or later is needed".to_owned())
            }
            Self::FileRights => Some(
                "Linux 6.2 or later with Landlock switched on is needed (`lsm=landlock,…` on the kernel's command line)"
                    .to_owned(),
            ),
            Self::SystemCalls => Some(
                "a kernel with seccomp filters is needed (`CONFIG_SECCOMP_FILTER`), and a container must allow \
                 `seccomp`"
                    .to_owned(),
            ),
            Self::Descriptors
            | Self::Liveness
            | Self::Keyring
            | Self::Limits
            | Self::ReadOnly
            | Self::Privileges
            | Self::Capabilities
            | Self::Undumpable
            | Self::Canary => None,
        }
    }
}

/// Settings of the host that stop an ordinary process from having namespaces of its own, each with a way out.
pub(crate) fn obstacles() -> Vec<String> {
    let setting = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned()).ok();
    let mut found = Vec::new();
    if setting("/proc/sys/kernel/unprivileged_userns_clone").as_deref() == Some("0") {
        found.push(
            "user namespaces are switched off for ordinary users \
             (`sysctl kernel.unprivileged_userns_clone=1` allows them)"
                .to_owned(),
        );
    }
    if setting("/proc/sys/user/max_user_namespaces").as_deref() == Some("0") {
        found.push(
            "the limit of user namespaces is reached (see `sysctl user.max_user_namespaces`)".to_owned(),
        );
    }
    if setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").as_deref() == Some("1") {
        found.push(
            "AppArmor restricts user namespaces on this host; give the `writ` binary a profile with the \
             `userns,` rule"
                .to_owned(),
        );
    }
    found
}

/// Which setting of the host stops an ordinary process from having namespaces of its own.
fn namespace_hint(error: &io::Error) -> Option<String> {
    if let Some(first) = obstacles().into_iter().next() {
        return Some(first);
    }
    match error.raw_os_error() {
        Some(libc::ENOSPC) => Some(
            "the limit of user namespaces is reached (see `sysctl user.max_user_namespaces`)".to_owned(),
        ),
        Some(libc::EPERM) => Some(
            "a seccomp filter or a container runtime forbids namespaces here (Docker: a seccomp profile that \
             allows `unshare`, `clone` and `mount` is needed)"
                .to_owned(),
        ),
        Some(_) | None => None,
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

// === impl Refusal ===

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "layer `{}` is not enforced: {}", self.layer, self.reason)
    }
}
