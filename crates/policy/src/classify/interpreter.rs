//! Interpreters: scripts, modules, and code on the command line.
//!
//! What code does is read in `code`; this file finds the code.

use writ_model::EffectClass;

use super::catalogue;
use super::walk::Walk;
use super::word::{self, Value};
use super::{Target, flags, shell};

/// Name, options followed by code, options followed by some other value.
const INTERPRETERS: &[(&str, &str, &str)] = &[
    ("python", "-c", "-W -X --check-hash-based-pycs"),
    ("pypy", "-c", "-W -X"),
    (
        "node",
        "-e --eval -p --print -pe",
        "-r --require --import --loader --experimental-loader --env-file -C --conditions",
    ),
    ("nodejs", "-e --eval -p --print -pe", "-r --require --import"),
    ("ruby", "-e", "-r -I -C -E"),
    ("perl", "-e -E", "-I -M"),
    ("php", "-r -R -B -E", "-d -c -S -t -z"),
    ("lua", "-e", "-l"),
    ("luajit", "-e", "-l"),
    ("Rscript", "-e", ""),
    ("R", "-e", "-f"),
    ("julia", "-e -E --eval", "--project -L -t"),
    ("osascript", "-e", "-l"),
    ("groovy", "-e", "-cp"),
    ("elixir", "-e --eval", "-r"),
    ("tclsh", "", ""),
    ("wish", "", ""),
    ("irb", "", "-r"),
    ("jrunscript", "-e", "-l"),
    ("jjs", "-e", ""),
    ("guile", "-c", "-l"),
    ("ghc", "-e", ""),
    ("pwsh", "-Command -c -command", "-ExecutionPolicy -File"),
    ("powershell", "-Command -c -command", "-ExecutionPolicy -File"),
    ("cmd", "/c /C /k", ""),
    ("ts-node", "-e --eval", "-P -r"),
    ("tsx", "-e --eval", "--tsconfig"),
    ("bun", "-e --eval -p --print", ""),
    ("gjs", "-c", ""),
    ("scala", "-e", ""),
    ("sqlite3", "", ""),
    ("ipython", "-c", ""),
];

pub(super) fn is_interpreter(program: &str) -> bool {
    INTERPRETERS.iter().any(|(name, _, _)| *name == program)
}

// === impl Walk ===

