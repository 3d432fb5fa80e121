//! What a question is about: a real task, an agent, or a task that nobody opened; as it is, or as it was.

use std::sync::Arc;
use std::time::Duration;

use writ_control::People;
use writ_control::api::message::{AgentShow, PolicyCurrent, PolicyView, StatusAsk, TaskShow, TaskView};
use writ_model::{
    AgentId, ApprovalLevel, Bounds, Client, Digest, Human, Label, Limits, Supervision, Task, TaskId,
    TaskKind, Timestamp,
};
use writ_policy::{Engine, TaskBounds, TaskScope, Workspace};

use crate::cli::Context;
use crate::cli::run::{bench, loaded_engine, workspace};
use crate::failure::{Failure, Kind};
use crate::organisation::{self, Origin};
use crate::wire::{self, now};

/// Longest wait for a control plane that runs.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whom to ask about.
pub(super) struct Wanted {
    pub(super) agent: Option<String>,
    pub(super) task: Option<String>,
    pub(super) kind: Option<TaskKind>,
    pub(super) environment: Option<Label>,
    pub(super) hooked: bool,
    pub(super) bounds: Option<Bounds>,
    pub(super) at: Option<Timestamp>,
}

/// The policies that a question is put to.
pub(super) struct Policies {
    pub(super) engine: Arc<Engine>,
    pub(super) sources: writ_policy::PolicySources,
    pub(super) origin: Origin,
    /// How they compare with those that were loaded at the moment that was asked about.
    pub(super) then: Option<Then>,
}

/// What is known of the policies of an earlier moment.
pub(super) enum Then {
    /// They are the ones that the answer rests on.
    These { version: Digest },
    /// Others were loaded, and their text is not kept; the answer rests on today's.
    NotKept { version: Digest, source: Option<Label> },
    /// Nothing was loaded yet.
    Nothing,
}

/// The policies, as of a moment where one is given and as far as they are kept.
pub(super) fn policies(context: &Context, at: Option<Timestamp>) -> Result<Policies, Failure> {
    let (engine, loaded) = loaded_engine(context)?;
    let mut found = Policies { engine, sources: loaded.sources, origin: loaded.origin, then: None };
    let Some(at) = at else { return Ok(found) };
    let PolicyView { version, source, .. } = wire::block_on(async {
        let office = wire::connect(&context.state).await?;
        Ok(office.call(PolicyCurrent { at: Some(at) }).await?)
    })?;
    found.then = Some(match version {
        None => Then::Nothing,
        Some(version) if version == found.engine.version() => Then::These { version },
        Some(version) => match earlier(context, version, source.as_ref())? {
            Some((engine, loaded)) => {
                (found.engine, found.sources, found.origin) = (engine, loaded.sources, loaded.origin);
                Then::These { version }
            }
            None => Then::NotKept { version, source },
        },
    });
    Ok(found)
}

/// The policies of an earlier version, where they came from a commit that the mirror still has, and where schema and
/// guardrails are still the same: a version covers them too.
fn earlier(
    context: &Context,
    version: Digest,
    source: Option<&Label>,
) -> Result<Option<(Arc<Engine>, organisation::Loaded)>, Failure> {
    let commit = source.and_then(|source| source.as_str().strip_prefix("git:")?.parse().ok());
    let Some(commit) = commit else { return Ok(None) };
    let Some(loaded) = organisation::of_commit(&context.config, &context.state, &commit)? else {
        return Ok(None);
    };
    let Ok(engine) = Engine::load(&loaded.sources) else { return Ok(None) };
    Ok((engine.version() == version).then(|| (Arc::new(engine), loaded)))
}

/// Whose yes can be given where a task like this would run: at the control plane that runs, else at the one that `writ run`
/// would start, which serves this user alone.
pub(super) fn givable(context: &Context) -> Vec<ApprovalLevel> {
    let running = wire::block_on(async {
        let office = wire::connect(&context.state).await?;
        let status = tokio::time::timeout(PATIENCE, office.call(StatusAsk {})).await;
        Ok(status.map_err(anyhow::Error::from)??)
    });
    match running {
        Ok(status) if !status.givable.is_empty() => status.givable,
        Ok(_) | Err(_) => People::OnlyThisUser.givable(),
    }
}

/// The task that is asked about: a real one, or one that nobody opened.
pub(super) fn scope(context: &Context, engine: &Arc<Engine>, wanted: Wanted) -> Result<TaskScope, Failure> {
    let Wanted { agent, task, kind, environment, hooked, bounds, at } = wanted;
    if task.is_none() && kind.is_none() && !hooked {
        return Err(
            Failure::usage("the kind of work is not said").hint("say it with --kind, or name a --task")
        );
    }
    let nobody = Digest::new([0; 32]);
    let me = crate::cli::agent::me();
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
        supervision: if hooked { Supervision::Hooked } else { Supervision::Governed },
        limits: Limits::default(),
        bounds: None,
        opened_at: at.unwrap_or_else(now),
    };
    let mut agent_name = Label::lossy("nobody");
    let mut agent_owner: Human = me;
    let mut root = None;
    let mut bounds = bounds;
    if let Some(task) = &task {
        let view = wire::block_on(async {
            let office = wire::connect(&context.state).await?;
            let task = crate::cli::task::identified(&office, task).await?;
            Ok(office.call(TaskShow { task, at }).await?)
        })?;
        let TaskView { id, agent, client, kind, requester, branch_prefix, environment, .. } = view;
        let (supervision, limits) = (view.supervision, view.limits);
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
        if view.bounds_commitment.is_some() && view.bounds.is_none() {
            return Err(Failure::new(Kind::Broken, "the bounds of this task were erased with its texts")
                .hint("ask about a kind of work in place of the task"));
        }
        bounds = view.bounds;
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
    if let Some(environment) = environment {
        found.environment = environment;
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
        bounds: bounds.map(|bounds| Arc::new(TaskBounds::new(bounds))),
        workspace: Workspace { root, home: place.home, scratch: place.scratch, own: place.own },
    })
}
