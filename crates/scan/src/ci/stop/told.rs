//! What a script tells later steps by its outputs, for an outsider who runs it.
//!
//! It counts only where all writes are understood: a text that comes from elsewhere could be anything.

use std::collections::{BTreeMap, BTreeSet};

use super::{Open, Walk};
use crate::ci::agent::shell::{Command, Joint, assignment};

/// What each output can be, by its name in lower case.
pub(in crate::ci) type Told = BTreeMap<String, BTreeSet<String>>;

/// Most texts that one variable or output is known to be.
const MAX_TEXTS: usize = 16;
/// Most variables and outputs that are known.
const MAX_NAMES: usize = 200;
/// Texts that name where outputs go.
const PLACES: &[&str] = &["GITHUB_OUTPUT", "set-output"];
/// Commands that set variables in ways that are not followed.
const SETTERS: &[&str] =
    &[".", "eval", "getopts", "let", "mapfile", "printf", "read", "readarray", "source", "unset"];
/// Commands that say nothing.
const SILENT: &[&str] = &[":", "[", "[[", "exit", "false", "set", "test", "true"];
/// Parts of expressions whose text may have several lines, so that it can bring outputs of its own.
const LONG: &[&str] = &["body", "description", "message"];

/// The texts that something can be.
#[derive(Clone, Debug, Default)]
struct Texts {
    known: BTreeSet<String>,
    /// It could be another one as well.
    other: bool,
}

/// What is known so far.
#[derive(Debug, Default)]
pub(super) struct Tells {
    variables: BTreeMap<String, Texts>,
    outputs: BTreeMap<String, Texts>,
    /// Outputs that are written whatever happens.
    certain: BTreeSet<String>,
    /// What was said in a group, whose end may say where it goes.
    said: Vec<(String, bool, bool)>,
    /// How many commands were seen to write outputs.
    places: usize,
    /// Something is written that is not understood.
    is_lost: bool,
    /// Variables are set in ways that are not followed.
    is_set: bool,
    pub(super) asks: bool,
}

// === impl Texts ===

impl Texts {
    fn other() -> Self {
        Self { known: BTreeSet::new(), other: true }
    }

    fn add(&mut self, more: Self) {
        self.known.extend(more.known);
        self.other |= more.other || self.known.len() > MAX_TEXTS;
    }
}

// === impl Walk ===

impl Walk {
    /// Takes notice of what one command sets and writes. `runs` is whether an outsider gets to it.
    pub(super) fn tell(&mut self, command: &Command, words: &[&str], joint: Joint) {
        let (runs, passed_by) = self.taken(joint);
        let is_certain = runs && !passed_by && joint != Joint::Pipe && !self.ways.succeeds && self.is_alone();
        let first = words.iter().find(|word| assignment(word).is_none()).copied().unwrap_or("");
        self.tells.is_set |= SETTERS.contains(&first) && (first != "printf" || words.get(1) == Some(&"-v"));
        let declares = ["declare", "export", "local", "readonly"].contains(&first);
        if runs && (declares || words.iter().all(|word| assignment(word).is_some())) {
            for word in words.iter().filter(|word| assignment(word).is_some()) {
                let Some((name, value)) = assignment(word) else { continue };
                // `A+=x` is no text by itself.
                let adds = word.get(name.len()..).is_some_and(|rest| rest.starts_with('+'));
                let texts = if adds { Texts::other() } else { self.texts(value) };
                put(&mut self.tells.variables, name, texts, is_certain);
            }
        }
        let is_place = |text: &str| PLACES.iter().any(|place| text.contains(place));
        let said = match first {
            "echo" | "printf" => Some(said_by(words)),
            "tee" | "cat" => command.input.clone(),
            _ => None,
        };
        let goes_there = command.output.as_deref().is_some_and(is_place)
            || (first == "tee" && words.iter().skip(1).any(|word| is_place(word)));
        if goes_there
            || (first == "echo" && said.as_deref().is_some_and(|said| said.starts_with("::set-output")))
        {
            self.tells.places += 1;
            match said {
                Some(said) => self.write(&said, runs, is_certain),
                None => self.tells.is_lost = true,
            }
        } else if command.output.is_none() && !first.is_empty() && !SILENT.contains(&first) {
            let is_open = self.open.iter().any(|open| matches!(open, Open::Group { .. }));
            if is_open && self.tells.said.len() < MAX_NAMES {
                // What another program says is not known.
                self.tells.said.push((said.unwrap_or_else(|| "?".to_owned()), runs, is_certain));
            } else {
                self.tells.is_lost |= is_open;
            }
        }
    }