impl Walk<'_> {
    /// `false` when the program is no interpreter, or is used as something else.
    pub(super) fn interpreter(&mut self, program: &str, args: &[Value]) -> bool {
        let Some((_, code, values)) = INTERPRETERS.iter().find(|(name, _, _)| *name == program) else {
            return false;
        };
        if program == "sqlite3" {
            return self.sqlite(args);
        }
        let texts = code_texts(args, code);
        if program == "bun" && texts.is_empty() {
            return false;
        }
        for option in ["-r", "--require", "--import", "--loader"] {
            for file in flags::values(args, option)
                .iter()
                .filter(|file| file.contains('/') && program != "php" && program != "ruby")
            {
                self.runs_file(file);
            }
        }
        if args
            .iter()
            .any(|arg| matches!(arg.text.to_lowercase().as_str(), "-encodedcommand" | "-enc" | "-ec"))
            && program.starts_with("p")
        {
            self.foreign("runs a command that is encoded");
            return true;
        }
        if !texts.is_empty() {
            for text in &texts {
                self.code_value(text, program);
            }
            if program == "perl" && args.iter().any(|arg| is_in_place(&arg.text)) {
                for file in flags::positionals(args, code) {
                    self.writes_path(file, false);
                }
            }
            return true;
        }
        if matches!(program, "python" | "pypy" | "ipython")
            && let Some(at) = args.iter().position(|arg| {
                arg.text.starts_with('-')
                    && !arg.text.starts_with("--")
                    && arg.text.ends_with('m')
                    && !flags::lists(values, &arg.text)
            })
            && args.iter().take(at).all(|arg| arg.text.starts_with('-'))
        {
            self.module(args.get(at + 1..).unwrap_or_default());
            return true;
        }
        if flags::has_any(args, "--version -V --help -h") || (args.len() == 1 && flags::has(args, "-v")) {
            self.plain_read(program);
            return true;
        }
        self.script(program, shell::after_options(args, values));
        true
    }

    fn script(&mut self, program: &str, rest: &[Value]) {
        let Some((file, arguments)) = rest.split_first().filter(|(file, _)| file.text != "-") else {
            self.code_on_stdin(program);
            return;
        };
        if file.marks.is_foreign() {
            self.foreign("runs a script that was fetched or decoded");
            return;
        }
        let Some(name) = file.literal().filter(|name| !name.starts_with("/dev/fd")) else {
            self.effect(
                EffectClass::BuildTest,
                Target::Command(program.to_owned()),
                "interpreter.script",
                "runs a script",
            );
            self.unknown(
                Target::Path(file.shown()),
                "interpreter.script",
                "which script runs is only known at run time",
            );
            return;
        };
        if name == "/dev/stdin" {
            self.code_on_stdin(program);
            return;
        }
        let base = name.rsplit('/').next().unwrap_or(name);
        self.runs(name);
        self.effect(
            EffectClass::BuildTest,
            Target::Path(word::shown(name)),
            "interpreter.script",
            "runs a script",
        );
        match self.scope.file(name).map(str::to_owned) {
            Some(text) => self.code(&text, program),
            None => {
                if self.scope.was_fetched(name) {
                    self.content_of(name);
                }
            }
        }
        match base {
            "setup.py" => {
                let has = |word: &str| arguments.iter().any(|arg| arg.text == word);
                if has("upload") || has("register") {
                    self.effect(
                        EffectClass::Publish,
                        Target::Command("setup.py upload".to_owned()),
                        "python.setup",
                        "uploads a package",
                    );
                } else if has("install") || has("develop") {
                    self.effect(
                        EffectClass::PackageInstall,
                        Target::Package(".".to_owned()),
                        "python.setup",
                        "installs a package",
                    );
                }
            }
            "manage.py" => {
                if let Some(listed) = catalogue::lookup("django-admin", arguments) {
                    self.effect(
                        listed.class,
                        self.command_target("django-admin", arguments),
                        "python.django",
                        "a management command",
                    );
                }
            }
            "artisan" => {
                if let Some(listed) = catalogue::lookup("artisan", arguments) {
                    self.effect(
                        listed.class,
                        self.command_target("artisan", arguments),
                        "php.artisan",
                        "a management command",
                    );
                }
            }
            _ => {}
        }
        for arg in arguments.iter().filter(|arg| self.is_secret(arg)).cloned().collect::<Vec<_>>() {
            self.secret(&arg, "argument.secret");
        }
    }

    fn code_on_stdin(&mut self, program: &str) {
        if self.feed.marks.is_foreign() {
            self.foreign("pipes fetched or decoded text into an interpreter");
        }
        let feed = std::mem::take(&mut self.feed);
        match (&feed.text, &feed.file) {
            (Some(text), _) => self.code(text, program),
            (None, Some(file)) => self.runs_file(file),
            (None, None) if feed.is_some && !feed.marks.is_foreign() => {
                let target = Target::Command(program.to_owned());
                self.unknown(target, "interpreter.stdin", "runs code that is only known at run time");
            }
            (None, None) => {
                self.effect(
                    EffectClass::BuildTest,
                    Target::Command(program.to_owned()),
                    "interpreter.bare",
                    "runs code",
                );
            }
        }
        self.feed = feed;
    }

    /// `python -m MODULE …`.
    fn module(&mut self, rest: &[Value]) {
        let Some((name, args)) = rest.split_first() else { return };
        let text = name.text.as_str();
        let target = Target::Command(format!("python -m {}", name.shown()));
        let class = match text {
            "json.tool" | "this" | "platform" | "sysconfig" | "site" | "calendar" | "tokenize" | "ast"
            | "dis" | "pydoc" | "inspect" | "base64" => EffectClass::Read,
            "venv" | "virtualenv" | "zipfile" | "tarfile" | "gzip" | "py_compile" | "compileall" => {
                EffectClass::WriteWorkspace
            }
            "ensurepip" | "easy_install" => EffectClass::PackageInstall,
            "smtpd" | "telnetlib" | "webbrowser" | "ftplib" => EffectClass::Network,
            "twine" | "pip" | "pytest" | "coverage" | "poetry" | "uv" | "pipx" => {
                self.argv(rest);
                return;
            }
            _ => {
                self.effect(EffectClass::BuildTest, target, "python.module", "runs a module");
                if catalogue::is_listed(text) {
                    self.argv(rest);
                }
                return;
            }
        };
        self.effect(class, target, "python.module", "a module of the standard library");
        for arg in args {
            self.reads_path(arg, "argument.read");
        }
    }

    fn sqlite(&mut self, args: &[Value]) -> bool {
        let words = flags::positionals(args, "-cmd -init -separator");
        self.effect(
            EffectClass::WriteWorkspace,
            Target::Command("sqlite3".to_owned()),
            "command.sqlite3",
            "reads or changes a database file",
        );
        let texts = words
            .iter()
            .skip(1)
            .map(|word| word.text.clone())
            .chain(self.feed.text.clone())
            .chain(flags::values(args, "-cmd").into_iter().map(str::to_owned));
        for text in texts.collect::<Vec<_>>() {
            for line in text.lines() {
                if let Some(command) =
                    line.trim().strip_prefix(".shell ").or_else(|| line.trim().strip_prefix(".system "))
                {
                    self.nested(command);
                }
            }
            let upper = text.to_uppercase();
            if upper.contains("DROP ") || upper.contains("DELETE FROM") || upper.contains("TRUNCATE") {
                self.effect(
                    EffectClass::Destructive,
                    Target::Command("sqlite3".to_owned()),
                    "sql.statement",
                    "the statement removes data",
                );
            }
        }
        for file in words.iter().take(1) {
            self.reads_path(file, "argument.read");
        }
        true
    }

    fn code_value(&mut self, code: &Value, language: &str) {
        if code.marks.is_foreign() {
            self.foreign("runs code that was fetched or decoded");
        }
        if code.is_wholly_unknown() {
            if !code.marks.is_foreign() {
                self.unknown(
                    Target::Command(language.to_owned()),
                    "interpreter.code",
                    "the code that is run is only known at run time",
                );
            }
            return;
        }
        if matches!(language, "cmd" | "pwsh" | "powershell") {
            self.nested(&code.text);
            return;
        }
        self.code(&code.text, language);
    }
}

