//! `writ policy update`: fetches the organisation's policies from their repository, and puts them in force if they are
//! valid.

use std::process::ExitCode;

use serde::Serialize;
use writ_policy::{Engine, LoadError};

use crate::cli::Context;
use crate::failure::{Failure, Kind, Outcome};
use crate::organisation::{self, Loaded, Origin};
use crate::screen;

#[derive(clap::Args)]
#[command(after_help = "\
With `policy.organisation = { git = …, ref = …, path = … }` in the configuration, the policies of one commit are in
force. This fetches what the ref points to now; `writ serve` does the same when it starts. What does not validate is
refused whole, and the commit in force stays. Runs that are under way keep the policies they started with, and so does a
running control plane for sessions that nobody supervises.

Ends with 0 when the newest commit is in force, and with 1 otherwise.")]
pub(in crate::cli) struct Update {
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    origin: String,
    commit: String,
    version: String,
    /// It was in force before.
    unchanged: bool,
}

pub(super) fn main(context: &Context, arguments: Update) -> Outcome {
    let Update { json } = arguments;
    let Context { state, config } = context;
    let before = organisation::load(config, state).ok().map(|loaded| loaded.origin);
    let Some(loaded) = organisation::refresh(config, state)? else {
        return Err(Failure::usage("the configuration names no repository of policies").hint(
            "set `policy.organisation = { git = \"…\", ref = \"refs/heads/main\", path = \"…\" }` in \
                 `~/.config/writ/config.toml`",
        ));
    };
    let version = accepted(context, &loaded)?.version().to_string();
    let Origin::Commit { commit, .. } = &loaded.origin else {
        return Err(Failure::new(Kind::Broken, "a repository gave no commit"));
    };
    let unchanged = before.as_ref() == Some(&loaded.origin);
    let report = Report { origin: loaded.origin.to_string(), commit: commit.to_string(), version, unchanged };
    if json {
        screen::json(&report)?;
    } else {
        let Report { origin, version, .. } = &report;
        let word = if unchanged { "still in force" } else { "in force" };
        screen::line(format_args!("{word}: {origin}, version {version}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Puts a fetched set in force, if it is valid.
pub(in crate::cli) fn accepted(context: &Context, loaded: &Loaded) -> Result<Engine, Failure> {
    let engine = Engine::load(&loaded.sources).map_err(|error| {
        let failure = |why: &dyn std::fmt::Display| {
            Failure::new(Kind::Broken, format_args!("{} is refused whole: {why}", loaded.origin))
        };
        match &error {
            LoadError::Refused { first, report } => failure(&format_args!(
                "{} of its findings are errors, the first: {first}",
                report.errors()
            ))
            .hint("the policies in force stay; in a clone of the repository `writ policy validate FOLDER` shows all"),
            LoadError::Schema(_) | LoadError::Unread(_) => failure(&error),
        }
    })?;
    organisation::accept(&context.config, &context.state, loaded)?;
    Ok(engine)
}
