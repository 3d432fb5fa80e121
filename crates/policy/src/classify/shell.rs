//! Shells and what makes the current shell do more: `bash -c`, scripts, pipes into a shell, `eval`, `source`.

use writ_model::EffectClass;

use super::command::is_shell;
use super::environment::is_secret_name;
use super::walk::Walk;
use super::word::{self, Value};
use super::{Target, flags};

// === impl Walk ===

impl Walk<'_> {
    /// Builtins that change or reveal the shell itself. `false` when it is none of them.
    pub(super) fn builtin(&mut self, program: &str, args: &[Value]) -> bool {
        match program {
            ":" | "true" | "false" => self.plain_read(program),
            "cd" | "pushd" => self.changes_directory(program, args),
            "printf" if self.prints_into(args) => {}
            "echo" | "printf" => self.prints(program, args),
            "eval" => self.evaluates(args),
            "source" | "." => self.sources(args),
            "exec" => {
                if self.talks_to_socket {
                    let text = "opens a connection for the shell itself";
                    self.effect(EffectClass::EscapeAttempt, Target::Unknown, "shell.socket", text);
                }
                let rest: Vec<Value> = after_options(args, "-a").to_vec();
                self.argv(&rest);
            }
            "trap" => {
                if let Some(action) = flags::positionals(args, "").first() {
                    self.nested_value(action);
                }
            }
            "alias" => {
                self.plain_read(program);
                for arg in args {
                    if let Some((_, body)) = arg.text.split_once('=') {
                        self.nested(body);
                    }
                }
            }
            "export" | "declare" | "typeset" | "local" | "readonly" => self.declares(program, args),
            "set" => {
                if args.is_empty() {
                    self.environment_printed();
                } else if args.iter().any(|arg| arg.text == "history")
                    && args.iter().any(|arg| arg.text == "+o")
                {
                    self.stops_history("set +o history");
                } else {
                    // `set -- a b`: the arguments of the line from now on.
                    if let Some(at) = args.iter().position(|arg| arg.text == "--") {
                        self.scope.positional = Some(args.get(at + 1..).unwrap_or_default().to_vec());
                    }
                    self.plain_read(program);
                }
            }
            "hash" | "enable" => {
                for file in flags::values(args, "-p -f") {
                    self.runs_file(file);
                    self.breaks_out(program);
                }
                self.plain_read(program);
            }
            "bind" => {
                for (_, command) in flags::values(args, "-x").iter().filter_map(|key| key.split_once(':')) {
                    self.nested(command);
                }
                self.plain_read(program);
            }
            "unset" => {
                if flags::has(args, "-f") {
                    for name in args {
                        if let Some(body) = self.scope.undefine(&name.text) {
                            self.uncalled(&body);
                        }
                    }
                }
                if args.iter().any(|arg| arg.text.starts_with("HIST")) {
                    self.stops_history("unset HISTFILE");
                }
                for arg in args {
                    let unset = if arg.text == "IFS" { " " } else { "" };
                    self.scope.set(&arg.text, Value::known(unset), false);
                }
                self.plain_read(program);
            }
            "read" | "mapfile" | "readarray" | "getopts" => {
                let names = flags::positionals(
                    args,
                    if program == "read" { "-p -d -n -t -u -N -i" } else { "-d -n -O -s -u -C -c" },
                );
                let line = self.feed.text.as_deref().and_then(|text| match program {
                    "read" => text.lines().next(),
                    _ => Some(text),
                });
                let mut words = line.map(|line| line.trim().to_owned());
                let found = self.found_by_line();
                for (at, name) in names.iter().enumerate() {
                    if words.is_none() && !found.is_empty() {
                        for (nth, value) in found.iter().enumerate() {
                            self.bound(&name.text, value, nth > 0);
                        }
                        continue;
                    }
                    let is_last = at + 1 == names.len();
                    let text = match words.take() {
                        Some(line) if is_last => Some(line),
                        Some(line) => {
                            let (word, rest) =
                                line.split_once(char::is_whitespace).unwrap_or((line.as_str(), ""));
                            let word = word.to_owned();
                            words = Some(rest.trim_start().to_owned());
                            Some(word)
                        }
                        None => None,
                    };
                    let unknown = Value { from: Some(name.text.clone()), ..Value::unknown() };
                    let value = text.map_or(unknown, Value::known);
                    let value = Value { exact: false, marks: self.feed.marks, ..value };
                    self.bound(&name.text, &value, false);
                }
                self.plain_read(program);
            }
            "env" | "printenv" if self.shows_environment(program, args) => {}
            _ => return false,
        }
        true
    }

    /// A shell as a program. `false` when it is none.
    pub(super) fn shell(&mut self, program: &str, args: &[Value]) -> bool {
        if !is_shell(program) {
            return false;
        }
        if self.talks_to_socket {
            let target = Target::Command(program.to_owned());
            self.effect(
                EffectClass::EscapeAttempt,
                target,
                "shell.socket",
                "a shell on a network connection",
            );
        }
        if self.next.as_deref().and_then(|next| next.first()).is_some_and(|next| is_connection(&next.text)) {
            let target = Target::Command(program.to_owned());
            self.effect(
                EffectClass::EscapeAttempt,
                target,
                "shell.socket",
                "a shell on a network connection",
            );
        }
        let mut takes_script = false;
        let mut reads_stdin = false;
        let mut checks_only = false;
        let mut rest = args;
        while let Some((arg, tail)) = rest.split_first() {
            let text = arg.text.as_str();
            if !text.starts_with(['-', '+']) || text == "-" {
                break;
            }
            rest = tail;
            match text {
                "--" => break,
                "--rcfile" | "--init-file" => {
                    if let Some((file, tail)) = rest.split_first() {
                        self.runs_file(&file.text);
                        rest = tail;
                    }
                }
                "-o" | "+o" | "-O" | "+O" => rest = rest.split_first().map_or(rest, |(_, tail)| tail),
                "--command" => takes_script = true,
                "--version" | "--help" => {
                    self.plain_read(program);
                    return true;
                }
                _ if !text.starts_with("--") => {
                    takes_script |= text.contains('c');
                    reads_stdin |= text.contains('s');
                    checks_only |= text.contains('n');
                }
                _ => {}
            }
        }
        let script = rest.split_first().filter(|(file, _)| !reads_stdin && !is_stdin(&file.text));
        if takes_script {
            self.runs_text(rest);
        } else if let Some((file, arguments)) = script {
            if checks_only {
                self.plain_read(program);
            } else {
                self.runs_script(file, arguments);
            }
        } else if reads_stdin || self.feed.is_some {
            self.runs_stdin(program);
        } else if self.is_elsewhere {
            let target = Target::Command(program.to_owned());
            self.effect(
                EffectClass::BuildTest,
                target,
                "shell.inside",
                "a shell in a container or on another host",
            );
        } else {
            let text = "starts a shell that takes commands nobody has seen";
            self.effect(
                EffectClass::EscapeAttempt,
                Target::Command(program.to_owned()),
                "shell.interactive",
                text,
            );
        }
        true
    }

    /// `sh -c TEXT NAME ARG…`.
    fn runs_text(&mut self, rest: &[Value]) {
        let Some((text, after)) = rest.split_first() else { return };
        let outer = self.scope.positional.replace(after.get(1..).unwrap_or_default().to_vec());
        self.in_child(|walk| walk.nested_value(text));
        self.scope.positional = outer;
    }

    fn runs_script(&mut self, file: &Value, arguments: &[Value]) {
        if file.marks.is_foreign() {
            self.foreign("runs a script that was fetched or decoded");
            return;
        }
        if file.marks.installer {
            self.installs();
            return;
        }
        let written = |name: &&str| !name.starts_with("/dev/fd/") || self.scope.file(name).is_some();
        let Some(name) = file.literal().filter(written) else {
            self.unknown(
                Target::Path(file.shown()),
                "shell.script",
                "which script runs is only known at run time",
            );
            return;
        };
        let outer = self.scope.positional.replace(arguments.to_vec());
        self.runs_file(name);
        self.scope.positional = outer;
    }

    /// A shell or interpreter reads its program from standard input.
    fn runs_stdin(&mut self, program: &str) {
        if self.feed.marks.is_foreign() {
            self.foreign("pipes fetched or decoded text into a shell");
        } else if self.feed.marks.installer {
            self.installs();
            return;
        }
        let feed = std::mem::take(&mut self.feed);
        if let Some(text) = &feed.text {
            match program {
                "source" => self.nested(text),
                _ => self.in_child(|walk| walk.nested(text)),
            }
        } else if let Some(file) = feed.file.as_deref().filter(|file| file.contains(word::UNKNOWN)) {
            let target = Target::Path(word::shown(file));
            self.unknown(target, "shell.stdin", "runs a file that is only known at run time");
        } else if let Some(file) =
            feed.file.as_deref().filter(|file| !file.starts_with("/dev/") && !file.starts_with('@'))
        {
            self.runs_file(file);
        } else if feed.file.is_some() {
            let text = "starts a shell that takes commands nobody has seen";
            self.effect(
                EffectClass::EscapeAttempt,
                Target::Command(program.to_owned()),
                "shell.interactive",
                text,
            );
        } else if !feed.marks.is_foreign() {
            let target = Target::Command(program.to_owned());
            self.unknown(target, "shell.stdin", "runs commands that are only known at run time");
        }
        self.feed = feed;
    }

    /// Reads a value as shell text.
    pub(super) fn nested_value(&mut self, value: &Value) {
        if value.marks.is_foreign() {
            self.foreign("runs text that was fetched or decoded");
        } else if value.marks.installer {
            self.installs();
            return;
        }
        if value.is_wholly_unknown() {
            if !value.marks.is_foreign() {
                let target = Target::Command(value.shown());
                self.unknown(target, "shell.text", "the text that is run is only known at run time");
            }
            return;
        }
        self.nested(&value.text);
    }

    /// The installer of a tool chain is fetched and run.
    pub(super) fn installs(&mut self) {
        let text = "fetches the installer of a tool and runs it";
        self.effect(EffectClass::PackageInstall, Target::Unknown, "fetched.installer", text);
    }

    fn evaluates(&mut self, args: &[Value]) {
        let mut whole = Value::known("");
        for (index, arg) in args.iter().enumerate() {
            if index > 0 {
                whole.text.push(' ');
            }
            whole.append(arg);
        }
        if !whole.text.trim().is_empty() {
            self.nested_value(&whole);
        }
    }

    fn sources(&mut self, args: &[Value]) {
        let Some((file, rest)) = args.split_first() else { return };
        if self.is_secret(file) {
            self.secret(file, "shell.source");
        }
        if is_stdin(&file.text) {
            self.runs_stdin("source");
        } else {
            self.runs_script(file, rest);
        }
    }

    fn changes_directory(&mut self, program: &str, args: &[Value]) {
        self.plain_read(program);
        let Some(to) = flags::positionals(args, "").first().map(|to| to.text.clone()) else {
            self.scope.directory = Some("~".to_owned());
            return;
        };
        self.enters(&to);
    }

    /// Later relative paths are meant from this directory.
    pub(super) fn enters(&mut self, to: &str) {
        let is_anchored = to.starts_with(['/', '~', word::UNKNOWN]);
        let directory = match self.scope.directory.take() {
            Some(from) if !is_anchored && to != "-" => format!("{from}/{to}"),
            _ => to.to_owned(),
        };
        const LONGEST: usize = 4096;
        self.scope.directory = (directory.len() <= LONGEST).then_some(directory);
    }

    pub(super) fn prints(&mut self, program: &str, args: &[Value]) {
        self.plain_read(program);
        let is_shown = self.next.is_none() && !self.is_redirected;
        let is_shown = is_shown || self.next.as_deref().is_some_and(passes_on);
        for name in args.iter().filter_map(|arg| arg.from.clone()).filter(|_| is_shown) {
            if is_secret_name(&name) {
                self.environment_read(&name);
            }
        }
        if is_shown
            && args.iter().any(|arg| arg.marks.secret && !arg.from.as_deref().is_some_and(is_secret_name))
        {
            let target = Target::Secret("environment".to_owned());
            let text = "prints a variable that is named like a credential, among other text";
            self.effect(EffectClass::SecretRead, target, "environment.secret", text);
        }
        let words: Vec<&Value> = args.iter().skip_while(|arg| is_echo_option(program, &arg.text)).collect();
        let mut text = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        if program == "printf" {
            text = formatted(&words);
        } else if args.iter().take(args.len() - words.len()).any(|option| option.text.contains('e')) {
            text = word::unescape(&text);
        }
        self.marks = args.iter().fold(self.marks, |marks, arg| marks.and(arg.marks));
        // Letters spelt as numbers: nobody writes text this way who wants it to be read.
        self.marks.decoded |= args.iter().any(|arg| arg.text.matches("\\x").count() > 1);
        text.push('\n');
        self.printed = Some(text);
    }

    fn declares(&mut self, program: &str, args: &[Value]) {
        let names: Vec<&Value> = args.iter().filter(|arg| !arg.text.starts_with(['-', '+'])).collect();
        if names.is_empty() && (args.is_empty() || flags::has_any(args, "-p -x")) && program != "local" {
            self.environment_printed();
            return;
        }
        self.plain_read(program);
        let prints = flags::has(args, "-p");
        let refers = flags::has(args, "-n") && program != "export";
        for arg in names {
            if refers {
                let (name, to) = arg.text.split_once('=').unwrap_or((&arg.text, ""));
                self.scope.refer(name, to);
                continue;
            }
            if prints {
                self.environment_named(&arg.text);
            }
            if let Some((name, text)) = arg.text.split_once('=') {
                let value = Value { text: text.to_owned(), ..arg.clone() };
                // `declare -a 'a=($(x))'`: the words of an array are read again.
                if text.starts_with('(') {
                    self.substitutions(text);
                }
                self.assigned(name, &value, false);
            }
        }
    }

    /// `env` and `printenv` without a command. `false` when there is one.
    fn shows_environment(&mut self, program: &str, args: &[Value]) -> bool {
        let words = flags::positionals(args, "-u --unset -C --chdir -S --split-string");
        if program == "printenv" {
            for name in &words {
                self.environment_read(&name.text);
            }
            if words.is_empty() {
                self.environment_printed();
            }
            return true;
        }
        let has_text = flags::has_any(args, "-S --split-string");
        if has_text || words.iter().any(|word| !is_assignment(&word.text)) {
            return false;
        }
        self.environment_printed();
        true
    }

    fn stops_history(&mut self, command: &str) {
        let target = Target::Command(command.to_owned());
        self.effect(EffectClass::EscapeAttempt, target, "shell.history", "stops the record of commands");
    }

    pub(super) fn plain_read(&mut self, program: &str) {
        self.effect(
            EffectClass::Read,
            Target::Command(program.to_owned()),
            "command.builtin",
            "changes nothing outside",
        );
    }
}

