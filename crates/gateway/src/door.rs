//! The hook door: every message of a client goes through here, and every one gets an answer in the client's form.
//!
//! Whatever goes wrong inside (a port that fails or hangs, a panic, a message without sense) is a refusal. The one way
//! to an "allow" runs through [`crate::admit`].

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};
use writ_ledger::Durability;
use writ_model::{
    Action, ActivityEvent, Client, Clock, EffectClass, Fingerprint, Label, ReasonCode, Resource, SessionId,
    TaskId, ToolCall,
};

use crate::admit::{self, output_payload, payload};
use crate::hook::{self, Frame, Heard, HookError, HookEvent, HookReply, Manner, ProposedCall};
use crate::judge::Bench;
use crate::port::{FileDigests, NewActivity, Office, PortError, Random, Survey};

mod decide;
mod elsewhere;
pub(crate) mod fetch;
mod grants;
mod hold;
mod model;
mod room;
mod session;
mod way_out;

pub use hold::unapprovable;
pub use model::ModelDoor;
pub use way_out::WayOut;

use model::Asks;
use room::Room;
use session::{Opened, Slot};

/// Longest wait for an answer of a port that needs no human.
const PORT_PATIENCE: Duration = Duration::from_secs(15);
/// Most sessions at once. One more is refused.
const MAX_SESSIONS: usize = 256;
/// Most messages without sense that are recorded. The answer is the same without a record.
const MAX_NOT_UNDERSTOOD: u32 = 1_000;
/// Most events in one record of the end of a session.
const MAX_BATCH: usize = 500;

/// What the door works with.
pub struct Ports<O> {
    pub office: O,
    pub bench: Arc<dyn Bench>,
    pub files: Arc<dyn FileDigests>,
    pub survey: Arc<dyn Survey>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
}

/// How the door behaves.
#[derive(Clone, Debug)]
pub struct DoorPlan {
    /// The task of a run. Messages that belong to no session are recorded there.
    pub task: Option<TaskId>,
    /// How admitted calls are let through.
    pub manner: Manner,
    /// Longest wait for a human.
    pub hold: Duration,
    /// When an answer must be there. Shorter than the hook process' own deadline.
    pub deadline: Duration,
    /// What the doors on the way out see, where there is no other way.
    pub ways_out: Option<WaysOut>,
    /// What an agent is told when its session starts, where its client passes it on.
    pub greeting: Option<String>,
    /// Files of the workspace that are empty where the agent is, as whole paths without links: nobody is asked about reading
    /// one, because a yes would not fill it.
    pub empty: Vec<PathBuf>,
}

/// What is seen, and decided, where it leaves.
#[derive(Clone, Debug, Default)]
pub struct WaysOut {
    /// Remotes that are reached by HTTP, by the names that the workspace has for them.
    pub remotes: Vec<String>,
    /// Whatever publishes goes by a door that looks into it.
    pub publishing: bool,
    /// Hosts of the client's own model, as policies name hosts.
    pub model: Vec<String>,
}

/// One hook socket's door.
pub struct Door<O> {
    ports: Ports<O>,
    plan: DoorPlan,
    /// The sessions that clients told of. Held for one look-up.
    sessions: Mutex<HashMap<(Client, String), Arc<Slot>>>,
    /// The tasks of those sessions. Held for one look-up.
    rooms: Mutex<HashMap<TaskId, Arc<Room>>>,
    not_understood: AtomicU32,
    /// The calls that hooks asked about. Held for one look-up.
    asks: Mutex<Asks>,
    /// Repositories that people said may be read.
    fetches: fetch::Fetches,
}

/// A refusal on its way out: the reason, and the text for the agent.
#[derive(Debug)]
struct No {
    reason: ReasonCode,
    text: String,
}

// === impl WaysOut ===

