//! The governed session: the client works, the demo watches the ledger and is the person at the other end.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use writ_control::api::message::{TaskView, Tasks};
use writ_model::{ApprovalLevel, EffectClass, ReasonCode, TaskId, Verdict};

use super::Options;
use super::cast::Cast;
use super::house::House;
use super::model::Model;
use super::process::{Process, Said};
use super::record::{Decided, Record};
use super::story::Stopped;
use super::teller::{Teller, Tone};
use super::turns::{TASK, turns};
use crate::failure::{Failure, Kind};
use crate::screen::Quoted;

/// How long a held call waits: short, because once nobody answers on purpose.
const HOLD: &str = "8s";
/// How long a client may take until its first sign of life.
const UP_WITHIN: Duration = Duration::from_secs(40);
/// How long the whole session may take.
const DONE_WITHIN: Duration = Duration::from_secs(100);
/// Between two looks at the ledger.
const PAUSE: Duration = Duration::from_millis(150);
/// Longest command that is shown whole.
const MAX_SHOWN_CHARS: usize = 84;

/// What happened, seen from outside the client.
pub(super) struct Session {
    pub(super) task: TaskId,
    pub(super) record: Record,
    /// What the supervisor said at the end: counts, and the checkpoints to keep.
    pub(super) run: Said,
    /// The process that the agent left behind was seen alive.
    pub(super) stray_lived: bool,
    /// Commits on the remote when the push was held, before anybody had said yes.
    pub(super) commits_when_held: Option<u64>,
    /// Whether the decoy left the machine's files by the client or its model.
    pub(super) secret_told: bool,
}

/// Runs the client under `writ run` and answers what waits, as the person would.
pub(super) fn govern(
    house: &House,
    cast: &Cast,
    options: Options,
    runtime: &Handle,
    teller: &mut Teller,
) -> Result<Session, Stopped> {
    let script = turns(&house.repo(), house.mark);
    let model = runtime.block_on(Model::start(script, house.decoy.clone())).map_err(Failure::from)?;
    let part = cast.part(house, &model.url())?;
    let mut words = vec!["run", "--agent", cast.agent(), "--kind", "feature", "--task", TASK, "--hold", HOLD];
    if options.danger_no_namespaces {
        words.push("--danger-no-namespaces");
    }
    let mut command = house.writ(&words);
    command.arg("--").arg(&part.program).args(&part.arguments).envs(part.variables);
    let mut run = house.start(command, "run")?;
    let task = opened(house, cast, &mut run)?;
    tell_task(&task, teller)?;

    let mut watch = Watch {
        house,
        task: task.id,
        record: Record::default(),
        stray_lived: false,
        commits_when_held: None,
        approved: false,
    };
    let start = Instant::now();
    let status = loop {
        let ended = run.ended_within(PAUSE)?;
        watch.look(teller)?;
        match ended {
            Some(status) => break status,
            None if watch.record.sessions == 0 && start.elapsed() > UP_WITHIN => {
                return Err(Stopped::NotUp(format!("it told nothing of itself in {UP_WITHIN:?}")));
            }
            None if start.elapsed() > DONE_WITHIN => {
                let late = format_args!("the client was not done in {DONE_WITHIN:?}");
                return Err(Failure::new(Kind::Broken, late).into());
            }
            None => {}
        }
    };
    let run = run.said(status);
    if watch.record.decided.is_empty() {
        return Err(Stopped::NotUp(run.last_words()));
    }
    let secret_told = model.was_told_the_secret() || run.stdout.contains(&house.decoy);
    let Watch { record, stray_lived, commits_when_held, .. } = watch;
    Ok(Session { task: task.id, record, run, stray_lived, commits_when_held, secret_told })
}

/// The task that the run has opened.
fn opened(house: &House, cast: &Cast, run: &mut Process) -> Result<TaskView, Stopped> {
    let start = Instant::now();
    loop {
        let ended = run.ended_within(PAUSE)?;
        let mut tasks: Tasks = house.json(&["task", "list", "--all", "--agent", cast.agent()])?;
        match (tasks.tasks.pop(), ended) {
            (Some(task), _) => return Ok(task),
            (None, Some(status)) => return Err(Stopped::NotUp(run.said(status).last_words())),
            (None, None) if start.elapsed() > UP_WITHIN => {
                return Err(Stopped::NotUp("`writ run` opened no task".to_owned()));
            }
            (None, None) => {}
        }
    }
}

