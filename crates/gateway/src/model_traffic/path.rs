//! What a request to a model's host is by its method and path: one of a form that is read, one that does nothing at the
//! vendor, or one that nobody here knows.
//!
//! Servers differ in how they read a path. A form that is read is recognised as the most generous of them would; what does
//! nothing is recognised only as it is written, and everything else is unknown.

use writ_model::{Body, Request};
use writ_policy::{Meaning, Zone};

use super::Wire;

/// How often a generous server decodes a path.
const ROUNDS: usize = 3;

/// Last parts of paths that are asked by POST and only measure a text.
const MEASURES: [&str; 4] = ["embeddings", "moderations", "tokenize", "detokenize"];
/// The same, behind a colon and the name of a model.
const MODEL_MEASURES: [&str; 2] = ["embedContent", "batchEmbedContents"];
/// Paths that clients tell their makers by how they are used: Claude Code's, and those of OpenTelemetry (OTLP/HTTP, whose
/// collectors stand in the same settings).
const TELLINGS: [&str; 8] = [
    "/api/claude_code/metrics",
    "/api/event_logging/batch",
    "/api/event_logging/v2/batch",
    "/api/hello",
    "/v1/logs",
    "/v1/metrics",
    "/v1/traces",
    "/v1/development/logs",
];
/// A client asks which of its new functions are switched on.
const SWITCHES: &str = "/api/eval/";
/// Paths of Ollama's own interface, which runs no tool by itself. Only of a service of this machine.
const LOCAL: [&str; 5] = ["/api/chat", "/api/embed", "/api/embeddings", "/api/generate", "/api/show"];

/// What a request to a model's host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It asks a model, in a form that is read. `is_odd`: another server could read another path in it.
    Read { wire: Wire, is_odd: bool },
    /// It asks for what is there, measures a text, or tells the client's maker how it is used.
    Plain,
    /// Nobody here knows what it does at the vendor.
    Unread,
}

// === impl Way ===

impl Way {
    /// What a request is. Its body is not looked at, but whether it has one is.
    pub fn of(request: &Request) -> Self {
        let Request { method, host, path, query, headers, body, .. } = request;
        let (generous, is_odd) = generous(path);
        let asks = method == "POST" || !is_batch(&generous);
        if let Some(wire) = wire_of(&generous).filter(|_| asks) {
            return Self::Read { wire, is_odd };
        }
        let is_override = |meaning: Option<Meaning>| match meaning {
            Some(Meaning::Identity | Meaning::Method | Meaning::Path) => true,
            Some(Meaning::Credential) | None => false,
        };
        let is_other_header = |name: &str| {
            name == "upgrade" || is_override(Meaning::of_header(name)) || Meaning::is_hinted(name)
        };
        let is_other_query = |query: &str| {
            let decoded = percent_decoded(query);
            let mut names = decoded.split(['&', ';']).map(|pair| pair.split('=').next().unwrap_or_default());
            names.any(|name| is_override(Meaning::of_parameter(name))) || Meaning::is_hinted(&decoded)
        };
        let is_other = headers.iter().any(|(name, _)| is_other_header(name))
            || query.as_deref().is_some_and(is_other_query);
        if is_odd || is_other {
            return Self::Unread;
        }
        let looks = matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS") && *body == Body::None;
        let is_local = Zone::of(host) == Zone::Loopback && LOCAL.contains(&path.as_str());
        let tells = TELLINGS.contains(&path.as_str()) || path.starts_with(SWITCHES);
        if looks || (method == "POST" && (measures(path) || tells || is_local)) {
            Self::Plain
        } else {
            Self::Unread
        }
    }
}

// === impl Wire ===

impl Wire {
    /// The format of a request, by the end of its path as a generous server reads it; nothing where it is none that asks
    /// a model.
    pub fn of(path: &str) -> Option<Self> {
        wire_of(&generous(path).0)
    }

    /// Whether what a path answers is no word of a model: counted tokens, a history that was made shorter, and
    /// requests that are asked later.
    pub fn is_silent(path: &str) -> bool {
        let (path, _) = generous(path);
        // What is compacted repeats what was said before.
        let repeats = ["/count_tokens", ":counttokens", "/responses/compact", "/responses/input_tokens"];
        is_batch(&path) || repeats.iter().any(|end| path.ends_with(end))
    }
}

/// The format by the end of a path that was read generously.
fn wire_of(path: &str) -> Option<Wire> {
    const FORMS: [(&str, Wire); 12] = [
        ("/messages", Wire::AnthropicMessages),
        ("/messages/batches", Wire::AnthropicMessages),
        ("/messages/count_tokens", Wire::AnthropicMessages),
        ("/responses", Wire::OpenaiResponses),
        ("/responses/compact", Wire::OpenaiResponses),
        ("/responses/input_tokens", Wire::OpenaiResponses),
        ("/batches", Wire::OpenaiChat),
        ("/chat/completions", Wire::OpenaiChat),
        (":generatecontent", Wire::Gemini),
        (":streamgeneratecontent", Wire::Gemini),
        (":batchgeneratecontent", Wire::Gemini),
        (":counttokens", Wire::Gemini),
    ];
    FORMS.iter().find(|(end, _)| path.ends_with(end)).map(|(_, wire)| *wire)
}

fn is_batch(path: &str) -> bool {
    path.ends_with("/batches") || path.ends_with(":batchgeneratecontent")
}

/// Whether a path only measures a text: its last part says so, and what stands before is a version, a prefix of one word, or
/// the name of a model or deployment, and no other thing that is kept there.
fn measures(path: &str) -> bool {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let is_version = |part: &str| {
        part.strip_prefix('v')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()) && rest.len() < 12)
    };
    let is_prefix =
        |part: &&str| is_version(part) || ["api", "openai", "inference", "compatible-mode"].contains(part);
    match parts.as_slice() {
        [before @ .., "deployments" | "models", _, last] if MEASURES.contains(last) => {
            before.iter().all(is_prefix)
        }
        [before @ .., "models", last] => {
            let is_measure = last.split_once(':').is_some_and(|(_, what)| MODEL_MEASURES.contains(&what));
            is_measure && before.len() <= 7
        }
        [before @ .., last] => MEASURES.contains(last) && before.iter().all(is_prefix),
        [] => false,
    }
}

/// A path in lower case, decoded, without parameters, empty parts and dots; and whether there was something in it that
/// servers cut off or resolve, each in its own way.
fn generous(path: &str) -> (String, bool) {
    let mut text = path.to_owned();
    for _ in 0..ROUNDS {
        let decoded = percent_decoded(&text);
        if decoded == text {
            break;
        }
        text = decoded;
    }
    let mut is_odd = text.contains([';', '?', '#', '\\', '\u{fffd}']) || text.contains(char::is_control);
    let mut parts: Vec<String> = Vec::new();
    for part in text.split(['/', '\\']) {
        let part = part.split([';', '?', '#']).next().unwrap_or_default();
        let part: String = part.chars().filter(|c| !c.is_control()).collect();
        match part.trim() {
            "" => {}
            "." => is_odd = true,
            ".." => {
                is_odd = true;
                parts.pop();
            }
            part => parts.push(part.to_lowercase()),
        }
    }
    (format!("/{}", parts.join("/")), is_odd)
}

/// One round of percent-decoding (RFC 3986, section 2.1); what is no code stays.
fn percent_decoded(text: &str) -> String {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let code = match after {
            [high, low, after @ ..] if *byte == b'%' => {
                digit(high).zip(digit(low)).map(|(high, low)| (high << 4 | low, after))
            }
            _ => None,
        };
        let (byte, after) = code.unwrap_or((*byte, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
