//! The sandbox that a client has of its own. Namespaces do not nest inside ours, so it cannot start there, and commands
//! that were to run in it fail: each client's own switch turns it off for the run, and nothing but it.

use writ_model::Client;

use super::{Host, claude_code, codex, gemini_cli, qwen_code};

/// What becomes of a client's own sandbox in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnSandbox {
    /// The client has none, or this run leaves it alone.
    Untouched,
    /// It is turned off by this option, variable or setting, which changes nothing of the client's approvals.
    Off {
        by: &'static str,
        /// Whether it would be on otherwise, as far as arguments and settings say.
        was_on: bool,
    },
    /// Somebody who counts more decided: the person, by this argument, or an administrator, in this file.
    Kept { by: String },
}

/// What becomes of the client's own sandbox, by its arguments and what settings say.
pub fn own_sandbox(client: Client, host: &Host<'_>, arguments: &[String]) -> OwnSandbox {
    match client {
        Client::ClaudeCode => claude_code::own_sandbox(host),
        Client::Codex => codex::own_sandbox(host, arguments),
        Client::GeminiCli => gemini_cli::own_sandbox(host, arguments),
        Client::QwenCode => qwen_code::own_sandbox(host, arguments),
        // They start commands as they are.
        Client::Cline
        | Client::CopilotCli
        | Client::OpenCode
        | Client::Cursor
        | Client::Kiro
        | Client::VsCode
        | Client::Windsurf
        | Client::Other => OwnSandbox::Untouched,
    }
}

/// An argument by one of these names, alone or with a value behind `=`, before the word `--`.
pub(super) fn said<'a>(arguments: &'a [String], names: &[&str]) -> Option<&'a str> {
    let own = arguments.iter().take_while(|argument| *argument != "--");
    own.map(String::as_str).find(|argument| {
        let name = argument.split_once('=').map_or(*argument, |(name, _)| name);
        names.contains(&name)
    })
}

// === impl OwnSandbox ===

impl OwnSandbox {
    /// The switch that a setup has to put in.
    pub(super) const fn is_off(&self) -> bool {
        matches!(self, Self::Off { .. })
    }

    /// What turned it off, where it would have been on.
    pub const fn turned_off(&self) -> Option<&'static str> {
        match self {
            Self::Off { by, was_on: true } => Some(by),
            Self::Off { was_on: false, .. } | Self::Untouched | Self::Kept { .. } => None,
        }
    }
}
