//! Where models are: what clients go to by themselves, and what their settings name instead.
//!
//! Only settings of the user count. A project's settings are what an agent, or whoever wrote the project, could change.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use writ_model::Client;

use super::{folder, is_loopback};

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Endpoint {
    /// In lower case, an address of the sixth version in brackets.
    pub(super) host: Box<str>,
    pub(super) port: u16,
    /// Known to speak HTTP without TLS.
    pub(super) is_clear: bool,
}

/// Keys under which settings name the address of a model, without separators and in lower case.
const KEYS: [&str; 5] = ["apibase", "apiurl", "baseurl", "basepath", "endpoint"];

// === impl Endpoint ===

impl Endpoint {
    fn https(host: &str) -> Self {
        Self { host: host.into(), port: 443, is_clear: false }
    }

    /// The host of a URL; nothing for another scheme, or where two readers could see two hosts.
    pub(super) fn of_url(url: &str) -> Option<Self> {
        let (rest, port) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (rest, 443),
            (None, Some(rest)) => (rest, 80),
            (None, None) => return None,
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        Self::parsed(authority, Some(port)).map(|found| Self { is_clear: port == 80, ..found })
    }

    /// `host:port`.
    pub(super) fn of_authority(authority: &str) -> Option<Self> {
        Self::parsed(authority, None)
    }

    /// As policies name a host that is spoken to by TLS.
    pub(in crate::cli::run) fn short(&self) -> String {
        if self.port == 443 { self.host.to_string() } else { self.to_string() }
    }

    pub(super) fn is_local(&self) -> bool {
        is_loopback(&self.host)
    }

    fn parsed(authority: &str, usual: Option<u16>) -> Option<Self> {
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok().filter(|port| *port > 0)?),
            Some(_) | None => (authority, usual?),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let fits = match bare {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                !host.is_empty()
                    && host.len() <= 253
                    && host
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
            }
        };
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        (fits && !host.is_empty()).then(|| Self { host: host.into(), port, is_clear: false })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Where a client goes when nothing says otherwise: its model, and what its login is renewed at.
pub(super) fn usual(client: Client) -> Vec<Endpoint> {
    let hosts: &[&str] = match client {
        Client::ClaudeCode => {
            &["api.anthropic.com", "claude.ai", "console.anthropic.com", "platform.claude.com"]
        }
        Client::Cline => &["api.anthropic.com", "api.cline.bot", "api.openai.com", "openrouter.ai"],
        Client::Codex => &["api.openai.com", "auth.openai.com", "chatgpt.com"],
        Client::CopilotCli => &[
            "api.business.githubcopilot.com",
            "api.enterprise.githubcopilot.com",
            "api.githubcopilot.com",
            "api.individual.githubcopilot.com",
        ],
        Client::GeminiCli => {
            &["cloudcode-pa.googleapis.com", "generativelanguage.googleapis.com", "oauth2.googleapis.com"]
        }
        Client::OpenCode => &[
            "api.anthropic.com",
            "api.openai.com",
            "generativelanguage.googleapis.com",
            "models.dev",
            "opencode.ai",
            "openrouter.ai",
        ],
        Client::QwenCode => {
            &["chat.qwen.ai", "dashscope-intl.aliyuncs.com", "dashscope.aliyuncs.com", "portal.qwen.ai"]
        }
        Client::Cursor | Client::Kiro | Client::VsCode | Client::Windsurf | Client::Other => &[],
    };
    hosts.iter().map(|host| Endpoint::https(host)).collect()
}

/// Whether a client was seen to work with its model by an authority that is named to it for the run.
pub(super) const fn trusts_ours(client: Client) -> bool {
    match client {
        Client::ClaudeCode | Client::Codex | Client::GeminiCli | Client::OpenCode | Client::QwenCode => true,
        Client::Cline
        | Client::CopilotCli
        | Client::Cursor
        | Client::Kiro
        | Client::VsCode
        | Client::Windsurf
        | Client::Other => false,
    }
}

/// Hosts of vendors that are interfaces to models and nothing else. What a client is logged in at by a browser, and a model
/// behind the same host as people's pages, are not among them.
pub(super) fn is_interface(to: &Endpoint) -> bool {
    const HOSTS: [&str; 4] =
        ["api.anthropic.com", "api.openai.com", "generativelanguage.googleapis.com", "openrouter.ai"];
    to.port == 443 && HOSTS.contains(&&*to.host)
}

/// Variables in which a client is told its model's address, or settings that name it.
pub(super) const fn variables(client: Client) -> &'static [&'static str] {
    match client {
        Client::ClaudeCode => &["ANTHROPIC_BASE_URL"],
        Client::Codex => &["OPENAI_BASE_URL"],
        Client::CopilotCli => &["COPILOT_PROVIDER_BASE_URL"],
        Client::GeminiCli => &["GOOGLE_GEMINI_BASE_URL"],
        Client::OpenCode => &["OPENCODE_CONFIG_CONTENT"],
        Client::QwenCode => &["OPENAI_BASE_URL"],
        Client::Cline | Client::Cursor | Client::Kiro | Client::VsCode | Client::Windsurf | Client::Other => {
            &[]
        }
    }
}

