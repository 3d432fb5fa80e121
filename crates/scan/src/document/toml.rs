//! TOML.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{DocumentError, Lines, MAX_DEPTH, MAX_NODES, Member, Node, Value};

pub(super) fn parse(text: &str) -> Result<Node, DocumentError> {
    let lines = Lines::of(text);
    let table = DeTable::parse(text).map_err(|error| DocumentError::Syntax {
        line: error.span().map_or(1, |span| lines.line(span.start)),
    })?;
    let mut count = 0;
    Ok(Node { line: 1, value: members(table.get_ref(), &lines, 0, &mut count)? })
}

fn members(
    table: &DeTable<'_>,
    lines: &Lines,
    depth: usize,
    count: &mut usize,
) -> Result<Value, DocumentError> {
    let mut members: Vec<Member> = table
        .iter()
        .map(|(key, value)| {
            Ok(Member {
                key: key.get_ref().to_string(),
                line: lines.line(key.span().start),
                node: convert(value, lines, depth + 1, count)?,
            })
        })
        .collect::<Result<_, _>>()?;
    // The parser sorts by key; people read by line.
    members.sort_by_key(|member| member.line);
    Ok(Value::Map(members))
}

fn convert(
    from: &Spanned<DeValue<'_>>,
    lines: &Lines,
    depth: usize,
    count: &mut usize,
) -> Result<Node, DocumentError> {
    *count += 1;
    if *count > MAX_NODES {
        return Err(DocumentError::Values);
    }
    if depth > MAX_DEPTH {
        return Err(DocumentError::Depth);
    }
    let value = match from.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => Value::Number(number.to_string()),
        DeValue::Float(number) => Value::Number(number.to_string()),
        DeValue::Boolean(truth) => Value::Bool(*truth),
        DeValue::Datetime(time) => Value::Text(time.to_string()),
        DeValue::Array(items) => Value::List(
            items.iter().map(|item| convert(item, lines, depth + 1, count)).collect::<Result<_, _>>()?,
        ),
        DeValue::Table(table) => members(table, lines, depth, count)?,
    };
    Ok(Node { line: lines.line(from.span().start), value })
}
