//! Interpreters: scripts, modules, and code on the command line.
//!
//! Code in another language is not parsed. It is read for words that start processes, open connections, write or
//! remove files, and for the string literals next to them; a literal command is then judged as what it is. Code that
//! shows nothing and uses only the standard library is a read, everything else is at least `build-test`.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use writ_model::EffectClass;

use super::catalogue;
use super::environment::is_secret_name;
use super::path;
use super::walk::Walk;
use super::word::{self, Value};
use super::{Target, flags, shell};

/// Name, options followed by code, options followed by some other value.
const INTERPRETERS: &[(&str, &[&str], &[&str])] = &[
    ("python", &["-c"], &["-W", "-X", "--check-hash-based-pycs"]),
    ("pypy", &["-c"], &["-W", "-X"]),
    ("node", &["-e", "--eval", "-p", "--print", "-pe"], &["-r", "--require", "--import", "--loader", "--experimental-loader", "--env-file", "-C", "--conditions"]),
    ("nodejs", &["-e", "--eval", "-p", "--print", "-pe"], &["-r", "--require", "--import"]),
    ("ruby", &["-e"], &["-r", "-I", "-C", "-E"]),
    ("perl", &["-e", "-E"], &["-I", "-M"]),
    ("php", &["-r", "-R", "-B", "-E"], &["-d", "-c", "-S", "-t", "-z"]),
    ("lua", &["-e"], &["-l"]),
    ("luajit", &["-e"], &["-l"]),
    ("Rscript", &["-e"], &[]),
    ("R", &["-e"], &["-f"]),
    ("julia", &["-e", "-E", "--eval"], &["--project", "-L", "-t"]),
    ("osascript", &["-e"], &["-l"]),
    ("groovy", &["-e"], &["-cp"]),
    ("elixir", &["-e", "--eval"], &["-r"]),
    ("tclsh", &[], &[]),
    ("wish", &[], &[]),
    ("irb", &[], &["-r"]),
    ("jrunscript", &["-e"], &["-l"]),
    ("jjs", &["-e"], &[]),
    ("guile", &["-c"], &["-l"]),
    ("ghc", &["-e"], &[]),
    ("pwsh", &["-Command", "-c", "-command"], &["-ExecutionPolicy", "-File"]),
    ("powershell", &["-Command", "-c", "-command"], &["-ExecutionPolicy", "-File"]),
    ("cmd", &["/c", "/C", "/k"], &[]),
    ("ts-node", &["-e", "--eval"], &["-P", "-r"]),
    ("tsx", &["-e", "--eval"], &["--tsconfig"]),
    ("bun", &["-e", "--eval", "-p", "--print"], &[]),
    ("gjs", &["-c"], &[]),
    ("scala", &["-e"], &[]),
    ("sqlite3", &[], &[]),
    ("ipython", &["-c"], &[]),
];

/// What a word in code says. The order of `WORDS` and `MEANINGS` is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Process,
    Evaluate,
    Network,
    Socket,
    Decode,
    Write,
    Remove,
    RemoveTree,
    Terminal,
    SetUser,
    WholeEnvironment,
    Environment,
    Install,
}

