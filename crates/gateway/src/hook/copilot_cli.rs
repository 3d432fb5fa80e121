//! Copilot CLI, by its hook format of 2026 (measured with 1.0.102).
//!
//! Its messages do not name their event, so the hook's command line does. A denial is JSON with exit code 0: the exit
//! code 2 blocks as well, but hides the reason from the agent. At a prompt only the JSON counts.

use serde_json::{Map, Value};
use writ_model::{Client, Label, Operation, Outcome, ToolCall};

use super::fields::{Arguments, Message, known, mcp_by_name};
use super::refusal::Form;
use super::{EndedCall, Heard, HookError, HookEvent, HookReply, Manner, ProposedCall};
use crate::admit::Admitted;

/// The MCP server that comes with the client. Its name holds the separator, so it is split by hand.
const OWN_SERVER: &str = "github-mcp-server";

pub(super) fn parse(expected: Option<&str>, fields: &Map<String, Value>) -> Result<Heard, HookError> {
    let message = Message(fields);
    let name = event_name(expected, &message)?;
    let subagent = message.label("agentId")?;
    let event = match name {
        "sessionStart" => HookEvent::SessionStarted,
        "userPromptSubmitted" => HookEvent::Prompt { text: message.needed("prompt")?.to_owned() },
        "preToolUse" => HookEvent::BeforeTool(proposed(&message, "toolArgs", subagent)?),
        "permissionRequest" => HookEvent::PermissionAsked(proposed(&message, "toolInput", subagent)?),
        "postToolUse" | "postToolUseFailure" => HookEvent::AfterTool(ended(&message, subagent)?),
        "subagentStart" => {
            HookEvent::SubagentStarted { subagent: subagent.ok_or(HookError::Missing("agentId"))? }
        }
        "subagentStop" => {
            HookEvent::SubagentEnded { subagent: subagent.ok_or(HookError::Missing("agentId"))? }
        }
        // That of a subagent comes as `subagentStop` as well.
        "agentStop" if subagent.is_some() => HookEvent::Noted,
        "agentStop" => HookEvent::TurnEnded,
        "sessionEnd" => HookEvent::SessionEnded,
        "errorOccurred" | "notification" | "preCompact" => HookEvent::Noted,
        _ => HookEvent::Unknown,
    };
    // A subagent speaks under a session id of its own, and names the session that it works for.
    let session = match message.id("parentAgentId")? {
        Some(parent) => parent,
        None => message.needed_id("sessionId")?,
    };
    Ok(Heard {
        client: Client::CopilotCli,
        event_name: Label::lossy(name),
        session: session.to_owned(),
        cwd: message.folder("cwd")?.to_owned(),
        model: message.label("model")?,
        autonomy: None,
        transcript: message.text("transcriptPath")?.map(str::to_owned),
        event,
    })
}

/// The event by the command line. Where the message names it too, in whatever case, it must be the same.
fn event_name<'a>(expected: Option<&'a str>, message: &Message<'a>) -> Result<&'a str, HookError> {
    let told = match message.text("hookName")? {
        Some(told) => Some(told),
        None => message.text("hook_event_name")?,
    };
    match (expected, told) {
        (Some(expected), Some(told)) if !expected.eq_ignore_ascii_case(told) => {
            super::fields::event_name(Some(expected), Some(told))
        }
        (Some(expected), _) => super::fields::event_name(Some(expected), None),
        (None, told) => super::fields::event_name(None, told),
    }
}

fn proposed(
    message: &Message<'_>,
    arguments: &str,
    subagent: Option<Label>,
) -> Result<ProposedCall, HookError> {
    let tool = tool(message)?;
    let arguments = arguments_of(message, arguments);
    Ok(ProposedCall {
        tool: Label::lossy(&tool),
        client_call: None,
        subagent,
        operation: known(operation(&tool, &arguments)),
        cwd: message.folder("cwd")?.to_owned(),
        arguments,
    })
}

/// The tool's name. A permission request writes an MCP tool as `server/tool`, where the call says `server-tool`.
fn tool(message: &Message<'_>) -> Result<String, HookError> {
    Ok(message.needed_id("toolName")?.replacen('/', "-", 1))
}

/// The arguments. Older versions write them as JSON in a text; what is no such text stays a text, and unknown.
fn arguments_of(message: &Message<'_>, name: &str) -> Value {
    match message.value(name) {
        Value::String(text) => match super::strict::object(&text) {
            Ok(fields) => Value::Object(fields),
            Err(_) => Value::String(text),
        },
        other => other,
    }
}

fn ended(message: &Message<'_>, subagent: Option<Label>) -> Result<EndedCall, HookError> {
    let (outcome, output) = match message.value("error") {
        Value::Null => {
            let result = message.value("toolResult");
            let told = result.get("textResultForLlm").and_then(Value::as_str).unwrap_or_default();
            let succeeded = result.get("resultType").is_some_and(|kind| kind == "success");
            let outcome = if succeeded && exited_well(told) { Outcome::Succeeded } else { Outcome::Failed };
            (outcome, result)
        }
        error => (Outcome::Failed, error),
    };
    Ok(EndedCall {
        tool: Label::lossy(&tool(message)?),
        client_call: None,
        subagent,
        arguments: arguments_of(message, "toolArgs"),
        outcome,
        output: output.to_string(),
    })
}

