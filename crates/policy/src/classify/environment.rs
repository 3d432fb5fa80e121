//! The environment: variables that make other programs run something, and looking at variables that hold secrets.

use writ_model::EffectClass;

use super::path::{self, Place};
use super::walk::Walk;
use super::word::{UNKNOWN, Value};
use super::{Target, flags};

/// Variables whose value some program runs as a command.
const COMMANDS: &str = "GIT_SSH_COMMAND GIT_SSH GIT_EXTERNAL_DIFF GIT_PAGER GIT_EDITOR GIT_SEQUENCE_EDITOR GIT_ASKPASS \
    GIT_PROXY_COMMAND SSH_ASKPASS PAGER MANPAGER SYSTEMD_PAGER PSQL_PAGER BAT_PAGER EDITOR VISUAL \
    SUDO_EDITOR KUBE_EDITOR FCEDIT LESSOPEN LESSCLOSE BROWSER PROMPT_COMMAND PS0 RUSTC_WRAPPER \
    RUSTC_WORKSPACE_WRAPPER CARGO_BUILD_RUSTC_WRAPPER RSYNC_RSH CVS_RSH SVN_SSH npm_config_script_shell \
    MAKESHELL SHELL_COMMAND TERRAFORM_EXEC";

/// Variables that name code which every program of a language loads first.
const PRELOADS: &str = "BASH_ENV ENV PYTHONSTARTUP PYTHONHOME PERL5OPT PERL5LIB RUBYOPT NODE_OPTIONS JAVA_TOOL_OPTIONS \
    _JAVA_OPTIONS JDK_JAVA_OPTIONS PYTHONPATH NODE_PATH LUA_INIT PHPRC GCONV_PATH GIT_EXEC_PATH \
    GIT_TEMPLATE_DIR GIT_CONFIG_GLOBAL GIT_CONFIG_COUNT LD_LIBRARY_PATH";

/// Whether a variable decides what runs, or how the words of a line are split.
pub(super) fn decides(name: &str) -> bool {
    const OTHERS: &str =
        "PATH IFS LD_PRELOAD LD_AUDIT DYLD_INSERT_LIBRARIES PS0 PS1 PS2 PS4 HISTFILE HISTSIZE HISTFILESIZE";
    flags::lists(OTHERS, name)
        || flags::lists(COMMANDS, name)
        || flags::lists(PRELOADS, name)
        || name.starts_with("GIT_CONFIG_")
}

// === impl Walk ===

