//! `writ policy show`: which policies are in force, where they come from, and what one of them says.

use std::process::ExitCode;

use serde::Serialize;
use writ_policy::{Engine, Layer, Written};

use crate::cli::Context;
use crate::failure::{Failure, Kind, Outcome};
use crate::organisation::{self, Origin};
use crate::screen;

#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  writ policy show                      where they come from, and all names
  writ policy show docs.no-workflows    what one of them says, where it stands
  writ policy show --text > mine.cedar  the organisation's layer, to start from")]
pub(in crate::cli) struct Show {
    /// A policy, by its id, with or without its layer
    #[arg(conflicts_with = "text")]
    policy: Option<String>,
    /// The text of the organisation's policies
    #[arg(long)]
    text: bool,
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
    version: String,
    policies: Vec<Policy>,
}

#[derive(Serialize)]
struct Policy {
    id: String,
    layer: String,
    file: String,
    line: usize,
    /// Why it is only observed, and counts for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    observed: Option<String>,
    text: String,
}

pub(super) fn main(context: &Context, arguments: Show) -> Outcome {
    let Show { policy, text, json } = arguments;
    let Context { state, config } = context;
    let loaded = organisation::load(config, state)?;
    let engine = Engine::load(&loaded.sources).map_err(|error| {
        Failure::new(Kind::Broken, format_args!("{}: {error}", loaded.origin))
            .hint("`writ policy validate` shows what is wrong with the policies")
    })?;
    let wanted = |written: &Written| match &policy {
        Some(id) => written.id == *id || written.id.split_once(':').is_some_and(|(_, bare)| bare == id),
        None => !text || written.layer == Layer::Organisation,
    };
    let policies: Vec<Policy> = loaded
        .sources
        .written()
        .into_iter()
        .filter(wanted)
        .map(|Written { id, layer, file, line, text }| {
            let observed = engine.observed().iter().find(|observed| observed.id.as_str() == id);
            let observed = observed.map(|observed| observed.why.clone());
            Policy { id, layer: layer.to_string(), file, line, observed, text }
        })
        .collect();
    if let (Some(id), true) = (&policy, policies.is_empty()) {
        return Err(Failure::usage(format_args!("no policy in force is called `{}`", id.escape_debug()))
            .hint("`writ policy show` lists them; those of the layer `task` are made for each task"));
    }
    let commit = match &loaded.origin {
        Origin::Commit { commit, .. } => Some(commit.to_string()),
        Origin::Shipped | Origin::Folder(_) => None,
    };
    let report =
        Report { origin: loaded.origin.to_string(), commit, version: engine.version().to_string(), policies };
    if json {
        screen::json(&report)?;
    } else {
        tell(&report, policy.is_some() || text)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(report: &Report, whole: bool) -> Result<(), Failure> {
    let Report { origin, commit: _, version, policies } = report;
    if !whole {
        screen::line(format_args!("policies   the shipped guardrails, and {origin}"))?;
        screen::line(format_args!("version    {version}"))?;
    }
    for Policy { id, file, line, observed, text, .. } in policies {
        let observed = observed.as_ref().map(|why| format!("  observed, counts for nothing: {why}"));
        let observed = observed.unwrap_or_default();
        if whole {
            screen::line(format_args!("// {file}:{line}{observed}\n{text}\n"))?;
        } else {
            screen::line(format_args!("{id:<44} {file}:{line}{observed}"))?;
        }
    }
    Ok(())
}
