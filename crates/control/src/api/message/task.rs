//! Tasks, as people see and close them.

use serde::{Deserialize, Serialize};
use writ_model::{
    AgentId, Bounds, Client, CloseCause, Digest, Human, Label, Limits, Supervision, TaskId, TaskKind,
    TaskState, Timestamp,
};

use super::{GrantView, Log, SourceView};

/// `task.list`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskList {
    /// Name of a live agent, or an agent's id.
    pub agent: Option<String>,
    pub state: Option<TaskState>,
    /// As it was then.
    pub at: Option<Timestamp>,
}

/// The tasks that fit, newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tasks {
    pub tasks: Vec<TaskView>,
    /// There are more than one answer holds.
    pub more: bool,
}

/// `task.show`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskShow {
    pub task: TaskId,
    /// As it was then.
    pub at: Option<Timestamp>,
}

/// `task.close`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskClose {
    pub task: TaskId,
}

/// A task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskView {
    pub id: TaskId,
    pub agent: AgentId,
    pub agent_name: Label,
    pub agent_owner: Human,
    pub client: Client,
    pub kind: TaskKind,
    pub requester: Human,
    /// Nothing when it was erased.
    pub intent: Option<String>,
    /// Canonical path; nothing when it was erased.
    pub workspace: Option<String>,
    pub branch_prefix: Label,
    pub environment: Label,
    pub supervision: Supervision,
    pub limits: Limits,
    /// What the requester named; nothing when nothing was, or when it was erased.
    pub bounds: Option<Bounds>,
    /// The commitment to it, which stays.
    pub bounds_commitment: Option<Digest>,
    pub opened_at: Timestamp,
    pub state: TaskState,
    pub cause: Option<CloseCause>,
    pub closed_at: Option<Timestamp>,
    pub epoch: u64,
    /// When the newest writ runs out.
    pub writ_expires_at: Option<Timestamp>,
    /// Credentials of the user's that the agent was left with, by name.
    pub handed_over: Vec<Label>,
    /// Sealed credentials that were lent under it, by name.
    #[serde(default)]
    pub lent: Vec<Label>,
    /// Layers that a person switched off.
    pub weakened: Vec<Label>,
    /// What turned the client's own sandbox off, where it would have been on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_sandbox_off: Option<Label>,
    pub pending_approvals: u64,
    /// What was granted while it was open, ended ones included; empty once it is closed.
    #[serde(default)]
    pub grants: Vec<GrantView>,
    /// What its sessions let in, oldest first.
    #[serde(default)]
    pub touched: Vec<SourceView>,
    /// Decisions, denials and bytes recorded so far; nothing for a past moment.
    pub used: Option<Used>,
}

/// What a task used of its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    pub calls: u64,
    pub denials: u64,
    pub recorded_bytes: u64,
}

/// The end of a task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskClosed {
    pub task: TaskId,
    pub cause: CloseCause,
    /// Signed checkpoints of both logs after the end. Whoever keeps them can prove that nothing was cut off.
    pub checkpoints: Vec<Checkpoint>,
}

/// A signed checkpoint (C2SP tlog-checkpoint).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Checkpoint {
    pub log: Log,
    pub size: u64,
    /// The whole signed note.
    pub note: String,
}
