//! Commands of scripts: which agents they start, through whatever stands in front of them.

use std::collections::BTreeMap;

use super::code;
use super::hop::{self, Around};
use super::kit;
use super::runners::{Next, RUNNERS};
use super::shell::{Command, assignment, commands};
use super::words::{Found, file_name, of_words, passed, program_name};

/// Deepest script within a script, and most scripts looked at for one.
const MAX_DEPTH: usize = 5;
const MAX_SCRIPTS: usize = 500;
/// Most agents told of one script.
const MAX_STARTS: usize = 20;
/// Shells: what stands behind `-c`, and what they read, are commands.
const SHELLS: &[&str] =
    &["ash", "bash", "dash", "fish", "ksh", "powershell", "pwsh", "rbash", "sh", "source", ".", "zsh"];
/// Programs of languages: what stands behind `-c` or `-e`, and what they read, is code.
pub(super) const INTERPRETERS: &[&str] =
    &["bun", "deno", "node", "perl", "php", "python", "python2", "python3", "ruby", "ts-node", "tsx"];
/// Ends of names of files that hold code.
const CODE: &[&str] = &["cjs", "js", "mjs", "mts", "py", "rb", "ts"];
/// Programs that start another one, which stands somewhere in their arguments, as words or as a script in one.
const WRAPPERS: &[&str] = &[
    "awf",
    "aws-vault",
    "bwrap",
    "chamber",
    "chroot",
    "concurrently",
    "dbus-run-session",
    "devbox",
    "devcontainer",
    "direnv",
    "docker",
    "doppler",
    "dotenv",
    "entr",
    "eval",
    "expect",
    "fakeroot",
    "find",
    "firejail",
    "flock",
    "gosu",
    "iex",
    "incus",
    "infisical",
    "invoke-expression",
    "kubectl",
    "limactl",
    "lxc",
    "machinectl",
    "mise",
    "multipass",
    "nerdctl",
    "nix",
    "nix-shell",
    "nsenter",
    "op",
    "parallel",
    "podman",
    "proot",
    "runuser",
    "sandbox-runtime",
    "screen",
    "script",
    "srt",
    "ssh",
    "strace",
    "su",
    "su-exec",
    "tmux",
    "trap",
    "unshare",
    "watch",
    "xargs",
];
/// Programs whose arguments are text, whatever they look like.
const SAYERS: &[&str] = &["awk", "cat", "echo", "git", "grep", "jq", "printf", "rg", "sed"];

/// An agent that a script starts without a person at it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::ci) struct Start {
    pub(in crate::ci) tool: &'static str,
    /// The program by which it does.
    pub(in crate::ci) runs: String,
    /// The program's arguments, and variables set in front of it.
    pub(in crate::ci) words: Vec<String>,
    /// How many commands of the script stand before the one that it is, or is within.
    pub(in crate::ci) after: usize,
}

/// The agents that a script starts.
pub(in crate::ci) fn starts(script: &str, around: &Around<'_>) -> Vec<Start> {
    let mut finder = Finder::new(around);
    if around.shell.is_some_and(|shell| INTERPRETERS.iter().any(|name| shell.starts_with(name))) {
        finder.code(script, 0);
    } else {
        finder.script(script, 0);
    }
    finder.found
}

/// The agents that code starts: `exec('claude', ['-p'])`.
pub(in crate::ci) fn starts_in_code(code: &str, around: &Around<'_>) -> Vec<Start> {
    let mut finder = Finder::new(around);
    finder.code(code, 0);
    finder.found
}

struct Finder<'a> {
    around: &'a Around<'a>,
    found: Vec<Start>,
    /// Files that the script itself writes.
    written: BTreeMap<String, String>,
    scripts: usize,
    /// Which command of the outermost script is looked at.
    after: usize,
    hopped: bool,
}

// === impl Finder ===

impl<'a> Finder<'a> {
    fn new(around: &'a Around<'a>) -> Self {
        Self { around, found: Vec::new(), written: BTreeMap::new(), scripts: 0, after: 0, hopped: false }
    }

    fn may_go_on(&mut self, depth: usize) -> bool {
        self.scripts += 1;
        depth <= MAX_DEPTH && self.scripts <= MAX_SCRIPTS && self.found.len() < MAX_STARTS
    }

