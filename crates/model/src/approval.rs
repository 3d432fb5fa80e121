//! Approvals: single use, expiring, bound to the digest of the exact action and of why it is held.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where an approval stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalState {
    Pending,
    Approved,
    /// Its one use is spent.
    Consumed,
    Refused,
    /// Its time ran out, or its task ended, before it was used.
    Expired,
}

/// What can happen to an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalMove {
    Approve,
    Consume,
    Refuse,
    Expire,
}

/// The move does not exist from that state: above all, nothing is consumed twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an approval that is {from} cannot be {}", .step.done())]
pub struct IllegalApprovalMove {
    pub from: ApprovalState,
    pub step: ApprovalMove,
}

// === impl ApprovalState ===

impl ApprovalState {
    /// The state after a move, or the typed refusal of a move that does not exist.
    pub const fn step(self, step: ApprovalMove) -> Result<Self, IllegalApprovalMove> {
        match (self, step) {
            (Self::Pending, ApprovalMove::Approve) => Ok(Self::Approved),
            (Self::Approved, ApprovalMove::Consume) => Ok(Self::Consumed),
            (Self::Pending, ApprovalMove::Refuse) => Ok(Self::Refused),
            (Self::Pending | Self::Approved, ApprovalMove::Expire) => Ok(Self::Expired),
            (from, step) => Err(IllegalApprovalMove { from, step }),
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Consumed => "consumed",
            Self::Refused => "refused",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for ApprovalState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

// === impl ApprovalMove ===

impl ApprovalMove {
    pub const fn done(self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Consume => "consumed",
            Self::Refuse => "refused",
            Self::Expire => "expired",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approval_is_used_once_or_never() {
        let used = ApprovalState::Pending
            .step(ApprovalMove::Approve)
            .and_then(|state| state.step(ApprovalMove::Consume))
            .unwrap();
        assert_eq!(used, ApprovalState::Consumed);
        for end in [ApprovalState::Consumed, ApprovalState::Refused, ApprovalState::Expired] {
            for step in
                [ApprovalMove::Approve, ApprovalMove::Consume, ApprovalMove::Refuse, ApprovalMove::Expire]
            {
                assert_eq!(end.step(step), Err(IllegalApprovalMove { from: end, step }));
            }
        }
        assert!(ApprovalState::Pending.step(ApprovalMove::Consume).is_err());
    }
}
