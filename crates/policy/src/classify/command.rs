//! One command: find out which program it is, and hand it to whoever knows that program.
//!
//! The order matters. Functions of the line shadow programs; wrappers run something else; families look at
//! arguments in code; the catalogue knows the rest. What is left is unknown, and whatever evidence its arguments
//! give is listed too.

use writ_model::EffectClass;

use super::catalogue::{self, Listed};
use super::path::{self, Place};
use super::walk::Walk;
use super::word::{self, UNKNOWN, Value};
use super::{Target, flags};

/// Programs whose arguments are names to look at, never files to read.
const NAMES_ONLY: &str = "ls ll dir stat test [ du tree exa eza lsd which type basename dirname realpath readlink namei wc \
    md5sum sha1sum sha256sum cksum locate touch mkdir rmdir chmod mountpoint findmnt lsattr getfacl \
    mktemp export unset declare local alias true false : sleep wait expr seq getent lsof fuser ps pgrep \
    uname";

/// Programs that write the files they are given.
const WRITES_ALL: &str = "touch mkdir mkfifo mknod fallocate mktemp sponge split csplit";

/// Options that are followed by a file to write, whatever the program.
const WRITES_NEXT: &str = "-o -out --out --output --outfile --output-file";

// === impl Walk: which program ===

impl Walk<'_> {
    /// Judges one argument list. Wrappers come back here with the list they run.
    pub(super) fn argv(&mut self, argv: &[Value]) {
        self.started(argv, false);
    }

    /// Judges the words of a command of the line itself, where functions come before programs.
    pub(super) fn own_argv(&mut self, argv: &[Value]) {
        self.started(argv, true);
    }

    fn started(&mut self, argv: &[Value], is_own: bool) {
        if !self.enter() {
            return;
        }
        if let Some((name, args)) = argv.split_first() {
            self.named(name, args, is_own);
        }
        self.leave();
    }

    fn named(&mut self, name: &Value, args: &[Value], is_own: bool) {
        let Some(written) = name.literal().filter(|text| !text.is_empty()) else {
            self.unresolved(name, args);
            return;
        };
        if !name.exact {
            let target = Target::Command(name.shown());
            self.unknown(target, "command.by-default", "which program runs depends on a variable");
        }
        if name.marks.is_foreign() {
            self.foreign("runs a command that was fetched or decoded");
        }
        if is_own && self.called(written, args) {
            return;
        }
        if let Some(escape) = written.strip_prefix([':', '!']).filter(|rest| !rest.is_empty()) {
            // What one types into a pager or an editor to get a shell.
            let mut text = escape.trim_start_matches(['!', ':']).to_owned();
            for arg in args {
                text.push(' ');
                text.push_str(&arg.text);
            }
            self.nested(&text);
            return;
        }
        // A line of a makefile may start with the mark that keeps it from being printed.
        if let Some(recipe) = written.strip_prefix('@').filter(|recipe| knows(recipe)) {
            self.known_as(recipe, args);
            return;
        }
        let program = program_name(written);
        let is_file = written.contains('/') && (!is_in_bin(written) || !knows(&program));
        if is_file {
            self.runs_file(written);
            if !knows(&program) {
                return;
            }
        }
        self.known_as(&program, args);
    }

    fn known_as(&mut self, program: &str, args: &[Value]) {
        if let [only] = args
            && matches!(only.text.as_str(), "--version" | "--help" | "-help" | "-version")
            && knows(program)
        {
            self.listed(program, args, Listed { class: EffectClass::Read, pattern: "" });
            return;
        }
        if asks_for_help(program, args) {
            self.plain_read(program);
            return;
        }
        self.indexes(program, args);
        self.option_programs(program, args);
        self.sweeps(program, args);
        if attaches(program, args) {
            let target = Target::Command(program.to_owned());
            self.effect(
                EffectClass::EscapeAttempt,
                target,
                "process.attach",
                "takes hold of a running process",
            );
        }
        let done = self.builtin(program, args)
            || self.wrapper(program, args)
            || self.shell(program, args)
            || self.interpreter(program, args)
            || self.runner(program, args)
            || self.file_tool(program, args)
            || self.network_tool(program, args)
            || self.container(program, args);
        if done {
            return;
        }
        if program == "git" {
            self.git(args);
            return;
        }
        match catalogue::lookup(program, args) {
            Some(listed) => self.listed(program, args, listed),
            None => self.unlisted(program, args),
        }
    }

    /// Builtins evaluate the index of `a[…]`, also when it was quoted: substitutions in it run.
    fn indexes(&mut self, program: &str, args: &[Value]) {
        const EVALUATE: &str =
            "let test [ unset read declare typeset local export readonly mapfile readarray wait";
        let evaluates = flags::lists(EVALUATE, program) || (program == "printf" && flags::has(args, "-v"));
        for arg in args.iter().filter(|arg| evaluates && has_index(&arg.text)) {
            self.substitutions(&arg.text);
        }
    }

    /// Options of programs that only look, whose value is a command.
    fn option_programs(&mut self, program: &str, args: &[Value]) {
        let options = match program {
            "man" => "-P --pager -H --html",
            "split" => "--filter",
            "gcc" | "g++" | "cc" | "c++" | "c89" | "c99" | "clang" | "clang++" | "gfortran" => {
                if !flags::values(args, "-wrapper").is_empty() {
                    self.breaks_out(program);
                }
                return;
            }
            "rake" => {
                for code in flags::values(args, "-e -p --execute --execute-print") {
                    self.code(code, "ruby");
                }
                return;
            }
            "mapfile" | "readarray" => "-C",
            "go" => "-exec --exec -toolexec --toolexec -vettool --vettool",
            "less" | "more" | "most" | "zless" | "zmore" | "bat" | "batcat" => {
                let started = args.iter().filter_map(|arg| arg.text.strip_prefix('+'));
                for command in
                    started.filter_map(|text| text.split_once(['!', '|'])).map(|(_, command)| command)
                {
                    self.nested(command);
                }
                "--pager"
            }
            "jq" | "gojq" | "jaq" => {
                if args.iter().any(|arg| names_environment(&arg.text)) {
                    self.environment_printed();
                }
                return;
            }
            _ => return,
        };
        let commands: Vec<String> = flags::values(args, options).into_iter().map(str::to_owned).collect();
        for command in commands {
            let feed = std::mem::take(&mut self.feed);
            self.nested_value(&Value::known(command));
            self.feed = feed;
        }
    }

    fn listed(&mut self, program: &str, args: &[Value], listed: Listed) {
        let target = self.command_target(program, args);
        let mut class = listed.class;
        if self.is_remote && class == EffectClass::BuildTest && starts_service(program, args) {
            class = EffectClass::Deploy;
        }
        if program == "systemctl" && class != EffectClass::Read && flags::has(args, "--user") {
            class = EffectClass::EscapeAttempt;
        }
        // What is installed says more than the program that does it.
        let is_named = listed.class == EffectClass::PackageInstall && self.takes_packages(program, args);
        if !is_named {
            let shown = match &target {
                Target::Command(command) => command.as_str(),
                _ => program,
            };
            let text = format!("`{shown}` {}", in_words(class));
            self.effect(class, target, format!("command.{program}"), text);
        }
        if listed.class == EffectClass::PackageInstall && !is_named {
            self.packages(program, args);
        }
        self.arguments(program, args, listed.class);
        self.loads_library(program, args);
        if program == "sysctl" {
            for setting in args.iter().filter_map(|arg| arg.text.split_once('=')) {
                let path = format!("/proc/sys/{}", setting.0.trim().replace('.', "/"));
                self.writes_path(&Value::known(path), false);
            }
        }
        self.break_out_in(args, listed.class);
    }

    /// Options that load a library into the program: `openssl req -engine ./x.so`, `ssh-keygen -D ./x.so`.
    fn loads_library(&mut self, program: &str, args: &[Value]) {
        let options = match program {
            "openssl" => "-engine -provider-path",
            "ssh-keygen" | "ssh-add" => "-D -s",
            _ => return,
        };
        let is_system = |path: &str| path.starts_with("/usr/lib") || path.starts_with("/lib");
        let loaded =
            flags::values(args, options).into_iter().find(|path| path.contains('/') && !is_system(path));
        if let Some(path) = loaded {
            let target = Target::Path(word::shown(path));
            let text = "loads a library into another program";
            self.effect(EffectClass::EscapeAttempt, target, "argument.library", text);
        }
    }

    /// A program nobody listed: unknown, with whatever its arguments show.
    fn unlisted(&mut self, program: &str, args: &[Value]) {
        let target = Target::Command(word::shown(program));
        self.unknown(target, "command.unlisted", format!("`{}` is no program we know", word::shown(program)));
        for arg in args {
            if self.is_secret(arg) {
                self.secret(arg, "argument.secret");
            }
        }
        self.break_out_in(args, EffectClass::Unknown);
        // `some-runner sh -c '…'`: the shell behind an unknown program is still a shell.
        let shell =
            args.iter().position(|arg| arg.literal().is_some_and(|text| is_shell(&program_name(text))));
        if let Some(rest) = shell.and_then(|at| args.get(at..))
            && rest.get(1).is_some_and(|option| option.text.starts_with('-') && option.text.ends_with('c'))
        {
            self.argv(rest);
        }
    }

    /// A command whose name is only known at run time.
    fn unresolved(&mut self, name: &Value, args: &[Value]) {
        if name.marks.is_foreign() {
            self.foreign("runs a command that was fetched or decoded");
        }
        if name.text.is_empty() && args.is_empty() {
            return;
        }
        let target = Target::Command(name.shown());
        self.unknown(target, "command.unresolved", "which program runs is only known at run time");
        // `$PYTHON -m pytest`, `$(MAKE) test`: the name of the variable says what it most likely holds.
        let likely = name.from.as_deref().map(|from| program_name(&from.to_lowercase()));
        if let Some(likely) = likely.filter(|likely| knows(likely)) {
            self.known_as(&likely, args);
        }
    }

    /// A file of the project, or any other file that is no listed program.
    pub(super) fn runs_file(&mut self, written: &str) {
        self.runs(written);
        let target = Target::Path(word::shown(written));
        self.effect(EffectClass::BuildTest, target, "command.file", "runs a program or script by its path");
        self.content_of(written);
    }

    /// What is known of a file that is about to run.
    pub(super) fn content_of(&mut self, file: &str) {
        if let Some(text) = self.scope.file(file).map(str::to_owned) {
            self.nested(&text);
        }
        if self.scope.was_fetched(file) {
            let target = Target::Path(word::shown(file));
            self.effect(
                EffectClass::PackageInstall,
                target,
                "fetched.run",
                "runs a file that was just downloaded",
            );
        }
    }

    pub(super) fn foreign(&mut self, text: &str) {
        self.effect(EffectClass::EscapeAttempt, Target::Unknown, "foreign.run", text);
    }

    pub(super) fn command_target(&self, program: &str, args: &[Value]) -> Target {
        match catalogue::subcommand(program, args) {
            Some(sub) => Target::Command(word::shown(&format!("{program} {sub}"))),
            None => Target::Command(program.to_owned()),
        }
    }

    fn packages(&mut self, program: &str, args: &[Value]) {
        const MOST: usize = 20;
        let words = flags::positionals(args, "-r --requirement -c --constraint -e --index-url -i");
        for word in words.iter().skip(1).take(MOST).filter(|word| word.literal().is_some()) {
            let target = Target::Package(super::Package::named("", &word.shown()));
            self.effect(
                EffectClass::PackageInstall,
                target,
                format!("command.{program}"),
                "installs or removes it",
            );
        }
    }
}

