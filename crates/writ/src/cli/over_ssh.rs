//! `writ over-ssh …`: stands where git looks for `ssh` in a run, and says what to do instead.

use std::process::ExitCode;

use crate::failure::Kind;
use crate::screen;

/// The subcommand's name.
pub(super) const NAME: &str = "over-ssh";

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// As git gives them to `ssh`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    all: Vec<String>,
}

pub(super) fn main(arguments: &Arguments) -> ExitCode {
    screen::say(writ_gateway::git::ssh_hint(&arguments.all).trim_end());
    ExitCode::from(Kind::Denied.code())
}
