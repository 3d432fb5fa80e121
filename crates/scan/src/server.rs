//! MCP servers as configurations name them: what would be started or called, and with which credentials. Nothing is.

use std::cell::Cell;
use std::collections::BTreeSet;

use crate::credential_name::{has_password, is_credential_name, is_marked, is_real, variables};
use crate::document::{Node, Value};

mod embedded;
mod package;

#[cfg(test)]
mod tests;

pub(crate) use embedded::embedded;
pub use package::{Package, package_of};

/// How a client talks to a server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    Http,
    Sse,
    Stdio,
}

/// One configured server. Names and places only: no value of a credential is ever kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    pub name: String,
    pub line: u32,
    pub transport: Transport,
    pub command: Option<String>,
    pub package: Option<Package>,
    /// Host and port of its address, where it is written out.
    pub host: Option<String>,
    /// Its address is `http://`.
    pub plain_http: bool,
    /// Variables, headers and flags that carry credentials, and the variables that they refer to.
    pub credential_names: BTreeSet<String>,
    /// Lines at which a credential itself stands, with the name that it stands under.
    pub hard_coded: Vec<HardCoded>,
    /// Tools that run without a question; `*` counts as one.
    pub approved_tools: usize,
    pub approved_line: Option<u32>,
    /// The whole server is trusted.
    pub trusted_line: Option<u32>,
    pub disabled: bool,
}

/// A place at which a credential stands in plain text.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct HardCoded {
    pub line: u32,
    pub name: String,
    /// Some bits of the value's digest: another value is another credential, and who reads them learns next to nothing.
    pub(crate) same: u16,
}

/// Most servers read from one file.
const MAX_SERVERS: usize = 500;
/// Members under which clients keep their servers, in the order in which they are tried; all count.
const HOLDERS: &[&str] = &[
    "mcpServers",
    "mcp_servers",
    "mcp-servers",
    "mcp.servers",
    "mcp.mcpServers",
    "context_servers",
    "amp.mcpServers",
    "customizations.vscode.mcp.servers",
    "settings.mcp.servers",
    "cody.mcpServers",
    "augment.advanced.mcpServers",
];
const COMMANDS: &[&str] = &["command", "cmd"];
const ADDRESSES: &[&str] = &["url", "httpUrl", "serverUrl", "uri", "endpoint"];
const ENVIRONMENTS: &[&str] = &["env", "environment", "envs"];
const HEADERS: &[&str] = &["headers", "http_headers", "requestHeaders"];
const APPROVED: &[&str] =
    &["autoApprove", "alwaysAllow", "auto_approve", "always_allow", "autoApprovedTools"];

/// Every server of a document. `bare` says that the file is for nothing but servers, so that they may stand at its top.
pub fn servers(document: &Node, bare: bool) -> Vec<Server> {
    let mut found: Vec<Server> = Vec::new();
    each(document, bare, &mut |name, line, node| found.push(read(name, line, node)));
    found.dedup_by(|a, b| a.name == b.name && a.line == b.line);
    found.truncate(MAX_SERVERS);
    found
}

/// The program and the arguments that start a server of this name. They may hold a credential: they are for starting it, and
/// for no report.
pub fn command_line(document: &Node, bare: bool, name: &str) -> Option<Vec<String>> {
    let mut found = None;
    each(document, bare, &mut |own, _, node| {
        if own == name && found.is_none() {
            found = Some(words(node).0).filter(|words| !words.is_empty());
        }
    });
    found
}

/// Shows each server: its name, its line and what is said of it.
fn each<'a>(document: &'a Node, bare: bool, see: &mut dyn FnMut(&'a str, u32, &'a Node)) {
    let any = Cell::new(false);
    let mut see = |name: &'a str, line: u32, node: &'a Node| {
        any.set(true);
        see(name, line, node);
    };
    for holder in HOLDERS {
        if let Some(node) = document.setting(holder) {
            collect(node, &mut see);
        }
    }
    // OpenCode's servers stand right under `mcp`, Goose's under `extensions`, VS Code's own files' under `servers`.
    for holder in ["mcp", "extensions", "servers"] {
        if let Some(node) =
            document.get(holder).filter(|node| node.members().iter().any(|member| is_server(&member.node)))
        {
            collect(node, &mut see);
        }
    }
    // Docker's toolkit names those of its catalogues that are switched on, each in a container of its own.
    for member in document.get("registry").filter(|_| bare).map_or(&[][..], Node::members) {
        if member.node.get("ref").or_else(|| member.node.get("catalog")).is_some() {
            see(&member.key, member.line, &member.node);
        }
    }
    // Claude Code keeps servers of each project in the user's own file.
    for project in document.get("projects").map_or(&[][..], Node::members) {
        if let Some(node) = project.node.get("mcpServers") {
            collect(node, &mut see);
        }
    }
    // Continue's first form of the list has no names.
    for item in document.at(&["experimental", "modelContextProtocolServers"]).map_or(&[][..], Node::items) {
        if let Some(transport) = item.get("transport") {
            let name = item.get("name").and_then(Node::text);
            let last = transport.get("args").and_then(|list| list.items().last()).and_then(Node::text);
            let command = transport.get("command").and_then(Node::text);
            see(name.or(last).or(command).unwrap_or("server"), item.line, transport);
        }
    }
    // A marketplace of plugins may name theirs.
    for plugin in document.get("plugins").map_or(&[][..], Node::items) {
        if let Some(node) = plugin.get("mcpServers") {
            collect(node, &mut see);
        }
    }
    if !any.get() && bare {
        for member in document.members().iter().filter(|member| is_server(&member.node)) {
            see(&member.key, member.line, &member.node);
        }
    }
}

