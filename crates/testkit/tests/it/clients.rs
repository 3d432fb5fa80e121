//! Each client does what the script says, and tells its hooks about it.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use writ_model::Client;
use writ_testkit::{Clients, Ended, Lane, Script, ScriptedModel, Stage};

use crate::recorder::{Heard, Recorder};

const LIMIT: Duration = Duration::from_secs(120);
const ERRAND: &str = "Touch the file of the subagent, please.";
const SUBAGENT: &str = " (subagent)";
const PROMPT: &str = "Do as the script says.";

enum Hooks {
    None,
    Recorded,
}

/// What a client was asked to do, and what came of it.
struct Played {
    stage: Stage,
    model: ScriptedModel,
    ended: Ended,
    heard: Vec<Heard>,
}

// === impl Played ===

impl Played {
    /// `model` is the name by which the client knows its model, where the test needs a certain one.
    fn start(client: Client, model: Option<&str>, hooks: Hooks) -> Self {
        let stage = Stage::new(env!("CARGO_TARGET_TMPDIR").as_ref()).unwrap();
        let clients = Clients::find(env!("CARGO_MANIFEST_DIR").as_ref()).unwrap();
        let scripted = ScriptedModel::start(everything(&stage.repo())).unwrap();
        let mut run = match model {
            Some(name) => clients.headless_as(client, name, &scripted, &stage, PROMPT).unwrap(),
            None => clients.headless(client, &scripted, &stage, PROMPT).unwrap(),
        };
        if client == Client::Codex {
            // Nothing stands around it here that would do in place of its own sandbox.
            run = run.arg("--dangerously-bypass-approvals-and-sandbox");
        }
        let recorder = Recorder::new(&stage);
        if matches!(hooks, Hooks::Recorded) {
            run = recorder.listen(client, run);
        }
        let ended = run.run(LIMIT).unwrap();
        assert!(
            scripted.wait_until(Duration::ZERO, |exchanges| !exchanges.is_empty()),
            "no request reached the model"
        );
        let heard = recorder.heard();
        Self { stage, model: scripted, ended, heard }
    }

    fn must_have_done_everything(&self) {
        assert!(self.ended.status.success(), "{}", self.story());
        for (file, content) in FILES {
            let found = std::fs::read_to_string(self.stage.repo().join(file)).unwrap_or_default();
            assert_eq!(found.trim(), content, "{file}\n{}", self.story());
        }
        assert!(!self.model.results_of(&Lane::Agent(ERRAND.to_owned())).is_empty(), "{}", self.story());
    }

    /// The tool calls that hooks were told of, event and tool: first the parent's, then the subagent's with a mark.
    /// What the two do at the same time has no order.
    fn tool_events(&self) -> Vec<String> {
        let own = text(&self.heard[0].payload, &["session_id", "sessionID"]);
        let line =
            |heard: &Heard| Some(format!("{} {}{}", heard.event, heard.tool.as_ref()?, mark(heard, &own)));
        let mut lines: Vec<String> = self.heard.iter().filter_map(line).collect();
        lines.sort_by_key(|line| line.ends_with(SUBAGENT));
        lines
    }

    fn heard(&self, event: &str) -> usize {
        self.heard.iter().filter(|heard| heard.event == event).count()
    }

    fn story(&self) -> String {
        format!(
            "status {:?}\nresults {:#?}\noffered {:?}\nheard {:#?}\nstdout {}\nstderr {}",
            self.ended.status,
            self.model.results(),
            self.model.offered(),
            self.heard.iter().map(|h| (&h.event, &h.tool)).collect::<Vec<_>>(),
            self.ended.stdout,
            self.ended.stderr
        )
    }
}

fn text(payload: &Value, fields: &[&str]) -> Option<String> {
    fields.iter().find_map(|field| payload.get(field).and_then(Value::as_str)).map(str::to_owned)
}

fn mark(heard: &Heard, own: &Option<String>) -> &'static str {
    // Cline names its main agent too, but nobody above it.
    let agent = match heard.payload.get("parent_agent_id") {
        Some(parent) => parent.is_string(),
        None => text(&heard.payload, &["agent_id", "agentId"]).is_some(),
    };
    let session = text(&heard.payload, &["session_id", "sessionID"]);
    if agent || session != *own { SUBAGENT } else { "" }
}

const FILES: [(&str, &str); 3] = [
    ("shell.txt", "from the shell"),
    ("written.txt", "from the file tool"),
    ("subagent.txt", "from the subagent"),
];

fn everything(repo: &Path) -> Script {
    let inner = Script::new().shell("echo from the subagent > subagent.txt").say("the errand is done");
    Script::new()
        .shell("echo from the shell > shell.txt")
        .write(repo.join("written.txt").display().to_string(), "from the file tool\n")
        .spawn(ERRAND, inner)
        .say("all is done")
}

fn plays_plain(client: Client) {
    let played = Played::start(client, None, Hooks::None);
    played.must_have_done_everything();
    assert!(played.heard.is_empty());
}

/// `tools` are the hook events about tool calls, `others` counts of events without a tool.
fn tells_its_hooks(client: Client, model: Option<&str>, tools: &[&str], others: &[(&str, usize)]) {
    let played = Played::start(client, model, Hooks::Recorded);
    played.must_have_done_everything();
    assert_eq!(played.tool_events(), tools, "{}", played.story());
    for (event, times) in others {
        assert_eq!(played.heard(event), *times, "{event}\n{}", played.story());
    }
}

#[test]
fn claude_code_plays_plain() {
    plays_plain(Client::ClaudeCode);
}

#[test]
fn codex_plays_plain() {
    plays_plain(Client::Codex);
}

