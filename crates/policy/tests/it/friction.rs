//! Ordinary work goes on unprompted: sessions as coding agents have them on three real projects (a Rust, a Python and a
//! Node one) and on a service that is run, judged step by step in the profile of their kind.
//!
//! One file of `tests/friction` is one kind of task. `## TITLE; mcp SERVER TOOL…` begins a session and names what its
//! requester let it use. A step is `$ COMMAND` (`$$` with `\n` for line breaks), `read PATH`, `edit PATH`, `write PATH`,
//! `fetch URL`, `agent NAME` or `mcp SERVER TOOL ARGUMENTS`. The steps that rightly wait for a person, as publishing in
//! a release, count like the others.

use std::sync::Arc;

use serde_json::{Value, json};
use writ_model::{TaskKind, Verdict};
use writ_policy::{Answer, Engine, PolicySources, Scenario};

const SESSIONS: [(TaskKind, &str); 9] = [
    (TaskKind::Bugfix, include_str!("../friction/bugfix.txt")),
    (TaskKind::DependencyUpdate, include_str!("../friction/dependency-update.txt")),
    (TaskKind::Docs, include_str!("../friction/docs.txt")),
    (TaskKind::Feature, include_str!("../friction/feature.txt")),
    (TaskKind::Ops, include_str!("../friction/ops.txt")),
    (TaskKind::Refactor, include_str!("../friction/refactor.txt")),
    (TaskKind::Release, include_str!("../friction/release.txt")),
    (TaskKind::Review, include_str!("../friction/review.txt")),
    (TaskKind::Test, include_str!("../friction/test.txt")),
];

/// Sessions of other stacks by people who did not know the judge, as they wrote them. ` #ASK` at the end of a line marks
/// what they expected to be asked about.
const UNSEEN: [(TaskKind, &str); 9] = [
    (TaskKind::Bugfix, include_str!("../friction/unseen/bugfix.txt")),
    (TaskKind::DependencyUpdate, include_str!("../friction/unseen/dependency-update.txt")),
    (TaskKind::Docs, include_str!("../friction/unseen/docs.txt")),
    (TaskKind::Feature, include_str!("../friction/unseen/feature.txt")),
    (TaskKind::Ops, include_str!("../friction/unseen/ops.txt")),
    (TaskKind::Refactor, include_str!("../friction/unseen/refactor.txt")),
    (TaskKind::Release, include_str!("../friction/unseen/release.txt")),
    (TaskKind::Review, include_str!("../friction/unseen/review.txt")),
    (TaskKind::Test, include_str!("../friction/unseen/test.txt")),
];

/// What goes through of them today. It is below what is wanted, and may only rise.
const UNSEEN_SHARE: f64 = 0.88;

/// The share of steps that must go through unprompted, in each kind.
const SHARE: f64 = 0.95;

/// One session: what its requester named, and its steps with the lines they were read from.
struct Recorded<'a> {
    title: &'a str,
    mcp: Value,
    steps: Vec<(&'a str, Value)>,
}

fn sessions(text: &str) -> Vec<Recorded<'_>> {
    let mut sessions: Vec<Recorded<'_>> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(heading) = line.strip_prefix("## ") {
            let (title, named) = heading.split_once("; mcp ").unwrap_or((heading, ""));
            let mut words = named.split_whitespace();
            let mcp =
                words.next().map_or_else(|| json!({}), |server| json!({ server: words.collect::<Vec<_>>() }));
            sessions.push(Recorded { title, mcp, steps: Vec::new() });
        } else {
            sessions.last_mut().expect("a session has a title").steps.push((line, step(line)));
        }
    }
    sessions
}

