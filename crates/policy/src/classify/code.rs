//! Code of other languages, read for evidence.
//!
//! Code is not parsed. It is searched for words that start processes, open connections, write or remove files
//! (`data/code.json`), and for the string literals next to them; a literal command is then judged as what it is. Code
//! that shows nothing and uses only the standard library is a read, everything else is at least `build-test`.

use std::collections::HashMap;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use serde::Deserialize;
use writ_model::EffectClass;

use super::environment::is_secret_name;
use super::path;
use super::walk::Walk;
use super::word::{self, Value};
use super::{Target, flags};

const DATA: &str = include_str!("../../data/code.json");

/// What a word in code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Sign {
    Process,
    Evaluate,
    Network,
    Socket,
    Decode,
    Write,
    /// Changes modes, names or links of files.
    Change,
    Remove,
    RemoveTree,
    Terminal,
    SetUser,
    /// Neither of these, and not without effect.
    Impure,
    WholeEnvironment,
    Environment,
    Install,
}

static WORDS: LazyLock<Option<Words>> = LazyLock::new(|| Words::read(DATA));

struct Words {
    automaton: AhoCorasick,
    /// The meaning of each word, in the automaton's order.
    signs: Vec<Sign>,
    /// Family of languages -> sign -> names that say it wherever they stand as a word.
    names: HashMap<String, HashMap<Sign, String>>,
}

#[derive(Deserialize)]
struct File {
    signs: HashMap<Sign, Vec<String>>,
    names: HashMap<String, HashMap<Sign, String>>,
}

// === impl Words ===

impl Words {
    fn read(data: &str) -> Option<Self> {
        let file: File = serde_json::from_str(data).ok()?;
        let pairs =
            file.signs.into_iter().flat_map(|(sign, words)| words.into_iter().map(move |word| (word, sign)));
        let (words, signs): (Vec<String>, Vec<Sign>) = pairs.unzip();
        Some(Self { automaton: AhoCorasick::new(words).ok()?, signs, names: file.names })
    }

    /// Every word of the code in order: what it says and where it ends. Bounded.
    fn find(&self, code: &str, language: &str) -> Vec<(Sign, usize)> {
        const MOST: usize = 2_000;
        let found = self.automaton.find_overlapping_iter(code).take(MOST);
        let mut found: Vec<(Sign, usize)> = found
            .filter_map(|found| Some((*self.signs.get(found.pattern().as_usize())?, found.end())))
            .collect();
        if let Some(names) = self.names.get(family(language)) {
            let said = identifiers(code).flat_map(|(name, end)| {
                names
                    .iter()
                    .filter(move |(_, list)| flags::lists(list, name))
                    .map(move |(sign, _)| (*sign, end))
            });
            found.extend(said.take(MOST));
            found.sort_by_key(|(_, end)| *end);
        }
        found
    }
}

/// Languages that share their names.
fn family(language: &str) -> &str {
    match language {
        "pypy" | "ipython" => "python",
        "nodejs" | "bun" | "tsx" | "ts-node" => "node",
        "luajit" => "lua",
        "irb" => "ruby",
        language => language,
    }
}

/// Words of the code that are no variable of perl or php, and where they end.
fn identifiers(code: &str) -> impl Iterator<Item = (&str, usize)> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let bytes = code.as_bytes();
            let start = from + bytes.get(from..)?.iter().position(|byte| is_part(*byte))?;
            let length = bytes.get(start..)?.iter().position(|byte| !is_part(*byte));
            from = length.map_or(bytes.len(), |length| start + length);
            if start.checked_sub(1).and_then(|at| bytes.get(at)) != Some(&b'$') {
                return Some((code.get(start..from)?, from));
            }
        }
    })
}

/// Modules of Python that do nothing to the world when they are only imported.
const PURE_MODULES: &str = "sys os json re math time datetime pathlib collections itertools functools string random statistics \
    decimal fractions base64 hashlib binascii struct textwrap csv io glob fnmatch platform sysconfig \
    site ast inspect importlib typing enum dataclasses operator heapq bisect copy pprint uuid secrets \
    unicodedata difflib shlex argparse getpass pwd grp stat zlib html xml configparser tomllib codecs \
    locale calendar numpy tokenize keyword traceback warnings contextlib abc types tempfile shutil \
    fileinput array urllib.parse sqlite3 zoneinfo ipaddress this sysconfig pkgutil importlib.metadata \
    cv2 dateutil h5py jax matplotlib networkx openpyxl packaging pandas PIL pkg_resources pyarrow regex scipy six \
    sklearn sympy tabulate tensorflow tomli toml torch torchvision tqdm transformers yaml";

