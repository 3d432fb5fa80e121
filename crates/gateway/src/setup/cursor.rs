//! Cursor: its own hook files, by documentation.
//!
//! `failClosed` makes every failure of a hook a block. One event before every tool is enough, so that no call is asked
//! about twice; a name that the client does not know could make it skip the file, so there are only known ones.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use writ_model::Client;

use super::command::{Failing, is_our_line};
use super::json::{self, Entry};
use super::{Change, HookCommand, Host, Level, SetupError, System, client_timeout};

/// Each event, and whether a hook that fails must block it.
const EVENTS: &[(&str, bool)] = &[
    ("sessionStart", false),
    ("beforeSubmitPrompt", true),
    ("preToolUse", true),
    ("postToolUse", false),
    ("postToolUseFailure", false),
    ("subagentStop", false),
    ("stop", false),
    ("sessionEnd", false),
];

fn entries(command: &HookCommand) -> Result<Vec<Entry>, SetupError> {
    EVENTS
        .iter()
        .map(|(event, closed)| {
            let failing = if *closed { Failing::Exits } else { Failing::GoesOn };
            let group = json!({
                "command": command.shell_line(Client::Cursor, event, failing)?,
                "timeout": client_timeout(command).as_secs(),
                "failClosed": closed,
            });
            Ok(Entry { event, group })
        })
        .collect()
}

fn is_ours(handler: &Value) -> bool {
    handler.get("command").and_then(Value::as_str).is_some_and(|line| is_our_line(line, Client::Cursor))
}

fn file(level: Level, system: System, host: &Host<'_>) -> PathBuf {
    match (level, system) {
        (Level::User, _) => host.home.join(".cursor/hooks.json"),
        (Level::Managed, System::Linux) => PathBuf::from("/etc/cursor/hooks.json"),
        (Level::Managed, System::MacOs) => PathBuf::from("/Library/Application Support/Cursor/hooks.json"),
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
    let mut after = json::with_entries(&path, before.as_deref(), &entries(command)?, &is_ours)?;
    if json::value(&path, &after)?.get("version").is_none() {
        after = json::set(&path, &after, &["version"], 1.into())?;
    }
    Ok(vec![Change { path, before, after: Some(after) }])
}

pub(super) fn uninstall(level: Level, system: System, host: &Host<'_>) -> Result<Vec<Change>, SetupError> {
    let path = file(level, system, host);
    let Some(before) = (host.read)(&path) else { return Ok(Vec::new()) };
    let after = json::without_entries(&path, &before, &is_ours)?;
    let after = after.filter(|text| *text == before || !holds_only_a_version(&path, text));
    Ok(vec![Change { path, before: Some(before), after }])
}

/// What is left of a file that was ours.
fn holds_only_a_version(path: &Path, text: &str) -> bool {
    json::value(path, text).is_ok_and(|left| left == json!({ "version": 1 }))
}
