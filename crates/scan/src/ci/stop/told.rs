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
/// Commands that say nothing, or nothing that others choose.
const SILENT: &[&str] = &[
    "", ":", "[", "[[", "]]", "break", "cd", "continue", "date", "declare", "exit", "export", "false",
    "local", "mkdir", "pwd", "readonly", "return", "rm", "set", "shift", "sleep", "test", "touch", "true",
    "wait",
];
/// Programs that start no other one of the repository, but may say what others choose. All others are not seen into: whoever is
/// started by a script can write its outputs.
const SAYERS: &[&str] = &[
    "awk", "base64", "basename", "cat", "curl", "cut", "dirname", "echo", "egrep", "fgrep", "gh", "git",
    "grep", "head", "jq", "ls", "printf", "rg", "sed", "seq", "sort", "tail", "tee", "tr", "uniq", "wc",
];
/// What `git` does without saying what others choose.
const GIT: &[&str] = &["add", "checkout", "clone", "config", "fetch", "rev-parse", "switch"];
/// Contexts whose text has one line, and which nobody can begin with the sign of a command.
const LINES: &[&str] = &[
    "github.actor",
    "github.actor_id",
    "github.base_ref",
    "github.event.action",
    "github.event.comment.author_association",
    "github.event.comment.id",
    "github.event.comment.user.login",
    "github.event.issue.number",
    "github.event.number",
    "github.event.pull_request.author_association",
    "github.event.pull_request.head.sha",
    "github.event.pull_request.number",
    "github.event.pull_request.user.login",
    "github.event.review.author_association",
    "github.event.review.user.login",
    "github.event.sender.login",
    "github.event_name",
    "github.ref_name",
    "github.repository",
    "github.repository_owner",
    "github.run_id",
    "github.run_number",
    "github.sha",
    "github.triggering_actor",
];
/// Variables that say where programs lie, or what runs in front of a script.
const PATHS: &[&str] = &["BASH_ENV", "ENV", "LD_PRELOAD", "PATH"];
/// Files of the job that are no outputs.
const FILES: &[&str] = &["$GITHUB_ENV", "${GITHUB_ENV}", "$GITHUB_STEP_SUMMARY", "${GITHUB_STEP_SUMMARY}"];

/// The texts that something can be.
#[derive(Clone, Debug, Default)]
struct Texts {
    known: BTreeSet<String>,
    /// It could be another one as well.
    other: bool,
    /// It could have several lines, or be a command by itself.
    long: bool,
}

/// What was said in a group: what it writes where it goes to the outputs, or nothing where that is not understood.
#[derive(Debug)]
struct Said {
    pairs: Option<Vec<(String, Texts)>>,
    /// It may be seen by the runner, which takes some lines for commands.
    is_safe: bool,
    runs: bool,
    is_certain: bool,
}

/// What is known so far.
#[derive(Debug, Default)]
pub(super) struct Tells {
    variables: BTreeMap<String, Texts>,
    outputs: BTreeMap<String, Texts>,
    /// Outputs that are written whatever happens.
    certain: BTreeSet<String>,
    /// What was said in a group, whose end may say where it goes.
    said: Vec<Said>,
    /// What stands before in the pipeline hands on what it is given as it is.
    hands_on: bool,
    functions: BTreeSet<String>,
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
        Self { known: BTreeSet::new(), other: true, long: true }
    }

    fn add(&mut self, more: Self) {
        self.known.extend(more.known);
        self.long |= more.long;
        self.other |= more.other || self.known.len() > MAX_TEXTS;
        if self.other {
            self.known.clear();
        }
    }
}

// === impl Walk ===

