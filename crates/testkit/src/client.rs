//! Starting the real clients headless on a scripted model.
//!
//! Each file says what its client needs so that tools run without anybody to ask, and that nothing but loopback is
//! spoken to. No driver installs hooks: under Writ these are injected per run, and that is what is tested.

mod claude_code;
mod cline;
mod codex;
mod copilot_cli;
mod gemini_cli;
mod opencode;
mod qwen_code;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use writ_model::Client;

use crate::{Invocation, ScriptedModel, Stage};

/// Where the pinned client set stands below the project's root.
const CLIENT_SET: &str = "tests/clients";
/// Made by the installer when all is in place; a copy of the lock file that was installed.
const STAMP: &str = "node_modules/.writ/lock";
const PROGRAMS: &str = "node_modules/.writ/bin";
/// The Python tools, and a copy of the lock file by which they were installed.
const PYTHON: &str = "python";
const PYTHON_LOCK: [&str; 2] = ["requirements.txt", "python/.writ-lock"];
/// No client checks it, and it looks like no real key.
const DUMMY_KEY: &str = "dummy";

/// The installed clients.
#[derive(Clone, Debug)]
pub struct Clients {
    programs: PathBuf,
}

/// Its `Debug` is its text, so that a test which unwraps it says what to do.
#[derive(thiserror::Error)]
pub enum ClientsError {
    #[error("no directory above `{}` holds `tests/clients`", .0.display())]
    NoClientSet(PathBuf),
    #[error("the clients of `tests/clients` are not installed or not up to date; run `cargo xtask test`")]
    NotInstalled,
    #[error("`{0:?}` has no driver")]
    NoDriver(Client),
    #[error("cannot prepare the client's home")]
    Prepare(#[source] std::io::Error),
}

impl fmt::Debug for ClientsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What one client needs on top of what all get.
struct Recipe {
    program: &'static str,
    args: Vec<OsString>,
    env: Vec<(&'static str, OsString)>,
}

// === impl Clients ===

impl Clients {
    /// Looks for the installed set above a directory of the project.
    ///
    /// # Errors
    /// When it is not installed, or not as the lock file wants it.
    pub fn find(inside: &Path) -> Result<Self, ClientsError> {
        let holds = |dir: &&Path| dir.join(CLIENT_SET).join("package-lock.json").is_file();
        let root = inside.ancestors().find(holds);
        let set = root.ok_or_else(|| ClientsError::NoClientSet(inside.to_owned()))?.join(CLIENT_SET);
        let wanted = std::fs::read(set.join("package-lock.json")).map_err(|_| ClientsError::NotInstalled)?;
        match std::fs::read(set.join(STAMP)) {
            Ok(installed) if installed == wanted => Ok(Self { programs: set.join(PROGRAMS) }),
            Ok(_) | Err(_) => Err(ClientsError::NotInstalled),
        }
    }

    /// The directory with the clients' programs and the `node` that they want.
    #[must_use]
    pub fn programs(&self) -> &Path {
        &self.programs
    }

    /// The folder of the Python tools (twine, requests, httpx), for `PYTHONPATH`.
    ///
    /// # Errors
    /// When they are not installed, or not as their lock file wants it.
    pub fn python(&self) -> Result<PathBuf, ClientsError> {
        let set = self.programs.ancestors().nth(3).ok_or(ClientsError::NotInstalled)?;
        let [wanted, installed] = PYTHON_LOCK.map(|name| std::fs::read(set.join(name)));
        match (wanted, installed) {
            (Ok(wanted), Ok(installed)) if wanted == installed => Ok(set.join(PYTHON)),
            (Ok(_) | Err(_), Ok(_) | Err(_)) => Err(ClientsError::NotInstalled),
        }
    }

    /// The command that gives a prompt to a client and ends.
    ///
    /// # Errors
    /// When the client has no driver, or its home cannot be written.
    pub fn headless(
        &self,
        client: Client,
        model: &ScriptedModel,
        stage: &Stage,
        prompt: &str,
    ) -> Result<Invocation, ClientsError> {
        self.headless_as(client, default_model(client), model, stage, prompt)
    }

    /// As [`Clients::headless`], with the name by which the client knows its model: some clients offer other tools
    /// to other models.
    ///
    /// # Errors
    /// When the client has no driver, or its home cannot be written.
    pub fn headless_as(
        &self,
        client: Client,
        name: &str,
        model: &ScriptedModel,
        stage: &Stage,
        prompt: &str,
    ) -> Result<Invocation, ClientsError> {
        let recipe = match client {
            Client::ClaudeCode => claude_code::recipe(name, model, prompt),
            Client::Cline => cline::recipe(name, model, stage, prompt).map_err(ClientsError::Prepare)?,
            Client::Codex => codex::recipe(name, model, stage, prompt).map_err(ClientsError::Prepare)?,
            Client::CopilotCli => copilot_cli::recipe(name, model, prompt),
            Client::GeminiCli => {
                gemini_cli::recipe(name, model, stage, prompt).map_err(ClientsError::Prepare)?
            }
            Client::OpenCode => {
                opencode::recipe(name, model, stage, prompt).map_err(ClientsError::Prepare)?
            }
            Client::QwenCode => {
                qwen_code::recipe(name, model, stage, prompt).map_err(ClientsError::Prepare)?
            }
            Client::Cursor | Client::Kiro | Client::VsCode | Client::Windsurf | Client::Other => {
                return Err(ClientsError::NoDriver(client));
            }
        };
        let mut path = self.programs.clone().into_os_string();
        path.push(":/usr/local/bin:/usr/bin:/bin");
        let shared: [(&str, OsString); 5] = [
            ("HOME", stage.home().into()),
            ("LANG", "C.UTF-8".into()),
            ("NO_COLOR", "1".into()),
            ("PATH", path),
            ("TERM", "dumb".into()),
        ];
        let env: BTreeMap<OsString, OsString> =
            shared.into_iter().chain(recipe.env).map(|(key, value)| (key.into(), value)).collect();
        Ok(Invocation {
            program: self.programs.join(recipe.program),
            args: recipe.args,
            env,
            directory: stage.repo(),
        })
    }
}

fn default_model(client: Client) -> &'static str {
    match client {
        // With a name it does not know, Codex offers shell and subagent tools directly.
        Client::ClaudeCode
        | Client::Cline
        | Client::Codex
        | Client::CopilotCli
        | Client::OpenCode
        | Client::QwenCode
        | Client::Cursor
        | Client::Kiro
        | Client::VsCode
        | Client::Windsurf
        | Client::Other => "scripted",
        Client::GeminiCli => "gemini-2.5-flash",
    }
}

fn words<const N: usize>(args: [&str; N]) -> Vec<OsString> {
    args.into_iter().map(OsString::from).collect()
}
