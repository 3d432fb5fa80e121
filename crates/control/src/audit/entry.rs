//! One entry of either log, as it is shown.

use std::fmt;
use std::str::FromStr;

use writ_ledger::{Hash, Stream};
use writ_model::{ActivityEntry, ControlEntry, ControlEvent, Digest, Timestamp};

use crate::api::message::EntryView;
use crate::office::OfficeError;
use crate::record;

use super::AuditError;

/// Where an entry stands: `control:N` or `activity:N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryRef {
    pub log: Stream,
    pub index: u64,
}

/// An entry of either log.
#[derive(Debug)]
pub(crate) enum AnyEntry {
    Activity(ActivityEntry),
    Control(ControlEntry),
}

// === impl EntryRef ===

impl fmt::Display for EntryRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.log, self.index)
    }
}

impl FromStr for EntryRef {
    type Err = AuditError;

    fn from_str(text: &str) -> Result<Self, AuditError> {
        let bad = || AuditError::NoReference(text.chars().take(80).collect());
        let (log, index) = text.split_once(':').ok_or_else(bad)?;
        let log = Stream::try_from(log).map_err(|_| bad())?;
        Ok(Self { log, index: index.parse().map_err(|_| bad())? })
    }
}

// === impl AnyEntry ===

impl AnyEntry {
    pub fn read(log: Stream, bytes: &[u8]) -> Result<Self, OfficeError> {
        Ok(match log {
            Stream::Activity => Self::Activity(ActivityEntry::from_bytes(bytes)?),
            Stream::Control => Self::Control(ControlEntry::from_bytes(bytes)?),
        })
    }

    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Activity(entry) => entry.at,
            Self::Control(entry) => entry.at,
        }
    }

    /// The commitments to texts in the vault, by the name of the field.
    pub fn commitments(&self) -> Vec<(&'static str, Digest)> {
        match self {
            Self::Activity(entry) => record::commitments(&entry.event),
            Self::Control(entry) => match &entry.event {
                ControlEvent::AgentRegistered { registration, .. } => vec![("purpose", registration.purpose)],
                ControlEvent::TaskOpened { task } => {
                    let named = task.bounds.map(|bounds| ("bounds", bounds));
                    [("intent", task.intent), ("workspace", task.workspace)]
                        .into_iter()
                        .chain(named)
                        .collect()
                }
                ControlEvent::ApprovalRequested { shown, .. } => vec![("shown", *shown)],
                ControlEvent::GrantGiven { terms, .. } => vec![("terms", *terms)],
                ControlEvent::TaintRaised { what, .. } | ControlEvent::FileMarked { what, .. } => {
                    vec![("what", *what)]
                }
                // The value is in no answer about the record, whoever asks.
                ControlEvent::SecretAdded { binding, .. } => vec![("binding", *binding)],
                ControlEvent::AgentMoved { .. }
                | ControlEvent::AgentReviewed { .. }
                | ControlEvent::OwnerGone { .. }
                | ControlEvent::AgentTakenOver { .. }
                | ControlEvent::FingerprintAccepted { .. }
                | ControlEvent::FingerprintSeen { .. }
                | ControlEvent::TaskAttached { .. }
                | ControlEvent::TaskMoved { .. }
                | ControlEvent::TaskClosed { .. }
                | ControlEvent::CredentialHandedOver { .. }
                | ControlEvent::SafetyWeakened { .. }
                | ControlEvent::ClientSandboxOff { .. }
                | ControlEvent::WritIssued { .. }
                | ControlEvent::ApprovalGiven { .. }
                | ControlEvent::ApprovalRefused { .. }
                | ControlEvent::ApprovalConsumed { .. }
                | ControlEvent::ApprovalExpired { .. }
                | ControlEvent::GrantEnded { .. }
                | ControlEvent::FileCleared { .. }
                | ControlEvent::OwnerRevoked { .. }
                | ControlEvent::TaskRevoked { .. }
                | ControlEvent::AgentRevoked { .. }
                | ControlEvent::PolicyLoaded { .. }
                | ControlEvent::PayloadsErased { .. }
                | ControlEvent::SecretRotated { .. }
                | ControlEvent::SecretRemoved { .. }
                | ControlEvent::CredentialLent { .. } => Vec::new(),
            },
        }
    }
}

/// The entry as it is shown, without its texts.
pub(crate) fn view(at: EntryRef, entry: &AnyEntry, bytes: &[u8]) -> EntryView {
    EntryView {
        id: at.to_string(),
        at: entry.at(),
        leaf: Digest::new(*Hash::leaf(bytes).as_bytes()),
        entry: serde_json::from_slice(bytes).unwrap_or(serde_json::Value::Null),
        texts: Vec::new(),
    }
}
