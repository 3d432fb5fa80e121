//! Methods that a body names beside the one of the request line, and bodies of which that cannot be told.

use std::borrow::Cow;

use hyper::header::{CONTENT_TYPE, HeaderMap};
use serde::de::IgnoredAny;
use serde_json::Value;
use writ_policy::{FormParts, MAX_HELD_NAME_BYTES, Meaning, has_member, json_once};

use super::super::account::{decoded, in_letters, pairs};
use super::super::decode::{Coding, MAX_PIECE_BYTES};

/// What of a body is read where a credential is for some methods only.
pub(crate) const MAX_OBEYED_BYTES: usize = 1 << 20;
/// What it may become once it is unpacked.
const MAX_UNPACKED_BYTES: usize = 4 << 20;
/// The media type of a request that is a part of another one.
const MESSAGE: &str = "application/http";
/// Members that hold requests where a server takes several at once, in small letters without joints.
const LISTS: &[&str] = &[
    "batch",
    "batchrequest",
    "batchrequests",
    "calls",
    "commands",
    "compositerequest",
    "operations",
    "ops",
    "requests",
    "subrequests",
];
/// Methods that a request within a request may name.
const METHODS: &[&str] = &["DELETE", "GET", "HEAD", "MERGE", "PATCH", "POST", "PUT"];
/// Charsets in which the names of fields are written as they are in ASCII.
const CHARSETS: &[&str] = &["iso-8859-1", "us-ascii", "utf-8", "utf8"];

/// Whether servers take fields from a body of this media type, so that it could name another method. One without a type
/// is read as a form by Rack.
pub(in super::super) fn may_obey(headers: &HeaderMap) -> bool {
    let mut all = headers.get_all(CONTENT_TYPE).iter();
    match (all.next().map(|value| value.to_str()), all.next()) {
        (None, _) | (Some(Err(_)), _) | (Some(_), Some(_)) => true,
        (Some(Ok(kind)), None) => {
            let kind = kind.to_ascii_lowercase();
            let is_bytes = ["application/", "audio/", "font/", "image/", "video/"];
            let is_read = ["form", "http", "json", "multipart", "xml", "yaml", ","];
            !is_bytes.iter().any(|start| kind.starts_with(start))
                || is_read.iter().any(|word| kind.contains(word))
        }
    }
}

/// Why a body that servers take fields from cannot be told to name no other method; nothing where it names none.
#[must_use]
pub fn closed(headers: &HeaderMap, body: &[u8], is_all: bool) -> Option<&'static str> {
    if !is_all {
        return Some("its body is too long to be looked through for another method");
    }
    if headers.get_all(CONTENT_TYPE).iter().count() > 1 {
        return Some("its body has several media types");
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.to_ascii_lowercase();
    if !is_charset(&kind) {
        return Some("its body is in a charset that is not read here");
    }
    match unpacked(headers, body) {
        None => Some("its body is packed so that it cannot be looked through for another method"),
        Some(plain) if overrides(&plain) => Some("its body names another method"),
        Some(plain) if kind.contains("json") && !is_json(&plain) => {
            Some("its body is no JSON that has one reading")
        }
        Some(plain) if is_batch(&kind, &plain) => Some("its body holds requests of their own"),
        Some(_) => None,
    }
}

/// Whether a media type in small letters names no charset, or one that is read.
fn is_charset(kind: &str) -> bool {
    let mut charsets = kind.split(';').skip(1).filter_map(|part| part.trim().strip_prefix("charset"));
    let is_edge = |c: char| c == '=' || c == '"' || c.is_whitespace();
    charsets.all(|charset| CHARSETS.contains(&charset.trim_matches(is_edge)))
}

/// The body as it was before its content codings; nothing where they are not undone here, or not within bounds.
fn unpacked<'b>(headers: &HeaderMap, body: &'b [u8]) -> Option<Cow<'b, [u8]>> {
    let coding = Coding::of(headers);
    let mut decoder = match coding {
        Coding::Plain => return Some(Cow::Borrowed(body)),
        Coding::Gzip | Coding::Deflate | Coding::Other => coding.decoder()?,
    };
    let mut plain = Vec::new();
    for piece in body.chunks(MAX_PIECE_BYTES) {
        plain.extend_from_slice(&decoder.push(piece).ok()?);
        if plain.len() > MAX_UNPACKED_BYTES {
            return None;
        }
    }
    plain.extend_from_slice(&decoder.finish().ok()?);
    Some(Cow::Owned(plain))
}

