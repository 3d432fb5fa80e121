//! Events: the only way state changes. An entry of the ledger is one event, in canonical JSON (RFC 8785).
//!
//! Entries hold ids, enums, bounded labels and commitments only. Texts that people, clients or agents wrote lie in
//! the vault beside the log, each under the commitment that stands here.

use serde::{Deserialize, Serialize};

use crate::agent::{Fingerprint, FingerprintPart, Human, LifecycleMove, LifecycleReason, Registration};
use crate::decision::{ApprovalLevel, Decision};
use crate::effect::EffectClass;
use crate::grant::GrantEnd;
use crate::id::{AgentId, ApprovalId, CallId, GrantId, SecretId, SessionId, TaskId, WritId};
use crate::taint::{MarkEnd, SourceKind, Touch};
use crate::task::{CloseCause, Task, TaskMove};
use crate::text::{Digest, Label};
use crate::time::Timestamp;

/// The version of the entry format that this code writes, and the newest it reads.
pub const ENTRY_VERSION: u32 = 1;

/// Who made an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// A person, known by the operating system.
    Human(Human),
    /// The supervisor of a task, or the control plane in its place for a hooked session.
    Supervisor(TaskId),
    /// The control plane by itself: a deadline, a lapsed review, a lost supervisor.
    ControlPlane,
}

/// One entry of the control stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlEntry {
    pub v: u32,
    pub at: Timestamp,
    pub by: Actor,
    pub event: ControlEvent,
}

/// One entry of the activity stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivityEntry {
    pub v: u32,
    pub at: Timestamp,
    pub task: TaskId,
    /// Size of the control tree at the time of the decision.
    pub control_size: u64,
    pub event: ActivityEvent,
}

