//! JSON with comments and trailing commas, as editors and clients write it.

use jsonc_parser::ast;
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::{DocumentError, Lines, MAX_DEPTH, MAX_NODES, Member, Node, Value};

pub(super) fn parse(text: &str) -> Result<Node, DocumentError> {
    let lines = Lines::of(text);
    let parsed = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default())
        .map_err(|error| DocumentError::Syntax { line: lines.line(error.range().start) })?;
    match parsed.value {
        Some(value) => convert(&value, &lines, 0, &mut 0),
        None => Ok(Node { line: 1, value: Value::Map(Vec::new()) }),
    }
}

fn convert(
    from: &ast::Value<'_>,
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
    let value = match from {
        ast::Value::StringLit(text) => Value::Text(text.value.to_string()),
        ast::Value::NumberLit(number) => Value::Number(number.value.to_owned()),
        ast::Value::BooleanLit(truth) => Value::Bool(truth.value),
        ast::Value::NullKeyword(_) => Value::Null,
        ast::Value::Array(array) => Value::List(
            array
                .elements
                .iter()
                .map(|element| convert(element, lines, depth + 1, count))
                .collect::<Result<_, _>>()?,
        ),
        ast::Value::Object(object) => Value::Map(
            object
                .properties
                .iter()
                .map(|property| {
                    Ok(Member {
                        key: property.name.as_str().to_owned(),
                        line: lines.line(property.range.start),
                        node: convert(&property.value, lines, depth + 1, count)?,
                    })
                })
                .collect::<Result<_, _>>()?,
        ),
    };
    Ok(Node { line: lines.line(from.range().start), value })
}
