//! Code with what is certain worked out: strings that are put together, names that are asked for by a string.
//!
//! `".e" + "nv"` is `".env"`, `getattr(os, "system")` is `os.system`, `Path.home() / ".ssh"` is `Path("~/.ssh")`. What
//! comes out is no better code, only easier to search; it is read beside the code as it was written.

use super::words::family;

/// Longest code that is worked out, in bytes, and most passes over it.
const LONGEST: usize = 32 * 1024;
const MOST_PASSES: usize = 24;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Name(String),
    Text(String),
    Other(String),
}

#[derive(Clone, Debug)]
struct Token {
    /// Blanks before it.
    gap: String,
    part: Part,
}

/// The code with what is certain worked out; nothing where that changes nothing.
pub(super) fn folded(code: &str, language: &str) -> Option<String> {
    if code.len() > LONGEST {
        return None;
    }
    let mut fold = Fold { tokens: tokens(code), family: family(language).to_owned(), changed: false };
    let mut any = false;
    for _ in 0..MOST_PASSES {
        fold.changed = false;
        fold.pass();
        fold.variables();
        if !fold.changed {
            break;
        }
        any = true;
    }
    any.then(|| fold.written())
}

struct Fold {
    tokens: Vec<Token>,
    family: String,
    changed: bool,
}

// === impl Fold ===

