//! Hook entries in a TOML file of Codex, edited so that everything else stays as it is.

use std::path::Path;

use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value};
use writ_model::Client;

use super::trust::{state_key, trusted_hash};
use super::{EVENTS, Handler};
use crate::setup::SetupError;
use crate::setup::command::is_our_line;

/// Behind a value that is ours, so that it can be taken back.
const MARK: &str = " # by writ install";

pub(super) fn parsed(path: &Path, text: &str) -> Result<DocumentMut, SetupError> {
    text.parse().map_err(|error: toml_edit::TomlError| unreadable(path, error.message()))
}

fn unreadable(path: &Path, why: &str) -> SetupError {
    SetupError::Unreadable { path: path.to_owned(), why: why.to_owned() }
}

pub(super) fn handler_value(handler: &Handler) -> Value {
    let mut table = InlineTable::new();
    table.insert("type", "command".into());
    table.insert("command", handler.line.as_str().into());
    table.insert("timeout", i64::try_from(handler.timeout_secs).unwrap_or(i64::MAX).into());
    Value::InlineTable(table)
}

pub(super) fn has_ours(document: &DocumentMut) -> bool {
    EVENTS.iter().any(|event| groups(document, event.name).iter().any(|group| our_line(*group).is_some()))
}

/// Whether each handler stands there exactly once, with its trust, and no other of ours does.
pub(super) fn is_complete(document: &DocumentMut, handlers: &[Handler], source: Option<&str>) -> bool {
    handlers.iter().all(|handler| {
        let groups = groups(document, handler.event.name);
        let mut ours = groups.iter().enumerate().filter_map(|(at, group)| Some((at, our_line(*group)?)));
        let (Some((at, line)), None) = (ours.next(), ours.next()) else { return false };
        let trusted = source.is_none_or(|source| {
            let state = document.get("hooks").and_then(|hooks| hooks.get("state"));
            let entry = state.and_then(|state| state.get(state_key(source, handler.event.snake, at)));
            entry.and_then(|entry| entry.get("trusted_hash")?.as_str())
                == Some(trusted_hash(handler).as_str())
        });
        line == handler.line && trusted
    })
}

/// Adds the handlers at the end of their events; with `source`, also the trust, behind all of them.
pub(super) fn add(
    path: &Path,
    document: &mut DocumentMut,
    handlers: &[Handler],
    source: Option<&str>,
) -> Result<(), SetupError> {
    let hooks = table(path, document.as_table_mut(), "hooks")?;
    let mut places = Vec::with_capacity(handlers.len());
    for handler in handlers {
        places.push(append(path, hooks, handler)?);
    }
    let Some(source) = source else { return Ok(()) };
    let state = table(path, hooks, "state")?;
    for (handler, at) in handlers.iter().zip(places) {
        let mut entry = Table::new();
        entry.insert("trusted_hash", trusted_hash(handler).into());
        state.insert(&state_key(source, handler.event.snake, at), Item::Table(entry));
    }
    Ok(())
}

/// Appends a group with one handler; says at which place of its event.
fn append(path: &Path, hooks: &mut dyn TableLike, handler: &Handler) -> Result<usize, SetupError> {
    let handlers = Value::from_iter([handler_value(handler)]);
    match hooks.entry(handler.event.name).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new())) {
        Item::ArrayOfTables(groups) => {
            let mut group = Table::new();
            group.insert("hooks", handlers.into());
            groups.push(group);
            Ok(groups.len() - 1)
        }
        Item::Value(Value::Array(groups)) => {
            let mut group = InlineTable::new();
            group.insert("hooks", handlers);
            groups.push(group);
            Ok(groups.len() - 1)
        }
        Item::None | Item::Value(_) | Item::Table(_) => {
            Err(unreadable(path, "an event of `hooks` is no list"))
        }
    }
}

/// What the administrator's file needs beside the handlers: hooks on, and a folder that exists.
pub(super) fn require(path: &Path, document: &mut DocumentMut, programs: &str) -> Result<(), SetupError> {
    let features = table(path, document.as_table_mut(), "features")?;
    insert_marked(features, "hooks", true.into());
    let hooks = table(path, document.as_table_mut(), "hooks")?;
    insert_marked(hooks, "managed_dir", programs.into());
    Ok(())
}

fn insert_marked(table: &mut dyn TableLike, key: &str, mut value: Value) {
    if table.get(key).is_some() {
        return;
    }
    value.decor_mut().set_suffix(MARK);
    table.insert(key, Item::Value(value));
}

