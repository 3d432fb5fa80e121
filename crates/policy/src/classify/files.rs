//! Programs that work on files: copy, link, archive, edit in place, search and act.

mod copy;
mod edit;
mod find;

use writ_model::EffectClass;

use super::catalogue;
use super::path::{self, Place};
use super::task::{self, Asked, Resolved};
use super::walk::Walk;
use super::word::{self, Value};
use super::{Target, flags};

pub(super) const KNOWN: &str = "rm unlink trash trash-put rimraf del-cli find gfind fd fdfind cp mv ln install rename tee cat dd sed \
    gsed awk gawk mawk nawk tar gtar bsdtar cpio chmod truncate base64 base32 basenc xxd uudecode gunzip \
    zcat bzcat xzcat zstdcat gzip bzip2 xz rev tr vi vim nvim view ex emacs grep egrep fgrep rg ag ack \
    zgrep find2perl zip dmesg ps kill make gmake just task date hostname ip which pwd mktemp ifconfig \
    sort tty";

// === impl Walk ===

impl Walk<'_> {
    /// `false` when the program is none of these.
    pub(super) fn file_tool(&mut self, program: &str, args: &[Value]) -> bool {
        match program {
            "rm" | "unlink" | "trash" | "trash-put" | "rimraf" | "del-cli" => {
                let recursive =
                    matches!(program, "rimraf" | "del-cli") || flags::has_any(args, "-r -R --recursive");
                if recursive && !flags::has_any(args, "-r -R --recursive") {
                    for path in flags::positionals(args, "") {
                        self.removes_path(path, true);
                    }
                } else {
                    self.removes(program, args);
                }
            }
            "find" | "gfind" => self.find(args),
            "fd" | "fdfind" => self.fd(args),
            "cp" | "mv" | "ln" | "install" => self.copies(program, args),
            "tee" => {
                for path in flags::positionals(args, "") {
                    self.writes_path(path, false);
                    match (self.feed.text.clone(), path.literal()) {
                        (Some(text), Some(name)) => {
                            self.wrote_text(name, text, flags::has_any(args, "-a --append"));
                        }
                        (None, Some(name)) if self.feed.marks.is_foreign() => {
                            self.scope.fetched.push(name.to_owned());
                        }
                        (None | Some(_), _) => {}
                    }
                }
                self.plain_read(program);
                self.printed = self.feed.text.clone();
            }
            "cat" => self.cat(args),
            "tty" => {
                self.plain_read(program);
                self.printed = Some("/dev/tty".to_owned());
            }
            "which" | "pwd" => {
                self.plain_read(program);
                self.printed = match program {
                    "which" => flags::positionals(args, "")
                        .first()
                        .and_then(|name| name.literal())
                        .map(str::to_owned),
                    _ => Some(self.scope.directory.clone().unwrap_or_else(|| ".".to_owned())),
                };
            }
            "dd" => self.dd(args),
            "sed" | "gsed" => self.sed(args),
            "awk" | "gawk" | "mawk" | "nawk" => self.awk(args),
            "tar" | "gtar" | "bsdtar" | "cpio" | "zip" => self.archives(program, args),
            "chmod" => self.chmod(args),
            "truncate" => {
                for path in flags::positionals(args, "-s --size -r") {
                    self.writes_path(path, true);
                }
            }
            "base64" | "base32" | "basenc" | "xxd" | "uudecode" | "gunzip" | "zcat" | "bzcat" | "xzcat"
            | "zstdcat" | "gzip" | "bzip2" | "xz" | "rev" | "tr" => self.decodes(program, args),
            "vi" | "vim" | "nvim" | "view" | "ex" | "emacs" => self.edits(program, args),
            "grep" | "egrep" | "fgrep" | "rg" | "ag" | "ack" | "zgrep" => self.searches(program, args),
            "dmesg" if flags::has_any(args, "-c -C --clear") => {
                let target = Target::Path("kernel log".to_owned());
                self.effect(EffectClass::Destructive, target, "path.log", "empties a log");
            }
            "ps" if args.first().is_some_and(|arg| !arg.text.starts_with('-') && arg.text.contains('e')) => {
                let target = Target::Secret("environment of processes".to_owned());
                self.effect(
                    EffectClass::SecretRead,
                    target,
                    "environment.whole",
                    "prints the environment of processes",
                );
            }
            "date" | "hostname" if changes_system(program, args) => {
                self.effect(
                    EffectClass::IdentityChange,
                    Target::Command(program.to_owned()),
                    "system.setting",
                    "changes the machine",
                );
            }
            "ip" | "ifconfig"
                if args.iter().any(|arg| {
                    matches!(arg.text.as_str(), "add" | "del" | "set" | "flush" | "up" | "down" | "replace")
                }) =>
            {
                self.effect(
                    EffectClass::IdentityChange,
                    Target::Command(program.to_owned()),
                    "system.setting",
                    "changes the network of the machine",
                );
            }
            "ip" if args.first().is_some_and(|sub| sub.text.starts_with("net"))
                && args.iter().any(|arg| arg.text == "exec") =>
            {
                let target = Target::Command("ip netns".to_owned());
                self.effect(
                    EffectClass::IdentityChange,
                    target,
                    "wrapper.own",
                    "runs a command in another network",
                );
                let at = args.iter().position(|arg| arg.text == "exec").unwrap_or_default();
                self.argv(args.get(at + 2..).unwrap_or_default());
            }
            "kill" => self.kill(args),
            "make" | "gmake" | "just" | "task" => self.task_runner(program, args),
            "sort" => {
                for output in flags::values(args, "-o --output") {
                    self.writes_path(&Value::known(output), false);
                }
                for text in flags::values(args, "--compress-program") {
                    self.nested(text);
                }
                return false;
            }
            _ => return false,
        }
        true
    }

    fn cat(&mut self, args: &[Value]) {
        self.plain_read("cat");
        let files = flags::positionals(args, "");
        for file in &files {
            self.reads_path(file, "argument.read");
        }
        match files.as_slice() {
            [] => self.printed = self.feed.text.clone(),
            [only] if only.text == "-" => self.printed = self.feed.text.clone(),
            [only] => {
                self.printed = only.literal().and_then(|name| self.scope.file(name)).map(str::to_owned);
                self.marks.fetched |= only.literal().is_some_and(|name| self.scope.was_fetched(name));
            }
            _ => {}
        }
        if files.is_empty() {
            self.marks = self.marks.and(self.feed.marks);
        }
    }

    /// A program that is only used so that it starts another one.
    pub(super) fn breaks_out(&mut self, program: &str) {
        let text = "an option makes the program start another one";
        let target = Target::Command(program.to_owned());
        self.effect(EffectClass::EscapeAttempt, target, "argument.runs", text);
    }

    fn chmod(&mut self, args: &[Value]) {
        let words = flags::positionals(args, "--reference");
        let mode = words.first().map(|mode| mode.text.as_str()).unwrap_or_default();
        let recursive = flags::has_any(args, "-R --recursive");
        // `-x` and `-w,g-r` are modes that look like options.
        let takes_away = args.iter().any(|arg| {
            let letters = arg.text.strip_prefix('-').and_then(|rest| rest.split([',', '=', '+', '-']).next());
            letters.is_some_and(|letters| {
                !letters.is_empty() && letters.chars().all(|c| matches!(c, 'r' | 'w' | 'x' | 'X' | 's' | 't'))
            })
        });
        for file in words.iter().skip(usize::from(!takes_away)) {
            let normal = self.resolved(file);
            let is_account = path::is_protected(&normal) && normal.starts_with("/etc/");
            let is_system = recursive
                && path::place(&normal, self.facts) == Place::Outside
                && normal.matches('/').count() <= 2;
            let class = if is_set_id(mode) || is_account || is_system {
                EffectClass::IdentityChange
            } else {
                EffectClass::WriteWorkspace
            };
            self.effect(class, Target::Path(file.shown()), "path.mode", "changes who may use the file");
        }
        if words.len() < 2 && !takes_away {
            let class =
                if is_set_id(mode) { EffectClass::IdentityChange } else { EffectClass::WriteWorkspace };
            self.effect(class, Target::Command("chmod".to_owned()), "path.mode", "changes who may use files");
        }
    }

    fn decodes(&mut self, program: &str, args: &[Value]) {
        let decodes = match program {
            "base64" | "base32" | "basenc" => flags::has_any(args, "-d -D --decode"),
            "xxd" => flags::has_any(args, "-r -revert"),
            "gzip" | "bzip2" | "xz" => flags::has_any(args, "-d -dc --decompress -c"),
            _ => true,
        };
        self.marks.decoded |= decodes;
        let files = flags::positionals(args, "-w --wrap -l -s -c");
        if let Some(listed) = catalogue::lookup(program, args) {
            let writes = matches!(program, "gunzip" | "gzip" | "bzip2" | "xz")
                && !flags::has_any(args, "-c --stdout -l -t")
                && !self.feed.is_some;
            let class =
                if writes { listed.class.max(EffectClass::WriteWorkspace) } else { EffectClass::Read };
            self.effect(class, Target::Command(program.to_owned()), "command.decode", "encodes or decodes");
        } else {
            self.plain_read(program);
        }
        if program != "tr" {
            for file in files {
                self.reads_path(file, "argument.read");
            }
        }
    }

    /// Looks for text in files. Looking for the value of a credential is reading it.
    fn searches(&mut self, program: &str, args: &[Value]) {
        self.plain_read(program);
        let given = flags::values(args, "-e --regexp");
        let words = flags::positionals(
            args,
            "-e --regexp -f -A -B -C -m -g --glob -t --type --include --exclude --exclude-dir -T",
        );
        let pattern = given
            .first()
            .copied()
            .or_else(|| words.first().map(|word| word.text.as_str()))
            .unwrap_or_default();
        let files = words.iter().skip(usize::from(given.is_empty()));
        let names_only = flags::has_any(args, "-l -L -c -q --count --files-with-matches --files --quiet");
        // All that a home or a system holds, searched for the name of a credential.
        let is_wide = flags::has_any(args, "-r -R --recursive") || matches!(program, "rg" | "ag" | "ack");
        let seeks_name = is_wide
            && super::environment::is_secret_name(pattern)
            && files.clone().any(|file| {
                let place = path::place(&self.resolved(file), self.facts);
                place == Place::Outside
            });
        // What is piped in is only read where no file is named.
        let reads_pipe = self.feed.is_some && files.clone().next().is_none();
        if (seeks_secret(pattern) || seeks_name) && !reads_pipe {
            let target = Target::Secret(word::shown(pattern));
            self.effect(
                EffectClass::SecretRead,
                target,
                "search.secret",
                "looks for the value of a credential",
            );
        }
        for file in files.filter(|_| !names_only) {
            self.reads_path(file, "argument.read");
        }
        for text in flags::values(args, "--pre --hostname-bin") {
            self.runs_file(text);
        }
    }

    fn kill(&mut self, args: &[Value]) {
        let words = flags::positionals(args, "-s -n");
        let is_own = !words.is_empty()
            && words.iter().all(|word| {
                word.text.starts_with('%')
                    || word.from.as_deref().is_some_and(|name| name == "!" || self.holds_own_job(name))
            });
        let class = if flags::has_any(args, "-l -L -0") {
            EffectClass::Read
        } else if is_own {
            EffectClass::WriteWorkspace
        } else {
            EffectClass::Destructive
        };
        self.effect(class, Target::Command("kill".to_owned()), "process.kill", "ends processes");
    }

    /// Whether a variable was set from `$!` and from nothing else.
    fn holds_own_job(&self, name: &str) -> bool {
        let values = self.scope.values(name);
        !values.is_empty() && values.iter().all(|value| value.from.as_deref() == Some("!"))
    }

    /// Targets of `make` and its like are project code; some names promise more.
    fn task_runner(&mut self, program: &str, args: &[Value]) {
        for arg in args {
            if let Some((name, text)) =
                arg.text.split_once('=').filter(|(name, _)| matches!(*name, "SHELL" | "MAKEFLAGS"))
            {
                // A make that only says which shell runs its recipes changes nothing.
                if !super::command::is_shell(text.rsplit('/').next().unwrap_or_default()) {
                    self.command_setting(name, &Value { text: text.to_owned(), ..arg.clone() });
                }
            }
            if let Some(text) = arg.text.strip_prefix("--eval=") {
                self.make_text(text);
            }
        }
        for text in flags::values(args, "--eval -E") {
            self.make_text(text);
        }
        let words =
            flags::positionals(args, "-C -f -j -I -o -W --directory --file -d -t --taskfile --justfile");
        let folder = task::given(args, "-C -d --dir --directory --working-directory");
        let file = task::given(args, "-f --file --makefile --justfile -t --taskfile");
        let arguments: Vec<Value> =
            words.iter().filter(|word| word.text.contains('=')).map(|word| (*word).clone()).collect();
        let asked = Asked { program, folder, file, name: None, arguments: &arguments };
        if words.iter().all(|word| word.text.contains('=')) {
            let target = Target::Command(program.to_owned());
            self.effect(EffectClass::BuildTest, target, "task.run", "runs project code");
            self.resolve(asked);
        }
        for word in
            words.iter().filter(|word| !word.text.contains('=') && super::command::starts_shell(&word.text))
        {
            let text = "starts a shell out of another program";
            self.effect(EffectClass::EscapeAttempt, Target::Command(word.shown()), "argument.shell", text);
        }
        for word in words.iter().filter(|word| !word.text.contains('=')) {
            self.project_task(Asked { name: Some(&word.shown()), ..asked });
        }
    }

    /// A recipe given on the command line: each line that follows a tab, and `$(shell …)`.
    fn make_text(&mut self, text: &str) {
        for line in text.lines().skip(1).chain(text.split_once("$(shell ").map(|(_, tail)| tail)) {
            self.nested(line.trim_start_matches(['\t', '@', '-', ' ']));
        }
    }

    /// `make deploy`, `npm run release`: project code, and by its name perhaps more.
    pub(super) fn project_task(&mut self, asked: Asked<'_>) {
        let Asked { program, name: Some(task), .. } = asked else { return };
        let target = Target::Command(format!("{program} {task}"));
        self.effect(EffectClass::BuildTest, target.clone(), "task.run", "runs project code");
        if self.resolve(asked) == Resolved::Wholly {
            return;
        }
        let parts: Vec<&str> = task.split([':', '-', '_', '.', '/']).collect();
        let has = |names: &[&str]| parts.iter().any(|part| names.contains(part));
        let class = if has(&["deploy", "rollback", "undeploy"]) || parts.first() == Some(&"ship") {
            EffectClass::Deploy
        } else if has(&["publish"])
            || parts.first() == Some(&"release")
            || (has(&["push"]) && has(&["docker", "image", "images", "container"]))
        {
            EffectClass::Publish
        } else {
            return;
        };
        let is_rehearsal = ["dry", "check", "test", "build", "preview", "note", "local", "lint"]
            .iter()
            .any(|word| task.contains(word));
        if !is_rehearsal {
            self.effect(class, target, "task.name", "its name says that it reaches beyond the workspace");
        }
    }
}

