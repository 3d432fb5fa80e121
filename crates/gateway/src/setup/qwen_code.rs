//! Qwen Code: system settings that a variable names, or its own settings files.
//!
//! System settings outrank a project's, so `disableAllHooks: false` in ours holds. Switches of the environment outrank
//! all settings, and a project's `.env` sets those that are not set: so they are set, to nothing. Settings are read once,
//! at the start.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use writ_model::Client;

use super::command::{Failing, is_our_line};
use super::json::{self, Entry};
use super::own_sandbox::said;
use super::{
    Change, HookCommand, Host, Injection, Level, OwnSandbox, Run, SetupError, System, client_timeout,
    flag_values, loaders,
};

/// Each event, and what becomes of it when our hook fails.
const EVENTS: &[(&str, Failing)] = &[
    ("SessionStart", Failing::GoesOn),
    ("UserPromptSubmit", Failing::Exits),
    ("PreToolUse", Failing::Exits),
    ("PostToolUse", Failing::GoesOn),
    ("PostToolUseFailure", Failing::GoesOn),
    ("SubagentStart", Failing::GoesOn),
    ("SubagentStop", Failing::GoesOn),
    ("Stop", Failing::GoesOn),
    ("SessionEnd", Failing::GoesOn),
];

const SETTINGS_VARIABLE: &str = "QWEN_CODE_SYSTEM_SETTINGS_PATH";
const DEFAULTS_VARIABLE: &str = "QWEN_CODE_SYSTEM_DEFAULTS_PATH";
const SANDBOX_VARIABLE: &str = "QWEN_SANDBOX";
/// Switches of its environment that start it without hooks.
const OFF_SWITCHES: [&str; 2] = ["QWEN_CODE_SAFE_MODE", "QWEN_CODE_SIMPLE"];

pub(super) const LOGIN: &[&str] =
    &["DASHSCOPE_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "QWEN_HOME", "QWEN_MODEL"];

fn folder(host: &Host<'_>) -> PathBuf {
    (host.variable)("QWEN_HOME").map_or_else(|| host.home.join(".qwen"), PathBuf::from)
}

pub(super) fn login_files(host: &Host<'_>) -> Vec<PathBuf> {
    let folder = folder(host);
    ["oauth_creds.json", ".env"].iter().map(|name| folder.join(name)).collect()
}

fn managed_file(system: System) -> PathBuf {
    PathBuf::from(match system {
        System::Linux => "/etc/qwen-code/settings.json",
        System::MacOs => "/Library/Application Support/QwenCode/settings.json",
    })
}

pub(super) fn inject(host: &Host<'_>, run: &Run<'_>) -> Result<Injection, SetupError> {
    if let Some((argument, _)) = flag_values(run.arguments, &["--bare", "--safe-mode"]).next() {
        return Err(SetupError::Argument { argument: argument.to_owned() });
    }
    for path in settings_files(host) {
        // It runs no hooks, and there is no value that turns it off again.
        if has(host, &path, "/tools/executionSandbox") {
            return Err(SetupError::SwitchedOff { path });
        }
    }
    // Ours take the place of the administrator's, so these are in them.
    let system =
        (host.variable)(SETTINGS_VARIABLE).map_or_else(|| managed_file(System::Linux), PathBuf::from);
    let text = (host.read)(&system);
    let mut text = json::with_entries(&system, text.as_deref(), &entries(run.command)?, &is_ours)?;
    text = json::set(&system, &text, &["disableAllHooks"], Value::Bool(false))?;
    for name in OFF_SWITCHES {
        text = json::set(&system, &text, &["env", name], "0".into())?;
    }
    let file = run.folder.join("qwen-settings.json");
    let name = file.to_str().ok_or_else(|| SetupError::Path(file.clone()))?.to_owned();
    let mut set = vec![(SETTINGS_VARIABLE.to_owned(), name)];
    set.extend(OFF_SWITCHES.iter().map(|name| ((*name).to_owned(), "0".to_owned())));
    set.extend(loaders());
    if run.own_sandbox.is_off() {
        set.push((SANDBOX_VARIABLE.to_owned(), "false".to_owned()));
    }
    Ok(Injection {
        files: vec![(PathBuf::from("qwen-settings.json"), text)],
        private: None,
        set,
        unset: Vec::new(),
        arguments: run.arguments.to_vec(),
    })
}

/// The whole client in a container: off unless the option, a variable or settings turn it on. The variable outranks both.
pub(super) fn own_sandbox(host: &Host<'_>, arguments: &[String]) -> OwnSandbox {
    if let Some(argument) = said(arguments, &["-s", "--sandbox", "--no-sandbox"]) {
        return OwnSandbox::Kept { by: argument.to_owned() };
    }
    let project = host.workspace.join(".qwen/settings.json");
    let was_on = settings_files(host).iter().chain([&project]).any(|path| has(host, path, "/tools/sandbox"))
        || (host.variable)(SANDBOX_VARIABLE)
            .is_some_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
    OwnSandbox::Off { by: "QWEN_SANDBOX=false", was_on }
}

/// The administrator's, the user's, and what holds where neither says anything.
fn settings_files(host: &Host<'_>) -> [PathBuf; 3] {
    let system =
        (host.variable)(SETTINGS_VARIABLE).map_or_else(|| managed_file(System::Linux), PathBuf::from);
    let defaults = (host.variable)(DEFAULTS_VARIABLE)
        .map_or_else(|| managed_file(System::Linux).with_file_name("system-defaults.json"), PathBuf::from);
    [system, folder(host).join("settings.json"), defaults]
}

/// Whether a settings file says anything but no.
fn has(host: &Host<'_>, path: &Path, pointer: &str) -> bool {
    let settings = (host.read)(path).and_then(|text| json::value(path, &text).ok());
    let value = settings.as_ref().and_then(|settings| settings.pointer(pointer));
    !matches!(value, None | Some(Value::Null | Value::Bool(false)))
}

fn entries(command: &HookCommand) -> Result<Vec<Entry>, SetupError> {
    EVENTS
        .iter()
        .map(|(event, failing)| {
            let timeout = u64::try_from(client_timeout(command).as_millis()).unwrap_or(u64::MAX);
            let handler = json!({
                "type": "command",
                "command": command.shell_line(Client::QwenCode, event, *failing)?,
                "timeout": timeout,
            });
            Ok(Entry { event, group: json!({ "hooks": [handler] }) })
        })
        .collect()
}

fn is_ours(handler: &Value) -> bool {
    handler.get("command").and_then(Value::as_str).is_some_and(|line| is_our_line(line, Client::QwenCode))
}

fn file(level: Level, system: System, host: &Host<'_>) -> PathBuf {
    match level {
        Level::User => folder(host).join("settings.json"),
        Level::Managed => managed_file(system),
    }
}

pub(super) fn install(
    level: Level,
    system: System,
    host: &Host<'_>,
    command: &HookCommand,
) -> Result<Vec<Change>, SetupError> {
    let path = file(level, system, host);
    let before = (host.read)(&path);
    let after = json::with_entries(&path, before.as_deref(), &entries(command)?, &is_ours)?;
    Ok(vec![Change { path, before, after: Some(after) }])
}

pub(super) fn uninstall(level: Level, system: System, host: &Host<'_>) -> Result<Vec<Change>, SetupError> {
    let path = file(level, system, host);
    let Some(before) = (host.read)(&path) else { return Ok(Vec::new()) };
    let after = json::without_entries(&path, &before, &is_ours)?;
    Ok(vec![Change { path, before: Some(before), after }])
}