impl Walk<'_> {
    /// A variable is set, for one command or for the rest of the line.
    pub(super) fn environment_set(&mut self, name: &str, value: &Value) {
        let shown = || Target::Command(format!("{name}={}", value.shown()));
        let text = value.text.as_str();
        self.database_set(name, value);
        match name {
            // Where a database is asked, for the client that comes behind.
            "PGHOST" | "PGHOSTADDR" | "PGSERVICE" | "MYSQL_HOST" | "REDISCLI_URL" => {
                self.scope.set(name, value.clone(), false);
            }
            "HISTFILE" | "HISTSIZE" | "HISTFILESIZE" if matches!(text, "" | "0" | "/dev/null") => {
                self.effect(
                    EffectClass::EscapeAttempt,
                    shown(),
                    "environment.history",
                    "stops the record of commands",
                );
            }
            "LD_PRELOAD" | "LD_AUDIT" | "DYLD_INSERT_LIBRARIES" if !text.is_empty() => {
                let is_system =
                    ["/usr/", "/lib"].iter().any(|root| text.starts_with(root)) || !text.contains('/');
                let class = if is_system { EffectClass::BuildTest } else { EffectClass::EscapeAttempt };
                self.effect(class, shown(), "environment.preload", "loads a library into other programs");
            }
            "PATH" => {
                let is_open = |part: &str| {
                    !part.starts_with(['/', '~', UNKNOWN])
                        || path::place(&path::normalise(part, self.facts), self.facts) == Place::Scratch
                };
                // Where no tool chain puts its programs: who sets this has put something there.
                let is_odd = |part: &str| {
                    const USUAL: &[&str] = &[
                        "/bin",
                        "/sbin",
                        "/usr",
                        "/opt",
                        "/snap",
                        "/nix",
                        "/run/current-system",
                        "/home/linuxbrew",
                    ];
                    let normal = path::normalise(part, self.facts);
                    normal.starts_with('/')
                        && path::place(&normal, self.facts) == Place::Outside
                        && !USUAL.iter().any(|root| {
                            normal
                                .strip_prefix(root)
                                .is_some_and(|tail| tail.is_empty() || tail.starts_with('/'))
                        })
                };
                if text.split(':').any(|part| is_open(part) || is_odd(part)) {
                    self.effect(
                        EffectClass::BuildTest,
                        shown(),
                        "environment.path",
                        "changes which programs run",
                    );
                }
            }
            "BASH_ENV" | "ENV" | "PYTHONSTARTUP" | "LUA_INIT" if text.contains(['/', '.', '$', '`']) => {
                self.runs_file(text.trim_start_matches('@'));
            }
            "GIT_AUTHOR_NAME" | "GIT_AUTHOR_EMAIL" | "GIT_COMMITTER_NAME" | "GIT_COMMITTER_EMAIL" => {
                let target = Target::Command(format!("git as {}", super::word::shown(name)));
                let text = "changes who commits are from";
                self.effect(EffectClass::IdentityChange, target, "git.identity", text);
            }
            "HUSKY" | "LEFTHOOK" | "OVERCOMMIT_DISABLE" if matches!(text, "0" | "false" | "1") => {
                let is_off = (name == "OVERCOMMIT_DISABLE") == (text == "1");
                if is_off {
                    self.skips_hooks();
                }
            }
            "PS0" | "PS1" | "PS2" | "PS4" => self.substitutions(text),
            "NODE_OPTIONS"
                if !["require", "import", "loader", "-r"].iter().any(|word| text.contains(word)) => {}
            // Read like the options that they are.
            "NODE_OPTIONS" => self.options_set("node", value, &["-e", "0"]),
            "PERL5OPT" if !text.is_empty() => self.options_set("perl", value, &["-e", "1"]),
            "RUBYOPT" if !text.is_empty() => self.options_set("ruby", value, &["-e", "1"]),
            "JAVA_TOOL_OPTIONS" | "_JAVA_OPTIONS" | "JDK_JAVA_OPTIONS" if text.contains("agent") => {
                for word in text.split_whitespace() {
                    if let Some((_, agent)) =
                        word.split_once("agent:").or_else(|| word.split_once("agentpath:"))
                    {
                        self.runs_file(agent.split('=').next().unwrap_or(agent));
                    }
                }
            }
            _ if flags::lists(COMMANDS, name)
                || name.starts_with("GIT_CONFIG_VALUE")
                || (name.starts_with("CARGO_TARGET_") && name.ends_with("_RUNNER")) =>
            {
                self.command_setting(name, value)
            }
            _ if flags::lists(PRELOADS, name) && !text.is_empty() => {
                self.effect(
                    EffectClass::BuildTest,
                    shown(),
                    "environment.code",
                    "changes what code programs load",
                );
            }
            _ => {}
        }
    }

    /// A variable whose words every start of a program takes as options.
    fn options_set(&mut self, program: &str, value: &Value, rest: &[&str]) {
        let target = Target::Command(format!("{program} options"));
        if !value.exact {
            let text = "the options of a program are only known at run time";
            self.unknown(target, "environment.code", text);
            return;
        }
        self.effect(EffectClass::BuildTest, target, "environment.code", "changes what code programs load");
        let words = value.text.split_whitespace().map(Value::known);
        let argv: Vec<Value> = [Value::known(program)]
            .into_iter()
            .chain(words)
            .chain(rest.iter().map(|word| Value::known(*word)))
            .collect();
        let (feed, next) = (std::mem::take(&mut self.feed), self.next.take());
        self.argv(&argv);
        (self.feed, self.next) = (feed, next);
    }

    /// The directories in which a command is looked for before the usual ones.
    pub(super) fn searched_first(&mut self, value: &Value) {
        const USUAL: &str = "/bin /sbin /usr/bin /usr/sbin /usr/local/bin /usr/local/sbin";
        let parts: Vec<String> = value.text.split(':').map(str::to_owned).collect();
        for part in parts.iter().filter(|part| !part.starts_with(UNKNOWN) && !flags::lists(USUAL, part)) {
            let target = Target::Path(super::word::shown(part));
            let text = "runs programs of this directory";
            self.effect(EffectClass::BuildTest, target, "environment.path", text);
        }
    }

    /// A setting whose value is run as a command by the program that reads it.
    pub(super) fn command_setting(&mut self, name: &str, value: &Value) {
        let Some(text) = value.literal() else {
            let target = Target::Command(format!("{name}={}", value.shown()));
            self.unknown(
                target,
                "environment.command",
                format!("`{name}` runs a command only known at run time"),
            );
            return;
        };
        if value.marks.is_foreign() {
            self.foreign("runs a command that was fetched or decoded");
        }
        let text = text.trim_start_matches(['!', '|', ';', ' ']);
        if !text.trim().is_empty() {
            let feed = std::mem::take(&mut self.feed);
            let next = self.next.take();
            self.nested(text);
            self.feed = feed;
            self.next = next;
        }
    }

    /// The whole environment is printed. What the next command keeps of it decides.
    pub(super) fn environment_printed(&mut self) {
        self.marks.environment = true;
        let keeps_names_only = self.next.as_deref().is_some_and(keeps_no_secret);
        if keeps_names_only {
            let target = Target::Command("env".to_owned());
            self.effect(EffectClass::Read, target, "environment.part", "prints a part of the environment");
        } else {
            let target = Target::Secret("environment".to_owned());
            self.effect(EffectClass::SecretRead, target, "environment.whole", "prints the whole environment");
        }
    }

    /// A variable is used by its name in a program of another language.
    pub(super) fn environment_named(&mut self, name: &str) {
        if is_secret_name(name) {
            self.environment_read(name);
        }
    }

    /// One variable is printed or used as text.
    pub(super) fn environment_read(&mut self, name: &str) {
        if is_secret_name(name) {
            let target = Target::Secret(name.to_owned());
            self.effect(
                EffectClass::SecretRead,
                target,
                "environment.secret",
                format!("`{name}` holds a credential"),
            );
        } else {
            let target = Target::Command("printenv".to_owned());
            self.effect(EffectClass::Read, target, "environment.part", "prints one variable");
        }
    }
}

