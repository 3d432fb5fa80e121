//! From an operation to the office's method for it.

use std::sync::Arc;
use std::time::Duration;

use writ_ledger::Stream;
use writ_model::{ApprovalState, Human};

use super::connection::{Gone, Replies};
use super::message::{
    ApprovalWait, ApprovalWaited, Approvals, ApprovalsList, MAX_PATIENCE_MILLIS, PolicyView, Status,
};
use super::server::Control;
use super::{ApiError, Ask, ErrorCode, Op, subscription};
use crate::office::{Office, OfficeError};

/// Answers one request. The person at the other end counts as the author of what people do.
pub(super) async fn answer(control: &Control, human: &Human, op: Op, replies: &Replies) -> Result<(), Gone> {
    let call = Call { control, human, replies };
    match op {
        Op::StatusAsk(ask) => {
            let (version, public_address) = (control.version.clone(), control.public_address.clone());
            call.run(ask, move |office, _, _| status(office, version, public_address)).await
        }
        Op::AgentRegister(ask) => call.run(ask, |office, human, ask| office.agent_register(human, ask)).await,
        Op::AgentDiscover(ask) => call.run(ask, |office, human, ask| office.agent_discover(human, ask)).await,
        Op::AgentList(ask) => call.run(ask, |office, _, ask| office.agent_list(&ask)).await,
        Op::AgentShow(ask) => call.run(ask, |office, _, ask| office.agent_show(&ask)).await,
        Op::AgentActivityAsk(ask) => call.run(ask, |office, _, ask| office.agent_activity(&ask)).await,
        Op::AgentApprove(ask) => call.run(ask, |office, human, ask| office.agent_approve(human, &ask)).await,
        Op::AgentSuspend(ask) => call.run(ask, |office, human, ask| office.agent_suspend(human, &ask)).await,
        Op::AgentResume(ask) => call.run(ask, |office, human, ask| office.agent_resume(human, &ask)).await,
        Op::AgentReview(ask) => call.run(ask, |office, human, ask| office.agent_review(human, &ask)).await,
        Op::AgentOrphan(ask) => call.run(ask, |office, human, ask| office.agent_orphan(human, &ask)).await,
        Op::AgentAdopt(ask) => call.run(ask, |office, human, ask| office.agent_adopt(human, &ask)).await,
        Op::AgentRetire(ask) => call.run(ask, |office, human, ask| office.agent_retire(human, &ask)).await,
        Op::AgentQuarantine(ask) => {
            call.run(ask, |office, human, ask| office.agent_quarantine(human, &ask)).await
        }
        Op::AgentAttest(ask) => call.run(ask, |office, human, ask| office.agent_attest(human, &ask)).await,
        Op::TaskList(ask) => call.run(ask, |office, _, ask| office.task_list(&ask)).await,
        Op::TaskShow(ask) => call.run(ask, |office, _, ask| office.task_show(&ask)).await,
        Op::TaskClose(ask) => call.run(ask, |office, human, ask| office.task_close(human, &ask)).await,
        Op::MarksList(ask) => call.run(ask, |office, _, ask| office.marks_list(&ask)).await,
        Op::MarkClear(ask) => call.run(ask, |office, human, ask| office.mark_clear(human, &ask)).await,
        Op::ApprovalsList(ask) => call.run(ask, |office, _, ask| office.approvals_list(&ask)).await,
        Op::ApprovalsWatch(_) => subscription::approvals(&control.office, replies).await,
        Op::Approve(ask) => call.run(ask, |office, human, ask| office.approve(human, &ask)).await,
        Op::Deny(ask) => call.run(ask, |office, human, ask| office.deny(human, &ask)).await,
        Op::GrantsList(ask) => call.run(ask, |office, _, ask| office.grants_list(&ask)).await,
        Op::EndGrant(ask) => call.run(ask, |office, human, ask| office.grant_end(human, &ask)).await,
        Op::SecretAdd(ask) => call.run(ask, |office, human, ask| office.secret_add(human, &ask)).await,
        Op::SecretList(ask) => call.run(ask, |office, _, ask| office.secret_list(&ask)).await,
        Op::SecretRotate(ask) => call.run(ask, |office, human, ask| office.secret_rotate(human, &ask)).await,
        Op::SecretRemove(ask) => call.run(ask, |office, human, ask| office.secret_remove(human, &ask)).await,
        Op::Revoke(ask) => call.run(ask, |office, human, ask| office.revoke(human, &ask)).await,
        Op::AuditSearch(ask) => call.run(ask, |office, _, ask| office.audit_search(&ask)).await,
        Op::AuditShow(ask) => call.run(ask, |office, _, ask| office.audit_show(&ask)).await,
        Op::AuditProve(ask) => call.run(ask, |office, _, ask| office.audit_prove(&ask)).await,
        Op::AuditErase(ask) => call.run(ask, |office, human, ask| office.audit_erase(human, &ask)).await,
        Op::PolicyCurrent(ask) => {
            call.run(ask, |office, _, ask| {
                let state = office.state_at(ask.at)?;
                let policy = state.policy();
                Ok(PolicyView {
                    version: policy.map(|policy| policy.version),
                    source: policy.and_then(|policy| policy.source.clone()),
                    loaded_at: policy.map(|policy| policy.loaded_at),
                })
            })
            .await
        }
        Op::TaskOpen(ask) => call.run(ask, |office, human, ask| office.task_open(human, ask)).await,
        Op::TaskAttach(ask) => call.run(ask, |office, _, ask| office.task_attach(&ask)).await,
        Op::SessionOpen(ask) => call.run(ask, |office, human, ask| office.session_open(human, ask)).await,
        Op::WritRenew(ask) => call.run(ask, |office, _, ask| office.writ_renew(&ask)).await,
        Op::Record(ask) => call.run(ask, |office, _, ask| office.record(ask)).await,
        Op::ApprovalAsk(ask) => call.run(ask, |office, _, ask| office.approval_ask(ask)).await,
        Op::ApprovalTake(ask) => call.run(ask, |office, _, ask| office.approval_take(&ask)).await,
        Op::ApprovalWait(ask) => match wait(&control.office, &ask).await {
            Ok(waited) => replies.ok(&waited).await,
            Err(error) => replies.error(error).await,
        },
        Op::FingerprintSeen(ask) => call.run(ask, |office, _, ask| office.fingerprint_seen(ask)).await,
        Op::SecretLend(ask) => call.run(ask, |office, _, ask| office.secret_lend(&ask)).await,
        Op::StandingWatch(ask) => subscription::standing(&control.office, &ask.writ, replies).await,
        Op::TaintRecall(ask) => call.run(ask, |office, _, ask| office.taint_recall(&ask)).await,
        Op::TaintReport(ask) => call.run(ask, |office, _, ask| office.taint_report(ask)).await,
        Op::TaskEnd(ask) => call.run(ask, |office, _, ask| office.task_end(&ask)).await,
    }
}