fn is_set_id(mode: &str) -> bool {
    let octal = mode.len() == 4 && mode.bytes().all(|byte| byte.is_ascii_digit());
    (octal && mode.starts_with(['2', '4', '5', '6', '7']))
        || (mode.contains('+') && mode.split('+').skip(1).any(|bits| bits.contains('s')))
        || mode.contains("=s")
}

fn changes_system(program: &str, args: &[Value]) -> bool {
    match program {
        "date" => flags::has_any(args, "-s --set"),
        _ => args.first().is_some_and(|arg| !arg.text.starts_with('-')),
    }
}

/// Whether a search is after the value of a credential rather than after code that names one.
pub(super) fn seeks_secret(pattern: &str) -> bool {
    const SHAPES: &[&str] = &[
        "AKIA",
        "ASIA",
        "ghp_",
        "gho_",
        "github_pat_",
        "glpat-",
        "xox",
        "sk-",
        "sk_live",
        "hf_[",
        "AIza",
        "PRIVATE KEY",
        "BEGIN RSA",
        "BEGIN OPENSSH",
        "npm_[",
    ];
    let names_value = pattern.split(['|', '(']).any(|part| {
        part.find(['=', ':']).is_some_and(|at| part.get(..at).is_some_and(super::environment::is_secret_name))
    });
    names_value || SHAPES.iter().any(|shape| pattern.contains(shape))
}