impl WaysOut {
    /// Whether a door on the way out sees this action as it happens.
    fn sees(&self, action: &Action) -> bool {
        match (&action.resource, action.effect) {
            (Resource::Ref { remote, .. }, EffectClass::GitPush | EffectClass::Network) => {
                let name = if remote.is_empty() { "origin" } else { remote };
                self.remotes.iter().any(|known| known == name)
            }
            // Which repositories these go to is said by each request; git has no other way out.
            (Resource::Command { program }, EffectClass::Network) => {
                matches!(program.as_str(), "git remote" | "git submodule")
            }
            (Resource::Package { .. }, EffectClass::Publish) => self.publishing,
            (_, _) => false,
        }
    }
}

// === impl Door ===

impl<O: Office> Door<O> {
    pub fn new(ports: Ports<O>, plan: DoorPlan) -> Self {
        Self {
            ports,
            plan,
            sessions: Mutex::default(),
            rooms: Mutex::default(),
            not_understood: AtomicU32::new(0),
            asks: Mutex::default(),
            fetches: fetch::Fetches::default(),
        }
    }

    /// The answer to one message. `peer_pid` is the hook process, as the system names it.
    ///
    /// Never fails, never panics and takes no longer than the plan's deadline. When it is dropped before it is done,
    /// nothing more is asked or spent.
    pub async fn handle(&self, frame: Frame<'_>, peer_pid: Option<u32>) -> HookReply {
        let Frame { client, event, payload } = frame;
        let until = Instant::now() + self.plan.deadline;
        let event = event.as_deref();
        let answer = timeout_at(until, unwound(self.answer(client, event, &payload, peer_pid, until))).await;
        let no = match answer {
            Ok(Some(Ok(reply))) => return reply,
            Ok(Some(Err(no))) => no,
            Ok(None) => No::new(ReasonCode::HookFailed, "the supervisor failed inside; tell the person"),
            Err(_) => No::new(ReasonCode::NotInTime, "no answer was ready in time; make the call again"),
        };
        tracing::debug!(%client, event, reason = %no.reason, "refused");
        match event {
            Some(event) => hook::worded(client, Some(event), &no.text),
            None => hook::worded(client, hook::event_in(payload.as_bytes()).as_deref(), &no.text),
        }
        .into()
    }

    /// Ends every session that has not ended by itself: the client has gone.
    pub async fn end_sessions(&self) {
        let slots: Vec<Arc<Slot>> = lock(&self.sessions).drain().map(|(_, slot)| slot).collect();
        for slot in slots {
            // Recorded if it can be; the task's own end says the rest.
            let _ = self.finish(&slot).await;
        }
    }

