//! Tasks: opened for an active agent, held by one supervisor at a time, ended for good.

mod close;
mod open;
mod supervise;

pub(crate) use close::closing;

use writ_model::{Bounds, Digest, Label, TaskId};

use crate::api::ErrorCode;
use crate::api::message::{MAX_INTENT_BYTES, TaskList, TaskShow, TaskView, Tasks, Used};
use crate::fold::{Source, State, TaskRecord};
use crate::identity::{self, MAX_LISTED};
use crate::office::{Office, OfficeError, lock};

/// Longest workspace path in bytes.
pub(crate) const MAX_PATH_BYTES: usize = 4 << 10;
/// Most names of credentials handed over, and of layers switched off.
pub(crate) const MAX_NAMES: usize = 64;

/// Why an operation on a task was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    #[error("there is no task `{0}`")]
    Unknown(TaskId),
    #[error("agent `{agent}` is for {is}, not for {wanted}")]
    OtherClient { agent: Label, is: writ_model::Client, wanted: writ_model::Client },
    #[error("a task says what it is for")]
    NoIntent,
    #[error("the intent of a task has at most {MAX_INTENT_BYTES} bytes")]
    IntentTooLong,
    #[error("the workspace must be an absolute path of at most {MAX_PATH_BYTES} bytes")]
    Workspace,
    #[error("more than {MAX_NAMES} names of credentials or layers")]
    TooManyNames,
    #[error("the limit of {what} must be from {least} to {most}")]
    Limit { what: &'static str, least: u64, most: u64 },
    #[error("the bounds cannot be used: {0}")]
    Bounds(writ_model::InvalidBounds),
    #[error("the bounds of the task are erased or cannot be read, so nobody knows what it may do")]
    BoundsErased,
    #[error("no active agent is registered for {0}")]
    NoAgentFor(writ_model::Client),
    #[error("several active agents are registered for {0}")]
    SeveralAgentsFor(writ_model::Client),
    #[error("nothing is marked at `{0}`; `writ task marks` lists what is")]
    NoMark(String),
}

// === impl Office ===

impl Office {
    /// `task.list`
    pub fn task_list(&self, ask: &TaskList) -> Result<Tasks, OfficeError> {
        let (found, more) = {
            let state = self.state_at(ask.at)?;
            let agent = match &ask.agent {
                Some(agent) => Some(identity::find(&state, agent)?.id),
                None => None,
            };
            let fits = |record: &&TaskRecord| {
                agent.is_none_or(|agent| record.task.agent == agent)
                    && ask.state.is_none_or(|wanted| record.state == wanted)
            };
            let mut found: Vec<Shown> = state
                .tasks()
                .filter(fits)
                .take(MAX_LISTED + 1)
                .map(|record| Shown::new(&state, record))
                .collect();
            let more = found.len() > MAX_LISTED;
            found.truncate(MAX_LISTED);
            (found, more)
        };
        let tasks = found.into_iter().map(|shown| self.task_view(shown, ask.at.is_none())).collect();
        Ok(Tasks { tasks, more })
    }

    /// `task.show`
    pub fn task_show(&self, ask: &TaskShow) -> Result<TaskView, OfficeError> {
        let shown = {
            let state = self.state_at(ask.at)?;
            let record = state.task(ask.task).ok_or(TaskError::Unknown(ask.task))?;
            Shown::new(&state, record)
        };
        Ok(self.task_view(shown, ask.at.is_none()))
    }

    fn task_view(&self, shown: Shown, now: bool) -> TaskView {
        let Shown { record, agent_name, agent_owner, sources } = shown;
        let writ_expires_at = record.writ_expires_at();
        let pending = record.pending().count();
        let grants = self.grants_of(&record, &|_| true);
        let TaskRecord {
            task,
            state,
            cause,
            closed_at,
            epoch,
            handed_over,
            lent,
            weakened,
            client_sandbox_off,
            ..
        } = record;
        TaskView {
            id: task.id,
            agent: task.agent,
            agent_name,
            agent_owner,
            client: task.client,
            kind: task.kind,
            requester: task.requester,
            intent: self.text(task.intent),
            workspace: self.text(task.workspace),
            branch_prefix: task.branch_prefix,
            environment: task.environment,
            supervision: task.supervision,
            limits: task.limits,
            bounds: task.bounds.and_then(|commitment| self.bounds(commitment).ok()),
            bounds_commitment: task.bounds,
            opened_at: task.opened_at,
            state,
            cause,
            closed_at,
            epoch,
            writ_expires_at,
            handed_over: handed_over.into_iter().collect(),
            lent: lent.into_iter().collect(),
            weakened: weakened.into_iter().collect(),
            client_sandbox_off,
            pending_approvals: u64::try_from(pending).unwrap_or(u64::MAX),
            grants,
            touched: sources.into_iter().map(|source| self.source_view(source)).collect(),
            used: now.then(|| self.used(task.id)).flatten(),
        }
    }

    /// The bounds under a commitment. Without them nobody knows what the task may do.
    pub(crate) fn bounds(&self, commitment: Digest) -> Result<Bounds, TaskError> {
        let text = self.text(commitment).ok_or(TaskError::BoundsErased)?;
        let bounds: Bounds = serde_json::from_str(&text).map_err(|_| TaskError::BoundsErased)?;
        bounds.check().map_err(|_| TaskError::BoundsErased)?;
        Ok(bounds)
    }

    /// What a live task used, or one that was closed since the start.
    pub(crate) fn used(&self, task: TaskId) -> Option<Used> {
        lock(self.meter()).get(&task).copied()
    }
}

/// A task with what is shown of its agent, taken from state in one look.
struct Shown {
    record: TaskRecord,
    agent_name: Label,
    agent_owner: writ_model::Human,
    sources: Vec<Source>,
}

// === impl Shown ===

impl Shown {
    fn new(state: &State, record: &TaskRecord) -> Self {
        let registration = state.agent(record.task.agent).map(|agent| &agent.registration);
        let unknown = || Label::lossy("unknown");
        Self {
            record: record.clone(),
            agent_name: registration.map_or_else(unknown, |r| r.name.clone()),
            agent_owner: registration.map_or_else(|| writ_model::Human(unknown()), |r| r.owner.clone()),
            sources: state.taints().sources(record.task.id, None),
        }
    }
}

// === impl TaskError ===

impl TaskError {
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Unknown(_) | Self::NoAgentFor(_) | Self::NoMark(_) => ErrorCode::NotFound,
            Self::OtherClient { .. }
            | Self::NoIntent
            | Self::IntentTooLong
            | Self::Workspace
            | Self::TooManyNames
            | Self::Limit { .. }
            | Self::Bounds(_)
            | Self::BoundsErased
            | Self::SeveralAgentsFor(_) => ErrorCode::Refused,
        }
    }

    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown(_) => Some("run `writ task list`".to_owned()),
            Self::NoIntent => Some("say what the agent is to do, with `--task TEXT`".to_owned()),
            Self::NoAgentFor(client) => Some(format!("run `writ agent register --client {client}`")),
            Self::SeveralAgentsFor(_) => Some("say which, with `--agent NAME`".to_owned()),
            Self::OtherClient { .. }
            | Self::IntentTooLong
            | Self::Workspace
            | Self::TooManyNames
            | Self::NoMark(_)
            | Self::Bounds(_)
            | Self::Limit { .. } => None,
            Self::BoundsErased => Some("close it and open a new one".to_owned()),
        }
    }
}
