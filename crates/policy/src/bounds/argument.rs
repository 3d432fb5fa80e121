//! Arguments of MCP tools, as far as bounds speak of them: another repository, a path, an address, a text that would
//! carry something out.

use serde_json::Value;
use writ_model::Place;

use super::{Spot, TaskBounds, lexically, references};
use crate::host::host_of;
use crate::place::Workspace;

/// How deep arguments are looked into.
const DEPTH: usize = 6;
/// Most texts that are looked at. A call with more stays in no bounds.
const TEXTS: usize = 512;

/// Parts of a tool's name that say that it changes what its paths name.
const CHANGING: &[&str] = &[
    "append", "create", "delete", "edit", "move", "patch", "put", "remove", "rename", "replace", "save",
    "set", "update", "upload", "write",
];

/// An argument: the name it goes by, and its text.
struct Text<'a> {
    key: &'a str,
    text: &'a str,
}

/// All texts of a value.
pub(crate) fn texts(value: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    collect("", value, 0, &mut found);
    found.into_iter().map(|Text { text, .. }| text).collect()
}

fn collect<'a>(key: &'a str, value: &'a Value, depth: usize, found: &mut Vec<Text<'a>>) {
    if depth > DEPTH || found.len() > TEXTS {
        return;
    }
    match value {
        Value::String(text) => found.push(Text { key, text }),
        Value::Array(members) => members.iter().for_each(|member| collect(key, member, depth + 1, found)),
        Value::Object(members) => {
            members.iter().for_each(|(key, member)| collect(key, member, depth + 1, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

// === impl TaskBounds ===

impl TaskBounds {
    /// Whether the arguments of a named tool stay in bounds.
    pub(super) fn arguments_stay(&self, tool: &str, arguments: &Value, workspace: &Workspace) -> bool {
        let mut found = Vec::new();
        collect("", arguments, 0, &mut found);
        found.len() <= TEXTS
            && self.repository_stays(arguments, &found)
            && found.iter().all(|text| self.text_stays(tool, text, workspace))
    }

    fn text_stays(&self, tool: &str, argument: &Text<'_>, workspace: &Workspace) -> bool {
        let Text { key, text } = argument;
        let is_address = text.trim_start().get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http"))
            && text.contains("://")
            && !text.trim().contains(char::is_whitespace);
        if is_address && self.bounds.hosts.is_some() {
            return host_of(text.trim())
                .is_some_and(|host| self.may_reach(&host) || self.is_forge_of_task(text));
        }
        let path = text.strip_prefix("file://").unwrap_or(text);
        if (is_path_key(key) || text.starts_with("file://")) && !self.path_stays(tool, path, workspace) {
            return false;
        }
        self.bounds.hosts.is_none()
            || !references(text).iter().any(|found| found.loaded && !self.may_reach(&found.host))
    }

    /// A path of an argument is held to the same patterns as the client's own tools.
    fn path_stays(&self, tool: &str, path: &str, workspace: &Workspace) -> bool {
        if self.bounds.read.is_none() && self.bounds.write.is_none() {
            return true;
        }
        let Some((real, place)) = lexically(workspace, path) else { return false };
        let Some(spot) = Spot::new(&real, workspace) else { return false };
        if matches!(place, Place::Secret | Place::Own) {
            return false;
        }
        let changes = tool
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| CHANGING.contains(&word.to_ascii_lowercase().as_str()));
        let reads = self.read.as_ref().is_none_or(|read| read.covers(&spot)) && !self.deny_read.bars(&spot);
        let writes = self.write.as_ref().is_none_or(|write| write.covers(&spot)) && !self.protects(&spot);
        reads && (!changes || writes)
    }

    /// Whether every repository that the arguments name is the task's.
    fn repository_stays(&self, arguments: &Value, texts: &[Text<'_>]) -> bool {
        let Some(own) = self.bounds.repository.as_deref() else { return true };
        let own = own.to_ascii_lowercase();
        let (own_owner, own_name) = own.split_once('/').unwrap_or(("", &own));
        let member = |name: &str| arguments.get(name).and_then(Value::as_str).map(str::to_ascii_lowercase);
        if member("owner").or_else(|| member("org")).is_some_and(|owner| owner != own_owner) {
            return false;
        }
        texts.iter().all(|Text { key, text }| {
            let key = key.to_ascii_lowercase();
            let text = text.to_ascii_lowercase();
            let names_one =
                (key.contains("repo") || key == "full_name" || key == "fork_of") && !key.contains("path");
            let named = repository_in_address(&text).or_else(|| {
                (names_one && !text.contains("://")).then(|| text.trim_end_matches(".git").to_owned())
            });
            let fits = |name: &str| name == own || (!name.contains('/') && name == own_name);
            named.as_deref().is_none_or(fits)
                && qualifiers(&key, &text).iter().all(|name| fits_owner(name, &own))
        })
    }

    /// Whether an address of a code host is one of the task's repository.
    fn is_forge_of_task(&self, address: &str) -> bool {
        let own = self.bounds.repository.as_deref().map(str::to_ascii_lowercase);
        repository_in_address(&address.to_ascii_lowercase()).is_some_and(|named| Some(named) == own)
    }
}

/// Keys under which tools take paths.
fn is_path_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    matches!(
        key.as_str(),
        "path"
            | "paths"
            | "file"
            | "files"
            | "filename"
            | "dir"
            | "directory"
            | "folder"
            | "root"
            | "cwd"
            | "source"
            | "destination"
            | "src"
            | "dst"
            | "uri"
    ) || key.ends_with("_path")
        || key.ends_with("_paths")
        || key.ends_with("_file")
        || key.ends_with("_dir")
        || key.ends_with("path") && key.len() > 4
}

/// `owner/name` of an address of a well-known code host.
fn repository_in_address(text: &str) -> Option<String> {
    const FORGES: &[&str] =
        &["github.com/", "gitlab.com/", "bitbucket.org/", "api.github.com/repos/", "codeberg.org/"];
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let rest = rest.strip_prefix("www.").unwrap_or(rest);
    let rest = FORGES.iter().rev().find_map(|forge| rest.strip_prefix(forge))?;
    let mut parts = rest.split(['/', '?', '#']);
    let (owner, name) = (parts.next()?, parts.next()?.trim_end_matches(".git"));
    (!owner.is_empty() && !name.is_empty()).then(|| format!("{owner}/{name}"))
}

/// Repositories and owners that a search names: `repo:o/n`, `org:o`, `user:o`.
fn qualifiers(key: &str, text: &str) -> Vec<String> {
    if !matches!(key, "query" | "q" | "search" | "search_query" | "jql" | "filter") {
        return Vec::new();
    }
    text.split_whitespace()
        .filter_map(|word| {
            let (name, value) = word.trim_start_matches('-').split_once(':')?;
            matches!(name, "repo" | "org" | "user" | "project" | "owner")
                .then(|| value.trim_matches('"').to_owned())
        })
        .collect()
}

/// Whether a qualifier stays with the task's repository. Its owner alone would search all that the owner has.
fn fits_owner(named: &str, own: &str) -> bool {
    named == own
}
