//! Calls that were named with their arguments.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One call of an MCP tool that may be made, with exactly these arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExactCall {
    pub server: String,
    pub tool: String,
    #[serde(default)]
    pub arguments: Map<String, Value>,
}

// === impl ExactCall ===

impl ExactCall {
    /// Whether a call is this one. No arguments at all are the same as an empty object.
    pub fn is(&self, server: &str, tool: &str, arguments: &Value) -> bool {
        let same = match arguments {
            Value::Object(given) => same_members(&self.arguments, given),
            Value::Null => self.arguments.is_empty(),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => false,
        };
        self.server == server && self.tool == tool && same
    }
}

/// Equality of two JSON values, numbers by what they are worth: `4`, `4.0` and `4e0` are the same.
///
/// Whole numbers of 64 bits are compared exactly; others as double precision floats, which is what JSON readers make
/// of them.
pub fn same_value(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_i128(), other.as_i128()) {
            (Some(one), Some(other)) => one == other,
            _ => one.as_f64().zip(other.as_f64()).is_some_and(|(one, other)| one == other),
        },
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_value(one, other))
        }
        (Value::Object(one), Value::Object(other)) => same_members(one, other),
        (Value::Null | Value::Bool(_) | Value::String(_), _) => one == other,
        (Value::Number(_) | Value::Array(_) | Value::Object(_), _) => false,
    }
}

fn same_members(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    one.len() == other.len()
        && one.iter().all(|(name, value)| other.get(name).is_some_and(|given| same_value(value, given)))
}
