//! Decisions in words: for `writ check`, for the agent that was refused, for the operator who reads the record.

use writ_model::{
    Action, ApprovalLevel, Decision, EffectClass, GrantId, Label, Observed, ReasonCode, Resource,
    Supervision, TaskKind, Verdict,
};

use crate::engine::TaskJudge;
use crate::scope::{TaskScope, ceiling};
use crate::source::Layer;

/// Longest name of a resource in a message, in characters.
const SHOWN: usize = 120;

/// How many actions a message names.
const NAMED: usize = 6;

/// A decision with the answer to each action.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    pub decision: Decision,
    pub parts: Vec<Part>,
}

/// The answer to one action.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub action: Action,
    pub verdict: Verdict,
    pub reason: ReasonCode,
    /// Whose yes would lift it; only with `step_up`.
    pub approval: Option<ApprovalLevel>,
    /// The first layer that did not allow it.
    pub layer: Option<Layer>,
    /// Ids of the policies that decided, sorted.
    pub policies: Vec<Label>,
    /// Why the policy that decided exists, in its own words.
    pub why: Option<String>,
    /// The same of the others that hold it, where a yes would lift them all.
    pub also: Vec<String>,
    /// Of all these, those of policies that look at what the session has read.
    pub tells: Vec<String>,
    /// The policies that hold it, where a yes would lift them all.
    pub holders: Vec<(Layer, Label)>,
    /// What that policy says to do instead.
    pub instead: Option<String>,
    /// The grant without which it would not have been allowed, and whose yes that was.
    pub grant: Option<GrantId>,
    pub granted: Option<ApprovalLevel>,
    /// What the answer would have been if policies under observation counted; only where it would be another.
    pub observed: Option<Observed>,
}

// === impl Part ===

impl Part {
    pub(crate) fn allowed(action: Action, mut policies: Vec<Label>) -> Self {
        policies.sort();
        policies.dedup();
        Self {
            action,
            verdict: Verdict::Allow,
            reason: ReasonCode::Allowed,
            approval: None,
            layer: None,
            policies,
            why: None,
            also: Vec::new(),
            tells: Vec::new(),
            holders: Vec::new(),
            instead: None,
            grant: None,
            granted: None,
            observed: None,
        }
    }

    pub(crate) const fn outcome(&self) -> (Verdict, ReasonCode, Option<ApprovalLevel>) {
        (self.verdict, self.reason, self.approval)
    }
}

/// For the agent: what was refused and why, what it may do instead, how to ask. Empty for an allowed call. `is_request`: a
/// program sends it over the network, and what may be done instead is another request.
pub(crate) fn for_agent(explanation: &Explanation, scope: &TaskScope, is_request: bool) -> String {
    let verdict = explanation.decision.verdict;
    let counted =
        |part: &&Part| part.verdict == verdict || verdict == Verdict::Deny && none_denied(explanation);
    // That a request reaches its host says less than what it asks for there.
    let is_plain = |part: &&Part| is_request && part.action.effect == EffectClass::Network;
    let decides = |part: &&Part| part.reason == explanation.decision.reason;
    let mut all = explanation.parts.iter().filter(counted).filter(decides);
    let Some(part) = all
        .clone()
        .find(|part| !is_plain(part))
        .or_else(|| all.next())
        .or_else(|| explanation.parts.iter().find(counted))
    else {
        return match verdict {
            Verdict::Allow => String::new(),
            Verdict::StepUp | Verdict::Deny => {
                "Writ refused this call: nobody can say what it would do. Use a plainer form of it."
                    .to_owned()
            }
        };
    };
    let what = phrase(&part.action);
    let why = why(part, scope);
    match verdict {
        Verdict::Allow => String::new(),
        Verdict::StepUp => {
            let whom = whom(explanation.decision.approval);
            format!(
                "Writ holds this call: it would {what}, and {why}. {whom} must approve it: it waits for them in \
                 `writ approvals`. {} Do not look for a way around it.",
                instead(part, scope, is_request)
            )
        }
        Verdict::Deny => {
            let (instead, asking) = (instead(part, scope, is_request), asking(part, scope));
            format!("Writ refused this call: it would {what}, and {why}. {instead} {asking}")
        }
    }
}

