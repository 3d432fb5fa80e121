//! Code of other languages, read for evidence.
//!
//! Code is not parsed. It is searched for words that start processes, open connections, write or remove files
//! (`data/code.json`), and for the string literals next to them; a literal command is then judged as what it is. Code
//! that shows nothing and uses only the standard library is a read, or a write where it only writes; everything else is at
//! least `build-test`.

mod file;
mod fold;
mod hidden;
mod literal;
mod pure;
mod words;

use writ_model::EffectClass;

pub(crate) use self::file::{Sort, language_of, of_file};
use self::literal::{
    Literal, backquoted, is_keyword_value, is_opened, is_variable, looks_like_path, string_literals,
};
use self::pure::{is_pure, names_whole_environment, with_names, with_real_names};
use self::words::{Sign, WORDS, family};
use super::Target;
use super::environment::is_secret_name;
use super::path;
use super::walk::Walk;
use super::word::Value;

// === impl Walk ===

impl Walk<'_> {
    /// Reads code of another language for what it does.
    pub(super) fn code(&mut self, code: &str, language: &str) {
        if !self.enter() {
            return;
        }
        let real = match family(language) {
            "python" => with_real_names(code),
            // How ruby asks for a variable is no way to a host.
            "ruby" if code.contains("ENV.fetch(") => code.replace("ENV.fetch(", "ENV[(").into(),
            "node" => with_names(code, &hidden::renamed(code)),
            _ => code.into(),
        };
        self.code_signs(&real, language);
        let folded = fold::folded(&real, language);
        if let Some(folded) = &folded {
            self.code_signs(folded, language);
        }
        self.hidden(folded.as_deref().unwrap_or(&real), language);
        self.leave();
    }

    /// What the code does not say itself: text that it runs, shells in templates, calls that cannot be read.
    fn hidden(&mut self, code: &str, language: &str) {
        let target = || Target::Command(format!("{language} code"));
        for text in hidden::evaluated(code, language) {
            self.code(&text, language);
        }
        for command in hidden::shell_templates(code, language) {
            self.effect(EffectClass::BuildTest, target(), "code.process", "the code starts programs");
            self.nested(&command);
        }
        if family(language) == "node"
            && code.contains("child_process")
            && !WORDS.as_ref().is_some_and(|words| {
                words.find(code, language).iter().any(|(sign, _)| *sign == Sign::Process)
            })
        {
            self.unknown(target(), "code.hidden", "which program the code starts is only known at run time");
        }
        if let Some(reason) = hidden::reason(code, language) {
            self.unknown(target(), "code.hidden", reason);
        }
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
        if has(Sign::Publish) {
            quiet = false;
            self.effect(EffectClass::Publish, target(), "code.publish", "the code publishes a package");
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
        // `process.env.NAME` and `$ENV{NAME}` have their name outside quotes.
        let starts = ["process.env.", "process.env?.", "Bun.env.", "$ENV{", "ENV{", "getenv "];
        for name in starts.iter().flat_map(|start| code.split(start).skip(1)) {
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
                // `popen("x", "r")`: how the pipe is used, and no argument.
                let argv = match argv.as_slice() {
                    [command, mode]
                        if matches!(mode.text.as_str(), "r" | "w" | "rb" | "wb" | "re" | "r+") =>
                    {
                        vec![command.clone()]
                    }
                    _ => argv,
                };
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
