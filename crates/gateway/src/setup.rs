//! Putting our hooks into a client: for one run, without touching the user's files, or into the client's own
//! configuration. Pure: existing texts go in, new texts come out; `writ` reads, shows and writes them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use writ_model::Client;

mod claude_code;
mod cline;
mod codex;
mod command;
mod copilot_cli;
mod cursor;
mod gemini_cli;
mod json;
mod kiro;
mod opencode;
mod own_sandbox;
mod qwen_code;
mod windsurf;

pub use command::HookCommand;
pub use own_sandbox::{OwnSandbox, own_sandbox};

/// What a setup looks at. Nothing else is read.
#[derive(Clone, Copy)]
pub struct Host<'a> {
    pub home: &'a Path,
    /// The task's workspace.
    pub workspace: &'a Path,
    /// A variable of the user's environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// The text of a file; `None` when it is not there.
    pub read: &'a dyn Fn(&Path) -> Option<String>,
}

/// One run of a client.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    pub command: &'a HookCommand,
    /// Where the files of this run lie. The agent must not be able to write there.
    pub folder: &'a Path,
    /// A folder of this run alone that the client may write in. Made only when [`Injection::private`] asks for it.
    pub private: &'a Path,
    /// Where the client will be started.
    pub cwd: &'a Path,
    /// Random text, new for each run: the name of hooks that a project could switch off by name.
    pub nonce: &'a str,
    /// What becomes of the client's own sandbox.
    pub own_sandbox: &'a OwnSandbox,
    /// What the user wants the client to be started with.
    pub arguments: &'a [String],
}

/// What a run needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injection {
    /// Files of the run, below its folder.
    pub files: Vec<(PathBuf, String)>,
    /// A configuration folder of the client's own, below the run's private folder.
    pub private: Option<Private>,
    /// Variables to set, over whatever the user has.
    pub set: Vec<(String, String)>,
    /// Variables to take away: they switch hooks off.
    pub unset: Vec<&'static str>,
    /// All arguments, the user's and ours.
    pub arguments: Vec<String>,
}

/// A folder that stands in for one of the user's: some files are ours, everything else is a link to the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Private {
    /// Its name in the run's private folder.
    pub name: PathBuf,
    /// The user's folder. Each entry that is none of `files` is linked; without the folder there is nothing to link.
    pub mirrors: PathBuf,
    pub files: Vec<(PathBuf, String)>,
}

/// What a client needs for its own model login, and to find its model. All of it is handed over, by name, on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub variables: Vec<String>,
    pub files: Vec<PathBuf>,
}

/// Whose configuration an installation changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The user's own.
    User,
    /// The administrator's, which users cannot override.
    Managed,
}

/// A system whose places for configuration we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    Linux,
    MacOs,
}

/// One file of an installation, before and after. `None`: there is no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub path: PathBuf,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// Hooks cannot be put there so that they would hold.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("`{0}` has no hooks to install")]
    NoAdapter(Client),
    #[error("`{argument}` switches the hooks off or replaces them; leave it out")]
    Argument { argument: String },
    #[error(
        "`{path}` lets no hooks but the administrator's run; install ours there with `writ install {client} --managed`"
    )]
    ManagedOnly { path: PathBuf, client: Client },
    #[error("`{path}` switches the hooks off; take that out of it")]
    SwitchedOff { path: PathBuf },
    #[error(
        "{0} is a program with a window, which a run does not start; `writ install {0}` puts hooks into it"
    )]
    Windowed(Client),
    #[error("{0} has no administrator's configuration for hooks; install them for each user")]
    NotManaged(Client),
    #[error("`{path}` cannot be read as what it should be: {why}")]
    Unreadable { path: PathBuf, why: String },
    #[error("`{0}` is not UTF-8 and cannot stand in a client's configuration")]
    Path(PathBuf),
}

/// Everything needed to run a client with our hooks, for this run only.
///
/// # Errors
/// When an argument, a variable or the administrator's configuration would keep the hooks from running.
pub fn inject(client: Client, host: &Host<'_>, run: &Run<'_>) -> Result<Injection, SetupError> {
    match client {
        Client::ClaudeCode => claude_code::inject(host, run),
        Client::Cline => cline::inject(host, run),
        Client::Codex => codex::inject(host, run),
        Client::CopilotCli => copilot_cli::inject(host, run),
        Client::GeminiCli => gemini_cli::inject(host, run),
        Client::OpenCode => opencode::inject(host, run),
        Client::QwenCode => qwen_code::inject(host, run),
        Client::Cursor | Client::Kiro | Client::VsCode | Client::Windsurf => {
            Err(SetupError::Windowed(client))
        }
        Client::Other => Err(SetupError::NoAdapter(client)),
    }
}

/// The client's own model login.
pub fn login(client: Client, host: &Host<'_>, arguments: &[String]) -> Login {
    let login = |variables: &[&str], files: Vec<PathBuf>| Login {
        variables: variables.iter().map(|name| (*name).to_owned()).collect(),
        files,
    };
    match client {
        Client::ClaudeCode => login(claude_code::LOGIN, claude_code::login_files(host)),
        Client::Cline => login(cline::LOGIN, cline::login_files(host)),
        Client::Codex => {
            let mut login = login(codex::LOGIN, codex::login_files(host));
            login.variables.extend(codex::provider_variables(host, arguments));
            login
        }
        Client::CopilotCli => login(copilot_cli::LOGIN, copilot_cli::login_files(host)),
        Client::GeminiCli => login(gemini_cli::LOGIN, gemini_cli::login_files(host)),
        Client::OpenCode => login(opencode::LOGIN, opencode::login_files(host)),
        Client::QwenCode => login(qwen_code::LOGIN, qwen_code::login_files(host)),
        Client::Cursor | Client::Kiro | Client::VsCode | Client::Windsurf | Client::Other => {
            login(&[], Vec::new())
        }
    }
}

