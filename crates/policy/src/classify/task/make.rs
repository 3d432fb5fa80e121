//! Makefiles: rules, their recipes, and plain variables. Functions other than `shell` are not evaluated.

use std::collections::HashMap;

use super::super::word::Value;
use super::{Body, MAX_STEPS, Step};

const MAX_LINES: usize = 8_000;
/// Variables inside variables.
const MAX_NESTING: usize = 8;
const MAX_EXPANDED_BYTES: usize = 32 * 1024;

#[derive(Debug, Default)]
struct Makefile {
    variables: HashMap<String, String>,
    rules: Vec<Rule>,
    /// What reading the file runs: `X != command`, `X := $(shell command)`.
    at_once: Vec<String>,
}

#[derive(Debug, Default)]
struct Rule {
    targets: Vec<String>,
    needs: Vec<String>,
    recipe: Vec<String>,
}

pub(super) fn find(text: &str, name: Option<&str>, arguments: &[Value]) -> Option<(String, Body)> {
    let mut file = Makefile::read(text);
    for (name, value) in arguments.iter().filter_map(|argument| argument.text.split_once('=')) {
        file.variables.insert(name.to_owned(), value.to_owned());
    }
    let first = || {
        let targets = file.rules.iter().flat_map(|rule| &rule.targets);
        targets.into_iter().find(|target| !target.starts_with('.') && !target.contains('%')).cloned()
    };
    let goal = file.variables.get(".DEFAULT_GOAL").cloned();
    let name = name.map(str::to_owned).or(goal).or_else(first)?;
    let mut body = Body::default();
    body.steps
        .extend(file.at_once.iter().map(|command| Step::Shell(file.expand(command, &Rule::default(), ""))));
    let mut found = false;
    for rule in file.rules.iter().filter(|rule| rule.makes(&name)) {
        found = true;
        body.needs.extend(rule.needs.iter().filter(|need| *need != &name).cloned());
        for line in &rule.recipe {
            if body.steps.len() < MAX_STEPS {
                body.steps.push(Step::Shell(file.expand(line, rule, &name)));
            }
        }
    }
    found.then_some((name, body))
}

// === impl Makefile ===

impl Makefile {
    fn read(text: &str) -> Self {
        let mut file = Self::default();
        let text = text.replace("\r\n", "\n").replace("\\\n", " ");
        let mut open: Option<Rule> = None;
        let mut in_define = false;
        for line in text.lines().take(MAX_LINES) {
            if let Some(recipe) = line.strip_prefix('\t') {
                if let Some(rule) = open.as_mut() {
                    let recipe = recipe.trim().trim_start_matches(['@', '-', '+']).trim();
                    if !recipe.is_empty() && !recipe.starts_with('#') {
                        rule.recipe.push(recipe.to_owned());
                    }
                }
                continue;
            }
            let line = line.split(" #").next().unwrap_or_default().trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.starts_with("define ") || line == "endef" {
                in_define = line != "endef";
                continue;
            }
            if !in_define {
                file.line(line, &mut open);
            }
        }
        file.rules.extend(open);
        file
    }

    fn line(&mut self, line: &str, open: &mut Option<Rule>) {
        let line = ["export ", "override ", "private "]
            .iter()
            .fold(line, |line, word| line.strip_prefix(word).unwrap_or(line));
        if let Some((name, operator, value)) = assignment(line) {
            self.assign(name, operator, value);
            return;
        }
        let Some((targets, rest)) = line.split_once(':') else { return };
        self.rules.extend(open.take());
        // `target: VAR = value` sets a variable for one rule.
        if let Some((name, operator, value)) = assignment(rest.trim_start_matches(':').trim()) {
            self.assign(name, operator, value);
            return;
        }
        let rest = rest.trim_start_matches(':');
        let (needs, inline) =
            rest.split_once(';').map_or((rest, None), |(needs, recipe)| (needs, Some(recipe)));
        let words = |text: &str| -> Vec<String> {
            self.expand(text, &Rule::default(), "")
                .split_whitespace()
                .filter(|word| *word != "|")
                .map(str::to_owned)
                .collect()
        };
        *open = Some(Rule {
            targets: words(targets),
            needs: words(needs),
            recipe: inline.map(|recipe| recipe.trim().to_owned()).into_iter().collect(),
        });
    }

