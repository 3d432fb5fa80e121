//! A command that is fully spelled out, and its bounded run.
//!
//! Output goes to files and not to pipes, so that a child left behind by a client cannot keep the test waiting.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Nothing of the test's own environment is passed on.
#[derive(Clone, Debug)]
pub struct Invocation {
    pub program: PathBuf,
    pub args: Vec<OsString>,
    pub env: BTreeMap<OsString, OsString>,
    pub directory: PathBuf,
}

/// A started invocation. Dropping it kills its process group.
pub struct Running {
    group: Pid,
    stdout: File,
    stderr: File,
    ended: Receiver<std::io::Result<ExitStatus>>,
}

/// How a run ended, and all that it said.
#[derive(Clone, Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

#[derive(Debug, thiserror::Error)]
pub enum InvocationError {
    #[error("cannot start `{}`", .program.display())]
    Start { program: PathBuf, source: std::io::Error },
    #[error("cannot follow the run")]
    Follow(#[source] std::io::Error),
    #[error("still running after {limit:?}, killed; it said `{stdout}` and `{stderr}`")]
    TooLong { limit: Duration, stdout: String, stderr: String },
}

// === impl Invocation ===

impl Invocation {
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Puts another program in front: `program args… -- this`.
    #[must_use]
    pub fn behind<A: Into<OsString>>(
        mut self,
        program: impl Into<PathBuf>,
        args: impl IntoIterator<Item = A>,
    ) -> Self {
        let inner = std::mem::replace(&mut self.program, program.into());
        let mut all: Vec<OsString> = args.into_iter().map(Into::into).collect();
        all.push("--".into());
        all.push(inner.into());
        all.append(&mut self.args);
        self.args = all;
        self
    }

    /// Starts it in a process group of its own, without standard input.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(&self) -> Result<Running, InvocationError> {
        let start = |source| InvocationError::Start { program: self.program.clone(), source };
        let stdout = tempfile::tempfile().map_err(start)?;
        let stderr = tempfile::tempfile().map_err(start)?;
        let mut child = Command::new(&self.program)
            .args(&self.args)
            .env_clear()
            .envs(&self.env)
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(stdout.try_clone().map_err(start)?)
            .stderr(stderr.try_clone().map_err(start)?)
            .process_group(0)
            .spawn()
            .map_err(start)?;
        let group = Pid::from_child(&child);
        let (sender, ended) = channel();
        std::thread::spawn(move || sender.send(child.wait()));
        Ok(Running { group, stdout, stderr, ended })
    }

    /// Starts it and waits for its end.
    ///
    /// # Errors
    /// When it cannot be started, or is not over in time: then it is killed.
    pub fn run(&self, limit: Duration) -> Result<Ended, InvocationError> {
        self.start()?.wait(limit)
    }
}

// === impl Running ===

impl Running {
    /// The process id, which is also that of the process group.
    #[must_use]
    pub fn id(&self) -> i32 {
        self.group.as_raw_nonzero().get()
    }

    /// Kills the first process only, as a crash would: what it started is left to itself.
    ///
    /// # Errors
    /// When it is already gone.
    pub fn kill(&self) -> std::io::Result<()> {
        Ok(kill_process(self.group, Signal::KILL)?)
    }

    /// Waits for the end of the first process.
    ///
    /// # Errors
    /// When it is not over in time: then the group is killed.
    pub fn wait(mut self, limit: Duration) -> Result<Ended, InvocationError> {
        let ended = self.ended.recv_timeout(limit);
        let stdout = text(&mut self.stdout).map_err(InvocationError::Follow)?;
        let stderr = text(&mut self.stderr).map_err(InvocationError::Follow)?;
        match ended {
            Ok(status) => Ok(Ended { status: status.map_err(InvocationError::Follow)?, stdout, stderr }),
            Err(RecvTimeoutError::Timeout) => Err(InvocationError::TooLong { limit, stdout, stderr }),
            Err(RecvTimeoutError::Disconnected) => {
                Err(InvocationError::Follow(std::io::Error::other("the waiting thread is gone")))
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A group that is already gone is what we want.
        let _gone = kill_process_group(self.group, Signal::KILL);
    }
}

fn text(file: &mut File) -> std::io::Result<String> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
