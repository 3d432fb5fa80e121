//! The two streams of one ledger, and the names their checkpoints carry.

use std::fmt;

use thiserror::Error;

/// One of the two append-only logs of a ledger; each has its own Merkle tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Tool calls, decisions, outcomes: high volume, batched. Each entry's JSON carries the control tree's size.
    Activity,
    /// Registrations, tasks, writs, approvals, leases, policies: strongly ordered, optimistic concurrency.
    Control,
}

/// The base name of a ledger: a URL prefix without scheme and without trailing slash (C2SP tlog-checkpoint).
///
/// The origin line of each stream's checkpoint is the base, a slash and the stream's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

/// Longest base name in bytes; a cosigner's origin field holds 255 with the stream's name added.
pub const MAX_ORIGIN_BYTES: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OriginError {
    #[error("the ledger's origin is empty")]
    Empty,
    #[error("the ledger's origin is longer than {MAX_ORIGIN_BYTES} bytes")]
    TooLong,
    #[error("`{0}` cannot be a ledger's origin: no spaces, plus signs, control characters or outer slashes")]
    Character(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a stream; use `control` or `activity`")]
pub struct UnknownStream(pub String);

// === impl Stream ===

impl Stream {
    /// Both streams, in a fixed order.
    pub const ALL: [Self; 2] = [Self::Activity, Self::Control];

    /// The name used in origins, paths and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Activity => "activity",
            Self::Control => "control",
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<&str> for Stream {
    type Error = UnknownStream;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| UnknownStream(text.to_owned()))
    }
}

// === impl Origin ===

impl Origin {
    /// Checks a base name, such as `writ.example/host-1`.
    pub fn new(base: &str) -> Result<Self, OriginError> {
        if base.is_empty() {
            return Err(OriginError::Empty);
        }
        if base.len() > MAX_ORIGIN_BYTES {
            return Err(OriginError::TooLong);
        }
        let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if base.chars().any(bad) || base.starts_with('/') || base.ends_with('/') {
            return Err(OriginError::Character(base.escape_debug().to_string()));
        }
        Ok(Self(base.to_owned()))
    }

    /// The base name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The origin line (and key name) of one stream's checkpoints.
    pub fn of(&self, stream: Stream) -> String {
        format!("{}/{stream}", self.0)
    }
}
