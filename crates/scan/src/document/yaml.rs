//! YAML 1.2 by the core schema, built from parser events without recursion. An alias is copied, and its copy counts
//! against the bound on values, so that a few lines cannot become gigabytes.

use std::collections::BTreeMap;

use granit_parser::{Event, Options, Parser, ScalarStyle};

use super::{DocumentError, MAX_DEPTH, MAX_NODES, Member, Node, Value};

/// A collection whose end has not come yet.
enum Open {
    List { line: u32, anchor: usize, items: Vec<Node> },
    Map { line: u32, anchor: usize, members: Vec<Member>, key: Option<(String, u32)> },
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: BTreeMap<usize, (Node, usize)>,
    values: usize,
    root: Option<Node>,
}

/// Reads the first document of a stream; templates with several are rare, and their first says what they are.
pub(super) fn parse(text: &str) -> Result<Node, DocumentError> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut builder = Builder::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) =
            event.map_err(|error| DocumentError::Syntax { line: line(error.marker().line()) })?;
        let at = line(span.start.line());
        match event {
            Event::Scalar(text, style, anchor, _) => builder.add(scalar(&text, style), at, anchor)?,
            Event::SequenceStart(_, anchor, _) => {
                builder.enter(Open::List { line: at, anchor, items: Vec::new() })?;
            }
            Event::MappingStart(_, anchor, _) => {
                builder.enter(Open::Map { line: at, anchor, members: Vec::new(), key: None })?;
            }
            Event::SequenceEnd | Event::MappingEnd => builder.leave()?,
            Event::Alias(anchor) => builder.alias(anchor, at)?,
            Event::DocumentEnd if builder.root.is_some() => break,
            // Nothing else says anything about values.
            _ => {}
        }
    }
    Ok(builder.root.unwrap_or(Node { line: 1, value: Value::Map(Vec::new()) }))
}

// === impl Builder ===

impl Builder {
    fn enter(&mut self, open: Open) -> Result<(), DocumentError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(DocumentError::Depth);
        }
        self.count(1)?;
        self.open.push(open);
        Ok(())
    }

    fn count(&mut self, values: usize) -> Result<(), DocumentError> {
        self.values = self.values.saturating_add(values);
        if self.values > MAX_NODES { Err(DocumentError::Values) } else { Ok(()) }
    }

    fn add(&mut self, value: Value, line: u32, anchor: usize) -> Result<(), DocumentError> {
        self.count(1)?;
        self.place(Node { line, value }, anchor, 1);
        Ok(())
    }

    fn leave(&mut self) -> Result<(), DocumentError> {
        let (node, anchor) = match self.open.pop() {
            Some(Open::List { line, anchor, items }) => (Node { line, value: Value::List(items) }, anchor),
            Some(Open::Map { line, anchor, members, .. }) => {
                (Node { line, value: Value::Map(merged(members)) }, anchor)
            }
            None => return Err(DocumentError::Syntax { line: 1 }),
        };
        let size = if anchor == 0 { 0 } else { size(&node) };
        self.place(node, anchor, size);
        Ok(())
    }

    fn alias(&mut self, anchor: usize, line: u32) -> Result<(), DocumentError> {
        let Some((node, size)) = self.anchors.get(&anchor) else {
            return Err(DocumentError::Syntax { line });
        };
        // Counted before it is copied.
        let (size, depth) = (*size, depth(node));
        if self.open.len() + depth > MAX_DEPTH {
            return Err(DocumentError::Depth);
        }
        self.count(size)?;
        let Some((node, _)) = self.anchors.get(&anchor) else { return Ok(()) };
        let node = Node { line, value: node.value.clone() };
        self.place(node, 0, size);
        Ok(())
    }

    fn place(&mut self, node: Node, anchor: usize, size: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size));
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

fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::List(items) => items.iter().map(size).sum(),
        Value::Map(members) => members.iter().map(|member| size(&member.node)).sum(),
        Value::Bool(_) | Value::Null | Value::Number(_) | Value::Text(_) => 0,
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
