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
    ("iex", "-e --eval", "-r -S"),
    ("erl", "-eval", "-pa -pz -sname -name -setcookie"),
    ("racket", "-e --eval", "-l -t"),
    ("clojure", "-e --eval -M:-e", "-Sdeps"),
    ("clj", "-e --eval", "-Sdeps"),
    ("swift", "-e", ""),
];

pub(super) fn is_interpreter(program: &str) -> bool {
    INTERPRETERS.iter().any(|(name, _, _)| *name == program)
}

// === impl Walk ===

impl Walk<'_> {
    /// `false` when the program is no interpreter, or is used as something else.
    pub(super) fn interpreter(&mut self, program: &str, args: &[Value]) -> bool {
        if program == "rake" {
            // `sh` of rake starts a shell.
            for text in flags::values(args, "-e --execute -p --execute-print -E --execute-continue") {
                self.code(&text.replace("sh ", "system ").replace("sh(", "system("), "ruby");
            }
            return false;
        }
        if program == "deno"
            && let Some((sub, rest)) = args.split_first()
            && sub.text == "eval"
        {
            if let Some(code) = shell::after_options(rest, "--ext").first() {
                self.code_value(code, "node");
            }
            return true;
        }
        let Some((_, code, values)) = INTERPRETERS.iter().find(|(name, _, _)| *name == program) else {
            return false;
        };
        if program == "sqlite3" {
            return self.sqlite(args);
        }
        let attached = matches!(program, "python" | "pypy" | "ipython").then(|| module_apart(args)).flatten();
        let args = attached.as_deref().unwrap_or(args);
        let texts = code_texts(program, args, code, values);
        if matches!(program, "bun" | "iex" | "erl" | "racket" | "clojure" | "clj" | "swift")
            && texts.is_empty()
        {
            return false;
        }
        for option in ["-r", "--require", "--import", "--loader"] {
            for file in flags::values(args, option)
                .iter()
                .filter(|file| file.contains('/') && program != "php" && program != "ruby")
            {
                match file.strip_prefix("data:") {
                    Some(data) => self.data_address(data, program),
                    None => self.runs_file(file),
                }
            }
        }
        if args.iter().any(|arg| is_encoded_option(&arg.text)) && matches!(program, "pwsh" | "powershell") {
            self.foreign("runs a command that is encoded");
            return true;
        }
        if program == "ruby" && args.iter().any(|arg| matches!(arg.text.as_str(), "-run" | "-rwebrick")) {
            let target = Target::Command("ruby -run".to_owned());
            self.effect(EffectClass::BuildTest, target, "interpreter.script", "serves or changes files");
        }
        if !texts.is_empty() {
            let modules = if program == "perl" { loaded_modules(args) } else { String::new() };
            for mut text in texts {
                text.text.insert_str(0, &modules);
                self.code_value(&text, program);
            }
            let in_place =
                matches!(program, "perl" | "ruby") && args.iter().any(|arg| is_in_place(&arg.text));
            // A file beside the code is what the code works on.
            for file in shell::after_code(args, code, values) {
                if in_place { self.writes_path(file, false) } else { self.reads_path(file, "argument.read") }
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
        if only_parses(program, args) {
            self.plain_read(program);
            for file in args.iter().filter(|arg| !arg.text.starts_with('-')) {
                self.reads_path(file, "argument.read");
            }
            return true;
        }
        self.script(program, shell::after_options(args, values));
        true
    }

    /// Lines of IPython that are no Python: `!command`, `x = !command`, `%run file`, `%%bash`.
    fn magics(&mut self, code: &str) {
        for line in code.lines().map(str::trim) {
            let assigned = ["= !", "= %"].iter().find_map(|mark| line.find(mark));
            let line = assigned.and_then(|at| line.get(at + 2..)).unwrap_or(line);
            if let Some(command) = line.strip_prefix('!') {
                self.nested(command.trim_start_matches('!'));
                continue;
            }
            let Some(magic) = line.strip_prefix('%') else { continue };
            let (name, rest) = magic.split_once(char::is_whitespace).unwrap_or((magic, ""));
            match name {
                "run" => self.nested(&format!("python {rest}")),
                "time" | "timeit" | "prun" | "matplotlib" | "load_ext" | "autoreload" | "pwd" | "who"
                | "whos" => {}
                "system" | "sx" | "pip" | "conda" | "ls" | "cat" | "rm" | "cp" | "mv" => {
                    let shell = if matches!(name, "system" | "sx") { "" } else { name };
                    self.nested(&format!("{shell} {rest}"));
                }
                "%bash" | "%sh" | "%system" | "%sx" | "%!" => {
                    self.nested(code.split_once('\n').map_or("", |(_, rest)| rest));
                }
                _ => {
                    let target = Target::Command("ipython code".to_owned());
                    self.unknown(
                        target,
                        "code.hidden",
                        "the code uses a command of IPython that is not known",
                    );
                }
            }
        }
    }

    /// `python -m timeit CODE`, `python -m cProfile -c CODE`, `python -m pdb -c COMMAND FILE`.
    fn module_code(&mut self, name: &str, args: &[Value]) {
        let texts: Vec<Value> = match name {
            "timeit" => {
                let values = "-n --number -r --repeat -u --unit";
                let setup = flags::values(args, "-s --setup").into_iter().map(Value::known);
                shell::after_options(args, &format!("{values} -s --setup"))
                    .iter()
                    .cloned()
                    .chain(setup)
                    .collect()
            }
            "cProfile" | "profile" | "pyinstrument" | "pdb" | "ipdb" | "IPython" | "trace" | "viztracer" => {
                flags::values(args, "-c --command").into_iter().map(Value::known).collect()
            }
            _ => return,
        };
        for text in &texts {
            let language = if name == "IPython" { "ipython" } else { "python" };
            let stripped = text.text.trim_start_matches('!').trim_start();
            let text = if matches!(name, "pdb" | "ipdb") { Value::known(stripped) } else { text.clone() };
            self.code_value(&text, language);
        }
    }

    /// Code in an address: `data:text/javascript,CODE`.
    fn data_address(&mut self, data: &str, program: &str) {
        let (kind, code) = data.split_once(',').unwrap_or(("", data));
        if kind.ends_with(";base64") {
            self.foreign("runs code that is encoded in an address");
            return;
        }
        self.code(&percent_decoded(code), program);
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
                        Target::Package(super::Package {
                            source: writ_model::PackageSource::Local,
                            ..super::Package::named("pypi", ".")
                        }),
                        "python.setup",
                        "installs a package",
                    );
                }
            }
            "manage.py" => {
                if let Some(listed) = catalogue::lookup("django-admin", arguments) {
                    self.effect(
                        self.database_class(listed, arguments),
                        self.command_target("django-admin", arguments),
                        "python.django",
                        "a management command",
                    );
                }
            }
            "artisan" => {
                if let Some(listed) = catalogue::lookup("artisan", arguments) {
                    self.effect(
                        self.database_class(listed, arguments),
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
        } else if self.feed.marks.installer {
            self.installs();
            return;
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
        self.module_code(text, args);
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
        let texts = words
            .iter()
            .skip(1)
            .map(|word| word.text.clone())
            .chain(self.feed.text.clone())
            .chain(flags::values(args, "-cmd").into_iter().map(str::to_owned));
        let texts: Vec<String> = texts.collect();
        let only_reads = flags::has_any(args, "-readonly --readonly")
            || (!texts.is_empty() && texts.iter().all(|text| text.split(';').all(only_selects)));
        let class = if only_reads { EffectClass::Read } else { EffectClass::WriteWorkspace };
        let target = Target::Command("sqlite3".to_owned());
        self.effect(class, target, "command.sqlite3", "reads or changes a database file");
        for text in texts {
            for line in text.lines() {
                self.sqlite_line(line.trim());
            }
            for path in called_with(&text, "readfile") {
                self.reads_path(&Value::known(path), "argument.read");
            }
            for path in called_with(&text, "writefile") {
                self.writes_path(&Value::known(path), false);
            }
            for path in called_with(&text, "load_extension") {
                self.runs_file(&path);
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

    /// A dot command of the database shell. Names may be cut short; `|` starts a program.
    fn sqlite_line(&mut self, line: &str) {
        let Some(command) = line.strip_prefix('.') else { return };
        let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let is_start_of = |word: &str| name.len() >= 2 && word.starts_with(name);
        if is_start_of("shell") || is_start_of("system") {
            self.nested(rest);
        } else if is_start_of("load") {
            self.runs_file(rest.split_whitespace().next().unwrap_or_default());
        } else if let Some((_, program)) = rest.split_once('|') {
            self.nested(program.trim_matches(['"', '\'', ' ']));
        } else if is_start_of("read") {
            self.reads_path(&Value::known(rest.trim()), "argument.read");
        }
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
        if language == "ipython" {
            self.magics(&code.text);
        }
        self.code(&code.text, language);
    }
}

/// `-EncodedCommand`, which may be cut short to `-e`.
fn is_encoded_option(text: &str) -> bool {
    let text = text.to_lowercase();
    matches!(text.as_str(), "-e" | "-ec" | "/e" | "/enc")
        || (text.len() > 2 && "-encodedcommand".starts_with(&text))
}

/// `%20` and the like as what they stand for.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = |at: usize| char::from(*tail.get(at)?).to_digit(16);
        let code = hex(0).zip(hex(1)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        match code.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `-mNAME` as the two words it stands for.
fn module_apart(args: &[Value]) -> Option<Vec<Value>> {
    let at = args.iter().position(|arg| arg.text.starts_with("-m") && arg.text.len() > 2)?;
    let before = args.get(..at)?;
    if !before.iter().all(|arg| arg.text.starts_with('-') && arg.text != "-c") {
        return None;
    }
    let (arg, rest) = args.get(at..)?.split_first()?;
    let name = Value { text: arg.text.get(2..)?.to_owned(), ..arg.clone() };
    Some(before.iter().cloned().chain([Value::known("-m"), name]).chain(rest.iter().cloned()).collect())
}

/// First arguments of the calls of a function, as far as they are literals.
fn called_with(text: &str, name: &str) -> Vec<String> {
    const MOST: usize = 20;
    let lower = text.to_ascii_lowercase();
    let after = lower
        .match_indices(name)
        .filter_map(|(at, _)| text.get(at + name.len()..)?.trim_start().strip_prefix('('));
    let literal = |rest: &str| {
        let rest = rest.trim_start();
        let mark = rest.chars().next().filter(|mark| matches!(mark, '\'' | '"'))?;
        rest.get(1..)?.split_once(mark).map(|(path, _)| path.to_owned())
    };
    after.take(MOST).filter_map(literal).collect()
}

/// Whether a script is only looked at for mistakes. `perl -c` is none of these: it runs what stands in `BEGIN`.
fn only_parses(program: &str, args: &[Value]) -> bool {
    let check = match program {
        "node" => "-c --check",
        "php" => "-l --syntax-check",
        "ruby" => "-c -wc",
        _ => return false,
    };
    let mut options = args.iter().filter(|arg| arg.text.starts_with('-')).peekable();
    options.peek().is_some() && options.all(|option| flags::lists(check, &option.text))
}

/// Whether a statement only looks.
fn only_selects(statement: &str) -> bool {
    let statement = statement.trim().to_lowercase();
    let first = statement.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').next().unwrap_or_default();
    let looks =
        matches!(first, "" | "select" | "explain" | ".schema" | ".tables" | ".mode" | ".headers" | ".dump")
            || (first == "pragma" && !statement.contains('='));
    looks
        && !statement.contains("writefile(")
        && !statement.contains("load_extension(")
        && !statement.contains("edit(")
}

fn is_in_place(option: &str) -> bool {
    option.starts_with('-')
        && !option.starts_with("--")
        && option.chars().skip(1).take_while(|c| c.is_ascii_alphanumeric()).any(|c| c == 'i')
}

/// Letters, beside those the table lists, whose value is the rest of their word.
fn takes_rest(program: &str) -> &'static str {
    match program {
        "perl" => "MmIFxDC",
        "python" | "pypy" | "ipython" => "mWX",
        "ruby" => "rICEFx",
        _ => "",
    }
}

/// The code after `-c`, `-e`, `--eval`: as the next word, at the end of a cluster (`-pe`, `-lane`), or attached
/// (`-e'…'`, `-we'…'`, `--eval=…`).
fn code_texts(program: &str, args: &[Value], options: &str, values: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut rest = args;
    while let Some((arg, tail)) = rest.split_first() {
        rest = tail;
        if !arg.text.starts_with(['-', '/']) || arg.text == "--" {
            break;
        }
        if flags::lists(values, &arg.text) {
            rest = rest.get(1..).unwrap_or_default();
            continue;
        }
        let code = if is_code_option(program, &arg.text, options) {
            Some("")
        } else {
            attached_code(program, &arg.text, options, values)
        };
        match code {
            Some("") => {
                if let Some((code, tail)) = rest.split_first() {
                    found.push(code.clone());
                    rest = tail;
                }
            }
            Some(text) => found.push(Value { text: text.to_owned(), ..arg.clone() }),
            None => {}
        }
    }
    found
}

fn is_code_option(program: &str, arg: &str, options: &str) -> bool {
    // PowerShell takes any case and any unambiguous start.
    let is_short = arg.len() > 1 && "-command".starts_with(&arg.to_lowercase());
    flags::lists(options, arg) || matches!(program, "pwsh" | "powershell") && is_short
}

/// What stands behind the code option in the same word; empty when the code is the next word.
fn attached_code<'a>(program: &str, arg: &'a str, options: &str, values: &str) -> Option<&'a str> {
    if arg.starts_with("--") {
        let (name, code) = arg.split_once('=')?;
        return flags::lists(options, name).then_some(code).filter(|code| !code.is_empty());
    }
    if matches!(program, "pwsh" | "powershell" | "cmd" | "groovy" | "scala" | "ghc") {
        return None;
    }
    let is_letter_of = |list: &str, letter: char| {
        list.split(' ').any(|option| {
            let mut chars = option.chars();
            (chars.next(), chars.next(), chars.next()) == (Some('-'), Some(letter), None)
        })
    };
    for (at, letter) in arg.char_indices().skip(1) {
        let tail = arg.get(at + letter.len_utf8()..).unwrap_or_default();
        if is_letter_of(options, letter) {
            // `-pe` where both letters take code: the last one has it.
            let next = tail.chars().next().filter(|_| tail.len() == 1);
            return Some(if next.is_some_and(|next| is_letter_of(options, next)) { "" } else { tail });
        }
        let is_value = is_letter_of(values, letter) || takes_rest(program).contains(letter);
        if is_value || !(letter.is_ascii_alphanumeric() || letter == '.') {
            return None;
        }
    }
    None
}

/// `use X;` for each module that perl is told to load before the code.
fn loaded_modules(args: &[Value]) -> String {
    let names = args.iter().filter_map(|arg| {
        let at = arg.text.starts_with('-').then(|| arg.text.find(['M', 'm']))??;
        let cluster = arg.text.get(1..at)?;
        cluster.chars().all(|c| c.is_ascii_alphanumeric()).then(|| arg.text.get(at + 1..))?
    });
    names.map(|name| format!("use {};\n", name.split('=').next().unwrap_or(name))).collect()
}
