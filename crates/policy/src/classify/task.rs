//! Tasks of a project: what `make x`, `npm run x`, `just x` would run, where the file that says so can be seen.
//!
//! Running a task is running project code, whatever its body holds. The body only adds to that: a script that
//! publishes makes its call publish. So of a body only those effects are kept that reach beyond building; what it
//! reads, writes, or starts that nobody knows is project code at work.

mod just;
mod make;
mod scripts;
mod tables;
mod taskfile;

use writ_model::EffectClass;

use super::walk::Walk;
use super::word::{UNKNOWN, Value};
use super::{Effect, Target, Why, flags};

/// Tasks inside tasks.
const MAX_DEPTH: usize = 8;
/// Tasks that are looked up for one command.
const MAX_TASKS: usize = 48;
/// Steps of one task.
const MAX_STEPS: usize = 200;
/// Folders upwards in which a file is looked for.
const MAX_UP: usize = 8;

/// What a task runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Body {
    /// Other tasks, before it.
    needs: Vec<String>,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// Text for a shell.
    Shell(String),
    /// Code for an interpreter.
    Code { language: String, text: String },
    /// Another task of the same file.
    Task(String),
}

/// A task as it is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub program: &'a str,
    /// Folder the program is told to work in.
    pub folder: Option<&'a str>,
    /// File the program is told to read.
    pub file: Option<&'a str>,
    /// The task; without one the file's first or usual.
    pub name: Option<&'a str>,
    /// What is passed on to it, or sets its variables.
    pub arguments: &'a [Value],
}

/// State of the look-up in one command.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    open: Vec<String>,
    seen: usize,
    /// The files that were seen.
    pub files: Vec<String>,
}

/// What a look at a task gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resolved {
    /// No file, or no such task in it.
    NotThere,
    /// Its body was read, and something in it runs code of its own.
    Partly,
    /// All that it runs is known.
    Wholly,
}

// === impl Asked ===

impl<'a> Asked<'a> {
    /// A task by its name alone.
    pub(super) const fn named(program: &'a str, name: &'a str) -> Self {
        Self { program, folder: None, file: None, name: Some(name), arguments: &[] }
    }
}

// === impl Walk ===

impl Walk<'_> {
    /// Reads the body of a task and keeps what reaches beyond building.
    pub(super) fn resolve(&mut self, asked: Asked<'_>) -> Resolved {
        let Some((file, text)) = self.task_file(asked) else { return Resolved::NotThere };
        self.resolve_in(asked, &file, &text)
    }

    fn resolve_in(&mut self, asked: Asked<'_>, file: &str, text: &str) -> Resolved {
        if self.tasks.open.len() >= MAX_DEPTH || self.tasks.seen >= MAX_TASKS {
            return Resolved::Partly;
        }
        self.tasks.seen += 1;
        let Some((name, body)) = find(asked, text) else { return Resolved::NotThere };
        let key = format!("{file} {name}");
        if self.tasks.open.contains(&key) {
            return Resolved::Wholly;
        }
        self.tasks.open.push(key);
        let mut resolved = Resolved::Wholly;
        for need in &body.needs {
            let need = Asked { name: Some(need), arguments: &[], ..asked };
            if self.resolve_in(need, file, text) == Resolved::Partly {
                resolved = Resolved::Partly;
            }
        }
        for step in body.steps.iter().take(MAX_STEPS) {
            let is_known = match step {
                Step::Shell(text) => self.body(asked.program, &name, |walk| walk.nested(text)),
                Step::Code { language, text } => {
                    self.body(asked.program, &name, |walk| walk.code(text, language))
                }
                Step::Task(other) => {
                    let other = Asked { name: Some(other), arguments: &[], ..asked };
                    self.resolve_in(other, file, text) == Resolved::Wholly
                }
            };
            if !is_known {
                resolved = Resolved::Partly;
            }
        }
        self.tasks.open.pop();
        resolved
    }

    /// Judges a part of a body and keeps what counts. `true` when nothing in it runs code of its own.
    fn body(&mut self, program: &str, task: &str, act: impl FnOnce(&mut Self)) -> bool {
        let inner = self.apart(act);
        let is_known =
            !inner.iter().any(|effect| matches!(effect.class, EffectClass::BuildTest | EffectClass::Unknown));
        for Effect { class, target, why } in inner.into_iter().filter(reaches_beyond) {
            // The innermost task is the one to look at.
            let text = if why.text.ends_with("`)") && why.text.contains(" (in `") {
                why.text
            } else {
                format!("{} (in `{program} {task}`)", why.text)
            };
            self.keep(Effect { class, target, why: Why { text, ..why } });
        }
        is_known
    }

    /// The file that holds the task: one the line has written itself, or one that can be seen.
    fn task_file(&mut self, asked: Asked<'_>) -> Option<(String, String)> {
        let names = match asked.file {
            Some(file) => vec![file],
            None => files_of(asked.program).split(' ').filter(|name| !name.is_empty()).collect(),
        };
        if asked.folder.is_none()
            && let Some((name, text)) =
                names.iter().find_map(|name| Some(((*name).to_owned(), self.scope.file(name)?.to_owned())))
        {
            return Some((name, text));
        }
        if asked.file == Some("-") {
            return Some(("-".to_owned(), self.feed.text.clone()?));
        }
        if self.is_elsewhere {
            return None;
        }
        let look = self.facts.look?;
        let mut folder = self.folder(asked.folder)?;
        let goes_up = asked.file.is_none() && !matches!(asked.program, "make" | "gmake" | "composer");
        for _ in 0..MAX_UP {
            for name in &names {
                let path =
                    if name.starts_with('/') { (*name).to_owned() } else { format!("{folder}/{name}") };
                if let Some(text) = look.text(&path) {
                    if !self.tasks.files.contains(&path) {
                        self.tasks.files.push(path.clone());
                    }
                    return Some((path, text));
                }
            }
            match folder.rsplit_once('/') {
                Some((above, _)) if goes_up && !above.is_empty() => folder = above.to_owned(),
                _ => return None,
            }
        }
        None
    }

    /// The folder of the command, absolute; `None` where only the run will tell.
    pub(super) fn folder(&self, within: Option<&str>) -> Option<String> {
        let start = self.facts.cwd.or(self.facts.workspace)?;
        let mut parts: Vec<&str> = start.split('/').filter(|part| !part.is_empty()).collect();
        for step in [self.scope.directory.as_deref(), within].into_iter().flatten() {
            if step.contains([UNKNOWN, '*', '$']) || step.starts_with('~') {
                return None;
            }
            if step.starts_with('/') {
                parts.clear();
            }
            for part in step.split('/') {
                match part {
                    "" | "." => {}
                    ".." => _ = parts.pop(),
                    part => parts.push(part),
                }
            }
        }
        Some(format!("/{}", parts.join("/")))
    }
}