/// Modules of Perl that only compute.
const PURE_PERL: &str = "strict warnings utf8 feature integer bigint bignum open List::Util Scalar::Util Data::Dumper \
    Time::Local Time::HiRes Time::Piece JSON JSON::PP MIME::Base64 Digest::MD5 Digest::SHA Encode Config constant \
    Text::Wrap File::Basename File::Spec Cwd English Unicode::Normalize";

// === impl Walk ===

impl Walk<'_> {
    /// Reads code of another language for what it does.
    pub(super) fn code(&mut self, code: &str, language: &str) {
        if !self.enter() {
            return;
        }
        match family(language) {
            "python" => self.code_signs(&with_real_names(code), language),
            _ => self.code_signs(code, language),
        }
        self.leave();
    }

    fn code_signs(&mut self, code: &str, language: &str) {
        let Some(words) = WORDS.as_ref() else {
            self.unknown(
                Target::Command(language.to_owned()),
                "interpreter.code",
                "the list of words is missing",
            );
            return;
        };
        const MOST_CALLS: usize = 40;
        let literals = string_literals(code);
        let mut seen: Vec<Sign> = Vec::new();
        let mut calls: Vec<usize> = Vec::new();
        for (sign, end) in words.find(code, language) {
            if sign == Sign::Process
                && calls.len() < MOST_CALLS
                && calls.last().is_none_or(|last| end > *last)
            {
                calls.push(end);
            }
            if !seen.contains(&sign) {
                seen.push(sign);
            }
        }
        let has = |sign: Sign| seen.contains(&sign);
        let target = || Target::Command(format!("{language} code"));
        let mut quiet = true;
        if !calls.is_empty() {
            quiet = false;
            self.effect(EffectClass::BuildTest, target(), "code.process", "the code starts programs");
            self.code_processes(code, &literals, &calls, language);
        }
        if matches!(language, "ruby" | "perl" | "php" | "lua") {
            for command in backquoted(code) {
                quiet = false;
                self.nested(command);
            }
        }
        if has(Sign::Decode) && (has(Sign::Evaluate) || has(Sign::Process)) {
            self.effect(
                EffectClass::EscapeAttempt,
                target(),
                "code.decoded",
                "the code decodes something and runs it",
            );
        }
        if has(Sign::Socket) && (has(Sign::Terminal) || has(Sign::Process)) {
            self.effect(
                EffectClass::EscapeAttempt,
                target(),
                "code.socket",
                "the code puts a program on a network connection",
            );
        }
        if matches!(language, "tclsh" | "wish") {
            for line in code.split(['\n', ';']).filter_map(|line| line.trim().strip_prefix("exec ")) {
                self.nested(line);
            }
        }
        if matches!(language, "tclsh" | "wish" | "expect") && super::command::starts_shell(code) {
            let text = "the code starts a shell";
            self.effect(EffectClass::EscapeAttempt, target(), "argument.shell", text);
        }
        if code.contains("pty.spawn") {
            self.effect(EffectClass::EscapeAttempt, target(), "argument.shell", "the code starts a shell");
        }
        if has(Sign::Network) || has(Sign::Socket) {
            quiet = false;
            self.effect(EffectClass::Network, target(), "code.network", "the code talks to other hosts");
            for host in literals
                .iter()
                .filter(|literal| literal.text.contains("://"))
                .filter_map(|literal| super::network::url_host(&literal.text))
            {
                self.effect(
                    EffectClass::Network,
                    Target::Host(host),
                    "code.network",
                    "the code names a host",
                );
            }
        }
        if has(Sign::SetUser) {
            self.effect(
                EffectClass::IdentityChange,
                target(),
                "code.user",
                "the code changes its user or an owner",
            );
        }
        if has(Sign::Install) {
            self.effect(EffectClass::PackageInstall, target(), "code.install", "the code installs packages");
        }
        if has(Sign::WholeEnvironment) || names_whole_environment(code, language) {
            self.effect(
                EffectClass::SecretRead,
                Target::Secret("environment".to_owned()),
                "environment.whole",
                "the code reads the whole environment",
            );
        }
        if has(Sign::RemoveTree) {
            self.effect(EffectClass::Destructive, target(), "code.remove", "the code removes directories");
        }
        let removes = has(Sign::Remove);
        // `open(F, ">x")`, `open(F, "cmd |")`: how perl and ruby open files.
        let opens = matches!(language, "perl" | "ruby") && code.contains("open");
        let mut writes = has(Sign::Write) || has(Sign::Change);
        // `process.env.NAME` has its name outside quotes.
        for name in ["process.env.", "Bun.env."].iter().flat_map(|start| code.split(start).skip(1)) {
            let name: String = name.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            if is_secret_name(&name) {
                self.environment_read(&name);
            }
        }
        for literal in &literals {
            let text = literal.text.trim();
            let piped = text.strip_prefix('|').or_else(|| text.strip_suffix('|'));
            if opens
                && let Some(command) = piped.filter(|command| !command.trim_matches(['|', '-']).is_empty())
            {
                quiet = false;
                self.nested(command);
            }
            let opened =
                text.strip_prefix("+<").unwrap_or_else(|| text.trim_start_matches(['>', '+'])).trim();
            let is_written = opens && opened.len() < text.len();
            writes |= is_written;
            let value = Value::known(if is_written { opened } else { literal.text.as_str() });
            if is_written && !opened.is_empty() {
                self.writes_path(&value, false);
                continue;
            }
            if has(Sign::Environment) && is_variable(&literal.text) && is_secret_name(&literal.text) {
                self.environment_read(&literal.text);
            }
            let is_root = removes && literal.text == "/";
            if !looks_like_path(&literal.text) && !is_root && !is_opened(code, literal) {
                continue;
            }
            let normal = self.resolved(&value);
            if removes {
                self.removes_path(&value, code.contains("recursive"));
                continue;
            }
            // Which of its files the code writes and which it reads is not told apart.
            if writes {
                self.writes_path(&value, false);
            }
            if path::is_secret(&normal) {
                self.secret(&value, "code.secret");
            } else {
                self.reads_path(&value, "code.read");
            }
        }
        if removes || writes {
            self.effect(
                EffectClass::WriteWorkspace,
                target(),
                "code.write",
                "the code writes or removes files",
            );
        }
        let is_active = has(Sign::Change)
            || has(Sign::Evaluate)
            || has(Sign::Impure)
            || has(Sign::Install)
            || has(Sign::SetUser);
        let class = match quiet && is_pure(code, language) && !is_active {
            true if removes || writes => EffectClass::WriteWorkspace,
            true => EffectClass::Read,
            false => EffectClass::BuildTest,
        };
        self.effect(class, target(), "code.run", "code on the command line");
    }

    /// The commands that code starts, as far as they are literals.
    fn code_processes(&mut self, code: &str, literals: &[Literal], calls: &[usize], language: &str) {
        const REACH: usize = 400;
        let mut used = 0;
        for call in calls.iter().filter(|call| **call >= 1) {
            if *call < used {
                continue;
            }
            let end = code
                .get(*call..)
                .and_then(|rest| rest.find('\n'))
                .map_or(code.len(), |at| at + call)
                .min(call + REACH);
            // The quote may belong to the word itself: `system "x"`.
            let from = call.saturating_sub(2);
            let near: Vec<&Literal> =
                literals.iter().filter(|literal| literal.start >= from && literal.start <= end).collect();
            let Some(first) = near.first() else {
                self.unknown(
                    Target::Command(format!("{language} code")),
                    "code.process",
                    "which program the code starts is only known at run time",
                );
                continue;
            };
            used = near.last().map_or(*call, |literal| literal.start);
            let between = code.get(*call..first.start).unwrap_or_default();
            let gap = near.get(1).and_then(|second| code.get(first.end..second.start)).unwrap_or_default();
            let is_list = between.contains(['[', '('])
                && between.trim_end().ends_with(['[', '('])
                && between.contains('[')
                || gap.trim_matches(['\'', '"', ' ']).starts_with(',')
                    && !gap.contains('=')
                    && !first.text.contains(' ');
            if is_list {
                let argv: Vec<Value> = near
                    .iter()
                    .take_while(|literal| !is_keyword_value(code, literal))
                    .map(|literal| Value::known(literal.text.as_str()))
                    .collect();
                // The `exec` family names the program twice: what to run, and what it is called.
                let is_twice = argv.first().zip(argv.get(1)).is_some_and(|(path, name)| {
                    let base = path.text.rsplit('/').next().unwrap_or_default();
                    base == name.text || path.text == name.text
                });
                let argv = if is_twice {
                    argv.iter().take(1).chain(argv.iter().skip(2)).cloned().collect()
                } else {
                    argv
                };
                self.argv(&argv);
            } else {
                let feed = std::mem::take(&mut self.feed);
                self.nested(&first.text);
                self.feed = feed;
            }
        }
    }
}