    fn script(&mut self, script: &str, depth: usize) {
        if !self.may_go_on(depth) {
            return;
        }
        for command in commands(script) {
            if depth == 0 {
                self.after = command.place;
            }
            self.command(&command, depth);
        }
    }

    fn code(&mut self, code: &str, depth: usize) {
        if !self.may_go_on(depth) {
            return;
        }
        if let Some((tool, name, words)) = kit::started(code) {
            let start = Start { tool, runs: name.to_owned(), words, after: self.after };
            if !self.found.contains(&start) {
                self.found.push(start);
            }
        }
        code::commands(code, &mut |words, is_call| {
            if let [line, rest @ ..] = words
                && line.contains(char::is_whitespace)
                && (is_call || rest.is_empty())
            {
                self.script(line, depth + 1);
                return;
            }
            let plain: Vec<&str> = words.iter().map(String::as_str).collect();
            // A list of names is no command, unless its switches say so.
            if let Some(found) = of_words(&plain, 0, None) {
                self.tell(found, &plain);
            } else if is_call || words.first().is_some_and(|first| SHELLS.contains(&file_name(first))) {
                self.command(&Command { words: words.to_vec(), ..Command::default() }, depth + 1);
            }
        });
    }

    fn tell(&mut self, (tool, runs, arguments): Found, words: &[&str]) {
        let (before, arguments) = words.split_at(words.len().saturating_sub(arguments));
        let set = before.iter().filter(|word| assignment(word).is_some());
        let words = set.chain(arguments).map(|word| (*word).to_owned()).collect();
        let start = Start { tool, runs, words, after: self.after };
        if self.found.len() < MAX_STARTS && !self.found.contains(&start) {
            self.found.push(start);
        }
    }

    fn command(&mut self, command: &Command, depth: usize) {
        if let (Some(file), Some(text)) = (&command.output, &command.input) {
            self.written.insert(file.trim_start_matches("./").to_owned(), text.clone());
        }
        let all: Vec<&str> = command.words.iter().map(String::as_str).collect();
        let words = match all.as_slice() {
            ["function", _, rest @ ..] => rest,
            // PowerShell takes what a program prints that way.
            [name, "=", rest @ ..] if name.starts_with('$') => rest,
            words => words,
        };
        if let Some(found) = of_words(words, 0, Some(command.fed)) {
            self.tell(found, words);
            return;
        }
        let Some(words) =
            words.iter().position(|word| assignment(word).is_none()).and_then(|at| words.get(at..))
        else {
            return;
        };
        if let Some(behind) = (0..words.len()).find_map(|at| behind_entry(words, at)) {
            self.shell(behind, &Command::default(), depth);
            return;
        }
        // What stands in front of a place can be read in two ways; both count.
        let readings = [passed(words, false), passed(words, true)];
        let count = if readings[0] == readings[1] { 1 } else { 2 };
        for words in readings.into_iter().take(count) {
            self.passed(words, &all, command, depth);
        }
    }

    /// A command behind what runs it.
    fn passed(&mut self, words: &[&str], all: &[&str], command: &Command, depth: usize) {
        let Some((first, rest)) = words.split_first() else { return };
        let joins = |word: &&str| ["&&", ";", "||"].contains(word);
        if words.len() < all.len() && (first.contains(char::is_whitespace) || words.iter().any(joins)) {
            // What is run elsewhere may be a script in one word, or in several.
            self.script(&words.join(" "), depth + 1);
            return;
        }
        let program = program_name(first);
        let program = program.as_str();
        if SHELLS.contains(&program) {
            self.shell(rest, command, depth);
        } else if INTERPRETERS.contains(&program) && self.interpreter(rest, command, depth) {
            return;
        }
        if SAYERS.contains(&program) {
            return;
        }
        let is_wrapper = WRAPPERS.contains(&program);
        // Of those whose words are known, what does not fit them starts nothing.
        let is_known = RUNNERS.iter().any(|runner| runner.program == program && runner.next == Next::Place);
        for (at, word) in rest.iter().enumerate() {
            let behind = rest.get(at + 1..).unwrap_or(&[]);
            if is_wrapper && word.contains(char::is_whitespace) {
                self.script(word, depth + 1);
            } else if is_wrapper && SAYERS.contains(&file_name(word)) {
                return;
            } else if is_wrapper
                && !is_known
                && let Some(found) = of_words(words.get(at + 1..).unwrap_or(&[]), 0, None)
            {
                self.tell(found, words);
                return;
            } else if *word == "--"
                && let Some(found) = of_words(behind, 0, None)
            {
                self.tell(found, words);
                return;
            } else if SHELLS.contains(&file_name(word)) && !["source", "."].contains(word) {
                // A shell somewhere behind a program that nobody knows.
                self.shell(behind, &Command::default(), depth);
            }
        }
        // What the program reads is a script only where it hands it to a shell elsewhere.
        if let Some(input) = command.input.as_deref().filter(|_| is_wrapper && program != "xargs") {
            self.script(input, depth + 1);
        }
        self.hop(words, depth);
    }