fn collect<'a>(holder: &'a Node, see: &mut dyn FnMut(&'a str, u32, &'a Node)) {
    for member in holder.members() {
        // Goose lists its own parts among them.
        let inner = member.node.get("type").and_then(Node::text);
        if member.node.is_map() && !matches!(inner, Some("builtin" | "platform" | "frontend")) {
            see(&member.key, member.line, &member.node);
        }
    }
    for item in holder.items().iter().filter(|item| item.is_map()) {
        if let Some(name) = item.get("name").and_then(Node::text) {
            see(name, item.line, item);
        }
    }
}

/// A map that names something to start or to call.
fn is_server(node: &Node) -> bool {
    node.is_map()
        && (COMMANDS.iter().any(|key| node.get(key).is_some())
            || ADDRESSES.iter().any(|key| node.get(key).is_some())
            || matches!(
                node.get("type").and_then(Node::text),
                Some("stdio" | "sse" | "http" | "local" | "remote")
            ))
}

fn read(name: &str, line: u32, node: &Node) -> Server {
    let command_node = COMMANDS.iter().find_map(|key| node.get(key));
    let (words, extra_environment) = words(node);
    let address = ADDRESSES.iter().find_map(|key| node.get(key)).and_then(Node::text);

    let mut credentials = Credentials::default();
    let environments = ENVIRONMENTS.iter().filter_map(|key| node.get(key)).chain(extra_environment);
    for environment in environments {
        credentials.map(environment, true);
    }
    for headers in
        HEADERS.iter().filter_map(|key| node.get(key)).chain(node.at(&["requestOptions", "headers"]))
    {
        credentials.map(headers, false);
    }
    // Zed's settings, and what other clients pass on as options.
    for options in ["settings", "options", "oauth", "auth"].iter().filter_map(|key| node.get(key)) {
        credentials.map(options, false);
    }
    for key in ["bearer_token_env_var", "bearerTokenEnvVar", "authTokenEnv"] {
        if let Some(variable) = node.get(key).and_then(Node::text) {
            credentials.names.insert(variable.to_owned());
        }
    }
    for key in ["bearer_token", "bearerToken", "token", "apiKey", "api_key"] {
        if let Some(value) = node.get(key)
            && let Some(text) = value.text()
        {
            credentials.value(key, text, value.line, false);
        }
    }
    for key in ["env_vars", "env_keys", "envVars"] {
        for item in node.get(key).map_or(&[][..], Node::items) {
            let variable = item.text().or_else(|| item.get("name").and_then(Node::text));
            credentials.names.extend(variable.filter(|name| is_credential_name(name)).map(str::to_owned));
        }
    }
    for member in node.get("env_http_headers").map_or(&[][..], Node::members) {
        credentials.names.extend(member.node.text().map(str::to_owned));
    }
    let lines = argument_lines(node, command_node);
    credentials.arguments(&words, &lines);
    if let Some(address) = address {
        let at = ADDRESSES.iter().find_map(|key| node.get(key)).map_or(line, |node| node.line);
        credentials.address(address, at);
    }

    embedded(node, &mut credentials.hard_coded);

    let approved = APPROVED.iter().find_map(|key| node.get(key));
    let (approved_tools, approved_line) = match approved.map(|node| (&node.value, node.line)) {
        Some((Value::List(items), line)) if !items.is_empty() => (items.len(), Some(line)),
        Some((Value::Bool(true), line)) => (1, Some(line)),
        _ => (0, None),
    };
    let trusted_line = node.get("trust").filter(|node| node.is_true()).map(|node| node.line);
    let off = |key: &str| node.get(key).and_then(Node::truth) == Some(false);
    Server {
        name: name.to_owned(),
        line,
        transport: transport(node, !words.is_empty(), address),
        command: words.first().cloned(),
        package: package_of(&words),
        host: address.and_then(host),
        plain_http: address.is_some_and(|address| address.starts_with("http://")),
        credential_names: credentials.names,
        hard_coded: credentials.hard_coded,
        approved_tools: approved_tools.max(usize::from(trusted_line.is_some())),
        approved_line,
        trusted_line,
        disabled: node.get("disabled").is_some_and(Node::is_true) || off("enabled"),
    }
}

