//! Where doors and office are wired together: the gateway's ports, kept by the control plane over its socket.
//!
//! A run has one task in hand, the per-user door of `writ serve` one for each hooked session; both keep them the same
//! way. Every wait has a bound: a control plane that does not answer is a refusal at the door, not a hanging client.

use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use writ_control::api::client::{Client as Office, ClientError};
use writ_control::api::message as say;
use writ_control::api::{Bytes, ErrorCode};
use writ_gateway::port::{self, PortError, Recalled, TaskFacts};
use writ_ledger::{Durability, Receipt, Stream};
use writ_model::{
    AgentId, ApprovalId, ApprovalState, CallId, Client, CloseCause, Digest, Fingerprint, SessionId, TaskId,
};
use writ_policy::{Mark, Marked, Risen, Trace};

use crate::config::State;
use crate::failure::Failure;

mod clock;
pub(crate) mod files;
mod held;
mod random;
mod survey;
mod tally;

pub(crate) use clock::{SystemClock, now};
pub(crate) use files::{Files, Masked, sha256};
pub(crate) use held::{Held, Why};
pub(crate) use random::SystemRandom;
pub(crate) use survey::Survey;
pub(crate) use tally::Counts;

/// Longest wait for an answer that needs no human.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs one command's conversation with the control plane.
pub(crate) fn block_on<T>(conversation: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(conversation)
}

/// Connects to the control plane of this user.
pub(crate) async fn connect(state: &State) -> Result<Office, Failure> {
    let path = crate::config::socket_path(state.control_socket())?;
    Ok(Office::connect(&path).await?)
}

/// Where the tasks of this door come from.
pub(crate) enum Source {
    /// One run, one task.
    Run(TaskId),
    /// Sessions that clients start by themselves: each gets a task under the narrowest profile.
    Sessions(State),
}

/// The ports of a door. Cheap to clone; all clones share the tasks in hand.
#[derive(Clone)]
pub(crate) struct Wire(Arc<Hands>);

struct Hands {
    source: Source,
    /// The tasks in hand; held for one look-up.
    tasks: Mutex<HashMap<TaskId, Arc<Held>>>,
    /// Whose each request for approval is; held for one look-up. As many as the tasks may ask for.
    asked: Mutex<HashMap<ApprovalId, TaskId>>,
    tally: tally::Tally,
}

// === impl Wire ===

impl Wire {
    /// For the one task of a run.
    pub(crate) fn of_run(held: Arc<Held>) -> Self {
        let task = held.id();
        Self::new(Source::Run(task), HashMap::from([(task, held)]))
    }

    /// For sessions that nobody supervises.
    pub(crate) fn of_sessions(state: State) -> Self {
        Self::new(Source::Sessions(state), HashMap::new())
    }

    fn new(source: Source, tasks: HashMap<TaskId, Arc<Held>>) -> Self {
        let tasks = Mutex::new(tasks);
        Self(Arc::new(Hands { source, tasks, asked: Mutex::default(), tally: tally::Tally::default() }))
    }

    /// What was recorded through this door so far.
    pub(crate) fn counts(&self) -> Counts {
        self.0.tally.counts()
    }

    fn held(&self, task: TaskId) -> Result<Arc<Held>, PortError> {
        lock(&self.0.tasks)
            .get(&task)
            .cloned()
            .ok_or_else(|| PortError::Refused(format!("task `{task}` is not served here")))
    }

    async fn session(
        &self,
        state: &State,
        client: Client,
        session: Digest,
        cwd: PathBuf,
    ) -> Result<Arc<Held>, PortError> {
        let ask = say::SessionOpen {
            client,
            client_session: session,
            workspace: cwd.to_string_lossy().into_owned(),
            agent: None,
        };
        let opened = async {
            let office = Office::connect(&state.control_socket()).await?;
            Held::of_session(office, state.clone(), ask).await
        };
        let held = within(PATIENCE, opened).await?;
        let mut tasks = lock(&self.0.tasks);
        tasks.retain(|_, held| held.ended().is_none());
        Ok(Arc::clone(tasks.entry(held.id()).or_insert(held)))
    }
}

impl port::Record for Wire {
    async fn record(
        &self,
        task: TaskId,
        activity: Vec<port::NewActivity>,
        durability: Durability,
    ) -> Result<Vec<Receipt>, PortError> {
        let held = self.held(task)?;
        let control_size = held.standing().control_size;
        let events: Vec<_> = activity.iter().map(|activity| activity.event.clone()).collect();
        let activity = activity
            .into_iter()
            .map(|port::NewActivity { event, payloads }| say::NewActivity {
                event,
                payloads: payloads.into_iter().map(payload).collect(),
            })
            .collect();
        let durability = match durability {
            Durability::Written => say::Keep::Written,
            Durability::Synced => say::Keep::Synced,
        };
        let ask = |writ| say::Record { writ, activity, durability, control_size: Some(control_size) };
        let say::Recorded { receipts } = within(PATIENCE, held.call(ask)).await?;
        self.0.tally.count(&events);
        Ok(receipts.into_iter().map(receipt).collect())
    }
}

impl port::Approvals for Wire {
    async fn take(
        &self,
        task: TaskId,
        action: Digest,
        call: CallId,
    ) -> Result<Option<port::Taken>, PortError> {
        let held = self.held(task)?;
        let say::ApprovalTaken { taken } =
            within(PATIENCE, held.call(|writ| say::ApprovalTake { writ, call, action })).await?;
        Ok(taken.map(|say::Taken { approval, level, receipt: view }| port::Taken {
            approval,
            level,
            receipt: receipt(view),
        }))
    }

