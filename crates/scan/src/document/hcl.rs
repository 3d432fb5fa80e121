//! HCL, as Terraform and OpenTofu write it: https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md.

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, ObjectKey, ObjectValue};
use hcl_edit::structure::{Block, Body, Structure};
use hcl_edit::template::HeredocTemplate;

use super::{DocumentError, Member, Node, Reading, Value};

/// Longest text that is read as HCL, in bytes.
const MAX_HCL_BYTES: usize = 1 << 20;

/// Most bytes that the parser may come to look at, each as often as it does: see [`is_dear`].
const MAX_LOOKS: u64 = 1 << 28;

pub(super) fn parse(text: &str) -> Result<Node, DocumentError> {
    if text.len() > MAX_HCL_BYTES {
        return Err(DocumentError::Length);
    }
    if is_dear(text) {
        return Err(DocumentError::Depth);
    }
    let body = hcl_edit::parser::parse_body(text).map_err(|error| DocumentError::Syntax {
        line: u32::try_from(error.location().line()).unwrap_or(u32::MAX),
    })?;
    let mut tree = Tree { text, reading: Reading::of(text) };
    Ok(Node { line: 1, value: tree.body(&body, 0)? })
}

/// Whether the parser could take very long. What stands behind an operator it reads twice when it comes to nothing, so brackets
/// behind operators within brackets behind operators double the time with each level: 300 bytes took seconds, and a thousand
/// would not have ended. The levels are counted without regard to strings and comments, which makes them more and never fewer.
fn is_dear(text: &str) -> bool {
    // Within the innermost bracket: levels behind operators, and whether an operator stands before the next bracket in it.
    let (mut levels, mut behind) = (0_u32, false);
    let mut outside = Vec::new();
    let (mut most, mut before) = (0, 0);
    for byte in text.bytes() {
        match byte {
            b'[' | b'(' | b'{' => {
                outside.push((levels, behind));
                levels += u32::from(behind);
                most = most.max(levels);
                behind = false;
            }
            b']' | b')' | b'}' => {
                if let Some(outer) = outside.pop() {
                    (levels, behind) = outer;
                }
            }
            b',' => behind = false,
            b'+' | b'-' | b'*' | b'/' | b'%' | b'<' | b'>' | b'&' | b'|' | b'!' | b'?' => behind = true,
            b'=' if before == b'=' => behind = true,
            _ => {}
        }
        before = byte;
    }
    let looks = 1_u64.checked_shl(most).and_then(|times| times.checked_mul(text.len() as u64));
    looks.is_none_or(|looks| looks > MAX_LOOKS)
}

struct Tree<'a> {
    text: &'a str,
    reading: Reading,
}

// === impl Tree ===

impl Tree<'_> {
    fn body(&mut self, body: &Body, depth: usize) -> Result<Value, DocumentError> {
        let mut members = Vec::new();
        for structure in body {
            self.reading.enter(depth)?;
            members.push(match structure {
                Structure::Attribute(attribute) => Member {
                    key: attribute.key.as_str().to_owned(),
                    line: self.line(attribute.span()),
                    node: self.expression(&attribute.value, depth + 1)?,
                },
                Structure::Block(block) => self.block(block, depth)?,
            });
        }
        Ok(Value::Map(members))
    }

    /// `resource "type" "name" {…}` is `{resource: {type: {name: {…}}}}`, as in Terraform's own JSON.
    fn block(&mut self, block: &Block, depth: usize) -> Result<Member, DocumentError> {
        let line = self.line(block.span());
        let depth = depth + block.labels.len() + 1;
        self.reading.enter(depth)?;
        let mut node = Node { line, value: self.body(&block.body, depth)? };
        for label in block.labels.iter().rev() {
            let member = Member { key: label.as_str().to_owned(), line, node };
            node = Node { line, value: Value::Map(vec![member]) };
        }
        Ok(Member { key: block.ident.as_str().to_owned(), line, node })
    }

    fn expression(&mut self, expression: &Expression, depth: usize) -> Result<Node, DocumentError> {
        self.reading.enter(depth)?;
        let line = self.line(expression.span());
        let value = match expression {
            Expression::Null(_) => Value::Null,
            Expression::Bool(truth) => Value::Bool(*truth.value()),
            Expression::Number(number) => Value::Number(number.value().to_string()),
            Expression::String(text) => Value::Text(text.value().clone()),
            Expression::Array(items) => Value::List(
                items.iter().map(|item| self.expression(item, depth + 1)).collect::<Result<_, _>>()?,
            ),
            Expression::Object(object) => {
                let mut members = Vec::new();
                for (key, value) in object {
                    members.push(self.member(key, value, line, depth)?);
                }
                Value::Map(members)
            }
            Expression::Parenthesis(inner) => return self.expression(inner.inner(), depth + 1),
            Expression::FuncCall(call) if call.name.name.as_str() == "jsonencode" => {
                match call.args.iter().next() {
                    Some(inner) => return self.expression(inner, depth + 1),
                    None => Value::Null,
                }
            }
            Expression::HeredocTemplate(here) => {
                // Its text begins on the line after the mark.
                return Ok(Node { line: line.saturating_add(1), value: Value::Text(heredoc(here)) });
            }
            Expression::StringTemplate(_) => {
                let source = self.source(expression);
                Value::Text(source.trim_matches('"').to_owned())
            }
            Expression::Conditional(_)
            | Expression::ForExpr(_)
            | Expression::FuncCall(_)
            | Expression::Traversal(_)
            | Expression::UnaryOp(_)
            | Expression::BinaryOp(_)
            | Expression::Variable(_) => Value::Text(format!("${{{}}}", self.source(expression))),
        };
        Ok(Node { line, value })
    }

    fn member(
        &mut self,
        key: &ObjectKey,
        value: &ObjectValue,
        line: u32,
        depth: usize,
    ) -> Result<Member, DocumentError> {
        let key = match key {
            ObjectKey::Ident(name) => name.as_str().to_owned(),
            ObjectKey::Expression(Expression::String(name)) => name.value().clone(),
            ObjectKey::Expression(other) => self.source(other).trim_matches('"').to_owned(),
        };
        let node = self.expression(value.expr(), depth + 1)?;
        Ok(Member { key, line: node.line.max(line), node })
    }

    fn source(&self, expression: &Expression) -> String {
        expression.span().and_then(|span| self.text.get(span)).unwrap_or("").trim().to_owned()
    }

    fn line(&self, span: Option<std::ops::Range<usize>>) -> u32 {
        span.map_or(1, |span| self.reading.line(span.start))
    }
}

fn heredoc(here: &HeredocTemplate) -> String {
    here.template.to_string()
}
