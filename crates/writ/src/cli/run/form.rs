//! The few questions that Writ asks a person at a terminal. Without a terminal nothing is asked and nothing assumed.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use writ_model::{Client, TaskKind};

use crate::failure::Failure;
use crate::screen;

/// Longest line that is read.
const MAX_LINE_BYTES: u64 = 16 << 10;
/// Tries before a question is given up.
const TRIES: usize = 3;

/// Whether there is a person to ask.
pub(crate) fn has_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a yes-or-no question; anything but a clear yes is a no, and so is the lack of a terminal.
pub(crate) fn confirmed(question: &str) -> Result<bool, Failure> {
    if !has_terminal() {
        return Ok(false);
    }
    Ok(matches!(answer(&format!("{question} [y/N] "))?.to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Asks for one of several short answers, in lower case; an empty one without a terminal.
pub(crate) fn chosen(question: &str) -> Result<String, Failure> {
    if !has_terminal() {
        return Ok(String::new());
    }
    Ok(answer(question)?.to_ascii_lowercase())
}

/// Asks what sort of work it is.
pub(super) fn kind() -> Result<TaskKind, Failure> {
    let kinds = TaskKind::ALL.map(TaskKind::name).join(", ");
    for _ in 0..TRIES {
        match answer(&format!("What kind of work is it ({kinds})? "))?.parse() {
            Ok(kind) => return Ok(kind),
            Err(problem) => screen::say(problem),
        }
    }
    Err(Failure::usage("no kind of task was chosen").hint("give it with --kind"))
}

/// Asks what is to be done.
pub(super) fn intent() -> Result<String, Failure> {
    for _ in 0..TRIES {
        let intent = answer("What is to be done, in a sentence? ")?;
        if !intent.is_empty() {
            return Ok(intent);
        }
    }
    Err(Failure::usage("nothing was asked for").hint("say it with --task"))
}

/// The short form of a first run: what the agent is for, and whether you answer for it.
pub(super) fn registration(client: Client, owner: &str) -> Result<String, Failure> {
    screen::say(format_args!("{client} is not registered here yet."));
    screen::say(format_args!("  owner        {owner} (you)"));
    screen::say("  environment  local");
    screen::say("  review       in 90 days");
    screen::say("  approval     by you, recorded as `self`");
    let usual = "coding work on this user's repositories";
    let purpose = answer(&format!("What is it for? [{usual}] "))?;
    if !confirmed(&format!("Register {client}?"))? {
        return Err(Failure::new(crate::failure::Kind::Denied, format_args!("{client} was not registered")));
    }
    Ok(if purpose.is_empty() { usual.to_owned() } else { purpose })
}

fn answer(question: &str) -> Result<String, Failure> {
    let mut stderr = io::stderr().lock();
    stderr.write_all(question.as_bytes())?;
    stderr.flush()?;
    drop(stderr);
    let mut line = String::new();
    if io::stdin().lock().take(MAX_LINE_BYTES).read_line(&mut line)? == 0 {
        return Err(Failure::usage("the terminal ended before the answer"));
    }
    Ok(line.trim().to_owned())
}
