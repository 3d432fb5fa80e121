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
const CLINE_EVENTS: [&str; 5] = ["TaskStart", "PreToolUse", "PostToolUse", "TaskComplete", "SessionShutdown"];
const QWEN_EVENTS: [&str; 9] = [
    "SessionStart",
    "UserPromptSubmit",
    "PreToolUse",
    "PostToolUse",
    "PostToolUseFailure",
    "SubagentStart",
    "SubagentStop",
    "Stop",
    "SessionEnd",
];
const COPILOT_EVENTS: [&str; 9] = [
    "sessionStart",
    "userPromptSubmitted",
    "preToolUse",
    "postToolUse",
    "postToolUseFailure",
    "subagentStart",
    "subagentStop",
    "agentStop",
    "sessionEnd",
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
            Client::Cline => {
                let hooks = self.script.with_file_name("home/.cline/hooks");
                std::fs::create_dir_all(&hooks).unwrap();
                for event in CLINE_EVENTS {
                    let script = format!("#!/bin/sh\n{command}\n");
                    std::fs::write(hooks.join(format!("{event}.sh")), script).unwrap();
                }
                invocation.env("CLINE_SESSION_BACKEND_MODE", "local")
            }
            Client::CopilotCli => {
                let plugin = self.settings.with_extension("");
                std::fs::create_dir(&plugin).unwrap();
                let about = json!({"name": "recorder", "version": "1.0.0", "hooks": "hooks.json"});
                std::fs::write(plugin.join("plugin.json"), about.to_string()).unwrap();
                // Its messages do not name their event.
                let handlers = COPILOT_EVENTS.map(|event| {
                    let named = format!("sed 's/^{{/{{\"hookName\":\"{event}\",/' | {command}");
                    (event.to_owned(), json!([{"type": "command", "bash": named, "timeoutSec": 5}]))
                });
                let hooks: serde_json::Map<_, _> = handlers.into_iter().collect();
                let file = json!({"version": 1, "hooks": hooks});
                std::fs::write(plugin.join("hooks.json"), file.to_string()).unwrap();
                invocation.arg("--plugin-dir").arg(plugin)
            }
            Client::GeminiCli => {
                let settings =
                    json!({"hooksConfig": {"enabled": true}, "hooks": hooks(&GEMINI_EVENTS, &command, 5000)});
                std::fs::write(&self.settings, settings.to_string()).unwrap();
                invocation.env("GEMINI_CLI_SYSTEM_SETTINGS_PATH", &self.settings)
            }
            Client::QwenCode => {
                let settings =
                    json!({"disableAllHooks": false, "hooks": hooks(&QWEN_EVENTS, &command, 5000)});
                std::fs::write(&self.settings, settings.to_string()).unwrap();
                invocation.env("QWEN_CODE_SYSTEM_SETTINGS_PATH", &self.settings)
            }
            Client::OpenCode => {
                std::fs::write(&self.plugin, plugin(&self.events)).unwrap();
                let config = json!({"plugin": [format!("file://{}", self.plugin.display())]});
                invocation.env("OPENCODE_CONFIG_CONTENT", config.to_string())
            }
            Client::Cursor | Client::Kiro | Client::VsCode | Client::Windsurf | Client::Other => {
                panic!("no hooks")
            }
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
        let text = |pointers: &[&str]| {
            let mut found = pointers.iter().filter_map(|pointer| payload.pointer(pointer)?.as_str());
            found.next().map(str::to_owned)
        };
        let event = text(&["/hook_event_name", "/hookName"]).unwrap();
        let tool = text(&["/tool_name", "/toolName", "/tool_call/name", "/tool_result/name"]);
        Self { event, tool, payload }
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
