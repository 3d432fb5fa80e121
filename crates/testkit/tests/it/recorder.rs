//! The smallest hook there is: it writes down what the client told it, and has no opinion.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use writ_model::Client;
use writ_testkit::{Invocation, Stage};

/// Where the hooks of one run write to.
pub struct Recorder {
    script: PathBuf,
    events: PathBuf,
    plugin: PathBuf,
    settings: PathBuf,
}

/// One hook event as the client told it.
#[derive(Debug)]
pub struct Heard {
    pub event: String,
    pub tool: Option<String>,
    pub payload: Value,
}

const CLAUDE_EVENTS: [&str; 11] = [
    "SessionStart",
    "UserPromptSubmit",
    "PreToolUse",
    "PostToolUse",
    "PostToolUseFailure",
    "PostToolBatch",
    "SubagentStart",
    "SubagentStop",
    "ConfigChange",
    "Stop",
    "SessionEnd",
];
const CODEX_EVENTS: [&str; 8] = [
    "SessionStart",
    "UserPromptSubmit",
    "PreToolUse",
    "PostToolUse",
    "SubagentStart",
    "SubagentStop",
    "Stop",
    "SessionEnd",
];
const GEMINI_EVENTS: [&str; 6] =
    ["SessionStart", "BeforeAgent", "BeforeTool", "AfterTool", "AfterAgent", "SessionEnd"];

// === impl Recorder ===

impl Recorder {
    pub fn new(stage: &Stage) -> Self {
        let at = |name: &str| stage.root().join(name);
        let recorder = Self {
            script: at("record.sh"),
            events: at("events"),
            plugin: at("record.js"),
            settings: at("hooks.json"),
        };
        let script = format!("told=$(cat)\nprintf '%s\\n' \"$told\" >> '{}'\n", recorder.events.display());
        std::fs::write(&recorder.script, script).unwrap();
        recorder
    }

    /// Adds the recorder to a run, by the way which the client has for a single run.
    pub fn listen(&self, client: Client, invocation: Invocation) -> Invocation {
        let command = format!("sh '{}'", self.script.display());
        match client {
            Client::ClaudeCode => {
                let settings = json!({"disableAllHooks": false, "hooks": hooks(&CLAUDE_EVENTS, &command, 5)});
                std::fs::write(&self.settings, settings.to_string()).unwrap();
                invocation.arg("--settings").arg(&self.settings)
            }
            Client::Codex => {
                let flag = |run: Invocation, event: &&str| {
                    // A string of JSON without escapes is a string of TOML, too.
                    let handler = format!(r#"{{type="command",command="{command}",timeout=3}}"#);
                    run.arg("-c").arg(format!("hooks.{event}=[{{hooks=[{handler}]}}]"))
                };
                CODEX_EVENTS.iter().fold(invocation.arg("--dangerously-bypass-hook-trust"), flag)
            }
            Client::GeminiCli => {
                let settings =
                    json!({"hooksConfig": {"enabled": true}, "hooks": hooks(&GEMINI_EVENTS, &command, 5000)});
                std::fs::write(&self.settings, settings.to_string()).unwrap();
                invocation.env("GEMINI_CLI_SYSTEM_SETTINGS_PATH", &self.settings)
            }
            Client::OpenCode => {
                std::fs::write(&self.plugin, plugin(&self.events)).unwrap();
                let config = json!({"plugin": [format!("file://{}", self.plugin.display())]});
                invocation.env("OPENCODE_CONFIG_CONTENT", config.to_string())
            }
            Client::Cline
            | Client::CopilotCli
            | Client::Cursor
            | Client::Kiro
            | Client::QwenCode
            | Client::VsCode
            | Client::Windsurf
            | Client::Other => panic!("no hooks"),
        }
    }

    /// All that was told, in order.
    pub fn heard(&self) -> Vec<Heard> {
        let lines = std::fs::read_to_string(&self.events).unwrap_or_default();
        lines.lines().map(|line| Heard::from(serde_json::from_str::<Value>(line).unwrap())).collect()
    }
}

// === impl Heard ===

impl From<Value> for Heard {
    fn from(payload: Value) -> Self {
        let text = |field: &str| payload.get(field).and_then(Value::as_str).map(str::to_owned);
        Self { event: text("hook_event_name").unwrap(), tool: text("tool_name"), payload }
    }
}

fn hooks(events: &[&str], command: &str, timeout: u32) -> Value {
    let handler = json!({"type": "command", "command": command, "timeout": timeout});
    events
        .iter()
        .map(|event| ((*event).to_owned(), json!([{"hooks": [handler]}])))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn plugin(events: &Path) -> String {
    format!(
        r#"import fs from "node:fs"
const tell = (hook_event_name, fields) =>
  fs.appendFileSync("{}", JSON.stringify({{ hook_event_name, ...fields }}) + "\n")
export const Recorder = async () => ({{
  event: async ({{ event }}) => {{
    if (["session.created", "session.idle"].includes(event.type)) tell(event.type, event.properties)
  }},
  "chat.message": async (input, output) => tell("chat.message", {{ input, output }}),
  "tool.execute.before": async (input, output) =>
    tell("tool.execute.before", {{ tool_name: input.tool, ...input, ...output }}),
  "tool.execute.after": async (input) => tell("tool.execute.after", {{ tool_name: input.tool, ...input }}),
}})
"#,
        events.display()
    )
}
