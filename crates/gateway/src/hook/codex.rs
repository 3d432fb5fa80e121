//! Codex, by its hook format of 2026 (measured with 0.169.0; its own schemas are among the test data).
//!
//! Its readers refuse unknown fields and then let the call run, so replies hold exactly the fields of its schemas. The
//! words `ask` and `approve` let the call run, and a plain `allow` means nothing: a call is let through by not objecting.

use serde_json::{Map, Value};
use writ_model::{Client, Label, Operation, Outcome, ToolCall};

use super::fields::{Arguments, Message, event_name, known, mcp_by_name};
use super::refusal::Form;
use super::{EndedCall, Heard, HookError, HookEvent, HookReply, Manner, ProposedCall};
use crate::admit::Admitted;

mod patch;

pub(super) use patch::paths as patch_paths;

pub(super) fn parse(expected: Option<&str>, fields: &Map<String, Value>) -> Result<Heard, HookError> {
    let message = Message(fields);
    let name = event_name(expected, message.text("hook_event_name")?)?;
    let subagent = message.label("agent_id")?;
    let event = match name {
        "SessionStart" => HookEvent::SessionStarted,
        "UserPromptSubmit" => HookEvent::Prompt { text: message.needed("prompt")?.to_owned() },
        "PreToolUse" => HookEvent::BeforeTool(proposed(&message, subagent)?),
        "PermissionRequest" => HookEvent::PermissionAsked(proposed(&message, subagent)?),
        "PostToolUse" => HookEvent::AfterTool(EndedCall {
            tool: Label::lossy(message.needed_id("tool_name")?),
            client_call: message.id("tool_use_id")?.map(str::to_owned),
            subagent,
            arguments: message.value("tool_input"),
            outcome: Outcome::Succeeded,
            output: message.value("tool_response").to_string(),
        }),
        "SubagentStart" => {
            HookEvent::SubagentStarted { subagent: subagent.ok_or(HookError::Missing("agent_id"))? }
        }
        "SubagentStop" => {
            HookEvent::SubagentEnded { subagent: subagent.ok_or(HookError::Missing("agent_id"))? }
        }
        "Stop" | "StopFailure" | "Interrupt" => HookEvent::TurnEnded,
        "SessionEnd" => HookEvent::SessionEnded,
        "PreCompact" | "PostCompact" => HookEvent::Noted,
        _ => HookEvent::Unknown,
    };
    Ok(Heard {
        client: Client::Codex,
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
    Ok(ProposedCall {
        tool: Label::lossy(tool),
        client_call: message.id("tool_use_id")?.map(str::to_owned),
        subagent,
        operation: known(operation(tool, &arguments)),
        cwd: message.folder("cwd")?.to_owned(),
        arguments,
    })
}

/// The groups of tools that Codex names in front of a tool.
const GROUPS: [&str; 2] = ["multi_agent_v1", "collaboration"];

/// What a tool of Codex does. Tools that are not listed are unknown; above all those that run code of the model's in
/// one piece (`exec`, `js_repl`) or type into a shell that runs already (`write_stdin`).
fn operation(tool: &str, arguments: &Value) -> Result<Operation, String> {
    if !arguments.is_object() {
        return Err("its arguments are no object".to_owned());
    }
    let input = Arguments(arguments);
    // Codex glues the group of its own subagent tools to their names, and leaves it out for some.
    match GROUPS.iter().find_map(|group| tool.strip_prefix(group)).unwrap_or(tool) {
        "Bash" => Ok(Operation::Shell { command: input.text("command")?.to_owned() }),
        "apply_patch" => Ok(Operation::Write { paths: patch::paths(input.text("command")?)? }),
        "view_image" => Ok(Operation::Read { paths: vec![input.path("path")?] }),
        "web_search" => Ok(Operation::WebSearch { query: input.text("query")?.to_owned() }),
        "spawn_agent" => {
            Ok(Operation::Spawn { subagent: input.optional("agent_type")?.unwrap_or("default").to_owned() })
        }
        "list_mcp_resources" | "list_mcp_resource_templates" => Ok(Operation::Mcp {
            server: input.optional("server")?.unwrap_or("*").to_owned(),
            tool: "resources/list".to_owned(),
        }),
        "read_mcp_resource" => {
            Ok(Operation::Mcp { server: input.text("server")?.to_owned(), tool: "resources/read".to_owned() })
        }
        "close_agent" | "followup_task" | "get_goal" | "interrupt_agent" | "list_agents"
        | "request_user_input" | "resume_agent" | "send_input" | "send_message" | "tool_search"
        | "update_plan" | "wait_agent" => Ok(Operation::Notes),
        _ => mcp_by_name(tool, "mcp__", "__"),
    }
}

pub(super) fn allowed(_: &Admitted<ToolCall>, event: &str, manner: Manner) -> HookReply {
    let stdout = match (event, manner) {
        ("PermissionRequest", Manner::Decide) => {
            r#"{"hookSpecificOutput":{"hookEventName":"PermissionRequest","decision":{"behavior":"allow"}}}"#
        }
        (_, Manner::Decide | Manner::Abstain) => "{}",
    };
    HookReply { exit: 0, stdout: stdout.to_owned(), stderr: String::new() }
}

pub(super) fn refusal_form(event: Option<&str>) -> Form {
    match event {
        Some("PreToolUse") => Form::ToolPermission,
        Some("PermissionRequest") => Form::PermissionBehaviour,
        Some("SessionStart" | "SubagentStart" | "PreCompact") => Form::Stop,
        Some("Stop" | "StopFailure" | "SubagentStop" | "SessionEnd" | "Interrupt" | "PostCompact") => {
            Form::Silence
        }
        Some(_) | None => Form::Decision("block"),
    }
}