/// Effects of a body that the word `project code` does not cover.
fn reaches_beyond(effect: &Effect) -> bool {
    match effect.class {
        EffectClass::Read | EffectClass::WriteWorkspace | EffectClass::BuildTest => false,
        EffectClass::Unknown => effect.why.rule == "grammar.too-much",
        // A project removes and ends what it has made itself.
        EffectClass::Destructive => match &effect.target {
            Target::Path(path) => path.starts_with(['/', '~']),
            Target::Unknown => false,
            Target::Command(command) => command != "kill",
            Target::Host(_)
            | Target::Package(_)
            | Target::Remote { .. }
            | Target::Secret(_)
            | Target::Thing(_) => true,
        },
        EffectClass::Network
        | EffectClass::PackageInstall
        | EffectClass::GitPush
        | EffectClass::Publish
        | EffectClass::Deploy
        | EffectClass::SecretRead
        | EffectClass::IdentityChange
        | EffectClass::EscapeAttempt => true,
    }
}

/// The files in which a program looks for its tasks, in its order.
fn files_of(program: &str) -> &'static str {
    match program {
        "make" => "GNUmakefile makefile Makefile",
        "gmake" => "GNUmakefile makefile Makefile",
        "just" => "justfile Justfile .justfile",
        "task" => "Taskfile.yml taskfile.yml Taskfile.yaml taskfile.yaml Taskfile.dist.yml",
        "npm" | "pnpm" | "yarn" | "bun" => "package.json",
        "deno" => "deno.json deno.jsonc package.json",
        "composer" => "composer.json",
        "cargo" => ".cargo/config.toml .cargo/config",
        "cargo make" => "Makefile.toml",
        "poe" | "pdm" | "taskipy" => "pyproject.toml",
        "mise" => "mise.toml .mise.toml",
        _ => "",
    }
}

/// The task in the text of its file: its name, and what it runs.
fn find(asked: Asked<'_>, text: &str) -> Option<(String, Body)> {
    match asked.program {
        "make" | "gmake" => make::find(text, asked.name, asked.arguments),
        "just" => just::find(text, asked.name),
        "task" => taskfile::find(text, asked.name),
        "npm" | "pnpm" | "yarn" | "bun" | "deno" | "composer" => {
            scripts::find(text, asked.program, asked.name?, asked.arguments)
        }
        "cargo" | "cargo make" | "poe" | "pdm" | "taskipy" | "mise" => {
            tables::find(text, asked.program, asked.name?, asked.arguments)
        }
        _ => None,
    }
}

/// Arguments as they stand on a command line.
fn quoted(arguments: &[Value]) -> String {
    let mut out = String::new();
    for argument in arguments {
        out.push_str(" '");
        out.push_str(&argument.shown().replace('\'', "'\\''"));
        out.push('\'');
    }
    out
}

/// Text with `{{ … }}` of a template as a variable nobody knows.
fn without_templates(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((_, tail)) = after.split_once("}}") else {
            rest = after;
            continue;
        };
        out.push_str("${_}");
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// The value of an option that names a folder or a file.
pub(super) fn given<'a>(args: &'a [Value], options: &str) -> Option<&'a str> {
    flags::values(args, options).last().copied()
}