const SIGNS: &[(Sign, &[&str])] = &[
    (Sign::Process, &["os.system(", "os.popen(", "subprocess.", "popen(", "Popen(", "check_output(", "check_call(", "system(", "system \"", "system '", "exec(\"", "exec('", "exec \"", "exec '", "execl(", "execv(", "execvp(", "execlp(", "execve(", "execSync(", "execFile", "spawnSync(", "spawn(", "spawnlp(", "posix_spawn", "shell_exec(", "passthru(", "proc_open(", "pcntl_exec(", "os.execute(", "io.popen(", "Deno.Command", "Deno.run", "Bun.spawn", "Open3.", "%x(", "%x{", "qx(", "qx{", "qx/", "do shell script", "Runtime.getRuntime", "ProcessBuilder", "System.cmd(", "Process.spawn", "run(`", "Kernel.exec", "IO.popen", "commands.getoutput", "pexpect", "sh.Command"]),
    (Sign::Evaluate, &["eval(", "exec(", "compile(", "new Function(", "loadstring(", "instance_eval", "Function(", "marshal.loads", "pickle.loads", "runInThisContext", "assert("]),
    (Sign::Network, &["requests.", "urllib", "urlopen", "http.client", "httpx", "aiohttp", "fetch(", "axios", "https.get", "http.get", "https.request", "http.request", "Net::HTTP", "open-uri", "LWP::", "HTTP::Tiny", "file_get_contents('http", "file_get_contents(\"http", "curl_init", "curl_exec", "smtplib", "ftplib", "paramiko", "boto3", "XMLHttpRequest", "WebSocket", "websocket", "download.file(", "socket.http", "Invoke-WebRequest", "dns.", "getaddrinfo", "gethostbyname", "grpc", "pymongo", "psycopg", "redis.", "telnetlib", "imaplib", "URI.open", "urlretrieve", "fsockopen", "DownloadString", "DownloadFile", "HfApi", "hf_hub_download", "from_pretrained(", "load_dataset("]),
    (Sign::Socket, &["socket.socket", "import socket", "net.Socket", "net.connect", "net.createConnection", "TCPSocket", "IO::Socket", "use Socket", "fsockopen(", "socket.tcp", "require('net')", "require(\"net\")", "require 'socket'", "-rsocket", "stream_socket_client", "socket.connect"]),
    (Sign::Decode, &["b64decode", "atob(", "base64_decode", "Base64.decode", "decode_base64", "fromhex(", "unhexlify", "a85decode", "zlib.decompress", "gzinflate", "Buffer.from(", "codecs.decode", "rot13", "FromBase64String", "bytes.fromhex", "unpack('H", "unpack(\"H", "chr(", "fromCharCode", ".decode('hex"]),
    (Sign::Write, &[", 'w", ", \"w", ",'w", ",\"w", ", 'a'", ", \"a\"", ",'a'", ",\"a\"", "'wb'", "\"wb\"", "mode='w", "mode=\"w", "write_text(", "write_bytes(", "writeFile", "appendFile", "createWriteStream", "file_put_contents(", "File.write", "File.open(", "IO.write", "Deno.write", "fs.write", "mkdir(", "makedirs(", "os.rename(", "shutil.copy", "shutil.move", "copyfile", "renameSync", "copyFileSync", "to_csv(", "to_json(", "savefig(", ".save(", "json.dump(", "yaml.dump(", "pickle.dump(", "touch(", "symlink", "os.link(", "zipfile.", "tarfile.", ".extractall", "writeLines(", "write.csv", "np.save", "torch.save", "Bun.write", "open(my $", ">>'", "> '", "truncate("]),
    (Sign::Remove, &["os.remove(", "os.unlink(", ".unlink(", "unlink(", "unlinkSync", "File.delete", "fs.rm(", "rmSync(", "rmdirSync(", "os.rmdir(", "Deno.remove", "file.remove(", "FileUtils.rm(", "os.remove"]),
    (Sign::RemoveTree, &["rmtree(", "rm_rf", "rm_r(", "removedirs(", "recursive: true, force", "rimraf", "remove_tree(", "recursive:true,force"]),
    (Sign::Terminal, &["pty.spawn", "os.dup2", "dup2(", "/bin/sh", "/bin/bash", "cmd.exe"]),
    (Sign::SetUser, &["setuid(", "setreuid(", "setgid(", "setresuid(", "setegid(", "seteuid(", "os.chown(", "chown(", "capset("]),
    (Sign::WholeEnvironment, &["print(os.environ)", "dict(os.environ)", "os.environ)", "os.environ.items()", "os.environ.copy()", "process.env)", "process.env,", "ENV.to_h", "ENV.each", "%ENV", "getenv())", "Deno.env.toObject", "Sys.getenv())", "print os.environ", "environ.items", "puts ENV.inspect", "p ENV"]),
    (Sign::Environment, &["os.environ", "os.getenv", "process.env", "ENV[", "ENV{", "getenv(", "Deno.env", "$_ENV", "Bun.env"]),
    (Sign::Install, &["pip.main", "pip._internal", "ensurepip", "install.packages(", "Pkg.add", "BiocManager::install", "nltk.download(", "devtools::install", "install_github("]),
];

static WORDS: LazyLock<Option<(AhoCorasick, Vec<Sign>)>> = LazyLock::new(|| {
    let (words, signs): (Vec<&str>, Vec<Sign>) =
        SIGNS.iter().flat_map(|(sign, words)| words.iter().map(|word| (*word, *sign))).unzip();
    AhoCorasick::new(words).ok().map(|automaton| (automaton, signs))
});

