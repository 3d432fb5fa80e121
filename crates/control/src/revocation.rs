//! Revocation: it acts first and is recorded second, because a full disk must not keep an authority alive.

use writ_model::{
    AgentId, CloseCause, ControlEvent, Human, LifecycleMove, LifecycleReason, LifecycleState, TaskId,
    TaskState,
};

use crate::api::message::{Revoke, RevokeTarget, Revoked};
use crate::fold::{Agent, State};
use crate::identity::{self, out_of_service, person};
use crate::office::{End, Office, OfficeError};
use crate::task::{TaskError, closing};

// === impl Office ===

impl Office {
    /// `revoke`: from here on nothing of it counts, whether or not there is room to record that.
    ///
    /// # Errors
    /// The target is not known. Not: that it could not be recorded; the answer tells.
    pub fn revoke(&self, by: &Human, ask: &Revoke) -> Result<Revoked, OfficeError> {
        let (agents, tasks) = {
            let state = self.state();
            reach_of(&state, &ask.target)?
        };
        // Without the desk: it may be waiting for a disk.
        self.end_now(&agents, &tasks);

        let mut desk = self.desk();
        // Again, with the desk: a task may have been opened between.
        let end = {
            let state = self.state();
            let (agents, tasks) = reach_of(&state, &ask.target)?;
            let events = revoking(&state, &ask.target, &agents, &tasks);
            End { by: person(by), agents, tasks, events }
        };
        self.end_now(&end.agents, &end.tasks);
        let (agents, tasks) = (end.agents.clone(), end.tasks.clone());
        let recorded = self.record_end(&mut desk, end);
        drop(desk);
        // What was looked at before is recorded before the answer; after it, nothing is allowed any more.
        self.let_pass();
        Ok(Revoked { agents, tasks, recorded })
    }
}

/// The live agents and tasks that a revocation ends.
fn reach_of(state: &State, target: &RevokeTarget) -> Result<(Vec<AgentId>, Vec<TaskId>), OfficeError> {
    let tasks_where = |fits: &dyn Fn(&crate::fold::TaskRecord) -> bool| {
        state.live_tasks().filter(|record| fits(record)).map(|record| record.task.id).collect()
    };
    Ok(match target {
        RevokeTarget::Agent(text) => {
            let id = identity::find(state, text)?.id;
            (vec![id], tasks_where(&|record| record.task.agent == id))
        }
        RevokeTarget::Task(id) => {
            let record = state.task(*id).ok_or(TaskError::Unknown(*id))?;
            let live = match record.state {
                TaskState::Open | TaskState::Suspended => vec![*id],
                TaskState::Closed => Vec::new(),
            };
            (Vec::new(), live)
        }
        RevokeTarget::Owner(owner) => {
            let owned =
                |agent: &&Agent| agent.registration.owner == *owner && agent.state != LifecycleState::Retired;
            let agents: Vec<AgentId> = state.agents().filter(owned).map(|agent| agent.id).collect();
            let tasks =
                tasks_where(&|record| agents.contains(&record.task.agent) || record.task.requester == *owner);
            (agents, tasks)
        }
    })
}

fn revoking(state: &State, target: &RevokeTarget, agents: &[AgentId], tasks: &[TaskId]) -> Vec<ControlEvent> {
    let mut events = match target {
        RevokeTarget::Agent(_) => {
            agents.iter().map(|agent| ControlEvent::AgentRevoked { agent: *agent }).collect()
        }
        RevokeTarget::Task(_) => tasks.iter().map(|task| ControlEvent::TaskRevoked { task: *task }).collect(),
        RevokeTarget::Owner(owner) => vec![ControlEvent::OwnerRevoked { owner: owner.clone() }],
    };
    let mut closed: Vec<TaskId> = Vec::new();
    for id in agents {
        // One that is not active yet, or no more, has no authority to lose; it is marked all the same.
        if state.agent(*id).is_some_and(|agent| agent.state == LifecycleState::Active) {
            events.extend(out_of_service(state, *id, LifecycleMove::Suspend, LifecycleReason::Revoked));
            let theirs = state.live_tasks().filter(|record| record.task.agent == *id);
            closed.extend(theirs.map(|record| record.task.id));
        }
    }
    for id in tasks.iter().filter(|id| !closed.contains(id)) {
        if let Some(record) = state.task(*id) {
            events.extend(closing(record, CloseCause::Revoked));
        }
    }
    events
}
