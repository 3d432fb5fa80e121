//! The control socket: what can be asked of the control plane, and how.
//!
//! One JSON object a line. A request is `{"id":N,"op":"NAME", …}`; its answer is `{"id":N,"ok":{…}}` or
//! `{"id":N,"error":{…}}`. A subscription is answered by an `ok` line and then by `{"id":N,"push":{…}}` lines until
//! the connection ends or `{"id":N,"end":true}`. Answers may come in any order; the id pairs them.
//!
//! Trusted: no. Whoever can write to this socket is the operating-system user, so the server asks who is at the
//! other end before it reads, and everything it reads is bounded and refused if it holds a field nobody knows.

mod bytes;
pub mod client;
mod connection;
mod dispatch;
pub mod message;
mod operation;
mod peer;
pub mod public;
pub mod server;
mod subscription;

pub use bytes::Bytes;
pub use operation::{Ask, Caller, Op};
pub use peer::{Peer, PeerCheck, PeerRefused};

use serde::{Deserialize, Serialize};

/// Longest request line that may hold records.
pub const MAX_RECORD_LINE_BYTES: usize = 16 << 20;
/// Longest request line of every other operation.
pub const MAX_LINE_BYTES: usize = 1 << 20;
/// Longest answer or push line that a client reads.
pub const MAX_REPLY_LINE_BYTES: usize = 16 << 20;

/// One request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the caller, from 1 on; one connection uses each only once.
    pub id: u64,
    #[serde(flatten)]
    pub op: Op,
}

/// One line from the server. Exactly one of the fields beside `id` is present.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Reply {
    pub id: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ok: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<serde_json::Value>,
    /// The subscription is over; nothing more comes under this id.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub end: bool,
}

/// A refusal or a failure, as the caller is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    pub code: ErrorCode,
    /// Lower case, no full stop, values in backticks.
    pub message: String,
    /// What to do next, where there is something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Why the answer is no. Stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// The agent is not active.
    AgentNotActive,
    /// Too many approvals of the task wait already.
    ApprovalsFull,
    /// The line is no request of this protocol.
    BadRequest,
    /// Something else happened first; look again.
    Conflict,
    /// The fingerprint differs from the accepted one.
    FingerprintChanged,
    /// The caller may not ask this: another user, or a process inside a sandbox or below an agent.
    Forbidden,
    /// The record is damaged.
    Integrity,
    /// The task reached a limit.
    LimitReached,
    NotFound,
    /// It was done, and could not be recorded yet; it is retried.
    NotRecorded,
    /// Too many connections, subscriptions or requests at once.
    Overloaded,
    /// The task recorded more bytes than it may.
    RecordFull,
    /// A rule forbids it.
    Refused,
    /// Agent, task or owner was revoked.
    Revoked,
    /// Another supervisor took the task over.
    StaleEpoch,
    /// The ledger could not be read or written.
    Storage,
    /// The task is closed or suspended.
    TaskNotOpen,
    /// The line is longer than allowed.
    TooLarge,
    /// The writ ran out.
    WritExpired,
    /// The writ is not one that this control plane issued for this.
    WritInvalid,
}

// === impl ApiError ===

impl ApiError {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