/// How many bytes a body may be once it is unpacked, for whoever looks through it.
pub(in super::super) fn most_unpacked(headers: &HeaderMap, body: &[u8]) -> usize {
    if Coding::of(headers) == Coding::Plain { body.len() } else { body.len().max(MAX_UNPACKED_BYTES) }
}

/// A body, or the start of one, as far as its content codings are undone here and within bounds.
pub(in super::super) fn readable<'b>(headers: &HeaderMap, body: &'b [u8]) -> Cow<'b, [u8]> {
    let coding = Coding::of(headers);
    let decoder = (coding != Coding::Plain).then(|| coding.decoder()).flatten();
    let Some(mut decoder) = decoder else { return Cow::Borrowed(body) };
    let mut plain = Vec::new();
    for piece in body.chunks(MAX_PIECE_BYTES) {
        match decoder.push(piece) {
            Ok(more) if plain.len() < MAX_UNPACKED_BYTES => plain.extend_from_slice(&more),
            Ok(_) | Err(_) => break,
        }
    }
    Cow::Owned(plain)
}

fn is_json(body: &[u8]) -> bool {
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
    text.is_empty() || json_once(text, MAX_UNPACKED_BYTES).is_some()
}

/// Whether a body holds requests that a server would carry out one by one, as far as that is seen: messages of HTTP in parts
/// (RFC 9112, section 10.2; OData and Google's interfaces have them), and JSON whose outermost list, or one of [`LISTS`], holds
/// something with a method and an address (OData 4.01, SCIM in RFC 7644, Salesforce, Graph).
fn is_batch(kind: &str, plain: &[u8]) -> bool {
    let is_message = |text: &str| text.to_ascii_lowercase().contains(MESSAGE);
    if kind.trim_start().starts_with("multipart/") && !kind.trim_start().starts_with("multipart/form-data") {
        return is_message(kind) || is_message(&in_letters(plain));
    }
    let text = plain.strip_prefix(b"\xef\xbb\xbf").unwrap_or(plain).trim_ascii();
    is_message(kind)
        || match json_once(text, MAX_UNPACKED_BYTES) {
            Some(Value::Array(all)) => all.iter().any(is_request),
            Some(Value::Object(members)) => members.iter().any(|(name, value)| {
                let is_listed = LISTS.contains(&bare(name).as_str());
                is_listed && value.as_array().is_some_and(|all| all.iter().any(is_request))
            }),
            Some(_) => false,
            // A name stands twice: readers that take the first see another list than those that take the last.
            None => serde_json::from_slice::<IgnoredAny>(text).is_ok(),
        }
}

/// Whether a member of a list is a request: it names a method of HTTP and where it goes.
fn is_request(value: &Value) -> bool {
    let Some(members) = value.as_object() else { return false };
    let is_method = |value: &Value| {
        value.as_str().is_some_and(|word| METHODS.contains(&word.trim().to_ascii_uppercase().as_str()))
    };
    let has = |list: &[&str], holds: &dyn Fn(&Value) -> bool| {
        members.iter().any(|(name, value)| list.contains(&bare(name).as_str()) && holds(value))
    };
    has(&["httpmethod", "httpverb", "method", "verb"], &is_method)
        && has(&["endpoint", "href", "path", "relativeurl", "uri", "url"], &Value::is_string)
}

/// A name in small letters, without its joints.
fn bare(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether a form, a form in parts, or JSON names another method.
#[must_use]
pub fn overrides(body: &[u8]) -> bool {
    let text = in_letters(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body));
    let text = text.trim();
    let in_json = || {
        let is_method = |name: &str| Meaning::of_member(name) == Some(Meaning::Method);
        text.starts_with('{') && has_member(text.as_bytes(), &is_method)
    };
    pairs(text).any(|(key, _)| is_override_field(&decoded(key))) || in_json() || in_parts(body)
}

fn is_override_field(name: &str) -> bool {
    Meaning::of_field(name) == Some(Meaning::Method)
}

