//! Programs that run another program: the class is that of what they run.
//!
//! Each wrapper is one line of a table: which of its options take a value, how many words come before the command,
//! and what it adds by itself. Those with a form of their own follow below.

use writ_model::EffectClass;

use super::path;
use super::shell::{after_options, is_assignment};
use super::walk::{Found, Walk};
use super::word::{UNKNOWN, UNKNOWN_TEXT, Value};
use super::{Facts, Target, flags};

/// `NAME [options] [words] COMMAND…`.
struct Wrapper {
    name: &'static str,
    /// Options that consume the next word.
    values: &'static str,
    /// Words before the command.
    skip: usize,
    /// Whether `NAME=value` words come first.
    assigns: bool,
    /// The class of the wrapper itself.
    own: EffectClass,
}

const fn plain(name: &'static str, values: &'static str, skip: usize) -> Wrapper {
    Wrapper { name, values, skip, assigns: false, own: EffectClass::Read }
}

const WRAPPERS: &[Wrapper] = &[
    Wrapper {
        assigns: true,
        ..plain("sudo", "-u -g -h -p -C -D -r -t -T -U -R --user --group --chdir --prompt", 0)
    },
    Wrapper { assigns: true, ..plain("doas", "-u -C -a", 0) },
    Wrapper { assigns: true, ..plain("env", "-u --unset -C --chdir -a --argv0", 0) },
    Wrapper { assigns: true, ..plain("cross-env", "", 0) },
    Wrapper { assigns: true, ..plain("cross-env-shell", "", 0) },
    Wrapper {
        assigns: true,
        own: EffectClass::EscapeAttempt,
        ..plain(
            "systemd-run",
            "-p --unit --property -E --setenv --slice --description -M --working-directory",
            0,
        )
    },
    plain("nohup", "", 0),
    plain("nice", "-n --adjustment", 0),
    plain("ionice", "-c -n --class --classdata", 0),
    plain("chrt", "", 1),
    plain("taskset", "", 1),
    plain("numactl", "-N -m -C", 0),
    plain("cpulimit", "-l -p -e", 0),
    plain("prlimit", "", 0),
    plain("time", "-f -o --format --output", 0),
    plain("gtime", "-f -o --format --output", 0),
    plain("timeout", "-k -s --kill-after --signal", 1),
    plain("gtimeout", "-k -s --kill-after --signal", 1),
    plain("stdbuf", "-i -o -e", 0),
    plain("unbuffer", "", 0),
    plain("setsid", "", 0),
    plain("setarch", "", 0),
    plain("linux32", "", 0),
    plain("linux64", "", 0),
    plain("i386", "", 0),
    plain("uname26", "", 0),
    plain("aa-exec", "-p -n --profile --namespace", 0),
    plain("caffeinate", "-t -w", 0),
    plain("cgexec", "-g", 0),
    plain("choom", "-n -p --adjust", 0),
    plain("daemonize", "-a -c -e -o -p -l -u -E", 0),
    plain("distcc", "", 0),
    plain("dumb-init", "", 0),
    plain("genie", "", 0),
    plain("grc", "-c -e -s", 0),
    plain("multitime", "-n -i -o -q -r -s -I", 0),
    plain("nocache", "", 0),
    plain("pexec", "-n -p -e -o -i -u", 0),
    plain("tini", "-p", 0),
    plain("trickle", "-d -u -w -t -l -n", 0),
    Wrapper { own: EffectClass::EscapeAttempt, ..plain("flatpak-spawn", "--directory --env", 0) },
    Wrapper { own: EffectClass::EscapeAttempt, ..plain("host-spawn", "", 0) },
    Wrapper { own: EffectClass::IdentityChange, ..plain("ssh-agent", "-a -t -E -P -O", 0) },
    plain("command", "", 0),
    plain("builtin", "", 0),
    plain("busybox", "", 0),
    plain("shx", "", 0),
    plain("toybox", "", 0),
    plain("dbus-run-session", "--config-file", 0),
    plain("dbus-launch", "", 0),
    plain("xvfb-run", "-n -s -e -f -w -p --server-num --server-args --auth-file", 0),
    plain("faketime", "-f", 1),
    plain("fakeroot", "-l -s -i -b", 0),
    plain("firejail", "", 0),
    plain("proot", "-r -b -w -q -k", 0),
    plain("proxychains", "-f", 0),
    plain("proxychains4", "-f", 0),
    plain("torsocks", "", 0),
    plain("torify", "", 0),
    plain("strace", "-e -o -p -s -u -E -a -O -S -P", 0),
    plain("ltrace", "-e -o -p -s -u -a -l -x", 0),
    plain("catchsegv", "", 0),
    plain("eatmydata", "", 0),
    plain("chronic", "", 0),
    plain("ts", "", 0),
    plain("rlwrap", "-f -H -s", 0),
    plain("logsave", "", 1),
    plain("run-one", "", 0),
    plain("retry", "-t -d --times --delay", 0),
    plain("sg", "", 1),
    Wrapper { own: EffectClass::IdentityChange, ..plain("pkexec", "--user", 0) },
    Wrapper { own: EffectClass::IdentityChange, ..plain("runuser", "-u -g -G -s", 0) },
    Wrapper { own: EffectClass::IdentityChange, ..plain("gosu", "", 1) },
    Wrapper { own: EffectClass::IdentityChange, ..plain("su-exec", "", 1) },
    Wrapper {
        own: EffectClass::IdentityChange,
        ..plain("setpriv", "--reuid --regid --groups --inh-caps --bounding-set", 0)
    },
    Wrapper { own: EffectClass::IdentityChange, ..plain("capsh", "", 0) },
    Wrapper { own: EffectClass::IdentityChange, ..plain("chroot", "--userspec --groups", 1) },
    Wrapper { own: EffectClass::EscapeAttempt, ..plain("nsenter", "-t --target -S -G -r -w", 0) },
    Wrapper {
        own: EffectClass::EscapeAttempt,
        ..plain("unshare", "-R -w -S -G --map-users --map-groups", 0)
    },
    plain("bwrap", "", usize::MAX),
];