#[test]
fn cline_plays_plain() {
    plays_plain(Client::Cline);
}

#[test]
fn qwen_code_plays_plain() {
    plays_plain(Client::QwenCode);
}

#[test]
fn copilot_cli_plays_plain() {
    plays_plain(Client::CopilotCli);
}

#[test]
fn gemini_cli_plays_plain() {
    plays_plain(Client::GeminiCli);
}

#[test]
fn opencode_plays_plain() {
    plays_plain(Client::OpenCode);
}

#[test]
fn claude_code_tells_its_hooks() {
    let tools = [
        "PreToolUse Bash",
        "PostToolUse Bash",
        "PreToolUse Write",
        "PostToolUse Write",
        "PreToolUse Agent",
        "PostToolUse Agent",
        "PreToolUse Bash (subagent)",
        "PostToolUse Bash (subagent)",
    ];
    let others = [
        ("SessionStart", 1),
        ("UserPromptSubmit", 1),
        ("SubagentStart", 1),
        ("SubagentStop", 1),
        ("Stop", 1),
        ("SessionEnd", 1),
    ];
    tells_its_hooks(Client::ClaudeCode, None, &tools, &others);
}

/// A model that Codex does not know: no file tool, and subagents that are waited for by a call.
#[test]
fn codex_tells_its_hooks() {
    let tools = [
        "PreToolUse Bash",
        "PostToolUse Bash",
        "PreToolUse Bash",
        "PostToolUse Bash",
        "PreToolUse spawn_agent",
        "PostToolUse spawn_agent",
        "PreToolUse multi_agent_v1wait_agent",
        "PostToolUse multi_agent_v1wait_agent",
        "PreToolUse Bash (subagent)",
        "PostToolUse Bash (subagent)",
    ];
    let others =
        [("SessionStart", 1), ("SubagentStart", 1), ("SubagentStop", 1), ("Stop", 1), ("SessionEnd", 1)];
    tells_its_hooks(Client::Codex, None, &tools, &others);
}

/// A model that calls tools from code: the calls inside the code are told, the code itself is not.
#[test]
fn codex_tells_its_hooks_of_calls_from_code() {
    let tools = [
        "PreToolUse Bash",
        "PostToolUse Bash",
        "PreToolUse apply_patch",
        "PostToolUse apply_patch",
        "PreToolUse collaborationspawn_agent",
        "PostToolUse collaborationspawn_agent",
        "PreToolUse collaborationwait_agent",
        "PostToolUse collaborationwait_agent",
        "PreToolUse Bash (subagent)",
        "PostToolUse Bash (subagent)",
    ];
    tells_its_hooks(Client::Codex, Some("gpt-6-sol"), &tools, &[("SubagentStart", 1), ("SubagentStop", 1)]);
}

#[test]
fn cline_tells_its_hooks() {
    let tools = [
        "tool_call run_commands",
        "tool_result run_commands",
        "tool_call editor",
        "tool_result editor",
        "tool_call spawn_agent",
        "tool_result spawn_agent",
        "tool_call run_commands (subagent)",
        "tool_result run_commands (subagent)",
    ];
    tells_its_hooks(Client::Cline, None, &tools, &[("agent_start", 2), ("agent_end", 2)]);
}

#[test]
fn qwen_code_tells_its_hooks() {
    let tools = [
        "PreToolUse run_shell_command",
        "PostToolUse run_shell_command",
        "PreToolUse write_file",
        "PostToolUse write_file",
        "PreToolUse agent",
        "PostToolUse agent",
        "PreToolUse run_shell_command (subagent)",
        "PostToolUse run_shell_command (subagent)",
    ];
    let others = [("SessionStart", 1), ("SubagentStart", 1), ("SubagentStop", 1), ("Stop", 1)];
    tells_its_hooks(Client::QwenCode, None, &tools, &others);
}

/// A subagent is a session of its own that names the one which started it.
#[test]
fn copilot_cli_tells_its_hooks() {
    let tools = [
        "preToolUse bash",
        "postToolUse bash",
        "preToolUse create",
        "postToolUse create",
        "preToolUse task",
        "postToolUse task",
        "preToolUse bash (subagent)",
        "postToolUse bash (subagent)",
    ];
    let others = [
        ("sessionStart", 1),
        ("userPromptSubmitted", 2),
        ("subagentStart", 1),
        ("subagentStop", 1),
        ("agentStop", 2),
        ("sessionEnd", 1),
    ];
    tells_its_hooks(Client::CopilotCli, None, &tools, &others);
}

/// Nothing marks the calls of a subagent.
#[test]
fn gemini_cli_tells_its_hooks() {
    let tools = [
        "BeforeTool run_shell_command",
        "AfterTool run_shell_command",
        "BeforeTool write_file",
        "AfterTool write_file",
        "BeforeTool invoke_agent",
        "BeforeTool run_shell_command",
        "AfterTool run_shell_command",
        "BeforeTool complete_task",
        "AfterTool complete_task",
        "AfterTool invoke_agent",
    ];
    let others = [("SessionStart", 1), ("BeforeAgent", 1), ("AfterAgent", 1), ("SessionEnd", 1)];
    tells_its_hooks(Client::GeminiCli, None, &tools, &others);
}

#[test]
fn opencode_tells_its_hooks() {
    let tools = [
        "tool.execute.before bash",
        "tool.execute.after bash",
        "tool.execute.before write",
        "tool.execute.after write",
        "tool.execute.before task",
        "tool.execute.after task",
        "tool.execute.before bash (subagent)",
        "tool.execute.after bash (subagent)",
    ];
    let others = [("session.created", 2), ("chat.message", 2), ("session.idle", 2)];
    tells_its_hooks(Client::OpenCode, None, &tools, &others);
}
