//! Which supervisors live: one for each task, as long as its subscription does.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use writ_model::TaskId;

use super::{Office, StandingError, lock};

/// How long a task stays open without its supervisor.
const GRACE: Duration = Duration::from_secs(10);
/// The same after a start of the control plane, when supervisors have to find it again.
const GRACE_AFTER_START: Duration = Duration::from_secs(30);

/// A living supervisor's hold on its task. Dropping it starts the grace time.
pub struct Presence<'a> {
    office: &'a Office,
    task: TaskId,
    number: u64,
}

#[derive(Default)]
pub(super) struct Supervisors {
    /// Guards who is there, for one look-up.
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    next: u64,
    tasks: HashMap<TaskId, Where>,
}

#[derive(Clone, Copy)]
enum Where {
    Here {
        number: u64,
    },
    /// Nobody is there; the task ends when boot time reaches this.
    Awaited {
        until: Duration,
    },
}

// === impl Supervisors ===

impl Supervisors {
    pub fn expect(&self, task: TaskId, since_boot: Duration) {
        lock(&self.inner).tasks.insert(task, Where::Awaited { until: since_boot + GRACE });
    }

    pub fn expect_after_start(&self, task: TaskId, since_boot: Duration) {
        lock(&self.inner).tasks.insert(task, Where::Awaited { until: since_boot + GRACE_AFTER_START });
    }

    pub fn is_here(&self, task: TaskId) -> bool {
        matches!(lock(&self.inner).tasks.get(&task), Some(Where::Here { .. }))
    }

    /// Tasks whose supervisor did not come back in time.
    pub fn lost(&self, since_boot: Duration) -> Vec<TaskId> {
        let inner = lock(&self.inner);
        let lost = inner.tasks.iter().filter(|(_, at)| match at {
            Where::Here { .. } => false,
            Where::Awaited { until } => *until <= since_boot,
        });
        lost.map(|(task, _)| *task).collect()
    }

    pub fn forget(&self, task: TaskId) {
        lock(&self.inner).tasks.remove(&task);
    }

    fn arrive(&self, task: TaskId) -> Option<u64> {
        let mut inner = lock(&self.inner);
        if matches!(inner.tasks.get(&task), Some(Where::Here { .. })) {
            return None;
        }
        inner.next += 1;
        let number = inner.next;
        inner.tasks.insert(task, Where::Here { number });
        Some(number)
    }

    fn leave(&self, task: TaskId, number: u64, since_boot: Duration) {
        let mut inner = lock(&self.inner);
        if let Some(at) = inner.tasks.get_mut(&task)
            && matches!(at, Where::Here { number: here } if *here == number)
        {
            *at = Where::Awaited { until: since_boot + GRACE };
        }
    }
}

// === impl Office ===

impl Office {
    /// The task ends if no supervisor subscribes to it in time.
    pub(crate) fn expect_supervisor(&self, task: TaskId) {
        self.supervisors.expect(task, self.time.since_boot());
    }

    pub(crate) fn has_supervisor(&self, task: TaskId) -> bool {
        self.supervisors.is_here(task)
    }

    pub(crate) fn forget_supervisor(&self, task: TaskId) {
        self.supervisors.forget(task);
    }

    /// Marks the supervisor of a task as living, until the answer is dropped.
    pub(super) fn arrive(&self, task: TaskId) -> Result<Presence<'_>, StandingError> {
        let number = self.supervisors.arrive(task).ok_or(StandingError::SecondSupervisor)?;
        Ok(Presence { office: self, task, number })
    }
}

// === impl Presence ===

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        self.office.supervisors.leave(self.task, self.number, self.office.time.since_boot());
    }
}
