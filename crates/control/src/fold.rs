//! State as a fold over the ledger: the same entries give the same state, wherever and whenever they are folded.
//!
//! Folding is pure and total: no clock, no I/O, and an entry that breaks a rule is a typed refusal. The office decides
//! by this state and appends only what it accepts, so a log that does not fold was not written by an office.
//! What has ended is kept in a bounded number, oldest forgotten first; the log itself keeps everything.

mod activity;
mod agent;
mod approval;
mod grant;
mod secret;
mod snapshot;
mod taint;
mod task;

pub use activity::{ActivityState, Counts};
pub use agent::{Agent, Changed};
pub use approval::{Answer, Approval};
pub use grant::Granted;
pub use secret::Sealed;
pub use snapshot::{FOLD_VERSION, SnapshotFormError, decode, encode};
pub use taint::{FileMark, MAX_MARKS, Source, Taints, WorkspaceMarks};
pub use task::TaskRecord;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use writ_model::{
    AgentId, ApprovalId, ControlEntry, ControlEvent, Digest, GrantId, Human, IllegalApprovalMove,
    IllegalMove, IllegalTaskMove, Label, LifecycleState, TaskId, TaskState, Timestamp,
};

/// Most closed tasks that state remembers.
pub const MAX_CLOSED_TASKS: usize = 10_000;

/// Registry, tasks, approvals and policy, as of some size of the control log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    size: u64,
    last_at: Option<Timestamp>,
    agents: BTreeMap<AgentId, Agent>,
    /// Names of agents that are not retired.
    names: BTreeMap<Label, AgentId>,
    tasks: BTreeMap<TaskId, TaskRecord>,
    /// Tasks that are not closed.
    live: BTreeSet<TaskId>,
    /// The task of each approval of a live task.
    approvals: BTreeMap<ApprovalId, TaskId>,
    policy: Option<Policy>,
    taints: Taints,
    /// Credentials that may be lent, by name.
    secrets: BTreeMap<Label, Sealed>,
    /// Subjects of the vault that were given up and are not known to be erased yet.
    unerased: BTreeSet<Label>,
}

/// The policy that was loaded last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub version: Digest,
    /// Where it came from, as in the event.
    pub source: Option<Label>,
    pub loaded_at: Timestamp,
}

