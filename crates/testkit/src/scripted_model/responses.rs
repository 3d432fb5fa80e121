//! OpenAI Responses, with the two ways of offering tools that Codex uses: the `tools` array, and an input item of
//! type `additional_tools` for models that call tools from code.

use serde_json::{Value, json};

use super::ask::{Ask, Call, Input, Offer, Reply, Shape, ToolResult, flatten, items, text_field};
use super::event_stream::{JSON, STREAM, events};

pub(super) fn read(request: &Value) -> Ask {
    let mut ask = Ask { stream: request.get("stream") == Some(&Value::Bool(true)), ..Ask::default() };
    for tool in items(request, "tools") {
        offer(&mut ask, tool, None);
    }
    if let Some(text) = text_field(request, "input") {
        ask.prompts.push(text.to_owned());
    }
    for item in items(request, "input") {
        let kind = text_field(item, "type").unwrap_or("message");
        if kind == "additional_tools" {
            for tool in items(item, "tools") {
                offer(&mut ask, tool, None);
            }
        } else if kind.ends_with("_output") {
            ask.results.push(ToolResult {
                call_id: text_field(item, "call_id").unwrap_or_default().to_owned(),
                text: flatten(item.get("output")),
            });
        } else if text_field(item, "role") != Some("assistant") {
            ask.prompts.push(flatten(item.get("content")));
            // A subagent's task can come in an `agent_message`, in a part that a real model would decrypt.
            let sealed = items(item, "content").filter_map(|part| text_field(part, "encrypted_content"));
            ask.prompts.extend(sealed.map(str::to_owned));
        }
    }
    ask
}

fn offer(ask: &mut Ask, tool: &Value, namespace: Option<&str>) {
    let Some(name) = text_field(tool, "name") else {
        return;
    };
    let shape = match text_field(tool, "type") {
        Some("namespace") => {
            for inner in items(tool, "tools") {
                offer(ask, inner, Some(name));
            }
            return;
        }
        Some("custom") => Shape::Custom,
        Some("function") => Shape::Function(tool.get("parameters").cloned().unwrap_or(Value::Null)),
        _ => return,
    };
    ask.tools.push(Offer { namespace: namespace.map(str::to_owned), name: name.to_owned(), shape });
}

pub(super) fn write(ask: &Ask, model: &str, reply: &Reply) -> (&'static str, String) {
    let item = match reply {
        Reply::Say(text) => json!({
            "type": "message", "id": "msg_scripted", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": text, "annotations": []}],
        }),
        Reply::Call(call) => call_item(call),
    };
    let usage = json!({"input_tokens": 10, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 5,
                       "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 15});
    let response = |status: &str, output: Value, usage: &Value| {
        json!({"id": "resp_scripted", "object": "response", "created_at": 0, "status": status, "model": model,
               "output": output, "usage": usage})
    };
    let done = response("completed", json!([item]), &usage);
    if !ask.stream {
        return (JSON, done.to_string());
    }
    let mut frames = vec![
        json!({"type": "response.created", "response": response("in_progress", json!([]), &Value::Null)}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": item}),
    ];
    if let Reply::Say(text) = reply {
        frames
            .push(json!({"type": "response.output_text.delta", "item_id": "msg_scripted", "output_index": 0,
                           "content_index": 0, "delta": text}));
    }
    frames.push(json!({"type": "response.output_item.done", "output_index": 0, "item": item}));
    frames.push(json!({"type": "response.completed", "response": done}));
    let named = frames.iter().map(|frame| (text_field(frame, "type"), frame.clone()));
    (STREAM, events(named))
}

fn call_item(call: &Call) -> Value {
    let mut item = match &call.input {
        Input::Arguments(_) => {
            json!({"type": "function_call", "id": "fc_scripted", "arguments": call.input.as_text()})
        }
        Input::Text(text) => json!({"type": "custom_tool_call", "id": "ct_scripted", "input": text}),
    };
    if let Value::Object(fields) = &mut item {
        fields.insert("call_id".to_owned(), json!(call.id));
        fields.insert("name".to_owned(), json!(call.name));
        fields.insert("status".to_owned(), json!("completed"));
        if let Some(namespace) = &call.namespace {
            fields.insert("namespace".to_owned(), json!(namespace));
        }
    }
    item
}