// === impl Walk: what the arguments name ===

impl Walk<'_> {
    /// Looks at the arguments of a listed program for files that change what the command is.
    fn arguments(&mut self, program: &str, args: &[Value], class: EffectClass) {
        if flags::lists(WRITES_ALL, program) {
            for path in flags::positionals(args, "-m --mode -d --date -r -t -l -b -n") {
                self.writes_path(path, false);
            }
            return;
        }
        for sql in flags::values(args, catalogue::sql_options(program)) {
            self.sql(program, &sql.to_uppercase());
            // Clients of databases run what follows `\!`.
            if let Some((_, command)) = sql.split_once("\\!") {
                self.nested(command);
            }
        }
        let reads = matches!(class, EffectClass::Read | EffectClass::WriteWorkspace | EffectClass::Network);
        if !reads || flags::lists(NAMES_ONLY, program) {
            return;
        }
        let mut before = "";
        for arg in args {
            let option = std::mem::replace(&mut before, arg.text.as_str());
            if flags::lists(WRITES_NEXT, option) {
                self.writes_path(arg, false);
            } else if !arg.text.starts_with('-') || arg.text.contains('=') {
                self.reads_path(arg, "argument.read");
            }
        }
    }

    fn sql(&mut self, program: &str, text: &str) {
        let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
        let has = |word: &str| words.contains(&word);
        let class = if ["DROP", "TRUNCATE", "DELETE", "DROPDATABASE", "DELETEMANY", "REMOVE"]
            .iter()
            .any(|w| has(w))
        {
            EffectClass::Destructive
        } else if has("GRANT")
            || has("REVOKE")
            || ((has("CREATE") || has("ALTER")) && (has("USER") || has("ROLE")))
        {
            EffectClass::IdentityChange
        } else if ["INSERT", "UPDATE", "ALTER", "CREATE", "MERGE", "REPLACE"].iter().any(|w| has(w)) {
            EffectClass::Deploy
        } else {
            return;
        };
        self.effect(
            class,
            Target::Command(program.to_owned()),
            "sql.statement",
            "the statement changes a database",
        );
    }

    /// The path an argument names, made comparable.
    pub(super) fn resolved(&self, value: &Value) -> String {
        let text = value.text.as_str();
        let text = match text.split_once('=') {
            Some((option, path)) if text.starts_with('-') || !option.contains('/') => path,
            _ => text,
        };
        let text = text.strip_prefix('@').unwrap_or(text);
        match &self.scope.directory {
            Some(directory) if !text.starts_with(['/', '~']) => {
                path::normalise(&format!("{directory}/{text}"), self.facts)
            }
            _ => path::normalise(text, self.facts),
        }
    }

    pub(super) fn is_secret(&self, value: &Value) -> bool {
        could_be_path(&value.text) && path::is_secret(&self.resolved(value)) && !self.is_own_text(value)
    }

    /// A file whose content the line itself has written: what is in it is no secret to who wrote it.
    fn is_own_text(&self, value: &Value) -> bool {
        value.literal().is_some_and(|name| self.scope.is_own(name))
    }

    pub(super) fn secret(&mut self, value: &Value, rule: &'static str) {
        let target = Target::Secret(value.shown());
        self.effect(EffectClass::SecretRead, target, rule, format!("`{}` holds credentials", value.shown()));
    }

    /// The content of this path is read. Inside the workspace that needs no effect of its own.
    pub(super) fn reads_path(&mut self, value: &Value, rule: &'static str) {
        if !could_be_path(&value.text) {
            return;
        }
        if value.text.contains("/dev/tcp/") || value.text.contains("/dev/udp/") {
            self.socket(value, false);
            return;
        }
        let mut path = self.resolved(value);
        if value.text.starts_with(UNKNOWN)
            && let Some(found) = &self.feed.paths
        {
            path = path::normalise(&found.stand_in(self.facts), self.facts);
        }
        // A glob reads what its directory holds.
        if let Some(directory) = path::literal_directory(&value.text) {
            self.reads_path(&Value { text: directory.to_owned(), ..value.clone() }, rule);
        }
        if path.starts_with("/dev/fd/") {
            // A descriptor of the command itself: what it was opened on has been read as a redirection.
            return;
        }
        if path::is_secret(&path) && !self.is_own_text(value) {
            self.secret(value, rule);
        } else if path::place(&path, self.facts) == Place::Outside && !path.starts_with("/dev/") {
            self.effect(EffectClass::Read, Target::Path(value.shown()), rule, "reads outside the workspace");
        } else {
            self.may_read(value.shown());
        }
    }

    /// This path is written. `truncates`: emptied rather than filled.
    pub(super) fn writes_path(&mut self, value: &Value, truncates: bool) {
        let shown = value.shown();
        if value.text.contains("/dev/tcp/") || value.text.contains("/dev/udp/") {
            self.socket(value, true);
            return;
        }
        let path = self.resolved(value);
        if truncates
            && value.text.starts_with(UNKNOWN)
            && let Some(found) = self.feed.paths.clone()
        {
            // What a search found is emptied: as bad as removing it.
            self.removes_found(&found, false);
            return;
        }
        if value.text.starts_with(UNKNOWN)
            && let Some(found) = self.feed.paths.clone().filter(|found| found.is_visible_only)
        {
            for root in &found.roots {
                let folder = if root.is_empty() { "." } else { root };
                self.writes_path(&Value::known(folder), truncates);
            }
            return;
        }
        if let Some(device) = path.strip_prefix("/dev/") {
            let disks = ["sd", "hd", "vd", "xvd", "nvme", "mmcblk", "disk", "mapper", "md", "loop", "dm-"];
            if disks.iter().any(|disk| device.starts_with(disk)) {
                let target = Target::Path(shown);
                self.effect(EffectClass::Destructive, target, "path.device", "writes to a disk device");
            } else if path::is_break_out(&path) {
                let target = Target::Path(shown);
                self.effect(
                    EffectClass::EscapeAttempt,
                    target,
                    "path.memory",
                    "writes to the memory of the machine",
                );
            }
            return;
        }
        let target = Target::Path(shown);
        if path::is_break_out(&path) {
            self.effect(
                EffectClass::EscapeAttempt,
                target,
                "path.kernel",
                "a kernel setting that runs programs",
            );
        } else if path == "/proc/sysrq-trigger" {
            self.effect(EffectClass::Destructive, target, "path.kernel", "makes the kernel reset or halt");
        } else if path::is_history(&path) {
            self.effect(EffectClass::EscapeAttempt, target, "path.history", "changes the record of commands");
        } else if path::is_log(&path) && truncates {
            self.effect(EffectClass::Destructive, target, "path.log", "empties a log");
        } else if truncates
            && path::place(&path, self.facts) == Place::Outside
            && !path::is_protected(&path)
            && path.starts_with(['/', '~'])
        {
            let text = "empties a file outside the workspace";
            self.effect(EffectClass::Destructive, target, "path.truncate", text);
        } else if path::is_protected(&path) {
            let text = "changes what runs later, or who may do what";
            self.effect(EffectClass::IdentityChange, target, "path.protected", text);
        } else if path.starts_with(UNKNOWN) || path.is_empty() {
            let text = "writes to a path only known at run time";
            self.effect(EffectClass::WriteWorkspace, Target::Unknown, "path.write", text);
        } else {
            self.effect(EffectClass::WriteWorkspace, target, "path.write", "writes a file");
        }
    }

    /// Text was written to a file: kept for a later run, and read at once where a shell starts with it.
    pub(super) fn wrote_text(&mut self, path: &str, text: String, appends: bool) {
        let normal = self.resolved(&Value::known(path));
        if path::is_protected(&normal) && runs_as_shell(&normal) {
            // Only asked what it would be: it does not run now.
            let outer = std::mem::take(&mut self.effects);
            for line in text.lines() {
                self.nested(without_schedule(&normal, line));
            }
            let planted = std::mem::replace(&mut self.effects, outer);
            let harms =
                |class: EffectClass| matches!(class, EffectClass::Destructive | EffectClass::EscapeAttempt);
            if planted.iter().any(|effect| harms(effect.class)) {
                let target = Target::Path(word::shown(path));
                let text = "plants a harmful command where it runs later";
                self.effect(EffectClass::EscapeAttempt, target, "path.planted", text);
            }
        }
        self.scope.wrote(path, text, appends);
    }

    /// A way out hidden in an argument: `-c ':!/bin/sh'`, `--exec=/bin/sh`, `system("/bin/sh")`.
    fn break_out_in(&mut self, args: &[Value], class: EffectClass) {
        // Programs that change accounts name login shells; they do not start them.
        if class == EffectClass::IdentityChange || self.is_elsewhere {
            return;
        }
        // What a program that only looks is given are names and texts, unless an option says otherwise. What is sent
        // to other people may well be about shells.
        let is_text = matches!(class, EffectClass::GitPush | EffectClass::Network | EffectClass::Publish);
        let mut option = "";
        let found = args.iter().filter(|arg| {
            let before = std::mem::replace(&mut option, arg.text.as_str());
            let is_code = flags::lists("-e -E -c --eval --exec --expr --execute", before);
            let counts = class != EffectClass::Read
                || is_code
                || arg.text.starts_with('-')
                || arg.text.contains("os.execute(");
            counts && (starts_shell(&arg.text) || (!is_text && quotes_shell(&arg.text)))
        });
        for arg in found {
            let target = Target::Command(arg.shown());
            self.effect(
                EffectClass::EscapeAttempt,
                target,
                "argument.shell",
                "starts a shell out of another program",
            );
        }
    }
}