/// A string of the code: where it starts and ends, and its text.
struct Literal {
    start: usize,
    end: usize,
    text: String,
}

/// Strings in quotes. Good enough for evidence: comments and regular expressions are not told apart.
fn string_literals(code: &str) -> Vec<Literal> {
    const MOST: usize = 400;
    let mut found = Vec::new();
    // A quote that is never closed is not looked for again: the search stays linear.
    let mut unclosed: Vec<(u8, bool)> = Vec::new();
    let mut bytes = code.bytes().enumerate().peekable();
    while let Some((start, quote)) = bytes.next() {
        if found.len() >= MOST {
            break;
        }
        if !matches!(quote, b'"' | b'\'' | b'`') {
            continue;
        }
        let triple = code.get(start..start + 3).is_some_and(|three| three.bytes().all(|byte| byte == quote))
            && quote != b'`';
        let open = if triple { start + 3 } else { start + 1 };
        let rest = code.get(open..).unwrap_or_default();
        let close = if unclosed.contains(&(quote, triple)) {
            None
        } else if triple {
            rest.find(code.get(start..start + 3).unwrap_or_default())
        } else {
            closing_quote(rest, quote)
        };
        let Some(length) = close else {
            if !unclosed.contains(&(quote, triple)) {
                unclosed.push((quote, triple));
            }
            continue;
        };
        let text = rest.get(..length).unwrap_or_default();
        let end = open + length + if triple { 3 } else { 1 };
        found.push(Literal { start: start + 1, end, text: word::unescape(text) });
        while bytes.peek().is_some_and(|(at, _)| *at < end) {
            bytes.next();
        }
    }
    found
}

