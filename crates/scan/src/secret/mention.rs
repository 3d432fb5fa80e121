//! Mentions: a word that says what follows, and a value that looks drawn.
//!
//! `api_key = "…"`, `SERVICE_TOKEN=…`, `Authorization: Bearer …`, `service SECRET …`. The word decides how drawn a value has
//! to look; a name that ends otherwise (`max_tokens`, `key_id`, `password_hint`) says that none follows.

use super::value::{self, Drawn};
use super::{Confidence, Found, View, is_word};

mod command;
mod header;
mod list;
mod name;
mod reach;
mod words;

pub(super) use words::{Kind, Word, words};

const PASSWORD: &str = "assigned-password";
const TOKEN: &str = "assigned-token";
const SERVICE: &str = "service-token";

/// The rules that are no shapes.
pub(super) const RULES: [&str; 5] = [PASSWORD, TOKEN, SERVICE, header::RULE, command::RULE];

/// What stands between a word and its value.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    /// `=`, `:`, `=>`, a comma between arguments, the end of a tag.
    assigned: bool,
    /// A quotation mark opens right before the value.
    quoted: bool,
    /// Another word such as `key` or `secret` came by.
    keyword: bool,
    /// Words that say nothing came by.
    strange: usize,
    /// A comma stands between: an argument, or just the next of a list.
    listed: bool,
}

/// A value, where it stands.
#[derive(Clone, Copy)]
struct Value<'a> {
    start: usize,
    end: usize,
    text: &'a [u8],
}

/// The secret that a word at this place speaks of.
pub(super) fn find(view: View<'_>, at: usize, word: Word) -> Option<Found> {
    let end = at + word.length();
    match word.kind {
        Kind::Command(which) => command::find(view, at, end, which),
        Kind::Header => header::find(view, at, end),
        Kind::Service { everyday } => service(view, at, end, everyday),
        Kind::Key | Kind::Password | Kind::Token => secret(view, at, end, word.kind),
    }
}

/// The name of a service, then perhaps a word, then a value.
fn service(view: View<'_>, at: usize, end: usize, everyday: bool) -> Option<Found> {
    if !name::begins(view, at) || is_address(view, at, end) || name::says_no_secret(view, end) {
        return None;
    }
    let mut way = Way::default();
    let value = reach::value(view, end, &mut way, 2)?;
    let drawn = value::drawn(value.text);
    if drawn == Drawn::No
        || no_secret(view, &value, way)
        || value::is_version(value.text)
        || value::contains(value.text, b"://")
    {
        return None;
    }
    let confidence = if way.keyword && drawn >= Drawn::Perhaps && value.text.len() >= 8 {
        if drawn >= Drawn::Likely { Confidence::Medium } else { Confidence::Low }
    } else if everyday {
        (way.assigned && way.strange == 0 && drawn >= Drawn::Surely && !hash_like(view, at))
            .then_some(Confidence::Low)?
    } else if way.assigned && way.strange == 0 && drawn >= Drawn::Likely {
        Confidence::Medium
    } else {
        (way.strange <= 1 && drawn >= Drawn::Likely && !hash_like(view, at)).then_some(Confidence::Low)?
    };
    if names_no_secret(view, at, end, &value) {
        return None;
    }
    (confidence > Confidence::Low || !is_binary(view, at, &value)).then_some(Found {
        start: value.start,
        end: value.end,
        rule: SERVICE,
        confidence,
    })
}

/// Whether what stands between the name of a service and a value is what pages show, or a place in a list.
fn names_no_secret(view: View<'_>, at: usize, end: usize, value: &Value<'_>) -> bool {
    let between = view.slice(end, value.start).to_ascii_lowercase();
    let has = |part: &[u8]| value::contains(&between, part);
    let cursor = view.slice(at, end).eq_ignore_ascii_case(b"cursor") && between.len() < 12 && has(b"token");
    cursor || has(b"sitekey") || has(b"site_key") || has(b"site-key")
}

/// Whether bytes of no text stand near: names of symbols and tables of strings are full of words.
fn is_binary(view: View<'_>, at: usize, value: &Value<'_>) -> bool {
    view.slice(at.saturating_sub(64), value.end + 64).contains(&0)
}

/// Whether the name of a service is part of an address, of a path, or of what code calls a type.
fn is_address(view: View<'_>, at: usize, end: usize) -> bool {
    let after = view.slice(end, end + 24);
    let host = after.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b".-".contains(byte)).count();
    let is_host = after.first() == Some(&b'.') && matches!(after.get(host), Some(b'/' | b':'));
    let before = view.slice(at.saturating_sub(2), at);
    let resource = before.ends_with(b":") && value::contains(view.slice(at.saturating_sub(12), at), b"arn:");
    let starts = |text: &[u8]| after.starts_with(text);
    is_host || resource || before == b"::" || starts(b"/") || starts(b"::") || starts(b"://")
}

