//! OpenAI Chat Completions.

use serde_json::{Value, json};

use super::ask::{Ask, Offer, Reply, ToolResult, flatten, items, text_field};
use super::event_stream::{JSON, STREAM, events};

pub(super) fn read(request: &Value) -> Ask {
    let mut ask = Ask { stream: request.get("stream") == Some(&Value::Bool(true)), ..Ask::default() };
    for tool in items(request, "tools") {
        if let Some((name, function)) = tool.get("function").and_then(|f| Some((text_field(f, "name")?, f))) {
            ask.tools.push(Offer::function(name, function.get("parameters")));
        }
    }
    for message in items(request, "messages") {
        let text = flatten(message.get("content"));
        match text_field(message, "role") {
            Some("tool") => ask.results.push(ToolResult {
                call_id: text_field(message, "tool_call_id").unwrap_or_default().to_owned(),
                text,
            }),
            Some("user") => ask.prompts.push(text),
            _ => {}
        }
    }
    ask
}

pub(super) fn write(ask: &Ask, model: &str, reply: &Reply) -> (&'static str, String) {
    let (message, reason) = match reply {
        Reply::Say(text) => (json!({"role": "assistant", "content": text}), "stop"),
        Reply::Call(call) => {
            let function = json!({"name": call.name, "arguments": call.input.as_text()});
            let calls = json!([{"index": 0, "id": call.id, "type": "function", "function": function}]);
            (json!({"role": "assistant", "content": null, "tool_calls": calls}), "tool_calls")
        }
    };
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15});
    let frame = |object: &str, choice: Value, usage: &Value| {
        json!({"id": "chatcmpl-scripted", "object": object, "created": 0, "model": model,
               "choices": [choice], "usage": usage})
    };
    if !ask.stream {
        let choice = json!({"index": 0, "message": message, "finish_reason": reason});
        return (JSON, frame("chat.completion", choice, &usage).to_string());
    }
    let said = json!({"index": 0, "delta": message, "finish_reason": null});
    let ended = json!({"index": 0, "delta": {}, "finish_reason": reason});
    let object = "chat.completion.chunk";
    let mut text = events([(None, frame(object, said, &Value::Null)), (None, frame(object, ended, &usage))]);
    text.push_str("data: [DONE]\n\n");
    (STREAM, text)
}
