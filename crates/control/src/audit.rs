//! The record, read back: searching, the story of a session, proofs for strangers, erasure, verification.

mod activity;
mod commit;
mod entry;
mod erase;
mod prove;
mod search;
mod show;
mod verify;

pub use verify::{AuditSource, Finding, HeldCheckpoint, Verified, VerifyError, verify};

use writ_model::TaskId;

use crate::api::ErrorCode;

/// Why a question to the record was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    #[error("`{0}` is no entry or id; one looks like `activity:17` or `tsk_…`, with all its digits")]
    NoReference(String),
    #[error("there is no entry `{0}`")]
    NoEntry(String),
    #[error("nothing in the record mentions `{0}`")]
    NothingMentions(String),
    #[error("the cursor is none that a search gave")]
    Cursor,
    #[error("a commit is named by 7 to 64 hexadecimal digits")]
    Commit,
    #[error("a page holds 1 to {0} entries")]
    Limit(u32),
    #[error("task `{0}` is not closed; what it writes cannot be erased yet")]
    NotClosed(TaskId),
    #[error("the entry is not synced yet")]
    NotSynced,
}

// === impl AuditError ===

impl AuditError {
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NoReference(_) | Self::Commit | Self::Cursor | Self::Limit(_) => ErrorCode::BadRequest,
            Self::NoEntry(_) | Self::NothingMentions(_) => ErrorCode::NotFound,
            Self::NotClosed(_) => ErrorCode::Refused,
            Self::NotSynced => ErrorCode::Conflict,
        }
    }
}
