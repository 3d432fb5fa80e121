//! What the sessions of one task share: its judge, its counters and its taint.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use tokio::time::timeout;
use writ_model::{
    Action, AutonomyLevel, CallId, CloseCause, Label, LifecycleState, ReasonCode, StopCondition, TaskState,
    Timestamp, ToolCall,
};
use writ_policy::{
    Budget, Chain, Claim, FingerprintState, Footprint, Moment, OnIncident, PathKey, Risen, Ruling, Session,
    SessionKeys, Stopped, Story, TaskBounds, Usage, actions_of,
};

use super::{No, PORT_PATIENCE, lock};
use crate::judge::Judge;
use crate::port::{Recalled, Standing, TaskFacts, Tasks};

/// Most sessions of one task, ended ones included: each may record as much as the task allows per session.
const MAX_SESSIONS: u32 = 1_000;

pub(super) struct Room {
    pub(super) facts: TaskFacts,
    pub(super) judge: Arc<dyn Judge>,
    /// What the requester named, for what ends the task.
    bounds: Option<TaskBounds>,
    /// Held for one addition.
    tally: Mutex<Tally>,
    autonomy: AtomicU8,
    /// What all sessions and subagents of the task let in. Held for one call's comparison.
    session: Mutex<Session>,
    /// Held from a change of marks until it is on record, and from asking for the record until it is taken over.
    pub(super) turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Tally {
    calls: u64,
    denials: u64,
    sessions: u32,
    /// What reached out, and which files were changed.
    usage: Usage,
    /// The limit that was reached. Nothing is allowed from then on, whatever the standing says.
    ended: Option<CloseCause>,
}

// === impl Room ===

impl Room {
    /// `texts` is randomness of this process, for hashes that never leave it.
    pub(super) fn new(facts: TaskFacts, judge: Arc<dyn Judge>, path_key: [u8; 32], texts: [u8; 32]) -> Self {
        let session = Session::new(SessionKeys { texts, paths: PathKey::new(&path_key) });
        let turn = tokio::sync::Mutex::default();
        let bounds = facts.bounds.clone().map(TaskBounds::new);
        let (tally, autonomy) = (Mutex::default(), AtomicU8::new(AutonomyLevel::ASKS.number()));
        Self { facts, judge, bounds, tally, autonomy, session: Mutex::new(session), turn }
    }

    /// Takes over what is on record. Nothing falls by it but marks that a person cleared.
    pub(super) fn recall(&self, recalled: Recalled) {
        let Recalled { path_key: _, traces, marked, crowded } = recalled;
        let mut session = lock(&self.session);
        session.recall(traces);
        session.set_marks(marked, crowded);
    }

    /// What a call takes in, writes and runs.
    pub(super) fn footprint(&self, call: &ToolCall) -> Footprint {
        let ground = self.judge.ground();
        let actions = actions_of(call, ground.workspace, ground.files);
        Footprint::of(call, &actions, &ground)
    }

    /// Whether anything may happen under this task now.
    pub(super) fn may_go_on<T: Tasks>(&self, tasks: &T, now: Timestamp) -> Result<(), No> {
        if let Some(cause) = lock(&self.tally).ended {
            return Err(limit_reached(cause));
        }
        match tasks.standing(self.facts.task.id) {
            None => Err(No::new(ReasonCode::TaskNotOpen, "the task is not known here any more")),
            Some(standing) => refused_by(&standing, now),
        }
    }

    /// Takes note of how far the client acts without a person's answer: as it was seen, or as it says itself. It only rises.
    pub(super) fn learn_autonomy(&self, level: AutonomyLevel) {
        self.autonomy.fetch_max(level.number(), Ordering::SeqCst);
    }

    fn autonomy(&self) -> AutonomyLevel {
        AutonomyLevel::of(self.autonomy.load(Ordering::SeqCst))
    }

    /// Counts a session, or a try to open one.
    pub(super) fn count_session(&self) -> Result<(), No> {
        let mut tally = lock(&self.tally);
        tally.sessions = tally.sessions.saturating_add(1);
        if tally.sessions > MAX_SESSIONS {
            let told = "the task has had as many sessions as it may have. Stop, and tell the person";
            return Err(No::new(ReasonCode::LimitReached, told));
        }
        Ok(())
    }

    /// Counts a call. Reaching a limit closes the task.
    pub(super) async fn count_call<T: Tasks>(&self, tasks: &T, now: Timestamp) -> Result<(), No> {
        let limits = &self.facts.task.limits;
        let cause = {
            let mut tally = lock(&self.tally);
            if let Some(cause) = tally.ended {
                return Err(limit_reached(cause));
            }
            tally.calls = tally.calls.saturating_add(1);
            let cause = if self.facts.task.opened_at.until(now) >= limits.time() {
                Some(CloseCause::TimeLimit)
            } else if tally.calls > limits.calls {
                Some(CloseCause::CallLimit)
            } else {
                None
            };
            tally.ended = cause;
            cause
        };
        match cause {
            None => Ok(()),
            Some(cause) => {
                self.close(tasks, cause).await;
                Err(limit_reached(cause))
            }
        }
    }

