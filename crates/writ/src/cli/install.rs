//! `writ install CLIENT`: our hooks in the client's own configuration, shown before anything is written.

use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use writ_gateway::setup::{self, Change, HookCommand, Host, Level, System};
use writ_model::Client;

use crate::config::{State, read_text, socket_path};
use crate::failure::{Failure, Kind, Outcome};
use crate::screen::{self, Quoted};

mod diff;

/// Largest file of a client's configuration that is read.
const MAX_FILE_BYTES: u64 = 4 << 20;

#[derive(clap::Args)]
#[command(after_help = "\
A client that is started on its own with these hooks is `hooked`: its refusals rest on the client's good will, every
record says so, and it gets the narrowest profile. `writ run` governs a client without touching its configuration.

Examples:
  writ install claude-code                 shows the change, asks, writes
  writ install codex --yes
  writ install gemini-cli --undo           takes exactly our hooks out again
  sudo writ install claude-code --managed  for every user of this machine")]
pub(super) struct Arguments {
    /// claude-code, cline, codex, copilot-cli, cursor, gemini-cli, kiro, opencode, qwen-code, vscode or windsurf
    client: Client,
    /// Write the administrator's configuration, which users cannot override
    #[arg(long)]
    managed: bool,
    /// Take our hooks out again
    #[arg(long)]
    undo: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

/// What was, or would be, done.
#[derive(Serialize)]
struct Report<'a> {
    client: Client,
    written: bool,
    changes: Vec<Changed<'a>>,
}

#[derive(Serialize)]
struct Changed<'a> {
    path: &'a Path,
    before: Option<&'a str>,
    after: Option<&'a str>,
}

pub(super) fn main(arguments: Arguments) -> Outcome {
    let Arguments { client, managed, undo, yes, json } = arguments;
    let changes = changes(client, if managed { Level::Managed } else { Level::User }, undo)?;
    let needed: Vec<&Change> = changes.iter().filter(|change| change.is_needed()).collect();
    if !json {
        for change in &needed {
            screen::line(diff::unified(change))?;
        }
    }
    if needed.is_empty() {
        if !json {
            screen::say(if undo { "our hooks are not there" } else { "our hooks are there already" });
        }
    } else if yes || super::run::confirmed("Write this?")? {
        for change in &needed {
            write(change)?;
        }
        if !json {
            screen::say(if undo { "taken out" } else { "written; the next start of the client uses it" });
        }
    } else if !json {
        return Err(Failure::new(Kind::Denied, "nothing was written")
            .hint("say --yes to write it without being asked"));
    }
    if json {
        let written = yes && !needed.is_empty();
        let changes = needed
            .iter()
            .map(|change| Changed {
                path: &change.path,
                before: change.before.as_deref(),
                after: change.after.as_deref(),
            })
            .collect();
        screen::json(&Report { client, written, changes })?;
    }
    Ok(ExitCode::SUCCESS)
}

fn changes(client: Client, level: Level, undo: bool) -> Result<Vec<Change>, Failure> {
    let system = match std::env::consts::OS {
        "macos" => System::MacOs,
        _ => System::Linux,
    };
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .filter(|home| home.is_absolute())
        .ok_or_else(|| Failure::usage("HOME is not set, so the client's configuration cannot be found"))?;
    let state = State::of(|name| std::env::var_os(name))?;
    let workspace = std::env::current_dir()?;
    let variable = |name: &str| std::env::var(name).ok();
    let read = |path: &Path| read_text(path, MAX_FILE_BYTES);
    let host = Host { home: &home, workspace: &workspace, variable: &variable, read: &read };
    let changes = if undo {
        setup::uninstall(client, level, system, &host)
    } else {
        let command = HookCommand {
            program: std::env::current_exe()?,
            socket: socket_path(state.hook_socket())?,
            deadline: setup::patience(client),
        };
        setup::install(client, level, system, &host, &command)
    };
    changes.map_err(|error| Failure::new(Kind::Broken, error))
}

/// Puts the new text in place as a whole or not at all, with the mode that the file has.
fn write(change: &Change) -> Result<(), Failure> {
    let Change { path, before, after } = change;
    let failed = |error: std::io::Error| {
        let shown = path.display().to_string();
        Failure::new(Kind::Broken, format_args!("could not write {}: {error}", Quoted(&shown)))
    };
    if read_text(path, MAX_FILE_BYTES) != *before || (before.is_none() && path.symlink_metadata().is_ok()) {
        return Err(Failure::new(
            Kind::Broken,
            format_args!(
                "`{}` changed meanwhile, or cannot be read as text; nothing was written to it",
                path.display()
            ),
        ));
    }
    let Some(text) = after else {
        return std::fs::remove_file(path).map_err(failed);
    };
    // A link stays a link: what it points to is what is written.
    let path = path.canonicalize().unwrap_or_else(|_| path.clone());
    let folder = path.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mode = std::fs::metadata(&path).map_or(0o644, |found| found.permissions().mode() & 0o777);
    let mut draft = path.clone().into_os_string();
    draft.push(format!(".writ-{}", std::process::id()));
    let written = (|| {
        let mut file = std::fs::File::options().write(true).create_new(true).mode(mode).open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&draft, &path)
    })();
    written.map_err(|error| {
        let _ = std::fs::remove_file(&draft);
        failed(error)
    })
}
