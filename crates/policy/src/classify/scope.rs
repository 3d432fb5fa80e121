//! What the line itself has fixed so far: variables, functions, files it wrote.
//!
//! A variable keeps every value it may have (branches and loops add, straight code replaces), so that
//! `c=ls; if …; then c=rm; fi; $c` is judged for both.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use brush_parser::ast::FunctionBody;

use super::Facts;
use super::word::Value;

/// Values one variable can have before it counts as unknown.
const MAX_CANDIDATES: usize = 6;

#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    variables: HashMap<String, Vec<Value>>,
    functions: HashMap<String, Function>,
    /// Arguments of the function or script being read; `None` outside.
    pub positional: Option<Vec<Value>>,
    /// Text of files that the line wrote itself.
    files: HashMap<String, String>,
    /// Those of them that held nothing before.
    own: HashSet<String>,
    /// Where `cd` went; `None` while the line is where it started.
    pub directory: Option<String>,
    /// The line sets another index for packages.
    pub foreign_index: bool,
    /// A variable of the line points to a database that others use.
    pub shared_database: bool,
    /// Images that the line built.
    pub images: Vec<String>,
    /// Files that the line fetched.
    pub fetched: Vec<String>,
    /// Descriptors that the line opened to another host.
    pub sockets: Vec<i32>,
    /// A variable of the line holds numbers: what is assigned to it is evaluated.
    pub has_integers: bool,
    /// Names that stand for other names; empty until the first assignment says for which.
    references: HashMap<String, String>,
    /// Tags that the line made.
    pub tags: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Function {
    pub body: Rc<FunctionBody>,
    pub was_called: bool,
    /// Defined where it may not be seen: in a branch, or in a shell that has ended.
    pub is_doubtful: bool,
}

// === impl Scope ===

impl Scope {
    pub(super) fn new(facts: &Facts<'_>) -> Self {
        let mut scope = Self::default();
        let fixed =
            [("HOME", facts.home.unwrap_or("~")), ("PWD", facts.cwd.unwrap_or(".")), ("TMPDIR", "/tmp")];
        for (name, value) in
            fixed.into_iter().chain([("IFS", " "), ("SHELL", "/bin/bash"), ("BASH", "/bin/bash")])
        {
            scope.variables.insert(name.to_owned(), vec![Value::known(value)]);
        }
        scope
    }

    /// Sets a variable; `adds` keeps the values it could have had before.
    pub(super) fn set(&mut self, name: &str, value: Value, adds: bool) {
        let values = self.variables.entry(name.to_owned()).or_default();
        if !adds {
            values.clear();
        }
        if values.contains(&value) {
            return;
        }
        if values.len() >= MAX_CANDIDATES {
            values.push(Value::unknown());
            values.truncate(MAX_CANDIDATES + 1);
        } else {
            values.push(value);
        }
    }

    /// Makes a name stand for another one.
    pub(super) fn refer(&mut self, name: &str, to: &str) {
        self.references.insert(name.to_owned(), to.to_owned());
    }

    /// The variable that a name stands for in the end.
    pub(super) fn referred<'a>(&'a self, name: &'a str) -> &'a str {
        const MOST: usize = 8;
        let mut name = name;
        for _ in 0..MOST {
            match self.references.get(name) {
                Some(to) if !to.is_empty() && to != name => name = to.split('[').next().unwrap_or(to),
                _ => break,
            }
        }
        name
    }

    /// Whether a name stands for another one that nobody has said yet.
    pub(super) fn awaits_name(&self, name: &str) -> bool {
        self.references.get(name).is_some_and(String::is_empty)
    }

    /// The values a variable may have; empty when nothing is known of it.
    pub(super) fn values(&self, name: &str) -> &[Value] {
        self.variables.get(name).map_or(&[], Vec::as_slice)
    }

    /// Gives the function it takes the place of, when nothing has called that.
    pub(super) fn define(
        &mut self,
        name: &str,
        body: Rc<FunctionBody>,
        is_doubtful: bool,
    ) -> Option<Rc<FunctionBody>> {
        let old = self.functions.insert(name.to_owned(), Function { body, was_called: false, is_doubtful });
        old.filter(|old| !old.was_called).map(|old| old.body)
    }

    pub(super) fn undefine(&mut self, name: &str) -> Option<Rc<FunctionBody>> {
        self.functions.remove(name).filter(|old| !old.was_called).map(|old| old.body)
    }

    /// The function of this name, marked as called.
    pub(super) fn call(&mut self, name: &str) -> Option<(Rc<FunctionBody>, bool)> {
        let function = self.functions.get_mut(name)?;
        function.was_called = true;
        Some((Rc::clone(&function.body), function.is_doubtful))
    }

    /// Functions that nothing called, each once, by name.
    pub(super) fn take_uncalled(&mut self) -> Vec<Rc<FunctionBody>> {
        let mut left: Vec<(&String, &mut Function)> =
            self.functions.iter_mut().filter(|(_, function)| !function.was_called).collect();
        left.sort_by_key(|(name, _)| *name);
        left.into_iter()
            .map(|(_, function)| {
                function.was_called = true;
                Rc::clone(&function.body)
            })
            .collect()
    }

    pub(super) fn wrote(&mut self, path: &str, text: String, appends: bool) {
        if appends {
            self.files.entry(path.to_owned()).or_default().push_str(&text);
        } else {
            self.own.insert(path.to_owned());
            self.files.insert(path.to_owned(), text);
        }
    }

    /// Text the line wrote to this file.
    pub(super) fn file(&self, path: &str) -> Option<&str> {
        let path = path.trim_start_matches("./");
        self.files
            .iter()
            .find(|(name, _)| name.trim_start_matches("./") == path)
            .map(|(_, text)| text.as_str())
    }

    /// Whether all of this file was written by the line.
    pub(super) fn is_own(&self, path: &str) -> bool {
        self.own.contains(path)
    }

    pub(super) fn was_fetched(&self, path: &str) -> bool {
        let path = path.trim_start_matches("./");
        self.fetched.iter().any(|name| name.trim_start_matches("./") == path)
    }
}
