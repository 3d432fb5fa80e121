//! Refusals: the form of "no" that each client honours at each event, made without anything that could fail.
//!
//! The thin hook process uses this when there is no control plane, no time or no sense in the input. So it parses
//! nothing it need not, and knows the form by the event that the client's configuration named.

use writ_model::{Client, ReasonCode};

use super::{
    HookReply, claude_code, cline, codex, copilot_cli, cursor, gemini_cli, kiro, opencode, qwen_code, vscode,
    windsurf,
};

/// Longest text that is told to a client, in characters.
const MAX_TEXT_CHARS: usize = 2_000;

/// A reply that can only refuse. It becomes a [`HookReply`]; nothing becomes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// 2 where the client takes that for a block, else 0 beside the denial, or for an event that blocking would only
    /// prolong.
    pub exit: u8,
    pub stdout: String,
    pub stderr: String,
}

/// How a client is told no at one of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `hookSpecificOutput.permissionDecision`, and exit 2.
    ToolPermission,
    /// `hookSpecificOutput.decision.behavior`; the exit code is not honoured.
    PermissionBehaviour,
    /// Top-level `decision` with this word, and exit 2.
    Decision(&'static str),
    /// `continue: false` where nothing else is understood, exit 0.
    Stop,
    /// A block would make the agent go on, or comes too late: nothing is said.
    Silence,
    /// Top-level `permissionDecision`, exit 0: the exit code would hide the reason.
    CallDenied,
    /// Top-level `behavior`, exit 0.
    BehaviourDenied,
    /// Top-level `decision: block`, exit 0: the exit code is not honoured.
    Blocked,
    /// All three at once, and exit 2: the event is not known.
    DeniedAnyhow,
    /// `cancel: true`, exit 0: the exit code is not honoured.
    Cancelled,
    /// `permission: deny`, and exit 2.
    NoPermission,
    /// `continue: false` with words for the person, and exit 2.
    NotContinued,
    /// Exit 2 and the words on standard error; nothing else is read.
    ExitAlone,
}

/// The refusal in the form of this client and event.
///
/// `event` is what the hook's command line says; without it the name is looked for in `input`. When it is not to be
/// found either, the form is the one that blocks wherever the client can be blocked.
pub fn refusal(
    client: Client,
    event: Option<&str>,
    input: &[u8],
    reason: ReasonCode,
    detail: &str,
) -> Refusal {
    let found;
    let event = match event {
        Some(event) => Some(event),
        None => {
            found = event_in(input);
            found.as_deref()
        }
    };
    worded(client, event, &text(reason, detail))
}

/// The refusal with a text of the caller's, which is shown to the agent as it stands.
pub(crate) fn worded(client: Client, event: Option<&str>, text: &str) -> Refusal {
    let (form, name) = match client {
        Client::ClaudeCode => (claude_code::refusal_form(event), event.unwrap_or_default()),
        Client::Cline => (cline::refusal_form(event), event.unwrap_or_default()),
        Client::Codex => (codex::refusal_form(event), event.unwrap_or_default()),
        Client::CopilotCli => (copilot_cli::refusal_form(event), event.unwrap_or_default()),
        Client::Cursor => (cursor::refusal_form(event), event.unwrap_or_default()),
        Client::GeminiCli => (gemini_cli::refusal_form(event), event.unwrap_or_default()),
        Client::Kiro => (kiro::refusal_form(event), event.unwrap_or_default()),
        Client::OpenCode => (opencode::refusal_form(event), event.unwrap_or_default()),
        Client::QwenCode => (qwen_code::refusal_form(event), event.unwrap_or_default()),
        Client::VsCode => (vscode::refusal_form(event), event.unwrap_or_default()),
        Client::Windsurf => (windsurf::refusal_form(event), event.unwrap_or_default()),
        Client::Other => (Form::Decision("block"), ""),
    };
    form.refusal(name, text)
}

fn text(reason: ReasonCode, detail: &str) -> String {
    let mut text = format!("Writ denied this ({}): ", reason.name());
    text.extend(detail.chars().take(MAX_TEXT_CHARS).map(|c| if c.is_control() { ' ' } else { c }));
    text
}

/// The event that the input names, where it can be read at all.
pub(crate) fn event_in(input: impl AsRef<[u8]>) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        #[serde(alias = "hookEventName", alias = "hookName", alias = "agent_action_name")]
        hook_event_name: String,
    }
    let Named { hook_event_name } = serde_json::from_slice(input.as_ref()).ok()?;
    Some(hook_event_name)
}

// === impl Form ===

impl Form {
    fn refusal(self, event: &str, text: &str) -> Refusal {
        let said = quoted(text);
        let (exit, stdout) = match self {
            Self::ToolPermission => (
                2,
                format!(
                    r#"{{"hookSpecificOutput":{{"hookEventName":{},"permissionDecision":"deny","permissionDecisionReason":{said}}}}}"#,
                    quoted(event)
                ),
            ),
            Self::PermissionBehaviour => (
                0,
                format!(
                    r#"{{"hookSpecificOutput":{{"hookEventName":{},"decision":{{"behavior":"deny","message":{said}}}}}}}"#,
                    quoted(event)
                ),
            ),
            Self::Decision(word) => (2, format!(r#"{{"decision":{},"reason":{said}}}"#, quoted(word))),
            Self::Stop => (0, format!(r#"{{"continue":false,"stopReason":{said}}}"#)),
            // VS Code reads the same hook file and looks for the denial inside.
            Self::CallDenied => (
                0,
                format!(
                    r#"{{"permissionDecision":"deny","permissionDecisionReason":{said},"hookSpecificOutput":{{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":{said}}}}}"#
                ),
            ),
            Self::BehaviourDenied => (0, format!(r#"{{"behavior":"deny","message":{said}}}"#)),
            Self::Blocked => (0, format!(r#"{{"decision":"block","reason":{said}}}"#)),
            Self::DeniedAnyhow => (
                2,
                format!(
                    r#"{{"permissionDecision":"deny","permissionDecisionReason":{said},"behavior":"deny","message":{said},"decision":"block","reason":{said}}}"#
                ),
            ),
            Self::Cancelled => (0, format!(r#"{{"cancel":true,"errorMessage":{said}}}"#)),
            Self::NoPermission => {
                (2, format!(r#"{{"permission":"deny","user_message":{said},"agent_message":{said}}}"#))
            }
            Self::NotContinued => (2, format!(r#"{{"continue":false,"user_message":{said}}}"#)),
            Self::ExitAlone => (2, String::new()),
            Self::Silence => return Refusal { exit: 0, stdout: String::new(), stderr: String::new() },
        };
        Refusal { exit, stdout, stderr: format!("{text}\n") }
    }
}

/// A JSON string. Written out here because a refusal must not depend on a serialiser's result.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c < ' ' || c == '\u{7f}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

// === impl Refusal ===

impl From<Refusal> for HookReply {
    fn from(refusal: Refusal) -> Self {
        let Refusal { exit, stdout, stderr } = refusal;
        Self { exit, stdout, stderr }
    }
}
