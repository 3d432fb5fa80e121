//! A tool of an MCP server as a person names it: `tool`, `tool@resource`, `tool:key=value,key<=5`.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::{InvalidBounds, is_plain, is_repository, scalar, shortened};

/// A tool that may be called, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolBound {
    /// The tool's name; `*` stands for every tool of the server, and ends a name that is only begun.
    pub tool: String,
    /// What the call must be about: an argument must be this, and none may name another of the same sort.
    pub resource: Option<String>,
    /// What must hold of the arguments.
    pub constraints: Vec<Constraint>,
    written: String,
}

/// One condition on an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// The argument is there and stands so to the value. A list must stand so in all its members.
    Argument { key: String, relation: Relation, value: String },
    /// Arguments that hold statements of a database hold one that only reads.
    ReadOnly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Equal; `*` in the value stands for any text.
    Equal,
    Unequal,
    AtMost,
    AtLeast,
    Less,
    More,
}

/// Arguments that say whom or what a call is addressed to. Where the bound names one, no other may be named.
const ADDRESSES: &[&str] = &[
    "account",
    "bcc",
    "bucket",
    "cc",
    "channel",
    "channel_id",
    "chat",
    "chat_id",
    "database",
    "db",
    "email",
    "iban",
    "namespace",
    "participants",
    "project",
    "recipient",
    "recipients",
    "repo",
    "repository",
    "table",
    "target",
    "team",
    "to",
    "user",
    "workspace",
];

/// Arguments that say who gets a message, as this and as a copy.
const RECIPIENTS: &[&str] = &[
    "attendees",
    "bcc",
    "bcc_recipients",
    "cc",
    "cc_recipients",
    "email",
    "emails",
    "invitees",
    "participants",
    "recipient",
    "recipients",
    "to",
    "to_recipients",
];

fn is_recipient(key: &str) -> bool {
    let plain = key.to_ascii_lowercase().replace('-', "_");
    RECIPIENTS.contains(&plain.as_str())
        || matches!(plain.as_str(), "ccrecipients" | "bccrecipients" | "torecipients")
}

// === impl ToolBound ===

impl ToolBound {
    /// Whether a call of `tool` with these arguments is meant.
    pub fn covers(&self, tool: &str, arguments: &Value) -> bool {
        let fits = match self.tool.strip_suffix('*') {
            Some(start) => tool.starts_with(start),
            None => tool == self.tool,
        };
        let none = Map::new();
        let arguments = match arguments {
            Value::Object(members) => members,
            Value::Null => &none,
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => return false,
        };
        fits && self.resource.as_deref().is_none_or(|resource| is_about(arguments, resource))
            && self.constraints.iter().all(|constraint| constraint.holds(arguments))
            && self.reaches_nobody_else(arguments)
    }

    /// Where the bound says to whom, nobody else gets it under another name.
    fn reaches_nobody_else(&self, arguments: &Map<String, Value>) -> bool {
        let names = |wanted: &str| {
            self.constraints.iter().any(|constraint| match constraint {
                Constraint::Argument { key, .. } => key.eq_ignore_ascii_case(wanted),
                Constraint::ReadOnly => false,
            })
        };
        let named: Vec<(&Relation, &str)> = self
            .constraints
            .iter()
            .filter_map(|constraint| match constraint {
                Constraint::Argument { key, relation, value } if is_recipient(key) => {
                    Some((relation, value.as_str()))
                }
                Constraint::Argument { .. } | Constraint::ReadOnly => None,
            })
            .collect();
        named.is_empty()
            || arguments.iter().filter(|(key, _)| is_recipient(key) && !names(key)).all(|(_, value)| {
                members(value)
                    .iter()
                    .filter(|given| !given.is_empty())
                    .all(|given| named.iter().any(|(relation, value)| relation.holds(given, value)))
            })
    }
}

impl FromStr for ToolBound {
    type Err = InvalidBounds;

    fn from_str(text: &str) -> Result<Self, InvalidBounds> {
        let invalid = || InvalidBounds::Tool(shortened(text));
        if !is_plain(text) {
            return Err(invalid());
        }
        let at = text.find(['@', ':']).unwrap_or(text.len());
        let (tool, rest) = text.split_at_checked(at).ok_or_else(invalid)?;
        if tool.is_empty() || tool.trim_end_matches('*').contains('*') || tool.contains(char::is_whitespace) {
            return Err(invalid());
        }
        let (resource, constraints) = match (rest.strip_prefix('@'), rest.strip_prefix(':')) {
            (Some(resource), _) if !resource.is_empty() => (Some(resource.to_owned()), Vec::new()),
            (_, Some(conditions)) => (None, Constraint::all(conditions).ok_or_else(invalid)?),
            _ if rest.is_empty() => (None, Vec::new()),
            _ => return Err(invalid()),
        };
        Ok(Self { tool: tool.to_owned(), resource, constraints, written: text.to_owned() })
    }
}

impl fmt::Display for ToolBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.written)
    }
}

