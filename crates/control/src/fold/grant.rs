//! Grants in the fold: what an approval may be made, and until when.

use serde::{Deserialize, Serialize};
use writ_model::{
    ApprovalId, ApprovalLevel, ApprovalState, ControlEvent, Digest, EffectClass, GrantEnd, GrantId,
    GrantTerms, Human, Timestamp, Touch,
};

use super::{FoldError, TaskRecord};

/// A grant and what became of it. Its terms lie in the vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Granted {
    pub id: GrantId,
    pub approval: ApprovalId,
    pub level: ApprovalLevel,
    pub by: Human,
    pub own: bool,
    pub effects: Vec<EffectClass>,
    pub touched: Vec<Touch>,
    pub terms: Digest,
    pub given_at: Timestamp,
    pub expires_at: Timestamp,
    pub ended: Option<(GrantEnd, Timestamp)>,
}

// === impl Granted ===

impl Granted {
    /// Whether it counts, as far as time goes.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.expires_at
    }

    /// Whether it is still to be ended because its time ran out.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.ended.is_none() && self.expires_at <= now
    }

    /// How it ended, whether or not that was recorded.
    pub fn end(&self, now: Timestamp) -> Option<GrantEnd> {
        match self.ended {
            Some((cause, _)) => Some(cause),
            None => self.is_overdue(now).then_some(GrantEnd::Expired),
        }
    }
}

// === impl TaskRecord ===

impl TaskRecord {
    pub(super) fn grant(&mut self, event: &ControlEvent, at: Timestamp) -> Result<(), FoldError> {
        let ControlEvent::GrantGiven {
            grant,
            task: _,
            approval,
            level,
            by,
            own,
            effects,
            touched,
            terms,
            expires_at,
        } = event
        else {
            return Err(FoldError::Grant);
        };
        let from = self.approvals.get(approval).ok_or(FoldError::UnknownApproval(*approval))?;
        if self.grants.contains_key(grant) || self.grants.values().any(|other| other.approval == *approval) {
            return Err(FoldError::GrantExists(*grant));
        }
        if *own != (*by == self.task.requester) {
            return Err(FoldError::OwnMisstated);
        }
        let said_yes = from.answers.iter().any(|answer| answer.yes && answer.by == *by);
        let fits = from.state == ApprovalState::Approved
            && said_yes
            && from.level == *level
            && GrantTerms::can_rest_on(*level)
            && !effects.is_empty()
            && effects.is_sorted_by(|a, b| a < b)
            && effects.iter().all(|effect| effect.is_grantable())
            && touched.is_sorted_by(|a, b| a < b)
            && at < *expires_at
            && *expires_at <= self.deadline();
        if !fits {
            return Err(FoldError::Grant);
        }
        let granted = Granted {
            id: *grant,
            approval: *approval,
            level: *level,
            by: by.clone(),
            own: *own,
            effects: effects.clone(),
            touched: touched.clone(),
            terms: *terms,
            given_at: at,
            expires_at: *expires_at,
            ended: None,
        };
        self.grants.insert(*grant, granted);
        Ok(())
    }

    pub(super) fn end_grant(&mut self, id: GrantId, cause: GrantEnd, at: Timestamp) -> Result<(), FoldError> {
        let grant = self.grants.get_mut(&id).ok_or(FoldError::UnknownGrant(id))?;
        if grant.ended.is_some() {
            return Err(FoldError::GrantEnded(id));
        }
        grant.ended = Some((cause, at));
        Ok(())
    }
}
