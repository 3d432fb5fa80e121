//! What holds at the moment of a call and is no part of it: time, taint, budgets, the state of the fingerprint.

use writ_model::{Action, EffectClass, Place, Resource, Timestamp};

/// Circumstances of one decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub now: Timestamp,
    pub budget: Budget,
    pub fingerprint: FingerprintState,
    pub taint: Taint,
}

/// What is left before the task stops by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    pub calls_left: u64,
    pub denials_left: u64,
    pub seconds_left: u64,
}

/// How what was seen of the agent compares with what was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FingerprintState {
    Accepted,
    /// Something differs and nobody accepted it: everything is denied.
    Changed,
    /// Nobody could look. Never the same as unchanged.
    Unobserved,
}

/// What a session has touched. It only ever rises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Taint {
    /// Private data, as the task's owner marks it.
    pub private: bool,
    /// A credential.
    pub secret: bool,
    /// Text that strangers wrote: pages, issues, packages, answers of foreign tools.
    pub untrusted: bool,
}

// === impl FingerprintState ===

impl FingerprintState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Changed => "changed",
            Self::Unobserved => "unobserved",
        }
    }
}

// === impl Taint ===

impl Taint {
    /// The taint after these actions were allowed.
    #[must_use]
    pub fn after(mut self, actions: &[Action]) -> Self {
        for action in actions {
            match action.effect {
                EffectClass::SecretRead => self.secret = true,
                EffectClass::Network | EffectClass::PackageInstall | EffectClass::Unknown => {
                    self.untrusted = true
                }
                EffectClass::Read
                | EffectClass::WriteWorkspace
                | EffectClass::BuildTest
                | EffectClass::GitPush
                | EffectClass::Publish
                | EffectClass::Deploy
                | EffectClass::IdentityChange
                | EffectClass::Destructive
                | EffectClass::EscapeAttempt => {}
            }
            match &action.resource {
                Resource::Path { place: Place::Secret, .. } if action.effect == EffectClass::Read => {
                    self.secret = true
                }
                Resource::McpTool { .. } => self.untrusted = true,
                Resource::CloudAccount { .. }
                | Resource::Command { .. }
                | Resource::Deployment { .. }
                | Resource::Host { .. }
                | Resource::Identity { .. }
                | Resource::Package { .. }
                | Resource::Path { .. }
                | Resource::Ref { .. }
                | Resource::Repository { .. }
                | Resource::Secret { .. }
                | Resource::Unknown { .. } => {}
            }
        }
        self
    }

    /// Both taints together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self {
            private: self.private || other.private,
            secret: self.secret || other.secret,
            untrusted: self.untrusted || other.untrusted,
        }
    }
}

// === impl Budget ===

impl Budget {
    /// No limit that anybody would reach: for questions that are not about a running task.
    pub const AMPLE: Self = Self { calls_left: 1_000_000, denials_left: 1_000_000, seconds_left: 1_000_000 };
}
