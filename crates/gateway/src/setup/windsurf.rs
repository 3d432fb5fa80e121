//! Windsurf: its own hook files, by documentation.
//!
//! Hooks have no time limit that could be set. A prompt is told too, and blocked as well.

use std::path::PathBuf;

use serde_json::{Value, json};
use writ_model::Client;

use super::command::{Failing, is_our_line};
use super::json::{self, Entry};
use super::{Change, HookCommand, Host, Level, SetupError, System};

/// Each event. What comes before an action is refused when the hook fails.
const EVENTS: &[&str] = &[
    "pre_user_prompt",
    "pre_read_code",
    "pre_write_code",
    "pre_run_command",
    "pre_mcp_tool_use",
    "post_read_code",
    "post_write_code",
    "post_run_command",
    "post_mcp_tool_use",
    "post_cascade_response",
];

fn entries(command: &HookCommand) -> Result<Vec<Entry>, SetupError> {
    EVENTS
        .iter()
        .map(|event| {
            let failing = if event.starts_with("pre_") { Failing::Exits } else { Failing::GoesOn };
            let group = json!({
                "command": command.shell_line(Client::Windsurf, event, failing)?,
                "show_output": false,
            });
            Ok(Entry { event, group })
        })
        .collect()
}

fn is_ours(handler: &Value) -> bool {
    handler.get("command").and_then(Value::as_str).is_some_and(|line| is_our_line(line, Client::Windsurf))
}

fn file(level: Level, system: System, host: &Host<'_>) -> PathBuf {
    match (level, system) {
        (Level::User, _) => host.home.join(".codeium/windsurf/hooks.json"),
        (Level::Managed, System::Linux) => PathBuf::from("/etc/windsurf/hooks.json"),
        (Level::Managed, System::MacOs) => PathBuf::from("/Library/Application Support/Windsurf/hooks.json"),
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
