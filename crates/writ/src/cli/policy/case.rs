//! The form of a test of policies: a call in people's words, the circumstances, and the answer that is expected.
//!
//! Judged on one made-up machine, so that a test says the same everywhere: workspace `/home/ann/shop`, home `/home/ann`,
//! scratch folder `/tmp`, branches of the task below `writ/login/`. Nothing of the real machine is looked at.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use toml::{Spanned, Table};
use writ_gateway::http::port::IncidentKind;
use writ_model::{
    Action, AgentId, ApprovalLevel, AutonomyLevel, Bounds, CallId, Client, Decision, Digest, EffectClass,
    Human, Label, Limits, Operation, Resource, Supervision, Task, TaskId, TaskKind, Timestamp, ToolCall,
    Verdict,
};
use writ_policy::{
    Budget, Chain, Engine, Explanation, FingerprintState, Judgement, Lexical, Moment, NoTaint, OnIncident,
    Part, SourceFile, Stopped, Story, Taint, TaskBounds, TaskJudge, TaskScope, Workspace,
};

use crate::cli::check::resource;

/// The folder that tests work in.
const ROOT: &str = "/home/ann/shop";
/// What branches of the task start with.
const BRANCHES: &str = "writ/login/";
/// Most cases of one file.
const MAX_CASES: usize = 10_000;

/// One file of tests.
#[derive(Debug)]
pub(super) struct Suite {
    pub(super) file: String,
    pub(super) cases: Vec<Case>,
}

/// One test.
#[derive(Debug)]
pub(super) struct Case {
    /// What it shows, in a sentence.
    pub(super) name: String,
    /// From 1.
    pub(super) line: usize,
    question: Question,
    scope: TaskScope,
    moment: Moment,
    approval: Option<ApprovalLevel>,
    pub(super) expected: Expected,
    /// Ids of policies that must be among those that decided.
    pub(super) by: Vec<String>,
}

/// What is asked.
#[derive(Clone, Debug)]
enum Question {
    Call { operation: Operation, arguments: serde_json::Value, cwd: String },
    Action { effect: EffectClass, resource: Resource },
    Incident { kind: IncidentKind, host: String, credential: String },
}

/// An answer, as it is expected or given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum Expected {
    Allow,
    /// Held for these people.
    Asks(ApprovalLevel),
    Deny,
    /// What was stopped stays on record, and that is all.
    Record,
    /// The agent is suspended for what was stopped.
    Suspend,
}

/// What a case came to.
pub(super) struct Given {
    pub(super) decided: Expected,
    /// Ids of the policies that decided.
    pub(super) policies: Vec<String>,
    pub(super) reason: &'static str,
    /// What a call would do, and what is said of each part.
    pub(super) parts: Vec<Part>,
    /// What the agent would be told.
    pub(super) told: Option<String>,
}

/// The file is no tests, or one of its cases is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum CaseError {
    #[error("`{file}` is no file of tests: {}", .source.message())]
    Form { file: String, source: Box<toml::de::Error> },
    #[error("{file}:{line}: {problem}")]
    Case { file: String, line: usize, problem: String },
    #[error("`{file}` holds no `[[case]]`")]
    None { file: String },
    #[error("`{file}` holds more than {MAX_CASES} cases")]
    TooMany { file: String },
}

/// A file as it is written. What stands before the cases holds for each that does not say it itself.
#[derive(Deserialize)]
struct RawSuite {
    #[serde(default)]
    case: Vec<Spanned<Table>>,
    #[serde(flatten)]
    before: Table,
}

