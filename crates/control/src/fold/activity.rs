//! What tasks used of their limits: the one thing that is folded from the activity log.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use writ_model::{ActivityEntry, ActivityEvent, Operation, TaskId, Timestamp, Verdict};

/// Most tasks that counters are kept for, the newest ones.
pub const MAX_COUNTED_TASKS: usize = 10_000;

/// Counters by task, as of some size of the activity log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivityState {
    size: u64,
    last_at: Option<Timestamp>,
    tasks: BTreeMap<TaskId, Counts>,
}

/// What one task used, as far as its entries tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Decisions.
    pub calls: u64,
    pub denials: u64,
    /// Bytes of its entries, texts beside them not counted.
    pub entry_bytes: u64,
}

// === impl ActivityState ===

impl ActivityState {
    /// Applies the next entry of the activity log, whose leaf has `bytes` bytes. The entry's rules are the door's, so
    /// there is nothing here that could fail.
    pub fn apply(&mut self, entry: &ActivityEntry, bytes: usize) {
        self.size += 1;
        self.last_at = self.last_at.max(Some(entry.at));
        let counts = self.tasks.entry(entry.task).or_default();
        counts.entry_bytes = counts.entry_bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if let ActivityEvent::CallDecided { decision, tool, operation, .. } = &entry.event
            && !Operation::is_trial(tool, operation)
        {
            counts.calls = counts.calls.saturating_add(1);
            counts.denials = counts.denials.saturating_add(u64::from(decision.verdict == Verdict::Deny));
        }
        if self.tasks.len() > MAX_COUNTED_TASKS {
            self.tasks.pop_first();
        }
    }

    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The latest time that an entry carries.
    pub const fn last_at(&self) -> Option<Timestamp> {
        self.last_at
    }

    pub fn counts(&self, task: TaskId) -> Counts {
        self.tasks.get(&task).copied().unwrap_or_default()
    }
}
