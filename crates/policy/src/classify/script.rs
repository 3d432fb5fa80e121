//! What words become: variables filled in, substitutions visited, fields split.

use super::Target;
use super::walk::Walk;
use super::word::{self, Piece, UNKNOWN, Value};

/// Words one word with braces may become.
const MAX_BRACE_WORDS: usize = 64;
/// Longest text a variable may bring into a word: doubling assignments stay bounded.
const MAX_WORD_BYTES: usize = super::MAX_COMMAND_BYTES;

/// Builds the fields of one word.
#[derive(Default)]
struct Fields {
    done: Vec<Value>,
    current: Value,
    is_open: bool,
}

impl Walk<'_> {
    /// The arguments a raw word becomes. Visits what it substitutes.
    pub(super) fn expand(&mut self, raw: &str) -> Vec<Value> {
        if word::is_plain(raw) {
            return vec![Value::known(raw)];
        }
        let mut all = Vec::new();
        for raw in word::expand_braces(raw, MAX_BRACE_WORDS) {
            let pieces = word::pieces(&raw);
            if only_piece(&pieces).is_some_and(|name| matches!(name.as_str(), "@" | "*"))
                && let Some(positional) = &self.scope.positional
            {
                all.extend(positional.iter().cloned());
                continue;
            }
            let mut fields = Fields::new();
            for piece in &pieces {
                self.add(piece, &mut fields);
            }
            all.extend(fields.finish(only_piece(&pieces)));
        }
        all
    }

    /// The single text a raw word becomes where no splitting happens: assignments, redirections, `case`.
    pub(super) fn expand_one(&mut self, raw: &str) -> Value {
        self.joined(&word::pieces(raw))
    }

    /// The text of a here-document whose expansions are read.
    pub(super) fn expand_document(&mut self, raw: &str) -> Value {
        self.joined(&word::expansions(raw))
    }

    /// Visits the substitutions in text that is no word: arithmetic, defaults.
    pub(super) fn substitutions(&mut self, raw: &str) {
        for piece in word::expansions(raw) {
            self.value_of(&piece);
        }
    }

    /// The text of a word without visiting its substitutions.
    pub(super) fn glance(&self, raw: &str) -> Value {
        if word::is_plain(raw) {
            return Value::known(raw);
        }
        let mut value = Value::known("");
        for piece in word::pieces(raw) {
            match piece {
                Piece::Text { text, .. } => value.text.push_str(&text),
                Piece::Variable { name, operator: "", .. } => match self.scope.values(name) {
                    [known] => value.append(known),
                    _ => value.append(&Value::unknown()),
                },
                _ => value.append(&Value::unknown()),
            }
        }
        value
    }

    fn joined(&mut self, pieces: &[Piece<'_>]) -> Value {
        let mut whole = Value::known("");
        for piece in pieces {
            let (value, _) = self.value_of(piece);
            whole.append(&value);
        }
        if !whole.exact && whole.from.is_none() {
            whole.from = only_piece(pieces);
        }
        whole
    }

    fn add(&mut self, piece: &Piece<'_>, fields: &mut Fields) {
        let (value, splits) = self.value_of(piece);
        if splits { fields.split(&value, &self.separators()) } else { fields.push(&value) }
    }

    /// The value of one piece, and whether it is split at blanks.
    fn value_of(&mut self, piece: &Piece<'_>) -> (Value, bool) {
        match piece {
            Piece::Text { text, .. } => (Value::known(text.as_ref()), false),
            Piece::Arithmetic { text } => {
                self.arithmetic(text);
                (Value::unknown(), false)
            }
            Piece::Command { text, quoted } => (self.substitution(text), !quoted),
            Piece::Variable { name, operator, quoted } => {
                // Each element of an array is a word of its own, quoted or not.
                let mut value = self.variable(name, operator);
                // Its length and whether it is set tell nothing of it.
                let is_told = !value.exact && !operator.starts_with('+') && !operator.starts_with('#');
                value.marks.secret |= is_told && super::environment::is_secret_name(name);
                // `${!name}`: the variable that this one names.
                value.marks.secret |= *operator == "!"
                    && self
                        .candidate(name)
                        .is_some_and(|named| super::environment::is_secret_name(&named.text));
                (value, !quoted || *operator == "[@]")
            }
        }
    }

    /// `${x@P}`: the value is expanded the way a prompt is, substitutions included.
    fn prompt(&mut self, name: &str) {
        match self.candidate(name).filter(|value| value.literal().is_some()) {
            Some(value) => self.substitutions(&value.text),
            None => self.unknown(
                Target::Command(word::shown(&format!("${{{name}@P}}"))),
                "shell.prompt",
                "expands text that is only known at run time",
            ),
        }
    }

    fn variable(&mut self, name: &str, operator: &str) -> Value {
        if operator.starts_with('@') && operator.contains('P') || operator.contains("]@P") {
            self.prompt(name);
        }
        if let Some(index) = operator.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return self.element(name, index);
        }
        let operand = operator.trim_start_matches(':');
        let default = operand.strip_prefix(['-', '=']).map(|text| self.expand_one(text));
        let is_place = operator.starts_with('[')
            || operator.strip_prefix(':').is_some_and(|rest| !rest.starts_with(['-', '=', '?', '+']));
        if is_place {
            self.arithmetic(operator);
        } else if default.is_none() && !operator.is_empty() {
            self.substitutions(operator);
        }
        let known = self.candidate(name);
        // `${x:=y}` keeps what it gives.
        if let Some(kept) = default.as_ref().filter(|_| operand.starts_with('=') && known.is_none()) {
            self.bound(name, &Value { exact: false, ..kept.clone() }, true);
        }
        match (known, default) {
            (Some(value), None) if operator.is_empty() => value,
            (Some(value), _) if operand.starts_with(['-', '=', '?']) => Value { exact: false, ..value },
            // A default is what probably happens; it is shown, and never certain.
            (None, Some(default)) => Value { exact: false, ..default },
            (known, _) => Value {
                from: Some(name.to_owned()),
                marks: known.map(|value| value.marks).unwrap_or_default(),
                ..Value::unknown()
            },
        }
    }

    /// `${a[1]}`, `${a[@]}`: an array is kept as its words in a row, so what is taken from it is only likely.
    fn element(&mut self, name: &str, index: &str) -> Value {
        self.arithmetic(index);
        let unknown = Value { from: Some(name.to_owned()), ..Value::unknown() };
        let Some(all) = self.candidate(name) else { return unknown };
        let found = match index {
            "@" | "*" => Some(all.text.clone()),
            index => {
                let at = index.parse::<usize>().ok();
                at.and_then(|at| all.text.split_whitespace().nth(at).map(str::to_owned))
            }
        };
        match found {
            Some(text) => Value { text, exact: false, ..all },
            None => Value { marks: all.marks, ..unknown },
        }
    }

    fn candidate(&mut self, name: &str) -> Option<Value> {
        if let Ok(index) = name.parse::<usize>() {
            let positional = self.scope.positional.as_ref()?;
            return positional.get(index.checked_sub(1)?).cloned();
        }
        if matches!(name, "@" | "*") {
            let mut all = Value::known("");
            for (index, value) in self.scope.positional.as_ref()?.iter().enumerate() {
                if index > 0 {
                    all.text.push(' ');
                }
                all.append(value);
            }
            return Some(all);
        }
        let values = self.scope.values(self.scope.referred(name));
        self.most_candidates = self.most_candidates.max(values.len());
        values.get(self.pick.min(values.len().saturating_sub(1))).cloned()
    }

    /// Visits `$(…)` and works out what it prints when that is plain: `$(echo x)`, `$(which x)`.
    fn substitution(&mut self, text: &str) -> Value {
        let outer_feed = std::mem::take(&mut self.feed);
        let outer_marks = std::mem::take(&mut self.marks);
        let outer_next = self.next.take();
        let outer_printed = self.printed.take();
        let is_name =
            text.bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'0'..=b'9'));
        if !is_name || text.is_empty() {
            self.in_child(|walk| walk.nested(text));
        }
        let marks = std::mem::replace(&mut self.marks, outer_marks);
        let printed = std::mem::replace(&mut self.printed, outer_printed);
        let found = self.found.take();
        self.next = outer_next;
        self.feed = outer_feed;
        match printed {
            Some(text) => {
                Value { text: text.trim_end_matches('\n').to_owned(), exact: true, marks, from: None }
            }
            // What a search prints is shown by the name it asked for.
            None => match found.and_then(|found| self.found_as_texts(&found).into_iter().next()) {
                Some(text) => Value { text, marks, ..Value::unknown() },
                // `$(PYTHON)` is a variable of a makefile, seen by itself.
                None => Value { marks, from: Some(text.to_owned()), ..Value::unknown() },
            },
        }
    }
}

