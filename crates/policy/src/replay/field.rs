//! Members of the JSON of a chain.

use serde_json::{Map, Value};

/// The first of several names that is there and is a text.
pub(super) fn text<'a>(members: &'a Map<String, Value>, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| members.get(*name)?.as_str())
}

/// The texts of a list, or one text alone. `None` where the member is missing or null.
pub(super) fn list<'a>(members: &'a Map<String, Value>, name: &str) -> Option<Vec<&'a Value>> {
    match members.get(name)? {
        Value::Null => None,
        Value::Array(entries) => Some(entries.iter().collect()),
        one => Some(vec![one]),
    }
}

pub(super) fn object<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    members.get(name)?.as_object()
}

/// A flag that is true, however it is written.
pub(super) fn is_set(members: &Map<String, Value>, name: &str) -> bool {
    match members.get(name) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => {
            matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1")
        }
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => false,
    }
}
