//! What of the registry somebody should look at, in the form of every other finding.

use std::path::Path;

use super::Finding;
use super::rules::{self, Rule};

/// Why somebody should look at an agent. The names are stable.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Look {
    /// It was retired, and acted after that.
    ActsThoughRetired,
    /// What it did unasked is more than its settings say.
    BeyondItsSettings,
    /// Its owner is gone, and its deputy is asked.
    Orphan,
    /// Its owner is gone, and nobody answers for it.
    OrphanWithoutDeputy,
    ReviewLapsed,
    RunsWithoutAuthority,
    /// It is here, and no person took it in.
    Shadow,
    TwoEnvironments,
    UnusedRights,
}

// === impl Look ===

impl Look {
    pub fn name(self) -> &'static str {
        match self {
            Self::ActsThoughRetired => "acts-though-retired",
            Self::BeyondItsSettings => "beyond-its-settings",
            Self::Orphan => "orphan",
            Self::OrphanWithoutDeputy => "orphan-without-deputy",
            Self::ReviewLapsed => "review-lapsed",
            Self::RunsWithoutAuthority => "runs-without-authority",
            Self::Shadow => "shadow-agent",
            Self::TwoEnvironments => "two-environments",
            Self::UnusedRights => "unused-rights",
        }
    }

    fn rule(self) -> &'static Rule {
        match self {
            Self::ActsThoughRetired => &rules::ACTS_THOUGH_RETIRED,
            Self::BeyondItsSettings => &rules::BEYOND_ITS_SETTINGS,
            Self::Orphan => &rules::ORPHAN,
            Self::OrphanWithoutDeputy => &rules::ORPHAN_WITHOUT_DEPUTY,
            Self::ReviewLapsed => &rules::REVIEW_LAPSED,
            Self::RunsWithoutAuthority => &rules::RUNS_WITHOUT_AUTHORITY,
            Self::Shadow => &rules::SHADOW_AGENT,
            Self::TwoEnvironments => &rules::TWO_ENVIRONMENTS,
            Self::UnusedRights => &rules::UNUSED_RIGHTS,
        }
    }
}

/// A finding about an agent of the registry. No file says it, so it has no line, and for a path `registry/NAME`. `subject`
/// names it among those of its kind and agent: another owner who is gone, or another date that passed, is a new finding.
pub fn of_agent(why: Look, agent: &str, subject: &str, says: &str) -> Finding {
    let path = Path::new("registry").join(agent);
    Finding::new(why.rule(), &path, 0, subject, format!("agent `{agent}`: {says}"))
}
