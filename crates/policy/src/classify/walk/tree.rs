//! The grammar: every part of the syntax tree is visited, whether its condition could hold or not.

use std::rc::Rc;

use brush_parser::ast::{
    AndOrList, Assignment, AssignmentName, AssignmentValue, Command, CommandPrefixOrSuffixItem,
    CompoundCommand, CompoundList, ExtendedTestExpr, Pipeline, Program, SimpleCommand, SourceLocation,
    SubshellCommand,
};
use writ_model::EffectClass;

use super::super::Target;
use super::super::found::hands_on;
use super::super::word::{Marks, Value};
use super::{Feed, MAX_CALL_DEPTH, MAX_COMMANDS, Walk};

// === impl Walk ===

impl Walk<'_> {
    pub(super) fn program(&mut self, program: &Program) {
        for list in &program.complete_commands {
            self.list(list);
        }
    }

    pub(super) fn list(&mut self, list: &CompoundList) {
        if !self.enter() {
            return;
        }
        for item in &list.0 {
            self.and_or(&item.0);
        }
        self.leave();
    }

    pub(super) fn and_or(&mut self, list: &AndOrList) {
        for (index, (_, pipeline)) in list.into_iter().enumerate() {
            self.conditions += usize::from(index > 0);
            self.pipeline(pipeline);
            self.conditions -= usize::from(index > 0);
        }
    }

    pub(super) fn pipeline(&mut self, pipeline: &Pipeline) {
        let outer_feed = self.feed.clone();
        let outer_marks = std::mem::take(&mut self.marks);
        let mut through = Marks::default();
        let last = pipeline.seq.len().saturating_sub(1);
        for (index, command) in pipeline.seq.iter().enumerate() {
            self.next = pipeline.seq.get(index + 1).map(|next| self.peek(next));
            self.printed = None;
            self.found = None;
            let arriving = self.feed.paths.clone();
            match pipeline.seq.len() {
                1 => self.command(command),
                _ => self.in_child(|walk| walk.command(command)),
            }
            if self.found.is_none() {
                self.found = arriving.and_then(|found| hands_on(&started(command), found));
            }
            through = through.and(self.marks);
            if index < last {
                self.feed = Feed {
                    is_some: true,
                    text: self.printed.take(),
                    marks: through,
                    paths: self.found.take(),
                    file: None,
                };
            }
        }
        self.next = None;
        self.feed = outer_feed;
        self.marks = outer_marks.and(through);
    }

    /// First words of a command, without visiting what they substitute.
    pub(super) fn peek(&self, command: &Command) -> Vec<Value> {
        let Command::Simple(simple) = command else { return Vec::new() };
        let words = simple.suffix.iter().flat_map(|suffix| &suffix.0).filter_map(|item| match item {
            CommandPrefixOrSuffixItem::Word(word) => Some(word),
            _ => None,
        });
        simple.word_or_name.iter().chain(words).map(|word| self.glance(&word.value)).collect()
    }

    pub(super) fn command(&mut self, command: &Command) {
        match command {
            Command::Simple(simple) => self.simple(simple),
            Command::Compound(compound, redirects) => {
                let outer_feed = self.feed.clone();
                for redirect in redirects.iter().flat_map(|list| &list.0) {
                    self.redirect(redirect, false);
                }
                self.compound(compound);
                self.feed = outer_feed;
                self.printed = None;
            }
            Command::Function(function) => {
                let is_doubtful = self.conditions > 0 || self.children > 0;
                let body = Rc::new(function.body.clone());
                if let Some(old) = self.scope.define(&function.fname.value, body, is_doubtful) {
                    self.uncalled(&old);
                }
            }
            Command::ExtendedTest(test, redirects) => {
                self.test(&test.expr);
                for redirect in redirects.iter().flat_map(|list| &list.0) {
                    self.redirect(redirect, true);
                }
            }
        }
    }

    pub(super) fn compound(&mut self, compound: &CompoundCommand) {
        if !self.enter() {
            return;
        }
        match compound {
            CompoundCommand::Arithmetic(arithmetic) => self.arithmetic(&arithmetic.expr.value),
            CompoundCommand::ArithmeticForClause(clause) => {
                for part in [&clause.initializer, &clause.condition, &clause.updater].into_iter().flatten() {
                    self.arithmetic(&part.value);
                }
                self.under_condition(&clause.body.list);
            }
            CompoundCommand::BraceGroup(group) => self.list(&group.list),
            CompoundCommand::Subshell(subshell) => {
                self.in_child(|walk| walk.list(&subshell.list));
            }
            CompoundCommand::ForClause(clause) => {
                match &clause.values {
                    Some(values) => {
                        for word in values {
                            for value in self.expand(&word.value) {
                                self.bound(&clause.variable_name, &value, true);
                            }
                        }
                    }
                    None => self.bound(&clause.variable_name, &Value::unknown(), true),
                }
                self.under_condition(&clause.body.list);
            }
            CompoundCommand::CaseClause(clause) => {
                self.expand(&clause.value.value);
                for case in &clause.cases {
                    for pattern in &case.patterns {
                        self.expand(&pattern.value);
                    }
                    if let Some(list) = &case.cmd {
                        self.under_condition(list);
                    }
                }
            }
            CompoundCommand::IfClause(clause) => {
                self.list(&clause.condition);
                self.under_condition(&clause.then);
                for other in clause.elses.iter().flatten() {
                    if let Some(condition) = &other.condition {
                        self.under_condition(condition);
                    }
                    self.under_condition(&other.body);
                }
            }
            CompoundCommand::WhileClause(clause) | CompoundCommand::UntilClause(clause) => {
                self.list(&clause.0);
                self.under_condition(&clause.1.list);
            }
            CompoundCommand::Coprocess(coprocess) => self.command(&coprocess.body),
        }
        self.leave();
    }

    /// Visits what runs in a shell of its own. The folder it goes to and the values it sets end with it; a variable keeps
    /// them among those it may have.
    pub(in crate::classify) fn in_child(&mut self, act: impl FnOnce(&mut Self)) {
        let directory = self.scope.directory.clone();
        let names = self.child_names.len();
        self.children += 1;
        act(self);
        self.children -= 1;
        self.scope.directory = directory;
        for name in self.child_names.split_off(names.min(self.child_names.len())) {
            self.scope.set(&name, Value::unknown(), true);
        }
    }

    pub(super) fn under_condition(&mut self, list: &CompoundList) {
        self.conditions += 1;
        self.list(list);
        self.conditions -= 1;
    }

    pub(super) fn test(&mut self, expression: &ExtendedTestExpr) {
        if !self.enter() {
            return;
        }
        match expression {
            ExtendedTestExpr::And(left, right) | ExtendedTestExpr::Or(left, right) => {
                self.test(left);
                self.test(right);
            }
            ExtendedTestExpr::Not(inner) | ExtendedTestExpr::Parenthesized(inner) => self.test(inner),
            ExtendedTestExpr::UnaryTest(_, word) => self.test_word(&word.value),
            ExtendedTestExpr::BinaryTest(predicate, left, right) => {
                self.compared(predicate, &left.value);
                self.compared(predicate, &right.value);
            }
        }
        self.leave();
    }

    /// The name of a test: its index is evaluated.
    pub(super) fn test_word(&mut self, raw: &str) {
        let value = self.expand_one(raw);
        if value.text.contains('[') {
            self.evaluated(&Value { marks: Marks::default(), ..value });
        }
    }

    pub(super) fn simple(&mut self, simple: &SimpleCommand) {
        self.commands += 1;
        if self.commands > MAX_COMMANDS || self.is_exhausted {
            self.exhausted("the command has more parts than are judged");
            return;
        }
        let outer_span = self.span.clone();
        if self.text_depth == 0 {
            self.span =
                simple.location().and_then(|span| self.source.bytes(span.start.index, span.end.index));
        }
        let outer_feed = self.feed.clone();
        let outer_candidates = (self.pick, self.most_candidates);
        (self.pick, self.most_candidates) = (0, 1);
        self.simple_once(simple);
        // A variable that may have several values: once for each.
        while self.pick + 1 < self.most_candidates && !self.is_exhausted {
            self.pick += 1;
            self.feed = outer_feed.clone();
            self.simple_once(simple);
        }
        (self.pick, self.most_candidates) = outer_candidates;
        self.feed = outer_feed;
        self.span = outer_span;
    }

    pub(super) fn simple_once(&mut self, simple: &SimpleCommand) {
        let mut assignments = Vec::new();
        let mut argv: Vec<Value> = Vec::new();
        let prefix = simple.prefix.iter().flat_map(|items| &items.0);
        let suffix = simple.suffix.iter().flat_map(|items| &items.0);
        let mut redirects = Vec::new();
        for item in prefix {
            match item {
                CommandPrefixOrSuffixItem::IoRedirect(redirect) => redirects.push(redirect),
                item => self.item(item, &mut argv, &mut assignments),
            }
        }
        if let Some(word) = &simple.word_or_name {
            self.split_into_command(&word.value);
            argv.extend(self.expand(&word.value));
        }
        for item in suffix {
            match item {
                CommandPrefixOrSuffixItem::IoRedirect(redirect) => redirects.push(redirect),
                item => {
                    let mut as_arguments = Vec::new();
                    self.item(item, &mut argv, &mut as_arguments);
                    for (name, value) in as_arguments {
                        // `export X=…`, `local X=…`: an assignment that is an argument.
                        argv.push(Value { text: format!("{name}={}", value.text), ..value });
                    }
                }
            }
        }
        self.talks_to_socket = false;
        self.is_redirected = !redirects.is_empty();
        let truncates = match argv.first().map(|name| name.text.as_str()) {
            None | Some(":" | "true") => true,
            Some("cat") => argv.get(1).is_some_and(|file| file.text == "/dev/null"),
            Some("echo" | "printf") => {
                argv.iter().skip(1).all(|word| matches!(word.text.as_str(), "" | "-n"))
            }
            Some(_) => false,
        };
        for redirect in &redirects {
            self.redirect(redirect, truncates);
        }
        let sets_for_command_only = !argv.is_empty();
        for (name, value) in assignments {
            self.assigned(&name, &value, sets_for_command_only);
        }
        if argv.is_empty() {
            // `$(< file)`
            let file = self.feed.file.as_deref();
            self.printed = file.and_then(|file| self.scope.file(file)).map(str::to_owned);
            return;
        }
        self.own_argv(&argv);
        self.written(&redirects);
    }

    pub(super) fn item(
        &mut self,
        item: &CommandPrefixOrSuffixItem,
        argv: &mut Vec<Value>,
        assignments: &mut Vec<(String, Value)>,
    ) {
        match item {
            CommandPrefixOrSuffixItem::IoRedirect(redirect) => self.redirect(redirect, false),
            CommandPrefixOrSuffixItem::Word(word) => argv.extend(self.expand(&word.value)),
            CommandPrefixOrSuffixItem::AssignmentWord(assignment, _) => {
                let value = self.assignment(assignment);
                assignments.push((assignment_name(assignment).to_owned(), value));
            }
            CommandPrefixOrSuffixItem::ProcessSubstitution(_, subshell) => {
                self.printed = None;
                let marks = self.process(subshell);
                let name = format!("/dev/fd/{}", 63_usize.saturating_sub(argv.len()));
                if let Some(text) = self.printed.take() {
                    self.scope.wrote(&name, text, false);
                }
                argv.push(Value { text: name, exact: false, marks, from: None });
            }
        }
    }

    pub(super) fn assignment(&mut self, assignment: &Assignment) -> Value {
        if let AssignmentName::ArrayElementName(_, index) = &assignment.name {
            self.arithmetic(index);
        }
        match &assignment.value {
            AssignmentValue::Scalar(word) => self.expand_one(&word.value),
            AssignmentValue::Array(items) => {
                let mut all = Value::known("");
                for (index, word) in items {
                    if let Some(index) = index {
                        self.arithmetic(&index.value);
                    }
                    let value = self.expand_one(&word.value);
                    if !all.text.is_empty() {
                        all.text.push(' ');
                    }
                    all.text.push_str(&value.text);
                    all.exact &= value.exact;
                }
                all
            }
        }
    }

    pub(in crate::classify) fn assigned(&mut self, name: &str, value: &Value, for_command_only: bool) {
        if self.scope.has_integers {
            self.evaluated(value);
        }
        if self.scope.awaits_name(name) {
            self.scope.refer(name, &value.text);
            return;
        }
        let Some(name) = self.meant(name) else { return };
        let name = name.as_str();
        self.environment_set(name, value);
        self.scope.foreign_index |= super::super::install::is_index_variable(name);
        if name == "PATH" && for_command_only {
            self.searched_first(value);
        }
        if !for_command_only {
            let adds = self.may_not_run();
            if self.children > 0 && self.scope.values(name).is_empty() {
                self.child_names.push(name.to_owned());
            }
            self.scope.set(name, value.clone(), adds);
        }
    }

    /// Whether what is set here may not be set for what comes behind.
    pub(in crate::classify) fn may_not_run(&self) -> bool {
        self.conditions > 0 || self.children > 0
    }

    /// A process whose output or input is a file name of the command.
    pub(super) fn process(&mut self, subshell: &SubshellCommand) -> Marks {
        let feed = std::mem::take(&mut self.feed);
        let outer = std::mem::take(&mut self.marks);
        self.in_child(|walk| walk.list(&subshell.list));
        let inner = std::mem::replace(&mut self.marks, outer);
        self.feed = feed;
        inner
    }

    /// Calls a function of the line; `false` when there is none of this name.
    pub(in crate::classify) fn called(&mut self, name: &str, args: &[Value]) -> bool {
        let Some((body, is_doubtful)) = self.scope.call(name) else { return false };
        // What only may be a function may be the program too.
        let is_called = !(is_doubtful && super::super::command::knows(name));
        if self.calls.iter().any(|open| Rc::ptr_eq(open, &body)) {
            if self.feed.is_some || self.next.is_some() {
                let target = Target::Command(name.to_owned());
                self.effect(
                    EffectClass::Destructive,
                    target,
                    "shell.fork-bomb",
                    "a function that starts itself twice",
                );
            }
            return is_called;
        }
        if self.calls.len() >= MAX_CALL_DEPTH {
            self.exhausted("functions call each other too deeply to be judged");
            return is_called;
        }
        self.calls.push(Rc::clone(&body));
        let outer = self.scope.positional.replace(args.to_vec());
        self.compound(&body.0);
        for redirect in body.1.iter().flat_map(|list| &list.0) {
            self.redirect(redirect, false);
        }
        self.scope.positional = outer;
        self.calls.pop();
        is_called
    }
}

/// The name of the program that a command starts, as far as it is written plainly.
fn started(command: &Command) -> String {
    let Command::Simple(simple) = command else { return String::new() };
    let name = simple.word_or_name.as_ref().map(|word| word.value.as_str()).unwrap_or_default();
    super::super::command::program_name(name)
}

pub(super) fn assignment_name(assignment: &Assignment) -> &str {
    match &assignment.name {
        AssignmentName::VariableName(name) | AssignmentName::ArrayElementName(name, _) => name,
    }
}
