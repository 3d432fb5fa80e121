//! Programs with statements of their own: editors, database clients, debuggers, calculators, file transfer.
//!
//! Most of them can start a shell command from inside, and nothing of that shows in their arguments when the statements come
//! from a pipe, a document or a file. Which statement does so is data (`data/consoles.json`); here the statements are found,
//! and what they start is judged as what it is.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;
use writ_model::EffectClass;

use super::walk::Walk;
use super::word::{UNKNOWN, Value};
use super::{Target, flags, path};

const DATA: &str = include_str!("../../data/consoles.json");

static CONSOLES: LazyLock<HashMap<&str, Console>> = LazyLock::new(|| {
    let file: File = serde_json::from_str(DATA).unwrap_or_default();
    let like = |console: &Console| file.consoles.get(console.like).unwrap_or(console).clone();
    file.consoles.iter().map(|(name, console)| (*name, like(console))).collect()
});

/// How many statements of one text are read.
const MOST: usize = 400;

#[derive(Default, Deserialize)]
struct File {
    #[serde(borrow)]
    consoles: HashMap<&'static str, Console>,
}

/// One program; the fields are told in the data file.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Console {
    like: &'static str,
    options: &'static str,
    files: &'static str,
    shell: Vec<String>,
    inside: Vec<String>,
    calls: Vec<String>,
    split: &'static str,
    loads: Vec<String>,
    language: &'static str,
    sql: bool,
    editor: bool,
    data: bool,
    /// Its arguments are files of statements.
    words: bool,
}

// === impl Walk ===

