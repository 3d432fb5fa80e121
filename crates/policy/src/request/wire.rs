//! The one reading of a request line that every table uses.
//!
//! Servers differ over dot segments, doubled slashes, encodings and parameters in paths, and each difference is a way to
//! show a judge one operation and the service another. A path that has one reading is read; any other is `odd`, and is
//! taken apart as a generous server would, only to see which service it is meant for.

use writ_model::Request;

use crate::names::Meaning;

/// Longest path and query that are read, in bytes, and most parts of each.
const TEXT_BYTES: usize = 16 * 1024;
const PARTS: usize = 64;

/// How often a generous server decodes a path.
const ROUNDS: usize = 3;

/// Methods that are registered (RFC 9110, section 16.1.1, and the registry that it began) beside those with a [`Verb`].
/// Methods are told apart by case; a server that does not would take any other spelling for one of them.
const REGISTERED: &[&str] = &[
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    // What nobody looks into is decided under this name.
    "CONNECT",
    "COPY",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "ORDERPATCH",
    "PROPFIND",
    "PROPPATCH",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];

/// What a method does, as RFC 9110 (section 9) and RFC 5789 say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// `GET`, `HEAD` and `OPTIONS`.
    Read,
    Post,
    Put,
    Patch,
    Delete,
    Other,
}

/// A request, taken apart.
#[derive(Debug)]
pub(super) struct Wire<'a> {
    pub request: &'a Request,
    pub verb: Verb,
    /// Decoded. One that holds a slash had it encoded.
    pub segments: Vec<String>,
    pub query: Vec<(String, String)>,
    /// Why the request can be read in more than one way.
    pub odd: Option<&'static str>,
}

// === impl Verb ===

impl Verb {
    pub fn of(method: &str) -> Self {
        match method {
            "GET" | "HEAD" | "OPTIONS" => Self::Read,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            _ => Self::Other,
        }
    }
}

/// Whether a method is one that servers agree on.
pub(super) fn is_method(method: &str) -> bool {
    Verb::of(method) != Verb::Other || REGISTERED.binary_search(&method).is_ok()
}

// === impl Wire ===

impl<'a> Wire<'a> {
    pub fn of(request: &'a Request) -> Self {
        let path = request.path.as_str();
        let (segments, mut odd) = match strict(path) {
            Ok(segments) => (segments, None),
            Err(why) => (generous(path), Some(why)),
        };
        let query = match request.query.as_deref().map(pairs) {
            None => Vec::new(),
            Some(Some(pairs)) => pairs,
            Some(None) => {
                odd = odd.or(Some("a query that cannot be read"));
                Vec::new()
            }
        };
        let media = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if media.count() > 1 {
            odd = odd.or(Some("the request names several media types"));
        }
        let verb = Verb::of(&request.method);
        if verb == Verb::Other {
            odd = odd.or(Some("a method that is not known"));
        }
        let mut wire = Self { request, verb, segments, query, odd: None };
        if wire.says(Meaning::Method) {
            odd = odd.or(Some("the request names a second method"));
        }
        if wire.says(Meaning::Path) {
            odd = odd.or(Some("the request names a second path"));
        }
        wire.odd = odd;
        wire
    }