/// What a command of this class does, for a person.
const fn in_words(class: EffectClass) -> &'static str {
    match class {
        EffectClass::Read => "only looks",
        EffectClass::WriteWorkspace => "writes or removes files",
        EffectClass::BuildTest => "runs code of the project",
        EffectClass::Network => "talks to other hosts",
        EffectClass::PackageInstall => "installs or removes packages",
        EffectClass::GitPush => "changes something at a code host",
        EffectClass::Publish => "publishes or changes a release",
        EffectClass::Deploy => "changes a running environment",
        EffectClass::SecretRead => "gives out credentials",
        EffectClass::IdentityChange => "changes who may do what, or as whom",
        EffectClass::Destructive => "removes, ends or overwrites what nothing brings back",
        EffectClass::EscapeAttempt => "gets around what watches over this session",
        EffectClass::Unknown => "runs text nobody has read",
    }
}

/// Whether any part of the classifier knows the program by this name.
pub(super) fn knows(program: &str) -> bool {
    catalogue::is_listed(program)
        || is_shell(program)
        || flags::lists(super::files::KNOWN, program)
        || flags::lists(super::network::KNOWN, program)
        || super::interpreter::is_interpreter(program)
        || super::wrapper::is_wrapper(program)
        || flags::lists(super::runner::KNOWN, program)
        || program == "git"
}

