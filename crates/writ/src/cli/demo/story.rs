//! The story from its first line to its last, and the facts that must hold.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::runtime::Runtime;
use writ_control::api::ErrorCode;
use writ_control::api::message::{AgentView, TaskView};
use writ_model::Verdict;

use super::Options;
use super::cast::Cast;
use super::deeds::judge;
use super::ending::{Afterwards, afterwards};
use super::facts::{About, Facts};
use super::house::House;
use super::process::Process;
use super::proof::{Evidence, copy, tamper};
use super::session::{Session, govern, is_alive};
use super::teller::{Teller, Tone};
use crate::failure::{Failure, Kind};
use crate::screen::word;

/// How long the control plane may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);

/// Why the story was not told to its end.
pub(super) enum Stopped {
    /// The client gave no sign of life.
    NotUp(String),
    Failed(Failure),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Plays it once, in a folder of its own.
pub(super) fn perform(
    cast: &Cast,
    options: Options,
    runtime: &Runtime,
    interrupted: &Arc<AtomicBool>,
    teller: &mut Teller,
) -> Result<Facts, Stopped> {
    let house = House::make(options.keep, interrupted)?;
    open(cast, &house, options, teller)?;
    let mut serve = serve(&house)?;
    let agent = register(&house, cast, teller)?;
    let mut facts = Facts::about(About {
        rehearsal: match cast {
            Cast::Real { .. } => None,
            Cast::Rehearsal { why } => Some(why),
        },
        client: cast.client().name(),
        agent: agent.name.to_string(),
        owner: agent.owner.to_string(),
        folder: options.keep.then(|| house.root().to_owned()),
    });
    facts.check("the agent is active, and who approved it is on record", "active self", {
        let by = if agent.approved_self { "self" } else { "another" };
        format!("{} {by}", agent.state)
    });

    let session = govern(&house, cast, options, runtime.handle(), teller)?;
    judge(&house, &session, &mut facts)?;
    let task: TaskView = house.json(&["task", "show", &session.task.to_string()])?;
    end(&house, cast, &session, &task, runtime, &mut facts, teller)?;
    facts.did(session.task.to_string(), session.record.decided.iter().map(Into::into).collect());

    prove(&house, &session, &mut serve, &mut facts, teller)?;
    Ok(facts)
}

fn open(cast: &Cast, house: &House, options: Options, teller: &mut Teller) -> Result<(), Failure> {
    match cast {
        Cast::Real { client, program } => {
            teller.note(format_args!(
                "{client} ({}) under a writ, on a scripted model, with no account.",
                program.display()
            ))?;
        }
        Cast::Rehearsal { why } => {
            teller.note(format_args!(
                "A rehearsal, because {why}: a scripted client plays a recorded session of Claude Code"
            ))?;
            teller.note(
                "through the real hook, supervisor, sandbox and ledger, and really does what was allowed.",
            )?;
        }
    }
    let then = if options.keep { "stays" } else { "goes away at the end" };
    teller.note(format_args!("Everything happens in {}, which {then}.", house.root().display()))?;
    if options.danger_no_namespaces {
        teller.note(
            "WITHOUT THE SANDBOX, as you said: the client could reach Writ's own state and outlive its task.",
        )?;
    }
    Ok(())
}

/// Starts the control plane and waits for its word.
pub(super) fn serve(house: &House) -> Result<Process, Failure> {
    let mut serve = house.start(house.writ(&["serve", "--json"]), "serve")?;
    let start = std::time::Instant::now();
    loop {
        let ended = serve.ended_within(LOOK)?;
        if serve.stdout().contains('\n') {
            return Ok(serve);
        }
        if let Some(status) = ended {
            let why = serve.said(status).last_words();
            return Err(Failure::new(Kind::Broken, format_args!("the control plane did not start: {why}")));
        }
        if start.elapsed() > READY_WITHIN {
            return Err(Failure::new(
                Kind::Broken,
                format_args!("the control plane was not ready in {READY_WITHIN:?}"),
            ));
        }
    }
}

fn register(house: &House, cast: &Cast, teller: &mut Teller) -> Result<AgentView, Failure> {
    let (name, client) = (cast.agent(), cast.client().name());
    let purpose = "show what an agent under a writ can do";
    let agent: AgentView =
        house.json(&["agent", "register", name, "--client", client, "--purpose", purpose, "--approve"])?;
    teller.part("who, and for what")?;
    teller.fact(Tone::Plain, "agent", format_args!("{} ({}), {}", agent.name, agent.client, agent.state))?;
    let by = agent.approved_by.as_ref().map_or_else(String::new, ToString::to_string);
    let own = if agent.approved_self { " as `self`" } else { "" };
    let review = agent.review_by.to_string();
    let review = review.get(..10).unwrap_or(&review);
    teller.also(format_args!("owner {}, approved by {by}{own}, to be reviewed by {review}", agent.owner))?;
    Ok(agent)
}

/// What ended with the task.
fn end(
    house: &House,
    cast: &Cast,
    session: &Session,
    task: &TaskView,
    runtime: &Runtime,
    facts: &mut Facts,
    teller: &mut Teller,
) -> Result<(), Failure> {
    teller.part("what ended with the task")?;
    let cause = task.cause.map_or_else(|| "no cause".to_owned(), |cause| cause.to_string());
    facts.check("the task was governed", "governed", task.supervision.to_string());
    facts.check("the task is closed", "closed finished", format!("{} {cause}", task.state));
    teller.fact(
        Tone::Good,
        "closed",
        format_args!("the task ({cause}), and every request that still waited"),
    )?;

    let alive = is_alive(house.mark);
    let stray = if session.stray_lived { "alive" } else { "never seen" };
    facts.check(
        "what the agent left running is gone",
        "alive, then gone",
        format!("{stray}, then {}", if alive { "alive" } else { "gone" }),
    );
    teller.fact(
        tone(!alive),
        "processes",
        format_args!(
            "`sleep {}`, which the agent had left running: {}",
            house.mark,
            if alive { "STILL ALIVE" } else { "gone" }
        ),
    )?;

    let Afterwards { hook, writ } = afterwards(house, cast, session.task, runtime.handle())?;
    let code = hook.code.map_or_else(|| "a signal".to_owned(), |code| format!("exit {code}"));
    facts.check(
        "a call after the end is refused",
        "refused",
        if hook.refuses() { "refused" } else { "let through" },
    );
    teller.fact(
        tone(hook.refuses()),
        "hook",
        format_args!(
            "`cat README.md` once more: {} ({code})",
            if hook.refuses() { "refused" } else { "LET THROUGH" }
        ),
    )?;

    let renewed = if writ.while_open { "renewed" } else { "not renewed" };
    let after = writ.after_close.map_or_else(|| "renewed".to_owned(), |code| word(&code));
    let dead = format!("renewed, then {}", word(&ErrorCode::TaskNotOpen));
    facts.check("a writ dies with its task", dead, format!("{renewed}, then {after}"));
    teller.fact(
        tone(writ.after_close.is_some()),
        "writ",
        format_args!("one of another task: {renewed} while open; after the close: {after}"),
    )?;
    Ok(())
}

/// The ledger, checked by a stranger, before and after somebody changed one character of it.
fn prove(
    house: &House,
    session: &Session,
    serve: &mut Process,
    facts: &mut Facts,
    teller: &mut Teller,
) -> Result<(), Failure> {
    teller.part("the proof")?;
    let evidence = Evidence::collect(house, &session.run.stderr)?;
    facts.check("the end printed a checkpoint of each log", "2", evidence.checkpoints().to_string());
    let ended = serve.end().and_then(|status| status.code());
    facts.check(
        "the control plane ended in order",
        "exit 0",
        ended.map_or_else(|| "killed".to_owned(), |code| format!("exit {code}")),
    );

    let whole = evidence.verify(house, &copy(house, "as-it-is")?)?;
    let told = |verdict: &super::proof::Verdict| {
        let code = verdict.code.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        format!("{}, exit {code}", if verdict.intact { "intact" } else { "not intact" })
    };
    facts.check(
        "the ledger verifies offline, with public keys and the printed checkpoints",
        "intact, exit 0",
        told(&whole),
    );
    teller.fact(
        tone(whole.intact),
        "verified",
        format_args!(
            "offline, {} entries, against the checkpoints that the end of the task printed",
            whole.entries
        ),
    )?;
    for fault in &whole.faults {
        teller.also(fault)?;
    }

    let Some(victim) = session.record.decided.iter().find(|one| one.is(Verdict::Deny)) else {
        facts.check("a changed entry is named", "its place", "nothing was refused");
        return Ok(());
    };
    let changed = copy(house, "tampered-with")?;
    tamper(&changed, victim)?;
    let broken = evidence.verify(house, &changed)?;
    facts.check("a tampered copy does not verify", "not intact, exit 5", told(&broken));
    let (log, index) = victim.entry.split_once(':').unwrap_or_default();
    let named = format!("{log}: entry {index} was changed");
    let seen = broken.faults.iter().find(|fault| **fault == named).or(broken.faults.first());
    facts.check("a changed entry is named", named.clone(), seen.map_or("nothing", String::as_str));
    teller.fact(
        tone(!broken.intact),
        "tampered",
        format_args!("one character of {}, the first refusal, changed in a copy:", victim.entry),
    )?;
    for fault in &broken.faults {
        teller.also(fault)?;
    }
    Ok(())
}

const fn tone(good: bool) -> Tone {
    if good { Tone::Good } else { Tone::Stopped }
}