/// For the agent, about a held call that nobody can approve where it runs: what it would do and why that is held.
pub(crate) fn without_asking(explanation: &Explanation, scope: &TaskScope, is_request: bool) -> String {
    let Some(part) = explanation.parts.iter().find(|part| part.verdict == Verdict::StepUp) else {
        return "Writ refused this call.".to_owned();
    };
    let (what, why, instead) = (phrase(&part.action), why(part, scope), instead(part, scope, is_request));
    format!("Writ refused this call: it would {what}, and {why}. {instead}")
}

// === impl TaskJudge ===

impl TaskJudge {
    /// What the agent would be told of an answer: what was refused and why, what it may do instead, how to ask. Empty for
    /// what is allowed.
    pub fn told(&self, explanation: &Explanation) -> String {
        for_agent(explanation, self.scope(), false)
    }

    /// What the agent would be told of a held call before it is said that nobody here can approve it.
    pub fn unasked(&self, explanation: &Explanation) -> String {
        without_asking(explanation, self.scope(), false)
    }
}

/// For the operator: the decision, and one line for each action.
pub(crate) fn for_operator(explanation: &Explanation) -> String {
    let decision = &explanation.decision;
    let mut text = format!("{}: {}", decision.verdict, decision.reason);
    if let Some(level) = decision.approval {
        text.push_str(&format!(" by {level}"));
    }
    for part in explanation.parts.iter().take(NAMED) {
        text.push_str(&format!(
            "\n  {} {} {}: {} ({})",
            part.action.effect,
            part.action.resource.kind(),
            shown(&part.action.resource.name()),
            part.verdict,
            part.reason,
        ));
        if !part.policies.is_empty() {
            let policies: Vec<&str> = part.policies.iter().map(Label::as_str).collect();
            text.push_str(&format!(" [{}]", policies.join(", ")));
        }
        if let Some(why) = &part.why {
            text.push_str(&format!(" {why}"));
        }
        if !part.action.because.says.is_empty() {
            text.push_str(&format!("; {}", shown(&part.action.because.to_string())));
        }
    }
    if explanation.parts.len() > NAMED {
        text.push_str(&format!("\n  and {} more actions", explanation.parts.len() - NAMED));
    }
    if let Some(observed) = &decision.observed {
        text.push_str(&format!("\n  with the policies under observation: {observed}"));
    }
    text
}

fn none_denied(explanation: &Explanation) -> bool {
    explanation.parts.iter().all(|part| part.verdict != Verdict::Deny)
}

/// What the action would do, as it follows "it would".
fn phrase(action: &Action) -> String {
    let name = shown(&action.resource.name());
    let verb = match action.effect {
        EffectClass::Read => "read",
        EffectClass::WriteWorkspace => "change",
        EffectClass::BuildTest => "run",
        EffectClass::Network => "reach",
        EffectClass::PackageInstall => "install",
        EffectClass::GitPush => "push to",
        EffectClass::Publish => "publish",
        EffectClass::Deploy => "deploy",
        EffectClass::SecretRead => "read the secret",
        EffectClass::IdentityChange => "change who can do what through",
        EffectClass::Destructive => "destroy",
        EffectClass::EscapeAttempt => "get around its supervisor through",
        EffectClass::Unknown => "do something unknown with",
    };
    match &action.resource {
        Resource::Ref { remote, name, force: _ }
            if action.effect == EffectClass::Network && name.is_empty() =>
        {
            let remote = if remote.is_empty() { "origin" } else { remote };
            format!("read the repository `{}`", shown(remote))
        }
        Resource::Ref { remote, name, force } => {
            let name = if name.is_empty() {
                "a ref that it does not name".to_owned()
            } else {
                format!("`{}`", shown(name))
            };
            let force = if *force { " by force" } else { "" };
            let remote = if remote.is_empty() { String::new() } else { format!(" at `{}`", shown(remote)) };
            format!("{verb} {name}{remote}{force}")
        }
        Resource::Unknown { why } => format!("do something that nobody can name ({})", shown(why)),
        Resource::Command { .. } => format!("{} `{name}`", with_a_program(action.effect)),
        Resource::McpTool { server, tool } => {
            format!("call `{}` of the MCP server `{}`", shown(tool), shown(server))
        }
        Resource::CloudAccount { .. }
        | Resource::Deployment { .. }
        | Resource::Host { .. }
        | Resource::Identity { .. }
        | Resource::Package { .. }
        | Resource::Path { .. }
        | Resource::Repository { .. }
        | Resource::Secret { .. } => format!("{verb} `{name}`"),
    }
}