/// What installing would change. Installing twice changes nothing the second time.
///
/// # Errors
/// When an existing file cannot be read as the client's configuration. Nothing is guessed then.
pub fn install(
    client: Client,
    level: Level,
    system: System,
    host: &Host<'_>,
    command: &HookCommand,
) -> Result<Vec<Change>, SetupError> {
    match client {
        Client::ClaudeCode => claude_code::install(level, system, host, command),
        Client::Cline => cline::install(level, host, command),
        Client::Codex => codex::install(level, host, command),
        Client::CopilotCli => copilot_cli::install(level, system, host, command),
        Client::GeminiCli => gemini_cli::install(level, system, host, command),
        Client::OpenCode => opencode::install(level, system, host, command),
        Client::QwenCode => qwen_code::install(level, system, host, command),
        Client::Cursor => cursor::install(level, system, host, command),
        Client::Kiro => kiro::install(level, host, command),
        // It reads the hook files of Copilot CLI, but for the administrator's.
        Client::VsCode if level == Level::Managed => Err(SetupError::NotManaged(client)),
        Client::VsCode => copilot_cli::install(level, system, host, command),
        Client::Windsurf => windsurf::install(level, system, host, command),
        Client::Other => Err(SetupError::NoAdapter(client)),
    }
}

/// What taking our hooks out again would change: exactly what [`install`] put there. Where that broke a list of one line
/// into several, the line breaks stay.
///
/// # Errors
/// As [`install`].
pub fn uninstall(
    client: Client,
    level: Level,
    system: System,
    host: &Host<'_>,
) -> Result<Vec<Change>, SetupError> {
    match client {
        Client::ClaudeCode => claude_code::uninstall(level, system, host),
        Client::Cline => cline::uninstall(level, host),
        Client::Codex => codex::uninstall(level, host),
        Client::CopilotCli => copilot_cli::uninstall(level, system, host),
        Client::GeminiCli => gemini_cli::uninstall(level, system, host),
        Client::OpenCode => opencode::uninstall(level, system, host),
        Client::QwenCode => qwen_code::uninstall(level, system, host),
        Client::Cursor => cursor::uninstall(level, system, host),
        Client::Kiro => kiro::uninstall(level, host),
        Client::VsCode if level == Level::Managed => Err(SetupError::NotManaged(client)),
        Client::VsCode => copilot_cli::uninstall(level, system, host),
        Client::Windsurf => windsurf::uninstall(level, system, host),
        Client::Other => Err(SetupError::NoAdapter(client)),
    }
}

/// The longest that a hook may take before this client runs the call without it.
///
/// The hook process gives up by itself well before, with a refusal.
pub const fn patience(client: Client) -> Duration {
    match client {
        // Two minutes that no configuration changes.
        Client::Cline => Duration::from_secs(100),
        Client::ClaudeCode
        | Client::Codex
        | Client::CopilotCli
        | Client::GeminiCli
        | Client::OpenCode
        | Client::QwenCode
        | Client::Cursor
        | Client::Kiro
        | Client::VsCode
        | Client::Windsurf
        | Client::Other => Duration::from_secs(590),
    }
}

/// Variables that load code into any program that is started with them, our hook included: set to nothing, so that a
/// project's `.env` cannot set them.
fn loaders() -> impl Iterator<Item = (String, String)> {
    ["GLIBC_TUNABLES", "LD_AUDIT", "LD_LIBRARY_PATH", "LD_PRELOAD"]
        .into_iter()
        .map(|name| (name.to_owned(), String::new()))
}

/// How long the client is told to wait for its hook: longer than our own deadline, so that ours ends first.
fn client_timeout(command: &HookCommand) -> Duration {
    command.deadline + Duration::from_secs(10)
}

// === impl Change ===

impl Change {
    pub fn is_needed(&self) -> bool {
        self.before != self.after
    }

    /// Writes a file that holds nothing but ours, unless somebody else's stands there.
    fn of_own_file(
        host: &Host<'_>,
        path: PathBuf,
        is_ours: &dyn Fn(&str) -> bool,
        text: String,
    ) -> Result<Self, SetupError> {
        let before = (host.read)(&path);
        if before.as_deref().is_some_and(|text| !is_ours(text)) {
            return Err(SetupError::Unreadable { path, why: "it is there and is not Writ's".to_owned() });
        }
        Ok(Self { path, before, after: Some(text) })
    }

    /// Takes away a file of ours; nothing where there is none, or somebody else's.
    fn without_own_file(host: &Host<'_>, path: PathBuf, is_ours: &dyn Fn(&str) -> bool) -> Option<Self> {
        let before = (host.read)(&path).filter(|text| is_ours(text))?;
        Some(Self { path, before: Some(before), after: None })
    }
}

/// The values that follow a flag, in either spelling, up to the word `--`.
fn flag_values<'a>(
    arguments: &'a [String],
    names: &'a [&str],
) -> impl Iterator<Item = (&'a str, &'a str)> + 'a {
    let own = arguments.iter().take_while(|argument| *argument != "--").enumerate();
    own.filter_map(move |(at, argument)| {
        names.iter().find_map(|name| {
            let rest = argument.strip_prefix(name)?;
            match rest.strip_prefix('=') {
                Some(value) => Some((argument.as_str(), value)),
                None if rest.is_empty() => {
                    Some((argument.as_str(), arguments.get(at + 1).map_or("", String::as_str)))
                }
                // A short flag can have its value right behind it.
                None if name.len() == 2 && name.starts_with('-') => Some((argument.as_str(), rest)),
                None => None,
            }
        })
    })
}

#[cfg(test)]
mod tests;