/// Whether a form in parts names another method.
fn in_parts(body: &[u8]) -> bool {
    let mut parts = FormParts::new(MAX_HELD_NAME_BYTES);
    parts.push(body).is_err() || parts.finish().is_err()
}

/// Whether a body that is too long to be read ahead may be looked through while it passes: a form in parts and nothing else, not
/// packed, in a charset whose names are as in ASCII.
pub(in super::super) fn passes_in_parts(headers: &HeaderMap) -> bool {
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    let (Some(Ok(kind)), None) = (kinds.next().map(|kind| kind.to_str()), kinds.next()) else { return false };
    let kind = kind.to_ascii_lowercase();
    let mut words = kind.split(';');
    let is_form = words.next().is_some_and(|word| word.trim() == "multipart/form-data");
    is_form && !kind.contains(',') && is_charset(&kind) && Coding::of(headers) == Coding::Plain
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn attack_a_body_names_another_method_in_many_ways() {
        for (body, wanted) in [
            ("a=b&_method=DELETE", true),
            ("a=b&_method[]=DELETE", true),
            ("a=b&.method=DELETE", true),
            ("a=b&%5fmethod=DELETE", true),
            ("a=b&x_http_method_override=DELETE", true),
            ("method=x&a_method=y", false),
            (r#"{"_method":"DELETE"}"#, true),
            (r#"{"\u005fmethod":"DELETE"}"#, true),
            ("\u{feff} {\"a\":1,\"_Method\":\"DELETE\"}", true),
            (r#"{"method":"a","httpMethod":"GET","of":{"_method":1}}"#, false),
            ("--x\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--x--", true),
            ("--x\r\nContent-Disposition: form-data; name=_method; a=b\r\n\r\nDELETE\r\n--x--", true),
            ("--x\r\nContent-Disposition: form-data; name='_method'\r\n\r\nDELETE\r\n--x--", true),
            ("--x\r\nContent-Disposition: form-data; name = \"_me\\thod\"\r\n\r\nDELETE\r\n--x--", true),
            ("--x\r\nContent-Disposition: form-data;\r\n NAME=\"_method\"\r\n\r\nDELETE\r\n--x--", true),
            ("--x\nContent-Disposition: form-data; name*=utf-8''%5fmethod\n\nDELETE\n--x--", true),
            ("--x\r\nContent-Disposition: form-data; name*0=_me; name*1=thod\r\n\r\nDELETE\r\n--x--", true),
            (
                "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"_method\"\r\n\r\na\r\n--x--",
                false,
            ),
            ("", false),
        ] {
            assert_eq!(overrides(body.as_bytes()), wanted, "{body}");
        }
        // Nor does what is no text hide it.
        assert!(overrides(b"{\"a\":\"\xff\",\"_method\":\"DELETE\"}"));
        assert!(overrides(b"{\"\xff\":0,\"_method\":\"DELETE\"}"));
        for name in [
            &b"name\xa0=\"_method\""[..],
            b"name\x85=_method",
            b"name=\"\xa0_method\"",
            b"name=\xff_method\xff",
        ] {
            assert!(
                overrides(&[b"--x\r\nContent-Disposition: form-data; ", name, b"\r\n\r\nDELETE"].concat()),
                "{name:?}"
            );
        }
        assert!(!overrides(b"--x\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nname=a=\xff"));
    }

    #[test]
    fn attack_a_body_that_cannot_be_looked_through_is_closed() {
        let packed = |text: &str| {
            let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            coder.write_all(text.as_bytes()).unwrap();
            coder.finish().unwrap()
        };
        let cut = packed("a=b").get(..12).unwrap().to_vec();
        for (kind, coding, body, is_all, wanted) in [
            ("application/x-www-form-urlencoded", "", b"a=b".to_vec(), true, false),
            ("application/x-www-form-urlencoded", "", b"a=b".to_vec(), false, true),
            ("application/x-www-form-urlencoded", "gzip", packed("a=b"), true, false),
            ("application/x-www-form-urlencoded", "gzip", packed("_method=DELETE"), true, true),
            ("application/x-www-form-urlencoded", "gzip", cut, true, true),
            ("application/x-www-form-urlencoded", "br", b"a=b".to_vec(), true, true),
            ("application/x-www-form-urlencoded", "gzip, gzip", packed("a=b"), true, true),
            ("application/json; charset=utf-8", "", b"{}".to_vec(), true, false),
            ("application/json; charset=utf-16", "", b"{}".to_vec(), true, true),
            ("application/json", "", b"{'_method':'DELETE'}".to_vec(), true, true),
            ("application/json", "", Vec::new(), true, false),
            (
                "multipart/mixed; boundary=x",
                "",
                b"--x\r\nContent-Type: application/http\r\n\r\nDELETE /a HTTP/1.1\r\n\r\n--x--".to_vec(),
                true,
                true,
            ),
            (
                "multipart/mixed; boundary=x",
                "",
                b"--x\r\ncontent-type:\r\n Application/HTTP\r\n\r\nDELETE /a\r\n--x--".to_vec(),
                true,
                true,
            ),
            (
                "multipart/mixed; boundary=x",
                "",
                b"--x\r\nContent-Type: text/plain\r\n\r\na\r\n--x--".to_vec(),
                true,
                false,
            ),
            (
                "multipart/mixed; boundary=x",
                "gzip",
                packed("--x\r\nContent-Type: application/http\r\n\r\nDELETE /a\r\n--x--"),
                true,
                true,
            ),
            ("application/http; msgtype=request", "", b"DELETE /a HTTP/1.1\r\n\r\n".to_vec(), true, true),
            (
                "application/json",
                "",
                br#"{"requests":[{"id":"1","method":"DELETE","url":"/a"}]}"#.to_vec(),
                true,
                true,
            ),
            ("application/json", "", br#"[{"method":"delete","relative_url":"/a"}]"#.to_vec(), true, true),
            (
                "application/scim+json",
                "",
                br#"{"Operations":[{"Method":"PUT","path":"/a"}]}"#.to_vec(),
                true,
                true,
            ),
            (
                "text/plain",
                "",
                br#"{"batch_requests":[{"http_method":"GET","uri":"/a"}]}"#.to_vec(),
                true,
                true,
            ),
            // A reader of the first of two and one of the last see two bodies.
            (
                "application/json",
                "",
                br#"{"requests":[{"method":"DELETE","url":"/a"}],"requests":[]}"#.to_vec(),
                true,
                true,
            ),
            (
                "text/plain",
                "",
                br#"{"requests":[{"method":"DELETE","url":"/a"}],"requests":[]}"#.to_vec(),
                true,
                true,
            ),
            (
                "application/json",
                "",
                br#"{"a":[{"method":"DELETE","method":"GET","url":"/a"}]}"#.to_vec(),
                true,
                true,
            ),
            ("application/json; charset=utf-8; charset=utf-16", "", b"{}".to_vec(), true, true),
            (
                "application/json",
                "",
                br#"[{"jsonrpc":"2.0","method":"tools/call","id":1}]"#.to_vec(),
                true,
                false,
            ),
            ("application/json", "", br#"{"method":"POST","url":"https://hook.test"}"#.to_vec(), true, false),
            ("application/json", "", br#"{"routes":[{"method":"GET","path":"/a"}]}"#.to_vec(), true, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
            if !coding.is_empty() {
                headers.insert("content-encoding", coding.parse().unwrap());
            }
            assert_eq!(closed(&headers, &body, is_all).is_some(), wanted, "{kind} {coding}");
            assert!(may_obey(&headers), "{kind}");
        }
        let mut headers = HeaderMap::new();
        headers.append(CONTENT_TYPE, "text/plain".parse().unwrap());
        headers.append(CONTENT_TYPE, "application/json".parse().unwrap());
        assert!(closed(&headers, b"{'_method':'DELETE'}", true).is_some());
        let mut headers = HeaderMap::new();
        assert!(may_obey(&headers));
        for (kind, wanted) in
            [("application/octet-stream", false), ("image/png", false), ("text/plain", true), ("odd", true)]
        {
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
            assert_eq!(may_obey(&headers), wanted, "{kind}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_body_is_read_and_none_breaks_it(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
            let _ = (overrides(&body), closed(&HeaderMap::new(), &body, true));
        }
    }
}
