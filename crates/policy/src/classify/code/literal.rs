//! String literals of code, and what stands around them.

use super::super::word::{self};

/// A string of the code: where it starts and ends, and its text.
pub(super) struct Literal {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) text: String,
}

/// Strings in quotes. Good enough for evidence: comments and regular expressions are not told apart.
pub(super) fn string_literals(code: &str) -> Vec<Literal> {
    const MOST: usize = 400;
    let mut found = Vec::new();
    // A quote that is never closed is not looked for again: the search stays linear.
    let mut unclosed: Vec<(u8, bool)> = Vec::new();
    let mut bytes = code.bytes().enumerate().peekable();
    while let Some((start, quote)) = bytes.next() {
        if found.len() >= MOST {
            break;
        }
        if !matches!(quote, b'"' | b'\'' | b'`') {
            continue;
        }
        let triple = code.get(start..start + 3).is_some_and(|three| three.bytes().all(|byte| byte == quote))
            && quote != b'`';
        let open = if triple { start + 3 } else { start + 1 };
        let rest = code.get(open..).unwrap_or_default();
        let close = if unclosed.contains(&(quote, triple)) {
            None
        } else if triple {
            rest.find(code.get(start..start + 3).unwrap_or_default())
        } else {
            closing_quote(rest, quote)
        };
        let Some(length) = close else {
            if !unclosed.contains(&(quote, triple)) {
                unclosed.push((quote, triple));
            }
            continue;
        };
        let text = rest.get(..length).unwrap_or_default();
        let end = open + length + if triple { 3 } else { 1 };
        found.push(Literal { start: start + 1, end, text: word::unescape(text) });
        while bytes.peek().is_some_and(|(at, _)| *at < end) {
            bytes.next();
        }
    }
    found
}

pub(super) fn closing_quote(rest: &str, quote: u8) -> Option<usize> {
    let mut escaped = false;
    rest.bytes().position(|byte| {
        let was = escaped;
        escaped = byte == b'\\' && !was;
        byte == quote && !was
    })
}

pub(super) fn backquoted(code: &str) -> impl Iterator<Item = &str> {
    code.split('`').skip(1).step_by(2)
}

/// `shell="x"`, `cwd='/x'`: not a part of the command.
pub(super) fn is_keyword_value(code: &str, literal: &Literal) -> bool {
    let before = code.get(..literal.start.saturating_sub(1)).unwrap_or_default();
    before.trim_end().ends_with('=') || before.trim_end().ends_with(':')
}

pub(super) fn looks_like_path(text: &str) -> bool {
    !text.contains(['\n', ' ', '<', '>', '(', ')', '{', '}', '%', ','])
        && !text.contains("://")
        && text.len() > 1
        && (text.contains('/') || text.contains('.') || text.starts_with('~'))
}

/// Whether a call that opens a file stands right before the literal: then it is a path, whatever it looks like.
pub(super) fn is_opened(code: &str, literal: &Literal) -> bool {
    const OPENS: &[&str] = &[
        "open",
        "Path",
        "readFileSync",
        "readFile",
        "writeFileSync",
        "writeFile",
        "appendFileSync",
        "appendFile",
        "createReadStream",
        "createWriteStream",
        "file_get_contents",
        "file_put_contents",
        "read",
        "write",
        "readlines",
    ];
    let before =
        code.get(..literal.start).unwrap_or_default().trim_end_matches(['"', '\'', '`', 'r', 'b', 'f', 'u']);
    let Some(before) = before.trim_end().strip_suffix('(') else { return false };
    let name = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
    // Those two open a file only as `File.read` and `File.write`; elsewhere they take a text.
    let is_general = matches!(name, "read" | "write");
    OPENS.contains(&name)
        && (!is_general || before.ends_with("File.read") || before.ends_with("File.write"))
        && !literal.text.is_empty()
        && !literal.text.contains([' ', '\n', '<', '>'])
}

pub(super) fn is_variable(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}