    /// What a shell is told to run: by `-c`, by its input, or in a file.
    fn shell(&mut self, rest: &[&str], command: &Command, depth: usize) {
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            let tells = word.eq_ignore_ascii_case("-command")
                || (word.starts_with('-') && !word.starts_with("--") && word.ends_with('c'));
            if tells {
                let told: Vec<&str> = words.copied().collect();
                // Shells take one word, PowerShell all that come.
                match told.split_first() {
                    Some((script, _)) if script.contains(char::is_whitespace) => {
                        self.script(script, depth + 1)
                    }
                    _ => self.script(&told.join(" "), depth + 1),
                }
                return;
            }
            if word.starts_with(['-', '+']) && !word.starts_with("--") && word.ends_with(['o', 'O']) {
                words.next();
            } else if !word.starts_with(['-', '+']) {
                self.file(word, depth, false);
                return;
            }
        }
        if let Some(input) = &command.input {
            self.script(input, depth + 1);
        }
    }

    /// The same for code; whether there was any.
    fn interpreter(&mut self, rest: &[&str], command: &Command, depth: usize) -> bool {
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            if ["-c", "-e", "--eval", "-p", "--print", "-r"].contains(word) {
                if let Some(code) = words.next() {
                    self.code(code, depth + 1);
                }
                return true;
            }
            if !word.starts_with('-') {
                // `deno run x.ts`.
                if *word == "run" {
                    continue;
                }
                if word.contains('.') {
                    self.file(word, depth, true);
                    return true;
                }
                return false;
            }
        }
        if let Some(input) = &command.input {
            self.code(input, depth + 1);
        }
        command.input.is_some()
    }

    /// What stands in a file of the repository, or in one that the script wrote: one step away and no further.
    fn file(&mut self, path: &str, depth: usize, is_code: bool) {
        let is_code = is_code || path.rsplit_once('.').is_some_and(|(_, end)| CODE.contains(&end));
        if let Some(text) = self.written.get(path.trim_start_matches("./")).cloned() {
            self.read(&text, depth, is_code);
            return;
        }
        if self.hopped {
            return;
        }
        if let Some(text) = self.around.script(path) {
            self.hopped = true;
            self.read(&text, depth, is_code);
            self.hopped = false;
        }
    }

    fn read(&mut self, text: &str, depth: usize, is_code: bool) {
        let first = text.lines().next().filter(|line| line.starts_with("#!")).unwrap_or("");
        if is_code
            || ["python", "node", "perl", "ruby", "deno", "bun", "tsx"]
                .iter()
                .any(|name| first.contains(name))
        {
            self.code(text, depth + 1);
        } else {
            self.script(text, depth + 1);
        }
    }

    /// A script of the repository by its path, or behind a target's name.
    fn hop(&mut self, words: &[&str], depth: usize) {
        let Some(first) = words.first() else { return };
        if first.contains('/') || self.written.contains_key(*first) {
            self.file(first, depth, false);
        } else if !self.hopped
            && let Some(script) = hop::target(words, self.around)
        {
            self.hopped = true;
            self.script(&script, depth + 1);
            self.hopped = false;
        }
    }
}

/// What a shell is told that an image starts in place of its own program: the image stands in between.
fn behind_entry<'a, 'b>(words: &'a [&'b str], at: usize) -> Option<&'a [&'b str]> {
    let word = words.get(at)?;
    let entry = match word.strip_prefix("--entrypoint=") {
        Some(entry) => entry,
        None => words.get(at.checked_sub(1)?).filter(|before| **before == "--entrypoint").and(Some(*word))?,
    };
    let behind = words.get(at + 1..).filter(|_| SHELLS.contains(&file_name(entry)))?;
    let tells = |word: &&str| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c');
    behind.get(behind.iter().position(tells)?..)
}
