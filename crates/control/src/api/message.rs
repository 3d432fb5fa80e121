//! What stands in requests and answers, one file per kind of thing.
//!
//! Requests refuse fields they do not know. Answers may grow: a client ignores what it does not know.

mod agent;
mod approval;
mod audit;
mod grant;
mod record;
mod secret;
mod supervisor;
mod taint;
mod task;

pub use agent::*;
pub use approval::*;
pub use audit::*;
pub use grant::*;
pub use record::*;
pub use secret::*;
pub use supervisor::*;
pub use taint::*;
pub use task::*;

use serde::{Deserialize, Serialize};
use writ_model::{ApprovalLevel, Digest, Label, Timestamp};

/// `status`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusAsk {}

/// How the control plane is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    pub version: String,
    /// Process id of the control plane.
    pub pid: u32,
    pub now: Timestamp,
    /// Origin of the ledger; each log's is this, a slash and its name.
    pub origin: String,
    pub control_size: u64,
    pub activity_size: u64,
    /// Where the public things are served, as `127.0.0.1:41234`.
    pub public_address: Option<String>,
    pub open_tasks: u64,
    pub pending_approvals: u64,
    /// Things that were done and could not be recorded yet.
    pub unrecorded: u64,
    /// Whose yes can be given here, in rising order.
    #[serde(default)]
    pub givable: Vec<ApprovalLevel>,
}

/// `policy.current`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyCurrent {
    pub at: Option<Timestamp>,
}

/// The policy in force.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicyView {
    /// Digest over the schema and all policy sets; nothing when none was loaded yet.
    pub version: Option<Digest>,
    /// Where the organisation's layer came from: `shipped`, `folder`, or `git:` and the commit.
    pub source: Option<Label>,
    pub loaded_at: Option<Timestamp>,
}
