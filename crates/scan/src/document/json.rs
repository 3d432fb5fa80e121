//! JSON with comments and trailing commas, as editors and clients write it.
//!
//! Clients differ in what they take, and a file that ours refuses may rule in theirs. So nothing stops this reader: what
//! it does not understand it passes by and reports, and half a pair of surrogates is read as JavaScript shows it.

use super::{DocumentError, MAX_DEPTH, MAX_ITEMS, MAX_NODES, Member, Node, Read, Value};

pub(super) fn read(text: &str) -> Read {
    let mut reader = Reader { rest: text, line: 1, values: 0, problem: None };
    reader.blank();
    let mut node = if reader.rest.is_empty() {
        Node { line: 1, value: Value::Map(Vec::new()) }
    } else {
        reader.value(0)
    };
    reader.blank();
    // A bracket too many ended it early: what follows belongs to it as well.
    while !reader.rest.is_empty() {
        reader.wrong();
        if let (Value::Map(more), Value::Map(members)) = (reader.members(0), &mut node.value) {
            members.extend(more);
        }
        reader.blank();
    }
    Read { node, problem: reader.problem }
}

struct Reader<'a> {
    rest: &'a str,
    line: u32,
    values: usize,
    problem: Option<DocumentError>,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    fn next(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Takes the next character.
    fn take(&mut self) -> Option<char> {
        let mut letters = self.rest.chars();
        let letter = letters.next()?;
        self.rest = letters.as_str();
        if letter == '\n' {
            self.line = self.line.saturating_add(1);
        }
        Some(letter)
    }

    /// Takes a head of what is left, of so many bytes.
    fn advance(&mut self, bytes: usize) -> &'a str {
        let (head, tail) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        let lines = head.bytes().filter(|byte| *byte == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.rest = tail;
        head
    }

    /// Remembers the first thing that is wrong.
    fn wrong(&mut self) {
        self.problem.get_or_insert(DocumentError::Syntax { line: self.line });
    }

    /// Passes by white space and comments.
    fn blank(&mut self) {
        loop {
            let length =
                self.rest.len() - self.rest.trim_start_matches([' ', '\t', '\r', '\n', '\u{feff}']).len();
            self.advance(length);
            if self.rest.starts_with("//") {
                self.advance(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                let end = self.rest.find("*/");
                if end.is_none() {
                    self.wrong();
                }
                self.advance(end.map_or(self.rest.len(), |end| end + 2));
            } else if length == 0 || self.rest.is_empty() {
                return;
            }
        }
    }

    /// Passes by what may stand between items.
    fn between(&mut self) {
        self.blank();
        while self.next() == Some(',') {
            self.take();
            self.blank();
        }
    }

    fn value(&mut self, depth: usize) -> Node {
        let line = self.line;
        self.values += 1;
        let value = match self.next() {
            Some('{' | '[') if depth > MAX_DEPTH => {
                self.problem.get_or_insert(DocumentError::Depth);
                self.skip();
                Value::Null
            }
            Some('{') => self.object(depth),
            Some('[') => self.list(depth),
            Some(quote @ ('"' | '\'')) => Value::Text(self.text(quote)),
            Some(_) => self.word(),
            None => {
                self.wrong();
                Value::Null
            }
        };
        Node { line, value }
    }

    fn object(&mut self, depth: usize) -> Value {
        self.take();
        self.members(depth)
    }

    /// Members up to the end of their map.
    fn members(&mut self, depth: usize) -> Value {
        let mut members = Vec::new();
        loop {
            self.between();
            let line = self.line;
            let key = match self.next() {
                None => {
                    self.wrong();
                    break;
                }
                Some('}') => {
                    self.take();
                    break;
                }
                Some(quote @ ('"' | '\'')) => self.text(quote),
                Some(letter) if is_of_word(letter) => self.bare().to_owned(),
                Some(_) => {
                    self.wrong();
                    self.take();
                    continue;
                }
            };
            self.blank();
            if self.next() != Some(':') {
                self.wrong();
                continue;
            }
            self.take();
            self.blank();
            if matches!(self.next(), Some('}' | ',') | None) {
                self.wrong();
                continue;
            }
            if self.is_full(members.len()) {
                self.skip();
            } else {
                let node = self.value(depth + 1);
                members.push(Member { key, line, node });
            }
        }
        Value::Map(members)
    }

    fn list(&mut self, depth: usize) -> Value {
        self.take();
        let mut items = Vec::new();
        loop {
            self.between();
            match self.next() {
                None => {
                    self.wrong();
                    break;
                }
                Some(']') => {
                    self.take();
                    break;
                }
                // The list's end was forgotten, or this stands too much; what holds the list goes on.
                Some('}') => {
                    self.wrong();
                    break;
                }
                Some(_) if self.is_full(items.len()) => self.skip(),
                Some(_) => items.push(self.value(depth + 1)),
            }
        }
        Value::List(items)
    }

    /// Whether a collection of so many may take no more.
    fn is_full(&mut self, held: usize) -> bool {
        let full = held >= MAX_ITEMS || self.values >= MAX_NODES;
        if full {
            self.problem.get_or_insert(DocumentError::Values);
        }
        full
    }

    /// Passes one value by, however deep, keeping nothing of it.
    fn skip(&mut self) {
        let mut open = 0_usize;
        loop {
            self.blank();
            match self.next() {
                None => return self.wrong(),
                Some(quote @ ('"' | '\'')) => {
                    self.text(quote);
                }
                Some('{' | '[') => {
                    open += 1;
                    self.take();
                }
                Some('}' | ']') => {
                    open = open.saturating_sub(1);
                    self.take();
                }
                Some(letter) if is_of_word(letter) => {
                    self.bare();
                }
                Some(_) => {
                    self.take();
                }
            }
            if open == 0 {
                return;
            }
        }
    }

    /// A text in quotes; its end is the same quote.
    fn text(&mut self, quote: char) -> String {
        self.take();
        let mut text = String::new();
        loop {
            let plain = self.rest.find([quote, '\\']).unwrap_or(self.rest.len());
            text.push_str(self.advance(plain));
            match self.take() {
                None => {
                    self.wrong();
                    return text;
                }
                Some('\\') => self.escape(&mut text),
                Some(_) => return text,
            }
        }
    }

    fn escape(&mut self, text: &mut String) {
        match self.take() {
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{c}'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('u') => {
                let first = self.unit();
                // https://www.rfc-editor.org/rfc/rfc8259#section-7: two of these are one character.
                let pair = matches!(first, Some(0xd800..=0xdbff)) && self.rest.starts_with("\\u");
                let before = (self.rest, self.line);
                let letter = if pair {
                    self.advance(2);
                    match (first, self.unit()) {
                        (Some(high), Some(low @ 0xdc00..=0xdfff)) => {
                            char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
                        }
                        _ => {
                            (self.rest, self.line) = before;
                            None
                        }
                    }
                } else {
                    first.and_then(char::from_u32)
                };
                text.push(letter.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(letter) => text.push(letter),
            None => {}
        }
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Option<u32> {
        let unit = self.rest.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match unit {
            Some(_) => {
                self.advance(4);
            }
            None => self.wrong(),
        }
        unit
    }

    fn word(&mut self) -> Value {
        let word = self.bare();
        match word {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            "" => {
                self.wrong();
                self.take();
                Value::Null
            }
            word if word.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) => {
                Value::Number(word.to_owned())
            }
            word => {
                self.wrong();
                Value::Text(word.to_owned())
            }
        }
    }

    /// A number, a word of the language, or a name without quotes.
    fn bare(&mut self) -> &'a str {
        self.advance(self.rest.find(|letter| !is_of_word(letter)).unwrap_or(self.rest.len()))
    }
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || "_$+-.".contains(letter)
}
