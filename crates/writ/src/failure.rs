//! How a command ends that did not do what was asked: one exit code per kind, a sentence, and the next step.

use std::fmt;
use std::process::ExitCode;

use writ_control::api::client::ClientError;
use writ_control::api::{ApiError, ErrorCode};

use crate::screen;

/// What kind of end it is. The codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Something does not work.
    Broken,
    /// The command line asks for something that does not exist.
    Usage,
    /// A rule says no.
    Denied,
    /// A human has to answer first.
    Pending,
    /// The record does not add up.
    Integrity,
}

/// A command that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    error: anyhow::Error,
    hint: Option<String>,
}

/// What a command returns.
pub(crate) type Outcome = Result<ExitCode, Failure>;

// === impl Kind ===

impl Kind {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Broken => 1,
            Self::Usage => 2,
            Self::Denied => 3,
            Self::Pending => 4,
            Self::Integrity => 5,
        }
    }

    const fn of(code: ErrorCode) -> Self {
        match code {
            ErrorCode::AgentNotActive
            | ErrorCode::ApprovalsFull
            | ErrorCode::FingerprintChanged
            | ErrorCode::Forbidden
            | ErrorCode::LimitReached
            | ErrorCode::RecordFull
            | ErrorCode::Refused
            | ErrorCode::Revoked
            | ErrorCode::StaleEpoch
            | ErrorCode::TaskNotOpen
            | ErrorCode::WritExpired
            | ErrorCode::WritInvalid => Self::Denied,
            ErrorCode::BadRequest | ErrorCode::NotFound | ErrorCode::TooLarge => Self::Usage,
            ErrorCode::Integrity => Self::Integrity,
            ErrorCode::Conflict | ErrorCode::NotRecorded | ErrorCode::Overloaded | ErrorCode::Storage => {
                Self::Broken
            }
        }
    }
}

// === impl Failure ===

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self { kind, error: anyhow::Error::msg(message.to_string()), hint: None }
    }

    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Kind::Usage, message)
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn refused(error: ApiError) -> Self {
        let ApiError { code, message, hint } = error;
        Self { kind: Kind::of(code), error: anyhow::Error::msg(message), hint }
    }

    /// What failed and why, in one line.
    pub(crate) fn message(&self) -> String {
        format!("{:#}", self.error)
    }

    /// Tells the person, causes included, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        screen::say(format_args!("writ: {:#}", self.error));
        if let Some(hint) = &self.hint {
            screen::say(format_args!("      {hint}"));
        }
        ExitCode::from(self.kind.code())
    }
}

/// Whether nobody listens: no socket, or one that was left behind.
fn is_nobody(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionRefused, NotFound};
    matches!(error.kind(), NotFound | ConnectionRefused)
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        match error.downcast::<ClientError>() {
            Ok(ClientError::Refused(refused)) => Self::refused(refused),
            Ok(ClientError::Connect(source)) if is_nobody(&source) => {
                Self::new(Kind::Broken, "no control plane runs for this user, so there is nothing to ask")
                    .hint("`writ run` starts one with the first session; `writ serve` runs it by itself")
            }
            Ok(unreachable @ ClientError::Connect(_)) => Self {
                kind: Kind::Broken,
                error: unreachable.into(),
                hint: Some("`writ doctor` says what is wrong with it".into()),
            },
            Ok(other @ (ClientError::Gone | ClientError::Answer(_) | ClientError::Request(_))) => {
                Self { kind: Kind::Broken, error: other.into(), hint: None }
            }
            Err(error) => Self { kind: Kind::Broken, error, hint: None },
        }
    }
}
