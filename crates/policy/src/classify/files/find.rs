//! Searches that act on what they find.

use super::super::flags;
use super::super::found::Found;
use super::super::walk::Walk;
use super::super::word::Value;

// === impl Walk ===

impl Walk<'_> {
    /// `find ROOT… PREDICATE…`.
    pub(super) fn find(&mut self, args: &[Value]) {
        self.plain_read("find");
        let is_root =
            |arg: &&Value| !arg.text.starts_with('-') && !matches!(arg.text.as_str(), "(" | ")" | "!" | ",");
        let roots: Vec<&Value> = args.iter().take_while(is_root).collect();
        let finds_type = |name: &str| flags::values(args, "-type").contains(&name);
        let mut found = Found {
            roots: roots.iter().map(|root| root.text.clone()).collect(),
            names: Vec::new(),
            is_empty_only: flags::has(args, "-empty") && finds_type("d"),
            is_visible_only: false,
        };
        if found.roots.is_empty() {
            found.roots.push(".".to_owned());
        }
        for root in &roots {
            self.reads_path(root, "argument.read");
        }
        found.names = flags::values(args, "-name -iname -path -ipath -wholename")
            .into_iter()
            .map(str::to_owned)
            .collect();
        // Looking for the file of a credential where the workspace ends.
        for place in found.places() {
            let place = Value::known(place);
            if self.is_secret(&place) {
                self.looks_at_names(&place);
            }
        }
        let mut rest = args;
        while let Some((arg, tail)) = rest.split_first() {
            rest = tail;
            match arg.text.as_str() {
                "-delete" => self.removes_found(&found, false),
                "-exec" | "-execdir" | "-ok" | "-okdir" => {
                    let is_end = |arg: &Value| matches!(arg.text.as_str(), ";" | "+" | "\\");
                    let end = tail.iter().position(is_end).unwrap_or(tail.len());
                    let (inner, after) = tail.split_at_checked(end).unwrap_or((tail, &[]));
                    rest = after.get(1..).unwrap_or_default();
                    self.for_each(inner, &found);
                }
                "-fprint" | "-fprintf" | "-fls" | "-fprint0" => {
                    if let Some(path) = tail.first() {
                        self.writes_path(path, false);
                    }
                }
                _ => {}
            }
        }
        self.found = Some(found);
    }

    /// `fd [pattern] [path] -x command`.
    pub(super) fn fd(&mut self, args: &[Value]) {
        self.plain_read("fd");
        let at =
            args.iter().position(|arg| matches!(arg.text.as_str(), "-x" | "-X" | "--exec" | "--exec-batch"));
        let words =
            flags::positionals(args.get(..at.unwrap_or(args.len())).unwrap_or_default(), "-e -t -d -E");
        let found = Found {
            roots: words.iter().skip(1).map(|root| root.text.clone()).collect(),
            names: words.first().and_then(|pattern| glob_of(&pattern.text)).into_iter().collect(),
            is_empty_only: false,
            is_visible_only: false,
        };
        if let Some(inner) = at.and_then(|at| args.get(at + 1..)) {
            let mut inner = inner.to_vec();
            // Without a mark the path comes last.
            if !inner.iter().any(|arg| arg.text.contains('{')) {
                inner.push(Value::known("{}"));
            }
            self.for_each(&inner, &found);
        }
        self.found = Some(found);
    }

    /// Runs a command for each path that was found.
    pub(super) fn for_each(&mut self, inner: &[Value], found: &Found) {
        let argv: Vec<Value> = inner
            .iter()
            .map(|arg| {
                if arg.text.contains("{}") && !arg.text.contains(' ') {
                    Value { text: arg.text.replace("{}", "\0"), exact: false, ..arg.clone() }
                } else {
                    arg.clone()
                }
            })
            .collect();
        let feed = std::mem::take(&mut self.feed);
        self.feed.paths = Some(found.clone());
        self.argv(&argv);
        self.feed = feed;
    }
}

/// A plain expression for names as a pattern of the shell: `\.rs$` is `*.rs`.
fn glob_of(expression: &str) -> Option<String> {
    let (start, rest) = match expression.strip_prefix('^') {
        Some(rest) => ("", rest),
        None => ("*", expression),
    };
    let (rest, end) = match rest.strip_suffix('$') {
        Some(rest) => (rest, ""),
        None => (rest, "*"),
    };
    let plain = rest.replace("\\.", ".");
    let is_plain = !plain.is_empty() && !plain.contains(['\\', '[', '(', '|', '+', '*', '?', '{']);
    // A whole name is itself: `fd id_rsa` most likely means the file of that name.
    let start = if start == "*" && end == "*" { "" } else { start };
    is_plain.then(|| format!("{start}{plain}{}", if start.is_empty() { "" } else { end }))
}
