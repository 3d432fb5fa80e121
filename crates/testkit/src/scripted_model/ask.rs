//! A model request and its answer, stripped of the wire format.

use serde_json::{Map, Value};

/// What a script needs to know of a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Ask {
    pub(super) tools: Vec<Offer>,
    pub(super) results: Vec<ToolResult>,
    /// The texts that the user's side wrote: prompts, reminders, a subagent's task.
    pub(super) prompts: Vec<String>,
    pub(super) stream: bool,
    /// The client wants a JSON document and not prose.
    pub(super) json: bool,
}

/// A tool result as the model was given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolResult {
    /// Empty where the wire format has none.
    pub call_id: String,
    pub text: String,
}

/// A tool that the client offers.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    pub(super) shape: Shape,
}

#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// Takes free text.
    Custom,
    /// Takes JSON arguments by this schema.
    Function(Value),
}

#[derive(Clone, Debug)]
pub(super) enum Reply {
    Call(Call),
    Say(String),
}

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    pub(super) input: Input,
}

#[derive(Clone, Debug)]
pub(super) enum Input {
    Arguments(Map<String, Value>),
    Text(String),
}

// === impl Offer ===

impl Offer {
    pub(super) fn function(name: &str, schema: Option<&Value>) -> Self {
        let schema = schema.cloned().unwrap_or(Value::Null);
        Self { namespace: None, name: name.to_owned(), shape: Shape::Function(schema) }
    }

    pub(super) fn full_name(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}::{}", self.name),
            None => self.name.clone(),
        }
    }

    pub(super) fn has_property(&self, name: &str) -> bool {
        self.properties().is_some_and(|properties| properties.contains_key(name))
    }

    pub(super) fn properties(&self) -> Option<&Map<String, Value>> {
        match &self.shape {
            Shape::Custom => None,
            Shape::Function(schema) => schema.get("properties").and_then(Value::as_object),
        }
    }

    pub(super) fn required(&self) -> impl Iterator<Item = &str> {
        let names = match &self.shape {
            Shape::Custom => None,
            Shape::Function(schema) => schema.get("required").and_then(Value::as_array),
        };
        names.into_iter().flatten().filter_map(Value::as_str)
    }
}

// === impl Input ===

impl Input {
    pub(super) fn as_json(&self) -> Value {
        match self {
            Self::Arguments(arguments) => Value::Object(arguments.clone()),
            Self::Text(text) => Value::String(text.clone()),
        }
    }

    pub(super) fn as_text(&self) -> String {
        match self {
            Self::Arguments(arguments) => Value::Object(arguments.clone()).to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// The items of an array field; nothing where it is absent or of another kind.
pub(super) fn items<'v>(value: &'v Value, field: &str) -> impl Iterator<Item = &'v Value> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}

pub(super) fn text_field<'v>(value: &'v Value, field: &str) -> Option<&'v str> {
    value.get(field).and_then(Value::as_str)
}

/// The text of a content that is a string, or a list of parts with a `text`; else its JSON.
pub(super) fn flatten(content: Option<&Value>) -> String {
    match content {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| text_field(part, "text")).collect();
            texts.join("\n")
        }
        Some(other) => other.to_string(),
    }
}
