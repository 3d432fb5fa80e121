//! The walk over the syntax tree: who runs, with which words, fed by what.
//!
//! What a word is worth (variables, substitutions) is worked out in `script`, what a command does in `command`, the grammar
//! in `tree`; this file keeps the state, the bounds and the list of effects.

mod redirect;
mod source;
mod tree;
mod unread;

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use brush_parser::ast::FunctionBody;
use writ_model::EffectClass;

use self::source::Source;
use super::found::Found;
use super::git::files::{RESTORED, SWITCHED};
use super::grammar::{self, Refused};
use super::scope::Scope;
use super::task::Tasks;
use super::word::{self, Marks, Value};
use super::{Classified, Effect, Facts, Sweep, Target, Why, Written, path};

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

pub(super) struct Walk<'f> {
    pub facts: &'f Facts<'f>,
    pub scope: Scope,
    pub effects: Vec<Effect>,
    pub runs: Vec<String>,
    /// Words that may name a file that is read.
    reads: Vec<String>,
    sweeps: Vec<Sweep>,
    /// Files whose text the line gives.
    texts: Vec<Written>,
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

pub(super) fn classify(command: &str, facts: &Facts<'_>) -> Classified {
    // Looked at before anything reads the text: what is too long costs nothing.
    if command.len() > super::MAX_COMMAND_BYTES {
        return Classified::unknown(Refused::TooLong.rule(), &Refused::TooLong.to_string());
    }
    let text = grammar::normalise(command);
    let mut walk = Walk::new(&text, facts);
    if text.trim().is_empty() {
        walk.unknown(Target::Unknown, "grammar.empty", "the command is empty");
    } else {
        walk.outermost(&text);
    }
    walk.finish()
}

// === impl Walk ===

impl<'f> Walk<'f> {
    fn new(text: &str, facts: &'f Facts<'f>) -> Self {
        Self {
            facts,
            scope: Scope::new(facts),
            effects: Vec::new(),
            runs: Vec::new(),
            reads: Vec::new(),
            sweeps: Vec::new(),
            texts: Vec::new(),
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

    /// For a text that is no command line of its own.
    pub(super) fn apart_from_lines(facts: &'f Facts<'f>) -> Self {
        Self::new("", facts)
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
        let Self { effects, runs, reads, sweeps, texts, .. } = self;
        Classified { effects, worst, runs, reads, sweeps, written: texts }
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
        let why = Why { span: self.span.clone(), rule: rule.into(), text: text.into() };
        self.keep(Effect { class, target, why });
    }

    /// Adds an effect as it is, once.
    pub(super) fn keep(&mut self, effect: Effect) {
        let is_mild = |why: &Why| matches!(&*why.rule, RESTORED | SWITCHED);
        let same = |other: &&mut Effect| other.class == effect.class && other.target == effect.target;
        if let Some(listed) = self.effects.iter_mut().find(same) {
            // A file that is put back and then written is written.
            if is_mild(&listed.why) && !is_mild(&effect.why) {
                listed.why = effect.why;
            }
        } else if self.effects.len() >= MAX_EFFECTS {
            self.exhausted("the command has more effects than are listed");
        } else {
            self.effects.push(effect);
        }
    }

    /// Reads a text whose effects are judged apart: nothing else of it is seen outside. Gives the effects.
    pub(super) fn apart(&mut self, act: impl FnOnce(&mut Self)) -> Vec<Effect> {
        let effects = std::mem::take(&mut self.effects);
        let lists = (self.runs.clone(), self.reads.clone(), self.sweeps.clone());
        let texts = self.texts.len();
        let scope = self.scope.clone();
        let feed = std::mem::take(&mut self.feed);
        let next = self.next.take();
        let marks = self.marks;
        act(self);
        (self.runs, self.reads, self.sweeps) = lists;
        self.texts.truncate(texts);
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

    /// Notes the text that the line gives a file.
    pub(super) fn gives(&mut self, file: &str, text: &str, appends: bool) {
        const MOST: usize = 64;
        let file = self.located(file.to_owned());
        if self.texts.len() < MOST {
            self.texts.push(Written { file, text: text.to_owned(), appends });
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
