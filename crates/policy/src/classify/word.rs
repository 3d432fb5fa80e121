//! Shell words: quotes removed, expansions found, what stays unknown marked.
//!
//! The grammar hands over a word as it was written. This file splits it into pieces in one pass, without
//! backtracking; it runs on text of any shape, so every loop moves forward and nesting is bounded by the caller.

/// Stands in a [`Value`] for text that is only known at run time. No argument can contain it.
pub(super) const UNKNOWN: char = '\0';
/// The same as text.
pub(super) const UNKNOWN_TEXT: &str = "\0";

/// Where the text of a value came from, when that matters for what happens to it next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// Fetched over the network.
    pub fetched: bool,
    /// Decoded or decompressed.
    pub decoded: bool,
    /// The whole environment.
    pub environment: bool,
    /// A variable that is named like a credential, somewhere in it.
    pub secret: bool,
    /// Fetched from where a tool chain's own installer lies.
    pub installer: bool,
}

/// One argument as the program would see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Value {
    /// The text; [`UNKNOWN`] for each part that is not known.
    pub text: String,
    /// Whether the text is certain: nothing unknown and no default taken for a variable.
    pub exact: bool,
    pub marks: Marks,
    /// Name of the variable (or command) the whole word consists of, when its value is not known.
    pub from: Option<String>,
}

/// A piece of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Plain text, quotes removed.
    Text { text: std::borrow::Cow<'a, str>, quoted: bool },
    /// `$name`, `${name…}`.
    Variable { name: &'a str, operator: &'a str, quoted: bool },
    /// `$(…)` or backquotes.
    Command { text: std::borrow::Cow<'a, str>, quoted: bool },
    /// `$((…))`: a number, and whatever is substituted inside.
    Arithmetic { text: &'a str },
}

// === impl Marks ===

impl Marks {
    pub(super) const fn is_foreign(self) -> bool {
        self.fetched || self.decoded
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self {
            fetched: self.fetched || other.fetched,
            decoded: self.decoded || other.decoded,
            environment: self.environment || other.environment,
            secret: self.secret || other.secret,
            installer: self.installer || other.installer,
        }
    }
}

// === impl Value ===

impl Value {
    pub(super) fn known(text: impl Into<String>) -> Self {
        Self { text: text.into(), exact: true, marks: Marks::default(), from: None }
    }

    pub(super) fn unknown() -> Self {
        Self { text: UNKNOWN.to_string(), exact: false, marks: Marks::default(), from: None }
    }

    /// The text for people: unknown parts are `?`.
    pub(super) fn shown(&self) -> String {
        shown(&self.text)
    }

    /// The text when nothing in it is unknown.
    pub(super) fn literal(&self) -> Option<&str> {
        (!self.text.contains(UNKNOWN)).then_some(self.text.as_str())
    }

    pub(super) fn is_wholly_unknown(&self) -> bool {
        !self.text.is_empty() && self.text.chars().all(|c| c == UNKNOWN)
    }
}

/// Text for people: unknown parts are `?`, and nothing can move the cursor.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 200;
    let clean = text.chars().map(|c| if c == UNKNOWN || c.is_control() { '?' } else { c });
    let mut out: String = clean.clone().take(LONGEST).collect();
    if clean.count() > LONGEST {
        out.push('…');
    }
    out
}

/// Whether a word needs no reading at all.
pub(super) fn is_plain(raw: &str) -> bool {
    !raw.bytes().any(|byte| matches!(byte, b'\\' | b'\'' | b'"' | b'$' | b'`' | b'{' | 0))
}

/// Splits a raw word into its pieces.
pub(super) fn pieces(raw: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    unquoted(raw, &mut out);
    out
}

/// Splits text in which only expansions are special: here-documents and the inside of double quotes.
pub(super) fn expansions(raw: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    double_quoted(raw, &mut out);
    out
}

fn unquoted<'a>(raw: &'a str, out: &mut Vec<Piece<'a>>) {
    let mut rest = raw;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        rest = match first {
            '\\' => {
                let next = after.chars().next().map_or(0, char::len_utf8);
                let (escaped, tail) = after.split_at_checked(next).unwrap_or((after, ""));
                if escaped != "\n" {
                    text(out, escaped, true);
                }
                tail
            }
            '\'' => {
                let (inside, tail) = after.split_once('\'').unwrap_or((after, ""));
                text(out, inside, true);
                tail
            }
            '"' => quoted_part(after, out),
            '$' if after.starts_with('\'') => ansi_c(after.get(1..).unwrap_or_default(), out),
            '$' if after.starts_with('"') => quoted_part(after.get(1..).unwrap_or_default(), out),
            '$' => dollar(after, false, out),
            '`' => backquoted(after, false, out),
            _ => {
                let end = rest.find(['\\', '\'', '"', '$', '`']).unwrap_or(rest.len());
                let (plain, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
                text(out, plain, false);
                tail
            }
        };
    }
}

