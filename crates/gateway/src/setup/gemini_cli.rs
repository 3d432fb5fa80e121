//! Gemini CLI: a configuration folder of the run's own, or its own settings files.
//!
//! The system settings would outrank a project's, and a variable names their place; but Gemini skips them without a stop
//! unless they and every folder above belong to root, which a run of an ordinary user cannot offer. So a run gets the
//! user's settings with our hooks in them, in a folder in which everything else is the user's own. A project that
//! switches hooks off outranks that, and is refused. It can also add to the list of disabled hooks, by name; so the name
//! of a run's hooks cannot be guessed. Settings are read once, at the start.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use writ_model::Client;

use super::command::{Failing, is_our_line};
use super::json::{self, Entry};
use super::own_sandbox::said;
use super::{
    Change, HookCommand, Host, Injection, Level, OwnSandbox, Private, Run, SetupError, System, client_timeout,
};

/// Each event, and what becomes of it when our hook fails. Model events are left alone: they carry whole requests.
const EVENTS: &[(&str, Failing)] = &[
    ("SessionStart", Failing::GoesOn),
    ("BeforeAgent", Failing::Exits),
    ("BeforeTool", Failing::Exits),
    ("AfterTool", Failing::GoesOn),
    ("AfterAgent", Failing::GoesOn),
    ("SessionEnd", Failing::GoesOn),
];

const SETTINGS_VARIABLE: &str = "GEMINI_CLI_SYSTEM_SETTINGS_PATH";
/// Names the folder in which `.gemini` lies.
const HOME_VARIABLE: &str = "GEMINI_CLI_HOME";
/// Outranks the option and every settings file.
const SANDBOX_VARIABLE: &str = "GEMINI_SANDBOX";
/// A second sandbox, around single tools, which only settings know.
const TOOL_SANDBOX: &str = "/security/toolSandboxing";

pub(super) const LOGIN: &[&str] = &[
    "GEMINI_API_KEY",
    "GEMINI_CLI_TRUST_WORKSPACE",
    "GEMINI_DEFAULT_AUTH_TYPE",
    "GEMINI_MODEL",
    "GOOGLE_API_KEY",
    "GOOGLE_CLOUD_LOCATION",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_GEMINI_BASE_URL",
    "GOOGLE_GENAI_USE_GCA",
    "GOOGLE_GENAI_USE_VERTEXAI",
];

fn folder(host: &Host<'_>) -> PathBuf {
    (host.variable)(HOME_VARIABLE).map_or_else(|| host.home.to_owned(), PathBuf::from).join(".gemini")
}

pub(super) fn login_files(host: &Host<'_>) -> Vec<PathBuf> {
    let folder = folder(host);
    ["oauth_creds.json", "google_accounts.json", "gemini-credentials.json", ".env"]
        .iter()
        .map(|name| folder.join(name))
        .collect()
}

fn managed_file(system: System) -> PathBuf {
    PathBuf::from(match system {
        System::Linux => "/etc/gemini-cli/settings.json",
        System::MacOs => "/Library/Application Support/GeminiCli/settings.json",
    })
}