/// The entry does not follow from the ones before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    #[error("the entry is older than the one before it")]
    TimeBackwards,
    #[error("agent `{0}` is registered already")]
    AgentExists(AgentId),
    #[error("the name `{0}` belongs to another live agent")]
    NameTaken(Label),
    #[error("there is no agent `{0}`")]
    UnknownAgent(AgentId),
    #[error(transparent)]
    Lifecycle(#[from] IllegalMove),
    #[error("agent `{0}` is not active")]
    AgentNotActive(AgentId),
    #[error("the review date does not lie in the future")]
    ReviewNotAhead,
    #[error("task `{0}` exists already")]
    TaskExists(TaskId),
    #[error("there is no task `{0}`")]
    UnknownTask(TaskId),
    #[error(transparent)]
    Task(#[from] IllegalTaskMove),
    #[error("task `{0}` is closed")]
    TaskClosed(TaskId),
    #[error("the task is for another client or agent than the agent's own")]
    OtherAgent,
    #[error("epoch {got} does not follow epoch {now}")]
    Epoch { now: u64, got: u64 },
    #[error("the writ exists already, or lasts longer than a writ may")]
    Writ,
    #[error("approval `{0}` exists already")]
    ApprovalExists(ApprovalId),
    #[error("there is no approval `{0}` of a live task")]
    UnknownApproval(ApprovalId),
    #[error(transparent)]
    Approval(#[from] IllegalApprovalMove),
    #[error("the approval ran out before it was given or used")]
    ApprovalExpired,
    #[error("`{0}` has answered this request already")]
    AnsweredAlready(Human),
    #[error("the requester's own yes does not count here")]
    OwnYes,
    #[error("whether the approver is the requester is told wrongly")]
    OwnMisstated,
    #[error("grant `{0}` exists already, or the approval was made a grant before")]
    GrantExists(GrantId),
    #[error("there is no grant `{0}` of a live task")]
    UnknownGrant(GrantId),
    #[error("grant `{0}` has ended")]
    GrantEnded(GrantId),
    #[error("the grant is not what its approval can be made")]
    Grant,
    #[error("there is a secret `{0}` already")]
    SecretExists(Label),
    #[error("there is no secret `{0}`")]
    UnknownSecret(Label),
}

// === impl State ===

impl State {
    /// Applies the next entry of the control log.
    ///
    /// # Errors
    /// The entry breaks a rule; the state is then unchanged, except that nothing should be folded onto it any more.
    pub fn apply(&mut self, entry: &ControlEntry) -> Result<(), FoldError> {
        if self.last_at.is_some_and(|last| entry.at < last) {
            return Err(FoldError::TimeBackwards);
        }
        self.apply_event(entry)?;
        self.size += 1;
        self.last_at = Some(entry.at);
        Ok(())
    }

    /// Whether all these entries would be accepted, in order. Changes nothing.
    ///
    /// # Errors
    /// The first rule that would be broken.
    pub fn check(&self, entries: &[ControlEntry]) -> Result<(), FoldError> {
        let mut excerpt = self.excerpt(entries);
        entries.iter().try_for_each(|entry| excerpt.apply(entry))
    }

    fn apply_event(&mut self, entry: &ControlEntry) -> Result<(), FoldError> {
        let at = entry.at;
        match &entry.event {
            ControlEvent::AgentRegistered { agent, registration } => {
                self.register(*agent, registration.clone(), at)
            }
            ControlEvent::AgentMoved { agent, step, reason } => {
                self.move_agent(*agent, *step, *reason, &entry.by, at)
            }
            ControlEvent::AgentReviewed { agent, review_by } => self.review(*agent, *review_by, at),
            ControlEvent::OwnerGone { agent, answer_by } => self.orphan(*agent, *answer_by),
            ControlEvent::AgentTakenOver { agent, owner } => self.take_over(*agent, owner),
            ControlEvent::FingerprintAccepted { agent, fingerprint } => {
                self.agent_mut(*agent)?.accept(fingerprint);
                Ok(())
            }
            ControlEvent::FingerprintSeen { agent, fingerprint, changed } => {
                self.agent_mut(*agent)?.see(fingerprint, changed, at);
                Ok(())
            }
            ControlEvent::TaskOpened { task } => self.open_task(task, at),
            ControlEvent::TaskAttached { task, epoch } => self.live_mut(*task)?.attach(*epoch),
            ControlEvent::TaskMoved { task, step } => self.task_mut(*task)?.step(*step, at),
            ControlEvent::TaskClosed { task, cause } => self.close_task(*task, *cause, at),
            ControlEvent::CredentialHandedOver { task, name } => {
                self.live_mut(*task)?.handed_over.insert(name.clone());
                Ok(())
            }
            ControlEvent::SafetyWeakened { task, layer } => {
                self.live_mut(*task)?.weakened.insert(layer.clone());
                Ok(())
            }
            ControlEvent::ClientSandboxOff { task, by } => {
                self.live_mut(*task)?.client_sandbox_off = Some(by.clone());
                Ok(())
            }
            ControlEvent::WritIssued { writ, task, agent, token: _, expires_at } => {
                let record = self.live_mut(*task)?;
                if record.task.agent != *agent {
                    return Err(FoldError::OtherAgent);
                }
                record.issue(*writ, *expires_at, at)
            }
            ControlEvent::ApprovalRequested { approval, task, call, action, level, shown, expires_at } => {
                if self.approvals.contains_key(approval) {
                    return Err(FoldError::ApprovalExists(*approval));
                }
                let asked = Approval::new(*approval, *call, *action, *level, *shown, at, *expires_at);
                self.live_mut(*task)?.approvals.insert(*approval, asked);
                self.approvals.insert(*approval, *task);
                Ok(())
            }
            ControlEvent::ApprovalGiven { approval, by, own } => {
                let requester = self.task_of_approval(*approval)?.task.requester.clone();
                self.approval_mut(*approval)?.give(by, *own, &requester, at)
            }
            ControlEvent::ApprovalRefused { approval, by } => self.approval_mut(*approval)?.refuse(by, at),
            ControlEvent::ApprovalConsumed { approval, call } => {
                self.approval_mut(*approval)?.consume(*call, at)
            }
            ControlEvent::ApprovalExpired { approval } => self.approval_mut(*approval)?.expire(),
            ControlEvent::GrantGiven { task, .. } => self.live_mut(*task)?.grant(&entry.event, at),
            ControlEvent::GrantEnded { grant, task, cause } => {
                self.live_mut(*task)?.end_grant(*grant, *cause, at)
            }
            ControlEvent::TaintRaised { task, .. } | ControlEvent::FileMarked { task, .. } => {
                self.live_mut(*task)?;
                self.taints.apply(&entry.event, at);
                Ok(())
            }
            ControlEvent::FileCleared { .. } => {
                self.taints.apply(&entry.event, at);
                Ok(())
            }
            ControlEvent::OwnerRevoked { owner } => {
                self.revoke_owner(owner);
                Ok(())
            }
            ControlEvent::TaskRevoked { task } => {
                self.task_mut(*task)?.revoked = true;
                Ok(())
            }
            ControlEvent::AgentRevoked { agent } => {
                self.agent_mut(*agent)?.revoked = true;
                Ok(())
            }
            ControlEvent::PolicyLoaded { version, source } => {
                self.policy = Some(Policy { version: *version, source: source.clone(), loaded_at: at });
                Ok(())
            }
            ControlEvent::PayloadsErased { subject } => {
                self.unerased.remove(subject);
                Ok(())
            }
            ControlEvent::SecretAdded { secret, name, binding, value } => {
                self.add_secret(Sealed::new(*secret, name.clone(), *binding, *value, &entry.by, at))
            }
            ControlEvent::SecretRotated { secret, name, value } => {
                self.rotate_secret(*secret, name, *value, at)
            }
            ControlEvent::SecretRemoved { secret, name } => self.remove_secret(*secret, name),
            ControlEvent::CredentialLent { task, name } => self.lend_secret(*task, name, at),
        }
    }
}

// === reading ===

impl State {
    /// Size of the control log that this was folded from.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// When the last entry was made.
    pub const fn last_at(&self) -> Option<Timestamp> {
        self.last_at
    }

    pub const fn policy(&self) -> Option<&Policy> {
        self.policy.as_ref()
    }

    /// What sessions let in, and the files that were written from it.
    pub const fn taints(&self) -> &Taints {
        &self.taints
    }

    pub fn agents(&self) -> impl Iterator<Item = &Agent> {
        self.agents.values()
    }

    pub fn agent(&self, id: AgentId) -> Option<&Agent> {
        self.agents.get(&id)
    }

    /// The live agent of that name.
    pub fn agent_named(&self, name: &Label) -> Option<&Agent> {
        self.names.get(name).and_then(|id| self.agents.get(id))
    }

    /// Newest first.
    pub fn tasks(&self) -> impl Iterator<Item = &TaskRecord> {
        self.tasks.values().rev()
    }

    /// Tasks that are not closed, oldest first.
    pub fn live_tasks(&self) -> impl Iterator<Item = &TaskRecord> {
        self.live.iter().filter_map(|id| self.tasks.get(id))
    }

    pub fn task(&self, id: TaskId) -> Option<&TaskRecord> {
        self.tasks.get(&id)
    }

    /// An approval of a live task, and its task.
    pub fn approval(&self, id: ApprovalId) -> Option<(&Approval, &TaskRecord)> {
        let task = self.tasks.get(self.approvals.get(&id)?)?;
        task.approvals.get(&id).map(|approval| (approval, task))
    }

    /// Approvals of live tasks, oldest first.
    pub fn approvals(&self) -> impl Iterator<Item = (&Approval, &TaskRecord)> {
        self.approvals.keys().filter_map(|id| self.approval(*id))
    }
}

// === inside ===

impl State {
    fn agent_mut(&mut self, id: AgentId) -> Result<&mut Agent, FoldError> {
        self.agents.get_mut(&id).ok_or(FoldError::UnknownAgent(id))
    }

    fn task_mut(&mut self, id: TaskId) -> Result<&mut TaskRecord, FoldError> {
        self.tasks.get_mut(&id).ok_or(FoldError::UnknownTask(id))
    }

    fn live_mut(&mut self, id: TaskId) -> Result<&mut TaskRecord, FoldError> {
        let record = self.task_mut(id)?;
        match record.state {
            TaskState::Open | TaskState::Suspended => Ok(record),
            TaskState::Closed => Err(FoldError::TaskClosed(id)),
        }
    }

    fn task_of_approval(&self, id: ApprovalId) -> Result<&TaskRecord, FoldError> {
        self.approvals.get(&id).and_then(|task| self.tasks.get(task)).ok_or(FoldError::UnknownApproval(id))
    }

    fn approval_mut(&mut self, id: ApprovalId) -> Result<&mut Approval, FoldError> {
        let unknown = FoldError::UnknownApproval(id);
        let task = self.approvals.get(&id).ok_or_else(|| unknown.clone())?;
        self.tasks.get_mut(task).and_then(|record| record.approvals.get_mut(&id)).ok_or(unknown)
    }

    fn revoke_owner(&mut self, owner: &Human) {
        let live = |agent: &Agent| match agent.state {
            LifecycleState::Retired => false,
            LifecycleState::Discovered
            | LifecycleState::Requested
            | LifecycleState::Approved
            | LifecycleState::Active
            | LifecycleState::Suspended
            | LifecycleState::Quarantined => true,
        };
        for agent in self.agents.values_mut() {
            if agent.registration.owner == *owner && live(agent) {
                agent.revoked = true;
            }
        }
        for id in &self.live {
            if let Some(record) = self.tasks.get_mut(id) {
                let owned =
                    self.agents.get(&record.task.agent).is_some_and(|a| a.registration.owner == *owner);
                record.revoked |= owned || record.task.requester == *owner;
            }
        }
    }

    /// The part of the state that these entries touch.
    fn excerpt(&self, entries: &[ControlEntry]) -> Self {
        let mut excerpt = Self { size: self.size, last_at: self.last_at, ..Self::default() };
        if entries.iter().any(|entry| secret::concerns(&entry.event)) {
            excerpt.secrets.clone_from(&self.secrets);
        }
        for entry in entries {
            let (agent, task, approval, name) = touched(&entry.event);
            let named = name.and_then(|name| self.names.get(name).copied());
            let mut agents = vec![agent, named];
            for id in [task, approval.and_then(|id| self.approvals.get(&id).copied())].into_iter().flatten() {
                if let Some(record) = self.tasks.get(&id) {
                    agents.push(Some(record.task.agent));
                    excerpt.adopt_task(record);
                }
            }
            for id in agents.into_iter().flatten() {
                if let Some(agent) = self.agents.get(&id) {
                    excerpt.adopt_agent(agent);
                }
            }
        }
        excerpt
    }

    fn adopt_agent(&mut self, agent: &Agent) {
        if agent.state != LifecycleState::Retired {
            self.names.insert(agent.registration.name.clone(), agent.id);
        }
        self.agents.insert(agent.id, agent.clone());
    }

    fn adopt_task(&mut self, record: &TaskRecord) {
        if record.state != TaskState::Closed {
            self.live.insert(record.task.id);
        }
        self.approvals.extend(record.approvals.keys().map(|id| (*id, record.task.id)));
        self.tasks.insert(record.task.id, record.clone());
    }
}

/// What an event looks at or changes: agent, task, approval, name.
fn touched(event: &ControlEvent) -> (Option<AgentId>, Option<TaskId>, Option<ApprovalId>, Option<&Label>) {
    match event {
        ControlEvent::AgentRegistered { agent, registration } => {
            (Some(*agent), None, None, Some(&registration.name))
        }
        ControlEvent::AgentMoved { agent, .. }
        | ControlEvent::AgentReviewed { agent, .. }
        | ControlEvent::OwnerGone { agent, .. }
        | ControlEvent::AgentTakenOver { agent, .. }
        | ControlEvent::FingerprintAccepted { agent, .. }
        | ControlEvent::FingerprintSeen { agent, .. }
        | ControlEvent::AgentRevoked { agent } => (Some(*agent), None, None, None),
        ControlEvent::TaskOpened { task } => (Some(task.agent), Some(task.id), None, None),
        ControlEvent::TaskAttached { task, .. }
        | ControlEvent::TaskMoved { task, .. }
        | ControlEvent::TaskClosed { task, .. }
        | ControlEvent::CredentialHandedOver { task, .. }
        | ControlEvent::CredentialLent { task, .. }
        | ControlEvent::SafetyWeakened { task, .. }
        | ControlEvent::ClientSandboxOff { task, .. }
        | ControlEvent::WritIssued { task, .. }
        | ControlEvent::TaskRevoked { task }
        | ControlEvent::TaintRaised { task, .. }
        | ControlEvent::FileMarked { task, .. } => (None, Some(*task), None, None),
        ControlEvent::ApprovalRequested { approval, task, .. }
        | ControlEvent::GrantGiven { approval, task, .. } => (None, Some(*task), Some(*approval), None),
        ControlEvent::GrantEnded { task, .. } => (None, Some(*task), None, None),
        ControlEvent::ApprovalGiven { approval, .. }
        | ControlEvent::ApprovalRefused { approval, .. }
        | ControlEvent::ApprovalConsumed { approval, .. }
        | ControlEvent::ApprovalExpired { approval } => (None, None, Some(*approval), None),
        ControlEvent::OwnerRevoked { .. }
        | ControlEvent::FileCleared { .. }
        | ControlEvent::PolicyLoaded { .. }
        | ControlEvent::PayloadsErased { .. }
        | ControlEvent::SecretAdded { .. }
        | ControlEvent::SecretRotated { .. }
        | ControlEvent::SecretRemoved { .. } => (None, None, None, None),
    }
}

#[cfg(test)]
mod tests;