impl Fold {
    fn written(&self) -> String {
        let mut out = String::new();
        for token in &self.tokens {
            out.push_str(&token.gap);
            match &token.part {
                Part::Name(text) | Part::Other(text) => out.push_str(text),
                Part::Text(text) => {
                    out.push('"');
                    out.push_str(&text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"));
                    out.push('"');
                }
            }
        }
        out
    }

    fn part(&self, at: usize) -> Option<&Part> {
        self.tokens.get(at).map(|token| &token.part)
    }

    fn text(&self, at: usize) -> Option<&str> {
        match self.part(at)? {
            Part::Text(text) => Some(text),
            _ => None,
        }
    }

    fn name(&self, at: usize) -> Option<&str> {
        match self.part(at)? {
            Part::Name(name) => Some(name),
            _ => None,
        }
    }

    fn is(&self, at: usize, word: &str) -> bool {
        matches!(self.part(at), Some(Part::Name(text) | Part::Other(text)) if text == word)
    }

    /// Whether these words stand here, and where they end. `words` are apart by blanks.
    fn follows(&self, at: usize, words: &str) -> Option<usize> {
        let mut end = at;
        for word in words.split(' ') {
            if !self.is(end, word) {
                return None;
            }
            end += 1;
        }
        Some(end)
    }

    /// Strings with commas between them, up to the mark that closes them, and where that stands.
    fn list(&self, mut at: usize, close: &str) -> Option<(Vec<String>, usize)> {
        let mut found = Vec::new();
        while !self.is(at, close) {
            found.push(self.text(at)?.to_owned());
            at += 1;
            if self.is(at, ",") {
                at += 1;
            } else if !self.is(at, close) {
                return None;
            }
        }
        Some((found, at + 1))
    }

    fn put(&mut self, from: usize, to: usize, parts: Vec<Part>) {
        let gap = self.tokens.get(from).map(|token| token.gap.clone()).unwrap_or_default();
        let mut gaps = std::iter::once(gap).chain(std::iter::repeat(String::new()));
        let new: Vec<Token> =
            parts.into_iter().map(|part| Token { gap: gaps.next().unwrap_or_default(), part }).collect();
        if from <= to && to <= self.tokens.len() {
            self.tokens.splice(from..to, new);
            self.changed = true;
        }
    }

    fn pass(&mut self) {
        let mut at = 0;
        while at < self.tokens.len() {
            if let Some((from, to, parts)) = self.step(at) {
                self.put(from, to, parts);
            }
            at += 1;
        }
    }

    /// What stands here, worked out by one step: from where to where, and what takes its place.
    fn step(&self, at: usize) -> Option<(usize, usize, Vec<Part>)> {
        let text = |text: String| vec![Part::Text(text)];
        if let Some(first) = self.text(at) {
            return self.after_text(at, first);
        }
        if self.is(at, "[") && !self.has_owner(at) {
            // `["a", "b"].join("")`
            let (words, end) = self.list(at + 1, "]")?;
            let end = self.follows(end, ". join")?;
            let (by, end) = match self.is(end, "(") {
                true => self.list(end + 1, ")")?,
                false => (Vec::new(), end),
            };
            let by = by.first().map_or(if self.family == "ruby" { "" } else { "," }, String::as_str);
            return (!words.is_empty()).then(|| (at, end, text(words.join(by))));
        }
        if self.is(at, "[") && matches!(self.family.as_str(), "node" | "deno" | "lua") {
            let name = self.text(at + 1).filter(|name| is_name(name))?;
            return self
                .is(at + 2, "]")
                .then(|| (at, at + 3, vec![Part::Other(".".to_owned()), Part::Name(name.to_owned())]));
        }
        self.name(at)?;
        if at.checked_sub(1).is_some_and(|before| self.is(before, ".")) {
            return None;
        }
        self.home(at)
            .or_else(|| self.joined(at))
            .or_else(|| self.by_name(at))
            .or_else(|| self.path(at))
            .or_else(|| self.character(at))
    }

    fn after_text(&self, at: usize, first: &str) -> Option<(usize, usize, Vec<Part>)> {
        let text = |text: String| vec![Part::Text(text)];
        let plus = match self.family.as_str() {
            "php" | "perl" => ".",
            "lua" => "..",
            "elixir" | "iex" => "<>",
            _ => "+",
        };
        if self.is(at + 1, plus)
            && let Some(second) = self.text(at + 2)
            && (plus == "." || !self.is(at + 3, ".") && !self.is(at + 3, "["))
        {
            return Some((at, at + 3, text(format!("{first}{second}"))));
        }
        if let Some(end) = self.follows(at + 1, "[ : : - 1 ]") {
            return Some((at, end, text(first.chars().rev().collect())));
        }
        // `"".join(["a", "b"])`
        let open = self.follows(at + 1, ". join (")?;
        let close = if self.is(open, "[") { "]" } else { ")" };
        self.is(open, "[").then_some(()).or_else(|| self.is(open, "(").then_some(()))?;
        let (words, end) = self.list(open + 1, close)?;
        let end = self.follows(end, ")")?;
        Some((at, end, text(words.join(first))))
    }

    /// What stands for the home, or leaves a path what it is.
    fn home(&self, at: usize) -> Option<(usize, usize, Vec<Part>)> {
        const HOMES: &[&str] =
            &["os . homedir ( )", "Dir . home", "process . env . HOME", "path . expanduser (  )"];
        const SEPARATORS: &[&str] = &["os . sep", "os . path . sep", "path . sep", "File :: SEPARATOR"];
        const SAME: &[&str] = &[
            "os . path . expanduser (",
            "os . path . abspath (",
            "os . path . realpath (",
            "os . path . normpath (",
            "os . fspath (",
            "File . expand_path (",
            "str (",
        ];
        let text = |text: &str| vec![Part::Text(text.to_owned())];
        if let Some(end) = HOMES.iter().find_map(|words| self.follows(at, words)) {
            return Some((at, end, text("~")));
        }
        if let Some(end) = SEPARATORS.iter().find_map(|words| self.follows(at, words)) {
            return Some((at, end, text("/")));
        }
        const ASKED: &[(&str, &str)] = &[
            ("os . environ [", "]"),
            ("os . environ . get (", ")"),
            ("os . getenv (", ")"),
            ("getenv (", ")"),
            ("ENV [", "]"),
        ];
        for (words, close) in ASKED {
            if let Some(end) = self.follows(at, words)
                && self.text(end) == Some("HOME")
                && self.is(end + 1, close)
            {
                return Some((at, end + 2, text("~")));
            }
        }
        let end = SAME.iter().find_map(|words| self.follows(at, words))?;
        if let Some(inner) = self.text(end)
            && self.is(end + 1, ")")
        {
            return Some((at, end + 2, text(inner)));
        }
        let open = self.follows(end, "Path (")?;
        let inner = self.text(open)?;
        let end = self.follows(open + 1, ") )")?;
        Some((at, end, text(inner)))
    }

    /// `os.path.join("a", "b")` and its like.
    fn joined(&self, at: usize) -> Option<(usize, usize, Vec<Part>)> {
        const JOINS: &[&str] = &[
            "os . path . join (",
            "posixpath . join (",
            "path . join (",
            "path . resolve (",
            "File . join (",
            "file . path (",
            "joinpath (",
        ];
        let text = |text: String| vec![Part::Text(text)];
        if let Some(open) = self.follows(at, "paste0 (") {
            let (words, end) = self.list(open, ")")?;
            return Some((at, end, text(words.concat())));
        }
        let open = JOINS.iter().find_map(|words| self.follows(at, words))?;
        let (words, end) = self.list(open, ")")?;
        Some((at, end, text(under(&words))))
    }

    /// `Path("a") / "b"`, `Path.home().joinpath("x")`, `Path("a").glob("b")`.
    fn path(&self, at: usize) -> Option<(usize, usize, Vec<Part>)> {
        let path = |text: String| {
            let other = |text: &str| Part::Other(text.to_owned());
            vec![Part::Name("Path".to_owned()), other("("), Part::Text(text), other(")")]
        };
        if let Some(end) = self.follows(at, "pathlib . Path") {
            return Some((at, end, vec![Part::Name("Path".to_owned())]));
        }
        if let Some(end) = self.follows(at, "Path . home ( )") {
            return Some((at, end, path("~".to_owned())));
        }
        let open = self.follows(at, "Path (")?;
        let (words, end) = self.list(open, ")")?;
        if words.len() > 1 {
            return Some((at, end, path(under(&words))));
        }
        let first = words.first()?.to_owned();
        if self.is(end, "/")
            && let Some(second) = self.text(end + 1)
        {
            return Some((at, end + 2, path(under(&[first, second.to_owned()]))));
        }
        const SAME: &[&str] = &[". expanduser ( )", ". resolve ( )", ". absolute ( )"];
        if let Some(end) = SAME.iter().find_map(|words| self.follows(end, words)) {
            return Some((at, end, path(first)));
        }
        const UNDER: &[&str] = &[". joinpath (", ". glob (", ". rglob ("];
        let open = UNDER.iter().find_map(|words| self.follows(end, words))?;
        let (mut words, end) = self.list(open, ")")?;
        words.insert(0, first);
        (words.len() > 1).then(|| (at, end, path(under(&words))))
    }

    /// `getattr(os, "system")`, `__import__("os")`, `send(:system, …)`, `globalThis.process`.
    fn by_name(&self, at: usize) -> Option<(usize, usize, Vec<Part>)> {
        let name = |name: &str| Part::Name(name.to_owned());
        let dot = || Part::Other(".".to_owned());
        const OWNERS: &[&str] = &["globalThis .", "global .", "builtins .", "__builtins__ .", "window ."];
        if let Some(end) = OWNERS.iter().find_map(|words| self.follows(at, words))
            && let Some(real) = self.name(end)
        {
            return Some((at, end + 1, vec![name(real)]));
        }
        const MODULES: &[(&str, &str)] = &[
            ("__import__ (", ")"),
            ("import_module (", ")"),
            ("importlib . import_module (", ")"),
            ("sys . modules [", "]"),
        ];
        for (words, close) in MODULES {
            if let Some(end) = self.follows(at, words)
                && let Some(module) = self.text(end).filter(|text| text.split('.').all(is_name))
                && self.is(end + 1, close)
            {
                return Some((at, end + 2, vec![name(module)]));
            }
        }
        if let Some(open) = self.follows(at, "require (")
            && let Some(module) = self.text(open)
            && let Some(end) = self.follows(open + 1, ") .")
            && self.family == "node"
        {
            let module = module.strip_prefix("node:").unwrap_or(module);
            return matches!(module, "path" | "os" | "fs" | "child_process" | "process")
                .then(|| (at, end - 1, vec![name(module)]));
        }
        if let Some(open) = self.follows(at, "getattr (") {
            let mut end = open;
            let mut owner = vec![name(self.name(end)?)];
            end += 1;
            while self.is(end, ".") {
                owner.extend([dot(), name(self.name(end + 1)?)]);
                end += 2;
            }
            let asked = self.is(end, ",").then(|| self.text(end + 1))?.filter(|text| is_name(text))?;
            owner.extend([dot(), name(asked)]);
            return self.is(end + 2, ")").then_some((at, end + 3, owner));
        }
        const TABLES: &[&str] = &[". __dict__ [", ") ["];
        if let Some(real) = self.name(at)
            && let Some(end) = TABLES.iter().take(1).find_map(|words| self.follows(at + 1, words))
            && let Some(asked) = self.text(end).filter(|text| is_name(text))
            && self.is(end + 1, "]")
        {
            return Some((at, end + 2, vec![name(real), dot(), name(asked)]));
        }
        if let Some(end) = self.follows(at, "vars (")
            && let Some(real) = self.name(end)
            && let Some(end) = self.follows(end + 1, ") [")
            && let Some(asked) = self.text(end).filter(|text| is_name(text))
            && self.is(end + 1, "]")
        {
            return Some((at, end + 2, vec![name(real), dot(), name(asked)]));
        }
        None
    }

    fn character(&self, at: usize) -> Option<(usize, usize, Vec<Part>)> {
        let open = ["chr (", "String . fromCharCode ("].iter().find_map(|words| self.follows(at, words))?;
        let mut end = open;
        let mut out = String::new();
        while !self.is(end, ")") {
            let number = self.name(end)?.parse::<u32>().ok()?;
            out.push(char::from_u32(number)?);
            end += 1;
            if self.is(end, ",") {
                end += 1;
            }
        }
        Some((at, end + 1, vec![Part::Text(out)]))
    }

    /// Whether `[` asks for a part of what stands before it.
    fn has_owner(&self, at: usize) -> bool {
        at.checked_sub(1).and_then(|at| self.part(at)).is_some_and(|part| match part {
            Part::Name(name) => !matches!(name.as_str(), "return" | "in" | "print" | "puts" | "of"),
            Part::Text(_) => true,
            Part::Other(text) => matches!(text.as_str(), ")" | "]"),
        })
    }

    /// Variables that are given one string, once, stand for it.
    fn variables(&mut self) {
        const MOST: usize = 16;
        let is_set =
            |fold: &Self, at: usize| fold.name(at).is_some() && fold.is(at + 1, "=") && !fold.is(at + 2, "=");
        let set: Vec<(String, String, usize)> = (0..self.tokens.len())
            .filter(|at| is_set(self, *at) && at.checked_sub(1).is_none_or(|b| !self.is(b, ".")))
            .filter_map(|at| {
                let ends = self.tokens.get(at + 3).is_none_or(|next| {
                    next.gap.contains('\n') || matches!(&next.part, Part::Other(text) if text == ";")
                });
                let value = self.text(at + 2).filter(|_| ends)?;
                Some((self.name(at)?.to_owned(), value.to_owned(), at))
            })
            .take(MOST)
            .collect();
        for (name, value, _) in set {
            let times = (0..self.tokens.len())
                .filter(|at| self.name(*at) == Some(name.as_str()))
                .filter(|at| self.is(at + 1, "=") || self.is(at + 2, "=") && !self.is(at + 1, ","))
                .count();
            if times != 1 {
                continue;
            }
            for at in 0..self.tokens.len() {
                let used = self.name(at) == Some(name.as_str())
                    && !self.is(at + 1, "=")
                    && at.checked_sub(1).is_none_or(|before| !self.is(before, "."));
                if !used {
                    continue;
                }
                let is_called = self.is(at + 1, "(");
                let part = match is_called {
                    true if name.starts_with('$') && is_name(&value) => Part::Name(value.clone()),
                    true => continue,
                    false => Part::Text(value.clone()),
                };
                self.put(at, at + 1, vec![part]);
            }
        }
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Parts of a path as one; a part that starts at the root starts anew.
fn under(words: &[String]) -> String {
    let mut out = String::new();
    for word in words {
        if word.starts_with('/') {
            out.clear();
        } else if !out.is_empty() && !out.ends_with('/') {
            out.push('/');
        }
        out.push_str(word);
    }
    out
}

fn tokens(code: &str) -> Vec<Token> {
    const MOST: usize = 8_000;
    let literals = super::literal::string_literals(code);
    let mut literals = literals.into_iter().peekable();
    let mut found: Vec<Token> = Vec::new();
    let mut gap = String::new();
    let mut at = 0;
    while let Some(c) = code.get(at..).and_then(|rest| rest.chars().next()) {
        if found.len() >= MOST {
            found.push(Token {
                gap: std::mem::take(&mut gap),
                part: Part::Other(code.get(at..).unwrap_or_default().to_owned()),
            });
            return found;
        }
        while literals.peek().is_some_and(|literal| literal.start <= at) {
            literals.next();
        }
        if let Some(literal) = literals.peek().filter(|literal| literal.start == at + 1) {
            let before = found.last().filter(|_| gap.is_empty()).map(|token| &token.part);
            let prefix = matches!(before, Some(Part::Name(name)) if name.len() <= 2);
            let is_formatted = matches!(before, Some(Part::Name(name)) if name.to_lowercase().contains('f') && name.len() <= 2)
                || matches!(before, Some(Part::Other(text)) if text == "$")
                || literal.text.contains("#{")
                || c == '`' && literal.text.contains("${")
                || c == '"' && literal.text.contains('$');
            let part = if is_formatted {
                Part::Other(code.get(at..literal.end).unwrap_or_default().to_owned())
            } else {
                if prefix
                    && matches!(before, Some(Part::Name(name)) if matches!(name.to_lowercase().as_str(), "r" | "b" | "u" | "br" | "rb"))
                {
                    gap = found.pop().map(|token| token.gap).unwrap_or_default();
                }
                Part::Text(literal.text.clone())
            };
            at = literal.end;
            found.push(Token { gap: std::mem::take(&mut gap), part });
            continue;
        }
        if c.is_whitespace() {
            gap.push(c);
            at += c.len_utf8();
            continue;
        }
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let starts =
            is_part(c) || c == '$' && code.get(at + 1..).is_some_and(|rest| rest.starts_with(is_part));
        let part = if starts {
            let more = code.get(at + 1..).unwrap_or_default();
            let length = more.find(|c: char| !is_part(c)).unwrap_or(more.len());
            Part::Name(code.get(at..at + 1 + length).unwrap_or_default().to_owned())
        } else {
            let two = code.get(at..at + 2).filter(|two| matches!(*two, ".." | "<>" | "::"));
            let is_slice = two == Some("::") && code.get(at..).is_some_and(|rest| rest.starts_with("::-"));
            match two.filter(|_| !is_slice) {
                Some(two) => Part::Other(two.to_owned()),
                None => Part::Other(c.to_string()),
            }
        };
        at += match &part {
            Part::Name(text) | Part::Other(text) | Part::Text(text) => text.len(),
        };
        found.push(Token { gap: std::mem::take(&mut gap), part });
    }
    if !gap.is_empty() {
        found.push(Token { gap, part: Part::Other(String::new()) });
    }
    found
}
