//! TOML.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{DocumentError, Member, Node, Reading, Value};

pub(super) fn parse(text: &str) -> Result<Node, DocumentError> {
    let mut reading = Reading::of(text);
    let table = DeTable::parse(text).map_err(|error| DocumentError::Syntax {
        line: error.span().map_or(1, |span| reading.line(span.start)),
    })?;
    Ok(Node { line: 1, value: members(table.get_ref(), &mut reading, 0)? })
}

fn members(table: &DeTable<'_>, reading: &mut Reading, depth: usize) -> Result<Value, DocumentError> {
    let mut members: Vec<Member> = table
        .iter()
        .map(|(key, value)| {
            Ok(Member {
                key: key.get_ref().to_string(),
                line: reading.line(key.span().start),
                node: convert(value, reading, depth + 1)?,
            })
        })
        .collect::<Result<_, _>>()?;
    // The parser sorts by key; people read by line.
    members.sort_by_key(|member| member.line);
    Ok(Value::Map(members))
}

fn convert(from: &Spanned<DeValue<'_>>, reading: &mut Reading, depth: usize) -> Result<Node, DocumentError> {
    reading.enter(depth)?;
    let value = match from.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => Value::Number(number.to_string()),
        DeValue::Float(number) => Value::Number(number.to_string()),
        DeValue::Boolean(truth) => Value::Bool(*truth),
        DeValue::Datetime(time) => Value::Text(time.to_string()),
        DeValue::Array(items) => {
            Value::List(items.iter().map(|item| convert(item, reading, depth + 1)).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => members(table, reading, depth)?,
    };
    Ok(Node { line: reading.line(from.span().start), value })
}
