//! Times the start of the office over a large ledger: `start_bench DIR COUNT`.
//!
//! Fills a fresh ledger in DIR with COUNT decisions of one task through the office itself, then opens it again:
//! with the snapshots that were taken on the way, and with the one that closing takes.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use writ_control::api::message::{AgentApprove, AgentRegister, Keep, NewActivity, Record, TaskOpen};
use writ_control::keys::{Keys, WhenMissing};
use writ_control::store::{Options, SqliteLedger};
use writ_control::{Equipment, Office, SystemBoot, SystemClock, SystemRandom};
use writ_model::*;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(directory), Some(count)) = (arguments.next().map(PathBuf::from), arguments.next()) else {
        eprintln!("usage: start_bench DIR COUNT");
        std::process::exit(2);
    };
    let count: usize = count.parse()?;
    let filled = Instant::now();
    fill(&open(&directory)?, count)?;
    println!("filled with {count} decisions in {:?}", filled.elapsed());
    for round in ["snapshots on the way", "again"] {
        println!("start ({round}): {:?}", timed(&directory)?);
    }
    open(&directory)?.close()?;
    println!("start (snapshot at the end): {:?}", timed(&directory)?);
    Ok(())
}

fn timed(directory: &Path) -> Result<Duration, Box<dyn Error>> {
    let start = Instant::now();
    let office = open(directory)?;
    let took = start.elapsed();
    drop(office);
    Ok(took)
}

fn open(directory: &Path) -> Result<Office, Box<dyn Error>> {
    std::fs::create_dir_all(directory)?;
    let keys = Keys::open(&directory.join("keys"), WhenMissing::Make)?;
    let origin = keys.origin()?;
    let ledger =
        SqliteLedger::open(&directory.join("ledger"), keys.ledger_keys(origin.clone()), Options::default())?;
    let equipment = Equipment {
        people: writ_control::People::OnlyThisUser,
        ledger: Arc::new(ledger),
        origin,
        clock: Arc::new(SystemClock),
        boot: Arc::new(SystemBoot),
        random: Arc::new(SystemRandom),
    };
    Ok(Office::open(equipment, &keys)?)
}

fn fill(office: &Office, count: usize) -> Result<(), Box<dyn Error>> {
    let me = Human(Label::lossy("uid:1000"));
    let now = office.now();
    let register = AgentRegister {
        name: Label::lossy("bench"),
        client: Client::Codex,
        owner: Some(me.clone()),
        deputy: None,
        purpose: Some("to be measured".into()),
        environment: Label::lossy("local"),
        function: Label::lossy("coding"),
        review_by: Some(now.after(Duration::from_secs(86_400))),
        expires_at: None,
    };
    office.agent_register(&me, register)?;
    office.agent_approve(&me, &AgentApprove { agent: "bench".into() })?;
    let limits = Limits { calls: 1_000_000, recorded_bytes: 4 << 30, ..Limits::default() };
    let mut recorded = 0;
    while recorded < count {
        // A task for every so many decisions, as real tasks have.
        let open = TaskOpen {
            agent: "bench".into(),
            client: Client::Codex,
            kind: TaskKind::Feature,
            intent: "to be measured".into(),
            workspace: "/bench".into(),
            limits: Some(limits),
            handed_over: Vec::new(),
            weakened: Vec::new(),
            client_sandbox_off: None,
            bounds: None,
        };
        let task = office.task_open(&me, open)?;
        for _ in 0..10 {
            let activity = (0..1_000).map(|_| decision(now)).collect();
            let writ = task.writ.clone();
            office.record(Record { writ, activity, durability: Keep::Written, control_size: None })?;
            recorded += 1_000;
        }
        office.keep_if_due()?;
    }
    Ok(())
}

fn decision(now: Timestamp) -> NewActivity {
    let event = ActivityEvent::CallDecided {
        session: SessionId::new(now, [1; 10]),
        call: CallId::new(now, [2; 10]),
        tool: Label::lossy("Bash"),
        operation: Label::lossy("shell"),
        effects: vec![EffectClass::Read, EffectClass::BuildTest],
        subagent: None,
        decision: Decision {
            verdict: Verdict::Allow,
            reason: ReasonCode::Allowed,
            approval: None,
            policies: vec![Label::lossy("profile.feature.build")],
            grants: Vec::new(),
            observed: None,
            policy_version: Digest::new([3; 32]),
        },
        approval: None,
        action: Digest::new([4; 32]),
        arguments: Digest::new([5; 32]),
    };
    NewActivity { event, payloads: Vec::new() }
}
