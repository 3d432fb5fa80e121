//! Kiro: a hook file of our own beside the user's, by documentation (IDE 1 and CLI 3).

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use writ_model::Client;

use super::command::{Failing, is_our_line};
use super::{Change, HookCommand, Host, Level, SetupError, client_timeout, json};

/// Each trigger, and what becomes of it when our hook fails.
const TRIGGERS: &[(&str, Failing)] = &[
    ("SessionStart", Failing::GoesOn),
    ("UserPromptSubmit", Failing::GoesOn),
    ("PreToolUse", Failing::Exits),
    ("PostToolUse", Failing::GoesOn),
    ("Stop", Failing::GoesOn),
];

fn hooks(command: &HookCommand) -> Result<String, SetupError> {
    let mut hooks = Vec::new();
    for (trigger, failing) in TRIGGERS {
        hooks.push(json!({
            "name": format!("writ-{trigger}"),
            "trigger": trigger,
            "action": {
                "type": "command",
                "command": command.shell_line(Client::Kiro, trigger, *failing)?,
            },
            "timeout": client_timeout(command).as_secs(),
            "enabled": true,
        }));
    }
    Ok(format!("{:#}\n", json!({ "version": "v1", "hooks": hooks })))
}

/// A file that an installation of ours made, of whatever version and wherever `writ` was then.
fn is_ours(text: &str) -> bool {
    let Ok(file) = json::value(Path::new("writ.json"), text) else { return false };
    let Some(hooks) = file.get("hooks").and_then(Value::as_array) else { return false };
    let mut lines =
        hooks.iter().map(|hook| hook.pointer("/action/command").and_then(Value::as_str).unwrap_or_default());
    !hooks.is_empty() && lines.all(|line| is_our_line(line, Client::Kiro))
}

fn file(level: Level, host: &Host<'_>) -> Result<PathBuf, SetupError> {
    match level {
        Level::User => Ok(host.home.join(".kiro/hooks/writ.json")),
        Level::Managed => Err(SetupError::NotManaged(Client::Kiro)),
    }
}

pub(super) fn install(
    level: Level,
    host: &Host<'_>,
    command: &HookCommand,
) -> Result<Vec<Change>, SetupError> {
    Ok(vec![Change::of_own_file(host, file(level, host)?, &is_ours, hooks(command)?)?])
}

pub(super) fn uninstall(level: Level, host: &Host<'_>) -> Result<Vec<Change>, SetupError> {
    Ok(Change::without_own_file(host, file(level, host)?, &is_ours).into_iter().collect())
}
