//! GitHub's expressions, read far enough to tell whether a condition can hold:
//! https://docs.github.com/actions/reference/workflows-and-actions/expressions.

/// Longest expression that is read, in bytes; a longer one could be anything.
const MAX_BYTES: usize = 32 << 10;
/// Deepest nesting of parentheses and calls.
const MAX_DEPTH: usize = 60;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    And(Vec<Expression>),
    Call(String, Vec<Expression>),
    Equal(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Or(Vec<Expression>),
    /// A context, in lower case and dots: `github.event.comment.body`, `….labels.*.name`.
    Path(String),
    Text(String),
    /// Numbers, comparisons by size, and whatever else says nothing about people.
    Unknown,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Sign(&'static str),
    Text(String),
}

/// Reads an `if:`. With `${{ }}` around only part of it, GitHub takes the whole for a text, which is true; the end of the
/// last line that a block keeps (`if: |`) is such a part.
pub(super) fn condition(text: &str) -> Expression {
    if text.contains("${{") && text.ends_with(char::is_whitespace) {
        return Expression::Path("true".to_owned());
    }
    let text = text.trim();
    if text.len() > MAX_BYTES {
        return Expression::Unknown;
    }
    if let Some(inner) = text.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}"))
        && !inner.contains("}}")
    {
        return parse(inner);
    }
    if text.contains("${{") {
        return Expression::Path("true".to_owned());
    }
    parse(text)
}

// === impl Expression ===

impl Expression {
    /// Whether it asks how what came before ended; without such a question, GitHub goes on after success only.
    pub(super) fn asks_for_status(&self) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(Self::asks_for_status),
            Self::Call(name, arguments) => {
                ["always", "cancelled", "failure", "success"].contains(&name.as_str())
                    || arguments.iter().any(Self::asks_for_status)
            }
            Self::Equal(left, right) => left.asks_for_status() || right.asks_for_status(),
            Self::Not(inner) => inner.asks_for_status(),
            Self::Path(_) | Self::Text(_) | Self::Unknown => false,
        }
    }
}

/// Reads an expression; what cannot be read is unknown.
pub(super) fn parse(text: &str) -> Expression {
    let Some(tokens) = tokens(text) else { return Expression::Unknown };
    let mut reader = Reader { tokens: &tokens, at: 0, depth: 0 };
    match reader.or() {
        Some(expression) if reader.at == tokens.len() => expression,
        _ => Expression::Unknown,
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

// === impl Reader ===

impl Reader<'_> {
    fn sign(&mut self, wanted: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Sign(sign)) if *sign == wanted);
        self.at += usize::from(is);
        is
    }

    fn or(&mut self) -> Option<Expression> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let mut parts = vec![self.and()?];
        while self.sign("||") {
            parts.push(self.and()?);
        }
        self.depth -= 1;
        if parts.len() == 1 { parts.pop() } else { Some(Expression::Or(parts)) }
    }

    fn and(&mut self) -> Option<Expression> {
        let mut parts = vec![self.comparison()?];
        while self.sign("&&") {
            parts.push(self.comparison()?);
        }
        if parts.len() == 1 { parts.pop() } else { Some(Expression::And(parts)) }
    }

    fn comparison(&mut self) -> Option<Expression> {
        let mut left = self.unary()?;
        loop {
            if self.sign("==") {
                left = Expression::Equal(Box::new(left), Box::new(self.unary()?));
            } else if self.sign("!=") {
                left = Expression::Not(Box::new(Expression::Equal(Box::new(left), Box::new(self.unary()?))));
            } else if ["<=", ">=", "<", ">"].iter().any(|sign| self.sign(sign)) {
                self.unary()?;
                left = Expression::Unknown;
            } else {
                return Some(left);
            }
        }
    }

    fn unary(&mut self) -> Option<Expression> {
        let mut negated = false;
        while self.sign("!") {
            negated = !negated;
        }
        let inner = self.primary()?;
        Some(if negated { Expression::Not(Box::new(inner)) } else { inner })
    }

    fn primary(&mut self) -> Option<Expression> {
        if self.sign("(") {
            let inner = self.or()?;
            return self.sign(")").then_some(inner);
        }
        match self.tokens.get(self.at)?.clone() {
            Token::Text(text) => {
                self.at += 1;
                Some(Expression::Text(text))
            }
            Token::Name(name) => {
                self.at += 1;
                if self.sign("(") {
                    let mut arguments = Vec::new();
                    while !self.sign(")") {
                        arguments.push(self.or()?);
                        if !self.sign(",") && !matches!(self.tokens.get(self.at), Some(Token::Sign(")"))) {
                            return None;
                        }
                    }
                    let call = Expression::Call(name, arguments);
                    return self.members(call);
                }
                self.members(Expression::Path(name))
            }
            Token::Sign("-") => {
                self.at += 1;
                self.primary().map(|_| Expression::Unknown)
            }
            Token::Sign(_) => None,
        }
    }

    /// `['name']`, `[0]`, `.*` and `.name` after a context or a call.
    fn members(&mut self, mut of: Expression) -> Option<Expression> {
        loop {
            let name = if self.sign("[") {
                let name = match self.tokens.get(self.at)?.clone() {
                    Token::Text(text) => text.to_ascii_lowercase(),
                    Token::Name(_) | Token::Sign(_) => "*".to_owned(),
                };
                // An index may be an expression of its own.
                self.or()?;
                if !self.sign("]") {
                    return None;
                }
                name
            } else if self.sign(".") {
                match self.tokens.get(self.at)?.clone() {
                    Token::Name(name) => {
                        self.at += 1;
                        name
                    }
                    Token::Sign("*") => {
                        self.at += 1;
                        "*".to_owned()
                    }
                    Token::Sign(_) | Token::Text(_) => return None,
                }
            } else {
                return Some(of);
            };
            of = match of {
                Expression::Path(path) => Expression::Path(format!("{path}.{name}")),
                Expression::And(_)
                | Expression::Call(..)
                | Expression::Equal(..)
                | Expression::Not(_)
                | Expression::Or(_)
                | Expression::Text(_)
                | Expression::Unknown => Expression::Unknown,
            };
        }
    }
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    const SIGNS: &[&str] =
        &["||", "&&", "==", "!=", "<=", ">=", "<", ">", "!", "(", ")", "[", "]", ",", ".", "*", "-"];
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('\'') {
            let mut value = String::new();
            let mut tail = after;
            loop {
                let end = tail.find('\'')?;
                value.push_str(tail.get(..end)?);
                tail = tail.get(end + 1..)?;
                match tail.strip_prefix('\'') {
                    Some(more) => {
                        value.push('\'');
                        tail = more;
                    }
                    None => break,
                }
            }
            tokens.push(Token::Text(value));
            rest = tail.trim_start();
            continue;
        }
        let length =
            rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte)).count();
        if length > 0 && !rest.starts_with('-') {
            let (name, tail) = rest.split_at_checked(length)?;
            tokens.push(Token::Name(name.to_ascii_lowercase()));
            rest = tail.trim_start();
            continue;
        }
        let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign))?;
        tokens.push(Token::Sign(sign));
        rest = rest.get(sign.len()..)?.trim_start();
    }
    Some(tokens)
}
