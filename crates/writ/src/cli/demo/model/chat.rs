//! OpenAI Chat Completions, as OpenCode speaks it.

use serde_json::{Value, json};

use super::{Ask, JSON, Reply, STREAM, events, is_streamed, items, word};

pub(super) fn read(request: &Value) -> Ask {
    let function = |tool: &Value| tool.get("function").map(|function| word(function, "name").to_owned());
    Ask {
        tools: items(request, "tools").filter_map(function).collect(),
        results: items(request, "messages").filter(|message| word(message, "role") == "tool").count(),
        stream: is_streamed(request),
        json: false,
    }
}

pub(super) fn write(ask: &Ask, reply: &Reply) -> (&'static str, String) {
    let (message, reason) = match reply {
        Reply::Say(text) => (json!({"role": "assistant", "content": text}), "stop"),
        Reply::Call { id, tool, arguments } => {
            let function = json!({"name": tool, "arguments": arguments.to_string()});
            let call = json!({"index": 0, "id": id, "type": "function", "function": function});
            (json!({"role": "assistant", "content": null, "tool_calls": [call]}), "tool_calls")
        }
    };
    let frame = |object: &str, part: &str, said: &Value, ended: Value| {
        json!({"id": "chat_demo", "object": object, "created": 0, "model": "scripted",
               "choices": [{"index": 0, part: said, "finish_reason": ended}],
               "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})
    };
    if !ask.stream {
        return (JSON, frame("chat.completion", "message", &message, json!(reason)).to_string());
    }
    let chunk = "chat.completion.chunk";
    let mut text = events([
        (None, frame(chunk, "delta", &message, Value::Null)),
        (None, frame(chunk, "delta", &json!({}), json!(reason))),
    ]);
    text.push_str("data: [DONE]\n\n");
    (STREAM, text)
}
