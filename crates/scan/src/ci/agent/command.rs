//! Commands of scripts: which agents they start, through whatever stands in front of them.

use std::collections::BTreeMap;

use super::code;
use super::hop::{self, Around};
use super::runners::{Next, RUNNERS, Runner};
use super::shell::{Command, assignment, commands};
use super::table::{FED, IMAGES, MODULES, NOT_TALK, PACKAGES, PROGRAMS, TALKERS, borders, program_named};

/// Most runners in front of one program.
const MAX_RUNNERS: usize = 8;
/// Deepest script within a script, and most scripts looked at for one.
const MAX_DEPTH: usize = 5;
const MAX_SCRIPTS: usize = 500;
/// Most agents told of one script.
const MAX_STARTS: usize = 20;
/// Shells: what stands behind `-c`, and what they read, are commands.
const SHELLS: &[&str] =
    &["ash", "bash", "dash", "fish", "ksh", "powershell", "pwsh", "rbash", "sh", "source", ".", "zsh"];
/// Programs of languages: what stands behind `-c` or `-e`, and what they read, is code.
const INTERPRETERS: &[&str] =
    &["bun", "deno", "node", "perl", "php", "python", "python2", "python3", "ruby", "ts-node", "tsx"];
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
/// Flags of container engines that take nothing.
const BARE: &[&str] = &[
    "--detach",
    "--init",
    "--interactive",
    "--no-deps",
    "--privileged",
    "--quiet",
    "--read-only",
    "--rm",
    "--tty",
];
/// Programs that run an image.
const ENGINES: &[&str] = &["docker", "nerdctl", "podman"];

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

/// An agent, the program by which it was found, and how many words at the end are its arguments.
type Found = (&'static str, String, usize);

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

fn file_name(word: &str) -> &str {
    word.rsplit(['/', '\\']).next().unwrap_or(word)
}

/// A program's name without its folder and without what Windows puts behind it.
fn program_name(word: &str) -> String {
    let name = file_name(word).to_ascii_lowercase();
    let ends = [".exe", ".cmd", ".ps1"].iter().find_map(|end| name.strip_suffix(end));
    ends.unwrap_or(&name).to_owned()
}

/// `90`, `30m`, `1.5h`, and a variable or expression that may be one.
fn is_span(word: &str) -> bool {
    word.starts_with('$')
        || (word.starts_with(|first: char| first.is_ascii_digit())
            && word.bytes().all(|byte| byte.is_ascii_digit() || b".smhd".contains(&byte)))
}

/// The words after runners of commands, for what is no agent by itself.
fn passed<'a, 'b>(mut words: &'a [&'b str], loosely: bool) -> &'a [&'b str] {
    for _ in 0..MAX_RUNNERS {
        match after_runner(words, loosely) {
            Some((Next::Command | Next::Place, rest)) => words = rest,
            Some((Next::Itself(_) | Next::Module | Next::Package, _)) | None => break,
        }
    }
    words
}

/// An agent whose program, or whose runner, is the first of these words. `fed` is whether something stands at its
/// standard input; `None` where the words only could be a command, so that nothing but its own switches tells.
fn of_words(words: &[&str], depth: usize, fed: Option<bool>) -> Option<Found> {
    read_words(words, (depth, true), fed)
}

