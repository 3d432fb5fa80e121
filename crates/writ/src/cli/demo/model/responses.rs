//! OpenAI Responses, as Codex speaks it to a model whose name it does not know.

use serde_json::{Value, json};

use super::{Ask, JSON, Reply, STREAM, events, is_streamed, items, word};

pub(super) fn read(request: &Value) -> Ask {
    Ask {
        tools: items(request, "tools")
            .filter(|tool| word(tool, "type") == "function")
            .map(|tool| word(tool, "name").to_owned())
            .collect(),
        results: items(request, "input").filter(|item| word(item, "type") == "function_call_output").count(),
        stream: is_streamed(request),
        json: false,
    }
}

pub(super) fn write(ask: &Ask, reply: &Reply) -> (&'static str, String) {
    let item = match reply {
        Reply::Say(text) => {
            json!({"type": "message", "id": "msg_demo", "role": "assistant", "status": "completed",
                                   "content": [{"type": "output_text", "text": text, "annotations": []}]})
        }
        Reply::Call { id, tool, arguments } => {
            json!({"type": "function_call", "id": format!("fc_{id}"), "call_id": id, "name": tool,
                   "arguments": arguments.to_string(), "status": "completed"})
        }
    };
    let response = |status: &str, output: Value| {
        json!({"id": "resp_demo", "object": "response", "created_at": 0, "status": status, "model": "scripted",
               "output": output, "usage": {"input_tokens": 1, "input_tokens_details": {"cached_tokens": 0},
               "output_tokens": 1, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 2}})
    };
    let done = response("completed", json!([item]));
    if !ask.stream {
        return (JSON, done.to_string());
    }
    let frames = [
        json!({"type": "response.created", "response": response("in_progress", json!([]))}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": item}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": done}),
    ];
    (STREAM, events(frames.iter().map(|frame| (Some(word(frame, "type")), frame.clone()))))
}