pub(super) fn is_shell(program: &str) -> bool {
    matches!(
        program,
        "sh" | "bash"
            | "dash"
            | "zsh"
            | "ksh"
            | "mksh"
            | "ash"
            | "fish"
            | "csh"
            | "tcsh"
            | "rbash"
            | "elvish"
            | "lksh"
            | "nu"
            | "oksh"
            | "posh"
            | "sash"
            | "xonsh"
            | "yash"
    )
}

/// The name a program is known by: without its directory, version and extension.
pub(super) fn program_name(written: &str) -> String {
    let base = written.rsplit(['/', '\\']).next().unwrap_or(written);
    let base =
        [".exe", ".cmd", ".bat", ".phar"].iter().find_map(|end| base.strip_suffix(end)).unwrap_or(base);
    const VERSIONED: &str = "python pypy pip node nodejs ruby perl php lua luajit gcc g++ clang clang++ clang-format \
        clang-tidy pydoc ipython idle go java tclsh guile R";
    let stem = base.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    if stem != base && flags::lists(VERSIONED, stem) { stem.to_owned() } else { base.to_owned() }
}

/// Whether a path leads to where programs are installed. Elsewhere the name of a file says little about what it is.
fn is_in_bin(written: &str) -> bool {
    const ROOTS: &[&str] = &["bin", "sbin", ".bin", "libexec", "Scripts", "shims", "System32"];
    let is_local = !written.starts_with(['/', '~']);
    !is_local && written.rsplit(['/', '\\']).skip(1).any(|part| ROOTS.contains(&part))
}

