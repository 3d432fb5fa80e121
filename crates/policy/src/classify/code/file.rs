//! Code that stands in a file, read for what it would do to the world when a call runs it.
//!
//! A file is longer than a line, and most of what it names is only named: addresses in assertions, paths that must be
//! refused, credentials of a made-up user. So only what is certain to matter counts: commands written out, addresses
//! handed to a call that connects, credentials of the person that are opened. How much a file must show depends on
//! what it is for.

use writ_model::EffectClass;

use super::super::environment::is_secret_name;
use super::super::walk::Walk;
use super::super::word::{UNKNOWN, Value};
use super::super::{Effect, Facts, Target, path};
use super::literal::{Literal, is_keyword_value, string_literals};
use super::pure::{names_whole_environment, with_real_names};
use super::words::{Sign, WORDS, family};
use crate::host::{self, Zone};

/// Longest text that is read, in bytes.
const MOST_BYTES: usize = 256 * 1024;
/// Most calls of one file that are looked at.
const MOST_CALLS: usize = 64;
/// Longest call, in bytes.
const REACH: usize = 800;

/// What a file is to the call that runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sort {
    /// Code of the project, which a build or a test takes in.
    Source,
    /// A test, and what it sets up.
    Test,
    /// A program, a build script, a setting that is code: it runs as it stands.
    Program,
}

/// What the text of a file would do, beyond computing, building and testing. Effects have no place in the command.
pub(crate) fn of_file(text: &str, language: &str, sort: Sort, facts: &Facts<'_>) -> Vec<Effect> {
    if text.len() > MOST_BYTES {
        return Vec::new();
    }
    let read = || {
        let mut walk = Walk::apart_from_lines(facts);
        match language {
            "shell" => walk.file_of_shell(text, sort),
            _ => walk.file_of_code(text, language, sort),
        }
    };
    let mut found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).unwrap_or_default();
    for effect in &mut found {
        effect.why.span = None;
    }
    found
}

/// The language of a file, by its name and its first line; nothing for what is no code that is read.
pub(crate) fn language_of(path: &str, text: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let first = text.lines().next().filter(|line| line.starts_with("#!")).unwrap_or_default();
    let by_line = [
        ("python", "python"),
        ("node", "node"),
        ("deno", "node"),
        ("bun", "node"),
        ("ruby", "ruby"),
        ("perl", "perl"),
        ("php", "php"),
        ("bats", "shell"),
        ("sh", "shell"),
    ];
    if let Some((_, language)) = by_line.iter().find(|(word, _)| !first.is_empty() && first.contains(word)) {
        return Some(language);
    }
    match name {
        "Rakefile" | "Gemfile" | "Guardfile" | "Capfile" | "Vagrantfile" => return Some("ruby"),
        _ => {}
    }
    let (_, ending) = name.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "py" | "pyw" | "pth" => "python",
        "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" | "vue" | "svelte" => "node",
        "rb" | "rake" | "gemspec" => "ruby",
        "pl" | "pm" | "t" => "perl",
        "php" => "php",
        "lua" => "lua",
        "sh" | "bash" | "zsh" | "ksh" | "bats" => "shell",
        "rs" => "rust",
        "go" => "go",
        "java" | "kt" | "kts" | "groovy" | "gradle" | "scala" => "java",
        _ => return None,
    })
}

/// What a file of code shows.
struct Shown<'a> {
    code: &'a str,
    literals: Vec<Literal>,
    language: &'a str,
    /// Folders of its own that it makes, or a home folder that it sets.
    is_boxed: bool,
    /// Its connections are played by something else.
    is_played: bool,
}

// === impl Walk ===

