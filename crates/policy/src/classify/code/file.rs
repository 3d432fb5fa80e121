//! Code that stands in a file, read for what it would do to the world when a call runs it.
//!
//! A file is longer than a line, and most of what it names is only named: addresses in assertions, paths that must be
//! refused, credentials of a made-up user. So only what is certain to matter counts: commands written out, addresses
//! handed to a call that connects, credentials of the person that are opened. How much a file must show depends on
//! what it is for.

mod shown;

use writ_model::EffectClass;

use self::shown::{Shown, is_elsewhere, runs_hidden};
use super::super::walk::Walk;
use super::super::word::Value;
use super::super::{Effect, Facts, Target, path};
use super::literal::{Literal, is_keyword_value};
use super::pure::with_real_names;
use super::words::{Sign, family};

/// Longest text that is read, in bytes.
const MOST_BYTES: usize = 256 * 1024;
/// Most calls of one file that are looked at.
const MOST_CALLS: usize = 64;

/// What a file is to the call that runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sort {
    /// Code of the project, which a build or a test takes in.
    Source,
    /// A test, and what it sets up.
    Test,
    /// A program, a build script, a setting that is code: it runs as it stands.
    Program,
}

/// What the text of a file would do, beyond computing, building and testing. Effects have no place in the command.
pub(crate) fn of_file(text: &str, language: &str, sort: Sort, facts: &Facts<'_>) -> Vec<Effect> {
    if text.len() > MOST_BYTES {
        return Vec::new();
    }
    let read = || {
        let mut walk = Walk::apart_from_lines(facts);
        match language {
            "shell" => walk.file_of_shell(text, sort),
            "make" => walk.file_of_shell(&recipes(text), sort),
            _ => walk.file_of_code(text, language, sort),
        }
    };
    let mut found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).unwrap_or_default();
    for effect in &mut found {
        effect.why.span = None;
    }
    found
}

/// The language of a file, by its name and its first line; nothing for what is no code that is read.
pub(crate) fn language_of(path: &str, text: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let first = text.lines().next().filter(|line| line.starts_with("#!")).unwrap_or_default();
    let by_line = [
        ("python", "python"),
        ("node", "node"),
        ("deno", "node"),
        ("bun", "node"),
        ("ruby", "ruby"),
        ("perl", "perl"),
        ("php", "php"),
        ("bats", "shell"),
        ("sh", "shell"),
    ];
    if let Some((_, language)) = by_line.iter().find(|(word, _)| !first.is_empty() && first.contains(word)) {
        return Some(language);
    }
    match name {
        "Rakefile" | "Gemfile" | "Guardfile" | "Capfile" | "Vagrantfile" => return Some("ruby"),
        _ => {}
    }
    let (_, ending) = name.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "py" | "pyw" | "pth" => "python",
        "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" | "vue" | "svelte" => "node",
        "rb" | "rake" | "gemspec" => "ruby",
        "pl" | "pm" | "t" => "perl",
        "php" => "php",
        "lua" => "lua",
        "mk" | "mak" => "make",
        "sh" | "bash" | "zsh" | "ksh" | "bats" => "shell",
        "rs" => "rust",
        "go" => "go",
        "java" | "kt" | "kts" | "groovy" | "gradle" | "scala" => "java",
        _ => return None,
    })
}

// === impl Walk ===

