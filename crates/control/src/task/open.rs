//! Opening: who asks, for which agent, what for, within which limits.

use writ_model::{
    Actor, ControlEvent, Digest, Human, Label, Limits, Supervision, Task, TaskId, TaskKind, Timestamp, WritId,
};

use crate::api::message::{MAX_INTENT_BYTES, SessionOpen, TaskOpen, TaskOpened, Used, WritToken};
use crate::identity;
use crate::office::{Change, Desk, Office, OfficeError, StandingError, lock};
use crate::writ::Issued;

use super::{MAX_NAMES, MAX_PATH_BYTES, TaskError};

/// Hours that a task may last at most.
const MAX_SECONDS: u64 = 24 * 3_600;

/// What a session without a supervisor of its own is for, as far as anybody knows.
const HOOKED_INTENT: &str = "a session that was started without `writ run`";

// === impl Office ===

impl Office {
    /// `task.open`: for an active agent. The requester is whoever asks.
    pub fn task_open(&self, by: &Human, ask: TaskOpen) -> Result<TaskOpened, OfficeError> {
        let mut desk = self.desk();
        self.open_as(&mut desk, by, ask, Supervision::Governed)
    }

    /// `session.open`: the same session gets the same task, as long as it is open.
    pub fn session_open(&self, by: &Human, ask: SessionOpen) -> Result<TaskOpened, OfficeError> {
        let SessionOpen { client, client_session, workspace, agent } = ask;
        let mut desk = self.desk();
        let known = lock(self.sessions()).get(&(client, client_session)).copied();
        if let Some(task) = known
            && let Some(opened) = self.reissue(&mut desk, task)?
        {
            return Ok(opened);
        }
        let agent = match agent {
            Some(agent) => agent,
            None => self.only_agent_for(client)?,
        };
        let open = TaskOpen {
            agent,
            client,
            kind: TaskKind::Review,
            intent: HOOKED_INTENT.to_owned(),
            workspace,
            limits: None,
            handed_over: Vec::new(),
            weakened: Vec::new(),
            client_sandbox_off: None,
            bounds: None,
        };
        let opened = self.open_as(&mut desk, by, open, Supervision::Hooked)?;
        lock(self.sessions()).insert((client, client_session), opened.task.id);
        Ok(opened)
    }

    fn open_as(
        &self,
        desk: &mut Desk,
        by: &Human,
        ask: TaskOpen,
        supervision: Supervision,
    ) -> Result<TaskOpened, OfficeError> {
        let TaskOpen {
            agent,
            client,
            kind,
            intent,
            workspace,
            limits,
            handed_over,
            weakened,
            client_sandbox_off,
            bounds,
        } = ask;
        let (intent, limits) = (intent.trim(), limits.unwrap_or_default());
        let bounds = bounds.filter(|bounds| !bounds.is_empty());
        bounds.as_ref().map_or(Ok(()), |bounds| bounds.check().map_err(TaskError::Bounds))?;
        check(intent, &workspace, &limits, handed_over.len().max(weakened.len()))?;
        // Dates first, so that an agent whose time is up is suspended by being used, not only by the clock.
        self.suspend_lapsed(desk)?;
        let now = self.now();
        let agent = {
            let state = self.state();
            let agent = identity::find(&state, &agent)?;
            self.agent_in_force(agent, now)?;
            if agent.registration.client != client {
                let registration = &agent.registration;
                let (name, is) = (registration.name.clone(), registration.client);
                return Err(TaskError::OtherClient { agent: name, is, wanted: client }.into());
            }
            agent.clone()
        };
        let id = self.fresh(now, TaskId::new)?;
        let (intent_digest, intent_payload) = self.seal(&id, intent)?;
        let (workspace_digest, workspace_payload) = self.seal(&id, &workspace)?;
        let mut payloads = vec![intent_payload, workspace_payload];
        let mut bounds_digest = None;
        if let Some(bounds) = &bounds {
            let text = serde_json::to_string(bounds).map_err(|_| TaskError::BoundsErased)?;
            let (digest, payload) = self.seal(&id, &text)?;
            payloads.push(payload);
            bounds_digest = Some(digest);
        }
        let task = Task {
            id,
            agent: agent.id,
            client,
            kind,
            requester: by.clone(),
            intent: intent_digest,
            workspace: workspace_digest,
            branch_prefix: branch_prefix(kind, id),
            environment: agent.registration.environment.clone(),
            supervision,
            limits,
            bounds: bounds_digest,
            opened_at: now,
        };
        let epoch = 1;
        let (issued, writ) = self.issue(&task, epoch, now)?;
        let mut events = vec![ControlEvent::TaskOpened { task: task.clone() }];
        events.extend(
            handed_over.into_iter().map(|name| ControlEvent::CredentialHandedOver { task: id, name }),
        );
        events.extend(weakened.into_iter().map(|layer| ControlEvent::SafetyWeakened { task: id, layer }));
        events.extend(client_sandbox_off.map(|by| ControlEvent::ClientSandboxOff { task: id, by }));
        events.push(ControlEvent::TaskAttached { task: id, epoch });
        events.push(writ);
        let change = Change { payloads, ..Change::new(now, Actor::Human(by.clone()), events) };
        self.commit(desk, change)?;
        lock(self.meter()).insert(id, Used::default());
        self.expect_supervisor(id);
        self.opened(id, issued.token)
    }

