//! Tasks: what a human asked for, its limits, and the one way it goes: open, perhaps suspended, closed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::agent::Client;
use crate::agent::Human;
use crate::id::{AgentId, TaskId};
use crate::text::{Digest, Label};
use crate::time::Timestamp;

/// What sort of work a task is. The profile of its kind says what is allowed without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskKind {
    Bugfix,
    DependencyUpdate,
    Docs,
    Feature,
    Ops,
    Refactor,
    Release,
    /// Reads and reports, changes nothing. Also what a session gets whose kind nobody said.
    Review,
    /// Writes and repairs tests.
    Test,
}

/// How a task is held to its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Supervision {
    /// Under `writ run`: started, watched and ended by a supervisor.
    Governed,
    /// Started on its own with our hooks installed: refusals are cooperative.
    Hooked,
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskState {
    Open,
    /// Nothing is allowed until a human has looked.
    Suspended,
    Closed,
}

/// What can happen to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskMove {
    Suspend,
    Resume,
    Close,
}

/// The move does not exist from that state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a task that is {from} cannot be {}", .step.done())]
pub struct IllegalTaskMove {
    pub from: TaskState,
    pub step: TaskMove,
}

/// Why a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CloseCause {
    /// The client ended by itself.
    Finished,
    /// A person closed it.
    ByPerson,
    TimeLimit,
    CallLimit,
    DenialLimit,
    /// Agent, task or owner was revoked.
    Revoked,
    /// The agent was suspended, quarantined or retired.
    AgentSuspended,
    /// The supervisor went away without closing it.
    SupervisorLost,
    /// A call ran with other arguments than were decided: somebody stands between the client and the door.
    Mismatch,
    /// The client could not be started.
    NotStarted,
    /// The writ ran out and was not renewed.
    WritLapsed,
    /// It reached out of the machine as often as it may.
    OutwardLimit,
    /// It changed as many files as it may.
    FileLimit,
    /// A call met a condition that the requester named for stopping.
    StopCondition,
    /// A part of the sandbox was ended under the client, and all that ran inside with it.
    TornDown,
    /// Something was leaving for which the organisation's policies suspend an agent.
    Incident,
}

/// When a task stops by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Longest life, in seconds.
    pub seconds: u64,
    /// Most decisions.
    pub calls: u64,
    /// Most denials.
    pub denials: u64,
    /// Most bytes recorded per session, payloads included.
    pub recorded_bytes: u64,
    /// Most approvals that may wait at once.
    pub pending_approvals: u32,
    /// Most calls that can carry something out of the machine; without it, no limit of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outward_calls: Option<u64>,
    /// Most files that are changed, each counted once; without it, no limit of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_written: Option<u64>,
}

/// A task as it was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    pub id: TaskId,
    pub agent: AgentId,
    pub client: Client,
    pub kind: TaskKind,
    pub requester: Human,
    /// Commitment to the intent text, which lies in the vault under the task's key.
    pub intent: Digest,
    /// Commitment to the canonical path of the workspace, likewise.
    pub workspace: Digest,
    /// What branches of the task start with.
    pub branch_prefix: Label,
    pub environment: Label,
    pub supervision: Supervision,
    pub limits: Limits,
    /// Commitment to the bounds that the requester named, likewise; the text is their JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Digest>,
    pub opened_at: Timestamp,
}

// === impl TaskKind ===

impl TaskKind {
    pub const ALL: [Self; 9] = [
        Self::Bugfix,
        Self::DependencyUpdate,
        Self::Docs,
        Self::Feature,
        Self::Ops,
        Self::Refactor,
        Self::Release,
        Self::Review,
        Self::Test,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Bugfix => "bugfix",
            Self::DependencyUpdate => "dependency-update",
            Self::Docs => "docs",
            Self::Feature => "feature",
            Self::Ops => "ops",
            Self::Refactor => "refactor",
            Self::Release => "release",
            Self::Review => "review",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for TaskKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The text names no kind of task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no kind of task; known are bugfix, dependency-update, docs, feature, ops, refactor, release, review, test"
)]
pub struct UnknownTaskKind(String);

