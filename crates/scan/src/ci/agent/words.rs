//! The words of a command, read as what starts an agent: through the runners in front of it, in an image, as a package or as a
//! module.

use super::command::INTERPRETERS;
use super::runners::{Next, RUNNERS, Runner};
use super::shell::assignment;
use super::table::{FED, IMAGES, MODULES, NOT_TALK, PACKAGES, PROGRAMS, TALKERS, borders, program_named};

/// Most runners in front of one program.
const MAX_RUNNERS: usize = 8;
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

/// An agent, the program by which it was found, and how many words at the end are its arguments.
pub(super) type Found = (&'static str, String, usize);

pub(super) fn file_name(word: &str) -> &str {
    word.rsplit(['/', '\\']).next().unwrap_or(word)
}

/// A program's name without its folder and without what Windows puts behind it.
pub(super) fn program_name(word: &str) -> String {
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
pub(super) fn passed<'a, 'b>(mut words: &'a [&'b str], loosely: bool) -> &'a [&'b str] {
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
pub(super) fn of_words(words: &[&str], depth: usize, fed: Option<bool>) -> Option<Found> {
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
        if let Some(entry) = entry_point(rest)
            && let Some((_, arguments)) = after_runner(words, false)
            && let Some(found) = of_program(&program_name(entry), arguments, fed)
        {
            return Some(found);
        }
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

/// The program that an image is told to start in place of its own.
fn entry_point<'b>(words: &[&'b str]) -> Option<&'b str> {
    let (at, word) = words.iter().enumerate().find(|(_, word)| word.starts_with("--entrypoint"))?;
    word.strip_prefix("--entrypoint=").or_else(|| words.get(at + 1).copied())
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
