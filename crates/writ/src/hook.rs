//! `writ hook CLIENT`: the thin process that a client starts for each of its events.
//!
//! It carries bytes and decides nothing: standard input goes as one frame to the hook socket, the reply goes to
//! standard output. Most clients run the call when their hook fails, so nothing here may fail openly: every error, a
//! panic included, becomes a refusal in the client's own form, and one deadline covers reading, connecting and
//! waiting. It starts no thread and no runtime, because a person waits for it on every call.
//!
//! The socket is not trusted with more than an answer: it must belong to the user who runs the hook.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use writ_gateway::hook::{FOLDER_FIELD, Frame, FrameError, HookReply, MAX_PAYLOAD_BYTES, refusal};
use writ_model::{Client, ReasonCode};

mod line;

use line::{Line, LineError};

/// Largest reply that is read.
const MAX_REPLY_BYTES: usize = 1 << 20;
/// Shorter than the ten minutes that the clients' configurations give the hook.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(590);
/// Longest deadline that can be asked for.
const MAX_DEADLINE: Duration = Duration::from_secs(86_400);

/// What the command line says.
#[derive(Debug, PartialEq, Eq)]
struct Call {
    client: Client,
    event: Option<String>,
    /// The socket by the command line, which a project's settings cannot move as they could a variable.
    socket: Option<PathBuf>,
    deadline: Duration,
}

/// Why there is no answer from the other end.
#[derive(Debug)]
struct Failure {
    reason: ReasonCode,
    detail: String,
}

/// Whether the arguments are for this process at all, or for the command line's help.
pub(crate) fn is_meant(arguments: &[OsString]) -> bool {
    arguments.first().is_some_and(|word| word == "hook")
        && arguments.get(1).is_some_and(|word| word != "--help" && word != "-h")
}

/// Runs the hook. `arguments` start with `hook`.
pub(crate) fn main(arguments: &[OsString]) -> ExitCode {
    // A panic's own message would be noise before the refusal; `guarded` tells of it.
    panic::set_hook(Box::new(|_| {}));
    let call = match parsed(arguments) {
        Ok(call) => call,
        Err(problem) => return blocked(&problem),
    };
    let until = Instant::now() + call.deadline;
    let mut input = Vec::new();
    let reply = guarded(&call, &mut input, |call, input| ask(call, input, until));
    match reply {
        Some(reply) => printed(&reply),
        None => {
            blocked("writ: the hook failed and could not say so in the client's form; the call is blocked")
        }
    }
}

/// The answer of `ask`, or the client's own form of a refusal, whatever went wrong.
fn guarded(
    call: &Call,
    input: &mut Vec<u8>,
    ask: impl FnOnce(&Call, &mut Vec<u8>) -> Result<HookReply, Failure>,
) -> Option<HookReply> {
    let answer = panic::catch_unwind(AssertUnwindSafe(|| ask(call, input))).unwrap_or_else(|_| {
        Err(Failure { reason: ReasonCode::HookFailed, detail: "the hook process panicked".to_owned() })
    });
    match answer {
        Ok(reply) => Some(reply),
        Err(failure) => panic::catch_unwind(AssertUnwindSafe(|| refused(call, input, &failure))).ok(),
    }
}

fn refused(call: &Call, input: &[u8], failure: &Failure) -> HookReply {
    refusal(call.client, call.event.as_deref(), input, failure.reason, &failure.detail).into()
}

fn ask(call: &Call, input: &mut Vec<u8>, until: Instant) -> Result<HookReply, Failure> {
    line::read_input(input, MAX_PAYLOAD_BYTES, until)
        .map_err(|error| Failure::at("reading the event", error))?;
    let payload = std::str::from_utf8(input)
        .map_err(|_| Failure::new(ReasonCode::InputMalformed, "the event is not valid UTF-8".to_owned()))?;
    if payload.trim_ascii().is_empty() {
        return Err(Failure::new(ReasonCode::InputMalformed, "standard input held no event".to_owned()));
    }
    let payload = placed(call.client, payload)?;
    let socket = crate::config::hook_socket(call.socket.as_deref())
        .map_err(|error| Failure::new(ReasonCode::ControlUnreachable, error.to_string()))?;
    let frame = Frame { client: call.client, event: call.event.as_deref().map(Into::into), payload };
    let frame = frame.to_line().map_err(|error| {
        let reason = match &error {
            FrameError::TooLarge => ReasonCode::InputTooLarge,
            FrameError::Malformed(_) | FrameError::Version(_) | FrameError::Client(_) => {
                ReasonCode::HookFailed
            }
        };
        Failure::new(reason, error.to_string())
    })?;

    let mut line = Line::connect(&socket, until)
        .map_err(|error| Failure::at(&format!("connecting to `{}`", socket.display()), error))?;
    line.send(&frame, until).map_err(|error| Failure::at("sending the event", error))?;
    let reply =
        line.receive(MAX_REPLY_BYTES, until).map_err(|error| Failure::at("waiting for the answer", error))?;
    let reply: HookReply = serde_json::from_slice(&reply).map_err(|_| {
        Failure::new(ReasonCode::ControlUnreachable, "the answer is not one that Writ gives".to_owned())
    })?;
    match reply.exit {
        0 | 2 => Ok(reply),
        other => {
            Err(Failure::new(ReasonCode::ControlUnreachable, format!("the answer has exit code {other}")))
        }
    }
}