/// Name of the variable or command that a word of one piece consists of.
fn only_piece(pieces: &[Piece<'_>]) -> Option<String> {
    let mut pieces =
        pieces.iter().filter(|piece| !matches!(piece, Piece::Text { text, .. } if text.is_empty()));
    let only = pieces.next().filter(|_| pieces.next().is_none())?;
    match only {
        Piece::Variable { name, .. } => Some((*name).to_owned()),
        Piece::Command { text, .. } => Some(text.to_string()),
        Piece::Text { .. } | Piece::Arithmetic { .. } => None,
    }
}

// === impl Value ===

impl Value {
    pub(super) fn append(&mut self, other: &Self) {
        if self.text.len() + other.text.len() > MAX_WORD_BYTES {
            self.text.push(UNKNOWN);
            self.exact = false;
        } else {
            self.text.push_str(&other.text);
            self.exact &= other.exact;
        }
        self.marks = self.marks.and(other.marks);
    }
}

// === impl Fields ===

impl Fields {
    fn new() -> Self {
        Self { done: Vec::new(), current: Value::known(""), is_open: false }
    }

    fn push(&mut self, value: &Value) {
        self.current.append(value);
        self.is_open = true;
    }

    /// Adds unquoted text that was substituted: blanks in it end a field.
    fn split(&mut self, value: &Value, separators: &[char]) {
        let mut first = true;
        for part in value.text.split(separators) {
            if !std::mem::take(&mut first) {
                self.end();
            }
            if !part.is_empty() {
                self.push(&Value { text: part.to_owned(), ..value.clone() });
            }
        }
        self.current.marks = self.current.marks.and(value.marks);
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.is_open) {
            self.done.push(std::mem::replace(&mut self.current, Value::known("")));
        }
    }

    fn finish(mut self, from: Option<String>) -> Vec<Value> {
        self.end();
        if let [only] = self.done.as_mut_slice()
            && !only.exact
        {
            only.from = from;
        }
        self.done
    }
}
