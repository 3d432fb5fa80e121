//! `writ policy validate`: what is wrong with policies, where, and what to do about it.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;
use writ_policy::Severity;

use crate::cli::Context;
use crate::failure::Outcome;
use crate::organisation::{self, Loaded, Origin, folder};
use crate::screen::{self, Quoted};

use super::case::Suite;

#[derive(clap::Args)]
#[command(after_help = "\
Policies are checked strictly against the schema, and for what no schema shows: that none can err, that nobody's yes can
turn an answer from allow to deny, that each says why it exists. Guardrails are the shipped ones. One error and the whole
set is refused.

Examples:
  writ policy validate               the policies in force for you
  writ policy validate my-policies/  a folder of `.cedar` files

Ends with 0 when the policies can be used, and with 1 otherwise.")]
pub(in crate::cli) struct Validate {
    /// A folder of `.cedar` files, or one such file
    path: Option<PathBuf>,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    origin: String,
    /// Of the repository that they come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    policies: usize,
    usable: bool,
    findings: Vec<Finding>,
    /// Policies that are watched and do not count.
    observed: Vec<Observed>,
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

#[derive(Serialize)]
struct Observed {
    policy: String,
    file: String,
    why: String,
}

pub(super) fn main(context: &Context, arguments: Validate) -> Outcome {
    let Validate { path, json } = arguments;
    let loaded = match path {
        Some(path) => {
            let found = folder::any(&path)?;
            Loaded::of(found, Origin::Folder(path))
        }
        None => organisation::load(&context.config, &context.state)?,
    };
    let Loaded { sources, origin, tests, .. } = loaded;
    let report = writ_policy::validate(&sources);
    let mut findings: Vec<Finding> = report
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
    // A test that cannot be read tests nothing; the policies themselves can be used.
    findings.extend(tests.iter().filter_map(|test| {
        let error = Suite::read(test).err()?;
        Some(Finding {
            severity: "warning",
            file: test.name.clone(),
            line: None,
            column: None,
            policy: None,
            message: error.to_string(),
            help: Some("`writ policy test --help` shows how a test is written".to_owned()),
        })
    }));
    let usable = findings.iter().all(|finding| finding.severity != "error");
    let observed = report
        .observed
        .into_iter()
        .map(|observed| Observed { policy: observed.id.to_string(), file: observed.file, why: observed.why })
        .collect();
    let commit = match &origin {
        Origin::Commit { commit, .. } => Some(commit.to_string()),
        Origin::Shipped | Origin::Folder(_) => None,
    };
    let report =
        Report { origin: origin.to_string(), commit, policies: report.policies, usable, findings, observed };
    if json {
        screen::json(&report)?;
    } else {
        tell(&report)?;
    }
    Ok(if report.usable { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(report: &Report) -> Result<(), crate::failure::Failure> {
    for Finding { severity, file, line, column, policy, message, help } in &report.findings {
        let place = match (line, column) {
            (Some(line), Some(column)) => format!(":{line}:{column}"),
            (Some(line), None) => format!(":{line}"),
            (None, _) => String::new(),
        };
        let policy = policy.as_ref().map(|policy| format!(" (policy `{policy}`)")).unwrap_or_default();
        screen::line(format_args!("{file}{place}: {severity}: {message}{policy}"))?;
        if let Some(help) = help {
            screen::line(format_args!("  help: {help}"))?;
        }
    }
    for Observed { policy, file, why } in &report.observed {
        screen::line(format_args!("{file}: observed, counts for nothing: {policy}, {}", Quoted(why)))?;
    }
    let errors = report.findings.iter().filter(|finding| finding.severity == "error").count();
    let refused = if report.usable { "" } else { "; the whole set is refused" };
    screen::say(format_args!(
        "{} policies from the guardrails and {}, {errors} {}, {} observed{refused}",
        report.policies,
        report.origin,
        if errors == 1 { "error" } else { "errors" },
        report.observed.len()
    ));
    Ok(())
}
