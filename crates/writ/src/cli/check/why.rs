//! `--explain`: which policies decided, which facts they looked at, and what would change the answer.

use std::sync::Arc;

use serde::Serialize;
use writ_model::{
    Action, ApprovalLevel, AutonomyLevel, Bounds, EffectBound, EffectClass, Label, Resource, Supervision,
    TaskKind, ToolCall, Verdict,
};
use writ_policy::{
    Engine, Explanation, FingerprintState, Layer, Moment, Part, PolicySources, Taint, TaskBounds, TaskJudge,
    TaskScope, Written,
};

use crate::screen::{self, Quoted};

/// Why one action was answered as it was.
#[derive(Serialize)]
pub(super) struct Why {
    /// The layer that did not allow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<&'static str>,
    policies: Vec<Policy>,
    facts: Vec<Fact>,
    changes: Vec<Change>,
}

#[derive(Serialize)]
struct Policy {
    id: String,
    /// The file and line it stands in; policies of the task stand in none, they are made from its scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

#[derive(Serialize)]
struct Fact {
    name: String,
    /// As Cedar writes it; nothing where the attribute is absent.
    value: Option<String>,
    read_by: Vec<String>,
}

/// Something that would make the answer another one.
#[derive(Serialize)]
struct Change {
    /// `approval`, `kind`, `bounds`, `taint`, `fingerprint`, `autonomy` or `environment`.
    what: &'static str,
    /// In words.
    how: String,
    /// The answer then.
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<ApprovalLevel>,
}

/// What the answer rests on.
pub(super) struct Ground<'a> {
    pub(super) engine: &'a Arc<Engine>,
    pub(super) sources: &'a PolicySources,
    pub(super) judge: &'a TaskJudge,
    pub(super) moment: &'a Moment,
    pub(super) call: Option<&'a ToolCall>,
    /// Whose yes can be given here.
    pub(super) givable: &'a [ApprovalLevel],
}

// === impl Ground ===

impl Ground<'_> {
    /// Explains the answer to one action.
    pub(super) fn why(&self, part: &Part) -> Why {
        let written = self.sources.written();
        Why {
            layer: part.layer.map(Layer::name),
            policies: part.policies.iter().map(|id| policy(id, &written)).collect(),
            facts: self
                .judge
                .facts(part, self.moment, self.call)
                .into_iter()
                .map(|fact| Fact {
                    name: fact.name,
                    value: fact.value,
                    read_by: fact.read_by.iter().map(ToString::to_string).collect(),
                })
                .collect(),
            changes: self.changes(part),
        }
    }

    /// What would change the answer, found out by asking again with one thing changed.
    fn changes(&self, part: &Part) -> Vec<Change> {
        let mut changes = Vec::new();
        if part.verdict == Verdict::Allow {
            return changes;
        }
        if let Some(level) = part.approval {
            let whom = match level {
                ApprovalLevel::OnePerson => "the yes of any person",
                ApprovalLevel::AnotherPerson => "the yes of a person other than the requester",
                ApprovalLevel::TwoPeople => "the yes of two people other than the requester",
                ApprovalLevel::Role => "the yes of a person with the approver's role",
            };
            let how = if self.givable.contains(&level) {
                format!("{whom}, in `writ approvals`")
            } else {
                format!("{whom}, on a control plane that they reach too; nobody here can give it")
            };
            changes.push(Change { what: "approval", how, verdict: Verdict::Allow, approval: None });
        }
        let before = rank(part.verdict, part.approval);
        let mut try_it = |what, how: String, scope: TaskScope, moment: &Moment| {
            let Ok(judge) = self.engine.for_task(scope) else { return };
            let Explanation { parts, .. } =
                judge.explain_call(std::slice::from_ref(&part.action), moment, self.call);
            let Some(then) = parts.into_iter().next() else { return };
            if rank(then.verdict, then.approval) < before {
                changes.push(Change { what, how, verdict: then.verdict, approval: then.approval });
            }
        };
        let scope = self.judge.scope();
        if let Some((how, bounds)) = naming(&part.action, scope) {
            let bounds = Some(Arc::new(TaskBounds::new(bounds)));
            try_it("bounds", how, TaskScope { bounds, ..scope.clone() }, self.moment);
        }
        if scope.task.supervision == Supervision::Governed {
            for kind in TaskKind::ALL.into_iter().filter(|kind| *kind != scope.task.kind) {
                let mut other = scope.clone();
                other.task.kind = kind;
                try_it("kind", format!("a task of kind {kind}"), other, self.moment);
            }
        }
        if self.moment.taint != Taint::default() {
            let clean = Moment { taint: Taint::default(), chain: Default::default(), ..self.moment.clone() };
            try_it("taint", "a task that has read nothing of the sort".to_owned(), scope.clone(), &clean);
        }
        if self.moment.fingerprint != FingerprintState::Accepted {
            let accepted = Moment { fingerprint: FingerprintState::Accepted, ..self.moment.clone() };
            let how = "the agent's change accepted with `writ agent attest`".to_owned();
            try_it("fingerprint", how, scope.clone(), &accepted);
        }
        if self.moment.autonomy > AutonomyLevel::ASKS {
            let asks = Moment { autonomy: AutonomyLevel::ASKS, ..self.moment.clone() };
            try_it("autonomy", "a client that asks its user each time".to_owned(), scope.clone(), &asks);
        }
        if scope.task.environment.as_str() == "production" {
            let mut other = scope.clone();
            other.task.environment = Label::lossy("development");
            try_it("environment", "the environment `development`".to_owned(), other, self.moment);
        }
        changes
    }
}

