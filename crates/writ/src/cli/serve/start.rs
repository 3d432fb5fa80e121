//! Finding the control plane, and starting one in the background where none runs.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

use writ_control::api::client::{Client as Office, ClientError};

use crate::config::{State, socket_path, variable};
use crate::failure::{Failure, Kind};

/// How long a control plane may take to be ready: a long ledger is folded from its last snapshot.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Longest readiness line.
const MAX_LINE_BYTES: u64 = 4 << 10;
/// What the control plane is given of the environment.
const PASSED: &[&str] = &["HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "USER", "WRIT_LOG", "XDG_CONFIG_HOME"];

/// Connects to the control plane of this user, and starts one first if none runs.
pub(in crate::cli) async fn connect_or_start(state: &State) -> Result<Office, Failure> {
    let path = socket_path(state.control_socket())?;
    match Office::connect(&path).await {
        Err(ClientError::Connect(error))
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {}
        other => return Ok(other?),
    }
    let problem = start(state).await?;
    // Another command may have been quicker to start one.
    Office::connect(&path).await.map_err(|error| match problem {
        Some(problem) => {
            Failure::new(Kind::Broken, format_args!("the control plane did not start: {problem}"))
                .hint(format!("its log is `{}`", state.serve_log().display()))
        }
        None => error.into(),
    })
}

/// Starts a control plane and waits for its word, or for what it says instead.
async fn start(state: &State) -> Result<Option<String>, Failure> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(state.root()).map_err(|error| {
        Failure::new(Kind::Broken, format_args!("could not make `{}`: {error}", state.root().display()))
            .hint("WRIT_STATE_DIR chooses another folder")
    })?;
    let log = std::fs::File::options().create(true).append(true).mode(0o600).open(state.serve_log())?;
    let from = log.metadata()?.len();
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["serve", "--background"]).env_clear().current_dir("/");
    command.envs(PASSED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.env(variable::STATE_DIR, state.root());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn()?;
    let Some(stdout) = child.stdout.take() else { return Ok(None) };
    let line = tokio::task::spawn_blocking(move || first_line(stdout));
    match tokio::time::timeout(READY_WITHIN, line).await {
        Ok(Ok(Some(_))) => Ok(None),
        Ok(Ok(None) | Err(_)) => Ok(Some(said_since(state, from))),
        Err(_) => Ok(Some(format!("it was not ready in {READY_WITHIN:?}"))),
    }
}

fn first_line(stdout: ChildStdout) -> Option<String> {
    let mut line = String::new();
    BufReader::new(stdout.take(MAX_LINE_BYTES)).read_line(&mut line).ok()?;
    (!line.is_empty()).then_some(line)
}

/// Why it ended, as it said itself.
fn said_since(state: &State, from: u64) -> String {
    let text = std::fs::read(state.serve_log()).unwrap_or_default();
    let text = text.get(usize::try_from(from).unwrap_or(0)..).unwrap_or_default();
    last_words(&String::from_utf8_lossy(text))
}

/// The last sentence of a log with what belongs to it, in one line.
fn last_words(text: &str) -> String {
    let mut said: Vec<&str> = Vec::new();
    for line in text.lines().rev().map(str::trim_end).filter(|line| !line.is_empty()) {
        said.push(line.trim_start().trim_start_matches("writ: "));
        // What is set in belongs to the line before.
        if !line.starts_with(' ') {
            break;
        }
    }
    said.reverse();
    if said.is_empty() { "it said nothing".to_owned() } else { said.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_told_with_its_hint() {
        for (log, wanted) in [
            ("", "it said nothing"),
            ("\n \n", "it said nothing"),
            ("one\ntwo\n", "two"),
            (
                "one\nwrit: `/s` is open to others\n      if nobody used that: chmod 700 /s\n\n",
                "`/s` is open to others; if nobody used that: chmod 700 /s",
            ),
        ] {
            assert_eq!(last_words(log), wanted, "{log:?}");
        }
    }
}