/// Modules of Python that do nothing to the world when they are only imported.
const PURE_MODULES: &[&str] = &[
    "sys", "os", "json", "re", "math", "time", "datetime", "pathlib", "collections", "itertools", "functools", "string", "random", "statistics", "decimal", "fractions", "base64", "hashlib",
    "binascii", "struct", "textwrap", "csv", "io", "glob", "fnmatch", "platform", "sysconfig", "site", "ast", "inspect", "importlib", "typing", "enum", "dataclasses", "operator", "heapq", "bisect",
    "copy", "pprint", "uuid", "secrets", "unicodedata", "difflib", "shlex", "argparse", "getpass", "pwd", "grp", "stat", "zlib", "html", "xml", "configparser", "tomllib", "codecs", "locale", "calendar", "numpy", "tokenize", "keyword", "traceback", "warnings", "contextlib", "abc", "types", "tempfile", "shutil", "fileinput", "array", "urllib.parse", "sqlite3", "zoneinfo", "ipaddress", "this",
];

pub(super) fn is_interpreter(program: &str) -> bool {
    INTERPRETERS.iter().any(|(name, _, _)| *name == program)
}

// === impl Walk ===

impl Walk<'_> {
    /// `false` when the program is no interpreter, or is used as something else.
    pub(super) fn interpreter(&mut self, program: &str, args: &[Value]) -> bool {
        let Some((_, code, values)) = INTERPRETERS.iter().find(|(name, _, _)| *name == program) else { return false };
        if program == "sqlite3" {
            return self.sqlite(args);
        }
        let texts = code_texts(args, code);
        if program == "bun" && texts.is_empty() {
            return false;
        }
        for option in ["-r", "--require", "--import", "--loader"] {
            for file in flags::values(args, &[option]).iter().filter(|file| file.contains('/') && program != "php" && program != "ruby") {
                self.runs_file(file);
            }
        }
        if args.iter().any(|arg| matches!(arg.text.to_lowercase().as_str(), "-encodedcommand" | "-enc" | "-ec")) && program.starts_with("p") {
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
            && let Some(at) = args.iter().position(|arg| arg.text.starts_with('-') && !arg.text.starts_with("--") && arg.text.ends_with('m') && !values.contains(&arg.text.as_str()))
            && args.iter().take(at).all(|arg| arg.text.starts_with('-'))
        {
            self.module(args.get(at + 1..).unwrap_or_default());
            return true;
        }
        if flags::has_any(args, &["--version", "-V", "--help", "-h"]) || (args.len() == 1 && flags::has(args, "-v")) {
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
            self.effect(EffectClass::BuildTest, Target::Command(program.to_owned()), "interpreter.script", "runs a script");
            self.unknown(Target::Path(file.shown()), "interpreter.script", "which script runs is only known at run time");
            return;
        };
        if name == "/dev/stdin" {
            self.code_on_stdin(program);
            return;
        }
        let base = name.rsplit('/').next().unwrap_or(name);
        self.runs(name);
        self.effect(EffectClass::BuildTest, Target::Path(word::shown(name)), "interpreter.script", "runs a script");
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
                    self.effect(EffectClass::Publish, Target::Command("setup.py upload".to_owned()), "python.setup", "uploads a package");
                } else if has("install") || has("develop") {
                    self.effect(EffectClass::PackageInstall, Target::Package(".".to_owned()), "python.setup", "installs a package");
                }
            }
            "manage.py" => {
                if let Some(listed) = catalogue::lookup("django-admin", arguments) {
                    self.effect(listed.class, self.command_target("django-admin", arguments), "python.django", "a management command");
                }
            }
            "artisan" => {
                if let Some(listed) = catalogue::lookup("artisan", arguments) {
                    self.effect(listed.class, self.command_target("artisan", arguments), "php.artisan", "a management command");
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
                self.effect(EffectClass::BuildTest, Target::Command(program.to_owned()), "interpreter.bare", "runs code");
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
            "json.tool" | "this" | "platform" | "sysconfig" | "site" | "calendar" | "tokenize" | "ast" | "dis" | "pydoc" | "inspect" | "base64" => EffectClass::Read,
            "venv" | "virtualenv" | "zipfile" | "tarfile" | "gzip" | "py_compile" | "compileall" => EffectClass::WriteWorkspace,
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
        let words = flags::positionals(args, &["-cmd", "-init", "-separator"]);
        self.effect(EffectClass::WriteWorkspace, Target::Command("sqlite3".to_owned()), "command.sqlite3", "reads or changes a database file");
        let texts = words.iter().skip(1).map(|word| word.text.clone()).chain(self.feed.text.clone()).chain(flags::values(args, &["-cmd"]).into_iter().map(str::to_owned));
        for text in texts.collect::<Vec<_>>() {
            for line in text.lines() {
                if let Some(command) = line.trim().strip_prefix(".shell ").or_else(|| line.trim().strip_prefix(".system ")) {
                    self.nested(command);
                }
            }
            let upper = text.to_uppercase();
            if upper.contains("DROP ") || upper.contains("DELETE FROM") || upper.contains("TRUNCATE") {
                self.effect(EffectClass::Destructive, Target::Command("sqlite3".to_owned()), "sql.statement", "the statement removes data");
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
                self.unknown(Target::Command(language.to_owned()), "interpreter.code", "the code that is run is only known at run time");
            }
            return;
        }
        if matches!(language, "cmd" | "pwsh" | "powershell") {
            self.nested(&code.text);
            return;
        }
        self.code(&code.text, language);
    }

    /// Reads code of another language for what it does.
    pub(super) fn code(&mut self, code: &str, language: &str) {
        if !self.enter() {
            return;
        }
        self.code_signs(code, language);
        self.leave();
    }

    fn code_signs(&mut self, code: &str, language: &str) {
        let Some((automaton, signs)) = WORDS.as_ref() else {
            self.unknown(Target::Command(language.to_owned()), "interpreter.code", "the list of words is missing");
            return;
        };
        const MOST_CALLS: usize = 40;
        let literals = string_literals(code);
        let mut seen: Vec<Sign> = Vec::new();
        let mut calls: Vec<usize> = Vec::new();
        for found in automaton.find_overlapping_iter_or_none(code) {
            let Some(sign) = signs.get(found.0) else { continue };
            if *sign == Sign::Process && calls.len() < MOST_CALLS && calls.last().is_none_or(|last| found.1 > *last) {
                calls.push(found.1);
            }
            if !seen.contains(sign) {
                seen.push(*sign);
            }
        }
        let has = |sign: Sign| seen.contains(&sign);
        let target = || Target::Command(format!("{language} code"));
        let mut quiet = true;
        if !calls.is_empty() {
            quiet = false;
            self.effect(EffectClass::BuildTest, target(), "code.process", "the code starts programs");
            self.code_processes(code, &literals, &calls, language);
        }
        if matches!(language, "ruby" | "perl" | "php" | "lua") {
            for command in backquoted(code) {
                quiet = false;
                self.nested(command);
            }
        }
        if has(Sign::Decode) && (has(Sign::Evaluate) || has(Sign::Process)) {
            self.effect(EffectClass::EscapeAttempt, target(), "code.decoded", "the code decodes something and runs it");
        }
        if has(Sign::Socket) && (has(Sign::Terminal) || has(Sign::Process)) {
            self.effect(EffectClass::EscapeAttempt, target(), "code.socket", "the code puts a program on a network connection");
        }
        if code.contains("pty.spawn") {
            self.effect(EffectClass::EscapeAttempt, target(), "argument.shell", "the code starts a shell");
        }
        if has(Sign::Network) || has(Sign::Socket) {
            quiet = false;
            self.effect(EffectClass::Network, target(), "code.network", "the code talks to other hosts");
            for host in literals.iter().filter(|literal| literal.text.contains("://")).filter_map(|literal| super::network::url_host(&literal.text)) {
                self.effect(EffectClass::Network, Target::Host(host), "code.network", "the code names a host");
            }
        }
        if has(Sign::SetUser) {
            self.effect(EffectClass::IdentityChange, target(), "code.user", "the code changes its user or an owner");
        }
        if has(Sign::Install) {
            self.effect(EffectClass::PackageInstall, target(), "code.install", "the code installs packages");
        }
        if has(Sign::WholeEnvironment) {
            self.effect(EffectClass::SecretRead, Target::Secret("environment".to_owned()), "environment.whole", "the code reads the whole environment");
        }
        if has(Sign::RemoveTree) {
            self.effect(EffectClass::Destructive, target(), "code.remove", "the code removes directories");
        }
        let removes = has(Sign::Remove);
        let writes = has(Sign::Write);
        for literal in &literals {
            let value = Value::known(literal.text.as_str());
            if has(Sign::Environment) && is_variable(&literal.text) && is_secret_name(&literal.text) {
                self.environment_read(&literal.text);
            }
            if !looks_like_path(&literal.text) {
                continue;
            }
            let normal = self.resolved(&value);
            if removes {
                self.removes_path(&value, false);
            } else if path::is_secret(&normal) {
                self.secret(&value, "code.secret");
            } else if writes && (path::is_protected(&normal) || path::is_break_out(&normal) || path::is_history(&normal)) {
                self.writes_path(&value, false);
            } else {
                self.reads_path(&value, "code.read");
            }
        }
        if removes || writes {
            self.effect(EffectClass::WriteWorkspace, target(), "code.write", "the code writes or removes files");
        }
        let class = if quiet && is_pure(code, language) && !has(Sign::Evaluate) { EffectClass::Read } else { EffectClass::BuildTest };
        self.effect(class, target(), "code.run", "code on the command line");
    }

    /// The commands that code starts, as far as they are literals.
    fn code_processes(&mut self, code: &str, literals: &[Literal], calls: &[usize], language: &str) {
        const REACH: usize = 400;
        let mut used = 0;
        for call in calls.iter().filter(|call| **call >= 1) {
            if *call < used {
                continue;
            }
            let end = code.get(*call..).and_then(|rest| rest.find('\n')).map_or(code.len(), |at| at + call).min(call + REACH);
            // The quote may belong to the word itself: `system "x"`.
            let from = call.saturating_sub(2);
            let near: Vec<&Literal> = literals.iter().filter(|literal| literal.start >= from && literal.start <= end).collect();
            let Some(first) = near.first() else {
                self.unknown(Target::Command(format!("{language} code")), "code.process", "which program the code starts is only known at run time");
                continue;
            };
            used = near.last().map_or(*call, |literal| literal.start);
            let between = code.get(*call..first.start).unwrap_or_default();
            let gap = near.get(1).and_then(|second| code.get(first.end..second.start)).unwrap_or_default();
            let is_list = between.contains(['[', '(']) && between.trim_end().ends_with(['[', '(']) && between.contains('[')
                || gap.trim_matches(['\'', '"', ' ']).starts_with(',') && !gap.contains('=') && !first.text.contains(' ');
            if is_list {
                let argv: Vec<Value> = near.iter().take_while(|literal| !is_keyword_value(code, literal)).map(|literal| Value::known(literal.text.as_str())).collect();
                let argv = if argv.len() > 1 && argv.first() == argv.get(1) { argv.get(1..).unwrap_or_default().to_vec() } else { argv };
                self.argv(&argv);
            } else {
                let feed = std::mem::take(&mut self.feed);
                self.nested(&first.text);
                self.feed = feed;
            }
        }
    }
}

