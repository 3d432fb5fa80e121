//! Agent mode of VS Code, by its documentation (preview of 2026); not run here.
//!
//! It reads the hook files of Copilot CLI, so one installation serves both; what it sends and reads is of the shape of
//! Claude Code. `permissionDecision: deny` and exit code 2 both block; we send both.

use serde_json::{Map, Value};
use writ_model::{Client, Label, Operation, Outcome, ToolCall};

use super::fields::{Arguments, Message, known, mcp_by_name};
use super::refusal::Form;
use super::{EndedCall, Heard, HookError, HookEvent, HookReply, Manner, ProposedCall};
use crate::admit::Admitted;

/// Whether a message that came to a hook of Copilot CLI is of VS Code: it names its tool otherwise.
pub(super) fn is_meant(fields: &Map<String, Value>) -> bool {
    ["hookEventName", "hook_event_name"].iter().any(|name| fields.contains_key(*name))
        && ["hookName", "toolName", "toolArgs", "toolInput", "notification_type"]
            .iter()
            .all(|name| !fields.contains_key(*name))
}

pub(super) fn parse(expected: Option<&str>, fields: &Map<String, Value>) -> Result<Heard, HookError> {
    let message = Message(fields);
    let told = either(&message, "hookEventName", "hook_event_name")?;
    let name = told.ok_or(HookError::Missing("hookEventName"))?;
    let expected = expected.map(by_their_name);
    super::fields::event_name(expected, Some(name))?;
    let event = match name {
        "SessionStart" => HookEvent::SessionStarted,
        "UserPromptSubmit" => HookEvent::Prompt { text: message.needed("prompt")?.to_owned() },
        "PreToolUse" => HookEvent::BeforeTool(proposed(&message)?),
        "PostToolUse" => HookEvent::AfterTool(EndedCall {
            tool: Label::lossy(message.needed_id("tool_name")?),
            client_call: message.id("tool_use_id")?.map(str::to_owned),
            subagent: None,
            arguments: message.value("tool_input"),
            outcome: Outcome::Succeeded,
            output: message.value("tool_response").to_string(),
        }),
        "SubagentStart" => HookEvent::SubagentStarted {
            subagent: message.label("agent_id")?.ok_or(HookError::Missing("agent_id"))?,
        },
        "SubagentStop" => HookEvent::SubagentEnded {
            subagent: message.label("agent_id")?.ok_or(HookError::Missing("agent_id"))?,
        },
        "Stop" => HookEvent::TurnEnded,
        "SessionEnd" => HookEvent::SessionEnded,
        "PreCompact" => HookEvent::Noted,
        _ => HookEvent::Unknown,
    };
    let session = either(&message, "sessionId", "session_id")?.filter(|session| !session.is_empty());
    Ok(Heard {
        client: Client::VsCode,
        event_name: Label::lossy(name),
        session: session.ok_or(HookError::Missing("sessionId"))?.to_owned(),
        cwd: message.folder("cwd")?.to_owned(),
        model: message.label("model")?,
        autonomy: None,
        transcript: message.text("transcript_path")?.map(str::to_owned),
        event,
    })
}

/// A short text that stands under one of two names.
fn either<'a>(
    message: &Message<'a>,
    first: &'static str,
    second: &'static str,
) -> Result<Option<&'a str>, HookError> {
    match message.id(first)? {
        Some(text) => Ok(Some(text)),
        None => message.id(second),
    }
}

/// The event of a hook file of Copilot CLI, as VS Code calls it.
fn by_their_name(event: &str) -> &str {
    match event {
        "agentStop" => "Stop",
        "postToolUse" => "PostToolUse",
        "preToolUse" => "PreToolUse",
        "sessionEnd" => "SessionEnd",
        "sessionStart" => "SessionStart",
        "subagentStart" => "SubagentStart",
        "subagentStop" => "SubagentStop",
        "userPromptSubmitted" => "UserPromptSubmit",
        other => other,
    }
}

fn proposed(message: &Message<'_>) -> Result<ProposedCall, HookError> {
    let tool = message.needed_id("tool_name")?;
    let arguments = message.value("tool_input");
    Ok(ProposedCall {
        tool: Label::lossy(tool),
        client_call: message.id("tool_use_id")?.map(str::to_owned),
        subagent: None,
        operation: known(operation(tool, &arguments)),
        cwd: message.folder("cwd")?.to_owned(),
        arguments,
    })
}

/// What a tool of VS Code's agent does. Tools that are not listed are unknown.
fn operation(tool: &str, arguments: &Value) -> Result<Operation, String> {
    if !arguments.is_object() {
        return Err("its arguments are no object".to_owned());
    }
    let input = Arguments(arguments);
    const FILE: &[&str] = &["filePath", "path"];
    let file =
        |input: &Arguments<'_>| input.any_path(FILE)?.ok_or_else(|| "`filePath` is missing".to_owned());
    match tool {
        "run_in_terminal" | "runInTerminal" | "runTerminalCommand" => {
            Ok(Operation::Shell { command: input.text("command")?.to_owned() })
        }
        "read_file" | "readFile" | "view_image" => Ok(Operation::Read { paths: vec![file(&input)?] }),
        "list_dir" | "listDirectory" => Ok(Operation::Read { paths: vec![input.path("path")?] }),
        "file_search" | "fileSearch" => Ok(Operation::Read { paths: input.search(&[], Some("query"))? }),
        "grep_search" | "textSearch" => input.text_search(&[], "includePattern"),
        "semantic_search" | "codebase" => {
            Ok(Operation::Search { folders: vec![".".to_owned()], pattern: None })
        }
        "create_directory" => Ok(Operation::Write { paths: vec![input.path("dirPath")?] }),
        "create_file"
        | "createFile"
        | "edit_notebook_file"
        | "insert_edit_into_file"
        | "replace_string_in_file" => Ok(Operation::Write { paths: vec![file(&input)?] }),
        "editFiles" => Ok(Operation::Write { paths: input.list("files")? }),
        "apply_patch" => Ok(Operation::Write { paths: super::codex::patch_paths(input.text("input")?)? }),
        "multi_replace_string_in_file" => Ok(Operation::Write { paths: replaced(arguments)? }),
        "fetch_webpage" | "fetch" => match input.list("urls")?.as_slice() {
            [url] => Ok(Operation::Fetch { url: url.clone() }),
            _ => Err("it fetches more than one address; fetch them one by one".to_owned()),
        },
        "runSubagent" => {
            Ok(Operation::Spawn { subagent: input.optional("agentName")?.unwrap_or("unnamed").to_owned() })
        }
        "ask_questions"
        | "get_changed_files"
        | "get_errors"
        | "get_terminal_output"
        | "manage_todo_list"
        | "think"
        | "todos" => Ok(Operation::Notes),
        _ => mcp_by_name(tool, "mcp_", "_"),
    }
}

fn replaced(arguments: &Value) -> Result<Vec<String>, String> {
    const MAX_ITEMS: usize = 256;
    let items = arguments.get("replacements").and_then(Value::as_array);
    let items = items
        .filter(|items| (1..=MAX_ITEMS).contains(&items.len()))
        .ok_or_else(|| format!("`replacements` is no list of 1 to {MAX_ITEMS} items"))?;
    items.iter().map(|item| Arguments(item).path("filePath")).collect()
}

pub(super) fn allowed(_: &Admitted<ToolCall>, event: &str, manner: Manner) -> HookReply {
    let stdout = match (event, manner) {
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
        Some("Stop" | "SubagentStop" | "SessionEnd") => Form::Silence,
        Some(_) | None => Form::Decision("block"),
    }
}
