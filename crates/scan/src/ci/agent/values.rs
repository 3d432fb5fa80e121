//! Values that stand in a workflow beside a script: those of variables and of a matrix, put into the script before it is read.

use std::collections::{BTreeMap, BTreeSet};

use crate::ci::expression::{self, Expression};
use crate::document::{Node, Value};

/// Most texts that one script is read as, most values of each kind, and deepest value in a matrix.
const MAX_VARIANTS: usize = 48;
const MAX_VALUES: usize = 500;
const MAX_DEPTH: usize = 3;
/// Longest value that is put in, and longest text with values put in, in bytes.
const MAX_VALUE: usize = 4 << 10;
const MAX_TEXT: usize = 64 << 10;
/// Most bytes of all the texts that one script is read as.
const MAX_TEXTS: usize = 256 << 10;

/// Names with their values.
type Row = BTreeMap<String, String>;

/// What is set around a script.
#[derive(Clone, Debug, Default)]
pub(in crate::ci) struct Values<'a> {
    /// Maps of variables, the nearest last.
    pub(in crate::ci) set: Vec<&'a Node>,
    pub(in crate::ci) matrix: Option<&'a Node>,
}

// === impl Values ===

impl Values<'_> {
    /// The texts that a script is with values put in, without the script itself.
    pub(super) fn variants(&self, script: &str, own: Option<&Node>) -> Vec<String> {
        if !script.contains('$') || script.len() > MAX_TEXT {
            return Vec::new();
        }
        let mut set = Row::new();
        for member in self.set.iter().copied().chain(own).flat_map(Node::members).take(MAX_VALUES) {
            // GitLab's variables may be written with what they are for beside them.
            let node = member.node.get("value").unwrap_or(&member.node);
            set.extend(node.scalar().map(|value| (member.key.clone(), value)));
        }
        let assigned = assigned(script);
        let mut texts: Vec<String> = Vec::new();
        let mut left = MAX_TEXTS;
        for row in self.matrix.map_or_else(|| vec![Row::new()], |matrix| rows(matrix, script, &set)) {
            let mut set = set.clone();
            for value in set.values_mut().filter(|value| value.contains("${{")) {
                *value = expressions(value, &row, &Row::new());
            }
            // The rows of GitLab's are variables themselves.
            set.extend(
                row.iter()
                    .filter(|(name, _)| !name.contains('.'))
                    .map(|(name, value)| (name.clone(), value.clone())),
            );
            set.retain(|_, value| !value.contains("${{") && value.len() <= MAX_VALUE);
            let text = variables(&expressions(script, &row, &set), &set, &assigned);
            let Some(fewer) = left.checked_sub(text.len()) else { break };
            left = fewer;
            if text != script && !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts
    }
}

/// The rows of a matrix, as far as a script or a variable names what is in them.
fn rows(matrix: &Node, script: &str, set: &Row) -> Vec<Row> {
    if let Value::List(items) = &matrix.value {
        let is_named = |key: &str| script.contains(key);
        let mut rows: Vec<Row> = Vec::new();
        for item in items.iter().take(MAX_VARIANTS) {
            rows.extend(product(&lists(item, "", &is_named)));
        }
        rows.truncate(MAX_VARIANTS);
        return rows;
    }
    let text = set
        .values()
        .fold(script.to_ascii_lowercase(), |text, value| text + "\n" + &value.to_ascii_lowercase());
    let is_named = |key: &str| text.contains(&key.to_ascii_lowercase());
    if !is_named("matrix") {
        return vec![Row::new()];
    }
    let each = product(&lists(matrix, "matrix.", &is_named));
    let mut rows = Vec::new();
    for item in matrix.get("include").map_or(&[][..], Node::items).iter().take(MAX_VARIANTS) {
        let mut own = Row::new();
        flatten(item, "matrix", 0, &mut own);
        // What is included is a row by itself, or joins the rows that it fits.
        let fits =
            |row: &&Row| own.iter().all(|(name, value)| row.get(name).is_none_or(|known| known == value));
        let joined = each
            .iter()
            .filter(fits)
            .map(|row| row.iter().chain(&own).map(|(name, value)| (name.clone(), value.clone())).collect());
        let before = rows.len();
        rows.extend(joined.take(MAX_VARIANTS));
        if rows.len() == before {
            rows.push(own);
        }
    }
    // Every row that is included is there before further combinations are.
    rows.extend(each);
    rows.truncate(MAX_VARIANTS);
    rows
}

/// What each member of a matrix can be, of those that are named.
fn lists(matrix: &Node, before: &str, is_named: &dyn Fn(&str) -> bool) -> Vec<Vec<Row>> {
    let is_list = |key: &str| before.is_empty() || !["exclude", "include"].contains(&key);
    let members = matrix.members().iter().filter(|member| is_list(&member.key) && is_named(&member.key));
    let values = |node: &Node, key: &str| {
        let mut row = Row::new();
        flatten(node, &name_in(before, key), 0, &mut row);
        row
    };
    members
        .map(|member| match &member.node.value {
            Value::List(items) => {
                items.iter().take(MAX_VALUES).map(|item| values(item, &member.key)).collect()
            }
            _ => vec![values(&member.node, &member.key)],
        })
        .filter(|list: &Vec<Row>| !list.is_empty())
        .collect()
}