impl Walk<'_> {
    /// What the statements start that a program is given, wherever it gets them from. Its own class is found elsewhere.
    pub(super) fn statements(&mut self, program: &str, args: &[Value]) {
        let Some(console) = CONSOLES.get(program) else { return };
        for text in flags::values(args, console.options) {
            self.statement_text(program, console, text);
        }
        let values = format!("{} {}", console.options, console.files);
        let words = flags::positionals(args, &values);
        let files = flags::values(args, console.files).into_iter();
        let files = files.chain(words.iter().filter(|_| console.words).map(|word| word.text.as_str()));
        let mut reads_input = !words.iter().any(|_| console.words);
        for file in files {
            if matches!(file, "-" | "/dev/stdin") {
                reads_input = true;
            } else if let Some(text) = self.scope.file(file).map(str::to_owned) {
                self.statement_text(program, console, &text);
            } else if !console.words && !file.contains(UNKNOWN) && !file.eq_ignore_ascii_case("none") {
                self.runs_file(file);
            }
        }
        if reads_input {
            self.statement_input(program, console);
        }
    }

    fn statement_input(&mut self, program: &str, console: &Console) {
        if !self.feed.is_some {
            return;
        }
        let feed = std::mem::take(&mut self.feed);
        let target = || Target::Command(program.to_owned());
        match (&feed.text, &feed.file) {
            (Some(text), _) => self.statement_text(program, console, text),
            (None, Some(file)) if !file.contains(UNKNOWN) && !file.starts_with("/dev/") => {
                if !console.data || console.sql {
                    self.runs_file(file);
                }
            }
            (None, _) if console.data => {
                let text = "takes statements that are only known at run time";
                self.effect(EffectClass::BuildTest, target(), "console.input", text);
            }
            (None, _) if feed.marks.is_foreign() => {
                self.foreign("pipes fetched or decoded text into a program that runs what it says");
            }
            (None, _) => {
                let text = "takes statements that are only known at run time";
                self.unknown(target(), "console.input", text);
            }
        }
        self.feed = feed;
    }

    fn statement_text(&mut self, program: &str, console: &Console, text: &str) {
        if !self.enter() {
            return;
        }
        let feed = std::mem::take(&mut self.feed);
        if !console.language.is_empty() {
            self.code(text, console.language);
        }
        if console.sql {
            self.sql(program, &text.to_uppercase());
        }
        for call in &console.calls {
            for (at, _) in text.match_indices(call.as_str()).take(MOST) {
                let argument = argument(text.get(at + call.len()..).unwrap_or_default());
                self.nested(argument.trim_matches(['`', '\'', '"', '[', ']', ' ']));
            }
        }
        let mut left = MOST;
        for line in text.lines() {
            for mark in &console.inside {
                if let Some((_, command)) = line.split_once(mark.as_str()) {
                    self.nested(command.trim_end_matches(['\'', ';']));
                }
            }
            let ends: Vec<char> = console.split.chars().collect();
            for statement in line.split(ends.as_slice()) {
                if left == 0 {
                    let target = Target::Command(program.to_owned());
                    self.unknown(target, "console.long", "has more statements than are read");
                    self.feed = feed;
                    self.leave();
                    return;
                }
                left -= 1;
                self.statement(program, console, statement.trim());
            }
        }
        self.feed = feed;
        self.leave();
    }

    fn statement(&mut self, program: &str, console: &Console, statement: &str) {
        if console.editor {
            self.editor_statement(program, statement);
        }
        for start in &console.shell {
            if let Some(command) = statement.strip_prefix(start.as_str()) {
                // `pipe COMMAND | SHELL` hands over what comes after the bar.
                let command =
                    command.split_once('|').filter(|_| *start == "pipe ").map_or(command, |(_, c)| c);
                self.nested(command);
                return;
            }
        }
        for start in &console.loads {
            if let Some(file) = statement.strip_prefix(start.as_str()) {
                let file = file.trim().trim_matches(['`', '\'', '"', ')', ';']);
                if !file.is_empty() {
                    self.runs_file(file);
                }
            }
        }
    }

    /// One command of an editor: `!COMMAND`, `%!COMMAND`, `r !COMMAND`, `silent !COMMAND`, code of another language.
    pub(super) fn editor_statement(&mut self, program: &str, statement: &str) {
        let statement = statement.trim_start_matches([':', ' ']);
        if let Some((before, command)) = statement.split_once('!') {
            let is_address = |c: char| c.is_alphanumeric() || " %.$,'<>+-/".contains(c);
            // `w!` and `q!` only insist.
            let insists =
                before.ends_with(char::is_alphabetic) && !matches!(before, "r" | "read" | "silent" | "sil");
            if !insists && before.len() <= 24 && before.chars().all(is_address) && !command.trim().is_empty()
            {
                self.nested(command);
            }
        }
        const LANGUAGES: [(&str, &str); 8] = [
            ("py ", "python"),
            ("py3 ", "python"),
            ("python ", "python"),
            ("python3 ", "python"),
            ("pyx ", "python"),
            ("lua ", "lua"),
            ("ruby ", "ruby"),
            ("perl ", "perl"),
        ];
        for (start, language) in LANGUAGES {
            if let Some(code) = statement.strip_prefix(start) {
                self.code(code, language);
            }
        }
        for (at, _) in
            statement.match_indices("system(").chain(statement.match_indices("systemlist(")).take(MOST)
        {
            let rest = statement.get(at..).and_then(|rest| rest.split_once('(')).map_or("", |(_, rest)| rest);
            self.nested(argument(rest).trim_matches(['\'', '"', ' ']));
        }
        if let Some(text) = ["exe ", "execute "].iter().find_map(|start| statement.strip_prefix(start)) {
            let text = text.trim_matches(['\'', '"', ' ']);
            if text.starts_with('!') {
                self.editor_statement(program, text);
            }
        }
        if matches!(statement, "sh" | "shell")
            || statement.starts_with("term")
            || statement.contains("(term")
            || statement.contains("(shell")
        {
            let target = Target::Command(program.to_owned());
            let text = "starts a shell out of an editor";
            self.effect(EffectClass::EscapeAttempt, target, "argument.shell", text);
        }
    }

    /// The text of a patch that lies in the workspace.
    fn patch_here(&self, args: &[Value]) -> Option<String> {
        let look = self.facts.look?;
        let folder = self.folder(None)?;
        let words = flags::positionals(args, "-i --input -p -d --directory -C");
        let file = flags::values(args, "-i --input").last().copied();
        let file = file.or(self.feed.file.as_deref());
        let file = file.or_else(|| words.last().and_then(|word| word.literal()))?;
        look.text(&path::absolute(&folder, file))
    }

    /// Whether the text of the patch can be seen, so that its files are known.
    pub(super) fn is_patch_known(&self, args: &[Value]) -> bool {
        let words = flags::positionals(args, "-i --input -p -d --directory -C");
        self.feed.text.is_some()
            || words.iter().any(|word| self.scope.file(&word.text).is_some())
            || self.patch_here(args).is_some()
    }

    /// Patches and archives from a pipe write the files that they name. A known patch names them; what was fetched or
    /// decoded names whatever it likes.
    pub(super) fn writes_what_is_fed(&mut self, program: &str, args: &[Value]) {
        let first = args.first().map(|arg| arg.text.as_str()).unwrap_or_default();
        let is_patch = matches!(program, "applypatch" | "apply_patch" | "patch")
            || program == "git" && args.iter().any(|arg| matches!(arg.text.as_str(), "apply" | "am"));
        let unpacks = match program {
            "tar" | "gtar" | "bsdtar" => {
                flags::has_any(args, "-x --extract --get")
                    || first.contains('x') && !first.starts_with('-') && first.len() < 8
            }
            "cpio" => flags::has_any(args, "-i --extract"),
            "pax" => flags::has(args, "-r"),
            _ => false,
        };
        if !(is_patch || unpacks)
            || flags::has_any(args, "--dry-run --check --stat --numstat -t --list") && is_patch
        {
            return;
        }
        let words = flags::positionals(args, "-i --input -p -d --directory -C");
        let file = flags::values(args, "-i --input").first().copied();
        if let Some(patched) = words.first().filter(|_| program == "patch") {
            self.writes_path(patched, false);
        }
        let named = file.or_else(|| {
            words.iter().rev().map(|word| word.text.as_str()).find(|word| self.scope.file(word).is_some())
        });
        let text = named.and_then(|name| self.scope.file(name)).map(str::to_owned);
        let text = text.or_else(|| self.patch_here(args).filter(|_| is_patch));
        let argument = args.first().filter(|arg| arg.text.starts_with("*** Begin Patch"));
        let fed = self.feed.text.clone().or_else(|| argument.map(|arg| arg.text.clone()));
        if let Some(text) = text.or(fed).filter(|_| is_patch) {
            let strip = flags::values(args, "-p --strip").last().and_then(|level| level.parse().ok());
            let folder = flags::values(args, "-d --directory").last().map(|folder| (*folder).to_owned());
            let (paths, is_whole) = patched(&text, strip);
            for path in paths {
                let path = folder.as_ref().map_or(path.clone(), |folder| format!("{folder}/{path}"));
                self.writes_path(&Value::known(path), false);
            }
            if !is_whole {
                self.changes_any_file(program);
            }
        } else if program.starts_with("apply")
            || self.feed.marks.is_foreign()
            || named.is_some_and(|name| self.scope.was_fetched(name))
        {
            let folder = flags::values(args, "-C --directory -d").first().map(|folder| (*folder).to_owned());
            match folder.filter(|_| unpacks) {
                Some(folder) => self.writes_path(&Value::known(folder), false),
                None => {
                    let text = "writes the files that fetched or decoded text names";
                    self.effect(EffectClass::WriteWorkspace, Target::Unknown, "path.fed", text);
                }
            }
        } else if program == "patch" {
            self.changes_any_file(program);
        }
    }
}

