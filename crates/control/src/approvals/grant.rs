//! Grants: a yes that counts for calls of one shape until the task ends, or a person ends it.

use std::time::Duration;

use serde::Deserialize as _;
use writ_model::{
    Actor, ApprovalId, ApprovalLevel, ApprovalState, ControlEvent, GrantEnd, GrantId, GrantTerms, Human,
    MAX_GRANT_BYTES, Timestamp,
};

use crate::api::message::{EndGrant, GrantView, GrantWish, Grants, GrantsList};
use crate::fold::{Granted, TaskRecord};
use crate::identity::{MAX_LISTED, person};
use crate::office::{Change, Desk, Office, OfficeError, lock};
use crate::task::TaskError;

use super::{ApprovalError, MAX_GRANTS};

/// What a request offers to grant: the field `grant` of what the approver is shown. It was made by the task's
/// supervisor and is looked at again here.
pub(super) fn offered(shown: Option<&str>, level: ApprovalLevel) -> Option<GrantTerms> {
    let shown: serde_json::Value = serde_json::from_str(shown?).ok()?;
    let terms = GrantTerms::deserialize(shown.get("grant")?).ok()?;
    (GrantTerms::can_rest_on(level) && terms.is_grantable()).then_some(terms)
}

// === impl Office ===

impl Office {
    /// `grants.list`
    pub fn grants_list(&self, ask: &GrantsList) -> Result<Grants, OfficeError> {
        let now = ask.at.unwrap_or_else(|| self.now());
        let records: Vec<TaskRecord> = {
            let state = self.state_at(ask.at)?;
            if let Some(task) = ask.task {
                state.task(task).ok_or(TaskError::Unknown(task))?;
            }
            let fits = |record: &&TaskRecord| ask.task.is_none_or(|task| record.task.id == task);
            state.live_tasks().filter(fits).filter(|record| !record.grants.is_empty()).cloned().collect()
        };
        let fits = |grant: &Granted| ask.all || grant.is_live(now);
        let mut grants: Vec<GrantView> =
            records.iter().flat_map(|record| self.grants_of(record, &fits)).collect();
        grants.sort_by_key(|grant| grant.given_at);
        let more = grants.len() > MAX_LISTED;
        grants.truncate(MAX_LISTED);
        Ok(Grants { grants, more })
    }

    /// `grant.end`: supervisors are told before this returns.
    pub fn grant_end(&self, by: &Human, ask: &EndGrant) -> Result<GrantView, OfficeError> {
        let mut desk = self.desk();
        let now = self.now();
        let id = ask.grant;
        let (task, events) = {
            let state = self.state();
            let found = state.live_tasks().find_map(|record| Some((record, record.grants.get(&id)?)));
            let (record, grant) = found.ok_or(ApprovalError::UnknownGrant(id))?;
            if grant.ended.is_some() {
                return Err(ApprovalError::GrantOver(id).into());
            }
            let mut events =
                vec![ControlEvent::GrantEnded { grant: id, task: record.task.id, cause: GrantEnd::ByPerson }];
            // The yes that it came from goes too, if nothing has used it.
            let unspent = record.approvals.get(&grant.approval);
            if unspent.is_some_and(|approval| approval.state == ApprovalState::Approved) {
                events.push(ControlEvent::ApprovalExpired { approval: grant.approval });
            }
            (record.task.id, events)
        };
        self.commit(&mut desk, Change::new(now, person(by), events))?;
        drop(desk);
        let record = self.state().task(task).cloned().ok_or(TaskError::Unknown(task))?;
        let view = self.grants_of(&record, &|grant| grant.id == id).pop();
        Ok(view.ok_or(ApprovalError::UnknownGrant(id))?)
    }