    /// Counts a denial. The last one that the task has closes it.
    pub(super) async fn count_denial<T: Tasks>(&self, tasks: &T) {
        let reached = {
            let mut tally = lock(&self.tally);
            tally.denials = tally.denials.saturating_add(1);
            let reached = tally.ended.is_none() && tally.denials >= self.facts.task.limits.denials;
            if reached {
                tally.ended = Some(CloseCause::DenialLimit);
            }
            reached
        };
        if reached {
            self.close(tasks, CloseCause::DenialLimit).await;
        }
    }

    /// Counts what a call that is about to be allowed reaches and changes. Going beyond a limit closes the task.
    pub(super) async fn spend<T: Tasks>(&self, tasks: &T, actions: &[Action]) -> Result<(), No> {
        let limits = &self.facts.task.limits;
        let cause = {
            let mut tally = lock(&self.tally);
            let cause = tally.usage.beyond(actions, limits);
            match cause {
                None => tally.usage.count(actions),
                Some(cause) => _ = tally.ended.get_or_insert(cause),
            }
            cause
        };
        match cause {
            None => Ok(()),
            Some(cause) => {
                self.close(tasks, cause).await;
                Err(limit_reached(cause))
            }
        }
    }

    /// The condition for stopping that a call which is not allowed meets. From here on nothing is allowed; the task is
    /// closed by [`Room::end_for_stop`], once the refusal is on record.
    pub(super) fn stops(&self, ruling: &Ruling) -> Option<StopCondition> {
        let condition = self.bounds.as_ref()?.stopped_by(ruling)?;
        lock(&self.tally).ended.get_or_insert(CloseCause::StopCondition);
        Some(condition)
    }

    /// Ends the task on an incident, where it was to stop on one.
    pub(super) async fn end_for_incident<T: Tasks>(&self, tasks: &T) {
        let is_wanted = self
            .bounds
            .as_ref()
            .is_some_and(|bounds| bounds.bounds().stop_on.contains(&StopCondition::Incident));
        if is_wanted && lock(&self.tally).ended.replace(CloseCause::StopCondition).is_none() {
            self.close(tasks, CloseCause::StopCondition).await;
        }
    }

    /// What policies say about something that was stopped on its way out. A judge that fails inside says the most.
    pub(super) fn on_incident(&self, stopped: Stopped<'_>, now: Timestamp) -> OnIncident {
        let moment = {
            let taint = lock(&self.session).taint();
            Moment {
                taint,
                now,
                budget: self.budget(now),
                fingerprint: FingerprintState::Accepted,
                autonomy: self.autonomy(),
                chain: Chain::default(),
                story: Story::default(),
                carried: Vec::new(),
            }
        };
        let asked = catch_unwind(AssertUnwindSafe(|| self.judge.on_incident(stopped, &moment)));
        asked.unwrap_or_else(|_| OnIncident {
            suspended_by: vec![Label::lossy("the judge failed inside")],
            observed: Vec::new(),
        })
    }

    /// Nothing is allowed from here on, for an incident. True for the one that says so first.
    pub(super) fn stop_for_incident(&self) -> bool {
        lock(&self.tally).ended.replace(CloseCause::Incident) != Some(CloseCause::Incident)
    }

    /// Suspends the agent, once the incident is on record.
    pub(super) async fn suspend_for_incident<T: Tasks>(&self, tasks: &T) {
        self.close(tasks, CloseCause::Incident).await;
    }

    pub(super) async fn end_for_stop<T: Tasks>(&self, tasks: &T) {
        self.close(tasks, CloseCause::StopCondition).await;
    }

    /// A call ran otherwise than it was decided. What was said of the next ones would be worth nothing, so all ends.
    pub(super) async fn end_for_mismatch<T: Tasks>(&self, tasks: &T) {
        let first = lock(&self.tally).ended.replace(CloseCause::Mismatch).is_none();
        if first {
            self.close(tasks, CloseCause::Mismatch).await;
        }
    }

    async fn close<T: Tasks>(&self, tasks: &T, cause: CloseCause) {
        let task = self.facts.task.id;
        match timeout(PORT_PATIENCE, tasks.close(task, cause)).await {
            Ok(Ok(())) => {}
            // Denied here from now on all the same.
            Ok(Err(error)) => {
                tracing::warn!(%task, %cause, error = &error as &dyn std::error::Error, "a task could not be closed");
            }
            Err(_) => tracing::warn!(%task, %cause, "a task could not be closed in time"),
        }
    }

