//! The command line: one file per subcommand.

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::config::{Config, State};
use crate::failure::Outcome;

mod agent;
mod answer;
mod approvals;
mod audit;
mod check;
mod classify;
mod completion;
mod demo;
mod doctor;
mod grant;
mod install;
mod layout;
mod measure;
mod over_ssh;
mod policy;
mod provenance;
mod reach;
mod replay;
mod revoke;
mod run;
mod scan;
mod secret;
mod seen;
mod serve;
mod task;

const EXAMPLES: &str = "\
Examples:
  writ demo                          see the whole story, no account needed
  writ run --kind bugfix --task \"fix the parser\" -- claude
                                     work under a writ
  writ approvals watch               what waits for a human
  writ approve apr_…                 yes, to exactly this call, once
  writ approve apr_… --grant         yes, to calls of this shape in this task
  writ revoke agent claude-code      stop it everywhere, now
  writ audit search --denied         what was refused, and why
  writ audit verify                  check the whole record, offline
  writ scan                          every agent here and in this repository

Exit codes: 0 done, 1 broken, 2 usage, 3 denied, 4 approval pending, 5 integrity failure.
`writ run` ends with the client's own exit code.";

/// No writ, no action: every AI coding tool gets an identity, an owner, a task and an end.
#[derive(Parser)]
#[command(name = "writ", version, after_help = EXAMPLES, max_term_width = layout::WIDEST)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the whole story on this machine: no keys, no account, nothing installed
    Demo(demo::Arguments),
    /// Run the control plane of this user
    Serve(serve::Arguments),
    /// Run a coding client under a writ
    Run(Box<run::Arguments>),
    /// Register, look at and move agents
    #[command(subcommand)]
    Agent(agent::Command),
    /// Look at tasks and close them
    #[command(subcommand)]
    Task(task::Command),
    /// List the calls that wait for a human, or watch them
    Approvals(approvals::Arguments),
    /// Say yes to exactly one held call, or to calls of its shape for the rest of the task
    Approve(answer::Approve),
    /// Say no to a held call
    Deny(answer::Deny),
    /// List what was granted for the rest of a task, or end it
    #[command(subcommand)]
    Grant(grant::Command),
    /// End the authority of an agent, a task or an owner, at once
    #[command(subcommand)]
    Revoke(revoke::Command),
    /// Find every agent here, and say what it may do
    Scan(scan::Arguments),
    /// Draw what each agent gets to through chains of steps, over workflows and servers
    Reach(reach::Arguments),
    /// Seal credentials that agents work with and never hold
    #[command(subcommand)]
    Secret(secret::Command),
    /// Ask what would be decided, and why
    Check(Box<check::Arguments>),
    /// Look at, check, test and fetch policies
    #[command(subcommand)]
    Policy(policy::Command),
    /// Answer one event of a client: JSON on standard input, the answer on standard output
    ///
    /// Clients start this themselves; `writ install` and `writ run` configure them to. Anything that goes wrong is a
    /// refusal in the client's own form.
    Hook(HookHelp),
    /// Put the hooks into a client's own configuration, or take them out
    Install(install::Arguments),
    /// Search, show, verify and prove the record
    #[command(subcommand)]
    Audit(audit::Command),
    /// Tell what this machine can enforce, and what is missing
    Doctor(doctor::Arguments),
    /// Tell what a shell command would do, without doing it
    Classify(classify::Arguments),
    /// Tell how a chain of calls would be judged, step by step, without doing it
    Replay(replay::Arguments),
    /// Tell which agents acted in commits
    #[command(subcommand)]
    Provenance(provenance::Command),
    /// Print the completions of a shell
    Completion(completion::Arguments),
    /// What git finds in a run in place of `ssh`
    #[command(name = over_ssh::NAME, hide = true)]
    OverSsh(over_ssh::Arguments),
}

/// For `--help` only: the real thing is started before this parser.
#[derive(clap::Args)]
struct HookHelp {
    /// claude-code, cline, codex, copilot-cli, cursor, gemini-cli, kiro, opencode, qwen-code, vscode or windsurf
    client: String,
    /// The event, for clients whose message does not name it
    event: Option<String>,
    /// Seconds after which the answer is a refusal
    #[arg(long, default_value_t = 590)]
    deadline: u64,
}

/// What every command knows of its surroundings.
pub(crate) struct Context {
    pub(crate) state: State,
    pub(crate) config: Config,
}

/// Runs the command line.
pub(crate) fn main() -> ExitCode {
    let parsed = layout::laid_out(Arguments::command())
        .try_get_matches()
        .and_then(|matches| Arguments::from_arg_matches(&matches));
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match dispatch(arguments.command) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn dispatch(command: Command) -> Outcome {
    match command {
        Command::Agent(command) => agent::main(&context()?, command),
        Command::Approvals(arguments) => approvals::main(&context()?, arguments),
        Command::Approve(arguments) => answer::approve(&context()?, arguments),
        Command::Audit(command) => audit::main(&context()?, command),
        Command::Check(arguments) => check::main(&context()?, *arguments),
        Command::Classify(arguments) => classify::main(arguments),
        Command::Completion(arguments) => completion::main::<Arguments>(arguments),
        Command::Demo(arguments) => demo::main(arguments),
        Command::Deny(arguments) => answer::deny(&context()?, arguments),
        Command::Doctor(arguments) => doctor::main(arguments),
        Command::Grant(command) => grant::main(&context()?, command),
        Command::Hook(HookHelp { client, event: _, deadline: _ }) => Err(crate::failure::Failure::usage(
            format_args!("`writ hook {client}` must come first on its command line"),
        )),
        Command::Install(arguments) => install::main(arguments),
        Command::OverSsh(arguments) => Ok(over_ssh::main(&arguments)),
        Command::Policy(command) => policy::main(&context()?, command),
        Command::Provenance(command) => provenance::main(command),
        Command::Reach(arguments) => reach::main(&arguments),
        Command::Replay(arguments) => replay::main(&context()?, arguments),
        Command::Revoke(command) => revoke::main(&context()?, command),
        Command::Run(arguments) => run::main(&context()?, *arguments),
        Command::Scan(arguments) => scan::main(arguments),
        Command::Secret(command) => secret::main(&context()?, command),
        Command::Serve(arguments) => serve::main(&context()?, arguments),
        Command::Task(command) => task::main(&context()?, command),
    }
}

pub(crate) fn context() -> Result<Context, crate::failure::Failure> {
    let variable = |name: &str| std::env::var_os(name);
    Ok(Context { state: State::of(variable)?, config: Config::load(variable)? })
}
