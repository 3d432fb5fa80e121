//! The name around a word: `STRIPE_SECRET_KEY`, `apiKey`, `max_tokens`, `--password`.

use super::super::{View, is_word};
use super::list::Words;
use super::words::Kind;

/// What a name says.
pub(super) struct Name {
    /// First byte after it.
    pub(super) end: usize,
    /// A word before or after says what it is a key of.
    pub(super) qualified: bool,
    /// Written in capitals, or in two words that both say secret.
    pub(super) loud: bool,
    /// Its first byte.
    pub(super) start: usize,
    /// An option of a command line: its value stands after a space.
    pub(super) is_option: bool,
}

/// Longest name that is read.
const LONGEST: usize = 80;

/// Words after which, as the last of a name, no secret follows.
static NOT_AFTER: Words<78> = Words::new([
    "alg",
    "algorithm",
    "arn",
    "board",
    "budget",
    "chain",
    "char",
    "check",
    "class",
    "code",
    "color",
    "column",
    "cost",
    "count",
    "counts",
    "data",
    "date",
    "digest",
    "dir",
    "down",
    "endpoint",
    "error",
    "event",
    "expires",
    "expiry",
    "field",
    "file",
    "format",
    "frame",
    "frames",
    "handler",
    "hash",
    "hint",
    "holder",
    "id",
    "ids",
    "index",
    "kind",
    "label",
    "len",
    "length",
    "limit",
    "list",
    "loader",
    "manager",
    "map",
    "message",
    "mode",
    "name",
    "names",
    "ns",
    "page",
    "path",
    "pattern",
    "policy",
    "press",
    "prompt",
    "provider",
    "ref",
    "refs",
    "regex",
    "reset",
    "ring",
    "scope",
    "scopes",
    "serializer",
    "size",
    "space",
    "store",
    "type",
    "types",
    "up",
    "uri",
    "url",
    "usage",
    "version",
    "window",
    "word",
]);

/// Words before `key` that make it one of a map, a lock that all may see, or a button.
static NOT_BEFORE: Words<79> = Words::new([
    "arrow",
    "artifact",
    "batch",
    "blob",
    "bucket",
    "build",
    "cache",
    "column",
    "composite",
    "context",
    "dedup",
    "dedupe",
    "deduplication",
    "dict",
    "document",
    "enter",
    "entity",
    "event",
    "field",
    "file",
    "fingerprint",
    "foreign",
    "group",
    "hash",
    "hot",
    "i18n",
    "idempotency",
    "index",
    "item",
    "job",
    "json",
    "label",
    "lookup",
    "map",
    "max",
    "menu",
    "message",
    "meta",
    "min",
    "natural",
    "node",
    "object",
    "on",
    "option",
    "order",
    "param",
    "parent",
    "partition",
    "primary",
    "prop",
    "pub",
    "public",
    "query",
    "range",
    "react",
    "record",
    "recv",
    "ref",
    "registry",
    "restore",
    "row",
    "s3",
    "schema",
    "shard",
    "short",
    "site",
    "sort",
    "state",
    "storage",
    "surrogate",
    "tab",
    "thumbprint",
    "topic",
    "translation",
    "unique",
    "vapid",
    "verification",
    "verify",
    "verifying",
]);

/// Words before `token` that make it a place in a list, a device, or what a form brings back: who holds it may do nothing.
static NO_TOKEN: Words<23> = Words::new([
    "cancellation",
    "concurrency",
    "continuation",
    "csrf",
    "csrfmiddleware",
    "cursor",
    "delta",
    "device",
    "fencing",
    "lexer",
    "next",
    "nextpage",
    "page",
    "pagination",
    "paging",
    "parser",
    "prev",
    "previous",
    "resume",
    "resumption",
    "skip",
    "sync",
    "xsrf",
]);

/// Words that may be glued to the front of a word in one case.
const GLUED: [&str; 40] = [
    "access",
    "account",
    "admin",
    "api",
    "app",
    "auth",
    "bearer",
    "bot",
    "client",
    "consumer",
    "crypt",
    "crypto",
    "customer",
    "database",
    "db",
    "deploy",
    "dev",
    "encryption",
    "install",
    "integration",
    "license",
    "master",
    "my",
    "oauth",
    "personal",
    "private",
    "prod",
    "refresh",
    "rest",
    "root",
    "secret",
    "service",
    "session",
    "shared",
    "sign",
    "signing",
    "ssh",
    "storage",
    "subscription",
    "user",
];