impl Walk {
    /// Takes notice of what one command sets and writes. `runs` is whether an outsider gets to it.
    pub(super) fn tell(&mut self, command: &Command, words: &[&str], joint: Joint, next: Joint) {
        let (runs, passed_by) = self.taken(joint);
        let is_certain = runs && !passed_by && joint != Joint::Pipe && !self.ways.succeeds && self.is_alone();
        let own = words.iter().position(|word| *word != "!" && assignment(word).is_none());
        let own = own.and_then(|at| words.get(at..)).unwrap_or(&[]);
        let first = own.first().copied().unwrap_or("");
        self.tells.is_set |= SETTERS.contains(&first) && (first != "printf" || own.get(1) == Some(&"-v"));
        self.tells.is_lost |= !self.is_seen(own);
        let declares = ["declare", "export", "local", "readonly"].contains(&first);
        for (name, value) in words.iter().filter_map(|word| assignment(word)) {
            self.tells.is_lost |= PATHS.contains(&name) || is_place(value);
        }
        if runs && (declares || words.iter().all(|word| assignment(word).is_some())) {
            for word in words.iter().filter(|word| assignment(word).is_some()) {
                let Some((name, value)) = assignment(word) else { continue };
                // `A+=x` is no text by itself.
                let adds = word.get(name.len()..).is_some_and(|rest| rest.starts_with('+'));
                let texts = if adds { Texts::other() } else { self.texts(value) };
                self.tells.is_lost |= !put(&mut self.tells.variables, name, texts, is_certain);
            }
        }
        let hands_on = joint != Joint::Pipe || self.tells.hands_on;
        let said = match own {
            ["echo" | "printf", ..] => said_by(own),
            ["tee", ..] | ["cat"] => command.input.clone().filter(|_| hands_on),
            _ => None,
        };
        self.tells.hands_on = hands_on && matches!(own, ["echo" | "tee", ..] | ["cat"]);
        let output = command.output.as_deref();
        // A file that a variable names may be that of the outputs.
        let may_be = |file: &str| file.contains(['$', '`']) && !is_place(file) && !FILES.contains(&file);
        self.tells.is_lost |=
            output.is_some_and(may_be) || (first == "tee" && own.iter().skip(1).any(|word| may_be(word)));
        let goes_there =
            output.is_some_and(is_place) || (first == "tee" && own.iter().skip(1).any(|word| is_place(word)));
        let pairs = said.as_deref().and_then(|said| self.pairs(said));
        if goes_there
            || (first == "echo" && said.as_deref().is_some_and(|said| said.starts_with("::set-output")))
        {
            self.tells.places += 1;
            match pairs {
                Some(pairs) => self.write(pairs, runs, is_certain),
                None => self.tells.is_lost = true,
            }
        } else if output.is_none() && next != Joint::Pipe && !SILENT.contains(&first) {
            let is_safe = self.is_safe(own, said.as_deref());
            let is_open = self.open.iter().any(|open| matches!(open, Open::Group { .. }));
            if is_open && self.tells.said.len() < MAX_NAMES {
                self.tells.said.push(Said { pairs, is_safe, runs, is_certain });
            } else {
                self.tells.is_lost |= is_open || !is_safe;
            }
        }
    }

    /// Whether a command is known to start nothing that is not seen. A function is seen where it stands.
    fn is_seen(&self, words: &[&str]) -> bool {
        let first = words.first().copied().unwrap_or("");
        // Files that such a program writes by itself.
        let (letters, names): (&[char], &[&str]) = match first {
            "curl" => (&['o', 'O', 'K'], &["--output", "--remote", "--config"]),
            "sed" | "awk" => (&['i', 'f'], &["--in-place", "--file"]),
            "sort" => (&['o'], &["--output", "--compress"]),
            _ => (&[], &[]),
        };
        let writes = words.iter().skip(1).any(|word| match word.strip_prefix("--") {
            Some(_) => names.iter().any(|name| word.starts_with(name)),
            None => {
                (word.starts_with('-') && word.contains(letters))
                    || (first == "awk" && word.contains("system("))
            }
        });
        !writes
            && (SILENT.contains(&first)
                || SAYERS.contains(&first)
                || SETTERS.contains(&first)
                || self.tells.functions.contains(first))
    }

