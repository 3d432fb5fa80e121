//! The demo's own processes: started, waited for with a bound, ended with it.
//!
//! Output goes to files, so that nothing left behind can keep a reader waiting.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::{Failure, Kind};

/// Longest time between two looks at whether the person wants to stop.
const LOOK: Duration = Duration::from_millis(100);
/// How long a process may take to end in order.
const GRACE: Duration = Duration::from_secs(5);

/// A process of the demo. Dropping it ends it.
pub(super) struct Process {
    child: Child,
    handle: OwnedFd,
    stdout: PathBuf,
    stderr: PathBuf,
    interrupted: Arc<AtomicBool>,
}

/// How a process ended and what it said.
pub(super) struct Said {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Notes that the person wants to stop, so that the folder can be taken away first.
pub(super) async fn listen(interrupted: Arc<AtomicBool>) {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    interrupted.store(true, Ordering::Relaxed);
}

// === impl Process ===

impl Process {
    /// Starts it without standard input. `log` is the path of its output, without an ending.
    pub(super) fn start(
        mut command: Command,
        log: &std::path::Path,
        interrupted: &Arc<AtomicBool>,
    ) -> io::Result<Self> {
        let (stdout, stderr) = (log.with_extension("out"), log.with_extension("err"));
        let child = command
            .stdin(Stdio::null())
            .stdout(File::create(&stdout)?)
            .stderr(File::create(&stderr)?)
            .spawn()?;
        let handle = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
        Ok(Self { child, handle, stdout, stderr, interrupted: Arc::clone(interrupted) })
    }

    /// Waits for its end, at most so long. Nothing when it still runs.
    pub(super) fn ended_within(&mut self, limit: Duration) -> Result<Option<ExitStatus>, Failure> {
        let until = Instant::now() + limit;
        loop {
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(Failure::new(Kind::Broken, "stopped by you"));
            }
            let left = until.saturating_duration_since(Instant::now()).min(LOOK);
            if ready(&self.handle, left)? {
                return Ok(Some(self.child.wait()?));
            }
            if Instant::now() >= until {
                return Ok(None);
            }
        }
    }

    pub(super) fn stdout(&self) -> String {
        text(&self.stdout)
    }

    pub(super) fn stderr(&self) -> String {
        text(&self.stderr)
    }

    /// Ends it in order, else at once.
    pub(super) fn end(&mut self) -> Option<ExitStatus> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Some(status);
        }
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        if !ready(&self.handle, GRACE).unwrap_or(false) {
            let _ = self.child.kill();
        }
        self.child.wait().ok()
    }

    /// All of it, after its end.
    pub(super) fn said(&self, status: ExitStatus) -> Said {
        Said { code: status.code(), stdout: self.stdout(), stderr: self.stderr() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

// === impl Said ===

impl Said {
    pub(super) fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    /// Its last word of ours, else its last line of any kind.
    pub(super) fn last_words(&self) -> String {
        let lines =
            || self.stdout.lines().chain(self.stderr.lines()).map(str::trim).filter(|line| !line.is_empty());
        let ours = || lines().filter(|line| line.starts_with("writ: "));
        // That a task has ended is told after the reason why.
        let reason = ours()
            .rfind(|line| !["writ: task ", "writ: held back"].iter().any(|other| line.starts_with(other)));
        let words = reason.or_else(|| ours().next_back()).or_else(|| lines().next_back());
        words.map_or_else(|| format!("it said nothing and ended with {:?}", self.code), str::to_owned)
    }
}

/// Whether the process has ended in time.
fn ready(handle: &OwnedFd, limit: Duration) -> io::Result<bool> {
    let timeout = Timespec {
        tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: limit.subsec_nanos().into(),
    };
    match poll(&mut [PollFd::new(&handle.as_fd(), PollFlags::IN)], Some(&timeout)) {
        Ok(count) => Ok(count > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

fn text(path: &std::path::Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}