/// `docker push --help`: a program with subcommands that is only asked what it can do.
fn asks_for_help(program: &str, args: &[Value]) -> bool {
    const MOST_WORDS: usize = 3;
    let Some((last, words)) = args.split_last() else { return false };
    let runs_other = |word: &Value| {
        matches!(word.text.as_str(), "run" | "exec" | "x" | "dlx" | "tool" | "task" | "debug" | "--")
    };
    last.text == "--help"
        && words.len() <= MOST_WORDS
        && catalogue::has_subcommands(program)
        && words.iter().all(|word| !word.text.starts_with('-') && word.exact && !runs_other(word))
}

/// Whether a command on a host starts or changes what runs there.
fn starts_service(program: &str, args: &[Value]) -> bool {
    let words = flags::positionals(args, "-f --file -p --project-name");
    let is = |at: usize, names: &str| words.get(at).is_some_and(|word| flags::lists(names, &word.text));
    match program {
        "systemctl" | "service" | "pm2" | "supervisorctl" | "initctl" | "rc-service" => true,
        "nginx" | "apachectl" | "apache2ctl" => flags::has_any(args, "-s -k"),
        "docker" | "podman" => {
            is(0, "run start restart stack service")
                || is(0, "compose") && is(1, "up start restart pull build")
        }
        "docker-compose" => is(0, "up start restart pull build"),
        _ => false,
    }
}

