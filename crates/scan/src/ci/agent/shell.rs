//! Scripts of shells, taken apart into commands: far enough to tell a program from an argument, and a command from text.

use std::collections::BTreeMap;

use self::reader::Reader;

mod reader;

/// Deepest substitution within substitutions.
const MAX_DEPTH: usize = 6;
/// Most commands of one script, and most words of one command.
const MAX_COMMANDS: usize = 5_000;
const MAX_WORDS: usize = 2_000;

/// What stands before a command.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::ci) enum Joint {
    And,
    #[default]
    Next,
    Or,
    Pipe,
}

/// One simple command.
#[derive(Clone, Debug, Default)]
pub(in crate::ci) struct Command {
    pub(in crate::ci) joint: Joint,
    pub(in crate::ci) words: Vec<String>,
    /// Something is given to its standard input.
    pub(in crate::ci) fed: bool,
    /// The text that is, where it stands in the script.
    pub(in crate::ci) input: Option<String>,
    /// The file that its output goes to.
    pub(in crate::ci) output: Option<String>,
    /// Which command of the script itself it is, or is within.
    pub(in crate::ci) place: usize,
    /// It stands in a substitution.
    pub(in crate::ci) is_within: bool,
}

/// Stands for parentheses around commands, for the end of a pattern, and for the end of what it leads to.
pub(in crate::ci) const GROUP: &str = "(";
pub(in crate::ci) const PATTERN: &str = ")";
pub(in crate::ci) const CASE: &str = ";;";
/// Behind the name of a function whose body follows.
pub(in crate::ci) const FUNCTION: &str = "()";

/// The commands of a script, those in substitutions behind the others. Variables that the script sets are put in.
pub(in crate::ci) fn commands(script: &str) -> Vec<Command> {
    let mut found = Vec::new();
    let mut variables = Variables { set: BTreeMap::new(), left: script.len() + MIN_PUT_IN };
    read(script, (0, 0), &mut variables, &mut found);
    found
}

/// Bytes that are put in for variables at least; otherwise as many as the script has.
const MIN_PUT_IN: usize = 16 << 10;

/// What a script sets, and how many bytes of it may still be put in.
struct Variables {
    set: BTreeMap<String, Vec<String>>,
    left: usize,
}

fn read(script: &str, (depth, place): (usize, usize), variables: &mut Variables, found: &mut Vec<Command>) {
    let (commands, within) = Reader::of(script);
    for (at, mut command) in commands.into_iter().enumerate() {
        if found.len() >= MAX_COMMANDS {
            return;
        }
        command.place = if depth == 0 { at } else { place };
        command.is_within = depth > 0;
        found.push(put_in(command, variables));
    }
    if depth < MAX_DEPTH {
        for (at, script) in within {
            read(&script, (depth + 1, if depth == 0 { at } else { place }), variables, found);
        }
    }
}

/// Puts in what variables were set to, and remembers what this command sets.
fn put_in(mut command: Command, variables: &mut Variables) -> Command {
    let mut words = Vec::with_capacity(command.words.len());
    for word in std::mem::take(&mut command.words) {
        let values = variable(&word).and_then(|name| variables.set.get(name));
        let bytes = values.map_or(0, |values| values.iter().map(|value| value.len() + 1).sum());
        match values {
            Some(values) if words.len() + values.len() <= MAX_WORDS && bytes <= variables.left => {
                variables.left -= bytes;
                words.extend(values.iter().cloned());
            }
            _ => words.push(word),
        }
    }
    let declares = words
        .first()
        .is_some_and(|first| ["declare", "export", "local", "readonly", "typeset"].contains(&first.as_str()));
    if declares || words.iter().all(|word| assignment(word).is_some()) {
        for (name, value) in words.iter().filter_map(|word| assignment(word)) {
            let values = match value.strip_prefix(ARRAY) {
                Some(list) => list.split(ARRAY).map(str::to_owned).collect(),
                None => value.split_whitespace().map(str::to_owned).collect(),
            };
            variables.set.insert(name.to_owned(), values);
        }
    }
    command.words = words;
    command
}

/// Stands before each word of an array, in place of the parentheses.
const ARRAY: char = '\u{1f}';

/// `$NAME`, `${NAME}`, `${NAME[@]}`: the name.
fn variable(word: &str) -> Option<&str> {
    let rest = word.strip_prefix('$')?;
    let name = match rest.strip_prefix('{') {
        Some(inner) => inner.strip_suffix('}')?,
        None => rest,
    };
    let name = name.strip_suffix("[@]").or_else(|| name.strip_suffix("[*]")).unwrap_or(name);
    is_name(name).then_some(name)
}

/// `NAME=value`, `NAME+=value`.
pub(in crate::ci) fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    is_name(name).then_some((name, value))
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