struct Call<'a> {
    control: &'a Control,
    human: &'a Human,
    replies: &'a Replies,
}

// === impl Call ===

impl Call<'_> {
    /// Runs a method of the office where it may block, and sends its answer, which has the request's type.
    async fn run<A: Ask>(
        &self,
        ask: A,
        method: impl FnOnce(&Office, &Human, A) -> Result<A::Answer, OfficeError> + Send + 'static,
    ) -> Result<(), Gone> {
        let human = self.human.clone();
        match blocking(Arc::clone(&self.control.office), move |office| method(office, &human, ask)).await {
            Ok(answer) => self.replies.ok(&answer).await,
            Err(error) => self.replies.error(error).await,
        }
    }
}

/// Runs what waits for the disk on a thread where it may.
pub(super) async fn blocking<T: Send + 'static>(
    office: Arc<Office>,
    method: impl FnOnce(&Office) -> Result<T, OfficeError> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::task::spawn_blocking(move || method(&office)).await {
        Ok(done) => done.map_err(ApiError::from),
        Err(error) => {
            tracing::error!(%error, "an operation failed inside");
            Err(ApiError::new(ErrorCode::Storage, "the operation failed inside the control plane"))
        }
    }
}

fn status(office: &Office, version: String, public_address: Option<String>) -> Result<Status, OfficeError> {
    let Approvals { approvals, .. } = office.approvals_list(&ApprovalsList::default())?;
    let open_tasks = office.state().live_tasks().count();
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    Ok(Status {
        version,
        pid: std::process::id(),
        now: office.now(),
        origin: office.origin().as_str().to_owned(),
        control_size: office.ledger().tip(Stream::Control),
        activity_size: office.ledger().tip(Stream::Activity),
        public_address,
        open_tasks: count(open_tasks),
        pending_approvals: count(approvals.len()),
        unrecorded: count(office.unrecorded()),
        givable: office.people().givable(),
    })
}

/// Waits until the approval is no longer pending, or the patience ends.
async fn wait(office: &Arc<Office>, ask: &ApprovalWait) -> Result<ApprovalWaited, ApiError> {
    let mut changes = office.changes();
    office.approval_is_of(&ask.writ, ask.approval)?;
    let patience = Duration::from_millis(ask.patience_millis.min(MAX_PATIENCE_MILLIS));
    let over = tokio::time::sleep(patience);
    tokio::pin!(over);
    loop {
        changes.mark_unchanged();
        let state = office.approval_state(ask.approval);
        if state != ApprovalState::Pending {
            return Ok(ApprovalWaited { state });
        }
        tokio::select! {
            () = &mut over => return Ok(ApprovalWaited { state: office.approval_state(ask.approval) }),
            changed = changes.changed() => {
                if changed.is_err() {
                    return Ok(ApprovalWaited { state });
                }
            }
        }
    }
}
