//! What each client lets us see and stop, event by event: measured on the real clients, or taken from the documentation
//! of those that cannot be run here.
//!
//! This is the claim; the end-to-end tests observe the clients that run and write `docs/coverage.md`, this table included.

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

/// How a client's login to its model reaches the model in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Login {
    pub client: Client,
    /// The variable for which the proxy puts a sealed value on, as shown with the real client.
    pub sealed: Option<&'static str>,
    pub note: &'static str,
}

/// Every client that a run starts.
pub const LOGINS: &[Login] = &[
    Login { client: Client::ClaudeCode, sealed: Some("ANTHROPIC_API_KEY"), note: "" },
    Login {
        client: Client::Cline,
        sealed: None,
        note: "its login lies in a file, which is handed over whatever is sealed",
    },
    Login { client: Client::Codex, sealed: Some("OPENAI_API_KEY"), note: "" },
    Login {
        client: Client::CopilotCli,
        sealed: Some("COPILOT_PROVIDER_API_KEY"),
        note: "a model of one's own",
    },
    Login { client: Client::GeminiCli, sealed: Some("GEMINI_API_KEY"), note: "" },
    Login {
        client: Client::OpenCode,
        sealed: Some("OPENAI_API_KEY"),
        note: "where its settings say `{env:OPENAI_API_KEY}`; a key that stands in the settings shows",
    },
    Login { client: Client::QwenCode, sealed: Some("OPENAI_API_KEY"), note: "" },
];

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
    row(Client::Cline, "TaskStart", true, Stops::Never, "not waited for; its calls are refused"),
    row(Client::Cline, "UserPromptSubmit", false, Stops::Never, "not told headless, and not waited for"),
    row(
        Client::Cline,
        "PreToolUse",
        true,
        Stops::Unless("the client's own two minutes, which are longer than the hook's deadline"),
        "a denial ends the run; no exit code is honoured, and what is no JSON lets the call run",
    ),
    row(Client::Cline, "PostToolUse", true, Stops::Never, "the effect has happened"),
    row(Client::Cline, "TaskComplete", true, Stops::Never, ""),
    row(Client::Cline, "SessionShutdown", true, Stops::Never, ""),
    row(
        Client::Cline,
        "several commands in one call",
        true,
        Stops::Always,
        "judged as one, each in a shell of its own",
    ),
    row(
        Client::Cline,
        "the background hub",
        false,
        Stops::Never,
        "a run has none; where one is started all the same, it dies with the task",
    ),
    row(
        Client::Cline,
        "configuration change",
        false,
        Stops::Never,
        "unobserved; hook files are listed at start",
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
    row(
        Client::Codex,
        "hosted tools (web search)",
        false,
        Stops::Never,
        "run at the model's vendor; off in a run unless its arguments ask for them, then judged where the model is read",
    ),
    row(
        Client::Codex,
        "typing into a running command",
        false,
        Stops::Never,
        "`write_stdin` has no hook in every version",
    ),
    row(Client::CopilotCli, "sessionStart", true, Stops::Never, "the session goes on; its calls are refused"),
    row(
        Client::CopilotCli,
        "userPromptSubmitted",
        true,
        TIMEOUT,
        "only the JSON counts; the hook's line writes it",
    ),
    row(
        Client::CopilotCli,
        "preToolUse",
        true,
        TIMEOUT,
        "a crash and a missing program block by themselves; what is no JSON, with exit code 0, lets the call run",
    ),
    row(
        Client::CopilotCli,
        "permissionRequest",
        false,
        Stops::Never,
        "not asked for: it repeats the call with other arguments",
    ),
    row(Client::CopilotCli, "postToolUse", true, Stops::Never, "the effect has happened"),
    row(Client::CopilotCli, "postToolUseFailure", true, Stops::Never, "the effect may have happened"),
    row(Client::CopilotCli, "subagentStart", true, Stops::Never, "its calls come one by one"),
    row(Client::CopilotCli, "subagentStop", true, Stops::Never, ""),
    row(Client::CopilotCli, "agentStop", true, Stops::Never, "stopping it would make the agent go on"),
    row(Client::CopilotCli, "sessionEnd", true, Stops::Never, ""),
    row(
        Client::CopilotCli,
        "MCP servers with a hyphen in their name",
        true,
        Stops::Always,
        "refused: the name of a call does not tell server and tool apart",
    ),
    row(
        Client::CopilotCli,
        "configuration change",
        false,
        Stops::Never,
        "unobserved; settings are read at start, and a repository that switches hooks off is refused then",
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
    row(Client::QwenCode, "SessionStart", true, Stops::Never, "the session goes on; its calls are refused"),
    row(Client::QwenCode, "UserPromptSubmit", true, TIMEOUT, ""),
    row(
        Client::QwenCode,
        "PreToolUse",
        true,
        TIMEOUT,
        "the hook's line turns every other failure into a block; what is no JSON, with exit code 0, lets the call run",
    ),
    row(Client::QwenCode, "PostToolUse", true, Stops::Never, "the effect has happened"),
    row(Client::QwenCode, "PostToolUseFailure", true, Stops::Never, "the effect may have happened"),
    row(Client::QwenCode, "SubagentStart", true, Stops::Never, "its calls come one by one"),
    row(Client::QwenCode, "SubagentStop", true, Stops::Never, ""),
    row(Client::QwenCode, "Stop", true, Stops::Never, "stopping it would make the agent go on"),
    row(Client::QwenCode, "SessionEnd", false, Stops::Never, "not told headless"),
    row(
        Client::QwenCode,
        "tools that are called through `tool_call`",
        true,
        Stops::Always,
        "refused: one call inside another",
    ),
    row(
        Client::QwenCode,
        "configuration change",
        false,
        Stops::Never,
        "unobserved; settings are read at start",
    ),
    row(Client::Cursor, "sessionStart", true, Stops::Never, "its calls are refused"),
    row(Client::Cursor, "beforeSubmitPrompt", true, Stops::Always, "`failClosed`"),
    row(
        Client::Cursor,
        "preToolUse",
        true,
        Stops::Always,
        "`failClosed`; an MCP call does not tell its server, so it is asked for",
    ),
    row(Client::Cursor, "postToolUse, postToolUseFailure", true, Stops::Never, "the effect has happened"),
    row(Client::Cursor, "subagentStop, stop, sessionEnd", true, Stops::Never, ""),
    row(Client::Cursor, "completions in the editor", false, Stops::Never, "they read files and make no call"),
    row(Client::Kiro, "SessionStart, UserPromptSubmit", true, Stops::Never, "their calls are refused"),
    row(Client::Kiro, "PreToolUse", true, TIMEOUT, "the hook's line turns every other failure into a block"),
    row(Client::Kiro, "PostToolUse, Stop", true, Stops::Never, "the effect has happened"),
    row(Client::VsCode, "SessionStart", true, Stops::Never, "its calls are refused"),
    row(Client::VsCode, "UserPromptSubmit", true, TIMEOUT, ""),
    row(
        Client::VsCode,
        "PreToolUse",
        true,
        TIMEOUT,
        "the hook file of Copilot CLI, which it reads, serves both",
    ),
    row(Client::VsCode, "PostToolUse", true, Stops::Never, "the effect has happened"),
    row(Client::VsCode, "SubagentStart, SubagentStop, Stop", true, Stops::Never, ""),
    row(Client::Windsurf, "pre_user_prompt", true, Stops::Always, "no time limit is documented"),
    row(
        Client::Windsurf,
        "pre_read_code, pre_write_code, pre_run_command, pre_mcp_tool_use",
        true,
        Stops::Always,
        "the hook's line turns every other failure into a block; no time limit is documented",
    ),
    row(Client::Windsurf, "post_*", true, Stops::Never, "the effect has happened"),
    row(Client::Windsurf, "session start and end, searches, web", false, Stops::Never, "unobserved"),
];
