//! What supervisors write to the activity stream.

use serde::{Deserialize, Serialize};
use writ_ledger::{Durability, Receipt, Stream};
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
    pub log: Log,
    /// Index in its log.
    pub index: u64,
    /// Size of the log after the commit that holds the entry.
    pub tree_size: u64,
    pub durability: Keep,
}

/// One of the two logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Log {
    Activity,
    Control,
}

// === impl Keep ===

impl From<Keep> for Durability {
    fn from(keep: Keep) -> Self {
        match keep {
            Keep::Written => Self::Written,
            Keep::Synced => Self::Synced,
        }
    }
}

impl From<Durability> for Keep {
    fn from(durability: Durability) -> Self {
        match durability {
            Durability::Written => Self::Written,
            Durability::Synced => Self::Synced,
        }
    }
}

// === impl ReceiptView ===

impl ReceiptView {
    /// The receipt as the caller of the control plane holds it.
    pub fn receipt(self) -> Receipt {
        Receipt::from_control_plane(self.durability.into(), self.log.into(), self.index, self.tree_size)
    }
}

impl From<&Receipt> for ReceiptView {
    fn from(receipt: &Receipt) -> Self {
        Self {
            log: receipt.stream().into(),
            index: receipt.index(),
            tree_size: receipt.tree_size(),
            durability: receipt.durability().into(),
        }
    }
}

// === impl Log ===

impl From<Log> for Stream {
    fn from(log: Log) -> Self {
        match log {
            Log::Activity => Self::Activity,
            Log::Control => Self::Control,
        }
    }
}

impl From<Stream> for Log {
    fn from(stream: Stream) -> Self {
        match stream {
            Stream::Activity => Self::Activity,
            Stream::Control => Self::Control,
        }
    }
}