/// The message; with the folder that this process was started in for the client that does not tell where it works.
///
/// It goes in front as it is, unread: where that makes no JSON of it, the message is refused as none.
fn placed(client: Client, payload: &str) -> Result<Cow<'_, str>, Failure> {
    if client != Client::Windsurf {
        return Ok(payload.into());
    }
    let unknown =
        |why: String| Failure::new(ReasonCode::HookFailed, format!("looking where the hook is: {why}"));
    let folder = std::env::current_dir().map_err(|error| unknown(error.to_string()))?;
    let folder = folder.to_str().ok_or_else(|| unknown("the path is not UTF-8".to_owned()))?;
    let folder = serde_json::to_string(folder).map_err(|error| unknown(error.to_string()))?;
    Ok(match payload.trim_ascii_start().strip_prefix('{') {
        Some(rest) => format!("{{\"{FOLDER_FIELD}\":{folder},{rest}").into(),
        None => payload.into(),
    })
}

/// `hook CLIENT [EVENT] [--socket PATH] [--deadline SECONDS]`, in any order after the client.
fn parsed(arguments: &[OsString]) -> Result<Call, String> {
    let mut words = arguments
        .iter()
        .skip(1)
        .map(|word| word.to_str().ok_or_else(|| "writ hook: an argument is not valid UTF-8".to_owned()));
    let client = words.next().transpose()?.unwrap_or_default();
    let client: Client = client.parse().map_err(|error| format!("writ hook: {error}"))?;
    let mut call = Call { client, event: None, socket: None, deadline: DEFAULT_DEADLINE };
    while let Some(word) = words.next().transpose()? {
        let (name, joined) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let mut value = || match joined {
            Some(value) => Ok(value),
            None => Ok::<_, String>(words.next().transpose()?.unwrap_or_default()),
        };
        match name {
            "--deadline" => call.deadline = deadline(value()?)?,
            "--socket" => {
                let path = PathBuf::from(value()?);
                if path.is_relative() {
                    return Err(format!("writ hook: `{}` is no absolute path", path.display()));
                }
                call.socket = Some(path);
            }
            _ if call.event.is_none() && !word.starts_with('-') => call.event = Some(word.to_owned()),
            _ => return Err(format!("writ hook: `{}` is not understood", word.escape_debug())),
        }
    }
    Ok(call)
}

fn deadline(seconds: &str) -> Result<Duration, String> {
    seconds
        .parse()
        .ok()
        .map(Duration::from_secs)
        .filter(|deadline| !deadline.is_zero() && *deadline <= MAX_DEADLINE)
        .ok_or_else(|| {
            format!("writ hook: `{}` is no deadline; use 1 to 86400 seconds", seconds.escape_debug())
        })
}

/// Prints the reply. An answer that cannot be printed is a block: an allowing exit code without it would let through.
fn printed(reply: &HookReply) -> ExitCode {
    let _ = std::io::stderr().write_all(reply.stderr.as_bytes());
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(reply.stdout.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::from(reply.exit),
        Err(_) => ExitCode::from(2),
    }
}

/// The one answer that blocks in every client with a command hook and needs no knowledge of its form.
fn blocked(problem: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{problem}");
    ExitCode::from(2)
}

// === impl Failure ===

impl Failure {
    fn new(reason: ReasonCode, detail: String) -> Self {
        Self { reason, detail }
    }

    fn at(what: &str, error: LineError) -> Self {
        let reason = match &error {
            LineError::TooLarge(_) => ReasonCode::InputTooLarge,
            LineError::Late => ReasonCode::NotInTime,
            LineError::ForeignSocket | LineError::Ended | LineError::Io(_) => ReasonCode::ControlUnreachable,
        };
        let hint = match &error {
            LineError::Io(source) if source.kind() == std::io::ErrorKind::NotFound => {
                "; is `writ serve` running?"
            }
            LineError::Io(source) if source.kind() == std::io::ErrorKind::ConnectionRefused => {
                "; its supervisor has ended"
            }
            _ => "",
        };
        Self { reason, detail: format!("{what}: {error}{hint}") }
    }
}

#[cfg(test)]
mod tests;