    async fn answer(
        &self,
        client: Client,
        event: Option<&str>,
        text: &str,
        peer_pid: Option<u32>,
        until: Instant,
    ) -> Result<HookReply, No> {
        let heard = match hook::parse(client, event, text) {
            Ok(heard) => heard,
            Err(error) => return Err(self.not_understood(client, &error).await),
        };
        if let HookEvent::BeforeTool(ProposedCall { client_call: Some(id), .. }) = &heard.event {
            lock(&self.asks).asked(client, id);
        }
        let key = (client, heard.session.clone());
        if let HookEvent::SessionEnded = heard.event {
            let slot = lock(&self.sessions).remove(&key);
            if let Some(slot) = slot {
                self.finish(&slot).await?;
            }
            return Ok(hook::noted());
        }
        let slot = self.slot(key)?;
        let opened = slot.opened.get_or_try_init(|| self.open(&slot, &heard, peer_pid)).await?;
        self.watch_model(opened, heard.model.as_ref()).await?;
        if let Some(claimed) = heard.autonomy {
            opened.room.learn_autonomy(claimed);
        }
        let Heard { event_name, cwd: _, event, .. } = heard;
        match event {
            HookEvent::BeforeTool(proposed) => {
                let id = proposed.client_call.clone();
                let reply = self.decide(&slot, opened, client, proposed, &event_name, until).await?;
                if let Some(id) = id {
                    lock(&self.asks).allowed(client, &id);
                }
                Ok(reply)
            }
            HookEvent::PermissionAsked(proposed) => {
                self.permission(&slot, opened, client, proposed, &event_name).await
            }
            HookEvent::AfterTool(ended) => {
                self.ended(&slot, opened, ended).await?;
                Ok(hook::noted())
            }
            HookEvent::Prompt { text } => {
                opened.room.may_go_on(&self.ports.office, self.ports.clock.now())?;
                let prompt = output_payload(self.ports.random.as_ref(), &text);
                let event = ActivityEvent::PromptSubmitted { session: slot.id, prompt: prompt.commitment };
                slot.make_room(&opened.room, prompt.bytes.len())?;
                self.record(&slot, opened, event, vec![prompt]).await?;
                Ok(hook::noted())
            }
            HookEvent::ConfigurationChanged { source } => {
                let event = ActivityEvent::ConfigurationChanged { session: slot.id, source };
                self.note(&slot, opened, event).await?;
                Err(No::new(
                    ReasonCode::FingerprintChanged,
                    "configuration does not change while a task runs; tell the person, who can make the change and \
                     start again",
                ))
            }
            HookEvent::SubagentStarted { subagent } => {
                self.note(&slot, opened, ActivityEvent::SubagentStarted { session: slot.id, subagent }).await
            }
            HookEvent::SubagentEnded { subagent } => {
                self.note(&slot, opened, ActivityEvent::SubagentEnded { session: slot.id, subagent }).await
            }
            HookEvent::TurnEnded => {
                slot.turn_ended();
                self.fetches.close();
                self.note(&slot, opened, ActivityEvent::TurnEnded { session: slot.id }).await
            }
            HookEvent::Noted => {
                self.note(&slot, opened, ActivityEvent::Noted { session: slot.id, event: event_name }).await
            }
            HookEvent::Unknown => {
                let event = ActivityEvent::InputRefused {
                    session: Some(slot.id),
                    client: Label::lossy(client.name()),
                    reason: ReasonCode::Unknown,
                };
                self.note(&slot, opened, event).await?;
                Err(No::new(ReasonCode::Unknown, "the client told of an event that Writ does not know"))
            }
            HookEvent::SessionStarted => Ok(hook::greeted(client, self.plan.greeting.as_deref())),
            HookEvent::SessionEnded => Ok(hook::noted()),
        }
    }

    /// Records what asks for no decision, as long as there is room: nobody fills the record with claims.
    async fn note(&self, slot: &Slot, opened: &Opened, event: ActivityEvent) -> Result<HookReply, No> {
        if slot.make_room(&opened.room, 0).is_ok() {
            self.record(slot, opened, event, Vec::new()).await?;
        }
        Ok(hook::noted())
    }

    /// The slot of a session, made on first sight: a client whose session start we missed is held to the same rules.
    fn slot(&self, key: (Client, String)) -> Result<Arc<Slot>, No> {
        let mut sessions = lock(&self.sessions);
        if sessions.len() >= MAX_SESSIONS && !sessions.contains_key(&key) {
            return Err(No::new(ReasonCode::LimitReached, "too many sessions are open at once"));
        }
        let slot = sessions.entry(key).or_insert_with(|| {
            let mut random = [0; 10];
            self.ports.random.fill(&mut random);
            Arc::new(Slot::new(SessionId::new(self.ports.clock.now(), random)))
        });
        Ok(Arc::clone(slot))
    }

