//! `writ check`: what would be decided, and why. Nothing is recorded, nothing happens.

use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use writ_control::api::message::{AgentShow, TaskShow, TaskView};
use writ_model::{
    Action, AgentId, CallId, Client, Decision, Digest, EffectClass, Human, Label, Limits, Operation, Place,
    Resource, Supervision, Task, TaskId, TaskKind, Timestamp, ToolCall, Verdict,
};
use writ_policy::{
    Budget, Engine, Explanation, FingerprintState, Moment, Placed, Taint, TaskJudge, TaskScope,
};

use super::Context;
use super::measure::moment;
use super::run::{bench, engine, workspace};
use crate::failure::{Failure, Kind, Outcome};
use crate::screen::{self, Quoted};
use crate::wire::{self, Files, now};

#[derive(clap::Args)]
#[command(after_help = "\
Ask about a command, or about one action on one resource. Resources are written KIND:NAME, with KIND one of command,
cloud, deployment, host, identity, mcp (SERVER/TOOL), package, path, ref (REMOTE#REF), repository, secret.

Examples:
  writ check --kind docs --command 'git push origin main'
  writ check --task 4f2a --action network --resource host:example.org
  writ check --kind feature --action write-workspace --resource path:.github/workflows/ci.yml

Ends with 0 when it would be allowed, with 3 when it would be denied, with 4 when a human would be asked.")]
pub(super) struct Arguments {
    /// The agent, by name or id; without it, one that is nobody's in particular
    #[arg(long)]
    agent: Option<String>,
    /// A task, by its id or enough of it, in place of a kind
    #[arg(long, conflicts_with = "kind")]
    task: Option<String>,
    /// What sort of work it would be
    #[arg(long)]
    kind: Option<TaskKind>,
    /// A shell command
    #[arg(long, conflicts_with_all = ["action", "resource"], required_unless_present = "action")]
    command: Option<String>,
    /// An effect class, as `git-push`
    #[arg(long, requires = "resource")]
    action: Option<EffectClass>,
    /// What it is done to, as `host:example.org`
    #[arg(long, requires = "action", value_parser = resource)]
    resource: Option<Resource>,
    /// With the task and agent as they were then
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Timestamp>,
    #[arg(long)]
    json: bool,
}

/// The answer, as a program gets it.
#[derive(Serialize)]
struct Answer {
    decision: Decision,
    actions: Vec<Part>,
    /// What the agent would be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    told: Option<String>,
}

#[derive(Serialize)]
struct Part {
    effect: EffectClass,
    resource: String,
    because: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

pub(super) fn main(context: &Context, arguments: Arguments) -> Outcome {
    let Arguments { agent, task, kind, command, action, resource, at, json } = arguments;
    let engine = engine(context)?;
    let scope = scope(context, &engine, agent, task, kind, at)?;
    let root = scope.workspace.root.to_string_lossy().into_owned();
    let client = scope.task.client;
    let judge = engine.for_task(scope).map_err(|error| Failure::new(Kind::Broken, error))?;
    let moment = Moment {
        now: at.unwrap_or_else(now),
        budget: Budget::AMPLE,
        fingerprint: FingerprintState::Accepted,
        taint: Taint::default(),
    };
    let answer = match (command, action, resource) {
        (Some(command), _, _) => about_command(&judge, client, root, command, &moment),
        (None, Some(effect), Some(resource)) => about_action(&judge, effect, resource, &moment),
        (None, _, _) => {
            return Err(Failure::usage("say what to ask about: --command, or --action and --resource"));
        }
    };
    let code = match answer.decision.verdict {
        Verdict::Allow => 0,
        Verdict::Deny => Kind::Denied.code(),
        Verdict::StepUp => Kind::Pending.code(),
    };
    if json {
        screen::json(&answer)?;
    } else {
        tell(&answer)?;
    }
    Ok(ExitCode::from(code))
}

fn about_command(judge: &TaskJudge, client: Client, cwd: String, command: String, moment: &Moment) -> Answer {
    let call = ToolCall {
        id: CallId::new(moment.now, [0; 10]),
        client,
        tool: Label::lossy("check"),
        client_call: None,
        subagent: None,
        arguments: json!({ "command": command }),
        operation: Operation::Shell { command },
        cwd,
    };
    let judgement = judge.judge(call, moment, &Files);
    let told = match &judgement {
        writ_policy::Judgement::Denied(denial) => Some(denial.to_agent().to_owned()),
        writ_policy::Judgement::StepUp(held) => Some(held.to_agent().to_owned()),
        writ_policy::Judgement::Permit(_) => None,
    };
    let ruling = judgement.ruling();
    let explained = judge.explain(&ruling.actions, moment);
    Answer { decision: ruling.decision.clone(), actions: parts(explained), told }
}

fn about_action(judge: &TaskJudge, effect: EffectClass, resource: Resource, moment: &Moment) -> Answer {
    let workspace = &judge.scope().workspace;
    let resource = match resource {
        Resource::Path { path, place: _ } => {
            let placed = workspace.place(&Files, &workspace.root.to_string_lossy(), &path);
            match placed.ok().and_then(|places| places.into_iter().next()) {
                Some(Placed { path, place }) => Resource::Path { path, place },
                None => Resource::Unknown { why: format!("nobody can say where `{path}` leads") },
            }
        }
        other => other,
    };
    let action = Action { effect, resource, because: "asked about".to_owned() };
    let explained = judge.explain(&[action], moment);
    Answer { decision: explained.decision.clone(), actions: parts(explained), told: None }
}

fn parts(explained: Explanation) -> Vec<Part> {
    explained
        .parts
        .into_iter()
        .map(|part| Part {
            effect: part.action.effect,
            resource: format!("{}:{}", part.action.resource.kind(), part.action.resource.name()),
            because: part.action.because,
            verdict: Some(part.verdict),
            why: part.why.map(|why| match part.instead {
                Some(instead) => format!("{why}; {instead}"),
                None => why,
            }),
        })
        .collect()
}

fn tell(answer: &Answer) -> Result<(), Failure> {
    let Answer { decision, actions, told: _ } = answer;
    let level = decision.approval.map(|level| format!(", needs {level}")).unwrap_or_default();
    screen::line(format_args!("{} ({}{level})", decision.verdict, decision.reason))?;
    for Part { effect, resource, because, verdict, why } in actions {
        let verdict = verdict.map(|verdict| verdict.name()).unwrap_or_default();
        screen::line(format_args!("  {verdict:<8} {effect:<16} {} {}", Quoted(resource), Quoted(because)))?;
        if let Some(why) = why {
            screen::line(format_args!("           {why}"))?;
        }
    }
    let policies: Vec<_> = decision.policies.iter().map(ToString::to_string).collect();
    screen::line(format_args!("  policies {} of version {}", policies.join(", "), decision.policy_version))?;
    Ok(())
}

/// The task that is asked about: a real one, or one that nobody opened.
fn scope(
    context: &Context,
    engine: &Arc<Engine>,
    agent: Option<String>,
    task: Option<String>,
    kind: Option<TaskKind>,
    at: Option<Timestamp>,
) -> Result<TaskScope, Failure> {
    let nobody = Digest::new([0; 32]);
    let me = super::agent::me();
    let mut found = Task {
        id: TaskId::new(now(), [0; 10]),
        agent: AgentId::new(now(), [0; 10]),
        client: Client::ClaudeCode,
        kind: kind.unwrap_or(TaskKind::Review),
        requester: me.clone(),
        intent: nobody,
        workspace: nobody,
        branch_prefix: Label::lossy("writ/check/"),
        environment: Label::lossy("local"),
        supervision: Supervision::Governed,
        limits: Limits::default(),
        opened_at: at.unwrap_or_else(now),
    };
    let mut agent_name = Label::lossy("nobody");
    let mut agent_owner: Human = me;
    let mut root = None;
    if let Some(task) = &task {
        let view = wire::block_on(async {
            let office = wire::connect(&context.state).await?;
            let task = super::task::identified(&office, task).await?;
            Ok(office.call(TaskShow { task, at }).await?)
        })?;
        let TaskView {
            id,
            agent,
            client,
            kind,
            requester,
            branch_prefix,
            environment,
            supervision,
            limits,
            ..
        } = view;
        found = Task {
            id,
            agent,
            client,
            kind,
            requester,
            branch_prefix,
            environment,
            supervision,
            limits,
            ..found
        };
        (agent_name, agent_owner) = (view.agent_name, view.agent_owner);
        root = view.workspace.map(Into::into);
    } else if let Some(agent) = agent {
        let view = wire::block_on(async {
            let office = wire::connect(&context.state).await?;
            Ok(office.call(AgentShow { agent, at }).await?)
        })?;
        (found.agent, found.client, found.environment) = (view.id, view.client, view.environment);
        (agent_name, agent_owner) = (view.name, view.owner);
    }
    if task.is_none() && kind.is_none() {
        return Err(
            Failure::usage("the kind of work is not said").hint("say it with --kind, or name a --task")
        );
    }
    let root = match root {
        Some(root) => root,
        None => workspace(context)?,
    };
    let place = bench(context, Arc::clone(engine))?;
    Ok(TaskScope {
        agent_environment: found.environment.clone(),
        task: found,
        agent_name,
        agent_owner,
        team: None,
        workspace: writ_policy::Workspace { root, home: place.home, scratch: place.scratch, own: place.own },
    })
}

fn resource(text: &str) -> Result<Resource, String> {
    let (kind, name) =
        text.split_once(':').ok_or("a resource is written KIND:NAME, as `host:example.org`")?;
    let pair = |mark: char| {
        name.split_once(mark)
            .map(|(one, other)| (one.to_owned(), other.to_owned()))
            .ok_or_else(|| format!("a {kind} is written {kind}:ONE{mark}OTHER"))
    };
    let name_of = || name.to_owned();
    Ok(match kind {
        "cloud" => Resource::CloudAccount { provider: name_of() },
        "command" => Resource::Command { program: name_of() },
        "deployment" => Resource::Deployment { target: name_of() },
        "host" => Resource::Host { name: name_of() },
        "identity" => Resource::Identity { what: name_of() },
        "mcp" => {
            let (server, tool) = pair('/')?;
            Resource::McpTool { server, tool }
        }
        "package" => Resource::Package { name: name_of() },
        // Where it really lies is found out before the judge is asked.
        "path" => Resource::Path { path: name_of(), place: Place::Outside },
        "ref" => {
            let (remote, name) = pair('#')?;
            Resource::Ref { remote, name, force: false }
        }
        "repository" => Resource::Repository { name: name_of() },
        "secret" => Resource::Secret { what: name_of() },
        other => return Err(format!("`{}` is no kind of resource", other.escape_debug())),
    })
}
