//! What a coding client says through its hooks, and how it is answered: one file per client.
//!
//! Each adapter turns bytes into a [`Heard`] or a typed error, and an answer into the [`HookReply`] that its client
//! really honours. Hook input is a claim: what is unknown in it is decided as unknown, extra fields change nothing, and
//! the word "allow" can only be written with an [`Admitted`] call in hand. Nowhere is "ask" written: Codex would run the
//! call, Gemini would hang.

use serde_json::Value;
use writ_model::{AutonomyLevel, CallId, Client, Label, Operation, Outcome, ToolCall};

use crate::admit::Admitted;

mod claude_code;
mod cline;
mod codex;
mod copilot_cli;
mod cursor;
mod fields;
pub mod frame;
mod gemini_cli;
mod kiro;
mod opencode;
mod qwen_code;
mod refusal;
mod strict;
mod vscode;
mod windsurf;

pub use frame::{Frame, FrameError, HookReply, MAX_FRAME_BYTES, MAX_PAYLOAD_BYTES};
pub use opencode::PLUGIN as OPENCODE_PLUGIN;
pub use refusal::{Refusal, refusal};
pub(crate) use refusal::{event_in, worded};

/// The field in which the hook process tells where it was started, for a client whose messages do not tell.
pub const FOLDER_FIELD: &str = "writ_hook_folder";

/// One message of a client, read once.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    pub client: Client,
    /// The client's name of the event.
    pub event_name: Label,
    /// The client's own session id: a claim that only tells its sessions apart.
    pub session: String,
    /// The working directory that the client names; absolute.
    pub cwd: String,
    /// The model, where the client tells.
    pub model: Option<Label>,
    /// How far it says that it acts without a question, where it says that it asks less than always. A claim, which can only
    /// make an answer stricter.
    pub autonomy: Option<AutonomyLevel>,
    /// Where the client keeps its own record of the session, where it tells.
    pub transcript: Option<String>,
    pub event: HookEvent,
}

/// What happened, in our words.
#[derive(Clone, Debug, PartialEq)]
pub enum HookEvent {
    /// The client finished a call, or gave it up.
    AfterTool(EndedCall),
    /// The client wants to make a call.
    BeforeTool(ProposedCall),
    /// The client's own configuration changed while it ran.
    ConfigurationChanged {
        source: Label,
    },
    /// Something we keep a note of and do not judge.
    Noted,
    /// The client is about to ask its user for a permission.
    PermissionAsked(ProposedCall),
    /// A person, or another agent, told the client what to do.
    Prompt {
        text: String,
    },
    SessionEnded,
    SessionStarted,
    SubagentEnded {
        subagent: Label,
    },
    SubagentStarted {
        subagent: Label,
    },
    /// The client stopped; more may follow.
    TurnEnded,
    /// An event that this adapter does not know. The client may take a denial for it, so it gets one.
    Unknown,
}

/// A call as the client proposes it: everything of a [`ToolCall`] but our own id.
#[derive(Clone, Debug, PartialEq)]
pub struct ProposedCall {
    pub tool: Label,
    pub client_call: Option<String>,
    pub subagent: Option<Label>,
    pub operation: Operation,
    pub cwd: String,
    pub arguments: Value,
}

/// The end of a call, as the client tells it: a claim that proves nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct EndedCall {
    pub tool: Label,
    pub client_call: Option<String>,
    pub subagent: Option<Label>,
    pub arguments: Value,
    pub outcome: Outcome,
    /// What the tool gave back, as JSON text.
    pub output: String,
}