impl Walk<'_> {
    fn file_of_shell(&mut self, text: &str, sort: Sort) -> Vec<Effect> {
        self.nested(text);
        let is_boxed = text.contains("mktemp");
        std::mem::take(&mut self.effects)
            .into_iter()
            .filter(|effect| counts(effect, sort, is_boxed) && (sort > Sort::Source || is_escape(effect)))
            .collect()
    }

    fn file_of_code(&mut self, text: &str, language: &str, sort: Sort) -> Vec<Effect> {
        let renamed = if family(language) == "python" { with_real_names(text) } else { text.into() };
        let shown = Shown::new(&renamed, language);
        let mut found = self.starts(&shown);
        found.retain(|effect| counts(effect, sort, shown.is_boxed));
        if sort == Sort::Source {
            found.retain(is_escape);
        }
        if runs_hidden(shown.code) {
            found.push(effect(
                EffectClass::EscapeAttempt,
                Target::Unknown,
                "the code decodes or fetches code and runs it",
            ));
        }
        let secrets = self.opened(&shown, sort);
        let hosts = shown.reached();
        let is_whole = shown.takes_environment();
        let variable = shown.secret_variable();
        let sends = !hosts.is_empty() || found.iter().any(|effect| effect.class == EffectClass::Network);
        let is_real = !shown.is_played;
        // What is read from the environment matters where it can go somewhere.
        let taken = match sort {
            Sort::Source => is_whole,
            Sort::Test => is_real && (is_whole || variable.is_some()),
            Sort::Program => is_whole || variable.is_some(),
        };
        if sends && taken {
            let what = variable.filter(|_| !is_whole).unwrap_or_else(|| "environment".to_owned());
            found.push(effect(
                EffectClass::SecretRead,
                Target::Secret(what),
                "the code sends what it reads from the environment",
            ));
        }
        let connects = match sort {
            Sort::Source => (sends && is_whole) || !secrets.is_empty(),
            Sort::Test | Sort::Program => is_real || !secrets.is_empty() || (sends && taken),
        };
        for host in hosts.into_iter().filter(|_| connects) {
            found.push(effect(EffectClass::Network, Target::Host(host), "the code connects to this host"));
        }
        if sort > Sort::Source || sends {
            found.extend(secrets);
        }
        found
    }

    /// The commands that the code writes out, each as what it is.
    fn starts(&mut self, shown: &Shown<'_>) -> Vec<Effect> {
        let mut found = Vec::new();
        for call in shown.calls(Sign::Process) {
            let words: Vec<&Literal> =
                shown.within(&call).filter(|literal| !is_keyword_value(shown.code, literal)).collect();
            let Some(first) = words.first() else { continue };
            let is_text = first.text.trim().contains([' ', '|', ';', '\n']);
            let line = is_text.then(|| shown.joined(&words));
            let argv: Vec<Value> = words.iter().map(|word| Value::known(word.text.as_str())).collect();
            found.extend(self.apart(|walk| match line {
                Some(line) => walk.nested(&line),
                None => walk.argv(&argv),
            }));
        }
        if matches!(shown.language, "ruby" | "perl" | "php") {
            for command in super::literal::backquoted(shown.code).take(MOST_CALLS) {
                found.extend(self.apart(|walk| walk.nested(command)));
            }
        }
        found
    }

    /// Credentials that the code opens.
    fn opened(&mut self, shown: &Shown<'_>, sort: Sort) -> Vec<Effect> {
        let mut found = Vec::new();
        for literal in &shown.literals {
            let text = literal.text.trim();
            if text.len() > 200 || text.contains([' ', '\n', '*']) || !shown.is_opened(literal) {
                continue;
            }
            let is_absolute = text.starts_with('/');
            let is_home = text.starts_with("~/") || (text.starts_with('.') && shown.names_home(literal));
            let named = match (is_home, text.strip_prefix("~/")) {
                (true, None) => format!("~/{text}"),
                _ => text.to_owned(),
            };
            if !path::is_secret(&path::normalise(&named, self.facts)) {
                continue;
            }
            // A made-up home, or a folder of the test's own.
            let is_own = shown.is_boxed && (!is_absolute || text.starts_with("/tmp"));
            // A file of the workspace is read by what it belongs to.
            let is_near = !is_absolute && !is_home;
            if is_own || (is_near && sort < Sort::Program) {
                continue;
            }
            found.push(effect(EffectClass::SecretRead, Target::Secret(named), "the code opens a credential"));
        }
        found
    }
}

// === impl Shown ===

