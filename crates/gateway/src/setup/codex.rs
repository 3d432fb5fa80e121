//! Codex: configuration by flags of its command line for a run, or in its own files.
//!
//! Codex runs a hook only when its exact hash is trusted, and skips it without a word otherwise; so every entry comes
//! with its trust. Flags outrank the user's and the project's files, but not `--disable`, which is therefore refused.

use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, InlineTable, Item, Value};
use writ_model::Client;

use super::command::Failing;
use super::own_sandbox::said;
use super::{
    Change, HookCommand, Host, Injection, Level, OwnSandbox, Run, SetupError, client_timeout, flag_values,
};

mod document;
mod trust;

use trust::{state_key, trusted_hash};

/// One hooked event.
pub(super) struct Event {
    /// The name in configurations and payloads.
    pub(super) name: &'static str,
    /// The name in trust keys and hashes.
    pub(super) snake: &'static str,
    /// Whether it can be refused: there every failure of the hook has to become exit code 2.
    refusable: bool,
}

const fn event(name: &'static str, snake: &'static str, refusable: bool) -> Event {
    Event { name, snake, refusable }
}

const EVENTS: &[Event] = &[
    event("SessionStart", "session_start", false),
    event("UserPromptSubmit", "user_prompt_submit", true),
    event("PreToolUse", "pre_tool_use", true),
    event("PermissionRequest", "permission_request", true),
    event("PostToolUse", "post_tool_use", false),
    event("SubagentStart", "subagent_start", false),
    event("SubagentStop", "subagent_stop", false),
    event("Stop", "stop", false),
    event("SessionEnd", "session_end", false),
];

/// Codex cuts the time of this event to three seconds and hashes the cut value.
const SHORT_EVENT: &str = "SessionEnd";
const SHORT_TIMEOUT_SECS: u64 = 3;
/// Leaves approvals and rules as they are. What it would have asked for is leaving its sandbox, which then is not there.
const SANDBOX_OFF: &str = "sandbox_mode=\"danger-full-access\"";
const NO_SANDBOX: &str = "danger-full-access";
/// What Codex calls its command line when it names where a hook is from.
const FLAGS_SOURCE: &str = "/<session-flags>/config.toml";

pub(super) const LOGIN: &[&str] = &[
    "CODEX_API_KEY",
    "CODEX_HOME",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_ORGANIZATION",
    "OPENAI_PROJECT",
];

/// One handler as it will stand in a configuration.
pub(super) struct Handler {
    pub(super) event: &'static Event,
    pub(super) line: String,
    pub(super) timeout_secs: u64,
}

fn folder(host: &Host<'_>) -> PathBuf {
    (host.variable)("CODEX_HOME").map_or_else(|| host.home.join(".codex"), PathBuf::from)
}

pub(super) fn login_files(host: &Host<'_>) -> Vec<PathBuf> {
    vec![folder(host).join("auth.json")]
}