    /// Records a yes and the grant that is made of it, as one.
    pub(super) fn give_grant(
        &self,
        desk: &mut Desk,
        by: &Human,
        own: bool,
        approval: ApprovalId,
        wish: GrantWish,
        yes: ControlEvent,
    ) -> Result<(), OfficeError> {
        let now = self.now();
        let (task, level, shown, expires_at) = {
            let state = self.state();
            let (asked, record) = state.approval(approval).ok_or(ApprovalError::Unknown(approval))?;
            if record.grants.values().filter(|grant| grant.is_live(now)).count() >= MAX_GRANTS {
                return Err(ApprovalError::TooManyGrants.into());
            }
            let deadline = record.deadline();
            let expires_at = match wish.seconds {
                None => deadline,
                Some(0) => return Err(ApprovalError::NoTime.into()),
                Some(seconds) => now.after(Duration::from_secs(seconds)).min(deadline),
            };
            (record.task.id, asked.level, asked.shown, expires_at)
        };
        let offered = offered(self.text(shown).as_deref(), level);
        let mut terms = offered.ok_or(ApprovalError::NotGrantable(approval))?;
        if wish.folders {
            terms = terms.for_folders().ok_or(ApprovalError::NoFolder(approval))?;
        }
        let text = serde_json::to_string(&terms).map_err(|_| ApprovalError::NotGrantable(approval))?;
        if text.len() > MAX_GRANT_BYTES {
            return Err(ApprovalError::NotGrantable(approval).into());
        }
        let grant = self.fresh(now, GrantId::new)?;
        let (commitment, payload) = self.seal(&task, &text)?;
        let given = ControlEvent::GrantGiven {
            grant,
            task,
            approval,
            level,
            by: by.clone(),
            own,
            effects: terms.effects(),
            touched: terms.touched.clone(),
            terms: commitment,
            expires_at,
        };
        // Before the change: those it concerns are told of it as it is recorded.
        lock(self.terms()).insert(grant, terms);
        let change = Change { payloads: vec![payload], ..Change::new(now, person(by), vec![yes, given]) };
        self.commit(desk, change).map(drop).inspect_err(|_| {
            if !self.state().task(task).is_some_and(|record| record.grants.contains_key(&grant)) {
                lock(self.terms()).remove(&grant);
            }
        })
    }

    /// The grants of a task that count now, for its supervisor. One whose terms cannot be read covers nothing.
    pub(crate) fn grants_in_force(&self, record: &TaskRecord) -> Vec<GrantView> {
        if record.grants.is_empty() {
            return Vec::new();
        }
        let now = self.now();
        let terms = lock(self.terms());
        let live = record.grants.values().filter(|grant| grant.is_live(now));
        live.filter_map(|grant| Some(view(record, grant, Some(terms.get(&grant.id)?.clone()), now))).collect()
    }

    /// The grants of a task that fit, with their terms, as people see them.
    pub(crate) fn grants_of(&self, record: &TaskRecord, fits: &dyn Fn(&Granted) -> bool) -> Vec<GrantView> {
        let now = self.now();
        let found = record.grants.values().filter(|grant| fits(grant));
        found.map(|grant| view(record, grant, self.terms_of(grant), now)).collect()
    }

    /// Reads the terms of the grants of live tasks back from the vault.
    pub(crate) fn read_terms(&self) {
        let records: Vec<TaskRecord> = self.state().live_tasks().cloned().collect();
        let grants = records.iter().flat_map(|record| record.grants.values());
        let read = grants.filter_map(|grant| Some((grant.id, self.terms_of(grant)?)));
        let read: Vec<_> = read.collect();
        lock(self.terms()).extend(read);
    }

    pub(crate) fn expire_grants(&self, desk: &mut Desk) -> Result<(), OfficeError> {
        let now = self.now();
        let overdue: Vec<ControlEvent> = {
            let state = self.state();
            lock(self.terms())
                .retain(|id, _| state.live_tasks().any(|record| record.grants.contains_key(id)));
            let grants = state
                .live_tasks()
                .flat_map(|record| record.grants.values().map(|grant| (record.task.id, grant)));
            grants
                .filter(|(_, grant)| grant.is_overdue(now))
                .map(|(task, grant)| ControlEvent::GrantEnded {
                    grant: grant.id,
                    task,
                    cause: GrantEnd::Expired,
                })
                .collect()
        };
        if overdue.is_empty() {
            return Ok(());
        }
        self.commit(desk, Change::new(now, Actor::ControlPlane, overdue)).map(drop)
    }

    fn terms_of(&self, grant: &Granted) -> Option<GrantTerms> {
        if let Some(terms) = lock(self.terms()).get(&grant.id) {
            return Some(terms.clone());
        }
        let terms: GrantTerms = serde_json::from_str(&self.text(grant.terms)?).ok()?;
        terms.is_grantable().then_some(terms)
    }
}

fn view(record: &TaskRecord, grant: &Granted, terms: Option<GrantTerms>, now: Timestamp) -> GrantView {
    GrantView {
        id: grant.id,
        task: record.task.id,
        approval: grant.approval,
        level: grant.level,
        by: grant.by.clone(),
        own: grant.own,
        effects: grant.effects.clone(),
        touched: grant.touched.clone(),
        terms,
        given_at: grant.given_at,
        expires_at: grant.expires_at,
        ended: grant.end(now),
    }
}
