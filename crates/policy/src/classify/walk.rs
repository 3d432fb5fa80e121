//! The walk over the syntax tree: who runs, with which words, fed by what.
//!
//! Everything is visited, whether its condition could hold or not. What a word is worth (variables, substitutions)
//! is worked out in `script`, what a command does in `command`; this file only knows the grammar.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use brush_parser::ast::{
    AndOrList, Assignment, AssignmentName, AssignmentValue, Command, CommandPrefixOrSuffixItem,
    CompoundCommand, CompoundList, ExtendedTestExpr, FunctionBody, IoFileRedirectKind, IoFileRedirectTarget,
    IoRedirect, Pipeline, Program, SimpleCommand, SourceLocation, SubshellCommand,
};
use writ_model::EffectClass;

use super::grammar::{self, Refused};
use super::scope::Scope;
use super::task::Tasks;
use super::word::{self, Marks, Value};
use super::{Classified, Effect, Facts, Sweep, Target, Why, path};

/// Texts inside texts: `bash -c "bash -c …"`.
const MAX_TEXT_DEPTH: usize = 12;
/// Compound commands inside each other.
const MAX_TREE_DEPTH: usize = 60;
/// Function calls inside each other.
const MAX_CALL_DEPTH: usize = 6;
/// Simple commands that are judged in all.
const MAX_COMMANDS: usize = 4_000;
/// Bytes of nested text that are parsed in all: substitutions are read again each time their function is called.
const MAX_NESTED_BYTES: usize = 4 * super::MAX_COMMAND_BYTES;
const MAX_EFFECTS: usize = 200;

/// What a command reads on its standard input.
#[derive(Clone, Debug, Default)]
pub(super) struct Feed {
    /// Something is there: a pipe, a here-document, a file.
    pub is_some: bool,
    /// The text, when it is known.
    pub text: Option<String>,
    pub marks: Marks,
    /// What the paths that arrive look like.
    pub paths: Option<Found>,
    /// The file of `< file`.
    pub file: Option<String>,
}

/// Paths chosen by a search: where it starts and the names it asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub roots: Vec<String>,
    pub names: Vec<String>,
    /// Only directories that hold nothing.
    pub is_empty_only: bool,
    /// Nothing whose name begins with a dot, and nothing that the repository ignores.
    pub is_visible_only: bool,
}

pub(super) struct Walk<'f> {
    pub facts: &'f Facts<'f>,
    pub scope: Scope,
    pub effects: Vec<Effect>,
    pub runs: Vec<String>,
    /// Words that may name a file that is read.
    reads: Vec<String>,
    sweeps: Vec<Sweep>,
    /// Tasks of the project that were looked up.
    pub tasks: Tasks,
    /// What the current command reads.
    pub feed: Feed,
    /// Text the current command prints, when it is known.
    pub printed: Option<String>,
    /// Where the output of the commands since the last reset came from.
    pub marks: Marks,
    /// Paths the current command prints.
    pub found: Option<Found>,
    /// First words of the next command of the pipeline.
    pub next: Option<Vec<Value>>,
    /// In a container or on another host: a shell there is no way out of this one.
    pub is_elsewhere: bool,
    /// On another host: what restarts a service there changes a running environment.
    pub is_remote: bool,
    /// The current command has `/dev/tcp` or the like among its redirections.
    pub talks_to_socket: bool,
    /// The current command's output goes to a file.
    pub is_redirected: bool,
    /// Which candidate of a variable with several values is looked at.
    pub pick: usize,
    pub most_candidates: usize,
    span: Option<Range<usize>>,
    source: Source,
    conditions: usize,
    /// Shells of their own that are open: what they set ends with them.
    children: usize,
    /// Variables that only such a shell has set so far.
    child_names: Vec<String>,
    text_depth: usize,
    tree_depth: usize,
    nested_bytes: usize,
    /// Bodies of the functions that are being called.
    calls: Vec<Rc<FunctionBody>>,
    commands: usize,
    is_exhausted: bool,
}

