//! What supervisors write to the activity stream.

use serde::{Deserialize, Serialize};
use writ_model::{ActivityEvent, Digest};

use super::WritToken;
use crate::api::Bytes;

/// Most events in one request.
pub const MAX_EVENTS: usize = 1_024;
/// Most texts beside one event.
pub const MAX_PAYLOADS: usize = 16;

/// `record`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub writ: WritToken,
    pub activity: Vec<NewActivity>,
    pub durability: Keep,
    /// Size of the control tree that the decision was made at: the standing's. At most the present one.
    pub control_size: Option<u64>,
}

/// One event with the texts it commits to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewActivity {
    pub event: ActivityEvent,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payloads: Vec<Payload>,
}

/// A text that goes into the vault, under the commitment that stands in the event.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payload {
    /// SHA-256 over salt and bytes, as `writ_ledger::vault` says.
    pub commitment: Digest,
    /// 32 bytes.
    pub salt: Bytes,
    pub bytes: Bytes,
}

/// How durable an entry must be before the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// Survives the end of any process; synced within 50 ms.
    Written,
    /// Survives the end of the machine.
    Synced,
}

/// The entries as they stand in the log, in the order of the request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recorded {
    pub receipts: Vec<ReceiptView>,
}

/// Where an entry stands, and how durably.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptView {
    /// Index in the activity log, or in the control log for a consumed approval.
    pub index: u64,
    /// RFC 6962 leaf hash.
    pub leaf: Digest,
    pub durability: Keep,
}
