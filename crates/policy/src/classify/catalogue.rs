//! The list of programs and what they do: data in `data/commands.json`, matching here.
//!
//! The list is our own compilation and will never be complete, so a program that is not in it is unknown.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;
use writ_model::EffectClass;

use super::flags;
use super::word::Value;

const DATA: &str = include_str!("../../data/commands.json");

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::read(DATA).unwrap_or_default());

/// What the list says about one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub class: EffectClass,
    /// The pattern that matched; empty for a program's usual class.
    pub pattern: &'static str,
    /// It changes a database: where that is a shared one, it changes what runs there.
    pub is_database: bool,
}

/// Looks a command up: the program by its plain name, and its arguments.
pub(super) fn lookup(program: &str, args: &[Value]) -> Option<Listed> {
    CATALOGUE.lookup(own_name(program), args)
}

/// The name behind the target of a cross compiler's tools: `objdump` for `arm-none-eabi-objdump`.
fn own_name(program: &str) -> &str {
    const TOOLS: &[&str] = &[
        "addr2line",
        "ar",
        "as",
        "c++",
        "c++filt",
        "cc",
        "cpp",
        "elfedit",
        "g++",
        "gcc",
        "gcov",
        "gfortran",
        "gprof",
        "ld",
        "nm",
        "objcopy",
        "objdump",
        "ranlib",
        "readelf",
        "size",
        "strings",
        "strip",
    ];
    match program.rsplit_once('-') {
        Some((target, tool)) if target.contains('-') && TOOLS.contains(&tool) => tool,
        _ => program,
    }
}

/// Whether the list names the program at all.
pub(super) fn is_listed(program: &str) -> bool {
    CATALOGUE.programs.contains_key(own_name(program))
}

/// Whether what the program does depends on its first words.
pub(super) fn has_subcommands(program: &str) -> bool {
    program == "git" || CATALOGUE.programs.get(program).is_some_and(|program| !program.rules.is_empty())
}

/// Options of a program that are followed by SQL text.
pub(super) fn sql_options(program: &str) -> &'static str {
    CATALOGUE.programs.get(program).map_or("", |program| program.sql)
}

/// The subcommand words, for a readable target: `git push`, `npm run`.
pub(super) fn subcommand<'a>(program: &str, args: &'a [Value]) -> Option<&'a str> {
    let program = CATALOGUE.programs.get(program)?;
    if program.rules.is_empty() {
        return None;
    }
    flags::positionals(args, program.values).first().and_then(|word| word.literal())
}

#[derive(Debug, Default)]
struct Catalogue {
    programs: HashMap<&'static str, Program>,
}

#[derive(Clone, Debug)]
struct Program {
    usual: EffectClass,
    bare: Option<EffectClass>,
    values: &'static str,
    sql: &'static str,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    class: EffectClass,
    text: &'static str,
    tokens: Vec<Token>,
    weight: u32,
    is_database: bool,
}