/// A string of the code: where it starts and ends, and its text.
struct Literal {
    start: usize,
    end: usize,
    text: String,
}

/// Iterates over all matches, overlapping ones too.
trait Overlapping {
    fn find_overlapping_iter_or_none(&self, text: &str) -> Vec<(usize, usize)>;
}

impl Overlapping for AhoCorasick {
    /// Index of the word and end of the match, bounded.
    fn find_overlapping_iter_or_none(&self, text: &str) -> Vec<(usize, usize)> {
        const MOST: usize = 2_000;
        self.find_overlapping_iter(text).take(MOST).map(|found| (found.pattern().as_usize(), found.end())).collect()
    }
}

/// Strings in quotes. Good enough for evidence: comments and regular expressions are not told apart.
fn string_literals(code: &str) -> Vec<Literal> {
    const MOST: usize = 400;
    let mut found = Vec::new();
    let mut bytes = code.bytes().enumerate().peekable();
    while let Some((start, quote)) = bytes.next() {
        if !matches!(quote, b'"' | b'\'' | b'`') || found.len() >= MOST {
            continue;
        }
        let triple = code.get(start..start + 3).is_some_and(|three| three.bytes().all(|byte| byte == quote)) && quote != b'`';
        let open = if triple { start + 3 } else { start + 1 };
        let rest = code.get(open..).unwrap_or_default();
        let close = if triple { rest.find(&code.get(start..start + 3).unwrap_or_default().to_owned()) } else { closing_quote(rest, quote) };
        let Some(length) = close else { continue };
        let text = rest.get(..length).unwrap_or_default();
        let end = open + length + if triple { 3 } else { 1 };
        found.push(Literal { start: start + 1, end, text: word::unescape(&text.replace("\\\\", "\\")) });
        while bytes.peek().is_some_and(|(at, _)| *at < end) {
            bytes.next();
        }
    }
    found
}

