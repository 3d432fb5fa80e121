//! One tree for HCL, JSON, JSONC, TOML, YAML and some XML, with the line of each value, so that every finding can cite its place.
//!
//! What is read is untrusted. Past [`MAX_BYTES`], deeper than [`MAX_DEPTH`] or after [`MAX_NODES`] values (each use of a
//! YAML alias counts its whole copy) it is passed by: [`read`] gives what could be read and says that there was more,
//! [`parse`] refuses the whole.

use thiserror::Error;

mod hcl;
mod json;
mod toml;
mod xml;
mod yaml;

#[cfg(test)]
mod tests;

/// Longest text that is read as a document, in bytes.
pub const MAX_BYTES: usize = 4 << 20;
/// The same for JSON, which some clients fill with what they remember.
pub const MAX_JSON_BYTES: usize = 16 << 20;
/// Most items kept of one list or map of JSON, so that one that is long leaves room for what comes after it.
pub const MAX_ITEMS: usize = 20_000;
/// Most values in one document, aliases expanded.
pub const MAX_NODES: usize = 200_000;
/// Most documents of one YAML stream.
pub const MAX_DOCUMENTS: usize = 500;
/// Deepest nesting of lists and maps.
pub const MAX_DEPTH: usize = 100;

/// A value and the line (from 1) at which it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub line: u32,
    pub value: Value,
}

/// What a document can hold. Numbers keep their spelling.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Bool(bool),
    List(Vec<Node>),
    Map(Vec<Member>),
    Null,
    Number(String),
    Text(String),
}

/// One member of a map; duplicates are kept in order, and the last one counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub key: String,
    pub line: u32,
    pub node: Node,
}

/// The notation of a document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Notation {
    /// As Terraform writes it: blocks are maps by their labels, `jsonencode(…)` is what it encodes, and other
    /// expressions are texts within `${…}`.
    Hcl,
    /// JSON with comments and trailing commas.
    Json,
    Toml,
    /// As JetBrains's editors write it, and of that the MCP servers alone.
    Xml,
    Yaml,
}

/// Why a text is no document.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum DocumentError {
    #[error("it is nested more than {MAX_DEPTH} deep")]
    Depth,
    #[error("it cannot be read, at line {line}")]
    Syntax { line: u32 },
    #[error("it holds more than {MAX_NODES} values")]
    Values,
    #[error("it is longer than is read")]
    Length,
}

/// What could be read of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    pub node: Node,
    /// Why there may be more in it.
    pub problem: Option<DocumentError>,
}

/// Longest text of a notation that is read.
pub(crate) fn most_bytes(notation: Notation) -> usize {
    match notation {
        Notation::Json => MAX_JSON_BYTES,
        Notation::Hcl | Notation::Toml | Notation::Xml | Notation::Yaml => MAX_BYTES,
    }
}

/// Reads a whole document. An empty text is an empty map.
///
/// # Errors
///
/// [`DocumentError`] when the bytes are not that notation, or pass a bound.
pub fn parse(bytes: &[u8], notation: Notation) -> Result<Node, DocumentError> {
    let read = read(bytes, notation);
    match read.problem {
        Some(problem) => Err(problem),
        None => Ok(read.node),
    }
}

/// Reads what can be read of a document, and says whether that is all. Bytes that are no UTF-8 become U+FFFD, as most
/// clients read them.
pub fn read(bytes: &[u8], notation: Notation) -> Read {
    let most = most_bytes(notation);
    let text = String::from_utf8_lossy(bytes.get(..most).unwrap_or(bytes));
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut read = if text.trim().is_empty() {
        Read { node: Node { line: 1, value: Value::Map(Vec::new()) }, problem: None }
    } else {
        match notation {
            Notation::Hcl => match hcl::parse(text) {
                Ok(node) => Read { node, problem: None },
                Err(problem) => {
                    Read { node: Node { line: 1, value: Value::Map(Vec::new()) }, problem: Some(problem) }
                }
            },
            Notation::Json => json::read(text),
            Notation::Toml => toml::read(text),
            Notation::Xml => xml::read(text),
            Notation::Yaml => yaml::read(text),
        }
    };
    // What stands after the cut explains everything else that is wrong.
    if bytes.len() > most {
        read.problem = Some(DocumentError::Length);
    }
    read
}