fn tell_task(task: &TaskView, teller: &mut Teller) -> Result<(), Failure> {
    let intent = task.intent.as_deref().unwrap_or_default();
    teller.fact(
        Tone::Plain,
        "task",
        format_args!("{} ({}), asked for by {}", Quoted(intent), task.kind, task.requester),
    )?;
    teller.also(format_args!(
        "{}, {}, at most {} s and {} calls",
        task.id, task.supervision, task.limits.seconds, task.limits.calls
    ))?;
    if !task.handed_over.is_empty() {
        let names: Vec<_> = task.handed_over.iter().map(ToString::to_string).collect();
        teller.also(format_args!("handed over, on record: {} (here a dummy)", names.join(", ")))?;
    }
    teller.part("what it did")?;
    Ok(())
}

/// The eyes of the person, and their hands.
struct Watch<'a> {
    house: &'a House,
    task: TaskId,
    record: Record,
    stray_lived: bool,
    commits_when_held: Option<u64>,
    approved: bool,
}

// === impl Watch ===

impl Watch<'_> {
    fn look(&mut self, teller: &mut Teller) -> Result<(), Failure> {
        for decided in self.record.read(self.house, self.task)? {
            tell(&decided, teller)?;
            if decided.is(Verdict::StepUp) {
                self.answer(&decided, teller)?;
            }
        }
        self.stray_lived |= is_alive(self.house.mark);
        Ok(())
    }

    /// What the person does about a call that waits: their yes is good for one push, and the second push finds nobody
    /// there.
    fn answer(&mut self, held: &Decided, teller: &mut Teller) -> Result<(), Failure> {
        let Some(approval) = held.approval.map(|approval| approval.to_string()) else { return Ok(()) };
        if held.has(EffectClass::GitPush) && !self.approved {
            self.approved = true;
            self.commits_when_held = Some(self.house.commits_on_remote()?);
            self.house.json::<serde_json::Value>(&["approve", &approval])?;
            return Ok(teller.also(format_args!("you, elsewhere: writ approve {approval}"))?);
        }
        Ok(teller.also("nobody answers this time")?)
    }
}

/// One decision on one line, and why.
fn tell(decided: &Decided, teller: &mut Teller) -> Result<(), Failure> {
    let about = format!("{:<16} {}", decided.gravest(), shortened(&decided.wanted));
    let Decided { decision, approval, .. } = decided;
    match decision.verdict {
        Verdict::Allow => {
            teller.fact(Tone::Good, "allowed", about)?;
            if let Some(approval) = approval {
                teller.also(format_args!("once, by {approval}"))?;
            }
        }
        Verdict::StepUp => {
            teller.fact(Tone::Waiting, "held", about)?;
            let level = decision.approval.map_or("nobody", ApprovalLevel::name);
            let request = approval.map_or_else(|| "none".to_owned(), |approval| approval.to_string());
            teller.also(format_args!("needs {level}; request {request}"))?;
        }
        Verdict::Deny => {
            teller.fact(Tone::Stopped, "refused", about)?;
            match approval {
                Some(approval) => teller.also(format_args!("{}: {approval}", decision.reason))?,
                None if decision.reason == ReasonCode::NoApprover => {
                    let level = decision.approval.map_or("nobody", ApprovalLevel::name);
                    teller
                        .also(format_args!("needs {level}, and nobody else is here: {}", decision.reason))?;
                }
                None => teller.also(format_args!("by {}", decided.policies()))?,
            }
        }
    }
    Ok(())
}

fn shortened(text: &str) -> String {
    let text = text.rsplit_once('/').filter(|_| !text.contains(' ')).map_or(text, |(_, name)| name);
    let shown = Quoted(text).to_string();
    match shown.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => format!("{}…\"", shown.get(..end).unwrap_or_default()),
        None => shown,
    }
}

/// Whether the process that the agent leaves behind is there, in whatever namespace.
pub(super) fn is_alive(mark: u32) -> bool {
    let wanted = format!("sleep\0{mark}\0");
    std::fs::read_dir("/proc").into_iter().flatten().flatten().any(|process| {
        let is_number = process.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit());
        is_number && reads(&process.path().join("cmdline"), &wanted)
    })
}

fn reads(path: &Path, wanted: &str) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes == wanted.as_bytes())
}
