//! What the policies let an agent do, by kind of work: one ordinary question for each sort of effect, put to the judge that
//! decides in earnest. An answer is about that question, and not about every one of its sort.

use std::collections::BTreeMap;

use serde_json::json;
use writ_model::{AutonomyLevel, EffectClass, Operation, Resource, TaskKind, Verdict};
use writ_policy::{Budget, Chain, FingerprintState, Moment, Story, Taint};

use super::{Asked, Put, Wanted, subject};
use crate::cli::Context;
use crate::failure::{Failure, Kind};
use crate::wire::now;

/// What is asked of a policy.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::cli) enum Step {
    Read,
    Write,
    EditWorkflows,
    Build,
    Network,
    Install,
    PushOwnBranch,
    PushMain,
    Tools,
    Publish,
    Deploy,
    ReadSecrets,
    ChangeIdentities,
}

/// The answers: of each step, by kind of work.
pub(in crate::cli) type Entitlements = BTreeMap<Step, BTreeMap<&'static str, Verdict>>;

// === impl Step ===

impl Step {
    pub(in crate::cli) const ALL: [Self; 13] = [
        Self::Read,
        Self::Write,
        Self::EditWorkflows,
        Self::Build,
        Self::Network,
        Self::Install,
        Self::PushOwnBranch,
        Self::PushMain,
        Self::Tools,
        Self::Publish,
        Self::Deploy,
        Self::ReadSecrets,
        Self::ChangeIdentities,
    ];

    /// The stable word of reports.
    pub(in crate::cli) const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::EditWorkflows => "edit-workflows",
            Self::Build => "build",
            Self::Network => "network",
            Self::Install => "install",
            Self::PushOwnBranch => "push-own-branch",
            Self::PushMain => "push-main",
            Self::Tools => "mcp-tools",
            Self::Publish => "publish",
            Self::Deploy => "deploy",
            Self::ReadSecrets => "read-secrets",
            Self::ChangeIdentities => "change-identities",
        }
    }

    /// The effect that the record tells it by.
    pub(in crate::cli) const fn effect(self) -> EffectClass {
        match self {
            Self::Read => EffectClass::Read,
            Self::Write | Self::EditWorkflows => EffectClass::WriteWorkspace,
            Self::Build => EffectClass::BuildTest,
            Self::Network | Self::Tools => EffectClass::Network,
            Self::Install => EffectClass::PackageInstall,
            Self::PushOwnBranch | Self::PushMain => EffectClass::GitPush,
            Self::Publish => EffectClass::Publish,
            Self::Deploy => EffectClass::Deploy,
            Self::ReadSecrets => EffectClass::SecretRead,
            Self::ChangeIdentities => EffectClass::IdentityChange,
        }
    }

    fn asked(self, branch: &str) -> Asked {
        let action = |effect, resource| Asked::Action { effect, resource };
        let write = |path: &str| Asked::Call {
            operation: Operation::Write { paths: vec![path.to_owned()] },
            arguments: json!({ "path": path }),
        };
        let push = |name: String| {
            action(self.effect(), Resource::Ref { remote: "origin".to_owned(), name, force: false })
        };
        match self {
            Self::Read => Asked::Call {
                operation: Operation::Read { paths: vec!["README.md".to_owned()] },
                arguments: json!({ "path": "README.md" }),
            },
            Self::Write => write("src/lib.rs"),
            Self::EditWorkflows => write(".github/workflows/ci.yml"),
            Self::Build => action(self.effect(), Resource::Command { program: "make".to_owned() }),
            Self::Network => action(self.effect(), Resource::Host { name: "example.org".to_owned() }),
            Self::Install => action(self.effect(), Resource::package("left-pad")),
            Self::PushOwnBranch => push(format!("{branch}work")),
            Self::PushMain => push("main".to_owned()),
            Self::Tools => Asked::Call {
                operation: Operation::Mcp { server: "server".to_owned(), tool: "tool".to_owned() },
                arguments: json!({}),
            },
            Self::Publish => action(self.effect(), Resource::package("left-pad")),
            Self::Deploy => action(self.effect(), Resource::Deployment { target: "production".to_owned() }),
            Self::ReadSecrets => action(self.effect(), Resource::Secret { what: "token".to_owned() }),
            Self::ChangeIdentities => action(self.effect(), Resource::Identity { what: "role".to_owned() }),
        }
    }
}

/// What this agent may do, by the policies that are loaded here.
pub(in crate::cli) fn entitlements(context: &Context, agent: &str) -> Result<Entitlements, Failure> {
    let policies = subject::policies(context, None)?;
    let mut found = Entitlements::new();
    for kind in TaskKind::ALL {
        let wanted = Wanted {
            agent: Some(agent.to_owned()),
            task: None,
            kind: Some(kind),
            environment: None,
            hooked: false,
            bounds: None,
            at: None,
        };
        let scope = subject::scope(context, &policies.engine, wanted)?;
        let branch = scope.task.branch_prefix.to_string();
        let judge = policies.engine.for_task(scope).map_err(|error| Failure::new(Kind::Broken, error))?;
        let moment = Moment {
            now: now(),
            budget: Budget::AMPLE,
            fingerprint: FingerprintState::Accepted,
            autonomy: AutonomyLevel::ASKS,
            taint: Taint::default(),
            chain: Chain::default(),
            story: Story::default(),
            carried: Vec::new(),
        };
        for step in Step::ALL {
            let Put { decision, .. } = step.asked(&branch).put_to(&judge, &moment);
            found.entry(step).or_default().insert(kind.name(), decision.verdict);
        }
    }
    Ok(found)
}
