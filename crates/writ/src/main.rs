//! Writ: no writ, no action.
//!
//! One binary, three lives, told apart before anything else is set up: the hook that a client starts on every call,
//! the private stages of the sandbox, and the command line.

mod cli;
mod config;
mod door;
mod environment;
mod failure;
mod git;
mod hook;
mod organisation;
mod screen;
mod wire;

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let rest = arguments.get(1..).unwrap_or_default();
    if hook::is_meant(rest) {
        return hook::main(rest);
    }
    if let Some(code) = writ_sandbox::dispatch(arguments) {
        return code;
    }
    cli::main()
}