    /// Whether what a command says in the log is no command to the runner, whoever chose it.
    fn is_safe(&self, words: &[&str], said: Option<&str>) -> bool {
        let has = |flags: &[&str]| words.iter().any(|word| flags.contains(word));
        match words {
            ["echo" | "printf" | "tee" | "cat", ..] => said.is_some_and(|said| self.is_line(said)),
            ["gh", "api", ..] => {
                let text = words.join(" ");
                has(&["--silent"]) || text.contains("/permission") || super::about::is_membership(&text)
            }
            ["gh", order, ..] => ["issue", "pr"].contains(order) && has(&["comment", "edit", "review"]),
            ["git", order, ..] => GIT.contains(order),
            ["curl", rest @ ..] => {
                let text = rest.join(" ");
                super::about::is_membership(&text) || text.contains("/permission")
            }
            ["grep" | "egrep" | "fgrep" | "rg", ..] => words.iter().any(|word| {
                matches!(*word, "--quiet" | "--silent" | "--count")
                    || (word.starts_with('-') && !word.starts_with("--") && word.contains(['q', 'c']))
            }),
            ["wc" | "seq", ..] => true,
            [first, ..] => self.tells.functions.contains(*first) || SETTERS.contains(first),
            [] => true,
        }
    }

    /// Whether a text holds nothing but what is known to stay on its line. In a loop, what is set behind it may come before it.
    fn is_line(&self, text: &str) -> bool {
        self.is_line_within(text, self.open.iter().any(|open| matches!(open, Open::Loop { .. })), true)
    }

    fn is_line_within(&self, text: &str, in_loop: bool, may_follow: bool) -> bool {
        if text.contains(['`', '\\']) {
            return false;
        }
        let mut rest = text;
        while let Some((_, after)) = rest.split_once('$') {
            rest = after;
            if let Some(inner) = after.strip_prefix("{{") {
                let Some((expression, behind)) = inner.split_once("}}") else { return false };
                if !LINES.contains(&expression.trim().to_ascii_lowercase().as_str()) {
                    return false;
                }
                rest = behind;
                continue;
            }
            let (name, is_plain) = match after.strip_prefix('{') {
                Some(inner) => (inner.split('}').next().unwrap_or(""), true),
                None => (after, false),
            };
            let length =
                name.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
            if (is_plain && length < name.len()) || (length == 0 && !after.starts_with(['?', '#'])) {
                return false;
            }
            let name = name.get(..length).unwrap_or("");
            let is_known = match (self.tells.variables.get(name), self.set.get(name)) {
                (Some(texts), _) => !texts.long && !in_loop,
                (None, Some(value)) => {
                    may_follow
                        && !in_loop
                        && !value.contains('\n')
                        && self.is_line_within(value, false, false)
                }
                (None, None) => {
                    let context = name.to_ascii_lowercase().replacen("github_", "github.", 1);
                    name.is_empty() || LINES.contains(&context.as_str())
                }
            };
            if !is_known {
                return false;
            }
        }
        true
    }

    /// Takes notice of a loop's variable, and of what functions set.
    pub(super) fn tell_set(&mut self, name: &str) {
        put(&mut self.tells.variables, name, Texts::other(), false);
    }

    pub(super) fn tell_function(&mut self, body: &[Command]) {
        let name = body.first().and_then(|head| head.words.iter().find(|word| *word != "function"));
        self.tells.functions.extend(name.cloned());
        for command in body.iter().skip(1) {
            self.tell_unfollowed(command);
        }
        let mut words = body.iter().flat_map(|command| &command.words);
        self.tells.is_set |= words
            .any(|word| assignment(word).is_some() || SETTERS.contains(&word.as_str()) && word != "printf");
    }

    /// Takes notice of a command in a function or in a substitution. What it says may be said in the log.
    pub(super) fn tell_unfollowed(&mut self, command: &Command) {
        const LEADS: &[&str] =
            &["!", "do", "done", "elif", "else", "fi", "if", "then", "until", "while", "{", "}"];
        let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
        let begin = words.iter().position(|word| !LEADS.contains(word) && assignment(word).is_none());
        let words = begin.and_then(|at| words.get(at..)).unwrap_or(&[]);
        let names = |file: &str| file.contains(['$', '`']);
        let may_be = command.output.as_deref().is_some_and(names)
            || (words.first() == Some(&"tee") && words.iter().any(|word| names(word)));
        let is_said = !command.is_within && command.output.is_none();
        let said = if words.first() == Some(&"echo") { said_by(words) } else { None };
        self.tells.is_lost |= may_be
            || !self.is_seen(words)
            || command
                .words
                .iter()
                .filter_map(|word| assignment(word))
                .any(|(name, _)| PATHS.contains(&name))
            || (is_said
                && !SILENT.contains(&words.first().copied().unwrap_or(""))
                && !self.is_safe(words, said.as_deref()));
    }

