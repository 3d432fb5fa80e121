//! Windsurf, by its documentation (Cascade hooks of 2026); not run here.
//!
//! Only exit code 2 blocks, and its reason is what stands on standard error. Most events do not tell the workspace, so the
//! hook process adds the folder that it was started in.

use serde_json::{Map, Value};
use writ_model::{Client, Label, Operation, Outcome, ToolCall};

use super::fields::{Arguments, Message, event_name, known};
use super::refusal::Form;
use super::{EndedCall, FOLDER_FIELD, Heard, HookError, HookEvent, HookReply, ProposedCall};
use crate::admit::Admitted;

pub(super) fn parse(expected: Option<&str>, fields: &Map<String, Value>) -> Result<Heard, HookError> {
    let message = Message(fields);
    let name = event_name(expected, message.text("agent_action_name")?)?;
    let event = match name.strip_prefix("pre_").or(name.strip_prefix("post_")) {
        Some(tool @ ("mcp_tool_use" | "read_code" | "run_command" | "write_code")) => {
            let info = message.object("tool_info")?;
            let cwd = info.text("cwd")?.unwrap_or_default();
            let arguments = message.value("tool_info");
            if name.starts_with("pre_") {
                HookEvent::BeforeTool(ProposedCall {
                    tool: Label::lossy(tool),
                    client_call: None,
                    subagent: None,
                    operation: known(operation(tool, &arguments)),
                    cwd: if cwd.is_empty() { message.folder(FOLDER_FIELD)? } else { info.folder("cwd")? }
                        .to_owned(),
                    arguments,
                })
            } else {
                HookEvent::AfterTool(EndedCall {
                    tool: Label::lossy(tool),
                    client_call: None,
                    subagent: None,
                    outcome: Outcome::Succeeded,
                    output: info.value("mcp_result").to_string(),
                    arguments: proposed_part(&arguments),
                })
            }
        }
        _ => match name {
            "pre_user_prompt" => {
                HookEvent::Prompt { text: message.object("tool_info")?.needed("user_prompt")?.to_owned() }
            }
            "post_cascade_response" | "post_cascade_response_with_transcript" => HookEvent::TurnEnded,
            "post_setup_worktree" => HookEvent::Noted,
            _ => HookEvent::Unknown,
        },
    };
    Ok(Heard {
        client: Client::Windsurf,
        event_name: Label::lossy(name),
        session: message.needed_id("trajectory_id")?.to_owned(),
        cwd: message.folder(FOLDER_FIELD)?.to_owned(),
        model: message.label("model_name")?,
        autonomy: None,
        transcript: None,
        event,
    })
}

/// What a call's end repeats of its arguments: without its result.
fn proposed_part(info: &Value) -> Value {
    let mut info = info.clone();
    if let Some(fields) = info.as_object_mut() {
        fields.remove("mcp_result");
    }
    info
}

fn operation(tool: &str, arguments: &Value) -> Result<Operation, String> {
    let input = Arguments(arguments);
    match tool {
        "run_command" => Ok(Operation::Shell { command: input.text("command_line")?.to_owned() }),
        "read_code" => Ok(Operation::Read { paths: vec![input.path("file_path")?] }),
        "write_code" => Ok(Operation::Write { paths: vec![input.path("file_path")?] }),
        "mcp_tool_use" => Ok(Operation::Mcp {
            server: input.text("mcp_server_name")?.to_owned(),
            tool: input.text("mcp_tool_name")?.to_owned(),
        }),
        _ => Err("the tool is not known".to_owned()),
    }
}

/// Whatever is printed is shown to a person, so nothing is.
pub(super) fn allowed(_: &Admitted<ToolCall>) -> HookReply {
    HookReply { exit: 0, stdout: String::new(), stderr: String::new() }
}

pub(super) fn refusal_form(event: Option<&str>) -> Form {
    match event {
        Some(event) if event.starts_with("post_") => Form::Silence,
        Some(_) | None => Form::ExitAlone,
    }
}