/// The bytes are no message of this client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    #[error("`{0}` has no hook adapter")]
    NoAdapter(Client),
    #[error("the event is not JSON: {0}")]
    NotJson(String),
    #[error("the event is not a JSON object")]
    NotObject,
    #[error("the event has no `{0}`")]
    Missing(&'static str),
    #[error("the event's `{0}` has the wrong type or size")]
    WrongForm(&'static str),
    #[error("the hook was started for `{expected}` and the event says `{told}`")]
    OtherEvent { expected: String, told: String },
}

/// Reads one message. `event` is what the hook's command line says; a payload that names another event is refused.
///
/// # Errors
/// Anything that is not plainly a message of this client. The caller answers with [`refusal`].
pub fn parse(client: Client, event: Option<&str>, payload: &str) -> Result<Heard, HookError> {
    let fields = strict::object(payload)?;
    match client {
        Client::ClaudeCode => claude_code::parse(event, &fields),
        Client::Cline => cline::parse(event, &fields),
        Client::Codex => codex::parse(event, &fields),
        // One hook file serves both.
        Client::CopilotCli if vscode::is_meant(&fields) => vscode::parse(event, &fields),
        Client::CopilotCli => copilot_cli::parse(event, &fields),
        Client::Cursor => cursor::parse(event, &fields),
        Client::GeminiCli => gemini_cli::parse(event, &fields),
        Client::Kiro => kiro::parse(event, &fields),
        Client::OpenCode => opencode::parse(event, &fields),
        Client::QwenCode => qwen_code::parse(event, &fields),
        Client::VsCode => vscode::parse(event, &fields),
        Client::Windsurf => windsurf::parse(event, &fields),
        Client::Other => Err(HookError::NoAdapter(client)),
    }
}

/// How an admitted call is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// We answer for the client's own permission questions too: a governed session.
    Decide,
    /// We do not object; the client goes on to ask whatever it asks without us: a hooked session.
    Abstain,
}

/// Lets an admitted call through, in the client's form.
pub fn allowed(admitted: &Admitted<ToolCall>, event: &Label, manner: Manner) -> HookReply {
    match admitted.call().client {
        Client::ClaudeCode => claude_code::allowed(admitted, event.as_str(), manner),
        Client::Cline => cline::allowed(admitted),
        Client::Codex => codex::allowed(admitted, event.as_str(), manner),
        Client::CopilotCli => copilot_cli::allowed(admitted, event.as_str(), manner),
        Client::Cursor => cursor::allowed(admitted),
        Client::GeminiCli => gemini_cli::allowed(admitted, manner),
        Client::Kiro => kiro::allowed(admitted),
        Client::OpenCode => opencode::allowed(admitted),
        Client::QwenCode => qwen_code::allowed(admitted, event.as_str(), manner),
        Client::VsCode => vscode::allowed(admitted, event.as_str(), manner),
        Client::Windsurf => windsurf::allowed(admitted),
        // No adapter made this call, so nobody waits for this answer.
        Client::Other => HookReply { exit: 2, stdout: String::new(), stderr: "no adapter".to_owned() },
    }
}

/// Takes note of an event that asks for no decision. The same for every client: nothing printed, exit 0.
pub fn noted() -> HookReply {
    HookReply { exit: 0, stdout: String::new(), stderr: String::new() }
}

/// Takes note of the start of a session, and tells the agent something where its client passes that on: it stands in the
/// agent's context then.
pub fn greeted(client: Client, text: Option<&str>) -> HookReply {
    let passes_on = match client {
        Client::ClaudeCode | Client::Codex | Client::GeminiCli => true,
        // Not shown of these.
        Client::Cline
        | Client::CopilotCli
        | Client::Cursor
        | Client::Kiro
        | Client::OpenCode
        | Client::Other
        | Client::QwenCode
        | Client::VsCode
        | Client::Windsurf => false,
    };
    let Some(text) = text.filter(|_| passes_on) else { return noted() };
    let told = serde_json::json!({
        "hookSpecificOutput": { "hookEventName": "SessionStart", "additionalContext": text }
    });
    HookReply { exit: 0, stdout: told.to_string(), stderr: String::new() }
}

// === impl ProposedCall ===

impl ProposedCall {
    /// The call under our own id.
    pub fn into_call(self, id: CallId, client: Client) -> ToolCall {
        let Self { tool, client_call, subagent, operation, cwd, arguments } = self;
        ToolCall { id, client, tool, client_call, subagent, operation, cwd, arguments }
    }
}

#[cfg(test)]
mod tests;
