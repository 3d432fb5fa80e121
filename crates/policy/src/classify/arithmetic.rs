//! Arithmetic: a name in it stands for text that is arithmetic again, and what an index substitutes runs.
//!
//! `x='a[$(rm x)]'; ((x))` removes a file, and so do `[[ x -eq 1 ]]`, `let x`, `declare -i y=x`, `${a[x]}` and `a[x]=1`.

use brush_parser::ast::BinaryPredicate;

use super::walk::Walk;
use super::word::{UNKNOWN, Value};
use super::{Target, flags};

/// Names that lead to names.
const MAX_DEPTH: usize = 6;
/// Names that are looked up in one text.
const MAX_NAMES: usize = 200;

/// Builtins that evaluate the index of a name they are given, also when it was quoted.
const TAKE_NAMES: &str =
    "test [ unset read declare typeset local export readonly mapfile readarray wait getopts";

// === impl Walk ===

impl Walk<'_> {
    /// Reads arithmetic as it was written: visits what it substitutes, then what its names stand for.
    pub(super) fn arithmetic(&mut self, raw: &str) {
        let text = self.expand_document(raw);
        self.evaluated(&text);
    }

    /// Reads arithmetic whose variables have been filled in.
    pub(super) fn evaluated(&mut self, value: &Value) {
        if value.marks.fetched {
            let text = "evaluates text from another host, and runs what an index in it substitutes";
            self.unknown(Target::Unknown, "shell.arithmetic", text);
        }
        let mut seen = Vec::new();
        self.evaluated_text(&value.text, MAX_DEPTH, &mut seen);
    }

    fn evaluated_text(&mut self, text: &str, depth: usize, seen: &mut Vec<String>) {
        if has_index(text) {
            self.substitutions(text);
        }
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let names = text
            .split(|c: char| !is_word(c))
            .filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'));
        for name in names.take(MAX_NAMES) {
            let values = self.scope.values(name).to_vec();
            if values.is_empty() || seen.iter().any(|known| known == name) {
                continue;
            }
            seen.push(name.to_owned());
            if depth == 0 {
                let text = "names in arithmetic lead too far to be read";
                self.unknown(Target::Unknown, "shell.arithmetic", text);
                return;
            }
            for value in values {
                if value.marks.fetched || has_hidden_index(&value.text) {
                    let text = "evaluates text that is only known at run time, and runs what an index in it substitutes";
                    self.unknown(Target::Unknown, "shell.arithmetic", text);
                }
                self.evaluated_text(&value.text, depth - 1, seen);
            }
        }
    }

    /// A side of a test, and both sides where numbers are compared.
    pub(super) fn compared(&mut self, predicate: &BinaryPredicate, raw: &str) {
        let is_number = matches!(
            predicate,
            BinaryPredicate::ArithmeticEqualTo
                | BinaryPredicate::ArithmeticNotEqualTo
                | BinaryPredicate::ArithmeticLessThan
                | BinaryPredicate::ArithmeticLessThanOrEqualTo
                | BinaryPredicate::ArithmeticGreaterThan
                | BinaryPredicate::ArithmeticGreaterThanOrEqualTo
        );
        let value = self.expand_one(raw);
        if is_number {
            self.evaluated(&value);
        } else if has_index(&value.text) {
            self.substitutions(&value.text);
        }
    }

    /// Names that a builtin is given: what their index substitutes runs.
    pub(super) fn indexes(&mut self, program: &str, args: &[Value]) {
        let is_let = program == "let";
        let is_integer = flags::lists("declare typeset local integer", program) && flags::has(args, "-i");
        self.scope.has_integers |= is_integer;
        if is_let || is_integer {
            for arg in args {
                let value = match arg.text.split_once('=') {
                    Some((_, value)) if is_integer => Value { text: value.to_owned(), ..arg.clone() },
                    _ => arg.clone(),
                };
                self.evaluated(&value);
            }
        }
        let takes_names =
            flags::lists(TAKE_NAMES, program) || (program == "printf" && flags::has(args, "-v"));
        for arg in args.iter().filter(|arg| takes_names && arg.text.contains('[') && arg.text.len() > 1) {
            self.evaluated(&Value { marks: super::word::Marks::default(), ..arg.clone() });
        }
    }
}

/// Whether text has an index with a substitution: `a[$(…)]`.
pub(super) fn has_index(text: &str) -> bool {
    text.split('[').skip(1).any(|index| index.contains("$(") || index.contains('`') || index.contains("${"))
}

/// Whether a part that is not known stands in an index.
fn has_hidden_index(text: &str) -> bool {
    text.split('[').skip(1).any(|index| index.contains(UNKNOWN))
}