fn quoted_part<'a>(after: &'a str, out: &mut Vec<Piece<'a>>) -> &'a str {
    let end = end_of_double_quote(after);
    let (inside, tail) = after.split_at_checked(end).unwrap_or((after, ""));
    text(out, "", true);
    double_quoted(inside, out);
    tail.get(1..).unwrap_or_default()
}

fn double_quoted<'a>(raw: &'a str, out: &mut Vec<Piece<'a>>) {
    let mut rest = raw;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        rest = match first {
            '\\' => match after.chars().next() {
                Some('\n') => after.get(1..).unwrap_or_default(),
                Some(special @ ('$' | '`' | '"' | '\\')) => {
                    text(out, after.get(..special.len_utf8()).unwrap_or_default(), true);
                    after.get(special.len_utf8()..).unwrap_or_default()
                }
                _ => {
                    text(out, "\\", true);
                    after
                }
            },
            '$' => dollar(after, true, out),
            '`' => backquoted(after, true, out),
            _ => {
                let end = rest.find(['\\', '$', '`']).unwrap_or(rest.len());
                let (plain, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
                text(out, plain, true);
                tail
            }
        };
    }
}

fn text<'a>(out: &mut Vec<Piece<'a>>, new: &'a str, new_quoted: bool) {
    if let Some(Piece::Text { text, quoted }) = out.last_mut()
        && *quoted == new_quoted
    {
        text.to_mut().push_str(new);
        return;
    }
    out.push(Piece::Text { text: new.into(), quoted: new_quoted });
}

/// Reads what follows a `$` and returns what is left.
fn dollar<'a>(after: &'a str, quoted: bool, out: &mut Vec<Piece<'a>>) -> &'a str {
    if let Some(inner) = after.strip_prefix('(') {
        let end = end_of_parenthesis(inner);
        let (body, tail) = inner.split_at_checked(end).unwrap_or((inner, ""));
        let tail = tail.get(1..).unwrap_or_default();
        match body.strip_prefix('(').and_then(|body| body.strip_suffix(')')) {
            Some(expression) if end_of_parenthesis(expression) == expression.len() => {
                out.push(Piece::Arithmetic { text: expression });
            }
            _ => out.push(Piece::Command { text: body.into(), quoted }),
        }
        return tail;
    }
    // `$[…]`, the older spelling of arithmetic.
    if let Some((text, tail)) = after.strip_prefix('[').and_then(end_of_bracket) {
        out.push(Piece::Arithmetic { text });
        return tail;
    }
    if let Some(inner) = after.strip_prefix('{') {
        let end = end_of_brace(inner);
        let (body, tail) = inner.split_at_checked(end).unwrap_or((inner, ""));
        let marked = body.strip_prefix(['#', '!']).filter(|name| !name.is_empty());
        let name_text = marked.unwrap_or(body);
        let (name, operator) = name_text.split_at_checked(name_length(name_text)).unwrap_or((name_text, ""));
        // `${#a[x]}`: how long an element is, whose index is evaluated.
        if marked.is_some() && operator.starts_with('[') && !matches!(operator, "[@]" | "[*]") {
            out.push(Piece::Arithmetic { text: operator });
        }
        let operator = if marked.is_some() { "!" } else { operator };
        out.push(Piece::Variable { name, operator, quoted });
        return tail.get(1..).unwrap_or_default();
    }
    let length = match after.chars().next() {
        Some(c) if c.is_ascii_digit() || matches!(c, '@' | '*' | '#' | '?' | '-' | '$' | '!') => 1,
        _ => name_length(after),
    };
    if length == 0 {
        text(out, "$", quoted);
        return after;
    }
    let (name, tail) = after.split_at_checked(length).unwrap_or((after, ""));
    out.push(Piece::Variable { name, operator: "", quoted });
    tail
}

/// The text up to the bracket that closes what was opened before it, and what comes after.
fn end_of_bracket(inner: &str) -> Option<(&str, &str)> {
    let mut open = 1_usize;
    let end = inner.find(|c: char| {
        match c {
            '[' => open += 1,
            ']' => open -= 1,
            _ => {}
        }
        open == 0
    })?;
    inner.get(..end).zip(inner.get(end + 1..))
}

