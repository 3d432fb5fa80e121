//! One id type per kind of thing, so that a task's id can never be passed where an agent's is meant.
//!
//! An id is a UUIDv7 (RFC 9562 §5.7) written as `prefix_` and 32 hexadecimal digits. Time and randomness are
//! arguments: the caller's clock and generator decide, so a test can repeat any run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::time::Timestamp;

/// The text is no id of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {kind} id; one looks like `{prefix}_` and 32 hexadecimal digits")]
pub struct InvalidId {
    kind: &'static str,
    prefix: &'static str,
    text: String,
}

fn uuid_v7(at: Timestamp, random: [u8; 10]) -> Uuid {
    let millis = u64::try_from(at.as_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id from the caller's clock and 80 random bits.
            pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
                Self(uuid_v7(at, random))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let invalid = || InvalidId { kind: $kind, prefix: $prefix, text: text.chars().take(80).collect() };
                let digits = text.strip_prefix(concat!($prefix, "_")).ok_or_else(invalid)?;
                let plain = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
                if !plain {
                    return Err(invalid());
                }
                Uuid::try_parse(digits).map(Self).map_err(|_| invalid())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// An agent: one AI coding tool, one function, one environment.
    AgentId, "agt", "agent";
    /// One human's answer to one step-up, and the request for it.
    ApprovalId, "apr", "approval";
    /// One tool call, from its request to its outcome.
    CallId, "cal", "call";
    /// One amendment of a task by a human.
    GrantId, "grt", "grant";
    /// One downstream credential.
    LeaseId, "lse", "lease";
    /// One sealed credential of a person's, lent by the egress proxy.
    SecretId, "sec", "secret";
    /// One conversation of a client under a task.
    SessionId, "ses", "session";
    /// What a human asked for.
    TaskId, "tsk", "task";
    /// One signed authority of one agent for one task (the `jti` of its token).
    WritId, "wrt", "writ";
}

#[cfg(test)]
mod tests;
