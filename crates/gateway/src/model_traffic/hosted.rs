//! Tools that run at the model's vendor. Sources: the vendors' own references of their tools.

use serde_json::Value;
use writ_model::Operation;

use super::Wire;

/// A tool that runs at the vendor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hosted {
    CodeExecution,
    /// A server that the vendor calls, with its address where the request gives one.
    Connector {
        name: String,
        url: Option<String>,
    },
    FileSearch,
    ImageGeneration,
    /// A request to the vendor that is of no form which is read, by method and path.
    Request {
        what: String,
    },
    /// Only looks through the tools of the request.
    ToolSearch,
    /// Fetches pages that the model names.
    WebFetch,
    WebSearch,
    /// One that nobody here knows.
    Unknown {
        kind: String,
    },
}

/// What a tool of a request is.
pub(super) enum Sort {
    /// The client runs it.
    Client,
    Hosted(Hosted),
}

// === impl Hosted ===

impl Hosted {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CodeExecution => "code-execution",
            Self::Connector { .. } => "connector",
            Self::FileSearch => "file-search",
            Self::ImageGeneration => "image-generation",
            Self::Request { .. } => "request",
            Self::ToolSearch => "tool-search",
            Self::WebFetch => "web-fetch",
            Self::WebSearch => "web-search",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// What the tool would do, for the judge; nothing where it touches nothing but the request.
    pub fn operation(&self) -> Option<Operation> {
        let unknown = |why: String| Some(Operation::Unknown { why });
        match self {
            Self::ToolSearch | Self::ImageGeneration => None,
            Self::WebSearch | Self::WebFetch => Some(Operation::WebSearch { query: String::new() }),
            Self::Connector { url: Some(url), .. } => Some(Operation::Fetch { url: url.clone() }),
            Self::Connector { name, url: None } => {
                unknown(format!("the connector `{}` at the model's vendor", short(name)))
            }
            Self::CodeExecution => unknown("code that runs at the model's vendor".to_owned()),
            Self::FileSearch => unknown("a search of files that are kept at the model's vendor".to_owned()),
            Self::Request { what } => {
                unknown(format!("a request to the model's vendor that is not read: `{what}`"))
            }
            Self::Unknown { kind } => {
                unknown(format!("a tool of the model's vendor that is not known: `{}`", short(kind)))
            }
        }
    }
}

pub(super) fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

fn unknown(kind: &str) -> Sort {
    Sort::Hosted(Hosted::Unknown { kind: short(kind) })
}

/// What one entry of the list of tools is. A tool that is described but not named as a kind runs at the client.
pub(super) fn sort(wire: Wire, tool: &Value) -> Vec<Sort> {
    let Value::Object(members) = tool else { return vec![unknown("no object")] };
    let kind = members.get("type").map(|kind| kind.as_str().unwrap_or("?"));
    match wire {
        Wire::AnthropicMessages => vec![match kind {
            None | Some("custom") => Sort::Client,
            Some(kind) => anthropic(kind),
        }],
        Wire::OpenaiChat => vec![match kind {
            Some("function" | "custom") => Sort::Client,
            kind => unknown(kind.unwrap_or("no type")),
        }],
        // Tools of the client in a group of their own.
        Wire::OpenaiResponses if kind == Some("namespace") => match tool.get("tools") {
            Some(Value::Array(inner)) => inner.iter().map(|tool| openai(kind_of(tool), tool)).collect(),
            Some(_) | None => vec![unknown("namespace")],
        },
        Wire::OpenaiResponses => vec![openai(kind.unwrap_or("no type"), tool)],
        Wire::Gemini => members.iter().map(|(name, value)| gemini(name, value)).collect(),
    }
}

fn kind_of(tool: &Value) -> &str {
    tool.get("type").and_then(Value::as_str).unwrap_or("no type")
}

/// A name of a kind without the date behind it.
fn undated(kind: &str) -> &str {
    match kind.rsplit_once('_') {
        Some((name, date)) if date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => kind,
    }
}

fn anthropic(kind: &str) -> Sort {
    match undated(kind) {
        // Known to the model, run by the client.
        "bash" | "computer" | "memory" | "text_editor" => Sort::Client,
        // Stands for the tools of a server that the request names elsewhere.
        "mcp_toolset" => Sort::Client,
        "code_execution" => Sort::Hosted(Hosted::CodeExecution),
        "tool_search_tool_bm25" | "tool_search_tool_regex" => Sort::Hosted(Hosted::ToolSearch),
        "web_fetch" => Sort::Hosted(Hosted::WebFetch),
        "web_search" => Sort::Hosted(Hosted::WebSearch),
        _ => unknown(kind),
    }
}

fn openai(kind: &str, tool: &Value) -> Sort {
    let text = |name: &str| tool.get(name).and_then(Value::as_str).map(str::to_owned);
    match kind {
        "apply_patch" | "computer" | "computer_use_preview" | "custom" | "function" | "local_shell" => {
            Sort::Client
        }
        // In a container of the vendor, or on the client's machine.
        "shell" => match tool.get("environment") {
            None | Some(Value::Null) => Sort::Client,
            Some(place) if place.get("type").and_then(Value::as_str) == Some("local") => Sort::Client,
            Some(_) => Sort::Hosted(Hosted::CodeExecution),
        },
        "code_interpreter" => Sort::Hosted(Hosted::CodeExecution),
        "file_search" => Sort::Hosted(Hosted::FileSearch),
        "image_generation" => Sort::Hosted(Hosted::ImageGeneration),
        "mcp" => Sort::Hosted(Hosted::Connector {
            name: text("server_label")
                .or_else(|| text("connector_id"))
                .map(|name| short(&name))
                .unwrap_or_default(),
            url: text("server_url"),
        }),
        "tool_search" => Sort::Hosted(Hosted::ToolSearch),
        kind if kind == "web_search" || kind.starts_with("web_search_") => Sort::Hosted(Hosted::WebSearch),
        kind => unknown(kind),
    }
}

fn gemini(name: &str, value: &Value) -> Sort {
    // Names are taken in both spellings.
    let name: String = name.chars().filter(|c| *c != '_').collect::<String>().to_lowercase();
    match name.as_str() {
        "functiondeclarations" | "computeruse" => Sort::Client,
        "codeexecution" => Sort::Hosted(Hosted::CodeExecution),
        "filesearch" | "retrieval" => Sort::Hosted(Hosted::FileSearch),
        "enterprisewebsearch" | "googlemaps" | "googlesearch" | "googlesearchretrieval" => {
            Sort::Hosted(Hosted::WebSearch)
        }
        "urlcontext" => Sort::Hosted(Hosted::WebFetch),
        "mcpservers" => {
            let url = value.pointer("/0/streamableHttpTransport/url").and_then(Value::as_str);
            let is_one = value.as_array().is_some_and(|servers| servers.len() == 1);
            Sort::Hosted(Hosted::Connector {
                name: "mcp".to_owned(),
                url: url.filter(|_| is_one).map(str::to_owned),
            })
        }
        name => unknown(name),
    }
}
