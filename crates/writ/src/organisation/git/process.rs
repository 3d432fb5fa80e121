//! One run of git: a small environment, no configuration but ours, an end in time.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::GitError;
use crate::git::{clean, size_of};

/// What git gets of the user's environment: its program, the way to ssh's own settings and keys, the way out.
const PASSED: &[&str] = &[
    "ALL_PROXY",
    "HOME",
    "HTTPS_PROXY",
    "LOGNAME",
    "NO_PROXY",
    "PATH",
    "SSH_AUTH_SOCK",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "USER",
    "all_proxy",
    "https_proxy",
    "no_proxy",
];
/// Settings beside those of every run.
const SETTINGS: &[&str] = &["fetch.fsckObjects=true"];
/// How much of what git complains about is shown.
const MAX_SAID_BYTES: u64 = 4 << 10;
/// How often a running git is looked at: often at first, because most runs are short.
const LOOK_FIRST: Duration = Duration::from_micros(500);
const LOOK_AT_LEAST: Duration = Duration::from_millis(50);

/// How git is run on one mirror.
pub(super) struct Git {
    folder: PathBuf,
    configuration: PathBuf,
}

/// What one run may take.
pub(super) struct Bounds<'a> {
    pub(super) within: Duration,
    /// Most bytes of its answer.
    pub(super) bytes: u64,
    /// A folder that it fills, and how large that may get.
    pub(super) folder: Option<(&'a Path, u64)>,
}

// === impl Bounds ===

impl Bounds<'_> {
    pub(super) fn within(within: Duration) -> Self {
        Self { within, bytes: 64 << 10, folder: None }
    }
}

// === impl Git ===

impl Git {
    pub(super) fn new(folder: &Path, configuration: &Path) -> Self {
        Self { folder: folder.to_owned(), configuration: configuration.to_owned() }
    }

    /// Runs git with this input, and gives its answer.
    pub(super) fn run(
        &self,
        what: &'static str,
        arguments: &[&str],
        input: Vec<u8>,
        bounds: &Bounds<'_>,
    ) -> Result<Vec<u8>, GitError> {
        let mut child = self.command(arguments).spawn().map_err(GitError::Start)?;
        let writer = child.stdin.take().map(|mut stdin| {
            // A git that ends early stops reading; what it says then is the answer.
            std::thread::spawn(move || drop(stdin.write_all(&input)))
        });
        let answer = child.stdout.take().map(|stdout| read(stdout, bounds.bytes));
        let said = child.stderr.take().map(|stderr| read(stderr, MAX_SAID_BYTES));
        let ended = wait(&mut child, what, bounds);
        if ended.is_err() {
            end(&mut child);
        }
        let (answer, said) = (joined(answer), joined(said));
        if let Some(writer) = writer {
            let _ = writer.join();
        }
        if !ended? {
            let said = String::from_utf8_lossy(&said);
            // What git tells after its reason is general advice.
            let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
            let reason = lines.clone().find(|line| line.starts_with("fatal: "));
            let said = reason.or_else(|| lines.next_back()).unwrap_or("it said nothing");
            let said: String = said.chars().filter(|c| !c.is_control()).take(300).collect();
            return Err(GitError::Failed { what, said });
        }
        if u64::try_from(answer.len()).unwrap_or(u64::MAX) > bounds.bytes {
            return Err(GitError::TooMuch { what, limit: bounds.bytes });
        }
        Ok(answer)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = clean(&self.folder, PASSED, SETTINGS, "file:https:ssh");
        command
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", &self.configuration)
            .env("GIT_SSH_COMMAND", "ssh -oBatchMode=yes");
        command
    }
}

/// Waits for the end, and says whether it was a good one.
fn wait(child: &mut Child, what: &'static str, bounds: &Bounds<'_>) -> Result<bool, GitError> {
    let start = Instant::now();
    let mut pause = LOOK_FIRST;
    loop {
        if let Some(status) = child.try_wait().map_err(GitError::Start)? {
            return Ok(status.success());
        }
        if start.elapsed() > bounds.within {
            return Err(GitError::Late { what, within: bounds.within });
        }
        if let Some((folder, limit)) = bounds.folder
            && size_of(folder, limit) > limit
        {
            return Err(GitError::TooMuch { what, limit });
        }
        std::thread::park_timeout(pause);
        pause = (pause * 2).min(LOOK_AT_LEAST);
    }
}

/// Ends git with everything that it started.
fn end(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Reads a little more than the limit and then lets go, so that who writes more is stopped by it.
fn read(from: impl std::io::Read + Send + 'static, limit: u64) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.take(limit + 1).read_to_end(&mut bytes);
        bytes
    })
}

fn joined(reader: Option<JoinHandle<Vec<u8>>>) -> Vec<u8> {
    reader.and_then(|reader| reader.join().ok()).unwrap_or_default()
}