fn could_be_path(text: &str) -> bool {
    !text.is_empty() && !text.contains(['\n', '(', ')', ';', '|', '<', '>']) && !text.contains("://")
}

/// Protected files whose lines a shell runs.
fn runs_as_shell(normal: &str) -> bool {
    let name = normal.rsplit('/').next().unwrap_or_default();
    let is_start =
        ["rc", "profile", "login", "logout", "env", "aliases"].iter().any(|end| name.ends_with(end));
    is_start
        || normal.contains("cron")
        || normal.contains("/hooks/")
        || normal.contains("profile.d/")
        || name == "rc.local"
}

/// The command of a line in a crontab; other files have no schedule.
fn without_schedule<'a>(normal: &str, line: &'a str) -> &'a str {
    const FIELDS: usize = 5;
    let line = line.trim();
    if !normal.contains("cron") || line.starts_with('#') {
        return line;
    }
    // The tables of the system have a field for the user.
    let user = usize::from(normal.starts_with("/etc/"));
    let fields = user + if line.starts_with('@') { 1 } else { FIELDS };
    let mut rest = line;
    for _ in 0..fields {
        rest = rest.split_once(char::is_whitespace).map_or("", |(_, rest)| rest).trim_start();
    }
    rest
}

/// Whether an argument makes its program start a shell.
pub(super) fn starts_shell(text: &str) -> bool {
    const CALLS: &[&str] = &[
        "!/bin/",
        "!sh",
        "!bash",
        "os.execute(",
        "os.execl",
        "pty.spawn",
        "exec sh",
        "exec bash",
        "exec /bin/",
        "system(\"/bin/",
        "system('/bin/",
        "exec('/bin/",
        "exec(\"/bin/",
        "spawn /bin/",
        "spawn sh",
        "spawn bash",
        "popen(\"/bin/",
        "callCommand \"/bin/",
        "exec \"/bin/",
        "exec '/bin/",
        "system \"/bin/",
        "system '/bin/",
        "Start(\"/bin/",
        "write18{/bin/",
        ":term",
    ];
    let command =
        text.rsplit_once('=').filter(|(option, _)| option.starts_with('-')).map_or(text, |(_, value)| value);
    // `-H/bin/sh`: the value stands right behind the letter.
    let command = command
        .strip_prefix('-')
        .and_then(|rest| rest.get(1..))
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(command);
    let first = command.split([' ', ',', ';', '\t', '\n']).next().unwrap_or_default();
    is_shell_path(first) || CALLS.iter().any(|call| text.contains(call))
}

