//! How long a decision takes in process, with the shipped policies: from the parsed call to the answer.
//!
//! Prints one JSON object. Each case is judged with 10 and with 100,000 registered agents in memory, of which 10 have an
//! open task, and with 1,000 open tasks; the calls go round among those, and each looks its agent up first.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a measuring program, not part of the judge"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use writ_model::{
    AgentId, CallId, Client, Digest, Human, Label, Limits, Operation, Supervision, Task, TaskId, TaskKind,
    Timestamp, ToolCall,
};
use writ_policy::{
    Budget, Engine, FingerprintState, Judgement, Lexical, Moment, PolicySources, Taint, TaskJudge, TaskScope,
    Workspace,
};

const ROUNDS: usize = 20_000;

fn scope(number: u64) -> TaskScope {
    let now = Timestamp::from_millis(1_790_000_000_000);
    let mut random = [0; 10];
    random[..8].copy_from_slice(&number.to_le_bytes());
    TaskScope {
        task: Task {
            id: TaskId::new(now, random),
            agent: AgentId::new(now, random),
            client: Client::ClaudeCode,
            kind: TaskKind::Feature,
            requester: Human(Label::lossy("uid:1000")),
            intent: Digest::new([3; 32]),
            workspace: Digest::new([4; 32]),
            branch_prefix: Label::lossy("writ/feature-"),
            environment: Label::lossy("development"),
            supervision: Supervision::Governed,
            limits: Limits::default(),
            bounds: None,
            opened_at: now,
        },
        agent_name: Label::lossy(&format!("agent-{number}")),
        agent_owner: Human(Label::lossy("uid:1000")),
        agent_environment: Label::lossy("development"),
        team: None,
        bounds: None,
        workspace: Workspace {
            root: PathBuf::from("/home/ann/shop"),
            home: Some(PathBuf::from("/home/ann")),
            scratch: vec![PathBuf::from("/tmp")],
            own: vec![PathBuf::from("/home/ann/.local/state/writ")],
        },
    }
}

fn call(operation: Operation) -> ToolCall {
    ToolCall {
        id: CallId::new(Timestamp::from_millis(1_790_000_060_000), [5; 10]),
        client: Client::ClaudeCode,
        tool: Label::lossy("Tool"),
        client_call: None,
        subagent: None,
        operation,
        cwd: "/home/ann/shop".to_owned(),
        arguments: json!({}),
    }
}

fn main() {
    let started = Instant::now();
    let engine = Arc::new(Engine::load(&PolicySources::shipped()).expect("the shipped policies load"));
    let load = started.elapsed();
    let moment = Moment {
        now: Timestamp::from_millis(1_790_000_060_000),
        budget: Budget { calls_left: 100, denials_left: 10, seconds_left: 3_000 },
        fingerprint: FingerprintState::Accepted,
        taint: Taint::default(),
        chain: writ_policy::Chain::default(),
        story: writ_policy::Story::default(),
    };
    let shell = |command: &str| call(Operation::Shell { command: command.to_owned() });
    let cases = [
        ("write", call(Operation::Write { paths: vec!["src/lib.rs".to_owned()] })),
        ("read", call(Operation::Read { paths: vec!["/home/ann/shop/src/lib.rs".to_owned()] })),
        ("shell allowed", shell("cargo test --workspace")),
        ("shell refused", shell("rm -rf /etc/nginx")),
        ("shell held", shell("git push origin main")),
    ];
    let mut results = Vec::new();
    for (agents, tasks) in [(10_u64, 10), (100_000, 10), (100_000, 1_000)] {
        let registry: BTreeMap<AgentId, TaskScope> =
            (0..agents).map(scope).map(|scope| (scope.task.agent, scope)).collect();
        let started = Instant::now();
        let judges: BTreeMap<AgentId, TaskJudge> = registry
            .values()
            .step_by(registry.len() / tasks)
            .map(|scope| (scope.task.agent, engine.for_task(scope.clone()).expect("the task has a judge")))
            .collect();
        let opening = started.elapsed() / u32::try_from(judges.len()).expect("few");
        let working: Vec<AgentId> = judges.keys().copied().collect();
        for (name, call) in &cases {
            let mut verdict = "";
            for judge in judges.values() {
                verdict = judge.judge(call.clone(), &moment, &Lexical).ruling().decision.verdict.name();
            }
            let mut nanos: Vec<u64> = (0..ROUNDS)
                .map(|round| {
                    let call = call.clone();
                    let agent = working[round % working.len()];
                    let started = Instant::now();
                    let registered = registry.contains_key(&agent);
                    let judge = &judges[&agent];
                    let judgement: Judgement = judge.judge(call, &moment, &Lexical);
                    let took = started.elapsed();
                    std::hint::black_box((registered, &judgement));
                    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
                })
                .collect();
            nanos.sort_unstable();
            results.push(json!({
                "case": name,
                "agents": agents,
                "tasks": working.len(),
                "verdict": verdict,
                "p50_us": nanos[ROUNDS / 2] as f64 / 1_000.0,
                "p99_us": nanos[ROUNDS * 99 / 100] as f64 / 1_000.0,
                "open_task_us": opening.as_secs_f64() * 1e6,
            }));
        }
    }
    println!("{}", json!({ "rounds": ROUNDS, "load_ms": load.as_secs_f64() * 1e3, "cases": results }));
}
