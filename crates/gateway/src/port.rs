//! What the doors need from other rooms. `writ` implements these over the control plane, in process or by RPC.
//!
//! Every error of a port is a refusal at the door. No port is asked twice by itself: retries belong to the caller.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use writ_ledger::{Durability, Receipt};
use writ_model::{
    ActivityEvent, AgentId, ApprovalId, ApprovalLevel, ApprovalState, AutonomyLevel, Bounds, CallId, Client,
    Digest, Fingerprint, Grant, Human, Label, LifecycleState, SessionId, Task, TaskId, TaskState, Timestamp,
};
use writ_policy::{Marked, Risen, Trace};

/// Why a port gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// The other side is gone, or did not answer in time.
    #[error("the control plane did not answer")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The other side answered no.
    #[error("the control plane refused: {0}")]
    Refused(String),
    /// Too many requests of this task wait already.
    #[error("too many approvals of this task wait already")]
    ApprovalsFull,
}

/// A text that lies in the vault beside the log, under the commitment that stands in the event.
///
/// The commitment is SHA-256 over salt and bytes; see `writ_ledger::vault`.
pub struct Payload {
    pub commitment: Digest,
    pub salt: [u8; 32],
    pub bytes: Vec<u8>,
}

// === impl Payload ===

impl Payload {
    /// Bytes for the vault, under a commitment with a salt of their own.
    #[must_use]
    pub fn salted(random: &dyn Random, bytes: Vec<u8>) -> Self {
        crate::admit::payload(random, bytes)
    }
}

/// One event with the texts it commits to.
pub struct NewActivity {
    pub event: ActivityEvent,
    pub payloads: Vec<Payload>,
}

/// Appends to the activity stream of one task.
pub trait Record: Send + Sync + 'static {
    /// Appends all or nothing, in order. Returns once the entries are as durable as asked for: written survives the
    /// end of any process, synced survives the end of the machine. Payloads are as durable as their entries.
    fn record(
        &self,
        task: TaskId,
        activity: Vec<NewActivity>,
        durability: Durability,
    ) -> impl Future<Output = Result<Vec<Receipt>, PortError>> + Send;
}

/// An approval that was spent on one call. The spending was durable before this value existed.
pub struct Taken {
    pub approval: ApprovalId,
    pub level: ApprovalLevel,
    pub receipt: Receipt,
}

/// What a human is asked.
pub struct Ask {
    pub task: TaskId,
    pub call: CallId,
    /// Digest of the exact action and of why it is held.
    pub action: Digest,
    pub level: ApprovalLevel,
    /// What the approver is shown, as JSON: a quoted claim of the agent beside our own reading of it.
    pub shown: Payload,
}

/// Asks humans and spends their answers.
pub trait Approvals: Send + Sync + 'static {
    /// Spends an approved, unexpired approval of this task for exactly this action, if there is one: at most once,
    /// whoever asks, and durable before it returns.
    fn take(
        &self,
        task: TaskId,
        action: Digest,
        call: CallId,
    ) -> impl Future<Output = Result<Option<Taken>, PortError>> + Send;

    /// Files a request, or names the one that waits already for the same action.
    fn ask(&self, ask: Ask) -> impl Future<Output = Result<ApprovalId, PortError>> + Send;

    /// Waits until the request is no longer pending, at most `patience`; returns its state then.
    fn wait(
        &self,
        approval: ApprovalId,
        patience: Duration,
    ) -> impl Future<Output = Result<ApprovalState, PortError>> + Send;
}

/// What holds for a task at this moment, as pushed by the control plane. Reading it waits for nothing.
#[derive(Clone, Debug)]
pub struct Standing {
    pub agent_state: LifecycleState,
    pub task_state: TaskState,
    /// When the writ runs out unless it is renewed.
    pub writ_expires_at: Timestamp,
    /// Agent, task or owner was revoked.
    pub revoked: bool,
    /// The fingerprint differs from the accepted one.
    pub fingerprint_changed: bool,
    /// Size of the control tree that this standing was folded from.
    pub control_size: u64,
    /// False when the stream of the control plane broke off.
    pub connected: bool,
    /// The task's grants that count, as far as the control plane knows.
    pub grants: Arc<[Grant]>,
    /// Whose approval can be given here at all. What needs another is refused at once.
    pub givable: Arc<[ApprovalLevel]>,
}

