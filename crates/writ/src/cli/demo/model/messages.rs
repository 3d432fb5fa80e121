//! Anthropic Messages, as Claude Code speaks it.

use serde_json::{Value, json};

use super::{Ask, JSON, Reply, STREAM, events, is_streamed, items, word};

pub(super) fn read(request: &Value) -> Ask {
    let parts = items(request, "messages").flat_map(|message| items(message, "content"));
    Ask {
        tools: items(request, "tools").map(|tool| word(tool, "name").to_owned()).collect(),
        results: parts.filter(|part| word(part, "type") == "tool_result").count(),
        stream: is_streamed(request),
        json: false,
    }
}

pub(super) fn write(ask: &Ask, reply: &Reply) -> (&'static str, String) {
    let (whole, opened, delta, reason) = match reply {
        Reply::Say(text) => (
            json!({"type": "text", "text": text}),
            json!({"type": "text", "text": ""}),
            json!({"type": "text_delta", "text": text}),
            "end_turn",
        ),
        Reply::Call { id, tool, arguments } => (
            json!({"type": "tool_use", "id": id, "name": tool, "input": arguments}),
            json!({"type": "tool_use", "id": id, "name": tool, "input": {}}),
            json!({"type": "input_json_delta", "partial_json": arguments.to_string()}),
            "tool_use",
        ),
    };
    let usage = json!({"input_tokens": 1, "output_tokens": 1});
    let message = |content: Value, stop: Value| {
        json!({"id": "msg_demo", "type": "message", "role": "assistant", "model": "scripted", "content": content,
               "stop_reason": stop, "stop_sequence": null, "usage": usage})
    };
    if !ask.stream {
        return (JSON, message(json!([whole]), json!(reason)).to_string());
    }
    let frames = [
        json!({"type": "message_start", "message": message(json!([]), Value::Null)}),
        json!({"type": "content_block_start", "index": 0, "content_block": opened}),
        json!({"type": "content_block_delta", "index": 0, "delta": delta}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": usage}),
        json!({"type": "message_stop"}),
    ];
    (STREAM, events(frames.iter().map(|frame| (Some(word(frame, "type")), frame.clone()))))
}