fn closing_quote(rest: &str, quote: u8) -> Option<usize> {
    let mut escaped = false;
    rest.bytes().position(|byte| {
        let was = escaped;
        escaped = byte == b'\\' && !was;
        byte == quote && !was
    })
}

fn backquoted(code: &str) -> impl Iterator<Item = &str> {
    code.split('`').skip(1).step_by(2)
}

/// `shell="x"`, `cwd='/x'`: not a part of the command.
fn is_keyword_value(code: &str, literal: &Literal) -> bool {
    let before = code.get(..literal.start.saturating_sub(1)).unwrap_or_default();
    before.trim_end().ends_with('=') || before.trim_end().ends_with(':')
}

fn looks_like_path(text: &str) -> bool {
    !text.contains(['\n', ' ', '<', '>', '(', ')', '{', '}', '%', ','])
        && !text.contains("://")
        && text.len() > 1
        && (text.contains('/') || text.contains('.') || text.starts_with('~'))
}

/// Whether a call that opens a file stands right before the literal: then it is a path, whatever it looks like.
fn is_opened(code: &str, literal: &Literal) -> bool {
    const OPENS: &[&str] = &[
        "open",
        "Path",
        "readFileSync",
        "readFile",
        "writeFileSync",
        "writeFile",
        "appendFileSync",
        "appendFile",
        "createReadStream",
        "createWriteStream",
        "file_get_contents",
        "file_put_contents",
        "read",
        "write",
        "readlines",
    ];
    let before =
        code.get(..literal.start).unwrap_or_default().trim_end_matches(['"', '\'', '`', 'r', 'b', 'f', 'u']);
    let Some(before) = before.trim_end().strip_suffix('(') else { return false };
    let name = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
    // `print(x.write("text"))` writes a text; a file has no blanks in its name here.
    OPENS.contains(&name)
        && !(matches!(name, "read" | "write")
            && !before.ends_with("File.read")
            && !before.ends_with("File.write"))
        && !literal.text.is_empty()
        && !literal.text.contains([' ', '\n', '<', '>'])
}

