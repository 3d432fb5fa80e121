//! Approvals in the fold: the rules of giving and spending hold here too, so that a log that breaks them shows.

use serde::{Deserialize, Serialize};
use writ_model::{ApprovalId, ApprovalLevel, ApprovalMove, ApprovalState, CallId, Digest, Human, Timestamp};

use super::FoldError;

/// A request for approval and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    pub id: ApprovalId,
    pub state: ApprovalState,
    pub call: CallId,
    pub action: Digest,
    pub level: ApprovalLevel,
    pub shown: Digest,
    pub requested_at: Timestamp,
    pub expires_at: Timestamp,
    pub answers: Vec<Answer>,
    pub consumed_by: Option<CallId>,
}

/// One person's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    pub by: Human,
    pub at: Timestamp,
    pub yes: bool,
    pub own: bool,
}

// === impl Approval ===

impl Approval {
    pub(super) const fn new(
        id: ApprovalId,
        call: CallId,
        action: Digest,
        level: ApprovalLevel,
        shown: Digest,
        requested_at: Timestamp,
        expires_at: Timestamp,
    ) -> Self {
        Self {
            id,
            state: ApprovalState::Pending,
            call,
            action,
            level,
            shown,
            requested_at,
            expires_at,
            answers: Vec::new(),
            consumed_by: None,
        }
    }

    pub fn is_pending(&self) -> bool {
        self.state == ApprovalState::Pending
    }

    /// Whether it could be spent on this action at `now`.
    pub fn is_spendable(&self, action: Digest, now: Timestamp) -> bool {
        self.state == ApprovalState::Approved && self.action == action && now < self.expires_at
    }

    /// Whether it is still to be ended because its time ran out.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        let live = match self.state {
            ApprovalState::Pending | ApprovalState::Approved => true,
            ApprovalState::Consumed | ApprovalState::Refused | ApprovalState::Expired => false,
        };
        live && self.expires_at <= now
    }

    pub(super) fn give(
        &mut self,
        by: &Human,
        own: bool,
        requester: &Human,
        at: Timestamp,
    ) -> Result<(), FoldError> {
        // Checked first, so that an end state is named as such.
        let approved = self.state.step(ApprovalMove::Approve)?;
        if own != (by == requester) {
            return Err(FoldError::OwnMisstated);
        }
        if own && !self.level.admits_requester() {
            return Err(FoldError::OwnYes);
        }
        if self.answers.iter().any(|answer| answer.by == *by) {
            return Err(FoldError::AnsweredAlready(by.clone()));
        }
        if at >= self.expires_at {
            return Err(FoldError::ApprovalExpired);
        }
        self.answers.push(Answer { by: by.clone(), at, yes: true, own });
        if self.answers.len() >= self.level.persons() {
            self.state = approved;
        }
        Ok(())
    }

    pub(super) fn refuse(&mut self, by: &Human, at: Timestamp) -> Result<(), FoldError> {
        self.state = self.state.step(ApprovalMove::Refuse)?;
        self.answers.push(Answer { by: by.clone(), at, yes: false, own: false });
        Ok(())
    }

    pub(super) fn consume(&mut self, call: CallId, at: Timestamp) -> Result<(), FoldError> {
        let consumed = self.state.step(ApprovalMove::Consume)?;
        if at >= self.expires_at {
            return Err(FoldError::ApprovalExpired);
        }
        self.state = consumed;
        self.consumed_by = Some(call);
        Ok(())
    }

    pub(super) fn expire(&mut self) -> Result<(), FoldError> {
        self.state = self.state.step(ApprovalMove::Expire)?;
        Ok(())
    }
}
