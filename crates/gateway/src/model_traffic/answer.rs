//! Answers of a model: which tools it asks for, and what it cost.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use writ_model::Digest;

use super::events::EventReader;
use super::{Wire, digest};

/// Longest whole answer that is read, in bytes, how many calls one answer has, and how long the arguments of one are.
const ANSWER_BYTES: usize = 32 << 20;
const CALLS: usize = 1024;
const ARGUMENT_BYTES: usize = 8 << 20;

/// How an answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `text/event-stream`
    Events,
    /// `application/json`
    Whole,
}

/// A tool that the model asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedTool {
    /// The vendor's id of the call; empty where it gives none.
    pub id: String,
    pub name: String,
    /// Over the arguments in canonical JSON (RFC 8785); over the text as it stands where it is no JSON.
    pub arguments: Digest,
    /// It ran at the vendor already.
    pub is_hosted: bool,
}

/// What the vendor counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Read, those from a cache included.
    pub input: u64,
    pub output: u64,
}

/// What an answer told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerFacts {
    /// In the order in which they were whole.
    pub calls: Vec<AskedTool>,
    pub tokens: Tokens,
    /// All of it was read: where it was not, calls may be missing.
    pub is_whole: bool,
}

/// Reads an answer as it comes.
#[derive(Debug)]
pub struct AnswerReader {
    wire: Wire,
    form: Form,
    events: EventReader,
    buffer: Vec<u8>,
    open: BTreeMap<(u64, u64), Open>,
    seen: BTreeSet<String>,
    facts: AnswerFacts,
    is_cut: bool,
}

/// A call whose arguments are still coming.
#[derive(Debug, Default)]
struct Open {
    id: String,
    name: String,
    arguments: String,
    /// Given whole at the beginning.
    whole: Option<Value>,
    is_hosted: bool,
}

// === impl AnswerReader ===

impl AnswerReader {
    pub fn new(wire: Wire, form: Form) -> Self {
        Self {
            wire,
            form,
            events: EventReader::default(),
            buffer: Vec::new(),
            open: BTreeMap::new(),
            seen: BTreeSet::new(),
            facts: AnswerFacts::default(),
            is_cut: false,
        }
    }

