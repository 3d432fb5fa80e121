//! The ground that the tests stand on: one task on one made-up machine.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use serde_json::json;
use writ_model::{
    Action, AgentId, AutonomyLevel, CallId, Client, Digest, EffectClass, Human, Label, Limits, Operation,
    Resource, Supervision, Task, TaskId, TaskKind, Timestamp, ToolCall,
};
use writ_policy::{
    Budget, Engine, FingerprintState, Moment, PolicySources, Taint, TaskJudge, TaskScope, Workspace,
};

pub const ROOT: &str = "/home/ann/shop";

pub fn workspace() -> Workspace {
    Workspace {
        root: PathBuf::from(ROOT),
        home: Some(PathBuf::from("/home/ann")),
        scratch: vec![PathBuf::from("/tmp")],
        own: vec![PathBuf::from("/home/ann/.local/state/writ"), PathBuf::from("/home/ann/.config/writ")],
    }
}

pub fn scope(kind: TaskKind, supervision: Supervision) -> TaskScope {
    let now = Timestamp::from_millis(1_790_000_000_000);
    TaskScope {
        task: Task {
            id: TaskId::new(now, [1; 10]),
            agent: AgentId::new(now, [2; 10]),
            client: Client::ClaudeCode,
            kind,
            requester: Human(Label::lossy("uid:1000")),
            intent: Digest::new([3; 32]),
            workspace: Digest::new([4; 32]),
            branch_prefix: Label::lossy("writ/fix-"),
            environment: Label::lossy("development"),
            supervision,
            limits: Limits::default(),
            bounds: None,
            opened_at: now,
        },
        agent_name: Label::lossy("claude-shop"),
        agent_owner: Human(Label::lossy("uid:1000")),
        agent_environment: Label::lossy("development"),
        team: None,
        workspace: workspace(),
        bounds: None,
    }
}

pub fn engine() -> Arc<Engine> {
    static ENGINE: LazyLock<Arc<Engine>> = LazyLock::new(|| {
        Arc::new(Engine::load(&PolicySources::shipped()).expect("the shipped policies load"))
    });
    Arc::clone(&ENGINE)
}

pub fn judge(kind: TaskKind, supervision: Supervision) -> TaskJudge {
    engine().for_task(scope(kind, supervision)).expect("the task has a judge")
}

pub fn moment() -> Moment {
    Moment {
        now: Timestamp::from_millis(1_790_000_060_000),
        budget: Budget { calls_left: 100, denials_left: 10, seconds_left: 3_000 },
        fingerprint: FingerprintState::Accepted,
        autonomy: AutonomyLevel::ASKS,
        taint: Taint::default(),
        chain: writ_policy::Chain::default(),
        story: writ_policy::Story::default(),
        carried: Vec::new(),
    }
}

pub fn call(operation: Operation) -> ToolCall {
    ToolCall {
        id: CallId::new(Timestamp::from_millis(1_790_000_060_000), [5; 10]),
        client: Client::ClaudeCode,
        tool: Label::lossy("Tool"),
        client_call: None,
        subagent: None,
        operation,
        cwd: ROOT.to_owned(),
        arguments: json!({}),
    }
}

pub fn action(effect: EffectClass, resource: Resource) -> Action {
    Action { effect, resource, because: Default::default() }
}
