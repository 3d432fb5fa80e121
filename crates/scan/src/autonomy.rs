//! How far an agent acts by itself, from what its files let it do and not from what it is called.

use writ_model::EffectClass;

use crate::approval::ApprovalLevel;
use crate::survey::Found;
use crate::tool::FileKind;

mod client;

pub use client::of_client;

/// How far, as a step from 0 to 3.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Degree {
    /// A human answers each time.
    #[default]
    Asks,
    /// Listed things go unasked.
    Some,
    /// It does not ask.
    Free,
    /// It does not ask, and others than its user start it.
    Unattended,
}

/// One answer, and the lines that give it.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub degree: Degree,
    pub because: Vec<(u32, String)>,
}

/// Three questions about one file's agent.
#[derive(Clone, Debug, Default)]
pub struct Autonomy {
    /// May it act without an approval?
    pub actions: Answer,
    /// May it take tools that nobody fixed?
    pub tools: Answer,
    /// May it begin without being asked?
    pub timing: Answer,
    /// Something could not be read: the answers are the least that holds.
    pub unknown: bool,
}

/// What the record tells of one agent, counted.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Each effect: how often nobody was asked, and how often a person said yes.
    pub effects: Vec<(EffectClass, u64, u64)>,
    /// Names of tools that were called, as the client names them.
    pub tools: Vec<String>,
    pub sessions: u64,
    pub prompts: u64,
    pub subagents: u64,
}

/// Most reasons kept of one answer.
const MAX_REASONS: usize = 10;

// === impl Degree ===

impl Degree {
    pub fn name(self) -> &'static str {
        match self {
            Self::Asks => "asks",
            Self::Some => "some",
            Self::Free => "free",
            Self::Unattended => "unattended",
        }
    }
}

// === impl Answer ===

impl Answer {
    fn at_least(&mut self, degree: Degree, line: u32, why: impl Into<String>) {
        self.degree = self.degree.max(degree);
        if self.because.len() < MAX_REASONS {
            self.because.push((line, why.into()));
        }
    }
}

// === impl Autonomy ===

impl Autonomy {
    /// The answers of one file.
    pub fn of(found: &Found) -> Self {
        let mut autonomy = Self { unknown: found.unread.is_some(), ..Self::default() };
        for evidence in &found.approval.evidence {
            let degree = match evidence.level {
                ApprovalLevel::None => continue,
                ApprovalLevel::Scoped => Degree::Some,
                ApprovalLevel::Blanket => Degree::Free,
            };
            autonomy.actions.at_least(degree, evidence.line, evidence.text.clone());
        }
        for server in found.servers.iter().filter(|server| !server.disabled) {
            // What a server offers is its own to change, unless its code is fixed.
            let fixed = server.package.as_ref().is_some_and(|package| package.pinned);
            if !fixed && (server.package.is_some() || server.host.is_some()) {
                autonomy.tools.at_least(
                    Degree::Some,
                    server.line,
                    format!("server `{}` is not fixed", server.name),
                );
            }
        }
        for plugin in &found.plugins {
            autonomy.tools.at_least(Degree::Some, 1, format!("plugin `{plugin}`"));
        }
        if found.kind == FileKind::Hooks && found.tool == "kiro" {
            for hook in &found.hooks {
                autonomy.timing.at_least(Degree::Free, hook.line, format!("starts at `{}`", hook.event));
            }
        }
        if let Some(workflow) = &found.workflow {
            for step in &workflow.agents {
                // There is nobody to ask in CI: what the client would ask for, it refuses or does.
                autonomy.actions.at_least(Degree::Some, step.line, "runs where nobody can be asked");
            }
            for trigger in workflow.triggers.iter().filter(|trigger| !trigger.name.starts_with("workflow_")) {
                let degree = if workflow.outsider_start == Some(true) && trigger.is_untrusted() {
                    Degree::Unattended
                } else {
                    Degree::Free
                };
                autonomy.timing.at_least(degree, trigger.line, format!("starts at `{}`", trigger.name));
            }
        }
        for job in found.gitlab.iter().flat_map(|pipeline| &pipeline.agents) {
            autonomy.actions.at_least(Degree::Some, job.line, "runs where nobody can be asked");
            for source in job.sources.iter().filter(|_| !job.manual) {
                autonomy.timing.at_least(Degree::Free, job.line, format!("starts at `{source}`"));
            }
        }
        autonomy
    }