fn is_shell_path(word: &str) -> bool {
    word.contains("bin/") && is_shell(&program_name(word))
}

/// The path of a shell right after something that starts a command in the languages of other programs: `!/bin/sh`,
/// `` `/bin/sh` ``, `%(/bin/sh)`, `{/bin/sh}`, `; /bin/sh`.
fn quotes_shell(text: &str) -> bool {
    const MOST: usize = 20;
    text.match_indices("/bin/").take(MOST).any(|(at, _)| {
        let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
        let before = before.strip_suffix("/usr").unwrap_or(before);
        let name = after.get("/bin/".len()..).unwrap_or_default();
        let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
        is_shell(name.get(..end).unwrap_or_default())
            && before.trim_end().ends_with(['!', '`', '(', '{', ';', '|', '&'])
            && !before.trim_end().ends_with("#!")
    })
}

/// Whether text has an index with a substitution: `a[$(…)]`.
pub(super) fn has_index(text: &str) -> bool {
    text.split('[').skip(1).any(|index| index.contains("$(") || index.contains('`'))
}

/// `env` and `$ENV` in a program of jq, without the name of one variable behind it.
fn names_environment(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    ["env", "$ENV"].iter().any(|name| {
        text.match_indices(name).any(|(at, _)| {
            let (before, after) =
                (text.get(..at).unwrap_or_default(), text.get(at + name.len()..).unwrap_or_default());
            !before.ends_with(|c: char| is_word(c) || matches!(c, '.' | '$' | '"' | '-' | '/'))
                && !after.starts_with(|c: char| is_word(c) || matches!(c, '.' | '[' | '"' | '/' | ':'))
        })
    })
}