/// The variables in which the user's own configuration says that the keys of model providers lie.
pub(super) fn provider_variables(host: &Host<'_>, arguments: &[String]) -> Vec<String> {
    let file = (host.read)(&folder(host).join("config.toml"));
    let flags = flag_values(arguments, &["-c", "--config"]).filter_map(|(_, flag)| {
        let (key, value) = flag.split_once('=')?;
        // Codex takes what is no TOML for a plain text.
        Some(match value.parse::<Value>() {
            Ok(_) => flag.to_owned(),
            Err(_) => format!("{key} = {}", Value::from(value)),
        })
    });
    let mut names: Vec<String> = file
        .into_iter()
        .chain(flags)
        .filter_map(|text| text.parse::<DocumentMut>().ok())
        .flat_map(|document| {
            let providers = document.get("model_providers").and_then(Item::as_table_like);
            let keys = providers.into_iter().flat_map(|providers| providers.iter());
            keys.filter_map(|(_, provider)| Some(provider.get("env_key")?.as_str()?.to_owned()))
                .collect::<Vec<_>>()
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

pub(super) fn inject(host: &Host<'_>, run: &Run<'_>) -> Result<Injection, SetupError> {
    if let Some(argument) = off_switch(run.arguments) {
        return Err(SetupError::Argument { argument: argument.to_owned() });
    }
    let requirements = managed_file();
    if let Some(text) = (host.read)(&requirements) {
        let document = document::parsed(&requirements, &text)?;
        let only_managed = document.get("allow_managed_hooks_only").and_then(Item::as_bool) == Some(true);
        let off =
            document.get("features").and_then(|features| features.get("hooks")?.as_bool()) == Some(false);
        if (only_managed || off) && !document::has_ours(&document) {
            return Err(SetupError::ManagedOnly { path: requirements, client: Client::Codex });
        }
    }
    let mut arguments = vec!["-c".to_owned(), "features.hooks=true".to_owned()];
    let mut state = InlineTable::new();
    for handler in handlers(run.command)? {
        let mut group = InlineTable::new();
        group.insert("hooks", Value::from_iter([document::handler_value(&handler)]));
        let groups = Value::from_iter([group]);
        arguments.extend(["-c".to_owned(), format!("hooks.{}={groups}", handler.event.name)]);
        let mut trust = InlineTable::new();
        trust.insert("trusted_hash", trusted_hash(&handler).into());
        trust.insert("enabled", true.into());
        state.insert(state_key(FLAGS_SOURCE, handler.event.snake, 0), Value::InlineTable(trust));
    }
    arguments.extend(["-c".to_owned(), format!("hooks.state={state}")]);
    if !wants_search(run.arguments) {
        // Its searches run at the model's vendor, where no hook is called: nobody gets them without having asked.
        arguments.extend(["-c".to_owned(), "web_search=\"disabled\"".to_owned()]);
    }
    if run.own_sandbox.is_off() {
        arguments.extend(["-c".to_owned(), SANDBOX_OFF.to_owned()]);
    }
    arguments.extend(run.arguments.iter().cloned());
    Ok(Injection { files: Vec::new(), private: None, set: Vec::new(), unset: Vec::new(), arguments })
}

/// On unless its settings say otherwise. Codex starts it around every command, by `bwrap` or Landlock.
pub(super) fn own_sandbox(host: &Host<'_>, arguments: &[String]) -> OwnSandbox {
    let modes = flag_values(arguments, &["-s", "--sandbox"]).map(|(_, mode)| format!("--sandbox {mode}"));
    let settings = flag_values(arguments, &["-c", "--config"]).filter_map(|(_, flag)| {
        let key = flag.split(['=', '.']).next().unwrap_or_default().trim();
        matches!(key, "sandbox_mode" | "default_permissions" | "permissions").then(|| format!("-c {flag}"))
    });
    let whole = ["--approve-for-me", "--dangerously-bypass-approvals-and-sandbox", "--full-auto", "--yolo"];
    let whole = said(arguments, &whole).map(str::to_owned);
    if let Some(by) = modes.chain(settings).chain(whole).next() {
        return OwnSandbox::Kept { by };
    }
    let document = |path: &Path| (host.read)(path)?.parse::<DocumentMut>().ok();
    let requirements = managed_file();
    let allowed = document(&requirements).and_then(|document| {
        let modes = document.get("allowed_sandbox_modes")?.as_array()?;
        Some(modes.iter().any(|mode| mode.as_str() == Some(NO_SANDBOX)))
    });
    if allowed == Some(false) {
        return OwnSandbox::Kept { by: requirements.display().to_string() };
    }
    let mode = document(&folder(host).join("config.toml"))
        .and_then(|document| Some(document.get("sandbox_mode")?.as_str()? == NO_SANDBOX));
    OwnSandbox::Off { by: "sandbox_mode=danger-full-access", was_on: mode != Some(true) }
}

/// Whether the person who started it asks for the vendor's search.
fn wants_search(arguments: &[String]) -> bool {
    arguments.iter().any(|argument| argument == "--search")
        || flag_values(arguments, &["-c", "--config"]).any(|(_, flag)| flag.contains("web_search"))
}

/// An argument that would switch our hooks off, replace them, or have another process run the calls.
fn off_switch(arguments: &[String]) -> Option<&str> {
    let configured = flag_values(arguments, &["-c", "--config"]).find(|(_, flag)| {
        let key = flag.split('=').next().unwrap_or_default();
        let key: String = key.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'')).collect();
        let mut parts = key.split('.');
        match (parts.next(), parts.next()) {
            (Some("hooks"), _) | (Some("features"), None) => true,
            (Some("features"), Some(feature)) => feature.contains("hooks"),
            (Some("allow_managed_hooks_only"), _) => true,
            (Some(_) | None, _) => false,
        }
    });
    let disabled = || flag_values(arguments, &["--disable"]).find(|(_, feature)| feature.contains("hooks"));
    let remote = || flag_values(arguments, &["--remote"]).next();
    configured.or_else(disabled).or_else(remote).map(|(argument, _)| argument)
}

fn handlers(command: &HookCommand) -> Result<Vec<Handler>, SetupError> {
    EVENTS
        .iter()
        .map(|event| {
            let line = command.shell_line(
                Client::Codex,
                event.name,
                if event.refusable { Failing::Exits } else { Failing::GoesOn },
            )?;
            let timeout_secs = match event.name {
                SHORT_EVENT => SHORT_TIMEOUT_SECS,
                _ => client_timeout(command).as_secs(),
            };
            Ok(Handler { event, line, timeout_secs })
        })
        .collect()
}

fn managed_file() -> PathBuf {
    // The same place on macOS.
    PathBuf::from("/etc/codex/requirements.toml")
}

fn file(level: Level, host: &Host<'_>) -> PathBuf {
    match level {
        Level::User => folder(host).join("config.toml"),
        Level::Managed => managed_file(),
    }
}

pub(super) fn install(
    level: Level,
    host: &Host<'_>,
    command: &HookCommand,
) -> Result<Vec<Change>, SetupError> {
    let path = file(level, host);
    let before = (host.read)(&path);
    let handlers = handlers(command)?;
    let mut document = document::parsed(&path, before.as_deref().unwrap_or_default())?;
    let source = match level {
        Level::User => Some(text_of(&path)?),
        Level::Managed => None,
    };
    if before.is_some() && document::is_complete(&document, &handlers, source) {
        return Ok(vec![Change { path, after: before.clone(), before }]);
    }
    document::remove(&mut document, source);
    document::add(&path, &mut document, &handlers, source)?;
    if level == Level::Managed {
        let programs = command.program.parent().unwrap_or(Path::new("/"));
        document::require(&path, &mut document, text_of(programs)?)?;
    }
    Ok(vec![Change { path, before, after: Some(document.to_string()) }])
}

pub(super) fn uninstall(level: Level, host: &Host<'_>) -> Result<Vec<Change>, SetupError> {
    let path = file(level, host);
    let Some(before) = (host.read)(&path) else { return Ok(Vec::new()) };
    let mut document = document::parsed(&path, &before)?;
    let source = match level {
        Level::User => Some(text_of(&path)?),
        Level::Managed => None,
    };
    let after = if document::remove(&mut document, source) { document.to_string() } else { before.clone() };
    let after = (!after.trim().is_empty()).then_some(after);
    Ok(vec![Change { path, before: Some(before), after }])
}

fn text_of(path: &Path) -> Result<&str, SetupError> {
    path.to_str().ok_or_else(|| SetupError::Path(path.to_owned()))
}