    /// A fresh writ for a task, and the event that records it.
    pub(super) fn issue(
        &self,
        task: &Task,
        epoch: u64,
        now: Timestamp,
    ) -> Result<(Issued, ControlEvent), OfficeError> {
        let writ = self.fresh(now, WritId::new)?;
        let issued = self.writs().issue(task, epoch, writ, now)?;
        let (token, expires_at): (Digest, Timestamp) = (issued.digest, issued.expires_at);
        let event = ControlEvent::WritIssued { writ, task: task.id, agent: task.agent, token, expires_at };
        Ok((issued, event))
    }

    /// What a supervisor is handed.
    pub(super) fn opened(&self, id: TaskId, writ: WritToken) -> Result<TaskOpened, OfficeError> {
        let (task, epoch, standing, registration) = {
            let state = self.state();
            let record = state.task(id).ok_or(TaskError::Unknown(id))?;
            let agent = state.agent(record.task.agent).ok_or(StandingError::UnknownWrit)?;
            (record.task.clone(), record.epoch, self.standing(&state, record), agent.registration.clone())
        };
        Ok(TaskOpened {
            intent: self.text(task.intent).unwrap_or_default(),
            workspace: self.text(task.workspace).unwrap_or_default(),
            bounds: task.bounds.map(|commitment| self.bounds(commitment)).transpose()?,
            task,
            agent_name: registration.name,
            agent_owner: registration.owner,
            agent_environment: registration.environment,
            writ,
            epoch,
            standing,
        })
    }

    fn only_agent_for(&self, client: writ_model::Client) -> Result<String, OfficeError> {
        let now = self.now();
        let state = self.state();
        let mut fitting = state.agents().filter(|agent| {
            agent.registration.client == client && agent.state == writ_model::LifecycleState::Active
        });
        match (fitting.next(), fitting.next()) {
            (None, _) => Err(TaskError::NoAgentFor(client).into()),
            (Some(_), Some(_)) => Err(TaskError::SeveralAgentsFor(client).into()),
            (Some(agent), None) => {
                self.agent_in_force(agent, now)?;
                Ok(agent.id.to_string())
            }
        }
    }
}

/// `writ/KIND/` and the random end of the task's id.
fn branch_prefix(kind: TaskKind, id: TaskId) -> Label {
    let id = id.to_string();
    let (_, end) = id.split_at_checked(id.len().saturating_sub(12)).unwrap_or(("", &id));
    Label::lossy(&format!("writ/{kind}/{end}"))
}

fn check(intent: &str, workspace: &str, limits: &Limits, names: usize) -> Result<(), TaskError> {
    if intent.is_empty() {
        return Err(TaskError::NoIntent);
    }
    if intent.len() > MAX_INTENT_BYTES {
        return Err(TaskError::IntentTooLong);
    }
    let fits = workspace.starts_with('/') && workspace.len() <= MAX_PATH_BYTES && !workspace.contains('\0');
    if !fits {
        return Err(TaskError::Workspace);
    }
    if names > MAX_NAMES {
        return Err(TaskError::TooManyNames);
    }
    let within = |what, value: u64, least, most| {
        if (least..=most).contains(&value) { Ok(()) } else { Err(TaskError::Limit { what, least, most }) }
    };
    let Limits { seconds, calls, denials, recorded_bytes, pending_approvals, outward_calls, files_written } =
        *limits;
    within("time", seconds, 1, MAX_SECONDS)?;
    within("calls", calls, 1, 1_000_000)?;
    within("denials", denials, 1, 1_000_000)?;
    within("bytes recorded", recorded_bytes, 64 << 10, 4 << 30)?;
    within("approvals waiting", u64::from(pending_approvals), 0, 100)?;
    within("calls that reach out", outward_calls.unwrap_or(0), 0, 1_000_000)?;
    within("files changed", files_written.unwrap_or(0), 0, 1_000_000)
}
