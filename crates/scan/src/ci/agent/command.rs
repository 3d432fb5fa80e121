//! Commands of scripts: which agent one starts, through whatever stands in front of it.

use super::table::{IMAGES, MODULES, Next, PACKAGES, PROGRAMS, RUNNERS, Runner};

/// Most runners in front of one program.
const MAX_RUNNERS: usize = 8;
/// Most words looked at of one command.
const MAX_WORDS: usize = 2_000;
/// Programs that start another one, which stands somewhere in their arguments.
const WRAPPERS: &[&str] = &[
    "awf",
    "bash",
    "devbox",
    "devcontainer",
    "docker",
    "flock",
    "mise",
    "nix",
    "podman",
    "sandbox-runtime",
    "script",
    "sh",
    "srt",
    "ssh",
    "su",
    "xargs",
    "zsh",
];
/// Programs that run an image.
const ENGINES: &[&str] = &["docker", "nerdctl", "podman"];
/// Programs that work without a person whenever they are given anything, and what they are given to do something else.
const TALKERS: &[&str] = &["cline", "gemini", "junie", "qwen"];
const NOT_TALK: &[&str] = &[
    "--help",
    "--version",
    "-V",
    "-h",
    "-v",
    "auth",
    "config",
    "extensions",
    "hooks",
    "instance",
    "login",
    "logs",
    "mcp",
    "skills",
    "update",
    "version",
];

/// The first agent that a script starts without a person at it, and the program by which it does.
pub(in crate::ci) fn of_script(script: &str) -> Option<(&'static str, String)> {
    let joined = script.replace("\\\n", " ");
    joined
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(|line| line.split(['|', ';', '&', '(', '`']))
        .find_map(of_command)
}

fn of_command(command: &str) -> Option<(&'static str, String)> {
    let words: Vec<&str> = command.split_whitespace().take(MAX_WORDS).map(bare).collect();
    if let Some(found) = of_words(&words, 0) {
        return Some(found);
    }
    // What comes after a wrapper's own words.
    let words = words.get(words.iter().position(|word| !is_assignment(word))?..)?;
    let first = passed(words)?.first().map(|word| file_name(word))?;
    if !WRAPPERS.contains(&first) {
        return None;
    }
    (1..words.len()).find_map(|at| of_words(words.get(at..)?, 0))
}

/// A word without its quotes; of a variable with a value for the case that it is not set, that value.
fn bare(word: &str) -> &str {
    let word = word.trim_matches(['"', '\'']);
    match word.strip_prefix("${").and_then(|rest| rest.split_once(":-")) {
        Some((_, value)) => value.trim_end_matches('}').trim_matches(['"', '\'']),
        None => word,
    }
}

fn file_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit())
    })
}

/// `90`, `30m`, `1.5h`.
fn is_span(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_digit())
        && word.bytes().all(|byte| byte.is_ascii_digit() || b".smhd".contains(&byte))
}

/// The words after runners of commands, for what is no agent by itself.
fn passed<'a, 'b>(mut words: &'a [&'b str]) -> Option<&'a [&'b str]> {
    for _ in 0..MAX_RUNNERS {
        match after_runner(words) {
            Some((Next::Command, rest)) => words = rest,
            Some((Next::Module | Next::Package, _)) | None => break,
        }
    }
    Some(words)
}

/// An agent whose program, or whose runner, is the first of these words.
fn of_words(words: &[&str], depth: usize) -> Option<(&'static str, String)> {
    let words = words.get(words.iter().position(|word| !is_assignment(word))?..)?;
    if depth < MAX_RUNNERS
        && let Some((next, rest)) = after_runner(words)
    {
        return match next {
            Next::Command => of_words(rest, depth + 1),
            Next::Module => of_module(rest),
            Next::Package => {
                let (spelling, arguments) = rest.split_first()?;
                let package = package(spelling);
                let known = PACKAGES.iter().find(|(name, _)| *name == package);
                of_program(known.map_or(package.as_str(), |(_, program)| program), arguments)
            }
        };
    }
    let (first, rest) = words.split_first()?;
    let program = file_name(first);
    if ENGINES.contains(&program) && rest.contains(&"run") {
        let of_image = |word: &&str| IMAGES.iter().find(|(part, _)| word.to_ascii_lowercase().contains(part));
        // A flag's value may name one too: where it lies, a volume, a name.
        let images = rest.iter().filter(|word| !word.starts_with('-') && !word.starts_with(['/', '.']));
        if let Some((_, tool)) = images.map(|word| word.to_owned()).find_map(|word| of_image(&word)) {
            return Some((tool, program.to_owned()));
        }
    }
    of_program(program, rest)
}

/// What the first word runs, if it is a runner: the words after its own.
fn after_runner<'a, 'b>(words: &'a [&'b str]) -> Option<(Next, &'a [&'b str])> {
    let (first, rest) = words.split_first()?;
    let program = file_name(first);
    RUNNERS.iter().filter(|runner| runner.program == program).find_map(|runner| {
        let rest = after_words(runner, rest)?;
        Some((runner.next, rest))
    })
}

fn after_words<'a, 'b>(runner: &Runner, mut words: &'a [&'b str]) -> Option<&'a [&'b str]> {
    let mut wanted = runner.words.iter();
    let mut missing = wanted.next();
    while let Some((word, rest)) = words.split_first() {
        if *word == "--" && missing.is_none() {
            return Some(rest);
        }
        if runner.next == Next::Module && *word == "-m" {
            return Some(rest);
        }
        if runner.values.contains(word) {
            words = rest.get(1..).unwrap_or(&[]);
        } else if word.starts_with('-') || (runner.next == Next::Command && is_assignment(word)) {
            words = rest;
        } else if let Some(expected) = missing {
            if word != expected {
                return None;
            }
            missing = wanted.next();
            words = rest;
        } else if runner.next == Next::Command && is_span(word) {
            words = rest;
        } else {
            return (runner.next != Next::Module).then_some(words);
        }
    }
    None
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
    let name = name.split("==").next().unwrap_or(name);
    let name = name.rfind('@').filter(|at| *at > 0).and_then(|at| name.get(..at)).unwrap_or(name);
    let name = name.split(['#', '[']).next().unwrap_or(name);
    name.trim_end_matches(".git").to_ascii_lowercase()
}

/// An agent that is a module of Python.
fn of_module(words: &[&str]) -> Option<(&'static str, String)> {
    let (module, arguments) = words.split_first()?;
    let top = module.split('.').next().unwrap_or(module);
    let (_, program, tool) = MODULES.iter().find(|(name, _, _)| *name == top)?;
    if program.is_empty() {
        return Some((tool, (*module).to_owned()));
    }
    of_program(program, arguments)
}

/// An agent that works without a person with these arguments.
fn of_program(program: &str, arguments: &[&str]) -> Option<(&'static str, String)> {
    let (_, flags, tool) = PROGRAMS.iter().find(|(name, _, _)| *name == program)?;
    let talks = TALKERS.contains(&program) && arguments.first().is_some_and(|word| !NOT_TALK.contains(word));
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
    (talks || works).then(|| (*tool, program.to_owned()))
}
