//! One tool call, normalised from any client's wire format.

use serde_json::Value;

use crate::agent::Client;
use crate::egress::{Push, Request};
use crate::id::CallId;
use crate::text::Label;

/// What a client asks to do, before anybody decided it.
///
/// Made only by the client's adapter, from bytes that were parsed once. `arguments` are as the client sent them and
/// are a claim: policy relies on typed resources, approvers see them quoted.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    pub id: CallId,
    pub client: Client,
    /// The client's own name for the tool, made to fit a label.
    pub tool: Label,
    /// The client's own id of the call, where it has one: pairs the outcome with the request.
    pub client_call: Option<String>,
    /// The subagent that asks, where the client says so.
    pub subagent: Option<Label>,
    pub operation: Operation,
    /// The working directory that the client says the call runs in.
    pub cwd: String,
    pub arguments: Value,
}

/// What the call would do, as far as the tool's name and arguments tell.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Runs a command line in a shell.
    Shell { command: String },
    /// Reads files or lists folders.
    Read { paths: Vec<String> },
    /// Searches the text of the files below folders: of all that the searcher does not leave out by itself (hidden and
    /// ignored ones), or of those that match a pattern of names or paths, hidden or not.
    Search { folders: Vec<String>, pattern: Option<String> },
    /// Creates, changes or deletes files.
    Write { paths: Vec<String> },
    /// Fetches from the network.
    Fetch { url: String },
    /// Asks a host for something, as the egress proxy reads it off the wire.
    Request(Box<Request>),
    /// Moves refs of a repository, as the git door reads it off the wire.
    Push(Box<Push>),
    /// Searches the web through the model's vendor or the client.
    WebSearch { query: String },
    /// Calls a tool of an MCP server.
    Mcp { server: String, tool: String },
    /// Starts a subagent, whose own calls are decided one by one.
    Spawn { subagent: String },
    /// Changes only the client's own notes: plans, to-do lists, questions to the user.
    Notes,
    /// A tool, or a form of its arguments, that the adapter does not know.
    Unknown { why: String },
}

// === impl Operation ===

impl Operation {
    /// Whether it was seen on the way out, and not asked for by a tool: one tool's call can be hundreds of these, so they
    /// do not count as calls of the task.
    #[must_use]
    pub const fn is_of_boundary(&self) -> bool {
        matches!(self, Self::Push(_) | Self::Request(_))
    }

    /// The same by its name in the ledger.
    #[must_use]
    pub fn is_boundary_name(name: &Label) -> bool {
        matches!(name.as_str(), "push" | "request")
    }

    /// Whether a decision was asked for by the run itself, to see its ways out refuse before anything runs inside. The word
    /// counts only beside what no tool asks for by itself.
    #[must_use]
    pub fn is_trial(tool: &Label, operation: &Label) -> bool {
        tool.as_str() == Self::TRIAL && Self::is_boundary_name(operation)
    }

    /// The name that stands for a tool then.
    pub const TRIAL: &str = "canary";

    /// The stable name, as in the ledger.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Shell { .. } => "shell",
            Self::Read { .. } => "read",
            Self::Search { .. } => "search",
            Self::Write { .. } => "write",
            Self::Fetch { .. } => "fetch",
            Self::Request(_) => "request",
            Self::Push(_) => "push",
            Self::WebSearch { .. } => "web-search",
            Self::Mcp { .. } => "mcp",
            Self::Spawn { .. } => "spawn",
            Self::Notes => "notes",
            Self::Unknown { .. } => "unknown",
        }
    }
}