/// The user's own settings of a client, as far as no task can write them.
pub(super) fn files(
    client: Client,
    home: &Path,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Vec<PathBuf> {
    let in_folder = |name: &str, otherwise: &str, files: &[&str]| {
        let folder = folder(home, variable(name), otherwise);
        files.iter().map(|file| folder.join(file)).collect::<Vec<_>>()
    };
    match client {
        Client::ClaudeCode => {
            in_folder("CLAUDE_CONFIG_DIR", ".claude", &["settings.json", "settings.local.json"])
        }
        Client::Codex => in_folder("CODEX_HOME", ".codex", &["config.toml"]),
        Client::CopilotCli => in_folder("COPILOT_HOME", ".copilot", &["settings.json"]),
        Client::GeminiCli => {
            in_folder("GEMINI_CLI_HOME", "", &[".gemini/.env", ".gemini/settings.json", ".env"])
        }
        Client::OpenCode => {
            let mut files = in_folder(
                "XDG_CONFIG_HOME",
                ".config",
                &["opencode/config.json", "opencode/opencode.json", "opencode/opencode.jsonc"],
            );
            files.extend(variable("OPENCODE_CONFIG").map(PathBuf::from));
            files
        }
        Client::QwenCode => in_folder("QWEN_HOME", ".qwen", &[".env", "settings.json"]),
        Client::Cline | Client::Cursor | Client::Kiro | Client::VsCode | Client::Windsurf | Client::Other => {
            Vec::new()
        }
    }
}

/// Those that a task can write, because the client keeps its login in them.
pub(super) fn open_files(
    client: Client,
    home: &Path,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Vec<PathBuf> {
    match client {
        Client::Cline => {
            vec![folder(home, variable("CLINE_DIR"), ".cline").join("data/settings/providers.json")]
        }
        Client::ClaudeCode
        | Client::Codex
        | Client::CopilotCli
        | Client::Cursor
        | Client::GeminiCli
        | Client::Kiro
        | Client::OpenCode
        | Client::Other
        | Client::QwenCode
        | Client::VsCode
        | Client::Windsurf => Vec::new(),
    }
}

/// Hosts of URLs that stand behind a key which means a model's address: `base_url = "…"`, `"baseURL": "…"`,
/// `OPENAI_BASE_URL=…`.
pub(super) fn in_text(text: &str) -> Vec<Endpoint> {
    text.match_indices("://")
        .filter_map(|(at, _)| {
            let before = text.get(..at)?;
            let scheme = ["https", "http"].into_iter().find(|scheme| before.ends_with(scheme))?;
            let start = at - scheme.len();
            let key =
                before.get(..start)?.trim_end_matches([' ', '\t', '\n', '\r', '"', '\'', ':', '=', '\\']);
            let key: String = key
                .chars()
                .rev()
                .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
                .filter(char::is_ascii_alphanumeric)
                .collect();
            let key: String = key.chars().rev().collect::<String>().to_ascii_lowercase();
            let url = text.get(start..)?;
            let end = url.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '}' | '\\'));
            let url = url.get(..end.unwrap_or(url.len()))?;
            let found =
                KEYS.iter().any(|known| key.ends_with(known)).then(|| Endpoint::of_url(url)).flatten()?;
            // A collector of traces speaks what it likes.
            let is_model = !key.contains("otel") && !key.contains("otlp");
            Some(Endpoint { is_clear: found.is_clear && is_model, ..found })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_one_way_or_not_at_all() {
        for (url, wanted) in [
            ("https://api.example.org/v1", Some("api.example.org:443")),
            ("http://127.0.0.1:8080/v1?x#y", Some("127.0.0.1:8080")),
            ("HTTP://x", None),
            ("http://[::1]:11434", Some("[::1]:11434")),
            ("https://Api.Example.org.", Some("api.example.org:443")),
            ("https://user@evil.org", None),
            ("https://good.org\\@evil.org", None),
            ("https://a b", None),
            ("https://", None),
            ("https://x:0", None),
            ("https://x:65536", None),
            ("ftp://x", None),
        ] {
            assert_eq!(Endpoint::of_url(url).map(|found| found.to_string()).as_deref(), wanted, "{url}");
        }
    }

    #[test]
    fn settings_name_models_by_key() {
        let found = |text: &str| in_text(text).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(found("base_url = \"http://127.0.0.1:1/v1\"\n"), ["127.0.0.1:1"]);
        assert_eq!(
            found(r#"{"options": {"baseURL": "https://llm.corp:8443/x", "apiKey": 1}}"#),
            ["llm.corp:8443"]
        );
        let is_clear = |text: &str| in_text(text).iter().all(|found| found.is_clear);
        assert!(is_clear("base_url = \"http://127.0.0.1:1/v1\""));
        assert!(!is_clear("base_url = \"https://127.0.0.1:1/v1\""));
        assert!(!is_clear("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317"));
        assert_eq!(found("OPENAI_BASE_URL=https://a.b\nOTHER=https://c.d"), ["a.b:443"]);
        assert_eq!(found(r#"{"homepage": "https://x.y", "url": "https://z"}"#), [""; 0]);
        assert_eq!(found("://, base_url=://x, base_url=https://"), [""; 0]);
    }
}
