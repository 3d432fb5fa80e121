//! What supervisors ask about their task.

use std::fmt;

use serde::{Deserialize, Serialize};
use writ_model::{
    ApprovalId, ApprovalLevel, ApprovalState, Bounds, CallId, Client, CloseCause, Digest, Fingerprint, Human,
    Label, LifecycleState, Limits, Task, TaskId, TaskKind, TaskState, Timestamp,
};

use super::{GrantView, Payload, ReceiptView};

/// Longest intent text and workspace path in bytes.
pub const MAX_INTENT_BYTES: usize = 16 << 10;
/// Longest wait that one `approval.wait` asks for.
pub const MAX_PATIENCE_MILLIS: u64 = 3_600_000;

/// A writ as it travels: a signed token (JWT, ES256). Whoever holds it speaks for the task.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WritToken(pub String);

/// `task.open`. The requester is the person at the other end of the socket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskOpen {
    /// Name of a live agent, or an agent's id.
    pub agent: String,
    /// Must be the agent's client.
    pub client: Client,
    pub kind: TaskKind,
    /// What the person asked for. Kept in the vault.
    pub intent: String,
    /// Canonical path. Kept in the vault.
    pub workspace: String,
    /// The defaults when left out.
    pub limits: Option<Limits>,
    /// Credentials of the user's that the agent is left with, by name.
    #[serde(default)]
    pub handed_over: Vec<Label>,
    /// Layers that the person switched off.
    #[serde(default)]
    pub weakened: Vec<Label>,
    /// What turned the client's own sandbox off, where it would have been on.
    #[serde(default)]
    pub client_sandbox_off: Option<Label>,
    /// What the person named. Kept in the vault.
    #[serde(default)]
    pub bounds: Option<Box<Bounds>>,
}

/// `task.attach`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskAttach {
    /// The task's newest writ.
    pub writ: WritToken,
}

/// `session.open`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionOpen {
    pub client: Client,
    /// Digest of the client's own session id: the same session gets the same task.
    pub client_session: Digest,
    /// Canonical path.
    pub workspace: String,
    /// Name or id of the agent; needed when several active agents use this client.
    pub agent: Option<String>,
}

/// A task in the hands of its supervisor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskOpened {
    pub task: Task,
    pub agent_name: Label,
    pub agent_owner: Human,
    pub agent_environment: Label,
    pub intent: String,
    pub workspace: String,
    #[serde(default)]
    pub bounds: Option<Bounds>,
    pub writ: WritToken,
    pub epoch: u64,
    pub standing: Standing,
}

/// How a task stands. Pushed whenever it changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub task: TaskId,
    pub agent_state: LifecycleState,
    pub task_state: TaskState,
    /// Why the task ended; end the client and everything below it.
    pub cause: Option<CloseCause>,
    /// When the newest writ runs out.
    pub writ_expires_at: Timestamp,
    /// When the task reaches its time limit.
    pub deadline_at: Timestamp,
    /// Agent, task or owner was revoked.
    pub revoked: bool,
    pub fingerprint_changed: bool,
    /// Size of the control tree that this was folded from.
    pub control_size: u64,
    /// The epoch that holds the task. A supervisor with a smaller one stops.
    pub epoch: u64,
    /// The grants that count, with their terms.
    pub grants: Vec<GrantView>,
    /// Whose approval can be given here at all.
    pub givable: Vec<ApprovalLevel>,
}

macro_rules! under_writ {
    ($($(#[doc = $doc:literal])+ $name:ident { $($(#[$meta:meta])* $field:ident: $kind:ty),* })*) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            pub writ: WritToken,
            $($(#[$meta])* pub $field: $kind,)*
        }
    )*};
}

under_writ! {
    /// `writ.renew`
    WritRenew {}
    /// `approval.ask`
    ApprovalAsk {
        call: CallId,
        /// Digest of the exact action and of why it is held.
        action: Digest,
        level: ApprovalLevel,
        /// What the approver is shown: JSON text.
        shown: Payload
    }
    /// `approval.take`
    ApprovalTake {
        call: CallId,
        action: Digest
    }
    /// `approval.wait`
    ApprovalWait {
        approval: ApprovalId,
        /// Bounded by [`MAX_PATIENCE_MILLIS`].
        patience_millis: u64
    }
    /// `fingerprint.seen`
    FingerprintSeen {
        seen: Fingerprint
    }
    /// `standing.watch`
    StandingWatch {}
    /// `task.end`
    TaskEnd {
        cause: CloseCause
    }
}

/// A writ that lasts longer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WritRenewed {
    pub writ: WritToken,
    pub expires_at: Timestamp,
}

/// The request that waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApprovalAsked {
    pub approval: ApprovalId,
    pub expires_at: Timestamp,
}

/// What was spent; nothing when there is no approval for exactly this.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApprovalTaken {
    pub taken: Option<Taken>,
}

/// An approval that was spent on one call. The spending was durable before this was said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Taken {
    pub approval: ApprovalId,
    pub level: ApprovalLevel,
    pub receipt: ReceiptView,
}

/// How the approval stands after the wait.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApprovalWaited {
    pub state: ApprovalState,
}

// === impl WritToken ===

impl WritToken {
    /// The token itself. Safe only where it goes to the control plane that issued it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WritToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WritToken(…)")
    }
}