    fn assign(&mut self, name: &str, operator: &str, value: &str) {
        if operator == "!" {
            self.at_once.push(value.to_owned());
            return;
        }
        if operator == ":" && value.contains("$(shell ") {
            self.at_once.push(value.to_owned());
        }
        match operator {
            "?" if self.variables.contains_key(name) => {}
            "+" => {
                let old = self.variables.entry(name.to_owned()).or_default();
                if old.len() < MAX_EXPANDED_BYTES {
                    old.push(' ');
                    old.push_str(value);
                }
            }
            _ => _ = self.variables.insert(name.to_owned(), value.to_owned()),
        }
    }

    /// The text a shell would get.
    fn expand(&self, text: &str, rule: &Rule, target: &str) -> String {
        let mut out = String::new();
        self.expand_into(text, rule, target, MAX_NESTING, &mut out);
        out
    }

    fn expand_into(&self, text: &str, rule: &Rule, target: &str, depth: usize, out: &mut String) {
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            if out.len() > MAX_EXPANDED_BYTES {
                return;
            }
            out.push_str(before);
            let mut chars = after.chars();
            let Some(first) = chars.next() else { return };
            rest = chars.as_str();
            match first {
                '$' => out.push('$'),
                '@' => out.push_str(target),
                '<' => out.push_str(rule.needs.first().map_or("", String::as_str)),
                '^' | '+' => out.push_str(&rule.needs.join(" ")),
                '(' | '{' => {
                    let Some((inside, tail)) = closed(rest, first) else {
                        out.push_str("${_}");
                        return;
                    };
                    rest = tail;
                    self.reference(inside, rule, target, depth, out);
                }
                _ => out.push_str("${_}"),
            }
        }
        out.push_str(rest);
    }

    fn reference(&self, inside: &str, rule: &Rule, target: &str, depth: usize, out: &mut String) {
        if let Some(command) = inside.strip_prefix("shell ") {
            out.push_str("$(");
            if depth > 0 {
                self.expand_into(command, rule, target, depth - 1, out);
            }
            out.push(')');
        } else if let Some(value) = self.variables.get(inside).filter(|_| depth > 0) {
            self.expand_into(value, rule, target, depth - 1, out);
        } else if inside.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            // `$(MAKE)`, `$(CC)`: the name says what it most likely holds.
            out.push_str("${");
            out.push_str(inside);
            out.push('}');
        } else {
            out.push_str("${_}");
        }
    }
}

// === impl Rule ===

impl Rule {
    fn makes(&self, name: &str) -> bool {
        self.targets.iter().any(|target| match target.split_once('%') {
            Some((start, end)) => {
                name.len() > start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
            }
            None => target == name,
        })
    }
}

/// `NAME = value` with the mark before the equals sign.
fn assignment(line: &str) -> Option<(&str, &str, &str)> {
    let (left, value) = line.split_once('=')?;
    let name = left.trim_end_matches([':', '?', '+', '!']);
    let operator = left.get(name.len()..).and_then(|operator| operator.get(..1)).unwrap_or_default();
    let name = name.trim();
    let is_name = !name.is_empty() && !name.contains([' ', '\t', ':', '$', '(']);
    is_name.then(|| (name, operator, value.trim()))
}

/// Text up to the bracket that closes, and what follows.
fn closed(text: &str, open: char) -> Option<(&str, &str)> {
    let close = if open == '(' { ')' } else { '}' };
    let mut depth = 1_usize;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                return Some((text.get(..at)?, text.get(at + 1..)?));
            }
        }
    }
    None
}
