//! `writ demo`: the whole story on this machine, with nothing but this program, `git` and a shell.
//!
//! Everything is real: the control plane, the supervisor, the sandbox, the hook process, the ledger, the person's
//! answers from another process. Only the model is scripted; where no client is to be had, the client is too, and the
//! demo says so. A home, a state directory and a repository of its own lie in one folder that goes away at the end, so
//! nothing of the user's is read, written or spent. What it prints it takes from the ledger, not from the script.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use writ_model::Client;

use crate::failure::{Failure, Kind, Outcome};

mod cast;
mod deeds;
mod ending;
mod facts;
mod house;
mod model;
mod process;
mod proof;
mod record;
mod rehearsal;
mod session;
mod story;
mod teller;
mod turns;
mod ways_out;

use cast::Cast;
use story::{Stopped, perform};
use teller::Teller;

pub(super) use ways_out::ran as ways_out;

#[derive(clap::Args)]
#[command(after_help = "\
It governs a real client if one is on PATH (claude, codex, gemini or opencode): on a scripted model on loopback, with a
home of its own and no key, never on your account. Else it rehearses: a scripted client plays a recorded session through
the real hook process and really does what was allowed. Needs `git`; takes less than two minutes.

Examples:
  writ demo
  writ demo --rehearsal
  writ demo --keep               leave ledger, keys and repository behind
  writ demo --json               the facts of the story as one object

Ends with 0 only if every fact was as it should be.")]
pub(super) struct Arguments {
    /// Play the recorded session, even where a real client is installed
    #[arg(long)]
    rehearsal: bool,
    /// Govern this client and no other
    #[arg(long, conflicts_with = "rehearsal")]
    client: Option<Client>,
    /// Leave the folder behind
    #[arg(long)]
    keep: bool,
    /// Run the client without the sandbox, where the machine has no namespaces to give
    #[arg(long)]
    danger_no_namespaces: bool,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
    /// Be the scripted client of a rehearsal
    #[arg(long, hide = true, value_name = "FILE")]
    play: Option<PathBuf>,
    #[arg(last = true, hide = true)]
    given: Vec<OsString>,
}

/// How one performance is to go.
#[derive(Clone, Copy)]
struct Options {
    keep: bool,
    danger_no_namespaces: bool,
}

pub(super) fn main(arguments: Arguments) -> Outcome {
    let Arguments { rehearsal, client, keep, danger_no_namespaces, json, play, given } = arguments;
    if let Some(session) = play {
        return rehearsal::play(&session, &given);
    }
    let start = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let interrupted = Arc::new(AtomicBool::new(false));
    runtime.spawn(process::listen(Arc::clone(&interrupted)));
    let mut cast = match (rehearsal, client) {
        (true, _) => Cast::rehearsal("it was asked for"),
        (false, Some(client)) => Cast::named(client)?,
        (false, None) => Cast::found(),
    };
    let options = Options { keep, danger_no_namespaces };
    loop {
        let mut teller = Teller::new(json);
        match perform(&cast, options, &runtime, &interrupted, &mut teller) {
            Ok(facts) => {
                let ok = facts.all_held();
                facts.tell(&mut teller, start.elapsed())?;
                return Ok(ExitCode::from(if ok { 0 } else { Kind::Broken.code() }));
            }
            // The rehearsal is no stand-in for a client that was asked for by name.
            Err(Stopped::NotUp(why)) if cast.is_real() && client.is_none() => {
                teller.note(format_args!("the client did not come up: {why}"))?;
                cast = Cast::rehearsal("the client that was found did not come up");
            }
            Err(Stopped::NotUp(why)) => {
                return Err(Failure::new(Kind::Broken, format_args!("the client did not come up: {why}"))
                    .hint(
                        "`writ doctor` tells what this machine can enforce; --keep leaves the logs behind",
                    ));
            }
            Err(Stopped::Failed(failure)) => return Err(failure),
        }
    }
}