/// Names in expressions are read in lower case, those of variables as they are.
fn name_in(before: &str, key: &str) -> String {
    if before.is_empty() { key.to_owned() } else { format!("{before}{}", key.to_ascii_lowercase()) }
}

/// The texts in a value, by the path that leads there.
fn flatten(node: &Node, path: &str, depth: usize, into: &mut Row) {
    if let Some(value) = node.scalar().filter(|value| value.len() <= MAX_VALUE && !value.contains("${{")) {
        into.insert(path.to_owned(), value);
    }
    for member in node.members().iter().take(MAX_VALUES).filter(|_| depth < MAX_DEPTH) {
        flatten(&member.node, &format!("{path}.{}", member.key.to_ascii_lowercase()), depth + 1, into);
    }
}

/// One of each list, in as many ways as there is room for: each value is there once before others are combined.
fn product(lists: &[Vec<Row>]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    let all = lists.iter().fold(1_usize, |all, list| all.saturating_mul(list.len().max(1)));
    let straight = (0..longest.min(MAX_VARIANTS)).map(|at| vec![at; lists.len()]);
    let others = (0..all.min(MAX_VARIANTS)).map(|at| {
        let mut rest = at;
        lists
            .iter()
            .map(|list| {
                let place = rest % list.len().max(1);
                rest /= list.len().max(1);
                place
            })
            .collect()
    });
    for places in straight.chain(others) {
        let parts = lists.iter().zip(places).filter_map(|(list, at)| list.get(at % list.len().max(1)));
        let row: Row = parts.flatten().map(|(name, value)| (name.clone(), value.clone())).collect();
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    if rows.is_empty() {
        rows.push(Row::new());
    }
    rows.truncate(MAX_VARIANTS);
    rows
}

/// `${{ matrix.X }}` and `${{ env.X }}`, which are put in before a shell sees the text.
fn expressions(text: &str, row: &Row, set: &Row) -> String {
    let (mut put, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("${{").filter(|_| put.len() < MAX_TEXT) {
        let (before, after) = rest.split_at(at);
        put.push_str(before);
        let Some(end) = after.find("}}").map(|end| end + 2) else {
            rest = after;
            break;
        };
        let (whole, tail) = after.split_at(end);
        let inner = whole.strip_prefix("${{").and_then(|inner| inner.strip_suffix("}}")).unwrap_or("");
        let value = match expression::parse(inner) {
            Expression::Path(path) => match path.strip_prefix("env.") {
                Some(name) => {
                    set.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
                }
                None => row.get(&path),
            },
            _ => None,
        };
        put.push_str(value.map_or(whole, String::as_str));
        rest = tail;
    }
    put.push_str(rest);
    put
}

/// Names that a script sets itself: what they are is told there.
fn assigned(script: &str) -> BTreeSet<&str> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    script
        .match_indices('=')
        .filter_map(|(at, _)| {
            let before = script.get(..at)?;
            before.get(before.len() - before.bytes().rev().take_while(is_part).count()..)
        })
        .collect()
}

/// `$NAME` and `${NAME}`, which a shell takes for words and not for signs of its own.
fn variables(text: &str, set: &Row, assigned: &BTreeSet<&str>) -> String {
    // What a shell reads anew is what it says.
    let is_read_anew = text.contains("eval ") || text.contains("-c ") || text.contains("-c\"");
    let (mut put, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('$').filter(|_| put.len() < MAX_TEXT) {
        let (before, after) = rest.split_at(at);
        put.push_str(before);
        let (open, close) = if after.starts_with("${") {
            ("${", "}")
        } else if after.starts_with("$env:") {
            ("$env:", "")
        } else {
            ("$", "")
        };
        let inner = after.get(open.len()..).unwrap_or("");
        let length = inner.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let (name, tail) = inner.split_at(length);
        let value = set.get(name).filter(|_| !assigned.contains(name));
        match (value, tail.strip_prefix(close)) {
            (Some(value), Some(tail)) => {
                put.extend(value.chars().map(|letter| match letter {
                    '"' if is_read_anew => '\'',
                    _ if is_read_anew => letter,
                    '"' | '\'' | '`' | '$' | '\\' | ';' | '&' | '|' | '<' | '>' | '(' | ')' | '#' => '_',
                    '\n' | '\r' => ' ',
                    letter => letter,
                }));
                rest = tail;
            }
            _ => {
                put.push_str(open);
                rest = inner;
            }
        }
    }
    put.push_str(rest);
    put
}