    /// Finds the session's task, reports its fingerprint, and records its start.
    async fn open(&self, slot: &Slot, heard: &Heard, peer_pid: Option<u32>) -> Result<Opened, No> {
        let client = heard.client;
        let office = &self.ports.office;
        let facts = ported(office.task_of_session(client, slot.id, PathBuf::from(&heard.cwd), peer_pid))
            .await
            .map_err(No::port)?;
        let conversation = admit::sha256(format!("{client}\0{}", heard.session).as_bytes());
        let task = facts.task.id;
        let recalled = ported(office.recall_taint(task, conversation)).await.map_err(No::port)?;
        let room = self.room(facts, recalled.path_key)?;
        room.count_session()?;
        // Again, with the room in hand: another session may have marked something meanwhile.
        let in_turn = room.turn.lock().await;
        room.recall(ported(office.recall_taint(task, conversation)).await.map_err(No::port)?);
        drop(in_turn);
        let facts = &room.facts;
        let (survey, workspace) = (Arc::clone(&self.ports.survey), facts.workspace.clone());
        let looked =
            move || (survey.fingerprint(client, &workspace), survey.autonomy(client, &workspace, peer_pid));
        let seen = tokio::task::spawn_blocking(looked).await;
        let (mut seen, autonomy) =
            seen.map_err(|_| No::new(ReasonCode::HookFailed, "the client could not be looked at"))?;
        room.learn_autonomy(autonomy);
        let surveyed_model = seen.model.is_some();
        if !surveyed_model {
            seen.model = heard.model.clone();
        }
        ported(office.fingerprint_seen(facts.task.id, facts.task.agent, seen.clone()))
            .await
            .map_err(No::port)?;
        let observed =
            seen != Fingerprint { client_version: None, instructions: None, model: None, tools: None };
        let told = serde_json::json!({ "session": heard.session, "transcript": heard.transcript });
        let client_session = payload(self.ports.random.as_ref(), told.to_string().into_bytes());
        let event = ActivityEvent::SessionStarted {
            session: slot.id,
            agent: facts.task.agent,
            client_session: client_session.commitment,
            fingerprint: seen,
            autonomy: Some(autonomy.number()),
        };
        let opened = Opened::new(room, observed, conversation, heard.model.clone());
        self.record(slot, &opened, event, vec![client_session]).await?;
        Ok(opened)
    }

    fn room(&self, facts: crate::port::TaskFacts, path_key: [u8; 32]) -> Result<Arc<Room>, No> {
        let id = facts.task.id;
        if let Some(room) = lock(&self.rooms).get(&id) {
            return Ok(Arc::clone(room));
        }
        let judge = self.ports.bench.judge_of(&facts).map_err(|error| {
            tracing::error!(task = %id, error = &error as &dyn std::error::Error, "a task has no judge");
            No::new(ReasonCode::EvaluationError, "the policies of the task cannot be made; tell the person")
        })?;
        let mut texts = [0; 32];
        self.ports.random.fill(&mut texts);
        // Two sessions can get here at once; the first room stays, so that both count into it.
        let room = || Arc::new(Room::new(facts, judge, path_key, texts));
        Ok(Arc::clone(lock(&self.rooms).entry(id).or_insert_with(room)))
    }

    /// A session that names another model than at its start is reported; what follows is up to the standing.
    async fn watch_model(&self, opened: &Opened, model: Option<&Label>) -> Result<(), No> {
        let Some(model) = model.filter(|model| opened.is_new_model(model)) else { return Ok(()) };
        let seen =
            Fingerprint { client_version: None, instructions: None, model: Some(model.clone()), tools: None };
        let task = &opened.room.facts.task;
        ported(self.ports.office.fingerprint_seen(task.id, task.agent, seen)).await.map_err(No::port)?;
        opened.learn_model(model);
        Ok(())
    }

    /// Whether a hook asked about this call and it was allowed.
    fn was_allowed(&self, client: Client, id: &str) -> bool {
        lock(&self.asks).was_allowed(client, id)
    }

    fn was_asked(&self, client: Client, id: &str) -> bool {
        lock(&self.asks).was_asked(client, id)
    }

    /// Whether a session told that this is its model.
    fn names_model(&self, model: &Label) -> bool {
        let slots: Vec<Arc<Slot>> = lock(&self.sessions).values().cloned().collect();
        slots.iter().any(|slot| slot.opened.get().is_some_and(|opened| !opened.is_new_model(model)))
    }