/// What is done by starting a program.
const fn with_a_program(effect: EffectClass) -> &'static str {
    match effect {
        EffectClass::Read | EffectClass::BuildTest => "run",
        EffectClass::WriteWorkspace => "change files with",
        EffectClass::Network => "reach the network with",
        EffectClass::PackageInstall => "install packages with",
        EffectClass::GitPush => "send commits out with",
        EffectClass::Publish => "publish with",
        EffectClass::Deploy => "deploy with",
        EffectClass::SecretRead => "read a secret with",
        EffectClass::IdentityChange => "change who can do what with",
        EffectClass::Destructive => "destroy something with",
        EffectClass::EscapeAttempt => "get around its supervisor with",
        EffectClass::Unknown => "run the unknown program",
    }
}

/// Why actions wait for a person, each reason once: first those that tell of what was read, however many others there are.
pub(crate) fn reasons(explanation: &Explanation, scope: &TaskScope) -> Vec<String> {
    let waits = || explanation.parts.iter().filter(|part| part.verdict == Verdict::StepUp);
    let first = waits().flat_map(|part| part.tells.iter().cloned());
    let then = waits().flat_map(|part| std::iter::once(why(part, scope)).chain(part.also.iter().cloned()));
    let mut reasons = Vec::new();
    for reason in first.chain(then) {
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    reasons
}

/// Why it is not simply allowed, as it follows "and".
fn why(part: &Part, scope: &TaskScope) -> String {
    if runs_unseen(&part.action) {
        return "text that was fetched or decoded would run before anybody has seen it".to_owned();
    }
    if let Some(why) = &part.why {
        return why.clone();
    }
    match part.reason {
        ReasonCode::TaskScope => {
            format!("`{}` is no part of a task of kind {}", part.action.effect, scope.task.kind)
        }
        ReasonCode::EvaluationError => "the policies could not be evaluated".to_owned(),
        ReasonCode::StepUp => format!("`{}` there is not allowed without asking", part.action.effect),
        ReasonCode::Allowed
        | ReasonCode::Approved
        | ReasonCode::AtBoundary
        | ReasonCode::Model
        | ReasonCode::UnderWay
        | ReasonCode::AgentNotActive
        | ReasonCode::ApprovalRefused
        | ReasonCode::ApprovalPending
        | ReasonCode::ApprovalsFull
        | ReasonCode::ControlRefused
        | ReasonCode::ControlUnreachable
        | ReasonCode::FingerprintChanged
        | ReasonCode::Granted
        | ReasonCode::Guardrail
        | ReasonCode::HookFailed
        | ReasonCode::InputMalformed
        | ReasonCode::InputTooLarge
        | ReasonCode::LimitReached
        | ReasonCode::NoApprover
        | ReasonCode::NotInTime
        | ReasonCode::Organisation
        | ReasonCode::RecordFailed
        | ReasonCode::RecordFull
        | ReasonCode::Revoked
        | ReasonCode::TaskNotOpen
        | ReasonCode::Unknown
        | ReasonCode::WritExpired => format!("policy does not allow `{}` there", part.action.effect),
    }
}

/// Whether it is the one way out that is no breakout but a script from elsewhere: `curl … | sh` and its like.
fn runs_unseen(action: &Action) -> bool {
    action.effect == EffectClass::EscapeAttempt && action.because.rule == "foreign.run"
}

/// What the agent can do instead, as a sentence.
fn instead(part: &Part, scope: &TaskScope, is_request: bool) -> String {
    if let (Resource::McpTool { .. }, EffectClass::Unknown)
    | (Resource::McpTool { .. }, EffectClass::Network) = (&part.action.resource, part.action.effect)
    {
        return "Do it with the client's own tools where they can, or tell the person what you need it for."
            .to_owned();
    }
    if runs_unseen(&part.action) {
        return "Put the text into a file of the workspace first, look at it, and run that file in a call of its own; each \
                step is decided by itself."
            .to_owned();
    }
    if is_request && part.action.effect == EffectClass::Unknown {
        return "Send one plain request: a documented operation by its own method and path, its fields written out once and \
                the body not packed; or tell the person what should be done there."
            .to_owned();
    }
    if let Some(instead) = &part.instead {
        return sentence(instead);
    }
    let root = shown(&scope.workspace.root.to_string_lossy());
    // A program that works elsewhere has no branch or file of the workspace to take in its place.
    let is_program = matches!(&part.action.resource, Resource::Command { .. });
    // What is said about a repository moves no ref of it.
    let is_talk = matches!(&part.action.resource, Resource::Repository { .. });
    let (is_file, is_inside) = match &part.action.resource {
        Resource::Path { path, .. } => (true, std::path::Path::new(path).starts_with(&scope.workspace.root)),
        Resource::CloudAccount { .. }
        | Resource::Command { .. }
        | Resource::Deployment { .. }
        | Resource::Host { .. }
        | Resource::Identity { .. }
        | Resource::McpTool { .. }
        | Resource::Package { .. }
        | Resource::Ref { .. }
        | Resource::Repository { .. }
        | Resource::Secret { .. }
        | Resource::Unknown { .. } => (false, false),
    };
    match (part.reason, part.action.effect) {
        (ReasonCode::TaskScope, _) => "Do what belongs to this task, and leave this step out.".to_owned(),
        (ReasonCode::FingerprintChanged, _) => {
            "Tell the person; they can look at the change and accept it with `writ agent attest`.".to_owned()
        }
        (_, EffectClass::WriteWorkspace) if is_inside => {
            "Leave that file as it is, or write down what should change in it and let the person do it.".to_owned()
        }
        (_, EffectClass::Read) if is_inside => {
            "Leave that file out, or tell the person what you need from it.".to_owned()
        }
        (_, EffectClass::Read | EffectClass::WriteWorkspace | EffectClass::BuildTest) => {
            format!("Work inside `{root}` instead.")
        }
        (_, EffectClass::Network) => {
            "Work with what is on this machine, or tell the person which page you need.".to_owned()
        }
        (_, EffectClass::PackageInstall) => {
            "Use what is installed, or tell the person which package you need and why.".to_owned()
        }
        (_, EffectClass::GitPush) if is_program || is_talk => {
            "Write down what should be sent and why, such as the text of the request or the comment, and let the person \
             send it."
                .to_owned()
        }
        (_, EffectClass::GitPush) => {
            format!(
                "Push to a branch that starts with `{}`, named in the command, without force.",
                scope.task.branch_prefix
            )
        }
        (_, EffectClass::Publish | EffectClass::Deploy) => {
            "Prepare everything, leave this last step out, and tell the person what is ready.".to_owned()
        }
        (_, EffectClass::SecretRead) => {
            "Work without the secret: name the variable or file in code and let the person fill it in."
                .to_owned()
        }
        (_, EffectClass::IdentityChange) => "Describe the change and let a person make it.".to_owned(),
        (_, EffectClass::Destructive) if !is_file => {
            "Look at it with a command that only reads, write down the command that removes it, and let the person run it."
                .to_owned()
        }
        (_, EffectClass::Destructive) => {
            format!("Remove single files inside `{root}` by editing, or leave it to the person.")
        }
        (_, EffectClass::EscapeAttempt) => "Go on with the task inside its limits.".to_owned(),
        (_, EffectClass::Unknown) => {
            "Use a plainer form: one known program, its arguments written out, no generated code.".to_owned()
        }
    }
}

/// How the agent can ask for what is denied, as a sentence: an approval would not lift it, so what would.
fn asking(part: &Part, scope: &TaskScope) -> String {
    match (part.reason, part.layer) {
        (ReasonCode::FingerprintChanged, _) => {
            "A person looks at the change with `writ agent show`, and accepts it with `writ agent attest`."
                .to_owned()
        }
        (ReasonCode::EvaluationError, _) => {
            "Tell the person: `writ policy validate` shows what is wrong with the policies.".to_owned()
        }
        // A forbid of the task layer has its own reason; without one, it is the kind that is not about this.
        (_, Some(Layer::Task)) if part.why.is_none() => {
            let kinds = kinds_about(&part.action, scope);
            if kinds.is_empty() {
                "No kind of task is about this; tell the person if the work cannot be done without it."
                    .to_owned()
            } else {
                format!(
                    "To ask for it, tell the person: it takes a task of kind {}, which only a person can open \
                     (`writ run --kind {}`).",
                    listed(&kinds),
                    kinds.first().map_or("…", |kind| kind.name())
                )
            }
        }
        (_, Some(Layer::Task)) => {
            "To ask for it, tell the person: it takes another task, whose bounds name it.".to_owned()
        }
        (_, Some(Layer::Organisation)) => {
            let session = match scope.task.supervision {
                Supervision::Governed => format!("a task of kind {}", scope.task.kind),
                Supervision::Hooked => "a session that nobody supervises".to_owned(),
            };
            let kinds = kinds_about(&part.action, scope);
            let other = match kinds.first() {
                Some(first) => {
                    format!("open a task of another kind ({}): `writ run --kind {first}`", listed(&kinds))
                }
                None => "open a task of another kind".to_owned(),
            };
            format!(
                "No approval lifts this in {session}; if the work cannot be done without it, tell the person, who can {other}."
            )
        }
        (_, Some(Layer::Guardrails) | None) => {
            "No approval lifts this; if the work cannot be done without it, tell the person.".to_owned()
        }
    }
}

/// The kinds of governed task that are about such an action at all, the plainest first.
fn kinds_about(action: &Action, scope: &TaskScope) -> Vec<TaskKind> {
    use TaskKind::{Bugfix, DependencyUpdate, Docs, Feature, Ops, Refactor, Release, Review, Test};
    // Whoever may remove files need not be about what runs for others.
    let for_others = action.effect == EffectClass::Destructive
        && matches!(
            action.resource,
            Resource::CloudAccount { .. } | Resource::Deployment { .. } | Resource::Identity { .. }
        );
    [Feature, Bugfix, Refactor, Test, Docs, DependencyUpdate, Release, Ops, Review]
        .into_iter()
        .filter(|kind| *kind == Ops || !for_others)
        .filter(|kind| {
            *kind != scope.task.kind && ceiling(*kind, Supervision::Governed).contains(&action.effect)
        })
        .take(3)
        .collect()
}

/// `a, b or c`.
fn listed(kinds: &[TaskKind]) -> String {
    match kinds {
        [] => String::new(),
        [one] => one.to_string(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(|kind| kind.name()).collect();
            format!("{} or {last}", first.join(", "))
        }
    }
}

const fn whom(level: Option<ApprovalLevel>) -> &'static str {
    match level {
        Some(ApprovalLevel::OnePerson) => "A person",
        Some(ApprovalLevel::AnotherPerson) => "A person other than the requester",
        Some(ApprovalLevel::TwoPeople) => "Two people other than the requester",
        Some(ApprovalLevel::Role) => "A person with the approver's role",
        None => "Somebody",
    }
}

/// A text of the agent's making, safe to show: no control or direction characters, bounded, quotes made plain.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(SHOWN)
        .map(|c| {
            if c.is_control() || is_direction(c) {
                '\u{fffd}'
            } else if c == '`' {
                '\''
            } else {
                c
            }
        })
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

const fn is_direction(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}