    /// The calls that are whole with these bytes.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<AskedTool> {
        let before = self.facts.calls.len();
        match self.form {
            Form::Events => {
                let mut found = Vec::new();
                self.events.push(bytes, &mut found);
                found.iter().for_each(|data| self.event(data));
            }
            Form::Whole if self.buffer.len() + bytes.len() <= ANSWER_BYTES => {
                self.buffer.extend_from_slice(bytes)
            }
            Form::Whole => self.is_cut = true,
        }
        self.facts.calls.get(before..).unwrap_or_default().to_vec()
    }

    /// How many calls were given out so far.
    pub fn told(&self) -> usize {
        self.facts.calls.len()
    }

    /// Everything that was told. Calls that never came to their end are among it.
    pub fn finish(mut self) -> AnswerFacts {
        match self.form {
            Form::Events => {
                let mut found = Vec::new();
                self.events.finish(&mut found);
                found.iter().for_each(|data| self.event(data));
            }
            Form::Whole if self.is_cut => {}
            Form::Whole => {
                let buffer = std::mem::take(&mut self.buffer);
                match serde_json::from_slice::<Value>(&buffer) {
                    // A stream of one vendor is a list when it is not asked for as events.
                    Ok(Value::Array(parts)) if self.wire == Wire::Gemini => {
                        parts.iter().for_each(|part| self.gemini(part));
                    }
                    Ok(answer) => self.whole(&answer),
                    Err(_) => self.is_cut = true,
                }
            }
        }
        let open = std::mem::take(&mut self.open);
        self.is_cut |= !open.is_empty();
        open.into_values().for_each(|call| self.close(call));
        self.facts.is_whole = !self.is_cut && !self.events.is_cut;
        self.facts
    }

    fn event(&mut self, data: &[u8]) {
        if data.trim_ascii() == b"[DONE]" {
            return;
        }
        let Ok(event) = serde_json::from_slice::<Value>(data) else {
            self.is_cut = true;
            return;
        };
        match self.wire {
            Wire::AnthropicMessages => self.anthropic(&event),
            Wire::OpenaiChat => self.chat(&event, "delta"),
            Wire::OpenaiResponses => self.responses(&event),
            Wire::Gemini => self.gemini(&event),
        }
    }

    fn whole(&mut self, answer: &Value) {
        match self.wire {
            Wire::AnthropicMessages => {
                for block in array(answer, "/content") {
                    if let Some(call) = anthropic_call(block) {
                        self.close(call);
                    }
                }
                self.count(answer.get("usage"));
            }
            Wire::OpenaiChat => {
                self.chat(answer, "message");
                std::mem::take(&mut self.open).into_values().for_each(|call| self.close(call));
            }
            Wire::OpenaiResponses => self.response(answer),
            Wire::Gemini => self.gemini(answer),
        }
    }

    fn anthropic(&mut self, event: &Value) {
        let index = (0, number(event, "/index"));
        match event.get("type").and_then(Value::as_str) {
            Some("message_start") => self.count(event.pointer("/message/usage")),
            Some("message_delta") => self.count(event.get("usage")),
            Some("content_block_start") => {
                if let Some(call) = event.get("content_block").and_then(anthropic_call) {
                    self.begin(index, call);
                }
            }
            Some("content_block_delta") => {
                let part = event.pointer("/delta/partial_json").and_then(Value::as_str);
                self.extend(index, part.unwrap_or_default());
            }
            Some("content_block_stop") => {
                if let Some(call) = self.open.remove(&index) {
                    self.close(call);
                }
            }
            // Pings, errors and what is new say nothing of tools.
            Some(_) | None => {}
        }
    }

    /// An answer or a part of one; `holder` is where its words stand.
    fn chat(&mut self, event: &Value, holder: &str) {
        for choice in array(event, "/choices") {
            let at = number(choice, "/index");
            let Some(words) = choice.get(holder) else { continue };
            for (place, call) in array(words, "/tool_calls").iter().enumerate() {
                let place = call.get("index").and_then(Value::as_u64).unwrap_or(place as u64);
                self.chat_call((at, place), call);
            }
            if let Some(call) = words.get("function_call").filter(|call| call.is_object()) {
                self.chat_part((at, u64::MAX), "", call);
            }
            if choice.get("finish_reason").is_some_and(|reason| !reason.is_null()) {
                let ended: Vec<(u64, u64)> = self.open.keys().filter(|key| key.0 == at).copied().collect();
                for key in ended {
                    if let Some(call) = self.open.remove(&key) {
                        self.close(call);
                    }
                }
            }
        }
        self.count(event.get("usage"));
    }

    fn chat_call(&mut self, key: (u64, u64), call: &Value) {
        let id = text(call, "/id");
        match call.get("function").or_else(|| call.get("custom")) {
            Some(part) => self.chat_part(key, &id, part),
            None => self.is_cut = true,
        }
    }

    fn chat_part(&mut self, key: (u64, u64), id: &str, part: &Value) {
        if !self.open.contains_key(&key) {
            self.begin(key, Open::default());
        }
        if let Some(open) = self.open.get_mut(&key) {
            open.id.push_str(id);
            open.name.push_str(&text(part, "/name"));
        }
        let more = ["/arguments", "/input"].map(|place| text(part, place)).concat();
        self.extend(key, &more);
    }

    fn responses(&mut self, event: &Value) {
        match event.get("type").and_then(Value::as_str) {
            Some("response.output_item.done") => {
                if let Some(item) = event.get("item") {
                    self.item(item);
                }
            }
            Some("response.completed" | "response.incomplete" | "response.failed") => {
                if let Some(response) = event.get("response") {
                    self.response(response);
                }
            }
            // Parts come again with their whole.
            Some(_) | None => {}
        }
    }

    fn response(&mut self, response: &Value) {
        array(response, "/output").iter().for_each(|item| self.item(item));
        self.count(response.get("usage"));
    }

    fn item(&mut self, item: &Value) {
        let kind = text(item, "/type");
        let whole = |name: &str| item.get(name).filter(|value| !value.is_null()).cloned();
        let (name, arguments, is_hosted) = match kind.as_str() {
            "function_call" => (text(item, "/name"), whole("arguments"), false),
            "custom_tool_call" => (text(item, "/name"), whole("input"), false),
            "local_shell_call" | "shell_call" | "computer_call" => (kind, whole("action"), false),
            "apply_patch_call" => (kind, whole("operation"), false),
            "mcp_call" => {
                let name = format!("{}/{}", text(item, "/server_label"), text(item, "/name"));
                (name, whole("arguments"), true)
            }
            kind if kind.ends_with("_call") => {
                (kind.to_owned(), whole("action").or_else(|| whole("code")), true)
            }
            _ => return,
        };
        let id = match text(item, "/call_id") {
            id if id.is_empty() => text(item, "/id"),
            id => id,
        };
        if !id.is_empty() && !self.seen.insert(id.clone()) {
            return;
        }
        let mut call = Open { id, name, is_hosted, ..Open::default() };
        match arguments {
            Some(Value::String(text)) => call.arguments = text,
            other => call.whole = other,
        }
        self.close(call);
    }

    fn gemini(&mut self, answer: &Value) {
        for candidate in array(answer, "/candidates") {
            for part in array(candidate, "/content/parts") {
                let call = part.get("functionCall").or_else(|| part.get("function_call"));
                if let Some(call) = call {
                    self.close(Open {
                        id: text(call, "/id"),
                        name: text(call, "/name"),
                        whole: Some(
                            call.get("args").cloned().unwrap_or_else(|| Value::Object(Default::default())),
                        ),
                        ..Open::default()
                    });
                }
                let code = part.get("executableCode").or_else(|| part.get("executable_code"));
                if let Some(code) = code {
                    let name = "code_execution".to_owned();
                    self.close(Open { name, whole: Some(code.clone()), is_hosted: true, ..Open::default() });
                }
            }
        }
        if let Some(usage) = answer.get("usageMetadata").or_else(|| answer.get("usage_metadata")) {
            let tokens = &mut self.facts.tokens;
            tokens.input = tokens.input.max(number(usage, "/promptTokenCount"));
            let output =
                number(usage, "/candidatesTokenCount").saturating_add(number(usage, "/thoughtsTokenCount"));
            tokens.output = tokens.output.max(output);
        }
    }

    fn begin(&mut self, key: (u64, u64), call: Open) {
        if self.open.len() + self.facts.calls.len() >= CALLS {
            self.is_cut = true;
        } else if let Some(unended) = self.open.insert(key, call) {
            self.is_cut = true;
            self.close(unended);
        }
    }

    fn extend(&mut self, key: (u64, u64), part: &str) {
        let Some(open) = self.open.get_mut(&key) else { return };
        if open.arguments.len() + part.len() > ARGUMENT_BYTES {
            self.is_cut = true;
        } else {
            open.arguments.push_str(part);
        }
    }

    fn close(&mut self, call: Open) {
        if self.facts.calls.len() >= CALLS {
            self.is_cut = true;
            return;
        }
        let Open { id, name, arguments, whole, is_hosted } = call;
        let given = if arguments.is_empty() { whole } else { serde_json::from_str(&arguments).ok() };
        let canonical = given.and_then(|value| serde_json_canonicalizer::to_vec(&value).ok());
        let bytes = canonical.unwrap_or_else(|| arguments.into_bytes());
        self.facts.calls.push(AskedTool { id, name, arguments: digest([bytes.as_slice()]), is_hosted });
    }

    /// Counts that grow with the answer; the last ones are all.
    fn count(&mut self, usage: Option<&Value>) {
        let Some(usage) = usage else { return };
        let sum =
            |names: &[&str]| names.iter().fold(0, |sum: u64, name| sum.saturating_add(number(usage, name)));
        let input = match self.wire {
            Wire::AnthropicMessages => {
                sum(&["/input_tokens", "/cache_creation_input_tokens", "/cache_read_input_tokens"])
            }
            Wire::OpenaiChat | Wire::OpenaiResponses | Wire::Gemini => {
                sum(&["/input_tokens", "/prompt_tokens"])
            }
        };
        let tokens = &mut self.facts.tokens;
        tokens.input = tokens.input.max(input);
        tokens.output = tokens.output.max(sum(&["/output_tokens", "/completion_tokens"]));
    }
}

// === impl AskedTool ===

impl AskedTool {
    /// The digest that a call with these arguments has.
    pub fn digest_of(arguments: &Value) -> Option<Digest> {
        Some(digest([serde_json_canonicalizer::to_vec(arguments).ok()?.as_slice()]))
    }
}

fn anthropic_call(block: &Value) -> Option<Open> {
    let is_hosted = match block.get("type")?.as_str()? {
        "tool_use" => false,
        "server_tool_use" | "mcp_tool_use" => true,
        _ => return None,
    };
    let whole = block.get("input").cloned();
    Some(Open { id: text(block, "/id"), name: text(block, "/name"), whole, is_hosted, ..Open::default() })
}

fn text(value: &Value, place: &str) -> String {
    value.pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn number(value: &Value, place: &str) -> u64 {
    value.pointer(place).and_then(Value::as_u64).unwrap_or_default()
}

fn array<'v>(value: &'v Value, place: &str) -> &'v [Value] {
    value.pointer(place).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
