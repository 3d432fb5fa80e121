//! `writ task marks` and `writ task clear-mark`: files that were written from what a session let in.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use writ_control::api::client::Client as Office;
use writ_control::api::message::{MarkClear, MarkView, Marks, MarksList};

use crate::failure::{Failure, Outcome};
use crate::screen::{self, Quoted};

#[derive(clap::Args)]
pub(in crate::cli) struct List {
    /// Folder of the workspace; the present one if none is named
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(in crate::cli) struct Clear {
    /// The file or folder, as `writ task marks` lists it
    #[arg(required_unless_present = "all")]
    path: Option<PathBuf>,
    /// Clear every mark of the workspace
    #[arg(long, conflicts_with = "path")]
    all: bool,
    /// Folder of the workspace; the present one if none is named
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(super) async fn list(office: &Office, arguments: List) -> Outcome {
    let List { workspace, json } = arguments;
    let workspace = real(workspace.as_deref().unwrap_or(Path::new(".")))?;
    let marks = office.call(MarksList { workspace }).await?;
    if json {
        screen::json(&marks)?;
        return Ok(ExitCode::SUCCESS);
    }
    screen::line(table(&marks))?;
    if marks.crowded {
        screen::say(
            "more files were marked than are kept apart, so every file counts as marked; look through them and run \
             `writ task clear-mark --all`",
        );
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn clear(office: &Office, arguments: Clear) -> Outcome {
    let Clear { path, all: _, workspace, json } = arguments;
    let root = real(workspace.as_deref().unwrap_or(Path::new(".")))?;
    // A file that is gone has no real path; its folder has.
    let path = match path {
        None => None,
        Some(path) => Some(real(&path).or_else(|error| match (path.parent(), path.file_name()) {
            (Some(folder), Some(name)) => {
                let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
                Ok(format!("{}/{}", real(folder)?, name.to_string_lossy()))
            }
            _ => Err(error),
        })?),
    };
    let marks = office.call(MarkClear { workspace: root, path }).await?;
    if json {
        screen::json(&marks)?;
    } else {
        screen::line(table(&marks))?;
        screen::say("cleared; a session that runs learns of it when it would run one of these files");
    }
    Ok(ExitCode::SUCCESS)
}

fn table(marks: &Marks) -> String {
    screen::table(
        ["FILE", "WRITTEN FROM", "SOURCE", "WHOLE", "TASK", "SINCE"],
        marks.marks.iter().map(|mark| {
            let MarkView { path, source, whole, what, task, at, file, .. } = mark;
            [
                path.as_deref().map_or_else(|| format!("erased, {file}"), |path| Quoted(path).to_string()),
                what.as_deref().map_or_else(|| "erased".to_owned(), |what| Quoted(what).to_string()),
                source.to_string(),
                if *whole { "yes" } else { "in part" }.to_owned(),
                task.to_string(),
                at.to_string(),
            ]
        }),
    )
    .to_string()
}

fn real(path: &Path) -> Result<String, Failure> {
    let real = path
        .canonicalize()
        .map_err(|error| Failure::usage(format!("`{}` cannot be found: {error}", path.display())))?;
    real.into_os_string()
        .into_string()
        .map_err(|path| Failure::usage(format!("`{}` is no text", path.to_string_lossy())))
}
