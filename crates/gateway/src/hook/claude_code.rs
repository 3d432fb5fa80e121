//! Claude Code, by its hook format of 2026 (measured with 2.1.197 and 2.1.330).
//!
//! A call is stopped by exit code 2 and by `permissionDecision: deny`; we send both. An exit code of 0 without JSON lets
//! the call run whatever `onFailure` says, so no refusal of a call has exit code 0.

use serde_json::{Map, Value};
use writ_model::{Client, Label, Operation, Outcome, ToolCall};

use super::fields::{Arguments, Message, event_name, known, mcp_by_name, mcp_with_server};
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
        "Setup"
        | "InstructionsLoaded"
        | "UserPromptExpansion"
        | "MessageDisplay"
        | "PostToolBatch"
        | "PermissionDenied"
        | "Notification"
        | "TaskCreated"
        | "TaskCompleted"
        | "TeammateIdle"
        | "CwdChanged"
        | "DirectoryAdded"
        | "FileChanged"
        | "PreCompact"
        | "PostCompact" => HookEvent::Noted,
        _ => HookEvent::Unknown,
    };
    Ok(Heard {
        client: Client::ClaudeCode,
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
    let server = match message.object("mcp_server") {
        Ok(server) => Some(server.needed_id("name")?),
        Err(HookError::Missing(_)) => None,
        Err(error) => return Err(error),
    };
    Ok(ProposedCall {
        tool: Label::lossy(tool),
        client_call: message.id("tool_use_id")?.map(str::to_owned),
        subagent,
        operation: known(operation(tool, &arguments, server)),
        cwd: message.folder("cwd")?.to_owned(),
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

/// What a tool of Claude Code does. Tools that are not listed are unknown.
fn operation(tool: &str, arguments: &Value, server: Option<&str>) -> Result<Operation, String> {
    if !arguments.is_object() {
        return Err("its arguments are no object".to_owned());
    }
    let input = Arguments(arguments);
    match tool {
        "Bash" | "Monitor" => Ok(Operation::Shell { command: input.text("command")?.to_owned() }),
        "Read" => Ok(Operation::Read { paths: vec![input.path("file_path")?] }),
        "NotebookRead" => Ok(Operation::Read { paths: vec![input.path("notebook_path")?] }),
        "Glob" => {
            input.text("pattern")?;
            Ok(Operation::Read { paths: input.search(&["path"], Some("pattern"))? })
        }
        "Grep" => input.text_search(&["path"], "glob"),
        "LS" => Ok(Operation::Read { paths: vec![input.path("path")?] }),
        "LSP" => Ok(Operation::Read {
            paths: vec![input.any_path(&["filePath", "file_path"])?.unwrap_or(".".to_owned())],
        }),
        "Write" | "Edit" | "MultiEdit" => Ok(Operation::Write { paths: vec![input.path("file_path")?] }),
        "NotebookEdit" => Ok(Operation::Write { paths: vec![input.path("notebook_path")?] }),
        "WebFetch" => Ok(Operation::Fetch { url: input.text("url")?.to_owned() }),
        "WebSearch" => Ok(Operation::WebSearch { query: input.text("query")?.to_owned() }),
        "Task" | "Agent" => Ok(Operation::Spawn {
            subagent: input.optional("subagent_type")?.unwrap_or("general-purpose").to_owned(),
        }),
        "ListMcpResourcesTool" => Ok(Operation::Mcp {
            server: input.optional("server")?.unwrap_or("*").to_owned(),
            tool: "resources/list".to_owned(),
        }),
        "ReadMcpResourceTool" => {
            Ok(Operation::Mcp { server: input.text("server")?.to_owned(), tool: "resources/read".to_owned() })
        }
        // The client's own notes, its own background processes, and questions to its user. What a skill or a plan then
        // does comes as calls of its own.
        "AskUserQuestion" | "BashOutput" | "EnterPlanMode" | "ExitPlanMode" | "KillBash" | "KillShell"
        | "ListAgents" | "ReportFindings" | "ScheduleWakeup" | "Skill" | "TaskCreate" | "TaskGet"
        | "TaskList" | "TaskOutput" | "TaskStop" | "TaskUpdate" | "TodoRead" | "TodoWrite" | "ToolSearch" => {
            Ok(Operation::Notes)
        }
        _ => match server {
            Some(server) => mcp_with_server(tool, "mcp__", "__", server),
            None => mcp_by_name(tool, "mcp__", "__"),
        },
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
            "Stop" | "StopFailure" | "SubagentStop" | "SessionEnd" | "TaskCompleted" | "TeammateIdle"
            | "Notification" | "PostCompact" | "PermissionDenied",
        ) => Form::Silence,
        Some(_) | None => Form::Decision("block"),
    }
}