    /// Whether a header or a part of the query says this by its name.
    pub fn says(&self, meaning: Meaning) -> bool {
        let mut headers = self.request.headers.iter().filter_map(|(name, _)| Meaning::of_header(name));
        let mut parts = self.query.iter().filter_map(|(name, _)| Meaning::of_parameter(name));
        headers.any(|one| one == meaning) || parts.any(|one| one == meaning)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.request
            .headers
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether a header of this name holds a word, in any letters.
    pub fn says_in(&self, name: &str, word: &str) -> bool {
        self.headers(name).any(|value| value.to_ascii_lowercase().contains(word))
    }

    /// The same request by another method.
    pub fn by(&self, verb: Verb) -> Self {
        let (segments, query) = (self.segments.clone(), self.query.clone());
        Self { request: self.request, verb, segments, query, odd: self.odd }
    }

    /// The values of a query parameter.
    pub fn asked(&self, name: &str) -> impl Iterator<Item = &str> {
        self.query.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn has_asked(&self, name: &str) -> bool {
        self.query.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// The media type of the body, without parameters, in lower case.
    pub fn media(&self) -> String {
        let written = self.header("content-type").unwrap_or_default();
        written.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// The segments as a server would have them that decodes slashes before it takes a path apart.
    pub fn flat(&self) -> Vec<String> {
        self.segments.iter().flat_map(|segment| segment.split('/')).map(str::to_owned).collect()
    }

    pub fn has_slashes(&self) -> bool {
        self.segments.iter().any(|segment| segment.contains('/'))
    }
}

/// The segments of a path that has one reading.
fn strict(path: &str) -> Result<Vec<String>, &'static str> {
    if path.len() > TEXT_BYTES {
        return Err("a path that is too long");
    }
    let Some(rest) = path.strip_prefix('/') else { return Err("a path that does not start at the root") };
    // One slash at the end changes nothing for the services of the tables.
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.is_empty() {
        return if path == "/" { Ok(Vec::new()) } else { Err("an empty part in the path") };
    }
    let mut segments = Vec::new();
    for written in rest.split('/') {
        if segments.len() == PARTS {
            return Err("a path of too many parts");
        }
        let segment = decode(written).ok_or("a path whose encoding cannot be read")?;
        let is_dots = |part: &str| {
            let left: String = part.chars().filter(|c| !c.is_whitespace()).collect();
            matches!(left.as_str(), "." | "..")
        };
        if segment.is_empty() || segment.split('/').any(str::is_empty) {
            return Err("an empty part in the path");
        }
        if is_dots(&segment) || segment.split('/').any(is_dots) {
            return Err("a path with dots that lead elsewhere");
        }
        if segment.contains([';', '\\', '#', '?']) || segment.chars().any(char::is_control) {
            return Err("a path with signs that servers read differently");
        }
        if is_encoded(&segment) {
            return Err("a path that is encoded twice");
        }
        segments.push(segment);
    }
    Ok(segments)
}

/// The segments as a server would have them that forgives everything.
fn generous(path: &str) -> Vec<String> {
    let mut text: String = path.chars().take(TEXT_BYTES).collect();
    for _ in 0..ROUNDS {
        match decode_lossy(&text) {
            Some(decoded) => text = decoded,
            None => break,
        }
    }
    let mut found: Vec<String> = Vec::new();
    for part in text.split(['/', '\\']) {
        let part: String = part
            .split([';', '?', '#'])
            .next()
            .unwrap_or_default()
            .chars()
            .filter(|c| !c.is_control())
            .collect();
        match part.trim() {
            "" | "." => {}
            ".." => {
                found.pop();
            }
            _ if found.len() == PARTS => break,
            part => found.push(part.to_owned()),
        }
    }
    found
}

/// The pairs of a query or of a form (WHATWG URL, section 5.1); nothing where they are too many, or not text.
pub(super) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    if text.len() > TEXT_BYTES {
        return None;
    }
    let mut found = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        if found.len() == PARTS {
            return None;
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        found.push((decode(&name.replace('+', " "))?, decode(&value.replace('+', " "))?));
    }
    Some(found)
}

/// One round of percent-decoding (RFC 3986, section 2.1).
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let (high, low) = (hex(rest.next()?)?, hex(rest.next()?)?);
            bytes.push(high << 4 | low);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The same, leaving what is no code as it stands; nothing where there is no code.
pub(super) fn decode_lossy(text: &str) -> Option<String> {
    is_encoded(text).then(|| String::from_utf8_lossy(&decoded(text.as_bytes())).into_owned())
}

/// One round of percent-decoding that leaves what is no code as it stands.
pub(super) fn decoded(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let code = || {
            let (high, low) = (after.first()?, after.get(1)?);
            Some((hex(*high)? << 4 | hex(*low)?, after.get(2..)?))
        };
        let (byte, after) = (*byte == b'%').then(code).flatten().unwrap_or((*byte, after));
        bytes.push(byte);
        rest = after;
    }
    bytes
}

/// Where a word, given in small letters, stands in a text in any.
pub(super) fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    let first = word.first()?;
    let mut from = 0;
    loop {
        let rest = text.get(from..)?;
        let at = from + rest.iter().position(|byte| byte.to_ascii_lowercase() == *first)?;
        if text.get(at..at + word.len())?.eq_ignore_ascii_case(word) {
            return Some(at);
        }
        from = at + 1;
    }
}

fn is_encoded(text: &str) -> bool {
    text.as_bytes().windows(3).any(
        |three| matches!(three, [b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()),
    )
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