/// Those of them that are written in one with `token`.
const PLACES: [&str; 7] = ["continuation", "csrf", "csrfmiddleware", "delta", "page", "skip", "xsrf"];

/// Words that may follow in one case.
static KNOWN: Words<9> =
    Words::new(["access", "api", "auth", "key", "private", "secret", "string", "token", "value"]);

/// Words after the name of a service, as the last of a longer name, that no secret follows.
static NO_SECRET: Words<40> = Words::new([
    "account",
    "address",
    "app",
    "bucket",
    "build",
    "channel",
    "client",
    "cluster",
    "database",
    "date",
    "db",
    "domain",
    "email",
    "endpoint",
    "env",
    "environment",
    "host",
    "id",
    "ids",
    "image",
    "model",
    "name",
    "org",
    "path",
    "port",
    "price",
    "project",
    "region",
    "release",
    "revision",
    "sid",
    "site",
    "style",
    "sub",
    "tag",
    "team",
    "uri",
    "url",
    "user",
    "version",
]);

/// Whether the name goes on after a service's and ends with a word that no secret follows: `GRAFANA_VERSION`, `authClientId`.
pub(super) fn says_no_secret(view: View<'_>, end: usize) -> bool {
    let mut at = end;
    let mut last: &[u8] = b"";
    for _ in 0..5 {
        let from = at + usize::from(matches!(view.at(at), b'_' | b'-' | b'.'));
        let word = next_word(view, from);
        if word.is_empty() {
            break;
        }
        (last, at) = (word, from + word.len());
        if ["file", "public", "publishable", "site", "sitekey"]
            .iter()
            .any(|word| last.eq_ignore_ascii_case(word.as_bytes()))
        {
            return true;
        }
    }
    let ended = !view.at(at).is_ascii_alphanumeric();
    ended && NO_SECRET.has(last)
}

/// Whether a word begins here: not in the middle of another, unless its case says so.
pub(super) fn begins(view: View<'_>, at: usize) -> bool {
    let (before, first) = (view.before(at), view.at(at));
    !before.is_ascii_alphanumeric()
        || before.is_ascii_digit()
        || before.is_ascii_lowercase() && first.is_ascii_uppercase()
        || escaped(view, at)
}

/// Whether the letter before is one of an escape such as `\n`.
fn escaped(view: View<'_>, at: usize) -> bool {
    at >= 2 && matches!(view.before(at), b'n' | b't' | b'r') && view.before(at - 1) == b'\\'
}

/// Reads the name in which a word stands, at `at..end`. `None` when the name says that no secret follows.
pub(super) fn read(view: View<'_>, at: usize, end: usize, kind: Kind) -> Option<Name> {
    let start = start(view, at);
    let before = view.slice(start, at);
    let own = view.slice(at, end);
    // The name of a type, or a part of the name of a resource: `AWS::SecretsManager::Secret`, `…:secret:name`.
    let marks = (view.before(start), view.before(start.saturating_sub(1)), view.at(end));
    if marks.0 == b':' && (marks.1 == b':' || marks.2 == b':' && start == at) {
        return None;
    }
    let mut qualified = kind != Kind::Key;
    if !begins(view, at) {
        let glued = |word: &str| {
            let last = before.len().checked_sub(word.len()).and_then(|from| before.get(from..));
            last.is_some_and(|last| last.eq_ignore_ascii_case(word.as_bytes()))
        };
        let free = kind == Kind::Token || kind == Kind::Password && own.len() > 4;
        let places = kind == Kind::Token && PLACES.iter().any(|word| glued(word));
        if places || !free && !GLUED.iter().any(|word| glued(word)) {
            return None;
        }
        qualified = true;
    }
    // `PWD` alone is the working folder, and with a word behind it something about folders.
    if own.eq_ignore_ascii_case(b"pwd") {
        let next = view.at(end);
        let goes_on = matches!(next, b'_' | b'.' | b',' | b')' | b'(' | b'-');
        let old = before.eq_ignore_ascii_case(b"old");
        if goes_on || old || before.is_empty() && own == b"PWD" {
            return None;
        }
    }
    let previous = last_word(before);
    if !previous.is_empty() {
        if kind == Kind::Key
            && (NOT_BEFORE.has(previous)
                || previous.eq_ignore_ascii_case(b"server") && is_of_application_server(before))
        {
            return None;
        }
        if kind == Kind::Token && NO_TOKEN.has(previous) && own.eq_ignore_ascii_case(b"token") {
            return None;
        }
        if kind != Kind::Password
            && (previous.eq_ignore_ascii_case(b"public") || previous.eq_ignore_ascii_case(b"pub"))
        {
            return None;
        }
        qualified = true;
    }
    // Words after, as long as the name goes on.
    let mut at_end = end;
    let mut said_twice = false;
    for _ in 0..4 {
        let from = at_end;
        let glue = matches!(view.at(from), b'_' | b'-' | b'.') && view.at(from + 1).is_ascii_alphabetic();
        let word_start = from + usize::from(glue);
        let word = next_word(view, word_start);
        if word.is_empty() {
            let digits = view.slice(from, from + 3).iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits > 0 && digits < 3 && !is_word(view.at(from + digits)) {
                at_end = from + digits;
            }
            break;
        }
        let is = |other: &str| word.eq_ignore_ascii_case(other.as_bytes());
        if NOT_AFTER.has(word) {
            return None;
        }
        let plural = is("s") || is("es");
        let known = KNOWN.has(word);
        said_twice |= known;
        let camel =
            word.first().is_some_and(u8::is_ascii_uppercase) && view.before(from).is_ascii_lowercase();
        if !(glue || plural || known || camel) {
            // One letter too many is a slip of the pen; more is another word.
            if word.len() > 1 {
                return None;
            }
        }
        // A value glued with a hyphen is no part of the name.
        let digit = view.at(word_start + word.len()).is_ascii_digit();
        if glue && !known && (word.len() > 14 || digit) {
            break;
        }
        at_end = word_start + word.len();
    }
    let whole = view.slice(start, at_end);
    // A method of what is called so, and no value: `password.encode(…)`.
    if view.at(at_end) == b'(' && view.slice(end, at_end).contains(&b'.') {
        return None;
    }
    if kind != Kind::Password && is_public(before) {
        return None;
    }
    Some(Name {
        end: at_end,
        qualified,
        start,
        loud: said_twice || own.iter().all(|byte| byte.is_ascii_uppercase()),
        is_option: whole.starts_with(b"--") || whole.starts_with(b"-") && view.before(start) == b' ',
    })
}