impl FromStr for TaskKind {
    type Err = UnknownTaskKind;

    fn from_str(text: &str) -> Result<Self, UnknownTaskKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| UnknownTaskKind(text.chars().take(80).collect()))
    }
}

// === impl TaskState ===

impl TaskState {
    /// The state after a move, or the typed refusal of a move that does not exist.
    pub const fn step(self, step: TaskMove) -> Result<Self, IllegalTaskMove> {
        match (self, step) {
            (Self::Open, TaskMove::Suspend) => Ok(Self::Suspended),
            (Self::Suspended, TaskMove::Resume) => Ok(Self::Open),
            (Self::Open | Self::Suspended, TaskMove::Close) => Ok(Self::Closed),
            (from, step) => Err(IllegalTaskMove { from, step }),
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

// === impl TaskMove ===

impl TaskMove {
    pub const fn done(self) -> &'static str {
        match self {
            Self::Suspend => "suspended",
            Self::Resume => "resumed",
            Self::Close => "closed",
        }
    }
}

// === impl Supervision ===

impl Supervision {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Governed => "governed",
            Self::Hooked => "hooked",
        }
    }
}

impl fmt::Display for Supervision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

// === impl CloseCause ===

impl CloseCause {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::ByPerson => "by-person",
            Self::TimeLimit => "time-limit",
            Self::CallLimit => "call-limit",
            Self::DenialLimit => "denial-limit",
            Self::Revoked => "revoked",
            Self::AgentSuspended => "agent-suspended",
            Self::SupervisorLost => "supervisor-lost",
            Self::Mismatch => "mismatch",
            Self::NotStarted => "not-started",
            Self::WritLapsed => "writ-lapsed",
            Self::OutwardLimit => "outward-limit",
            Self::FileLimit => "file-limit",
            Self::StopCondition => "stop-condition",
            Self::TornDown => "torn-down",
            Self::Incident => "incident",
        }
    }
}

impl fmt::Display for CloseCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

// === impl Limits ===

impl Limits {
    pub fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

impl Default for Limits {
    /// One hour, 2,000 calls, 50 denials, 64 MiB recorded, 5 approvals waiting; no limit of its own on calls that reach
    /// out and on files that are changed.
    fn default() -> Self {
        Self {
            seconds: 3_600,
            calls: 2_000,
            denials: 50,
            recorded_bytes: 64 << 20,
            pending_approvals: 5,
            outward_calls: None,
            files_written: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_of_an_older_ledger_reads_and_stays_as_it_was_written() {
        let text = format!(
            r#"{{"id":"tsk_{0}","agent":"agt_{0}","client":"claude-code","kind":"docs","requester":"uid:1000","intent":"{1}","workspace":"{1}","branch_prefix":"writ/docs/x","environment":"local","supervision":"governed","limits":{{"seconds":3600,"calls":2000,"denials":50,"recorded_bytes":67108864,"pending_approvals":5}},"opened_at":"2026-11-22T00:15:10.162Z"}}"#,
            "019aa8f2d81270008000000000000000",
            "0".repeat(64),
        );
        let task: Task = serde_json::from_str(&text).unwrap();
        assert_eq!((task.bounds, task.limits.outward_calls, task.limits.files_written), (None, None, None));
        assert_eq!(serde_json::to_string(&task).unwrap(), text);
    }

    #[test]
    fn a_closed_task_stays_closed() {
        for step in [TaskMove::Suspend, TaskMove::Resume, TaskMove::Close] {
            assert_eq!(TaskState::Closed.step(step), Err(IllegalTaskMove { from: TaskState::Closed, step }));
        }
        assert_eq!(TaskState::Suspended.step(TaskMove::Close), Ok(TaskState::Closed));
    }
}
