//! Every test that a document names as its proof is there.

use std::collections::BTreeSet;

/// The documents whose last column names tests.
pub(super) const DOCUMENTS: [&str; 2] = ["SPECIFICATION.md", "docs/attacks.md"];

/// What sources say of tests: functions, and the modules or files that they stand in.
#[derive(Default)]
pub(super) struct Sources {
    functions: BTreeSet<String>,
    modules: BTreeSet<String>,
}

// === impl Sources ===

impl Sources {
    pub(super) fn read(&mut self, file: &str, text: &str) {
        self.modules.extend(file.trim_end_matches(".rs").split('/').map(str::to_owned));
        for line in text.lines() {
            let line = line.trim_start().trim_start_matches("pub ").trim_start_matches("async ");
            // Tables of tests for each client are made by macros: the name stands before a bracket.
            let name = line.strip_prefix("fn ").or_else(|| line.strip_prefix("mod ")).unwrap_or(line);
            let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(name.len());
            let name = name.get(..end).unwrap_or_default().to_owned();
            if line.starts_with("mod ") {
                self.modules.insert(name);
            } else if !name.is_empty() {
                self.functions.insert(name);
            }
        }
    }

    /// Names the tests of a document that are nowhere.
    pub(super) fn missing(&self, document: &str, text: &str) -> Vec<String> {
        let mut missing = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let Some(column) = line.strip_suffix('|').and_then(|row| row.rsplit('|').next()) else {
                continue;
            };
            for name in column.split('`').skip(1).step_by(2).filter(|name| is_test(name)) {
                if !self.holds(name) {
                    missing
                        .push(format!("{document}:{} names the test `{name}`, which is nowhere", number + 1));
                }
            }
        }
        missing
    }

    fn holds(&self, name: &str) -> bool {
        let mut parts: Vec<&str> = name.split("::").filter(|part| !part.is_empty() && *part != "*").collect();
        let is_function = !name.ends_with("::");
        let function = if is_function { parts.pop() } else { None };
        parts.iter().all(|part| self.modules.contains(part.trim_matches('…')))
            && function.is_none_or(|function| {
                let middle = function.trim_matches('…');
                self.functions.iter().any(|known| {
                    match (function.starts_with('…'), function.ends_with('…')) {
                        (false, false) => known == middle,
                        (false, true) => known.starts_with(middle),
                        (true, false) => known.ends_with(middle),
                        (true, true) => known.contains(middle),
                    }
                })
            })
    }
}

/// Whether what stands in a column of tests is the name of one: a path, or a sentence.
fn is_test(name: &str) -> bool {
    let is_path = name.contains("::") && !name.starts_with("::");
    (is_path || name.matches('_').count() >= 3 || name.starts_with('…'))
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '…' | '*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_nowhere_is_named() {
        let mut sources = Sources::default();
        sources.read("crates/x/tests/it/hook.rs", "#[test]\nasync fn a_call_that_waits_is_held() {}\n");
        let said = |column: &str| sources.missing("d.md", &format!("| attack | text | {column} |"));
        for there in
            ["`hook::a_call_that_waits_is_held`", "`a_call_that…`", "`…waits_is_held`", "`hook::`", "`bash`"]
        {
            assert_eq!(said(there), [""; 0], "{there}");
        }
        for gone in
            ["`hook::a_call_that_waits`", "`a_call_was_lost`", "`…a_call`", "`door::`", "`x::y::…held`"]
        {
            assert_eq!(said(gone).len(), 1, "{gone}");
        }
    }
}