/// The front matter of a markdown file: what stands between `---` lines at its head, if anything does.
///
/// People write it by hand, and clients take much that is no YAML: where the whole cannot be read, each member is read
/// by itself, and one that cannot be is the text after its name.
pub fn front_matter(bytes: &[u8]) -> Option<Node> {
    let text = String::from_utf8_lossy(bytes.get(..MAX_BYTES).unwrap_or(bytes));
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let rest = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n"))?;
    let end = rest.match_indices("\n---").map(|(at, _)| at).find(|at| {
        rest.get(at + 4..).is_some_and(|after| after.is_empty() || after.starts_with(['\n', '\r']))
    })?;
    let rest = rest.get(..=end)?;
    let mut node = parse(rest.as_bytes(), Notation::Yaml).unwrap_or_else(|_| by_member(rest));
    node.shift(1);
    Some(node)
}

/// Reads each member at the left edge by itself.
fn by_member(text: &str) -> Node {
    let mut blocks: Vec<(u32, String)> = Vec::new();
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let begins = line.starts_with(|first: char| !first.is_whitespace() && !"#-]}".contains(first));
        match blocks.last_mut().filter(|_| !begins) {
            Some((_, block)) => block.push_str(line),
            None => blocks.push((u32::try_from(number).unwrap_or(u32::MAX), line.to_owned())),
        }
    }
    let mut members = Vec::new();
    for (line, block) in blocks.into_iter().take(MAX_ITEMS) {
        match parse(block.as_bytes(), Notation::Yaml) {
            Ok(mut node) => {
                node.shift(line);
                if let Value::Map(own) = node.value {
                    members.extend(own);
                }
            }
            Err(_) => {
                if let Some((key, value)) = block.split_once(':') {
                    let (line, value) = (line.saturating_add(1), Value::Text(value.trim().to_owned()));
                    members.push(Member { key: key.to_owned(), line, node: Node { line, value } });
                }
            }
        }
    }
    Node { line: 1, value: Value::Map(members) }
}

/// Reads each document of a YAML stream; what cannot be read of them is counted, as are those after the first
/// [`MAX_DOCUMENTS`].
pub fn parse_stream(bytes: &[u8]) -> (Vec<Node>, usize) {
    let text = String::from_utf8_lossy(bytes);
    let (mut read, mut refused, mut seen, mut from, mut at, mut line) = (Vec::new(), 0, 0, 0, 0, 0_u32);
    let mut first = 0;
    let mut take = |part: &str, first: u32| {
        if part.trim().is_empty() {
            return;
        }
        seen += 1;
        match parse(part.as_bytes(), Notation::Yaml) {
            Ok(mut node) if seen <= MAX_DOCUMENTS => {
                node.shift(first);
                read.push(node);
            }
            Ok(_) | Err(_) => refused += 1,
        }
    };
    for each in text.split_inclusive('\n') {
        // At the left edge these three can stand in no text and no comment.
        if each.strip_prefix("---").is_some_and(|rest| rest.trim().is_empty() || rest.starts_with(" #")) {
            take(text.get(from..at).unwrap_or(""), first);
            from = at + each.len();
            first = line + 1;
        }
        at += each.len();
        line = line.saturating_add(1);
    }
    take(text.get(from..).unwrap_or(""), first);
    (read, refused)
}

// === impl Node ===