pub(super) fn is_assignment(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// The words after the options; `takes_value` as in [`flags::positionals`].
pub(super) fn after_options<'a>(args: &'a [Value], takes_value: &str) -> &'a [Value] {
    let mut rest = args;
    while let Some((arg, tail)) = rest.split_first() {
        if arg.text == "--" {
            return tail;
        }
        if !arg.text.starts_with('-') || arg.text == "-" {
            break;
        }
        rest = if flags::lists(takes_value, &arg.text) { tail.get(1..).unwrap_or_default() } else { tail };
    }
    rest
}

/// The words after the code of an interpreter; `code` and `takes_value` as in the table of interpreters.
pub(super) fn after_code<'a>(args: &'a [Value], code: &str, takes_value: &str) -> &'a [Value] {
    let mut rest = args;
    while let Some((arg, tail)) = rest.split_first()
        && arg.text.starts_with('-')
    {
        let is_code = !arg.text.starts_with("--") && arg.text.ends_with(['e', 'E', 'c', 'p', 'r'])
            || flags::lists(code, &arg.text)
            || flags::lists(takes_value, &arg.text);
        rest = if is_code { tail.get(1..).unwrap_or_default() } else { tail };
    }
    rest
}

/// Programs that pass what they read to another host.
fn is_connection(name: &str) -> bool {
    matches!(
        name.rsplit('/').next().unwrap_or(name),
        "nc" | "ncat" | "netcat" | "telnet" | "socat" | "openssl"
    )
}