/// A task as the door serves it.
#[derive(Clone, Debug)]
pub struct TaskFacts {
    pub task: Task,
    pub agent_name: Label,
    pub agent_owner: Human,
    pub agent_environment: Label,
    /// Canonical path of the workspace.
    pub workspace: PathBuf,
    /// The intent, as the requester wrote it.
    pub intent: String,
    /// What the requester named.
    pub bounds: Option<Bounds>,
}

/// Tells how tasks stand and moves them on.
pub trait Tasks: Send + Sync + 'static {
    /// The task that a new session of this client belongs to. Under `writ run` there is exactly one; a hooked session
    /// opens one under the narrowest profile for its workspace.
    fn task_of_session(
        &self,
        client: Client,
        session: SessionId,
        cwd: PathBuf,
        peer_pid: Option<u32>,
    ) -> impl Future<Output = Result<TaskFacts, PortError>> + Send;

    /// How the task stands; `None` when it is not known here.
    fn standing(&self, task: TaskId) -> Option<Standing>;

    /// Reports what was seen of the fingerprint; the answer is the standing after it.
    fn fingerprint_seen(
        &self,
        task: TaskId,
        agent: AgentId,
        seen: Fingerprint,
    ) -> impl Future<Output = Result<Standing, PortError>> + Send;

    /// Closes the task because it reached a limit or its client ended.
    fn close(
        &self,
        task: TaskId,
        cause: writ_model::CloseCause,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// What a session begins with.
#[derive(Clone, Debug)]
pub struct Recalled {
    /// The secret under which paths of the task's workspace become digests.
    pub path_key: [u8; 32],
    /// What the task, and earlier tasks of the same conversation, let in.
    pub traces: Vec<Trace>,
    /// The marked files of the workspace.
    pub marked: Vec<Marked>,
    /// More files were marked than are kept apart: every file counts as marked.
    pub crowded: bool,
}

/// Keeps what sessions let in and which files were written from it, beyond the end of any process and task.
pub trait Taints: Send + Sync + 'static {
    /// What is known when a session of the task begins. `client_session` is a digest of the client and its own id of
    /// the session.
    fn recall_taint(
        &self,
        task: TaskId,
        client_session: Digest,
    ) -> impl Future<Output = Result<Recalled, PortError>> + Send;

    /// Records what a call changed; durable before it returns.
    fn report_taint(
        &self,
        task: TaskId,
        session: SessionId,
        client_session: Digest,
        risen: Risen,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Digests of files that a call would run. Nothing else of the file system is read at the door.
pub trait FileDigests: Send + Sync + 'static {
    /// SHA-256 of the file, read at most up to a bound; `None` when it is not there or not readable.
    fn digest(&self, path: &std::path::Path) -> Option<Digest>;

    /// The text of a small file of the folder `root`, by which a task names what it runs, as the judge sees it.
    fn text(&self, root: &std::path::Path, path: &std::path::Path) -> Option<String> {
        let _ = (root, path);
        None
    }
}

/// Randomness, as an argument.
pub trait Random: Send + Sync + 'static {
    fn fill(&self, bytes: &mut [u8]);
}

/// Looks at what makes a client behave as it does. May read files; is called off the runtime's threads.
pub trait Survey: Send + Sync + 'static {
    /// What is seen now. A part that cannot be looked at is `None`.
    fn fingerprint(&self, client: Client, workspace: &std::path::Path) -> Fingerprint;

    /// How far its settings and its start let it act without a person's answer. `hook` is a process that it started, where
    /// one is known.
    fn autonomy(&self, client: Client, workspace: &std::path::Path, hook: Option<u32>) -> AutonomyLevel;
}

/// The control plane, as far as the doors need it.
pub trait Office: Record + Approvals + Tasks + Taints {}

impl<T: Record + Approvals + Tasks + Taints> Office for T {}
