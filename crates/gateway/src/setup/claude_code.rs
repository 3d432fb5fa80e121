//! Claude Code: settings in a file that its command line names, or in its own settings files.
//!
//! `disableAllHooks: false` in our file outranks a repository's `true`. Of two `--settings` only the last counts, so a
//! second one is refused.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use writ_model::Client;

use super::json::{self, Entry};
use super::{
    Change, HookCommand, Host, Injection, Level, OwnSandbox, Run, SetupError, System, client_timeout,
    flag_values,
};

/// Events that can be refused: there a hook that fails must block.
const REFUSABLE: &[&str] = &["PreToolUse", "PermissionRequest", "UserPromptSubmit", "ConfigChange"];
/// Events that we only take note of.
const NOTED: &[&str] = &[
    "SessionStart",
    "PostToolUse",
    "PostToolUseFailure",
    "SubagentStart",
    "SubagentStop",
    "Stop",
    "SessionEnd",
];

/// Switches of its environment that start it without hooks.
const OFF_SWITCHES: &[&str] = &["CLAUDE_CODE_SAFE_MODE", "CLAUDE_CODE_SIMPLE"];

/// Variables that load code into any program that is started with them, our hook included. The client gives its hooks
/// what the settings of a project say, unless a higher level says something else: so ours says nothing is loaded.
const LOADERS: &[&str] = &["GLIBC_TUNABLES", "LD_AUDIT", "LD_LIBRARY_PATH", "LD_PRELOAD"];

pub(super) const LOGIN: &[&str] = &[
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_CUSTOM_HEADERS",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL",
    "ANTHROPIC_DEFAULT_OPUS_MODEL",
    "ANTHROPIC_DEFAULT_SONNET_MODEL",
    "ANTHROPIC_MODEL",
    "ANTHROPIC_SMALL_FAST_MODEL",
    "AWS_BEARER_TOKEN_BEDROCK",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
    "CLAUDE_CONFIG_DIR",
    "DISABLE_AUTOUPDATER",
    "DISABLE_TELEMETRY",
    "ENABLE_TOOL_SEARCH",
];

fn folder(host: &Host<'_>) -> PathBuf {
    (host.variable)("CLAUDE_CONFIG_DIR").map_or_else(|| host.home.join(".claude"), PathBuf::from)
}

pub(super) fn login_files(host: &Host<'_>) -> Vec<PathBuf> {
    let folder = folder(host);
    let state = match (host.variable)("CLAUDE_CONFIG_DIR") {
        Some(_) => folder.join(".claude.json"),
        None => host.home.join(".claude.json"),
    };
    vec![folder.join(".credentials.json"), state]
}

pub(super) fn inject(host: &Host<'_>, run: &Run<'_>) -> Result<Injection, SetupError> {
    if let Some((argument, _)) = flag_values(run.arguments, &["--settings", "--bare", "--safe-mode"]).next() {
        return Err(SetupError::Argument { argument: argument.to_owned() });
    }
    for path in managed_files(System::Linux) {
        let Some(text) = (host.read)(&path) else { continue };
        let settings = json::value(&path, &text)?;
        let only_managed =
            settings.get("allowManagedHooksOnly").is_some_and(|value| *value != Value::Bool(false));
        let off = settings.get("disableAllHooks") == Some(&Value::Bool(true));
        if (only_managed || off) && !has_ours_anywhere(&settings) {
            return Err(SetupError::ManagedOnly { path, client: Client::ClaudeCode });
        }
    }
    let mut hooks = serde_json::Map::new();
    for Entry { event, group } in entries(run.command)? {
        hooks.insert(event.to_owned(), Value::Array(vec![group]));
    }
    // The user's own settings could set the switches; what our file sets outranks them, and the environment does not.
    let off = OFF_SWITCHES.iter().map(|name| ((*name).to_owned(), "0".into()));
    let unloaded = LOADERS.iter().map(|name| ((*name).to_owned(), "".into()));
    let env: serde_json::Map<_, _> = off.chain(unloaded).collect();
    let mut settings = json!({ "disableAllHooks": false, "env": env, "hooks": hooks });
    if run.own_sandbox.is_off()
        && let Some(settings) = settings.as_object_mut()
    {
        settings.insert("sandbox".to_owned(), json!({ "enabled": false }));
    }
    let file = run.folder.join("claude-settings.json");
    let name = file.to_str().ok_or_else(|| SetupError::Path(file.clone()))?.to_owned();
    let mut arguments = vec!["--settings".to_owned(), name];
    arguments.extend(run.arguments.iter().cloned());
    Ok(Injection {
        files: vec![(PathBuf::from("claude-settings.json"), format!("{settings:#}\n"))],
        private: None,
        set: Vec::new(),
        unset: OFF_SWITCHES.to_vec(),
        arguments,
    })
}

