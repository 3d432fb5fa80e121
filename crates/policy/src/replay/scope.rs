//! The scope of a chain, as its contract writes it, read into bounds.
//!
//! An entry of a list that allows and cannot be read names nothing, so the bounds are only narrower for it. An entry of
//! a list that forbids and cannot be read stops the whole chain from being judged.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::{Map, Value};
use writ_model::{Bounds, EffectBound, ExactCall, HostPattern, Limits, PathPattern, TaskKind, ToolBound};

use super::{ScenarioError, field};
use crate::host::host_of;

/// A scope, read.
pub(super) struct Named {
    pub bounds: Bounds,
    pub kind: TaskKind,
    pub limits: Limits,
    pub unread: Vec<String>,
    pub stopped: Option<String>,
}

/// Reads the scope.
pub(super) fn read(scope: &Map<String, Value>) -> Result<Named, ScenarioError> {
    let mut unread = Vec::new();
    let bounds = bounds(scope, &mut unread)?;
    bounds.check().map_err(|error| ScenarioError::Scope("scope", error.to_string()))?;
    let deploys = bounds.deploy.as_ref().is_some_and(|targets| !targets.is_empty());
    // The narrowest kind whose ceiling holds what is named.
    let kind = match (deploys, bounds.publish) {
        (true, _) => TaskKind::Ops,
        (false, Some(true)) => TaskKind::Release,
        (false, Some(false) | None) => TaskKind::Feature,
    };
    Ok(Named { kind, limits: limits(scope), unread, stopped: stopped(scope), bounds })
}

/// Only the bounds of a scope, for what a subagent is to get.
pub(super) fn bounds(scope: &Map<String, Value>, unread: &mut Vec<String>) -> Result<Bounds, ScenarioError> {
    let repository = field::text(scope, &["repo", "repository"]).filter(|name| name.contains('/'));
    Ok(Bounds {
        repository: repository.map(str::to_owned),
        read: allowed(scope, "read_paths", unread),
        deny_read: forbidden(scope, "deny_read")?,
        write: allowed(scope, "write_paths", unread),
        protected: forbidden(scope, "protected_paths")?,
        effects: allowed::<EffectBound>(scope, "effects", unread),
        hosts: hosts(scope, unread),
        no_intercept: Vec::new(),
        push: allowed(scope, "git_push", unread),
        mcp: servers(scope, unread),
        calls: calls(scope, unread),
        secrets: texts(scope, "secrets"),
        publish: match scope.get("publish") {
            None | Some(Value::Null) => None,
            Some(Value::Array(what)) => Some(!what.is_empty()),
            Some(_) => Some(field::is_set(scope, "publish")),
        },
        deploy: match scope.get("deploy") {
            Some(Value::Bool(false)) => Some(Vec::new()),
            Some(_) | None => texts(scope, "deploy"),
        },
        stop_on: allowed(scope, "stop_on", unread).unwrap_or_default(),
    })
}

/// A list that allows: what cannot be read is left out and told.
fn allowed<T: FromStr>(scope: &Map<String, Value>, name: &str, unread: &mut Vec<String>) -> Option<Vec<T>> {
    let entries = field::list(scope, name)?;
    let mut read = Vec::new();
    for entry in entries {
        match entry.as_str().and_then(|text| text.trim().parse().ok()) {
            Some(entry) => read.push(entry),
            None => unread.push(format!("{name}: {entry}")),
        }
    }
    Some(read)
}

/// A list that forbids: all of it must be read.
fn forbidden(scope: &Map<String, Value>, name: &'static str) -> Result<Vec<PathPattern>, ScenarioError> {
    field::list(scope, name)
        .unwrap_or_default()
        .into_iter()
        .map(|entry| {
            let text = entry.as_str().ok_or_else(|| ScenarioError::Scope(name, entry.to_string()))?;
            text.parse::<PathPattern>().map_err(|error| ScenarioError::Scope(name, error.to_string()))
        })
        .collect()
}

fn texts(scope: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    let entries = field::list(scope, name)?;
    Some(entries.into_iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// Hosts, also where somebody wrote an address.
fn hosts(scope: &Map<String, Value>, unread: &mut Vec<String>) -> Option<Vec<HostPattern>> {
    let entries = field::list(scope, "network_hosts")?;
    let mut read = Vec::new();
    for entry in entries {
        let host = entry.as_str().map(|text| host_of(text).unwrap_or_else(|| text.to_owned()));
        match host.and_then(|host| host.parse().ok()) {
            Some(host) => read.push(host),
            None => unread.push(format!("network_hosts: {entry}")),
        }
    }
    Some(read)
}

fn servers(scope: &Map<String, Value>, unread: &mut Vec<String>) -> Option<BTreeMap<String, Vec<ToolBound>>> {
    let servers = field::object(scope, "mcp")?;
    let read =
        servers.keys().map(|server| (server.clone(), allowed(servers, server, unread).unwrap_or_default()));
    Some(read.collect())
}

fn calls(scope: &Map<String, Value>, unread: &mut Vec<String>) -> Vec<ExactCall> {
    let mut read = Vec::new();
    for entry in field::list(scope, "mcp_calls").unwrap_or_default() {
        match exact(entry) {
            Some(call) => read.push(call),
            None => unread.push(format!("mcp_calls: {entry}")),
        }
    }
    read
}

fn exact(entry: &Value) -> Option<ExactCall> {
    let members = entry.as_object()?;
    let name = field::text(members, &["tool"])?;
    let (server, tool) = name.strip_prefix("mcp:").unwrap_or(name).split_once('.')?;
    let arguments = match members.get("args").or_else(|| members.get("arguments")) {
        Some(Value::Object(arguments)) => arguments.clone(),
        Some(Value::Null) | None => Map::new(),
        Some(_) => return None,
    };
    Some(ExactCall { server: server.to_owned(), tool: tool.to_owned(), arguments })
}

/// Limits that the scope states.
fn limits(scope: &Map<String, Value>) -> Limits {
    let mut limits = Limits::default();
    let stated = field::object(scope, "limits").or_else(|| field::object(scope, "budget"));
    if let Some(members) = stated {
        let number = |names: &[&str]| names.iter().find_map(|name| members.get(*name)?.as_u64());
        limits.calls = number(&["calls", "max_calls"]).unwrap_or(limits.calls);
        limits.denials = number(&["denials", "max_denials"]).unwrap_or(limits.denials);
        limits.outward_calls = number(&["outward_calls", "outward"]);
        limits.files_written = number(&["files_written", "files"]);
    }
    limits
}

/// What the scope says of the task's state, where it means that nothing may happen.
fn stopped(scope: &Map<String, Value>) -> Option<String> {
    const ENDED: [&str; 8] =
        ["closed", "expired", "paused", "quarantined", "retired", "revoked", "stopped", "suspended"];
    let ended = |text: &str| ENDED.into_iter().find(|word| text.eq_ignore_ascii_case(word));
    let found = match scope.get("state")? {
        Value::String(text) => ended(text),
        Value::Object(members) => members.iter().find_map(|(name, value)| match value {
            Value::String(text)
                if matches!(name.as_str(), "task" | "agent" | "writ" | "state" | "status") =>
            {
                ended(text)
            }
            Value::Bool(true) => ended(name),
            Value::String(_)
            | Value::Null
            | Value::Bool(false)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => None,
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    };
    found.map(|word| format!("it is {word}"))
}
