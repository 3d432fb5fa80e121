//! `writ completion SHELL`

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::failure::Outcome;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  writ completion bash > ~/.local/share/bash-completion/completions/writ")]
pub(super) struct Arguments {
    shell: Shell,
}

pub(super) fn main<C: CommandFactory>(arguments: Arguments) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut C::command(), "writ", &mut script);
    crate::screen::line(String::from_utf8_lossy(&script).trim_end())?;
    Ok(ExitCode::SUCCESS)
}
