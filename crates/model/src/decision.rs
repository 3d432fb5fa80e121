//! The three answers, and the rising list of approvals.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::reason::ReasonCode;
use crate::text::{Digest, Label};

/// The three answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Allow,
    #[serde(rename = "step_up")]
    StepUp,
    Deny,
}

/// Whose approval a step-up needs, in rising order. The first that makes policy allow the call is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalLevel {
    /// Any one person, the requester too; then it is recorded as `self`.
    OnePerson,
    /// One person who is not the requester.
    AnotherPerson,
    /// Two persons, neither of them the requester.
    TwoPeople,
    /// A person with the approver's role, who is not the requester.
    Role,
}

/// An answer as it is recorded and shown: what, why, by which policies of which version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    pub verdict: Verdict,
    pub reason: ReasonCode,
    /// Whose approval is needed; only with `step_up`.
    pub approval: Option<ApprovalLevel>,
    /// Ids of the policies that decided, sorted.
    pub policies: Vec<Label>,
    /// Digest over the schema and all three policy sets.
    pub policy_version: Digest,
}

// === impl Verdict ===

impl Verdict {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::StepUp => "step_up",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

// === impl ApprovalLevel ===

impl ApprovalLevel {
    /// The rising list.
    pub const RISING: [Self; 4] = [Self::OnePerson, Self::AnotherPerson, Self::TwoPeople, Self::Role];

    pub const fn name(self) -> &'static str {
        match self {
            Self::OnePerson => "one-person",
            Self::AnotherPerson => "another-person",
            Self::TwoPeople => "two-people",
            Self::Role => "role",
        }
    }

    /// How many persons must say yes.
    pub const fn persons(self) -> usize {
        match self {
            Self::OnePerson | Self::AnotherPerson | Self::Role => 1,
            Self::TwoPeople => 2,
        }
    }

    /// Whether the requester's own yes counts.
    pub const fn admits_requester(self) -> bool {
        match self {
            Self::OnePerson => true,
            Self::AnotherPerson | Self::TwoPeople | Self::Role => false,
        }
    }
}

impl fmt::Display for ApprovalLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
