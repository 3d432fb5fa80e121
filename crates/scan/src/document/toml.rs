//! TOML. After an error the reader goes on where the next line makes sense.
//!
//! The parser builds the whole document before anybody can count it, and takes some hundred bytes for each mark of the
//! notation: a text of marks alone would take seventy times its length. So marks are counted before it is parsed, and what
//! comes after the most is cut off, at the end of a line, and told.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{DocumentError, Member, Node, Read, Reading, Value};

/// Most marks of the notation (quotation marks, brackets, commas, ends of lines and the like) that are read.
const MAX_MARKS: usize = 300_000;

pub(super) fn read(text: &str) -> Read {
    let cut = most(text);
    let is_cut = cut.len() < text.len();
    let mut read = whole(cut);
    // What stands after the cut explains everything else that is wrong.
    if is_cut {
        read.problem = Some(DocumentError::Values);
    }
    read
}

/// As many whole lines of a text as have no more marks than are read.
fn most(text: &str) -> &str {
    let (mut marks, mut end) = (0_usize, 0);
    for (at, byte) in text.bytes().enumerate() {
        if byte == b'\n' {
            end = at + 1;
        }
        marks += usize::from(b"\n\"'=,.[]{}#!".contains(&byte));
        if marks > MAX_MARKS {
            return text.get(..end).unwrap_or_default();
        }
    }
    text
}

fn whole(text: &str) -> Read {
    let reading = Reading::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let problem = errors
        .first()
        .map(|error| DocumentError::Syntax { line: error.span().map_or(1, |span| reading.line(span.start)) });
    let mut tree = Tree { reading, problem };
    let value = tree.members(table.get_ref(), 0);
    Read { node: Node { line: 1, value }, problem: tree.problem }
}

struct Tree {
    reading: Reading,
    problem: Option<DocumentError>,
}

// === impl Tree ===

impl Tree {
    fn members(&mut self, table: &DeTable<'_>, depth: usize) -> Value {
        let mut members = Vec::new();
        for (key, value) in table {
            let line = self.reading.line(key.span().start);
            if let Some(node) = self.convert(value, depth + 1) {
                members.push(Member { key: key.get_ref().to_string(), line, node });
            }
        }
        // The parser sorts by key; people read by line.
        members.sort_by_key(|member| member.line);
        Value::Map(members)
    }

    /// A value; `None` past a bound.
    fn convert(&mut self, from: &Spanned<DeValue<'_>>, depth: usize) -> Option<Node> {
        if let Err(problem) = self.reading.enter(depth) {
            self.problem.get_or_insert(problem);
            return None;
        }
        let value = match from.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => Value::Number(number.to_string()),
            DeValue::Float(number) => Value::Number(number.to_string()),
            DeValue::Boolean(truth) => Value::Bool(*truth),
            DeValue::Datetime(time) => Value::Text(time.to_string()),
            DeValue::Array(items) => {
                Value::List(items.iter().filter_map(|item| self.convert(item, depth + 1)).collect())
            }
            DeValue::Table(table) => self.members(table, depth),
        };
        Some(Node { line: self.reading.line(from.span().start), value })
    }
}
