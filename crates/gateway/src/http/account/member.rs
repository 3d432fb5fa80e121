//! Credentials in bodies: members of JSON, fields of forms, parts of forms in parts.
//!
//! A server reads a body in one way, and which one is not known here. So a body is read in each way that its media type leaves
//! open, to its end, and as forgiving readers have it.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::Deserializer;

use super::{decoded, in_letters, is_credential_field, last, pairs, percent_decoded};

/// Digits from which on a number could be a credential: shorter ones count things.
const MIN_DIGITS: usize = 6;
/// Longest name of a part that is read, in bytes: a longer one may be any.
const MAX_NAME_BYTES: usize = 1 << 10;
/// How often the bytes of a form may be looked at as parts of names.
const NAMES_TIMES: usize = 4;
/// Stands before a piece of a name.
const PIECE: char = '\0';

/// Whether a body carries a credential in a member of JSON, or in a field of a form, other than those that `is_ours` knows.
/// `kind`: its media types in small letters, joined; nothing where there is none.
#[must_use]
pub fn holds_credential(kind: &str, body: &[u8], is_ours: &dyn Fn(&str) -> bool) -> bool {
    let is_foreign = |value: &str| !value.trim().is_empty() && !is_ours(value);
    let body = one_byte_a_letter(body);
    let text = in_letters(&body);
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let starts_as_json = start.starts_with(['{', '[']);
    if (starts_as_json || kind.contains("json")) && in_json(start, &is_foreign) {
        return true;
    }
    let is_in_parts = kind.contains("multipart");
    if (is_in_parts || start.starts_with("--")) && in_parts(start, &is_foreign) {
        return true;
    }
    // What is JSON from end to end is read as a form by those who are told so, or told nothing.
    let may_be_form = kind.is_empty() || kind.contains("form-urlencoded");
    let is_json = || starts_as_json && is_whole(start);
    (may_be_form || !(is_in_parts || is_json())) && in_fields(start.trim_end(), &is_foreign)
}

/// UTF-16 and UTF-32, which readers of JSON tell by the zeros among the first four bytes, without what no name has (RFC 4627,
/// section 3); anything else as it is.
fn one_byte_a_letter(body: &[u8]) -> Cow<'_, [u8]> {
    let body = body.strip_prefix(b"\xff\xfe").or_else(|| body.strip_prefix(b"\xfe\xff")).unwrap_or(body);
    if body.iter().take(4).any(|byte| *byte == 0) {
        Cow::Owned(body.iter().copied().filter(|byte| *byte != 0).collect())
    } else {
        Cow::Borrowed(body)
    }
}

/// Whether a text is JSON and nothing else: one document, or several behind each other.
fn is_whole(text: &str) -> bool {
    Deserializer::from_str(text).into_iter::<IgnoredAny>().all(|document| document.is_ok())
}

/// JSON, cut off, or what only some would read as such: names and values in the order in which they stand. Values in a list
/// are those of its name.
fn in_json(text: &str, is_foreign: &dyn Fn(&str) -> bool) -> bool {
    let mut rest = text;
    let mut is_named = false;
    while let Some((between, quoted)) = rest.split_once('"') {
        if is_named && is_number(between) {
            return true;
        }
        is_named &= !between.contains('}');
        let (inside, behind) = quoted_text(quoted);
        rest = behind;
        if rest.trim_start().starts_with(':') {
            is_named = is_credential_field(&unescaped(inside));
        } else if is_named && is_foreign(&unescaped(inside)) {
            return true;
        }
    }
    is_named && is_number(rest)
}

/// Up to the quotation mark that ends it, and what stands behind; all, where none does.
fn quoted_text(text: &str) -> (&str, &str) {
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    end.and_then(|end| Some((text.get(..end)?, text.get(end + 1..)?))).unwrap_or((text, ""))
}