/// Whether a call is about one thing: an argument is it, and no argument of the same sort is another.
fn is_about(arguments: &Map<String, Value>, resource: &str) -> bool {
    let wants_repository = is_repository(resource);
    let mut is_named = false;
    if let (Some(owner), Some(name)) =
        (arguments.get("owner"), arguments.get("repo").or(arguments.get("name")))
        && let (Value::String(owner), Value::String(name)) = (owner, name)
        && wants_repository
    {
        if format!("{owner}/{name}") != resource {
            return false;
        }
        is_named = true;
    }
    for (key, value) in arguments {
        if is_named && matches!(key.as_str(), "owner" | "repo" | "name") {
            continue;
        }
        let texts = members(value);
        let is_it = |text: &String| text == resource;
        let key = key.to_ascii_lowercase();
        let addresses = ADDRESSES.contains(&key.as_str()) || key.contains("repo");
        if texts.iter().any(is_it) {
            if !texts.iter().all(is_it) {
                return false;
            }
            is_named = true;
        } else if !texts.is_empty() && addresses {
            return false;
        }
    }
    is_named
}

/// The scalars of a value, or of a list of them. What nests deeper is shown as itself, so that it never equals.
fn members(value: &Value) -> Vec<String> {
    match value {
        Value::Array(members) => {
            members.iter().map(|member| scalar(member).unwrap_or_else(|| member.to_string())).collect()
        }
        Value::Object(_) => vec![value.to_string()],
        Value::Null => Vec::new(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => scalar(value).into_iter().collect(),
    }
}

// === impl Constraint ===

impl Constraint {
    /// Conditions with commas between; a comma inside a value stays where no condition follows it.
    fn all(text: &str) -> Option<Vec<Self>> {
        let mut parts: Vec<String> = Vec::new();
        for part in text.split(',') {
            let starts = Relation::find(part).is_some() || is_read_only(part);
            match parts.last_mut() {
                Some(last) if !starts => {
                    last.push(',');
                    last.push_str(part);
                }
                Some(_) | None => parts.push(part.to_owned()),
            }
        }
        parts.iter().map(|part| Self::one(part)).collect()
    }

    fn one(part: &str) -> Option<Self> {
        if is_read_only(part) {
            return Some(Self::ReadOnly);
        }
        let (key, relation, value) = Relation::find(part)?;
        Some(Self::Argument { key: key.trim().to_owned(), relation, value: value.trim().to_owned() })
    }

    fn holds(&self, arguments: &Map<String, Value>) -> bool {
        match self {
            Self::Argument { key, relation, value } => {
                let given = arguments.get(key).map(members).unwrap_or_default();
                !given.is_empty() && given.iter().all(|given| relation.holds(given, value))
            }
            Self::ReadOnly => {
                let mut statements = arguments
                    .iter()
                    .filter(|(key, _)| matches!(key.as_str(), "sql" | "query" | "statement" | "q"))
                    .map(|(_, value)| scalar(value))
                    .peekable();
                statements.peek().is_some()
                    && statements.all(|statement| statement.is_some_and(|statement| only_reads(&statement)))
            }
        }
    }
}

fn is_read_only(part: &str) -> bool {
    matches!(part.trim(), "read-only" | "readonly" | "read_only" | "select" | "select-only" | "SELECT")
}

/// Whether a statement of a database is one, and one that reads.
fn only_reads(statement: &str) -> bool {
    let plain = statement.trim().trim_end_matches(';').to_ascii_lowercase();
    let words: Vec<&str> = plain
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    let changes = |word: &&str| {
        matches!(
            *word,
            "insert"
                | "update"
                | "delete"
                | "drop"
                | "alter"
                | "create"
                | "truncate"
                | "grant"
                | "revoke"
                | "merge"
                | "replace"
                | "call"
                | "execute"
                | "exec"
                | "copy"
                | "into"
                | "attach"
                | "pragma"
                | "load_file"
                | "outfile"
                | "pg_read_file"
                | "set"
                | "do"
                | "lock"
                | "vacuum"
                | "dblink"
                | "xp_cmdshell"
        )
    };
    !plain.contains(';')
        && words
            .first()
            .is_some_and(|first| matches!(*first, "select" | "show" | "explain" | "describe" | "with"))
        && !words.iter().any(changes)
}

// === impl Relation ===

impl Relation {
    /// The first relation written in a condition, with what stands on both sides of it.
    fn find(part: &str) -> Option<(&str, Self, &str)> {
        const WRITTEN: [(&str, Relation); 6] = [
            ("<=", Relation::AtMost),
            (">=", Relation::AtLeast),
            ("!=", Relation::Unequal),
            ("=", Relation::Equal),
            ("<", Relation::Less),
            (">", Relation::More),
        ];
        let at = part.find(['<', '>', '!', '='])?;
        let (key, rest) = part.split_at_checked(at)?;
        let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if key.trim().is_empty() || !key.trim().chars().all(is_key) {
            return None;
        }
        WRITTEN.into_iter().find_map(|(mark, relation)| Some((key, relation, rest.strip_prefix(mark)?)))
    }

    fn holds(self, given: &str, value: &str) -> bool {
        let numbers = given.parse::<f64>().ok().zip(value.parse::<f64>().ok());
        let equal = given == value
            || (value.contains('*') && fits(value, given))
            || (!value.starts_with('+') && numbers.is_some_and(|(given, value)| given == value));
        match self {
            Self::Equal => equal,
            Self::Unequal => !equal,
            Self::AtMost => numbers.is_some_and(|(given, value)| given <= value),
            Self::AtLeast => numbers.is_some_and(|(given, value)| given >= value),
            Self::Less => numbers.is_some_and(|(given, value)| given < value),
            Self::More => numbers.is_some_and(|(given, value)| given > value),
        }
    }
}

/// Whether a text fits a pattern in which `*` stands for any text. A part of a path that leads up never does.
fn fits(pattern: &str, text: &str) -> bool {
    if text.split('/').any(|part| part == "..") {
        return false;
    }
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.is_empty()
}
