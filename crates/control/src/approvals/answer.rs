//! Answering: by a person, for exactly the action that was shown.

use writ_model::{ApprovalLevel, ApprovalState, ControlEvent, Human};

use crate::api::message::{ApprovalView, Approve, Deny};
use crate::identity::person;
use crate::office::{Change, Office, OfficeError};

use super::ApprovalError;

// === impl Office ===

impl Office {
    /// `approve`
    pub fn approve(&self, by: &Human, ask: &Approve) -> Result<ApprovalView, OfficeError> {
        let mut desk = self.desk();
        let now = self.now();
        let own = {
            let state = self.state();
            let (approval, record) =
                state.approval(ask.approval).ok_or(ApprovalError::Unknown(ask.approval))?;
            if approval.action != ask.action {
                return Err(ApprovalError::OtherAction(ask.approval).into());
            }
            check_pending(approval.id, approval.state, approval.is_overdue(now))?;
            let own = record.task.requester == *by;
            match approval.level {
                ApprovalLevel::Role => return Err(ApprovalError::NoRole.into()),
                level if own && !level.admits_requester() => return Err(ApprovalError::OwnYes.into()),
                ApprovalLevel::OnePerson | ApprovalLevel::AnotherPerson | ApprovalLevel::TwoPeople => {}
            }
            if approval.answers.iter().any(|answer| answer.by == *by) {
                return Err(ApprovalError::AnsweredAlready.into());
            }
            own
        };
        let event = ControlEvent::ApprovalGiven { approval: ask.approval, by: by.clone(), own };
        match ask.as_grant {
            None => drop(self.commit(&mut desk, Change::new(now, person(by), vec![event]))?),
            Some(wish) => self.give_grant(&mut desk, by, own, ask.approval, wish, event)?,
        }
        drop(desk);
        self.approval_view_of(ask.approval)
    }

    /// `deny`
    pub fn deny(&self, by: &Human, ask: &Deny) -> Result<ApprovalView, OfficeError> {
        let mut desk = self.desk();
        let now = self.now();
        {
            let state = self.state();
            let (approval, _) = state.approval(ask.approval).ok_or(ApprovalError::Unknown(ask.approval))?;
            check_pending(approval.id, approval.state, approval.is_overdue(now))?;
        }
        let event = ControlEvent::ApprovalRefused { approval: ask.approval, by: by.clone() };
        self.commit(&mut desk, Change::new(now, person(by), vec![event]))?;
        drop(desk);
        self.approval_view_of(ask.approval)
    }
}

fn check_pending(
    id: writ_model::ApprovalId,
    state: ApprovalState,
    overdue: bool,
) -> Result<(), ApprovalError> {
    match state {
        ApprovalState::Pending if overdue => Err(ApprovalError::Expired(id)),
        ApprovalState::Pending => Ok(()),
        ApprovalState::Approved
        | ApprovalState::Consumed
        | ApprovalState::Refused
        | ApprovalState::Expired => Err(ApprovalError::NotPending { id, state }),
    }
}
