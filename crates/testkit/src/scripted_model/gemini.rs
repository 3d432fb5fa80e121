//! Gemini `generateContent` and `streamGenerateContent`.

use serde_json::{Value, json};

use super::ask::{Ask, Offer, Reply, ToolResult, flatten, items, text_field};
use super::event_stream::{JSON, STREAM, events};

pub(super) fn read(request: &Value, stream: bool) -> Ask {
    let wanted = request.pointer("/generationConfig/responseMimeType").and_then(Value::as_str);
    let mut ask = Ask { stream, json: wanted == Some(JSON), ..Ask::default() };
    for function in items(request, "tools").flat_map(|tool| items(tool, "functionDeclarations")) {
        if let Some(name) = text_field(function, "name") {
            let schema = function.get("parametersJsonSchema").or_else(|| function.get("parameters"));
            ask.tools.push(Offer::function(name, schema));
        }
    }
    for content in items(request, "contents").filter(|c| text_field(c, "role") != Some("model")) {
        for part in items(content, "parts") {
            if let Some(result) = part.get("functionResponse") {
                let response = result.get("response");
                let output = response.and_then(|r| r.get("output").or_else(|| r.get("error")));
                ask.results.push(ToolResult {
                    call_id: text_field(result, "id").unwrap_or_default().to_owned(),
                    text: flatten(output.or(response)),
                });
            } else if let Some(text) = text_field(part, "text") {
                ask.prompts.push(text.to_owned());
            }
        }
    }
    ask
}

pub(super) fn write(ask: &Ask, reply: &Reply) -> (&'static str, String) {
    let part = match reply {
        Reply::Say(text) => json!({"text": text}),
        Reply::Call(call) => json!({"functionCall": {"name": call.name, "args": call.input.as_json()}}),
    };
    let answer = json!({
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15},
        "modelVersion": "scripted",
    });
    if ask.stream { (STREAM, events([(None, answer)])) } else { (JSON, answer.to_string()) }
}