/// Without escapes (RFC 8259, section 7). What stands for no letter by itself is replaced.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut letters = escaped.chars();
        let Some(first) = letters.next() else { return Cow::Owned(out) };
        rest = letters.as_str();
        if first == 'u'
            && let Some((digits, behind)) = rest.split_at_checked(4)
            && let Ok(code) = u32::from_str_radix(digits, 16)
        {
            out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            rest = behind;
        } else {
            out.push(match first {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            });
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Whether a number that could be a credential stands behind a name.
fn is_number(text: &str) -> bool {
    let value = text.trim_start_matches(|c: char| c == ':' || c == '[' || c.is_whitespace());
    value.bytes().take_while(u8::is_ascii_digit).count() >= MIN_DIGITS
}

/// Fields of a form (URL Standard, "application/x-www-form-urlencoded parsing").
fn in_fields(text: &str, is_foreign: &dyn Fn(&str) -> bool) -> bool {
    pairs(text)
        .filter(|(_, value)| !value.is_empty())
        .any(|(name, value)| is_credential_field(&last(&decoded(name))) && is_foreign(&decoded(value)))
}

/// A form in parts (RFC 7578): each name, wherever it stands, and what stands behind the head that it stands in.
fn in_parts(text: &str, is_foreign: &dyn Fn(&str) -> bool) -> bool {
    let mut rest = text;
    // Names within names are looked at as often as they stand there. Beyond a bound nobody says what they are.
    let mut left = NAMES_TIMES * text.len() + MAX_NAME_BYTES;
    let mut may_be = |bytes: usize, name: &str| match left.checked_sub(bytes) {
        Some(rest) => {
            left = rest;
            may_be_credential(name)
        }
        None => true,
    };
    while let Some((head, value)) = split_head(rest) {
        // Looked for once a name asks for it: what has no end is all that follows.
        let inside = || value.find("\n--").and_then(|until| value.get(..until)).unwrap_or(value);
        if names(head).any(|(bytes, name)| may_be(bytes, &name)) && is_foreign(inside()) {
            return true;
        }
        rest = value;
    }
    false
}

/// Of encoded words (RFC 2047) and of pieces (RFC 2231, section 3) nobody says here what they make: it may be one.
fn may_be_credential(name: &str) -> bool {
    name.starts_with(PIECE) || name.contains("=?") || is_credential_field(&last(name))
}

/// What stands in front of the first empty line, and behind it, whatever ends its lines.
fn split_head(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    while let Some(end) = text.get(from..)?.find('\n').map(|at| from + at) {
        let behind = text.get(end + 1..)?;
        let behind = behind.strip_prefix('\r').unwrap_or(behind);
        if let Some(value) = behind.strip_prefix('\n') {
            return Some((text.get(..end)?, value));
        }
        from = end + 1;
    }
    None
}

/// Values of each parameter `name`, in any letters, with blanks around its sign, quoted or not, as it is and encoded (RFC 2231),
/// with how many bytes were looked at.
fn names(head: &str) -> impl Iterator<Item = (usize, String)> {
    let is_name = |key: &str| {
        let key = key.trim_end();
        let key = key.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '*')).next().unwrap_or_default();
        let base = key.split('*').next().unwrap_or_default();
        base.eq_ignore_ascii_case("name")
    };
    let signs = head.match_indices('=').filter(move |(at, _)| head.get(..*at).is_some_and(is_name));
    signs.map(|(at, sign)| {
        let value = head.get(at + sign.len()..).unwrap_or_default().trim_start();
        let value = value.trim_start_matches(['"', '\'']);
        let bounded = value.get(..value.floor_char_boundary(MAX_NAME_BYTES)).unwrap_or_default();
        let is_long = bounded.len() < value.len() && !bounded.contains(['"', ';', '\r', '\n']);
        let value = bounded.split(['"', ';', '\r', '\n']).next().unwrap_or_default();
        let bytes = value.len();
        // Behind a charset and a language.
        let value = value.trim_end().trim_end_matches('\'').rsplit('\'').next().unwrap_or_default();
        let value = value.replace('\\', "");
        let name = String::from_utf8_lossy(&percent_decoded(value.as_bytes(), false)).into_owned();
        let key = head.get(..at).unwrap_or_default().trim_end().trim_end_matches('*');
        let is_piece = is_long || key.ends_with(|c: char| c.is_ascii_digit());
        (bytes, if is_piece { format!("{PIECE}{name}") } else { name })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ours(value: &str) -> bool {
        value == "writ_placeholder_forge_0a1b2c3d"
    }

    #[test]
    fn a_credential_in_a_body_is_known_by_its_name() {
        for (body, wanted) in [
            (r#"{"a":1}"#, false),
            (r#"{"token":"abc"}"#, true),
            (r#"{"token":""}"#, false),
            (r#"{"token":"writ_placeholder_forge_0a1b2c3d"}"#, false),
            (r#"{"token":"x writ_placeholder_forge_0a1b2c3d"}"#, true),
            (r#"{"page_token":"abc","next_token":"d"}"#, false),
            (r#"{"tokens":"abc"}"#, false),
            (r#"{"token":null,"a":["abc"]}"#, false),
            (r#"[{"token":null},"abc"]"#, false),
            (r#"{"token":{"type":"string"}}"#, false),
            (r#"{"token":12,"a":"1234567"}"#, false),
            (r#"{"a":[{"b":{"API-Key":"abc"}}]}"#, true),
            (r#"{"\u0074oken":"abc"}"#, true),
            ("\u{feff} [{\"Client_Secret\":\"abc\"}]", true),
            ("{\"a\":1}\n{\"password\":\"abc\"}\n", true),
            (r#"{"password":"abc","rest":"cut"#, true),
            (r#"{"a":"password","b":"cut"#, false),
            (r#"{"body":"let a=1;password=abc;"}"#, false),
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
            assert_eq!(holds_credential("application/json", body.as_bytes(), &ours), wanted, "{body}");
        }
    }

    /// Each is read as a credential by some server that is told the media type.
    #[test]
    fn attack_a_credential_in_a_body_that_reads_in_another_way_is_found() {
        let (form, parts, json) =
            ("application/x-www-form-urlencoded", "multipart/form-data", "application/json");
        let many = format!("{}access_token=abc", "&".repeat(5000));
        let deep = format!("{}{{\"token\":\"abc\"}}{}", "[".repeat(400), "]".repeat(400));
        let wide: String = std::iter::repeat_n("{\"a\":1}\n", 5000).chain(["{\"token\":\"abc\"}"]).collect();
        let wide_letters: Vec<u8> = r#"{"token":"abc"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let part = |head: &str| format!("--x\r\nContent-Disposition: form-data; {head}\r\n\r\nabc\r\n--x--");
        let bodies: Vec<(&str, Vec<u8>)> = vec![
            (form, b"[=&access_token=abc".to_vec()),
            (form, b"{=&access_token=abc".to_vec()),
            (form, b"--=&access_token=abc".to_vec()),
            (form, br#"{"a":"&access_token=abc&"}"#.to_vec()),
            ("", br#"{"a":"&access_token=abc&"}"#.to_vec()),
            (form, many.into_bytes()),
            (json, deep.into_bytes()),
            (json, wide.into_bytes()),
            (json, br#"{"\u0061pi_key":"abc","cut":"#.to_vec()),
            (json, br#"{"a":"\"","api_key":"abc","cut":"#.to_vec()),
            (json, br#"{"api_key":["abc"]}"#.to_vec()),
            (json, br#"{"a":{"password":12345678}}"#.to_vec()),
            (json, br#"{"password": 12345678"#.to_vec()),
            (json, br#"{"password":"cut off"#.to_vec()),
            (json, b"/* a */ {\"password\":\"abc\"}".to_vec()),
            (json, wide_letters),
            (parts, format!("before\r\n{}", part("name=\"token\"")).into_bytes()),
            (parts, part("NAME=\"token\"").into_bytes()),
            (parts, part("name =\"token\"").into_bytes()),
            (parts, part("name= \"token\"").into_bytes()),
            (form, format!("user[{}][password]=abc", "a".repeat(9_000)).into_bytes()),
            (parts, part("name*0=to; name*1=ken").into_bytes()),
            (parts, part("name*0*=utf-8''to; name*1*=ken").into_bytes()),
            (parts, part("name=\"=?utf-8?q?token?=\"").into_bytes()),
            (parts, part("name='token'").into_bytes()),
            (parts, part("name*=utf-8''t%6fken").into_bytes()),
            (parts, part("name=\"to\\ken\"").into_bytes()),
            (parts, part("name=\"a\"; name=\"token\"").into_bytes()),
            (parts, part("name=\"token\"").replace('\r', "").into_bytes()),
            (
                parts,
                part("name=\"a\"")
                    .into_bytes()
                    .into_iter()
                    .chain(part("name=\"token\"").into_bytes())
                    .collect(),
            ),
        ];
        for (kind, body) in bodies {
            let shown = String::from_utf8_lossy(&body);
            let shown = shown.get(..shown.floor_char_boundary(200)).unwrap_or_default();
            assert!(holds_credential(kind, &body, &ours), "{kind}: {shown}");
        }
    }

    #[test]
    fn attack_a_body_of_names_and_lines_takes_no_long_time() {
        let parts = "multipart/form-data";
        assert!(!holds_credential(parts, "\r\n".repeat(1 << 20).as_bytes(), &ours));
        assert!(!holds_credential(parts, "name=a;\n\n".repeat(1 << 18).as_bytes(), &ours));
        assert!(holds_credential(parts, format!("{}\n\nabc", "name=".repeat(1 << 18)).as_bytes(), &ours));
        let nested = format!("{};", "name=".repeat(200)).repeat(1 << 10);
        assert!(holds_credential(parts, format!("{nested}\n\nabc").as_bytes(), &ours));
        let usual =
            "Content-Disposition: form-data; name=\"file\"; filename=\"a\"\n\nabc\n--x\n".repeat(1 << 12);
        assert!(!holds_credential(parts, usual.as_bytes(), &ours));
    }

    proptest! {
        #[test]
        fn any_body_is_read_and_none_breaks_it(
            kind in "(application/json|multipart/form-data|application/x-www-form-urlencoded|)",
            body in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            let _ = holds_credential(&kind, &body, &|_| false);
        }

        /// Whatever else a document holds, and however its name is escaped.
        #[test]
        fn a_member_of_a_document_is_found(before in any::<String>(), escaped: bool) {
            let name = if escaped { r"\u0074ok\u0065n" } else { "token" };
            let before = serde_json::to_string(&before).unwrap();
            let body = format!(r#"{{"a":{before},"{name}":"abc","b":{before}}}"#);
            prop_assert!(holds_credential("application/json", body.as_bytes(), &|_| false), "{body}");
        }
    }
}