impl<'a> Shown<'a> {
    fn new(code: &'a str, language: &'a str) -> Self {
        const BOXES: &[&str] = &[
            "tmp_path",
            "tmpdir",
            "tempfile",
            "TempDir",
            "mkdtemp",
            "mktmpdir",
            "tempdir",
            "TemporaryDirectory",
            "createTempDirectory",
            "setenv('HOME'",
            "setenv(\"HOME\"",
            "env.HOME =",
            "Setenv(\"HOME\"",
            "ENV['HOME'] =",
            "environ['HOME'] =",
            "environ[\"HOME\"] =",
            "memfs",
            "mock-fs",
            "pyfakefs",
            "FakeFS",
            "TemporaryFolder",
        ];
        const PLAYS: &[&str] = &[
            "mock",
            "Mock",
            "patch(",
            "monkeypatch",
            "responses.",
            "httpretty",
            "respx",
            "nock",
            "msw",
            "vcr",
            "VCR",
            "cassette",
            "stub",
            "fake",
            "Fake",
            "TestClient",
            "test_client",
            "httptest",
            "MockTransport",
            "ASGITransport",
            "WSGITransport",
            "supertest",
            "jest.fn",
            "vi.fn",
            "sinon",
            "mirage",
            "MSW",
            "wiremock",
            "httpmock",
            "webmock",
            "WebMock",
            "intercept(",
            "pretender",
            "HttpTestingController",
        ];
        let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
        let literals = match language {
            "rust" | "go" | "java" => double_quoted(code),
            _ => string_literals(code),
        };
        Self { code, literals, language, is_boxed: has(BOXES), is_played: has(PLAYS) }
    }

    /// The calls of a sort, as ranges of the code from behind the word to the end of the statement.
    fn calls(&self, wanted: Sign) -> Vec<std::ops::Range<usize>> {
        const STARTS: &[&str] = &[
            "Command::new(",
            "exec.Command(",
            "exec.CommandContext(",
            ".exec(",
            "ProcessBuilder(",
            "\"bash\".execute(",
            "cmd!(",
        ];
        const CONNECTS: &[&str] = &[
            "reqwest::",
            "ureq::",
            "minreq::",
            "TcpStream::connect(",
            "UdpSocket",
            "http.Get(",
            "http.Post(",
            "http.PostForm(",
            "http.NewRequest(",
            "net.Dial(",
            "URI.create(",
            "new URL(",
            "HttpRequest",
            "HTTPSConnection(",
            "HTTPConnection(",
            "create_connection(",
            "connect((",
            "net.connect(",
            "tls.connect(",
            "new WebSocket(",
            "sendBeacon(",
            "got(",
            "got.",
            "ky.",
            "axios.",
            "axios(",
            "undici",
            "superagent",
            "https.request(",
            "http.request(",
            "Net::HTTP",
            "HTTParty",
            "Faraday",
            "RestClient",
            "open-uri",
            "URI.open(",
            "LWP::UserAgent",
            "HTTP::Tiny",
            "curl_init(",
            "file_get_contents(",
            "fetch(",
        ];
        let own = match wanted {
            Sign::Process => STARTS,
            _ => CONNECTS,
        };
        let mut ends: Vec<usize> = own
            .iter()
            .flat_map(|word| self.code.match_indices(word).map(|(at, word)| at + word.len()))
            .collect();
        if let Some(words) = WORDS.as_ref() {
            let known = words.find(self.code, self.language).into_iter();
            ends.extend(known.filter(|(sign, _)| *sign == wanted).map(|(_, end)| end));
        }
        ends.sort_unstable();
        ends.dedup();
        let mut found: Vec<std::ops::Range<usize>> = Vec::new();
        for end in ends {
            // `require('https').get(…)`: the word ends in the quotes of a name.
            let start = self.behind_module(end);
            // One word inside another, as `popen(` in `os.popen(`, and a word inside a call.
            if found.last().is_some_and(|last| start < last.end) || self.is_quoted(start) {
                continue;
            }
            if found.len() >= MOST_CALLS {
                break;
            }
            found.push(start..self.end_of(start));
        }
        found
    }

