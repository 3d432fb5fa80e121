//! Qwen Code: the events of Claude Code with the tools of Gemini CLI (measured with 0.24.4).
//!
//! A call is stopped by exit code 2 and by `permissionDecision: deny`; we send both. Every other exit code lets it run.

use serde_json::{Map, Value};
use writ_model::{Client, Label, Operation, Outcome, ToolCall};

use super::fields::{Arguments, Message, event_name, joined, known, mcp_by_name};
use super::refusal::Form;
use super::{EndedCall, Heard, HookError, HookEvent, HookReply, Manner, ProposedCall};
use crate::admit::Admitted;

pub(super) fn parse(expected: Option<&str>, fields: &Map<String, Value>) -> Result<Heard, HookError> {
    let message = Message(fields);
    let name = event_name(expected, message.text("hook_event_name")?)?;
    let subagent = message.label("agent_id")?;
    let event = match name {
        "SessionStart" => HookEvent::SessionStarted,
        "UserPromptSubmit" => HookEvent::Prompt { text: message.needed("prompt")?.to_owned() },
        "PreToolUse" => HookEvent::BeforeTool(proposed(&message, subagent)?),
        "PermissionRequest" => HookEvent::PermissionAsked(proposed(&message, subagent)?),
        "PostToolUse" => {
            HookEvent::AfterTool(ended(&message, subagent, Outcome::Succeeded, "tool_response")?)
        }
        "PostToolUseFailure" => HookEvent::AfterTool(ended(&message, subagent, Outcome::Failed, "error")?),
        "SubagentStart" => {
            HookEvent::SubagentStarted { subagent: subagent.ok_or(HookError::Missing("agent_id"))? }
        }
        "SubagentStop" => {
            HookEvent::SubagentEnded { subagent: subagent.ok_or(HookError::Missing("agent_id"))? }
        }
        "ConfigChange" => HookEvent::ConfigurationChanged {
            source: message.label("source")?.unwrap_or_else(|| Label::lossy("unknown")),
        },
        "Stop" | "StopFailure" => HookEvent::TurnEnded,
        "SessionEnd" => HookEvent::SessionEnded,
        "Notification" | "PermissionDenied" | "PostCompact" | "PreCompact" => HookEvent::Noted,
        _ => HookEvent::Unknown,
    };
    Ok(Heard {
        client: Client::QwenCode,
        event_name: Label::lossy(name),
        session: message.needed_id("session_id")?.to_owned(),
        cwd: message.folder("cwd")?.to_owned(),
        model: message.label("model")?,
        autonomy: message.autonomy()?,
        transcript: message.text("transcript_path")?.map(str::to_owned),
        event,
    })
}

fn proposed(message: &Message<'_>, subagent: Option<Label>) -> Result<ProposedCall, HookError> {
    let tool = message.needed_id("tool_name")?;
    let arguments = message.value("tool_input");
    let cwd = message.folder("cwd")?;
    let folder = match tool {
        "run_shell_command" | "monitor" => Arguments(&arguments).any_path(&["directory"]),
        _ => Ok(None),
    };
    let (cwd, operation) = match folder {
        Ok(folder) => (joined(cwd, folder.as_deref()), known(operation(tool, &arguments))),
        Err(why) => (cwd.to_owned(), Operation::Unknown { why }),
    };
    Ok(ProposedCall {
        tool: Label::lossy(tool),
        client_call: message.id("tool_use_id")?.map(str::to_owned),
        subagent,
        operation,
        cwd,
        arguments,
    })
}

fn ended(
    message: &Message<'_>,
    subagent: Option<Label>,
    outcome: Outcome,
    output: &str,
) -> Result<EndedCall, HookError> {
    Ok(EndedCall {
        tool: Label::lossy(message.needed_id("tool_name")?),
        client_call: message.id("tool_use_id")?.map(str::to_owned),
        subagent,
        arguments: message.value("tool_input"),
        outcome,
        output: message.value(output).to_string(),
    })
}

/// What a tool of Qwen Code does. Tools that are not listed are unknown; so are `tool_call`, which makes another call
/// inside, and `save_memory`, which writes what later sessions obey.
fn operation(tool: &str, arguments: &Value) -> Result<Operation, String> {
    if !arguments.is_object() {
        return Err("its arguments are no object".to_owned());
    }
    let input = Arguments(arguments);
    const FILE: &[&str] = &["file_path", "absolute_path"];
    let file =
        |input: &Arguments<'_>| input.any_path(FILE)?.ok_or_else(|| "`file_path` is missing".to_owned());
    match tool {
        "run_shell_command" | "monitor" => {
            Ok(Operation::Shell { command: input.text("command")?.to_owned() })
        }
        "read_file" | "zoom_image" => Ok(Operation::Read { paths: vec![file(&input)?] }),
        "read_many_files" => Ok(Operation::Read { paths: input.list("paths")? }),
        "list_directory" => Ok(Operation::Read { paths: vec![input.path("path")?] }),
        "glob" => {
            input.text("pattern")?;
            Ok(Operation::Read { paths: input.search(&["path"], Some("pattern"))? })
        }
        "grep_search" => input.text_search(&["path"], "glob"),
        "write_file" | "edit" => Ok(Operation::Write { paths: vec![file(&input)?] }),
        "notebook_edit" => Ok(Operation::Write { paths: vec![input.path("notebook_path")?] }),
        "web_fetch" => Ok(Operation::Fetch { url: input.text("url")?.to_owned() }),
        "web_search" => Ok(Operation::WebSearch { query: input.text("query")?.to_owned() }),
        "agent" | "task" => Ok(Operation::Spawn {
            subagent: input.optional("subagent_type")?.unwrap_or("general-purpose").to_owned(),
        }),
        "read_mcp_resource" => Ok(Operation::Mcp {
            server: input.text("server_name")?.to_owned(),
            tool: "resources/read".to_owned(),
        }),
        // The client's own notes and subagents. What a skill then does comes as calls of its own.
        "ask_user_question" | "enter_plan_mode" | "exit_plan_mode" | "get_goal" | "list_agents"
        | "loop_wakeup" | "report_findings" | "send_message" | "skill" | "structured_output"
        | "task_output" | "task_stop" | "todo_write" | "tool_search" | "update_goal" => Ok(Operation::Notes),
        _ => mcp_by_name(tool, "mcp__", "__"),
    }
}

pub(super) fn allowed(_: &Admitted<ToolCall>, event: &str, manner: Manner) -> HookReply {
    let stdout = match (event, manner) {
        ("PermissionRequest", Manner::Decide) => {
            r#"{"hookSpecificOutput":{"hookEventName":"PermissionRequest","decision":{"behavior":"allow"}}}"#
        }
        ("PreToolUse", Manner::Decide) => {
            r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow"}}"#
        }
        (_, Manner::Decide | Manner::Abstain) => "{}",
    };
    HookReply { exit: 0, stdout: stdout.to_owned(), stderr: String::new() }
}

pub(super) fn refusal_form(event: Option<&str>) -> Form {
    match event {
        Some("PreToolUse") => Form::ToolPermission,
        Some("PermissionRequest") => Form::PermissionBehaviour,
        // Blocking these makes the agent go on, or they only tell what is over.
        Some(
            "Stop" | "StopFailure" | "SubagentStop" | "SessionEnd" | "Notification" | "PermissionDenied"
            | "PostCompact",
        ) => Form::Silence,
        Some(_) | None => Form::Decision("block"),
    }
}