/// The same; one of the runners may be read loosely.
fn read_words(words: &[&str], (depth, may_be_loose): (usize, bool), fed: Option<bool>) -> Option<Found> {
    let words = words.get(words.iter().position(|word| assignment(word).is_none())?..)?;
    for loosely in [false, true] {
        let Some((next, rest)) = after_runner(words, loosely).filter(|_| depth < MAX_RUNNERS) else { break };
        if loosely && (next != Next::Place || !may_be_loose) {
            break;
        }
        let found = match next {
            Next::Command | Next::Place => read_words(rest, (depth + 1, may_be_loose && !loosely), fed),
            Next::Itself(program) => of_program(program, rest, fed),
            Next::Module => of_module(rest, fed),
            Next::Package => {
                let (spelling, arguments) = rest.split_first()?;
                let package = package(spelling);
                let known = PACKAGES.iter().find(|(name, _)| *name == package);
                of_program(known.map_or(package.as_str(), |(_, program)| program), arguments, fed)
            }
        };
        if found.is_some() || next == Next::Command {
            return found;
        }
    }
    let (first, rest) = words.split_first()?;
    let program = program_name(first);
    if ENGINES.contains(&program.as_str()) && rest.contains(&"run") {
        let of_image = |word: &str| {
            let word = word.to_ascii_lowercase();
            IMAGES.iter().find(|(part, _)| borders(&word, part))
        };
        // A flag's value may name one too: where it lies, a volume, a name.
        let found = rest.iter().enumerate().find_map(|(at, word)| {
            let is_value = word.starts_with(['-', '/', '.']);
            of_image(word).filter(|_| !is_value).map(|(_, tool)| (*tool, rest.len() - at - 1))
        });
        if let Some((tool, arguments)) = found {
            return Some((tool, program, arguments));
        }
    }
    // The file of a package, run by its language.
    if INTERPRETERS.contains(&program.as_str())
        && let Some(at) = rest.iter().position(|word| !word.starts_with('-'))
        && let Some(path) = rest.get(at)
        && let Some((_, inside)) = path.rsplit_once("node_modules/")
        && let Some((_, program)) = PACKAGES
            .iter()
            .find(|(name, _)| inside.strip_prefix(name).is_some_and(|rest| rest.starts_with('/')))
    {
        return of_program(program, rest.get(at + 1..)?, fed);
    }
    of_program(&program, rest, fed)
}

/// What the first word runs, if it is a runner: the words after its own. `loosely`, a variable in front of a place is
/// options, and what follows a flag that nobody knows is the flag's.
fn after_runner<'a, 'b>(words: &'a [&'b str], loosely: bool) -> Option<(Next, &'a [&'b str])> {
    let (first, rest) = words.split_first()?;
    let program = program_name(first);
    // Without a user's flag it takes a command as `su` does.
    if program == "runuser" && !rest.iter().any(|word| word.starts_with("-u") || word.starts_with("--user")) {
        return None;
    }
    RUNNERS.iter().filter(|runner| runner.program == program).find_map(|runner| {
        let rest = after_words(runner, rest, loosely)?;
        Some((runner.next, rest))
    })
}

fn after_words<'a, 'b>(runner: &Runner, mut words: &'a [&'b str], loosely: bool) -> Option<&'a [&'b str]> {
    let is_engine = ENGINES
        .iter()
        .any(|engine| runner.program.strip_suffix("-compose").unwrap_or(runner.program) == *engine);
    let mut before = "";
    let mut wanted = runner.words.iter();
    let mut missing = wanted.next();
    let mut place = runner.next == Next::Place;
    while let Some((word, rest)) = words.split_first() {
        let flag = std::mem::replace(&mut before, *word);
        if matches!(runner.next, Next::Itself(_)) && missing.is_none() {
            return Some(if *word == "--" { rest } else { words });
        }
        if *word == "--" && missing.is_none() && !place {
            return Some(rest);
        }
        if runner.next == Next::Module && *word == "-m" {
            return Some(rest);
        }
        let taken = taken_by(runner, word);
        let is_unknown = flag.starts_with("--") && !flag.contains('=') && !BARE.contains(&flag);
        let is_option = word.starts_with('-')
            || (runner.next == Next::Command && assignment(word).is_some())
            || (loosely && place && missing.is_none() && (is_unknown || word.starts_with('$')));
        if taken > 0 {
            before = "";
            words = rest.get(taken..).unwrap_or(&[]);
        } else if is_option {
            words = rest;
        } else if let Some(expected) = missing {
            if word != expected {
                return None;
            }
            missing = wanted.next();
            words = rest;
        } else if place {
            place = false;
            words = rest;
            // Behind the name of an image or container, flags are the command's.
            if is_engine && !rest.is_empty() {
                return Some(rest);
            }
        } else if runner.next == Next::Command && is_span(word) {
            words = rest;
        } else {
            return (runner.next != Next::Module).then_some(words);
        }
    }
    None
}

