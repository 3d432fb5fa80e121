//! Everything an operation of the office can fail with, and how the caller is told.

use writ_ledger::storage::{AppendError, PayloadError, ReadError, StoreSnapshotError};
use writ_model::{EntryError, LifecycleState};

use crate::api::{ApiError, ErrorCode};
use crate::approvals::ApprovalError;
use crate::audit::AuditError;
use crate::fold::{FoldError, SnapshotFormError};
use crate::identity::IdentityError;
use crate::record::RecordError;
use crate::secret::SecretError;
use crate::task::TaskError;
use crate::writ::WritError;

use super::{OpenOfficeError, RandomFailed, StandingError};

/// Why an operation was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    #[error(transparent)]
    Approval(#[from] ApprovalError),
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Standing(#[from] StandingError),
    #[error(transparent)]
    Task(#[from] TaskError),
    #[error(transparent)]
    Writ(#[from] WritError),
    /// The change breaks a rule of the record.
    #[error(transparent)]
    Rule(#[from] FoldError),
    #[error("the record does not follow its own rules")]
    Damaged(#[source] FoldError),
    #[error("could not record the change")]
    Append(#[from] AppendError),
    #[error("could not read the record")]
    Read(#[from] ReadError),
    #[error("could not fold the record")]
    Restore(#[source] Box<OpenOfficeError>),
    #[error("could not keep or read a text")]
    Payload(#[from] PayloadError),
    #[error("could not keep a snapshot")]
    Snapshot(#[from] StoreSnapshotError),
    #[error("could not write the state down")]
    Form(#[from] SnapshotFormError),
    #[error("could not read or write an entry")]
    Entry(#[from] EntryError),
    #[error("the entry does not fit into the log")]
    Leaf(#[from] writ_ledger::entry::EntryError),
    #[error(transparent)]
    Random(#[from] RandomFailed),
}

// === impl OfficeError ===

impl OfficeError {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Approval(error) => error.code(),
            Self::Audit(error) => error.code(),
            Self::Identity(error) => error.code(),
            Self::Record(error) => error.code(),
            Self::Secret(error) => error.code(),
            Self::Standing(error) => error.code(),
            Self::Task(error) => error.code(),
            Self::Writ(error) => match error {
                WritError::Expired => ErrorCode::WritExpired,
                WritError::TooLong | WritError::NotOurs(_) | WritError::NotYet => ErrorCode::WritInvalid,
                WritError::Key | WritError::Sign(_) | WritError::Scope(_) => ErrorCode::Storage,
            },
            Self::Rule(_) => ErrorCode::Refused,
            Self::Damaged(_) | Self::Restore(_) => ErrorCode::Integrity,
            Self::Append(error) => match error {
                AppendError::Conflict { .. } => ErrorCode::Conflict,
                AppendError::TooLarge { .. } | AppendError::Empty | AppendError::ForeignPayload { .. } => {
                    ErrorCode::BadRequest
                }
                AppendError::Overloaded => ErrorCode::Overloaded,
                AppendError::DiskFull
                | AppendError::Closed
                | AppendError::Broken
                | AppendError::Engine(_) => ErrorCode::Storage,
            },
            Self::Read(error) => match error {
                ReadError::Damaged { .. } => ErrorCode::Integrity,
                ReadError::BeyondEnd { .. } => ErrorCode::NotFound,
                ReadError::Engine(_) => ErrorCode::Storage,
            },
            Self::Leaf(_) => ErrorCode::BadRequest,
            Self::Payload(_) | Self::Snapshot(_) | Self::Form(_) | Self::Entry(_) | Self::Random(_) => {
                ErrorCode::Storage
            }
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Approval(error) => error.hint(),
            Self::Identity(error) => error.hint(),
            Self::Secret(error) => error.hint(),
            Self::Standing(error) => error.hint(),
            Self::Task(error) => error.hint(),
            Self::Damaged(_) | Self::Restore(_) => Some("run `writ audit verify`".to_owned()),
            Self::Audit(_)
            | Self::Record(_)
            | Self::Writ(_)
            | Self::Rule(_)
            | Self::Append(_)
            | Self::Read(_)
            | Self::Payload(_)
            | Self::Snapshot(_)
            | Self::Form(_)
            | Self::Entry(_)
            | Self::Leaf(_)
            | Self::Random(_) => None,
        }
    }
}

// === impl StandingError ===

impl StandingError {
    const fn code(&self) -> ErrorCode {
        match self {
            Self::AgentNotActive { .. } | Self::ReviewLapsed(_) | Self::Orphaned(_) | Self::Expired(_) => {
                ErrorCode::AgentNotActive
            }
            Self::FingerprintChanged(_) => ErrorCode::FingerprintChanged,
            Self::Revoked => ErrorCode::Revoked,
            Self::TaskNotOpen(_) => ErrorCode::TaskNotOpen,
            Self::LimitReached(_) => ErrorCode::LimitReached,
            Self::UnknownWrit => ErrorCode::WritInvalid,
            Self::StaleEpoch => ErrorCode::StaleEpoch,
            Self::SecondSupervisor => ErrorCode::Conflict,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::AgentNotActive { name, state } => match state {
                LifecycleState::Requested | LifecycleState::Approved => {
                    Some(format!("run `writ agent approve {name}`"))
                }
                LifecycleState::Suspended => Some(format!("run `writ agent resume {name}`")),
                LifecycleState::Discovered
                | LifecycleState::Active
                | LifecycleState::Quarantined
                | LifecycleState::Retired => Some("run `writ agent register`".to_owned()),
            },
            Self::ReviewLapsed(name) => Some(format!("run `writ agent review {name}`")),
            Self::Orphaned(name) => Some(format!("its deputy runs `writ agent adopt {name}`")),
            Self::FingerprintChanged(name) => Some(format!("run `writ agent attest {name}`")),
            Self::Expired(_) => Some("run `writ agent register`".to_owned()),
            Self::Revoked
            | Self::TaskNotOpen(_)
            | Self::LimitReached(_)
            | Self::UnknownWrit
            | Self::StaleEpoch
            | Self::SecondSupervisor => None,
        }
    }
}

// === impl ApiError ===

impl From<OfficeError> for ApiError {
    fn from(error: OfficeError) -> Self {
        let mut message = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            // A transparent error has its source's text already.
            let text = cause.to_string();
            if !message.ends_with(&text) {
                message = format!("{message}: {text}");
            }
            source = cause.source();
        }
        Self { code: error.code(), message, hint: error.hint() }
    }
}