/// Whether a debugger or tracer is told to take hold of a process that already runs.
fn attaches(program: &str, args: &[Value]) -> bool {
    let option = match program {
        "gcore" | "reptyr" | "jattach" | "criu" | "injcode" => return !args.is_empty(),
        "strace" | "ltrace" => "-p --attach",
        "gdb" => "-p --pid -pid",
        "lldb" => "-p -n --attach-pid --attach-name",
        "py-spy" | "rbspy" | "gdbserver" => "-p --pid --attach",
        _ => return false,
    };
    let is_number = |arg: &Value| !arg.text.is_empty() && arg.text.bytes().all(|byte| byte.is_ascii_digit());
    let before_program = args.iter().take_while(|arg| arg.text.starts_with('-')).count();
    let own = match program {
        "strace" | "ltrace" => super::shell::after_options(args, "-e -o -s -u -E -a -O -S -P -l -x -p").len(),
        _ => 0,
    };
    let own = args.get(..args.len() - own).unwrap_or(args);
    let is_debugger = matches!(program, "gdb" | "lldb");
    flags::has_any(own, option)
        || (is_debugger && args.iter().any(|arg| arg.text.trim_start().starts_with("attach")))
        || (program == "gdb"
            && !flags::has(args, "--args")
            && args.get(before_program..).unwrap_or_default().iter().skip(1).take(1).any(is_number))
}
