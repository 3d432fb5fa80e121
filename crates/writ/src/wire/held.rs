//! One task in hand: its writ, kept fresh, and how it stands, kept current.
//!
//! The writ never leaves this process. When the control plane goes away the task is marked as cut off, which the doors
//! answer with refusals, and taken up again when it is back; when the writ runs out first, the task has ended.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use writ_control::api::client::{Client as Office, ClientError, Subscription};
use writ_control::api::message as say;
use writ_control::api::{Ask, ErrorCode};
use writ_gateway::port::{Standing, TaskFacts};
use writ_model::{CloseCause, Grant, TaskId, TaskState};

use super::{PATIENCE, now};
use crate::config::State;

/// Between two tries to renew a writ or to reach the control plane.
const RETRY: Duration = Duration::from_millis(250);
/// Longest time between two looks at the clock, so that a writ of a suspended machine is noticed.
const LOOK: Duration = Duration::from_secs(30);

/// Why a task can go no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// It was closed.
    Closed(CloseCause),
    /// Another supervisor took it over.
    Fenced,
    /// Its writ ran out.
    Lapsed,
    /// The control plane came back and does not give it to us again.
    Lost,
    /// Agent, task or owner was revoked.
    Revoked,
    /// Its time is up.
    Time,
}

/// A task in the hands of this process.
pub(crate) struct Held {
    facts: TaskFacts,
    /// Held for one copy.
    hand: Mutex<Hand>,
    standing: watch::Sender<Standing>,
    ended: watch::Sender<Option<Why>>,
}

/// What changes when the task is taken up anew.
#[derive(Clone)]
struct Hand {
    office: Office,
    writ: say::WritToken,
    epoch: u64,
    renew_at: Instant,
    lapse_at: Instant,
    deadline_at: Instant,
    /// What those times were worked out from.
    told: say::Standing,
}

// === impl Held ===

impl Held {
    /// Opens a task. From then on it is kept until it ends.
    pub(crate) async fn open(
        office: Office,
        state: State,
        ask: say::TaskOpen,
    ) -> Result<Arc<Self>, ClientError> {
        let opened = office.call(ask).await?;
        Self::keep(office, state, opened).await
    }

    /// The task of a session that nobody supervises.
    pub(crate) async fn of_session(
        office: Office,
        state: State,
        ask: say::SessionOpen,
    ) -> Result<Arc<Self>, ClientError> {
        let opened = office.call(ask).await?;
        Self::keep(office, state, opened).await
    }

    async fn keep(office: Office, state: State, opened: say::TaskOpened) -> Result<Arc<Self>, ClientError> {
        let say::TaskOpened {
            task,
            agent_name,
            agent_owner,
            agent_environment,
            intent,
            workspace,
            bounds,
            writ,
            epoch,
            standing,
        } = opened;
        let pushes = office.watch(say::StandingWatch { writ: writ.clone() }).await?;
        let [renew_at, lapse_at, deadline_at] = due(&standing);
        let held = Arc::new(Self {
            facts: TaskFacts {
                task,
                agent_name,
                agent_owner,
                agent_environment,
                workspace: workspace.into(),
                intent,
                bounds,
            },
            hand: Mutex::new(Hand {
                office,
                writ,
                epoch,
                renew_at,
                lapse_at,
                deadline_at,
                told: standing.clone(),
            }),
            standing: watch::Sender::new(connected(&standing)),
            ended: watch::Sender::new(None),
        });
        held.learn(&standing);
        tokio::spawn(Arc::clone(&held).follow(state, pushes));
        Ok(held)
    }

    pub(crate) fn id(&self) -> TaskId {
        self.facts.task.id
    }

    pub(crate) fn facts(&self) -> &TaskFacts {
        &self.facts
    }

    /// How the task stands now.
    pub(crate) fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    /// Why the task can go no further; nothing while it can.
    pub(crate) fn ended(&self) -> Option<Why> {
        *self.ended.borrow()
    }

