//! Those who listen: supervisors to the standing of their task, people to approvals.

use std::collections::HashMap;
use std::sync::Mutex;

use tokio::sync::watch;
use writ_model::TaskId;

use crate::api::message::{Standing, WritToken};

use super::{Office, OfficeError, Presence, lock};

pub(super) struct Streams {
    /// Guards who listens to which task, while what changed is computed and handed over.
    standings: Mutex<HashMap<TaskId, watch::Sender<Standing>>>,
    /// Counts up whenever state changes.
    changes: watch::Sender<u64>,
}

/// A supervisor's subscription. The supervisor lives as long as this does.
pub struct StandingStream<'a> {
    pub standings: watch::Receiver<Standing>,
    _presence: Presence<'a>,
}

// === impl Streams ===

impl Default for Streams {
    fn default() -> Self {
        Self { standings: Mutex::default(), changes: watch::Sender::new(0) }
    }
}

// === impl Office ===

impl Office {
    /// Subscribes a supervisor to its task.
    ///
    /// # Errors
    /// The writ does not speak for the task, or the task has a living supervisor.
    pub fn standing_watch(&self, writ: &WritToken) -> Result<StandingStream<'_>, OfficeError> {
        let now = self.now();
        let task = self.task_of(&self.state(), writ, now)?.task.id;
        let presence = self.arrive(task)?;
        let mut standings = lock(&self.streams.standings);
        // Under the lock of the listeners, so that no change falls between the look and the subscription.
        let standing = {
            let state = self.state();
            let record = self.task_of(&state, writ, now)?;
            self.standing(&state, record)
        };
        let sender = standings.entry(task).or_insert_with(|| watch::Sender::new(standing.clone()));
        sender.send_replace(standing);
        Ok(StandingStream { standings: sender.subscribe(), _presence: presence })
    }

    /// Counts up whenever state changes: for whoever waits for an approval.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.streams.changes.subscribe()
    }

    /// Hands over what changed. Called with no other lock than the desk's.
    pub(super) fn publish(&self) {
        let mut standings = lock(&self.streams.standings);
        standings.retain(|task, sender| {
            if sender.receiver_count() == 0 {
                return false;
            }
            let state = self.state();
            let Some(record) = state.task(*task) else { return false };
            let new = self.standing(&state, record);
            sender.send_if_modified(|old| {
                // The size of the log alone is no news.
                let news = Standing { control_size: old.control_size, ..new.clone() } != *old;
                *old = new;
                news
            });
            true
        });
        drop(standings);
        self.streams.changes.send_modify(|count| *count = count.wrapping_add(1));
    }
}