fn name_length(text: &str) -> usize {
    let first = text.chars().next();
    if first.is_some_and(|c| matches!(c, '@' | '*' | '#' | '?' | '-' | '$' | '!')) {
        return 1;
    }
    let is_number = first.is_some_and(|c| c.is_ascii_digit());
    text.bytes()
        .take_while(|byte| {
            if is_number { byte.is_ascii_digit() } else { byte.is_ascii_alphanumeric() || *byte == b'_' }
        })
        .count()
}

fn backquoted<'a>(after: &'a str, quoted: bool, out: &mut Vec<Piece<'a>>) -> &'a str {
    let mut body = String::new();
    let mut chars = after.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '`' => {
                out.push(Piece::Command { text: body.into(), quoted });
                return after.get(at + 1..).unwrap_or_default();
            }
            '\\' => match chars.next() {
                Some((_, next @ ('`' | '\\' | '$'))) => body.push(next),
                Some((_, next)) => {
                    body.push('\\');
                    body.push(next);
                }
                None => body.push('\\'),
            },
            _ => body.push(c),
        }
    }
    out.push(Piece::Command { text: body.into(), quoted });
    ""
}

fn ansi_c<'a>(after: &'a str, out: &mut Vec<Piece<'a>>) -> &'a str {
    let mut end = after.len();
    let mut escaped = false;
    for (at, c) in after.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    let (inside, tail) = after.split_at_checked(end).unwrap_or((after, ""));
    out.push(Piece::Text { text: unescape(inside).into(), quoted: true });
    tail.get(1..).unwrap_or_default()
}

/// Replaces the escapes of `$'…'`, `printf` and `echo -e`.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let Some(kind) = after.chars().next() else {
            out.push('\\');
            return out;
        };
        let tail = after.get(kind.len_utf8()..).unwrap_or_default();
        let (new, used) = match kind {
            'a' | 'b' | 'f' | 'v' => (Some(' '), 0),
            'e' | 'E' => (Some('\u{1b}'), 0),
            'n' => (Some('\n'), 0),
            'r' => (Some('\r'), 0),
            't' => (Some('\t'), 0),
            'x' => code_point(tail, 16, 2),
            'u' => code_point(tail, 16, 4),
            'U' => code_point(tail, 16, 8),
            '0'..='7' => {
                let (c, used) = code_point(after, 8, if kind == '0' { 4 } else { 3 });
                (c, used.saturating_sub(1))
            }
            other => (Some(other), 0),
        };
        out.extend(new.filter(|c| *c != UNKNOWN));
        rest = tail.get(used..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

fn code_point(text: &str, radix: u32, most: usize) -> (Option<char>, usize) {
    let used = text.chars().take(most).take_while(|c| c.is_digit(radix)).count();
    let value = text.get(..used).and_then(|digits| u32::from_str_radix(digits, radix).ok());
    (value.and_then(char::from_u32), used)
}

/// What the reader is inside of while it looks for the end of something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Parenthesis,
    /// Between `case` and `esac`, where `)` ends a pattern.
    Case,
    Brace,
    DoubleQuote,
    Backquote,
}

fn end_of_parenthesis(text: &str) -> usize {
    end_of(text, Inside::Parenthesis)
}

fn end_of_brace(text: &str) -> usize {
    end_of(text, Inside::Brace)
}

fn end_of_double_quote(text: &str) -> usize {
    end_of(text, Inside::DoubleQuote)
}

