//! Cursor, by its documentation (hooks format of 2026, version 1); not run here.
//!
//! One event comes before every tool, and there is no way to have no opinion of it. A denial is `permission: deny` and
//! exit code 2. That event does not tell the server of an MCP tool.

use serde_json::{Map, Value};
use writ_model::{Client, Label, Operation, Outcome, ToolCall};

use super::fields::{Arguments, Message, absolute, event_name, joined, known};
use super::refusal::Form;
use super::{EndedCall, Heard, HookError, HookEvent, HookReply, ProposedCall};
use crate::admit::Admitted;

pub(super) fn parse(expected: Option<&str>, fields: &Map<String, Value>) -> Result<Heard, HookError> {
    let message = Message(fields);
    let name = event_name(expected, message.text("hook_event_name")?)?;
    let cwd = folder(&message)?;
    let event = match name {
        "sessionStart" => HookEvent::SessionStarted,
        "beforeSubmitPrompt" => HookEvent::Prompt { text: message.needed("prompt")?.to_owned() },
        "preToolUse" => HookEvent::BeforeTool(proposed(&message, cwd)?),
        "postToolUse" => HookEvent::AfterTool(ended(&message, Outcome::Succeeded, "tool_output")?),
        "postToolUseFailure" => HookEvent::AfterTool(ended(&message, Outcome::Failed, "error_message")?),
        "subagentStart" => HookEvent::SubagentStarted { subagent: subagent(&message)? },
        "subagentStop" => HookEvent::SubagentEnded { subagent: subagent(&message)? },
        "stop" => HookEvent::TurnEnded,
        "sessionEnd" => HookEvent::SessionEnded,
        "afterAgentResponse"
        | "afterAgentThought"
        | "afterFileEdit"
        | "afterMCPExecution"
        | "afterShellExecution"
        | "preCompact"
        | "workspaceOpen" => HookEvent::Noted,
        _ => HookEvent::Unknown,
    };
    let session = match message.id("conversation_id")? {
        Some(session) => session,
        None => message.needed_id("session_id")?,
    };
    Ok(Heard {
        client: Client::Cursor,
        event_name: Label::lossy(name),
        session: session.to_owned(),
        cwd: cwd.to_owned(),
        model: message.label("model")?,
        autonomy: None,
        transcript: message.text("transcript_path")?.map(str::to_owned),
        event,
    })
}

/// Where a call says that it is made, else the first folder of the workspace.
fn folder<'a>(message: &Message<'a>) -> Result<&'a str, HookError> {
    const ROOTS: &str = "workspace_roots";
    if message.text("cwd")?.is_some_and(|cwd| !cwd.is_empty()) {
        return message.folder("cwd");
    }
    match message.0.get(ROOTS).and_then(Value::as_array).and_then(|roots| roots.first()) {
        Some(Value::String(root)) => absolute(root).ok_or(HookError::WrongForm(ROOTS)),
        Some(_) => Err(HookError::WrongForm(ROOTS)),
        None => Err(HookError::Missing(ROOTS)),
    }
}

fn subagent(message: &Message<'_>) -> Result<Label, HookError> {
    match message.label("subagent_id")? {
        Some(subagent) => Ok(subagent),
        None => message.label("subagent_type")?.ok_or(HookError::Missing("subagent_type")),
    }
}

fn proposed(message: &Message<'_>, cwd: &str) -> Result<ProposedCall, HookError> {
    let tool = message.needed_id("tool_name")?;
    let arguments = message.value("tool_input");
    let folder = match tool {
        "Shell" => Arguments(&arguments).any_path(&["working_directory", "cwd"]),
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

fn ended(message: &Message<'_>, outcome: Outcome, output: &str) -> Result<EndedCall, HookError> {
    Ok(EndedCall {
        tool: Label::lossy(message.needed_id("tool_name")?),
        client_call: message.id("tool_use_id")?.map(str::to_owned),
        subagent: None,
        arguments: message.value("tool_input"),
        outcome,
        output: message.value(output).to_string(),
    })
}

/// What a tool of Cursor does. Tools that are not listed are unknown.
fn operation(tool: &str, arguments: &Value) -> Result<Operation, String> {
    if !arguments.is_object() {
        return Err("its arguments are no object".to_owned());
    }
    let input = Arguments(arguments);
    const FILE: &[&str] = &["file_path", "path", "target_file"];
    const FOLDER: &[&str] = &["path", "target_directory"];
    let file =
        |input: &Arguments<'_>| input.any_path(FILE)?.ok_or_else(|| "`file_path` is missing".to_owned());
    match tool {
        "Shell" => Ok(Operation::Shell { command: input.text("command")?.to_owned() }),
        "Read" => Ok(Operation::Read { paths: vec![file(&input)?] }),
        "Delete" | "Edit" | "StrReplace" | "TabWrite" | "Write" => {
            Ok(Operation::Write { paths: vec![file(&input)?] })
        }
        "EditNotebook" => Ok(Operation::Write {
            paths: vec![
                input
                    .any_path(&["target_notebook", "notebook_path"])?
                    .ok_or_else(|| "`target_notebook` is missing".to_owned())?,
            ],
        }),
        "Glob" => {
            let name = if arguments.get("glob_pattern").is_some() { "glob_pattern" } else { "pattern" };
            input.text(name)?;
            Ok(Operation::Read { paths: input.search(FOLDER, Some(name))? })
        }
        "Grep" => input.text_search(FOLDER, "glob"),
        "LS" => Ok(Operation::Read { paths: input.search(FOLDER, None)? }),
        "WebFetch" => Ok(Operation::Fetch { url: input.text("url")?.to_owned() }),
        "WebSearch" => Ok(Operation::WebSearch {
            query: match input.optional("search_term")? {
                Some(query) => query.to_owned(),
                None => input.text("query")?.to_owned(),
            },
        }),
        "Task" => Ok(Operation::Spawn {
            subagent: input.optional("subagent_type")?.unwrap_or("unnamed").to_owned(),
        }),
        "AskQuestion" | "ReadLints" | "SwitchMode" | "TodoWrite" => Ok(Operation::Notes),
        _ => match tool.strip_prefix("MCP:") {
            Some(name) if !name.is_empty() => {
                Ok(Operation::Mcp { server: "*".to_owned(), tool: name.to_owned() })
            }
            Some(_) | None => Err("the tool is not known".to_owned()),
        },
    }
}

pub(super) fn allowed(_: &Admitted<ToolCall>) -> HookReply {
    HookReply { exit: 0, stdout: r#"{"permission":"allow"}"#.to_owned(), stderr: String::new() }
}

pub(super) fn refusal_form(event: Option<&str>) -> Form {
    match event {
        Some("beforeSubmitPrompt") => Form::NotContinued,
        // Refusing these makes the agent go on, or they only tell what is over.
        Some(
            "afterAgentResponse"
            | "afterAgentThought"
            | "afterFileEdit"
            | "afterMCPExecution"
            | "afterShellExecution"
            | "postToolUse"
            | "postToolUseFailure"
            | "sessionEnd"
            | "stop"
            | "subagentStop",
        ) => Form::Silence,
        Some(_) | None => Form::NoPermission,
    }
}
