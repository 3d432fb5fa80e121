//! Anthropic Messages.

use serde_json::{Value, json};

use super::ask::{Ask, Offer, Reply, ToolResult, flatten, items, text_field};
use super::event_stream::{JSON, STREAM, events};

pub(super) fn read(request: &Value) -> Ask {
    let mut ask = Ask { stream: request.get("stream") == Some(&Value::Bool(true)), ..Ask::default() };
    for tool in items(request, "tools") {
        if let Some(name) = text_field(tool, "name") {
            ask.tools.push(Offer::function(name, tool.get("input_schema")));
        }
    }
    for message in items(request, "messages").filter(|m| text_field(m, "role") == Some("user")) {
        if let Some(text) = text_field(message, "content") {
            ask.prompts.push(text.to_owned());
        }
        for part in items(message, "content") {
            match text_field(part, "type") {
                Some("tool_result") => ask.results.push(ToolResult {
                    call_id: text_field(part, "tool_use_id").unwrap_or_default().to_owned(),
                    text: flatten(part.get("content")),
                }),
                Some("text") => ask.prompts.push(flatten(part.get("text"))),
                _ => {}
            }
        }
    }
    ask
}

pub(super) fn write(ask: &Ask, model: &str, reply: &Reply) -> (&'static str, String) {
    let (block, empty, delta, reason) = match reply {
        Reply::Say(text) => (
            json!({"type": "text", "text": text}),
            json!({"type": "text", "text": ""}),
            json!({"type": "text_delta", "text": text}),
            "end_turn",
        ),
        Reply::Call(call) => (
            json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.input.as_json()}),
            json!({"type": "tool_use", "id": call.id, "name": call.name, "input": {}}),
            json!({"type": "input_json_delta", "partial_json": call.input.as_text()}),
            "tool_use",
        ),
    };
    let usage = json!({"input_tokens": 10, "output_tokens": 5, "cache_creation_input_tokens": 0,
                       "cache_read_input_tokens": 0});
    let message = |content: Value, stop: Value| {
        json!({"id": "msg_scripted", "type": "message", "role": "assistant", "model": model,
               "content": content, "stop_reason": stop, "stop_sequence": null, "usage": usage})
    };
    if !ask.stream {
        return (JSON, message(json!([block]), json!(reason)).to_string());
    }
    let frames = [
        json!({"type": "message_start", "message": message(json!([]), Value::Null)}),
        json!({"type": "content_block_start", "index": 0, "content_block": empty}),
        json!({"type": "content_block_delta", "index": 0, "delta": delta}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": usage}),
        json!({"type": "message_stop"}),
    ];
    let named = frames.iter().map(|frame| (text_field(frame, "type"), frame.clone()));
    (STREAM, events(named))
}
