//! Searches that act on what they find.

use super::super::flags;
use super::super::walk::{Found, Walk};
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
            roots: roots.iter().map(|root| self.resolved(root)).collect(),
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
            roots: words.iter().skip(1).map(|root| self.resolved(root)).collect(),
            names: words.first().map(|pattern| pattern.text.clone()).into_iter().collect(),
            is_empty_only: false,
            is_visible_only: false,
        };
        if let Some(inner) = at.and_then(|at| args.get(at + 1..)) {
            self.for_each(inner, &found);
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
