//! A house of its own for one test: a control plane in a throw-away folder, and people who speak to it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;
use writ_testkit::Stage;

/// Longest wait for anything that a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A stage with a control plane. All of it goes when it is dropped.
pub struct House {
    pub stage: Stage,
    /// Short, because the name of a socket has a bound.
    state: tempfile::TempDir,
    serve: Child,
    program: PathBuf,
    /// Holds a copy of the program that a test may damage.
    _copies: Option<tempfile::TempDir>,
}

/// A program whose standard output is read line by line, each a JSON object. Ends with the test.
pub struct Follower {
    child: Child,
    lines: Receiver<Value>,
}

// === impl House ===

impl House {
    /// Starts a control plane and waits until it is ready.
    pub fn new() -> Self {
        Self::of(PathBuf::from(env!("CARGO_BIN_EXE_writ")), None)
    }

    /// The same with a copy of the program, which a test may damage.
    pub fn with_own_copy() -> Self {
        let copies =
            tempfile::Builder::new().prefix("copy-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let copy = copies.path().join("writ");
        std::fs::copy(env!("CARGO_BIN_EXE_writ"), &copy).unwrap();
        Self::of(copy, Some(copies))
    }

    fn of(program: PathBuf, copies: Option<tempfile::TempDir>) -> Self {
        let stage = Stage::new(env!("CARGO_TARGET_TMPDIR").as_ref()).unwrap();
        let state = tempfile::Builder::new().prefix("writ").tempdir().unwrap();
        let mut serve = command(&program, &stage, &state.path().join("state"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, ready) = channel();
        let said = serve.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(said).lines() {
                let Ok(line) = line else { break };
                let _nobody_waits = sender.send(line);
            }
        });
        ready.recv_timeout(PATIENCE).expect("the control plane says that it is ready");
        Self { stage, state, serve, program, _copies: copies }
    }

    pub fn program(&self) -> &Path {
        &self.program
    }

    pub fn state(&self) -> PathBuf {
        self.state.path().join("state")
    }

    /// A person's command.
    pub fn person(&self, arguments: &[&str]) -> Output {
        command(Path::new(env!("CARGO_BIN_EXE_writ")), &self.stage, &self.state())
            .args(arguments)
            .output()
            .unwrap()
    }

    /// A person's command that must succeed, with `--json`.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let done = self.person(&[arguments, &["--json"]].concat());
        assert!(
            done.status.success(),
            "writ {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&done.stderr)
        );
        serde_json::from_slice(&done.stdout).unwrap_or_else(|error| {
            panic!("writ {}: {error}: {}", arguments.join(" "), String::from_utf8_lossy(&done.stdout))
        })
    }

    /// Registers and activates an agent.
    pub fn register(&self, name: &str, client: &str) {
        self.json(&["agent", "register", name, "--client", client, "--purpose", "be tested", "--approve"]);
    }

    /// Follows the approvals from now on.
    pub fn watch_approvals(&self) -> Follower {
        let program = Path::new(env!("CARGO_BIN_EXE_writ"));
        Follower::start(command(program, &self.stage, &self.state()).args(["approvals", "watch", "--json"]))
    }

    /// Every event of the activity log in order, as it stands there.
    pub fn activity(&self) -> Vec<Value> {
        let page = self.json(&["audit", "search", "--limit", "1000"]);
        let mut entries: Vec<Value> = page["entries"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["id"].as_str().unwrap().starts_with("activity:"))
            .map(|entry| entry["entry"]["event"].clone())
            .collect();
        entries.reverse();
        // Clients call home by themselves; what leaves has tests of its own.
        let left = |event: &Value| event["operation"] == "request" || event["operation"] == "push";
        let gone: Vec<Value> =
            entries.iter().filter(|event| left(event)).map(|event| event["call"].clone()).collect();
        entries.retain(|event| event["type"] != "incident" && !gone.contains(&event["call"]));
        entries
    }

    /// Verdicts of the decided calls, in order. What goes to the model on their way is none of them.
    pub fn verdicts(&self) -> Vec<String> {
        let decided = self
            .activity()
            .into_iter()
            .filter(|event| event["type"] == "call-decided" && event["operation"] != "request");
        decided.map(|event| event["decision"]["verdict"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _gone = self.serve.kill();
        let _gone = self.serve.wait();
    }
}

/// `writ` in the test's home, with nothing of the test's own environment but the path.
fn command(program: &Path, stage: &Stage, state: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("HOME", stage.home())
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("WRIT_STATE_DIR", state)
        .current_dir(stage.repo())
        .stdin(Stdio::null());
    command
}

// === impl Follower ===

impl Follower {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (sender, lines) = channel();
        let said = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(said).lines() {
                let Some(object) = line.ok().and_then(|line| serde_json::from_str(&line).ok()) else { break };
                let _nobody_waits = sender.send(object);
            }
        });
        Self { child, lines }
    }

    /// The next object that fits.
    pub fn next(&self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let object = self.lines.recv_timeout(PATIENCE).expect("something that fits comes in time");
            if fits(&object) {
                return object;
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