/// A word such as `token` within a name, then a value.
fn secret(view: View<'_>, at: usize, end: usize, kind: Kind) -> Option<Found> {
    let name = name::read(view, at, end, kind)?;
    // The value of an option stands after a space.
    let mut way = Way { keyword: true, assigned: name.is_option, ..Way::default() };
    let from = reach::field(view, name.end).unwrap_or(name.end);
    let value = reach::value(view, from, &mut way, 0)?;
    // A part of its own name, as lists of what needs what have it.
    if value.text.len() >= 4 && view.slice(name.start, name.end).starts_with(value.text) {
        return None;
    }
    if kind != Kind::Password && way.quoted && value::is_sentence(value.text) {
        return None;
    }
    let drawn = value::drawn(value.text);
    if drawn == Drawn::No && kind != Kind::Password || no_secret(view, &value, way) {
        return None;
    }
    if kind == Kind::Key
        && value::is_fingerprint(value.text)
        && !name::is_given(view.slice(name.start, name.end))
    {
        return None;
    }
    let found = |rule, confidence| {
        (confidence > Confidence::Low || !is_binary(view, at, &value)).then_some(Found {
            start: value.start,
            end: value.end,
            rule,
            confidence,
        })
    };
    if kind == Kind::Password {
        let own = view.slice(at, end);
        if way.assigned && way.quoted && name.loud && own.len() > 4 && value::is_phrase(value.text) {
            return found(PASSWORD, Confidence::Low);
        }
        return found(PASSWORD, password(view, at, &value, way, name.is_option, drawn)?);
    }
    let assigned = way.assigned;
    let confidence = match drawn {
        Drawn::Surely if assigned => Confidence::Medium,
        Drawn::Surely => Confidence::Low,
        Drawn::Likely if assigned && (name.qualified || kind == Kind::Token) => Confidence::Medium,
        Drawn::Likely if name.qualified && way.strange == 0 && name.loud => Confidence::Low,
        Drawn::Perhaps if assigned && name.qualified && value.text.len() >= 8 && closes(view, &value) => {
            Confidence::Low
        }
        Drawn::Likely | Drawn::No | Drawn::Perhaps => return None,
    };
    // A bare `key` is mostly one of a map.
    if kind == Kind::Key && !name.qualified {
        let none = value::is_uuid(value.text) || drawn < Drawn::Surely;
        return if none { None } else { found(TOKEN, Confidence::Low) };
    }
    found(TOKEN, confidence)
}

/// Passwords are chosen by people: what stands there counts, unless it is code or a word of an interface.
fn password(
    view: View<'_>,
    at: usize,
    value: &Value<'_>,
    way: Way,
    option: bool,
    drawn: Drawn,
) -> Option<Confidence> {
    let text = value.text;
    let counts = value::Counts::of(text);
    if text.contains(&b' ') || !(4..=200).contains(&text.len()) {
        return None;
    }
    if drawn >= Drawn::Likely && (way.assigned || option) {
        return Some(Confidence::Medium);
    }
    let special = counts.other > 0 && text.iter().any(|byte| b"!$%^&*@#?+~`".contains(byte));
    if way.listed && drawn == Drawn::No {
        return None;
    }
    // Between the fields of a form as well as between quotation marks, what stands there is the value.
    if way.assigned && (way.quoted || view.at(value.end) == b'&') {
        let chosen = counts.digits > 0
            || special
            || counts.changes > 1
            || text.contains(&b'_') && counts.letters() > 0;
        let plain = counts.lower == counts.length && counts.length >= 6;
        return if chosen { Some(Confidence::Medium) } else { plain.then_some(Confidence::Low) };
    }
    if option {
        return (counts.digits > 0 || special || counts.length >= 6).then_some(Confidence::Low);
    }
    if way.assigned && ends_line(view, value) && begins_line(view, at) {
        const CODE: [&[u8]; 14] = [
            b"pass", b"secret", b"token", b"user", b"config", b"env", b"get", b"input", b"self", b"args",
            b"param", b"opt", b"value", b"str",
        ];
        let lower = text.to_ascii_lowercase();
        let code = text.contains(&b'.') && counts.digits == 0
            || CODE.iter().any(|word| value::contains(&lower, word));
        return (!code && counts.letters() + counts.digits > 2).then_some(Confidence::Low);
    }
    let spoken = !way.assigned && !option && is_spoken(view, value, &counts, drawn);
    (spoken || way.assigned && drawn >= Drawn::Perhaps && counts.digits > 0 && closes(view, value))
        .then_some(Confidence::Low)
}

/// Whether a value right after its word, with `is` or nothing between, can be no word of a sentence.
fn is_spoken(view: View<'_>, value: &Value<'_>, counts: &value::Counts, drawn: Drawn) -> bool {
    let ends = closes(view, value) || b".,!?".contains(&view.at(value.end));
    let mixed = counts.upper > 0 && counts.lower > 0 && counts.changes > 2;
    let marked = value.text.iter().any(|byte| b"!$%^&*#?+~".contains(byte)) && counts.letters() > 1;
    let plain = value.text.iter().all(|byte| !b"/.:=_()[]{}<>\\|@,-".contains(byte));
    drawn >= Drawn::Perhaps
        && counts.digits > 0
        && counts.length <= 64
        && plain
        && (mixed || marked && counts.changes > 1)
        && ends
        && !value::is_version(value.text)
}

