//! What the text of a file of code shows: its literals, its calls, the hosts and variables in them.

use super::super::super::environment::is_secret_name;
use super::super::super::word::{self, UNKNOWN};
use super::super::literal::{Literal, closing_quote, string_literals};
use super::super::pure::names_whole_environment;
use super::super::words::{Sign, WORDS};
use crate::host::{self, Zone};

/// Longest call, in bytes.
const REACH: usize = 800;

/// What a file of code shows.
pub(super) struct Shown<'a> {
    pub(super) code: &'a str,
    pub(super) literals: Vec<Literal>,
    pub(super) language: &'a str,
    /// Folders of its own that it makes, or a home folder that it sets.
    pub(super) is_boxed: bool,
    /// Its connections are played by something else.
    pub(super) is_played: bool,
}

// === impl Shown ===

impl<'a> Shown<'a> {
    pub(super) fn new(code: &'a str, language: &'a str) -> Self {
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
    pub(super) fn calls(&self, wanted: Sign) -> Vec<std::ops::Range<usize>> {
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
        // Building a request reaches nobody.
        let sent: &[&str] = match wanted {
            Sign::Network if self.code.contains(".Do(") => &["NewRequest(", "NewRequestWithContext("],
            _ => &[],
        };
        // `sh '…'` of rake.
        let tasks: &[&str] = match wanted {
            Sign::Process if self.language == "ruby" => &[" sh '", " sh \"", " sh(", "\tsh '", "\tsh \""],
            _ => &[],
        };
        let mut ends: Vec<usize> = own
            .iter()
            .chain(sent)
            .chain(tasks)
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
            if found.len() >= super::MOST_CALLS {
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

    pub(super) fn within<'s>(
        &'s self,
        call: &std::ops::Range<usize>,
    ) -> impl Iterator<Item = &'s Literal> + use<'s, 'a> {
        let range = call.start.saturating_sub(2)..call.end;
        self.literals.iter().filter(move |literal| range.contains(&literal.start))
    }

    /// Literals that are put together, with what nobody knows between them.
    pub(super) fn joined(&self, words: &[&Literal]) -> String {
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
    pub(super) fn reached(&self) -> Vec<String> {
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

    pub(super) fn takes_environment(&self) -> bool {
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
    pub(super) fn secret_variable(&self) -> Option<String> {
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
    pub(super) fn is_opened(&self, literal: &Literal) -> bool {
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

    pub(super) fn names_home(&self, literal: &Literal) -> bool {
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

/// Whether a host is another machine. Names that documents and tests use for no machine are none.
pub(super) fn is_elsewhere(host: &str) -> bool {
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
pub(super) fn runs_hidden(code: &str) -> bool {
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
            (false, false) => closing_quote(rest, b'"'),
        };
        let Some(length) = length else { break };
        let text = rest.get(..length).unwrap_or_default();
        let text = if is_raw || is_hashed { text.to_owned() } else { word::unescape(text) };
        let end = open + 1 + length + 1;
        found.push(Literal { start: open + 1, end, text });
        at = end;
    }
    found
}
