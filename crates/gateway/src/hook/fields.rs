//! Typed looks into a client's JSON. A field of the wrong type is never taken for a missing one.

use serde_json::{Map, Value};
use writ_model::{AutonomyLevel, Label, Operation};

use super::HookError;

/// Longest client session id or call id that is kept.
const MAX_ID_CHARS: usize = 256;
/// Longest path.
const MAX_PATH_BYTES: usize = 4096;

/// The top level of a message.
pub(super) struct Message<'a>(pub(super) &'a Map<String, Value>);

/// The arguments of a tool. Reading them gives a value, or says why the call is unknown.
pub(super) struct Arguments<'a>(pub(super) &'a Value);

// === impl Message ===

impl<'a> Message<'a> {
    /// A text that may be absent or null.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<&'a str>, HookError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(HookError::WrongForm(name))
            }
        }
    }

    pub(super) fn needed(&self, name: &'static str) -> Result<&'a str, HookError> {
        self.text(name)?.ok_or(HookError::Missing(name))
    }

    /// A short opaque id that may be absent.
    pub(super) fn id(&self, name: &'static str) -> Result<Option<&'a str>, HookError> {
        match self.text(name)? {
            Some(id) if id.is_empty() || id.chars().nth(MAX_ID_CHARS).is_some() => {
                Err(HookError::WrongForm(name))
            }
            other => Ok(other),
        }
    }

    pub(super) fn needed_id(&self, name: &'static str) -> Result<&'a str, HookError> {
        self.id(name)?.ok_or(HookError::Missing(name))
    }

    /// A name that a client chose, made to fit.
    pub(super) fn label(&self, name: &'static str) -> Result<Option<Label>, HookError> {
        Ok(self.text(name)?.filter(|text| !text.is_empty()).map(Label::lossy))
    }

    /// What `permission_mode` says of Claude Code and those that took over its words. A word that nobody knows says the most.
    pub(super) fn autonomy(&self) -> Result<Option<AutonomyLevel>, HookError> {
        Ok(match self.text("permission_mode")? {
            None | Some("" | "default" | "plan") => None,
            Some("acceptEdits" | "auto-edit" | "auto_edit") => Some(AutonomyLevel::SOME),
            // `bypassPermissions`, `dontAsk`, `auto`, `yolo`, and what comes after them.
            Some(_) => Some(AutonomyLevel::FREE),
        })
    }

    /// An absolute path.
    pub(super) fn folder(&self, name: &'static str) -> Result<&'a str, HookError> {
        absolute(self.needed(name)?).ok_or(HookError::WrongForm(name))
    }

    /// Any value; null where it is absent.
    pub(super) fn value(&self, name: &str) -> Value {
        self.0.get(name).cloned().unwrap_or(Value::Null)
    }

    /// An object inside.
    pub(super) fn object(&self, name: &'static str) -> Result<Message<'a>, HookError> {
        match self.0.get(name) {
            Some(Value::Object(inner)) => Ok(Message(inner)),
            None => Err(HookError::Missing(name)),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                Err(HookError::WrongForm(name))
            }
        }
    }
}

/// The text, when it is an absolute path.
pub(super) fn absolute(path: &str) -> Option<&str> {
    (path.starts_with('/') && path.len() <= MAX_PATH_BYTES && !path.contains('\0')).then_some(path)
}

/// The event's name: what the payload says, which must be what the hook was started for.
pub(super) fn event_name<'a>(expected: Option<&'a str>, told: Option<&'a str>) -> Result<&'a str, HookError> {
    match (expected, told) {
        (Some(expected), Some(told)) if expected != told => {
            let cut = |text: &str| text.chars().take(80).collect();
            Err(HookError::OtherEvent { expected: cut(expected), told: cut(told) })
        }
        (_, Some(name)) | (Some(name), None) if !name.is_empty() => Ok(name),
        (_, Some(_)) | (Some(_) | None, None) => Err(HookError::Missing("hook_event_name")),
    }
}

// === impl Arguments ===

impl<'a> Arguments<'a> {
    /// A text that may be absent or null.
    pub(super) fn optional(&self, name: &str) -> Result<Option<&'a str>, String> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.contains('\0') => Err(format!("`{name}` holds a zero byte")),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(format!("`{name}` is no text"))
            }
        }
    }

    /// A text that must be there and say something.
    pub(super) fn text(&self, name: &str) -> Result<&'a str, String> {
        match self.optional(name)? {
            Some(text) if !text.trim().is_empty() => Ok(text),
            Some(_) | None => Err(format!("`{name}` is missing")),
        }
    }

    /// A path that must be there.
    pub(super) fn path(&self, name: &str) -> Result<String, String> {
        let path = self.text(name)?;
        if path.len() > MAX_PATH_BYTES {
            return Err(format!("`{name}` is too long for a path"));
        }
        // Some clients expand it and some do not; read as a relative path it would seem to lie in the workspace.
        if path.starts_with('~') {
            return Err(format!("`{name}` starts with `~`; use an absolute path"));
        }
        Ok(path.to_owned())
    }

    /// The first of several names under which versions of a client pass a path. Two that differ are unknown.
    pub(super) fn any_path(&self, names: &[&str]) -> Result<Option<String>, String> {
        let mut found: Option<String> = None;
        for name in names {
            if self.optional(name)?.is_none() {
                continue;
            }
            let path = self.path(name)?;
            match &found {
                Some(other) if *other != path => return Err("it names two different paths".to_owned()),
                Some(_) | None => found = Some(path),
            }
        }
        Ok(found)
    }

    /// A search: its folder, and its file pattern where that leaves the folder.
    pub(super) fn search(&self, folder: &[&str], pattern: Option<&str>) -> Result<Vec<String>, String> {
        let mut paths = vec![self.any_path(folder)?.unwrap_or_else(|| ".".to_owned())];
        if let Some(name) = pattern
            && let Some(pattern) = self.optional(name)?
        {
            if pattern.starts_with('~') {
                return Err(format!("`{name}` starts with `~`; use an absolute path"));
            }
            if pattern.starts_with('/') || pattern.split(['/', '{', ',', '}']).any(|part| part == "..") {
                paths.push(pattern.to_owned());
            }
        }
        Ok(paths)
    }

    /// A search of the text of files: its folder, and which files by a pattern.
    pub(super) fn text_search(&self, folder: &[&str], pattern: &str) -> Result<Operation, String> {
        let folders = self.search(folder, Some(pattern))?;
        Ok(Operation::Search { folders, pattern: self.optional(pattern)?.map(str::to_owned) })
    }

    /// A list of texts that must be there and not be empty.
    pub(super) fn list(&self, name: &str) -> Result<Vec<String>, String> {
        const MAX_ITEMS: usize = 256;
        match self.0.get(name) {
            Some(Value::Array(items)) if !items.is_empty() && items.len() <= MAX_ITEMS => items
                .iter()
                .map(|item| match item.as_str() {
                    Some(text)
                        if !text.is_empty()
                            && text.len() <= MAX_PATH_BYTES
                            && !text.contains('\0')
                            && !text.starts_with('~') =>
                    {
                        Ok(text.to_owned())
                    }
                    Some(_) | None => Err(format!("`{name}` holds something that is no path")),
                })
                .collect(),
            Some(_) | None => Err(format!("`{name}` is no list of 1 to {MAX_ITEMS} texts")),
        }
    }
}