/// The files that a patch changes, and whether these are all of them. `strip`: how many folders are left out of the names.
fn patched(text: &str, strip: Option<usize>) -> (Vec<String>, bool) {
    const MOST_FILES: usize = 64;
    let path = |line: &str| {
        let rest = [
            "+++ ",
            "--- ",
            "rename to ",
            "rename from ",
            "*** Update File: ",
            "*** Add File: ",
            "*** Delete File: ",
            "*** Move to: ",
        ]
        .iter()
        .find_map(|start| line.strip_prefix(start))?;
        let path = rest.split('\t').next().unwrap_or(rest).trim();
        if path == "/dev/null" {
            return None;
        }
        let is_moved = line.starts_with("rename") || line.starts_with("***");
        let path = match strip {
            Some(levels) if !is_moved => path.splitn(levels + 1, '/').last().unwrap_or(path),
            _ => path.strip_prefix("b/").or_else(|| path.strip_prefix("a/")).unwrap_or(path),
        };
        (!path.is_empty()).then(|| path.to_owned())
    };
    let mut found: Vec<String> = text.lines().filter_map(path).collect();
    found.dedup();
    let is_whole = !found.is_empty() && found.len() <= MOST_FILES;
    found.truncate(MOST_FILES);
    (found, is_whole)
}

/// The text up to the parenthesis that closes the call.
fn argument(text: &str) -> &str {
    let mut open = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => open += 1,
            ')' if open == 0 => return text.get(..at).unwrap_or(text),
            ')' => open -= 1,
            _ => {}
        }
    }
    text
}
