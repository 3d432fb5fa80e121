//! YAML 1.2 by the core schema, built from parser events without recursion. An alias is copied, and its copy counts
//! against the bounds on values and on bytes, so that a few lines cannot become gigabytes.

use std::collections::BTreeMap;

use granit_parser::{Event, Options, Parser, ScalarStyle};

use super::{DocumentError, MAX_BYTES, MAX_DEPTH, MAX_NODES, Member, Node, Read, Value};

/// Most bytes of texts, those that an anchor keeps and those of each alias counted.
const MAX_TEXTS: usize = 4 * MAX_BYTES;

/// A collection whose end has not come yet.
enum Open {
    List { line: u32, anchor: usize, items: Vec<Node> },
    Map { line: u32, anchor: usize, members: Vec<Member>, key: Option<(String, u32)> },
}

/// Values, and bytes of their texts.
#[derive(Clone, Copy, Default)]
struct Size {
    values: usize,
    bytes: usize,
}

// === impl Size ===

impl Size {
    const fn and(self, other: Self) -> Self {
        Self {
            values: self.values.saturating_add(other.values),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    const fn is_too_large(self) -> bool {
        self.values > MAX_NODES || self.bytes > MAX_TEXTS
    }
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    /// Collections that are open below the deepest that is kept.
    passed_by: usize,
    anchors: BTreeMap<usize, (Node, Size)>,
    size: Size,
    root: Option<Node>,
    problem: Option<DocumentError>,
}

/// Reads the first document of a stream; templates with several are rare, and their first says what they are. At an
/// error, what was read until then is kept.
pub(super) fn read(text: &str) -> Read {
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut builder = Builder::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                builder.problem.get_or_insert(DocumentError::Syntax { line: line(error.marker().line()) });
                break;
            }
        };
        let at = line(span.start.line());
        match event {
            Event::Scalar(text, style, anchor, _) => builder.add(scalar(&text, style), at, anchor),
            Event::SequenceStart(_, anchor, _) => {
                builder.enter(Open::List { line: at, anchor, items: Vec::new() });
            }
            Event::MappingStart(_, anchor, _) => {
                builder.enter(Open::Map { line: at, anchor, members: Vec::new(), key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => builder.leave(at),
            Event::Alias(anchor) => builder.alias(anchor, at),
            Event::DocumentEnd if builder.root.is_some() => break,
            // Nothing else says anything about values.
            _ => {}
        }
        if builder.size.is_too_large() {
            builder.problem.get_or_insert(DocumentError::Values);
            break;
        }
    }
    builder.finish()
}

// === impl Builder ===

impl Builder {
    fn enter(&mut self, open: Open) {
        if self.passed_by > 0 || self.open.len() >= MAX_DEPTH {
            self.problem.get_or_insert(DocumentError::Depth);
            self.passed_by += 1;
            return;
        }
        self.size.values += 1;
        self.open.push(open);
    }

    fn add(&mut self, value: Value, line: u32, anchor: usize) {
        if self.passed_by == 0 {
            let node = Node { line, value };
            self.size = self.size.and(size(&node));
            self.place(node, anchor);
        }
    }

    fn leave(&mut self, line: u32) {
        if self.passed_by > 0 {
            self.passed_by -= 1;
            // Its place is kept, so that keys and values stay pairs.
            if self.passed_by == 0 {
                self.place(Node { line, value: Value::Null }, 0);
            }
            return;
        }
        let (node, anchor) = match self.open.pop() {
            Some(Open::List { line, anchor, items }) => (Node { line, value: Value::List(items) }, anchor),
            Some(Open::Map { line, anchor, members, .. }) => {
                (Node { line, value: Value::Map(merged(members)) }, anchor)
            }
            None => return,
        };
        self.place(node, anchor);
    }

    fn alias(&mut self, anchor: usize, line: u32) {
        if self.passed_by > 0 {
            return;
        }
        // Counted before it is copied; what would pass a bound is nothing.
        let copy = match self.anchors.get(&anchor) {
            None => Err(DocumentError::Syntax { line }),
            Some((node, _)) if self.open.len() + depth(node) > MAX_DEPTH => Err(DocumentError::Depth),
            Some((_, size)) if self.size.and(*size).is_too_large() => Err(DocumentError::Values),
            Some((node, size)) => Ok((node.value.clone(), *size)),
        };
        let (value, size) = copy.unwrap_or_else(|problem| {
            self.problem.get_or_insert(problem);
            (Value::Null, Size { values: 1, bytes: 0 })
        });
        self.size = self.size.and(size);
        self.place(Node { line, value }, 0);
    }

    fn place(&mut self, node: Node, anchor: usize) {
        if anchor != 0 {
            let size = size(&node);
            self.size = self.size.and(Size { values: 0, ..size });
            if !self.size.is_too_large() {
                self.anchors.insert(anchor, (node.clone(), size));
            }
        }
        match self.open.last_mut() {
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { members, key, .. }) => match key.take() {
                Some((key, line)) => members.push(Member { key, line, node }),
                // A key that is itself a collection cannot be asked for; it keeps its place under no name.
                None => *key = Some((node.scalar().unwrap_or_default(), node.line)),
            },
            None => self.root = Some(node),
        }
    }

    /// What was read, collections without an end closed.
    fn finish(mut self) -> Read {
        self.passed_by = 0;
        while !self.open.is_empty() {
            self.leave(1);
        }
        let node = self.root.unwrap_or(Node { line: 1, value: Value::Map(Vec::new()) });
        Read { node, problem: self.problem }
    }
}

/// `<<` takes the members of another map, those beside it first.
fn merged(members: Vec<Member>) -> Vec<Member> {
    if members.iter().all(|member| member.key != "<<") {
        return members;
    }
    let mut from = Vec::new();
    let mut own = Vec::new();
    for member in members {
        if member.key != "<<" {
            own.push(member);
            continue;
        }
        match member.node.value {
            Value::Map(others) => from.extend(others),
            Value::List(maps) => maps.into_iter().rev().for_each(|map| {
                if let Value::Map(others) = map.value {
                    from.extend(others);
                }
            }),
            Value::Bool(_) | Value::Null | Value::Number(_) | Value::Text(_) => {}
        }
    }
    from.extend(own);
    from
}

fn size(node: &Node) -> Size {
    let own = Size { values: 1, bytes: 0 };
    match &node.value {
        Value::List(items) => items.iter().map(size).fold(own, Size::and),
        Value::Map(members) => members.iter().fold(own, |all, member| {
            all.and(size(&member.node)).and(Size { values: 0, bytes: member.key.len() })
        }),
        Value::Number(text) | Value::Text(text) => Size { values: 1, bytes: text.len() },
        Value::Bool(_) | Value::Null => own,
    }
}

fn depth(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Map(members) => 1 + members.iter().map(|member| depth(&member.node)).max().unwrap_or(0),
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::Text(_) => 0,
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    if !matches!(style, ScalarStyle::Plain) {
        return Value::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eExXo_".contains(&byte))
            && text.parse::<f64>().is_ok() =>
        {
            Value::Number(text.to_owned())
        }
        _ => Value::Text(text.to_owned()),
    }
}

fn line(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
