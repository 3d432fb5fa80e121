//! What a shell command would do to the world, read from the real bash grammar and never from a pattern over its text.
//!
//! Agents send whole command lines: lists, pipes, wrappers in wrappers, code for other interpreters. One line is
//! therefore a *set* of effects, each with the resource it touches and the words it was read from. Policy decides
//! every effect by itself; the worst one serves reports.
//!
//! ```text
//! true && sudo timeout 5 git push --force origin main
//!   read         command true
//!   destructive  remote origin main      (git push --force)
//! ```
//!
//! Two rules hold everywhere. What cannot be read (unparsable, too long, too deep, a command name that is only known
//! at run time, a program nobody listed) is `unknown` and says why; nothing is ever assumed harmless. And every
//! branch counts: both sides of `||`, each arm of a `case`, functions that are only defined.
//!
//! The classifier gives early, readable answers. It is never the only thing between an agent and an effect.

mod arithmetic;
mod binding;
mod catalogue;
mod code;
mod command;
mod commit;
mod console;
mod container;
mod database;
mod environment;
mod files;
mod flags;
mod forge;
mod found;
mod git;
mod grammar;
mod install;
mod interpreter;
mod look;
mod network;
mod operand;
mod path;
mod removal;
mod runner;
mod scope;
mod script;
mod shell;
mod sweep;
mod task;
mod walk;
mod word;
mod wrapper;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;
use std::panic::AssertUnwindSafe;

use writ_model::{EffectClass, PackageSource, Resource};

pub(crate) use code::{Sort, language_of, of_file};
pub(crate) use git::files::{ALL_FILES, RESTORED, SWITCHED};
pub use look::{Look, MAX_LOOK_BYTES};
pub use path::{is_protected_path, is_secret_path};
pub(crate) use path::{is_rebuilt_name as is_rebuilt, is_way_out};

/// Longest command text that is read, in bytes. Longer is `unknown`.
pub const MAX_COMMAND_BYTES: usize = 256 * 1024;

/// What is known about the place where the command would run. All paths are absolute.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// Root of the workspace the task was opened for.
    pub workspace: Option<&'a str>,
    /// Working directory of the command.
    pub cwd: Option<&'a str>,
    /// Home directory of the user.
    pub home: Option<&'a str>,
    /// Sees the files that name tasks: makefiles, scripts of packages. Without it a task is project code.
    pub look: Option<&'a dyn Look>,
}

/// Everything a command would do, as far as it can be read.
#[derive(Clone, Debug)]
pub struct Classified {
    /// The effects, each once, in the order they were found. Never empty.
    pub effects: Vec<Effect>,
    /// The worst class among the effects; `Unknown` when any part could not be read.
    pub worst: EffectClass,
    /// Files that the command would execute, as written: `./deploy.sh`, the script of `bash x.sh` or `python x.py`.
    pub runs: Vec<String>,
    /// Words that may name a file that is read inside the workspace, each once. They have no effect of their own here;
    /// who can look at the file system sees which of them are files, and where a link leads.
    pub reads: Vec<String>,
    /// Folders that are read with everything below them. Likewise without an effect of their own.
    pub sweeps: Vec<Sweep>,
    /// Files whose text the line itself gives, in its order.
    pub written: Vec<Written>,
}

/// A file whose text a command line gives: `printf x > FILE`, `cat > FILE <<EOF`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// As written, seen from the working directory.
    pub file: String,
    pub text: String,
    /// It comes behind what the file held.
    pub appends: bool,
}

/// A folder that is read with everything below it, hidden and ignored files too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// As written, seen from the working directory.
    pub folder: String,
    /// Patterns of names, or of paths, one of which a file must match; none: all files.
    pub only: Vec<String>,
    /// Patterns that leave a file or a folder out.
    pub except: Vec<String>,
}

/// One effect: a class, the resource it touches, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    pub class: EffectClass,
    pub target: Target,
    pub why: Why,
}

