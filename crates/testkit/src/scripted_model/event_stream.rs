//! Server-sent events, and the two content types that a model answers in.

use serde_json::Value;

pub(super) const JSON: &str = "application/json";
pub(super) const STREAM: &str = "text/event-stream";

/// One event after the other; the name is left out where the format has none.
pub(super) fn events<'e>(events: impl IntoIterator<Item = (Option<&'e str>, Value)>) -> String {
    let mut text = String::new();
    for (name, data) in events {
        if let Some(name) = name {
            text.push_str("event: ");
            text.push_str(name);
            text.push('\n');
        }
        text.push_str("data: ");
        text.push_str(&data.to_string());
        text.push_str("\n\n");
    }
    text
}