    /// Takes notice of a loop's variable, and of what functions set.
    pub(super) fn tell_set(&mut self, name: &str) {
        put(&mut self.tells.variables, name, Texts::other(), false);
    }

    pub(super) fn tell_function(&mut self, body: &[Command]) {
        let mut words = body.iter().flat_map(|command| &command.words);
        self.tells.is_set |= words
            .any(|word| assignment(word).is_some() || SETTERS.contains(&word.as_str()) && word != "printf");
    }

    /// The end of a group: what was said in it may go to the outputs.
    pub(super) fn tell_group(&mut self, command: &Command) {
        let said = std::mem::take(&mut self.tells.said);
        if command.output.as_deref().is_some_and(|file| PLACES.iter().any(|place| file.contains(place))) {
            self.tells.places += 1;
            // Groups within groups are told apart by nobody here.
            self.tells.is_lost |= self.open.iter().any(|open| matches!(open, Open::Group { .. }));
            for (said, runs, is_certain) in said {
                self.write(&said, runs, is_certain);
            }
        }
    }

    /// Whether every outsider who is still there goes through the part that is being looked at.
    fn is_alone(&self) -> bool {
        self.open.iter().all(|open| match open {
            Open::If { left, through } | Open::Case { left, through, .. } => !left && !through,
            Open::Loop { .. } => false,
            Open::Group { passed_by } => !passed_by,
        })
    }

    fn write(&mut self, said: &str, runs: bool, is_certain: bool) {
        for line in said.lines().filter(|line| !line.trim().is_empty()) {
            let pair = match line.strip_prefix("::set-output name=") {
                Some(rest) => rest.split_once("::"),
                None => line.split_once('='),
            };
            let is_name =
                |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
            let Some((name, value)) = pair.filter(|(name, _)| !name.is_empty() && is_name(name)) else {
                self.tells.is_lost = true;
                return;
            };
            let name = name.to_ascii_lowercase();
            let may_be_long = value.contains('$') && {
                let value = self.put_in(value).to_ascii_lowercase();
                LONG.iter().any(|part| value.contains(part))
            };
            self.tells.is_lost |= may_be_long || self.tells.outputs.len() >= MAX_NAMES;
            let in_loop = self.open.iter().any(|open| matches!(open, Open::Loop { .. }));
            // In a loop, what is set behind it may come before it.
            let texts = if in_loop && value.contains('$') { Texts::other() } else { self.texts(value) };
            if is_certain {
                self.tells.certain.insert(name.clone());
            }
            if runs {
                put(&mut self.tells.outputs, &name, texts, is_certain);
            } else {
                self.tells.outputs.entry(name).or_default();
            }
        }
    }

    /// What a text can be, with variables put in.
    fn texts(&self, value: &str) -> Texts {
        let value = value.trim();
        if !value.contains(['$', '`', '\\', '%']) {
            return Texts { known: BTreeSet::from([value.to_ascii_lowercase()]), other: false };
        }
        let name = value
            .strip_prefix('$')
            .map(|name| name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name));
        name.and_then(|name| self.tells.variables.get(name)).cloned().unwrap_or_else(Texts::other)
    }
}

// === impl Tells ===

impl Tells {
    /// What a script of this text told: nothing where it is not all understood, or where it asks nobody and leaves it open.
    pub(super) fn told(self, script: &str) -> Told {
        let places: usize = PLACES.iter().map(|place| script.matches(place).count()).sum();
        if self.is_lost || places != self.places {
            return Told::new();
        }
        let (asks, is_set, certain) = (self.asks, self.is_set, self.certain);
        let outputs = self.outputs.into_iter().filter(|(_, texts)| !texts.other && !is_set);
        outputs
            .filter(|(name, _)| asks || certain.contains(name))
            .map(|(name, texts)| {
                let mut known = texts.known;
                if !certain.contains(&name) {
                    known.insert(String::new());
                }
                (name, known)
            })
            .collect()
    }
}

/// What `echo` and `printf` say, as far as it is the same text.
fn said_by(words: &[&str]) -> String {
    let said: Vec<&str> =
        words.iter().skip(1).skip_while(|word| ["-e", "-n", "--"].contains(word)).copied().collect();
    let said = said.join(" ");
    said.strip_suffix("\\n").map(str::to_owned).unwrap_or(said)
}

fn put(into: &mut BTreeMap<String, Texts>, name: &str, texts: Texts, is_certain: bool) {
    if into.len() >= MAX_NAMES && !into.contains_key(name) {
        return;
    }
    let own = into.entry(name.to_owned()).or_default();
    if is_certain {
        *own = texts;
    } else {
        own.add(texts);
    }
}