    /// The end of the statement: where its brackets are closed and nothing is chained on.
    fn end_of(&self, start: usize) -> usize {
        let mut depth = i32::from(self.code.get(..start).is_some_and(|before| before.ends_with('(')));
        let mut quote: Option<char> = None;
        let mut escaped = false;
        let rest = self.code.get(start..).unwrap_or_default();
        for (at, c) in rest.char_indices() {
            if at >= REACH {
                return start + at;
            }
            if let Some(open) = quote {
                if !escaped && c == open {
                    quote = None;
                }
                escaped = c == '\\' && !escaped;
                continue;
            }
            match c {
                '"' | '`' => quote = Some(c),
                '\'' if !matches!(self.language, "rust" | "go" | "java") => quote = Some(c),
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                ';' if depth <= 0 => return start + at,
                '\n' if depth <= 0 => {
                    let next = rest.get(at..).unwrap_or_default().trim_start();
                    if !next.starts_with(['.', '?', '+', ')']) {
                        return start + at;
                    }
                }
                _ => {}
            }
            if depth < 0 {
                return start + at;
            }
        }
        start + rest.len()
    }

    fn behind_module(&self, at: usize) -> usize {
        let literal = self.literals.iter().find(|literal| literal.start <= at && at < literal.end);
        let is_module = |literal: &&Literal| {
            let before = self.code.get(..literal.start.saturating_sub(1)).unwrap_or_default();
            before.ends_with("require(") || before.ends_with("import(")
        };
        literal.filter(is_module).map_or(at, |literal| literal.end + 1)
    }

    fn is_quoted(&self, at: usize) -> bool {
        // The quote may belong to the word itself: `system "x`.
        self.literals.iter().any(|literal| literal.start < at.saturating_sub(1) && at < literal.end)
    }

