//! In whose name a request speaks, as far as its head shows: where credentials stand.

mod member;
mod veil;

use std::borrow::Cow;

use hyper::HeaderMap;
use writ_policy::Meaning;

pub use member::holds_credential;
pub use veil::veiled;

/// Whether a header carries credentials, by its name.
pub(super) fn is_credential_header(name: &str) -> bool {
    Meaning::of_header(name) == Some(Meaning::Credential)
}

/// Whether a member of a body carries a credential, by its name.
fn is_credential_field(name: &str) -> bool {
    Meaning::of_field(name) == Some(Meaning::Credential)
}

/// The innermost name of a nested field: `password` of `user[password]` and of `user[password][0]`.
fn last(name: &str) -> String {
    let is_place = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    name.rsplit(['[', ']', '.']).find(|part| !is_place(part)).unwrap_or_default().to_owned()
}

/// Whether a part of a query carries credentials, by its decoded name.
pub(super) fn is_credential_key(key: &str) -> bool {
    Meaning::of_parameter(key) == Some(Meaning::Credential)
}

/// Whether the head carries a credential, other than those that the two lists name as ours.
pub(super) fn is_foreign(
    headers: &HeaderMap,
    query: Option<&str>,
    own_headers: &[String],
    own_keys: &[String],
) -> bool {
    let in_headers = headers.iter().any(|(name, value)| {
        let is_empty = value.as_bytes().iter().all(u8::is_ascii_whitespace);
        is_credential_header(name.as_str())
            && !is_empty
            && !own_headers.iter().any(|own| own == name.as_str())
    });
    let in_query = pairs(query.unwrap_or_default()).any(|(key, value)| {
        let key = decoded(key);
        !value.is_empty() && is_credential_key(&key) && !own_keys.contains(&key)
    });
    // Two of the same are two accounts, whichever the other side reads.
    let is_twice = headers
        .keys()
        .any(|name| is_credential_header(name.as_str()) && headers.get_all(name).iter().count() > 1);
    in_headers || in_query || is_twice
}

/// Names and values of a query, as sent. Some take `;` for `&`.
pub(super) fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split(['&', ';']).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Percent-decoded (RFC 3986, section 2.1), with `+` as a blank; what is no UTF-8 is replaced.
pub(super) fn decoded(text: &str) -> String {
    let bytes = percent_decoded(text.as_bytes(), true);
    String::from_utf8(bytes).unwrap_or_else(|error| in_letters(error.as_bytes()).into_owned())
}

/// As text that is no longer than the bytes: a sign that JSON may hold, and that names no more
/// than white space does, stands for what is no UTF-8.
pub(super) fn in_letters(bytes: &[u8]) -> Cow<'_, str> {
    const NO_LETTER: char = '\u{7f}';
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend((!chunk.invalid().is_empty()).then_some(NO_LETTER));
    }
    Cow::Owned(text)
}

/// Percent-decoded once.
pub(super) fn percent_decoded(bytes: &[u8], plus_is_blank: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (byte, digit(ahead.next()), digit(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                out.extend(u8::try_from(high * 16 + low));
                rest = ahead;
            }
            (b'+', _, _) if plus_is_blank => out.push(b' '),
            (byte, _, _) => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_signs_are_read_once() {
        for (text, wanted) in [
            ("a%41", "aA"),
            ("%2541", "%41"),
            ("%4", "%4"),
            ("%", "%"),
            ("%zz", "%zz"),
            ("a+b", "a b"),
            ("%%41", "%A"),
        ] {
            assert_eq!(decoded(text), wanted);
        }
    }

    #[test]
    fn what_is_no_text_is_no_longer_as_text() {
        for (bytes, wanted) in [
            (&b"ab\xc3\xbc"[..], "ab\u{fc}"),
            (b"a\xffb\xe2\x82", "a\u{7f}b\u{7f}"),
            (b"\xff\xfe\xfd", "\u{7f}\u{7f}\u{7f}"),
        ] {
            assert_eq!(in_letters(bytes), wanted);
        }
        assert_eq!(decoded("a%ffb"), "a\u{7f}b");
    }

    #[test]
    fn credentials_are_known_by_their_place() {
        for (name, value, query, wanted) in [
            ("accept", "*/*", None, false),
            ("authorization", "Bearer x", None, true),
            ("authorization", " ", None, false),
            ("cookie", "a=b", None, true),
            ("private-token", "x", None, true),
            ("x-amz-security-token", "x", None, true),
            ("accept", "*/*", Some("a=b&access_token=x"), true),
            ("accept", "*/*", Some("a=b&Access%5FToken=x"), true),
            ("accept", "*/*", Some("a=b;key=x"), true),
            ("accept", "*/*", Some("X-Amz-Signature=x"), true),
            ("accept", "*/*", Some("key="), false),
            ("accept", "*/*", Some("keys=x"), false),
            ("accept", "*/*", Some("private_token[]=x"), true),
            ("accept", "*/*", Some("private.token=x"), true),
            ("accept", "*/*", Some("private%20token=x"), true),
            ("accept", "*/*", Some("private[token=x"), true),
            ("accept", "*/*", Some("private-token%00y=x"), true),
            ("accept", "*/*", Some("+private_token=x"), true),
            ("private_token", "x", None, true),
            ("session_id", "x", None, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(is_foreign(&headers, query, &[], &[]), wanted, "{name}: {value} {query:?}");
        }
    }
}
