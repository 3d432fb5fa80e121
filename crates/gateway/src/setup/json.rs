//! Hook entries in JSON settings of the shape `hooks.EVENT[].hooks[]`, or `hooks.EVENT[]`, edited so that comments, order and
//! everybody else's entries stay as they are.

use std::path::Path;

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstNode, CstObject, CstRootNode};
use serde_json::Value;

use super::SetupError;

/// One entry of ours.
pub(super) struct Entry {
    pub(super) event: &'static str,
    /// The whole group: `{"hooks":[{…}]}`.
    pub(super) group: Value,
}

/// Settings text with our entries in it and none of an earlier installation.
pub(super) fn with_entries(
    path: &Path,
    text: Option<&str>,
    entries: &[Entry],
    is_ours: &dyn Fn(&Value) -> bool,
) -> Result<String, SetupError> {
    let root = parsed(path, text.unwrap_or("{}\n"))?;
    let object = object(path, &root)?;
    let wanted = |event: &str| entries.iter().filter(|entry| entry.event == event).count();
    // Installed already, as it should be: then not a byte changes.
    let present = object.object_value("hooks").is_some_and(|hooks| {
        let ours_of = |event: &str| -> Vec<Value> {
            groups(&hooks, event).into_iter().filter(|group| has_ours(group, is_ours)).collect()
        };
        let events: Vec<String> =
            hooks.properties().iter().filter_map(|property| property.decoded_name()).collect();
        entries.iter().all(|entry| ours_of(entry.event).contains(&entry.group))
            && events.iter().all(|event| ours_of(event).len() == wanted(event))
    });
    if present {
        return Ok(text.unwrap_or_default().to_owned());
    }
    remove_ours(&object, is_ours);
    let hooks =
        object.object_value_or_create("hooks").ok_or_else(|| unreadable(path, "`hooks` is no object"))?;
    for entry in entries {
        let groups = hooks
            .array_value_or_create(entry.event)
            .ok_or_else(|| unreadable(path, "an event of `hooks` is no list"))?;
        groups.append(input(&entry.group));
        groups.ensure_multiline();
    }
    Ok(root.to_string())
}

/// Settings text without our entries; `None` when nothing is left of it.
pub(super) fn without_entries(
    path: &Path,
    text: &str,
    is_ours: &dyn Fn(&Value) -> bool,
) -> Result<Option<String>, SetupError> {
    let root = parsed(path, text)?;
    let object = object(path, &root)?;
    if !remove_ours(&object, is_ours) {
        return Ok(Some(text.to_owned()));
    }
    let left = root.to_string();
    Ok((left.trim() != "{}").then_some(left))
}

/// Sets one scalar, in an object of the root or in the root itself.
pub(super) fn set(path: &Path, text: &str, keys: &[&str], value: Value) -> Result<String, SetupError> {
    let root = parsed(path, text)?;
    let mut object = object(path, &root)?;
    let Some((last, outer)) = keys.split_last() else { return Ok(text.to_owned()) };
    for key in outer {
        object = object
            .object_value_or_create(key)
            .ok_or_else(|| unreadable(path, &format!("`{key}` is no object")))?;
    }
    match object.get(last) {
        Some(property) => property.set_value(input(&value)),
        None => {
            object.append(last, input(&value));
        }
    }
    Ok(root.to_string())
}

/// The settings as a value, for looking something up.
pub(super) fn value(path: &Path, text: &str) -> Result<Value, SetupError> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    jsonc_parser::parse_to_serde_value(text, &ParseOptions::default())
        .map_err(|error| unreadable(path, &error.to_string()))
}

fn parsed(path: &Path, text: &str) -> Result<CstRootNode, SetupError> {
    let text = if text.trim().is_empty() { "{}\n" } else { text };
    CstRootNode::parse(text, &ParseOptions::default()).map_err(|error| unreadable(path, &error.to_string()))
}

fn object(path: &Path, root: &CstRootNode) -> Result<CstObject, SetupError> {
    root.object_value().ok_or_else(|| unreadable(path, "it holds no object"))
}

fn unreadable(path: &Path, why: &str) -> SetupError {
    SetupError::Unreadable { path: path.to_owned(), why: why.to_owned() }
}

fn groups(hooks: &CstObject, event: &str) -> Vec<Value> {
    let Some(groups) = hooks.array_value(event) else { return Vec::new() };
    groups.elements().iter().filter_map(value_of).collect()
}

fn value_of(node: &CstNode) -> Option<Value> {
    jsonc_parser::parse_to_serde_value(&node.to_string(), &ParseOptions::default()).ok()
}

fn has_ours(group: &Value, is_ours: &dyn Fn(&Value) -> bool) -> bool {
    match group.get("hooks") {
        Some(handlers) => handlers.as_array().is_some_and(|handlers| handlers.iter().any(is_ours)),
        // Some clients have the handlers themselves in the list.
        None => is_ours(group),
    }
}

/// Removes our handlers, and each container that this empties. Says whether there was anything.
fn remove_ours(object: &CstObject, is_ours: &dyn Fn(&Value) -> bool) -> bool {
    let Some(hooks) = object.object_value("hooks") else { return false };
    let mut removed = false;
    for property in hooks.properties() {
        let Some(groups) = property.array_value() else { continue };
        let mut removed_here = false;
        for group in groups.elements() {
            let Some(handlers) = group.as_object().and_then(|group| group.array_value("hooks")) else {
                if value_of(&group).is_some_and(|group| is_ours(&group)) {
                    group.remove();
                    removed_here = true;
                }
                continue;
            };
            let mut removed_group = false;
            for handler in handlers.elements() {
                if value_of(&handler).is_some_and(|handler| is_ours(&handler)) {
                    handler.remove();
                    removed_group = true;
                }
            }
            if removed_group && handlers.elements().is_empty() {
                group.remove();
            }
            removed_here |= removed_group;
        }
        if removed_here && groups.elements().is_empty() {
            property.remove();
        }
        removed |= removed_here;
    }
    if removed
        && hooks.properties().is_empty()
        && let Some(property) = object.get("hooks")
    {
        property.remove();
    }
    removed
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(value) => CstInputValue::Bool(*value),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(items) => CstInputValue::Array(items.iter().map(input).collect()),
        Value::Object(fields) => {
            CstInputValue::Object(fields.iter().map(|(name, value)| (name.clone(), input(value))).collect())
        }
    }
}
