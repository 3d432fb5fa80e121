//! Messages of the clients, and what their replies mean.

use serde_json::{Value, json};
use writ_gateway::hook::HookReply;
use writ_model::Client;

use crate::office::WORKSPACE;

/// A call that the shipped policies allow, deny, and hold for a person, in a feature task.
pub const ALLOWED: &str = "cargo test";
pub const DENIED: &str = "rm -rf /home/dev/.local/state/writ";
pub const HELD: &str = "git push origin main";

pub fn claude(event: &str, more: Value) -> Value {
    let mut message = json!({
        "session_id": "s1", "transcript_path": "/home/dev/t.jsonl", "cwd": WORKSPACE, "hook_event_name": event,
    });
    for (name, value) in more.as_object().unwrap() {
        message[name] = value.clone();
    }
    message
}

pub fn bash(command: &str, id: &str) -> Value {
    claude("PreToolUse", json!({"tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": id}))
}

pub fn bash_done(command: &str, id: &str) -> Value {
    claude(
        "PostToolUse",
        json!({"tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": id, "tool_response": {"stdout": "ok"}}),
    )
}

/// A shell call before it runs, in each client's form.
pub fn before(client: Client, command: &str) -> Value {
    match client {
        Client::ClaudeCode => bash(command, "toolu_1"),
        Client::Codex => json!({
            "session_id": "s1", "turn_id": "t1", "transcript_path": null, "cwd": WORKSPACE, "model": "m",
            "hook_event_name": "PreToolUse", "permission_mode": "default", "tool_name": "Bash",
            "tool_input": {"command": command}, "tool_use_id": "call_1",
        }),
        Client::Cline => json!({
            "hookName": "tool_call", "taskId": "t1", "sessionContext": {"rootSessionId": "s1"},
            "workspaceRoots": [WORKSPACE], "agent_id": "a1", "parent_agent_id": null, "iteration": 1,
            "tool_call": {"id": "call_1", "name": "run_commands", "input": {"commands": [command]}},
        }),
        Client::CopilotCli => json!({
            "hookName": "preToolUse", "sessionId": "s1", "timestamp": 1_795_309_215_090_u64, "cwd": WORKSPACE,
            "toolName": "bash", "toolArgs": {"command": command, "description": "x"},
        }),
        Client::Cursor => json!({
            "conversation_id": "s1", "generation_id": "g1", "model": "m", "hook_event_name": "preToolUse",
            "cursor_version": "3.13", "workspace_roots": [WORKSPACE], "cwd": WORKSPACE, "tool_name": "Shell",
            "tool_input": {"command": command}, "tool_use_id": "t1",
        }),
        Client::Kiro => json!({
            "hook_event_name": "preToolUse", "cwd": WORKSPACE, "session_id": "s1", "tool_name": "execute_bash",
            "tool_input": {"command": command},
        }),
        Client::VsCode => json!({
            "timestamp": "2026-11-22T00:15:28.107Z", "cwd": WORKSPACE, "sessionId": "s1", "hookEventName": "PreToolUse",
            "tool_name": "run_in_terminal", "tool_input": {"command": command}, "tool_use_id": "t1",
        }),
        Client::Windsurf => json!({
            "writ_hook_folder": WORKSPACE, "agent_action_name": "pre_run_command", "trajectory_id": "s1",
            "execution_id": "e1", "tool_info": {"command_line": command, "cwd": WORKSPACE},
        }),
        Client::QwenCode => json!({
            "session_id": "s1", "transcript_path": "", "cwd": WORKSPACE, "hook_event_name": "PreToolUse",
            "permission_mode": "yolo", "tool_name": "run_shell_command", "tool_input": {"command": command},
            "tool_use_id": "toolu_1", "tool_call_id": "call_1",
        }),
        Client::GeminiCli => json!({
            "session_id": "s1", "transcript_path": "", "cwd": WORKSPACE, "hook_event_name": "BeforeTool",
            "timestamp": "2026-11-22T00:15:28.107Z", "tool_name": "run_shell_command", "tool_input": {"command": command},
        }),
        Client::OpenCode => json!({
            "hook_event_name": "tool.execute.before", "directory": WORKSPACE, "session": "s1",
            "input": {"tool": "bash", "sessionID": "s1", "callID": "call_1"}, "output": {"args": {"command": command}},
        }),
        Client::Other => Value::Null,
    }
}

/// What each client calls the event before a call.
pub fn before_event(client: Client) -> &'static str {
    match client {
        Client::ClaudeCode | Client::Cline | Client::Codex | Client::QwenCode => "PreToolUse",
        Client::CopilotCli | Client::Cursor | Client::Kiro => "preToolUse",
        Client::VsCode => "PreToolUse",
        Client::Windsurf => "pre_run_command",
        Client::GeminiCli => "BeforeTool",
        Client::OpenCode => "tool.execute.before",
        Client::Other => "",
    }
}

/// Whether a reply to a call lets it run, as that client reads it.
pub fn runs(client: Client, reply: &HookReply) -> bool {
    let value: Value = serde_json::from_str(&reply.stdout).unwrap_or(Value::Null);
    let denied = match client {
        Client::ClaudeCode | Client::Codex | Client::QwenCode => {
            value["hookSpecificOutput"]["permissionDecision"] == "deny"
        }
        Client::VsCode => value["hookSpecificOutput"]["permissionDecision"] == "deny",
        Client::Cline => value["cancel"] == true,
        Client::Cursor => value["permission"] == "deny",
        Client::Kiro | Client::Windsurf => {
            assert!(reply.stdout.is_empty(), "{reply:?}");
            reply.exit == 2
        }
        Client::CopilotCli => value["permissionDecision"] == "deny",
        Client::GeminiCli | Client::OpenCode | Client::Other => value["decision"] == "deny",
    };
    let by_exit = !matches!(client, Client::Cline | Client::CopilotCli);
    assert_eq!(denied && by_exit, reply.exit == 2, "exit code and answer agree: {reply:?}");
    assert_eq!(denied, !reply.stderr.is_empty(), "{reply:?}");
    let by_words = matches!(client, Client::Kiro | Client::Windsurf);
    assert!(by_words || value.is_object(), "an exit code of 0 without JSON lets every call run: {reply:?}");
    !denied
}
