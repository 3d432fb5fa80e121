//! OpenCode, which has no command hooks: our plugin runs inside it, sends each event here, and throws unless the reply
//! plainly lets the call through (measured with 1.18.33).

use serde_json::{Map, Value};
use writ_model::{Client, Label, Operation, Outcome, ToolCall};

use super::fields::{Arguments, Message, joined, known, mcp_by_name, mcp_with_server};
use super::refusal::Form;
use super::{EndedCall, Heard, HookError, HookEvent, HookReply, ProposedCall};
use crate::admit::Admitted;

/// The plugin, with one placeholder: see [`crate::setup`].
pub const PLUGIN: &str = include_str!("opencode/plugin.js");

pub(super) fn parse(expected: Option<&str>, fields: &Map<String, Value>) -> Result<Heard, HookError> {
    let message = Message(fields);
    let name = super::fields::event_name(expected, message.text("hook_event_name")?)?;
    let cwd = message.folder("directory")?;
    let input = match message.object("input") {
        Ok(input) => input,
        Err(HookError::Missing(_)) => Message(&EMPTY),
        Err(error) => return Err(error),
    };
    let subagent = message.label("subagent")?;
    let event = match name {
        "session.created" => match subagent {
            Some(subagent) => HookEvent::SubagentStarted { subagent },
            None => HookEvent::SessionStarted,
        },
        "chat.message" => HookEvent::Prompt { text: message.needed("prompt")?.to_owned() },
        "tool.execute.before" => HookEvent::BeforeTool(proposed(
            &message,
            &input,
            message.object("output")?.value("args"),
            subagent,
            cwd,
        )?),
        "tool.execute.after" => HookEvent::AfterTool(EndedCall {
            tool: Label::lossy(input.needed_id("tool")?),
            client_call: input.id("callID")?.map(str::to_owned),
            subagent,
            arguments: input.value("args"),
            outcome: Outcome::Succeeded,
            output: came_back(message.value("output")).to_string(),
        }),
        "tool.failed" => HookEvent::AfterTool(EndedCall {
            tool: Label::lossy(input.needed_id("tool")?),
            client_call: input.id("callID")?.map(str::to_owned),
            subagent,
            arguments: input.value("args"),
            outcome: Outcome::Failed,
            output: message.value("error").to_string(),
        }),
        "session.idle" => match subagent {
            Some(subagent) => HookEvent::SubagentEnded { subagent },
            None => HookEvent::TurnEnded,
        },
        "session.deleted" => HookEvent::SessionEnded,
        "permission.asked" | "permission.replied" | "session.compacted" | "session.error" => HookEvent::Noted,
        _ => HookEvent::Unknown,
    };
    Ok(Heard {
        client: Client::OpenCode,
        event_name: Label::lossy(name),
        session: message.needed_id("session")?.to_owned(),
        cwd: cwd.to_owned(),
        model: message.label("model")?,
        autonomy: None,
        transcript: None,
        event,
    })
}

static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

fn proposed(
    message: &Message<'_>,
    input: &Message<'_>,
    arguments: Value,
    subagent: Option<Label>,
    cwd: &str,
) -> Result<ProposedCall, HookError> {
    let tool = input.needed_id("tool")?;
    let servers = message.value("mcp_servers");
    let folder = match tool {
        "bash" => Arguments(&arguments).any_path(&["workdir"]),
        _ => Ok(None),
    };
    let (cwd, operation) = match folder {
        Ok(folder) => (joined(cwd, folder.as_deref()), known(operation(tool, &arguments, &servers))),
        Err(why) => (cwd.to_owned(), Operation::Unknown { why }),
    };
    Ok(ProposedCall {
        tool: Label::lossy(tool),
        client_call: input.id("callID")?.map(str::to_owned),
        subagent,
        operation,
        cwd,
        arguments,
    })
}

/// What a tool of OpenCode does. Tools that are not listed are unknown; so is `batch`, which makes other calls inside.
fn operation(tool: &str, arguments: &Value, servers: &Value) -> Result<Operation, String> {
    if !arguments.is_object() {
        return Err("its arguments are no object".to_owned());
    }
    let input = Arguments(arguments);
    match tool {
        "bash" => Ok(Operation::Shell { command: input.text("command")?.to_owned() }),
        "read" => Ok(Operation::Read { paths: vec![input.path("filePath")?] }),
        "lsp" => Ok(Operation::Read { paths: vec![input.path("filePath")?] }),
        "list" => Ok(Operation::Read { paths: vec![input.any_path(&["path"])?.unwrap_or(".".to_owned())] }),
        "glob" => {
            input.text("pattern")?;
            Ok(Operation::Read { paths: input.search(&["path"], Some("pattern"))? })
        }
        "grep" => input.text_search(&["path"], "include"),
        "write" | "edit" | "multiedit" => Ok(Operation::Write { paths: vec![input.path("filePath")?] }),
        "patch" | "apply_patch" => {
            Ok(Operation::Write { paths: super::codex::patch_paths(input.text("patchText")?)? })
        }
        "webfetch" => Ok(Operation::Fetch { url: input.text("url")?.to_owned() }),
        "websearch" | "codesearch" => Ok(Operation::WebSearch { query: input.text("query")?.to_owned() }),
        "task" => Ok(Operation::Spawn { subagent: input.text("subagent_type")?.to_owned() }),
        // What a skill then does comes as calls of its own; `invalid` is how the client tells the model of a bad call.
        "invalid" | "plan_enter" | "plan_exit" | "question" | "skill" | "todoread" | "todowrite" => {
            Ok(Operation::Notes)
        }
        _ => mcp(tool, servers),
    }
}

/// An MCP tool is `SERVER_TOOL`, which only the list of servers can tell apart.
fn mcp(tool: &str, servers: &Value) -> Result<Operation, String> {
    let Some(servers) = servers.as_array() else {
        return mcp_by_name(tool, "", "_");
    };
    let mut found = servers
        .iter()
        .filter_map(Value::as_str)
        .filter_map(|server| mcp_with_server(tool, "", "_", server).ok());
    match (found.next(), found.next()) {
        (Some(operation), None) => Ok(operation),
        (Some(_), Some(_)) => Err("its name fits more than one MCP server".to_owned()),
        (None, _) => Err("the tool is not known".to_owned()),
    }
}

pub(super) fn allowed(_: &Admitted<ToolCall>) -> HookReply {
    HookReply { exit: 0, stdout: r#"{"decision":"allow"}"#.to_owned(), stderr: String::new() }
}

pub(super) fn refusal_form(event: Option<&str>) -> Form {
    match event {
        Some("session.idle" | "session.deleted" | "tool.execute.after" | "tool.failed") => Form::Silence,
        Some(_) | None => Form::Decision("deny"),
    }
}

/// What a tool gave, without its title: that is the call's own words, as the command of a shell, and the model does not get
/// to see it. Taken for what came back, it would make each later call of these words look like a stranger's.
fn came_back(mut output: Value) -> Value {
    if let Some(fields) = output.as_object_mut() {
        fields.remove("title");
    }
    output
}