fn step(line: &str) -> Value {
    let (verb, rest) = line.split_once(' ').expect("a step has a verb");
    match verb {
        "$" => json!({ "tool": "bash", "args": { "command": rest } }),
        "$$" => json!({ "tool": "bash", "args": { "command": rest.replace("\\n", "\n") } }),
        "read" => json!({ "tool": "read_file", "args": { "path": rest } }),
        "edit" => json!({ "tool": "edit_file", "args": { "path": rest, "patch": "a few lines" } }),
        "write" => json!({ "tool": "write_file", "args": { "path": rest, "content": "a few lines" } }),
        "fetch" => json!({ "tool": "web_fetch", "args": { "url": rest }, "output_trust": "untrusted" }),
        "agent" => json!({ "tool": "spawn_agent", "args": { "name": rest } }),
        "mcp" => {
            let mut words = rest.splitn(3, ' ');
            let (server, tool) = (words.next().unwrap(), words.next().unwrap());
            let args: Value = serde_json::from_str(words.next().unwrap()).unwrap();
            json!({ "tool": format!("mcp:{server}.{tool}"), "args": args, "output_trust": "untrusted" })
        }
        other => panic!("`{other}` is no step"),
    }
}

fn answers(engine: &Arc<Engine>, kind: TaskKind, session: &Recorded<'_>) -> Vec<Answer> {
    let steps: Vec<&Value> = session.steps.iter().map(|(_, step)| step).collect();
    let scope = if session.mcp == json!({}) { json!({}) } else { json!({ "mcp": session.mcp }) };
    let text =
        json!({ "id": session.title, "kind": kind.name(), "scope": scope, "steps": steps }).to_string();
    Scenario::read(&text).unwrap().judge(engine).unwrap()
}

#[test]
fn ordinary_work_goes_on_unprompted() {
    let engine = Arc::new(Engine::load(&PolicySources::shipped()).unwrap());
    let mut asked = String::new();
    let mut short = Vec::new();
    for (kind, text) in SESSIONS {
        let (mut steps, mut free) = (0_u32, 0_u32);
        for session in sessions(text) {
            for (answer, (line, _)) in answers(&engine, kind, &session).iter().zip(&session.steps) {
                steps += 1;
                if answer.verdict == Verdict::Allow {
                    free += 1;
                } else {
                    asked.push_str(&format!("{kind}: {line}\n    {}\n", answer.told));
                }
            }
        }
        let share = f64::from(free) / f64::from(steps);
        asked.push_str(&format!("{kind}: {free} of {steps} unprompted\n"));
        if share < SHARE {
            short.push(format!("{kind} {share:.3}"));
        }
    }
    assert!(short.is_empty(), "too much is asked: {short:?}\n{asked}");
}

#[test]
fn unseen_sessions_are_asked_no_more_than_before() {
    let engine = Arc::new(Engine::load(&PolicySources::shipped()).unwrap());
    let (mut steps, mut free, mut told) = (0_u32, 0_u32, String::new());
    for (kind, text) in UNSEEN {
        for mut session in sessions(text) {
            let marked: Vec<bool> = session.steps.iter().map(|(line, _)| line.ends_with(" #ASK")).collect();
            for (line, read) in &mut session.steps {
                *read = step(line.trim_end_matches(" #ASK"));
            }
            let judged = answers(&engine, kind, &session);
            for ((answer, (line, _)), is_marked) in judged.iter().zip(&session.steps).zip(marked) {
                let is_free = answer.verdict == Verdict::Allow;
                if is_marked {
                    assert!(!is_free, "{kind}: {line}");
                } else {
                    steps += 1;
                    free += u32::from(is_free);
                }
                if !is_free && !is_marked {
                    told.push_str(&format!("{kind}: {line}\n    {}\n", answer.told));
                }
            }
        }
    }
    let share = f64::from(free) / f64::from(steps);
    println!("{free} of {steps} unprompted: {share:.3}");
    assert!(share >= UNSEEN_SHARE, "{share:.3}\n{told}");
}

#[test]
fn whoever_is_stopped_is_told_what_to_do() {
    let engine = Arc::new(Engine::load(&PolicySources::shipped()).unwrap());
    for (kind, text) in SESSIONS {
        for session in sessions(text) {
            for (answer, (line, _)) in answers(&engine, kind, &session).iter().zip(&session.steps) {
                let is_stopped = answer.verdict != Verdict::Allow;
                assert_eq!(is_stopped, !answer.told.is_empty(), "{kind}: {line}");
            }
        }
    }
}