/// Registrations, tasks, writs, approvals, revocations, policies: strongly ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ControlEvent {
    AgentRegistered {
        agent: AgentId,
        registration: Registration,
    },
    AgentMoved {
        agent: AgentId,
        step: LifecycleMove,
        reason: LifecycleReason,
    },
    AgentReviewed {
        agent: AgentId,
        review_by: Timestamp,
    },
    /// The agent's owner is gone. Its deputy has until then to take it over; then it stops.
    OwnerGone {
        agent: AgentId,
        answer_by: Timestamp,
    },
    /// Somebody answers for the agent again: from now on this person is its owner.
    AgentTakenOver {
        agent: AgentId,
        owner: Human,
    },
    FingerprintAccepted {
        agent: AgentId,
        fingerprint: Fingerprint,
    },
    FingerprintSeen {
        agent: AgentId,
        fingerprint: Fingerprint,
        changed: Vec<FingerprintPart>,
    },
    TaskOpened {
        task: Task,
    },
    /// A supervisor took the task. A smaller epoch is fenced off from then on.
    TaskAttached {
        task: TaskId,
        epoch: u64,
    },
    TaskMoved {
        task: TaskId,
        step: TaskMove,
    },
    TaskClosed {
        task: TaskId,
        cause: CloseCause,
    },
    /// Something of the user's was left in the agent's environment, by name. Never the value.
    CredentialHandedOver {
        task: TaskId,
        name: Label,
    },
    /// A mandatory layer was switched off by a person, by a flag with `danger` in its name.
    SafetyWeakened {
        task: TaskId,
        layer: Label,
    },
    /// The client's own sandbox, which cannot start inside ours, was turned off for the run, by this switch of its own.
    ClientSandboxOff {
        task: TaskId,
        by: Label,
    },
    WritIssued {
        writ: WritId,
        task: TaskId,
        agent: AgentId,
        token: Digest,
        expires_at: Timestamp,
    },
    ApprovalRequested {
        approval: ApprovalId,
        task: TaskId,
        call: CallId,
        /// Digest of the exact action; of one that waited for a person, with why it was held.
        action: Digest,
        level: ApprovalLevel,
        /// Commitment to what the approver is shown.
        shown: Digest,
        expires_at: Timestamp,
    },
    /// `own` when the approver is the requester.
    ApprovalGiven {
        approval: ApprovalId,
        by: Human,
        own: bool,
    },
    ApprovalRefused {
        approval: ApprovalId,
        by: Human,
    },
    ApprovalConsumed {
        approval: ApprovalId,
        call: CallId,
    },
    ApprovalExpired {
        approval: ApprovalId,
    },
    /// An amendment of the task: a person made an approval a grant. `own` when that person is the requester.
    GrantGiven {
        grant: GrantId,
        task: TaskId,
        approval: ApprovalId,
        level: ApprovalLevel,
        by: Human,
        own: bool,
        /// Sorted, each once.
        effects: Vec<EffectClass>,
        /// What the session may have touched, sorted: once it has touched more, the grant counts no more.
        touched: Vec<Touch>,
        /// Commitment to the terms.
        terms: Digest,
        expires_at: Timestamp,
    },
    GrantEnded {
        grant: GrantId,
        task: TaskId,
        cause: GrantEnd,
    },
    /// A session let something in: from then on its whole task is judged with it.
    TaintRaised {
        task: TaskId,
        session: SessionId,
        /// Keyed digest of the client's own session id: a later task of the same conversation begins with this.
        conversation: Digest,
        call: CallId,
        source: SourceKind,
        /// Commitment to the host, path, package or tool.
        what: Digest,
    },
    /// A file was written from untrusted input, from private data or from a secret.
    FileMarked {
        task: TaskId,
        /// Keyed digest of the workspace's path.
        workspace: Digest,
        /// Keyed digest of the file's path.
        file: Digest,
        source: SourceKind,
        /// The file came in as a whole, and not only a part of what the agent wrote.
        whole: bool,
        /// Commitment to the path, and to what it was written from.
        what: Digest,
    },
    FileCleared {
        workspace: Digest,
        file: Digest,
        cause: MarkEnd,
    },
    OwnerRevoked {
        owner: Human,
    },
    TaskRevoked {
        task: TaskId,
    },
    AgentRevoked {
        agent: AgentId,
    },
    PolicyLoaded {
        version: Digest,
        /// Where the organisation's layer came from: `shipped`, `folder`, or `git:` and the commit. Entries from before
        /// this was kept have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<Label>,
    },
    PayloadsErased {
        subject: Label,
    },
    /// A person sealed a credential that the egress proxy may lend. The value lies in the vault and nowhere else.
    SecretAdded {
        secret: SecretId,
        name: Label,
        /// Commitment to where it may go, and for whom.
        binding: Digest,
        /// Commitment to the value, under a salt that lies with it.
        value: Digest,
    },
    /// The same credential has another value from here on.
    SecretRotated {
        secret: SecretId,
        name: Label,
        value: Digest,
    },
    SecretRemoved {
        secret: SecretId,
        name: Label,
    },
    /// A sealed credential was lent under this task for the first time.
    CredentialLent {
        task: TaskId,
        name: Label,
    },
}