    /// Waits until the task can go no further.
    pub(crate) async fn end(&self) -> Why {
        let mut ended = self.ended.subscribe();
        match ended.wait_for(Option::is_some).await.ok().and_then(|why| *why) {
            Some(why) => why,
            None => Why::Lost,
        }
    }

    /// Asks the control plane something under the writ.
    pub(crate) async fn call<A: Ask>(
        &self,
        ask: impl FnOnce(say::WritToken) -> A,
    ) -> Result<A::Answer, ClientError> {
        let Hand { office, writ, .. } = self.hand();
        office.call(ask(writ)).await
    }

    /// Closes the task. Nothing is returned when it was closed before.
    pub(crate) async fn close(&self, cause: CloseCause) -> Result<Option<say::TaskClosed>, ClientError> {
        match self.call(|writ| say::TaskEnd { writ, cause }).await {
            Ok(closed) => {
                self.over(Why::Closed(closed.cause));
                Ok(Some(closed))
            }
            Err(ClientError::Refused(refused)) if refused.code == ErrorCode::TaskNotOpen => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes over what the control plane says; its answer to a report is as good as a push.
    pub(crate) fn learn(&self, standing: &say::Standing) {
        let hand = self.hand();
        self.standing.send_replace(connected(standing));
        let why = if standing.epoch > hand.epoch {
            Some(Why::Fenced)
        } else if standing.revoked {
            Some(Why::Revoked)
        } else {
            match (standing.task_state, standing.cause) {
                (TaskState::Closed, cause) => Some(cause.map_or(Why::Lost, Why::Closed)),
                (TaskState::Open | TaskState::Suspended, _) => None,
            }
        };
        if let Some(why) = why {
            self.over(why);
        }
    }

    async fn follow(self: Arc<Self>, state: State, mut pushes: Subscription<say::Standing>) {
        while self.ended().is_none() {
            let Hand { renew_at, lapse_at, deadline_at, .. } = self.hand();
            let look = Instant::now() + LOOK;
            tokio::select! {
                biased;
                // A writ never outlasts its task, so the task's end is looked at first.
                () = tokio::time::sleep_until(deadline_at) => self.over(Why::Time),
                push = pushes.next() => match push {
                    Some(Ok(standing)) => self.learn(&standing),
                    Some(Err(_)) | None => match self.take_up(&state).await {
                        Some(again) => pushes = again,
                        None => return,
                    },
                },
                () = tokio::time::sleep_until(lapse_at) => self.over(Why::Lapsed),
                () = tokio::time::sleep_until(renew_at.min(look)) => {
                    if Instant::now() >= renew_at || self.standing().writ_expires_at <= now() {
                        self.renew().await;
                    }
                }
            }
        }
    }

    async fn renew(&self) {
        let answer = tokio::time::timeout(PATIENCE, self.call(|writ| say::WritRenew { writ })).await;
        let mut hand = lock(&self.hand);
        match answer {
            Ok(Ok(say::WritRenewed { writ, expires_at })) => {
                let renewed = say::Standing { writ_expires_at: expires_at, ..hand.told.clone() };
                let [renew_at, lapse_at, deadline_at] = due(&renewed);
                *hand = Hand { writ, renew_at, lapse_at, deadline_at, told: renewed, ..hand.clone() };
                self.standing.send_modify(|standing| standing.writ_expires_at = expires_at);
            }
            Ok(Err(ClientError::Refused(refused))) if refused.code == ErrorCode::StaleEpoch => {
                drop(hand);
                self.over(Why::Fenced);
            }
            Ok(Err(_)) | Err(_) => hand.renew_at = Instant::now() + RETRY * 4,
        }
    }

    /// Takes the task up again after the connection broke; nothing when that is over for good.
    async fn take_up(&self, state: &State) -> Option<Subscription<say::Standing>> {
        self.standing.send_modify(|standing| standing.connected = false);
        while self.ended().is_none() {
            let Hand { lapse_at, deadline_at, .. } = self.hand();
            if Instant::now() >= lapse_at {
                self.over(if Instant::now() >= deadline_at { Why::Time } else { Why::Lapsed });
                return None;
            }
            match tokio::time::timeout(PATIENCE, self.attach(state)).await {
                Ok(Ok(pushes)) => return Some(pushes),
                Ok(Err(ClientError::Refused(refused))) if refused.code != ErrorCode::Overloaded => {
                    self.over(Why::Lost);
                    return None;
                }
                Ok(Err(_)) | Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
        None
    }

    async fn attach(&self, state: &State) -> Result<Subscription<say::Standing>, ClientError> {
        let office = Office::connect(&state.control_socket()).await?;
        let say::TaskOpened { writ, epoch, standing, .. } =
            office.call(say::TaskAttach { writ: self.hand().writ }).await?;
        let pushes = office.watch(say::StandingWatch { writ: writ.clone() }).await?;
        let [renew_at, lapse_at, deadline_at] = due(&standing);
        *lock(&self.hand) =
            Hand { office, writ, epoch, renew_at, lapse_at, deadline_at, told: standing.clone() };
        self.learn(&standing);
        Ok(pushes)
    }

    /// The first reason stays.
    fn over(&self, why: Why) {
        self.ended.send_if_modified(|ended| set_once(ended, why));
    }

    fn hand(&self) -> Hand {
        lock(&self.hand).clone()
    }
}

// === impl Why ===

impl Why {
    /// The cause that the record gets, where this process has to give one.
    pub(crate) const fn cause(self) -> CloseCause {
        match self {
            Self::Closed(cause) => cause,
            Self::Fenced | Self::Lost => CloseCause::SupervisorLost,
            Self::Lapsed => CloseCause::WritLapsed,
            Self::Revoked => CloseCause::Revoked,
            Self::Time => CloseCause::TimeLimit,
        }
    }
}

fn set_once(ended: &mut Option<Why>, why: Why) -> bool {
    let first = ended.is_none();
    ended.get_or_insert(why);
    first
}

/// When to renew the newest writ, when it is over, and when the task is.
fn due(standing: &say::Standing) -> [Instant; 3] {
    let (start, now) = (Instant::now(), now());
    let life = now.until(standing.writ_expires_at);
    let mut deadline = now.until(standing.deadline_at);
    // A writ ends at a whole second: the last one ends up to a second before its task, and ends it.
    if deadline < life + Duration::from_secs(1) {
        deadline = deadline.min(life);
    }
    [start + life * 2 / 3, start + life, start + deadline]
}

fn connected(standing: &say::Standing) -> Standing {
    let say::Standing {
        task: _,
        agent_state,
        task_state,
        cause: _,
        writ_expires_at,
        deadline_at: _,
        revoked,
        fingerprint_changed,
        control_size,
        epoch: _,
        grants,
        givable,
    } = standing;
    Standing {
        agent_state: *agent_state,
        task_state: *task_state,
        writ_expires_at: *writ_expires_at,
        revoked: *revoked,
        fingerprint_changed: *fingerprint_changed,
        control_size: *control_size,
        connected: true,
        grants: grants.iter().filter_map(granted).collect(),
        givable: givable.as_slice().into(),
    }
}

/// A grant as doors look at it. One that has ended, or whose terms are not there, is none.
fn granted(view: &say::GrantView) -> Option<Grant> {
    let say::GrantView {
        id,
        task,
        approval,
        level,
        by,
        own,
        effects: _,
        touched: _,
        terms,
        given_at,
        expires_at,
        ended,
    } = view;
    let terms = terms.clone().filter(|terms| ended.is_none() && terms.is_grantable())?;
    Some(Grant {
        id: *id,
        task: *task,
        approval: *approval,
        level: *level,
        terms,
        by: by.clone(),
        own: *own,
        given_at: *given_at,
        expires_at: *expires_at,
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
