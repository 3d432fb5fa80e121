//! Effect classes: what a call would do to the world, in rising order for reports.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an action does to the world.
///
/// The order is for reports only: every action of a call is decided by itself and the strictest answer wins.
/// Having one entitlement never implies another. `Unknown` is never treated as harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectClass {
    Read,
    WriteWorkspace,
    BuildTest,
    Network,
    PackageInstall,
    GitPush,
    Publish,
    Deploy,
    SecretRead,
    IdentityChange,
    Destructive,
    EscapeAttempt,
    Unknown,
}

// === impl EffectClass ===

impl EffectClass {
    /// Every class, in rising order.
    pub const ALL: [Self; 13] = [
        Self::Read,
        Self::WriteWorkspace,
        Self::BuildTest,
        Self::Network,
        Self::PackageInstall,
        Self::GitPush,
        Self::Publish,
        Self::Deploy,
        Self::SecretRead,
        Self::IdentityChange,
        Self::Destructive,
        Self::EscapeAttempt,
        Self::Unknown,
    ];

    /// The stable name, as in policies, the ledger and `--json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::WriteWorkspace => "write-workspace",
            Self::BuildTest => "build-test",
            Self::Network => "network",
            Self::PackageInstall => "package-install",
            Self::GitPush => "git-push",
            Self::Publish => "publish",
            Self::Deploy => "deploy",
            Self::SecretRead => "secret-read",
            Self::IdentityChange => "identity-change",
            Self::Destructive => "destructive",
            Self::EscapeAttempt => "escape-attempt",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the decision may be answered once it is written, before it is synced (at most 50 ms later).
    pub const fn is_ordinary(self) -> bool {
        matches!(self, Self::Read | Self::WriteWorkspace | Self::BuildTest)
    }

    /// Whether a person may allow it for the rest of a task. What releases, destroys, reads secrets or changes authority
    /// is asked for each time.
    pub const fn is_grantable(self) -> bool {
        match self {
            Self::Read
            | Self::WriteWorkspace
            | Self::BuildTest
            | Self::Network
            | Self::PackageInstall
            | Self::GitPush
            | Self::Unknown => true,
            Self::Publish
            | Self::Deploy
            | Self::SecretRead
            | Self::IdentityChange
            | Self::Destructive
            | Self::EscapeAttempt => false,
        }
    }
}

impl fmt::Display for EffectClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no effect class.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is no effect class; known are read, write-workspace, build-test, network, package-install, git-push, publish, deploy, secret-read, identity-change, destructive, escape-attempt, unknown"
)]
pub struct UnknownEffectClass(String);

impl FromStr for EffectClass {
    type Err = UnknownEffectClass;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|class| class.name() == text)
            .ok_or_else(|| UnknownEffectClass(text.to_owned()))
    }
}
