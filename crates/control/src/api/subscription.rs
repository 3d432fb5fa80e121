//! Subscriptions: a yes, then news until the connection ends.

use std::collections::HashMap;
use std::sync::Arc;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use writ_model::{ApprovalId, ApprovalState};

use super::connection::{Gone, Replies};
use super::dispatch::blocking;
use super::message::{ApprovalView, WritToken};
use crate::office::Office;

/// `standing.watch`: the supervisor counts as living until this returns or is dropped.
pub(super) async fn standing(office: &Arc<Office>, writ: &WritToken, replies: &Replies) -> Result<(), Gone> {
    let mut stream = match office.standing_watch(writ) {
        Ok(stream) => stream,
        Err(error) => return replies.error(error.into()).await,
    };
    let standing = stream.standings.borrow_and_update().clone();
    replies.ok(&standing).await?;
    replies.push(&standing).await?;
    while stream.standings.changed().await.is_ok() {
        let standing = stream.standings.borrow_and_update().clone();
        let revoked = standing.revoked;
        replies.push(&standing).await?;
        if revoked {
            end_if_stopped(replies.peer());
        }
    }
    replies.end().await
}

/// A supervisor that is stopped hears of nothing. It is ended, and what it started dies with it.
fn end_if_stopped(pid: i32) {
    // Who holds the connection open is this very process; the handle is for the time until the signal.
    let Some(pid) = Pid::from_raw(pid) else { return };
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return };
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    // The name in brackets can hold anything; what follows the last bracket is the state (proc_pid_stat(5)).
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    if matches!(state, Some('T' | 't')) {
        tracing::warn!(%pid, "a stopped supervisor is ended, because its task was revoked");
        // It may have ended by itself.
        let _ = pidfd_send_signal(handle, Signal::KILL);
    }
}

/// `approvals.watch`: first those that wait, then each that changes.
pub(super) async fn approvals(office: &Arc<Office>, replies: &Replies) -> Result<(), Gone> {
    let mut changes = office.changes();
    replies.ok(&serde_json::json!({})).await?;
    let mut known: HashMap<ApprovalId, Known> = HashMap::new();
    let mut first = true;
    loop {
        changes.mark_unchanged();
        let marks = office.approval_marks();
        let gone: Vec<ApprovalId> =
            known.keys().filter(|id| !marks.iter().any(|(there, ..)| there == *id)).copied().collect();
        for (id, state, answers) in marks {
            let mark = (state, answers);
            if known.get(&id).is_some_and(|known| known.mark == mark) {
                continue;
            }
            let is_news = !first || state == ApprovalState::Pending;
            let view = match is_news {
                true => blocking(Arc::clone(office), move |office| office.approval_view_of(id)).await.ok(),
                false => None,
            };
            if let Some(view) = &view {
                replies.push(view).await?;
            }
            known.insert(id, Known { mark, view });
        }
        for id in gone {
            // Its task ended; what still waited can no longer be answered.
            if let Some(Known {
                mark: (ApprovalState::Pending | ApprovalState::Approved, _),
                view: Some(view),
            }) = known.remove(&id)
            {
                replies.push(&ApprovalView { state: ApprovalState::Expired, ..view }).await?;
            }
        }
        first = false;
        if changes.changed().await.is_err() {
            return replies.end().await;
        }
    }
}

/// What a subscriber was told last.
struct Known {
    mark: (ApprovalState, usize),
    view: Option<ApprovalView>,
}
