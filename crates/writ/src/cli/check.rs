//! `writ check`: what would be decided, and why. Nothing is recorded, nothing happens.

use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use serde::Serialize;
use serde_json::{Value, json};
use writ_gateway::unapprovable;
use writ_model::{
    Action, ApprovalLevel, AutonomyLevel, Bounds, CallId, Decision, Digest, EffectClass, Label, Operation,
    ReasonCode, Resource, TaskKind, Timestamp, ToolCall, Verdict,
};
use writ_policy::{
    Budget, Chain, FingerprintState, Judgement, Moment, Part, Placed, Story, Taint, TaskJudge,
};

use super::Context;
use super::measure::past;
use super::seen::Seen;
use crate::failure::{Failure, Kind, Outcome};
use crate::screen::{self, Quoted};
use crate::wire::{Files, now};

mod entitlement;
mod resource;
mod subject;
mod why;

pub(super) use entitlement::{Entitlements, Step, entitlements};
pub(super) use resource::resource;
use subject::{Policies, Then, Wanted};
use why::{Ground, Why};

#[derive(clap::Args)]
#[command(
    override_usage = "writ check [OPTIONS] <QUESTION>",
    after_help = "\
The question is about a call (--command, --read, --write, --fetch, --mcp), or about one action on one resource. Resources are written
KIND:NAME, with KIND one of cloud, command, deployment, host, identity, mcp (SERVER/TOOL), package, path, ref (REMOTE#REF),
repository, secret. Whose question it is: a real --task, or a --kind of work, of an --agent or of nobody in particular.

Examples:
  writ check --kind docs --command 'git push origin main'
  writ check --kind feature --write .github/workflows/ci.yml --explain
  writ check --kind bugfix --fetch https://example.org/docs --taint untrusted
  writ check --kind feature --mcp forge/merge --arguments '{\"number\": 7}'
  writ check --task 4f2a --action git-push --resource 'ref:origin#main'
  writ check --task 4f2a --command 'cargo publish' --at 2026-01-31T12:00:00Z
  writ check --kind feature --read src/lib.rs --at '2h ago'

--explain shows each policy that decided with its text and place, what it looked at, and what would change the answer:
whose yes, another kind of task, naming it when the task is opened, a session that has read less.

--at asks with agent and task as they were then, and with the policies that were loaded then, where they are kept: today's,
or a commit of the organisation's repository. Where they are not, the answer says so and rests on today's policies. Before any policies
were loaded nothing was allowed.

The answer is the door's: what waits for a person whom nobody here could be is refused at once, and the answer says what
policy said.

Ends with 0 when it would be allowed, with 3 when it would be denied, with 4 when a human would be asked."
)]
pub(super) struct Arguments {
    /// The agent, by name or id; without it, one that is nobody's in particular
    #[arg(long)]
    agent: Option<String>,
    /// A task, by its id or enough of it, in place of a kind
    #[arg(long, conflicts_with_all = ["kind", "environment", "hooked", "bounds"])]
    task: Option<String>,
    /// What sort of work it would be
    #[arg(long)]
    kind: Option<TaskKind>,
    /// A session that nobody supervises, in place of a kind
    #[arg(long, conflicts_with = "kind")]
    hooked: bool,
    /// The environment, as `production`
    #[arg(long)]
    environment: Option<Label>,
    /// What the requester would have named, as JSON
    #[arg(long, value_name = "JSON", value_parser = bounds)]
    bounds: Option<Bounds>,
    #[command(flatten)]
    question: Question,
    /// What the session would have touched: private, secret, untrusted, or sources such as web, forge, mcp, home
    ///
    /// A session's own taint is not looked up, with `--task` neither: say it here. The record
    /// tells when it rose.
    #[arg(long, value_name = "WORDS", value_delimiter = ',', value_parser = PossibleValuesParser::new(Taint::words()).try_map(|word| word.parse::<Taint>()), hide_possible_values = true)]
    taint: Vec<Taint>,
    /// How the agent would compare with what was accepted
    #[arg(long, value_name = "STATE", default_value = "accepted", value_parser = ["accepted", "changed", "unobserved"])]
    fingerprint: String,
    /// How far the client would act without a person's answer: from 0, where it asks each time, to 3
    #[arg(long, value_name = "LEVEL", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=3))]
    autonomy: u8,
    /// Which policies decided, what they looked at, what would change the answer
    #[arg(long)]
    explain: bool,
    /// With task, agent and policies as they were then, as far as they are kept
    #[arg(long, value_name = "TIME", value_parser = past)]
    at: Option<Timestamp>,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

/// What is asked: exactly one of these.
#[derive(clap::Args)]
#[group(required = true, multiple = true)]
struct Question {
    /// A shell command
    #[arg(long, conflicts_with_all = ["read", "write", "fetch", "mcp", "action"])]
    command: Option<String>,
    /// Reading this file or folder with the client's own tool
    #[arg(long, value_name = "PATH", conflicts_with_all = ["write", "fetch", "mcp", "action"])]
    read: Option<String>,
    /// Writing this file with the client's own tool
    #[arg(long, value_name = "PATH", conflicts_with_all = ["fetch", "mcp", "action"])]
    write: Option<String>,
    /// Fetching this address with the client's own tool
    #[arg(long, value_name = "URL", conflicts_with_all = ["mcp", "action"])]
    fetch: Option<String>,
    /// Calling this tool of an MCP server
    #[arg(long, value_name = "SERVER/TOOL", conflicts_with = "action")]
    mcp: Option<String>,
    /// The arguments of that tool
    #[arg(long, value_name = "JSON", requires = "mcp", value_parser = arguments)]
    arguments: Option<Value>,
    /// An effect class, as `git-push`
    #[arg(long, requires = "resource")]
    action: Option<EffectClass>,
    /// What it is done to, as `host:example.org`
    #[arg(long, requires = "action", value_parser = resource)]
    resource: Option<Resource>,
}

/// What a question is, once it is clear.
enum Asked {
    Call { operation: Operation, arguments: Value },
    Action { effect: EffectClass, resource: Resource },
}

/// What policy says to a question.
struct Put {
    decision: Decision,
    /// The answer to each action.
    parts: Vec<Part>,
    /// What the agent would be told.
    told: Option<String>,
    /// The beginning of what it would be told where nobody could be asked.
    unasked: String,
    call: Option<ToolCall>,
}

/// The answer, as a program gets it.
#[derive(Serialize)]
struct Answer {
    decision: Decision,
    /// What policy said, where the door answers otherwise because nobody here can give the yes that is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_said: Option<Said>,
    actions: Vec<Shown>,
    /// What the agent would be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    told: Option<String>,
    policies: From,
}

/// An answer in short.
#[derive(Serialize)]
struct Said {
    verdict: Verdict,
    reason: ReasonCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<ApprovalLevel>,
}

/// Which policies the answer rests on.
#[derive(Serialize)]
struct From {
    origin: String,
    /// With `--at`: `these` were loaded then, `not-kept` (others were, and their text is not kept), or `nothing` was.
    #[serde(skip_serializing_if = "Option::is_none")]
    then: Option<&'static str>,
    /// The version that was loaded then, where it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    version_then: Option<String>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Serialize)]
struct Shown {
    effect: EffectClass,
    resource: String,
    because: String,
    /// The part of the command that shows it, and the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<Seen>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explained: Option<Why>,
}

pub(super) fn main(context: &Context, arguments: Arguments) -> Outcome {
    let Arguments {
        agent,
        task,
        kind,
        hooked,
        environment,
        bounds,
        question,
        taint,
        fingerprint,
        autonomy,
        explain,
        at,
        json,
    } = arguments;
    let asked = Asked::of(question)?;
    let Policies { engine, sources, origin, then } = subject::policies(context, at)?;
    if matches!(then, Some(Then::Nothing)) {
        return answered(&Answer::before_any(&origin, then), json);
    }
    let givable = subject::givable(context);
    let wanted = Wanted { agent, task, kind, environment, hooked, bounds, at };
    let scope = subject::scope(context, &engine, wanted)?;
    let judge = engine.for_task(scope).map_err(|error| Failure::new(Kind::Broken, error))?;
    let moment = Moment {
        now: at.unwrap_or_else(now),
        budget: Budget::AMPLE,
        fingerprint: match fingerprint.as_str() {
            "accepted" => FingerprintState::Accepted,
            "changed" => FingerprintState::Changed,
            _ => FingerprintState::Unobserved,
        },
        autonomy: AutonomyLevel::of(autonomy),
        taint: taint.into_iter().fold(Taint::default(), Taint::with),
        chain: Chain::default(),
        story: Story::default(),
        carried: Vec::new(),
    };
    let Put { mut decision, parts, told, unasked, call } = asked.put_to(&judge, &moment);
    let ground = Ground {
        engine: &engine,
        sources: &sources,
        judge: &judge,
        moment: &moment,
        call: call.as_ref(),
        givable: &givable,
    };
    let shown = |part| Shown::of(explain.then(|| ground.why(&part)), call.as_ref(), part);
    let actions = parts.into_iter().map(shown).collect();
    let (mut told, mut policy_said) = (told, None);
    if let (Verdict::StepUp, Some(level)) = (decision.verdict, decision.approval)
        && !givable.contains(&level)
    {
        policy_said = Some(Said { verdict: Verdict::StepUp, reason: decision.reason, approval: Some(level) });
        (decision.verdict, decision.reason) = (Verdict::Deny, ReasonCode::NoApprover);
        told = Some(unapprovable(&unasked, level, &judge.scope().task.requester));
    }
    answered(&Answer { decision, policy_said, actions, told, policies: From::of(&origin, then) }, json)
}

fn answered(answer: &Answer, json: bool) -> Outcome {
    let code = match answer.decision.verdict {
        Verdict::Allow => 0,
        Verdict::Deny => Kind::Denied.code(),
        Verdict::StepUp => Kind::Pending.code(),
    };
    if json {
        screen::json(answer)?;
    } else {
        tell(answer)?;
    }
    Ok(ExitCode::from(code))
}

fn tell(answer: &Answer) -> Result<(), Failure> {
    let Answer { decision, policy_said, actions, told, policies } = answer;
    let level = decision.approval.map(|level| format!(", needs {level}")).unwrap_or_default();
    screen::line(format_args!("{} ({}{level})", decision.verdict, decision.reason))?;
    if let Some(Said { verdict, reason: _, approval }) = policy_said {
        let whom = approval.map(|level| format!(" by {level}")).unwrap_or_default();
        screen::line(format_args!(
            "  policy says {verdict}{whom}; the door refuses at once, because nobody here could say that yes"
        ))?;
    }
    if let Some(observed) = &decision.observed {
        screen::line(format_args!("  with the policies under observation: {observed}"))?;
    }
    for Shown { effect, resource, because, part, verdict, why, explained } in actions {
        let verdict = verdict.map(|verdict| verdict.name()).unwrap_or_default();
        screen::line(format_args!("  {verdict:<8} {effect:<16} {} {}", Quoted(resource), Quoted(because)))?;
        if let Some(why) = why {
            screen::line(format_args!("           {why}"))?;
        }
        if let Some(explained) = explained {
            if let Some(part) = part {
                screen::line(format_args!(
                    "           seen in     {} by the rule {}",
                    part.quoted(),
                    part.rule()
                ))?;
            }
            why::tell(explained)?;
        }
    }
    if let Some(told) = told {
        screen::line(format_args!("  the agent is told {}", Quoted(told)))?;
    }
    if let Some(note) = &policies.note {
        screen::line(format_args!("  {note}"))?;
    }
    if policies.then == Some("nothing") {
        return Ok(());
    }
    let ids: Vec<_> = decision.policies.iter().map(ToString::to_string).collect();
    screen::line(format_args!("  policies {} of version {}", ids.join(", "), decision.policy_version))?;
    screen::line(format_args!("  from the shipped guardrails and {}", policies.origin))?;
    Ok(())
}

/// A refusal as the door words it.
fn coded(text: &str, reason: ReasonCode) -> String {
    format!("{text} [{reason}]")
}

fn bounds(text: &str) -> Result<Bounds, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn arguments(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

// === impl Asked ===

impl Asked {
    fn of(question: Question) -> Result<Self, Failure> {
        let Question { command, read, write, fetch, mcp, arguments, action, resource } = question;
        let call = |operation, arguments| Ok(Self::Call { operation, arguments });
        if let Some(command) = command {
            return call(Operation::Shell { command: command.clone() }, json!({ "command": command }));
        }
        if let Some(path) = read {
            return call(Operation::Read { paths: vec![path.clone()] }, json!({ "path": path }));
        }
        if let Some(path) = write {
            return call(Operation::Write { paths: vec![path.clone()] }, json!({ "path": path }));
        }
        if let Some(url) = fetch {
            return call(Operation::Fetch { url: url.clone() }, json!({ "url": url }));
        }
        if let Some(named) = mcp {
            let (server, tool) = named
                .split_once('/')
                .ok_or_else(|| Failure::usage("a tool of an MCP server is written SERVER/TOOL"))?;
            let operation = Operation::Mcp { server: server.to_owned(), tool: tool.to_owned() };
            return call(operation, arguments.unwrap_or_else(|| json!({})));
        }
        match (action, resource) {
            (Some(effect), Some(resource)) => Ok(Self::Action { effect, resource }),
            (_, _) => Err(Failure::usage(
                "say what to ask about: --command, --read, --write, --fetch, --mcp, or --action and --resource",
            )),
        }
    }

    fn put_to(self, judge: &TaskJudge, moment: &Moment) -> Put {
        let workspace = &judge.scope().workspace;
        let root = workspace.root.to_string_lossy().into_owned();
        match self {
            Self::Call { operation, arguments } => {
                let call = ToolCall {
                    id: CallId::new(moment.now, [0; 10]),
                    client: judge.scope().task.client,
                    tool: Label::lossy("check"),
                    client_call: None,
                    subagent: None,
                    arguments,
                    operation,
                    cwd: root,
                };
                let judgement = judge.judge(call.clone(), moment, &Files);
                let told = match &judgement {
                    Judgement::Denied(denial) => {
                        Some(coded(denial.to_agent(), denial.ruling().decision.reason))
                    }
                    Judgement::StepUp(held) => Some(held.to_agent().to_owned()),
                    Judgement::Permit(_) => None,
                };
                let ruling = judgement.ruling();
                let explained = judge.explain_call(&ruling.actions, moment, Some(&call));
                let (decision, unasked) = (ruling.decision.clone(), judge.unasked(&explained));
                Put { decision, parts: explained.parts, told, unasked, call: Some(call) }
            }
            Self::Action { effect, resource } => {
                let resource = match resource {
                    Resource::Path { path, .. } => {
                        let placed = workspace.place(&Files, &root, &path);
                        match placed.ok().and_then(|places| places.into_iter().next()) {
                            Some(Placed { path, place, binding }) => Resource::Path { path, place, binding },
                            None => Resource::Unknown { why: format!("nobody can say where `{path}` leads") },
                        }
                    }
                    other => other,
                };
                let action = Action { effect, resource, because: "asked about".into() };
                let explained = judge.explain(&[action], moment);
                let told = match explained.decision.verdict {
                    Verdict::Allow => None,
                    Verdict::Deny => Some(coded(&judge.told(&explained), explained.decision.reason)),
                    Verdict::StepUp => Some(judge.told(&explained)),
                };
                let unasked = judge.unasked(&explained);
                Put { decision: explained.decision, parts: explained.parts, told, unasked, call: None }
            }
        }
    }
}

// === impl Answer ===

impl Answer {
    /// The answer at a moment when no policies were loaded yet.
    fn before_any(origin: &crate::organisation::Origin, then: Option<Then>) -> Self {
        let decision = Decision {
            verdict: Verdict::Deny,
            reason: ReasonCode::EvaluationError,
            approval: None,
            policies: Vec::new(),
            grants: Vec::new(),
            observed: None,
            policy_version: Digest::new([0; 32]),
        };
        Self {
            decision,
            policy_said: None,
            actions: Vec::new(),
            told: None,
            policies: From::of(origin, then),
        }
    }
}

// === impl From ===

impl From {
    fn of(origin: &crate::organisation::Origin, then: Option<Then>) -> Self {
        let (word, version_then, note) = match then {
            None => (None, None, None),
            Some(Then::These { version }) => {
                let note = format!("these policies were loaded then, as version {version}");
                (Some("these"), None, Some(note))
            }
            Some(Then::NotKept { version, source }) => {
                let source = source.map(|source| format!(" from `{source}`")).unwrap_or_default();
                let note = format!(
                    "version {version}{source} was loaded then and its text is not kept: the answer rests on today's \
                     policies"
                );
                (Some("not-kept"), Some(version.to_string()), Some(note))
            }
            Some(Then::Nothing) => {
                let note = "no policies were loaded then, so nothing was allowed";
                (Some("nothing"), None, Some(note.to_owned()))
            }
        };
        Self { origin: origin.to_string(), then: word, version_then, note }
    }
}

// === impl Shown ===

impl Shown {
    fn of(explained: Option<Why>, call: Option<&ToolCall>, part: Part) -> Self {
        let because = &part.action.because;
        let seen = match call.map(|call| &call.operation) {
            Some(Operation::Shell { command }) if !because.rule.is_empty() => {
                Some(Seen::of(command, because))
            }
            Some(_) | None => None,
        };
        Self {
            part: seen,
            effect: part.action.effect,
            resource: format!("{}:{}", part.action.resource.kind(), part.action.resource.name()),
            because: part.action.because.to_string(),
            verdict: Some(part.verdict),
            why: part.why.map(|why| match part.instead {
                Some(instead) => format!("{why}; {instead}"),
                None => why,
            }),
            explained,
        }
    }
}
