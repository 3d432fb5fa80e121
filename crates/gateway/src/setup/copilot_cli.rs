//! Copilot CLI: a plugin folder that its command line names, or a hook file of our own beside the user's, which VS Code
//! reads too.
//!
//! A repository that the user trusts can switch off every hook but the administrator's, and nothing that we set would
//! outrank that; so such a repository is refused. Settings are read once, at the start.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use writ_model::Client;

use super::command::{Failing, is_our_line};
use super::json;
use super::{
    Change, HookCommand, Host, Injection, Level, Run, SetupError, System, client_timeout, flag_values,
};

/// Each event, and what a hook that fails says instead: the client takes the exit code 2 for a no at calls alone.
///
/// Permission requests are left alone: they come after the call was decided, with other arguments.
const EVENTS: &[(&str, Failing)] = &[
    ("sessionStart", Failing::GoesOn),
    ("userPromptSubmitted", Failing::Says(r#"{"decision":"block","reason":"not let through by Writ"}"#)),
    (
        "preToolUse",
        Failing::Says(
            r#"{"permissionDecision":"deny","permissionDecisionReason":"not let through by Writ","hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny"}}"#,
        ),
    ),
    ("postToolUse", Failing::GoesOn),
    ("postToolUseFailure", Failing::GoesOn),
    ("subagentStart", Failing::GoesOn),
    ("subagentStop", Failing::GoesOn),
    ("agentStop", Failing::GoesOn),
    ("sessionEnd", Failing::GoesOn),
];

/// Where a repository can say `disableAllHooks`.
const PROJECT_SETTINGS: [&str; 4] = [
    ".github/copilot/settings.json",
    ".github/copilot/settings.local.json",
    ".claude/settings.json",
    ".claude/settings.local.json",
];

/// The session then runs on another machine, or under another process.
const ELSEWHERE: &[&str] = &["--connect", "--environment-host"];

pub(super) const LOGIN: &[&str] = &[
    "COPILOT_AUTO_UPDATE",
    "COPILOT_GITHUB_TOKEN",
    "COPILOT_HOME",
    "COPILOT_MODEL",
    "COPILOT_OFFLINE",
    "COPILOT_PROVIDER_API_KEY",
    "COPILOT_PROVIDER_AZURE_API_VERSION",
    "COPILOT_PROVIDER_BASE_URL",
    "COPILOT_PROVIDER_BEARER_TOKEN",
    "COPILOT_PROVIDER_HEADERS",
    "COPILOT_PROVIDER_MAX_OUTPUT_TOKENS",
    "COPILOT_PROVIDER_MAX_PROMPT_TOKENS",
    "COPILOT_PROVIDER_MODEL_ID",
    "COPILOT_PROVIDER_TYPE",
    "COPILOT_PROVIDER_WIRE_API",
    "COPILOT_PROVIDER_WIRE_MODEL",
];

fn folder(host: &Host<'_>) -> PathBuf {
    (host.variable)("COPILOT_HOME").map_or_else(|| host.home.join(".copilot"), PathBuf::from)
}

pub(super) fn login_files(host: &Host<'_>) -> Vec<PathBuf> {
    vec![folder(host).join("config.json")]
}

pub(super) fn inject(host: &Host<'_>, run: &Run<'_>) -> Result<Injection, SetupError> {
    if let Some((argument, _)) = flag_values(run.arguments, ELSEWHERE).next() {
        return Err(SetupError::Argument { argument: argument.to_owned() });
    }
    not_switched_off(host, run)?;
    let plugin = run.folder.join("copilot-plugin");
    let name = plugin.to_str().ok_or_else(|| SetupError::Path(plugin.clone()))?.to_owned();
    // Its name cannot be guessed, so no settings can name it.
    let about = json!({
        "name": format!("writ-{}", run.nonce),
        "version": "1.0.0",
        "description": "Asks Writ about every tool call",
        "hooks": "hooks/hooks.json",
    });
    let mut arguments = vec!["--plugin-dir".to_owned(), name];
    arguments.extend(run.arguments.iter().cloned());
    Ok(Injection {
        files: vec![
            (PathBuf::from("copilot-plugin/plugin.json"), format!("{about:#}\n")),
            (PathBuf::from("copilot-plugin/hooks/hooks.json"), hooks(run.command)?),
        ],
        private: None,
        set: Vec::new(),
        unset: Vec::new(),
        arguments,
    })
}

/// Refuses where the administrator lets no hooks of ours run, or the repository lets none run.
fn not_switched_off(host: &Host<'_>, run: &Run<'_>) -> Result<(), SetupError> {
    let managed = PathBuf::from("/etc/github-copilot/managed-settings.json");
    if let Some(text) = (host.read)(&managed) {
        let only = json::value(&managed, &text)?
            .get("allowManagedHooksOnly")
            .is_some_and(|only| *only != Value::Bool(false));
        let ours = (host.read)(&file(Level::Managed, System::Linux, host)).is_some_and(|text| is_ours(&text));
        if only && !ours {
            return Err(SetupError::ManagedOnly { path: managed, client: Client::CopilotCli });
        }
    }
    let mut folders = vec![run.cwd.to_owned()];
    folders.extend(flag_values(run.arguments, &["-C"]).map(|(_, folder)| run.cwd.join(folder)));
    for start in folders {
        for folder in
            start.ancestors().take_while(|folder| folder.starts_with(host.workspace) || *folder == start)
        {
            for name in PROJECT_SETTINGS {
                let path = folder.join(name);
                let Some(text) = (host.read)(&path) else { continue };
                let off = json::value(&path, &text)?
                    .get("disableAllHooks")
                    .is_some_and(|off| *off != Value::Bool(false));
                if off {
                    return Err(SetupError::SwitchedOff { path });
                }
            }
        }
    }
    Ok(())
}

/// A hook file with our hooks and nothing else.
fn hooks(command: &HookCommand) -> Result<String, SetupError> {
    let mut events = Map::new();
    for (event, failing) in EVENTS {
        let handler = json!({
            "type": "command",
            "bash": command.shell_line(Client::CopilotCli, event, *failing)?,
            "timeoutSec": client_timeout(command).as_secs(),
            // By this name for VS Code, which waits 30 seconds otherwise.
            "timeout": client_timeout(command).as_secs(),
        });
        events.insert((*event).to_owned(), json!([handler]));
    }
    Ok(format!("{:#}\n", json!({ "version": 1, "hooks": events })))
}

/// A file that an installation of ours made, of whatever version and wherever `writ` was then.
fn is_ours(text: &str) -> bool {
    let Ok(file) = json::value(Path::new("writ.json"), text) else { return false };
    let Some(events) = file.get("hooks").and_then(Value::as_object) else { return false };
    let mut lines = events
        .values()
        .filter_map(Value::as_array)
        .flatten()
        .map(|handler| handler.get("bash").and_then(Value::as_str).unwrap_or_default());
    !events.is_empty() && lines.all(|line| is_our_line(line, Client::CopilotCli))
}

fn file(level: Level, system: System, host: &Host<'_>) -> PathBuf {
    match (level, system) {
        (Level::User, _) => folder(host).join("hooks/writ.json"),
        (Level::Managed, System::Linux) => PathBuf::from("/etc/github-copilot/policy.d/writ.json"),
        (Level::Managed, System::MacOs) => {
            PathBuf::from("/Library/Application Support/GitHubCopilot/policy.d/writ.json")
        }
    }
}

pub(super) fn install(
    level: Level,
    system: System,
    host: &Host<'_>,
    command: &HookCommand,
) -> Result<Vec<Change>, SetupError> {
    Change::of_own_file(host, file(level, system, host), &is_ours, hooks(command)?).map(|change| vec![change])
}

pub(super) fn uninstall(level: Level, system: System, host: &Host<'_>) -> Result<Vec<Change>, SetupError> {
    Ok(Change::without_own_file(host, file(level, system, host), &is_ours).into_iter().collect())
}
