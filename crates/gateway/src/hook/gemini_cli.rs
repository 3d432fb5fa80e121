//! Gemini CLI, by its hook format of 2026 (measured with 0.61.0).
//!
//! `decision: deny` and exit code 2 both block; we send both. Standard output holds JSON or nothing. Calls have no id of
//! their own, so outcomes are paired by tool and arguments, first come first served.

use serde_json::{Map, Value};
use writ_model::{Client, Label, Operation, Outcome, ToolCall};

use super::fields::{Arguments, Message, event_name, joined, known, mcp_by_name, mcp_with_server};
use super::refusal::Form;
use super::{EndedCall, Heard, HookError, HookEvent, HookReply, Manner, ProposedCall};
use crate::admit::Admitted;

pub(super) fn parse(expected: Option<&str>, fields: &Map<String, Value>) -> Result<Heard, HookError> {
    let message = Message(fields);
    let name = event_name(expected, message.text("hook_event_name")?)?;
    let event = match name {
        "SessionStart" => HookEvent::SessionStarted,
        "BeforeAgent" => HookEvent::Prompt { text: message.needed("prompt")?.to_owned() },
        "BeforeTool" => HookEvent::BeforeTool(proposed(&message)?),
        "AfterTool" => HookEvent::AfterTool(ended(&message)?),
        "AfterAgent" => HookEvent::TurnEnded,
        "SessionEnd" => HookEvent::SessionEnded,
        "BeforeModel" | "BeforeToolSelection" | "AfterModel" | "Notification" | "PreCompress" => {
            HookEvent::Noted
        }
        _ => HookEvent::Unknown,
    };
    let model = match message.object("llm_request") {
        Ok(request) => request.label("model")?,
        Err(HookError::Missing(_)) => None,
        Err(error) => return Err(error),
    };
    Ok(Heard {
        client: Client::GeminiCli,
        event_name: Label::lossy(name),
        session: message.needed_id("session_id")?.to_owned(),
        cwd: message.folder("cwd")?.to_owned(),
        model,
        autonomy: None,
        transcript: message.text("transcript_path")?.map(str::to_owned),
        event,
    })
}

fn proposed(message: &Message<'_>) -> Result<ProposedCall, HookError> {
    let tool = message.needed_id("tool_name")?;
    let arguments = message.value("tool_input");
    let server = match message.object("mcp_context") {
        Ok(context) => Some(context.needed_id("server_name")?),
        Err(HookError::Missing(_)) => None,
        Err(error) => return Err(error),
    };
    let cwd = message.folder("cwd")?;
    let folder = match tool {
        "run_shell_command" => Arguments(&arguments).any_path(&["dir_path", "directory"]),
        _ => Ok(None),
    };
    let (cwd, operation) = match folder {
        Ok(folder) => (joined(cwd, folder.as_deref()), known(operation(tool, &arguments, server))),
        Err(why) => (cwd.to_owned(), Operation::Unknown { why }),
    };
    Ok(ProposedCall {
        tool: Label::lossy(tool),
        client_call: None,
        subagent: None,
        operation,
        cwd,
        arguments,
    })
}

fn ended(message: &Message<'_>) -> Result<EndedCall, HookError> {
    let response = message.value("tool_response");
    let failed = response.get("error").is_some_and(|error| !error.is_null());
    Ok(EndedCall {
        tool: Label::lossy(message.needed_id("tool_name")?),
        client_call: None,
        subagent: None,
        arguments: message.value("tool_input"),
        outcome: if failed { Outcome::Failed } else { Outcome::Succeeded },
        output: response.to_string(),
    })
}