/// Maps positions of the outermost text (in characters) to bytes.
#[derive(Debug)]
struct Source {
    length: usize,
    /// Byte offset of each character; empty when characters are bytes.
    offsets: Vec<usize>,
}

pub(super) fn classify(command: &str, facts: &Facts<'_>) -> Classified {
    let text = grammar::normalise(command);
    let mut walk = Walk::new(&text, facts);
    if text.trim().is_empty() {
        walk.unknown(Target::Unknown, "grammar.empty", "the command is empty");
    } else {
        walk.outermost(&text);
    }
    walk.finish()
}

// === impl Walk: entry and bookkeeping ===

impl<'f> Walk<'f> {
    fn new(text: &str, facts: &'f Facts<'f>) -> Self {
        Self {
            facts,
            scope: Scope::new(facts),
            effects: Vec::new(),
            runs: Vec::new(),
            reads: Vec::new(),
            sweeps: Vec::new(),
            tasks: Tasks::default(),
            feed: Feed::default(),
            printed: None,
            marks: Marks::default(),
            found: None,
            next: None,
            is_elsewhere: false,
            is_remote: false,
            talks_to_socket: false,
            is_redirected: false,
            pick: 0,
            most_candidates: 1,
            span: None,
            source: Source::new(text),
            conditions: 0,
            children: 0,
            child_names: Vec::new(),
            text_depth: 0,
            tree_depth: 0,
            nested_bytes: 0,
            calls: Vec::new(),
            commands: 0,
            is_exhausted: false,
        }
    }

    fn finish(mut self) -> Classified {
        if self.effects.is_empty() {
            self.effect(
                EffectClass::Read,
                Target::Command(String::new()),
                "shell.nothing",
                "runs no program",
            );
        }
        for file in std::mem::take(&mut self.tasks.files) {
            self.runs(&file);
        }
        let worst = self.effects.iter().map(|effect| effect.class).max().unwrap_or(EffectClass::Unknown);
        Classified { effects: self.effects, worst, runs: self.runs, reads: self.reads, sweeps: self.sweeps }
    }

    /// Records an effect once.
    pub(super) fn effect(
        &mut self,
        class: EffectClass,
        target: Target,
        rule: impl Into<Cow<'static, str>>,
        text: impl Into<String>,
    ) {
        let target = match target {
            Target::Path(path) => Target::Path(self.located(path)),
            Target::Secret(what) if path::is_secret(&path::normalise(&what, self.facts)) => {
                Target::Secret(self.located(what))
            }
            target => target,
        };
        if self.effects.iter().any(|effect| effect.class == class && effect.target == target) {
            return;
        }
        if self.effects.len() >= MAX_EFFECTS {
            self.exhausted("the command has more effects than are listed");
            return;
        }
        let why = Why { span: self.span.clone(), rule: rule.into(), text: text.into() };
        self.effects.push(Effect { class, target, why });
    }

    /// Adds an effect as it is, once.
    pub(super) fn keep(&mut self, effect: Effect) {
        let is_listed =
            self.effects.iter().any(|other| other.class == effect.class && other.target == effect.target);
        if self.effects.len() >= MAX_EFFECTS {
            self.exhausted("the command has more effects than are listed");
        } else if !is_listed {
            self.effects.push(effect);
        }
    }

    /// Reads a text whose effects are judged apart: nothing else of it is seen outside. Gives the effects.
    pub(super) fn apart(&mut self, act: impl FnOnce(&mut Self)) -> Vec<Effect> {
        let effects = std::mem::take(&mut self.effects);
        let lists = (self.runs.clone(), self.reads.clone(), self.sweeps.clone());
        let scope = self.scope.clone();
        let feed = std::mem::take(&mut self.feed);
        let next = self.next.take();
        let marks = self.marks;
        act(self);
        (self.runs, self.reads, self.sweeps) = lists;
        self.scope = scope;
        self.feed = feed;
        self.next = next;
        self.marks = marks;
        self.printed = None;
        self.found = None;
        std::mem::replace(&mut self.effects, effects)
    }

