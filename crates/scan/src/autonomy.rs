//! How far an agent acts by itself, from what its files let it do and not from what it is called.

use crate::approval::ApprovalLevel;
use crate::survey::Found;
use crate::tool::FileKind;

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
        let mut autonomy = Self::default();
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
        autonomy
    }

    /// One level for policies, from 0 to 3: what it may do unasked, and whether it starts by itself.
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