/// Whether the name of a key says that it was given out or is kept: what no fingerprint is.
pub(super) fn is_given(name: &[u8]) -> bool {
    const WORDS: [&[u8]; 7] = [b"access", b"account", b"api", b"auth", b"license", b"private", b"secret"];
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| super::value::contains(&name, word))
}

/// Whether the part of a name before a word says that all may know what follows.
fn is_public(before: &[u8]) -> bool {
    if before.len() < "public".len() {
        return false;
    }
    let has = |word: &[u8]| super::value::contains_folded(before, word);
    (has(b"public") || has(b"publishable") || has(b"websocket")) && !has(b"next_public") && !has(b"_public_")
}

/// Whether it is the key of a server of push messages by its name in browsers, which is the public one.
fn is_of_application_server(before: &[u8]) -> bool {
    let end = before.len().saturating_sub(usize::from(before.ends_with(b"_")));
    let words = before.get(..end).unwrap_or_default().to_ascii_lowercase();
    words.ends_with(b"applicationserver") || words.ends_with(b"application_server")
}

/// Where the name begins that `at` is in.
fn start(view: View<'_>, at: usize) -> usize {
    let before = view.slice(at.saturating_sub(LONGEST), at);
    let length = before.iter().rev().take_while(|byte| is_word(**byte) || b"-.".contains(byte)).count();
    let start = at - length;
    if escaped(view, start + 1) && view.at(start) != b'-' { start + 1 } else { start }
}

/// The last word of the part of a name before another.
fn last_word(name: &[u8]) -> &[u8] {
    let end = name.iter().rposition(|byte| byte.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
    let name = name.get(..end).unwrap_or_default();
    let mut start = name.len();
    while let Some(byte) = start.checked_sub(1).and_then(|at| name.get(at)) {
        if !byte.is_ascii_alphanumeric() {
            break;
        }
        start -= 1;
        let before = start.checked_sub(1).and_then(|at| name.get(at));
        if byte.is_ascii_uppercase() && before.is_some_and(u8::is_ascii_lowercase) {
            break;
        }
    }
    name.get(start..).unwrap_or_default()
}

/// The word that begins here, by its case.
fn next_word(view: View<'_>, at: usize) -> &[u8] {
    let text = view.slice(at, at + 24);
    let upper = text.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let lower = text.iter().skip(upper).take_while(|byte| byte.is_ascii_lowercase()).count();
    let length = if upper > 1 && lower > 0 { upper - 1 } else { upper + lower };
    text.get(..length).unwrap_or_default()
}