impl Walk<'_> {
    fn file_of_shell(&mut self, text: &str, sort: Sort) -> Vec<Effect> {
        self.nested(text);
        let is_boxed = text.contains("mktemp");
        std::mem::take(&mut self.effects)
            .into_iter()
            .filter(|effect| counts(effect, sort, is_boxed) && (sort > Sort::Source || is_escape(effect)))
            .collect()
    }

    fn file_of_code(&mut self, text: &str, language: &str, sort: Sort) -> Vec<Effect> {
        let renamed = if family(language) == "python" { with_real_names(text) } else { text.into() };
        let shown = Shown::new(&renamed, language);
        let mut found = self.starts(&shown);
        found.retain(|effect| counts(effect, sort, shown.is_boxed));
        if sort == Sort::Source {
            found.retain(is_escape);
        }
        if runs_hidden(shown.code) {
            found.push(effect(
                EffectClass::EscapeAttempt,
                Target::Unknown,
                "the code decodes or fetches code and runs it",
            ));
        }
        let secrets = self.opened(&shown, sort);
        let hosts = shown.reached();
        let is_whole = shown.takes_environment();
        let variable = shown.secret_variable();
        let sends = !hosts.is_empty() || found.iter().any(|effect| effect.class == EffectClass::Network);
        let is_real = !shown.is_played;
        // What is read from the environment matters where it can go somewhere.
        let taken = match sort {
            Sort::Source => is_whole,
            Sort::Test => is_real && (is_whole || variable.is_some()),
            Sort::Program => is_whole || variable.is_some(),
        };
        if sends && taken {
            let what = variable.filter(|_| !is_whole).unwrap_or_else(|| "environment".to_owned());
            found.push(effect(
                EffectClass::SecretRead,
                Target::Secret(what),
                "the code sends what it reads from the environment",
            ));
        }
        let connects = match sort {
            Sort::Source => (sends && is_whole) || !secrets.is_empty(),
            Sort::Test | Sort::Program => is_real || !secrets.is_empty() || (sends && taken),
        };
        for host in hosts.into_iter().filter(|_| connects) {
            found.push(effect(EffectClass::Network, Target::Host(host), "the code connects to this host"));
        }
        if sort > Sort::Source || sends {
            found.extend(secrets);
        }
        found
    }

    /// The commands that the code writes out, each as what it is.
    fn starts(&mut self, shown: &Shown<'_>) -> Vec<Effect> {
        let mut found = Vec::new();
        for call in shown.calls(Sign::Process) {
            let words: Vec<&Literal> =
                shown.within(&call).filter(|literal| !is_keyword_value(shown.code, literal)).collect();
            let Some(first) = words.first() else { continue };
            let is_text = first.text.trim().contains([' ', '|', ';', '\n']);
            let line = is_text.then(|| shown.joined(&words));
            let argv: Vec<Value> = words.iter().map(|word| Value::known(word.text.as_str())).collect();
            found.extend(self.apart(|walk| match line {
                Some(line) => walk.nested(&line),
                None => walk.argv(&argv),
            }));
        }
        if matches!(shown.language, "ruby" | "perl" | "php") {
            for command in super::literal::backquoted(shown.code).take(MOST_CALLS) {
                found.extend(self.apart(|walk| walk.nested(command)));
            }
        }
        found
    }

    /// Credentials that the code opens.
    fn opened(&mut self, shown: &Shown<'_>, sort: Sort) -> Vec<Effect> {
        let mut found = Vec::new();
        for literal in &shown.literals {
            let text = literal.text.trim();
            if text.len() > 200 || text.contains([' ', '\n', '*']) || !shown.is_opened(literal) {
                continue;
            }
            let is_absolute = text.starts_with('/');
            let is_home = text.starts_with("~/") || (text.starts_with('.') && shown.names_home(literal));
            let named = match (is_home, text.strip_prefix("~/")) {
                (true, None) => format!("~/{text}"),
                _ => text.to_owned(),
            };
            if !path::is_secret(&path::normalise(&named, self.facts)) {
                continue;
            }
            // A made-up home, or a folder of the test's own.
            let is_own = shown.is_boxed && (!is_absolute || text.starts_with("/tmp"));
            // A file of the workspace is read by what it belongs to.
            let is_near = !is_absolute && !is_home;
            if is_own || (is_near && sort < Sort::Program) {
                continue;
            }
            found.push(effect(EffectClass::SecretRead, Target::Secret(named), "the code opens a credential"));
        }
        found
    }
}

/// The lines of a makefile that a shell runs.
fn recipes(text: &str) -> String {
    let lines = text.lines().filter_map(|line| line.strip_prefix('\t'));
    lines.flat_map(|line| [line.trim_start_matches(['@', '-', '+']), "\n"]).collect()
}

fn effect(class: EffectClass, target: Target, text: &str) -> Effect {
    let why = super::super::Why { span: None, rule: "code.file".into(), text: text.to_owned() };
    Effect { class, target, why }
}

/// Whether an effect of a command that a file writes out counts.
fn counts(effect: &Effect, sort: Sort, is_boxed: bool) -> bool {
    let rule = effect.why.rule.as_ref();
    match effect.class {
        EffectClass::Read | EffectClass::WriteWorkspace | EffectClass::BuildTest | EffectClass::Unknown => {
            false
        }
        // Tests start shells and talk to the programs in them.
        EffectClass::EscapeAttempt => !rule.starts_with("code.") && rule != "argument.shell",
        EffectClass::Network => match &effect.target {
            Target::Host(host) => is_elsewhere(host),
            Target::Command(_) => sort == Sort::Program && !is_boxed,
            Target::Package(_)
            | Target::Path(_)
            | Target::Remote { .. }
            | Target::Secret(_)
            | Target::Thing(_)
            | Target::Unknown => false,
        },
        EffectClass::SecretRead => match &effect.target {
            Target::Secret(what) => what.contains('/') && (!is_boxed || what.starts_with(['/', '~'])),
            Target::Command(_)
            | Target::Host(_)
            | Target::Package(_)
            | Target::Path(_)
            | Target::Remote { .. }
            | Target::Thing(_)
            | Target::Unknown => sort == Sort::Program,
        },
        EffectClass::Destructive => match &effect.target {
            Target::Path(path) => {
                path.starts_with(['/', '~']) && !path.starts_with("/tmp") && !path.starts_with("/var/tmp")
            }
            Target::Command(_)
            | Target::Host(_)
            | Target::Package(_)
            | Target::Remote { .. }
            | Target::Secret(_)
            | Target::Thing(_)
            | Target::Unknown => false,
        },
        EffectClass::Publish | EffectClass::Deploy => true,
        EffectClass::PackageInstall | EffectClass::GitPush => sort == Sort::Program && !is_boxed,
        EffectClass::IdentityChange => !rule.starts_with("git.") && !is_boxed,
    }
}

fn is_escape(effect: &Effect) -> bool {
    effect.class == EffectClass::EscapeAttempt
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_file_is_read(text in "(?s).{0,300}", code in "[a-z.()\\[\\]{}'\"`;,:/\\n# ]{0,300}") {
            let facts = Facts::default();
            for language in ["python", "node", "ruby", "perl", "rust", "go", "java", "shell", "php"] {
                for sort in [Sort::Source, Sort::Test, Sort::Program] {
                    of_file(&text, language, sort, &facts);
                    of_file(&format!("os.system({code}"), language, sort, &facts);
                }
            }
        }
    }
}
