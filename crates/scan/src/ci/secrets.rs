//! Secrets that a part of a workflow names.

use std::collections::BTreeSet;

use crate::document::Node;

/// Stands for all of them: `toJSON(secrets)`.
const ALL: &str = "*";

/// Names of secrets in every expression below a node.
pub(crate) fn of_node(node: &Node, into: &mut BTreeSet<String>) {
    node.each_text(&mut |_, text, _| of_text(text, into));
}

/// Names of secrets in the expressions of a text.
pub(super) fn of_text(text: &str, into: &mut BTreeSet<String>) {
    for part in text.split("${{").skip(1) {
        let expression = part.split("}}").next().unwrap_or("");
        of_expression(expression, into);
    }
}

/// Names of secrets in one expression.
pub(super) fn of_expression(expression: &str, into: &mut BTreeSet<String>) {
    for at in words(expression, "secrets") {
        let tail = expression.get(at + "secrets".len()..).unwrap_or("").trim_start();
        let name = match tail.bytes().next() {
            Some(b'.') => word(tail.get(1..).unwrap_or("").trim_start()),
            Some(b'[') => {
                let inner = tail.get(1..).unwrap_or("").trim_start();
                match inner.strip_prefix(['\'', '"']) {
                    Some(quoted) => word(quoted),
                    None => ALL,
                }
            }
            _ => ALL,
        };
        into.insert(if name.is_empty() || name == "*" { ALL.to_owned() } else { name.to_owned() });
    }
}

fn word(text: &str) -> &str {
    let length =
        text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"_-*".contains(byte)).count();
    text.get(..length).unwrap_or("")
}

/// Where a whole word stands, in any case, that is no member of something else.
fn words(text: &str, wanted: &str) -> Vec<usize> {
    let lower = text.to_ascii_lowercase();
    let joins = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let is_whole = |at: &usize| {
        let before = at.checked_sub(1).and_then(|at| lower.as_bytes().get(at).copied());
        let after = lower.as_bytes().get(at + wanted.len()).copied();
        !before.is_some_and(|byte| joins(byte) || byte == b'.') && !after.is_some_and(joins)
    };
    lower.match_indices(wanted).map(|(at, _)| at).filter(is_whole).collect()
}
