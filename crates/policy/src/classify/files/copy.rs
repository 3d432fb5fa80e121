//! Programs that copy: `cp`, `mv`, `ln`, `install`, `dd`, archives.

use writ_model::EffectClass;

use super::super::path::{self, Place};
use super::super::walk::Walk;
use super::super::word::Value;
use super::super::{Target, flags};
use super::is_set_id;

// === impl Walk ===

impl Walk<'_> {
    /// A second name for a file: whoever writes to the new one writes to the file, whatever the new one is called.
    fn leads_to(&mut self, source: &Value, written: &str) {
        let path = self.resolved(source);
        let is_hidden = |part: &str| part.starts_with('.') && part != "." && part != "..";
        if path::place(&path, self.facts) == Place::Outside {
            self.writes_path(source, false);
        } else if written.split('/').any(is_hidden) {
            let text = "gives a second name to files that may decide what runs";
            self.effect(EffectClass::WriteWorkspace, Target::Unknown, "path.link", text);
        }
    }

    /// `cp`, `mv`, `ln`, `install`: sources are read, the last path is written.
    pub(super) fn copies(&mut self, program: &str, args: &[Value]) {
        let directory = flags::values(args, "-t --target-directory");
        let mut paths =
            flags::positionals(args, "-t --target-directory -S --suffix -m -o -g --mode --owner --group");
        let target = if directory.is_empty() && paths.len() > 1 { paths.pop() } else { None };
        let is_symbolic = program == "ln" && flags::has_any(args, "-s --symbolic");
        for source in &paths {
            // What a link leads to is seen from where the link lies.
            let folder = target.filter(|_| is_symbolic && !source.text.starts_with(['/', '~']));
            let folder = folder.and_then(|link| link.literal()?.rsplit_once('/'));
            match folder {
                Some((folder, _)) => {
                    let led = Value { text: format!("{folder}/{}", source.text), ..(*source).clone() };
                    self.reads_path(&led, "argument.copied");
                    self.leads_to(&led, &source.text);
                }
                None => {
                    self.reads_path(source, "argument.copied");
                    if program == "ln" {
                        self.leads_to(source, &source.text);
                    }
                }
            }
            // What is moved is gone from where it was.
            if program == "mv" {
                self.writes_path(source, false);
            }
            let normal = self.resolved(source);
            if normal.contains("bin/")
                && normal.rsplit('/').next().is_some_and(super::super::command::is_shell)
            {
                let text = "puts a shell under another name";
                self.effect(EffectClass::EscapeAttempt, Target::Path(source.shown()), "path.shell", text);
            }
            if source.text == "/dev/null"
                && let Some(target) = target
            {
                self.writes_path(target, true);
            }
            let is_root = normal == "/"
                || normal == "~"
                || (normal.starts_with('/') && normal.matches('/').count() == 1);
            if program == "mv" && is_root && path::place(&normal, self.facts) == Place::Outside {
                let text = "moves a folder of the system away";
                self.effect(EffectClass::Destructive, Target::Path(source.shown()), "path.remove", text);
            }
            if program == "mv" && target.is_some_and(|target| target.text == "/dev/null") {
                self.effect(
                    EffectClass::Destructive,
                    Target::Path(source.shown()),
                    "path.remove",
                    "moves a file to nowhere",
                );
            }
            if program == "mv"
                && path::place(&self.resolved(source), self.facts) == Place::Outside
                && path::is_log(&self.resolved(source))
            {
                self.effect(
                    EffectClass::Destructive,
                    Target::Path(source.shown()),
                    "path.log",
                    "moves a log away",
                );
            }
        }
        for path in directory {
            self.writes_path(&Value::known(path), false);
        }
        match target {
            Some(target) => self.writes_path(target, false),
            None => self.effect(
                EffectClass::WriteWorkspace,
                Target::Command(program.to_owned()),
                "path.write",
                "writes files",
            ),
        }
        let mode = flags::values(args, "-m --mode");
        if mode.iter().any(|mode| is_set_id(mode)) {
            self.effect(
                EffectClass::IdentityChange,
                Target::Command(program.to_owned()),
                "path.set-id",
                "lets the file run as its owner",
            );
        }
        if let (Some(target), [source]) = (target.and_then(|target| target.literal()), paths.as_slice())
            && let Some(name) = source.literal()
        {
            if path::is_template(&self.resolved(source)) {
                self.scope.wrote(target, String::new(), false);
            }
            if let Some(text) = self.scope.file(name).map(str::to_owned) {
                self.wrote_text(target, text, false);
            }
            if self.scope.was_fetched(name) {
                self.scope.fetched.push(target.to_owned());
            }
        }
    }

    pub(super) fn dd(&mut self, args: &[Value]) {
        let writes = args.iter().any(|arg| arg.text.starts_with("of="));
        let class = if writes { EffectClass::WriteWorkspace } else { EffectClass::Read };
        self.effect(class, Target::Command("dd".to_owned()), "command.dd", "copies bytes");
        for arg in args {
            if let Some(path) = arg.text.strip_prefix("of=") {
                self.writes_path(&Value { text: path.to_owned(), ..arg.clone() }, false);
            } else if let Some(path) = arg.text.strip_prefix("if=") {
                self.reads_path(&Value { text: path.to_owned(), ..arg.clone() }, "argument.read");
            }
        }
    }

    pub(super) fn archives(&mut self, program: &str, args: &[Value]) {
        let first = args.first().map(|arg| arg.text.trim_start_matches('-')).unwrap_or_default();
        let lists = match program {
            "cpio" => flags::has_any(args, "-t --list"),
            "zip" => flags::has(args, "-sf"),
            _ => {
                (first.contains('t') && !first.starts_with("-") && !first.contains('='))
                    || flags::has(args, "--list")
            }
        };
        let lists = lists && !flags::has_any(args, "-x -c --create --extract");
        let class = if lists { EffectClass::Read } else { EffectClass::WriteWorkspace };
        self.effect(class, Target::Command(program.to_owned()), "command.archive", "packs or unpacks files");
        let runs = flags::values(
            args,
            "--to-command --checkpoint-action -I --use-compress-program -TT --unzip-command --rsh-command -F",
        );
        for text in runs {
            let text = text.strip_prefix("exec=").unwrap_or(text);
            if text.contains(' ') || text.contains('/') || super::super::command::is_shell(text) {
                self.nested(text);
            }
        }
        // Nobody packs files by these: they are known as ways to have a program run by another.
        if flags::values(args, "--checkpoint-action").iter().any(|action| action.starts_with("exec"))
            || (program == "zip" && !flags::values(args, "-TT --unzip-command").is_empty())
        {
            self.breaks_out(program);
        }
        let creates = !lists && (first.contains('c') || program == "zip" || flags::has(args, "--create"));
        for file in flags::positionals(args, "-C -f --exclude -T -I").iter().filter(|_| creates) {
            self.reads_path(file, "argument.packed");
        }
        for path in flags::values(args, "-C --directory").iter().filter(|_| !lists && !creates) {
            self.writes_path(&Value::known(*path), false);
        }
    }
}