/// Whether what stands after a value could not be part of code that goes on with it.
fn closes(view: View<'_>, value: &Value<'_>) -> bool {
    let after = view.at(value.end);
    after == 0 || after.is_ascii_whitespace() || b"\"'`,;}]<&|)\\".contains(&after)
}

/// What says of a value itself that it is none.
fn no_secret(view: View<'_>, value: &Value<'_>, way: Way) -> bool {
    const HEADS: [&[u8]; 21] = [
        b"MD5:",
        b"SHA256:",
        b"sha1-",
        b"sha1:",
        b"sha256-",
        b"sha256:",
        b"sha384-",
        b"sha512-",
        b"sha512:",
        b"md5:",
        b"h1:",
        b"AAAAB3NzaC1",
        b"AAAAC3NzaC1",
        b"AAAAE2VjZHNh",
        b"data:",
        b"MIIBIjAN",
        b"image/",
        b"phc_",
        b"pk_live_",
        b"pk_test_",
        b"pk.eyJ",
    ];
    let text = value.text;
    HEADS.iter().any(|head| text.starts_with(head))
        || value::is_reference(text) && !(way.quoted && way.assigned && value::begins_with_sigil(text))
        || value::is_placeholder(text)
        || value::is_published(text)
        || value::is_address(text)
        || text.starts_with(b"eyJ") && super::check::is_published_jwt(text)
        || text.starts_with(b"AIza") && is_of_page(view, value)
        || (text.starts_with(b"gh") || text.starts_with(b"npm_")) && value::is_counted(text)
        || !way.quoted && b"([".contains(&view.at(value.end))
        || !way.quoted && is_of_code(view, value)
        || !way.quoted && view.at(value.end) == b'.' && is_word(view.at(value.end + 1))
}

/// Whether a value outside of quotation marks is the name of a type or of a function that is called.
fn is_of_code(view: View<'_>, value: &Value<'_>) -> bool {
    let [first, second] = [view.at(value.end), view.at(value.end + 1)];
    let is_name = value.text.iter().all(|byte| is_word(*byte));
    let begins = value.text.first().is_some_and(u8::is_ascii_uppercase);
    // What a tag begins with after a text is a slash or a small letter.
    let of_others = first == b'<' && (b"'&_".contains(&second) || second.is_ascii_uppercase());
    let called = first == b' ' && second == b'(' && value.text.contains(&b'_');
    is_name && (begins && of_others || called) || value::is_type(value.text)
}

/// Whether the name right before a key of Google says that pages of the web show it: its own rule tells it.
fn is_of_page(view: View<'_>, value: &Value<'_>) -> bool {
    let before = view.slice(value.start.saturating_sub(64), value.start).to_ascii_lowercase();
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    [&b"public_firebase"[..], b"vite_firebase", b"_app_firebase"]
        .iter()
        .any(|part| value::contains(line, part))
}

/// Whether the line speaks of sums and not of secrets.
fn hash_like(view: View<'_>, at: usize) -> bool {
    const WORDS: [&[u8]; 13] = [
        b"sha1",
        b"sha256",
        b"sha512",
        b"sha-",
        b"md5",
        b"checksum",
        b"integrity",
        b"digest",
        b"commit",
        b"hash",
        b"uses:",
        b"http://",
        b"https://",
    ];
    let line = view.line(at, 200).to_ascii_lowercase();
    WORDS.iter().any(|word| value::contains(&line, word))
}

/// Whether nothing but a closing mark stands between a value and the end of its line.
fn ends_line(view: View<'_>, value: &Value<'_>) -> bool {
    let mut at = value.end;
    for _ in 0..4 {
        match view.at(at) {
            0 | b'\n' | b'\r' => return true,
            b'\\' if matches!(view.at(at + 1), b'n' | b'r') => return true,
            b'"' | b'\'' | b'`' | b'\\' | b' ' | b',' | b';' => at += 1,
            _ => return false,
        }
    }
    false
}

/// Whether only marks stand between the beginning of the line and the name around `at`.
fn begins_line(view: View<'_>, at: usize) -> bool {
    let mut at = at;
    for _ in 0..96 {
        let byte = view.before(at);
        if !(is_word(byte) || b"-.".contains(&byte)) {
            break;
        }
        at -= 1;
    }
    for _ in 0..64 {
        match view.before(at) {
            0 | b'\n' | b'\r' => return true,
            b'n' if view.before(at - 1) == b'\\' => return true,
            b' ' | b'\t' | b'+' | b'-' | b'#' | b'"' | b'\'' | b'/' | b'>' | b':' => at -= 1,
            _ => return false,
        }
    }
    false
}