/// Programs that show or send what they read, as it is or in another spelling.
fn passes_on(next: &[Value]) -> bool {
    const SHOWS: &str = "base64 base32 basenc xxd od hexdump hd rev tr tac cat fold nl gzip bzip2 xz openssl curl wget nc ncat \
        netcat socat telnet mail sendmail less more pbcopy xclip wl-copy";
    let Some((name, args)) = next.split_first() else { return false };
    let name = name.text.rsplit('/').next().unwrap_or_default();
    // A key that is only measured or handed to a login stays where it is.
    let is_key = name == "openssl"
        && args.first().is_some_and(|sub| flags::lists("dgst rsa pkey ec x509 sha256", &sub.text));
    flags::lists(SHOWS, name) && !is_key
}

fn is_stdin(text: &str) -> bool {
    matches!(text, "-" | "/dev/stdin" | "/proc/self/fd/0" | "/dev/fd/0")
}

fn is_echo_option(program: &str, text: &str) -> bool {
    match program {
        "echo" => {
            text.len() > 1
                && text.starts_with('-')
                && text.bytes().skip(1).all(|byte| matches!(byte, b'n' | b'e' | b'E'))
        }
        _ => text == "--",
    }
}

/// `printf FORMAT ARG…`, as far as `%s`, `%b` and `%d` go; other directives take one argument each.
fn formatted(words: &[&Value]) -> String {
    let Some((format, arguments)) = words.split_first() else { return String::new() };
    let mut arguments = arguments.iter();
    let mut out = String::new();
    let format = word::unescape(&format.text);
    let mut rest = format.as_str();
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let width = after
            .find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | ' ' | '.' | '#' | '*'))
            .unwrap_or(after.len());
        let directive = after.get(width..).and_then(|tail| tail.chars().next());
        match directive {
            Some('%') => out.push('%'),
            Some('b') => {
                out.push_str(&word::unescape(arguments.next().map_or("", |value| value.text.as_str())))
            }
            Some(_) => out.push_str(arguments.next().map_or("", |value| value.text.as_str())),
            None => break,
        }
        rest = after.get(width + directive.map_or(0, char::len_utf8)..).unwrap_or_default();
    }
    out.push_str(rest);
    for left in arguments {
        out.push(' ');
        out.push_str(&left.text);
    }
    out
}
