//! Credentials within the texts of a document that no name tells of: in a command that is allowed, a hook, the address of a
//! webhook, a whole file in one variable. The detector of secrets finds them as it does in any other text.

use crate::credential_name::is_real;
use crate::document::{Node, Value};
use crate::secret::Detector;

use super::HardCoded;

/// Stands between two texts: no word reaches for a value across it.
const APART: &[u8] = b"\n\0\n";
/// Shortest name of a member that could hold more than a name.
const LONG_KEY: usize = 20;

/// All texts of a document in one, and where each begins.
#[derive(Default)]
struct Texts<'a> {
    bytes: Vec<u8>,
    starts: Vec<Start<'a>>,
}

struct Start<'a> {
    at: usize,
    /// The text without its name.
    text: std::ops::Range<usize>,
    line: u32,
    key: &'a str,
}

/// Adds what stands in texts below a node. A line is told once, but for one that holds a whole document.
pub(crate) fn embedded(node: &Node, found: &mut Vec<HardCoded>) {
    let mut texts = Texts::default();
    texts.collect("", node);
    let is_one_line = texts.starts.iter().all(|start| start.line <= 1);
    for finding in Detector::shipped().find(&texts.bytes) {
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let value = texts.bytes.get(place(finding.start)..place(finding.end)).unwrap_or_default();
        let index = texts.starts.partition_point(|start| start.at <= place(finding.start));
        let Some(start) = index.checked_sub(1).and_then(|index| texts.starts.get(index)) else { continue };
        // Where a word alone says so, what people write in place of a credential is none here either.
        let text = String::from_utf8_lossy(value);
        if finding.is_public() || !finding.has_format() && !is_real("password", &text) {
            continue;
        }
        // A name can be a credential itself.
        let is_name = !start.key.is_empty() && Detector::shipped().find(start.key.as_bytes()).is_empty();
        let name = if is_name { start.key } else { "value" };
        let one = HardCoded::new(start.line, name, value);
        // In a document of one line, what a name told of this text.
        let text = texts.bytes.get(start.text.clone()).unwrap_or_default();
        let after = text.iter().position(|byte| b"=:".contains(byte)).and_then(|at| text.get(at + 1..));
        let bits = [Some(value), Some(text), after, after.map(<[u8]>::trim_ascii)]
            .map(|part| part.map(crate::secret::value_bits));
        let told = |known: &HardCoded| {
            known.line == one.line
                && (!is_one_line || known.name == one.name || bits.contains(&Some(known.same)))
        };
        if !found.iter().any(told) {
            found.push(one);
        }
    }
    zeroize::Zeroize::zeroize(&mut texts.bytes);
}

// === impl Texts ===

impl<'a> Texts<'a> {
    fn collect(&mut self, key: &'a str, node: &'a Node) {
        match &node.value {
            Value::Text(text) => self.member(key, text, node.line),
            Value::List(items) => {
                for item in items {
                    match &item.value {
                        Value::Text(text) => self.add(key, &[text], item.line),
                        Value::Bool(_) | Value::List(_) | Value::Map(_) | Value::Null | Value::Number(_) => {
                            self.collect(key, item)
                        }
                    }
                }
            }
            Value::Map(members) => {
                // A variable as an entry of a list.
                if let (Some(name), Some(value)) = (node.get("name").and_then(Node::text), node.get("value"))
                    && let Some(text) = value.text()
                {
                    self.member(name, text, value.line);
                }
                for member in members {
                    if member.key.len() >= LONG_KEY {
                        self.add(key, &[&member.key], member.line);
                    }
                    self.collect(&member.key, &member.node);
                }
            }
            Value::Bool(_) | Value::Null | Value::Number(_) => {}
        }
    }

    /// A text under a name.
    fn member(&mut self, key: &'a str, text: &str, line: u32) {
        let is_name = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        if is_name && !key.is_empty() {
            self.add(key, &[key, "=", text], line);
        } else {
            self.add(key, &[text], line);
        }
    }

    fn add(&mut self, key: &'a str, parts: &[&str], line: u32) {
        let at = self.bytes.len();
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part.as_bytes()));
        let last = parts.last().map_or(0, |part| part.len());
        self.starts.push(Start { at, text: self.bytes.len() - last..self.bytes.len(), line, key });
        self.bytes.extend_from_slice(APART);
    }
}