/// First words of `setarch`.
const ARCHITECTURES: &str =
    "i386 i586 i686 linux32 linux64 x86_64 aarch64 arm64 armv7l ppc64le s390x riscv64 uname26";

/// Programs with a form of their own.
const OTHERS: &str = "perf start-stop-daemon xdotool xargs gxargs parallel watch su script flock tmux screen expect run-parts entr hyperfine concurrently \
    nodemon start-server-and-test npm-run-all run-s run-p dotenv dotenvx env-cmd op doppler infisical \
    aws-vault chamber teller sops vault-env gdb lldb valgrind coverage watchexec hatch-run sem \
    CompileDaemon air reflex envdir at batch";

pub(super) fn is_wrapper(program: &str) -> bool {
    WRAPPERS.iter().any(|wrapper| wrapper.name == program) || flags::lists(OTHERS, program)
}

/// Options that name the directory in which the command runs.
fn directory_options(wrapper: &str) -> &'static str {
    match wrapper {
        "env" => "-C --chdir",
        "sudo" => "-D --chdir",
        "systemd-run" => "--working-directory",
        _ => "",
    }
}

// === impl Walk ===

impl Walk<'_> {
    /// Unwraps one level. `false` when the program is no wrapper.
    pub(super) fn wrapper(&mut self, program: &str, args: &[Value]) -> bool {
        if let Some(wrapper) = WRAPPERS.iter().find(|wrapper| wrapper.name == program) {
            self.unwrap_plain(wrapper, args);
            return true;
        }
        match program {
            "xargs" | "gxargs" => self.xargs(args),
            "parallel" | "sem" => self.parallel(args),
            "watch" => self.text_or_words(after_options(args, "-n --interval"), flags::has(args, "-x")),
            "su" => self.su(args),
            "perf"
                if args.first().is_some_and(|sub| flags::lists("stat record trace mem c2c", &sub.text)) =>
            {
                self.runs_words(program, args.get(1..).unwrap_or_default());
            }
            "xdotool" if args.first().is_some_and(|sub| sub.text == "exec") => {
                self.argv(after_options(args.get(1..).unwrap_or_default(), ""));
            }
            "start-stop-daemon" => self.service_daemon(args),
            "script" | "flock" => self.command_option(program, args),
            "tmux" | "screen" => self.terminal(program, args),
            "expect" => self.expect(args),
            "entr" | "watchexec" | "coverage" | "valgrind" => self.runs_words(program, args),
            "hyperfine"
            | "concurrently"
            | "start-server-and-test"
            | "nodemon"
            | "CompileDaemon"
            | "reflex" => {
                self.runs_each_text(program, args);
            }
            "op" | "doppler" | "infisical" | "aws-vault" | "chamber" | "teller" | "sops" | "dotenv"
            | "dotenvx" | "env-cmd" => return self.with_secrets(program, args),
            "gdb" | "lldb" => {
                for text in flags::values(args, "-ex -eval-command -o --one-line") {
                    if let Some(command) =
                        text.trim_start().strip_prefix(['!']).or_else(|| text.strip_prefix("shell "))
                    {
                        self.nested(command);
                    }
                }
                return false;
            }
            _ => return false,
        }
        true
    }

    fn unwrap_plain(&mut self, wrapper: &Wrapper, args: &[Value]) {
        let target = Target::Command(wrapper.name.to_owned());
        if wrapper.own != EffectClass::Read {
            let text = format!("`{}` changes who runs the command, or where", wrapper.name);
            self.effect(wrapper.own, target.clone(), "wrapper.own", text);
        }
        let mut rest = after_options(args, wrapper.values);
        let options = args.get(..args.len() - rest.len()).unwrap_or_default();
        for text in flags::values(args, "-S --split-string").iter().filter(|_| wrapper.name == "env") {
            self.nested(text);
        }
        if wrapper.name == "bwrap" {
            rest = args
                .iter()
                .position(|arg| {
                    !arg.text.starts_with('-')
                        && super::command::is_shell(arg.text.rsplit('/').next().unwrap_or_default())
                })
                .and_then(|at| args.get(at..))
                .unwrap_or_default();
        }
        let mut rest = rest.get(wrapper.skip.min(rest.len())..).unwrap_or_default();
        if let Some((first, tail)) = rest.split_first()
            && first.text == "--"
        {
            rest = tail;
        }
        if wrapper.name == "setarch"
            && let Some((first, tail)) = rest.split_first()
            && flags::lists(ARCHITECTURES, &first.text)
        {
            rest = after_options(tail, "");
        }
        while let Some((arg, tail)) = rest.split_first()
            && wrapper.assigns
            && let Some((name, text)) = arg.text.split_once('=')
            && is_assignment(&arg.text)
        {
            self.environment_set(name, &Value { text: text.to_owned(), ..arg.clone() });
            rest = tail;
        }
        if !rest.is_empty() {
            if wrapper.name == "command" && flags::has_any(options, "-v -V") {
                self.printed = rest.first().and_then(|name| name.literal()).map(str::to_owned);
                self.plain_read("command");
                return;
            }
            let outer = self.scope.directory.clone();
            if let Some(directory) = flags::values(options, directory_options(wrapper.name)).last() {
                self.enters(directory);
            }
            self.argv(rest);
            self.scope.directory = outer;
            return;
        }
        match wrapper.name {
            "sudo" | "doas" if flags::has_any(options, "-l -v -k -K -V") => self.plain_read(wrapper.name),
            "sudo" | "doas" | "pkexec" | "runuser" | "nsenter" | "unshare" | "chroot" | "setpriv" | "sg"
            | "capsh" => {
                let text = "starts a shell for another user or in another place";
                self.effect(EffectClass::IdentityChange, target, "wrapper.shell", text);
            }
            name => self.plain_read(name),
        }
    }

    /// `start-stop-daemon --start --exec FILE -- ARG…`.
    fn service_daemon(&mut self, args: &[Value]) {
        let target = Target::Command("start-stop-daemon".to_owned());
        self.effect(EffectClass::BuildTest, target, "wrapper.runs", "starts or ends a program of the system");
        let arguments = args.iter().position(|arg| arg.text == "--").and_then(|at| args.get(at + 1..));
        let program = flags::values(args, "-x --exec -a --startas");
        if let Some(program) = program.first() {
            let argv: Vec<Value> = std::iter::once(Value::known(*program))
                .chain(arguments.unwrap_or_default().iter().cloned())
                .collect();
            self.argv(&argv);
        }
    }

    fn xargs(&mut self, args: &[Value]) {
        const VALUES: &str = "-I -n -P -L -d -a -E -s -J -R --max-args --max-procs --delimiter --arg-file --replace \
            --max-lines";
        let rest = after_options(args, VALUES);
        if let [only] = rest
            && flags::values(args, "-a --arg-file") == ["/dev/null"]
        {
            // Nothing is added, and the terminal stays what it was: a shell that takes what is typed.
            self.feed = super::walk::Feed::default();
            self.argv(std::slice::from_ref(only));
            return;
        }
        if self.feed.marks.is_foreign()
            && rest.first().is_some_and(|name| super::command::is_shell(&name.text))
        {
            self.foreign("pipes fetched or decoded text into a shell");
        }
        for file in flags::values(args, "-a --arg-file") {
            self.reads_path(&Value::known(file), "argument.read");
        }
        let given = self.feed.text.clone().filter(|text| text.split_whitespace().count() <= 16);
        let mut argv = rest.to_vec();
        // `-I{}`: what is read takes the place of a word, or of a part of it.
        let mark = flags::values(args, "-I -J --replace").last().map(|mark| (*mark).to_owned());
        let mark = mark.or_else(|| flags::has_any(args, "-i --replace").then(|| "{}".to_owned()));
        if let Some(mark) =
            mark.filter(|mark| !mark.is_empty() && rest.iter().any(|arg| arg.text.contains(mark)))
        {
            let line = given.as_deref().map(str::trim);
            for arg in argv.iter_mut().filter(|arg| arg.text.contains(&mark)) {
                arg.exact &= line.is_some();
                arg.marks = arg.marks.and(self.feed.marks);
                arg.text = arg.text.replace(&mark, line.unwrap_or(UNKNOWN_TEXT));
            }
            let feed = std::mem::take(&mut self.feed);
            self.feed.paths = Some(feed.paths.clone().unwrap_or_default());
            self.argv(&argv);
            self.feed = feed;
            return;
        }
        if argv.is_empty() {
            argv.push(Value::known("echo"));
        }
        let marks = self.feed.marks;
        match given {
            Some(text) => argv.extend(text.split_whitespace().map(Value::known)),
            None => argv.push(Value { marks, ..Value::unknown() }),
        }
        let feed = std::mem::take(&mut self.feed);
        // When nothing is read the command runs as it stands.
        if let Some((name, more)) = rest.split_first()
            && (!more.is_empty() || !super::command::is_shell(&name.text))
        {
            self.argv(rest);
        }
        self.feed.paths = Some(feed.paths.clone().unwrap_or_default());
        self.argv(&argv);
        self.feed = feed;
    }

    fn parallel(&mut self, args: &[Value]) {
        let rest = after_options(args, "-j --jobs -n -N -a --colsep -I -S --timeout --delay");
        let end = rest.iter().position(|arg| arg.text.starts_with(":::")).unwrap_or(rest.len());
        let (command, inputs) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        if command.is_empty() {
            for text in inputs.iter().skip(1) {
                self.nested_value(text);
            }
            if inputs.is_empty() {
                let target = Target::Command("parallel".to_owned());
                self.unknown(target, "shell.stdin", "runs commands that are only known at run time");
            }
            return;
        }
        let inputs = inputs.iter().filter(|input| !input.text.starts_with(":::"));
        let words: Vec<Value> = command.iter().chain(inputs).cloned().collect();
        self.text_or_words(&words, false);
    }

    /// A command given as one text or as words that are joined.
    fn text_or_words(&mut self, words: &[Value], exact_words: bool) {
        if exact_words {
            self.argv(words);
            return;
        }
        let mut whole = Value::known("");
        for word in words {
            whole.append(word);
            whole.text.push(' ');
        }
        if !whole.text.trim().is_empty() {
            self.nested_value(&whole);
        }
    }

    fn su(&mut self, args: &[Value]) {
        let target = Target::Command("su".to_owned());
        self.effect(EffectClass::IdentityChange, target, "wrapper.own", "`su` changes who runs the command");
        for (at, arg) in args.iter().enumerate() {
            if matches!(arg.text.as_str(), "-c" | "--command" | "-lc")
                && let Some(text) = args.get(at + 1)
            {
                self.nested_value(text);
            } else if let Some(text) = arg.text.strip_prefix("--command=") {
                self.nested(text);
            }
        }
    }

    /// `script -c TEXT`, `flock FILE -c TEXT`, `flock FILE COMMAND…`.
    fn command_option(&mut self, program: &str, args: &[Value]) {
        let mut texts = flags::values(args, "-c --command");
        // `-qc TEXT`: at the end of a cluster.
        if texts.is_empty() {
            let is_cluster = |arg: &Value| {
                arg.text.starts_with('-') && !arg.text.starts_with("--") && arg.text.ends_with('c')
            };
            let at = args.iter().position(is_cluster);
            texts.extend(at.and_then(|at| args.get(at + 1)).map(|text| text.text.as_str()));
        }
        let rest = after_options(args, "-c --command -w --timeout -E -t -T -B -I -O -m");
        for text in &texts {
            self.nested(text);
        }
        if texts.is_empty() && program == "flock" {
            self.argv(rest.get(1..).unwrap_or_default());
        } else if texts.is_empty() {
            let text = "starts a shell that takes commands nobody has seen";
            self.effect(
                EffectClass::EscapeAttempt,
                Target::Command(program.to_owned()),
                "shell.interactive",
                text,
            );
        }
        self.plain_read(program);
    }

    /// `tmux new-session 'text'`, `tmux send-keys 'text' Enter`, `screen -dm command`.
    fn terminal(&mut self, program: &str, args: &[Value]) {
        let sub = args.first().map(|sub| sub.text.as_str()).unwrap_or_default();
        if flags::lists(
            "-ls -list ls list-sessions lsw list-windows lsp list-panes capture-pane show-options -V -v",
            sub,
        ) {
            self.plain_read(program);
            return;
        }
        if flags::lists("-r -x -d", sub) && program == "screen" {
            let target = Target::Command(program.to_owned());
            self.effect(EffectClass::BuildTest, target, "wrapper.terminal", "goes back to a terminal");
            return;
        }
        self.effect(
            EffectClass::BuildTest,
            Target::Command(program.to_owned()),
            "wrapper.terminal",
            "a terminal that goes on",
        );
        if after_options(args, "-S -L -f -c -T").is_empty() {
            let text = "starts a shell that takes commands nobody has seen";
            let target = Target::Command(program.to_owned());
            self.effect(EffectClass::EscapeAttempt, target, "shell.interactive", text);
            return;
        }
        if program == "screen" {
            let is_stuff = args.iter().position(|arg| arg.text == "stuff").and_then(|at| args.get(at + 1));
            match is_stuff {
                Some(text) => self.nested_value(text),
                None => self.argv(after_options(args, "-S -c -t -p -h -L -e -s -T -X")),
            }
            return;
        }
        let sends = args.iter().any(|arg| matches!(arg.text.as_str(), "send-keys" | "send"));
        let words = flags::positionals(args, "-t -s -n -c -x -y -F -e -L -S -f -p -l");
        let words = words
            .iter()
            .skip(1)
            .filter(|word| !matches!(word.text.as_str(), "Enter" | "C-m" | "C-c" | "C-d" | "Escape"));
        let owned: Vec<Value> = words.map(|word| (*word).clone()).collect();
        let starts = args.first().is_some_and(|sub| {
            [
                "new",
                "new-session",
                "neww",
                "new-window",
                "split-window",
                "splitw",
                "run-shell",
                "run",
                "respawn-pane",
                "if-shell",
                "display-popup",
            ]
            .contains(&sub.text.as_str())
        });
        if sends || starts {
            self.text_or_words(&owned, false);
        }
    }

    fn expect(&mut self, args: &[Value]) {
        self.effect(
            EffectClass::BuildTest,
            Target::Command("expect".to_owned()),
            "wrapper.expect",
            "drives another program",
        );
        for text in flags::values(args, "-c") {
            for line in text.split([';', '\n']) {
                if let Some(command) =
                    line.trim().strip_prefix("spawn ").or_else(|| line.trim().strip_prefix("exec "))
                {
                    self.nested(command);
                }
            }
        }
        for file in flags::positionals(args, "-c") {
            self.runs_file(&file.text);
        }
    }

    fn runs_words(&mut self, program: &str, args: &[Value]) {
        self.effect(
            EffectClass::BuildTest,
            Target::Command(program.to_owned()),
            "wrapper.runs",
            "runs another program",
        );
        let mut rest = after_options(args, "-w -e -f --exts --log-file --tool --source --rcfile");
        if program == "coverage" {
            match rest.first().map(|sub| sub.text.as_str()) {
                Some("run") => rest = rest.get(1..).unwrap_or_default(),
                _ => return,
            }
            let python = [Value::known("python")].into_iter().chain(rest.iter().cloned());
            self.argv(&python.collect::<Vec<_>>());
            return;
        }
        self.argv(rest);
    }

    /// `hyperfine 'a' 'b'`: each word with a blank is a command.
    fn runs_each_text(&mut self, program: &str, args: &[Value]) {
        self.effect(
            EffectClass::BuildTest,
            Target::Command(program.to_owned()),
            "wrapper.runs",
            "runs other programs",
        );
        for arg in args {
            let text = match arg.text.split_once('=') {
                Some((option, value)) if option.starts_with('-') => value,
                _ => arg.text.as_str(),
            };
            if text.contains(' ') && !text.starts_with('-') {
                self.nested(text);
            }
        }
    }

    /// Programs that put secrets into the environment of the command after `--` (or after `run`, `exec`).
    fn with_secrets(&mut self, program: &str, args: &[Value]) -> bool {
        let by_dashes = args.iter().position(|arg| arg.text == "--");
        let by_word = args.iter().position(|arg| matches!(arg.text.as_str(), "run" | "exec" | "exec-env"));
        let is_file_loader = matches!(program, "dotenv" | "dotenvx" | "env-cmd");
        let Some(at) = by_dashes.or(by_word) else {
            if is_file_loader {
                self.effect(
                    EffectClass::BuildTest,
                    Target::Command(program.to_owned()),
                    "wrapper.runs",
                    "runs another program",
                );
                self.argv(after_options(args, "-e -f -c -p -o -v"));
            }
            return is_file_loader;
        };
        if !is_file_loader {
            let target = Target::Secret(program.to_owned());
            self.effect(
                EffectClass::SecretRead,
                target,
                "wrapper.secrets",
                format!("`{program}` gives the command secrets"),
            );
        }
        let rest = args.get(at + 1..).unwrap_or_default();
        if program == "sops" {
            self.text_or_words(rest.get(1..).unwrap_or_default(), false);
        } else {
            let rest = if by_dashes.is_none() && program == "aws-vault" {
                rest.get(1..).unwrap_or_default()
            } else {
                rest
            };
            self.argv(after_options(rest, "-e -f --env --path"));
        }
        true
    }
}

impl Found {
    /// The one name that says most about what was found: that of a secret if there is one.
    pub(super) fn stand_in(&self, facts: &Facts<'_>) -> String {
        let is_secret = |name: &&String| path::is_secret(&path::normalise(name, facts));
        self.names.iter().find(is_secret).or(self.names.first()).cloned().unwrap_or_default()
    }

    /// Arguments that stand for the paths a search found.
    pub(super) fn is_stand_in(value: &Value) -> bool {
        value.text.starts_with(UNKNOWN)
    }
}