/// Takes away what [`add`] and [`require`] put there, and each container that this empties. Trust of handlers that
/// move up moves with them. Says whether there was anything.
pub(super) fn remove(document: &mut DocumentMut, source: Option<&str>) -> bool {
    let mut removed = false;
    for event in EVENTS {
        let places: Vec<usize> = groups(document, event.name)
            .iter()
            .enumerate()
            .filter(|(_, group)| our_line(**group).is_some())
            .map(|(at, _)| at)
            .collect();
        let Some(hooks) = document.get_mut("hooks").and_then(Item::as_table_like_mut) else { break };
        for at in places.into_iter().rev() {
            removed = true;
            match hooks.get_mut(event.name) {
                Some(Item::ArrayOfTables(groups)) => {
                    groups.remove(at);
                }
                Some(Item::Value(Value::Array(groups))) => {
                    groups.remove(at);
                }
                Some(Item::None | Item::Value(_) | Item::Table(_)) | None => {}
            }
            if let (Some(source), Some(state)) =
                (source, hooks.get_mut("state").and_then(Item::as_table_like_mut))
            {
                close_gap(state, &format!("{source}:{}:", event.snake), at);
            }
        }
        let empty = match hooks.get(event.name) {
            Some(Item::ArrayOfTables(groups)) => groups.is_empty(),
            Some(Item::Value(Value::Array(groups))) => groups.is_empty(),
            Some(Item::None | Item::Value(_) | Item::Table(_)) | None => false,
        };
        if empty && removed {
            hooks.remove(event.name);
        }
    }
    if removed {
        remove_if_empty(document.get_mut("hooks").and_then(Item::as_table_like_mut), "state");
        for (outer, key) in [("hooks", "managed_dir"), ("features", "hooks")] {
            let Some(table) = document.get_mut(outer).and_then(Item::as_table_like_mut) else { continue };
            let suffix =
                table.get(key).and_then(Item::as_value).and_then(|value| value.decor().suffix()?.as_str());
            if suffix.is_some_and(|suffix| suffix.contains(MARK.trim())) {
                table.remove(key);
                if let Some(Item::Table(table)) = document.get_mut(outer) {
                    // The value had made a header of its own necessary.
                    let needs_header = table.iter().any(|(_, item)| item.is_value());
                    table.set_implicit(!needs_header && !table.is_empty());
                }
                remove_if_empty(Some(document.as_table_mut()), outer);
            }
        }
        remove_if_empty(Some(document.as_table_mut()), "hooks");
    }
    removed
}

/// Removes the trust of the group at `at`, and renames that of the groups behind it.
fn close_gap(state: &mut dyn TableLike, prefix: &str, at: usize) {
    let keys: Vec<String> =
        state.iter().map(|(key, _)| key.to_owned()).filter(|key| key.starts_with(prefix)).collect();
    for key in keys {
        let Some((group, handler)) = key.strip_prefix(prefix).and_then(|rest| rest.split_once(':')) else {
            continue;
        };
        let Ok(group) = group.parse::<usize>() else { continue };
        if group < at {
            continue;
        }
        let Some(entry) = state.remove(&key) else { continue };
        if group > at {
            state.insert(&format!("{prefix}{}:{handler}", group - 1), entry);
        }
    }
}

fn remove_if_empty(table: Option<&mut dyn TableLike>, key: &str) {
    let Some(table) = table else { return };
    if table.get(key).and_then(Item::as_table_like).is_some_and(|inner| inner.is_empty()) {
        table.remove(key);
    }
}

fn table<'a>(
    path: &Path,
    outer: &'a mut dyn TableLike,
    key: &str,
) -> Result<&'a mut dyn TableLike, SetupError> {
    let item = outer.entry(key).or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    item.as_table_like_mut().ok_or_else(|| unreadable(path, &format!("`{key}` is no table")))
}

fn groups<'a>(document: &'a DocumentMut, event: &str) -> Vec<&'a dyn TableLike> {
    match document.get("hooks").and_then(|hooks| hooks.get(event)) {
        Some(Item::ArrayOfTables(groups)) => groups.iter().map(|group| group as &dyn TableLike).collect(),
        Some(Item::Value(Value::Array(groups))) => {
            groups.iter().filter_map(Value::as_inline_table).map(|group| group as &dyn TableLike).collect()
        }
        Some(Item::None | Item::Value(_) | Item::Table(_)) | None => Vec::new(),
    }
}

/// The command line of our handler in a group that holds nothing else.
fn our_line(group: &dyn TableLike) -> Option<&str> {
    let handler = match group.get("hooks")? {
        Item::ArrayOfTables(handlers) if handlers.len() == 1 => handlers.get(0)?.get("command")?.as_str(),
        Item::Value(Value::Array(handlers)) if handlers.len() == 1 => {
            handlers.get(0)?.as_inline_table()?.get("command")?.as_str()
        }
        Item::None | Item::Value(_) | Item::Table(_) | Item::ArrayOfTables(_) => None,
    };
    handler.filter(|line| is_our_line(line, Client::Codex))
}
