//! Programs that run another program: the class is that of what they run.
//!
//! Each wrapper is one line of a table: which of its options take a value, how many words come before the command,
//! and what it adds by itself. Those with a form of their own follow below.

mod repeat;
mod tail;
mod terminal;

use writ_model::EffectClass;

use super::shell::{after_options, is_assignment};
use super::walk::Walk;
use super::word::Value;
use super::{Target, flags};

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
    Wrapper { assigns: true, ..plain("env", "-u --unset -C --chdir -a --argv0 -S --split-string", 0) },
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
    plain("chrt", "-T -P -D --sched-runtime --sched-period --sched-deadline", 1),
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
    plain("bwrap", "", 0),
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
        if wrapper.name == "env"
            && let Some(text) = flags::values(options, "-S --split-string").first()
        {
            // What follows the text is more arguments of its command.
            let more = rest.iter().map(|arg| format!(" '{}'", arg.text.replace('\'', "'\\''")));
            let text: String = std::iter::once((*text).to_owned()).chain(more).collect();
            self.nested(&text);
            return;
        }
        if matches!(wrapper.name, "sudo" | "doas")
            && !flags::values(options, "-u --user").is_empty()
            && rest.first().is_some_and(|name| name.text == "git")
            && rest
                .iter()
                .any(|arg| matches!(arg.text.as_str(), "commit" | "tag" | "merge" | "am" | "rebase" | "push"))
        {
            let text = "commits or pushes as another user";
            self.effect(EffectClass::IdentityChange, target.clone(), "git.identity", text);
        }
        if wrapper.name == "bwrap" {
            rest = tail::behind_bwrap(args);
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
