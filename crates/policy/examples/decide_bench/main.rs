//! How long a decision takes in process, with the shipped policies: from the parsed call to the answer.
//!
//! Prints one JSON object. Each case is judged with 10 and with 100,000 registered agents in memory, of which 10 have an
//! open task, and with 1,000 open tasks; the calls go round among those, and each looks its agent up first.
//!
//! Then with 10, 1,000 and 10,000 policies of an organisation, one judged action a time, each time another resource out
//! of a hundred; beside it, in the same run, `cedar-policy` alone: one question, built beforehand, to the organisation's
//! policies as one set.

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
    Action, AgentId, AutonomyLevel, CallId, Client, Digest, Human, Label, Limits, Operation, Supervision,
    Task, TaskId, TaskKind, Timestamp, ToolCall,
};
use writ_policy::{
    Budget, Engine, FingerprintState, Judgement, Lexical, Moment, Plain, PolicySources, SourceFile, Taint,
    TaskJudge, TaskScope, Workspace,
};

mod organisation;

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

fn moment() -> Moment {
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

fn main() {
    let started = Instant::now();
    let engine = Arc::new(Engine::load(&PolicySources::shipped()).expect("the shipped policies load"));
    let load = started.elapsed();
    let moment = moment();
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
    let organisations: Vec<serde_json::Value> = [10, 1_000, 10_000].into_iter().map(with_policies).collect();
    println!(
        "{}",
        json!({
            "rounds": ROUNDS,
            "load_ms": load.as_secs_f64() * 1e3,
            "cases": results,
            "organisations": organisations,
        })
    );
}

/// Judged actions under an organisation with this many policies, and Cedar alone with the same.
fn with_policies(count: usize) -> serde_json::Value {
    let file = SourceFile { name: "organisation.cedar".to_owned(), text: organisation::policies(count) };
    let started = Instant::now();
    let sources = PolicySources::shipped().with_organisation([file]);
    let engine = Arc::new(Engine::load(&sources).expect("the organisation's policies load"));
    let load = started.elapsed();
    let started = Instant::now();
    let mut scope = scope(7);
    scope.team = Some(Label::lossy("team-7"));
    let judge = engine.for_task(scope).expect("the task has a judge");
    let opening = started.elapsed();
    let moment = moment();
    let path = |folder: &str, n: usize| call(Operation::Write { paths: vec![format!("{folder}/f{n}.rs")] });
    let fetch = |host: String| call(Operation::Fetch { url: format!("https://{host}/") });
    let shell = |command: String| call(Operation::Shell { command });
    let cases: [(&str, Vec<ToolCall>); 6] = [
        ("write", (0..100).map(|n| path("src", n)).collect()),
        ("write held by a path", (0..100).map(|n| path(&format!("critical-{}", 20 * n + 5), n)).collect()),
        ("host named", (0..100).map(|n| fetch(format!("api-{}.example.com", 20 * n + 8))).collect()),
        ("host held", (0..100).map(|n| fetch(format!("other-{n}.example.org"))).collect()),
        ("shell allowed", (0..100).map(|n| shell(format!("cargo test --package p{n}"))).collect()),
        ("shell held", (0..100).map(|n| shell(format!("git push origin main-{n}"))).collect()),
    ];
    let plain = Plain::of(&judge);
    let rows: Vec<serde_json::Value> = cases
        .iter()
        .map(|(name, calls)| {
            let actions: Vec<Vec<Action>> = calls
                .iter()
                .map(|call| judge.judge(call.clone(), &moment, &Lexical).ruling().actions.clone())
                .collect();
            let verdict = judge.explain(&actions[0], &moment).decision.verdict;
            let whole = measured(ROUNDS, |round| {
                let call = calls[round % calls.len()].clone();
                let started = Instant::now();
                let judgement = judge.judge(call, &moment, &Lexical);
                let took = started.elapsed();
                std::hint::black_box(&judgement);
                took
            });
            let decision = measured(ROUNDS, |round| {
                let started = Instant::now();
                std::hint::black_box(judge.explain(&actions[round % actions.len()], &moment));
                started.elapsed()
            });
            let question = plain.question(&actions[0][0], &moment).expect("the question can be put");
            let cedar = measured((2_000_000 / count).clamp(100, ROUNDS), |_| {
                let started = Instant::now();
                std::hint::black_box(question.ask());
                started.elapsed()
            });
            json!({
                "case": name,
                "verdict": verdict.name(),
                "actions": actions[0].len(),
                "call_p50_us": whole.0,
                "call_p99_us": whole.1,
                "decision_p50_us": decision.0,
                "decision_p99_us": decision.1,
                "cedar_alone_p50_us": cedar.0,
                "cedar_alone_to_decision": cedar.0 / decision.0,
            })
        })
        .collect();
    json!({
        "policies": count,
        "load_ms": load.as_secs_f64() * 1e3,
        "open_task_us": opening.as_secs_f64() * 1e6,
        "cases": rows,
    })
}

/// Median and 99th of a hundred, in microseconds.
fn measured(rounds: usize, mut round: impl FnMut(usize) -> std::time::Duration) -> (f64, f64) {
    let mut nanos: Vec<u64> =
        (0..rounds).map(|n| u64::try_from(round(n).as_nanos()).unwrap_or(u64::MAX)).collect();
    nanos.sort_unstable();
    (nanos[rounds / 2] as f64 / 1_000.0, nanos[rounds * 99 / 100] as f64 / 1_000.0)
}
