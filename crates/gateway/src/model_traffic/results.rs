//! Results of tool calls that a request carries back to the model.

use serde_json::{Map, Value};

use super::Wire;

/// How many results of one request are read, the last ones, and how much of the text of each is kept.
const RESULTS: usize = 4096;
const TEXT_BYTES: usize = 256;

/// What a client says came of a call that the model had asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolResult {
    /// The vendor's id of the call; empty where the wire has none.
    pub id: String,
    /// The tool, where the wire names it again.
    pub name: String,
    /// The client calls it a failure. Not every wire can say so.
    pub is_error: bool,
    /// How the text begins.
    pub start: String,
}

/// The results that a request carries, in order.
pub(super) fn results(wire: Wire, members: &Map<String, Value>) -> Vec<ToolResult> {
    let list = |name: &str| members.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut found: Vec<ToolResult> = match wire {
        Wire::AnthropicMessages => parts(list("messages"), "content").filter_map(anthropic).collect(),
        Wire::OpenaiChat => list("messages").iter().filter_map(chat).collect(),
        Wire::OpenaiResponses => list("input").iter().filter_map(responses).collect(),
        Wire::Gemini => parts(list("contents"), "parts").filter_map(gemini).collect(),
    };
    let before = found.len().saturating_sub(RESULTS);
    found.drain(..before);
    found
}

fn parts<'v>(messages: &'v [Value], name: &'static str) -> impl Iterator<Item = &'v Value> {
    messages.iter().filter_map(move |message| message.get(name)?.as_array()).flatten()
}

fn anthropic(block: &Value) -> Option<ToolResult> {
    (text(block, "type") == "tool_result").then(|| ToolResult {
        id: text(block, "tool_use_id").to_owned(),
        name: String::new(),
        is_error: block.get("is_error") == Some(&Value::Bool(true)),
        start: start(block.get("content")),
    })
}

fn chat(message: &Value) -> Option<ToolResult> {
    matches!(text(message, "role"), "tool" | "function").then(|| ToolResult {
        id: text(message, "tool_call_id").to_owned(),
        name: text(message, "name").to_owned(),
        is_error: false,
        start: start(message.get("content")),
    })
}

fn responses(item: &Value) -> Option<ToolResult> {
    text(item, "type").ends_with("_call_output").then(|| ToolResult {
        id: text(item, "call_id").to_owned(),
        name: String::new(),
        is_error: false,
        start: start(item.get("output")),
    })
}

fn gemini(part: &Value) -> Option<ToolResult> {
    let told = part.get("functionResponse").or_else(|| part.get("function_response"))?;
    let response = told.get("response");
    Some(ToolResult {
        id: text(told, "id").to_owned(),
        name: text(told, "name").to_owned(),
        is_error: response.is_some_and(|response| response.get("error").is_some()),
        start: start(response.and_then(|response| response.get("output"))),
    })
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// How a text, or the first of several blocks of text, begins.
fn start(value: Option<&Value>) -> String {
    let whole = match value {
        Some(Value::String(text)) => text.as_str(),
        Some(Value::Array(blocks)) => {
            blocks.iter().find_map(|block| block.get("text")?.as_str()).unwrap_or_default()
        }
        Some(Value::Object(block)) => block.get("content").and_then(Value::as_str).unwrap_or_default(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_)) | None => "",
    };
    let mut end = whole.len().min(TEXT_BYTES);
    while !whole.is_char_boundary(end) {
        end -= 1;
    }
    whole.get(..end).unwrap_or_default().to_owned()
}