pub(super) fn inject(host: &Host<'_>, run: &Run<'_>) -> Result<Injection, SetupError> {
    let system = (host.variable)(SETTINGS_VARIABLE).map(PathBuf::from);
    let outranking = [
        system.clone().unwrap_or_else(|| managed_file(System::Linux)),
        run.cwd.join(".gemini/settings.json"),
        host.workspace.join(".gemini/settings.json"),
    ];
    for path in outranking {
        let Some(text) = (host.read)(&path) else { continue };
        let settings = json::value(&path, &text)?;
        if settings.pointer("/hooksConfig/enabled").is_some_and(|enabled| *enabled != Value::Bool(true)) {
            return Err(SetupError::SwitchedOff { path });
        }
    }
    let own = folder(host);
    let path = own.join("settings.json");
    let name = format!("writ-{}", run.nonce);
    let text = (host.read)(&path);
    let text = json::with_entries(&path, text.as_deref(), &entries(run.command, &name)?, &is_ours)?;
    let text = json::set(&path, &text, &["hooksConfig", "enabled"], Value::Bool(true))?;
    let text = if run.own_sandbox.is_off() && is_on(host, &path, TOOL_SANDBOX) {
        json::set(&path, &text, &["security", "toolSandboxing"], Value::Bool(false))?
    } else {
        text
    };
    let home = run.private.to_str().ok_or_else(|| SetupError::Path(run.private.to_owned()))?.to_owned();
    let mut set = vec![(HOME_VARIABLE.to_owned(), home)];
    set.extend(system.and_then(|path| Some((SETTINGS_VARIABLE.to_owned(), path.to_str()?.to_owned()))));
    if run.own_sandbox.is_off() {
        set.push((SANDBOX_VARIABLE.to_owned(), "false".to_owned()));
    }
    Ok(Injection {
        files: Vec::new(),
        private: Some(Private {
            name: PathBuf::from(".gemini"),
            mirrors: own,
            files: vec![(PathBuf::from("settings.json"), text)],
        }),
        set,
        unset: Vec::new(),
        arguments: run.arguments.to_vec(),
    })
}

/// Off unless the option, a variable or settings turn it on.
pub(super) fn own_sandbox(host: &Host<'_>, arguments: &[String]) -> OwnSandbox {
    if let Some(argument) = said(arguments, &["-s", "--sandbox", "--no-sandbox"]) {
        return OwnSandbox::Kept { by: argument.to_owned() };
    }
    let system =
        (host.variable)(SETTINGS_VARIABLE).map_or_else(|| managed_file(System::Linux), PathBuf::from);
    let outranking = [system, host.workspace.join(".gemini/settings.json")];
    if let Some(path) = outranking.iter().find(|path| is_on(host, path, TOOL_SANDBOX)) {
        return OwnSandbox::Kept { by: path.display().to_string() };
    }
    let own = folder(host).join("settings.json");
    let was_on = outranking.iter().chain([&own]).any(|path| is_on(host, path, "/tools/sandbox"))
        || is_on(host, &own, TOOL_SANDBOX)
        || (host.variable)(SANDBOX_VARIABLE)
            .is_some_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
    OwnSandbox::Off { by: "GEMINI_SANDBOX=false", was_on }
}

/// Whether a settings file says anything but no.
fn is_on(host: &Host<'_>, path: &Path, pointer: &str) -> bool {
    let settings = (host.read)(path).and_then(|text| json::value(path, &text).ok());
    settings.is_some_and(|settings| {
        let value = settings.pointer(pointer);
        let value = value.map(|value| value.get("enabled").unwrap_or(value));
        !matches!(value, None | Some(Value::Null | Value::Bool(false)))
    })
}

fn entries(command: &HookCommand, name: &str) -> Result<Vec<Entry>, SetupError> {
    EVENTS
        .iter()
        .map(|(event, failing)| {
            let timeout = u64::try_from(client_timeout(command).as_millis()).unwrap_or(u64::MAX);
            let handler = json!({
                "type": "command",
                "name": name,
                "command": command.shell_line(Client::GeminiCli, event, *failing)?,
                "timeout": timeout,
            });
            Ok(Entry { event, group: json!({ "hooks": [handler] }) })
        })
        .collect()
}

fn is_ours(handler: &Value) -> bool {
    handler.get("command").and_then(Value::as_str).is_some_and(|line| is_our_line(line, Client::GeminiCli))
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
    let after = json::with_entries(&path, before.as_deref(), &entries(command, "writ")?, &is_ours)?;
    Ok(vec![Change { path, before, after: Some(after) }])
}

pub(super) fn uninstall(level: Level, system: System, host: &Host<'_>) -> Result<Vec<Change>, SetupError> {
    let path = file(level, system, host);
    let Some(before) = (host.read)(&path) else { return Ok(Vec::new()) };
    let after = json::without_entries(&path, &before, &is_ours)?;
    Ok(vec![Change { path, before: Some(before), after }])
}