/// What the adapter made of a tool, or the unknown operation that says why not.
pub(super) fn known(operation: Result<Operation, String>) -> Operation {
    operation.unwrap_or_else(|why| Operation::Unknown { why })
}

/// The tool's part of an MCP tool's name, `PREFIX server SEPARATOR tool`, when the client also names the server.
pub(super) fn mcp_with_server(
    name: &str,
    prefix: &str,
    separator: &str,
    server: &str,
) -> Result<Operation, String> {
    // Clients write the server's name into the tool's name with whatever does not fit replaced.
    let plain = |text: &str| {
        text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect::<String>()
    };
    let rest = name.strip_prefix(prefix).unwrap_or(name);
    let expected = format!("{}{separator}", plain(server));
    let tool = plain(rest)
        .starts_with(&expected)
        .then(|| rest.chars().skip(expected.chars().count()).collect::<String>())
        .filter(|tool| !tool.is_empty())
        .ok_or_else(|| "the tool's name does not belong to the MCP server it is said to be of".to_owned())?;
    Ok(Operation::Mcp { server: server.to_owned(), tool })
}

/// The same by the name alone. A name that can be split in two ways is unknown.
pub(super) fn mcp_by_name(name: &str, prefix: &str, separator: &str) -> Result<Operation, String> {
    let rest = name.strip_prefix(prefix).ok_or_else(|| "the tool is not known".to_owned())?;
    let mut splits = rest.match_indices(separator);
    let (Some((at, _)), None) = (splits.next(), splits.next()) else {
        return Err("its name does not tell the MCP server from the tool".to_owned());
    };
    let (server, tool) = rest.split_at(at);
    let tool = tool.strip_prefix(separator).unwrap_or_default();
    if server.is_empty() || tool.is_empty() || server.ends_with('_') || tool.starts_with('_') {
        return Err("its name does not tell the MCP server from the tool".to_owned());
    }
    Ok(Operation::Mcp { server: server.to_owned(), tool: tool.to_owned() })
}

/// Where a call runs that names a working directory of its own.
pub(super) fn joined(cwd: &str, folder: Option<&str>) -> String {
    match folder {
        None | Some("" | ".") => cwd.to_owned(),
        Some(folder) if folder.starts_with('/') => folder.to_owned(),
        Some(folder) => format!("{}/{folder}", cwd.trim_end_matches('/')),
    }
}