fn is_variable(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// `$f(…)`: which function that is, nobody can say.
fn calls_variable(code: &str) -> bool {
    code.split('$').skip(1).any(|rest| {
        rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').trim_start().starts_with('(')
    })
}

/// Whether the code takes the environment as a whole, and not one variable of it.
fn names_whole_environment(code: &str, language: &str) -> bool {
    let (name, parts): (&str, &[&str]) = match family(language) {
        "node" => ("env", &[".", "[", "?.", "=", ")["]),
        "python" => ("environ", &[".get", ".setdefault", ".pop", ".update", "[", ".keys"]),
        "ruby" => ("ENV", &["[", ".fetch", ".key", ".has_key", ".delete", ".dig"]),
        "php" => ("_ENV", &["["]),
        _ => return false,
    };
    code.match_indices(name).any(|(at, _)| {
        let (before, after) =
            (code.get(..at).unwrap_or_default(), code.get(at + name.len()..).unwrap_or_default());
        let before = match family(language) {
            "node" => match before
                .strip_suffix('.')
                .and_then(|before| ["process", "Bun"].iter().find_map(|owner| before.strip_suffix(owner)))
            {
                Some(before) => before,
                None => return false,
            },
            _ => before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_')),
        };
        let before = before.trim_end();
        let ends_word = !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        // Handed to a child, looked for one name in it, or only imported.
        let is_other = before.ends_with("env=")
            || before.ends_with("env:")
            || before.ends_with("import")
            || (before.ends_with(" in") && !before.contains("for "));
        ends_word && !is_other && !parts.iter().any(|part| after.trim_start().starts_with(part))
    })
}

/// Code of Python in which imported names stand as what they are: `import os as o; o.x` is `os.x`.
fn with_real_names(code: &str) -> std::borrow::Cow<'_, str> {
    const MOST: usize = 12;
    const LONGEST: usize = 64 * 1024;
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if code.len() > LONGEST || !code.contains("import") {
        return code.into();
    }
    let mut names: Vec<(String, String)> = Vec::new();
    for statement in code.split(['\n', ';']).map(str::trim) {
        let (module, list) =
            match statement.strip_prefix("from ").and_then(|rest| rest.split_once(" import ")) {
                Some((module, list)) => (Some(module.trim()), list),
                None => match statement.strip_prefix("import ") {
                    Some(list) => (None, list),
                    None => continue,
                },
            };
        for item in list.trim_matches(['(', ')']).split(',').map(str::trim) {
            let (name, alias) = item.split_once(" as ").unwrap_or((item, item));
            let (name, alias) = (name.trim(), alias.trim());
            let real = module.map_or_else(|| name.to_owned(), |module| format!("{module}.{name}"));
            if is_name(alias) && real != alias && names.len() < MOST {
                names.push((alias.to_owned(), real));
            }
        }
    }
    if names.is_empty() {
        return code.into();
    }
    let mut out = String::with_capacity(code.len() + 64);
    let mut from = 0;
    for (name, end) in identifiers(code) {
        let start = end - name.len();
        let is_attribute = code.get(..start).is_some_and(|before| before.ends_with('.'));
        if !is_attribute
            && let Some((_, real)) = names.iter().find(|(alias, _)| alias == name)
            && code.get(end..).is_some_and(|after| after.starts_with(['.', '(']))
        {
            out.push_str(code.get(from..start).unwrap_or_default());
            out.push_str(real);
            from = end;
        }
    }
    out.push_str(code.get(from..).unwrap_or_default());
    out.into()
}

/// Whether the code uses nothing but its language.
fn is_pure(code: &str, language: &str) -> bool {
    match language {
        "python" | "pypy" | "ipython" => {
            let words = code.split(['\n', ';']).map(str::trim);
            words
                .filter_map(|line| {
                    line.strip_prefix("import ").or_else(|| {
                        line.strip_prefix("from ").map(|rest| rest.split(" import").next().unwrap_or(rest))
                    })
                })
                .flat_map(|names| names.split(','))
                .filter_map(|name| name.split_whitespace().next())
                .all(|name| {
                    flags::lists(PURE_MODULES, name)
                        || name.split('.').next().is_some_and(|root| flags::lists(PURE_MODULES, root))
                })
        }
        "node" | "nodejs" | "bun" | "tsx" | "ts-node" => {
            let requires = code.matches("require(").count()
                + code.matches("import ").count()
                + code.matches("import(").count();
            let pure = [
                "fs",
                "path",
                "os",
                "util",
                "crypto",
                "url",
                "assert",
                "process",
                "./package.json",
                "../package.json",
            ]
            .iter()
            .map(|name| {
                let bare = code.matches(&format!("require('{name}')")).count()
                    + code.matches(&format!("require(\"{name}\")")).count();
                bare + code.matches(&format!("require('node:{name}')")).count()
                    + code.matches(&format!("require(\"node:{name}\")")).count()
            })
            .sum::<usize>();
            requires == pure
        }
        "perl" => code.split("use ").skip(1).all(|rest| {
            let name = rest.split([' ', ';', '(', '\'', '"']).next().unwrap_or(rest);
            flags::lists(PURE_PERL, name) || name.starts_with(|c: char| c.is_ascii_digit() || c == 'v')
        }),
        "ruby" => !code.contains("require"),
        "lua" | "luajit" | "php" | "R" | "Rscript" | "julia" => {
            !code.contains("require")
                && !code.contains("library(")
                && !code.contains("include")
                && !code.contains("using ")
                && !(matches!(language, "R" | "Rscript") && (code.contains("::") || code.contains("source(")))
                && !calls_variable(code)
        }
        _ => false,
    }
}
