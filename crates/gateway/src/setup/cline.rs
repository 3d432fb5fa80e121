//! Cline's command line program: hook files in a configuration folder of the run's own, or in its own.
//!
//! It reads its hooks from `hooks` in its configuration folder (its flag for another folder does nothing in the measured
//! version) and waits two minutes for an answer at most, then runs the call. A project's `.env` sets variables that are
//! not set. A hub of the user's would run the session outside, so the run has none.

use std::path::{Path, PathBuf};

use writ_model::Client;

use super::command::{Failing, is_our_line};
use super::{Change, HookCommand, Host, Injection, Level, Private, Run, SetupError, flag_values, loaders};

/// Each hook file, and what a hook that fails says instead: no exit code is honoured.
const EVENTS: &[(&str, Failing)] = &[
    ("TaskStart", Failing::GoesOn),
    ("TaskResume", Failing::GoesOn),
    ("UserPromptSubmit", Failing::GoesOn),
    ("PreToolUse", Failing::Says(r#"{"cancel":true,"errorMessage":"not let through by Writ"}"#)),
    ("PostToolUse", Failing::GoesOn),
    ("TaskComplete", Failing::GoesOn),
    ("TaskCancel", Failing::GoesOn),
    ("TaskError", Failing::GoesOn),
    ("SessionShutdown", Failing::GoesOn),
];

/// Endings of hook files that Cline knows. Ours have the first.
const ENDINGS: [&str; 12] =
    [".sh", "", ".bash", ".zsh", ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".py", ".ps1"];

const FOLDER_VARIABLE: &str = "CLINE_DIR";
/// Keeps the session in the client's own process.
const BACKEND_VARIABLE: &str = "CLINE_SESSION_BACKEND_MODE";
const FIRST_LINES: &str = "#!/bin/sh\n# Made by `writ`; edits are lost.\n";

pub(super) const LOGIN: &[&str] = &[
    "ANTHROPIC_API_KEY",
    "CLINE_API_KEY",
    "CLINE_DIR",
    "CLINE_NO_AUTO_UPDATE",
    "OPENAI_API_KEY",
    "OPENROUTER_API_KEY",
];

fn folder(host: &Host<'_>) -> PathBuf {
    (host.variable)(FOLDER_VARIABLE).map_or_else(|| host.home.join(".cline"), PathBuf::from)
}

pub(super) fn login_files(host: &Host<'_>) -> Vec<PathBuf> {
    vec![folder(host).join("data/settings/providers.json")]
}

pub(super) fn inject(host: &Host<'_>, run: &Run<'_>) -> Result<Injection, SetupError> {
    // Another configuration folder has no hooks of ours, and what is started in the background outlives the run.
    let flags = ["--config", "--data-dir", "--kanban", "--zen", "-z"];
    let flag = flag_values(run.arguments, &flags).map(|(argument, _)| argument).next();
    let background = ["connect", "dashboard", "hub", "kanban", "schedule"];
    let first = run.arguments.iter().map(String::as_str).find(|argument| !argument.starts_with('-'));
    if let Some(argument) = flag.or(first.filter(|word| background.contains(word))) {
        return Err(SetupError::Argument { argument: argument.to_owned() });
    }
    let mirrors = folder(host);
    let mut files = Vec::new();
    for (event, failing) in EVENTS {
        files.push((PathBuf::from(format!("hooks/{event}.sh")), script(run.command, event, *failing)?));
    }
    // The folder of the user's own hooks cannot be linked beside ours, so they are copied.
    for (event, _) in EVENTS {
        for ending in ENDINGS {
            let name = PathBuf::from(format!("hooks/{event}{ending}"));
            let Some(text) = (host.read)(&mirrors.join(&name)).filter(|text| !is_ours(text)) else {
                continue;
            };
            if files.iter().any(|(ours, _)| *ours == name) {
                return Err(taken(mirrors.join(name)));
            }
            files.push((name, text));
        }
    }
    let own = run.private.join("cline");
    let name = own.to_str().ok_or_else(|| SetupError::Path(own.clone()))?.to_owned();
    let mut set = vec![(FOLDER_VARIABLE.to_owned(), name), (BACKEND_VARIABLE.to_owned(), "local".to_owned())];
    set.extend(loaders());
    Ok(Injection {
        files: Vec::new(),
        private: Some(Private { name: PathBuf::from("cline"), mirrors, files }),
        set,
        unset: vec!["CLINE_DATA_DIR", "CLINE_HOOKS_DIR", "CLINE_VCR"],
        arguments: run.arguments.to_vec(),
    })
}

fn taken(path: PathBuf) -> SetupError {
    SetupError::Unreadable { path, why: "it is there and is not Writ's".to_owned() }
}

fn script(command: &HookCommand, event: &str, failing: Failing) -> Result<String, SetupError> {
    Ok(format!("{FIRST_LINES}{}\n", command.shell_line(Client::Cline, event, failing)?))
}

/// A file that an installation of ours made, of whatever version and wherever `writ` was then.
fn is_ours(text: &str) -> bool {
    text.strip_prefix(FIRST_LINES).is_some_and(|line| is_our_line(line, Client::Cline))
}

/// Cline has no configuration of the administrator's on disk.
fn hooks_folder(level: Level, host: &Host<'_>) -> Result<PathBuf, SetupError> {
    match level {
        Level::User => Ok(folder(host).join("hooks")),
        Level::Managed => Err(SetupError::NotManaged(Client::Cline)),
    }
}

fn file(folder: &Path, event: &str) -> PathBuf {
    folder.join(format!("{event}.sh"))
}

pub(super) fn install(
    level: Level,
    host: &Host<'_>,
    command: &HookCommand,
) -> Result<Vec<Change>, SetupError> {
    let folder = hooks_folder(level, host)?;
    EVENTS
        .iter()
        .map(|(event, failing)| {
            Change::of_own_file(host, file(&folder, event), &is_ours, script(command, event, *failing)?)
        })
        .collect()
}

pub(super) fn uninstall(level: Level, host: &Host<'_>) -> Result<Vec<Change>, SetupError> {
    let folder = hooks_folder(level, host)?;
    Ok(EVENTS
        .iter()
        .filter_map(|(event, _)| Change::without_own_file(host, file(&folder, event), &is_ours))
        .collect())
}
