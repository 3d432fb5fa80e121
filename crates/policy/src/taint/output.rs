//! What a tool gave back, as the client tells it: a claim, that can raise a taint and never lower one.

use serde_json::Value;

/// Most bytes of one answer that are compared with what is written later.
const ANSWER_BYTES: usize = 1 << 20;
/// How deep an answer's JSON is read.
const DEPTH: usize = 64;

/// What came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claim<'a> {
    /// The answer, as JSON or as plain text; none where the client does not say.
    pub output: Option<&'a str>,
    /// Somebody who can see the answer says that strangers wrote it.
    pub untrusted: bool,
}

/// The texts of an answer, and whether they are all.
pub(super) struct Texts {
    pub texts: Vec<String>,
    pub whole: bool,
}

// === impl Claim ===

impl Claim<'_> {
    /// The texts of the answer. Escapes of JSON are taken off, so that a quoted text equals the same text in a file.
    pub(super) fn texts(&self) -> Texts {
        let Some(output) = self.output else { return Texts { texts: Vec::new(), whole: false } };
        let kept = output.get(..output.floor_char_boundary(ANSWER_BYTES)).unwrap_or_default();
        let whole = kept.len() == output.len();
        match serde_json::from_str::<Value>(kept) {
            Ok(value) => {
                let mut texts = Vec::new();
                let deep = !gather(value, DEPTH, &mut texts);
                Texts { texts, whole: whole && !deep }
            }
            Err(_) => Texts { texts: vec![kept.to_owned()], whole },
        }
    }
}

/// False where the value is deeper than is read.
fn gather(value: Value, depth: usize, texts: &mut Vec<String>) -> bool {
    if depth == 0 {
        return false;
    }
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => {
            // Tools of MCP servers often answer JSON in JSON.
            match serde_json::from_str::<Value>(&text) {
                Ok(inner @ (Value::Array(_) | Value::Object(_))) => gather(inner, depth - 1, texts),
                Ok(_) | Err(_) => {
                    texts.push(text);
                    true
                }
            }
        }
        Value::Array(members) => {
            members.into_iter().map(|member| gather(member, depth - 1, texts)).filter(|whole| !whole).count()
                == 0
        }
        Value::Object(members) => {
            members
                .into_iter()
                .map(|(_, member)| gather(member, depth - 1, texts))
                .filter(|whole| !whole)
                .count()
                == 0
        }
    }
}