    async fn not_understood(&self, client: Client, error: &HookError) -> No {
        let count = self.not_understood.fetch_add(1, Ordering::Relaxed);
        if let Some(task) = self.plan.task.filter(|_| count < MAX_NOT_UNDERSTOOD) {
            let event = ActivityEvent::InputRefused {
                session: None,
                client: Label::lossy(client.name()),
                reason: ReasonCode::InputMalformed,
            };
            let activity = vec![NewActivity { event, payloads: Vec::new() }];
            // The answer is a denial either way.
            let _ = ported(self.ports.office.record(task, activity, Durability::Written)).await;
        }
        No::new(ReasonCode::InputMalformed, &error.to_string())
    }

    /// Records one event of a session.
    async fn record(
        &self,
        slot: &Slot,
        opened: &Opened,
        event: ActivityEvent,
        payloads: Vec<crate::port::Payload>,
    ) -> Result<(), No> {
        slot.count(payloads.iter().map(|payload| payload.bytes.len()).sum());
        let task = opened.room.facts.task.id;
        let activity = vec![NewActivity { event, payloads }];
        ported(self.ports.office.record(task, activity, Durability::Written)).await.map_err(|_| {
            No::new(ReasonCode::RecordFailed, "what happens could not be recorded; tell the person")
        })?;
        Ok(())
    }

    /// Records calls without an outcome and the end of the session.
    async fn finish(&self, slot: &Slot) -> Result<(), No> {
        let Some(opened) = slot.opened.get() else { return Ok(()) };
        let missing = slot.take_open();
        let count = u64::try_from(missing.len()).unwrap_or(u64::MAX);
        let session = slot.id;
        let mut events: Vec<ActivityEvent> = missing
            .into_iter()
            .map(|call| ActivityEvent::CallEnded {
                session,
                call,
                outcome: writ_model::Outcome::Missing,
                output: None,
            })
            .collect();
        events.push(ActivityEvent::SessionEnded { session, missing_outcomes: count });
        let task = opened.room.facts.task.id;
        while !events.is_empty() {
            let rest = events.split_off(events.len().min(MAX_BATCH));
            let batch = events.into_iter().map(|event| NewActivity { event, payloads: Vec::new() }).collect();
            ported(self.ports.office.record(task, batch, Durability::Written)).await.map_err(|_| {
                No::new(ReasonCode::RecordFailed, "the end of the session could not be recorded")
            })?;
            events = rest;
        }
        Ok(())
    }

    /// The call that a proposal makes, under a new id.
    fn call(&self, proposed: ProposedCall, client: Client) -> ToolCall {
        let id = admit::call_id(self.ports.clock.now(), self.ports.random.as_ref());
        proposed.into_call(id, client)
    }
}

// === impl No ===

impl No {
    fn new(reason: ReasonCode, detail: &str) -> Self {
        let detail = crate::shown::plain(detail, 1_000);
        Self { reason, text: format!("Writ denied this ({}): {detail}", reason.name()) }
    }

    fn port(error: PortError) -> Self {
        match error {
            PortError::Unreachable(_) => Self::new(
                ReasonCode::ControlUnreachable,
                "the control plane does not answer; tell the person",
            ),
            PortError::Refused(why) => Self::new(ReasonCode::ControlRefused, &why),
            PortError::ApprovalsFull => Self::new(
                ReasonCode::ApprovalsFull,
                "too many requests of this task wait for a person already; go on with something else",
            ),
        }
    }
}

/// A port's answer, or that it did not come.
async fn ported<T>(answer: impl Future<Output = Result<T, PortError>>) -> Result<T, PortError> {
    match timeout(PORT_PATIENCE, answer).await {
        Ok(answer) => answer,
        Err(late) => Err(PortError::Unreachable(Box::new(late))),
    }
}

/// The future's result; `None` when it panicked.
async fn unwound<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

/// What a panicking holder left is still consistent: each critical section is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