/// How strict an answer is.
fn rank(verdict: Verdict, approval: Option<ApprovalLevel>) -> usize {
    match verdict {
        Verdict::Allow => 0,
        Verdict::StepUp => {
            let of = |level| ApprovalLevel::RISING.iter().position(|other| *other == level);
            1 + approval.and_then(of).unwrap_or(ApprovalLevel::RISING.len())
        }
        Verdict::Deny => usize::MAX,
    }
}

/// The task's bounds with this one thing named in them, and how a person says so.
fn naming(action: &Action, scope: &TaskScope) -> Option<(String, Bounds)> {
    let mut bounds = scope.bounds.as_ref().map(|bounds| bounds.bounds().clone()).unwrap_or_default();
    let how = match &action.resource {
        Resource::Host { name } => {
            bounds.hosts.get_or_insert_default().push(name.parse().ok()?);
            format!("the host named when the task is opened: `--allow-host {name}`")
        }
        Resource::McpTool { server, tool } => {
            bounds.mcp.get_or_insert_default().entry(server.clone()).or_default().push(tool.parse().ok()?);
            format!("the tool named when the task is opened: `--allow-mcp {server}/{tool}`")
        }
        Resource::Path { path, .. } if action.effect == EffectClass::WriteWorkspace => {
            bounds.write.get_or_insert_default().push(path.parse().ok()?);
            format!("the file named when the task is opened: `--write {path}`")
        }
        Resource::Path { path, .. } if action.effect == EffectClass::Read => {
            bounds.read.get_or_insert_default().push(path.parse().ok()?);
            format!("the file named when the task is opened: `--read {path}`")
        }
        Resource::Ref { name, .. } if action.effect == EffectClass::GitPush && !name.is_empty() => {
            bounds.push.get_or_insert_default().push(name.parse().ok()?);
            format!("the branch named when the task is opened: `--push {name}`")
        }
        Resource::Package { .. } if action.effect == EffectClass::PackageInstall => {
            let bound = EffectBound { class: EffectClass::PackageInstall, lockfile: false };
            bounds.effects.get_or_insert_default().push(bound);
            "installing packages named when the task is opened: `--effect package-install`".to_owned()
        }
        Resource::CloudAccount { .. }
        | Resource::Command { .. }
        | Resource::Deployment { .. }
        | Resource::Identity { .. }
        | Resource::Package { .. }
        | Resource::Path { .. }
        | Resource::Ref { .. }
        | Resource::Repository { .. }
        | Resource::Secret { .. }
        | Resource::Unknown { .. } => return None,
    };
    Some((how, bounds))
}

fn policy(id: &Label, written: &[Written]) -> Policy {
    let found = written.iter().find(|written| written.id == id.as_str());
    Policy {
        id: id.to_string(),
        file: found.map(|written| written.file.clone()),
        line: found.map(|written| written.line),
        text: found.map(|written| written.text.clone()),
    }
}

/// Shows it to a person, below the action it is about.
pub(super) fn tell(why: &Why) -> std::io::Result<()> {
    let Why { layer, policies, facts, changes } = why;
    match layer {
        Some(layer) if policies.is_empty() => {
            screen::line(format_args!(
                "           decided by  the layer `{layer}`, which permits nothing of the sort"
            ))?;
        }
        Some(_) | None => {}
    }
    for Policy { id, file, line, text } in policies {
        let place = match (file, line) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            (_, _) => "made from the task's scope".to_owned(),
        };
        screen::line(format_args!("           decided by  {id} ({place})"))?;
        for line in text.iter().flat_map(|text| text.lines()) {
            screen::line(format_args!("             | {line}"))?;
        }
    }
    for Fact { name, value, read_by: _ } in facts {
        match value {
            Some(value) => screen::line(format_args!("           fact        {name} is {}", plain(value)))?,
            None => screen::line(format_args!("           fact        {name} is not there"))?,
        }
    }
    for Change { what: _, how, verdict, approval } in changes {
        let level = approval.map(|level| format!(" by {level}")).unwrap_or_default();
        screen::line(format_args!("           would be    {verdict}{level} with {how}"))?;
    }
    Ok(())
}

/// A value as policies write it, with one pair of quotation marks at most.
fn plain(value: &str) -> String {
    if matches!(value, "true" | "false") {
        return value.to_owned();
    }
    let text = serde_json::from_str::<String>(value);
    Quoted(text.as_deref().unwrap_or(value)).to_string()
}
