//! JSON with comments and trailing commas, as editors and clients write it.

use jsonc_parser::ast;
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::{DocumentError, Member, Node, Reading, Value};

pub(super) fn parse(text: &str) -> Result<Node, DocumentError> {
    let mut reading = Reading::of(text);
    let parsed = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default())
        .map_err(|error| DocumentError::Syntax { line: reading.line(error.range().start) })?;
    match parsed.value {
        Some(value) => convert(&value, &mut reading, 0),
        None => Ok(Node { line: 1, value: Value::Map(Vec::new()) }),
    }
}

fn convert(from: &ast::Value<'_>, reading: &mut Reading, depth: usize) -> Result<Node, DocumentError> {
    reading.enter(depth)?;
    let value = match from {
        ast::Value::StringLit(text) => Value::Text(text.value.to_string()),
        ast::Value::NumberLit(number) => Value::Number(number.value.to_owned()),
        ast::Value::BooleanLit(truth) => Value::Bool(truth.value),
        ast::Value::NullKeyword(_) => Value::Null,
        ast::Value::Array(array) => Value::List(
            array
                .elements
                .iter()
                .map(|element| convert(element, reading, depth + 1))
                .collect::<Result<_, _>>()?,
        ),
        ast::Value::Object(object) => Value::Map(
            object
                .properties
                .iter()
                .map(|property| {
                    Ok(Member {
                        key: property.name.as_str().to_owned(),
                        line: reading.line(property.range.start),
                        node: convert(&property.value, reading, depth + 1)?,
                    })
                })
                .collect::<Result<_, _>>()?,
        ),
    };
    Ok(Node { line: reading.line(from.range().start), value })
}
