//! Programs that work on files: copy, link, archive, edit in place, search and act.

use writ_model::EffectClass;

use super::catalogue;
use super::path::{self, Place};
use super::task::{self, Asked, Resolved};
use super::walk::{Found, Walk};
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
                    if let (Some(text), Some(name)) = (self.feed.text.clone(), path.literal()) {
                        self.wrote_text(name, text, flags::has_any(args, "-a --append"));
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

    /// `find ROOT… PREDICATE…`.
    fn find(&mut self, args: &[Value]) {
        self.plain_read("find");
        let is_root =
            |arg: &&Value| !arg.text.starts_with('-') && !matches!(arg.text.as_str(), "(" | ")" | "!" | ",");
        let roots: Vec<&Value> = args.iter().take_while(is_root).collect();
        let finds_type = |name: &str| flags::values(args, "-type").contains(&name);
        let mut found = Found {
            roots: roots.iter().map(|root| self.resolved(root)).collect(),
            names: Vec::new(),
            is_empty_only: flags::has(args, "-empty") && finds_type("d"),
            is_visible_only: false,
        };
        if found.roots.is_empty() {
            found.roots.push(".".to_owned());
        }
        for root in &roots {
            self.reads_path(root, "argument.read");
        }
        found.names = flags::values(args, "-name -iname -path -ipath -wholename")
            .into_iter()
            .map(str::to_owned)
            .collect();
        let mut rest = args;
        while let Some((arg, tail)) = rest.split_first() {
            rest = tail;
            match arg.text.as_str() {
                "-delete" => self.removes_found(&found, false),
                "-exec" | "-execdir" | "-ok" | "-okdir" => {
                    let is_end = |arg: &Value| matches!(arg.text.as_str(), ";" | "+" | "\\");
                    let end = tail.iter().position(is_end).unwrap_or(tail.len());
                    let (inner, after) = tail.split_at_checked(end).unwrap_or((tail, &[]));
                    rest = after.get(1..).unwrap_or_default();
                    self.for_each(inner, &found);
                }
                "-fprint" | "-fprintf" | "-fls" | "-fprint0" => {
                    if let Some(path) = tail.first() {
                        self.writes_path(path, false);
                    }
                }
                _ => {}
            }
        }
        self.found = Some(found);
    }

    /// `fd [pattern] [path] -x command`.
    fn fd(&mut self, args: &[Value]) {
        self.plain_read("fd");
        let at =
            args.iter().position(|arg| matches!(arg.text.as_str(), "-x" | "-X" | "--exec" | "--exec-batch"));
        let words =
            flags::positionals(args.get(..at.unwrap_or(args.len())).unwrap_or_default(), "-e -t -d -E");
        let found = Found {
            roots: words.iter().skip(1).map(|root| self.resolved(root)).collect(),
            names: words.first().map(|pattern| pattern.text.clone()).into_iter().collect(),
            is_empty_only: false,
            is_visible_only: false,
        };
        if let Some(inner) = at.and_then(|at| args.get(at + 1..)) {
            self.for_each(inner, &found);
        }
        self.found = Some(found);
    }

    /// Runs a command for each path that was found.
    fn for_each(&mut self, inner: &[Value], found: &Found) {
        let argv: Vec<Value> = inner
            .iter()
            .map(|arg| {
                if arg.text.contains("{}") && !arg.text.contains(' ') {
                    Value { text: arg.text.replace("{}", "\0"), exact: false, ..arg.clone() }
                } else {
                    arg.clone()
                }
            })
            .collect();
        let feed = std::mem::take(&mut self.feed);
        self.feed.paths = Some(found.clone());
        self.argv(&argv);
        self.feed = feed;
    }

    /// `cp`, `mv`, `ln`, `install`: sources are read, the last path is written.
    fn copies(&mut self, program: &str, args: &[Value]) {
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
                }
                None => self.reads_path(source, "argument.copied"),
            }
            // What is moved is gone from where it was.
            if program == "mv" {
                self.writes_path(source, false);
            }
            let normal = self.resolved(source);
            if normal.contains("bin/") && normal.rsplit('/').next().is_some_and(super::command::is_shell) {
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

    fn dd(&mut self, args: &[Value]) {
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

    fn sed(&mut self, args: &[Value]) {
        let in_place = args.iter().any(|arg| {
            arg.text.starts_with("-i")
                || arg.text.starts_with("--in-place")
                || (arg.text.starts_with('-') && !arg.text.starts_with("--") && arg.text.ends_with('i'))
        });
        let scripts = flags::values(args, "-e --expression");
        let mut files = flags::positionals(args, "-e --expression -f --file -l");
        let script = if scripts.is_empty() && !files.is_empty() {
            vec![files.remove(0).text.as_str()]
        } else {
            scripts
        };
        for text in script {
            self.sed_script(text);
        }
        let class = if in_place { EffectClass::WriteWorkspace } else { EffectClass::Read };
        self.effect(class, Target::Command("sed".to_owned()), "command.sed", "edits text");
        for file in files {
            let is_log = in_place && path::is_log(&self.resolved(file));
            if is_log {
                let text = "changes what a log says";
                self.effect(EffectClass::Destructive, Target::Path(file.shown()), "path.log", text);
            } else if in_place {
                self.writes_path(file, false);
            } else {
                self.reads_path(file, "argument.read");
            }
        }
    }

    /// The `e` command of sed runs a program, `w` writes a file.
    fn sed_script(&mut self, script: &str) {
        for line in script.split(['\n', ';']) {
            let line =
                line.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '$' | ',' | ' ' | '{'));
            if let Some(command) = line.strip_prefix("e ").or_else(|| line.strip_prefix("e\t")) {
                self.nested(command);
            } else if let Some(file) = line.strip_prefix("w ") {
                self.writes_path(&Value::known(file.trim()), false);
            } else if let Some(flags) = substitution_flags(line) {
                let (letters, file) = flags.split_once('w').unwrap_or((flags, ""));
                if !file.trim().is_empty() {
                    self.writes_path(&Value::known(file.trim()), false);
                }
                if letters.contains('e') {
                    let target = Target::Command("sed".to_owned());
                    self.unknown(target, "sed.runs", "runs text that is only known at run time");
                }
            }
        }
    }

    fn awk(&mut self, args: &[Value]) {
        let mut words = flags::positionals(args, "-F -v -f --file --field-separator --assign");
        let scripts = flags::values(args, "-f --file");
        self.plain_read("awk");
        for file in &scripts {
            self.runs_file(file);
        }
        if scripts.is_empty() && !words.is_empty() {
            let program = words.remove(0).text.clone();
            self.awk_program(&program);
        }
        let in_place = flags::values(args, "-i --include").contains(&"inplace");
        for file in words {
            if in_place { self.writes_path(file, false) } else { self.reads_path(file, "argument.read") }
        }
    }

    fn awk_program(&mut self, program: &str) {
        const MOST: usize = 100;
        if program.len() > 64 * 1024 || program.matches(['|', '>']).count() > MOST {
            self.unknown(Target::Command("awk".to_owned()), "awk.long", "the program is too long to be read");
        }
        if program.contains("/inet/") {
            let target = Target::Host(word::shown(program.split("/inet/").nth(1).unwrap_or_default()));
            self.effect(EffectClass::EscapeAttempt, target, "awk.socket", "opens a connection from awk");
        }
        if program.replace("ENVIRON[", "").contains("ENVIRON") {
            self.environment_printed();
        }
        for (at, _) in program.match_indices("system(").take(MOST) {
            let after = program.get(at + "system(".len()..).unwrap_or_default();
            self.quoted_command(after.trim_start(), ')');
        }
        for (at, _) in program.match_indices('|').take(MOST) {
            let (before, after) = program.split_at_checked(at).unwrap_or((program, ""));
            let after = after.trim_start_matches('|').trim_start();
            if before.ends_with('|') || before.trim_end().ends_with('|') {
                continue;
            }
            if after.starts_with("getline") {
                let text = before.trim_end().trim_end_matches('"').rsplit('"').next().unwrap_or_default();
                self.nested(text);
            } else if after.starts_with(['"', '&']) {
                self.quoted_command(after.trim_start_matches('&').trim_start(), '}');
            }
        }
        for (at, _) in program.match_indices('>').take(MOST) {
            let after = program.get(at + 1..).unwrap_or_default().trim_start_matches('>').trim_start();
            if let Some(path) =
                after.strip_prefix('"').and_then(|after| after.split_once('"')).map(|(path, _)| path)
            {
                self.writes_path(&Value::known(path), false);
            } else if let Some(statement) =
                program.get(..at).and_then(|before| before.rsplit(['{', ';', '}']).next())
                && statement.trim_start().starts_with("print")
                && !statement.contains('(')
            {
                let text = "writes to a path only known at run time";
                self.effect(EffectClass::WriteWorkspace, Target::Unknown, "path.write", text);
            }
        }
    }

    /// A string literal that is run; what is put together at run time is unknown.
    fn quoted_command(&mut self, text: &str, end: char) {
        let literal = text.strip_prefix('"').and_then(|text| {
            let close = text.char_indices().scan(false, |escaped, (at, c)| {
                let was = std::mem::replace(escaped, c == '\\' && !*escaped);
                Some((at, c == '"' && !was))
            });
            close.into_iter().find(|(_, closes)| *closes).and_then(|(at, _)| text.split_at_checked(at))
        });
        match literal {
            Some((command, tail)) => {
                let is_whole =
                    tail.get(1..).unwrap_or_default().trim_start().starts_with([end, ';', '}', ')']);
                let command = command.replace("\\\"", "\"");
                if is_whole {
                    self.nested(&command);
                } else {
                    self.nested(&format!("{command}{}", word::UNKNOWN));
                }
            }
            None => self.unknown(
                Target::Command("awk".to_owned()),
                "awk.runs",
                "runs text that is only known at run time",
            ),
        }
    }

    fn archives(&mut self, program: &str, args: &[Value]) {
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
            if text.contains(' ') || text.contains('/') || super::command::is_shell(text) {
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

    /// Editors run what `-c` and `+` say; `!` in it starts a program.
    fn edits(&mut self, program: &str, args: &[Value]) {
        self.effect(
            EffectClass::WriteWorkspace,
            Target::Command(program.to_owned()),
            "command.editor",
            "edits files",
        );
        let commands = flags::values(args, "-c --cmd --eval -eval --execute");
        let plus = args.iter().filter_map(|arg| arg.text.strip_prefix('+'));
        // `-sc TEXT`: at the end of a cluster.
        let clusters = args.windows(2).filter_map(|pair| match pair {
            [option, text] if option.text.len() > 2 && !option.text.starts_with("--") => {
                (option.text.starts_with('-') && option.text.ends_with('c')).then_some(text.text.as_str())
            }
            _ => None,
        });
        let plus = plus.chain(clusters);
        for text in commands.into_iter().chain(plus) {
            for part in text.split('|') {
                let part = part.trim_start_matches([':', ' ']);
                if let Some(command) = part.strip_prefix('!').or_else(|| part.strip_prefix("silent !")) {
                    self.nested(command);
                } else if let Some(code) = ["py ", "py3 ", "python ", "python3 ", "lua ", "pyx "]
                    .iter()
                    .find_map(|language| part.strip_prefix(language))
                {
                    self.code(code, program);
                } else if matches!(part, "sh" | "shell")
                    || part.starts_with("term")
                    || part.contains("(term")
                    || part.contains("(shell")
                {
                    let text = "starts a shell out of an editor";
                    self.effect(
                        EffectClass::EscapeAttempt,
                        Target::Command(program.to_owned()),
                        "argument.shell",
                        text,
                    );
                }
            }
        }
        for file in flags::positionals(args, "-c --cmd -u -S -s --eval")
            .iter()
            .filter(|file| !file.text.starts_with('+'))
        {
            self.reads_path(file, "argument.read");
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
        if (seeks_secret(pattern) || seeks_name) && !self.feed.is_some {
            let target = Target::Secret(word::shown(pattern));
            self.effect(
                EffectClass::SecretRead,
                target,
                "search.secret",
                "looks for the value of a credential",
            );
        }
        let lists = flags::has_any(args, "-l -L --files-with-matches --files-without-match --files");
        if program == "rg"
            && lists
            && !flags::has_any(args, "-u -uu -uuu --unrestricted --hidden -. --no-ignore")
        {
            let mut roots: Vec<String> = files.clone().map(|file| self.resolved(file)).collect();
            if roots.is_empty() {
                roots.push(".".to_owned());
            }
            self.found = Some(Found { roots, is_visible_only: true, ..Found::default() });
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

/// The flags of `s/from/to/flags` in a script of sed.
fn substitution_flags(line: &str) -> Option<&str> {
    let rest = line.strip_prefix('s')?;
    let mark = rest.chars().next().filter(|mark| !mark.is_alphanumeric() && *mark != ' ')?;
    let mut escaped = false;
    let mut left = 2;
    for (at, c) in rest.char_indices().skip(1) {
        if std::mem::take(&mut escaped) {
            continue;
        }
        escaped = c == '\\';
        left -= usize::from(c == mark);
        if left == 0 {
            return rest.get(at + c.len_utf8()..);
        }
    }
    None
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