    pub(super) fn moment(&self, now: Timestamp, observed: bool, print: &Footprint) -> Moment {
        let before = lock(&self.session).before(print, &self.judge.ground());
        Moment {
            now,
            budget: self.budget(now),
            // A changed one has been refused before anybody asks for the moment.
            fingerprint: if observed { FingerprintState::Accepted } else { FingerprintState::Unobserved },
            autonomy: self.autonomy(),
            taint: before.taint,
            chain: before.chain,
            story: before.story,
            carried: before.carried,
        }
    }

    fn budget(&self, now: Timestamp) -> Budget {
        let tally = lock(&self.tally);
        let limits = &self.facts.task.limits;
        let spent = self.facts.task.opened_at.until(now).as_secs();
        Budget {
            calls_left: limits.calls.saturating_sub(tally.calls),
            denials_left: limits.denials.saturating_sub(tally.denials),
            seconds_left: limits.seconds.saturating_sub(spent),
        }
    }

    /// What all sessions have touched, as a text that differs when it does: of private things and secrets with each of them.
    pub(super) fn touched(&self) -> String {
        let session = lock(&self.session);
        format!("{:?} {}", session.taint(), session.confided())
    }

    /// How often something private or secret came in.
    pub(super) fn confided(&self) -> u64 {
        lock(&self.session).confided()
    }

    /// Whether the requester named all of these hosts.
    pub(super) fn names_hosts(&self, hosts: &[&str]) -> bool {
        self.bounds.as_ref().is_some_and(|bounds| hosts.iter().all(|host| bounds.names_host(host)))
    }

    /// The taint rises with what was allowed; before the answer, so that no call in parallel misses it.
    pub(super) fn raise(&self, print: &Footprint) -> Risen {
        lock(&self.session).after(print, &self.judge.ground())
    }

    /// And with what the client tells of the answer, which may only raise it.
    pub(super) fn heard(&self, call: CallId, output: &str) -> Risen {
        let output = Some(output).filter(|output| !matches!(output.trim(), "" | "null" | "\"\"" | "{}"));
        lock(&self.session).heard(call, &Claim { output, untrusted: false })
    }
}

fn limit_reached(cause: CloseCause) -> No {
    let limit = match cause {
        CloseCause::TimeLimit => "its time is up",
        CloseCause::CallLimit => "it has made all the calls it may make",
        CloseCause::DenialLimit => "it was refused too often",
        CloseCause::OutwardLimit => "it has reached out of the machine as often as it may",
        CloseCause::FileLimit => "it has changed as many files as it may",
        CloseCause::StopCondition => "a call met what the requester named for stopping",
        CloseCause::Mismatch => "a call ran otherwise than it was decided",
        CloseCause::Incident => {
            "something was leaving for which the organisation's policies suspend an agent"
        }
        CloseCause::Finished
        | CloseCause::ByPerson
        | CloseCause::Revoked
        | CloseCause::AgentSuspended
        | CloseCause::SupervisorLost
        | CloseCause::NotStarted
        | CloseCause::TornDown
        | CloseCause::WritLapsed => "it has ended",
    };
    No::new(ReasonCode::LimitReached, &format!("the task is closed: {limit}. Stop, and tell the person"))
}

/// What the standing refuses, the strongest reason first.
fn refused_by(standing: &Standing, now: Timestamp) -> Result<(), No> {
    let Standing {
        agent_state,
        task_state,
        writ_expires_at,
        revoked,
        fingerprint_changed,
        control_size: _,
        connected,
        grants: _,
        givable: _,
    } = standing;
    if *revoked {
        return Err(No::new(ReasonCode::Revoked, "a person revoked the agent, its task or its owner. Stop"));
    }
    if *fingerprint_changed {
        return Err(No::new(
            ReasonCode::FingerprintChanged,
            "model, instructions, tools or client changed and nobody accepted it. Tell the person, who can look at it \
             with `writ agent show` and accept it with `writ agent attest`",
        ));
    }
    match agent_state {
        LifecycleState::Active => {}
        LifecycleState::Discovered
        | LifecycleState::Requested
        | LifecycleState::Approved
        | LifecycleState::Suspended
        | LifecycleState::Quarantined
        | LifecycleState::Retired => {
            let told = format!("the agent is {agent_state}. Tell the person");
            return Err(No::new(ReasonCode::AgentNotActive, &told));
        }
    }
    match task_state {
        TaskState::Open => {}
        TaskState::Suspended | TaskState::Closed => {
            let told = format!("the task is {}. Stop, and tell the person", task_state.name());
            return Err(No::new(ReasonCode::TaskNotOpen, &told));
        }
    }
    if !connected {
        return Err(No::new(
            ReasonCode::ControlUnreachable,
            "the control plane does not answer; tell the person",
        ));
    }
    if *writ_expires_at <= now {
        return Err(No::new(
            ReasonCode::WritExpired,
            "the writ ran out and was not renewed; tell the person",
        ));
    }
    Ok(())
}