/// A case as it is written, what stands before the cases included.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawCase {
    name: String,
    // who asks
    kind: Option<TaskKind>,
    /// The case holds for each of these.
    kinds: Option<Vec<TaskKind>>,
    supervision: Option<Supervision>,
    environment: Option<Label>,
    client: Option<Client>,
    agent: Option<Label>,
    owner: Option<Label>,
    requester: Option<Label>,
    team: Option<Label>,
    // under which circumstances
    #[serde(default)]
    taint: Vec<RawTaint>,
    #[serde(default)]
    chain: Vec<RawChain>,
    fingerprint: Option<RawFingerprint>,
    /// From 0 to 3.
    #[serde(default)]
    autonomy: u8,
    now: Option<Timestamp>,
    calls_left: Option<u64>,
    denials_left: Option<u64>,
    seconds_left: Option<u64>,
    approval: Option<ApprovalLevel>,
    /// What the requester named.
    bounds: Option<Bounds>,
    // for what
    run: Option<String>,
    cwd: Option<String>,
    read: Option<RawTexts>,
    write: Option<RawTexts>,
    fetch: Option<String>,
    search: Option<String>,
    mcp: Option<String>,
    arguments: Option<serde_json::Map<String, serde_json::Value>>,
    push: Option<String>,
    remote: Option<String>,
    #[serde(default)]
    force: bool,
    action: Option<EffectClass>,
    resource: Option<String>,
    incident: Option<String>,
    host: Option<String>,
    credential: Option<String>,
    // and what the answer is
    expect: Expected,
    by: Option<RawTexts>,
}
#[derive(Clone, Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
enum RawTexts {
    One(String),
    Many(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct RawTaint(Taint);

impl TryFrom<String> for RawTaint {
    type Error = NoTaint;

    fn try_from(word: String) -> Result<Self, NoTaint> {
        word.parse().map(Self)
    }
}

/// What the call has to do with the calls before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawChain {
    Beacon,
    CarriesSecret,
    Mixes,
    Repeats,
    RunsMarked,
    RunsWritten,
    WritesUntrusted,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawFingerprint {
    Accepted,
    Changed,
    Unobserved,
}

// === impl Suite ===

impl Suite {
    /// Reads one file of tests.
    pub(super) fn read(source: &SourceFile) -> Result<Self, CaseError> {
        let SourceFile { name: file, text } = source;
        let form = |error| CaseError::Form { file: file.clone(), source: Box::new(error) };
        let RawSuite { case, before } = toml::from_str(text).map_err(form)?;
        let mut cases = Vec::with_capacity(case.len());
        for written in case {
            let start = written.span().start;
            let line = text.get(..start).unwrap_or(text).matches('\n').count() + 1;
            let problem = |problem: String| CaseError::Case { file: file.clone(), line, problem };
            let mut whole = before.clone();
            let written = written.into_inner();
            // What a case says itself replaces what stands before it, whichever of the two words it uses.
            if written.contains_key("kind") || written.contains_key("kinds") {
                whole.remove("kind");
                whole.remove("kinds");
            }
            whole.extend(written);
            let raw: RawCase =
                whole.try_into().map_err(|error: toml::de::Error| problem(error.message().to_owned()))?;
            for kind in raw.kinds().map_err(problem)? {
                cases.push(Case::checked(raw.clone(), kind, line).map_err(problem)?);
            }
        }
        if cases.is_empty() {
            return Err(CaseError::None { file: file.clone() });
        }
        if cases.len() > MAX_CASES {
            return Err(CaseError::TooMany { file: file.clone() });
        }
        Ok(Self { file: file.clone(), cases })
    }
}

// === impl Case ===

impl Case {
    fn checked(raw: RawCase, kind: TaskKind, line: usize) -> Result<Self, String> {
        let RawCase { name, supervision, environment, client, agent, owner, requester, team, .. } = &raw;
        let start = Timestamp::from_millis(1_790_000_000_000);
        let human = |name: &Option<Label>| Human(name.clone().unwrap_or_else(|| Label::lossy("ann")));
        let environment = environment.clone().unwrap_or_else(|| Label::lossy("development"));
        let scope = TaskScope {
            task: Task {
                id: TaskId::new(start, [1; 10]),
                agent: AgentId::new(start, [2; 10]),
                client: client.unwrap_or(Client::ClaudeCode),
                kind,
                requester: human(requester),
                intent: Digest::new([0; 32]),
                workspace: Digest::new([0; 32]),
                branch_prefix: Label::lossy(BRANCHES),
                environment: environment.clone(),
                supervision: supervision.unwrap_or(Supervision::Governed),
                limits: Limits::default(),
                bounds: None,
                opened_at: start,
            },
            agent_name: agent.clone().unwrap_or_else(|| Label::lossy("claude-shop")),
            agent_owner: human(owner),
            agent_environment: environment,
            team: team.clone(),
            workspace: Workspace {
                root: PathBuf::from(ROOT),
                home: Some(PathBuf::from("/home/ann")),
                scratch: vec![PathBuf::from("/tmp")],
                own: vec!["/home/ann/.local/state/writ".into(), "/home/ann/.config/writ".into()],
            },
            bounds: raw.bounds.clone().map(|bounds| Arc::new(TaskBounds::new(bounds))),
        };
        let moment = Moment {
            now: raw.now.unwrap_or(start),
            budget: Budget {
                calls_left: raw.calls_left.unwrap_or(1_000),
                denials_left: raw.denials_left.unwrap_or(50),
                seconds_left: raw.seconds_left.unwrap_or(3_000),
            },
            fingerprint: match raw.fingerprint.unwrap_or(RawFingerprint::Accepted) {
                RawFingerprint::Accepted => FingerprintState::Accepted,
                RawFingerprint::Changed => FingerprintState::Changed,
                RawFingerprint::Unobserved => FingerprintState::Unobserved,
            },
            autonomy: AutonomyLevel::of(raw.autonomy),
            taint: raw.taint.iter().fold(Taint::default(), |all, one| all.with(one.0)),
            chain: RawChain::all(&raw.chain),
            story: Story::default(),
            carried: Vec::new(),
        };
        let name = match &raw.kinds {
            Some(_) => format!("{kind}: {name}"),
            None => name.clone(),
        };
        let approval = raw.approval;
        let expected = raw.expect;
        let by = raw.by.as_ref().map(RawTexts::list).unwrap_or_default();
        let question = Question::of(raw)?;
        let is_incident = matches!(question, Question::Incident { .. });
        if is_incident != matches!(expected, Expected::Record | Expected::Suspend) {
            return Err(match is_incident {
                true => "what follows from an incident is `record` or `suspend`".to_owned(),
                false => "`record` and `suspend` are for an `incident`".to_owned(),
            });
        }
        Ok(Self { name, line, question, scope, moment, approval, expected, by })
    }

    /// Puts the case to the judge.
    pub(super) fn judged(&self, engine: &Arc<Engine>) -> Result<Given, String> {
        let judge = engine.for_task(self.scope.clone()).map_err(|error| error.to_string())?;
        match &self.question {
            Question::Call { operation, arguments, cwd } => {
                let call = ToolCall {
                    id: CallId::new(self.moment.now, [3; 10]),
                    client: self.scope.task.client,
                    tool: Label::lossy(operation.name()),
                    client_call: None,
                    subagent: None,
                    operation: operation.clone(),
                    cwd: cwd.clone(),
                    arguments: arguments.clone(),
                };
                Ok(self.given(&judge, judge.judge(call.clone(), &self.moment, &Lexical), &call))
            }
            Question::Action { effect, resource } => {
                let resource = match resource {
                    Resource::Path { path, .. } => judge
                        .scope()
                        .workspace
                        .place(&Lexical, ROOT, path)
                        .ok()
                        .and_then(|placed| placed.into_iter().next())
                        .map_or_else(
                            || Resource::Unknown { why: format!("nobody can say where `{path}` leads") },
                            |placed| Resource::Path {
                                path: placed.path,
                                place: placed.place,
                                binding: placed.binding,
                            },
                        ),
                    other => other.clone(),
                };
                let action = Action { effect: *effect, resource, because: "asked about".into() };
                let explanation = judge.explain(&[action], &self.moment);
                let told = Some(judge.told(&explanation)).filter(|told| !told.is_empty());
                Ok(Given::of(&explanation.decision.clone(), explanation, told))
            }
            Question::Incident { kind, host, credential } => {
                let stopped = Stopped { kind: kind.name(), host, credential };
                let OnIncident { suspended_by, observed: _ } = judge.on_incident(stopped, &self.moment);
                Ok(Given {
                    decided: if suspended_by.is_empty() { Expected::Record } else { Expected::Suspend },
                    policies: suspended_by.iter().map(ToString::to_string).collect(),
                    reason: "incident",
                    parts: Vec::new(),
                    told: None,
                })
            }
        }
    }

    /// The answer to a call, with the yes that the case gives.
    fn given(&self, judge: &TaskJudge, judgement: Judgement, call: &ToolCall) -> Given {
        let judgement = match (judgement, self.approval) {
            (Judgement::StepUp(held), Some(level)) => held.judge_again(judge, level, &self.moment, &Lexical),
            (judgement, _) => judgement,
        };
        let told = match &judgement {
            Judgement::Denied(denial) => Some(denial.to_agent().to_owned()),
            Judgement::StepUp(held) => Some(held.to_agent().to_owned()),
            Judgement::Permit(_) => None,
        };
        let ruling = judgement.ruling();
        let explanation = judge.explain_call(&ruling.actions, &self.moment, Some(call));
        Given::of(&ruling.decision, explanation, told)
    }
}

// === impl Given ===

impl Given {
    fn of(decision: &Decision, explanation: Explanation, told: Option<String>) -> Self {
        Self {
            decided: Expected::of(decision),
            policies: decision.policies.iter().map(ToString::to_string).collect(),
            reason: decision.reason.name(),
            parts: explanation.parts,
            told,
        }
    }
}

// === impl RawCase ===

impl RawCase {
    /// The kinds of task that the case is about.
    fn kinds(&self) -> Result<Vec<TaskKind>, String> {
        match (self.kind, &self.kinds) {
            (Some(kind), None) => Ok(vec![kind]),
            (None, Some(kinds)) if !kinds.is_empty() => Ok(kinds.clone()),
            (Some(_), Some(_)) => Err("say `kind` or `kinds`, not both".to_owned()),
            (None, _) => Err("say the `kind` of the task, or several `kinds`".to_owned()),
        }
    }
}

// === impl Question ===

impl Question {
    /// The one thing that a case asks.
    fn of(raw: RawCase) -> Result<Self, String> {
        let RawCase { run, cwd, read, write, fetch, search, mcp, arguments, push, remote, force, .. } = raw;
        let mut questions = Vec::new();
        let cwd = cwd.unwrap_or_else(|| ROOT.to_owned());
        let mut call = |operation, told: serde_json::Value| {
            let arguments = arguments.clone().map_or(told, serde_json::Value::Object);
            questions.push(Self::Call { operation, arguments, cwd: cwd.clone() });
        };
        if let Some(command) = run {
            call(Operation::Shell { command: command.clone() }, json!({ "command": command }));
        }
        if let Some(paths) = read {
            call(Operation::Read { paths: paths.list() }, json!({ "paths": paths.list() }));
        }
        if let Some(paths) = write {
            call(Operation::Write { paths: paths.list() }, json!({ "paths": paths.list() }));
        }
        if let Some(url) = fetch {
            call(Operation::Fetch { url: url.clone() }, json!({ "url": url }));
        }
        if let Some(query) = search {
            call(Operation::WebSearch { query: query.clone() }, json!({ "query": query }));
        }
        if let Some(named) = mcp {
            let (server, tool) = named.split_once('/').ok_or("`mcp` is written server/tool")?;
            call(Operation::Mcp { server: server.to_owned(), tool: tool.to_owned() }, json!({}));
        }
        if let Some(name) = push {
            let remote = remote.unwrap_or_else(|| "origin".to_owned());
            let resource = Resource::Ref { remote, name, force };
            questions.push(Self::Action { effect: EffectClass::GitPush, resource });
        } else if remote.is_some() || force {
            return Err("`remote` and `force` belong to `push`".to_owned());
        }
        match (raw.action, raw.resource) {
            (Some(effect), Some(named)) => {
                questions.push(Self::Action { effect, resource: resource(&named)? });
            }
            (None, None) => {}
            (Some(_), None) | (None, Some(_)) => return Err("`action` and `resource` go together".to_owned()),
        }
        match (raw.incident, raw.host, raw.credential) {
            (Some(named), host, credential) => {
                let kind =
                    IncidentKind::ALL.into_iter().find(|kind| kind.name() == named).ok_or_else(|| {
                        let all = IncidentKind::ALL.map(IncidentKind::name).join(", ");
                        format!("`{}` is no incident; use one of: {all}", named.escape_debug())
                    })?;
                let host = host.unwrap_or_else(|| "example.test".to_owned());
                questions.push(Self::Incident { kind, host, credential: credential.unwrap_or_default() });
            }
            (None, None, None) => {}
            (None, _, _) => return Err("`host` and `credential` belong to `incident`".to_owned()),
        }
        let asked = questions.len();
        match questions.pop() {
            Some(Self::Action { .. } | Self::Incident { .. }) if asked == 1 && raw.approval.is_some() => {
                Err("`approval` goes with a call, not with a bare action, `push` or `incident`".to_owned())
            }
            Some(question) if asked == 1 => Ok(question),
            Some(_) | None => Err(
                "say one thing to ask about: run, read, write, fetch, search, mcp, push, incident, or action and resource"
                    .to_owned(),
            ),
        }
    }
}

// === impl Expected ===

impl Expected {
    fn of(decision: &Decision) -> Self {
        match (decision.verdict, decision.approval) {
            (Verdict::Allow, _) => Self::Allow,
            (Verdict::StepUp, Some(level)) => Self::Asks(level),
            (Verdict::StepUp, None) | (Verdict::Deny, _) => Self::Deny,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Asks(level) => level.name(),
            Self::Deny => "deny",
            Self::Record => "record",
            Self::Suspend => "suspend",
        }
    }
}

impl TryFrom<String> for Expected {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "allow" => Ok(Self::Allow),
            "deny" => Ok(Self::Deny),
            "record" => Ok(Self::Record),
            "suspend" => Ok(Self::Suspend),
            other => ApprovalLevel::RISING
                .into_iter()
                .find(|level| level.name() == other)
                .map(Self::Asks)
                .ok_or_else(|| {
                    format!(
                        "`{}` is no answer; use allow, deny, or whose yes it takes: one-person, another-person, \
                         two-people, role; for an incident record or suspend",
                        other.escape_debug()
                    )
                }),
        }
    }
}

// === impl RawChain ===

impl RawChain {
    fn all(said: &[Self]) -> Chain {
        let has = |one| said.contains(&one);
        Chain {
            beacon: has(Self::Beacon),
            carries_secret: has(Self::CarriesSecret),
            mixes: has(Self::Mixes),
            repeats: has(Self::Repeats),
            runs_marked: has(Self::RunsMarked),
            runs_written: has(Self::RunsWritten),
            writes_untrusted: has(Self::WritesUntrusted),
        }
    }
}

// === impl RawTexts ===

impl RawTexts {
    fn list(&self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text.clone()],
            Self::Many(texts) => texts.clone(),
        }
    }
}