fn closing_quote(rest: &str, quote: u8) -> Option<usize> {
    let mut escaped = false;
    rest.bytes().position(|byte| {
        let was = escaped;
        escaped = byte == b'\\' && !was;
        byte == quote && !was
    })
}

fn backquoted(code: &str) -> impl Iterator<Item = &str> {
    code.split('`').skip(1).step_by(2)
}

/// `shell="x"`, `cwd='/x'`: not a part of the command.
fn is_keyword_value(code: &str, literal: &Literal) -> bool {
    let before = code.get(..literal.start.saturating_sub(1)).unwrap_or_default();
    before.trim_end().ends_with('=') || before.trim_end().ends_with(':')
}

fn looks_like_path(text: &str) -> bool {
    !text.contains(['\n', ' ', '<', '>', '(', ')', '{', '}', '%', ',']) && !text.contains("://") && text.len() > 1 && (text.contains('/') || text.contains('.') || text.starts_with('~'))
}

fn is_variable(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Whether the code uses nothing but its language.
fn is_pure(code: &str, language: &str) -> bool {
    match language {
        "python" | "pypy" | "ipython" => {
            let words = code.split(['\n', ';']).map(str::trim);
            words
                .filter_map(|line| line.strip_prefix("import ").or_else(|| line.strip_prefix("from ").map(|rest| rest.split(" import").next().unwrap_or(rest))))
                .flat_map(|names| names.split(','))
                .filter_map(|name| name.split_whitespace().next())
                .all(|name| PURE_MODULES.contains(&name) || name.split('.').next().is_some_and(|root| PURE_MODULES.contains(&root)))
        }
        "node" | "nodejs" | "bun" | "tsx" | "ts-node" => {
            let requires = code.matches("require(").count() + code.matches("import ").count() + code.matches("import(").count();
            let pure = ["fs", "path", "os", "util", "crypto", "url", "assert", "process", "./package.json", "../package.json"]
                .iter()
                .map(|name| {
                    let bare = code.matches(&format!("require('{name}')")).count() + code.matches(&format!("require(\"{name}\")")).count();
                    bare + code.matches(&format!("require('node:{name}')")).count() + code.matches(&format!("require(\"node:{name}\")")).count()
                })
                .sum::<usize>();
            requires == pure
        }
        "perl" => !code.contains("use ") || code.contains("use strict"),
        "ruby" => !code.contains("require"),
        "lua" | "luajit" | "php" | "R" | "Rscript" | "julia" => !code.contains("require") && !code.contains("library(") && !code.contains("include") && !code.contains("using "),
        _ => false,
    }
}

fn is_in_place(option: &str) -> bool {
    option.starts_with('-') && !option.starts_with("--") && option.chars().skip(1).take_while(|c| c.is_ascii_alphabetic()).any(|c| c == 'i')
}

/// The code after `-c`, `-e`, also at the end of a cluster (`-pe`, `-ne`, `-lane`) and attached (`-e'…'`).
fn code_texts<'a>(args: &'a [Value], options: &[&str]) -> Vec<&'a Value> {
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
                && arg.text.get(1..).is_some_and(|letters| letters.chars().all(|c| c.is_ascii_alphanumeric() || c == '.'))
                && option.chars().nth(1).is_some_and(|letter| arg.text.ends_with(letter))
        };
        if options.iter().any(|option| arg.text == *option || is_cluster(option))
            && let Some((code, tail)) = rest.split_first()
        {
            found.push(code);
            rest = tail;
        }
    }
    found
}
