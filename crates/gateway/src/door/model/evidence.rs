//! Whether a result shows that a call ran, and whether a client's hook would have told of it.
//!
//! A false alarm ends a person's work, so only what is certain counts: tools of clients whose hooks tell the same id of a
//! call as the wire does, and results that only a call that ran has. Everything else is counted.

use std::collections::HashMap;

use writ_model::Client;

use crate::model_traffic::ToolResult;

/// Ids of calls that hooks asked about, at most. Beyond, nothing is certain any more.
const MAX_ASKS: usize = 64 << 10;

/// The calls that a run's hooks asked about, by the client's id.
#[derive(Debug, Default)]
pub(in crate::door) struct Asks {
    known: HashMap<(Client, String), bool>,
    is_full: bool,
}

/// What a result shows of a call that was not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// It was refused, or failed before it could run.
    NotRun,
    /// It ran.
    Ran,
    /// Nobody can say for this client, this tool or this text.
    Unclear,
}

/// What the result of a call shows. `was_asked`: a hook asked about it, and it was refused.
pub(super) fn evidence(client: Client, tool: &str, result: &ToolResult, was_asked: bool) -> Evidence {
    let otherwise = if was_asked { Evidence::NotRun } else { Evidence::Unclear };
    match client {
        Client::ClaudeCode if is_claude_effect(tool) => match result.is_error {
            false => Evidence::Ran,
            // A command that ran and failed says how; what was refused, cut off or malformed does not.
            true if tool == "Bash" && result.start.starts_with("Exit code ") => Evidence::Ran,
            true => Evidence::NotRun,
        },
        Client::Codex if is_codex_shell(tool) => {
            if says_exit(&result.start) {
                Evidence::Ran
            } else {
                otherwise
            }
        }
        Client::ClaudeCode
        | Client::Cline
        | Client::Codex
        | Client::CopilotCli
        | Client::Cursor
        | Client::GeminiCli
        | Client::Kiro
        | Client::OpenCode
        | Client::Other
        | Client::QwenCode
        | Client::VsCode
        | Client::Windsurf => otherwise,
    }
}

/// Tools of Claude Code that change something, each of which its `PreToolUse` tells.
fn is_claude_effect(tool: &str) -> bool {
    matches!(tool, "Bash" | "Edit" | "MultiEdit" | "NotebookEdit" | "Write") || tool.starts_with("mcp__")
}

/// Tools by which Codex runs commands.
fn is_codex_shell(tool: &str) -> bool {
    matches!(tool, "container.exec" | "exec_command" | "local_shell_call" | "shell" | "shell_command")
}

/// How Codex begins the result of a command that ran, in each of the forms that it has had.
fn says_exit(start: &str) -> bool {
    let forms = ["Exit code: ", "Chunk ID: ", "Wall time: ", "{\"output\":"];
    forms.iter().any(|form| start.starts_with(form))
}

// === impl Asks ===

impl Asks {
    /// A hook asks about a call.
    pub(in crate::door) fn asked(&mut self, client: Client, id: &str) {
        if self.known.len() >= MAX_ASKS {
            self.is_full = true;
            return;
        }
        self.known.entry((client, id.to_owned())).or_insert(false);
    }

    /// The call may run.
    pub(in crate::door) fn allowed(&mut self, client: Client, id: &str) {
        if let Some(known) = self.known.get_mut(&(client, id.to_owned())) {
            *known = true;
        }
    }

    pub(in crate::door) fn was_allowed(&self, client: Client, id: &str) -> bool {
        self.is_full || self.known.get(&(client, id.to_owned())) == Some(&true)
    }

    pub(in crate::door) fn was_asked(&self, client: Client, id: &str) -> bool {
        self.known.contains_key(&(client, id.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_result_that_a_call_which_ran_has_is_certain() {
        use Client::{ClaudeCode, Codex, GeminiCli};
        for (client, tool, is_error, start, was_asked, wanted) in [
            (ClaudeCode, "Bash", false, "done", false, Evidence::Ran),
            (ClaudeCode, "Bash", false, "done", true, Evidence::Ran),
            (ClaudeCode, "Bash", true, "Exit code 1\nno", false, Evidence::Ran),
            (ClaudeCode, "Bash", true, "<tool_use_error>no such input", false, Evidence::NotRun),
            (ClaudeCode, "Bash", true, "[Request interrupted by user]", false, Evidence::NotRun),
            (ClaudeCode, "Write", false, "File created", false, Evidence::Ran),
            (ClaudeCode, "mcp__a__b", false, "", false, Evidence::Ran),
            (ClaudeCode, "TodoWrite", false, "ok", false, Evidence::Unclear),
            (ClaudeCode, "Read", false, "text", false, Evidence::Unclear),
            (Codex, "shell_command", false, "Exit code: 0\nWall time: 1s", false, Evidence::Ran),
            (Codex, "exec_command", false, "Chunk ID: 1\nWall time: 1s", true, Evidence::Ran),
            (Codex, "shell", false, "failed to parse function arguments", false, Evidence::Unclear),
            (Codex, "shell", false, "Command blocked by PreToolUse hook", true, Evidence::NotRun),
            (Codex, "apply_patch", false, "Exit code: 0", false, Evidence::Unclear),
            (GeminiCli, "run_shell_command", false, "done", false, Evidence::Unclear),
        ] {
            let result =
                ToolResult { id: "1".into(), name: String::new(), is_error, start: start.to_owned() };
            assert_eq!(evidence(client, tool, &result, was_asked), wanted, "{client} {tool} {start}");
        }
    }
}
