//! The throw-away folder: a home, a state directory, a repository with its remote, and the logs.
//!
//! *Trusted: it is made for one user only, under a name that nobody can guess.*

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use serde::de::DeserializeOwned;
use writ_gateway::port::Random as _;

use super::process::{Process, Said};
use crate::cli::run::find_program;
use crate::config::{State, variable};
use crate::failure::{Failure, Kind};
use crate::wire::SystemRandom;

/// Longest time that a command of a person may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longest path that leaves room for a hook socket's address below it.
const MAX_FOLDER_BYTES: usize = 50;

const README: &str = "\
# Hello

`hello.sh NAME` is to greet whoever it is told to. `sh test.sh` says whether it does.
";
const TEST: &str = "\
#!/bin/sh
test \"$(sh hello.sh Ada)\" = \"Hello, Ada!\" && echo passed | tee test.log
";

/// The folder and everything that is started in it. Dropping it takes it away, unless it is kept.
pub(super) struct House {
    root: PathBuf,
    keep: bool,
    program: PathBuf,
    /// The number in the command of the process that the agent leaves behind.
    pub(super) mark: u32,
    /// Stands in the credential file and must never be seen elsewhere.
    pub(super) decoy: String,
    interrupted: Arc<AtomicBool>,
    logs: AtomicU32,
}

// === impl House ===