    fn within<'s>(
        &'s self,
        call: &std::ops::Range<usize>,
    ) -> impl Iterator<Item = &'s Literal> + use<'s, 'a> {
        let range = call.start.saturating_sub(2)..call.end;
        self.literals.iter().filter(move |literal| range.contains(&literal.start))
    }

    /// Literals that are put together, with what nobody knows between them.
    fn joined(&self, words: &[&Literal]) -> String {
        let mut line = String::new();
        let mut end = None;
        for word in words {
            let gap = end.and_then(|end| self.code.get(end..word.start)).unwrap_or_default();
            if gap.contains(',') {
                break;
            }
            if end.is_some() {
                line.push(UNKNOWN);
            }
            line.push_str(&word.text);
            end = Some(word.end);
        }
        line
    }

    /// Hosts that the code hands to a call that connects.
    fn reached(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let calls = self.calls(Sign::Network).into_iter().chain(self.calls(Sign::Socket));
        for call in calls {
            for literal in self.within(&call) {
                let text = literal.text.trim();
                let is_address = text.contains("://");
                let host = match is_address {
                    true => text
                        .find("http")
                        .and_then(|at| host::host_of(text.get(at..)?.split([' ', '\'', '"']).next()?)),
                    false => self.is_host(literal).then(|| host::of_word(text)).flatten(),
                };
                let host = host.filter(|host| is_elsewhere(host));
                found.extend(host.filter(|host| !found.contains(host)));
            }
        }
        found
    }

    /// Whether a literal stands where a call takes a host.
    fn is_host(&self, literal: &Literal) -> bool {
        let text = literal.text.trim();
        let is_name = text.contains('.')
            && text.len() <= 253
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':'));
        let before = self.code.get(..literal.start.saturating_sub(1)).unwrap_or_default().trim_end();
        let is_key = before.trim_end_matches([':', '=', ' ', '"', '\'', '>']).ends_with("host")
            || before.trim_end_matches([':', '=', ' ', '"', '\'', '>']).ends_with("hostname");
        is_name && (is_key || before.ends_with('('))
    }

    fn takes_environment(&self) -> bool {
        const WHOLE: &[&str] = &[
            "dict(os.environ)",
            "os.environ.items()",
            "os.environ.copy()",
            "JSON.stringify(process.env)",
            "ENV.to_h",
            "env::vars()",
            "os.Environ()",
            "System.getenv()",
            "str(os.environ)",
            "inspect(process.env)",
        ];
        WHOLE.iter().any(|word| self.code.contains(word)) || names_whole_environment(self.code, self.language)
    }

    /// A variable that holds a credential and that the code reads, and does not set itself.
    fn secret_variable(&self) -> Option<String> {
        const READS: &[&str] = &[
            "environ[",
            "environ.get(",
            "getenv(",
            "Getenv(",
            "process.env.",
            "process.env[",
            "ENV[",
            "ENV.fetch(",
            "env::var(",
            "LookupEnv(",
        ];
        for (at, word) in READS.iter().flat_map(|word| self.code.match_indices(word)) {
            let rest = self.code.get(at + word.len()..).unwrap_or_default().trim_start_matches(['"', '\'']);
            let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let after =
                rest.get(name.len()..).unwrap_or_default().trim_start_matches(['"', '\'', ']', ')', ' ']);
            let is_set = after.starts_with('=') && !after.starts_with("==");
            if is_secret_name(&name) && !is_set {
                return Some(name);
            }
        }
        None
    }

    /// Whether a call that opens files, or that makes the name of one, takes the literal.
    fn is_opened(&self, literal: &Literal) -> bool {
        const OPENS: &[&str] = &[
            "open(",
            "Open(",
            "read(",
            "read_text(",
            "readFile",
            "ReadFile(",
            "read_to_string(",
            "fs::read(",
            "expanduser(",
            "join(",
            "Join(",
            "resolve(",
            "Path(",
            "PathBuf::from(",
            "File.read",
            "File.open",
            "File.new",
            "IO.read",
            "file_get_contents(",
            "createReadStream(",
            "Paths.get(",
            "Path.of(",
            "home() /",
            "home()/",
            "load(",
            "copy(",
            "copyfile(",
            "add(",
        ];
        let before = self.line_before(literal);
        OPENS.iter().any(|word| before.contains(word))
    }

    fn names_home(&self, literal: &Literal) -> bool {
        const HOMES: &[&str] = &[
            "expanduser",
            "home()",
            "homedir()",
            "HOME",
            "home_dir",
            "UserHomeDir",
            "user.home",
            "Dir.home",
            "homedir",
        ];
        let before = self.line_before(literal);
        HOMES.iter().any(|word| before.contains(word))
    }

    fn line_before(&self, literal: &Literal) -> &str {
        let before = self.code.get(..literal.start.saturating_sub(1)).unwrap_or_default();
        before.rsplit(['\n', ';']).next().unwrap_or_default()
    }
}

fn effect(class: EffectClass, target: Target, text: &str) -> Effect {
    let why = super::super::Why { span: None, rule: "code.file".into(), text: text.to_owned() };
    Effect { class, target, why }
}

/// Whether an effect of a command that a file writes out counts.
fn counts(effect: &Effect, sort: Sort, is_boxed: bool) -> bool {
    let rule = effect.why.rule.as_ref();
    match effect.class {
        EffectClass::Read | EffectClass::WriteWorkspace | EffectClass::BuildTest | EffectClass::Unknown => {
            false
        }
        // Tests start shells and talk to the programs in them.
        EffectClass::EscapeAttempt => !rule.starts_with("code.") && rule != "argument.shell",
        EffectClass::Network => match &effect.target {
            Target::Host(host) => is_elsewhere(host),
            Target::Command(_) => sort == Sort::Program && !is_boxed,
            Target::Package(_)
            | Target::Path(_)
            | Target::Remote { .. }
            | Target::Secret(_)
            | Target::Unknown => false,
        },
        EffectClass::SecretRead => match &effect.target {
            Target::Secret(what) => what.contains('/') && (!is_boxed || what.starts_with(['/', '~'])),
            Target::Command(_)
            | Target::Host(_)
            | Target::Package(_)
            | Target::Path(_)
            | Target::Remote { .. }
            | Target::Unknown => sort == Sort::Program,
        },
        EffectClass::Destructive => match &effect.target {
            Target::Path(path) => {
                path.starts_with(['/', '~']) && !path.starts_with("/tmp") && !path.starts_with("/var/tmp")
            }
            Target::Command(_)
            | Target::Host(_)
            | Target::Package(_)
            | Target::Remote { .. }
            | Target::Secret(_)
            | Target::Unknown => false,
        },
        EffectClass::Publish | EffectClass::Deploy => true,
        EffectClass::PackageInstall | EffectClass::GitPush => sort == Sort::Program && !is_boxed,
        EffectClass::IdentityChange => !rule.starts_with("git.") && !is_boxed,
    }
}