    /// The end of a group: what was said in it may go to the outputs.
    pub(super) fn tell_group(&mut self, command: &Command) {
        // Groups within groups are told apart by nobody here.
        if self.open.iter().any(|open| matches!(open, Open::Group { .. })) {
            self.tells.is_lost |= command.output.is_some();
            return;
        }
        let goes_there = command.output.as_deref().is_some_and(is_place);
        self.tells.places += usize::from(goes_there);
        self.tells.is_lost |=
            !goes_there && command.output.as_deref().is_some_and(|file| file.contains(['$', '`']));
        for said in std::mem::take(&mut self.tells.said) {
            match said.pairs {
                Some(pairs) if goes_there => self.write(pairs, said.runs, said.is_certain),
                None if goes_there => self.tells.is_lost = true,
                _ => self.tells.is_lost |= command.output.is_none() && !said.is_safe,
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

    /// The outputs that a text writes; nothing where some line is not understood.
    fn pairs(&self, said: &str) -> Option<Vec<(String, Texts)>> {
        let mut pairs = Vec::new();
        for line in said.lines().filter(|line| !line.trim().is_empty()) {
            let (name, value) = match line.strip_prefix("::set-output name=") {
                Some(rest) => rest.split_once("::"),
                None => line.split_once('='),
            }?;
            let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
            // A text of several lines can bring outputs of its own.
            if name.is_empty() || !name.bytes().all(is_part) || !self.is_line(value) {
                return None;
            }
            pairs.push((name.to_ascii_lowercase(), self.texts(value)));
        }
        Some(pairs)
    }

    fn write(&mut self, pairs: Vec<(String, Texts)>, runs: bool, is_certain: bool) {
        for (name, texts) in pairs {
            if is_certain {
                self.tells.certain.insert(name.clone());
            }
            let texts = if runs { texts } else { Texts::default() };
            self.tells.is_lost |= !put(&mut self.tells.outputs, &name, texts, is_certain && runs);
        }
    }

    /// What a text can be, with variables put in.
    fn texts(&self, value: &str) -> Texts {
        let value = value.trim();
        if !value.contains(['$', '`', '\\', '%', '*', '?', '[', '\n']) {
            return Texts { known: BTreeSet::from([value.to_ascii_lowercase()]), ..Texts::default() };
        }
        let name = value
            .strip_prefix('$')
            .map(|name| name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name));
        let long = value.contains('\n') || !self.is_line(value);
        name.and_then(|name| self.tells.variables.get(name))
            .cloned()
            .unwrap_or(Texts { long, ..Texts::other() })
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

fn is_place(text: &str) -> bool {
    PLACES.iter().any(|place| text.contains(place))
}

/// What `echo` and `printf` say, as far as that is known: whole lines.
fn said_by(words: &[&str]) -> Option<String> {
    let (escapes, said) = match words {
        ["printf", said] => {
            (true, (*said).strip_suffix("\\n").filter(|said| !said.contains('%'))?.to_owned())
        }
        ["echo", "-e", rest @ ..] => (true, rest.join(" ")),
        ["echo", rest @ ..] => (false, rest.join(" ")),
        _ => return None,
    };
    let said = if escapes { said.replace("\\n", "\n") } else { said };
    (!said.contains('\\') && !said.starts_with('-')).then_some(said)
}

/// Whether there is room for it.
fn put(into: &mut BTreeMap<String, Texts>, name: &str, texts: Texts, is_certain: bool) -> bool {
    if into.len() >= MAX_NAMES && !into.contains_key(name) {
        return false;
    }
    let own = into.entry(name.to_owned()).or_default();
    if is_certain {
        *own = texts;
    } else {
        own.add(texts);
    }
    true
}
