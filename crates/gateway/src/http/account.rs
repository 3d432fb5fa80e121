//! In whose name a request speaks, as far as its head shows: where credentials stand.

mod veil;

use hyper::HeaderMap;
use serde_json::Value;
use writ_policy::Meaning;

pub use veil::veiled;

/// Members of one body that are looked at.
const MAX_MEMBERS: usize = 4096;
/// How deep they may lie.
const MAX_DEPTH: usize = 16;

/// Whether a header carries credentials, by its name.
pub(super) fn is_credential_header(name: &str) -> bool {
    Meaning::of_header(name) == Some(Meaning::Credential)
}

/// Whether a member of a body carries a credential, by its name.
fn is_credential_field(name: &str) -> bool {
    Meaning::of_field(name) == Some(Meaning::Credential)
}

/// Whether a body carries a credential in a member of JSON, or in a field of a form, other than those that `is_ours` knows.
///
/// The media type is not asked: servers guess as well. What is neither reads as nothing.
#[must_use]
pub fn holds_credential(body: &[u8], is_ours: &dyn Fn(&str) -> bool) -> bool {
    let is_foreign = |value: &str| !value.trim().is_empty() && !is_ours(value);
    let text = String::from_utf8_lossy(body);
    let start = text.trim_start_matches('\u{feff}').trim_start();
    if start.starts_with(['{', '[']) {
        // Several documents may stand behind each other, one a line; and a start of one is read as far as it goes.
        let mut left = MAX_MEMBERS;
        for document in serde_json::Deserializer::from_str(start).into_iter::<Value>() {
            match document {
                Ok(value) => {
                    if member(&value, MAX_DEPTH, &mut left, &is_foreign) {
                        return true;
                    }
                }
                Err(_) => return cut_short(start, &is_foreign),
            }
        }
        return false;
    }
    if start.starts_with("--") {
        return part(start, &is_foreign);
    }
    start.contains('=')
        && pairs(start.trim_end())
            .take(MAX_MEMBERS)
            .any(|(name, value)| is_credential_field(&last(&decoded(name))) && is_foreign(&decoded(value)))
}

/// The innermost name of a nested field: `password` of `user[password]` and of `user[password][0]`.
fn last(name: &str) -> String {
    let is_place = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    name.rsplit(['[', ']', '.']).find(|part| !is_place(part)).unwrap_or_default().to_owned()
}

fn member(value: &Value, depth: usize, left: &mut usize, is_foreign: &dyn Fn(&str) -> bool) -> bool {
    // What is too much to be read is not waved through.
    let (Some(depth), Some(rest)) = (depth.checked_sub(1), left.checked_sub(1)) else { return true };
    *left = rest;
    match value {
        Value::Object(members) => members.iter().any(|(name, value)| {
            let is_one = is_credential_field(name) && value.as_str().is_some_and(is_foreign);
            is_one || member(value, depth, left, is_foreign)
        }),
        Value::Array(values) => values.iter().any(|value| member(value, depth, left, is_foreign)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// JSON whose end is missing, or that only some would read: names and texts in the order in which they stand.
fn cut_short(text: &str, is_foreign: &dyn Fn(&str) -> bool) -> bool {
    let mut quoted = text.split('"').skip(1).step_by(2).zip(text.split('"').skip(2).step_by(2));
    let mut name: Option<&str> = None;
    quoted.any(|(inside, after)| {
        let found = name.take().is_some_and(|_| is_foreign(inside));
        if after.trim_start().starts_with(':') && is_credential_field(inside) {
            name = Some(inside);
        }
        found
    })
}

/// A form in parts (RFC 7578): the name of each, and whether something stands in it.
fn part(text: &str, is_foreign: &dyn Fn(&str) -> bool) -> bool {
    text.match_indices("name=").take(MAX_MEMBERS).any(|(at, mark)| {
        // Not the end of `filename`.
        if text.get(..at).is_some_and(|before| before.ends_with(|c: char| c.is_ascii_alphanumeric())) {
            return false;
        }
        let rest = text.get(at + mark.len()..).unwrap_or_default();
        let name = rest.trim_start_matches('"').split(['"', ';', '\r', '\n']).next().unwrap_or_default();
        let value =
            rest.split_once("\r\n\r\n").map(|(_, value)| value.split("\r\n--").next().unwrap_or_default());
        is_credential_field(&last(name)) && value.is_some_and(is_foreign)
    })
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
    String::from_utf8_lossy(&percent_decoded(text.as_bytes(), true)).into_owned()
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
    fn a_credential_in_a_body_is_known_by_its_name() {
        let ours = |value: &str| value == "writ_placeholder_forge_0a1b2c3d";
        for (body, wanted) in [
            (r#"{"a":1}"#, false),
            (r#"{"token":"abc"}"#, true),
            (r#"{"token":""}"#, false),
            (r#"{"token":"writ_placeholder_forge_0a1b2c3d"}"#, false),
            (r#"{"token":"x writ_placeholder_forge_0a1b2c3d"}"#, true),
            (r#"{"page_token":"abc","next_token":"d"}"#, false),
            (r#"{"tokens":"abc"}"#, false),
            (r#"{"a":[{"b":{"API-Key":"abc"}}]}"#, true),
            (r#"{"\u0074oken":"abc"}"#, true),
            ("\u{feff} [{\"Client_Secret\":\"abc\"}]", true),
            ("{\"a\":1}\n{\"password\":\"abc\"}\n", true),
            (r#"{"password":"abc","rest":"cut"#, true),
            (r#"{"a":"password","b":"cut"#, false),
            ("a=b&password=abc", true),
            ("a=b&pass%77ord=abc", true),
            ("user[password]=abc", true),
            ("password=", false),
            ("private_token[]=abc", true),
            ("private_token[0]=abc", true),
            ("private.token=abc", true),
            ("private+token=abc", true),
            ("a=password", false),
            ("just words = nothing", false),
            ("--x\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nabc\r\n--x--", true),
            ("--x\r\nContent-Disposition: form-data; name=token\r\n\r\nabc\r\n--x--", true),
            ("--x\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n\r\n--x--", false),
            (
                "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"token\"\r\n\r\nabc\r\n--x--",
                false,
            ),
            ("", false),
        ] {
            assert_eq!(holds_credential(body.as_bytes(), &ours), wanted, "{body}");
        }
        let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
        assert!(holds_credential(deep.as_bytes(), &ours));
    }

    proptest::proptest! {
        #[test]
        fn any_body_is_read_and_none_breaks_it(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
            let _ = holds_credential(&body, &|_| false);
        }
    }

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