fn is_in_place(option: &str) -> bool {
    option.starts_with('-')
        && !option.starts_with("--")
        && option.chars().skip(1).take_while(|c| c.is_ascii_alphabetic()).any(|c| c == 'i')
}

/// The code after `-c`, `-e`, also at the end of a cluster (`-pe`, `-ne`, `-lane`) and attached (`-e'…'`).
fn code_texts<'a>(args: &'a [Value], options: &str) -> Vec<&'a Value> {
    let mut found = Vec::new();
    let mut rest = args;
    while let Some((arg, tail)) = rest.split_first() {
        rest = tail;
        if !arg.text.starts_with(['-', '/']) {
            break;
        }
        let is_cluster = |option: &str| {
            option.len() == 2
                && !arg.text.starts_with("--")
                && arg.text.len() > 2
                && arg.text.len() <= 8
                && arg
                    .text
                    .get(1..)
                    .is_some_and(|letters| letters.chars().all(|c| c.is_ascii_alphanumeric() || c == '.'))
                && option.chars().nth(1).is_some_and(|letter| arg.text.ends_with(letter))
        };
        if options.split(' ').any(|option| arg.text == option || is_cluster(option))
            && let Some((code, tail)) = rest.split_first()
        {
            found.push(code);
            rest = tail;
        }
    }
    found
}