/// Sessions, prompts, decisions, outcomes: many, in batches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ActivityEvent {
    SessionStarted {
        session: SessionId,
        agent: AgentId,
        client_session: Digest,
        fingerprint: Fingerprint,
        /// How far the client acts without a person's answer, from 0 to 3, as it was seen at the start.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        autonomy: Option<u8>,
    },
    PromptSubmitted {
        session: SessionId,
        prompt: Digest,
    },
    CallDecided {
        session: SessionId,
        call: CallId,
        tool: Label,
        operation: Label,
        /// Sorted, each once.
        effects: Vec<EffectClass>,
        subagent: Option<Label>,
        decision: Decision,
        /// The approval that was asked for or consumed.
        approval: Option<ApprovalId>,
        /// Digest of the exact action and of why it is held.
        action: Digest,
        /// Commitment to tool, arguments and working directory.
        arguments: Digest,
    },
    CallEnded {
        session: SessionId,
        call: CallId,
        outcome: Outcome,
        output: Option<Digest>,
    },
    /// The client reports an outcome of a call that nobody decided.
    OutcomeUnmatched {
        session: SessionId,
        tool: Label,
    },
    SubagentStarted {
        session: SessionId,
        subagent: Label,
    },
    SubagentEnded {
        session: SessionId,
        subagent: Label,
    },
    /// The client says that its own configuration changed while it ran.
    ConfigurationChanged {
        session: SessionId,
        source: Label,
    },
    /// The client stopped its turn; more may follow.
    TurnEnded {
        session: SessionId,
    },
    /// A program was about to start inside the sandbox, as the kernel tells it. What it ran in memory it had already, and
    /// scripts that it reads, are no starts.
    ProgramStarted {
        /// SHA-256 of the file; nothing where it could not be read, so that the start failed as well.
        program: Option<Digest>,
        /// Commitment to its path, its arguments and its number.
        what: Digest,
    },
    /// More programs started than the record of one task lists.
    ProgramsUnlisted {
        count: u64,
    },
    /// Something on the way out that a person should hear of, whether or not anything left.
    Incident {
        session: SessionId,
        kind: Label,
        /// Commitment to where it would have gone and what it was about.
        what: Digest,
        /// The organisation's policies by which the agent is suspended for it, sorted.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        policies: Vec<Label>,
    },
    /// What the client asked its model with, as its request to the model says. Recorded once for each difference.
    ModelAsked {
        session: SessionId,
        model: Label,
        /// Over the texts that tell the model what it is and does.
        system: Option<Digest>,
        /// Over the list of tools.
        tools: Option<Digest>,
        /// Tools that run at the model's vendor, sorted.
        hosted: Vec<Label>,
    },
    /// What all requests to the model of one run came to.
    ModelUsed {
        session: SessionId,
        requests: u64,
        /// As the vendor counted; those from a cache included.
        input_tokens: u64,
        output_tokens: u64,
        /// Tool calls that the model asked the client for.
        calls: u64,
        /// Results among them that no decision could be found for, where this client's wire does not make that certain.
        unmatched: u64,
    },
    /// Anything else the client told.
    Noted {
        session: SessionId,
        event: Label,
    },
    SessionEnded {
        session: SessionId,
        missing_outcomes: u64,
    },
    /// What could not be read as this client's message; the answer was a denial where one was asked for.
    InputRefused {
        session: Option<SessionId>,
        client: Label,
        reason: crate::reason::ReasonCode,
    },
}

/// How a call ended, as the client says: a claim that proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Succeeded,
    Failed,
    /// The call was allowed and the session ended without a word about it.
    Missing,
}

/// The bytes are no entry that this version understands.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    #[error("could not read the entry as canonical JSON")]
    Malformed(#[source] serde_json::Error),
    #[error("could not write the entry as canonical JSON")]
    Unwritable(#[source] serde_json::Error),
    #[error("the entry has format version {0}, this program reads up to {ENTRY_VERSION}; use a newer one")]
    Newer(u32),
}

// === impl ControlEntry ===

impl ControlEntry {
    /// The leaf: canonical JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EntryError> {
        canonical(self)
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EntryError> {
        checked(bytes, |entry: &Self| entry.v)
    }
}

// === impl ActivityEntry ===

impl ActivityEntry {
    /// The leaf: canonical JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EntryError> {
        canonical(self)
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EntryError> {
        checked(bytes, |entry: &Self| entry.v)
    }
}

fn canonical<T: Serialize>(entry: &T) -> Result<Vec<u8>, EntryError> {
    serde_json_canonicalizer::to_vec(entry).map_err(EntryError::Unwritable)
}

fn checked<'a, T: Deserialize<'a>>(bytes: &'a [u8], version: impl Fn(&T) -> u32) -> Result<T, EntryError> {
    #[derive(Deserialize)]
    struct Versioned {
        v: u32,
    }
    match serde_json::from_slice::<T>(bytes) {
        Ok(entry) if version(&entry) <= ENTRY_VERSION => Ok(entry),
        Ok(entry) => Err(EntryError::Newer(version(&entry))),
        Err(error) => match serde_json::from_slice::<Versioned>(bytes) {
            Ok(Versioned { v }) if v > ENTRY_VERSION => Err(EntryError::Newer(v)),
            _ => Err(EntryError::Malformed(error)),
        },
    }
}

#[cfg(test)]
mod tests;