/// What a tool of Gemini CLI does. Tools that are not listed are unknown; so is `save_memory`, which writes what later
/// sessions obey.
fn operation(tool: &str, arguments: &Value, server: Option<&str>) -> Result<Operation, String> {
    if !arguments.is_object() {
        return Err("its arguments are no object".to_owned());
    }
    let input = Arguments(arguments);
    const FOLDER: &[&str] = &["dir_path", "path"];
    const FILE: &[&str] = &["file_path", "absolute_path"];
    let file =
        |input: &Arguments<'_>| input.any_path(FILE)?.ok_or_else(|| "`file_path` is missing".to_owned());
    match tool {
        "run_shell_command" => Ok(Operation::Shell { command: input.text("command")?.to_owned() }),
        "read_file" => Ok(Operation::Read { paths: vec![file(&input)?] }),
        "read_many_files" => {
            let name = if arguments.get("include").is_some() { "include" } else { "paths" };
            if arguments.get("include").is_some() && arguments.get("paths").is_some() {
                return Err("it names its files in two ways".to_owned());
            }
            Ok(Operation::Read { paths: input.list(name)? })
        }
        "list_directory" => Ok(Operation::Read {
            paths: vec![input.any_path(FOLDER)?.ok_or_else(|| "`dir_path` is missing".to_owned())?],
        }),
        "glob" => {
            input.text("pattern")?;
            Ok(Operation::Read { paths: input.search(FOLDER, Some("pattern"))? })
        }
        "grep_search" | "search_file_content" => {
            let pattern =
                if arguments.get("include_pattern").is_some() { "include_pattern" } else { "include" };
            input.text_search(FOLDER, pattern)
        }
        "write_file" | "replace" => Ok(Operation::Write { paths: vec![file(&input)?] }),
        "web_fetch" => Ok(Operation::Fetch { url: only_url(&input)? }),
        "google_web_search" => Ok(Operation::WebSearch { query: input.text("query")?.to_owned() }),
        "delegate_to_agent" | "invoke_agent" => Ok(Operation::Spawn {
            subagent: input
                .optional("agent_name")?
                .or(input.optional("name")?)
                .unwrap_or("unnamed")
                .to_owned(),
        }),
        "codebase_investigator" | "cli_help" | "generalist" => {
            Ok(Operation::Spawn { subagent: tool.to_owned() })
        }
        "activate_skill" | "ask_user" | "complete_task" | "enter_plan_mode" | "exit_plan_mode"
        | "get_internal_docs" | "update_topic" | "write_todos" => Ok(Operation::Notes),
        _ => match server {
            Some(server) => mcp_with_server(tool, "mcp_", "_", server),
            None => mcp_by_name(tool, "mcp_", "_"),
        },
    }
}

/// The one address that a fetch names, in `url` or in the prose of `prompt`.
fn only_url(input: &Arguments<'_>) -> Result<String, String> {
    if let Some(url) = input.optional("url")? {
        return Ok(url.to_owned());
    }
    let prompt = input.text("prompt")?;
    let starts = |word: &&str| word.contains("://");
    let mut urls = prompt
        .split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`' | '(' | ')'))
        .filter(starts);
    match (urls.next(), urls.next()) {
        (Some(url), None) => Ok(url.trim_end_matches([',', '.', ';']).to_owned()),
        (None, _) => Err("its prompt names no address".to_owned()),
        (Some(_), Some(_)) => Err("its prompt names more than one address".to_owned()),
    }
}

pub(super) fn allowed(_: &Admitted<ToolCall>, manner: Manner) -> HookReply {
    let stdout = match manner {
        Manner::Decide => r#"{"decision":"allow"}"#,
        Manner::Abstain => "{}",
    };
    HookReply { exit: 0, stdout: stdout.to_owned(), stderr: String::new() }
}

pub(super) fn refusal_form(event: Option<&str>) -> Form {
    match event {
        // A denial after a turn makes the agent try again; the others only tell what is over.
        Some("AfterAgent" | "AfterModel" | "SessionEnd" | "Notification" | "PreCompress") => Form::Silence,
        Some(_) | None => Form::Decision("deny"),
    }
}
