//! Cline's command line program, by its hook files of 2026 (measured with 3.0.65).
//!
//! A hook is a file named after the event; the message names the event by another word. Only `cancel: true` on standard
//! output stops a call, whatever the exit code, and it ends the whole run.

use serde_json::{Map, Value};
use writ_model::{Client, Label, Operation, Outcome, ToolCall};

use super::fields::{Arguments, Message, event_name, known, mcp_by_name};
use super::refusal::Form;
use super::{EndedCall, Heard, HookError, HookEvent, HookReply, ProposedCall};
use crate::admit::Admitted;

/// Each hook file's name and the word that its message says.
const EVENTS: [(&str, &str); 9] = [
    ("PostToolUse", "tool_result"),
    ("PreToolUse", "tool_call"),
    ("SessionShutdown", "session_shutdown"),
    ("TaskCancel", "agent_abort"),
    ("TaskComplete", "agent_end"),
    ("TaskError", "agent_error"),
    ("TaskResume", "agent_resume"),
    ("TaskStart", "agent_start"),
    ("UserPromptSubmit", "prompt_submit"),
];

pub(super) fn parse(expected: Option<&str>, fields: &Map<String, Value>) -> Result<Heard, HookError> {
    let message = Message(fields);
    let told = message.needed("hookName")?;
    let file = EVENTS.iter().find(|(_, word)| *word == told).map_or(told, |(file, _)| *file);
    let name = event_name(expected, Some(file))?;
    // The agent that the person speaks to has nobody above it.
    let subagent = match message.text("parent_agent_id")? {
        Some(_) => Some(message.label("agent_id")?.ok_or(HookError::Missing("agent_id"))?),
        None => None,
    };
    let cwd = workspace(&message)?;
    let event = match name {
        "TaskStart" | "TaskResume" => match subagent {
            Some(subagent) => HookEvent::SubagentStarted { subagent },
            None => HookEvent::SessionStarted,
        },
        "UserPromptSubmit" => {
            HookEvent::Prompt { text: message.object("userPromptSubmit")?.needed("prompt")?.to_owned() }
        }
        "PreToolUse" => HookEvent::BeforeTool(proposed(&message.object("tool_call")?, subagent, cwd)?),
        "PostToolUse" => HookEvent::AfterTool(ended(&message.object("tool_result")?, subagent)?),
        "TaskComplete" | "TaskCancel" | "TaskError" => match subagent {
            Some(subagent) => HookEvent::SubagentEnded { subagent },
            None => HookEvent::TurnEnded,
        },
        "SessionShutdown" => HookEvent::SessionEnded,
        "PreCompact" => HookEvent::Noted,
        _ => HookEvent::Unknown,
    };
    let session = match message.object("sessionContext") {
        Ok(context) => context.id("rootSessionId")?,
        Err(HookError::Missing(_)) => None,
        Err(error) => return Err(error),
    };
    Ok(Heard {
        client: Client::Cline,
        event_name: Label::lossy(name),
        session: session.map_or_else(|| message.needed_id("taskId"), Ok)?.to_owned(),
        cwd: cwd.to_owned(),
        model: None,
        autonomy: None,
        transcript: None,
        event,
    })
}

/// The one folder that Cline works in. With several, nobody can say where a command would run.
fn workspace<'a>(message: &Message<'a>) -> Result<&'a str, HookError> {
    const NAME: &str = "workspaceRoots";
    let roots = message.0.get(NAME).ok_or(HookError::Missing(NAME))?.as_array();
    match roots.map(Vec::as_slice) {
        Some([Value::String(root)]) => super::fields::absolute(root).ok_or(HookError::WrongForm(NAME)),
        Some(_) | None => Err(HookError::WrongForm(NAME)),
    }
}

fn proposed(call: &Message<'_>, subagent: Option<Label>, cwd: &str) -> Result<ProposedCall, HookError> {
    let tool = call.needed_id("name")?;
    let arguments = call.value("input");
    Ok(ProposedCall {
        tool: Label::lossy(tool),
        client_call: call.id("id")?.map(str::to_owned),
        subagent,
        operation: known(operation(tool, &arguments)),
        cwd: cwd.to_owned(),
        arguments,
    })
}