/// A command that failed counts as a success of the shell tool; only its last line tells the exit code.
fn exited_well(told: &str) -> bool {
    let last = told.lines().next_back().unwrap_or_default();
    match last.split_once(" completed with exit code ") {
        Some((shell, code)) if shell.starts_with("<shellId:") => code.trim_end_matches('>') == "0",
        Some(_) | None => true,
    }
}

/// What a tool of Copilot CLI does. Tools that are not listed are unknown; above all those that type into a running
/// shell (`write_bash`), look into other sessions (`session_store_sql`) or write what later sessions obey.
fn operation(tool: &str, arguments: &Value) -> Result<Operation, String> {
    if tool == "apply_patch" {
        return Ok(Operation::Write { paths: super::codex::patch_paths(patch(arguments)?)? });
    }
    if !arguments.is_object() {
        return Err("its arguments are no object".to_owned());
    }
    let input = Arguments(arguments);
    match tool {
        "bash" => Ok(Operation::Shell { command: input.text("command")?.to_owned() }),
        "view" => Ok(Operation::Read { paths: vec![input.path("path")?] }),
        "create" | "edit" => Ok(Operation::Write { paths: vec![input.path("path")?] }),
        "str_replace_editor" => match input.text("command")? {
            "view" => Ok(Operation::Read { paths: vec![input.path("path")?] }),
            "create" | "insert" | "str_replace" | "undo_edit" => {
                Ok(Operation::Write { paths: vec![input.path("path")?] })
            }
            _ => Err("its command is not known".to_owned()),
        },
        "glob" => {
            input.text("pattern")?;
            Ok(Operation::Read { paths: searched(&input, "pattern")? })
        }
        "grep" | "rg" => Ok(Operation::Search {
            folders: searched(&input, "glob")?,
            pattern: input.optional("glob")?.map(str::to_owned),
        }),
        "task" => Ok(Operation::Spawn { subagent: input.text("agent_type")?.to_owned() }),
        "web_fetch" => Ok(Operation::Fetch { url: input.text("url")?.to_owned() }),
        "web_search" => Ok(Operation::WebSearch { query: input.text("query")?.to_owned() }),
        "sql" => notes_of(input.text("query")?),
        // The client's own notes, shells and subagents. What a skill then does comes as calls of its own.
        "ask_user"
        | "exit_plan_mode"
        | "fetch_copilot_cli_documentation"
        | "list_agents"
        | "list_bash"
        | "read_agent"
        | "read_bash"
        | "report_intent"
        | "skill"
        | "stop_bash"
        | "task_complete"
        | "update_todo"
        | "write_agent" => Ok(Operation::Notes),
        _ => match tool.strip_prefix(OWN_SERVER).and_then(|rest| rest.strip_prefix('-')) {
            Some(rest) if !rest.is_empty() => {
                Ok(Operation::Mcp { server: OWN_SERVER.to_owned(), tool: rest.to_owned() })
            }
            Some(_) | None => mcp_by_name(tool, "", "-"),
        },
    }
}

/// The folders of a search, one or several, and its file pattern where that leaves them.
fn searched(input: &Arguments<'_>, pattern: &str) -> Result<Vec<String>, String> {
    let mut paths = input.search(&["path"], Some(pattern))?;
    match input.0.get("paths") {
        None | Some(Value::Null) => {}
        Some(Value::String(_)) => paths.push(input.path("paths")?),
        Some(_) => paths.extend(input.list("paths")?),
    }
    Ok(paths)
}

/// A patch as a text of its own, or in one field.
fn patch(arguments: &Value) -> Result<&str, String> {
    let fields = [Some(arguments), arguments.get("input"), arguments.get("patch")];
    let mut texts = fields.into_iter().flatten().filter_map(Value::as_str);
    match (texts.next(), texts.next()) {
        (Some(text), None) => Ok(text),
        (None, _) | (Some(_), Some(_)) => Err("it holds no patch, or more than one".to_owned()),
    }
}

/// A query of the session's own notes. A statement that could reach a file is unknown.
fn notes_of(query: &str) -> Result<Operation, String> {
    const REACHING: [&str; 7] =
        ["attach", "vacuum", "pragma", "load_extension", "readfile", "writefile", "fts3_tokenizer"];
    let query = query.to_ascii_lowercase();
    match REACHING.iter().find(|word| query.contains(**word)) {
        Some(word) => Err(format!("`{word}` in a query could reach a file")),
        None => Ok(Operation::Notes),
    }
}

pub(super) fn allowed(_: &Admitted<ToolCall>, event: &str, manner: Manner) -> HookReply {
    let stdout = match (event, manner) {
        ("preToolUse", Manner::Decide) => r#"{"permissionDecision":"allow"}"#,
        ("permissionRequest", Manner::Decide) => r#"{"behavior":"allow"}"#,
        (_, Manner::Decide | Manner::Abstain) => "{}",
    };
    HookReply { exit: 0, stdout: stdout.to_owned(), stderr: String::new() }
}

pub(super) fn refusal_form(event: Option<&str>) -> Form {
    match event {
        Some("preToolUse") => Form::CallDenied,
        Some("permissionRequest") => Form::BehaviourDenied,
        Some("userPromptSubmitted") => Form::Blocked,
        // Blocking these makes the agent go on, or they only tell what is over.
        Some(
            "agentStop" | "errorOccurred" | "notification" | "postToolUse" | "postToolUseFailure"
            | "sessionEnd" | "subagentStop",
        ) => Form::Silence,
        Some(_) | None => Form::DeniedAnyhow,
    }
}
