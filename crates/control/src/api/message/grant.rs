//! Grants, as people see and end them.

use serde::{Deserialize, Serialize};
use writ_model::{
    ApprovalId, ApprovalLevel, EffectClass, GrantEnd, GrantId, GrantTerms, Human, TaskId, Timestamp, Touch,
};

/// `grants.list`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantsList {
    pub task: Option<TaskId>,
    /// Those of open tasks that have ended, too.
    #[serde(default)]
    pub all: bool,
    /// As it was then.
    pub at: Option<Timestamp>,
}

/// The grants of open tasks that fit, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Grants {
    pub grants: Vec<GrantView>,
    /// There are more than one answer holds.
    pub more: bool,
}

/// `grant.end`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndGrant {
    pub grant: GrantId,
}

/// A grant and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantView {
    pub id: GrantId,
    pub task: TaskId,
    /// The approval that it came from.
    pub approval: ApprovalId,
    pub level: ApprovalLevel,
    pub by: Human,
    /// The person is the requester (`self`).
    pub own: bool,
    pub effects: Vec<EffectClass>,
    /// Once the session has touched more than this, it counts no more.
    pub touched: Vec<Touch>,
    /// What it allows. The texts in it are an agent's: show them quoted. Nothing when they cannot be read.
    pub terms: Option<GrantTerms>,
    pub given_at: Timestamp,
    pub expires_at: Timestamp,
    /// Why it counts no more.
    pub ended: Option<GrantEnd>,
}