fn ended(result: &Message<'_>, subagent: Option<Label>) -> Result<EndedCall, HookError> {
    let output = result.value("output");
    // Commands tell one by one how they ended.
    let one_failed =
        output.as_array().into_iter().flatten().any(|one| one.get("success") == Some(&Value::Bool(false)));
    let failed = one_failed || !result.value("error").is_null();
    Ok(EndedCall {
        tool: Label::lossy(result.needed_id("name")?),
        client_call: result.id("id")?.map(str::to_owned),
        subagent,
        arguments: result.value("input"),
        outcome: if failed { Outcome::Failed } else { Outcome::Succeeded },
        output: output.to_string(),
    })
}

/// What a tool of Cline does. Tools that are not listed are unknown.
fn operation(tool: &str, arguments: &Value) -> Result<Operation, String> {
    if !arguments.is_object() {
        return Err("its arguments are no object".to_owned());
    }
    let input = Arguments(arguments);
    match tool {
        "run_commands" => Ok(Operation::Shell { command: commands(&input)? }),
        "read_files" => Ok(Operation::Read { paths: files(&input)? }),
        "search_codebase" => Ok(Operation::Search { folders: vec![".".to_owned()], pattern: None }),
        "editor" => Ok(Operation::Write { paths: vec![input.path("path")?] }),
        "apply_patch" => Ok(Operation::Write { paths: super::codex::patch_paths(input.text("input")?)? }),
        "fetch_web_content" => match list(arguments, "requests")?.as_slice() {
            [request] => Ok(Operation::Fetch { url: Arguments(request).text("url")?.to_owned() }),
            _ => Err("it fetches more than one address; fetch them one by one".to_owned()),
        },
        "spawn_agent" => Ok(Operation::Spawn { subagent: "subagent".to_owned() }),
        "team_spawn_teammate" => Ok(Operation::Spawn { subagent: input.text("agentId")?.to_owned() }),
        // The client's own notes and teammates. What these and a skill then do comes as calls of their own.
        "ask_question"
        | "skills"
        | "submit_and_exit"
        | "team_attach_outcome_fragment"
        | "team_await_runs"
        | "team_broadcast"
        | "team_cancel_run"
        | "team_cleanup"
        | "team_create_outcome"
        | "team_finalize_outcome"
        | "team_list_outcomes"
        | "team_list_runs"
        | "team_mission_log"
        | "team_read_mailbox"
        | "team_review_outcome_fragment"
        | "team_run_task"
        | "team_send_message"
        | "team_shutdown_teammate"
        | "team_status"
        | "team_task" => Ok(Operation::Notes),
        _ => mcp_by_name(tool, "", "__"),
    }
}

/// Several commands, each of which gets a shell of its own. Were they put together as they stand, an open quote or
/// here-document of one could hide the next.
fn commands(input: &Arguments<'_>) -> Result<String, String> {
    let commands = list(input.0, "commands")?;
    let mut texts = Vec::new();
    for command in commands {
        match command.as_str() {
            Some(text) if !text.trim().is_empty() && !text.contains('\0') => texts.push(text),
            Some(_) | None => return Err("`commands` holds something that is no command".to_owned()),
        }
    }
    match texts.as_slice() {
        [only] => Ok((*only).to_owned()),
        several => {
            let lines: Vec<String> =
                several.iter().map(|text| format!("bash -c '{}'", text.replace('\'', "'\\''"))).collect();
            Ok(lines.join("\n"))
        }
    }
}

fn files(input: &Arguments<'_>) -> Result<Vec<String>, String> {
    list(input.0, "files")?.iter().map(|file| Arguments(file).path("path")).collect()
}

/// A list that must be there, must not be empty and is bounded.
fn list<'a>(arguments: &'a Value, name: &str) -> Result<&'a Vec<Value>, String> {
    const MAX_ITEMS: usize = 64;
    arguments
        .get(name)
        .and_then(Value::as_array)
        .filter(|items| (1..=MAX_ITEMS).contains(&items.len()))
        .ok_or_else(|| format!("`{name}` is no list of 1 to {MAX_ITEMS} items"))
}

pub(super) fn allowed(_: &Admitted<ToolCall>) -> HookReply {
    HookReply { exit: 0, stdout: r#"{"cancel":false}"#.to_owned(), stderr: String::new() }
}

pub(super) fn refusal_form(event: Option<&str>) -> Form {
    match event {
        // These only tell what is over, or are not waited for.
        Some(
            "PostToolUse" | "SessionShutdown" | "TaskCancel" | "TaskComplete" | "TaskError" | "tool_result"
            | "session_shutdown" | "agent_abort" | "agent_end" | "agent_error",
        ) => Form::Silence,
        Some(_) | None => Form::Cancelled,
    }
}