/// Byte offset of the character that ends `what`, or the length of the text. One pass, an explicit stack.
fn end_of(text: &str, what: Inside) -> usize {
    let mut stack = vec![what];
    let mut bytes = text.bytes().enumerate().peekable();
    let mut before = b' ';
    while let Some((at, byte)) = bytes.next() {
        let Some(top) = stack.last().copied() else { return at };
        let was = std::mem::replace(&mut before, byte);
        match (top, byte) {
            (_, b'\\') => {
                bytes.next();
                before = b'\\';
            }
            (Inside::Backquote, b'`')
            | (Inside::DoubleQuote, b'"')
            | (Inside::Brace, b'}')
            | (Inside::Parenthesis, b')') => {
                stack.pop();
                if stack.is_empty() {
                    return at;
                }
            }
            (Inside::Backquote, _) => {}
            (_, b'`') => stack.push(Inside::Backquote),
            (_, b'(') if was == b'$' || matches!(top, Inside::Parenthesis | Inside::Case) => {
                stack.push(Inside::Parenthesis);
            }
            (Inside::Parenthesis | Inside::Case, b'c') if starts_case(text, at) => stack.push(Inside::Case),
            (Inside::Case, b'e') if is_word_at(text, at, "esac") => _ = stack.pop(),
            (_, b'{') if was == b'$' => stack.push(Inside::Brace),
            (Inside::Parenthesis | Inside::Case | Inside::Brace, b'"') => stack.push(Inside::DoubleQuote),
            (Inside::Parenthesis | Inside::Case | Inside::Brace, b'\'')
                if top != Inside::Brace || !stack.contains(&Inside::DoubleQuote) =>
            {
                let has_escapes = was == b'$';
                while let Some((_, inside)) = bytes.next() {
                    match inside {
                        b'\'' => break,
                        b'\\' if has_escapes => _ = bytes.next(),
                        _ => {}
                    }
                }
            }
            (Inside::Parenthesis | Inside::Case, b'#') if matches!(was, b' ' | b'\t' | b'\n' | b';') => {
                while bytes.peek().is_some_and(|(_, next)| *next != b'\n') {
                    bytes.next();
                }
            }
            _ => {}
        }
    }
    text.len()
}

/// Whether this is a whole word of the text.
fn is_word_at(text: &str, at: usize, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '.' | '=' | '$');
    text.get(at..).and_then(|rest| rest.strip_prefix(word)).is_some_and(|after| !after.starts_with(is_part))
        && text.get(..at).is_some_and(|before| !before.ends_with(is_part))
}

/// Whether a `case` stands here where a command starts.
fn starts_case(text: &str, at: usize) -> bool {
    is_word_at(text, at, "case")
        && text.get(..at).is_some_and(|before| {
            let before = before.trim_end_matches([' ', '\t']);
            before.is_empty()
                || before.ends_with(['(', ')', ';', '&', '|', '\n', '{', '!'])
                || ["then", "do", "else"].iter().any(|word| before.ends_with(word))
        })
}

/// Expands `{a,b}` in a raw word, at most `most` results. Sequences such as `{1..9}` stay as they are.
pub(super) fn expand_braces(raw: &str, most: usize) -> Vec<String> {
    let mut done = Vec::new();
    let mut open = vec![raw.to_owned()];
    while let Some(word) = open.pop() {
        match brace_group(&word) {
            Some((start, end, commas)) if done.len() + open.len() < most => {
                let (prefix, rest) = word.split_at_checked(start).unwrap_or((&word, ""));
                let body = rest.get(1..end - start).unwrap_or_default();
                let suffix = rest.get(end - start + 1..).unwrap_or_default();
                let mut cuts: Vec<usize> = commas.iter().map(|comma| comma - start - 1).collect();
                cuts.push(body.len());
                let mut from = 0;
                let mut parts = Vec::with_capacity(cuts.len());
                for cut in cuts {
                    parts.push(format!("{prefix}{}{suffix}", body.get(from..cut).unwrap_or_default()));
                    from = cut + 1;
                }
                parts.truncate(most);
                open.extend(parts.into_iter().rev());
            }
            // Inner groups are expanded first, which repeats what stands beside them.
            _ if done.contains(&word) => {}
            _ => done.push(word),
        }
    }
    done
}

/// First unquoted `{…}` with a comma of its own: where it starts and ends, and its commas.
fn brace_group(word: &str) -> Option<(usize, usize, Vec<usize>)> {
    let mut stack: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut bytes = word.bytes().enumerate();
    let mut before = b' ';
    let mut parameter = 0_usize;
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => _ = bytes.next(),
            b'\'' => while bytes.next().is_some_and(|(_, inside)| inside != b'\'') {},
            b'"' => {
                while let Some((_, inside)) = bytes.next() {
                    match inside {
                        b'"' => break,
                        b'\\' => _ = bytes.next(),
                        _ => {}
                    }
                }
            }
            b'{' if before == b'$' => parameter += 1,
            b'}' if parameter > 0 => parameter -= 1,
            b'{' if parameter == 0 => stack.push((at, Vec::new())),
            b',' if parameter == 0 => {
                if let Some((_, commas)) = stack.last_mut() {
                    commas.push(at);
                }
            }
            b'}' => {
                if let Some((start, commas)) = stack.pop()
                    && !commas.is_empty()
                {
                    return Some((start, at, commas));
                }
            }
            _ => {}
        }
        before = byte;
    }
    None
}
