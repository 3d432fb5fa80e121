//! `writ revoke …`: acts first, is recorded second.

use std::process::ExitCode;

use clap::Subcommand;
use writ_control::api::message::{Revoke, RevokeTarget};
use writ_model::{Human, Label};

use super::Context;
use crate::failure::Outcome;
use crate::screen;
use crate::wire;

#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  writ revoke task 4f2a
  writ revoke agent claude-code
  writ revoke owner uid:1000")]
pub(super) enum Command {
    /// End all authority of an agent; it is suspended until a person resumes it
    Agent(Target),
    /// End one task
    Task(Target),
    /// End every agent and task of a person
    Owner(Target),
}

#[derive(clap::Args)]
pub(super) struct Target {
    /// Name or id
    #[arg(value_name = "NAME|ID")]
    target: String,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(super) fn main(context: &Context, command: Command) -> Outcome {
    wire::block_on(async {
        let office = wire::connect(&context.state).await?;
        let is_owner = matches!(command, Command::Owner(_));
        let (Command::Agent(Target { target: named, .. })
        | Command::Owner(Target { target: named, .. })
        | Command::Task(Target { target: named, .. })) = &command;
        let named = named.clone();
        let (target, json) = match command {
            Command::Agent(Target { target, json }) => (RevokeTarget::Agent(target), json),
            Command::Owner(Target { target, json }) => {
                let owner: Label = target.parse().map_err(crate::failure::Failure::usage)?;
                (RevokeTarget::Owner(Human(owner)), json)
            }
            Command::Task(Target { target, json }) => {
                (RevokeTarget::Task(super::task::identified(&office, &target).await?), json)
            }
        };
        let revoked = office.call(Revoke { target }).await?;
        if json {
            screen::json(&revoked)?;
            return Ok(ExitCode::SUCCESS);
        }
        for agent in &revoked.agents {
            screen::line(format_args!("revoked agent {agent}"))?;
        }
        for task in &revoked.tasks {
            screen::line(format_args!("revoked task  {task}"))?;
        }
        if revoked.agents.is_empty() && revoked.tasks.is_empty() {
            screen::line(format_args!("nothing of `{}` was left to end", named.escape_debug()))?;
            if is_owner {
                screen::say("`writ agent list` shows who owns what; you are `uid:…` there, as `id -u` says");
            }
        }
        if !revoked.recorded {
            screen::say("it acts already; the record has no room yet and is tried again");
        }
        Ok(ExitCode::SUCCESS)
    })
}
