//! Gemini's `generateContent`, as Gemini CLI speaks it.

use serde_json::{Value, json};

use super::{Ask, JSON, Reply, STREAM, events, items, word};

pub(super) fn read(request: &Value, stream: bool) -> Ask {
    let functions = items(request, "tools").flat_map(|tool| items(tool, "functionDeclarations"));
    let parts = items(request, "contents").flat_map(|content| items(content, "parts"));
    Ask {
        tools: functions.map(|function| word(function, "name").to_owned()).collect(),
        results: parts.filter(|part| part.get("functionResponse").is_some()).count(),
        stream,
        json: request.pointer("/generationConfig/responseMimeType").and_then(Value::as_str) == Some(JSON),
    }
}

pub(super) fn write(ask: &Ask, reply: &Reply) -> (&'static str, String) {
    let part = match reply {
        Reply::Say(text) => json!({"text": text}),
        Reply::Call { tool, arguments, .. } => json!({"functionCall": {"name": tool, "args": arguments}}),
    };
    let answer = json!({
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
        "modelVersion": "scripted",
    });
    if ask.stream { (STREAM, events([(None, answer)])) } else { (JSON, answer.to_string()) }
}