/// Off unless settings turn it on. What our file says outranks all but the administrator's.
pub(super) fn own_sandbox(host: &Host<'_>) -> OwnSandbox {
    let turns_on = |path: &Path| {
        let settings = (host.read)(path).and_then(|text| json::value(path, &text).ok());
        settings.is_some_and(|settings| settings.pointer("/sandbox/enabled") == Some(&Value::Bool(true)))
    };
    if let Some(path) = managed_files(System::Linux).into_iter().find(|path| turns_on(path)) {
        return OwnSandbox::Kept { by: path.display().to_string() };
    }
    let project = host.workspace.join(".claude");
    let settings = [
        folder(host).join("settings.json"),
        project.join("settings.json"),
        project.join("settings.local.json"),
    ];
    OwnSandbox::Off { by: "sandbox.enabled=false", was_on: settings.iter().any(|path| turns_on(path)) }
}

fn entries(command: &HookCommand) -> Result<Vec<Entry>, SetupError> {
    let program = command.program()?;
    REFUSABLE
        .iter()
        .map(|event| (*event, true))
        .chain(NOTED.iter().map(|event| (*event, false)))
        .map(|(event, refusable)| {
            let mut handler = json!({
                "type": "command",
                "command": program,
                "args": command.arguments(Client::ClaudeCode, event)?,
                "timeout": client_timeout(command).as_secs(),
            });
            if refusable && let Some(handler) = handler.as_object_mut() {
                handler.insert("onFailure".to_owned(), "block".into());
            }
            Ok(Entry { event, group: json!({ "hooks": [handler] }) })
        })
        .collect()
}

/// A handler that an installation of ours made, of whatever version and wherever `writ` was then.
fn is_ours(handler: &Value) -> bool {
    let argument =
        |at: usize| handler.get("args").and_then(|arguments| arguments.get(at)).and_then(Value::as_str);
    let program = handler.get("command").and_then(Value::as_str).unwrap_or_default();
    Path::new(program).file_name().is_some_and(|name| name == "writ")
        && argument(0) == Some("hook")
        && argument(1) == Some(Client::ClaudeCode.name())
}

fn has_ours_anywhere(settings: &Value) -> bool {
    let events = settings.get("hooks").and_then(Value::as_object);
    let groups = events.into_iter().flat_map(|events| events.values()).filter_map(Value::as_array).flatten();
    groups.filter_map(|group| group.get("hooks")?.as_array()).flatten().any(is_ours)
}

fn managed_folder(system: System) -> &'static Path {
    Path::new(match system {
        System::Linux => "/etc/claude-code",
        System::MacOs => "/Library/Application Support/ClaudeCode",
    })
}

fn managed_files(system: System) -> [PathBuf; 2] {
    let folder = managed_folder(system);
    [folder.join("managed-settings.json"), folder.join("managed-settings.d/writ.json")]
}

fn file(level: Level, system: System, host: &Host<'_>) -> PathBuf {
    match level {
        Level::User => folder(host).join("settings.json"),
        Level::Managed => managed_folder(system).join("managed-settings.d/writ.json"),
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