/// Whether this filter of `NAME=value` lines drops the values, or keeps lines that hold no secret.
fn keeps_no_secret(next: &[Value]) -> bool {
    let Some((program, args)) = next.split_first() else { return false };
    match program.text.rsplit('/').next().unwrap_or_default() {
        "grep" | "egrep" | "fgrep" | "rg" | "ag" => {
            let given = flags::values(args, "-e --regexp");
            let pattern = given
                .first()
                .copied()
                .or_else(|| flags::positionals(args, "-A -B -C -m").first().map(|word| word.text.as_str()));
            pattern.is_some_and(|pattern| {
                let is_broad = pattern.chars().filter(|c| !" .=^$*+".contains(*c)).count() < 2;
                flags::has(args, "-c")
                    || flags::has(args, "-q")
                    || (!is_broad && !is_secret_name(pattern) && !flags::has(args, "-v"))
            })
        }
        "awk" | "gawk" | "mawk" => {
            let words = flags::positionals(args, "-F -v -f");
            let program = words.first().map(|word| word.text.as_str()).unwrap_or_default();
            let prints_bare = program
                .split("print")
                .skip(1)
                .any(|rest| rest.trim_start().starts_with(['}', ';']) || rest.trim().is_empty());
            program.contains("$1")
                && !program.contains("$0")
                && !program.contains("$2")
                && !program.contains("$NF")
                && !prints_bare
        }
        "cut" => flags::values(args, "-f --fields").first() == Some(&"1"),
        "sed" => args.iter().any(|arg| arg.text.contains("=.*//") || arg.text.contains("=.*$//")),
        "wc" => true,
        _ => false,
    }
}

/// Whether a variable, field or search of this name is about a credential.
pub(super) fn is_secret_name(name: &str) -> bool {
    const PARTS: &[&str] = &[
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "APIKEY",
        "API_KEY",
        "PRIVATE_KEY",
        "ACCESS_KEY",
        "CREDENTIAL",
        "AUTH_KEY",
        "SIGNING_KEY",
        "ENCRYPTION_KEY",
        "DEPLOY_KEY",
        "SSH_KEY",
        "DATABASE_URL",
        "CONNECTION_STRING",
    ];
    let upper = name.to_uppercase();
    let upper = upper.replace('-', "_");
    PARTS.iter().any(|part| upper.contains(part))
        || upper.ends_with("_KEY")
        || upper.ends_with("_PASS")
        || upper == "KEY"
        || upper == "PASS"
}
