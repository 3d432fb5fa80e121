//! What holds at the moment of a call and is no part of it: time, taint, budgets, the state of the fingerprint.

use std::str::FromStr;

use writ_model::{Action, AutonomyLevel, SourceKind, Timestamp, Touch};

use crate::taint::Story;

/// Circumstances of one decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    pub now: Timestamp,
    pub budget: Budget,
    pub fingerprint: FingerprintState,
    /// How far the client acts without a person's answer.
    pub autonomy: AutonomyLevel,
    pub taint: Taint,
    /// What the call has to do with the calls before it.
    pub chain: Chain,
    /// Where the taint came from, in words. No decision rests on it.
    pub story: Story,
    /// What code that the sessions wrote would do when the call runs it. Judged with the call's own actions.
    pub carried: Vec<Action>,
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
    /// Data that is not for everybody.
    pub private: bool,
    /// A credential.
    pub secret: bool,
    /// Text that strangers wrote: pages, issues, packages, answers of foreign tools.
    pub untrusted: bool,
    /// Where all this came from.
    pub sources: Sources,
}

/// A word that names no taint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no taint: there are `private`, `secret`, `untrusted` and sources such as `web`, `forge` or `mcp`"
)]
pub struct NoTaint(pub String);

/// A set of source kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sources(u32);

/// What one call has to do with the calls before it, in this task and in earlier ones of the same workspace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Chain {
    /// It writes a text that whoever looks at it loads something from the network by.
    pub beacon: bool,
    /// It repeats a secret that the session has read, in its arguments.
    pub carries_secret: bool,
    /// It spreads untrusted files over a folder of the task, where nobody could tell them from the others any more.
    pub mixes: bool,
    /// Its words repeat a command that stood in untrusted input.
    pub repeats: bool,
    /// It runs a file that was written from untrusted input.
    pub runs_marked: bool,
    /// It starts a file that the sessions of this task wrote.
    pub runs_written: bool,
    /// What it writes came from untrusted input.
    pub writes_untrusted: bool,
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
    /// The taint of one source.
    #[must_use]
    pub const fn of(kind: SourceKind) -> Self {
        let touch = kind.touch();
        Self {
            private: matches!(touch, Touch::Private),
            secret: matches!(touch, Touch::Secret),
            untrusted: matches!(touch, Touch::Untrusted),
            sources: Sources(1 << kind as u32),
        }
    }

    /// Every word that [`str::parse`] reads as a taint: `private`, `secret`, `untrusted`, and the sources by name.
    pub fn words() -> impl Iterator<Item = &'static str> {
        Touch::ALL.iter().map(|touch| touch.name()).chain(SourceKind::ALL.iter().map(|kind| kind.name()))
    }

    /// Both taints together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self {
            private: self.private || other.private,
            secret: self.secret || other.secret,
            untrusted: self.untrusted || other.untrusted,
            sources: Sources(self.sources.0 | other.sources.0),
        }
    }

    /// Whether the other taint has all of this one.
    #[must_use]
    pub fn is_within(self, other: Self) -> bool {
        self.with(other) == other
    }
}

/// A taint by one word. `untrusted` alone is what nobody can name, `private` a file of the user's, `secret` a credential.
impl FromStr for Taint {
    type Err = NoTaint;

    fn from_str(word: &str) -> Result<Self, NoTaint> {
        let kind = match word {
            "private" => SourceKind::Home,
            "secret" => SourceKind::Credential,
            "untrusted" => SourceKind::Anything,
            _ => *SourceKind::ALL
                .iter()
                .find(|kind| kind.name() == word)
                .ok_or_else(|| NoTaint(word.to_owned()))?,
        };
        Ok(Self::of(kind))
    }
}

// === impl Sources ===

impl Sources {
    pub const fn contains(self, kind: SourceKind) -> bool {
        self.0 & (1 << kind as u32) != 0
    }

    pub fn iter(self) -> impl Iterator<Item = SourceKind> {
        SourceKind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }
}

// === impl Chain ===

impl Chain {
    /// The members, by their names in policies.
    pub const fn members(self) -> [(&'static str, bool); 7] {
        [
            ("beacon", self.beacon),
            ("carries_secret", self.carries_secret),
            ("mixes", self.mixes),
            ("repeats", self.repeats),
            ("runs_marked", self.runs_marked),
            ("runs_written", self.runs_written),
            ("writes_untrusted", self.writes_untrusted),
        ]
    }
}

// === impl Budget ===

impl Budget {
    /// No limit that anybody would reach: for questions that are not about a running task.
    pub const AMPLE: Self = Self { calls_left: 1_000_000, denials_left: 1_000_000, seconds_left: 1_000_000 };
}