/// How many words behind a flag are the flag's.
fn taken_by(runner: &Runner, word: &str) -> usize {
    // Those of nix that name a setting and what it is set to.
    const TWO: &[&str] = &["--arg", "--argstr", "--option", "--override-flake", "--override-input"];
    if runner.values.contains(&word) {
        return if TWO.contains(&word) { 2 } else { 1 };
    }
    // `-Eu NAME`: of short flags in one word, the first that takes something takes what is left of it, or the next word.
    let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.starts_with('-')) else { return 0 };
    let takes = |letter: u8| {
        runner.values.iter().any(|value| value.len() == 2 && value.as_bytes().get(1) == Some(&letter))
    };
    let first = letters.bytes().position(takes);
    usize::from(first.is_some_and(|at| at + 1 == letters.len()))
}

/// A package's name out of how a runner is told it: without version, registry and forge.
fn package(spelling: &str) -> String {
    const HEADS: &[&str] = &[
        "npm:",
        "jsr:",
        "nixpkgs#",
        "github:",
        "git+",
        "https://",
        "http://",
        "github.com/",
        "git@github.com:",
    ];
    let mut name = spelling;
    for head in HEADS {
        name = name.strip_prefix(head).unwrap_or(name);
    }
    // Of a flake, what is taken out of it.
    if let Some((_, part)) = name.rsplit_once('#')
        && (PACKAGES.iter().any(|(package, _)| *package == part)
            || PROGRAMS.iter().any(|(program, _, _)| *program == part))
    {
        return part.to_owned();
    }
    let name = name.split("==").next().unwrap_or(name);
    let name = name.rfind('@').filter(|at| *at > 0).and_then(|at| name.get(..at)).unwrap_or(name);
    let name = name.split(['#', '[']).next().unwrap_or(name);
    name.trim_end_matches(".git").to_ascii_lowercase()
}

/// An agent that is a module of Python.
fn of_module(words: &[&str], fed: Option<bool>) -> Option<Found> {
    let (module, arguments) = words.split_first()?;
    let top = module.split('.').next().unwrap_or(module);
    let (_, program, tool) = MODULES.iter().find(|(name, _, _)| *name == top)?;
    if program.is_empty() {
        return Some((tool, (*module).to_owned(), arguments.len()));
    }
    of_program(program, arguments, fed)
}

/// An agent that works without a person with these arguments.
fn of_program(program: &str, arguments: &[&str], fed: Option<bool>) -> Option<Found> {
    let (_, flags, tool) = program_named(program)?;
    let works = flags.iter().any(|flag| {
        if flag.contains(' ') {
            return flag.split(' ').enumerate().all(|(at, word)| arguments.get(at) == Some(&word));
        }
        arguments.iter().any(|word| {
            word == flag
                || (flag.starts_with("--")
                    && word.strip_prefix(flag).is_some_and(|rest| rest.starts_with('=')))
        })
    });
    // With nobody at a terminal, a program works on what it is given, unless that is an order of another kind.
    let other = |word: Option<&&str>| word.is_some_and(|word| NOT_TALK.contains(word));
    let is_other = other(arguments.first()) || other(arguments.iter().find(|word| !word.starts_with('-')));
    let given = match fed {
        Some(true) => FED.contains(&program) || TALKERS.contains(&program),
        Some(false) => TALKERS.contains(&program) && arguments.iter().any(|word| is_said(word)),
        None => false,
    };
    (works || (given && !is_other)).then(|| (*tool, program.to_owned(), arguments.len()))
}

/// Whether a word could be a task: no switch by itself.
fn is_said(word: &str) -> bool {
    !word.starts_with('-')
}
