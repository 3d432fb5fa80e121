//! One run of git beside the runtime: its input, what it says up to a bound, an end in time.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;
use tokio::sync::oneshot;
use writ_gateway::git::{Arriving, GitError};

mod arriving;

use arriving::Pipe;

/// How much of what git complains about is kept, and how much of that is shown.
const MAX_SAID_BYTES: usize = 4 << 10;
const MAX_SHOWN_CHARS: usize = 300;
/// How often the size of a folder is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// What one run may take.
pub(super) struct Run<'a> {
    what: &'static str,
    within: Duration,
    /// Most bytes of its answer.
    bytes: usize,
    /// A folder that it fills, and how large that may get.
    folder: Option<(&'a Path, u64)>,
}

/// What git reads.
pub(super) enum Input {
    Bytes(Vec<u8>),
    /// What is still being received. Time counts from its end.
    Arriving(Arriving),
    Nothing,
}

/// How a run ended.
#[derive(Debug)]
pub(super) struct Ended {
    what: &'static str,
    pub(super) code: Option<i32>,
    pub(super) answer: Vec<u8>,
    /// The answer went on; git was stopped then.
    pub(super) is_cut: bool,
    /// Of what was arriving, there is more than it read.
    pub(super) has_more: bool,
    /// What it complained about.
    pub(super) said: String,
}

/// Ends git, with everything that it started, when nobody waits for it any more.
pub(super) struct Running(pub(super) Child);

// === impl Run ===

impl<'a> Run<'a> {
    pub(super) fn new(what: &'static str, within: Duration) -> Self {
        Self { what, within, bytes: 64 << 10, folder: None }
    }

    pub(super) fn answers(self, bytes: usize) -> Self {
        Self { bytes, ..self }
    }

    pub(super) fn fills(self, folder: &'a Path, bytes: u64) -> Self {
        Self { folder: Some((folder, bytes)), ..self }
    }

    pub(super) async fn of(self, mut command: Command, input: Input) -> Result<Ended, GitError> {
        let mut pipe = None;
        match input {
            Input::Nothing => drop(command.stdin(Stdio::null())),
            Input::Bytes(_) => {}
            Input::Arriving(_) => {
                let (own, theirs) = Pipe::new().map_err(|error| GitError::Unavailable(error.to_string()))?;
                pipe = Some(own);
                command.stdin(theirs);
            }
        }
        let is_arriving = pipe.is_some();
        let mut running = Running::start(command)?;
        let child = &mut running.0;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let ((ended, end), (leave, gone)) = (oneshot::channel(), oneshot::channel());
        let write = async move {
            match (input, stdin, pipe) {
                (Input::Arriving(pack), _, Some(pipe)) => pipe.feed(pack, ended, gone).await.unwrap_or(true),
                (Input::Bytes(bytes), Some(mut stdin), _) => {
                    // A git that ends early stops reading; what it says then is the answer.
                    let _ = stdin.write_all(&bytes).await;
                    false
                }
                _ => false,
            }
        };
        let heard = async {
            let heard = tokio::join!(read(stdout, self.bytes), read(stderr, MAX_SAID_BYTES));
            let _ = leave.send(());
            heard
        };
        let work = async {
            let (has_more, ((answer, is_cut), (said, _))) = tokio::join!(write, heard);
            (answer, is_cut, said, has_more)
        };
        let (what, within) = (self.what, self.within);
        let work = async {
            let (answer, is_cut, said, has_more) = tokio::select! {
                done = work => done,
                limit = outgrown(self.folder) => {
                    return Err(GitError::Bound(format!("`git {what}` brought more than {limit} bytes")));
                }
            };
            if is_cut {
                return Ok((answer, is_cut, said, has_more, None));
            }
            let status = child.wait().await.map_err(|error| GitError::Unavailable(error.to_string()))?;
            Ok((answer, is_cut, said, has_more, status.code()))
        };
        let late = async move {
            if is_arriving {
                let _ = end.await;
            }
            tokio::time::sleep(within).await;
        };
        let (answer, is_cut, said, has_more, code) = tokio::select! {
            done = work => done?,
            () = late => return Err(GitError::Bound(format!("`git {what}` took longer than {within:?}"))),
        };
        Ok(Ended { what, code, answer, is_cut, has_more, said: reason(&said) })
    }
}

// === impl Ended ===

impl Ended {
    /// The answer, when git ended well.
    pub(super) fn good(self) -> Result<Self, GitError> {
        if self.code == Some(0) || self.is_cut {
            Ok(self)
        } else {
            Err(GitError::Unavailable(format!("`git {}`: {}", self.what, self.said)))
        }
    }

    /// The same, of something that fails where objects are missing.
    pub(super) fn good_or_missing(self) -> Result<Self, GitError> {
        if self.code == Some(0) || self.is_cut {
            Ok(self)
        } else {
            Err(GitError::Missing(format!("`git {}`: {}", self.what, self.said)))
        }
    }
}

// === impl Running ===

impl Running {
    pub(super) fn start(command: Command) -> Result<Self, GitError> {
        let mut command = tokio::process::Command::from(command);
        command.kill_on_drop(true);
        let child = command
            .spawn()
            .map_err(|error| GitError::Unavailable(format!("could not start `git`: {error}")))?;
        Ok(Self(child))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The number is gone once it was waited for, so that nobody else's group is meant.
        let group =
            self.0.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// Reads up to a bound; whether there was more.
async fn read(from: Option<impl AsyncRead + Unpin>, limit: usize) -> (Vec<u8>, bool) {
    let Some(from) = from else { return (Vec::new(), false) };
    let mut bytes = Vec::new();
    let _ = from.take(u64::try_from(limit).unwrap_or(u64::MAX) + 1).read_to_end(&mut bytes).await;
    let is_cut = bytes.len() > limit;
    bytes.truncate(limit);
    (bytes, is_cut)
}

/// Waits until the folder is larger than it may be.
async fn outgrown(folder: Option<(&Path, u64)>) -> u64 {
    let Some((folder, limit)) = folder else { return std::future::pending().await };
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        if size_of(folder, limit) > limit {
            return limit;
        }
    }
}

/// How many bytes lie in a folder; counting stops a little beyond the limit.
pub(crate) fn size_of(folder: &Path, limit: u64) -> u64 {
    let mut total = 0_u64;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(found) if found.is_dir() => folders.push(entry.path()),
                Ok(found) => total = total.saturating_add(found.len()),
                Err(_) => {}
            }
            if total > limit {
                return total;
            }
        }
    }
    total
}

/// What git gives as its reason; what it tells after that is general advice.
fn reason(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let of =
        |start: &str| said.lines().map(str::trim).find(|line| line.starts_with(start)).map(str::to_owned);
    let reason = of("error: ").or_else(|| of("fatal: ")).or_else(|| lines.next_back().map(str::to_owned));
    let reason = reason.unwrap_or_else(|| "it said nothing".to_owned());
    let reason = reason.trim_start_matches("error: ").trim_start_matches("fatal: ");
    reason.chars().filter(|c| !c.is_control()).take(MAX_SHOWN_CHARS).collect()
}