    /// A path as it is meant after the directory was changed.
    fn located(&self, path: String) -> String {
        match &self.scope.directory {
            Some(directory) if !path.starts_with(['/', '~', '?']) => {
                format!("{}/{path}", word::shown(directory))
            }
            _ => path,
        }
    }

    /// Notes a word that may name a file that is read.
    pub(super) fn may_read(&mut self, path: String) {
        let path = self.located(path);
        if self.reads.len() < MAX_EFFECTS && !self.reads.contains(&path) {
            self.reads.push(path);
        }
    }

    /// Notes a folder that is read with everything below it.
    pub(super) fn may_sweep(&mut self, sweep: Sweep) {
        const MOST: usize = 16;
        let sweep = Sweep { folder: self.located(sweep.folder), ..sweep };
        if self.sweeps.len() < MOST && !self.sweeps.contains(&sweep) {
            self.sweeps.push(sweep);
        }
    }

    pub(super) fn unknown(&mut self, target: Target, rule: &'static str, text: impl Into<String>) {
        self.effect(EffectClass::Unknown, target, rule, text);
    }

    fn exhausted(&mut self, text: &str) {
        if !self.is_exhausted {
            self.is_exhausted = true;
            let why = Why { span: None, rule: Cow::Borrowed("grammar.too-much"), text: text.to_owned() };
            self.effects.push(Effect { class: EffectClass::Unknown, target: Target::Unknown, why });
        }
    }

    pub(super) fn runs(&mut self, file: &str) {
        let file = self.located(word::shown(file));
        if !self.runs.contains(&file) && self.runs.len() < MAX_EFFECTS {
            self.runs.push(file);
        }
    }

    fn refused(&mut self, refused: Refused, text: &str) {
        self.unknown(Target::Unknown, refused.rule(), refused.to_string());
        if runs_what_it_fetches(text) {
            self.foreign("runs text that was fetched or decoded");
        }
    }

    fn outermost(&mut self, text: &str) {
        match grammar::parse(text) {
            Ok(program) => self.program(&program),
            Err(refused) => {
                self.refused(refused, text);
                if refused == Refused::Syntax {
                    self.lines(text);
                }
            }
        }
        // A body may define others.
        const MOST_ROUNDS: usize = 64;
        for _ in 0..MOST_ROUNDS {
            let bodies = self.scope.take_uncalled();
            if bodies.is_empty() {
                break;
            }
            for body in bodies {
                self.uncalled(&body);
            }
        }
    }

    /// The body of a function that nothing calls.
    pub(super) fn uncalled(&mut self, body: &FunctionBody) {
        self.compound(&body.0);
    }

    /// Bash runs a script line by line, so the lines before a syntax error have their effects.
    fn lines(&mut self, text: &str) {
        const MOST_LINES: usize = 200;
        self.text_depth += 1;
        for line in text.lines().filter(|line| !line.trim().is_empty()).take(MOST_LINES) {
            let line = line.trim().trim_end_matches(['\\', ';']);
            match grammar::parse(line) {
                Ok(program) => self.program(&program),
                Err(_) if super::command::starts_shell(line) => {
                    // Text for the program of a line before: a debugger, a console, an interpreter without a script.
                    let target = Target::Command(word::shown(line));
                    let text = "starts a shell out of another program";
                    self.effect(EffectClass::EscapeAttempt, target, "argument.shell", text);
                }
                Err(_) => self.parts(line),
            }
        }
        self.text_depth -= 1;
    }

    /// The parts of a line that is no shell as a whole, as evidence of what it is after.
    fn parts(&mut self, line: &str) {
        const MOST_PARTS: usize = 40;
        const OPENERS: &[&str] = &["do ", "then ", "else ", "{ ", "( ", "(", "! "];
        if !line.contains([';', '|', '&']) {
            return;
        }
        for part in line.split([';', '|', '&']).take(MOST_PARTS) {
            let part = OPENERS
                .iter()
                .fold(part.trim(), |part, opener| part.strip_prefix(opener).unwrap_or(part))
                .trim();
            // A word alone is more likely a piece of a language we do not read than a program.
            if part.contains(' ')
                && let Ok(program) = grammar::parse(part)
            {
                let found = self.apart(|walk| walk.program(&program));
                for effect in found.into_iter().filter(|effect| effect.class > EffectClass::BuildTest) {
                    self.keep(effect);
                }
            }
        }
    }