/// The program and its arguments, as far as they are written out, and variables that stand beside them.
fn words(node: &Node) -> (Vec<String>, Option<&Node>) {
    let command_node = COMMANDS.iter().find_map(|key| node.get(key));
    let mut words: Vec<String> = Vec::new();
    let mut extra_environment = None;
    match command_node.map(|command| &command.value) {
        Some(Value::Text(command)) => words.push(command.clone()),
        Some(Value::List(items)) => words.extend(items.iter().filter_map(Node::scalar)),
        Some(Value::Map(_)) => {
            // Zed's older form.
            let inner = command_node;
            words.extend(inner.and_then(|command| command.get("path")).and_then(Node::scalar));
            words.extend(arguments(inner));
            extra_environment = inner.and_then(|command| command.get("env"));
        }
        Some(Value::Bool(_) | Value::Null | Value::Number(_)) | None => {}
    }
    words.extend(arguments(Some(node)));
    (words, extra_environment)
}

fn arguments(node: Option<&Node>) -> Vec<String> {
    node.and_then(|node| node.get("args").or_else(|| node.get("arguments")))
        .map(|args| match &args.value {
            Value::List(items) => items.iter().filter_map(Node::scalar).collect(),
            Value::Text(text) => text.split_whitespace().map(str::to_owned).collect(),
            Value::Bool(_) | Value::Map(_) | Value::Null | Value::Number(_) => Vec::new(),
        })
        .unwrap_or_default()
}

fn argument_lines(node: &Node, command: Option<&Node>) -> Vec<u32> {
    let of = |node: &Node| match &node.value {
        Value::List(items) => {
            items.iter().filter(|item| item.scalar().is_some()).map(|item| item.line).collect()
        }
        Value::Text(_) => vec![node.line],
        Value::Bool(_) | Value::Map(_) | Value::Null | Value::Number(_) => Vec::new(),
    };
    let inner = command.filter(|command| command.is_map());
    let mut lines: Vec<u32> = command.map(of).unwrap_or_default();
    lines.extend(inner.and_then(|command| command.get("path")).map(|path| path.line));
    for args in [inner, Some(node)].into_iter().flatten().filter_map(|node| node.get("args")) {
        lines.extend(of(args));
    }
    lines
}

fn transport(node: &Node, has_command: bool, address: Option<&str>) -> Transport {
    let said = node.get("type").or_else(|| node.get("transport")).and_then(Node::text);
    match said.map(str::to_ascii_lowercase).as_deref() {
        Some("stdio" | "local" | "command" | "docker") => return Transport::Stdio,
        Some("sse") => return Transport::Sse,
        Some(
            "http" | "remote" | "streamable-http" | "streamable_http" | "streamablehttp" | "ws" | "websocket",
        ) => {
            return Transport::Http;
        }
        _ => {}
    }
    match address {
        Some(address) if !has_command => {
            let path = address.split(['?', '#']).next().unwrap_or("");
            if path.trim_end_matches('/').ends_with("/sse") { Transport::Sse } else { Transport::Http }
        }
        _ => Transport::Stdio,
    }
}

/// Host and port of an address that is written out; `None` when part of it is a variable.
pub(crate) fn host(address: &str) -> Option<String> {
    let (_, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let plain = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte));
    plain.then(|| host.to_ascii_lowercase())
}

/// Most words looked at of a command in one argument.
const MAX_WORDS: usize = 1_000;

/// Whether a word looks drawn by lot: long, of letters in both cases and digits throughout.
fn is_drawn(word: &str) -> bool {
    let count = |kind: fn(&u8) -> bool| word.bytes().filter(kind).count();
    word.len() >= 24
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_+=".contains(&byte))
        && count(u8::is_ascii_digit) >= 3
        && count(u8::is_ascii_uppercase) >= 3
        && count(u8::is_ascii_lowercase) >= 3
        && is_real("key", word)
}

// === impl HardCoded ===

