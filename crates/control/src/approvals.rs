//! Approvals: a person's answer to exactly one action, used once or never.

mod answer;
mod ask;
mod grant;
mod take;

use writ_model::{ApprovalId, ApprovalLevel, ApprovalState, GrantId, Label, Timestamp};

use crate::api::ErrorCode;
use crate::api::message::{AnswerView, ApprovalView, Approvals, ApprovalsList};
use crate::fold::{Approval, State, TaskRecord};
use crate::identity::MAX_LISTED;
use crate::office::{Office, OfficeError};

/// Why an operation on an approval was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalError {
    #[error("there is no approval `{0}` of an open task")]
    Unknown(ApprovalId),
    #[error("approval `{0}` is for another action than the one that was shown")]
    OtherAction(ApprovalId),
    #[error("approval `{id}` is {state}")]
    NotPending { id: ApprovalId, state: ApprovalState },
    #[error("approval `{0}` ran out")]
    Expired(ApprovalId),
    #[error("policy asks for another person than the requester")]
    OwnYes,
    #[error("you said yes already; policy asks for another person too")]
    AnsweredAlready,
    #[error("policy asks for a person with the approver's role, and nobody has roles here")]
    NoRole,
    #[error("`{0}` approvals of this task wait already")]
    Full(u32),
    #[error("what the approver is shown must be 1 to {MAX_SHOWN_BYTES} bytes and fit its commitment")]
    Shown,
    #[error("nobody here can give an approval of level `{0}`")]
    NobodyCan(ApprovalLevel),
    #[error("approval `{0}` cannot be made a grant")]
    NotGrantable(ApprovalId),
    #[error("approval `{0}` is for no single file of the workspace")]
    NoFolder(ApprovalId),
    #[error("a grant lasts at least a second")]
    NoTime,
    #[error("the task has {MAX_GRANTS} grants already")]
    TooManyGrants,
    #[error("there is no grant `{0}` of an open task")]
    UnknownGrant(GrantId),
    #[error("grant `{0}` has ended already")]
    GrantOver(GrantId),
}

/// Most grants of one task that count at once.
pub(crate) const MAX_GRANTS: usize = 32;

/// Longest text that an approver is shown.
pub(crate) const MAX_SHOWN_BYTES: usize = 256 << 10;

// === impl Office ===

impl Office {
    /// `approvals.list`: those that wait, unless asked otherwise.
    pub fn approvals_list(&self, ask: &ApprovalsList) -> Result<Approvals, OfficeError> {
        let wanted = ask.state.unwrap_or(ApprovalState::Pending);
        let now = ask.at.unwrap_or_else(|| self.now());
        let (found, more) = {
            let state = self.state_at(ask.at)?;
            let fits = |(approval, record): &(&Approval, &TaskRecord)| {
                let state = if approval.is_overdue(now) { ApprovalState::Expired } else { approval.state };
                ask.task.is_none_or(|task| record.task.id == task) && state == wanted
            };
            let found = state.approvals().filter(fits).take(MAX_LISTED + 1);
            let mut found: Vec<Seen> =
                found.map(|(approval, record)| Seen::new(&state, approval, record)).collect();
            let more = found.len() > MAX_LISTED;
            found.truncate(MAX_LISTED);
            (found, more)
        };
        Ok(Approvals {
            approvals: found.into_iter().map(|seen| self.approval_view(seen, now)).collect(),
            more,
        })
    }

    /// Every approval of an open task, with a mark that changes whenever the approval does.
    pub(crate) fn approval_marks(&self) -> Vec<(ApprovalId, ApprovalState, usize)> {
        let state = self.state();
        state.approvals().map(|(approval, _)| (approval.id, approval.state, approval.answers.len())).collect()
    }

    pub(crate) fn approval_view_of(&self, id: ApprovalId) -> Result<ApprovalView, OfficeError> {
        let seen = {
            let state = self.state();
            let (approval, record) = state.approval(id).ok_or(ApprovalError::Unknown(id))?;
            Seen::new(&state, approval, record)
        };
        Ok(self.approval_view(seen, self.now()))
    }

    fn approval_view(&self, seen: Seen, now: Timestamp) -> ApprovalView {
        let Seen { approval, record, agent_name } = seen;
        let task_ends_at = record.deadline();
        let grant = record.grants.values().find(|grant| grant.approval == approval.id);
        let grant = grant.map(|grant| grant.id);
        let task = record.task;
        let shown = self.text(approval.shown);
        ApprovalView {
            id: approval.id,
            state: if approval.is_overdue(now) { ApprovalState::Expired } else { approval.state },
            level: approval.level,
            task: task.id,
            task_kind: task.kind,
            requester: task.requester,
            agent: task.agent,
            agent_name,
            call: approval.call,
            action: approval.action,
            grantable: grant::offered(shown.as_deref(), approval.level),
            shown,
            requested_at: approval.requested_at,
            expires_at: approval.expires_at,
            answers: approval
                .answers
                .into_iter()
                .map(|answer| AnswerView { by: answer.by, at: answer.at, yes: answer.yes, own: answer.own })
                .collect(),
            consumed_by: approval.consumed_by,
            grant,
            task_ends_at,
        }
    }
}

/// An approval with its task and agent, taken from state in one look.
struct Seen {
    approval: Approval,
    record: TaskRecord,
    agent_name: Label,
}

// === impl Seen ===

impl Seen {
    fn new(state: &State, approval: &Approval, record: &TaskRecord) -> Self {
        let agent = state.agent(record.task.agent);
        Self {
            approval: approval.clone(),
            record: TaskRecord { approvals: std::collections::BTreeMap::new(), ..record.clone() },
            agent_name: agent
                .map_or_else(|| Label::lossy("unknown"), |agent| agent.registration.name.clone()),
        }
    }
}

// === impl ApprovalError ===

impl ApprovalError {
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Unknown(_) | Self::UnknownGrant(_) => ErrorCode::NotFound,
            Self::OtherAction(_) | Self::NotPending { .. } | Self::GrantOver(_) => ErrorCode::Conflict,
            Self::Full(_) => ErrorCode::ApprovalsFull,
            Self::Shown | Self::NoTime => ErrorCode::BadRequest,
            Self::Expired(_)
            | Self::OwnYes
            | Self::AnsweredAlready
            | Self::NoRole
            | Self::NobodyCan(_)
            | Self::NotGrantable(_)
            | Self::NoFolder(_)
            | Self::TooManyGrants => ErrorCode::Refused,
        }
    }

    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown(_) | Self::OtherAction(_) | Self::NotPending { .. } => {
                Some("run `writ approvals` and look again".to_owned())
            }
            Self::Expired(_) => Some("the agent can ask again".to_owned()),
            Self::NotGrantable(_) => Some("approve this one call, without `--grant`".to_owned()),
            Self::NoFolder(_) => Some("leave `--folder` out".to_owned()),
            Self::TooManyGrants => Some("`writ grant list` shows them; `writ grant end` ends one".to_owned()),
            Self::UnknownGrant(_) | Self::GrantOver(_) => {
                Some("`writ grant list` shows those that count".to_owned())
            }
            Self::OwnYes
            | Self::AnsweredAlready
            | Self::NoRole
            | Self::Full(_)
            | Self::Shown
            | Self::NobodyCan(_)
            | Self::NoTime => None,
        }
    }
}
