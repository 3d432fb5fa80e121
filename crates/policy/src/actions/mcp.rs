//! What the arguments of an MCP tool name: files and hosts that any other tool would be judged for.
//!
//! What the server does with them only the server knows. A file it is pointed at is taken to be read, and written too
//! unless the tool's name says that it only looks; a host is taken to be talked to. These actions stand beside the one
//! on the tool itself, so a tool that policy lets through is still no way around what policy says of files and hosts.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;
use writ_model::{EffectClass, Resource};

use super::Found;
use crate::host::host_of;
use crate::place::Entry;

/// How many values are looked at, how deep, and how long a text may be.
const VALUES: usize = 512;
const DEPTH: usize = 16;
const TEXT_BYTES: usize = 4_096;

/// How the last word of an argument's name says that it is a file or a folder.
const FILES: &[&str] =
    &["dir", "directories", "directory", "file", "filename", "filepath", "files", "folder", "path", "paths"];

/// How the first word of a tool's name says that it only looks.
const LOOKS: &[&str] = &[
    "browse",
    "check",
    "count",
    "describe",
    "diff",
    "fetch",
    "find",
    "get",
    "grep",
    "head",
    "info",
    "inspect",
    "list",
    "load",
    "lookup",
    "ls",
    "navigate",
    "open",
    "peek",
    "query",
    "read",
    "resources",
    "search",
    "show",
    "stat",
    "tail",
    "tree",
    "view",
];

/// Words of a tool's name that say that it changes something after all.
const CHANGES: &[&str] = &[
    "add", "append", "copy", "create", "delete", "download", "edit", "execute", "insert", "install", "move",
    "patch", "put", "remove", "rename", "replace", "run", "save", "set", "update", "upload", "write",
];

static KNOWN: LazyLock<Known> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../data/mcp.json")).unwrap_or_default());

/// Tools that only look, by the names of their servers.
#[derive(Default, Deserialize)]
struct Known {
    reads: BTreeMap<String, Vec<String>>,
}

// === impl Known ===

impl Known {
    fn reads(&self, server: &str, tool: &str) -> bool {
        let of_server = self.reads.iter().filter(|(names, _)| names.split(' ').any(|name| name == server));
        of_server.flat_map(|(_, tools)| tools).any(|known| match known.strip_suffix('*') {
            Some(start) => tool.starts_with(start) && only_looks(tool),
            None => known == tool,
        })
    }
}

// === impl Found ===

impl Found<'_> {
    /// A tool's name says nothing that could be relied on, since its server can do anything. The exception is a tool that
    /// only looks, of a server that everybody knows and that the person has set up.
    pub(super) fn mcp(&mut self, server: &str, tool: &str, arguments: &Value) {
        let resource = Resource::McpTool { server: server.to_owned(), tool: tool.to_owned() };
        if KNOWN.reads(server, tool) {
            self.add(EffectClass::Read, resource, "a tool of a known server that only looks");
        } else {
            let because = "what a tool of an MCP server does is only known to that server";
            self.add(EffectClass::Unknown, resource, because);
        }
        self.arguments(tool, arguments);
    }

    /// `arguments`: as the client sent them.
    fn arguments(&mut self, tool: &str, arguments: &Value) {
        let only_looks = only_looks(tool);
        let mut left = VALUES;
        let mut ahead = vec![("", arguments, 0)];
        while let Some((name, value, depth)) = ahead.pop() {
            if left == 0 || depth > DEPTH {
                return self.unknown(EffectClass::Unknown, "the arguments are more than can be judged");
            }
            left -= 1;
            match value {
                Value::Object(members) => {
                    ahead.extend(members.iter().map(|(name, value)| (name.as_str(), value, depth + 1)));
                }
                Value::Array(values) => ahead.extend(values.iter().map(|value| (name, value, depth + 1))),
                Value::String(text) => self.argument(name, text, only_looks),
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
    }

    fn argument(&mut self, name: &str, text: &str, only_looks: bool) {
        const BECAUSE: &str = "an argument of the tool names it";
        let text = text.trim();
        if text.is_empty() || text.len() > TEXT_BYTES || text.contains(['\n', '\0']) {
            return;
        }
        match text.split_once(':') {
            Some((scheme, _))
                if ["http", "https", "ws", "wss"].iter().any(|web| scheme.eq_ignore_ascii_case(web)) =>
            {
                return match host_of(text) {
                    Some(name) => self.add(EffectClass::Network, Resource::Host { name }, BECAUSE),
                    None if text.contains(char::is_whitespace) => {}
                    None => self.unknown(EffectClass::Network, "an address that cannot be read"),
                };
            }
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("file") => {
                return match file_of(text, rest) {
                    Some(path) => self.named_file(&path, only_looks, BECAUSE),
                    None => self.unknown(EffectClass::Read, "a `file:` address that cannot be read"),
                };
            }
            Some((_, rest)) if rest.starts_with("//") => return,
            Some(_) | None => {}
        }
        let is_file = words(name).last().is_some_and(|last| FILES.contains(&last.as_str()));
        // Names of other things start with a stroke too: `/vercel/next.js`.
        let is_path = is_absolute(text) && !(only_looks && self.leads_nowhere(text));
        let is_anchored = text.starts_with("~/") || text == "~" || text.starts_with("../") || is_path;
        if is_anchored || is_file {
            self.named_file(text, only_looks, BECAUSE);
        }
    }

    /// Whether not even the first folder of an absolute path is there.
    fn leads_nowhere(&self, path: &str) -> bool {
        let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        !matches!(first, "" | "." | "..") && self.files.entry(&Path::new("/").join(first)) == Entry::Missing
    }

    fn named_file(&mut self, path: &str, only_looks: bool, because: &str) {
        self.path(EffectClass::Read, path, because);
        if !only_looks {
            self.path(EffectClass::WriteWorkspace, path, because);
        }
    }
}

/// The path that a `file:` address names; `rest` is what follows the colon.
fn file_of(url: &str, rest: &str) -> Option<String> {
    let rest = rest.trim_start_matches("//");
    if rest.starts_with('~') {
        return Some(rest.to_owned());
    }
    let path = url::Url::parse(url).ok()?.to_file_path().ok()?;
    path.into_os_string().into_string().ok()
}

/// A path from the root.
fn is_absolute(text: &str) -> bool {
    text.starts_with('/') && !text.starts_with("//") && !text.contains(char::is_whitespace)
}

/// Whether the tool only looks at what its arguments name, as far as its name tells.
fn only_looks(tool: &str) -> bool {
    let words = words(tool);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    has(LOOKS) && !has(CHANGES)
}

/// The words of a name: `read_file`, `readFile` and `fs/read-file` have the words `read` and `file`.
fn words(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            found.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase() || c.is_ascii_digit();
    }
    found.push(word);
    found.retain(|word| !word.is_empty());
    found
}
