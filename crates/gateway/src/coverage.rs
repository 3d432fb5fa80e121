//! What each client lets us see and stop, event by event, as it was measured on the real clients.
//!
//! This is the claim; the end-to-end tests observe the same clients and write `docs/coverage.md` from what they saw.

use writ_model::Client;

/// How an event can be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stops {
    /// A refusal holds, and so does a hook that fails in any way but the client's own timeout.
    Always,
    /// A refusal holds; a hook that fails in the named way lets the event go on.
    Unless(&'static str),
    /// We are told and can stop nothing.
    Never,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub client: Client,
    /// The client's name of the event, or what has none.
    pub event: &'static str,
    pub seen: bool,
    pub stops: Stops,
    pub note: &'static str,
}

const fn row(client: Client, event: &'static str, seen: bool, stops: Stops, note: &'static str) -> Row {
    Row { client, event, seen, stops, note }
}

const TIMEOUT: Stops = Stops::Unless("the client's own timeout, which is longer than the hook's deadline");

/// Every row, client by client.
pub const ROWS: &[Row] = &[
    row(Client::ClaudeCode, "SessionStart", true, Stops::Never, "the session goes on; its calls are refused"),
    row(Client::ClaudeCode, "UserPromptSubmit", true, Stops::Always, ""),
    row(
        Client::ClaudeCode,
        "PreToolUse",
        true,
        Stops::Always,
        "`onFailure: block` holds for crash, timeout and a missing program",
    ),
    row(Client::ClaudeCode, "PermissionRequest", true, Stops::Always, "never fires headless"),
    row(Client::ClaudeCode, "PostToolUse", true, Stops::Never, "the effect has happened"),
    row(Client::ClaudeCode, "PostToolUseFailure", true, Stops::Never, "the effect may have happened"),
    row(Client::ClaudeCode, "SubagentStart", true, Stops::Never, "its calls come one by one"),
    row(Client::ClaudeCode, "SubagentStop", true, Stops::Never, ""),
    row(
        Client::ClaudeCode,
        "ConfigChange",
        true,
        Stops::Always,
        "the administrator's settings cannot be refused",
    ),
    row(Client::ClaudeCode, "Stop", true, Stops::Never, "stopping it would make the agent go on"),
    row(Client::ClaudeCode, "SessionEnd", true, Stops::Never, ""),
    row(
        Client::ClaudeCode,
        "commands in skills and their output styles",
        false,
        Stops::Never,
        "run by the client before the model sees the skill",
    ),
    row(Client::Codex, "SessionStart", true, Stops::Never, "the session goes on; its calls are refused"),
    row(Client::Codex, "UserPromptSubmit", true, TIMEOUT, ""),
    row(Client::Codex, "PreToolUse", true, TIMEOUT, "the hook's line turns every other failure into a block"),
    row(Client::Codex, "PermissionRequest", true, TIMEOUT, ""),
    row(Client::Codex, "PostToolUse", true, Stops::Never, "the effect has happened"),
    row(Client::Codex, "SubagentStart", true, Stops::Never, "its calls come one by one"),
    row(Client::Codex, "SubagentStop", true, Stops::Never, ""),
    row(Client::Codex, "Stop", true, Stops::Never, "stopping it would make the agent go on"),
    row(Client::Codex, "SessionEnd", true, Stops::Never, ""),
    row(Client::Codex, "configuration change", false, Stops::Never, "unobserved"),
    row(Client::Codex, "hosted tools (web search)", false, Stops::Never, "run at the model's vendor"),
    row(
        Client::Codex,
        "typing into a running command",
        false,
        Stops::Never,
        "`write_stdin` has no hook in every version",
    ),
    row(Client::GeminiCli, "SessionStart", true, Stops::Never, "the session goes on; its calls are refused"),
    row(Client::GeminiCli, "BeforeAgent", true, TIMEOUT, ""),
    row(
        Client::GeminiCli,
        "BeforeTool",
        true,
        TIMEOUT,
        "the hook's line turns every other failure into a block",
    ),
    row(Client::GeminiCli, "AfterTool", true, Stops::Never, "the effect has happened"),
    row(Client::GeminiCli, "AfterAgent", true, Stops::Never, "stopping it would make the agent go on"),
    row(Client::GeminiCli, "SessionEnd", true, Stops::Never, ""),
    row(Client::GeminiCli, "subagent start and end", false, Stops::Never, "unobserved"),
    row(
        Client::GeminiCli,
        "configuration change",
        false,
        Stops::Never,
        "unobserved; settings are read at start",
    ),
    row(
        Client::OpenCode,
        "session.created",
        true,
        Stops::Never,
        "the session goes on; its calls are refused",
    ),
    row(Client::OpenCode, "chat.message", true, Stops::Always, ""),
    row(
        Client::OpenCode,
        "tool.execute.before",
        true,
        Stops::Always,
        "without our plugin there is no model provider",
    ),
    row(Client::OpenCode, "tool.execute.after", true, Stops::Never, "the effect has happened"),
    row(
        Client::OpenCode,
        "tool.failed",
        true,
        Stops::Never,
        "made by our plugin from the state of the message",
    ),
    row(Client::OpenCode, "session.idle", true, Stops::Never, ""),
    row(Client::OpenCode, "session.deleted", true, Stops::Never, "the end of `opencode run` is not told"),
    row(Client::OpenCode, "configuration change", false, Stops::Never, "unobserved"),
];
