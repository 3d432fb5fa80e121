//! Ways out hidden in arguments and options: a shell started by another program, a library loaded into it, a process
//! taken hold of.

use writ_model::EffectClass;

use super::super::walk::Walk;
use super::super::word::{self, Value};
use super::super::{Target, flags};
use super::name::{is_shell, program_name};

// === impl Walk ===

impl Walk<'_> {
    /// Options of programs that only look, whose value is a command.
    pub(super) fn option_programs(&mut self, program: &str, args: &[Value]) {
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
                for arg in args {
                    for name in named_in_environment(&arg.text) {
                        self.environment_named(&name);
                    }
                    if names_environment(&arg.text) {
                        self.environment_printed();
                    }
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

    /// Options that load a library into the program: `openssl req -engine ./x.so`, `ssh-keygen -D ./x.so`.
    pub(super) fn loads_library(&mut self, program: &str, args: &[Value]) {
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

    /// A way out hidden in an argument: `-c ':!/bin/sh'`, `--exec=/bin/sh`, `system("/bin/sh")`.
    pub(super) fn break_out_in(&mut self, args: &[Value], class: EffectClass) {
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

/// Whether an argument makes its program start a shell.
pub(in crate::classify) fn starts_shell(text: &str) -> bool {
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

pub(super) fn is_shell_path(word: &str) -> bool {
    word.contains("bin/") && is_shell(&program_name(word))
}

/// The path of a shell right after something that starts a command in the languages of other programs: `!/bin/sh`,
/// `` `/bin/sh` ``, `%(/bin/sh)`, `{/bin/sh}`, `; /bin/sh`.
pub(super) fn quotes_shell(text: &str) -> bool {
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

/// `env` and `$ENV` in a program of jq, without the name of one variable behind it.
pub(super) fn names_environment(text: &str) -> bool {
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

/// The variables that a program of jq looks at one by one: `env.NAME`, `$ENV["NAME"]`.
pub(super) fn named_in_environment(text: &str) -> Vec<String> {
    const MOST: usize = 20;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    ["env", "$ENV"]
        .iter()
        .flat_map(|start| text.match_indices(start).take(MOST))
        .filter_map(|(at, start)| {
            let before = text.get(..at)?;
            let after = text.get(at + start.len()..)?;
            let is_own = !before.ends_with(|c: char| is_word(c) || matches!(c, '.' | '$' | '"' | '/'));
            let name = after.strip_prefix('.').or_else(|| after.strip_prefix("[\""))?;
            let name: String = name.chars().take_while(|c| is_word(*c)).collect();
            (is_own && !name.is_empty()).then_some(name)
        })
        .collect()
}

/// Whether a debugger or tracer is told to take hold of a process that already runs.
pub(super) fn attaches(program: &str, args: &[Value]) -> bool {
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
        "strace" | "ltrace" => {
            super::super::shell::after_options(args, "-e -o -s -u -E -a -O -S -P -l -x -p").len()
        }
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