    async fn ask(&self, ask: port::Ask) -> Result<ApprovalId, PortError> {
        let port::Ask { task, call, action, level, shown } = ask;
        let held = self.held(task)?;
        let shown = payload(shown);
        let asked =
            within(PATIENCE, held.call(|writ| say::ApprovalAsk { writ, call, action, level, shown })).await?;
        lock(&self.0.asked).insert(asked.approval, task);
        Ok(asked.approval)
    }

    async fn wait(&self, approval: ApprovalId, patience: Duration) -> Result<ApprovalState, PortError> {
        let task = lock(&self.0.asked).get(&approval).copied();
        let task =
            task.ok_or_else(|| PortError::Refused(format!("approval `{approval}` was not asked for here")))?;
        let held = self.held(task)?;
        let patience_millis =
            u64::try_from(patience.as_millis()).unwrap_or(u64::MAX).min(say::MAX_PATIENCE_MILLIS);
        let ask = |writ| say::ApprovalWait { writ, approval, patience_millis };
        Ok(within(patience.saturating_add(PATIENCE), held.call(ask)).await?.state)
    }
}

impl port::Tasks for Wire {
    async fn task_of_session(
        &self,
        client: Client,
        session: SessionId,
        cwd: PathBuf,
        _peer_pid: Option<u32>,
    ) -> Result<TaskFacts, PortError> {
        match &self.0.source {
            Source::Run(task) => Ok(self.held(*task)?.facts().clone()),
            Source::Sessions(state) => {
                let session = sha256(session.to_string().as_bytes());
                let cwd = cwd.canonicalize().map_err(|error| PortError::Refused(error.to_string()))?;
                Ok(self.session(state, client, session, cwd).await?.facts().clone())
            }
        }
    }

    fn standing(&self, task: TaskId) -> Option<port::Standing> {
        self.held(task).ok().map(|held| held.standing())
    }

    async fn fingerprint_seen(
        &self,
        task: TaskId,
        _agent: AgentId,
        seen: Fingerprint,
    ) -> Result<port::Standing, PortError> {
        let held = self.held(task)?;
        let standing = within(PATIENCE, held.call(|writ| say::FingerprintSeen { writ, seen })).await?;
        held.learn(&standing);
        Ok(held.standing())
    }

    async fn close(&self, task: TaskId, cause: CloseCause) -> Result<(), PortError> {
        let held = self.held(task)?;
        within(PATIENCE, held.close(cause)).await?;
        Ok(())
    }
}

impl port::Taints for Wire {
    async fn recall_taint(&self, task: TaskId, client_session: Digest) -> Result<Recalled, PortError> {
        let held = self.held(task)?;
        let ask = |writ| say::TaintRecall { writ, client_session };
        let say::Tainted { path_key, sources, marks, crowded } = within(PATIENCE, held.call(ask)).await?;
        let path_key = <[u8; 32]>::try_from(path_key.0.as_slice()).map_err(|_| {
            PortError::Refused("the key of the workspace's paths has another length".to_owned())
        })?;
        let traces = sources
            .into_iter()
            .map(|source| Trace::new(source.source, source.what.as_deref().unwrap_or("erased"), source.call));
        let marked = marks.into_iter().map(|mark| Marked {
            file: mark.file,
            path: mark.path.map(Into::into),
            marks: vec![Mark {
                from: mark.source,
                what: mark.what.unwrap_or_default().into(),
                whole: mark.whole,
            }],
        });
        Ok(Recalled { path_key, traces: traces.collect(), marked: marked.collect(), crowded })
    }

    async fn report_taint(
        &self,
        task: TaskId,
        session: SessionId,
        client_session: Digest,
        risen: Risen,
    ) -> Result<(), PortError> {
        let held = self.held(task)?;
        let Risen { traces, marked, gone } = risen;
        let sources = traces.into_iter().map(|trace| say::NewSource {
            source: trace.kind,
            call: trace.call,
            what: trace.what.into(),
        });
        let marks = marked.into_iter().flat_map(|Marked { path, marks, .. }| {
            let path: String = path.map(Into::into).unwrap_or_default();
            marks.into_iter().map(move |mark| say::NewMark {
                path: path.clone(),
                source: mark.from,
                whole: mark.whole,
                what: mark.what.into(),
            })
        });
        let (sources, marks): (Vec<_>, Vec<_>) = (sources.collect(), marks.collect());
        let ask = |writ| say::TaintReport { writ, session, client_session, sources, marks, gone };
        within(PATIENCE, held.call(ask)).await?;
        Ok(())
    }
}

fn payload(payload: port::Payload) -> say::Payload {
    let port::Payload { commitment, salt, bytes } = payload;
    say::Payload { commitment, salt: Bytes(salt.to_vec()), bytes: Bytes(bytes) }
}

fn receipt(view: say::ReceiptView) -> Receipt {
    let say::ReceiptView { log, index, tree_size, durability } = view;
    let stream = match log {
        say::Log::Activity => Stream::Activity,
        say::Log::Control => Stream::Control,
    };
    let durability = match durability {
        say::Keep::Written => Durability::Written,
        say::Keep::Synced => Durability::Synced,
    };
    Receipt::from_control_plane(durability, stream, index, tree_size)
}

/// The answer, or what the door makes of there being none.
async fn within<T>(
    patience: Duration,
    answer: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, PortError> {
    match tokio::time::timeout(patience, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(ClientError::Refused(refused))) if refused.code == ErrorCode::ApprovalsFull => {
            Err(PortError::ApprovalsFull)
        }
        Ok(Err(ClientError::Refused(refused))) => Err(PortError::Refused(refused.message)),
        Ok(Err(error)) => Err(PortError::Unreachable(error.into())),
        Err(late) => Err(PortError::Unreachable(late.into())),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