    /// The answers of what an agent really did. Line 0: the record has no lines.
    ///
    /// A client that never tells its prompts is not called one that starts by itself.
    pub fn observed(did: &Observed) -> Self {
        let mut autonomy = Self::default();
        for (effect, unasked, approved) in &did.effects {
            if *unasked > 0 {
                let degree = match effect {
                    // Looking at things is what every agent does.
                    EffectClass::Read => Degree::Asks,
                    EffectClass::WriteWorkspace | EffectClass::BuildTest => Degree::Some,
                    EffectClass::Network
                    | EffectClass::PackageInstall
                    | EffectClass::GitPush
                    | EffectClass::Publish
                    | EffectClass::Deploy
                    | EffectClass::SecretRead
                    | EffectClass::IdentityChange
                    | EffectClass::Destructive
                    | EffectClass::EscapeAttempt
                    | EffectClass::Unknown => Degree::Free,
                };
                autonomy.actions.at_least(degree, 0, format!("{effect}: {unasked} times, nobody was asked"));
            }
            if *approved > 0 {
                autonomy.actions.at_least(
                    Degree::Asks,
                    0,
                    format!("{effect}: {approved} times by a person's yes"),
                );
            }
            if *effect == EffectClass::PackageInstall && unasked + approved > 0 {
                autonomy.tools.at_least(Degree::Some, 0, "installed packages");
            }
        }
        for tool in did.tools.iter().filter(|tool| tool.starts_with("mcp_") || tool.contains('/')) {
            autonomy.tools.at_least(Degree::Some, 0, format!("called `{tool}` of a server"));
        }
        if did.subagents > 0 {
            autonomy.timing.at_least(Degree::Some, 0, format!("started {} sub-agents", did.subagents));
        }
        if did.prompts > 0 && did.prompts < did.sessions {
            let without = did.sessions - did.prompts;
            autonomy.timing.at_least(
                Degree::Free,
                0,
                format!("at least {without} of {} sessions without a prompt", did.sessions),
            );
        }
        autonomy
    }

    /// The answers of both.
    pub fn and(mut self, other: Self) -> Self {
        self.unknown |= other.unknown;
        let pairs = [
            (&mut self.actions, other.actions),
            (&mut self.tools, other.tools),
            (&mut self.timing, other.timing),
        ];
        for (own, other) in pairs {
            own.degree = own.degree.max(other.degree);
            own.because.extend(other.because);
            own.because.truncate(MAX_REASONS);
        }
        self
    }

    /// The answers in which this goes further than `other`, with their names.
    pub fn beyond<'a>(&'a self, other: &Self) -> Vec<(&'static str, &'a Answer)> {
        [
            ("actions", &self.actions, &other.actions),
            ("tools", &self.tools, &other.tools),
            ("timing", &self.timing, &other.timing),
        ]
        .into_iter()
        .filter(|(_, own, other)| own.degree > other.degree)
        .map(|(name, own, _)| (name, own))
        .collect()
    }

    /// One level for policies, from 0 to 3: what it may do unasked, and whether it starts by itself. The least that
    /// holds, where something is unknown.
    pub fn level(&self) -> u8 {
        match (self.actions.degree, self.timing.degree) {
            (_, Degree::Unattended) => 3,
            (Degree::Free | Degree::Unattended, Degree::Some | Degree::Free) => 3,
            (Degree::Free | Degree::Unattended, Degree::Asks) => 2,
            (Degree::Some, Degree::Some | Degree::Free) => 2,
            (Degree::Some, Degree::Asks) => 1,
            (Degree::Asks, Degree::Some | Degree::Free) => 1,
            (Degree::Asks, Degree::Asks) => 0,
        }
    }
}