/// One part of a pattern; the grammar is in the data file.
#[derive(Clone, Debug)]
enum Token {
    Next(&'static str),
    Anywhere(&'static str),
    Present(&'static str),
    Absent(&'static str),
    With { option: &'static str, value: &'static str, negated: bool },
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    plain: HashMap<&'a str, Vec<&'a str>>,
    #[serde(borrow)]
    programs: HashMap<&'a str, Entry<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry<'a> {
    like: Option<&'a str>,
    #[serde(rename = "else")]
    usual: Option<EffectClass>,
    bare: Option<EffectClass>,
    values: Option<&'a str>,
    sql: Option<&'a str>,
    /// Patterns of what changes a database: ordinary work on the one of the project, a deployment on a shared one.
    #[serde(default, borrow)]
    database: Vec<&'a str>,
    #[serde(default, borrow)]
    rules: HashMap<EffectClass, Vec<&'a str>>,
}

// === impl Catalogue ===

impl Catalogue {
    fn read(data: &'static str) -> Result<Self, serde_json::Error> {
        let file: File<'static> = serde_json::from_str(data)?;
        let mut programs = HashMap::new();
        for (class, lines) in &file.plain {
            let usual = serde_json::from_value(serde_json::Value::from(*class))?;
            for name in lines.iter().flat_map(|line| line.split_whitespace()) {
                programs.insert(name, Program { usual, bare: None, values: "", sql: "", rules: vec![] });
            }
        }
        for (name, entry) in &file.programs {
            let entry = entry.like.and_then(|other| file.programs.get(other)).unwrap_or(entry);
            programs.insert(*name, Program::new(entry));
        }
        Ok(Self { programs })
    }

    fn lookup(&self, program: &str, args: &[Value]) -> Option<Listed> {
        let program = self.programs.get(program)?;
        if let (Some(class), true) = (program.bare, args.is_empty()) {
            return Some(Listed { class, pattern: "", is_database: false });
        }
        let words = flags::positionals(args, program.values);
        program
            .rules
            .iter()
            .filter(|rule| rule.matches(args, &words))
            .max_by_key(|rule| (rule.weight, rule.class))
            .map(|rule| Listed { class: rule.class, pattern: rule.text, is_database: rule.is_database })
            .or(Some(Listed { class: program.usual, pattern: "", is_database: false }))
    }
}

// === impl Program ===

impl Program {
    fn new(entry: &Entry<'static>) -> Self {
        let mut rules: Vec<Rule> = Vec::new();
        for (class, patterns) in &entry.rules {
            rules.extend(patterns.iter().map(|text| Rule::new(*class, text)));
        }
        let database = entry.database.iter().map(|text| Rule::new(EffectClass::BuildTest, text));
        rules.extend(database.map(|rule| Rule { is_database: true, ..rule }));
        Self {
            usual: entry.usual.unwrap_or(EffectClass::Unknown),
            bare: entry.bare,
            values: entry.values.unwrap_or_default(),
            sql: entry.sql.unwrap_or_default(),
            rules,
        }
    }
}

// === impl Rule ===

impl Rule {
    fn new(class: EffectClass, text: &'static str) -> Self {
        let tokens: Vec<Token> = text.split_whitespace().map(Token::new).collect();
        let weight = tokens.iter().map(Token::weight).sum();
        Self { class, text, tokens, weight, is_database: false }
    }

    fn matches(&self, args: &[Value], words: &[&Value]) -> bool {
        let mut next = words.iter();
        self.tokens.iter().all(|token| match token {
            Token::Next(glob) => next.next().is_some_and(|word| matches_any(glob, &word.text)),
            Token::Anywhere(glob) => words.iter().any(|word| matches_any(glob, &word.text)),
            Token::Present(option) if option.ends_with('*') => {
                args.iter().any(|arg| matches(option, &arg.text))
            }
            Token::Present(option) => flags::has(args, option) && !is_off(args, option),
            Token::Absent(option) => !flags::has(args, option),
            Token::With { option, value, negated } => {
                flags::values(args, option).iter().any(|given| matches(value, given) != *negated)
            }
        })
    }
}

// === impl Token ===

impl Token {
    fn new(text: &'static str) -> Self {
        if let Some(glob) = text.strip_prefix('@') {
            return Self::Anywhere(glob);
        }
        if let Some(option) = text.strip_prefix('!').filter(|option| option.starts_with('-')) {
            return Self::Absent(option);
        }
        if !text.starts_with('-') {
            return Self::Next(text);
        }
        match text.split_once('=') {
            Some((option, value)) => match value.strip_prefix('!') {
                Some(value) => Self::With { option, value, negated: true },
                None => Self::With { option, value, negated: false },
            },
            None => Self::Present(text),
        }
    }

    fn weight(&self) -> u32 {
        match self {
            Self::Next("*") => 1,
            Self::Next(glob) | Self::Anywhere(glob) if glob.contains('*') => 2,
            Self::Next(_) | Self::Anywhere(_) | Self::Present(_) | Self::Absent(_) | Self::With { .. } => 3,
        }
    }
}

/// `--dry-run=false`: the option is there, and says no.
fn is_off(args: &[Value], option: &str) -> bool {
    option.starts_with("--")
        && args.iter().any(|arg| {
            let value = arg.text.strip_prefix(option).and_then(|rest| rest.strip_prefix('='));
            value.is_some_and(|value| {
                matches!(value.to_ascii_lowercase().as_str(), "false" | "no" | "off" | "0")
            })
        })
}

fn matches_any(globs: &str, text: &str) -> bool {
    globs.split('|').any(|glob| matches(glob, text))
}

/// Matches a glob of plain text and `*` (any text).
pub(super) fn matches(glob: &str, text: &str) -> bool {
    let Some((prefix, rest)) = glob.split_once('*') else { return glob == text };
    let Some(mut text) = text.strip_prefix(prefix) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        match text.find(part) {
            Some(at) => text = text.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}