/// The resource an effect touches. Texts are as written, with variables that are known filled in and unknown parts
/// shown as `?`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A program and its subcommand: `cargo test`.
    Command(String),
    /// A host, with its port when one is written.
    Host(String),
    /// A package, or all that a lock file or a manifest names.
    Package(Package),
    /// A file or directory.
    Path(String),
    /// A git remote (or its URL) and the refs of a push, in order.
    Remote { remote: String, refs: Vec<String> },
    /// A file, variable or store that holds credentials.
    Secret(String),
    /// What a request that is written out is about.
    Thing(Resource),
    /// Nobody can say.
    Unknown,
}

/// A package of an installation. `name` is the normal one of its ecosystem, without a version, and `*` for all that a lock
/// file or manifest names; a package with a place of its own has that for its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Package {
    pub name: String,
    pub version: String,
    /// `npm`, `pypi`, `crates`, `go`, ...; empty where that is not known.
    pub ecosystem: &'static str,
    pub source: PackageSource,
}

/// Where an effect was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// Byte range of the simple command in the original text. Text inside `bash -c '…'` and the like points at the
    /// outermost command.
    pub span: Option<Range<usize>>,
    /// Stable name of the rule.
    pub rule: Cow<'static, str>,
    /// One sentence for a person.
    pub text: String,
}

/// Reads `command` and says what it would do.
///
/// Never fails and never panics: what cannot be read is an effect of class [`EffectClass::Unknown`]. Runs in time
/// bounded by [`MAX_COMMAND_BYTES`] and the limits in `grammar`.
pub fn classify(command: &str, facts: &Facts<'_>) -> Classified {
    // The parser is foreign code on hostile text. Its known traps are refused before it runs; this is the net below.
    // Whoever looks at files for it keeps no state that a panic could leave half changed.
    std::panic::catch_unwind(AssertUnwindSafe(|| walk::classify(command, facts)))
        .unwrap_or_else(|_| Classified::unknown("grammar.crashed", "the command could not be read"))
}

/// The syntax tree of a text; nothing where it is no shell, or more of it than is read.
pub(crate) fn parsed(text: &str) -> Option<brush_parser::ast::Program> {
    std::panic::catch_unwind(|| grammar::parse(&grammar::normalise(text)).ok()).ok().flatten()
}

/// A word of the syntax tree without its quotation marks; nothing where the shell fills in a part of it.
pub(crate) fn whole_word(raw: &str) -> Option<String> {
    word::pieces(raw)
        .into_iter()
        .map(|piece| match piece {
            word::Piece::Text { text, .. } => Some(text.into_owned()),
            word::Piece::Variable { .. } | word::Piece::Command { .. } | word::Piece::Arithmetic { .. } => {
                None
            }
        })
        .collect()
}

// === impl Package ===

impl Package {
    /// A package of the index that is set up.
    pub fn named(ecosystem: &'static str, name: &str) -> Self {
        Self { name: name.to_owned(), version: String::new(), ecosystem, source: PackageSource::Registry }
    }
}

// === impl Classified ===

impl Classified {
    /// The class to show for the whole command.
    ///
    /// Differs from `worst` only when something is unknown: then it is the worst class that there is evidence for,
    /// where starting an unlisted program counts as running code (`build-test`). A command that could not be parsed
    /// and shows nothing is `unknown`. For reports; a decision looks at every effect.
    pub fn label(&self) -> EffectClass {
        let known = self
            .effects
            .iter()
            .map(|effect| effect.class)
            .filter(|class| *class != EffectClass::Unknown)
            .max();
        let starts_unlisted = self.effects.iter().any(|effect| {
            effect.class == EffectClass::Unknown
                && matches!(effect.target, Target::Command(_) | Target::Path(_))
        });
        match known {
            Some(class) if starts_unlisted => class.max(EffectClass::BuildTest),
            Some(class) => class,
            None if starts_unlisted => EffectClass::BuildTest,
            None => EffectClass::Unknown,
        }
    }

    fn unknown(rule: &'static str, text: &str) -> Self {
        let why = Why { span: None, rule: Cow::Borrowed(rule), text: text.to_owned() };
        Self {
            effects: vec![Effect { class: EffectClass::Unknown, target: Target::Unknown, why }],
            worst: EffectClass::Unknown,
            runs: Vec::new(),
            reads: Vec::new(),
            sweeps: Vec::new(),
            written: Vec::new(),
        }
    }
}