impl Node {
    /// The member of a map; `None` when this is no map or has no such member.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.members().iter().rev().find(|member| member.key == key).map(|member| &member.node)
    }

    /// The value at a path of members.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The member as written `a.b.c`, whether the dots are nesting or part of the name, as editors allow both.
    pub fn setting(&self, name: &str) -> Option<&Self> {
        if let Some(node) = self.get(name) {
            return Some(node);
        }
        name.match_indices('.').find_map(|(dot, _)| {
            let (head, tail) = (name.get(..dot)?, name.get(dot + 1..)?);
            self.get(head)?.setting(tail)
        })
    }

    /// The members of a map; none of anything else.
    pub fn members(&self) -> &[Member] {
        match &self.value {
            Value::Map(members) => members,
            Value::Bool(_) | Value::List(_) | Value::Null | Value::Number(_) | Value::Text(_) => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Bool(_) | Value::Map(_) | Value::Null | Value::Number(_) | Value::Text(_) => &[],
        }
    }

    /// A text. Numbers and truth values are none.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Bool(_) | Value::List(_) | Value::Map(_) | Value::Null | Value::Number(_) => None,
        }
    }

    /// A scalar as its text.
    pub fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) | Value::Number(text) => Some(text.clone()),
            Value::Bool(truth) => Some(truth.to_string()),
            Value::List(_) | Value::Map(_) | Value::Null => None,
        }
    }

    /// A truth value; also `"true"` and `"false"` in quotes, which several clients take.
    pub fn truth(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(truth) => Some(*truth),
            Value::Text(text) if text == "true" => Some(true),
            Value::Text(text) if text == "false" => Some(false),
            Value::Text(_) | Value::List(_) | Value::Map(_) | Value::Null | Value::Number(_) => None,
        }
    }

    pub fn is_true(&self) -> bool {
        self.truth() == Some(true)
    }

    pub fn is_map(&self) -> bool {
        matches!(self.value, Value::Map(_))
    }

    /// The texts of a list of texts, or the one text.
    pub fn texts(&self) -> Vec<&str> {
        match &self.value {
            Value::Text(text) => vec![text],
            Value::List(items) => items.iter().filter_map(Self::text).collect(),
            Value::Bool(_) | Value::Map(_) | Value::Null | Value::Number(_) => Vec::new(),
        }
    }

    /// Every text below this value, with its line and the key nearest above it.
    pub fn each_text<'a>(&'a self, see: &mut dyn FnMut(&'a str, &'a str, u32)) {
        self.each_text_below("", see);
    }

    fn each_text_below<'a>(&'a self, key: &'a str, see: &mut dyn FnMut(&'a str, &'a str, u32)) {
        match &self.value {
            Value::Text(text) => see(key, text, self.line),
            Value::List(items) => items.iter().for_each(|item| item.each_text_below(key, see)),
            Value::Map(members) => {
                for member in members {
                    member.node.each_text_below(&member.key, see);
                }
            }
            Value::Bool(_) | Value::Null | Value::Number(_) => {}
        }
    }

    /// The same as it stands in another text, whose line `line` is its first.
    pub(crate) fn below(mut self, line: u32) -> Self {
        self.shift(line.saturating_sub(1));
        self
    }

    fn shift(&mut self, lines: u32) {
        self.line = self.line.saturating_add(lines);
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.shift(lines)),
            Value::Map(members) => {
                for member in members {
                    member.line = member.line.saturating_add(lines);
                    member.node.shift(lines);
                }
            }
            Value::Bool(_) | Value::Null | Value::Number(_) | Value::Text(_) => {}
        }
    }
}

/// The reading of one text: its lines, and how much of it was read.
struct Reading {
    lines: Lines,
    count: usize,
}

// === impl Reading ===

impl Reading {
    fn of(text: &str) -> Self {
        Self { lines: Lines::of(text), count: 0 }
    }

    /// Counts one more value at this depth.
    fn enter(&mut self, depth: usize) -> Result<(), DocumentError> {
        self.count += 1;
        if self.count > MAX_NODES {
            return Err(DocumentError::Values);
        }
        if depth > MAX_DEPTH { Err(DocumentError::Depth) } else { Ok(()) }
    }

    fn line(&self, offset: usize) -> u32 {
        self.lines.line(offset)
    }
}

/// Turns byte offsets, asked for in any order, into lines.
struct Lines {
    starts: Vec<usize>,
}

// === impl Lines ===

impl Lines {
    fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(ends).collect() }
    }

    fn line(&self, offset: usize) -> u32 {
        u32::try_from(self.starts.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }
}