fn is_escape(effect: &Effect) -> bool {
    effect.class == EffectClass::EscapeAttempt
}

/// Whether a host is another machine. Names that documents and tests use for no machine are none.
fn is_elsewhere(host: &str) -> bool {
    let Some(host) = host::of_word(host) else { return false };
    let name = host.rsplit_once(':').map_or(host.as_str(), |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host.as_str() }
    });
    let is_nowhere = !name.contains(['.', ':'])
        || [".test", ".invalid", ".localhost", ".local"].iter().any(|end| name.ends_with(end))
        || ["example.com", "example.org", "example.net"]
            .iter()
            .any(|known| name.strip_suffix(known).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
    Zone::of(&host) != Zone::Loopback && !is_nowhere
}

/// Whether code is made of what is decoded or fetched in the same breath.
fn runs_hidden(code: &str) -> bool {
    const HIDDEN: &[&str] = &[
        "exec(base64",
        "exec(__import__(",
        "exec(zlib.",
        "exec(codecs.",
        "exec(bytes.fromhex(",
        "exec(marshal.",
        "exec(requests.",
        "exec(urllib",
        "exec(urlopen(",
        "exec(compile(base64",
        "eval(base64",
        "eval(compile(base64",
        "eval(requests.",
        "eval(urllib",
        "eval(atob(",
        "eval(Buffer.from(",
        "Function(atob(",
        "Function(Buffer.from(",
        "eval(awaitfetch(",
        "eval(Base64.",
        "eval(URI.open(",
        "eval(Net::HTTP",
        "eval(open(\"http",
        "eval(open('http",
        "eval(base64_decode(",
        "eval(gzinflate(",
    ];
    let tight: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    HIDDEN.iter().any(|word| tight.contains(word))
}

/// Strings in double quotes and back quotes, raw ones too, where a single quote begins no string.
fn double_quoted(code: &str) -> Vec<Literal> {
    const MOST: usize = 400;
    let mut found = Vec::new();
    let mut at = 0;
    while found.len() < MOST
        && let Some(open) = code.get(at..).and_then(|rest| rest.find(['"', '`'])).map(|open| at + open)
    {
        let is_raw = code.get(open..).is_some_and(|rest| rest.starts_with('`'));
        let rest = code.get(open + 1..).unwrap_or_default();
        let before = code.get(..open).unwrap_or_default();
        let hashes = before.len() - before.trim_end_matches('#').len();
        let is_hashed = hashes > 0 && before.trim_end_matches('#').ends_with('r');
        let length = match (is_raw, is_hashed) {
            (true, _) => rest.find('`'),
            (false, true) => rest.find(&format!("\"{}", "#".repeat(hashes))),
            (false, false) => super::literal::closing_quote(rest, b'"'),
        };
        let Some(length) = length else { break };
        let text = rest.get(..length).unwrap_or_default();
        let text = if is_raw || is_hashed { text.to_owned() } else { super::super::word::unescape(text) };
        let end = open + 1 + length + 1;
        found.push(Literal { start: open + 1, end, text });
        at = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_file_is_read(text in "(?s).{0,300}", code in "[a-z.()\\[\\]{}'\"`;,:/\\n# ]{0,300}") {
            let facts = Facts::default();
            for language in ["python", "node", "ruby", "perl", "rust", "go", "java", "shell", "php"] {
                for sort in [Sort::Source, Sort::Test, Sort::Program] {
                    of_file(&text, language, sort, &facts);
                    of_file(&format!("os.system({code}"), language, sort, &facts);
                }
            }
        }
    }
}
