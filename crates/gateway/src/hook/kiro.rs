//! Kiro, by its documentation (hook files `v1` of IDE 1 and CLI 3, messages of CLI 2); not run here.
//!
//! Only exit code 2 before a tool blocks, and its reason is what stands on standard error.

use serde_json::{Map, Value};
use writ_model::{Client, Label, Operation, Outcome, ToolCall};

use super::fields::{Arguments, Message, event_name, joined, known};
use super::refusal::Form;
use super::{EndedCall, Heard, HookError, HookEvent, HookReply, ProposedCall};
use crate::admit::Admitted;

/// The session of a version that does not tell it.
const ONLY_SESSION: &str = "kiro";

pub(super) fn parse(expected: Option<&str>, fields: &Map<String, Value>) -> Result<Heard, HookError> {
    let message = Message(fields);
    let told = message.text("hook_event_name")?.map(by_trigger);
    let name = event_name(expected.map(by_trigger), told)?;
    let event = match name {
        "SessionStart" => HookEvent::SessionStarted,
        "UserPromptSubmit" => HookEvent::Prompt { text: message.needed("prompt")?.to_owned() },
        "PreToolUse" => HookEvent::BeforeTool(proposed(&message)?),
        "PostToolUse" => {
            let response = message.value("tool_response");
            let failed = response.get("success") == Some(&Value::Bool(false));
            HookEvent::AfterTool(EndedCall {
                tool: Label::lossy(message.needed_id("tool_name")?),
                client_call: message.id("tool_use_id")?.map(str::to_owned),
                subagent: None,
                arguments: message.value("tool_input"),
                outcome: if failed { Outcome::Failed } else { Outcome::Succeeded },
                output: response.to_string(),
            })
        }
        "Stop" => HookEvent::TurnEnded,
        _ => HookEvent::Unknown,
    };
    Ok(Heard {
        client: Client::Kiro,
        event_name: Label::lossy(name),
        session: message.id("session_id")?.unwrap_or(ONLY_SESSION).to_owned(),
        cwd: message.folder("cwd")?.to_owned(),
        model: message.label("model")?,
        autonomy: None,
        transcript: None,
        event,
    })
}

/// The trigger of a hook file, for the names that older messages use.
fn by_trigger(event: &str) -> &str {
    match event {
        "agentSpawn" | "sessionStart" => "SessionStart",
        "postToolUse" => "PostToolUse",
        "preToolUse" => "PreToolUse",
        "stop" => "Stop",
        "userPromptSubmit" => "UserPromptSubmit",
        other => other,
    }
}

fn proposed(message: &Message<'_>) -> Result<ProposedCall, HookError> {
    let tool = message.needed_id("tool_name")?;
    let arguments = message.value("tool_input");
    let cwd = message.folder("cwd")?;
    let folder = match tool {
        "execute_bash" | "shell" => Arguments(&arguments).any_path(&["working_dir", "cwd"]),
        _ => Ok(None),
    };
    let (cwd, operation) = match folder {
        Ok(folder) => (joined(cwd, folder.as_deref()), known(operation(tool, &arguments))),
        Err(why) => (cwd.to_owned(), Operation::Unknown { why }),
    };
    Ok(ProposedCall {
        tool: Label::lossy(tool),
        client_call: message.id("tool_use_id")?.map(str::to_owned),
        subagent: None,
        operation,
        cwd,
        arguments,
    })
}

/// What a tool of Kiro does. Tools that are not listed are unknown; so is the one for a cloud account, `use_aws`.
fn operation(tool: &str, arguments: &Value) -> Result<Operation, String> {
    if !arguments.is_object() {
        return Err("its arguments are no object".to_owned());
    }
    let input = Arguments(arguments);
    match tool {
        "execute_bash" | "shell" => Ok(Operation::Shell { command: input.text("command")?.to_owned() }),
        "fs_read" | "read" => Ok(Operation::Read { paths: read(arguments)? }),
        "fs_write" | "str_replace" | "write" => Ok(Operation::Write { paths: vec![input.path("path")?] }),
        "glob" => {
            input.text("pattern")?;
            Ok(Operation::Read { paths: input.search(&["path"], Some("pattern"))? })
        }
        "grep" => input.text_search(&["path"], "include"),
        "web_fetch" => Ok(Operation::Fetch { url: input.text("url")?.to_owned() }),
        "web_search" => Ok(Operation::WebSearch { query: input.text("query")?.to_owned() }),
        "introspect" | "thinking" | "todo_list" => Ok(Operation::Notes),
        _ => match tool.strip_prefix('@').and_then(|name| name.split_once('/')) {
            Some((server, name)) if !server.is_empty() && !name.is_empty() => {
                Ok(Operation::Mcp { server: server.to_owned(), tool: name.to_owned() })
            }
            Some(_) | None => Err("the tool is not known".to_owned()),
        },
    }
}

/// One path, or one in each of several operations.
fn read(arguments: &Value) -> Result<Vec<String>, String> {
    const MAX_ITEMS: usize = 256;
    match arguments.get("operations") {
        None => Ok(vec![Arguments(arguments).path("path")?]),
        Some(Value::Array(operations)) if (1..=MAX_ITEMS).contains(&operations.len()) => {
            let mut paths = Vec::new();
            for operation in operations {
                match operation.get("image_paths") {
                    None => paths.push(Arguments(operation).path("path")?),
                    Some(_) => paths.extend(Arguments(operation).list("image_paths")?),
                }
            }
            Ok(paths)
        }
        Some(_) => Err(format!("`operations` is no list of 1 to {MAX_ITEMS} items")),
    }
}

/// Whatever is printed can become part of what the model reads, so nothing is.
pub(super) fn allowed(_: &Admitted<ToolCall>) -> HookReply {
    HookReply { exit: 0, stdout: String::new(), stderr: String::new() }
}

pub(super) fn refusal_form(event: Option<&str>) -> Form {
    match event.map(by_trigger) {
        Some("PostToolUse" | "Stop") => Form::Silence,
        Some(_) | None => Form::ExitAlone,
    }
}
