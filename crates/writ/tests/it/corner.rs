//! A machine's corner of its own for one test: home, state, workspace, and a control plane if asked for.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Nothing in a test may take longer.
pub const BOUND: Duration = Duration::from_secs(60);

/// Everything lies in one temporary folder and ends with it.
pub struct Corner {
    folder: TempDir,
    serve: Option<Child>,
    /// Somebody else than who runs the tests.
    user: Option<u32>,
}

/// An ordinary user, where root runs the tests.
const NOBODY: u32 = 4242;

/// A process that is killed when the test is over.
pub struct Guest(pub Child);

impl Corner {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("w").tempdir().unwrap();
        for name in ["home", "state", "work", "bin"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        std::fs::set_permissions(folder.path().join("state"), std::fs::Permissions::from_mode(0o700))
            .unwrap();
        Self { folder, serve: None, user: None }
    }

    pub fn with_control_plane() -> Self {
        let mut corner = Self::new();
        corner.serve();
        corner
    }

    /// Everything belongs to an ordinary user and runs as them, root's own powers aside.
    pub fn of_ordinary_user() -> Self {
        let mut corner = Self::new();
        if rustix::process::getuid().is_root() {
            let copy = corner.bin().join("writ");
            if std::fs::hard_link(corner.program(), &copy).is_err() {
                std::fs::copy(corner.program(), &copy).unwrap();
            }
            std::fs::set_permissions(corner.folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
            corner.user = Some(NOBODY);
            corner.give();
        }
        corner.serve();
        corner
    }

    /// Gives everything that a test made to the corner's user.
    pub fn give(&self) {
        if let Some(user) = self.user {
            let folders = [self.home(), self.state(), self.work()];
            let given = Command::new("chown").args(["-R", &format!("{user}:{user}")]).args(folders).status();
            assert!(given.unwrap().success());
        }
    }

    /// The binary, where the corner's user finds it.
    pub fn program(&self) -> PathBuf {
        match self.user {
            Some(_) => self.bin().join("writ"),
            None => env!("CARGO_BIN_EXE_writ").into(),
        }
    }

    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    pub fn bin(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    /// The binary, with nothing of the test's own environment.
    pub fn writ<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, arguments: I) -> Command {
        let mut command = Command::new(self.program());
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home())
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", self.bin().display()))
            .env("LANG", "C.UTF-8")
            .env("WRIT_STATE_DIR", self.state())
            .current_dir(self.work())
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub fn run<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, arguments: I) -> Output {
        finished(self.writ(arguments))
    }

    /// Runs the binary, which must say yes, and reads its one JSON object.
    pub fn json<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, arguments: I) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", text(&output));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output)))
    }

    /// Starts the control plane and waits for its word that it is ready.
    pub fn serve(&mut self) {
        let mut child = self.writ(["serve"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if !line.contains("ready") {
            let mut problem = String::new();
            child.stderr.take().unwrap().read_to_string(&mut problem).unwrap();
            panic!("`writ serve` said {line:?} and {problem:?}");
        }
        self.serve = Some(child);
    }

    /// The control plane that this test started.
    pub fn serving(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(self.serve.as_ref().unwrap())
    }

    /// Ends the control plane as a service manager would, and gives its exit code.
    pub fn end_serve(&mut self) -> Option<i32> {
        let mut child = self.serve.take()?;
        signal(&child, "TERM");
        child.wait().unwrap().code()
    }

    /// Kills the control plane without warning.
    pub fn kill_serve(&mut self) {
        if let Some(mut child) = self.serve.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub fn register(&self, client: &str) -> Value {
        self.json([
            "agent",
            "register",
            client,
            "--client",
            client,
            "--purpose",
            "tests",
            "--approve",
            "--json",
        ])
    }

    /// Puts a shell script of this name where programs are found.
    pub fn script(&self, name: &str, body: &str) -> PathBuf {
        let path = self.bin().join(name);
        std::fs::write(&path, format!("#!/bin/bash\n{body}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

impl Drop for Corner {
    fn drop(&mut self) {
        self.kill_serve();
        // A control plane that a run started in the background.
        if let Ok(pid) = std::fs::read_to_string(self.state().join("serve.pid")) {
            let _ = Command::new("kill").args(["-KILL", pid.trim()]).stderr(Stdio::null()).status();
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a command to its end, which must come in time.
pub fn finished(mut command: Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    collected(child)
}

/// Runs a command to its end with these bytes as its input.
pub fn fed(mut command: Command, input: &[u8]) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A process that refuses early stops reading.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = collected(child);
    writer.join().unwrap();
    output
}

fn collected(child: Child) -> Output {
    let pid = child.id().to_string();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || tell.send(child.wait_with_output()));
    told.recv_timeout(BOUND).map_or_else(
        |_| {
            let _ = Command::new("kill").args(["-KILL", &pid]).status();
            panic!("a process of this test did not end in {BOUND:?}")
        },
        Result::unwrap,
    )
}

pub fn signal(child: &Child, name: &str) {
    Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
}

/// Looks until something is there, or fails.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < BOUND, "no {what} in {BOUND:?}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

pub fn text(output: &Output) -> String {
    format!(
        "{:?}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

pub fn git(folder: &Path) {
    let status = Command::new("git")
        .args(["init", "--quiet"])
        .current_dir(folder)
        .env("HOME", folder)
        .status()
        .unwrap();
    assert!(status.success());
}
