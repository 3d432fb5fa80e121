//! The three answers, and the rising list of approvals.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::GrantId;
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
    /// The grants without which it would not have been allowed, sorted. They are spent by nothing and end with the task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<GrantId>,
    /// What the answer would have been if policies under observation counted; only where it would have been another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Box<Observed>>,
    /// Digest over the schema, the guardrails and the organisation's policies: the same as in `policy-loaded`. The
    /// task's own policies follow from the task's entry.
    pub policy_version: Digest,
}

/// Another answer, that policies under observation would have given. It stops and allows nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observed {
    pub verdict: Verdict,
    pub reason: ReasonCode,
    /// Whose approval would have been needed; only with `step_up`.
    pub approval: Option<ApprovalLevel>,
    /// Ids of the policies under observation that would have made the difference, sorted.
    pub policies: Vec<Label>,
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

// === impl Observed ===

impl fmt::Display for Observed {
    /// `step_up by one-person, because of organisation:x, organisation:y`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.verdict)?;
        if let Some(level) = self.approval {
            write!(f, " by {level}")?;
        }
        for (at, policy) in self.policies.iter().enumerate() {
            write!(f, "{} {policy}", if at == 0 { ", because of" } else { "," })?;
        }
        Ok(())
    }
}

// === impl ApprovalLevel ===

impl ApprovalLevel {
    /// The rising list.
    pub const RISING: [Self; 4] = [Self::OnePerson, Self::AnotherPerson, Self::TwoPeople, Self::Role];

    /// Whether whoever gives this one gives the other with it.
    #[must_use]
    pub const fn includes(self, other: Self) -> bool {
        match (self, other) {
            (_, Self::OnePerson)
            | (Self::AnotherPerson | Self::TwoPeople | Self::Role, Self::AnotherPerson)
            | (Self::TwoPeople, Self::TwoPeople)
            | (Self::Role, Self::Role) => true,
            (Self::OnePerson, Self::AnotherPerson)
            | (Self::OnePerson | Self::AnotherPerson | Self::Role, Self::TwoPeople)
            | (Self::OnePerson | Self::AnotherPerson | Self::TwoPeople, Self::Role) => false,
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn decision() -> Decision {
        Decision {
            verdict: Verdict::Allow,
            reason: ReasonCode::Allowed,
            approval: None,
            policies: vec![Label::lossy("organisation:a")],
            grants: Vec::new(),
            observed: None,
            policy_version: Digest::new([1; 32]),
        }
    }

    /// Records from before grants and observation are read, and decisions without them are written as then.
    #[test]
    fn what_a_decision_does_not_have_is_not_written() {
        let digest = Digest::new([1; 32]);
        let plain = format!(
            r#"{{"verdict":"allow","reason":"allowed","approval":null,"policies":["organisation:a"],"policy_version":"{digest}"}}"#
        );
        assert_eq!(serde_json::to_string(&decision()).unwrap(), plain);
        assert_eq!(serde_json::from_str::<Decision>(&plain).unwrap(), decision());
        let full = Decision {
            grants: vec![GrantId::new(Timestamp::EPOCH, [1; 10])],
            observed: Some(Box::new(Observed {
                verdict: Verdict::StepUp,
                reason: ReasonCode::StepUp,
                approval: Some(ApprovalLevel::TwoPeople),
                policies: vec![Label::lossy("organisation:b"), Label::lossy("organisation:c")],
            })),
            ..decision()
        };
        let text = serde_json::to_string(&full).unwrap();
        assert_eq!(serde_json::from_str::<Decision>(&text).unwrap(), full);
        let observed = full.observed.unwrap().to_string();
        assert_eq!(observed, "step_up by two-people, because of organisation:b, organisation:c");
    }
}
