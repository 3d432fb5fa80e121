//! What was revoked and is not recorded yet. It counts all the same, and it is recorded as soon as there is room.

use std::collections::HashSet;

use writ_model::{Actor, AgentId, ControlEntry, ControlEvent, ENTRY_VERSION, TaskId};

use super::{Change, Desk, Office, lock};

/// Most revocations that wait for room in the record; the effect of one more is kept, its entry is not.
const MAX_WAITING: usize = 1_024;

/// Revocations that act already.
#[derive(Default)]
pub(super) struct Ended {
    pub agents: HashSet<AgentId>,
    pub tasks: HashSet<TaskId>,
    waiting: Vec<End>,
}

/// One revocation on its way into the record.
#[derive(Clone)]
pub(crate) struct End {
    pub by: Actor,
    pub agents: Vec<AgentId>,
    pub tasks: Vec<TaskId>,
    pub events: Vec<ControlEvent>,
}

// === impl Office ===

impl Office {
    /// Ends every authority of these, now, and tells their supervisors.
    pub(crate) fn end_now(&self, agents: &[AgentId], tasks: &[TaskId]) {
        {
            let mut ended = lock(&self.ended);
            ended.agents.extend(agents);
            ended.tasks.extend(tasks);
        }
        self.publish();
    }

    /// Records what acts already. False when it has to wait.
    pub(crate) fn record_end(&self, desk: &mut Desk, end: End) -> bool {
        let change = Change::new(self.now(), end.by.clone(), end.events.clone());
        let recorded =
            if end.events.is_empty() { Ok(Vec::new()) } else { self.commit_revocation(desk, change) };
        let mut ended = lock(&self.ended);
        match recorded {
            Ok(_) => {
                // What is recorded counts by itself.
                ended.agents.retain(|agent| !end.agents.contains(agent));
                ended.tasks.retain(|task| !end.tasks.contains(task));
                true
            }
            Err(error) => {
                tracing::error!(%error, "a revocation acts and could not be recorded; it is tried again");
                if ended.waiting.len() < MAX_WAITING {
                    ended.waiting.push(end);
                }
                false
            }
        }
    }

    /// Tries again to record what waits.
    pub(super) fn record_waiting(&self, desk: &mut Desk) {
        let waiting = std::mem::take(&mut lock(&self.ended).waiting);
        for end in waiting {
            // The state may have moved on since: what is recorded already is left out.
            let events = self.still_to_record(end.events);
            self.record_end(desk, End { events, ..end });
        }
    }

    /// How many revocations wait for room in the record.
    pub fn unrecorded(&self) -> usize {
        lock(&self.ended).waiting.len()
    }

    fn still_to_record(&self, events: Vec<ControlEvent>) -> Vec<ControlEvent> {
        let mut then = self.state().clone();
        let (v, at, by) = (ENTRY_VERSION, self.now(), Actor::ControlPlane);
        let entry = |event| ControlEntry { v, at, by: by.clone(), event };
        events.into_iter().filter(|event| then.apply(&entry(event.clone())).is_ok()).collect()
    }
}
