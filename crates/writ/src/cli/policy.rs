//! `writ policy …`: reads policy texts and says what is wrong with them. No control plane, no side effects.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;
use writ_policy::{PolicySources, Severity, SourceFile};

use crate::config::Config;
use crate::failure::{Failure, Kind, Outcome};
use crate::screen;

/// Most files of one folder of policies.
const MAX_FILES: usize = 10_000;
/// Largest file that is read; the judge has its own, smaller bound.
const MAX_FILE_BYTES: u64 = 16 << 20;

#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  writ policy validate               the policies in force for you
  writ policy validate my-policies/  a folder of `.cedar` files, in place of the shipped profiles")]
pub(super) enum Command {
    /// Check policies: form, types, and that none can err
    Validate(Validate),
}

#[derive(clap::Args)]
pub(super) struct Validate {
    /// A folder of `.cedar` files, or one such file
    path: Option<PathBuf>,
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    policies: usize,
    usable: bool,
    findings: Vec<Finding>,
}

#[derive(Serialize)]
struct Finding {
    severity: &'static str,
    file: String,
    line: Option<usize>,
    column: Option<usize>,
    policy: Option<String>,
    message: String,
    help: Option<String>,
}

pub(super) fn main(command: Command) -> Outcome {
    let Command::Validate(Validate { path, json }) = command;
    let sources = match path {
        Some(path) => PolicySources::shipped().with_organisation(read(&path)?),
        None => sources(&Config::load(|name| std::env::var_os(name))?)?,
    };
    let report = writ_policy::validate(&sources);
    let usable = report.is_usable();
    if json {
        let findings = report
            .findings
            .into_iter()
            .map(|found| Finding {
                severity: match found.severity {
                    Severity::Error => "error",
                    Severity::Warning => "warning",
                },
                file: found.file,
                line: found.at.map(|(line, _)| line),
                column: found.at.map(|(_, column)| column),
                policy: found.policy,
                message: found.message,
                help: found.help,
            })
            .collect();
        screen::json(&Report { policies: report.policies, usable, findings })?;
    } else {
        for finding in &report.findings {
            screen::line(finding)?;
        }
        screen::say(format_args!("{} policies, {} errors", report.policies, report.errors()));
    }
    Ok(if usable { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The policies in force: the shipped guardrails, with the organisation's own policies or the shipped profiles.
pub(super) fn sources(config: &Config) -> Result<PolicySources, Failure> {
    let shipped = PolicySources::shipped();
    match &config.organisation {
        Some(folder) => Ok(shipped.with_organisation(read(folder)?)),
        None => Ok(shipped),
    }
}

fn read(path: &Path) -> Result<Vec<SourceFile>, Failure> {
    let unreadable = |path: &Path, error: std::io::Error| {
        Failure::new(Kind::Broken, format_args!("could not read `{}`: {error}", path.display()))
    };
    let mut paths = Vec::new();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).map_err(|error| unreadable(path, error))? {
            let file = entry.map_err(|error| unreadable(path, error))?.path();
            if file.extension().is_some_and(|extension| extension == "cedar") {
                paths.push(file);
            }
        }
        if paths.is_empty() {
            return Err(Failure::usage(format_args!("`{}` holds no `.cedar` file", path.display())));
        }
        if paths.len() > MAX_FILES {
            return Err(Failure::usage(format_args!(
                "`{}` holds more than {MAX_FILES} files",
                path.display()
            )));
        }
    } else {
        paths.push(path.to_owned());
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let size = std::fs::metadata(&path).map_err(|error| unreadable(&path, error))?.len();
            if size > MAX_FILE_BYTES {
                return Err(Failure::usage(format_args!(
                    "`{}` is larger than {MAX_FILE_BYTES} bytes",
                    path.display()
                )));
            }
            let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            Ok(SourceFile { name, text })
        })
        .collect()
}