impl HardCoded {
    pub(crate) fn new(line: u32, name: &str, value: &[u8]) -> Self {
        Self { line, name: name.to_owned(), same: crate::secret::value_bits(value) }
    }
}

/// Names that carry credentials, and places at which one stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Credentials {
    pub(crate) names: BTreeSet<String>,
    pub(crate) hard_coded: Vec<HardCoded>,
}

// === impl Credentials ===

impl Credentials {
    /// Variables or headers with their values. Names of headers are no variables, so only what they refer to counts.
    pub(crate) fn map(&mut self, node: &Node, variables: bool) {
        for member in node.members() {
            if let Some(text) = member.node.text() {
                self.value(&member.key, text, member.node.line, variables);
            }
        }
    }

    /// One value under a name.
    pub(crate) fn value(&mut self, name: &str, text: &str, line: u32, is_variable: bool) {
        let carries = is_credential_name(name);
        if is_variable && carries {
            self.names.insert(name.to_owned());
        }
        for variable in variables(text).into_iter().filter(|variable| carries || is_credential_name(variable))
        {
            if is_variable || is_credential_name(variable) || carries {
                self.names.insert(variable.to_owned());
            }
        }
        if (carries && is_real(name, text)) || is_marked(text) || has_password(text) {
            self.stands(name, text, line);
        } else if text.contains("://") && !text.contains(char::is_whitespace) {
            self.address(text, line);
        } else {
            self.marked_within(name, text, line);
        }
    }

    /// `--api-key VALUE`, `--token=VALUE`, `-e NAME=VALUE`, `-H 'Authorization: Bearer VALUE'`.
    pub(crate) fn arguments(&mut self, words: &[String], lines: &[u32]) {
        let mut flag: Option<&str> = None;
        for (index, word) in words.iter().enumerate() {
            let line = lines.get(index).or(lines.last()).copied().unwrap_or(1);
            let named = word.split_once('=').or_else(|| word.split_once(": ")).filter(|(name, _)| {
                name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            });
            let set_by_environment = matches!(flag, Some("e" | "env"));
            match (flag.take(), named) {
                (Some("c" | "lc" | "ic"), _) if word.contains(char::is_whitespace) => {
                    // A shell's command, one level deep.
                    let inner = word.split_whitespace().take(MAX_WORDS);
                    let inner =
                        inner.map(|word| word.trim_matches(['"', '\'']).to_owned()).collect::<Vec<_>>();
                    self.arguments(&inner, &[line]);
                }
                (_, Some((name, value))) => {
                    self.value(
                        name.trim_start_matches('-'),
                        value,
                        line,
                        !name.starts_with('-') && word.contains('='),
                    );
                }
                (Some("k" | "t"), None) if is_drawn(word) => self.stands("-k", word, line),
                (Some(flag), None) if !word.starts_with('-') && !set_by_environment => {
                    self.value(flag, word, line, false);
                }
                _ if set_by_environment && is_credential_name(word) => {
                    self.names.insert(word.clone());
                }
                _ if word.contains("://") => self.address(word, line),
                _ => self.value("", word, line, false),
            }
            flag = word
                .strip_prefix('-')
                .map(|rest| rest.trim_start_matches('-'))
                .filter(|rest| !rest.contains('='));
        }
    }

    /// Credentials in an address: its user part, and its query.
    pub(crate) fn address(&mut self, address: &str, line: u32) {
        for variable in variables(address).into_iter().filter(|variable| is_credential_name(variable)) {
            self.names.insert(variable.to_owned());
        }
        if has_password(address) {
            self.stands("url", address, line);
        }
        let query = address.split_once('?').map_or("", |(_, query)| query);
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            if is_credential_name(name) && is_real(name, value) || is_marked(value) {
                self.stands(name, value, line);
            }
        }
        let path = address.split_once("://").map_or(address, |(_, rest)| rest).split(['?', '#']).next();
        let drawn = |part: &str| part.len() >= 32 && is_drawn(part);
        if address.split(['/', '?', '&', '=']).any(is_marked)
            || path.unwrap_or("").split('/').skip(1).any(drawn)
        {
            self.stands("url", address, line);
        }
    }

    /// A value that carries a vendor's mark somewhere inside a longer text.
    fn marked_within(&mut self, name: &str, text: &str, line: u32) {
        if text.len() <= 4096 && text.split([' ', '"', '\'', ',', '=', ';']).any(is_marked) {
            self.stands(name, text, line);
        }
    }

    fn stands(&mut self, name: &str, value: &str, line: u32) {
        let found = HardCoded::new(line, if name.is_empty() { "value" } else { name }, value.as_bytes());
        if !self.hard_coded.contains(&found) {
            self.hard_coded.push(found);
        }
    }
}
