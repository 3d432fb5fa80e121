//! One step of a chain: the neutral names of tools that chains are written in, as calls of a client.

use serde_json::{Map, Value};
use writ_model::{Bounds, CallId, Client, Label, Operation, Timestamp, ToolCall};

use super::{field, scope};
use crate::bounds::{TaskBounds, references, widens};

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// The tool's name, as the chain writes it.
    pub tool: String,
    pub operation: Operation,
    pub arguments: Value,
    /// The working directory, seen from the workspace.
    pub cwd: String,
    /// What came back, where the chain tells.
    pub output: Option<String>,
    /// Strangers wrote what came back.
    pub untrusted: bool,
}

/// Settings that take the guards off a subagent.
const UNGUARDED: &[&str] = &[
    "dangerously_skip_permissions",
    "skip_permissions",
    "bypass_permissions",
    "auto_approve",
    "autoApprove",
    "yolo",
    "unsandboxed",
    "no_sandbox",
    "trust_all_tools",
    "full_auto",
];

// === impl Step ===

impl Step {
    /// Reads a step. Nothing where it names no tool.
    pub fn read(step: &Value) -> Option<Self> {
        let members = step.as_object()?;
        let tool = field::text(members, &["tool"])?.to_owned();
        let nothing = Map::new();
        let arguments = field::object(members, "args").or_else(|| field::object(members, "arguments"));
        let known = arguments.unwrap_or(&nothing);
        let operation = operation(&tool, known);
        let output = members.get("output").filter(|output| !output.is_null()).map(|output| match output {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let trust = field::text(members, &["output_trust", "trust"]);
        Some(Self {
            operation,
            arguments: Value::Object(known.clone()),
            cwd: field::text(known, &["cwd", "workdir"]).unwrap_or_default().to_owned(),
            output,
            untrusted: trust.is_some_and(|trust| !matches!(trust, "trusted" | "own")),
            tool,
        })
    }

    /// The calls of a step, seldom more than one.
    pub(super) fn calls(&self, root: &str, bounds: &TaskBounds, at: usize) -> Vec<ToolCall> {
        let operations = match self.tool.as_str() {
            "render_markdown" | "render" | "render_html" => self.shown(bounds),
            "mcp_connect" => self.connected(),
            "spawn_agent" => vec![self.spawned(bounds.bounds())],
            _ => vec![self.operation.clone()],
        };
        let cwd = if self.cwd.starts_with('/') { self.cwd.clone() } else { format!("{root}/{}", self.cwd) };
        let cwd = cwd.trim_end_matches('/').to_owned();
        operations
            .into_iter()
            .enumerate()
            .map(|(part, operation)| ToolCall {
                id: CallId::new(Timestamp::from_millis(0), numbered(at, part)),
                client: Client::ClaudeCode,
                tool: Label::lossy(&self.tool),
                client_call: None,
                subagent: None,
                operation,
                cwd: cwd.clone(),
                arguments: self.arguments.clone(),
            })
            .collect()
    }

    /// Showing a text fetches what it loads, and a link with data in it waits for one click.
    fn shown(&self, bounds: &TaskBounds) -> Vec<Operation> {
        let mut found: Vec<Operation> = Vec::new();
        for text in crate::bounds::texts(&self.arguments) {
            for reference in references(text) {
                let url = format!("https://{}/", reference.host);
                let is_known = found
                    .iter()
                    .any(|other| matches!(other, Operation::Fetch { url: known } if *known == url));
                if (reference.loaded || (reference.carries && !bounds.may_reach(&reference.host)))
                    && !is_known
                {
                    found.push(Operation::Fetch { url });
                }
            }
        }
        if found.is_empty() {
            found.push(Operation::Notes);
        }
        found
    }

    /// Connecting to a server: its own first message, the program that is started, the address that is reached.
    fn connected(&self) -> Vec<Operation> {
        let mut found = vec![self.operation.clone()];
        let Value::Object(members) = &self.arguments else { return found };
        if let Some(command) = field::text(members, &["command"]) {
            let arguments = field::list(members, "args").unwrap_or_default();
            let words = arguments.into_iter().filter_map(Value::as_str).map(quoted);
            let line = std::iter::once(command.to_owned()).chain(words).collect::<Vec<_>>().join(" ");
            found.push(Operation::Shell { command: line });
        }
        if let Some(url) = field::text(members, &["url", "endpoint"]) {
            found.push(Operation::Fetch { url: url.to_owned() });
        }
        found
    }

    /// A subagent gets no more than its parent has.
    fn spawned(&self, parent: &Bounds) -> Operation {
        let Value::Object(members) = &self.arguments else { return self.operation.clone() };
        let unguarded = UNGUARDED.iter().find(|name| field::is_set(members, name));
        let mode = field::text(
            members,
            &["permission_mode", "permissionMode", "mode", "approval_policy", "sandbox"],
        );
        let loose = mode.filter(|mode| {
            let mode: String =
                mode.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
            matches!(
                mode.as_str(),
                "bypasspermissions"
                    | "bypass"
                    | "yolo"
                    | "fullauto"
                    | "never"
                    | "dangerfullaccess"
                    | "none"
                    | "off"
                    | "unrestricted"
                    | "dontask"
            )
        });
        if unguarded.is_some() || loose.is_some() {
            return Operation::Unknown { why: "the subagent is to work without its guards".to_owned() };
        }
        let scoped = ["scope", "permissions", "bounds", "grants", "capabilities"];
        let scopes = scoped.iter().filter_map(|name| field::object(members, name)).chain([members]);
        for wanted in scopes {
            let mut unread = Vec::new();
            let wider = match scope::bounds(wanted, &mut unread) {
                Ok(child) => widens(&child, parent).map(str::to_owned),
                Err(error) => Some(error.to_string()),
            };
            // What cannot be read may be anything, so it may be more.
            let more = wider.or_else(|| unread.into_iter().next());
            if let Some(more) = more {
                let why = format!("the subagent is to get more than its parent has: {more}");
                return Operation::Unknown { why };
            }
        }
        self.operation.clone()
    }
}

/// What a neutral tool does.
fn operation(tool: &str, arguments: &Map<String, Value>) -> Operation {
    let text = |names: &[&str]| field::text(arguments, names).map(str::to_owned);
    let unknown = |why: &str| Operation::Unknown {
        why: format!("`{}`: {why}", tool.chars().take(60).collect::<String>()),
    };
    let paths = || {
        let mut found: Vec<String> = ["path", "file_path", "paths", "files", "source", "destination"]
            .iter()
            .filter_map(|name| field::list(arguments, name))
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        found.dedup();
        found
    };
    if let Some(name) = tool.strip_prefix("mcp:") {
        return match name.split_once('.') {
            Some((server, tool)) if !server.is_empty() && !tool.is_empty() => {
                Operation::Mcp { server: server.to_owned(), tool: tool.to_owned() }
            }
            Some(_) | None => unknown("the server or the tool is not named"),
        };
    }
    match tool {
        "read_file" | "list_dir" | "list_files" | "view" => match paths() {
            paths if paths.is_empty() => unknown("no path is named"),
            paths => Operation::Read { paths },
        },
        "write_file" | "edit_file" | "create_file" | "delete_file" | "move_file" | "append_file"
        | "multi_edit" => match paths() {
            paths if paths.is_empty() => unknown("no path is named"),
            paths => Operation::Write { paths },
        },
        "grep" | "glob" | "search_files" => {
            let folders = match paths() {
                paths if paths.is_empty() => vec![".".to_owned()],
                paths => paths,
            };
            Operation::Search { folders, pattern: text(&["glob", "include"]) }
        }
        "bash" | "shell" | "run_command" => match text(&["command", "cmd"]) {
            Some(command) => Operation::Shell { command: with_environment(&command, arguments) },
            None => unknown("no command is named"),
        },
        "web_fetch" | "fetch" | "http_request" => match text(&["url", "uri"]) {
            Some(url) => Operation::Fetch { url },
            None => unknown("no address is named"),
        },
        "web_search" => Operation::WebSearch { query: text(&["query", "q"]).unwrap_or_default() },
        "git_push" => Operation::Shell { command: push(arguments) },
        "git_commit" => Operation::Shell { command: commit(arguments) },
        "mcp_connect" => match text(&["server", "name"]) {
            Some(server) => Operation::Mcp { server, tool: "initialize".to_owned() },
            None => unknown("the server is not named"),
        },
        "spawn_agent" => Operation::Spawn { subagent: text(&["name", "agent", "type"]).unwrap_or_default() },
        "render_markdown" | "render" | "render_html" | "todo_write" | "ask_user" => Operation::Notes,
        _ => unknown("nobody knows this tool"),
    }
}

/// The push as a command, so that it is read like one that an agent types.
fn push(arguments: &Map<String, Value>) -> String {
    let remote = field::text(arguments, &["remote", "url"]).unwrap_or("origin");
    let mut words = vec!["git".to_owned(), "push".to_owned()];
    for (name, option) in [
        ("force", "--force"),
        ("force_with_lease", "--force-with-lease"),
        ("delete", "--delete"),
        ("tags", "--tags"),
        ("mirror", "--mirror"),
        ("all", "--all"),
        ("no_verify", "--no-verify"),
    ] {
        if field::is_set(arguments, name) {
            words.push(option.to_owned());
        }
    }
    words.push(quoted(remote));
    for name in ["branch", "ref", "refspec", "branches", "refs"] {
        for entry in field::list(arguments, name).unwrap_or_default() {
            words.extend(entry.as_str().map(quoted));
        }
    }
    words.join(" ")
}

fn commit(arguments: &Map<String, Value>) -> String {
    let mut words = vec!["git commit -m".to_owned()];
    words.push(quoted(field::text(arguments, &["message"]).unwrap_or("change")));
    if let Some(author) = field::text(arguments, &["author"]) {
        words.push(format!("--author={}", quoted(author)));
    }
    if field::is_set(arguments, "no_verify") {
        words.push("--no-verify".to_owned());
    }
    words.join(" ")
}

/// Variables that the tool sets beside the command, as the shell writes them.
fn with_environment(command: &str, arguments: &Map<String, Value>) -> String {
    let set = field::object(arguments, "env").into_iter().flatten().filter_map(|(name, value)| {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        Some(format!("{name}={} ", quoted(value.as_str()?))).filter(|_| plain && !name.is_empty())
    });
    let set: String = set.collect();
    format!("{set}{command}")
}

/// One word, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn numbered(at: usize, part: usize) -> [u8; 10] {
    let mut bytes = [0; 10];
    let number = (at as u64).wrapping_mul(1 << 16).wrapping_add(part as u64);
    for (slot, byte) in bytes.iter_mut().skip(2).zip(number.to_be_bytes()) {
        *slot = byte;
    }
    bytes
}