    /// Reads shell text found inside the command: an argument of `bash -c`, a substitution, a here-document.
    pub(super) fn nested(&mut self, text: &str) {
        self.nested_bytes = self.nested_bytes.saturating_add(text.len());
        if self.text_depth >= MAX_TEXT_DEPTH || self.nested_bytes > MAX_NESTED_BYTES {
            self.unknown(Target::Unknown, Refused::TooDeep.rule(), Refused::TooDeep.to_string());
            return;
        }
        self.text_depth += 1;
        match grammar::parse(&grammar::normalise(text)) {
            Ok(program) => self.program(&program),
            Err(refused) => {
                self.refused(refused, text);
                if refused == Refused::Syntax {
                    self.lines(text);
                }
            }
        }
        self.text_depth -= 1;
    }

    pub(super) fn enter(&mut self) -> bool {
        if self.is_exhausted || self.tree_depth >= MAX_TREE_DEPTH {
            self.exhausted("the command is nested too deeply or too long to be judged");
            return false;
        }
        self.tree_depth += 1;
        true
    }

    pub(super) fn leave(&mut self) {
        self.tree_depth -= 1;
    }
}

// === impl Walk: the grammar ===

impl Walk<'_> {
    fn program(&mut self, program: &Program) {
        for list in &program.complete_commands {
            self.list(list);
        }
    }

    fn list(&mut self, list: &CompoundList) {
        if !self.enter() {
            return;
        }
        for item in &list.0 {
            self.and_or(&item.0);
        }
        self.leave();
    }

    fn and_or(&mut self, list: &AndOrList) {
        for (index, (_, pipeline)) in list.into_iter().enumerate() {
            self.conditions += usize::from(index > 0);
            self.pipeline(pipeline);
            self.conditions -= usize::from(index > 0);
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline) {
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
            if self.found.is_none() && is_filter(command) {
                self.found = arriving;
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
    fn peek(&self, command: &Command) -> Vec<Value> {
        let Command::Simple(simple) = command else { return Vec::new() };
        let words = simple.suffix.iter().flat_map(|suffix| &suffix.0).filter_map(|item| match item {
            CommandPrefixOrSuffixItem::Word(word) => Some(word),
            _ => None,
        });
        simple.word_or_name.iter().chain(words).map(|word| self.glance(&word.value)).collect()
    }

    fn command(&mut self, command: &Command) {
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

    fn compound(&mut self, compound: &CompoundCommand) {
        if !self.enter() {
            return;
        }
        match compound {
            CompoundCommand::Arithmetic(arithmetic) => self.substitutions(&arithmetic.expr.value),
            CompoundCommand::ArithmeticForClause(clause) => {
                for part in [&clause.initializer, &clause.condition, &clause.updater].into_iter().flatten() {
                    self.substitutions(&part.value);
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
                                self.scope.set(&clause.variable_name, value, true);
                            }
                        }
                    }
                    None => self.scope.set(&clause.variable_name, Value::unknown(), true),
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
    pub(super) fn in_child(&mut self, act: impl FnOnce(&mut Self)) {
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

    fn under_condition(&mut self, list: &CompoundList) {
        self.conditions += 1;
        self.list(list);
        self.conditions -= 1;
    }

    fn test(&mut self, expression: &ExtendedTestExpr) {
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
            ExtendedTestExpr::BinaryTest(_, left, right) => {
                self.test_word(&left.value);
                self.test_word(&right.value);
            }
        }
        self.leave();
    }

    /// A side of a test. Numbers and names of variables are evaluated, with what their index substitutes.
    fn test_word(&mut self, raw: &str) {
        for value in self.expand(raw) {
            if super::command::has_index(&value.text) {
                self.substitutions(&value.text);
            }
        }
    }

    fn simple(&mut self, simple: &SimpleCommand) {
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

    fn simple_once(&mut self, simple: &SimpleCommand) {
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
            return;
        }
        self.own_argv(&argv);
        self.written(&redirects);
    }

    fn item(
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

    fn assignment(&mut self, assignment: &Assignment) -> Value {
        match &assignment.value {
            AssignmentValue::Scalar(word) => self.expand_one(&word.value),
            AssignmentValue::Array(items) => {
                let mut all = Value::known("");
                for (_, word) in items {
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

    pub(super) fn assigned(&mut self, name: &str, value: &Value, for_command_only: bool) {
        self.environment_set(name, value);
        self.scope.foreign_index |= super::install::is_index_variable(name);
        if name == "PATH" && for_command_only {
            self.searched_first(value);
        }
        if !for_command_only {
            let adds = self.conditions > 0 || self.children > 0;
            if self.children > 0 && self.scope.values(name).is_empty() {
                self.child_names.push(name.to_owned());
            }
            self.scope.set(name, value.clone(), adds);
        }
    }

    /// A process whose output or input is a file name of the command.
    fn process(&mut self, subshell: &SubshellCommand) -> Marks {
        let feed = std::mem::take(&mut self.feed);
        let outer = std::mem::take(&mut self.marks);
        self.in_child(|walk| walk.list(&subshell.list));
        let inner = std::mem::replace(&mut self.marks, outer);
        self.feed = feed;
        inner
    }

    /// Effects of a redirection, and what it feeds the command. `truncates` tells that nothing writes to the file.
    fn redirect(&mut self, redirect: &IoRedirect, truncates: bool) {
        match redirect {
            IoRedirect::File(fd, kind, target) => match target {
                IoFileRedirectTarget::Filename(word) => {
                    let path = self.expand_one(&word.value);
                    let talked = self.talks_to_socket;
                    self.file_redirect(kind, &path, truncates);
                    if is_socket(&path.text)
                        && let Some(fd) = fd.filter(|fd| *fd > 2)
                    {
                        // A connection beside input and output: what is done with it decides.
                        self.scope.sockets.push(fd);
                        self.talks_to_socket = talked;
                    }
                }
                IoFileRedirectTarget::Duplicate(word) => {
                    let path = self.expand_one(&word.value);
                    // `>& file` writes to a file; `>& 2` and `>&-` do not.
                    let is_descriptor = path.text.chars().all(|c| c.is_ascii_digit() || c == '-');
                    if !is_descriptor && fd.is_none() {
                        self.file_redirect(kind, &path, truncates);
                    } else if let Ok(from) = path.text.trim_end_matches('-').parse() {
                        self.duplicates(*fd, kind, from);
                    }
                }
                IoFileRedirectTarget::ProcessSubstitution(_, subshell) => {
                    let marks = self.process(subshell);
                    if matches!(kind, IoFileRedirectKind::Read) {
                        self.feed = Feed { is_some: true, marks, ..Feed::default() };
                    }
                }
                IoFileRedirectTarget::Fd(from) => self.duplicates(*fd, kind, *from),
            },
            IoRedirect::HereDocument(_, document) => {
                let body = if document.requires_expansion {
                    self.expand_document(&document.doc.value)
                } else {
                    Value::known(document.doc.value.clone())
                };
                self.feed =
                    Feed { is_some: true, text: Some(body.text), marks: body.marks, paths: None, file: None };
            }
            IoRedirect::HereString(_, word) => {
                let body = self.expand_one(&word.value);
                self.feed =
                    Feed { is_some: true, text: Some(body.text), marks: body.marks, paths: None, file: None };
            }
            IoRedirect::OutputAndError(word, _) => {
                let path = self.expand_one(&word.value);
                self.file_redirect(&IoFileRedirectKind::Write, &path, truncates);
            }
        }
    }

    /// `<&3`, `>&3`: a connection that was opened before becomes input or output.
    fn duplicates(&mut self, fd: Option<i32>, kind: &IoFileRedirectKind, from: i32) {
        if !self.scope.sockets.contains(&from) {
            return;
        }
        if let Some(fd) = fd.filter(|fd| *fd > 2) {
            self.scope.sockets.push(fd);
            return;
        }
        self.talks_to_socket = true;
        if matches!(kind, IoFileRedirectKind::DuplicateInput | IoFileRedirectKind::Read) {
            let marks = Marks { fetched: true, ..Marks::default() };
            self.feed = Feed { is_some: true, marks, ..Feed::default() };
        }
    }

    fn file_redirect(&mut self, kind: &IoFileRedirectKind, path: &Value, truncates: bool) {
        match kind {
            IoFileRedirectKind::Read | IoFileRedirectKind::DuplicateInput => {
                self.reads_path(path, "redirect.read");
                let text = path.literal().and_then(|name| self.scope.file(name)).map(str::to_owned);
                let mut marks = path.marks;
                marks.fetched |= path.literal().is_some_and(|name| self.scope.was_fetched(name));
                self.feed = Feed { is_some: true, text, marks, paths: None, file: Some(path.text.clone()) };
            }
            IoFileRedirectKind::Append => self.writes_path(path, false),
            IoFileRedirectKind::Write
            | IoFileRedirectKind::Clobber
            | IoFileRedirectKind::DuplicateOutput
            | IoFileRedirectKind::ReadAndWrite => self.writes_path(path, truncates),
        }
    }

    /// Remembers what a command with a redirection wrote, for a later `bash file`.
    fn written(&mut self, redirects: &[&IoRedirect]) {
        for redirect in redirects {
            let IoRedirect::File(fd, kind, IoFileRedirectTarget::Filename(word)) = redirect else { continue };
            let appends = matches!(kind, IoFileRedirectKind::Append);
            let writes = appends || matches!(kind, IoFileRedirectKind::Write | IoFileRedirectKind::Clobber);
            let path = self.glance(&word.value);
            let (true, true, Some(path)) = (writes, fd.is_none_or(|fd| fd == 1), path.literal()) else {
                continue;
            };
            if let Some(text) = self.printed.clone() {
                self.wrote_text(path, text, appends);
            } else if self.marks.is_foreign() {
                self.scope.fetched.push(path.to_owned());
            }
        }
    }

    /// Calls a function of the line; `false` when there is none of this name.
    pub(super) fn called(&mut self, name: &str, args: &[Value]) -> bool {
        let Some((body, is_doubtful)) = self.scope.call(name) else { return false };
        // What only may be a function may be the program too.
        let is_called = !(is_doubtful && super::command::knows(name));
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

// === impl Source ===

impl Source {
    fn new(text: &str) -> Self {
        let offsets = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(at, _)| at).chain([text.len()]).collect()
        };
        Self { length: text.len(), offsets }
    }

    fn bytes(&self, start: usize, end: usize) -> Option<Range<usize>> {
        let at = |index: usize| match self.offsets.as_slice() {
            [] => (index <= self.length).then_some(index),
            offsets => offsets.get(index).copied(),
        };
        Some(at(start)?..at(end)?).filter(|range| range.start <= range.end)
    }
}

fn is_socket(path: &str) -> bool {
    path.contains("/dev/tcp/") || path.contains("/dev/udp/")
}

/// Whether text that is no shell looks like PowerShell that runs what it fetches or decodes.
fn runs_what_it_fetches(text: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').map(str::to_ascii_lowercase).collect()
    };
    let words = words(text);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    has(&["iex", "invoke-expression"])
        && has(&[
            "iwr",
            "irm",
            "curl",
            "wget",
            "invoke-webrequest",
            "invoke-restmethod",
            "downloadstring",
            "frombase64string",
        ])
}

/// Whether a command passes on lines of its input unchanged.
fn is_filter(command: &Command) -> bool {
    let Command::Simple(simple) = command else { return false };
    let name = simple.word_or_name.as_ref().map(|word| word.value.as_str());
    name.is_some_and(|name| {
        matches!(name, "head" | "tail" | "sort" | "uniq" | "grep" | "egrep" | "shuf" | "tee" | "cat")
    })
}

fn assignment_name(assignment: &Assignment) -> &str {
    match &assignment.name {
        AssignmentName::VariableName(name) | AssignmentName::ArrayElementName(name, _) => name,
    }
}