impl House {
    /// Makes it: home with a credential in it, a repository with one commit, and a bare remote that has it.
    pub(super) fn make(keep: bool, interrupted: &Arc<AtomicBool>) -> Result<Self, Failure> {
        let mut random = [0; 12];
        SystemRandom.fill(&mut random);
        let name: String = random.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
        let root = temporary().join(format!("writ-demo-{name}"));
        let house = Self {
            root,
            keep,
            program: std::env::current_exe()?,
            // Far longer than the demo, and hardly anybody else's number.
            mark: 1_000_000 + u32::from_be_bytes([0, random[5], random[6], random[7]]),
            decoy: format!("demo-{}", random.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
            interrupted: Arc::clone(interrupted),
            logs: AtomicU32::new(0),
        };
        for folder in [&house.root, &house.home(), &house.state_folder(), &house.repo(), &house.logs()] {
            std::fs::DirBuilder::new().mode(0o700).create(folder).map_err(|error| {
                Failure::new(Kind::Broken, format_args!("could not make `{}`: {error}", folder.display()))
                    .hint("TMPDIR chooses another place")
            })?;
        }
        house.put(
            &house.home().join(".aws/credentials"),
            &format!("[default]\naws_secret_access_key = {}\n", house.decoy),
        )?;
        house.make_repository()?;
        Ok(house)
    }

    fn make_repository(&self) -> Result<(), Failure> {
        let remote = self.remote();
        let remote = remote.as_os_str();
        self.put(&self.repo().join("README.md"), README)?;
        self.put(&self.repo().join("test.sh"), TEST)?;
        self.put(&self.repo().join(".gitignore"), "test.log\n")?;
        let word = OsStr::new;
        let steps: [&[&OsStr]; 7] = [
            &[word("init"), word("-q"), word("--bare"), remote],
            &[word("init"), word("-q")],
            &[word("config"), word("user.name"), word("Demo")],
            &[word("config"), word("user.email"), word("demo@example.org")],
            &[word("remote"), word("add"), word("origin"), remote],
            &[word("add"), word(".")],
            &[word("commit"), word("-q"), word("-m"), word("Start")],
        ];
        for step in steps {
            self.git(step)?;
        }
        self.git(&["push", "-q", "origin", "HEAD:refs/heads/main"].map(OsStr::new))?;
        Ok(())
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    pub(super) fn repo(&self) -> PathBuf {
        self.root.join("repo")
    }

    fn remote(&self) -> PathBuf {
        self.root.join("remote.git")
    }

    fn state_folder(&self) -> PathBuf {
        self.root.join("state")
    }

    pub(super) fn state(&self) -> State {
        State::at(self.state_folder())
    }

    fn logs(&self) -> PathBuf {
        self.root.join("log")
    }

    /// The path of this very program.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Writes a file, and the folders above it.
    pub(super) fn put(&self, path: &Path, text: &str) -> Result<(), Failure> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        Ok(std::fs::write(path, text)?)
    }

    /// Commits on the remote's `main`: how often something was pushed there, and one.
    pub(super) fn commits_on_remote(&self) -> Result<u64, Failure> {
        let remote = self.remote();
        let words = [
            "--git-dir".as_ref(),
            remote.as_os_str(),
            "rev-list".as_ref(),
            "--count".as_ref(),
            "main".as_ref(),
        ];
        let said = self.git(&words)?;
        said.trim()
            .parse()
            .map_err(|_| Failure::new(Kind::Broken, format_args!("git counts `{}`", said.trim())))
    }

    fn git(&self, arguments: &[&OsStr]) -> Result<String, Failure> {
        let mut command = self.clean(find("git")?);
        command.args(arguments).current_dir(self.repo());
        let said = self.finished(command, "git")?;
        if said.succeeded() {
            return Ok(said.stdout);
        }
        Err(Failure::new(
            Kind::Broken,
            format_args!("git did not do what the demo needs: {}", said.last_words()),
        ))
    }

    /// This program, as a person would start it, with nothing of the user's own environment.
    pub(super) fn writ(&self, arguments: &[&str]) -> Command {
        let mut command = self.clean(self.program.clone());
        command.args(arguments);
        command
    }

    fn clean(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        let user = |name: &str| std::env::var_os(name);
        let passed = ["LANG", "PATH", "USER"].into_iter().filter_map(|name| Some((name, user(name)?)));
        command
            .env_clear()
            .envs(passed)
            .env("HOME", self.home())
            .env("NO_COLOR", "1")
            .env("TERM", "dumb")
            .env(variable::STATE_DIR, self.state_folder())
            .current_dir(self.repo());
        command
    }

    /// Starts a process that goes on.
    pub(super) fn start(&self, command: Command, name: &str) -> Result<Process, Failure> {
        let number = self.logs.fetch_add(1, Ordering::Relaxed);
        let log = self.logs().join(format!("{number:04}-{name}.log"));
        Process::start(command, &log, &self.interrupted)
            .map_err(|error| Failure::new(Kind::Broken, format_args!("`{name}` did not start: {error}")))
    }

    /// Runs a command to its end.
    pub(super) fn finished(&self, command: Command, name: &str) -> Result<Said, Failure> {
        let mut process = self.start(command, name)?;
        match process.ended_within(PATIENCE)? {
            Some(status) => Ok(process.said(status)),
            None => Err(Failure::new(Kind::Broken, format_args!("`{name}` did not end in {PATIENCE:?}"))),
        }
    }

    /// What a command of this program says, whatever its exit code.
    pub(super) fn said(&self, arguments: &[&str]) -> Result<Said, Failure> {
        let name = arguments.iter().take(2).copied().collect::<Vec<_>>().join("-");
        self.finished(self.writ(arguments), &name)
    }

    /// The JSON object of a command of this program, which must succeed.
    pub(super) fn json<T: DeserializeOwned>(&self, arguments: &[&str]) -> Result<T, Failure> {
        let said = self.said(&[arguments, &["--json"]].concat())?;
        if !said.succeeded() {
            let command = arguments.join(" ");
            return Err(Failure::new(
                Kind::Broken,
                format_args!("`writ {command}` failed: {}", said.last_words()),
            ));
        }
        Ok(serde_json::from_str(&said.stdout)?)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if !self.keep {
            // What cannot be removed lies in the system's folder for temporary files.
            let _ = std::fs::remove_dir_all(&self.root);
        }
    }
}

/// The program's path, as the user's shell would find it.
pub(super) fn find(program: &str) -> Result<PathBuf, Failure> {
    find_program(OsStr::new(program), search().as_deref()).ok_or_else(|| {
        Failure::usage(format_args!("`{program}` is not to be found")).hint("the demo needs it on PATH")
    })
}

/// The user's own search path.
pub(super) fn search() -> Option<OsString> {
    std::env::var_os("PATH")
}

/// Where temporary files go, unless that is too long for a socket below it.
fn temporary() -> PathBuf {
    let usual = std::env::temp_dir();
    if usual.is_absolute() && usual.as_os_str().len() <= MAX_FOLDER_BYTES {
        usual
    } else {
        PathBuf::from("/tmp")
    }
}
