//! Approvals, as people see and answer them, and revocation.

use serde::{Deserialize, Serialize};
use writ_model::{
    AgentId, ApprovalId, ApprovalLevel, ApprovalState, CallId, Digest, GrantId, GrantTerms, Human, Label,
    TaskId, TaskKind, Timestamp,
};

/// `approvals.list`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalsList {
    pub task: Option<TaskId>,
    /// Those that wait, unless said otherwise.
    pub state: Option<ApprovalState>,
    /// As it was then.
    pub at: Option<Timestamp>,
}

/// The approvals that fit, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Approvals {
    pub approvals: Vec<ApprovalView>,
    /// There are more than one answer holds.
    pub more: bool,
}

/// `approvals.watch`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalsWatch {}

/// `approve`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    pub approval: ApprovalId,
    /// Digest of the action that the person was shown; refused when the request is for another.
    pub action: Digest,
    /// Makes the yes a grant too: for this call once, and for calls of its shape from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_grant: Option<GrantWish>,
}

/// What an approver asks of a grant, within what the request offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantWish {
    /// How long it lasts; until the task ends when left out, and never longer.
    pub seconds: Option<u64>,
    /// For every ordinary file of the folder, where a single file of the workspace was asked for.
    #[serde(default)]
    pub folders: bool,
}

/// `deny`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deny {
    pub approval: ApprovalId,
}

/// A request for approval and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalView {
    pub id: ApprovalId,
    pub state: ApprovalState,
    pub level: ApprovalLevel,
    pub task: TaskId,
    pub task_kind: TaskKind,
    pub requester: Human,
    pub agent: AgentId,
    pub agent_name: Label,
    /// The call that asked first.
    pub call: CallId,
    /// Digest of the exact action: to be handed back with the yes.
    pub action: Digest,
    /// JSON text: our reading of the call, and the agent's claim. The claim is hostile text: show it quoted, with
    /// control and bidirectional characters escaped. Nothing when it was erased.
    pub shown: Option<String>,
    pub requested_at: Timestamp,
    pub expires_at: Timestamp,
    pub answers: Vec<AnswerView>,
    /// The call that spent it.
    pub consumed_by: Option<CallId>,
    /// What it could be made a grant for; nothing where no grant may cover it.
    #[serde(default)]
    pub grantable: Option<GrantTerms>,
    /// The grant that was made of it.
    #[serde(default)]
    pub grant: Option<GrantId>,
    /// When the task reaches its time limit: no grant lasts longer.
    pub task_ends_at: Timestamp,
}

/// One person's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerView {
    pub by: Human,
    pub at: Timestamp,
    pub yes: bool,
    /// The person is the requester (`self`).
    pub own: bool,
}

/// `revoke`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    pub target: RevokeTarget,
}

/// What is revoked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevokeTarget {
    /// Name of a live agent, or an agent's id.
    Agent(String),
    Task(TaskId),
    /// Every agent and task of a person.
    Owner(Human),
}

/// What a revocation ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Revoked {
    pub agents: Vec<AgentId>,
    pub tasks: Vec<TaskId>,
    /// False when it acts already and waits for room in the record.
    pub recorded: bool,
}
