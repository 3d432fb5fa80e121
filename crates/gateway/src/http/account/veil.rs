//! Texts of a request as people and the record are shown them: without the credentials that can be told by their names or forms.

use std::ops::Range;

use writ_policy::holds_token;

use super::{decoded, is_credential_field, is_credential_key, last};

/// Stands where a credential stood.
const VEIL: &str = "(hidden)";

/// A query, or the text of a body, without values of fields that carry credentials and without tokens of known forms.
///
/// Only what is shown goes through here: what is decided and what a yes is bound to is the text itself.
#[must_use]
pub fn veiled(text: &str) -> String {
    if text.contains("PRIVATE KEY-----") {
        return VEIL.to_owned();
    }
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let without_fields = if start.starts_with(['{', '[']) {
        of_json(text)
    } else if start.starts_with("--") {
        of_parts(text)
    } else {
        of_pairs(text)
    };
    of_words(&without_fields)
}

fn is_one(name: &str) -> bool {
    let name = last(name);
    is_credential_field(&name) || is_credential_key(&name)
}

/// Members of JSON, whole or cut: what stands behind a name and a colon.
fn of_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut at, mut kept) = (0, 0);
    while let Some(name) = quoted(text, at) {
        at = name.end;
        let Some(value) = value_behind(text, name.end) else { continue };
        let written = text.get(name.clone()).unwrap_or_default();
        let read = serde_json::from_str::<String>(written).unwrap_or_else(|_| written.replace('"', ""));
        if is_one(&read) {
            out.push_str(text.get(kept..value.start).unwrap_or_default());
            out.push('"');
            out.push_str(VEIL);
            out.push('"');
            (at, kept) = (value.end, value.end);
        }
    }
    out.push_str(text.get(kept..).unwrap_or_default());
    out
}

/// The next text in quotes, with them; up to the end where nothing closes it.
fn quoted(text: &str, from: usize) -> Option<Range<usize>> {
    let start = from + text.get(from..)?.find('"')?;
    let mut is_escaped = false;
    let end = text.get(start + 1..)?.char_indices().find(|(_, c)| {
        let closes = *c == '"' && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        closes
    });
    Some(start..end.map_or(text.len(), |(at, _)| start + 2 + at))
}

/// The text, number or word behind a colon.
fn value_behind(text: &str, from: usize) -> Option<Range<usize>> {
    let rest = text.get(from..)?;
    let behind = rest.trim_start().strip_prefix(':')?.trim_start();
    let start = text.len() - behind.len();
    match behind.chars().next()? {
        '"' => quoted(text, start),
        '{' | '[' => None,
        _ => Some(start..start + behind.find([',', '}', ']', '\n']).unwrap_or(behind.len())),
    }
}

/// A form in parts (RFC 7578): the value of each part stands behind its head.
fn of_parts(text: &str) -> String {
    let part = |part: &str| match part.split_once("\r\n\r\n") {
        Some((head, _)) if names(head).any(|name| is_one(&name)) => format!("{head}\r\n\r\n{VEIL}"),
        Some(_) | None => part.to_owned(),
    };
    text.split("\r\n--").map(part).collect::<Vec<_>>().join("\r\n--")
}

fn names(head: &str) -> impl Iterator<Item = String> {
    head.split("name=").skip(1).map(|rest| {
        let rest = rest.trim_start_matches('"');
        rest.split(['"', ';', '\r', '\n']).next().unwrap_or_default().to_owned()
    })
}

fn of_pairs(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for pair in text.split_inclusive(['&', ';', '\n']) {
        match pair.split_once('=') {
            Some((name, value)) if is_one(decoded(name).trim()) && !value.is_empty() => {
                out.push_str(name);
                out.push('=');
                out.push_str(VEIL);
                out.extend(value.chars().next_back().filter(|c| matches!(c, '&' | ';' | '\n')));
            }
            Some(_) | None => out.push_str(pair),
        }
    }
    out
}

fn of_words(text: &str) -> String {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        out.push_str(if holds_token(word) { VEIL } else { word });
        let mut chars = behind.chars();
        out.extend(chars.next());
        rest = chars.as_str();
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn attack_a_credential_is_not_shown() {
        let token = format!("ghp_{}", "1a2B3c4D5e".repeat(4).get(..36).unwrap());
        for (text, shown) in [
            ("a=b&access_token=abc&c=d", "a=b&access_token=(hidden)&c=d"),
            ("user%5Bpassword%5D=x&y=1", "user%5Bpassword%5D=(hidden)&y=1"),
            ("%70assword=x", "%70assword=(hidden)"),
            ("client_secret=x;a=b", "client_secret=(hidden);a=b"),
            (r#"{"password":"a\"b","c":1}"#, r#"{"password":"(hidden)","c":1}"#),
            (r#"{"\u0074oken" : "abc"}"#, r#"{"\u0074oken" : "(hidden)"}"#),
            (r#"{"a":{"api_key":17},"b":2}"#, r#"{"a":{"api_key":"(hidden)"},"b":2}"#),
            (r#"{"a":1,"secretKey":"cut"#, r#"{"a":1,"secretKey":"(hidden)""#),
            (r#"{"title":"token","body":"x"}"#, r#"{"title":"token","body":"x"}"#),
            (
                "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nabc\r\n--b--",
                "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n(hidden)\r\n--b--",
            ),
            ("-----BEGIN PRIVATE KEY-----\nabc", "(hidden)"),
            ("plain words, nothing else", "plain words, nothing else"),
        ] {
            assert_eq!(veiled(text), shown);
        }
        assert_eq!(veiled(&format!("note={token}&b=c")), "note=(hidden)&b=c");
        assert_eq!(veiled(&format!("{{\"note\":\"see {token}.\"}}")), "{\"note\":\"see (hidden)\"}");
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC{0,200}", more in "[\"{}:,\\\\a=&;%-]{0,60}") {
            let _ = (veiled(&text), veiled(&format!("{{{more}")), veiled(&format!("--{more}")), veiled(&more));
        }
    }
}
